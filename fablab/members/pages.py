"""What the account's pages say that takes more than a template."""

from datetime import timedelta

from flask_babel import ngettext

from fablab import texts

MINUTE = timedelta(minutes=1)


def whole_seconds(wait: timedelta) -> int:
    """Rounded up: never less than it will take."""
    return -(-wait // timedelta(seconds=1))


def wait_in_words(wait: timedelta) -> str:
    """`12 seconds`, `3 min`, `1 h 30`, rounded up too."""
    if wait < MINUTE:
        return ngettext("%(num)s second", "%(num)s seconds", whole_seconds(wait))
    return texts.length(-(-wait // MINUTE) * MINUTE)
