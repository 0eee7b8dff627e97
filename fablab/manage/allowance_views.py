"""Hours granted to a member or to an organization: what is left of them, granted anew, ended."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple
from uuid import UUID

from flask import abort, flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select

from fablab import clock
from fablab.access import team_only
from fablab.db import db
from fablab.forms import Confirmation
from fablab.keys import AlreadyMade
from fablab.machines.inventory import here
from fablab.manage import member_pages
from fablab.manage.allowance_forms import AllowanceForm, filled
from fablab.manage.blueprint import bp, page, today
from fablab.manage.member_views import find_enrolled
from fablab.manage.organization_views import find_organization
from fablab.tariffs import allowances
from fablab.tariffs.allowance_pages import lines
from fablab.tariffs.allowances import Holder
from fablab.tariffs.balances import balances
from fablab.tariffs.models import Pack


class Page(NamedTuple):
    """Whose hours it is about, and where it is."""

    holder: Holder
    area: str
    trail: list[tuple[str, str]]
    url: str
    end: Any  # the address that ends one of them

    @property
    def is_of_organization(self) -> bool:
        return self.holder.organization_id is not None


@bp.route("/manage/members/<uuid:uid>/allowances", methods=["GET", "POST"])
@team_only
def member_allowances(uid: UUID):
    return granting(of_member(uid))


@bp.post("/manage/members/<uuid:uid>/allowances/<uuid:allowance_uid>/end")
@team_only
def end_member_allowance(uid: UUID, allowance_uid: UUID):
    return ending(of_member(uid), allowance_uid)


@bp.route("/manage/organizations/<slug>/allowances", methods=["GET", "POST"])
@team_only
def organization_allowances(slug: str):
    return granting(of_organization(slug))


@bp.post("/manage/organizations/<slug>/allowances/<uuid:allowance_uid>/end")
@team_only
def end_organization_allowance(slug: str, allowance_uid: UUID):
    return ending(of_organization(slug), allowance_uid)


def of_member(uid: UUID) -> Page:
    row = find_enrolled(uid)
    name = member_pages.full_name(row)
    return Page(
        Holder(name, member_id=row.id),
        "members",
        [(_("Members"), url_for(".members")), (name, url_for(".member", uid=uid))],
        url_for(".member_allowances", uid=uid),
        lambda one: url_for(".end_member_allowance", uid=uid, allowance_uid=one),
    )


def of_organization(slug: str) -> Page:
    row = find_organization(slug)
    return Page(
        Holder(row.name, organization_id=row.id),
        "organizations",
        [
            (_("Organizations"), url_for(".organizations")),
            (row.name, url_for(".organization", slug=slug)),
        ],
        url_for(".organization_allowances", slug=slug),
        lambda one: url_for(".end_organization_allowance", slug=slug, allowance_uid=one),
    )


def granting(of: Page) -> Any:
    packs = offered(here().place.id)
    if request.method == "GET":
        data = filled(named(packs, request.args.get("pack", "")), today())
        return allowances_page(of, packs, form_of(of, formdata=None, data=data))
    form = form_of(of)
    if not form.validate():
        return allowances_page(of, packs, form), 422
    pack = named(packs, form.pack.data or "")
    with suppress(AlreadyMade):
        allowances.grant(
            here().place.id,
            of.holder,
            form.new(pack.id if pack else None),
            by=current_user.id,
            now=clock.now(),
            key=form.key.data or "",
        )
    flash(_("The hours are granted."))
    return redirect(of.url, 303)


def ending(of: Page, uid: UUID) -> Any:
    if not Confirmation().validate():
        abort(422)
    now = clock.now()
    if allowances.end(here().place.id, of.holder, str(uid), by=current_user.id, now=now):
        flash(_("They end today; what was used of them stays covered."))
    else:
        flash(_("Nothing was changed."), "info")
    return redirect(of.url, 303)


def offered(place_id: int) -> Sequence[Pack]:
    asked = select(Pack).where(Pack.place_id == place_id, Pack.retired_at.is_(None))
    return db.session.scalars(asked.order_by(Pack.name, Pack.id)).all()


def named(packs: Sequence[Pack], uid: str) -> Pack | None:
    return next((pack for pack in packs if pack.uid == uid), None)


def form_of(of: Page, **blank: Any) -> AllowanceForm:
    """Nobody shares with themselves."""
    form = AllowanceForm(**blank)
    form.offer(here().categories)
    if not of.is_of_organization:
        del form.is_shared
    return form


def allowances_page(of: Page, packs: Sequence[Pack], form: AllowanceForm) -> str:
    inventory = here()
    return page(
        "allowances.html",
        area=of.area,
        trail=of.trail,
        name=of.holder.name,
        url=of.url,
        end=of.end,
        lines=lines(balances(inventory, of.holder, now=clock.now()), inventory, today()),
        packs=packs,
        form=form,
    )
