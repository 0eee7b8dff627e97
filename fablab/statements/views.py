"""Statements: looked at, closed, read, taken along as files."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, abort, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user
from sqlalchemy import and_, or_

from fablab import clock
from fablab.access import accounts_only, members_only
from fablab.booking.views import kept
from fablab.forms import FIRST_YEAR, LAST_YEAR, is_visible, parse_day
from fablab.machines.inventory import here, of_place
from fablab.organizations import queries as organizations
from fablab.statements import (
    canon,
    closing,
    commands,
    exports,
    months,
    own,
    pages,
    proofs,
    queries,
    words,
)
from fablab.statements.closing import Closing
from fablab.statements.commands import CannotClose
from fablab.statements.forms import CloseForm, ColumnsForm, PeriodForm, as_typed
from fablab.statements.gathering import account_of, left_open_before
from fablab.statements.kinds import Scope
from fablab.statements.models import Statement
from fablab.statements.queries import Subject
from fablab.statements.rights import Sight, may_see, seen, sight_of
from fablab.statements.rules import Period, Refusal, total

bp = Blueprint("statements", __name__)


# Those who keep the accounts of a place


@bp.get("/manage/statements")
@accounts_only
def index():
    for_accounts()
    return month_page(find_month())


@bp.post("/manage/statements")
@accounts_only
def close_month():
    for_accounts()
    period, now = find_month(), clock.now()
    month = months.month_of(period, here(), now)
    subjects = months.to_close(month.entries, period, today())
    open_ones = [Closing(each.subject, each.total) for each in month.entries]
    closings = [each for each in open_ones if each.subject in subjects]
    if closings and not is_confirmed(closings):
        shown = closing.shown(closings, month.currency, today())
        back = url_for(".index", month=f"{period.first:%Y-%m}", **kept())
        fields = {"month": f"{period.first:%Y-%m}", "seen": closing.stamp(closings)}
        return closing_page(shown, period, back, fields)
    outcome = commands.close_all(closings, period, by=current_user.id, now=now)
    if not outcome.closed and not outcome.refused:
        flash(_("There was nothing to close."), "info")
    elif outcome.closed:
        flash(
            ngettext(
                "%(num)s statement is closed.", "%(num)s statements are closed.", outcome.closed
            )
        )
    if outcome.refused:
        return month_page(period, outcome.refused), 422
    return redirect(url_for(".index", month=f"{period.first:%Y-%m}", **kept()), 303)


@bp.get("/manage/statements/columns")
@accounts_only
def columns():
    for_accounts()
    file = exports.file_of(queries.file_of(here().place.id))
    return columns_page(ColumnsForm(formdata=None, data=as_typed(file)))


@bp.post("/manage/statements/columns")
@accounts_only
def set_columns():
    for_accounts()
    form = ColumnsForm()
    if not form.validate():
        return columns_page(form), 422
    commands.set_file(
        here().place.id,
        columns=form.chosen,
        words=form.words,
        separator=form.separator.data,
        decimal_mark=form.decimal_mark.data,
        by=current_user.id,
        now=clock.now(),
    )
    flash(_("The files are written so from now on."))
    return redirect(url_for(".columns", **kept()), 303)


def for_accounts() -> None:
    """About the place that is named, else the first whose accounts they read; a place of others
    answers 404, as if there were none.
    """
    if current_user.reads_accounts(here().place.id):
        return
    if request.args.get("place"):
        abort(404)
    theirs = [each for each in current_user.standings if current_user.reads_accounts(each)]
    g.inventory = of_place(place_id=min(theirs))


# One of them


class Asked(NamedTuple):
    """What a page is about, and how much of it whoever asks may see."""

    subject: Subject
    sight: Sight


@bp.get("/statements/preview")
@members_only
def preview():
    asked = find_subject(request.args)
    form = PeriodForm(request.args)
    if not form.validate():
        return preview_page(asked, form, None), 422
    return preview_page(asked, form, form.period)


@bp.post("/statements")
@accounts_only
def close():
    form = CloseForm()
    asked = find_subject(request.form)
    if not current_user.reads_accounts(here().place.id):
        abort(403)
    if not form.validate():
        return preview_page(asked, form, None), 422
    account = account_of(asked.subject, form.period, here(), clock.now())
    reason = commands.why_not(account, form.period, today())
    closings = [Closing(asked.subject, total(account.lines))]
    if reason is None and not is_confirmed(closings):
        shown = closing.shown(closings, account.terms.currency, today())
        fields = {name: form[name].data for name in CLOSED_BY} | {"seen": closing.stamp(closings)}
        return closing_page(shown, form.period, preview_address(asked.subject, form.period), fields)
    try:
        uid = commands.close(
            asked.subject,
            form.period,
            seen=closings[0].total,
            by=current_user.id,
            now=clock.now(),
        )
    except CannotClose as refused:
        form.form_errors.append(pages.why_not(refused.reason, refused.other))
        return preview_page(asked, form, form.period), 422
    flash(_("The statement is closed. Whom it concerns is told by mail."))
    return redirect(url_for(".show", uid=uid, **kept()), 303)


@bp.get("/statements/<uuid:uid>")
@members_only
def show(uid: UUID):
    row, people = find_statement(uid)
    return closed_page(row, people)


@bp.get("/statements/<uuid:uid>.json")
@members_only
def proof(uid: UUID):
    row, people = find_statement(uid)
    text = exports.proof(row.body, row.sha256, pages.names(people))
    return as_file(text, row, "json", "application/json")


@bp.get("/statements/<uuid:uid>.csv")
@members_only
def table(uid: UUID):
    row, people = find_statement(uid)
    text = proofs.table(row, pages.names(people))
    return as_file("\ufeff" + text, row, "csv", "text/csv; charset=utf-8")


def as_file(text: str, row: Any, kind: str, content_type: str) -> Response:
    name = f"statement-{row.first_day}-{row.last_day}-{row.sha256[:8]}.{kind}"
    return Response(
        text.encode(),
        content_type=content_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


CLOSED_BY = ("scope", "of", "activity", "first", "last")


def is_confirmed(closings: list[Closing]) -> bool:
    """Whether the page that asks once was answered with yes, and showed what is there now."""
    has_said_yes = bool(request.form.get("confirm"))
    return has_said_yes and request.form.get("seen") == closing.stamp(closings)


def closing_page(shown: Any, period: Period, back: str, fields: Any) -> str:
    """Asks once: what is closed stays closed."""
    return render_template(
        "statements/closing.html",
        frame=frame(),
        closings=shown,
        period=pages.period_title(period),
        has_changed=bool(request.form.get("confirm")),
        back=back,
        action=request.full_path.removesuffix("?"),
        fields=fields,
        kept=kept(),
    )


def preview_address(subject: Subject, period: Period) -> str:
    return address(subject.scope, subject.of, subject.activity, period)


def address(scope: Scope, of: str, activity: str, period: Period) -> str:
    return url_for(
        "statements.preview",
        scope=scope.value,
        of=of,
        activity=activity or None,
        first=period.first,
        last=period.last,
        **kept(),
    )


# Of whom they are


@bp.get("/organizations/<slug>/statements")
@members_only
def of_organization(slug: str):
    inventory = here()
    row = organizations.find(slug, inventory.place.id, current_user.id, today())
    is_reader = row is not None and (
        row.is_manager or current_user.reads_accounts(inventory.place.id)
    )
    if not is_reader:
        abort(403 if row is not None and row.is_manager is not None else 404)
    return list_page(
        _("Statements of %(organization)s", organization=row.name),
        queries.heads(Statement.place_id == row.place_id, Statement.organization_id == row.id),
        [
            (_("What was booked on its behalf"), Scope.ORGANIZATION, slug, ""),
            (_("What its own machines were used for"), Scope.OWNER, slug, ""),
        ],
        back=(row.name, url_for("organizations.show", slug=slug, **kept()))
        if row.is_manager is not None or current_user.manages(inventory.place.id)
        else (_("Organizations"), url_for("manage.organizations", **kept())),
    )


@bp.get("/account/statements")
@members_only
def of_member():
    """Theirs in this place: of what they booked for themselves, and of their activity accounts."""
    place_id = here().place.id
    accounts = queries.activities_of(current_user.id, today())
    mine = [
        and_(Statement.organization_id == each.organization_id, Statement.activity == each.activity)
        for each in accounts
    ]
    is_own = Statement.member_id == current_user.id
    rows = queries.heads(
        Statement.place_id == place_id,
        or_(is_own, and_(Statement.scope == Scope.ACTIVITY, or_(*mine))) if mine else is_own,
    )
    managed = {each.organization_id for each in accounts if each.is_manager}
    if not current_user.reads_accounts(place_id):
        theirs = seen([row for row in rows if row.organization_id not in managed], current_user.id)
        rows = [row for row in rows if row.organization_id in managed or row in theirs]
    return list_page(
        _("My usage statements"),
        rows,
        [(_("What I used for myself"), Scope.MEMBER, current_user.uid, "")],
        back=(_("My account"), url_for("members.account")),
        behalf=behalf_shown(pages.months_around(today())[1], clock.now()),
    )


def behalf_shown(
    period: Period, now: datetime, *, organization_id: int | None = None
) -> list[pages.BehalfShown]:
    """What whoever asks used on behalf of organizations, or of one, with the statements they may
    read.
    """
    return [
        pages.behalf_shown(
            each, address(each.scope, each.of, each.account, period) if each.scope else ""
        )
        for each in own.on_behalf(current_user, period, here(), now)
        if organization_id in (None, each.organization_id)
    ]


# What the pages above have in common


def today() -> Any:
    return clock.today(here().schedule.zone, clock.now())


def find_month() -> Period:
    """`YYYY-MM`; the month before today's when nothing is asked, for that one can be closed."""
    typed = request.values.get("month", "")
    if not typed:
        return pages.months_around(today())[0]
    day = parse_day(f"{typed}-01")
    if day is None or not FIRST_YEAR <= day.year <= LAST_YEAR:
        abort(404)
    return pages.months_around(day)[1]


def find_subject(values: Any) -> Asked:
    """What they may see of the place; anything else answers 404."""
    scope, of, activity = (values.get(name, "") for name in ("scope", "of", "activity"))
    if scope not in set(Scope) or not is_visible(of) or not is_visible(activity):
        abort(404)
    found = queries.subject(Scope(scope), of, activity, here().place.id)
    sight = sight_of(current_user, found, today()) if found else None
    return Asked(found, sight) if found and sight else abort(404)


def find_statement(uid: UUID) -> tuple[Any, dict[str, Any]]:
    """A closed one of the place that they may see, with whom its references mean."""
    row = queries.find(str(uid))
    if row is None or row.place_id != here().place.id:
        abort(404)
    sight, people = sight_of(current_user, row, today()), queries.people_in(row.id)
    if sight is None or not may_see(sight, current_user.id, people):
        abort(404)
    return row, people


def frame() -> str:
    """The team's, for its accounts; a plain one for all others."""
    is_theirs = current_user.reads_accounts(here().place.id)
    return "manage/layout.html" if is_theirs else "upkeep/plain.html"


def month_page(period: Period, refused: Any = ()) -> str:
    month = months.month_of(period, here(), clock.now())
    scope = request.args.get("scope", "")
    shown = [each for each in month.entries if not scope or each.subject.scope == scope]
    before, _this, after = pages.months_around(period.first)
    return render_template(
        "statements/month.html",
        frame=frame(),
        title=pages.period_title(period),
        month=f"{period.first:%Y-%m}",
        period=period,
        before=f"{before.first:%Y-%m}" if before.first.year >= FIRST_YEAR else "",
        after=f"{after.first:%Y-%m}" if after.first.year <= LAST_YEAR else "",
        entries=pages.entries_shown(shown),
        total=pages.month_total(shown, scope, month.currency),
        is_empty=not month.entries,
        scopes=[(each.value, _(words.SCOPES[each])) for each in Scope],
        scope=scope,
        to_close=len(months.to_close(month.entries, period, today())),
        is_over=period.last < today(),
        refused=[
            (pages.titled(each.scope, each.name, each.activity), pages.why_not(reason))
            for each, reason in refused
        ],
        kept=kept(),
    )


def preview_page(asked: Asked, form: Any, period: Period | None) -> str:
    """As it would be closed now; only the form when the period cannot be read."""
    subject, now = asked.subject, clock.now()
    title = pages.titled(subject.scope, subject.name, subject.activity)
    may_close = current_user.reads_accounts(subject.place_id)
    if period is None:
        shown: dict[str, Any] = {"lines": (), "sums": (), "why_not": ""}
        return statement_frame(subject.scope, title, form, may_close, subject, **shown)
    account = account_of(subject, period, here(), now)
    if not may_see(asked.sight, current_user.id, account.people):
        abort(404)
    reason = commands.why_not(account, period, today())
    if reason is Refusal.STATED:
        rows = queries.stating(subject, period.first, period.last)
        if asked.sight is Sight.OWN:
            rows = seen(rows, current_user.id) or abort(404)
        return statement_frame(
            subject.scope,
            title,
            form,
            may_close,
            subject,
            period=pages.period_title(period),
            stated=pages.heads_shown(rows, here().schedule.zone),
        )
    return statement_frame(
        subject.scope,
        title,
        form,
        may_close,
        subject,
        period=pages.period_title(period),
        lines=pages.lines_shown(
            account.lines,
            pages.names(account.people),
            account.terms.currency,
            account.terms.zone,
        ),
        sums=pages.sums(account.lines, account.terms.currency),
        vat_text=account.terms.vat_text,
        why_not=pages.why_not(reason) if reason else "",
        days=period,
        behalf=behalf_shown(period, now) if subject.member_id == current_user.id else (),
        left_open=hint_of(subject, period, account.closed, now) if may_close else None,
    )


class Hint(NamedTuple):
    """An earlier period of the same subject that nobody closed yet."""

    title: str
    url: str


def hint_of(subject: Subject, period: Period, closed: Any, now: Any) -> Hint | None:
    found = left_open_before(subject, period, closed, here(), now)
    return Hint(pages.period_title(found), preview_address(subject, found)) if found else None


def statement_frame(
    scope: Scope, title: str, form: Any, may_close: bool, subject: Subject | None, **shown: Any
) -> str:
    return render_template(
        "statements/statement.html",
        frame=frame(),
        title=title,
        is_owners=scope is Scope.OWNER,
        is_members=scope is Scope.MEMBER,
        is_mine=subject is not None and subject.member_id == current_user.id,
        form=form,
        may_close=may_close,
        subject=subject,
        keeps_accounts=current_user.reads_accounts(here().place.id),
        kept=kept(),
        **shown,
    )


def closed_page(row: Any, people: Any) -> str:
    content = canon.read(row.body)
    lines, currency = [canon.line_of(each) for each in content["lines"]], content["currency"]
    zone = ZoneInfo(content["place"]["zone"])
    return statement_frame(
        row.scope,
        pages.subject_name(row),
        None,
        may_close=False,
        subject=None,
        period=pages.period_title(Period(row.first_day, row.last_day)),
        lines=pages.lines_shown(lines, pages.names(people), currency, zone),
        sums=pages.sums(lines, currency),
        vat_text=content["vat_text"],
        why_not="",
        row=row,
        closed=pages.short(clock.today(here().schedule.zone, row.closed_at)),
    )


def list_page(title: str, rows: Any, previews: Any, *, back: Any, behalf: Any = ()) -> str:
    inventory = here()
    this_month = pages.months_around(today())[1]
    return render_template(
        "statements/list.html",
        title=title,
        rows=pages.heads_shown(rows, inventory.schedule.zone),
        amounts=[pages.money(row.amount, row.currency) for row in rows],
        previews=[
            (label, address(scope, of, activity, this_month))
            for label, scope, of, activity in previews
        ],
        behalf=behalf,
        back=back,
        kept=kept(),
    )


def columns_page(form: ColumnsForm) -> str:
    return render_template(
        "statements/columns.html",
        frame=frame(),
        form=form,
        rows=[
            (name, _(column.label), form[f"turn_{name}"], form[f"word_{name}"])
            for name, column in exports.COLUMNS.items()
        ],
        kept=kept(),
    )
