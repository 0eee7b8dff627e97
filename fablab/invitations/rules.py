"""What is said by mail of what happened to a booking, to whom, and when. Pure.

What happened is told once things have come to rest: somebody who books, moves and cancels within
one moment is told of nothing, or of the end alone.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import NamedTuple

from fablab.clock import from_wall, to_wall
from fablab.machines.kinds import Status
from fablab.members.kinds import Channel, MailKind


class Letter(StrEnum):
    """A mail about one booking, by the name of its template."""

    MADE = "booking_made"
    CHANGED = "booking_changed"
    CANCELLED = "booking_cancelled"
    MISSED = "booking_missed"
    CONFIRMED = "consent_confirmed"
    DECLINED = "consent_declined"
    LAPSED = "consent_lapsed"
    OFFERED = "wait_offer"
    OFFER_LAPSED = "wait_lapsed"
    REMINDER = "booking_reminder"
    BUDDY_FREE = "booking_buddy_free"


KINDS = {
    Letter.MADE: MailKind.BOOKINGS,
    Letter.CHANGED: MailKind.BOOKINGS,
    Letter.CANCELLED: MailKind.BOOKINGS,
    Letter.MISSED: MailKind.BOOKINGS,
    Letter.CONFIRMED: MailKind.ANSWERS,
    Letter.DECLINED: MailKind.ANSWERS,
    Letter.LAPSED: MailKind.ANSWERS,
    Letter.OFFERED: MailKind.OFFERS,
    Letter.OFFER_LAPSED: MailKind.OFFERS,
    Letter.REMINDER: MailKind.REMINDERS,
    Letter.BUDDY_FREE: MailKind.BOOKINGS,
}

ENDINGS = {
    "cancelled": Letter.CANCELLED,
    "declined": Letter.DECLINED,
    "lapsed": Letter.LAPSED,
    "missed": Letter.MISSED,
}
# What the last of these was about decides; a buddy's comings and goings are asked about by mails
# of their own.
BEGINNINGS = ("booked", "offered", "accepted", "confirmed", "moved")


class Change(NamedTuple):
    """One line of a booking's record that nobody was told of yet."""

    what: str
    by: int | None  # the member whose doing it was; nobody's when time alone did it


class News(NamedTuple):
    """Which mail tells of it, and whether it tells its member of their own doing."""

    letter: Letter
    is_own_doing: bool


def news_of(
    changes: Sequence[Change],
    *,
    status: Status,
    member_id: int,
    is_over: bool,
    was_only_offered: bool,
) -> News | None:
    """What its member is told of `changes` of a booking, the oldest first; None for nothing.

    `is_over`: it has ended by now, and is only told of when nobody came. `was_only_offered`: its
    member never took it.
    """
    whats = [change.what for change in changes]
    stands = status in (Status.CONFIRMED, Status.PENDING)
    that_count = [
        change for change in changes if change.what in (BEGINNINGS if stands else ENDINGS)
    ]
    if not that_count:
        return None
    last = that_count[-1]
    is_own_doing = last.by == member_id
    if last.what == "missed":
        return News(Letter.MISSED, is_own_doing)
    if is_over or (not stands and is_own_doing and is_new(whats)):
        return None
    if stands:
        return News(_of_what_stands(whats, status), is_own_doing)
    if last.what == "lapsed" and was_only_offered:
        return News(Letter.OFFER_LAPSED, is_own_doing)
    return News(ENDINGS[last.what], is_own_doing)


def is_new(whats: Collection[str]) -> bool:
    """Were they told of nothing about this booking yet?"""
    return "booked" in whats or "offered" in whats


def _of_what_stands(whats: Collection[str], status: Status) -> Letter:
    if "booked" in whats or "accepted" in whats:
        return Letter.MADE
    if "offered" in whats:
        return Letter.OFFERED
    if "confirmed" in whats and status is Status.CONFIRMED:
        return Letter.CONFIRMED
    return Letter.CHANGED


def method_for(letter: Letter, channel: Channel, *, is_invited: bool, stands: bool) -> str:
    """The iTIP method that goes with the letter; empty for a letter in words alone.

    `is_invited`: an invitation stands in their calendar. Whoever chose another channel since has
    to hear of that booking's changes the old way: nothing else would move it there.
    """
    if letter in (Letter.MISSED, Letter.REMINDER):
        return ""
    if stands:
        return "REQUEST" if is_invited or channel is Channel.INVITATION else ""
    return "CANCEL" if is_invited else ""


# -- the evening before, and the morning of the day

REMIND_AT = time(17)  # on the place's clock, the day before
TOO_LATE = timedelta(hours=1)  # before the start a reminder reminds of nothing any more


def reminded_at(starts_at: datetime, zone: tzinfo) -> datetime:
    """When a booking's member is reminded: at five in the afternoon, the day before."""
    day = to_wall(zone, starts_at).date() - timedelta(days=1)
    return from_wall(zone, day, REMIND_AT)


def is_to_remind(starts_at: datetime, changed_at: datetime, zone: tzinfo, now: datetime) -> bool:
    """Not of what was booked or changed since the reminder would have been sent: of that they
    have just been told.
    """
    due = reminded_at(starts_at, zone)
    return due <= now < starts_at - TOO_LATE and changed_at < due


DIGEST_AT, DIGEST_UNTIL = time(7), time(12)  # on the place's clock


def digest_day(zone: tzinfo, now: datetime, last: date | None) -> date | None:
    """The day whose morning mail is due, after `last` day's; none in the night, nor once the
    morning has passed.
    """
    wall = to_wall(zone, now)
    is_morning = DIGEST_AT <= wall.time() < DIGEST_UNTIL
    return wall.date() if is_morning and wall.date() != last else None
