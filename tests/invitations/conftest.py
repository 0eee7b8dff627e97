"""Everybody here reads English, and each mail is opened with programs of others."""

from email.message import EmailMessage
from typing import Any, NamedTuple

import pytest
import vobject
from icalendar import Calendar
from sqlalchemy import select, update

from fablab import clock
from fablab.db import db, writing
from fablab.invitations import commands
from fablab.mail.delivery import message
from fablab.mail.models import OutgoingMail
from fablab.members.models import Member
from tests.calendars.conftest import in_english
from tests.conftest import Fablab

SENDER = "Fablab <fablab@atelier.example>"


@pytest.fixture
def fablab(fablab: Fablab) -> Fablab:
    return in_english(fablab)


@pytest.fixture
def any_fablab(any_fablab: Fablab) -> Fablab:
    return in_english(any_fablab)


def promised() -> list[Any]:
    """What stands in the outbox, the oldest first."""
    db.session.rollback()
    return list(db.session.execute(select(OutgoingMail.__table__).order_by(OutgoingMail.id)))


def told() -> list[Any]:
    """What is promised by telling now."""
    before = {mail.id for mail in promised()}
    commands.tell(clock.now())
    return [mail for mail in promised() if mail.id not in before]


def kinds(mails: list[Any]) -> list[str]:
    return [mail.kind for mail in mails]


def set_member(fablab: Fablab, who: str, **values: Any) -> None:
    with writing() as session:
        session.execute(
            update(Member.__table__).where(Member.id == fablab.people[who]).values(**values)
        )


class Invited(NamedTuple):
    """An invitation as a second library reads it."""

    method: str
    uid: str
    sequence: int
    status: str
    start: Any
    end: Any
    stamp: Any
    summary: str
    organizer: str
    attendee: str
    attendance: str


def letter(mail: Any) -> EmailMessage:
    return message(mail, SENDER)


def invited(mail: Any) -> Invited:
    """The event of a mail, as vobject reads it."""
    [calendar] = vobject.readComponents(mail.calendar)
    event = calendar.vevent
    return Invited(
        calendar.method.value,
        event.uid.value,
        int(event.sequence.value),
        event.status.value,
        event.dtstart.value,
        event.dtend.value,
        event.dtstamp.value,
        event.summary.value,
        event.organizer.value,
        event.attendee.value,
        event.attendee.params["PARTSTAT"][0],
    )


def events(mail: Any) -> dict[str, Any]:
    """The events of a mail by UID, as icalendar reads them."""
    return {str(event["UID"]): event for event in Calendar.from_ical(mail.calendar).events}
