"""A manager imports a calendar: sent, shown, applied, undone; and all that may go wrong."""

import re
from datetime import date
from uuid import uuid4

import pytest
from icalendar import Calendar
from sqlalchemy import select

from fablab import clock
from fablab.agendas import queries
from fablab.calendars import commands as calendars
from fablab.calendars.kinds import About, Scope
from fablab.db import db
from fablab.machines.models import Occupancy
from fablab.places.models import Closure
from tests.agendas.support import (
    LIST,
    apply,
    apply_what_is_shown,
    calendar,
    days,
    draft_of,
    event,
    fields,
    hours,
    look,
    send,
    token,
)
from tests.conftest import browser
from tests.support import counting, slot

CLOSED = days("20270505", "20270508", uid="closed", title="Spring holidays")
HIRED = hours("20270330T130000", "20270330T170000", uid="hired", title="Private hire")
AFTERNOON = slot("2027-03-30 14:00-16:00")


def undo(client, address):
    sent = {"csrf_token": token(client.get(address).text)}
    return client.post(f"{address}/undoing", data=sent, follow_redirects=True)


def closures():
    return db.session.scalars(select(Closure.reason).order_by(Closure.first_day)).all()


def outages():
    rows = select(Occupancy.title).where(Occupancy.kind == "outage", Occupancy.standing)
    return db.session.scalars(rows).all()


def read_feed(client, address):
    return [str(each["SUMMARY"]) for each in Calendar.from_ical(client.get(address).data).events]


def address_of(fablab, scope, **more):
    token_ = calendars.make_address(
        About(scope, **more),
        member_id=fablab.people["amina"],
        place_id=fablab.place_id,
        key=calendars.new_key(),
        now=clock.now(),
    )
    return f"/calendars/{token_}/calendar.ics"


@pytest.mark.parametrize("page", ["/manage/day", "/manage/machines"])
def test_the_teams_pages_lead_there(amina, page):
    assert f'href="{LIST}"' in amina.get(page).text


def test_it_is_shown_before_anything_is_written(cast, amina):
    cast.book("bench", AFTERNOON, "chloe")

    shown = amina.get(draft_of(amina, calendar(CLOSED, HIRED))).text

    for words in (
        "It closes the place 1 time. It withdraws machines 3 times.",
        "Wednesday 5 May – Friday 7 May",
        "Spring holidays",
        "Tuesday 30 March 13:00–17:00",
        "Takes 2 machines.",
        "Chloé Navette",
        "Cancel 1 booking, and tell whom it is for",
    ):
        assert words in shown, words
    assert closures() == outages() == []


def test_applied_it_is_in_place_and_on_the_list(cast, amina):
    answer = apply(amina, draft_of(amina, calendar(CLOSED, HIRED)))

    assert answer.status_code == 303
    shown = amina.get(answer.location).text
    assert "all of it is in place" in shown
    assert "Spring holidays" in shown
    assert closures() == ["Spring holidays"]
    assert outages() == ["Private hire"] * 2
    listed = amina.get(LIST).text
    assert f'href="{answer.location}"' in listed
    assert "29 Mar 2027 9:00, by Amina Rahal" in listed


def test_bookings_that_stayed_are_listed_afterwards(cast, amina):
    uid = cast.book("bench", AFTERNOON, "chloe")

    done = amina.get(apply(amina, draft_of(amina, calendar(HIRED))).location).text

    assert f'href="/bookings/{uid}"' in done
    assert "Bookings that stayed" in done


def test_bookings_are_cancelled_when_that_is_ticked(cast, amina, browse):
    uid = cast.book("bench", AFTERNOON, "chloe")

    answer = apply(amina, draft_of(amina, calendar(HIRED)), cancel="y")

    done = amina.get(answer.location).text
    assert "Bookings that were cancelled with it" in done
    assert "do not come back" in done
    assert "Cancelled" in browse("chloe").get(f"/bookings/{uid}").text


def test_undone_it_is_gone_and_the_page_says_so(cast, amina):
    done = apply(amina, draft_of(amina, calendar(CLOSED, HIRED))).location

    answer = undo(amina, done)

    assert "Undone: what this calendar closed or withdrew is open again." in answer.text
    assert closures() == outages() == []
    assert "/undoing" not in answer.text
    assert "29 Mar 2027 9:00, by Amina Rahal" in re.search(r"<dt>Undone.*?</dd>", answer.text)[0]


def test_undone_twice_says_that_it_was(cast, amina):
    done = apply(amina, draft_of(amina, calendar(CLOSED))).location
    again = {"csrf_token": token(amina.get(done).text)}
    undo(amina, done)

    answer = amina.post(f"{done}/undoing", data=again, follow_redirects=True)

    assert "undone already" in answer.text


def test_calendars_show_it_at_once_and_no_longer_once_it_is_undone(cast, amina, browse):
    place, machine = address_of(cast, Scope.PLACE), "/machines/bench/calendar.ics"
    reader = browse(None)
    before = {
        each: (reader.get(each).headers["ETag"], read_feed(reader, each))
        for each in (place, machine)
    }

    done = apply(amina, draft_of(amina, calendar(CLOSED, HIRED))).location
    assert any("Spring holidays" in each for each in read_feed(reader, place))
    assert any("Workbench" in each for each in read_feed(reader, place))
    assert len(read_feed(reader, machine)) == 1
    assert reader.get(place, headers={"If-None-Match": before[place][0]}).status_code == 200

    undo(amina, done)
    for each, (tag, events) in before.items():
        assert read_feed(reader, each) == events
        assert reader.get(each).headers["ETag"] != tag


def test_members_read_why_and_cannot_book_then(cast, amina, browse):
    apply(amina, draft_of(amina, calendar(days("20270331", title="Private hire"))))

    assert "Private hire" in browse("chloe").get("/planning/2027-03-31").text


# -- what is chosen


def test_single_events_may_be_left_out(cast, amina):
    draft = draft_of(amina, calendar(CLOSED, HIRED))

    apply(amina, draft, event="0")

    assert closures() == ["Spring holidays"]
    assert outages() == []


def test_another_choice_is_shown_first(cast, amina):
    draft = draft_of(amina, calendar(CLOSED, HIRED))

    answer = apply(amina, draft, which="some", machines="bench")
    assert answer.status_code == 409
    assert "this is not what was shown before" in answer.text
    assert outages() == []

    answer = amina.post(f"{draft}/application", data=fields(answer.text))
    assert answer.status_code == 303
    assert outages() == ["Private hire"]


@pytest.mark.parametrize(
    ("choice", "count"),
    [
        ({"which": "all"}, 2),
        ({"which": "none", "event": ["0", "1"]}, 0),
        ({"which": "some", "machines": "laser"}, 1),
        ({"which": "some", "machines": ["category:laser", "category:bench"]}, 2),
        ({"which": "all", "whole_days": "take"}, 4),
        ({"which": "all", "whole_days": "nothing"}, 2),
    ],
)
def test_the_machines_and_what_whole_days_do_are_chosen(cast, amina, choice, count):
    draft = draft_of(amina, calendar(CLOSED, HIRED))

    apply_what_is_shown(amina, draft, **choice)

    assert len(outages()) == count
    assert len(closures()) == (choice.get("whole_days", "close") == "close")


def test_some_machines_are_at_least_one(cast, amina):
    draft = draft_of(amina, calendar(CLOSED, HIRED))

    answer = look(amina, draft, which="some", event="1")

    assert answer.status_code == 422
    assert "Choose at least one machine." in answer.text
    sent = fields(answer.text)
    assert (sent["which"], sent["event"]) == ("some", ["1"])


@pytest.mark.parametrize(
    "broken",
    [
        {"whole_days": "burn"},
        {"which": ""},
        {"machines": "drill"},
        {"event": ["x", "-1", "99999999999", "٣"]},
        {"seen": "nothing"},
        {"seen_bookings": "", "cancel": "y"},
    ],
)
def test_a_form_that_was_tampered_with_does_nothing(cast, amina, broken):
    cast.book("bench", AFTERNOON, "chloe")
    draft = draft_of(amina, calendar(CLOSED, HIRED))

    answer = apply(amina, draft, **broken)

    assert answer.status_code in (409, 422)
    assert closures() == outages() == []


def test_what_is_free_or_uncertain_is_not_ticked_at_first(cast, amina):
    parts = (
        hours("20270330T130000", "20270330T140000", "TRANSP:TRANSPARENT", uid="a"),
        hours("20270331T130000", "20270331T140000", "STATUS:TENTATIVE", uid="b"),
        event("DTSTART:20270505", "TRANSP:TRANSPARENT", uid="c"),
    )
    shown = amina.get(draft_of(amina, calendar(*parts))).text

    assert fields(shown)["event"] == ["2"]
    assert "takes nobody’s time" in shown
    assert "not certain" in shown


def test_too_much_at_once_is_said_before_and_refused(cast, amina):
    daily = [
        hours(f"20270330T{at}0000", f"20270330T{at}3000", "RRULE:FREQ=DAILY;COUNT=500", uid=f"{at}")
        for at in (13, 14, 15)
    ]
    draft = draft_of(amina, calendar(*daily))

    shown, answer = amina.get(draft).text, apply(amina, draft)

    assert "withdrawn more than 2,000 times" in shown
    assert answer.status_code == 422
    assert outages() == []


# -- what the file says


def test_what_cannot_be_read_is_listed_and_the_rest_imported(cast, amina):
    odd = event("DTSTART;TZID=Nowhere:20270330T130000", "DURATION:PT1H", uid="odd", title="Odd")
    off = event("DTSTART:20270506", "STATUS:CANCELLED", uid="off", title="Called off")
    draft = draft_of(amina, calendar(CLOSED, odd, off))

    shown = amina.get(draft).text
    apply(amina, draft)

    assert "Line 13" in shown
    assert "Nobody knows the time zone that it names: Nowhere." in shown
    assert "Called off" in shown
    assert closures() == ["Spring holidays"]


def test_many_dates_are_told_by_the_first_and_the_last(cast, amina):
    weekly = hours("20270330T130000", "20270330T140000", "RRULE:FREQ=WEEKLY;COUNT=10")

    shown = amina.get(draft_of(amina, calendar(weekly))).text

    assert "Tuesday 4 May 13:00–14:00" in shown
    assert "and 4 more, until Tuesday 1 June" in shown


def test_what_is_there_already_is_said(cast, amina):
    apply(amina, draft_of(amina, calendar(CLOSED, HIRED)))

    draft = draft_of(amina, calendar(CLOSED, HIRED))
    shown = amina.get(draft).text

    assert "The place is closed then already: Spring holidays." in shown
    assert "Every machine chosen is taken then already." in shown
    assert "Imported before, on 29 Mar 2027 9:00." in shown
    answer = apply(amina, draft)
    assert answer.status_code == 422
    assert "this calendar changes nothing" in answer.text


def test_a_public_holiday_is_closed_already(cast, amina):
    shown = amina.get(draft_of(amina, calendar(days("20270501", title="Holiday")))).text

    assert "The place is closed then already: Fête du Travail." in shown


def test_a_name_is_text_and_nothing_else(cast, amina):
    evil = days("20270505", title="<script>alert(1)</script> %(day)s {{ 7 * 7 }}")
    draft = draft_of(amina, calendar(evil))

    for page in (amina.get(draft).text, amina.get(apply(amina, draft).location).text):
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt; %(day)s {{ 7 * 7 }}" in page


# -- what goes wrong


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The file is empty."),
        (b"PK\x03\x04\0\0", "unpack it"),
        (b"<!doctype html><title>Sign in</title>", "This is a web page"),
        (b"a;b;c", "This is no calendar file"),
        (b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", "There is no event in this calendar."),
        (b"BEGIN:VCALENDAR\r\n" + b"x" * 1024 * 1024, "larger than 1 MB"),
    ],
)
def test_a_file_that_is_none_is_refused_with_a_sentence(cast, amina, content, sentence):
    answer = send(amina, content)

    assert answer.status_code == 422
    assert sentence in answer.text.replace("’", "'")
    assert 'aria-invalid="true"' in answer.text
    assert queries.agendas(cast.place_id) == []


def test_no_file_is_said_at_the_field(cast, amina):
    sent = {"csrf_token": token(amina.get(LIST).text)}
    answers = [
        amina.post(LIST, data=sent),
        amina.post(LIST, data=sent, content_type="multipart/form-data"),
        amina.post(LIST, data=sent | {"file": "not a file"}, content_type="multipart/form-data"),
    ]

    for answer in answers:
        assert answer.status_code == 422
        assert "Choose a file." in answer.text


def test_what_is_larger_than_any_request_is_refused_before_it_is_read(cast, amina):
    answer = send(amina, b"BEGIN:VCALENDAR\r\n" + b"x" * 13 * 1024 * 1024)

    assert answer.status_code == 413


def test_applied_by_somebody_else_it_leads_to_what_they_did(cast, amina, app):
    draft = draft_of(amina, calendar(CLOSED))
    odile = browser(app, "odile")
    sent = fields(odile.get(draft).text)
    apply(amina, draft)

    for answer in (
        odile.post(f"{draft}/application", data=sent, follow_redirects=True),
        odile.get(draft, follow_redirects=True),
    ):
        assert "imported already: this is what it did" in answer.text
        assert "by Amina Rahal" in answer.text
    assert closures() == ["Spring holidays"]


def test_a_draft_that_is_gone_is_said_to_be(cast, amina, at):
    draft = draft_of(amina, calendar(CLOSED))
    sent = fields(amina.get(draft).text)
    at("2027-03-30 09:00")

    for answer in (amina.get(draft), amina.post(f"{draft}/application", data=sent)):
        assert answer.status_code == 404
        assert "This file is no longer here" in answer.text
    assert closures() == []


def test_a_booking_made_meanwhile_is_shown_before_it_is_cancelled(cast, amina):
    cast.book("bench", AFTERNOON, "chloe")
    draft = draft_of(amina, calendar(HIRED))
    sent = fields(amina.get(draft).text) | {"cancel": "y"}
    later = cast.book("laser", AFTERNOON, "bruno")

    answer = amina.post(f"{draft}/application", data=sent)

    assert answer.status_code == 409
    assert "this is not what was shown before" in answer.text
    assert f'href="/bookings/{later}"' in answer.text
    assert fields(answer.text)["cancel"] == ["y"]
    assert outages() == []


def test_the_team_of_another_place_finds_nothing(cast, annex, amina, browse):
    draft = draft_of(amina, calendar(CLOSED))
    applied = apply(amina, draft_of(amina, calendar(HIRED))).location
    dora = browse("dora")
    sent = fields(amina.get(draft).text) | {"csrf_token": token(dora.get(LIST).text)}

    assert dora.get(draft).status_code == 404
    assert dora.post(draft, data=sent).status_code == 404
    assert dora.post(f"{draft}/application", data=sent).status_code == 404
    assert dora.get(applied).status_code == 404
    assert dora.post(f"{applied}/undoing", data=sent).status_code == 404
    assert "closures.ics" not in dora.get(LIST).text
    assert len(outages()) == 2


def test_what_does_not_exist_is_not_found(cast, amina):
    assert amina.get(f"{LIST}/{uuid4()}").status_code == 404
    assert amina.get(f"{LIST}/drafts/{uuid4()}").status_code == 404


# -- in French, and what it costs


def test_it_is_all_in_french_too(cast, amina):
    cast.book("bench", AFTERNOON, "chloe")
    amina.set_cookie("language", "fr")
    odd = event("DTSTART:20270330T130000", uid="odd", title="Odd")

    draft = draft_of(amina, calendar(CLOSED, HIRED, odd))
    shown, done = amina.get(draft).text, amina.get(apply(amina, draft).location).text

    for words in (
        "Il ferme le lieu 1 fois. Il met des machines hors service 3 fois.",
        "Mercredi 5 mai – vendredi 7 mai",
        "Il n’a ni fin ni durée.",
        "Annuler 1 réservation et prévenir la personne",
    ):
        assert words in shown, words
    assert "Défaire cet import" in done


def test_a_preview_costs_a_few_statements_however_long_it_is(cast, amina):
    def cost(*parts):
        draft = draft_of(amina, calendar(*parts))
        amina.get(draft)
        with counting(db.engine) as statements:
            amina.get(draft)
        return len(statements)

    many = [days(f"{date(2027, 5, at):%Y%m%d}", uid=str(at)) for at in range(1, 29)]
    cast.book("bench", AFTERNOON, "chloe")

    assert cost(HIRED) == cost(HIRED, *many) <= 8
