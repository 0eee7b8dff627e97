"""The demonstration place: a whole fictional fablab, written into an empty database."""

import tomllib
from datetime import datetime
from importlib import resources

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from fablab.db import retried, writing
from fablab.demo import (
    arrivals,
    diary,
    events,
    lessons,
    people,
    sharing,
    stage,
    statements,
    tariffs,
    upkeep,
    waiting,
)
from fablab.machines import guards
from fablab.members import passwords
from fablab.members.demonstration import ACCOUNTS, PASSWORD
from fablab.members.models import Member
from fablab.places.models import Place
from fablab.words import N_

__all__ = ["ACCOUNTS", "PASSWORD", "DemoRefused", "load"]


class DemoRefused(Exception):
    """The database holds somebody's real data. The text is an English msgid."""


@retried
def load(now: datetime) -> bool:
    """Write the demonstration place, its days counted from the week of `now`.

    False when it is there already: nothing is touched then. Raises DemoRefused when the
    database holds anything else, GuardMissing, and Busy.
    """
    told = tomllib.loads((resources.files(__name__) / "les_usines.toml").read_text("utf-8"))
    with writing() as session:
        if is_loaded(session, told["place"]["slug"]):
            return False
        if session.scalar(select(exists(select(Place.id)) | exists(select(Member.id)))):
            raise DemoRefused(
                N_("This database has data of its own: the demonstration only goes into a new one.")
            )
        guards.require(guards.missing(session.connection()))
        built = stage.build(session, told, now)
        players = people.invite(session, told, built, passwords.hashed(PASSWORD))
        held = lessons.plan(session, told, built, players)
        entries = arrivals.seen(diary.Diary(told, built, players).fill(held), built.loading)
        diary.write(session, entries)
        tariffs.set_out(session, told, built, players)
        tariffs.quote_all(session, built, players)
        sharing.be_away(session, told, built)
        events.rent(session, built, entries)
        waiting.line_up(session, built, players, entries)
        waiting.hand_over(session, built, players, entries)
        upkeep.note(session, told, built, players)
        upkeep.report(session, told, built, players)
        upkeep.plan(session, told, built, players)
        statements.close(session, told, built, players)
    return True


def is_loaded(session: Session, slug: str) -> bool:
    place = exists(select(Place.id).where(Place.slug == slug))
    account = exists(select(Member.id).where(Member.email == ACCOUNTS[0][0]))
    return bool(session.scalar(select(place & account)))
