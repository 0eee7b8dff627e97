"""May somebody say that they are here, or leave; when nobody is waited for any more."""

from datetime import timedelta

import pytest

from fablab.booking import presence_rules as rules
from fablab.booking.presence_rules import Stay, is_given_up, left_for_others, why_not_undo
from fablab.machines.kinds import Status
from tests.support import instant, slot

AFTERNOON = slot("2027-03-30 14:00-16:00")
HALF_AN_HOUR = timedelta(minutes=30)
LONG_AGO = instant("2027-03-01 00:00")


def at(hour: str):
    return instant(f"2027-03-30 {hour}")


def stay(**more) -> Stay:
    return Stay(**{"status": Status.CONFIRMED, "slot": AFTERNOON, **more})


@pytest.mark.parametrize(
    ("hour", "sentence"),
    [
        ("13:44", "It is too early: say that you are here from %(moment)s on."),
        ("13:45", None),
        ("14:00", None),
        ("15:59", None),
        ("16:00", rules.OVER.sentence),
    ],
)
def test_one_arrives_from_a_quarter_of_an_hour_before_until_the_end(hour, sentence):
    no = rules.why_not_arrive(stay(), now=at(hour), is_in_service=True)

    assert (no.sentence if no else None) == sentence


@pytest.mark.parametrize(
    ("status", "in_service", "no"),
    [
        (Status.PENDING, True, rules.PENDING),
        (Status.CANCELLED, True, rules.ENDED),
        (Status.MISSED, True, rules.ENDED),
        (Status.CONFIRMED, False, rules.OUT),
    ],
)
def test_only_on_what_stands_and_may_be_used(status, in_service, no):
    found = rules.why_not_arrive(stay(status=status), now=at("14:00"), is_in_service=in_service)

    assert found == no


def test_whoever_is_here_is_not_asked_again():
    assert rules.may_arrive(stay(), now=at("14:00"), is_in_service=True)
    here = stay(arrived_at=at("13:50"))
    assert not rules.may_arrive(here, now=at("14:00"), is_in_service=True)


@pytest.mark.parametrize(
    ("hour", "changed", "no"),
    [
        ("14:01", {}, None),
        ("13:50", {}, None),  # whoever is here before the start may go before it
        ("16:00", {}, rules.OVER),
        ("15:00", {"arrived_at": None}, rules.NOBODY_HERE),
        ("15:00", {"status": Status.CANCELLED}, rules.ENDED),
    ],
)
def test_one_leaves_after_arriving_while_it_is_under_way(hour, changed, no):
    here = stay(**{"arrived_at": at("13:50"), **changed})

    assert rules.why_not_leave(here, now=at(hour)) == no


def test_one_leaves_once():
    assert rules.may_leave(stay(arrived_at=at("14:00")), now=at("15:00"))
    gone = stay(arrived_at=at("14:00"), left_at=at("14:30"))
    assert not rules.may_leave(gone, now=at("15:00"))


@pytest.mark.parametrize(
    ("now", "end"),
    [
        ("15:10:00", "15:10"),
        ("15:10:01", "15:11"),  # to the minute, rounded up: nobody is cut short
        ("14:00:00", "14:01"),  # something is left of it
        ("15:59:30", "16:00"),
        ("16:30:00", "16:00"),  # never later than it was booked for
    ],
)
def test_what_is_left_ends_this_minute(now, end):
    assert left_for_others(AFTERNOON, at(now)) == at(end)


@pytest.mark.parametrize(
    ("hour", "watched_since", "given_up"),
    [
        ("14:29", LONG_AGO, False),
        ("14:30", LONG_AGO, True),
        ("15:59", LONG_AGO, True),
        ("16:00", LONG_AGO, False),  # it is over: there is nothing to give away
        ("14:30", at("14:10"), False),  # for ten minutes nobody could say that they were here
        ("14:40", at("14:10"), True),
    ],
)
def test_nobody_is_waited_for_after_the_delay(hour, watched_since, given_up):
    found = is_given_up(AFTERNOON, HALF_AN_HOUR, now=at(hour), watched_since=watched_since)

    assert found is given_up


def test_without_a_delay_the_slot_is_kept():
    none = timedelta(0)
    assert not is_given_up(AFTERNOON, none, now=at("15:00"), watched_since=LONG_AGO)


@pytest.mark.parametrize(
    ("what", "hour", "no"),
    [
        ("missed", "14:34:59", None),
        ("ended_early", "14:34:59", None),
        ("missed", "14:35:00", rules.TOO_LATE_TO_UNDO),
        ("cancelled", "14:30:00", rules.NOTHING_TO_UNDO),
    ],
)
def test_it_is_undone_for_five_minutes(what, hour, no):
    assert why_not_undo(what, at("14:30:00"), now=at(hour)) == no
