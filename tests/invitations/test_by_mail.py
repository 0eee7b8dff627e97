"""A booking read, and cancelled, by the link of a mail: without signing in."""

import re
from typing import Any

import pytest
from sqlalchemy import select, update

from fablab import clock
from fablab.booking import commands, series
from fablab.booking.answers import answer
from fablab.booking.consents import Wanted
from fablab.booking.kinds import ConsentKind
from fablab.db import db, writing
from fablab.invitations import links
from fablab.machines.kinds import MachineState, Status
from fablab.machines.models import Machine, Occupancy
from fablab.members import staff
from fablab.members.models import Mark, Member
from tests.booking.conftest import change, words
from tests.booking.test_consents import asked_of, pending, with_buddy
from tests.booking.test_waits import AN_HOUR, crowd, join, offered
from tests.booking.test_waits import cancel as give_back
from tests.booking.test_wider_rules import set_policy
from tests.conftest import Fablab
from tests.support import slot, submit

HOURS = slot("2027-03-30 14:00-16:00")


def booked(fablab: Fablab, hours: Any = HOURS, **more: Any) -> str:
    return fablab.book("bench", hours, "bruno", **more)


def link(fablab: Fablab, uid: str, who: str = "bruno") -> str:
    member = select(Member.uid).where(Member.id == fablab.people[who])
    return f"/bookings/by-mail/{links.token_for(uid, db.session.scalar(member))}"


def state(uid: str) -> tuple[Status, int]:
    db.session.rollback()
    asked = select(Occupancy.status, Occupancy.revision).where(Occupancy.uid == uid)
    return tuple(db.session.execute(asked).one())


def said(client: Any, page: str) -> str:
    answer = client.get(page)
    assert answer.status_code == 200
    return words(answer.text)


# -- read


def test_the_whole_booking_is_read_without_signing_in(fablab, browse):
    uid = booked(fablab, purpose="Shelves", organization_id=fablab.organization_id)

    page = said(browse(None), link(fablab, uid))

    assert "It is booked" in page
    for part in ("B1 Workbench", "Tuesday 30 March 2027", "14:00–16:00", "L'Atelier"):
        assert part in page
    assert "On behalf of Studio Fil" in page
    assert "Your project Shelves" in page
    assert "For Bruno Lefil" in page


def test_its_buddy_is_named_once_agreed(fablab, browse):
    uid = with_buddy(fablab)
    assert "It waits for approval" in said(browse(None), link(fablab, uid))

    answer(asked_of(uid)[0].uid, True, by=fablab.people["amina"], now=clock.now())

    page = said(browse(None), link(fablab, uid))
    assert "Buddy Amina Rahal" in page
    assert "It is booked" in page


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_reading_changes_nothing(fablab, browse, method):
    uid = booked(fablab)
    page = link(fablab, uid)

    for path in (page, f"{page}/cancellation"):
        browse(None).open(path, method=method)

    assert state(uid) == (Status.CONFIRMED, 0)


def test_a_booking_that_moved_shows_as_it_is_now_and_says_so(fablab, browse):
    uid = booked(fablab)
    page = link(fablab, uid)
    assert "Changed by" not in said(browse(None), page)
    order = fablab.order("bench", slot("2027-03-31 10:00-11:00"), "bruno")

    commands.move(uid, order, by=fablab.people["bruno"], is_team=False, now=clock.now())

    now = said(browse(None), page)
    assert "Wednesday 31 March 2027 10:00–11:00" in now
    assert "Changed by Bruno; it was Tuesday 30 March, 14:00–16:00." in now


@pytest.mark.parametrize(
    ("at_", "title", "buttons"),
    [
        ("2027-03-30 13:59", "It is booked", {"Move or change", "Cancel this booking"}),
        ("2027-03-30 14:00", "It is under way", {"Change the end"}),
        ("2027-03-30 16:00", "This booking is over", {"Book this machine again"}),
    ],
)
def test_what_can_be_done_is_offered_and_nothing_else(fablab, browse, at, at_, title, buttons):
    page = link(fablab, booked(fablab))
    at(at_)

    html = browse(None).get(page).text

    assert title in html
    every = {"Move or change", "Change the end", "Cancel this booking", "Book this machine again"}
    assert {each for each in every if re.search(rf"<span>{each}</span>", html)} == buttons


def test_to_move_it_one_signs_in_and_comes_back_to_it(fablab, browse):
    uid = booked(fablab)
    page = browse(None).get(link(fablab, uid)).text
    move = re.search(r'href="([^"]*/move)"', page)[1]

    answer = browse(None).get(move)

    assert move == f"/bookings/{uid}/move"
    assert (answer.status_code, answer.location) == (303, f"/login?next=/bookings/{uid}/move")


def test_what_is_offered_from_the_waiting_list_is_answered_there(fablab, browse):
    crowd(fablab)
    uid = join(fablab, "dan")
    give_back(fablab)

    page = browse(None).get(link(fablab, offered(uid).uid, "dan")).text

    assert "This slot is offered to you" in page
    assert f'href="/waits/{uid}"' in page
    assert "Cancel this booking" not in page


# -- cancelled


def press(client: Any, page: str) -> Any:
    return submit(client, page, f"{page}/cancellation")


def test_the_button_cancels_as_the_member_would(fablab, browse):
    uid = booked(fablab)
    page, visitor = link(fablab, uid), browse(None)

    done = press(visitor, page)

    assert (done.status_code, done.location) == (303, page)
    assert state(uid) == (Status.CANCELLED, 1)
    after = said(visitor, page)
    assert "The booking is cancelled and the machine free again." in after
    assert "This booking is cancelled" in after
    assert "Cancel this booking?" not in after
    happened = db.session.execute(
        select(commands.Change.what, commands.Change.made_by_id).order_by(commands.Change.id.desc())
    ).first()
    assert tuple(happened) == ("cancelled", fablab.people["bruno"])


def test_pressed_twice_it_is_cancelled_once(fablab, browse):
    uid = booked(fablab)
    page, visitor = link(fablab, uid), browse(None)
    html = visitor.get(page).text
    token = re.search(r'name="csrf_token" value="([^"]+)"', html)[1]

    for _press in range(2):
        assert visitor.post(f"{page}/cancellation", data={"csrf_token": token}).status_code == 303

    assert state(uid) == (Status.CANCELLED, 1)


@pytest.mark.parametrize("token", [None, "", "wrong"])
def test_nothing_is_cancelled_without_the_token_of_the_form(fablab, browse, token):
    uid = booked(fablab)
    data = {} if token is None else {"csrf_token": token}

    answer = browse(None).post(f"{link(fablab, uid)}/cancellation", data=data)

    assert answer.status_code == 400
    assert state(uid) == (Status.CONFIRMED, 0)


def test_once_it_has_started_it_is_too_late(fablab, browse, at):
    uid = booked(fablab)
    page, visitor = link(fablab, uid), browse(None)
    token = re.search(r'name="csrf_token" value="([^"]+)"', visitor.get(page).text)[1]
    at("2027-03-30 14:00")

    visitor.post(f"{page}/cancellation", data={"csrf_token": token})

    assert state(uid) == (Status.CONFIRMED, 0)
    assert "This booking can no longer be cancelled." in said(visitor, page)


def test_it_says_before_that_it_would_be_noted_as_late(any_fablab, browse_any, at):
    set_policy(any_fablab, "bench", free_cancellation=24 * AN_HOUR)
    uid = booked(any_fablab)
    page, visitor = link(any_fablab, uid), browse_any(None)
    free = said(visitor, page)
    assert "Without being noted as late until Monday 29 March 14:00" in free
    assert "it will be noted as late" not in free
    at("2027-03-29 14:01")
    assert "You cancel less than 1 day before the start: it will be noted as late." in said(
        visitor, page
    )

    press(visitor, page)

    assert db.session.scalars(select(Mark.member_id)).all() == [any_fablab.people["bruno"]]


def test_of_a_series_only_this_one_is_cancelled_and_it_says_so(fablab, browse):
    hours = [slot(f"2027-{day} 14:00-15:00") for day in ("03-31", "04-07")]
    orders = [fablab.order("bench", each, "bruno") for each in hours]
    series.book(orders, every_weeks=1, by=fablab.people["bruno"], now=clock.now())
    first, second = db.session.scalars(select(Occupancy.uid).order_by(Occupancy.starts_at))
    page = link(fablab, first)
    assert "The others of this series stay." in said(browse(None), page)

    press(browse(None), page)

    assert (state(first)[0], state(second)[0]) == (Status.CANCELLED, Status.CONFIRMED)


def test_what_waits_for_approval_can_be_cancelled(fablab, browse):
    uid = pending(fablab, Wanted(ConsentKind.TEAM))

    press(browse(None), link(fablab, uid))

    assert state(uid)[0] == Status.CANCELLED


def test_a_suspended_member_may_still_give_it_back(fablab, browse):
    uid = booked(fablab)
    staff.suspend(
        fablab.people["bruno"],
        fablab.place_id,
        HOURS.end,
        "Left the laser alone",
        by=fablab.people["amina"],
        now=clock.now(),
    )

    press(browse(None), link(fablab, uid))

    assert state(uid)[0] == Status.CANCELLED


# -- whose, and for how long


@pytest.mark.parametrize("who", ["chloe", "amina"])
def test_the_link_of_somebody_else_opens_nothing_of_his(fablab, browse, who):
    uid = booked(fablab)
    page = link(fablab, uid, who)

    assert browse(None).get(page).status_code == 404
    # a form of another page brings the token
    sent = submit(browse(who), "/account/", f"{page}/cancellation")
    assert sent.status_code == 404
    assert state(uid) == (Status.CONFIRMED, 0)


def test_a_month_after_its_end_the_link_shows_nothing(fablab, browse, at):
    page = link(fablab, booked(fablab))

    at("2027-04-29 15:59")
    assert browse(None).get(page).status_code == 200
    at("2027-04-29 16:00")
    assert browse(None).get(page).status_code == 404


def test_of_somebody_erased_it_shows_nothing(fablab, browse):
    page = link(fablab, booked(fablab))
    with writing() as session:
        session.execute(
            update(Member.__table__)
            .where(Member.id == fablab.people["bruno"])
            .values(erased_at=clock.now())
        )

    assert browse(None).get(page).status_code == 404


@pytest.mark.parametrize("spoil", [lambda path: path[:-1], str.lower, lambda path: path + "x"])
def test_a_spoilt_link_is_no_page(fablab, browse, spoil):
    page = link(fablab, booked(fablab))
    nothing = browse(None).get("/no-such-page")

    answer = browse(None).get(spoil(page))

    assert (answer.status_code, words(answer.text)) == (404, words(nothing.text))


def test_a_machine_that_is_retired_since_hides_nothing(fablab, browse):
    uid = booked(fablab)
    change(Machine, "bench", state=MachineState.RETIRED)

    page = said(browse(None), link(fablab, uid))

    assert "B1 Workbench" in page
    assert "Move or change" not in page
    press(browse(None), link(fablab, uid))
    assert state(uid)[0] == Status.CANCELLED


@pytest.mark.parametrize("language", ["fr", "en"])
def test_it_speaks_the_language_of_its_member(fablab, browse, language):
    page = link(fablab, booked(fablab))
    with writing() as session:
        session.execute(update(Member.__table__).values(language=language))
    visitor = browse(None)
    visitor.delete_cookie("language")

    assert f'<html lang="{language}"' in visitor.get(page).text
    assert ("It is booked" in visitor.get(page).text) is (language == "en")
