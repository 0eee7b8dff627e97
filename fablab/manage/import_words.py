"""What the columns of files to import hold, as their pages explain it; docs/import.md says more."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from typing import Any

from flask_babel import gettext as _

from fablab import texts
from fablab.imports import members
from fablab.imports.bookings import Use
from fablab.imports.columns import FRENCH, WORDS
from fablab.imports.plan import text_of
from fablab.imports.sheet import BadCell, one_of
from fablab.members.kinds import Audience
from fablab.words import N_

KINDS = {
    "machines": N_("Machines"),
    "members": N_("Members"),
    "qualifications": N_("Qualifications"),
    "bookings": N_("Past bookings"),
    "calendar": N_("A machine’s own calendar"),
}
EXPLAINED = {
    "machines": N_(
        "One line a machine, known by its code. A category or a pool that does not exist is made."
    ),
    "members": N_(
        "One line a person, known by their mail address. Nobody gets a mail: they choose a password"
        " with “forgotten password” when you have told them. Roles are given on screen."
    ),
    "qualifications": N_(
        "One line a qualification, known by who holds it, what of, and the day it was given. The"
        " person must be a member already."
    ),
    "bookings": N_(
        "One line a booking that is over, for the figures: who, on what, when, and what became of"
        " it. Nobody gets a mail or a mark, and the same line again changes nothing."
    ),
    "calendar": N_(
        "The past of a calendar that one machine has, as Google or another program gives it out:"
        " each of its events of the last 18 months becomes a booking that is over. It belongs to"
        " the member whose address it names, else to the one named here."
    ),
}
HELP = {
    "machines": {
        "code": N_("What is screwed on the machine, 20 characters at most"),
        "name": N_("As one says it"),
        "category": N_("Its name; made when there is none"),
        "model": N_("Make and model"),
        "location": N_("Where it stands"),
        "specs": N_("Power: 80 W | Area: 1000 × 610 mm"),
        "materials_allowed": N_("A list: plywood | card"),
        "materials_forbidden": N_("A list: plywood | card"),
        "risk_class": N_("A, B, C or D; A when it is empty"),
        "notes": N_("What a member should know; several lines in quotation marks"),
        "asset_number": N_("Asset number"),
        "funder": N_("Funder"),
        "owner": N_("The organization it belongs to, which must exist; empty for the place"),
        "pool": N_("Machines of one pool stand in for one another"),
        "state": N_("in_service, out_of_service, locked_out or retired"),
        "state_reason": N_("Why; not for a machine in service"),
        "back_on": N_("The day it is expected back, as 2031-03-31"),
    },
    "members": {
        "email": N_("Mail address"),
        "first_name": N_("First name"),
        "last_name": N_("Last name"),
        "phone": N_("With digits, like +33 5 00 00 00 00"),
        "language": N_("fr or en"),
        "audience": N_(
            "individual, reduced, association, professional, resident, cooperative or staff"
        ),
        "membership_until": N_("The last day it is valid; empty without end"),
        "minor": N_("yes or no; no date of birth is kept"),
        "guardian_agreed_on": N_("The day a minor’s guardian agreed"),
        "organization": N_("Its name; it must exist"),
        "manager": N_("yes: they manage the organization"),
        "activity": N_("An entrepreneur’s activity in a co-operative"),
    },
    "qualifications": {
        "email": N_("Mail address of a member"),
        "given_on": N_("The day it was given, as 2026-03-31"),
        "training": N_("The code of a training: all that it gives"),
        "machine": N_("Else the code of one machine, with a level"),
        "level": N_("1 accompanied, 2 while supervised, 3 autonomous, 4 trainer"),
        "expires_on": N_("The last day it is valid; empty for what the training says"),
        "given_by": N_("Mail address of who gave it; never oneself"),
    },
    "bookings": {
        "email": N_("Mail address of a member"),
        "machine": N_("The code of the machine"),
        "start": N_("Day and hour on the place’s clock, as 2031-03-31 14:00"),
        "end": N_("Day and hour; or the hour alone, of the same day"),
        "organization": N_("Whom it was for; it must exist. Empty for the person themselves"),
        "purpose": N_("What for; the team alone reads it"),
        "status": N_("used, cancelled or missed; used when it is empty"),
        "reference": N_("Its number elsewhere; when empty, it is known by who, what and when"),
    },
}
EXAMPLES = {
    "machines": (
        "L1",
        "Découpe laser",
        "Découpe laser",
        "Maker 80",
        "Atelier 2",
        "Puissance: 80 W | Surface: 1000 × 610 mm",
        "contreplaqué | carton",
        "PVC | ABS",
        "C",
        "Restez à côté tant qu’elle coupe.",
        "INV-2031-001",
        "Région",
        "",
        "",
        "in_service",
        "",
        "",
    ),
    "members": (
        "camille@exemple.example",
        "Camille",
        "Dupont",
        "+33 5 00 00 00 00",
        "fr",
        "individual",
        "2031-12-31",
        "no",
        "",
        "",
        "",
        "",
    ),
    "qualifications": ("camille@exemple.example", "2026-03-31", "", "L1", "2", "", ""),
    "bookings": (
        "camille@exemple.example",
        "L1",
        "2026-03-31 14:00",
        "2026-03-31 16:00",
        "",
        "Lampe",
        "used",
        "1",
    ),
}
# What is told of a line, of each kind: what tells it from the others, and what it brings.
TELLING = {
    "machines": ("code", "name", "category", "location"),
    "members": ("email", "first_name", "last_name", *members.TELLING),
    "qualifications": ("email", "training", "machine", "level", "given_on", "expires_on"),
    "bookings": (
        *("email", "machine", "start", "end", "status", "purpose", "organization", "reference"),
    ),
}
TELLING["calendar"] = TELLING["bookings"]
# What nobody would know for what it is without its column.
NAMED = {"membership_until", "organization", "manager", "activity", "expires_on", "reference"}
CHOSEN: dict[str, type[StrEnum] | Sequence[str]] = {
    "status": Use,
    "audience": Audience,
    "manager": ("yes", "no"),
}


def said_of(what: str, cells: Mapping[str, Any]) -> str:
    """A line in short: its cells as they stand there, or what they come to."""
    told = ((name, text_of(cells.get(name))) for name in TELLING[what])
    return " · ".join(cell_said(name, text) for name, text in told if text)


def cell_said(name: str, cell: str) -> str:
    """As it stands there; what is one of some words in the reader's language."""
    if cell == members.ENDLESS:
        cell = _(cell)
    if name in CHOSEN:
        with suppress(BadCell):
            cell = word_said(one_of(CHOSEN[name])(cell))
    return _("%(where)s: %(what)s", where=column_said(name), what=cell) if name in NAMED else cell


def column_said(name: str) -> str:
    """What a column is called in the reader's language; a file may call it so."""
    return FRENCH.get(name, name) if texts.language() == "fr" else name


def word_said(word: str) -> str:
    """What a cell may hold, in the reader's language."""
    if texts.language() != "fr":
        return word
    return WORDS[word][0] if word in WORDS else column_said(word)


# Columns whose cells hold one of a few words.
OF_WORDS = ("state", "audience")


def row_said(names: Sequence[str], row: Sequence[Any]) -> list[Any]:
    """A line of a file in the reader's language; an import reads it in each."""
    return [
        word_said(value) if name in OF_WORDS and value else value
        for name, value in zip(names, row, strict=True)
    ]


def words_said(words: Sequence[str]) -> list[str]:
    return [word_said(word) for word in words]
