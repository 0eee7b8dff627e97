"""The team says the booking rules: of the place, a category, a machine; for all or for some."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from fablab.db import db, writing
from fablab.machines.inventory import of_place
from fablab.machines.kinds import Approval, RiskClass
from fablab.machines.models import Machine, Policy
from fablab.machines.policies import NAMES, OVERRIDABLE
from fablab.manage.policy_forms import PolicyForm
from fablab.manage.policy_words import GROUPS, LABELS, OVERRIDES, typed
from fablab.members.audit import AuditEntry
from fablab.members.kinds import AgeBand, Audience, Deed
from fablab.places.models import Place
from tests.booking.conftest import words
from tests.conftest import browser
from tests.manage.conftest import add_cast
from tests.support import send, submit

PLACE = "/manage/place-policy"
BENCHES = "/manage/policies/categories/bench"
LASER = "/manage/policies/machines/laser"
MARKS = "/manage/place-marks"
ODD = ["\0", "٣٠", "-1 h", "1:30", "1 h 60", "x" * 1000, "1e9", "\u202e1 h", "9999999 min"]


def hours(n: float) -> timedelta:
    return timedelta(hours=n)


def save(client, page, **fields):
    """What the page shows, with `fields` changed."""
    return client.post(page, data=shown(client, page) | fields)


def shown(client, page):
    """The fields of the form as a browser would send them."""
    html = client.get(page).text
    form = re.search(r'<form class="stack stack--wide".*?</form>', html, re.S)[0]
    found = {
        re.search(r'name="(\w+)"', tag)[1]: re.search(r'value="([^"]*)"', tag)[1]
        for tag in re.findall(r"<input[^>]*>", form)
        if 'type="checkbox"' not in tag
    }
    for name, options in re.findall(r'<select[^>]*name="(\w+)"[^>]*>(.*?)</select>', form, re.S):
        chosen = re.search(r'<option selected value="([^"]*)"', options)
        found[name] = chosen[1] if chosen else ""
    ticked = re.findall(r'<input checked[^>]*name="(\w+)"[^>]*value="([^"]*)"', form)
    for name in {name for name, _ in ticked}:
        found[name] = [value for other, value in ticked if other == name]
    return found


def rows():
    return db.session.scalars(
        select(Policy).order_by(Policy.id).execution_options(populate_existing=True)
    ).all()


def everything():
    return [tuple(getattr(row, name) for name in NAMES) for row in rows()]


def notes():
    return db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()


def test_every_value_of_a_policy_has_its_field_and_its_group():
    grouped = [name for _title, names in GROUPS for name in names]

    assert sorted(grouped) == sorted(NAMES) == sorted(LABELS)
    assert all(hasattr(PolicyForm, name) for name in NAMES)
    assert set(OVERRIDES) == OVERRIDABLE


def test_the_list_says_where_there_are_rules_and_for_whom(amina):
    html = amina.get("/manage/policies").text

    assert "Booking rules" in amina.get("/manage/settings").text
    for page in (PLACE, f"{PLACE}?audience=staff", BENCHES, LASER):
        assert f'href="{page}"' in html
    assert f'href="{LASER}?audience=staff"' not in html


def test_each_value_is_shown_with_where_it_comes_from(amina):
    html = amina.get(f"{LASER}?audience=staff").text

    for told in (
        "Now 365, said of the place for these members.",
        "Now 2 h, said of the machine.",
        "Now 15 min, said of the place.",
        "Now 30 min, where nobody says otherwise.",
        "Now Level 2, autonomous while supervised, said of the machine.",
    ):
        assert told in html


def test_a_machine_of_class_d_is_for_adults_whatever_is_said(cast, amina):
    with writing() as session:
        session.get_one(Machine, cast.machine("laser").id).risk_class = RiskClass.D

    assert "Now Adults only, as its risk class asks for." in amina.get(LASER).text


def test_what_is_typed_holds_at_once_and_is_written_down(cast, amina):
    revision = of_place().place.revision

    answer = save(amina, f"{LASER}?audience=reduced", maximum="1 h 30", buddy="yes", level="3")

    assert answer.status_code == 303
    assert answer.location.endswith(f"{LASER}?audience=reduced")
    policy = cast.machine("laser").policy_for(Audience.REDUCED)
    assert (policy.maximum, policy.buddy, policy.level) == (hours(1.5), True, 3)
    assert cast.machine("laser").policy_for(Audience.INDIVIDUAL).maximum == hours(2)
    assert of_place().place.revision > revision
    (note,) = notes()
    assert (note.what, note.machine_id) == (Deed.POLICY, cast.machine("laser").id)
    assert note.made_by_id == cast.people["amina"]
    assert note.before == {"maximum": None, "level": None, "buddy": None}
    assert note.after == {"audience": "reduced", "maximum": 90, "level": 3, "buddy": True}
    assert "1 h 30" in amina.get("/manage/machines/laser").text


def test_every_field_is_kept_and_shown_again(cast, amina):
    said = {
        "step": "30 min",
        "minimum": "1 h",
        "maximum": "3 h",
        "notice": "45 min",
        "horizon_days": "10",
        "modes": ["supervised", "night"],
        "is_open": "yes",
        "quota_machine": "4 h",
        "quota_category": "5 h",
        "quota_risky": "6 h",
        "last_minute": "2 h",
        "weekly_bookings": "2",
        "bookings_ahead": "3",
        "one_at_a_time": "yes",
        "units": "1",
        "youngest": "from_16",
        "buddy": "no",
        "approval": "first",
        "approval_above": "2 h",
        "owner_approval": "no",
        "answer_within": "24 h",
        "setup": "5 min",
        "cleanup": "10 min",
        "cooling": "15 min",
        "free_cancellation": "12 h",
        "release_after": "20 min",
        "level": "0",
        "whole_days": "no",
        "fixed": "0 min",
        "overridable": ["too_late", "closed"],
    }
    assert set(said) == set(NAMES)

    assert save(amina, BENCHES, **said).status_code == 303

    told = shown(amina, BENCHES)
    assert {name: told[name] for name in said} == said
    policy = cast.machine("bench").policy_for(None)
    assert (policy.step, policy.quota_risky) == (timedelta(minutes=30), hours(6))
    assert (policy.youngest, policy.approval) == (AgeBand.FROM_16, Approval.FIRST)
    assert policy.overridable == {"too_late", "closed"}
    assert policy.modes == {"supervised", "night"}


def test_saving_what_is_shown_changes_nothing(cast, amina):
    save(amina, LASER, cooling="20 min", overridable=["nothing"])
    before, told = everything(), len(notes())

    assert save(amina, LASER).status_code == 303

    assert everything() == before
    assert len(notes()) == told
    assert cast.machine("laser").policy_for(None).overridable == frozenset()


def test_a_policy_that_says_nothing_any_more_is_deleted(cast, amina):
    save(amina, BENCHES, maximum="1 h")
    before = len(rows())

    save(amina, BENCHES, maximum="")

    assert len(rows()) == before - 1
    assert cast.machine("bench").policy_for(None).maximum == hours(4)
    assert notes()[-1].before == {"maximum": 60}
    assert notes()[-1].after == {"category": "Benches", "maximum": None}


# Values outside sense


@pytest.mark.parametrize(
    ("page", "typed", "field"),
    [
        (PLACE, {"minimum": "3 h", "maximum": "2 h"}, "maximum"),
        (LASER, {"minimum": "2 h 15"}, "maximum"),  # its maximum of 2 h is said already
        (LASER, {"maximum": "15 min"}, "maximum"),  # under the inherited 30 min
        (PLACE, {"minimum": "2 h 30"}, "minimum"),  # over what the laser says
        (f"{PLACE}?audience=staff", {"minimum": "3 h"}, "minimum"),
        (BENCHES, {"step": "20 min"}, "step"),  # the inherited 30 min are no multiple
        (BENCHES, {"minimum": "50 min"}, "minimum"),
        (BENCHES, {"fixed": "40 min"}, "fixed"),
        (BENCHES, {"fixed": "2 h", "minimum": "3 h", "maximum": "1 h"}, "maximum"),
        (BENCHES, {"quota_machine": "15 min"}, "quota_machine"),
        (BENCHES, {"quota_category": "15 min"}, "quota_category"),
        (BENCHES, {"quota_risky": "29 min"}, "quota_risky"),
        (BENCHES, {"notice": "-30 min"}, "notice"),
        (BENCHES, {"notice": "90"}, "notice"),
        (BENCHES, {"level": "5"}, "level"),
        (BENCHES, {"modes": ["by boat"]}, "modes"),
        (BENCHES, {"youngest": "ancient"}, "youngest"),
        (BENCHES, {"approval": "perhaps"}, "approval"),
        (BENCHES, {"buddy": "maybe"}, "buddy"),
        (BENCHES, {"overridable": ["unqualified"]}, "overridable"),
        (BENCHES, {"overridable": ["nothing", "closed"]}, "overridable"),
        (BENCHES, {"step": "0 min"}, "step"),
        (BENCHES, {"answer_within": "0 min"}, "answer_within"),
        (BENCHES, {"cooling": "745 h"}, "cooling"),
        (BENCHES, {"horizon_days": "731"}, "horizon_days"),
        (BENCHES, {"units": "101"}, "units"),
    ],
)
def test_what_makes_no_sense_is_refused_at_its_field_and_changes_nothing(
    cast, amina, page, typed, field
):
    before = everything()

    answer = save(amina, page, **typed)

    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert f'<a href="#{field}">' in answer.text
    for value in typed.values():
        if isinstance(value, str) and value[-1] in "nh0123456789" and " " in value:
            assert f'value="{value}"' in answer.text
    assert everything() == before
    assert not notes()


def test_ten_thousand_characters_are_a_field_error(amina):
    before = everything()

    for name in ("maximum", "units", "level", "modes"):
        answer = save(amina, LASER, **{name: "x" * 10_000})
        assert answer.status_code == 422
        assert f'id="{name}-error"' in answer.text

    assert everything() == before


@pytest.mark.parametrize("odd", ODD)
def test_odd_things_typed_are_field_errors(amina, odd):
    before = everything()

    answer = save(amina, LASER, **dict.fromkeys(NAMES, odd))

    assert answer.status_code == 422
    assert [name for name in NAMES if f'id="{name}-error"' not in answer.text] == []
    assert everything() == before


def test_what_is_said_for_one_audience_is_asked_of_what_is_said_for_all(cast, amina):
    save(amina, f"{LASER}?audience=reduced", minimum="1 h 30")

    answer = save(amina, LASER, maximum="1 h")

    assert answer.status_code == 422
    assert "On L1 Laser cutter, for: Individual, reduced rate." in answer.text
    assert save(amina, LASER, maximum="1 h 30").status_code == 303


def test_what_was_wrong_before_hinders_nothing_else(cast, amina):
    with writing() as session:
        bench = cast.machine("bench").id
        session.add(Policy(place_id=cast.place_id, machine_id=bench, minimum=hours(8)))

    assert save(amina, PLACE, notice="1 h").status_code == 303
    assert save(amina, PLACE, maximum="5 h").status_code == 422
    assert save(amina, PLACE, maximum="8 h").status_code == 303


def test_the_bounds_themselves_are_accepted(amina):
    fits = {"step": "45 min", "minimum": "45 min", "maximum": "45 min", "quota_machine": "45 min"}

    assert save(amina, BENCHES, **fits).status_code == 303
    assert save(amina, BENCHES, horizon_days="730", cooling="744 h").status_code == 303


def test_days_are_lent_when_the_longest_is_a_day(amina):
    assert save(amina, BENCHES, whole_days="yes", maximum="24 h").status_code == 303
    assert save(amina, BENCHES, quota_machine="23 h").status_code == 422


# Who, and where


@pytest.mark.parametrize(
    "page",
    [
        f"{PLACE}?audience=nobody",
        f"{PLACE}?audience={'x' * 10_000}",
        "/manage/policies/machines/none",
        "/manage/policies/categories/none",
    ],
)
def test_what_is_not_there_is_not_found(amina, page):
    assert amina.get(page).status_code == 404


def test_another_places_rules_are_not_found(annex, amina):
    assert amina.get("/manage/policies/machines/drill").status_code == 404
    assert amina.get("/manage/policies/categories/drill").status_code == 404


# Marks


def marks(client, **fields):
    typed = {"marks_allowed": "3", "marks_window_days": "60", "marks_suspension_days": "7"}
    return submit(client, PLACE, MARKS, **typed | fields)


def test_the_place_says_what_marks_cost(cast, amina):
    assert marks(amina).status_code == 303

    place = db.session.get_one(Place, cast.place_id, populate_existing=True)
    kept = (place.marks_allowed, place.marks_window_days, place.marks_suspension_days)
    assert kept == (3, 60, 7)
    assert notes()[-1].before["marks_window_days"] == 90
    assert 'value="60"' in amina.get(PLACE).text
    assert 'name="marks_allowed"' not in amina.get(f"{PLACE}?audience=staff").text

    assert marks(amina, marks_allowed="").status_code == 303
    assert db.session.get_one(Place, cast.place_id, populate_existing=True).marks_allowed is None


@pytest.mark.parametrize("odd", ["0", "-1", "731", "٣", "\0", "x" * 10_000, ""])
def test_odd_marks_are_refused(cast, amina, odd):
    answer = marks(amina, marks_window_days=odd)

    assert answer.status_code == 422
    assert 'id="marks_window_days-error"' in answer.text
    assert not notes()


def test_it_works_on_both_engines(any_app, any_fablab):
    add_cast(any_fablab)
    amina = browser(any_app, "amina")

    assert save(amina, LASER, maximum="1 h", modes=["night"]).status_code == 303
    assert save(amina, LASER, maximum="15 min").status_code == 422

    policy = any_fablab.machine("laser").policy_for(None)
    assert (policy.maximum, policy.modes) == (hours(1), {"night"})
    assert marks(amina).status_code == 303


def test_lengths_are_written_as_they_are_read():
    told = {typed(timedelta(minutes=m)) for m in (0, 45, 60, 90, 4320)}

    assert told == {"0 min", "45 min", "1 h", "1 h 30", "72 h"}


@pytest.mark.parametrize(("typed", "kept"), [("2 jours", 48), ("1 day", 24), ("3days", 72)])
def test_a_length_may_be_said_in_days_as_the_page_says_it(amina, typed, kept):
    assert save(amina, LASER, answer_within=typed).status_code == 303

    found = db.session.scalars(
        select(Policy.answer_within).where(Policy.answer_within.is_not(None))
    )
    assert timedelta(hours=kept) in list(found)


def test_a_dangerous_machine_that_anybody_may_book_is_pointed_out(amina):
    said = "Dangerous, and open to whoever holds no qualification: L1."
    save(amina, LASER, level="2")
    assert said not in amina.get(LASER).text

    save(amina, LASER, level="0")

    assert said in amina.get(LASER).text


def test_of_two_who_say_the_rules_at_once_the_second_sees_both_and_loses_nothing(
    cast, amina, odile
):
    typed = shown(odile, LASER) | {"maximum": "3 h"}
    save(amina, LASER, maximum="90 min", modes=["night"])

    second = odile.post(LASER, data=typed)

    assert second.status_code == 409
    assert cast.machine("laser").policy_for(None).maximum == timedelta(minutes=90)
    said = words(second.text)
    for told in ("Others have changed this meanwhile", " 1 h 30 3 h ", "at night"):
        assert told in said
    seen = re.search(r'name="seen" value="(\w+)"', second.text)[1]
    assert odile.post(LASER, data=typed | {"seen": seen}).status_code == 303
    assert cast.machine("laser").policy_for(None).maximum == timedelta(hours=3)


def test_of_two_who_say_what_marks_cost_the_second_sees_both(cast, amina, odile):
    read = odile.get(PLACE).text
    marks(amina, marks_allowed="5")

    second = send(odile, read, MARKS, marks_allowed="0", marks_window_days="60")
    assert second.status_code == 422
    typed = {"marks_allowed": "2", "marks_window_days": "60", "marks_suspension_days": "7"}
    second = send(odile, read, MARKS, **typed)

    assert second.status_code == 409
    assert "Marks that suspend 5 2" in words(second.text)
    assert send(odile, second.text, MARKS, **typed).status_code == 303
    assert db.session.scalar(db.select(Place.marks_allowed)) == 2
