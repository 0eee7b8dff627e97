"""The mails as the team sees them, as plain values: to whom, how it stands with them, and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from fablab import texts
from fablab.mail.kinds import Reason
from fablab.manage.mail_queries import MailState
from fablab.words import N_

STATES = {
    MailState.PARKED: N_("Not delivered"),
    MailState.WAITING: N_("Waiting"),
    MailState.SENT: N_("Sent"),
    MailState.DROPPED: N_("Dropped"),
}
TAGS = {
    MailState.PARKED: "no",
    MailState.WAITING: "warning",
    MailState.SENT: "ok",
    MailState.DROPPED: None,
}
REASONS = {
    Reason.AWAY: N_("The mail server does not answer."),
    Reason.CERTIFICATE: N_("The certificate of the mail server is not valid: it may be another."),
    Reason.INSECURE: N_("The mail server offers no encryption, so nothing is sent through it."),
    Reason.LOGIN: N_("The mail server does not accept our name and password."),
    Reason.SENDER: N_("The mail server accepts no mail from our address."),
    Reason.MAILBOX: N_("There is no mailbox of this address."),
    Reason.RECIPIENT: N_("The mail server refuses this address, perhaps only for now."),
    Reason.CONTENT: N_("The mail server refuses this mail."),
    Reason.BROKEN_OFF: N_("The mail server fell silent in the middle of the mail."),
    Reason.UNWRITABLE: N_("No mail could be made of it: look at the address."),
    Reason.OTHER: N_("It could not be handed over."),
    Reason.LATE: N_("It would have come too late to be of use."),
    Reason.UNTRUE: N_("What it says was no longer so."),
    Reason.OVERTAKEN: N_("A newer mail says how things stand."),
    Reason.GIVEN_UP: N_("Given up by the team."),
}
# What a mail is about, by how the name of its template begins: the first that fits.
KINDS = {
    "booking_reminder": N_("Reminder"),
    "booking": N_("Booking"),
    "consent": N_("Approval"),
    "wait": N_("Waiting list"),
    "handover": N_("Booking"),
    "session_reminder": N_("Reminder"),
    "session": N_("Training"),
    "qualification": N_("Training"),
    "digest": N_("The day's mail"),
    "test": N_("Test"),
    "": N_("Account"),
}


@dataclass(frozen=True, slots=True)
class Line:
    uid: str
    to: str
    subject: str
    kind: str
    state: str
    tag: str | None
    when: str  # promised, and what came of it or is to come
    why: str
    said: str  # by the server, for who looks after it
    may_try: bool
    may_drop: bool


def line(row: Any, now: datetime, zone: tzinfo) -> Line:
    state = MailState(row.state)
    is_open = state in (MailState.PARKED, MailState.WAITING)
    return Line(
        uid=row.message_id[1:].partition("@")[0],
        to=row.recipient,
        subject=row.subject,
        kind=kind_of(row.kind),
        state=_(STATES[state]),
        tag=TAGS[state],
        when=when_of(row, state, now, zone),
        why=_(REASONS.get(row.reason, REASONS[Reason.OTHER])) if row.reason else "",
        said=row.last_error if is_open else "",
        may_try=is_open and (state is MailState.PARKED or bool(row.reason)),
        may_drop=is_open,
    )


def kind_of(kind: str) -> str:
    return _(next(word for start, word in KINDS.items() if kind.startswith(start)))


def when_of(row: Any, state: MailState, now: datetime, zone: tzinfo) -> str:
    """`after 3 tries, the next at 14:00`"""
    if state is MailState.SENT:
        return moment(row.sent_at, zone)
    if state is MailState.DROPPED:
        return moment(row.dropped_at, zone)
    tries = ngettext("%(num)s try", "%(num)s tries", row.tries)
    if state is MailState.PARKED:
        return _("%(tries)s, the last %(when)s", tries=tries, when=moment(row.parked_at, zone))
    if row.due_at <= now:
        return _("Leaves now")
    if not row.reason:
        return _("On its way")
    return _("%(tries)s, the next %(when)s", tries=tries, when=moment(row.due_at, zone))


def moment(instant: datetime, zone: tzinfo) -> str:
    """`29 Mar 14:00`"""
    wall = instant.astimezone(zone)
    return f"{texts.day(wall.date(), 'd MMM')} {texts.hour(wall)}"


def choices(counts: Mapping[MailState, int], chosen: MailState | None) -> list[dict[str, Any]]:
    """All of them, or those in one state, with how many there are."""
    every = {
        "text": _("All"),
        "url": url_for("manage.mails"),
        "is_current": chosen is None,
    }
    return [every] + [
        {
            "text": f"{_(word)} ({counts[state]})",
            "url": url_for("manage.mails", state=state.value),
            "is_current": chosen is state,
        }
        for state, word in STATES.items()
    ]


def obstacle(silence: tuple[str, datetime] | None, zone: tzinfo) -> str:
    """Why no mail leaves, and since when; nothing when they do, as far as is known."""
    if silence is None:
        return ""
    reason, since = silence
    said = _(REASONS.get(reason, REASONS[Reason.AWAY]))  # type: ignore[call-overload]
    return _("%(why)s No mail has left since %(when)s.", why=said, when=moment(since, zone))
