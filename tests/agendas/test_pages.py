"""A manager imports a calendar: sent, shown, applied, undone; and all that may go wrong."""

import re
from datetime import date, timedelta
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
EVENING = hours("20270330T180000", "20270330T200000", uid="hired", title="Private hire")
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


@pytest.mark.parametrize(
    "page", ["/manage/day", "/manage/imports", "/manage/closures", "/manage/settings"]
)
def test_the_teams_pages_lead_there(amina, page):
    assert f'href="{LIST}"' in amina.get(page).text


def test_it_is_shown_before_anything_is_written(cast, amina):
    cast.book("bench", AFTERNOON, "chloe")

    shown = look(amina, draft_of(amina, calendar(CLOSED, HIRED))).text

    for words in (
        "It closes the place 1 time. Out of service: 1 date, 2 machines.",
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


# -- a file that was imported before, and changed since


def events_in(client, address):
    found = Calendar.from_ical(client.get(address).data).events
    return sorted((str(each["UID"]), str(each["DTSTART"].dt), each["SEQUENCE"]) for each in found)


def test_a_file_that_changed_says_at_the_top_what_it_replaces(cast, amina):
    done = apply(amina, draft_of(amina, calendar(CLOSED, HIRED))).location

    shown = amina.get(draft_of(amina, calendar(CLOSED, EVENING), "again.ics")).text

    assert "This file replaces “closures.ics”, imported on 29 Mar 2027 9:00" in shown
    assert f'<a href="{done}">See that import</a>' in shown
    assert shown.index("This file replaces") < shown.index("What events do")
    assert "Private hire: Tuesday 30 March 13:00–17:00" in shown
    assert "Spring holidays: " not in shown.replace("already: Spring holidays", "")
    assert "1 date of the import before no longer stands." in shown
    sent = fields(shown)
    assert sent["replaces"] == [done.rpartition("/")[2]]
    assert sent["which"] == "all"  # as it was


def test_calendars_show_a_file_that_changed_once(cast, amina, browse):
    feeds, reader = (address_of(cast, Scope.PLACE), "/machines/bench/calendar.ics"), browse(None)
    place, machine = feeds
    else_ = {each: set(events_in(reader, each)) for each in feeds}  # public holidays

    def of_the_file():
        return {each: sorted({*events_in(reader, each)} - else_[each]) for each in feeds}

    apply(amina, draft_of(amina, calendar(CLOSED, HIRED)))
    before = of_the_file()
    assert [len(each) for each in before.values()] == [3, 1]

    draft = draft_of(amina, calendar(days("20270510", uid="closed", title="Spring"), EVENING))
    answer = amina.post(f"{draft}/application", data=fields(amina.get(draft).text))

    assert answer.status_code == 303
    after = of_the_file()
    assert [len(each) for each in after.values()] == [3, 1]
    assert "18:00" in after[machine][0][1]
    closed = next(each for each in before[place] if each[1] == "2027-05-05")
    assert (closed[0], "2027-05-10", closed[2] + 1) in after[place]
    assert closures() == ["Spring"]
    assert outages() == ["Private hire"] * 2

    undo(amina, answer.location)
    assert of_the_file() == {place: [], machine: []}


def test_an_import_and_the_one_in_its_place_lead_to_one_another(cast, amina):
    old = apply(amina, draft_of(amina, calendar(CLOSED, HIRED), "old.ics")).location
    new = apply(amina, draft_of(amina, calendar(CLOSED), "new.ics")).location

    shown_old, shown_new = amina.get(old).text, amina.get(new).text

    assert f'Replaced by a newer file: <a href="{new}">new.ics</a>' in shown_old
    assert "/undoing" not in shown_old
    assert f'It replaced an import of before: <a href="{old}">old.ics</a>' in shown_new
    assert "The import that it replaced does not come back." in shown_new


def test_not_replaced_the_import_stays_and_what_is_new_is_added(cast, amina):
    apply(amina, draft_of(amina, calendar(CLOSED, HIRED)))

    draft = draft_of(amina, calendar(CLOSED, EVENING))
    sent = fields(amina.get(draft).text)
    del sent["replaces"]
    answer = amina.post(f"{draft}/application", data=sent)
    assert answer.status_code == 409
    assert "replaces" not in fields(answer.text)

    amina.post(f"{draft}/application", data=fields(answer.text))
    assert outages() == ["Private hire"] * 4


def test_a_file_replaces_nothing_of_another_place(cast, annex, amina, browse):
    apply(amina, draft_of(amina, calendar(CLOSED, HIRED)))

    dora = browse("dora")
    assert "This file replaces" not in dora.get(draft_of(dora, calendar(CLOSED, HIRED))).text


# -- files that are not imported yet


def test_files_that_are_not_imported_are_listed_until_they_are_left(cast, amina, app):
    draft, other = draft_of(amina, calendar(CLOSED)), draft_of(amina, calendar(HIRED), "b.ics")

    listed = browser(app, "odile").get(LIST).text
    for address, name in ((draft, "closures.ics"), (other, "b.ics")):
        assert f'<a href="{address}">{name}</a>' in listed
    assert "29 Mar 2027 9:00, by Amina Rahal" in listed

    sent = {"csrf_token": token(amina.get(draft).text)}
    answer = amina.post(f"{draft}/leaving", data=sent, follow_redirects=True)
    assert "no longer kept" in answer.text
    assert f'href="{draft}"' not in answer.text
    assert f'href="{other}"' in answer.text
    assert amina.get(draft).status_code == 404
    assert closures() == []


def test_nobody_leaves_the_file_of_another_place(cast, annex, amina, browse):
    draft, dora = draft_of(amina, calendar(CLOSED)), browse("dora")

    answer = dora.post(f"{draft}/leaving", data={"csrf_token": token(dora.get(LIST).text)})

    assert answer.status_code == 404
    assert "closures.ics" not in dora.get(LIST).text
    assert amina.get(draft).status_code == 200


# -- what is chosen


def test_no_machine_is_taken_that_was_not_chosen(cast, amina):
    draft = draft_of(amina, calendar(CLOSED, HIRED))
    shown = amina.get(draft)
    sent = fields(shown.text)
    assert "which" not in sent
    assert "Takes machines: choose which above." in shown.text

    answer = amina.post(f"{draft}/application", data=sent)

    assert answer.status_code == 422
    assert "Choose which machines." in answer.text
    assert fields(answer.text)["event"] == ["0", "1"]
    assert closures() == outages() == []
    alone = amina.post(f"{draft}/application", data=sent | {"event": "0"})
    assert alone.status_code == 303  # a day takes none
    assert outages() == []


def test_days_that_take_machines_ask_which_too(cast, amina):
    draft = draft_of(amina, calendar(CLOSED))
    sent = fields(amina.get(draft).text) | {"whole_days": "take"}

    answer = amina.post(draft, data=sent)

    assert answer.status_code == 422
    assert "Choose which machines." in answer.text
    assert fields(answer.text)["whole_days"] == "take"


def test_to_tick_machines_is_to_choose_them(cast, amina):
    draft = draft_of(amina, calendar(HIRED))
    sent = fields(amina.get(draft).text) | {"machines": "bench"}

    shown = amina.post(draft, data=sent)
    amina.post(f"{draft}/application", data=fields(shown.text))

    assert "Takes 1 machine." in shown.text
    assert outages() == ["Private hire"]


@pytest.mark.parametrize("which", ["all", "none"])
def test_machines_that_are_ticked_beside_another_choice_are_asked_about(cast, amina, which):
    cast.book("bench", AFTERNOON, "chloe")
    draft = draft_of(amina, calendar(HIRED))

    answer = look(amina, draft, which=which, machines="bench", cancel="y")

    assert answer.status_code == 422
    assert "choose “those ticked below”, or untick them" in answer.text
    sent = fields(answer.text)
    assert (sent["which"], sent["machines"], sent["cancel"]) == (which, ["bench"], ["y"])


def test_bookings_are_cancelled_one_by_one_and_none_at_first(cast, amina, browse):
    goes = cast.book("bench", AFTERNOON, "chloe")
    stays = cast.book("laser", AFTERNOON, "bruno")
    draft = draft_of(amina, calendar(HIRED))
    shown = look(amina, draft)
    assert "bookings" not in fields(shown.text)
    assert "Cancel all 2 bookings" in shown.text

    again = amina.post(draft, data=fields(shown.text) | {"bookings": goes})
    assert fields(again.text)["bookings"] == [goes]
    amina.post(f"{draft}/application", data=fields(again.text))

    assert "Cancelled" in browse("chloe").get(f"/bookings/{goes}").text
    assert "Cancelled" not in browse("bruno").get(f"/bookings/{stays}").text


def test_members_read_another_reason_when_one_is_given(cast, amina):
    evil = days("20270505", uid="a", title='M. "X" & <Y>')
    draft = draft_of(amina, calendar(evil, days("20270507", uid="b", title="Works")))
    assert fields(amina.get(draft).text)["title-0"] == 'M. "X" & <Y>'

    shown = look(amina, draft, **{"title-0": " Private \x07 hire ", "title-1": "  "})
    assert fields(shown.text)["title-0"] == "Private hire"
    amina.post(f"{draft}/application", data=fields(shown.text))

    assert closures() == ["Private hire", "Works"]


def test_many_events_keep_their_names(cast, amina):
    many = [days(f"{date(2027, 5, 1) + timedelta(at):%Y%m%d}", uid=str(at)) for at in range(101)]

    assert "title-0" in amina.get(draft_of(amina, calendar(*many[:100]))).text
    assert "title-0" not in amina.get(draft_of(amina, calendar(*many))).text


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

    shown = look(amina, draft)
    answer = amina.post(f"{draft}/application", data=fields(shown.text))
    shown = shown.text

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


@pytest.mark.parametrize(
    ("content", "heading"),
    [
        (b"a;b;c", "This file cannot be read"),
        (b"BEGIN:VCALENDAR\r\n" + b"x" * 1024 * 1024, "This file holds too much"),
        (calendar(*(days("20270505", uid=str(at)) for at in range(2001))), "holds too much"),
    ],
)
def test_what_is_said_above_a_refusal_is_true(cast, amina, content, heading):
    assert heading in send(amina, content).text


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
        assert "cannot be read" not in answer.text


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
        assert "Nothing was changed: send it again." in answer.text
        assert 'href="/manage/agendas"' in answer.text
    assert closures() == []


def test_a_booking_made_meanwhile_is_shown_before_it_is_cancelled(cast, amina):
    cast.book("bench", AFTERNOON, "chloe")
    draft = draft_of(amina, calendar(HIRED))
    sent = fields(look(amina, draft).text) | {"cancel": "y"}
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
    shown, done = look(amina, draft).text, amina.get(apply(amina, draft).location).text

    for words in (
        "Il ferme le lieu 1 fois. Hors service\u00a0: 1 date, 2 machines.",
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
