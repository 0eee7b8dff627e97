"""For whom a booking counts, put right by the team afterwards."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from fablab import clock
from fablab.booking import behalf
from fablab.db import db, writing
from fablab.machines.models import Change, Occupancy
from fablab.members.audit import AuditEntry
from fablab.members.kinds import Audience
from fablab.members.models import Member
from fablab.organizations.models import Organization, OrganizationKind, OrganizationMember
from fablab.statements import commands as statements
from fablab.statements import queries
from fablab.statements.kinds import Scope
from fablab.statements.rules import Period
from tests.booking.conftest import change, words
from tests.conftest import Fablab
from tests.invitations.conftest import kinds, told
from tests.manage.conftest import add_annex, add_cast
from tests.support import instant, slot, submit
from tests.tariffs.conftest import set_price

AFTERNOON = slot("2027-03-30 14:00-16:00")


def join(fablab: Fablab, name: str, activity: str, **more: Any) -> int:
    """Bruno is in another organization too, under an account of his; its id."""
    with writing() as session:
        made = Organization(
            place_id=fablab.place_id,
            slug=name.lower(),
            name=name,
            kind=OrganizationKind.COOPERATIVE,
        )
        session.add(made)
        session.flush()
        stay = {"since": date(2026, 1, 1)} | more
        session.add(
            OrganizationMember(
                organization_id=made.id,
                member_id=fablab.people["bruno"],
                activity=activity,
                **stay,
            )
        )
        return made.id


def row(uid: str) -> Any:
    db.session.rollback()
    return db.session.execute(select(Occupancy.__table__).where(Occupancy.uid == uid)).one()


def put_down(client: Any, uid: str, **typed: str) -> Any:
    page = f"/manage/bookings/{uid}/behalf"
    return submit(client, page, page, **{"why": "Chosen by mistake", "activity": ""} | typed)


def test_what_is_over_is_put_down_to_the_organization_with_a_trace(any_fablab, browse_any, at):
    navette = join(any_fablab, "Navette", "CAE-07")
    uid = any_fablab.book("bench", AFTERNOON, "bruno")
    at("2027-04-01 10:00")
    team = browse_any("amina")
    assert f"/manage/bookings/{uid}/behalf?place=atelier" in team.get(f"/bookings/{uid}").text

    answer = put_down(team, uid, organization=str(navette))

    made = row(uid)
    assert answer.location == f"/bookings/{uid}"
    assert (made.organization_id, made.activity, made.revision) == (navette, "CAE-07", 1)
    assert (made.starts_at, made.status, made.standing) == (AFTERNOON.start, "confirmed", True)
    page = words(team.get(answer.location).text)
    assert "On behalf of Navette Activity account CAE-07" in page
    assert (
        "Put down to Navette (CAE-07), by Amina (before: Bruno Lefil personally). "
        "Reason: Chosen by mistake"
    ) in page
    assert "The booking counts for Navette now: " in page
    entry = db.session.scalars(select(AuditEntry)).one()
    assert (entry.member_id, entry.made_by_id) == (
        any_fablab.people["bruno"],
        any_fablab.people["amina"],
    )
    assert entry.before == {"organization": "", "activity": ""}
    assert entry.after["organization"] == "Navette"
    assert entry.after["reason"] == "Chosen by mistake"
    uid_of_bruno = db.session.scalar(select(Member.uid).where(Member.first_name == "Bruno"))
    record = words(team.get(f"/manage/members/{uid_of_bruno}").text)
    assert "Navette" in record
    assert "Chosen by mistake" in record


def test_whose_prices_hold_follows(any_fablab, browse_any):
    """As for a booking made today: the organization's own, else those of whoever booked."""
    team = browse_any("amina")
    navette = join(any_fablab, "Navette", "")
    uid = any_fablab.book("bench", AFTERNOON, "bruno")
    own = row(uid).audience
    change(Organization, "navette", audience=Audience.COOPERATIVE)

    put_down(team, uid, organization=str(navette))
    assert row(uid).audience == Audience.COOPERATIVE
    put_down(team, uid, organization=str(any_fablab.organization_id))
    assert row(uid).audience == own
    put_down(team, uid, organization="self")
    assert (row(uid).audience, row(uid).organization_id) == (own, None)


def test_of_a_booking_to_come_its_member_is_told(fablab, browse):
    navette = join(fablab, "Navette", "CAE-07")
    uid = fablab.book("bench", AFTERNOON, "bruno")
    told()

    put_down(browse("amina"), uid, organization=str(navette), activity="CAE-08")

    assert row(uid).activity == "CAE-08"
    [mail] = told()
    assert kinds([mail]) == ["booking_changed"]
    assert "Navette" in mail.text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"organization": "9999"}, "They were not in this organization on that day."),
        ({"organization": "x"}, "Choose from the list."),
        ({"organization": "self", "activity": "A-1"}, "choose it too"),
        ({"why": " "}, "Say why."),
        ({"why": "x" * 201}, "200 characters at most."),
    ],
)
def test_what_cannot_be_is_told_at_its_field_and_changes_nothing(fablab, browse, typed, said):
    join(fablab, "Navette", "CAE-07")
    uid = fablab.book("bench", AFTERNOON, "bruno", organization_id=fablab.organization_id)

    answer = put_down(browse("amina"), uid, **{"organization": "self"} | typed)

    assert answer.status_code == 422
    assert said in words(answer.text)
    assert row(uid).revision == 0
    assert db.session.scalar(select(Change.id).where(Change.what == "put_down")) is None


def test_an_account_is_one_that_the_organization_has_or_a_new_one_of_a_cooperative(
    any_fablab, browse_any
):
    studio, navette = str(any_fablab.organization_id), join(any_fablab, "Navette", "CAE-07")
    uid = any_fablab.book("bench", AFTERNOON, "bruno")
    team = browse_any("amina")

    refused = put_down(team, uid, organization=studio, activity="CAE-07")

    assert refused.status_code == 422
    assert "This organization has no such activity account." in refused.text
    assert 'value="CAE-07"' in refused.text
    assert row(uid).revision == 0
    change(OrganizationMember, activity="CAE-07")
    assert put_down(team, uid, organization=studio, activity="CAE-07").status_code == 303
    assert (row(uid).organization_id, row(uid).activity) == (any_fablab.organization_id, "CAE-07")
    assert put_down(team, uid, organization=str(navette), activity="new").status_code == 303
    assert row(uid).activity == "new"


def test_an_organization_counts_that_they_were_in_on_that_day(fablab, browse, at):
    """Left since, or joined since: the day of the booking decides."""
    left = join(fablab, "Left", "", until=date(2027, 3, 30))
    joined = join(fablab, "Joined", "", since=date(2027, 3, 31))
    uid = fablab.book("bench", AFTERNOON, "bruno")
    at("2027-04-02 10:00")
    team = browse("amina")

    assert put_down(team, uid, organization=str(joined)).status_code == 422
    assert put_down(team, uid, organization=str(left)).status_code == 303
    assert row(uid).organization_id == left


def test_the_same_again_changes_nothing_and_two_tabs_do_not_overwrite(fablab, browse):
    navette = join(fablab, "Navette", "CAE-07")
    uid = fablab.book("bench", AFTERNOON, "bruno", organization_id=fablab.organization_id)
    team = browse("amina")

    assert put_down(team, uid, organization=str(fablab.organization_id)).status_code == 303
    assert row(uid).revision == 0
    put_down(team, uid, organization=str(navette))
    stale = put_down(team, uid, organization="self", revision="0")

    assert stale.status_code == 409
    assert row(uid).organization_id == navette


def test_nobody_else_changes_it(fablab, browse):
    add_cast(fablab)
    add_annex(fablab)
    uid = fablab.book("bench", AFTERNOON, "bruno")
    page = f"/manage/bookings/{uid}/behalf"

    assert browse("bruno").get(page).status_code == 403
    assert browse("dora").get(page).status_code == 404
    assert page not in browse("bruno").get(f"/bookings/{uid}").text


def test_the_members_calendar_is_another_one_then(fablab):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    version = select(Member.calendar_revision).where(Member.id == fablab.people["bruno"])
    before = db.session.scalar(version)
    db.session.rollback()

    behalf.put_down(
        uid,
        fablab.place_id,
        fablab.organization_id,
        "",
        day=date(2027, 3, 30),
        why="Asked by phone",
        by=fablab.people["amina"],
        now=instant("2027-03-29 10:00"),
    )

    assert db.session.scalar(version) > before


def test_what_it_is_worth_before_and_after_is_said(fablab, browse):
    set_price(fablab, "bench", "3")
    set_price(fablab, "bench", "2", audience=Audience.RESIDENT)
    change(Organization, audience=Audience.RESIDENT)
    uid = fablab.book("bench", AFTERNOON, "bruno")
    team = browse("amina")

    page = words(team.get(f"/manage/bookings/{uid}/behalf").text)
    answer = put_down(team, uid, organization=str(fablab.organization_id))

    assert "Prices and amount Individual, €6.00" in page
    assert "Bruno Lefil personally as it is now Individual €6.00" in page
    assert "Studio Fil Resident €4.00" in page
    after = words(team.get(answer.location).text)
    assert "The booking counts for Studio Fil now: Resident, €4.00." in after
    assert "Prices and amount Resident, €4.00" in words(
        team.get(f"/manage/bookings/{uid}/behalf").text
    )


def test_where_no_price_is_known_only_the_kind_of_member_is_said(fablab, browse):
    uid = fablab.book("bench", AFTERNOON, "bruno")

    page = words(browse("amina").get(f"/manage/bookings/{uid}/behalf").text)

    assert "Studio Fil Individual –" in page


def test_closed_statements_of_that_day_are_corrected_by_the_next(fablab, browse, at):
    set_price(fablab, "bench", "3")
    uid = fablab.book("bench", AFTERNOON, "bruno")
    page = f"/manage/bookings/{uid}/behalf"
    said = "the next statement carries the correction"
    at("2027-04-02 09:00")
    team = browse("amina")
    assert said not in team.get(page).text
    member = db.session.scalar(select(Member.uid).where(Member.first_name == "Bruno"))
    closed = statements.close(
        queries.subject(Scope.MEMBER, member, "", fablab.place_id),
        Period(date(2027, 3, 1), date(2027, 3, 31)),
        by=fablab.people["amina"],
        now=clock.now(),
    )

    told = team.get(page).text
    at("2028-01-26 09:00")
    later = browse("amina").get(page).text

    assert said in told
    assert f"/statements/{closed}?place=atelier" in told
    assert "Bruno Lefil, March 2027" in words(told)
    assert said not in later
    assert "It began more than 300 days ago" in later
