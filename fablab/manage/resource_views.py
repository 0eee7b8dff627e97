"""What machines share: how much there is of it, and which machines need it at once."""

from collections.abc import Collection
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_login import current_user

from fablab import clock
from fablab.access import team_only
from fablab.machines import resources_commands
from fablab.machines.inventory import here
from fablab.machines.models import Resource
from fablab.machines.resources_commands import InTheWay, NameTaken
from fablab.manage import member_pages, queries
from fablab.manage.blueprint import bp, page
from fablab.manage.occupancies import lines, mail_to
from fablab.manage.policy_forms import ResourceForm
from fablab.members.kinds import Deed


@bp.get("/manage/resources")
@team_only
def resources():
    return resources_page(resource_form())


@bp.post("/manage/resources")
@team_only
def create_resource():
    form = resource_form()
    if not form.validate():
        return resources_page(form), 422
    try:
        address = resources_commands.create_resource(
            here().place.id, **form.values(), by=current_user.id, now=clock.now()
        )
    except NameTaken:
        say_it_is_taken(form)
        return resources_page(form), 422
    except InTheWay as refused:
        return resources_page(form, refused.occupancies), 409
    flash(_("The shared resource is saved."))
    return redirect(url_for(".resource", slug=address), 303)


@bp.route("/manage/resources/<slug>", methods=["GET", "POST"])
@team_only
def resource(slug: str):
    found = find_resource(slug)
    if request.method == "GET":
        return resource_page(found, resource_form(formdata=None, data=as_it_is(found)))
    form = resource_form()
    if not form.validate():
        return resource_page(found, form), 422
    try:
        resources_commands.change_resource(
            found.id, **form.values(), by=current_user.id, now=clock.now()
        )
    except NameTaken:
        say_it_is_taken(form)
        return resource_page(found, form), 422
    except InTheWay as refused:
        return resource_page(found, form, refused.occupancies), 409
    flash(_("The shared resource is saved."))
    return redirect(url_for(".resource", slug=slug), 303)


def resource_form(**values: Any) -> ResourceForm:
    form = ResourceForm(**values)
    form.offer(here().machines)
    return form


def say_it_is_taken(form: ResourceForm) -> None:
    form["name"].errors = [_("Another shared resource has this name.")]


def find_resource(slug: str) -> Resource:
    """A resource of the place; any other answers 404."""
    every = resources_commands.resources(here().place.id)
    return next((each for each in every if each.slug == slug), None) or abort(404)


def as_it_is(resource: Resource) -> dict[str, Any]:
    return {
        "name": resource.name,
        "capacity": len(resources_commands.seats_of([resource.id])[resource.id]),
        "machines": resources_commands.machines_of([resource.id])[resource.id],
    }


def resources_page(form: ResourceForm, in_the_way: Collection[int] = ()) -> str:
    inventory = here()
    every = resources_commands.resources(inventory.place.id)
    ids = [each.id for each in every]
    seats, needed = resources_commands.seats_of(ids), resources_commands.machines_of(ids)
    rows = queries.record_of_place(inventory.place.id, Deed.RESOURCES)
    return page(
        "resources.html",
        resources=[
            {
                "name": each.name,
                "url": url_for(".resource", slug=each.slug),
                "capacity": len(seats[each.id]),
                "machines": [m for m in inventory.machines if m.id in needed[each.id]],
            }
            for each in every
        ],
        form=form,
        record=[member_pages.event(row, inventory.schedule.zone) for row in rows],
        **told(in_the_way),
    )


def resource_page(resource: Resource, form: ResourceForm, in_the_way: Collection[int] = ()) -> str:
    return page("resource.html", resource=resource, form=form, **told(in_the_way))


def told(in_the_way: Collection[int]) -> dict[str, Any]:
    rows = queries.occupancies(in_the_way) if in_the_way else ()
    return {"in_the_way": lines(rows, here(), clock.now()), "mail_to": mail_to}
