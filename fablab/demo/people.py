"""The people of the demonstration: accounts, memberships, roles, what they were trained for."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple
from uuid import uuid4

from sqlalchemy.orm import Session

from fablab.booking.known import Held
from fablab.booking.models import Acknowledgement
from fablab.clock import from_wall
from fablab.demo.stage import Stage
from fablab.machines.models import MachineReferent
from fablab.members.demonstration import ACCOUNTS
from fablab.members.kinds import TEAM, AgeBand, Audience, Role
from fablab.members.models import Member, Membership, RoleHeld
from fablab.organizations.commands import LASTS
from fablab.organizations.models import OrganizationInvitation, OrganizationMember
from fablab.trainings.models import Level, Qualification, Training
from fablab.trainings.rules import lasts_until

NOA = ACCOUNTS[1][0].partition("@")[0]  # who manages an organization
MORNING = time(10)
LONG_AGO = -900  # days from today: when the team and those without a training joined
PRACTICE = 14  # days from a training to the level that somebody grants on the machine itself
PHONE = "+33 6 39 98 01 {:02}"  # numbers that the French regulator keeps for fiction


@dataclass
class Player:
    """Somebody the diary may book for, and what the rules ask about them."""

    member_id: int
    key: str  # the part of their address before the @
    audience: Audience  # the team's own for its people
    joined: date
    is_regular: bool  # comes to use machines
    organization_id: int | None
    activity: str  # to which they put down what they book for it
    expires_on: date | None
    suspended_until: datetime | None
    suspension_reason: str
    held: dict[str, list[Held]] = field(default_factory=dict)  # by machine


def invite(
    session: Session, told: dict[str, Any], stage: Stage, password_hash: str
) -> list[Player]:
    """Write everybody with all that is told of them."""
    members = [
        build_member(one, stage, password_hash, number) for number, one in enumerate(told["person"])
    ]
    session.add_all(members)
    session.flush()
    players = []
    for one, member in zip(told["person"], members, strict=True):
        join(session, one, member, stage)
        players.append(build_player(one, member, stage))
    qualify(session, told, stage, players)
    session.add_all(read_by(players, stage))
    session.add(asked_by(next(player for player in players if player.key == NOA), stage))
    session.flush()
    return players


def asked_by(manager: Player, stage: Stage) -> OrganizationInvitation:
    """Somebody without an account, whom a manager asked to join yesterday."""
    assert manager.organization_id
    made_at = stage.loading.now - timedelta(days=1)
    return OrganizationInvitation(
        uid=str(uuid4()),
        organization_id=manager.organization_id,
        email="ines.tramier@courriel.example",
        invited_by_id=manager.member_id,
        made_at=made_at,
        expires_at=made_at + LASTS,
    )


def build_member(told: dict[str, Any], stage: Stage, password_hash: str, number: int) -> Member:
    loading = stage.loading
    joined = from_wall(loading.zone, joined_on(told, stage), MORNING)
    agreed = told.get("guardian_agreed")
    member = Member(
        uid=str(uuid4()),
        email=told["email"],
        first_name=told["first_name"],
        last_name=told["last_name"],
        phone=PHONE.format(number),
        shares_phone=number % 2 == 0,
        password_hash=password_hash,
        age_band=AgeBand.ADULT if agreed is None else AgeBand.FROM_16,
        guardian_agreed_on=None if agreed is None else loading.from_today(agreed),
        confirmed_at=joined,
        created_at=joined,
        seen_at=loading.now + timedelta(days=told.get("last_seen", -1)),
    )
    membership = Membership(
        place_id=stage.place_id,
        audience=Audience(told["audience"]),
        expires_on=loading.from_today(told["membership"]) if "membership" in told else None,
        suspended_until=suspension(told, stage),
        suspension_reason=told.get("suspension_reason", ""),
    )
    membership.roles = [RoleHeld(role=Role(role)) for role in told.get("roles", [])]
    member.memberships = [membership]
    return member


def joined_on(told: dict[str, Any], stage: Stage) -> date:
    """The day before their first training."""
    first = min(told.get("trainings", {}).values(), default=LONG_AGO)
    return stage.loading.from_today(first - 1)


def suspension(told: dict[str, Any], stage: Stage) -> datetime | None:
    """From the day told, they may book again."""
    if "suspended_until_day" not in told:
        return None
    day = stage.loading.from_monday(told["suspended_until_day"])
    return from_wall(stage.loading.zone, day, time.min)


def join(session: Session, told: dict[str, Any], member: Member, stage: Stage) -> None:
    """Their structure, and the machines they look after."""
    if "organization" in told:
        session.add(
            OrganizationMember(
                organization_id=stage.organizations[told["organization"]],
                member_id=member.id,
                is_manager=told.get("is_manager", False),
                activity=told.get("activity", ""),
                since=joined_on(told, stage),
            )
        )
    session.add_all(
        MachineReferent(machine_id=stage.machines[unit].id, member_id=member.id)
        for code in told.get("looks_after", [])
        for unit in stage.units[code]
    )


def build_player(told: dict[str, Any], member: Member, stage: Stage) -> Player:
    membership = member.memberships[0]
    roles = {Role(role) for role in told.get("roles", [])}
    return Player(
        member_id=member.id,
        key=member.email.partition("@")[0],
        audience=Audience.STAFF if roles & TEAM else membership.audience,
        joined=joined_on(told, stage),
        is_regular="trainings" in told or told.get("teaches", False),
        organization_id=stage.organizations.get(told.get("organization", "")),
        activity=told.get("activity", ""),
        expires_on=membership.expires_on,
        suspended_until=membership.suspended_until,
        suspension_reason=membership.suspension_reason,
    )


def qualify(session: Session, told: dict[str, Any], stage: Stage, players: list[Player]) -> None:
    """What each followed and was granted; given by whoever teaches it, never by themselves."""
    people = list(zip(told["person"], players, strict=True))
    team = [player for one, player in people if one.get("teaches")]
    referents = {
        unit: player
        for one, player in people
        for code in one.get("looks_after", [])
        for unit in stage.units[code]
    }
    for one, player in people:
        for given in (*followed(one, stage), *granted(one, stage), *entrusted(one, stage)):
            able = [referents[unit] for unit in given.levels if unit in referents] + team
            by = next(trainer for trainer in able if trainer is not player)
            session.add(qualification(given, player, by, stage))
            for unit, level in given.levels.items():
                held = Held(level, given.given_on, given.expires_on)
                player.held.setdefault(unit, []).append(held)


def read_by(players: list[Player], stage: Stage) -> Iterator[Acknowledgement]:
    """What each has read of the machines they were trained on, on that day."""
    for player in players:
        for unit, held in player.held.items():
            machine = stage.machines[unit]
            if machine.safety_hash:
                yield Acknowledgement(
                    member_id=player.member_id,
                    machine_id=machine.id,
                    text_hash=machine.safety_hash,
                    acknowledged_at=from_wall(
                        stage.loading.zone, min(one.given_on for one in held), MORNING
                    ),
                )


class Given(NamedTuple):
    """A qualification: of a training, or of the one machine in `levels`."""

    levels: dict[str, int]  # by machine
    given_on: date
    expires_on: date | None
    training: Training | None
    is_of_training: bool = False


def followed(told: dict[str, Any], stage: Stage) -> Iterator[Given]:
    """Trainings: each on every machine it grants."""
    for code, offset in told.get("trainings", {}).items():
        training, given_on = stage.trainings[code], stage.loading.from_today(offset)
        expires_on = lasts_until(given_on, training.validity_months)
        yield Given(stage.grants[code], given_on, expires_on, training, is_of_training=True)


def granted(told: dict[str, Any], stage: Stage) -> Iterator[Given]:
    """Levels on a machine itself, for as long as the training they come from is valid."""
    for code, level in told.get("levels", {}).items():
        for unit in stage.units[code]:
            source = next(name for name in told["trainings"] if unit in stage.grants[name])
            training = stage.trainings[source]
            given_on = stage.loading.from_today(min(told["trainings"][source] + PRACTICE, 0))
            expires_on = lasts_until(given_on, training.validity_months)
            yield Given({unit: level}, given_on, expires_on, training)


def entrusted(told: dict[str, Any], stage: Stage) -> Iterator[Given]:
    """The team trains others on every machine."""
    if told.get("teaches"):
        for unit in stage.machines:
            yield Given({unit: Level.TRAINER}, stage.loading.from_today(LONG_AGO), None, None)


def qualification(given: Given, player: Player, by: Player, stage: Stage) -> Qualification:
    unit = None if given.is_of_training else next(iter(given.levels))
    return Qualification(
        member_id=player.member_id,
        training_id=given.training.id if given.training else None,
        machine_id=stage.machines[unit].id if unit else None,
        level=given.levels[unit] if unit else None,
        given_on=given.given_on,
        expires_on=given.expires_on,
        given_by_id=by.member_id,
        recorded_at=stage.loading.now,
    )
