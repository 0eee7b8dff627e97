"""The members and one member: the team's forms about them, and the record of what it did."""

import re
from datetime import date
from urllib.parse import quote

import pytest
from sqlalchemy import select

from fablab import clock
from fablab.db import db, writing
from fablab.members import staff
from fablab.members.audit import AuditEntry
from fablab.members.kinds import AgeBand, Audience, Role
from fablab.members.models import Member, Membership
from fablab.trainings.models import Qualification, Training
from fablab.trainings.rules import lasts_until
from tests.conftest import browser
from tests.manage.conftest import account, add_cast, booking, uid_in
from tests.support import instant, slot, submit

ODD = [
    "31/12/2027",
    "2027-02-30",
    "٢٠٢٧-١٢-٣١",
    "0000-01-01",
    "0001-01-01",
    "9999-12-31",
    "2027-12-31\x00",
    "\u202e2027-12-31",
    "9" * 10_000,
]


@pytest.fixture
def page(uid):
    """page("chloe"): the address of a member's page."""
    return lambda who: f"/manage/members/{uid(who)}"


def send(client, page, deed, **fields):
    return submit(client, page, f"{page}/{deed}", **fields)


def stands(fablab, who):
    return staff.membership(fablab.people[who], fablab.place_id)


def held(fablab, who):
    return db.session.scalars(
        select(Qualification)
        .where(Qualification.member_id == fablab.people[who])
        .order_by(Qualification.id)
    ).all()


def training(**changes):
    """L'Atelier's training, changed."""
    with writing() as session:
        found = session.scalar(select(Training).where(Training.code == "LAS"))
        for name, value in changes.items():
            setattr(found, name, value)
    return found.id


# The list


def names(html):
    return re.findall(r'<th scope="row"><a[^>]*>([^<]+)</a>', html)


def test_the_list_is_by_name_with_who_waits_for_a_membership_first(cast, amina):
    page = amina.get("/manage/members").text

    assert names(page) == [
        "Lina Bobine",
        "Rémi Copeau",
        "Odile Filature",
        "Bruno Lefil",
        "Anouk Livre",
        "Chloé Navette",
        "Amina Rahal",
    ]
    assert page.index("Waiting for a membership") < page.index("Lina Bobine")


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("chloe", ["Chloé Navette"]),
        ("NAVETTE Chlo", ["Chloé Navette"]),
        ("bruno@atelier", ["Bruno Lefil"]),
        ("copéau", ["Rémi Copeau"]),
        ("%", []),
        ("_____", []),
        ("nobody", []),
    ],
)
def test_a_search_takes_parts_of_names_and_addresses_accents_aside(cast, amina, words, found):
    page = amina.get(f"/manage/members?q={quote(words)}").text

    assert names(page) == found
    assert ("Nobody answers to" in page) is (not found)


@pytest.mark.parametrize("words", ["%E2%80%AE", "a" * 10_000, "%22%3E%3Cb%3E"])
def test_an_odd_search_finds_nobody_and_is_shown_as_text(cast, amina, words):
    answer = amina.get(f"/manage/members?q={words}")

    assert answer.status_code == 200
    assert "<b>" not in answer.text


def test_many_members_are_read_page_by_page(any_fablab, any_app):
    add_cast(any_fablab)
    with writing() as session:
        for number in range(60):
            member = account(session, f"extra{number:02}", f"Z{number:02}")
            member.memberships.append(Membership(place_id=any_fablab.place_id))
    amina = browser(any_app, "amina")

    first, second = (amina.get(f"/manage/members?page={n}").text for n in (1, 2))
    found = amina.get("/manage/members?q=extra&page=2").text

    assert (len(names(first)), len(names(second))) == (50, 17)
    assert "Page 1 of 2" in first
    assert 'href="/manage/members?page=2"' in first
    assert len(names(found)) == 10
    assert 'href="/manage/members?q=extra"' in found
    assert names(amina.get("/manage/members?page=9999").text) == names(second)


def test_an_address_nobody_proved_is_not_waiting_but_a_member_without_proof_is_there(cast, amina):
    with writing() as session:
        account(session, "ghost", "Ombre", confirmed_at=None)
        import_ = account(session, "paper", "Papier", confirmed_at=None)
        import_.memberships.append(Membership(place_id=cast.place_id))

    page = amina.get("/manage/members").text

    assert "Ombre" not in page
    assert "Paper Papier" in page


def test_the_list_shows_what_keeps_somebody_from_booking(cast, amina):
    with writing() as session:
        chloe = session.scalar(
            select(Membership).where(Membership.member_id == cast.people["chloe"])
        )
        chloe.expires_on = date(2027, 3, 28)
        bruno = session.scalar(
            select(Membership).where(Membership.member_id == cast.people["bruno"])
        )
        bruno.suspended_until = instant("2027-03-29 09:01")
        bruno.expires_on = date(2027, 3, 29)

    page = amina.get("/manage/members").text

    chloes, brunos = (
        re.search(rf"{name}.*?</tr>", page, re.S)[0] for name in ("Chloé Navette", "Bruno Lefil")
    )
    assert "Expired" in chloes
    assert "Suspended" not in chloes
    assert "Suspended" in brunos
    assert "Expired" not in brunos


# Membership


def test_who_waits_gets_a_membership(any_fablab, any_app):
    add_cast(any_fablab)
    lina = f"/manage/members/{uid_in(any_fablab)('lina')}"
    amina = browser(any_app, "amina")

    answer = send(amina, lina, "membership", audience="resident", valid_until="2028-03-31")

    membership = stands(any_fablab, "lina")
    assert answer.status_code == 303
    assert answer.location == lina
    assert membership.audience == Audience.RESIDENT
    assert membership.expires_on == date(2028, 3, 31)
    assert "The membership is saved." in amina.get(lina).text
    assert any_fablab.book("bench", slot("2027-03-30 14:00-15:00"), "lina")


def test_a_membership_is_changed_and_may_have_no_end(cast, amina, page):
    send(amina, page("chloe"), "membership", audience="reduced", valid_until="2027-12-31")
    send(amina, page("chloe"), "membership", audience="reduced", valid_until="")

    assert stands(cast, "chloe").audience == Audience.REDUCED
    assert stands(cast, "chloe").expires_on is None


@pytest.mark.parametrize("typed", ODD)
def test_an_odd_end_of_membership_is_a_fault_of_the_field(cast, amina, page, typed):
    answer = send(amina, page("chloe"), "membership", audience="reduced", valid_until=typed)

    assert answer.status_code == 422
    assert 'id="valid_until-error"' in answer.text
    assert '<option selected value="reduced">' in answer.text
    assert stands(cast, "chloe").audience == Audience.INDIVIDUAL


@pytest.mark.parametrize("typed", ["", "visitor", "\x00", "STAFF", "staff\r\n"])
def test_a_kind_of_member_that_does_not_exist_is_refused(cast, amina, page, typed):
    answer = send(amina, page("chloe"), "membership", audience=typed, valid_until="")

    assert answer.status_code == 422
    assert stands(cast, "chloe").audience == Audience.INDIVIDUAL


# Suspension


def test_a_suspension_lasts_until_the_end_of_its_day(cast, amina, page):
    answer = send(
        amina,
        page("chloe"),
        "suspension",
        suspended_until="2027-04-11",
        reason="Left the laser alone",
    )

    shown = amina.get(page("chloe")).text
    assert answer.status_code == 303
    assert stands(cast, "chloe").suspended_until == instant("2027-04-12 00:00")
    assert "Suspended until the end of 11 Apr 2027" in shown
    assert "Left the laser alone" in shown


def test_a_suspension_is_ended(cast, amina, page):
    fields = {"suspended_until": "2027-04-11", "reason": "Left the laser alone"}
    send(amina, page("chloe"), "suspension", **fields)

    answer = send(amina, page("chloe"), "suspension/end")

    assert answer.status_code == 303
    assert stands(cast, "chloe").suspended_until is None
    assert "Suspended until" not in amina.get(page("chloe")).text.partition("What the team did")[0]


@pytest.mark.parametrize("typed", ["", "2027-03-28", *ODD])
def test_an_odd_or_past_end_of_suspension_is_refused_and_the_reason_kept(cast, amina, page, typed):
    answer = send(
        amina, page("chloe"), "suspension", suspended_until=typed, reason="Left the laser alone"
    )

    assert answer.status_code == 422
    assert 'id="suspended_until-error"' in answer.text
    assert 'value="Left the laser alone"' in answer.text
    assert "<details open>" in answer.text
    assert stands(cast, "chloe").suspended_until is None


def test_a_suspension_may_end_today(cast, amina, page):
    answer = send(amina, page("chloe"), "suspension", suspended_until="2027-03-29", reason="Why")

    assert answer.status_code == 303


@pytest.mark.parametrize("typed", ["", "   ", "a\x00b", "a\u202eb", "a\r\nb", "x" * 201])
def test_an_odd_reason_is_refused(cast, amina, page, typed):
    answer = send(amina, page("chloe"), "suspension", suspended_until="2027-04-11", reason=typed)

    assert answer.status_code == 422
    assert 'id="reason-error"' in answer.text


def test_nobody_suspends_themselves(cast, amina, page, app):
    app.config["WTF_CSRF_ENABLED"] = False
    shown = amina.get(page("amina")).text

    answer = amina.post(
        f"{page('amina')}/suspension", data={"suspended_until": "2027-04-11", "reason": "Why"}
    )

    assert "/suspension" not in shown
    assert answer.status_code == 403


def test_who_waits_for_a_membership_cannot_be_suspended_or_qualified_yet(cast, amina, page, app):
    app.config["WTF_CSRF_ENABLED"] = False
    shown = amina.get(page("lina")).text

    for deed in ("suspension", "suspension/end", "roles", "qualifications"):
        assert f'action="{page("lina")}/{deed}"' not in shown
        data = {"suspended_until": "2027-04-11", "reason": "Why", "of": "training:LAS"}
        assert amina.post(f"{page('lina')}/{deed}", data=data).status_code == 404


# Roles


def roles(fablab, who):
    return staff.roles_held(fablab.people[who], fablab.place_id)


def test_an_administrator_gives_and_takes_roles(any_fablab, any_app):
    add_cast(any_fablab)
    chloe = f"/manage/members/{uid_in(any_fablab)('chloe')}"
    odile = browser(any_app, "odile")

    send(odile, chloe, "roles", roles=["referent", "accountant"])
    assert roles(any_fablab, "chloe") == {Role.REFERENT, Role.ACCOUNTANT}
    assert odile.get(chloe).text.count(" checked ") == 2

    send(odile, chloe, "roles", roles=[])
    assert roles(any_fablab, "chloe") == frozenset()


def test_a_new_fabmanager_signs_in_anew_and_is_on_the_team(cast, odile, browse, page):
    before = browse("chloe")

    send(odile, page("chloe"), "roles", roles=["fabmanager"])

    assert before.get("/bookings/").status_code == 303
    assert browse("chloe").get("/manage/day").status_code == 200


def test_a_fabmanager_reads_the_roles_and_gives_none(cast, amina, page, app):
    shown = amina.get(page("remi")).text
    app.config["WTF_CSRF_ENABLED"] = False

    answer = amina.post(f"{page('remi')}/roles", data={"roles": ["fabmanager"]})

    assert "Machine referent" in shown
    assert 'name="roles"' not in shown
    assert answer.status_code == 403
    assert roles(cast, "remi") == {Role.REFERENT}


def test_nobody_gives_themselves_a_role(cast, odile, page, app):
    shown = odile.get(page("odile")).text
    app.config["WTF_CSRF_ENABLED"] = False

    answer = odile.post(f"{page('odile')}/roles", data={"roles": ["fabmanager"]})

    assert 'name="roles"' not in shown
    assert answer.status_code == 403
    assert roles(cast, "odile") == {Role.ADMINISTRATOR}


@pytest.mark.parametrize("typed", ["administrator", "king", "", "\x00"])
def test_no_other_role_can_be_given(cast, odile, page, typed):
    answer = send(odile, page("chloe"), "roles", roles=[typed])

    assert answer.status_code == 422
    assert roles(cast, "chloe") == frozenset()


# Qualifications


def test_a_training_is_given_with_its_own_validity_proposed(any_fablab, any_app):
    add_cast(any_fablab)
    training(validity_months=24)
    chloe = f"/manage/members/{uid_in(any_fablab)('chloe')}"
    amina = browser(any_app, "amina")
    form = f"{chloe}/qualifications/new?of=training:LAS"
    proposed = amina.get(form).text

    answer = submit(
        amina,
        form,
        f"{chloe}/qualifications",
        given_on="2027-03-29",
        expires_on="2029-03-29",
    )

    (given,) = held(any_fablab, "chloe")
    assert 'value="2029-03-29"' in proposed
    assert "valid for 24 months" in proposed
    assert 'name="level"' not in proposed
    assert answer.status_code == 303
    assert (given.training_id, given.machine_id, given.level) == (training(), None, None)
    assert (given.given_on, given.expires_on) == (date(2027, 3, 29), date(2029, 3, 29))
    assert given.given_by_id == any_fablab.people["amina"]
    assert any_fablab.book("laser", slot("2027-03-30 14:00-15:00"), "chloe")


def test_a_training_for_life_proposes_no_end(cast, amina, page):
    proposed = amina.get(f"{page('chloe')}/qualifications/new?of=training:LAS").text

    assert "valid for life" in proposed
    assert re.search(r'name="expires_on"[^>]*value=""', proposed)


def test_one_machine_is_given_at_a_level(cast, amina, page):
    form = f"{page('chloe')}/qualifications/new?of=machine:laser"

    answer = submit(
        amina,
        form,
        f"{page('chloe')}/qualifications",
        level="3",
        given_on="2027-03-01",
        expires_on="",
    )

    (given,) = held(cast, "chloe")
    shown = amina.get(page("chloe")).text
    assert answer.status_code == 303
    assert (given.training_id, given.machine_id) == (None, cast.machine("laser").id)
    assert (given.level, given.expires_on) == (3, None)
    assert "L1 Laser cutter" in shown
    assert "Level 3, autonomous" in shown
    assert "Amina Rahal" in shown


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        *(("given_on", typed) for typed in ["", "2027-03-30", *ODD]),
        *(("expires_on", typed) for typed in ["2027-02-28", *ODD]),
        *(("level", typed) for typed in ["", "0", "5", "٣", "three", "\x00"]),
    ],
)
def test_an_odd_qualification_is_a_fault_of_its_field(cast, amina, page, field, typed):
    fields = {"level": "3", "given_on": "2027-03-01", "expires_on": "2028-03-01", field: typed}

    answer = submit(
        amina,
        f"{page('chloe')}/qualifications/new?of=machine:laser",
        f"{page('chloe')}/qualifications",
        **fields,
    )

    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert "L1 Laser cutter" in answer.text
    assert held(cast, "chloe") == []


@pytest.mark.parametrize(
    "of", ["", "training:DRI", "machine:drill", "machine:none", "laser", "\u202e"]
)
def test_only_what_the_place_has_can_be_qualified_for(cast, annex, amina, page, app, of):
    app.config["WTF_CSRF_ENABLED"] = False
    fields = {"of": of, "level": "3", "given_on": "2027-03-01", "expires_on": ""}

    form = amina.get(f"{page('chloe')}/qualifications/new", query_string={"of": of})
    deed = amina.post(f"{page('chloe')}/qualifications", data=fields)

    assert (form.status_code, deed.status_code) == (404, 404)
    assert held(cast, "chloe") == []


def test_nobody_qualifies_themselves(cast, amina, page, app):
    app.config["WTF_CSRF_ENABLED"] = False
    fields = {"of": "machine:bench", "level": "4", "given_on": "2027-03-01", "expires_on": ""}

    form = amina.get(f"{page('amina')}/qualifications/new?of=machine:bench")
    deed = amina.post(f"{page('amina')}/qualifications", data=fields)

    assert "/qualifications/new" not in amina.get(page("amina")).text
    assert (form.status_code, deed.status_code) == (403, 403)
    assert [each.machine_id for each in held(cast, "amina")] == [None]


def test_a_qualification_is_withdrawn_after_asking_once(any_fablab, any_app):
    add_cast(any_fablab)
    bruno = f"/manage/members/{uid_in(any_fablab)('bruno')}"
    amina = browser(any_app, "amina")
    (laser,) = held(any_fablab, "bruno")
    form = f"{bruno}/qualifications/{laser.id}/withdrawal"
    assert form in amina.get(bruno).text
    assert "Laser cutting" in amina.get(form).text

    answer = submit(amina, form, form)

    assert answer.status_code == 303
    assert held(any_fablab, "bruno") == []
    assert "Qualification withdrawn" in amina.get(bruno).text


def test_a_qualification_is_withdrawn_from_who_holds_it_and_nobody_else(cast, amina, page, app):
    app.config["WTF_CSRF_ENABLED"] = False
    (laser,) = held(cast, "bruno")
    address = f"{page('chloe')}/qualifications/{laser.id}/withdrawal"

    assert amina.get(address).status_code == 404
    assert amina.post(address).status_code == 404
    assert len(held(cast, "bruno")) == 1


def test_what_was_given_in_another_place_is_neither_shown_nor_withdrawn(
    cast, annex, amina, page, app
):
    app.config["WTF_CSRF_ENABLED"] = False
    with writing() as session:
        elsewhere = Qualification(
            member_id=cast.people["chloe"],
            training_id=annex.training_id,
            given_on=date(2027, 3, 1),
            recorded_at=clock.now(),
        )
        session.add(elsewhere)
        session.flush()
        given = elsewhere.id

    answer = amina.post(f"{page('chloe')}/qualifications/{given}/withdrawal")

    assert "Drilling" not in amina.get(page("chloe")).text
    assert answer.status_code == 404
    assert len(held(cast, "chloe")) == 1


@pytest.mark.parametrize(
    ("given_on", "expires_on", "state"),
    [
        (date(2027, 3, 29), date(2027, 3, 29), "Valid"),
        (date(2027, 3, 1), date(2027, 3, 28), "Expired"),
        (date(2027, 3, 30), None, "Not yet"),
    ],
)
def test_each_qualification_says_whether_it_counts_today(
    cast, amina, page, given_on, expires_on, state
):
    with writing() as session:
        session.add(
            Qualification(
                member_id=cast.people["chloe"],
                training_id=training_id(session),
                given_on=given_on,
                expires_on=expires_on,
                recorded_at=clock.now(),
            )
        )

    row = re.search(r"<b>Laser cutting</b>.*?</tr>", amina.get(page("chloe")).text, re.S)[0]

    assert f"{state}</span>" in row


@pytest.mark.parametrize(
    ("rules", "until", "state"),
    [
        ({"inactivity_months": 6}, "2 Jul 2026", "Expired"),  # not used since it was given
        ({"validity_months": 12, "is_renewed_by_use": True}, "20 Mar 2028", "Valid"),
    ],
)
def test_a_qualification_is_shown_until_it_really_ends(cast, amina, page, at, rules, until, state):
    """As its member reads it: lapsed unused, or renewed by use."""
    given_on = date(2026, 1, 2) if "inactivity_months" in rules else date(2026, 4, 1)
    with writing() as session:
        training = session.get(Training, training_id(session))
        for name, value in rules.items():
            setattr(training, name, value)
        session.add(
            Qualification(
                member_id=cast.people["chloe"],
                training_id=training.id,
                given_on=given_on,
                expires_on=lasts_until(given_on, training.validity_months),
                recorded_at=clock.now(),
            )
        )
    if "is_renewed_by_use" in rules:
        at("2027-03-19 09:00")
        cast.book("laser", slot("2027-03-20 10:00-11:00"), "chloe")
        at("2027-03-29 09:00")

    row = re.search(r"<b>Laser cutting</b>.*?</tr>", amina.get(page("chloe")).text, re.S)[0]

    assert until in row
    assert f"{state}</span>" in row


def training_id(session):
    return session.scalar(select(Training.id).where(Training.code == "LAS"))


# The page


def test_the_page_shows_the_bookings_to_come(cast, amina, page):
    uid = cast.book("bench", slot("2027-03-30 14:00-15:00"), "chloe", purpose="Shelves")

    shown = amina.get(page("chloe")).text

    assert f'href="/bookings/{uid}"' in shown
    assert "Tuesday 30 March" in shown
    assert "Shelves" in shown


def test_the_page_shows_no_booking_of_another_place(cast, annex, amina, page):
    with writing() as session:
        session.add(booking(annex.drill_id, cast.people["chloe"], slot("2027-03-30 14:00-15:00")))

    assert "Pillar drill" not in amina.get(page("chloe")).text


def test_the_page_shows_the_telephone_only_of_who_shares_it(cast, amina, page):
    assert "+33" not in amina.get(page("chloe")).text

    with writing() as session:
        session.get(Member, cast.people["chloe"]).shares_phone = True

    assert 'href="tel:+33500000000"' in amina.get(page("chloe")).text


def test_the_page_says_of_a_minor_whether_a_guardian_agreed(cast, amina, page):
    with writing() as session:
        chloe = session.get(Member, cast.people["chloe"])
        chloe.age_band = AgeBand.FROM_16
    assert "no guardian has agreed yet" in amina.get(page("chloe")).text

    with writing() as session:
        chloe.guardian_agreed_on = date(2027, 3, 1)

    assert "a guardian agreed on 1 Mar 2027" in amina.get(page("chloe")).text


def test_everything_the_team_did_is_on_the_page(cast, amina, odile, page):
    chloe = page("chloe")
    send(amina, chloe, "membership", audience="reduced", valid_until="2027-12-31")
    send(amina, chloe, "suspension", suspended_until="2027-04-11", reason="Left the laser alone")
    send(amina, chloe, "suspension/end")
    submit(
        amina,
        f"{chloe}/qualifications/new?of=machine:laser",
        f"{chloe}/qualifications",
        level="3",
        given_on="2027-03-01",
        expires_on="",
    )
    send(odile, chloe, "roles", roles=["referent"])

    record = amina.get(chloe).text.partition("What the team did")[2]

    assert db.session.scalar(select(db.func.count(AuditEntry.id))) == 5
    for word in (
        "29 Mar 2027 9:00",
        "Amina Rahal",
        "Odile Filature",
        "Individual, reduced rate",
        "31 Dec 2027",
        "12 Apr 2027 0:00",
        "Left the laser alone",
        "L1 Laser cutter",
        "Level 3, autonomous",
        "Machine referent",
    ):
        assert word in record


def test_what_another_places_team_did_is_not_on_this_one(cast, annex, amina, page):
    with writing() as session:
        session.add(Membership(member_id=cast.people["chloe"], place_id=annex.place_id))
    staff.set_membership(
        cast.people["chloe"],
        annex.place_id,
        Audience.PROFESSIONAL,
        None,
        by=cast.people["dora"],
        now=clock.now(),
    )

    shown = amina.get(page("chloe")).text

    assert "What the team did" not in shown
    assert "Dora" not in shown


# The filters, and the list as a file


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("audience=resident", ["Bruno Lefil"]),
        ("role=referent", ["Rémi Copeau"]),
        ("standing=waiting", ["Lina Bobine"]),
        ("standing=ended", ["Chloé Navette"]),
        ("standing=ending", ["Odile Filature"]),
        ("standing=suspended", ["Anouk Livre"]),
        ("qualification=training:LAS", ["Amina Rahal"]),
        ("qualification=ending", []),
        ("standing=ended&q=bruno", []),
        ("standing=nonsense&role=%F0&audience=staff'--", None),
    ],
)
def test_the_list_is_narrowed_by_what_members_are_and_hold(any_fablab, any_app, asked, found):
    add_cast(any_fablab)
    with writing() as session:
        for who, values in {
            "bruno": {"audience": Audience.RESIDENT},
            "chloe": {"expires_on": date(2027, 3, 28)},
            "odile": {"expires_on": date(2027, 3, 29)},
            "anouk": {"suspended_until": instant("2027-03-29 09:01")},
        }.items():
            session.execute(
                Membership.__table__.update()
                .where(Membership.__table__.c.member_id == any_fablab.people[who])
                .values(**values)
            )
        session.execute(
            Qualification.__table__.update()
            .where(Qualification.__table__.c.member_id == any_fablab.people["bruno"])
            .values(expires_on=date(2027, 3, 28))
        )

    page = browser(any_app, "amina").get(f"/manage/members?{asked}").text

    assert len(names(page)) == 7 if found is None else names(page) == found
    assert ("Nobody is as you ask for." in page or "Nobody answers" in page) is (found == [])


def test_filters_are_kept_from_page_to_page_and_in_the_form(cast, amina):
    with writing() as session:
        for number in range(60):
            member = account(session, f"extra{number:02}", f"Z{number:02}")
            member.memberships.append(
                Membership(place_id=cast.place_id, audience=Audience.ASSOCIATION)
            )

    page = amina.get("/manage/members?audience=association").text

    assert 'href="/manage/members?page=2&amp;audience=association"' in page
    assert '<option selected value="association">' in page


def test_an_administrator_takes_the_list_along_as_a_file(cast, odile, amina):
    with writing() as session:
        lefil = session.get(Member, cast.people["bruno"])
        lefil.first_name = "=HYPERLINK(1)"

    page = odile.get("/manage/members?q=lefil").text
    answer = odile.get("/manage/members.csv?q=lefil")

    assert 'href="/manage/members.csv?q=lefil"' in page
    assert answer.content_type == "text/csv; charset=utf-8"
    lines = answer.data.decode("utf-8-sig").splitlines()
    assert lines[0].startswith("email,first_name,last_name")
    assert lines[1:] == ["bruno@atelier.example,'=HYPERLINK(1),Lefil,,fr,individual,"]
    assert "members.csv" not in amina.get("/manage/members").text
    assert amina.get("/manage/members.csv").status_code == 403
