"""Who may read which calendar, over which days, and when a closure holds."""

from datetime import date, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fablab.calendars.kinds import Scope
from fablab.calendars.rules import Days, Reader, may_read, reaches, span, times_closed
from fablab.places.rules import DaysOff
from tests.support import PARIS, instant

VISITOR = Reader(is_member=False)
MEMBER = Reader(is_member=True)
TEAM = Reader(is_member=True, is_team=True)
LAPSED_TEAM = Reader(is_member=False, is_team=True)
MANAGER = Reader(is_member=True, runs_organization=True)


@pytest.mark.parametrize(
    ("scope", "readers"),
    [
        (Scope.MEMBER, {VISITOR, MEMBER, TEAM, LAPSED_TEAM, MANAGER}),
        (Scope.PLACE, {MEMBER, TEAM, LAPSED_TEAM, MANAGER}),
        (Scope.CATEGORY, {MEMBER, TEAM, LAPSED_TEAM, MANAGER}),
        (Scope.MACHINE, {MEMBER, TEAM, LAPSED_TEAM, MANAGER}),
        (Scope.POOL, {MEMBER, TEAM, LAPSED_TEAM, MANAGER}),
        (Scope.TRAININGS, {MEMBER, TEAM, LAPSED_TEAM, MANAGER}),
        (Scope.ORGANIZATION, {MANAGER}),
        (Scope.DAY, {TEAM, LAPSED_TEAM}),
    ],
)
def test_a_calendar_is_read_by_those_it_is_meant_for(scope, readers):
    everyone = {VISITOR, MEMBER, TEAM, LAPSED_TEAM, MANAGER}

    assert {reader for reader in everyone if may_read(scope, reader)} == readers


@pytest.mark.parametrize("scope", Scope)
def test_nobody_reads_any_while_suspended(scope):
    assert not may_read(scope, MANAGER._replace(is_team=True, is_suspended=True))


def test_what_is_good_until_a_day_is_good_on_that_day():
    assert reaches(None, date(2027, 3, 29))
    assert reaches(date(2027, 3, 29), date(2027, 3, 29))
    assert not reaches(date(2027, 3, 28), date(2027, 3, 29))


@pytest.mark.parametrize(
    ("now", "start", "end"),
    [
        ("2027-03-29 09:00", "2027-03-29 00:00", "2027-04-06 00:00"),
        ("2027-03-29 00:00", "2027-03-29 00:00", "2027-04-06 00:00"),
        ("2027-03-28 23:59", "2027-03-28 00:00", "2027-04-05 00:00"),
        ("2027-10-30 12:00", "2027-10-30 00:00", "2027-11-07 00:00"),
    ],
)
def test_the_days_calendar_is_today_whole_and_the_seven_days_after(now, start, end):
    covered = span(Scope.DAY, PARIS, instant(now))

    assert (covered.start, covered.end) == (instant(start), instant(end))


@pytest.mark.parametrize("scope", [scope for scope in Scope if scope is not Scope.DAY])
def test_the_others_go_thirty_days_back_and_never_end(scope):
    covered = span(scope, PARIS, instant("2027-03-29 09:00"))

    assert covered.start == instant("2027-02-27 00:00")
    assert covered.end.year == 9999


def closed(first: str, last: str, since: str, until: str, *, is_yearly: bool) -> list[Days]:
    first_day, last_day, since_day, until_day = map(date.fromisoformat, (first, last, since, until))
    return list(
        times_closed(first_day, last_day, is_yearly=is_yearly, since=since_day, until=until_day)
    )


def test_a_closure_is_shown_when_one_of_its_days_is():
    asked = ("2027-08-01", "2027-08-21")
    whole = [Days(date(2027, 8, 1), date(2027, 8, 21))]

    assert closed(*asked, "2027-08-21", "2027-12-31", is_yearly=False) == whole
    assert closed(*asked, "2027-01-01", "2027-08-01", is_yearly=False) == whole
    assert closed(*asked, "2027-08-22", "2027-12-31", is_yearly=False) == []
    assert closed(*asked, "2027-01-01", "2027-07-31", is_yearly=False) == []


def test_a_yearly_closure_that_spans_new_year_holds_every_winter():
    assert closed("2026-12-24", "2027-01-02", "2027-01-02", "2029-06-01", is_yearly=True) == [
        Days(date(2026, 12, 24), date(2027, 1, 2)),
        Days(date(2027, 12, 24), date(2028, 1, 2)),
        Days(date(2028, 12, 24), date(2029, 1, 2)),
    ]


def test_a_yearly_closure_keeps_its_dates_and_not_its_length():
    """A leap year gives it a day more."""
    assert closed("2027-02-22", "2027-03-05", "2028-01-01", "2028-12-31", is_yearly=True) == [
        Days(date(2028, 2, 22), date(2028, 3, 5))
    ]


days = st.dates(date(2024, 1, 1), date(2032, 12, 31))


@example(first=date(2028, 2, 29), length=0, is_yearly=True, since=date(2026, 1, 1), shown=800)
@example(first=date(2028, 2, 20), length=9, is_yearly=True, since=date(2026, 1, 1), shown=800)
@given(
    first=days,
    length=st.integers(0, 364),
    is_yearly=st.booleans(),
    since=days,
    shown=st.integers(0, 800),
)
def test_the_days_shown_as_closed_are_the_days_nobody_can_book(
    first, length, is_yearly, since, shown
):
    last, until = first + timedelta(days=length), since + timedelta(days=shown)
    closure = DaysOff(first, last, "", is_yearly)

    times = list(times_closed(first, last, is_yearly=is_yearly, since=since, until=until))

    for n in range(shown + 1):
        day = since + timedelta(days=n)
        assert any(each.first <= day <= each.last for each in times) == closure.covers(day), day
