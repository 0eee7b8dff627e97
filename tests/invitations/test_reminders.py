"""The evening before: who is reminded, of what, once."""

import re
from datetime import date

import pytest

from fablab import clock
from fablab.booking import commands as bookings
from fablab.db import db
from fablab.invitations import commands, reminders
from fablab.invitations.reminders import remind
from fablab.machines.commands import set_state
from fablab.machines.kinds import MachineState
from fablab.members import mails as choices
from fablab.members.kinds import Channel, MailKind
from tests.calendars.support import close
from tests.invitations.conftest import kinds, promised, set_member, told
from tests.invitations.test_letters import agree_to_accompany
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

    def breaks_down(bookings, now):
        if bookings[0].first_name == "Bruno":
            raise ZeroDivisionError
        return write(bookings, now)

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
