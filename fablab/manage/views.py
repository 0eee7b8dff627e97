"""The team's day, from the browser."""

from flask import Blueprint

bp = Blueprint("manage", __name__)


@bp.get("/manage/day")
def day():
    return ""
