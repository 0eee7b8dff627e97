"""The mail to whom a free place is offered, and the link in it that answers without signing in."""

from datetime import datetime

from sqlalchemy import bindparam, update

from fablab.booking import consent_letters
from fablab.booking.consent_letters import about_bookings
from fablab.booking.consents import is_open
from fablab.booking.kinds import ConsentKind
from fablab.booking.models import Consent, Wait
from fablab.db import UTCDateTime, db, retried, writing
from fablab.machines.models import Occupancy
from fablab.mail import links
from fablab.members.mails import reader_of
from fablab.members.models import Member

# Asked at every round of the background work, hence built once.
UNMAILED = (
    about_bookings(
        Consent.id.label("consent_id"),
        Consent.due_at,
        Wait.uid.label("wait_uid"),
        Member.uid.label("member_uid"),
    )
    .join(Consent, Consent.occupancy_id == Occupancy.id)
    .join(Wait, Wait.offered_id == Occupancy.id)
    .where(
        is_open(),
        Consent.kind == ConsentKind.MEMBER,
        Consent.mailed_at.is_(None),
        Consent.due_at > bindparam("now", type_=UTCDateTime()),
        Member.erased_at.is_(None),
    )
    .order_by(Consent.id)
    .limit(20)
)


def send_offers(now: datetime) -> int:
    """Promise the mails of offers that were never mailed; how many.

    Not in the transaction of the offer, for whose mail whoever gives the machine back would wait.
    One read when there are none. Raises Busy.
    """
    found = db.session.execute(UNMAILED, {"now": now}).first()
    db.session.rollback()
    return _send_offers(now) if found else 0


@retried
def _send_offers(now: datetime) -> int:
    with writing() as session:
        asked = UNMAILED.with_for_update(of=Consent, skip_locked=True)
        offers = session.execute(asked, {"now": now}).all()
        for offer in offers:
            path = f"/waits/by-mail/{token_for(offer.wait_uid, offer.member_uid)}"
            consent_letters.post(
                session, "wait_offer", offer, offer, path, now=now, due_at=offer.due_at
            )
        session.execute(
            update(Consent.__table__)
            .where(Consent.id.in_([offer.consent_id for offer in offers]))
            .values(mailed_at=now)
        )
        return len(offers)


def token_for(wait_uid: str, member_uid: str) -> str:
    """What the mail's link carries: this person may answer this offer without signing in."""
    return links.signed("wait", wait_uid, member_uid)


def read_token(token: str) -> tuple[str, int]:
    """The wait's UID and the id of who waits. Raises NoSuch for a link that we never
    signed, or whose reader is erased.
    """
    wait_uid, member_uid = links.opened("wait", token)
    return wait_uid, reader_of(member_uid)
