"""The booking rules of a place, a category or a machine, as plain values: what holds, and why."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import url_for
from flask_babel import gettext as _

from fablab.booking.quotas import RISKY
from fablab.machines.inventory import of_place
from fablab.machines.kinds import RiskClass
from fablab.machines.models import Policy
from fablab.machines.policies import NAMES, PolicyRow, resolve, sources
from fablab.machines.policy_commands import Scope
from fablab.machines.policy_rules import Conflict, Table
from fablab.manage import policy_words
from fablab.members.kinds import Audience
from fablab.members.words import AUDIENCES
from fablab.trainings.words import MEANS


@dataclass(frozen=True)
class Subject:
    """What the rules on a page are of."""

    scope: Scope
    title: str
    endpoint: str  # of its page
    slug: str = ""  # in its address; the place has none
    risk: RiskClass = RiskClass.A

    def url(self, audience: Audience | None) -> str:
        values: dict[str, Any] = {"slug": self.slug} if self.slug else {}
        if audience:
            values["audience"] = audience
        return url_for(self.endpoint, **values)


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    id: str
    values: list[tuple[str, str]]  # name of the field, and what stands beneath it


def groups(subject: Subject, rows: Sequence[Policy], category_id: int | None) -> list[Group]:
    """Each value with what holds now and where it comes from, together with those it goes with."""
    scope = subject.scope
    table = Table(category_id, scope.machine_id, subject.risk)
    heard: list[PolicyRow] = [row for row in rows if table.hears(row)]
    policy = resolve(heard, scope.audience, subject.risk)
    come_from = sources(heard, scope.audience, subject.risk)
    return [
        Group(
            _(title),
            f"group-{number}",
            [(name, beneath(name, getattr(policy, name), come_from[name])) for name in names],
        )
        for number, (title, names) in enumerate(policy_words.GROUPS, 1)
    ]


def beneath(name: str, value: Any, source: Any) -> str:
    now = policy_words.where_from(name, value, source)
    if name == "level":
        return " ".join([now, *(_(each) for each in MEANS.values())])
    return f"{now} {_(policy_words.HELP[name])}" if name in policy_words.HELP else now


def said(scope: Scope, rows: Iterable[Policy]) -> dict[str, Any]:
    """What the policy itself says, by name."""
    own = [row for row in rows if scope.is_of(row)]
    return {name: getattr(own[-1], name) for name in NAMES} if own else {}


def audiences(subject: Subject) -> list[dict[str, Any]]:
    """The choice of whom the rules are for."""
    scope = subject.scope
    return [
        {
            "text": _(AUDIENCES[each]) if each else _("Everybody"),
            "url": subject.url(each),
            "is_current": each is scope.audience,
        }
        for each in (None, *Audience)
    ]


def sentence(conflict: Conflict) -> str:
    """What does not hold together, and where it shows when that is elsewhere."""
    what = _(conflict.sentence)
    who = _(AUDIENCES[conflict.audience]) if conflict.audience else ""
    if conflict.machine and who:
        where = _("On %(machine)s, for: %(audience)s.", machine=conflict.machine, audience=who)
    elif conflict.machine:
        where = _("On %(machine)s.", machine=conflict.machine)
    elif who:
        where = _("For: %(audience)s.", audience=who)
    else:
        return what
    return f"{what} {where}"


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the list: what has rules of its own, and for whom."""

    text: str
    url: str
    own: list[tuple[str, str]]  # whom its own rules are for, and their page
    code: str = ""
    hue: str = ""


def line(subject: Subject, rows: Sequence[Policy], **more: str) -> Line:
    scope = subject.scope
    own = {
        row.audience
        for row in rows
        if (row.category_id, row.machine_id) == (scope.category_id, scope.machine_id)
    }
    return Line(
        subject.title,
        subject.url(None),
        [
            (_(AUDIENCES[each]) if each else _("Everybody"), subject.url(each))
            for each in (None, *Audience)
            if each in own
        ],
        **more,
    )


def dangerous_and_open(subject: Subject, place_id: int) -> list[str]:
    """The machines of class C and D, by code, that the rules of `subject` bear upon and that ask
    for no qualification: rarely what is meant.
    """
    scope = subject.scope
    return [
        machine.code
        for machine in of_place(place_id=place_id).machines
        if machine.risk_class in RISKY
        and not machine.policy_for(scope.audience).level
        and scope.machine_id in (None, machine.id)
        and scope.category_id in (None, machine.category.id)
    ]
