"""Which passwords are accepted, and how they are kept: argon2id, one at a time."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import product
from threading import Lock

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from fablab.words import N_

SHORTEST, LONGEST = 12, 128  # characters

# OWASP: argon2id, m = 46 MiB, t = 1, p = 1.
hasher = PasswordHasher(time_cost=1, memory_cost=46 * 1024, parallelism=1)

# One hash at a time: each takes 46 MiB, and the whole service promises to stay under 120.
_one_at_a_time = Lock()

# What the lists of leaked passwords, French ones too, are made of once dates and decoration are
# taken off. Twelve characters or more are asked for, so a list of whole passwords would be mostly
# these, doubled and dated.
COMMON = (
    # the first things to come to mind
    "password passwort motdepasse monmotdepasse secret changeme changermoi default letmein "
    "admin administrateur administrator welcome bienvenue bonjour lemonde toutlemonde temp test "
    "guest invite azerty qwerty qwertz trustno leavemealone jenesaispas iampurehaha fablab "
    "atelier lesusines usines machine "
    # love and luck
    "jetaime jetadore iloveyou ilove myfamily mafamille moncoeur monamour mavie pourlavie amour "
    "toujours lavieestbelle laviestbelle carpediem ingodwetrust princesse princess chouchou "
    "doudou loulou coucou minou bebe maman papa cherie lovely forever sunshine soleil "
    # play and idols
    "football olympiquedemarseille parissaintgermain allezlesbleus allez psg barcelona "
    "realmadrid zidane ronaldo pokemon starwars superman batman spiderman dragonball dragon "
    "minecraft fortnite playstation finalfantasy counterstrike needforspeed residentevil "
    "mortalkombat devilmaycry warhammer harrypotter jamesbond lepetitprince johnnyhallyday "
    "mylenefarmer michaeljackson justinbieber avrillavigne systemofadown greenlantern "
    "stratocaster sonyericsson thecakeisalie iseedeadpeople whosyourdaddy punksnotdead "
    # things and animals
    "chocolat chocolate peanutbutter vanille nutella monkey tigrou nounours papillon chaton "
    # places
    "marseille toulouse bordeaux nantes paris lyon lille strasbourg montpellier poitiers "
    "bretagne france vivelafrance sanfrancisco "
    # names
    "alexandre alexandra alexis anthony antoine audrey aurelie benjamin camille caroline "
    "catherine celine charlotte christophe christian christopher claire clement elodie emilie "
    "florian francois frederic guillaume isabelle jerome jeremy julie julien kevin laura laurent "
    "manon marie marine martine mathieu matthieu maxime melanie michel nathalie nicolas olivier "
    "pascal patrick pauline philippe pierre quentin romain sandrine sebastien sophie stephane "
    "stephanie sylvie thomas valentin valerie vanessa vincent virginie"
).split()
LONGEST_FIRST = sorted(COMMON, key=len, reverse=True)

# The rows of letters and digits of a French and of an English keyboard, without accents.
KEYBOARDS = (
    ("1234567890", "azertyuiop", "qsdfghjklm", "wxcvbn"),
    ("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm"),
)
# What a word is dated and decorated with; a letter of any script is none of it.
FILLERS = re.compile(r"[0-9 !-/:-@\[-`{-~]+")
# Digits and signs that stand for a letter they look like.
DISGUISES = str.maketrans("013457@$!", "oieastasi")


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
    if is_common(bare) or is_common(bare.translate(DISGUISES)):
        raise WeakPassword(N_("This password is among the first that anyone would try."))
    if is_made_of(bare, about):
        raise WeakPassword(N_("This password is made of your own name or address."))


def plain(text: str) -> str:
    """Without accents, capitals and spaces."""
    spread = unicodedata.normalize("NFKD", text.casefold())
    letters = (letter for letter in spread if not unicodedata.combining(letter))
    return "".join(letters).replace(" ", "")


def is_common(bare: str) -> bool:
    """Few different characters, a walk over the keyboard or the alphabet, or well-known words
    and filling.
    """
    if len(set(bare)) < 5 or is_walk(bare):
        return True
    rest = bare
    for word in LONGEST_FIRST:
        rest = rest.replace(word, "")
    return len(FILLERS.sub("", rest)) < 4


def is_walk(bare: str) -> bool:
    """Whether two steps of three go to a neighbour: on a keyboard, or in the alphabet."""
    steps = list(zip(bare, bare[1:], strict=False))
    near = sum(
        abs(ord(here) - ord(there)) <= 1 or (here, there) in NEIGHBOURS for here, there in steps
    )
    return near * 3 >= len(steps) * 2


def neighbours() -> Iterator[tuple[str, str]]:
    """The pairs of keys that touch: beside each other, or in rows that follow."""
    for rows in KEYBOARDS:
        keys = {
            key: (row, at) for row, letters in enumerate(rows) for at, key in enumerate(letters)
        }
        for (one, (row, at)), (other, (row_2, at_2)) in product(keys.items(), repeat=2):
            if abs(row - row_2) <= 1 and abs(at - at_2) <= 1:
                yield one, other


NEIGHBOURS = frozenset(neighbours())


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
    if kept is None:
        hashed(password)
        return False
    with _one_at_a_time:
        try:
            return hasher.verify(kept, unicodedata.normalize("NFC", password))
        except (VerifyMismatchError, InvalidHashError):
            return False


def is_outdated(kept: str) -> bool:
    """True when today's parameters ask for more than when it was hashed."""
    return hasher.check_needs_rehash(kept)
