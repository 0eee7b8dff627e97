"""What is asked of closed statements, and of whom they are about."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, String, and_, or_, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from fablab.db import db
from fablab.machines.agreement_models import SharingAgreement
from fablab.machines.models import Machine, Occupancy
from fablab.members.models import Member, Membership
from fablab.organizations.models import Organization, OrganizationMember
from fablab.organizations.queries import is_in
from fablab.statements.kinds import Scope
from fablab.statements.models import Statement, StatementFile, StatementPerson
from fablab.statements.pricing import Share
from fablab.tariffs.models import Allowance


class Subject(NamedTuple):
    """Of whom a statement is; of an organization its row, of a member theirs."""

    scope: Scope
    place_id: int
    row: Any
    activity: str = ""

    @property
    def is_member(self) -> bool:
        return self.scope is Scope.MEMBER

    @property
    def organization_id(self) -> int | None:
        return None if self.is_member else self.row.id

    @property
    def member_id(self) -> int | None:
        return self.row.id if self.is_member else None

    @property
    def of(self) -> str:
        """What an address calls it."""
        return str(self.row.uid if self.is_member else self.row.slug)

    @property
    def key(self) -> str:
        """In one word that never changes, whatever it is called one day."""
        return f"{self.scope}:{self.row.uid if self.is_member else self.row.id}:{self.activity}"

    @property
    def name(self) -> str:
        return full_name(self.row) if self.is_member else str(self.row.name)


ORGANIZATION = (
    Organization.id,
    Organization.slug,
    Organization.name,
    Organization.kind,
    Organization.siren,
    Organization.customer_code,
)
MEMBER = (
    Member.id,
    Member.uid,
    Member.first_name,
    Member.last_name,
    Member.erased_at,
)


def full_name(row: Any) -> str:
    return f"{row.first_name} {row.last_name}".strip()


def subject(scope: Scope, of: str, activity: str, place_id: int) -> Subject | None:
    """Of the place, by what an address calls it. One statement."""
    if (scope is Scope.ACTIVITY) != bool(activity):
        return None
    asked = (
        select(*MEMBER).where(Member.uid == of, is_of_the_place(place_id))
        if scope is Scope.MEMBER
        else select(*ORGANIZATION).where(Organization.slug == of, Organization.place_id == place_id)
    )
    row = db.session.execute(asked).first()
    return Subject(scope, place_id, row, activity) if row else None


def is_of_the_place(place_id: int) -> ColumnElement[bool]:
    """Belongs to it, or has used something there: a membership may have gone with an account."""
    belongs = select(Membership.member_id).where(Membership.place_id == place_id)
    used = (
        select(Occupancy.member_id)
        .join(Machine, Machine.id == Occupancy.machine_id)
        .where(Machine.place_id == place_id, Occupancy.member_id == Member.id)
    )
    return or_(Member.id.in_(belongs), used.exists())


def organizations(place_id: int) -> dict[int, Any]:
    asked = select(*ORGANIZATION).where(Organization.place_id == place_id)
    return {row.id: row for row in db.session.execute(asked)}


def members(ids: Iterable[int]) -> dict[int, Any]:
    """One statement, none without anybody."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    asked = select(*MEMBER).where(Member.id.in_(wanted))
    return {row.id: row for row in db.session.execute(asked)}


# Closed ones


def is_of(subject: Subject) -> ColumnElement[bool]:
    """Also after two accounts became one: of the member that it is today."""
    return and_(
        Statement.place_id == subject.place_id,
        Statement.scope == subject.scope,
        Statement.organization_id == subject.organization_id,
        Statement.activity == subject.activity,
        Statement.member_id == subject.member_id,
    )


HEAD = (
    Statement.id,
    Statement.uid,
    Statement.place_id,
    Statement.scope,
    Statement.organization_id,
    Statement.activity,
    Statement.member_id,
    Statement.first_day,
    Statement.last_day,
    Statement.closed_at,
    Statement.sha256,
    Statement.amount,
    Statement.booked,
)


def closed(subject: Subject) -> Sequence[Any]:
    """All of it, bodies too, in the order in which they were closed. One statement."""
    asked = select(*HEAD, Statement.body, Statement.subject).where(is_of(subject))
    return db.session.execute(asked.order_by(Statement.id)).all()


class currency_of(FunctionElement[str]):  # noqa: N801 - reads like `func.…`
    """What the body of a closed statement says, without the rest of it."""

    type = String()
    inherit_cache = True


@compiles(currency_of, "sqlite")
def _on_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    return f"json_extract({compiler.process(element.clauses, **kw)}, '$.currency')"


@compiles(currency_of, "postgresql")
def _on_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **kw)} AS json) ->> 'currency'"


def heads(*narrowed: ColumnElement[bool]) -> Sequence[Any]:
    """Without their bodies, the latest period first, with what their subjects are called."""
    asked = (
        select(
            *HEAD,
            currency_of(Statement.body).label("currency"),
            Organization.name.label("organization"),
            Organization.slug,
            Member.uid.label("member_uid"),
            Member.first_name,
            Member.last_name,
        )
        .outerjoin(Organization, Organization.id == Statement.organization_id)
        .outerjoin(Member, Member.id == Statement.member_id)
        .where(*narrowed)
        .order_by(Statement.first_day.desc(), Statement.scope, Statement.id)
    )
    return db.session.execute(asked).all()


def stating(subject: Subject, first: date, last: date) -> Sequence[Any]:
    """Those of the subject that state a day of these, without their bodies."""
    return heads(is_of(subject), Statement.first_day <= last, Statement.last_day >= first)


def holding(
    place_id: int, day: date, *, organizations: Iterable[int], member_id: int
) -> Sequence[Any]:
    """Those that state a day of these organizations, or of what the member used for themselves."""
    theirs = or_(
        Statement.organization_id.in_(sorted(set(organizations))), Statement.member_id == member_id
    )
    return heads(
        Statement.place_id == place_id,
        Statement.scope.in_((Scope.ORGANIZATION, Scope.ACTIVITY, Scope.MEMBER)),
        Statement.first_day <= day,
        Statement.last_day >= day,
        theirs,
    )


def of_place(place_id: int, first: date, last: date, since: datetime) -> Sequence[Any]:
    """With their bodies: those that state a day of these, and all closed `since`, in the order in
    which they were closed. One statement.
    """
    is_of_these_days = and_(Statement.first_day <= last, Statement.last_day >= first)
    asked = select(*HEAD, Statement.body, Statement.subject).where(
        Statement.place_id == place_id, or_(is_of_these_days, Statement.closed_at >= since)
    )
    return db.session.execute(asked.order_by(Statement.id)).all()


def find(uid: str) -> Any:
    """One with its body and what its subject is called, in any place."""
    asked = (
        select(
            *HEAD,
            Statement.body,
            Statement.previous,
            Organization.name.label("organization"),
            Organization.slug,
            Member.uid.label("member_uid"),
            Member.first_name,
            Member.last_name,
        )
        .outerjoin(Organization, Organization.id == Statement.organization_id)
        .outerjoin(Member, Member.id == Statement.member_id)
        .where(Statement.uid == uid)
    )
    return db.session.execute(asked).first()


def people_in(*statement_ids: int) -> dict[str, Any]:
    """Whom the references of these mean. One statement, none without any."""
    if not statement_ids:
        return {}
    asked = (
        select(StatementPerson.reference, *MEMBER)
        .join(Member, Member.id == StatementPerson.member_id)
        .where(StatementPerson.statement_id.in_(statement_ids))
    )
    return {row.reference: row for row in db.session.execute(asked)}


def of_others(statement_ids: Iterable[int], member_id: int) -> set[int]:
    """Those of these that somebody else is in too. One statement, none without any."""
    wanted = sorted(set(statement_ids))
    if not wanted:
        return set()
    asked = select(StatementPerson.statement_id).where(
        StatementPerson.statement_id.in_(wanted), StatementPerson.member_id != member_id
    )
    return set(db.session.scalars(asked))


# What lines are made of beside the uses


def allowances(place_id: int, *narrowed: ColumnElement[bool]) -> Sequence[Any]:
    return db.session.execute(
        select(Allowance.__table__)
        .where(Allowance.place_id == place_id, *narrowed)
        .order_by(Allowance.id)
    ).all()


def held_by(subject: Subject) -> ColumnElement[bool]:
    if subject.is_member:
        return Allowance.member_id == subject.member_id
    return Allowance.organization_id == subject.organization_id


def shares(*owner_ids: int) -> dict[int, list[Share]]:
    """What owners agreed to have of the amounts of each of their machines, by the days for which
    it was agreed. One statement, none without any.
    """
    found: dict[int, list[Share]] = {owner_id: [] for owner_id in owner_ids}
    if not found:
        return found
    asked = select(
        SharingAgreement.owner_id,
        SharingAgreement.machine_id,
        SharingAgreement.first_day,
        SharingAgreement.last_day,
        SharingAgreement.share,
    ).where(SharingAgreement.owner_id.in_(sorted(found)))
    for row in db.session.execute(asked):
        agreed = Share(row.machine_id, row.first_day, row.last_day, row.share)
        found[row.owner_id].append(agreed)
    return found


def bookings(uids: Iterable[str]) -> Mapping[str, Any]:
    """Whether their people's accounts are erased, and whose machines they are on. One statement,
    none without any.
    """
    wanted = sorted(set(uids))
    if not wanted:
        return {}
    asked = (
        select(Occupancy.uid, Member.erased_at, Machine.owner_id)
        .join(Machine, Machine.id == Occupancy.machine_id)
        .outerjoin(Member, Member.id == Occupancy.member_id)
        .where(Occupancy.uid.in_(wanted))
    )
    return {row.uid: row for row in db.session.execute(asked)}


# Who reads


def readers(subject: Subject, day: date) -> Sequence[Any]:
    """Whom a closed one is mailed to: who manages the organization, whose activity it is, or the
    member. One statement.
    """
    return readers_of([subject], day)[subject.key]


def readers_of(subjects: Sequence[Subject], day: date) -> dict[str, list[Any]]:
    """The same of several, by their keys. At most two statements, however many there are."""
    members = sorted({each.row.id for each in subjects if each.is_member})
    organizations = sorted({each.row.id for each in subjects if not each.is_member})
    asked = select(
        Member.id, Member.uid, Member.email, Member.language, Member.first_name, Member.last_name
    ).where(Member.erased_at.is_(None), Member.confirmed_at.is_not(None))
    alone: dict[int, Any] = {}
    if members:
        alone = {row.id: row for row in db.session.execute(asked.where(Member.id.in_(members)))}
    people: Sequence[Any] = ()
    if organizations:
        people = db.session.execute(
            asked.add_columns(
                OrganizationMember.organization_id,
                OrganizationMember.is_manager,
                OrganizationMember.activity,
            )
            .join(OrganizationMember, OrganizationMember.member_id == Member.id)
            .where(OrganizationMember.organization_id.in_(organizations), is_in(day))
            .order_by(Member.id)
        ).all()
    return {
        each.key: [alone[id_] for id_ in (each.row.id,) if id_ in alone]
        if each.is_member
        else [row for row in people if concerns(each, row)]
        for each in subjects
    }


def concerns(subject: Subject, stay: Any) -> bool:
    if stay.organization_id != subject.organization_id:
        return False
    is_theirs = subject.scope is Scope.ACTIVITY and stay.activity == subject.activity
    return bool(stay.is_manager or is_theirs)


def stay_in(organization_id: int, member_id: int, day: date) -> Any:
    """What somebody is in an organization that day, or None."""
    return db.session.execute(
        select(OrganizationMember.is_manager, OrganizationMember.activity).where(
            OrganizationMember.organization_id == organization_id,
            OrganizationMember.member_id == member_id,
            is_in(day),
        )
    ).first()


def activities_of(member_id: int, day: date) -> Sequence[Any]:
    """The activity accounts somebody has that day, with their organizations, and whether they
    manage them.
    """
    return db.session.execute(
        select(
            OrganizationMember.organization_id,
            OrganizationMember.activity,
            OrganizationMember.is_manager,
        ).where(
            OrganizationMember.member_id == member_id,
            OrganizationMember.activity != "",
            is_in(day),
        )
    ).all()


def stays_of(member_id: int, place_id: int, day: date) -> Sequence[Any]:
    """What somebody is in the organizations of a place that day."""
    return db.session.execute(
        select(
            OrganizationMember.organization_id,
            OrganizationMember.is_manager,
            OrganizationMember.activity,
        )
        .join(Organization, Organization.id == OrganizationMember.organization_id)
        .where(
            OrganizationMember.member_id == member_id,
            Organization.place_id == place_id,
            is_in(day),
        )
    ).all()


def used_by_others(
    accounts: Iterable[tuple[int, str]], member_id: int, since: datetime
) -> set[tuple[int, str]]:
    """The activity accounts, by organization, that somebody else booked something on that starts
    `since` then. One statement, none without any.
    """
    wanted = sorted(set(accounts))
    if not wanted:
        return set()
    named = [
        and_(Occupancy.organization_id == organization_id, Occupancy.activity == activity)
        for organization_id, activity in wanted
    ]
    asked = select(Occupancy.organization_id, Occupancy.activity).where(
        or_(*named), Occupancy.member_id != member_id, Occupancy.starts_at >= since
    )
    return {(row.organization_id, row.activity) for row in db.session.execute(asked.distinct())}


def file_of(place_id: int) -> Any:
    """How the place wants its files; None when it never said."""
    asked = select(StatementFile.__table__).where(StatementFile.place_id == place_id)
    return db.session.execute(asked).first()
