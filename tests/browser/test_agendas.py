"""A calendar file in a real browser: shown, applied and undone, with nothing for axe to find."""

from datetime import date, timedelta

import pytest

from tests.agendas.support import calendar, days, event, hours
from tests.browser.conftest import CAMILLE, DESK, PHONE

pytestmark = [pytest.mark.browser, pytest.mark.real_clock]

SMALLEST = {"width": 320, "height": 640}
ENDLESS = "Privatisation" * 12  # a word without a blank


def far_away(days_: int) -> str:
    return f"{date.today() + timedelta(days=400 + days_):%Y%m%d}"  # noqa: DTZ011


def sheet(hour: int = 14) -> bytes:
    day = far_away(0)
    return calendar(
        days(far_away(7), uid="closed", title="Congés d’été"),
        hours(
            f"{day}T{hour}0000",
            f"{day}T{hour + 2}0000",
            "RRULE:FREQ=WEEKLY;COUNT=9",
            uid="h",
            title=ENDLESS,
        ),
        event("DTSTART;TZID=Nowhere:20270505T140000", "DURATION:PT1H", uid="odd", title=ENDLESS),
        event("DTSTART:20270505", "STATUS:CANCELLED", uid="off", title=ENDLESS),
    )


def send(window, content: bytes) -> None:
    window.go("/manage/agendas")
    file = {"name": f"{ENDLESS}.ics", "mimeType": "text/calendar", "buffer": content}
    window.page.set_input_files("input[type=file]", file)
    window.press("main form button[type=submit]")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [SMALLEST, PHONE, DESK], ids=["smallest", "phone", "desk"])
def test_the_pages_of_a_calendar_hold_up(visit, size, dark):
    window = visit(CAMILLE, size=size, dark=dark)
    found = {}

    def look(name):
        found[name] = (window.axe(), max(0, window.spills()))

    send(window, b"nothing of the kind")
    look("refused")
    send(window, sheet())
    look("shown")
    window.page.check("input[name=which][value=some]", force=True)
    window.press("main form button[formaction]")
    look("no machine")
    window.page.check("input[name=machines] >> nth=-1")
    window.press("main form button[formaction]")
    look("looked again")
    window.press("main form button[type=submit]:not([formaction])")
    look("applied")
    done = window.page.url
    send(window, sheet(15))
    look("in its place")
    window.go("/manage/agendas")
    look("not imported yet")
    window.press("form[action$='/leaving'] button")
    look("left")
    window.page.goto(done)
    window.press("form[action$='/undoing'] button")
    look("undone")
    window.go("/manage/agendas")
    look("listed")
    window.go("/manage/agendas/drafts/00000000-0000-4000-8000-000000000000")
    look("gone")

    assert found == {name: ([], 0) for name in found}
    assert len(found) == 11
