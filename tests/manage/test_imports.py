"""Files brought in on the screen: looked at, applied in one go, and once."""

import re
from io import BytesIO

import pytest
from sqlalchemy import select, update

from fablab import clock, imports
from fablab.db import NotAllowed, db, writing
from fablab.machines.kinds import MachineState
from fablab.machines.models import Machine
from fablab.members.audit import AuditEntry
from fablab.members.kinds import Audience, Deed
from fablab.members.models import Member, Membership
from fablab.trainings.models import Qualification
from tests.conftest import browser
from tests.manage.conftest import add_cast
from tests.support import send as send_form
from tests.support import slot, submit

MACHINES = """\
code;name;category;specs
S1;Sewing machine;Textile;Power: 550 W
L1;Great laser;Laser cutting;
"""
BAD = "code,name,category,risk_class\nS1,,Textile,E\nS1,Sewing,Textile,A\n"
HUB = "/manage/imports"


def send(client, text, what="machines"):
    page = f"{HUB}/{what}"
    data = text if isinstance(text, bytes) else text.encode()
    return submit(client, page, page, file=(BytesIO(data), f"{what}.csv"))


def apply(client, draft, **fields):
    return submit(client, draft, f"{draft}/application", **fields)


def names():
    return set(db.session.scalars(select(Machine.name)))


def test_a_file_is_shown_and_then_applied_and_the_same_again_changes_nothing(any_fablab, any_app):
    add_cast(any_fablab)
    amina, was = browser(any_app, "amina"), names()

    draft = send(amina, MACHINES).location
    page = amina.get(draft).text
    assert names() == was
    answer = apply(amina, draft)

    for words in ("1 line is new", "1 changes something", "Category: Textile", "<code>name</code>"):
        assert words in page
    assert answer.location == "/manage/machines"
    assert names() >= {"Sewing machine", "Great laser"}
    record = select(AuditEntry).where(AuditEntry.what == Deed.INVENTORY)
    made_by = {entry.made_by_id for entry in db.session.scalars(record)}
    assert made_by == {any_fablab.people["amina"]}
    assert amina.get(draft).status_code == 404

    again = amina.get(send(amina, MACHINES).location).text
    assert "0 lines are new" in again
    assert "Import all of it" not in again


def test_two_clicks_import_once_and_the_second_says_so(cast, amina):
    draft = send(amina, MACHINES).location
    page = amina.get(draft).text

    first, second = (send_form(amina, page, f"{draft}/application") for _time in range(2))

    assert (first.status_code, second.status_code) == (303, 404)
    assert "It was imported already" in second.text
    assert f'href="{HUB}"' in second.text


def test_every_bad_line_is_told_and_nothing_can_be_applied(cast, amina):
    draft = send(amina, BAD).location
    page = amina.get(draft).text

    for words in ("Line 2", "“name” is empty.", "“risk_class” is one of A, B, C, D"):
        assert words in page
    assert "Import all of it" not in page
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)[1]
    answer = amina.post(f"{draft}/application", data={"csrf_token": token, "seen": "x"})
    assert answer.status_code == 422
    assert "Sewing" not in names()


def test_what_changed_meanwhile_is_shown_again_first(cast, amina):
    draft = send(amina, MACHINES).location
    token = re.search(r'name="seen" value="(\w+)"', amina.get(draft).text)[1]
    with writing() as session:
        session.scalar(select(Machine).where(Machine.slug == "laser")).name = "Great laser"

    answer = apply(amina, draft, seen=token)

    assert answer.status_code == 409
    assert "this is not what was shown before" in answer.text
    assert "Sewing machine" not in names()


def test_a_file_that_is_left_is_gone(cast, amina):
    draft = send(amina, MACHINES).location

    assert submit(amina, draft, f"{draft}/leaving").location == f"{HUB}/machines"
    assert amina.get(draft).status_code == 404


@pytest.mark.parametrize(
    ("data", "sentence"),
    [(None, "Choose a file."), (b"x" * (2 * 1024 * 1024 + 1), "2 MB at most")],
)
def test_what_is_no_file_to_read_is_told_beside_its_field(cast, amina, data, sentence):
    page = f"{HUB}/machines"
    fields = {} if data is None else {"file": (BytesIO(data), "machines.csv")}

    answer = submit(amina, page, page, **fields)

    assert answer.status_code == 422
    assert sentence in answer.text


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"", b'"', b"PK\x03\x04 a spreadsheet"])
def test_a_file_of_another_kind_says_what_is_wrong(cast, amina, data):
    draft = send(amina, data).location

    assert "wrong in this file" in amina.get(draft).text


def test_people_are_an_administrators_to_bring_in(cast, amina, odile):
    page, text = f"{HUB}/members", "email,first_name,last_name\nnina@atelier.example,Nina,Fuseau\n"

    assert amina.get(page).status_code == 403
    assert "An administrator of the place imports people." in amina.get(HUB).text
    draft = send(odile, text, "members").location
    assert amina.get(draft).status_code == 403
    apply(odile, draft)

    nina = db.session.scalar(select(Member).where(Member.email == "nina@atelier.example"))
    assert nina.first_name == "Nina"


def test_somebody_of_another_place_is_made_a_member_and_not_renamed(annex, odile):
    text = "email,first_name,last_name\nemile@atelier.example,Emil,Bohrer\n"

    apply(odile, send(odile, text, "members").location)

    emile = db.session.scalar(
        select(Member)
        .where(Member.email == "emile@atelier.example")
        .execution_options(populate_existing=True)
    )
    places = db.session.scalars(
        select(Membership.place_id).where(Membership.member_id == emile.id)
    ).all()
    assert emile.first_name == "Émile"
    assert len(places) == 2


def test_nobody_qualifies_themselves_with_a_file(cast, amina):
    text = "email,given_on,machine,level\n{0}@atelier.example,2027-03-01,L1,3\n"

    own = amina.get(send(amina, text.format("amina"), "qualifications").location).text
    apply(amina, send(amina, text.format("chloe"), "qualifications").location)

    assert "Nobody qualifies themselves." in own
    chloe = Qualification.member_id == cast.people["chloe"]
    assert db.session.scalar(select(Qualification.level).where(chloe)) == 3


def test_a_blank_heading_between_others_asks_which_column_is_what(cast, amina):
    text = "code,,name,category\nX9,to be told,Plane,laser\n"

    asked = amina.get(send(amina, text).location)

    assert asked.location.endswith("/columns")
    assert amina.get(asked.location).status_code == 200


@pytest.mark.parametrize("what", ["machines", "qualifications"])
def test_the_template_can_be_read_back(cast, amina, what):
    answer = amina.get(f"{HUB}/{what}/template.csv")

    assert answer.mimetype == "text/csv"
    page = amina.get(send(amina, answer.data, what).location).text
    assert "There is no column" not in page
    assert "is missing" not in page


def test_what_is_exported_is_imported_without_a_change(cast, amina):
    bench = cast.machine("bench").id
    with writing() as session:
        machine = session.get(Machine, bench)
        machine.specs = {"Width": "2 m", "Vice": "150 mm"}
        machine.notes, machine.materials_allowed = "Two; lines,\nof notes", ["oak", "ash"]
        machine.name = "-Jean"

    file = amina.get("/manage/machines.csv").data
    page = amina.get(send(amina, file).location).text

    assert b",'-Jean," in file
    assert "0 lines are new; 0 change something" in page


def test_the_list_of_members_is_imported_without_a_change(cast, browse):
    odd = dict(zip(("bruno", "chloe", "remi"), ("-Jean", "=1+1", "'quoted"), strict=True))
    with writing() as session:
        for who, name in odd.items():
            session.get(Member, cast.people[who]).first_name = name

    odile = browse("odile")
    file = odile.get("/manage/members.csv").data
    page = odile.get(send(odile, file, "members").location).text

    for cell in (b",'-Jean,", b",'=1+1,", b",'quoted,"):
        assert cell in file
    assert "0 lines are new; 0 change something" in page


@pytest.mark.parametrize(
    ("who", "file", "what", "named"),
    [
        ("amina", "/manage/machines.csv", "machines", ("catégorie", "hors service")),
        ("odile", "/manage/members.csv", "members", ("courriel", "résident")),
    ],
)
def test_a_list_in_french_has_french_headings_and_is_imported_as_well(
    cast, browse, who, file, what, named
):
    with writing() as session:
        bench = session.get(Machine, cast.machine("bench").id)
        bench.state, bench.state_reason = MachineState.OUT_OF_SERVICE, "Étau cassé"
        session.get(Member, cast.people["bruno"]).language = "fr"
        session.execute(update(Membership).values(audience=Audience.RESIDENT))
    reader = browse(who)
    reader.set_cookie("language", "fr")

    content = reader.get(file).data
    page = reader.get(send(reader, content, what).location).text

    for word in named:
        assert word.encode() in content
    assert "0 change quelque chose" in page


def test_there_is_no_other_kind_and_no_draft_of_others(annex, cast, browse, amina):
    draft = send(amina, MACHINES).location

    assert amina.get(f"{HUB}/invoices").status_code == 404
    assert browse("dora").get(draft).status_code == 404


def test_the_import_itself_takes_people_from_an_administrator_alone(cast):
    members = imports.KINDS["members"]
    lines = imports.read(members, b"email,first_name,last_name\nnew@x.example,New,Name\n")

    with pytest.raises(NotAllowed):
        imports.apply(members, lines, cast.place_id, now=clock.now(), by=cast.people["amina"])
    imports.apply(members, lines, cast.place_id, now=clock.now(), by=cast.people["odile"])


def test_the_record_of_a_machine_tells_of_bookings_that_a_file_brought(cast, amina):
    past = "email,machine,start,end\nbruno@atelier.example,B1,2027-03-23 10:00,12:00\n"
    apply(amina, send(amina, past, "bookings").location)

    page = amina.get("/manage/machines/bench")

    assert page.status_code == 200
    assert "Past bookings" in page.text
    assert "1 imported" in page.text


def test_a_machine_that_a_file_stops_needs_a_reason_and_tells_its_bookings(cast, amina):
    cast.book("bench", slot("2027-03-30 10:00-11:00"), "bruno")
    head = "code,name,category,state,state_reason,back_on\n"

    bare, told, before = (
        amina.get(send(amina, f"{head}B1,Workbench,Benches,out_of_service,{why}\n").location).text
        for why in (",", "Vice,", "Vice,2027-03-30")
    )

    assert "Say in “state_reason” why it is stopped" in bare
    assert "of people whom nobody tells: 1." in told
    assert 'href="/manage/machines/bench"' in told
    assert "whom nobody tells" not in before


def test_who_counts_on_a_machine_to_be_retired_is_a_click_away(cast, amina):
    cast.book("bench", slot("2027-03-30 10:00-11:00"), "bruno")
    head = "code,name,category,state,state_reason\n"

    page = amina.get(send(amina, f"{head}B1,Workbench,Benches,retired,Sold\n").location).text

    assert "Bookings to come: 1; people who made them: 1; trainings: 0." in page
    assert 'href="/manage/machines/bench/retirement">See who is concerned' in page
    assert "Import all of it" not in page
