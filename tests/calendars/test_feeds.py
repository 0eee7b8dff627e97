"""What each calendar shows, to whom, in which words."""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from icalendar import Calendar
from sqlalchemy import update

from fablab import clock
from fablab.booking import commands as bookings
from fablab.calendars.feed import phrases
from fablab.db import writing
from fablab.machines import commands as machines
from fablab.machines.kinds import MachineState, Status
from fablab.machines.models import Machine, Occupancy
from fablab.members.models import Member, names_changed
from fablab.places.kinds import NamesShown
from fablab.places.models import Closure, Place
from fablab.slots import Slot
from tests.calendars.support import (
    DAY,
    PLACE,
    address,
    book_elsewhere,
    category,
    change,
    close,
    every_address,
    everything,
    is_day_off,
    machine,
    make_manager,
    make_pool,
    occupy,
    open_every_day,
    organization,
    plan_session,
    read,
    set_columns,
    summaries,
)
from tests.support import instant, slot

TUESDAY = slot("2027-03-30 14:00-16:00")
WEDNESDAY = slot("2027-03-31 14:00-16:00")


@pytest.fixture
def fablab(any_fablab):
    return any_fablab


@pytest.fixture
def browse(browse_any):
    return browse_any


@pytest.fixture
def phone(browse):
    """What reads calendars: a client in which nobody is signed in."""
    return browse(None)


# -- one's own


def test_ones_own_calendar_holds_ones_bookings_whole(fablab, phone):
    uid = fablab.book(
        "laser", TUESDAY, "bruno", purpose="A lamp", organization_id=fablab.organization_id
    )
    fablab.book("bench", TUESDAY, "chloe")

    (event,) = read(phone, address(fablab, "bruno"))

    assert event["UID"] == uid
    assert event.start == TUESDAY.start
    assert event.end == TUESDAY.end
    assert event["SUMMARY"] == "Laser cutter (L1)"
    assert event["DESCRIPTION"] == "On behalf of Studio Fil\nPurpose: A lamp"
    assert event["LOCATION"] == "Room 2, L'Atelier, 1 rue du Fil"
    assert event["CATEGORIES"].ical_value == ["Laser"]
    assert event["URL"] == f"http://127.0.0.1:5000/bookings/{uid}"
    assert event["STATUS"] == "CONFIRMED"
    assert event["TRANSP"] == "OPAQUE"
    assert event["SEQUENCE"] == 0
    assert event["DTSTAMP"].dt == event["LAST-MODIFIED"].dt == event["CREATED"].dt == clock.now()


def test_a_cancelled_booking_stays_in_ones_own_until_it_would_have_begun(fablab, phone, at):
    uid = fablab.book("bench", TUESDAY, "chloe")
    mine = address(fablab, "chloe")
    at("2027-03-29 10:00")

    bookings.cancel(uid, by=fablab.people["chloe"], is_team=False, now=clock.now())

    (event,) = read(phone, mine)
    assert event["SUMMARY"] == "Cancelled: Workbench (B1)"
    assert event["STATUS"] == "CANCELLED"
    assert event["TRANSP"] == "TRANSPARENT"
    assert event["SEQUENCE"] == 1
    at("2027-03-30 13:59")
    assert summaries(phone, mine) == ["Cancelled: Workbench (B1)"]
    at("2027-03-30 14:00")
    assert summaries(phone, mine) == []


def test_a_calendar_is_another_version_once_a_cancelled_booking_left_it(fablab, phone, at):
    """By the clock alone: nothing was written at that moment."""
    uid = fablab.book("bench", TUESDAY, "chloe")
    bookings.cancel(uid, by=fablab.people["chloe"], is_team=False, now=clock.now())
    mine = address(fablab, "chloe")
    at("2027-03-30 13:59")
    before = phone.get(mine)
    at("2027-03-30 14:00")

    after = phone.get(mine, headers={"If-None-Match": before.headers["ETag"]})
    by_date = phone.get(mine, headers={"If-Modified-Since": before.headers["Last-Modified"]})

    assert (after.status_code, by_date.status_code) == (200, 200)
    assert b"VEVENT" not in after.data


def test_a_cancelled_booking_is_gone_from_all_that_others_read(fablab, phone):
    uid = fablab.book("laser", TUESDAY, "bruno", organization_id=fablab.organization_id)
    make_manager(fablab, "bruno")
    addresses = every_address(fablab)
    assert all(summaries(phone, each) for each in addresses)

    bookings.cancel(uid, by=fablab.people["bruno"], is_team=False, now=clock.now())

    assert not any(summaries(phone, each) for each in addresses)


def test_a_booking_that_waits_for_an_answer_is_tentative_everywhere(fablab, phone):
    fablab.book("laser", TUESDAY, "bruno", organization_id=fablab.organization_id)
    make_manager(fablab, "bruno")
    with writing() as session:
        session.execute(update(Occupancy).values(status=Status.PENDING, revision=1))

    found = {
        str(event["SUMMARY"]): str(event["STATUS"])
        for each in (*every_address(fablab), address(fablab, "bruno"))
        for event in read(phone, each)
    }

    assert found == {
        "Busy": "TENTATIVE",
        "Awaiting approval: Laser cutter (L1)": "TENTATIVE",
        "Awaiting approval: Bruno Lefil: Laser cutter (L1)": "TENTATIVE",
        "Awaiting approval: Studio Fil: Laser cutter (L1)": "TENTATIVE",
    }


def test_a_booking_nobody_came_to_is_no_longer_shown(fablab, phone):
    fablab.book("bench", TUESDAY, "chloe")
    with writing() as session:
        session.execute(update(Occupancy).values(status=Status.MISSED, standing=False))

    assert summaries(phone, address(fablab, "chloe")) == []
    assert summaries(phone, address(fablab, "chloe", PLACE)) == []


# -- the place, a category, an organization


@pytest.mark.parametrize(
    ("shown", "who", "summary"),
    [
        (NamesShown.EVERYONE, "chloe", "Bruno Lefil: Laser cutter (L1)"),
        (NamesShown.MEMBERS, "chloe", "Bruno Lefil: Laser cutter (L1)"),
        (NamesShown.NOBODY, "chloe", "Booked: Laser cutter (L1)"),
        (NamesShown.NOBODY, "amina", "Bruno Lefil: Laser cutter (L1)"),
    ],
)
def test_names_are_shown_as_the_place_has_chosen(fablab, phone, shown, who, summary):
    change(Place, names_shown=shown)
    fablab.book("laser", TUESDAY, "bruno", purpose="A secret lamp")

    for about in (PLACE, category(fablab, "laser"), make_pool(fablab, "laser")):
        response = phone.get(address(fablab, who, about))
        (event,) = [e for e in Calendar.from_ical(response.data).events if not is_day_off(e)]

        assert event["SUMMARY"] == summary
        assert "secret lamp" not in response.text


def test_a_booking_for_an_organization_shows_the_organization(fablab, phone):
    fablab.book("laser", TUESDAY, "bruno", organization_id=fablab.organization_id)

    assert summaries(phone, address(fablab, "chloe", PLACE)) == ["Studio Fil: Laser cutter (L1)"]


def test_a_booking_has_its_address_only_for_whom_it_opens(fablab, phone):
    uid = fablab.book("laser", TUESDAY, "bruno")

    def url(who, about):
        (event,) = read(phone, address(fablab, who, about))
        return event.get("URL")

    page = f"http://127.0.0.1:5000/bookings/{uid}"
    assert url("bruno", PLACE) == page
    assert url("amina", PLACE) == page
    assert url("amina", DAY) == page
    assert url("chloe", PLACE) is None


def test_a_category_holds_its_machines_alone(fablab, phone):
    fablab.book("laser", TUESDAY, "bruno")
    fablab.book("bench", TUESDAY, "chloe")

    benches = address(fablab, "bruno", category(fablab, "bench"))

    assert summaries(phone, benches) == ["Chloé Navette: Workbench (B1)"]


def test_a_pool_holds_its_machines_alone(fablab, phone):
    fablab.book("laser", TUESDAY, "bruno")
    fablab.book("bench", TUESDAY, "chloe")
    benches = address(fablab, "bruno", make_pool(fablab, "bench"))

    text = phone.get(benches).text

    assert summaries(phone, benches) == ["Chloé Navette: Workbench (B1)"]
    assert "X-WR-CALNAME:Spares\\, L'Atelier" in text
    assert "URL:http://127.0.0.1:5000/planning/?category=bench" in text


def test_a_pool_follows_what_is_put_into_it(fablab, phone):
    fablab.book("laser", TUESDAY, "bruno")
    spares = make_pool(fablab, "bench")
    mine = address(fablab, "bruno", spares)
    known = {"If-None-Match": phone.get(mine).headers["ETag"]}
    assert phone.get(mine, headers=known).status_code == 304

    change(Machine, pool_id=spares.pool_id)

    assert phone.get(mine, headers=known).status_code == 200
    assert summaries(phone, mine) == ["Bruno Lefil: Laser cutter (L1)"]
    change(Machine, pool_id=None)
    assert summaries(phone, mine) == []


def test_an_organization_reads_its_own_bookings_with_the_names_of_its_own(fablab, phone):
    change(Place, names_shown=NamesShown.NOBODY)
    make_manager(fablab, "bruno")
    fablab.book("laser", TUESDAY, "bruno", purpose="A lamp", organization_id=fablab.organization_id)
    fablab.book("bench", TUESDAY, "bruno")
    fablab.book("laser", WEDNESDAY, "amina")

    studio = address(fablab, "bruno", organization(fablab))

    assert summaries(phone, studio) == ["Bruno Lefil: Laser cutter (L1)"]
    assert "lamp" not in phone.get(studio).text


def test_an_outage_appears_as_what_it_is(fablab, phone):
    machines.withdraw(fablab.machine("laser").id, TUESDAY, "New lens", by=None, now=clock.now())

    for about in (PLACE, DAY, category(fablab, "laser"), make_pool(fablab, "laser")):
        (event,) = read(phone, address(fablab, "amina", about))

        assert event["SUMMARY"] == "Out of service: Laser cutter (L1)"
        assert event["DESCRIPTION"] == "New lens"
        assert event["STATUS"] == "CONFIRMED"


def test_a_training_session_appears_as_what_it_is(fablab, phone):
    plan_session(fablab, TUESDAY)

    for about in (PLACE, DAY, category(fablab, "laser"), make_pool(fablab, "laser")):
        (event,) = read(phone, address(fablab, "amina", about))

        assert event["SUMMARY"] == "Training: Laser cutting, Laser cutter (L1)"
        assert event["STATUS"] == "CONFIRMED"
        assert "URL" not in event


def test_a_training_session_only_keeps_the_machine_busy_for_anyone(fablab, phone):
    plan_session(fablab, TUESDAY)

    text = phone.get("/machines/laser/calendar.ics").text

    (event,) = read(phone, "/machines/laser/calendar.ics")
    assert event["SUMMARY"] == "Busy"
    assert "Laser cutting" not in text


# -- the machine, for anyone


def test_a_machine_is_busy_and_nothing_else_is_said(fablab, phone):
    uid = fablab.book(
        "laser", TUESDAY, "bruno", purpose="A lamp", organization_id=fablab.organization_id
    )
    machines.withdraw(fablab.machine("laser").id, WEDNESDAY, "New lens", by=None, now=clock.now())
    fablab.book("bench", TUESDAY, "chloe")
    secret = address(fablab, "chloe", machine(fablab, "laser"))

    for each in ("/machines/laser/calendar.ics", secret):
        text = phone.get(each).text
        events = read(phone, each)

        assert [str(event["SUMMARY"]) for event in events] == ["Busy", "Busy"]
        assert [event.start for event in events] == [TUESDAY.start, WEDNESDAY.start]
        assert events[0]["UID"] == uid
        assert set(events[0]) == {
            "UID", "DTSTAMP", "LAST-MODIFIED", "CREATED", "SEQUENCE", "DTSTART", "DTEND",
            "SUMMARY", "STATUS", "TRANSP",
        }  # fmt: skip
        for word in ("Bruno", "Lefil", "lamp", "Studio", "lens", "Workbench"):
            assert word not in text


def test_a_place_may_keep_its_machines_calendars_to_itself(fablab, phone):
    secret = address(fablab, "chloe", machine(fablab, "laser"))

    change(Place, has_public_feeds=False)

    assert phone.get("/machines/laser/calendar.ics").status_code == 404
    assert phone.get("/machines/laser/calendar.svg").status_code == 404
    assert phone.get(secret).status_code == 200


def test_a_retired_machine_has_no_calendar(fablab, phone):
    set_columns(Machine, fablab.machine("laser").id, state=MachineState.RETIRED)

    assert phone.get("/machines/laser/calendar.ics").status_code == 404
    assert phone.get("/machines/bench/calendar.ics").status_code == 200


@pytest.mark.parametrize("slug", ["nothing", "laser%00", "%F0%9F%98%80", "x" * 10_000, "LASER"])
def test_a_machine_that_does_not_exist_has_none_either(fablab, phone, slug):
    assert phone.get(f"/machines/{slug}/calendar.ics").status_code == 404


# -- the team's day


def test_the_day_names_people_organizations_purposes_and_agreed_telephones(fablab, phone):
    set_columns(Member, fablab.people["bruno"], shares_phone=True)
    fablab.book("laser", TUESDAY, "bruno", purpose="A lamp", organization_id=fablab.organization_id)
    fablab.book("bench", TUESDAY, "chloe", purpose="A stool")

    found = {
        str(event["SUMMARY"]): str(event["DESCRIPTION"])
        for event in read(phone, address(fablab, "amina", DAY))
    }

    assert found == {
        "Bruno Lefil: Laser cutter (L1)": (
            "On behalf of Studio Fil\nPurpose: A lamp\nPhone: +33 5 00 00 00 00"
        ),
        "Chloé Navette: Workbench (B1)": "Purpose: A stool",
    }


def test_today_stays_whole_while_it_passes(fablab, phone, at):
    open_every_day(fablab)
    fablab.book("bench", slot("2027-03-29 10:00-11:00"), "chloe")
    today = address(fablab, "amina", DAY)

    at("2027-03-29 23:59")

    assert summaries(phone, today) == ["Chloé Navette: Workbench (B1)"]
    at("2027-03-30 00:00")
    assert summaries(phone, today) == []


def test_the_day_looks_seven_days_ahead_and_not_eight(fablab, phone):
    open_every_day(fablab)
    for day in range(7, 10):
        first = date(2027, 3, 29) + timedelta(days=day)
        fablab.book("bench", slot(f"{first} 10:00-11:00"), "chloe")

    starts = [event.start for event in read(phone, address(fablab, "amina", DAY))]

    assert starts == [instant("2027-04-05 10:00")]


def test_what_began_yesterday_and_runs_into_today_is_of_today(fablab, phone, at):
    occupy(fablab, "bench", "chloe", slot("2027-03-28 22:00-02:00"))
    occupy(fablab, "laser", "bruno", slot("2027-03-28 22:00-00:00"))

    assert summaries(phone, address(fablab, "amina", DAY)) == ["Chloé Navette: Workbench (B1)"]


def test_cleaning_up_after_midnight_brings_no_booking_into_the_day(fablab, phone):
    occupy(fablab, "laser", "bruno", slot("2027-03-28 22:00-00:00"))
    with writing() as session:
        session.execute(update(Occupancy).values(occupied_until=instant("2027-03-29 00:30")))

    assert summaries(phone, address(fablab, "amina", DAY)) == []


def test_the_day_is_another_version_from_midnight_on(fablab, phone, at):
    today = address(fablab, "amina", DAY)
    at("2027-03-29 23:59")
    before = phone.get(today)
    at("2027-03-30 00:00")

    by_tag = phone.get(today, headers={"If-None-Match": before.headers["ETag"]})
    by_date = phone.get(today, headers={"If-Modified-Since": before.headers["Last-Modified"]})

    assert (by_tag.status_code, by_date.status_code) == (200, 200)


# -- the days off


def test_closures_and_holidays_are_all_day_events_of_place_and_day(fablab, phone):
    close(fablab, "2027-04-01", "2027-04-02", "Stock-taking")

    for about in (PLACE, DAY):
        events = everything(phone, address(fablab, "amina", about))
        off = {str(e["SUMMARY"]): (e.start, e.end) for e in reversed(events)}

        assert off["Closed: Stock-taking"] == (date(2027, 4, 1), date(2027, 4, 3))
        assert off["Closed: Easter Monday"] == (date(2027, 3, 29), date(2027, 3, 30))
        assert {str(event["TRANSP"]) for event in events} == {"TRANSPARENT"}
        assert ("Closed: Christmas Day" in off) == (about == PLACE)
    assert everything(phone, address(fablab, "amina", category(fablab, "bench"))) == []
    assert everything(phone, address(fablab, "amina")) == []


def test_a_yearly_closure_over_new_year_is_there_each_winter(fablab, phone):
    close(fablab, "2026-12-24", "2027-01-02", "Winter", is_yearly=True)

    found = [
        event
        for event in everything(phone, address(fablab, "chloe", PLACE))
        if event["SUMMARY"] == "Closed: Winter"
    ]

    assert [(event.start, event.end) for event in found] == [
        (date(2027, 12, 24), date(2028, 1, 3)),
        (date(2028, 12, 24), date(2029, 1, 3)),
        (date(2029, 12, 24), date(2030, 1, 3)),
    ]
    assert len({str(event["UID"]) for event in found}) == 3


def test_a_holiday_within_a_closure_is_not_told_twice(fablab, phone):
    close(fablab, "2027-12-20", "2027-12-31", "Winter")

    off = [str(e["SUMMARY"]) for e in everything(phone, address(fablab, "chloe", PLACE))]

    assert off.count("Closed: Winter") == 1
    assert off.count("Closed: Christmas Day") == 2  # of 2028 and 2029


def test_a_closure_of_a_far_year_is_shown(fablab, phone):
    close(fablab, "2041-05-01", "2041-05-02", "The great move")

    off = [str(e["SUMMARY"]) for e in everything(phone, address(fablab, "chloe", PLACE))]

    assert "Closed: The great move" in off


def test_a_closure_that_changes_says_so_and_keeps_its_uid(fablab, phone, at):
    close(fablab, "2027-06-01", "2027-06-02", "Stock-taking")
    place = address(fablab, "chloe", PLACE)

    def shown():
        (event,) = [e for e in everything(phone, place) if "Stock" in e["SUMMARY"]]
        return event

    before = shown()
    at("2027-03-29 11:00")
    change(Closure, last_day=date(2027, 6, 3))

    after = shown()
    assert after["UID"] == before["UID"]
    assert after["SEQUENCE"] == before["SEQUENCE"] + 1
    assert after["LAST-MODIFIED"].dt == clock.now()
    assert after.end == date(2027, 6, 4)


# -- the window


def test_a_calendar_goes_thirty_days_back(fablab, phone):
    occupy(fablab, "bench", "chloe", slot("2027-02-27 10:00-11:00"))
    occupy(fablab, "bench", "chloe", slot("2027-02-26 10:00-11:00"))

    for each in (address(fablab, "chloe"), address(fablab, "chloe", PLACE)):
        assert [event.start for event in read(phone, each)] == [instant("2027-02-27 10:00")]


def test_a_calendar_has_no_end(fablab, phone):
    first = datetime(2028, 1, 1, tzinfo=UTC)
    hours = [Slot.lasting(first + timedelta(hours=n), timedelta(hours=1)) for n in range(1_203)]
    occupy(fablab, "bench", "chloe", *hours, slot("2099-12-31 10:00-11:00"))

    for each in (address(fablab, "chloe"), address(fablab, "bruno", PLACE)):
        events = read(phone, each)

        assert len({str(event["UID"]) for event in events}) == 1_204
        assert events[-1].start.year == 2099
        assert [e.start for e in events] == sorted(e.start for e in events)


# -- the language


def test_a_calendar_speaks_the_language_of_its_holder_or_of_the_place(fablab, phone):
    fablab.book("laser", TUESDAY, "bruno")
    set_columns(Member, fablab.people["chloe"], language="fr")
    change(Place, names_shown=NamesShown.NOBODY)
    french, english = phrases("fr"), phrases("en")
    assert french != english

    assert summaries(phone, address(fablab, "chloe", PLACE)) == [
        french.held % {"who": french.booked, "machine": "Laser cutter (L1)"}
    ]
    assert summaries(phone, address(fablab, "bruno", PLACE)) == [
        english.held % {"who": english.booked, "machine": "Laser cutter (L1)"}
    ]
    change(Place, language="fr")
    assert summaries(phone, "/machines/laser/calendar.ics") == [french.busy]


def test_who_chooses_another_language_reads_the_calendar_anew(fablab, phone):
    place = address(fablab, "chloe", PLACE)
    known = {"If-None-Match": phone.get(place).headers["ETag"]}
    assert phone.get(place, headers=known).status_code == 304

    set_columns(Member, fablab.people["chloe"], language="fr")

    assert phone.get(place, headers=known).status_code == 200


# -- what is renamed


def test_what_people_machines_and_places_are_called_now_is_what_is_read(fablab, phone):
    fablab.book("laser", TUESDAY, "bruno")
    addresses = [address(fablab, "chloe", PLACE), address(fablab, "amina", DAY)]
    mine = address(fablab, "bruno")
    for each in (*addresses, mine):
        phone.get(each)

    with writing() as session:
        session.execute(
            update(Member).where(Member.first_name == "Bruno").values(first_name="Bruna")
        )
        names_changed(session, fablab.people["bruno"])
    assert [summaries(phone, each) for each in addresses] == [
        ["Bruna Lefil: Laser cutter (L1)"]
    ] * 2

    change(Machine, name="Cutter")
    assert [summaries(phone, each) for each in addresses] == [["Bruna Lefil: Cutter (L1)"]] * 2
    assert summaries(phone, mine) == ["Cutter (L1)"]


def test_bookings_in_another_place_are_in_ones_own_calendar_on_its_clock(fablab, phone):
    uid = book_elsewhere(fablab, "chloe", TUESDAY)

    events = read(phone, address(fablab, "chloe"))

    assert [str(event["UID"]) for event in events] == [uid]
    assert events[0]["DTSTART"].params["TZID"] == "America/New_York"
    assert "The Loft" in events[0]["LOCATION"]
    assert summaries(phone, address(fablab, "bruno", PLACE)) == []


# -- one booking as a file


def test_a_booking_is_a_file_for_whoever_may_see_it(fablab, browse):
    uid = fablab.book("laser", TUESDAY, "bruno", purpose="A lamp")

    own = browse("bruno").get(f"/bookings/{uid}.ics")
    team = browse("amina").get(f"/bookings/{uid}.ics")

    assert own.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert own.headers["Content-Disposition"] == 'inline; filename="booking.ics"'
    (event,) = Calendar.from_ical(own.data).events
    assert (event["UID"], event["SUMMARY"]) == (uid, "Laser cutter (L1)")
    (event,) = Calendar.from_ical(team.data).events
    assert event["SUMMARY"] == "Bruno Lefil: Laser cutter (L1)"
    assert browse("chloe").get(f"/bookings/{uid}.ics").status_code == 404
    assert browse("bruno").get(f"/bookings/{uuid4()}.ics").status_code == 404
    assert browse(None).get(f"/bookings/{uid}.ics").location.startswith("/login")


def test_who_booked_for_somebody_else_reads_no_telephone_in_the_file(fablab, browse):
    set_columns(Member, fablab.people["bruno"], shares_phone=True)
    order = fablab.order("laser", TUESDAY, "bruno", purpose="A lamp")
    uid = bookings.book(order, by=fablab.people["chloe"], now=clock.now())

    text = browse("chloe").get(f"/bookings/{uid}.ics").text

    assert "SUMMARY:Laser cutter (L1)" in text
    assert "+33" not in text
    assert "+33" in browse("amina").get(f"/bookings/{uid}.ics").text


def test_a_cancelled_booking_is_a_file_that_says_so(fablab, browse):
    uid = fablab.book("bench", TUESDAY, "chloe")
    bookings.cancel(uid, by=fablab.people["chloe"], is_team=False, now=clock.now())

    (event,) = Calendar.from_ical(browse("chloe").get(f"/bookings/{uid}.ics").data).events

    assert (event["STATUS"], event["SEQUENCE"]) == ("CANCELLED", 1)
