"""From the door to the booking and back without a mouse, and what is there to be heard."""

import re
from datetime import date, timedelta
from typing import Any

import pytest

from fablab import demo
from tests.browser.conftest import DESK, NOA, PHONE
from tests.browser.test_accessibility import FOR_MEMBERS, every_page

pytestmark = [pytest.mark.browser, pytest.mark.real_clock]

FAR = 400  # presses of a key, beyond which nobody looks any further


def go_to(window: Any, selector: str) -> None:
    """Press Tab until it has the focus, which is seen."""
    for _press in range(FAR):
        window.page.keyboard.press("Tab")
        if window.page.evaluate("s => document.activeElement.matches(s)", selector):
            break
    else:
        pytest.fail(f"the Tab key never reaches {selector}")
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert window.page.evaluate(outline) != "none", selector


def press(window: Any, selector: str) -> None:
    go_to(window, selector)
    with window.page.expect_navigation():
        window.page.keyboard.press("Enter")


def fill(window: Any, selector: str, text: str) -> None:
    go_to(window, selector)
    window.page.keyboard.type(text)


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_a_machine_is_booked_and_given_back_by_keyboard_alone(visit, size):
    window = visit(size=size)
    window.go("/machines/m20")
    press(window, "a[href^='/login']")
    fill(window, "input[name='email']", NOA)
    fill(window, "input[name='password']", demo.PASSWORD)
    press(window, "main form button[type='submit']")
    window.go("/machines/m20")

    press(window, "a.slot")
    fill(window, "input[name='purpose']", "Un abat-jour")
    press(window, "main form[action='/bookings/'] button:not([name])")
    booked = window.page.url
    press(window, "main a[href$='/cancellation']")
    press(window, "main form[action$='/cancellation'] button")

    assert re.search(r"/bookings/[0-9a-f-]{36}$", booked)
    assert window.page.url == booked
    assert window.page.locator("[role=status]").first.is_visible()


def test_what_is_refused_takes_the_focus_and_says_error_first(visit):
    window = visit(NOA)
    window.go("/bookings/new?machine=m20&day=2020-01-01&start=10:00&end=11:00")

    press(window, "main form[action='/bookings/'] button:not([name])")

    assert window.page.title().startswith("Erreur")
    assert window.page.evaluate("document.activeElement.getAttribute('role')") == "alert"


def test_every_page_is_told_in_order(visit):
    """One title, headings that skip no level, and the same landmarks at the same places."""
    window, wrong = visit(NOA), {}
    for path in every_page(window, FOR_MEMBERS):
        levels = window.page.eval_on_selector_all(
            "h1, h2, h3, h4, h5, h6", "all => all.map(one => Number(one.tagName[1]))"
        )
        skipped = any(deep > level + 1 for level, deep in zip(levels, levels[1:], strict=False))
        told = window.page.locator("body").aria_snapshot()
        landmarks = re.findall(r"^- (banner|main|contentinfo)", told, re.MULTILINE)
        if levels.count(1) != 1 or skipped or landmarks != ["banner", "main", "contentinfo"]:
            wrong[path] = (levels, landmarks)

    assert wrong == {}


def test_nothing_moves_for_whoever_wants_no_motion(visit):
    window, moving = visit(NOA), {}
    window.page.emulate_media(reduced_motion="reduce")
    slow = """() => [...document.querySelectorAll("*")].filter(one => {
        const style = getComputedStyle(one)
        const longest = [style.transitionDuration, style.animationDuration]
            .flatMap(each => each.split(",")).map(parseFloat)
        return Math.max(...longest) > 0.01
    }).map(one => one.outerHTML.slice(0, 80))"""
    for path in every_page(window, ["/", "/machines/m01", "/bookings/"]):
        if found := window.page.evaluate(slow):
            moving[path] = found[:3]

    assert moving == {}


def test_what_is_free_taken_and_ones_own_differ_without_the_place_s_colours(visit):
    """In forced colours, where the page's own backgrounds are gone."""
    window, kinds = visit(NOA), [".booking--own", ".booking:not(.booking--own)", "a.free"]
    window.page.emulate_media(forced_colors="active")
    for ahead in range(14):
        window.go(f"/planning/{date.today() + timedelta(days=ahead)}?view=grid")  # noqa: DTZ011
        if all(window.page.locator(kind).count() for kind in kinds):
            break

    look = "s => [getComputedStyle(s).backgroundColor, getComputedStyle(s).borderTopStyle]"
    looks = [window.page.locator(kind).first.evaluate(look) for kind in kinds]

    assert len({tuple(each) for each in looks}) == 3
    assert window.axe() == []
