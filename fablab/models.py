"""Every table, imported so that the metadata is whole: for migrations, and for mappers to find."""

from fablab.booking.models import Booking
from fablab.calendars.models import FeedToken
from fablab.machines.models import Change, Machine, Occupancy
from fablab.mail.models import OutgoingMail
from fablab.members.audit import AuditEntry
from fablab.members.models import Member
from fablab.organizations.models import Organization
from fablab.places.models import Place
from fablab.trainings.models import Qualification

__all__ = [
    "AuditEntry",
    "Booking",
    "Change",
    "FeedToken",
    "Machine",
    "Member",
    "Occupancy",
    "Organization",
    "OutgoingMail",
    "Place",
    "Qualification",
]
