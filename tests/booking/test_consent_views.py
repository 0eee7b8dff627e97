"""Answering a question on screen and by the link of a mail, as each person sees it."""

import re
from typing import Any

import pytest
from sqlalchemy import update

from fablab import clock
from fablab.booking import commands, consent_letters, consents
from fablab.booking.consents import Wanted
from fablab.booking.kinds import Answer
from fablab.db import db, writing
from fablab.machines.kinds import MachineState, Status
from fablab.machines.models import Machine
from fablab.members.models import Member
from tests.booking.conftest import change, words
from tests.booking.test_consents import (
    BUDDY,
    COMPANY,
    OWNER,
    TEAM,
    asked_of,
    disqualify,
    happened,
    mails,
    own_the_laser,
    pending,
    say,
    status,
    with_buddy,
)
from tests.support import counting, submit

NOBODYS = "0f8fad5b-d9cb-469f-a165-70867728950e"


def page_of(uid: str, n: int = 0) -> str:
    return f"/consents/{asked_of(uid)[n].uid}"


def respond(client: Any, uid: str, yes: bool, n: int = 0, **typed: str) -> Any:
    page = page_of(uid, n)
    answer = "yes" if yes else "no"
    return submit(client, page, f"{page}/answer", answer=answer, **typed)


# -- on screen


@pytest.mark.parametrize("kind", [TEAM, COMPANY])
def test_the_team_reads_the_question_and_says_yes(fablab, browse, kind):
    uid = pending(fablab, Wanted(kind))
    page = words(browse("amina").get(page_of(uid)).text)
    assert "Bruno Lefil" in page
    assert "Laser cutter Tomorrow, 14:00–16:00" in page
    assert "Answer before Monday 29 March 21:00" in page

    answer = respond(browse("amina"), uid, True)

    assert (answer.status_code, answer.location) == (303, page_of(uid))
    assert status(uid) == Status.CONFIRMED
    assert "The answer is yes." in words(browse("amina").get(page_of(uid)).text)


def test_a_no_of_the_team_wants_a_reason_and_says_it(fablab, browse):
    uid = pending(fablab, Wanted(TEAM))

    refused = respond(browse("amina"), uid, False, why="  ")
    assert refused.status_code == 422
    assert "Say why" in refused.text
    assert status(uid) == Status.PENDING
    respond(browse("amina"), uid, False, why="The lens is being cleaned")

    assert status(uid) == Status.CANCELLED
    page = words(browse("bruno").get(f"/bookings/{uid}").text)
    assert "Declined by Amina: The lens is being cleaned" in page


@pytest.mark.parametrize("typed", ["a\0b", "x" * 10_000, "\u202egnissap", "a\r\nb"])
def test_an_odd_reason_is_an_error_of_its_field(fablab, browse, typed):
    uid = pending(fablab, Wanted(TEAM))

    answer = respond(browse("amina"), uid, False, why=typed)

    assert answer.status_code == 422
    assert status(uid) == Status.PENDING


@pytest.mark.parametrize("answer", ["", "maybe", "YES", "1"])
def test_what_is_neither_yes_nor_no_answers_nothing(fablab, browse, answer):
    uid = pending(fablab, Wanted(TEAM))
    page = page_of(uid)

    refused = submit(browse("amina"), page, f"{page}/answer", answer=answer, why="Why not")

    assert refused.status_code == 422
    assert "Answer yes or no." in refused.text
    assert 'value="Why not"' in refused.text
    assert status(uid) == Status.PENDING


@pytest.mark.parametrize("who", ["bruno", "chloe"])
def test_to_whoever_is_not_asked_there_is_no_question(fablab, browse, who):
    uid = pending(fablab, Wanted(TEAM))
    nothing = browse(who).get(f"/consents/{NOBODYS}")
    page = page_of(uid)

    shown = browse(who).get(page)
    # a form of another page brings the token
    sent = submit(browse(who), "/account/", f"{page}/answer", answer="yes")

    assert (shown.status_code, sent.status_code) == (404, 404)
    assert words(shown.text) == words(nothing.text)
    assert status(uid) == Status.PENDING


def test_the_purpose_is_for_the_team_alone(fablab, browse):
    own_the_laser(fablab, "chloe")
    uid = pending(fablab, Wanted(TEAM), Wanted(OWNER))
    with writing() as session:
        session.execute(update(commands.Occupancy.__table__).values(title="Secret lamp"))

    assert "Secret lamp" in browse("amina").get(page_of(uid)).text
    shown = browse("chloe").get(page_of(uid, 1))
    assert shown.status_code == 200
    assert "Secret lamp" not in shown.text


def test_a_second_answer_is_told_that_the_first_stands(fablab, browse):
    uid = pending(fablab, Wanted(TEAM))
    page = page_of(uid)
    respond(browse("amina"), uid, True)

    answer = submit(
        browse("amina"), "/account/", f"{page}/answer", answer="no", why="Changed my mind"
    )

    assert answer.status_code == 303
    assert status(uid) == Status.CONFIRMED


def test_once_due_the_page_takes_no_answer(fablab, browse, at):
    uid = pending(fablab, Wanted(TEAM))
    at("2027-03-29 21:00")

    page = browse("amina").get(page_of(uid)).text

    assert "This waits for an answer no more." in page
    assert "Yes, I agree" not in page


def test_the_buddy_agrees_and_takes_it_back(fablab, browse):
    uid = with_buddy(fablab)
    respond(browse("amina"), uid, True)
    page = page_of(uid)
    assert status(uid) == Status.CONFIRMED

    answer = submit(browse("amina"), page, f"{page}/taken-back")

    assert answer.status_code == 303
    assert status(uid) == Status.PENDING
    assert "The yes was taken back." in words(browse("amina").get(page).text)


def test_a_buddys_no_needs_no_reason(fablab, browse):
    uid = with_buddy(fablab)

    respond(browse("amina"), uid, False)

    assert [each.answer for each in asked_of(uid)] == [Answer.NO, None]


# -- what waits, on the pages of bookings


def test_a_buddy_finds_the_way_back(fablab, browse):
    uid = with_buddy(fablab)
    respond(browse("amina"), uid, True)
    mine = browse("amina").get("/bookings/").text
    assert "You are the buddy of Bruno Lefil." in words(mine)
    assert page_of(uid) in mine
    assert "Buddy Amina Rahal" in words(browse("bruno").get(f"/bookings/{uid}").text)

    page = page_of(uid)
    submit(browse("amina"), page, f"{page}/taken-back")

    assert "You are the buddy" not in browse("amina").get("/bookings/").text
    assert "Name a buddy" in browse("bruno").get(f"/bookings/{uid}").text


def test_a_buddys_reason_is_on_the_booking(fablab, browse):
    uid = with_buddy(fablab)

    respond(browse("amina"), uid, False, why="I am away")

    page = words(browse("bruno").get(f"/bookings/{uid}").text)
    assert "Amina Rahal cannot be the buddy. Reason given: I am away." in page
    assert "Amina cannot be the buddy: I am away" in page


def test_a_booking_that_was_declined_says_so_and_why(fablab, browse):
    uid = pending(fablab, Wanted(TEAM))

    respond(browse("amina"), uid, False, why="Lens is dirty")

    page = words(browse("bruno").get(f"/bookings/{uid}").text)
    assert "This booking was declined" in page
    assert "Reason given: Lens is dirty." in page


def test_what_waits_for_me_stands_above_my_bookings(fablab, browse):
    uid = pending(fablab, Wanted(TEAM))

    page = browse("amina").get("/bookings/").text

    assert "Waiting for your answer" in page
    assert page_of(uid) in page
    assert "Waiting for your answer" not in browse("bruno").get("/bookings/").text
    say(fablab, uid, True)
    assert "Waiting for your answer" not in browse("amina").get("/bookings/").text


def test_a_booking_says_what_it_waits_for(fablab, browse):
    amina = fablab.people["amina"]
    uid = pending(fablab, Wanted(TEAM), Wanted(BUDDY, amina))
    page = words(browse("bruno").get(f"/bookings/{uid}").text)
    assert "The team has to agree. Until Monday 29 March 21:00" in page
    assert "Amina Rahal has to agree to be the buddy." in page

    say(fablab, uid, True)
    say(fablab, uid, False, n=1)

    shown = browse("bruno").get(f"/bookings/{uid}").text
    drawn = re.findall(r"icons\.svg[^#]*#(\w+)", shown.partition('id="waits-for"')[2])
    assert drawn[:3] == ["check", "x", "hourglass"]
    page = words(shown)
    assert "The team has agreed." in page
    assert "Amina Rahal cannot be the buddy." in page
    assert "Somebody who is qualified has to be named as the buddy." in page


def test_what_a_booking_waits_for_is_asked_in_one_statement(fablab, browse):
    uid = pending(fablab, Wanted(TEAM), Wanted(COMPANY), Wanted(BUDDY))
    client = browse("bruno")
    client.get(f"/bookings/{uid}")

    with counting(db.engine) as statements:
        client.get(f"/bookings/{uid}")

    assert len([each for each in statements if "FROM consent" in each]) == 1


def test_a_buddy_who_may_no_longer_be_it_is_told_to_say_no(fablab, browse):
    uid = with_buddy(fablab)
    disqualify(fablab, "amina")
    client = browse("amina")

    answer = respond(client, uid, yes=True)

    assert answer.status_code == 303
    assert "You hold no valid qualification on this machine then: say no." in words(
        client.get(answer.location).text
    )
    assert (status(uid), asked_of(uid)[0].answer) == (Status.PENDING, None)


# -- naming a buddy


def name(client: Any, uid: str, email: str) -> Any:
    page = f"{page_of(uid)}/buddy"
    return submit(client, page, page, email=email)


def test_a_buddy_is_named_by_their_address(fablab, browse):
    uid = with_buddy(fablab, None)
    assert f"{page_of(uid)}/buddy" in browse("bruno").get(f"/bookings/{uid}").text

    answer = name(browse("bruno"), uid, "Amina@atelier.example")

    assert (answer.status_code, answer.location) == (303, f"/bookings/{uid}")
    assert [each.asked_id for each in asked_of(uid)] == [fablab.people["amina"]]
    assert happened(uid) == ["booked", "buddy_named"]


@pytest.mark.parametrize("who", ["bruno", "chloe", "nobody"])
def test_of_whoever_cannot_be_the_buddy_nothing_is_told(fablab, browse, who):
    uid = with_buddy(fablab, None)

    answer = name(browse("bruno"), uid, f"{who}@atelier.example")

    assert answer.status_code == 422
    assert "There is nobody at this address who can be the buddy" in answer.text
    assert f'value="{who}@atelier.example"' in answer.text
    assert [each.asked_id for each in asked_of(uid)] == [None]


@pytest.mark.parametrize("typed", ["", "amina", "a\0b@x.example", "x" * 10_000, "٢@٣"])
def test_what_is_no_address_names_nobody(fablab, browse, typed):
    uid = with_buddy(fablab, None)

    answer = name(browse("bruno"), uid, typed)

    assert answer.status_code == 422
    assert [each.asked_id for each in asked_of(uid)] == [None]


def test_nobody_is_named_for_a_machine_that_is_retired(fablab, browse):
    uid = with_buddy(fablab, None)
    client, page = browse("bruno"), f"{page_of(uid)}/buddy"
    change(Machine, "laser", state=MachineState.RETIRED)

    answer = submit(client, f"/bookings/{uid}", page, email="amina@atelier.example")

    assert answer.status_code == 404
    assert [each.asked_id for each in asked_of(uid)] == [None]


def test_somebody_else_names_no_buddy(fablab, browse):
    uid = with_buddy(fablab, None)

    assert browse("chloe").get(f"{page_of(uid)}/buddy").status_code == 404
    assert browse("amina").get(f"{page_of(uid)}/buddy").status_code == 200


# -- by mail


def link(kind: str = "consent_team", n: int = 0) -> str:
    consent_letters.send_questions(clock.now())
    found = re.search(r"http://127\.0\.0\.1:5000(/consents/by-mail/\S+)", mails(kind)[n].text)
    assert found
    return found[1]


def respond_by_mail(client: Any, page: str, answer: str, **typed: str) -> Any:
    return submit(client, page, page, answer=answer, **typed)


def test_the_link_of_a_mail_answers_without_signing_in(fablab, browse):
    uid = pending(fablab, Wanted(TEAM))
    page = link()
    assert "Bruno Lefil" in browse(None).get(page).text
    assert status(uid) == Status.PENDING  # to show it changes nothing

    answer = respond_by_mail(browse(None), page, "yes")

    assert (answer.status_code, answer.location) == (303, page)
    assert status(uid) == Status.CONFIRMED
    assert asked_of(uid)[0].answered_by_id == fablab.people["amina"]
    assert "The answer is yes." in words(browse(None).get(page).text)


def test_the_link_of_a_mail_speaks_its_readers_language(fablab, browse):
    pending(fablab, Wanted(TEAM))
    page, visitor = link(), browse(None)
    visitor.delete_cookie("language")
    assert '<html lang="fr"' in visitor.get(page).text
    with writing() as session:
        session.execute(update(Member.__table__).values(language="en"))

    assert '<html lang="en"' in visitor.get(page).text


def test_a_no_by_mail_wants_a_reason_too(fablab, browse):
    uid = pending(fablab, Wanted(TEAM))
    page = link()

    assert respond_by_mail(browse(None), page, "no").status_code == 422
    respond_by_mail(browse(None), page, "no", why="Closed that day")

    assert status(uid) == Status.CANCELLED


def test_the_link_ends_when_the_question_is_due(fablab, browse, at):
    pending(fablab, Wanted(TEAM))
    page = link()
    at("2027-03-29 20:59")
    assert browse(None).get(page).status_code == 200
    at("2027-03-29 21:00")

    assert browse(None).get(page).status_code == 404


@pytest.mark.parametrize(
    "token", ["x", "x" * 10_000, "WyJhIiwiYiJd.bad", "%00", "٢٠", "a.b.c", "e30"]
)
def test_a_link_we_never_signed_opens_nothing(fablab, browse, token):
    assert browse(None).get(f"/consents/by-mail/{token}").status_code == 404


def test_a_link_is_its_readers_own(fablab, browse):
    uid = pending(fablab, Wanted(TEAM))
    [consent] = asked_of(uid)
    chloe = db.session.scalar(db.select(Member.uid).filter_by(first_name="Chloé"))

    forged = consent_letters.token_for(consent.uid, chloe)

    assert browse(None).get(f"/consents/by-mail/{forged}").status_code == 404


def test_who_is_no_longer_named_holds_a_dead_link(fablab, browse):
    uid = with_buddy(fablab, "chloe")
    page = link("consent_buddy")
    with writing() as session:
        consent = db.session.get(consents.Consent, asked_of(uid)[0].id)
        session.add(consent)
        consent.asked_id = fablab.people["amina"]

    assert browse(None).get(page).status_code == 404


def test_an_erased_members_link_opens_nothing(fablab, browse):
    pending(fablab, Wanted(TEAM))
    page = link()
    with writing() as session:
        session.execute(
            update(Member.__table__)
            .where(Member.id == fablab.people["amina"])
            .values(erased_at=clock.now())
        )

    assert browse(None).get(page).status_code == 404


def test_the_link_is_never_logged_and_tells_no_other_site(fablab, browse, caplog):
    pending(fablab, Wanted(TEAM))
    page = link()

    answer = browse(None).get(page)

    token = page.rpartition("/")[2]
    assert token not in "\n".join(record.getMessage() for record in caplog.records)
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
