"""What is written once stays in memory, within bounds."""

from typing import NamedTuple

from fablab.calendars.kept import OVERHEAD, Shelf


class Piece(NamedTuple):
    content: bytes


def shelf_for(pieces: int) -> Shelf[Piece]:
    return Shelf(pieces * (100 + OVERHEAD))


def pieces(*names: str) -> dict[str, Piece]:
    return {name: Piece(name.encode().ljust(100)) for name in names}


def test_what_was_kept_is_there_and_nothing_else():
    shelf = shelf_for(3)

    shelf.keep("place", pieces("a", "b"))
    shelf.keep("place", pieces("c"))

    assert set(shelf.group("place")) == {"a", "b", "c"}
    assert shelf.group("place")["a"].content.rstrip() == b"a"
    assert not shelf.group("day")


def test_the_group_read_longest_ago_makes_room():
    shelf = shelf_for(3)
    shelf.keep("old", pieces("a"))
    shelf.keep("read", pieces("b"))
    shelf.group("old")
    shelf.keep("new", pieces("c", "d"))

    assert not shelf.group("read")
    assert shelf.group("old")
    assert shelf.group("new")


def test_a_piece_kept_twice_counts_once():
    shelf = shelf_for(2)

    for _ in range(5):
        shelf.keep("place", pieces("a", "b"))

    assert shelf.size == shelf.limit
    assert len(shelf.group("place")) == 2


def test_a_group_larger_than_all_the_room_is_not_kept():
    shelf = shelf_for(2)

    shelf.keep("place", pieces("a", "b", "c"))

    assert not shelf.group("place")
    assert shelf.size == 0


def test_a_group_one_still_reads_is_whole_after_it_was_forgotten():
    shelf = shelf_for(1)
    shelf.keep("place", pieces("a"))
    reading = shelf.group("place")

    shelf.keep("day", pieces("b"))

    assert "a" in reading
