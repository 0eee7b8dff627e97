"""When the place opens and when it does not, and whom another week leaves outside."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_login import current_user

from fablab import clock
from fablab.access import team_only
from fablab.machines.inventory import here, weekly_opening
from fablab.manage import conflicts, member_pages, occupancies, place_pages, queries
from fablab.manage.blueprint import bp, page, today
from fablab.manage.place_forms import (
    ChoiceForm,
    ClosureForm,
    HolidaysForm,
    HoursForm,
    OpeningForm,
)
from fablab.members.kinds import Deed
from fablab.places.kinds import Mode
from fablab.seen import ChangedMeanwhile, fingerprint
from fablab.settings import closures as days_off
from fablab.settings import openings as hours
from fablab.settings.closures import AlreadyClosed
from fablab.settings.concerned import Concerns, is_booking
from fablab.settings.concerned import fingerprint as of_bookings
from fablab.settings.openings import Overlap

# -- the ordinary week


@bp.get("/manage/openings")
@team_only
def openings():
    return openings_page(HoursForm(formdata=None, data={"mode": Mode.SUPERVISED}))


@bp.post("/manage/openings")
@team_only
def add_opening():
    form = HoursForm()
    if not form.validate():
        return openings_page(form), 422
    try:
        hours.add(here().place.id, form.days, form.hours, by=current_user.id, now=clock.now())
    except Overlap as refused:
        say_what_overlaps(form, refused)
        return openings_page(form), 422
    flash(_("The opening hours are saved."))
    return redirect(url_for(".openings"), 303)


@bp.route("/manage/openings/<int:opening_id>", methods=["GET", "POST"])
@team_only
def opening(opening_id: int):
    found = hours.find(opening_id, here().place.id)
    if request.method == "GET":
        return opening_page(found, opening_form(found))
    form, choice = OpeningForm(), ChoiceForm()
    if not (form.validate() & choice.validate()):
        return opening_page(found, form, choice), 422
    try:
        hours.change(
            found.id,
            here().place.id,
            form.days[0],
            form.hours,
            choice.choice(_("Other opening hours")),
            by=current_user.id,
            now=clock.now(),
            seen=form.seen.data or "",
        )
    except ChangedMeanwhile as others:
        conflict = told_beside(form, opening_form(hours.find(found.id, here().place.id)), others)
        return opening_page(found, form, choice, conflict=conflict), 409
    except Overlap as refused:
        say_what_overlaps(form, refused)
        return opening_page(found, form, choice), 422
    except Concerns as refused:
        return opening_page(found, form, choice, refused.bookings), 409
    flash(_("The opening hours are saved."))
    return redirect(url_for(".openings"), 303)


@bp.post("/manage/openings/<int:opening_id>/removal")
@team_only
def remove_opening(opening_id: int):
    found = hours.find(opening_id, here().place.id)
    choice = ChoiceForm()
    if not choice.validate():
        return opening_page(found, opening_form(found), choice, is_removed=True), 422
    told = choice.choice(_("Other opening hours"))
    try:
        hours.remove(found.id, here().place.id, told, by=current_user.id, now=clock.now())
    except Concerns as refused:
        return opening_page(
            found, opening_form(found), choice, refused.bookings, is_removed=True
        ), 409
    flash(_("The opening is removed."))
    return redirect(url_for(".openings"), 303)


def say_what_overlaps(form: HoursForm, refused: Overlap) -> None:
    which = ", ".join(place_pages.named(each) for each in refused.openings)
    form.opens_at.errors = [
        *form.opens_at.errors,
        _(
            "It is open then already: %(which)s. Change that one, or choose other hours.",
            which=which,
        ),
    ]


def opening_form(opening: Any) -> OpeningForm:
    told = weekly_opening(opening)
    return OpeningForm(
        formdata=None,
        data={
            "weekdays": str(told.weekday),
            "opens_at": told.opens_at,
            "closes_at": told.closes_at,
            "mode": told.mode,
            "weeks": [str(week) for week in sorted(told.weeks)],
            "seen": fingerprint(hours.told(told)),
        },
    )


def openings_page(form: HoursForm) -> str:
    rows = hours.openings(here().place.id)
    first, last = place_pages.hours_shown(rows)
    return page(
        "openings.html",
        week=place_pages.week(rows),
        modes=place_pages.modes(),
        first=first,
        last=last,
        has_hours=bool(rows),
        form=form,
        record=record(Deed.OPENING),
    )


def opening_page(
    opening: Any,
    form: OpeningForm,
    choice: ChoiceForm | None = None,
    bookings: Sequence[Any] = (),
    *,
    is_removed: bool = False,
    conflict: Sequence[conflicts.Difference] = (),
) -> str:
    return page(
        "opening.html",
        conflict=conflict,
        name=place_pages.named(weekly_opening(opening)),
        opening_id=opening.id,
        form=form,
        is_removed=is_removed,
        **concerned(choice, bookings),
    )


# -- days off


@bp.get("/manage/closures")
@team_only
def closures():
    return closures_page(ClosureForm(formdata=None))


@bp.post("/manage/closures")
@team_only
def add_closure():
    place_id = here().place.id

    def add(form: ClosureForm, choice: ChoiceForm) -> None:
        told = choice.choice(form.reason.data)
        days_off.add(place_id, form.days, told, by=current_user.id, now=clock.now())

    return closure_saved(add, closures_page, _("The place is closed on these days."))


@bp.route("/manage/closures/<uuid:uid>", methods=["GET", "POST"])
@team_only
def closure(uid: UUID):
    place_id = here().place.id
    found = days_off.find(str(uid), place_id)

    def shown(*args: Any, **kwargs: Any) -> str:
        return closure_page(found, *args, **kwargs)

    def change(form: ClosureForm, choice: ChoiceForm) -> None:
        told, seen = choice.choice(form.reason.data), form.seen.data or ""
        by, now = current_user.id, clock.now()
        days_off.change(found.uid, place_id, form.days, told, by=by, now=now, seen=seen)

    def now_there() -> ClosureForm:
        return closure_form(days_off.find(str(uid), place_id))

    if request.method == "GET":
        return shown(closure_form(found))
    return closure_saved(change, shown, _("The closure is saved."), now_there)


def closure_form(closure: Any) -> ClosureForm:
    seen = fingerprint(days_off.columns(days_off.asked_of(closure)))
    return ClosureForm(formdata=None, obj=closure, data={"seen": seen})


def closure_saved(
    write: Callable[[ClosureForm, ChoiceForm], None],
    shown: Callable[..., str],
    done: str,
    now_there: Callable[[], ClosureForm] | None = None,
) -> Any:
    """What saving a closure answers; `now_there` is the form of one that others may change."""
    form, choice = ClosureForm(), ChoiceForm()
    if not (form.validate() & choice.validate()):
        return shown(form, choice), 422
    try:
        write(form, choice)
    except AlreadyClosed:
        form.first_day.errors = [_("There is a closure of these days already.")]
        return shown(form, choice), 422
    except ChangedMeanwhile as others:
        assert now_there
        return shown(form, choice, conflict=told_beside(form, now_there(), others)), 409
    except Concerns as refused:
        return shown(form, choice, refused.bookings), 409
    flash(done)
    return redirect(url_for(".closures"), 303)


@bp.post("/manage/closures/<uuid:uid>/removal")
@team_only
def remove_closure(uid: UUID):
    days_off.remove(str(uid), here().place.id, by=current_user.id, now=clock.now())
    flash(_("The closure is removed: the place is open as in every week."))
    return redirect(url_for(".closures"), 303)


@bp.route("/manage/holidays", methods=["GET", "POST"])
@team_only
def holidays():
    if request.method == "GET":
        return holidays_page(holidays_form())
    form, choice = HolidaysForm(), ChoiceForm()
    form.offer(form.holidays_country.data or "")
    if not (form.validate() & choice.validate()):
        return holidays_page(form, choice), 422
    country = form.holidays_country.data
    told = choice.choice(_("Public holiday"))
    try:
        days_off.set_holidays(
            here().place.id,
            country,
            form.subdivision,
            told,
            by=current_user.id,
            now=clock.now(),
            seen=form.seen.data or "",
        )
    except ChangedMeanwhile as others:
        conflict = told_beside(form, holidays_form(), others)
        return holidays_page(form, choice, conflict=conflict), 409
    except Concerns as refused:
        return holidays_page(form, choice, refused.bookings), 409
    flash(_("The public holidays are saved."))
    return redirect(url_for(".holidays"), 303)


def holidays_form() -> HolidaysForm:
    said = days_off.whose_holidays(here().place.id)
    form = HolidaysForm(formdata=None, data=said | {"seen": fingerprint(said)})
    form.offer(said["holidays_country"])
    return form


def closures_page(
    form: ClosureForm, choice: ChoiceForm | None = None, bookings: Sequence[Any] = ()
) -> str:
    place_id = here().place.id
    rows, origins = days_off.closures(place_id), days_off.origins(place_id)
    ahead, over = place_pages.closures(rows, origins, today())
    return page(
        "closures.html",
        ahead=ahead,
        over=over,
        holidays=place_pages.holidays_ahead(here().schedule, today()),
        form=form,
        record=record(Deed.CLOSURE),
        **concerned(choice, bookings),
    )


def closure_page(
    closure: Any,
    form: ClosureForm,
    choice: ChoiceForm | None = None,
    bookings: Sequence[Any] = (),
    conflict: Sequence[conflicts.Difference] = (),
) -> str:
    origin = days_off.origins(here().place.id).get(closure.uid)
    return page(
        "closure.html",
        conflict=conflict,
        closure=place_pages.off(closure, origin, today()),
        uid=closure.uid,
        form=form,
        **concerned(choice, bookings),
    )


def holidays_page(
    form: HolidaysForm,
    choice: ChoiceForm | None = None,
    bookings: Sequence[Any] = (),
    conflict: Sequence[conflicts.Difference] = (),
) -> str:
    return page(
        "holidays.html",
        form=form,
        conflict=conflict,
        ahead=place_pages.holidays_ahead(here().schedule, today()),
        **concerned(choice, bookings),
    )


def told_beside(
    form: conflicts.SeenForm, now: conflicts.SeenForm, others: ChangedMeanwhile
) -> list[conflicts.Difference]:
    """What others saved meanwhile beside what was typed; the form sent again, it is meant."""
    form.seen.data = fingerprint(others.now)
    return conflicts.differences(now, form)


# -- whom it concerns


def concerned(choice: ChoiceForm | None, bookings: Sequence[Any]) -> dict[str, Any]:
    """The bookings that would be outside, each to be cancelled or left as it is."""
    inventory, now = here(), clock.now()
    rows = queries.occupancies([row.id for row in bookings]) if bookings else ()
    shown = occupancies.lines([row for row in rows if is_booking(row)], inventory, now)
    sessions = [row for row in rows if not is_booking(row)]
    return {
        "choice": choice or ChoiceForm(formdata=None),
        "seen_bookings": of_bookings(bookings),
        "concerned": shown,
        "sessions": occupancies.lines(sessions, inventory, now),
        "mail_to": occupancies.mail_to(shown),
    }


def record(what: Deed) -> list[member_pages.Event]:
    place = here()
    rows = queries.record_of_place(place.place.id, what)
    return [member_pages.event(row, place.schedule.zone) for row in rows]
