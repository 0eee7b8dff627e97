"""Every page as its readers see it: on a desk and a phone, light and dark. `make screenshots`.

    python tools/screenshots.py [FOLDER] [--only manage] [--language en] [--at "2026-11-25 10:40"]
    python tools/screenshots.py --readme      # the four of the README, made small

Each reader of the demonstration follows the links, and of each kind of page the first that is met
is drawn: FOLDER/<reader>/<page>-<size>-<look>.png. The clock stands still, on a busy morning
unless told otherwise. Needs Chromium, as the browser tests do.
"""

import argparse
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from io import BytesIO
from itertools import product
from pathlib import Path
from threading import Thread
from typing import Any
from zoneinfo import ZoneInfo

sys.path.insert(0, str(Path(__file__).parent.parent))

from flask import Flask
from PIL import Image
from playwright.sync_api import sync_playwright
from waitress import create_server

from fablab import clock, create_app, demo
from fablab.migrations import upgrade
from tests.browser.conftest import CAMILLE, CHROMIUM, DESK, FLAGS, NOA, PHONE, SASHA, Visit
from tests.conftest import browser
from tests.support import close
from tests.wander import Walk

READERS = {"visitor": "", "new-member": SASHA, "member": NOA, "team": CAMILLE}
SIZES = {"desk": DESK, "phone": PHONE}
# Of the README: whose page, which one, on what, in which look.
FOUR = {
    "planning": ("member", "home.index", "desk", "light"),
    "board": ("team", "manage.board", "desk", "dark"),
    "week": ("member", "home.week", "phone", "dark"),
    "machine": ("member", "home.machine", "phone", "light"),
}
README = Path("docs/screenshots")
COLOURS = 128


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("folder", nargs="?", type=Path, default=Path("screenshots"))
    asked.add_argument("--only", default="", help="pages whose name this is a part of")
    asked.add_argument("--language", default="fr", choices=["fr", "en"])
    asked.add_argument("--at", default="2026-11-25 10:40", help="the hour in Paris")
    asked.add_argument("--readme", action="store_true", help="the four of the README, and no other")
    said = asked.parse_args()
    moment = datetime.fromisoformat(said.at).replace(tzinfo=ZoneInfo("Europe/Paris"))
    clock.now = lambda: moment.astimezone(clock.UTC)
    with (
        tempfile.TemporaryDirectory() as instance,
        place(instance) as app,
        served(app) as service,
        sync_playwright() as playwright,
    ):
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for reader in READERS:
            pages = found_by(app, reader, said)
            for size, look in product(SIZES, ("light", "dark")):
                wanted = {
                    kind: at
                    for kind, at in pages.items()
                    if is_wanted(reader, kind, size, look, said)
                }
                if wanted:
                    window = opened(chromium, service, reader, size, look, said.language)
                    window.page.clock.set_fixed_time(moment)
                    for kind, address in wanted.items():
                        window.go(address)
                        print(kept(window, said, reader, kind, size, look))
                    window.page.context.close()


def is_wanted(reader: str, kind: str, size: str, look: str, said: argparse.Namespace) -> bool:
    return not said.readme or (reader, kind, size, look) in FOUR.values()


def kept(
    window: Visit, said: argparse.Namespace, reader: str, kind: str, size: str, look: str
) -> Path:
    """The file that the page is drawn into; for the README only what a screen shows, made small."""
    if not said.readme:
        name = f"{re.sub(r'[^a-z_]', '-', kind)}-{size}-{look}.png"
        file: Path = said.folder / reader / name
        window.page.screenshot(path=file, full_page=True)
        return file
    name = next(name for name, of in FOUR.items() if of == (reader, kind, size, look))
    drawn = Image.open(BytesIO(window.page.screenshot())).convert("RGB")
    drawn.quantize(COLOURS, dither=Image.Dither.NONE).save(README / f"{name}.png", optimize=True)
    return README / f"{name}.png"


@contextmanager
def place(instance: str) -> Iterator[Flask]:
    app = create_app({"INSTANCE_PATH": instance, "DEMO": True, "LOG_LEVEL": "ERROR"})
    with app.app_context():
        upgrade()
        demo.load(clock.now())
    yield app
    close(app)


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """The address it answers at; here rather than in a process of its own, for the clock's sake."""
    server = create_server(app, host="127.0.0.1", port=0, threads=2)
    Thread(target=server.run, daemon=True).start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()


def found_by(app: Flask, reader: str, said: argparse.Namespace) -> dict[str, str]:
    """The address of one page of each kind that the reader meets, by the kind's name."""
    with app.app_context():
        client = browser(app, READERS[reader] or None)
        client.set_cookie("language", said.language)
        walk = Walk(app, client).from_("/")
    drawn = {
        kind: next((each for each in addresses if each in walk.pages), "")
        for kind, addresses in walk.kinds.items()
        if said.only in kind
    }
    return {kind: address for kind, address in drawn.items() if address}


def opened(chromium: Any, service: str, reader: str, size: str, look: str, language: str) -> Visit:
    locale = {"fr": "fr-FR", "en": "en-GB"}[language]
    context = chromium.new_context(viewport=SIZES[size], color_scheme=look, locale=locale)
    context.add_cookies([{"name": "language", "value": language, "url": service}])
    window = Visit(context.new_page(), service, [])
    if READERS[reader]:
        window.sign_in(READERS[reader])
    return window


if __name__ == "__main__":
    main()
