"""Booking a machine, from the browser: who asks, what they see, where they go next."""

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import uuid4

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user

from fablab import clock
from fablab.access import members_only
from fablab.booking import commands, offers, pages, queries
from fablab.booking.facts import gather
from fablab.booking.forms import LONGEST, BookingForm
from fablab.booking.rules import Refusal, may_cancel, may_move, refusals
from fablab.clock import to_wall, whole_day
from fablab.forms import Confirmation, parse_day, parse_time
from fablab.machines.inventory import Inventory, MachineFacts, here, of_place
from fablab.slots import Slot

bp = Blueprint("booking", __name__)

PAGE = 20  # past bookings on one page


@bp.get("/bookings/")
@members_only
def index():
    now, page = clock.now(), page_number()
    inventory = here()
    past = queries.past(current_user.id, now, limit=PAGE + 1, offset=(page - 1) * PAGE)
    return render_template(
        "booking/index.html",
        upcoming=lines(queries.upcoming(current_user.id, now), inventory, now),
        past=lines(past[:PAGE], inventory, now),
        page=page,
        has_more=len(past) > PAGE,
    )


@bp.get("/bookings/new")
@members_only
def new():
    inventory = here()
    machine = machine_asked(inventory, request.args)
    slot = slot_asked(inventory, machine, request.args)
    return booking_page(Draft(inventory, machine, slot), blank_form(inventory, machine, slot))


@bp.post("/bookings/")
@members_only
def create():
    inventory = here()
    machine = machine_asked(inventory, request.form)
    form = read_form(inventory)
    draft = Draft(inventory, machine, None)
    if not form.validate():
        return booking_page(draft, form, status=422)
    draft = replace(draft, slot=form.slot)
    try:
        uid = commands.book(
            order_of(draft, form), by=current_user.id, now=clock.now(), key=form.key.data or None
        )
    except commands.BookingRefused as refused:
        return refusal_page(draft, form, refused)
    flash(_("It is booked."), "booked")
    return redirect(url_for(".show", uid=uid), 303)


@bp.get("/bookings/<uuid:uid>")
@members_only
def show(uid):
    booking = queries.find_visible(str(uid), current_user)
    inventory, now = of_place(place_id=booking.place_id), clock.now()
    return render_template(
        "booking/show.html",
        booking=line(booking, inventory, now),
        ticket=pages.ticket(booking, slot_of(booking), inventory),
        history=pages.history_lines(queries.history(booking.id), inventory),
        is_own=booking.member_id == current_user.id,
    )


@bp.get("/bookings/<uuid:uid>/cancellation")
@members_only
def cancellation(uid):
    """Asks once, on a page: a cancelled slot may be gone a second later."""
    booking = queries.find_visible(str(uid), current_user)
    inventory, now = of_place(place_id=booking.place_id), clock.now()
    if not may(may_cancel, booking, now):
        return redirect(url_for(".show", uid=uid), 303)
    return render_template(
        "booking/cancellation.html",
        booking=line(booking, inventory, now),
        ticket=pages.ticket(booking, slot_of(booking), inventory),
        form=Confirmation(),
    )


@bp.post("/bookings/<uuid:uid>/cancellation")
@members_only
def cancel(uid):
    booking = queries.find_visible(str(uid), current_user)
    is_team = current_user.manages(booking.place_id)
    try:
        commands.cancel(str(uid), by=current_user.id, is_team=is_team, now=clock.now())
    except commands.NotAllowed:
        flash(_("This booking can no longer be cancelled: it is over."), "no")
    else:
        flash(_("The booking is cancelled and the machine free again."), "ok")
    return redirect(url_for(".show", uid=uid), 303)


@bp.get("/bookings/<uuid:uid>/move")
@members_only
def move_form(uid):
    booking = queries.find_visible(str(uid), current_user)
    if not may(may_move, booking, clock.now()):
        return redirect(url_for(".show", uid=uid), 303)
    inventory = of_place(place_id=booking.place_id)
    asked = request.args if request.args.get("machine") else None
    machine = machine_asked(inventory, asked) if asked else inventory.by_id[booking.machine_id]
    slot = slot_asked(inventory, machine, asked) if asked else slot_of(booking)
    form = blank_form(inventory, machine, slot, booking)
    return booking_page(Draft(inventory, machine, slot, booking), form)


@bp.post("/bookings/<uuid:uid>/move")
@members_only
def move(uid):
    booking = queries.find_visible(str(uid), current_user)
    inventory = of_place(place_id=booking.place_id)
    machine = machine_asked(inventory, request.form)
    form = read_form(inventory, booking)
    draft = Draft(inventory, machine, None, booking)
    if not form.validate():
        return booking_page(draft, form, status=422)
    draft = replace(draft, slot=form.slot)
    try:
        commands.move(
            str(uid),
            order_of(draft, form),
            by=current_user.id,
            is_team=current_user.manages(booking.place_id),
            now=clock.now(),
        )
    except commands.BookingRefused as refused:
        return refusal_page(draft, form, refused)
    except commands.NotAllowed:
        flash(_("This booking can no longer be moved."), "no")
    else:
        flash(_("The booking is changed."), "booked")
    return redirect(url_for(".show", uid=uid), 303)


@dataclass(frozen=True)
class Draft:
    """A booking being written: a machine, perhaps a slot, perhaps the booking it would change."""

    inventory: Inventory
    machine: MachineFacts
    slot: Slot | None
    booking: Any = None  # its row, when it is one being moved

    @property
    def member_id(self) -> int:
        return self.booking.member_id if self.booking else current_user.id

    @property
    def endpoint(self) -> str:
        return ".move_form" if self.booking else ".new"

    @property
    def kept(self) -> dict[str, str]:
        """What an address of this draft keeps: the booking's UID when there is one."""
        return {"uid": self.booking.uid} if self.booking else {}

    @property
    def action(self) -> str:
        return url_for(".move", uid=self.booking.uid) if self.booking else url_for(".create")


def booking_page(
    draft: Draft,
    form: BookingForm,
    *,
    status: int = 200,
    refused: list[Refusal] | None = None,
    alternatives: list[offers.Offer] | None = None,
):
    """The one page of booking and moving: the form, the strip of the day, the ticket."""
    inventory, zone, now = draft.inventory, draft.inventory.schedule.zone, clock.now()
    day = form.day.data or clock.today(zone, now)
    whole = whole_day(zone, day)
    around = (draft.slot or whole).widened(*commands.margins(draft.machine))
    facts = gather(
        inventory,
        draft.machine,
        draft.member_id,
        _hull(around, whole),
        now=now,
        moving=draft.booking.id if draft.booking else None,
    )
    if draft.booking:
        facts = replace(facts, kept_start=draft.booking.starts_at)
    verdict = refused if refused is not None else []
    if draft.slot and status == 200:
        verdict = refusals(draft.slot, facts)
    starts, ends = pages.hour_options(inventory, facts.policy, day, form.start.data, form.end.data)
    page = render_template(
        "booking/form.html",
        form=form,
        action=draft.action,
        machine=draft.machine,
        moving=line(draft.booking, inventory, now) if draft.booking else None,
        starts=starts,
        ends=ends,
        days=(clock.today(zone, now), facts.policy.horizon_days),
        spans_nights=pages.spans_nights(facts.policy),
        strip=draft.slot
        and pages.strip(
            inventory, facts.policy, facts.taken, draft.slot, now=now, is_refused=bool(verdict)
        ),
        ticket=draft.slot and pages.ticket(draft.machine, draft.slot, inventory),
        is_refused=status in (409, 422) and refused is not None,
        refusals=pages.why(verdict, zone),
        offers=pages.offer_lines(
            alternatives or [], draft.machine, inventory, now, draft.endpoint, **draft.kept
        ),
        rules=pages.policy_lines(facts.policy),
        clock_note=pages.clock_note(form.day.data, form.start.data, zone),
        asked_hours=draft.slot and pages.texts.hours(draft.slot, zone),
    )
    return page, status


def refusal_page(draft: Draft, form: BookingForm, refused: commands.BookingRefused):
    """409 when the slot is, or was just, taken and nothing else is wrong; else 422."""
    assert draft.slot
    found = offers.nearest(
        draft.inventory, draft.machine, draft.member_id, draft.slot, now=clock.now()
    )
    return booking_page(
        draft,
        form,
        status=409 if refused.is_only_taken else 422,
        refused=refused.refusals,
        alternatives=found,
    )


def blank_form(
    inventory: Inventory, machine: MachineFacts, slot: Slot, booking: Any = None
) -> BookingForm:
    zone = inventory.schedule.zone
    start, end = to_wall(zone, slot.start), to_wall(zone, slot.end)
    words = pages.query(machine.slug, slot, zone)
    data = {
        "machine": machine.slug,
        "day": start.date(),
        "start": start.time(),
        "end": end.time(),
        "end_day": end.date() if "end_day" in words else None,
        "organization": str(booking.organization_id or "") if booking else "",
        "purpose": booking.title if booking else "",
        "key": str(uuid4()),
    }
    return BookingForm(
        formdata=None, data=data, zone=zone, organizations=organizations(inventory, booking)
    )


def read_form(inventory: Inventory, booking: Any = None) -> BookingForm:
    return BookingForm(
        zone=inventory.schedule.zone, organizations=organizations(inventory, booking)
    )


def organizations(inventory: Inventory, booking: Any = None) -> list[queries.BookedBy]:
    """Whom the booking may be for; the one it is for already stays among them."""
    member_id = booking.member_id if booking else current_user.id
    day = clock.today(inventory.schedule.zone, clock.now())
    found = queries.organizations_of(member_id, inventory.place.id, day)
    if booking and booking.organization_id not in (None, *(each.id for each in found)):
        found.append(queries.BookedBy(booking.organization_id, booking.organization_name))
    return found


def order_of(draft: Draft, form: BookingForm) -> commands.Order:
    return commands.Order(
        machine_id=draft.machine.id,
        place_id=draft.inventory.place.id,
        slot=form.slot,
        member_id=draft.member_id,
        purpose=form.purpose.data or "",
        organization_id=form.organization_id,
    )


def machine_asked(inventory: Inventory, asked: Any) -> MachineFacts:
    """The machine named by its slug; 404 when there is none in this place."""
    machine = inventory.by_slug.get(asked.get("machine", ""))
    if machine is None:
        abort(404)
    return machine


def slot_asked(inventory: Inventory, machine: MachineFacts, asked: Any) -> Slot:
    """The slot an address asks for; what it leaves out or garbles, the first free hour gives."""
    zone, now = inventory.schedule.zone, clock.now()
    day = parse_day(asked.get("day", "")) or clock.today(zone, now)
    if not 2000 <= day.year <= 2200:
        day = clock.today(zone, now)
    policy = machine.policy_for(current_user.audience_in(inventory.place.id))
    given = _given(zone, day, asked)
    return given or pages.default_slot(inventory, machine, policy, day, now)


def _given(zone: Any, day: date, asked: Any) -> Slot | None:
    start, end = parse_time(asked.get("start", "")), parse_time(asked.get("end", ""))
    if start is None or end is None:
        return None
    last = parse_day(asked.get("end_day", "")) or (
        day + timedelta(days=1) if end == time.min else day
    )
    starts_at, ends_at = clock.from_wall(zone, day, start), clock.from_wall(zone, last, end)
    return Slot(starts_at, ends_at) if starts_at < ends_at <= starts_at + LONGEST else None


def lines(rows: Any, inventory: Inventory, now: datetime) -> list[pages.Line]:
    return [line(row, inventory, now) for row in rows]


def line(booking: Any, inventory: Inventory, now: datetime) -> pages.Line:
    return pages.booking_line(
        booking,
        inventory,
        now,
        may_move=may(may_move, booking, now),
        may_cancel=may(may_cancel, booking, now),
    )


def may(rule: Any, booking: Any, now: datetime) -> bool:
    """Ask `may_cancel` or `may_move` of the signed-in person."""
    return bool(booking.standing) and rule(
        slot_of(booking),
        now=now,
        is_own=booking.member_id == current_user.id,
        is_team=current_user.manages(booking.place_id),
    )


def slot_of(booking: Any) -> Slot:
    return Slot(booking.starts_at, booking.ends_at)


def page_number() -> int:
    """`?page=`, from 1; anything else is the first."""
    asked = request.args.get("page", "")
    return int(asked) if asked.isascii() and asked.isdigit() and 0 < int(asked) < 10_000 else 1


def _hull(one: Slot, other: Slot) -> Slot:
    return Slot(min(one.start, other.start), max(one.end, other.end))
