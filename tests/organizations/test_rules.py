"""Who may leave, and who has to stay; what an address calls an organization."""

from datetime import date

import pytest

from fablab.organizations.rules import Refusal, Stay, is_siren, refusals, slug_of, years

TODAY, YESTERDAY = date(2027, 3, 29), date(2027, 3, 28)
START = date(2026, 1, 1)
MANAGER = Stay(1, START, None, True)
ANOTHER = Stay(2, START, None, True)
COLLEAGUE = Stay(3, START, None, False)


@pytest.mark.parametrize(
    ("wished", "others", "is_team", "refused"),
    [
        (Stay(1, START, None, False), [ANOTHER, COLLEAGUE], False, []),
        (Stay(1, START, None, False), [COLLEAGUE], False, [Refusal.LAST_MANAGER]),
        (Stay(1, START, None, False), [COLLEAGUE], True, []),
        (Stay(1, START, TODAY, True), [COLLEAGUE], False, [Refusal.LAST_MANAGER]),
        (Stay(1, START, TODAY, True), [ANOTHER], False, []),
        (Stay(1, START, TODAY, True), [Stay(2, START, TODAY, True)], False, [Refusal.LAST_MANAGER]),
        (Stay(1, START, YESTERDAY, True), [ANOTHER], False, [Refusal.OVER]),
        (
            Stay(1, START, date(2025, 12, 31), True),
            [],
            False,
            [Refusal.LAST_MANAGER, Refusal.BEFORE_START],
        ),
        (MANAGER, [], False, []),
    ],
)
def test_a_manager_goes_when_another_stays(wished, others, is_team, refused):
    assert refusals(MANAGER, wished, others, today=TODAY, is_team=is_team) == refused


def test_what_ended_in_the_past_may_stay_as_it_is():
    gone = Stay(1, START, YESTERDAY, False)

    assert refusals(gone, gone, [], today=TODAY, is_team=False) == []


def test_a_stay_includes_its_first_and_its_last_day():
    stay = Stay(1, START, TODAY, False)

    assert [stay.covers(day) for day in (date(2025, 12, 31), START, TODAY, date(2027, 3, 30))] == [
        False,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("typed", "is_one"),
    [
        ("012345674", True),
        ("000000000", True),
        ("012345675", False),
        ("102345674", False),
        ("01234567", False),
        ("0123456740", False),
        ("01234567X", False),
        ("٠١٢٣٤٥٦٧٤", False),
        ("", False),
    ],
)
def test_a_siren_number_proves_itself(typed, is_one):
    assert is_siren(typed) is is_one


@pytest.mark.parametrize(
    ("hosted_since", "first"),
    [(None, 2018), (date(2025, 12, 31), 2025), (date(2010, 1, 1), 2018), (date(2028, 1, 1), 2027)],
)
def test_ten_years_may_be_declared_and_none_before_it_was_hosted(hosted_since, first):
    assert years(TODAY, hosted_since) == list(range(2027, first - 1, -1))


@pytest.mark.parametrize(
    ("name", "taken", "slug"),
    [
        ("Studio Fil", (), "studio-fil"),
        ("Studio Fil", ("studio-fil", "studio-fil-2"), "studio-fil-3"),
        ("Éts. Ça & Là", (), "ets-ca-la"),
        ("株式会社", (), "organization"),
        ("x" * 90, (), "x" * 40),
    ],
)
def test_its_address_is_made_of_its_name(name, taken, slug):
    assert slug_of(name, taken) == slug
