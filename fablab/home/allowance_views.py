"""Hours that were granted to whoever asks, and to the organizations they belong to: sums alone."""

from typing import Any

from flask import Blueprint, render_template, url_for
from flask_babel import gettext as _
from flask_login import current_user

from fablab import clock
from fablab.access import members_only
from fablab.booking.views import kept
from fablab.home.organization_views import find, today
from fablab.machines.inventory import here
from fablab.organizations import queries
from fablab.tariffs.allowance_pages import lines
from fablab.tariffs.allowances import Holder
from fablab.tariffs.balances import balances

bp = Blueprint("allowances", __name__)


@bp.get("/account/allowances")
@members_only
def of_member():
    place_id = here().place.id
    theirs = queries.of_member(current_user.id, today())
    return allowances_page(
        Holder("", member_id=current_user.id),
        title=_("My hours"),
        subtitle=here().place.name,
        back=(_("My account"), url_for("members.account")),
        others=[
            (each.name, url_for(".of_organization", slug=each.slug, **kept()), left(each))
            for each in theirs
            if each.place_id == place_id
        ],
    )


def left(organization: Any) -> list[str]:
    """What of an organization's hours whoever asks may still use today. Two statements."""
    holder = Holder(organization.name, organization_id=organization.id)
    found = balances(here(), holder, now=clock.now(), member_id=current_user.id)
    return [
        _("%(name)s: %(left)s left", name=line.name, left=line.left)
        for line in lines(found, here(), today())
        if line.state == "valid"
    ]


@bp.get("/organizations/<slug>/allowances")
@members_only
def of_organization(slug: str):
    """Who manages it sees what all of them used; its people what is shared, and their own part."""
    found = find(slug)
    row = found.row
    return allowances_page(
        Holder(row.name, organization_id=row.id),
        member_id=None if found.is_manager else current_user.id,
        title=_("Hours granted"),
        subtitle=row.name,
        back=(row.name, url_for("organizations.show", slug=slug, **kept())),
    )


def allowances_page(
    holder: Holder, *, member_id: int | None = None, others: Any = (), **shown: Any
) -> str:
    inventory = here()
    found = balances(inventory, holder, now=clock.now(), member_id=member_id)
    return render_template(
        "tariffs/allowances.html",
        lines=lines(found, inventory, today()),
        others=others,
        **shown,
    )
