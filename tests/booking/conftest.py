"""What the tests of bookings need beyond the cast."""

import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

from fablab.booking.forms import ONESELF, UNSAID
from fablab.db import db, writing
from fablab.machines.models import Machine
from tests.conftest import Fablab


def change(row: type[Any], where: str = "", **values: Any) -> None:
    """As staff would, so that the place's revision moves; `where` is a machine's slug."""
    with writing() as session:
        asked = db.select(row).where(row.slug == where) if where else db.select(row)
        for one in session.scalars(asked):
            for name, value in values.items():
                setattr(one, name, value)


def add_machine(fablab: Fablab, slug: str, beside: str, **values: Any) -> None:
    """Another machine in the category of `beside`."""
    twin = fablab.machine(beside)
    with writing() as session:
        session.add(
            Machine(
                place_id=fablab.place_id,
                category_id=twin.category.id,
                slug=slug,
                code=slug.upper(),
                name=slug.title(),
                **values,
            )
        )


class Form(HTMLParser):
    """The form of a page that books or moves, as a browser holds it: every value as shown.

    `boxes` has what those that are not ticked would send.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.action = ""
        self.values: dict[str, str] = {}
        self.boxes: dict[str, str] = {}
        self._select = ""
        self.feed(html[html.index('<form class="card') :].partition("</form>")[0])

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag == "form":
            self.action = given["action"]
        elif given.get("type") == "checkbox" and "checked" not in given:
            self.boxes[given["name"]] = given["value"]
        elif tag == "input":
            self.values[given["name"]] = given.get("value", "")
        elif tag == "select":
            self._select = given["name"]
        elif tag == "option" and ("selected" in given or self._select not in self.values):
            self.values[self._select] = given["value"]

    def send(self, client: Any, **changed: str) -> Any:
        """Press `Confirm`, after changing some values; for oneself, where that is asked."""
        is_asked = self.values.get("organization") == UNSAID
        chosen = {"organization": ONESELF} if is_asked else {}
        return client.post(self.action, data=self.values | chosen | changed)

    def check(self, client: Any, **changed: str) -> Any:
        """Press `Check`."""
        return self.send(client, check="1", **changed)


def words(html: str) -> str:
    """What the page says, without its marks and with single blanks."""
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)))
