"""What the team must agree to: asked by booking it, answered on the team's page."""

import pytest

from tests.browser.conftest import CAMILLE, NOA, PHONE
from tests.browser.test_main_path import cancel, reserve_on_the_planning

pytestmark = [pytest.mark.browser, pytest.mark.real_clock]


def ask_for_approval(camille, choice: str) -> None:
    camille.go("/manage/policies/machines/m20")
    camille.page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    camille.page.select_option("select[name='approval']", choice)
    camille.press("main form[method='post'] button[type='submit']")


def test_the_team_says_yes_and_the_booking_stands(visit):
    camille, noa = visit(CAMILLE), visit(NOA, size=PHONE)
    ask_for_approval(camille, "always")
    try:
        uid = reserve_on_the_planning(noa, "m20", "Une affiche", in_list=True)
        pending = noa.page.inner_text("main")
        camille.go("/manage/approvals")
        asked = camille.page.inner_text("main")
        camille.press("main form[action^='/manage/approvals/']:has(input[value='yes']) button")
        noa.go(f"/bookings/{uid}")
        agreed = noa.page.inner_text("main")
        cancel(noa, uid)
    finally:
        ask_for_approval(camille, "")

    assert "C’est réservé" not in pending
    assert "Une affiche" in asked
    assert "C’est réservé" in agreed
