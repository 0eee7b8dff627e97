"""The page on which somebody chooses what becomes of each booking that a machine lets down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import select

from fablab import texts
from fablab.booking.kinds import ConsentKind
from fablab.booking.offers import Offer
from fablab.booking.pages import when, why
from fablab.booking.waits import is_offer
from fablab.db import NoSuch, db
from fablab.machines.inventory import Inventory, MachineFacts
from fablab.machines.kinds import MachineState, OccupancyKind, Status
from fablab.mail import links
from fablab.members.models import Member
from fablab.slots import Slot
from fablab.upkeep import alternatives, stopping
from fablab.upkeep.alternatives import Alternative
from fablab.upkeep.pages import mail_to, named
from fablab.upkeep.stopping import CannotMove, Choice, Fate
from fablab.words import N_

LOOKED_FOR = 10  # bookings for which other slots are looked for; the others are moved by hand


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    text: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One booking, and what may become of it."""

    uid: str
    revision: int
    url: str
    when: str
    who: str
    email: str
    purpose: str
    options: list[Option]
    problems: list[str]


@dataclass(frozen=True, slots=True)
class Settling:
    """What takes the machine away: out of service from now on, or for a `span`. `away` is when it
    is, as far as that is known.
    """

    machine: MachineFacts
    rows: Sequence[Any]
    away: Slot | None
    span: Slot | None = None


def of_state(
    inventory: Inventory,
    machine: MachineFacts,
    state: MachineState,
    back_on: date | None,
    now: datetime,
) -> Settling:
    rows = stopping.concerned(inventory, machine.id, state, back_on, now)
    return Settling(machine, rows, stopping.away_until(inventory, back_on, now))


def of_span(machine: MachineFacts, span: Slot) -> Settling:
    rows = stopping.in_the_way(machine.id, span)
    return Settling(machine, [r for r in rows if r.kind == OccupancyKind.BOOKING], span, span)


def lines(
    settling: Settling,
    inventory: Inventory,
    typed: Mapping[str, str],
    problem: CannotMove | None,
    now: datetime,
    *,
    is_team: bool,
    shows_names: bool = True,
) -> list[Line]:
    """What a booking is for, its page and how to write to its member are the team's to see; who has
    booked, is not for the owner of a machine.
    """
    people = _people({row.member_id for row in settling.rows})
    found = [
        _line(settling, row, people[row.member_id], n, inventory, typed, problem, now)
        for n, row in enumerate(settling.rows)
    ]
    if not is_team:
        found = [replace(line, url="", email="", purpose="") for line in found]
    if not shows_names:
        found = [replace(line, who=_("Somebody"), problems=line.problems[:1]) for line in found]
    return found


def _line(
    settling: Settling,
    row: Any,
    person: Any,
    number: int,
    inventory: Inventory,
    typed: Mapping[str, str],
    problem: CannotMove | None,
    now: datetime,
) -> Line:
    offers: list[Alternative] = []
    if number < LOOKED_FOR and not is_offer(row):
        offers = alternatives.for_booking(
            inventory, row, now=now, without=settling.away, as_it_is=True
        )
    keep = (
        _("Leave it: the machine is withdrawn around it")
        if settling.span
        else _("Keep it and warn")
    )
    choices = [
        (Fate.KEEP.value, keep),
        *((written(row, offer), _in_words(offer, row, inventory)) for offer in offers),
        (Fate.CANCEL.value, _("Cancel it, with the reason given")),
    ]
    values = [value for value, _text in choices]
    chosen = typed.get(f"fate-{row.uid}", "")
    chosen = chosen if chosen in values else Fate.KEEP.value
    return Line(
        uid=row.uid,
        revision=row.revision,
        url=url_for("booking.show", uid=row.uid),
        when=when(Slot(row.starts_at, row.ends_at), inventory.schedule.zone, now),
        who=named(person.first_name, person.last_name),
        email="" if person.erased_at else person.email,
        purpose=row.title,
        options=[Option(value, text, value == chosen) for value, text in choices],
        problems=_problems(problem, named(person.first_name, person.last_name), inventory)
        if problem and problem.uid == row.uid
        else [],
    )


def _in_words(offer: Alternative, row: Any, inventory: Inventory) -> str:
    moment = texts.day_and_hours(offer.slot, inventory.schedule.zone)
    where = f"{offer.machine.code} {offer.machine.name}"
    if offer.machine.id == row.machine_id:
        words = _("Move it to %(when)s", when=moment)
    else:
        words = _("Move it to %(when)s, %(machine)s", when=moment, machine=where)
    if not offer.asks or row.status != Status.CONFIRMED:
        return words
    return f"{words}. {_(FIRM_NO_MORE[offer.asks[0]])}"


FIRM_NO_MORE = {
    ConsentKind.BUDDY: N_("It is firm no more until its buddy, who is asked again, says yes."),
    ConsentKind.OWNER: N_("It is firm no more until the owner of the machine says yes."),
}


def _problems(problem: CannotMove, who: str, inventory: Inventory) -> list[str]:
    """Each reason why it cannot go there, said of its member."""
    said = [each.sentence for each in why(problem.refusals, inventory.schedule.zone, who)]
    return [_("It cannot go there any more: choose again."), *said]


def _people(ids: set[int]) -> dict[int, Any]:
    columns = (Member.id, Member.first_name, Member.last_name, Member.email, Member.erased_at)
    rows = db.session.execute(select(*columns).where(Member.id.in_(ids)))
    return {row.id: row for row in rows}


def page_values(
    settling: Settling,
    inventory: Inventory,
    form: Mapping[str, str],
    why: Exception,
    *,
    now: datetime,
    is_team: bool,
    shows_names: bool = True,
    **more: Any,
) -> dict[str, Any]:
    """What the page shows; `why` it is asked, which is said beside a booking that cannot move. It
    sends what was typed before it along.
    """
    problem = why if isinstance(why, CannotMove) else None
    shown = lines(settling, inventory, form, problem, now, is_team=is_team, shows_names=shows_names)
    return {
        "machine": settling.machine,
        "lines": shown,
        "looked_for": LOOKED_FOR if len(shown) > LOOKED_FOR else None,
        "is_for_a_time": settling.span is not None,
        "during": when(settling.span, inventory.schedule.zone, now) if settling.span else "",
        "reason": form.get("reason") or form.get("state_reason") or "",
        "typed": typed_before(form),
        "mail_to": mail_to(shown),
        **more,
    }


def typed_before(form: Mapping[str, str]) -> dict[str, str]:
    ours = ("fate-", "seen-", "csrf_token")
    return {name: value for name, value in form.items() if not name.startswith(ours)}


# -- from the form and back


def written(row: Any, offer: Offer) -> str:
    """Signed: of a booking in this revision only what was offered is taken, whoever chooses."""
    where = (offer.machine.slug, offer.slot.start.isoformat(), offer.slot.end.isoformat())
    return " ".join((Fate.MOVE, *where, links.signed("move", row.uid, str(row.revision), *where)))


def read(form: Mapping[str, str], inventory: Inventory) -> dict[str, Choice]:
    """What was chosen, by the bookings' UIDs; what cannot be read was not chosen, nor what was
    not offered.
    """
    found = {}
    for name, value in form.items():
        uid = name.removeprefix("fate-")
        seen = form.get(f"seen-{uid}", "")
        if uid == name or not (seen.isascii() and seen.isdigit() and len(seen) < 10):
            continue
        choice = _choice(uid, value, int(seen), inventory)
        if choice is not None:
            found[uid] = choice
    return found


def _choice(uid: str, value: str, revision: int, inventory: Inventory) -> Choice | None:
    if value in (Fate.KEEP, Fate.CANCEL):
        return Choice(Fate(value), revision)
    try:
        move, *where, token = value.split(" ")
        is_ours = links.opened("move", token) == [uid, str(revision), *where]
    except (ValueError, NoSuch):
        return None
    machine = inventory.by_slug.get(where[0]) if is_ours and move == Fate.MOVE else None
    if machine is None:
        return None
    start, end = map(datetime.fromisoformat, where[1:])
    return Choice(Fate.MOVE, revision, machine.id, Slot(start, end))
