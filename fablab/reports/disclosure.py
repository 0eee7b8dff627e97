"""What may be told in public: nothing of fewer than three people, nor anything that gives it away.

A cell is hidden when it is of one or two people. Its total is told, so that a cell hidden alone
could be had by subtraction: the smallest others are hidden with it, until what is hidden together
is two cells at least, of three people at least. Where categories split into machines, the
categories are looked at first; a hidden category hides its machines, and in one that is told its
own sum is the total of its machines. Each measure is looked at by itself, for late hours may be of
one person where booked ones are of ten. What nobody did is a plain 0.
"""

from collections.abc import Collection, Hashable, Mapping
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)
Group = TypeVar("Group", bound=Hashable)
People = frozenset[int]

LEAST = 3


def may_tell(people: Collection[int]) -> bool:
    return not 0 < len(people) < LEAST


def hidden(cells: Mapping[Key, People]) -> frozenset[Key]:
    """Which of the cells that add up to a total told beside them may not be told."""
    gone = {key for key, people in cells.items() if not may_tell(people)}
    others = sorted(
        (key for key, people in cells.items() if people and key not in gone),
        key=lambda key: len(cells[key]),
        reverse=True,
    )
    while gone and not _is_enough([cells[key] for key in gone]) and others:
        gone.add(others.pop())
    return frozenset(gone)


def hidden_below(
    parts: Mapping[Key, People], group_of: Mapping[Key, Group]
) -> tuple[frozenset[Group], frozenset[Key]]:
    """The hidden groups and parts, where parts add up to groups and groups to a total."""
    groups: dict[Group, People] = {}
    for key, people in parts.items():
        groups[group_of[key]] = groups.get(group_of[key], frozenset()) | people
    gone = hidden(groups)
    below: set[Key] = set()
    for group in groups:
        inside = {key: people for key, people in parts.items() if group_of[key] == group}
        if group in gone:
            below |= {key for key, people in inside.items() if people}
        else:
            below |= hidden(inside)
    return gone, frozenset(below)


def _is_enough(cells: list[People]) -> bool:
    return len(cells) > 1 and may_tell(frozenset().union(*cells))
