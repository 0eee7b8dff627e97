"""The mails about training sessions: what each says, to whom, and the event that goes with it."""

import pytest
from sqlalchemy import select

from fablab import clock, jobs
from fablab.db import db
from fablab.invitations import commands, queries, session_letters, sessions
from fablab.invitations.models import SessionInvitation
from fablab.mail import outbox
from fablab.members import mails as choices
from fablab.members.kinds import Channel, MailKind
from fablab.places.models import Place
from fablab.trainings import sessions as trainings
from fablab.trainings.models import SessionNotice
from fablab.trainings.queries import session
from fablab.trainings.sessions import Plan
from tests.calendars.support import address, change, plan_session, read
from tests.invitations.conftest import events, invited, kinds, letter, promised, set_member
from tests.support import counting, slot

AFTERNOON = slot("2027-04-06 14:00-16:00")
LATER = slot("2027-04-06 15:00-17:00")


def told() -> list:
    """What is promised by telling now."""
    before = len(promised())
    sessions.tell(clock.now())
    return promised()[before:]


def one_to(who: str, mails: list):
    """The mail that they, and not more than once, are sent."""
    [mail] = [mail for mail in mails if mail.recipient == f"{who}@atelier.example"]
    return mail


def register(fablab, uid: str, *who: str) -> None:
    for each in who:
        trainings.register(uid, fablab.people[each], now=clock.now())


def register_by_team(fablab, uid: str, who: str) -> None:
    people = fablab.people
    trainings.register_for(uid, people[who], by=people["amina"], now=clock.now())


def leave(fablab, uid: str, who: str) -> None:
    trainings.leave(uid, fablab.people[who], now=clock.now())


def move(fablab, uid: str, span=LATER, *, by="amina", **more) -> None:
    held = session(uid)
    machines = frozenset({fablab.machine("laser").id})
    as_it_is = {"seats": held.seats, "trainer_id": held.trainer_id, "machine_ids": machines}
    plan = Plan(span, **as_it_is | more)
    trainings.change(uid, plan, by=fablab.people[by], now=clock.now())


def cancel(fablab, uid: str, by="amina", why="The laser is broken.") -> None:
    trainings.cancel(uid, why, by=fablab.people[by], now=clock.now())


@pytest.fixture
def same(any_fablab, browse_any):
    """Holds a mail to what its reader's own calendar shows at this very moment."""
    phone = browse_any(None)
    addresses = {who: address(any_fablab, who) for who in any_fablab.people}

    def compare(who: str, mail) -> None:
        [shown] = read(phone, addresses[who])
        [sent] = events(mail).values()
        for name in (
            *("UID", "SEQUENCE", "STATUS", "SUMMARY", "DTSTART", "DTEND", "TRANSP"),
            *("LAST-MODIFIED", "CREATED", "URL", "LOCATION", "DESCRIPTION"),
        ):
            assert sent.get(name) == shown.get(name), name

    def is_gone(who: str) -> bool:
        return read(phone, addresses[who]) == []

    compare.is_gone = is_gone
    return compare


# -- the life of a seat, and of who gives a session


def test_the_life_of_a_seat_in_the_calendars_of_who_is_invited(any_fablab, same, at):
    change(Place, email="hello@atelier.example")
    uid = plan_session(any_fablab, AFTERNOON, seats=1)
    hers, his = [], []

    register(any_fablab, uid, "chloe")
    hers += told()
    same("chloe", hers[-1])
    at("2027-03-29 10:00")
    register(any_fablab, uid, "bruno")
    his += told()
    same("bruno", his[-1])
    at("2027-03-29 11:00")
    move(any_fablab, uid)
    mails = told()
    hers.append(one_to("chloe", mails))
    his.append(one_to("bruno", mails))
    same("chloe", hers[-1])
    same("bruno", his[-1])
    at("2027-03-29 12:00")
    leave(any_fablab, uid, "chloe")
    mails = told()
    hers.append(one_to("chloe", mails))
    his.append(one_to("bruno", mails))
    assert same.is_gone("chloe")
    same("bruno", his[-1])
    at("2027-03-29 13:00")
    cancel(any_fablab, uid)
    his += told()
    same("bruno", his[-1])

    assert kinds(hers) == ["session_registered", "session_changed", "session_left"]
    assert kinds(his) == [
        "session_registered",
        "session_changed",
        "session_seat",
        "session_cancelled",
    ]
    assert {mail.recipient for mail in hers} == {"chloe@atelier.example"}
    assert {mail.recipient for mail in his} == {"bruno@atelier.example"}
    mine, theirs = [invited(mail) for mail in hers], [invited(mail) for mail in his]
    assert [event.method for event in mine] == ["REQUEST", "REQUEST", "CANCEL"]
    assert [event.method for event in theirs] == ["REQUEST", "REQUEST", "REQUEST", "CANCEL"]
    assert {event.uid for event in mine + theirs} == {uid}
    assert [event.status for event in mine] == ["CONFIRMED", "CONFIRMED", "CANCELLED"]
    assert [event.status for event in theirs] == [
        "TENTATIVE",
        "TENTATIVE",
        "CONFIRMED",
        "CANCELLED",
    ]
    for life in (mine, theirs):
        numbers = [event.sequence for event in life]
        assert numbers == sorted(set(numbers))
    assert mine[-1].sequence == theirs[2].sequence
    assert [event.summary for event in theirs] == [
        "Waiting list: Training: Laser cutting",
        "Waiting list: Training: Laser cutting",
        "Training: Laser cutting",
        "Cancelled: Training: Laser cutting",
    ]
    assert mine[-1].summary == "Cancelled: Training: Laser cutting"
    assert [str(event["TRANSP"]) for event in events(hers[-1]).values()] == ["TRANSPARENT"]
    assert (mine[0].start, mine[1].start) == (AFTERNOON.start, LATER.start)
    assert mine[0].organizer == "mailto:hello@atelier.example"
    assert (mine[0].attendee, mine[0].attendance) == ("mailto:chloe@atelier.example", "ACCEPTED")
    assert {mail.topic for mail in hers + his} == {uid}
    assert {mail.useless_at for mail in hers[1:]} == {LATER.end}


def test_who_gives_a_session_has_it_in_their_calendar(any_fablab, same, at):
    people = any_fablab.people
    uid = plan_session(any_fablab, AFTERNOON, trainer_id=people["bruno"])
    [planned] = told()
    same("bruno", planned)
    at("2027-03-29 10:00")
    move(any_fablab, uid)
    [moved] = told()
    same("bruno", moved)
    at("2027-03-29 11:00")
    move(any_fablab, uid, trainer_id=people["chloe"])
    mails = told()
    taken, given = one_to("bruno", mails), one_to("chloe", mails)
    assert same.is_gone("bruno")
    same("chloe", given)
    at("2027-03-29 12:00")
    cancel(any_fablab, uid)
    [cancelled] = told()
    same("chloe", cancelled)

    assert kinds([planned, moved, taken, given, cancelled]) == [
        "session_giving",
        "session_changed",
        "session_replaced",
        "session_giving",
        "session_cancelled",
    ]
    his = [invited(mail) for mail in (planned, moved, taken)]
    assert [event.method for event in his] == ["REQUEST", "REQUEST", "CANCEL"]
    assert his[0].sequence < his[1].sequence < his[2].sequence
    assert his[0].summary == "Training you give: Laser cutting"
    assert (invited(given).method, invited(cancelled).method) == ("REQUEST", "CANCEL")
    assert "You give this training session:" in planned.text
    assert "You no longer give this training session:" in taken.text
    assert "give your seat back" not in moved.text + moved.html


def test_who_comes_back_is_invited_anew(any_fablab):
    uid = plan_session(any_fablab, AFTERNOON)
    mails = []
    for happens in (register, leave, register):
        happens(any_fablab, uid, "chloe")
        mails += told()

    first, gone, back = map(invited, mails)
    assert (first.method, gone.method, back.method) == ("REQUEST", "CANCEL", "REQUEST")
    assert first.sequence < gone.sequence < back.sequence
    assert back.status == "CONFIRMED"


def test_what_was_sent_is_remembered(any_fablab):
    uid = plan_session(any_fablab, AFTERNOON)
    register(any_fablab, uid, "chloe")
    told()
    leave(any_fablab, uid, "chloe")
    [left] = told()

    [kept] = db.session.execute(select(SessionInvitation.__table__)).all()
    assert kept.member_id == any_fablab.people["chloe"]
    assert (kept.sequence, bool(kept.is_cancelled)) == (invited(left).sequence, True)


# -- the words


@pytest.mark.parametrize(
    ("language", "seated", "waiting", "back"),
    [
        (
            "en",
            "You are registered for this training session:",
            "You are in the waiting list of this training session.",
            "You have given your place in this training session back:",
        ),
        (
            "fr",
            "Vous êtes inscrit·e à cette séance de formation",
            "Vous êtes en liste d’attente pour cette séance de formation.",
            "Vous avez rendu votre place dans cette séance de formation",
        ),
    ],
)
def test_ones_own_doing_is_told_in_ones_own_language(fablab, language, seated, waiting, back):
    for who in ("chloe", "bruno"):
        set_member(fablab, who, language=language)
    uid = plan_session(fablab, AFTERNOON, seats=1)
    register(fablab, uid, "chloe", "bruno")
    mails = told()
    leave(fablab, uid, "bruno")
    mails += told()

    for mail, said in zip(mails, (seated, waiting, back), strict=True):
        assert said in mail.text
        assert said in mail.html
        assert "\n\nLaser cutting\n" in mail.text


def test_the_team_registers_somebody(any_fablab):
    uid = plan_session(any_fablab, AFTERNOON, seats=1)
    register_by_team(any_fablab, uid, "chloe")
    register_by_team(any_fablab, uid, "bruno")
    seated, waiting = told()

    assert "The team has registered you for this training session:" in seated.text
    assert "because the team has registered you" in seated.text
    assert "The team has put you in the waiting list" in waiting.text
    assert [invited(mail).status for mail in (seated, waiting)] == ["CONFIRMED", "TENTATIVE"]


def test_the_mail_says_what_where_when_and_leads_to_its_page(fablab):
    change(Place, email="hello@atelier.example")
    uid = plan_session(fablab, AFTERNOON, location="Room 2")
    register(fablab, uid, "chloe")
    [mail] = told()

    assert mail.reply_to == "hello@atelier.example"
    assert mail.subject == "L'Atelier: you are registered for the session of Laser cutting"
    for body in (mail.text, mail.html):
        for said in ("Laser cutting", "Tuesday 6 April", "14:00–16:00", "Room 2"):
            assert said in body
        assert f"/trainings/sessions/{uid}" in body
        assert "give your seat back on its page" in body
    assert "Room 2\n\n" in mail.text
    assert "/mails/stop/" in mail.unsubscribe


def test_why_it_is_called_off_is_said(fablab):
    uid = plan_session(fablab, AFTERNOON)
    register(fablab, uid, "chloe")
    told()
    cancel(fablab, uid, why="No <power>")
    [mail] = told()

    assert "No <power>" in mail.text
    assert "No &lt;power&gt;" in mail.html


def test_a_seat_at_another_hour_than_was_waited_for_says_so(fablab):
    """Told without the tick too: they would come at the old hour."""
    choices.refuse(fablab.people["bruno"], MailKind.TRAININGS)
    uid = plan_session(fablab, AFTERNOON, seats=1)
    register(fablab, uid, "chloe", "bruno")
    told()
    move(fablab, uid, seats=2)
    mail = one_to("bruno", told())

    assert mail.kind == "session_seat"
    for body in (mail.text, mail.html):
        assert "Its hour or its place has changed since you registered." in body
        assert "15:00–17:00" in body
    assert "since you registered.\n\nhttp://" in mail.text
    assert mail.unsubscribe == ""


def test_a_seat_at_the_hour_that_was_waited_for_says_nothing_of_it(fablab):
    uid = plan_session(fablab, AFTERNOON, seats=1)
    register(fablab, uid, "chloe", "bruno")
    told()
    leave(fablab, uid, "chloe")
    mail = one_to("bruno", told())

    assert "has changed" not in mail.text + mail.html


# -- what is told, and what is not


def test_telling_twice_tells_once(any_fablab):
    register(any_fablab, plan_session(any_fablab, AFTERNOON), "chloe")

    assert sessions.tell(clock.now()) == 1
    assert sessions.tell(clock.now()) == 0
    assert len(promised()) == 1


def test_of_two_that_tell_at_once_one_does(any_fablab):
    register(any_fablab, plan_session(any_fablab, AFTERNOON), "chloe")
    [case] = sessions._cases(queries.untold_notices())
    both = [sessions._told(case, clock.now()) for _runner in range(2)]

    assert [sessions._promise(each, clock.now()) for each in both] == [True, False]
    assert len(promised()) == 1


def test_nothing_to_tell_costs_one_statement(fablab):
    with counting(db.engine) as statements:
        sessions.tell(clock.now())

    assert len(statements) == 1


def test_registering_promises_no_mail_by_itself_and_rings(fablab):
    """Whoever registers does not wait for words, nor the mail for the next look."""
    uid = plan_session(fablab, AFTERNOON)
    outbox.something_to_send.clear()
    register(fablab, uid, "chloe")

    assert promised() == []
    assert outbox.something_to_send.is_set()


def test_the_background_work_tells(app, fablab):
    register(fablab, plan_session(fablab, AFTERNOON), "chloe")

    jobs.Runner(app).once()

    assert kinds(promised()) == ["session_registered"]


def test_who_registers_and_leaves_within_a_moment_is_told_of_nothing(any_fablab):
    uid = plan_session(any_fablab, AFTERNOON)
    register(any_fablab, uid, "chloe")
    leave(any_fablab, uid, "chloe")

    assert told() == []
    untold = select(SessionNotice.id).where(SessionNotice.told_at.is_(None))
    assert db.session.scalars(untold).all() == []


def test_what_is_not_sent_yet_is_overtaken_by_what_is_newer(any_fablab):
    uid = plan_session(any_fablab, AFTERNOON)
    register(any_fablab, uid, "chloe", "bruno")
    told()
    leave(any_fablab, uid, "chloe")
    told()

    hers, his, left = promised()
    assert hers.dropped_at == clock.now()
    assert (hers.text, hers.html, hers.calendar) == ("", "", "")
    assert (his.dropped_at, left.dropped_at) == (None, None)


def test_what_is_over_is_not_told(fablab, at):
    register(fablab, plan_session(fablab, AFTERNOON), "chloe")
    at("2027-04-06 16:00")

    assert told() == []


def test_nobody_writes_to_an_erased_account(fablab):
    uid = plan_session(fablab, AFTERNOON)
    register(fablab, uid, "chloe")
    told()
    set_member(fablab, "chloe", erased_at=clock.now())
    cancel(fablab, uid)

    assert told() == []


def test_one_that_cannot_be_written_keeps_nobody_else_from_theirs(fablab, caplog, monkeypatch):
    register(fablab, plan_session(fablab, AFTERNOON), "bruno", "chloe")
    write = session_letters.letter

    def breaks_down(*args, to, **more):
        if to.first_name == "Bruno":
            raise ZeroDivisionError
        return write(*args, to=to, **more)

    monkeypatch.setattr(session_letters, "letter", breaks_down)

    assert [mail.recipient for mail in told()] == ["chloe@atelier.example"]
    assert "no mail could be written" in caplog.text


# -- who wants what


def test_whose_calendar_is_subscribed_hears_only_what_others_do(fablab):
    set_member(fablab, "chloe", channel=Channel.FEED)
    uid = plan_session(fablab, AFTERNOON)
    register(fablab, uid, "chloe")
    assert told() == []
    leave(fablab, uid, "chloe")
    assert told() == []
    register_by_team(fablab, uid, "chloe")
    [registered] = told()
    move(fablab, uid)
    [moved] = told()

    assert kinds([registered, moved]) == ["session_registered", "session_changed"]
    assert (registered.method, moved.method, moved.calendar) == ("", "", "")


def test_who_wants_words_gets_no_event(fablab):
    set_member(fablab, "chloe", channel=Channel.MAIL)
    register(fablab, plan_session(fablab, AFTERNOON), "chloe")
    [mail] = told()

    assert (mail.calendar, mail.method) == ("", "")
    assert [part.get_content_type() for part in letter(mail).walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]


def test_who_wants_nothing_gets_nothing(fablab):
    set_member(fablab, "chloe", channel=Channel.NONE)
    uid = plan_session(fablab, AFTERNOON)
    register(fablab, uid, "chloe")
    assert told() == []
    move(fablab, uid)
    assert told() == []
    cancel(fablab, uid)

    assert told() == []


def test_without_the_tick_only_what_one_would_come_for_nothing_for_is_told(any_fablab):
    choices.refuse(any_fablab.people["chloe"], MailKind.TRAININGS)
    uid = plan_session(any_fablab, AFTERNOON)
    register(any_fablab, uid, "chloe")
    assert told() == []
    move(any_fablab, uid)
    [moved] = told()
    cancel(any_fablab, uid)
    [cancelled] = told()

    assert kinds([moved, cancelled]) == ["session_changed", "session_cancelled"]
    assert (moved.unsubscribe, cancelled.unsubscribe) == ("", "")
    assert [invited(mail).method for mail in (moved, cancelled)] == ["REQUEST", "CANCEL"]


@pytest.mark.parametrize("channel", [Channel.FEED, Channel.MAIL])
def test_who_was_invited_and_chose_otherwise_since_is_still_told_there(fablab, channel):
    """Nothing else would take it out of their calendar."""
    uid = plan_session(fablab, AFTERNOON)
    register(fablab, uid, "chloe")
    told()
    set_member(fablab, "chloe", channel=channel)
    leave(fablab, uid, "chloe")
    [mail] = told()

    assert (mail.kind, invited(mail).method) == ("session_left", "CANCEL")


def test_who_was_never_invited_has_nothing_taken_out_of_their_calendar(fablab):
    set_member(fablab, "chloe", channel=Channel.MAIL)
    uid = plan_session(fablab, AFTERNOON)
    register(fablab, uid, "chloe")
    told()
    set_member(fablab, "chloe", channel=Channel.INVITATION)
    leave(fablab, uid, "chloe")
    [mail] = told()

    assert (mail.kind, mail.method, mail.calendar) == ("session_left", "", "")


# -- right before it is sent


def test_what_is_not_true_any_more_is_not_sent(any_fablab):
    uid = plan_session(any_fablab, AFTERNOON)
    register(any_fablab, uid, "chloe")
    [made] = told()
    assert commands.is_still_true(made, clock.now())
    cancel(any_fablab, uid)
    assert not commands.is_still_true(made, clock.now())
    [cancelled] = told()

    assert commands.is_still_true(cancelled, clock.now())


def test_what_ends_a_part_in_it_stays_true(fablab):
    uid = plan_session(fablab, AFTERNOON, trainer_id=fablab.people["bruno"])
    register(fablab, uid, "chloe")
    told()
    leave(fablab, uid, "chloe")
    move(fablab, uid, AFTERNOON, trainer_id=None)
    ended = told()
    cancel(fablab, uid)

    assert sorted(kinds(ended)) == ["session_left", "session_replaced"]
    assert all(commands.is_still_true(mail, clock.now()) for mail in ended)


def test_what_is_over_is_not_sent(fablab, at):
    register(fablab, plan_session(fablab, AFTERNOON), "chloe")
    [made] = told()
    at("2027-04-06 15:59")
    assert commands.is_still_true(made, clock.now())
    at("2027-04-06 16:00")

    assert not commands.is_still_true(made, clock.now())
