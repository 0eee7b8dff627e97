"""Counting tries, on both engines."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from fablab import clock
from fablab.db import db, writing
from fablab.members import throttle
from fablab.members.kinds import AttemptKind
from fablab.members.models import Attempt
from fablab.members.throttle import TooMany, network_of
from tests.support import instant

NOON = instant("2027-03-30 12:00")
HERE = "192.0.2.7"
SIGN_IN, MAIL = AttemptKind.SIGN_IN, AttemptKind.MAIL


def tries(count: int, email="bruno@atelier.example", address=HERE, now=NOON, kind=SIGN_IN) -> int:
    """Try that often; how many were let in."""
    let_in = 0
    for _ in range(count):
        try:
            throttle.admit(kind, email, address, now)
        except TooMany:
            continue
        let_in += 1
    return let_in


@pytest.mark.usefixtures("any_fablab")
def test_five_tries_are_let_in_at_once():
    assert tries(8) == 5


@pytest.mark.usefixtures("any_fablab")
def test_of_forty_tries_at_the_same_moment_five_are_let_in(any_app):
    def one(_number: int) -> int:
        with any_app.app_context():
            return tries(1)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(one, range(40))) == 5


@pytest.mark.usefixtures("any_fablab")
def test_a_try_that_is_refused_says_how_long_to_wait_and_is_not_counted():
    tries(6)

    with pytest.raises(TooMany) as refused:
        throttle.admit(SIGN_IN, "bruno@atelier.example", HERE, NOON)

    assert refused.value.wait == timedelta(seconds=1)
    assert db.session.scalar(select(func.count(Attempt.id))) == 5


@pytest.mark.usefixtures("any_fablab")
def test_nobody_tries_more_than_25_times_a_day_however_patient():
    patient = [NOON + timedelta(minutes=20 * number) for number in range(70)]

    assert sum(tries(1, now=now) for now in patient) == 25
    assert tries(1, now=NOON + timedelta(days=1)) == 1


@pytest.mark.usefixtures("any_fablab")
def test_the_account_is_the_same_however_it_is_typed():
    tries(5)

    assert tries(1, email=" Bruno@Atelier.EXAMPLE") == 0
    assert tries(1, email="chloe@atelier.example") == 1


@pytest.mark.usefixtures("any_fablab")
def test_one_network_address_is_slowed_down_whatever_account_it_tries():
    let_in = sum(tries(1, email=f"{number}@atelier.example") for number in range(60))

    assert let_in == 50
    assert tries(1, email="another@atelier.example", address="192.0.2.8") == 1


@pytest.mark.usefixtures("any_fablab")
def test_a_right_password_wipes_the_account_and_no_other():
    tries(5)
    tries(5, email="chloe@atelier.example")

    with writing() as session:
        throttle.forget(session, "bruno@atelier.example")

    assert tries(1) == 1
    assert tries(1, email="chloe@atelier.example") == 0


@pytest.mark.usefixtures("any_fablab")
def test_mails_are_counted_apart_and_one_an_hour_is_always_let_through():
    assert tries(9, kind=MAIL) == 3
    assert tries(9, kind=SIGN_IN) == 5

    assert tries(9, kind=MAIL, now=NOON + timedelta(minutes=59)) == 0
    assert tries(9, kind=MAIL, now=NOON + timedelta(minutes=60)) == 1


@pytest.mark.usefixtures("any_fablab")
def test_tries_that_a_wrong_clock_dated_into_the_future_shut_nobody_out():
    tries(25, now=NOON + timedelta(days=365))

    assert tries(5) == 5


@pytest.mark.usefixtures("any_fablab")
def test_what_is_kept_tells_neither_the_address_typed_nor_lasts_a_day(at):
    tries(3)
    assert "bruno" not in str(db.session.execute(select(Attempt.__table__)).all())

    at("2027-03-31 12:01")
    with writing() as session:
        throttle.tidy(session, clock.now())

    assert db.session.scalar(select(func.count(Attempt.id))) == 0


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("", ""),
        ("x" * 500, "x" * 64),
    ],
)
def test_a_network_address_stands_for_whoever_was_given_it(address, network):
    assert network_of(address) == network


@pytest.mark.usefixtures("any_fablab")
def test_mails_that_open_nothing_do_not_use_up_the_owners_way_in():
    tries(10, kind=MAIL)

    assert tries(1, kind=AttemptKind.RESET) == 1
