"""Saying that one is here, and that one has finished, from the pages that show a booking."""

import re

import pytest
from sqlalchemy import delete

from fablab.db import writing
from fablab.machines.kinds import Status
from fablab.machines.models import Change, Occupancy
from fablab.presence import views
from tests.booking.conftest import words
from tests.presence.support import arrive, booked, leave, record, row, say
from tests.support import instant, send, submit


@pytest.mark.parametrize("page", ["/bookings/{uid}", "/bookings/", "/machines/bench"])
def test_one_button_says_that_one_is_here_and_leads_back(fablab, browse, at, page):
    uid = booked(fablab)
    at("2027-03-30 13:50")
    client, page = browse("bruno"), page.format(uid=uid)

    answer = submit(client, page, f"/bookings/{uid}/arrival")

    assert (answer.status_code, answer.location) == (303, page)
    assert row(uid).arrived_at == instant("2027-03-30 13:50")
    assert "Your arrival is noted" in client.get(page).text


@pytest.mark.parametrize("page", ["/bookings/{uid}", "/bookings/", "/machines/bench"])
def test_there_is_no_button_before_its_time_nor_for_others(fablab, browse, at, page):
    uid = booked(fablab)
    at("2027-03-30 13:40")
    assert "/arrival" not in browse("bruno").get(page.format(uid=uid)).text

    at("2027-03-30 13:50")
    assert "/arrival" not in browse("chloe").get("/machines/bench").text
    assert "/arrival" not in browse(None).get("/machines/bench").text


def test_a_booking_that_went_a_moment_ago_is_there_no_longer(fablab, browse, at, monkeypatch):
    uid = booked(fablab)
    at("2027-03-30 13:50")
    find = views.find_visible

    def found_just_before_it_went(uid, member):
        found = find(uid, member)
        with writing() as session:
            session.execute(delete(Change))
            session.execute(delete(Occupancy).where(Occupancy.uid == uid))
        return found

    monkeypatch.setattr(views, "find_visible", found_just_before_it_went)

    answer = submit(browse("bruno"), f"/bookings/{uid}", f"/bookings/{uid}/arrival")
    assert answer.status_code == 404


def test_whoever_has_finished_frees_the_machine(fablab, browse, at):
    uid = booked(fablab)
    at("2027-03-30 14:00")
    arrive(fablab, uid)
    at("2027-03-30 14:40")
    client = browse("bruno")

    answer = submit(client, "/machines/bench", f"/bookings/{uid}/departure", back="machine")

    assert answer.location == "/machines/bench"
    assert row(uid).ends_at == instant("2027-03-30 14:40")
    shown = words(client.get(f"/bookings/{uid}").text)
    assert "Ended early by Bruno; it was until 16:00" in shown
    assert "It was ended at 14:40" in shown


def test_calendars_see_an_early_end_and_no_arrival(fablab, browse, at):
    uid, client = booked(fablab), browse("bruno")
    at("2027-03-30 14:00")
    before = client.get(f"/bookings/{uid}.ics")
    arrive(fablab, uid)
    arrived = client.get(f"/bookings/{uid}.ics")
    at("2027-03-30 14:40")

    leave(fablab, uid)

    ended = client.get(f"/bookings/{uid}.ics").text
    assert (arrived.text, arrived.headers["ETag"]) == (before.text, before.headers["ETag"])
    assert "20270330T160000" in before.text
    assert "20270330T144000" in ended
    assert "20270330T160000" not in ended
    assert "SEQUENCE:1" in ended


def test_a_refusal_is_a_sentence(fablab, browse, at):
    uid = booked(fablab)
    at("2027-03-30 13:50")
    client = browse("bruno")
    token = re.search(r'csrf_token" value="([^"]+)', client.get(f"/bookings/{uid}").text)[1]
    at("2027-03-30 13:30")

    answer = client.post(f"/bookings/{uid}/arrival", data={"csrf_token": token})

    assert "It is too early: say that you are here from" in client.get(answer.location).text
    assert row(uid).arrived_at is None


def test_the_team_says_that_nobody_came_and_takes_it_back(fablab, browse, at):
    uid = booked(fablab)
    at("2027-03-30 14:20")
    team = browse("amina")
    submit(team, f"/manage/bookings/{uid}/absence", f"/manage/bookings/{uid}/absence")
    assert row(uid).status == Status.MISSED

    at("2027-03-30 14:24")
    answer = submit(team, f"/bookings/{uid}", f"/bookings/{uid}/undoing")

    assert answer.location == f"/bookings/{uid}"
    assert row(uid).status == Status.CONFIRMED
    assert "Undone by Amina" in team.get(f"/bookings/{uid}").text
    assert "/undoing" not in browse("bruno").get(f"/bookings/{uid}").text


def test_only_the_team_undoes(fablab, browse, at, app):
    app.config["WTF_CSRF_ENABLED"] = False
    uid = booked(fablab)
    at("2027-03-30 14:00")
    arrive(fablab, uid)
    at("2027-03-30 14:30")
    leave(fablab, uid)

    assert browse("bruno").post(f"/bookings/{uid}/undoing").status_code == 403
    assert browse("chloe").post(f"/bookings/{uid}/departure").status_code == 404
    assert record(uid)[-1][0] == "ended_early"


def test_the_rule_is_a_sentence_on_the_machines_page(fablab, browse):
    say(fablab)

    shown = words(browse("bruno").get("/machines/bench").text)

    assert "Free for the others when nobody has arrived after 30 min" in shown


def test_one_knows_beforehand_until_when_one_is_waited_for(fablab, browse, at):
    until = "Say that you are here from 13:45 on; at 14:30 the machine is otherwise free"
    client, uid = browse("bruno"), booked(fablab)
    assert "Say that you are here" not in client.get(f"/bookings/{uid}").text

    say(fablab)

    assert until in words(client.get(f"/bookings/{uid}").text)
    assert until not in words(browse("amina").get(f"/bookings/{uid}").text)
    at("2027-03-30 13:50")
    arrive(fablab, uid)
    assert until not in words(client.get(f"/bookings/{uid}").text)


def test_the_form_says_it_too_unless_the_slot_ends_before(fablab, browse):
    say(fablab)
    form = "/bookings/new?machine=bench&day=2027-03-30&start=14:00&end={}"
    client = browse("bruno")

    assert "Say that you are here from 13:45 on; at 14:30" in client.get(form.format("15:00")).text
    assert "Say that you are here from" not in client.get(form.format("14:30")).text


def test_whoever_arrives_early_still_reads_so_on_the_machines_page(fablab, browse, at):
    uid = booked(fablab)
    at("2027-03-30 13:50")
    arrive(fablab, uid)

    shown = browse("bruno").get("/machines/bench").text

    assert "Your booking, 14:00–16:00" in shown
    assert "Arrival noted at 13:50." in shown
    assert f'href="/bookings/{uid}"' in shown
    assert "Arrival noted" not in browse("chloe").get("/machines/bench").text


def test_whoever_has_finished_has_in_the_rest_of_the_minute_too(fablab, browse, at):
    uid = booked(fablab)
    at("2027-03-30 14:00")
    arrive(fablab, uid)
    at("2027-03-30 14:40:20")
    leave(fablab, uid)
    client = browse("bruno")

    booking, machine = client.get(f"/bookings/{uid}").text, client.get("/machines/bench").text

    assert "This booking is over" in booking
    assert f"/bookings/{uid}/move" not in booking
    assert "Yours until" not in machine


def test_whoever_is_here_before_the_start_ends_it_instead_of_cancelling(fablab, browse, at):
    uid = booked(fablab)
    at("2027-03-30 13:50")
    client, page = browse("bruno"), f"/bookings/{uid}"
    asked = client.get(f"{page}/cancellation").text

    submit(client, page, f"{page}/arrival")

    shown = client.get(page).text
    assert f"{page}/cancellation" not in shown
    assert f"{page}/departure" in shown
    assert client.get(f"{page}/cancellation").location == page
    send(client, asked, f"{page}/cancellation")
    assert row(uid).status == Status.CONFIRMED
    assert f"{page}/cancellation" in browse("amina").get(page).text

    at("2027-03-30 13:55")
    submit(client, page, f"{page}/departure")
    assert "This booking is over" in client.get(page).text
    assert row(uid).ends_at == instant("2027-03-30 14:01")
