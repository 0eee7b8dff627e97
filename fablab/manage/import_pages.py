"""What a file to import would do, as plain values: what is wrong, what is new, what changes."""

from dataclasses import dataclass

from flask_babel import gettext as _
from flask_babel import ngettext

from fablab.imports import Plan

SHOWN = 200  # lines of each list


@dataclass(frozen=True, slots=True)
class Shown:
    problems: list[tuple[str, str]]  # where, and what is wrong there
    problems_left_out: int
    new: list[str]
    new_left_out: int
    changed: list[tuple[str, list[str]]]  # what, and its columns
    changed_left_out: int
    made: list[str]  # categories and pools that come along
    summary: str
    does_nothing: bool


def shown(plan: Plan, _what: str) -> Shown:
    problems = [(where(each.line), _(each.sentence) % each.values) for each in plan.problems]
    changed = [(step.name, sorted(map(column, step.changes))) for step in plan.changed]
    new = [step.name for step in plan.new]
    made = [_("Category: %(name)s", name=each) for each in plan.categories.values()]
    made += [_("Pool: %(name)s", name=each) for each in plan.pools.values()]
    return Shown(
        problems=problems[:SHOWN],
        problems_left_out=max(0, len(problems) - SHOWN),
        new=new[:SHOWN],
        new_left_out=max(0, len(new) - SHOWN),
        changed=changed[:SHOWN],
        changed_left_out=max(0, len(changed) - SHOWN),
        made=made,
        summary=summary(plan),
        does_nothing=not (plan.problems or new or changed),
    )


def where(line: int) -> str:
    return _("Line %(number)s", number=line) if line else _("The file")


def column(name: str) -> str:
    """As the file calls it."""
    return {"given_by_id": "given_by", "membership": "email"}.get(name, name)


def summary(plan: Plan) -> str:
    if plan.problems:
        return ngettext(
            "Nothing can be imported: %(num)s thing is wrong in this file.",
            "Nothing can be imported: %(num)s things are wrong in this file.",
            len(plan.problems),
        )
    return counted(plan)


def counted(plan: Plan) -> str:
    parts = [
        ngettext("%(num)s line is new", "%(num)s lines are new", len(plan.new)),
        ngettext("%(num)s changes something", "%(num)s change something", len(plan.changed)),
        ngettext("%(num)s is there already", "%(num)s are there already", len(plan.same)),
    ]
    return "; ".join(parts)


def done(plan: Plan) -> str:
    return _("Imported: %(counts)s.", counts=counted(plan))
