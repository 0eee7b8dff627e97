"""Who may import whom: the layers of pyproject.toml, kept; and the maps of two packages."""

import re
import subprocess
import sys
import tomllib

import pytest

from fablab import ROOT


def test_every_module_imports_only_what_stands_below_it():
    """In a process of its own, for it configures the logging of the one it runs in."""
    call = (
        "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    )

    done = subprocess.run([sys.executable, "-c", call], cwd=ROOT, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("package", ["booking", "statements"])
def test_the_map_of_a_package_names_each_module_once(package):
    said = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    after = said.partition(f"every module of `fablab/{package}`")[2]
    table = re.search(r"(^\|.*\n)+", after, re.M)[0]

    named = sorted(re.findall(r"`(\w+)`", table))

    modules = (path.stem for path in (ROOT / "fablab" / package).glob("*.py"))
    assert named == sorted(name for name in modules if name != "__init__")


def test_the_map_of_the_packages_is_the_contract():
    said = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    block = re.search(r"^    slots < .*?(?=^\n)", said, re.M | re.S)[0]
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = told["tool"]["importlinter"]["contracts"][0]["layers"]

    written = [set(each.split()) for each in block.split("<")]

    assert written == [set(re.findall(r"\w+", each)) for each in reversed(layers)]


def test_every_feature_is_named_in_the_list_of_packages():
    said = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    listed = said.partition("A feature is a package:")[2].partition("Each may import")[0]
    packages = {path.parent.name for path in (ROOT / "fablab").glob("*/__init__.py")}

    assert set(re.findall(r"`(\w+)`", listed)) == packages
