"""The mail that says that a statement is closed: where it is, and no name and no amount."""

from datetime import date, datetime
from typing import Any

from flask_babel import lazy_gettext
from sqlalchemy.orm import Session

from fablab.machines.inventory import of_place
from fablab.mail import outbox
from fablab.statements import queries
from fablab.statements.queries import Subject
from fablab.statements.rules import Period
from fablab.words import N_

CLOSED = N_("%(place)s: a usage statement is there")


def closed(
    session: Session,
    subject: Subject,
    period: Period,
    uid: str,
    place: Any,
    *,
    today: date,
    now: datetime,
) -> None:
    is_first = of_place().place.id == place.id
    path = f"/statements/{uid}"
    for reader in queries.readers(subject, today):
        outbox.post_page(
            session,
            "statement_closed",
            to=reader.email,
            language=reader.language,
            subject=lazy_gettext(CLOSED, place=place.name),
            envelope=outbox.Envelope(reply_to=place.email),
            now=now,
            place=place.name,
            contact=place.email,
            organization="" if subject.is_member else subject.name,
            activity=subject.activity,
            scope=subject.scope.value,
            first=period.first,
            last=period.last,
            link=outbox.address(path if is_first else f"{path}?place={place.slug}"),
        )
