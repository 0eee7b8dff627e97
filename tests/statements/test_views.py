"""The pages of statements: who sees which, what they say, what they do."""

import csv
import hashlib
import io
import json
import re
from datetime import date, timedelta
from decimal import Decimal
from html import unescape

import pytest
from sqlalchemy import select, update

from fablab.db import db, writing
from fablab.machines.kinds import Status
from fablab.machines.models import Machine
from fablab.members.kinds import Audience
from fablab.members.models import Member
from fablab.places.models import Place
from fablab.slots import Slot
from fablab.statements import proofs
from fablab.statements.kinds import Scope
from fablab.statements.models import Statement
from fablab.statements.rules import Period, total
from fablab.tariffs.models import Tariff
from tests.booking.conftest import words
from tests.conftest import browser, share
from tests.statements.conftest import IN_APRIL
from tests.statements.test_gathering import consume
from tests.support import counting, instant, send, submit

MARCH = "first=2027-03-01&last=2027-03-31"
CAST = [None, "amina", "zoe", "bruno", "chloe", "oscar", "remi"]


@pytest.fixture
def stage(workshop, at):
    """In April: Chloé used the laser for her activity and for herself, Bruno's studio owns it."""
    at("2027-04-02 09:00")
    workshop.person("oscar", activity="")  # an ordinary one of the studio's people
    workshop.person("remi")  # of the place, and of nothing else
    with writing() as session:
        session.get(
            Machine, workshop.fablab.machine("laser").id
        ).owner_id = workshop.fablab.organization_id
    workshop.for_studio("laser", "2027-03-30 10:00-11:00", "chloe", activity="lamps")
    workshop.for_studio("bench", "2027-03-30 10:00-11:00", "bruno")
    workshop.used("laser", "2027-03-30 12:00-13:00", "chloe")
    return workshop


SUBJECTS = {
    Scope.ORGANIZATION: lambda stage: stage.subject(),
    Scope.ACTIVITY: lambda stage: stage.subject(Scope.ACTIVITY, activity="lamps"),
    Scope.MEMBER: lambda stage: stage.member("chloe"),
    Scope.OWNER: lambda stage: stage.subject(Scope.OWNER),
}


def preview(stage, scope, days=MARCH):
    subject = SUBJECTS[scope](stage)
    activity = f"&activity={subject.activity}" if subject.activity else ""
    return f"/statements/preview?scope={scope.value}&of={subject.of}{activity}&{days}"


# Whom each page is open to; 403 where they may know of it, 404 where they may not, 303 a visitor.
READERS = {
    Scope.ORGANIZATION: {"amina", "zoe", "bruno"},
    Scope.ACTIVITY: {"amina", "zoe", "bruno", "chloe"},
    Scope.MEMBER: {"amina", "zoe", "chloe"},
    Scope.OWNER: {"amina", "zoe", "bruno"},
}


@pytest.mark.parametrize("scope", list(Scope))
def test_each_statement_is_open_to_whom_it_concerns_and_to_nobody_else(app, stage, scope):
    uid = stage.close(SUBJECTS[scope](stage))
    pages = [preview(stage, scope), *(f"/statements/{uid}{kind}" for kind in ("", ".csv", ".json"))]

    for who in CAST:
        expected = 303 if who is None else 200 if who in READERS[scope] else 404
        found = {page: browser(app, who).get(page).status_code for page in pages}
        assert set(found.values()) == {expected}, (who, found)


ROLES = {
    "/manage/statements": {"amina": 200, "zoe": 200},
    "/manage/statements/columns": {"amina": 200, "zoe": 200},
    "/organizations/studio/statements": {
        "amina": 200,
        "zoe": 200,
        "bruno": 200,
        "remi": 404,
    },
    "/account/statements": dict.fromkeys(CAST, 200),
}


@pytest.mark.parametrize("page", list(ROLES))
def test_each_list_is_open_to_whom_it_is_for(app, stage, page):
    for who in CAST:
        expected = 303 if who is None else ROLES[page].get(who, 403)
        assert browser(app, who).get(page).status_code == expected, who


@pytest.mark.parametrize("page", ["statements", "years"])
def test_the_way_back_from_an_organizations_pages_is_open(app, stage, page):
    for who, back in (
        ("zoe", "/manage/organizations"),
        ("amina", "/organizations/studio"),
        ("bruno", "/organizations/studio"),
    ):
        client = browser(app, who)
        shown = client.get(f"/organizations/studio/{page}").text
        trail = shown[shown.index('class="breadcrumbs') :].partition("</nav>")[0]
        assert f'href="{back}"' in trail, who
        assert client.get(back).status_code == 200


NAMES = ("Chloé Navette", "Bruno Lefil")


@pytest.mark.parametrize(
    ("who", "scope", "names"),
    [
        ("amina", Scope.ORGANIZATION, NAMES),
        ("zoe", Scope.ORGANIZATION, NAMES),
        ("bruno", Scope.ORGANIZATION, NAMES),
        ("amina", Scope.OWNER, ("Bruno Lefil",)),
        ("zoe", Scope.OWNER, ()),
        ("chloe", Scope.ACTIVITY, ("Chloé Navette",)),
    ],
)
def test_names_are_seen_by_those_who_may(app, stage, who, scope, names):
    """Of an owner's statement by nobody: the team's own name stands in the frame alone."""
    uid = stage.close(SUBJECTS[scope](stage))
    client = browser(app, who)

    for page in (f"/statements/{uid}", f"/statements/{uid}.json", f"/statements/{uid}.csv"):
        body = re.sub(r"<header.*?</header>", "", client.get(page).text, flags=re.S)
        found = {name for name in NAMES if name in body}
        assert found <= (set() if scope is Scope.OWNER else set(names))
        if not page.endswith(".csv") and scope is not Scope.OWNER:
            assert found == set(names)


def test_an_activity_that_others_share_is_for_who_manages_it(app, stage):
    stage.for_studio("bench", "2027-03-30 14:00-15:00", "bruno", activity="lamps")
    uid = stage.close(SUBJECTS[Scope.ACTIVITY](stage))

    assert browser(app, "chloe").get(f"/statements/{uid}").status_code == 404
    assert browser(app, "chloe").get(preview(stage, Scope.ACTIVITY)).status_code == 404
    assert browser(app, "bruno").get(f"/statements/{uid}").status_code == 200


def test_a_shared_activity_is_neither_listed_nor_told_of_by_a_part_of_its_month(app, stage):
    stage.for_studio("bench", "2027-03-30 14:00-15:00", "bruno", activity="lamps")
    uid = stage.close(SUBJECTS[Scope.ACTIVITY](stage))
    alone = preview(stage, Scope.ACTIVITY, "first=2027-03-31&last=2027-03-31")

    assert uid not in browser(app, "chloe").get("/account/statements").text
    assert browser(app, "chloe").get(alone).status_code == 404
    assert uid in browser(app, "bruno").get(alone).text
    stage.entrepreneur("zoe", "lamps")
    assert uid in browser(app, "zoe").get("/account/statements").text


def test_an_activity_of_ones_own_is_listed(app, stage):
    uid = stage.close(SUBJECTS[Scope.ACTIVITY](stage))

    assert uid in browser(app, "chloe").get("/account/statements").text
    assert uid in browser(app, "chloe").get(preview(stage, Scope.ACTIVITY)).text


def test_of_an_owner_the_lists_tell_the_share_and_say_so(app, stage):
    amina = browser(app, "amina")
    page = "/manage/statements?month=2027-03"

    assert amina.get(page).text.count("(their share)") == 1
    asked = submit(amina, page, "/manage/statements").text
    assert unescape(asked).count("Owner's part €") == 1


def test_a_statement_of_another_place_is_none(app, stage):
    uid = stage.close()
    with writing() as session:
        session.add(
            Place(slug="annexe", name="Annexe", address="", position=9, created_at=IN_APRIL)
        )

    assert browser(app, "amina").get(f"/statements/{uid}?place=annexe").status_code == 404
    assert browser(app, "amina").get(f"/statements/{uid}?place=atelier").status_code == 200


def test_the_month_lists_all_whose_statements_there_are_with_their_sums(app, stage):
    page = browser(app, "amina").get("/manage/statements").text

    assert "March 2027" in page
    for name in ("Studio Fil", "Studio Fil, activity lamps", "Chloé Navette", "own machines"):
        assert name in page
    assert "€40.00" in page
    assert "4 statements to close" in page


def test_one_kind_can_be_looked_at_alone(app, stage):
    page = browser(app, "amina").get("/manage/statements?scope=member").text

    assert "Chloé Navette" in page
    assert "own machines" not in page


def test_a_month_in_which_nothing_was_used_says_so(app, stage):
    page = browser(app, "amina").get("/manage/statements?month=2026-05").text

    assert "Nothing was used in this month." in page


@pytest.mark.parametrize(
    "month", ["2027-13", "x", "2027-3", "9999-12", "1999-12", "2201-01", "٢٠٢٧-٠٣", "2027-03-01"]
)
def test_what_is_no_month_is_not_found(app, stage, month):
    assert browser(app, "amina").get(f"/manage/statements?month={month}").status_code == 404


@pytest.mark.parametrize(("month", "leads_to"), [("2000-01", "2000-02"), ("2200-12", "2200-11")])
def test_no_month_leads_beyond_the_first_and_the_last(app, stage, month, leads_to):
    page = browser(app, "amina").get(f"/manage/statements?month={month}").text

    found = set(re.findall(r'href="/manage/statements\?month=(\d{4}-\d\d)', page)) - {month}
    assert found == {leads_to}


def test_all_of_a_month_are_closed_in_one_go(app, stage):
    zoe = browser(app, "zoe")
    asked = submit(zoe, "/manage/statements", "/manage/statements", month="2027-03")
    answer = send(zoe, asked.text, "/manage/statements", confirm="1")

    assert answer.status_code == 303
    assert len(db.session.scalars(select(Statement.uid)).all()) == 4
    again = submit(
        browser(app, "zoe"),
        "/manage/statements/columns",
        "/manage/statements",
        month="2027-03",
    )
    assert again.status_code == 303
    assert len(db.session.scalars(select(Statement.uid)).all()) == 4


def test_a_statement_is_looked_at_then_closed_and_shows_its_fingerprint(app, stage):
    zoe = browser(app, "zoe")
    page = zoe.get(preview(stage, Scope.ORGANIZATION)).text
    assert "This statement is not an invoice." in page
    assert "€28.00" in page

    asked = submit(zoe, preview(stage, Scope.ORGANIZATION), "/statements")
    answer = send(zoe, asked.text, "/statements", confirm="1")

    assert answer.status_code == 303
    sha256 = db.session.scalar(select(Statement.sha256))
    assert sha256 in zoe.get(answer.location).text


def test_what_is_closed_keeps_its_currency_in_the_lists(app, stage):
    stage.close()
    stage.terms(currency="CHF")

    mine = browser(app, "bruno").get("/organizations/studio/statements").text
    month = browser(app, "zoe").get("/manage/statements?month=2027-03").text

    assert "€40.00" in mine
    assert "CHF" not in mine
    shown = {row[0]: row[-1] for row in rows_of(month)[1:]}
    assert shown["Studio Fil"] == "€40.00"
    assert shown["Chloé Navette"].startswith("CHF")
    assert shown["Total of organizations and members"].replace("\xa0", "") == "CHF28.00 + €40.00"


def test_an_earlier_month_that_is_still_open_is_pointed_out_to_who_closes(app, stage):
    stage.for_studio("bench", "2027-01-12 10:00-11:00", "bruno")
    stage.for_studio("bench", "2027-02-10 10:00-11:00", "chloe", activity="lamps")
    zoe, hint = browser(app, "zoe"), "An earlier period is still open"

    page = zoe.get(preview(stage, Scope.ORGANIZATION)).text

    assert hint in page
    assert "Statement of January 2027" in page
    january = preview(stage, Scope.ORGANIZATION, "first=2027-01-01&last=2027-01-31")
    assert january.replace("&", "&amp;") in page
    assert hint not in zoe.get(january).text
    assert "Statement of February 2027" in zoe.get(preview(stage, Scope.ACTIVITY)).text
    assert hint not in zoe.get(preview(stage, Scope.MEMBER)).text
    assert hint not in browser(app, "bruno").get(preview(stage, Scope.ORGANIZATION)).text


def rows_of(page):
    """The cells of all tables of a page, row by row."""
    return [
        [
            re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", cell)).strip()
            for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S)
        ]
        for row in re.findall(r"<tr>(.*?)</tr>", page, re.S)
    ]


def test_before_one_is_closed_a_page_says_what_and_who_is_told(app, stage):
    zoe = browser(app, "zoe")

    asked = submit(zoe, preview(stage, Scope.ORGANIZATION), "/statements")

    assert asked.status_code == 200
    assert db.session.scalar(select(Statement.uid)) is None
    assert "March 2027" in asked.text
    assert "This cannot be undone." in asked.text
    assert rows_of(asked.text)[1:] == [["Studio Fil", "2", "2 h", "–", "€40.00", "Bruno Lefil"]]


def test_before_all_of_a_month_are_closed_a_page_says_which_and_who_is_told(app, stage):
    stage.terms(late_percent=0)
    zoe = browser(app, "zoe")

    with counting(db.engine) as statements:
        asked = submit(zoe, "/manage/statements", "/manage/statements", month="2027-03")

    assert asked.status_code == 200
    assert db.session.scalar(select(Statement.uid)) is None
    assert "Close 4 statements?" in asked.text
    assert {row[0]: row[-1] for row in rows_of(asked.text)[1:]} == {
        "Studio Fil": "Bruno Lefil",
        "Studio Fil, activity lamps": "Bruno Lefil, Chloé Navette",
        "Chloé Navette": "Chloé Navette",
        "Studio Fil, own machines": "Bruno Lefil",
    }
    assert len(statements) <= 2 * 14


def test_a_statement_that_tells_nobody_says_so(app, stage):
    with writing() as session:
        session.execute(
            update(Member).values(confirmed_at=None).where(Member.first_name == "Bruno")
        )

    asked = submit(browser(app, "zoe"), preview(stage, Scope.ORGANIZATION), "/statements")

    assert rows_of(asked.text)[1][-1] == "nobody"


@pytest.mark.parametrize("of_month", [True, False])
def test_what_changed_since_it_was_shown_is_shown_anew_and_not_closed(app, stage, of_month):
    zoe = browser(app, "zoe")
    page = "/manage/statements" if of_month else preview(stage, Scope.ORGANIZATION)
    action = "/manage/statements" if of_month else "/statements"
    asked = submit(zoe, page, action)
    stage.for_studio("bench", "2027-03-31 10:00-11:00", "bruno")

    answer = send(zoe, asked.text, action, confirm="1")

    assert "Something changed since this page was shown." in answer.text
    assert "€52.00" in answer.text
    assert db.session.scalar(select(Statement.uid)) is None
    assert send(zoe, answer.text, action, confirm="1").status_code == 303


def test_a_sum_that_changed_since_it_was_shown_is_shown_anew(app, stage):
    zoe = browser(app, "zoe")
    asked = submit(zoe, preview(stage, Scope.ORGANIZATION), "/statements")
    with writing() as session:
        session.execute(update(Tariff).values(price=Decimal(50)))
        session.execute(update(Place).values(revision=Place.revision + 1))

    answer = send(zoe, asked.text, "/statements", confirm="1")

    assert "Something changed since this page was shown." in answer.text
    assert db.session.scalar(select(Statement.uid)) is None


def test_before_an_owners_is_closed_its_amount_and_their_part_are_shown(app, stage):
    share(stage.fablab, "laser")
    zoe = browser(app, "zoe")
    total = zoe.get(preview(stage, Scope.OWNER)).text.partition("Total</th>")[2]
    amount, part = re.findall(r"<b>(.+?)</b>", total.partition("</tr>")[0])

    asked = submit(zoe, preview(stage, Scope.OWNER), "/statements").text

    assert (amount, part) == ("€28.00", "€14.00")
    row = words(asked.partition("own machines</th>")[2].partition("</tr>")[0])
    assert f"{amount} Owner's part {part}" in row
    assert row.startswith(" 2 2 h ")


def test_whoever_confirms_twice_closes_once(app, stage):
    zoe = browser(app, "zoe")
    asked = submit(zoe, preview(stage, Scope.ORGANIZATION), "/statements")

    once, twice = (send(zoe, asked.text, "/statements", confirm="1") for _ in range(2))

    assert once.status_code == twice.status_code == 303
    assert once.location == twice.location


@pytest.mark.parametrize("who", ["bruno", "chloe", "remi"])
def test_who_does_not_keep_the_accounts_closes_nothing(app, stage, who):
    app.config["WTF_CSRF_ENABLED"] = False
    fields = {"scope": "organization", "of": "studio", "first": "2027-03-01", "last": "2027-03-31"}

    answer = browser(app, who).post("/statements", data=fields)

    assert answer.status_code == 403
    assert (
        browser(app, who).post("/manage/statements", data={"month": "2027-03"}).status_code == 403
    )
    assert db.session.scalar(select(Statement.uid)) is None


def test_a_month_that_is_not_over_can_be_looked_at_and_not_closed(app, stage):
    april = preview(stage, Scope.ORGANIZATION, "first=2027-04-01&last=2027-04-30")
    stage.for_studio("bench", "2027-04-01 10:00-11:00")
    zoe = browser(app, "zoe")

    page = zoe.get(april).text

    assert "The period is not over" in page
    assert "Close this statement" not in page
    app.config["WTF_CSRF_ENABLED"] = False
    fields = {"scope": "organization", "of": "studio", "first": "2027-04-01", "last": "2027-04-30"}
    refused = zoe.post("/statements", data=fields)
    assert refused.status_code == 422
    assert "The period is not over" in refused.text


@pytest.mark.parametrize(
    ("days", "error"),
    [
        ("first=2027-02-30&last=2027-03-31", "There is no such day"),
        ("first=&last=2027-03-31", "Choose a day."),
        ("first=2027-03-31&last=2027-03-01", "It is before the first day."),
        ("first=2025-03-01&last=2027-03-01", "A statement is of a year at most."),
        ("first=0001-01-01&last=2027-03-01", "Choose a day of this century."),
        ("first=x&last=9999-12-31", "Choose a day of this century."),
    ],
)
def test_a_period_that_cannot_be_is_told_at_its_field(app, stage, days, error):
    answer = browser(app, "zoe").get(preview(stage, Scope.ORGANIZATION, days))

    assert answer.status_code == 422
    assert error in answer.text


@pytest.mark.parametrize(
    "odd",
    [
        "scope=nobody&of=studio",
        "scope=organization&of=none",
        "scope=organization&of=stu%E2%80%AEdio",
        "scope=activity&of=studio",
        "scope=activity&of=studio&activity=%E2%80%AE",
        "scope=member&of=1",
        "",
    ],
)
def test_what_is_of_nobody_is_not_found(app, stage, odd):
    assert browser(app, "amina").get(f"/statements/preview?{odd}&{MARCH}").status_code == 404


def test_the_proof_verifies_from_the_file_alone(app, stage):
    uid = stage.close()

    file = json.loads(browser(app, "zoe").get(f"/statements/{uid}.json").text)

    text = json.dumps(file["statement"], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert hashlib.sha256(text.encode()).hexdigest() == file["sha256"]
    assert sorted(file["people"].values()) == ["Bruno Lefil", "Chloé Navette"]


def table(client, uid, separator=";"):
    text = client.get(f"/statements/{uid}.csv").data.decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text), delimiter=separator))


def cells_of(client, address):
    """The lines of a statement, as they are read."""
    page = client.get(address).text
    lines = page.partition('id="lines"')[2].partition("</section>")[0]
    return [
        [
            re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", cell)).strip()
            for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S)
        ]
        for row in re.findall(r"<tr>(.*?)</tr>", lines, re.S)
    ][1:]


def test_each_line_says_the_hour_it_began_at_on_the_places_clock(app, stage):
    """In summer time, two hours after UTC; on the screen and in the file."""
    zoe = browser(app, "zoe")
    looked_at = cells_of(zoe, preview(stage, Scope.ORGANIZATION))
    uid = stage.close()

    for cells in (looked_at, cells_of(zoe, f"/statements/{uid}")):
        assert [each[0] for each in cells] == ["30 Mar 2027 10:00"] * 2
    headings, *lines = table(zoe, uid)
    assert {line[headings.index("hour")] for line in lines} == {"10:00"}


def test_what_is_taken_back_has_one_sign_for_hours_and_amounts(app, stage):
    uid = stage.for_studio("bench", "2027-03-29 10:00-12:00", "bruno")
    stage.close()
    stage.change(uid, status=Status.CANCELLED, standing=False)
    stage.for_studio("bench", "2027-04-01 08:00-09:00", "bruno")
    april = stage.close(period=Period(date(2027, 4, 1), date(2027, 4, 1)))

    [_used, correction] = cells_of(browser(app, "zoe"), f"/statements/{april}")

    assert (correction[4], correction[-1]) == ("\N{MINUS SIGN}2 h", "\N{MINUS SIGN}€24.00")


@pytest.mark.parametrize(
    ("unit", "price", "said"), [("sheet", "4.50", "60 × sheet"), ("g", "0.0333", "60 g")]
)
def test_so_many_of_a_unit_are_said_without_a_plural(app, stage, unit, price, said):
    used = stage.for_studio("laser", "2027-03-31 10:00-11:00", "chloe")
    consume(stage, used, "Plywood", price, "60", unit=unit)

    [supply] = [
        cells
        for cells in cells_of(browser(app, "zoe"), f"/statements/{stage.close()}")
        if "Plywood" in cells
    ]

    assert supply[7:9] == [said, f"€{price}"]


def test_the_words_of_the_table_are_in_the_places_language(app, stage):
    """Whoever asks for it; the proof keeps its codes, for what is hashed is of no language."""
    uid, amina = stage.close(), browser(app, "amina")
    submit(
        amina,
        "/manage/statements/columns",
        "/manage/statements/columns",
        separator=";",
        decimal_mark=",",
        turn_kind="1",
        turn_unit="2",
        turn_audience="3",
    )
    stage.change(
        stage.for_studio("bench", "2027-03-31 10:00-11:00"), audience=Audience.PROFESSIONAL
    )
    member = stage.close(stage.member("chloe"))

    for language, used in (("fr", "Utilisation"), ("en", "Use")):
        stage.terms(language=language)
        assert table(amina, uid)[1][:2] == [used, "h"]
        assert proofs.exported(uid, "csv").splitlines()[1].startswith(f"{used};h;")
    assert '"kind": "use"' in amina.get(f"/statements/{member}.json").text


@pytest.mark.parametrize("turn", ["\u0663", "1e1", "0", "100", "-1", "1.0", "x"])
def test_a_turn_is_a_number_in_our_digits(app, stage, turn):
    page = "/manage/statements/columns"
    fields = {"separator": ";", "decimal_mark": ",", "turn_unit": "2"}

    answer = submit(browser(app, "amina"), page, page, **fields, turn_kind=turn)

    assert answer.status_code == 422
    assert "From 1 to 99, or empty to leave it out." in answer.text


def test_on_paper_each_sheet_says_whose_it_is_and_whether_it_is_closed(app, stage):
    uid, zoe = stage.close(), browser(app, "zoe")

    closed = zoe.get(f"/statements/{uid}").text
    looked_at = zoe.get(preview(stage, Scope.OWNER)).text
    assert "data-running" not in zoe.get(preview(stage, Scope.ORGANIZATION)).text

    running = r'<html[^>]* data-running="([^"]*)"'
    assert re.search(running, closed)[1] == "Usage statement: Studio Fil · March 2027"
    assert re.search(running, looked_at)[1].endswith("own machines · March 2027 · not closed")


def test_the_table_says_what_a_grant_covered(app, stage):
    stage.grant(30)
    uid, zoe = stage.close(), browser(app, "zoe")

    headings, *lines = table(zoe, uid)

    told = [headings.index(name) for name in ("quantity", "unit_price", "covered_hours", "amount")]
    found = sorted([line[column] for column in told] for line in lines)
    assert sum(float(line[2].replace(",", ".")) for line in found) == 0.5
    [covered] = [line for line in found if line[2] == "0,50"]
    assert covered in (["1,00", "28,00", "0,50", "14,00"], ["1,00", "12,00", "0,50", "6,00"])


def test_the_table_has_the_columns_that_the_place_chose(app, stage):
    stage.terms(vat_text="TVA non applicable, art. 293 B du CGI")
    uid, zoe = stage.close(), browser(app, "zoe")
    headings, *lines = table(zoe, uid)
    assert headings[0] == "customer_code"
    assert sorted(line[headings.index("amount")] for line in lines) == ["12,00", "28,00"]
    assert {line[headings.index("vat_text")] for line in lines} == {
        "TVA non applicable, art. 293 B du CGI"
    }

    answer = submit(
        zoe,
        "/manage/statements/columns",
        "/manage/statements/columns",
        separator=",",
        decimal_mark=".",
        turn_amount="1",
        turn_activity="2",
        word_activity="Section",
    )

    assert answer.status_code == 303
    headings, *lines = table(zoe, uid, ",")
    assert headings == ["amount", "Section"]
    assert sorted(lines) == [["12.00", ""], ["28.00", "lamps"]]


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({}, "Choose one column at least"),
        ({"turn_amount": "0"}, "From 1 to 99"),
        ({"turn_amount": "x"}, "From 1 to 99, or empty to leave it out."),
        ({"turn_amount": "1", "separator": ","}, "A comma cannot stand both"),
        ({"turn_amount": "1", "word_amount": "a" * 61}, "60 characters at most"),
        ({"turn_amount": "1", "word_amount": "a\x00b"}, "characters that nobody can see"),
        ({"turn_amount": "1", "separator": "|"}, "Not a valid choice"),
    ],
)
def test_columns_that_cannot_be_are_told_at_their_field(app, stage, fields, error):
    sent = {"separator": ";", "decimal_mark": ","} | fields

    answer = submit(
        browser(app, "zoe"), "/manage/statements/columns", "/manage/statements/columns", **sent
    )

    assert answer.status_code == 422
    assert error in answer.text


def test_each_finds_the_way_to_their_statements(app, stage):
    uid = stage.close(stage.member("chloe"))
    stage.close()

    assert "/account/statements" in browser(app, "chloe").get("/account/").text
    assert f"/statements/{uid}" in browser(app, "chloe").get("/account/statements").text
    assert "/organizations/studio/statements" in (
        browser(app, "bruno").get("/organizations/studio").text
    )
    mine = browser(app, "bruno").get("/organizations/studio/statements").text
    assert "March 2027" in mine
    assert "/manage/statements" in browser(app, "amina").get("/manage/day").text


@pytest.mark.parametrize("count", [1, 30])
def test_pages_of_statements_cost_the_same_however_much_was_used(app, stage, count):
    stage.grant(600, first_day=date(2027, 1, 1))
    for n in range(count):
        start = instant("2027-03-02 08:00") + timedelta(hours=n)
        stage.for_studio("bench", Slot(start, start + timedelta(minutes=45)))
    amina = browser(app, "amina")
    found = {}
    for page in ("/manage/statements", preview(stage, Scope.ORGANIZATION)):
        amina.get(page)
        with counting(db.engine) as statements:
            amina.get(page)
        found[page] = len(statements)

    assert max(found.values()) <= 14, found
    assert found[preview(stage, Scope.ORGANIZATION)] <= 12


def test_what_stands_against_some_is_told_and_the_others_are_closed(app, stage):
    later = date(2027, 3, 15), date(2027, 4, 1)
    stage.close(stage.member("chloe"), Period(*later), now=IN_APRIL)

    zoe = browser(app, "zoe")
    asked = submit(zoe, "/manage/statements", "/manage/statements", month="2027-03")
    answer = send(zoe, asked.text, "/manage/statements", confirm="1")

    assert answer.status_code == 303
    assert "Closed in part" in browser(app, "zoe").get("/manage/statements?month=2027-03").text
    assert len(db.session.scalars(select(Statement.uid)).all()) == 4


def row_of(client, name, month="2027-03"):
    """The cells of somebody's row in a month, as they are read."""
    page = client.get(f"/manage/statements?month={month}").text
    for row in re.findall(r"<tr>(.*?)</tr>", page, re.S):
        cells = [
            re.sub(r"<.*?>", "", cell).strip() for cell in re.findall(r"<t[hd].*?</t", row, re.S)
        ]
        if cells and cells[0].removesuffix("</t") == name:
            return [cell.removesuffix("</t") for cell in cells]
    return None


def test_a_closed_statement_is_listed_with_what_it_said_and_a_correction_where_it_will_stand(
    app, stage
):
    uid = stage.for_studio("bench", "2027-03-29 10:00-12:00", "bruno")
    stage.for_studio("bench", "2027-04-01 08:00-09:00", "bruno")
    stage.close()
    stage.change(uid, status=Status.CANCELLED, standing=False)
    zoe = browser(app, "zoe")

    frozen = ["Studio Fil", "Closed", "3", "4 h", "–", "€64.00"]
    assert row_of(zoe, "Studio Fil") == frozen
    april = Period(date(2027, 4, 1), date(2027, 4, 30))
    would_say = total(stage.account(period=april, now=IN_APRIL).lines)
    assert (would_say.count, would_say.amount) == (2, Decimal("-12.00"))
    listed = row_of(zoe, "Studio Fil", "2027-04")
    assert listed[1:3] + listed[-1:] == ["To close", "2", "\N{MINUS SIGN}€12.00"]


def test_what_was_closed_is_listed_although_all_of_it_was_taken_back(app, stage):
    uid = stage.for_studio("bench", "2027-02-10 10:00-11:00")
    stage.close(period=Period(date(2027, 2, 1), date(2027, 2, 28)))
    stage.change(uid, status=Status.CANCELLED, standing=False)

    listed = row_of(browser(app, "zoe"), "Studio Fil", "2027-02")

    assert listed[1:3] + listed[-1:] == ["Closed", "1", "€12.00"]


def test_a_month_has_the_sum_of_what_is_counted_once(app, stage):
    zoe = browser(app, "zoe")

    assert row_of(zoe, "Total of organizations and members")[-1] == "€68.00"
    page = zoe.get("/manage/statements?scope=activity").text
    assert "<b>€28.00</b>" in page


@pytest.mark.parametrize("days", [MARCH, "first=2027-03-15&last=2027-04-01"])
def test_what_is_closed_already_is_neither_computed_nor_closed_again(app, stage, days):
    cancelled = stage.for_studio("bench", "2027-03-29 10:00-12:00", "bruno")
    uid = stage.close()
    stage.change(cancelled, status=Status.CANCELLED, standing=False)

    page = browser(app, "zoe").get(preview(stage, Scope.ORGANIZATION, days)).text

    assert "Closed on Apr 2, 2027" in page or "Closed on 2 Apr 2027" in page
    assert f'href="/statements/{uid}"' in page
    for nonsense in ("€", "Correction", "Close this statement", "Nothing was used"):
        assert nonsense not in page


def test_the_text_of_a_line_is_no_label_to_stick_on_a_machine(app, stage):
    zoe = browser(app, "zoe")

    page = zoe.get("/manage/statements/columns", headers={"Accept-Language": "fr"}).text

    assert re.search(r"(Libellé|Text of the line) <code class=\"soft\">label</code>", page)


# What somebody used on behalf of organizations


def behalf(text):
    """The lines of a page that say it, each with its link."""
    items = re.findall(r"<li>(?:(?!</li>).)*On behalf of.*?</li>", text, re.S)
    return [(words(item).strip(), re.findall(r'href="([^"]*)"', item)) for item in items]


ACTIVITY = "On behalf of Studio Fil, account lamps · 1 h"


def test_whoever_has_an_activity_account_finds_its_statement(app, stage, at):
    at("2027-03-31 09:00")
    chloe = browser(app, "chloe")

    for page in ("/account/statements", "/organizations/studio", preview(stage, Scope.MEMBER)):
        ((said, (link,)),) = behalf(chloe.get(page).text)
        assert said == ACTIVITY
        assert "lamps" in chloe.get(unescape(link)).text


def test_an_activity_account_with_others_in_it_has_no_link(app, stage, at):
    at("2027-03-31 09:00")
    stage.for_studio("bench", "2027-03-29 14:00-15:00", "bruno", activity="lamps")
    chloe = browser(app, "chloe")

    for page in ("/account/statements", "/organizations/studio"):
        ((said, links),) = behalf(chloe.get(page).text)
        assert not links
        assert "Others use this account too" in said
    assert chloe.get(preview(stage, Scope.ACTIVITY)).status_code == 404


def test_others_of_long_ago_are_in_nobodys_way(app, stage, at):
    at("2027-03-31 09:00")
    stage.for_studio("bench", "2026-03-29 14:00-15:00", "bruno", activity="lamps")

    ((_, (link,)),) = behalf(browser(app, "chloe").get("/account/statements").text)

    assert browser(app, "chloe").get(unescape(link)).status_code == 200


def test_what_was_used_for_a_structure_is_told_beside_ones_own(app, stage, at):
    at("2027-03-31 09:00")
    stage.for_studio("bench", "2027-03-29 14:00-15:30", "oscar")
    oscar, bruno = browser(app, "oscar"), browser(app, "bruno")
    own = preview(stage, Scope.MEMBER).replace(stage.member("chloe").of, stage.member("oscar").of)

    shown = oscar.get(own)
    assert "You used nothing for yourself in this period." in shown.text
    assert behalf(shown.text) == [("On behalf of Studio Fil · 1 h 30", [])]
    ((said, (link,)),) = behalf(bruno.get("/account/statements").text)
    assert said == "On behalf of Studio Fil · 1 h"
    assert "scope=organization" in link
    assert "On behalf" not in browser(app, "amina").get(own).text


def test_ones_own_pages_ask_no_more_than_pages_may(app, stage, at):
    at("2027-03-31 09:00")
    me = stage.fablab.people["chloe"]
    stage.grant(600, organization_id=None, member_id=me, is_shared=False)
    chloe, found = browser(app, "chloe"), {}

    for page in ("/account/statements", "/organizations/studio", preview(stage, Scope.MEMBER)):
        chloe.get(page)
        with counting(db.engine) as statements:
            chloe.get(page)
        found[page] = len(statements)

    assert max(found.values()) <= 14, found
