"""The calendars: the page of one's subscriptions, and the feeds behind the addresses."""

from flask import Blueprint

bp = Blueprint("calendars", __name__)


@bp.get("/calendars/")
def index():
    return ""


@bp.get("/machines/<slug>/calendar.ics")
def machine(slug: str):
    return ""
