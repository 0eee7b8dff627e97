"""A new place in a browser: from nothing to a booking, through the pages alone."""

import re
from collections.abc import Iterator

import pytest

from fablab import clock, create_app
from fablab.managers import Newcomer, make_manager
from fablab.migrations import upgrade
from tests.browser.conftest import DESK, PHONE
from tests.server import Server
from tests.support import close

pytestmark = [pytest.mark.browser, pytest.mark.real_clock]

EMAIL, PASSWORD = "fanny@atelier.example", "une filature pleine de machines"


@pytest.fixture
def service(tmp_path_factory) -> Iterator[str]:
    """`fablab serve` on an installation that has a manager, their place, and nothing else."""
    folder = tmp_path_factory.mktemp("new")
    app = create_app({"INSTANCE_PATH": str(folder)})
    with app.app_context():
        upgrade()
        newcomer = Newcomer("Fanny", "Première", PASSWORD)
        make_manager(EMAIL, newcomer, "L’Atelier neuf", now=clock.now())
    close(app)
    with Server(folder) as server:
        yield f"http://127.0.0.1:{server.port}"


def sign_in(window) -> None:
    window.go("/login")
    window.page.fill('input[name="email"]', EMAIL)
    window.page.fill('input[name="password"]', PASSWORD)
    window.press('main form button[type="submit"]')


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_from_nothing_to_a_machine_that_is_booked(visit, size):
    window = visit(size=size)
    page = window.page

    sign_in(window)
    window.go("/")
    assert page.url.endswith("/manage/welcome")
    assert window.axe() == []
    assert window.spills() <= 0

    window.press('main a[href="/manage/settings/place"]')
    page.fill("#address", "1 rue neuve, 86240 Ligugé")
    window.press('main form[action="/manage/settings/place"] button')
    window.go("/manage/welcome")
    window.press('main a[href="/manage/machines/new"]')
    page.fill('[name="code"]', "L1")
    page.fill('[name="name"]', "Découpe laser")
    page.fill('[name="new_category"]', "Laser")
    window.press('main form[enctype] button[type="submit"]')

    window.go("/machines/l1")
    page.locator('main a[href*="/bookings/new"]').first.wait_for()
    window.press('main a[href*="/bookings/new"]')
    window.press('main form[action="/bookings/"] button.button:not(.button--second)')
    assert re.search(r"/bookings/[0-9a-f-]{36}$", page.url)

    window.go("/manage/welcome")
    assert page.locator(".tag--ok").count() == 2


def test_the_pages_of_a_new_place_are_for_everybody(visit):
    window = visit(size=PHONE, dark=True)
    for path in ("/", "/machines/", "/help/"):
        window.go(path)
        assert (window.axe(), window.spills()) == ([], 0), path
    sign_in(window)
    for path in ("/manage/openings", "/manage/closures", "/manage/settings/place", "/help/"):
        window.go(path)
        assert (window.axe(), max(window.spills(), 0)) == ([], 0), path
