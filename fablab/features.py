"""The features whose pages are served, each by its views."""

from fablab import health, metrics, preferences
from fablab.accounts import views as accounts
from fablab.booking import consent_views as consents
from fablab.booking import handover_views as handovers
from fablab.booking import series_views as series
from fablab.booking import supply_views as supplies
from fablab.booking import views as booking
from fablab.booking import wait_views as waits
from fablab.calendars import views as calendars
from fablab.help import views as help_pages
from fablab.home import allowance_views as allowances
from fablab.home import look_views as look
from fablab.home import organization_own_views as organizations
from fablab.home import owner_views as owners
from fablab.home import views as home
from fablab.invitations import choice_views as mails
from fablab.invitations import views as invitations
from fablab.manage import views as manage
from fablab.members import views as members
from fablab.presence import wall_views as presence
from fablab.reports import views as reports
from fablab.statements import views as statements
from fablab.trainings import views as trainings
from fablab.upkeep import views as upkeep

FEATURES = (
    home,
    look,
    help_pages,
    members,
    accounts,
    trainings,
    booking,
    consents,
    handovers,
    series,
    supplies,
    waits,
    upkeep,
    presence,
    calendars,
    invitations,
    mails,
    organizations,
    owners,
    allowances,
    statements,
    manage,
    reports,
    preferences,
    health,
    metrics,
)
