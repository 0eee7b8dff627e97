"""What was used up in a booking: its member and the team note it, and strike it out."""

from contextlib import suppress
from typing import Any, NamedTuple
from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_login import current_user

from fablab import clock
from fablab.access import members_only
from fablab.booking import pages, queries
from fablab.booking.views import inventory_of, line, slot_of
from fablab.forms import Confirmation
from fablab.keys import AlreadyMade
from fablab.machines.inventory import Inventory
from fablab.machines.kinds import Status
from fablab.tariffs import consumptions
from fablab.tariffs.consumptions import Doer
from fablab.tariffs.forms import ConsumptionForm
from fablab.tariffs.price_list import prices_of
from fablab.tariffs.prices import day_of
from fablab.tariffs.rules import may_note, rounded
from fablab.tariffs.words import amount_said, quantity_said, sum_said

bp = Blueprint("supplies", __name__)


class Line(NamedTuple):
    uid: str
    name: str
    quantity: str
    amount: str
    who: str
    is_struck: bool
    may_strike: bool


class Found(NamedTuple):
    booking: Any
    inventory: Inventory
    by: Doer


@bp.get("/bookings/<uuid:uid>/supplies")
@members_only
def index(uid: UUID):
    found = find(uid)
    return supplies_page(found, form_of(found, formdata=None))


@bp.post("/bookings/<uuid:uid>/supplies")
@members_only
def note(uid: UUID):
    found = find(uid)
    form = form_of(found)
    if not form.validate():
        return supplies_page(found, form), 422
    assert form.quantity.data is not None
    with suppress(AlreadyMade):
        consumptions.note(
            found.booking.id,
            form.supply.data,
            form.quantity.data,
            day=day_of(found.inventory.schedule.zone, found.booking.starts_at),
            by=found.by,
            now=clock.now(),
            key=form.key.data or "",
        )
    flash(_("It is noted."))
    return redirect(url_for(".index", uid=uid), 303)


@bp.post("/bookings/<uuid:uid>/supplies/<uuid:consumption_uid>/striking")
@members_only
def strike(uid: UUID, consumption_uid: UUID):
    found = find(uid)
    if not Confirmation().validate():
        abort(422)
    consumptions.strike(found.booking.id, str(consumption_uid), by=found.by, now=clock.now())
    flash(_("It is struck out, and counts no more."))
    return redirect(url_for(".index", uid=uid), 303)


def find(uid: UUID) -> Found:
    """A booking of theirs, or of the place whose team they are on; any other answers 404."""
    booking = queries.find_visible(str(uid), current_user)
    by = Doer(current_user.id, current_user.manages(booking.place_id))
    if not by.is_team and booking.member_id != by.id:
        abort(404)
    return Found(booking, inventory_of(booking), by)


def form_of(found: Found, **blank: Any) -> ConsumptionForm:
    form, prices = ConsumptionForm(**blank), prices_of(found.inventory)
    day = day_of(found.inventory.schedule.zone, found.booking.starts_at)
    form.supply.choices = [
        (each.uid, f"{each.name} ({each.unit})")
        for each in prices.supplies_of(found.booking.machine_id, day)
    ]
    return form


def supplies_page(found: Found, form: ConsumptionForm) -> str:
    booking, inventory, now = found.booking, found.inventory, clock.now()
    may_say = booking.status == Status.CONFIRMED and may_note(
        booking.starts_at, booking.ends_at, now, is_team=found.by.is_team
    )
    currency = prices_of(inventory).terms.currency
    rows = consumptions.noted(booking.id)
    return render_template(
        "booking/supplies.html",
        booking=line(booking, inventory, now),
        ticket=pages.ticket(booking, slot_of(booking), inventory),
        lines=[line_of(row, found.by, currency, may_say=may_say) for row in rows],
        total=sum_said((worth(row) for row in rows if row.struck_at is None), currency),
        may_say=may_say,
        has_begun=booking.starts_at <= now,
        is_team=found.by.is_team,
        form=form,
    )


def line_of(row: Any, by: Doer, currency: str, *, may_say: bool) -> Line:
    is_struck = row.struck_at is not None
    return Line(
        uid=row.uid,
        name=row.name,
        quantity=quantity_said(row.quantity, row.unit),
        amount=amount_said(worth(row), currency),
        who=f"{row.first_name or ''} {row.last_name or ''}".strip(),
        is_struck=is_struck,
        may_strike=may_say and not is_struck and (by.is_team or row.noted_by_id == by.id),
    )


def worth(row: Any) -> Any:
    return rounded(row.price * row.quantity)
