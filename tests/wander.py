"""Somebody who follows every link, as a stranger to the place would: what is found on the way.

One after another the pages of each kind (an endpoint) are opened, a few of each: two bookings
lead to different pages when one of them is over.
"""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin, urlsplit

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

A_FEW = 8  # pages of a kind
SILENT = {"script", "style", "svg", "pre", "code"}
LEADS = {"a": "href", "link": "href", "img": "src", "script": "src"}
SPOKEN = ("alt", "aria-label", "placeholder", "title")


class Page(HTMLParser):
    """Where its links lead, and its forms that only ask, sent as they stand; each text that a
    reader sees or hears.
    """

    def __init__(self, address: str, html: str) -> None:
        super().__init__()
        self.address = address
        self.links: list[str] = []
        self.texts: list[str] = []
        self._inside: list[str] = []
        self._asked: dict[str, str] | None = None  # of the form being read
        self._choice = ""  # the name of the list being read
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag in SILENT:
            self._inside.append(tag)
        leads = said.get(LEADS.get(tag, ""), "")
        if leads:
            self.links.append(urljoin(self.address, leads.replace("webcal:", "http:")))
        if tag == "form" and said.get("method", "get").lower() == "get":
            self._asked, self._action = {}, said.get("action", "")
        self._fill_in(tag, said)
        self.texts += [said[name] for name in SPOKEN if said.get(name)]

    def _fill_in(self, tag: str, said: dict[str, str]) -> None:
        if self._asked is None:
            return
        if tag == "select":
            self._choice = said["name"]
        elif tag == "option" and ("selected" in said or self._choice not in self._asked):
            self._asked[self._choice] = said.get("value", "")
        elif tag == "input" and "name" in said:
            is_choice = said.get("type") in ("checkbox", "radio")
            if not is_choice or "checked" in said:
                self._asked[said["name"]] = said.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if self._inside and tag == self._inside[-1]:
            self._inside.pop()
        if tag == "form" and self._asked is not None:
            address = urljoin(self.address, self._action).partition("?")[0]
            self.links.append(f"{address}?{urlencode(self._asked)}")
            self._asked = None

    def handle_data(self, data: str) -> None:
        if not self._inside and data.strip():
            self.texts.append(" ".join(data.split()))


@dataclass
class Walk:
    """The pages that one reader reached, by their address; what led nowhere, and from where."""

    app: Flask
    client: FlaskClient
    pages: dict[str, Page] = field(default_factory=dict)
    kinds: dict[str, list[str]] = field(default_factory=dict)  # addresses by endpoint
    dead: list[tuple[str, str, int]] = field(default_factory=list)  # address, from, status

    def from_(self, *starts: str) -> "Walk":
        ways = deque((start, "") for start in starts)
        known, counted = set(starts), Counter[str]()
        while ways:
            address, origin = ways.popleft()
            endpoint = self.endpoint(address)
            if endpoint is None:
                self.dead.append((address, origin, 404))
                continue
            if counted[endpoint] >= A_FEW:
                continue
            counted[endpoint] += 1
            for link in self._visit(address, origin, endpoint):
                if link not in known:
                    known.add(link)
                    ways.append((link, address))
        return self

    def _visit(self, address: str, origin: str, endpoint: str) -> Iterator[str]:
        """Open it, and give where it leads."""
        answer = self.client.get(address)
        if answer.status_code >= 400:
            self.dead.append((address, origin, answer.status_code))
            return
        self.kinds.setdefault(endpoint, []).append(address)
        if answer.status_code >= 300:
            yield from self._inside([urljoin(address, answer.location)])
        elif answer.mimetype == "text/html":
            self.pages[address] = Page(address, answer.text)
            yield from self._inside(self.pages[address].links)

    def _inside(self, links: list[str]) -> Iterator[str]:
        """Those that stay in the service, as paths."""
        for link in links:
            parts = urlsplit(link)
            if parts.scheme in ("", "http") and parts.netloc in ("", "localhost"):
                yield parts.path + (f"?{parts.query}" if parts.query else "")

    def endpoint(self, address: str) -> str | None:
        """Of the page that answers there; None when none does."""
        try:
            adapter = self.app.url_map.bind("localhost")
            return str(adapter.match(urlsplit(address).path, method="GET")[0])
        except RequestRedirect as redirect:
            return self.endpoint(redirect.new_url)
        except HTTPException:
            return None
