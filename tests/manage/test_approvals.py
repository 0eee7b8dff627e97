"""What waits for the team, bookings nobody came to, and what is held against a member."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from fablab import clock
from fablab.booking import absences, commands, consents
from fablab.booking.consents import Wanted
from fablab.booking.kinds import ConsentKind
from fablab.booking.models import Consent
from fablab.db import db, writing
from fablab.machines.kinds import Status
from fablab.machines.models import Occupancy, Policy
from fablab.members.models import Mark, Membership
from fablab.places.models import Place
from tests.booking.conftest import words
from tests.conftest import Fablab
from tests.support import instant, slot, submit

TEAM, OWNER = ConsentKind.TEAM, ConsentKind.OWNER
AFTERNOON = slot("2027-03-30 14:00-16:00")


def ask(fablab: Fablab, hours: str, due: str, who: str = "bruno", kind: Any = TEAM) -> str:
    """The question whether they may have the laser in these hours of tomorrow; its UID."""
    booking = commands.find(fablab.book("laser", slot(f"2027-03-30 {hours}"), who))
    with writing() as session:
        of_it = Occupancy.id == booking.id
        session.execute(
            update(Occupancy.__table__).where(of_it).values(status=Status.PENDING, title="Lamp")
        )
        consents.ask(session, booking.id, [Wanted(kind)], due_at=instant(due), now=clock.now())
    uid = db.session.scalar(select(Consent.uid).where(Consent.occupancy_id == booking.id))
    assert uid
    return uid


def status(uid: str) -> Status:
    """Of the booking behind the question."""
    db.session.rollback()
    asked = select(Occupancy.status).join(Consent, Consent.occupancy_id == Occupancy.id)
    found = db.session.scalar(asked.where(Consent.uid == uid))
    assert found
    return found


# -- approvals


def test_what_waits_for_the_team_is_listed_the_soonest_due_first(cast, amina):
    later = ask(cast, "10:00-11:00", "2027-03-29 20:00")
    sooner = ask(cast, "12:00-13:00", "2027-03-29 18:00")
    ask(cast, "14:00-15:00", "2027-03-29 18:00", kind=OWNER)  # of somebody else
    ask(cast, "16:00-17:00", "2027-03-29 18:00", who="amina")  # of her own

    page = amina.get("/manage/approvals").text

    assert page.index(sooner) < page.index(later)
    assert page.count('class="card stack"') == 2
    assert "Lamp" in page


def test_without_anything_to_answer_the_page_says_so(cast, amina):
    assert "Nothing waits for an answer." in amina.get("/manage/approvals").text


def test_the_team_agrees_from_its_list(cast, amina):
    uid = ask(cast, "10:00-11:00", "2027-03-29 20:00")

    answer = submit(amina, "/manage/approvals", f"/manage/approvals/{uid}", answer="yes")

    assert (answer.status_code, answer.location) == (303, "/manage/approvals")
    assert status(uid) == Status.CONFIRMED


def test_a_no_without_a_reason_is_refused_where_it_was_said(cast, amina):
    other = ask(cast, "12:00-13:00", "2027-03-29 20:00")
    uid = ask(cast, "10:00-11:00", "2027-03-29 20:00")

    answer = submit(amina, "/manage/approvals", f"/manage/approvals/{uid}", answer="no")

    assert answer.status_code == 422
    assert f'id="why-{uid}-error"' in answer.text
    assert f'id="why-{other}-error"' not in answer.text
    assert status(uid) == Status.PENDING


def test_a_no_keeps_its_reason(cast, amina):
    uid = ask(cast, "10:00-11:00", "2027-03-29 20:00")

    submit(amina, "/manage/approvals", f"/manage/approvals/{uid}", answer="no", why="Too long")

    assert status(uid) == Status.CANCELLED
    assert db.session.scalar(select(Consent.why).where(Consent.uid == uid)) == "Too long"


def test_what_is_not_for_the_team_is_not_answered_there(cast, amina):
    uid = ask(cast, "10:00-11:00", "2027-03-29 20:00", kind=OWNER)

    answer = submit(amina, "/manage/approvals", f"/manage/approvals/{uid}", answer="yes")

    assert answer.status_code == 404
    assert status(uid) == Status.PENDING


def test_another_places_team_is_not_asked(annex, app, cast, browse):
    uid = ask(cast, "10:00-11:00", "2027-03-29 20:00")
    dora = browse("dora")

    assert uid not in dora.get("/manage/approvals").text
    answer = submit(dora, "/manage/approvals", f"/manage/approvals/{uid}", answer="yes")

    assert answer.status_code == 404
    assert status(uid) == Status.PENDING


# -- nobody came


@pytest.fixture
def missed(cast: Fablab, at: Any) -> str:
    """A booking of Chloé's that began a quarter of an hour ago."""
    uid = cast.book("bench", AFTERNOON, "chloe")
    at("2027-03-30 14:15")
    return uid


def test_the_team_says_that_nobody_came(missed, amina):
    page = f"/manage/bookings/{missed}/absence"
    assert page in amina.get(f"/bookings/{missed}").text
    assert "Chloé Navette" in amina.get(page).text

    answer = submit(amina, page, page)

    assert (answer.status_code, answer.location) == (303, f"/bookings/{missed}")
    assert commands.find(missed).status == Status.MISSED
    assert "Nobody came: Amina gave the machine to the others" in words(
        amina.get(f"/bookings/{missed}").text
    )


def test_before_it_begins_nobody_is_said_to_be_away(cast, amina, at):
    uid = cast.book("bench", AFTERNOON, "chloe")
    at("2027-03-30 13:59")

    assert "/absence" not in amina.get(f"/bookings/{uid}").text
    assert amina.get(f"/manage/bookings/{uid}/absence").status_code == 404
    submit(amina, "/manage/day", f"/manage/bookings/{uid}/absence")

    assert commands.find(uid).status == Status.CONFIRMED


def test_its_member_finds_no_such_button(missed, browse):
    assert "/absence" not in browse("chloe").get(f"/bookings/{missed}").text


def test_another_places_team_marks_nobody(annex, missed, browse):
    page = f"/manage/bookings/{missed}/absence"

    assert browse("dora").get(page).status_code == 404
    assert submit(browse("dora"), "/manage/day", page).status_code == 404

    assert commands.find(missed).status == Status.CONFIRMED


# -- what is held against a member


@pytest.fixture
def suspended(cast: Fablab, missed: str) -> str:
    """One mark is enough: Chloé may not book for two weeks. The mark's UID."""
    with writing() as session:
        session.execute(update(Place.__table__).values(marks_allowed=1))
    absences.mark_missed(missed, cast.place_id, by=cast.people["amina"], now=clock.now())
    uid = db.session.scalar(select(Mark.uid))
    assert uid
    return uid


def test_the_team_sees_a_members_marks_and_what_follows(suspended, amina, uid):
    page = words(amina.get(f"/manage/members/{uid('chloe')}").text)

    assert "Did not come B1 Workbench Today, 14:00–16:00" in page
    assert "No booking is possible until Tuesday 13 April 14:15." in page
    assert "Late cancellation or absence noted" in page  # in the record


def lift(client: Any, member: str, mark: str, **typed: str) -> Any:
    page = f"/manage/members/{member}"
    return submit(client, page, f"{page}/marks/{mark}/lifting", **typed)


def test_a_mark_is_lifted_with_a_reason(suspended, amina, uid, cast):
    answer = lift(amina, uid("chloe"), suspended, why="The tram was on strike")

    assert answer.status_code == 303
    of_hers = Membership.member_id == cast.people["chloe"]
    assert db.session.scalar(select(Membership.marked_until).where(of_hers)) is None
    page = words(amina.get(f"/manage/members/{uid('chloe')}").text)
    assert "Lifted: The tram was on strike" in page
    assert "No booking is possible" not in page


@pytest.mark.parametrize("why", ["", "   ", "a\0b", "x" * 10_000, "\u202egnissap"])
def test_without_a_sound_reason_a_mark_stays(suspended, amina, uid, why):
    answer = lift(amina, uid("chloe"), suspended, why=why)

    assert answer.status_code == 422
    assert f'id="lift-{suspended}-error"' in answer.text
    assert db.session.scalar(select(Mark.lifted_at)) is None


def test_a_mark_is_lifted_on_its_own_members_page(suspended, amina, uid):
    answer = submit(
        amina,
        f"/manage/members/{uid('chloe')}",
        f"/manage/members/{uid('bruno')}/marks/{suspended}/lifting",
        why="Why not",
    )

    assert answer.status_code == 404
    assert db.session.scalar(select(Mark.lifted_at)) is None


def test_a_member_reads_their_own_marks(suspended, browse):
    page = words(browse("chloe").get("/bookings/").text)

    assert "Did not come B1 Workbench, Today, 14:00–16:00." in page
    assert "This counts until Monday 28 June 14:15." in page
    assert "No booking is possible until Tuesday 13 April 14:15." in page
    assert "Did not come" not in browse("bruno").get("/bookings/").text


def test_what_would_follow_is_said_before_it_does(cast, missed, browse):
    with writing() as session:
        session.execute(update(Place.__table__).values(marks_allowed=3))
    absences.mark_missed(missed, cast.place_id, by=cast.people["amina"], now=clock.now())

    page = words(browse("chloe").get("/bookings/").text)

    assert "After 2 more within 90 days, no booking is possible for 14 days." in page


# -- cancelling late


@pytest.fixture
def late(cast: Fablab) -> str:
    """A booking of Chloé's on Wednesday at 14:00, free to cancel until a day before."""
    with writing() as session:
        for policy in session.scalars(select(Policy).where(Policy.machine_id.is_(None))):
            policy.free_cancellation = timedelta(hours=24)
    return cast.book("bench", slot("2027-03-31 14:00-16:00"), "chloe")


def test_until_it_is_late_the_booking_says_until_when(late, browse, at):
    page = words(browse("chloe").get(f"/bookings/{late}").text)
    assert "Without being noted as late until Tuesday 30 March 14:00" in page
    at("2027-03-30 14:01")

    assert "Without being noted" not in browse("chloe").get(f"/bookings/{late}").text


WARNING = "You cancel less than 1 day before the start: it will be noted as late."


@pytest.mark.parametrize(
    ("now", "who", "warned"),
    [
        ("2027-03-30 14:00", "chloe", False),
        ("2027-03-30 14:01", "chloe", True),
        ("2027-03-30 14:01", "amina", False),
    ],
)
def test_whoever_cancels_late_is_warned_first(late, browse, at, now, who, warned):
    at(now)

    assert (WARNING in words(browse(who).get(f"/bookings/{late}/cancellation").text)) is warned
