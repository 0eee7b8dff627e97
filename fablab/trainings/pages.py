"""Trainings and sessions as plain values, as somebody who may follow them reads them."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from functools import cached_property
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from fablab import clock, texts
from fablab.machines.inventory import Inventory, MachineFacts
from fablab.slots import Slot
from fablab.trainings import commands, queries
from fablab.trainings.forms import AttendanceForm
from fablab.trainings.kinds import Seating, SessionState
from fablab.trainings.queries import Holding
from fablab.trainings.rules import ANYBODY, OF_THE_PERSON, Applicant, Obstacle, is_old_enough
from fablab.trainings.sessions import Objection, against
from fablab.trainings.words import SEATINGS

A_MONTH = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Told:
    """What speaks against a registration, and what to do about it."""

    sentence: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class SessionCard:
    """A session for one reader."""

    uid: str
    url: str
    training: str
    when: str
    trainer: str
    location: str
    seats: str  # how many are left, or who waits
    seating: str  # where the reader stands, in words; empty when they do not
    person: list[Told]  # what keeps the reader from every session
    obstacles: list[Told]  # and from this one
    is_full: bool
    may_register: bool
    may_leave: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """A training as it is offered to one reader."""

    name: str
    description: str
    length: str
    validity: str
    required: str  # the trainings it asks for first
    age: str
    missing: str  # the trainings to follow first; empty when all are held
    is_too_young: bool
    held: str  # until when it is held; empty when it is not
    next_session: str  # when; empty when none is planned


@dataclass(frozen=True, slots=True)
class Held:
    name: str
    until: str
    is_valid: bool


@dataclass(frozen=True, slots=True)
class Given:
    """A session as whoever gives it sees it: its people, who came, what they may get."""

    people: list[tuple[str, str]]  # name, how they stand
    form: AttendanceForm
    may_note: bool
    is_noted: bool
    came: int
    may_grant: bool


@dataclass
class TrainingsPage:
    """All trainings and sessions of the place, for one reader, in few statements."""

    inventory: Inventory
    now: datetime
    reader: int | None
    machine: MachineFacts | None = None  # which one they want to use; none: they only look

    def __post_init__(self) -> None:
        self.zone = self.inventory.schedule.zone
        self.place_id = self.inventory.place.id
        self.today = clock.today(self.zone, self.now)

    @cached_property
    def towards(self) -> set[int] | None:
        """The trainings on the way to `machine`: those that qualify for it, and what they ask for
        first, and so on. None when no machine is asked for.
        """
        if self.machine is None:
            return None
        found, left = set(), queries.opening(self.machine.id)
        while left:
            found |= left
            left = {first for each in left for first in self._required.get(each, ())} - found
        return found

    @property
    def way(self) -> str:
        """What stands between the reader and the machine, in a sentence."""
        if self.machine is None:
            return ""
        name = self.machine.name
        if not self.towards:
            return _("No training is needed for %(machine)s.", machine=name)
        if self.is_qualified:
            return _("You hold what %(machine)s asks for.", machine=name)
        if not self._ahead:
            return _(
                "What leads to %(machine)s is below. No session is planned just now: ask the team.",
                machine=name,
            )
        return _("What leads to %(machine)s: register for a session below.", machine=name)

    @cached_property
    def is_qualified(self) -> bool:
        """As far as trainings tell: what a slot needs, the booking form says."""
        if self.machine is None:
            return False
        opening = queries.opening(self.machine.id)
        return not opening or any(
            (each.training_id in opening or each.machine_id == self.machine.id)
            and each.is_valid_on(self.today)
            for each in self._holdings
        )

    def leads(self, training_id: int) -> bool:
        return self.towards is None or training_id in self.towards

    @cached_property
    def _trainings(self) -> Sequence[Any]:
        return queries.trainings(self.place_id)

    @cached_property
    def _required(self) -> dict[int, dict[int, str]]:
        return queries.required([row.id for row in self._trainings])

    @cached_property
    def _holdings(self) -> list[Holding]:
        if self.reader is None:
            return []
        return queries.held_by(self.reader, self.place_id, self.zone, self.now)

    @cached_property
    def _applicant(self) -> Applicant:
        found = queries.applicant(self.reader, self.place_id) if self.reader is not None else None
        return found or ANYBODY

    @cached_property
    def sessions(self) -> list[SessionCard]:
        """Those to come, and of those under way none: it is too late for them."""
        ids = [row.id for row in self._ahead]
        mine = queries.seatings(self.reader, ids) if self.reader is not None else {}
        return [self.card(row, mine.get(row.id)) for row in self._ahead]

    @property
    def person(self) -> list[Told]:
        """What keeps the reader from each of them."""
        return self.sessions[0].person if self.sessions else []

    @cached_property
    def _ahead(self) -> Sequence[Any]:
        rows = queries.sessions_ahead(self.place_id, self.now)
        return [row for row in rows if self.leads(row.training_id)]

    def card(self, row: Any, seating: Seating | None) -> SessionCard:
        found = self.objections(row, seating)
        left = row.seats - row.seated
        is_open = row.state is SessionState.PLANNED and row.starts_at > self.now
        return SessionCard(
            uid=row.uid,
            url=url_for("trainings.session", uid=row.uid),
            training=row.training,
            when=texts.capital(self.when(row)),
            trainer=f"{row.first_name or ''} {row.last_name or ''}".strip(),
            location=row.location,
            seats=seats_left(left, row.waiting),
            seating=seating_in_words(seating),
            person=self.in_words([each for each in found if each.obstacle in OF_THE_PERSON]),
            obstacles=self.in_words([each for each in found if each.obstacle not in OF_THE_PERSON]),
            is_full=left <= 0,
            may_register=self.reader is not None and not found,
            may_leave=is_open and seating in (Seating.SEATED, Seating.WAITING),
        )

    @cached_property
    def own_sessions(self) -> list[tuple[str, str, str]]:
        """(address, when, training) of those the reader gives, and gave in the last month."""
        if self.reader is None:
            return []
        rows = queries.given_by(self.reader, self.place_id, self.now - A_MONTH)
        return [
            (
                url_for("trainings.session", uid=row.uid),
                texts.capital(self.when(row)),
                row.training,
            )
            for row in rows
        ]

    def given(self, row: Any, form: AttendanceForm | None) -> Given:
        """`form` is one that was refused, with what was typed."""
        people = queries.people(row.id)
        seated = [each for each in people if each.seating in queries.TAKES_A_SEAT]
        seated = [each for each in seated if each.erased_at is None]
        came = [each for each in seated if each.seating is Seating.ATTENDED]
        is_noted = row.state is SessionState.HELD
        ticked = [each.uid for each in (came if is_noted else seated)]
        return Given(
            people=[
                (f"{each.first_name} {each.last_name}".strip(), _(SEATINGS[each.seating]))
                for each in people
                if each.erased_at is None
            ],
            form=form or AttendanceForm(formdata=None, people=seated, data={"came": ticked}),
            may_note=row.starts_at <= self.now
            and row.state is not SessionState.CANCELLED
            and bool(seated),
            is_noted=is_noted,
            came=len(came),
            may_grant=is_noted and self.may_grant(row, came),
        )

    def may_grant(self, row: Any, came: Sequence[Any]) -> bool:
        """May the reader give those who came, oneself apart, what the session's training gives?"""
        others = [each.member_id for each in came if each.member_id != self.reader]
        return bool(others) and commands.is_allowed(
            others[0], self.place_id, row.training_id, None, by=self.reader or 0, now=self.now
        )

    def objections(self, row: Any, seating: Seating | None) -> list[Objection]:
        return against(
            row,
            self._applicant,
            seating,
            self.missing(row.training_id, clock.today(self.zone, row.starts_at)),
            self.inventory.schedule,
            now=self.now,
            is_trainer=self.reader is not None and row.trainer_id == self.reader,
        )

    def missing(self, training_id: int, day: date) -> list[str]:
        """What a visitor holds is not known: nothing is missing to them."""
        if self.reader is None:
            return []
        return queries.missing(self._required.get(training_id, {}), self._holdings, day)

    def in_words(self, found: Collection[Objection]) -> list[Told]:
        """What stands in the way; that one is registered is told otherwise."""
        return told([each for each in found if each.obstacle is not Obstacle.THERE], self.zone)

    def when(self, row: Any) -> str:
        """Within a sentence: French writes `mardi` small there."""
        slot = Slot(row.starts_at, row.ends_at)
        first, last = self.inventory.schedule.days_of(slot)
        hours = texts.hours(slot, self.zone)
        if first != last:
            return hours
        return f"{texts.near_day(first, self.zone)} {hours}"

    @cached_property
    def offers(self) -> list[Offer]:
        return [self.offer(row) for row in self._offered]

    @property
    def _offered(self) -> list[Any]:
        rows = [row for row in self._trainings if row.retired_at is None and self.leads(row.id)]
        if self.machine is None:
            return rows
        held = {each.training_id for each in self._holdings if each.is_valid_on(self.today)}
        by_id = {row.id: row for row in rows if row.id not in held}
        return [by_id[each] for each in self._in_order(row.id for row in rows) if each in by_id]

    def _in_order(self, trainings: Iterable[int]) -> list[int]:
        """Each after those it asks for."""
        ordered: dict[int, None] = {}
        seen: set[int] = set()

        def follow(training: int) -> None:
            if training not in seen:
                seen.add(training)
                for first in self._required.get(training, ()):
                    follow(first)
                ordered[training] = None

        for each in trainings:
            follow(each)
        return list(ordered)

    def offer(self, row: Any) -> Offer:
        held = [each for each in self._holdings if each.training_id == row.id]
        valid = [each for each in held if each.is_valid_on(self.today)]
        best = max(valid, key=lambda each: each.lasts, default=None)
        following = (self.when(each) for each in self._ahead if each.training_id == row.id)
        return Offer(
            name=row.name,
            description=row.description,
            length=texts.length(row.duration),
            validity=self.validity(row),
            required=", ".join(self._required.get(row.id, {}).values()),
            age=_("%(age)s years", age=row.minimum_age) if row.minimum_age else "",
            missing=texts.together(self.missing(row.id, self.today)),
            is_too_young=self.reader is not None
            and not is_old_enough(self._applicant.age, row.minimum_age),
            held=self.until(best) if best else "",
            next_session=next(following, ""),
        )

    def validity(self, row: Any) -> str:
        if not row.validity_months:
            return _("for life")
        months = ngettext("%(num)s month", "%(num)s months", row.validity_months)
        if row.is_renewed_by_use:
            return _("%(months)s from the last use", months=months)
        return months

    @cached_property
    def held(self) -> list[Held]:
        """What the reader holds, and what has ended and was not renewed."""
        best: dict[tuple[int | None, int | None], Holding] = {}
        for each in self._holdings:
            of = (each.training_id, each.machine_id)
            if of not in best or best[of].lasts < each.lasts:
                best[of] = each
        return [
            Held(self.name_of(each), self.until(each), each.is_valid_on(self.today))
            for each in sorted(best.values(), key=lambda held: (held.training, held.machine))
        ]

    @property
    def holds_a_level(self) -> bool:
        """Of one machine: what a training gives is said by its name."""
        return any(each.machine_id is not None for each in self._holdings)

    @cached_property
    def may_qualify(self) -> bool:
        """Is the reader the trainer or the referent of a machine?"""
        return self.reader is not None and bool(
            queries.grants_on(self.reader, self.place_id, self.zone, self.now)
        )

    def name_of(self, held: Holding) -> str:
        if held.machine_id is None:
            return held.training
        return _("%(machine)s, level %(level)s", machine=held.machine, level=held.level)

    def until(self, held: Holding) -> str:
        if held.last_day is None:
            return _("For life")
        day = texts.near_day(held.last_day, self.zone)
        if held.last_day < self.today:
            return _("Ended on %(day)s", day=day)
        return _("Valid until %(day)s", day=day)


def told(found: Collection[Objection], zone: tzinfo) -> list[Told]:
    return [
        Told(
            texts.filled(each.obstacle, each.values, zone),
            texts.filled(each.advice, each.values, zone),
        )
        for each in found
    ]


def seats_left(left: int, waiting: int) -> str:
    if left > 0:
        return ngettext("%(num)s seat left", "%(num)s seats left", left)
    if waiting:
        return ngettext("Full; %(num)s person waits", "Full; %(num)s people wait", waiting)
    return _("Full")


def seating_in_words(seating: Seating | None) -> str:
    words = {
        Seating.SEATED: _("You have a seat"),
        Seating.WAITING: _("You are in the waiting list"),
        Seating.ATTENDED: _("You came"),
        Seating.ABSENT: _("You were absent"),
    }
    return words.get(seating, "") if seating else ""
