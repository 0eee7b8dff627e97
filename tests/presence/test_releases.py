"""What nobody came to is released by the house rules, the clock going on."""

from datetime import timedelta

import pytest

from fablab import clock, jobs
from fablab.db import db
from fablab.machines.inventory import of_place
from fablab.machines.kinds import MachineState, Status
from fablab.machines.models import Machine
from fablab.machines.policy_commands import Scope, set_policy
from fablab.members.audit import AuditEntry
from fablab.members.models import Mark
from fablab.presence import releases
from tests.booking.conftest import change
from tests.presence.support import arrive, booked, record, row, say, undo
from tests.support import counting, instant

LONG_AGO = instant("2027-03-01 00:00")


def release() -> int:
    return releases.release(clock.now(), watched_since=LONG_AGO)


def test_the_background_work_releases_it_and_tells_who_was_expected(any_fablab, any_app, at):
    say(any_fablab)
    uid = booked(any_fablab)
    runner = jobs.Runner(any_app)
    at("2027-03-30 14:29")
    runner.once()
    assert row(uid).standing

    at("2027-03-30 14:30")
    runner.once()

    assert row(uid).status == Status.MISSED
    assert record(uid)[-1] == ("missed", None)
    mark = db.session.execute(db.select(Mark)).scalar_one()
    assert mark.member_id == any_fablab.people["bruno"]
    noted = db.session.execute(db.select(AuditEntry.made_by_id).order_by(AuditEntry.id.desc()))
    assert noted.scalars().first() is None


def test_whoever_has_arrived_keeps_it(any_fablab, at):
    say(any_fablab)
    uid = booked(any_fablab)
    at("2027-03-30 14:29")
    arrive(any_fablab, uid)
    at("2027-03-30 14:31")

    assert release() == 0
    assert row(uid).standing


def test_without_the_rule_it_is_kept(fablab, at):
    uid = booked(fablab)
    at("2027-03-30 15:30")

    assert release() == 0
    assert row(uid).standing


def test_what_began_before_the_rule_is_left_alone(fablab, at):
    uid = booked(fablab)
    at("2027-03-30 14:01")
    say(fablab)
    at("2027-03-30 15:30")

    assert release() == 0
    assert row(uid).standing


def test_nobody_is_absent_from_a_machine_that_nobody_may_use(fablab, at):
    say(fablab)
    uid = booked(fablab)
    at("2027-03-30 15:00")
    change(Machine, "bench", state=MachineState.OUT_OF_SERVICE)

    assert release() == 0
    assert row(uid).standing


def test_the_delay_counts_from_when_somebody_could_say_that_they_were_here(fablab, app, at):
    say(fablab)
    uid = booked(fablab)
    at("2027-03-30 14:40")
    runner = jobs.Runner(app)  # the service was away until now
    runner.once()
    assert row(uid).standing

    at("2027-03-30 15:10")
    runner.once()
    assert row(uid).status == Status.MISSED


def test_what_the_team_gave_back_is_not_released_again(fablab, at):
    say(fablab)
    uid = booked(fablab)
    at("2027-03-30 14:30")
    release()
    undo(fablab, uid)
    at("2027-03-30 15:00")

    assert release() == 0
    assert row(uid).standing


def test_the_nearest_rule_decides(fablab, at):
    say(fablab)
    bench = Scope(fablab.place_id, machine_id=fablab.machine("bench").id)
    never = {"release_after": timedelta(0)}
    set_policy(bench, never, by=fablab.people["amina"], now=clock.now())
    uid = booked(fablab)
    at("2027-03-30 15:00")

    assert release() == 0
    assert row(uid).standing


@pytest.mark.parametrize("count", [0, 1])
def test_a_round_with_nothing_to_do_is_one_statement(any_fablab, at, count):
    """And one more for what the place has set up, while somebody is expected."""
    say(any_fablab)
    for _ in range(count):
        booked(any_fablab)
    of_place(place_id=any_fablab.place_id)
    at("2027-03-30 14:10")

    with counting(db.engine) as statements:
        release()

    assert len(statements) == 1 + count
