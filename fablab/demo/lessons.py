"""The training sessions of the demonstration: always ahead of its loading, and on open days."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy.orm import Session

from fablab.db import add_row
from fablab.demo.people import Player
from fablab.demo.stage import Stage
from fablab.slots import Slot
from fablab.trainings.kinds import Seating, SessionState
from fablab.trainings.models import Registration, TrainingSession

A_WEEK = 7
TRIES = 5  # weeks
PLANNED_BEFORE = timedelta(days=12)
ASKED_BEFORE = timedelta(days=2)


@dataclass(frozen=True)
class Lesson:
    """A session as the diary holds its machines for it."""

    session_id: int
    training: str
    slot: Slot
    machines: tuple[str, ...]  # slugs


def plan(
    session: Session, told: dict[str, Any], stage: Stage, players: list[Player]
) -> list[Lesson]:
    """Write the sessions told and who is registered, each in the first week it can be held."""
    by_key = {player.key: player.member_id for player in players}
    lessons = []
    for one in told["session"]:
        slot = first_ahead(one, stage)
        if slot is not None:
            lessons.append(write(session, one, slot, stage, by_key))
    return lessons


def first_ahead(told: dict[str, Any], stage: Stage) -> Slot | None:
    """Its slot on the weekday told, the first that has not begun and is no day off."""
    for week in range(TRIES):
        slot = stage.loading.slot(told, week * A_WEEK)
        day = stage.loading.from_monday(told["day"] + week * A_WEEK)
        if slot.start > stage.loading.now and stage.schedule.day_off(day) is None:
            return slot
    return None


def write(
    session: Session, told: dict[str, Any], slot: Slot, stage: Stage, people: dict[str, int]
) -> Lesson:
    training, now = stage.trainings[told["training"]], stage.loading.now
    session_id = add_row(
        session,
        TrainingSession,
        uid=str(uuid4()),
        place_id=training.place_id,
        training_id=training.id,
        trainer_id=people[told["trainer"]],
        starts_at=slot.start,
        ends_at=slot.end,
        location=told["location"],
        seats=training.seats,
        state=SessionState.PLANNED,
        decided_at=now if slot.start - training.decided_before <= now else None,
        created_at=now - PLANNED_BEFORE,
        created_by_id=people[told["trainer"]],
    )
    for number, key in enumerate(told["registered"]):
        add_row(
            session,
            Registration,
            session_id=session_id,
            member_id=people[key],
            seating=Seating.SEATED,
            asked_at=now - ASKED_BEFORE + timedelta(minutes=number),
        )
    return Lesson(session_id, training.name, slot, tuple(told["machines"]))
