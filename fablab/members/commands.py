"""What happens to an account: made, proven, its password or address changed, signed out.

Whoever asks learns nothing about an address that is not theirs: where an account is known and
where it is not, the same statements are sent, the same hashes made, as many mails promised.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import uuid4

from sqlalchemy import ColumnElement, and_, delete, exists, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from fablab.db import add_row, db, retried, writing
from fablab.members import letters, passwords, throttle
from fablab.members.kinds import AgeBand, AttemptKind, Audience, LinkPurpose, Role
from fablab.members.models import (
    EndedSession,
    MailedLink,
    Member,
    Membership,
    RoleHeld,
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


class WrongPassword(Exception):
    """No account has this address, or it has another password."""


class Unproven(Exception):
    """The password is right, but the address has yet to be proven by the mail that was sent."""


class SignedIn(NamedTuple):
    """Whom a session is for, and the version its cookie has to carry."""

    member_id: int
    version: int


# Made by registering and by nothing else: whoever proves the address may have it.
pending: ColumnElement[bool] = and_(
    Member.confirmed_at.is_(None),
    Member.password_hash.is_not(None),
    Member.erased_at.is_(None),
    ~exists().where(Membership.member_id == Member.id),
)


@retried
def sign_in(email: str, password: str, *, address: str, now: datetime) -> SignedIn:
    """Let a member in by their password. `address` is the network address it comes from.

    Raises throttle.TooMany, WrongPassword or Unproven.
    """
    throttle.admit(AttemptKind.SIGN_IN, email, address, now)
    known = db.session.execute(
        select(Member.id, Member.password_hash, Member.session_version, Member.confirmed_at).where(
            Member.email == normal(email), Member.erased_at.is_(None)
        )
    ).first()
    if not passwords.matches(known.password_hash if known else None, password) or not known:
        raise WrongPassword
    if not known.confirmed_at:
        raise Unproven
    _let_in(known.id, email, password, known.password_hash, now)
    return SignedIn(known.id, known.session_version)


def _let_in(member_id: int, email: str, password: str, kept: str, now: datetime) -> None:
    """Wipe the failures; keep the password under today's parameters, if it is still that one."""
    renewed = passwords.hashed(password) if passwords.is_outdated(kept) else kept
    with writing() as session:
        session.execute(update(Member).where(Member.id == member_id).values(seen_at=now))
        if renewed != kept:
            session.execute(
                update(Member)
                .where(Member.id == member_id, Member.password_hash == kept)
                .values(password_hash=renewed)
            )
        throttle.forget(session, email)


@retried
def check_password(member_id: int, password: str, *, address: str, now: datetime) -> None:
    """Ask a signed-in member's password again. Raises throttle.TooMany or WrongPassword."""
    known = db.session.execute(
        select(Member.email, Member.password_hash).where(Member.id == member_id)
    ).one()
    throttle.admit(AttemptKind.SIGN_IN, known.email, address, now)
    if not passwords.matches(known.password_hash, password):
        raise WrongPassword
    with writing() as session:
        throttle.forget(session, known.email)


@retried
def register(
    email: str,
    first_name: str,
    last_name: str,
    password: str,
    *,
    language: str,
    address: str,
    now: datetime,
) -> str:
    """Make an account that its mail address has yet to prove, and send the link for that.

    An address that has an account already gets a mail saying so. The hash of the link's secret,
    by which the browser that asked for it is known again. Raises throttle.TooMany.
    """
    throttle.admit(AttemptKind.MAIL, email, address, now)
    values = {
        "first_name": first_name,
        "last_name": last_name,
        "password_hash": passwords.hashed(password),
        "language": language,
    }
    try:
        return _register(normal(email), values, now)
    except IntegrityError:  # sent twice at once: the other one has just made the account
        return _register(normal(email), values, now)


def _register(email: str, values: dict[str, Any], now: datetime) -> str:
    with writing() as session:
        known = session.execute(
            select(Member.id, Member.language).where(Member.email == email)
        ).first()
        member_id: int | None
        if known is None:
            member_id = _new_member(session, email, now, values)
        else:
            member_id = _begin_again(session, known.id, values)
        secret = _link(session, member_id, LinkPurpose.CONFIRM, now)
        letters.post(
            session,
            "confirm" if member_id else "already_registered",
            to=email,
            language=known.language if known and not member_id else values["language"],
            now=now,
            path=f"/register/confirm/{secret}" if member_id else "/password/forgotten",
            lasts=LASTS[LinkPurpose.CONFIRM],
        )
        return digest(secret)


def _begin_again(session: Session, member_id: int, values: dict[str, Any]) -> int | None:
    """Register over a registration that nobody has proven; None when the account is somebody's."""
    changed = session.execute(
        update(Member)
        .where(Member.id == member_id, pending)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return member_id if changed.rowcount == 1 else None  # type: ignore[attr-defined]


@retried
def send_confirmation(email: str, *, address: str, now: datetime) -> str:
    """Send the link of a registration again; the hash of its secret. Raises throttle.TooMany."""
    throttle.admit(AttemptKind.MAIL, email, address, now)
    with writing() as session:
        known = session.execute(
            select(Member.id, Member.language).where(
                Member.email == normal(email), Member.confirmed_at.is_(None)
            )
        ).first()
        secret = _link(session, known.id if known else None, LinkPurpose.CONFIRM, now)
        if known:
            letters.post(
                session,
                "confirm",
                to=normal(email),
                language=known.language,
                now=now,
                path=f"/register/confirm/{secret}",
                lasts=LASTS[LinkPurpose.CONFIRM],
            )
        return digest(secret)


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
        age_band=AgeBand.ADULT,
        created_at=now,
        **values,
    )


@retried
def confirm(secret: str, *, now: datetime) -> SignedIn:
    """The address is proven. Raises LinkDead."""
    with writing() as session:
        link = _spend(session, secret, LinkPurpose.CONFIRM, now)
        session.execute(
            update(Member)
            .where(Member.id == link.member_id, Member.confirmed_at.is_(None))
            .values(confirmed_at=now)
        )
        session.execute(update(Member).where(Member.id == link.member_id).values(seen_at=now))
        throttle.forget(session, link.email)
        return SignedIn(link.member_id, link.session_version)


@retried
def ask_reset(email: str, *, language: str, address: str, now: datetime) -> None:
    """Mail a link to choose another password; or word that the address has no account, in the
    `language` of whoever asked. Raises throttle.TooMany.
    """
    throttle.admit(AttemptKind.RESET, email, address, now)
    email = normal(email)
    with writing() as session:
        known = session.execute(
            select(Member.id, Member.language).where(
                Member.email == email, Member.erased_at.is_(None)
            )
        ).first()
        secret = _link(session, known.id if known else None, LinkPurpose.RESET, now)
        letters.post(
            session,
            "reset" if known else "no_account",
            to=email,
            language=known.language if known else language,
            now=now,
            path=f"/password/reset/{secret}" if known else "/register",
            lasts=LASTS[LinkPurpose.RESET],
        )


@retried
def reset(secret: str, password: str, *, now: datetime) -> None:
    """Set the password of a link's member, sign every device out, and wipe the failures.

    Having read the mail also proves the address. Raises LinkDead.
    """
    kept = passwords.hashed(password)
    with writing() as session:
        link = _spend(session, secret, LinkPurpose.RESET, now)
        session.execute(
            update(Member)
            .where(Member.id == link.member_id, Member.confirmed_at.is_(None))
            .values(confirmed_at=now)
        )
        _set_password(session, link.member_id, kept)
        throttle.forget(session, link.email)
        _tell_of_password(session, link.member_id, now)


@retried
def change_password(member_id: int, password: str, *, now: datetime) -> SignedIn:
    """Set it, sign every other device out, and tell the owner by mail."""
    kept = passwords.hashed(password)
    with writing() as session:
        version = _set_password(session, member_id, kept)
        _tell_of_password(session, member_id, now)
        return SignedIn(member_id, version)


def _set_password(session: Session, member_id: int, kept: str) -> int:
    """The new session version. Links asked for before must not undo what was just chosen."""
    version = session.execute(
        update(Member)
        .where(Member.id == member_id)
        .values(password_hash=kept, session_version=Member.session_version + 1)
        .returning(Member.session_version)
        .execution_options(synchronize_session=False)
    ).scalar_one()
    session.execute(delete(MailedLink).where(MailedLink.member_id == member_id))
    return version


def _tell_of_password(session: Session, member_id: int, now: datetime) -> None:
    known = session.execute(
        select(Member.email, Member.language).where(Member.id == member_id)
    ).one()
    letters.post(
        session,
        "password_changed",
        to=known.email,
        language=known.language,
        now=now,
        path="/password/forgotten",
    )


@retried
def sign_out(key_hash: str, ends_at: datetime) -> None:
    """End one session: a copy of its cookie opens nothing. `ends_at`: when it would have ended."""
    try:
        with writing() as session:
            session.execute(insert(EndedSession).values(key_hash=key_hash, ends_at=ends_at))
    except IntegrityError:
        return  # signed out of twice at once


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
def update_profile(
    member_id: int,
    *,
    first_name: str,
    last_name: str,
    phone: str,
    shares_phone: bool,
    language: str,
) -> None:
    """Change what a member says of themselves, and nothing else."""
    with writing() as session:
        session.execute(
            update(Member)
            .where(Member.id == member_id)
            .values(
                first_name=first_name,
                last_name=last_name,
                phone=phone,
                shares_phone=shares_phone,
                language=language,
            )
        )
        names_changed(session, member_id)


@retried
def send_test(member_id: int, *, address: str, now: datetime) -> None:
    """A mail to a member's own address, to see whether mails arrive. Raises throttle.TooMany."""
    asked = select(Member.email, Member.language).where(Member.id == member_id)
    known = db.session.execute(asked).one()
    throttle.admit(AttemptKind.MAIL, known.email, address, now)
    with writing() as session:
        letters.post(
            session,
            "test",
            to=known.email,
            language=known.language,
            now=now,
            path="/manage/mails",
        )


@retried
def ask_new_email(member_id: int, email: str, *, address: str, now: datetime) -> None:
    """Send a link to the new address and word to the old one; nothing changes before the link.

    An address that has an account gets a mail saying so, and no link. Raises throttle.TooMany.
    """
    throttle.admit(AttemptKind.MAIL, email, address, now)
    email = normal(email)
    with writing() as session:
        known = session.execute(
            select(Member.email, Member.language).where(Member.id == member_id)
        ).one()
        taken = session.scalar(select(exists().where(Member.email == email, ~pending)))
        secret = _link(session, None if taken else member_id, LinkPurpose.CHANGE, now, email)
        letters.post(
            session,
            "email_changing",
            to=known.email,
            language=known.language,
            now=now,
            path="/password/forgotten",
        )
        letters.post(
            session,
            "email_taken" if taken else "new_email",
            to=email,
            language=known.language,
            now=now,
            path="/login" if taken else f"/account/email/{secret}",
            lasts=LASTS[LinkPurpose.CHANGE],
        )


@retried
def change_email(secret: str, *, now: datetime) -> SignedIn:
    """Take the link's new address, sign every other device out, tell the old address.

    Raises LinkDead, and EmailTaken if somebody was faster.
    """
    try:
        with writing() as session:
            link = _spend(session, secret, LinkPurpose.CHANGE, now)
            _forget_pending(session, Member.email == link.new_email)
            version = session.execute(
                update(Member)
                .where(Member.id == link.member_id)
                .values(email=link.new_email, session_version=Member.session_version + 1)
                .returning(Member.session_version)
                .execution_options(synchronize_session=False)
            ).scalar_one()
            session.execute(delete(MailedLink).where(MailedLink.member_id == link.member_id))
            letters.post(
                session,
                "email_changed",
                to=link.email,
                language=link.language,
                now=now,
                path="/login",
            )
            return SignedIn(link.member_id, version)
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
            session.execute(
                update(Member)
                .where(Member.id == member_id, Member.confirmed_at.is_(None))
                .values(confirmed_at=now)
            )
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
    """The living link of this secret and its member, or None: looking does not use it up."""
    return db.session.execute(
        select(
            MailedLink.id,
            MailedLink.member_id,
            MailedLink.secret_hash,
            MailedLink.new_email,
            Member.email,
            Member.first_name,
            Member.last_name,
            Member.language,
            Member.password_hash,
            Member.session_version,
        )
        .join(Member, Member.id == MailedLink.member_id)
        .where(
            MailedLink.secret_hash == digest(secret),
            MailedLink.purpose == purpose,
            MailedLink.used_at.is_(None),
            MailedLink.expires_at > now,
            Member.erased_at.is_(None),
        )
    ).first()


def _link(
    session: Session,
    member_id: int | None,
    purpose: LinkPurpose,
    now: datetime,
    new_email: str | None = None,
) -> str:
    """A new secret for a mail; earlier ones of the same purpose stop working.

    Without a member it opens nothing, and is written so that the answer takes as long.
    """
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
    """Forget dead links, ended sessions, tries older than a day, and the accounts that nobody
    proved in seven days.
    """
    session.execute(delete(MailedLink).where(MailedLink.expires_at < now - timedelta(days=1)))
    session.execute(delete(EndedSession).where(EndedSession.ends_at < now))
    throttle.tidy(session, now)
    _forget_pending(session, Member.created_at < now - UNPROVEN)


def _forget_pending(session: Session, which: ColumnElement[bool]) -> None:
    unproven = select(Member.id).where(pending, which)
    session.execute(
        delete(MailedLink)
        .where(MailedLink.member_id.in_(unproven))
        .execution_options(synchronize_session=False)
    )
    session.execute(
        delete(Member).where(Member.id.in_(unproven)).execution_options(synchronize_session=False)
    )


def normal(email: str) -> str:
    """The address under which an account is found: without capitals or spaces around."""
    return email.strip().lower()


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
