"""Categories and pools: what machines belong to."""

from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_login import current_user
from wtforms import RadioField, SelectChoice, ValidationError
from wtforms.validators import DataRequired, InputRequired

from fablab import clock
from fablab.access import team_only
from fablab.forms import Form, TextField
from fablab.machines import families
from fablab.machines.families import ICONS, InUse, NameTaken
from fablab.machines.inventory import here
from fablab.machines.models import Machine, Pool
from fablab.machines.sheets import HUES
from fablab.manage import inventory_queries, member_pages, queries
from fablab.manage.blueprint import bp, page
from fablab.manage.words import HUE_WORDS, ICON_WORDS
from fablab.members.kinds import Deed
from fablab.words import slug

UP, DOWN = -1, 1


class NameForm(Form):
    name = TextField(
        lazy_gettext("Name"), [DataRequired(lazy_gettext("Give it a name."))], maximum=80
    )

    def validate_name(self, field: Any) -> None:
        if field.data and not slug(field.data):
            raise ValidationError(lazy_gettext("Write a name with letters."))


class CategoryForm(NameForm):
    hue = RadioField(
        lazy_gettext("Colour"),
        [InputRequired(lazy_gettext("Choose one."))],
        choices=[SelectChoice(hue, lazy_gettext(HUE_WORDS[hue])) for hue in HUES],
        default=HUES[0],
    )
    icon = RadioField(
        lazy_gettext("Drawing"),
        [InputRequired(lazy_gettext("Choose one."))],
        choices=[SelectChoice(icon, lazy_gettext(ICON_WORDS[icon])) for icon in ICONS],
        default="wrench",
    )


@bp.get("/manage/categories")
@team_only
def categories():
    return categories_page(CategoryForm(formdata=None))


@bp.post("/manage/categories")
@team_only
def create_category():
    form = CategoryForm()
    if not form.validate():
        return categories_page(form), 422
    try:
        families.create_category(
            here().place.id,
            form["name"].data,
            form.hue.data,
            form.icon.data,
            by=current_user.id,
            now=clock.now(),
        )
    except NameTaken:
        say_it_is_taken(form)
        return categories_page(form), 422
    flash(_("The category is there: give it its machines."))
    return redirect(url_for(".categories"), 303)


@bp.route("/manage/categories/<slug>", methods=["GET", "POST"])
@team_only
def category(slug: str):
    found = queries.find_category(slug, here().place.id)
    if request.method == "GET":
        return page("category.html", category=found, form=CategoryForm(formdata=None, obj=found))
    form = CategoryForm()
    if not form.validate():
        return page("category.html", category=found, form=form), 422
    try:
        families.change_category(
            found.id,
            here().place.id,
            form["name"].data,
            form.hue.data,
            form.icon.data,
            by=current_user.id,
            now=clock.now(),
        )
    except NameTaken:
        say_it_is_taken(form)
        return page("category.html", category=found, form=form), 422
    flash(_("The category is saved."))
    return redirect(url_for(".categories"), 303)


@bp.post("/manage/categories/<slug>/order")
@team_only
def order_category(slug: str):
    way = DOWN if request.form.get("way") == "down" else UP
    found = queries.find_category(slug, here().place.id)
    families.move_category(found.id, here().place.id, way, by=current_user.id, now=clock.now())
    return redirect(url_for(".categories", _anchor=f"category-{slug}"), 303)


@bp.post("/manage/categories/<slug>/removal")
@team_only
def remove_category(slug: str):
    found = queries.find_category(slug, here().place.id)
    return removed(lambda **who: families.remove_category(found.id, here().place.id, **who))


@bp.route("/manage/pools/<slug>", methods=["GET", "POST"])
@team_only
def pool(slug: str):
    found = find_pool(slug)
    if request.method == "GET":
        return page("pool.html", pool=found, form=NameForm(formdata=None, obj=found))
    form = NameForm()
    if not form.validate():
        return page("pool.html", pool=found, form=form), 422
    try:
        families.rename_pool(
            found.id, here().place.id, form["name"].data, by=current_user.id, now=clock.now()
        )
    except NameTaken:
        say_it_is_taken(form)
        return page("pool.html", pool=found, form=form), 422
    flash(_("The pool is saved."))
    return redirect(url_for(".categories", _anchor="pools"), 303)


@bp.post("/manage/pools/<slug>/removal")
@team_only
def remove_pool(slug: str):
    found = find_pool(slug)
    return removed(lambda **who: families.remove_pool(found.id, here().place.id, **who))


def removed(remove: Any) -> Any:
    try:
        remove(by=current_user.id, now=clock.now())
    except InUse:
        flash(_("It stays: machines belong to it, or booking rules were said of it."), "warning")
    else:
        flash(_("It is removed."))
    return redirect(url_for(".categories"), 303)


def say_it_is_taken(form: Form) -> None:
    form["name"].errors = [_("Another one is called the same.")]


def find_pool(slug: str) -> Pool:
    """A pool of the place; any other answers 404."""
    every = inventory_queries.pools(here().place.id)
    return next((each for each in every if each.slug == slug), None) or abort(404)


def categories_page(form: CategoryForm) -> str:
    inventory = here()
    place_id = inventory.place.id
    return page(
        "categories.html",
        form=form,
        categories=queries.categories(place_id),
        pools=inventory_queries.pools(place_id),
        in_category=inventory_queries.counted_by(Machine.category_id, place_id),
        in_pool=inventory_queries.counted_by(Machine.pool_id, place_id),
        record=[
            member_pages.event(row, inventory.schedule.zone)
            for row in queries.record_of_place(place_id, Deed.INVENTORY)
        ],
    )
