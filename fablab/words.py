"""Words that pure modules may use: marked for translation here, translated where they are shown."""

import re
import unicodedata

LANGUAGES = {"fr": "Français", "en": "English"}  # the first one is the default


def N_(message: str) -> str:
    """Mark an English sentence for the catalogue without translating it yet.

    Rules know neither the request nor its language; the page that shows the
    sentence translates it with `gettext(sentence) % values`.
    """
    return message


class NotTaken(ValueError):
    """Why a file that was sent is not taken: an English msgid and its values."""

    def __init__(self, sentence: str, **values: int) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.values = values


def alphabetical(name: str) -> str:
    """What names are sorted by: `Ébénisterie` stands between `Dentelle` and `Filature`."""
    parts = unicodedata.normalize("NFKD", name.casefold())
    return "".join(each for each in parts if not unicodedata.combining(each))


def slug(name: str) -> str:
    """What stands for `name` in an address: `M 05a · Fil à Plomb` is `m-05a-fil-a-plomb`.

    Empty when there is no Latin letter or digit in it.
    """
    spread = unicodedata.normalize("NFKD", name.casefold())
    letters = "".join(letter for letter in spread if not unicodedata.combining(letter))
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-")
