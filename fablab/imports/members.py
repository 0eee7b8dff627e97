"""People from a file: one line a member, known by their mail address."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from fablab.db import db
from fablab.imports.machines import by_name, name_key
from fablab.imports.plan import Kind, Plan, Seen, Step, Where, differing, in_portions, sound
from fablab.imports.sheet import BadCell, Column, Problem, Row, day, line_of_text, one_of, yes_or_no
from fablab.members import audit
from fablab.members.commands import normal
from fablab.members.forms import PHONE
from fablab.members.kinds import Audience, Deed
from fablab.members.models import Member, Membership, names_changed
from fablab.members.staff import stand_in_line
from fablab.organizations.models import Organization, OrganizationMember
from fablab.words import LANGUAGES, N_


def address(typed: str) -> str:
    try:
        found = validate_email(typed, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError as error:
        raise BadCell(N_("“%(column)s”: “%(cell)s” is no mail address.")) from error
    return normal(found.ascii_email or "")


def phone(typed: str) -> str:
    if not PHONE.fullmatch(typed):
        raise BadCell(N_("“%(column)s”: write it with digits, like +33 5 00 00 00 00."))
    return typed


COLUMNS = (
    Column("email", address, is_required=True),
    Column("first_name", line_of_text(80), is_required=True),
    Column("last_name", line_of_text(80), is_required=True),
    Column("phone", phone),
    Column("language", one_of(tuple(LANGUAGES))),
    Column("audience", one_of(Audience)),
    Column("membership_until", day),
    Column("minor", yes_or_no),
    Column("guardian_agreed_on", day),
    Column("organization", line_of_text(120)),
    Column("manager", yes_or_no),
    Column("activity", line_of_text(120)),
)
ENDLESS = N_("without end")
# What membership somebody has of whom the line does not say it.
AT_FIRST = {"audience": Audience.INDIVIDUAL, "membership_until": ENDLESS}
TELLING = ("audience", "membership_until", "organization", "manager", "activity")
# Where each column is kept.
OF_MEMBER = {
    "first_name": "first_name",
    "last_name": "last_name",
    "phone": "phone",
    "language": "language",
    "minor": "is_minor",
    "guardian_agreed_on": "guardian_agreed_on",
}
OF_MEMBERSHIP = {"audience": "audience", "membership_until": "expires_on"}
OF_ORGANIZATION = {"manager": "is_manager", "activity": "activity"}
READ_BY_THE_TEAM = {"first_name", "last_name", "phone"}


@dataclass(frozen=True, slots=True)
class There:
    """What the database has of somebody."""

    member: Member
    membership: Membership | None
    link: OrganizationMember | None  # to the organization that the line names


def plan(rows: Sequence[Row], where: Where) -> Plan:
    known, found = Known(rows, where), Plan()
    found.steps += [known.step(row) for row in sound(rows, known.problems_of, found)]
    return found


class Known:
    """Those of the people on the lines who have an account already."""

    def __init__(self, rows: Sequence[Row], where: Where) -> None:
        self.where, self.seen = where, Seen()
        self.organizations = by_name(Organization, {"place_id": where.place_id})
        self.members = members_at([row.values["email"] for row in rows if "email" in row.values])
        ids = [member.id for member in self.members.values()]
        self.memberships = {
            membership.member_id: membership
            for some in in_portions(ids)
            for membership in fresh(
                select(Membership).where(
                    Membership.place_id == where.place_id, Membership.member_id.in_(some)
                )
            )
        }
        self.links = {
            (link.member_id, link.organization_id): link
            for some in in_portions(ids)
            for link in fresh(
                select(OrganizationMember).where(OrganizationMember.member_id.in_(some))
            )
        }

        self.elsewhere = set(
            db.session.scalars(
                select(Membership.member_id).where(Membership.place_id != where.place_id)
            )
        )

    def is_of_others(self, member: Member) -> bool:
        """Somebody of another place, and not of this one: their name is not for its team to say.
        Who holds the machine that the service runs on may.
        """
        is_here = member.id in self.memberships
        return self.where.by is not None and not is_here and member.id in self.elsewhere

    def problems_of(self, row: Row) -> Iterator[Problem]:
        values = row.values
        member = self.members.get(values.get("email", ""))
        if "email" in values:
            yield from self._problems_of_address(row, member)
        if "organization" in values and name_key(values["organization"]) not in self.organizations:
            sentence = N_("There is no organization “%(name)s”: make it first.")
            yield Problem(row.line, sentence, {"name": values["organization"]}, "organization")
        if row.says("manager", "activity") and not row.says("organization"):
            sentence = N_("“manager” and “activity” need an “organization”.")
            column = "manager" if row.says("manager") else "activity"
            yield Problem(row.line, sentence, column=column)
        yield from self._problems_of_age(row, member)

    def _problems_of_address(self, row: Row, member: Member | None) -> Iterator[Problem]:
        told = {"email": row.values["email"]}
        first = self.seen.before(row.values["email"], row.line)
        if first is not None:
            sentence = N_("The address %(email)s was on line %(first)s already.")
            yield Problem(row.line, sentence, told | {"first": first}, "email")
        if member and member.erased_at:
            sentence = N_("The account of %(email)s was erased; it cannot be filled again.")
            yield Problem(row.line, sentence, told, "email")

    def _problems_of_age(self, row: Row, member: Member | None) -> Iterator[Problem]:
        """What the line does not say, their account does: that must be known then."""
        if not row.says("guardian_agreed_on") or not row.knows("minor"):
            return
        if "minor" not in row.values and not row.knows("email"):
            return
        if not row.values.get("minor", member.is_minor if member else False):
            sentence = N_("“guardian_agreed_on” is for minors: “minor” must be yes.")
            yield Problem(row.line, sentence, column="guardian_agreed_on")

    def step(self, row: Row) -> Step:
        values, said = dict(row.values), dict(row.values)
        email = values.pop("email")
        if "organization" in values:
            values["organization"] = self.organizations[name_key(values["organization"])].id
        member = self.members.get(email)
        if member is None:
            return Step(row.line, email, values, said=AT_FIRST | said)
        if self.is_of_others(member):
            values = {name: value for name, value in values.items() if name not in OF_MEMBER}
        link = self.links.get((member.id, values.get("organization", 0)))
        there = There(member, self.memberships.get(member.id), link)
        changes = differing(values, as_lines_say_it(there, self.where))
        if there.membership is None:
            changes["membership"] = self.where.slug
            said = AT_FIRST | said
        return Step(row.line, email, changes, there, said)


def members_at(addresses: Sequence[str]) -> dict[str, Member]:
    """Accounts by address, as the database has them now."""
    return {
        member.email: member
        for some in in_portions(sorted(set(addresses)))
        for member in fresh(select(Member).where(Member.email.in_(some)))
    }


def fresh(asked: Select[*tuple[Any, ...]]) -> Sequence[Any]:
    """Rows as the database has them now, whatever the session had loaded."""
    return db.session.scalars(asked.execution_options(populate_existing=True)).all()


def as_lines_say_it(there: There, where: Where) -> dict[str, Any]:
    """The values of the columns that are kept already; of what is not there, none."""
    kept = {name: getattr(there.member, kept) for name, kept in OF_MEMBER.items()}
    if there.membership:
        kept |= {name: getattr(there.membership, of) for name, of in OF_MEMBERSHIP.items()}
    if there.link:
        kept |= {name: getattr(there.link, of) for name, of in OF_ORGANIZATION.items()}
        if there.link.until is None or there.link.until >= where.today:
            kept["organization"] = there.link.organization_id
    return kept


def write(session: Session, plan: Plan, where: Where, tick: Callable[[], None]) -> None:
    for member_id in sorted(step.target.member.id for step in plan.changed):
        stand_in_line(session, member_id)
    made = {step.line: new_member(step, where) for step in plan.new}
    session.add_all(made.values())
    session.flush()
    for step in plan.steps:
        if not step.is_same:
            there = step.target or There(made[step.line], None, None)
            write_person(session, there.member, step)
            write_membership(session, there, step, where)
            write_link(session, there, step, where)
        tick()


def new_member(step: Step, where: Where) -> Member:
    """Nobody proves the address: the place vouches for it. They choose a password by mail."""
    return Member(
        uid=str(uuid4()),
        email=step.name,
        confirmed_at=where.now,
        created_at=where.now,
        **kept_in(OF_MEMBER, step),
    )


def kept_in(columns: dict[str, str], step: Step) -> dict[str, Any]:
    """What a step changes of one table, by the names of the model."""
    return {kept: step.changes[name] for name, kept in columns.items() if name in step.changes}


def write_person(session: Session, member: Member, step: Step) -> None:
    if step.is_new:
        return
    for name, value in kept_in(OF_MEMBER, step).items():
        setattr(member, name, value)
    if READ_BY_THE_TEAM & step.changes.keys():
        names_changed(session, member.id)


def write_membership(session: Session, there: There, step: Step, where: Where) -> None:
    values = kept_in(OF_MEMBERSHIP, step)
    held = there.membership
    if held and not values:
        return
    before = {"audience": held.audience, "expires_on": held.expires_on} if held else {}
    if held is None:
        held = Membership(member_id=there.member.id, place_id=where.place_id)
        held.audience, held.expires_on = Audience.INDIVIDUAL, None
        session.add(held)
    for name, value in values.items():
        setattr(held, name, value)
    audit.note(
        session,
        Deed.MEMBERSHIP,
        place_id=where.place_id,
        member_id=there.member.id,
        by=where.by,
        now=where.now,
        before=before,
        after={"audience": held.audience, "expires_on": held.expires_on},
    )


def write_link(session: Session, there: There, step: Step, where: Where) -> None:
    """Their place in an organization; one that had ended begins anew."""
    values = kept_in(OF_ORGANIZATION, step)
    if there.link is None and "organization" in step.changes:
        session.add(
            OrganizationMember(
                organization_id=step.changes["organization"],
                member_id=there.member.id,
                since=where.today,
                **values,
            )
        )
    elif there.link:
        if "organization" in step.changes:
            values["until"] = None
            if there.link.until and there.link.until < where.today:
                values["since"] = where.today
        for name, value in values.items():
            setattr(there.link, name, value)


KIND = Kind(COLUMNS, plan, write, TELLING)
