"""One way to write a statement, and its fingerprint."""

import hashlib
import json
from dataclasses import replace
from decimal import Decimal

import pytest

from fablab.statements import canon
from fablab.statements.kinds import LineKind
from tests.statements.test_rules import MARCH, line


def test_it_is_written_the_same_whatever_the_order_of_its_parts():
    assert canon.written({"b": [1, "é"], "a": {"d": None, "c": True}}) == (
        '{"a":{"c":true,"d":null},"b":[1,"é"]}'
    )


@pytest.mark.parametrize("value", [1.5, Decimal("1.5"), {"a": [0.1]}, MARCH.first, (1, 2)])
def test_what_could_be_written_in_two_ways_is_refused(value):
    with pytest.raises(TypeError):
        canon.written({"value": value})


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("12.5", "12.50"),
        ("12", "12.00"),
        ("0.3333", "0.3333"),
        ("-3", "-3.00"),
        ("0", "0.00"),
        ("1200", "1200.00"),
        ("1E+3", "1000.00"),
        ("0.0100", "0.01"),
    ],
)
def test_decimals_have_two_digits_at_least_and_no_more_than_they_need(value, written):
    assert canon.decimal(Decimal(value)) == written


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"real": 12, "covered": {"pack": 10}, "person": "P-1", "activity": "lamps", "what": "PLA"},
        {"is_own": False, "share_percent": Decimal("60"), "share": Decimal("33.60")},
        {"is_own": True, "unit_price": None},
        {"kind": LineKind.CORRECTION, "of": LineKind.LATE, "corrects": MARCH},
    ],
)
def test_a_line_reads_back_as_it_was_written(changed):
    said = line(**changed)

    assert canon.line_of(json.loads(canon.written(canon.line_content(said)))) == said


def test_an_owners_line_says_nothing_of_who_it_was():
    said = replace(line(person="P-1", activity="lamps"), is_own=False)

    assert not {"person", "activity", "audience", "covered"} & canon.line_content(said).keys()


def test_a_reference_is_always_the_same_and_leads_to_nobody():
    uid = "0b8f7a0e-1111-4222-8333-444455556666"

    assert canon.reference(uid) == canon.reference(uid)
    assert canon.reference(uid) != canon.reference(uid.replace("0b", "0c"))
    assert uid[:8] not in canon.reference(uid)


def test_an_export_verifies_until_a_letter_of_it_changes():
    content = {"lines": [{"amount": "56.00"}]}
    body = canon.written(content)
    export = {"statement": content, "sha256": hashlib.sha256(body.encode()).hexdigest()}

    assert canon.verifies(json.loads(json.dumps(export, indent=4)))
    assert not canon.verifies(export | {"statement": {"lines": [{"amount": "56.01"}]}})


@pytest.mark.parametrize(
    "export", [[], {}, {"statement": {}}, "x", {"statement": {"a": 1.5}, "sha256": ""}]
)
def test_what_is_no_export_is_told_apart_from_a_wrong_one(export):
    with pytest.raises(ValueError, match=r"."):
        canon.verifies(export)
