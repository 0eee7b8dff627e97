"""What is said by mail of what happened to a booking or a session, to whom, and when. Pure.

What happened is told once things have come to rest: somebody who books, moves and cancels within
one moment is told of nothing, or of the end alone.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import NamedTuple

from fablab.booking.presence_rules import UNDOABLE
from fablab.clock import from_wall, midnight, to_wall
from fablab.machines.kinds import STANDING, Status
from fablab.members.kinds import Channel, MailKind
from fablab.members.rules import wants
from fablab.trainings.kinds import NoticeKind


class Letter(StrEnum):
    """A mail about one booking, by the name of its template."""

    MADE = "booking_made"
    CHANGED = "booking_changed"
    CANCELLED = "booking_cancelled"
    MISSED = "booking_missed"
    ENDED_EARLY = "booking_ended_early"
    RESTORED = "booking_restored"
    WARNED = "booking_warned"  # its machine is out of service
    RELIEVED = "booking_relieved"  # and back
    SHUT = "booking_shut"  # the place is closed then
    REOPENED = "booking_reopened"  # and open after all
    HANDED_OVER = "booking_handed_over"  # to whoever gave it
    UNSHARED = "booking_unshared"  # the owner of its machine does not share it then
    SHARED = "booking_shared"  # and does after all
    CONFIRMED = "consent_confirmed"
    DECLINED = "consent_declined"
    LAPSED = "consent_lapsed"
    OFFERED = "wait_offer"
    OFFER_LAPSED = "wait_lapsed"
    OFFER_WITHDRAWN = "wait_withdrawn"
    REMINDER = "booking_reminder"
    BUDDY_FREE = "booking_buddy_free"
    BUDDY_REMINDER = "booking_reminder_buddy"
    UNSETTLED = "booking_unsettled"


KINDS = {
    Letter.MADE: MailKind.BOOKINGS,
    Letter.CHANGED: MailKind.BOOKINGS,
    Letter.CANCELLED: MailKind.BOOKINGS,
    Letter.MISSED: MailKind.BOOKINGS,
    Letter.ENDED_EARLY: MailKind.BOOKINGS,
    Letter.RESTORED: MailKind.BOOKINGS,
    Letter.WARNED: MailKind.BOOKINGS,
    Letter.RELIEVED: MailKind.BOOKINGS,
    Letter.SHUT: MailKind.BOOKINGS,
    Letter.REOPENED: MailKind.BOOKINGS,
    Letter.HANDED_OVER: MailKind.ANSWERS,
    Letter.UNSHARED: MailKind.BOOKINGS,
    Letter.SHARED: MailKind.BOOKINGS,
    Letter.CONFIRMED: MailKind.ANSWERS,
    Letter.DECLINED: MailKind.ANSWERS,
    Letter.LAPSED: MailKind.ANSWERS,
    Letter.OFFERED: MailKind.OFFERS,
    Letter.OFFER_LAPSED: MailKind.OFFERS,
    Letter.OFFER_WITHDRAWN: MailKind.OFFERS,
    Letter.REMINDER: MailKind.REMINDERS,
    Letter.BUDDY_FREE: MailKind.BOOKINGS,
    Letter.BUDDY_REMINDER: MailKind.REMINDERS,
    Letter.UNSETTLED: MailKind.ANSWERS,
}

ENDINGS = {
    "cancelled": Letter.CANCELLED,
    "declined": Letter.DECLINED,
    "lapsed": Letter.LAPSED,
    "missed": Letter.MISSED,
    "offer_withdrawn": Letter.OFFER_WITHDRAWN,
}
# Told without a tick too, when others did it.
OWED = frozenset(
    {
        *(Letter.CHANGED, Letter.CANCELLED, Letter.DECLINED, Letter.LAPSED),
        *(Letter.ENDED_EARLY, Letter.RESTORED, Letter.WARNED, Letter.RELIEVED),
        *(Letter.SHUT, Letter.REOPENED, Letter.HANDED_OVER, Letter.UNSHARED, Letter.SHARED),
    }
)
# What becomes of its machine, and of the hours of the place: told once it has come to rest, and not
# at all when it went and came back within a moment.
IN_ITS_WAY = {
    "warned": Letter.WARNED,
    "relieved": Letter.RELIEVED,
    "shut": Letter.SHUT,
    "reopened": Letter.REOPENED,
    "unshared": Letter.UNSHARED,
    "shared": Letter.SHARED,
}
THERE_AND_BACK = (("warned", "relieved"), ("shut", "reopened"), ("unshared", "shared"))

# A buddy's comings and goings are asked about by mails of their own. One that puts a confirmed
# booking in doubt is told where an invitation says otherwise.
UNSETTLING = ("buddy_taken_back",)
BEGINNINGS = (
    *("booked", "offered", "accepted", "handed_over", "confirmed", "moved"),
    *("ended_early", "undone", "put_down"),
    *IN_ITS_WAY,
)


class Change(NamedTuple):
    """One line of a booking's record that nobody was told of yet."""

    what: str
    by: int | None  # the member whose doing it was; nobody's when time alone did it


class News(NamedTuple):
    """Which mail tells of it, and whose doing that was.

    `is_own_doing`: whose calendar is subscribed need not hear of it. `was_theirs`: it is told as
    something that they did.
    """

    letter: Letter
    is_own_doing: bool
    was_theirs: bool


def news_of(
    changes: Sequence[Change],
    *,
    status: Status,
    member_id: int,
    is_over: bool,
    was_only_offered: bool,
    is_invited: bool = False,
) -> News | None:
    """What its member is told of `changes` of a booking, the oldest first; None for nothing.

    `is_over`: it has ended by now, and is only told of when nobody came or it was ended early.
    `was_only_offered`: its member never took it. `is_invited`: an invitation stands in their
    calendar.
    """
    changes = _without_what_was_undone(changes)
    stands = status in STANDING
    counting = (*BEGINNINGS, *(UNSETTLING if is_invited else ())) if stands else tuple(ENDINGS)
    that_count = [change for change in changes if change.what in counting]
    if not that_count:
        return None
    is_own_doing = all(change.by == member_id for change in that_count)
    last = that_count[-1]
    was_theirs = last.by == member_id
    if last.what == "ended_early":
        return News(Letter.ENDED_EARLY, is_own_doing, was_theirs)
    if stands and _came_to_nothing(that_count):
        return None
    if stands:
        told = _of_what_stands(that_count, status)
        return None if is_over else News(told[0], is_own_doing, told[1].by == member_id)
    if last.what == "missed":
        return News(Letter.MISSED, is_own_doing, was_theirs)
    is_undone = was_theirs or last.what == "offer_withdrawn"
    if is_over or (is_undone and is_new([change.what for change in changes])):
        return None
    is_lapsed_offer = last.what == "lapsed" and was_only_offered
    return News(
        Letter.OFFER_LAPSED if is_lapsed_offer else ENDINGS[last.what], is_own_doing, was_theirs
    )


def _came_to_nothing(changes: Sequence[Change]) -> bool:
    """Its machine went and came back, or the place closed and opened, and nothing else happened."""
    whats = [change.what for change in changes]
    return set(whats) in map(set, THERE_AND_BACK) and (whats[0], whats[-1]) in THERE_AND_BACK


def is_new(whats: Collection[str]) -> bool:
    """Were they told of nothing about this booking yet?"""
    return any(what in whats for what in ("booked", "offered", "handed_over"))


def _without_what_was_undone(changes: Sequence[Change]) -> Sequence[Change]:
    """Who was not told yet of what is undone need not hear of either."""
    left: list[Change] = []
    for change in changes:
        undone = [each for each in left if each.what in UNDOABLE]
        if change.what == "undone" and undone:
            left.remove(undone[-1])
        else:
            left.append(change)
    return left


def _of_what_stands(changes: Sequence[Change], status: Status) -> tuple[Letter, Change]:
    """The letter, and the change that it tells of."""
    made = {change.what: change for change in changes}
    start = made.get("accepted") or made.get("booked") or made.get("handed_over")
    if start:
        others = [each for each in changes if each.what == "moved" and each.by != start.by]
        return (Letter.CHANGED, others[-1]) if others else (Letter.MADE, start)
    last = changes[-1]
    if "offered" in made:
        return Letter.OFFERED, last
    if last.what in UNSETTLING:
        return Letter.UNSETTLED, last
    if last.what == "undone":
        return Letter.RESTORED, last
    if last.what in IN_ITS_WAY and "moved" not in made and "confirmed" not in made:
        return IN_ITS_WAY[last.what], last
    if "confirmed" in made and status is Status.CONFIRMED:
        return Letter.CONFIRMED, last
    return Letter.CHANGED, made.get("moved", last)


def is_sent(
    news: News, channel: Channel, unwanted: Collection[MailKind], *, is_invited: bool
) -> bool:
    """Is it told to a member who chose so?

    What a mail put into their calendar is kept true there, whatever they chose since: nothing
    else would. Without a tick too they hear what others did to a booking of theirs: else somebody
    would come for nothing.
    """
    if is_invited and news.letter is not Letter.MISSED:
        return True
    if news.letter in OWED and not news.was_theirs:
        unwanted = ()
    return wants(KINDS[news.letter], channel, unwanted, is_own_doing=news.is_own_doing)


def method_for(letter: Letter, channel: Channel, *, is_invited: bool, stands: bool) -> str:
    """The iTIP method that goes with the letter; empty for a letter in words alone."""
    if letter in (Letter.MISSED, Letter.REMINDER):
        return ""
    return event_method(channel, is_invited=is_invited, stands=stands)


def event_method(channel: Channel, *, is_invited: bool, stands: bool) -> str:
    """What a mail does to the event in its reader's calendar; empty when it leaves that alone.

    `is_invited`: an invitation stands there.
    """
    if stands:
        return "REQUEST" if is_invited or channel is Channel.INVITATION else ""
    return "CANCEL" if is_invited else ""


# -- training sessions

COMES_IN = (NoticeKind.REGISTERED, NoticeKind.GIVING)
GOES = (NoticeKind.LEFT, NoticeKind.REPLACED)


class Notice(NamedTuple):
    """One thing about a session that they were not told of yet."""

    kind: NoticeKind
    by: int | None  # the member whose doing it was; nobody's when time alone did it


class SessionNews(NamedTuple):
    """Which mail tells of it, whether it tells its reader of their own doing, and whether the
    session was at another time or place when they last heard of it.
    """

    kind: NoticeKind
    is_own_doing: bool
    has_moved: bool

    @property
    def is_told_anyway(self) -> bool:
        """Without a tick too: else somebody would come for nothing."""
        return self.kind is NoticeKind.CANCELLED or (self.has_moved and self.kind not in GOES)


def session_news(
    notices: Sequence[Notice],
    *,
    member_id: int,
    is_theirs: bool,
    is_invited: bool,
    is_cancelled: bool,
    is_over: bool,
) -> SessionNews | None:
    """What they are told of a session: the last of `notices`, the oldest first, decides; None
    for nothing.

    `is_theirs`: they have a seat in it, wait for one, or give it. `is_invited`: an invitation
    stands in their calendar. `is_cancelled` and `is_over` are said of the session.
    """
    first, last = notices[0], notices[-1]
    is_own_doing = last.by == member_id
    has_moved = any(notice.kind is NoticeKind.CHANGED for notice in notices)
    news = SessionNews(last.kind, is_own_doing, has_moved)
    is_unheard_of = first.kind in COMES_IN and not is_invited
    if is_over:
        return None
    if last.kind in GOES:
        return None if is_unheard_of else news
    if last.kind is NoticeKind.CANCELLED:
        return None if is_unheard_of and is_own_doing else news
    if is_cancelled or not is_theirs:
        return None  # how that came is told in a moment
    if is_unheard_of and (is_own_doing or first.by != member_id):
        return news._replace(kind=first.kind)  # what was otherwise before, they never knew
    return news


# -- the evening before, and the morning of the day

REMIND_AT = time(17)  # on the place's clock, the day before


def reminded_at(starts_at: datetime, zone: tzinfo) -> datetime:
    """When somebody is reminded of a booking or a session: at five in the afternoon, the day
    before.
    """
    day = to_wall(zone, starts_at).date() - timedelta(days=1)
    return from_wall(zone, day, REMIND_AT)


def is_to_remind(starts_at: datetime, changed_at: datetime, zone: tzinfo, now: datetime) -> bool:
    """On the evening before alone. Not of what was booked or changed since the reminder would have
    been sent: of that they have just been told. `changed_at` is of a booking; of a session, when
    they last heard of it.
    """
    due = reminded_at(starts_at, zone)
    return due <= now < no_longer_tomorrow(starts_at, zone) and changed_at < due


def no_longer_tomorrow(starts_at: datetime, zone: tzinfo) -> datetime:
    """From when on a reminder would say what is not so."""
    return midnight(zone, to_wall(zone, starts_at).date())


DIGEST_AT, DIGEST_UNTIL = time(7), time(12)  # on the place's clock


def digest_day(zone: tzinfo, now: datetime, last: date | None) -> date | None:
    """The day whose morning mail is due, after `last` day's; none in the night, nor once the
    morning has passed.
    """
    wall = to_wall(zone, now)
    is_morning = DIGEST_AT <= wall.time() < DIGEST_UNTIL
    return wall.date() if is_morning and wall.date() != last else None
