"""The house rules said a second time, as plainly as can be: what the product must agree with.

Nothing here comes from `fablab/booking`. Where the product computes with spans of time, this
looks at every five minutes one by one; where it asks the database, this reads lists. Reasons,
questions and states are told by their names.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")
TICK = timedelta(minutes=5)  # everything in this house begins and ends on one
HOUR, DAY, NOTHING = timedelta(hours=1), timedelta(days=1), timedelta(0)
AGES = ("under_16", "from_16", "adult")
RISKY = ("C", "D")

NOBODY_SETS_ASIDE = frozenset(
    ("past", "no_membership", "not_your_organization", "taken", "resource_full", "outage")
)
FAIRNESS_AND_COMFORT = frozenset(
    ("too_short", "too_long", "off_step", "not_whole_days", "too_late", "too_far", "closed")
    + ("closed_day", "quota_machine", "quota_category", "quota_risky", "weekly_bookings")
    + ("bookings_ahead", "two_at_once", "too_many_units", "suspended", "marked")
)
UNSAID = {
    "step": timedelta(minutes=15),
    "minimum": timedelta(minutes=30),
    "maximum": 4 * HOUR,
    "fixed": NOTHING,
    "whole_days": False,
    "notice": NOTHING,
    "horizon_days": 21,
    "setup": NOTHING,
    "cleanup": NOTHING,
    "cooling": NOTHING,
    "level": 0,
    "modes": ["supervised", "resident"],
    "is_open": True,
    "quota_machine": NOTHING,
    "quota_category": NOTHING,
    "quota_risky": NOTHING,
    "last_minute": NOTHING,
    "weekly_bookings": 0,
    "bookings_ahead": 0,
    "one_at_a_time": False,
    "units": 0,
    "youngest": "under_16",
    "buddy": False,
    "approval": "never",
    "approval_above": NOTHING,
    "owner_approval": False,
    "answer_within": 48 * HOUR,
    "free_cancellation": NOTHING,
    "overridable": FAIRNESS_AND_COMFORT,
}
# What is said to all, under "", or to one audience, under its name.
Says = dict[str, dict[str, Any]]


@dataclass
class Opening:
    weekday: int
    opens: time
    closes: time  # at or before it opens: of the next day
    mode: str

    def is_open(self, wall: datetime) -> bool:
        if self.opens < self.closes:
            return wall.isoweekday() == self.weekday and self.opens <= wall.time() < self.closes
        eve = wall - DAY
        return (wall.isoweekday() == self.weekday and self.opens <= wall.time()) or (
            eve.isoweekday() == self.weekday and wall.time() < self.closes
        )


@dataclass
class Machine:
    slug: str
    category: str
    says: Says = field(default_factory=dict)
    risk: str = "A"
    pool: str = ""
    shares: tuple[str, ...] = ()
    owner: str = ""
    safety: str = ""
    state: str = "in_service"


@dataclass
class Held:
    machine: str
    level: int
    since: date
    until: date | None = None


@dataclass(repr=False)
class Person:
    name: str
    audience: str = "individual"  # empty: no member of the place
    is_team: bool = False
    age: str = "adult"
    has_guardian: bool = False
    ends_on: date | None = None
    held: list[Held] = field(default_factory=list)
    organizations: tuple[str, ...] = ()
    manages: str = ""
    suspended_until: datetime | None = None
    marks: list[datetime] = field(default_factory=list)
    read: dict[str, str] = field(default_factory=dict)  # what they read, by machine

    def __repr__(self) -> str:
        return self.name


@dataclass
class Question:
    kind: str
    asked: str | None
    due: datetime
    answer: str = ""


@dataclass(frozen=True)
class Wish:
    """What somebody asks for."""

    machine: str
    start: datetime
    end: datetime
    who: str
    organization: str | None = None
    buddy: str | None = None
    is_accompanied: bool = False
    has_read: bool = field(default=False, compare=False)
    override: str = field(default="", compare=False)


@dataclass
class Booking:
    uid: str
    wish: Wish
    occupied: tuple[datetime, datetime]
    made_at: datetime
    counts: bool
    status: str = "confirmed"
    set_aside: frozenset[str] = frozenset()
    questions: list[Question] = field(default_factory=list)
    was_left_late: bool = False  # did its member move it away from a slot too late to cancel?

    @property
    def stands(self) -> bool:
        return self.status in ("confirmed", "pending")

    @property
    def open_questions(self) -> list[Question]:
        return [question for question in self.questions if not question.answer]


@dataclass
class Outage:
    uid: str
    machine: str
    start: datetime
    end: datetime


class No(Exception):
    """What the product must refuse as well: the names of the reasons, or what it raises."""

    def __init__(self, *reasons: str) -> None:
        super().__init__(*sorted(reasons))
        self.reasons = frozenset(reasons)


def ticks(start: datetime, end: datetime) -> Iterator[datetime]:
    while start < end:
        yield start
        start += TICK


def wall(instant: datetime) -> datetime:
    return instant.astimezone(PARIS).replace(tzinfo=None)


def from_wall(day: date, at: time) -> datetime:
    return datetime.combine(day, at, PARIS).astimezone(UTC)


def monday_of(instant: datetime) -> date:
    day = wall(instant).date()
    return day - timedelta(days=day.weekday())


def days_of(start: datetime, end: datetime) -> tuple[date, date]:
    return wall(start).date(), wall(end - TICK).date()


def meet(one: tuple[datetime, datetime], other: tuple[datetime, datetime]) -> bool:
    return one[0] < other[1] and other[0] < one[1]


@dataclass
class House:
    now: datetime
    openings: list[Opening]
    closures: list[tuple[date, date]]
    says: Says
    categories: dict[str, Says]
    machines: dict[str, Machine]
    people: dict[str, Person]
    capacity: dict[str, int]
    marks_allowed: int
    marks_window: timedelta
    marks_suspension: timedelta
    bookings: list[Booking] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)

    # -- what holds

    def rules(self, machine: Machine, who: Person | None) -> SimpleNamespace:
        audience = ("staff" if who.is_team else who.audience) if who else ""
        said = dict(UNSAID)
        for says in (self.says, self.categories[machine.category], machine.says):
            said |= says.get("", {}) | says.get(audience, {})
        if said["fixed"]:
            said["minimum"] = said["maximum"] = said["fixed"]
        if said["whole_days"]:
            said["minimum"] = max(said["minimum"], DAY)
            said["maximum"] = max(said["maximum"], said["minimum"])
        if machine.risk == "D":
            said["youngest"] = "adult"
        return SimpleNamespace(**said)

    def is_off(self, day: date) -> bool:
        return any(first <= day <= last for first, last in self.closures)

    def is_open(self, instant: datetime, modes: list[str]) -> bool:
        at = wall(instant)
        return not self.is_off(at.date()) and any(
            opening.mode in modes and opening.is_open(at) for opening in self.openings
        )

    def is_supervised(self, start: datetime, end: datetime) -> bool:
        return all(self.is_open(tick, ["supervised"]) for tick in ticks(start, end))

    def level(self, who: Person, machine: str, start: datetime, end: datetime) -> int:
        first, last = days_of(start, end)
        return max(
            (
                held.level
                for held in who.held
                if held.machine == machine
                and held.since <= first
                and (held.until is None or last <= held.until)
            ),
            default=0,
        )

    def marked_until(self, who: Person) -> datetime | None:
        stops = [
            mark + self.marks_suspension
            for mark in who.marks
            if sum(mark - self.marks_window < m <= mark for m in who.marks) >= self.marks_allowed
        ]
        return max(stops, default=None)

    def standing(self, but: Booking | None = None) -> list[Booking]:
        return [booking for booking in self.bookings if booking.stands and booking is not but]

    def own(self, who: str, but: Booking | None = None) -> list[Booking]:
        return [booking for booking in self.standing(but) if booking.wish.who == who]

    def runs_alone(self, machine: Machine, who: Person | None = None) -> bool:
        rules = self.rules(machine, who)
        return rules.whole_days or "night" in rules.modes

    def occupied(self, wish: Wish) -> tuple[datetime, datetime]:
        rules = self.rules(self.machines[wish.machine], self.people[wish.who])
        return wish.start - rules.setup, wish.end + rules.cleanup + rules.cooling

    # -- may they, and if not, why

    def reasons(self, wish: Wish, changing: Booking | None = None) -> frozenset[str]:
        return frozenset(
            reason
            for group in (
                self.who_may_book(wish, changing),
                self.who_may_use_it(wish, changing),
                self.when_and_how_long(wish, changing),
                self.a_turn_for_everyone(wish, changing),
                self.what_is_free(wish, changing),
            )
            for reason in group
        )

    def is_under_way(self, changing: Booking | None) -> bool:
        return changing is not None and changing.wish.start <= self.now

    def who_may_book(self, wish: Wish, changing: Booking | None) -> Iterator[str]:
        who = self.people[wish.who]
        if self.is_under_way(changing):
            was = changing.wish
            is_its_own = (was.machine, was.start) == (wish.machine, wish.start)
            if not is_its_own or wish.end <= self.now:
                yield "past"
        elif wish.start < self.now:
            yield "past"
        if not who.audience:
            yield "no_membership"
            return
        if who.ends_on and days_of(wish.start, wish.end)[1] > who.ends_on:
            yield "membership_expired"
        if who.suspended_until and who.suspended_until > self.now:
            yield "suspended"
        marked_until = self.marked_until(who)
        if marked_until and marked_until > self.now:
            yield "marked"

    def who_may_use_it(self, wish: Wish, changing: Booking | None) -> Iterator[str]:
        who, machine = self.people[wish.who], self.machines[wish.machine]
        rules = self.rules(machine, who)
        span = (wish.start, wish.end)
        level = self.level(who, machine.slug, *span)
        if not rules.is_open:
            yield "not_open_to_you"
        if machine.state != "in_service":
            yield "out_of_service"
        if who.audience and AGES.index(who.age) < AGES.index(rules.youngest):
            yield "too_young"
        if who.audience and who.age != "adult" and not who.has_guardian:
            yield "no_guardian"

        with_somebody = level and wish.is_accompanied and self.is_supervised(*span)
        if level < rules.level and not with_somebody:
            theirs = [held for held in who.held if held.machine == machine.slug]
            if any(held.level >= rules.level and held.until for held in theirs):
                yield "not_valid_then"
            else:
                yield "level_too_low" if theirs else "unqualified"
        is_dangerous = machine.risk == "D" and not self.is_supervised(*span)
        if is_dangerous and not (level >= 3 and wish.buddy):
            yield "not_alone"
        if rules.buddy and not wish.buddy:
            yield "no_buddy"
        if wish.buddy and not self.may_be_buddy(wish.buddy, wish):
            yield "no_buddy"
        has_read = wish.has_read or who.read.get(machine.slug, "") == machine.safety
        if who.audience and machine.safety and not has_read and (level or not rules.level):
            yield "not_read"
        is_new = changing is None or changing.wish.organization != wish.organization
        if wish.organization and is_new and wish.organization not in who.organizations:
            yield "not_your_organization"

    def may_be_buddy(self, name: str, wish: Wish) -> bool:
        """Somebody else, a member still, who knows the machine as well as it asks for."""
        buddy, machine = self.people[name], self.machines[wish.machine]
        last = days_of(wish.start, wish.end)[1]
        least = max(self.rules(machine, self.people[wish.who]).level, 1)
        return (
            name != wish.who
            and bool(buddy.audience)
            and not (buddy.suspended_until and buddy.suspended_until > self.now)
            and (buddy.ends_on is None or last <= buddy.ends_on)
            and self.level(buddy, machine.slug, wish.start, wish.end) >= least
        )

    def when_and_how_long(self, wish: Wish, changing: Booking | None) -> Iterator[str]:
        rules = self.rules(self.machines[wish.machine], self.people[wish.who])
        first, last = days_of(wish.start, wish.end)
        under_way = self.is_under_way(changing)
        if rules.whole_days:
            is_open = all(
                any(
                    self.is_open(tick, rules.modes)
                    for tick in ticks(from_wall(day, time()), from_wall(day + DAY, time()))
                )
                for day in (first, last)
            )
            length = wall(wish.end) - wall(wish.start)
            if not under_way and {wall(wish.start).time(), wall(wish.end).time()} != {time()}:
                yield "not_whole_days"
        else:
            is_open = all(self.is_open(tick, rules.modes) for tick in ticks(wish.start, wish.end))
            length = wish.end - wish.start
        if not is_open:
            yield "closed_day" if self.is_off(first) or self.is_off(last) else "closed"

        if length < rules.minimum and not under_way:
            yield "too_short"
        if length > rules.maximum:
            yield "too_long"
        since_midnight = wall(wish.start) - datetime.combine(first, time())
        if since_midnight % rules.step or (wish.end - wish.start) % rules.step:
            yield "off_step"
        keeps_start = changing is not None and (changing.wish.machine, changing.wish.start) == (
            wish.machine,
            wish.start,
        )
        if self.now <= wish.start < self.now + rules.notice and not (keeps_start or under_way):
            yield "too_late"
        if first > wall(self.now).date() + timedelta(days=rules.horizon_days):
            yield "too_far"

    def counts(self, wish: Wish, changing: Booking | None) -> bool:
        """What was still free shortly before counts in no quota; what counted is no longer so."""
        rules = self.rules(self.machines[wish.machine], self.people[wish.who])
        if not rules.last_minute or wish.start - self.now > rules.last_minute:
            return True
        if changing is None or not changing.counts:
            return False
        was = changing.wish
        is_part_of_it = meet((was.start, was.end), (wish.start, wish.end))
        return was.machine == wish.machine and is_part_of_it

    def a_turn_for_everyone(self, wish: Wish, changing: Booking | None) -> Iterator[str]:
        machine, who = self.machines[wish.machine], self.people[wish.who]
        rules = self.rules(machine, who)
        own = self.own(wish.who, but=changing)
        is_shorter = (
            changing is not None
            and changing.wish.machine == wish.machine
            and changing.wish.start <= wish.start
            and wish.end <= changing.wish.end
        )
        if self.counts(wish, changing) and not is_shorter:
            exceeded = [
                name
                for name, most, is_like_it in (
                    ("quota_machine", rules.quota_machine, lambda other: other is machine),
                    (
                        "quota_category",
                        rules.quota_category,
                        lambda other: other.category == machine.category,
                    ),
                    (
                        "quota_risky",
                        rules.quota_risky if machine.risk in RISKY else NOTHING,
                        lambda other: other.risk in RISKY,
                    ),
                )
                if most and self.most_in_a_week(wish, own, is_like_it) > most
            ]
            yield from exceeded[:1]
        in_that_week = [
            booking
            for booking in own
            if booking.wish.machine == machine.slug
            and monday_of(booking.wish.start) == monday_of(wish.start)
        ]
        if rules.weekly_bookings and len(in_that_week) >= rules.weekly_bookings:
            yield "weekly_bookings"
        ahead = [booking for booking in own if booking.wish.end > self.now]
        if rules.bookings_ahead and len(ahead) >= rules.bookings_ahead and not changing:
            yield "bookings_ahead"
        elsewhere = [
            booking
            for booking in own
            if booking.wish.machine != machine.slug
            and meet((booking.wish.start, booking.wish.end), (wish.start, wish.end))
        ]
        if (
            rules.one_at_a_time
            and not self.runs_alone(machine, who)
            and any(not self.runs_alone(self.machines[b.wish.machine], who) for b in elsewhere)
        ):
            yield "two_at_once"
        units = [b for b in elsewhere if self.machines[b.wish.machine].pool == machine.pool]
        if (
            rules.units
            and machine.pool
            and any(
                sum(b.wish.start <= tick < b.wish.end for b in units) >= rules.units
                for tick in ticks(wish.start, wish.end)
            )
        ):
            yield "too_many_units"

    def most_in_a_week(self, wish: Wish, own: list[Booking], is_like_it: Any) -> timedelta:
        """The fullest of the weeks in which the wish has a part."""
        counted = [
            booking.wish
            for booking in own
            if booking.counts and is_like_it(self.machines[booking.wish.machine])
        ]
        weeks = Counter(
            monday_of(tick) for each in (*counted, wish) for tick in ticks(each.start, each.end)
        )
        theirs = {monday_of(tick) for tick in ticks(wish.start, wish.end)}
        return max(weeks[week] for week in theirs) * TICK

    def what_is_free(self, wish: Wish, changing: Booking | None) -> Iterator[str]:
        machine, wanted = self.machines[wish.machine], self.occupied(wish)
        others = self.standing(but=changing)
        if any(b.wish.machine == machine.slug and meet(b.occupied, wanted) for b in others):
            yield "taken"
        if any(o.machine == machine.slug and meet((o.start, o.end), wanted) for o in self.outages):
            yield "outage"
        for name in machine.shares:
            sharing = [
                b
                for b in others
                if name in self.machines[b.wish.machine].shares
                and b.wish.machine != machine.slug  # whose booking is in the way as such
            ]
            if any(
                sum(b.occupied[0] <= tick < b.occupied[1] for b in sharing) >= self.capacity[name]
                for tick in ticks(*wanted)
            ):
                yield "resource_full"
                break

    # -- what follows

    def accepted(self, wish: Wish, changing: Booking | None, by: Person) -> frozenset[str]:
        """The reasons that are set aside. Raises No."""
        reasons = self.reasons(wish, changing)
        rules = self.rules(self.machines[wish.machine], self.people[wish.who])
        is_overridden = by.is_team and wish.override
        if reasons and not (
            is_overridden and reasons <= frozenset(rules.overridable) - NOBODY_SETS_ASIDE
        ):
            raise No(*reasons)
        return reasons

    def asked(self, wish: Wish, by: Person, but: Booking | None = None) -> list[Question]:
        """Whose yes it waits for."""
        who, machine = self.people[wish.who], self.machines[wish.machine]
        rules = self.rules(machine, who)
        has_used = any(
            b.status == "confirmed" and (b.wish.who, b.wish.machine) == (wish.who, machine.slug)
            for b in self.bookings
            if b is not but
        )
        is_long = rules.approval_above and wish.end - wish.start > rules.approval_above
        is_first = rules.approval == "first" and not has_used
        kinds: dict[str, str | None] = {}
        if not by.is_team and (rules.approval == "always" or is_first or is_long):
            kinds["team"] = None
        if rules.owner_approval and machine.owner and machine.owner not in who.organizations:
            kinds["owner"] = None
        if wish.buddy:
            kinds["buddy"] = wish.buddy
        if not by.is_team and self.level(who, machine.slug, wish.start, wish.end) < rules.level:
            kinds["company"] = None
        due = min(self.now + rules.answer_within, wish.start)
        return [Question(kind, asked, due) for kind, asked in kinds.items()]

    def note_what_was_read(self, wish: Wish) -> None:
        if wish.has_read and self.machines[wish.machine].safety:
            read = self.people[wish.who].read
            read[wish.machine] = self.machines[wish.machine].safety

    def book(self, wish: Wish, by: Person) -> Booking:
        set_aside = self.accepted(wish, None, by)
        questions = self.asked(wish, by)
        booking = Booking(
            "",
            wish,
            self.occupied(wish),
            self.now,
            self.counts(wish, None),
            "pending" if questions else "confirmed",
            set_aside,
            questions,
        )
        self.bookings.append(booking)
        self.note_what_was_read(wish)
        return booking

    def move(self, booking: Booking, wish: Wish, by: Person) -> bool:
        was = booking.wish
        is_theirs = by.name == was.who or by.is_team
        if not booking.stands or not is_theirs or self.now >= was.end:
            raise No("NotAllowed")
        if was == wish:
            return False
        set_aside = self.accepted(wish, booking, by)
        counts = self.counts(wish, booking)
        was_late = booking.status == "confirmed" and self.is_late(booking)
        asked_of = (was.machine, was.buddy, was.is_accompanied)
        is_the_same = asked_of == (wish.machine, wish.buddy, wish.is_accompanied) and (
            was.start <= wish.start and wish.end <= was.end
        )
        if not is_the_same and not self.is_under_way(booking):
            if booking.status == "pending":
                self.forget_questions(booking)
            asked = self.asked(wish, by, but=booking)
            booking.questions += asked
            booking.status = "pending" if asked else "confirmed"
        is_away = (was.machine, was.start) != (wish.machine, wish.start)
        is_away = is_away or booking.status == "pending"
        if is_away and by.name == was.who and was_late:
            booking.was_left_late = True
        booking.wish, booking.occupied = wish, self.occupied(wish)
        is_part = was.machine == wish.machine and was.start <= wish.start and wish.end <= was.end
        booking.counts = counts
        booking.set_aside = set_aside | (booking.set_aside if is_part else frozenset())
        self.note_what_was_read(wish)
        return True

    def forget_questions(self, booking: Booking) -> None:
        booking.questions = [question for question in booking.questions if question.answer]

    def end(self, booking: Booking, status: str) -> None:
        if booking.status == "pending":
            self.forget_questions(booking)
        booking.status = status

    def cancel(self, booking: Booking, by: Person) -> None:
        if booking.status == "cancelled":
            return
        who, start = self.people[booking.wish.who], booking.wish.start
        is_own = who is by
        in_time = (is_own and self.now < start) or (by.is_team and self.now < booking.wish.end)
        if not booking.stands or not in_time:
            raise No("NotAllowed")
        if is_own and self.is_late(booking):
            who.marks.append(self.now)
        self.end(booking, "cancelled")

    def is_late(self, booking: Booking) -> bool:
        wish = booking.wish
        rules = self.rules(self.machines[wish.machine], self.people[wish.who])
        thinks_again = self.now <= min(booking.made_at + timedelta(minutes=15), wish.start)
        in_time = self.now <= wish.start - rules.free_cancellation
        is_too_late = bool(rules.free_cancellation) and not in_time and not thinks_again
        return (is_too_late and booking.status == "confirmed") or booking.was_left_late

    def miss(self, booking: Booking, by: Person) -> None:
        if booking.status == "missed":
            return
        is_over = booking.status == "confirmed" and booking.wish.start <= self.now
        if not is_over or booking.wish.who == by.name:
            raise No("NotAllowed")
        self.people[booking.wish.who].marks.append(self.now)
        self.end(booking, "missed")

    def answer(self, booking: Booking, question: Question, yes: bool, by: Person) -> str:
        if not self.is_asked(booking, question, by):
            raise No("NoSuch")
        if question.answer:
            return question.answer
        if booking.status != "pending" or question.due <= self.now:
            raise No("TooLate")
        if yes and question.kind == "buddy" and not self.may_be_buddy(by.name, booking.wish):
            raise No("NoBuddy")
        question.answer = "yes" if yes else "no"
        if yes:
            if question.kind == "buddy":
                booking.wish = wished(booking.wish, buddy=by.name)
            if not booking.open_questions:
                booking.status = "confirmed"
        elif question.kind == "buddy":
            booking.wish = wished(booking.wish, buddy=None)
            booking.questions.append(Question("buddy", None, question.due))
        else:
            self.end(booking, "cancelled")
        return question.answer

    def is_asked(self, booking: Booking, question: Question, by: Person) -> bool:
        if question.kind == "buddy":
            return question.asked == by.name
        if question.kind == "owner":
            return bool(by.manages) and by.manages == self.machines[booking.wish.machine].owner
        return by.is_team and by.name != booking.wish.who

    def open_buddy(self, booking: Booking) -> Question | None:
        return next((q for q in booking.open_questions if q.kind == "buddy"), None)

    def given(self) -> list[tuple[Booking, int]]:
        """Every yes of a buddy, by its place among the questions of its booking."""
        return [
            (booking, n)
            for booking in self.bookings
            for n, question in enumerate(booking.questions)
            if (question.kind, question.answer) == ("buddy", "yes")
        ]

    def name_buddy(self, booking: Booking, buddy: str, by: Person) -> None:
        if by.name != booking.wish.who and not by.is_team:
            raise No("NotAllowed")
        question = self.open_buddy(booking)
        if booking.status != "pending" or question is None or question.due <= self.now:
            raise No("TooLate")
        if question.asked == buddy:
            return
        if not self.may_be_buddy(buddy, booking.wish):
            raise No("NoBuddy")
        question.asked = buddy
        booking.wish = wished(booking.wish, buddy=buddy)

    def take_back(self, booking: Booking, question: Question, by: Person) -> None:
        if not self.is_asked(booking, question, by):
            raise No("NoSuch")
        if question.answer == "taken_back":
            return
        holds = question.kind == "buddy" and question.answer == "yes"
        is_theirs = holds and booking.wish.buddy == by.name and not self.open_buddy(booking)
        if not is_theirs or not booking.stands or booking.wish.start <= self.now:
            raise No("TooLate")
        question.answer = "taken_back"
        booking.status = "pending"
        booking.wish = wished(booking.wish, buddy=None)
        booking.questions.append(Question("buddy", None, booking.wish.start))

    def lapse(self) -> None:
        for booking in self.bookings:
            if any(question.due <= self.now for question in booking.open_questions):
                self.end(booking, "cancelled")

    def withdraw(self, machine: str, start: datetime, end: datetime) -> Outage:
        spans = [b.occupied for b in self.standing() if b.wish.machine == machine]
        spans += [
            (outage.start, outage.end) for outage in self.outages if outage.machine == machine
        ]
        if any(meet(span, (start, end)) for span in spans):
            raise No("SlotTaken")
        self.outages.append(Outage("", machine, start, end))
        return self.outages[-1]

    def end_outage(self, outage: Outage) -> None:
        if outage.end <= self.now:
            return
        if outage.start < self.now:
            outage.end = self.now
        else:
            self.outages.remove(outage)


def wished(wish: Wish, **values: Any) -> Wish:
    return Wish(**{name: getattr(wish, name) for name in Wish.__dataclass_fields__} | values)
