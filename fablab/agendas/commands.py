"""A calendar file is kept, applied in one go, undone in one go."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import Row, delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from fablab import clock
from fablab.agendas import queries, rules
from fablab.agendas.models import Agenda, AgendaDraft, AgendaEntry
from fablab.agendas.reading import HORIZON, Reading, read
from fablab.agendas.rules import A_DAY, Choice, Effect, Plan
from fablab.booking import waits
from fablab.db import NoSuch, add_row, add_rows, retried, writing
from fablab.machines import guards, resources
from fablab.machines.commands import end_outages, stand_in_line, withdraw_all
from fablab.machines.inventory import Inventory, of_place
from fablab.machines.kinds import Status
from fablab.machines.models import Occupancy
from fablab.members import audit
from fablab.members.kinds import Deed
from fablab.places.models import Closure
from fablab.slots import Slot


class DraftGone(LookupError):
    """The file was applied by somebody meanwhile, or is older than a day."""


class ChangedMeanwhile(Exception):
    """What would be done now is not what was shown. Nothing was done."""


class NothingToDo(Exception):
    """Nothing is chosen, or all of it is so already."""


class TooMuch(Exception):
    """It would take machines out more often than one calendar may."""


@retried
def keep(name: str, content: bytes, place_id: int, *, by: int, now: datetime) -> str:
    """Keep a file that was sent, and give the draft's UID. Of a place the latest few are kept: as
    large as they may be, they would else fill the disk. Raises Busy.
    """
    uid = str(uuid4())
    with writing() as session:
        add_row(
            session,
            AgendaDraft,
            uid=uid,
            place_id=place_id,
            name=name,
            content=content,
            made_at=now,
            made_by_id=by,
        )
        table = AgendaDraft.__table__
        latest = (
            select(table.c.id)
            .where(table.c.place_id == place_id)
            .order_by(table.c.id.desc())
            .limit(DRAFTS)
        )
        session.execute(
            delete(table).where(table.c.place_id == place_id, table.c.id.not_in(latest))
        )
    return uid


DRAFTS = 10  # of one place


def reading_of(draft: Row[Any], inventory: Inventory, now: datetime) -> Reading:
    """What it holds, in the place's own words where it says nothing itself. Raises Unreadable."""
    with force_locale(inventory.place.language):
        # Translators: why a machine or the place is closed, where the calendar does not say
        untitled = _("Not available")
    return read(draft.content, zone=inventory.schedule.zone, now=now, untitled=untitled)


def plan(inventory: Inventory, reading: Reading, choice: Choice, *, now: datetime) -> Plan:
    """What the file would do as things stand. One statement."""
    zone = inventory.schedule.zone
    last = clock.midnight(zone, clock.today(zone, now) + HORIZON + A_DAY)
    return rules.plan(
        reading,
        choice,
        zone=zone,
        now=now,
        day_off=inventory.schedule.day_off,
        taken=queries.taken(inventory.place.id, Slot(now, last)),
    )


@retried
def apply(
    uid: str,
    choice: Choice,
    *,
    place_id: int,
    seen: str,
    seen_bookings: str,
    by: int,
    now: datetime,
) -> str:
    """Close the days and take the machines that `choice` says, all or nothing; the agenda's UID.

    `seen` and `seen_bookings` are those of the plan that was shown. Bookings concerned stay, and
    outages go around them; or, if that is the choice, are cancelled as the team cancels.

    Raises DraftGone, ChangedMeanwhile, NothingToDo, TooMuch, and Busy.
    """
    try:
        draft = queries.draft(uid, place_id, now)
    except NoSuch as error:
        raise DraftGone from error
    reading = reading_of(draft, of_place(place_id=place_id), now)  # before anybody has to wait
    try:
        with writing() as session:
            if not _took(session, draft.id):
                raise DraftGone
            inventory = _stand_in_every_line(session, place_id)
            found = plan(inventory, reading, choice, now=now)
            _check(found, choice, seen, seen_bookings)
            _write(session, draft, found, choice, by=by, now=now)
            return uid
    except IntegrityError as error:
        if guards.refused(error):
            raise ChangedMeanwhile from error
        raise


def _took(session: Session, draft_id: int) -> bool:
    """Whether the draft is still there, and now ours alone: of two who apply it one finds none."""
    done: Any = session.execute(delete(AgendaDraft).where(AgendaDraft.id == draft_id))
    return bool(done.rowcount)


def _stand_in_every_line(session: Session, place_id: int) -> Inventory:
    """Of all the machines of the place, then of all that they share."""
    inventory = of_place(place_id=place_id)
    stand_in_line(session, *inventory.by_id)
    shared = {each for machine in inventory.machines for each in machine.resources}
    resources.stand_in_line(session, shared)
    return of_place(place_id=place_id)


def _check(found: Plan, choice: Choice, seen: str, seen_bookings: str) -> None:
    if found.is_too_much:
        raise TooMuch
    if found.seen != seen or (choice.cancels and found.seen_bookings != seen_bookings):
        raise ChangedMeanwhile
    if found.does_nothing:
        raise NothingToDo


def _write(
    session: Session, draft: Row[Any], found: Plan, choice: Choice, *, by: int, now: datetime
) -> None:
    uids = [each.uid for each in found.concerned]
    agenda_id = add_row(
        session,
        Agenda,
        uid=draft.uid,
        place_id=draft.place_id,
        name=draft.name,
        applied_at=now,
        applied_by_id=by,
        cancelled=uids if choice.cancels else [],
        stayed=[] if choice.cancels else uids,
    )
    # First the closures: whoever waits is then offered nothing on a day that is closed.
    entries = _close(session, draft.place_id, found.chosen, now)
    freed = _cancel(session, found, by=by, now=now) if choice.cancels else []
    entries += _take_out(session, found.chosen, by=by, now=now)
    add_rows(session, AgendaEntry, [{"agenda_id": agenda_id, **entry} for entry in entries])
    audit.note(
        session,
        Deed.AGENDA,
        place_id=draft.place_id,
        by=by,
        now=now,
        after={"file": draft.name, "closures": found.closures, "outages": found.outages}
        | ({"cancelled": len(freed)} if freed else {}),
    )
    for booking in freed:
        waits.offer(session, booking, now=now)


def _close(
    session: Session, place_id: int, effects: Sequence[Effect], now: datetime
) -> list[dict[str, Any]]:
    """As objects: the place's revision counts those."""
    entries: list[dict[str, Any]] = []
    for effect in effects:
        for days in effect.closures:
            uid = str(uuid4())
            session.add(
                Closure(
                    place_id=place_id,
                    uid=uid,
                    first_day=days.first,
                    last_day=days.last,
                    reason=effect.event.title,
                    changed_at=now,
                )
            )
            entries.append({"event_uid": effect.event.uid, "closure_uid": uid, "outage_uid": None})
    session.flush()
    return entries


def _cancel(session: Session, found: Plan, *, by: int, now: datetime) -> list[Row[Any]]:
    """As the team cancels, for the reason that the event is called by; what they leave is offered
    once the outages are in place.
    """
    table = Occupancy.__table__
    freed: list[Row[Any]] = []
    for booking in found.concerned:
        row = session.execute(select(table).where(table.c.id == booking.id)).one()
        waits.give_back(
            session,
            row,
            Status.CANCELLED,
            "cancelled",
            by=by,
            now=now,
            after={"why": found.because[booking.id]},
            is_offered=False,
        )
        freed.append(row)
    return freed


def _take_out(
    session: Session, effects: Sequence[Effect], *, by: int, now: datetime
) -> list[dict[str, Any]]:
    wanted = [(effect.event, each) for effect in effects for each in effect.outages]
    uids = withdraw_all(
        session,
        [(each.machine_id, each.span, event.title) for event, each in wanted],
        by=by,
        now=now,
    )
    return [
        {"event_uid": event.uid, "closure_uid": None, "outage_uid": uid}
        for (event, _), uid in zip(wanted, uids, strict=True)
    ]


@retried
def undo(uid: str, *, place_id: int, by: int, now: datetime) -> bool:
    """Take back the closures and outages that it made; False when that was done already.

    What has begun ends now, a closure with yesterday; what is over stays as it was. Bookings that
    were cancelled stay cancelled. Raises NoSuch for one of another place, and Busy.
    """
    agenda = queries.agenda(uid, place_id)
    with writing() as session:
        done: Any = session.execute(
            update(Agenda.__table__)
            .where(Agenda.id == agenda.id, Agenda.undone_at.is_(None))
            .values(undone_at=now, undone_by_id=by)
        )
        if not done.rowcount:
            return False
        machine_ids = {row.machine_id for row in queries.outages_of(agenda.id)}
        stand_in_line(session, *machine_ids)
        outages = end_outages(session, queries.outages_of(agenda.id), by=by, now=now)
        closures = _open_again(session, agenda.id, place_id, now)
        audit.note(
            session,
            Deed.AGENDA,
            place_id=place_id,
            by=by,
            now=now,
            before={"file": agenda.name, "closures": closures, "outages": outages},
        )
        return True


def _open_again(session: Session, agenda_id: int, place_id: int, now: datetime) -> int:
    today = clock.today(of_place(place_id=place_id).schedule.zone, now)
    closures = [each for each in queries.closures_of(agenda_id) if each.last_day >= today]
    for closure in closures:
        if closure.first_day >= today:
            session.delete(closure)
        else:
            closure.last_day = today - A_DAY
    session.flush()
    return len(closures)


def tidy(session: Session, now: datetime) -> None:
    """Forget the files that nobody applied within a day."""
    session.execute(delete(AgendaDraft).where(AgendaDraft.made_at <= now - queries.KEPT))
