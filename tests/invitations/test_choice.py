"""Choosing one's mails, on the page of the account and by the link that stops one kind."""

import re
from typing import Any

import pytest
from sqlalchemy import select, update

from fablab import clock
from fablab.calendars import commands as calendars
from fablab.calendars.kinds import About, Scope
from fablab.db import db, writing
from fablab.invitations.choice_pages import half_masked
from fablab.mail import links
from fablab.members import mails
from fablab.members.kinds import Channel, MailKind
from fablab.members.models import Member
from tests.booking.conftest import words
from tests.support import submit

PAGE = "/account/mails"
ONE_CLICK = {"List-Unsubscribe": "One-Click"}  # RFC 8058 §3.2


def chosen(fablab: Any, who: str = "bruno") -> tuple[Channel, set[MailKind]]:
    channel, refused = mails.choice_of(fablab.people[who])
    return channel, set(mails.refused(refused))


def ticked(html: str) -> set[str]:
    """The values of what is ticked or chosen on the page."""
    inputs = re.findall(r"<input[^>]*\bchecked\b[^>]*>", html)
    return {re.search(r'value="(\w+)"', each)[1] for each in inputs}


def send(client: Any, **fields: Any) -> Any:
    return submit(client, PAGE, PAGE, **fields)


def subscribe(fablab: Any, who: str, scope: Scope = Scope.MEMBER) -> None:
    calendars.make_address(
        About(scope),
        member_id=fablab.people[who],
        place_id=fablab.place_id,
        key=calendars.new_key(),
        now=clock.now(),
    )


# -- the page


def test_at_first_there_are_invitations_and_every_kind_is_wanted(fablab, browse):
    page = browse("bruno").get(PAGE).text

    assert ticked(page) == {"invitation", *MailKind} - {"digest"}
    assert "They go to bruno@atelier.example." in words(page)


def test_what_is_chosen_is_kept_and_shown_again(any_fablab, browse_any):
    bruno = browse_any("bruno")

    answer = send(bruno, channel="mail", kinds=["offers", "answers"])

    assert (answer.status_code, answer.location) == (303, PAGE)
    refused = set(MailKind) - {MailKind.OFFERS, MailKind.ANSWERS, MailKind.DIGEST}
    assert chosen(any_fablab) == (Channel.MAIL, refused)
    page = bruno.get(PAGE).text
    assert ticked(page) == {"mail", "offers", "answers"}
    assert "Your choice is saved" in page
    assert chosen(any_fablab, "chloe") == (Channel.INVITATION, set())


def test_without_a_tick_none_is_wanted(fablab, browse):
    send(browse("bruno"), channel="feed")

    assert chosen(fablab) == (Channel.FEED, set(MailKind) - {MailKind.DIGEST})


def test_the_morning_mail_is_for_the_team_to_choose(fablab, browse):
    assert "morning mail" not in browse("bruno").get(PAGE).text
    assert "morning mail" in browse("amina").get(PAGE).text

    send(browse("amina"), channel="mail", kinds=list(set(MailKind) - {MailKind.DIGEST}))
    refused = send(browse("bruno"), channel="mail", kinds=["digest"])

    assert chosen(fablab, "amina") == (Channel.MAIL, {MailKind.DIGEST})
    assert refused.status_code == 422
    assert chosen(fablab) == (Channel.INVITATION, set())


def test_what_was_refused_on_the_team_is_still_refused_after_it(fablab, browse):
    mails.refuse(fablab.people["bruno"], MailKind.DIGEST)

    kinds = ["offers", "answers", "bookings", "trainings", "faults"]
    send(browse("bruno"), channel="mail", kinds=kinds)

    assert chosen(fablab) == (Channel.MAIL, {MailKind.DIGEST, MailKind.REMINDERS})


@pytest.mark.parametrize("channel", ["", "pigeon", "MAIL", "mail\0", "x" * 10_000, None])
def test_an_unknown_channel_is_an_error_of_its_field_and_no_tick_is_lost(fablab, browse, channel):
    fields = {"kinds": ["offers", "trainings"]} | ({"channel": channel} if channel else {})

    answer = send(browse("bruno"), **fields)

    assert answer.status_code == 422
    assert '<a href="#channel">How my bookings reach me</a> Choose one of these.' in answer.text
    assert 'id="channel" class="field field--invalid" aria-describedby="channel-error"' in (
        answer.text
    )
    assert ticked(answer.text) == {"offers", "trainings"}
    assert chosen(fablab) == (Channel.INVITATION, set())


def test_an_unknown_kind_is_an_error_and_the_channel_is_not_lost(fablab, browse):
    answer = send(browse("bruno"), channel="none", kinds=["offers", "gossip"])

    assert answer.status_code == 422
    assert ticked(answer.text) == {"none", "offers"}
    assert chosen(fablab) == (Channel.INVITATION, set())


def test_an_invitation_beside_a_subscription_shows_everything_twice(fablab, browse):
    bruno, twice = browse("bruno"), "Your bookings would show twice."
    subscribe(fablab, "bruno", Scope.PLACE)
    subscribe(fablab, "chloe")
    assert twice not in words(bruno.get(PAGE).text)

    subscribe(fablab, "bruno")

    page = bruno.get(PAGE).text
    assert twice in words(page)
    assert 'href="/calendars/"' in page
    send(bruno, channel="feed", kinds=["offers"])
    assert twice not in words(bruno.get(PAGE).text)
    assert "No calendar of yours is subscribed." not in words(bruno.get(PAGE).text)


def test_a_stopped_address_shows_nothing_twice(fablab, browse):
    subscribe(fablab, "bruno")
    calendars.stop_address(
        About(Scope.MEMBER),
        member_id=fablab.people["bruno"],
        place_id=fablab.place_id,
        now=clock.now(),
    )

    assert "Your bookings would show twice." not in words(browse("bruno").get(PAGE).text)
    send(browse("bruno"), channel="feed", kinds=["offers"])
    assert "No calendar of yours is subscribed." in words(browse("bruno").get(PAGE).text)


@pytest.mark.parametrize("page", ["/account/", "/calendars/"])
def test_the_account_and_the_calendars_lead_there(fablab, browse, page):
    assert f'href="{PAGE}"' in browse("bruno").get(page).text


@pytest.mark.parametrize(
    ("language", "said"),
    [("fr", "Vos réservations apparaîtraient deux fois."), ("en", "would show twice.")],
)
def test_it_speaks_the_reader_s_language(fablab, browse, language, said):
    subscribe(fablab, "bruno")
    bruno = browse("bruno")
    bruno.set_cookie("language", language)

    assert said in words(bruno.get(PAGE).text)


# -- the link that stops one kind


def link(fablab: Any, who: str = "bruno", kind: str = MailKind.REMINDERS) -> str:
    uid = db.session.scalar(select(Member.uid).where(Member.id == fablab.people[who]))
    return f"/mails/stop/{mails.stop_token(uid, kind)}"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_whoever_opens_the_link_reads_what_would_stop_and_stops_nothing(fablab, browse, method):
    page = browse(None).open(link(fablab), method=method)

    assert page.status_code == 200
    assert chosen(fablab) == (Channel.INVITATION, set())
    if method == "GET":
        said = words(page.text)
        assert "br…@atelier.example" in said
        assert "Reminders" in said
        assert "bruno@" not in said
        assert "Stop these mails" in said


def test_the_button_stops_that_kind_and_no_other(any_fablab, browse_any):
    page, visitor = link(any_fablab), browse_any(None)
    form = re.search(
        r'<form method="post">.*?name="([^"]+)" value="([^"]+)"', visitor.get(page).text, re.S
    )

    done = visitor.post(page, data={form[1]: form[2]})

    assert done.status_code == 200
    assert "They are stopped." in done.text
    assert f'href="{PAGE}"' in done.text
    assert chosen(any_fablab) == (Channel.INVITATION, {MailKind.REMINDERS})
    assert "They are stopped." in visitor.get(page).text


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_mail_program_stops_it_in_one_click(fablab, browse, kind):
    """It sends neither cookie nor token, and follows no redirect: RFC 8058 §3.1 and §3.2."""
    program = browse(None)
    program.delete_cookie("language")

    done = program.post(link(fablab), data=ONE_CLICK, content_type=kind)
    again = program.post(link(fablab), data=ONE_CLICK, content_type=kind)

    assert (done.status_code, again.status_code) == (200, 200)
    assert chosen(fablab) == (Channel.INVITATION, {MailKind.REMINDERS})


def test_one_click_sets_no_cookie_and_so_signs_nobody_out(fablab, browse):
    """A form of another site is sent without the cookie of who is signed in: SameSite=Lax."""
    done = browse(None).post(link(fablab), data=ONE_CLICK)

    assert "Set-Cookie" not in done.headers


def test_only_this_address_takes_a_form_without_a_token(app):
    from fablab.web import csrf

    assert csrf._exempt_views == {"fablab.invitations.choice_views.stop_now"}
    assert not csrf._exempt_blueprints


def test_what_was_refused_before_stays_refused(fablab, browse):
    send(browse("bruno"), channel="mail", kinds=["reminders", "offers"])

    browse(None).post(link(fablab), data=ONE_CLICK)

    channel, refused = chosen(fablab)
    assert channel is Channel.MAIL
    assert refused == set(MailKind) - {MailKind.OFFERS, MailKind.DIGEST}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_link_that_is_none_of_ours_is_no_page(fablab, browse, method):
    good = link(fablab)
    uid = db.session.scalar(select(Member.uid).where(Member.id == fablab.people["bruno"]))
    bad = [
        good[:-1],
        good.swapcase().replace("/MAILS/STOP/", "/mails/stop/"),
        "/mails/stop/x",
        f"/mails/stop/{links.signed('booking', uid, MailKind.REMINDERS)}",
        f"/mails/stop/{links.signed(mails.STOP, uid, 'gossip')}",
        f"/mails/stop/{links.signed(mails.STOP, 'nobody', MailKind.REMINDERS)}",
    ]
    nothing = browse(None).open("/no-such-page", method="GET")

    for address in bad:
        answer = browse(None).open(address, method=method, data=ONE_CLICK)
        assert (answer.status_code, words(answer.text)) == (404, words(nothing.text)), address
    assert chosen(fablab) == (Channel.INVITATION, set())


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_link_of_somebody_erased_is_no_page(fablab, browse, method):
    address = link(fablab)
    with writing() as session:
        session.execute(
            update(Member.__table__)
            .where(Member.id == fablab.people["bruno"])
            .values(erased_at=clock.now())
        )

    assert browse(None).open(address, method=method).status_code == 404


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nobody_keeps_or_passes_on_what_the_link_shows(fablab, browse, method):
    headers = browse(None).open(link(fablab), method=method, data=ONE_CLICK).headers

    assert headers["X-Robots-Tag"] == "noindex"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"


def test_it_speaks_the_language_of_the_mail_unless_the_browser_chose_one(fablab, browse):
    with writing() as session:
        session.execute(update(Member.__table__).values(language="en"))
    visitor = browse(None)
    visitor.delete_cookie("language")

    assert "Stop these mails" in visitor.get(link(fablab)).text
    visitor.set_cookie("language", "fr")
    assert "Ne plus recevoir ces courriels" in visitor.get(link(fablab)).text


@pytest.mark.parametrize(
    ("email", "masked"),
    [
        ("amina@atelier.example", "am…@atelier.example"),
        ("a@x.example", "…@x.example"),
        ("ab@x.example", "a…@x.example"),
        ("andrea.tilleraye@courriel.example", "and…@courriel.example"),
    ],
)
def test_an_address_is_half_masked(email, masked):
    assert half_masked(email) == masked
