"""Whatever is typed, in whatever field: an answer, never a failure, and nothing booked by it."""

import re
from datetime import date

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from werkzeug.datastructures import MultiDict

from fablab.booking.forms import BookingForm, parse_near_day
from fablab.clock import to_wall
from fablab.db import db
from fablab.machines.models import Occupancy
from tests.booking.conftest import Form
from tests.support import PARIS, slot

NEW = "/bookings/new?machine=bench&day=2027-03-30&start=14:00&end=16:00"
FIELDS = ("machine", "day", "start", "end", "end_day", "organization", "purpose", "key")
FINE = {"day": "2027-03-30", "start": "14:00", "end": "16:00"}

# What breaks careless code: other digits, marks that turn text around, ends of the calendar.
ODD = st.sampled_from(
    [
        "",
        " ",
        "\x00",
        "\r\nSet-Cookie: a=b",
        "\u202e2027-03-30",
        "٢٠٢٧-٠٣-٣٠",
        "١٤:٠٠",
        "0001-01-01",
        "9999-12-31",
        "2027-02-29",
        "2027-3-30",
        "2027-W13-2",
        "24:00",
        "24:01",
        "00:00",
        "1e3",
        "-1",
        "99999999999999999999",
        "'; DROP TABLE occupancy; --",
        "{{ 7 * 7 }}",
        "x" * 10_000,
        "\ud83d",
    ]
)
ANYTHING = st.one_of(ODD, st.text(max_size=60), st.dates().map(str), st.times().map(str))


def read(**typed: str) -> BookingForm:
    return BookingForm(MultiDict(FINE | typed), zone=PARIS, meta={"csrf": False})


def count() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(Occupancy)) or 0


@given(st.sampled_from(FIELDS), ANYTHING)
@example("day", "9999-12-31")
@example("end_day", "0001-01-01")
@example("machine", "bench\x00")
@example("day", " ")
@example("start", "\u00a0")
@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_is_typed_in_a_field_is_answered_and_only_a_303_has_booked(
    fablab, browse, field, typed
):
    typed = typed.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    client, before = browse("bruno"), count()

    answer = Form(client.get(NEW).text).send(client, **{field: typed})

    assert answer.status_code in (303, 404, 409, 422)
    assert count() == before + (answer.status_code == 303)
    if answer.status_code == 303:
        client.post(
            f"{answer.location}/cancellation",
            data={"csrf_token": Form(client.get(NEW).text).values["csrf_token"]},
        )


@given(st.fixed_dictionaries(dict.fromkeys(FIELDS[1:], ANYTHING)))
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_is_typed_in_every_field_books_nothing(fablab, browse, typed):
    typed = {name: each.encode("utf-8", "replace").decode() for name, each in typed.items()}
    client = browse("bruno")

    answer = Form(client.get(NEW).text).send(client, **typed)

    assert answer.status_code == 422
    assert count() == 0


@given(
    st.sampled_from(("day", "start", "end", "end_day", "place", "page", "machine", "check")),
    ANYTHING,
)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_an_address_may_say_anything_of_anything(fablab, browse, name, typed):
    typed = typed.encode("utf-8", "replace").decode()
    client = browse("bruno")

    for address in ("/bookings/new", "/bookings/"):
        asked = {"machine": "bench", **FINE, name: typed}
        assert client.get(address, query_string=asked).status_code in (200, 302, 303, 400, 404)


def test_what_is_missing_from_a_script_is_answered_field_by_field(fablab, browse):
    client = browse("bruno")
    token = Form(client.get(NEW).text).values["csrf_token"]

    answer = client.post("/bookings/", data={"machine": "bench", "csrf_token": token})
    nothing = client.post("/bookings/", data={"csrf_token": token})

    assert answer.status_code == 422
    assert {"day", "start", "end"} <= set(re.findall(r'id="(\w+)-error"', answer.text))
    assert nothing.status_code == 404


@pytest.mark.parametrize(
    ("typed", "booked"),
    [
        ({}, "2027-03-30 14:00-16:00"),
        ({"start": "9:05"}, "2027-03-30 09:05-16:00"),
        ({"start": "14:00:00", "end": "16:00:00"}, "2027-03-30 14:00-16:00"),
        ({"end": "00:00"}, "2027-03-30 14:00-00:00"),
        ({"end": "24:00"}, "2027-03-30 14:00-00:00"),
        ({"end": "00:00", "end_day": "2027-03-31"}, "2027-03-30 14:00-00:00"),
        ({"start": "00:00", "end": "00:00"}, "2027-03-30 00:00-00:00"),
        ({"end": "08:00", "end_day": "2027-03-31"}, "2027-03-30 14:00-08:00"),
        ({"end_day": "2027-03-30"}, "2027-03-30 14:00-16:00"),
        ({"day": "2027-10-31", "start": "02:30", "end": "03:00"}, "2027-10-31 02:30-03:00"),
    ],
)
def test_hours_as_people_type_them(app, typed, booked):
    with app.test_request_context():
        form = read(**typed)

        assert form.validate(), form.errors
        assert form.slot == slot(booked)


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"end": "14:00"}, "end"),
        ({"end": "00:00", "end_day": "2027-03-30"}, "end"),
        ({"end_day": "2027-03-29"}, "end"),
        ({"end_day": "2027-04-30", "end": "14:01"}, "end"),
        ({"day": "2027-03-28", "start": "02:00"}, "start"),
        ({"day": "2027-03-28", "start": "02:59"}, "start"),
        ({"day": "2027-03-27", "end_day": "2027-03-28", "end": "02:30"}, "end"),
        ({"start": "14.00"}, "start"),
        ({"day": "1999-12-31"}, "day"),
        ({"day": "2201-01-01"}, "day"),
        ({"organization": "0"}, "organization"),
        ({"organization": "choose"}, "organization"),
        ({"organization": "١"}, "organization"),
        ({"key": "short"}, "key"),
        ({"key": "valid-until-the-newline\n"}, "key"),
    ],
)
def test_what_makes_no_slot_is_an_error_of_one_field(app, typed, field):
    with app.test_request_context():
        form = read(**typed)

        assert not form.validate()
        assert set(form.errors) == {field}


@pytest.mark.parametrize("end", ["14:00", "03:00"])
def test_the_hours_beside_the_skipped_one_exist(app, end):
    with app.test_request_context():
        form = read(day="2027-03-28", start="01:59", end=end)

        assert form.validate()
        assert f"{to_wall(PARIS, form.slot.end):%H:%M}" == end


def test_a_month_is_the_longest_one_may_ask_for(app):
    with app.test_request_context():
        assert read(day="2027-05-01", end_day="2027-06-01", end="14:00").validate()
        assert not read(day="2027-05-01", end_day="2027-06-01", end="14:01").validate()


@given(st.dates())
def test_a_day_near_either_end_of_the_calendar_is_no_day(day):
    is_near = date(2000, 1, 1) <= day <= date(2200, 12, 31)

    assert parse_near_day(day.isoformat()) == (day if is_near else None)
