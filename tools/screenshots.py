"""Every page as its readers see it: on a desk and a phone, light and dark. `make screenshots`.

    python tools/screenshots.py [FOLDER] [--only manage] [--language en]

Each reader of the demonstration follows the links, and of each kind of page the first that is met
is drawn: FOLDER/<reader>/<page>-<size>-<look>.png. Needs Chromium, as the browser tests do.
"""

import argparse
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from playwright.sync_api import sync_playwright

from fablab import clock, create_app, demo
from fablab.migrations import upgrade
from tests.browser.conftest import CAMILLE, CHROMIUM, DESK, FLAGS, NOA, PHONE, SASHA, Visit
from tests.conftest import browser
from tests.server import Server
from tests.support import close
from tests.wander import Walk

READERS = {"visitor": "", "new-member": SASHA, "member": NOA, "team": CAMILLE}
SIZES = {"desk": DESK, "phone": PHONE}


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("folder", nargs="?", type=Path, default=Path("screenshots"))
    asked.add_argument("--only", default="", help="pages whose name this is a part of")
    asked.add_argument("--language", default="fr", choices=["fr", "en"])
    said = asked.parse_args()
    with tempfile.TemporaryDirectory() as instance:
        pages = {
            reader: {name: address for name, address in found.items() if said.only in name}
            for reader, found in found_by_each(Path(instance), said.language)
        }
        with Server(Path(instance), DEMO="true") as server, sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            for reader, found in pages.items():
                for name in draw(chromium, server.port, reader, found, said):
                    print(name)


def found_by_each(instance: Path, language: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Each reader with the address of one page of each kind, by its name."""
    app = create_app({"INSTANCE_PATH": str(instance)})
    with app.app_context():
        upgrade()
        demo.load(clock.now())
        for reader, email in READERS.items():
            client = browser(app, email or None)
            client.set_cookie("language", language)
            walk = Walk(app, client).from_("/")
            drawn = {
                kind: next((each for each in addresses if each in walk.pages), "")
                for kind, addresses in walk.kinds.items()
            }
            yield reader, {kind: address for kind, address in drawn.items() if address}
    close(app)


def draw(
    chromium: Any, port: int, reader: str, pages: dict[str, str], said: argparse.Namespace
) -> Iterator[Path]:
    service = f"http://127.0.0.1:{port}"
    for size, viewport in SIZES.items():
        for look in ("light", "dark"):
            context = chromium.new_context(viewport=viewport, color_scheme=look)
            context.add_cookies([{"name": "language", "value": said.language, "url": service}])
            window = Visit(context.new_page(), service, [])
            if READERS[reader]:
                window.sign_in(READERS[reader])
            for kind, address in pages.items():
                file = said.folder / reader / f"{re.sub(r'[^a-z_]', '-', kind)}-{size}-{look}.png"
                window.go(address)
                window.page.screenshot(path=file, full_page=True)
                yield file
            context.close()


if __name__ == "__main__":
    main()
