"""A calendar file is kept, applied in one go, undone in one go."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
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
from fablab.agendas.reading import HORIZON, Days, Reading, read
from fablab.agendas.rules import A_DAY, Choice, Earlier, Effect, Plan, Taken
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
from fablab.places.rules import DaysOff, Schedule
from fablab.slots import Slot
from fablab.upkeep import outside


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


@retried
def leave(uid: str, place_id: int) -> bool:
    """Forget a draft; False when there is none. Raises Busy."""
    with writing() as session:
        done: Any = session.execute(
            delete(AgendaDraft).where(AgendaDraft.uid == uid, AgendaDraft.place_id == place_id)
        )
        return bool(done.rowcount)


def reading_of(draft: Row[Any], inventory: Inventory, now: datetime) -> Reading:
    """What it holds, in the place's own words where it says nothing itself. Raises Unreadable."""
    with force_locale(inventory.place.language):
        # Translators: why a machine or the place is closed, where the calendar does not say
        untitled = _("Not available")
    return read(draft.content, zone=inventory.schedule.zone, now=now, untitled=untitled)


def earlier(inventory: Inventory, reading: Reading, now: datetime) -> list[Earlier]:
    """The imports that the file may replace. One statement."""
    today = clock.today(inventory.schedule.zone, now)
    return queries.earlier(inventory.place.id, reading.uids, today=today, now=now)


def plan(
    inventory: Inventory,
    reading: Reading,
    choice: Choice,
    *,
    now: datetime,
    earlier: Sequence[Earlier] = (),
) -> Plan:
    """What the file would do as things stand. One statement."""
    schedule = _without_closures(inventory.schedule, earlier, choice)
    zone = schedule.zone
    last = clock.midnight(zone, clock.today(zone, now) + HORIZON + A_DAY)
    return rules.plan(
        reading.called(choice.titles),
        choice,
        zone=zone,
        now=now,
        day_off=schedule.day_off,
        taken=queries.taken(inventory.place.id, Slot(now, last)),
        earlier=earlier,
    )


def _without_closures(schedule: Schedule, earlier: Iterable[Earlier], choice: Choice) -> Schedule:
    """As it is once the imports that are replaced are undone."""
    closures = list(schedule.closures)
    for made in (made for each in earlier if each.uid in choice.replaces for made in each.made):
        if isinstance(made.does, Days):
            off = DaysOff(*made.does, made.title)
            if off in closures:
                closures.remove(off)
    return replace(schedule, closures=tuple(closures))


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
    outages go around them; or, if that is the choice, are cancelled as the team cancels. Imports
    that are replaced are undone with it, but what is the same stays as it is, and a closure that
    moves is still the same closure.

    Raises DraftGone, ChangedMeanwhile, NothingToDo, TooMuch, and Busy.
    """
    try:
        draft = queries.draft(uid, place_id, now)
    except NoSuch as error:
        raise DraftGone from error
    inventory = of_place(place_id=place_id)
    reading = reading_of(draft, inventory, now)  # before anybody has to wait
    before = earlier(inventory, reading, now)
    try:
        with writing() as session:
            if not _took(session, draft.id):
                raise DraftGone
            _hold(session, before, choice)
            inventory = _stand_in_every_line(session, place_id, before)
            before = earlier(inventory, reading, now)
            found = plan(inventory, reading, choice, now=now, earlier=before)
            _check(found, choice, seen, seen_bookings)
            today = clock.today(inventory.schedule.zone, now)
            _write(session, draft, found, choice, today, by=by, now=now)
            outside.tell(session, inventory, by=by, now=now)
            return uid
    except IntegrityError as error:
        if guards.refused(error):
            raise ChangedMeanwhile from error
        raise


def _took(session: Session, draft_id: int) -> bool:
    """Whether the draft is still there, and now ours alone: of two who apply it one finds none."""
    done: Any = session.execute(delete(AgendaDraft).where(AgendaDraft.id == draft_id))
    return bool(done.rowcount)


def _hold(session: Session, before: Iterable[Earlier], choice: Choice) -> None:
    """The imports that are replaced, before the line of any machine, as whoever undoes one does."""
    ids = [each.id for each in before if each.uid in choice.replaces]
    if ids:
        asked = select(Agenda.id).where(Agenda.id.in_(ids)).order_by(Agenda.id)
        session.execute(asked.with_for_update())


def _stand_in_every_line(session: Session, place_id: int, before: Iterable[Earlier]) -> Inventory:
    """Of all the machines of the place, and of those retired meanwhile; then of all that they
    share.
    """
    inventory = of_place(place_id=place_id)
    withdrawn = (machine_id for each in before for machine_id in each.machine_ids)
    stand_in_line(session, *inventory.by_id, *withdrawn)
    shared = {each for machine in inventory.machines for each in machine.resources}
    resources.stand_in_line(session, shared)
    return of_place(place_id=place_id)


def _check(found: Plan, choice: Choice, seen: str, seen_bookings: str) -> None:
    if found.is_too_much:
        raise TooMuch
    if found.seen != seen or (choice.cancels_some and found.seen_bookings != seen_bookings):
        raise ChangedMeanwhile
    if found.does_nothing:
        raise NothingToDo


def _write(
    session: Session,
    draft: Row[Any],
    found: Plan,
    choice: Choice,
    today: date,
    *,
    by: int,
    now: datetime,
) -> None:
    cancelled = [each for each in found.concerned if choice.cancels or each.uid in choice.cancelled]
    gone = {each.uid for each in cancelled}
    agenda_id = add_row(
        session,
        Agenda,
        uid=draft.uid,
        place_id=draft.place_id,
        name=draft.name,
        applied_at=now,
        applied_by_id=by,
        cancelled=[each.uid for each in cancelled],
        stayed=[each.uid for each in found.concerned if each.uid not in gone],
        replaced=[each.uid for each in found.replaced],
    )
    _undo_replaced(session, found, today, by=by, now=now)
    # First the closures: whoever waits is then offered nothing on a day that is closed.
    entries = _close(session, draft.place_id, found.chosen, today, now)
    freed = _cancel(session, cancelled, found.because, by=by, now=now)
    entries += _take_out(session, found.chosen, by=by, now=now)
    add_rows(session, AgendaEntry, [{"agenda_id": agenda_id, **entry} for entry in entries])
    _take_over(session, found.chosen, agenda_id)
    audit.note(
        session,
        Deed.AGENDA,
        place_id=draft.place_id,
        by=by,
        now=now,
        after={"file": draft.name, "closures": found.closures, "outages": found.outages}
        | ({"cancelled": len(freed)} if freed else {})
        | ({"replaced": [each.name for each in found.replaced]} if found.replaced else {}),
    )
    for booking in freed:
        waits.offer(session, booking, now=now)


def _close(
    session: Session, place_id: int, effects: Sequence[Effect], today: date, now: datetime
) -> list[dict[str, Any]]:
    """As objects: the place's revision counts those."""
    entries: list[dict[str, Any]] = []
    for effect in effects:
        for days, made in effect.moved.items():
            [closure] = _closures(session, [made.uid])
            if closure.first_day >= today:  # what has begun stays where it was
                closure.first_day = days.first
            closure.last_day, closure.reason = days.last, effect.event.title
            closure.changed_at = now
        for days in effect.new_closures:
            if days in effect.moved:
                continue
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


def _undo_replaced(session: Session, found: Plan, today: date, *, by: int, now: datetime) -> None:
    """But for what the new one takes over."""
    for each in found.replaced:
        if not _is_undone_now(session, each.id, by=by, now=now):
            raise ChangedMeanwhile
    outages, gone = Occupancy.__table__, [made.uid for made in found.goes]
    for at in range(0, len(gone), queries.AT_ONCE):
        part = gone[at : at + queries.AT_ONCE]
        rows = session.execute(select(outages).where(outages.c.uid.in_(part))).all()
        end_outages(session, rows, by=by, now=now)
        _open_again(session, _closures(session, part), today)


def _closures(session: Session, uids: Sequence[str]) -> Sequence[Closure]:
    asked = select(Closure).where(Closure.uid.in_(uids))
    return session.scalars(asked.execution_options(populate_existing=True)).all()


def _take_over(session: Session, effects: Iterable[Effect], agenda_id: int) -> None:
    """What stays of the imports that are replaced, for whoever undoes this one."""
    table = AgendaEntry.__table__
    made = [made for each in effects for made in (*each.same.values(), *each.moved.values())]
    for at in range(0, len(made), queries.AT_ONCE):
        part = [each.entry_id for each in made[at : at + queries.AT_ONCE]]
        session.execute(update(table).where(table.c.id.in_(part)).values(agenda_id=agenda_id))


def _cancel(
    session: Session,
    bookings: Iterable[Taken],
    because: Mapping[int, str],
    *,
    by: int,
    now: datetime,
) -> list[Row[Any]]:
    """As the team cancels, for the reason that the event is called by; what they leave is offered
    once the outages are in place.
    """
    table = Occupancy.__table__
    freed: list[Row[Any]] = []
    for booking in bookings:
        row = session.execute(select(table).where(table.c.id == booking.id)).one()
        waits.give_back(
            session,
            row,
            Status.CANCELLED,
            "cancelled",
            by=by,
            now=now,
            after={"why": because[booking.id]},
            is_offered=False,
        )
        freed.append(row)
    return freed


def _take_out(
    session: Session, effects: Sequence[Effect], *, by: int, now: datetime
) -> list[dict[str, Any]]:
    wanted = [(effect.event, each) for effect in effects for each in effect.new_outages]
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
        if not _is_undone_now(session, agenda.id, by=by, now=now):
            return False
        machine_ids = {row.machine_id for row in queries.outages_of(agenda.id)}
        stand_in_line(session, *machine_ids)
        before = of_place(place_id=place_id)
        outages = end_outages(session, queries.outages_of(agenda.id), by=by, now=now)
        today = clock.today(before.schedule.zone, now)
        closures = _open_again(session, queries.closures_of(agenda.id), today)
        outside.tell(session, before, by=by, now=now)
        audit.note(
            session,
            Deed.AGENDA,
            place_id=place_id,
            by=by,
            now=now,
            before={"file": agenda.name, "closures": closures, "outages": outages},
        )
        return True


def _is_undone_now(session: Session, agenda_id: int, *, by: int, now: datetime) -> bool:
    """False when somebody was faster."""
    done: Any = session.execute(
        update(Agenda.__table__)
        .where(Agenda.id == agenda_id, Agenda.undone_at.is_(None))
        .values(undone_at=now, undone_by_id=by)
    )
    return bool(done.rowcount)


def _open_again(session: Session, closures: Iterable[Closure], today: date) -> int:
    closures = [each for each in closures if each.last_day >= today]
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
