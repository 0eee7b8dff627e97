"""What an organization's managers see of the machines it owns, and do with them."""

import re
from datetime import date, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from sqlalchemy import update

from fablab import clock
from fablab.db import db, writing
from fablab.machines.agreement_models import SharingAgreement
from fablab.machines.inventory import of_place
from fablab.machines.models import Occupancy
from fablab.statements import queries as statements
from fablab.statements.gathering import account_of
from fablab.statements.kinds import Scope
from fablab.statements.rules import Period, total
from fablab.tariffs.kinds import Unit
from fablab.tariffs.models import Tariff
from fablab.upkeep import faults
from fablab.upkeep.faults import Report
from tests.booking.test_sharing import manage
from tests.conftest import share
from tests.home.test_pages import words
from tests.support import counting, slot, submit

PAGE = "/organizations/studio/machines"
DECLARE = f"{PAGE}/bench/outages"
ABSENCE = {
    "day": "2027-04-10",
    "start": "10:00",
    "end": "18:00",
    "end_day": "",
    "reason": "Chantier",
}


@pytest.fixture
def owner(fablab):
    manage(fablab, "bruno")
    share(fablab, ranges=((2, 10, 12),), notice_days=30, share=Decimal(60))
    return fablab


def test_its_managers_see_hours_amounts_and_faults_and_nobody(owner, browse, at):
    owner.book("bench", slot("2027-03-30 14:00-16:00"), "chloe", purpose="A secret lamp")
    owner.book("bench", slot("2027-03-31 14:00-15:00"), "bruno")
    owner.book("laser", slot("2027-03-31 16:00-17:00"), "amina")
    owner.book("bench", slot("2027-03-31 16:00-17:30"), "chloe")
    price(owner, "12.50")
    on_behalf_of_studio(owner, "bruno")
    machine = owner.machine("bench")
    report = Report("The vice is loose", True, None)
    faults.report(
        machine,
        report,
        place_id=owner.place_id,
        by=owner.people["chloe"],
        now=clock.now(),
        key="",
    )

    at("2027-03-31 16:30")
    page = words(browse("bruno").get(PAGE).text)

    assert "For others 2 h none" in page
    assert "For your organization 1 h none" in page
    assert "Booked still 1 h 30" in page
    assert "€25.00" in page
    assert "€15.00" in page
    assert "The vice is loose" in page
    assert "Laser" not in page
    for secret in ("Chloé", "Navette", "secret lamp", "Amina"):
        assert secret not in page


def test_on_paper_it_is_upright_says_the_month_and_asks_nothing(owner, browse):
    page = browse("bruno").get(PAGE, query_string={"month": "2027-02"}).text

    assert re.search(r'<html[^>]* data-running="[^"]*February 2027"', page)
    assert 'class="stack stack--wide statement"' in page
    asking = re.findall(r"<details[^>]*>", page)
    assert len(asking) == page.count("<summary>") == 2
    assert all('class="on-screen"' in each for each in asking)


def price(owner, price):
    with writing() as session:
        session.add(
            Tariff(
                uid=str(uuid4()),
                place_id=owner.place_id,
                machine_id=owner.machine("bench").id,
                unit=Unit.HOUR,
                price=Decimal(price),
                step=timedelta(minutes=15),
                first_day=date(2026, 1, 1),
                made_at=clock.now(),
            )
        )


def on_behalf_of_studio(owner, who):
    with writing() as session:
        theirs = Occupancy.member_id == owner.people[who]
        values = {"organization_id": owner.organization_id}
        session.execute(update(Occupancy.__table__).where(theirs).values(**values))


def test_the_page_and_the_owners_statement_say_the_same(owner, browse, at):
    """Also of a machine shared for less from the middle of the month on."""
    with writing() as session:
        session.execute(update(SharingAgreement).values(last_day=date(2027, 3, 30)))
    share(owner, first_day=date(2027, 3, 31), share=Decimal("33.33"))
    owner.book("bench", slot("2027-03-30 14:00-16:30"), "chloe")
    owner.book("bench", slot("2027-03-31 14:00-15:30"), "chloe")
    owner.book("bench", slot("2027-03-31 16:00-17:00"), "bruno")
    on_behalf_of_studio(owner, "bruno")
    price(owner, "12.35")

    at("2027-04-01 09:00")
    subject = statements.subject(Scope.OWNER, "studio", "", owner.place_id)
    march = Period(date(2027, 3, 1), date(2027, 3, 31))
    stated = account_of(subject, march, of_place(), clock.now()).lines
    page = browse("bruno").get(f"{PAGE}?month=2027-03").text

    others = total(line for line in stated if not line.is_own)
    # 30.88 € at 60 %, and 18.53 € at 33.33 %: each to the cent.
    assert (others.booked, others.amount, others.share) == (
        240,
        Decimal("49.41"),
        Decimal("24.71"),
    )
    assert "For others 4 h none" in words(page)
    assert "For your organization 1 h none" in words(page)
    assert "€49.41" in page
    assert "€24.71" in page
    link = page.split('href="/statements/preview?')[1].split('"')[0].replace("&amp;", "&")
    preview = browse("bruno").get(f"/statements/preview?{link}").text
    assert "€49.41" in preview
    assert "€24.71" in preview


def test_only_who_manages_it_reads_the_page(owner, browse):
    assert browse("chloe").get(PAGE).status_code == 404
    assert browse("amina").get(PAGE).status_code == 200  # the team
    assert PAGE in browse("bruno").get("/organizations/studio").text
    with writing() as session:
        session.execute(db.text("UPDATE organization_member SET is_manager = false"))
    assert browse("bruno").get(PAGE).status_code == 403


def test_a_month_without_anything_is_a_page_too(owner, browse):
    assert "none" in words(browse("bruno").get(f"{PAGE}?month=2026-12").text)
    assert browse("bruno").get(f"{PAGE}?month=2026-13").status_code == 404


def test_an_organization_without_machines_is_told_what_to_do(fablab, browse):
    manage(fablab, "bruno")

    assert "The organization owns no machine" in browse("bruno").get(PAGE).text


def test_an_owner_withdraws_the_machine_and_takes_it_back(owner, browse):
    answer = submit(browse("bruno"), PAGE, DECLARE, **ABSENCE)

    assert answer.status_code == 303
    page = browse("bruno").get(PAGE).text
    assert "Chantier" in page
    assert "Chantier" in browse("chloe").get("/planning/2027-04-10").text
    end = page.split(f'action="{DECLARE}/')[1].split('"')[0]
    assert submit(browse("bruno"), PAGE, f"{DECLARE}/{end}").status_code == 303
    assert "Chantier" not in browse("bruno").get(PAGE).text


def test_what_is_booked_then_is_shown_without_a_name_and_decided_on(owner, browse):
    uid = owner.book("bench", slot("2027-04-10 14:00-16:00"), "chloe")

    asked = submit(browse("bruno"), PAGE, DECLARE, **ABSENCE)

    assert asked.status_code == 409
    assert "14:00–16:00" in asked.text
    assert "Chloé" not in asked.text
    assert f"/bookings/{uid}" not in asked.text


@pytest.mark.parametrize(
    ("field", "typed"), [("day", "2027-13-01"), ("end", "09:00"), ("reason", "")]
)
def test_what_cannot_be_is_told_at_its_field(owner, browse, field, typed):
    answer = submit(browse("bruno"), PAGE, DECLARE, **ABSENCE | {field: typed})

    assert answer.status_code == 422
    assert f'id="{field}-bench-error"' in answer.text


def test_an_owner_gives_notice(owner, browse):
    action = f"{PAGE}/bench/notice"

    early = submit(browse("bruno"), PAGE, action, last_day="2027-04-27")
    assert early.status_code == 422
    assert "The notice that was agreed ends on Wednesday 28 April 2027." in early.text
    assert submit(browse("bruno"), PAGE, action, last_day="2027-04-28").status_code == 303

    assert owner.machine("bench").agreements[0].last_day == date(2027, 4, 28)


def test_a_machine_of_others_is_not_there(owner, browse):
    assert submit(browse("bruno"), PAGE, DECLARE, **ABSENCE).status_code == 303
    for address in ("laser/notice", "laser/outages", "nothing/notice"):
        answer = browse("bruno").post(f"{PAGE}/{address}")
        assert answer.status_code in (400, 404)


def test_the_page_costs_the_same_whatever_is_booked(owner, browse):
    reader = browse("bruno")
    reader.get(PAGE)
    for day in ("2027-03-30", "2027-03-31", "2027-04-01"):
        owner.book("bench", slot(f"{day} 14:00-15:00"), "chloe")

    with counting(db.engine) as statements:
        assert reader.get(PAGE).status_code == 200
    assert len(statements) <= 14
