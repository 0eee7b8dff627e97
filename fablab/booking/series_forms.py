"""What may be sent with a list of dates: what was asked for, and what is chosen of each."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from flask_babel import lazy_gettext
from werkzeug.datastructures import MultiDict
from wtforms import HiddenField, SubmitField
from wtforms.validators import Optional, Regexp

from fablab.booking import series
from fablab.booking.forms import LONGEST, BookingForm
from fablab.booking.orders import Order
from fablab.booking.series import Choice, Pick, Wish
from fablab.booking.series_rules import REACH
from fablab.machines.inventory import MachineFacts
from fablab.slots import Slot

# An alternative as a list of dates sends it: the machine, the start and the end in UTC.
INSTEAD = re.compile(r"([a-z0-9-]{1,80}) (\d{8}T\d{4})Z (\d{8}T\d{4})Z", re.ASCII)
STAMP = "%Y%m%dT%H%M"


class SeriesForm(BookingForm):
    """A booking's form that comes from a list of dates."""

    # Of which occurrences, as they were then, the list was drawn.
    listed = HiddenField(
        lazy_gettext("This form"),
        [
            Optional(),
            Regexp(
                r"[0-9a-f]{16}\Z",
                message=lazy_gettext("It was damaged on the way; send it again."),
            ),
        ],
    )
    confirm = SubmitField()  # else the dates are only listed


def fingerprint(wishes: Iterable[Wish]) -> str:
    return sha256(" ".join(wish.name for wish in wishes).encode()).hexdigest()[:16]


def field_name(wish: Wish) -> str:
    return f"date-{wish.name}"


def choices(
    sent: MultiDict[str, str], wishes: Iterable[Wish], machines: Mapping[str, MachineFacts]
) -> dict[str, Choice]:
    """What is chosen of each that the list had: left out, where it is nothing that can be read.

    `machines` are those of the place by their slugs. A box that is not ticked sends its "no" all
    the same, so that an occurrence of which nothing is said is one the list did not have.
    """
    names = ((wish, field_name(wish)) for wish in wishes)
    return {
        wish.name: _choice(sent.getlist(name)[-1], wish, machines)
        for wish, name in names
        if name in sent
    }


def _choice(said: str, wish: Wish, machines: Mapping[str, MachineFacts]) -> Choice:
    if said == Pick.YES:
        return Choice(Pick.YES)
    order = _instead(said, wish, machines)
    return Choice(Pick.INSTEAD, order) if order else Choice(Pick.NO)


def _instead(said: str, wish: Wish, machines: Mapping[str, MachineFacts]) -> Order | None:
    """The order that `said` stands for, if it may stand for this occurrence at all."""
    found = INSTEAD.fullmatch(said)
    if not found or found[1] not in machines:
        return None
    try:
        start, end = (datetime.strptime(at, STAMP).replace(tzinfo=UTC) for at in found.groups()[1:])
        is_near = abs(start - wish.order.slot.start) <= timedelta(days=REACH + 1)
        if not is_near or not start < end <= start + LONGEST:
            return None
    except (ValueError, OverflowError):
        return None
    return replace(series.on_machine(wish.order, machines[found[1]]), slot=Slot(start, end))


def written(order: Order, machine: MachineFacts) -> str:
    """An alternative, as the list sends it back."""
    slot = order.slot
    return f"{machine.slug} {slot.start:{STAMP}}Z {slot.end:{STAMP}}Z"
