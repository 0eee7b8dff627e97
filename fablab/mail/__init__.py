"""Mail: written into the outbox with what it speaks of, delivered by the background runner."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Nothing to prepare yet."""
