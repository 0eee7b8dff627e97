"""For whom a booking counts, put right by the team: by mistake it was made for somebody else."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, and_, or_, select, update
from sqlalchemy.orm import Session

from fablab.booking import ledger
from fablab.booking.facts import audience_of, standing_of
from fablab.booking.orders import ChangedMeanwhile
from fablab.db import NotAllowed, by_name, db, retried, writing
from fablab.machines.commands import record
from fablab.machines.inventory import of_place
from fablab.machines.models import Occupancy
from fablab.members import audit
from fablab.members.kinds import Audience, Deed
from fablab.members.people import Standing
from fablab.organizations.kinds import OrganizationKind
from fablab.organizations.models import Organization, OrganizationMember
from fablab.organizations.queries import accounts_of
from fablab.organizations.rules import has_account
from fablab.slots import Slot
from fablab.tariffs.price_list import prices_of
from fablab.tariffs.prices import quote


class Behalf(NamedTuple):
    """An organization somebody was in on the day, with their account in it now."""

    id: int
    name: str
    activity: str
    prices: Audience | None  # whose hold for what is booked in its name
    kind: OrganizationKind


class NoSuchAccount(Exception):
    """The organization has no activity account of that name."""


@retried
def put_down(
    uid: str,
    place_id: int,
    organization_id: int | None,
    activity: str,
    *,
    day: date,
    why: str,
    by: int,
    now: datetime,
    revision: int | None = None,
) -> bool:
    """Say on whose behalf a booking was made, also one that is over; None: their own.

    `activity` is the account it is put down to; empty, it is the one they have in the organization.
    The booking's next revision, in its record and in that of its member, with `why`. False when it
    was so already, which changes nothing. Only the team does, which whoever calls has asked.

    Raises NotAllowed for an organization they were not in on the booking's `day`, NoSuchAccount,
    ChangedMeanwhile when `revision` is no longer that of the booking, NoSuch, and Busy.
    """
    here = ledger.find(uid)
    with writing() as session:
        booking = ledger.find_in_line(session, uid, here.machine_id)
        found = {each.id: each for each in possible(booking, place_id, day)}
        if organization_id is not None and organization_id not in found:
            raise NotAllowed
        chosen = found[organization_id] if organization_id else None
        wished: dict[str, Any] = {
            "organization_id": organization_id,
            "activity": (activity or chosen.activity) if chosen else "",
        }
        if all(getattr(booking, name) == value for name, value in wished.items()):
            return False
        if revision not in (None, booking.revision):
            raise ChangedMeanwhile
        if chosen and activity and not has_account(chosen.kind, activity, accounts(chosen)):
            raise NoSuchAccount
        standing = standing_of(booking.member_id, place_id)
        wished |= worth(booking, chosen, place_id, standing)
        _write(session, booking, wished, now=now)
        before, after = told(booking, found), told_of(wished, found) | {"why": why}
        record(session, booking.id, "put_down", by=by, now=now, before=before, after=after)
        audit.note(
            session,
            Deed.ORGANIZATION,
            place_id=place_id,
            member_id=booking.member_id,
            by=by,
            now=now,
            before={name: before[name] for name in ("organization", "activity")},
            after={
                "organization": after["organization"],
                "activity": after["activity"],
                "starts_at": booking.starts_at,
                "reason": why,
            },
        )
        return True


def accounts(chosen: Behalf) -> list[str]:
    return accounts_of([chosen.id])[chosen.id]


def possible(booking: Row[Any], place_id: int, day: date) -> Sequence[Behalf]:
    """The organizations its member was in on that day, and the one it is for, by name."""
    is_in = and_(
        OrganizationMember.since <= day,
        or_(OrganizationMember.until.is_(None), OrganizationMember.until >= day),
    )
    rows = db.session.execute(
        select(
            Organization.id,
            Organization.name,
            OrganizationMember.activity,
            Organization.audience,
            Organization.kind,
        )
        .outerjoin(
            OrganizationMember,
            and_(
                OrganizationMember.organization_id == Organization.id,
                OrganizationMember.member_id == booking.member_id,
            ),
        )
        .where(
            Organization.place_id == place_id,
            or_(is_in, Organization.id == booking.organization_id),
        )
        .order_by(by_name(Organization.name), Organization.id)
    )
    return [Behalf(row.id, row.name, row.activity or "", row.audience, row.kind) for row in rows]


def audience_in(
    booking: Row[Any], chosen: Behalf | None, standing: Standing | None
) -> Audience | None:
    """Whose prices hold for it from now on: as for a booking that is made today."""
    if chosen and chosen.prices:
        return chosen.prices
    if standing is None:
        kept: Audience | None = booking.audience
        return kept
    return standing.audience if chosen else audience_of(standing)


def choices(
    booking: Row[Any], found: Iterable[Behalf], place_id: int
) -> dict[int | None, dict[str, Any]]:
    """What `put_down` would make of it, for each that may be chosen; None: their own."""
    standing = standing_of(booking.member_id, place_id)
    return {
        chosen.id if chosen else None: worth(booking, chosen, place_id, standing)
        for chosen in (None, *found)
    }


def worth(
    booking: Row[Any], chosen: Behalf | None, place_id: int, standing: Standing | None
) -> dict[str, Any]:
    """Whose prices hold for it then, and the amount that they make."""
    audience = audience_in(booking, chosen, standing)
    quoted = quote(
        prices_of(of_place(place_id=place_id)),
        booking.machine_id,
        audience,
        Slot(booking.starts_at, booking.ends_at),
        is_accompanied=booking.is_accompanied,
    )
    return {"audience": audience, "quoted": quoted}


def told(booking: Row[Any], found: dict[int, Behalf]) -> dict[str, str]:
    return told_of(booking._asdict(), found)


def told_of(values: dict[str, Any], found: dict[int, Behalf]) -> dict[str, str]:
    """As the records keep it: the name too, for whoever reads them once it is another."""
    organization_id = values["organization_id"]
    name = found[organization_id].name if organization_id else ""
    return {"organization": name, "activity": values["activity"]}


def _write(session: Session, booking: Row[Any], values: dict[str, Any], *, now: datetime) -> None:
    ledger.turn_the_page(session, booking.member_id)
    session.execute(
        update(Occupancy.__table__)
        .where(Occupancy.id == booking.id)
        .values(revision=booking.revision + 1, changed_at=now, **values)
    )
