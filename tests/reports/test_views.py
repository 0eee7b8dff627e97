"""The report on the screen: who reads it, what is chosen, what is taken along."""

import html
import io
import re
from datetime import date, timedelta
from decimal import Decimal
from zipfile import ZipFile

import pytest
from flask_babel import force_locale

from fablab import clock
from fablab.db import db, writing
from fablab.machines.kinds import Status
from fablab.machines.models import Occupancy
from fablab.members.kinds import Audience, Role
from fablab.members.models import Membership, RoleHeld
from fablab.organizations.models import Organization, OrganizationMember, OrganizationYear
from fablab.reports import pages
from tests.conftest import browser
from tests.home.test_pages import words
from tests.manage.conftest import add_annex, add_cast, booking
from tests.support import counting, slot, submit

PAGE = "/manage/reports"
PAGES = (
    PAGE,
    f"{PAGE}/figures.csv",
    f"{PAGE}/report.ods",
    f"{PAGE}/lists/machines",
    f"{PAGE}/lists/machines.csv",
)


@pytest.fixture
def cast(fablab):
    add_cast(fablab)
    return fablab


@pytest.fixture
def used(any_fablab):
    """Bruno had the bench for two hours in March, Amina for one."""
    add_cast(any_fablab)
    with writing() as session:
        for who, span in (
            ("bruno", "2027-03-02 10:00-12:00"),
            ("amina", "2027-03-03 10:00-11:00"),
        ):
            made = booking(any_fablab.machine("bench").id, any_fablab.people[who], slot(span))
            made.audience, made.status = Audience.RESIDENT, Status.CONFIRMED
            session.add(made)
    return any_fablab


def figure(page: str, title: str) -> str:
    found = re.search(rf"<dt>{re.escape(title)}</dt>\s*<dd>(.*?)</dd>", page, re.S)
    return " ".join(words(found[1]).replace("\N{NO-BREAK SPACE}", " ").split())


@pytest.mark.parametrize(
    ("who", "status"),
    [
        (None, 303),
        ("lina", 403),
        ("chloe", 403),
        ("remi", 403),
        ("amina", 200),
        ("odile", 200),
        ("anouk", 200),
    ],
)
def test_the_team_and_the_accountant_read_the_report_and_nobody_else(browse, cast, who, status):
    reader = browse(who)

    assert {reader.get(path).status_code for path in PAGES} == {status}


def test_who_manages_a_structure_has_no_access(browse, cast):
    with writing() as session:
        session.execute(OrganizationMember.__table__.update().values(is_manager=True))

    assert browse("bruno").get(PAGE).status_code == 403


def test_an_accountant_finds_the_way_there(browse, cast):
    page = browse("anouk").get("/").text

    assert f'href="{PAGE}"' in page
    assert f'href="{PAGE}"' in browse("amina").get("/manage/members").text
    assert f'href="{PAGE}"' not in browse("chloe").get("/").text


def test_each_figure_stands_beside_the_one_before_and_what_it_means(used, browse_any):
    page = browse_any("amina").get(f"{PAGE}?period=2027-04").text

    assert figure(page, "Hours booked") == "0.0 h before: 3.0 h (−3.0 h)"
    assert figure(page, "People who used machines") == "0 before: 2 (−2)"
    assert "neither cancelled nor missed" in page
    assert "Compared with: March 2027." in words(page)


def test_where_nothing_was_recorded_before_the_page_says_so(used, browse_any):
    page = browse_any("amina").get(f"{PAGE}?period=2027-03").text

    assert figure(page, "Hours booked") == "3.0 h before: nothing recorded"
    assert "bars__before" not in page.partition('class="legend"')[2].partition("</ul>")[0]


def test_a_period_that_is_not_over_says_until_when_it_counts(used, browse_any):
    with writing() as session:
        ahead = slot("2027-03-30 10:00-14:00")
        session.add(booking(used.machine("bench").id, used.people["bruno"], ahead))
    amina = browse_any("amina")

    page = amina.get(f"{PAGE}?period=2027-03").text
    over = amina.get(f"{PAGE}?first=2027-03-02&last=2027-03-03").text

    assert "The period is not over" in page
    assert re.search(r"Closed on 29 March 2027 at \d+:\d\d\.", words(page))
    assert figure(page, "Hours booked").startswith("3.0 h")
    assert figure(page, "Hours still to come").startswith("4.0 h")
    assert "The period is not over" not in over
    assert "Closed on 29 March 2027." in words(over)
    assert "Hours still to come" not in over


def test_on_paper_each_sheet_says_what_it_is_of(used, browse_any):
    page = browse_any("amina").get(f"{PAGE}?period=2027-03").text

    assert 'data-running="Usage report, L&#39;Atelier, March 2027"' in page


def test_each_chapter_is_linked_at_the_top(used, browse_any):
    page = browse_any("amina").get(f"{PAGE}?period=2027-03").text

    for key in ("structures", "use", "pooling", "trainings"):
        assert page.index(f'href="#{key}"') < page.index(f'<h2 id="{key}"')


def test_each_chapter_begins_with_a_few_of_its_figures(used, browse_any):
    page = browse_any("amina").get(f"{PAGE}?period=2027-03").text

    brief = words(page.partition('<nav class="card"')[2].partition("</nav>")[0])

    assert "3.0 h Hours booked" in brief
    assert "2 People who used machines" in brief
    assert "Hours cancelled late" not in brief


def test_a_column_of_which_nothing_is_known_is_left_out(used, browse_any):
    """Nothing was recorded before the first month; of the next there is something to compare."""
    amina = browse_any("amina")

    first, second = (
        words(amina.get(f"{PAGE}/lists/machines?period={month}").text)
        for month in ("2027-03", "2027-04")
    )

    assert "Booked before" not in first
    assert "Booked before" in second


def test_who_declared_nothing_stands_first_and_leads_to_its_page(used, browse_any):
    with writing() as session:
        place = used.place_id
        for name in ("Atelier", "Bobine"):
            one = Organization(
                place_id=place,
                slug=name.lower(),
                name=name,
                kind="company",
                hosted_since=date(2020, 1, 1),
            )
            session.add(one)
            session.flush()
            if name == "Atelier":
                said = {"jobs": Decimal(7), "turnover": Decimal(7), "declared_at": clock.now()}
                session.add(OrganizationYear(organization_id=one.id, year=2027, **said))

    page = browse_any("amina").get(f"{PAGE}/lists/declarations?period=2027-03").text

    links = re.findall(r'href="/organizations/(\w+)/years\?place=', page)
    assert links.index("bobine") < links.index("atelier")
    assert "For the year 2027." in page
    assert browse_any("anouk").get("/organizations/bobine/years").status_code == 200


def test_two_days_of_ones_own_choice(used, browse_any):
    page = browse_any("amina").get(f"{PAGE}?first=2027-03-03&last=2027-03-03").text

    assert figure(page, "Hours booked") == "1.0 h before: 2.0 h (−1.0 h)"


def test_days_that_are_no_period_are_told_at_their_field_and_kept(used, browse_any):
    answer = browse_any("amina").get(f"{PAGE}?first=2027-03-03&last=2027-03-01")

    assert answer.status_code == 422
    assert "The last day comes before the first one." in words(answer.text)
    assert 'value="2027-03-03" aria-invalid="true"' in answer.text


@pytest.mark.parametrize("query", ["first=2027-03-03&last=2027-03-01", "period=2027-Q9"])
@pytest.mark.parametrize(
    "path", ["figures.csv", "report.ods", "lists/machines", "lists/machines.csv"]
)
def test_no_file_is_made_of_days_that_are_no_period(used, browse_any, path, query):
    amina = browse_any("amina")

    answer = amina.get(f"{PAGE}/{path}?{query}")

    assert answer.status_code == 422
    assert answer.mimetype == "text/html"
    assert "Content-Disposition" not in answer.headers
    for link in re.findall(rf'href="({PAGE}/[^"]+)"', answer.text):
        assert "first=" not in link
        assert "period=" not in link
        assert amina.get(html.unescape(link)).status_code == 200


@pytest.mark.parametrize("query", ["period=%00", "first=%00&last=%00", "period=2027-Q9&scope=%00"])
def test_nonsense_is_no_error_of_ours(used, browse_any, query):
    assert browse_any("amina").get(f"{PAGE}?{query}").status_code in (200, 400, 422)


def test_the_list_behind_a_figure_has_its_rows_and_its_file(used, browse_any):
    amina = browse_any("amina")
    query = "?period=2027-03"

    page = amina.get(f"{PAGE}/lists/machines{query}").text
    file = amina.get(f"{PAGE}/lists/machines.csv{query}").get_data().decode("utf-8-sig")

    assert "B1 Workbench" in words(page) or "Bench" in words(page)
    assert re.search(r"^[^;]*ench;2;3;;0;0;0;", file, re.M)


def test_no_name_of_a_person_is_in_any_of_it(used, browse_any):
    anouk = browse_any("anouk")

    for path in (PAGE, f"{PAGE}/figures.csv", f"{PAGE}/lists/users", f"{PAGE}/lists/audiences"):
        content = anouk.get(path).text
        assert "Bruno" not in content
        assert "bruno@" not in content


def test_the_public_variant_has_no_list_of_the_few(cast, browse):
    amina = browse("amina")

    for key in ("structures", "shared", "funded", "sessions", "declarations"):
        assert amina.get(f"{PAGE}/lists/{key}").status_code == 200
        assert amina.get(f"{PAGE}/lists/{key}?public=1").status_code == 404
        assert amina.get(f"{PAGE}/lists/{key}.csv?public=1").status_code == 404
    assert amina.get(f"{PAGE}/lists/nothing").status_code == 404


def test_the_public_variant_withholds_what_is_of_two_people(used, browse_any):
    amina = browse_any("amina")
    query = "?period=2027-03&public=1"

    page = amina.get(PAGE + query).text
    file = amina.get(f"{PAGE}/figures.csv{query}").get_data().decode("utf-8-sig")

    assert figure(page, "Hours booked").startswith("withheld")
    assert "3.0 h" not in words(page).replace("\N{NO-BREAK SPACE}", " ")
    assert "Hours booked;withheld;" in file


def test_a_file_has_the_marks_that_the_place_chose(used, browse_any):
    """Half hours with the comma of a French spreadsheet, then as the columns' page says."""
    amina = browse_any("amina")
    address = f"{PAGE}/lists/machines.csv?period=2027-03"
    with writing() as session:
        row = session.scalars(db.select(Occupancy).order_by(Occupancy.starts_at)).first()
        row.ends_at -= timedelta(minutes=30)
    french = amina.get(address).get_data().decode("utf-8-sig")
    columns = "/manage/statements/columns"
    said = {"separator": ",", "decimal_mark": ".", "turn_amount": "1"}
    assert submit(amina, columns, columns, **said).status_code == 303

    english = amina.get(address).get_data().decode("utf-8-sig")

    assert ";2,5;" in french
    assert ",2.5," in english


def test_the_workbook_has_real_numbers_and_what_they_mean(used, browse_any):
    answer = browse_any("amina").get(f"{PAGE}/report.ods?period=2027-03")
    with ZipFile(io.BytesIO(answer.get_data())) as file:
        assert file.read("mimetype") == b"application/vnd.oasis.opendocument.spreadsheet"
        content = file.read("content.xml").decode()

    assert answer.mimetype == "application/vnd.oasis.opendocument.spreadsheet"
    sheets = re.findall(r'<table:table [^>]*table:name="([^"]+)"', content)
    assert sheets[0] == "Figures"
    assert sheets[-1] == "Definitions"
    assert re.search(r'office:value-type="float"[^>]*office:value="3(\.0)?"', content)
    assert "neither cancelled nor missed" in content


def test_who_reports_on_two_places_reads_them_together(used, browse_any):
    annex = add_annex(used)
    with writing() as session:
        both = Membership(member_id=used.people["anouk"], place_id=annex.place_id)
        session.add(both)
        there = slot("2027-03-04 10:00-14:00")
        session.add(booking(annex.drill_id, used.people["bruno"], there))
        session.flush()
        session.add(RoleHeld(membership_id=both.id, role=Role.ACCOUNTANT))
    anouk = browse_any("anouk")

    def booked(query: str) -> str:
        return figure(anouk.get(f"{PAGE}?period=2027-03{query}").text, "Hours booked")[:5]

    assert [booked(each) for each in ("", "&place=annexe", "&scope=all")] == [
        "3.0 h",
        "4.0 h",
        "7.0 h",
    ]
    assert figure(
        anouk.get(f"{PAGE}?period=2027-03&scope=all").text, "People who used machines"
    ).startswith("2 ")


def test_a_place_they_do_not_report_on_is_no_place(used, browse_any):
    add_annex(used)

    assert browse_any("anouk").get(f"{PAGE}?place=annexe").status_code == 404
    assert figure(browse_any("anouk").get(f"{PAGE}?scope=all").text, "Hours booked")


def test_a_page_costs_fourteen_statements_at_most(any_app, used):
    amina = browser(any_app, "amina")
    amina.get(PAGE)
    with counting(db.engine) as sent:
        assert amina.get(PAGE).status_code == 200

    assert len(sent) <= 14


@pytest.mark.parametrize(
    ("difference", "english", "french"),
    [
        ("0.5", "0.5 points", "0,5 point"),
        ("1.04", "1.0 point", "1,0 point"),
        ("1.5", "1.5 points", "1,5 point"),
        ("1.96", "2.0 points", "2,0 points"),
        ("2.5", "2.5 points", "2,5 points"),
    ],
)
def test_a_change_in_points_is_said_as_each_language_counts(app, difference, english, french):
    for language, said in (("en", english), ("fr", french)):
        with app.test_request_context(), force_locale(language):
            assert pages.points_said(Decimal(difference)) == said
