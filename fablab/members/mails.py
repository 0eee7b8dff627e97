"""Which mails a member wants, and who the reader of a signed link is."""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Row, select, update
from sqlalchemy.orm import Session

from fablab.db import NoSuch, db, retried, writing
from fablab.mail import links, outbox
from fablab.members.kinds import Channel, MailKind
from fablab.members.models import Member
from fablab.members.rules import wants

STOP = "stop"  # the purpose of the links that refuse one kind of mail


def reader_of(member_uid: str) -> int:
    """The id of a signed link's reader. Raises NoSuch when they are erased."""
    known = select(Member.id).where(Member.uid == member_uid, Member.erased_at.is_(None))
    member_id = db.session.scalar(known)
    if member_id is None:
        raise NoSuch("nobody's link")
    return member_id


def language_of(member_id: int) -> str:
    """What they read: also where a mail leads, and nobody is signed in."""
    return db.session.scalars(select(Member.language).where(Member.id == member_id)).one()


def refused(words: str) -> frozenset[MailKind]:
    """The kinds in a `refused_mails` column; a word of another version says nothing."""
    return frozenset(kind for kind in MailKind if kind in words.split())


def choice_of(member_id: int) -> Row[Channel, str]:
    """Their `channel` and `refused_mails`."""
    asked = select(Member.channel, Member.refused_mails).where(Member.id == member_id)
    return db.session.execute(asked).one()


def is_wanted(kind: MailKind, member_id: int) -> bool:
    """Would such a mail, about what others did, be sent to them? One statement."""
    channel, words = choice_of(member_id)
    return wants(kind, channel, refused(words))


@retried
def choose(
    member_id: int,
    channel: Channel,
    unwanted: Collection[MailKind],
    *,
    among: Collection[MailKind] = tuple(MailKind),
) -> None:
    """From now on by this channel, and of the kinds they chose `among` not the unwanted ones;
    what was not theirs to choose stays as it was. Raises Busy.
    """
    with writing() as session:
        asked = select(Member.refused_mails).where(Member.id == member_id).with_for_update()
        kept = refused(session.scalars(asked).one()).difference(among)
        _write(session, member_id, kept.union(unwanted), channel=channel)


@retried
def refuse(member_id: int, kind: MailKind) -> None:
    """No more of this kind; again, it changes nothing. Raises Busy."""
    with writing() as session:
        asked = select(Member.refused_mails).where(Member.id == member_id).with_for_update()
        _write(session, member_id, refused(session.scalars(asked).one()) | {kind})


def _write(
    session: Session, member_id: int, unwanted: Collection[MailKind], **values: Channel
) -> None:
    session.execute(
        update(Member)
        .where(Member.id == member_id)
        .values(refused_mails=" ".join(sorted(unwanted)), **values)
        .execution_options(synchronize_session=False)
    )


def stop_token(member_uid: str, kind: MailKind) -> str:
    """What a mail's unsubscribe link carries; it works for as long as the account."""
    return links.signed(STOP, member_uid, kind)


def stop_address(member_uid: str, kind: MailKind) -> str:
    """Where a mail's reader stops its kind without signing in; a mail program does too."""
    return outbox.address(f"/mails/stop/{stop_token(member_uid, kind)}")


class Reader(NamedTuple):
    """Whose mails a stop link is about."""

    id: int
    email: str
    language: str
    refused_mails: str


def read_stop_token(token: str) -> tuple[Reader, MailKind]:
    """Whose mails of which kind. Raises NoSuch for a link that we never signed, whose reader is
    erased, or whose kind there is no more.
    """
    member_uid, word = links.opened(STOP, token)
    found = db.session.execute(
        select(Member.id, Member.email, Member.language, Member.refused_mails).where(
            Member.uid == member_uid, Member.erased_at.is_(None)
        )
    ).first()
    if found is None or word not in list(MailKind):
        raise NoSuch("nobody's link")
    return Reader(*found), MailKind(word)
