"""A mail about a training session: its words, and the event that goes with it."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import force_locale, lazy_gettext

from fablab import ical
from fablab.calendars import sessions
from fablab.calendars.phrases import phrases
from fablab.calendars.sessions import Part
from fablab.ical import Address, Entry
from fablab.invitations.letters import name_of, organizer
from fablab.invitations.rules import SessionNews
from fablab.mail import outbox
from fablab.members import mails
from fablab.members.kinds import MailKind
from fablab.slots import Slot
from fablab.trainings.kinds import NoticeKind, SessionState
from fablab.words import N_

TEMPLATES = {kind: f"session_{kind}" for kind in NoticeKind}
SUBJECTS = {
    NoticeKind.REGISTERED: N_("%(place)s: you are registered for the session of %(training)s"),
    NoticeKind.SEAT: N_("%(place)s: you have a seat in the session of %(training)s"),
    NoticeKind.GIVING: N_("%(place)s: you give the session of %(training)s"),
    NoticeKind.CHANGED: N_("%(place)s: the session of %(training)s has changed"),
    NoticeKind.CANCELLED: N_("%(place)s: the session of %(training)s is cancelled"),
    NoticeKind.LEFT: N_("%(place)s: you are no longer registered for the session of %(training)s"),
    NoticeKind.REPLACED: N_("%(place)s: you no longer give the session of %(training)s"),
}
# Of who is registered and has no seat yet.
IN_LINE = N_("%(place)s: you are in the waiting list for the session of %(training)s")


def letter(
    news: SessionNews,
    held: Any,
    part: Part,
    *,
    to: Any,
    method: str,
    place: Any,
    machines: Any,
    now: datetime,
) -> outbox.Mail:
    """The mail of that news `to` a row of `queries.readers`, about a session as it stands now."""
    waits = part is Part.WAITING
    is_cancelled = held.state is SessionState.CANCELLED
    is_in_line = waits and news.kind is NoticeKind.REGISTERED
    subject = IN_LINE if is_in_line else SUBJECTS[news.kind]
    stop = "" if news.is_told_anyway else mails.stop_address(to.uid, MailKind.TRAININGS)
    event = ical.invitation(
        entry(held, part, to.language, place, machines),
        method,
        organizer=organizer(place.email, place.name),
        attendee=Address(to.email, name_of(to)),
        stamp=now,
    )
    return outbox.page(
        TEMPLATES[news.kind],
        to=to.email,
        language=to.language,
        subject=lazy_gettext(subject, place=place.name, training=held.training),
        envelope=outbox.Envelope(
            topic=held.uid,
            calendar=event.decode() if method else "",
            method=method,
            reply_to=place.email,
            unsubscribe=stop,
            useless_at=held.ends_at,
        ),
        place=place.name,
        contact=place.email,
        link=outbox.address(
            # Of one that is called off the others are of use.
            "/trainings/" if is_cancelled else f"/trainings/sessions/{held.uid}"
        ),
        training=held.training,
        slot=Slot(held.starts_at, held.ends_at),
        zone=ZoneInfo(place.zone),
        location=held.location,
        waits=waits,
        gives=part is Part.GIVING,
        is_own_doing=news.is_own_doing,
        has_moved=news.has_moved,
        why=held.cancel_reason,
    )


def entry(held: Any, part: Part, language: str, place: Any, machines: Any) -> Entry:
    """The event as its reader's own calendar has it; what is not theirs any more is cancelled."""
    with force_locale(language):
        return sessions.entry(held, part, phrases(language), place, machines)
