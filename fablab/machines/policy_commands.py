"""What the team says of the booking rules, the safety text and the referents of a machine."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from fablab.db import NoSuch, by_name, db, retried, writing
from fablab.machines.kinds import MachineState
from fablab.machines.models import Category, Machine, MachineReferent, Policy
from fablab.machines.policies import NAMES
from fablab.machines.policy_rules import Conflict, Table, conflicts
from fablab.members import audit
from fablab.members.kinds import Audience, Deed
from fablab.members.models import Member, Membership
from fablab.places.models import Place
from fablab.seen import fingerprint, refuse_unseen

MINUTE = timedelta(minutes=1)


class PolicyRefused(Exception):
    """What was said does not hold together with what holds elsewhere; nothing was changed."""

    def __init__(self, found: Sequence[Conflict]) -> None:
        super().__init__(found)
        self.conflicts = found


@dataclass(frozen=True, slots=True)
class Scope:
    """Of what a policy speaks (its place, a category of it, or a machine), and for whom."""

    place_id: int
    category_id: int | None = None
    machine_id: int | None = None
    audience: Audience | None = None

    def is_of(self, row: Policy) -> bool:
        return (row.category_id, row.machine_id, row.audience) == (
            self.category_id,
            self.machine_id,
            self.audience,
        )


@retried
def set_policy(
    scope: Scope, values: Mapping[str, Any], *, by: int, now: datetime, seen: str | None = None
) -> None:
    """Say `values`, one for each name of a policy; None says nothing and lets it be inherited.

    A policy that says nothing at all is deleted. `seen` is what `seen_of` gave when it was read.
    Raises PolicyRefused, ChangedMeanwhile, NoSuch when what it is about is not of the place or
    retired, and Busy.
    """
    with writing() as session:
        alone_in(scope.place_id)
        say(session, scope, values, by=by, now=now, seen=seen)


def seen_of(scope: Scope) -> str:
    """The fingerprint of what is said there now."""
    return fingerprint(told(own_of(scope, rows_of(scope.place_id))[-1:]))


def own_of(scope: Scope, rows: Sequence[Policy]) -> list[Policy]:
    return [row for row in rows if scope.is_of(row)]


def say(
    session: Session,
    scope: Scope,
    values: Mapping[str, Any],
    *,
    by: int,
    now: datetime,
    seen: str | None = None,
) -> None:
    """The same in a write that is under way, alone in the place."""
    rows = rows_of(scope.place_id)
    others = [row for row in rows if not scope.is_of(row)]
    own = own_of(scope, rows)
    said = {name: values.get(name) for name in NAMES}
    asked = Policy(
        place_id=scope.place_id,
        category_id=scope.category_id,
        machine_id=scope.machine_id,
        audience=scope.audience,
        **said,
    )
    before, after = told(own[-1:]), told([asked])
    refuse_unseen(seen, before, after)
    changed = {name for name in NAMES if before.get(name) != after.get(name)}
    tables = list(tables_of(scope))
    found = conflicts(tables, [*others, asked], scope.audience, changed)
    if found:
        raise PolicyRefused(found)
    if before == after:
        return
    if "release_after" in changed:
        session.get_one(Place, scope.place_id).releases_since = now
    for row in own[:-1] if after else own:
        session.delete(row)
    if after and own:
        for name in NAMES:
            setattr(own[-1], name, said[name])
    elif after:
        session.add(asked)
    about = subject(scope)
    audit.note(
        session,
        Deed.POLICY,
        place_id=scope.place_id,
        machine_id=scope.machine_id,
        by=by,
        now=now,
        before={name: before.get(name) for name in NAMES if name in changed},
        after=about | {name: after.get(name) for name in NAMES if name in changed},
    )


def alone_in(place_id: int) -> None:
    """One at a time in a place: what two say at once might not hold together."""
    found = db.session.execute(
        select(Place.id).where(Place.id == place_id).with_for_update()
    ).first()
    if found is None:
        raise NoSuch(f"no place {place_id}")


def rows_of(place_id: int) -> list[Policy]:
    """As they stand in the database now, in the order in which they are heard."""
    return list(
        db.session.scalars(
            select(Policy)
            .where(Policy.place_id == place_id)
            .order_by(Policy.id)
            .execution_options(populate_existing=True)
        )
    )


def tables_of(scope: Scope) -> Iterator[Table]:
    """What a policy has a say in: what it is of, and each machine that inherits from it.

    Raises NoSuch when what it is of is not of the place.
    """
    machines = select(
        Machine.id, Machine.category_id, Machine.risk_class, Machine.code, Machine.name
    ).where(Machine.place_id == scope.place_id, Machine.state != MachineState.RETIRED)
    if scope.machine_id is not None:
        machines = machines.where(Machine.id == scope.machine_id)
    elif scope.category_id is not None:
        machines = machines.where(Machine.category_id == scope.category_id)
        is_here = select(Category.id).where(
            Category.id == scope.category_id, Category.place_id == scope.place_id
        )
        if db.session.scalar(is_here) is None:
            raise NoSuch(f"no category {scope.category_id} in place {scope.place_id}")
        yield Table(category_id=scope.category_id)
    else:
        yield Table()
    found = db.session.execute(machines.order_by(Machine.position, Machine.id)).all()
    if scope.machine_id is not None and not found:
        raise NoSuch(f"no machine {scope.machine_id} in use")
    for row in found:
        yield Table(row.category_id, row.id, row.risk_class, f"{row.code} {row.name}")


def told(rows: Sequence[Policy]) -> dict[str, Any]:
    """What a row says, as the record keeps it: lengths in minutes, lists in order."""
    return {
        name: as_kept(getattr(row, name))
        for row in rows
        for name in NAMES
        if getattr(row, name) is not None
    }


def as_kept(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value // MINUTE
    return sorted(value) if isinstance(value, list) else value


def subject(scope: Scope) -> dict[str, Any]:
    about: dict[str, Any] = {}
    if scope.category_id is not None:
        about["category"] = db.session.scalar(
            select(Category.name).where(Category.id == scope.category_id)
        )
    if scope.audience is not None:
        about["audience"] = scope.audience
    return about


@retried
def set_marks(
    place_id: int,
    asked: Mapping[str, int | None],
    *,
    by: int,
    now: datetime,
    seen: str | None = None,
) -> None:
    """How many marks, within how many days, keep a member from booking, and for how long: the
    place's `marks_allowed`, `marks_window_days` and `marks_suspension_days`.

    None allowed: marks are kept and nothing follows. `seen` is the fingerprint of the three as they
    were read. Raises ChangedMeanwhile, NoSuch and Busy.
    """
    with writing() as session:
        alone_in(place_id)
        place = session.get_one(Place, place_id, populate_existing=True)
        before = {name: getattr(place, name) for name in asked}
        refuse_unseen(seen, before, asked)
        if before == asked:
            return
        for name, value in asked.items():
            setattr(place, name, value)
        audit.note(
            session,
            Deed.POLICY,
            place_id=place_id,
            by=by,
            now=now,
            before=before,
            after=dict(asked),
        )


@retried
def set_safety(machine_id: int, text: str, *, by: int, now: datetime) -> None:
    """Say what one must have read before using the machine; a new text is read anew.

    Raises NoSuch for a machine that does not exist or is retired, and Busy.
    """
    with writing() as session:
        machine = in_use(machine_id)
        if machine.safety == text:
            return
        before = machine.safety
        machine.safety = text
        audit.note(
            session,
            Deed.POLICY,
            place_id=machine.place_id,
            machine_id=machine_id,
            by=by,
            now=now,
            before={"safety": before},
            after={"safety": text},
        )


@retried
def add_referent(machine_id: int, member_id: int, *, by: int, now: datetime) -> None:
    """Somebody looks after the machine from now on; once is enough.

    The record is about the member: it is they who may do more. Raises NoSuch when the
    machine is not in use or they are no member of its place, and Busy.
    """
    with writing() as session:
        machine = in_use(machine_id)
        membership = db.session.scalar(
            select(Membership.id).where(
                Membership.member_id == member_id, Membership.place_id == machine.place_id
            )
        )
        if membership is None:
            raise NoSuch(f"no member {member_id} in place {machine.place_id}")
        if session.get(MachineReferent, (machine_id, member_id), populate_existing=True):
            return
        session.add(MachineReferent(machine_id=machine_id, member_id=member_id))
        note_referent(machine, member_id, by=by, now=now, after={"referent_of": called(machine)})


@retried
def remove_referent(machine_id: int, member_id: int, *, by: int, now: datetime) -> None:
    """Somebody looks after the machine no longer. Raises NoSuch when they do not, and Busy."""
    with writing() as session:
        machine = in_use(machine_id)
        held = session.get(MachineReferent, (machine_id, member_id), populate_existing=True)
        if held is None:
            raise NoSuch(f"member {member_id} does not look after machine {machine_id}")
        session.delete(held)
        note_referent(machine, member_id, by=by, now=now, before={"referent_of": called(machine)})


def note_referent(machine: Machine, member_id: int, *, by: int, now: datetime, **told: Any) -> None:
    audit.note(
        db.session(),
        Deed.REFERENTS,
        place_id=machine.place_id,
        member_id=member_id,
        by=by,
        now=now,
        **told,
    )


def in_use(machine_id: int) -> Machine:
    """Alone with the machine. Raises NoSuch."""
    machine = db.session.scalar(
        select(Machine)
        .where(Machine.id == machine_id, Machine.state != MachineState.RETIRED)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if machine is None:
        raise NoSuch(f"no machine {machine_id} in use")
    return machine


def called(machine: Machine) -> str:
    return f"{machine.code} {machine.name}"


def referents(machine_id: int) -> Sequence[Row[int, str, str, str, str]]:
    """Who looks after it, by name."""
    return db.session.execute(
        select(Member.id, Member.uid, Member.first_name, Member.last_name, Member.email)
        .join(MachineReferent, MachineReferent.member_id == Member.id)
        .where(MachineReferent.machine_id == machine_id)
        .order_by(by_name(Member.last_name), by_name(Member.first_name), Member.id)
    ).all()
