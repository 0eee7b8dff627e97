"""Agreeing, ending, an owner who needs the machine; whom it concerns is told, and once."""

from dataclasses import replace
from datetime import date, time, timedelta
from decimal import Decimal

import pytest

from fablab import clock
from fablab.db import NoSuch, NotAllowed, db, writing
from fablab.invitations import commands as invitations
from fablab.machines.agreement_models import InsuranceWarning, OwnerOutage, SharingAgreement
from fablab.machines.models import Change, Machine, Outage
from fablab.mail.models import OutgoingMail
from fablab.members.audit import AuditEntry
from fablab.members.kinds import Deed
from fablab.places.rules import WeeklyOpening
from fablab.sharing import commands, warnings
from fablab.sharing.commands import ChangedMeanwhile, NoOwner, Overlaps, Terms, TooSoon
from fablab.upkeep.stopping import Choice, Fate, Undecided
from tests.booking.test_sharing import manage
from tests.conftest import share
from tests.support import counting, slot

TERMS = Terms(
    first_day=date(2027, 1, 1),
    notice_days=60,
    audiences=("resident",),
    ranges=(WeeklyOpening(1, time(9), time(12)),),
    release=timedelta(hours=24),
    share=Decimal("62.5"),
)
LATER = slot("2027-04-10 14:00-16:00")


def own(fablab, slug="bench"):
    with writing() as session:
        machine = session.scalars(db.select(Machine).where(Machine.slug == slug)).one()
        machine.owner_id = fablab.organization_id


def begin(fablab, terms=TERMS):
    by = fablab.people["amina"]
    return commands.begin(fablab.machine("bench").id, terms, by=by, now=clock.now())


def end(fablab, uid, day, who="amina", is_team=True):
    last_day = date.fromisoformat(day)
    by = fablab.people[who]
    commands.end(uid, last_day, by=by, is_team=is_team, now=clock.now())


def told(what: str) -> int:
    return len(db.session.scalars(db.select(Change).where(Change.what == what)).all())


def mails(kind: str) -> list[str]:
    asked = db.select(OutgoingMail.recipient).where(OutgoingMail.kind == kind)
    return [each.partition("@")[0] for each in db.session.scalars(asked.order_by(OutgoingMail.id))]


def test_what_is_agreed_holds_at_once_and_is_recorded(any_fablab):
    own(any_fablab)

    uid = begin(any_fablab)

    [agreement] = any_fablab.machine("bench").agreements
    assert (agreement.uid, agreement.owner, agreement.share) == (uid, "Studio Fil", Decimal("62.5"))
    assert agreement.ranges == TERMS.ranges
    [entry] = db.session.scalars(db.select(AuditEntry).filter_by(what=Deed.SHARING))
    assert entry.after["share"] == "62.5"
    assert entry.after["owner_ranges"] == "1 09:00-12:00"


def test_it_is_changed_as_it_was_shown_or_not_at_all(any_fablab):
    own(any_fablab)
    uid, by = begin(any_fablab), any_fablab.people["amina"]
    changed = replace(TERMS, ranges=(*TERMS.ranges, WeeklyOpening(2, time(9), time(12))))

    commands.change(uid, changed, revision=0, by=by, now=clock.now())
    with pytest.raises(ChangedMeanwhile):
        commands.change(uid, TERMS, revision=0, by=by, now=clock.now())

    [agreement] = any_fablab.machine("bench").agreements
    assert len(agreement.ranges) == 2


def test_a_machine_of_the_place_has_nobody_to_agree_with(fablab):
    with pytest.raises(NoOwner):
        begin(fablab)


def test_two_agreements_never_cover_one_day(any_fablab):
    own(any_fablab)
    begin(any_fablab, replace(TERMS, last_day=date(2027, 6, 30)))

    with pytest.raises(Overlaps):
        begin(any_fablab, replace(TERMS, first_day=date(2027, 6, 30)))
    begin(any_fablab, replace(TERMS, first_day=date(2027, 7, 1)))

    assert len(any_fablab.machine("bench").agreements) == 2
    assert db.session.query(SharingAgreement).count() == 2


def test_what_was_agreed_with_a_former_owner_says_nothing(fablab):
    own(fablab)
    begin(fablab)
    with writing() as session:
        machine = session.scalars(db.select(Machine).where(Machine.slug == "bench")).one()
        machine.owner_id = None

    assert fablab.machine("bench").agreements == ()


# -- ending


def test_who_has_booked_beyond_the_end_is_told_once_with_other_slots(any_fablab):
    manage(any_fablab, "bruno")
    uid = share(any_fablab)
    any_fablab.book("bench", slot("2027-04-01 14:00-16:00"), "chloe")
    late = any_fablab.book("bench", LATER, "chloe")
    invitations.tell(clock.now())

    end(any_fablab, uid, "2027-04-05")
    end(any_fablab, uid, "2027-04-02")
    invitations.tell(clock.now())

    assert told("unshared") == 1
    assert mails("booking_unshared") == ["chloe"]
    [mail] = db.session.scalars(db.select(OutgoingMail).filter_by(kind="booking_unshared"))
    assert f"/bookings/{late}/move" in mail.text
    assert mails("sharing_ends") == ["bruno", "bruno"]  # its manager, and not who did it


def test_who_was_told_hears_that_it_is_shared_after_all(any_fablab):
    uid = share(any_fablab, last_day=date(2027, 12, 31))
    any_fablab.book("bench", LATER, "chloe")
    invitations.tell(clock.now())
    end(any_fablab, uid, "2027-04-05")
    invitations.tell(clock.now())

    terms = Terms(first_day=date(2026, 1, 1), share=Decimal(50))
    by = any_fablab.people["amina"]
    commands.change(uid, terms, revision=1, by=by, now=clock.now())
    invitations.tell(clock.now())

    assert (told("unshared"), told("shared")) == (1, 1)
    assert mails("booking_shared") == ["chloe"]


def test_an_owner_gives_the_notice_that_was_agreed(any_fablab):
    manage(any_fablab, "bruno")
    uid = share(any_fablab, notice_days=60)

    with pytest.raises(TooSoon) as refused:
        end(any_fablab, uid, "2027-05-27", "bruno", is_team=False)
    assert refused.value.earliest == date(2027, 5, 28)
    end(any_fablab, uid, "2027-05-28", "bruno", is_team=False)
    with pytest.raises(NotAllowed):
        end(any_fablab, uid, "2027-06-28", "bruno", is_team=False)

    assert any_fablab.machine("bench").agreements[0].last_day == date(2027, 5, 28)
    assert mails("sharing_ends") == ["amina"]


def test_nothing_ends_before_today(fablab):
    uid = share(fablab)

    with pytest.raises(TooSoon):
        end(fablab, uid, "2027-03-28")
    end(fablab, uid, "2027-03-29")


# -- an owner who needs it


def declare(fablab, choices=(), span=LATER):
    machine = fablab.machine("bench")
    return commands.declare_absence(
        machine.id,
        fablab.place_id,
        fablab.organization_id,
        span,
        "Chantier",
        dict(choices),
        by=fablab.people["bruno"],
        now=clock.now(),
    )


def test_what_is_booked_then_is_decided_on_first(any_fablab):
    share(any_fablab)
    uid = any_fablab.book("bench", slot("2027-04-10 15:00-16:00"), "chloe")

    with pytest.raises(Undecided):
        declare(any_fablab)
    assert db.session.query(OwnerOutage).count() == 0

    [outage] = declare(any_fablab, {uid: Choice(Fate.CANCEL, 0)}.items())
    assert db.session.query(OwnerOutage).count() == 1
    found = db.session.scalars(db.select(Outage).filter_by(uid=outage)).one()
    assert found.slot == LATER


def test_it_is_taken_back_by_who_declared_it_alone(any_fablab):
    share(any_fablab)
    [uid] = declare(any_fablab)
    machine, by = any_fablab.machine("bench").id, any_fablab.people["bruno"]

    with pytest.raises(NoSuch):
        commands.take_back_absence(uid, machine, 999, by=by, now=clock.now())
    commands.take_back_absence(uid, machine, any_fablab.organization_id, by=by, now=clock.now())

    assert not db.session.scalars(db.select(Outage).filter_by(uid=uid)).one().standing


def test_an_outage_of_the_teams_is_not_the_owners_to_end(fablab):
    from fablab.machines import commands as machines

    share(fablab)
    machine, by = fablab.machine("bench").id, fablab.people["bruno"]
    uid = machines.withdraw(machine, LATER, "Works", by=by, now=clock.now())

    with pytest.raises(NoSuch):
        commands.take_back_absence(uid, machine, fablab.organization_id, by=by, now=clock.now())


def test_a_machine_of_others_is_not_theirs_to_withdraw(fablab):
    with pytest.raises(NotAllowed):
        declare(fablab)


# -- the insurance


def test_the_owner_and_the_team_are_warned_once_for_each_warning(any_fablab, at):
    manage(any_fablab, "bruno")
    share(any_fablab, insured_until=date(2027, 4, 28))

    warnings.warn(clock.now())
    warnings.warn(clock.now())
    assert mails("insurance_ends") == ["amina", "bruno"]
    at("2027-04-21 09:00")
    warnings.warn(clock.now())

    assert mails("insurance_ends") == ["amina", "bruno"] * 2
    days = db.session.scalars(db.select(InsuranceWarning.days).order_by(InsuranceWarning.id))
    assert list(days) == [30, 7]


def test_with_nothing_to_warn_of_it_only_reads(fablab):
    share(fablab, insured_until=date(2027, 6, 1))

    with counting(db.engine) as statements:
        warnings.warn(clock.now())

    assert len(statements) == 2
