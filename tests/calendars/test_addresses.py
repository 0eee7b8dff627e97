"""The secret addresses: made, changed, stopped, and dead at once when their holder may not read."""

import re
from datetime import date
from threading import Thread

import pytest
from flask import current_app
from sqlalchemy import delete

from fablab import clock
from fablab.calendars import commands
from fablab.calendars.kinds import About
from fablab.calendars.models import FeedToken
from fablab.db import db, writing
from fablab.members.models import Member, Membership, RoleHeld
from fablab.organizations.models import OrganizationMember
from tests.calendars.support import (
    DAY,
    MINE,
    PLACE,
    TRAININGS,
    category,
    machine,
    make_manager,
    make_pool,
    organization,
    set_columns,
)
from tests.support import instant


@pytest.fixture
def fablab(any_fablab):
    return any_fablab


@pytest.fixture
def phone(browse_any):
    return browse_any(None)


def make(fablab, who: str, about: About = MINE, key: str = "") -> str:
    return commands.make_address(
        about,
        member_id=fablab.people[who],
        place_id=fablab.place_id,
        key=key,
        now=clock.now(),
    )


def stop(fablab, who: str, about: About = MINE) -> None:
    commands.stop_address(
        about, member_id=fablab.people[who], place_id=fablab.place_id, now=clock.now()
    )


def opens(phone, token: str) -> bool:
    status = phone.get(f"/calendars/{token}/bookings.ics").status_code
    assert status in (200, 404)
    return status == 200


# -- made, changed, stopped


def test_a_token_is_long_random_and_stored_only_as_its_hash(fablab, phone):
    tokens = [make(fablab, who) for who in fablab.people]

    assert len(set(tokens)) == len(tokens)
    for token in tokens:
        assert re.fullmatch(r"[\w-]{32}", token, re.ASCII)  # 32 × 6 = 192 bits
        assert opens(phone, token)
    stored = " ".join(str(row) for row in db.session.execute(db.select(FeedToken.__table__)))
    assert not any(token in stored for token in tokens)
    assert all(len(row) == 64 for row in db.session.scalars(db.select(FeedToken.token_hash)))


def test_another_address_ends_the_one_before_at_once(fablab, phone):
    first, others = make(fablab, "chloe"), [make(fablab, "bruno"), make(fablab, "chloe", PLACE)]

    second = make(fablab, "chloe")

    assert second != first
    assert not opens(phone, first)
    assert opens(phone, second)
    assert all(opens(phone, other) for other in others)


def test_a_stopped_address_opens_nothing_and_the_others_still_do(fablab, phone):
    make_manager(fablab, "bruno")
    kinds = [
        MINE,
        PLACE,
        category(fablab, "bench"),
        category(fablab, "laser"),
        machine(fablab, "laser"),
        machine(fablab, "bench"),
        make_pool(fablab, "laser"),
        make_pool(fablab, "bench"),
        organization(fablab),
        TRAININGS,
    ]
    tokens = {about: make(fablab, "bruno", about) for about in kinds}
    others = make(fablab, "chloe", PLACE)

    for about in kinds:
        stop(fablab, "bruno", about)
        stop(fablab, "bruno", about)

        assert not opens(phone, tokens.pop(about))
        assert all(opens(phone, token) for token in tokens.values())
    assert opens(phone, others)


def test_the_same_form_sent_twice_makes_one_address(fablab, phone):
    key = commands.new_key()

    first, second = make(fablab, "chloe", key=key), make(fablab, "chloe", key=key)

    assert first == second
    assert opens(phone, first)
    assert db.session.scalar(db.select(db.func.count()).select_from(FeedToken)) == 1


def test_a_form_sent_again_does_not_revive_what_was_stopped(fablab, phone):
    key = commands.new_key()
    token = make(fablab, "chloe", key=key)
    stop(fablab, "chloe")

    with pytest.raises(commands.AddressGone):
        make(fablab, "chloe", key=key)

    assert not opens(phone, token)


def test_a_key_makes_another_token_for_every_person_and_calendar(fablab):
    key = commands.new_key()

    tokens = {make(fablab, who, about, key) for who in fablab.people for about in (MINE, PLACE)}

    assert len(tokens) == 6


@pytest.mark.parametrize("key", ["", "short", "x" * 10_000, "é" * 40, "a\x00" * 20, " " * 40])
def test_a_key_that_is_none_of_ours_counts_for_nothing(fablab, phone, key):
    first, second = make(fablab, "chloe", key=key), make(fablab, "chloe", key=key)

    assert first != second
    assert (opens(phone, first), opens(phone, second)) == (False, True)


def test_two_who_press_at_once_have_one_address_between_them(fablab, phone):
    app, made = current_app._get_current_object(), []

    def press():
        with app.app_context():
            made.append(make(fablab, "chloe"))

    pressing = [Thread(target=press) for _ in range(6)]
    for each in pressing:
        each.start()
    for each in pressing:
        each.join()

    assert [opens(phone, token) for token in made].count(True) == 1


# -- who may still read


def test_nobody_reads_with_the_address_of_an_erased_person(fablab, phone):
    token = make(fablab, "chloe")

    set_columns(Member, fablab.people["chloe"], erased_at=clock.now())

    assert not opens(phone, token)


def test_an_address_is_dead_while_its_holder_is_suspended(fablab, phone, at):
    tokens = [make(fablab, "amina", about) for about in (MINE, PLACE, DAY)]
    membership = membership_of(fablab, "amina")

    set_columns(Membership, membership, suspended_until=instant("2027-04-01 00:00"))

    assert not any(opens(phone, token) for token in tokens)
    at("2027-03-31 23:59")
    assert not any(opens(phone, token) for token in tokens)
    at("2027-04-01 00:00")
    assert all(opens(phone, token) for token in tokens)


def test_the_places_calendar_ends_with_the_membership_ones_own_does_not(fablab, phone, at):
    shared, own = shared_by_members(fablab), make(fablab, "chloe")
    set_columns(Membership, membership_of(fablab, "chloe"), expires_on=date(2027, 3, 30))

    at("2027-03-30 23:59")
    assert all(opens(phone, each) for each in shared)
    at("2027-03-31 00:00")
    assert not any(opens(phone, each) for each in shared)
    assert opens(phone, own)


def test_who_left_the_place_reads_it_no_longer(fablab, phone):
    shared, own = shared_by_members(fablab), make(fablab, "chloe")
    assert all(opens(phone, each) for each in shared)

    with writing() as session:
        session.execute(delete(Membership).where(Membership.member_id == fablab.people["chloe"]))

    assert not any(opens(phone, each) for each in shared)
    assert opens(phone, own)


def test_who_left_the_team_reads_the_day_no_longer(fablab, phone):
    day, place = make(fablab, "amina", DAY), make(fablab, "amina", PLACE)

    with writing() as session:
        session.execute(delete(RoleHeld))

    assert not opens(phone, day)
    assert opens(phone, place)


def test_a_member_who_is_not_on_the_team_reads_no_day_even_with_an_address(fablab, phone):
    assert not opens(phone, make(fablab, "chloe", DAY))


@pytest.mark.parametrize(
    ("changed", "still"),
    [
        ({}, True),
        ({"is_manager": False}, False),
        ({"until": date(2027, 3, 29)}, True),
        ({"until": date(2027, 3, 28)}, False),
        ({"since": date(2027, 3, 30)}, False),
    ],
)
def test_an_organization_is_read_by_those_who_run_it_today(fablab, phone, changed, still):
    make_manager(fablab, "bruno")
    token = make(fablab, "bruno", organization(fablab))

    with writing() as session:
        session.execute(OrganizationMember.__table__.update().values(changed or {"activity": ""}))

    assert opens(phone, token) is still
    assert not opens(phone, make(fablab, "chloe", organization(fablab)))


# -- what is no address


@pytest.mark.parametrize(
    "wrong",
    [
        "{token}x",
        "{cut}",
        "{cut}a",
        "{upper}",
        " {token}",
        "{token}%00",
        "{token}%0A",
        "%E2%80%AE{token}",
        "%D9%A1%D9%A2%D9%A3",
        "%F0%9F%93%85",
        "%FF%FE",
        "..%2f..%2fetc%2fpasswd",
        "' OR 1=1 --",
        "A" * 10_000,
        "A" * 32,
        "-",
    ],
)
def test_a_wrong_cut_long_or_odd_token_opens_nothing(fablab, phone, wrong):
    token = make(fablab, "chloe")
    odd = wrong.format(token=token, cut=token[:-1], upper=token.swapcase())

    response = phone.get(f"/calendars/{odd}/bookings.ics")

    assert_is_nothing(response)


@pytest.mark.parametrize(
    "path",
    [
        "/calendars/{token}",
        "/calendars/{token}/",
        "/calendars/{token}/bookings",
        "/calendars/{token}/.ics",
        "/calendars/{token}/bookings.ics/",
        "/calendars/{token}/bookings.ics/more",
        "/calendars/{token}/a/b.ics",
        "/calendars/bookings.ics",
        "/calendars/.ics",
        "/calendars/x/y.ICS",
    ],
)
def test_an_address_that_was_cut_or_grew_opens_nothing(fablab, phone, path):
    assert_is_nothing(phone.get(path.format(token=make(fablab, "chloe"))))


def test_every_address_that_opens_nothing_answers_the_same(fablab, phone):
    """Whatever is wrong with it: neither the bytes nor a header tells whose it was, or that it
    was somebody's.
    """
    make_manager(fablab, "bruno")
    stopped, replaced = make(fablab, "chloe"), make(fablab, "bruno")
    stop(fablab, "chloe")
    make(fablab, "bruno")
    tokens = {
        "stopped": stopped,
        "replaced": replaced,
        "of who is not on the team": make(fablab, "chloe", DAY),
        "of who runs nothing": make(fablab, "chloe", organization(fablab)),
        "of who left the team": make(fablab, "amina", DAY),
        "of who left the organization": make(fablab, "bruno", organization(fablab)),
        "of who is suspended": make(fablab, "bruno"),
        "of who is no member any more": make(fablab, "chloe", PLACE),
        "of who is erased": make(fablab, "amina"),
        "unknown": "A" * 32,
        "cut": make(fablab, "bruno", PLACE)[:-1],
        "long": "A" * 5_000,
        "odd": "%F0%9F%93%85",
        "empty words": "-",
    }
    with writing() as session:
        session.execute(delete(RoleHeld))
        session.execute(OrganizationMember.__table__.update().values(until=date(2027, 3, 28)))
    set_columns(
        Membership, membership_of(fablab, "bruno"), suspended_until=instant("2027-04-01 00:00")
    )
    set_columns(Membership, membership_of(fablab, "chloe"), expires_on=date(2027, 3, 28))
    set_columns(Member, fablab.people["amina"], erased_at=clock.now())

    def answer(token, method, **headers):
        response = phone.open(f"/calendars/{token}/bookings.ics", method=method, headers=headers)
        said = {name: value for name, value in response.headers if name != "X-Request-Id"}
        return response.status_code, response.data, said

    for headers in ({}, {"Accept-Encoding": "gzip"}, {"If-None-Match": "*"}):
        for method in ("GET", "HEAD"):
            expected = answer("A" * 32, method, **headers)
            assert expected[0] == 404
            for why, token in tokens.items():
                assert answer(token, method, **headers) == expected, why


def test_an_address_still_works_after_the_secret_key_has_changed(fablab, phone):
    """It helped to draw the token; the hash is all that is asked for later."""
    token = make(fablab, "chloe")

    current_app.config["SECRET_KEY"] = "another secret of at least 32 letters"

    assert opens(phone, token)


def assert_is_nothing(response) -> None:
    assert response.status_code == 404
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in response.headers
    assert "Cookie" not in response.headers.get("Vary", "")


def shared_by_members(fablab) -> list[str]:
    """Chloé's addresses of all that members read of the place."""
    laser = category(fablab, "laser"), machine(fablab, "laser"), make_pool(fablab, "laser")
    return [make(fablab, "chloe", about) for about in (PLACE, TRAININGS, *laser)]


def membership_of(fablab, who: str) -> int:
    return db.session.scalars(
        db.select(Membership.id).where(Membership.member_id == fablab.people[who])
    ).one()


def test_nothing_is_remembered_of_a_reading_that_was_refused(fablab, phone):
    token = make(fablab, "chloe", DAY)

    phone.get(f"/calendars/{token}/bookings.ics")

    db.session.rollback()
    assert db.session.scalars(db.select(FeedToken.used_at)).one() is None
