"""Which booking rules hold for whom: rows laid over one another."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablab.machines.models import Policy
from fablab.machines.policies import NAMES, BookingPolicy, resolve
from fablab.members.kinds import Audience
from fablab.places.kinds import Mode

HOURS = [timedelta(hours=n) for n in range(9)]


def row(**values: Any) -> SimpleNamespace:
    """A row of `policy` that says nothing unless told to."""
    names = (*NAMES, "category_id", "machine_id", "audience")
    return SimpleNamespace(**dict.fromkeys(names) | values)


def place(**values: Any) -> SimpleNamespace:
    return row(**values)


def category(**values: Any) -> SimpleNamespace:
    return row(category_id=1, **values)


def machine(**values: Any) -> SimpleNamespace:
    return row(machine_id=1, **values)


def test_where_nobody_said_anything_the_defaults_hold():
    assert resolve([], None) == resolve([place(), category(), machine()], None) == BookingPolicy()


@pytest.mark.parametrize(
    ("rows", "maximum"),
    [
        ([place(maximum=HOURS[1])], 1),
        ([place(maximum=HOURS[1]), category(maximum=HOURS[2])], 2),
        ([place(maximum=HOURS[1]), category(maximum=HOURS[2]), machine(maximum=HOURS[3])], 3),
        ([place(maximum=HOURS[1]), machine(level=2)], 1),
        ([category(maximum=HOURS[2]), place(maximum=HOURS[1])], 2),  # in whatever order they come
    ],
)
def test_the_nearest_row_that_says_something_wins(rows, maximum):
    assert resolve(rows, None).maximum == HOURS[maximum]


ALL = place(maximum=HOURS[1])
TEAM = place(audience=Audience.STAFF, maximum=HOURS[8])
ALL_HERE = machine(maximum=HOURS[2])
TEAM_HERE = machine(audience=Audience.STAFF, maximum=HOURS[7])


@pytest.mark.parametrize(
    ("rows", "audience", "maximum"),
    [
        ([ALL, TEAM], None, 1),
        ([ALL, TEAM], "staff", 8),
        ([ALL, TEAM], "reduced", 1),
        # What is said of the machine to all comes before what is said of the place to some.
        ([TEAM, ALL_HERE], "staff", 2),
        ([TEAM_HERE, ALL_HERE], "staff", 7),
    ],
)
def test_an_audience_hears_its_own_row_after_everybodys(rows, audience, maximum):
    assert resolve(rows, audience and Audience(audience)).maximum == HOURS[maximum]


@pytest.mark.parametrize(
    ("name", "nothing"),
    [("level", 0), ("horizon_days", 0), ("notice", HOURS[0]), ("is_open", False), ("modes", [])],
)
def test_zero_no_and_none_at_all_are_said_too(name, nothing):
    something = {
        "level": 3,
        "horizon_days": 7,
        "notice": HOURS[2],
        "is_open": True,
        "modes": ["night"],
    }[name]

    said = resolve([place(**{name: something}), machine(**{name: nothing})], None)

    assert getattr(said, name) == (frozenset() if name == "modes" else nothing)


def test_modes_are_read_as_what_they_are():
    assert resolve([place(modes=["night", "resident"])], None).modes == {Mode.NIGHT, Mode.RESIDENT}


def test_every_value_of_a_policy_may_be_said():
    columns = {column.key for column in Policy.__table__.columns}

    assert columns - {"id", "place_id", "category_id", "machine_id", "audience"} == set(NAMES)


maybe = st.none() | st.sampled_from(HOURS)
audiences = st.none() | st.sampled_from(Audience)
scopes = st.sampled_from([place, category, machine])
rows = st.builds(
    lambda scope, audience, setup, cleanup: scope(audience=audience, setup=setup, cleanup=cleanup),
    scopes,
    audiences,
    maybe,
    maybe,
)


@given(
    st.lists(rows, max_size=8, unique_by=lambda r: (r.category_id, r.machine_id, r.audience)),
    audiences,
)
def test_each_value_is_the_last_one_said_on_the_way_from_the_place_to_the_machine(some, audience):
    way = [
        row
        for scope in (place(), category(), machine())
        for heard in ([None, audience] if audience else [None])
        for row in some
        if (row.category_id, row.machine_id, row.audience)
        == (scope.category_id, scope.machine_id, heard)
    ]

    found = resolve(some, audience)

    for name in ("setup", "cleanup"):
        said = [getattr(row, name) for row in way if getattr(row, name) is not None]
        assert getattr(found, name) == (said[-1] if said else timedelta(0))
