"""Which seats of a shared resource to take. Pure."""

from collections.abc import Mapping, Sequence

from fablab.slots import Slot


class NoSeatLeft(Exception):
    """Every seat is taken at some moment of the span."""


def seats_for(span: Slot, taken: Mapping[int, Sequence[Slot]]) -> list[tuple[int, Slot]]:
    """Seats that cover `span`, one after another, each for a part of it.

    At each moment the seat that stays free longest, so that changes are few; one may change
    seats on the way, so that the answer is no only when all of them are taken at once. `taken`
    has every seat, also those nobody claims. Raises NoSeatLeft.
    """
    parts: list[tuple[int, Slot]] = []
    at = span.start
    while at < span.end:
        free = {
            seat: min((t.start for t in claims if t.start > at), default=span.end)
            for seat, claims in taken.items()
            if not any(t.start <= at < t.end for t in claims)
        }
        if not free:
            raise NoSeatLeft
        seat = max(free, key=lambda one: (free[one], -one))
        until = min(free[seat], span.end)
        parts.append((seat, Slot(at, until)))
        at = until
    return parts


def full_time(span: Slot, taken: Mapping[int, Sequence[Slot]]) -> list[Slot]:
    """The stretches of `span` in which every seat is taken, soonest first."""
    edges = sorted(
        {
            edge
            for claims in taken.values()
            for t in claims
            for edge in (t.start, t.end)
            if span.start < edge < span.end
        }
    )
    bounds = [span.start, *edges, span.end]
    stretches: list[Slot] = []
    for start, end in zip(bounds, bounds[1:], strict=False):
        part = Slot(start, end)
        if not all(any(t.overlaps(part) for t in claims) for claims in taken.values()):
            continue
        if stretches and stretches[-1].end == start:
            stretches[-1] = Slot(stretches[-1].start, end)
        else:
            stretches.append(part)
    return stretches
