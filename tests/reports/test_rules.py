"""Sums, shares and counts of people, from rows."""

from datetime import date
from decimal import Decimal

import pytest

from fablab.members.kinds import Audience
from fablab.reports import figures, rules
from fablab.reports.figures import HIDDEN
from fablab.reports.rules import (
    Declared,
    Facts,
    GivenTold,
    Ground,
    Line,
    MachineTold,
    SessionTold,
    StructureTold,
)
from fablab.reports.tables import NOT_PUBLIC, report

HOUR = 3600
FIRST, LAST = date(2027, 1, 1), date(2027, 12, 31)
LASER, SAW, DRONE = 1, 2, 3
FORGE, STUDIO, GUEST = 10, 11, 12
GROUND = Ground(
    {
        LASER: MachineTold(LASER, "L1", "Laser", 1, 1, "Lasers", funder="The State"),
        SAW: MachineTold(SAW, "S1", "Saw", 1, 2, "Wood", owner_id=FORGE),
        DRONE: MachineTold(DRONE, "D1", "Scanner", 1, 3, "Lent", is_lent=True),
    },
    {
        FORGE: StructureTold(FORGE, "Forge", "company", "Smith", "EI", date(2020, 1, 1)),
        STUDIO: StructureTold(STUDIO, "Studio", "company", "Design", "SAS", LAST),
        GUEST: StructureTold(GUEST, "Guest", "association", "", "", None),
    },
)


def line(machine: int, member: int, hours: int = 1, **more) -> Line:
    told = Line(machine, Audience.RESIDENT, None, member, bookings=1, booked=hours * HOUR)
    return told._replace(**more)


def facts(*lines: Line, **more) -> Facts:
    return Facts(FIRST, LAST, lines=lines, **more)


def value(key: str, *lines: Line, **more):
    return figures.of(GROUND, facts(*lines, **more))[key].value


def test_people_count_once_over_all_machines():
    assert value("users", line(LASER, 1), line(SAW, 1), line(SAW, 2)) == 2


def test_who_only_cancelled_late_or_did_not_come_is_no_user():
    late = Line(LASER, Audience.RESIDENT, None, 1, late=HOUR)
    missed = Line(LASER, Audience.RESIDENT, None, 2, missed=2 * HOUR)

    assert value("users", late, missed) == 0
    assert value("late", late, missed) == 1
    assert value("missed", late, missed) == 2
    assert value("booked", late, missed) == 0


@pytest.mark.parametrize(
    ("first", "last", "is_hosted"),
    [
        (date(2020, 1, 1), None, True),
        (LAST, None, True),
        (date(2028, 1, 1), None, False),
        (date(2020, 1, 1), FIRST, True),
        (date(2020, 1, 1), date(2026, 12, 31), False),
        (None, None, False),
    ],
)
def test_a_structure_is_hosted_on_one_day_of_the_period_at_least(first, last, is_hosted):
    one = StructureTold(1, "One", "company", hosted_since=first, hosted_until=last)

    assert one.is_hosted(FIRST, LAST) is is_hosted


def test_supported_are_those_whose_people_came_without_being_hosted():
    used = line(LASER, 1, organization_id=GUEST)

    assert value("supported", used) == 1
    assert value("supported", used._replace(organization_id=FORGE)) == 0
    assert value("supported", used._replace(bookings=0, booked=0, late=HOUR)) == 0


def test_occupancy_is_over_open_hours_without_what_is_lent_by_the_day():
    opened = {LASER: 40 * HOUR, SAW: 40 * HOUR, DRONE: 40 * HOUR}

    assert value("occupancy", line(LASER, 1, 20), line(DRONE, 1, 40), open=opened) == 25
    assert value("occupancy", line(LASER, 1, 200), open=opened) == 100
    assert value("occupancy", line(LASER, 1, 20)) is None


def test_hours_of_others_on_a_residents_machine():
    own = line(SAW, 1, 3, organization_id=FORGE)
    others = line(SAW, 2, 1, organization_id=STUDIO)
    themselves = line(SAW, 3, 2)
    ours = line(LASER, 4, 8)

    assert value("opened", own, others, themselves, ours) == 3
    assert value("opened_share", own, others, themselves, ours) == 50
    assert value("opened_share", ours) is None


def test_professional_hours_count_on_funded_machines_alone():
    work = [line(LASER, n, 1, audience=audience) for n, audience in enumerate(Audience, start=1)]

    assert value("funded", *work, line(SAW, 9, 5)) == 3


def test_how_many_structures_share_a_machine():
    shared = [line(LASER, n, organization_id=n) for n in (FORGE, STUDIO, GUEST)]
    alone = line(SAW, 1, organization_id=FORGE)
    nobody = line(DRONE, 1)

    assert value("several", *shared, alone, nobody) == 1
    assert value("several", *shared[:2], alone) == 0
    assert value("each", *shared, alone, nobody) == 2
    assert value("each", nobody) is None


def test_trainee_hours_are_the_length_times_who_came():
    held = [
        SessionTold("Laser", FIRST, 2 * HOUR, frozenset({1, 2})),
        SessionTold("Laser", LAST, HOUR, frozenset({2})),
        SessionTold("Saw", LAST, HOUR, frozenset()),
    ]

    assert value("sessions", sessions=held) == 3
    assert value("trainees", sessions=held) == 2
    assert value("trainee_hours", sessions=held) == 5


@pytest.mark.parametrize(("count", "jobs"), [(2, None), (3, Decimal("4.5"))])
def test_jobs_are_told_of_three_structures_at_least_and_of_those_hosted(count, jobs):
    structures = {
        n: StructureTold(n, str(n), "company", hosted_since=FIRST) for n in range(1, count + 1)
    } | {9: StructureTold(9, "Gone", "company")}
    declared = [Declared(n, Decimal("1.5"), None) for n in structures]
    ground = Ground({}, structures)

    found = figures.of(ground, Facts(FIRST, LAST, declared=declared))

    assert found["jobs"].value == jobs
    assert found["turnover"].value is None


def test_half_an_hour_of_an_hour_rounds_up_once_at_the_end():
    assert rules.hours(180) == Decimal("0.1")
    assert rules.hours(179) == Decimal("0.0")
    assert rules.share(1, 3) == Decimal("33.3")


def test_in_public_a_figure_of_two_people_is_withheld():
    two, three = ([line(LASER, n) for n in range(count)] for count in (2, 3))

    assert told(*two)["booked"] is HIDDEN
    assert told(*two)["users"] is HIDDEN
    assert told(*three)["booked"] == 3
    assert told(*three)["late"] == 0


def test_in_public_hours_of_others_give_away_no_owner():
    """Of the saw's hours, told by machine, the others' would leave those of its one owner."""
    own = line(SAW, 1, 3, organization_id=FORGE)
    others = [line(SAW, n, 1) for n in (2, 3, 4)]
    many = [line(SAW, n, 1, organization_id=FORGE) for n in (5, 6)]

    assert told(own, *others)["opened"] is HIDDEN
    assert told(own, *many, *others)["opened"] == 3


def test_in_public_a_part_of_a_hidden_machine_is_hidden():
    """The saw is hidden for the scanner's sake; its hours must not be had from two shares."""
    sides = [line(SAW, n, 1, organization_id=FORGE if n < 4 else None) for n in range(1, 7)]
    small = line(DRONE, 1)

    made = report(GROUND, facts(*sides, small), facts(), is_public=True)

    assert made.now["opened"] is HIDDEN


def test_in_public_there_are_no_lists_of_the_few():
    made = report(GROUND, facts(line(LASER, 1)), facts(), is_public=True)

    assert not NOT_PUBLIC & set(made.tables)
    row = next(row for row in made.tables["machines"].rows if row[0] == "L1 Laser")
    assert HIDDEN in row
    assert row[1:5] == (HIDDEN, HIDDEN, None, 0)


@pytest.mark.parametrize(
    ("behalf", "told_structures"),
    [
        ((FORGE, FORGE, FORGE), HIDDEN),  # one structure, which may be one person
        ((FORGE, STUDIO, None), HIDDEN),
        ((FORGE, STUDIO, GUEST), 3),
        ((None, None, None), 0),
    ],
)
def test_in_public_fewer_than_three_structures_are_not_counted(behalf, told_structures):
    lines = [line(LASER, n, organization_id=whose) for n, whose in enumerate(behalf)]

    made = report(GROUND, facts(*lines), facts(), is_public=True)

    row = next(row for row in made.tables["machines"].rows if row[0] == "L1 Laser")
    assert row[-1] == told_structures
    assert row[1] == 3  # its bookings are of three people
    each = {HIDDEN: HIDDEN, 3: Decimal(3), 0: None}[told_structures]
    assert made.now["each"] == each


def test_in_public_a_structure_of_one_person_does_not_tell_what_they_did_not_do():
    """That nothing was missed or cancelled late would be of one person, by name."""
    many = [line(LASER, n, organization_id=STUDIO) for n in (2, 3, 4)]

    made = report(
        GROUND, facts(line(LASER, 1, organization_id=FORGE), *many), facts(), is_public=True
    )
    team = report(
        GROUND, facts(line(LASER, 1, organization_id=FORGE), *many), facts(), is_public=False
    )

    forge, studio = GROUND.structures[FORGE].name, GROUND.structures[STUDIO].name
    told = {row[0]: row[1:] for row in made.tables["users"].rows}
    assert set(told[forge]) == {HIDDEN}
    assert told[studio][-2:] == (0, 0)
    assert HIDDEN not in {row[0]: row for row in team.tables["users"].rows}[forge]


def test_in_public_one_person_behind_three_structures_is_one_person():
    mine = [line(LASER, 1, organization_id=whose) for whose in (FORGE, STUDIO, GUEST)]
    lines = [*mine, line(LASER, 2), line(LASER, 3)]

    made = report(GROUND, facts(*lines), facts(), is_public=True)

    assert next(row for row in made.tables["machines"].rows if row[0] == "L1 Laser")[-1] is HIDDEN
    assert made.now["each"] is HIDDEN


def test_where_nothing_was_recorded_before_there_is_no_zero():
    lines = (line(LASER, 1),)

    made = report(GROUND, facts(*lines), facts(given=[GivenTold("Saw", 1)]), is_public=False)
    again = report(GROUND, facts(*lines), facts(*lines), is_public=False)

    assert {"booked", "users", "occupancy", "sessions"} <= made.unrecorded
    assert made.before["booked"] is made.before["users"] is None
    assert (made.before["given"], made.before["renewed"]) == (1, 0)
    assert made.before["hosted"] == 2  # of days, not of what was recorded
    assert [row[3] for row in made.tables["machines"].rows] == [None]
    assert not again.unrecorded & {"booked", "users"}
    assert again.before["booked"] == 1


def test_what_is_ahead_is_in_no_other_figure():
    ahead = [line(LASER, 2, 3)]

    assert value("ahead", line(LASER, 1), ahead=ahead) == 3
    assert value("booked", line(LASER, 1), ahead=ahead) == 1
    assert value("users", line(LASER, 1), ahead=ahead) == 1


def test_in_public_qualifications_of_one_person_are_hidden():
    given = [GivenTold("Laser", 1), *(GivenTold("Saw", n) for n in (2, 3, 4))]

    made = report(GROUND, facts(given=given), facts(), is_public=True)

    assert [row[4] for row in made.tables["trainings"].rows] == [HIDDEN, HIDDEN]
    assert made.now["given"] == 4


def told(*lines: Line):
    return report(GROUND, facts(*lines), facts(), is_public=True).now
