"""The mail that asks somebody to join an organization."""

from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext
from sqlalchemy.orm import Session

from fablab.mail import links, outbox
from fablab.words import N_

JOIN = "organization"  # the purpose of the links that lead to an invitation
SUBJECT = N_("%(organization)s invites you to book on its behalf at %(place)s")


def invite(
    session: Session,
    asked: Any,
    *,
    uid: str,
    to: str,
    language: str,
    who: str,
    lasts: timedelta,
    now: datetime,
) -> None:
    """The same mail whether the address has an account or not: the page it leads to knows how
    to go on, and who invites does not learn it from the mail either.
    """
    outbox.post_page(
        session,
        "organization_invitation",
        to=to,
        language=language,
        subject=lazy_gettext(SUBJECT, organization=asked.name, place=asked.place_name),
        now=now,
        place=asked.place_name,
        contact=asked.place_email,
        organization=asked.name,
        who=who,
        link=outbox.address(f"/organizations/invitations/{links.signed(JOIN, uid)}"),
        lasts=lasts,
    )
