"""Waiting for a place on a machine: getting in line, the offer of what came free, the answer.

A machine is given back by `give_back` alone, and in that very transaction offered to the first
in line who may have it, so that nobody slips in between. What comes free in other ways (an outage
that ends, other hours, the last seat of what is shared) is found by `look`, a moment later.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby, islice
from typing import Any
from uuid import uuid4

from sqlalchemy import Row, and_, bindparam, delete, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from fablab.booking import consents, ledger, wait_rules
from fablab.booking.facts import gather, in_the_way, standing_of
from fablab.booking.kinds import Answer, ConsentKind, WaitEnd
from fablab.booking.known import Facts
from fablab.booking.models import Consent, Wait
from fablab.booking.offers import apart
from fablab.booking.orders import BookingRefused, Order, TooLate, order_behind, said
from fablab.booking.rules import answer_due
from fablab.booking.wait_rules import offer_due, on_offer, slots_in
from fablab.db import NoSuch, UTCDateTime, add_row, db, retried, writing
from fablab.machines import resources
from fablab.machines.commands import record, stand_in_line
from fablab.machines.inventory import Inventory, MachineFacts, of_place
from fablab.machines.kinds import Status
from fablab.machines.models import Machine, MachineResource, Occupancy
from fablab.members import staff
from fablab.places.models import Place
from fablab.slots import Slot, without

LOOKED_AT = 20  # in line, each time that a machine is given back
# The set-up, clean-up and cooling of any machine, each a month at most, and a day to spare.
FAR = timedelta(days=3 * 31 + 1)
TABLE = Wait.__table__


class FreeNow(Exception):
    """There is no need to wait: one of `slots` can be had right now."""

    def __init__(self, slots: list[Slot]) -> None:
        super().__init__(f"{len(slots)} free slots")
        self.slots = slots


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody waits for: a machine, for how long, somewhere in a window."""

    machine_id: int
    place_id: int
    window: Slot
    duration: timedelta
    member_id: int
    purpose: str = ""
    organization_id: int | None = None
    is_accompanied: bool = False


# -- getting in line, and leaving it


@retried
def join(wish: Wish, *, now: datetime) -> str:
    """Get in line, and give the wait's UID; waiting for the same already, it is that one, with
    what is said of it now.

    Raises BookingRefused when no slot could ever be theirs, FreeNow when one can be had at once,
    NoSuch (no such machine, or nobody), and Busy.
    """
    with writing() as session:
        staff.stand_in_line(session, wish.member_id)
        waiting = session.execute(OPEN.where(Wait.member_id == wish.member_id)).all()
        for wait in waiting:
            if is_same(wait, wish):
                session.execute(update(TABLE).where(TABLE.c.id == wait.id).values(**words_of(wish)))
                return str(wait.uid)
        wrong = wait_rules.out_of_bounds(wish.window, now, waits=len(waiting))
        if wrong:
            raise BookingRefused(wrong)
        facts = facts_for(wish, now)
        wrong = wait_rules.refusals(wish.window, wish.duration, facts)
        if wrong:
            raise BookingRefused(wrong)
        free = list(islice(slots_in(wish.window, wish.duration, facts), 100))
        if free:
            raise FreeNow(apart(free, [])[:3])
        uid = str(uuid4())
        add_row(
            session,
            Wait,
            uid=uid,
            place_id=wish.place_id,
            machine_id=wish.machine_id,
            member_id=wish.member_id,
            starts_at=wish.window.start,
            ends_at=wish.window.end,
            duration=wish.duration,
            created_at=now,
            **words_of(wish),
        )
        return uid


def words_of(wish: Wish) -> dict[str, Any]:
    """What is said with a wish, and may be said anew without losing one's place in line."""
    return {
        "organization_id": wish.organization_id,
        "purpose": wish.purpose,
        "is_accompanied": wish.is_accompanied,
    }


OPEN = select(TABLE).where(TABLE.c.ended_at.is_(None))


def is_same(wait: Row[Any], wish: Wish) -> bool:
    return (wait.machine_id, window_of(wait), wait.duration) == (
        wish.machine_id,
        wish.window,
        wish.duration,
    )


def facts_for(wish: Wish, now: datetime) -> Facts:
    inventory = of_place(place_id=wish.place_id)
    return gather(
        inventory,
        inventory.machine(wish.machine_id),
        wish.member_id,
        wish.window,
        now=now,
        organization_id=wish.organization_id,
        is_accompanied=wish.is_accompanied,
    )


@retried
def give_up(uid: str, *, by: int, now: datetime) -> None:
    """Wait no longer; what is offered just now is declined. A second time it changes nothing.

    Raises NoSuch for a wait that is not theirs, and Busy.
    """
    find(uid, by)
    with writing() as session:
        left = session.execute(
            update(TABLE)
            .where(TABLE.c.uid == uid, TABLE.c.ended_at.is_(None), TABLE.c.offered_id.is_(None))
            .values(ended_at=now, outcome=WaitEnd.GIVEN_UP)
        ).rowcount  # type: ignore[attr-defined]
    if not left and find(uid, by).ended_at is None:
        decline(uid, by=by, now=now)


def find(uid: str, member_id: int) -> Row[Any]:
    """Their wait, as it stands in the database now. Raises NoSuch for any other."""
    asked = select(TABLE).where(TABLE.c.uid == uid, TABLE.c.member_id == member_id)
    found = db.session.execute(asked).first()
    if found is None:
        raise NoSuch(f"they do not wait under {uid}")
    return found


def window_of(wait: Any) -> Slot:
    return Slot(wait.starts_at, wait.ends_at)


# -- what came free


def give_back(
    session: Session,
    booking: Row[Any],
    status: Status,
    what: str,
    *,
    by: int | None,
    now: datetime,
    after: dict[str, str] | None = None,
    how: WaitEnd = WaitEnd.DECLINED,
    is_offered: bool = True,
) -> bool:
    """End a booking, and offer its time to whoever waits; the record says `what`.

    Not `is_offered`, that is for the caller to do, once what the machine is freed for is written.

    The one way to free a machine. When the booking was itself an offer, the wait for it ends, by
    `how`, and the answer is True. In the machine's line already.
    """
    was_offered = booking.status == Status.PENDING and end_of_offer(session, booking, how, now)
    ledger.free(session, booking, status, what, by=by, now=now, after=after)
    if is_offered:
        offer(session, booking, now=now)
    return was_offered


def take_back(session: Session, booking: Row[Any], *, by: int | None, now: datetime) -> None:
    """Offer it no more, since what it was made of is not free after all: whoever it was kept for
    waits on, where they were in line.
    """
    ledger.free(session, booking, Status.CANCELLED, "offer_withdrawn", by=by, now=now)
    session.execute(
        update(TABLE)
        .where(TABLE.c.offered_id == booking.id, TABLE.c.ended_at.is_(None))
        .values(offered_id=None)
    )


def end_of_offer(session: Session, booking: Row[Any], how: WaitEnd, now: datetime) -> bool:
    ended = session.execute(
        update(TABLE)
        .where(TABLE.c.offered_id == booking.id, TABLE.c.ended_at.is_(None))
        .values(ended_at=now, outcome=how)
    )
    return bool(ended.rowcount)  # type: ignore[attr-defined]


IN_LINE = (
    select(TABLE)
    .where(
        TABLE.c.machine_id == bindparam("machine_id"),
        TABLE.c.ended_at.is_(None),
        TABLE.c.offered_id.is_(None),
        TABLE.c.starts_at < bindparam("until", type_=UTCDateTime()),
        TABLE.c.ends_at > bindparam("since", type_=UTCDateTime()),
    )
    .order_by(TABLE.c.created_at, TABLE.c.id)
    .limit(LOOKED_AT)
    .with_for_update()
)


def offer(session: Session, left: Row[Any], *, now: datetime) -> None:
    """Offer the time that a booking occupied, `left` being as it was, to the first in line whose
    window it lies in and who may have it; then what remains of it to the next.

    Whoever may not stays in line. One statement when nobody waits.
    """
    freed = Slot(left.occupied_from, left.occupied_until)
    if freed.end <= now:
        return
    line = line_for(session, left.machine_id, freed.widened(FAR, FAR))
    found = _stand_in_line(session, line)
    if found is None:
        return
    inventory, machine = found
    margin = margin_of(machine)
    near = freed.widened(margin, margin)
    if not all(window_of(wait).overlaps(near) for wait in line):
        line = line_for(session, machine.id, near)
    for wait in line:
        window = window_of(wait).within(near.widened(wait.duration, wait.duration))
        is_offered = window and offer_to(session, wait, window, inventory, machine, now=now)
        if is_offered and is_used_up(freed, machine):
            return


def line_for(session: Session, machine_id: int, span: Slot) -> Sequence[Row[Any]]:
    """Who waits for some of `span`, first come first."""
    values = {"machine_id": machine_id, "since": span.start, "until": span.end}
    return session.execute(IN_LINE, values).all()


def margin_of(machine: MachineFacts) -> timedelta:
    """How far from a booking's time it may keep the machine from others, for any kind of member;
    and an hour, by which a day that is lent may be longer.
    """
    margins = (max(policy.before, policy.after) for policy in machine.policies.values())
    return max(margins) + timedelta(hours=1)


def _stand_in_line(
    session: Session, line: Sequence[Row[Any]]
) -> tuple[Inventory, MachineFacts] | None:
    """The machine they wait for, once it is our turn on all that it shares; None without one."""
    if not line:
        return None
    inventory = of_place(place_id=line[0].place_id)
    machine = inventory.by_id.get(line[0].machine_id)
    if machine is None:  # retired
        return None
    resources.stand_in_line(session, machine.resources)
    return inventory, machine


def is_used_up(freed: Slot, machine: MachineFacts) -> bool:
    """Is less left of it than anybody may book? Whom a longer stretch around it would suit gets
    it from `look`.
    """
    least = min(policy.minimum for policy in machine.policies.values())
    taken, _shared = in_the_way(machine, freed, member_id=0)
    return all(part.duration < least for part in without([freed], (t.span for t in taken)))


def offer_to(
    session: Session,
    wait: Row[Any],
    window: Slot,
    inventory: Inventory,
    machine: MachineFacts,
    *,
    now: datetime,
) -> bool:
    """Keep the first slot of `window` that they may have for them to answer; False without one."""
    _facts, slot = what_suits(wait, window, inventory, machine, now)
    if slot is None:
        return False
    ledger.turn_the_page(session, wait.member_id)  # what is theirs stands still from here on
    facts, slot = what_suits(wait, window, inventory, machine, now)
    if slot is None:
        return False
    order = Order(
        machine.id,
        wait.place_id,
        slot,
        wait.member_id,
        wait.purpose,
        wait.organization_id,
        is_accompanied=wait.is_accompanied,
    )
    asked = [consents.Wanted(ConsentKind.MEMBER, wait.member_id)]
    columns = ledger.asked_for(inventory, order, facts, asked, {})
    _uid, made = ledger.add_booking(session, order, machine, facts, columns, now=now)
    consents.ask(session, made, asked, due_at=offer_due(slot, now), now=now)
    record(session, made, "offered", by=None, now=now, after=said(order))
    session.execute(update(TABLE).where(TABLE.c.id == wait.id).values(offered_id=made))
    return True


def what_suits(
    wait: Row[Any], window: Slot, inventory: Inventory, machine: MachineFacts, now: datetime
) -> tuple[Facts, Slot | None]:
    """The slot of `window` to offer them now, if any, and the facts it was found by."""
    facts = gather(
        inventory,
        machine,
        wait.member_id,
        window,
        now=now,
        organization_id=wait.organization_id,
        is_accompanied=wait.is_accompanied,
    )
    if not facts.acts_for_organization:
        return facts, None
    return facts, on_offer(window, wait.duration, facts)


# -- the background work

_other = aliased(Machine)
_mine, _theirs = aliased(MachineResource), aliased(MachineResource)
# Whatever decides what is free on a machine raises one of these: the machine's own revision,
# that of those it shares something with, that of the place's set-up.
REVISION = (
    select(func.sum(_other.revision))
    .where(
        or_(
            _other.id == Wait.machine_id,
            _other.id.in_(
                select(_theirs.machine_id)
                .join(_mine, _mine.resource_id == _theirs.resource_id)
                .where(_mine.machine_id == Wait.machine_id)
            ),
        )
    )
    .correlate(Wait)
    .scalar_subquery()
    + Place.revision
)
WAITING = (
    select(TABLE, REVISION.label("revision"))
    .join(Place, Place.id == TABLE.c.place_id)
    .where(TABLE.c.ended_at.is_(None), TABLE.c.offered_id.is_(None))
    .order_by(TABLE.c.machine_id, TABLE.c.created_at, TABLE.c.id)
)
MOVED = WAITING.where(
    or_(TABLE.c.seen_revision != REVISION, TABLE.c.ends_at <= bindparam("now", type_=UTCDateTime()))
)


def look(now: datetime) -> int:
    """Offer what came free otherwise than by `give_back`, and end what is over; how many offers.

    One statement when nothing has moved. Raises Busy.
    """
    return _look(db.session.execute(MOVED, {"now": now}).all(), now)


def sweep(now: datetime) -> int:
    """Look for everybody who waits: a quota, a suspension, a horizon move no revision."""
    return _look(db.session.execute(WAITING).all(), now)


def _look(waiting: Sequence[Row[Any]], now: datetime) -> int:
    """By reading first: to stand in a machine's line is itself a change of it."""
    over = [wait for wait in waiting if wait.ends_at <= now]
    ahead = [wait for wait in waiting if wait.ends_at > now]
    offered = 0
    for _machine_id, line in groupby(ahead, key=lambda wait: int(wait.machine_id)):
        served = [wait for wait in line if _would_suit(wait, now)]
        db.session.rollback()
        offered += _offer_all([wait.id for wait in served], now) if served else 0
    db.session.rollback()
    if waiting:
        _settle(over, ahead, now)
    return offered


def _would_suit(wait: Row[Any], now: datetime) -> bool:
    inventory = of_place(place_id=wait.place_id)
    machine = inventory.by_id.get(wait.machine_id)
    if machine is None:
        return False
    return what_suits(wait, ahead_of(wait, now), inventory, machine, now)[1] is not None


def ahead_of(wait: Row[Any], now: datetime) -> Slot:
    """What is left of the window."""
    return Slot(max(wait.starts_at, now), wait.ends_at)


@retried
def _offer_all(ids: list[int], now: datetime) -> int:
    """Offer to each of them, first come, first served; all wait for one machine."""
    with writing() as session:
        machine_id = session.scalars(select(TABLE.c.machine_id).where(TABLE.c.id.in_(ids))).first()
        if machine_id is None:
            return 0
        stand_in_line(session, machine_id)
        still = and_(TABLE.c.id.in_(ids), TABLE.c.offered_id.is_(None))
        asked = OPEN.where(still).order_by(TABLE.c.created_at, TABLE.c.id).with_for_update()
        line = session.execute(asked).all()
        found = _stand_in_line(session, line)
        if found is None:
            return 0
        return sum(offer_to(session, wait, ahead_of(wait, now), *found, now=now) for wait in line)


@retried
def _settle(over: Iterable[Row[Any]], ahead: Iterable[Row[Any]], now: datetime) -> None:
    """End what is over, and remember what was looked at."""
    with writing() as session:
        for wait in over:
            session.execute(
                update(TABLE)
                .where(TABLE.c.id == wait.id)
                .where(TABLE.c.ended_at.is_(None), TABLE.c.offered_id.is_(None))
                .values(ended_at=now, outcome=WaitEnd.OVER)
            )
        for wait in ahead:
            if wait.seen_revision != wait.revision:
                session.execute(
                    update(TABLE).where(TABLE.c.id == wait.id).values(seen_revision=wait.revision)
                )


KEPT = timedelta(days=90)  # what somebody waited for, once that is over


def tidy(session: Session, now: datetime) -> None:
    """Forget the waits that ended long ago; what they led to is a booking, and stays."""
    session.execute(delete(Wait).where(Wait.ended_at < now - KEPT))


# -- the answer


@retried
def accept(
    uid: str, *, by: int, now: datetime, buddy_id: int | None = None, read_hash: str = ""
) -> str:
    """Take what is offered, and give the booking's UID; a second time it is the same one.

    Every rule is asked again, and whose yes it needs besides. It is confirmed when nobody's is.

    Raises BookingRefused with every reason, and the offer stays; TooLate once it was answered
    otherwise or is due; NoSuch for a wait that is not theirs, and Busy.
    """
    here = find(uid, by)
    with writing() as session:
        booking, wait = in_line(session, here, by)
        if wait.outcome == WaitEnd.BOOKED:
            return str(booking.uid)
        asked = open_offer(booking)
        if wait.ended_at is not None or asked is None or asked.due_at <= now:
            raise TooLate
        inventory = of_place(place_id=wait.place_id)
        machine = inventory.machine(booking.machine_id)
        resources.stand_in_line(session, machine.resources)
        ledger.turn_the_page(session, by)
        offered = order_behind(booking, wait.place_id)
        order = replace(offered, buddy_id=buddy_id, read_hash=read_hash)
        facts = gather(
            inventory,
            machine,
            by,
            order.slot,
            now=now,
            organization_id=order.organization_id,
            buddy_id=buddy_id,
            is_accompanied=order.is_accompanied,
            has_read=machine.is_read(read_hash),
            moving=booking.id,
        )
        # It was offered in time: that it took them a while to answer is no lack of notice.
        facts = replace(facts, kept_start=booking.starts_at)
        standing = standing_of(by, wait.place_id)
        is_team = bool(standing and standing.is_team)
        ledger.accepted(order, facts, is_team=is_team)
        wanted = ledger.wanted_for(order, facts, is_team=is_team)
        answer(session, asked, Answer.YES, by=by, now=now)
        consents.ask(session, booking.id, wanted, due_at=answer_due(order.slot, facts), now=now)
        session.execute(
            update(Occupancy.__table__)
            .where(Occupancy.id == booking.id)
            .values(
                status=Status.PENDING if wanted else Status.CONFIRMED,
                buddy_id=buddy_id,
                created_by_id=by,
                revision=booking.revision + 1,
                changed_at=now,
            )
        )
        end_of_offer(session, booking, WaitEnd.BOOKED, now)
        ledger.note_what_was_read(session, order, machine, now)
        record(session, booking.id, "accepted", by=by, now=now, after=said(order))
        return str(booking.uid)


@retried
def decline(uid: str, *, by: int, now: datetime) -> None:
    """Leave what is offered to the next in line; the wait ends. Again, it changes nothing.

    Raises TooLate once it was answered otherwise or is due, NoSuch for a wait that is not
    theirs, and Busy.
    """
    here = find(uid, by)
    with writing() as session:
        booking, wait = in_line(session, here, by)
        if wait.outcome == WaitEnd.DECLINED:
            return
        asked = open_offer(booking)
        if wait.ended_at is not None or asked is None or asked.due_at <= now:
            raise TooLate
        answer(session, asked, Answer.NO, by=by, now=now)
        give_back(session, booking, Status.CANCELLED, "declined", by=by, now=now)


def in_line(session: Session, here: Row[Any], by: int) -> tuple[Row[Any], Row[Any]]:
    """The booking that is or was offered, and the wait, once it is our turn on the machine.

    Raises TooLate when nothing was offered.
    """
    if here.offered_id is None:
        raise TooLate
    uid = session.scalars(select(Occupancy.uid).where(Occupancy.id == here.offered_id)).one()
    booking = ledger.find_in_line(session, uid, here.machine_id)
    return booking, find(here.uid, by)


def open_offer(booking: Any) -> Row[Any] | None:
    """The question to whom it is offered, until it is answered or has lapsed; it may be due."""
    asked = select(Consent.__table__).where(
        Consent.occupancy_id == booking.id,
        Consent.kind == ConsentKind.MEMBER,
        Consent.answer.is_(None),
    )
    return db.session.execute(asked).first() if booking.status == Status.PENDING else None


def is_offer(booking: Any) -> bool:
    """Is it kept for its member to accept? No statement but of what is pending."""
    return open_offer(booking) is not None


def answer(session: Session, asked: Row[Any], given: Answer, *, by: int, now: datetime) -> None:
    session.execute(
        update(Consent.__table__)
        .where(Consent.id == asked.id)
        .values(answer=given, answered_at=now, answered_by_id=by)
    )
