"""The words the boards' columns hold. Pure."""

from enum import StrEnum


class BoardKind(StrEnum):
    """What a secret address opens, without anybody signing in."""

    WALL = "wall"  # to read
    DOOR = "door"  # to read, and to say that one has arrived
