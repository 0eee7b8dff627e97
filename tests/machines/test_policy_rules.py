"""What makes no sense together, wherever it is said."""

from dataclasses import replace
from datetime import timedelta

import pytest

from fablab.machines.models import Policy
from fablab.machines.policies import BookingPolicy
from fablab.machines.policy_rules import Table, conflicts, nonsense
from fablab.members.kinds import Audience

NOTHING = BookingPolicy()
LASER = Table(category_id=1, machine_id=1, name="L1 Laser")
BENCH = Table(category_id=2, machine_id=2, name="B1 Bench")


def minutes(n: int) -> timedelta:
    return timedelta(minutes=n)


def at_fault(**changed: object) -> list[str]:
    return [wrong.names[0] for wrong in nonsense(replace(NOTHING, **changed))]


@pytest.mark.parametrize(
    ("fine", "wrong", "name"),
    [
        ({"maximum": minutes(30)}, {"maximum": minutes(29)}, "maximum"),
        ({"minimum": minutes(45)}, {"minimum": minutes(46)}, "minimum"),
        ({"fixed": minutes(45)}, {"fixed": minutes(46)}, "fixed"),
        ({"quota_machine": minutes(30)}, {"quota_machine": minutes(29)}, "quota_machine"),
        ({"quota_category": minutes(30)}, {"quota_category": minutes(29)}, "quota_category"),
        ({"quota_risky": minutes(30)}, {"quota_risky": minutes(29)}, "quota_risky"),
    ],
)
def test_the_bound_itself_makes_sense_and_a_minute_beyond_does_not(fine, wrong, name):
    assert at_fault(**fine) == []
    assert at_fault(**wrong) == [name]


def test_a_quota_of_days_holds_one_at_least():
    lent = Policy(machine_id=1, whole_days=True)
    enough, less = (Policy(quota_machine=minutes(n)) for n in (1440, 1439))

    assert not conflicts([LASER], [lent, enough], None, {"quota_machine"})
    assert conflicts([LASER], [lent, less], None, {"quota_machine"})


def test_what_is_said_of_the_place_is_heard_by_each_machine_and_audience():
    place = Policy(minimum=minutes(60))
    short = Policy(machine_id=1, audience=Audience.REDUCED, maximum=minutes(45))

    (found,) = conflicts([Table(), LASER, BENCH], [place, short], None, {"minimum"})

    assert (found.name, found.machine, found.audience) == ("minimum", "L1 Laser", "reduced")
    assert not conflicts([Table(), BENCH], [place, short], None, {"minimum"})
    assert not conflicts([LASER], [place, short], Audience.STAFF, {"minimum"})
    assert not conflicts([LASER], [place, short], None, {"notice"})
