"""Faults: reported, looked at, mended; who may, who is told, and what the machine does."""

import re
from datetime import date, timedelta
from io import BytesIO
from threading import Barrier, Thread

import pytest
from PIL import Image
from sqlalchemy import select, update

from fablab import clock
from fablab.db import db, writing
from fablab.machines import files, photos
from fablab.machines.kinds import MachineState
from fablab.machines.models import Machine
from fablab.members import mails as choices
from fablab.members.kinds import MailKind
from fablab.members.models import Member, Membership
from fablab.upkeep import faults, queries
from fablab.upkeep.faults import A_DAY, AlreadyOver, ChangedMeanwhile, TooMany, Verdict
from fablab.upkeep.kinds import OPEN, EntryKind, FaultState
from fablab.upkeep.models import Fault, LogEntry
from fablab.upkeep.rules import REPORTS_A_DAY
from tests.conftest import browser
from tests.manage.conftest import add_annex
from tests.support import counting, refusing, slot, submit
from tests.upkeep.conftest import WORDS, add_referent, count, decided, mails, picture, reported

NEW = "/machines/bench/faults/new"
REPORT = "/machines/bench/faults"


def send(client, **fields):
    return submit(client, NEW, REPORT, **{"what": WORDS, "usable": "yes"} | fields)


def the_fault():
    return db.session.scalars(select(Fault).execution_options(populate_existing=True)).one()


def entries():
    return list(db.session.execute(select(LogEntry.kind, LogEntry.said).order_by(LogEntry.id)))


# Reported


def test_a_member_reports_a_fault_and_whoever_looks_after_the_machine_is_told(any_fablab, any_app):
    add_referent(any_fablab)

    answer = send(browser(any_app, "chloe"), usable="no")

    fault = the_fault()
    assert (answer.status_code, answer.location) == (303, f"{REPORT}/{fault.uid}")
    assert (fault.what, fault.is_usable, fault.state) == (WORDS, False, FaultState.REPORTED)
    assert entries() == [(EntryKind.FAULT, WORDS)]
    assert {mail.recipient for mail in mails("fault_reported")} == {
        f"{who}@atelier.example" for who in ("amina", "odile", "remi")
    }
    mail = mails("fault_reported")[0]
    assert "un défaut est signalé, B1 Workbench" in mail.subject
    for words in (WORDS, "Chloé Navette", f"/machines/bench/faults/{fault.uid}"):
        assert words in mail.text
    assert any_fablab.machine("bench").is_in_service


def test_the_photo_is_kept_anew_and_shown_to_those_who_look_after_the_machine(cast, browse):
    answer = send(browse("chloe"), photo=(picture(), "phone.jpg"))
    address = f"{answer.location}/photo"

    kept = files.folder() / the_fault().photo
    with Image.open(kept) as image:
        assert (image.format, image.size) == ("WEBP", (640, 480))
    for who in ("chloe", "amina", "remi"):
        shown = browse(who).get(address)
        assert (shown.status_code, shown.mimetype) == (200, "image/webp")
    assert browse("bruno").get(address).status_code == 404
    assert browse(None).get(address).status_code == 303


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (lambda: b"no picture at all", "This is no picture"),
        (lambda: picture(20, 20).getvalue(), "too small"),
        (lambda: b"\xff" * (photos.MAX_BYTES + 1), "too large"),
        (lambda: picture(20_000, 5_000, "PNG").getvalue(), "too many pixels"),
    ],
)
def test_a_photo_that_is_none_is_said_at_its_field_and_the_words_are_kept(cast, browse, sent, why):
    answer = send(browse("chloe"), photo=(BytesIO(sent()), "evil.jpg"))

    assert answer.status_code == 422
    assert why in answer.text
    assert 'id="photo-error"' in answer.text
    assert WORDS in answer.text
    assert db.session.scalar(select(Fault.id)) is None
    assert not files.folder().exists() or not list(photos.folder().iterdir())


@pytest.mark.parametrize(
    ("field", "typed"), [("what", " "), ("what", "x" * 1001), ("what", "a\x07b"), ("usable", "")]
)
def test_what_cannot_be_read_is_said_and_nothing_is_reported(cast, browse, field, typed):
    answer = send(browse("chloe"), **{field: typed})

    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert db.session.scalar(select(Fault.id)) is None


def test_nobody_reports_without_end(cast, browse, at):
    for _ in range(REPORTS_A_DAY):
        reported(cast)

    answer = send(browse("chloe"), photo=(picture(), "phone.jpg"))

    assert answer.status_code == 422
    assert "tell the team directly" in answer.text
    assert not list(files.folder().iterdir())
    at("2027-03-30 09:00")
    assert send(browse("chloe")).status_code == 303


def test_a_photo_whose_fault_is_not_written_is_not_kept(cast, browse):
    chloe = browse("chloe")
    chloe.get(REPORT)

    with refusing("fault"):
        send(chloe, photo=(picture(), "phone.jpg"))

    assert list(files.folder().iterdir()) == []


def test_a_report_that_is_sent_twice_is_one(any_fablab, any_app):
    chloe = browser(any_app, "chloe")
    page = chloe.get(NEW).text
    fields = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page))
    fields |= {"what": WORDS, "usable": "yes"}

    def sent(**more):
        return chloe.post(REPORT, data=fields | more | {"photo": (picture(), "phone.jpg")})

    first, second, other = sent(), sent(), sent(what="The vice")

    assert (second.status_code, second.location) == (303, first.location)
    assert other.location not in (first.location, "")
    assert [said for _kind, said in entries()] == [WORDS, "The vice"]
    assert len(list(files.folder().glob("*-small.webp"))) == 2


def test_nor_by_many_at_once(any_fablab, any_app):
    for _ in range(REPORTS_A_DAY - 2):
        reported(any_fablab)
    barrier, told = Barrier(6), []

    def at_once():
        with any_app.app_context():
            barrier.wait()
            try:
                told.append(reported(any_fablab))
            except TooMany:
                told.append("too many")

    crowd = [Thread(target=at_once) for _ in range(6)]
    for each in crowd:
        each.start()
    for each in crowd:
        each.join()

    assert told.count("too many") == 4
    assert queries.reported_since(any_fablab.people["chloe"], clock.now() - A_DAY) == REPORTS_A_DAY


# Who may see it


def test_a_fault_is_read_by_its_reporter_and_by_whoever_looks_after_the_machine(cast, browse):
    add_annex(cast)
    address = f"{REPORT}/{reported(cast)}"

    assert "Chloé Navette" not in browse("chloe").get(address).text.partition("<main")[2]
    assert 'id="verdict-title"' not in browse("chloe").get(address).text
    for who in ("amina", "remi"):
        page = browse(who).get(address).text
        assert "Chloé Navette" in page
        assert 'id="verdict-title"' in page
    for who in ("bruno", "anouk", "dora"):
        assert browse(who).get(address).status_code == 404
    assert browse("remi").get(f"{REPORT}/{reported(cast, slug='laser')}").status_code == 404


def test_a_suspended_referent_looks_after_nothing(cast, browse):
    address = f"{REPORT}/{reported(cast)}"
    remi = browse("remi")
    assert remi.get(address).status_code == 200

    with writing() as session:
        of_remi = Membership.member_id == cast.people["remi"]
        until = clock.now() + timedelta(days=1)
        session.execute(update(Membership).where(of_remi).values(suspended_until=until))

    for page in (address, "/machines/bench/logbook", "/machines/bench/maintenance"):
        assert remi.get(page).status_code == 404


@pytest.mark.parametrize(
    ("who", "expires_on", "is_told"),
    [
        ("remi", date(2027, 3, 29), True),
        ("remi", date(2027, 3, 28), False),
        ("amina", date(2027, 3, 28), True),  # roles outlive a membership
    ],
)
def test_a_referent_whose_membership_expired_is_told_of_no_fault(cast, who, expires_on, is_told):
    with writing() as session:
        theirs = Membership.member_id == cast.people[who]
        session.execute(update(Membership).where(theirs).values(expires_on=expires_on))

    told = queries.caretakers(cast.place_id, cast.machine("bench").id, clock.now())

    assert (cast.people[who] in {reader.id for reader in told}) is is_told


def test_only_whoever_looks_after_the_machine_sorts_it(cast, browse, app):
    app.config["WTF_CSRF_ENABLED"] = False
    uid = reported(cast)
    laser = reported(cast, slug="laser")
    fields = {"state": "noted", "said": "", "revision": "0"}

    for who, status in (("chloe", 403), ("bruno", 404), ("remi", 303)):
        assert browse(who).post(f"{REPORT}/{uid}/verdict", data=fields).status_code == status
    assert browse("remi").post(f"/machines/laser/faults/{laser}/verdict").status_code == 404
    assert browse("chloe").post(f"{REPORT}/{uid}/repair").status_code == 403


def test_the_list_has_the_open_ones_and_others_when_asked(cast, browse):
    add_annex(cast)
    decided(cast, reported(cast, what="A squeak"), FaultState.NOTED)
    decided(cast, reported(cast, slug="laser", what="A flicker"), FaultState.REPAIRED, "New lamp")
    reported(cast, what="A crack")
    amina = browse("amina")

    def shown(query):
        page = amina.get(f"/manage/faults{query}").text
        return [words for words in ("A squeak", "A flicker", "A crack") if words in page]

    assert shown("") == ["A squeak", "A crack"]
    assert shown("?state=reported") == ["A crack"]
    assert shown("?state=closed") == ["A flicker"]
    assert shown("?state=all&machine=laser") == ["A flicker"]
    assert shown("?state=%C3%A9&machine=nothing&page=x") == ["A squeak", "A crack"]
    assert "A crack" not in browse("dora").get("/manage/faults").text
    assert count(queries.in_states(cast.place_id, OPEN)) == 2
    assert count(queries.unsorted_faults(cast.place_id)) == 1


def test_the_list_costs_the_same_however_many_there_are(cast, browse):
    amina = browse("amina")

    def statements():
        with counting(db.engine) as sent:
            amina.get("/manage/faults")
        return len(sent)

    reported(cast)
    one = statements()
    for _ in range(5):
        reported(cast)
    assert statements() == one <= 5


# Sorted


def test_a_restriction_is_read_wherever_the_machine_is_booked(any_fablab, any_app):
    add_referent(any_fablab)
    uid = reported(any_fablab)
    remi = browser(any_app, "remi")

    answer = submit(
        remi, f"{REPORT}/{uid}", f"{REPORT}/{uid}/verdict", state="restricted", said="Half speed."
    )

    assert answer.status_code == 303
    chloe = browser(any_app, "chloe")
    assert "Half speed." in chloe.get("/machines/bench").text
    assert "Half speed." in chloe.get("/bookings/new?machine=bench").text
    assert chloe.get("/planning/2027-03-30").text.count("Half speed.") == 2  # grid and list
    assert "Half speed." not in chloe.get("/machines/laser").text
    decided(any_fablab, uid, FaultState.REPAIRED, "Oiled")
    assert "Half speed." not in chloe.get("/machines/bench").text


def test_members_read_what_is_reported_and_not_by_whom(any_fablab, browse_any):
    add_referent(any_fablab)
    browse = browse_any
    reported(any_fablab, who="bruno")

    assert WORDS in browse("chloe").get("/machines/bench").text
    assert "Bruno" not in browse("chloe").get("/machines/bench").text
    assert WORDS not in browse(None).get("/machines/bench").text


def test_a_fault_stops_the_machine_until_it_is_repaired(any_fablab, any_app):
    add_referent(any_fablab)
    uid = reported(any_fablab)
    amina = browser(any_app, "amina")
    fields = {"state": "out_of_service", "said": "The belt is torn", "back_on": "2027-04-06"}

    answer = submit(amina, f"/manage/faults/{uid}", f"{REPORT}/{uid}/verdict", **fields)

    bench = any_fablab.machine("bench")
    assert answer.location == f"/manage/faults/{uid}"
    assert (bench.state, bench.state_reason) == (MachineState.OUT_OF_SERVICE, "The belt is torn")
    assert bench.back_on == date(2027, 4, 6)
    page = amina.get(f"/manage/faults/{uid}").text
    assert 'value="2027-04-06"' in page
    assert "<dt>Expected back on</dt>" in page
    mend = {"done": "A new belt", "part": "Belt 12", "cost": "12,5"}
    submit(amina, f"/manage/faults/{uid}", f"{REPORT}/{uid}/repair", **mend)
    assert any_fablab.machine("bench").is_in_service
    last = db.session.scalars(select(LogEntry).order_by(LogEntry.id.desc())).first()
    assert (last.kind, last.said) == (EntryKind.REPAIR, "A new belt")
    assert (last.part, last.cents) == ("Belt 12", 1250)
    assert the_fault().closed_at == clock.now()


def test_a_machine_with_two_faults_comes_back_with_the_second(cast):
    first, second = reported(cast), reported(cast)
    decided(cast, first, FaultState.LOCKED, "The belt")
    decided(cast, second, FaultState.STOPPED, "The lamp")

    decided(cast, first, FaultState.REPAIRED, "New belt")
    assert not cast.machine("bench").is_in_service
    decided(cast, second, FaultState.DISMISSED)
    assert cast.machine("bench").is_in_service


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"state": "restricted", "said": ""}, "said"),
        ({"state": "locked_out", "said": " "}, "said"),
        ({"state": "reported"}, "state"),
        ({"state": "repaired"}, "state"),
        ({"state": "out_of_service", "said": "Belt", "back_on": "2027-03-28"}, "back_on"),
        ({"state": "noted", "revision": "one"}, "revision"),
        ({"state": "noted", "revision": "9" * 5000}, "revision"),
    ],
)
def test_a_finding_that_cannot_be_read_changes_nothing(cast, browse, fields, field):
    uid = reported(cast)

    answer = submit(browse("amina"), f"{REPORT}/{uid}", f"{REPORT}/{uid}/verdict", **fields)

    assert answer.status_code == 422
    assert the_fault().state is FaultState.REPORTED
    if field != "revision":
        assert f'id="{field}-error"' in answer.text


def test_a_finding_that_does_not_say_what_it_saw_is_shown_how_it_stands(cast, browse):
    uid = reported(cast)
    fields = {"state": "noted", "said": "Seen", "revision": ""}

    answer = submit(browse("remi"), f"{REPORT}/{uid}", f"{REPORT}/{uid}/verdict", **fields)

    assert answer.status_code == 303
    assert the_fault().state is FaultState.REPORTED


@pytest.mark.parametrize("cost", ["-1", "1.234", "1e3", "a lot", "12345678"])
def test_a_cost_that_is_none_is_said_and_the_words_are_kept(cast, browse, cost):
    uid = reported(cast)
    mend = {"done": "A new belt", "cost": cost}

    answer = submit(browse("amina"), f"{REPORT}/{uid}", f"{REPORT}/{uid}/repair", **mend)

    assert answer.status_code == 422
    assert 'id="cost-error"' in answer.text
    assert "A new belt" in answer.text
    assert the_fault().closed_at is None


def test_what_the_team_sent_is_answered_among_its_pages(cast, browse):
    cast.book("bench", slot("2027-03-30 10:00-12:00"), "bruno")
    uid = reported(cast)
    menu = 'href="/manage/approvals"'

    def answered(who, **fields):
        return submit(browse(who), f"{REPORT}/{uid}", f"{REPORT}/{uid}/verdict", **fields)

    refused = answered("amina", state="locked_out", said="")
    concerned = answered("amina", state="locked_out", said="Sparks")

    assert (refused.status_code, menu in refused.text) == (422, True)
    assert (concerned.status_code, menu in concerned.text) == (409, True)
    assert menu not in answered("remi", state="locked_out", said="").text


def test_of_two_who_look_at_once_the_second_is_shown_how_it_stands(cast):
    uid = reported(cast)
    decided(cast, uid, FaultState.NOTED)
    verdict = Verdict(FaultState.DISMISSED)

    with pytest.raises(ChangedMeanwhile):
        faults.decide(uid, verdict, by=cast.people["remi"], now=clock.now(), revision=0)
    decided(cast, uid, FaultState.REPAIRED, "Oiled")
    with pytest.raises(AlreadyOver):
        faults.decide(uid, verdict, by=cast.people["remi"], now=clock.now())


# Told


def test_the_reporter_is_told_what_became_of_it(any_fablab):
    add_referent(any_fablab)
    with writing() as session:
        session.get(Member, any_fablab.people["chloe"]).language = "en"
    uid = reported(any_fablab)

    decided(any_fablab, uid, FaultState.STOPPED, "The belt is torn", back_on=date(2027, 4, 6))
    decided(any_fablab, uid, FaultState.REPAIRED, "A new belt")

    stopped, mended = mails("fault_sorted")
    assert stopped.recipient == mended.recipient == "chloe@atelier.example"
    for words in ("out of service", "expected back on", "6 April", "The belt is torn", WORDS):
        assert words in stopped.text
    assert "It is repaired." in mended.text
    assert "A new belt" in mended.text
    assert "/mails/stop/" in mended.unsubscribe


def test_one_s_own_reports_are_found_again_with_what_became_of_each(cast, browse, at):
    stopped = reported(cast)
    decided(cast, stopped, FaultState.REPAIRED, "A new belt")
    at("2027-03-29 15:00")
    later = reported(cast, what="It squeaks")
    reported(cast, who="bruno", what="It is mine")
    chloe = browse("chloe")

    page = chloe.get("/account/faults").text

    assert page.index(later) < page.index(stopped)  # the open one first
    for words in ("It squeaks", WORDS, "A new belt", "Repaired"):
        assert words in page
    assert "It is mine" not in page
    assert chloe.get(f"/machines/bench/faults/{stopped}").status_code == 200
    for way in ("/account/", "/machines/bench"):
        assert 'href="/account/faults"' in chloe.get(way).text


def test_a_report_of_a_machine_that_is_gone_leads_nowhere(cast, browse):
    uid = reported(cast)
    with writing() as session:
        bench = session.scalars(select(Machine).where(Machine.slug == "bench")).one()
        bench.state = MachineState.RETIRED

    page = browse("chloe").get("/account/faults").text

    assert WORDS in page
    assert uid not in page


def test_who_reported_nothing_reads_where_one_does(cast, browse):
    page = browse("bruno").get("/account/faults").text

    assert "You have reported no fault" in page
    assert 'href="/machines/"' in page
    assert browse(None).get("/account/faults").status_code == 303


def test_the_mail_speaks_french(cast):
    decided(cast, reported(cast), FaultState.RESTRICTED, "À mi-vitesse")

    mail = mails("fault_sorted")[0]
    assert "La machine reste utilisable, avec une restriction." in mail.text
    assert "À mi-vitesse" in mail.text


def test_who_wants_no_mail_of_faults_gets_none(cast):
    for who in ("chloe", "amina"):
        choices.refuse(cast.people[who], MailKind.FAULTS)

    decided(cast, reported(cast), FaultState.NOTED)

    recipients = {mail.recipient for mail in mails("fault_reported")}
    assert recipients == {"odile@atelier.example", "remi@atelier.example"}
    assert mails("fault_sorted") == []


def test_nobody_is_told_what_they_did_themselves(cast):
    decided(cast, reported(cast, who="amina"), FaultState.NOTED)

    assert "amina@atelier.example" not in {mail.recipient for mail in mails("fault_reported")}
    assert mails("fault_sorted") == []


def test_a_retired_machine_has_no_faults_to_look_at(cast, browse):
    uid = reported(cast)
    with writing() as session:
        bench = session.scalars(select(Machine).where(Machine.slug == "bench")).one()
        bench.state = MachineState.RETIRED

    assert browse("amina").get(f"/manage/faults/{uid}").status_code == 404
    assert count(queries.in_states(cast.place_id, OPEN)) == 0


@pytest.mark.parametrize(
    "page", ["/machines/bench", "/bookings/new?machine=bench&day=2027-03-30&start=14:00&end=15:00"]
)
def test_whoever_books_next_is_warned_of_what_should_not_be_used(cast, browse, page):
    warning = "Somebody reported that this machine should not be used:"
    reported(cast, is_usable=True)
    assert warning not in browse("bruno").get(page).text

    uid = reported(cast, "chloe", is_usable=False)

    shown = browse("bruno").get(page).text
    assert warning in shown
    assert WORDS in shown
    assert "Chloé" not in shown
    assert warning not in browse(None).get("/machines/bench").text
    decided(cast, uid, FaultState.NOTED)
    assert warning not in browse("bruno").get(page).text
