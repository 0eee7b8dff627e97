"""Mail servers on bad days: away, slow, strict, gone in the middle. Nothing is lost, nothing told
twice, and nobody who books notices.
"""

import os
import signal
import subprocess
from collections import Counter
from contextlib import ExitStack
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from sqlalchemy import select, update

from fablab import clock, jobs
from fablab.booking.models import Booking
from fablab.db import db, writing
from fablab.mail import delivery, outbox
from fablab.mail.kinds import Reason
from fablab.mail.models import OutgoingMail
from tests.conftest import browser, populate
from tests.mail.conftest import by, free_port, promise, promised
from tests.server import PATIENCE, Server, fablab_command
from tests.support import instant, submit
from tests.test_jobs import wait_until

DORA, CHLOE = "dora@atelier.example", "chloe@atelier.example"


@pytest.fixture
def any_through(any_app, monkeypatch):
    return lambda url: monkeypatch.setitem(any_app.config, "MAIL_URL", url)


def reasons() -> list[str]:
    return [mail.reason for mail in promised()]


# Whom it is about: a mail, or all of them


@pytest.mark.usefixtures("fablab")
@pytest.mark.parametrize(
    ("step", "says", "reason"),
    [
        ("MAIL", "550 5.7.1 not from there", Reason.SENDER),
        ("MAIL", "552 5.3.4 too large", Reason.CONTENT),
        ("RCPT", "550 5.1.1 nobody of that name", Reason.MAILBOX),
        ("RCPT", "550 5.7.1 not for you", Reason.RECIPIENT),
        ("DATA", "554 5.6.0 no such content here", Reason.CONTENT),
    ],
)
def test_what_is_refused_is_kept_with_the_reason(
    app, serve, through, postmaster, step, says, reason
):
    through(by(serve()))
    postmaster.says[step] = says
    promise()

    assert jobs.deliver_due(app) == 0
    [mail] = promised()
    assert mail.reason == reason
    assert says[4:] in mail.last_error
    assert mail.text


@pytest.mark.usefixtures("fablab")
def test_when_everyone_is_refused_each_mail_has_its_own_try(app, serve, through, postmaster):
    through(by(serve()))
    postmaster.says["RCPT"] = "450 4.3.2 not now"
    promise()
    promise(CHLOE)

    assert jobs.deliver_due(app) == 0
    assert [mail.tries for mail in promised()] == [1, 1]


@pytest.mark.usefixtures("fablab")
def test_a_refused_sender_costs_one_mail_its_try(app, serve, through, postmaster):
    through(by(serve()))
    postmaster.says["MAIL"] = "451 4.3.0 not now"
    promise()
    promise(CHLOE)

    assert jobs.deliver_due(app) == 0
    assert [mail.tries for mail in promised()] == [1, 0]


@pytest.mark.usefixtures("fablab")
def test_who_asks_to_come_back_later_gets_it_then(app, serve, through, postmaster, at):
    through(by(serve()))
    postmaster.greylists = True
    promise()
    promise(CHLOE)

    assert jobs.deliver_due(app) == 0
    at("2027-03-29 09:01")
    assert jobs.deliver_due(app) == 2
    assert [letter["To"] for letter in postmaster.got] == [DORA, CHLOE]


@pytest.mark.usefixtures("fablab")
def test_a_mail_that_cannot_be_written_is_put_off_and_holds_up_no_other(
    app, serve, through, postmaster, monkeypatch, at
):
    through(by(serve()))
    promise("désirée@atelier.example")
    promise("no address at all")
    promise()
    promise("chloe@atelier.example", subject="Odd")
    made = delivery.message

    def failing(mail, sender):
        if mail.subject == "Odd":
            raise KeyError("a mistake of ours")
        return made(mail, sender)

    monkeypatch.setattr(delivery, "message", failing)

    assert jobs.deliver_due(app) == 1

    mails = promised()
    assert [mail.sent_at is None for mail in mails] == [True, True, False, True]
    assert [mail.reason for mail in mails] == [Reason.UNWRITABLE] * 2 + [""] + [Reason.UNWRITABLE]
    assert "no mail address: 'no address at all'" in mails[1].last_error
    assert [letter["To"] for letter in postmaster.got] == [DORA]
    for _ in jobs.DELAYS:
        monkeypatch.setattr(clock, "now", lambda now=clock.now() + timedelta(days=2): now)
        jobs.deliver_due(app)
    assert [mail.parked_at is None for mail in promised()] == [False, False, True, False]


# Refusing everybody


@pytest.mark.usefixtures("fablab")
def test_a_server_that_does_not_let_us_in_is_told_from_one_that_refuses_a_mail(
    app, serve, through, postmaster, at
):
    through(by(serve("on demand"), login="fab:wrong@"))
    postmaster.lets_in = False
    promise()
    promise(CHLOE)

    assert jobs.deliver_due(app) == 0
    assert reasons() == [Reason.LOGIN] * 2
    assert [mail.tries for mail in promised()] == [1, 0]
    logins = len(postmaster.logins)

    assert jobs.deliver_due(app) == 0
    assert len(postmaster.logins) == logins  # who fails too often is shut out

    postmaster.lets_in = True
    at("2027-03-29 09:01")
    assert jobs.deliver_due(app) == 2


@pytest.mark.usefixtures("fablab")
@pytest.mark.parametrize(
    ("tls", "extra", "reason"),
    [("no", "?starttls=required", Reason.INSECURE), ("on demand", "", Reason.CERTIFICATE)],
)
def test_where_it_is_not_safe_nothing_is_said(
    app, serve, through, postmaster, monkeypatch, tls, extra, reason
):
    server = serve(tls)
    monkeypatch.delenv("SSL_CERT_FILE")
    through(by(server, extra))
    promise()

    assert jobs.deliver_due(app) == 0
    assert reasons() == [reason]
    assert postmaster.got == []


@pytest.mark.usefixtures("fablab")
def test_a_wrong_certificate_from_the_start_ends_it(app, serve, through, postmaster, monkeypatch):
    server = serve("from the start")
    monkeypatch.delenv("SSL_CERT_FILE")
    through(by(server, scheme="smtps", login="fab:secret@"))
    promise()

    assert jobs.deliver_due(app) == 0
    assert reasons() == [Reason.CERTIFICATE]
    assert postmaster.logins == []


# Gone in the middle


@pytest.mark.usefixtures("any_fablab")
@pytest.mark.parametrize("moment", ["before", "after"])
def test_gone_in_the_middle_it_gets_the_same_mail_again(
    any_app, serve, any_through, postmaster, at, moment
):
    any_through(by(serve()))
    postmaster.hangs_up = moment
    promise()

    assert jobs.deliver_due(any_app) == 0
    assert reasons() == [Reason.BROKEN_OFF]

    postmaster.hangs_up = ""
    at("2027-03-29 09:01")
    assert jobs.deliver_due(any_app) == 1
    [mail] = promised()
    assert {letter["Message-ID"] for letter in postmaster.got} == {mail.message_id}
    assert len(postmaster.got) == (1 if moment == "before" else 2)


@pytest.mark.usefixtures("fablab")
def test_a_mail_that_makes_the_server_hang_up_keeps_no_other_from_leaving(
    app, serve, through, postmaster
):
    through(by(serve()))
    postmaster.hangs_up = "before"
    promise()
    promise(CHLOE)
    jobs.deliver_due(app)

    postmaster.hangs_up = ""
    assert jobs.deliver_due(app) == 1
    assert [letter["To"] for letter in postmaster.got] == [CHLOE]


@pytest.mark.usefixtures("any_fablab")
def test_killed_between_sending_and_noting_it_is_sent_again_under_the_same_id(
    any_app, serve, postmaster
):
    server = serve()
    promise()
    folder = any_app.instance_path
    settings = {"MAIL_URL": by(server), "LOG_LEVEL": "WARNING"}
    url = any_app.config["DATABASE_URL"]
    runner = subprocess.Popen(**fablab_command("jobs", folder=folder, url=url, **settings))
    postmaster.takes = lambda: os.kill(runner.pid, signal.SIGKILL)

    assert runner.wait(PATIENCE) == -signal.SIGKILL
    [mail] = promised()
    assert (mail.sent_at, mail.tries) == (None, 1)

    postmaster.takes = lambda: None
    with writing() as session:  # five minutes later
        session.execute(update(OutgoingMail).values(due_at=mail.created_at))
    runner = subprocess.Popen(**fablab_command("jobs", folder=folder, url=url, **settings))
    try:
        assert wait_until(lambda: promised()[0].sent_at)
    finally:
        runner.terminate()
        assert runner.wait(PATIENCE) == 0
    assert [letter["Message-ID"] for letter in postmaster.got] == [mail.message_id] * 2


# Slow


def book(client, hour: int) -> int:
    """Book the bench for an hour on Tuesday over HTTP; the status of the answer."""
    slot = {"day": "2027-03-30", "start": f"{hour}:00", "end": f"{hour + 1}:00"}
    page = f"/bookings/new?machine=bench&{urlencode(slot)}"
    return submit(client, page, "/bookings/", machine="bench", **slot).status_code


def test_a_booking_waits_for_no_mail(any_app, any_fablab, serve, any_through, postmaster):
    any_through(by(serve()))
    postmaster.is_open.clear()
    promise()
    runner = jobs.Runner(any_app, every=600).start()
    try:
        assert postmaster.is_asked.wait(PATIENCE)  # and now it hangs, in the middle of the mail

        assert book(browser(any_app, "chloe"), 10) == 303
        assert postmaster.got == []
    finally:
        postmaster.is_open.set()
        assert wait_until(lambda: all(mail.sent_at for mail in promised()))
        runner.stop()
    assert DORA in [letter["To"] for letter in postmaster.got]


@pytest.mark.usefixtures("fablab")
def test_a_server_that_stalls_is_given_up_and_the_rest_of_the_work_is_done(
    app, serve, through, postmaster, monkeypatch
):
    monkeypatch.setattr(delivery, "TIMEOUT", 0.2)
    through(by(serve()))
    postmaster.is_open.clear()
    promise()
    promise(CHLOE)
    done = []
    monkeypatch.setattr(jobs.answers, "lapse", done.append)

    jobs.Runner(app).once()

    assert done == [clock.now()]
    first, second = promised()
    assert (first.reason, first.tries) == (Reason.BROKEN_OFF, 1)
    assert second.tries == 0


# Away for an hour


@pytest.mark.parametrize("is_back", ["10:00", "12:30"])
def test_down_for_an_hour_nothing_is_lost_doubled_or_out_of_order(
    any_app, any_fablab, serve, any_through, postmaster, monkeypatch, is_back
):
    port = free_port()
    any_through(f"smtp://127.0.0.1:{port}")
    chloe, runner = browser(any_app, "chloe"), jobs.Runner(any_app)
    now, back = instant("2027-03-29 09:00"), instant(f"2027-03-29 {is_back}")
    while now < back:
        monkeypatch.setattr(clock, "now", lambda now=now: now)
        minute = (now - instant("2027-03-29 09:00")) // timedelta(minutes=1)
        if minute < 60 and minute % 10 == 0:  # six bookings, each with two people to tell
            assert book(chloe, 10 + minute // 10) == 303
            promise(CHLOE, subject=f"{minute}")
            promise(DORA, subject=f"{minute}")
        runner.once()
        now += timedelta(minutes=1)
    assert postmaster.got == []
    assert all(mail.parked_at is None for mail in promised())

    serve(port=port)
    for _ in range(6):  # minutes
        monkeypatch.setattr(clock, "now", lambda now=now: now)
        runner.once()
        now += timedelta(minutes=1)

    ids = Counter(letter["Message-ID"] for letter in postmaster.got)
    assert ids == Counter(mail.message_id for mail in promised())
    assert set(ids.values()) == {1}
    for who in (CHLOE, DORA):
        told = [letter["Subject"] for letter in postmaster.got if letter["To"] == who]
        assert [said for said in told if said.isdigit()] == ["0", "10", "20", "30", "40", "50"]
    assert len(db.session.scalars(select(Booking.id).where(Booking.standing)).all()) == 6


@pytest.mark.usefixtures("fablab")
def test_what_is_promised_last_leaves_at_once_when_the_server_is_back_and_not_before_the_rest(
    app, serve, through, postmaster, at
):
    port = free_port()
    through(f"smtp://127.0.0.1:{port}")
    promise(subject="first")
    for now in ("09:00", "09:01", "09:06", "09:21", "10:21"):
        at(f"2027-03-29 {now}")
        jobs.deliver_due(app)
    assert promised()[0].due_at > instant("2027-03-29 12:00")

    serve(port=port)
    at("2027-03-29 10:30")
    promise(subject="second")
    assert jobs.deliver_due(app) == 2

    assert [letter["Subject"] for letter in postmaster.got] == ["first", "second"]


@pytest.mark.usefixtures("fablab")
def test_a_server_that_is_back_is_noticed_before_it_is_the_turn_of_any_mail(
    app, serve, through, postmaster, at
):
    port, runner = free_port(), jobs.Runner(app)
    through(f"smtp://127.0.0.1:{port}")
    promise()
    for now in ("09:00", "09:01", "09:06", "09:21"):  # the next one is at 10:21
        at(f"2027-03-29 {now}")
        runner.once()
    serve(port=port)

    at("2027-03-29 09:25")
    runner.once()
    assert postmaster.conversations == 0  # not every few seconds
    at("2027-03-29 09:26")
    runner.once()
    assert len(postmaster.got) == 1


@pytest.mark.usefixtures("fablab")
def test_while_nobody_answers_one_mail_a_minute_has_its_try(app, through, at):
    through(f"smtp://127.0.0.1:{free_port()}")
    for number in range(20):
        promise(f"{number}@atelier.example")

    for now in ("09:00", "09:00", "09:01", "09:01"):
        at(f"2027-03-29 {now}")
        jobs.deliver_due(app)

    assert sum(mail.tries for mail in promised()) == 2
    assert set(reasons()) == {Reason.AWAY}


# In turn


@pytest.mark.usefixtures("any_fablab")
def test_a_mail_waits_for_the_one_before_it_to_the_same_address():
    promise(subject="first")
    promise(subject="second")
    promise(CHLOE)

    taken = [jobs.claim(clock.now()) for _ in range(3)]

    assert [mail and mail.recipient for mail in taken] == [DORA, CHLOE, None]
    jobs.settle(taken[0].id, sent_at=clock.now())
    assert jobs.claim(clock.now()).subject == "second"


@pytest.mark.usefixtures("any_fablab")
def test_a_mail_waits_for_one_that_another_runner_found_no_server_for():
    promise(subject="first")
    promise(subject="second")
    later = clock.now() + timedelta(hours=1)
    jobs.settle(promised()[0].id, reason=Reason.AWAY, due_at=later, tries=1)

    assert jobs.claim(clock.now()) is None
    assert jobs.claim(clock.now(), in_turn=False).subject == "second"


@pytest.mark.usefixtures("any_fablab")
def test_a_mail_waits_for_none_that_was_refused_by_itself(any_app, serve, any_through, postmaster):
    any_through(by(serve()))
    postmaster.says["DATA"] = "554 5.7.1 looks like advertising"
    promise(subject="first")
    jobs.deliver_due(any_app)

    postmaster.says.clear()
    promise(subject="second")
    assert jobs.deliver_due(any_app) == 1
    assert [letter["Subject"] for letter in postmaster.got] == ["second"]


@pytest.mark.usefixtures("fablab")
def test_who_died_with_a_mail_in_hand_keeps_the_next_waiting_five_minutes(app, at):
    promise()
    jobs.claim(clock.now())
    promise()

    assert jobs.deliver_due(app) == 0
    at("2027-03-29 09:05")
    assert jobs.deliver_due(app) == 2


# Two runners


def test_the_service_and_a_runner_beside_it_deliver_each_mail_once(any_app, serve, postmaster):
    populate()
    server = serve()
    folder, url = any_app.instance_path, any_app.config["DATABASE_URL"]
    settings = {"MAIL_URL": by(server), "LOG_LEVEL": "WARNING"}
    for number in range(40):
        promise(f"{number % 7}@atelier.example", subject=f"{number}")
    command = fablab_command("jobs", folder=folder, url=url, **settings)
    with ExitStack() as running:
        beside = running.enter_context(subprocess.Popen(**command))
        running.callback(beside.terminate)
        running.enter_context(Server(folder, url, **settings))
        assert wait_until(lambda: all(mail.sent_at for mail in promised()), 60)

    assert Counter(letter["Message-ID"] for letter in postmaster.got) == Counter(
        mail.message_id for mail in promised()
    )
    for who in range(7):
        told = [int(m["Subject"]) for m in postmaster.got if m["To"] == f"{who}@atelier.example"]
        assert told == sorted(told)


# One conversation for many


@pytest.mark.usefixtures("fablab")
def test_many_mails_go_in_one_conversation(app, serve, through, postmaster):
    through(by(serve()))
    for number in range(5):
        promise(f"{number}@atelier.example")

    assert jobs.deliver_due(app) == 5
    assert postmaster.conversations == 1


@pytest.mark.usefixtures("fablab")
def test_a_server_with_enough_of_one_conversation_is_offered_another(
    app, serve, through, postmaster
):
    through(by(serve()))
    postmaster.most = 2
    for number in range(5):
        promise(f"{number}@atelier.example")

    assert jobs.deliver_due(app) == 5
    assert postmaster.conversations == 3
    assert [mail.tries for mail in promised()] == [1] * 5


@pytest.mark.usefixtures("fablab")
def test_a_conversation_that_ended_between_two_mails_is_begun_again(
    app, serve, through, postmaster
):
    through(by(serve()))
    with delivery.connected(app) as deliver:
        promise()
        deliver(promised()[0])
        promise(CHLOE)
        postmaster.hang_up()
        deliver(promised()[1])

    assert len(postmaster.got) == 2


@pytest.mark.usefixtures("fablab")
def test_after_a_refusal_the_conversation_goes_on(app, serve, through, postmaster):
    through(by(serve()))
    postmaster.refuses = DORA
    promise()
    promise(CHLOE)
    promise("bruno@atelier.example")

    assert jobs.deliver_due(app) == 2
    assert postmaster.conversations == 1


@pytest.mark.usefixtures("any_fablab")
def test_a_long_queue_lets_other_work_have_its_turn(any_app, monkeypatch):
    monkeypatch.setattr(jobs, "ROUND", 0.0)
    for number in range(3):
        promise(f"{number}@atelier.example")
    outbox.something_to_send.clear()

    assert jobs.deliver_due(any_app) == 1
    assert outbox.something_to_send.is_set()  # and comes back at once
    assert jobs.deliver_due(any_app) == jobs.deliver_due(any_app) == 1


# Still of use?


@pytest.mark.usefixtures("any_fablab")
@pytest.mark.parametrize(("useless_at", "left"), [("09:00", 0), ("09:01", 1)])
def test_a_mail_that_would_only_be_in_the_way_is_dropped(any_app, useless_at, left):
    until = instant(f"2027-03-29 {useless_at}")
    promise(envelope=outbox.Envelope(useless_at=until, calendar="x", unsubscribe="y"))

    assert jobs.deliver_due(any_app) == left
    [mail] = promised()
    assert (mail.dropped_at is None, mail.sent_at is None) == (bool(left), not left)
    assert (mail.text, mail.html, mail.calendar, mail.unsubscribe) == ("", "", "", "")
    assert mail.reason == ("" if left else Reason.LATE)
    assert jobs.deliver_due(any_app) == 0


@pytest.mark.usefixtures("any_fablab")
def test_what_waits_until_it_is_useless_is_dropped_and_what_was_refused_is_still_told():
    soon = outbox.Envelope(useless_at=instant("2027-03-29 10:00"))
    for _ in range(3):
        promise(envelope=soon)
    put_off, parked, sent = promised()
    jobs.settle(put_off.id, reason=Reason.AWAY, due_at=instant("2027-03-29 18:00"))
    jobs.settle(parked.id, reason=Reason.MAILBOX, parked_at=clock.now())
    jobs.settle(sent.id, sent_at=clock.now())

    jobs.tidy(instant("2027-03-29 09:59"))
    assert reasons() == [Reason.AWAY, Reason.MAILBOX, ""]
    jobs.tidy(instant("2027-03-29 10:00"))
    assert reasons() == [Reason.LATE, Reason.MAILBOX, ""]
    assert [mail.text == "" for mail in promised()] == [True, False, False]


@pytest.mark.usefixtures("any_fablab")
def test_a_mail_is_asked_whether_it_is_still_true_when_it_leaves(any_app):
    promise(envelope=outbox.Envelope(topic="a"))
    promise(envelope=outbox.Envelope(topic="b"))
    promise()
    asked = []

    def is_still_true(mail, now):
        asked.append((mail.topic, now))
        return mail.topic == "b"

    assert jobs.deliver_due(any_app, is_still_true=is_still_true) == 2
    assert asked == [("a", clock.now()), ("b", clock.now())]
    assert reasons() == [Reason.UNTRUE, "", ""]
    assert promised()[0].dropped_at == clock.now()


@pytest.mark.usefixtures("fablab")
def test_a_question_that_fails_is_asked_again_and_holds_up_no_other(app, at):
    promise(envelope=outbox.Envelope(topic="a"))
    promise(CHLOE)

    def failing(_mail, _now):
        raise LookupError("a mistake of ours")

    assert jobs.deliver_due(app, is_still_true=failing) == 1
    at("2027-03-29 09:01")
    assert jobs.deliver_due(app) == 1


@pytest.mark.usefixtures("any_fablab")
def test_what_is_overtaken_is_dropped_in_the_transaction_of_what_overtakes_it(any_app):
    promise(envelope=outbox.Envelope(topic="a"))
    promise(CHLOE, envelope=outbox.Envelope(topic="a"))
    with writing() as session:
        outbox.drop(session, "a", DORA, now=clock.now())

    with writing() as session:
        outbox.drop(session, "a", DORA, now=clock.now() + timedelta(minutes=1))

    assert jobs.deliver_due(any_app) == 1
    first, second = promised()
    assert (first.dropped_at, first.reason, first.text) == (clock.now(), Reason.OVERTAKEN, "")
    assert second.sent_at == clock.now()


@pytest.mark.usefixtures("any_fablab")
def test_what_is_dropped_while_it_fails_is_not_tried_again(
    any_app, serve, any_through, postmaster, at
):
    any_through(by(serve()))
    postmaster.says["DATA"] = "451 4.3.0 not now"
    promise(envelope=outbox.Envelope(topic="a"))

    def overtaken(mail, now):
        with writing() as session:
            outbox.drop(session, "a", DORA, now=now)
        return True

    jobs.deliver_due(any_app, is_still_true=overtaken)
    postmaster.says.clear()
    at("2027-03-29 09:01")
    assert jobs.deliver_due(any_app) == 0


@pytest.mark.usefixtures("any_fablab")
def test_dropped_mails_are_forgotten_after_thirty_days():
    promise(envelope=outbox.Envelope(topic="a"))
    with writing() as session:
        outbox.drop(session, "a", DORA, now=clock.now())

    jobs.tidy(instant("2027-04-28 09:00"))
    assert len(promised()) == 1
    jobs.tidy(instant("2027-04-28 09:01"))
    assert promised() == []
