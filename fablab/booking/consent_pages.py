"""What the pages about consents show, as plain values: the templates only lay them out."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from flask import url_for
from flask_babel import gettext as _

from fablab import texts
from fablab.booking import consents, pages
from fablab.booking.consent_rules import ends_it
from fablab.booking.consent_words import (
    ANSWERED,
    ASKED,
    BY_SILENCE,
    NO_BUDDY_YET,
    NO_MEANS,
    SILENCE_MEANS,
    WAITING,
    YES_MEANS,
)
from fablab.booking.kinds import Answer, ConsentKind
from fablab.machines.inventory import Inventory
from fablab.machines.kinds import Status
from fablab.slots import Slot

# A free place that is offered has its own pages.
KINDS = frozenset(ASKED)


@dataclass(frozen=True, slots=True)
class Question:
    """A question, to whoever may answer it."""

    uid: str
    booking_uid: str
    who: str
    code: str
    hue: str
    machine: str
    when: str
    due: str
    purpose: str  # for the team alone
    asked: str
    yes_means: str
    no_means: str
    silence_means: str
    wants_a_reason: bool  # with a no
    is_open: bool
    said: str  # the answer that stands; else why there is none to give
    may_take_back: bool


def question(row: Any, now: datetime) -> Question:
    """`row` is one of `consents.questions_to`."""
    who, zone = full_name(row), ZoneInfo(row.zone)
    is_open = row.answer is None and row.status == Status.PENDING and now < row.due_at
    return Question(
        uid=row.consent_uid,
        booking_uid=row.uid,
        who=who,
        code=row.code,
        hue=row.hue,
        machine=row.machine_name,
        when=pages.when(Slot(row.starts_at, row.ends_at), zone, now),
        due=texts.moment(row.due_at, zone),
        purpose=row.title if row.is_team else "",
        asked=_(ASKED[row.kind], who=who),
        yes_means=_(YES_MEANS[row.kind]),
        no_means=_(NO_MEANS[row.kind], who=who),
        silence_means=_(SILENCE_MEANS[bool(row.silence_is_a_yes)]),
        wants_a_reason=ends_it(row.kind),
        is_open=is_open,
        said="" if is_open else _said(row),
        may_take_back=row.kind == ConsentKind.BUDDY
        and row.answer == Answer.YES
        and row.status in (Status.CONFIRMED, Status.PENDING)
        and now < row.starts_at,
    )


def _said(row: Any) -> str:
    if row.answer == Answer.YES:
        return _("The answer is yes.")
    if row.answer == Answer.NO:
        return _("The answer is no.")
    if row.answer == Answer.TAKEN_BACK:
        return _("The yes was taken back.")
    return _("This waits for an answer no more.")


def full_name(row: Any) -> str:
    return f"{row.first_name or ''} {row.last_name or ''}".strip()


class AskedLine(NamedTuple):
    """A question in the list of those that wait for the reader."""

    code: str
    hue: str
    machine: str
    when: str
    asked: str
    url: str


def asked_of(member_id: int, now: datetime) -> list[AskedLine]:
    """What waits for their answer, the soonest due first. One statement."""
    rows = consents.waiting_for(member_id, now)
    return _lines([question(row, now) for row in rows if row.kind in KINDS])


def buddy_of(member_id: int, now: datetime) -> list[AskedLine]:
    """Whose buddy they have agreed to be, soonest first. One statement."""
    found = [question(row, now) for row in consents.buddy_of(member_id, now)]
    said = [_("You are the buddy of %(who)s.", who=each.who) for each in found]
    return [line._replace(asked=words) for line, words in zip(_lines(found), said, strict=True)]


def _lines(found: Iterable[Question]) -> list[AskedLine]:
    return [
        AskedLine(
            each.code,
            each.hue,
            each.machine,
            each.when,
            each.asked,
            url_for("consents.show", uid=each.uid),
        )
        for each in found
    ]


class WaitingLine(NamedTuple):
    """One thing a booking waits for, or no longer does."""

    sentence: str
    icon: str
    until: str = ""
    url: str = ""  # where a buddy is named


def waiting_lines(booking: Any, inventory: Inventory, person: Any) -> list[WaitingLine]:
    """What a pending booking waits for, first to last; of any other nothing. One statement.

    `person` reads it: whoever it is for, and the team, may name a buddy.
    """
    if booking.status != Status.PENDING:
        return []
    may_name = booking.member_id == person.id or person.manages(booking.place_id)
    rows: Iterable[Any] = consents.of_booking(booking.id)
    zone = inventory.schedule.zone
    return [_waiting_line(row, zone, may_name) for row in rows if row.kind in KINDS]


def _waiting_line(row: Any, zone: Any, may_name: bool) -> WaitingLine:
    who = full_name(row)
    if row.answer is not None:
        said = ANSWERED.get((row.kind, row.answer), "")
        if row.silence_is_a_yes and row.answered_by_id is None:
            said = BY_SILENCE
        sentence = _(said, who=who) if said else ""
        if said and row.why:
            why = _("Reason given: %(why)s.", why=row.why)
            sentence = f"{sentence} {why}"
        return WaitingLine(sentence, "check" if row.answer == Answer.YES else "x")
    is_to_name = row.kind == ConsentKind.BUDDY
    waiting = NO_BUDDY_YET if is_to_name and row.asked_id is None else WAITING[row.kind]
    return WaitingLine(
        _(waiting, who=who),
        "hourglass",
        until=texts.moment(row.due_at, zone),
        url=url_for("consents.buddy", uid=row.uid) if is_to_name and may_name else "",
    )
