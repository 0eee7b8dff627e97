"""Which seats of a shared resource to take: never more than there are, never one missed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablab.machines.seating import NoSeatLeft, full_time, seats_for
from fablab.slots import Slot
from tests.support import slot

DAY = "2027-03-30"


def at(hours: str) -> Slot:
    return slot(f"{DAY} {hours}")


def test_a_free_seat_is_taken_whole():
    wanted = at("14:00-16:00")

    assert seats_for(wanted, {1: [at("12:00-14:00")], 2: [at("15:00-17:00")]}) == [(1, wanted)]


def test_it_changes_seats_where_no_seat_is_free_all_the_time():
    taken = {1: [at("10:00-11:00")], 2: [at("11:00-12:00")]}

    assert seats_for(at("10:00-12:00"), taken) == [(2, at("10:00-11:00")), (1, at("11:00-12:00"))]


def test_when_all_are_taken_at_one_moment_there_is_none():
    taken = {1: [at("10:00-11:00")], 2: [at("10:45-12:00")]}

    with pytest.raises(NoSeatLeft):
        seats_for(at("10:00-12:00"), taken)
    assert full_time(at("10:00-12:00"), taken) == [at("10:45-11:00")]


def test_of_what_has_no_seat_there_is_none():
    with pytest.raises(NoSeatLeft):
        seats_for(at("10:00-12:00"), {})


HOURS = st.integers(8, 17).flatmap(
    lambda first: st.integers(first + 1, 18).map(lambda last: at(f"{first:02}:00-{last:02}:00"))
)


@given(st.lists(HOURS, max_size=12), st.integers(1, 3))
def test_it_says_no_only_when_the_capacity_would_be_exceeded(asked, capacity):
    """Against a count of who is there each hour, whatever came before."""
    taken: dict[int, list[Slot]] = {seat: [] for seat in range(capacity)}
    stand: list[Slot] = []
    for wanted in asked:
        hours = [at(f"{hour:02}:00-{hour + 1:02}:00") for hour in range(8, 18)]
        inside = [hour for hour in hours if hour.overlaps(wanted)]
        is_full = any(sum(s.overlaps(hour) for s in stand) >= capacity for hour in inside)
        assert bool(full_time(wanted, taken)) == is_full
        try:
            parts = seats_for(wanted, taken)
        except NoSeatLeft:
            assert is_full
            continue
        assert not is_full
        for seat, part in parts:
            assert not any(part.overlaps(other) for other in taken[seat])
            taken[seat].append(part)
        assert (parts[0][1].start, parts[-1][1].end) == (wanted.start, wanted.end)
        stand.append(wanted)
