"""Whatever people do, in whatever order: the product and the plain model of it say the same.

Members and the team book, move, answer, cancel and stay away at random, mostly near an edge
(midnight, the clock change, the end of a closure, somebody else's booking). After each step the
database must hold what the model has, and no rule may be broken.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, time, timedelta
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import delete, select

from fablab import clock
from fablab.booking import absences, answers, commands
from fablab.booking.models import Consent
from fablab.booking.orders import BookingRefused, Order
from fablab.db import NotAllowed, db, writing
from fablab.machines.commands import SlotTaken, end_outage, set_state, withdraw
from fablab.machines.kinds import MachineState, OccupancyKind
from fablab.machines.models import Claim, Machine, Occupancy, Seat
from fablab.machines.policies import safety_hash
from fablab.machines.policy_commands import set_safety
from fablab.members import marks, staff
from fablab.members.kinds import Audience
from fablab.members.models import Mark
from fablab.slots import Slot
from fablab.trainings.commands import Award, disqualify, qualify
from fablab.trainings.models import Qualification
from tests.booking.house import EASTER, Rows, house
from tests.booking.model import (
    DAY,
    HOUR,
    TICK,
    Booking,
    Held,
    No,
    Person,
    Question,
    Wish,
    from_wall,
    monday_of,
    ticks,
    wished,
)

# The same steps every time: a failure here is the change's, and the time it takes is known.
STEADY = settings(
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate,),  # to shrink a failure takes minutes; its steps are told anyhow
)
# Every step throws its own dice: what it asks for is spread evenly over what there is.
DICE = st.randoms(use_true_random=True)
CLOCK = [time(hour, minute) for hour in range(24) for minute in (0, 30)]
DAYTIME = [time(hour, minute) for hour in range(10, 18) for minute in (0, 30)]
LENGTHS = [timedelta(minutes=n) for n in (30, 45, 60, 90, 120, 180, 240, 300)]
ODD = [timedelta(minutes=n) for n in (5, 15, 35, 720)]
EDGES = [
    from_wall(day, at)
    for day in (EASTER, EASTER + DAY, EASTER + 4 * DAY, EASTER + 6 * DAY)
    for at in (time(0), time(1, 30), time(3), time(6))
]


RARE = (
    ("marked", "outage", "too_late", "weekly_bookings", "quota_risky", "quota_machine")
    + ("not_valid_then", "too_many_units", "resource_full", "two_at_once", "suspended")
    + ("quota_category", "not_read", "membership_expired", "out_of_service", "level_too_low")
)


class Bookings(RuleBasedStateMachine):
    """One house, and what is done in it."""

    def __init__(self, set_clock: Callable[[datetime], None], seen: Counter[str]) -> None:
        super().__init__()
        self.house = house()
        self.set_clock, self.seen = set_clock, seen
        set_clock(self.house.now)
        self.rows = Rows(self.house)
        self.ids = self.rows.people
        self.names = {key: name for name, key in self.ids.items()}

    # -- the two are asked the same

    def same(self, model: Callable[[], Any], product: Callable[[], Any], about: Any) -> Any:
        """Both do it, or both refuse it for the same reasons; what the model gives, else None."""
        note(f"{product.__name__} {about}, at {self.house.now}")
        try:
            expected, said = model(), frozenset()
        except No as no:
            expected, said = None, no.reasons
        try:
            given, heard = product(), frozenset()
        except BookingRefused as refused:
            given, heard = None, frozenset(str(r.reason) for r in refused.refusals)
        except (NotAllowed, LookupError, SlotTaken, answers.TooLate, answers.NoBuddy) as error:
            given, heard = None, frozenset((type(error).__name__,))
        assert heard == said, f"the product says {sorted(heard)}, the model {sorted(said)}"
        self.seen.update(heard)
        self.seen[f"{product.__name__} {'refused' if heard else 'done'}"] += 1
        if isinstance(given, str) and hasattr(expected, "uid"):
            expected.uid = given
        return expected

    def order(self, wish: Wish) -> Order:
        of_it = self.house.machines[wish.machine]
        return Order(
            self.rows.machines[wish.machine],
            self.rows.place_id,
            Slot(wish.start, wish.end),
            self.ids[wish.who],
            organization_id=self.rows.organizations.get(wish.organization or ""),
            buddy_id=self.ids.get(wish.buddy or ""),
            is_accompanied=wish.is_accompanied,
            read_hash=safety_hash(of_it.safety, ()) if wish.has_read else "",
            override=wish.override,
        )

    # -- what there is to choose from

    def a_person(self, dice: Random) -> Person:
        """Anybody, or more often somebody who has booked already."""
        busy = [self.house.people[booking.wish.who] for booking in self.house.standing()]
        return dice.choice(busy if busy and dice.random() < 0.6 else self.everybody)

    @property
    def everybody(self) -> list[Person]:
        return list(self.house.people.values())

    def of_the_team(self, dice: Random) -> Person:
        team = [person for person in self.house.people.values() if person.is_team]
        return dice.choice(team)

    def a_booking(self, dice: Random) -> Booking:
        """Mostly one that stands."""
        standing = self.house.standing()
        return dice.choice(standing if standing and dice.random() < 0.8 else self.house.bookings)

    def a_standing(self, dice: Random) -> Booking:
        return dice.choice(self.house.standing()[::-1])

    def a_question(self, dice: Random) -> tuple[Booking, int]:
        asked = [(b, n) for b in self.house.bookings for n in range(len(b.questions))]
        return dice.choice(asked[::-1])

    def who_answers(self, dice: Random, booking: Booking, question: Question) -> Person:
        asked = [who for who in self.everybody if self.house.is_asked(booking, question, who)]
        return dice.choice(asked if asked and dice.random() < 0.8 else self.everybody)

    def who_changes(self, dice: Random, booking: Booking) -> Person:
        """Whose booking it is, or sometimes somebody of the team, or nobody of the two."""
        name = dice.choice((booking.wish.who, booking.wish.who, "amina", "basil", "chloe"))
        return self.house.people[name]

    def a_machine(self, dice: Random, who: str) -> str:
        """Any, or one that they hold a level on, or have booked already, or its like."""
        theirs = [self.house.machines[booking.wish.machine] for booking in self.house.own(who)]
        likes = {machine.category for machine in theirs}
        slugs = [m.slug for m in self.house.machines.values() if m.category in likes]
        slugs += [held.machine for held in self.house.people[who].held]
        return dice.choice(slugs if slugs and dice.random() < 0.6 else list(self.house.machines))

    def a_length(self, dice: Random, machine: str) -> timedelta:
        rules = self.house.machines[machine].says.get("", {})
        if dice.random() < 0.1:
            return dice.choice(ODD)
        return rules.get("fixed") or dice.choice(LENGTHS)

    def some_time(self, dice: Random, machine: str, who: str) -> tuple[datetime, datetime]:
        day = self.house.now.date() + dice.choice((0, 1, 2, 3, 4, 5, 6, 7, 8, 11, 14, 15)) * DAY
        if machine == "scanner" and dice.random() < 0.8:
            last = day + dice.randint(1, 4) * DAY
            return from_wall(day, time(0)), from_wall(last, time(0))
        length = self.a_length(dice, machine)
        where = dice.choice(("by day", "by day", "any hour", "beside", "meanwhile", "edge", "edge"))
        others = [each for each in self.house.standing() if each.wish.machine == machine]
        if where == "beside" and others:
            begins, ends = dice.choice(others).occupied
            gap = dice.choice((-TICK, 0 * TICK, 3 * TICK))
            start = dice.choice((ends + gap, begins - gap - length))
        elif where == "meanwhile" and self.house.standing():
            start = dice.choice(self.house.standing()).wish.start + dice.choice((-3, 0, 3)) * TICK
        elif where == "edge":
            start = dice.choice(self.edges(machine, who)) - dice.choice((0, 0, 1, 6, 12)) * TICK
        else:
            start = from_wall(day, dice.choice(CLOCK if where == "any hour" else DAYTIME))
        return start, start + length

    def edges(self, machine: str, who: str) -> list[datetime]:
        """The moments from which something is no longer, or not yet, as it was."""
        person, today = self.house.people[who], self.house.now.date()
        rules = self.house.rules(self.house.machines[machine], person)
        held = [each for each in person.held if each.machine == machine]
        first = [today + timedelta(days=rules.horizon_days + 1), *(each.since for each in held)]
        last = [day for day in (person.ends_on, *(each.until for each in held)) if day]
        midnights = [from_wall(day, time(0)) for day in first]
        midnights += [from_wall(day + DAY, time(0)) for day in last] * 4
        evenings = [from_wall(today + n * DAY, time(hour)) for n in (1, 2, 5) for hour in (18, 22)]
        return [*EDGES[:8], *evenings, *[*midnights, self.house.now + rules.notice] * 4]

    def a_wish(self, dice: Random, who: str) -> Wish:
        slug = self.a_machine(dice, who)
        machine = self.house.machines[slug]
        start, end = self.some_time(dice, slug, who)
        has_buddy = machine.risk == "D" or "reduced" in machine.says
        return Wish(
            slug,
            start,
            end,
            who,
            "studio" if dice.random() < 0.1 else None,
            dice.choice((None, "bruno", "hana", "emil", "fay")) if has_buddy else None,
            is_accompanied=dice.random() < 0.4,
            has_read=dice.random() < 0.8,
        )

    # -- booking and changing

    @initialize(dice=DICE)
    def some_have_booked_already(self, dice: Random) -> None:
        for _ in range(8):
            self.book_something_legal(dice)
        self.withdraw(dice)
        for _ in range(2):
            self.book_something_forbidden(dice)

    def _book(self, wish: Wish, by: Person) -> None:
        def book() -> str:
            return commands.book(
                self.order(wish), by=self.ids[by.name], now=self.house.now, is_team=by.is_team
            )

        self.same(lambda: self.house.book(wish, by), book, wish)

    @rule(dice=DICE)
    def book(self, dice: Random) -> None:
        who = self.a_person(dice)
        self._book(self.a_wish(dice, who.name), who)

    @rule(dice=DICE)
    def book_something_legal(self, dice: Random) -> None:
        """The first of some that the model would take, if there is one."""
        for _ in range(12):
            who = self.a_person(dice)
            wish = self.a_wish(dice, who.name)
            if not self.house.reasons(wish):
                break
        self._book(wish, who)

    @rule(dice=DICE)
    def book_something_forbidden(self, dice: Random) -> None:
        """For a reason that chance alone seldom comes upon, if some wish meets it."""
        wanted = dice.choice(RARE)
        for _ in range(25):
            who = self.a_person(dice)
            wish = self.a_wish(dice, who.name)
            if wanted in self.house.reasons(wish):
                break
        self._book(wish, who)

    @rule(dice=DICE, why=st.sampled_from(("", "It is urgent.")))
    def book_by_the_team(self, dice: Random, why: str) -> None:
        wish = self.a_wish(dice, self.a_person(dice).name)
        self._book(wished(wish, override=why), self.of_the_team(dice))

    @rule(dice=DICE)
    def book_twice_by_one_form(self, dice: Random) -> None:
        who = self.a_person(dice)
        wish, key = self.a_wish(dice, who.name), f"{self.rows.number}-{len(self.house.bookings)}"

        def book() -> str:
            order, by = self.order(wish), self.ids[who.name]
            asked = {"by": by, "now": self.house.now, "key": key, "is_team": who.is_team}
            first = commands.book(order, **asked)
            assert commands.book(order, **asked) == first
            return first

        self.same(lambda: self.house.book(wish, who), book, wish)

    def _move(self, dice: Random, booking: Booking, **changed: Any) -> None:
        wish = wished(booking.wish, **changed)
        by = self.who_changes(dice, booking)
        wish = wished(wish, override="It must be." if by.is_team and len(changed) > 1 else "")

        def move() -> bool:
            order, by_id = self.order(wish), self.ids[by.name]
            return commands.move(
                booking.uid, order, by=by_id, is_team=by.is_team, now=self.house.now
            )

        self.same(lambda: self.house.move(booking, wish, by), move, (booking, wish, by))

    @precondition(lambda self: self.house.bookings)
    @rule(dice=DICE)
    def move(self, dice: Random) -> None:
        booking = self.a_booking(dice)
        start, end = self.some_time(dice, booking.wish.machine, booking.wish.who)
        self._move(dice, booking, start=start, end=end, has_read=True)

    @precondition(lambda self: self.house.standing())
    @rule(dice=DICE, by=st.sampled_from((-12, -6, -3, -1, 3, 6, 12, 24)))
    def change_its_end(self, dice: Random, by: int) -> None:
        booking = self.a_standing(dice)
        end = booking.wish.end + by * TICK
        if end > booking.wish.start:
            self._move(dice, booking, end=end)

    @precondition(lambda self: self.house.standing())
    @rule(dice=DICE, by=st.sampled_from((-12, -6, -3, 3, 6, 12)))
    def change_its_start(self, dice: Random, by: int) -> None:
        booking = self.a_standing(dice)
        start = booking.wish.start + by * TICK
        if start < booking.wish.end:
            self._move(dice, booking, start=start)

    @precondition(lambda self: self.house.standing())
    @rule(dice=DICE)
    def end_it_early(self, dice: Random) -> None:
        """Now, or as soon after as it may end."""
        booking = self.a_standing(dice)
        since = self.house.now - booking.wish.start
        if since > 0 * TICK:
            self._move(dice, booking, end=self.house.now + -since % timedelta(minutes=15))

    @precondition(lambda self: self.house.standing())
    @rule(dice=DICE)
    def change_its_machine(self, dice: Random) -> None:
        booking = self.a_standing(dice)
        machine = dice.choice(list(self.house.machines))
        self._move(dice, booking, machine=machine, has_read=True)

    @precondition(lambda self: self.house.standing())
    @rule(dice=DICE, company=st.booleans(), name=st.sampled_from((None, "hana", "bruno")))
    def change_who_is_there(self, dice: Random, company: bool, name: str | None) -> None:
        self._move(dice, self.a_standing(dice), is_accompanied=company, buddy=name)

    @precondition(lambda self: self.house.bookings)
    @rule(dice=DICE)
    def cancel(self, dice: Random) -> None:
        booking = self.a_booking(dice)
        self._cancel(booking, self.who_changes(dice, booking))

    def _cancel(self, booking: Booking, by: Person) -> None:
        def cancel() -> None:
            by_id, now = self.ids[by.name], self.house.now
            commands.cancel(booking.uid, by=by_id, is_team=by.is_team, now=now)

        self.same(lambda: self.house.cancel(booking, by), cancel, (booking, by))

    @precondition(lambda self: self.house.standing())
    @rule(dice=DICE)
    def cancel_late(self, dice: Random) -> None:
        """An hour before it starts, when that leaves a mark, and book something else."""
        booking = self.a_standing(dice)
        late = booking.wish.start - HOUR
        if late > self.house.now:
            self.time_passes(late - self.house.now)
            self._cancel(booking, self.house.people[booking.wish.who])
            self._book(self.a_wish(dice, booking.wish.who), self.house.people[booking.wish.who])

    # -- somebody's yes

    @precondition(lambda self: any(b.questions for b in self.house.bookings))
    @rule(dice=DICE, yes=st.sampled_from((True, True, False)))
    def answer(self, dice: Random, yes: bool) -> None:
        booking, n = self.a_question(dice)
        question = booking.questions[n]
        by = self.who_answers(dice, booking, question)
        uid = self.asked_of(booking)[n].uid

        def answer() -> str:
            return answers.answer(uid, yes, by=self.ids[by.name], now=self.house.now)

        self.same(
            lambda: self.house.answer(booking, question, yes, by),
            answer,
            (booking, question, yes, by),
        )

    @precondition(lambda self: self.house.standing())
    @rule(dice=DICE, name=st.sampled_from(("bruno", "hana", "emil", "fay", "chloe")))
    def name_a_buddy(self, dice: Random, name: str) -> None:
        waiting = [b for b in self.house.standing() if self.house.open_buddy(b)]
        booking = dice.choice(waiting or self.house.standing())
        by = self.who_changes(dice, booking)

        def name_buddy() -> None:
            answers.name_buddy(
                booking.uid,
                self.ids[name],
                place_id=self.rows.place_id,
                by=self.ids[by.name],
                is_team=by.is_team,
                now=self.house.now,
            )

        self.same(lambda: self.house.name_buddy(booking, name, by), name_buddy, (booking, name, by))

    @precondition(lambda self: self.house.given())
    @rule(dice=DICE)
    def take_back(self, dice: Random) -> None:
        booking, n = dice.choice(self.house.given())
        question = booking.questions[n]
        by = self.who_answers(dice, booking, question)
        uid = self.asked_of(booking)[n].uid

        def take_back() -> None:
            answers.take_back(uid, by=self.ids[by.name], now=self.house.now)

        self.same(
            lambda: self.house.take_back(booking, question, by), take_back, (booking, question, by)
        )

    # -- time goes by

    @rule(step=st.sampled_from((TICK, 3 * TICK, HOUR, 3 * HOUR, 9 * HOUR, DAY)))
    def time_passes(self, step: timedelta) -> None:
        self.house.now += step
        self.set_clock(self.house.now)

    @precondition(lambda self: self.house.standing())
    @rule(dice=DICE, late=st.sampled_from((0 * TICK, TICK, -TICK)))
    def a_booking_begins(self, dice: Random, late: timedelta) -> None:
        begins = self.a_standing(dice).wish.start + late
        if begins > self.house.now:
            self.time_passes(begins - self.house.now)

    @rule()
    def lapse(self) -> None:
        self.house.lapse()
        answers.lapse(self.house.now)

    @precondition(lambda self: self.house.bookings)
    @rule(dice=DICE)
    def nobody_came(self, dice: Random) -> None:
        booking, by = self.a_booking(dice), self.of_the_team(dice)

        def miss() -> None:
            now, place = self.house.now, self.rows.place_id
            absences.mark_missed(booking.uid, place, by=self.ids[by.name], now=now)

        self.same(lambda: self.house.miss(booking, by), miss, (booking, by))

    # -- what the team does

    @precondition(lambda self: any(p.marks for p in self.house.people.values()))
    @rule(dice=DICE)
    def lift_a_mark(self, dice: Random) -> None:
        marked = [p for p in self.house.people.values() if p.marks and not p.is_team]
        if not marked:
            return
        person = dice.choice(marked)
        found = db.session.scalars(
            select(Mark)
            .where(Mark.member_id == self.ids[person.name], Mark.lifted_at.is_(None))
            .order_by(Mark.made_at)
        ).all()
        assert [mark.made_at for mark in found] == sorted(person.marks)
        person.marks = sorted(person.marks)[1:]
        uid, by = found[0].uid, self.ids["basil"]
        marks.lift(uid, self.rows.place_id, "A good reason.", by=by, now=self.house.now)

    @rule(name=st.sampled_from(("bruno", "emil", "hana")), hours=st.sampled_from((0, 12, 48)))
    def suspend_or_reinstate(self, name: str, hours: int) -> None:
        person, now = self.house.people[name], self.house.now
        member, place, by = self.ids[name], self.rows.place_id, self.ids["amina"]
        if hours:
            person.suspended_until = now + hours * HOUR
            staff.suspend(member, place, person.suspended_until, "Tidy up.", by=by, now=now)
        else:
            person.suspended_until = None
            staff.reinstate(member, place, by=by, now=now)

    @rule(days=st.sampled_from((0, 1, 7)))
    def renew_a_membership(self, days: int) -> None:
        fay, now = self.house.people["fay"], self.house.now
        fay.ends_on = now.date() + days * DAY
        member, place, by = self.ids["fay"], self.rows.place_id, self.ids["amina"]
        staff.set_membership(member, place, Audience.INDIVIDUAL, fay.ends_on, by=by, now=now)

    @rule(
        name=st.sampled_from(("chloe", "fay", "gus")),
        machine=st.sampled_from(("laser", "saw", "grinder")),
        level=st.integers(1, 3),
        days=st.sampled_from((None, 0, 2, 9)),
    )
    def qualify(self, name: str, machine: str, level: int, days: int | None) -> None:
        now = self.house.now
        since = now.date()
        until = None if days is None else since + days * DAY
        award = Award(machine, since, until, machine_id=self.rows.machines[machine], level=level)
        by = self.ids["amina"]
        qualify(self.ids[name], self.rows.place_id, award, by=by, now=now)
        held = Held(machine, level, since, until)
        if held not in self.house.people[name].held:
            self.house.people[name].held.append(held)

    @rule(name=st.sampled_from(("dora", "emil", "gus")))
    def disqualify(self, name: str) -> None:
        held = self.house.people[name].held
        if not held:
            return
        gone = held.pop(0)
        found = db.session.scalars(
            select(Qualification.id)
            .where(
                Qualification.member_id == self.ids[name],
                Qualification.machine_id == self.rows.machines[gone.machine],
                Qualification.level == gone.level,
            )
            .order_by(Qualification.id)
        ).first()
        by, now = self.ids["amina"], self.house.now
        disqualify(found or 0, self.ids[name], self.rows.place_id, gone.machine, by=by, now=now)

    @rule(dice=DICE)
    def withdraw(self, dice: Random) -> None:
        machine = dice.choice(("bench", "laser", "printer1"))
        start, end = self.some_time(dice, machine, "amina")

        def withdraw_it() -> str:
            span, key = Slot(start, end), self.rows.machines[machine]
            return withdraw(key, span, "Maintenance", by=self.ids["amina"], now=self.house.now)

        self.same(
            lambda: self.house.withdraw(machine, start, end), withdraw_it, (machine, start, end)
        )

    @precondition(lambda self: self.house.outages)
    @rule(dice=DICE)
    def end_an_outage(self, dice: Random) -> None:
        outage = dice.choice(self.house.outages)
        self.house.end_outage(outage)
        end_outage(outage.uid, by=self.ids["amina"], now=self.house.now)

    @rule(machine=st.sampled_from(("bench", "press")), state=st.sampled_from(tuple(MachineState)))
    def change_a_state(self, machine: str, state: MachineState) -> None:
        if state is MachineState.RETIRED:  # for good
            state = MachineState.IN_SERVICE
        self.house.machines[machine].state = state
        by, key = self.ids["amina"], self.rows.machines[machine]
        set_state(key, state, "It smokes.", None, by=by, now=self.house.now)

    @rule(text=st.sampled_from(("", "Keep it dry.", "Keep it dry and cool.")))
    def say_what_is_safe(self, text: str) -> None:
        self.house.machines["scanner"].safety = text
        by, key = self.ids["amina"], self.rows.machines["scanner"]
        set_safety(key, text, by=by, now=self.house.now)

    # -- what always holds

    def stored(self) -> list[Any]:
        table, machine = Occupancy.__table__, Machine.__table__
        db.session.rollback()
        return list(
            db.session.execute(
                select(table)
                .join(machine, machine.c.id == table.c.machine_id)
                .where(machine.c.place_id == self.rows.place_id)
                .order_by(table.c.id)
            )
        )

    def asked_of(self, booking: Booking) -> list[Any]:
        return list(
            db.session.execute(
                select(Consent.__table__)
                .join(Occupancy, Occupancy.id == Consent.occupancy_id)
                .where(Occupancy.uid == booking.uid)
                .order_by(Consent.id)
            )
        )

    @invariant()
    def the_database_holds_what_the_model_has(self) -> None:
        stored = self.stored()
        held = {row.uid: self.told(row) for row in stored if row.kind == OccupancyKind.BOOKING}
        assert held == {booking.uid: self.said(booking) for booking in self.house.bookings}
        outages = {
            (row.uid, row.starts_at, row.ends_at)
            for row in stored
            if row.kind == OccupancyKind.OUTAGE and row.standing
        }
        assert outages == {(o.uid, o.start, o.end) for o in self.house.outages}
        questions = Counter(
            (row.uid, row.kind, row.asked_id, row.answer or "", row.due_at)
            for row in db.session.execute(
                select(
                    Occupancy.uid, Consent.kind, Consent.asked_id, Consent.answer, Consent.due_at
                )
                .join(Occupancy, Occupancy.id == Consent.occupancy_id)
                .where(Occupancy.machine_id.in_(self.rows.machines.values()))
            )
        )
        assert questions == Counter(
            (b.uid, q.kind, self.ids.get(q.asked or ""), q.answer, q.due)
            for b in self.house.bookings
            for q in b.questions
        )

    def told(self, row: Any) -> tuple[Any, ...]:
        return (
            row.machine_id,
            row.starts_at,
            row.ends_at,
            self.names[row.member_id],
            row.organization_id,
            self.names.get(row.buddy_id),
            bool(row.is_accompanied),
            (row.occupied_from, row.occupied_until),
            row.status,
            bool(row.standing),
            bool(row.counts_in_quota),
            bool(row.override_reason),
        )

    def said(self, booking: Booking) -> tuple[Any, ...]:
        wish = booking.wish
        return (
            self.rows.machines[wish.machine],
            wish.start,
            wish.end,
            wish.who,
            self.rows.organizations.get(wish.organization or ""),
            wish.buddy,
            wish.is_accompanied,
            booking.occupied,
            booking.status,
            booking.stands,
            booking.counts,
            bool(booking.set_aside),
        )

    @invariant()
    def nothing_is_taken_twice(self) -> None:
        """By what the database alone says: no machine, and no more of a resource than there is."""
        standing = [row for row in self.stored() if row.standing]
        for key in {row.machine_id for row in standing}:
            spans = sorted(
                (row.occupied_from, row.occupied_until) for row in standing if row.machine_id == key
            )
            assert all(one[1] <= other[0] for one, other in pairwise(spans)), spans
        claims = db.session.execute(
            select(Seat.resource_id, Claim.claimed_from, Claim.claimed_until, Claim.occupancy_id)
            .join(Seat, Seat.id == Claim.seat_id)
            .where(Seat.resource_id.in_(self.rows.resources.values()))
        ).all()
        for name, key in self.rows.resources.items():
            taken = Counter(
                tick
                for claim in claims
                if claim.resource_id == key
                for tick in ticks(claim.claimed_from, claim.claimed_until)
            )
            assert max(taken.values(), default=0) <= self.house.capacity[name]
            assert taken == Counter(
                tick
                for booking in self.house.standing()
                if name in self.house.machines[booking.wish.machine].shares
                for tick in ticks(*booking.occupied)
            )

    @invariant()
    def everyone_keeps_their_share(self) -> None:
        """Nobody has more hours, or machines at once, than the rules give, unless overridden."""
        for name, person in self.house.people.items():
            own = [b for b in self.house.own(name) if not b.set_aside]
            hours: Counter[Any] = Counter()
            for booking in (each for each in own if each.counts):
                machine = self.house.machines[booking.wish.machine]
                rules = self.house.rules(machine, person)
                for tick in ticks(booking.wish.start, booking.wish.end):
                    week = monday_of(tick)
                    hours[week, machine.slug, rules.quota_machine] += 1
                    hours[week, machine.category, rules.quota_category] += 1
            for (_, _, most), count in hours.items():
                assert not most or count * TICK <= most
            present = [
                (b.wish.start, b.wish.end)
                for b in own
                if not self.house.runs_alone(
                    self.house.machines[b.wish.machine], self.house.people[b.wish.who]
                )
            ]
            assert all(one[1] <= other[0] for one, other in pairwise(sorted(present)))

    def teardown(self) -> None:
        """Nothing of this house is overdue in the next one."""
        db.session.rollback()
        with writing() as session:
            session.execute(delete(Consent).where(Consent.answer.is_(None)))


@pytest.mark.parametrize(("engine", "houses", "steps"), [("sqlite", 40, 50), ("postgresql", 3, 30)])
def test_every_step_is_as_the_house_rules_say(make_app, monkeypatch, engine, houses, steps):
    seen: Counter[str] = Counter()

    def set_clock(now: datetime) -> None:
        monkeypatch.setattr(clock, "now", lambda: now)

    with make_app(engine).app_context():
        run_state_machine_as_test(
            lambda: Bookings(set_clock, seen),
            settings=settings(STEADY, max_examples=houses, stateful_step_count=steps),
        )

    # It is not in vain: much was done, and nearly every reason to refuse was met.
    if engine == "sqlite":
        assert seen["book done"] > 100
        assert min(seen[f"{what} done"] for what in ("move", "cancel", "answer")) > 5
        assert len({*RARE} - {*seen}) < 6
