"""Who may import whom: the layers of pyproject.toml, kept; and the map of the largest package."""

import re
import subprocess
import sys

from fablab import ROOT


def test_every_module_imports_only_what_stands_below_it():
    """In a process of its own, for it configures the logging of the one it runs in."""
    call = (
        "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    )

    done = subprocess.run([sys.executable, "-c", call], cwd=ROOT, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_map_of_the_bookings_names_each_module_once():
    said = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = said.partition("every module of `fablab/booking`")[2].partition("## Words")[0]

    named = sorted(re.findall(r"`(\w+)`", table))

    modules = (path.stem for path in (ROOT / "fablab" / "booking").glob("*.py"))
    assert named == sorted(name for name in modules if name != "__init__")
