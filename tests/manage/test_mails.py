"""The team's page of mails: what has not left, why, and what can be done about it."""

import re
from datetime import timedelta

from sqlalchemy import update

from fablab import clock, jobs
from fablab.db import db, writing
from fablab.mail import outbox
from fablab.mail.kinds import Reason
from fablab.mail.models import OutgoingMail
from tests.conftest import browser
from tests.mail.conftest import promise, promised
from tests.manage.conftest import add_cast
from tests.manage.test_day import rows, text_of
from tests.support import counting, instant, submit

PAGE = "/manage/mails"
BRUNO, CHLOE = "bruno@atelier.example", "chloe@atelier.example"
CAPTION = "Mails, those that did not leave first"


def change(recipient: str, **values) -> str:
    """As the outbox has it by now; what its addresses are made of."""
    with writing() as session:
        of_it = OutgoingMail.recipient == recipient
        session.execute(update(OutgoingMail).where(of_it).values(**values))
    [uid] = {mail.message_id[1:37] for mail in promised() if mail.recipient == recipient}
    return uid


def park(recipient: str = BRUNO) -> str:
    promise(recipient, text="http://127.0.0.1:5000/password/reset/SECRET", html="<p>SECRET</p>")
    return change(
        recipient,
        parked_at=clock.now(),
        tries=10,
        reason=Reason.RECIPIENT,
        last_error="SMTPRecipientsRefused: 550 5.7.1 not <for> you",
    )


def listed(client, query: str = "") -> list[str]:
    return rows(client.get(PAGE + query).text, CAPTION)


def press(client, action: str):
    return submit(client, PAGE, action)


def test_what_did_not_leave_is_listed_first_with_what_is_to_be_done(cast, amina, at):
    promise("sent@atelier.example")
    change("sent@atelier.example", sent_at=clock.now(), text="", html="")
    park()
    promise(CHLOE, kind="wait_offer")
    change(CHLOE, due_at=clock.now() + timedelta(minutes=5), tries=2, reason=Reason.AWAY)
    promise("late@atelier.example")
    change("late@atelier.example", dropped_at=clock.now(), reason=Reason.LATE)

    parked, waiting, dropped, sent = listed(amina)

    assert parked.startswith("bruno@atelier.example Ça coupe à l&#39;atelier Test Not delivered")
    assert "refuses this address" in parked
    assert "550 5.7.1 not &lt;for&gt; you" in parked
    assert "10 tries, the last 29 Mar 9:00" in parked
    assert parked.endswith("Try again bruno@atelier.example Give up bruno@atelier.example")
    assert "Waiting list Waiting The mail server does not answer." in waiting
    assert "2 tries, the next 29 Mar 9:05" in waiting
    assert "Dropped It would have come too late to be of use. 29 Mar 9:00" in dropped
    assert sent.endswith("Sent 29 Mar 9:00")


def test_the_text_of_a_mail_is_never_shown(cast, amina):
    park()

    assert "SECRET" not in amina.get(PAGE).text


def test_one_asks_for_mails_in_one_state(cast, amina):
    park()
    promise(CHLOE)
    page = amina.get(PAGE).text

    assert [text_of(each) for each in re.findall(r'<nav class="segments.*?</nav>', page, re.S)] == [
        "All Not delivered (1) Waiting (1) Sent (0) Dropped (0)"
    ]
    assert len(listed(amina, "?state=parked")) == 1
    assert "chloe@" in listed(amina, "?state=waiting")[0]
    assert "There is no such mail." in amina.get(f"{PAGE}?state=sent").text
    assert len(listed(amina, "?state=odd")) == 2


def test_many_mails_come_in_pages_at_the_same_cost(any_app, any_fablab):
    add_cast(any_fablab)
    amina = browser(any_app, "amina")
    promise("0@atelier.example")
    amina.get(PAGE)
    with counting(db.engine) as few:
        amina.get(PAGE)
    for number in range(1, 60):
        promise(f"{number}@atelier.example")

    with counting(db.engine) as many:
        first = listed(amina)

    assert len(first) == 50
    assert len(listed(amina, "?page=2")) == 10
    assert len(listed(amina, "?page=99")) == 10
    assert f'href="{PAGE}?page=2"' in amina.get(PAGE).text
    assert len(many) == len(few) <= 8


def test_one_that_is_tried_again_keeps_its_id_and_has_all_its_tries_before_it(app, cast, amina, at):
    uid = park()
    at("2027-04-02 09:00")
    outbox.something_to_send.clear()

    page = press(amina, f"{PAGE}/{uid}/retry")

    assert page.status_code == 303
    assert "1 mail is sent again." in amina.get(PAGE).text
    [mail] = promised()
    assert (mail.parked_at, mail.tries, mail.due_at) == (None, 0, clock.now())
    assert (mail.reason, mail.last_error) == ("", "")
    assert mail.message_id[1:37] == uid
    assert outbox.something_to_send.is_set()
    assert jobs.deliver_due(app) == 1


def test_pressed_twice_a_mail_leaves_once(app, cast, amina):
    uid = park()
    token = amina.get(PAGE).text
    fields = {"csrf_token": re.search(r'name="csrf_token" value="([^"]+)"', token)[1]}

    amina.post(f"{PAGE}/{uid}/retry", data=fields)
    assert jobs.deliver_due(app) == 1
    amina.post(f"{PAGE}/{uid}/retry", data=fields)
    amina.post(f"{PAGE}/retry", data=fields)

    assert "No mail is left to be sent again." in amina.get(PAGE).text
    assert jobs.deliver_due(app) == 0


def test_all_that_are_stuck_are_tried_again_at_once_and_no_other(cast, amina):
    park(BRUNO)
    park("dora@elsewhere.example")
    promise(CHLOE)
    change(CHLOE, due_at=clock.now() + timedelta(hours=8), reason=Reason.CONTENT, tries=7)
    promise("new@atelier.example")
    jobs.settle(promised()[-1].id, due_at=clock.now() + jobs.LEASE, tries=1)  # being sent
    promise("sent@atelier.example")
    change("sent@atelier.example", sent_at=clock.now())
    promise("late@atelier.example")
    change(
        "late@atelier.example", dropped_at=clock.now(), reason=Reason.LATE, parked_at=clock.now()
    )

    press(amina, f"{PAGE}/retry")

    assert "3 mails are sent again." in amina.get(PAGE).text
    assert [mail.due_at == clock.now() for mail in promised()] == [True, True, True, False] + [
        True,
        True,
    ]
    assert [mail.tries for mail in promised()[:4]] == [0, 0, 0, 1]
    assert promised()[-1].dropped_at


def test_one_that_is_given_up_never_leaves_and_its_text_is_gone(app, cast, amina):
    uid = park()

    assert press(amina, f"{PAGE}/{uid}/drop").status_code == 303

    [mail] = promised()
    assert (mail.text, mail.html, mail.reason) == ("", "", Reason.GIVEN_UP)
    assert mail.dropped_at == clock.now()
    assert "Given up by the team." in amina.get(PAGE).text
    assert jobs.deliver_due(app) == 0


def test_what_has_left_is_not_given_up(cast, amina):
    promise(BRUNO)
    page = amina.get(PAGE).text
    uid = change(BRUNO, sent_at=clock.now())
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]

    amina.post(f"{PAGE}/{uid}/drop", data={"csrf_token": token})

    assert "This mail has left already" in amina.get(PAGE).text
    assert promised()[0].dropped_at is None


# Whose


def test_a_team_sees_the_mails_of_its_people_and_of_nobody_elses(browse, cast, annex):
    for who in ("bruno", "emile", "lina", "stranger"):
        park(f"{who}@atelier.example")

    def seen(who):
        return sorted(row.partition("@")[0] for row in listed(browse(who)))

    assert seen("amina") == ["bruno", "lina", "stranger"]
    assert seen("dora") == ["emile", "lina", "stranger"]
    assert "Not delivered (3)" in browse("amina").get(PAGE).text


def test_nobody_does_anything_with_the_mails_of_another_place(browse, cast, annex):
    uid = park(BRUNO)
    dora = browse("dora")
    token = re.search(r'name="csrf_token" value="([^"]+)"', dora.get(PAGE).text)[1]

    for deed in ("retry", "drop"):
        answer = dora.post(f"{PAGE}/{uid}/{deed}", data={"csrf_token": token})
        assert answer.status_code == 404
    dora.post(f"{PAGE}/retry", data={"csrf_token": token})

    assert promised()[0].parked_at == clock.now()


# Where one is told


def test_the_day_tells_of_mails_that_did_not_leave(browse, cast, annex):
    amina = browse("amina")
    assert "could not be delivered" not in amina.get("/manage/day").text

    park(BRUNO)

    assert "1 mail could not be delivered." in text_of(amina.get("/manage/day").text)
    assert f'href="{PAGE}?state=parked"' in amina.get("/manage/day").text
    assert "could not be delivered" not in browse("dora").get("/manage/day").text


def test_every_kind_of_mail_has_a_word(cast, amina):
    promise(BRUNO, kind="session_changed")
    promise(CHLOE, kind="consent_team")
    promise(BRUNO, kind="session_reminder")

    assert [each.split()[5] for each in listed(amina)] == ["Reminder", "Approval", "Training"]


def test_a_mail_waiting_longest_comes_first_of_those_that_wait(cast, amina, at):
    for minute, who in ((5, BRUNO), (1, CHLOE)):
        promise(who)
        change(who, due_at=instant(f"2027-03-29 09:0{minute}"), reason=Reason.CONTENT)

    assert [CHLOE in row for row in listed(amina)] == [True, False]


def test_a_server_that_is_away_is_said_to_be_when_every_mail_has_been_given_up_on(cast, amina, at):
    promise(CHLOE)
    change(CHLOE, parked_at=clock.now(), tries=10, reason=Reason.AWAY)
    assert "The mail server does not answer. No mail has left since" in text_of(
        amina.get(PAGE).text
    )
    at("2027-03-29 10:00")
    promise("sent@atelier.example")
    change("sent@atelier.example", sent_at=clock.now(), text="", html="")

    assert "No mail has left since" not in text_of(amina.get(PAGE).text)
