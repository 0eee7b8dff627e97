"""What happens to an account: made, proven, its password or address changed, signed out."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from flask_babel import lazy_gettext
from sqlalchemy import delete, exists, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from fablab.db import add_row, db, retried, writing
from fablab.mail import outbox
from fablab.members import passwords, throttle
from fablab.members.kinds import Audience, LinkPurpose, Role
from fablab.members.models import (
    MailedLink,
    Member,
    Membership,
    RoleHeld,
    SignInFailure,
    names_changed,
)

LASTS = {
    LinkPurpose.CONFIRM: timedelta(days=7),
    LinkPurpose.RESET: timedelta(hours=1),
    LinkPurpose.CHANGE: timedelta(days=1),
}
UNPROVEN = timedelta(days=7)  # how long an account waits for its address to be proven


class LinkDead(Exception):
    """The link was used, is too old, or never existed."""


class EmailTaken(Exception):
    """Another account has this address."""


@retried
def register(
    email: str, first_name: str, last_name: str, password: str, *, language: str, now: datetime
) -> None:
    """Make an account that its mail address has yet to prove, and send the link for that.

    An address that has an account already gets a mail saying so; whoever asked sees the same
    answer, after the same work, and learns nothing.
    """
    email, kept = normal(email), passwords.hashed(password)
    with writing() as session:
        known = session.execute(
            select(Member.id, Member.language, Member.first_name, Member.confirmed_at).where(
                Member.email == email
            )
        ).first()
        if known and known.confirmed_at:
            outbox.post_page(
                session,
                "already_registered",
                to=email,
                language=known.language,
                subject=lazy_gettext("You already have an account"),
                now=now,
                first_name=known.first_name,
                link=outbox.address("/password/forgotten"),
            )
            return
        values = {
            "first_name": first_name,
            "last_name": last_name,
            "password_hash": kept,
            "language": language,
        }
        if known:
            session.execute(update(Member).where(Member.id == known.id).values(**values))
            member_id = known.id
        else:
            member_id = _new_member(session, email, now, values)
        secret = _link(session, member_id, LinkPurpose.CONFIRM, now)
        outbox.post_page(
            session,
            "confirm",
            to=email,
            language=language,
            subject=lazy_gettext("Confirm your address"),
            now=now,
            first_name=first_name,
            link=outbox.address(f"/register/confirm/{secret}"),
        )


def _new_member(session: Session, email: str, now: datetime, values: dict[str, Any]) -> int:
    return add_row(
        session,
        Member,
        uid=str(uuid4()),
        email=email,
        phone="",
        shares_phone=False,
        session_version=0,
        calendar_revision=0,
        is_minor=False,
        created_at=now,
        **values,
    )


@retried
def confirm(secret: str, *, now: datetime) -> int:
    """The address is proven; the member's id. Raises LinkDead."""
    with writing() as session:
        link = _spend(session, secret, LinkPurpose.CONFIRM, now)
        session.execute(
            update(Member)
            .where(Member.id == link.member_id, Member.confirmed_at.is_(None))
            .values(confirmed_at=now)
        )
        return link.member_id


@retried
def ask_reset(email: str, *, now: datetime) -> None:
    """Mail a link to choose another password, if the address has an account; say nothing else."""
    email = normal(email)
    with writing() as session:
        known = session.execute(
            select(Member.id, Member.language, Member.first_name).where(
                Member.email == email, Member.erased_at.is_(None)
            )
        ).first()
        if not known:
            return
        secret = _link(session, known.id, LinkPurpose.RESET, now)
        outbox.post_page(
            session,
            "reset",
            to=email,
            language=known.language,
            subject=lazy_gettext("Choose another password"),
            now=now,
            first_name=known.first_name,
            link=outbox.address(f"/password/reset/{secret}"),
        )


@retried
def reset(secret: str, password: str, *, now: datetime) -> int:
    """Set the password of a link's member, sign every device out, and wipe the failures.

    Having read the mail also proves the address. Raises LinkDead.
    """
    kept = passwords.hashed(password)
    with writing() as session:
        link = _spend(session, secret, LinkPurpose.RESET, now)
        email = session.scalar(select(Member.email).where(Member.id == link.member_id))
        _set_password(session, link.member_id, kept)
        session.execute(
            update(Member)
            .where(Member.id == link.member_id, Member.confirmed_at.is_(None))
            .values(confirmed_at=now)
        )
        throttle.forget(session, email or "")
        return link.member_id


@retried
def change_password(member_id: int, password: str, *, now: datetime) -> None:
    """Set it, sign every device out, and tell the owner by mail."""
    kept = passwords.hashed(password)
    with writing() as session:
        _set_password(session, member_id, kept)
        known = session.execute(
            select(Member.email, Member.language, Member.first_name).where(Member.id == member_id)
        ).one()
        outbox.post_page(
            session,
            "password_changed",
            to=known.email,
            language=known.language,
            subject=lazy_gettext("Your password was changed"),
            now=now,
            first_name=known.first_name,
            link=outbox.address("/password/forgotten"),
        )


def _set_password(session: Session, member_id: int, kept: str) -> None:
    session.execute(
        update(Member)
        .where(Member.id == member_id)
        .values(password_hash=kept, session_version=Member.session_version + 1)
        .execution_options(synchronize_session=False)
    )
    # A link asked for before must not undo what was just chosen.
    session.execute(
        delete(MailedLink).where(
            MailedLink.member_id == member_id, MailedLink.purpose == LinkPurpose.RESET
        )
    )


def rehash(member_id: int, password: str) -> None:
    """Keep the same password under today's parameters."""
    kept = passwords.hashed(password)
    with writing() as session:
        session.execute(update(Member).where(Member.id == member_id).values(password_hash=kept))


@retried
def sign_out_everywhere(member_id: int) -> None:
    """Make every cookie of the member worthless, whatever device holds it."""
    with writing() as session:
        session.execute(
            update(Member)
            .where(Member.id == member_id)
            .values(session_version=Member.session_version + 1)
            .execution_options(synchronize_session=False)
        )


@retried
def signed_in(member_id: int, email: str, *, now: datetime) -> None:
    with writing() as session:
        session.execute(update(Member).where(Member.id == member_id).values(seen_at=now))
        throttle.forget(session, email)


@retried
def update_profile(member_id: int, **values: Any) -> None:
    """Change what a member says of themselves: names, phone, whether it is shared, language."""
    allowed = {"first_name", "last_name", "phone", "shares_phone", "language"}
    with writing() as session:
        session.execute(
            update(Member)
            .where(Member.id == member_id)
            .values({name: value for name, value in values.items() if name in allowed})
        )
        names_changed(session, member_id)


@retried
def ask_new_email(member_id: int, email: str, *, now: datetime) -> None:
    """Send a link to the new address and word to the old one; nothing changes before the link.

    An address that has an account gets no link; whoever asked sees the same answer.
    """
    email = normal(email)
    with writing() as session:
        known = session.execute(
            select(Member.email, Member.language, Member.first_name).where(Member.id == member_id)
        ).one()
        outbox.post_page(
            session,
            "email_changing",
            to=known.email,
            language=known.language,
            subject=lazy_gettext("Your address is about to change"),
            now=now,
            first_name=known.first_name,
            link=outbox.address("/password/forgotten"),
        )
        if session.scalar(select(exists().where(Member.email == email))):
            return
        secret = _link(session, member_id, LinkPurpose.CHANGE, now, new_email=email)
        outbox.post_page(
            session,
            "new_email",
            to=email,
            language=known.language,
            subject=lazy_gettext("Confirm your new address"),
            now=now,
            first_name=known.first_name,
            link=outbox.address(f"/account/email/{secret}"),
        )


@retried
def change_email(secret: str, *, now: datetime) -> int:
    """Take the link's new address. Raises LinkDead, and EmailTaken if somebody was faster."""
    try:
        with writing() as session:
            link = _spend(session, secret, LinkPurpose.CHANGE, now)
            session.execute(
                update(Member)
                .where(Member.id == link.member_id)
                .values(email=link.new_email, session_version=Member.session_version + 1)
                .execution_options(synchronize_session=False)
            )
            return link.member_id
    except IntegrityError as error:
        raise EmailTaken from error


@retried
def create_account(
    email: str,
    first_name: str,
    last_name: str,
    password: str,
    *,
    place_id: int,
    roles: set[Role],
    now: datetime,
    language: str = "fr",
) -> int:
    """A proven account with roles in a place, made by whoever holds the command line.

    An existing account gets the roles, and the password. Its id.
    """
    email, kept = normal(email), passwords.hashed(password)
    with writing() as session:
        member_id = session.scalar(select(Member.id).where(Member.email == email))
        if member_id is None:
            values = {
                "first_name": first_name,
                "last_name": last_name,
                "password_hash": kept,
                "language": language,
                "confirmed_at": now,
            }
            member_id = _new_member(session, email, now, values)
        else:
            _set_password(session, member_id, kept)
        membership_id = _membership(session, member_id, place_id)
        held = set(
            session.scalars(select(RoleHeld.role).where(RoleHeld.membership_id == membership_id))
        )
        for role in roles - held:
            add_row(session, RoleHeld, membership_id=membership_id, role=role)
        return member_id


def _membership(session: Session, member_id: int, place_id: int) -> int:
    found = session.scalar(
        select(Membership.id).where(
            Membership.member_id == member_id, Membership.place_id == place_id
        )
    )
    if found is not None:
        return found
    return add_row(
        session,
        Membership,
        member_id=member_id,
        place_id=place_id,
        audience=Audience.INDIVIDUAL,
        suspension_reason="",
    )


def find_link(secret: str, purpose: LinkPurpose, now: datetime) -> Any:
    """The living link of this secret, or None: looking does not use it up."""
    return db.session.execute(
        select(MailedLink.__table__).where(
            MailedLink.secret_hash == digest(secret),
            MailedLink.purpose == purpose,
            MailedLink.used_at.is_(None),
            MailedLink.expires_at > now,
        )
    ).first()


def _link(
    session: Session,
    member_id: int,
    purpose: LinkPurpose,
    now: datetime,
    new_email: str | None = None,
) -> str:
    """A new secret for a mail; earlier ones of the same purpose stop working."""
    session.execute(
        delete(MailedLink).where(MailedLink.member_id == member_id, MailedLink.purpose == purpose)
    )
    secret = secrets.token_urlsafe(32)
    add_row(
        session,
        MailedLink,
        member_id=member_id,
        purpose=purpose,
        secret_hash=digest(secret),
        new_email=new_email,
        created_at=now,
        expires_at=now + LASTS[purpose],
    )
    return secret


def _spend(session: Session, secret: str, purpose: LinkPurpose, now: datetime) -> Any:
    """Use the link up: of two at once, one wins. Raises LinkDead."""
    link = find_link(secret, purpose, now)
    if link is None:
        raise LinkDead
    used = session.execute(
        update(MailedLink)
        .where(MailedLink.id == link.id, MailedLink.used_at.is_(None))
        .values(used_at=now)
        .execution_options(synchronize_session=False)
    )
    if used.rowcount != 1:  # type: ignore[attr-defined]
        raise LinkDead
    return link


def tidy(session: Session, now: datetime) -> None:
    """Forget dead links, failures older than a day, and accounts nobody proved in seven days."""
    session.execute(delete(MailedLink).where(MailedLink.expires_at < now - timedelta(days=1)))
    session.execute(delete(SignInFailure).where(SignInFailure.failed_at < now - throttle.DAY))
    unproven = select(Member.id).where(
        Member.confirmed_at.is_(None),
        Member.created_at < now - UNPROVEN,
        ~exists().where(Membership.member_id == Member.id),
    )
    session.execute(delete(MailedLink).where(MailedLink.member_id.in_(unproven)))
    session.execute(delete(Member).where(Member.id.in_(unproven)))


def normal(email: str) -> str:
    """The address under which an account is found: without capitals or spaces around."""
    return email.strip().lower()


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
