"""The settings of the place: the way to all of them, who it is, how it looks, the first steps."""

from collections.abc import Sequence
from typing import Any

from flask import flash, redirect, url_for
from flask_babel import gettext as _
from flask_login import current_user

from fablab import clock
from fablab.access import team_only
from fablab.machines.inventory import here
from fablab.manage import member_pages, place_pages, place_words, queries
from fablab.manage.blueprint import bp, page
from fablab.manage.place_forms import IdentityForm, LookForm, ParticularsForm, SeenForm, zones
from fablab.members.kinds import Deed, Role
from fablab.settings import colours, commands, looks
from fablab.settings.commands import ChangedMeanwhile
from fablab.words import NotTaken


@bp.get("/manage/settings")
@team_only
def settings():
    return page("settings.html", cards=place_pages.cards(here()))


@bp.get("/manage/settings/place")
@team_only
def place():
    return place_page()


@bp.post("/manage/settings/place")
@team_only
def set_particulars():
    form = ParticularsForm()
    if not form.validate():
        return place_page(particulars=form), 422
    try:
        save(form, commands.PARTICULARS)
    except ChangedMeanwhile as others:
        return conflict_page("particulars", form, others), 409
    return redirect(url_for(".place"), 303)


@bp.post("/manage/settings/identity")
@team_only
def set_identity():
    form = IdentityForm()
    if not form.validate():
        return place_page(identity=form), 422
    is_other_zone = form.zone.data != here().place.zone
    try:
        save(form, commands.IDENTITY)
    except ChangedMeanwhile as others:
        return conflict_page("identity", form, others), 409
    if is_other_zone:
        flash(
            _(
                "The clock of the place is another one now. Opening hours read as before; bookings"
                " keep their moment, and so read at another hour: look through those to come."
            ),
            "warning",
        )
    return redirect(url_for(".place"), 303)


@bp.post("/manage/settings/look")
@team_only
def set_look():
    form = LookForm()
    if not form.validate():
        return place_page(look=form), 422
    try:
        looks.set_look(
            here().place.id,
            form.values(),
            content=form.logo.content,
            is_without_logo=form.is_without_logo.data,
            by=current_user.id,
            now=clock.now(),
        )
    except NotTaken as refused:
        form.logo.refuse(refused)
        return place_page(look=form), 422
    flash(_("The look of the place is saved."))
    return redirect(url_for(".place"), 303)


def save(form: SeenForm, names: Sequence[str]) -> None:
    values, now = {name: form[name].data for name in names}, clock.now()
    place_id, by = here().place.id, current_user.id
    if commands.set_place(place_id, values, by=by, now=now, seen=form.seen.data or ""):
        flash(_("The settings of the place are saved."))
    else:
        flash(_("Nothing was changed."), "info")


def conflict_page(which: str, form: SeenForm, others: ChangedMeanwhile) -> str:
    """What they typed beside what others saved meanwhile; sent again, it is meant."""
    form.seen.data = commands.fingerprint(others.now)
    typed = {name: form[name].data for name in others.now}
    return place_page(conflict=place_words.differences(others.now, typed), **{which: form})


def place_page(conflict: Sequence[tuple[str, str, str]] = (), **forms: Any) -> str:
    """Everything of the place; a form that was refused keeps what was typed."""
    inventory = here()
    place = inventory.place
    known = {name: getattr(place, name) for name in (*commands.PARTICULARS, *commands.IDENTITY)}

    def drawn(names: Sequence[str]) -> dict[str, Any]:
        values = {name: known[name] for name in names}
        return values | {"seen": commands.fingerprint(values)}

    blank = {
        "particulars": ParticularsForm(formdata=None, data=drawn(commands.PARTICULARS)),
        "identity": IdentityForm(formdata=None, data=drawn(commands.IDENTITY)),
        "look": LookForm(
            formdata=None,
            data={"brick": place.brick or colours.BRICK, "blue": place.blue or colours.BLUE},
        ),
    }
    return page(
        "place.html",
        **blank | forms,
        conflict=conflict,
        is_administrator=Role.ADMINISTRATOR in current_user.standings[place.id].roles,
        zones=sorted(zones()),
        record=[
            member_pages.event(row, inventory.schedule.zone)
            for row in queries.record_of_place(place.id, Deed.PLACE)
        ],
    )
