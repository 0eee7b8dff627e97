"""The mails an account causes. None repeats what somebody typed: a stranger may have typed it."""

from datetime import datetime, timedelta

from flask_babel import lazy_gettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from fablab.mail import outbox
from fablab.places.models import Place
from fablab.words import N_

SUBJECTS = {
    "confirm": N_("%(place)s: confirm your address"),
    "already_registered": N_("%(place)s: you already have an account"),
    "reset": N_("%(place)s: choose another password"),
    "no_account": N_("%(place)s: there is no account under this address"),
    "password_changed": N_("%(place)s: your password was changed"),
    "new_email": N_("%(place)s: confirm your new address"),
    "email_taken": N_("%(place)s: this address has an account of its own"),
    "email_changing": N_("%(place)s: your address is about to change"),
    "email_changed": N_("%(place)s: your address has changed"),
    "test": N_("%(place)s: a mail to try the settings"),
}


def post(
    session: Session,
    kind: str,
    *,
    to: str,
    language: str,
    now: datetime,
    path: str,
    lasts: timedelta | None = None,
) -> None:
    """Promise the mail of that kind; `path` is where its link leads, `lasts` how long it works."""
    place = session.execute(
        select(Place.name, Place.email).order_by(Place.position, Place.id).limit(1)
    ).first()
    name = place.name if place else lazy_gettext("Machine booking")
    outbox.post_page(
        session,
        kind,
        to=to,
        language=language,
        subject=lazy_gettext(SUBJECTS[kind], place=name),
        now=now,
        place=name,
        contact=place.email if place else "",
        link=outbox.address(path),
        lasts=lasts,
    )
