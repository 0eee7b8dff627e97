"""Secret calendar addresses, and the feeds behind them."""

from flask import Blueprint

bp = Blueprint("calendars", __name__)

from fablab.calendars import views  # noqa: E402, F401  (attaches the routes to bp)
