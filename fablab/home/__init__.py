"""The pages anyone opens first: the planning, the machines."""

from flask import Blueprint

bp = Blueprint("home", __name__)

from fablab.home import views  # noqa: E402, F401  (attaches the routes to bp)
