"""The place of the demonstration as models: its hours, machines, rules, trainings, structures."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any
from uuid import uuid4

from sqlalchemy.orm import Session

from fablab import clock
from fablab.clock import from_wall
from fablab.demo.agreements import agree
from fablab.machines.inventory import (
    MachineFacts,
    category_facts,
    machine_facts,
    machines_of,
    schedule_of,
)
from fablab.machines.kinds import MachineState, RiskClass
from fablab.machines.models import (
    Category,
    Machine,
    MachineResource,
    Policy,
    Pool,
    Resource,
    Seat,
)
from fablab.members.kinds import Audience
from fablab.organizations.models import Organization, OrganizationKind, OrganizationYear
from fablab.places.kinds import Mode, NamesShown
from fablab.places.models import Closure, Opening, Place
from fablab.places.rules import Schedule
from fablab.slots import Slot
from fablab.trainings.models import Training, TrainingGrant, TrainingPrerequisite
from fablab.words import slug

IN_MINUTES = {
    "step",
    "minimum",
    "maximum",
    "fixed",
    "notice",
    "setup",
    "cleanup",
    "cooling",
    "quota_risky",
    "last_minute",
    "answer_within",
    "free_cancellation",
    "release_after",
}
DAYS_A_MONTH = 30.44


@dataclass(frozen=True)
class Loading:
    """When the demonstration is loaded, which all its days are counted from."""

    now: datetime
    zone: tzinfo

    @property
    def today(self) -> date:
        return clock.today(self.zone, self.now)

    @property
    def monday(self) -> date:
        return self.today - timedelta(days=self.today.weekday())

    def from_today(self, days: int) -> date:
        return self.today + timedelta(days=days)

    def from_monday(self, days: int) -> date:
        return self.monday + timedelta(days=days)

    def slot(self, told: dict[str, Any], shift: int = 0) -> Slot:
        """The span of `day` and `from` to `end_day` (the same day) and `to`, `shift` days on."""
        first = told["day"] + shift
        last = told.get("end_day", told["day"]) + shift
        return Slot(self._at(first, told["from"]), self._at(last, told["to"]))

    def _at(self, day: int, hour: str) -> datetime:
        return from_wall(self.zone, self.from_monday(day), time.fromisoformat(hour))


@dataclass(frozen=True)
class Stage:
    """What the people and the diary need to know of the place."""

    place_id: int
    loading: Loading
    schedule: Schedule
    machines: dict[str, MachineFacts]  # by slug
    units: dict[str, list[str]]  # the slugs of each code: a pool of three is three machines
    trainings: dict[str, Training]  # by code
    grants: dict[str, dict[str, int]]  # the level each training gives, by slug
    organizations: dict[str, int]  # ids by key


def build(session: Session, told: dict[str, Any], now: datetime) -> Stage:
    place = build_place(session, told, now)
    loading = Loading(now, place.tz)
    build_closures(place, told, loading)
    organizations = build_organizations(session, told, place, loading)
    categories = build_categories(session, told, place)
    machines = build_machines(session, told, place, categories, organizations, loading)
    policies = build_policies(session, told, place, categories, machines)
    build_resources(session, told, place, machines)
    agree(session, told, machines, loading.from_monday, now)
    trainings, grants = build_trainings(session, told, place, machines)
    session.flush()
    around = {machine.id: found for machine, found in machines_of(place.id).items()}
    facts = {key: category_facts(category) for key, category in categories.items()}
    return Stage(
        place_id=place.id,
        loading=loading,
        schedule=schedule_of(place),
        machines={
            unit.slug: machine_facts(
                unit, facts[one["category"]], policies, *around.get(unit.id, ())
            )
            for one, unit in each_unit(told, machines)
        },
        units={code: [unit.slug for unit in row] for code, row in machines.items()},
        trainings=trainings,
        grants=grants,
        organizations={key: one.id for key, one in organizations.items()},
    )


def build_place(session: Session, told: dict[str, Any], now: datetime) -> Place:
    place = Place(**told["place"], names_shown=NamesShown.MEMBERS, created_at=now)
    place.releases_since = now
    place.house_rules = place.house_rules.strip()
    place.openings = [
        Opening(
            weekday=weekday,
            opens_at=time.fromisoformat(opening["from"]),
            closes_at=time.fromisoformat(opening["to"]),
            mode=Mode(opening["mode"]),
            weeks=opening.get("weeks", ""),
        )
        for opening in told["opening"]
        for weekday in opening["weekdays"]
    ]
    session.add(place)
    session.flush()
    return place


def build_closures(place: Place, told: dict[str, Any], loading: Loading) -> None:
    """Yearly ones began the year before; one whose end comes first spans New Year."""
    for closure in told["closure"]:
        if "day" in closure:
            first = last = loading.from_monday(closure["day"])
        else:
            year = loading.today.year - 1
            first = date.fromisoformat(f"{year}-{closure['from']}")
            last = date.fromisoformat(f"{year}-{closure['to']}")
            last = last if last >= first else last.replace(year=year + 1)
        place.closures.append(
            Closure(
                uid=str(uuid4()),
                first_day=first,
                last_day=last,
                reason=closure["reason"],
                repeats_yearly="day" not in closure,
            )
        )


def build_organizations(
    session: Session, told: dict[str, Any], place: Place, loading: Loading
) -> dict[str, Organization]:
    made = {
        one["key"]: Organization(
            place_id=place.id,
            slug=slug(one["name"]),
            name=one["name"],
            siren=one["siren"],
            customer_code=f"411{one['key']}",
            kind=OrganizationKind(one["kind"]),
            trade=one["trade"],
            legal_form=one["legal_form"],
            hosted_since=loading.from_today(-round(one["hosted"] * DAYS_A_MONTH)),
        )
        for one in told["organization"]
    }
    session.add_all(made.values())
    session.flush()
    for one in told["organization"]:
        session.add_all(
            OrganizationYear(
                organization_id=made[one["key"]].id,
                year=loading.today.year - ago,
                jobs=Decimal(str(one["jobs"])),
                turnover=Decimal(turnover),
                declared_at=loading.now,
            )
            for ago, turnover in enumerate(one["turnover"])
        )
    return made


def build_categories(session: Session, told: dict[str, Any], place: Place) -> dict[str, Category]:
    made = {
        one["slug"]: Category(
            place_id=place.id,
            position=position,
            **{name: one[name] for name in ("slug", "name", "icon", "hue")},
        )
        for position, one in enumerate(told["category"])
    }
    session.add_all(made.values())
    session.flush()
    return made


def build_machines(
    session: Session,
    told: dict[str, Any],
    place: Place,
    categories: dict[str, Category],
    organizations: dict[str, Organization],
    loading: Loading,
) -> dict[str, list[Machine]]:
    """The machines of each code; more than one where the code is a pool's."""
    made: dict[str, list[Machine]] = {}
    for position, one in enumerate(told["machine"]):
        pool = None
        if "pool" in one:
            pool = Pool(place_id=place.id, slug=slug(one["code"]), name=one["pool"])
        owner = organizations[one["owner"]] if "owner" in one else None
        made[one["code"]] = [
            Machine(
                place_id=place.id,
                category_id=categories[one["category"]].id,
                owner_id=owner.id if owner else None,
                pool=pool,
                slug=slug(one["code"] + unit),
                code=one["code"] + unit,
                name=f"{one['name']} {unit}".strip(),
                model=one["model"],
                location=one["location"],
                specs=one["specs"],
                materials_allowed=one.get("allowed", []),
                materials_forbidden=one.get("forbidden", []),
                risk_class=RiskClass(one["risk"]),
                safety=one.get("safety", ""),
                notes=one["notes"],
                asset_number=one.get("asset_number", "") + unit,
                funder=one.get("funder", ""),
                state=MachineState(one.get("state", MachineState.IN_SERVICE)),
                state_reason=one.get("state_reason", ""),
                back_on=loading.from_monday(one["back_on_day"]) if "back_on_day" in one else None,
                position=position,
            )
            for unit in one.get("units", [""])
        ]
        session.add_all(made[one["code"]])
    session.flush()
    return made


def each_unit(
    told: dict[str, Any], machines: dict[str, list[Machine]]
) -> Iterator[tuple[dict[str, Any], Machine]]:
    """Each machine with what is told of it."""
    for one in told["machine"]:
        for unit in machines[one["code"]]:
            yield one, unit


def build_policies(
    session: Session,
    told: dict[str, Any],
    place: Place,
    categories: dict[str, Category],
    machines: dict[str, list[Machine]],
) -> list[Policy]:
    made = [Policy(place_id=place.id, **policy_values(row)) for row in told["policy"]]
    made += [
        Policy(
            place_id=place.id,
            category_id=categories[one["slug"]].id,
            **policy_values(one["policy"]),
        )
        for one in told["category"]
        if "policy" in one
    ]
    for one, unit in each_unit(told, machines):
        if "policy" in one:
            made.append(
                Policy(place_id=place.id, machine_id=unit.id, **policy_values(one["policy"]))
            )
        made += [
            Policy(
                place_id=place.id,
                machine_id=unit.id,
                audience=Audience(audience),
                is_open=False,
            )
            for audience in one.get("closed_to", [])
        ]
        if "for_staff" in one:
            made.append(
                Policy(
                    place_id=place.id,
                    machine_id=unit.id,
                    audience=Audience.STAFF,
                    **policy_values(one["for_staff"]),
                )
            )
    session.add_all(made)
    return made


def policy_values(told: dict[str, Any]) -> dict[str, Any]:
    """The columns of a policy; lengths are told in minutes."""
    values = {
        name: timedelta(minutes=value) if name in IN_MINUTES else value
        for name, value in told.items()
    }
    if "audience" in told:
        values["audience"] = Audience(told["audience"])
    return values


def build_resources(
    session: Session, told: dict[str, Any], place: Place, machines: dict[str, list[Machine]]
) -> None:
    for one in told["resource"]:
        resource = Resource(place_id=place.id, slug=one["slug"], name=one["name"])
        session.add(resource)
        session.flush()
        session.add_all(
            Seat(resource_id=resource.id, number=number + 1) for number in range(one["capacity"])
        )
        session.add_all(
            MachineResource(machine_id=unit.id, resource_id=resource.id)
            for code in one["machines"]
            for unit in machines[code]
        )


def build_trainings(
    session: Session, told: dict[str, Any], place: Place, machines: dict[str, list[Machine]]
) -> tuple[dict[str, Training], dict[str, dict[str, int]]]:
    """The trainings by code, and the level that each gives on machines, by slug."""
    made = {
        one["code"]: Training(
            place_id=place.id,
            code=one["code"],
            name=one["name"],
            duration=timedelta(minutes=one["duration"]),
            seats=one["seats"],
            validity_months=one.get("validity_months"),
            inactivity_months=one.get("inactivity_months"),
            minimum_age=one.get("minimum_age"),
            is_for_everyone=one.get("is_for_everyone", False),
        )
        for one in told["training"]
    }
    session.add_all(made.values())
    session.flush()
    grants: dict[str, dict[str, int]] = {}
    for one in told["training"]:
        training = made[one["code"]]
        session.add_all(
            TrainingPrerequisite(training_id=training.id, required_id=made[code].id)
            for code in one.get("requires", [])
        )
        grants[one["code"]] = {}
        for code, level in one.get("grants", {}).items():
            for unit in machines[code]:
                grants[one["code"]][unit.slug] = level
                session.add(TrainingGrant(training_id=training.id, machine_id=unit.id, level=level))
    return made, grants
