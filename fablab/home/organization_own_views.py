"""What an organization declares of its years, and leaving it of one's own accord."""

from typing import Any

from flask import abort, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user

from fablab import clock
from fablab.access import members_only
from fablab.booking import departures
from fablab.booking.views import kept
from fablab.booking.views import lines as booking_lines
from fablab.home import organization_pages
from fablab.home.organization_forms import Bookings, LeavingForm, YearForm
from fablab.home.organization_views import (
    Found,
    bp,
    end_bookings,
    find,
    has_bookings_after,
    say_why,
    today,
)
from fablab.machines.inventory import here
from fablab.members.kinds import Role
from fablab.organizations import commands, declarations, queries
from fablab.organizations.declarations import stamp
from fablab.organizations.rules import Refusal, years


@bp.get("/organizations/<slug>/years")
@members_only
def declared(slug: str):
    found = find_declared(slug)
    rows, currency = queries.years(found.row.id), here().place.currency
    said = {row.year for row in rows}
    return render_template(
        "organizations/years.html",
        organization=found.row,
        back=back_of(found),
        may_declare=found.is_manager,
        lines=organization_pages.year_lines(rows, here().schedule.zone, currency),
        to_declare=[each for each in years(today(), found.row.hosted_since) if each not in said],
        kept=kept(),
    )


@bp.get("/organizations/<slug>/years/<int:year>")
@members_only
def year(slug: str, year: int):
    found = find_year(slug, year)
    row = declaration(found, year)
    data = {"jobs": row.jobs, "turnover": row.turnover} if row else {}
    return year_page(found, year, YearForm(formdata=None, data=data | {"seen": stamp(row)}))


@bp.post("/organizations/<slug>/years/<int:year>")
@members_only
def declare(slug: str, year: int):
    found, form = find_year(slug, year), YearForm()
    if not form.validate():
        return year_page(found, year, form), 422
    try:
        declarations.declare(
            found.row.id,
            year,
            form.jobs.data,
            form.turnover.data,
            seen=form.seen.data or "",
            by=found.doer,
            now=clock.now(),
        )
    except declarations.DeclaredMeanwhile:
        form.seen.data = stamp(declaration(found, year))
        form.form_errors.append(
            _("Somebody declared this year meanwhile, as it stands here. Save again to replace it.")
        )
        return year_page(found, year, form), 409
    flash(_("What you declared of %(year)s is kept.", year=year))
    return redirect(url_for(".declared", slug=slug, **kept()), 303)


def find_declared(slug: str) -> Found:
    """For who manages it, the team and the accountants of the place; its other people get 403."""
    row = queries.find(slug, here().place.id, current_user.id, today())
    standing = current_user.standings.get(here().place.id)
    if row is not None and standing and Role.ACCOUNTANT in standing.roles:
        is_team = current_user.manages(here().place.id)
        is_manager = bool(row.is_manager) or is_team
        return Found(row, is_manager, commands.Doer(current_user.id, is_team))
    found = find(slug)
    return found if found.is_manager else abort(403)


def back_of(found: Found) -> tuple[str, str]:
    """Its page; to the accountant, who is not of it, there is none."""
    if found.row.is_manager is not None or found.doer.is_team:
        return found.row.name, url_for(".show", slug=found.row.slug, **kept())
    return _("Organizations"), url_for("manage.organizations", **kept())


def find_year(slug: str, year: int) -> Found:
    """For who may declare it; a year that cannot be declared answers 404."""
    found = find_declared(slug)
    if not found.is_manager:
        abort(403)
    return found if year in years(today(), found.row.hosted_since) else abort(404)


def declaration(found: Found, year: int) -> Any:
    """What stands there for the year, or None."""
    return next((row for row in queries.years(found.row.id) if row.year == year), None)


def year_page(found: Found, year: int, form: YearForm) -> str:
    row, currency = declaration(found, year), here().place.currency
    lines = organization_pages.year_lines([row] if row else (), here().schedule.zone, currency)
    return render_template(
        "organizations/year.html",
        organization=found.row,
        year=year,
        known=lines[0] if lines else None,
        currency=currency,
        form=form,
        kept=kept(),
    )


@bp.get("/organizations/<slug>/leaving")
@members_only
def leaving(slug: str):
    form = LeavingForm(formdata=None, data={"until": today()})
    return leaving_page(find_own(slug), form)


@bp.post("/organizations/<slug>/leaving")
@members_only
def leave(slug: str):
    found, form = find_own(slug), LeavingForm()
    if not form.validate():
        return leaving_page(found, form), 422
    assert form.until.data
    if form.bookings.data is None and has_bookings_after(found, current_user.id, form.until.data):
        form.bookings.errors = [_("Say what becomes of the bookings after your last day.")]
        return leaving_page(found, form), 422
    try:
        commands.leave(found.row.id, current_user.id, form.until.data, now=clock.now())
    except commands.Refused as refused:
        say_why(form, refused)
        return leaving_page(found, form), 422
    day = organization_pages.short(form.until.data)
    flash(_("Your last day in %(name)s is %(day)s.", name=found.row.name, day=day))
    if form.bookings.data is Bookings.CANCEL:
        ended = end_bookings(found.row, current_user, form.until.data)
        flash(ngettext("%(num)s booking is cancelled.", "%(num)s bookings are cancelled.", ended))
    return redirect(url_for(".index"), 303)


def find_own(slug: str) -> Found:
    """One that they are in today; any other is 404, for the team too."""
    found = find(slug)
    return found if found.row.is_manager is not None else abort(404)


def leaving_page(found: Found, form: LeavingForm) -> str:
    now = clock.now()
    alone = {row.slug for row in queries.managed_alone(current_user.id, today())}
    ahead: Any = departures.on_behalf(found.row.id, current_user.id, now)
    return render_template(
        "organizations/leaving.html",
        organization=found.row,
        alone=_(Refusal.LAST_MANAGER) if found.row.slug in alone else "",
        ahead=booking_lines(ahead, now),
        form=form,
        kept=kept(),
    )
