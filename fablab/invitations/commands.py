"""Telling members by mail what happened to their bookings.

What happened was written down in its own transaction; here it is read, put into words, and then
promised and marked as told in one short transaction, so that nobody who books waits for words.
"""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row
from sqlalchemy.exc import SQLAlchemyError

from fablab.booking import consent_letters
from fablab.db import Busy, db, retried, writing
from fablab.invitations import handing_over, letters, queries, session_letters
from fablab.invitations.letters import Was
from fablab.invitations.models import Invitation
from fablab.invitations.promises import claim, overtake, remember
from fablab.invitations.rules import (
    GOES,
    IN_ITS_WAY,
    Change,
    Letter,
    News,
    is_sent,
    method_for,
    news_of,
)
from fablab.machines.inventory import of_place
from fablab.machines.kinds import STANDING, OccupancyKind, Status
from fablab.machines.models import Change as ChangeRow
from fablab.mail import outbox
from fablab.members.kinds import MailKind
from fablab.members.mails import refused
from fablab.members.rules import wants
from fablab.slots import Slot
from fablab.trainings.kinds import NoticeKind

log = logging.getLogger(__name__)


class Case(NamedTuple):
    """What one mail tells of: a booking, or several to which the same happened, of a series or of
    one person on one machine.
    """

    bookings: list[Row[Any]]
    changes: list[Row[Any]]

    @property
    def first(self) -> Row[Any]:
        """The soonest; what is said of all is said by it."""
        return self.bookings[0]

    @property
    def of_first(self) -> list[Row[Any]]:
        return [change for change in self.changes if change.occupancy_id == self.first.id]


class Told(NamedTuple):
    """What came of a case: its mail, or none; `is_news` when what was said before is overtaken.

    `others` are mails to whoever else it concerns; `former` is whose it was, when it was handed
    over meanwhile: what their calendar was told is over.
    """

    case: Case
    is_news: bool = False
    mail: outbox.Mail | None = None
    others: Sequence[outbox.Mail] = ()
    former: Sequence[Any] = ()


# What stands in its way: other slots are offered.
LETS_DOWN = (Letter.WARNED, Letter.SHUT, Letter.UNSHARED)
ENDED = (Letter.CANCELLED, Letter.DECLINED, Letter.LAPSED)
# What is told in one mail when it happens to several of a series in one moment.
TOGETHER = ("booked", "moved", "cancelled")


def tell(now: datetime) -> int:
    """Promise the mails about everything that nobody was told of yet; how many.

    One read when there is nothing. Raises Busy.
    """
    changes = queries.untold()
    told = list(_tell_all(changes, now)) if changes else []
    db.session.rollback()
    return sum(_promise(each, now) for each in told)


def _tell_all(changes: Sequence[Row[Any]], now: datetime) -> Iterator[Told]:
    others = [change for change in changes if change.kind != OccupancyKind.BOOKING]
    if others:
        yield Told(Case([], others))  # who has an outage or a session is told of it elsewhere
    of_bookings = [change for change in changes if change.kind == OccupancyKind.BOOKING]
    ids = {change.occupancy_id for change in of_bookings}
    bookings, invited = queries.about(ids), queries.invited(ids)
    for case in _cases(of_bookings, bookings, invited, now):
        try:
            yield _told(case, any(each.id in invited for each in case.bookings), now)
        except (SQLAlchemyError, Busy):
            raise  # nothing is told, and nothing lost: the next round tries again
        except Exception:
            # One that cannot be put into words must not keep all the others from theirs.
            log.exception("no mail could be written about booking %s", case.first.uid)
            yield Told(case)


def _cases(
    changes: Sequence[Row[Any]],
    bookings: dict[int, Row[Any]],
    invited: Collection[int],
    now: datetime,
) -> Iterator[Case]:
    by_booking: dict[int, list[Row[Any]]] = defaultdict(list)
    for change in changes:
        by_booking[change.occupancy_id].append(change)
    groups: dict[Any, list[int]] = defaultdict(list)
    for id, its_own in by_booking.items():
        booking, last = bookings[id], its_own[-1]
        whats = tuple(change.what for change in its_own)
        key: Any = id
        if booking.series_id and last.what in TOGETHER:
            key = (booking.series_id, last.what, last.made_at)
        elif set(whats) <= set(IN_ITS_WAY):
            key = (*_on_one_machine(booking, now), id in invited, last.made_at, *whats)
        groups[key].append(id)
    for group in groups.values():
        its_bookings = sorted((bookings[id] for id in group), key=lambda each: each.starts_at)
        yield Case(its_bookings, [change for id in group for change in by_booking[id]])


def _on_one_machine(booking: Row[Any], now: datetime) -> tuple[int, int, bool, bool]:
    """The same for bookings of which the same is said to the same person."""
    is_told_of = booking.status in STANDING
    return booking.member_id, booking.machine_id, is_told_of, booking.ends_at <= now


def _told(case: Case, is_invited: bool, now: datetime) -> Told:
    """Of a booking that was handed over, whose it was hears that, and whose it is all since."""
    gone = handing_over.split(case.changes)
    if gone.handed:
        given = handing_over.given_away(case.first, gone.handed, is_invited=is_invited, now=now)
        told = _told_holder(Case(case.bookings, gone.since), False, now)
        others = [*given.mails, *told.others]
        return told._replace(case=case, is_news=True, others=others, former=given.former)
    return _told_holder(case, is_invited, now)


def _told_holder(case: Case, is_invited: bool, now: datetime) -> Told:
    booking = case.first
    news = news_of(
        [Change(change.what, change.made_by_id) for change in case.of_first],
        status=booking.status,
        member_id=booking.member_id,
        is_over=booking.ends_at <= now,
        was_only_offered=booking.created_by_id is None,
        is_invited=is_invited,
    )
    if news is None or booking.erased_at is not None:
        return Told(case)
    if news.letter is Letter.OFFERED and not _may_be_taken(booking, now):
        return Told(case)  # that it went to the next is told in a moment
    others = _to_buddies(case, news)
    unwanted = refused(booking.refused_mails)
    if not is_sent(news, booking.channel, unwanted, is_invited=is_invited):
        return Told(case, True, None, others)
    stands = booking.status in STANDING
    method = method_for(news.letter, booking.channel, is_invited=is_invited, stands=stands)
    return Told(case, True, _mail(case, news, method, now), others)


def _to_buddies(case: Case, news: News) -> list[outbox.Mail]:
    """Whoever agreed to come along need not, once the booking has ended before its time."""
    if news.letter not in ENDED:
        return []
    found = ((each, queries.buddy_of(each)) for each in case.bookings if each.buddy_id)
    return [
        letters.buddy_letter(Letter.BUDDY_FREE, booking, buddy)
        for booking, buddy in found
        if buddy and wants(MailKind.BOOKINGS, buddy.channel, refused(buddy.refused_mails))
    ]


def _may_be_taken(booking: Row[Any], now: datetime) -> bool:
    offer = queries.offer_of(booking.id)
    return offer is not None and offer.due_at > now


def _mail(case: Case, news: News, method: str, now: datetime) -> outbox.Mail:
    why, doer = case.of_first[-1].after.get("why", ""), _doer(case, news)
    if len(case.bookings) > 1 and news.letter in IN_ITS_WAY.values():
        return letters.several_letter(
            news.letter,
            case.bookings,
            has_events=bool(method),
            offers_others=news.letter in LETS_DOWN,
            now=now,
            why=why,
        )
    if len(case.bookings) > 1:
        return letters.series_letter(
            news.letter,
            case.bookings,
            has_events=bool(method),
            is_own_doing=news.was_theirs,
            now=now,
            why=why,
            doer=doer,
        )
    offer = queries.offer_of(case.first.id) if news.letter is Letter.OFFERED else None
    instead: Sequence[letters.Instead] = ()
    if news.letter in LETS_DOWN:
        instead = letters.instead_of(news.letter, case.first, now)
    return letters.letter(
        news.letter,
        case.first,
        method=method,
        is_own_doing=news.was_theirs,
        now=now,
        was=_was(case) if news.letter is Letter.CHANGED else None,
        offer=offer,
        due_at=queries.due_of(case.first.id) if case.first.status == Status.PENDING else None,
        why=why,
        doer=doer,
        instead=instead,
    )


def _doer(case: Case, news: News) -> str:
    """Who moved or cancelled it, when neither its member nor the team did: a machine's referent."""
    what = {Letter.CHANGED: "moved", Letter.CANCELLED: "cancelled"}.get(news.letter)
    by = [change.made_by_id for change in case.of_first if change.what == what]
    if news.was_theirs or not by or by[-1] is None:
        return ""
    return queries.doer_off_the_team(by[-1], case.first.place_id)


def _was(case: Case) -> Was | None:
    """How it was before the first of these moves, if it was elsewhere or at another time."""
    moved = next((change.before for change in case.of_first if change.what == "moved"), None)
    if moved is None:
        return None
    booking, machine_id = case.first, int(moved["machine"])
    slot = Slot(datetime.fromisoformat(moved["start"]), datetime.fromisoformat(moved["end"]))
    if (machine_id, slot) == (booking.machine_id, Slot(booking.starts_at, booking.ends_at)):
        return None
    machine = of_place(place_id=booking.place_id).by_id.get(machine_id)
    return Was(f"{machine.code} {machine.name}" if machine else "", slot)


@retried
def _promise(told: Told, now: datetime) -> bool:
    """Mark the changes as told and promise the mail, both or neither; whether a mail was."""
    with writing() as session:
        if not claim(session, ChangeRow.__table__, [each.id for each in told.case.changes], now):
            return False
        if told.is_news:
            for booking in told.case.bookings:
                overtake(session, booking.uid, booking.member_id, booking.email, now)
        for former in told.former:
            overtake(session, told.case.first.uid, former.id, former.email, now)
            handing_over.forget_invitation(session, told.case.first.id)
        for mail in told.others:
            outbox.put(session, mail, now=now)
        if told.mail is None:
            return bool(told.others)
        outbox.put(session, told.mail, now=now)
        if told.mail.envelope.method:
            for booking in told.case.bookings:
                remember(
                    session,
                    Invitation,
                    occupancy_id=booking.id,
                    sequence=booking.revision,
                    is_cancelled=booking.status not in STANDING,
                    now=now,
                )
        return True


# What is true whatever becomes of the booking or the session.
FINAL = {
    f"{Letter.CANCELLED}_series",
    *(Letter.CANCELLED, Letter.DECLINED, Letter.LAPSED, Letter.OFFER_LAPSED, Letter.MISSED),
    *(Letter.BUDDY_FREE, Letter.ENDED_EARLY, Letter.OFFER_WITHDRAWN, Letter.HANDED_OVER),
    *("handover_declined", "handover_lapsed"),
    *(session_letters.TEMPLATES[each] for each in (*GOES, NoticeKind.CANCELLED)),
}


QUESTIONS = set(consent_letters.SUBJECTS)


def is_still_true(mail: Any, now: datetime) -> bool:
    """Asked right before a mail is delivered: is what it says of a booking or session still so?

    `mail` is a row of the outbox. What is said of one that ended meanwhile is not: the mail about
    its end follows.
    """
    if not mail.topic or mail.kind in FINAL:
        return True
    found = [queries.now_of(uid) or queries.session_now_of(uid) for uid in mail.topic.split()]
    db.session.rollback()
    if mail.kind in QUESTIONS:
        return all(each is not None and each.status == Status.PENDING for each in found)
    return any(each is not None and each.standing and each.ends_at > now for each in found)
