"""Roles given and taken, with the machines that go with one of them."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from fablab.db import retried, writing
from fablab.machines.models import Machine, MachineReferent
from fablab.machines.policy_commands import called, note_referent
from fablab.members import staff
from fablab.members.kinds import Role


@retried
def set_roles(
    member_id: int, place_id: int, roles: frozenset[Role], *, by: int, now: datetime
) -> None:
    """As `staff.put_roles`: whose role of a referent is withdrawn looks after no machine any more.

    Raises as it does, and Busy.
    """
    with writing() as session:
        taken = staff.put_roles(session, member_id, place_id, roles, by=by, now=now)
        if Role.REFERENT in taken:
            _relieve(session, member_id, place_id, by=by, now=now)


def _relieve(session: Session, member_id: int, place_id: int, *, by: int, now: datetime) -> None:
    machines = session.scalars(
        select(Machine)
        .join(MachineReferent, MachineReferent.machine_id == Machine.id)
        .where(MachineReferent.member_id == member_id, Machine.place_id == place_id)
        .order_by(Machine.id)
    ).all()
    session.execute(
        delete(MachineReferent).where(
            MachineReferent.member_id == member_id,
            MachineReferent.machine_id.in_([machine.id for machine in machines]),
        )
    )
    for machine in machines:
        note_referent(machine, member_id, by=by, now=now, before={"referent_of": called(machine)})
