"""The slot and the algebra of spans: what they promise, whatever the numbers."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablab.slots import Slot, merged, without
from tests.support import slot

EPOCH = datetime(2027, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@st.composite
def spans(draw: st.DrawFn) -> Slot:
    start, length = draw(st.integers(0, 300)), draw(st.integers(1, 100))
    return Slot(EPOCH + start * MINUTE, EPOCH + (start + length) * MINUTE)


def minutes(*slots: Slot) -> set[int]:
    """Every minute the slots cover: the slow and obvious way to compute with spans."""
    return {
        n
        for span in slots
        for n in range((span.start - EPOCH) // MINUTE, (span.end - EPOCH) // MINUTE)
    }


def test_a_slot_is_kept_in_utc():
    naive = datetime(2027, 1, 1)  # noqa: DTZ001
    elsewhere = datetime(2027, 1, 1, tzinfo=timezone(timedelta(hours=1)))

    for start in (naive, elsewhere):
        with pytest.raises(ValueError, match="UTC"):
            Slot(start, start + MINUTE)


@pytest.mark.parametrize("length", [timedelta(0), -MINUTE])
def test_a_slot_is_never_empty(length):
    with pytest.raises(ValueError, match="ends after"):
        Slot(EPOCH, EPOCH + length)


def test_slots_that_touch_do_not_overlap():
    morning, afternoon = slot("2027-03-30 10:00-12:00"), slot("2027-03-30 12:00-14:00")

    assert not morning.overlaps(afternoon)
    assert not afternoon.overlaps(morning)
    assert morning.within(afternoon) is None


def test_a_slot_over_the_spring_night_is_an_hour_shorter_than_the_clock_says():
    assert slot("2027-03-28 00:00-08:00").duration == timedelta(hours=7)
    assert slot("2027-10-31 00:00-08:00").duration == timedelta(hours=9)


@given(spans(), spans())
def test_overlapping_is_sharing_a_minute(one, other):
    shared = minutes(one) & minutes(other)

    assert one.overlaps(other) == other.overlaps(one) == bool(shared)
    assert one.covers(other) == (minutes(other) <= minutes(one))
    assert minutes(*filter(None, [one.within(other)])) == shared


@given(st.lists(spans(), max_size=8))
def test_merging_keeps_the_same_time_in_order_and_apart(some):
    whole = merged(some)

    assert minutes(*whole) == minutes(*some)
    assert all(one.end < other.start for one, other in zip(whole, whole[1:], strict=False))


@given(st.lists(spans(), max_size=6), st.lists(spans(), max_size=6))
def test_what_is_left_is_the_time_in_no_hole(some, holes):
    left = without(some, holes)

    assert minutes(*left) == minutes(*some) - minutes(*holes)
    assert left == merged(left)
