"""Bookings that repeat: the dates before they are booked, a series, this one and the following."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user

from fablab import clock
from fablab.access import members_only
from fablab.booking import (
    commands,
    lateness,
    orders,
    pages,
    queries,
    series,
    series_forms,
    series_pages,
    views,
    worth,
)
from fablab.booking.forms import CancellationForm
from fablab.booking.series import Choice, Pick, Wish
from fablab.booking.series_forms import SeriesForm
from fablab.booking.series_rules import Hours, days_of
from fablab.booking.verdicts import HOPELESS, Reason
from fablab.booking.views import Draft
from fablab.clock import today
from fablab.db import NotAllowed
from fablab.machines.inventory import Inventory, here
from fablab.members.rules import is_late
from fablab.tariffs.price_list import prices_of
from fablab.tariffs.words import sum_said

bp = Blueprint("series", __name__)

# What one puts right in the form, and not date by date.
OF_THE_FORM = HOPELESS - {Reason.BOOKINGS_AHEAD} | {
    Reason.NO_BUDDY,
    Reason.NOT_READ,
    Reason.NOT_YOUR_ORGANIZATION,
}


@bp.post("/bookings/series")
@members_only
def create():
    """Lists the dates of a booking that repeats; books those that were chosen, once confirmed."""
    draft = views.draft_of(here(), request.form)
    form = form_of(draft)
    if not form.validate():
        return views.form_page(draft, form, None, status=422)
    if not form.every_weeks:
        return views.form_page(draft, form, form.slot)
    wishes = wishes_of(draft, form)
    choices = chosen(draft, wishes)
    if not form.confirm.data:
        return dates_page(draft, form, wishes, choices)
    ordered = orders_in(wishes, choices)
    if not ordered:
        problem = _("Choose at least one date.")
        return dates_page(draft, form, wishes, choices, problem=problem, status=422)
    common = {
        "by": current_user.id,
        "now": clock.now(),
        "key": form.key.data or None,
        "is_team": draft.is_team,
    }
    try:
        if len(ordered) == 1:
            return redirect(url_for("booking.show", uid=commands.book(ordered[0], **common)), 303)
        uid = series.book(ordered, every_weeks=form.every_weeks, **common)
    except orders.BookingRefused as refused:
        return dates_page(draft, form, wishes, choices, refused=refused)
    except orders.AlreadyUsed as used:
        flash(_("This form had booked already: here is its booking, as it stands now."), "info")
        return redirect(url_for("booking.show", uid=used.uid), 303)
    return redirect(url_for(".show", uid=uid), 303)


@bp.get("/bookings/series/<uuid:uid>")
@members_only
def show(uid: UUID):
    rows = queries.of_series(str(uid), current_user)
    inventory, now = views.inventory_of(rows[0]), clock.now()
    lines = views.lines(rows, now)
    ahead = [row for row in rows if row.standing and row.starts_at > now]
    return render_template(
        "booking/series.html",
        first=lines[0],
        days=series_pages.days_between(rows, inventory.schedule.zone),
        to_come=[line for line in lines if not line.is_over and line.status != "cancelled"],
        gone=[line for line in lines if line.is_over or line.status == "cancelled"],
        next=views.line(ahead[0], inventory, now) if ahead else None,
        is_own=rows[0].member_id == current_user.id,
        total=sum_said(
            (worth.standing_amount(row, inventory) for row in rows if row.standing),
            prices_of(inventory).terms.currency,
        ),
    )


@bp.get("/bookings/<uuid:uid>/following/cancellation")
@members_only
def cancellation(uid: UUID):
    """Asks once, with every booking that would be cancelled."""
    return cancellation_page(*find(uid), CancellationForm(formdata=None))


def cancellation_page(booking: Any, following: Sequence[Any], form: CancellationForm) -> str:
    inventory, now = views.inventory_of(booking), clock.now()
    late = late_ones(following, inventory, now) if booking.member_id == current_user.id else 0
    return render_template(
        "booking/series_cancellation.html",
        booking=views.line(booking, inventory, now),
        whens=[pages.when(views.slot_of(row), inventory.schedule.zone, now) for row in following],
        late=late,
        form=form,
        is_own=booking.member_id == current_user.id,
    )


@bp.post("/bookings/<uuid:uid>/following/cancellation")
@members_only
def cancel(uid: UUID):
    booking = queries.find_visible(str(uid), current_user)
    is_team = current_user.manages(booking.place_id)
    form = CancellationForm()
    if not form.validate():
        return cancellation_page(*find(uid), form), 422
    why = form.why.data or "" if booking.member_id != current_user.id else ""
    try:
        count = series.cancel(
            str(uid), by=current_user.id, is_team=is_team, now=clock.now(), why=why
        )
    except NotAllowed:
        flash(_("This booking can no longer be cancelled."), "no")
    else:
        flash(
            ngettext(
                "%(num)s booking is cancelled and the machine free again.",
                "%(num)s bookings are cancelled and the machine free again.",
                count,
            ),
            "ok",
        )
    return redirect(there(booking), 303)


@bp.get("/bookings/<uuid:uid>/following/move")
@members_only
def move_form(uid: UUID):
    booking, _following = find(uid)
    draft = following_draft(booking, request.args)
    is_said = bool(request.args.get("machine"))
    slot = views.slot_asked(draft, request.args) if is_said else views.slot_of(booking)
    return views.form_page(draft, views.blank_form(draft, slot), slot)


@bp.post("/bookings/<uuid:uid>/following/move")
@members_only
def move(uid: UUID):
    """Lists where each would go; moves those that were chosen, once confirmed."""
    booking, following = find(uid)
    draft = following_draft(booking, request.form)
    form = form_of(draft)
    if not form.validate():
        return views.form_page(draft, form, None, status=422)
    if form.check.data:
        return views.form_page(draft, form, form.slot)
    if form.drawn_for not in (None, booking.revision):
        return views.form_page(
            draft,
            views.blank_form(draft, views.slot_of(booking)),
            views.slot_of(booking),
            is_stale=True,
            status=409,
        )
    wishes = moved(draft, form, following)
    choices = chosen(draft, wishes)
    if not form.confirm.data:
        return dates_page(draft, form, wishes, choices)
    if form.listed.data != series_forms.fingerprint(wishes):
        problem = _("The dates were changed meanwhile: here is how they stand now.")
        return dates_page(draft, form, wishes, choices, problem=problem, status=409)
    ordered = [
        replace(wish, order=order)
        for wish in wishes
        if (order := order_in(wish, choices)) is not None
    ]
    if not ordered:
        problem = _("Choose at least one date.")
        return dates_page(draft, form, wishes, choices, problem=problem, status=422)
    try:
        count = series.move(
            str(uid), ordered, by=current_user.id, is_team=draft.is_team, now=clock.now()
        )
    except orders.BookingRefused as refused:
        return dates_page(draft, form, wishes, choices, refused=refused)
    except NotAllowed:
        flash(_("This booking can no longer be changed."), "no")
    except orders.ChangedMeanwhile:
        _booking, following = find(uid)
        problem = _("The dates were changed meanwhile: here is how they stand now.")
        wishes = moved(draft, form, following)
        return dates_page(draft, form, wishes, choices, problem=problem, status=409)
    else:
        flash(
            ngettext("%(num)s booking is changed.", "%(num)s bookings are changed.", count)
            if count
            else _("Nothing was changed."),
            "ok",
        )
    return redirect(there(booking), 303)


def find(uid: UUID) -> tuple[Any, Sequence[Any]]:
    """A booking that is part of a series, and those from it on that they may still change.

    404 when it is part of none or not theirs to see; when it has begun or is cancelled, the page
    of the series says how it stands.
    """
    booking = queries.find_visible(str(uid), current_user)
    if booking.series_id is None:
        abort(404)
    is_theirs = booking.member_id == current_user.id or current_user.manages(booking.place_id)
    following = series.following(booking, clock.now()) if is_theirs else []
    if booking.uid not in {row.uid for row in following}:
        abort(redirect(there(booking), 303))
    return booking, following


def there(booking: Any) -> str:
    """Where one sees what became of a series."""
    if booking.series_uid is None:
        return url_for("booking.show", uid=booking.uid)
    return url_for("series.show", uid=booking.series_uid)


def form_of(draft: Draft) -> SeriesForm:
    form = SeriesForm(zone=draft.zone, spans_nights=draft.spans_nights)
    form.speak_of(draft.who)
    return form


def following_draft(booking: Any, asked: Any) -> Draft:
    return replace(views.draft_of(views.inventory_of(booking), asked, booking), with_following=True)


def wishes_of(draft: Draft, form: SeriesForm) -> list[Wish]:
    """Each date that is asked for, with the hours of the first."""
    order, zone = views.order_of(draft, form), draft.zone
    hours = Hours.of(order.slot, zone)
    assert form.day.data
    assert form.until.data
    return [
        Wish(
            day.isoformat(),
            replace(order, slot=hours.on(day, zone)),
            odd=tuple(dict.fromkeys(hours.odd(day, zone))),
        )
        for day in days_of(form.day.data, form.until.data, form.every_weeks)
    ]


def moved(draft: Draft, form: SeriesForm, following: Sequence[Any]) -> list[Wish]:
    """What is changed of the one is changed of each: by so many days, to the same hours."""
    booking, zone = draft.booking, draft.zone
    before = orders.order_behind(booking, booking.place_id)
    after = views.order_of(draft, form)
    said = ("machine_id", "purpose", "buddy_id", "is_accompanied")
    changed = {
        name: getattr(after, name) for name in said if getattr(after, name) != getattr(before, name)
    }
    changed |= {"read_hash": after.read_hash, "override": after.override}
    days = (today(zone, after.slot.start) - today(zone, before.slot.start)).days
    hours = Hours.of(after.slot, zone)
    is_same_hours = hours == Hours.of(before.slot, zone)
    wishes: list[Wish] = []
    for row in following:
        own = views.slot_of(row)
        theirs = Hours.of(own, zone) if is_same_hours else hours
        day = today(zone, own.start) + timedelta(days=days)
        slot = own if is_same_hours and not days else theirs.on(day, zone)
        order = replace(orders.order_behind(row, booking.place_id), slot=slot, **changed)
        odd = tuple(dict.fromkeys(theirs.odd(day, zone)))
        wishes.append(Wish(f"{row.uid}-{row.revision}", order, row, odd))
    # What is on a machine that is retired since stays there.
    return [wish for wish in wishes if wish.order.machine_id in draft.inventory.by_id]


def chosen(draft: Draft, wishes: Sequence[Wish]) -> dict[str, Choice]:
    return series_forms.choices(request.form, wishes, draft.inventory.by_slug)


def order_in(wish: Wish, choices: Mapping[str, Choice]) -> orders.Order | None:
    choice = choices.get(wish.name, Choice(Pick.NO))
    return wish.order if choice.pick is Pick.YES else choice.order


def orders_in(wishes: Sequence[Wish], choices: Mapping[str, Choice]) -> list[orders.Order]:
    found = (order_in(wish, choices) for wish in wishes)
    return [order for order in found if order]


def dates_page(
    draft: Draft,
    form: SeriesForm,
    wishes: Sequence[Wish],
    choices: Mapping[str, Choice],
    *,
    refused: orders.BookingRefused | None = None,
    problem: str = "",
    status: int = 200,
) -> Any:
    """The list of dates with the verdict on each and what is chosen; nothing is booked by it.

    The form again, when all would be refused for something that is put right there.
    """
    now, zone = clock.now(), draft.zone
    verdicts = series.review(draft.inventory, wishes, choices, now=now, is_team=draft.is_team)
    first = [refusal for refusal in verdicts[0].refusals if refusal.reason in OF_THE_FORM]
    if first and not verdicts[0].may_set_aside:
        refusals = verdicts[0].refusals
        return views.form_page(draft, form, form.slot, refused=refusals, status=422)
    is_unexplained = any(verdict.pick is Pick.YES and verdict.refusals for verdict in verdicts)
    if refused and is_unexplained and not form.override.data:
        form.override.errors = [_("Say why a rule is set aside.")]
    if refused:
        status = 409 if refused.is_only_taken else 422
    form.renew_key()
    lines = series_pages.date_lines(verdicts, draft.inventory, now, draft.who)
    in_common, lines = series_pages.said_once(lines)
    page = render_template(
        "booking/series_dates.html",
        form=form,
        action=url_for("series.move", uid=draft.booking.uid)
        if draft.booking
        else url_for("series.create", **views.kept()),
        back=draft.action,
        carried=series_pages.carried(form),
        listed=series_forms.fingerprint(wishes),
        machine=draft.machine,
        moving=views.line(draft.booking, draft.inventory, now) if draft.booking else None,
        is_own=draft.member_id == current_user.id,
        somebody=draft.somebody,
        repeats=pages.EVERY.get(form.every_weeks, ""),
        in_common=in_common,
        lines=lines,
        summary=series_pages.summary(verdicts),
        are_all_possible=not any(verdict.refusals for verdict in verdicts),
        waits_for=series_pages.waits_for(verdicts, draft.who),
        amount=series_pages.amount_of(verdicts, draft.inventory),
        whys=pages.why(refused.refusals, zone, draft.who) if refused else [],
        problem=problem,
        may_override=any(verdict.may_set_aside for verdict in verdicts),
        kept={} if draft.booking else views.kept(),
    )
    return page, status


def late_ones(following: Sequence[Any], inventory: Inventory, now: datetime) -> int:
    """How many of them it is too late to cancel without a mark."""
    limits = lateness.limits_of(following, inventory)
    return sum(limit is not None and is_late(limit.until, now) for limit in limits)
