"""What an organization declares of its years: its jobs and its turnover."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select, update

from fablab.db import NotAllowed, add_row, retried, writing
from fablab.organizations.commands import Doer, managed, note, today_of
from fablab.organizations.models import OrganizationYear
from fablab.organizations.rules import years


class DeclaredMeanwhile(Exception):
    """Another declaration stands there than the one that was to be corrected."""


def stamp(row: Any) -> str:
    """Which declaration of a year it is; empty where there is none."""
    return row.declared_at.isoformat() if row else ""


@retried
def declare(
    organization_id: int,
    year: int,
    jobs: Decimal | None,
    turnover: Decimal | None,
    *,
    seen: str,
    by: Doer,
    now: datetime,
) -> None:
    """Write down what it says of one of its years, or correct the declaration that was `seen`
    (`stamp`); who said so and when is kept with it. The same again changes nothing.

    Raises DeclaredMeanwhile, so that nothing is replaced unseen; NotAllowed, also of a year that it
    cannot declare; and NoSuch.
    """
    with writing() as session:
        held = managed(session, organization_id, by, now)
        if year not in years(today_of(held, now), held.hosted_since):
            raise NotAllowed
        table = OrganizationYear.__table__
        key = (table.c.organization_id == organization_id, table.c.year == year)
        known = session.execute(select(table).where(*key)).first()
        said = {"jobs": jobs, "turnover": turnover}
        if known and (known.jobs, known.turnover) == (jobs, turnover):
            return
        if stamp(known) != seen:
            raise DeclaredMeanwhile
        made = said | {"declared_by_id": by.id, "declared_at": now}
        if known:
            session.execute(update(table).where(*key).values(**made))
        else:
            add_row(session, OrganizationYear, organization_id=organization_id, year=year, **made)
        was = {name: getattr(known, name) for name in said} if known else {}
        note(
            session,
            held.place_id,
            held.name,
            by=by.id,
            now=now,
            before=_figures(was),
            after={"year": year} | _figures(said),
        )


def _figures(said: dict[str, Decimal | None]) -> dict[str, str]:
    """As JSON holds them."""
    return {name: "" if value is None else f"{value.normalize():f}" for name, value in said.items()}
