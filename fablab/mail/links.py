"""Links in mails that act for their reader without signing in: signed, so that none is guessed.

What such a link is worth, and until when, the database says of what it is about.
"""

from flask import current_app
from itsdangerous import BadSignature, URLSafeSerializer

from fablab.db import NoSuch


def signed(purpose: str, *words: str) -> str:
    """What the link carries. One purpose's token opens nothing of another's."""
    token: str = URLSafeSerializer(current_app.config["SECRET_KEY"], salt=purpose).dumps(words)
    return token


def opened(purpose: str, token: str) -> list[str]:
    """The words that were signed. Raises NoSuch for a link that we never signed."""
    try:
        words: list[str] = URLSafeSerializer(current_app.config["SECRET_KEY"], salt=purpose).loads(
            token
        )
    except BadSignature as error:
        raise NoSuch("no link of ours") from error
    return words
