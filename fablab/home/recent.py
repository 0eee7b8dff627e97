"""The parts of the planning that were made a moment ago, kept for whoever looks next.

When a slot is announced fifty people open the same page in the same minute; what differs between
them is a handful of rows. A part is kept under everything its drawing depends on, and with the
inventory it was made of: it is gone when either changes.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from fablab.machines.inventory import Inventory

T = TypeVar("T")

KEPT = 500  # parts of a place, of some 10 kB each once drawn

_parts: WeakKeyDictionary[Inventory, OrderedDict[Hashable, object]] = WeakKeyDictionary()
_lock = Lock()


def kept(inventory: Inventory, key: Hashable, make: Callable[[], T]) -> T:
    """What is kept under `key`, or what `make` gives, which is then kept."""
    with _lock:
        parts = _parts.setdefault(inventory, OrderedDict())
        if key in parts:
            parts.move_to_end(key)
            return parts[key]  # type: ignore[return-value]
    made = make()
    with _lock:
        parts[key] = made
        while len(parts) > KEPT:
            parts.popitem(last=False)
    return made


class Drawings:
    """The markup of a kept part, drawn by the first page that shows it."""

    def __init__(self) -> None:
        self._made: dict[str, str] = {}

    def of(self, macro: Callable[..., str], *values: Any) -> str:
        """What `macro` makes of `values`, which are the same for all who share the part."""
        name = macro.name  # type: ignore[attr-defined]
        if name not in self._made:
            self._made[name] = macro(*values)
        return self._made[name]
