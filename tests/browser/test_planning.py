"""The planning in a real browser: by mouse, by finger, by keys; and kept up to date."""

import re
from datetime import date, timedelta
from typing import Any

import pytest

from tests.browser.conftest import CAMILLE, DESK, NOA, PHONE
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


def booked_minutes(window: Any) -> int:
    """Of the studio in the week that is shown. Bookings that touch are drawn as one."""
    booked = window.page.locator(f"tr:has(a[href^='/machines/{STUDIO}']) .strip__part--booked")
    return sum(int(part.get_attribute("width")) for part in booked.all())


def test_a_week_that_is_open_shows_it_too(visit):
    reader, noa = visit(), visit(NOA)
    open_day(noa)
    link = noa.page.locator("a.free[data-machine='m20']").first.get_attribute("href")
    day = re.search(r"day=([0-9-]{10})", link)[1]
    reader.go(f"/planning/week/?day={day}")
    before = booked_minutes(reader)
    reader.page.evaluate("window.stayed = true")

    uid = book_elsewhere(noa, link)
    look_again(reader)

    reader.page.locator("#announce:not(:empty)").wait_for(state="attached")
    assert reader.page.evaluate("window.stayed")
    assert booked_minutes(reader) > before
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


# -- by mouse


ROOM = 150  # minutes: what the widest gesture below needs


def open_day_ahead(window: Any) -> str:
    """The planning of a day of which nothing is over, with `ROOM` on the studio's row.

    Which day that is depends on today's and on what other tests left in the books.
    """
    first = date.fromisoformat(first_free_day(window, STUDIO))
    for later in range(1, 15):
        day = (first + timedelta(days=later)).isoformat()
        window.go(f"/planning/{day}?view=grid")
        cell = widest(window, STUDIO)
        if cell and start_of(cell) + ROOM <= int(cell.get_attribute("data-end")):
            cell.scroll_into_view_if_needed()
            return day
    raise AssertionError(f"no day in two weeks has {ROOM} minutes on {STUDIO}")


def widest(window: Any, slug: str) -> Any:
    """The longest free range of the machine's row; None where there is none."""
    cells = window.page.locator(f"a.free[data-machine='{slug}']").all()

    def length(cell: Any) -> int:
        return int(cell.get_attribute("data-end")) - int(cell.get_attribute("data-start"))

    return max(cells, key=length, default=None)


def spot(window: Any, slug: str, minute: int) -> tuple[float, float]:
    """Where that minute of the day stands on the machine's row."""
    row = window.page.locator(f"tr:has(th a[href^='/machines/{slug}'])").bounding_box()
    hours = window.page.locator(".plan__overlay").bounding_box()
    shown = window.page.evaluate("({...document.querySelector('.plan').dataset})")
    first, last = int(shown["first"]), int(shown["last"])
    x = hours["x"] + hours["width"] * (minute - first) / (last - first)
    return x, row["y"] + row["height"] / 2


def drag(window: Any, *spots: tuple[float, float], drop: bool = True) -> None:
    mouse = window.page.mouse
    mouse.move(*spots[0])
    mouse.down()
    for x, y in spots[1:]:
        mouse.move(x, y, steps=4)
    if drop:
        with window.page.expect_navigation():
            mouse.up()


def chosen(window: Any) -> dict[str, str]:
    return {
        name: window.page.input_value(f"main form [name='{name}']") for name in ("start", "end")
    }


def start_of(cell: Any) -> int:
    """The first whole hour of a free range."""
    return -(-int(cell.get_attribute("data-start")) // 60) * 60


def hour(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def test_dragging_over_free_time_opens_the_form_with_that_range(visit):
    noa = visit(NOA)
    day = open_day_ahead(noa)
    start = start_of(widest(noa, STUDIO))

    drag(noa, spot(noa, STUDIO, start + 5), spot(noa, STUDIO, start + 88))

    assert chosen(noa) == {"start": hour(start), "end": hour(start + 90)}
    assert noa.page.input_value("input[name='day']") == day


def test_escape_lets_go_of_what_is_dragged_and_the_link_stays_shut(visit):
    noa = visit(NOA)
    open_day_ahead(noa)
    start, there = start_of(widest(noa, STUDIO)), noa.page.url
    drag(noa, spot(noa, STUDIO, start + 5), spot(noa, STUDIO, start + 70), drop=False)
    assert noa.page.locator(".ghost").count() == 1

    noa.page.keyboard.press("Escape")
    noa.page.mouse.up()
    noa.page.wait_for_timeout(200)

    assert noa.page.locator(".ghost:not(.ghost--hover)").count() == 0
    assert noa.page.url == there


def with_own_booking(visit: Any) -> tuple[Any, str, int]:
    """Noa's planning of a day with an hour of hers on the studio: window, UID, its start."""
    noa = visit(NOA)
    day = open_day_ahead(noa)
    start = start_of(widest(noa, STUDIO))
    hours = f"start={hour(start)}&end={hour(start + 60)}"
    uid = book_elsewhere(noa, f"/bookings/new?machine={STUDIO}&day={day}&{hours}")
    noa.go(f"/planning/{day}?view=grid")
    noa.page.locator(f"a[href='/bookings/{uid}'].booking").scroll_into_view_if_needed()
    return noa, uid, start


def test_an_own_booking_is_dragged_to_another_hour(visit):
    noa, uid, start = with_own_booking(visit)

    drag(noa, spot(noa, STUDIO, start + 20), spot(noa, STUDIO, start + 80))

    assert noa.page.url.split("?")[0].endswith(f"/bookings/{uid}/move")
    assert chosen(noa) == {"start": hour(start + 60), "end": hour(start + 120)}
    noa.press("main form[action$='/move'] button:not([name])")
    assert noa.page.url.endswith(f"/bookings/{uid}")
    cancel(noa, uid)


def test_an_own_booking_is_dragged_to_another_machine(visit):
    noa, uid, start = with_own_booking(visit)
    noa.page.set_viewport_size({**DESK, "height": 2400})  # all of the grid in sight
    others = noa.page.locator("a.free[data-start]").evaluate_all(
        "(all, [from, to]) => all.filter(a => a.dataset.start <= from && a.dataset.end >= to)"
        ".map(a => a.dataset.machine)",
        [start, start + 60],
    )
    other = next(slug for slug in reversed(others) if slug != STUDIO)

    drag(noa, spot(noa, STUDIO, start + 20), spot(noa, other, start + 20))

    assert f"/bookings/{uid}/move?machine={other}&" in noa.page.url
    assert chosen(noa) == {"start": hour(start), "end": hour(start + 60)}
    cancel(noa, uid)


def test_an_own_booking_is_made_longer_by_its_edge(visit):
    noa, uid, start = with_own_booking(visit)
    edge = noa.page.locator(f"a[href='/bookings/{uid}'] .handle").bounding_box()
    grip = edge["x"] + edge["width"] / 2, edge["y"] + edge["height"] / 2

    drag(noa, grip, spot(noa, STUDIO, start + 90))

    assert noa.page.url.split("?")[0].endswith(f"/bookings/{uid}/move")
    assert chosen(noa) == {"start": hour(start), "end": hour(start + 90)}
    cancel(noa, uid)


def test_a_drop_where_it_does_not_fit_changes_nothing(visit):
    noa, uid, start = with_own_booking(visit)
    there = noa.page.url

    out_of_the_hours = noa.page.locator(".plan__machine").last.bounding_box()
    drag(
        noa,
        spot(noa, STUDIO, start + 20),
        spot(noa, STUDIO, start + 80),
        (out_of_the_hours["x"] + 5, out_of_the_hours["y"] + 5),
        drop=False,
    )
    noa.page.mouse.up()
    noa.page.wait_for_timeout(200)

    assert noa.page.url == there
    assert noa.page.locator(".booking--moving").count() == 0
    cancel(noa, uid)


# -- by finger


def test_a_tap_opens_the_form_and_a_swipe_scrolls(visit):
    noa = visit(NOA, size=PHONE, touch=True)
    open_day_ahead(noa)
    free = widest(noa, STUDIO)
    start = free.get_attribute("href")
    there = noa.page.url
    free.dispatch_event("pointerdown", {"pointerType": "touch", "button": 0})
    free.dispatch_event("pointermove", {"pointerType": "touch", "clientX": 900})
    free.dispatch_event("pointerup", {"pointerType": "touch"})
    assert noa.page.locator(".ghost").count() == 0
    assert noa.page.url == there

    with noa.page.expect_navigation():
        free.tap()

    assert noa.page.url.endswith(start)


# -- by keys


def test_arrows_walk_the_grid_and_its_ends(visit):
    noa, uid, _start = with_own_booking(visit)
    keys, focused = noa.page.keyboard, "document.activeElement.getAttribute('href')"
    row = noa.page.locator(f"tr:has(th a[href^='/machines/{STUDIO}']) a")
    hrefs = row.evaluate_all("all => all.map(a => a.getAttribute('href'))")
    row.first.focus()

    keys.press("End")
    assert noa.page.evaluate(focused) == hrefs[-1]
    keys.press("Home")
    assert noa.page.evaluate(focused) == hrefs[0]
    keys.press("ArrowRight")
    assert noa.page.evaluate(focused) == hrefs[1]
    keys.press("ArrowUp")
    assert noa.page.evaluate(focused) not in hrefs
    keys.press("ArrowDown")
    assert noa.page.evaluate(focused) in hrefs
    noa.page.locator(f"a[href='/bookings/{uid}'].booking").focus()
    with noa.page.expect_navigation():
        keys.press("Enter")
    assert noa.page.url.endswith(f"/bookings/{uid}")
    cancel(noa, uid)


def test_escape_clears_the_length_chosen_by_keys(visit):
    noa = visit(NOA)
    open_day_ahead(noa)
    widest(noa, STUDIO).focus()

    noa.page.keyboard.press("Shift+ArrowRight")
    noa.page.keyboard.press("Shift+ArrowRight")
    assert re.search(r"De \d+:\d\d à \d+:\d\d, .*Entrée", noa.page.inner_text("#announce"))
    noa.page.keyboard.press("Escape")

    assert noa.page.locator(".ghost").count() == 0
    assert "De " not in noa.page.inner_text("#announce")


# -- without scripts, back and forth


def test_without_scripts_the_grid_is_links_and_promises_nothing(visit):
    noa = visit(NOA, scripts=False)
    open_day_ahead(noa)

    assert not noa.page.locator("live-planning").is_visible()
    noa.press(f"a.free[data-machine='{STUDIO}']")
    assert "/bookings/new?" in noa.page.url


def test_back_finds_the_filters_as_they_were(visit):
    noa = visit(NOA)
    noa.go("/planning/?view=grid")
    noa.press(".chips a[href*='may=use']")
    noa.press(".chips a[href*='category=']")
    assert "may=use" in noa.page.url
    narrowed = noa.page.locator(".plan tbody tr").count()

    noa.page.go_back()

    assert "category" not in noa.page.url
    assert noa.page.locator(".chips [aria-current]").count() == 1
    assert noa.page.locator(".plan tbody tr").count() >= narrowed


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("path", ["/", "/planning/week/"])
def test_nothing_moves_while_the_planning_appears(visit, size, path):
    window = visit(size=size)
    window.page.add_init_script(
        "window.moved = []; new PerformanceObserver(list => list.getEntries().forEach(entry =>"
        " entry.hadRecentInput || window.moved.push([entry.value, entry.sources.map(one =>"
        " one.node?.className ?? '')]))).observe({type: 'layout-shift', buffered: true})"
    )

    window.go(path)
    window.page.wait_for_timeout(700)

    moved = window.page.evaluate("window.moved")
    assert sum(value for value, _sources in moved) < 0.01, moved


@pytest.mark.parametrize("width", [320, 390, 600])
@pytest.mark.parametrize("reader", ["", NOA, CAMILLE], ids=["visitor", "member", "team"])
def test_every_way_in_is_in_sight_on_a_phone(visit, reader, width):
    window = visit(reader, size={"width": width, "height": 800})
    window.go("/planning/")

    cut = window.page.eval_on_selector_all(
        ".nav a",
        "all => all.filter(a => { const box = a.getBoundingClientRect();"
        " return box.left < 0 || box.right > innerWidth || a.scrollWidth > a.clientWidth })"
        ".map(a => a.textContent)",
    )

    assert cut == []
