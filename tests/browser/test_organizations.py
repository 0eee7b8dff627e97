"""Whoever manages an organization invites somebody, who joins and books on its behalf."""

import pytest

from tests.browser.conftest import DESK, NOA, PHONE, SASHA

pytestmark = [pytest.mark.browser, pytest.mark.real_clock]


def test_somebody_is_invited_and_joins(visit):
    noa, sasha = visit(NOA, size=DESK), visit(SASHA, size=PHONE)

    noa.go("/organizations/")
    noa.press("main a.card")
    noa.page.fill("#email", SASHA)
    noa.press("form[action$='/invitations'] button")
    assert SASHA in noa.page.inner_text("main")

    sasha.go("/organizations/")
    sasha.press("main .message a")
    sasha.press("button[value='yes']")
    place = sasha.page.url
    assert noa.page.url.endswith(place.partition("/organizations/")[2])
    sasha.go("/bookings/new?machine=m20")
    name = noa.page.inner_text("h1")
    assert name in sasha.page.inner_text("select[name='organization']")

    noa.go(noa.page.url.removeprefix(noa.service))
    assert "Sasha" in noa.page.inner_text("table")
