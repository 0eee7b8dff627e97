"""What a place had elsewhere, from CSV files: read, compared, written whole or not."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from fablab import ROOT, clock, imports
from fablab.db import db, writing, writing_if_free
from fablab.imports import columns
from fablab.imports.plan import AT_ONCE
from fablab.imports.sheet import MAX_BYTES, MAX_LINES
from fablab.machines.inventory import of_place
from fablab.machines.kinds import MachineState, RiskClass
from fablab.machines.models import Category, Machine, Pool
from fablab.members.audit import AuditEntry
from fablab.members.kinds import Audience
from fablab.members.models import Member, Membership
from fablab.organizations.models import OrganizationMember
from fablab.places.models import Place
from fablab.trainings.models import Qualification, Training
from tests.support import slot

EXAMPLES = ROOT / "docs" / "examples"
MACHINES = "code,name,category\n"
MEMBERS = "email,first_name,last_name\n"
QUALIFICATIONS = "email,given_on,training,machine,level\n"


def problems(kind: str, text: str | bytes) -> list[tuple[int, str]]:
    """What is wrong with the file, in the words people read."""
    found = compared(kind, text).problems
    return [(one.line, one.sentence % one.values) for one in found]


def compared(kind: str, text: str | bytes) -> imports.Plan:
    data = text.encode() if isinstance(text, str) else text
    place_id = of_place().place.id
    lines = imports.read(imports.KINDS[kind], data)
    return imports.compare(imports.KINDS[kind], lines, place_id, now=clock.now())


def bring_in(kind: str, text: str | bytes) -> tuple[int, int, int]:
    """How many were new, changed and as they were."""
    data = text.encode() if isinstance(text, str) else text
    lines = imports.read(imports.KINDS[kind], data)
    place_id = of_place().place.id
    plan = imports.apply(imports.KINDS[kind], lines, place_id, now=clock.now())
    return len(plan.new), len(plan.changed), len(plan.same)


def machine(code: str) -> Machine:
    return db.session.scalars(select(Machine).filter_by(code=code)).one()


def member(email: str) -> Member:
    return db.session.scalars(select(Member).filter_by(email=email)).one()


def count(model: type) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


# -- machines


def test_a_machine_has_all_that_its_line_says(any_fablab):
    text = (
        "code;name;category;model;location;specs;materials_allowed;materials_forbidden;"
        "risk_class;notes;asset_number;funder;owner;pool;state;state_reason;back_on\n"
        'M-7;Résine;Laser;Form 3+;Étage;Zone: 145 mm | UV: oui;a|b ;PVC;c;"Gants.\nLunettes.";'
        "INV-1;Région;studio fil;Résines;out_of_service;Lampe usée;2027-05-01\n"
    )

    assert bring_in("machines", text) == (1, 0, 0)

    made = machine("M-7")
    assert made.slug == "m-7"
    assert (made.name, made.model, made.location) == ("Résine", "Form 3+", "Étage")
    assert made.category.slug == "laser"
    assert made.specs == {"Zone": "145 mm", "UV": "oui"}
    assert (made.materials_allowed, made.materials_forbidden) == (["a", "b"], ["PVC"])
    assert made.risk_class is RiskClass.C
    assert made.notes == "Gants.\nLunettes."
    assert (made.asset_number, made.funder) == ("INV-1", "Région")
    assert made.owner_id == any_fablab.organization_id
    assert made.pool.name == "Résines"
    assert (made.state, made.state_reason) == (MachineState.OUT_OF_SERVICE, "Lampe usée")
    assert made.back_on == date(2027, 5, 1)


def test_an_imported_machine_is_booked_at_once_under_the_rules_of_the_place(any_fablab):
    bring_in("machines", MACHINES + "S1,Saw,Wood\n")

    uid = any_fablab.book("s1", slot("2027-03-30 10:00-12:00"), "chloe")

    assert uid
    assert any_fablab.machine("s1").policy_for(None).horizon_days == 21


def test_a_machine_is_booked_at_once_where_no_rule_was_ever_set(any_app):
    with writing() as session:
        session.add(Place(slug="new", name="New", created_at=clock.now()))
    bring_in("machines", MACHINES + "S1,Saw,Wood\n")

    policy = of_place().by_slug["s1"].policy_for(None)

    assert policy.is_open
    assert policy.maximum == timedelta(hours=4)


def test_a_category_that_does_not_exist_is_made_once_and_told_before(any_fablab):
    text = MACHINES + "S1,Saw,Atelier bois\nS2,Plane,atelier BOIS\nL9,Laser,LASER\n"

    assert compared("machines", text).categories == {"atelier-bois": "Atelier bois"}
    bring_in("machines", text)

    assert machine("S1").category_id == machine("S2").category_id
    assert machine("S1").category.name == "Atelier bois"
    assert machine("S1").category.hue != "red"  # the laser's
    assert machine("L9").category_id == machine("L1").category_id
    assert count(Category) == 3


def test_machines_of_one_pool_stand_in_for_one_another(any_fablab):
    bring_in("machines", "code,name,category,pool\nP1,Left,3D,Printers\nP2,Right,3D,printers\n")

    inventory = of_place()

    assert count(Pool) == 1
    assert inventory.equivalents(inventory.by_slug["p1"]) == [inventory.by_slug["p2"]]


def test_a_known_code_changes_the_machine_and_only_what_the_line_says(any_fablab):
    bring_in("machines", "code,name,category,location,notes\nl1,Laser,Laser,,Stay beside it.\n")

    laser = machine("l1")
    assert laser.slug == "laser"  # an address never changes
    assert (laser.name, laser.notes) == ("Laser", "Stay beside it.")
    assert laser.location == "Room 2"
    assert count(Machine) == 2


def test_a_change_moves_the_revision_and_the_same_line_does_not(any_fablab):
    text = "code,name,category,state,state_reason\nL1,Laser,Laser,locked_out,Belt\n"
    revisions = [(fresh(Machine.revision, Machine.code == "L1"), of_place().place.revision)]

    for _ in range(2):
        bring_in("machines", text)
        revisions.append((fresh(Machine.revision, Machine.code == "L1"), of_place().place.revision))

    before, after, again = revisions
    assert after[0] > before[0]
    assert after[1] > before[1]
    assert again == after
    noted = db.session.scalars(select(AuditEntry)).all()
    assert [(one.what, one.after["state"], one.made_by_id) for one in noted] == [
        ("state", "locked_out", None)
    ]


def fresh(column: Any, *where: Any) -> Any:
    return db.session.execute(select(column).where(*where)).scalar_one()


def test_a_machine_back_in_service_has_no_reason_any_more(any_fablab):
    bring_in("machines", "code,name,category,state,state_reason\nL1,L,Laser,locked_out,Belt\n")

    bring_in("machines", "code,name,category,state\nL1,L,Laser,in_service\n")

    assert machine("L1").state is MachineState.IN_SERVICE
    assert machine("L1").state_reason == ""


def test_a_code_of_another_place_gets_an_address_of_its_own(any_fablab):
    with writing() as session:
        session.add(Place(slug="forge", name="La Forge", position=9, created_at=clock.now()))
    forge = of_place(slug="forge").place.id
    lines = imports.read(imports.KINDS["machines"], (MACHINES + "laser,Ours,Laser\n").encode())

    imports.apply(imports.KINDS["machines"], lines, forge, now=clock.now())

    assert machine("laser").slug == "forge-laser"
    assert machine("laser").place_id == forge
    assert machine("L1").name == "Laser cutter"


# -- members


def test_a_member_has_all_that_their_line_says(any_fablab):
    text = (
        "email,first_name,last_name,phone,language,audience,membership_until,minor,"
        "guardian_agreed_on,organization,manager,activity\n"
        "Zoe.Ourdis@Fil.Example,Zoé,Ourdis,+33 5 00 00 00 00,en,reduced,2027-12-31,yes,"
        "2027-01-15,Studio Fil,yes,Lamps\n"
    )

    assert bring_in("members", text) == (1, 0, 0)

    zoe = member("zoe.ourdis@fil.example")
    assert zoe.display_name == "Zoé Ourdis"
    assert (zoe.phone, zoe.language) == ("+33 5 00 00 00 00", "en")
    assert (zoe.is_minor, zoe.guardian_agreed_on) == (True, date(2027, 1, 15))
    assert zoe.password_hash is None
    assert zoe.confirmed_at == clock.now()
    membership = db.session.scalars(select(Membership).filter_by(member_id=zoe.id)).one()
    assert membership.audience is Audience.REDUCED
    assert membership.expires_on == date(2027, 12, 31)
    link = db.session.scalars(select(OrganizationMember).filter_by(member_id=zoe.id)).one()
    assert (link.is_manager, link.activity, link.since) == (True, "Lamps", date(2027, 3, 29))


def test_an_imported_member_books(any_fablab):
    bring_in("members", MEMBERS + "zoe@fil.example,Zoé,Ourdis\n")
    any_fablab.people["zoe"] = member("zoe@fil.example").id

    assert any_fablab.book("bench", slot("2027-03-30 10:00-12:00"), "zoe")


def test_a_known_address_changes_the_member_and_keeps_their_password(any_fablab):
    place = of_place().place.id
    people = fresh(Place.people_revision, Place.id == place)
    with writing() as session:
        session.get(Member, any_fablab.people["bruno"]).password_hash = "kept"
    text = "email,first_name,last_name,audience,organization,manager\n"
    text += "BRUNO@atelier.example,Bruno,Lefil-Martin,professional,Studio Fil,yes\n"

    assert bring_in("members", text) == (0, 1, 0)

    bruno = member("bruno@atelier.example")
    assert (bruno.last_name, bruno.password_hash) == ("Lefil-Martin", "kept")
    assert bruno.memberships[0].audience is Audience.PROFESSIONAL
    assert db.session.scalars(select(OrganizationMember.is_manager)).all() == [True]
    assert fresh(Place.people_revision, Place.id == place) > people
    assert bring_in("members", text) == (0, 0, 1)


def test_somebody_known_elsewhere_becomes_a_member_here(any_fablab):
    with writing() as session:
        session.add(Place(slug="forge", name="La Forge", position=9, created_at=clock.now()))
    forge = of_place(slug="forge").place.id
    text = (MEMBERS + "bruno@atelier.example,Bruno,Lefil\n").encode()
    lines = imports.read(imports.KINDS["members"], text)

    for what in ("changed", "same"):
        plan = imports.apply(imports.KINDS["members"], lines, forge, now=clock.now())
        assert len(getattr(plan, what)) == 1

    places = select(Membership.place_id).filter_by(member_id=any_fablab.people["bruno"])
    assert forge in db.session.scalars(places).all()


def test_what_the_session_had_read_before_does_not_hide_what_changed_since(any_fablab):
    kept = member("bruno@atelier.example")
    db.session.commit()
    with writing_if_free() as connection:
        connection.execute(update(Member).values(first_name="Other"))

    assert bring_in("members", MEMBERS + "bruno@atelier.example,Bruno,Lefil\n") == (0, 1, 0)
    assert kept.first_name == "Bruno"


def test_who_left_an_organization_comes_back(any_fablab):
    with writing() as session:
        session.scalars(select(OrganizationMember)).one().until = date(2027, 1, 31)
    text = "email,first_name,last_name,organization\nbruno@atelier.example,Bruno,Lefil,studio fil\n"

    assert bring_in("members", text) == (0, 1, 0)
    assert bring_in("members", text) == (0, 0, 1)

    asked = select(OrganizationMember).execution_options(populate_existing=True)
    [link] = db.session.scalars(asked)
    assert (link.until, link.since) == (None, date(2027, 3, 29))


# -- qualifications


def test_a_training_lasts_as_long_as_it_says_and_a_machine_as_long_as_the_line_says(any_fablab):
    with writing() as session:
        session.scalars(select(Training)).one().validity_months = 24
    text = (
        "email,training,machine,level,given_on,expires_on,given_by\n"
        "chloe@atelier.example,las,,,2027-03-01,,amina@atelier.example\n"
        "chloe@atelier.example,,b1,3,2027-03-02,2028-03-02,\n"
        "chloe@atelier.example,LAS,L1,2,2027-03-03,,\n"
    )

    assert bring_in("qualifications", text) == (3, 0, 0)

    held = db.session.scalars(
        select(Qualification)
        .filter_by(member_id=any_fablab.people["chloe"])
        .order_by(Qualification.given_on)
    ).all()
    assert [(one.training_id is not None, one.level, one.expires_on) for one in held] == [
        (True, None, date(2029, 3, 1)),
        (False, 3, date(2028, 3, 2)),
        (True, 2, date(2029, 3, 3)),
    ]
    assert held[0].given_by_id == any_fablab.people["amina"]
    assert bring_in("qualifications", text) == (0, 0, 3)


def test_an_imported_qualification_opens_the_machine(any_fablab):
    bring_in("qualifications", QUALIFICATIONS + "chloe@atelier.example,2027-03-01,LAS,,\n")

    assert any_fablab.book("laser", slot("2027-03-30 10:00-12:00"), "chloe")


def test_the_same_day_again_with_another_level_changes_it(any_fablab):
    line = "chloe@atelier.example,2027-03-01,,L1,{}\n"
    bring_in("qualifications", QUALIFICATIONS + line.format(1))

    assert bring_in("qualifications", QUALIFICATIONS + line.format(2)) == (0, 1, 0)

    noted = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [one.after["level"] for one in noted] == [1, 2]
    assert noted[1].before["level"] == 1
    assert noted[1].after["of"] == "L1 Laser cutter"


# -- what is wrong is told, all of it, and then nothing is written


def test_every_bad_line_is_told_at_once_and_nothing_is_written(any_fablab):
    text = (
        "code,name,category,risk_class,owner,specs,state,state_reason,back_on\n"
        "N1,Good,Wood,,,,,,\n"
        "N2,,Wood,E,,,,,\n"
        "N3,Name,Wood,,Nobody & Co,,,,\n"
        "n1,Again,Wood,,,,,,\n"
        "N4,Name,Wood,,,80 W,,,\n"
        "N5,Name,Wood,,,,,Belt,\n"
        "N6,Name,Wood,,,,locked_out,,32/12/2027\n"
        "N-7,Name,Wood,,,,,,\n"
        "N 7,Name,Wood,,,,,,\n"
        "...,Name,Wood,,,,,,\n"
        "N8,Name\n"
    )

    assert problems("machines", text) == [
        (3, "“name” is empty."),
        (3, "“risk_class” is one of A, B, C, D, not “E”."),
        (4, "There is no organization “Nobody & Co”: make it first."),
        (5, "The code “n1” was on line 2 already."),
        (6, "“specs”: write it as “Power: 80 W | Area: 1000 × 610 mm”, not “80 W”."),
        (7, "A machine in service has neither “state_reason” nor “back_on”."),
        (8, "Say in “state_reason” why it is stopped: members read it."),
        (8, "“back_on”: there is no day “32/12/2027”. Write it as 2027-03-31."),
        (10, "The code “N 7” is too much like that of another machine."),
        (11, "“code” has no letter or digit that an address can be made of."),
        (12, "This line has 2 cells where the first line has 9."),
    ]
    with pytest.raises(imports.ImportRefused) as refused:
        bring_in("machines", text)
    assert len(refused.value.problems) == 11
    assert count(Machine) == 2
    assert count(Category) == 2


def test_every_bad_member_is_told(any_fablab):
    with writing() as session:
        session.get(Member, any_fablab.people["chloe"]).erased_at = clock.now()
    text = (
        "email,first_name,last_name,phone,language,audience,minor,guardian_agreed_on,"
        "organization,manager\n"
        "no address,A,B,,,,,,,\n"
        "a@b.example,A,B,call me,de,friends,perhaps,,,\n"
        "a@b.example,A,B,,,,,2027-01-01,,yes\n"
        "bruno@atelier.example,A,B,,,,,,,\n"
        "Bruno@Atelier.example,A,B,,,,,,,\n"
        "chloe@atelier.example,A,B,,,,,,Nobody,\n"
    )

    found = problems("members", text)

    assert [line for line, _ in found] == [2, 3, 3, 3, 3, 4, 4, 4, 6, 7, 7]
    told = [sentence for _, sentence in found]
    assert told[0] == "“email”: “no address” is no mail address."
    assert told[2] == "“language” is one of fr, en, not “de”."
    assert told[5] == "The address a@b.example was on line 3 already."
    assert "minors" in told[6]
    assert told[8] == "The address bruno@atelier.example was on line 5 already."
    assert "erased" in told[9]
    with pytest.raises(imports.ImportRefused):
        bring_in("members", text)
    assert member("bruno@atelier.example").first_name == "Bruno"


def test_every_bad_qualification_is_told(any_fablab):
    text = (
        "email,given_on,training,machine,level,expires_on,given_by\n"
        "nobody@atelier.example,2027-01-01,LAS,,,,\n"
        "chloe@atelier.example,2027-01-01,XXX,,,,\n"
        "chloe@atelier.example,2027-01-01,,Z9,2,,\n"
        "chloe@atelier.example,2027-01-01,,,,,\n"
        "chloe@atelier.example,2027-01-05,LAS,,2,,\n"
        "chloe@atelier.example,2027-01-01,,L1,,,\n"
        "chloe@atelier.example,2027-01-02,LAS,,,2026-12-31,\n"
        "chloe@atelier.example,2027-01-03,LAS,,,,chloe@atelier.example\n"
        "chloe@atelier.example,2027-01-04,LAS,,,,who@atelier.example\n"
        "chloe@atelier.example,2027-01-01,LAS,,,,\n"
        "chloe@atelier.example,2027-01-01,las,,,,\n"
        "chloe@atelier.example,9999-01-01,LAS,L1,5,,\n"
    )

    found = problems("qualifications", text)

    assert [line for line, _ in found] == [2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 13]
    assert found[0][1] == "nobody@atelier.example is no member of this place."
    assert found[9][1] == "The same qualification was on line 11 already."
    assert found[10][1] == "“given_on”: 9999-01-01 is no day of this century."
    before = count(Qualification)
    with pytest.raises(imports.ImportRefused):
        bring_in("qualifications", text)
    assert count(Qualification) == before


def test_somebody_of_another_place_is_not_qualified_here(any_fablab):
    with writing() as session:
        held = select(Membership).filter_by(member_id=any_fablab.people["chloe"])
        session.delete(session.scalars(held).one())

    found = problems("qualifications", QUALIFICATIONS + "chloe@atelier.example,2027-01-01,LAS,,\n")

    assert found == [(2, "chloe@atelier.example is no member of this place.")]


def test_what_was_right_at_first_is_looked_at_again_when_it_is_written(any_fablab):
    text = (QUALIFICATIONS + "chloe@atelier.example,2027-01-01,LAS,,\n").encode()
    lines = imports.read(imports.KINDS["qualifications"], text)
    with writing() as session:
        session.get(Member, any_fablab.people["chloe"]).erased_at = clock.now()

    with pytest.raises(imports.ImportRefused):
        imports.apply(imports.KINDS["qualifications"], lines, any_fablab.place_id, now=clock.now())


# -- files of all sorts


@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("delimiter", [",", ";"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_files_of_any_spreadsheet_are_read(fablab, bom, delimiter, end):
    lines = ["code,name,category", 'S1,"Saw, ""the big; one""",Wood', "", ",,", "S2,Plane,Wood,"]
    text = bom + end.join(line.replace(",", delimiter) for line in lines) + end

    assert bring_in("machines", text) == (2, 0, 0)
    assert machine("S1").name == f'Saw{delimiter} "the big; one"'


@pytest.mark.parametrize(
    ("data", "line", "told"),
    [
        (b"", 0, "The file is empty."),
        (b"\n \n,,\n", 0, "The file is empty."),
        (b"\xef\xbb\xbf", 0, "The file is empty."),
        (b"code,name,category\nS1,Sci\xe9\x81,Bois\n", 2, "UTF-8"),
        (b"code,name,category\nS1,Sci\xe9\0,Bois\n", 2, "UTF-8"),
        ("code,name,category\n".encode("utf-16"), 1, "UTF-8"),
        (b"PK\x03\x04\xff\xfe", 0, "UTF-8"),
        (b"code,name\nS1,Saw\n", 1, "The column “category” is missing."),
        (b"code,name,category,colour\n", 1, "There is no column “colour”."),
        (b"code,name,category,Code\n", 1, "The column “code” is there twice."),
        (b"code,name,category,\n", 0, ""),  # a delimiter too many at the end is harmless
        (b'code,name,category\nS1,"Saw,Wood\nS2,Plane,Wood\n', 2, "quotation marks"),
        (b'code,name,category\nS1,"Saw" x,Wood\n', 2, "quotation marks"),
        (b"code,name,category\n\nS1,Saw,Wo\0od\n", 3, "characters that nobody can see"),
        ("code,name,category\nS1,Saw\u202e,Wood\n".encode(), 2, "nobody can see"),
        (b"code,name,category\nS1,Saw\x1b[31m,Wood\n", 2, "nobody can see"),
        (b"code,name,category\nS1," + b"x" * 121 + b",Wood\n", 2, "longer than 120"),
        (b"code,name,category\nS1," + b"x" * 200_000 + b",Wood\n", 2, "quotation marks"),
        (b"x" * (MAX_BYTES + 1), 0, "The file is larger than 2 MB."),
        (MACHINES.encode() + b"S1,Saw,Wood\n" * 100_000, 0, f"more than {MAX_LINES} lines"),
    ],
)
def test_hostile_files_are_told_what_is_wrong_and_write_nothing(fablab, data, line, told):
    found = problems("machines", data)

    if told:
        assert any(at == line and told in sentence for at, sentence in found)
        with pytest.raises(imports.ImportRefused):
            bring_in("machines", data)
    else:
        assert found == []
    assert count(Machine) == 2


def test_a_quoted_cell_of_several_lines_is_counted_where_it_starts(fablab):
    text = 'code,name,category,notes\nS1,Saw,Wood,"one\ntwo\nthree"\nS2,,Wood,\n'

    assert problems("machines", text) == [(5, "“name” is empty.")]


@pytest.mark.parametrize(
    "typed",
    ["2027-02-29", "27-01-01", "1.2.2027", "2027-1-1", "٢٠٢٧-٠١-٠١", "0000-01-01", "1999-12-31"],
)
def test_days_are_read_strictly(fablab, typed):
    header = "code,name,category,state,state_reason,back_on\n"
    found = problems("machines", f"{header}S1,Saw,Wood,locked_out,Belt,{typed}\n")

    assert [line for line, _ in found] == [2]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        *((yes, True) for yes in ("yes", "Oui", "VRAI", "TRUE")),
        *((no, False) for no in ("no", "non", "FAUX", "False")),
        *((odd, None) for odd in ("1e3", "1", "0", "y", "x", "yes no")),
    ],
)
def test_yes_and_no_are_read_strictly(typed, said):
    data = f"{MEMBERS.strip()},minor\na@b.example,A,B,{typed}\n".encode()

    lines = imports.read(imports.KINDS["members"], data)

    assert lines.rows[0].values.get("minor") is said
    assert bool(lines.problems) is (said is None)


@pytest.mark.parametrize("typed", ["0", "5", "²", "٢", "2.0", "-1", " "])
def test_levels_are_read_strictly(fablab, typed):
    found = problems(
        "qualifications", QUALIFICATIONS + f"chloe@atelier.example,2027-01-01,,L1,{typed}\n"
    )

    assert [line for line, _ in found] == [2]


def test_what_a_problem_repeats_of_a_file_is_short_and_cannot_steer_a_terminal(fablab):
    header = b"code,name,category,\x1b]0;owned\x07" + b"x" * 500 + b"\n"

    [(line, told)] = problems("machines", header)

    assert line == 1
    assert told.isprintable()
    assert len(told) < 400


@pytest.mark.parametrize("formula", ["=1+1", "@SUM(A1)", "+CMD", "-2+3", '=HYPERLINK("x")'])
def test_a_formula_is_a_text_like_any_other(fablab, browse, formula):
    quoted = formula.replace('"', '""')

    bring_in("machines", MACHINES + f'S1,"{quoted}",Wood\n')

    assert machine("S1").name == formula
    assert browse(None).get("/machines/s1").status_code == 200


def test_markup_is_a_text_like_any_other(fablab, browse):
    bring_in("machines", MACHINES + "S1,<script>alert(1)</script>,<b>Wood</b>\n")

    for page in ("/", "/machines/", "/machines/s1"):
        assert "<script>alert" not in browse(None).get(page).text


def test_percent_signs_in_a_cell_do_not_break_the_sentence(fablab):
    [(_, told)] = problems("machines", "code,name,category,state\nS1,Saw,Wood,100 %(x)s %\n")

    assert "“100 %(x)s %”" in told


def test_a_file_of_many_people_is_written_whole(any_fablab):
    many = 2 * AT_ONCE + 1
    text = MEMBERS + "".join(f"m{n}@fil.example,First{n},Last{n}\n" for n in range(many))

    assert bring_in("members", text) == (many, 0, 0)
    assert bring_in("members", text) == (0, 0, many)
    assert count(Member) == many + 3


def test_a_file_of_as_many_lines_as_allowed_is_read(fablab):
    text = MEMBERS + "".join(f"m{n}@fil.example,A,B\n" for n in range(MAX_LINES))

    assert problems("members", text) == []
    assert problems("members", text + "more@fil.example,A,B\n")


# -- the examples of the documentation, and the command


def test_the_examples_of_the_documentation_fit_an_empty_place(any_app):
    with writing() as session:
        session.add(Place(slug="new", name="New", created_at=clock.now()))

    found = [bring_in(kind, (EXAMPLES / f"{kind}.csv").read_bytes()) for kind in imports.KINDS]
    again = [bring_in(kind, (EXAMPLES / f"{kind}.csv").read_bytes()) for kind in imports.KINDS]

    assert found == [(5, 0, 0), (3, 0, 0), (3, 0, 0), (4, 0, 0)]
    assert again == [(0, 0, 5), (0, 0, 3), (0, 0, 3), (0, 0, 4)]


@pytest.mark.parametrize(
    ("header", "is_ours"),
    [
        (["code", "name"], True),
        (["Code", "name", " ", ""], True),  # a spreadsheet's empty columns
        (["code", "", "name"], False),  # something stands there that is to be told
        (["", "code", "name"], False),
        (["", ""], False),
    ],
)
def test_a_heading_left_blank_between_others_is_to_be_told(header, is_ours):
    assert columns.are_ours(header, {"code", "name"}) is is_ours


def test_the_documentation_names_every_column_and_limit():
    text = (ROOT / "docs" / "import.md").read_text(encoding="utf-8")

    for kind in imports.KINDS.values():
        for column in kind.columns:
            assert f"`{column.name}`" in text
    assert f"{MAX_LINES:,} lines" in text
    assert f"{MAX_BYTES // 1024 // 1024} MB" in text


@pytest.fixture
def command(app, tmp_path):
    """command("machines", text, *options): what the command answers."""

    def run(kind: str, text: str, *options: str) -> Any:
        path = Path(tmp_path / "file.csv")
        path.write_text(text, encoding="utf-8")
        return app.test_cli_runner().invoke(args=["import", kind, str(path), *options])

    return run


def test_the_command_says_what_it_would_do_and_writes_nothing(fablab, command):
    text = MACHINES + "S1,Saw,Wood\nL1,Laser,Laser\nB1,Workbench,Benches\n"

    answer = command("machines", text)

    assert answer.exit_code == 0
    assert answer.output.splitlines() == [
        "new: S1",
        "changed: L1 (name → Laser)",
        "new category: Wood",
        "1 new, 1 changed, 1 as they were.",
        "Nothing was written: add --apply to write it.",
    ]
    assert count(Machine) == 2


def test_the_command_tells_whose_and_what_of_past_bookings_and_members(fablab, command):
    bookings = (
        "email,machine,start,end,organization,reference\n"
        "bruno@atelier.example,L1,2027-03-23 10:00,12:00,studio fil,R-1\n"
        "bruno@atelier.example,L1,2027-03-24 10:00,12:00,,\n"
    )
    members = (
        "email,first_name,last_name,audience,membership_until,organization,manager\n"
        "zoe@fil.example,Zoé,Ourdis,reduced,2027-12-31,Studio Fil,yes\n"
        "bob@fil.example,Bob,Ourdis,,,,\n"
        "chloe@atelier.example,Chloe,Ourdis,professional,,studio fil,\n"
    )

    past = command("bookings", bookings).output.splitlines()
    people = command("members", members).output.splitlines()

    assert past[:2] == [
        "new: bruno@atelier.example L1 2027-03-23 10:00 (end 2027-03-23 12:00, status used,"
        " organization Studio Fil, reference R-1)",
        "new: bruno@atelier.example L1 2027-03-24 10:00 (end 2027-03-24 12:00, status used)",
    ]
    assert people[:2] == [
        "new: zoe@fil.example (audience reduced, membership_until 2027-12-31,"
        " organization Studio Fil, manager yes)",
        "new: bob@fil.example (audience individual, membership_until without end)",
    ]
    assert "audience → professional" in people[2]
    assert "organization → studio fil" in people[2]


def test_what_the_command_repeats_of_a_line_is_short_and_on_one(fablab, command):
    notes = "one\ntwo " + "x" * 100
    text = f'code,name,category,notes\nL1,Laser cutter,Laser cutting,"{notes}"\n'

    changed = command("machines", text).output.splitlines()[0]

    assert changed.startswith("changed: L1 (")
    assert "notes → one\N{REPLACEMENT CHARACTER}two xxx" in changed
    assert len(changed) < 120


def test_the_command_writes_with_apply(fablab, command):
    answer = command("machines", MACHINES + "S1,Saw,Wood\n", "--apply")

    assert answer.exit_code == 0
    assert "1 new, 0 changed, 0 as they were." in answer.output
    assert "Nothing" not in answer.output
    assert machine("S1").name == "Saw"


def test_the_command_names_every_bad_line_on_stderr_and_fails(fablab, command):
    answer = command("machines", MACHINES + "S1,,Wood\nS2,Saw,Wood\nS3,,\n", "--apply")

    assert answer.exit_code == 1
    assert answer.stdout == ""
    assert answer.stderr.splitlines() == [
        "line 2: “name” is empty.",
        "line 4: “name” is empty.",
        "line 4: “category” is empty.",
        "Error: nothing was written; problems found: 3",
    ]
    assert count(Machine) == 2


@pytest.mark.parametrize("options", [("--place", "nowhere"), ("--place", "")])
def test_the_command_refuses_a_place_that_does_not_exist(fablab, command, options):
    answer = command("machines", MACHINES + "S1,Saw,Wood\n", *options)

    assert (answer.exit_code == 1) is bool(options[1])
    assert count(Machine) == 2


def test_the_command_needs_a_place(app, command):
    answer = command("machines", MACHINES + "S1,Saw,Wood\n")

    assert answer.exit_code == 1
    assert answer.stderr == "Error: no place has been set up yet\n"


def test_the_command_refuses_a_file_that_is_not_there(fablab, app):
    answer = app.test_cli_runner().invoke(args=["import", "members", "/nowhere.csv"])

    assert answer.exit_code == 2
    assert "No such file" in answer.stderr


def test_nobody_is_qualified_on_a_day_to_come(fablab):
    line = f"{QUALIFICATIONS}bruno@atelier.example,%s,,B1,2\n"

    assert problems("qualifications", line % "2027-03-30") == [
        (2, "A qualification is given today at the latest.")
    ]
    assert not problems("qualifications", line % "2027-03-29")
