"""What a file to import would do, as plain values: what is wrong, what is new, what changes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Any, NamedTuple, TypeVar

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from fablab.imports import Plan, Problem, Sheet
from fablab.imports.machines import LETS_DOWN
from fablab.imports.plan import Step, text_of
from fablab.imports.retiring import COUNTED_ON
from fablab.imports.sheet import MISSING, TWICE
from fablab.manage.import_words import column_said, said_of, word_said, words_said

SHOWN = 200  # lines of each list
T = TypeVar("T")
R = TypeVar("R")


class Line(NamedTuple):
    """A line of the file: where it stands, and what it says."""

    where: str
    content: str


class Note(NamedTuple):
    """What is good to know of a line, and the page that says more, if there is one."""

    where: str
    what: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    problems: list[tuple[Line, list[Note]]]  # each line with all that is wrong with it
    problems_left_out: int
    notes: list[Note]
    notes_left_out: int
    new: list[Line]
    new_left_out: int
    # What, and its columns with their new text.
    changed: list[tuple[Line, list[tuple[str, str]]]]
    changed_left_out: int
    right: list[Line]  # beside those that are wrong
    right_left_out: int
    same: list[Line]  # there already
    same_left_out: int
    made: list[str]  # categories and pools that come along
    summary: str
    does_nothing: bool


def shown(plan: Plan, lines: Sheet, what: str) -> Shown:
    """Of each list the first lines: no more is put into words, as a file may be wrong in all of
    its cells.
    """

    def line(step: Step) -> Line:
        """As it stands there; where the file is silent, what holds."""
        there = {name: cell for name, cell in lines.texts.get(step.line, {}).items() if cell}
        return Line(where(step.line), said_of(what, {**step.said, **there}) or step.name)

    def note(each: Problem) -> Note:
        return Note(where(each.line), sentence(each), more_of(each))

    def change(step: Step) -> tuple[Line, list[tuple[str, str]]]:
        return line(step), [said(*each) for each in step.said_changes()]

    at_fault = {each.line for each in plan.problems}
    right = [step for step in plan.steps if step.line not in at_fault] if at_fault else []
    new, changed = plan.new, plan.changed
    made = [_("Category: %(name)s", name=each) for each in plan.categories.values()]
    made += [_("Pool: %(name)s", name=each) for each in plan.pools.values()]
    return Shown(
        [
            (
                Line(where(at), said_of(what, lines.texts.get(at, {}))),
                [note(each) for each in wrong],
            )
            for at, wrong in groupby(plan.problems[:SHOWN], key=lambda each: each.line)
        ],
        max(0, len(plan.problems) - SHOWN),
        *first_of(plan.notes, note),
        *first_of(new, line),
        *first_of(changed, change),
        *first_of(right, line),
        *first_of(plan.same, line),
        made=made,
        summary=summary(plan),
        does_nothing=not (plan.problems or new or changed),
    )


def first_of(found: Sequence[T], draw: Callable[[T], R]) -> tuple[list[R], int]:
    """Those that are shown, and how many are left out."""
    return [draw(each) for each in found[:SHOWN]], max(0, len(found) - SHOWN)


def sentence(found: Problem) -> str:
    """What is to be said of a line, its columns and words as the reader calls them."""
    values = dict(found.values)
    if "column" in values:
        values["column"] = column_said(values["column"])
    if "known" in values:
        values["known"] = ", ".join(words_said(values["known"].split(", ")))
    if "why" in values:
        reason = values["why"]
        values["why"] = _(reason) % values["told"]
    if found.sentence in (MISSING, TWICE) and found.column:
        values["name"] = column_said(found.column)
    return _(found.sentence) % values


def more_of(told: Problem) -> str:
    """Where the bookings are that a machine lets down."""
    pages = {LETS_DOWN: "manage.machine", COUNTED_ON: "manage.retirement"}
    page = pages.get(told.sentence)
    return url_for(page, slug=told.values["machine"]) if page else ""


def where(line: int) -> str:
    return _("Line %(number)s", number=line) if line else _("The file")


def said(name: str, value: Any) -> tuple[str, str]:
    """A column as the file calls it, and what it says from now on; nothing when it is emptied."""
    if name == "membership":
        return _("Membership"), _("of this place")
    text = text_of(value)
    return column_said(name), word_said(text) if isinstance(value, bool | StrEnum) else text


def summary(plan: Plan) -> str:
    if plan.problems:
        return ngettext(
            "Nothing can be imported: %(num)s thing is wrong in this file.",
            "Nothing can be imported: %(num)s things are wrong in this file.",
            len(plan.problems),
        )
    if not plan.steps:
        return _("There is nothing to import in this file.")
    return counted(plan)


def counted(plan: Plan) -> str:
    return _(
        "%(new)s; %(changed)s; %(same)s.",
        new=ngettext("%(num)s line is new", "%(num)s lines are new", len(plan.new)),
        changed=ngettext(
            "%(num)s changes something", "%(num)s change something", len(plan.changed)
        ),
        same=ngettext("%(num)s is there already", "%(num)s are there already", len(plan.same)),
    )


def done(plan: Plan) -> str:
    return _("Imported: %(counts)s", counts=counted(plan))
