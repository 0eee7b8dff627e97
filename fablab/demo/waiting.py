"""Who waits for a place, and who is offered one: what others have booked in the days ahead on
machines they may use.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from fablab.booking.handover_rules import handover_due
from fablab.booking.models import Handover, Wait
from fablab.demo.diary import Entry
from fablab.demo.people import Player
from fablab.demo.stage import Stage
from fablab.machines.kinds import Status
from fablab.machines.models import Occupancy
from fablab.members.demonstration import ACCOUNTS

WAITED_FOR = 2
A_DAY = timedelta(days=1)


def line_up(
    session: Session, stage: Stage, players: Sequence[Player], entries: Sequence[Entry]
) -> None:
    """Noa waits for two slots of the lasers; for the first, somebody came before her."""
    noa = next(player for player in players if player.key == ACCOUNTS[1][0].partition("@")[0])
    rows: list[dict[str, Any]] = []
    for entry in wanted_by(noa, stage, entries)[:WAITED_FOR]:
        others = [p for p in players if is_as_able(p, noa, entry)]
        in_line = [*others[: not rows], noa]
        rows += [row_of(player, stage, entry, n) for n, player in enumerate(in_line)]
    if rows:
        session.execute(insert(Wait.__table__), rows)


def wanted_by(player: Player, stage: Stage, entries: Sequence[Entry]) -> list[Entry]:
    """The bookings of others to come on what they are trained on, soonest first."""
    soonest = stage.loading.now + A_DAY
    found = [
        entry
        for entry in entries
        if entry.is_standing
        and entry.player not in (None, player)
        and entry.slot.start > soonest
        and entry.machine.slug in player.held
    ]
    return sorted(found, key=lambda entry: (entry.slot, entry.machine.id))


def is_as_able(player: Player, other: Player, entry: Entry) -> bool:
    return (
        player.is_regular
        and player not in (other, entry.player)
        and (entry.machine.slug in player.held)
    )


def row_of(player: Player, stage: Stage, entry: Entry, n: int) -> dict[str, Any]:
    created_at = max(entry.created_at, stage.loading.now - A_DAY) + n * timedelta(minutes=1)
    return {
        "uid": str(uuid4()),
        "place_id": stage.place_id,
        "machine_id": entry.machine.id,
        "member_id": player.member_id,
        "organization_id": player.organization_id,
        "starts_at": entry.slot.start,
        "ends_at": entry.slot.end,
        "duration": entry.slot.duration,
        "purpose": "",
        "is_accompanied": False,
        "created_at": min(created_at, stage.loading.now),
    }


def hand_over(
    session: Session, stage: Stage, players: Sequence[Player], entries: Sequence[Entry]
) -> None:
    """Noa is offered a booking of somebody else, on what she is trained on."""
    email = ACCOUNTS[1][0]
    noa = next(player for player in players if player.key == email.partition("@")[0])
    settled = [
        entry
        for entry in wanted_by(noa, stage, entries)[WAITED_FOR:]
        if entry.status is Status.CONFIRMED and entry.player and not entry.buddy
    ]
    for entry in settled[:1]:
        booked = select(Occupancy.id).where(
            Occupancy.machine_id == entry.machine.id,
            Occupancy.starts_at == entry.slot.start,
            Occupancy.standing,
        )
        now = stage.loading.now
        row = {
            "uid": str(uuid4()),
            "occupancy_id": session.scalar(booked),
            "offered_by_id": entry.player.member_id if entry.player else None,
            "email": email,
            "offered_to_id": noa.member_id,
            "offered_at": now,
            "due_at": handover_due(entry.slot, now),
        }
        session.execute(insert(Handover.__table__), [row])
