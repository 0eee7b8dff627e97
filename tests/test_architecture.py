"""Who may import whom: the layers of pyproject.toml, kept."""

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
