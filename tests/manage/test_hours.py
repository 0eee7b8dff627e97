"""The pages of opening hours and closures: read, filled in, and whom they concern."""

import re

from fablab.db import db
from fablab.machines.inventory import of_place
from fablab.machines.kinds import Status
from fablab.machines.models import Occupancy
from fablab.settings import closures, openings
from tests.agendas.support import days, imported
from tests.booking.conftest import words
from tests.support import send, slot, submit

WEEK = "/manage/openings"
OFF = "/manage/closures"
SUNDAY = {"weekdays": ["7"], "opens_at": "14:00", "closes_at": "18:00", "mode": "resident"}
A_DAY = {"first_day": "2027-03-30", "reason": "Stocktaking"}


def first_opening(cast):
    return openings.openings(cast.place_id)[0]  # of a Tuesday


def ticks(html):
    """What the page that shows the bookings concerned sends along."""
    return {
        "seen_bookings": re.search(r'name="seen_bookings" value="(\w+)"', html)[1],
        "bookings": re.findall(r'name="bookings" value="([^"]+)"', html),
    }


def status(uid):
    return db.session.scalar(db.select(Occupancy.status).where(Occupancy.uid == uid))


def test_the_week_is_drawn_and_said(amina):
    page = amina.get(WEEK).text

    assert 'aria-label="Tuesday: 10:00–18:00 with the team"' in page
    assert 'aria-label="Sunday: closed"' in page
    assert page.count("strip__part--supervised") >= 5
    assert re.search(r'<a href="/manage/openings/\d+">10:00–18:00', page)


def test_the_week_speaks_french(amina):
    amina.set_cookie("language", "fr")

    assert 'aria-label="Mardi\xa0: 10:00–18:00 avec l’équipe"' in amina.get(WEEK).text


def test_an_opening_is_added_and_one_in_the_way_is_named(cast, amina):
    assert submit(amina, WEEK, WEEK, **SUNDAY).status_code == 303
    again = submit(amina, WEEK, WEEK, **SUNDAY)

    assert again.status_code == 422
    assert "It is open then already: Sunday 14:00–18:00 by badge." in again.text
    assert "Sunday: 14:00–18:00 by badge" in amina.get(WEEK).text


def test_hours_that_are_none_are_told_at_their_field(amina):
    answer = submit(amina, WEEK, WEEK, opens_at="25:00", closes_at="", mode="supervised")

    assert answer.status_code == 422
    assert 'value="25:00"' in answer.text
    assert "Choose at least one day." in answer.text
    assert 'id="closes_at-error"' in answer.text


def test_an_opening_over_midnight_of_some_weeks_is_drawn_on_both_days(amina):
    submit(amina, WEEK, WEEK, **SUNDAY | {"closes_at": "02:00", "mode": "night", "weeks": ["1"]})

    page = amina.get(WEEK).text
    assert page.count("strip__part--night strip__part--some") == 2
    assert "Sunday: 14:00–2:00 the next day at night (first Sunday)" in page


def test_shorter_hours_show_whom_they_concern_then_cancel_what_is_ticked(cast, amina):
    gone = cast.book("bench", slot("2027-03-30 10:00-11:00"), "bruno")
    stays = cast.book("bench", slot("2027-04-06 10:00-11:00"), "chloe")
    address = f"{WEEK}/{first_opening(cast).id}"
    asked = {"weekdays": "2", "opens_at": "12:00", "closes_at": "18:00", "mode": "supervised"}

    shown = submit(amina, address, address, **asked)
    assert shown.status_code == 409
    assert "Bruno Lefil" in shown.text
    assert set(ticks(shown.text)["bookings"]) == {gone, stays}

    done = submit(amina, address, address, **asked | ticks(shown.text) | {"bookings": [gone]})
    assert done.status_code == 303
    assert (status(gone), status(stays)) == (Status.CANCELLED, Status.CONFIRMED)


def test_all_of_them_are_cancelled_by_one_tick(cast, amina):
    uids = [cast.book("bench", slot(f"2027-{d} 10:00-11:00"), "bruno") for d in ("03-30", "04-06")]
    address = f"{WEEK}/{first_opening(cast).id}"

    shown = submit(amina, address, f"{address}/removal")
    sent = ticks(shown.text) | {"bookings": [], "cancel_all": "y", "why": "No more Tuesdays"}
    submit(amina, address, f"{address}/removal", **sent)

    assert [status(uid) for uid in uids] == [Status.CANCELLED] * 2
    assert "No more Tuesdays" in amina.get(f"/bookings/{uids[0]}").text


def test_an_opening_is_removed(cast, amina):
    cast.book("bench", slot("2027-03-30 10:00-11:00"), "bruno")
    address = f"{WEEK}/{first_opening(cast).id}"

    shown = submit(amina, address, f"{address}/removal")
    sent = ticks(shown.text) | {"bookings": []}
    done = submit(amina, address, f"{address}/removal", **sent)

    assert (shown.status_code, done.status_code) == (409, 303)
    assert amina.get(address).status_code == 404


def test_a_week_without_hours_says_what_to_do(cast, amina):
    for each in openings.openings(cast.place_id):
        submit(amina, WEEK, f"{WEEK}/{each.id}/removal")

    assert 'href="#new-title"' in amina.get(WEEK).text


def test_a_closure_is_made_changed_and_taken_back(cast, amina):
    assert submit(amina, OFF, OFF, **A_DAY).status_code == 303
    (found,) = closures.closures(cast.place_id)
    address = f"{OFF}/{found.uid}"
    assert "Stocktaking" in amina.get(OFF).text

    longer = A_DAY | {"last_day": "2027-03-31", "repeats_yearly": "y"}
    assert submit(amina, address, address, **longer).status_code == 303
    assert "every year" in amina.get(OFF).text
    assert submit(amina, address, f"{address}/removal").status_code == 303
    assert not closures.closures(cast.place_id)
    assert amina.get(address).status_code == 404


def test_days_that_are_none_are_told_at_their_field(amina):
    backwards = submit(amina, OFF, OFF, **A_DAY | {"last_day": "2027-03-01", "reason": ""})

    assert backwards.status_code == 422
    assert "It ends before it begins." in backwards.text
    assert "Say why: members read it." in backwards.text
    submit(amina, OFF, OFF, **A_DAY)
    assert "There is a closure of these days already." in submit(amina, OFF, OFF, **A_DAY).text


def test_a_closure_shows_whom_it_concerns_and_why_they_are_told(cast, amina):
    uid = cast.book("bench", slot("2027-03-30 10:00-11:00"), "bruno")

    shown = submit(amina, OFF, OFF, **A_DAY)
    done = submit(amina, OFF, OFF, **A_DAY | ticks(shown.text))

    assert (shown.status_code, done.status_code) == (409, 303)
    assert status(uid) == Status.CANCELLED
    assert "Stocktaking" in amina.get(f"/bookings/{uid}").text


def test_a_closure_says_which_calendar_it_came_from(app, cast, amina):
    agenda = imported(app, cast, days("20270512"))

    assert f'href="/manage/agendas/{agenda}"' in amina.get(OFF).text


def test_public_holidays_are_shown_and_chosen(cast, amina):
    page = amina.get("/manage/holidays").text
    assert "Fête du Travail" in page or "Fête" in page

    sent = {"holidays_country": "FR", "holidays_subdivision": "6AE"}
    assert submit(amina, "/manage/holidays", "/manage/holidays", **sent).status_code == 303
    assert of_place(place_id=cast.place_id).schedule.holidays_subdivision == "6AE"

    other = sent | {"holidays_country": "DE"}
    submit(amina, "/manage/holidays", "/manage/holidays", **other)
    schedule = of_place(place_id=cast.place_id).schedule
    assert (schedule.holidays_country, schedule.holidays_subdivision) == ("DE", "")
    unknown = sent | {"holidays_country": "XX"}
    assert submit(amina, "/manage/holidays", "/manage/holidays", **unknown).status_code == 422


# Two at once


def test_of_two_who_change_an_opening_the_second_sees_both_and_loses_nothing(cast, amina, odile):
    address = f"{WEEK}/{first_opening(cast).id}"
    read = odile.get(address).text
    hours = {"weekdays": "2", "closes_at": "18:00", "mode": "supervised"}
    submit(amina, address, address, opens_at="08:00", **hours)

    second = send(odile, read, address, opens_at="09:00", **hours)

    assert second.status_code == 409
    assert "From 8:00 9:00" in words(second.text).replace("08", "8").replace("09", "9")
    assert f"{first_opening(cast).opens_at:%H:%M}" == "08:00"
    assert send(odile, second.text, address, opens_at="09:00", **hours).status_code == 303
    assert f"{first_opening(cast).opens_at:%H:%M}" == "09:00"


def test_others_hours_are_told_before_one_is_asked_about_the_bookings_outside(cast, amina, odile):
    address = f"{WEEK}/{first_opening(cast).id}"
    cast.book("bench", slot("2027-03-30 10:00-11:00"), "chloe")
    read = odile.get(address).text
    hours = {"weekdays": "2", "closes_at": "18:00", "mode": "supervised"}
    submit(amina, address, address, opens_at="09:00", **hours)

    second = send(odile, read, address, opens_at="12:00", **hours)
    third = send(odile, second.text, address, opens_at="12:00", **hours)

    assert "Others have changed this meanwhile" in second.text
    assert 'name="seen_bookings"' not in second.text
    assert len(ticks(third.text)["bookings"]) == 1
    assert send(odile, third.text, address, opens_at="12:00", **hours).status_code == 303
    assert f"{first_opening(cast).opens_at:%H:%M}" == "12:00"


def test_of_two_who_change_a_closure_the_second_sees_both_and_loses_nothing(cast, amina, odile):
    submit(amina, OFF, OFF, **A_DAY)
    address = re.search(r"/manage/closures/[0-9a-f-]{36}", amina.get(OFF).text)[0]
    read = odile.get(address).text
    submit(amina, address, address, first_day="2027-03-30", reason="Stocktaking, first floor")
    typed = {"first_day": "2027-03-31", "reason": "Stocktaking"}

    second = send(odile, read, address, **typed)

    assert second.status_code == 409
    said = words(second.text)
    assert "First day 2027-03-30 2027-03-31" in said
    assert "Reason Stocktaking, first floor Stocktaking" in said
    assert closures.closures(cast.place_id)[0].reason == "Stocktaking, first floor"
    assert send(odile, second.text, address, **typed).status_code == 303
    assert closures.closures(cast.place_id)[0].reason == "Stocktaking"


def test_of_two_who_choose_the_holidays_the_second_sees_both_and_loses_nothing(cast, amina, odile):
    address = "/manage/holidays"
    read = odile.get(address).text
    submit(amina, address, address, holidays_country="BE", holidays_subdivision="")

    second = send(odile, read, address, holidays_country="DE", holidays_subdivision="")

    assert second.status_code == 409
    assert "Country Belgium Germany" in words(second.text)
    assert closures.whose_holidays(cast.place_id)["holidays_country"] == "BE"
    again = send(odile, second.text, address, holidays_country="DE", holidays_subdivision="")
    assert again.status_code == 303
    assert closures.whose_holidays(cast.place_id)["holidays_country"] == "DE"
