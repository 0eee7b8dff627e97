"""The day on the wall, at the door and on paper."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from fablab import clock
from fablab.booking import absences
from fablab.db import db, writing
from fablab.machines.kinds import MachineState, Status
from fablab.machines.models import Machine, Occupancy, Policy
from fablab.members.audit import AuditEntry
from fablab.members.kinds import Deed
from fablab.members.models import Member
from fablab.places.kinds import NamesShown, WallNames
from fablab.places.models import Place
from fablab.presence import addresses
from fablab.presence.kinds import BoardKind
from fablab.presence.models import BoardAddress
from tests.booking.conftest import change, words
from tests.conftest import browser
from tests.presence.support import arrive, booked, record, row, say
from tests.support import counting, instant, submit


@pytest.fixture
def day(fablab, at):
    """At 14:10 on Tuesday: Chloé came before two, Bruno is late on the laser, Amina comes later."""
    uids = {
        "here": booked(fablab, "chloe", "14:00-16:00"),
        "late": booked(fablab, "bruno", "14:00-15:00", slug="laser"),
        "ahead": booked(fablab, "amina", "16:00-17:00"),
    }
    at("2027-03-30 13:55")
    arrive(fablab, uids["here"], "chloe")
    at("2027-03-30 14:10")
    return uids


def order(html: str) -> list[str]:
    """Who arrives, in the order of the board."""
    return re.findall(r'arrival__who">([^<]+)<', html)


def test_the_board_says_who_is_late_who_comes_and_who_is_here(day, browse):
    html = browse("amina").get("/manage/day/board").text

    assert order(html) == ["Bruno Lefil", "Amina Rahal", "Chloé Navette"]
    shown = words(html)
    assert "Laser cutter · 10 min late" in shown
    assert "Workbench · in 1 h 50" in shown
    assert "Workbench · arrived at 13:55" in shown
    assert "Expected for 10 min" in shown
    assert "1 arrived 2 expected 0 absent" in shown
    assert "1 h 50 left" in shown


def test_what_is_lent_is_told_in_days_and_comes_last(day, fablab, browse):
    """The laser, lent from Tuesday to the end of Thursday; nobody counts that in hours."""
    team = browse("amina")
    laser = fablab.machine("laser").id
    first, last = instant("2027-03-30 00:00"), instant("2027-04-02 00:00")
    before = team.get("/manage/day/board").text
    assert before.index(">Laser cutter") < before.index(">Workbench")
    with writing() as session:
        session.add(Policy(place_id=fablab.place_id, machine_id=laser, whole_days=True))
        session.execute(
            update(Occupancy.__table__)
            .where(Occupancy.uid == day["late"])
            .values(starts_at=first, occupied_from=first, ends_at=last, occupied_until=last)
        )

    html = team.get("/manage/day/board").text
    shown = words(html)

    assert "until the end of Thursday 1 April" in shown
    assert "3 days left" in shown
    assert "all day" in shown
    assert "0:00" not in shown
    assert order(html) == ["Amina Rahal", "Bruno Lefil", "Chloé Navette"]
    assert html.index(">Workbench") < html.index(">Laser cutter")


def test_ending_early_and_an_absence_have_two_words(day, browse, at):
    at("2027-03-30 14:45")

    html = browse("amina").get("/manage/day/board").text

    assert "Nobody came" in html
    assert "Left" in words(html)
    assert ">Free<" not in html.partition('class="arrivals"')[2]


@pytest.mark.parametrize(
    ("what", "uid", "status"),
    [("/bookings/{}/arrival", "late", Status.CONFIRMED), ("/bookings/{}/departure", "here", None)],
)
def test_each_has_its_button_that_comes_back_to_the_board(day, browse, what, uid, status):
    action = what.format(day[uid])

    answer = submit(browse("amina"), "/manage/day/board", action)

    assert (answer.status_code, answer.location) == (303, "/manage/day/board")
    assert row(day[uid]).arrived_at is not None


def test_who_is_long_late_is_freed_and_that_undone(day, browse, at):
    at("2027-03-30 14:31")
    team, uid = browse("amina"), day["late"]

    freed = submit(team, "/manage/day/board", f"/manage/bookings/{uid}/absence")

    assert freed.location == "/manage/day/board"
    assert row(uid).status == Status.MISSED
    assert order(team.get("/manage/day/board").text)[-1] == "Bruno Lefil"
    submit(team, "/manage/day/board", f"/bookings/{uid}/undoing")
    assert row(uid).status == Status.CONFIRMED


@pytest.mark.parametrize("after", [0, 20, 45])
def test_the_button_that_frees_comes_when_the_rule_says_else_after_half_an_hour(
    fablab, day, browse, at, after
):
    say(fablab, timedelta(minutes=after))
    team, address = browse("amina"), f"/manage/bookings/{day['late']}/absence"

    def is_offered(minutes):
        at(f"2027-03-30 14:{minutes:02}")
        return address in team.get("/manage/day/board").text

    asked = after or 30
    assert [is_offered(asked - 1), is_offered(asked)] == [False, True]


def test_nobody_frees_the_machine_of_their_own_booking(fablab, browse, at):
    own = booked(fablab, "amina", "14:00-15:00")
    at("2027-03-30 14:31")

    assert f"/manage/bookings/{own}/absence" not in browse("amina").get("/manage/day/board").text


def test_the_teams_day_has_the_same_buttons_and_the_real_hours(day, browse):
    team = browse("amina")

    answer = submit(team, "/manage/day", f"/bookings/{day['late']}/arrival")

    assert answer.location == "/manage/day"
    assert "arrived at 13:55" in words(team.get("/manage/day").text)


def test_what_is_missed_counts_as_absent(fablab, day, browse):
    absences.mark_missed(day["late"], fablab.place_id, by=None, now=clock.now())

    assert "1 arrived 1 expected 1 absent" in words(browse("amina").get("/manage/day/board").text)


@pytest.mark.parametrize("page", ["/manage/day/board", "/manage/day/sheet", "/manage/day"])
def test_it_costs_the_same_whatever_the_day(fablab, day, browse, page):
    client = browse("amina")
    client.get(page)

    def statements() -> int:
        with counting(db.engine) as asked:
            assert client.get(page).status_code == 200
        return len(asked)

    before = statements()
    for start in ("17:00-17:30", "17:30-18:00"):
        booked(fablab, "chloe", start)

    assert statements() == before <= 8


# -- without a sign-in


def address(fablab, kind=BoardKind.WALL) -> str:
    by = fablab.people["amina"]
    token = addresses.make(fablab.place_id, kind, key=addresses.new_key(), by=by, now=clock.now())
    return f"/board/{token}"


def test_the_wall_shows_first_names_and_no_button(fablab, day, browse):
    answer = browse(None).get(address(fablab))

    assert order(answer.text) == ["Bruno", "Amina", "Chloé"]
    assert "Lefil" not in answer.text
    assert "<form" not in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        ({"wall_names": WallNames.ORGANIZATIONS}, "Studio Fil"),
        ({"wall_names": WallNames.NOBODY}, "Reserved"),
        ({"names_shown": NamesShown.NOBODY}, "Reserved"),
    ],
)
def test_it_shows_no_more_than_the_place_says(fablab, browse, at, place, shown):
    booked(fablab, "bruno", organization_id=fablab.organization_id)
    change(Place, **place)
    at("2027-03-30 14:10")

    html = browse(None).get(address(fablab)).text

    assert order(html) == [shown]
    assert "Bruno" not in html


def test_at_the_door_one_says_that_one_is_here_and_nothing_else(fablab, day, browse):
    door, tablet = address(fablab, BoardKind.DOOR), browse(None)
    assert re.findall(r'action="([^"]+)"', tablet.get(door).text) == [f"{door}/arrival"]

    answer = submit(tablet, door, f"{door}/arrival")

    assert (answer.status_code, answer.location) == (303, door)
    assert row(day["late"]).arrived_at is not None
    assert record(day["late"])[-1] == ("arrived", None)
    shown = browse("amina").get(f"/bookings/{day['late']}").text
    assert "Arrived, said at the door" in shown


def test_a_wall_takes_no_arrival_and_a_door_none_of_another_place(fablab, day, browse, app):
    app.config["WTF_CSRF_ENABLED"] = False
    wall, door = address(fablab), address(fablab, BoardKind.DOOR)

    refused = browse(None).post(f"{wall}/arrival", data={"booking": day["late"]})
    nothing = browse(None).post(f"{door}/arrival", data={"booking": "no-such"})

    assert (refused.status_code, nothing.status_code) == (404, 404)
    assert row(day["late"]).arrived_at is None


def test_an_address_that_is_renewed_stopped_or_wrong_opens_nothing(fablab, browse):
    first = address(fablab)
    second, visitor = address(fablab), browse(None)
    assert [visitor.get(each).status_code for each in (first, second)] == [404, 200]

    addresses.stop(fablab.place_id, BoardKind.WALL, by=fablab.people["amina"], now=clock.now())

    wrong = f"/board/{'x' * 32}"
    assert [visitor.get(each).status_code for each in (second, wrong)] == [404, 404]


def test_the_team_makes_an_address_that_is_shown_once(fablab, browse):
    team = browse("amina")

    made = submit(team, "/manage/day/boards", "/manage/day/boards", kind="wall")

    (token,) = re.findall(r'value="[^"]*/board/([\w-]{32})"', made.text)
    assert browse(None).get(f"/board/{token}").status_code == 200
    kept = db.session.scalars(select(BoardAddress.token_hash)).one()
    assert kept == addresses.hashed(token)
    assert token not in team.get("/manage/day/boards").text
    submit(team, "/manage/day/boards", "/manage/day/boards/stop", kind="wall")
    assert browse(None).get(f"/board/{token}").status_code == 404


def test_the_same_form_twice_makes_one_address(fablab):
    key, by, now = addresses.new_key(), fablab.people["amina"], clock.now()
    tokens = {
        addresses.make(fablab.place_id, BoardKind.WALL, key=key, by=by, now=now) for _ in range(2)
    }
    assert len(tokens) == 1


def test_the_team_says_what_the_walls_show(fablab, day, browse):
    team = browse("amina")

    submit(team, "/manage/day/boards", "/manage/day/boards/names", wall_names="nobody")

    assert order(browse(None).get(address(fablab)).text) == ["Reserved"] * 3


def test_what_is_done_to_the_boards_is_recorded(any_fablab, any_app):
    team, boards = browser(any_app, "amina"), "/manage/day/boards"

    for _ in range(2):
        submit(team, boards, boards, kind="door")
    for _ in range(2):  # of these, each second one changes nothing
        submit(team, boards, f"{boards}/stop", kind="door")
        submit(team, boards, f"{boards}/names", wall_names="nobody")

    entries = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    assert {(each.what, each.made_by_id) for each in entries} == {
        (Deed.BOARD, any_fablab.people["amina"])
    }
    assert [each.after for each in entries] == [
        {"board_made": "door"},
        {"board_renewed": "door"},
        {"board_stopped": "door"},
        {"wall_names": "nobody"},
    ]
    assert entries[-1].before == {"wall_names": "first_names"}
    shown = words(team.get(boards).text)
    for said in (
        "Another address made A tablet at the door",
        "Address stopped A tablet at the door",
        "What they show of people Nothing: only that it is reserved",
    ):
        assert said in shown


# -- on paper, and on the machine


def test_the_sheet_lists_who_comes_with_a_telephone_they_share(fablab, day, browse):
    with writing() as session:
        session.get(Member, fablab.people["bruno"]).shares_phone = True

    html = browse("amina").get("/manage/day/2027-03-30/sheet").text

    rows = re.findall(r"<tr>(.*?)</tr>", html, re.S)[1:]
    assert ["Bruno" in each for each in rows].count(True) == 1
    assert [("+33 5" in each, "✓" in each) for each in rows].count((True, False)) == 1
    assert sum("✓" in each for each in rows) == 1


@pytest.mark.parametrize("page", ["day", "day/board", "day/sheet"])
def test_a_padlock_is_told_from_a_machine_that_is_only_out_of_service(fablab, browse, page):
    for state, is_locked in ((MachineState.OUT_OF_SERVICE, False), (MachineState.LOCKED_OUT, True)):
        with writing() as session:
            machine = session.get_one(Machine, fablab.machine("laser").id)
            machine.state, machine.state_reason = state, "Belt"

        html = browse("amina").get(f"/manage/{page}").text

        assert "Belt" in html
        assert ("Locked out" in html) is is_locked


def test_the_label_leads_to_the_machines_page(fablab, browse, app):
    team = browse("amina")

    page, code = (team.get(f"/manage/machines/bench/label{end}") for end in ("", ".svg"))

    assert "/manage/machines/bench/label.svg" in page.text
    assert code.mimetype == "image/svg+xml"
    assert team.get("/manage/machines/none/label").status_code == 404


@pytest.mark.parametrize("page", ["/manage/day/board", "/manage/day/boards", "/manage/day/sheet"])
def test_they_speak_french_too(fablab, day, browse, page):
    client = browse("amina")
    client.set_cookie("language", "fr")

    assert client.get(page).status_code == 200
