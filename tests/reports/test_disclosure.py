"""What may be told in public: nothing of fewer than three people, nor what gives it away."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from fablab.reports.disclosure import hidden, hidden_below, may_tell


def people(*numbers: int) -> frozenset[int]:
    return frozenset(numbers)


@pytest.mark.parametrize(("count", "is_told"), [(0, True), (1, False), (2, False), (3, True)])
def test_one_and_two_people_are_hidden_nobody_and_three_are_told(count, is_told):
    assert may_tell(range(count)) is is_told


def test_a_hidden_cell_takes_the_smallest_other_along_or_the_total_would_tell():
    cells = {"a": people(1, 2), "b": people(1, 2, 3, 4), "c": people(1, 2, 3), "d": people()}

    assert hidden(cells) == {"a", "c"}


def test_two_hidden_cells_of_the_same_two_people_are_not_enough():
    cells = {"a": people(1), "b": people(1, 2), "c": people(1, 2, 3)}

    assert hidden(cells) == {"a", "b", "c"}


def test_nothing_is_hidden_where_nothing_is_small():
    assert hidden({"a": people(1, 2, 3), "b": people(4, 5, 6), "c": people()}) == frozenset()


def test_a_hidden_group_hides_its_parts():
    parts = {"m1": people(1, 2), "m2": people(1, 2, 3), "m3": people(4, 5, 6, 7)}

    gone, below = hidden_below(parts, {"m1": "A", "m2": "B", "m3": "C"})

    assert gone == {"A", "B"}
    assert below == {"m1", "m2"}


CELLS = some.dictionaries(
    some.integers(0, 11), some.frozensets(some.integers(0, 7), max_size=6), min_size=1, max_size=9
)


@settings(max_examples=300, deadline=None)
@given(CELLS)
def test_no_sum_of_told_figures_is_a_cell_of_one_or_two(parts):
    """As whoever subtracts would: every told figure is an equation in the cells of the parts."""
    group_of = {key: key % 3 for key in parts}
    gone, below = hidden_below(parts, group_of)
    keys = sorted(key for key, who in parts.items() if who)
    groups = sorted({group_of[key] for key in keys})
    everybody = frozenset().union(*parts.values())
    told = [[key == each for key in keys] for each in keys if each not in below]
    told += [[group_of[key] == each for key in keys] for each in groups if each not in gone]
    if may_tell(everybody):
        told.append([True] * len(keys))

    for each in keys:
        if not may_tell(parts[each]):
            assert not follows([key == each for key in keys], told)
    for group in groups:
        who = frozenset().union(*(parts[key] for key in keys if group_of[key] == group))
        if not may_tell(who):
            assert not follows([group_of[key] == group for key in keys], told)


def follows(wanted: list[bool], equations: list[list[bool]]) -> bool:
    """Is it a sum of multiples of the equations?"""
    return rank(equations) == rank([*equations, wanted])


def rank(rows: list[list[bool]]) -> int:
    matrix = [[Fraction(int(value)) for value in row] for row in rows]
    found = 0
    for column in range(len(matrix[0]) if matrix else 0):
        pivot = next((n for n in range(found, len(matrix)) if matrix[n][column]), None)
        if pivot is None:
            continue
        matrix[found], matrix[pivot] = matrix[pivot], matrix[found]
        for n in range(found + 1, len(matrix)):
            if factor := matrix[n][column] / matrix[found][column]:
                matrix[n] = [a - factor * b for a, b in zip(matrix[n], matrix[found], strict=True)]
        found += 1
    return found
