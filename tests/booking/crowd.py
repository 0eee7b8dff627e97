"""Many signed-in members at the door of a real server, who all ask in the same instant."""

import time
from collections import Counter
from dataclasses import dataclass
from datetime import tzinfo
from http.client import HTTPConnection
from threading import Barrier, Thread
from typing import NamedTuple

from flask import Flask
from sqlalchemy import func, select

from fablab import clock
from fablab.db import db, writing
from fablab.machines.inventory import of_place
from fablab.machines.models import Occupancy
from fablab.members.models import Member, Membership
from fablab.slots import Slot
from tests.conftest import Fablab
from tests.server import Visitor

PATIENCE = 60.0  # seconds after which an answer will not come


class Answer(NamedTuple):
    status: int
    seconds: float


@dataclass
class Crowd:
    port: int
    visitors: list[Visitor]
    zone: tzinfo

    @classmethod
    def gather(cls, app: Flask, fablab: Fablab, count: int, port: int) -> "Crowd":
        """`count` new members of the fablab, in the current application's database."""
        names = [f"visitor{n}" for n in range(count)]
        with writing() as session:
            for name in names:
                member = Member(
                    uid=f"uid-{name}",
                    email=f"{name}@atelier.example",
                    first_name=name,
                    last_name="Navette",
                    confirmed_at=clock.now(),
                    created_at=clock.now(),
                )
                member.memberships.append(Membership(place_id=fablab.place_id))
                session.add(member)
        visitors = [Visitor.sign_in(app, name) for name in names]
        return cls(port, visitors, of_place(place_id=fablab.place_id).schedule.zone)

    def ask(self, *slots: Slot) -> list[Answer]:
        """Book the bench, each a slot of their own, or all the same one; all at once."""
        wanted = slots if len(slots) > 1 else slots * len(self.visitors)
        barrier, answers = Barrier(len(wanted)), list[Answer]()

        def send(visitor: Visitor, slot: Slot) -> None:
            order = visitor.order("bench", slot, self.zone)
            connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
            connection.connect()
            barrier.wait(PATIENCE)
            began = time.perf_counter()
            connection.request("POST", "/bookings/", order, visitor.headers())
            answer = connection.getresponse()
            answer.read()
            answers.append(Answer(answer.status, time.perf_counter() - began))
            connection.close()

        pairs = zip(self.visitors[: len(wanted)], wanted, strict=True)
        threads = [Thread(target=send, args=pair) for pair in pairs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        return answers


def statuses(answers: list[Answer]) -> Counter[int]:
    return Counter(answer.status for answer in answers)


def overlaps() -> int:
    """Pairs of standing occupancies that overlap on one machine, counted by the database."""
    db.session.rollback()
    one, other = Occupancy.__table__.alias(), Occupancy.__table__.alias()
    asked = select(func.count()).where(
        one.c.machine_id == other.c.machine_id,
        one.c.id < other.c.id,
        one.c.standing,
        other.c.standing,
        one.c.occupied_from < other.c.occupied_until,
        other.c.occupied_from < one.c.occupied_until,
    )
    return db.session.scalar(asked) or 0


def bookings() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(Occupancy)) or 0
