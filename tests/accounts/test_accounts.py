"""Taking one's data along, and erasing one's account."""

import csv
import io
import json
import zipfile
from decimal import Decimal

import pytest
from sqlalchemy import select, update

from fablab import clock
from fablab.accounts import erasure, export
from fablab.accounts.traces import BELOW, TRACES, table
from fablab.booking import handovers
from fablab.booking.handovers import Acceptance
from fablab.booking.models import Handover
from fablab.calendars.models import FeedToken
from fablab.db import Base, db, writing
from fablab.machines import files, photos
from fablab.machines.kinds import Status
from fablab.machines.models import Change, Occupancy
from fablab.mail.models import OutgoingMail
from fablab.members import passwords
from fablab.members.audit import AuditEntry
from fablab.members.kinds import Deed
from fablab.members.models import Member
from fablab.members.people import load_person
from fablab.organizations import commands as organizations
from fablab.organizations.commands import Doer
from fablab.organizations.models import OrganizationMember
from fablab.places.models import Place
from fablab.trainings.kinds import Seating
from fablab.trainings.models import Registration, TrainingSession
from fablab.upkeep.kinds import EntryKind, FaultState
from fablab.upkeep.models import Fault, LogEntry
from tests.accounts.conftest import make_administrator
from tests.conftest import browser
from tests.members.conftest import PASSWORD, is_signed_in, light_hashes, log_in, send  # noqa: F401
from tests.support import slot, submit


def everything():
    """The whole database, each row as text."""
    with db.engine.connect() as connection:
        return {
            each.name: [str(row) for row in connection.execute(select(each))]
            for each in Base.metadata.sorted_tables
        }


def give_password(lived, who="bruno"):
    with writing() as session:
        session.execute(
            update(Member)
            .where(Member.id == lived.people[who])
            .values(password_hash=passwords.hashed(PASSWORD))
        )


def test_the_file_holds_nothing_that_others_wrote_of_their_own(lived):
    """Bruno is the buddy of a booking of Chloé's: what it is for is hers."""
    bruno, chloe = lived.people["bruno"], lived.people["chloe"]
    uid = lived.book("bench", slot("2027-04-03 14:00-15:00"), "chloe", purpose="A surprise")
    with writing() as session:
        session.execute(update(Occupancy).where(Occupancy.uid == uid).values(buddy_id=bruno))

    kept = export.everything(bruno, clock.now())

    assert uid in [row["uid"] for row in kept["occupancy.buddy_id"]]
    assert "A surprise" not in json.dumps(kept)
    assert "A surprise" in json.dumps(export.everything(chloe, clock.now()))


@pytest.mark.parametrize(("who", "part"), [("bruno", "buddy_id"), ("amina", "created_by_id")])
def test_of_a_booking_of_others_the_file_has_when_and_on_which_machine_alone(lived, who, part):
    uid = lived.book("bench", slot("2027-04-03 14:00-15:00"), "chloe")
    worth = {"quoted": Decimal("12.5"), "arrived_at": clock.now(), "left_at": clock.now()}
    theirs = {part: lived.people[who], "organization_id": lived.organization_id}
    with writing() as session:
        session.execute(update(Occupancy).where(Occupancy.uid == uid).values(**worth | theirs))

    found = export.everything(lived.people[who], clock.now())[f"occupancy.{part}"]

    [row] = [row for row in found if row["uid"] == uid]
    assert set(row) == {
        *("uid", "kind", "machine_id", "starts_at", "ends_at", "buddy_id", "created_by_id")
    }
    assert (row[part], row["machine_id"]) == ("me", "Workbench")


def test_what_happened_to_a_booking_before_it_was_handed_over_is_not_theirs(lived):
    """Bruno booked it for Studio Fil with Amina beside him, and gives it to Chloé."""
    now, bruno = clock.now(), lived.people["bruno"]
    when, studio = slot("2027-04-03 14:00-15:00"), lived.organization_id
    uid = lived.book("bench", when, "bruno", organization_id=studio)
    their = select(Occupancy.id).where(Occupancy.uid == uid).scalar_subquery()
    with writing() as session:
        named = {"organization": str(studio), "buddy": str(lived.people["amina"])}
        session.execute(
            update(Change).where(Change.occupancy_id == their).values(before=named, after=named)
        )
    to = "chloe@atelier.example"
    handovers.offer(uid, to, by=bruno, language="en", now=now)
    offered = db.session.scalars(select(Handover.uid)).one()
    booking = db.session.execute(select(Occupancy.revision).where(Occupancy.uid == uid)).one()
    by = lived.people["chloe"]
    handovers.accept(offered, Acceptance(booking.revision), by=by, now=now)

    rows = export.everything(by, now)["change of occupancy"]

    of_it = [row for row in rows if row["occupancy_id"] == uid]
    assert [(row["what"], row["before"]) for row in of_it] == [("handed_over", {})]
    assert of_it[0]["after"]["organization"] == ""


def test_the_record_of_a_booking_numbers_no_other_person(lived):
    bruno = lived.people["bruno"]
    named = {"buddy": str(lived.people["amina"]), "member": str(bruno)}
    with writing() as session:
        session.execute(update(Change).values(before=named, after=named))

    for row in export.everything(bruno, clock.now())["change of occupancy"]:
        assert row["before"] == row["after"] == {"buddy": export.OTHERS, "member": "me"}


def test_the_file_holds_all_that_is_about_them_and_names_nobody_else(lived):
    kept = export.everything(lived.people["bruno"], clock.now())
    text = json.dumps(kept, ensure_ascii=False)

    for name, column in TRACES:
        asked = select(table(name)).where(table(name).c[column] == lived.people["bruno"])
        there = db.session.execute(asked).all()
        assert len(kept.get(f"{name}.{column}", [])) == len(there)
    filled = {(name, column) for name, column in TRACES if f"{name}.{column}" in kept}
    assert len(filled) >= 15
    assert kept["member"][0]["email"] == "bruno@atelier.example"
    assert kept["occupancy.member_id"][0]["title"] == "A private thing"
    assert kept["occupancy.member_id"][0]["machine_id"] == "Workbench"
    assert kept["occupancy.member_id"][0]["member_id"] == "me"
    assert kept["audit_entry.member_id"][0]["made_by_id"] == export.OTHERS
    assert kept["outgoing_mail to the address"]
    assert any(f"{name} of {above}" in kept for name, _, above in BELOW)
    for other in ("Chloé", "Navette", "chloe@", "Amina", "Rahal"):
        assert other not in text
    for secret in export.LEFT_OUT:
        assert f'"{secret}"' not in text


def test_the_tables_hold_what_the_file_does_and_open_in_a_spreadsheet(any_app, lived):
    with writing() as session:
        told = update(Occupancy.__table__).where(Occupancy.title == "A private thing")
        session.execute(told.values(title="=cmd()"))
    bruno = browser(any_app, "bruno")
    kept = json.loads(submit(bruno, "/account/", "/account/data").data)

    answer = submit(bruno, "/account/", "/account/data/tables")

    assert answer.content_type == "application/zip"
    assert "my-data.zip" in answer.headers["Content-Disposition"]
    assert "no-store" in answer.headers["Cache-Control"]
    packed = zipfile.ZipFile(io.BytesIO(answer.data))
    assert packed.namelist() == [f"{kind.replace(' ', '-')}.csv" for kind in kept]
    read = {name: table_in(packed, name) for name in packed.namelist()}
    for kind, rows in kept.items():
        if isinstance(rows, list):
            table_ = read[f"{kind.replace(' ', '-')}.csv"]
            assert [list(row) for row in table_] == [list(row) for row in rows]
    assert read["member.csv"][0]["first_name"] == "Bruno"
    assert read["occupancy.member_id.csv"][0]["title"] == "'=cmd()"
    for other in ("Chloé", "Navette", "chloe@", "Amina", "Rahal"):
        assert other not in str(read)
    assert browser(any_app, "bruno").post("/account/data/tables").status_code == 400


def table_in(packed, name):
    text = packed.read(name).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_the_file_is_downloaded_by_its_owner_alone(any_app, lived):
    answer = submit(browser(any_app, "bruno"), "/account/", "/account/data")

    assert answer.content_type == "application/json; charset=utf-8"
    assert "attachment" in answer.headers["Content-Disposition"]
    assert "no-store" in answer.headers["Cache-Control"]
    assert json.loads(answer.data)["member"][0]["first_name"] == "Bruno"
    assert browser(any_app, "bruno").post("/account/data").status_code == 400
    assert browser(any_app, None).get("/account/data").status_code in (303, 405)


def test_after_an_erasure_nothing_says_who_it_was(lived):
    bruno = lived.people["bruno"]
    uid = db.session.scalar(select(Member.uid).where(Member.id == bruno))
    hours = select(Occupancy.starts_at, Occupancy.ends_at).where(Occupancy.member_id == bruno)
    before = db.session.execute(hours.order_by(Occupancy.id)).all()

    erasure.erase(bruno, now=clock.now())

    left = everything()
    goodbye = [row for row in left.pop("outgoing_mail") if "account_erased" in row]
    assert len(goodbye) == 1
    for word in ("Bruno", "Lefil", "bruno@", uid, "11 22 33 44", "private thing", "Another thing"):
        found = {name for name, rows in left.items() if any(word in row for row in rows)}
        assert found == set(), word
    mails = db.session.scalars(select(OutgoingMail.recipient).where(OutgoingMail.kind == "test"))
    assert set(mails) <= {""}
    assert db.session.execute(hours.order_by(Occupancy.id)).all() == before
    assert load_person(bruno) is None


def test_what_they_reported_has_neither_words_nor_photograph_any_more(lived):
    bruno = lived.people["bruno"]
    name = db.session.scalar(select(Fault.photo))
    assert photos.is_there(name)

    erasure.erase(bruno, now=clock.now())

    fault = db.session.execute(select(Fault.what, Fault.photo, Fault.state)).one()
    assert fault == ("", None, FaultState.REPORTED)
    said = db.session.execute(select(LogEntry.kind, LogEntry.said).order_by(LogEntry.id)).all()
    assert said == [(EntryKind.FAULT, ""), (EntryKind.REPAIR, "New belt")]
    assert not any((files.folder() / each).exists() for each in files.names(name))


def test_what_was_promised_to_others_is_given_back(lived):
    bruno, now = lived.people["bruno"], clock.now()

    erasure.erase(bruno, now=now)

    standing = select(Occupancy.status).where(Occupancy.member_id == bruno)
    assert set(db.session.scalars(standing)) == {Status.CANCELLED}
    seat = select(Registration.seating).where(Registration.member_id == bruno)
    assert db.session.scalars(seat).all() == [Seating.LEFT]
    assert erasure.open_waits(bruno) == []
    assert lived.book("bench", slot("2027-04-03 10:00-11:00"), "chloe")
    tokens = select(FeedToken.id).where(FeedToken.member_id == bruno)
    assert db.session.scalar(tokens) is None
    stays = select(OrganizationMember.since).where(OrganizationMember.member_id == bruno)
    assert db.session.scalar(stays) is None
    told = db.session.scalars(select(AuditEntry).where(AuditEntry.member_id == bruno)).all()
    assert [each.before | each.after for each in told] == [{}] * len(told)
    assert told[-1].what is Deed.ERASED


def test_an_answer_to_the_last_mail_and_to_an_invitation_goes_to_the_place(lived):
    with writing() as session:
        session.execute(update(Place).values(email="hello@atelier.example"))
    organizations.invite(
        lived.organization_id,
        "anouk@elsewhere.example",
        by=Doer(lived.people["amina"], is_team=True),
        language="fr",
        now=clock.now(),
    )

    erasure.erase(lived.people["chloe"], now=clock.now())

    to = OutgoingMail.recipient.in_(("anouk@elsewhere.example", "chloe@atelier.example"))
    replies = db.session.scalars(select(OutgoingMail.reply_to).where(to)).all()
    assert replies == ["hello@atelier.example"] * 2


def test_a_session_to_come_waits_for_another_trainer(lived):
    amina = lived.people["amina"]
    with writing() as session:
        session.execute(update(TrainingSession).values(trainer_id=amina))

    erasure.erase(amina, now=clock.now())

    assert db.session.scalars(select(TrainingSession.trainer_id)).all() == [None]


def test_the_address_is_free_again(any_app, lived):
    give_password(lived)
    erasure.erase(lived.people["bruno"], now=clock.now())

    with writing() as session:
        session.add(
            Member(
                uid="another",
                email="bruno@atelier.example",
                first_name="Bruno",
                last_name="Lefil",
                created_at=clock.now(),
            )
        )


def test_the_last_administrator_stays(lived):
    odile = lived.people["odile"]

    with pytest.raises(erasure.LastAdministrator):
        erasure.erase(odile, now=clock.now())
    make_administrator(lived, "amina")
    erasure.erase(odile, now=clock.now())

    assert load_person(odile) is None


@pytest.mark.usefixtures("light_hashes")
def test_erasing_asks_for_the_password_and_signs_out(any_app, lived):
    give_password(lived)
    client, elsewhere = browser(any_app, "bruno"), browser(any_app, "bruno")

    page = client.get("/account/erasure").text
    assert "2 bookings to come are cancelled" in page
    assert send(client, "/account/erasure", current="wrong").status_code == 422
    assert is_signed_in(client)
    assert send(client, "/account/erasure", current=PASSWORD).status_code == 303

    assert not is_signed_in(client)
    assert not is_signed_in(elsewhere)
    assert log_in(browser(any_app, None), "bruno").status_code == 422
    told = db.session.scalars(select(OutgoingMail).where(OutgoingMail.kind == "account_erased"))
    assert [mail.recipient for mail in told] == ["bruno@atelier.example"]


def test_pages_of_others_go_on_without_a_name(any_app, lived, at):
    at("2027-03-30 12:00")
    erasure.erase(lived.people["bruno"], now=clock.now())
    amina = browser(any_app, "amina")

    for address in (
        "/manage/day/2027-03-30",
        "/manage/",
        "/manage/members",
        "/manage/organizations/studio",
        "/organizations/studio",
        "/planning/2027-03-30",
        "/manage/faults",
        "/machines/bench",
        "/machines/bench/logbook",
    ):
        answer = amina.get(address)
        assert answer.status_code == 200, address
        assert "Bruno" not in answer.text, address
    assert "Whoever described it has erased their account." in amina.get("/manage/faults").text
