"""What the database itself keeps true of a place, on both engines."""

from datetime import date, time, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from fablab import clock
from fablab.db import db, writing
from fablab.places.kinds import Mode, NamesShown
from fablab.places.models import Closure, Opening, Place

FIRST = date(2027, 12, 24)


def add(*rows: Any) -> None:
    with writing() as session:
        session.add_all(rows)


def closure(fablab: Any, **values: Any) -> Closure:
    days = {"first_day": FIRST, "last_day": FIRST + timedelta(days=9)}
    return Closure(
        **{"place_id": fablab.place_id, "uid": "one", "reason": "Winter"} | days | values
    )


def opening(fablab: Any, **values: Any) -> Opening:
    hours = {"weekday": 1, "opens_at": time(9), "closes_at": time(12, 30)}
    return Opening(**{"place_id": fablab.place_id} | hours | values)


def test_several_places_live_in_one_installation(any_fablab):
    add(Place(slug="annexe", name="Annexe", created_at=clock.now()))

    assert set(db.session.scalars(select(Place.slug))) == {"atelier", "annexe"}


def test_two_places_have_two_names_in_addresses(any_fablab):
    with pytest.raises(IntegrityError):
        add(Place(slug="atelier", name="Another", created_at=clock.now()))


def test_a_place_begins_as_french_law_and_privacy_would_have_it(any_app):
    add(Place(slug="new", name="New", created_at=clock.now()))

    place = db.session.scalars(select(Place)).one()
    assert (place.zone, place.language, place.holidays_country) == ("Europe/Paris", "fr", "FR")
    assert place.names_shown is NamesShown.MEMBERS


@pytest.mark.parametrize("weekday", [0, 8, -1])
def test_a_week_has_seven_days(any_fablab, weekday):
    with pytest.raises(IntegrityError):
        add(opening(any_fablab, weekday=weekday))


@pytest.mark.parametrize("mode", list(Mode))
def test_an_opening_is_read_back_as_it_was(any_fablab, mode):
    add(opening(any_fablab, mode=mode, weeks="1,3"))
    db.session.remove()

    [read] = db.session.scalars(select(Opening).where(Opening.weekday == 1))

    assert (read.opens_at, read.closes_at) == (time(9), time(12, 30))
    assert (read.mode, read.weeks) == (mode, "1,3")


def test_openings_come_in_the_order_of_the_week(any_fablab):
    add(opening(any_fablab, opens_at=time(14), closes_at=time(18)), opening(any_fablab))
    db.session.remove()

    place = db.session.get(Place, any_fablab.place_id)

    begins = [(each.weekday, each.opens_at) for each in place.openings]
    assert begins == sorted(begins)
    assert len(begins) == 7


def test_a_closure_ends_no_earlier_than_it_begins(any_fablab):
    add(closure(any_fablab, last_day=FIRST))

    with pytest.raises(IntegrityError):
        add(closure(any_fablab, uid="two", last_day=FIRST - timedelta(days=1)))


def test_a_closure_counts_its_changes_for_calendars(any_fablab, at):
    """SEQUENCE and LAST-MODIFIED, RFC 5545 §3.8.7."""
    one = closure(any_fablab)
    add(one)
    at("2027-03-29 10:00")

    with writing():
        one.reason = "Winter break"
    db.session.remove()

    read = db.session.scalars(select(Closure)).one()
    assert (read.revision, read.changed_at) == (1, clock.now())
