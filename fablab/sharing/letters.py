"""The mails about agreements: one that ends, an insurance that ends soon. Always sent, for what
they tell of stops a machine.
"""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from fablab.clock import today
from fablab.machines.inventory import of_place
from fablab.mail import outbox
from fablab.organizations.models import Organization
from fablab.places.models import Place
from fablab.sharing import queries
from fablab.words import N_

SUBJECTS = {
    "sharing_ends": N_("%(place)s: the sharing of a machine ends, %(machine)s"),
    "insurance_ends": N_("%(place)s: the insurance of a shared machine ends soon, %(machine)s"),
}


def ended(
    session: Session, agreement: Any, machine: Any, last_day: date, *, by: int, now: datetime
) -> None:
    """To the owner's managers and the team, but for whoever did it."""
    _post(
        session,
        "sharing_ends",
        machine,
        machine.place_id,
        agreement.owner_id,
        now=now,
        but=by,
        last_day=last_day,
    )


def insurance_ends(session: Session, row: Any, place_id: int, days: int, *, now: datetime) -> None:
    """To the owner's managers and the team. `row` is one of `queries.insured`."""
    _post(
        session,
        "insurance_ends",
        row,
        place_id,
        row.owner_id,
        now=now,
        last_day=row.insured_until,
        days=days,
    )


def _post(
    session: Session,
    kind: str,
    machine: Any,
    place_id: int,
    owner_id: int,
    *,
    now: datetime,
    last_day: date,
    but: int | None = None,
    **values: Any,
) -> None:
    place = session.execute(
        select(Place.name, Place.slug, Place.email, Place.zone).where(Place.id == place_id)
    ).one()
    owner = session.execute(
        select(Organization.name, Organization.slug).where(Organization.id == owner_id)
    ).one()
    zone, is_first = ZoneInfo(place.zone), of_place().place.id == place_id
    name = getattr(machine, "machine_name", "") or machine.name
    named = f"{machine.code} {name}"
    for reader in queries.readers(owner_id, place_id, today(zone, now)):
        if reader.id == but:
            continue
        path = (
            f"/organizations/{owner.slug}/machines"
            if reader.is_manager
            else f"/manage/machines/{machine.slug}/agreement"
        )
        outbox.post_page(
            session,
            kind,
            to=reader.email,
            language=reader.language,
            subject=lazy_gettext(SUBJECTS[kind], place=place.name, machine=named),
            envelope=outbox.Envelope(reply_to=place.email),
            now=now,
            place=place.name,
            contact=place.email,
            link=outbox.address(path if is_first else f"{path}?place={place.slug}"),
            zone=zone,
            machine=named,
            owner=owner.name,
            is_manager=reader.is_manager,
            last_day=last_day,
            **values,
        )
