"""Booking a machine, from the browser: who asks, what they see, where they go next."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import partial
from typing import Any, NamedTuple
from uuid import uuid4

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user

from fablab import clock
from fablab.access import members_only
from fablab.booking import (
    absences,
    commands,
    consent_pages,
    handover_pages,
    ledger,
    mark_pages,
    offers,
    orders,
    pages,
    queries,
    series_pages,
    wait_pages,
    waits,
    worth,
)
from fablab.booking.facts import audience_of, gather
from fablab.booking.forms import (
    LONGEST,
    BookingForm,
    CancellationForm,
    chosen_again,
    day_of_end,
    parse_near_day,
)
from fablab.booking.known import Facts
from fablab.booking.obstacles import known_of, obstacles
from fablab.booking.presence_pages import expectation
from fablab.booking.rules import may_cancel, may_move, may_override, refusals
from fablab.booking.verdicts import FOR_A_TRAINING, FOR_THE_TEAM, Reason, Refusal
from fablab.clock import to_wall, whole_day, whole_days
from fablab.db import NotAllowed
from fablab.forms import parse_time
from fablab.machines.inventory import Inventory, MachineFacts, here, of_place
from fablab.machines.kinds import RiskClass, Status
from fablab.slots import Slot
from fablab.tariffs.price_list import prices_of
from fablab.tariffs.prices import quote
from fablab.tariffs.words import Indicative, indicative

bp = Blueprint("booking", __name__)

PAGE = 20  # past bookings on one page
TYPED = ("purpose", "organization", "buddy", "repeat", "until")  # besides the slot
ASKED_LAST = frozenset({Reason.NO_BUDDY, Reason.NOT_READ})  # not of a form nobody has sent yet
PUT_RIGHT = ASKED_LAST | {Reason.NOT_YOUR_ORGANIZATION}  # in the form, whatever the hours
DAYS_TRIED = 14  # in search of a first slot to fill the form with


@bp.get("/bookings/")
@members_only
def index():
    now, page = clock.now(), page_number()
    past = queries.past(current_user.id, now, limit=PAGE + 1, offset=(page - 1) * PAGE)
    mine = wait_pages.of_member(current_user.id, now)
    ahead = [row for row in queries.upcoming(current_user.id, now) if row.uid not in mine.offered]
    upcoming = lines(ahead, now)
    return render_template(
        "booking/index.html",
        upcoming=upcoming,
        given=handover_pages.given_of(current_user.id, ahead, now),
        repeated=series_pages.repeated(upcoming),
        mine=mine,
        past=lines(past[:PAGE], now),
        page=page,
        has_more=len(past) > PAGE,
        asked=[
            *handover_pages.offered_to(current_user.id, now),
            *consent_pages.asked_of(current_user.id, now),
        ],
        buddy_of=consent_pages.buddy_of(current_user.id, now),
        marks=mark_pages.marks_of(current_user.id, here(), now, with_past=False),
        kept=kept(),
    )


@bp.get("/bookings/new")
@members_only
def new():
    """The form, filled with what the address says; without a machine, where to choose one."""
    if not request.args.get("machine"):
        return redirect(url_for("home.machines", **kept()))
    draft = draft_of(here(), request.args)
    slot = slot_asked(draft, request.args)
    return form_page(draft, blank_form(draft, slot), slot)


@bp.post("/bookings/")
@members_only
def create():
    draft = draft_of(here(), request.form)
    form = draft.form()
    if not form.validate():
        return form_page(draft, form, None, status=422)
    if form.check.data:
        return form_page(draft, form, form.slot)
    if form.every_weeks:  # each date is shown before anything is booked
        return redirect(url_for("series.create", **kept()), 307)
    try:
        order, key = order_of(draft, form), form.key.data or None
        uid = commands.book(
            order,
            by=current_user.id,
            now=clock.now(),
            key=key,
            is_team=current_user.manages(draft.inventory.place.id),
        )
    except orders.BookingRefused as refused:
        return refusal_page(draft, form, refused)
    except orders.AlreadyUsed as used:
        flash(_("This form had booked already: here is its booking, as it stands now."), "info")
        uid = used.uid
    return redirect(url_for(".show", uid=uid), 303)


@bp.get("/bookings/<uuid:uid>")
@members_only
def show(uid):
    booking = queries.find_visible(str(uid), current_user)
    inventory = inventory_of(booking)
    shown = line(booking, inventory, clock.now())
    history = queries.history(booking.id)
    if not current_user.manages(booking.place_id):
        history = handover_pages.of_whose_it_is(history)
    return render_template(
        "booking/show.html",
        booking=shown,
        said=pages.standing(shown, history),
        ticket=pages.ticket(booking, slot_of(booking), inventory),
        history=pages.history_lines(history, inventory, consent_pages.full_name(booking)),
        buddy=queries.name_of(booking.buddy_id),
        is_own=booking.member_id == current_user.id,
        is_for_oneself=is_for_oneself(booking, inventory),
        waiting=consent_pages.waiting_lines(booking, inventory, current_user),
        offer=wait_pages.offer_of(booking, current_user.id, inventory, clock.now()),
        freedom=mark_pages.freedom(booking, inventory, clock.now()),
        handing=handover_pages.of_booking(booking, current_user.id, inventory, clock.now()),
        may_be_missed=current_user.manages(booking.place_id)
        and absences.may_be_missed(booking, by=current_user.id, now=clock.now()),
        may_be_undone=current_user.manages(booking.place_id) and shown.presence.may_undo,
        may_say=booking.member_id == current_user.id or current_user.manages(booking.place_id),
        expected=expected_of(booking, inventory, clock.now()),
        vat=prices_of(inventory).terms.vat_text,
        is_team=current_user.manages(booking.place_id),
        may_note=has_supplies(booking, inventory, clock.now()),
    )


def is_for_oneself(booking: Any, inventory: Inventory) -> bool:
    """Worth saying to whoever might have booked for an organization of theirs instead."""
    if booking.organization_id is not None or booking.member_id != current_user.id:
        return False
    day = clock.today(inventory.schedule.zone, booking.starts_at)
    return bool(queries.organizations_of(current_user.id, booking.place_id, day))


def has_supplies(booking: Any, inventory: Inventory, now: datetime) -> bool:
    """Whether its reader has the page of what was used up: its member's and the team's."""
    is_reader = booking.member_id == current_user.id or current_user.manages(booking.place_id)
    if not is_reader or booking.status != Status.CONFIRMED or now < booking.starts_at:
        return False
    day = clock.today(inventory.schedule.zone, booking.starts_at)
    return bool(prices_of(inventory).supplies_of(booking.machine_id, day))


def expected_of(booking: Any, inventory: Inventory, now: datetime) -> str:
    """Until when its reader is waited for; of somebody else's, over or begun, nothing."""
    machine = inventory.by_id.get(booking.machine_id)
    is_ahead = booking.status == Status.CONFIRMED and now < booking.starts_at
    is_awaited = is_ahead and booking.arrived_at is None
    if machine is None or booking.member_id != current_user.id or not is_awaited:
        return ""
    policy = machine.policy_for(audience_of(current_user.standings.get(booking.place_id)))
    return expectation(slot_of(booking), policy.release_after, inventory.schedule.zone)


@bp.get("/bookings/<uuid:uid>/cancellation")
@members_only
def cancellation(uid):
    """Asks once, on a page: a cancelled slot may be gone a second later."""
    booking = queries.find_visible(str(uid), current_user)
    rule = partial(may_cancel, is_here=booking.arrived_at is not None)
    if not may(rule, booking, clock.now()):
        return redirect(url_for(".show", uid=uid), 303)
    return cancellation_page(booking, CancellationForm(formdata=None))


def cancellation_page(booking: Any, form: CancellationForm) -> str:
    inventory, now = inventory_of(booking), clock.now()
    freedom = mark_pages.freedom(booking, inventory, now)
    is_own = booking.member_id == current_user.id
    return render_template(
        "booking/cancellation.html",
        booking=line(booking, inventory, now),
        ticket=pages.ticket(booking, slot_of(booking), inventory),
        form=form,
        is_own=is_own,
        freedom=freedom,
        number=mark_pages.number_of_next(booking.member_id, booking.place_id, now)
        if is_own and freedom and freedom.is_over
        else "",
        cost=worth.cost_of_cancelling(
            booking, inventory, is_own=is_own, is_late=freedom.is_over if freedom else None
        ),
    )


@bp.post("/bookings/<uuid:uid>/cancellation")
@members_only
def cancel(uid):
    booking = queries.find_visible(str(uid), current_user)
    is_team = current_user.manages(booking.place_id)
    form = CancellationForm()
    if not form.validate():
        return cancellation_page(booking, form), 422
    why = form.why.data if booking.member_id != current_user.id else ""
    try:
        commands.cancel(str(uid), by=current_user.id, is_team=is_team, now=clock.now(), why=why)
    except NotAllowed:
        flash(_("This booking can no longer be cancelled."), "no")
    else:
        flash(cancelled_in_words(queries.find_visible(str(uid), current_user)), "ok")
    return redirect(url_for(".show", uid=uid), 303)


def cancelled_in_words(booking: Any) -> str:
    if booking.is_late:
        return _("The booking is cancelled, which is noted as late. The machine is free again.")
    return _("The booking is cancelled and the machine free again.")


@bp.get("/bookings/<uuid:uid>/move")
@members_only
def move_form(uid):
    booking = queries.find_visible(str(uid), current_user)
    if not may(may_move, booking, clock.now()) or waits.is_offer(booking):
        return redirect(url_for(".show", uid=uid), 303)
    draft = draft_of(inventory_of(booking), request.args, booking)
    is_said = bool(request.args.get("machine"))
    slot = slot_asked(draft, request.args) if is_said else slot_of(booking)
    return form_page(draft, blank_form(draft, slot), slot)


@bp.post("/bookings/<uuid:uid>/move")
@members_only
def move(uid):
    booking = queries.find_visible(str(uid), current_user)
    draft = draft_of(inventory_of(booking), request.form, booking)
    form = draft.form()
    if not form.validate():
        return form_page(draft, form, None, status=422)
    if form.check.data:
        return form_page(draft, form, form.slot)
    try:
        is_changed = commands.move(
            str(uid),
            order_of(draft, form),
            by=current_user.id,
            is_team=current_user.manages(booking.place_id),
            now=clock.now(),
            revision=form.drawn_for,
        )
    except orders.BookingRefused as refused:
        return refusal_page(draft, form, refused)
    except NotAllowed:
        flash(_("This booking can no longer be changed."), "no")
    except orders.ChangedMeanwhile:
        return changed_page(queries.find_visible(str(uid), current_user))
    else:
        flash(_("The booking is changed.") if is_changed else _("Nothing was changed."), "ok")
    return redirect(url_for(".show", uid=uid), 303)


@dataclass(frozen=True)
class Draft:
    """A booking being written, on a machine; perhaps one that exists and would change."""

    inventory: Inventory
    machine: MachineFacts
    booking: Any = None  # its row, when it is one being moved
    somebody: queries.Somebody | None = None  # whom the team books for
    with_following: bool = False  # those of its series that come after it would change too

    @property
    def zone(self) -> tzinfo:
        return self.inventory.schedule.zone

    @property
    def member_id(self) -> int:
        if self.booking:
            return self.booking.member_id
        return self.somebody.id if self.somebody else current_user.id

    @property
    def who(self) -> str:
        """Whom it is for, when that is not who asks."""
        if self.member_id == current_user.id:
            return ""
        if self.booking:
            return f"{self.booking.first_name} {self.booking.last_name}".strip()
        return self.somebody.name if self.somebody else ""

    @property
    def is_team(self) -> bool:
        return current_user.manages(self.inventory.place.id)

    def like_machines(self, day: date) -> list[MachineFacts]:
        """Those a booking may move to: of the others, what nothing keeps its member from that day.

        The team may set a rule aside, and chooses from all of them.
        """
        others = self.inventory.equivalents(self.machine)
        if not self.booking or not others or self.is_team:
            return [self.machine, *others]
        now, place_id = clock.now(), self.inventory.place.id
        known = known_of(
            self.member_id, current_user.standings.get(place_id), self.inventory, now=now
        )
        barred = obstacles(known, self.inventory, day, now=now) if known else {}
        return [
            self.machine,
            *(
                other
                for other in others
                if other.id == self.booking.machine_id
                or (other.is_in_service and other.id not in barred)
            ),
        ]

    @property
    def spans_nights(self) -> bool:
        """May a booking of this machine end on another day than it starts?"""
        standing = current_user.standings.get(self.inventory.place.id)
        return pages.spans_nights(self.machine.policy_for(audience_of(standing)))

    def form(self, **kwargs: Any) -> BookingForm:
        form = BookingForm(zone=self.zone, spans_nights=self.spans_nights, **kwargs)
        form.speak_of(self.who)
        return form

    @property
    def action(self) -> str:
        if self.booking and self.with_following:
            return url_for("series.move", uid=self.booking.uid)
        if self.booking:
            return url_for("booking.move", uid=self.booking.uid)
        return url_for("booking.create", **kept())

    def facts(self, span: Slot, form: BookingForm | None = None) -> Facts:
        """What the rules want to know, with all that is taken in `span`."""
        now, moved = clock.now(), self.booking
        organization_id = form.organization_id if form and not form.organization.errors else None
        if moved:  # for whom it is stays
            organization_id = moved.organization_id
        is_kept = bool(moved) and moved.organization_id == organization_id
        facts = gather(
            self.inventory,
            self.machine,
            self.member_id,
            span,
            now=now,
            moving=moved.id if moved else None,
            organization_id=None if is_kept else organization_id,
            buddy_id=queries.member_id_of(form.buddy.data or "") if form else None,
            is_accompanied=bool(form and form.accompanied.data),
        )
        if not moved:
            return facts
        facts = ledger.of_change(facts, moved, self.machine)
        return ledger.as_counted(facts, moved, organization_id)

    def offers(self, asked: Slot, form: BookingForm) -> list[pages.OfferLine]:
        """Their addresses carry what else was typed, so that nothing is typed twice."""
        now = clock.now()
        found = offers.nearest(
            self.inventory,
            self.machine,
            self.member_id,
            asked,
            now=now,
            booking=self.booking,
            buddy_id=queries.member_id_of(form.buddy.data or ""),
            is_accompanied=bool(form.accompanied.data),
        )
        endpoint = "booking.new"
        if self.booking:
            endpoint = "series.move_form" if self.with_following else "booking.move_form"
        words = {"uid": self.booking.uid} if self.booking else kept()
        words |= {name: form[name].data for name in TYPED if form[name].data}
        if self.somebody:
            words["member"] = self.somebody.uid
        return pages.offer_lines(found, self.machine, self.inventory, now, endpoint, **words)


def draft_of(inventory: Inventory, asked: Any, booking: Any = None) -> Draft:
    """A draft on the machine that `asked` names by its slug; 404 when this place has none such.

    Without a name it is the machine of the booking being moved.
    """
    slug = asked.get("machine", "")
    if booking and not slug:
        machine = inventory.by_id.get(booking.machine_id)
    else:
        machine = inventory.by_slug.get(slug)
    return Draft(inventory, machine or abort(404), booking, somebody_of(inventory, asked))


def somebody_of(inventory: Inventory, asked: Any) -> queries.Somebody | None:
    """Whom the team books for; 404 for who may not, or when there is nobody such."""
    uid = asked.get("member", "")
    if not uid:
        return None
    if not current_user.manages(inventory.place.id) or len(uid) > 36 or not uid.isprintable():
        abort(404)
    return queries.member_by_uid(uid) or abort(404)


class Reading(NamedTuple):
    """What the form asks for, and what the rules say of it."""

    form: BookingForm
    slot: Slot | None  # None while what was typed makes none
    day: date
    facts: Facts
    verdict: list[Refusal]
    is_unread: bool  # of the safety text

    @property
    def granted(self) -> Slot | None:
        """The slot, when nothing stands against it."""
        return None if self.verdict else self.slot


def read_form(
    draft: Draft, form: BookingForm, slot: Slot | None, refused: list[Refusal] | None
) -> Reading:
    """`refused` is the verdict of a command; without one the rules are asked here."""
    day = form.day.data or clock.today(draft.zone, clock.now())
    whole = whole_day(draft.zone, day)
    facts = draft.facts(hull(slot, whole) if slot else whole, form)
    is_unread = not facts.has_read
    form.safety.show(draft.machine.safety_hash)
    facts = replace(facts, has_read=facts.has_read or form.safety.checked)
    verdict = refused or (refusals(slot, facts) if slot else [])
    if refused is None:
        verdict = [refusal for refusal in verdict if refusal.reason not in ASKED_LAST]
    return Reading(form, slot, day, facts, verdict, is_unread)


def form_page(
    draft: Draft,
    form: BookingForm,
    slot: Slot | None,
    *,
    refused: list[Refusal] | None = None,
    is_stale: bool = False,
    status: int = 200,
) -> tuple[str, int]:
    """The one page of booking and moving: the form, the strip of the day, the ticket.

    `refused` is the verdict of a command; `is_stale` says that the booking changed meanwhile.
    """
    reading = read_form(draft, form, slot, refused)
    whys = pages.why(reading.verdict, draft.zone, draft.who)
    pages.blame(form, whys)
    form.offer(
        [] if draft.booking else possible_for(draft.member_id, draft.inventory, reading.day),
        draft.like_machines(reading.day),
    )
    form.renew_key()
    is_answer = request.method == "POST" and bool(reading.verdict or form.errors)
    page = render_template(
        "booking/form.html",
        form=form,
        is_answer=is_answer and not is_stale,
        is_stale=is_stale,
        focused=request.form.get("focused", "") if form.check.data else "",
        refusals=whys,
        **whose_form(draft, reading),
        **fields_shown(draft, reading),
        **slot_shown(draft, reading),
        **refusal_shown(draft, reading),
    )
    return page, status


def whose_form(draft: Draft, reading: Reading) -> dict[str, Any]:
    """What is booked or moved, and for whom."""
    moving, now = draft.booking, reading.facts.now
    return {
        "action": draft.action,
        "machine": draft.machine,
        "moving": line(moving, draft.inventory, now) if moving else None,
        "is_own": draft.member_id == current_user.id,
        "somebody": draft.somebody,
        "with_following": draft.with_following,
        "reached": draft.inventory.place,
        "kept": {} if moving else kept(),
    }


def fields_shown(draft: Draft, reading: Reading) -> dict[str, Any]:
    """Which fields are asked, and the choices of each."""
    form, facts = reading.form, reading.facts
    today = clock.today(draft.zone, clock.now())
    starts, ends = pages.hour_options(facts, form, reading.day)
    return {
        "is_machine_chosen": bool(draft.booking)
        and not facts.is_under_way
        and len(form.machine.choices) > 1,
        "starts": starts,
        "ends": ends,
        "days": (today.isoformat(), (today + timedelta(facts.policy.horizon_days)).isoformat()),
        "spans_nights": pages.spans_nights(facts.policy) or bool(form.end_day.raw_data),
        "is_unread": reading.is_unread,
        "asks_buddy": facts.policy.buddy or facts.risk is RiskClass.D or bool(form.buddy.data),
        "asks_company": pages.may_ask_company(facts) or bool(form.accompanied.data),
        "activity": facts.activity,
    }


def slot_shown(draft: Draft, reading: Reading) -> dict[str, Any]:
    """The day with the slot in it, what it is worth and what comes with it."""
    form, slot, facts, granted = reading.form, reading.slot, reading.facts, reading.granted
    is_accompanied = bool(form.accompanied.data)
    return {
        "strip": pages.strip(facts, reading.day, slot, is_refused=bool(reading.verdict)),
        "ticket": pages.ticket(draft.machine, slot, draft.inventory) if slot else None,
        "neighbours": pages.neighbours(facts, granted) if granted else "",
        "conditions": pages.conditions(facts, granted, draft.who),
        "clock_notes": pages.clock_notes(form, draft.zone),
        "waits_for": pages.waits_for(facts, granted, is_team=draft.is_team, who=draft.who)
        if granted
        else "",
        "asked_when": pages.when(slot, draft.zone, facts.now) if slot else "",
        "indicative": amount_of(draft, facts, slot, reading.day, is_accompanied=is_accompanied),
    }


def refusal_shown(draft: Draft, reading: Reading) -> dict[str, Any]:
    """What could be done instead of what the rules refuse."""
    form, slot, facts, verdict = reading.form, reading.slot, reading.facts, reading.verdict
    reasons = {refusal.reason for refusal in verdict}
    has_offers = slot and needs_another_slot(verdict) and not facts.is_under_way
    may_wait = not draft.booking and not draft.somebody
    return {
        "offers": draft.offers(slot, form) if slot and has_offers else [],
        "is_for_the_team": not draft.who and bool(reasons & FOR_THE_TEAM),
        "is_for_a_training": bool(reasons & FOR_A_TRAINING),
        "may_override": bool(verdict) and draft.is_team and may_override(verdict, facts.policy),
        "is_full": may_wait and Reason.BOOKINGS_AHEAD in reasons,
        "wait_url": wait_pages.url_after(
            verdict, draft.machine, slot, draft.zone, **kept(), **wait_pages.typed(form)
        )
        if may_wait and Reason.BOOKINGS_AHEAD not in reasons
        else "",
    }


def amount_of(
    draft: Draft, facts: Facts, slot: Slot | None, day: date, *, is_accompanied: bool
) -> Indicative:
    """What is shown before anything is confirmed."""
    prices, machine_id = prices_of(draft.inventory), draft.machine.id
    day = clock.today(draft.zone, slot.start) if slot else day
    audience, quoted = facts.audience_on(day), None
    if slot:
        quoted = quote(prices, machine_id, audience, slot, is_accompanied=is_accompanied)
    return indicative(prices, machine_id, audience, day, quoted, is_accompanied=is_accompanied)


def needs_another_slot(verdict: list[Refusal]) -> bool:
    """Would other hours help, or is it the form that is to be put right?"""
    return any(refusal.reason not in PUT_RIGHT for refusal in verdict)


def refusal_page(draft: Draft, form: BookingForm, refused: orders.BookingRefused) -> Any:
    """409 when the slot is, or was just, taken and nothing else is wrong; else 422."""
    status = 409 if refused.is_only_taken else 422
    return form_page(draft, form, form.slot, refused=refused.refusals, status=status)


def changed_page(booking: Any) -> Any:
    """409 with the form as the booking stands now: somebody, or another tab, was faster."""
    if not may(may_move, booking, clock.now()):
        return redirect(url_for("booking.show", uid=booking.uid), 303)
    draft, slot = draft_of(inventory_of(booking), {}, booking), slot_of(booking)
    return form_page(draft, blank_form(draft, slot), slot, is_stale=True, status=409)


def typed_before() -> dict[str, str]:
    """What the address of an offer carries from the form it was found for, if it is sound."""
    form = BookingForm(request.args, zone=UTC, meta={"csrf": False})
    said = (form[name] for name in TYPED if name in request.args)
    sound = (field for field in said if field.validate(form))
    return {field.name: field.data for field in sound if field.data}


def blank_form(draft: Draft, slot: Slot) -> BookingForm:
    """The form as it first opens: `slot` on the place's clock, the booking's own words."""
    start, end = to_wall(draft.zone, slot.start), to_wall(draft.zone, slot.end)
    booking = draft.booking
    data = {
        "machine": draft.machine.slug,
        "day": start.date(),
        "start": start.time(),
        "end": end.time(),
        "end_day": pages.end_day_to_say(slot, draft.zone),
        "organization": "" if booking else for_whom(draft.member_id, draft.inventory, start.date()),
        "purpose": booking.title if booking else "",
        "key": str(uuid4()),
        "revision": str(booking.revision) if booking else "",
        "buddy": queries.email_of(booking.buddy_id) if booking else "",
        "accompanied": booking.is_accompanied if booking else False,
        "member": draft.somebody.uid if draft.somebody else "",
    }
    return draft.form(formdata=None, data=data | typed_before())


def for_whom(member_id: int, inventory: Inventory, day: date) -> str:
    """What the choice of for whom one books begins with: as last time in this place, if that may
    still be on the slot's `day`; else it is asked. Empty where there is no choice.
    """
    theirs = possible_for(member_id, inventory, day)
    last = queries.last_choice(member_id, inventory.place.id) if theirs else None
    return chosen_again(last, {each.id for each in theirs}) if theirs else ""


def possible_for(member_id: int, inventory: Inventory, day: date) -> list[queries.BookedBy]:
    """The organizations of the place they may book for on that day, whenever they book."""
    return queries.organizations_of(member_id, inventory.place.id, day)


def order_of(draft: Draft, form: BookingForm) -> orders.Order:
    return orders.Order(
        machine_id=draft.machine.id,
        place_id=draft.inventory.place.id,
        slot=form.slot,
        member_id=draft.member_id,
        purpose=form.purpose.data or "",
        organization_id=draft.booking.organization_id if draft.booking else form.organization_id,
        buddy_id=queries.member_id_of(form.buddy.data or ""),
        is_accompanied=bool(form.accompanied.data),
        read_hash=form.safety.data,
        override=(form.override.data or "") if draft.is_team else "",
    )


def slot_asked(draft: Draft, asked: Any) -> Slot:
    """The slot an address asks for; what it leaves out or garbles, the first free hour gives."""
    day = parse_near_day(asked.get("day", ""))
    today = clock.today(draft.zone, clock.now())
    given = slot_given(draft.zone, day or today, asked, spans_nights=draft.spans_nights)
    if given:
        return given
    first, last = (day, day) if day else (today, today + timedelta(days=DAYS_TRIED - 1))
    return pages.first_slot(draft.facts(whole_days(draft.zone, first, last)), first, last)


def slot_given(zone: tzinfo, day: date, asked: Any, *, spans_nights: bool = False) -> Slot | None:
    start, end = parse_time(asked.get("start", "")), parse_time(asked.get("end", ""))
    if start is None or end is None:
        return None
    last = parse_near_day(asked.get("end_day", ""))
    last = last or day_of_end(day, start, end, spans_nights=spans_nights)
    starts_at, ends_at = clock.from_wall(zone, day, start), clock.from_wall(zone, last, end)
    return Slot(starts_at, ends_at) if starts_at < ends_at <= starts_at + LONGEST else None


def lines(rows: Iterable[Any], now: datetime) -> list[pages.Line]:
    """Each on the clock of its own place."""
    rows = list(rows)
    places = {place_id: of_place(place_id=place_id) for place_id in {r.place_id for r in rows}}
    return [line(row, places[row.place_id], now) for row in rows]


def line(booking: Any, inventory: Inventory, now: datetime) -> pages.Line:
    return pages.booking_line(
        booking,
        inventory,
        now,
        is_own=booking.member_id == current_user.id,
        is_team=current_user.manages(booking.place_id),
    )


def may(rule: Any, booking: Any, now: datetime) -> bool:
    """Ask `may_cancel` or `may_move` of the signed-in person."""
    return bool(booking.standing) and rule(
        slot_of(booking),
        now=now,
        is_own=booking.member_id == current_user.id,
        is_team=current_user.manages(booking.place_id),
    )


def inventory_of(booking: Any) -> Inventory:
    """The booking's own place, which the whole page is then about."""
    g.inventory = of_place(place_id=booking.place_id)
    return g.inventory


def slot_of(booking: Any) -> Slot:
    return Slot(booking.starts_at, booking.ends_at)


def kept() -> dict[str, Any]:
    """`?place=` when the address names this one, so that links and forms stay there."""
    slug = here().place.slug
    return {"place": slug} if request.args.get("place") == slug else {}


def page_number() -> int:
    """`?page=`, from 1; anything else is the first."""
    asked = request.args.get("page", "")
    is_number = asked.isascii() and asked.isdigit() and len(asked) < 5
    return max(int(asked), 1) if is_number else 1


def hull(one: Slot, other: Slot) -> Slot:
    return Slot(min(one.start, other.start), max(one.end, other.end))
