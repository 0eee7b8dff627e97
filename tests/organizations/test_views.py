"""An organization's people, whoever manages it, the team, and everybody else."""

import re
from datetime import date
from uuid import uuid4

import pytest
from sqlalchemy import delete, select, update

from fablab import clock
from fablab.booking import commands as bookings
from fablab.db import db, writing
from fablab.home import organization_views
from fablab.machines.kinds import Status
from fablab.machines.models import Change, Occupancy
from fablab.members.audit import AuditEntry
from fablab.members.kinds import Deed
from fablab.members.models import Member
from fablab.organizations import commands
from fablab.organizations.models import OrganizationInvitation, OrganizationMember
from tests.conftest import browser
from tests.manage.conftest import add_annex, uid_in
from tests.members.conftest import fields, last_link, mails, send
from tests.support import counting, instant, slot, submit

PAGE = "/organizations/studio"


def book_for(studio, who, hours, **more):
    return studio.book("bench", slot(hours), who, organization_id=studio.organization_id, **more)


def stay_of(studio, name):
    with writing() as session:
        return session.scalars(
            select(OrganizationMember)
            .where(OrganizationMember.member_id == studio.people[name])
            .execution_options(populate_existing=True)
        ).one_or_none()


def status_of(uid):
    found = db.session.scalar(select(Occupancy.status).where(Occupancy.uid == uid))
    db.session.rollback()
    return found


# Who sees what


def test_strangers_members_managers_and_the_team_each_see_their_part(any_app, studio, who):
    add_annex(studio)
    book_for(studio, "bruno", "2027-03-30 10:00-12:00", purpose="A lamp")
    studio.book("bench", slot("2027-03-30 14:00-15:00"), "bruno", purpose="My own chair")

    for stranger in ("chloe", "lina", "remi", "dora", "emile"):
        assert who(stranger).get(PAGE).status_code == 404
        assert who(stranger).get(f"{PAGE}/bookings.csv").status_code == 404
    colleague, manager, team = (who(name).get(PAGE).text for name in ("bruno", "maud", "amina"))

    assert "Maud Trame" in colleague
    assert "A lamp" not in colleague
    for page in (manager, team):
        assert "Bruno Lefil" in page
        assert "A lamp" in page
        assert "My own chair" not in page
        assert "Invite somebody" in page
    assert "/manage/organizations/studio" in team
    assert "/manage/" not in manager.partition("<main")[2]
    assert browser(any_app, None).get(PAGE).status_code == 303


def test_only_who_manages_it_may_do_anything_about_its_people(any_app, studio, who):
    any_app.config["WTF_CSRF_ENABLED"] = False
    uid = uid_in(studio)("bruno")
    for name, expected in {"bruno": 403, "chloe": 404, "dora": 404}.items():
        if name == "dora":
            add_annex(studio)
        client = who(name)
        assert client.get(f"{PAGE}/people/{uid}").status_code == expected
        assert client.post(f"{PAGE}/people/{uid}", data={}).status_code == expected
        assert client.post(f"{PAGE}/invitations", data={}).status_code == expected
        gone = f"{PAGE}/invitations/{uuid4()}/withdrawal"
        assert client.post(gone).status_code == expected
        assert client.get(f"{PAGE}/bookings.csv").status_code == expected

    assert who("maud").get(f"{PAGE}/people/{uid_in(studio)('chloe')}").status_code == 404


def test_whose_stay_is_over_sees_it_no_more(studio, who):
    with writing() as session:
        session.execute(
            update(OrganizationMember)
            .where(OrganizationMember.member_id == studio.people["maud"])
            .values(until=date(2027, 3, 28))
        )

    assert who("maud").get(PAGE).status_code == 404
    assert "Studio Fil" not in who("maud").get("/organizations/").text


def test_the_header_leads_there_who_has_one(studio, who):
    assert 'href="/organizations/"' in who("bruno").get("/").text
    assert 'href="/organizations/"' not in who("chloe").get("/").text
    assert "Studio Fil" in who("bruno").get("/organizations/").text
    assert "You belong to no organization" in who("chloe").get("/organizations/").text


# What was booked


def test_a_month_is_counted_by_person_and_read_as_a_table(studio, who):
    book_for(studio, "bruno", "2027-03-30 10:00-12:00", purpose="=1+1")
    book_for(studio, "maud", "2027-03-31 10:00-11:30")
    book_for(studio, "bruno", "2027-04-01 10:00-11:00")
    gone = book_for(studio, "bruno", "2027-03-31 14:00-17:00")
    bookings.cancel(gone, by=studio.people["bruno"], is_team=False, now=clock.now())
    with writing() as session:
        session.execute(
            update(Occupancy)
            .where(Occupancy.title == "=1+1")
            .values(arrived_at=instant("2027-03-30 10:15"), left_at=instant("2027-03-30 11:00"))
        )
    maud = who("maud")

    march, april = maud.get(PAGE).text, maud.get(f"{PAGE}?month=2027-04").text
    table = maud.get(f"{PAGE}/bookings.csv?month=2027-03").data.decode("utf-8-sig").splitlines()

    assert "<b>3 h 30</b>" in march.replace("\xa0", " ")
    assert "<b>45 min</b>" in march.replace("\xa0", " ")
    assert "<b>1 h</b>" in april.replace("\xa0", " ")
    assert f"{PAGE}?month=2027-02" in march
    assert table == [
        "day,start,end,hours,real_hours,machine,name,member,purpose,status",
        "2027-03-30,10:00,12:00,2.00,0.75,B1,Workbench,Bruno Lefil,'=1+1,confirmed",
        "2027-03-31,10:00,11:30,1.50,,B1,Workbench,Maud Trame,,confirmed",
    ]
    for odd in ("2027-13", "march", "2027-3", "٢٠٢٧-٠٣", "0000-01", "9999-12"):
        assert maud.get(f"{PAGE}?month={odd}").status_code == 404


def test_the_table_of_a_reader_of_french_has_french_headings(studio, who):
    book_for(studio, "bruno", "2027-03-30 10:00-12:00")
    maud = who("maud")
    maud.set_cookie("language", "fr")

    headings, line = maud.get(f"{PAGE}/bookings.csv").data.decode("utf-8-sig").splitlines()

    assert headings.startswith("jour,début,fin,")
    assert line.endswith(",confirmée")


def test_of_a_booking_under_way_the_time_so_far_counts(studio, who, at):
    uid = book_for(studio, "bruno", "2027-03-30 10:00-12:00")
    with writing() as session:
        arrived = instant("2027-03-30 10:00")
        session.execute(update(Occupancy).where(Occupancy.uid == uid).values(arrived_at=arrived))
    at("2027-03-30 10:30")

    assert "<b>30 min</b>" in who("maud").get(PAGE).text.replace("\xa0", " ")
    assert ",2.00,0.50," in who("maud").get(f"{PAGE}/bookings.csv").text


def test_many_bookings_cost_no_more_statements(studio, who):
    maud = who("maud")
    book_for(studio, "bruno", "2027-03-30 10:00-11:00")
    maud.get(PAGE)
    with counting(db.engine) as few:
        maud.get(PAGE)
    for hour in range(11, 17):
        book_for(studio, "maud", f"2027-03-30 {hour}:00-{hour + 1}:00")
    with counting(db.engine) as many:
        maud.get(PAGE)

    assert len(many) == len(few) <= 6


# Joining


def test_somebody_with_an_account_joins_after_their_yes(studio, who):
    answer = send(who("maud"), PAGE, f"{PAGE}/invitations", email="Chloe@Atelier.example ")
    assert answer.status_code == 303
    assert "chloe@atelier.example" in who("maud").get(PAGE).text
    link = last_link("organization_invitation")
    chloe = who("chloe")
    assert stay_of(studio, "chloe") is None

    asked = chloe.get(link).text
    assert "Maud Trame invites you" in asked
    assert link.encode() in chloe.get("/organizations/").data
    assert submit(chloe, link, link, answer="yes").location == PAGE

    stay = stay_of(studio, "chloe")
    assert (stay.since, stay.until, stay.is_manager) == (date(2027, 3, 29), None, False)
    assert chloe.get(link).status_code == 404
    assert "Chloé Navette" in who("maud").get(PAGE).text
    kept = db.session.scalars(select(AuditEntry).where(AuditEntry.what == Deed.ORGANIZATION)).one()
    assert (kept.member_id, kept.made_by_id) == (studio.people["chloe"], studio.people["maud"])
    assert book_for(studio, "chloe", "2027-03-30 10:00-11:00")


def test_a_stranger_and_a_member_get_the_same_mail_and_the_same_answer(studio, who):
    maud = who("maud")
    with writing() as session:
        session.execute(update(Member).values(language="en"))
    answers = [
        send(maud, PAGE, f"{PAGE}/invitations", email=email)
        for email in ("chloe@atelier.example", "new@elsewhere.example")
    ]

    known, unknown = (
        re.sub(r"invitations/\S+", "", mail.text) for mail in mails("organization_invitation")
    )
    assert answers[0].data == answers[1].data
    assert known == unknown


def test_the_link_is_only_for_whose_address_it_went_to(studio, who):
    send(who("maud"), PAGE, f"{PAGE}/invitations", email="chloe@atelier.example")
    link = last_link("organization_invitation")

    lina = who("lina").get(link).text
    assert "another address" in lina
    assert "Join</" not in lina
    assert submit(who("lina"), "/account/", link, answer="yes").status_code == 404
    assert stay_of(studio, "lina") is None
    assert "/login?next=" in who(None).get(link).text


def test_who_was_merged_a_moment_ago_is_in_it_no_longer(studio, who, monkeypatch):
    person = f"{PAGE}/people/{uid_in(studio)('bruno')}"
    find = organization_views.find_person

    def found_just_before_they_went(*asked):
        row = find(*asked)
        with writing() as session:
            theirs = OrganizationMember.member_id == row.id
            session.execute(delete(OrganizationMember).where(theirs))
        return row

    maud = who("maud")
    form = fields(maud.get(person).text)
    monkeypatch.setattr(organization_views, "find_person", found_just_before_they_went)

    answer = maud.post(person, data=form)

    assert answer.status_code == 404
    assert "There is no such page" in answer.text


def test_what_was_taken_back_declined_or_is_too_old_opens_nothing(studio, who, at):
    maud, chloe = who("maud"), who("chloe")

    def invited():
        send(maud, PAGE, f"{PAGE}/invitations", email="chloe@atelier.example")
        return last_link("organization_invitation")

    first = invited()
    second = invited()
    assert chloe.get(first).status_code == 404
    submit(chloe, second, second, answer="no")
    assert chloe.get(second).status_code == 404
    assert stay_of(studio, "chloe") is None

    third = invited()
    uid = db.session.scalar(select(OrganizationInvitation.uid))
    submit(maud, PAGE, f"{PAGE}/invitations/{uid}/withdrawal")
    assert chloe.get(third).status_code == 404

    at("2027-03-29 12:00")
    fourth = invited()
    at("2027-04-12 11:59")
    assert browser(chloe.application, "chloe").get(fourth).status_code == 200
    at("2027-04-12 12:00")
    chloe = browser(chloe.application, "chloe")
    assert chloe.get(fourth).status_code == 404
    with pytest.raises(commands.NoSuch):
        commands.accept(uid, studio.people["chloe"], now=clock.now())
    assert chloe.get("/organizations/invitations/forged.token").status_code == 404


def test_bad_invitations_are_told_in_the_form_and_too_many_wait(studio, who):
    maud = who("maud")

    nothing = send(maud, PAGE, f"{PAGE}/invitations", email="no address")
    there = send(maud, PAGE, f"{PAGE}/invitations", email="bruno@atelier.example")

    assert (nothing.status_code, there.status_code) == (422, 422)
    assert 'value="no address"' in nothing.text
    assert "in the organization already" in there.text
    codes = [
        send(maud, PAGE, f"{PAGE}/invitations", email="new@elsewhere.example").status_code
        for _time in range(4)
    ]
    assert codes == [303, 303, 303, 429]


# Leaving


def change(client, studio, name, **fields):
    page = f"{PAGE}/people/{uid_in(studio)(name)}"
    return submit(client, page, page, **fields)


def test_whoever_leaves_keeps_or_loses_their_bookings_to_come_as_is_chosen(studio, who):
    inside = book_for(studio, "bruno", "2027-04-02 10:00-11:00")
    after = book_for(studio, "bruno", "2027-04-03 10:00-11:00")
    private = studio.book("bench", slot("2027-04-03 14:00-15:00"), "bruno")
    maud, uid = who("maud"), uid_in(studio)("bruno")

    page = maud.get(f"{PAGE}/people/{uid}").text
    assert "2 bookings to come on its behalf" in page
    assert change(maud, studio, "bruno", until="2027-04-02", bookings="keep").status_code == 303
    assert [status_of(each) for each in (inside, after, private)] == [Status.CONFIRMED] * 3
    assert stay_of(studio, "bruno").until == date(2027, 4, 2)

    change(maud, studio, "bruno", until="2027-04-02", bookings="cancel")
    assert [status_of(each) for each in (inside, after, private)] == [
        Status.CONFIRMED,
        Status.CANCELLED,
        Status.CONFIRMED,
    ]
    why = db.session.scalars(select(Change.after).where(Change.what == "cancelled")).one()
    assert "Studio Fil" in why["why"]


def test_what_becomes_of_their_bookings_is_asked_and_nothing_is_ticked(studio, who):
    after = book_for(studio, "bruno", "2027-04-03 10:00-11:00")
    maud, uid = who("maud"), uid_in(studio)("bruno")
    page = maud.get(f"{PAGE}/people/{uid}").text
    assert 'value="cancel"' in page
    assert "checked" not in page

    unsaid = change(maud, studio, "bruno", until="2027-04-02")

    assert unsaid.status_code == 422
    assert "Say what becomes of the bookings after the last day." in unsaid.text
    assert stay_of(studio, "bruno").until is None
    assert status_of(after) == Status.CONFIRMED
    assert change(maud, studio, "bruno", until="2027-04-03").status_code == 303
    assert change(maud, studio, "bruno", is_manager="y").status_code == 303


@pytest.mark.parametrize("day", ["2027-03-28", "2020-01-01"])
def test_a_last_day_in_the_past_is_told_once_and_at_its_field(studio, who, day):
    """Also when they booked beyond it: what becomes of that is no question then."""
    maud = who("maud")
    book_for(studio, "bruno", "2027-04-06 10:00-11:00")

    refused = change(maud, studio, "bruno", until=day)

    assert refused.status_code == 422
    assert refused.text.count('class="field__error"') == 1
    field = refused.text.partition('name="until"')[2].partition("</div>")[0]
    assert ("over already" if day > "2027" else "before it begins") in field


def test_the_last_manager_stays_until_another_is_named(studio, who):
    maud = who("maud")

    refused = change(maud, studio, "maud", until="2027-04-30")
    assert refused.status_code == 422
    assert "name another manager first" in refused.text
    assert 'value="2027-04-30"' in refused.text

    assert change(maud, studio, "bruno", is_manager="y").status_code == 303
    assert change(maud, studio, "maud").location == PAGE
    assert stay_of(studio, "maud").is_manager is False
    assert "Invite somebody" in who("bruno").get(PAGE).text
    assert maud.get(f"{PAGE}/people/{uid_in(studio)('bruno')}").status_code == 403


@pytest.mark.parametrize("odd", ["2027-03-28", "31/12/2027", "2025-01-01", "9999-12-31", "\x00"])
def test_an_odd_last_day_is_told_and_nothing_changes(studio, who, odd):
    answer = change(who("maud"), studio, "bruno", until=odd, bookings="keep")

    assert answer.status_code == 422
    assert stay_of(studio, "bruno").until is None


# The team


def test_the_team_takes_an_organization_up_and_fills_it(studio, who):
    amina, page = who("amina"), "/manage/organizations/new"
    assert submit(amina, page, page, name=" ", kind="company").status_code == 422
    made = submit(amina, page, page, name="L'Étau", kind="association", trade="Bikes")
    assert made.location == "/manage/organizations/l-etau"
    again = submit(amina, page, page, name="l'etau", kind="company", trade="Cars")
    assert again.status_code == 422
    assert 'id="name-error"' in again.text
    assert 'value="Cars"' in again.text
    submit(amina, page, page, name="L'Étau !", kind="company")
    there = "/manage/organizations/l-etau-2"
    assert submit(amina, there, there, name="L'Étau", kind="company").status_code == 422
    assert submit(amina, there, there, name="L'Étau !", kind="association").status_code == 303

    listed = amina.get("/manage/organizations?q=ETAU").text
    assert listed.count('<th scope="row"') == 2
    assert "/manage/organizations/l-etau-2" in listed
    assert "Nobody manages it" in listed

    there = "/manage/organizations/l-etau"
    wrong = submit(amina, there, f"{there}/people", **{"person-email": "lina@atelier.example"})
    assert wrong.status_code == 422
    assert "No member of the place" in wrong.text
    submit(amina, there, f"{there}/people", **{"person-email": "chloe@atelier.example"})
    assert "Chloé Navette" in amina.get(there).text
    submit(amina, there, there, name="L'Étau", kind="school", hosted_since="2020-01-01")
    record = amina.get(there).text.partition("What the team did")[2]
    assert "School" in record


def test_an_organization_ends_with_its_people(studio, who):
    amina, page = who("amina"), "/manage/organizations/studio"
    send(who("maud"), PAGE, f"{PAGE}/invitations", email="chloe@atelier.example")

    assert submit(amina, page, f"{page}/end", last_day="2027-03-28").status_code == 422
    submit(amina, page, f"{page}/end", last_day="2027-04-30")

    assert {stay_of(studio, name).until for name in ("maud", "bruno")} == {date(2027, 4, 30)}
    assert db.session.scalar(select(OrganizationInvitation.id)) is None
    assert "Hosted until 30 Apr 2027" in amina.get(page).text
