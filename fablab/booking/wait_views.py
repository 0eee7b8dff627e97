"""Waiting for a place, from the browser or by the link of a mail: who asks, what they see."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user

from fablab import clock
from fablab.access import anyone, members_only
from fablab.booking import orders, pages, queries, wait_links, wait_pages, wait_queries, waits
from fablab.booking.facts import about_member, audience_of, gather
from fablab.booking.forms import parse_near_day
from fablab.booking.kinds import WaitEnd
from fablab.booking.rules import Reason, Refusal, RiskClass
from fablab.booking.views import for_whom, kept, possible_for, slot_given
from fablab.booking.wait_forms import OfferForm, WaitForm
from fablab.machines.inventory import MachineFacts, here, of_place
from fablab.members import mails
from fablab.members.kinds import MailKind
from fablab.slots import Slot

bp = Blueprint("waits", __name__)

FIELDS = {Reason.NO_BUDDY: "buddy", Reason.NOT_READ: "safety"}  # where each is mended


@bp.get("/waits/new")
@members_only
def new():
    """The form, filled with what the address says; without a machine, where to choose one."""
    if not request.args.get("machine"):
        return redirect(url_for("home.machines", **kept()))
    machine = machine_asked(request.args)
    return form_page(machine, blank_form(machine))


@bp.post("/waits/")
@members_only
def create():
    machine = machine_asked(request.form)
    form = WaitForm(zone=here().schedule.zone)
    if not form.validate():
        return form_page(machine, form, status=422)
    wish = waits.Wish(
        machine.id,
        here().place.id,
        form.slot,
        form.duration,
        current_user.id,
        form.purpose.data or "",
        form.organization_id,
        bool(form.accompanied.data),
    )
    try:
        uid = waits.join(wish, now=clock.now())
    except orders.BookingRefused as refused:
        return form_page(machine, form, refused=refused.refusals, status=422)
    except waits.FreeNow as free:
        return form_page(machine, form, free=free.slots, status=409)
    if is_told(current_user.id):
        flash(_("You are in line: we write to you as soon as a slot comes free for you."))
    else:
        flash(_("You are in line."))
    return redirect(url_for(".show", uid=uid), 303)


@bp.get("/waits/<uuid:uid>")
@members_only
def show(uid: UUID):
    return page(find(str(uid), current_user.id), OfferForm(formdata=None))


@bp.post("/waits/<uuid:uid>/answer")
@members_only
def answer(uid: UUID):
    wait = find(str(uid), current_user.id)
    return answered(wait, by=current_user.id, then=url_for(".show", uid=uid))


@bp.post("/waits/<uuid:uid>/given-up")
@members_only
def give_up(uid: UUID):
    find(str(uid), current_user.id)
    try:
        waits.give_up(str(uid), by=current_user.id, now=clock.now())
    except orders.TooLate:
        flash(_("It is too late to answer: the slot went to the next in line."), "no")
    else:
        flash(_("You wait for this place no longer."))
    return redirect(url_for("booking.index"), 303)


@bp.get("/waits/by-mail/<token>")
@anyone
def by_mail(token: str):
    """Shows, and changes nothing: what reads mails opens their links too."""
    wait = opened(token)
    return page(wait, OfferForm(formdata=None), token=token)


@bp.post("/waits/by-mail/<token>")
@anyone
def answer_by_mail(token: str):
    wait = opened(token)
    return answered(wait, by=wait.member_id, then=url_for(".by_mail", token=token), token=token)


def machine_asked(asked: Any) -> MachineFacts:
    return here().by_slug.get(asked.get("machine", "")) or abort(404)


def find(uid: str, member_id: int) -> Any:
    """A wait of theirs; any other is 404, as if it did not exist."""
    wait = wait_queries.find(uid, member_id) or abort(404)
    g.inventory = of_place(place_id=wait.place_id)
    return wait


def opened(token: str) -> Any:
    """The wait behind a mail's link, until its time is over; 404 for any other link."""
    wait = find(*wait_links.read_token(token))
    g.reader_language = mails.language_of(wait.member_id)
    return wait if clock.now() < wait.ends_at else abort(404)


def blank_form(machine: MachineFacts) -> WaitForm:
    """All the hours of the day that was asked about, or of the next that is open."""
    zone, day = here().schedule.zone, parse_near_day(request.args.get("day", ""))
    given = slot_given(zone, day, request.args) if day else None
    policy = machine.policy_for(audience_of(standing()))
    asked = request.args.get("length", "")
    window = wait_pages.first_window(here(), policy, day, given, clock.now())
    if given and asked:  # the same again: the window itself was given
        window = given
    data = wait_pages.window_data(window, zone)
    data |= {"length": asked or str(wait_pages.first_length(policy, given))}
    data["organization"] = for_whom(current_user.id, here(), data["day"])
    return WaitForm(formdata=None, zone=zone, data=data | typed_before())


def typed_before() -> dict[str, str]:
    """What the address carries from another form, if it is sound."""
    form = WaitForm(request.args, zone=clock.UTC, meta={"csrf": False})
    return {name: form[name].data for name in wait_pages.typed(form) if form[name].validate(form)}


def standing() -> Any:
    return current_user.standings.get(here().place.id)


def is_told(member_id: int) -> bool:
    """Would a mail tell them of an offer?"""
    return mails.is_wanted(MailKind.OFFERS, member_id)


def form_page(
    machine: MachineFacts,
    form: WaitForm,
    *,
    refused: list[Refusal] | None = None,
    free: list[Slot] | None = None,
    status: int = 200,
) -> tuple[str, int]:
    inventory, now = here(), clock.now()
    zone = inventory.schedule.zone
    policy = machine.policy_for(audience_of(standing()))
    day = clock.today(zone, now)
    about = about_member(current_user.id, inventory, machine.id, now=now)
    levels = [held.level for held in about.held] if about else []
    form.offer(
        wait_pages.lengths(policy, str(form.length.data or "")),
        possible_for(current_user.id, inventory, form.day.data or day),
    )
    page = render_template(
        "booking/wait_form.html",
        form=form,
        machine=machine,
        days=(day.isoformat(), (day + timedelta(policy.horizon_days)).isoformat()),
        refusals=pages.why(refused or [], zone),
        free=wait_pages.free_lines(
            free or [], machine, inventory, now, **kept(), **wait_pages.typed(form)
        ),
        clock_notes=pages.clock_notes(form, zone),
        asks_company=bool(form.accompanied.data) or (bool(levels) and max(levels) < policy.level),
        is_told=is_told(current_user.id),
        kept=kept(),
    )
    return page, status


def answered(wait: Any, *, by: int, then: str, token: str = "") -> Any:
    """Answer an offer, and tell what became of it."""
    form = OfferForm()
    if not form.validate():
        return page(wait, form, token=token, status=422)
    try:
        if form.is_yes:
            booking_uid = waits.accept(
                wait.uid,
                by=by,
                now=clock.now(),
                buddy_id=queries.member_id_of(form.buddy.data or ""),
                read_hash=form.safety.data,
            )
            if not token:
                then = url_for("booking.show", uid=booking_uid)
        else:
            waits.decline(wait.uid, by=by, now=clock.now())
    except orders.BookingRefused as refused:
        return page(wait, form, token=token, refused=refused.refusals, status=422)
    except orders.TooLate:
        if waits.find(wait.uid, by).outcome == WaitEnd.BOOKED:
            flash(_("You have taken it already: cancel the booking to give it back."), "info")
        else:
            flash(_("It is too late to answer: the slot went to the next in line."), "no")
    return redirect(then, 303)


def page(
    wait: Any,
    form: OfferForm,
    *,
    token: str = "",
    refused: list[Refusal] | None = None,
    status: int = 200,
) -> tuple[str, int]:
    """One wait: what is offered, or where they stand in line, or how it ended."""
    inventory, now = here(), clock.now()
    shown = wait_pages.line(wait, inventory, now)
    for why in refused or ():
        if why.reason in FIELDS:
            field = form[FIELDS[why.reason]]
            field.errors = [*field.errors, pages.why([why], inventory.schedule.zone)[0].sentence]
    drawn = render_template(
        "booking/wait.html",
        wait=shown,
        form=form,
        is_by_mail=bool(token),
        is_told=is_told(wait.member_id),
        action=url_for(".answer_by_mail", token=token)
        if token
        else url_for(".answer", uid=wait.uid),
        refusals=pages.why(refused or [], inventory.schedule.zone),
        **(offer_shown(wait, form) if shown.offered else {}),
    )
    return drawn, status


def offer_shown(wait: Any, form: OfferForm) -> dict[str, Any]:
    """The slot on offer, and what its machine asks for besides a yes."""
    inventory = here()
    machine = inventory.by_id.get(wait.machine_id) or abort(404)
    form.safety.show(machine.safety_hash)
    slot = Slot(wait.offered_from, wait.offered_until)
    facts = gather(
        inventory,
        machine,
        wait.member_id,
        slot,
        now=clock.now(),
        is_accompanied=wait.is_accompanied,
        moving=wait.offered_id,
    )
    return {
        "ticket": pages.ticket(machine, slot, inventory),
        "machine": machine,
        "is_unread": not facts.has_read,
        "asks_buddy": facts.policy.buddy or facts.risk is RiskClass.D or bool(form.buddy.data),
        "waits_for": pages.waits_for(facts, slot, is_team=current_user.manages(wait.place_id)),
    }
