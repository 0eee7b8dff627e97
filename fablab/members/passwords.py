"""Which passwords are accepted, and how they are kept: argon2id, one at a time."""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from threading import Lock

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from fablab.words import N_

SHORTEST, LONGEST = 12, 128  # characters

# OWASP: argon2id, m = 46 MiB, t = 1, p = 1.
hasher = PasswordHasher(time_cost=1, memory_cost=46 * 1024, parallelism=1)

# One hash at a time: each takes 46 MiB, and the whole service promises to stay under 120.
_one_at_a_time = Lock()

# Beginnings and runs that the well-known lists (French ones too) are made of. Twelve characters
# or more are asked for, so a list of whole passwords would be mostly these, doubled and dated.
COMMON = (
    "password motdepasse azerty qwerty qwertz admin administrateur administrator bonjour soleil "
    "doudou loulou chouchou jetaime iloveyou princess princesse sunshine football marseille "
    "welcome bienvenue letmein dragon monkey superman batman pokemon starwars trustno nicolas "
    "julien camille thomas alexandre chocolat coucou toulouse bordeaux nantes paris france "
    "secret changeme default passw0rd p4ssword qwertyuiop azertyuiop asdfghjkl qsdfghjklm "
    "wxcvbn zxcvbnm abcdef abc123 123456 654321 111111 000000 fablab atelier lesusines usines"
).split()
FILLERS = re.compile(r"[\d\W_]+")


class WeakPassword(Exception):
    """Why a password is refused; the text is an English msgid."""


def check(password: str, about: Iterable[str] = ()) -> None:
    """Raise WeakPassword unless it is long enough, uncommon, and not made of who they are.

    No rule of composition: a long sentence is better than a short puzzle. `about` are the
    person's names and mail address.
    """
    length = len(unicodedata.normalize("NFC", password))
    if length < SHORTEST:
        raise WeakPassword(N_("Use 12 characters or more: a short sentence is fine."))
    if length > LONGEST:
        raise WeakPassword(N_("Use 128 characters at most."))
    bare = plain(password)
    if is_common(bare):
        raise WeakPassword(N_("This password is among the first that anyone would try."))
    if is_made_of(bare, about):
        raise WeakPassword(N_("This password is made of your own name or address."))


def plain(text: str) -> str:
    """Without accents, capitals and spaces."""
    spread = unicodedata.normalize("NFKD", text.casefold())
    letters = (letter for letter in spread if not unicodedata.combining(letter))
    return "".join(letters).replace(" ", "")


def is_common(bare: str) -> bool:
    """Few different characters, a run of the alphabet, or a well-known word and filling."""
    if len(set(bare)) < 5:
        return True
    steps = {ord(after) - ord(before) for before, after in zip(bare, bare[1:], strict=False)}
    if steps in ({1}, {-1}):
        return True
    rest = bare
    for word in sorted(COMMON, key=len, reverse=True):
        rest = rest.replace(word, "")
    return len(FILLERS.sub("", rest)) < 4


def is_made_of(bare: str, about: Iterable[str]) -> bool:
    """What is left of it without the person's own words is too little to guess at."""
    words = {part for text in about for part in re.split(r"[\W_]+", plain(text)) if len(part) > 2}
    rest = bare
    for word in sorted(words, key=len, reverse=True):
        rest = rest.replace(word, "")
    return rest != bare and len(FILLERS.sub("", rest)) < 6


def hashed(password: str) -> str:
    with _one_at_a_time:
        return hasher.hash(unicodedata.normalize("NFC", password))


def matches(kept: str | None, password: str) -> bool:
    """Whether it is the password. As much work for an account that does not exist."""
    with _one_at_a_time:
        try:
            right = hasher.verify(kept or nobody(), unicodedata.normalize("NFC", password))
        except (VerifyMismatchError, InvalidHashError):
            return False
    return right and kept is not None


def is_outdated(kept: str) -> bool:
    """True when today's parameters ask for more than when it was hashed."""
    return hasher.check_needs_rehash(kept)


@cache
def nobody() -> str:
    """The hash that an unknown account is compared with."""
    return hasher.hash("nobody has this password")
