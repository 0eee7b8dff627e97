"""Handing a booking over, and taking one over, signed in or by the link of a mail."""

from typing import Any
from uuid import UUID

from flask import (
    Blueprint,
    abort,
    current_app,
    flash,
    g,
    redirect,
    render_template,
    url_for,
)
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.exceptions import NotFound

from fablab import clock, texts
from fablab.access import anyone, members_only
from fablab.booking import (
    handover_links,
    handover_pages,
    handover_queries,
    handovers,
    orders,
    pages,
    queries,
)
from fablab.booking.facts import standing_of
from fablab.booking.handover_forms import HandoverForm, TakeOverForm
from fablab.booking.kinds import HandoverEnd
from fablab.booking.orders import Order
from fablab.booking.verdicts import Reason, Refusal
from fablab.booking.views import for_whom, possible_for
from fablab.db import NotAllowed
from fablab.machines.inventory import here, of_place
from fablab.machines.kinds import RiskClass
from fablab.members import mails, throttle
from fablab.members.pages import wait_in_words
from fablab.slots import Slot

bp = Blueprint("handovers", __name__)

FIELDS = {  # where each is mended
    Reason.NO_BUDDY: "buddy",
    Reason.NOT_READ: "safety",
    Reason.NOT_YOUR_ORGANIZATION: "organization",
}


# -- by whose it is


@bp.get("/bookings/<uuid:uid>/handover")
@members_only
def new(uid: UUID):
    booking = find_own(uid)
    if not may_offer(booking):
        return redirect(url_for("booking.show", uid=uid), 303)
    return offer_page(booking, HandoverForm(formdata=None))


@bp.post("/bookings/<uuid:uid>/handover")
@members_only
def offer(uid: UUID):
    """Of whose address it is nothing is told: not even whether we know them."""
    booking, form = find_own(uid), HandoverForm()
    if not form.validate():
        return offer_page(booking, form), 422
    try:
        handovers.offer(
            str(uid),
            form.email.data,
            by=current_user.id,
            language=texts.language(),
            now=clock.now(),
        )
    except handovers.OnesOwn:
        form.email.errors = [_("This is your own address: the booking is yours already.")]
        return offer_page(booking, form), 422
    except handovers.OfferedOften as refused:
        form.email.errors = [_(refused.sentence)]
        return offer_page(booking, form), 429
    except throttle.TooMany as refused:
        wait = wait_in_words(refused.wait)
        form.email.errors = [
            _("Several mails went to this address already. Try again in %(wait)s.", wait=wait)
        ]
        return offer_page(booking, form), 429
    except handovers.AlreadyOffered:
        flash(_("You offer it to somebody already: take that back first."), "no")
    except NotAllowed:
        flash(_("This booking can no longer be handed over."), "no")
    else:
        flash(_("The offer is on its way by mail. The booking stays yours until they accept."))
    return redirect(url_for("booking.show", uid=uid), 303)


@bp.post("/bookings/<uuid:uid>/handover/taken-back")
@members_only
def take_back(uid: UUID):
    find_own(uid)
    try:
        handovers.take_back(str(uid), by=current_user.id, now=clock.now())
    except orders.TooLate:
        flash(_("They were faster: the booking is theirs."), "no")
        return redirect(url_for("booking.index"), 303)
    flash(_("You offer it no longer: the booking stays yours."))
    return redirect(url_for("booking.show", uid=uid), 303)


def find_own(uid: UUID) -> Any:
    """A booking of theirs; any other is 404, also for the team, which gives nothing away."""
    booking = queries.find_own(str(uid), current_user.id)
    g.inventory = of_place(place_id=booking.place_id)
    return booking


@bp.app_errorhandler(queries.NotTheirs)
def not_theirs(error: queries.NotTheirs) -> Any:
    """An address that was kept of a booking since handed over says so; any other is no page."""
    given = handover_queries.given_by(current_user.id, error.uid)
    if given is None:
        return current_app.handle_user_exception(NotFound())
    g.inventory = of_place(place_id=given.place_id)
    return render_template(
        "booking/handed_over.html",
        given=given,
        said=handover_pages.given_in_words(given, current_user, here(), clock.now()),
    ), 410


def may_offer(booking: Any) -> bool:
    found = handover_pages.of_booking(booking, current_user.id, here(), clock.now())
    return found.is_possible


def offer_page(booking: Any, form: HandoverForm) -> str:
    return render_template(
        "booking/handover.html",
        booking=booking,
        ticket=pages.ticket(booking, Slot(booking.starts_at, booking.ends_at), here()),
        form=form,
    )


# -- by whom it is offered to


@bp.get("/handovers/<uuid:uid>")
@members_only
def show(uid: UUID):
    return page(find(str(uid), current_user.id))


@bp.post("/handovers/<uuid:uid>/answer")
@members_only
def answer(uid: UUID):
    return answered(find(str(uid), current_user.id), then=url_for(".show", uid=uid))


@bp.get("/handovers/by-mail/<token>")
@anyone
def by_mail(token: str):
    """Shows, and changes nothing: what reads mails opens their links too."""
    return page(opened(token), token=token)


@bp.post("/handovers/by-mail/<token>")
@anyone
def answer_by_mail(token: str):
    return answered(opened(token), then=url_for(".by_mail", token=token), token=token)


def find(uid: str, member_id: int) -> Any:
    """What was offered to them; any other is 404, as if it did not exist."""
    offered = handover_queries.find(uid, member_id) or abort(404)
    g.inventory = of_place(place_id=offered.place_id)
    return offered


def opened(token: str) -> Any:
    """The offer behind a mail's link, until it is due; 404 for any other link."""
    uid, member_id = handover_links.read_token(token)
    offered = find(uid, member_id)
    g.reader_language = mails.language_of(member_id)
    return offered if clock.now() < offered.due_at else abort(404)


def answered(offered: Any, *, then: str, token: str = "") -> Any:
    """Answer, and tell what became of it."""
    form, now, by = TakeOverForm(), clock.now(), offered.offered_to_id
    if not form.validate():
        return page(offered, form, token=token, status=422)
    try:
        if form.is_yes:
            uid = handovers.accept(offered.uid, accepted_in(form), by=by, now=now)
            then = then if token else url_for("booking.show", uid=uid)
        else:
            handovers.decline(offered.uid, by=by, now=now)
    except orders.BookingRefused as refused:
        return page(offered, form, token=token, refused=refused.refusals, status=422)
    except orders.ChangedMeanwhile:
        return page(find(offered.uid, by), token=token, is_stale=True, status=409)
    except orders.TooLate:
        if handovers.find(offered.uid, by).outcome == HandoverEnd.ACCEPTED:
            flash(_("You have taken it already: cancel the booking to give it back."), "info")
        else:
            flash(_("It is too late to answer: this booking is not offered any more."), "no")
    return redirect(then, 303)


def accepted_in(form: TakeOverForm) -> handovers.Acceptance:
    return handovers.Acceptance(
        form.drawn_for,
        form.organization_id,
        queries.member_id_of(form.buddy.data or ""),
        bool(form.accompanied.data),
        form.safety.data,
    )


def page(
    offered: Any,
    form: TakeOverForm | None = None,
    *,
    token: str = "",
    refused: list[Refusal] | None = None,
    is_stale: bool = False,
    status: int = 200,
) -> tuple[str, int]:
    """One offer: the booking with its answer, or what became of it."""
    inventory, now = here(), clock.now()
    shown = handover_pages.offered(offered, inventory, now)
    if form is None:
        day = clock.today(inventory.schedule.zone, offered.starts_at)
        whose = {"organization": for_whom(offered.offered_to_id, inventory, day)}
        form = TakeOverForm(formdata=None, data=whose)
    whys = pages.why(refused or [], inventory.schedule.zone)
    for refusal, why in zip(refused or (), whys, strict=True):
        if refusal.reason in FIELDS:
            field = form[FIELDS[refusal.reason]]
            field.errors = [*field.errors, why.sentence]
    drawn = render_template(
        "booking/taking_over.html",
        offered=shown,
        form=form,
        is_by_mail=bool(token),
        is_stale=is_stale,
        revision=offered.revision,
        action=url_for(".answer_by_mail", token=token)
        if token
        else url_for(".answer", uid=offered.uid),
        refusals=whys,
        **(what_it_takes(offered, form) if shown.is_open else {}),
    )
    return drawn, status


def what_it_takes(offered: Any, form: TakeOverForm) -> dict[str, Any]:
    """The slot, and what its machine asks for besides a yes."""
    inventory, by = here(), offered.offered_to_id
    machine = inventory.by_id.get(offered.machine_id) or abort(404)
    form.safety.show(machine.safety_hash)
    day = clock.today(inventory.schedule.zone, offered.starts_at)
    possible = possible_for(by, inventory, day)
    form.offer_organizations(possible)
    slot = Slot(offered.starts_at, offered.ends_at)
    order = Order(
        machine.id, inventory.place.id, slot, by, is_accompanied=bool(form.accompanied.data)
    )
    facts = handovers.facts_for(order, offered.occupancy_id, offered, machine, now=clock.now())
    standing = standing_of(by, inventory.place.id)
    in_the_way = handover_pages.in_the_way(facts, slot)
    return {
        "ticket": pages.ticket(machine, slot, inventory),
        "machine": machine,
        "is_unread": not facts.has_read,
        "asks_buddy": facts.policy.buddy or facts.risk is RiskClass.D or bool(form.buddy.data),
        "asks_company": pages.may_ask_company(facts) or bool(form.accompanied.data),
        "in_the_way": pages.why(in_the_way, inventory.schedule.zone),
        "waits_for": ""
        if in_the_way
        else pages.waits_for(facts, slot, is_team=bool(standing and standing.is_team)),
        "worth": handover_pages.worth(
            machine.id,
            slot,
            standing,
            possible,
            inventory,
            is_accompanied=order.is_accompanied,
        ),
    }
