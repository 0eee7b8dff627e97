"""Do the values of a policy hold together, wherever they come from? Pure."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from fablab.machines.kinds import RiskClass
from fablab.machines.policies import BookingPolicy, PolicyRow, resolve
from fablab.members.kinds import Audience
from fablab.words import N_


@dataclass(frozen=True, slots=True)
class Nonsense:
    """Values that cannot all hold: the first one is named as the one at fault."""

    names: tuple[str, ...]
    sentence: str


@dataclass(frozen=True, slots=True)
class Table:
    """What rules are laid over one another for: a machine, a category, else the place itself."""

    category_id: int | None = None
    machine_id: int | None = None
    risk: RiskClass = RiskClass.A
    name: str = ""  # of the machine

    def hears(self, row: PolicyRow) -> bool:
        if row.machine_id is not None:
            return row.machine_id == self.machine_id
        return row.category_id in (None, self.category_id)


@dataclass(frozen=True, slots=True)
class Conflict:
    """A nonsense, where it shows and for whom."""

    name: str
    sentence: str
    machine: str  # empty: where the policy itself is
    audience: Audience | None


def nonsense(policy: BookingPolicy) -> Iterator[Nonsense]:
    """Every way in which the values of `policy` contradict one another."""
    if policy.fixed:
        if policy.fixed % policy.step:
            yield Nonsense(
                ("fixed", "step"), N_("The fixed length is not a whole number of steps.")
            )
    elif policy.minimum > policy.maximum:
        yield Nonsense(
            ("maximum", "minimum", "fixed"),
            N_("The longest booking would be shorter than the shortest one."),
        )
    elif policy.minimum % policy.step:
        yield Nonsense(
            ("minimum", "step", "fixed"),
            N_("The shortest booking is not a whole number of steps."),
        )
    for name in ("quota_machine", "quota_category", "quota_risky"):
        hours: timedelta = getattr(policy, name)
        if hours and hours < policy.minimum:
            yield Nonsense(
                (name, "minimum", "fixed", "whole_days"),
                N_("Nobody could book: the hours of a week are fewer than the shortest booking."),
            )


def conflicts(
    tables: Iterable[Table],
    rows: Sequence[PolicyRow],
    audience: Audience | None,
    changed: Collection[str],
) -> list[Conflict]:
    """Where `rows` make no sense because of what is `changed`, one for each value at fault.

    Said for all, a value is heard by every audience: what is fine for most may contradict what
    one of them is told. What was wrong before and has nothing to do with it is left alone.
    """
    heard = (audience,) if audience else (None, *Audience)
    found: dict[str, Conflict] = {}
    for table in tables:
        own = [row for row in rows if table.hears(row)]
        for each in heard:
            for wrong in nonsense(resolve(own, each, table.risk)):
                at_fault = [name for name in wrong.names if name in changed]
                if at_fault:
                    found.setdefault(
                        at_fault[0], Conflict(at_fault[0], wrong.sentence, table.name, each)
                    )
    return list(found.values())
