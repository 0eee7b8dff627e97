"""How the booking pages say hours, days and lengths; pure, but for the language of the page."""

from dataclasses import replace
from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablab.booking import pages
from fablab.booking.known import Facts, Taken
from fablab.booking.suggestions import can_be_said
from fablab.booking.views import slot_given
from fablab.machines.policies import BookingPolicy
from fablab.places.kinds import Mode
from fablab.places.rules import Schedule, WeeklyOpening
from fablab.slots import Slot
from tests.support import PARIS, instant, slot

TUESDAY = date(2027, 3, 30)
WEEK = Schedule(
    zone=PARIS, openings=tuple(WeeklyOpening(day, time(10), time(18)) for day in range(2, 7))
)
FACTS = Facts(now=instant("2027-03-30 10:42"), schedule=WEEK, policy=BookingPolicy())


@pytest.fixture(autouse=True)
def in_english(app):
    with app.test_request_context(headers={"Cookie": "language=en"}):
        yield


STARTS = st.integers(0, 366 * 24 * 12).map(
    lambda n: instant("2027-01-01 00:00") + n * timedelta(minutes=5)
)


@given(STARTS, st.integers(1, 31 * 24 * 12 - 13).map(lambda n: n * timedelta(minutes=5)))
def test_the_address_of_a_slot_means_that_slot(start, length):
    """Over midnights and both clock changes, all but the hour that would be said twice."""
    wanted = Slot.lasting(start, length)

    said = pages.query("bench", wanted, PARIS)
    day = date.fromisoformat(said["day"])

    if can_be_said(wanted, PARIS):
        assert slot_given(PARIS, day, said) == wanted


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("2027-03-30 10:00", ""),
        ("2027-03-30 10:42", ""),
        ("2027-03-30 10:43", "in 1 min"),
        ("2027-03-30 14:00", "in 3 h 18"),
        ("2027-03-31 10:41", "in 23 h 59"),
        ("2027-03-31 10:42", "in 1 day"),
        ("2027-03-31 23:00", "in 1 day"),
        ("2027-04-01 10:43", "in 2 days"),
        ("2027-04-10 10:00", "in 11 days"),
    ],
)
def test_how_soon_in_words(when, said):
    assert pages.in_how_long(instant(when), PARIS, FACTS.now) == said


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("2027-03-30 14:00-16:00", "Today, 14:00–16:00"),
        ("2027-03-31 22:00-00:00", "Tomorrow, 22:00–24:00"),
        ("2027-04-02 09:05-10:00", "Friday 2 April, 9:05–10:00"),
        ("2028-01-04 10:00-11:00", "Tuesday 4 January 2028, 10:00–11:00"),
        ("2027-03-30 17:00-08:00", "Tuesday 30 March 17:00 – Wednesday 31 March 8:00"),
    ],
)
def test_when_in_words(wanted, said):
    assert pages.when(slot(wanted), PARIS, FACTS.now) == said


class TestStrip:
    def test_it_covers_the_opening_hours_and_what_is_asked(self):
        strip = pages.strip(FACTS, TUESDAY, slot("2027-03-30 17:30-19:10"), is_refused=True)

        assert (strip.first, strip.last, strip.now) == (600, 1200, 642)
        kinds = [(part.kind, part.start, part.end) for part in strip.parts]
        assert kinds == [("closed", 1080, 1440), ("refused", 1050, 1150)]

    def test_it_shows_what_is_taken_and_what_is_withdrawn(self):
        taken = (
            Taken(slot("2027-03-30 12:00-13:00")),
            Taken(slot("2027-03-29 16:00-10:30"), is_outage=True),
        )

        strip = pages.strip(
            replace(FACTS, taken=taken), TUESDAY, slot("2027-03-30 12:30-13:30"), is_refused=True
        )

        kinds = {part.kind: (part.start, part.end) for part in strip.parts}
        assert kinds["booked"] == (720, 780)
        assert kinds["outage"] == (0, 630)
        assert strip.label == "Your request, 12:30–13:30, runs into what is there 12:00–13:00"

    def test_a_closed_day_without_a_request_is_drawn_whole(self):
        strip = pages.strip(FACTS, date(2027, 3, 29), None, is_refused=False)

        assert (strip.first, strip.last, strip.now) == (0, 1440, None)
        assert [part.kind for part in strip.parts] == ["closed"]
        assert strip.label == "What is taken on this machine on Monday 29 March"

    def test_a_night_shows_only_its_part_of_the_day(self):
        nights = replace(
            FACTS,
            schedule=Schedule(zone=PARIS, openings=(WeeklyOpening(2, time(18), time(10)),)),
            policy=BookingPolicy(modes=frozenset({Mode.SUPERVISED, Mode.NIGHT})),
        )

        strip = pages.strip(nights, TUESDAY, slot("2027-03-30 20:00-06:00"), is_refused=False)

        assert (strip.first, strip.last) == (1080, 1440)
        assert strip.parts[-1] == pages.StripPart("own", 1200, 1440)


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ({}, ["From 30 min to 4 h at a time"]),
        (
            {"minimum": timedelta(hours=12), "maximum": timedelta(hours=12)},
            ["12 h at a time"],
        ),
        (
            {"setup": timedelta(minutes=15), "cleanup": timedelta(hours=1)},
            ["From 30 min to 4 h at a time", "1 h 15 are kept free around it"],
        ),
    ],
)
def test_the_conditions_follow_the_settings(policy, said):
    conditions = pages.conditions(replace(FACTS, policy=BookingPolicy(**policy)), None)

    assert [condition.sentence for condition in conditions] == said


def test_the_last_moment_to_cancel_comes_first():
    first, *_ = pages.conditions(FACTS, slot("2027-03-30 14:00-16:00"))

    assert first.sentence == "You may cancel until Tuesday 30 March 14:00"
