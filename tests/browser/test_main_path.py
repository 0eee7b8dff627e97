"""What a member and the team live: in a real browser, on the real service."""

import re
import urllib.request
from datetime import date, timedelta
from typing import Any

import pytest

from tests.browser.conftest import CAMILLE, DESK, NOA, PHONE, SASHA

pytestmark = [pytest.mark.browser, pytest.mark.real_clock]


def first_free_day(window: Any, slug: str) -> str:
    """The first day with a free slot on the machine, from the links of its page."""
    window.go(f"/machines/{slug}")
    link = window.page.locator("a.slot").first.get_attribute("href")
    return re.search(r"day=([\d-]+)", link)[1]


def reserve_on_the_planning(window: Any, slug: str, purpose: str, *, in_list: bool) -> str:
    """From the planning of a day to the booking made; its UID."""
    day = first_free_day(window, slug)
    window.go(f"/planning/{day}")
    free = f"a.slot[href*='machine={slug}&']" if in_list else f"a.free[data-machine='{slug}']"
    window.press(free)
    window.page.fill("input[name='purpose']", purpose)
    window.press("main form[action='/bookings/'] button:not([name])")
    return re.search(r"/bookings/([0-9a-f-]{36})$", window.page.url)[1]


def subscribe(window: Any, feed: str) -> str:
    """Make a calendar's address on the page, as a person would; the address."""
    window.go("/calendars/")
    window.press(f"form:has(input[value='{feed}']) button")
    return window.page.locator("copy-button input").input_value()


def read(address: str) -> str:
    """What a calendar client gets; long lines unfolded (RFC 5545 §3.1)."""
    with urllib.request.urlopen(address) as answer:
        return answer.read().decode().replace("\r\n ", "")


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_a_member_reserves_the_laser_and_every_calendar_shows_it(visit, size, scripts):
    noa = visit(NOA, size=size, scripts=scripts)

    uid = reserve_on_the_planning(noa, "m01", "A lamp", in_list=size is PHONE)

    noa.go("/bookings/")
    assert noa.page.locator(f"main a[href='/bookings/{uid}']").count() >= 1
    assert f"UID:{uid}" in read(subscribe(noa, "member"))
    public = read(f"{noa.service}/machines/m01/calendar.ics")
    assert "SUMMARY:Occupé" in public
    assert "Perrinelle" not in public
    cancel(noa, uid)
    assert f"UID:{uid}" not in read(subscribe(noa, "place"))


def cancel(window: Any, uid: str) -> None:
    window.go(f"/bookings/{uid}/cancellation")
    window.press(f"main form[action='/bookings/{uid}/cancellation'] button")
    assert window.page.url.endswith(f"/bookings/{uid}")


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_a_machine_is_booked_every_week_and_given_back_in_one_go(visit, scripts):
    window = visit(CAMILLE, size=PHONE, scripts=scripts)
    day = date.fromisoformat(first_free_day(window, "m20"))
    window.go(f"/bookings/new?machine=m20&day={day}")

    window.page.click("main details summary")
    window.page.select_option("select[name='repeat']", "1")
    window.page.fill("input[name='until']", f"{day + timedelta(days=56)}")
    window.press("main form[action='/bookings/'] button:not([name])")

    assert window.spills() == 0
    assert not scripts or window.axe() == []
    assert window.page.locator("input[name^='date-'][type='checkbox']:checked").count() >= 2
    window.press("main button[name='confirm']")
    assert re.search(r"/bookings/series/[0-9a-f-]{36}$", window.page.url)
    window.press("main a[href$='/following/cancellation']")
    window.press("main form[action$='/following/cancellation'] button")
    assert window.page.locator("main a[href$='/following/cancellation']").count() == 0


def test_the_fab_manager_sees_it_on_the_page_and_in_the_feed_of_the_day(visit):
    noa, camille = visit(NOA), visit(CAMILLE)
    uid = reserve_on_the_planning(noa, "m02", "A poster", in_list=False)
    day = first_day_of(noa, uid)

    camille.go(f"/manage/day/{day}")

    assert camille.page.get_by_text("A poster").count() >= 1
    feed = read(subscribe(camille, "day"))
    assert f"UID:{uid}" in feed
    assert "Noa Perrinelle" in feed
    cancel(noa, uid)


def first_day_of(window: Any, uid: str) -> str:
    window.go(f"/bookings/{uid}/move")
    return window.page.input_value("input[name='day']")


def test_two_people_ask_for_one_slot_and_the_second_is_told_kindly(visit):
    noa, camille = visit(NOA), visit(CAMILLE, size=PHONE)
    day = first_free_day(noa, "m20")
    for window in (noa, camille):
        window.go(f"/planning/{day}?view=grid")
    address = noa.page.locator("a.free[data-machine='m20']").first.get_attribute("href")
    for window in (noa, camille):
        window.go(address)

    for window in (noa, camille):
        window.press("main form[action='/bookings/'] button:not([name])")

    assert re.search(r"/bookings/[0-9a-f-]{36}$", noa.page.url)
    assert camille.page.locator("#refusal").is_visible()
    assert camille.page.title().startswith("Erreur")
    assert camille.page.evaluate("document.activeElement.id") == "refusal"
    assert camille.page.locator("a.slot--offer").count() == 3
    camille.press("a.slot--offer")
    camille.press("main form[action='/bookings/'] button:not([name])")
    assert re.search(r"/bookings/[0-9a-f-]{36}$", camille.page.url)
    for window in (noa, camille):
        cancel(window, window.page.url.rsplit("/", 1)[1])


def test_a_new_member_is_told_what_is_missing(visit):
    sasha = visit(SASHA, size=PHONE)

    sasha.go("/machines/m01")

    said = sasha.page.locator("main").inner_text()
    assert "habilitation" in said
    assert "Habilitation découpe laser" in said


def test_free_time_is_chosen_with_the_keyboard_alone(visit):
    noa = visit(NOA)
    day = first_free_day(noa, "m20")
    noa.go(f"/planning/{day}?view=grid")
    noa.page.locator("a.free[data-machine='m20']").first.focus()

    noa.page.keyboard.press("Shift+ArrowRight")
    said = noa.page.locator("#announce").inner_text()
    noa.page.keyboard.press("Enter")

    assert "Entrée" in said
    noa.page.wait_for_url(re.compile("/bookings/new"))
    assert noa.page.input_value("input[name='day']") == day


def test_the_dark_look_is_kept_from_page_to_page(visit):
    window = visit()
    window.go("/")

    window.page.locator("[data-theme-button]").click()
    window.go("/machines/")

    assert window.page.locator("html").get_attribute("data-theme") == "dark"


def test_the_other_language_is_one_click_away(visit):
    window = visit(size=PHONE)
    window.go("/machines/m01")

    window.press("role=button[name='English']")

    assert window.page.url.endswith("/machines/m01")
    assert window.page.locator("html").get_attribute("lang") == "en"
    assert "Next free slots" in window.page.locator("main").inner_text()
