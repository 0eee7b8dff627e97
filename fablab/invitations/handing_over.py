"""Telling by mail that a booking was handed over: it leaves one calendar and enters another."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from types import SimpleNamespace
from typing import Any, NamedTuple

from sqlalchemy import delete
from sqlalchemy.orm import Session

from fablab import ical
from fablab.ical import Address
from fablab.invitations import letters, queries
from fablab.invitations.letters import entry, name_of, organizer
from fablab.invitations.models import Invitation
from fablab.invitations.rules import Letter, News, event_method, is_sent
from fablab.machines.kinds import Status
from fablab.mail import outbox
from fablab.members.kinds import MailKind
from fablab.members.mails import refused
from fablab.members.rules import wants


class Split(NamedTuple):
    """What happened to one booking: each time it was handed over, and all since the last."""

    handed: list[Any]
    since: list[Any]


def split(changes: Sequence[Any]) -> Split:
    """`changes` are of one booking, the oldest first. What is handed over is in no series."""
    handed = [change for change in changes if change.what == "handed_over"]
    since = changes[changes.index(handed[-1]) :] if handed else changes
    return Split(handed, list(since))


class GivenAway(NamedTuple):
    mails: list[outbox.Mail]
    former: list[Any]  # whose it was, the first holder first


def given_away(
    booking: Any, handed: Sequence[Any], *, is_invited: bool, now: datetime
) -> GivenAway:
    """The mails to each whose it was, and to the buddy who need not come. `is_invited`: an
    invitation stands in the calendar of the first of them.
    """
    to = [int(change.before["member"]) for change in handed]
    takers = [*to[1:], booking.member_id]
    known = queries.readers({*to, *takers})
    mails: list[outbox.Mail] = []
    former: list[Any] = []
    for at, (change, taker) in enumerate(zip(handed, takers, strict=True)):
        giver = known.get(to[at])
        if giver is None or giver.erased_at is not None:
            continue
        theirs = _as_it_was(booking, giver)
        doer = name_of(known[taker]) if taker in known else ""
        is_in_calendar = is_invited and at == 0
        former.append(giver)
        if _is_told(giver, is_invited=is_in_calendar):
            mails.append(_letter(theirs, doer, is_invited=is_in_calendar, now=now))
        mails += _to_buddy(theirs, change, booking)
    return GivenAway(mails, former)


def _is_told(giver: Any, *, is_invited: bool) -> bool:
    news = News(Letter.HANDED_OVER, is_own_doing=False, was_theirs=False)
    return is_sent(news, giver.channel, refused(giver.refused_mails), is_invited=is_invited)


def _as_it_was(booking: Any, giver: Any) -> Any:
    """The booking as whoever gave it knows it: it is cancelled for them, and its words are gone."""
    theirs = {
        "member_id": giver.id,
        "member_uid": giver.uid,
        "title": "",
        "organization_name": "",
        "status": Status.CANCELLED,
        **{name: getattr(giver, name) for name in ("first_name", "last_name", "email", "language")},
        **{name: getattr(giver, name) for name in ("channel", "phone", "shares_phone")},
    }
    return SimpleNamespace(**booking._asdict() | theirs)


def _letter(theirs: Any, doer: str, *, is_invited: bool, now: datetime) -> outbox.Mail:
    """With the UID and the sequence that the other's calendar has too: of one event, the one is
    told that it is theirs no more (RFC 5546 §3.2.5).
    """
    method = event_method(theirs.channel, is_invited=is_invited, stands=False)
    event = ical.invitation(
        replace(entry(theirs), status="CANCELLED"),
        method or "CANCEL",
        organizer=organizer(theirs.contact, theirs.place_name),
        attendee=Address(theirs.email, name_of(theirs)),
        stamp=now,
    )
    return outbox.page(
        Letter.HANDED_OVER,
        subject=letters.subject(Letter.HANDED_OVER, theirs),
        envelope=outbox.Envelope(
            topic=theirs.uid,
            calendar=event.decode() if method else "",
            method=method,
            **letters.addresses(Letter.HANDED_OVER, theirs),
            useless_at=theirs.ends_at,
        ),
        link=outbox.address("/bookings/"),
        doer=doer,
        **letters.said_of(theirs),
    )


def _to_buddy(theirs: Any, change: Any, booking: Any) -> list[outbox.Mail]:
    """Who had agreed to come along, unless whoever took it over asks them again."""
    agreed = int(change.before.get("buddy") or 0)
    if not agreed or agreed == booking.buddy_id:
        return []
    buddy = queries.readers({agreed}).get(agreed)
    if buddy is None or buddy.erased_at is not None:
        return []
    if not wants(MailKind.BOOKINGS, buddy.channel, refused(buddy.refused_mails)):
        return []
    return [letters.buddy_letter(Letter.BUDDY_FREE, theirs, buddy)]


def forget_invitation(session: Session, occupancy_id: int) -> None:
    """Nothing stands in the calendar of whose it is now, until they are told."""
    session.execute(delete(Invitation.__table__).where(Invitation.occupancy_id == occupancy_id))
