"""Statements outside of the pages: taken out by their UID, and checked from a file alone."""

import json
from pathlib import Path
from typing import Any

from fablab.statements import canon, exports, queries
from fablab.statements.pages import names


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
    file = exports.file_of(queries.file_of(row.place_id))
    return exports.table([canon.read(row.body)], people, file)


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
