"""When a booking may be offered to somebody else, and until when they may answer."""

from datetime import timedelta

import pytest

from fablab.booking.handover_rules import handover_due, may_be_handed_over
from fablab.machines.kinds import Status
from tests.support import instant, slot

AFTERNOON = slot("2027-03-30 14:00-16:00")
A_MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("changed", "may"),
    [
        ({}, True),
        ({"now": AFTERNOON.start - A_MINUTE}, True),
        ({"now": AFTERNOON.start}, False),
        ({"arrived_at": AFTERNOON.start - A_MINUTE}, False),
        *(({"status": status}, False) for status in Status if status is not Status.CONFIRMED),
    ],
)
def test_what_is_settled_and_has_not_begun_may_be_handed_over(changed, may):
    facts = {"status": Status.CONFIRMED, "arrived_at": None, "now": instant("2027-03-29 09:00")}

    assert may_be_handed_over(AFTERNOON, **facts | changed) is may


def test_there_are_three_days_to_answer_and_never_more_than_until_it_begins():
    now = instant("2027-03-25 09:00")

    assert handover_due(AFTERNOON, now) == now + timedelta(days=3)
    assert handover_due(AFTERNOON, instant("2027-03-30 13:00")) == AFTERNOON.start
