"""Who is here, pressed in a real browser: on the board, at the door, on the machine's own page."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from fablab import clock, create_app
from fablab.db import db, writing
from fablab.machines.kinds import MachineState
from fablab.machines.models import Machine, MachineResource, Occupancy, standing_around
from fablab.members.models import Member
from fablab.slots import Slot
from tests.browser.conftest import CAMILLE, DESK, NOA, PHONE
from tests.manage.conftest import booking
from tests.support import close

pytestmark = [pytest.mark.browser, pytest.mark.real_clock]

WALL, TABLET = {"width": 1920, "height": 1080}, {"width": 1024, "height": 768}
SMALLEST = {"width": 320, "height": 640}
MINUTE = timedelta(minutes=1)


@pytest.fixture
def under_way(demonstration):
    """Gives a booking of Noa's that began so many minutes ago and lasts two hours, on a machine
    that nobody has now and that shares nothing: its UID, and the machine's slug and code.
    """
    app = create_app({"INSTANCE_PATH": str(demonstration[0])})
    with app.app_context():
        yield began
    close(app)


def began(minutes: int) -> tuple[str, str, str]:
    start = clock.now().replace(second=0) - minutes * MINUTE
    span = Slot(start, start + 120 * MINUTE)
    taken = select(Machine.id).where(
        Machine.id.in_(standing_around(span).with_only_columns(Machine.id))
    )
    with writing() as session:
        free = session.execute(
            select(Machine.id, Machine.slug, Machine.code)
            .where(
                Machine.state == MachineState.IN_SERVICE,
                Machine.id.not_in(taken),
                Machine.id.not_in(select(MachineResource.machine_id)),
            )
            .order_by(Machine.id)
        ).first()
        noa = session.scalar(select(Member.id).where(Member.email == NOA))
        session.add(made := booking(free.id, noa, span))
        session.flush()
        return made.uid, free.slug, free.code


def state_of(uid: str):
    db.session.rollback()
    asked = select(Occupancy.status, Occupancy.arrived_at, Occupancy.left_at)
    return db.session.execute(asked.where(Occupancy.uid == uid)).one()


def in_form(uid: str, deed: str) -> str:
    return f'form[action$="{uid}/{deed}"] button'


def test_the_board_notes_an_arrival_an_early_end_and_takes_it_back(visit, under_way):
    uid, _slug, _code = under_way(5)
    board = visit(CAMILLE, size=TABLET)
    board.go("/manage/day/board")

    board.press(in_form(uid, "arrival"))
    assert state_of(uid).arrived_at is not None
    board.press(in_form(uid, "departure"))
    assert state_of(uid).left_at is not None
    board.press(in_form(uid, "undoing"))

    assert state_of(uid).left_at is None
    assert board.page.url.endswith("/manage/day/board")


def test_whom_nobody_saw_is_freed_and_stands_again(visit, under_way):
    uid, _slug, _code = under_way(45)
    board = visit(CAMILLE, size=PHONE)
    board.go("/manage/day/board")

    board.press(in_form(uid, "absence"))
    assert state_of(uid).status == "missed"
    board.press(in_form(uid, "undoing"))

    assert state_of(uid).status == "confirmed"


def test_a_member_says_it_on_the_page_that_the_machines_code_opens(visit, under_way):
    uid, slug, _code = under_way(3)
    phone = visit(NOA, size=PHONE)
    phone.go(f"/machines/{slug}")

    phone.press(in_form(uid, "arrival"))
    phone.press(in_form(uid, "departure"))

    assert phone.page.url.endswith(f"/machines/{slug}")
    assert state_of(uid).left_at is not None


def address_of(window, kind: str) -> str:
    """Of a board that is opened without a sign-in, as the team makes it."""
    window.go("/manage/day/boards")
    window.press(f'form[action$="/boards"]:has(input[value={kind}]) button')
    shown = window.page.input_value(f"#address-{kind}")
    return "/" + shown.partition("/board/")[1].strip("/") + "/" + shown.partition("/board/")[2]


def test_at_the_door_one_presses_once(visit, under_way):
    uid, _slug, _code = under_way(1)
    door = address_of(visit(CAMILLE), "door")
    tablet = visit(size=TABLET)
    tablet.go(door)

    tablet.press(f'form:has(input[value="{uid}"]) button')

    assert state_of(uid).arrived_at is not None
    assert tablet.page.locator(f'form:has(input[value="{uid}"])').count() == 0


@pytest.mark.parametrize("size", [WALL, DESK, TABLET, PHONE, SMALLEST])
def test_a_board_fits_its_screen_and_axe_finds_nothing(visit, size):
    wall = address_of(visit(CAMILLE), "wall")
    window = visit(size=size)
    window.go(wall)

    assert (window.axe(), window.spills()) == ([], 0)


def test_the_board_takes_the_news_unless_it_is_frozen_or_in_use(visit, under_way):
    board = visit(CAMILLE)
    board.page.clock.install()
    board.go("/manage/day/board")
    uid, _slug, _code = under_way(2)
    news = board.page.locator(in_form(uid, "arrival"))

    board.page.locator("[data-pause]").click()
    board.page.clock.run_for(61_000)
    assert news.count() == 0

    board.page.locator("[data-pause]").click()
    board.page.clock.run_for(61_000)
    news.wait_for()


def test_the_day_is_printed_on_one_a4(visit):
    window = visit(CAMILLE)
    window.go("/manage/day/sheet")

    printed = window.page.pdf(prefer_css_page_size=True)

    assert printed.count(b"/Type /Page\n") + printed.count(b"/Type /Page ") == 1
