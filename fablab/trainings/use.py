"""What counts as use of a qualification: the one definition, for the rules and for every page.

Its holder's confirmed booking, once it has begun, of a machine that the qualification is worth
something on. From a training: of any machine that the training grants. Of a machine: of that one
alone, also when a training says where it comes from; for it holds on that machine alone (see
`models.Qualification`), and who uses only the others loses the hand on this one.
"""

from datetime import date, tzinfo
from typing import Any

from sqlalchemy import and_, bindparam, func, or_, select

from fablab import clock
from fablab.db import UTCDateTime
from fablab.machines.kinds import OccupancyKind, Status
from fablab.machines.models import Occupancy
from fablab.trainings.models import Qualification, TrainingGrant
from fablab.trainings.rules import last_valid_day

# Sent with every booking, hence built once: to build them cost more than to send them.
_EARLIER = Occupancy.__table__.alias("earlier_use")
_GRANTED = TrainingGrant.__table__.alias("granted_here")
_OF_TRAINING = (
    select(_GRANTED.c.machine_id)
    .where(_GRANTED.c.training_id == Qualification.training_id)
    .correlate(Qualification.__table__)
)
# When the holder of a `Qualification` last used it, as a column beside it; asks for `now`.
LAST_USED = (
    select(func.max(_EARLIER.c.starts_at))
    .where(
        _EARLIER.c.member_id == Qualification.member_id,
        _EARLIER.c.kind == OccupancyKind.BOOKING,
        _EARLIER.c.status == Status.CONFIRMED,
        _EARLIER.c.starts_at <= bindparam("now", type_=UTCDateTime()),
        or_(
            _EARLIER.c.machine_id == Qualification.machine_id,
            and_(Qualification.machine_id.is_(None), _EARLIER.c.machine_id.in_(_OF_TRAINING)),
        ),
    )
    .correlate(Qualification.__table__)
    .scalar_subquery()
)


def last_day(row: Any, zone: tzinfo) -> date | None:
    """The last valid day of a qualification's row once use is counted; None: for life.

    The row has its dates, what its training says of them, and LAST_USED as `last_used_at`.
    """
    return last_valid_day(
        given_on=row.given_on,
        expires_on=row.expires_on,
        validity_months=row.validity_months,
        inactivity_months=row.inactivity_months,
        is_renewed_by_use=bool(row.is_renewed_by_use),
        last_used_on=clock.today(zone, row.last_used_at) if row.last_used_at else None,
    )
