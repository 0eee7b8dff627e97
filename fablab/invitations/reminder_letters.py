"""The mail of the evening before: about one session, or all that its reader has the next day."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext

from fablab import texts
from fablab.calendars.phrases import phrases
from fablab.calendars.sessions import Part
from fablab.invitations.letters import (
    SUBJECTS,
    Trouble,
    expectation_of,
    link_to,
    machine_of,
    trouble_with,
)
from fablab.invitations.rules import Letter, no_longer_tomorrow
from fablab.mail import outbox
from fablab.members import mails
from fablab.members.kinds import MailKind
from fablab.slots import Slot


@dataclass(frozen=True)
class Item:
    """A booking or a session, as its reader has it tomorrow."""

    name: str
    title: str
    slot: Slot
    where: str
    link: str
    uid: str
    trouble: Trouble | None = None
    is_session: bool = False
    expected: Any = ""  # until when its reader is waited for


def of_booking(booking: Any) -> Item:
    slot = Slot(booking.starts_at, booking.ends_at)
    name, title = booking.machine_name, machine_of(booking)
    return Item(
        name,
        title,
        slot,
        "",
        link_to(booking),
        booking.uid,
        trouble_with(booking),
        expected=expectation_of(booking),
    )


def of_session(held: Any, part: Part, language: str) -> Item:
    words = phrases(language)
    form = words.giving if part is Part.GIVING else words.attending
    title = form % {"name": held.training}
    return Item(
        title,
        title,
        Slot(held.starts_at, held.ends_at),
        held.location,
        link_to_session(held),
        held.uid,
        is_session=True,
    )


def link_to_session(held: Any) -> str:
    return outbox.address(f"/trainings/sessions/{held.uid}")


def session_letter(held: Any, part: Part, *, to: Any, place: Any) -> outbox.Mail:
    """About one session, to who has a seat in it or gives it."""
    zone = ZoneInfo(place.zone)
    return outbox.page(
        "session_reminder",
        to=to.email,
        language=to.language,
        subject=subject(of_session(held, part, to.language), place),
        envelope=outbox.Envelope(
            topic=held.uid,
            reply_to=place.email,
            unsubscribe=mails.stop_address(to.uid, MailKind.REMINDERS),
            useless_at=no_longer_tomorrow(held.starts_at, zone),
        ),
        place=place.name,
        contact=place.email,
        link=link_to_session(held),
        training=held.training,
        slot=Slot(held.starts_at, held.ends_at),
        zone=zone,
        location=held.location,
        gives=part is Part.GIVING,
        seated=held.seated,
        seats=held.seats,
    )


def letter_of_several(items: Iterable[Item], *, to: Any, place: Any) -> outbox.Mail:
    """One mail for all of them, the soonest first."""
    zone = ZoneInfo(place.zone)
    ordered = sorted(items, key=lambda item: item.slot)
    has_bookings = not all(item.is_session for item in ordered)
    return outbox.page(
        "booking_reminder_of_several",
        to=to.email,
        language=to.language,
        subject=subject(ordered[0], place),
        envelope=outbox.Envelope(
            topic=" ".join(item.uid for item in ordered),
            reply_to=place.email,
            unsubscribe=mails.stop_address(to.uid, MailKind.REMINDERS),
            useless_at=no_longer_tomorrow(ordered[0].slot.start, zone),
        ),
        place=place.name,
        contact=place.email,
        link=outbox.address("/bookings/" if has_bookings else "/trainings/"),
        items=ordered,
        has_bookings=has_bookings,
        has_sessions=any(item.is_session for item in ordered),
        zone=zone,
    )


def subject(first: Item, place: Any) -> Any:
    hour = texts.hour(first.slot.start.astimezone(ZoneInfo(place.zone)))
    return lazy_gettext(SUBJECTS[Letter.REMINDER], place=place.name, hour=hour, machine=first.name)
