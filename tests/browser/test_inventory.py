"""Machines in a real browser: made with a photo, made after another, brought in, and retired."""

import pytest

from tests.browser.conftest import CAMILLE, DESK, PHONE
from tests.machines.test_photos import picture

pytestmark = [pytest.mark.browser, pytest.mark.real_clock]

SMALLEST = {"width": 320, "height": 640}
ENDLESS = "Superdécoupeuse" * 5  # a word without a blank
SAVE = "main form[enctype] button[type=submit]"


def send(window, text: str) -> None:
    window.go("/manage/imports/machines")
    file = {"name": f"{ENDLESS}.csv", "mimeType": "text/csv", "buffer": text.encode()}
    window.page.set_input_files("input[name=file]", file)
    window.press(SAVE)


def retire(window, slug: str) -> None:
    window.go(f"/manage/machines/{slug}/retirement")
    window.page.fill("input[name=reason]", "Vendue")
    window.press("main form button[type=submit]")


@pytest.mark.parametrize(
    ("size", "dark"),
    [(SMALLEST, False), (PHONE, True), (DESK, False)],
    ids=["smallest", "phone-dark", "desk"],
)
def test_the_pages_of_the_inventory_hold_up(visit, size, dark):
    window = visit(CAMILLE, size=size, dark=dark)
    page, code, found = window.page, f"T{size['width']}", {}
    slug = code.lower()

    def look(name):
        found[name] = (window.axe(), max(0, window.spills()))

    window.go("/manage/machines/new?category=elec")
    look("new")
    page.fill("input[name=code]", code)
    page.fill("textarea[name=specs]", "80 W")
    photo = {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": picture()}
    page.set_input_files("input[name=photo]", photo)
    page.fill("input[name=photo_alt]", "La machine, capot ouvert")
    window.press(SAVE)
    page.locator(".message--ok").wait_for()
    look("refused")
    page.fill("input[name=name]", ENDLESS)
    page.fill("textarea[name=specs]", "Puissance : 80 W")
    page.fill("input[name=maximum]", "2 h")
    window.press(SAVE)
    assert page.url.endswith(f"/manage/machines/{slug}")
    look("made")

    window.go(f"/machines/{slug}")
    shown = page.get_by_alt_text("La machine, capot ouvert")
    shown.scroll_into_view_if_needed()
    assert shown.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    look("members' page")
    window.go("/machines/")
    look("catalogue")
    window.go(f"/manage/machines/{slug}/duplicate")
    look("duplicate")
    window.go(f"/manage/machines/{slug}/edit")
    look("edit")
    window.go("/manage/categories")
    look("categories")
    window.go("/manage/categories/elec")
    look("category")

    send(window, f"code,name,category,risk_class\n{code},,Électronique,Z\n")
    look("bad file")
    send(
        window, f"code,name,category\n{code},Encore elle,Électronique\n{code}B,Deux,Électronique\n"
    )
    look("good file")
    window.press("form[action$='/application'] button")
    window.go(f"/machines/{slug}")
    assert page.locator("h1").inner_text() == "Encore elle"

    window.go(f"/manage/machines/{slug}/retirement")
    look("retirement")
    for each in (slug, f"{slug}b"):
        retire(window, each)
    look("retired")
    assert found == {name: ([], 0) for name in found}
    assert len(found) == 13
