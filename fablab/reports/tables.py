"""The tables of the report, which are its lists too: columns with units, rows of plain values."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from fablab.members.kinds import Audience
from fablab.organizations.kinds import OrganizationKind
from fablab.reports import figures, rules
from fablab.reports.definitions import Unit
from fablab.reports.disclosure import LEAST, hidden, may_tell
from fablab.reports.figures import HIDDEN, Cuts, Figure, Hidden, MaybeHidden
from fablab.reports.rules import (
    Facts,
    GivenTold,
    Ground,
    SessionTold,
    StructureTold,
    cut,
    hours,
    is_owners,
    is_professional,
    on_funded,
    on_shared,
    share,
)
from fablab.words import N_, alphabetical

AUDIENCES: dict[Audience | None, str] = {
    Audience.INDIVIDUAL: N_("Individual"),
    Audience.REDUCED: N_("Individual, reduced rate"),
    Audience.ASSOCIATION: N_("Association"),
    Audience.PROFESSIONAL: N_("Professional"),
    Audience.RESIDENT: N_("Resident"),
    Audience.COOPERATIVE: N_("Entrepreneur of a co-operative"),
    Audience.STAFF: N_("Team"),
    None: N_("Not known"),
}
KINDS = {
    OrganizationKind.COMPANY: N_("Company"),
    OrganizationKind.SOLE_TRADER: N_("Sole trader"),
    OrganizationKind.ASSOCIATION: N_("Association"),
    OrganizationKind.COOPERATIVE: N_("Co-operative"),
    OrganizationKind.SCHOOL: N_("School"),
    OrganizationKind.PUBLIC_BODY: N_("Public body"),
}
# Names stand behind these, or cells too small to tell: the team's alone.
NOT_PUBLIC = frozenset({"structures", "shared", "funded", "sessions", "declarations"})


class Word(NamedTuple):
    """An English msgid, to be translated where it is shown."""

    msgid: str


class Structure(NamedTuple):
    """A structure that has a page of its own."""

    name: str
    slug: str
    place: str


Value = str | Word | Structure | date | bool | MaybeHidden


class Column(NamedTuple):
    title: str  # an English msgid
    unit: Unit | None = None  # none: words, or a day


@dataclass(frozen=True, slots=True)
class Table:
    key: str
    title: str
    columns: tuple[Column, ...]
    rows: Sequence[tuple[Value, ...]]


@dataclass(frozen=True, slots=True)
class Report:
    """All of it, as plain values: each figure now and before, each table by its key."""

    now: dict[str, MaybeHidden]
    before: dict[str, MaybeHidden]
    tables: dict[str, Table]
    unrecorded: frozenset[str] = frozenset()  # figures of which nothing was recorded before


USE = (
    Column(N_("Bookings"), Unit.COUNT),
    Column(N_("Booked"), Unit.HOURS),
    Column(N_("Booked before"), Unit.HOURS),
    Column(N_("Really there"), Unit.HOURS),
    Column(N_("Hours cancelled late"), Unit.HOURS),
    Column(N_("Hours missed"), Unit.HOURS),
)


@dataclass(frozen=True)
class Made:
    """What the tables are made of."""

    ground: Ground
    facts: Facts
    earlier: Facts
    now: Cuts
    before: Cuts
    is_public: bool


def report(ground: Ground, facts: Facts, earlier: Facts, *, is_public: bool) -> Report:
    now, before = (
        figures.cuts(ground, each.lines, is_public=is_public) for each in (facts, earlier)
    )
    made = Made(ground, facts, earlier, now, before, is_public)
    tables = {key: table for key, table in _tables(made) if not (is_public and key in NOT_PUBLIC)}
    nothing = figures.unrecorded(earlier)
    told = _told(ground, earlier, before, is_public)
    return Report(
        _told(ground, facts, now, is_public),
        told | dict.fromkeys(nothing, None),
        tables,
        nothing,
    )


def _told(ground: Ground, facts: Facts, made: Cuts, is_public: bool) -> dict[str, MaybeHidden]:
    found: Mapping[str, Figure] = figures.of(ground, facts)
    if is_public:
        return figures.public(dict(found), ground, facts, made)
    return {key: figure.value for key, figure in found.items()}


def _tables(made: Made) -> Iterable[tuple[str, Table]]:
    for build in (
        _audiences,
        _forms,
        _trades,
        _categories,
        _machines,
        _users,
        _shared,
        _funded,
        _trainings,
        _structures,
        _sessions,
        _declarations,
    ):
        table = build(made)
        yield table.key, table


def _use(now: figures.Cut, before: figures.Cut, key: int | str | None) -> tuple[MaybeHidden, ...]:
    return (
        now.of(key, "bookings"),
        now.hours(key, "booked"),
        before.hours(key, "booked") if before.sums else None,
        now.hours(key, "used"),
        now.hours(key, "late"),
        now.hours(key, "missed"),
    )


def _audiences(made: Made) -> Table:
    now, before = made.now.audiences, made.before.audiences
    rows = [
        (
            Word(word),
            now.people(key),
            before.people(key) if before.sums else None,
            *_use(now, before, key),
        )
        for key, word in AUDIENCES.items()
        if key in now.sums or key in before.sums
    ]
    people = (Column(N_("People"), Unit.COUNT), Column(N_("People before"), Unit.COUNT))
    return Table("audiences", N_("By audience"), (Column(N_("Audience")), *people, *USE), rows)


def _categories(made: Made) -> Table:
    now, before = made.now.categories, made.before.categories
    names = {one.category_id: one.category for one in made.ground.machines.values()}
    rows = [
        (name, *_use(now, before, key))
        for key, name in names.items()
        if key in now.sums or key in before.sums
    ]
    return Table("categories", N_("By category"), (Column(N_("Category")), *USE), rows)


def _machines(made: Made) -> Table:
    now, before = made.now.machines, made.before.machines
    for_some = cut(
        (line for line in made.facts.lines if line.organization_id is not None),
        lambda line: line.machine_id,
    )
    rows: list[tuple[Value, ...]] = []
    for one in made.ground.machines.values():
        if not (one.id in now.sums or one.id in before.sums or made.facts.open.get(one.id)):
            continue
        seconds = 0 if one.is_lent else made.facts.open.get(one.id, 0)
        booked = now.of(one.id, "booked")
        is_hidden = isinstance(booked, Hidden)
        sums = now.sums.get(one.id, rules.NOTHING)
        behind = for_some.get(one.id, rules.NOTHING)["bookings"].people
        is_of_few = made.is_public and not may_tell(figures.told_apart(sums.structures, behind))
        rows.append(
            (
                f"{one.code} {one.name}",
                *_use(now, before, one.id),
                hours(seconds) if seconds else None,
                HIDDEN if isinstance(booked, Hidden) else share(booked, seconds),
                HIDDEN if is_hidden or is_of_few else len(sums.structures),
            )
        )
    more = (
        Column(N_("Open hours"), Unit.HOURS),
        Column(N_("Occupancy"), Unit.PERCENT),
        Column(N_("Structures"), Unit.COUNT),
    )
    return Table("machines", N_("By machine"), (Column(N_("Machine")), *USE, *more), rows)


def _users(made: Made) -> Table:
    """By structure; what people booked for themselves stands last.

    Of one or two people a plain 0 tells something too, beside what is withheld because it is more:
    in public nothing of theirs is told.
    """
    now, before = made.now.structures, made.before.structures
    keys = [key for key in made.ground.structures if key in now.sums or key in before.sums]
    rows: list[tuple[Value, ...]] = [
        (
            made.ground.structures[key].name,
            *([HIDDEN] * len(USE) if made.is_public and _is_of_few(now, key) else use),
        )
        for key, use in ((key, _use(now, before, key)) for key in keys)
    ]
    if None in now.sums or None in before.sums:
        rows.append((Word(N_("For themselves")), *_use(now, before, None)))
    return Table("users", N_("By structure"), (Column(N_("Structure")), *USE), rows)


def _is_of_few(made: figures.Cut, key: int) -> bool:
    sums = made.sums.get(key, rules.NOTHING)
    return len(frozenset().union(*(sums[each].people for each in figures.MEASURES))) < LEAST


def _counted(
    made: Made, title: str, heading: str, key: str, of: Callable[[StructureTold], Value]
) -> Table:
    """How many structures there are of each; in public a structure counts as a person would."""
    hosted, supported = made.ground.hosted(made.facts), made.ground.supported(made.facts)
    earlier = made.ground.hosted(made.earlier)
    columns = [_grouped(some, of, made.is_public) for some in (hosted, supported, earlier)]
    found = Counter(of(one) for one in (*hosted, *supported, *earlier))
    rows = [
        (value, *(column.get(value, 0) for column in columns))
        for value, _ in sorted(found.items(), key=lambda item: (-item[1], str(item[0])))
    ]
    counts = (N_("Structures hosted"), N_("Structures supported"), N_("Hosted before"))
    return Table(
        key, title, (Column(heading), *(Column(each, Unit.COUNT) for each in counts)), rows
    )


def _grouped(
    structures: Iterable[StructureTold], of: Callable[[StructureTold], Value], is_public: bool
) -> dict[Value, MaybeHidden]:
    ids: dict[Value, frozenset[int]] = {}
    for one in structures:
        ids[of(one)] = ids.get(of(one), frozenset()) | {one.id}
    gone = hidden(ids) if is_public else frozenset()
    return {value: HIDDEN if value in gone else len(some) for value, some in ids.items()}


def _forms(made: Made) -> Table:
    def form(one: StructureTold) -> Value:
        return one.legal_form or Word(KINDS[OrganizationKind(one.kind)])

    return _counted(made, N_("Structures by legal form"), N_("Legal form"), "forms", form)


def _trades(made: Made) -> Table:
    def trade(one: StructureTold) -> Value:
        return one.trade or Word(N_("Not said"))

    return _counted(made, N_("Structures by trade"), N_("Trade"), "trades", trade)


def _shared(made: Made) -> Table:
    """Each machine that a structure owns: by whom it was used."""
    by_machine = cut(on_shared(made.facts.lines, made.ground), lambda line: line.machine_id)
    opened = cut(
        (
            line
            for line in on_shared(made.facts.lines, made.ground)
            if not is_owners(line, made.ground)
        ),
        lambda line: line.machine_id,
    )
    rows: list[tuple[Value, ...]] = []
    for one in made.ground.machines.values():
        if one.owner_id is None:
            continue
        whole = by_machine.get(one.id, rules.NOTHING)
        others = opened.get(one.id, rules.NOTHING)
        by_others, by_all = others["booked"].value, whole["booked"].value
        owner = made.ground.structures.get(one.owner_id)
        rows.append(
            (
                f"{one.code} {one.name}",
                owner.name if owner else "",
                hours(by_all - by_others),
                hours(by_others),
                share(by_others, by_all),
                len(whole.structures),
            )
        )
    columns = (
        Column(N_("Machine")),
        Column(N_("Owner")),
        Column(N_("By the owner"), Unit.HOURS),
        Column(N_("By others"), Unit.HOURS),
        Column(N_("Share of others"), Unit.PERCENT),
        Column(N_("Structures"), Unit.COUNT),
    )
    return Table("shared", N_("Residents' machines"), columns, rows)


def _funded(made: Made) -> Table:
    lines = on_funded(made.facts.lines, made.ground)
    whole = cut(lines, lambda line: line.machine_id)
    work = cut((line for line in lines if is_professional(line)), lambda line: line.machine_id)
    rows: list[tuple[Value, ...]] = []
    for one in made.ground.machines.values():
        if not one.funder:
            continue
        by_all = whole.get(one.id, rules.NOTHING)["booked"].value
        by_work = work.get(one.id, rules.NOTHING)["booked"].value
        rows.append(
            (
                f"{one.code} {one.name}",
                one.funder,
                hours(by_work),
                hours(by_all - by_work),
                share(by_work, by_all),
            )
        )
    columns = (
        Column(N_("Machine")),
        Column(N_("Funder")),
        Column(N_("By professionals"), Unit.HOURS),
        Column(N_("By others"), Unit.HOURS),
        Column(N_("Share of professionals"), Unit.PERCENT),
    )
    return Table("funded", N_("Subsidised machines"), columns, rows)


def _trainings(made: Made) -> Table:
    facts = made.facts
    held: dict[str, list[SessionTold]] = {}
    for one in facts.sessions:
        held.setdefault(one.training, []).append(one)
    came = {name: frozenset[int]().union(*(o.people for o in some)) for name, some in held.items()}
    gone = hidden(came) if made.is_public else frozenset()
    counts = [_by_name(some, made.is_public) for some in (facts.given, facts.renewed, facts.lapsed)]
    names = sorted({*held, *(name for each in counts for name in each)}, key=alphabetical)
    rows: list[tuple[Value, ...]] = []
    for name in names:
        sessions = held.get(name, [])
        length = sum(one.seconds * len(one.people) for one in sessions)
        people: MaybeHidden = HIDDEN if name in gone else len(came.get(name, ()))
        rows.append(
            (
                name,
                len(sessions),
                people,
                HIDDEN if name in gone else hours(length),
                *(each.get(name, 0) for each in counts),
            )
        )
    columns = (
        Column(N_("Training or machine")),
        Column(N_("Sessions"), Unit.COUNT),
        Column(N_("People"), Unit.COUNT),
        Column(N_("Trainee hours"), Unit.HOURS),
        Column(N_("Given"), Unit.COUNT),
        Column(N_("Renewed"), Unit.COUNT),
        Column(N_("Lapsed"), Unit.COUNT),
    )
    return Table("trainings", N_("By training"), columns, rows)


def _by_name(rows: Iterable[GivenTold], is_public: bool) -> dict[str, MaybeHidden]:
    told = list(rows)
    people: dict[str, frozenset[int]] = {}
    for row in told:
        people[row.what] = people.get(row.what, frozenset()) | {row.member_id}
    gone = hidden(people) if is_public else frozenset()
    counts = Counter(row.what for row in told)
    return {name: HIDDEN if name in gone else counts[name] for name in counts}


def _structures(made: Made) -> Table:
    hosted = {one.id for one in made.ground.hosted(made.facts)}
    shown = [*made.ground.hosted(made.facts), *made.ground.supported(made.facts)]
    rows: list[tuple[Value, ...]] = [
        (
            one.name,
            Word(KINDS[OrganizationKind(one.kind)]),
            one.trade,
            one.legal_form,
            Word(N_("Hosted") if one.id in hosted else N_("Supported")),
            one.hosted_since,
            made.now.structures.hours(one.id, "booked"),
        )
        for one in shown
    ]
    columns = (
        Column(N_("Structure")),
        Column(N_("Kind")),
        Column(N_("Trade")),
        Column(N_("Legal form")),
        Column(N_("Hosted or supported")),
        Column(N_("Hosted since")),
        Column(N_("Booked"), Unit.HOURS),
    )
    return Table("structures", N_("Structures"), columns, rows)


def _sessions(made: Made) -> Table:
    rows: list[tuple[Value, ...]] = [
        (
            one.day,
            one.training,
            len(one.people),
            hours(one.seconds),
            hours(one.seconds * len(one.people)),
        )
        for one in made.facts.sessions
    ]
    columns = (
        Column(N_("Day")),
        Column(N_("Training")),
        Column(N_("People"), Unit.COUNT),
        Column(N_("Length"), Unit.HOURS),
        Column(N_("Trainee hours"), Unit.HOURS),
    )
    return Table("sessions", N_("Sessions held"), columns, rows)


def _declarations(made: Made) -> Table:
    """Who declared, never what: sums alone are told. First who did not: they are to be asked."""
    declared = {row.organization_id: row for row in made.facts.declared}

    def is_said(value: Decimal | None) -> Value:
        return Word(N_("Declared") if value is not None else N_("Not declared"))

    def is_complete(one: StructureTold) -> bool:
        row = declared.get(one.id)
        return row is not None and row.jobs is not None and row.turnover is not None

    rows: list[tuple[Value, ...]] = [
        (
            Structure(one.name, one.slug, one.place),
            is_said(declared[one.id].jobs if one.id in declared else None),
            is_said(declared[one.id].turnover if one.id in declared else None),
        )
        for one in sorted(made.ground.hosted(made.facts), key=is_complete)
    ]
    columns = (Column(N_("Structure")), Column(N_("Jobs")), Column(N_("Turnover")))
    return Table("declarations", N_("What the structures declared"), columns, rows)
