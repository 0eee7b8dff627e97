"""Two accounts of one person: which stays, what moves, and then once and for all."""

from typing import Any
from uuid import UUID

from flask import abort, flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user

from fablab import clock
from fablab.access import team_only
from fablab.accounts import merging
from fablab.forms import Confirmation
from fablab.machines.inventory import here
from fablab.manage import member_pages, queries
from fablab.manage.blueprint import bp, page, today
from fablab.manage.member_views import LONGEST_SEARCH

SHOWN = 20  # accounts to choose from


@bp.get("/manage/members/<uuid:uid>/merge")
@team_only
def merge_form(uid: UUID):
    """First whom it is the same as (`?q=`), then (`?with=`) what would move from that account."""
    row = queries.find_member(here().place.id, str(uid))
    other = request.args.get("with", "")
    if other:
        return merge_page(row, find_other(row, other))
    searched = request.args.get("q", row.last_name).strip()[:LONGEST_SEARCH]
    people = member_pages.found(queries.everybody(here().place.id), searched)
    ids = [person.id for person in people if person.id != row.id][:SHOWN]
    rows = queries.members(here().place.id, ids)
    return page(
        "merge_choice.html",
        uid=row.uid,
        name=member_pages.full_name(row),
        searched=searched,
        found=[(rows[id], member_pages.full_name(rows[id])) for id in ids if id in rows],
    )


@bp.post("/manage/members/<uuid:uid>/merge")
@team_only
def merge(uid: UUID):
    """The account in the address stays."""
    row = queries.find_member(here().place.id, str(uid))
    other = find_other(row, request.form.get("with", ""))
    merging.merge(row.id, other.id, by=current_user.id, now=clock.now())
    flash(_("The two accounts are one. The other one is closed."))
    return redirect(url_for(".member", uid=uid), 303)


def find_other(row: Any, uid: str) -> Any:
    """Another account that the team sees; else 404."""
    other = queries.find_member(here().place.id, uid.replace("\0", ""))
    return other if other.id != row.id else abort(404)


def merge_page(row: Any, other: Any) -> str:
    return page(
        "merge.html",
        form=Confirmation(),
        stays=side(row),
        goes=side(other),
        moves=moved(merging.what_moves(other.id)),
        may_merge=merging.may_merge(row.id, other.id, by=current_user.id),
    )


def side(row: Any) -> dict[str, Any]:
    """One of the two accounts, as the page sets them side by side."""
    zone = here().schedule.zone
    organizations = queries.organizations(row.id, here().place.id, today())
    roles = queries.roles(here().place.id, [row.id]).get(row.id, [])
    return {
        "uid": row.uid,
        "name": member_pages.full_name(row),
        "facts": [
            (_("E-mail"), row.email),
            (_("Account made on"), member_pages.short(clock.today(zone, row.created_at))),
            (_("Roles"), member_pages.role_names(roles)),
            (_("Organizations"), ", ".join(organizations)),
            (_("Valid until"), member_pages.short(row.expires_on) if row.expires_on else ""),
        ],
        "tags": member_pages.tags(row, clock.now(), today()),
    }


def moved(counts: dict[str, int]) -> list[str]:
    """What there is of each, in words; of what there is none, nothing."""
    words = {
        "occupancy": ngettext("%(num)s booking", "%(num)s bookings", counts["occupancy"]),
        "series": ngettext("%(num)s series", "%(num)s series", counts["series"]),
        "wait": ngettext("%(num)s waiting list", "%(num)s waiting lists", counts["wait"]),
        "qualification": ngettext(
            "%(num)s qualification", "%(num)s qualifications", counts["qualification"]
        ),
        "registration": ngettext(
            "%(num)s training session", "%(num)s training sessions", counts["registration"]
        ),
        "mark": ngettext(
            "%(num)s late cancellation or absence",
            "%(num)s late cancellations or absences",
            counts["mark"],
        ),
        "membership": ngettext("%(num)s membership", "%(num)s memberships", counts["membership"]),
        "organization_member": ngettext(
            "%(num)s organization", "%(num)s organizations", counts["organization_member"]
        ),
        "feed_token": ngettext(
            "%(num)s calendar, which is closed",
            "%(num)s calendars, which are closed",
            counts["feed_token"],
        ),
    }
    return [word for name, word in words.items() if counts[name]]
