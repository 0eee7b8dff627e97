"""One path each that a person can take, from the form to the database and back to the page."""

import re
from datetime import date, time, timedelta
from typing import Any
from urllib.parse import unquote

import pytest
from sqlalchemy import delete, select, update

from fablab import clock
from fablab.booking import absences, commands, ledger, series, views
from fablab.clock import to_wall
from fablab.db import Busy, db, writing
from fablab.invitations import commands as invitations
from fablab.machines import commands as machines
from fablab.machines import guards
from fablab.machines.kinds import Approval, MachineState, RiskClass, Status
from fablab.machines.models import Category, Machine, Occupancy, Policy
from fablab.mail.models import OutgoingMail
from fablab.members.models import Membership
from fablab.places.kinds import Mode
from fablab.places.models import Opening, Place
from fablab.trainings.models import Qualification, Training
from fablab.trainings.sessions import Plan, plan
from tests.booking.conftest import Form, add_machine, change, words
from tests.support import PARIS, counting, instant, slot, submit

AFTERNOON = slot("2027-03-30 14:00-16:00")
NEW = "/bookings/new?machine=bench&day=2027-03-30&start=14:00&end=16:00"
LASER = NEW.replace("bench", "laser")
NOBODYS = "0f8fad5b-d9cb-469f-a165-70867728950e"
HOURS = {"day": "2027-03-30", "start": "14:00", "end": "16:00"}


def bookings() -> list[Any]:
    db.session.rollback()
    return list(db.session.execute(select(Occupancy.__table__).order_by(Occupancy.id)))


def booked() -> Any:
    [only] = bookings()
    return only


def title(page: str) -> str:
    found = re.search(r"<title>(.*?)</title>", page, re.S)
    assert found
    return words(found[1]).strip()


def alert(page: str) -> str:
    """What is said at once to whoever cannot see the page, and takes the focus."""
    found = re.search(
        r'<div class="message message--\w+" role="alert" id="refusal".*?</div>', page, re.S
    )
    assert found
    return words(found[0])


def invalid(page: str) -> set[str]:
    """The fields marked as wrong."""
    return set(re.findall(r'name="(\w+)"[^>]*aria-invalid="true"', page)) | set(
        re.findall(r'aria-invalid="true"[^>]*name="(\w+)"', page)
    )


def offers(page: str) -> list[str]:
    found = re.findall(r'<a class="slot slot--offer" href="([^"]+)"', page)
    return [url.replace("&amp;", "&") for url in found]


# -- the form


@pytest.mark.parametrize("address", ["/bookings/", NEW, f"/bookings/{NOBODYS}"])
def test_a_visitor_is_asked_to_sign_in_first(fablab, browse, address):
    answer = browse(None).get(address)

    assert answer.status_code == 303
    assert answer.location.startswith("/login?next=")


def test_without_a_machine_one_is_led_to_where_they_are_chosen(fablab, browse):
    for address in ("/bookings/new", "/bookings/new?machine=", "/bookings/new?day=2027-03-30"):
        assert browse("bruno").get(address).location == "/machines/"


@pytest.mark.parametrize("slug", ["kiln", "BENCH", "%F0%9F%94%A5", "x" * 10_000])
def test_a_machine_that_does_not_exist_is_no_page(fablab, browse, slug):
    assert browse("bruno").get(f"/bookings/new?machine={slug}").status_code == 404


def test_the_form_is_filled_with_what_the_address_says(fablab, browse):
    form = Form(browse("bruno").get(NEW).text)

    shown = {name: form.values[name] for name in ("machine", "day", "start", "end", "organization")}
    assert shown == {"machine": "bench", "organization": "choose", **HOURS}
    assert form.action == "/bookings/"
    assert form.values["key"]


def test_the_ticket_and_the_strip_say_what_would_be_booked(fablab, browse):
    fablab.book("bench", slot("2027-03-30 16:00-17:00"), "chloe")

    page = browse("bruno").get(NEW).text

    assert "Tuesday 30 March 2027 14:00–16:00 (2 h)" in words(page)
    assert "On the clock of L'Atelier (Europe/Paris)" in words(page)
    assert "You may cancel until Tuesday 30 March 14:00" in page
    assert "It is free; the next one starts at 16:00." in page
    assert 'aria-label="Your request, 14:00–16:00, fits into this machine&#39;s day"' in page
    assert '<rect class="strip__part strip__part--own" x="840" width="120" height="1"/>' in page
    assert '<rect class="strip__part strip__part--booked" x="960" width="60" height="1"/>' in page


def test_without_hours_the_first_free_hour_is_filled_in(fablab, browse):
    """The place is closed on Monday; on Tuesday somebody has the first hour and a half."""
    fablab.book("bench", slot("2027-03-30 10:00-11:30"), "chloe")

    form = Form(browse("bruno").get("/bookings/new?machine=bench").text)

    assert form.values["day"] == "2027-03-30"
    assert (form.values["start"], form.values["end"]) == ("11:30", "12:30")


def test_a_day_without_free_time_still_opens_the_form(fablab, browse):
    closed = browse("bruno").get("/bookings/new?machine=bench&day=2027-04-05").text

    assert Form(closed).values["day"] == "2027-04-05"
    assert "This machine cannot be booked on Monday 5 April." in closed


@pytest.mark.parametrize(
    "garbled",
    [
        "day=0001-01-01&start=00:00&end=00:00",
        "day=9999-12-31&start=23:00&end=00:00",
        "day=2200-12-31&start=23:00&end=00:00",
        "day=2027-03-30&start=10:00&end=11:00&end_day=0001-01-01",
        "day=2027-03-30&start=10:00&end=11:00&end_day=9999-12-31",
        "day=2027-03-30&start=16:00&end=10:00",
        "day=٢٠٢٧-٠٣-٣٠&start=١٠:٠٠&end=١١:٠٠",
        "day=%09&start=%0d%0a&end=%E2%80%AE",
        "start=25:00&end=-1:00",
        "day=2027-03-28&start=02:30&end=02:45",
    ],
)
def test_an_address_may_say_anything(fablab, browse, garbled):
    assert browse("bruno").get(f"/bookings/new?machine=bench&{garbled}").status_code == 200


def test_what_stands_in_the_way_is_said_before_the_button_is_pressed(fablab, browse):
    page = browse("chloe").get(LASER).text

    assert "Training to follow: Laser cutting." in page
    assert 'role="alert"' not in page
    assert not title(page).startswith("Error")


def test_what_must_never_be_used_stands_on_the_form(fablab, browse):
    change(Machine, where="laser", materials_forbidden=["PVC", "ABS"], notes="Stay beside it.")

    page = browse("bruno").get(LASER).text

    assert "Never on this machine: PVC, ABS" in words(page)
    assert "Stay beside it." in page


def test_one_chooses_on_whose_behalf_among_ones_own(fablab, browse):
    assert "Studio Fil" in browse("bruno").get(NEW).text
    assert 'name="organization"' not in browse("chloe").get(NEW).text


def test_the_hours_to_choose_from_are_those_of_the_day_and_what_was_asked(fablab, browse):
    page = browse("bruno").get(NEW.replace("14:00", "14:07")).text

    starts, ends = (
        re.findall(r'value="([\d:]+)"', found)
        for found in re.findall(r"<select.*?</select>", page, re.S)[:2]
    )
    assert (starts[0], starts[-1]) == ("10:00", "17:45")
    assert "14:07" in starts
    assert (ends[0], ends[-1]) == ("10:15", "18:00")


def test_on_a_closed_day_the_usual_hours_are_there_to_choose_from(fablab, browse):
    page = browse("bruno").get(NEW.replace("03-30", "04-05")).text

    starts, ends = (
        re.findall(r'value="([\d:]+)"', found)
        for found in re.findall(r"<select.*?</select>", page, re.S)[:2]
    )
    assert (starts[0], starts[-1], ends[-1]) == ("10:00", "17:45", "18:00")


# -- booking


def test_a_form_sent_as_it_is_books_and_leads_to_the_booking(fablab, browse):
    client = browse("bruno")

    answer = Form(client.get(NEW).text).send(client, purpose="Lamp")

    made = booked()
    assert answer.status_code == 303
    assert answer.location == f"/bookings/{made.uid}"
    assert (made.starts_at, made.ends_at) == (AFTERNOON.start, AFTERNOON.end)
    assert (made.title, made.member_id) == ("Lamp", fablab.people["bruno"])
    page = client.get(answer.location).text
    assert title(page) == "It is booked, B1 — L'Atelier"
    assert '<p class="stamp stamp--ok" aria-hidden="true">Booked</p>' in page
    assert f'href="/bookings/{made.uid}.ics"' in page
    assert "until Tuesday 30 March 14:00" in page


def test_a_booking_is_made_on_either_engine(any_fablab, browse_any):
    client = browse_any("bruno")

    answer = submit(
        client, NEW, "/bookings/", **HOURS, organization=str(any_fablab.organization_id)
    )

    assert answer.status_code == 303
    assert booked().organization_id == any_fablab.organization_id


def test_an_organization_that_is_not_theirs_is_refused_at_its_field(fablab, browse):
    client = browse("bruno")

    answer = Form(client.get(NEW).text).send(client, organization="77")

    assert answer.status_code == 422
    assert "You cannot book on behalf of this organization." in alert(answer.text)
    assert invalid(answer.text) == {"organization"}
    assert bookings() == []


def test_a_form_sent_twice_books_once_and_leads_to_the_same_page(fablab, browse):
    client = browse("bruno")
    form = Form(client.get(NEW).text)

    first, again = form.send(client), form.send(client)

    assert (first.status_code, again.status_code) == (303, 303)
    assert first.location == again.location
    assert len(bookings()) == 1


def test_a_used_form_leads_to_its_booking_whatever_is_typed_in_it(fablab, browse):
    client = browse("bruno")
    form = Form(client.get(NEW).text)
    first = form.send(client)

    again = form.send(client, start="16:00", end="17:00")

    assert (again.status_code, again.location) == (303, first.location)
    assert "This form had booked already" in client.get(again.location).text
    assert len(bookings()) == 1


def test_ones_own_booking_in_the_way_is_said_and_linked(fablab, browse):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    client = browse("bruno")

    answer = Form(client.get(NEW).text).send(client)

    assert answer.status_code == 409
    assert "You have booked it already, 14:00–16:00. See that booking" in alert(answer.text)
    assert f'href="/bookings/{uid}"' in answer.text


def test_what_was_typed_goes_along_to_an_offered_slot(fablab, browse):
    fablab.book("bench", AFTERNOON, "chloe")
    client, theirs = browse("bruno"), str(fablab.organization_id)
    refused = Form(client.get(NEW).text).send(client, purpose="Löwe & Co", organization=theirs)

    first, *_ = offers(refused.text)
    kept = Form(client.get(first).text).values

    assert (kept["purpose"], kept["organization"]) == ("Löwe & Co", theirs)


@pytest.mark.parametrize("odd", ["purpose=" + "x" * 201, "purpose=a%E2%80%AEb", "organization=x"])
def test_what_an_address_says_beyond_measure_is_left_out(fablab, browse, odd):
    shown = Form(browse("bruno").get(f"{NEW}&{odd}").text).values

    assert (shown["purpose"], shown["organization"]) == ("", "choose")


def test_who_lacks_a_qualification_reads_whom_to_ask(fablab, browse):
    change(Place, email="team@atelier.example", phone="01 23 45 67 89")

    page = browse("chloe").get(LASER).text

    assert 'href="mailto:team@atelier.example"' in page
    assert 'href="tel:0123456789"' in page
    assert "The team can help you." not in browse("bruno").get(LASER).text


def test_a_slot_that_is_taken_is_409_and_nothing_typed_is_lost(fablab, browse):
    fablab.book("bench", slot("2027-03-30 15:00-17:00"), "chloe")
    client = browse("bruno")

    answer = Form(client.get(NEW).text).send(client, purpose="A lamp")

    assert answer.status_code == 409
    assert title(answer.text) == "Error: this slot is not possible, B1 — L'Atelier"
    assert "Not possible: Tomorrow, 14:00–16:00" in alert(answer.text)
    assert "The machine is already taken 15:00–17:00 by Chloé Navette." in alert(answer.text)
    assert "Nothing was booked. What you typed is kept below." in alert(answer.text)
    kept = Form(answer.text).values
    assert {name: kept[name] for name in HOURS} == HOURS
    assert kept["purpose"] == "A lamp"
    assert len(bookings()) == 1


def test_a_refusal_offers_three_slots_each_of_which_is_a_form_to_send(fablab, browse):
    add_machine(fablab, "bench2", "bench")
    fablab.book("bench", AFTERNOON, "chloe")
    client = browse("bruno")

    page = Form(client.get(NEW).text).send(client).text

    found = offers(page)
    assert len(found) == 3
    for url in found:
        assert Form(client.get(url).text).send(client).status_code == 303


def test_every_reason_is_listed_and_told_again_at_its_field(fablab, browse):
    fablab.book("laser", slot("2027-03-30 15:00-17:00"), "bruno")
    client = browse("chloe")

    answer = Form(client.get(LASER).text).send(client, end="18:10")

    assert answer.status_code == 422
    for sentence in (
        "This machine asks for a qualification that you do not hold yet. Training to follow:"
        " Laser cutting.",
        "On Tuesday 30 March this machine can be booked 10:00–18:00 only.",
        "4 h 10 is too long: this machine is booked for 2 h at most. So that everyone gets a turn.",
        "Slots start and end on the hour or every 15 min after it.",
        "The machine is already taken 15:00–17:00 by Bruno Lefil.",
    ):
        assert sentence in alert(answer.text)
    assert invalid(answer.text) == {"start", "end"}
    assert 'id="end-error"' in answer.text
    assert bookings()[0].member_id == fablab.people["bruno"]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"day": "2027-06-08"}, "day"),
        ({"day": "2027-03-29"}, "day"),
        ({"day": "2027-04-05"}, "start"),
        ({"end": "14:15"}, "end"),
        ({"start": "14:05", "end": "15:05"}, "start"),
        ({"day": "2027-03-27"}, "start"),
    ],
)
def test_any_refusal_but_taken_is_422(fablab, browse, changed, field):
    client = browse("bruno")

    answer = Form(client.get(NEW).text).send(client, **changed)

    assert answer.status_code == 422
    assert field in invalid(answer.text)
    assert bookings() == []


def test_an_outage_is_422_with_its_reason(fablab, browse):
    bench, amina = fablab.machine("bench"), fablab.people["amina"]
    machines.withdraw(bench.id, AFTERNOON, "Oil change", by=amina, now=clock.now())
    client = browse("bruno")

    answer = Form(client.get(NEW).text).send(client)

    assert answer.status_code == 422
    assert "The machine is withdrawn 14:00–16:00: Oil change." in alert(answer.text)


def test_somebody_faster_is_told_as_such(fablab, browse, monkeypatch):
    """Between the look of the rules and the write, somebody took it: the guard says so."""
    client = browse("bruno")
    form = Form(client.get(NEW).text)
    fablab.book("bench", AFTERNOON, "chloe")
    monkeypatch.setattr(ledger, "refusals", lambda slot, facts: [])

    answer = form.send(client)

    assert answer.status_code == 409
    assert "Somebody has just taken this slot." in alert(answer.text)
    assert offers(answer.text)


@pytest.mark.parametrize(
    ("changed", "sentence", "field"),
    [
        ({"day": ""}, "Choose a day.", "day"),
        ({"day": "2027-02-30"}, "There is no such day to choose.", "day"),
        ({"day": "9999-12-31"}, "There is no such day to choose.", "day"),
        ({"start": ""}, "Say when it starts.", "start"),
        ({"end": ""}, "Say when it ends.", "end"),
        ({"start": "24:30"}, "There is no such hour.", "start"),
        ({"end": "14:00"}, "The end must come after the start.", "end"),
        ({"end": "13:00"}, "The end must come after the start.", "end"),
        ({"end_day": "2027-05-30"}, "That is longer than a month.", "end"),
        ({"end_day": "tomorrow"}, "There is no such day to choose.", "end_day"),
        ({"organization": "abc"}, "Choose from the list.", "organization"),
        ({"purpose": "x" * 201}, "200 characters at most.", "purpose"),
        ({"purpose": "a\u202eb"}, "It holds characters that nobody can see", "purpose"),
    ],
)
def test_what_cannot_be_read_is_said_at_its_field_and_kept(
    fablab, browse, changed, sentence, field
):
    client = browse("bruno")

    answer = Form(client.get(NEW).text).send(client, **{"purpose": "Lamp"} | changed)

    assert answer.status_code == 422
    assert title(answer.text).startswith("Error:")
    assert sentence in alert(answer.text)
    assert field in invalid(answer.text)
    [(name, typed)] = changed.items()
    assert name == "organization" or Form(answer.text).values[name] == typed
    assert bookings() == []


def test_a_damaged_key_is_mended_by_sending_again(fablab, browse):
    client = browse("bruno")

    refused = Form(client.get(NEW).text).send(client, key="?!")
    answer = Form(refused.text).send(client)

    assert refused.status_code == 422
    assert "It was damaged on the way; send it again." in alert(refused.text)
    assert answer.status_code == 303


def test_to_check_is_not_to_book(fablab, browse):
    fablab.book("bench", slot("2027-03-30 16:00-17:00"), "chloe")
    client = browse("bruno")
    form = Form(client.get(NEW).text)

    free = form.check(client, end="15:30", purpose="Lamp")
    taken = form.check(client, end="16:30")

    assert (free.status_code, taken.status_code) == (200, 200)
    assert "It is free" in free.text
    assert "14:00–15:30 (1 h 30)" in words(free.text)
    assert Form(free.text).values["purpose"] == "Lamp"
    assert "already taken 16:00–17:00" in alert(taken.text)
    assert len(offers(taken.text)) == 3
    assert len(bookings()) == 1


def test_a_change_checked_by_the_page_itself_keeps_the_focus_where_it_was(fablab, browse):
    fablab.book("bench", slot("2027-03-30 16:00-17:00"), "chloe")
    client = browse("bruno")
    form = Form(client.get(NEW).text)

    page = form.check(client, end="16:30", focused="end", purpose="Lamp").text

    assert re.findall(r'name="(\w+)"[^>]* autofocus', page) == ["end"]
    assert 'id="refusal"' not in page
    assert Form(page).values["purpose"] == "Lamp"
    assert 'data-check-on-change="day start end end_day machine organization accompanied"' in page


def test_the_menu_shows_a_new_booking_under_the_machines(fablab, browse):
    page = browse("bruno").get(NEW).text

    assert re.findall(r'<a href="([^"]+)" aria-current="page"', page) == ["/machines/"]


def test_a_form_checked_then_confirmed_books_what_was_checked(fablab, browse):
    client = browse("bruno")

    checked = Form(client.get(NEW).text).check(client, start="10:30", end="11:30")
    answer = Form(checked.text).send(client)

    assert answer.status_code == 303
    assert f"{to_wall(PARIS, booked().starts_at):%H:%M}" == "10:30"


def test_a_form_from_elsewhere_is_refused(fablab, browse):
    answer = browse("bruno").post("/bookings/", data={"machine": "bench", **HOURS})

    assert answer.status_code == 400
    assert bookings() == []


def test_without_its_guard_the_database_takes_no_booking(fablab, browse):
    client = browse("bruno")
    form = Form(client.get(NEW).text)
    with db.engine.begin() as connection:
        connection.exec_driver_sql(f"DROP TRIGGER {guards.NO_OVERLAP}_update")

    assert form.send(client).status_code == 503
    assert bookings() == []


def test_a_busy_database_is_503_and_says_to_come_back(fablab, browse, monkeypatch):
    def busy(*_args: Any, **_kwargs: Any) -> None:
        raise Busy

    client = browse("bruno")
    form = Form(client.get(NEW).text)
    monkeypatch.setattr(commands, "book", busy)

    answer = form.send(client)

    assert answer.status_code == 503
    assert answer.headers["Retry-After"]


def test_a_machine_retired_meanwhile_is_no_page(fablab, browse):
    client = browse("bruno")
    form = Form(client.get(NEW).text)
    change(Machine, where="bench", state=MachineState.RETIRED)

    assert form.send(client).status_code == 404


def test_a_purpose_is_inert_and_read_by_its_owner_and_the_team(fablab, browse):
    client = browse("bruno")
    evil = "<script>alert(1)</script>"

    address = Form(client.get(NEW).text).send(client, purpose=evil).location

    for who in ("bruno", "amina"):
        page = browse(who).get(address).text
        assert "&lt;script&gt;alert(1)" in page
        assert evil not in page


# -- midnight, nights, and the nights the clocks change


def open_on(
    fablab: Any, weekday: int, opens: int, closes: int, mode: Mode = Mode.SUPERVISED
) -> None:
    with writing() as session:
        session.add(
            Opening(
                place_id=fablab.place_id,
                weekday=weekday,
                opens_at=time(opens),
                closes_at=time(closes),
                mode=mode,
            )
        )


@pytest.mark.parametrize("midnight", ["00:00", "24:00"])
def test_a_booking_may_end_at_midnight(fablab, browse, midnight):
    open_on(fablab, 2, 18, 0)
    client = browse("bruno")
    form = Form(client.get(NEW).text)

    address = form.send(client, start="22:00", end=midnight).location

    assert booked().ends_at == instant("2027-03-31 00:00")
    assert "22:00–24:00 (2 h)" in words(client.get(address).text)


def test_the_list_of_ends_closes_with_midnight(fablab, browse):
    open_on(fablab, 2, 18, 0)

    page = browse("bruno").get(NEW).text

    ends = re.findall(r"<select.*?</select>", page, re.S)[1]
    assert re.findall(r'value="([\d:]+)">([\d:]+)<', ends)[-2:] == [
        ("23:45", "23:45"),
        ("00:00", "24:00"),
    ]


@pytest.fixture
def nights(fablab):
    """The bench may run through the night from Tuesday to Wednesday, for 16 hours at most."""
    open_on(fablab, 2, 18, 10, Mode.NIGHT)
    change(Policy, modes=["supervised", "night"], maximum=timedelta(hours=16))
    return fablab


def test_a_booking_over_the_night_names_both_days(nights, browse):
    client = browse("bruno")
    form = Form(client.get(NEW).text)

    address = form.send(client, start="17:00", end="08:00", end_day="2027-03-31").location

    assert booked().ends_at == instant("2027-03-31 08:00")
    page = words(client.get(address).text)
    assert "Tuesday 30 March 17:00 – Wednesday 31 March 8:00 (15 h)" in page


def test_a_night_that_is_taken_is_offered_as_another_whole_night_or_day(nights, browse):
    nights.book("bench", slot("2027-03-30 17:00-02:00"), "chloe")
    client = browse("bruno")
    form = Form(client.get(NEW).text)

    refused = form.send(client, start="17:00", end="03:00", end_day="2027-03-31")
    first, *_ = offers(refused.text)

    assert refused.status_code == 409
    assert Form(client.get(first).text).send(client).status_code == 303


def test_an_end_before_the_start_is_one_of_the_next_morning(nights, browse):
    client = browse("bruno")
    address = NEW.replace("14:00", "22:00").replace("16:00", "06:00")

    page = client.get(address).text
    answer = Form(client.get(NEW).text).send(client, start="22:00", end="06:00")

    assert "Tuesday 30 March 22:00 – Wednesday 31 March 6:00 (8 h)" in words(page)
    assert answer.status_code == 303
    assert booked().ends_at == instant("2027-03-31 06:00")


def test_a_last_day_before_the_first_is_said_at_the_end(nights, browse):
    client = browse("bruno")

    answer = Form(client.get(NEW).text).send(client, end_day="2027-03-29")

    assert "The end must come after the start: choose a later last day." in alert(answer.text)


def test_a_booking_over_the_night_is_moved_with_both_its_days(nights, browse):
    uid = nights.book("bench", slot("2027-03-30 17:00-08:00"), "bruno")
    client = browse("bruno")

    form = Form(client.get(f"/bookings/{uid}/move").text)
    answer = form.send(client, end="09:00")

    assert form.values["end_day"] == "2027-03-31"
    assert answer.status_code == 303
    assert booked().ends_at == instant("2027-03-31 09:00")


def test_an_hour_that_the_spring_night_skips_is_refused_with_a_sentence(fablab, browse, at):
    at("2027-03-27 12:00")
    open_on(fablab, 7, 1, 6)
    client = browse("bruno")
    form = Form(client.get(NEW).text)

    answer = form.send(client, day="2027-03-28", start="02:30", end="04:00")

    assert answer.status_code == 422
    assert "The clocks go forward that night: this hour does not exist." in alert(answer.text)
    assert invalid(answer.text) == {"start"}
    assert Form(answer.text).values["start"] == "02:30"


def test_an_hour_that_the_autumn_night_shows_twice_means_the_first_and_says_so(fablab, browse, at):
    at("2027-10-30 12:00")
    open_on(fablab, 7, 1, 6)
    client = browse("bruno")
    address = "/bookings/new?machine=bench&day=2027-10-31&start=02:30&end=04:00"

    page = client.get(address).text
    Form(page).send(client)

    assert "show 2:30 twice: the first is meant." in page
    assert "2:30–4:00 (2 h 30)" in words(page)
    made = booked()
    assert made.ends_at - made.starts_at == timedelta(hours=2, minutes=30)


# -- another place


@pytest.fixture
def annex(fablab):
    """A second place, in another zone, with one machine and Bruno among its members."""
    with writing() as session:
        place = Place(
            slug="annex",
            name="The Annex",
            zone="America/Martinique",
            position=1,
            created_at=clock.now(),
        )
        session.add(place)
        session.flush()
        session.add_all(
            Opening(place_id=place.id, weekday=day, opens_at=time(8), closes_at=time(20))
            for day in range(1, 8)
        )
        category = Category(place_id=place.id, slug="wood", name="Wood")
        session.add(category)
        session.flush()
        session.add_all(
            [
                Machine(
                    place_id=place.id,
                    category_id=category.id,
                    slug="lathe",
                    code="T1",
                    name="Lathe",
                ),
                Membership(member_id=fablab.people["bruno"], place_id=place.id),
            ]
        )
    return fablab


def test_another_place_is_kept_from_the_form_to_the_offers(annex, browse):
    client = browse("bruno")
    address = "/bookings/new?place=annex&machine=lathe&day=2027-03-30&start=08:00&end=09:00"

    form = Form(client.get(address).text)
    first = form.send(client)
    again = Form(client.get(address).text).send(client)

    assert client.get("/bookings/new?place=annex").location == "/machines/?place=annex"
    assert form.action == "/bookings/?place=annex"
    assert first.status_code == 303
    assert booked().starts_at.hour == 12
    assert again.status_code == 409
    assert all("place=annex" in url for url in offers(again.text))


def test_a_booking_elsewhere_is_read_on_the_clock_of_its_own_place(annex, browse):
    client = browse("bruno")
    annex.book("bench", AFTERNOON, "bruno")
    address = "/bookings/new?place=annex&machine=lathe&day=2027-03-30&start=08:00&end=09:00"
    there = Form(client.get(address).text).send(client).location

    assert "Tomorrow, 14:00–16:00" in words(client.get("/bookings/").text)
    assert "Tomorrow, 8:00–9:00" in words(client.get("/bookings/").text)
    assert "On the clock of The Annex (America/Martinique)" in client.get(there).text
    assert title(client.get(there).text).endswith("— The Annex")
    assert Form(client.get(f"{there}/move").text).values["start"] == "08:00"


# -- my bookings


def test_without_bookings_the_page_says_what_to_do_next(fablab, browse):
    page = browse("chloe").get("/bookings/").text

    assert "You have no booking to come. The planning shows what is free." in page
    assert 'href="/planning/"' in page
    assert "Over or cancelled" not in page


def test_bookings_to_come_are_listed_soonest_first_with_what_can_be_done(fablab, browse, at):
    later = fablab.book("bench", slot("2027-04-02 10:00-11:00"), "bruno")
    soon = fablab.book("laser", AFTERNOON, "bruno")
    fablab.book("bench", AFTERNOON, "chloe")
    at("2027-03-30 10:42")

    page = browse("bruno").get("/bookings/").text

    assert re.findall(r'<a href="/bookings/([^/"]+)"><b', page) == [soon, later]
    assert "Today, 14:00–16:00 Laser cutter · in 3 h 18" in words(page)
    assert "Friday 2 April, 10:00–11:00 Workbench · in 3 days" in words(page)
    for uid in (soon, later):
        assert f'href="/bookings/{uid}/move"' in page
        assert f'href="/bookings/{uid}/cancellation"' in page


def test_what_is_over_cancelled_or_missed_is_shown_as_such(fablab, browse, at):
    over = fablab.book("laser", AFTERNOON, "bruno")
    missed = fablab.book("bench", AFTERNOON, "bruno")
    cancelled = fablab.book("bench", slot("2027-04-02 10:00-11:00"), "bruno")
    commands.cancel(cancelled, by=fablab.people["bruno"], is_team=False, now=clock.now())
    with writing() as session:
        session.execute(
            update(Occupancy.__table__)
            .where(Occupancy.uid == missed)
            .values(status=Status.MISSED, standing=False)
        )
    at("2027-03-31 09:00")

    page = browse("bruno").get("/bookings/").text

    rows = re.findall(r'<li class="booking-row (booking-row--\w+)">.*?</li>', page, re.S)
    assert rows == ["booking-row--cancelled", "booking-row--over", "booking-row--over"]
    for uid, state in ((cancelled, "Cancelled"), (over, "Over"), (missed, "Missed")):
        row = page[page.index(f"/bookings/{uid}") :].partition("</li>")[0]
        assert state in words(row)
    assert "/move" not in page


def test_a_booking_that_waits_for_approval_says_so(fablab, browse):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    with writing() as session:
        session.execute(update(Occupancy.__table__).values(status=Status.PENDING))

    assert "Waiting for approval" in browse("bruno").get("/bookings/").text
    assert title(browse("bruno").get(f"/bookings/{uid}").text).startswith("It waits for approval")


def test_what_is_past_is_read_page_by_page(fablab, browse, at, monkeypatch):
    monkeypatch.setattr(views, "PAGE", 2)
    for hour in range(10, 15):
        fablab.book("bench", slot(f"2027-03-30 {hour}:00-{hour + 1}:00"), "bruno")
    at("2027-03-31 09:00")
    client = browse("bruno")

    hours = [
        re.findall(r">[^<>]*, (\d+):00–", client.get(f"/bookings/?page={page}").text)
        for page in (1, 2, 3, 4)
    ]

    assert [sorted(set(found), reverse=True) for found in hours] == [
        ["14", "13"],
        ["12", "11"],
        ["10"],
        [],
    ]
    assert "There is nothing further back." in client.get("/bookings/?page=4").text
    assert 'href="/bookings/?page=2"' in client.get("/bookings/").text
    assert 'href="/bookings/?page=1"' in client.get("/bookings/?page=2").text
    assert "page=4" not in client.get("/bookings/?page=3").text


@pytest.mark.parametrize("page", ["0", "-1", "abc", "١", "99999999999999999999", "1" * 5000, ""])
def test_any_page_asked_for_is_a_page(fablab, browse, page):
    assert browse("bruno").get("/bookings/", query_string={"page": page}).status_code == 200


def test_the_team_is_not_told_to_wait_for_its_own_yes(fablab, browse):
    change(Policy, approval=Approval.ALWAYS)

    client = browse("amina")

    page = client.get(NEW).text

    assert "It then waits for" in words(browse("bruno").get(NEW).text)
    assert "It then waits for" not in words(page)
    Form(page).send(client)
    assert booked().status == Status.CONFIRMED


# -- whose booking it is


VERBS = [
    ("get", "/bookings/{uid}"),
    ("get", "/bookings/{uid}/cancellation"),
    ("post", "/bookings/{uid}/cancellation"),
    ("get", "/bookings/{uid}/move"),
    ("post", "/bookings/{uid}/move"),
]


@pytest.mark.parametrize(("verb", "address"), VERBS)
def test_a_booking_of_someone_else_does_not_exist(fablab, browse, verb, address):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    client = browse("chloe")
    form = Form(client.get(NEW.replace("bench", "laser")).text)

    def answer(asked: str) -> Any:
        url = address.format(uid=asked)
        return client.get(url) if verb == "get" else client.post(url, data=form.values)

    theirs, nothing = answer(uid), answer(NOBODYS)

    assert (theirs.status_code, nothing.status_code) == (404, 404)
    assert without_tokens(theirs).replace(uid, "") == without_tokens(nothing).replace(NOBODYS, "")
    assert (booked().revision, booked().status) == (0, Status.CONFIRMED)


def without_tokens(answer: Any) -> str:
    """A token says in which second it was made."""
    return re.sub(r'(name="csrf_token"[^>]*value=")[^"]+', r"\1", answer.text)


@pytest.mark.parametrize(
    "odd", ["1", "abc", "%00", "../etc", "00000000-0000-0000-0000-00000000000g"]
)
def test_what_is_no_identifier_is_no_page(fablab, browse, odd):
    assert browse("bruno").get(f"/bookings/{odd}").status_code == 404


def test_an_outage_has_no_page_here(fablab, browse):
    bench, amina = fablab.machine("bench"), fablab.people["amina"]
    uid = machines.withdraw(bench.id, AFTERNOON, "Oil", by=amina, now=clock.now())

    assert browse("amina").get(f"/bookings/{uid}").status_code == 404


def test_the_team_sees_for_whom_a_booking_is(fablab, browse):
    uid = fablab.book("bench", AFTERNOON, "bruno", organization_id=fablab.organization_id)

    own, team = (words(browse(who).get(f"/bookings/{uid}").text) for who in ("bruno", "amina"))

    assert "For Bruno Lefil On behalf of Studio Fil" in team
    assert "For Bruno Lefil" not in own
    assert "This booking is for Bruno Lefil." in words(
        browse("amina").get(f"/bookings/{uid}/cancellation").text
    )


def test_what_happened_to_a_booking_is_told_in_order(fablab, browse):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    submit(
        browse("amina"),
        f"/bookings/{uid}/move",
        f"/bookings/{uid}/move",
        **HOURS | {"end": "15:00"},
    )
    submit(browse("bruno"), f"/bookings/{uid}/cancellation", f"/bookings/{uid}/cancellation")

    page = words(browse("bruno").get(f"/bookings/{uid}").text)

    booked_by = page.index("Booked by Bruno")
    moved_by = page.index("Changed by Amina; it was Tuesday 30 March, 14:00–16:00")
    assert booked_by < moved_by < page.index("Cancelled by Bruno")


# -- cancelling


def test_to_cancel_one_is_asked_once_on_a_page(fablab, browse):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    client = browse("bruno")

    answer = submit(client, f"/bookings/{uid}/cancellation", f"/bookings/{uid}/cancellation")

    assert answer.status_code == 303
    assert answer.location == f"/bookings/{uid}"
    assert booked().status == Status.CANCELLED
    page = client.get(answer.location).text
    assert "The booking is cancelled and the machine free again." in page
    assert title(page).startswith("This booking is cancelled")
    assert 'stamp--no" aria-hidden="true">Cancelled' in page
    assert 'href="/bookings/new?machine=bench"' in page


def test_the_team_says_why_and_its_member_reads_it(fablab, browse):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    page = f"/bookings/{uid}/cancellation"
    assert "Reason" not in browse("bruno").get(page).text

    answer = submit(browse("amina"), page, page, why="The <lens> is broken")

    assert answer.status_code == 303
    invitations.tell(clock.now())
    mail = db.session.scalars(db.select(OutgoingMail).order_by(OutgoingMail.id.desc())).first()
    assert (mail.kind, mail.recipient) == ("booking_cancelled", "bruno@atelier.example")
    assert "The <lens> is broken" in mail.text
    assert (
        "Cancelled by Amina: The &lt;lens&gt; is broken"
        in browse("bruno").get(f"/bookings/{uid}").text
    )


def test_a_reason_that_is_too_long_cancels_nothing_and_is_not_lost(fablab, browse):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    page = f"/bookings/{uid}/cancellation"

    answer = submit(browse("amina"), page, page, why="x" * 201)

    assert answer.status_code == 422
    assert "200 characters at most." in answer.text
    assert "x" * 201 in answer.text
    assert booked().status == Status.CONFIRMED


def test_what_one_says_of_ones_own_is_nobodys_business(fablab, browse):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    page = f"/bookings/{uid}/cancellation"

    submit(browse("bruno"), page, page, why="A secret")

    assert "A secret" not in browse("amina").get(f"/bookings/{uid}").text


def test_asking_changes_nothing(fablab, browse):
    uid = fablab.book("bench", AFTERNOON, "bruno")

    page = browse("bruno").get(f"/bookings/{uid}/cancellation").text

    assert "Cancel this booking?" in page
    assert booked().status == Status.CONFIRMED


def test_a_booking_that_is_over_cannot_be_cancelled(fablab, browse, at):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    client = browse("bruno")
    token = Form(client.get(NEW).text).values["csrf_token"]
    at("2027-03-30 16:00")

    asked = client.get(f"/bookings/{uid}/cancellation")
    answer = client.post(f"/bookings/{uid}/cancellation", data={"csrf_token": token})

    assert asked.location == answer.location == f"/bookings/{uid}"
    assert "This booking can no longer be cancelled." in client.get(answer.location).text
    assert booked().status == Status.CONFIRMED


# -- moving


def test_a_booking_is_moved_with_the_form_it_was_made_with(fablab, browse):
    uid = fablab.book("bench", AFTERNOON, "bruno", purpose="Lamp")
    client = browse("bruno")
    page = client.get(f"/bookings/{uid}/move").text

    form = Form(page)
    answer = form.send(client, start="16:00", end="18:00")

    assert "So far: Tomorrow, 14:00–16:00, Workbench" in page
    assert (form.values["start"], form.values["purpose"]) == ("14:00", "Lamp")
    assert answer.status_code == 303
    assert answer.location == f"/bookings/{uid}"
    assert "The booking is changed." in client.get(answer.location).text
    assert (booked().starts_at, booked().revision) == (AFTERNOON.end, 1)


def test_a_move_drawn_for_what_the_booking_was_is_shown_what_it_is_now(fablab, browse):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    client = browse("bruno")
    one, other = (Form(client.get(f"/bookings/{uid}/move").text) for _tab in range(2))
    one.send(client, end="17:00")

    late = other.send(client, end="15:00")

    assert late.status_code == 409
    assert "This booking was changed meanwhile: here is how it stands now." in alert(late.text)
    assert Form(late.text).values["end"] == "17:00"
    assert booked().revision == 1
    assert Form(late.text).send(client, end="15:00").status_code == 303


def test_to_confirm_what_is_unchanged_says_so(fablab, browse):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    client = browse("bruno")

    answer = Form(client.get(f"/bookings/{uid}/move").text).send(client)

    assert "Nothing was changed." in client.get(answer.location).text
    assert booked().revision == 0


def test_a_booking_is_moved_to_a_like_machine_without_scripts(fablab, browse):
    add_machine(fablab, "bench2", "bench")
    uid = fablab.book("bench", AFTERNOON, "bruno")
    client = browse("bruno")

    form = Form(client.get(f"/bookings/{uid}/move").text)
    checked = form.check(client, machine="bench2")
    answer = Form(checked.text).send(client)

    assert form.values["machine"] == "bench"
    assert Form(checked.text).values["machine"] == "bench2"
    assert answer.status_code == 303
    assert booked().machine_id == fablab.machine("bench2").id


def test_a_move_offers_the_machines_its_member_may_use(fablab, browse):
    for slug in ("bench2", "bench3"):
        add_machine(fablab, slug, "bench")
    add_machine(fablab, "bench4", "bench", state=MachineState.OUT_OF_SERVICE)
    with writing() as session:
        third = fablab.machine("bench3").id
        session.add(Policy(place_id=fablab.place_id, machine_id=third, level=2))
    uid = fablab.book("bench", AFTERNOON, "chloe")

    offered = machines_offered(browse("chloe").get(f"/bookings/{uid}/move").text)
    to_the_team = machines_offered(browse("amina").get(f"/bookings/{uid}/move").text)

    assert offered == ["bench", "bench2"]
    assert to_the_team == ["bench", "bench2", "bench3", "bench4"]


def machines_offered(page: str) -> list[str]:
    chosen = re.search(r'<select[^>]*name="machine".*?</select>', page, re.S)[0]
    return re.findall(r'<option[^>]* value="([^"]+)"', chosen)


def test_a_move_drawn_on_the_planning_opens_the_form_filled_with_it(fablab, browse):
    uid = fablab.book("bench", AFTERNOON, "bruno", purpose="Lamp")
    client = browse("bruno")

    address = f"/bookings/{uid}/move?machine=laser&day=2027-03-31&start=10:00&end=12:00"
    answer = Form(client.get(address).text).send(client)

    assert answer.status_code == 303
    assert booked().machine_id == fablab.machine("laser").id
    assert booked().title == "Lamp"


def test_a_refused_move_is_answered_like_a_refused_booking(fablab, browse):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    fablab.book("bench", slot("2027-03-30 16:00-17:00"), "chloe")
    client = browse("bruno")
    form = Form(client.get(f"/bookings/{uid}/move").text)

    taken, far = form.send(client, end="16:30"), form.send(client, day="2027-06-08")

    assert (taken.status_code, far.status_code) == (409, 422)
    assert "Nothing was changed. What you typed is kept below." in alert(taken.text)
    assert all(url.startswith(f"/bookings/{uid}/move?") for url in offers(taken.text))
    assert Form(client.get(offers(taken.text)[0]).text).send(client).status_code == 303


def test_a_booking_with_a_buddy_is_offered_the_hours_that_ask_for_one(fablab, browse):
    """A dangerous machine, by night: never alone."""
    open_late_for_experts(fablab)
    change(Machine, "bench", risk_class=RiskClass.D)
    chloe = fablab.people["chloe"]
    uid = fablab.book("bench", slot("2027-03-30 19:00-20:00"), "bruno", buddy_id=chloe)
    fablab.book("bench", slot("2027-03-30 20:00-21:00"), "chloe", buddy_id=fablab.people["bruno"])
    client = browse("bruno")
    form = Form(client.get(f"/bookings/{uid}/move").text)

    taken = form.send(client, start="20:00", end="21:00")

    [later] = (url for url in offers(taken.text) if "start=21:00" in unquote(url))
    assert "buddy=chloe@atelier.example" in unquote(later)
    assert Form(client.get(later).text).send(client).status_code == 303
    moved = next(row for row in bookings() if row.uid == uid)
    assert (moved.starts_at, moved.buddy_id) == (instant("2027-03-30 21:00"), chloe)


def open_late_for_experts(fablab: Any) -> None:
    """On Tuesdays, unattended; Bruno and Chloé may use the workbench then."""
    with writing() as session:
        session.add(
            Opening(
                place_id=fablab.place_id,
                weekday=2,
                opens_at=time(18),
                closes_at=time(22),
                mode=Mode.RESIDENT,
            )
        )
        session.add_all(
            Qualification(
                member_id=fablab.people[who],
                machine_id=fablab.machine("bench").id,
                level=3,
                given_on=date(2026, 1, 1),
                recorded_at=clock.now(),
            )
            for who in ("bruno", "chloe")
        )


def test_a_mistake_of_ours_is_not_told_as_if_there_were_no_such_page(
    app, fablab, browse, monkeypatch
):
    """A KeyError is a LookupError too; what is not there raises NoSuch."""
    uid = fablab.book("bench", AFTERNOON, "bruno")
    client = browse("bruno")
    book = Form(client.get(NEW.replace("03-30", "03-31")).text)
    move = Form(client.get(f"/bookings/{uid}/move").text)
    app.testing = False

    def mistaken(*_args: Any, **_more: Any) -> None:
        raise KeyError(7)

    monkeypatch.setattr(ledger, "write_down", mistaken)
    monkeypatch.setattr(commands, "rewrite", mistaken)

    assert book.send(client).status_code == 500
    assert move.send(client, end="15:00").status_code == 500


def test_a_booking_under_way_is_lengthened_and_its_start_stays(fablab, browse, at):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    at("2027-03-30 15:00")
    client = browse("bruno")
    page = client.get(f"/bookings/{uid}/move").text

    refused = Form(page).send(client, start="14:30")
    answer = Form(page).send(client, end="17:00")

    assert "under way: only its end" not in page
    assert refused.status_code == 422
    assert "This booking is under way: only its end can still be changed." in alert(refused.text)
    assert not offers(refused.text)
    assert answer.status_code == 303
    assert booked().ends_at == instant("2027-03-30 17:00")


@pytest.mark.parametrize("ended_by", ["cancellation", "time"])
def test_what_was_cancelled_or_is_over_cannot_be_moved(fablab, browse, at, ended_by):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    client = browse("bruno")
    form = Form(client.get(f"/bookings/{uid}/move").text)
    if ended_by == "cancellation":
        commands.cancel(uid, by=fablab.people["bruno"], is_team=False, now=clock.now())
    else:
        at("2027-03-30 16:00")
    before = booked()

    asked, answer = client.get(f"/bookings/{uid}/move"), form.send(client, end="17:00")

    assert asked.location == answer.location == f"/bookings/{uid}"
    assert "This booking can no longer be changed." in client.get(answer.location).text
    assert booked() == before


def test_the_team_moves_for_a_member_and_is_told_whose_rules_hold(fablab, browse):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    client = browse("amina")
    page = client.get(f"/bookings/{uid}/move").text

    answer = Form(page).send(client, end="17:00")

    assert "This booking is for Bruno Lefil; the rules are theirs." in page
    assert answer.status_code == 303
    assert booked().member_id == fablab.people["bruno"]


def test_the_booking_of_a_retired_machine_is_shown_and_can_only_be_cancelled(fablab, browse):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    change(Machine, where="bench", state=MachineState.RETIRED)
    client = browse("bruno")

    assert "/move" not in client.get(f"/bookings/{uid}").text
    assert client.get(f"/bookings/{uid}/move").status_code == 404

    submit(client, f"/bookings/{uid}/cancellation", f"/bookings/{uid}/cancellation")
    assert booked().status == Status.CANCELLED


def test_someone_who_is_no_member_here_reads_why_they_cannot_book(fablab, browse):
    with writing() as session:
        session.execute(delete(Membership).where(Membership.member_id == fablab.people["chloe"]))
    client = browse("chloe")

    answer = Form(client.get(NEW).text).send(client)

    assert answer.status_code == 422
    assert "You are not a member of this place yet." in alert(answer.text)


def test_whoever_lacks_a_training_reads_when_it_is_next_given(any_fablab, browse_any):
    client, amina = browse_any("chloe"), any_fablab.people["amina"]
    page = client.get(LASER).text
    assert "No session is planned yet: ask the team." in page
    training = db.session.scalars(select(Training.id)).one()
    seats = Plan(slot("2027-04-06 10:00-12:00"), 4, machine_ids=frozenset())
    plan(training, seats, by=amina, now=clock.now())

    page = client.get(LASER).text

    assert "Next session: Tuesday 6 April 10:00." in page
    assert 'href="/trainings/"' in page


# -- what it costs


def test_a_booking_takes_eight_statements_at_most_whatever_stands(any_fablab, browse_any):
    """On the machine with the most to ask, for an organization, with a key."""
    fablab, client = any_fablab, browse_any("bruno")
    for day in range(30, 32):
        for hour in range(10, 18):
            fablab.book("bench", slot(f"2027-03-{day} {hour}:00-{hour}:30"), "chloe")
    form = Form(client.get(LASER).text)
    organization = str(fablab.organization_id)

    with counting(db.engine) as statements:
        answer = form.send(client, organization=organization)

    assert answer.status_code == 303
    assert len(statements) <= 8, "\n".join(statements)


def test_a_move_takes_fifteen_statements_at_most(fablab, browse):
    add_machine(fablab, "bench2", "bench")
    uid = fablab.book("bench", AFTERNOON, "bruno")
    client = browse("bruno")
    form = Form(client.get(f"/bookings/{uid}/move").text)

    with counting(db.engine) as statements:
        answer = form.send(client, machine="bench2", organization=str(fablab.organization_id))

    assert answer.status_code == 303
    assert len(statements) <= 15, "\n".join(statements)


def test_my_bookings_cost_the_same_however_many_there_are(fablab, browse, at):
    client = browse("bruno")

    def cost() -> int:
        with counting(db.engine) as statements:
            client.get("/bookings/")
        return len(statements)

    fablab.book("bench", slot("2027-03-31 10:00-10:30"), "bruno")
    few = cost()
    for hour in range(11, 18):
        fablab.book("bench", slot(f"2027-03-31 {hour}:00-{hour}:30"), "bruno")

    assert cost() == few


def test_no_page_carries_an_inline_style_or_script(fablab, browse):
    uid = fablab.book("bench", AFTERNOON, "bruno")
    client = browse("bruno")
    refused = Form(client.get(NEW).text).send(client).text
    addresses = (
        "/bookings/",
        NEW,
        *(f"/bookings/{uid}{end}" for end in ("", "/move", "/cancellation")),
    )

    for page in (refused, *(client.get(address).text for address in addresses)):
        assert not re.search(r"\sstyle=|<style|\son\w+=|<script(?![^>]*src=)|data:image", page)


# One's own bookings in parts


def test_repeated_bookings_have_a_part_of_their_own(fablab, browse):
    hours = [slot(f"2027-{day} 14:00-15:00") for day in ("03-31", "04-07")]
    orders = [fablab.order("bench", each, "bruno") for each in hours]
    uid = series.book(orders, every_weeks=1, by=fablab.people["bruno"], now=clock.now())

    page = browse("bruno").get("/bookings/").text

    part = page.partition('id="repeated"')[2].partition("</section>")[0]
    assert f"/bookings/series/{uid}" in part
    assert "2 to come" in part
    assert 'href="#repeated"' in page
    assert 'id="repeated"' not in browse("chloe").get("/bookings/").text


def test_what_is_over_is_booked_again_with_its_purpose(fablab, browse, at):
    uid = fablab.book("bench", slot("2027-03-30 10:00-11:00"), "bruno", purpose="Eight chairs")
    at("2027-03-31 09:00")
    bruno = browse("bruno")

    page = bruno.get("/bookings/").text
    form = bruno.get("/bookings/new?machine=bench&purpose=Eight+chairs", follow_redirects=True).text

    assert 'href="/bookings/new?machine=bench&amp;purpose=Eight+chairs"' in page
    assert 'value="Eight chairs"' in form
    with writing() as session:
        session.execute(update(Machine).where(Machine.slug == "bench").values(state="retired"))
        session.execute(update(Place).values(revision=Place.revision + 1))
    again = browse("bruno").get("/bookings/").text
    assert uid in again
    assert "/bookings/new?machine=bench" not in again


@pytest.mark.parametrize(
    ("noted", "said"),
    [
        ("2027-03-30 10:30", "The machine was given to the others."),
        ("2027-03-30 12:00", "The absence was noted once the booking was over."),
    ],
)
def test_an_absence_gives_the_machine_to_others_only_while_it_lasts(
    fablab, browse, at, noted, said
):
    uid = fablab.book("bench", slot("2027-03-30 10:00-11:00"), "bruno")
    at(noted)
    absences.mark_missed(uid, fablab.place_id, by=fablab.people["amina"], now=clock.now())

    assert said in browse("bruno").get(f"/bookings/{uid}").text
