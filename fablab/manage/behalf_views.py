"""Putting right for whom a booking counts, by the team: also of one that is over."""

from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from flask import flash, redirect, url_for
from flask_babel import gettext as _
from flask_login import current_user

from fablab import clock
from fablab.access import team_only
from fablab.booking import behalf as commands
from fablab.booking import consent_pages, orders
from fablab.booking import pages as booking_pages
from fablab.booking.forms import ONESELF
from fablab.booking.views import slot_of
from fablab.db import NotAllowed
from fablab.machines.inventory import here
from fablab.manage.approval_views import find_of_place
from fablab.manage.behalf_forms import BehalfForm
from fablab.manage.blueprint import bp, page
from fablab.members.words import AUDIENCES
from fablab.organizations import queries as organizations
from fablab.statements import queries as statements
from fablab.statements.pages import HeadShown, heads_shown
from fablab.statements.rules import LOOKBACK
from fablab.tariffs.price_list import prices_of
from fablab.tariffs.words import amount_said


@bp.get("/manage/bookings/<uuid:uid>/behalf")
@team_only
def behalf(uid: UUID):
    booking = find_of_place(uid)
    return behalf_page(booking, blank(booking))


@bp.post("/manage/bookings/<uuid:uid>/behalf")
@team_only
def put_down(uid: UUID):
    booking, form = find_of_place(uid), BehalfForm()
    if not form.validate():
        return behalf_page(booking, form), 422
    try:
        is_changed = commands.put_down(
            booking.uid,
            booking.place_id,
            form.organization_id,
            form.activity.data or "",
            day=day_of(booking),
            why=form.why.data or "",
            by=current_user.id,
            now=clock.now(),
            revision=int(form.revision.data),
        )
    except NotAllowed:
        form.organization.errors = [_("They were not in this organization on that day.")]
        return behalf_page(booking, form), 422
    except commands.NoSuchAccount:
        form.activity.errors = [_("This organization has no such activity account.")]
        return behalf_page(booking, form), 422
    except orders.ChangedMeanwhile:
        flash(_("The booking was changed meanwhile: here is how it stands now."), "warning")
        booking = find_of_place(uid)
        return behalf_page(booking, blank(booking)), 409
    if is_changed:
        made = find_of_place(uid)
        worth = worth_said(made.audience, made.quoted)
        whom = made.organization_name or _("%(who)s personally", who=consent_pages.full_name(made))
        flash(_("The booking counts for %(whom)s now: %(worth)s.", whom=whom, worth=worth))
    else:
        flash(_("Nothing was changed."), "info")
    return redirect(url_for("booking.show", uid=uid), 303)


def blank(booking: Any) -> BehalfForm:
    """As it stands. The account is left empty: that of whoever is chosen holds."""
    data = {
        "organization": str(booking.organization_id or ONESELF),
        "revision": str(booking.revision),
    }
    return BehalfForm(formdata=None, data=data)


def behalf_page(booking: Any, form: BehalfForm) -> str:
    who = consent_pages.full_name(booking)
    found = commands.possible(booking, booking.place_id, day_of(booking))
    form.offer(_("%(who)s personally", who=who), found)
    return page(
        "behalf.html",
        form=form,
        booking=booking,
        who=who,
        ticket=booking_pages.ticket(booking, slot_of(booking), here()),
        now_worth=worth_said(booking.audience, booking.quoted),
        choices=choices_of(booking, found, form),
        accounts=known_accounts(found),
        closed=closed_of(booking, found),
        is_settled=day_of(booking) < clock.today(here().schedule.zone, clock.now()) - LOOKBACK,
        settled_after=LOOKBACK.days,
    )


def known_accounts(found: Iterable[commands.Behalf]) -> list[str]:
    """Of the organizations that may be chosen, to be picked while one types."""
    known = organizations.accounts_of(each.id for each in found).values()
    return sorted({account for some in known for account in some})


class Choice(NamedTuple):
    """For whom it may count, and what it is worth then."""

    name: str
    audience: str
    amount: str
    is_now: bool


def choices_of(booking: Any, found: Iterable[commands.Behalf], form: BehalfForm) -> list[Choice]:
    worths = commands.choices(booking, found, booking.place_id)
    names = [label for _value, label in form.organization.choices]
    return [
        Choice(
            name,
            audience_said(worth["audience"]),
            amount_said(worth["quoted"], prices_of(here()).terms.currency) or "–",
            organization_id == booking.organization_id,
        )
        for name, (organization_id, worth) in zip(names, worths.items(), strict=True)
    ]


def worth_said(audience: Any, quoted: Any) -> str:
    """Whose prices hold for it, and the amount that was shown."""
    amount = amount_said(quoted, prices_of(here()).terms.currency)
    return ", ".join(filter(None, (audience_said(audience), amount))) or _("no price is known")


def audience_said(audience: Any) -> str:
    return _(AUDIENCES[audience]) if audience else _("everybody")


def closed_of(booking: Any, found: Iterable[commands.Behalf]) -> list[HeadShown]:
    """The closed statements of that day that the change is a correction of."""
    rows = statements.holding(
        booking.place_id,
        day_of(booking),
        organizations={each.id for each in found},
        member_id=booking.member_id,
    )
    return heads_shown(rows, here().schedule.zone)


def day_of(booking: Any) -> date:
    return clock.today(here().schedule.zone, booking.starts_at)
