"""What a form was drawn with, so that nobody writes over what they have not seen."""

import hashlib
from collections.abc import Mapping
from typing import Any


class ChangedMeanwhile(Exception):
    """Others saved something else than what was read: how it is now. Nothing was changed."""

    def __init__(self, now: Mapping[str, Any]) -> None:
        super().__init__(now)
        self.now = now


def fingerprint(values: Mapping[str, Any]) -> str:
    """Of values as a form was drawn with them; of a logo nothing is drawn that one could lose."""
    told = sorted((name, str(kept)) for name, kept in values.items() if name != "logo")
    return hashlib.sha256(repr(told).encode()).hexdigest()[:20]


def refuse_unseen(seen: str | None, now: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """To be asked in the write itself. `seen` is the fingerprint of what was read; None where
    nobody read anything. Raises ChangedMeanwhile when that is not what is there `now`, and would
    be written over.
    """
    if asked != now and seen not in (None, fingerprint(now)):
        raise ChangedMeanwhile(now)
