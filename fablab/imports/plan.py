"""What an import would do, line by line, before anything is written."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from hashlib import sha256
from typing import Any

from sqlalchemy.orm import Session

from fablab.imports.sheet import BETWEEN, Column, Problem, Row

AT_ONCE = 500  # values in one IN (…)


@dataclass(frozen=True, slots=True)
class Where:
    """The place that is imported into, and when, for whom."""

    place_id: int
    slug: str
    today: date
    now: datetime
    by: int | None  # the member who does it; none: the command line
    zone: tzinfo


@dataclass(frozen=True, slots=True)
class Step:
    """One line: what is to be written, by column; nothing when all of it is there already."""

    line: int
    name: str
    changes: dict[str, Any]
    target: Any = None  # what is there already; none: something new
    # What it comes to, by the file's column: a name where the change has a key, and what holds
    # where the line is silent. As the dry run tells it.
    said: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_new(self) -> bool:
        return self.target is None

    def said_changes(self) -> list[tuple[str, Any]]:
        """By column as the file has it, with what it is from now on."""
        columns = {"given_by_id": "given_by"}
        named = sorted((columns.get(name, name), value) for name, value in self.changes.items())
        return [(name, self.said.get(name, value)) for name, value in named]

    @property
    def is_same(self) -> bool:
        return not self.is_new and not self.changes


@dataclass
class Plan:
    steps: list[Step] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    # What is no mistake, and good to know.
    notes: list[Problem] = field(default_factory=list)
    # What lines speak of and would be made along with them: names by slug.
    categories: dict[str, str] = field(default_factory=dict)
    pools: dict[str, str] = field(default_factory=dict)

    @property
    def new(self) -> list[Step]:
        return [step for step in self.steps if step.is_new]

    @property
    def changed(self) -> list[Step]:
        return [step for step in self.steps if step.changes and not step.is_new]

    @property
    def same(self) -> list[Step]:
        return [step for step in self.steps if step.is_same]

    @property
    def fingerprint(self) -> str:
        """The same for the same changes: what is done is what was shown, or nothing."""
        said = [
            (
                step.line,
                step.name,
                step.is_new,
                sorted((n, str(v)) for n, v in step.changes.items()),
            )
            for step in self.steps
        ]
        return sha256(repr((said, self.categories, self.pools)).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Kind:
    """Something that can be imported.

    `plan` compares lines with the database and writes nothing; `write` does what it says,
    inside a write transaction, and calls `tick` after each line. `telling` are the columns that
    the dry run tells of something new, beside its name.
    """

    columns: tuple[Column, ...]
    plan: Callable[[Sequence[Row], Where], Plan]
    write: Callable[[Session, Plan, Where, Callable[[], None]], None]
    telling: tuple[str, ...] = ()


def sound(
    rows: Sequence[Row], problems_of: Callable[[Row], Iterable[Problem]], found: Plan
) -> Iterator[Row]:
    """The lines that nothing is wrong with, one after the other. Of each of the others all that is
    wrong is told in the plan: also of those with a cell that cannot be read.
    """
    for row in rows:
        problems = list(problems_of(row))
        found.problems += problems
        if row.is_whole and not problems:
            yield row


def differing(values: dict[str, Any], there: dict[str, Any]) -> dict[str, Any]:
    """What `values` would change; what they do not speak of stays as it is."""
    return {name: value for name, value in values.items() if there.get(name) != value}


def text_of(value: Any) -> str:
    """As a cell would say it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, list):
        return f" {BETWEEN} ".join(value)
    if isinstance(value, dict):
        return f" {BETWEEN} ".join(f"{name}: {fact}" for name, fact in value.items())
    return "" if value is None else str(value)


def in_portions(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (values[at : at + AT_ONCE] for at in range(0, len(values), AT_ONCE))


class Seen:
    """The keys of the lines before, to name the one that a line repeats."""

    def __init__(self) -> None:
        self._lines: dict[Any, int] = {}

    def before(self, key: Any, line: int) -> int | None:
        """The line that had this key already; None for the first."""
        first = self._lines.setdefault(key, line)
        return None if first == line else first
