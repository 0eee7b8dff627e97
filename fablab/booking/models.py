"""A booking: an occupancy that a member made."""

from sqlalchemy.orm import Mapped, relationship

from fablab.machines.kinds import OccupancyKind
from fablab.machines.models import Occupancy
from fablab.members.models import Member
from fablab.organizations.models import Organization


class Booking(Occupancy):
    """One member, one machine, one slot. Cancelled, never deleted; `title` is its purpose."""

    __mapper_args__ = {"polymorphic_identity": OccupancyKind.BOOKING}

    member: Mapped[Member] = relationship(foreign_keys=Occupancy.member_id)
    organization: Mapped[Organization | None] = relationship()
