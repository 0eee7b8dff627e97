"""The team's pages."""

from flask import Blueprint

bp = Blueprint("manage", __name__)

from fablab.manage import views  # noqa: E402, F401  (attaches the routes to bp)
