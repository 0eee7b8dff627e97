"""Reserving a machine for a slot, and following it."""

from flask import Blueprint

bp = Blueprint("booking", __name__)

from fablab.booking import views  # noqa: E402, F401  (attaches the routes to bp)
