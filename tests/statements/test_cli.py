"""Statements on the command line, and the commands that the documentation gives."""

import json
import re
import subprocess
import sys

import pytest
from click.testing import CliRunner

from fablab import ROOT
from fablab.cli import statement
from fablab.statements import proofs, sources
from fablab.statements.proofs import ProofError
from tests.statements.conftest import MARCH


@pytest.fixture
def closed(workshop):
    workshop.for_studio("laser", "2027-03-30 10:00-11:00", "chloe", activity="étoffe")
    return workshop.close()


@pytest.fixture
def file(closed, tmp_path):
    made = tmp_path / "statement.json"
    made.write_text(proofs.exported(closed, "json"), "utf-8")
    return made


def documented():
    text = (ROOT / "docs" / "statements.md").read_text("utf-8")
    return re.search(r"python3 -c '(.*)' statement\.json", text)[1]


def check(file):
    ran = subprocess.run(
        [sys.executable, "-c", documented(), str(file)], capture_output=True, text=True, check=True
    )
    return ran.stdout.strip()


def test_the_documented_command_verifies_a_file_and_finds_what_was_changed(file):
    assert check(file) == "True"
    content = json.loads(file.read_text("utf-8"))
    content["people"] = {}
    file.write_text(json.dumps(content), "utf-8")
    assert check(file) == "True"

    content["statement"]["lines"][0]["amount"] = "0.01"
    file.write_text(json.dumps(content), "utf-8")

    assert check(file) == "False"


def test_our_own_command_says_what_it_proves_and_that_names_are_no_part_of_it(file):
    content = json.loads(file.read_text("utf-8"))
    assert list(content["people"].values()) == ["Chloé Navette"]
    content["people"] = dict.fromkeys(content["people"], "Somebody Else")
    file.write_text(json.dumps(content), "utf-8")

    said = CliRunner().invoke(statement, ["verify", str(file)]).output

    assert "it is as it was closed" in said
    assert "Not proven: the names of people" in said


def test_our_own_command_says_the_same(file):
    assert len(proofs.verified(file)) == 64
    file.write_text(file.read_text("utf-8").replace("28.00", "27.00"), "utf-8")
    with pytest.raises(ProofError, match="it was changed"):
        proofs.verified(file)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"statement": {"a": 0.1}, "sha256": ""}'])
def test_what_is_no_statement_is_told_in_a_line(tmp_path, text):
    file = tmp_path / "other.json"
    file.write_text(text, "utf-8")

    with pytest.raises(ProofError):
        proofs.verified(file)


def test_a_statement_that_does_not_exist_is_told(workshop):
    with pytest.raises(ProofError, match="there is no statement"):
        proofs.exported("none", "json")


def test_a_statement_is_written_as_a_table(closed):
    headings, line = proofs.exported(closed, "csv").splitlines()

    assert headings.startswith("customer_code;")
    assert "28,00" in line


def test_the_commands_are_there():
    ran = CliRunner().invoke(statement, ["--help"])

    assert {"export", "verify", "sources"} <= set(ran.output.split())


def test_sources_are_tables_by_name(workshop):
    assert set(sources.tables(workshop.inventory, MARCH)) == {
        "bookings.csv",
        "tariffs.csv",
        "consumptions.csv",
        "agreements.csv",
        "allowances.csv",
        "terms.csv",
    }
