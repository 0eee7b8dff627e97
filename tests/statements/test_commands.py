"""Closing: once, for good, told to whom it concerns; what changes later is a line of the next."""

import threading
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import DBAPIError

from fablab import clock
from fablab.accounts import erasure, merging
from fablab.db import db, writing
from fablab.invitations.commands import is_still_true
from fablab.jobs import reason_to_drop
from fablab.machines.kinds import Status
from fablab.mail.models import OutgoingMail
from fablab.members.models import Member
from fablab.organizations.models import Organization
from fablab.statements import canon, commands, guards, queries
from fablab.statements.commands import CannotClose
from fablab.statements.kinds import LineKind, Scope
from fablab.statements.models import Statement, StatementPerson
from fablab.statements.rules import Period, Refusal, total
from fablab.tariffs.models import Tariff
from tests.conftest import share
from tests.statements.conftest import APRIL, IN_APRIL, IN_MAY, MARCH
from tests.support import slot

HOUR = "2027-03-30 10:00-11:00"


def rows():
    return db.session.execute(select(Statement.__table__).order_by(Statement.id)).all()


def said(row):
    return canon.read(row.body)


def test_a_closed_statement_says_what_was_used_and_proves_it(any_workshop):
    any_workshop.for_studio("laser", HOUR)

    uid = any_workshop.close()

    [row] = rows()
    content = said(row)
    assert (row.uid, row.amount, row.booked) == (uid, Decimal("28.00"), 60)
    assert row.sha256 == canon.fingerprint(row.body) == canon.fingerprint(canon.written(content))
    assert content["subject"]["organization"] == "Studio Fil"
    assert (content["first_day"], content["last_day"]) == ("2027-03-01", "2027-03-31")
    assert content["totals"]["all"]["amount"] == "28.00"


def test_no_name_of_a_person_is_in_what_is_hashed(workshop):
    workshop.for_studio("laser", HOUR)
    workshop.used("laser", "2027-03-30 12:00-13:00")

    workshop.close()
    workshop.close(workshop.member("bruno"))

    for row in rows():
        assert "Bruno" not in row.body
        assert "Lefil" not in row.body


def test_closed_twice_it_is_one(any_workshop):
    any_workshop.for_studio("laser", HOUR)

    assert any_workshop.close() == any_workshop.close()
    assert len(rows()) == 1


def test_closed_by_two_at_once_it_is_one(any_app, any_workshop):
    any_workshop.for_studio("laser", HOUR)
    subject, by, found = any_workshop.subject(), any_workshop.fablab.people["amina"], []
    gate = threading.Barrier(4)

    def close():
        with any_app.app_context():
            gate.wait()
            found.append(commands.close(subject, MARCH, by=by, now=IN_APRIL))

    threads = [threading.Thread(target=close) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    db.session.rollback()
    assert len(found) == 4
    assert set(found) == {row.uid for row in rows()}
    assert len(rows()) == 1


@pytest.mark.parametrize(
    ("period", "now", "reason"),
    [
        (Period(date(2027, 3, 15), date(2027, 4, 14)), IN_MAY, Refusal.STATED),
        (APRIL, IN_APRIL, Refusal.NOT_OVER),
        (Period(APRIL.last, APRIL.first), IN_MAY, Refusal.BACKWARDS),
        (APRIL, IN_MAY, Refusal.NOTHING),
    ],
)
def test_what_cannot_be_closed_says_why_and_leaves_nothing(workshop, period, now, reason):
    workshop.for_studio("laser", HOUR)
    workshop.close()

    with pytest.raises(CannotClose) as refused:
        workshop.close(period=period, now=now)

    assert refused.value.reason is reason
    assert refused.value.other == (MARCH if reason is Refusal.STATED else None)
    assert len(rows()) == 1


def test_another_subject_may_state_the_same_days(workshop):
    workshop.for_studio("laser", HOUR, activity="lamps")

    workshop.close()
    workshop.close(workshop.subject(Scope.ACTIVITY, activity="lamps"))

    assert [row.scope for row in rows()] == [Scope.ORGANIZATION, Scope.ACTIVITY]


def test_those_of_one_subject_are_a_chain(workshop):
    workshop.for_studio("laser", HOUR)
    workshop.for_studio("laser", "2027-04-06 10:00-11:00")

    workshop.close()
    workshop.close(period=APRIL, now=IN_MAY)

    march, april = rows()
    assert (march.previous, april.previous) == ("", march.sha256)
    assert said(april)["previous"] == march.sha256


# What changes afterwards


def another_organization(workshop):
    with writing() as session:
        other = Organization(
            place_id=workshop.place_id, slug="brewery", name="Brewery", kind="company"
        )
        session.add(other)
        session.flush()
        return other.id


def dearer(workshop, uid):
    with writing() as session:
        laser = workshop.fablab.machine("laser").id
        session.execute(update(Tariff).where(Tariff.machine_id == laser).values(price=Decimal(40)))
        session.execute(
            update(db.metadata.tables["place"]).values(
                revision=db.metadata.tables["place"].c.revision + 1
            )
        )


def moved_to_another_organization(workshop, uid):
    workshop.change(uid, organization_id=another_organization(workshop))


def shortened(workshop, uid):
    ends_at = db.session.scalar(
        select(db.metadata.tables["occupancy"].c.starts_at).where(
            db.metadata.tables["occupancy"].c.uid == uid
        )
    )
    workshop.change(uid, ends_at=ends_at.replace(minute=30))


def nobody_came(workshop, uid):
    workshop.terms(missed_percent=0)
    workshop.change(uid, status=Status.MISSED, standing=False)


def present(workshop, uid):
    start = clock.datetime(2027, 3, 30, 8, 0, tzinfo=clock.UTC)
    workshop.change(uid, arrived_at=start, left_at=start.replace(minute=45))


@pytest.mark.parametrize(
    ("change", "amount", "booked", "real"),
    [
        (dearer, "12.00", 0, None),
        (moved_to_another_organization, "-28.00", -60, None),
        (shortened, "-14.00", -30, None),
        (nobody_came, "-28.00", 0, None),
        (present, "0.00", 0, 45),
    ],
)
def test_what_changes_after_closing_changes_nothing_in_it_and_is_a_line_of_the_next(
    any_workshop, change, amount, booked, real
):
    workshop = any_workshop
    uid = workshop.for_studio("laser", HOUR)
    workshop.close()
    before = rows()

    change(workshop, uid)
    workshop.close(period=APRIL, now=IN_MAY)

    march, april = rows()
    assert march == before[0]
    assert march.sha256 == canon.fingerprint(march.body)
    [line] = said(april)["lines"]
    assert (line["kind"], line["booking"]) == (LineKind.CORRECTION, uid)
    assert line["corrects"] == "2027-03-01/2027-03-31"
    assert (line["amount"], line["booked_minutes"]) == (amount, booked)
    if real:
        assert line["real_minutes"] == real


def test_a_mark_that_is_lifted_gives_the_amount_back(workshop):
    workshop.terms(late_percent=50)
    uid = workshop.for_studio("laser", HOUR, status=Status.CANCELLED)
    workshop.mark(uid)
    workshop.close()

    workshop.lift(uid)
    workshop.close(period=APRIL, now=IN_MAY)

    [line] = said(rows()[-1])["lines"]
    assert (line["amount"], line["of"]) == ("-14.00", "late")


def test_what_an_organization_loses_another_is_stated(workshop):
    uid = workshop.for_studio("laser", HOUR)
    other = another_organization(workshop)
    workshop.used("bench", "2027-03-29 10:00-11:00", organization_id=other)
    brewery = workshop.subject(of="brewery")
    workshop.close()
    workshop.close(brewery)

    workshop.change(uid, organization_id=other)

    assert [line.amount for line in workshop.account(period=APRIL).lines] == [Decimal("-28.00")]
    assert [line.amount for line in workshop.account(brewery, APRIL).lines] == [Decimal("28.00")]


def test_a_booking_that_ends_after_the_period_was_closed_is_a_line_of_the_next(workshop):
    workshop.for_studio("laser", HOUR)
    night = workshop.for_studio("bench", "2027-03-31 22:00-02:00")
    in_the_night = clock.datetime(2027, 3, 31, 22, 30, tzinfo=clock.UTC)

    workshop.close(now=in_the_night)

    [line] = workshop.account(period=APRIL).lines
    assert (line.booking, line.booked, line.kind) == (night, 240, LineKind.CORRECTION)


# The database's own guarantee


@pytest.mark.parametrize("column", ["body", "sha256", "amount", "first_day", "subject", "uid"])
def test_the_database_lets_nobody_change_what_is_closed(any_workshop, column):
    any_workshop.for_studio("laser", HOUR)
    any_workshop.close()
    values = {"amount": Decimal(1), "first_day": date(2026, 1, 1)}

    with pytest.raises(DBAPIError, match=guards.CHANGED), writing() as session:
        session.execute(update(Statement.__table__).values({column: values.get(column, "x")}))


def test_the_database_lets_nobody_take_a_statement_away(any_workshop):
    any_workshop.for_studio("laser", HOUR)
    any_workshop.close()

    with writing() as session:
        session.execute(delete(StatementPerson))

    with pytest.raises(DBAPIError, match=guards.DELETED), writing() as session:
        session.execute(delete(Statement))


def test_a_closed_statement_is_not_replaced_by_another_under_its_number(workshop):
    workshop.for_studio("laser", HOUR)
    workshop.close()
    (before,) = rows()

    replacing = insert(Statement.__table__).prefix_with("OR REPLACE")
    for changed in ({"body": "{}"}, {"id": before.id + 1, "body": "{}"}):
        values = {**before._mapping, **changed}
        with pytest.raises(DBAPIError, match=guards.REPLACED), writing() as session:
            session.execute(replacing, values)

    assert rows() == [before]


def test_a_missing_guard_is_told_and_put_back(any_workshop):
    from fablab.health import unready

    where = "" if db.engine.dialect.name == "sqlite" else " ON statement"
    with writing() as session:
        session.connection().exec_driver_sql(f"DROP TRIGGER {guards.CHANGED}{where}")
    assert unready() == [f"the guard {guards.CHANGED} is missing"]

    with writing() as session:
        guards.restore(session.connection())

    assert unready() == []


# Accounts that leave


def test_an_erased_name_leaves_and_the_fingerprint_still_holds(workshop):
    workshop.for_studio("laser", HOUR, "chloe")
    workshop.close()
    [before] = rows()

    erasure.erase(workshop.fablab.people["chloe"], now=IN_APRIL)

    [row] = rows()
    assert row.body == before.body
    assert canon.fingerprint(row.body) == row.sha256
    [person] = queries.people_in(row.id).values()
    assert person.erased_at is not None
    assert "Chloé" not in queries.full_name(person)


def test_two_accounts_made_one_have_what_either_was_stated(workshop):
    workshop.used("bench", HOUR, "chloe")
    workshop.used("bench", "2027-03-30 12:00-13:00", "bruno")
    workshop.close(workshop.member("chloe"))
    workshop.close(workshop.member("bruno"))
    before = [row.body for row in rows()]

    merging.merge(
        workshop.fablab.people["bruno"],
        workshop.fablab.people["chloe"],
        by=workshop.fablab.people["amina"],
        now=IN_APRIL,
    )

    assert [row.body for row in rows()] == before
    assert {row.member_id for row in rows()} == {workshop.fablab.people["bruno"]}
    assert workshop.account(workshop.member("bruno"), APRIL).lines == []


def test_of_an_owner_the_lists_say_their_part(workshop):
    share(workshop.fablab, "laser", share=Decimal(60))
    workshop.used("laser", HOUR, "chloe")

    workshop.close(workshop.subject(Scope.OWNER))

    [row] = rows()
    assert (row.amount, said(row)["totals"]["all"]["amount"]) == (Decimal("16.80"), "28.00")


def test_each_names_the_one_closed_last_of_its_own_chain(workshop):
    """In the order of closing, whatever the order of their days; of two accounts made one, that of
    the account that stays.
    """
    for day in ("2027-01-12", "2027-02-10", "2027-03-30"):
        workshop.used("bench", f"{day} 10:00-11:00", "bruno")
    workshop.used("laser", HOUR, "chloe")
    workshop.used("bench", "2027-04-01 10:00-11:00", "bruno")
    bruno, january, february = (
        workshop.member("bruno"),
        Period(date(2027, 1, 1), date(2027, 1, 31)),
        Period(date(2027, 2, 1), date(2027, 2, 28)),
    )
    for period in (february, january, MARCH):
        workshop.close(bruno, period)
    workshop.close(workshop.member("chloe"))
    merging.merge(
        workshop.fablab.people["bruno"],
        workshop.fablab.people["chloe"],
        by=workshop.fablab.people["amina"],
        now=IN_APRIL,
    )

    workshop.close(bruno, APRIL, IN_MAY)

    first, second, third, _of_chloe, last = rows()
    chain = [row.previous for row in (first, second, third, last)]
    assert chain == ["", first.sha256, second.sha256, third.sha256]
    assert said(last)["previous"] == third.sha256


# Who is told


def told():
    asked = select(OutgoingMail.recipient).where(OutgoingMail.kind == "statement_closed")
    return sorted(address.partition("@")[0] for address in db.session.scalars(asked))


def test_who_manages_the_organization_is_told_where_it_is_and_no_name(workshop):
    workshop.for_studio("laser", HOUR, "chloe", activity="lamps")

    uid = workshop.close()

    assert told() == ["bruno"]
    mail = db.session.execute(select(OutgoingMail.__table__)).one()
    assert reason_to_drop(mail, is_still_true, clock.now()) is None
    assert f"/statements/{uid}" in mail.text
    assert f"/statements/{uid}" in mail.html
    assert "Chloé" not in mail.text + mail.html
    assert "28" not in mail.text


@pytest.mark.parametrize(
    ("scope", "readers"),
    [(Scope.ACTIVITY, ["bruno", "chloe"]), (Scope.MEMBER, ["chloe"]), (Scope.OWNER, ["bruno"])],
)
def test_each_kind_is_told_to_whom_it_concerns(workshop, scope, readers):
    workshop.for_studio("laser", HOUR, "chloe", activity="lamps")
    workshop.used("laser", "2027-03-30 12:00-13:00", "chloe")
    with writing() as session:
        session.execute(
            update(db.metadata.tables["machine"]).values(owner_id=workshop.fablab.organization_id)
        )
    subject = {
        Scope.ACTIVITY: lambda: workshop.subject(Scope.ACTIVITY, activity="lamps"),
        Scope.MEMBER: lambda: workshop.member("chloe"),
        Scope.OWNER: lambda: workshop.subject(Scope.OWNER),
    }[scope]()

    workshop.close(subject)

    assert told() == readers


def test_each_is_told_in_their_own_language(workshop):
    with writing() as session:
        session.execute(update(Member).values(language="fr"))
    workshop.for_studio("laser", HOUR)

    workshop.close()

    text = db.session.scalar(select(OutgoingMail.text))
    assert "n’est pas une facture" in text or "n'est pas une facture" in text


# All at once


def test_what_stands_against_one_keeps_no_other_from_being_closed(workshop):
    workshop.for_studio("laser", HOUR)
    workshop.used("laser", "2027-03-30 12:00-13:00")
    subjects = [workshop.subject(), workshop.member("chloe"), workshop.member("bruno")]

    seen = [(each, total(workshop.account(each).lines)) for each in subjects]
    outcome = commands.close_all(seen, MARCH, by=None, now=IN_APRIL)

    assert outcome.closed == 2
    assert [(each.name, why) for each, why in outcome.refused] == [
        ("Chloé Navette", Refusal.NOTHING)
    ]


def test_of_several_at_once_each_is_counted_by_whom_it_was_closed(any_app, any_workshop):
    any_workshop.for_studio("laser", HOUR)
    any_workshop.used("laser", "2027-03-30 12:00-13:00")
    subjects, found = [any_workshop.subject(), any_workshop.member("bruno")], []
    seen = [(each, total(any_workshop.account(each).lines)) for each in subjects]
    gate = threading.Barrier(3)

    def close():
        with any_app.app_context():
            gate.wait()
            found.append(commands.close_all(seen, MARCH, by=None, now=IN_APRIL))

    threads = [threading.Thread(target=close) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(each.closed for each in found) == 2
    assert [each.refused for each in found] == [[], [], []]
    assert commands.close_all(seen, MARCH, by=None, now=IN_APRIL).closed == 0


def arrive(workshop, uid):
    came = slot("2027-03-30 10:15-11:00")
    workshop.change(uid, arrived_at=came.start, left_at=came.end)


@pytest.mark.parametrize("change", [dearer, arrive])
def test_what_changed_since_it_was_seen_is_not_closed(any_workshop, change):
    uid = any_workshop.for_studio("laser", HOUR)
    subject = any_workshop.subject()
    seen = total(any_workshop.account(subject).lines)
    change(any_workshop, uid)

    with pytest.raises(CannotClose) as refused:
        commands.close(subject, MARCH, seen=seen, by=None, now=IN_APRIL)
    outcome = commands.close_all([(subject, seen)], MARCH, by=None, now=IN_APRIL)

    assert refused.value.reason is Refusal.CHANGED
    assert (outcome.closed, outcome.refused) == (0, [(subject, Refusal.CHANGED)])
    assert db.session.scalar(select(Statement.uid)) is None
    now_seen = total(any_workshop.account(subject).lines)
    assert commands.close(subject, MARCH, seen=now_seen, by=None, now=IN_APRIL)


@pytest.mark.parametrize(
    ("first", "last", "later", "is_found"),
    [
        (date(2027, 2, 1), date(2027, 3, 1), 1, True),  # from its first day on
        (date(2027, 2, 1), date(2027, 2, 28), 1, False),
        (date(2027, 3, 31), date(2027, 4, 30), 1, True),  # to its last
        (date(2027, 4, 1), date(2027, 4, 30), 1, False),
        (date(2026, 4, 1), date(2026, 4, 30), 0, True),  # whenever, closed at that very moment
        (date(2026, 4, 1), date(2026, 4, 30), 1, False),
    ],
)
def test_a_month_has_to_do_with_what_states_its_days_or_was_closed_since(
    any_workshop, first, last, later, is_found
):
    any_workshop.for_studio("laser", HOUR)
    uid = any_workshop.close()
    since = IN_APRIL + clock.timedelta(seconds=later)

    found = queries.of_place(any_workshop.place_id, first, last, since)

    assert [row.uid for row in found] == [uid] * is_found
