"""Repeated bookings on screen: the form, the dates, the series, this one and the following."""

import re
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from sqlalchemy import func, select

from fablab import clock
from fablab.booking import commands, series
from fablab.booking.forms import ONESELF, UNSAID
from fablab.booking.models import Series
from fablab.db import db
from fablab.machines.kinds import Approval, MachineState
from fablab.machines.models import Machine, Occupancy
from fablab.members.kinds import Audience
from fablab.members.models import Mark
from tests.booking.conftest import add_machine, change, words
from tests.booking.test_series import book, fill, hours_of, moved, of_series
from tests.booking.test_wider_rules import member_uid, no_buddy, set_policy, unread
from tests.calendars.support import address, read
from tests.invitations.conftest import told
from tests.support import counting, slot, submit

HOUR = timedelta(hours=1)
NEW = "/bookings/new?machine=bench&day=2027-03-30&start=14:00&end=16:00"
WEEKLY = {"repeat": "1", "until": "2027-04-13"}
NOBODYS = "0f8fad5b-d9cb-469f-a165-70867728950e"


class Sheet(HTMLParser):
    """The form of a page as a browser holds it: what is typed, ticked and chosen."""

    def __init__(self, html: str, start: str = '<form class="') -> None:
        super().__init__()
        self.action = ""
        self.values: dict[str, str] = {}
        self.offered: dict[str, list[str]] = {}
        self._select = ""
        form = html[html.index("<h1") :]
        self.feed(form[form.index(start) :].partition("</form>")[0])

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        name = given.get("name", "")
        if tag == "form":
            self.action = given["action"]
        elif tag == "input":
            is_box = given.get("type") in ("checkbox", "radio")
            if is_box:
                self.offered.setdefault(name, []).append(given["value"])
            if not is_box or "checked" in given:
                self.values[name] = given.get("value", "")
        elif tag == "select":
            self._select = name
        elif tag == "option" and ("selected" in given or self._select not in self.values):
            self.values[self._select] = given["value"]

    def send(self, client: Any, *, without: str = "", follow: bool = True, **changed: str) -> Any:
        """Press a button: `confirm="1"` or none; for oneself, where that is asked."""
        is_asked = self.values.get("organization") == UNSAID
        chosen = {"organization": ONESELF} if is_asked else {}
        data = self.values | chosen | ({without: "no"} if without else {}) | changed
        answer = client.post(self.action, data=data)
        if answer.status_code == 307:  # the same again, to another address
            answer = client.post(answer.location, data=data)
        return client.get(answer.location) if follow and answer.status_code == 303 else answer


def dates(client: Any, page: str = NEW, **changed: str) -> Any:
    """The answer to the form, sent with a repetition."""
    return Sheet(client.get(page).text).send(client, **(WEEKLY | changed))


def count(model: Any = Occupancy) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model))


def only_series() -> list[Any]:
    return of_series(db.session.scalars(select(Series.uid)).one())


def when_options(page: str) -> list[str]:
    return re.findall(r"Instead: ([^<]+)</label>", page)


# -- the dates


def test_sending_it_books_nothing_and_lists_every_date(any_fablab, browse_any):
    fill(any_fablab, "2027-04-06")

    answer = dates(browse_any("bruno"))

    said = words(answer.text)
    assert answer.status_code == 200
    assert count(Series) == 0
    assert "3 dates: 1 is not possible as it is." in said
    assert "Tomorrow, 14:00–16:00" in said
    assert "Tuesday 6 April, 14:00–16:00" in said
    assert "The machine is already taken 14:00–18:00" in said
    assert when_options(answer.text) == ["Wednesday 7 April, 14:00–16:00"]


def test_what_fits_is_ticked_and_what_does_not_is_left_out(fablab, browse):
    fill(fablab, "2027-04-06")

    sheet = Sheet(dates(browse("bruno")).text)

    assert {name: value for name, value in sheet.values.items() if name.startswith("date-")} == {
        "date-2027-03-30": "yes",
        "date-2027-04-06": "no",
        "date-2027-04-13": "yes",
    }


def test_the_chosen_ones_are_booked_with_the_alternative(any_fablab, browse_any):
    fill(any_fablab, "2027-04-06")
    client = browse_any("bruno")
    sheet = Sheet(dates(client, purpose="Lamp").text)
    instead = sheet.offered["date-2027-04-06"][0]

    answer = sheet.send(client, follow=False, confirm="1", **{"date-2027-04-06": instead})

    rows = only_series()
    assert answer.status_code == 303
    assert answer.location == f"/bookings/series/{db.session.scalar(select(Series.uid))}"
    assert hours_of(rows) == ["03-30 14:00-16:00", "04-07 14:00-16:00", "04-13 14:00-16:00"]
    assert {row.title for row in rows} == {"Lamp"}
    page = words(client.get(answer.location).text)
    assert "Every week: Workbench" in page
    assert "Wednesday 7 April, 14:00–16:00" in page


def test_a_date_that_is_not_ticked_is_not_booked(fablab, browse):
    client = browse("bruno")

    Sheet(dates(client).text).send(client, without="date-2027-04-06", confirm="1")

    assert hours_of(only_series()) == ["03-30 14:00-16:00", "04-13 14:00-16:00"]


def test_a_single_date_that_is_left_is_a_booking_like_any(fablab, browse):
    client = browse("bruno")
    sheet = Sheet(dates(client, until="2027-04-06").text)

    answer = sheet.send(client, without="date-2027-04-06", follow=False, confirm="1")

    assert answer.location.startswith("/bookings/")
    assert (count(Series), count()) == (0, 1)


def test_without_a_date_nothing_is_booked_and_one_is_told(fablab, browse):
    client = browse("bruno")
    sheet = Sheet(dates(client).text)
    nothing = {name: "no" for name in sheet.values if name.startswith("date-")}

    answer = sheet.send(client, confirm="1", **nothing)

    assert answer.status_code == 422
    assert "Choose at least one date." in answer.text
    assert Sheet(answer.text).values["date-2027-04-06"] == "no"
    assert count() == 0


def test_what_was_ticked_goes_along_with_the_list_until_the_text_changes(fablab, browse):
    change(Machine, "bench", safety="Wear gloves.")
    client = browse("bruno")
    [old] = Sheet(client.get(NEW).text).offered["safety"]
    sheet = Sheet(dates(client, safety=old).text)
    change(Machine, "bench", safety="Never wear gloves.")

    refused = sheet.send(client, confirm="1")

    assert refused.status_code == 422
    again = Sheet(refused.text)
    assert "Never wear gloves." in refused.text
    assert "safety" not in again.values
    assert count() == 0
    [new] = again.offered["safety"]
    Sheet(again.send(client, safety=new).text).send(client, confirm="1")
    assert count() == 3


def test_a_list_that_comes_back_without_its_boxes_books_nothing(fablab, browse):
    client = browse("bruno")
    sheet = Sheet(dates(client).text)
    sheet.values = {k: v for k, v in sheet.values.items() if not k.startswith("date-")}

    assert sheet.send(client, confirm="1").status_code == 422
    assert count() == 0


def test_taken_meanwhile_nothing_is_booked_and_every_choice_is_kept(any_fablab, browse_any):
    client = browse_any("bruno")
    sheet = Sheet(dates(client, until="2027-04-13", purpose="Lamp").text)
    any_fablab.book("bench", slot("2027-04-13 15:00-17:00"), "chloe")

    answer = sheet.send(client, without="date-2027-03-30", confirm="1")

    assert answer.status_code == 409
    assert count() == 1
    said = words(answer.text)
    assert "Nothing was booked: one of the dates is not possible" in said
    assert "What you had chosen is not possible any longer." in said
    again = Sheet(answer.text)
    assert again.values["date-2027-03-30"] == "no"
    assert again.values["date-2027-04-06"] == "yes"
    assert again.values["date-2027-04-13"] == "no"
    assert again.values["purpose"] == "Lamp"
    instead = again.offered["date-2027-04-13"][0]
    again.send(client, confirm="1", **{"date-2027-04-13": instead})
    assert hours_of(only_series()) == ["04-06 14:00-16:00", "04-13 13:00-15:00"]


def test_an_alternative_that_was_taken_meanwhile_gives_another(fablab, browse):
    fill(fablab, "2027-04-06")
    client = browse("bruno")
    sheet = Sheet(dates(client).text)
    instead = {"date-2027-04-06": sheet.offered["date-2027-04-06"][0]}
    fill(fablab, "2027-04-07")

    answer = sheet.send(client, confirm="1", **instead)

    assert answer.status_code == 409
    assert when_options(answer.text) == ["Thursday 8 April, 14:00–16:00"]
    assert count(Series) == 0


def test_sent_twice_it_books_once(any_fablab, browse_any):
    client = browse_any("bruno")
    sheet = Sheet(dates(client).text)

    first, again = (sheet.send(client, follow=False, confirm="1") for _ in range(2))

    assert first.location == again.location
    assert (count(Series), count()) == (1, 3)


def test_a_form_that_had_booked_something_else_leads_to_it(fablab, browse):
    client = browse("bruno")
    sheet = Sheet(dates(client).text)
    sheet.send(client, confirm="1")

    answer = sheet.send(client, without="date-2027-04-13", confirm="1")

    assert "This form had booked already" in answer.text
    assert count() == 3


def test_what_holds_against_several_dates_is_said_once_with_them(fablab, browse):
    set_policy(fablab, "bench", bookings_ahead=1)
    fablab.book("bench", slot("2027-03-31 10:00-11:00"), "bruno")

    page = dates(browse("bruno")).text

    said = words(page)
    assert said.count("You have 1 bookings ahead") == 1
    above = said.partition("Not possible: the reason is told above.")[0]
    for when in ("Tomorrow, 14:00", "Tuesday 6 April, 14:00", "Tuesday 13 April, 14:00"):
        assert when in above
    assert said.count("Not possible: the reason is told above.") == 3
    # No other hour would help, so that the lack of one is not what is said.
    limit = "It is left out: 1 booking ahead is the most at one time."
    assert (said.count(limit), said.count("nothing near it")) == (3, 0)


def test_looking_again_keeps_the_choices_and_makes_room(fablab, browse):
    set_policy(fablab, "bench", bookings_ahead=2)
    client = browse("bruno")
    sheet = Sheet(dates(client).text)
    assert sheet.values["date-2027-04-13"] == "no"

    answer = sheet.send(client, without="date-2027-03-30", **{"date-2027-04-13": "yes"})

    assert answer.status_code == 200
    again = Sheet(answer.text)
    assert again.values["date-2027-03-30"] == "no"
    assert again.values["date-2027-04-13"] == "yes"
    again.send(client, confirm="1")
    assert hours_of(only_series()) == ["04-06 14:00-16:00", "04-13 14:00-16:00"]


def test_back_at_the_form_nothing_typed_is_lost(fablab, browse):
    client = browse("bruno")
    page = dates(client, purpose="Lamp").text
    assert 'formaction="/bookings/"' in page

    sheet = Sheet(page)
    sheet.action = "/bookings/"
    form = Sheet(sheet.send(client, check="1").text, '<form class="card')

    shown = {name: form.values[name] for name in ("day", "start", "purpose", "repeat", "until")}
    assert shown == {"day": "2027-03-30", "start": "14:00", "purpose": "Lamp", **WEEKLY}


def test_another_language_says_the_same(fablab, browse):
    client = browse("bruno")
    client.set_cookie("language", "fr")
    fill(fablab, "2027-04-06")

    said = words(dates(client).text)

    assert "3 dates : 1 n’est pas possible telle quelle." in said
    assert "À la place : Mercredi 7 avril, 14:00–16:00" in said


def test_the_night_that_the_clocks_change_is_told(fablab, browse, at):
    at("2027-10-20 09:00")
    set_policy(fablab, "bench", modes=["supervised", "resident", "night"])
    page = "/bookings/new?machine=bench&day=2027-10-24&start=02:30&end=05:00"

    said = words(dates(browse("bruno"), page, until="2027-10-31").text)

    assert "The clocks go back that night and show 2:30 twice: the first is meant." in said


# -- what the form refuses


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"until": ""}, "Say until which day it repeats."),
        ({"until": "2027-04-05"}, "Until then it repeats not once"),
        ({"until": "2027-03-01"}, "Until then it repeats not once"),
        ({"until": "2028-03-28"}, "That makes 53 dates; 52 is the most."),
        ({"until": "2200-12-31"}, "dates; 52 is the most."),
        ({"until": "9999-12-31"}, "There is no such day to choose."),
        ({"until": "soon"}, "There is no such day to choose."),
        ({"repeat": "0", "until": "2027-04-13"}, "Not a valid choice"),
        ({"repeat": "1" * 10_000}, "Not a valid choice"),
    ],
)
def test_bad_input_is_told_at_its_field_and_nothing_is_lost(fablab, browse, typed, said):
    answer = dates(browse("bruno"), purpose="Lamp", **typed)

    assert answer.status_code == 422
    assert said in answer.text
    assert 'value="Lamp"' in answer.text
    assert "<details open>" in answer.text
    assert count() == 0


@pytest.mark.parametrize("broken", [unread, no_buddy])
def test_what_is_put_right_in_the_form_is_asked_there(fablab, browse, broken):
    broken(fablab)

    answer = dates(browse("bruno"), purpose="Lamp")

    assert answer.status_code == 422
    assert 'name="repeat"' in answer.text
    assert 'value="2027-04-13"' in answer.text


def test_who_may_not_use_the_machine_is_told_once(fablab, browse):
    answer = dates(browse("chloe"), NEW.replace("bench", "laser"))

    assert answer.status_code == 422
    assert answer.text.count("Training to follow: Laser cutting.") <= 2
    assert 'name="repeat"' in answer.text


@pytest.mark.parametrize(
    "said",
    [
        "maybe",
        "bench 20270406T1200Z",
        "bench 20270406T1400Z 20270406T1200Z",
        "bench 20270406T1200Z 20280406T1400Z",
        "bench 20290406T1200Z 20290406T1400Z",
        "bench 99999999T9999Z 20270406T1400Z",
        "kiln 20270406T1200Z 20270406T1400Z",
        "bench 00010101T0000Z 00010101T0100Z",
        "\0",
        "١٢",
        "x" * 10_000,
    ],
)
def test_nonsense_that_is_chosen_is_left_out(fablab, browse, said):
    fill(fablab, "2027-04-06")
    client = browse("bruno")

    answer = Sheet(dates(client).text).send(client, confirm="1", **{"date-2027-04-06": said})

    assert answer.status_code == 200
    assert hours_of(only_series()) == ["03-30 14:00-16:00", "04-13 14:00-16:00"]


def test_a_refused_date_that_is_sent_all_the_same_is_not_booked(fablab, browse):
    fill(fablab, "2027-04-06")
    client = browse("bruno")

    answer = Sheet(dates(client).text).send(client, confirm="1", **{"date-2027-04-06": "yes"})

    assert answer.status_code == 409
    assert count(Series) == 0


def test_a_forged_alternative_is_asked_of_the_rules(fablab, browse):
    client = browse("bruno")
    forged = "bench 20270405T0300Z 20270405T0500Z"

    answer = Sheet(dates(client).text).send(client, confirm="1", **{"date-2027-04-06": forged})

    assert answer.status_code == 422
    assert count() == 0


@pytest.mark.parametrize("field", ["listed", "key", "day", "start", "machine", "until", "repeat"])
@pytest.mark.parametrize("typed", ["", " ", "\0", "١٢", "x" * 10_000, "\u202eabc", "a\r\nb"])
def test_damaged_fields_are_no_mistake_of_ours(fablab, browse, field, typed):
    client = browse("bruno")

    answer = Sheet(dates(client).text).send(client, follow=False, confirm="1", **{field: typed})

    assert answer.status_code in (200, 303, 404, 422)


def test_the_team_books_for_somebody_and_sets_a_rule_aside_for_all(fablab, browse):
    set_policy(fablab, "bench", bookings_ahead=1)
    client, uid = browse("amina"), member_uid(fablab, "bruno")
    sheet = Sheet(dates(client, f"{NEW}&member={uid}").text)
    assert sheet.values["date-2027-04-06"] == "no"
    everything = {f"date-2027-{day}": "yes" for day in ("04-06", "04-13")}

    refused = sheet.send(client, confirm="1", **everything)
    assert refused.status_code == 422
    assert "Say why a rule is set aside." in refused.text
    again = Sheet(refused.text)
    assert again.values["date-2027-04-06"] == "yes"
    again.send(client, confirm="1", override="Project of the year")

    rows = only_series()
    assert {row.member_id for row in rows} == {fablab.people["bruno"]}
    assert {row.created_by_id for row in rows} == {fablab.people["amina"]}
    assert [row.override_reason for row in rows] == ["", *["Project of the year"] * 2]


def test_one_is_told_what_they_would_wait_for(fablab, browse):
    set_policy(fablab, "bench", approval=Approval.ALWAYS)

    assert "then wait for the team&#39;s agreement" in dates(browse("bruno")).text.replace(
        "'", "&#39;"
    )


def test_listing_costs_few_statements_however_many_dates(app, fablab, browse):
    client = browse("amina")

    def cost(until: str) -> int:
        dates(client, until=until)
        sheet = Sheet(dates(client, until=until).text)
        with counting(db.engine) as statements:
            sheet.send(client)
        return len(statements)

    assert cost("2027-04-06") == cost("2028-03-21") <= 14


# -- the series


def test_a_booking_says_that_it_repeats_and_leads_to_the_others(fablab, browse):
    uid = book(fablab)
    first = of_series(uid)[0]
    client = browse("bruno")

    for page in ("/bookings/", f"/bookings/{first.uid}"):
        text = client.get(page).text
        assert "Every week" in text
        assert f'href="/bookings/series/{uid}"' in text


def test_a_series_is_seen_by_its_member_and_the_team_alone(fablab, browse):
    address = f"/bookings/series/{book(fablab)}"

    assert browse("bruno").get(address).status_code == 200
    assert "Bruno Lefil" in browse("amina").get(address).text
    assert browse("chloe").get(address).status_code == 404
    assert browse("bruno").get(f"/bookings/series/{NOBODYS}").status_code == 404


def test_what_was_cancelled_and_what_is_over_stand_apart(fablab, browse, at):
    rows = of_series(uid := book(fablab))
    commands.cancel(rows[1].uid, by=fablab.people["bruno"], is_team=False, now=clock.now())
    at("2027-04-01 10:00")

    said = words(browse("bruno").get(f"/bookings/series/{uid}").text)

    ahead, _heading, gone = said.partition("Over or cancelled")
    assert "Tuesday 13 April" in ahead.partition("To come")[2]
    assert "Tuesday 30 March" in gone
    assert "Tuesday 6 April" in gone


# -- cancelling this one and the following


def test_one_chooses_between_this_one_and_the_following(fablab, browse):
    first, second, _third = of_series(book(fablab))
    client = browse("bruno")

    page = client.get(f"/bookings/{second.uid}/cancellation").text
    assert f'href="/bookings/{second.uid}/following/cancellation"' in page
    page = client.get(f"/bookings/{second.uid}/following/cancellation").text
    assert "Cancel these 2 bookings?" in page
    assert "Tuesday 30 March" not in page
    alone = fablab.book("bench", slot("2027-03-31 10:00-11:00"), "bruno")
    assert "following" not in client.get(f"/bookings/{alone}/cancellation").text
    assert first.standing


def test_the_following_are_cancelled_in_one_go(any_fablab, browse_any):
    _first, second, _third = of_series(uid := book(any_fablab))
    client = browse_any("bruno")

    page = f"/bookings/{second.uid}/following/cancellation"
    answer = submit(client, page, page)

    assert answer.location == f"/bookings/series/{uid}"
    assert [row.standing for row in of_series(uid)] == [True, False, False]
    assert "2 bookings are cancelled" in client.get(answer.location).text
    submit(client, f"/bookings/series/{uid}", page)
    assert "This booking can no longer be cancelled." in client.get(answer.location).text


def test_the_team_says_why_of_all_of_them(any_fablab, browse_any):
    _first, second, _third = of_series(book(any_fablab))
    told()
    page, client = f"/bookings/{second.uid}/following/cancellation", browse_any("amina")
    assert submit(client, page, page, why="x" * 201).status_code == 422

    submit(client, page, page, why="The laser moves house")

    bruno = browse_any("bruno")
    assert "Cancelled by Amina: The laser moves house" in bruno.get(f"/bookings/{second.uid}").text
    [mail] = told()
    assert (mail.kind, mail.recipient) == ("booking_cancelled_series", "bruno@atelier.example")
    assert "The laser moves house" in mail.text
    assert "The laser moves house" in mail.html


def test_those_cancelled_late_are_counted_beforehand(fablab, browse, at):
    set_policy(fablab, "bench", free_cancellation=24 * HOUR)
    first = of_series(book(fablab))[0]
    at("2027-03-30 10:00")

    page = browse("bruno").get(f"/bookings/{first.uid}/following/cancellation").text

    assert "1 of them will be noted as cancelled late." in page


def test_whoever_moved_one_away_too_late_is_held_to_it_here_too(fablab, browse, at):
    set_policy(fablab, "bench", free_cancellation=24 * HOUR)
    first, second, _third = of_series(book(fablab))
    at("2027-04-06 13:00")
    order = fablab.order("bench", slot("2027-04-10 14:00-16:00"), "bruno")
    commands.move(second.uid, order, by=fablab.people["bruno"], is_team=False, now=clock.now())

    page = browse("bruno").get(f"/bookings/{second.uid}/following/cancellation").text

    assert "1 of them will be noted as cancelled late." in page
    assert first.standing


def test_each_is_counted_by_the_rules_of_its_own_machine(fablab, browse, at):
    """The laser's fortnight makes the second late, the workbench's rule not yet the first."""
    set_policy(fablab, "bench", free_cancellation=24 * HOUR)
    set_policy(fablab, "laser", free_cancellation=14 * 24 * HOUR, audience=Audience.INDIVIDUAL)
    orders = [
        fablab.order(slug, slot(f"{day} 10:00-12:00"), "bruno")
        for slug, day in (("bench", "2027-04-06"), ("laser", "2027-04-07"))
    ]
    by = fablab.people["bruno"]
    uid = series.book(orders, every_weeks=1, by=by, now=clock.now())
    at("2027-03-29 10:00")
    first = of_series(uid)[0]

    with counting(db.engine) as statements:
        page = browse("bruno").get(f"/bookings/{first.uid}/following/cancellation").text

    assert "1 of them will be noted as cancelled late." in page
    assert len([each for each in statements if "FROM change" in each]) <= 1
    commands.cancel(of_series(uid)[1].uid, by=by, is_team=False, now=clock.now())
    assert count(Mark) == 1


@pytest.mark.parametrize("what", ["cancellation", "move"])
def test_the_series_of_another_is_no_page(fablab, browse, what):
    first = of_series(uid := book(fablab))[0]
    alone = fablab.book("bench", slot("2027-03-31 10:00-11:00"), "bruno")

    assert browse("chloe").get(f"/bookings/{first.uid}/following/{what}").status_code == 404
    page = f"/bookings/{first.uid}/following/{what}"
    assert submit(browse("chloe"), NEW, page).status_code == 404
    assert browse("bruno").get(f"/bookings/{NOBODYS}/following/{what}").status_code == 404
    assert browse("bruno").get(f"/bookings/{alone}/following/{what}").status_code == 404
    assert all(row.standing for row in of_series(uid))


def test_once_all_have_begun_there_is_nothing_to_change(fablab, browse, at):
    last = of_series(uid := book(fablab))[-1]
    at("2027-04-13 15:00")

    for what in ("cancellation", "move"):
        answer = browse("bruno").get(f"/bookings/{last.uid}/following/{what}")
        assert (answer.status_code, answer.location) == (303, f"/bookings/series/{uid}")


# -- moving this one and the following


def move_page(uid: str) -> str:
    return f"/bookings/{uid}/following/move"


def test_moving_lists_where_each_would_go_and_changes_nothing(any_fablab, browse_any):
    _first, second, _third = of_series(uid := book(any_fablab))
    client = browse_any("bruno")

    sheet = Sheet(client.get(move_page(second.uid)).text, '<form class="card')
    answer = sheet.send(client, day="2027-04-07", start="10:00", end="12:00")

    said = words(answer.text)
    assert "2 dates: all of them are possible." in said
    assert "Wednesday 7 April, 10:00–12:00 So far: Tuesday 6 April, 14:00–16:00" in said
    assert "Wednesday 14 April, 10:00–12:00" in said
    assert {row.revision for row in of_series(uid)} == {0}


def test_the_chosen_ones_are_moved_with_the_alternative(any_fablab, browse_any):
    rows = of_series(uid := book(any_fablab, purpose="Lamp"))
    any_fablab.book("bench", slot("2027-04-13 10:00-12:00"), "chloe")
    client = browse_any("bruno")
    form = Sheet(client.get(move_page(rows[0].uid)).text, '<form class="card')
    sheet = Sheet(form.send(client, start="10:00", end="12:00", purpose="Vase").text)
    last = f"date-{rows[2].uid}-0"
    stays = f"date-{rows[1].uid}-0"

    answer = sheet.send(
        client, without=stays, follow=False, confirm="1", **{last: sheet.offered[last][0]}
    )

    assert answer.location == f"/bookings/series/{uid}"
    after = of_series(uid)
    assert hours_of(after) == ["03-30 10:00-12:00", "04-06 14:00-16:00", "04-13 12:00-14:00"]
    assert [row.title for row in after] == ["Vase", "Lamp", "Vase"]
    assert [row.uid for row in after] == [row.uid for row in rows]


def test_only_what_is_changed_of_the_one_is_changed_of_the_others(fablab, browse):
    """The second was moved alone before: another purpose leaves it where it is."""
    rows = of_series(uid := book(fablab))
    order = fablab.order("bench", slot("2027-04-07 10:00-12:00"), "bruno")
    commands.move(rows[1].uid, order, by=fablab.people["bruno"], is_team=False, now=clock.now())
    client = browse("bruno")

    form = Sheet(client.get(move_page(rows[0].uid)).text, '<form class="card')
    Sheet(form.send(client, purpose="Vase").text).send(client, confirm="1")

    after = of_series(uid)
    assert hours_of(after) == ["03-30 14:00-16:00", "04-07 10:00-12:00", "04-13 14:00-16:00"]
    assert {row.title for row in after} == {"Vase"}


def test_they_go_to_another_machine_together(fablab, browse):
    add_machine(fablab, "bench2", "bench")
    rows = of_series(uid := book(fablab))
    client = browse("bruno")

    form = Sheet(client.get(move_page(rows[0].uid)).text, '<form class="card')
    Sheet(form.send(client, machine="bench2").text).send(client, confirm="1")

    assert {row.machine_id for row in of_series(uid)} == {fablab.machine("bench2").id}


def test_one_that_was_changed_meanwhile_is_shown_anew(fablab, browse):
    rows = of_series(uid := book(fablab))
    client = browse("bruno")
    form = Sheet(client.get(move_page(rows[0].uid)).text, '<form class="card')
    sheet = Sheet(form.send(client, start="10:00", end="12:00").text)
    commands.cancel(rows[2].uid, by=fablab.people["bruno"], is_team=False, now=clock.now())

    answer = sheet.send(client, without=f"date-{rows[1].uid}-0", confirm="1")

    assert answer.status_code == 409
    assert Sheet(answer.text).values[f"date-{rows[1].uid}-0"] == "no"
    assert "The dates were changed meanwhile" in answer.text
    assert [row.revision for row in of_series(uid)] == [0, 0, 1]
    Sheet(answer.text).send(client, confirm="1")
    assert [row.revision for row in of_series(uid)] == [1, 0, 1]


def test_a_tab_that_is_out_of_date_is_told(fablab, browse):
    rows = of_series(uid := book(fablab))
    client = browse("bruno")
    form = Sheet(client.get(move_page(rows[0].uid)).text, '<form class="card')
    order = fablab.order("bench", slot("2027-03-30 10:00-12:00"), "bruno")
    commands.move(rows[0].uid, order, by=fablab.people["bruno"], is_team=False, now=clock.now())

    answer = form.send(client, start="12:00", end="14:00")

    assert answer.status_code == 409
    assert "This booking was changed meanwhile" in answer.text
    assert [row.revision for row in of_series(uid)] == [1, 0, 0]


def test_the_move_form_says_bad_input_at_its_field(fablab, browse):
    first = of_series(book(fablab))[0]
    client = browse("bruno")

    answer = Sheet(client.get(move_page(first.uid)).text, '<form class="card').send(
        client, start="16:00", end="14:00"
    )

    assert answer.status_code == 422
    assert f'action="/bookings/{first.uid}/following/move"' in answer.text


def test_what_is_on_a_machine_that_is_retired_stays_there(fablab, browse):
    add_machine(fablab, "bench2", "bench")
    rows = of_series(uid := book(fablab))
    order = fablab.order("bench2", slot("2027-04-06 14:00-16:00"), "bruno")
    commands.move(rows[1].uid, order, by=fablab.people["bruno"], is_team=False, now=clock.now())
    change(Machine, "bench2", state=MachineState.RETIRED)
    client = browse("bruno")

    form = Sheet(client.get(move_page(rows[0].uid)).text, '<form class="card')
    Sheet(form.send(client, start="10:00", end="12:00").text).send(client, confirm="1")

    assert [row.revision for row in of_series(uid)] == [1, 1, 1]
    assert hours_of(of_series(uid))[1] == "04-06 14:00-16:00"


def test_moved_to_another_century_each_is_told_that_it_is_too_early(fablab, browse):
    rows = of_series(book(fablab))
    client = browse("bruno")

    form = Sheet(client.get(move_page(rows[0].uid)).text, '<form class="card')
    answer = form.send(client, day="2200-12-31")

    assert answer.status_code == 200
    assert "3 dates: none is possible as it is." in answer.text


# -- calendars


def test_the_personal_calendar_has_an_event_for_each(any_fablab, browse_any):
    rows = of_series(book(any_fablab, count=2))
    client, mine = browse_any("bruno"), address(any_fablab, "bruno")
    before = {str(event["uid"]): int(event["sequence"]) for event in read(client, mine)}
    series.move(
        rows[1].uid,
        moved(rows[1:], any_fablab, hours="10:00-12:00"),
        by=any_fablab.people["bruno"],
        is_team=False,
        now=clock.now(),
    )

    after = {str(event["uid"]): int(event["sequence"]) for event in read(client, mine)}
    assert before == {rows[0].uid: 0, rows[1].uid: 0}
    assert after == {rows[0].uid: 0, rows[1].uid: 1}


def test_each_occurrence_is_an_event_of_its_own(fablab, browse):
    rows = of_series(book(fablab))
    client = browse("bruno")

    found = {row.uid: client.get(f"/bookings/{row.uid}.ics").text for row in rows}

    for uid, text in found.items():
        assert f"UID:{uid}" in text
        assert text.count("BEGIN:VEVENT") == 1
        event = text.partition("BEGIN:VEVENT")[2]
        assert "RRULE" not in event
