"""What an organization declares of its years, and leaving it of one's own accord."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select, update

from fablab.db import NotAllowed, db, writing
from fablab.machines.kinds import Status
from fablab.members.audit import AuditEntry
from fablab.organizations import commands, declarations
from fablab.organizations.commands import Doer
from fablab.organizations.models import Organization, OrganizationYear
from tests.booking.conftest import words
from tests.members.conftest import fields
from tests.organizations.test_views import PAGE, book_for, change, status_of, stay_of
from tests.support import instant, slot, submit

YEARS, LEAVING = f"{PAGE}/years", f"{PAGE}/leaving"


def declared():
    db.session.rollback()
    table = OrganizationYear.__table__
    return {
        row.year: (row.jobs, row.turnover)
        for row in db.session.execute(select(table).order_by(table.c.year))
    }


def declare(client, year=2026, **typed):
    page = f"{YEARS}/{year}"
    seen = fields(client.get(page).text)["seen"]
    return submit(client, page, page, **{"jobs": "", "turnover": "", "seen": seen} | typed)


def test_a_manager_declares_a_year_and_corrects_it(studio, who, at):
    maud = who("maud")
    assert f'href="{YEARS}/2026"' in maud.get(YEARS).text
    assert declare(maud, jobs="2,5", turnover="84\u202f200").location == YEARS
    at("2027-04-02 10:00")
    team = who("amina")
    assert "Declare a year" in team.get(YEARS).text
    filled = team.get(f"{YEARS}/2026").text
    assert "This year is declared" in filled
    assert 'value="2.5"' in filled
    assert 'value="84200"' in filled

    declare(team, jobs="2.75", turnover="84200")

    assert declared() == {2026: (Decimal("2.75"), Decimal(84200))}
    page = words(maud.get(YEARS).text)
    assert "2.75" in page
    assert "€84,200 " in page
    assert "2 Apr 2027, by Amina" in page
    first, second = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    assert first.before == {}
    assert second.before == {"organization": "Studio Fil", "jobs": "2.5", "turnover": "84200"}
    assert second.after["jobs"] == "2.75"
    assert second.made_by_id == studio.people["amina"]


def test_only_managers_the_team_and_accountants_read_it(studio, who):
    declare(who("maud"), turnover="84200")

    for name, status in {
        "maud": 200,
        "amina": 200,
        "anouk": 200,
        "bruno": 403,
        "chloe": 404,
        "remi": 404,
    }.items():
        answer = who(name).get(YEARS)
        assert answer.status_code == status, name
        assert ("84,200" in answer.text) == (status == 200)
    assert "84,200" not in who("bruno").get(PAGE).text
    assert 'name="turnover"' not in who("anouk").get(YEARS).text
    token = {"csrf_token": "", "jobs": "1"}
    assert "Declare a year" not in who("anouk").get(YEARS).text
    assert who("anouk").get(f"{YEARS}/2026").status_code == 403
    who("anouk").application.config["WTF_CSRF_ENABLED"] = False
    for name, status in {"anouk": 403, "bruno": 403, "chloe": 404}.items():
        assert who(name).post(f"{YEARS}/2026", data=token).status_code == status, name
    assert declared() == {2026: (None, Decimal(84200))}


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({}, "Write down one of the two at least."),
        ({"jobs": "two"}, "Write a number"),
        ({"jobs": "-1"}, "It cannot be less than zero."),
        ({"turnover": "\u22121"}, "It cannot be less than zero."),
        ({"turnover": "84 20"}, "Write a number"),
        ({"jobs": "1.005"}, "Write a number"),
        ({"turnover": "٣"}, "Write a number"),
        ({"turnover": "1e9"}, "Write a number"),
        ({"turnover": "9" * 13}, "Write a number"),
    ],
)
def test_what_is_no_figure_is_told_at_its_field(studio, who, typed, said):
    answer = declare(who("maud"), **typed)

    assert answer.status_code == 422
    assert said in words(answer.text)
    assert declared() == {}


def test_each_year_has_its_own_page_and_others_none(studio, who):
    maud = who("maud")
    declare(maud, 2025, jobs="1")

    declare(maud, 2026, jobs="2")

    assert declared() == {2025: (Decimal(1), None), 2026: (Decimal(2), None)}
    for year in ("2028", "1999", "0", "99999999999", "x"):
        assert maud.get(f"{YEARS}/{year}").status_code == 404


def test_what_was_declared_meanwhile_is_shown_and_never_replaced_unseen(studio, who):
    maud, amina = who("maud"), who("amina")
    page = f"{YEARS}/2026"
    blank = fields(maud.get(page).text)
    declare(amina, jobs="3,5", turnover="90000")

    answer = maud.post(page, data=blank | {"jobs": "1"})

    assert answer.status_code == 409
    assert "Somebody declared this year meanwhile" in words(answer.text)
    assert "Jobs 3.5 " in words(answer.text)
    assert 'value="1"' in answer.text
    assert declared() == {2026: (Decimal("3.5"), Decimal(90000))}
    assert maud.post(page, data=fields(answer.text) | {"jobs": "1"}).status_code == 303
    assert declared() == {2026: (Decimal(1), None)}


def test_decimals_are_written_as_the_language_does(studio, who):
    maud = who("maud")
    declare(maud, jobs="2,5")

    maud.set_cookie("language", "fr")

    assert 'value="2,5"' in maud.get(f"{YEARS}/2026").text


def test_of_a_year_without_an_author_only_the_day_is_said(studio, who):
    """As of what was brought in from elsewhere; somebody who left is another thing."""
    maud = who("maud")
    declare(maud, jobs="2.5")
    with writing() as session:
        session.execute(update(OrganizationYear).values(declared_by_id=None))

    page = words(maud.get(YEARS).text)

    assert "29 Mar 2027" in page
    assert "29 Mar 2027, by" not in page
    assert "somebody who left" not in page


def test_the_same_figures_again_leave_who_declared_them(studio):
    def declare_as(name, year=2026):
        declarations.declare(
            studio.organization_id,
            year,
            Decimal("1.5"),
            None,
            seen="",
            by=Doer(studio.people[name], name == "amina"),
            now=instant("2027-03-29 10:00"),
        )

    declare_as("maud")
    declare_as("amina")

    row = db.session.execute(select(OrganizationYear.__table__)).one()
    assert row.declared_by_id == studio.people["maud"]
    db.session.rollback()
    with pytest.raises(NotAllowed):
        declare_as("bruno")
    with pytest.raises(NotAllowed):
        declare_as("maud", 2028)


# Leaving


def test_whoever_is_in_it_leaves_with_a_last_day(studio, who):
    after = book_for(studio, "bruno", "2027-04-03 10:00-11:00")
    own = studio.book("bench", slot("2027-04-03 14:00-15:00"), "bruno")
    bruno = who("bruno")
    assert LEAVING in bruno.get(PAGE).text
    assert "1 booking to come on its behalf" in bruno.get(LEAVING).text

    answer = submit(bruno, LEAVING, LEAVING, until="2027-04-02", bookings="cancel")

    assert answer.location == "/organizations/"
    assert stay_of(studio, "bruno").until == date(2027, 4, 2)
    assert [status_of(each) for each in (after, own)] == [Status.CANCELLED, Status.CONFIRMED]
    assert who("chloe").get(LEAVING).status_code == 404
    assert who("amina").get(LEAVING).status_code == 404


def test_what_becomes_of_the_bookings_is_chosen_and_then_told(studio, who):
    after = book_for(studio, "bruno", "2027-04-03 10:00-11:00")
    bruno = who("bruno")
    assert "checked" not in bruno.get(LEAVING).text

    unsaid = submit(bruno, LEAVING, LEAVING, until="2027-04-02")

    assert unsaid.status_code == 422
    assert "Say what becomes of the bookings" in unsaid.text
    assert stay_of(studio, "bruno").until is None
    assert status_of(after) == Status.CONFIRMED

    answer = submit(bruno, LEAVING, LEAVING, until="2027-04-02", bookings="cancel")

    said = words(bruno.get(answer.location).text)
    assert "1 booking is cancelled." in said
    assert "You may book on its behalf until 2 Apr 2027" in said


@pytest.mark.parametrize("odd", ["", "2027-03-28", "\x00", "9999-12-31"])
def test_no_day_or_one_that_is_over_is_refused(studio, who, odd):
    answer = submit(who("bruno"), LEAVING, LEAVING, until=odd)

    assert answer.status_code == 422
    assert stay_of(studio, "bruno").until is None


def test_who_manages_it_alone_names_another_first(studio, who):
    maud = who("maud")
    alone = maud.get(LEAVING).text
    assert "You alone manage it" in alone
    assert 'name="until"' not in alone

    assert submit(maud, LEAVING, LEAVING, until="2027-04-30").status_code == 422
    assert stay_of(studio, "maud").until is None
    change(maud, studio, "bruno", is_manager="y")
    assert "You alone manage it" not in maud.get(LEAVING).text
    assert submit(maud, LEAVING, LEAVING, until="2027-04-30").status_code == 303


def test_erasing_ones_account_warns_who_manages_one_alone(studio, who):
    assert "You alone manage Studio Fil" in who("maud").get("/account/erasure").text
    assert "You alone manage" not in who("bruno").get("/account/erasure").text
    change(who("maud"), studio, "bruno", is_manager="y")

    assert "You alone manage" not in who("maud").get("/account/erasure").text


def test_the_team_sees_an_organization_that_nobody_manages(studio, who):
    assert "Organizations that nobody manages" not in who("amina").get("/manage/").text
    commands.set_stay(
        studio.organization_id,
        studio.people["maud"],
        is_manager=False,
        activity="",
        until=None,
        by=Doer(studio.people["amina"], True),
        now=instant("2027-03-29 10:00"),
    )

    page = who("amina").get("/manage/").text

    assert "Organizations that nobody manages" in page
    assert "Studio Fil" in page


# What the team knows of it


def test_the_team_writes_down_its_number_its_prices_and_its_code(studio, who):
    amina, there = who("amina"), "/manage/organizations/studio"
    typed = {"name": "Studio Fil", "kind": "company"}
    numbered = typed | {"siren": "012 345 674", "audience": "professional", "customer_code": "C12"}

    assert submit(amina, there, there, **numbered).status_code == 303

    row = db.session.execute(select(Organization.__table__)).first()
    assert (row.siren, row.audience, row.customer_code) == ("012345674", "professional", "C12")
    page = amina.get(there).text
    assert 'value="012345674"' in page
    assert "Professional" in page.partition("What the team did")[2]
    for wrong in ("012345675", "12345674", "٠١٢٣٤٥٦٧٤", "0123456740"):
        refused = submit(amina, there, there, **numbered | {"siren": wrong})
        assert refused.status_code == 422
        assert "This is no SIREN number" in refused.text
    for wrong in ("staff", "x"):
        refused = submit(amina, there, there, **numbered | {"audience": wrong})
        assert refused.status_code == 422
