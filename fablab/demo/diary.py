"""What happens on the machines of the demonstration: some weeks behind, this one, and some ahead.

What is told is written as it is told, if the place is open then. The rest is drawn, always the
same for the same day, and only what the house rules accept of the person who books it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Any
from uuid import uuid4

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from fablab.booking.commands import Order, said, times
from fablab.booking.rules import Facts, Taken, occupied, refusals
from fablab.clock import to_wall
from fablab.demo.people import Player
from fablab.demo.stage import Stage
from fablab.machines import commands as machines
from fablab.machines.inventory import MachineFacts
from fablab.machines.kinds import OccupancyKind, Status
from fablab.machines.models import Change, Occupancy
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
TRIES = 4  # at each booking that is drawn


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
    player: Player | None = None  # who booked; none: an outage
    organization_id: int | None = None
    cancelled_at: datetime | None = None

    @property
    def is_standing(self) -> bool:
        return self.status in STANDING


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

    def fill(self) -> list[Entry]:
        for told in self.told["outage"]:
            for shift in repetitions(told):
                if "end_day" in told or not self.is_day_off(told["day"] + shift):
                    self.withdraw(told["machine"], self.loading.slot(told, shift), told["why"])
        for told in self.told["booking"]:
            for shift in repetitions(told):
                self.book_as_told(told, shift)
        self.look_after_closed_days()
        for offset in range(FIRST_DAY, LAST_DAY + 1):
            self.draw_day(offset)
        return self.entries

    # -- what is told

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
        created_at = min(slot.start, self.now) - timedelta(days=2, hours=told["day"] % 7)
        if self.stage.schedule.closed_time(slot, ANY_TIME):
            return
        if shift and refusals(slot, self.facts(machine, player, created_at)):
            return
        status = Status(told.get("status", Status.CONFIRMED))
        self.book(machine, player, slot, told["purpose"], created_at, status)

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

    def draw(self, machine: MachineFacts, category: dict[str, Any], day: date) -> None:
        for _ in range(TRIES):
            player = self.draw_player(machine)
            slot = self.draw_slot(machine, player, day, category.get("left_free", 0))
            if slot is None or not self.suits(player, slot):
                continue
            ahead = BOOKED_BEFORE * self.dice.uniform(0.03, 1)
            created_at = (min(slot.start, self.now) - ahead).replace(microsecond=0)
            if refusals(slot, self.facts(machine, player, created_at)):
                continue
            purpose = self.dice.choice(category["purposes"])
            self.book(machine, player, slot, purpose, created_at, self.draw_status(slot))
            return

    def draw_player(self, machine: MachineFacts) -> Player:
        """Mostly those trained on it, seldom the team, who are there for others."""
        asks_level = machine.policy_for(None).level > 0
        able = [p for p in self.regulars if machine.slug in p.held or not asks_level]
        weights = [1 if player.audience is Audience.STAFF else 6 for player in able]
        return self.dice.choices(able, weights)[0]

    def draw_slot(
        self, machine: MachineFacts, player: Player, day: date, left_free: int
    ) -> Slot | None:
        """Somewhere in the hours of the day, on the half-hour or right after somebody else."""
        policy = machine.policy_for(player.audience)
        stretches = self.stage.schedule.open_time(day, day, policy.modes & DAYTIME)
        if not stretches:
            return None
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
    ) -> None:
        cancelled_at = None
        if status is Status.CANCELLED:
            cancelled_at = min(slot.start - timedelta(hours=3), self.now - QUARTER)
        self.add(
            Entry(
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
            )
        )

    def add(self, entry: Entry) -> None:
        self.entries.append(entry)
        if entry.is_standing:
            self.taken[entry.machine.slug].append(Taken(entry.whole))
            if entry.player:
                self.busy[entry.player.key].append(entry.slot)


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
    return {0: 0.75, 1: 0.7, 2: 0.45, 3: 0.25, 4: 0.12}.get(week, 0.45)


def steps(first: datetime, last: datetime) -> Iterator[datetime]:
    while first <= last:
        yield first
        first += HALF_AN_HOUR


def write(session: Session, entries: list[Entry]) -> None:
    """Insert the occupancies and what is recorded of each."""
    rows = [row_of(entry) for entry in entries]
    session.execute(insert(Occupancy.__table__), rows)
    ids = {row.uid: row.id for row in session.execute(select(Occupancy.uid, Occupancy.id))}
    records = [
        record
        for row, entry in zip(rows, entries, strict=True)
        for record in records_of(entry, ids[row["uid"]])
    ]
    session.execute(insert(Change.__table__), records)


def row_of(entry: Entry) -> dict[str, Any]:
    return {
        "uid": str(uuid4()),
        "kind": OccupancyKind.BOOKING if entry.player else OccupancyKind.OUTAGE,
        "status": entry.status,
        "standing": entry.is_standing,
        "revision": 1 if entry.cancelled_at else 0,
        "created_at": entry.created_at,
        "changed_at": entry.cancelled_at or entry.created_at,
        "cancelled_at": entry.cancelled_at,
        "created_by_id": entry.made_by,
        "member_id": entry.player.member_id if entry.player else None,
        "organization_id": entry.organization_id,
        "title": entry.title,
        **times(entry.machine.id, entry.slot, entry.whole),
    }


def records_of(entry: Entry, occupancy_id: int) -> Iterator[dict[str, Any]]:
    common = {"occupancy_id": occupancy_id, "made_by_id": entry.made_by, "before": {}}
    if entry.player is None:
        after = machines.said(entry.slot)
        yield common | {"made_at": entry.created_at, "what": "withdrawn", "after": after}
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
