"""What the pages about one's mails say that takes more than a template."""

from fablab.members.kinds import MailKind


def offered(*, is_team: bool) -> list[MailKind]:
    """The kinds somebody may choose among."""
    return [kind for kind in MailKind if is_team or kind is not MailKind.DIGEST]


def half_masked(email: str) -> str:
    """`bru…@atelier.example`: whoever owns the address knows it again, nobody else learns it."""
    local, _at, domain = email.rpartition("@")
    return f"{local[: min(3, len(local) // 2)]}…@{domain}"
