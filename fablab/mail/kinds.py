"""The words the outbox's columns hold. Pure."""

from enum import StrEnum


class Reason(StrEnum):
    """Why a mail has not left: no server to hand it to, no success with it, or no need any more."""

    AWAY = "away"  # nobody answers, or only to hang up
    CERTIFICATE = "certificate"  # who answers is not who it should be
    INSECURE = "insecure"  # it offers no encryption
    LOGIN = "login"  # it does not let us in

    SENDER = "sender"  # it takes nothing from our address
    MAILBOX = "mailbox"  # there is no such mailbox
    RECIPIENT = "recipient"  # the address is refused, perhaps for now
    CONTENT = "content"  # the mail is refused
    BROKEN_OFF = "broken_off"  # it fell silent in the middle
    UNWRITABLE = "unwritable"  # no mail can be made of what we promised
    OTHER = "other"

    LATE = "late"  # it would only be in the way by now
    UNTRUE = "untrue"  # what it says is so no longer
    OVERTAKEN = "overtaken"  # something newer was said of it
    GIVEN_UP = "given_up"  # by the team


# Of the server and not of the mail: all that wait leave as soon as it listens.
NO_SERVER = frozenset({Reason.AWAY, Reason.CERTIFICATE, Reason.INSECURE, Reason.LOGIN})
