"""What the rules say to a member, said of a member to the team that books for them."""

import ast
import re
from pathlib import Path

import pytest

from fablab.booking import quotas, rules, sharing_rules
from fablab.booking.third_person import OF_SOMEBODY
from tests.manage.conftest import uid_in
from tests.support import submit

TO_A_READER = re.compile(r"\b[Yy]ou(r|rself)?\b")
FILLED = re.compile(r"%\((\w+)\)s")


def said_by(module):
    """The sentences of a module, as it marks them for translation."""
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return {ast.literal_eval(c.args[0]) for c in calls if getattr(c.func, "id", "") == "N_"}


def test_every_sentence_to_the_reader_has_its_twin():
    said = {each for module in (rules, quotas, sharing_rules) for each in said_by(module)}

    assert {each for each in said if TO_A_READER.search(each)} == {
        each for each in OF_SOMEBODY if TO_A_READER.search(each)
    }
    assert set(OF_SOMEBODY) <= said


def test_no_twin_speaks_to_the_reader_or_asks_for_other_values():
    for sentence, twin in OF_SOMEBODY.items():
        assert not TO_A_READER.search(twin), twin
        assert set(FILLED.findall(twin)) <= {*FILLED.findall(sentence), "who"}, twin


@pytest.mark.parametrize(
    ("who", "said"),
    [
        ("amina", "This machine asks for a qualification that Chloé Navette does not hold yet."),
        ("chloe", "This machine asks for a qualification that you do not hold yet."),
    ],
)
def test_a_refusal_names_whom_the_booking_is_for(fablab, browse, who, said):
    page = "/bookings/new?machine=laser&day=2027-03-30&start=10:00&end=11:00"
    if who == "amina":
        page += f"&member={uid_in(fablab)('chloe')}"

    answer = submit(browse(who), page, "/bookings/", day="2027-03-30", start="10:00", end="11:00")

    assert answer.status_code == 422
    assert said in answer.text
