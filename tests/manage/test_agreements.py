"""The team writes down what was agreed with a machine's owner, changes it, ends it."""

import re
from datetime import date
from io import BytesIO

import pytest

from fablab.db import db, writing
from fablab.machines.agreement_models import OwnerRange, SharingAgreement
from fablab.machines.models import Machine
from tests.conftest import share
from tests.manage.conftest import booking
from tests.support import counting, send, slot, submit

PAGE = "/manage/machines/bench/agreement"
FINE = {
    "first_day": "2027-04-01",
    "last_day": "",
    "notice_days": "60",
    "audiences": ["resident", "professional"],
    "weekday_0": "2",
    "opens_0": "09:00",
    "closes_0": "12:00",
    "release_hours": "24",
    "asks_owner": "y",
    "answer_hours": "48",
    "silence": "agrees",
    "insured_by": "both",
    "maintained_by": "owner",
    "insured_until": "2027-12-31",
    "share": "62,5",
    "terms": "Le lieu nettoie.",
}


@pytest.fixture
def owned(fablab):
    with writing() as session:
        machine = session.scalars(db.select(Machine).where(Machine.slug == "bench")).one()
        machine.owner_id = fablab.organization_id
    return fablab


def save(browse, page=PAGE, action=PAGE, **fields):
    return submit(browse("amina"), page, action, **FINE | fields)


def test_an_agreement_is_written_down_on_the_machines_page(owned, browse):
    answer = save(browse)

    assert (answer.status_code, answer.location) == (303, PAGE)
    row = db.session.query(SharingAgreement).one()
    assert (row.first_day, row.last_day, row.share) == (date(2027, 4, 1), None, 62.5)
    page = browse("amina").get(PAGE).text
    assert "Studio Fil, from 1 April 2027 on" in page
    assert "Tuesday 9:00–12:00. Unused, they are free for everybody 1 day before." in page
    assert "Professional, Resident" in page
    assert PAGE in browse("amina").get("/manage/machines/bench").text


@pytest.mark.parametrize(
    ("field", "typed", "says"),
    [
        ("last_day", "2027-03-31", "It ends before it begins."),
        ("share", "-1", "Give a share from 0 to 100"),
        ("share", "100.01", "Give a share from 0 to 100"),
        ("share", "٥٠", "Give a share from 0 to 100"),
        ("notice_days", "-5", "Give a whole number from 0 to 730."),
        ("answer_hours", "0", "Give a whole number from 1 to 720."),
        ("release_hours", "1.5", "Give a whole number from 0 to 720."),
        ("closes_0", "", "Give the day and both hours"),
        ("weekday_0", "", "Give the day and both hours"),
        ("opens_0", "25:00", "There is no such hour"),
        ("insured_until", "2027-02-30", "There is no such day"),
        ("first_day", "", "Choose a day."),
        ("audiences", "robots", "robots"),
        ("terms", "\0", "characters that nobody can see"),
    ],
)
def test_what_cannot_be_is_told_at_its_field_and_nothing_is_written(
    owned, browse, field, typed, says
):
    answer = save(browse, **{field: typed})

    assert answer.status_code == 422
    assert says in answer.text
    assert "Le lieu nettoie." in answer.text or field == "terms"
    assert db.session.query(SharingAgreement).count() == 0


NASTY = (
    *("", " ", "\0", "-1", "1e9", "9" * 400, "٣", "NaN", "9999-99-99", "99:99", "a" * 6000),
    *("%s%(x)s", "<b>", "\N{RIGHT-TO-LEFT OVERRIDE}x", "None", "y\r\nz"),
)
FIELDS = (*FINE, "revision", "weekday_6", "opens_6", "closes_6", "document")


@pytest.mark.parametrize("field", FIELDS)
def test_whatever_a_field_holds_is_taken_or_told_and_never_breaks(owned, browse, field):
    client = browse("amina")
    page = client.get(PAGE).text
    for typed in NASTY:
        answer = send(client, page, PAGE, **FINE | {field: typed})
        written = db.session.query(SharingAgreement).count()
        db.session.rollback()

        assert answer.status_code in (303, 422), (field, typed)
        assert written == (answer.status_code == 303), (field, typed)
        if answer.status_code == 422:
            assert 'id="refusal"' in answer.text
            assert "field__error" in answer.text or field == "revision", (field, typed)
        with writing() as session:
            session.query(OwnerRange).delete()
            session.query(SharingAgreement).delete()


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_that_is_missing_or_there_often_never_breaks(owned, browse, field):
    client, rest = browse("amina"), {name: each for name, each in FINE.items() if name != field}
    for fields in (rest, FINE | {field: ["2", "x", ""]}):
        answer = submit(client, PAGE, PAGE, **fields)

        assert answer.status_code in (303, 422), field
        with writing() as session:
            session.query(OwnerRange).delete()
            session.query(SharingAgreement).delete()


def test_hours_that_meet_are_refused_over_midnight_too(owned, browse):
    night = {"weekday_1": "1", "opens_1": "22:00", "closes_1": "09:30"}
    answer = save(browse, **night)

    assert answer.status_code == 422
    assert "The owner comes first in these hours already." in answer.text
    assert db.session.query(OwnerRange).count() == 0


@pytest.mark.parametrize(
    ("opens", "closes", "status"), [("12:00", "10:00", 422), ("22:00", "10:00", 303)]
)
def test_hours_the_wrong_way_round_are_told_from_a_night(owned, browse, opens, closes, status):
    answer = save(browse, weekday_0="3", opens_0=opens, closes_0=closes)

    assert answer.status_code == status
    assert ("These hours end before they begin" in answer.text) is (status == 422)
    assert db.session.query(OwnerRange).count() == (status == 303)


def test_days_of_another_agreement_are_refused(owned, browse):
    share(owned, first_day=date(2027, 1, 1), last_day=date(2027, 4, 1))

    answer = save(browse)

    assert answer.status_code == 422
    assert "Another agreement covers these days: 1 January 2027 to 1 April 2027." in answer.text
    assert db.session.query(SharingAgreement).count() == 1


def test_it_is_changed_in_the_form_that_shows_it(owned, browse):
    uid = share(owned, ranges=((1, 9, 12),))
    page = f"{PAGE}?edit={uid}"

    assert 'value="09:00"' in browse("amina").get(page).text
    answer = save(browse, page, f"{PAGE}/{uid}", first_day="2026-01-01", share="40")

    assert answer.status_code == 303
    assert owned.machine("bench").agreements[0].share == 40
    assert [each.weekday for each in owned.machine("bench").agreements[0].ranges] == [2]


def test_of_two_who_change_it_the_second_sees_what_the_first_did(owned, browse):
    uid = share(owned)
    browser = browse("amina")
    form = {**FINE, "first_day": "2026-01-01", "revision": "0"}
    token = browser.get(PAGE).text.split('name="csrf_token" value="')[1].split('"')[0]
    address = f"{PAGE}/{uid}"

    browser.post(address, data={**form, "csrf_token": token, "share": "10"})
    second = browser.post(address, data={**form, "csrf_token": token, "share": "90"})

    assert owned.machine("bench").agreements[0].share == 10
    assert second.status_code == 409
    assert "Somebody else changed it meanwhile, and nothing was saved" in second.text
    assert "10\N{NARROW NO-BREAK SPACE}%" in second.text  # as it is now
    assert 'value="90"' in second.text  # as it was typed
    assert "Le lieu nettoie." in second.text

    again = send(
        browser, second.text, address, **{**FINE, "first_day": "2026-01-01", "share": "90"}
    )
    assert again.status_code == 303
    assert owned.machine("bench").agreements[0].share == 90


def test_it_ends_on_the_day_that_is_chosen(owned, browse):
    uid = share(owned)
    action = f"{PAGE}/{uid}/end"

    early = submit(browse("amina"), PAGE, action, last_day="2027-03-28")
    assert early.status_code == 422
    assert "It ends on Monday 29 March 2027 at the earliest." in early.text
    assert submit(browse("amina"), PAGE, action, last_day="2027-04-30").status_code == 303

    assert owned.machine("bench").agreements[0].last_day == date(2027, 4, 30)


def test_who_booked_beyond_its_end_sees_it_on_the_screen(owned, browse):
    uid = share(owned)
    machine_id, bruno = owned.machine("bench").id, owned.people["bruno"]
    with writing() as session:
        session.add_all(
            made := [
                booking(machine_id, bruno, slot(f"2027-04-0{day} 10:00-12:00")) for day in (2, 6)
            ]
        )
        session.flush()
        kept, beyond = (f"/bookings/{each.uid}" for each in made)

    submit(browse("amina"), PAGE, f"{PAGE}/{uid}/end", last_day="2027-04-03")

    reader = browse("bruno")
    assert "The owner of the machine does not share it then." in reader.get(beyond).text
    assert "The owner of the machine does not share it then." not in reader.get(kept).text
    assert reader.get("/bookings/").text.count("Machine not shared") == 1
    assert "Bookings of a machine that is not shared then" in browse("amina").get("/manage/").text


def test_the_insurance_document_is_kept_and_handed_out(owned, browse):
    pdf = b"%PDF-1.7\n"
    answer = save(browse, document=(BytesIO(pdf), "assurance.pdf"))
    assert answer.status_code == 303
    uid = owned.machine("bench").agreements[0].uid

    got = browse("amina").get(f"{PAGE}/{uid}/document")

    assert (got.data, got.mimetype) == (pdf, "application/pdf")
    assert "attachment" in got.headers["Content-Disposition"]


def test_what_is_no_pdf_is_refused(owned, browse):
    answer = save(browse, document=(BytesIO(b"<svg/>"), "assurance.pdf"))

    assert answer.status_code == 422
    assert "This is no PDF." in answer.text
    assert db.session.query(SharingAgreement).count() == 0


def test_a_machine_of_the_place_says_where_to_name_its_owner(fablab, browse):
    page = browse("amina").get(PAGE).text

    assert "The place owns this machine." in page
    assert "/manage/machines/bench/edit" in page


def test_an_agreement_of_another_machine_is_none_of_this_one(owned, browse):
    uid = share(owned, "laser")

    assert browse("amina").get(f"{PAGE}/{uid}/document").status_code == 404


def test_an_insurance_that_ends_stands_among_what_is_to_do(owned, browse):
    share(owned, insured_until=date(2027, 3, 28))

    page = browse("amina").get("/manage/").text

    assert "Ended on" in page
    assert PAGE in page


def test_an_insurance_that_lasts_as_long_as_the_agreement_needs_nobody(owned, browse):
    share(owned, insured_until=date(2027, 3, 31), last_day=date(2027, 3, 31))
    amina = browse("amina")

    assert PAGE not in amina.get("/manage/").text
    assert "31 March 2027: in" not in amina.get(PAGE).text


def test_the_page_says_in_how_many_days_an_insurance_ends(owned, browse):
    share(owned, insured_until=date(2027, 3, 31))

    assert "31 March 2027: in 2 days" in browse("amina").get(PAGE).text


def test_whom_it_is_shared_with_is_ticked(owned, browse):
    page = browse("amina").get(PAGE).text

    assert re.search(r'<input[^>]*name="audiences"[^>]*type="checkbox"', page)


def test_its_page_costs_few_statements(owned, browse):
    share(owned, ranges=((1, 9, 12), (2, 9, 12)))
    reader = browse("amina")
    reader.get(PAGE)

    with counting(db.engine) as statements:
        assert reader.get(PAGE).status_code == 200
    assert len(statements) <= 14
