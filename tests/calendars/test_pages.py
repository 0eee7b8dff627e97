"""The page where one makes, changes and stops the addresses of one's calendars."""

import html
import re
from datetime import date
from urllib.parse import parse_qs, urlsplit

import pytest

from fablab import clock
from fablab.calendars import commands
from fablab.calendars.models import FeedToken
from fablab.db import db
from fablab.machines.kinds import MachineState
from fablab.machines.models import Machine
from fablab.members import mails
from fablab.members.kinds import Channel, MailKind
from fablab.members.models import Membership
from fablab.places.kinds import NamesShown
from fablab.places.models import Place
from tests.calendars.support import (
    DAY,
    address,
    change,
    make_manager,
    make_pool,
    set_columns,
)
from tests.support import instant, slot

INLINE = re.compile(r"""\sstyle\s*=|<style|\son[a-z]+\s*=\s*["']|<script(?![^>]*\ssrc=)""")


def fields(client, feed: str) -> dict[str, str]:
    """The form of this calendar on the page, as the button sends it."""
    page = client.get("/calendars/").text
    form = next(each for each in forms(page) if f'value="{feed}"' in each)
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form)
    return dict(found) | {"feed": feed}


def forms(page: str) -> list[str]:
    return re.findall(r'<form[^>]*action="/calendars/[^>]*>.*?</form>', page, re.S)


def subscribe(client, feed: str = "member"):
    return client.post("/calendars/", data=fields(client, feed))


def shown(page: str) -> str:
    """The address on the page; empty when there is none."""
    found = re.search(r'<input class="input" id="address"[^>]*value="([^"]*)"', page)
    return html.unescape(found[1]) if found else ""


def path(url: str) -> str:
    return urlsplit(url).path


def test_an_address_is_made_with_one_click_and_shown_once(fablab, browse):
    fablab.book("bench", slot("2027-03-30 14:00-16:00"), "chloe")
    chloe = browse("chloe")

    response = subscribe(chloe)

    url = shown(response.text)
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    assert re.fullmatch(r"http://localhost/calendars/[\w-]{32}/bookings\.ics", url)
    assert "Workbench" in browse(None).get(path(url)).text
    assert shown(chloe.get("/calendars/").text) == ""
    assert url.split("/")[4] not in chloe.get("/calendars/").text
    assert "Address made on Monday 29 March 2027." in chloe.get("/calendars/").text


def test_it_opens_in_the_calendars_people_have(fablab, browse):
    page = subscribe(browse("chloe")).text

    url = shown(page)
    links = [html.unescape(each) for each in re.findall(r'<a [^>]*href="([^"]+)"', page)]
    assert f"webcal://{url.partition('://')[2]}" in links
    google = next(urlsplit(each) for each in links if "calendar.google.com" in each)
    assert parse_qs(google.query)["cid"] == [f"webcal://{url.partition('://')[2]}"]
    for host in ("outlook.live.com", "outlook.office.com"):
        outlook = next(urlsplit(each) for each in links if host in each)
        assert parse_qs(outlook.query) == {"url": [url], "name": ["My bookings"]}


def test_loading_the_answer_again_shows_the_same_address(fablab, browse):
    chloe = browse("chloe")
    form = fields(chloe, "member")

    first, second = (shown(chloe.post("/calendars/", data=form).text) for _ in range(2))

    assert first == second
    assert browse(None).get(path(first)).status_code == 200


def test_changing_the_address_ends_the_one_before(fablab, browse):
    chloe, phone = browse("chloe"), browse(None)
    first = shown(subscribe(chloe).text)

    second = shown(subscribe(chloe).text)

    assert phone.get(path(first)).status_code == 404
    assert phone.get(path(second)).status_code == 200


def test_stopping_ends_it_and_says_so(fablab, browse):
    chloe = browse("chloe")
    form = fields(chloe, "member")
    url = shown(chloe.post("/calendars/", data=form).text)

    stopped = chloe.post("/calendars/revocation", data=form, follow_redirects=True)

    assert "The address of “My bookings” opens nothing any more." in stopped.text
    assert "Make an address" in stopped.text
    assert browse(None).get(path(url)).status_code == 404
    again = chloe.post("/calendars/", data=form, follow_redirects=True)
    assert "has been changed or stopped since" in again.text


def test_no_reading_is_said_to_be_older_than_the_address(fablab, browse, at):
    at("2027-03-29 09:38")
    chloe = browse("chloe")
    url = shown(subscribe(chloe).text)
    at("2027-03-29 09:40")

    browse(None).get(path(url))

    db.session.rollback()
    assert "around 9:38." in chloe.get("/calendars/").text


def test_the_last_reading_is_shown_to_the_hour_on_the_clock_of_the_place(fablab, browse, at):
    chloe = browse("chloe")
    url = shown(subscribe(chloe).text)
    assert "No calendar has read it yet." in chloe.get("/calendars/").text
    at("2027-03-30 14:42")

    browse(None).get(path(url))

    db.session.rollback()  # a server's session ends with the request; the test's goes on
    page = chloe.get("/calendars/").text
    assert "Last read on Tuesday 30 March 2027 around 14:00." in page


def test_what_each_calendar_tells_of_others_is_said_beforehand(fablab, browse):
    assert "It names who has booked" in browse("chloe").get("/calendars/").text

    change(Place, names_shown=NamesShown.NOBODY)

    assert "It names who has booked" not in browse("chloe").get("/calendars/").text
    assert "It names who has booked" in browse("amina").get("/calendars/").text


def test_how_soon_a_change_shows_is_said_for_the_common_clients(fablab, browse):
    page = browse("chloe").get("/calendars/").text

    for words in ("about every hour", "every 4 to 24 hours", "every 3 to 24 hours", "every 30 min"):
        assert words in page


def values(page: str) -> set[str]:
    """The calendars the page offers."""
    found = re.findall(r'(?:name="feed"|<option) value="([^"]+)"', page)
    return set(found)


EVERYONES = {
    "member",
    "place",
    "trainings",
    "category/laser",
    "category/bench",
    "machine/laser",
    "machine/bench",
}


def test_the_day_is_offered_to_the_team_and_an_organization_to_who_runs_it(fablab, browse):
    make_manager(fablab, "bruno")

    offered = {who: values(browse(who).get("/calendars/").text) for who in fablab.people}

    assert offered["chloe"] == EVERYONES
    assert offered["amina"] == EVERYONES | {"day"}
    assert offered["bruno"] == EVERYONES | {"organization/studio"}


@pytest.mark.parametrize("feed", sorted(EVERYONES))
def test_what_is_offered_opens(fablab, browse, feed):
    url = shown(subscribe(browse("chloe"), feed).text)

    response = browse(None).get(path(url))

    assert response.status_code == 200
    assert response.data.startswith(b"BEGIN:VCALENDAR")


def test_a_narrower_calendar_gets_a_card_once_it_has_an_address(fablab, browse):
    chloe = browse("chloe")
    assert 'id="machine-laser"' not in chloe.get("/calendars/").text

    subscribe(chloe, "machine/laser")

    page = chloe.get("/calendars/").text
    assert 'id="machine-laser"' in page
    assert "When the machine is busy, nothing else." in page


def test_a_pool_is_offered_while_it_has_a_machine_in_use(fablab, browse):
    spares = make_pool(fablab, "laser")
    (pool,) = values(browse("chloe").get("/calendars/").text) - EVERYONES

    url = shown(subscribe(browse("chloe"), pool).text)
    assert "X-WR-CALNAME:Spares" in browse(None).get(path(url)).text

    assert spares.pool_id
    change(Machine, state=MachineState.RETIRED)
    assert pool not in values(browse("chloe").get("/calendars/").text)


def test_what_a_machines_secret_address_is_for_is_said(fablab, browse):
    subscribe(browse("chloe"), "machine/laser")
    page = browse("chloe").get("/calendars/").text
    assert "The address on the machine&#39;s page says the same to anyone." in page

    change(Place, has_public_feeds=False)

    page = browse("chloe").get("/calendars/").text
    assert "Machines have no public address here, only this one." in page


@pytest.mark.parametrize(
    "feed",
    ["day", "organization/studio", "machine/nothing", "", "MEMBER", "member\x00", "x" * 10_000],
)
def test_what_is_not_offered_does_not_exist(fablab, browse, feed):
    chloe = browse("chloe")
    form = fields(chloe, "member") | {"feed": feed}

    for action in ("/calendars/", "/calendars/revocation"):
        assert chloe.post(action, data=form).status_code == 404
    assert db.session.scalar(db.select(db.func.count()).select_from(FeedToken)) == 0


def test_who_is_suspended_is_told_and_offered_nothing(fablab, browse):
    membership = db.session.scalars(
        db.select(Membership.id).where(Membership.member_id == fablab.people["chloe"])
    ).one()
    set_columns(Membership, membership, suspended_until=instant("2027-04-30 00:00"))

    page = browse("chloe").get("/calendars/").text

    assert values(page) == set()
    assert "Your membership is suspended." in page


def test_who_is_no_member_any_more_keeps_their_own_calendar(fablab, browse):
    membership = db.session.scalars(
        db.select(Membership.id).where(Membership.member_id == fablab.people["chloe"])
    ).one()
    set_columns(Membership, membership, expires_on=date(2027, 3, 28))

    assert values(browse("chloe").get("/calendars/").text) == {"member"}


def test_a_visitor_signs_in_first(fablab, browse):
    for each in ("/calendars/", f"/calendars/{'A' * 32}/code.svg"):
        response = browse(None).get(each)

        assert response.location.startswith("/login")


def test_nothing_is_made_without_the_forms_own_token(fablab, browse):
    chloe = browse("chloe")

    for action in ("/calendars/", "/calendars/revocation"):
        assert chloe.post(action, data={"feed": "member"}).status_code == 400
    assert db.session.scalar(db.select(db.func.count()).select_from(FeedToken)) == 0


def test_the_page_holds_nothing_inline_and_asks_no_third_party(fablab, browse):
    page = subscribe(browse("amina"), "day").text

    assert not INLINE.search(page)
    asked = re.findall(r'(?:src|action)="([^"]+)"|<link[^>]*href="([^"]+)"', page)
    assert all(url.startswith("/") for pair in asked for url in pair if url)


# -- from other pages, with the right calendar first


def first_card(page: str) -> str:
    return re.search(r'<div class="tiles"><section[^>]* aria-labelledby="([^"]+)"', page)[1]


@pytest.mark.parametrize(
    ("who", "start", "leads_to", "card"),
    [
        ("chloe", "/bookings/", "/calendars/?feed=member", "member"),
        ("chloe", "/planning/2027-03-30", "/calendars/?feed=place", "place"),
        (
            "chloe",
            "/planning/2027-03-30?category=laser",
            "/calendars/?feed=category/laser",
            "category-laser",
        ),
        ("chloe", "/trainings/", "/calendars/?feed=trainings", "trainings"),
        ("amina", "/manage/day", "/calendars/?feed=day", "day"),
        ("amina", "/manage/trainings", "/calendars/?feed=trainings", "trainings"),
    ],
)
def test_each_page_leads_to_its_calendar_in_one_tap(fablab, browse, who, start, leads_to, card):
    client = browse(who)

    assert f'href="{leads_to}"' in client.get(start).text
    assert first_card(client.get(leads_to).text) == card


def test_a_machines_page_holds_its_address_or_leads_to_the_secret_one(fablab, browse):
    chloe, visitor = browse("chloe"), browse(None)
    assert "/machines/laser/calendar.ics" in chloe.get("/machines/laser").text

    change(Place, has_public_feeds=False)

    page = chloe.get("/machines/laser").text
    assert "/machines/laser/calendar.ics" not in page
    assert 'href="/calendars/?feed=machine/laser"' in page
    assert first_card(chloe.get("/calendars/?feed=machine/laser").text) == "machine-laser"
    assert "/calendars/?feed" not in visitor.get("/machines/laser").text


def test_who_runs_an_organization_finds_its_card_without_looking_for_it(fablab, browse):
    make_manager(fablab, "bruno")

    assert 'id="organization-studio"' in browse("bruno").get("/calendars/").text
    assert 'id="organization-studio"' not in browse("chloe").get("/calendars/").text


@pytest.mark.parametrize("feed", ["day", "nothing", "", "machine/nothing", "x" * 5_000])
def test_a_calendar_one_may_not_have_is_not_put_first(fablab, browse, feed):
    page = browse("chloe").get(f"/calendars/?feed={feed}")

    assert page.status_code == 200
    assert first_card(page.text) == "member"


def test_one_tap_more_makes_the_address(fablab, browse):
    chloe = browse("chloe")
    page = chloe.get("/calendars/?feed=category/bench").text
    form = forms(page)[0]
    assert 'value="category/bench"' in form

    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))
    answer = chloe.post("/calendars/", data=fields)

    assert "X-WR-CALNAME:Benches" in browse(None).get(path(shown(answer.text))).text


# -- by one way, and not by two


def channel(fablab, who: str) -> Channel:
    db.session.rollback()
    return mails.choice_of(fablab.people[who]).channel


def test_who_reads_the_calendar_and_gets_invitations_is_told_and_mends_it(fablab, browse):
    chloe = browse("chloe")
    assert "Your bookings may show twice" not in chloe.get("/calendars/").text
    made = subscribe(chloe).text
    assert "Your bookings may show twice" in made
    form = next(each for each in forms(made) if 'name="channel"' in each)

    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))
    answer = chloe.post("/calendars/channel", data=fields, follow_redirects=True)

    assert channel(fablab, "chloe") is Channel.FEED
    assert "Your bookings come by your calendar alone." in answer.text
    assert "Your bookings may show twice" not in answer.text


def test_who_stops_the_only_way_is_told_and_gets_another(fablab, browse):
    mails.choose(fablab.people["chloe"], Channel.FEED, {MailKind.OFFERS})
    chloe = browse("chloe")
    page = chloe.get("/calendars/").text
    assert "Your bookings show nowhere else" in page
    form = next(each for each in forms(page) if 'name="channel"' in each)

    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))
    answer = chloe.post("/calendars/channel", data=fields, follow_redirects=True)

    assert channel(fablab, "chloe") is Channel.INVITATION
    assert "Your bookings come by mail, as invitations." in answer.text
    assert mails.choice_of(fablab.people["chloe"]).refused_mails == MailKind.OFFERS


@pytest.mark.parametrize("chosen", [Channel.MAIL, Channel.NONE])
def test_who_wants_no_invitations_is_told_nothing(fablab, browse, chosen):
    mails.choose(fablab.people["chloe"], chosen, ())

    assert "Your bookings may show twice" not in subscribe(browse("chloe")).text


def test_no_other_word_is_a_channel(fablab, browse):
    chloe = browse("chloe")
    token = fields(chloe, "member")["csrf_token"]

    for word in ("", "both", "none", "mail", "x" * 5_000):
        answer = chloe.post("/calendars/channel", data={"channel": word, "csrf_token": token})
        assert answer.status_code == 404
    assert channel(fablab, "chloe") is Channel.INVITATION


# -- step by step


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_steps_of_each_program_are_there_for_anyone(fablab, browse, language):
    visitor = browse(None)
    visitor.set_cookie("language", language)
    index = visitor.get("/calendars/help").text
    found = re.findall(r'href="(/calendars/help/[\w-]+)"', index)

    assert len(set(found)) == 8
    for each in found:
        page = visitor.get(each)
        assert page.status_code == 200
        assert page.text.count("<ol>") >= 1
        assert page.text.count("<li>") >= 5
    assert visitor.get("/calendars/help/nothing").status_code == 404


def test_the_page_of_ones_calendars_leads_to_the_steps(fablab, browse):
    page = browse("chloe").get("/calendars/").text

    for slug in ("apple", "google", "outlook", "thunderbird", "android", "nextcloud"):
        assert f'href="/calendars/help/{slug}"' in page


# -- the code to scan


def code_of(page: str) -> str:
    return re.search(r'<img class="qr" src="([^"]+)"', page)[1]


def test_the_code_is_a_picture_of_the_address_for_its_holder_alone(fablab, browse):
    chloe = browse("chloe")
    picture = code_of(subscribe(chloe).text)

    response = chloe.get(picture)

    assert response.headers["Content-Type"] == "image/svg+xml; charset=utf-8"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.data.startswith(b"<?xml")
    assert b"style" not in response.data
    assert browse("bruno").get(picture).status_code == 404
    assert browse(None).get(picture).location.startswith("/login")
    commands.stop_address(
        commands.About(commands.Scope.MEMBER),
        member_id=fablab.people["chloe"],
        place_id=fablab.place_id,
        now=clock.now(),
    )
    assert chloe.get(picture).status_code == 404


def test_a_code_of_nothing_is_nothing(fablab, browse):
    day = address(fablab, "chloe", DAY).replace("calendar.ics", "code.svg")

    for each in (day, "/calendars/x/code.svg", f"/calendars/{'A' * 32}/code.svg"):
        assert browse("chloe").get(each).status_code == 404


def test_a_machines_public_address_has_a_code_for_anyone(fablab, browse):
    response = browse(None).get("/machines/laser/calendar.svg")

    assert response.status_code == 200
    assert response.headers["Content-Type"] == "image/svg+xml; charset=utf-8"
    assert browse(None).get("/machines/nothing/calendar.svg").status_code == 404


# -- several places


def test_a_page_about_another_place_makes_addresses_of_that_place(fablab, browse):
    from fablab.db import writing
    from fablab.machines.models import Category, Machine

    with writing() as session:
        loft = Place(slug="loft", name="The Loft", position=2, created_at=clock.now())
        session.add(loft)
        session.flush()
        kilns = Category(place_id=loft.id, slug="kiln", name="Kilns")
        session.add(kilns)
        session.flush()
        session.add(
            Machine(place_id=loft.id, category_id=kilns.id, slug="kiln", code="K", name="Kiln")
        )
        session.add(Membership(member_id=fablab.people["chloe"], place_id=loft.id))
    chloe = browse("chloe")
    page = chloe.get("/calendars/?place=loft").text
    assert "Everything at The Loft" in page
    assert 'action="/calendars/?place=loft"' in page

    form = fields(chloe, "member") | {"feed": "place"}
    url = shown(chloe.post("/calendars/?place=loft", data=form).text)

    assert "X-WR-CALNAME:The Loft" in browse(None).get(path(url)).text
