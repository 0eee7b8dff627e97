"""Telling members by mail what happened to the training sessions that concern them.

As with bookings, what happened was written down in its own transaction; here it is put into words,
and then promised and marked as told in one short transaction.
"""

import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy.exc import SQLAlchemyError

from fablab.calendars import sessions as calendar
from fablab.calendars.sessions import Part
from fablab.db import Busy, db, retried, writing
from fablab.invitations import queries, session_letters
from fablab.invitations.models import SessionInvitation
from fablab.invitations.promises import claim, overtake, remember
from fablab.invitations.rules import Notice, event_method, session_news
from fablab.mail import outbox
from fablab.members.kinds import MailKind
from fablab.members.mails import refused
from fablab.members.rules import wants
from fablab.trainings.kinds import SessionState
from fablab.trainings.models import SessionNotice, TrainingSession
from fablab.trainings.queries import sessions

log = logging.getLogger(__name__)


class Case(NamedTuple):
    """What one mail tells somebody of a session, which is theirs in that `part`."""

    notices: Sequence[Any]
    held: Any
    reader: Any
    part: Part
    is_invited: bool
    place: Any
    machines: Sequence[Any]

    @property
    def is_cancelled(self) -> bool:
        return self.held.state is SessionState.CANCELLED

    @property
    def stands(self) -> bool:
        return self.part is not Part.GONE and not self.is_cancelled


class Told(NamedTuple):
    """What came of a case: its mail, or none; `is_news` when what was said before is overtaken."""

    case: Case
    is_news: bool = False
    mail: outbox.Mail | None = None


def tell(now: datetime) -> int:
    """Promise the mails about everything that those concerned were not told of yet; how many.

    One read when there is nothing. Raises Busy.
    """
    notices = queries.untold_notices()
    told = [_told(case, now) for case in _cases(notices)] if notices else []
    db.session.rollback()
    return sum(_promise(each, now) for each in told)


def _cases(notices: Sequence[Any]) -> Iterator[Case]:
    """One for each session and reader, in the order in which the first thing happened to them."""
    together: dict[tuple[int, int], list[Any]] = defaultdict(list)
    for notice in notices:
        together[notice.session_id, notice.member_id].append(notice)
    ids = {session_id for session_id, _member_id in together}
    held = {row.id: row for row in sessions(TrainingSession.id.in_(ids))}
    readers = queries.readers({member_id for _session_id, member_id in together})
    seatings, invited = queries.seatings(ids), queries.invited_to(ids)
    places, machines = calendar.places(), calendar.machines_of(ids)
    for both, theirs in together.items():
        session_id, member_id = both
        row = held[session_id]
        yield Case(
            theirs,
            row,
            readers[member_id],
            calendar.part_of(row, member_id, seatings.get(both)),
            both in invited,
            places[row.place_id],
            machines.get(session_id, ()),
        )


def _told(case: Case, now: datetime) -> Told:
    try:
        return _in_words(case, now)
    except (SQLAlchemyError, Busy):
        raise  # nothing is told, and nothing lost: the next round tries again
    except Exception:
        # One that cannot be put into words must not keep all the others from theirs.
        log.exception("no mail could be written about session %s", case.held.uid)
        return Told(case)


def _in_words(case: Case, now: datetime) -> Told:
    reader = case.reader
    news = session_news(
        [Notice(notice.kind, notice.made_by_id) for notice in case.notices],
        member_id=reader.id,
        is_theirs=case.part is not Part.GONE,
        is_invited=case.is_invited,
        is_cancelled=case.is_cancelled,
        is_over=case.held.ends_at <= now,
    )
    if news is None or reader.erased_at is not None:
        return Told(case)
    unwanted = () if news.is_told_anyway else refused(reader.refused_mails)
    is_wanted = wants(MailKind.TRAININGS, reader.channel, unwanted, is_own_doing=news.is_own_doing)
    # What a mail put into their calendar is kept true there, whatever they chose since.
    if not (is_wanted or case.is_invited):
        return Told(case, is_news=True)
    mail = session_letters.letter(
        news,
        case.held,
        case.part,
        to=reader,
        method=event_method(reader.channel, is_invited=case.is_invited, stands=case.stands),
        place=case.place,
        machines=case.machines,
        now=now,
    )
    return Told(case, True, mail)


@retried
def _promise(told: Told, now: datetime) -> bool:
    """Mark the notices as told and promise the mail, both or neither; whether a mail was."""
    case, mail = told.case, told.mail
    with writing() as session:
        if not claim(session, SessionNotice.__table__, [each.id for each in case.notices], now):
            return False
        if told.is_news:
            overtake(session, case.held.uid, case.reader.id, case.reader.email, now)
        if mail is None:
            return False
        outbox.put(session, mail, now=now)
        if mail.envelope.method:
            remember(
                session,
                SessionInvitation,
                session_id=case.held.id,
                member_id=case.reader.id,
                sequence=case.held.revision,
                is_cancelled=not case.stands,
                now=now,
            )
        return True
