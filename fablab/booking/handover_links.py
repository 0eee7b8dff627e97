"""The link in the mail of an offered booking, which answers without signing in."""

from fablab.mail import links
from fablab.members.mails import reader_of

HANDOVER = "handover"


def token_for(handover_uid: str, member_uid: str) -> str:
    """What the mail's link carries: this person may answer this offer without signing in."""
    return links.signed(HANDOVER, handover_uid, member_uid)


def read_token(token: str) -> tuple[str, int]:
    """The offer's UID and the id of whom it is to. Raises NoSuch for a link that we never
    signed, or whose reader is erased.
    """
    handover_uid, member_uid = links.opened(HANDOVER, token)
    return handover_uid, reader_of(member_uid)
