"""Minutes granted to a member or to an organization, and ended early. Settled elsewhere."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, select

from fablab.clock import today
from fablab.db import NoSuch, retried, writing
from fablab.keys import made_once, uid_for
from fablab.members import audit, staff
from fablab.members.kinds import Deed
from fablab.places.models import Place
from fablab.tariffs.models import Allowance


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose they are: a member's or an organization's, never both."""

    name: str  # as the record calls an organization
    member_id: int | None = None
    organization_id: int | None = None

    def holds(self) -> ColumnElement[bool]:
        return and_(
            Allowance.member_id == self.member_id,
            Allowance.organization_id == self.organization_id,
        )


@dataclass(frozen=True, slots=True)
class NewAllowance:
    name: str
    minutes: int
    first_day: date
    last_day: date | None = None
    categories: tuple[str, ...] = ()
    is_monthly: bool = False
    is_shared: bool = False
    settled: str = ""
    pack_id: int | None = None


@retried
def grant(
    place_id: int, holder: Holder, new: NewAllowance, *, by: int, now: datetime, key: str = ""
) -> str:
    """The UID of what was granted. Raises AlreadyMade when the `key` did, and Busy."""
    uid = uid_for(key, by, place_id, holder.member_id, holder.organization_id, new)
    values = {name: getattr(new, name) for name in NewAllowance.__slots__}
    values["categories"] = list(new.categories)
    with writing() as session:
        staff.stand_in_line(session, by)
        made_once(Allowance, uid)
        session.add(
            Allowance(
                uid=uid,
                place_id=place_id,
                member_id=holder.member_id,
                organization_id=holder.organization_id,
                granted_at=now,
                granted_by_id=by,
                **values,
            )
        )
        _note(session, place_id, holder, by=by, now=now, after=_told(new))
    return uid


@retried
def end(place_id: int, holder: Holder, uid: str, *, by: int, now: datetime) -> bool:
    """Today is its last day; what has not begun is taken back. False when it was over anyhow.

    Raises NoSuch and Busy.
    """
    with writing() as session:
        found = session.scalar(
            select(Allowance)
            .where(Allowance.uid == uid, Allowance.place_id == place_id, holder.holds())
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        if found is None:
            raise NoSuch(f"no allowance {uid}")
        day = today(session.get_one(Place, place_id).tz, now)
        if found.last_day is not None and found.last_day <= day:
            return False
        before = _told(found)
        if found.first_day > day:
            session.delete(found)
            _note(session, place_id, holder, by=by, now=now, before=before)
            return True
        found.last_day = day
        _note(session, place_id, holder, by=by, now=now, before=before, after=_told(found))
        return True


def _told(of: NewAllowance | Allowance) -> dict[str, Any]:
    return {
        "allowance": of.name,
        "minutes": of.minutes,
        "granted_from": of.first_day,
        "granted_until": of.last_day,
        "settled": of.settled,
    }


def _note(session: Any, place_id: int, holder: Holder, **told: Any) -> None:
    """Of an organization by its name, for the record has no column for one."""
    if holder.organization_id is not None:
        for state in ("before", "after"):
            if state in told:
                told[state] = {"organization": holder.name} | told[state]
    audit.note(session, Deed.TARIFF, place_id=place_id, member_id=holder.member_id, **told)
