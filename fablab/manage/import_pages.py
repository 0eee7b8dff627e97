"""What a file to import would do, as plain values: what is wrong, what is new, what changes."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from fablab.imports import Plan, Problem
from fablab.imports.plan import Step

SHOWN = 200  # lines of each list


@dataclass(frozen=True, slots=True)
class Shown:
    problems: list[tuple[str, str]]  # where, and what is wrong there
    problems_left_out: int
    notes: list[tuple[str, str]]
    notes_left_out: int
    new: list[str]
    new_left_out: int
    changed: list[tuple[str, list[tuple[str, str]]]]  # what, its columns and their new text
    changed_left_out: int
    made: list[str]  # categories and pools that come along
    summary: str
    does_nothing: bool


def shown(plan: Plan) -> Shown:
    problems, notes = map(told, (plan.problems, plan.notes))
    changed = [
        (step.name, [said(*each) for each in sorted(step.changes.items())]) for step in plan.changed
    ]
    new = [named(step) for step in plan.new]
    made = [_("Category: %(name)s", name=each) for each in plan.categories.values()]
    made += [_("Pool: %(name)s", name=each) for each in plan.pools.values()]
    return Shown(
        problems=problems[:SHOWN],
        problems_left_out=max(0, len(problems) - SHOWN),
        notes=notes[:SHOWN],
        notes_left_out=max(0, len(notes) - SHOWN),
        new=new[:SHOWN],
        new_left_out=max(0, len(new) - SHOWN),
        changed=changed[:SHOWN],
        changed_left_out=max(0, len(changed) - SHOWN),
        made=made,
        summary=summary(plan),
        does_nothing=not (plan.problems or new or changed),
    )


def told(found: list[Problem]) -> list[tuple[str, str]]:
    return [(where(each.line), _(each.sentence) % each.values) for each in found]


def where(line: int) -> str:
    return _("Line %(number)s", number=line) if line else _("The file")


def named(step: Step) -> str:
    """Known by its code or address alone, it would not be recognized."""
    names = (step.changes.get(each, "") for each in ("name", "first_name", "last_name"))
    return " ".join(filter(None, (step.name, *names)))


def said(name: str, value: Any) -> tuple[str, str]:
    """A column as the file calls it, and what it says from now on, where that is a text."""
    column = {"given_by_id": "given_by", "membership": "email"}.get(name, name)
    return column, str(value) if isinstance(value, str | date) and name != "membership" else ""


def summary(plan: Plan) -> str:
    if plan.problems:
        return ngettext(
            "Nothing can be imported: %(num)s thing is wrong in this file.",
            "Nothing can be imported: %(num)s things are wrong in this file.",
            len(plan.problems),
        )
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
