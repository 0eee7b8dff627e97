"""The pages of help, for anyone."""

from flask import Blueprint, render_template
from flask_login import current_user

from fablab.access import anyone
from fablab.booking.facts import audience_of
from fablab.db import db
from fablab.help import pages
from fablab.help.prose import blocks
from fablab.machines.inventory import here
from fablab.places.models import Place

bp = Blueprint("help", __name__)


@bp.get("/help/")
@anyone
def index():
    inventory = here()
    audience = audience_of(current_user.standings.get(inventory.place.id))
    place = db.session.get_one(Place, inventory.place.id)
    return render_template(
        "help/index.html",
        steps=pages.how_to_book(inventory, audience, place),
        week=pages.week(inventory),
        house_rules=blocks(inventory.place.house_rules),
    )


@bp.get("/help/privacy")
@anyone
def privacy():
    return render_template(
        "help/privacy.html",
        who_reads=pages.who_reads(here()),
        how_long=pages.how_long(),
        cookies=pages.cookies(),
    )


@bp.get("/help/accessibility")
@anyone
def accessibility():
    return render_template(
        "help/accessibility.html", is_french=here().schedule.holidays_country == "FR"
    )
