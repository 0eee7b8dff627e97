"""Waiting for a place as each person sees it: the form, the offer, the link of a mail."""

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from fablab import clock
from fablab.booking import wait_links
from fablab.booking.kinds import WaitEnd
from fablab.booking.models import Consent, Wait
from fablab.db import db, writing
from fablab.invitations import commands as invitations
from fablab.machines.kinds import Status
from fablab.machines.models import Machine, Occupancy, Policy
from fablab.members import mails as choices
from fablab.members.kinds import Channel, MailKind
from fablab.members.models import Member
from fablab.slots import Slot
from tests.booking.conftest import Form, change, words
from tests.booking.test_waits import (
    AN_HOUR,
    cancel,
    crowd,
    join,
    mails,
    offered,
    say,
    wait,
)
from tests.booking.test_wider_rules import set_policy
from tests.calendars.support import PLACE, address
from tests.conftest import Fablab
from tests.support import counting, slot, submit

NOBODYS = "0f8fad5b-d9cb-469f-a165-70867728950e"
NEW = "/waits/new?machine=bench&day=2027-03-30&start=14:00&end=16:00"


@pytest.fixture
def crowded(fablab: Fablab) -> Fablab:
    return crowd(fablab)


def all_waits() -> list[Any]:
    db.session.rollback()
    return list(db.session.execute(select(Wait.__table__).order_by(Wait.id)))


def respond(client: Any, uid: str, answer: str, **typed: str) -> Any:
    page = f"/waits/{uid}"
    return submit(client, page, f"{page}/answer", **{"answer": answer} | typed)


# -- getting in line


def test_from_a_refused_booking_to_the_line_nothing_is_typed_twice(crowded, browse):
    client = browse("chloe")
    form = Form(client.get("/bookings/new?machine=bench&day=2027-03-30&start=14:00&end=16:00").text)
    refused = form.send(client, purpose="Shelves")
    assert refused.status_code == 409
    link = re.search(r'href="(/waits/new[^"]*)"', refused.text)[1].replace("&amp;", "&")

    page = Form(client.get(link).text)

    assert page.values | {"csrf_token": ""} == {
        "machine": "bench",
        "day": "2027-03-30",
        "start": "14:00",
        "end": "16:00",
        "end_day": "",
        "length": "120",
        "purpose": "Shelves",
        "csrf_token": "",
    }
    answer = page.send(client)
    [made] = all_waits()
    assert (answer.status_code, answer.location) == (303, f"/waits/{made.uid}")
    assert Slot(made.starts_at, made.ends_at) == slot("2027-03-30 14:00-16:00")
    assert made.purpose == "Shelves"
    said = words(client.get(answer.location).text)
    assert "You are first in line." in said
    assert "Tomorrow, 14:00–16:00" in said


def test_what_a_wait_cannot_lift_offers_none(crowded, browse):
    client = browse("chloe")

    unqualified = client.get(
        "/bookings/new?machine=laser&day=2027-03-30&start=14:00&end=16:00"
    ).text
    closed = client.get("/bookings/new?machine=bench&day=2027-03-30&start=8:00&end=9:00").text
    free = client.get("/bookings/new?machine=bench&day=2027-03-31&start=10:00&end=11:00").text

    for page in (unqualified, closed, free):
        assert "/waits/new" not in page


def test_the_machines_page_and_an_address_without_machine_lead_to_it(crowded, browse):
    assert "/waits/new?machine=bench" in browse("chloe").get("/machines/bench").text
    assert browse("chloe").get("/waits/new").location == "/machines/"
    assert browse("chloe").get("/waits/new?machine=nothing").status_code == 404
    assert browse(None).get(NEW).location.startswith("/login")


def test_what_is_free_is_told_with_a_link_that_keeps_what_was_typed(crowded, browse):
    client = browse("bruno")
    page = Form(client.get("/waits/new?machine=bench&day=2027-03-31").text)

    answer = page.send(client, purpose="Shelves", organization=str(crowded.organization_id))

    assert answer.status_code == 409
    assert all_waits() == []
    assert 'value="Shelves"' in answer.text
    link = re.search(r'href="(/bookings/new[^"]*)"', answer.text)[1].replace("&amp;", "&")
    booking = Form(client.get(link).text)
    assert booking.values["purpose"] == "Shelves"
    assert booking.values["organization"] == str(crowded.organization_id)
    assert (booking.values["start"], booking.values["end"]) == ("10:00", "11:00")
    assert booking.send(client).status_code == 303


@pytest.mark.parametrize(
    "typed",
    [
        {"day": ""},
        {"day": "2027-02-30"},
        {"day": "9999-12-31"},
        {"start": "25:00"},
        {"start": "٠٩:٠٠"},
        {"end": "10:00"},
        {"end_day": "2027-03-29"},
        {"end_day": "2027-05-30"},
        {"end_day": "x" * 10_000},
        {"length": ""},
        {"length": "0"},
        {"length": "-60"},
        {"length": "999999"},
        {"length": "٦٠"},
        {"organization": "x"},
        {"purpose": "a\0b"},
        {"purpose": "x" * 201},
        {"purpose": "\u202egnissap"},
    ],
)
def test_bad_input_is_an_error_of_its_field_and_nothing_is_lost(crowded, browse, typed):
    client = browse("chloe")
    form = Form(client.get(NEW).text)

    answer = form.send(client, **{"purpose": "Shelves"} | typed)

    assert answer.status_code == 422
    assert "field__error" in answer.text
    assert all_waits() == []
    if "purpose" not in typed:
        assert 'value="Shelves"' in answer.text


@pytest.mark.parametrize("typed", [{"length": "50"}, {"length": "600"}, {"day": "2027-04-30"}])
def test_what_the_rules_refuse_is_said_in_their_sentences(crowded, browse, typed):
    client = browse("chloe")

    answer = Form(client.get(NEW).text).send(client, **typed)

    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert "You cannot wait for this" in words(answer.text)
    shown = Form(answer.text).values
    assert {name: shown[name] for name in typed} == typed


def test_what_is_lent_by_the_day_is_waited_for_by_the_day(crowded, browse):
    cancel(crowded)
    a_day = timedelta(days=1)
    lent = {"whole_days": True, "minimum": a_day, "maximum": 3 * a_day, "horizon_days": 21}
    with writing() as session:
        bench = crowded.machine("bench").id
        session.add(Policy(place_id=crowded.place_id, machine_id=bench, **lent))
        session.execute(update(Occupancy.__table__).values(standing=False, status="cancelled"))
    client = browse("chloe")

    page = client.get("/waits/new?machine=bench&day=2027-03-30").text

    form = Form(page)
    assert [value for value in ("1440", "2880", "4320") if f'value="{value}"' in page] == [
        "1440",
        "2880",
        "4320",
    ]
    assert (form.values["day"], form.values["start"]) == ("2027-03-30", "00:00")
    assert (form.values["end_day"], form.values["end"]) == ("2027-04-06", "00:00")
    assert form.values["length"] == "1440"
    free = form.send(client)
    assert free.status_code == 409
    assert "/bookings/new?" in free.text


def test_the_forms_machine_is_one_of_the_place(crowded, browse):
    client = browse("chloe")

    assert Form(client.get(NEW).text).send(client, machine="nothing").status_code == 404


def test_the_hours_of_the_night_the_clocks_change(crowded, browse, at):
    client = browse("chloe")
    at("2027-03-25 09:00")
    skipped = Form(client.get(NEW).text).send(client, day="2027-03-28", start="02:30")
    assert "The clocks go forward that night" in words(skipped.text)

    at("2027-10-28 09:00")
    client = browse("chloe")
    twice = Form(client.get(NEW).text).send(client, day="2027-10-31", start="02:30")
    assert "show 2:30 twice: the first is meant" in words(twice.text)


# -- in line


def test_my_bookings_tell_what_is_offered_first_and_what_i_wait_for(crowded, browse):
    taken = join(crowded, "chloe")
    join(crowded, "dan", duration=AN_HOUR)
    join(crowded, "eve", duration=AN_HOUR)
    later = join(crowded, "chloe", slot("2027-03-30 10:00-17:00"), duration=AN_HOUR)
    before = words(browse("chloe").get("/bookings/").text)
    assert before.index("To come") < before.index("Waiting for a place")
    assert "3 people stand before you." in before

    cancel(crowded)
    page = words(browse("chloe").get("/bookings/").text)

    assert page.index("Offered to you") < page.index("To come")
    assert "kept until Monday 29 March 13:00" in page
    assert page.count("Tomorrow, 14:00–16:00") == 2  # its row, and what its button is about
    assert "Waiting for approval" not in page
    assert wait(taken).offered_id
    assert "2 people stand before you." in page
    assert f"/waits/{later}/given-up" in browse("chloe").get("/bookings/").text


def test_a_wait_is_given_up(crowded, browse):
    uid = join(crowded, "chloe")

    answer = submit(browse("chloe"), "/bookings/", f"/waits/{uid}/given-up")

    assert (answer.status_code, answer.location) == (303, "/bookings/")
    assert wait(uid).outcome == WaitEnd.GIVEN_UP
    page = browse("chloe").get(f"/waits/{uid}").text
    assert "You gave your place in line up." in words(page)
    again = re.search(r'href="(/waits/new[^"]*)"', page)[1].replace("&amp;", "&")
    form = Form(browse("chloe").get(again).text)
    assert (form.values["start"], form.values["end"], form.values["length"]) == (
        "10:00",
        "18:00",
        "120",
    )


@pytest.mark.parametrize("who", ["dan", "amina"])
def test_somebody_elses_wait_does_not_exist(crowded, browse, who):
    uid = join(crowded, "chloe")
    cancel(crowded)
    client = browse(who)
    nothing = client.get(f"/waits/{NOBODYS}")

    shown = client.get(f"/waits/{uid}")
    sent = [
        submit(client, "/account/", f"/waits/{uid}/{end}", answer="yes")
        for end in ("answer", "given-up")
    ]

    assert (shown.status_code, [each.status_code for each in sent]) == (404, [404, 404])
    assert words(shown.text) == words(nothing.text)
    assert offered(uid).status == Status.PENDING


def test_who_waits_is_for_the_team_alone(crowded, browse):
    join(crowded, "chloe")
    join(crowded, "dan")

    team = words(browse("amina").get("/manage/machines/bench").text)
    assert team.index("Chloé Navette") < team.index("Dan Fuseau")
    for page in ("/machines/bench", "/", "/bookings/", "/planning/2027-03-30"):
        assert "Chloé" not in words(browse("dan").get(page).text)


# -- the offer


def test_the_offer_is_taken_on_screen(crowded, browse):
    uid = join(crowded, "chloe", purpose="Shelves")
    cancel(crowded)
    page = words(browse("chloe").get(f"/waits/{uid}").text)
    assert "Kept for you until Monday 29 March 13:00." in page
    assert "14:00–16:00 (2 h)" in page
    assert "Shelves" in page

    answer = respond(browse("chloe"), uid, "yes")

    booking = f"/bookings/{offered(uid).uid}"
    assert (answer.status_code, answer.location) == (303, booking)
    assert offered(uid).status == Status.CONFIRMED
    assert "It is booked" in words(browse("chloe").get(booking).text)
    page = browse("chloe").get(f"/waits/{uid}").text
    assert "You took the slot that was offered." in words(page)
    assert f'href="{booking}"' in page


def test_the_offer_is_left_to_the_next(crowded, browse):
    uid, second = join(crowded, "chloe"), join(crowded, "dan")
    cancel(crowded)

    respond(browse("chloe"), uid, "no")

    assert wait(uid).outcome == WaitEnd.DECLINED
    assert offered(second).status == Status.PENDING
    assert "You left the slot to the next in line." in words(
        browse("chloe").get(f"/waits/{uid}").text
    )


@pytest.mark.parametrize("answer", ["", "maybe", "YES", "1"])
def test_what_is_neither_yes_nor_no_answers_nothing(crowded, browse, answer):
    uid = join(crowded, "chloe")
    cancel(crowded)

    refused = respond(browse("chloe"), uid, answer)

    assert refused.status_code == 422
    assert "Take the slot, or leave it to the next." in words(refused.text)
    assert offered(uid).status == Status.PENDING


def test_what_the_machine_asks_for_is_asked_with_the_yes(crowded, browse):
    change(Machine, "bench", safety="Wear goggles.")
    with writing() as session:
        bench = crowded.machine("bench").id
        session.add(Policy(place_id=crowded.place_id, machine_id=bench, buddy=True))
    uid = join(crowded, "chloe")
    cancel(crowded)
    assert "Wear goggles." in browse("chloe").get(f"/waits/{uid}").text

    refused = respond(browse("chloe"), uid, "yes", buddy="chloe@atelier.example")

    assert refused.status_code == 422
    assert "You cannot be your own buddy." in words(refused.text)
    assert "Confirm that you have read" in words(refused.text)
    assert 'value="chloe@atelier.example"' in refused.text
    assert "still kept for you" in words(refused.text)
    assert offered(uid).status == Status.PENDING


def test_a_yes_under_a_text_that_changed_meanwhile_is_asked_again(crowded, browse):
    change(Machine, "bench", safety="Wear goggles.")
    uid = join(crowded, "chloe")
    cancel(crowded)
    client = browse("chloe")
    old = crowded.machine("bench").safety_hash
    assert f'value="{old}"' in client.get(f"/waits/{uid}").text
    change(Machine, "bench", safety="Wear no goggles.")

    refused = respond(client, uid, "yes", safety=old)

    new = crowded.machine("bench").safety_hash
    assert refused.status_code == 422
    assert "Wear no goggles." in refused.text
    assert f'value="{new}"' in refused.text
    assert " checked" not in refused.text
    assert offered(uid).status == Status.PENDING
    assert respond(client, uid, "yes", safety=new).status_code == 303
    assert offered(uid).status == Status.CONFIRMED


def test_what_is_over_is_told_kindly(crowded, browse, at):
    uid = join(crowded, "chloe")
    cancel(crowded)
    client = browse("chloe")
    client.get(f"/waits/{uid}")
    page = client.get(f"/waits/{uid}").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]
    at("2027-03-29 13:00")

    answer = client.post(f"/waits/{uid}/answer", data={"csrf_token": token, "answer": "yes"})

    assert answer.status_code == 303
    said = words(client.get(answer.location).text)
    assert "It is too late to answer" in said
    assert "went to the next in line" in said
    assert 'name="answer"' not in client.get(f"/waits/{uid}").text


def test_the_bookings_own_page_says_that_it_is_an_offer(crowded, browse):
    uid = join(crowded, "chloe")
    cancel(crowded)
    page = f"/bookings/{offered(uid).uid}"

    hers = browse("chloe").get(page).text
    assert "This slot is offered to you" in words(hers)
    assert f'href="/waits/{uid}"' in hers
    assert "/move" not in hers
    assert browse("chloe").get(page + "/move").location == page
    teams = browse("amina").get(page).text
    assert "This slot is offered to whoever waits for it" in words(teams)
    assert f"/waits/{uid}" not in teams
    assert "Offered to the first in line" in words(hers)


def test_its_question_is_no_page_of_consents(crowded, browse):
    uid = join(crowded, "chloe")
    cancel(crowded)
    question = db.session.scalar(select(Consent.uid))
    client = browse("chloe")

    assert client.get(f"/consents/{question}").status_code == 404
    sent = submit(client, "/account/", f"/consents/{question}/answer", answer="yes")
    assert sent.status_code == 404
    assert offered(uid).status == Status.PENDING
    assert "Waiting for your answer" not in client.get("/bookings/").text


# -- by the link of a mail


def mailed() -> str:
    invitations.tell(clock.now())
    return re.search(r"http://[^/]+(/waits/by-mail/\S+)", mails()[-1].text)[1]


def test_the_link_of_the_mail_answers_without_signing_in(crowded, browse):
    uid = join(crowded, "chloe")
    cancel(crowded)
    link, visitor = mailed(), browse(None)

    page = visitor.get(link)
    assert page.status_code == 200
    assert offered(uid).status == Status.PENDING  # reading takes nothing
    assert "/bookings/" not in page.text.partition("<main")[2]
    answer = submit(visitor, link, link, answer="yes")

    assert (answer.status_code, answer.location) == (303, link)
    assert offered(uid).status == Status.CONFIRMED
    assert "You took the slot that was offered." in words(visitor.get(link).text)
    assert submit_again(visitor, link).status_code == 303


def test_the_link_of_a_mail_speaks_its_readers_language(crowded, browse):
    join(crowded, "chloe")
    cancel(crowded)
    link, visitor = mailed(), browse(None)
    visitor.delete_cookie("language")
    assert '<html lang="fr"' in visitor.get(link).text
    with writing() as session:
        session.execute(update(Member.__table__).values(language="en"))

    assert '<html lang="en"' in visitor.get(link).text


def submit_again(visitor: Any, link: str) -> Any:
    return submit(visitor, "/login", link, answer="yes")


def test_a_link_that_is_not_ours_or_not_theirs_leads_nowhere(crowded, browse):
    uid = join(crowded, "chloe")
    cancel(crowded)
    dans = wait_links.token_for(uid, "uid-dan")
    ours = mailed().rpartition("/")[2]

    for token in (dans, ours[:-2], "nothing", ours + "x", "%00"):
        assert browse(None).get(f"/waits/by-mail/{token}").status_code == 404
    assert browse(None).get(f"/consents/by-mail/{ours}").status_code == 404


def test_the_link_is_dead_once_the_time_waited_for_is_over_or_the_reader_erased(
    crowded, browse, at
):
    join(crowded, "chloe")
    cancel(crowded)
    link = mailed()
    at("2027-03-30 17:59")
    assert browse(None).get(link).status_code == 200

    at("2027-03-30 18:00")
    assert browse(None).get(link).status_code == 404
    at("2027-03-29 10:00")
    with writing() as session:
        erased = update(Member.__table__).where(Member.id == crowded.people["chloe"])
        session.execute(erased.values(erased_at=clock.now()))
    assert browse(None).get(link).status_code == 404


# -- everywhere


def test_pages_cost_the_same_however_long_the_line(crowded, browse):
    client = browse("chloe")
    join(crowded, "chloe")

    def cost(page: str) -> int:
        client.get(page)
        with counting(db.engine) as statements:
            client.get(page)
        return len(statements)

    pages = ("/bookings/", "/waits/new?machine=bench")
    few = [cost(page) for page in pages]
    for n in range(4):
        join(crowded, "chloe", slot(f"2027-03-30 1{n}:00-18:00"), duration=AN_HOUR)
        for who in ("dan", "eve", "flo"):
            join(crowded, who, slot(f"2027-03-30 1{n}:00-18:00"), duration=AN_HOUR)

    assert [cost(page) for page in pages] == few


def test_it_speaks_french(crowded, browse):
    uid = join(crowded, "chloe")
    cancel(crowded)
    client = browse("chloe")
    client.set_cookie("language", "fr")

    page = words(client.get(f"/waits/{uid}").text)

    assert "Gardé pour vous jusqu’au lundi 29 mars à 13:00" in page
    assert "Attendre un créneau" in words(client.get(NEW).text)


def test_waiting_for_the_same_again_keeps_the_place_and_takes_the_new_words(crowded, browse):
    client = browse("chloe")
    address = "/waits/new?machine=bench&day=2027-03-30&start=14:00&end=16:00"
    first = Form(client.get(address).text).send(client, purpose="Shelves")

    again = Form(client.get(address).text).send(client, purpose="A door")

    assert again.location == first.location
    assert [wait.purpose for wait in all_waits()] == ["A door"]


def test_who_waits_is_told_to_the_team_alone_until_they_take_it(crowded, browse):
    uid = join(crowded, "chloe")
    cancel(crowded)
    place = address(crowded, "bruno", PLACE)
    form = "/bookings/new?machine=bench&day=2027-03-30&start=14:00&end=16:00"

    def read(who: str) -> list[str]:
        client = browse(who)
        return [client.get(page).text for page in ("/planning/2027-03-30", form, place)]

    planning, refusal, calendar = read("bruno")
    assert "Kept for somebody who waits" in planning
    assert "already taken" in refusal
    assert not any("Navette" in page for page in (planning, refusal, calendar))
    assert "Navette" in read("amina")[0]

    say(crowded, uid, True, "chloe")

    assert all("Navette" in page for page in read("bruno"))


def test_a_second_answer_to_what_one_took_is_told_so(crowded, browse):
    uid = join(crowded, "chloe")
    cancel(crowded)
    client, page = browse("chloe"), f"/waits/{uid}"
    again = Form(client.get(page).text).values["csrf_token"]
    say(crowded, uid, True, "chloe")

    answer = {"csrf_token": again, "answer": "no"}
    told = client.post(f"{page}/answer", data=answer, follow_redirects=True).text

    assert "You have taken it already" in told
    assert "went to the next in line" not in told


# -- who chose no mails about it


@pytest.mark.parametrize(
    ("channel", "unwanted", "is_told"),
    [
        (Channel.INVITATION, (), True),
        (Channel.FEED, (MailKind.BOOKINGS,), True),
        (Channel.MAIL, (MailKind.OFFERS,), False),
        (Channel.NONE, (), False),
    ],
)
def test_whom_no_mail_will_tell_is_told_so(crowded, browse, channel, unwanted, is_told):
    choices.choose(crowded.people["dan"], channel, unwanted)
    client, untold = browse("dan"), "No mail will tell you:"

    form = client.get(NEW).text
    joined = Form(form).send(client)
    page = client.get(joined.location).text

    assert joined.status_code == 303
    assert [untold in words(each) for each in (form, page)] == [not is_told] * 2
    assert ("we write to you as soon as" in words(page)) is is_told
    assert ('href="/account/mails"' in page) is not is_told


def test_whoever_has_as_many_ahead_as_may_be_is_led_to_their_bookings(fablab, browse):
    """Somebody else's cancellation would not help them: one of their own would."""
    set_policy(fablab, "bench", bookings_ahead=1)
    new = "/bookings/new?machine=bench&day=2027-03-30&start=14:00&end=16:00"
    assert "See my bookings" not in browse("chloe").get(new).text
    fablab.book("bench", slot("2027-03-31 10:00-11:00"), "chloe")

    page = browse("chloe").get(new).text

    assert "See my bookings" in page
    assert "Wait for a place" not in page
