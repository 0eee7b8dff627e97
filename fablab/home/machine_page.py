"""The page of one machine as plain values: its state, its next free slots, its week, its rules."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from fablab import texts
from fablab.booking.facts import about_member, of_machine, own_bookings, with_person
from fablab.booking.house_words import beyond_the_hours
from fablab.booking.known import Facts, Shared, Taken
from fablab.booking.pages import end_day_to_say
from fablab.booking.presence_pages import Presence, presence_of
from fablab.booking.rules import refusals
from fablab.booking.sharing_words import agreed
from fablab.booking.suggestions import acceptable, on_step, what_refuses
from fablab.booking.verdicts import OWN_BOOKINGS, TAKEN, Reason, Refusal
from fablab.clock import to_wall, today, whole_days
from fablab.figures.pages import Chart, chart, monday_of
from fablab.home import live
from fablab.home.day import Addresses, Asked, Viewer, by_day
from fablab.home.pages import Day, Part, SlotLink, strip_parts
from fablab.home.phrases import LENGTHS
from fablab.home.planning import MINUTE, WHOLE_DAY, Range, left_in, round_up
from fablab.home.queries import Particulars
from fablab.machines import resources
from fablab.machines.inventory import Inventory, MachineFacts
from fablab.machines.kinds import OccupancyKind, RiskClass
from fablab.machines.seating import full_time
from fablab.members.people import Standing
from fablab.places.kinds import Mode
from fablab.slots import Slot
from fablab.trainings.models import Level
from fablab.trainings.words import MEANS

DAYS_OF_SLOTS = 3
SLOTS_A_DAY = 6
DAYS_SEARCHED = 30
DAYS_OF_STRIPS = 7
USUAL_LENGTHS = (30, 60, 90, 120, 180, 240)  # minutes
LENGTHS_OFFERED = 5
A_DAY = timedelta(days=1)

RISK = {
    RiskClass.A: lazy_gettext("A: no training needed"),
    RiskClass.B: lazy_gettext("B: one initiation, once"),
    RiskClass.C: lazy_gettext("C: a valid qualification; stay beside it"),
    RiskClass.D: lazy_gettext("D: dangerous; never alone, adults only"),
}
MODES = {
    frozenset({Mode.SUPERVISED}): lazy_gettext("Only while the team is there"),
    frozenset({Mode.SUPERVISED, Mode.RESIDENT}): lazy_gettext("During all opening hours"),
    frozenset({Mode.SUPERVISED, Mode.NIGHT}): lazy_gettext(
        "While the team is there, and at night: it may run alone"
    ),
    frozenset(Mode): lazy_gettext("Day and night: it may run alone"),
}
# What stands between the reader and this machine, whichever slot they choose.
PERSONAL = {
    Reason.MEMBERSHIP_EXPIRED,
    Reason.SUSPENDED,
    Reason.MARKED,
    Reason.TOO_YOUNG,
    Reason.NO_GUARDIAN,
    Reason.BOOKINGS_AHEAD,
    Reason.NOT_OPEN_TO_YOU,
    Reason.NOT_SHARED_WITH_YOU,
    Reason.OUT_OF_SERVICE,
    Reason.UNQUALIFIED,
    Reason.LEVEL_TOO_LOW,
    Reason.NOT_VALID_THEN,
}
# Of one slot, not of them all: that it is taken, or at the wrong time.
OF_ITS_TIME = TAKEN | {Reason.OUTAGE, Reason.TOO_FAR, Reason.TOO_LATE, Reason.CLOSED_DAY}


class DayOfSlots(NamedTuple):
    title: str
    slots: list[SlotLink]


class DayOfWeek(NamedTuple):
    day: str
    url: str
    parts: list[Part]
    left: str  # what is left free; empty when nothing is
    is_closed: bool
    now: int | None
    nothing: str = ""  # why nothing is left
    reserved: str = ""  # when it is kept for its owner, in words


class Length(NamedTuple):
    minutes: int
    text: str
    is_chosen: bool


class Mine(NamedTuple):
    """The reader's own booking that is under way, or starts in a moment."""

    uid: str
    hours: str
    presence: Presence


def span_shown(inventory: Inventory, now: datetime) -> Slot:
    """All the time the page looks at: from the beginning of the week, which it counts up, and
    from yesterday at the latest, for what runs over midnight; until a day after its last.
    """
    zone = inventory.schedule.zone
    day = today(zone, now)
    first = min(monday_of(day), day - timedelta(days=1))
    return whole_days(zone, first, day + timedelta(days=DAYS_SEARCHED + 1))


@dataclass
class MachinePage:
    """One machine, for one reader."""

    inventory: Inventory
    machine: MachineFacts
    now: datetime
    viewer: Viewer
    standing: Standing | None
    rows: Sequence[Any]  # what stands on it in `span_shown`
    particulars: Particulars
    addresses: Addresses
    asked: Asked = Asked()
    asked_length: int = 0  # minutes, 0 for the usual
    _days: dict[date, Day] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.zone = self.inventory.schedule.zone
        self.today = today(self.zone, self.now)
        self.policy = self.machine.policy_for(self.viewer.audience)

    @cached_property
    def facts(self) -> Facts:
        """What the rules want to know; of a visitor, as if they were an ordinary member.

        They learn which slots are free for people like them before they have an account.
        """
        machine, shown = self.machine, span_shown(self.inventory, self.now)
        # Its own seats stand where it is taken itself.
        own_seats = {row.id for row in self.rows}
        seats = resources.claimed(machine.resources, shown, leaving_out=own_seats)
        facts = Facts(
            now=self.now,
            schedule=self.inventory.schedule,
            policy=self.policy,
            training=self.particulars.training,
            next_session=self.particulars.next_session,
            taken=tuple(
                Taken(
                    Slot(row.occupied_from, row.occupied_until),
                    is_outage=row.kind != OccupancyKind.BOOKING,
                    why=row.title if row.kind != OccupancyKind.BOOKING else "",
                    owner_since=row.owner_since if row.kind == OccupancyKind.BOOKING else None,
                )
                for row in self.rows
            ),
            shared=tuple(
                Shared(each.name, {seat: seats[seat] for seat in each.seats})
                for each in machine.resources
            ),
            **of_machine(machine),
        )
        if self.standing is None or self.viewer.id is None:
            return replace(facts, policy=replace(self.policy, level=0))
        about = about_member(self.viewer.id, self.inventory, machine.id, now=self.now)
        if self.policy.counts_bookings:
            own = own_bookings(self.viewer.id, self.inventory, shown, now=self.now)
            facts = replace(facts, **own.as_theirs(self.inventory, self.viewer.audience))
        facts = replace(facts, held=about.held if about else ())
        return with_person(facts, about, machine, has_read=False)

    def day(self, day: date) -> Day:
        """That day of this machine alone, as the planning sees it."""
        if day not in self._days:
            self._days[day] = Day(
                inventory=self.inventory,
                day=day,
                now=self.now,
                viewer=self.reader,
                rows_of={self.machine.id: self.around(day)},
                addresses=self.addresses,
                asked=self.asked,
                in_use=self.in_use,
            )
        return self._days[day]

    @cached_property
    def reader(self) -> Viewer:
        """Who reads it, and whether they are of its owner."""
        if not self.machine.agreements or not self.facts.is_of_owner:
            return self.viewer
        return self.viewer._replace(owns=frozenset({self.machine.owner_id or 0}))

    @cached_property
    def in_use(self) -> list[Slot] | None:
        """When other machines have all of something that this one shares."""
        if not self.machine.resources:
            return None
        shown = span_shown(self.inventory, self.now)
        return [span for each in self.facts.shared for span in full_time(shown, each.taken)]

    def around(self, day: date) -> list[Any]:
        """What stands on it that day and, since one thing may follow on the other, on those beside
        it; without what its member has left, in the minute that it ends in. Of today all that
        follows, for until when it is taken or free.
        """
        shown = live.span_shown(self.inventory, day - A_DAY, day + A_DAY)
        return [
            row
            for row in self.rows
            if (day == self.today or row.occupied_from < shown.end)
            and row.occupied_until > shown.start
            and (row.left_at is None or row.ends_at <= self.now)
        ]

    @cached_property
    def state(self) -> tuple[str, str, str]:
        """The lamp, and what it means in words."""
        day = self.day(self.today)
        lamp, title, detail = day.state_words(day.states[self.machine.id], self.machine)
        if self.machine.is_in_service or self.machine.back_on is None:
            return lamp, title, detail
        back = _("Expected back on %(day)s.", day=texts.day(self.machine.back_on))
        return lamp, title, f"{detail}. {back}" if detail else back

    @cached_property
    def mine(self) -> Mine | None:
        """The reader's own booking, while something is to be said of being here."""
        for row in self.rows:
            if row.kind == OccupancyKind.BOOKING and row.member_id == self.viewer.id:
                presence = presence_of(row, self.inventory, self.now)
                if presence.may_arrive or presence.may_leave:
                    span = Slot(row.starts_at, row.ends_at)
                    return Mine(row.uid, texts.hours(span, self.zone), presence)
        return None

    # -- the next free slots

    @cached_property
    def lengths(self) -> list[Length]:
        """The lengths to choose from: those the machine allows, on its step."""
        least = round_up(self.policy.minimum // MINUTE, self.step)
        most = self.policy.maximum // MINUTE // self.step * self.step
        allowed = sorted(
            {m for m in (least, *USUAL_LENGTHS, most) if least <= m <= most and not m % self.step}
        )
        if len(allowed) > LENGTHS_OFFERED:
            allowed = [*allowed[: LENGTHS_OFFERED - 1], most]
        chosen = min(allowed, key=lambda m: abs(m - (self.asked_length or 60)), default=0)
        return [Length(m, texts.length(m * MINUTE), m == chosen) for m in allowed]

    @cached_property
    def length(self) -> timedelta:
        return next((one.minutes for one in self.lengths if one.is_chosen), 0) * MINUTE

    @property
    def step(self) -> int:
        return max(self.policy.step // MINUTE, 1)

    @cached_property
    def obstacles(self) -> list[dict[str, str]]:
        """Why this reader cannot book this machine at all just now, and what to do about it."""
        if not self.length:
            return []
        probe = Slot.lasting(on_step(self.facts, self.now + self.policy.notice), self.length)
        return [
            self._in_words(refusal)
            for refusal in refusals(probe, self.facts)
            if refusal.reason in PERSONAL
        ]

    def _in_words(self, refusal: Refusal) -> dict[str, str]:
        return {
            "sentence": texts.filled(refusal.sentence, refusal.values, self.zone),
            "advice": texts.filled(refusal.advice, refusal.values, self.zone),
        }

    @cached_property
    def next_slots(self) -> list[DayOfSlots]:
        """The first three days with a slot for this reader, six slots each at most."""
        if self.obstacles or not self.length:
            return []
        return list(islice(self._days_with_slots(), DAYS_OF_SLOTS))

    @cached_property
    def why_none(self) -> list[dict[str, str]]:
        """What the rules say against every free slot, when none is left for this reader."""
        return [self._in_words(refusal) for refusal in self._against_all]

    @property
    def is_for_own_bookings(self) -> bool:
        """What else the reader has booked stands in the way: some of it may be moved."""
        return any(refusal.reason in OWN_BOOKINGS for refusal in self._against_all)

    @cached_property
    def _against_all(self) -> list[Refusal]:
        if self.next_slots or self.obstacles or not self.length:
            return []
        last = self.today + timedelta(days=min(self.policy.horizon_days, DAYS_SEARCHED))
        found = what_refuses(self.facts, self.today, last, self.length)
        return [no for reason, no in found.items() if reason not in OF_ITS_TIME]

    def _days_with_slots(self) -> Iterator[DayOfSlots]:
        for ahead in range(min(self.policy.horizon_days, DAYS_SEARCHED) + 1):
            day = self.today + timedelta(days=ahead)
            slots = list(islice(self._apart(day), SLOTS_A_DAY))
            if slots:
                yield DayOfSlots(self.day_title(day), [self.slot_link(day, s) for s in slots])

    def _apart(self, day: date) -> Iterator[Slot]:
        """Slots that do not overlap one another, from the start of each free stretch.

        A slot that begins in the hour shown twice cannot be said by its hour: left out. On a day
        when somebody may be there, so is what begins while nobody is: people start a machine in
        person, one that then runs through the night too.
        """
        free_from, daytime = self.now, by_day(self.inventory.schedule.openings_on(day))
        for slot in acceptable(self.facts, day, day, self.length):
            is_by_day = (
                not daytime
                or self.policy.whole_days
                or any(span.start <= slot.start < span.end for span in daytime)
            )
            if slot.start >= free_from and is_by_day and not to_wall(self.zone, slot.start).fold:
                free_from = slot.end
                yield slot

    def day_title(self, day: date) -> str:
        if day == self.today:
            return _("Today")
        if day == self.today + timedelta(days=1):
            return _("Tomorrow, %(day)s", day=texts.day(day, "EEEE d"))
        return texts.capital(texts.day(day))

    def slot_link(self, day: date, slot: Slot) -> SlotLink:
        start, end = to_wall(self.zone, slot.start), to_wall(self.zone, slot.end)
        address = f"{self.new_url}&day={day.isoformat()}&start={start:%H:%M}&end={end:%H:%M}"
        last_day = end_day_to_say(slot, self.zone)
        if last_day:
            address += f"&end_day={last_day.isoformat()}"
        said = self.day(day).words.whole_day if self.policy.whole_days else texts.hour(start)
        return SlotLink(said, "", address)

    @cached_property
    def new_url(self) -> str:
        return self.day(self.today).new_url_of(self.machine)

    # -- the week

    @cached_property
    def hours(self) -> Range:
        """The same hours for all seven strips: those the machine is ever open in."""
        spans = [r for day in self.week_days for r in self.day(day).open_in(self.policy.modes)]
        if not spans:
            return self.day(self.today).hours
        first, last = min(start for start, _ in spans), max(end for _, end in spans)
        return max(first // 60 * 60, 0), min(round_up(last, 60), WHOLE_DAY)

    @property
    def week_days(self) -> list[date]:
        return [self.today + timedelta(days=n) for n in range(DAYS_OF_STRIPS)]

    @cached_property
    def week(self) -> list[DayOfWeek]:
        return [self.day_of_week(day) for day in self.week_days]

    def day_of_week(self, when: date) -> DayOfWeek:
        day = self.day(when)
        day.hours = self.hours
        parts, _terms = day.segments_of(self.machine)
        whole = day.whole_day_of(self.machine, parts)
        left = left_in(whole)
        return DayOfWeek(
            texts.capital(texts.day(when, texts.SHORT_DAY)),
            day.day_url(when),
            strip_parts(parts),
            LENGTHS[left] if left else "",
            not day.open_in(self.policy.modes),
            day.now_shown,
            "" if left else day.nothing_left(self.machine, whole)[1],
            day.reserved_in_words(self.machine, whole),
        )

    @cached_property
    def figures(self) -> Chart:
        """The week under way as a chart."""
        rows = [row for row in self.rows if row.kind != OccupancyKind.OUTAGE]
        by_machine, monday = {self.machine.id: rows}, monday_of(self.today)
        return chart(self.inventory, [self.machine], by_machine, monday, self.now)

    # -- words

    @cached_property
    def tags(self) -> list[tuple[str, str, str]]:
        """(text, kind, icon) of what one sees first: the training, the lengths."""
        return [self._training_tag(), (self._lengths_in_words(), "", "timer")]

    def _training_tag(self) -> tuple[str, str, str]:
        training, is_known = self.particulars.training, bool(self.particulars.training)
        kind = "warning"
        if not self.policy.level:
            kind, text = "", _("No training needed")
        elif self._is_qualified:
            kind, text = "ok", _("%(training)s: you have it", training=training)
            text = text if is_known else _("You are qualified")
        elif is_known:
            text = _("Training needed: %(training)s", training=training)
        else:
            text = _("Qualification needed")
        return text, kind, "graduation-cap"

    @property
    def _is_qualified(self) -> bool:
        return any(
            held.level >= self.policy.level and held.is_valid_on(self.today, self.today)
            for held in self.facts.held
        )

    def _lengths_in_words(self) -> str:
        least, most = texts.length(self.policy.minimum), texts.length(self.policy.maximum)
        if least == most:
            return _("%(length)s at a time", length=least)
        return _("From %(least)s to %(most)s", least=least, most=most)

    @cached_property
    def rules(self) -> list[tuple[str, str, str]]:
        """(icon, sentence, why): what one should know, from the settings, so that it is true."""
        policy = self.policy
        known: list[tuple[str, str, str]] = [
            (
                "timer",
                self._lengths_in_words(),
                _("Slots start every %(step)s.", step=texts.length(policy.step)),
            ),
            ("calendar-days", *self._how_far()),
            ("clock", self._when(), ""),
        ]
        if policy.level:
            known.append(("graduation-cap", *self._how_qualified()))
        if policy.before or policy.after:
            margin = texts.length(policy.margin)
            known.append(
                (
                    "hourglass",
                    _("%(length)s are kept free around each booking", length=margin),
                    _("To set the machine up and to clean it."),
                )
            )
        known += beyond_the_hours(self.machine, policy)
        known += agreed(self.machine.agreements, self.today)
        if self.machine.materials_forbidden:
            never = ", ".join(self.machine.materials_forbidden)
            known.append(("ban", _("Never use: %(materials)s", materials=never), ""))
        return known

    def _how_far(self) -> tuple[str, str]:
        horizon = texts.days_count(self.policy.horizon_days)
        if not self.policy.is_open:
            return _("Not open to your kind of membership"), _("The team can tell you more.")
        if not self.policy.horizon_days:
            sentence = _("Book for the same day only")
        elif self.policy.notice:
            notice = texts.length(self.policy.notice)
            sentence = _("Book from %(notice)s to %(days)s ahead", notice=notice, days=horizon)
        else:
            sentence = _("Book up to %(days)s ahead", days=horizon)
        return sentence, _("You may cancel from “My bookings” until it starts.")

    def _when(self) -> str:
        return str(MODES.get(self.policy.modes, _("During the hours shown on the planning")))

    def _how_qualified(self) -> tuple[str, str]:
        sentence = _("A qualification of level %(level)s is needed", level=self.policy.level)
        means = _(MEANS[Level(self.policy.level)])
        training = self.particulars.training
        how = (
            _("The training “%(training)s” gives it.", training=training)
            if training
            else _("Ask the team how to get it.")
        )
        return sentence, f"{means} {how}"

    @cached_property
    def sheet(self) -> list[tuple[str, str]]:
        """(term, description) of the machine; the asset number is for the team only."""
        machine, more = self.machine, self.particulars
        rows = [
            (_("Make and model"), machine.model),
            *machine.specs.items(),
            (_("Materials"), ", ".join(machine.materials_allowed)),
            (_("Never"), ", ".join(machine.materials_forbidden)),
            (_("Risk class"), str(RISK[machine.risk_class])),
            (_("Where"), machine.location),
            (_("Looked after by"), ", ".join(more.referents) if self.standing else ""),
            (_("Owner"), more.owner or self.inventory.place.name),
            (_("Funded by"), more.funder),
            (_("Asset number"), more.asset_number if self.viewer.is_team else ""),
        ]
        return [(term, description) for term, description in rows if description]

    @property
    def hue(self) -> str:
        return self.machine.category.hue
