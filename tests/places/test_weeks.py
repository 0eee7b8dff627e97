"""What of an ordinary week falls together."""

from datetime import date, time, timedelta

import pytest

from fablab.clock import whole_day
from fablab.places.kinds import Mode
from fablab.places.rules import WeeklyOpening
from fablab.places.weeks import overlapping
from tests.support import PARIS

FROM, UNTIL = date(2025, 1, 1), date(2032, 1, 1)


def opening(weekday: int, hours: str, *weeks: int) -> WeeklyOpening:
    opens, closes = (time.fromisoformat(each) for each in hours.split("-"))
    return WeeklyOpening(weekday, opens, closes, Mode.SUPERVISED, frozenset(weeks))


def meet_on_the_calendar(one: WeeklyOpening, other: WeeklyOpening) -> bool:
    """By looking through seven years day by day."""
    days = [FROM + timedelta(days=n) for n in range((UNTIL - FROM).days)]
    spans = [[each.on(PARIS, day) for day in days if each.falls_on(day)] for each in (one, other)]
    taken = {span.start.date(): span for span in spans[0] if span}
    return any(
        span.overlaps(taken[day])
        for span in spans[1]
        if span
        for day in (span.start.date() + timedelta(days=n) for n in (-2, -1, 0, 1, 2))
        if day in taken
    )


@pytest.mark.parametrize(
    ("one", "other", "do_meet"),
    [
        (opening(1, "09:00-12:00"), opening(1, "12:00-18:00"), False),
        (opening(1, "09:00-12:01"), opening(1, "12:00-18:00"), True),
        (opening(1, "09:00-12:00"), opening(2, "09:00-12:00"), False),
        (opening(1, "20:00-09:00"), opening(2, "09:00-12:00"), False),
        (opening(1, "20:00-09:01"), opening(2, "09:00-12:00"), True),
        (opening(1, "20:00-00:00"), opening(2, "00:00-09:00"), False),
        (opening(7, "20:00-09:00"), opening(1, "08:00-12:00"), True),
        (opening(1, "09:00-09:00"), opening(2, "08:59-10:00"), True),
        (opening(6, "10:00-17:00", 1, 3), opening(6, "10:00-17:00", 2, 4), False),
        (opening(6, "10:00-17:00", 1, 3), opening(6, "10:00-17:00"), True),
        # The night of the first Friday may lead into the first Saturday or the second.
        (opening(5, "20:00-11:00", 1), opening(6, "10:00-17:00", 1), True),
        (opening(5, "20:00-11:00", 1), opening(6, "10:00-17:00", 2), True),
        (opening(5, "20:00-11:00", 1), opening(6, "10:00-17:00", 3), False),
        # A month ends in its fourth week or its fifth, and the next begins.
        (opening(5, "20:00-11:00", 4), opening(6, "10:00-17:00", 1), True),
        (opening(5, "20:00-11:00", 5), opening(6, "10:00-17:00", 1), True),
        (opening(5, "20:00-11:00", 3), opening(6, "10:00-17:00", 1), False),
    ],
)
def test_openings_meet_as_they_do_on_the_calendar(one, other, do_meet):
    assert bool(overlapping(one, [other])) is do_meet
    assert bool(overlapping(other, [one])) is do_meet
    assert meet_on_the_calendar(one, other) is do_meet


def test_only_those_in_the_way_are_named():
    morning, evening = opening(1, "09:00-12:00"), opening(1, "18:00-20:00")

    assert overlapping(opening(1, "11:00-13:00"), [morning, evening]) == [morning]


def test_a_day_of_the_calendar_is_what_the_test_takes_it_for():
    assert (
        opening(5, "20:00-11:00")
        .on(PARIS, date(2027, 1, 1))
        .overlaps(whole_day(PARIS, date(2027, 1, 2)))
    )
