"""What has been written once and may be sent again, kept within bounds."""

from collections import OrderedDict
from collections.abc import Hashable, Mapping
from threading import Lock
from typing import Any, Generic, Protocol, TypeVar

OVERHEAD = 300  # bytes that Python needs for one piece beyond its content, about


class Piece(Protocol):
    @property
    def content(self) -> bytes: ...


P = TypeVar("P", bound=Piece)


class Shelf(Generic[P]):
    """Pieces by group and key, of `limit` bytes at most: the group used longest ago goes first.

    A group is all that is written for the same kind of eyes in the same state of the place;
    when that changes its pieces are never asked for again, and make room together. A group
    that alone is too large starts anew: then it costs time, but never more memory.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.size = 0
        self._groups: OrderedDict[Hashable, dict[Any, P]] = OrderedDict()
        self._lock = Lock()

    def group(self, name: Hashable) -> Mapping[Any, P]:
        """Its pieces by key; none when nothing is kept. To be read, not changed."""
        with self._lock:
            if name in self._groups:
                self._groups.move_to_end(name)
            return self._groups.get(name, {})

    def keep(self, name: Hashable, pieces: Mapping[Any, P]) -> None:
        with self._lock:
            group = self._groups.setdefault(name, {})
            new = {key: piece for key, piece in pieces.items() if key not in group}
            group.update(new)
            self._groups.move_to_end(name)
            self.size += _weight(new)
            while self.size > self.limit and self._groups:
                _, forgotten = self._groups.popitem(last=False)
                self.size -= _weight(forgotten)


def _weight(pieces: Mapping[Any, Piece]) -> int:
    return sum(len(piece.content) + OVERHEAD for piece in pieces.values())
