"""The period of a report, and the one it is compared with."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from fablab.reports.forms import asked
from fablab.reports.periods import Period, PeriodKind, around, read, recent

TODAY = date(2027, 3, 30)
NAMED = (PeriodKind.MONTH, PeriodKind.QUARTER, PeriodKind.YEAR)


@pytest.mark.parametrize(
    ("written", "first", "last", "before"),
    [
        ("2027", date(2027, 1, 1), date(2027, 12, 31), "2026"),
        ("2027-Q1", date(2027, 1, 1), date(2027, 3, 31), "2026-Q4"),
        ("2027-Q4", date(2027, 10, 1), date(2027, 12, 31), "2027-Q3"),
        ("2027-01", date(2027, 1, 1), date(2027, 1, 31), "2026-12"),
        ("2028-02", date(2028, 2, 1), date(2028, 2, 29), "2028-01"),
        ("2027-12", date(2027, 12, 1), date(2027, 12, 31), "2027-11"),
    ],
)
def test_a_period_has_its_days_its_name_and_one_before_it(written, first, last, before):
    period = read(written)

    assert (period.first_day, period.last_day, period.key) == (first, last, written)
    assert period.before.key == before


@pytest.mark.parametrize(
    "written", ["", "27", "2027-Q5", "2027-Q0", "2027-13", "2027-00", "2027-1", "٢٠٢٧", "1999"]
)
def test_what_is_no_period_is_none(written):
    assert read(written) is None


def test_two_days_are_compared_with_as_many_days_right_before():
    period = Period(PeriodKind.DAYS, date(2027, 3, 1), date(2027, 3, 10))

    assert (period.before.first_day, period.before.last_day) == (
        date(2027, 2, 19),
        date(2027, 2, 28),
    )


def test_a_period_does_not_end_before_it_begins():
    with pytest.raises(ValueError, match="ends after"):
        Period(PeriodKind.DAYS, date(2027, 3, 2), date(2027, 3, 1))


@given(some.sampled_from(NAMED), some.dates(date(2001, 1, 1), date(2900, 1, 1)))
def test_every_day_is_in_its_period_which_follows_the_one_before(kind, day):
    period = around(kind, day)

    assert period.first_day <= day <= period.last_day
    assert period.before.last_day + timedelta(days=1) == period.first_day
    assert read(period.key) == period


def test_one_chooses_among_the_recent_ones_of_each_kind():
    keys = [period.key for period in recent(TODAY, years=2, quarters=2, months=2)]

    assert keys == ["2027", "2026", "2027-Q1", "2026-Q4", "2027-03", "2027-02"]


def test_nothing_asked_is_the_year_under_way():
    assert asked("", "", "", TODAY).period.key == "2027"


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        ("2027-03-02", "2027-03-01", "before the first"),
        ("2027-03-02", "", "both days"),
        ("nonsense", "2027-03-01", "both days"),
        ("2024-01-01", "2027-01-03", "Three years"),
        ("1999-01-01", "1999-01-03", "no such period"),
        ("2999-12-01", "3000-01-03", "no such period"),
    ],
)
def test_two_days_that_are_no_period_say_why_and_are_kept(first, last, said):
    found = asked("", first, last, TODAY)

    assert said in found.error
    assert (found.first, found.last) == (first, last)


def test_three_years_are_taken_and_two_days_go_before_a_name():
    found = asked("2026", "2024-01-01", "2027-01-02", TODAY)

    assert not found.error
    assert found.period.days == 3 * 366


def test_a_name_that_is_none_is_told():
    assert asked("2027-Q9", "", "", TODAY).error
