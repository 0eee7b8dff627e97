"""Accounts: who someone is, how they sign in, and what they may do in each place."""

from flask import Blueprint

bp = Blueprint("members", __name__)

from fablab.members import views  # noqa: E402, F401  (attaches the routes to bp)
