"""The background work: which mails are due, by whom, and what is kept no longer than promised."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from fablab import clock, jobs
from fablab.db import db, writing
from fablab.mail import outbox
from fablab.mail.models import OutgoingMail
from fablab.members import commands
from fablab.members.kinds import AttemptKind
from fablab.members.models import Attempt, EndedSession, MailedLink, Member, Membership
from fablab.members.throttle import admit
from tests.mail.conftest import promise, promised
from tests.support import counting, instant


def files(app) -> list[Path]:
    return sorted((Path(app.instance_path) / "outbox").glob("*.eml"))


def wait_until(is_so, seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.02)
    return is_so()


@pytest.fixture
def runner(app):
    """Looks every ten minutes by itself: what happens sooner was rung for."""
    runner = jobs.Runner(app, every=600)
    yield runner
    if runner._thread.ident:
        runner.stop()


# Which mails, and by whom


@pytest.mark.usefixtures("any_fablab")
def test_a_mail_is_delivered_when_its_transaction_has_committed(any_app):
    def deliver() -> int:
        with any_app.app_context():
            return jobs.deliver_due(any_app)

    with ThreadPoolExecutor(1) as elsewhere:
        with writing() as session:
            outbox.post(
                session, kind="t", recipient="a@b.example", subject="", text="x", now=clock.now()
            )
            assert elsewhere.submit(deliver).result() == 0
        assert elsewhere.submit(deliver).result() == 1


@pytest.mark.usefixtures("any_fablab")
def test_of_several_runners_one_delivers_a_mail(any_app):
    for number in range(24):
        promise(f"{number}@atelier.example")

    def deliver(_number: int) -> int:
        with any_app.app_context():
            return jobs.deliver_due(any_app)

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(deliver, range(4))) == 24
    assert [mail.tries for mail in promised()] == [1] * 24
    assert len(files(any_app)) == 24


@pytest.mark.usefixtures("any_fablab")
def test_a_mail_whose_runner_died_is_taken_up_after_five_minutes(any_app, at):
    promise()
    assert jobs.claim(clock.now())

    assert jobs.deliver_due(any_app) == 0
    at("2027-03-29 09:05")
    assert jobs.deliver_due(any_app) == 1


@pytest.mark.usefixtures("any_fablab")
def test_what_is_due_first_leaves_first(any_app):
    for number in (3, 1, 2):
        promise(f"{number}@atelier.example", now=clock.now() - timedelta(minutes=number))

    taken = [jobs.claim(clock.now()).recipient[0] for _ in range(3)]

    assert taken == ["3", "2", "1"]


@pytest.mark.usefixtures("any_fablab")
def test_a_mail_that_a_wrong_clock_put_off_for_years_leaves_now(any_app):
    promise(now=instant("2031-03-29 09:00"))

    assert jobs.deliver_due(any_app) == 1


@pytest.mark.usefixtures("any_fablab")
def test_a_look_that_finds_nothing_makes_nobody_wait(any_app):
    with counting(db.engine) as statements:
        assert jobs.deliver_due(any_app) == 0

    assert [each.split()[0] for each in statements] == ["SELECT"]


# The thread


@pytest.mark.usefixtures("fablab")
def test_a_mail_leaves_soon_after_it_was_promised(app, runner):
    runner.start()
    promise()

    assert wait_until(lambda: len(files(app)) == 1)


@pytest.mark.usefixtures("fablab")
def test_what_was_promised_before_it_started_leaves_too(app, runner):
    promise()

    runner.start()

    assert wait_until(lambda: len(files(app)) == 1)


@pytest.mark.usefixtures("fablab")
def test_it_stops_when_told_to_and_leaves_the_rest_for_later(app, runner, monkeypatch):
    for number in range(3):
        promise(f"{number}@atelier.example")
    connected = jobs.delivery.connected

    @contextmanager
    def stopping_after_one(app):
        def one(mail):
            deliver(mail)
            runner._stop.set()

        with connected(app) as deliver:
            yield one

    monkeypatch.setattr(jobs.delivery, "connected", stopping_after_one)
    runner.start()
    runner.stop()

    assert not runner._thread.is_alive()
    assert len(files(app)) == 1
    assert [mail.sent_at is None for mail in promised()] == [False, True, True]


@pytest.mark.usefixtures("fablab")
def test_it_stops_at_once_when_it_has_nothing_to_do(runner):
    runner.start()

    runner.stop()

    assert not runner._thread.is_alive()


@pytest.mark.usefixtures("fablab")
def test_it_goes_on_after_an_error(app, runner, monkeypatch, caplog):
    deliver_due, failures = jobs.deliver_due, [RuntimeError("a mistake of ours")]

    def failing_once(*args):
        if failures:
            raise failures.pop()
        return deliver_due(*args)

    monkeypatch.setattr(jobs, "deliver_due", failing_once)
    runner.start()
    assert wait_until(lambda: not failures)
    promise()

    assert wait_until(lambda: len(files(app)) == 1)
    assert "background work failed" in caplog.text


@pytest.mark.usefixtures("fablab")
def test_what_goes_wrong_with_one_part_keeps_the_others_from_nothing(app, monkeypatch, caplog):
    done = []

    def fails(_now):
        raise ZeroDivisionError

    monkeypatch.setattr(jobs.invitations, "tell", fails)
    monkeypatch.setattr(jobs.reminders, "remind", fails)
    monkeypatch.setattr(jobs.digest, "send", done.append)
    monkeypatch.setattr(jobs.waits, "sweep", done.append)

    jobs.Runner(app).once()

    assert done == [clock.now(), clock.now()]
    assert caplog.text.count("background work failed") == 2


def test_it_tidies_once_an_hour(app, at, monkeypatch):
    tidied = []
    monkeypatch.setattr(jobs, "tidy", tidied.append)
    runner = jobs.Runner(app)

    for now in ("09:00", "09:30", "09:59", "10:00", "10:01", "08:00"):
        at(f"2027-03-29 {now}")
        runner.once()

    assert tidied == [instant(f"2027-03-29 {hour}") for hour in ("09:00", "10:00", "08:00")]


# What is kept no longer than promised


def count(model) -> int:
    found = db.session.scalar(select(func.count()).select_from(model))
    db.session.rollback()
    return found


@pytest.mark.usefixtures("any_fablab")
def test_mails_that_are_done_with_are_forgotten_after_thirty_days(at):
    for state in ("sent", "parked", "waiting"):
        promise(f"{state}@atelier.example")
    with writing() as session:
        for mail in session.scalars(select(OutgoingMail)):
            mail.sent_at = clock.now() if mail.recipient.startswith("sent") else None
            mail.parked_at = clock.now() if mail.recipient.startswith("parked") else None

    jobs.tidy(instant("2027-04-28 09:00"))
    assert count(OutgoingMail) == 3
    jobs.tidy(instant("2027-04-28 09:01"))
    assert [mail.recipient for mail in promised()] == ["waiting@atelier.example"]


def register(email: str) -> None:
    commands.register(
        email,
        "Dora",
        "Mèche",
        "un copeau de chêne",
        language="fr",
        address="192.0.2.1",
        now=clock.now(),
    )


def is_there(email: str) -> bool:
    found = db.session.scalar(select(Member.id).where(Member.email == email))
    db.session.rollback()
    return found is not None


@pytest.mark.usefixtures("any_fablab")
def test_an_account_that_nobody_proved_is_forgotten_after_seven_days():
    register("dora@atelier.example")

    jobs.tidy(instant("2027-04-05 09:00"))
    assert is_there("dora@atelier.example")
    jobs.tidy(instant("2027-04-05 09:01"))
    assert not is_there("dora@atelier.example")
    assert count(MailedLink) == 0


def test_an_account_that_the_team_knows_is_kept(any_fablab):
    with writing() as session:
        session.execute(
            Member.__table__.update().values(
                confirmed_at=None, created_at=instant("2026-01-01 09:00")
            )
        )

    jobs.tidy(clock.now())

    assert is_there("bruno@atelier.example")
    assert count(Membership) == 3


@pytest.mark.usefixtures("any_fablab")
def test_a_proven_account_without_membership_is_kept():
    register("dora@atelier.example")
    with writing() as session:
        session.execute(Member.__table__.update().values(confirmed_at=clock.now()))

    jobs.tidy(instant("2027-08-01 09:00"))

    assert is_there("dora@atelier.example")


@pytest.mark.usefixtures("any_fablab")
def test_links_and_tries_are_forgotten_when_they_count_no_more():
    commands.ask_reset("bruno@atelier.example", language="fr", address="192.0.2.1", now=clock.now())
    admit(AttemptKind.SIGN_IN, "bruno@atelier.example", "192.0.2.1", clock.now())

    jobs.tidy(instant("2027-03-30 09:00"))
    assert (count(MailedLink), count(Attempt)) == (1, 2)
    jobs.tidy(instant("2027-03-30 10:01"))
    assert (count(MailedLink), count(Attempt)) == (0, 0)


@pytest.mark.usefixtures("any_fablab")
def test_an_ended_session_is_remembered_until_it_would_have_ended():
    commands.sign_out("a" * 64, instant("2027-04-28 09:00"))

    jobs.tidy(instant("2027-04-28 09:00"))
    assert count(EndedSession) == 1
    jobs.tidy(instant("2027-04-28 09:01"))
    assert count(EndedSession) == 0
