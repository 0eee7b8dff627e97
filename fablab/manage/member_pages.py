"""The members and one member, as plain values: how they stand, what they hold, what was done."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from fablab import texts
from fablab.booking.mark_pages import WORDS as MARKS
from fablab.machines.inventory import Inventory
from fablab.machines.kinds import MachineState
from fablab.manage import place_words, policy_words
from fablab.manage.queries import Somebody
from fablab.manage.words import (
    BOARDS,
    CHARGED,
    DEEDS,
    HUE_WORDS,
    ICON_WORDS,
    ORGANIZATIONS,
    ROLES,
    STATES,
    WALL_NAMES,
)
from fablab.members.kinds import AgeBand, Audience, MarkKind, Role
from fablab.members.words import AUDIENCES
from fablab.organizations.kinds import OrganizationKind
from fablab.places.kinds import Charged, WallNames
from fablab.presence.kinds import BoardKind
from fablab.trainings.models import Level, Training
from fablab.trainings.words import LEVELS


def found(people: Iterable[Somebody], searched: str) -> list[Somebody]:
    """Those whom every word searched for names; who waits for a membership first, then by name."""
    words = texts.plain(searched).split()
    named = [(texts.plain(f"{p.last_name} {p.first_name} {p.email}"), p) for p in people]
    kept = [(p.is_member, name, p.id, p) for name, p in named if all(w in name for w in words)]
    return [person for *_order, person in sorted(kept)]


def full_name(row: Any) -> str:
    return f"{row.first_name or ''} {row.last_name or ''}".strip()


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the list of members."""

    name: str
    url: str
    email: str
    audience: str
    valid_until: str
    roles: str
    tags: list[tuple[str, str]]  # what the team should notice: text, kind
    is_member: bool  # or still waiting for a membership


def line(row: Any, roles: Iterable[Role], now: datetime, today: date) -> Line:
    return Line(
        name=full_name(row),
        url=url_for("manage.member", uid=row.uid),
        email=row.email,
        audience=_(AUDIENCES[row.audience]) if row.audience else "",
        valid_until=short(row.expires_on) if row.expires_on else "",
        roles=role_names(roles),
        tags=tags(row, now, today),
        is_member=row.membership_id is not None,
    )


# The columns of the file, named as an import of members reads them.
FILE = ("email", "first_name", "last_name", "phone", "language", "audience", "membership_until")


def in_file(row: Any) -> tuple[Any, ...]:
    """The telephone only of who shares it."""
    phone = row.phone if row.shares_phone else ""
    audience = row.audience.value if row.audience else ""
    return (
        row.email,
        row.first_name,
        row.last_name,
        phone,
        row.language,
        audience,
        row.expires_on,
    )


def tags(row: Any, now: datetime, today: date) -> list[tuple[str, str]]:
    found = []
    if row.membership_id is None:
        found.append((_("Waiting"), "warning"))
    if row.expires_on and row.expires_on < today:
        found.append((_("Expired"), "no"))
    if is_suspended(row, now):
        found.append((_("Suspended"), "no"))
    if row.age_band is not AgeBand.ADULT:
        found.append((_("Minor"), "warning"))
    return found


def is_suspended(row: Any, now: datetime) -> bool:
    return row.suspended_until is not None and row.suspended_until > now


def suspension(row: Any, now: datetime, zone: tzinfo) -> str:
    """A sentence that says until when; nothing once it is over."""
    if not is_suspended(row, now):
        return ""
    end = row.suspended_until.astimezone(zone)
    if end.time() == time.min:
        last = end.date() - timedelta(days=1)
        return _("Suspended until the end of %(day)s", day=short(last))
    return _("Suspended until %(until)s", until=moment(row.suspended_until, zone))


def role_names(roles: Iterable[Role]) -> str:
    held = set(roles)
    return ", ".join(_(word) for role, word in ROLES.items() if role in held)


def short(day: date) -> str:
    return texts.day(day, "d MMM y")


def profile(row: Any, organizations: Sequence[str], zone: tzinfo) -> list[tuple[str, str]]:
    """What the team needs to know of somebody; the telephone only of who shares it."""
    guardian = ""
    if row.age_band is not AgeBand.ADULT:
        guardian = (
            _("Minor, a guardian agreed on %(day)s", day=short(row.guardian_agreed_on))
            if row.guardian_agreed_on
            else _("Minor, no guardian has agreed yet")
        )
    return [
        (_("Organizations"), ", ".join(organizations)),
        (_("Age"), guardian),
        (_("Account made on"), short(row.created_at.astimezone(zone).date())),
        (_("E-mail"), "" if row.confirmed_at else _("Not confirmed yet")),
    ]


@dataclass(frozen=True, slots=True)
class Held:
    """A qualification as a row: what, since, until, by whom, and whether it counts today."""

    name: str
    level: str
    given_on: str
    valid_until: str
    by: str
    state: str  # valid, expired, ahead: today
    url: str  # where it is withdrawn


def held(row: Any, member_uid: str, last_day: date | None, today: date) -> Held:
    """`last_day` it is valid, as it was used since; None: for life."""
    return Held(
        name=qualification_name(row),
        level=_(LEVELS[Level(row.level)]) if row.level else "",
        given_on=short(row.given_on),
        valid_until=short(last_day) if last_day else "",
        by=full_name(row),
        state=validity(row.given_on, last_day, today),
        url=url_for("manage.withdrawal", uid=member_uid, qualification_id=row.id),
    )


def validity(given_on: date, last_day: date | None, today: date) -> str:
    if today < given_on:
        return "ahead"
    return "expired" if last_day is not None and last_day < today else "valid"


@dataclass(frozen=True, slots=True)
class Subject:
    """What somebody can be qualified for: a training, or one machine at a level."""

    of: str  # how an address names it
    name: str
    months: int | None  # how long it lasts; none: for life
    training_id: int | None = None
    machine_id: int | None = None


def subjects(trainings: Iterable[Training], inventory: Inventory) -> list[Subject]:
    return [
        *(
            Subject(f"training:{each.code}", each.name, each.validity_months, training_id=each.id)
            for each in trainings
        ),
        *(
            Subject(f"machine:{each.slug}", f"{each.code} {each.name}", None, machine_id=each.id)
            for each in inventory.machines
        ),
    ]


def qualification_name(row: Any) -> str:
    """A machine's code and name, else the training's."""
    return f"{row.code} {row.machine}" if row.code else row.training


@dataclass(frozen=True, slots=True)
class Event:
    """What the team did once: when, who, what, and each value before and after."""

    when: str
    who: str
    what: str
    before: list[tuple[str, str]]
    after: list[tuple[str, str]]


def event(row: Any, zone: tzinfo) -> Event:
    """Only of the values that changed."""
    same = {name for name in row.before if row.after.get(name, ...) == row.before[name]}
    return Event(
        when=moment(row.made_at, zone),
        who=full_name(row) or _("The installation"),
        what=_(DEEDS[row.what]),
        before=[value(name, row.before[name], zone) for name in row.before if name not in same],
        after=[value(name, row.after[name], zone) for name in row.after if name not in same],
    )


def value(name: str, kept: Any, zone: tzinfo) -> tuple[str, str]:
    """A value of the record as people read it, after what it is called."""
    readers: dict[str, tuple[str, Callable[[Any], str]]] = {
        "audience": (_("Kind of member"), lambda v: _(AUDIENCES[Audience(v)])),
        "expires_on": (_("Valid until"), read_day),
        "suspended_until": (
            _("Suspended until"),
            lambda v: moment(datetime.fromisoformat(v), zone),
        ),
        "reason": (_("Reason"), str),
        "roles": (_("Roles"), lambda v: role_names(Role(each) for each in v)),
        "of": (_("Qualification"), str),
        "level": (_("Level"), lambda v: _(LEVELS[Level(v)])),
        "given_on": (_("Given on"), read_day),
        "state": (_("State"), lambda v: _(STATES[MachineState(v)])),
        "back_on": (_("Expected back on"), read_day),
        "category": (_("Category"), str),
        "safety": (_("Safety text"), str),
        "referent_of": (_("Looks after"), str),
        "marks_allowed": (_("Marks that suspend"), str),
        "marks_window_days": (_("Within so many days"), str),
        "marks_suspension_days": (_("Suspended for so many days"), str),
        "shared": (_("Shared resources"), str),
        "organization": (_("Organization"), str),
        "merged": (_("Closed account"), str),
        "merged_email": (_("E-mail"), str),
        "is_manager": (_("Manages it"), lambda v: _("Yes")),
        "activity": (_("Activity account"), str),
        "since": (_("Since"), read_day),
        "until": (_("Last day"), read_day),
        "name": (_("Name"), str),
        "kind": (_("Kind"), lambda v: _(ORGANIZATIONS[OrganizationKind(v)])),
        "trade": (_("Trade"), str),
        "legal_form": (_("Legal form"), str),
        "hosted_since": (_("Hosted since"), read_day),
        "hosted_until": (_("Hosted until"), read_day),
        **of_organization(),
        "mark": (_("Mark"), lambda v: _(MARKS[MarkKind(v)])),
        "marked_until": (
            _("No booking until"),
            lambda v: moment(datetime.fromisoformat(v), zone),
        ),
        "capacity": (_("For how many machines at once"), str),
        "needed_by": (_("Machines that need it"), ", ".join),
        "registered_for": (_("Registered for"), str),
        "statement_columns": (_("Columns of the statements' files"), str),
        "starts_at": (_("When"), lambda v: moment(datetime.fromisoformat(v), zone)),
        "past_bookings": (
            _("Past bookings"),
            lambda v: ngettext("%(num)s imported", "%(num)s imported", v),
        ),
        **of_boards(),
        **of_sharing(),
        **of_sheet(),
        **of_tariffs(),
    }
    if name in place_words.LABELS:
        return _(place_words.LABELS[name]), place_words.as_recorded(name, kept)
    if name in policy_words.LABELS and name != "level":
        return _(policy_words.LABELS[name]), policy_words.as_recorded(name, kept)
    label, read = readers[name]
    return label, read(kept) if kept else "–"


def of_organization() -> dict[str, tuple[str, Callable[[Any], str]]]:
    return {
        "siren": (_("SIREN number"), str),
        "whose_prices": (_("Whose prices hold"), lambda v: _(AUDIENCES[Audience(v)])),
        "customer_code": (_("Customer code"), str),
        "year": (_("Year"), str),
        "jobs": (_("Jobs"), str),
        "turnover": (_("Turnover"), str),
    }


def of_boards() -> dict[str, tuple[str, Callable[[Any], str]]]:
    return {
        "board_made": (_("Address made"), lambda v: _(BOARDS[BoardKind(v)])),
        "board_renewed": (_("Another address made"), lambda v: _(BOARDS[BoardKind(v)])),
        "board_stopped": (_("Address stopped"), lambda v: _(BOARDS[BoardKind(v)])),
        "wall_names": (_("What they show of people"), lambda v: _(WALL_NAMES[WallNames(v)])),
    }


def of_tariffs() -> dict[str, tuple[str, Callable[[Any], str]]]:
    return {
        "prices_from": (_("Prices from"), read_day),
        "prices": (_("Prices"), str),
        "supply": (_("Supply"), str),
        "supply_from": (_("Counted from"), read_day),
        "supply_until": (_("Counted until"), read_day),
        "pack": (_("Pack"), str),
        "price": (_("Price"), str),
        "minutes": (_("Minutes"), str),
        "settled": (_("Settled"), str),
        "allowance": (_("Hours granted"), str),
        "granted_from": (_("Starting on"), read_day),
        "granted_until": (_("Last day"), read_day),
        "currency": (_("Currency"), str),
        "charged": (_("What amounts are made of"), lambda v: _(CHARGED[Charged(v)])),
        "late_percent": (_("Percent of what was cancelled late"), str),
        "missed_percent": (_("Percent of what nobody came to"), str),
        "vat_text": (_("What is said of VAT"), str),
    }


def of_sharing() -> dict[str, tuple[str, Callable[[Any], str]]]:
    """What was agreed with the owner of a machine."""
    return {
        "shared_from": (_("First day"), read_day),
        "shared_until": (_("Last day"), read_day),
        "notice_days": (_("Notice of the owner, in days"), str),
        "audiences": (
            _("Shared with"),
            lambda v: ", ".join(_(AUDIENCES[Audience(each)]) for each in v.split()),
        ),
        "asks_owner": (_("The owner agrees to each booking"), lambda _v: _("Yes")),
        "owner_ranges": (_("Hours in which the owner comes first"), str),
        "insured_until": (_("Insured until"), read_day),
        "share": (_("Share of the owner, in percent"), str),
    }


def of_sheet() -> dict[str, tuple[str, Callable[[Any], str]]]:
    """What a machine's sheet says, a category or a pool."""
    return {
        "code": (_("Code"), str),
        "name": (_("Name"), str),
        "model": (_("Make and model"), str),
        "location": (_("Where it stands"), str),
        "risk_class": (_("Risk class"), str),
        "notes": (_("What to know"), str),
        "asset_number": (_("Asset number"), str),
        "funder": (_("Funder"), str),
        "owner": (_("Owner"), str),
        "pool": (_("Pool"), str),
        "specs": (_("Specifications"), "; ".join),
        "materials_allowed": (_("Materials allowed"), "; ".join),
        "materials_forbidden": (_("Materials forbidden"), "; ".join),
        "photo": (_("Photo"), lambda _version: _("changed")),
        "photo_alt": (_("What the photo shows"), str),
        "documents": (_("Documents"), "; ".join),
        "position": (_("Order in its category"), str),
        "icon": (_("Drawing"), lambda v: _(ICON_WORDS.get(v, v))),
        "hue": (_("Colour"), lambda v: _(HUE_WORDS.get(v, v))),
    }


def read_day(kept: str) -> str:
    return short(date.fromisoformat(kept))


def moment(instant: datetime, zone: tzinfo) -> str:
    wall = instant.astimezone(zone)
    return f"{short(wall.date())} {texts.hour(wall)}"
