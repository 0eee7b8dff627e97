"""The prices of the place: all of them, of one machine, of company; supplies, packs, how it counts.

Whoever keeps the accounts reads them; the team says them.
"""

from datetime import date
from typing import Any
from uuid import UUID

from flask import abort, flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_login import current_user
from sqlalchemy import select
from wtforms.validators import InputRequired

from fablab import clock
from fablab.access import accounts_only, team_only
from fablab.db import db
from fablab.exports import csv_file
from fablab.forms import (
    FIRST_YEAR,
    LAST_YEAR,
    Confirmation,
    Form,
    StrictDateField,
    parse_day,
)
from fablab.machines.inventory import MachineFacts, here
from fablab.manage import member_pages, queries, tariff_pages
from fablab.manage.blueprint import bp, page, today
from fablab.manage.tariff_forms import (
    PackForm,
    PricesForm,
    SupplyForm,
    TermsForm,
    filled,
    name_of,
)
from fablab.members.kinds import Deed
from fablab.tariffs import commands
from fablab.tariffs.changes import A_DAY, Said, planned_days
from fablab.tariffs.models import Pack
from fablab.tariffs.price_list import prices_of


class WithdrawalForm(Form):
    first_day = StrictDateField(lazy_gettext("Starting on"), [InputRequired()])


@bp.get("/manage/tariffs")
@accounts_only
def tariffs():
    inventory, day = here(), day_asked() or today()
    prices = prices_of(inventory)
    shown = tariff_pages.columns(prices, day)
    return page(
        "tariffs.html",
        columns=shown,
        day=day,
        is_today=day == today(),
        families=tariff_pages.families(inventory, prices, shown, day),
        company=tariff_pages.company(prices, shown, day),
        terms=prices.terms,
        may_change=current_user.manages(inventory.place.id),
        record=[
            member_pages.event(row, inventory.schedule.zone)
            for row in queries.record_of_place(inventory.place.id, Deed.TARIFF)
        ],
    )


def day_asked() -> date | None:
    """The day that the address asks about; any that is none is a 404."""
    typed = request.args.get("day", "").strip()
    day = parse_day(typed)
    if typed and (day is None or not FIRST_YEAR <= day.year <= LAST_YEAR):
        abort(404)
    return day


@bp.get("/manage/tariffs.csv")
@accounts_only
def tariffs_file():
    """What holds and what is planned."""
    rows = tariff_pages.in_file(here(), prices_of(here()), today())
    return csv_file("tariffs", tariff_pages.FILE, rows)


@bp.route("/manage/tariffs/machines/<slug>", methods=["GET", "POST"])
@team_only
def tariff_of_machine(slug: str):
    return prices_of_one(machine_called(slug))


@bp.route("/manage/tariffs/company", methods=["GET", "POST"])
@team_only
def tariff_of_company():
    return prices_of_one(None)


@bp.post("/manage/tariffs/machines/<slug>/withdrawal")
@team_only
def withdraw_tariff(slug: str):
    return withdraw(machine_called(slug))


@bp.post("/manage/tariffs/company/withdrawal")
@team_only
def withdraw_company_tariff():
    return withdraw(None)


@bp.post("/manage/tariffs/machines/<slug>/supplies")
@team_only
def add_supply(slug: str):
    machine, form = machine_called(slug), SupplyForm()
    if not form.validate():
        return one_page(machine, supply=form), 422
    try:
        commands.add_supply(
            here().place.id, machine.id, form.new(), by=current_user.id, now=clock.now()
        )
    except commands.NotOnThatDay as refused:
        form.supply_from.errors = [_(refused.problem)]
        return one_page(machine, supply=form), 422
    flash(_("The supply is saved."))
    return redirect(url_of(machine), 303)


@bp.post("/manage/tariffs/machines/<slug>/supplies/<uuid:supply_uid>/end")
@team_only
def end_supply(slug: str, supply_uid: UUID):
    machine = machine_called(slug)
    if not Confirmation().validate():
        abort(422)
    commands.end_supply(here().place.id, str(supply_uid), by=current_user.id, now=clock.now())
    flash(_("It is counted until the end of today."))
    return redirect(url_of(machine), 303)


@bp.route("/manage/tariffs/terms", methods=["GET", "POST"])
@team_only
def terms():
    known = prices_of(here()).terms
    names = commands.TERMS
    form = TermsForm(data={name: getattr(known, name) for name in names})
    if request.method == "GET":
        return page("terms.html", form=form)
    if not form.validate():
        return page("terms.html", form=form), 422
    if commands.set_terms(here().place.id, form.values(), by=current_user.id, now=clock.now()):
        flash(_("How the place counts is saved."))
    else:
        flash(_("Nothing was changed."), "info")
    return redirect(url_for(".tariffs"), 303)


@bp.route("/manage/tariffs/packs", methods=["GET", "POST"])
@team_only
def packs():
    form = PackForm()
    form.offer(here().categories)
    if request.method == "GET":
        return packs_page(form)
    if not form.validate():
        return packs_page(form), 422
    commands.add_pack(here().place.id, form.new(), by=current_user.id, now=clock.now())
    flash(_("The pack is saved."))
    return redirect(url_for(".packs"), 303)


@bp.post("/manage/tariffs/packs/<uuid:pack_uid>/retirement")
@team_only
def retire_pack(pack_uid: UUID):
    if not Confirmation().validate():
        abort(422)
    commands.retire_pack(here().place.id, str(pack_uid), by=current_user.id, now=clock.now())
    flash(_("The pack is offered no longer; what was granted stays."))
    return redirect(url_for(".packs"), 303)


def prices_of_one(machine: MachineFacts | None) -> Any:
    if request.method == "GET":
        return one_page(machine)
    form = PricesForm()
    if not form.validate():
        return one_page(machine, form=form), 422
    assert form.first_day.data is not None
    if form.is_of_other_prices(said_of_one(machine)):
        form.shown.raw_data, form.shown.data = [], form.first_day.data
        form.first_day.errors = [
            _("Other prices hold on that day, as the list says: look over yours, then save again.")
        ]
        return one_page(machine, form=form), 422
    try:
        is_changed = commands.set_prices(
            here().place.id,
            machine.id if machine else None,
            form.first_day.data,
            form.wanted(),
            by=current_user.id,
            now=clock.now(),
            seen=form.seen.data or "",
        )
    except commands.ChangedMeanwhile:
        form.seen.data = commands.fingerprint(said_of_one(machine))
        form.first_day.errors = [
            _("Other prices hold on that day, as the list says: look over yours, then save again.")
        ]
        return one_page(machine, form=form), 409
    except commands.NotOnThatDay as refused:
        for name in [name_of(each) for each in refused.whose] or ["first_day"]:
            form[name].errors = [_(refused.problem)]
        return one_page(machine, form=form), 422
    if is_changed:
        flash(_("The prices are saved; what was before stays as it was."))
    else:
        flash(_("Nothing was changed."), "info")
    return redirect(url_of(machine), 303)


def withdraw(machine: MachineFacts | None) -> Any:
    form = WithdrawalForm()
    if not form.validate():
        abort(422)
    assert form.first_day.data is not None
    commands.withdraw(
        here().place.id,
        machine.id if machine else None,
        form.first_day.data,
        by=current_user.id,
        now=clock.now(),
    )
    flash(_("What was planned is withdrawn."))
    return redirect(url_of(machine), 303)


def one_page(
    machine: MachineFacts | None,
    *,
    form: PricesForm | None = None,
    supply: SupplyForm | None = None,
) -> str:
    inventory, day = here(), today()
    prices = prices_of(inventory)
    said = said_of_one(machine)
    first_day = day_asked() or (day + A_DAY if said else day)
    drawn = filled(said, first_day) | {"seen": commands.fingerprint(said)}
    return page(
        "tariff.html",
        machine=machine,
        action=url_of(machine),
        form=form or PricesForm(formdata=None, data=drawn),
        supply=supply or SupplyForm(formdata=None, data={"supply_from": day}),
        supplies=tariff_pages.supply_lines(prices, machine.id, day) if machine else (),
        currency=prices.terms.currency,
        periods=tariff_pages.periods(said, planned_days(said, day), prices.terms.currency),
    )


def said_of_one(machine: MachineFacts | None) -> list[Said]:
    rows = commands.rows_of(here().place.id, machine.id if machine else None)
    return [commands.said_of(row) for row in rows]


def packs_page(form: PackForm) -> str:
    inventory = here()
    asked = select(Pack).where(Pack.place_id == inventory.place.id, Pack.retired_at.is_(None))
    found = db.session.scalars(asked.order_by(Pack.name, Pack.id)).all()
    currency = prices_of(inventory).terms.currency
    return page("packs.html", form=form, packs=tariff_pages.pack_lines(found, inventory, currency))


def url_of(machine: MachineFacts | None) -> str:
    if machine is None:
        return url_for("manage.tariff_of_company")
    return url_for("manage.tariff_of_machine", slug=machine.slug)


def machine_called(slug: str) -> MachineFacts:
    return here().by_slug.get(slug) or abort(404)
