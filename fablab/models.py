"""Every table, imported so that the metadata is whole: for migrations, and for mappers to find."""

from fablab.agendas.models import Agenda, AgendaDraft, AgendaEntry
from fablab.booking.models import Acknowledgement, Booking, Consent, Handover, Series, Wait
from fablab.calendars.models import FeedToken
from fablab.imports.models import ImportDraft, ImportedBooking
from fablab.invitations.models import Invitation
from fablab.machines.agreement_models import (
    InsuranceWarning,
    OwnerOutage,
    OwnerRange,
    SharingAgreement,
)
from fablab.machines.models import Change, Claim, Machine, Occupancy, Resource
from fablab.mail.models import OutgoingMail
from fablab.members.audit import AuditEntry
from fablab.members.models import Mark, Member
from fablab.organizations.models import Organization, OrganizationInvitation
from fablab.places.models import Place
from fablab.presence.models import BoardAddress
from fablab.statements.models import Statement
from fablab.tariffs.models import Allowance, Tariff
from fablab.trainings.models import Qualification, TrainingSession
from fablab.upkeep.models import Fault, LogEntry, Maintenance

__all__ = [
    "Acknowledgement",
    "Agenda",
    "AgendaDraft",
    "AgendaEntry",
    "Allowance",
    "AuditEntry",
    "BoardAddress",
    "Booking",
    "Change",
    "Claim",
    "Consent",
    "Fault",
    "FeedToken",
    "Handover",
    "ImportDraft",
    "ImportedBooking",
    "InsuranceWarning",
    "Invitation",
    "LogEntry",
    "Machine",
    "Maintenance",
    "Mark",
    "Member",
    "Occupancy",
    "Organization",
    "OrganizationInvitation",
    "OutgoingMail",
    "OwnerOutage",
    "OwnerRange",
    "Place",
    "Qualification",
    "Resource",
    "Series",
    "SharingAgreement",
    "Statement",
    "Tariff",
    "TrainingSession",
    "Wait",
]
