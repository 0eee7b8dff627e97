"""What happens on the machines of the demonstration: some weeks behind, this one, and some ahead.

What is told is written as it is told, if the place is open then. The rest is drawn, always the
same for the same day, and only what the house rules accept of the person who books it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from random import Random
from typing import Any
from uuid import uuid4

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from fablab.booking.kinds import Answer, ConsentKind
from fablab.booking.known import Buddy, Facts, Held, Taken
from fablab.booking.ledger import times
from fablab.booking.models import Consent, Series
from fablab.booking.orders import Order, said
from fablab.booking.rules import occupied, refusals
from fablab.clock import to_wall, whole_day, whole_days
from fablab.db import add_row
from fablab.demo.lessons import PLANNED_BEFORE, Lesson
from fablab.demo.people import Player
from fablab.demo.stage import Stage
from fablab.machines import commands as machines
from fablab.machines.inventory import MachineFacts
from fablab.machines.kinds import Approval, OccupancyKind, RiskClass, Status
from fablab.machines.models import Change, Claim, Occupancy
from fablab.machines.policies import BookingPolicy
from fablab.machines.seating import NoSeatLeft, seats_for
from fablab.members.kinds import Audience
from fablab.places.kinds import Mode
from fablab.slots import Slot, without

FIRST_DAY, LAST_DAY = -42, 34  # from the Monday of the loading
TWO_WEEKS = range(14)
SEED = 86240
DAYTIME = frozenset({Mode.SUPERVISED, Mode.RESIDENT})
ANY_TIME = frozenset(Mode)
STANDING = (Status.CONFIRMED, Status.PENDING)
LENGTHS = [timedelta(minutes=m) for m in (60, 60, 90, 90, 120, 120, 180, 240)]
QUARTER = timedelta(minutes=15)
QUITE_FREE = timedelta(hours=1)
HALF_AN_HOUR = timedelta(minutes=30)
BOOKED_BEFORE = timedelta(days=4)  # at most
LIVELY = 9  # machines in use on a day, if it can be
TRIES = 4  # at each booking that is drawn
ANSWERED_AFTER = timedelta(minutes=20)
RISKY = frozenset({RiskClass.C, RiskClass.D})
# Who it is, is found once the slot is.
A_BUDDY = Buddy(is_member=True, held=(Held(4, date.min, None),))


@dataclass(frozen=True)
class Entry:
    """One line of the diary."""

    machine: MachineFacts
    slot: Slot
    whole: Slot  # with set-up and clean-up
    title: str
    created_at: datetime
    made_by: int
    status: Status = Status.CONFIRMED
    player: Player | None = None  # who booked; none: an outage, or a training session
    organization_id: int | None = None
    cancelled_at: datetime | None = None
    buddy: Player | None = None
    seats: tuple[tuple[int, Slot], ...] = ()  # of what it shares with other machines
    consents: tuple["Asked", ...] = ()
    session_id: int | None = None  # of the training that it holds the machine for
    every_weeks: int = 0  # when it is part of what they booked in one go
    arrived_at: datetime | None = None
    left_at: datetime | None = None
    missed_at: datetime | None = None

    @property
    def is_standing(self) -> bool:
        return self.status in STANDING


@dataclass(frozen=True)
class Asked:
    """Somebody's yes that a booking needs, and who said it; none: it is still waited for."""

    kind: ConsentKind
    asked: Player | None = None  # none: whoever is on the team, or manages the owner
    answered_by: int | None = None


class Diary:
    def __init__(self, told: dict[str, Any], stage: Stage, players: list[Player]) -> None:
        self.told = told
        self.stage = stage
        self.loading = stage.loading
        self.now = stage.loading.now
        self.players = {player.key: player for player in players}
        self.regulars = [player for player in players if player.is_regular]
        self.team = players[0].member_id
        self.dice = Random(SEED)
        self.entries: list[Entry] = []
        self.taken: dict[str, list[Taken]] = {slug: [] for slug in stage.machines}
        self.busy: dict[str, list[Slot]] = {player.key: [] for player in players}
        shared = {r.id: r for machine in stage.machines.values() for r in machine.resources}
        self.seats: dict[int, list[Slot]] = {
            seat: [] for resource in shared.values() for seat in resource.seats
        }
        self.standing: dict[str, list[Entry]] = {player.key: [] for player in players}

    def fill(self, lessons: Iterable[Lesson]) -> list[Entry]:
        for lesson in lessons:
            self.hold(lesson)
        for told in self.told["outage"]:
            for shift in repetitions(told):
                if "end_day" in told or not self.is_day_off(told["day"] + shift):
                    self.withdraw(told["machine"], self.loading.slot(told, shift), told["why"])
        for told in self.told["booking"]:
            for shift in repetitions(told):
                self.book_as_told(told, shift)
        self.look_after_closed_days()
        for offset in TWO_WEEKS:
            self.enliven(self.loading.from_monday(offset))
        for offset in range(FIRST_DAY, LAST_DAY + 1):
            self.draw_day(offset)
        return self.entries

    # -- what is told

    def hold(self, lesson: Lesson) -> None:
        created_at = self.now - PLANNED_BEFORE
        for slug in lesson.machines:
            machine, slot = self.stage.machines[slug], lesson.slot
            held = Entry(machine, slot, slot, lesson.training, created_at, self.team)
            seats = self.find_seats(held) or ()
            self.add(replace(held, session_id=lesson.session_id, seats=seats))

    def withdraw(self, machine: str, span: Slot, why: str) -> bool:
        """False when something stands in the way."""
        if any(taken.span.overlaps(span) for taken in self.taken[machine]):
            return False
        created_at = min(span.start, self.now) - timedelta(days=6)
        self.add(Entry(self.stage.machines[machine], span, span, why, created_at, self.team))
        return True

    def book_as_told(self, told: dict[str, Any], shift: int) -> None:
        """The week told, as it is told; its repetitions, if the rules accept them."""
        machine, player = self.stage.machines[told["machine"]], self.players[told["who"]]
        slot = self.loading.slot(told, shift)
        status = Status(told.get("status", Status.CONFIRMED))
        before = timedelta(days=2, hours=told["day"] % 7)
        if status is Status.PENDING:  # asked a moment ago: there is still time to answer
            before = HALF_AN_HOUR
        created_at = min(slot.start, self.now) - before
        if self.stage.schedule.closed_time(slot, ANY_TIME):
            return
        if shift and not self.is_accepted(machine, player, slot, created_at):
            return
        buddy = self.players[told["buddy"]] if "buddy" in told else None
        if status is Status.PENDING and slot.start <= self.now:
            status = Status.CANCELLED  # nobody answered in time
        every_weeks = told["every"] // 7 if told.get("is_series") else 0
        self.book(machine, player, slot, told["purpose"], created_at, status, buddy, every_weeks)

    def look_after_closed_days(self) -> None:
        """Upkeep on the days off of this week and the next, so that no day is empty."""
        upkeep = self.told["upkeep"]
        for offset in TWO_WEEKS:
            if not self.is_day_off(offset):
                continue
            why = upkeep["why"][offset % len(upkeep["why"])]
            slot = self.loading.slot(upkeep | {"day": offset})
            turn = offset % len(upkeep["machines"])
            in_turn = upkeep["machines"][turn:] + upkeep["machines"][:turn]
            for machine in in_turn:
                if self.withdraw(machine, slot, why):
                    break

    def is_day_off(self, offset: int) -> bool:
        return self.stage.schedule.day_off(self.loading.from_monday(offset)) is not None

    # -- what is drawn

    def draw_day(self, offset: int) -> None:
        day = self.loading.from_monday(offset)
        for category in self.told["category"]:
            for machine in self.stage.machines.values():
                if machine.category.slug != category["slug"] or not machine.is_in_service:
                    continue
                for _ in range(category["demand"]):
                    if self.dice.random() < liveliness(offset):
                        self.draw(machine, category, day)

    def enliven(self, day: date) -> None:
        """Somebody on some machines, before other days have used up what each may book."""
        categories = {category["slug"]: category for category in self.told["category"]}
        machines = [m for m in self.stage.machines.values() if m.is_in_service]
        idle = [machine for machine in machines if not self.is_busy(machine, day)]
        missing = LIVELY - len(machines) + len(idle)
        for machine in self.dice.sample(idle, len(idle)):
            if missing <= 0:
                return
            self.draw(machine, categories[machine.category.slug], day)
            missing -= self.is_busy(machine, day)

    def is_busy(self, machine: MachineFacts, day: date) -> bool:
        whole = whole_day(self.loading.zone, day)
        return any(
            taken.span.overlaps(whole) and not taken.is_outage for taken in self.taken[machine.slug]
        )

    def draw(self, machine: MachineFacts, category: dict[str, Any], day: date) -> None:
        for turn in range(2 * TRIES):
            player = self.draw_player(machine, is_last=turn >= TRIES)
            slot = self.draw_slot(machine, player, day, category.get("left_free", 0))
            if slot is None or not self.suits(player, slot):
                continue
            ahead = BOOKED_BEFORE * self.dice.uniform(0.03, 1)
            created_at = (min(slot.start, self.now) - ahead).replace(microsecond=0)
            if not self.is_accepted(machine, player, slot, created_at):
                continue
            buddy = None
            if machine.policy_for(player.audience).buddy:
                buddy = self.find_buddy(machine, player, slot)
                if buddy is None:
                    continue
            purpose = self.dice.choice(category["purposes"])
            self.book(machine, player, slot, purpose, created_at, self.draw_status(slot), buddy)
            return

    def draw_player(self, machine: MachineFacts, *, is_last: bool) -> Player:
        """Mostly those trained on it, seldom the team, who are there for others: for visitors
        at last, when no member comes.
        """
        asks_level = machine.policy_for(None).level > 0
        able = [p for p in self.regulars if machine.slug in p.held or not asks_level]
        weights = [1 if player.audience is Audience.STAFF else 6 for player in able]
        if is_last:
            able = [p for p in able if p.audience is Audience.STAFF]
            weights = [1] * len(able)
        return self.dice.choices(able, weights)[0]

    def draw_slot(
        self, machine: MachineFacts, player: Player, day: date, left_free: int
    ) -> Slot | None:
        """Somewhere in the hours of the day, on the half-hour or right after somebody else."""
        policy = machine.policy_for(player.audience)
        stretches = self.stage.schedule.open_time(day, day, policy.modes & DAYTIME)
        if not stretches:
            return None
        if policy.whole_days:
            days = self.dice.randint(1, policy.maximum // timedelta(days=1))
            return whole_days(self.loading.zone, day, day + timedelta(days=days - 1))
        lengths = [n for n in LENGTHS if policy.minimum <= n <= policy.maximum]
        length = self.dice.choice(lengths or [policy.minimum])
        free = without(stretches, [taken.span for taken in self.taken[machine.slug]])
        usable = [part.end for part in free if part.duration >= QUITE_FREE]
        last = max(usable, default=stretches[0].start) - timedelta(minutes=left_free)
        within_the_day = min(length, max(LENGTHS))  # a loan of some days only starts in it
        starts = [
            start
            for part in free
            for start in steps(part.start, min(part.end, last) - within_the_day)
        ]
        return Slot.lasting(self.dice.choice(starts), length) if starts else None

    def suits(self, player: Player, slot: Slot) -> bool:
        """They had joined when they booked, and are nowhere else then."""
        day = to_wall(self.loading.zone, slot.start).date()
        is_member = day > player.joined + BOOKED_BEFORE
        return is_member and not any(slot.overlaps(other) for other in self.busy[player.key])

    def draw_status(self, slot: Slot) -> Status:
        """Some cancel; once it is over, some did not come."""
        luck = self.dice.random()
        if luck < 0.05:
            return Status.CANCELLED
        return Status.MISSED if luck > 0.97 and slot.end < self.now else Status.CONFIRMED

    def is_accepted(
        self, machine: MachineFacts, player: Player, slot: Slot, created_at: datetime
    ) -> bool:
        """By the house rules of that moment, with room left for whoever tries the demonstration."""
        policy = machine.policy_for(player.audience)
        entry = Entry(machine, slot, occupied(slot, policy), "", created_at, player.member_id)
        return (
            not refusals(slot, self.facts(machine, player, created_at))
            and self.has_turns_left(entry, player, policy)
            and self.has_hours_left(entry, player, policy)
            and self.has_bookings_left(entry, player, policy)
            and self.find_seats(entry) is not None
        )

    def has_turns_left(self, entry: Entry, player: Player, policy: BookingPolicy) -> bool:
        """On the machine that week; one is left where there is more than one."""
        others = [
            other
            for other in self.standing[player.key]
            if other.machine is entry.machine and self.weeks(other) & self.weeks(entry)
        ]
        return not policy.weekly_bookings or len(others) < max(1, policy.weekly_bookings - 1)

    def has_hours_left(self, entry: Entry, player: Player, policy: BookingPolicy) -> bool:
        """Of the week's on risky machines, two of which are left."""
        if not policy.quota_risky or entry.machine.risk_class not in RISKY:
            return True
        used = sum(
            (
                other.slot.duration
                for other in self.standing[player.key]
                if other.machine.risk_class in RISKY and self.weeks(other) & self.weeks(entry)
            ),
            entry.slot.duration,
        )
        return used <= policy.quota_risky - timedelta(hours=2)

    def has_bookings_left(self, entry: Entry, player: Player, policy: BookingPolicy) -> bool:
        """Of those ahead, a quarter of which is left, at every moment one of them was made."""
        if not policy.bookings_ahead:
            return True
        every = [*self.standing[player.key], entry]
        most = policy.bookings_ahead * 3 // 4
        return all(
            sum(other.slot.end > one.created_at for other in every) <= most
            for one in every
            if one.slot.end > self.now
        )

    def weeks(self, entry: Entry) -> set[tuple[int, int]]:
        """The weeks on the wall that a booking touches."""
        days = self.stage.schedule.days_of(entry.slot)
        return {(day.isocalendar().year, day.isocalendar().week) for day in days}

    def find_seats(self, entry: Entry) -> tuple[tuple[int, Slot], ...] | None:
        """Of each thing it shares with other machines; None when there is none left."""
        try:
            return tuple(
                part
                for resource in entry.machine.resources
                for part in seats_for(
                    entry.whole, {seat: self.seats[seat] for seat in resource.seats}
                )
            )
        except NoSeatLeft:
            return None

    def find_buddy(self, machine: MachineFacts, player: Player, slot: Slot) -> Player | None:
        """Somebody else qualified on the machine who is nowhere else then."""
        level = machine.policy_for(player.audience).level
        days = self.stage.schedule.days_of(slot)
        able = [
            other
            for other in self.players.values()
            if other is not player
            and other.suspended_until is None
            and (other.expires_on is None or days[1] <= other.expires_on)
            and any(
                held.level >= level and held.is_valid_on(*days)
                for held in other.held.get(machine.slug, ())
            )
            and self.suits(other, slot)
        ]
        return self.dice.choice(able) if able else None

    def facts(self, machine: MachineFacts, player: Player, now: datetime) -> Facts:
        """What the rules would have been told when the booking was made."""
        return Facts(
            now=now,
            schedule=self.stage.schedule,
            policy=machine.policy_for(player.audience),
            machine_state=machine.state,
            membership_ends_on=player.expires_on,
            suspended_until=player.suspended_until,
            suspension_reason=player.suspension_reason,
            held=tuple(player.held.get(machine.slug, ())),
            taken=tuple(self.taken[machine.slug]),
            machine_id=machine.id,
            risk=machine.risk_class,
            is_owned=machine.owner_id is not None,
            agreements=machine.agreements,
            is_of_owner=is_of_owner(machine, player),
            standing_audience=player.audience,
            buddy=A_BUDDY if machine.policy_for(player.audience).buddy else None,
        )

    # -- writing it into the diary

    def book(
        self,
        machine: MachineFacts,
        player: Player,
        slot: Slot,
        purpose: str,
        created_at: datetime,
        status: Status,
        buddy: Player | None = None,
        every_weeks: int = 0,
    ) -> None:
        cancelled_at = None
        if status is Status.CANCELLED:
            cancelled_at = min(slot.start - timedelta(hours=3), self.now - QUARTER)
        entry = Entry(
            machine,
            slot,
            occupied(slot, machine.policy_for(player.audience)),
            purpose,
            created_at,
            player.member_id,
            status,
            player,
            player.organization_id,
            cancelled_at and max(cancelled_at, created_at),
            buddy,
            every_weeks=every_weeks,
        )
        if entry.is_standing:
            seats = self.find_seats(entry)
            if seats is None:
                return
            entry = replace(entry, seats=seats, consents=tuple(self.consents(entry, player)))
        self.add(entry)

    def consents(self, entry: Entry, player: Player) -> Iterator[Asked]:
        """Everybody had said yes to what is confirmed; to what is pending, the owner not yet."""
        policy = entry.machine.policy_for(player.audience)
        if entry.buddy:
            yield Asked(ConsentKind.BUDDY, entry.buddy, entry.buddy.member_id)
        is_first = all(other.machine is not entry.machine for other in self.standing[player.key])
        if policy.approval is Approval.FIRST and is_first:
            yield Asked(ConsentKind.TEAM, answered_by=self.team)
        agreement = entry.machine.agreement_on(to_wall(self.loading.zone, entry.slot.start).date())
        asks_owner = agreement.asks_owner if agreement else policy.owner_approval
        if asks_owner and not is_of_owner(entry.machine, player):
            is_waiting = entry.status is Status.PENDING
            yield Asked(
                ConsentKind.OWNER,
                answered_by=None if is_waiting else self.manager_of(entry.machine.owner_id),
            )

    def manager_of(self, organization_id: int | None) -> int:
        return next(
            player.member_id
            for player in self.players.values()
            if player.organization_id == organization_id
        )

    def add(self, entry: Entry) -> None:
        self.entries.append(entry)
        if entry.is_standing:
            since = entry.created_at if is_of_owner(entry.machine, entry.player) else None
            self.taken[entry.machine.slug].append(Taken(entry.whole, owner_since=since))
            for seat, part in entry.seats:
                self.seats[seat].append(part)
            for one in (entry.player, entry.buddy):
                if one:
                    self.busy[one.key].append(entry.slot)
            if entry.player:
                self.standing[entry.player.key].append(entry)


def is_of_owner(machine: MachineFacts, player: Player | None) -> bool:
    return machine.owner_id is not None and bool(
        player and player.organization_id == machine.owner_id
    )


def repetitions(told: dict[str, Any]) -> Iterator[int]:
    """By how many days what is told is shifted: 0 first, then each repetition."""
    yield 0
    if "every" in told:
        every, day = told["every"], told["day"]
        first, last = -((day - FIRST_DAY) // every), (LAST_DAY - day) // every
        yield from (n * every for n in range(first, last + 1) if n)


def liveliness(offset: int) -> float:
    """How much of the usual demand a day sees: the weeks ahead fill up as they come nearer."""
    week = offset // 7
    return {0: 0.75, 1: 0.75, 2: 0.45, 3: 0.25, 4: 0.12}.get(week, 0.45)


def steps(first: datetime, last: datetime) -> Iterator[datetime]:
    while first <= last:
        yield first
        first += HALF_AN_HOUR


def write(session: Session, entries: list[Entry]) -> None:
    """Insert the occupancies, what is recorded of each, the seats they take, who agreed."""
    series = write_series(session, entries)
    rows = [row_of(entry) | {"series_id": series.get(series_of(entry))} for entry in entries]
    session.execute(insert(Occupancy.__table__), rows)
    ids = {row.uid: row.id for row in session.execute(select(Occupancy.uid, Occupancy.id))}
    records = [
        record
        for row, entry in zip(rows, entries, strict=True)
        for record in records_of(entry, ids[row["uid"]])
    ]
    # Nobody is written to about what was never theirs.
    told = [record | {"told_at": record["made_at"]} for record in records]
    session.execute(insert(Change.__table__), told)
    claims = [
        {
            "seat_id": seat,
            "occupancy_id": ids[row["uid"]],
            "claimed_from": part.start,
            "claimed_until": part.end,
        }
        for row, entry in zip(rows, entries, strict=True)
        for seat, part in entry.seats
    ]
    if claims:
        session.execute(insert(Claim.__table__), claims)
    consents = [
        consent_of(entry, asked, ids[row["uid"]])
        for row, entry in zip(rows, entries, strict=True)
        for asked in entry.consents
    ]
    if consents:
        session.execute(insert(Consent.__table__), consents)


def series_of(entry: Entry) -> tuple[Any, ...] | None:
    """What stands for the series it is part of."""
    if not entry.every_weeks or entry.player is None:
        return None
    return entry.player.key, entry.machine.id, entry.title, entry.every_weeks


def write_series(session: Session, entries: list[Entry]) -> dict[tuple[Any, ...] | None, int]:
    """A row for each series that is told, with its id."""
    first = {of: entry for entry in reversed(entries) if (of := series_of(entry))}
    return {
        of: add_row(
            session,
            Series,
            uid=str(uuid4()),
            member_id=entry.player.member_id if entry.player else None,
            every_weeks=entry.every_weeks,
            created_at=min(each.created_at for each in entries if series_of(each) == of),
        )
        for of, entry in first.items()
    }


def consent_of(entry: Entry, asked: Asked, occupancy_id: int) -> dict[str, Any]:
    assert entry.player
    policy = entry.machine.policy_for(entry.player.audience)
    is_answered = asked.answered_by is not None
    return {
        "uid": str(uuid4()),
        "occupancy_id": occupancy_id,
        "kind": asked.kind,
        "asked_id": asked.asked.member_id if asked.asked else None,
        "asked_at": entry.created_at,
        "due_at": min(entry.created_at + policy.answer_within, entry.slot.start),
        "answer": Answer.YES if is_answered else None,
        "answered_at": entry.created_at + ANSWERED_AFTER if is_answered else None,
        "answered_by_id": asked.answered_by,
        "why": "",
    }


def row_of(entry: Entry) -> dict[str, Any]:
    return {
        "uid": str(uuid4()),
        "kind": kind_of(entry),
        "session_id": entry.session_id,
        "status": entry.status,
        "standing": entry.is_standing,
        "revision": 1 if entry.cancelled_at or entry.missed_at else 0,
        "created_at": entry.created_at,
        "changed_at": entry.cancelled_at or entry.missed_at or entry.created_at,
        "arrived_at": entry.arrived_at,
        "left_at": entry.left_at,
        "cancelled_at": entry.cancelled_at,
        "created_by_id": entry.made_by,
        "member_id": entry.player.member_id if entry.player else None,
        "organization_id": entry.organization_id,
        "activity": entry.player.activity if entry.player else "",
        "audience": entry.player.audience if entry.player else None,
        "title": entry.title,
        "buddy_id": entry.buddy.member_id if entry.buddy else None,
        "counts_in_quota": not is_last_minute(entry),
        **times(entry.machine.id, entry.slot, entry.whole),
    }


def kind_of(entry: Entry) -> OccupancyKind:
    if entry.session_id is not None:
        return OccupancyKind.SESSION
    return OccupancyKind.BOOKING if entry.player else OccupancyKind.OUTAGE


def is_last_minute(entry: Entry) -> bool:
    if entry.player is None:
        return False
    policy = entry.machine.policy_for(entry.player.audience)
    return entry.slot.start - entry.created_at < policy.last_minute


def records_of(entry: Entry, occupancy_id: int) -> Iterator[dict[str, Any]]:
    common = {"occupancy_id": occupancy_id, "made_by_id": entry.made_by, "before": {}}
    if entry.player is None:
        after = machines.said(entry.slot)
        what = "withdrawn" if entry.session_id is None else "planned"
        yield common | {"made_at": entry.created_at, "what": what, "after": after}
        return
    order = Order(
        entry.machine.id,
        0,
        entry.slot,
        entry.player.member_id,
        organization_id=entry.organization_id,
    )
    yield common | {"made_at": entry.created_at, "what": "booked", "after": said(order)}
    if entry.cancelled_at:
        yield common | {"made_at": entry.cancelled_at, "what": "cancelled", "after": {}}
    if entry.arrived_at:
        yield common | {"made_at": entry.arrived_at, "what": "arrived", "after": {}}
    if entry.left_at:
        yield common | {"made_at": entry.left_at, "what": "left", "after": {}}
    if entry.missed_at:
        yield common | {"made_at": entry.missed_at, "what": "missed", "after": {}}
