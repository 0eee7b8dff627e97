"""From the click to the calendar: the real service, a real mail server, and no session but one."""

import re
import time
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
import vobject

from fablab import create_app
from fablab.machines.inventory import of_place
from tests.conftest import populate
from tests.mail.conftest import Postmaster
from tests.mail.conftest import postmaster as postmaster
from tests.mail.conftest import serve as serve
from tests.server import PATIENCE, Server, Visitor, free_slots
from tests.support import Databases, close

pytestmark = pytest.mark.real_clock


def post_of(postmaster: Postmaster, count: int) -> list:
    """The mails that have come, once there are so many."""
    end = time.monotonic() + PATIENCE
    while len(postmaster.got) < count:
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)
    return postmaster.got


def invitation_in(mail):
    """The event that a mail program would act upon: the last of the alternatives."""
    [part] = [
        part
        for part in mail.walk()
        if part.get_content_type() == "text/calendar" and part.get_param("method")
    ]
    calendar = vobject.readOne(part.get_payload(decode=True).decode())
    assert calendar.method.value == part.get_param("method")
    return calendar.method.value, calendar.vevent


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_booked_by_click_invited_by_mail_cancelled_by_its_link(
    databases: Databases, engine, tmp_path: Path, postmaster, serve
):
    url, folder = databases.url(engine), tmp_path / "instance"
    app = create_app({"DATABASE_URL": url, "INSTANCE_PATH": str(folder)})
    with app.app_context():
        populate()
        visitor, zone = Visitor.sign_in(app, "chloe"), of_place().schedule.zone
        chosen = free_slots("bench")[0]
    close(app)
    post = serve()

    with Server(folder, url, MAIL_URL=f"smtp://127.0.0.1:{post.port}") as server:
        order = visitor.order("bench", chosen, zone)
        booked = server.ask("POST", "/bookings/", order, **visitor.headers())
        uid = booked.headers["Location"].rpartition("/")[2]
        [made] = post_of(postmaster, 1)

        words = made.get_body(("plain",)).get_content()
        link = urlsplit(re.search(r"http://\S+/bookings/by-mail/\S+", words)[0])
        page = server.ask("GET", link.path)
        cookie = page.headers["Set-Cookie"].partition(";")[0]
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)[1]
        assert server.ask("POST", f"{link.path}/cancellation").status == 400  # without the form
        gone = server.ask(
            "POST",
            f"{link.path}/cancellation",
            urlencode({"csrf_token": token}),
            Cookie=cookie,
            **{"Content-Type": "application/x-www-form-urlencoded"},
        )
        _, cancelled = post_of(postmaster, 2)

    assert (booked.status, page.status, gone.status) == (303, 200, 303)
    assert made["To"] == cancelled["To"] == "chloe@atelier.example"
    method, event = invitation_in(made)
    assert (method, event.uid.value, event.sequence.value) == ("REQUEST", uid, "0")
    assert (event.dtstart.value, event.dtend.value) == (chosen.start, chosen.end)
    method, event = invitation_in(cancelled)
    assert (method, event.uid.value, event.sequence.value) == ("CANCEL", uid, "1")
    assert event.status.value == "CANCELLED"
    assert made["Message-ID"] != cancelled["Message-ID"]
