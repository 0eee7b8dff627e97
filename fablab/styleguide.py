"""Every component in every state on one page, while developing."""

from flask import Blueprint, render_template

from fablab.access import anyone

bp = Blueprint("styleguide", __name__)


@bp.get("/styleguide")
@anyone
def index():
    return render_template("styleguide.html")
