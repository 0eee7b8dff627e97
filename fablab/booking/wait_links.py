"""The link in the mail of an offer, which answers without signing in."""

from fablab.mail import links
from fablab.members.mails import reader_of


def token_for(wait_uid: str, member_uid: str) -> str:
    """What the mail's link carries: this person may answer this offer without signing in."""
    return links.signed("wait", wait_uid, member_uid)


def read_token(token: str) -> tuple[str, int]:
    """The wait's UID and the id of who waits. Raises NoSuch for a link that we never
    signed, or whose reader is erased.
    """
    wait_uid, member_uid = links.opened("wait", token)
    return wait_uid, reader_of(member_uid)
