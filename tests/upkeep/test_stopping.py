"""A machine that is taken away from those who booked it: chosen for each, done in one step, told
once.
"""

import re
from dataclasses import replace
from datetime import date, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from fablab import clock
from fablab.booking import commands as bookings
from fablab.booking import waits
from fablab.booking.offers import Offer
from fablab.db import db, writing
from fablab.invitations.commands import tell
from fablab.machines.commands import SlotTaken, withdraw
from fablab.machines.kinds import MachineState, OccupancyKind, Status
from fablab.machines.models import Machine, Occupancy
from fablab.members.kinds import Channel
from fablab.members.models import Member
from fablab.places.models import Closure
from fablab.trainings.models import Qualification
from fablab.upkeep import settling, stopping
from fablab.upkeep.kinds import FaultState
from fablab.upkeep.models import Fault
from fablab.upkeep.stopping import CannotMove, Choice, Fate, Undecided
from tests.conftest import browser
from tests.support import slot, submit
from tests.upkeep.conftest import add_referent, mails, options, reported, settle

BENCH = "/manage/machines/bench"
MORNING = slot("2027-03-30 10:00-12:00")
OUT = {"state": "out_of_service", "state_reason": "The vice", "back_on": ""}
AWAY = {
    "day": "2027-03-30",
    "start": "10:00",
    "end": "14:00",
    "end_day": "",
    "reason": "Changing the vice",
}


def add_twin(fablab):
    """A second bench of the same make."""
    with writing() as session:
        bench = session.scalars(select(Machine).where(Machine.slug == "bench")).one()
        bench.model = "Solid"
        twin = Machine(
            model=bench.model,
            place_id=fablab.place_id,
            category_id=bench.category_id,
            slug="twin",
            code="B2",
            name="Second bench",
        )
        session.add(twin)


def row(uid):
    table = Occupancy.__table__
    return db.session.execute(select(table).where(table.c.uid == uid)).one()


def outages():
    table = Occupancy.__table__
    asked = select(table.c.starts_at, table.c.ends_at).where(
        table.c.kind == OccupancyKind.OUTAGE, table.c.standing
    )
    return [tuple(each) for each in db.session.execute(asked.order_by(table.c.starts_at))]


def told(kind):
    tell(clock.now())
    return mails(kind)


def stop(fablab, choices=None, state=MachineState.OUT_OF_SERVICE, back_on=None, why="The vice"):
    bench, by = fablab.machine("bench"), fablab.people["amina"]
    stopping.set_state(
        bench.id, fablab.place_id, state, why, back_on, choices or {}, by=by, now=clock.now()
    )


def keep(*uids):
    return {uid: Choice(Fate.KEEP, row(uid).revision) for uid in uids}


def shut_on(fablab, day):
    with writing() as session:
        session.add(
            Closure(
                place_id=fablab.place_id,
                uid=str(uuid4()),
                first_day=day,
                last_day=day,
                reason="Works",
                changed_at=clock.now(),
            )
        )


@pytest.fixture
def english(cast):
    with writing() as session:
        for member in session.scalars(select(Member)):
            member.language = "en"
    return cast


def test_nothing_is_done_before_what_becomes_of_each_is_chosen(any_fablab, any_app):
    add_referent(any_fablab)
    add_twin(any_fablab)
    uids = [
        any_fablab.book("bench", MORNING, "chloe"),
        any_fablab.book("bench", slot("2027-03-31 10:00-12:00"), "bruno"),
        any_fablab.book("bench", slot("2027-04-01 10:00-12:00"), "chloe"),
    ]
    tell(clock.now())
    amina = browser(any_app, "amina")

    asked = submit(amina, BENCH, f"{BENCH}/state", **OUT)

    assert asked.status_code == 409
    assert any_fablab.machine("bench").is_in_service
    assert "Chloé Navette" in asked.text
    kept, cancelled, moved = uids
    move = options(asked.text, moved)[1]
    assert move.startswith("move twin 2027-04-01T08:00:00+00:00")

    fates = {cancelled.replace("-", ""): "cancel", moved.replace("-", ""): move}
    answer = settle(amina, f"{BENCH}/state", asked.text, **fates)

    assert (answer.status_code, answer.location) == (303, BENCH)
    assert not any_fablab.machine("bench").is_in_service
    assert any_fablab.machine("bench").state_reason == "The vice"
    assert row(kept).standing
    assert row(kept).revision == 1
    assert row(cancelled).status == Status.CANCELLED
    assert row(moved).machine_id == any_fablab.machine("twin").id
    tell(clock.now())
    warned, changed = mails("booking_warned"), mails("booking_changed")
    assert [mail.recipient for mail in warned] == ["chloe@atelier.example"]
    assert [mail.recipient for mail in changed] == ["chloe@atelier.example"]
    assert "The vice" in changed[0].text
    [told_off] = mails("booking_cancelled")
    assert (told_off.recipient, "The vice" in told_off.text) == ("bruno@atelier.example", True)
    assert tell(clock.now()) == 0


def test_who_keeps_theirs_is_warned_once_and_told_when_it_is_back(english, browse):
    add_twin(english)
    uid = english.book("bench", MORNING, "chloe")
    tell(clock.now())

    stop(english, keep(uid))
    [mail] = told("booking_warned")

    for words in ("out of service", "The vice", "Second bench", "You could move it to"):
        assert words in mail.text
    link = re.search(r"(/bookings/\S+/move\?\S+)", mail.text)[1]
    assert browse("chloe").get(link).status_code == 200
    stop(english, keep(uid), why="The vice, and a leg")
    assert len(told("booking_warned")) == 1
    stop(english, state=MachineState.IN_SERVICE)
    [relieved] = told("booking_relieved")
    assert "works again" in relieved.text
    assert relieved.recipient == "chloe@atelier.example"


def test_several_bookings_of_one_machine_are_one_mail_each_with_what_can_be_done(english, browse):
    add_twin(english)
    spans = [MORNING, slot("2027-03-31 10:00-12:00"), slot("2027-04-01 10:00-12:00")]
    uids = [english.book("bench", each, "chloe") for each in spans]
    other = english.book("bench", slot("2027-04-02 10:00-12:00"), "bruno")
    elsewhere = english.book("laser", slot("2027-04-03 10:00-12:00"), "bruno")
    tell(clock.now())

    stop(english, keep(*uids, other))

    [mail] = told("booking_warned_several")
    assert mail.recipient == "chloe@atelier.example"
    assert mail.topic.split() == uids
    assert "3 of your bookings" in mail.subject
    assert mail.text.count("The vice") == 1
    for text in (mail.text, mail.html):
        for day in ("Tuesday 30 March", "Wednesday 31 March", "Thursday 1 April"):
            assert f"{day}, 10:00–12:00" in text
        assert text.count("You could move it to") == 3
        assert len(set(re.findall(r"/bookings/by-mail/[\w.-]+", text))) == 3
    assert "come as planned" not in mail.text.lower()
    link = re.search(r"(/bookings/by-mail/[\w.-]+)", mail.text)[1]
    assert browse(None).get(link).status_code == 200
    assert [each.recipient for each in mails("booking_warned")] == ["bruno@atelier.example"]
    assert elsewhere not in mail.topic

    shut_on(english, spans[1].start.date())
    stop(english, state=MachineState.IN_SERVICE)

    [back] = told("booking_relieved_several")
    assert back.text.count("Come as planned.") == 2
    assert back.text.count("the place is closed at these hours") == 1


def test_of_several_who_was_warned_already_is_not_told_with_the_others(english):
    first = english.book("bench", MORNING, "chloe")
    second = english.book("bench", slot("2027-04-01 10:00-12:00"), "chloe")
    tell(clock.now())
    stop(english, keep(first), back_on=date(2027, 3, 31))
    told("booking_warned")

    stop(english, keep(first, second), why="The vice, and a leg")

    assert [mail.topic for mail in told("booking_warned")] == [first, second]
    assert mails("booking_warned_several") == []


def test_nobody_is_told_to_come_on_a_closed_day_because_the_machine_is_back(english):
    uid = english.book("bench", MORNING, "chloe")
    stop(english, keep(uid))
    tell(clock.now())
    shut_on(english, MORNING.start.date())

    stop(english, state=MachineState.IN_SERVICE)

    [mail] = told("booking_relieved")
    assert "works again, but the place is closed" in mail.text
    assert "come as planned" not in mail.text


def test_the_mail_speaks_french(cast):
    uid = cast.book("bench", MORNING, "chloe")
    tell(clock.now())

    stop(cast, keep(uid))

    [mail] = told("booking_warned")
    assert "La machine que vous avez réservée est hors service" in mail.text


def test_who_is_subscribed_or_wants_no_mail_is_warned_all_the_same(cast):
    uid = cast.book("bench", MORNING, "chloe")
    tell(clock.now())
    with writing() as session:
        session.get(Member, cast.people["chloe"]).channel = Channel.FEED
        session.get(Member, cast.people["chloe"]).refused_mails = "bookings"

    stop(cast, keep(uid))

    assert len(told("booking_warned")) == 1


def test_a_machine_that_went_and_came_back_within_a_moment_is_no_news(cast):
    uid = cast.book("bench", MORNING, "chloe")
    tell(clock.now())

    stop(cast, keep(uid))
    stop(cast, state=MachineState.IN_SERVICE)

    assert told("booking_warned") + told("booking_relieved") == []


def test_only_what_is_before_its_return_is_concerned(cast):
    uid = cast.book("bench", slot("2027-04-06 10:00-12:00"), "chloe")

    stop(cast, back_on=date(2027, 4, 6))
    with pytest.raises(Undecided):
        stop(cast, back_on=date(2027, 4, 7))
    stop(cast, keep(uid), back_on=date(2027, 4, 7))
    tell(clock.now())
    stop(cast, back_on=date(2027, 4, 6))

    assert [mail.recipient for mail in told("booking_relieved")] == ["chloe@atelier.example"]


def test_the_booking_and_the_list_say_so(cast, browse):
    uid = cast.book("bench", MORNING, "chloe")
    stop(cast, keep(uid))
    chloe = browse("chloe")

    assert "The machine is out of service: The vice" in chloe.get(f"/bookings/{uid}").text
    assert "Machine out of service" in chloe.get("/bookings/").text
    assert "put the machine out of service" in chloe.get(f"/bookings/{uid}").text


def test_the_calendar_has_it_in_a_new_revision(english, browse):
    uid = english.book("bench", MORNING, "chloe")
    before = browse("chloe").get(f"/bookings/{uid}.ics").text

    stop(english, keep(uid))

    after = browse("chloe").get(f"/bookings/{uid}.ics").text
    assert "SEQUENCE:0" in before
    assert "SEQUENCE:1" in after
    assert "DESCRIPTION:The machine is out of service: The vice" in after


def test_what_changed_since_it_was_shown_is_shown_again(cast):
    uid = cast.book("bench", MORNING, "chloe")
    shown = keep(uid)
    later = cast.order("bench", slot("2027-03-30 12:00-14:00"), "chloe")
    bookings.move(uid, later, by=cast.people["chloe"], is_team=False, now=clock.now())

    with pytest.raises(Undecided):
        stop(cast, shown)
    assert cast.machine("bench").is_in_service


def test_a_slot_that_is_gone_undoes_everything(cast):
    add_twin(cast)
    first = cast.book("bench", MORNING, "chloe")
    second = cast.book("bench", slot("2027-03-31 10:00-12:00"), "bruno")
    cast.book("twin", slot("2027-03-31 10:00-12:00"), "amina")
    twin = cast.machine("twin").id
    choices = {
        first: Choice(Fate.CANCEL, 0),
        second: Choice(Fate.MOVE, 0, twin, slot("2027-03-31 10:00-12:00")),
    }

    with pytest.raises((CannotMove, SlotTaken)):
        stop(cast, choices)

    assert row(first).standing
    assert cast.machine("bench").is_in_service


def add_buddies(fablab, *slugs):
    """Bruno may be somebody's buddy on these machines."""
    with writing() as session:
        for slug in slugs:
            session.add(
                Qualification(
                    member_id=fablab.people["bruno"],
                    machine_id=fablab.machine(slug).id,
                    level=1,
                    given_on=date(2027, 1, 1),
                    recorded_at=clock.now(),
                )
            )


def test_a_move_is_offered_where_its_buddy_will_do_and_says_that_they_are_asked(english, browse):
    add_twin(english)
    add_buddies(english, "bench")
    uid = english.book("bench", MORNING, "chloe", buddy_id=english.people["bruno"])
    with writing() as session:
        session.execute(update(Occupancy.__table__).values(status=Status.CONFIRMED))
    amina = browse("amina")

    asked = submit(amina, BENCH, f"{BENCH}/state", **OUT)
    assert options(asked.text, uid) == ["keep", "cancel"]
    add_buddies(english, "twin")
    asked = submit(amina, BENCH, f"{BENCH}/state", **OUT)

    move = options(asked.text, uid)[1]
    assert move.startswith("move twin 2027-03-30T08:00")
    assert "It is firm no more until its buddy" in asked.text
    answer = settle(amina, f"{BENCH}/state", asked.text, **{uid.replace("-", ""): move})
    assert answer.status_code == 303


def test_a_move_that_is_refused_says_why(english, browse):
    add_twin(english)
    add_buddies(english, "bench")
    uid = english.book("bench", MORNING, "chloe", buddy_id=english.people["bruno"])
    amina = browse("amina")
    asked = submit(amina, BENCH, f"{BENCH}/state", **OUT)
    there = settling.written(row(uid), Offer(english.machine("twin"), MORNING))

    answer = settle(amina, f"{BENCH}/state", asked.text, **{uid.replace("-", ""): there})

    assert answer.status_code == 409
    assert "It cannot go there any more: choose again. The buddy" in answer.text
    assert english.machine("bench").is_in_service


def test_a_slot_after_the_return_is_offered_and_none_before(any_fablab, any_app):
    add_referent(any_fablab)
    uid = any_fablab.book("bench", MORNING, "chloe")
    amina = browser(any_app, "amina")

    asked = submit(amina, BENCH, f"{BENCH}/state", **OUT | {"back_on": "2027-04-01"})

    moves = options(asked.text, uid)[1:-1]
    assert moves[0].startswith("move bench 2027-04-01T08:00")
    too_early = Offer(any_fablab.machine("bench"), slot("2027-03-31 10:00-12:00"))
    early = settling.written(row(uid), too_early)
    fate = uid.replace("-", "")
    again = settle(amina, f"{BENCH}/state", asked.text, **{fate: early})
    assert again.status_code == 409
    assert "Some of what was chosen cannot be" in again.text
    assert settle(amina, f"{BENCH}/state", asked.text, **{fate: moves[0]}).status_code == 303
    assert row(uid).starts_at == slot("2027-04-01 10:00-12:00").start
    assert not any_fablab.machine("bench").is_in_service


def test_the_page_says_for_how_many_bookings_other_slots_are_offered(cast, browse, monkeypatch):
    for hours in ("10:00-11:00", "11:00-12:00"):
        cast.book("bench", slot(f"2027-03-30 {hours}"), "chloe")
    said, amina = "Other slots are offered for the first 1 bookings only.", browse("amina")

    def is_said(most):
        monkeypatch.setattr(settling, "LOOKED_FOR", most)
        return said in submit(amina, BENCH, f"{BENCH}/state", **OUT).text

    assert [is_said(most) for most in (1, 2)] == [True, False]


def test_nobody_in_line_is_offered_what_the_machine_cannot_give(cast):
    uid = cast.book("bench", MORNING, "chloe")
    bench, bruno = cast.machine("bench").id, cast.people["bruno"]
    wish = waits.Wish(bench, cast.place_id, MORNING, timedelta(hours=1), bruno)
    waits.join(wish, now=clock.now())

    stop(cast, {uid: Choice(Fate.CANCEL, 0)})

    asked = select(Occupancy.id).where(Occupancy.member_id == bruno)
    assert db.session.scalar(asked) is None


# For a time


def test_the_machine_is_withdrawn_around_who_stays(any_fablab, any_app):
    add_referent(any_fablab)
    stays = any_fablab.book("bench", slot("2027-03-30 11:00-12:00"), "chloe")
    goes = any_fablab.book("bench", slot("2027-03-30 12:00-13:00"), "bruno")
    later = any_fablab.book("bench", slot("2027-03-30 14:00-15:00"), "bruno")
    amina = browser(any_app, "amina")

    asked = submit(amina, BENCH, f"{BENCH}/outages", **AWAY)

    assert asked.status_code == 409
    assert f"Tomorrow, 10:00–14:00 · {AWAY['reason']}" in asked.text
    assert "Some of what was chosen" not in asked.text
    assert outages() == []
    assert options(asked.text, later) == []
    move = options(asked.text, goes)[1]
    assert move.startswith("move bench 2027-03-30T13:00:00+00:00")
    answer = settle(amina, f"{BENCH}/outages", asked.text, **{goes.replace("-", ""): move})
    assert answer.status_code == 303
    first, second = slot("2027-03-30 10:00-11:00"), slot("2027-03-30 12:00-14:00")
    assert outages() == [(first.start, first.end), (second.start, second.end)]
    assert row(stays).revision == 0
    assert row(goes).starts_at == slot("2027-03-30 15:00-16:00").start
    tell(clock.now())
    assert mails("booking_warned") == []


def test_it_goes_around_a_maintenance_and_asks_about_the_bookings(any_fablab, any_app):
    add_referent(any_fablab)
    bench, by = any_fablab.machine("bench").id, any_fablab.people["amina"]
    withdraw(bench, slot("2027-03-30 11:00-12:00"), "Oiling", by=by, now=clock.now())
    uid = any_fablab.book("bench", slot("2027-03-30 12:00-13:00"), "bruno")
    amina = browser(any_app, "amina")

    asked = submit(amina, BENCH, f"{BENCH}/outages", **AWAY)
    assert options(asked.text, uid)
    fates = {uid.replace("-", ""): "cancel"}
    answer = settle(amina, f"{BENCH}/outages", asked.text, **fates)

    assert answer.status_code == 303
    spans = ("10:00-11:00", "11:00-12:00", "12:00-14:00")
    expected = [slot(f"2027-03-30 {span}") for span in spans]
    assert outages() == [(each.start, each.end) for each in expected]
    again = submit(amina, BENCH, f"{BENCH}/outages", **AWAY)
    assert "Nothing was withdrawn" in again.text


# By a fault


def test_a_fault_that_stops_the_machine_asks_too_and_a_referent_decides(cast, browse):
    booked, fault = cast.book("bench", MORNING, "bruno"), reported(cast)
    address = f"/machines/bench/faults/{fault}"
    fields = {"state": "locked_out", "said": "Sparks"}
    remi = browse("remi")

    asked = submit(remi, address, f"{address}/verdict", **fields)

    assert asked.status_code == 409
    assert cast.machine("bench").is_in_service
    answer = settle(remi, f"{address}/verdict", asked.text, **{booked.replace("-", ""): "cancel"})
    assert answer.status_code == 303
    assert cast.machine("bench").state is MachineState.LOCKED_OUT
    assert row(booked).status == Status.CANCELLED
    assert db.session.scalars(select(Fault.state)).one() is FaultState.LOCKED


def test_only_a_slot_that_was_offered_for_it_is_taken(cast, browse):
    add_twin(cast)
    uid = cast.book("bench", MORNING, "bruno")
    other = cast.book("bench", slot("2027-03-31 10:00-12:00"), "chloe")
    address = f"/machines/bench/faults/{reported(cast)}"
    remi = browse("remi")
    asked = submit(remi, address, f"{address}/verdict", state="locked_out", said="Sparks")
    offered, of_another = options(asked.text, uid)[1], options(asked.text, other)[1]
    wished = "move twin 2027-12-11T08:00:00+00:00 2027-12-11T10:00:00+00:00"
    token = offered.rpartition(" ")[2]

    for value in (
        wished,
        f"{wished} {token[:-1]}",
        of_another,
        f"{wished} {token}",
        "move twin 0001-01-01T00:00:00+00:00 0001-01-01T01:00:00+00:00",
        "move twin 9999-12-31T22:00:00+00:00 9999-12-31T23:00:00+00:00",
    ):
        fates = {uid.replace("-", ""): value}
        assert settle(remi, f"{address}/verdict", asked.text, **fates).status_code == 409
    assert cast.machine("bench").is_in_service
    fates = {uid.replace("-", ""): offered}
    settle(remi, f"{address}/verdict", asked.text, **fates)

    assert row(uid).machine_id == cast.machine("twin").id
    assert row(uid).starts_at == MORNING.start


def test_a_referent_reads_who_and_when_and_no_more(cast, browse):
    order = replace(cast.order("bench", MORNING, "bruno"), purpose="Secret prototype")
    uid = bookings.book(order, by=cast.people["bruno"], now=clock.now())
    address = f"/machines/bench/faults/{reported(cast)}"
    fields = {"state": "locked_out", "said": "Sparks"}
    private = ("Secret prototype", "mailto:", f"/bookings/{uid}")

    of_remi = submit(browse("remi"), address, f"{address}/verdict", **fields).text
    of_amina = submit(browse("amina"), address, f"{address}/verdict", **fields).text

    assert "Bruno" in of_remi
    assert [words in of_remi for words in private] == [False] * 3
    assert [words in of_amina for words in private] == [True] * 3


@pytest.mark.parametrize(("who", "doer"), [("remi", "Rémi Copeau"), ("amina", "The team")])
def test_the_mail_says_whose_doing_it_was(english, browse, who, doer):
    add_twin(english)
    moved = english.book("bench", MORNING, "chloe")
    gone = english.book("bench", slot("2027-03-31 10:00-12:00"), "bruno")
    tell(clock.now())
    address = f"/machines/bench/faults/{reported(english)}"
    client = browse(who)
    asked = submit(client, address, f"{address}/verdict", state="locked_out", said="Sparks")

    fates = {moved.replace("-", ""): options(asked.text, moved)[1], gone.replace("-", ""): "cancel"}
    settle(client, f"{address}/verdict", asked.text, **fates)

    [changed], [cancelled] = told("booking_changed"), told("booking_cancelled")
    assert f"{doer} has changed your booking." in changed.text
    assert f"{doer} has cancelled your booking." in cancelled.text


@pytest.mark.parametrize(
    "value",
    ["", "keep it", "move", "move twin x y", "move gone 2027-03-30T08:00:00+00:00 2027", "é"],
)
def test_an_odd_choice_is_no_choice(cast, browse, value):
    uid = cast.book("bench", MORNING, "chloe")
    amina = browse("amina")
    asked = submit(amina, BENCH, f"{BENCH}/state", **OUT)

    answer = settle(amina, f"{BENCH}/state", asked.text, **{uid.replace("-", ""): value or " "})

    assert answer.status_code == 409
    assert row(uid).standing
    assert cast.machine("bench").is_in_service


def test_no_move_is_offered_to_what_only_is_of_the_same_category(cast, browse):
    add_twin(cast)
    with writing() as session:
        session.scalars(select(Machine).where(Machine.slug == "twin")).one().model = "Frail"
    uid = cast.book("bench", MORNING, "bruno")

    page = submit(browse("amina"), BENCH, f"{BENCH}/state", **OUT).text

    assert list(options(page, uid)) == ["keep", "cancel"]
