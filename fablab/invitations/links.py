"""The link of a mail that shows its reader a booking of theirs without signing in."""

from fablab.mail import links
from fablab.members.mails import reader_of

BOOKING = "booking"  # the purpose of these links


def token_for(booking_uid: str, member_uid: str) -> str:
    """What a mail's link carries: this person may read, and cancel, this booking of theirs.

    It is worth something until a month after the booking, which the database says.
    """
    return links.signed(BOOKING, booking_uid, member_uid)


def read_token(token: str) -> tuple[str, int]:
    """The booking's UID and the id of the reader. Raises NoSuch for a link that we never
    signed, or whose reader is erased.
    """
    booking_uid, member_uid = links.opened(BOOKING, token)
    return booking_uid, reader_of(member_uid)
