"""Calendars as other programs write them, and how one is imported through the pages."""

import io
import re
from html import unescape
from typing import Any

from flask import Flask

from fablab import clock
from fablab.agendas import commands, queries
from fablab.agendas.kinds import WholeDays
from fablab.agendas.reading import Reading, read
from fablab.agendas.rules import Choice, Plan
from fablab.machines.inventory import of_place
from tests.support import PARIS, instant

NOW = instant("2027-03-29 09:00")


def event(*lines: str, uid: str = "one@elsewhere", title: str = "Works") -> str:
    """event("DTSTART;VALUE=DATE:20270505"): a VEVENT with these lines besides UID and SUMMARY."""
    return "\r\n".join(("BEGIN:VEVENT", f"UID:{uid}", f"SUMMARY:{title}", *lines, "END:VEVENT"))


def days(first: str, end: str = "", **more: str) -> str:
    """An event of whole days; `end` is the day after the last."""
    ends = [f"DTEND;VALUE=DATE:{end}"] if end else []
    return event(f"DTSTART;VALUE=DATE:{first}", *ends, **more)


def hours(start: str, end: str, *lines: str, **more: str) -> str:
    """An event on the clock of Paris: hours("20270330T140000", "20270330T160000")."""
    zone = ";TZID=Europe/Paris"
    return event(f"DTSTART{zone}:{start}", f"DTEND{zone}:{end}", *lines, **more)


def calendar(*parts: str) -> bytes:
    lines = ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//elsewhere//", *parts, "END:VCALENDAR")
    return ("\r\n".join(lines) + "\r\n").encode()


def reading(*parts: str) -> Reading:
    return read(calendar(*parts), zone=PARIS, now=NOW, untitled="Not available")


def in_words(found: Reading) -> list[str]:
    """Each event as `one: 2027-05-05..2027-05-06 2027-05-07T12:00Z/14:00Z`, hours in UTC."""
    return [
        " ".join(
            [
                f"{each.uid.partition('@')[0]}:",
                *(f"{first}..{last}" for first, last in each.days),
                *(f"{slot.start:%Y-%m-%dT%H:%M}Z/{slot.end:%H:%M}Z" for slot in each.hours),
            ]
        )
        for each in found.events
    ]


def why_not(found: Reading) -> list[tuple[int, str]]:
    return [(each.line, each.sentence) for each in found.troubles]


# -- done without the pages


def kept(fablab: Any, *parts: str) -> str:
    """The UID of a draft."""
    by, content = fablab.people["amina"], calendar(*parts)
    return commands.keep("closures.ics", content, fablab.place_id, by=by, now=clock.now())


def shown(fablab: Any, uid: str, choice: Choice) -> Plan:
    inventory = of_place(place_id=fablab.place_id)
    draft = queries.draft(uid, fablab.place_id, clock.now())
    found = commands.reading_of(draft, inventory, clock.now())
    earlier = commands.earlier(inventory, found, clock.now())
    return commands.plan(inventory, found, choice, now=clock.now(), earlier=earlier)


def imported(app: Flask, fablab: Any, *parts: str) -> str:
    """The UID of a calendar that was applied, whole, to every machine."""
    uid, machines = kept(fablab, *parts), of_place(place_id=fablab.place_id).by_id
    choice = Choice(WholeDays.CLOSE, tuple(machines), frozenset(range(len(parts))))
    with app.test_request_context():
        plan = shown(fablab, uid, choice)
        return commands.apply(
            uid,
            choice,
            place_id=fablab.place_id,
            seen=plan.seen,
            seen_bookings=plan.seen_bookings,
            by=fablab.people["amina"],
            now=clock.now(),
        )


# -- through the pages

LIST = "/manage/agendas"


def send(client: Any, content: bytes, name: str = "closures.ics") -> Any:
    """Choose a file on the page and send it."""
    data = {"csrf_token": token(client.get(LIST).text), "file": (io.BytesIO(content), name)}
    return client.post(LIST, data=data, content_type="multipart/form-data")


def draft_of(client: Any, content: bytes, name: str = "closures.ics") -> str:
    """The address of the page that shows what the file would do."""
    answer = send(client, content, name)
    assert answer.status_code == 303, answer.text
    return answer.location


def token(html: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', html)
    assert found
    return found[1]


def fields(html: str) -> dict[str, Any]:
    """What a browser would send with the page as it stands."""
    form = re.search(r'<form[^>]*action="[^"]*/application.*?</form>', html, re.S)
    assert form
    tags = re.findall(r"<input[^>]*>", form[0])
    found = [re.findall(r'([\w-]+)(?:="([^"]*)")?', tag) for tag in tags]
    inputs = [{name: unescape(value) for name, value in each} for each in found]
    sent: dict[str, Any] = {}
    for each in inputs:
        if each.get("type") in ("radio", "checkbox") and "checked" not in each:
            continue
        if each.get("type") == "checkbox":
            sent.setdefault(each["name"], []).append(each["value"])
        else:
            sent[each["name"]] = each["value"]
    return sent


def apply(client: Any, draft: str, **changed: Any) -> Any:
    """Choose all machines, look, and press the button under what is shown, with some of it
    changed.
    """
    shown = look(client, draft)
    assert shown.status_code == 200, shown.text
    return client.post(f"{draft}/application", data=fields(shown.text) | changed)


def look(client: Any, draft: str, **changed: Any) -> Any:
    sent = fields(client.get(draft).text) | {"which": "all"} | changed
    return client.post(draft, data=sent)


def apply_what_is_shown(client: Any, draft: str, **changed: Any) -> Any:
    """Choose, look, and then apply what is shown."""
    shown = look(client, draft, **changed)
    assert shown.status_code == 200, shown.text
    return client.post(f"{draft}/application", data=fields(shown.text))
