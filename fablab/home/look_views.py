"""How the place looks: its own colours and its logo, for every page and every visitor."""

from flask import Blueprint, Response, abort, request, send_from_directory

from fablab.access import anyone
from fablab.machines import files, photos
from fablab.machines.inventory import PlaceFacts, of_place
from fablab.settings import colours

bp = Blueprint("look", __name__)

A_YEAR = 365 * 24 * 3600


@bp.get("/theme.css")
@anyone
def theme():
    place = asked_for()
    response = Response(colours.style_sheet(place.brick, place.blue), mimetype="text/css")
    is_this_one = request.args.get("v") == version(place)
    return keep(response, is_this_one)


@bp.get("/logo")
@anyone
def logo():
    """Re-encoded when it came in, so of one type whatever its name was."""
    place = asked_for()
    if place.logo is None:
        abort(404)
    name = files.small(place.logo) if request.args.get("size") == "small" else place.logo
    response = send_from_directory(files.folder(), name, mimetype="image/webp")
    return keep(response, request.args.get("v") == photos.version(place.logo))


def asked_for() -> PlaceFacts:
    """Without asking who looks: an answer that depends on nobody's cookies."""
    return of_place(slug=request.args.get("place", "").replace("\0", "")).place


def version(place: PlaceFacts) -> str:
    """For the address of its colours, which changes with them."""
    return f"{place.brick}{place.blue}".replace("#", "")


def keep(response: Response, is_for_ever: bool) -> Response:
    kept = f"public, max-age={A_YEAR}, immutable" if is_for_ever else "no-cache"
    response.headers["Cache-Control"] = kept
    return response
