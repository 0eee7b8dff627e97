"""The report: chosen, read, printed, taken along; and the list behind each of its figures."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask import Blueprint, Response, abort, g, has_request_context, render_template, request
from flask_babel import gettext as _
from flask_login import current_user

from fablab import clock, texts
from fablab.access import accounts_only
from fablab.exports import Marks, csv_file
from fablab.machines.inventory import Inventory, here, of_place
from fablab.reports import files, pages
from fablab.reports.forms import Asked, asked
from fablab.reports.gathering import gather
from fablab.reports.tables import Report, report
from fablab.statements import exports, queries

bp = Blueprint("reports", __name__, url_prefix="/manage/reports")

ODS = "application/vnd.oasis.opendocument.spreadsheet"
KEPT_ANYWAY = ("scope", "public")
KEPT = ("period", "first", "last", *KEPT_ANYWAY)  # what a link of the report takes along


@bp.before_request
def take_the_place() -> None:
    """One that they report on: the one named, else the first of theirs; of others, a 404."""
    if current_user.reads_accounts(here().place.id):
        return
    if not current_user.may_read_accounts:
        abort(403)
    if request.args.get("place"):
        abort(404)
    g.inventory = of_place(place_id=min(reported()))


@bp.url_defaults
def stay_in_the_place(_endpoint: str, values: dict[str, Any]) -> None:
    if has_request_context() and "inventory" in g and request.args.get("place"):
        values.setdefault("place", here().place.slug)


def reported() -> list[int]:
    return [each for each in current_user.standings if current_user.reads_accounts(each)]


@dataclass(frozen=True)
class Reading:
    """A report that was asked for."""

    asked: Asked
    inventories: list[Inventory]
    is_public: bool
    currency: str
    report: Report
    now: datetime  # that it was made at

    @property
    def name(self) -> str:
        return ", ".join(each.place.name for each in self.inventories)

    @property
    def kept(self) -> dict[str, str]:
        """The arguments that lead to the same report; not to what is none."""
        names = KEPT_ANYWAY if self.asked.error else KEPT
        return {name: value for name in names if (value := argument(name))}

    @property
    def today(self) -> date:
        return clock.today(here().schedule.zone, self.now)

    @property
    def file_name(self) -> str:
        period = self.asked.period
        return f"report-{period.first_day}-{period.last_day}"


def argument(name: str) -> str:
    return request.args.get(name, "").replace("\0", "").strip()


def read() -> Reading:
    now = clock.now()
    today = clock.today(here().schedule.zone, now)
    wanted = asked(argument("period"), argument("first"), argument("last"), today)
    ids = reported()
    is_of_all = argument("scope") == "all" and len(ids) > 1
    inventories = [of_place(place_id=each) for each in ids] if is_of_all else [here()]
    is_public = bool(argument("public"))
    ground, facts, before = gather(inventories, wanted.period, now)
    made = report(ground, facts, before, is_public=is_public)
    return Reading(wanted, inventories, is_public, ground.currency, made, now)


def page(template: str, reading: Reading, **values: Any) -> str:
    is_over = reading.asked.period.last_day < reading.today
    moment = pages.moment(here().schedule.zone, reading.now)
    return render_template(
        f"reports/{template}",
        reading=reading,
        period=pages.named(reading.asked.period),
        before=pages.named(reading.asked.period.before),
        closed_at=texts.day(reading.today, "d MMMM y") if is_over else moment,
        is_over=is_over,
        **values,
    )


@bp.get("")
@accounts_only
def index():
    reading = read()
    body = page(
        "index.html",
        reading,
        sections=pages.sections(reading.report, reading.currency),
        days=pages.days(reading.asked.period),
        choices=pages.choices(reading.today, reading.asked.period),
        has_several=len(reported()) > 1,
    )
    return body, 422 if reading.asked.error else 200


def read_right() -> Reading | None:
    """None of a period that is none: no file is made of another one in its place."""
    reading = read()
    return None if reading.asked.error else reading


@bp.get("/figures.csv")
@accounts_only
def figures_csv():
    reading = read_right()
    if reading is None:
        return index()
    rows = files.figure_rows(reading.report, reading.currency)
    return csv_file(reading.file_name, files.figure_headings(), rows, marks())


@bp.get("/report.ods")
@accounts_only
def workbook():
    reading = read_right()
    if reading is None:
        return index()
    about = [
        (_("Place"), reading.name),
        (_("Period"), pages.days(reading.asked.period)),
        (_("Period before"), pages.days(reading.asked.period.before)),
    ]
    content = files.workbook(reading.report, about, reading.currency)
    return Response(
        content,
        content_type=ODS,
        headers={"Content-Disposition": f'attachment; filename="{reading.file_name}.ods"'},
    )


@bp.get("/lists/<key>")
@accounts_only
def rows(key: str):
    reading = read_right()
    if reading is None:
        return index()
    table = reading.report.tables.get(key) or abort(404)
    return page("list.html", reading, table=pages.block(table))


@bp.get("/lists/<key>.csv")
@accounts_only
def rows_csv(key: str):
    reading = read_right()
    if reading is None:
        return index()
    table = reading.report.tables.get(key) or abort(404)
    name = f"{reading.file_name}-{key}"
    return csv_file(name, files.headings(table), files.rows(table), marks())


def marks() -> Marks:
    """As the place wants its tables: its spreadsheets part and write numbers alike everywhere."""
    file = exports.file_of(queries.file_of(here().place.id))
    return Marks(file.separator, file.decimal_mark)
