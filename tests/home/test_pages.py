"""What a visitor, a member and the team read on the planning and the machine pages."""

import re
from datetime import date, time, timedelta

import pytest
from sqlalchemy import delete, select, update

from fablab import clock
from fablab.db import db, writing
from fablab.home.cells import initials
from fablab.machines import commands as machines
from fablab.machines.kinds import MachineState, Status
from fablab.machines.models import Machine, MachineResource, Occupancy, Policy, Resource, Seat
from fablab.members.models import Membership
from fablab.places.kinds import Mode, NamesShown
from fablab.places.models import Closure, Opening, Place
from fablab.presence import commands as presence
from fablab.slots import Slot
from fablab.trainings.models import Qualification, Training
from fablab.trainings.sessions import Plan, plan
from tests.agendas.support import hours, imported
from tests.support import counting, instant, slot

TUESDAY = "2027-03-30"
AFTERNOON = slot("2027-03-30 14:00-16:00")


def words(html: str) -> str:
    """What the page says, without its marks and with single blanks."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).replace("&#39;", "'")


def grid(html: str) -> str:
    return html[html.index('<div class="plan"') : html.index('<div class="machine-list"')]


def cards(html: str) -> dict[str, str]:
    """The cards of the list, by the machine's slug."""
    found = re.findall(
        r'<article class="machine-card" aria-labelledby="card-([\w-]+)".*?</article>', html, re.S
    )
    return {
        slug: re.search(rf'aria-labelledby="card-{slug}".*?</article>', html, re.S)[0]
        for slug in found
    }


def change(row: type, **values: object) -> None:
    """As staff would, so that the place's revision moves."""
    with writing() as session:
        for one in session.scalars(db.select(row)):
            for name, value in values.items():
                setattr(one, name, value)


@pytest.mark.parametrize("address", ["/", "/planning/", "/planning/2027-03-29"])
def test_the_front_page_is_todays_planning(fablab, browse, address):
    page = browse(None).get(address)

    assert page.status_code == 200
    assert "Monday 29 March" in page.text


def test_a_visitor_sees_what_is_free_and_what_is_booked_but_not_by_whom(fablab, browse):
    fablab.book("laser", AFTERNOON, "bruno", purpose="A secret lamp")

    page = browse(None).get(f"/planning/{TUESDAY}").text

    assert "Booked, 14:00–16:00" in words(page)
    assert "Bruno" not in page
    assert "secret lamp" not in page


@pytest.mark.parametrize(
    ("shown", "who", "is_named"),
    [
        (NamesShown.EVERYONE, None, True),
        (NamesShown.EVERYONE, "chloe", True),
        (NamesShown.MEMBERS, None, False),
        (NamesShown.MEMBERS, "chloe", True),
        (NamesShown.NOBODY, None, False),
        (NamesShown.NOBODY, "chloe", False),
        (NamesShown.NOBODY, "amina", True),
    ],
)
def test_who_reads_names_is_the_places_choice(fablab, browse, shown, who, is_named):
    fablab.book("laser", AFTERNOON, "bruno")
    change(Place, names_shown=shown)

    page = browse(who).get(f"/planning/{TUESDAY}").text

    assert ("Bruno Lefil" in page) is is_named


def test_someone_signed_in_who_is_no_member_here_reads_no_names(fablab, browse):
    fablab.book("laser", AFTERNOON, "bruno")
    with writing() as session:
        session.execute(delete(Membership).where(Membership.member_id == fablab.people["chloe"]))

    assert "Bruno" not in browse("chloe").get(f"/planning/{TUESDAY}").text


@pytest.mark.parametrize(
    ("standing", "is_named"),
    [
        ({"expires_on": date(2027, 3, 29)}, True),  # its last day is today
        ({"expires_on": date(2027, 3, 28)}, False),
        ({"suspended_until": instant("2027-05-01 09:00")}, True),
    ],
)
def test_names_are_read_as_long_as_the_membership_lasts(fablab, browse, standing, is_named):
    fablab.book("laser", AFTERNOON, "bruno")
    with writing() as session:
        theirs = Membership.member_id == fablab.people["chloe"]
        session.execute(update(Membership).where(theirs).values(**standing))

    page = browse("chloe").get(f"/planning/{TUESDAY}").text

    assert ("Bruno" in page) is is_named


def test_a_booking_for_an_organization_shows_the_organization(fablab, browse):
    fablab.book("laser", AFTERNOON, "bruno", organization_id=fablab.organization_id)

    page = browse("chloe").get(f"/planning/{TUESDAY}").text

    assert "Studio Fil, 14:00–16:00" in words(page)
    assert "Bruno" not in page


def test_a_purpose_is_read_by_its_owner_and_the_team_only(fablab, browse):
    fablab.book("laser", AFTERNOON, "bruno", purpose="Lamp")

    pages = {
        who: browse(who).get(f"/planning/{TUESDAY}").text for who in ("bruno", "amina", "chloe")
    }

    assert "You · Lamp" in pages["bruno"]
    assert "Bruno Lefil, Lamp, 14:00–16:00" in words(pages["amina"])
    assert "Lamp" not in pages["chloe"]


def test_ones_own_booking_leads_to_its_page_and_can_be_moved(fablab, browse):
    uid = fablab.book("laser", AFTERNOON, "bruno")

    page = grid(browse("bruno").get(f"/planning/{TUESDAY}").text)

    assert f'href="/bookings/{uid}"' in page
    assert f'data-move-url="/bookings/{uid}/move"' in page
    assert uid not in browse("chloe").get(f"/planning/{TUESDAY}").text


def test_a_turn_for_everyone_is_told_when_it_leaves_no_slot(fablab, browse):
    change(Policy, weekly_bookings=1, horizon_days=5)
    fablab.book("bench", AFTERNOON, "chloe")

    page = words(browse("chloe").get("/machines/bench").text)

    assert "You have booked this machine as often as one may in the week of Monday 29 March" in page
    assert "No free slot of this length" not in page
    assert "Move or cancel one of your bookings" in page
    assert "Next free slots" in page


def test_the_hours_of_a_week_are_told_when_they_are_used_up(fablab, browse):
    change(Policy, quota_machine=timedelta(hours=2), last_minute=timedelta(0), horizon_days=5)
    fablab.book("bench", AFTERNOON, "chloe")

    page = words(browse("chloe").get("/machines/bench").text)

    assert "in the week of Monday 29 March; 2 h is the most" in page
    assert "You have booked 2 h that week." in page
    assert "Move or cancel one of your bookings" in page


def test_a_machine_that_is_all_taken_says_just_that(fablab, browse):
    change(Policy, horizon_days=1)
    machines.withdraw(
        fablab.machine("bench").id,
        slot("2027-03-30 10:00-18:00"),
        "Vice",
        by=None,
        now=clock.now(),
    )

    page = words(browse("chloe").get("/machines/bench").text)

    assert "No free slot of this length" in page
    assert "Move or cancel one of your bookings" not in page


def test_a_booking_that_waits_for_an_answer_says_so(fablab, browse):
    fablab.book("bench", AFTERNOON, "bruno")
    with writing() as session:
        session.execute(update(Occupancy).values(status=Status.PENDING))

    assert "Bruno Lefil, 14:00–16:00, waiting" in words(
        browse("chloe").get(f"/planning/{TUESDAY}").text
    )


def test_who_did_not_come_is_read_by_the_team_and_themselves_alone(any_fablab, browse_any, at):
    any_fablab.book("bench", AFTERNOON, "bruno", purpose="Lamp")
    with writing() as session:
        session.execute(update(Occupancy).values(status=Status.MISSED, standing=False))
    at(f"{TUESDAY} 14:30")

    pages = {
        who: words(grid(browse_any(who).get(f"/planning/{TUESDAY}").text))
        for who in ("bruno", "amina", "chloe")
    }

    assert "You, 14:00–16:00, noted as absent" in pages["bruno"]
    assert "Bruno Lefil, Lamp, 14:00–16:00, did not come" in pages["amina"]
    assert "Booked 14:00–16:00, nobody came" in pages["chloe"]
    assert "Bruno" not in pages["chloe"]
    assert "Book Workbench, free from 14:30 to 18:00" in pages["chloe"]


def test_an_event_that_took_the_machines_is_no_breakdown(any_fablab, browse_any, any_app):
    imported(any_app, any_fablab, hours("20270330T100000", "20270330T120000", title="Wedding fair"))
    bench, now = any_fablab.machine("bench").id, clock.now()
    machines.withdraw(bench, slot(f"{TUESDAY} 15:00-16:00"), "New vice", by=None, now=now)

    page = words(grid(browse_any("chloe").get(f"/planning/{TUESDAY}").text))

    assert "Event 10:00–12:00: Wedding fair" in page
    assert "Maintenance 15:00–16:00: New vice" in page


def test_a_free_range_links_to_the_form_with_an_hour_filled_in(fablab, browse):
    fablab.book("bench", AFTERNOON, "bruno")

    page = grid(browse("chloe").get(f"/planning/{TUESDAY}?category=bench").text)

    free = re.findall(r'class="free" href="([^"]+)" [^>]*data-start="(\d+)" data-end="(\d+)"', page)
    start = "/bookings/new?machine=bench&amp;day=2027-03-30&amp;start="
    assert free == [
        (f"{start}10:00&amp;end=11:00", "600", "840"),
        (f"{start}16:00&amp;end=17:00", "960", "1080"),
    ]


def test_every_link_on_the_planning_opens_the_form_with_a_slot_the_rules_accept(fablab, browse):
    change(Policy, setup=timedelta(minutes=15), cleanup=timedelta(minutes=30))
    fablab.book("bench", AFTERNOON, "bruno")
    page = grid(browse("chloe").get(f"/planning/{TUESDAY}?category=bench").text)

    for start, end in re.findall(r"start=([\d:]+)&amp;end=([\d:]+)", page):
        fablab.book("bench", slot(f"{TUESDAY} {start}-{end}"), "chloe")

    assert db.session.scalar(db.select(db.func.count()).select_from(Occupancy)) == 3


def test_nothing_is_offered_in_the_past(fablab, browse, at):
    at("2027-03-30 13:20")

    page = browse("chloe").get("/").text

    assert "Not used from 10:00 to 13:20" in page
    assert "start=13:30" in page
    assert "start=10:00" not in page


def test_days_beyond_the_horizon_show_free_time_without_links(fablab, browse):
    page = browse("chloe").get("/planning/2027-04-20").text

    assert "10:00 to 18:00, free but not for you: It is too early for this slot" in page
    assert "start=" not in page
    visited = browse(None).get("/planning/2027-04-20").text
    assert "Free from 10:00 to 18:00, not open to booking" in visited
    assert "start=" in browse("amina").get("/planning/2027-04-20").text


def test_free_time_says_to_its_reader_why_it_is_not_theirs(fablab, browse):
    """In the cell for the keyboard and the mouse, on the card for the finger."""
    page = browse("chloe").get(f"/planning/{TUESDAY}").text
    why = "This machine asks for a qualification that you do not hold yet."

    (cell,) = re.findall(r'<a class="barred" href="([^"]+)">(.*?)</a>', grid(page))
    assert cell[0] == "/machines/laser"
    assert words(cell[1]).strip().endswith(f"10:00 to 18:00, free but not for you: {why}")
    assert f"{why} What to do" in words(page[page.index("card-laser") :])
    assert page.count('<a class="free"') == 1  # the bench is theirs


def test_whoever_may_be_accompanied_finds_the_hours_open(fablab, browse):
    with writing() as session:
        machine_id = fablab.machine("laser").id
        session.add(
            Qualification(
                member_id=fablab.people["chloe"],
                machine_id=machine_id,
                level=1,
                given_on=date(2026, 1, 1),
                recorded_at=clock.now(),
            )
        )

    assert '<a class="barred"' not in browse("chloe").get(f"/planning/{TUESDAY}").text


def test_what_keeps_somebody_away_is_no_longer_said_the_moment_it_is_over(fablab, browse):
    client = browse("chloe")
    suspend = {"suspended_until": clock.now() + timedelta(days=3)}
    with writing() as session:
        session.execute(update(Membership.__table__).values(suspended_until=None))
        session.execute(
            update(Membership.__table__)
            .where(Membership.member_id == fablab.people["chloe"])
            .values(**suspend)
        )
    assert "Your right to book is suspended" in client.get(f"/planning/{TUESDAY}").text

    with writing() as session:
        session.execute(update(Membership.__table__).values(suspended_until=None))

    assert "Your right to book is suspended" not in client.get(f"/planning/{TUESDAY}").text


def test_an_outage_shows_its_reason(fablab, browse):
    machine = fablab.machine("laser")
    machines.withdraw(
        machine.id, AFTERNOON, why="New lens", by=fablab.people["amina"], now=clock.now()
    )

    assert "Maintenance 14:00–16:00: New lens" in browse(None).get(f"/planning/{TUESDAY}").text


def test_a_training_session_shows_what_it_is(fablab, browse, at):
    plan(
        db.session.scalar(select(Training.id)),
        Plan(AFTERNOON, 4, machine_ids=frozenset({fablab.machine("laser").id})),
        by=fablab.people["amina"],
        now=clock.now(),
    )

    assert "Training: Laser cutting, 14:00–16:00" in browse(None).get(f"/planning/{TUESDAY}").text
    at("2027-03-30 15:00")
    page = browse("amina").get("/machines/laser").text
    assert "Training until 16:00" in page


def test_a_machine_out_of_service_is_not_offered(fablab, browse):
    change(Machine, state=MachineState.OUT_OF_SERVICE, state_reason="Broken belt")

    page = browse("chloe").get(f"/planning/{TUESDAY}").text

    assert "Broken belt" in page
    assert "start=" not in page


def test_my_day_says_what_is_under_way_and_what_comes(fablab, browse, at):
    fablab.book("bench", slot("2027-03-30 10:00-11:30"), "bruno")
    fablab.book("laser", AFTERNOON, "bruno")
    at("2027-03-30 10:42")

    page = words(browse("bruno").get("/").text)

    assert "Under way, until 11:30" in page
    assert "14:00–16:00, in 3 h 18" in page
    assert "Your day" not in browse("chloe").get("/").text


def test_a_booking_over_midnight_is_on_both_days_with_its_true_hours(fablab, browse):
    with writing() as session:
        for weekday in (2, 3):
            session.add(
                Opening(
                    place_id=fablab.place_id,
                    weekday=weekday,
                    opens_at=AFTERNOON.start.time().replace(hour=18),
                    closes_at=AFTERNOON.start.time().replace(hour=10),
                    mode=Mode.NIGHT,
                )
            )
    change(Policy, modes=["supervised", "night"], maximum=timedelta(hours=14))
    fablab.book("bench", slot("2027-03-30 17:00-06:00"), "bruno")

    evening = browse("bruno").get(f"/planning/{TUESDAY}").text
    morning = browse("bruno").get("/planning/2027-03-31").text

    assert 'data-last="1140"' in evening  # an hour after closing
    assert 'data-first="300"' in morning  # the hour in which it ends
    for page in (evening, morning):
        assert "Tuesday 30 March 17:00 – Wednesday 31 March 6:00" in page


@pytest.mark.parametrize("day", ["2027-03-28", "2027-10-31"])
def test_the_days_the_clocks_change_have_24_hours_on_the_wall(fablab, browse, at, day):
    with writing() as session:
        session.add(
            Opening(
                place_id=fablab.place_id,
                weekday=7,
                opens_at=AFTERNOON.start.time().replace(hour=0),
                closes_at=AFTERNOON.start.time().replace(hour=12),
            )
        )
    at(f"{day} 00:00")

    page = grid(browse("chloe").get(f"/planning/{day}?category=bench").text)

    assert sum(int(n) for n in re.findall(r'<td colspan="(\d+)"', page)) == 13 * 4
    assert re.findall(r'data-start="(\d+)" data-end="(\d+)"', page) == [
        ("0", "120"),
        ("180", "720"),
    ]


def test_a_closed_day_says_why_and_names_the_next_open_one(fablab, browse):
    with writing() as session:
        session.add(
            Closure(
                place_id=fablab.place_id,
                uid="c1",
                first_day=date(2027, 3, 30),
                last_day=date(2027, 3, 31),
                reason="Stocktaking",
            )
        )

    page = browse(None).get(f"/planning/{TUESDAY}").text

    assert "The place is closed on Tuesday 30 March: Stocktaking." in page
    assert 'href="/planning/2027-04-01"' in page
    assert 'class="plan"' not in page


@pytest.mark.parametrize(
    ("language", "closed"), [("en", "Closed: Bridge"), ("fr", "Fermé\u00a0: Bridge")]
)
@pytest.mark.parametrize("view", ["grid", "list"])
def test_a_closed_day_with_a_booking_says_why_too(fablab, browse, view, language, closed):
    fablab.book("bench", slot("2027-03-30 14:00-16:00"), "chloe")
    with writing() as session:
        first = date(2027, 3, 30)
        session.add(
            Closure(
                place_id=fablab.place_id,
                uid="c1",
                first_day=first,
                last_day=first,
                reason="Bridge 100 % <b>",
            )
        )
    reader = browse(None)
    reader.set_cookie("language", language)

    page = reader.get(f"/planning/{TUESDAY}?view={view}").text

    why = f"{closed} 100 % &lt;b&gt;"
    assert f'<p class="eyebrow">{why}' in page
    assert f'<span aria-hidden="true">{why}</span>' in page
    assert "16:00 " in page
    state = "Fermé" if language == "fr" else "Closed"
    assert f"<b>{state}</b> Bridge 100 % &lt;b&gt;" in page


def test_a_place_without_machines_says_so(fablab, browse):
    change(Machine, state=MachineState.RETIRED)

    assert "There is no machine here yet." in browse(None).get("/").text
    assert "There is no machine here yet." in browse(None).get("/machines/").text


@pytest.mark.parametrize(
    "day",
    [
        "2027-02-30",
        "0000-01-01",
        "0001-01-01",
        "9999-12-31",
        "tomorrow",
        "2027-3-1",
        "٢٠٢٧-٠٣-٣٠",
        "1999-12-31",
    ],
)
def test_what_is_no_day_is_no_page(fablab, browse, day):
    assert browse(None).get(f"/planning/{day}").status_code == 404


@pytest.mark.parametrize("day", ["2000-01-01", "2200-12-31", "2027-12-31"])
def test_the_first_and_last_day_of_the_planning_can_be_read(fablab, browse, day):
    assert browse("bruno").get(f"/planning/{day}").status_code == 200


def test_a_category_narrows_the_planning(fablab, browse):
    page = browse(None).get(f"/planning/{TUESDAY}?category=bench").text

    assert "Workbench" in page
    assert "Laser cutter" not in page


def test_free_now_leaves_out_what_is_not(fablab, browse, at):
    fablab.book("laser", AFTERNOON, "bruno")
    at("2027-03-30 14:30")

    page = browse(None).get("/?free=now").text

    assert "Free now (1)" in page
    assert "Workbench" in page
    assert "Laser cutter" not in page


def test_the_chosen_view_is_remembered(fablab, browse):
    client = browse(None)

    assert "planning--list" in client.get(f"/planning/{TUESDAY}?view=list").text
    assert "planning--list" in client.get(f"/planning/{TUESDAY}").text
    assert "planning--" not in browse(None).get(f"/planning/{TUESDAY}?view=cards").text


def test_a_planning_asks_the_database_six_times_cold_whatever_the_bookings(fablab, browse):
    for hour in range(10, 18):
        fablab.book("bench", slot(f"{TUESDAY} {hour}:00-{hour}:30"), "bruno")
    client = browse("bruno")
    change(Place, address="Elsewhere")  # so that nothing of it is in memory

    with counting(db.engine) as cold:
        client.get(f"/planning/{TUESDAY}")
    with counting(db.engine) as warm:
        client.get(f"/planning/{TUESDAY}")

    assert len(cold) <= 6
    assert len(warm) <= 3


def test_names_are_inert_on_the_planning(fablab, browse):
    fablab.book("laser", AFTERNOON, "bruno", purpose="<script>alert(1)</script>")

    page = browse("bruno").get(f"/planning/{TUESDAY}").text

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


@pytest.mark.parametrize(
    ("name", "short"), [("Atelier Fil & Forme", "AF"), ("Bruno", "B"), ("", ""), ("élan 3D", "É")]
)
def test_initials(name, short):
    assert initials(name) == short


# -- the catalogue


def test_the_catalogue_tells_how_each_machine_stands(fablab, browse, at):
    fablab.book("laser", AFTERNOON, "bruno")
    at("2027-03-30 15:00")

    page = words(browse(None).get("/machines/").text)

    assert "Laser cutter Speedy Busy until 16:00 then free until 18:00" in page
    assert "Workbench Free until 18:00" in page


@pytest.mark.parametrize("typed", ["speedy", "SPEEDY laser", "l1", "room 2"])
def test_the_catalogue_is_searched_by_any_word_of_the_sheet(fablab, browse, typed):
    page = browse(None).get("/machines/", query_string={"q": typed}).text

    assert "Laser cutter" in page
    assert "Workbench" not in page


def test_accents_do_not_matter_in_a_search(fablab, browse):
    change(Machine, model="Découpe à fil")

    assert "Workbench" in browse(None).get("/machines/?q=decoupe").text


def test_a_search_that_finds_nothing_says_so(fablab, browse):
    page = browse(None).get("/machines/", query_string={"q": "<b>kiln"}).text

    assert "No machine answers to “&lt;b&gt;kiln”." in page


# -- one machine


def test_a_machine_shows_its_next_slots_by_day(fablab, browse):
    fablab.book("bench", AFTERNOON, "bruno")

    page = browse("chloe").get("/machines/bench").text

    titles = re.findall(r'<h3 class="small-title">([^<]+)</h3>', page)
    assert titles == ["Tomorrow, Tuesday 30", "Wednesday 31 March", "Thursday 1 April"]
    tuesday = re.findall(r"day=2027-03-30&amp;start=([\d:]+)", page)
    assert tuesday == ["10:00", "11:00", "12:00", "13:00", "16:00", "17:00"]


def test_the_length_chosen_decides_which_slots_are_shown(fablab, browse):
    page = browse("bruno").get("/machines/laser?length=120").text

    assert re.findall(r"day=2027-03-30&amp;start=([\d:]+)&amp;end=([\d:]+)", page) == [
        ("10:00", "12:00"),
        ("12:00", "14:00"),
        ("14:00", "16:00"),
        ("16:00", "18:00"),
    ]


@pytest.mark.parametrize("typed", ["0", "-5", "abc", "99999", "7", "١٢٠", ""])
def test_any_length_typed_falls_back_on_one_the_machine_allows(fablab, browse, typed):
    page = browse("bruno").get("/machines/laser", query_string={"length": typed})

    assert page.status_code == 200
    assert page.text.count(" checked") == 1


def test_someone_without_the_qualification_reads_what_to_follow(fablab, browse):
    page = browse("chloe").get("/machines/laser").text

    assert "This machine asks for a qualification that you do not hold yet." in page
    assert "Training to follow: Laser cutting." in page
    assert "start=" not in page


def test_a_qualified_member_and_a_visitor_see_slots(fablab, browse):
    qualified, visitor = (browse(who).get("/machines/laser").text for who in ("bruno", None))

    assert "Laser cutting: you have it" in qualified
    assert "Training needed: Laser cutting" in visitor
    for page in (qualified, visitor):
        assert "/bookings/new?machine=laser&amp;day=2027-03-30&amp;start=10:00" in page


def test_the_state_now_is_said_first(fablab, browse, at):
    fablab.book("laser", AFTERNOON, "bruno")
    at("2027-03-30 15:45")

    assert "Busy until 16:00 then free until 18:00" in words(
        browse(None).get("/machines/laser").text
    )
    assert "Yours until 16:00" in browse("bruno").get("/machines/laser").text


def test_what_follows_one_s_own_booking_is_not_called_one_s_own(fablab, browse, at):
    fablab.book("laser", slot("2027-03-30 14:00-15:00"), "bruno")
    fablab.book("laser", slot("2027-03-30 15:00-16:00"), "amina")
    fablab.book("laser", slot("2027-03-30 16:00-17:00"), "bruno")
    at("2027-03-30 14:30")

    page = words(browse("bruno").get("/machines/laser").text)

    assert "Yours until 15:00" in page
    assert "Yours until 15:00 then free" not in page
    assert "Busy until 17:00 then free until 18:00" in words(
        browse(None).get("/machines/laser").text
    )


def test_whoever_has_left_does_not_read_that_it_is_theirs(fablab, browse, at):
    uid = fablab.book("laser", AFTERNOON, "bruno")
    at("2027-03-30 14:00")
    bruno = fablab.people["bruno"]
    presence.arrive(uid, fablab.place_id, by=bruno, is_team=False, now=clock.now())
    at("2027-03-30 15:10:01")
    presence.leave(uid, fablab.place_id, by=bruno, is_team=False, now=clock.now())

    for page in (f"/planning/{TUESDAY}", "/machines/"):
        said = words(browse("bruno").get(page).text)
        assert "Busy until 15:11 then free" in said
        assert "Under way" not in said
    assert "Yours until" not in words(browse("bruno").get("/machines/laser").text)


def test_the_rules_are_told_from_the_settings(fablab, browse):
    page = browse("bruno").get("/machines/laser").text

    assert "From 30 min to 2 h" in page
    assert "Book up to 21 days ahead" in page
    assert "A qualification of level 2 is needed" in page
    assert "Level 2: alone, while the team is there." in page


def test_the_asset_number_is_for_the_team(fablab, browse):
    change(Machine, asset_number="INV-007")

    assert "INV-007" in browse("amina").get("/machines/laser").text
    assert "INV-007" not in browse("bruno").get("/machines/laser").text
    assert "INV-007" not in browse(None).get("/machines/laser").text


def test_the_public_calendar_is_offered_where_the_place_allows_it(fablab, browse):
    assert "webcal://" in browse(None).get("/machines/laser").text

    change(Place, has_public_feeds=False)

    assert "webcal" not in browse(None).get("/machines/laser").text


def test_the_week_tells_what_is_left_free(fablab, browse):
    fablab.book("bench", AFTERNOON, "bruno")

    page = words(browse(None).get("/machines/bench").text)

    assert "Tue 30 6 h free" in page
    assert "Wed 31 8 h free" in page
    assert "Mon 29 Closed" in page


def test_a_machine_page_asks_the_database_five_times_and_once_more_for_all_that_was_set_up(
    fablab, browse
):
    """Four of the nine read the place, its rules, its machines and its prices into memory."""
    client = browse("chloe")
    change(Place, address="Elsewhere")

    with counting(db.engine) as cold:
        client.get("/machines/laser")
    with counting(db.engine) as warm:
        client.get("/machines/laser")

    assert len(cold) <= 9
    assert len(warm) <= 5


@pytest.mark.parametrize("slug", ["nothing", "laser%00"])
def test_an_unknown_machine_is_no_page(fablab, browse, slug):
    assert browse(None).get(f"/machines/{slug}").status_code == 404


@pytest.mark.parametrize("day", [TUESDAY, f" {TUESDAY} "])
def test_the_field_of_the_planning_leads_to_its_day(fablab, browse, day):
    page = browse(None).get("/planning/", query_string={"day": day, "category": "bench"})

    assert "Tuesday 30 March" in page.text
    assert 'name="category" value="bench"' in page.text  # kept for the next day chosen


@pytest.mark.parametrize("typed", ["30/03/2027", "0002-03-30", "٢٠٢٧-٠٣-٣٠", "x" * 10_000])
def test_a_field_that_holds_no_day_leads_to_no_page(fablab, browse, typed):
    assert browse(None).get("/planning/", query_string={"day": typed}).status_code == 404


def test_an_empty_field_leads_to_today(fablab, browse):
    assert "Monday 29 March" in browse(None).get("/planning/?day=").text


def test_a_machine_is_found_by_its_code_in_capitals(fablab, browse):
    answer = browse(None).get("/machines/LASER?_external=1&slug=bench")

    assert (answer.status_code, answer.location) == (308, "/machines/laser")
    assert browse(None).get("/machines/LASERS").status_code == 404


# -- a machine that may run at night


@pytest.fixture
def night(fablab):
    """The bench may run alone from 18:00 to 10:00, around the day the team is there."""
    with writing() as session:
        session.add_all(
            Opening(
                place_id=fablab.place_id,
                weekday=weekday,
                opens_at=time(18),
                closes_at=time(10),
                mode=Mode.NIGHT,
            )
            for weekday in range(1, 8)
        )
        bench = fablab.machine("bench")
        session.add(Policy(place_id=fablab.place_id, machine_id=bench.id, modes=list(Mode)))


def bench_card(html: str) -> str:
    return html.split('aria-labelledby="card-bench"')[1].split("</article>")[0]


def test_a_card_counts_and_offers_the_whole_day_and_starts_by_day_first(fablab, browse, night):
    page = browse("chloe").get(f"/planning/{TUESDAY}").text

    card = bench_card(page)
    assert "24 h left free" in words(card)
    assert re.findall(r"start=([\d:]+)", card) == ["10:00", "00:00"]
    assert 'data-first="540" data-last="1140"' in page  # the grid keeps to its hours


def test_what_is_free_at_night_has_a_slot_to_tap(fablab, browse, night, at):
    at("2027-03-30 04:06")

    card = bench_card(browse("chloe").get("/").text)

    assert "Free until 24:00" in words(card)
    assert re.findall(r"start=([\d:]+)", card) == ["10:00", "04:15"]


def test_a_machine_that_runs_at_night_is_offered_from_when_somebody_may_start_it(
    fablab, browse, night, at
):
    at("2027-03-30 04:06")

    page = browse("chloe").get("/machines/bench?length=240").text

    assert re.findall(r"day=2027-03-30&amp;start=([\d:]+)&amp;end=([\d:]+)", page) == [
        ("10:00", "14:00"),
        ("14:00", "18:00"),
    ]


def test_pages_carry_no_inline_style_or_script(fablab, browse):
    fablab.book("laser", AFTERNOON, "bruno")
    client = browse("bruno")

    for address in (f"/planning/{TUESDAY}", "/machines/", "/machines/laser"):
        page = client.get(address).text
        assert not re.search(r"\sstyle=|<style|\son\w+=|<script(?![^>]*src=)|data:image", page)


def test_what_is_lent_by_the_day_is_offered_by_the_day(fablab, browse):
    with writing() as session:
        machine_id = fablab.machine("bench").id
        days = {"minimum": timedelta(days=1), "maximum": timedelta(days=7), "whole_days": True}
        session.add(Policy(place_id=fablab.place_id, machine_id=machine_id, **days))
    client = browse("bruno")

    whole = "machine=bench&amp;day=2027-03-30&amp;start=00:00&amp;end=00:00"
    assert f'class="free" href="/bookings/new?{whole}"' in client.get(f"/planning/{TUESDAY}").text
    assert whole in client.get("/machines/bench").text
    form = client.get(f"/bookings/new?{whole}".replace("&amp;", "&"))
    assert "It is free." in form.text


def test_a_machine_is_taken_until_the_last_of_those_that_follow_on_one_another(fablab, browse, at):
    """Also when the next begins beyond tomorrow."""
    bench, at_ten = fablab.machine("bench").id, instant("2027-03-30 10:00")
    for first, last in (("2027-03-30", "2027-04-01"), ("2027-04-01", "2027-04-03")):
        days = Slot(instant(f"{first} 00:00"), instant(f"{last} 00:00"))
        machines.withdraw(bench, days, "Repair", by=fablab.people["amina"], now=at_ten)
    at("2027-03-30 10:00")

    said = words(browse("amina").get("/machines/bench").text)

    assert "until Saturday" in said


def test_a_taken_machine_is_not_said_to_lack_what_it_shares_itself(fablab, browse):
    share_air(fablab, "laser")
    fablab.book("laser", AFTERNOON, "bruno")

    page = browse("amina").get(f"/bookings/new?machine=laser&day={TUESDAY}&start=14:00&end=15:00")

    assert "already taken" in page.text
    assert "in full use" not in page.text


def share_air(fablab, *slugs: str) -> None:
    """There is enough for one of them at a time."""
    with writing() as session:
        air = Resource(place_id=fablab.place_id, slug="air", name="Air")
        session.add(air)
        session.flush()
        session.add(Seat(resource_id=air.id, number=1))
        for slug in slugs:
            machine_id = fablab.machine(slug).id
            session.add(MachineResource(machine_id=machine_id, resource_id=air.id))


def test_no_page_calls_a_machine_free_that_waits_for_what_it_shares(fablab, browse, at):
    share_air(fablab, "laser", "bench")
    fablab.book("laser", AFTERNOON, "bruno")
    client, waits = browse("amina"), "Waits until 16:00 for what it shares"
    at("2027-03-30 14:30")

    for address in ("/machines/bench", "/machines/", f"/planning/{TUESDAY}"):
        assert waits in client.get(address).text
    assert waits not in client.get("/machines/laser").text
    assert "No machine is free just now" in client.get("/machines/?free=now").text
    at("2027-03-30 13:30")
    assert "until 14:00" in client.get("/machines/bench").text


@pytest.mark.parametrize("moment", ["2027-03-30 09:00", "2027-03-30 13:37"])
def test_what_is_left_free_is_the_same_on_every_page(fablab, browse, at, moment):
    share_air(fablab, "laser", "bench")
    fablab.book("laser", AFTERNOON, "bruno")
    with writing() as session:
        machine_id = fablab.machine("bench").id
        notice = timedelta(minutes=50)
        session.add(Policy(place_id=fablab.place_id, machine_id=machine_id, notice=notice))
    at(moment)
    client = browse("chloe")

    day = client.get("/machines/bench").text.partition("Free time by day")[2]
    left = re.search(rf'href="/planning/{TUESDAY}">([^<]+)<', day)[1]

    row = client.get("/planning/week/").text.partition("Workbench")[2]
    assert re.search(rf'href="/planning/{TUESDAY}[^>]*>.*?{left} left free', row, re.S)
