"""For whom one books: chosen, remembered, never guessed."""

import re
from datetime import date, timedelta

import pytest
from sqlalchemy import update

from fablab import clock
from fablab.booking import commands
from fablab.booking.orders import BookingRefused
from fablab.booking.verdicts import Reason
from fablab.db import writing
from fablab.machines.kinds import Approval
from fablab.machines.models import Machine
from fablab.organizations.models import Organization, OrganizationKind, OrganizationMember
from tests.booking.conftest import Form, change, words
from tests.booking.test_views import AFTERNOON, NEW, booked, bookings, invalid
from tests.booking.test_wider_rules import member_uid, set_policy
from tests.support import instant, slot

A_YEAR_AGO = date(2026, 3, 29)


def for_whom(client, address=NEW):
    """What the form has chosen of for whom, and what else it offers."""
    html = client.get(address).text
    options = re.search(r'<select[^>]*name="organization".*?</select>', html, re.S)
    return Form(html).values.get("organization"), re.findall(r">([^<>]+)</option>", options[0])


def test_whoever_never_chose_for_whom_is_asked_and_nothing_is_guessed(fablab, browse):
    client = browse("bruno")
    assert for_whom(client) == ("choose", ["Choose…", "Myself", "Studio Fil"])

    answer = Form(client.get(NEW).text).send(client, organization="choose")

    assert answer.status_code == 422
    assert invalid(answer.text) == {"organization"}
    assert "Say for whom you book" in words(answer.text)
    assert bookings() == []
    checked = Form(client.get(NEW).text).check(client, organization="choose")
    assert checked.status_code == 200
    assert Form(checked.text).values["organization"] == "choose"


@pytest.mark.parametrize("said", ["self", ""])
def test_for_oneself_is_said_by_a_word_or_by_nothing(fablab, browse, said):
    client = browse("bruno")

    Form(client.get(NEW).text).send(client, organization=said)

    assert booked().organization_id is None
    assert for_whom(client) == ("self", ["Myself", "Studio Fil"])


def test_the_last_choice_in_the_place_is_remembered(fablab, browse):
    """Whenever its slot is: the one that was chosen last."""
    client, theirs = browse("bruno"), fablab.organization_id
    fablab.book("bench", slot("2027-04-02 10:00-11:00"), "bruno")
    fablab.book("bench", slot("2027-03-31 10:00-11:00"), "bruno", organization_id=theirs)
    assert for_whom(client)[0] == str(theirs)
    by_the_team = fablab.order("bench", slot("2027-04-01 10:00-11:00"), "bruno")
    commands.book(by_the_team, by=fablab.people["amina"], now=clock.now(), is_team=True)

    assert for_whom(client)[0] == str(theirs)
    assert for_whom(browse("amina"), f"{NEW}&member={member_uid(fablab, 'bruno')}")[0] == str(
        theirs
    )
    assert for_whom(client, f"{NEW}&organization=self")[0] == "self"


def test_an_organization_they_left_is_chosen_no_more(fablab, browse):
    fablab.book("bench", AFTERNOON, "bruno", organization_id=fablab.organization_id)
    with writing() as session:
        other = Organization(
            place_id=fablab.place_id, slug="other", name="Other", kind=OrganizationKind.COMPANY
        )
        session.add(other)
        session.flush()
        key = {"organization_id": fablab.organization_id, "member_id": fablab.people["bruno"]}
        session.get(OrganizationMember, key).until = date(2027, 3, 28)
        session.add(OrganizationMember(**key | {"organization_id": other.id}, since=A_YEAR_AGO))

    assert for_whom(browse("bruno")) == ("choose", ["Choose…", "Myself", "Other"])


def test_on_a_day_after_ones_last_nothing_is_chosen_beforehand(fablab, browse):
    """Nor before the first; what is asked is the day of the slot, not today."""
    theirs = str(fablab.organization_id)
    fablab.book("bench", AFTERNOON, "bruno", organization_id=fablab.organization_id)
    stay_until(fablab, date(2027, 3, 31))
    client = browse("bruno")
    day = "/bookings/new?machine=bench&day=2027-03-{}&start=10:00&end=11:00"

    assert for_whom(client, day.format(31)) == (theirs, ["Myself", "Studio Fil"])
    first = client.get("/bookings/new?machine=bench&day=2027-04-01&start=10:00&end=11:00").text
    assert Form(first).values.get("organization") in (None, "choose")
    assert "Studio Fil" not in first.partition("<form")[2]
    waited = client.get("/waits/new?machine=bench&day=2027-04-01").text
    assert "Studio Fil" not in waited.partition("<form")[2]


def test_a_choice_that_the_new_day_makes_impossible_is_asked_anew(fablab, browse):
    stay_until(fablab, date(2027, 3, 31))
    client = browse("bruno")
    form = Form(client.get(NEW).text)

    answer = form.send(client, day="2027-04-01", organization=str(fablab.organization_id))

    assert answer.status_code == 422
    assert invalid(answer.text) == {"organization"}
    assert Form(answer.text).values["organization"] == "choose"  # never silently oneself
    assert bookings() == []


def stay_until(fablab, day):
    with writing() as session:
        key = {"organization_id": fablab.organization_id, "member_id": fablab.people["bruno"]}
        session.get(OrganizationMember, key).until = day


def test_nobody_acts_for_an_organization_after_their_last_day(any_fablab):
    """Whose last day is the 30th books until its end, whenever they book."""
    fablab, studio = any_fablab, any_fablab.organization_id
    with writing() as session:
        key = {"organization_id": studio, "member_id": fablab.people["bruno"]}
        session.get(OrganizationMember, key).until = date(2027, 3, 30)

    fablab.book("bench", AFTERNOON, "bruno", organization_id=studio)
    with pytest.raises(BookingRefused) as refused:
        fablab.book("bench", slot("2027-03-31 10:00-11:00"), "bruno", organization_id=studio)

    [refusal] = refused.value.refusals
    assert (refusal.reason, refusal.values) == (
        Reason.NOT_YOUR_ORGANIZATION,
        {"day": date(2027, 3, 30)},
    )


def test_for_whom_a_booking_is_stays_when_it_moves(fablab, browse):
    theirs = fablab.organization_id
    uid = fablab.book("bench", AFTERNOON, "bruno", organization_id=theirs)
    client = browse("bruno")
    form = Form(client.get(f"/bookings/{uid}/move").text)
    assert "organization" not in form.values

    form.send(client, start="15:00", end="17:00", organization="self")

    made = booked()
    assert (made.starts_at, made.organization_id) == (instant("2027-03-30 15:00"), theirs)


def test_a_booking_for_oneself_says_so_to_who_might_have_chosen_otherwise(fablab, browse):
    for_bruno = fablab.book("bench", AFTERNOON, "bruno")
    for_chloe = fablab.book("bench", slot("2027-03-31 14:00-16:00"), "chloe")
    said = "On behalf of Myself"

    assert said in words(browse("bruno").get(f"/bookings/{for_bruno}").text)
    assert "On behalf of" not in words(browse("chloe").get(f"/bookings/{for_chloe}").text)
    assert said not in words(browse("amina").get(f"/bookings/{for_bruno}").text)


def test_the_account_it_is_put_down_to_is_told_before_it_is_confirmed(fablab, browse):
    with writing() as session:
        session.execute(update(OrganizationMember).values(activity="Atelier Lefil"))
    client, theirs = browse("bruno"), str(fablab.organization_id)
    told = "Put down to the activity account Atelier Lefil."

    chosen = Form(client.get(NEW).text).check(client, organization=theirs)
    own = Form(client.get(NEW).text).check(client, organization="self")

    assert told in words(chosen.text)
    assert "activity account" not in words(own.text)
    Form(client.get(NEW).text).send(client, organization=theirs)
    assert told in words(client.get(f"/bookings/{booked().uid}/move").text)


def test_the_team_reads_of_whom_it_books_for_and_nothing_said_to_them(fablab, browse):
    set_policy(fablab, "bench", release_after=timedelta(minutes=30), approval=Approval.ALWAYS)
    change(Machine, "bench", safety="Goggles")
    page = f"{NEW}&member={member_uid(fablab, 'bruno')}"

    html = browse("amina").get(page).text

    said = words(html[html.index("<main") : html.index("</main>")])
    said = said.replace("You then see each date", "")  # they, who book
    assert for_whom(browse("amina"), page)[1] == ["Choose…", "Bruno Lefil", "Studio Fil"]
    assert "Their project" in said
    assert "They have read them and will keep to them" in said
    assert "Bruno Lefil may cancel until" in said
    assert "Bruno Lefil can say that they are here from" in said
    assert re.findall(r"\b([Yy]ours?|[Yy]ou|Myself|I have)\b", said) == []
    own = words(browse("bruno").get(NEW).text)
    assert all(each in own for each in ("Myself", "Your project", "I have read", "You may cancel"))
