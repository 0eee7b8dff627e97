"""Files in the instance's media folder: what pages show, and what a form has sent but not saved.

A form that is refused keeps the files that came with it as drafts, for nobody chooses a photograph
twice. Names are drawn at random, so that who knows a draft's name is who has sent it.
"""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from flask import current_app

NAME = re.compile(r"[0-9a-f]{32}(-small)?\.(webp|pdf)", re.ASCII)
KEPT = 24 * 3600  # seconds: a draft


def folder() -> Path:
    return Path(current_app.instance_path) / "media"


def drafts() -> Path:
    return folder() / "drafts"


def new_name(ending: str) -> str:
    return f"{uuid4().hex}.{ending}"


def small(name: str) -> str:
    """The file that holds the smaller size of a photograph."""
    return f"{name.removesuffix('.webp')}-small.webp"


def names(name: str) -> tuple[str, ...]:
    """The files that it stands for: of a photograph, both sizes."""
    return (name, small(name)) if name.endswith(".webp") else (name,)


def write(name: str, content: bytes, *, as_draft: bool) -> None:
    where = drafts() if as_draft else folder()
    where.mkdir(parents=True, exist_ok=True)
    if as_draft:
        forget_old_drafts()
    (where / name).write_bytes(content)


def forget_old_drafts() -> None:
    """Whoever sends a file clears away what others left for a day."""
    for path in drafts().iterdir():
        if path.stat().st_mtime < time.time() - KEPT:
            path.unlink(missing_ok=True)


def is_draft(name: str) -> bool:
    return bool(NAME.fullmatch(name)) and (drafts() / name).is_file()


@contextmanager
def taken(name: str | None) -> Iterator[None]:
    """Around the write that shows what was just taken, if anything was: it fails, and the file
    goes.
    """
    try:
        yield
    except BaseException:
        if name:
            forget(*names(name))
        raise


@contextmanager
def adopting(*files: str) -> Iterator[None]:
    """Around the write that shows them: drafts become files that are shown, and drafts again when
    it fails. Those that are shown already are left alone.
    """
    adopted = [name for name in files if is_draft(name)]
    for name in adopted:
        (drafts() / name).replace(folder() / name)
    try:
        yield
    except BaseException:
        for name in adopted:
            (folder() / name).replace(drafts() / name)
        raise


def copy_as_draft(name: str, copy: str) -> None:
    write(copy, (folder() / name).read_bytes(), as_draft=True)


def forget(*names: str) -> None:
    for name in names:
        (folder() / name).unlink(missing_ok=True)
