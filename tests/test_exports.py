"""A cell of a table that a spreadsheet opens as text, and what an import reads back of it."""

import pytest

from fablab import exports


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("Jean", "Jean"),
        ("-Jean", "'-Jean"),
        ("=1+1", "'=1+1"),
        ("@me", "'@me"),
        ("+33 5 11 22 33 44", "+33 5 11 22 33 44"),
        ("-1.5", "-1.5"),
        ("'quoted", "'quoted"),
        ("'", "'"),
        ("'=1+1", "''=1+1"),  # typed with the mark: not to be lost with ours
        ("''-Jean", "'''-Jean"),
        ("P;=1+1", "P;'=1+1"),  # two cells where semicolons part them
        ("P,+1", "P,'+1"),
        ("P\t@me", "P\t'@me"),
        ("Rules\n- be kind\r\n=1", "Rules\n'- be kind\r\n'=1"),
        ("P;'=1", "P;''=1"),
        ("=1;=2;-3", "'=1;'=2;'-3"),
        ("a; b, c - d", "a; b, c - d"),
        ("\uff1d1+1", "'\uff1d1+1"),
        ("P;\uff201", "P;'\uff201"),
    ],
)
def test_what_is_marked_is_read_back_as_it_was(text, cell):
    assert exports.cell(text) == cell
    assert exports.typed(cell) == text
