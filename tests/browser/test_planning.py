"""The planning in a real browser: by mouse, by finger, by keys; and kept up to date."""

import re
from typing import Any

import pytest

from tests.browser.conftest import DESK, NOA, PHONE
from tests.browser.test_main_path import cancel, first_free_day

pytestmark = [pytest.mark.browser, pytest.mark.real_clock]

STUDIO = "m20"  # which asks for no training


def open_day(window: Any, slug: str = STUDIO, view: str = "grid") -> str:
    """The planning of the first day on which the machine has a free range."""
    day = first_free_day(window, slug)
    window.go(f"/planning/{day}?view={view}")
    return day


def look_again(window: Any) -> None:
    """As if it were time to: the page asks when the network is back, too."""
    window.page.evaluate("window.dispatchEvent(new Event('online'))")


def book_elsewhere(window: Any, link: str) -> str:
    """The form a free range leads to, sent; the booking's UID."""
    window.go(link)
    window.page.fill("input[name='purpose']", "Elsewhere")
    window.press("main form[action='/bookings/'] button:not([name])")
    return re.search(r"/bookings/([0-9a-f-]{36})$", window.page.url)[1]


# -- what others do shows by itself


@pytest.mark.parametrize("view", ["grid", "list"])
def test_what_somebody_books_appears_without_a_reload(visit, view):
    size = PHONE if view == "list" else DESK
    reader, noa = visit(size=size), visit(NOA)
    open_day(reader, view=view)
    free = reader.page.locator("a.free[data-machine='m20'], a.slot[href*='machine=m20&']").first
    link = free.get_attribute("href")
    reader.page.evaluate("window.stayed = true")
    focused = reader.page.locator("a.free:not([data-machine='m20']), .machine-card h3 a").last
    focused.focus()
    before = reader.page.evaluate("document.activeElement.href")
    scrolled = reader.page.evaluate("scrollY")

    uid = book_elsewhere(noa, link)
    look_again(reader)

    news = reader.page.locator("#announce", has_text=re.compile("Studio|studio|Le planning"))
    news.wait_for(state="attached")
    assert reader.page.evaluate("window.stayed")
    assert reader.page.evaluate("document.activeElement.href") == before
    assert reader.page.evaluate("scrollY") == scrolled
    assert reader.axe() == []
    cancel(noa, uid)


def test_the_reader_on_the_very_row_keeps_their_place(visit):
    reader, noa = visit(), visit(NOA)
    open_day(reader)
    free = reader.page.locator("a.free[data-machine='m20']").last
    link = free.get_attribute("href")
    free.focus()

    uid = book_elsewhere(noa, link)
    look_again(reader)

    reader.page.locator("#announce:not(:empty)").wait_for(state="attached")
    focused = "row => document.querySelector(row).contains(document.activeElement)"
    assert reader.page.evaluate(focused, "tr:has(th a[href^='/machines/m20'])")
    cancel(noa, uid)


def test_paused_it_stays_as_it_is_and_then_catches_up(visit):
    reader, noa = visit(), visit(NOA)
    open_day(reader)
    link = reader.page.locator("a.free[data-machine='m20']").first.get_attribute("href")
    asked: list[str] = []
    reader.page.on("request", lambda request: asked.append(request.url))

    reader.page.click("live-planning button")
    uid = book_elsewhere(noa, link)
    look_again(reader)
    reader.page.wait_for_timeout(300)

    assert asked == []
    assert "En pause" in reader.page.inner_text("live-planning")
    reader.page.click("live-planning button")
    reader.page.locator("#announce", has_text="Le planning").wait_for(state="attached")
    cancel(noa, uid)


def test_without_a_network_it_says_so_and_recovers(visit):
    reader = visit()
    open_day(reader)

    reader.page.context.set_offline(True)
    reader.page.locator("live-planning", has_text="Hors ligne").wait_for()
    assert reader.axe() == []
    assert "Hors ligne" in reader.page.locator("#announce").inner_text()
    reader.page.context.set_offline(False)

    reader.page.locator("live-planning", has_text="tout seul").wait_for()
    assert reader.page.locator(".live--offline").count() == 0


def test_a_range_that_is_being_chosen_is_left_alone(visit):
    reader, noa = visit(), visit(NOA)
    open_day(reader)
    free = reader.page.locator("a.free[data-machine='m20']").first
    link = free.get_attribute("href")
    free.focus()
    reader.page.keyboard.press("Shift+ArrowRight")

    uid = book_elsewhere(noa, link)
    look_again(reader)
    reader.page.wait_for_timeout(500)
    assert reader.page.locator(".ghost").count() == 1
    reader.page.keyboard.press("Escape")

    reader.page.locator("#announce", has_text="Le planning").wait_for(state="attached")
    cancel(noa, uid)
