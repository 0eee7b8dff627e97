"""Taking along what is kept about oneself, and erasing one's account."""

import json

from flask import Blueprint, Response, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_login import current_user

from fablab import clock
from fablab.access import members_only
from fablab.accounts import erasure, export
from fablab.forms import Form
from fablab.members import sessions
from fablab.members.forms import KnownPassword
from fablab.members.views import ask_password, speak_to_the_reader
from fablab.organizations.queries import managed_alone

bp = Blueprint("accounts", __name__)


class ErasureForm(Form):
    current = KnownPassword(lazy_gettext("Current password"))


@bp.post("/account/data")
@members_only
def data():
    """All of it, as a file that people and programs can read. It asks every table, hence a button
    to press and no link that something might follow by itself.
    """
    kept = export.everything(current_user.id, clock.now())
    text = json.dumps(kept, ensure_ascii=False, indent=2)
    return to_keep(text, "my-data.json", "application/json; charset=utf-8")


@bp.post("/account/data/tables")
@members_only
def tables():
    """The same for a spreadsheet."""
    now = clock.now()
    kept = export.everything(current_user.id, now)
    return to_keep(export.tables(kept, now), "my-data.zip", "application/zip")


def to_keep(content: str | bytes, name: str, kind: str) -> Response:
    return Response(
        content,
        content_type=kind,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )


@bp.get("/account/erasure")
@members_only
def erase_form():
    return erasure_page(ErasureForm(formdata=None))


@bp.post("/account/erasure")
@members_only
def erase():
    form = ErasureForm()
    if not form.validate():
        return erasure_page(form), 422
    refused = ask_password(form, erasure_page)
    if refused:
        return refused
    try:
        erasure.erase(current_user.id, now=clock.now())
    except erasure.LastAdministrator:
        form.form_errors.append(
            _("You are the last administrator of the place: make somebody else one first.")
        )
        return erasure_page(form), 422
    sessions.drop()
    speak_to_the_reader()
    flash(_("Your account is erased. A last mail says so."))
    return redirect(url_for("home.index"), 303)


def erasure_page(form: ErasureForm) -> str:
    ahead = len(erasure.bookings_ahead(current_user.id, clock.now()))
    return render_template(
        "accounts/erasure.html",
        form=form,
        ahead=ahead,
        email=current_user.email,
        alone=managed_alone(current_user.id, clock.now().date()),
    )
