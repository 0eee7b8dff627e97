"""The mails about what a booking waits for: a question to each who may answer it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext
from sqlalchemy import Row, Select, func, or_, select, update
from sqlalchemy.orm import Session

from fablab.booking.consents import is_open
from fablab.booking.kinds import ConsentKind
from fablab.booking.models import Consent
from fablab.clock import today
from fablab.db import db, retried, writing
from fablab.machines.models import Change, Machine, MachineReferent, Occupancy
from fablab.mail import links, outbox
from fablab.members.kinds import TEAM
from fablab.members.mails import reader_of
from fablab.members.models import Member, Membership, RoleHeld
from fablab.organizations.models import OrganizationMember
from fablab.places.models import Place
from fablab.slots import Slot
from fablab.words import N_

SUBJECTS = {
    "consent_team": N_("%(place)s: a booking waits for your answer"),
    "consent_owner": N_("%(place)s: a booking of your machine waits for your answer"),
    "consent_company": N_("%(place)s: somebody asks to be accompanied"),
    "consent_buddy": N_("%(place)s: somebody asks you to be their buddy"),
    "consent_nobody": N_("%(place)s: your booking waits for a buddy"),
}
A_DAY = timedelta(days=1)
MOST_A_DAY = 5  # mails of one member that ask the same one to be their buddy
ADDRESSES = (Member.uid.label("member_uid"), Member.email, Member.language)
ABOUT = (
    Occupancy.id,
    Occupancy.uid,
    Occupancy.machine_id,
    Occupancy.member_id,
    Occupancy.starts_at,
    Occupancy.ends_at,
    Occupancy.title,
    Machine.place_id,
    Machine.owner_id,
    Machine.code,
    Machine.name.label("machine_name"),
    Place.name.label("place"),
    Place.email.label("contact"),
    Place.zone,
    Member.first_name,
    Member.last_name,
    Member.email,
    Member.language,
)


def about_bookings(*more: Any) -> Select[*tuple[Any, ...]]:
    """Bookings with what a mail says of them, and whom they are for."""
    return (
        select(*ABOUT, *more)
        .select_from(Occupancy)
        .join(Machine, Machine.id == Occupancy.machine_id)
        .join(Place, Place.id == Machine.place_id)
        .join(Member, Member.id == Occupancy.member_id)
    )


# A free place that is offered is told of by whoever offers it.
ASKED = [kind for kind in ConsentKind if kind is not ConsentKind.MEMBER]

# Asked at every round of the background work, hence built once.
UNMAILED = (
    about_bookings(
        Consent.id.label("consent_id"),
        Consent.uid.label("consent_uid"),
        Consent.kind,
        Consent.asked_id,
        Consent.due_at,
        Consent.silence_is_a_yes,
    )
    .join(Consent, Consent.occupancy_id == Occupancy.id)
    .where(is_open(), Consent.mailed_at.is_(None), Consent.kind.in_(ASKED))
    .order_by(Consent.id)
    .limit(20)
)


def send_questions(now: datetime) -> int:
    """Promise the mails of questions that were never mailed; how many questions.

    One read when there are none. Raises Busy.
    """
    found = db.session.execute(UNMAILED).all()
    db.session.rollback()
    return _send_questions(now) if found else 0


@retried
def _send_questions(now: datetime) -> int:
    with writing() as session:
        asked = session.execute(UNMAILED.with_for_update(of=Consent, skip_locked=True)).all()
        for question in asked:
            if _is_flood(question, now):
                continue  # it is on their screen all the same
            for reader in readers(question, now):
                _post_question(session, question, reader, now)
        session.execute(
            update(Consent.__table__)
            .where(Consent.id.in_([question.consent_id for question in asked]))
            .values(mailed_at=now)
        )
        return len(asked)


def _is_flood(question: Row[Any], now: datetime) -> bool:
    """Whether this member has had the same one asked by mail often enough today."""
    if question.asked_id is None:
        return False
    asked = (
        select(func.count())
        .select_from(Change)
        .join(Occupancy, Occupancy.id == Change.occupancy_id)
        .where(
            Occupancy.member_id == question.member_id,
            Occupancy.buddy_id == question.asked_id,
            Change.what.in_(("booked", "moved", "handed_over", "buddy_named")),
            Change.made_at > now - A_DAY,
        )
    )
    return db.session.scalars(asked).one() > MOST_A_DAY


def readers(question: Row[Any], now: datetime) -> Sequence[Row[*tuple[Any, ...]]]:
    """Who may answer it, or name whom to ask."""
    asked = select(*ADDRESSES).where(Member.erased_at.is_(None)).order_by(Member.id)
    if question.kind == ConsentKind.BUDDY:
        asked = asked.where(Member.id == (question.asked_id or question.member_id))
    elif question.kind == ConsentKind.OWNER:
        asked = asked.where(Member.id.in_(_managers(question, now)))
    else:
        asked = asked.where(
            or_(Member.id.in_(_team(question)), Member.id.in_(_referents(question))),
            Member.id != question.member_id,
        )
    return db.session.execute(asked).all()


def _team(question: Row[Any]) -> Select[int]:
    return (
        select(Membership.member_id)
        .join(RoleHeld, RoleHeld.membership_id == Membership.id)
        .where(Membership.place_id == question.place_id, RoleHeld.role.in_(TEAM))
    )


def _referents(question: Row[Any]) -> Select[int]:
    of_it = MachineReferent.machine_id == question.machine_id
    return select(MachineReferent.member_id).where(of_it)


def _managers(question: Row[Any], now: datetime) -> Select[int]:
    day = today(ZoneInfo(question.zone), now)
    return select(OrganizationMember.member_id).where(
        OrganizationMember.organization_id == question.owner_id,
        OrganizationMember.is_manager,
        OrganizationMember.since <= day,
        or_(OrganizationMember.until.is_(None), OrganizationMember.until >= day),
    )


def _post_question(session: Session, question: Row[Any], reader: Row[Any], now: datetime) -> None:
    if question.kind == ConsentKind.BUDDY and question.asked_id is None:
        kind, path = "consent_nobody", f"/consents/{question.consent_uid}/buddy"
    else:
        kind = f"consent_{question.kind}"
        path = f"/consents/by-mail/{token_for(question.consent_uid, reader.member_uid)}"
    post(
        session,
        kind,
        question,
        reader,
        path,
        now=now,
        due_at=question.due_at,
        silence_is_a_yes=question.silence_is_a_yes,
    )


def post(
    session: Session,
    kind: str,
    about: Row[Any],
    reader: Row[Any],
    path: str,
    *,
    now: datetime,
    due_at: datetime,
    silence_is_a_yes: bool = False,
) -> None:
    outbox.post_page(
        session,
        kind,
        to=reader.email,
        language=reader.language,
        subject=lazy_gettext(SUBJECTS[kind], place=about.place),
        envelope=outbox.Envelope(
            topic=about.uid,
            # Whoever is asked may want to ask back.
            reply_to=about.email if about.email != reader.email else about.contact,
            useless_at=due_at,
        ),
        now=now,
        place=about.place,
        contact=about.contact,
        link=outbox.address(path),
        who=f"{about.first_name} {about.last_name}".strip(),
        machine=f"{about.code} {about.machine_name}",
        slot=Slot(about.starts_at, about.ends_at),
        zone=ZoneInfo(about.zone),
        purpose=about.title,
        due_at=due_at,
        silence_is_a_yes=silence_is_a_yes,
    )


def token_for(consent_uid: str, member_uid: str) -> str:
    """What a mail's link carries: this person may answer this question without signing in.

    It is worth something until the question is due or answered, which the database says.
    """
    return links.signed("consent", consent_uid, member_uid)


def read_token(token: str) -> tuple[str, int]:
    """The question's UID and the id of who may answer it. Raises NoSuch for a link that we
    never signed, or whose reader is erased.
    """
    consent_uid, member_uid = links.opened("consent", token)
    return consent_uid, reader_of(member_uid)
