"""The figures of the report, by key: what each is, and of whom; what of it may be public. Pure."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from enum import Enum
from typing import Any, NamedTuple

from fablab.reports import rules
from fablab.reports.disclosure import hidden, hidden_below, may_tell
from fablab.reports.rules import MEASURES, Facts, GivenTold, Ground, Line, Sums, cut, hours, summed


class Hidden(Enum):
    """In place of a figure that would be of one or two people."""

    HIDDEN = "hidden"


HIDDEN = Hidden.HIDDEN
Number = int | Decimal | None
MaybeHidden = Number | Hidden


class Figure(NamedTuple):
    """A value, and the people that it is of; None where it is of nobody in particular."""

    value: Number
    people: frozenset[int] | None = None


def of(ground: Ground, facts: Facts) -> dict[str, Figure]:
    """Every indicator of `definitions`, by its key."""
    whole = summed(facts.lines)
    ahead = summed(facts.ahead)["booked"]
    machines = cut(facts.lines, lambda line: line.machine_id)
    hosted = {one.id for one in ground.hosted(facts)}
    declared = [row for row in facts.declared if row.organization_id in hosted]
    shared = rules.on_shared(facts.lines, ground)
    others = summed(line for line in shared if not rules.is_owners(line, ground))
    funded = rules.on_funded(facts.lines, ground)
    professional = summed(line for line in funded if rules.is_professional(line))
    trained = frozenset[int]().union(*(one.people for one in facts.sessions))
    seconds = sum(one.seconds * len(one.people) for one in facts.sessions)
    return {
        "hosted": Figure(len(hosted)),
        "supported": Figure(len(ground.supported(facts))),
        "users": Figure(len(whole["bookings"].people), whole["bookings"].people),
        "jobs": Figure(rules.told_together(row.jobs for row in declared)),
        "turnover": Figure(
            rules.told_together(row.turnover for row in declared) if ground.currency else None
        ),
        **{
            measure: Figure(hours(whole[measure].value), whole[measure].people)
            for measure in MEASURES[1:]
        },
        "ahead": Figure(hours(ahead.value), ahead.people),
        "occupancy": Figure(rules.occupancy(machines, ground, facts), whole["booked"].people),
        "each": Figure(rules.structures_each(machines), _who_tell(facts)),
        "several": Figure(rules.used_by_several(machines)),
        "opened": Figure(hours(others["booked"].value), others["booked"].people),
        "opened_share": Figure(
            rules.share(others["booked"].value, summed(shared)["booked"].value),
            others["booked"].people,
        ),
        "given_back": _given_back(ground, facts),
        "funded": Figure(hours(professional["booked"].value), professional["booked"].people),
        "sessions": Figure(len(facts.sessions)),
        "trainees": Figure(len(trained), trained),
        "trainee_hours": Figure(hours(seconds), trained),
        "given": _count(facts.given),
        "renewed": _count(facts.renewed),
        "lapsed": _count(facts.lapsed),
    }


def _who_tell(facts: Facts) -> frozenset[int]:
    """Of whom it is how many structures used the machines."""
    for_some = summed(line for line in facts.lines if line.organization_id is not None)
    return told_apart(for_some.structures, for_some["bookings"].people)


def told_apart(structures: frozenset[int], people: frozenset[int]) -> frozenset[int]:
    """Of whom a number of structures is: a structure may be one person, and one person several."""
    return min(structures, people, key=len)


# What a period says nothing of when nothing was recorded in it.
OF_USE = (
    *("users", "supported", "booked", "used", "late", "missed", "ahead", "occupancy"),
    *("each", "several", "opened", "opened_share", "funded"),
)


def unrecorded(facts: Facts) -> frozenset[str]:
    """The figures that are of nothing, for nothing of their kind was recorded in the period."""
    found: set[str] = set()
    if not facts.lines:
        found |= set(OF_USE)
    if not facts.sessions:
        found |= {"sessions", "trainees", "trainee_hours"}
    if not (facts.given or facts.renewed or facts.lapsed):
        found |= {"given", "renewed", "lapsed"}
    return frozenset(found)


def _given_back(ground: Ground, facts: Facts) -> Figure:
    """Of owners, who are no more to be told apart in public than people are."""
    amount = rules.rounded(sum((row.amount for row in facts.given_back), Decimal(0)), 0)
    owners = frozenset(row.owner_id for row in facts.given_back if row.amount)
    return Figure(amount if ground.currency else None, owners)


def _count(rows: Iterable[GivenTold]) -> Figure:
    told = list(rows)
    return Figure(len(told), frozenset(row.member_id for row in told))


class Cut(NamedTuple):
    """The sums of each key, and which of them are hidden, measure by measure."""

    sums: Mapping[Any, Sums]
    gone: Mapping[str, frozenset[Any]]

    def of(self, key: int | str | None, measure: str) -> int | Hidden:
        if key in self.gone.get(measure, ()):
            return HIDDEN
        return self.sums.get(key, rules.NOTHING)[measure].value

    def hours(self, key: int | str | None, measure: str) -> MaybeHidden:
        value = self.of(key, measure)
        return value if isinstance(value, Hidden) else hours(value)

    def people(self, key: int | str | None) -> MaybeHidden:
        if key in self.gone.get("bookings", ()):
            return HIDDEN
        return len(self.sums.get(key, rules.NOTHING)["bookings"].people)


class Cuts(NamedTuple):
    """The lines of a period cut in four ways, each of which adds up to the same totals."""

    machines: Cut
    categories: Cut
    audiences: Cut
    structures: Cut


def cuts(ground: Ground, lines: Iterable[Line], *, is_public: bool) -> Cuts:
    told = list(lines)
    category = {one.id: one.category_id for one in ground.machines.values()}
    by_machine = cut(told, lambda line: line.machine_id)
    by_category = cut(told, lambda line: category[line.machine_id])
    by_audience = cut(told, lambda line: line.audience)
    by_structure = cut(told, lambda line: line.organization_id)
    machines: dict[str, frozenset[int]] = {}
    categories: dict[str, frozenset[int]] = {}
    if is_public:
        for measure in MEASURES:
            people = {key: sums[measure].people for key, sums in by_machine.items()}
            categories[measure], machines[measure] = hidden_below(people, category)
    return Cuts(
        Cut(by_machine, machines),
        Cut(by_category, categories),
        _flat(by_audience, is_public),
        _flat(by_structure, is_public),
    )


def _flat(sums: Mapping[Any, Sums], is_public: bool) -> Cut:
    if not is_public:
        return Cut(sums, {})
    return Cut(
        sums,
        {m: hidden({key: each[m].people for key, each in sums.items()}) for m in MEASURES},
    )


def public(
    figures: dict[str, Figure], ground: Ground, facts: Facts, made: Cuts
) -> dict[str, MaybeHidden]:
    """The figures without those of one or two people, nor those that would give them away."""
    told: dict[str, MaybeHidden] = {
        key: figure.value if figure.people is None or may_tell(figure.people) else HIDDEN
        for key, figure in figures.items()
    }
    shared, funded = rules.on_shared(facts.lines, ground), rules.on_funded(facts.lines, ground)

    def is_others(line: Line) -> bool:
        return not rules.is_owners(line, ground)

    if _gives_away(shared, is_others, made.machines):
        told |= {"opened": HIDDEN, "opened_share": HIDDEN, "given_back": HIDDEN}
    if _gives_away(funded, rules.is_professional, made.machines):
        told["funded"] = HIDDEN
    return told


def _gives_away(lines: list[Line], is_counted: Callable[[Line], bool], machines: Cut) -> bool:
    """A part of what was booked on some machines: what is left of them may be of too few, and where
    one of them is hidden the part would say something of it.
    """
    booked = [line for line in lines if line.booked]
    sides = {
        side: summed(line for line in booked if is_counted(line) is side) for side in (True, False)
    }
    if hidden({side: sums["booked"].people for side, sums in sides.items()}):
        return True
    gone = machines.gone.get("booked", frozenset())
    return any(line.machine_id in gone for line in booked)
