"""The main path in Firefox as it is installed: what only Chromium could do would show here."""

import re
from collections.abc import Iterator

import pytest

from fablab import demo
from tests.browser.conftest import DESK, NOA
from tests.browser.firefox import Firefox, one, program
from tests.support import missing

pytestmark = [pytest.mark.browser, pytest.mark.real_clock]

BOOK = "main form[action='/bookings/'] button:not([name])"


@pytest.fixture
def firefox(service: str) -> Iterator[Firefox]:
    if program() is None:
        missing("Firefox")
    with Firefox(DESK) as window:
        window.go(f"{service}/login")
        window.fill("input[name='email']", NOA)
        window.fill("input[name='password']", demo.PASSWORD)
        window.press("main form button[type='submit']")
        yield window
        assert window.problems == []


def widest_free_time(window: Firefox, service: str, slug: str) -> str:
    """Opens the planning of the last day the machine's page offers; the link with most room."""
    window.go(f"{service}/machines/{slug}")
    offered = window.evaluate("[...document.querySelectorAll('a.slot')].at(-1).href")
    window.go(f"{service}/planning/{re.search(r'day=([0-9-]+)', offered)[1]}?view=grid")
    free = f"a.free[data-machine='{slug}']"
    starts = window.evaluate(f"""[...document.querySelectorAll("{free}")]
        .sort((a, b) => a.dataset.end - a.dataset.start - (b.dataset.end - b.dataset.start))
        .at(-1).dataset.start""")
    return f"{free}[data-start='{starts}']"


def test_free_time_is_dragged_over_booked_and_cancelled(firefox, service):
    free = widest_free_time(firefox, service, "m20")
    whole = firefox.evaluate(f"{one(free)}.href")

    firefox.drag(free, 0.4, 0.9)
    firefox.until("location.pathname === '/bookings/new' && document.readyState === 'complete'")
    chosen = firefox.address
    firefox.fill("input[name='purpose']", "Un abat-jour")
    firefox.press(BOOK)
    booked = firefox.address
    firefox.go(f"{booked}/cancellation")
    firefox.press("main form[action$='/cancellation'] button")

    assert chosen.partition("start=")[2] not in ("", whole.partition("start=")[2])
    assert re.search(r"/bookings/[0-9a-f-]{36}$", booked)
    assert firefox.address == booked
    assert "La réservation est annulée" in firefox.text()


def test_free_time_is_chosen_with_the_keyboard_alone(firefox, service):
    free = widest_free_time(firefox, service, "m20")
    day = firefox.address.rpartition("/")[2].partition("?")[0]
    firefox.evaluate(f"{one(free)}.focus()")

    firefox.type("Right", holding="Shift")
    said = firefox.text("#announce")
    firefox.type("Enter")
    firefox.until("location.pathname === '/bookings/new' && document.readyState === 'complete'")

    assert "Entrée" in said
    assert firefox.evaluate("document.querySelector('input[name=day]').value") == day
