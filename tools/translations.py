"""Keep the catalogues of `fablab/translations/` in step with the words of the code.

    python tools/translations.py            add what is new, drop what is gone
    python tools/translations.py --check    exit 1 unless all is translated and well typed

The msgids are English, so English needs no catalogue.
"""

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po, write_po

from fablab import __version__
from fablab.words import LANGUAGES

ROOT = Path(__file__).resolve().parent.parent
NO_BREAK, NARROW = "\u00a0", "\u202f"
KEYWORDS = DEFAULT_KEYWORDS | {"N_": None, "lazy_gettext": None, "lazy_ngettext": (1, 2)}


def catalogue_file(language: str) -> Path:
    return ROOT / "fablab" / "translations" / language / "LC_MESSAGES" / "messages.po"


def words_of_the_code() -> Catalog:
    """Every message of the Python code and the templates, with the files it stands in."""
    mappings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["babel"]
    methods = [(each["pattern"], each["method"]) for each in mappings["mappings"]]
    options = {each["pattern"]: each.get("options", {}) for each in mappings["mappings"]}
    found = Catalog(project="fablab", fuzzy=False)
    extracted = extract_from_dir(
        ROOT, methods, options, KEYWORDS, comment_tags=("Translators:",), strip_comment_tags=True
    )
    for file, _line, message, comments, context in sorted(extracted, key=lambda each: each[:2]):
        found.add(message, None, [(file, 0)], auto_comments=comments, context=context)
    return found


def update(language: str, words: Catalog) -> None:
    """Rewrite the catalogue: new messages empty, none guessed from another, none kept for later."""
    path = catalogue_file(language)
    kept = read(path, language) if path.exists() else started(language)
    made_on = kept.creation_date
    kept.update(words, no_fuzzy_matching=True)
    kept.creation_date, kept.fuzzy = made_on, False  # so that nothing new changes nothing
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, kept, width=100, ignore_obsolete=True, include_lineno=False)


def started(language: str) -> Catalog:
    said = f"# The words of the service, in the language {language}."
    return Catalog(
        locale=language,
        header_comment=said,
        project="fablab",
        version=__version__,
        last_translator="",
        language_team=language,
        msgid_bugs_address="",
    )


def problems(language: str, words: Catalog) -> Iterator[str]:
    path = catalogue_file(language)
    if not path.exists():
        yield "there is no catalogue"
        return
    kept = read(path, language)
    for message in words:
        known = kept.get(message.id, message.context)
        if not message.id:
            continue
        if known is None:
            yield f"not in the catalogue: {message.id!r}"
        elif known.fuzzy:
            yield f"fuzzy: {message.id!r}"
        elif not all(known.string if isinstance(known.string, tuple) else [known.string]):
            yield f"not translated: {message.id!r}"
    for message in kept:
        if message.id and words.get(message.id, message.context) is None:
            yield f"no longer in the code: {message.id!r}"
        if message.id and language == "fr":
            said = message.string if isinstance(message.string, tuple) else [message.string]
            yield from (f"{fault}: {each!r}" for each in said for fault in badly_typed(each))
    for message, errors in kept.check():
        yield from (f"{error}: {message.id!r}" for error in errors)


def badly_typed(text: str) -> list[str]:
    """What a French typographer would send back."""
    faults = {
        "a straight apostrophe": "'" in text,
        "three dots": "..." in text,
        "English quotation marks": bool(re.search('[“”"]', text)),
        "no narrow space before ; ! ?": bool(re.search(f"(?<!{NARROW})[;!?]", text)),
        # A time (`14:30`), a worked example of one and an address have none.
        "no no-break space before :": bool(re.search(rf"(?<!{NO_BREAK}):(?!\d|//)", text)),
        "no no-break space inside « »": bool(re.search(f"«(?!{NO_BREAK})|(?<!{NO_BREAK})»", text)),
    }
    return [fault for fault, is_found in faults.items() if is_found]


def read(path: Path, language: str) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=language)


def main() -> int:
    words = words_of_the_code()
    others = [language for language in LANGUAGES if language != "en"]
    if "--check" not in sys.argv:
        for language in others:
            update(language, words)
        return 0
    found = [f"{language}: {each}" for language in others for each in problems(language, words)]
    print("\n".join(found), file=sys.stderr, end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
