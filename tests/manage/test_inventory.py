"""A machine in one sitting: made, changed, made after another, retired and brought back."""

import re
from io import BytesIO

import pytest
from sqlalchemy import select, update

from fablab import clock
from fablab.db import db, writing
from fablab.machines import commands as machines
from fablab.machines import files, photos
from fablab.machines.kinds import Approval, MachineState, OccupancyKind, RiskClass
from fablab.machines.models import Machine, MachineReferent, MachineResource, Occupancy, Policy
from fablab.machines.policy_commands import Scope, set_policy, set_safety
from fablab.machines.resources_commands import create_resource
from fablab.members.audit import AuditEntry
from fablab.members.kinds import Audience, Deed
from fablab.places.models import Place
from fablab.trainings.models import Training, TrainingGrant
from tests.booking.conftest import words
from tests.conftest import browser
from tests.machines.test_photos import SVG, picture, png_that_says
from tests.manage.conftest import add_cast
from tests.support import refusing, slot, submit

NEW, LASER, BENCH = "/manage/machines/new", "/manage/machines/laser", "/manage/machines/bench"
SEWING = {
    "code": "S1",
    "name": "Sewing machine",
    "model": "Juki DDL-8700",
    "location": "Textile room",
    "category": "",
    "new_category": "Textile",
    "pool": "",
    "new_pool": "Sewing machines",
    "risk_class": "B",
    "notes": "Bring your own thread.",
    "specs": "Speed: 5500 stitches a minute\nPower: 550 W",
    "materials_allowed": "cotton\n\nlinen",
    "materials_forbidden": "leather",
    "safety": "Keep your fingers away.",
    "minimum": "1 h",
    "maximum": "3 h",
    "step": "30 min",
    "level": "2",
    "approval": "first",
    "modes": ["supervised"],
    "asset_number": "INV-7",
    "funder": "Region",
    "owner": "",
    "position": "",
}


def create(client, **fields):
    return submit(client, NEW, NEW, **SEWING | fields)


def edit(client, page, **fields):
    """The form as it stands, with some fields changed, as a browser would send it."""
    action = page if page.endswith("duplicate") else f"{page}/edit"
    return submit(client, action, action, **filled(client.get(action).text) | fields)


def filled(html):
    form = re.search(r'<form[^>]*enctype="multipart.*?</form>', html, re.S)[0]
    found = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name, value = re.search(r'name="(\w+)"', tag), re.search(r'value="([^"]*)"', tag)
        kind = re.search(r'type="(\w+)"', tag)[1]
        if kind in ("hidden", "file") or (kind in ("radio", "checkbox") and "checked" not in tag):
            continue
        found.setdefault(name[1], []).append(value[1] if value else "")
    for name, inside in re.findall(r'<select[^>]*name="(\w+)".*?>(.*?)</select>', form, re.S):
        chosen = re.search(r'<option selected value="([^"]*)"', inside)
        found[name] = chosen[1] if chosen else ""
    for name, text in re.findall(r'<textarea[^>]*name="(\w+)"[^>]*>(.*?)</textarea>', form, re.S):
        found[name] = text.strip()
    return found


def a_photo(data=None, name="photo.jpg"):
    return BytesIO(picture() if data is None else data), name


def machine(slug):
    return db.session.scalar(
        select(Machine).where(Machine.slug == slug).execution_options(populate_existing=True)
    )


def shown_files():
    folder = files.folder()
    return (
        sorted(path.name for path in folder.iterdir() if path.is_file()) if folder.exists() else []
    )


def deeds(slug):
    about = AuditEntry.machine_id == machine(slug).id
    return db.session.scalars(select(AuditEntry).where(about).order_by(AuditEntry.id)).all()


# A new one


def test_a_machine_is_made_with_its_rules_and_photo_in_one_sitting(any_fablab, any_app):
    add_cast(any_fablab)
    amina = browser(any_app, "amina")
    before = db.session.scalar(select(Place.revision))
    training = db.session.scalar(select(Training.id))

    answer = create(
        amina, photo=a_photo(), photo_alt="The sewing machine", trainings=[str(training)]
    )

    made, policy = any_fablab.machine("s1"), any_fablab.machine("s1").policy_for(None)
    assert (answer.status_code, answer.location) == (303, "/manage/machines/s1")
    assert (made.category.name, made.category.slug) == ("Textile", "textile")
    assert made.specs == {"Speed": "5500 stitches a minute", "Power": "550 W"}
    assert made.materials_allowed == ("cotton", "linen")
    assert (made.risk_class, made.safety) == (RiskClass.B, "Keep your fingers away.")
    assert policy.maximum == clock.timedelta(hours=3)
    assert (policy.level, policy.approval) == (2, Approval.FIRST)
    grant = db.session.scalar(select(TrainingGrant).where(TrainingGrant.machine_id == made.id))
    assert (grant.training_id, grant.level) == (training, 2)
    assert db.session.scalar(select(Place.revision)) > before
    assert [deed.what for deed in deeds("s1")] == [Deed.POLICY, Deed.INVENTORY]
    photo = amina.get(f"/machines/s1/photo?v={made.photo[:8]}")
    assert (photo.status_code, photo.mimetype) == (200, "image/webp")
    assert f"max-age={365 * 24 * 3600}" in photo.headers["Cache-Control"]
    assert amina.get("/machines/s1/photo?size=small").status_code == 200
    page = amina.get("/machines/s1").text
    assert 'alt="The sewing machine"' in page
    assert "INV-7" in page


def test_a_code_a_name_and_a_category_are_enough(cast, amina):
    plain = dict.fromkeys(SEWING, "") | {"risk_class": "A", "modes": []}

    answer = create(amina, **plain | {"code": "S1", "name": "Sewing", "new_category": "Textile"})

    assert answer.status_code == 303
    assert db.session.scalar(select(Policy).where(Policy.machine_id == machine("s1").id)) is None


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"code": ""}, "Give it a code."),
        ({"code": "l1"}, "Another machine has this code"),
        ({"code": "new"}, "No address can be made of this code"),
        ({"code": "+++"}, "No address can be made of this code"),
        ({"name": ""}, "Give it a name."),
        ({"new_category": ""}, "Choose a category, or name a new one."),
        ({"specs": "fast"}, "Write each line as"),
        ({"specs": "Power: 1 W\nPower: 2 W"}, "Two lines have the same name."),
        ({"maximum": "long"}, "Write a length as"),
        ({"maximum": "30 min"}, "The longest booking would be shorter"),
        ({"minimum": "50 min"}, "not a whole number of steps"),
        ({"horizon_days": "9999"}, "Between 0 and 730."),
    ],
)
def test_what_cannot_be_is_told_beside_its_field_and_nothing_is_lost(cast, amina, fields, sentence):
    answer = create(amina, **fields)

    assert answer.status_code == 422
    assert sentence in answer.text
    assert "Bring your own thread." in answer.text
    assert "Error" in re.search("<title>(.*?)</title>", answer.text, re.S)[1]
    assert db.session.scalar(select(Machine.id).where(Machine.name == "Sewing machine")) is None


def test_the_code_of_a_machine_elsewhere_gets_another_address(annex, amina):
    answer = create(amina, code="Drill")

    assert answer.location == "/manage/machines/latelier-drill" or answer.location.endswith(
        "-drill"
    )


# The photo


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (SVG, "This is no picture"),
        (b"MZ" + picture()[:100], "This is no picture"),
        (png_that_says(40_000, 40_000), "too many pixels"),
        (picture()[:3000], "damaged"),
        (b"\0" * (photos.MAX_BYTES + 1), "too large"),
    ],
)
def test_what_is_no_photo_is_told_beside_its_field(cast, amina, data, sentence):
    answer = create(amina, photo=a_photo(data), photo_alt="The sewing machine")

    assert answer.status_code == 422
    assert sentence in answer.text
    assert "Juki DDL-8700" in answer.text
    assert shown_files() == []


def test_what_is_larger_than_any_request_is_told_beside_its_field_too(cast, amina):
    answer = create(amina, photo=a_photo(b"\0" * 20 * 1024 * 1024), photo_alt="The machine")

    assert answer.status_code == 422
    assert "too large: 10 MB at most" in answer.text
    assert "Juki DDL-8700" in answer.text
    machines_file = (BytesIO(b"\0" * 20 * 1024 * 1024), "machines.csv")
    page = "/manage/imports/machines"
    assert submit(amina, page, page, file=machines_file).status_code == 413


def test_a_photo_wants_words(cast, amina):
    answer = create(amina, photo=a_photo())

    assert answer.status_code == 422
    assert "for those who do not see it" in answer.text


def test_a_photo_sent_with_a_wrong_field_is_kept_until_the_form_is_right(cast, amina):
    refused = create(amina, photo=a_photo(), photo_alt="The machine", name="").text
    kept = re.search(r'name="photo_kept"[^>]*value="([^"]+)"', refused)[1]

    answer = create(amina, photo_alt="The machine", photo_kept=kept)

    assert "The photo that you chose is kept" in refused
    assert answer.status_code == 303
    assert machine("s1").photo == kept
    assert shown_files() == sorted(files.names(kept))


def test_files_of_a_machine_that_is_not_saved_wait_until_it_is(cast, amina):
    wrong = create(
        amina,
        name="",
        photo=a_photo(),
        photo_alt="The machine",
        document=(BytesIO(b"%PDF-1.7 manual"), "manual.pdf"),
    ).text
    kept = {
        name: re.search(rf'name="{name}"[^>]*value="([^"]+)"', wrong)[1]
        for name in ("photo_kept", "document_kept", "document_title")
    }

    with refusing("audit_entry"):
        create(amina, photo_alt="The machine", **kept)

    assert shown_files() == []
    assert create(amina, photo_alt="The machine", **kept).status_code == 303
    assert shown_files() == sorted([*files.names(kept["photo_kept"]), kept["document_kept"]])


def test_nobody_names_a_file_they_did_not_send(cast, amina, app):
    (files.folder() / "drafts").mkdir(parents=True)
    (files.folder().parent / "secret.webp").write_bytes(b"secret")

    for name in ("../../secret.webp", "../" + "a" * 32 + ".webp", "a" * 32 + ".webp"):
        answer = create(amina, photo_alt="The machine", photo_kept=name)
        assert answer.status_code == 422
        assert "no longer kept" in answer.text


def test_a_new_photo_takes_the_place_of_the_old_one(cast, amina):
    create(amina, photo=a_photo(), photo_alt="The machine")
    first = machine("s1").photo

    edit(amina, "/manage/machines/s1", photo=a_photo())

    second = machine("s1").photo
    assert first != second
    assert shown_files() == sorted(files.names(second))

    edit(amina, "/manage/machines/s1", no_photo="y")

    assert (machine("s1").photo, machine("s1").photo_alt) == (None, "")
    assert shown_files() == []
    assert amina.get("/machines/s1/photo").status_code == 404


# Documents


def test_a_document_is_kept_handed_out_and_removed(cast, amina):
    page = LASER
    edit(amina, page, document=(BytesIO(b"%PDF-1.7 manual"), "manual.pdf"))

    shown = amina.get("/machines/laser").text
    address = re.search(r'href="(/machines/laser/documents/\d+)"', shown)[1]
    document = amina.get(address)
    assert "manual" in shown
    assert document.data == b"%PDF-1.7 manual"
    assert document.headers["Content-Disposition"].startswith("attachment")
    assert amina.get(address.replace("laser", "bench")).status_code == 404

    edit(amina, page, documents=[])

    assert amina.get(address).status_code == 404
    assert shown_files() == []


def test_what_is_no_pdf_is_told_beside_its_field(cast, amina):
    answer = edit(amina, LASER, document=(BytesIO(b"<script>"), "manual.pdf"))

    assert answer.status_code == 422
    assert "This is no PDF." in answer.text


# One that changes


def test_a_form_that_is_sent_as_it_stands_changes_nothing(cast, amina):
    was = {
        column.key: getattr(machine("laser"), column.key) for column in Machine.__table__.columns
    }
    policy = cast.machine("laser").policies
    with writing() as session:
        machine("laser").notes = "Two lines\nof notes"
        session.flush()

    answer = edit(amina, LASER)

    now = {
        column.key: getattr(machine("laser"), column.key) for column in Machine.__table__.columns
    }
    assert answer.status_code == 303
    assert cast.machine("laser").policies == policy
    assert deeds("laser") == []
    for name in was.keys() - {"notes", "revision", "changed_at"}:
        assert now[name] == was[name], name
    assert now["notes"].splitlines() == ["Two lines", "of notes"]


def test_a_change_shows_everywhere_at_once_and_the_address_stays(any_fablab, any_app):
    add_cast(any_fablab)
    amina = browser(any_app, "amina")
    uid = any_fablab.book("laser", slot("2027-03-30 10:00-11:00"), "bruno")
    before = machine("laser").revision

    edit(amina, LASER, code="L9", name="Great laser", maximum="2 h")

    laser = any_fablab.machine("laser")
    assert (laser.code, laser.name, laser.slug) == ("L9", "Great laser", "laser")
    assert laser.policy_for(None).maximum == clock.timedelta(hours=2)
    assert machine("laser").revision > before
    assert "Great laser" in browser(any_app, "bruno").get(f"/bookings/{uid}").text
    told = [deed for deed in deeds("laser") if deed.what == Deed.INVENTORY]
    assert told[0].after == {"code": "L9", "name": "Great laser"}
    assert "Great laser" in amina.get(LASER).text


def test_the_rules_of_some_members_and_finer_ones_stay(cast, amina):
    amina_id, now = cast.people["amina"], clock.now()
    laser = cast.machine("laser").id
    for audience, hours in ((None, 6), (Audience.RESIDENT, 9)):
        scope = Scope(cast.place_id, machine_id=laser, audience=audience)
        quota = {"quota_machine": clock.timedelta(hours=hours), "level": 2}
        set_policy(scope, quota, by=amina_id, now=now)

    edit(amina, LASER, maximum="2 h")

    policy = cast.machine("laser").policy_for
    assert policy(None).quota_machine == clock.timedelta(hours=6)
    assert policy(Audience.RESIDENT).quota_machine == clock.timedelta(hours=9)
    assert policy(Audience.RESIDENT).maximum == clock.timedelta(hours=2)


def test_what_does_not_hold_with_a_finer_rule_is_refused_whole(cast, amina):
    scope = Scope(cast.place_id, machine_id=cast.machine("laser").id)
    hours = {"quota_machine": clock.timedelta(hours=2)}
    set_policy(scope, hours, by=cast.people["amina"], now=clock.now())

    answer = edit(amina, LASER, name="Great laser", minimum="3 h", maximum="4 h")

    assert answer.status_code == 422
    assert "Nobody could book" in answer.text
    assert machine("laser").name != "Great laser"


def test_nobody_writes_over_what_they_have_not_seen(cast, amina):
    address = f"{LASER}/edit"
    page = amina.get(address).text
    hidden = {
        name: re.search(rf'name="{name}"[^>]*value="([^"]+)"', page)[1]
        for name in ("csrf_token", "seen")
    }
    typed = filled(page) | hidden | {"name": "Great laser"}
    set_safety(cast.machine("laser").id, "Goggles.", by=cast.people["amina"], now=clock.now())

    refused = amina.post(address, data=typed)
    again = re.search(r'name="seen" value="(\w+)"', refused.text)[1]

    assert refused.status_code == 409
    said = words(refused.text)
    assert "Others have changed this meanwhile" in said
    assert "Name Laser cutter Great laser" in said  # what, as it is now, as it was typed
    assert 'value="Great laser"' in refused.text
    assert machine("laser").name != "Great laser"
    assert amina.post(address, data=typed | {"seen": again}).status_code == 303
    assert machine("laser").name == "Great laser"


def test_another_place_has_no_say(annex, cast, browse):
    dora = browse("dora")

    for page in ("edit", "duplicate", "retirement"):
        assert dora.get(f"{LASER}/{page}").status_code == 404


# One after another


def test_a_duplicate_has_all_but_its_own_particulars(any_fablab, any_app):
    add_cast(any_fablab)
    amina, now = browser(any_app, "amina"), clock.now()
    laser, boss = any_fablab.machine("laser"), any_fablab.people["amina"]
    create_resource(any_fablab.place_id, "Extraction", 2, [laser.id], by=boss, now=now)
    set_policy(
        Scope(any_fablab.place_id, machine_id=laser.id, audience=Audience.RESIDENT),
        {"maximum": clock.timedelta(hours=9)},
        by=boss,
        now=now,
    )
    with writing() as session:
        session.add(MachineReferent(machine_id=laser.id, member_id=any_fablab.people["remi"]))
        session.execute(update(TrainingGrant).values(level=3))
    edit(amina, LASER, photo=a_photo(), photo_alt="The laser", asset_number="INV-1")

    page = amina.get(f"{LASER}/duplicate").text
    answer = edit(amina, f"{LASER}/duplicate", code="L2")

    twin = any_fablab.machine("l2")
    assert 'value="L2"' in page
    assert answer.location == "/manage/machines/l2"
    assert machine("l2").asset_number == ""
    assert machine("l2").photo != machine("laser").photo
    assert len(shown_files()) == 4
    assert twin.policies == any_fablab.machine("laser").policies
    assert [each.name for each in twin.resources] == ["Extraction"]
    for column in (MachineReferent.member_id, MachineResource.resource_id, TrainingGrant.level):
        model = column.class_
        of_both = [
            db.session.scalars(select(column).where(model.machine_id == machine(each).id)).all()
            for each in ("laser", "l2")
        ]
        assert of_both[0] == of_both[1] != [], column


# One that goes


def test_a_machine_somebody_counts_on_is_not_retired(cast, amina):
    uid = cast.book("bench", slot("2027-03-30 10:00-11:00"), "bruno")

    asked = amina.get(f"{BENCH}/retirement").text

    assert uid in asked
    assert "Retire the machine" not in asked
    assert f'href="{BENCH}#state-title"' in asked


def test_a_booking_that_comes_meanwhile_keeps_the_machine(cast, amina):
    page = f"{BENCH}/retirement"
    client_page = amina.get(page).text
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client_page)[1]
    uid = cast.book("bench", slot("2027-03-30 10:00-11:00"), "bruno")

    answer = amina.post(page, data={"csrf_token": token, "reason": "Sold"})

    assert answer.status_code == 409
    assert uid in answer.text
    assert machine("bench").state == MachineState.IN_SERVICE


def test_a_retired_machine_is_shown_nowhere_and_comes_back(any_fablab, any_app):
    add_cast(any_fablab)
    amina = browser(any_app, "amina")
    span = slot("2027-03-30 10:00-12:00")
    machines.withdraw(any_fablab.machine("bench").id, span, "Vice", by=None, now=clock.now())

    answer = submit(amina, f"{BENCH}/retirement", f"{BENCH}/retirement", reason="Sold")

    page = amina.get(answer.location).text
    outage = select(Occupancy).where(Occupancy.kind == OccupancyKind.OUTAGE)
    assert answer.status_code == 303
    assert machine("bench").state == MachineState.RETIRED
    assert not db.session.scalar(outage).standing
    assert amina.get("/machines/bench").status_code == 404
    assert amina.get(BENCH).status_code == 404
    assert "Workbench" not in amina.get("/machines/").text
    assert ("Workbench" in page, "Sold" in page) == (True, True)
    assert amina.get(f"{BENCH}/edit").status_code == 200

    submit(amina, answer.location, f"{BENCH}/return")

    assert amina.get("/machines/bench").status_code == 200


def test_a_reason_is_asked_for(cast, amina):
    page = f"{BENCH}/retirement"

    assert submit(amina, page, page, reason="").status_code == 422
    assert machine("bench").state == MachineState.IN_SERVICE


# The list


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["Laser cutter", "Workbench"]),
        ("?q=lasér", ["Laser cutter"]),
        ("?q=zzz", []),
        ("?state=out_of_service", ["Workbench"]),
        ("?state=in_service&q=bench", []),
        ("?order=name", ["Laser cutter", "Workbench"]),
        ("?category=nothing", ["Laser cutter", "Workbench"]),
    ],
)
def test_the_list_is_searched_and_narrowed(cast, amina, query, found):
    machines.set_state(
        cast.machine("bench").id,
        MachineState.OUT_OF_SERVICE,
        "Vice",
        None,
        by=cast.people["amina"],
        now=clock.now(),
    )

    page = amina.get(f"/manage/machines{query}").text

    names = ("Laser cutter", "Workbench")
    assert [name for name in names if f">{name}</a>" in page] == found
