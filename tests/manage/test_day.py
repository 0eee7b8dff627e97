"""The team's day: who comes when, what is taught, what is not usable, the ways to other days."""

import re
from datetime import date, timedelta

import pytest
from sqlalchemy import select, update

from fablab import clock
from fablab.booking import commands
from fablab.db import db, writing
from fablab.machines import commands as machines
from fablab.machines.kinds import MachineState, Status
from fablab.machines.models import Machine, Occupancy
from fablab.manage import queries
from fablab.members.models import Member
from fablab.trainings import sessions
from fablab.trainings.models import Training, TrainingSession
from tests.calendars.support import plan_session
from tests.conftest import browser
from tests.manage.conftest import add_cast, booking
from tests.support import PARIS, counting, slot

DAY = "/manage/day/2027-03-30"
MORNING = slot("2027-03-30 10:00-11:30")
AFTERNOON = slot("2027-03-30 14:00-15:00")


def rows(html, caption):
    """The rows of one table of the page, without their tags."""
    table = re.search(rf"<caption[^>]*>{caption}</caption>.*?</table>", html, re.S)
    if not table:
        return []
    body = re.search(r"<tbody>(.*)</tbody>", table[0], re.S)[1]
    return [text_of(row) for row in re.findall(r"<tr>(.*?)</tr>", body, re.S)]


def text_of(html):
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def bookings(html):
    return rows(html, "Bookings of the day, by time")


def taught(html):
    return rows(html, "Training sessions of the day")


def plan_without_machines(fablab, span):
    training = db.session.scalars(
        select(Training.id).where(Training.place_id == fablab.place_id)
    ).one()
    return sessions.plan(
        training, sessions.Plan(span, 4), by=fablab.people["amina"], now=clock.now()
    )


def figures(html):
    return [
        int(n) for n in re.findall(r"<b>(\d+)</b>", re.search(r'"figures".*?</ul>', html, re.S)[0])
    ]


def share_phone(fablab, who, *, shares):
    with writing() as session:
        session.execute(
            update(Member).where(Member.id == fablab.people[who]).values(shares_phone=shares)
        )


def test_the_day_lists_who_comes_when_by_time(cast, amina):
    cast.book("bench", AFTERNOON, "chloe", purpose="Shelves")
    cast.book("laser", MORNING, "bruno", organization_id=cast.organization_id, purpose="Signs")

    first, second = bookings(amina.get(DAY).text)

    for word in ("10:00–11:30", "L1", "Laser cutter", "Bruno Lefil", "Studio Fil", "Signs"):
        assert word in first
    for word in ("14:00–15:00", "B1", "Workbench", "Chloé Navette", "Shelves", "To come"):
        assert word in second
    assert "Studio" not in second


def test_a_row_leads_to_the_booking_and_to_the_person(cast, amina, uid):
    booked = cast.book("bench", AFTERNOON, "chloe")

    page = amina.get(DAY).text

    assert f'href="/bookings/{booked}"' in page
    assert f'href="/manage/members/{uid("chloe")}"' in page


def test_the_telephone_is_there_only_of_who_shares_it(cast, amina):
    cast.book("bench", AFTERNOON, "chloe")
    cast.book("laser", MORNING, "bruno")
    share_phone(cast, "bruno", shares=True)
    share_phone(cast, "chloe", shares=False)

    page = amina.get(DAY).text

    assert page.count('href="tel:+33500000000"') == 1
    assert 'href="mailto:chloe@atelier.example"' in page
    assert 'href="mailto:bruno@atelier.example"' not in page


@pytest.mark.parametrize(
    ("now", "status"),
    [
        ("2027-03-30 09:59", "To come"),
        ("2027-03-30 10:00", "Under way"),
        ("2027-03-30 11:29", "Under way"),
        ("2027-03-30 11:30", "Over"),
    ],
)
def test_a_booking_is_to_come_then_under_way_then_over(cast, amina, at, now, status):
    cast.book("bench", MORNING, "chloe")
    at(now)

    (row,) = bookings(amina.get("/manage/day").text)

    assert row.endswith(status)


def test_a_booking_that_waits_for_an_answer_says_so(cast, amina):
    cast.book("bench", MORNING, "chloe")
    with writing() as session:
        session.execute(update(Occupancy).values(status=Status.PENDING))

    (row,) = bookings(amina.get(DAY).text)

    assert row.endswith("To approve")


def test_what_was_cancelled_stands_apart(cast, amina):
    uid = cast.book("bench", MORNING, "chloe", purpose="Shelves")
    commands.cancel(uid, by=cast.people["chloe"], is_team=False, now=clock.now())

    page = amina.get(DAY).text

    (cancelled,) = rows(page, "Cancelled bookings of the day")
    assert bookings(page) == []
    assert "Chloé Navette" in cancelled
    assert cancelled.endswith("Cancelled")
    assert figures(page)[0] == 0


def test_the_day_before_and_after_hold_nothing_of_it(cast, amina):
    uid = cast.book("bench", MORNING, "chloe")
    cast.book("bench", AFTERNOON, "chloe")
    commands.cancel(uid, by=cast.people["chloe"], is_team=False, now=clock.now())

    for day in ("2027-03-29", "2027-03-31"):
        page = amina.get(f"/manage/day/{day}").text
        assert bookings(page) == rows(page, "Cancelled bookings of the day") == []


def test_the_figures_count_bookings_people_and_machines(cast, amina):
    cast.book("bench", MORNING, "chloe")
    cast.book("bench", AFTERNOON, "chloe")
    cast.book("laser", MORNING, "bruno")
    machines.withdraw(
        cast.machine("bench").id,
        slot("2027-03-30 16:00-18:00"),
        "Changing the vice",
        by=None,
        now=clock.now(),
    )

    page = amina.get(DAY).text

    assert figures(page) == [3, 2, 1]


def test_outages_of_the_day_have_their_reason_and_a_way_to_end_them(cast, amina):
    uid = machines.withdraw(
        cast.machine("bench").id, AFTERNOON, "Changing the vice", by=None, now=clock.now()
    )

    page = amina.get(DAY).text

    (outage,) = rows(page, "Outages of the day")
    assert "14:00–15:00" in outage
    assert "Changing the vice" in outage
    assert f"/manage/machines/bench/outages/{uid}/end" in page


def test_a_session_stands_once_with_its_machines_and_not_among_what_is_not_usable(cast, amina):
    uid = plan_session(
        cast,
        AFTERNOON,
        "laser",
        "bench",
        seats=4,
        trainer_id=cast.people["amina"],
        location="Room 2",
    )
    for who in ("chloe", "bruno"):
        sessions.register(uid, cast.people[who], now=clock.now())

    page = amina.get(DAY).text

    (held,) = taught(page)
    for said in ("14:00–15:00", "Laser cutting", "Amina Rahal", "Room 2", "2 of 4"):
        assert said in held
    assert held.index("L1 Laser cutter") < held.index("B1 Workbench")
    assert "Tuesday" not in held
    assert f'href="/manage/sessions/{uid}"' in page
    assert rows(page, "Outages of the day") == []
    assert "Not usable" not in page
    assert figures(page)[2] == 0


def test_a_session_without_a_machine_is_of_the_day_too(any_fablab, any_app):
    add_cast(any_fablab)
    night = slot("2027-03-30 22:00-02:00")
    plan_without_machines(any_fablab, night)
    amina = browser(any_app, "amina")

    for day in ("2027-03-30", "2027-03-31"):
        (held,) = taught(amina.get(f"/manage/day/{day}").text)
        assert "Tue 30 22:00 – Wed 31 2:00" in held
    assert taught(amina.get("/manage/day/2027-04-01").text) == []


def test_a_session_that_is_called_off_or_elsewhere_is_not_of_the_day(cast, annex, amina):
    gone = plan_without_machines(cast, AFTERNOON)
    sessions.cancel(gone, "", by=cast.people["amina"], now=clock.now())
    elsewhere = plan_without_machines(cast, AFTERNOON)
    with writing() as session:
        session.execute(
            update(TrainingSession)
            .where(TrainingSession.uid == elsewhere)
            .values(place_id=annex.place_id)
        )

    assert taught(amina.get(DAY).text) == []


@pytest.mark.parametrize(
    ("day", "is_out"),
    [
        ("2027-03-28", False),  # whether it worked then is not known any more
        ("2027-03-29", True),
        ("2027-04-05", True),
        ("2027-04-06", False),
    ],
)
def test_a_machine_out_of_service_is_listed_until_it_is_back(cast, amina, day, is_out):
    machines.set_state(
        cast.machine("bench").id,
        MachineState.OUT_OF_SERVICE,
        "The vice is cracked",
        date(2027, 4, 6),
        by=cast.people["amina"],
        now=clock.now(),
    )

    page = amina.get(f"/manage/day/{day}").text

    assert ("The vice is cracked" in page) is is_out
    assert figures(page)[2] == is_out


def test_the_openings_say_who_looks_after_the_place(cast, amina):
    assert "10:00–18:00" in amina.get(DAY).text
    assert "with the team" in amina.get(DAY).text
    assert "The place is closed." in amina.get("/manage/day/2027-04-04").text
    assert "The place is closed: Lundi de Pâques." in amina.get("/manage/day/2027-03-29").text


def test_the_day_leads_to_its_neighbours_its_planning_and_its_calendar(cast, amina):
    page = amina.get(DAY).text

    for address in (
        "/manage/day/2027-03-29",
        "/manage/day/2027-03-31",
        "/planning/2027-03-30",
        "/calendars/",
    ):
        assert f'href="{address}"' in page


def test_the_field_leads_to_the_address_of_the_day(cast, amina):
    answer = amina.get("/manage/day?day=2027-05-04")

    assert answer.status_code == 302
    assert answer.location == "/manage/day/2027-05-04"


@pytest.mark.parametrize(
    "typed", ["tomorrow", "٢٠٢٧-03-30", "9999-01-01", "0001-01-01", "2027-02-30"]
)
def test_a_day_that_cannot_be_read_is_a_fault_of_the_field(cast, amina, typed):
    answer = amina.get("/manage/day", query_string={"day": typed})

    assert answer.status_code == 200
    assert 'id="day-error"' in answer.text
    assert typed in answer.text


@pytest.mark.parametrize("day", ["1999-12-31", "2201-01-01", "2027-02-30", "27-3-30", "%00"])
def test_there_is_no_page_of_a_day_nobody_plans(cast, amina, day):
    assert amina.get(f"/manage/day/{day}").status_code == 404


@pytest.mark.parametrize("day", ["2000-01-01", "2200-12-31"])
def test_the_first_and_the_last_day_lead_no_further(cast, amina, day):
    page = amina.get(f"/manage/day/{day}")

    assert page.status_code == 200
    assert "/manage/day/1999" not in page.text
    assert "/manage/day/2201" not in page.text


def test_an_empty_day_says_so(cast, amina):
    assert "Nobody has booked a machine on this day." in amina.get(DAY).text


def test_what_a_member_typed_is_text(cast, amina):
    cast.book("bench", MORNING, "chloe", purpose="<b>Shelves</b>")

    assert "&lt;b&gt;Shelves&lt;/b&gt;" in amina.get(DAY).text


def test_the_bookings_of_another_place_are_not_there(cast, annex, amina):
    with writing() as session:
        session.add_all(
            booking(annex.drill_id, cast.people["emile"], MORNING, status)
            for status in (Status.CONFIRMED, Status.CANCELLED)
        )

    page = amina.get(DAY).text

    assert bookings(page) == rows(page, "Cancelled bookings of the day") == []


def test_a_night_belongs_to_both_its_days(any_fablab, any_app):
    add_cast(any_fablab)
    night = slot("2027-03-30 22:00-06:00")
    machines.withdraw(any_fablab.machine("bench").id, night, "Drying", by=None, now=clock.now())
    amina = browser(any_app, "amina")

    for day in ("2027-03-30", "2027-03-31"):
        assert "Drying" in amina.get(f"/manage/day/{day}").text
    assert "Drying" not in amina.get("/manage/day/2027-04-01").text


def test_what_only_cleans_up_into_the_day_is_of_the_day_before(any_fablab):
    evening = slot("2027-03-30 22:00-00:00")
    machines.withdraw(any_fablab.machine("bench").id, evening, "Drying", by=None, now=clock.now())
    with writing() as session:
        session.execute(
            update(Occupancy).values(occupied_until=evening.end + timedelta(minutes=15))
        )

    whole = clock.whole_day(PARIS, date(2027, 3, 31))

    assert queries.on_day(any_fablab.place_id, whole) == []


def test_a_full_day_takes_no_more_statements_than_an_empty_one(any_fablab, any_app):
    add_cast(any_fablab)
    amina = browser(any_app, "amina")
    amina.get(DAY)
    with counting(db.engine) as empty:
        amina.get(DAY)
    _fill(any_fablab)
    amina.get(DAY)  # the machines are new, and are read once

    with counting(db.engine) as full:
        page = amina.get(DAY).text

    assert len(bookings(page)) == 60
    assert len(full) == len(empty) <= 6


def _fill(fablab):
    """Twenty machines more, three bookings on each, and as many that were cancelled."""
    bench = fablab.machine("bench")
    people = list(fablab.people.values())
    with writing() as session:
        for number in range(20):
            machine = Machine(
                place_id=fablab.place_id,
                category_id=bench.category.id,
                slug=f"n{number}",
                code=f"N{number}",
                name="Another",
            )
            session.add(machine)
            session.flush()
            session.add_all(
                booking(
                    machine.id,
                    people[number % len(people)],
                    slot(f"2027-03-30 {hour}:00-{hour + 2}:00"),
                    status,
                )
                for hour in (10, 12, 14)
                for status in (Status.CONFIRMED, Status.CANCELLED)
            )
