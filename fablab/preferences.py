"""What a browser remembers: the language it was asked to show."""

from flask import Blueprint, current_app, redirect, request

from fablab.access import anyone
from fablab.security import safe_next
from fablab.web import LANGUAGES

bp = Blueprint("preferences", __name__)
A_YEAR = 365 * 24 * 3600


@bp.post("/language")
@anyone
def language():
    """Keep the language for a year, and go back to the page it was asked on."""
    response = redirect(safe_next(request.form.get("next", "")), 303)
    chosen = request.form.get("language", "")
    if chosen in LANGUAGES:
        response.set_cookie(
            "language",
            chosen,
            max_age=A_YEAR,
            samesite="Lax",
            secure=current_app.config["IS_HTTPS"],
        )
    return response
