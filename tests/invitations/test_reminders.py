"""The evening before: who is reminded, of what, once."""

import re
from datetime import date
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from fablab import clock
from fablab.booking import commands as bookings
from fablab.db import db
from fablab.invitations import commands, reminders, sessions
from fablab.invitations.reminders import remind
from fablab.machines.commands import set_state
from fablab.machines.kinds import MachineState
from fablab.members import mails as choices
from fablab.members.kinds import Channel, MailKind
from fablab.trainings import sessions as trainings
from fablab.trainings.models import Registration, TrainingSession
from fablab.trainings.queries import session as find_session
from tests.calendars.support import book_elsewhere, close, plan_session
from tests.invitations.conftest import kinds, promised, set_member, told
from tests.invitations.test_letters import agree_to_accompany
from tests.presence.support import say
from tests.support import counting, instant, slot

MORNING = slot("2027-03-30 10:00-12:00")
AFTERNOON = slot("2027-03-30 14:00-16:00")


def reminded() -> list:
    before = len(promised())
    remind(clock.now())
    return promised()[before:]


def test_whoever_booked_is_reminded_once(any_fablab, at):
    uid = any_fablab.book("bench", AFTERNOON, "bruno")
    told()
    at("2027-03-29 16:59")
    assert reminded() == []
    at("2027-03-29 17:00")
    [mail] = reminded()

    assert (mail.kind, mail.recipient) == ("booking_reminder", "bruno@atelier.example")
    assert mail.subject == "L'Atelier: tomorrow 14:00, Workbench"
    assert (mail.topic, mail.calendar) == (uid, "")
    assert "/bookings/by-mail/" in mail.text
    assert "cancel it" in mail.text
    at("2027-03-29 17:05")
    assert reminded() == []


def test_several_are_one_mail(any_fablab, at):
    any_fablab.book("bench", AFTERNOON, "bruno")
    any_fablab.book("laser", MORNING, "bruno")
    any_fablab.book("laser", AFTERNOON, "amina")
    told()
    at("2027-03-29 17:00")
    first, second = sorted(reminded(), key=lambda mail: mail.recipient)

    assert kinds([first, second]) == ["booking_reminder", "booking_reminder_of_several"]
    for body in (second.text, second.html):
        assert body.index("L1 Laser cutter") < body.index("B1 Workbench")
        assert "Tuesday 30 March, 10:00–12:00" in body
        assert len(set(re.findall(r"/bookings/by-mail/[^\s\"<]+", body))) == 2


def test_who_moves_it_after_the_reminder_has_just_been_told(fablab, at):
    """And is reminded anew of another day."""
    uid = fablab.book("bench", AFTERNOON, "bruno")
    told()
    at("2027-03-29 17:00")
    assert len(reminded()) == 1
    order = fablab.order("bench", slot("2027-04-01 14:00-15:00"), "bruno")
    bookings.move(uid, order, by=fablab.people["bruno"], is_team=False, now=clock.now())
    [changed] = told()
    assert promised()[1].dropped_at is not None  # the reminder of the hours before
    at("2027-03-31 17:00")

    assert kinds(reminded()) == ["booking_reminder"]


def test_one_of_several_that_is_cancelled_leaves_the_others_to_be_reminded_of(any_fablab, at):
    gone = any_fablab.book("bench", AFTERNOON, "bruno")
    any_fablab.book("laser", MORNING, "bruno")
    told()
    at("2027-03-29 17:00")
    assert kinds(reminded()) == ["booking_reminder_of_several"]
    bookings.cancel(gone, by=any_fablab.people["bruno"], is_team=False, now=clock.now())
    told()

    [anew] = reminded()
    assert anew.kind == "booking_reminder"
    assert "L1 Laser cutter" in anew.text


def test_a_reminder_is_of_no_use_on_the_day_itself(fablab, at):
    fablab.book("bench", AFTERNOON, "bruno")
    told()
    at("2027-03-29 23:59")
    [mail] = reminded()

    assert mail.useless_at == instant("2027-03-30 00:00")


def test_one_that_cannot_be_written_keeps_nobody_else_from_theirs(fablab, at, monkeypatch, caplog):
    fablab.book("bench", AFTERNOON, "bruno")
    fablab.book("bench", slot("2027-03-30 16:00-17:00"), "chloe")
    at("2027-03-29 17:00")
    write = reminders._mail

    def breaks_down(due, now):
        if due.reader.first_name == "Bruno":
            raise ZeroDivisionError
        return write(due, now)

    monkeypatch.setattr(reminders, "_mail", breaks_down)

    assert [mail.recipient for mail in reminded()] == ["chloe@atelier.example"]
    assert "no reminder could be written" in caplog.text


def test_what_was_booked_that_evening_needs_no_reminder(fablab, at):
    at("2027-03-29 17:30")
    fablab.book("bench", AFTERNOON, "bruno")

    assert reminded() == []


def test_what_is_cancelled_is_not_reminded_of(fablab, at):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    told()
    at("2027-03-29 17:00")
    [mail] = reminded()
    bookings.cancel(uid, by=fablab.people["bruno"], is_team=False, now=clock.now())

    assert not commands.is_still_true(mail, clock.now())
    told()
    assert promised()[1].dropped_at is not None


@pytest.mark.parametrize("unwanted", ["none", "reminders"])
def test_who_wants_none_gets_none(fablab, at, unwanted):
    if unwanted == "none":
        set_member(fablab, "bruno", channel=Channel.NONE)
    else:
        choices.refuse(fablab.people["bruno"], MailKind.REMINDERS)
    fablab.book("bench", AFTERNOON, "bruno")
    at("2027-03-29 17:00")

    assert reminded() == []


def test_whose_calendar_is_subscribed_is_reminded_too(fablab, at):
    set_member(fablab, "bruno", channel=Channel.FEED)
    fablab.book("bench", AFTERNOON, "bruno")
    at("2027-03-29 17:00")

    assert kinds(reminded()) == ["booking_reminder"]


def test_nothing_to_remind_of_costs_one_statement(fablab):
    with counting(db.engine) as statements:
        remind(clock.now())

    assert len(statements) == 1


def test_it_says_that_the_place_is_closed_or_the_machine_out_of_service(fablab, at):
    """Whoever booked before either was known would come for nothing."""
    fablab.book("bench", AFTERNOON, "bruno")
    fablab.book("laser", AFTERNOON, "amina")
    told()
    close(fablab, "2027-03-30", "2027-03-30", "Stocktaking")
    laser = fablab.machine("laser").id
    out = MachineState.OUT_OF_SERVICE
    set_state(laser, out, "The tube is dead", None, by=fablab.people["amina"], now=clock.now())
    at("2027-03-29 17:00")
    hers, his = sorted(reminded(), key=lambda mail: mail.recipient)

    for body in (his.text, his.html):
        assert "the place is closed that day (Stocktaking)" in body
        assert "out of service" not in body
    for body in (hers.text, hers.html):
        assert "the machine is out of service (The tube is dead)" in body


def test_a_machine_that_is_back_by_then_is_no_trouble(fablab, at):
    fablab.book("bench", AFTERNOON, "bruno")
    bench, back = fablab.machine("bench").id, date(2027, 3, 30)
    out = MachineState.OUT_OF_SERVICE
    set_state(bench, out, "A leg", back, by=fablab.people["amina"], now=clock.now())
    told()
    at("2027-03-29 17:00")
    [mail] = reminded()

    assert "out of service" not in mail.text


def test_who_agreed_to_come_along_is_reminded_too(any_fablab, at):
    uid = any_fablab.book("bench", AFTERNOON, "bruno", purpose="Nobody else's business")
    agree_to_accompany(any_fablab, uid)
    told()
    at("2027-03-29 17:00")
    [his, hers] = sorted(reminded(), key=lambda mail: mail.recipient)

    assert (hers.kind, hers.recipient) == ("booking_reminder_buddy", "chloe@atelier.example")
    assert "Tomorrow you are the buddy of Bruno Lefil" in hers.text
    assert "business" not in hers.text + hers.html
    assert "by-mail" not in hers.text + hers.html
    assert his.kind == "booking_reminder"
    assert reminded() == []


# -- training sessions


def to(who: str, mails: list):
    """The mail that they, and not more than once, are sent."""
    [mail] = [mail for mail in mails if mail.recipient == f"{who}@atelier.example"]
    return mail


def with_seats(fablab, span, *who: str, **more) -> str:
    """A session given by Amina, with these registered; its UID."""
    more = {"trainer_id": fablab.people["amina"]} | more
    uid = plan_session(fablab, span, **more)
    for each in who:
        trainings.register(uid, fablab.people[each], now=clock.now())
    return uid


def move(fablab, uid: str, span, **more) -> None:
    held = find_session(uid)
    as_it_is = {"seats": held.seats, "trainer_id": held.trainer_id}
    machines = frozenset({fablab.machine("laser").id})
    planned = trainings.Plan(span, machine_ids=machines, **as_it_is | more)
    trainings.change(uid, planned, by=fablab.people["amina"], now=clock.now())


def test_who_has_a_seat_and_who_gives_it_are_reminded_once(any_fablab, at):
    uid = with_seats(any_fablab, AFTERNOON, "chloe", seats=3, location="Room 2")
    at("2027-03-29 16:59")
    assert reminded() == []
    at("2027-03-29 17:00")
    mails = reminded()
    hers, trainers = to("chloe", mails), to("amina", mails)

    assert kinds(mails) == ["session_reminder"] * 2
    assert {(mail.topic, mail.calendar) for mail in mails} == {(uid, "")}
    assert {mail.useless_at for mail in mails} == {instant("2027-03-30 00:00")}
    assert hers.subject == "L'Atelier: tomorrow 14:00, Training: Laser cutting"
    assert trainers.subject == "L'Atelier: tomorrow 14:00, Training you give: Laser cutting"
    for mail in mails:
        for body in (mail.text, mail.html):
            for said in ("Laser cutting", "Tuesday 30 March", "14:00–16:00", "Room 2"):
                assert said in body
            assert f"/trainings/sessions/{uid}" in body
    for body in (hers.text, hers.html):
        assert "Tomorrow is your training session:" in body
        assert "give your seat back" in body
        assert "Seats taken" not in body
    assert "Room 2\n\nSee the session\nhttp://" in hers.text
    for body in (trainers.text, trainers.html):
        assert "Tomorrow you give this training session:" in body
        assert "Seats taken: 1 of 3" in body
        assert "give your seat back" not in body
    at("2027-03-29 17:05")
    assert reminded() == []


def test_its_page_and_the_end_of_reminders_are_a_tap_away(fablab, at, browse):
    with_seats(fablab, AFTERNOON, "chloe", trainer_id=None)
    at("2027-03-29 17:00")
    [mail] = reminded()
    visitor = browse(None)
    page = re.search(r"/trainings/sessions/\S+", mail.text)[0]

    assert visitor.get(page).status_code == 200
    assert "reminders" in visitor.get(urlsplit(mail.unsubscribe).path).text.lower()


def test_bookings_and_sessions_of_a_day_are_one_mail(any_fablab, at):
    with_seats(any_fablab, AFTERNOON, "bruno", location="Room 2")
    any_fablab.book("bench", MORNING, "bruno")
    any_fablab.book("bench", slot("2027-03-30 16:00-17:00"), "amina")
    told()
    at("2027-03-29 17:00")
    mails = reminded()
    his, trainers = to("bruno", mails), to("amina", mails)

    assert kinds(mails) == ["booking_reminder_of_several"] * 2
    assert his.subject == "L'Atelier: tomorrow 10:00, Workbench"
    assert trainers.subject == "L'Atelier: tomorrow 14:00, Training you give: Laser cutting"
    for body in (his.text, his.html):
        assert body.index("B1 Workbench") < body.index("Training: Laser cutting")
        assert "If you cannot come, give it back" in body
        for said in ("/bookings/by-mail/", "/trainings/sessions/", "Room 2", "14:00–16:00"):
            assert said in body
    for body in (trainers.text, trainers.html):
        assert body.index("Training you give: Laser cutting") < body.index("B1 Workbench")
    at("2027-03-29 17:05")
    assert reminded() == []


def test_two_sessions_are_one_mail_that_leads_to_the_trainings(fablab, at):
    for span in (AFTERNOON, MORNING):
        with_seats(fablab, span, "chloe", trainer_id=None)
    at("2027-03-29 17:00")
    [mail] = reminded()

    for body in (mail.text, mail.html):
        assert body.index("10:00–12:00") < body.index("14:00–16:00")
        assert "because you have training sessions at L&#39;Atelier" in body.replace("'", "&#39;")
        assert "/bookings/" not in body
    assert "http://127.0.0.1:5000/trainings/\n" in mail.text
    assert mail.useless_at == instant("2027-03-30 00:00")


def test_one_of_several_that_has_gone_leaves_the_others_to_be_reminded_of(any_fablab, at):
    """Whichever goes: a booking, a seat, or the session that one gives."""
    people = any_fablab.people
    followed = with_seats(any_fablab, AFTERNOON, "bruno")
    given = with_seats(
        any_fablab, slot("2027-03-30 16:00-17:00"), "bruno", "chloe", trainer_id=None
    )
    move(any_fablab, given, slot("2027-03-30 16:00-17:00"), trainer_id=people["bruno"])
    booked = any_fablab.book("bench", MORNING, "bruno")
    told()
    sessions.tell(clock.now())
    at("2027-03-29 17:00")
    assert kinds(reminded()).count("booking_reminder_of_several") == 1
    bookings.cancel(booked, by=people["bruno"], is_team=False, now=clock.now())
    told()
    [both] = reminded()

    assert both.topic == f"{followed} {given}"
    assert "Training you give: Laser cutting" in both.text
    trainings.leave(followed, people["bruno"], now=clock.now())
    sessions.tell(clock.now())
    [alone] = reminded()
    assert (alone.recipient, alone.topic) == ("bruno@atelier.example", given)
    assert reminded() == []


def test_a_session_that_moves_leaves_its_peoples_bookings_to_be_reminded_of(any_fablab, at):
    uid = with_seats(any_fablab, AFTERNOON, "bruno", "chloe", trainer_id=None)
    any_fablab.book("bench", MORNING, "bruno")
    told()
    sessions.tell(clock.now())
    at("2027-03-29 17:00")
    assert len(reminded()) == 2
    move(any_fablab, uid, slot("2027-03-30 16:00-18:00"))
    sessions.tell(clock.now())

    assert kinds(reminded()) == ["booking_reminder"]


def test_a_mixed_reminder_says_what_stands_in_the_way(fablab, at):
    with_seats(fablab, AFTERNOON, "bruno", trainer_id=None)
    fablab.book("bench", MORNING, "bruno")
    bench, out = fablab.machine("bench").id, MachineState.OUT_OF_SERVICE
    set_state(bench, out, "A leg", None, by=fablab.people["amina"], now=clock.now())
    at("2027-03-29 17:00")
    [mail] = reminded()

    for body in (mail.text, mail.html):
        assert body.count("the machine is out of service (A leg)") == 1


def test_each_place_has_its_own_mail(any_fablab, at):
    with_seats(any_fablab, AFTERNOON, "chloe", trainer_id=None)
    book_elsewhere(any_fablab, "chloe", slot("2027-03-30 18:00-20:00"))
    at("2027-03-29 23:30")  # half past five in New York

    assert sorted(kinds(reminded())) == ["booking_reminder", "session_reminder"]


def test_who_waits_for_a_seat_has_left_or_gave_it_is_not_reminded(any_fablab, at):
    people = any_fablab.people
    uid = with_seats(any_fablab, AFTERNOON, "chloe", seats=1, trainer_id=people["bruno"])
    trainings.register(uid, people["amina"], now=clock.now())
    trainings.leave(uid, people["chloe"], now=clock.now())
    trainings.register(uid, people["chloe"], now=clock.now())
    move(any_fablab, uid, AFTERNOON, trainer_id=None)
    at("2027-03-29 17:00")
    [mail] = reminded()

    assert mail.recipient == "amina@atelier.example"


def test_a_seat_that_came_that_evening_needs_no_reminder(any_fablab, at):
    people = any_fablab.people
    uid = with_seats(any_fablab, AFTERNOON, "chloe", seats=1, trainer_id=None)
    trainings.register(uid, people["bruno"], now=clock.now())
    at("2027-03-29 17:00")
    assert [mail.recipient for mail in reminded()] == ["chloe@atelier.example"]
    at("2027-03-29 17:30")
    trainings.leave(uid, people["chloe"], now=clock.now())

    assert reminded() == []


def test_who_registers_or_is_asked_to_give_it_that_evening_has_just_been_told(any_fablab, at):
    uid = with_seats(any_fablab, AFTERNOON, trainer_id=None)
    at("2027-03-29 17:00")
    trainings.register(uid, any_fablab.people["chloe"], now=clock.now())
    move(any_fablab, uid, AFTERNOON, trainer_id=any_fablab.people["bruno"])

    assert reminded() == []


def test_others_who_register_that_evening_keep_nobody_from_a_reminder(fablab, at):
    """The background work was away for an hour."""
    uid = with_seats(fablab, AFTERNOON, "chloe")
    at("2027-03-29 17:30")
    trainings.register(uid, fablab.people["bruno"], now=clock.now())
    at("2027-03-29 18:00")

    mails = reminded()
    assert {mail.recipient for mail in mails} == {"chloe@atelier.example", "amina@atelier.example"}


def test_a_session_that_moves_that_evening_is_reminded_of_anew_another_day(any_fablab, at):
    uid = with_seats(any_fablab, AFTERNOON, "chloe")
    at("2027-03-29 17:00")
    assert len(reminded()) == 2
    at("2027-03-29 17:30")
    move(any_fablab, uid, slot("2027-03-30 15:00-17:00"))
    assert reminded() == []
    move(any_fablab, uid, slot("2027-04-01 15:00-17:00"))
    at("2027-03-31 17:00")

    assert kinds(reminded()) == ["session_reminder"] * 2


def test_who_gives_it_anew_is_reminded_and_not_twice_for_a_seat_too(any_fablab, at):
    """The team makes of who has a seat who gives it: that is what they are reminded of."""
    uid = with_seats(any_fablab, AFTERNOON, "chloe", trainer_id=None)
    move(any_fablab, uid, AFTERNOON, trainer_id=any_fablab.people["chloe"])
    at("2027-03-29 17:00")
    [mail] = reminded()

    assert "Tomorrow you give this training session:" in mail.text
    assert reminded() == []


def test_a_session_that_is_called_off_is_not_reminded_of(any_fablab, at):
    gone = with_seats(any_fablab, AFTERNOON, "chloe")
    trainings.cancel(gone, "", by=any_fablab.people["amina"], now=clock.now())
    at("2027-03-29 17:00")

    assert reminded() == []


def test_what_a_reminder_of_a_session_says_is_asked_once_more(any_fablab, at):
    uid = with_seats(any_fablab, AFTERNOON, "chloe", "bruno", trainer_id=None)
    sessions.tell(clock.now())
    at("2027-03-29 17:00")
    mails = reminded()
    hers, his = to("chloe", mails), to("bruno", mails)
    trainings.leave(uid, any_fablab.people["chloe"], now=clock.now())
    sessions.tell(clock.now())
    dropped = {mail.id for mail in promised() if mail.dropped_at}

    assert hers.id in dropped
    assert his.id not in dropped
    assert commands.is_still_true(his, clock.now())
    trainings.cancel(uid, "", by=any_fablab.people["amina"], now=clock.now())
    assert not commands.is_still_true(his, clock.now())


@pytest.mark.parametrize("unwanted", ["none", "reminders"])
def test_who_wants_no_reminder_gets_none_of_a_session(fablab, at, unwanted):
    for who in ("chloe", "amina"):
        if unwanted == "none":
            set_member(fablab, who, channel=Channel.NONE)
        else:
            choices.refuse(fablab.people[who], MailKind.REMINDERS)
    with_seats(fablab, AFTERNOON, "chloe")
    at("2027-03-29 17:00")

    assert reminded() == []


def test_who_wants_reminders_alone_gets_them_of_sessions(fablab, at):
    choices.refuse(fablab.people["chloe"], MailKind.TRAININGS)
    with_seats(fablab, AFTERNOON, "chloe", trainer_id=None)
    at("2027-03-29 17:00")

    assert kinds(reminded()) == ["session_reminder"]


def test_an_erased_account_is_not_written_to(fablab, at):
    with_seats(fablab, AFTERNOON, "chloe", trainer_id=None)
    set_member(fablab, "chloe", erased_at=clock.now())
    at("2027-03-29 17:00")

    assert reminded() == []


def test_a_reminder_moves_no_calendar(any_fablab, at):
    with_seats(any_fablab, AFTERNOON, "chloe")
    state = select(
        TrainingSession.revision, TrainingSession.changed_at, Registration.changed_at
    ).join(Registration, Registration.session_id == TrainingSession.id)
    before = db.session.execute(state).all()
    at("2027-03-29 17:00")
    assert len(reminded()) == 2
    db.session.rollback()

    assert db.session.execute(state).all() == before


def test_what_changes_while_the_words_are_found_is_left_to_the_next_round(any_fablab, at):
    uid = with_seats(any_fablab, AFTERNOON, "chloe", trainer_id=None)
    at("2027-03-29 17:00")
    found = db.session.execute(reminders._not_reminded(clock.now())).all()
    [due] = reminders._due(found, reminders.places(), clock.now())
    db.session.rollback()
    trainings.register(uid, any_fablab.people["bruno"], now=clock.now())

    assert not reminders._remind(due, clock.now())
    assert [mail.recipient for mail in reminded()] == ["chloe@atelier.example"]


@pytest.mark.parametrize("trainer", ["chloe", None])
def test_of_two_that_remind_at_once_one_does(any_fablab, at, trainer):
    trainer_id = trainer and any_fablab.people[trainer]
    who = () if trainer else ("chloe",)
    with_seats(any_fablab, AFTERNOON, *who, trainer_id=trainer_id)
    at("2027-03-29 17:00")
    found = db.session.execute(reminders._not_reminded(clock.now())).all()
    [due] = reminders._due(found, reminders.places(), clock.now())
    db.session.rollback()

    assert [reminders._remind(due, clock.now()) for _runner in range(2)] == [True, False]
    assert len(promised()) == 1


def test_what_everybody_was_reminded_of_is_not_looked_at_again(any_fablab, at):
    with_seats(any_fablab, AFTERNOON, "chloe")
    any_fablab.book("bench", MORNING, "bruno")
    at("2027-03-29 17:00")
    assert len(reminded()) == 3
    with counting(db.engine) as statements:
        remind(clock.now())

    assert len(statements) == 1


def test_it_is_told_in_its_readers_own_language(any_fablab, at):
    for who in ("amina", "bruno", "chloe"):
        set_member(any_fablab, who, language="fr")
    with_seats(any_fablab, AFTERNOON, "bruno", "chloe", seats=2)
    any_fablab.book("bench", MORNING, "bruno")
    at("2027-03-29 17:00")
    mails = reminded()

    hers = to("chloe", mails)
    assert hers.subject == "L'Atelier\u00a0: demain 14:00, Formation\u00a0: Laser cutting"
    assert "Demain, c’est votre séance de formation\u00a0:" in hers.text
    assert "Demain, vous donnez cette séance de formation\u00a0:" in to("amina", mails).text
    his = to("bruno", mails)
    for body in (his.text, his.html):
        assert "Voici ce qui vous attend demain." in body
        assert "Formation\u00a0: Laser cutting" in body


def test_a_day_with_nothing_due_yet_costs_two_statements(any_fablab, at):
    with_seats(any_fablab, AFTERNOON, "chloe")
    any_fablab.book("bench", MORNING, "bruno")
    at("2027-03-29 16:00")
    with counting(db.engine) as statements:
        remind(clock.now())

    assert len(statements) == 2


def test_the_confirmation_and_the_reminder_say_until_when_one_is_waited_for(fablab, at):
    say(fablab)
    sentence = "Say that you are here from 13:45 on; at 14:30 the machine is otherwise free"
    fablab.book("bench", AFTERNOON, "bruno")
    [made] = told()
    at("2027-03-29 17:00")
    [reminder] = reminded()

    for mail in (made, reminder):
        assert sentence in " ".join(mail.text.split())
        assert sentence in mail.html


def test_a_reminder_of_several_says_it_of_each(fablab, at):
    say(fablab)
    fablab.book("bench", AFTERNOON, "bruno")
    fablab.book("laser", MORNING, "bruno")
    told()
    at("2027-03-29 17:00")
    [reminder] = reminded()

    for body in (reminder.text, reminder.html):
        assert "from 9:45" in body
        assert "from 13:45" in body
