"""Which uses tell what is left of a grant, and how much each took."""

from datetime import date

import pytest

from fablab.tariffs.portions import Spent, entangled, spent, told_since
from fablab.tariffs.rules import Grant, Need
from tests.support import instant

MARCH, APRIL = date(2027, 3, 1), date(2027, 4, 1)


def need(day, minutes, who="1"):
    return Need(f"{day} {who}", instant(f"{day} 10:00"), date.fromisoformat(day), "", minutes, who)


def grant(key=1, first="2027-03-01", last=None, **more):
    days = date.fromisoformat(first), date.fromisoformat(last) if last else None
    return Grant(key, 60, *days, **more)


def test_each_month_says_who_took_what():
    needs = [need("2027-03-30", 45), need("2027-03-31", 45, "2"), need("2027-04-01", 10)]

    told = spent(needs, [grant(is_monthly=True)])

    assert told == [Spent(1, MARCH, "1", 45), Spent(1, MARCH, "2", 15), Spent(1, APRIL, "1", 10)]


@pytest.mark.parametrize(
    ("last", "is_near"), [("2027-02-28", False), ("2027-03-01", True), (None, True)]
)
def test_a_grant_of_the_same_days_may_have_covered_a_use_instead(last, is_near):
    shown, other = grant(), grant(2, "2027-01-01", last)

    assert (other in entangled([shown], [shown, other])) is is_near


def test_what_stands_beside_what_stands_beside_it_counts_too():
    chain = [
        grant(1, "2027-03-01"),
        grant(2, "2027-02-01", "2027-03-01"),
        grant(3, "2027-01-01", "2027-02-01"),
        grant(4, "2026-01-01", "2026-12-31"),
    ]

    assert [each.key for each in entangled(chain[:1], chain)] == [1, 2, 3]


def test_what_is_given_anew_each_month_is_told_by_that_month():
    monthly, once = grant(first="2026-01-10", is_monthly=True), grant(2, "2026-06-01")

    assert told_since([monthly], MARCH) == MARCH
    assert told_since([monthly], date(2025, 3, 1)) == date(2026, 1, 10)
    assert told_since([monthly, once], MARCH) == date(2026, 1, 10)
    assert told_since([], MARCH) is None
