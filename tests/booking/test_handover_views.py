"""Handing a booking over as each person sees it: on screen, and by the link of a mail."""

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from fablab import clock
from fablab.booking import commands, handover_links, handovers
from fablab.booking.kinds import HandoverEnd
from fablab.booking.models import Handover
from fablab.db import db, writing
from fablab.machines.kinds import Status
from fablab.machines.models import Machine, Occupancy, Policy
from fablab.members import throttle
from fablab.members.kinds import AttemptKind, Audience
from fablab.members.models import Member
from fablab.organizations.models import Organization
from fablab.places.kinds import NamesShown
from fablab.places.models import Place
from tests.booking.conftest import change, words
from tests.booking.test_handovers import AFTERNOON, mails, offer, offers, row
from tests.conftest import browser
from tests.support import counting, slot, submit
from tests.tariffs.conftest import set_price

NOBODYS = "0f8fad5b-d9cb-469f-a165-70867728950e"


def hand_over(client: Any, uid: str, email: str) -> Any:
    page = f"/bookings/{uid}/handover"
    return submit(client, page, page, email=email)


def respond(client: Any, answer: str, **typed: str) -> Any:
    page = f"/handovers/{offers()[-1].uid}"
    return submit(client, page, f"{page}/answer", **{"answer": answer} | typed)


def letter(fablab: Any, who: str = "chloe") -> str:
    member = db.session.scalar(select(Member.uid).where(Member.id == fablab.people[who]))
    return f"/handovers/by-mail/{handover_links.token_for(offers()[-1].uid, member)}"


# -- whose it is


def test_from_the_bookings_page_to_the_offer_and_back(fablab, browse):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    client = browse("bruno")
    assert f"/bookings/{uid}/handover" in client.get(f"/bookings/{uid}").text

    answer = hand_over(client, uid, "Chloe@Atelier.example")

    assert (answer.status_code, answer.location) == (303, f"/bookings/{uid}")
    page = client.get(f"/bookings/{uid}").text
    said = words(page)
    assert "You offer it to chloe@atelier.example." in said
    assert "They may answer until Tuesday 30 March 14:00." in said
    assert f'href="/bookings/{uid}/handover"' not in page
    assert client.get(f"/bookings/{uid}/handover").status_code == 303

    listed = words(client.get("/bookings/").text)
    offered = "Offered to chloe@atelier.example, who may answer until Tuesday 30 March 14:00."
    assert offered in listed

    back = f"/bookings/{uid}/handover/taken-back"
    answer = submit(client, f"/bookings/{uid}", back)

    assert (answer.status_code, answer.location) == (303, f"/bookings/{uid}")
    assert offers()[0].outcome == HandoverEnd.TAKEN_BACK
    assert "Offered to" not in client.get("/bookings/").text
    assert f'href="/bookings/{uid}/handover"' in client.get(f"/bookings/{uid}").text


def test_an_unknown_address_gets_the_same_page_and_a_mail(fablab, browse):
    pages = []
    for day, email in ((30, "chloe@atelier.example"), (31, "nobody@atelier.example")):
        uid = fablab.book("bench", slot(f"2027-03-{day} 14:00-16:00"), "bruno")
        client = browse("bruno")
        answer = hand_over(client, uid, email)
        said = re.sub(r"csrf_token\" value=\"[^\"]+", "", client.get(answer.location).text)
        for each in (uid, email, "30 March", "2027-03-30", "31 March", "2027-03-31"):
            said = said.replace(each, "")
        pages.append((answer.status_code, re.search(r"The offer is on its way[^<]*", said)[0]))

    assert pages[0] == pages[1]
    assert [mail.recipient for mail in mails("handover")] == [
        "chloe@atelier.example",
        "nobody@atelier.example",
    ]


@pytest.mark.parametrize(
    "email", ["", "chloe", "a\0b@atelier.example", "x" * 10_000, "bruno@atelier.example"]
)
def test_what_is_no_address_of_somebody_else_is_said_at_its_field(fablab, browse, email):
    uid = fablab.book("bench", AFTERNOON, "bruno")

    answer = hand_over(browse("bruno"), uid, email)

    assert answer.status_code == 422
    assert 'id="email-error"' in answer.text
    assert offers() == []


def test_written_to_too_often_they_are_written_to_later(fablab, browse):
    client = browse("bruno")
    uid = fablab.book("bench", AFTERNOON, "bruno")
    for _ in range(3):
        hand_over(client, uid, "chloe@atelier.example")
        submit(client, f"/bookings/{uid}", f"/bookings/{uid}/handover/taken-back")

    assert hand_over(client, uid, "chloe@atelier.example").status_code == 429


def test_offered_to_many_strangers_a_booking_is_offered_to_no_further_one_that_day(
    any_fablab, any_app, at
):
    client = browser(any_app, "bruno")
    uid = any_fablab.book("bench", AFTERNOON, "bruno")
    for number in range(3):
        assert hand_over(client, uid, f"s{number}@elsewhere.example").status_code == 303
        submit(client, f"/bookings/{uid}", f"/bookings/{uid}/handover/taken-back")

    answer = hand_over(client, uid, "stranger@elsewhere.example")

    assert answer.status_code == 429
    assert "This booking was offered several times today already." in answer.text
    assert 'value="stranger@elsewhere.example"' in answer.text
    assert len(offers()) == 3
    at("2027-03-30 10:00")
    assert hand_over(client, uid, "stranger@elsewhere.example").status_code == 303


def test_mails_that_others_in_the_workshop_ask_for_hold_up_no_offer(fablab, browse):
    for number in range(20):  # as many as a network may have written at once
        throttle.admit(AttemptKind.MAIL, f"s{number}@elsewhere.example", "127.0.0.1", clock.now())
    uid = fablab.book("bench", AFTERNOON, "bruno")

    assert hand_over(browse("bruno"), uid, "chloe@atelier.example").status_code == 303


def test_who_offers_many_bookings_offers_no_further_one_that_day(any_fablab, any_app):
    past = clock.now() - timedelta(hours=1)
    others = any_fablab.book("bench", slot("2027-03-31 10:00-11:00"), "bruno")
    with writing() as session:
        other = session.scalars(select(Occupancy.id).where(Occupancy.uid == others)).one()
        for number in range(10):
            session.add(
                Handover(
                    uid=str(number),
                    occupancy_id=other,
                    offered_by_id=any_fablab.people["bruno"],
                    email=f"s{number}@elsewhere.example",
                    offered_at=past,
                    due_at=past + timedelta(days=1),
                    ended_at=past,
                    outcome=HandoverEnd.TAKEN_BACK,
                )
            )
    uid = any_fablab.book("bench", AFTERNOON, "bruno")

    answer = hand_over(browser(any_app, "bruno"), uid, "stranger@elsewhere.example")

    assert answer.status_code == 429
    assert "You offered bookings many times today already." in answer.text
    hers = any_fablab.book("bench", slot("2027-03-30 10:00-11:00"), "chloe")
    assert hand_over(browser(any_app, "chloe"), hers, "s0@elsewhere.example").status_code == 303


def test_nobody_gives_away_what_is_not_theirs_not_even_the_team(fablab, browse):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    offer(fablab, uid)

    for who in ("chloe", "amina"):
        client = browse(who)
        assert client.get(f"/bookings/{uid}/handover").status_code == 404
        for action in ("handover", "handover/taken-back"):
            token = {"email": "chloe@atelier.example"}
            answer = submit(client, "/bookings/", f"/bookings/{uid}/{action}", **token)
            assert answer.status_code == 404
        assert "/handover" not in client.get(f"/bookings/{uid}").text
    assert offers()[0].outcome is None


def test_what_has_begun_has_no_such_button(fablab, browse, at):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    client = browse("bruno")
    at("2027-03-30 14:30")

    assert "/handover" not in client.get(f"/bookings/{uid}").text
    assert client.get(f"/bookings/{uid}/handover").status_code == 303


# -- whom it is offered to


def test_it_is_on_my_bookings_and_one_press_takes_it_over(fablab, browse):
    uid = fablab.book("bench", AFTERNOON, "bruno", purpose="A private thing")
    offer(fablab, uid)
    client = browse("chloe")
    mine = words(client.get("/bookings/").text)
    assert "Waiting for your answer" in mine
    assert "Bruno Lefil offers you this booking." in mine

    page = client.get(f"/handovers/{offers()[0].uid}").text
    assert "A private thing" not in page
    answer = respond(client, "yes")

    assert (answer.status_code, answer.location) == (303, f"/bookings/{uid}")
    assert row(uid).member_id == fablab.people["chloe"]
    said = words(client.get(answer.location).text)
    assert "Taken over by Chloé" in said
    assert "Booked by Bruno" not in said
    assert "It is yours" in client.get(f"/handovers/{offers()[0].uid}").text


@pytest.mark.parametrize(
    ("shown", "is_named"), [(NamesShown.MEMBERS, True), (NamesShown.NOBODY, False)]
)
def test_the_old_address_says_that_it_was_handed_over(fablab, browse, shown, is_named):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    offer(fablab, uid)
    change(Place, names_shown=shown)
    respond(browse("chloe"), "yes")
    client = browse("bruno")

    for page in ("", "/move", "/cancellation", "/handover"):
        answer = client.get(f"/bookings/{uid}{page}")
        said = words(answer.text)
        assert answer.status_code == 410
        assert "You handed this booking over" in said
        assert ("Chloé Navette" in said) is is_named
        assert 'href="/bookings/"' in answer.text
        assert 'href="/machines/bench"' in answer.text
    late = submit(client, "/bookings/", f"/bookings/{uid}/cancellation")
    assert late.status_code == 410
    assert row(uid).status == Status.CONFIRMED


def test_to_anybody_else_the_address_is_no_page(fablab, browse):
    fablab.book("bench", slot("2027-03-31 14:00-16:00"), "bruno")
    uid = fablab.book("bench", AFTERNOON, "bruno")
    offer(fablab, uid)
    respond(browse("chloe"), "no")

    assert browse("bruno").get(f"/bookings/{uid}").status_code == 200
    for address in (f"/bookings/{uid}", f"/bookings/{NOBODYS}"):
        assert browse("chloe").get(address).status_code == 404


def test_declined_on_screen_it_stays(fablab, browse):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    offer(fablab, uid)
    client = browse("chloe")

    answer = respond(client, "no")

    assert answer.status_code == 303
    assert "You have left it to Bruno Lefil." in words(client.get(answer.location).text)
    assert row(uid).member_id == fablab.people["bruno"]
    assert "offers you this booking" not in client.get("/bookings/").text


def test_a_no_of_the_rules_tells_every_reason_and_changes_nothing(fablab, browse):
    change(Machine, "laser", safety="Goggles on.")
    read = fablab.machine("laser").safety_hash
    uid = fablab.book("laser", AFTERNOON, "bruno", read_hash=read)
    change(Policy, buddy=True)
    offer(fablab, uid)

    typed = {"buddy": "nobody@atelier.example", "safety": read, "revision": str(row(uid).revision)}
    answer = respond(browse("chloe"), "yes", **typed)

    assert answer.status_code == 422
    said = words(answer.text)
    assert "Nothing has changed: the booking is still Bruno Lefil's." in said
    assert "The buddy you named holds no valid qualification" in said
    assert "Laser cutting" in said  # the training to follow
    assert row(uid).member_id == fablab.people["bruno"]


def test_for_whom_it_is_is_chosen_on_the_page(fablab, browse):
    uid = fablab.book("bench", AFTERNOON, "chloe")
    offer(fablab, uid, "bruno", "chloe")
    client = browse("bruno")
    assert "Studio Fil" in client.get(f"/handovers/{offers()[0].uid}").text

    respond(client, "yes", organization=str(fablab.organization_id))

    assert row(uid).organization_id == fablab.organization_id


def test_what_it_is_worth_is_told_for_each_it_may_be_for_before_the_answer(fablab, browse):
    set_price(fablab, "bench", "3")
    set_price(fablab, "bench", "2", audience=Audience.RESIDENT)
    change(Organization, audience=Audience.RESIDENT)
    uid = fablab.book("bench", AFTERNOON, "chloe")
    offer(fablab, uid, "bruno", "chloe")

    said = words(browse("bruno").get(f"/handovers/{offers()[0].uid}").text)

    assert "Indicative amount, by whom it is for Myself €6.00 Studio Fil €4.00" in said


def test_whom_the_rules_refuse_reads_why_instead_of_a_promise_and_a_button(fablab, browse):
    uid = fablab.book("laser", AFTERNOON, "bruno")
    offer(fablab, uid, "chloe")
    client, page = browse("chloe"), f"/handovers/{offers()[0].uid}"

    text = client.get(page).text

    said = words(text)
    assert "You cannot take this booking over as things stand" in said
    assert "It then waits for" not in said
    assert "Take it over" not in said
    assert "Leave it to Bruno Lefil" in said
    refused = submit(client, page, f"{page}/answer", answer="yes", revision=str(row(uid).revision))
    assert refused.status_code == 422
    assert "It then waits for" not in words(refused.text)
    assert row(uid).member_id == fablab.people["bruno"]


def test_what_changed_since_the_page_was_drawn_is_shown_first(fablab, browse):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    offer(fablab, uid)
    client = browse("chloe")
    page = f"/handovers/{offers()[0].uid}"
    order = fablab.order("bench", slot("2027-03-30 10:00-11:00"), "bruno")
    commands.move(uid, order, by=fablab.people["bruno"], is_team=False, now=clock.now())

    answer = submit(client, page, f"{page}/answer", answer="yes", revision="0")

    assert answer.status_code == 409
    assert "Tomorrow, 10:00–11:00" in words(client.get("/bookings/").text)
    assert row(uid).member_id == fablab.people["bruno"]
    assert respond(client, "yes").status_code == 303


def test_taken_back_meanwhile_the_answer_is_too_late(fablab, browse):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    offer(fablab, uid)
    client = browse("chloe")
    client.get(f"/handovers/{offers()[0].uid}")
    handovers.take_back(uid, by=fablab.people["bruno"], now=clock.now())

    answer = respond(client, "yes")

    said = words(client.get(answer.location).text)
    assert "It is too late to answer" in said
    assert "Bruno Lefil keeps this booking after all." in said


@pytest.mark.parametrize(
    "typed",
    [
        {"answer": ""},
        {"answer": "perhaps"},
        {"answer": "yes", "revision": "one"},
        {"answer": "yes", "organization": "\0"},
        {"answer": "yes", "organization": "9" * 30},
        {"answer": "yes", "buddy": "x" * 10_000},
        {"answer": "yes", "buddy": "a\0b"},
    ],
)
def test_what_cannot_be_read_changes_nothing(fablab, browse, typed):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    offer(fablab, uid)

    assert respond(browse("chloe"), **typed).status_code == 422
    assert row(uid).member_id == fablab.people["bruno"]


def test_what_is_offered_to_others_does_not_exist(fablab, browse):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    offer(fablab, uid)

    for who in ("bruno", "amina"):
        client = browse(who)
        assert client.get(f"/handovers/{offers()[0].uid}").status_code == 404
        action = f"/handovers/{offers()[0].uid}/answer"
        assert submit(client, "/bookings/", action, answer="yes").status_code == 404
    assert browse("chloe").get(f"/handovers/{NOBODYS}").status_code == 404


def test_the_mail_answers_without_signing_in(fablab, browse):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    offer(fablab, uid)
    link = letter(fablab)
    [mail] = mails("handover_offer")
    assert mail.recipient == "chloe@atelier.example"
    assert link in mail.text
    client = browse(None)
    assert "Bruno Lefil offers you this booking." in words(client.get(link).text)
    assert row(uid).member_id == fablab.people["bruno"]

    answer = submit(client, link, link, answer="yes")

    assert (answer.status_code, answer.location) == (303, link)
    assert row(uid).member_id == fablab.people["chloe"]


def test_the_link_of_somebody_else_or_past_its_time_opens_nothing(fablab, browse, at):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    offer(fablab, uid)
    client = browse(None)

    assert client.get(letter(fablab, "amina")).status_code == 404
    assert client.get(letter(fablab)[:-1]).status_code == 404
    at("2027-03-30 14:00")
    assert client.get(letter(fablab)).status_code == 404


def test_the_pages_cost_a_bounded_number_of_statements(app, fablab, browse):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    offer(fablab, uid)
    client, other = browse("chloe"), browse("bruno")
    pages = ((client, f"/handovers/{offers()[0].uid}"), (other, f"/bookings/{uid}"))
    for reader, page in (*pages, (client, "/bookings/")):
        reader.get(page)
        with counting(db.engine) as statements:
            reader.get(page)
        assert len(statements) <= 14, page
