"""Which members the team asks for: by what they are, and by what they hold."""

from collections.abc import Collection
from datetime import date, datetime, tzinfo
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy import ColumnElement, exists, or_
from wtforms import SelectChoice, SelectField

from fablab import clock
from fablab.forms import Form
from fablab.machines.inventory import Inventory
from fablab.manage.todo_queries import SOON
from fablab.manage.words import ROLES
from fablab.members.kinds import Audience, Role
from fablab.members.models import Membership, RoleHeld
from fablab.members.words import AUDIENCES
from fablab.trainings import expiries
from fablab.trainings.models import Qualification, Training
from fablab.trainings.queries import holdings
from fablab.words import N_

ANY = SelectChoice("", lazy_gettext("All"))
ENDING = "ending"  # whatever ends within a month
STANDINGS = {
    "valid": N_("Valid"),
    ENDING: N_("Ends within a month"),
    "ended": N_("Ended"),
    "suspended": N_("Suspended"),
    "waiting": N_("Without a membership"),
}


class MemberFilter(Form):
    """From an address; a word that is none of the choices filters nothing."""

    class Meta(Form.Meta):
        csrf = False

    audience = SelectField(lazy_gettext("Kind of member"))
    role = SelectField(lazy_gettext("Role"))
    standing = SelectField(lazy_gettext("Membership"))
    qualification = SelectField(lazy_gettext("Qualification"))

    def __init__(self, typed: Any, trainings: Collection[Training]) -> None:
        super().__init__(typed)
        offered: dict[str, list[tuple[str, Any]]] = {
            "audience": [(each.value, _(word)) for each, word in AUDIENCES.items()],
            "role": [(each.value, _(word)) for each, word in ROLES.items()],
            "standing": [(each, _(word)) for each, word in STANDINGS.items()],
            "qualification": [
                (ENDING, _("Any that ends within a month")),
                *((f"training:{each.code}", each.name) for each in trainings),
            ],
        }
        self.trainings = {f"training:{each.code}": each.id for each in trainings}
        for name, choices in offered.items():
            field = self[name]
            field.choices = [ANY, *(SelectChoice(*each) for each in choices)]
            if field.data not in dict(choices):
                field.data = ""

    @property
    def chosen(self) -> dict[str, str]:
        """What is filtered, for an address of the same."""
        return {field.name: field.data for field in self if field.data}

    def conditions(self, now: datetime, today: date) -> list[ColumnElement[bool]]:
        """For `queries.everybody`."""
        found: list[ColumnElement[bool]] = []
        if self.audience.data:
            found.append(Membership.audience == Audience(self.audience.data))
        if self.role.data:
            found.append(
                exists().where(
                    RoleHeld.membership_id == Membership.id, RoleHeld.role == Role(self.role.data)
                )
            )
        if self.standing.data:
            found.append(stands(self.standing.data, now, today))
        return found

    def holders(self, inventory: Inventory, now: datetime) -> set[int] | None:
        """Who holds what is asked for; None when nothing is."""
        if not self.qualification.data:
            return None
        zone = inventory.schedule.zone
        if self.qualification.data == ENDING:
            return holders_of_what_ends(inventory.place.id, zone, now)
        training_id, today = self.trainings[self.qualification.data], clock.today(zone, now)
        held = holdings(inventory.place.id, zone, now, Qualification.training_id == training_id)
        return {each.member_id for each in held if each.is_valid_on(today)}


def stands(how: str, now: datetime, today: date) -> ColumnElement[bool]:
    """One of STANDINGS as the table knows it."""
    is_valid = or_(Membership.expires_on.is_(None), Membership.expires_on >= today)
    conditions: dict[str, ColumnElement[bool]] = {
        "valid": Membership.id.is_not(None) & is_valid,
        ENDING: Membership.expires_on.between(today, today + SOON),
        "ended": Membership.expires_on < today,
        "suspended": or_(Membership.suspended_until > now, Membership.marked_until > now),
        "waiting": Membership.id.is_(None),
    }
    return conditions[how]


def ending_holdings(place_id: int, zone: tzinfo, now: datetime) -> list[Any]:
    """The qualifications that end within a month and were not renewed, the soonest first."""
    today = clock.today(zone, now)
    held = expiries.lasting(holdings(place_id, zone, now, expiries.may_be_valid(today)))
    ending = [each for each in held if each.last_day and today <= each.last_day <= today + SOON]
    return sorted(ending, key=lambda each: (each.last_day, each.id))


def holders_of_what_ends(place_id: int, zone: tzinfo, now: datetime) -> set[int]:
    return {each.member_id for each in ending_holdings(place_id, zone, now)}
