"""Statements outside of the pages: taken out by their UID, and checked from a file alone."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask_babel import force_locale
from flask_babel import gettext as _

from fablab.machines.inventory import of_place
from fablab.statements import canon, exports, queries
from fablab.statements.pages import names

COVERS = (
    "Proven: whose it is, its period, its lines and sums, what was closed before it.\n"
    "Not proven: the names of people, which stand beside it; in it they are references."
)


class ProofError(Exception):
    """One line: no such statement, or a file that does not prove itself."""


def exported(uid: str, kind: str) -> str:
    """`json` or `csv`. Raises ProofError."""
    row = queries.find(uid)
    if row is None:
        raise ProofError(f"there is no statement {uid}")
    people = names(queries.people_in(row.id))
    if kind == "json":
        return exports.proof(row.body, row.sha256, people)
    return table(row, people)


def table(row: Any, people: Mapping[str, str]) -> str:
    """A closed one as its place wants its files, in the place's language whoever asks for it."""
    file = exports.file_of(queries.file_of(row.place_id))
    with force_locale(of_place(place_id=row.place_id).place.language):
        return exports.table([canon.read(row.body)], people, file, _)


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of two with one name, one would be read and the other proven. Raises ValueError."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands in it twice")
    return found


def verified(file: Path) -> str:
    """The fingerprint of a file that holds what it says. Raises ProofError, and OSError."""
    try:
        export = json.loads(file.read_text("utf-8"), object_pairs_hook=once)
        is_whole = canon.verifies(export)
    except (ValueError, RecursionError) as error:
        raise ProofError(f"{file}: {error}") from error
    if not is_whole:
        raise ProofError(f"{file}: it was changed: its fingerprint is another one")
    return str(export["sha256"])
