"""A fault reported on a telephone, with a photo; whoever has booked the machine is warned."""

import re
from email import message_from_bytes, policy
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from tests.browser.conftest import CAMILLE, DESK, NOA, PHONE

pytestmark = [pytest.mark.browser, pytest.mark.real_clock]

MACHINE = "m03"  # on which no other test counts


def photo() -> dict[str, object]:
    made = BytesIO()
    Image.new("RGB", (1200, 900), "teal").save(made, "JPEG")
    return {"name": "IMG_0001.jpg", "mimeType": "image/jpeg", "buffer": made.getvalue()}


def subjects(outbox: Path) -> list[str]:
    mails = (
        message_from_bytes(p.read_bytes(), policy=policy.default) for p in outbox.glob("*.eml")
    )
    return [str(mail["subject"]) for mail in mails]


def test_a_fault_is_reported_on_a_phone_and_the_booked_person_warned(visit, demonstration):
    phone = visit(NOA, size=PHONE)
    phone.go(f"/machines/{MACHINE}")
    phone.press('a[href$="/faults/new"]')
    phone.page.fill("#what", "La broche chauffe et sent le brûlé.")
    phone.page.locator("label", has_text="Non, personne").click()
    phone.page.set_input_files("#photo", photo())
    phone.press("main form button[type=submit]")

    assert "signalé" in phone.page.inner_text("h1, main").lower()
    fault = re.search(r"/faults/[0-9a-f-]{36}", phone.page.url)[0]
    shown = phone.page.locator(".photo--whole img")
    assert shown.evaluate("image => image.complete && image.naturalWidth") == 1200
    assert (phone.axe(), phone.spills() <= 0) == ([], True)

    desk = visit(CAMILLE, size=DESK)
    desk.go(f"/manage{fault}")
    desk.page.check("input[name=state][value=out_of_service]")
    desk.page.fill("#said", "La broche est à réviser")
    desk.press('form[action$="/verdict"] button')
    assert (desk.axe(), desk.spills() <= 0) == ([], True)
    desk.press('form[action$="/verdict"] button')

    try:
        assert "hors service" in desk.page.inner_text("main").lower()
        outbox = demonstration[0] / "outbox"
        # One mail for each person, who has booked once or, on some days, more often.
        told = re.compile(
            r"la machine (que vous avez réservée|de \d+ de vos réservations) est hors service"
        )
        for _ in range(100):
            if any(told.search(subject) for subject in subjects(outbox)):
                break
            desk.page.wait_for_timeout(200)
        assert any(told.search(subject) for subject in subjects(outbox))
    finally:
        desk.go(f"/manage{fault}")
        desk.page.fill("#done", "Broche révisée")
        desk.press('form[action$="/repair"] button')
    desk.go(f"/machines/{MACHINE}")
    assert "hors service" not in desk.page.inner_text("main").lower()
