"""What needs the team, as plain values: how much of each, its first lines, and where to go."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from flask import url_for
from flask_babel import gettext as _

from fablab import clock, texts
from fablab.booking import consent_pages, consents
from fablab.machines.inventory import Inventory
from fablab.machines.models import Machine
from fablab.manage import mail_queries, queries, todo_queries, training_pages
from fablab.manage.mail_queries import MailState
from fablab.manage.member_filters import ENDING, ending_holdings
from fablab.manage.member_pages import full_name, moment, short
from fablab.organizations import queries as organizations
from fablab.slots import Slot
from fablab.trainings.queries import sessions
from fablab.upkeep.kinds import FaultState
from fablab.upkeep.queries import of_place, overdue_on

SHOWN = 5  # of each kind: the rest is where it is dealt with


class Line(NamedTuple):
    text: str
    url: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """One kind of thing, with the first of them."""

    key: str
    icon: str
    title: str
    count: int
    lines: Sequence[Line]
    url: str = ""  # where all of them are
    more: str = ""  # what the way there is called


@dataclass(frozen=True, slots=True)
class ToDo:
    """What somebody has to do, and what is only good to know ahead; the empty kinds left out."""

    waiting: list[Section]
    soon: list[Section]


def to_do(inventory: Inventory, counts: todo_queries.Counts, reader: int, now: datetime) -> ToDo:
    """`counts` of what waits were asked already: what there is none of is not looked for."""
    today = clock.today(inventory.schedule.zone, now)
    waiting = [
        approvals(inventory, reader, now) if counts.approvals else None,
        faults(inventory, counts.faults) if counts.faults else None,
        newcomers(inventory, counts.newcomers) if counts.newcomers else None,
        unsettled(inventory, now) if counts.sessions else None,
        parked(inventory, counts.mails) if counts.mails else None,
        maintenance(inventory, counts.maintenance, today) if counts.maintenance else None,
    ]
    ahead = todo_queries.bookings_ahead(inventory.place.id, now)
    soon = [
        without_a_machine(inventory, ahead),
        not_shared(inventory, ahead),
        insurances(inventory, today),
        on_closed_days(inventory, ahead),
        qualifications(inventory, now),
        memberships(inventory, today),
        suspensions(inventory, now),
        unmanaged(inventory, today),
    ]
    return ToDo(
        [each for each in waiting if each and each.count], [each for each in soon if each.count]
    )


def approvals(inventory: Inventory, reader: int, now: datetime) -> Section:
    rows = consents.waiting_for(
        reader,
        now,
        Machine.place_id == inventory.place.id,
        consents.Consent.kind.in_(todo_queries.OF_THE_TEAM),
    )
    asked = [consent_pages.question(row, now) for row in rows[:SHOWN]]
    url = url_for("manage.approvals")
    return Section(
        "approvals",
        "hourglass",
        _("Approvals"),
        len(rows),
        [
            Line(
                _("%(who)s, %(machine)s", who=each.who, machine=each.machine),
                f"{url}#asked-{each.uid}",
                _("Answer before %(when)s", when=each.due),
            )
            for each in asked
        ],
        url,
        _("Answer them"),
    )


def faults(inventory: Inventory, count: int) -> Section:
    rows = of_place(inventory.place.id, states=[FaultState.REPORTED], limit=SHOWN)
    return Section(
        "faults",
        "wrench",
        _("Faults to sort"),
        count,
        [
            Line(
                f"{row.code} {row.machine_name}",
                url_for("manage.fault", uid=row.uid),
                _(
                    "Reported on %(when)s",
                    when=texts.moment(row.reported_at, inventory.schedule.zone),
                ),
            )
            for row in rows
        ],
        url_for("manage.faults"),
        _("See the faults"),
    )


def maintenance(inventory: Inventory, count: int, today: date) -> Section:
    rows = overdue_on(inventory.place.id, today, limit=SHOWN)
    return Section(
        "maintenance",
        "wrench",
        _("Maintenance overdue"),
        count,
        [
            Line(
                f"{row.code} {row.machine_name}",
                url_for("manage.maintenance", slug=row.slug),
                _("%(title)s, due on %(day)s", title=row.title, day=texts.day(row.due_on)),
            )
            for row in rows
        ],
    )


def newcomers(inventory: Inventory, count: int) -> Section:
    zone = inventory.schedule.zone
    return Section(
        "newcomers",
        "user-plus",
        _("Accounts without a membership"),
        count,
        [
            of_member(
                row,
                _("Since %(day)s", day=short(clock.today(zone, row.created_at))),
            )
            for row in todo_queries.newcomers(inventory.place.id, SHOWN)
        ],
        url_for("manage.members", standing="waiting"),
        _("See them"),
    )


def unsettled(inventory: Inventory, now: datetime) -> Section:
    rows = sessions(todo_queries.needs_somebody(inventory.place.id, now))
    return Section(
        "sessions",
        "graduation-cap",
        _("Training sessions"),
        len(rows),
        [
            Line(
                f"{row.training}, {training_pages.when(row, inventory)}",
                url_for("manage.session", uid=row.uid),
                _("Nobody gives it yet") if row.starts_at > now else _("Who came is not noted"),
            )
            for row in rows[:SHOWN]
        ],
        url_for("manage.trainings"),
        _("See the trainings"),
    )


def parked(inventory: Inventory, count: int) -> Section:
    rows = mail_queries.mails(inventory.place.id, MailState.PARKED, 1, SHOWN)
    url = url_for("manage.mails", state=MailState.PARKED.value)
    return Section(
        "mails",
        "mail",
        _("Mails that could not be delivered"),
        count,
        [Line(row.recipient, url, row.subject) for row in rows],
        url,
        _("See the mails"),
    )


def without_a_machine(inventory: Inventory, ahead: Sequence[Any]) -> Section:
    """Those that were left although their machine is not back by then."""
    found = [row for row in ahead if is_let_down(inventory, row)]
    return Section(
        "without_a_machine",
        "traffic-cone",
        _("Bookings whose machine is out of service"),
        len(found),
        [of_booking(inventory, row) for row in found[:SHOWN]],
        url_for("manage.machines"),
        _("See the machines"),
    )


def is_let_down(inventory: Inventory, row: Any) -> bool:
    machine = inventory.by_id.get(row.machine_id)
    return machine is not None and machine.is_out_on(day_of(inventory, row))


def not_shared(inventory: Inventory, ahead: Sequence[Any]) -> Section:
    """Those on days on which the owner shares the machine no longer, or not yet."""
    found = [row for row in ahead if not is_shared_then(inventory, row)]
    return Section(
        "not_shared",
        "hand-helping",
        _("Bookings of a machine that is not shared then"),
        len(found),
        [of_booking(inventory, row) for row in found[:SHOWN]],
        url_for("manage.machines"),
        _("See the machines"),
    )


def is_shared_then(inventory: Inventory, row: Any) -> bool:
    machine = inventory.by_id.get(row.machine_id)
    span = Slot(row.starts_at, row.ends_at)
    return machine is None or machine.is_shared_over(inventory.schedule, span)


def insurances(inventory: Inventory, today: date) -> Section:
    """Of the machines that are shared now; what has ended keeps everybody from the machine."""
    agreed = [(machine, machine.agreement_on(today)) for machine in inventory.machines]
    ending = [
        (machine, each.insured_until)
        for machine, each in agreed
        if each
        and each.insured_until
        and each.insured_until <= today + todo_queries.SOON
        and each.outlasts_insurance
    ]
    return Section(
        "insurances",
        "shield-check",
        _("Insurance of shared machines that ends within a month, or has ended"),
        len(ending),
        [
            Line(
                f"{machine.code} {machine.name}",
                url_for("manage.agreement", slug=machine.slug),
                _("Ended on %(day)s: nobody can book it", day=short(last))
                if last < today
                else _("until %(day)s", day=short(last)),
            )
            for machine, last in sorted(ending, key=lambda each: each[1])[:SHOWN]
        ],
    )


def on_closed_days(inventory: Inventory, ahead: Sequence[Any]) -> Section:
    found = [row for row in ahead if inventory.schedule.day_off(day_of(inventory, row))]
    return Section(
        "on_closed_days",
        "calendar-x",
        _("Bookings on a day the place is closed"),
        len(found),
        [of_booking(inventory, row) for row in found[:SHOWN]],
        url_for("manage.closures"),
        _("See the closures"),
    )


def unmanaged(inventory: Inventory, today: date) -> Section:
    """Organizations with people in them, and nobody who manages it."""
    rows = organizations.unmanaged(inventory.place.id, today)
    return Section(
        "unmanaged",
        "building-2",
        _("Organizations that nobody manages"),
        len(rows),
        [Line(row.name, url_for("manage.organization", slug=row.slug)) for row in rows[:SHOWN]],
        url_for("manage.organizations"),
        _("See the organizations"),
    )


def day_of(inventory: Inventory, row: Any) -> date:
    return clock.today(inventory.schedule.zone, row.starts_at)


def of_booking(inventory: Inventory, row: Any) -> Line:
    machine = inventory.by_id.get(row.machine_id)
    slot = Slot(row.starts_at, row.ends_at)
    when = texts.capital(texts.day_and_hours(slot, inventory.schedule.zone))
    return Line(
        f"{machine.code} {machine.name}" if machine else "",
        url_for("booking.show", uid=row.uid),
        f"{when}, {full_name(row)}",
    )


def qualifications(inventory: Inventory, now: datetime) -> Section:
    """What ends within a month and was not renewed."""
    place_id, zone = inventory.place.id, inventory.schedule.zone
    ending = ending_holdings(place_id, zone, now)
    people = queries.members(place_id, {each.member_id for each in ending}) if ending else {}
    known = [each for each in ending if each.member_id in people]
    return Section(
        "qualifications",
        "graduation-cap",
        _("Qualifications that end within a month"),
        len(known),
        [
            of_member(people[each.member_id], f"{each.training or each.machine}, {until(each)}")
            for each in known[:SHOWN]
        ],
        url_for("manage.members", qualification=ENDING),
        _("See these members"),
    )


def until(held: Any) -> str:
    return _("until %(day)s", day=short(held.last_day))


def memberships(inventory: Inventory, today: date) -> Section:
    rows = todo_queries.memberships_ending(inventory.place.id, today)
    return Section(
        "memberships",
        "user",
        _("Memberships that end within a month"),
        len(rows),
        [of_member(row, _("until %(day)s", day=short(row.expires_on))) for row in rows[:SHOWN]],
        url_for("manage.members", standing=ENDING),
        _("See these members"),
    )


def suspensions(inventory: Inventory, now: datetime) -> Section:
    rows = todo_queries.suspensions_ending(inventory.place.id, now)
    zone = inventory.schedule.zone
    return Section(
        "suspensions",
        "ban",
        _("May book again within a week"),
        len(rows),
        [
            of_member(row, _("Suspended until %(until)s", until=moment(row.until, zone)))
            for row in rows[:SHOWN]
        ],
        url_for("manage.members", standing="suspended"),
        _("See these members"),
    )


def of_member(row: Any, note: str) -> Line:
    return Line(full_name(row), url_for("manage.member", uid=row.uid), note)
