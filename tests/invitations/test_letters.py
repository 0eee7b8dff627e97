"""The mails about one booking: what each says, the event that goes with it, how they follow each
other.
"""

import re
from datetime import time, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from fablab import clock
from fablab.booking import answers, consents, series, waits
from fablab.booking import commands as bookings
from fablab.booking.absences import mark_missed
from fablab.booking.consents import Wanted
from fablab.booking.kinds import Answer, ConsentKind
from fablab.booking.models import Consent
from fablab.booking.waits import Wish
from fablab.db import db, writing
from fablab.invitations import commands
from fablab.invitations.models import Invitation
from fablab.machines.models import Change, Machine, Occupancy
from fablab.mail.models import OutgoingMail
from fablab.members import mails as choices
from fablab.members.kinds import Channel, MailKind
from fablab.places.models import Opening, Place
from tests.calendars.support import address, change, open_every_day, read
from tests.conftest import browser
from tests.invitations.conftest import events, invited, kinds, letter, promised, set_member, told
from tests.support import counting, instant, slot

AFTERNOON = slot("2027-03-30 14:00-16:00")
LATER = slot("2027-03-30 16:00-17:00")


def move(fablab, uid, to=LATER, who="bruno", by="", machine="bench", **more) -> None:
    order = fablab.order(machine, to, who, **more)
    by = by or who
    bookings.move(uid, order, by=fablab.people[by], is_team=by == "amina", now=clock.now())


def cancel(fablab, uid, by="bruno") -> None:
    bookings.cancel(uid, by=fablab.people[by], is_team=by == "amina", now=clock.now())


# -- the life of one booking


def test_the_life_of_a_booking_in_the_calendar_of_who_is_invited(any_fablab, at):
    change(Place, email="hello@atelier.example")
    uid = any_fablab.book("bench", AFTERNOON, "bruno", purpose="A shelf")
    [made] = told()
    at("2027-03-29 10:00")
    move(any_fablab, uid, purpose="A shelf")
    [moved] = told()
    at("2027-03-29 11:00")
    cancel(any_fablab, uid)
    [cancelled] = told()

    assert kinds([made, moved, cancelled]) == [
        "booking_made",
        "booking_changed",
        "booking_cancelled",
    ]
    first, second, third = map(invited, (made, moved, cancelled))
    assert (first.method, second.method, third.method) == ("REQUEST", "REQUEST", "CANCEL")
    assert first.uid == second.uid == third.uid == uid
    assert (first.sequence, second.sequence, third.sequence) == (0, 1, 2)
    assert (first.status, second.status, third.status) == ("CONFIRMED", "CONFIRMED", "CANCELLED")
    assert (first.start, first.end) == (AFTERNOON.start, AFTERNOON.end)
    assert (second.start, second.end) == (third.start, third.end) == (LATER.start, LATER.end)
    assert [each.stamp for each in (first, second, third)] == [
        instant("2027-03-29 09:00"),
        instant("2027-03-29 10:00"),
        instant("2027-03-29 11:00"),
    ]
    assert first.summary == "Workbench (B1)"
    assert third.summary == "Cancelled: Workbench (B1)"
    assert first.organizer == "mailto:hello@atelier.example"
    assert (first.attendee, first.attendance) == ("mailto:bruno@atelier.example", "ACCEPTED")


def test_mail_and_subscribed_calendar_agree_at_every_step(fablab, app, at):
    """Same UID, SEQUENCE, status and hours, whichever way somebody learns of it."""
    phone, mine = browser(app, None), address(fablab, "bruno")

    def same(mail) -> None:
        [event] = read(phone, mine)
        sent = events(mail)[str(event["UID"])]
        for name in ("SEQUENCE", "STATUS", "SUMMARY", "DTSTART", "DTEND", "LAST-MODIFIED", "URL"):
            assert sent[name] == event[name], name

    uid = fablab.book("bench", AFTERNOON, "bruno")
    same(told()[0])
    at("2027-03-29 10:00")
    move(fablab, uid)
    same(told()[0])
    change(Machine, name="Bench no. 1")
    at("2027-03-29 11:00")
    move(fablab, uid, to=AFTERNOON)
    same(told()[0])
    at("2027-03-29 12:00")
    cancel(fablab, uid)
    same(told()[0])
    fablab.book("bench", AFTERNOON, "chloe")
    [hers] = told()

    assert (hers.recipient, invited(hers).sequence) == ("chloe@atelier.example", 0)
    assert invited(hers).uid != uid


def test_the_mail_says_what_where_when_and_how_to_get_out_of_it(fablab):
    uid = fablab.book("laser", AFTERNOON, "bruno", purpose="A <sign>", organization_id=1)
    [mail] = told()

    assert mail.subject == "L'Atelier: it is booked, Laser cutter, Tuesday 30 March 14:00"
    assert mail.recipient == "bruno@atelier.example"
    assert mail.topic == uid
    for body, sign in ((mail.text, "A <sign>"), (mail.html, "A &lt;sign&gt;")):
        assert "Your booking is made." in body
        assert "L1 Laser cutter" in body
        assert "Tuesday 30 March, 14:00–16:00" in body
        assert "Room 2, 1 rue du Fil" in body
        assert f"Purpose: {sign}" in body
        assert "On behalf of Studio Fil" in body
        assert re.search(r"http://[^/]+/bookings/by-mail/\S+", body)
    assert "/mails/stop/" in mail.unsubscribe


def test_a_change_says_what_was_before(fablab):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    told()
    move(fablab, uid, machine="laser", by="amina")
    [mail] = told()

    assert "The team has changed your booking." in mail.text
    assert "L1 Laser cutter" in mail.text
    before = "Before: B1 Workbench, Tuesday 30 March, 14:00–16:00"
    assert before in mail.text
    assert before in mail.html


def test_what_only_changes_its_words_was_nowhere_else_before(fablab):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    told()
    move(fablab, uid, to=AFTERNOON, purpose="A table")
    [mail] = told()

    assert "Before" not in mail.text
    assert "Purpose: A table" in mail.text


@pytest.mark.parametrize(
    ("language", "said"),
    [("fr", "Votre réservation est faite."), ("en", "Your booking is made.")],
)
def test_it_speaks_the_readers_language(fablab, language, said):
    set_member(fablab, "bruno", language=language)
    fablab.book("bench", AFTERNOON, "bruno")
    [mail] = told()

    assert said in mail.text


def test_what_waits_for_an_answer_is_tentative(fablab):
    change(Place, email="")
    uid = fablab.book("bench", AFTERNOON, "bruno")
    with writing() as session:
        session.execute(
            update(Occupancy.__table__).where(Occupancy.uid == uid).values(status="pending")
        )
    [mail] = told()

    assert mail.subject.startswith("L'Atelier: your booking waits for an answer")
    assert invited(mail).status == "TENTATIVE"
    assert invited(mail).organizer == "mailto:fablab@localhost.example"  # what mails come from
    assert "waits for an answer" in mail.text


def test_who_books_for_somebody_tells_them(fablab):
    order = fablab.order("bench", AFTERNOON, "bruno")
    bookings.book(order, by=fablab.people["amina"], now=clock.now(), is_team=True)
    [mail] = told()

    assert mail.recipient == "bruno@atelier.example"
    assert "The team has booked for you." in mail.text


def test_that_nobody_came_is_told_in_words(any_fablab, at):
    uid = any_fablab.book("bench", AFTERNOON, "bruno")
    told()
    at("2027-03-30 14:30")
    mark_missed(uid, any_fablab.place_id, by=any_fablab.people["amina"], now=clock.now())
    [mail] = told()

    assert (mail.kind, mail.calendar, mail.method) == ("booking_missed", "", "")
    assert "did not come" in mail.text


# -- what is told, and what is not


def test_telling_twice_tells_once(any_fablab):
    any_fablab.book("bench", AFTERNOON, "bruno")

    assert commands.tell(clock.now()) == 1
    assert commands.tell(clock.now()) == 0
    assert len(promised()) == 1


def test_nothing_to_tell_costs_one_statement(fablab):
    with counting(db.engine) as statements:
        commands.tell(clock.now())

    assert len(statements) == 1


def test_booking_promises_no_mail_by_itself_and_rings(fablab):
    """Whoever books does not wait for words: the record of it is the promise."""
    fablab.book("bench", AFTERNOON, "bruno")

    assert promised() == []
    untold = select(Change.what).where(Change.told_at.is_(None))
    assert db.session.scalars(untold).all() == ["booked"]


def test_a_booking_that_is_cancelled_before_anybody_was_told_is_told_of_nothing(fablab):
    cancel(fablab, fablab.book("bench", AFTERNOON, "bruno"))

    assert told() == []
    assert db.session.scalars(select(Change.id).where(Change.told_at.is_(None))).all() == []


def test_what_is_not_sent_yet_is_overtaken_by_what_is_newer(any_fablab):
    uid = any_fablab.book("bench", AFTERNOON, "bruno")
    [made] = told()
    move(any_fablab, uid)
    [moved] = told()

    made, moved = promised()
    assert made.dropped_at == clock.now()
    assert (made.text, made.html, made.calendar) == ("", "", "")
    assert moved.dropped_at is None
    assert invited(moved).sequence == 1


def test_what_is_sent_stays_as_it_was(fablab):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    [made] = told()
    with writing() as session:
        session.execute(update(OutgoingMail.__table__).values(sent_at=clock.now()))
    move(fablab, uid)
    told()

    assert promised()[0].dropped_at is None


def test_what_others_were_told_is_not_overtaken(fablab):
    one, other = (
        fablab.book("bench", AFTERNOON, "bruno"),
        fablab.book("bench", LATER, "chloe"),
    )
    assert len(told()) == 2
    cancel(fablab, one)
    told()

    dropped = {mail.topic: mail.dropped_at is not None for mail in promised()[:2]}
    assert dropped == {one: True, other: False}


def test_one_that_cannot_be_written_keeps_nobody_else_from_theirs(fablab, caplog, monkeypatch):
    fablab.book("bench", AFTERNOON, "bruno")
    fablab.book("bench", LATER, "chloe")
    write = commands._mail

    def breaks_down(case, *rest):
        if case.first.first_name == "Bruno":
            raise ZeroDivisionError
        return write(case, *rest)

    monkeypatch.setattr(commands, "_mail", breaks_down)

    assert [mail.recipient for mail in told()] == ["chloe@atelier.example"]
    assert "no mail could be written" in caplog.text


# -- who wants what


def test_whose_calendar_is_subscribed_hears_only_what_others_do(fablab):
    set_member(fablab, "bruno", channel=Channel.FEED)
    uid = fablab.book("bench", AFTERNOON, "bruno")
    assert told() == []
    move(fablab, uid)
    assert told() == []
    move(fablab, uid, to=AFTERNOON, by="amina")
    [moved] = told()
    cancel(fablab, uid, by="amina")
    [cancelled] = told()

    assert (moved.method, cancelled.method) == ("", "")
    assert kinds([moved, cancelled]) == ["booking_changed", "booking_cancelled"]


def test_who_wants_words_gets_no_event(fablab):
    set_member(fablab, "bruno", channel=Channel.MAIL)
    fablab.book("bench", AFTERNOON, "bruno")
    [mail] = told()

    assert (mail.calendar, mail.method) == ("", "")
    assert [part.get_content_type() for part in letter(mail).walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]


def test_who_wants_nothing_gets_nothing(fablab):
    set_member(fablab, "bruno", channel=Channel.NONE)
    uid = fablab.book("bench", AFTERNOON, "bruno")
    assert told() == []
    cancel(fablab, uid, by="amina")

    assert told() == []


def test_who_refuses_answers_is_not_left_with_a_doubt_in_the_calendar(fablab):
    """The booking was put there as tentative: that it is declined takes it out again."""
    choices.refuse(fablab.people["bruno"], MailKind.ANSWERS)
    uid = fablab.book("bench", AFTERNOON, "bruno")
    agree_to_accompany(fablab, uid, None, kind=ConsentKind.TEAM)
    [made] = told()
    asked = db.session.scalars(select(Consent.uid)).one()
    answers.answer(asked, False, by=fablab.people["amina"], now=clock.now(), why="Closed")
    [declined] = told()

    assert invited(made).status == "TENTATIVE"
    assert (declined.kind, invited(declined).method) == ("consent_declined", "CANCEL")


def test_a_buddy_who_takes_it_back_makes_the_invitation_tentative_again(any_fablab):
    uid = any_fablab.book("bench", AFTERNOON, "bruno")
    agree_to_accompany(any_fablab, uid)
    told()
    asked = db.session.scalars(select(Consent.uid)).one()
    answers.take_back(asked, by=any_fablab.people["chloe"], now=clock.now())
    [mail] = told()

    assert mail.kind == "booking_unsettled"
    assert (invited(mail).status, invited(mail).sequence) == ("TENTATIVE", 1)


def test_what_is_offered_is_not_accepted_yet(fablab):
    fablab.book("bench", AFTERNOON, "bruno")
    told()
    machine = fablab.machine("bench")
    waits.join(
        Wish(machine.id, fablab.place_id, AFTERNOON, AFTERNOON.duration, fablab.people["chloe"]),
        now=clock.now(),
    )
    cancel(fablab, db.session.scalars(select(Occupancy.uid)).one())
    [offer] = [mail for mail in told() if mail.kind == "wait_offer"]

    assert (invited(offer).status, invited(offer).attendance) == ("TENTATIVE", "NEEDS-ACTION")


def test_what_waits_for_an_answer_says_until_when(fablab):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    agree_to_accompany(fablab, uid, None, kind=ConsentKind.TEAM)
    [mail] = told()

    for body in (mail.text, mail.html):
        assert "The slot is kept until Tuesday 30 March 14:00" in body


def test_a_database_that_fails_loses_no_mail(any_fablab, monkeypatch):
    """Nothing is marked as told: the next round tries again."""
    any_fablab.book("bench", AFTERNOON, "bruno")

    def fails(*_any, **_more):
        raise OperationalError("SELECT 1", {}, Exception("the connection is gone"))

    with monkeypatch.context() as patch:
        patch.setattr(commands, "_mail", fails)
        with pytest.raises(OperationalError):
            commands.tell(clock.now())
    db.session.rollback()

    assert kinds(told()) == ["booking_made"]


def test_a_kind_that_is_refused_is_not_sent(fablab):
    choices.refuse(fablab.people["bruno"], MailKind.BOOKINGS)
    fablab.book("bench", AFTERNOON, "bruno")

    assert told() == []


@pytest.mark.parametrize("channel", [Channel.FEED, Channel.MAIL, Channel.NONE])
def test_who_was_invited_and_chose_otherwise_since_is_still_told_there(fablab, channel):
    """Nothing else would take it out of their calendar."""
    uid = fablab.book("bench", AFTERNOON, "bruno")
    told()
    set_member(fablab, "bruno", channel=channel)
    cancel(fablab, uid)
    [mail] = told()

    assert invited(mail).method == "CANCEL"


def test_nobody_writes_to_an_erased_account(fablab):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    told()
    set_member(fablab, "bruno", erased_at=clock.now())
    cancel(fablab, uid, by="amina")

    assert told() == []


# -- whoever was to come along


def agree_to_accompany(fablab, uid, answer=Answer.YES, *, kind=ConsentKind.BUDDY) -> None:
    """Chloé was asked to be the buddy, and has answered; or the team, and has not yet."""
    booking, chloe = bookings.find(uid), fablab.people["chloe"]
    with writing() as session:
        session.execute(
            update(Occupancy.__table__).where(Occupancy.uid == uid).values(buddy_id=chloe)
        )
        asked = [Wanted(kind, chloe if kind is ConsentKind.BUDDY else None)]
        consents.ask(session, booking.id, asked, due_at=booking.starts_at, now=clock.now())
        if answer is None:
            session.execute(
                update(Occupancy.__table__).where(Occupancy.uid == uid).values(status="pending")
            )
            return
        session.execute(
            update(Consent.__table__).values(
                answer=answer, answered_at=clock.now(), answered_by_id=chloe
            )
        )


def test_a_buddy_who_agreed_is_told_that_nobody_needs_them(any_fablab):
    uid = any_fablab.book("bench", AFTERNOON, "bruno", purpose="Nobody else's business")
    agree_to_accompany(any_fablab, uid)
    told()
    cancel(any_fablab, uid)
    to = {mail.recipient: mail for mail in told()}

    mail = to["chloe@atelier.example"]
    assert mail.kind == "booking_buddy_free"
    assert "Bruno Lefil has no need of a buddy any more" in mail.text
    assert "business" not in mail.text + mail.html
    assert "by-mail" not in mail.text + mail.html  # what is Bruno's to do stays his
    assert to["bruno@atelier.example"].kind == "booking_cancelled"


def test_a_buddy_is_told_also_when_its_member_wants_no_mail(fablab):
    set_member(fablab, "bruno", channel=Channel.NONE)
    uid = fablab.book("bench", AFTERNOON, "bruno")
    agree_to_accompany(fablab, uid)
    told()
    cancel(fablab, uid)

    assert kinds(told()) == ["booking_buddy_free"]


@pytest.mark.parametrize("reason", ["took it back", "wants no mail"])
def test_who_does_not_come_anyway_is_not_told(fablab, reason):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    if reason == "wants no mail":
        set_member(fablab, "chloe", channel=Channel.NONE)
        agree_to_accompany(fablab, uid)
    else:
        agree_to_accompany(fablab, uid, Answer.TAKEN_BACK)
    told()
    cancel(fablab, uid)

    assert kinds(told()) == ["booking_cancelled"]


# -- several at once


def book_weekly(fablab, weeks: int = 3, who: str = "amina") -> list[str]:
    spans = [
        slot(f"{AFTERNOON.start.date() + timedelta(weeks=n)} 14:00-16:00") for n in range(weeks)
    ]
    orders = [fablab.order("bench", span, who) for span in spans]
    series.book(orders, every_weeks=1, by=fablab.people[who], now=clock.now(), is_team=True)
    asked = select(Occupancy.uid).order_by(Occupancy.starts_at)
    return list(db.session.scalars(asked))


def test_a_series_is_told_of_in_one_mail_with_every_event(any_fablab):
    uids = book_weekly(any_fablab)
    [mail] = told()

    assert (mail.kind, mail.method) == ("booking_made_series", "PUBLISH")
    assert list(events(mail)) == uids
    for day in ("Tuesday 30 March", "Tuesday 6 April", "Tuesday 13 April"):
        assert f"{day}, 14:00–16:00" in mail.text
        assert f"{day}, 14:00–16:00" in mail.html
    starts = [event.start for event in events(mail).values()]
    assert [start.hour for start in starts] == [14, 14, 14]


def test_a_series_that_is_cancelled_takes_every_event_back(any_fablab):
    uids = book_weekly(any_fablab)
    told()
    series.cancel(uids[1], by=any_fablab.people["amina"], is_team=True, now=clock.now())
    [mail] = told()

    assert (mail.kind, mail.method) == ("booking_cancelled_series", "PUBLISH")
    assert {uid: str(event["STATUS"]) for uid, event in events(mail).items()} == dict.fromkeys(
        uids[1:], "CANCELLED"
    )
    assert {int(event["SEQUENCE"]) for event in events(mail).values()} == {1}


def test_one_of_a_series_is_told_of_like_any_other(any_fablab):
    uids = book_weekly(any_fablab)
    told()
    cancel(any_fablab, uids[0], by="amina")
    [mail] = told()

    assert (mail.kind, invited(mail).uid) == ("booking_cancelled", uids[0])


def test_a_series_that_is_not_sent_yet_is_told_anew_without_what_has_gone(any_fablab):
    """Sent after all, it would say that what was cancelled is booked."""
    uids = book_weekly(any_fablab)
    told()
    cancel(any_fablab, uids[0], by="amina")
    [cancelled] = told()
    [anew] = told()

    assert promised()[0].dropped_at is not None
    assert (cancelled.kind, invited(cancelled).uid) == ("booking_cancelled", uids[0])
    assert (anew.kind, list(events(anew))) == ("booking_made_series", uids[1:])
    assert told() == []


# -- right before it is sent


def test_what_is_not_true_any_more_is_not_sent(any_fablab):
    uid = any_fablab.book("bench", AFTERNOON, "bruno")
    [made] = told()
    assert commands.is_still_true(made, clock.now())
    cancel(any_fablab, uid)
    assert not commands.is_still_true(made, clock.now())
    [cancelled] = told()

    assert commands.is_still_true(cancelled, clock.now())
    assert not commands.is_still_true(made, clock.now())


def test_what_is_over_is_not_sent(fablab, at):
    fablab.book("bench", AFTERNOON, "bruno")
    [made] = told()
    at("2027-03-30 15:59")
    assert commands.is_still_true(made, clock.now())
    at("2027-03-30 16:00")

    assert not commands.is_still_true(made, clock.now())
    assert made.useless_at == AFTERNOON.end


# -- over the clock changes


@pytest.mark.parametrize(
    ("span", "start", "end"),
    [
        # over the change of spring, and over midnight
        ("2027-03-28 01:30-03:30", "2027-03-28T00:30:00+00:00", "2027-03-28T01:30:00+00:00"),
        ("2027-03-27 23:00-04:00", "2027-03-27T22:00:00+00:00", "2027-03-28T02:00:00+00:00"),
        # over the change of autumn
        ("2027-10-31 01:45-04:00", "2027-10-30T23:45:00+00:00", "2027-10-31T03:00:00+00:00"),
        ("2027-10-30 23:00-02:30", "2027-10-30T21:00:00+00:00", "2027-10-31T00:30:00+00:00"),
    ],
)
def test_instants_are_right_on_both_sides_of_a_clock_change(fablab, span, start, end, at):
    at("2027-03-22 09:00" if "-03-" in span else "2027-10-25 09:00")
    open_every_day(fablab)
    change(Opening, opens_at=time(0), closes_at=time(0))  # night and day
    fablab.book("bench", slot(span), "amina")
    [mail] = told()

    event = invited(mail)
    utc = [moment.astimezone(clock.UTC).isoformat() for moment in (event.start, event.end)]
    assert utc == [start, end]


# -- what stands in their calendar


def test_what_was_sent_is_remembered(any_fablab):
    uid = any_fablab.book("bench", AFTERNOON, "bruno")
    told()
    move(any_fablab, uid)
    told()
    cancel(any_fablab, uid)
    told()

    [kept] = db.session.execute(select(Invitation.__table__)).all()
    assert (kept.sequence, bool(kept.is_cancelled)) == (2, True)
