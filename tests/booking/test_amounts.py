"""The amount of a booking: shown before it is confirmed, frozen on it, quoted anew for a move."""

import re
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import delete, select, update

from fablab import clock
from fablab.booking import commands
from fablab.db import db, writing
from fablab.machines.inventory import of_place
from fablab.machines.kinds import Status
from fablab.machines.models import Occupancy
from fablab.members import marks
from fablab.members.kinds import Audience
from fablab.members.models import Mark, Member
from fablab.organizations.models import Organization, OrganizationMember
from fablab.places.kinds import Charged
from fablab.places.models import Place
from fablab.presence import commands as presence
from fablab.tariffs.models import Tariff
from fablab.tariffs.price_list import prices_of
from tests.booking.conftest import change, words
from tests.booking.test_series_views import Sheet
from tests.booking.test_series_views import dates as listing
from tests.booking.test_views import NEW
from tests.booking.test_wider_rules import set_policy
from tests.support import counting, instant, slot, submit
from tests.tariffs.conftest import set_price

AFTERNOON = slot("2027-03-30 14:00-16:00")


def quoted(uid):
    return db.session.scalar(select(Occupancy.quoted).where(Occupancy.uid == uid))


@pytest.fixture
def bench(fablab):
    set_price(fablab, "bench", "3")
    set_price(fablab, "bench", "2", audience=Audience.RESIDENT)
    set_price(fablab, None, "30")
    return fablab


def move(fablab, uid, who, to):
    commands.move(
        uid,
        fablab.order("bench", to, who),
        by=fablab.people[who],
        is_team=False,
        now=clock.now(),
    )


def test_the_amount_is_frozen_on_the_booking_whatever_the_price_becomes(bench):
    uid = bench.book("bench", AFTERNOON, "chloe")

    set_price(bench, "bench", "9", audience=Audience.INDIVIDUAL)

    assert quoted(uid) == 6


def test_a_booking_for_an_organization_has_its_price(bench):
    change(Organization, audience=Audience.RESIDENT)

    own = bench.book("bench", AFTERNOON, "bruno")
    uid = bench.book(
        "bench",
        slot("2027-03-31 14:00-16:00"),
        "bruno",
        organization_id=bench.organization_id,
    )

    assert (quoted(own), quoted(uid)) == (6, 4)


def test_where_no_price_is_known_nothing_is_frozen(fablab):
    assert quoted(fablab.book("bench", AFTERNOON, "chloe")) is None


def test_a_moved_booking_is_worth_its_new_slot_at_the_price_of_that_day(bench):
    set_price(bench, "bench", "5", audience=Audience.INDIVIDUAL, first_day=date(2027, 4, 1))
    uid = bench.book("bench", AFTERNOON, "chloe")
    assert quoted(uid) == 6

    move(bench, uid, "chloe", slot("2027-04-01 14:00-15:00"))

    assert quoted(uid) == 5


def test_booking_with_prices_costs_no_statement_more(fablab):
    bench_and_prices = of_place(place_id=fablab.place_id)
    prices_of(bench_and_prices)
    with counting(db.engine) as without:
        fablab.book("bench", AFTERNOON, "chloe")
    set_price(fablab, "bench", "3")
    prices_of(of_place(place_id=fablab.place_id))

    with counting(db.engine) as statements:
        fablab.book("bench", slot("2027-03-31 14:00-16:00"), "chloe")

    assert len(statements) == len(without)


@pytest.mark.parametrize(
    ("price", "said"),
    [("3", "Indicative amount: €6.00"), ("0", "Indicative amount: Included")],
)
def test_the_amount_is_shown_before_it_is_confirmed(fablab, browse, price, said):
    set_price(fablab, "bench", price)

    page = words(browse("chloe").get(NEW).text)

    assert said in page
    assert "nothing is paid here" in page
    assert "€0" not in page


def test_without_a_price_the_form_says_nothing_of_amounts(fablab, browse):
    assert "ndicative" not in browse("chloe").get(NEW).text


def test_the_amount_follows_the_organization_that_is_chosen(bench, browse):
    change(Organization, audience=Audience.RESIDENT)
    answer = submit(
        browse("bruno"),
        NEW,
        "/bookings/",
        day="2027-03-30",
        start="14:00",
        end="16:00",
        organization=str(bench.organization_id),
        check="1",
    )

    assert "Indicative amount: €4.00" in words(answer.text)


@pytest.mark.parametrize(
    ("until", "amount"),
    [(date(2027, 3, 30), "€4.00"), (date(2027, 3, 29), "€6.00"), (date(2027, 3, 28), "€6.00")],
)
def test_on_a_day_after_they_left_it_the_price_is_their_own(bench, browse, until, amount):
    change(Organization, audience=Audience.RESIDENT)
    change(OrganizationMember, until=until)
    answer = submit(
        browse("bruno"),
        NEW,
        "/bookings/",
        day="2027-03-30",
        start="14:00",
        end="16:00",
        organization=str(bench.organization_id),
        check="1",
    )

    assert f"Indicative amount: {amount}" in words(answer.text)


def test_the_page_of_a_booking_and_the_list_say_the_amount(bench, browse):
    uid = bench.book("bench", AFTERNOON, "chloe")

    page = words(browse("chloe").get(f"/bookings/{uid}").text)

    assert "Indicative amount €6.00" in page
    assert "Settled with the place; nothing is paid here." in page
    assert "€6.00" in browse("chloe").get("/bookings/").text


def test_french_writes_amounts_its_own_way(bench, browse):
    uid = bench.book("bench", AFTERNOON, "chloe")
    client = browse("chloe")
    client.set_cookie("language", "fr")

    assert "6,00\xa0€" in client.get(f"/bookings/{uid}").text


def test_company_is_in_the_amount(bench):
    change(Organization, audience=None)
    uid = bench.book("bench", AFTERNOON, "bruno", is_accompanied=True)

    assert quoted(uid) == Decimal(66)


def test_the_dates_of_a_series_and_its_page_say_the_sum(bench, browse):
    client = browse("chloe")
    dates = listing(client)
    assert "Indicative amount: €18.00" in words(dates.text)

    booked = Sheet(dates.text).send(client, confirm="1")

    assert "Indicative amount of all that stand: €18.00" in words(booked.text)


def test_a_move_shows_what_the_new_slot_is_worth_for_whom_it_counts_already(bench, browse):
    uid = bench.book("bench", AFTERNOON, "chloe")
    set_price(bench, "bench", "5", audience=Audience.INDIVIDUAL, first_day=date(2027, 4, 1))

    page = f"/bookings/{uid}/move?machine=bench&day=2027-04-01&start=14:00&end=15:00"
    moved = words(browse("chloe").get(page).text)

    assert "Indicative amount: €5.00" in moved
    assert "Indicative amount: €6.00" in words(browse("chloe").get(f"/bookings/{uid}/move").text)


# What counts of it once it is cancelled, or nobody came


@pytest.fixture
def late_counts(bench):
    """Until 24 hours before; half of what is cancelled later counts, a third of an absence."""
    set_policy(bench, "bench", free_cancellation=timedelta(hours=24))
    change(Place, late_percent=50, missed_percent=33)
    return bench


def cancelled(fablab, at, when, by="chloe"):
    uid = fablab.book("bench", AFTERNOON, "chloe")
    at(when)
    commands.cancel(uid, by=fablab.people[by], is_team=by == "amina", now=clock.now())
    return uid


def test_of_what_was_cancelled_in_time_nothing_counts(late_counts, browse, at):
    uid = cancelled(late_counts, at, "2027-03-29 13:59")
    chloe = browse("chloe")

    page = words(chloe.get(f"/bookings/{uid}").text)

    assert "Indicative amount Nothing of it counts" in page
    assert "nothing is paid here" not in page
    assert "€" not in chloe.get("/bookings/").text


def test_of_what_was_cancelled_late_the_places_part_counts(late_counts, browse, at):
    uid = cancelled(late_counts, at, "2027-03-29 14:01")
    chloe = browse("chloe")

    for page in (f"/bookings/{uid}", "/bookings/"):
        assert "€3.00, 50 % of €6.00" in words(chloe.get(page).text)
    with writing() as session:
        session.execute(update(Mark).values(made_at=instant("2026-01-01 09:00")))
        marks.tidy(session, clock.now())
    assert "€3.00, 50 % of €6.00" in words(chloe.get(f"/bookings/{uid}").text)
    with writing() as session:
        session.execute(update(Occupancy).values(is_excused=True))
    assert "Indicative amount Nothing of it counts" in words(chloe.get(f"/bookings/{uid}").text)


def test_a_late_cancellation_says_which_of_how_many_it_is_and_is_told_as_late(
    late_counts, browse, at
):
    change(Place, marks_allowed=3, marks_window_days=90, marks_suspension_days=14)
    cancelled(late_counts, at, "2027-03-29 14:01")
    at("2027-03-29 14:10")
    uid = late_counts.book("bench", slot("2027-03-30 17:00-18:00"), "chloe")
    chloe, page = browse("chloe"), f"/bookings/{uid}/cancellation"
    assert "number" not in words(chloe.get(page).text)  # it was booked a moment ago

    at("2027-03-29 17:01")
    said = "It would be number 2 of 3 within 90 days; at number 3, no booking is possible for 14"
    assert said in words(chloe.get(page).text)

    answer = submit(chloe, page, page)
    assert "which is noted as late" in words(chloe.get(answer.location).text)
    assert words(chloe.get("/bookings/").text).count("Cancelled late") >= 2
    change(Place, marks_allowed=None)
    another = late_counts.book("bench", slot("2027-03-31 10:00-11:00"), "chloe")
    at("2027-03-30 10:01")
    assert "number" not in words(chloe.get(f"/bookings/{another}/cancellation").text)


def test_the_part_is_rounded_once_as_in_a_statement(late_counts, browse, at):
    """2 h at 3.33 are 6.66 €; 33 % of 6.66 € are 2.1978 €."""
    change(Tariff, price=Decimal("3.33"))
    uid = late_counts.book("bench", AFTERNOON, "chloe")
    with writing() as session:
        session.execute(update(Occupancy).values(status=Status.MISSED, standing=False))

    assert "€2.20, 33 % of €6.66" in words(browse("chloe").get(f"/bookings/{uid}").text)


def test_a_part_of_what_somebody_stays_for_is_of_their_time_too(late_counts, browse):
    """2 h at 3 and 2 h of company at 30 are 66 €; 33 % of the one 1.98 €, of the other 19.80 €."""
    uid = late_counts.book("bench", AFTERNOON, "chloe")
    with writing() as session:
        missed = {"status": Status.MISSED, "standing": False, "is_accompanied": True}
        session.execute(update(Occupancy).values(quoted=Decimal(66), **missed))

    assert "€21.78, 33 % of €66.00" in words(browse("chloe").get(f"/bookings/{uid}").text)


def test_of_a_price_that_is_no_more_a_part_of_what_was_shown_counts(late_counts, browse):
    uid = late_counts.book("bench", AFTERNOON, "chloe")
    with writing() as session:
        session.execute(update(Occupancy).values(status=Status.MISSED, standing=False))
        session.execute(delete(Tariff))
        session.execute(update(Place).values(revision=Place.revision + 1))

    assert "€1.98, 33 % of €6.00" in words(browse("chloe").get(f"/bookings/{uid}").text)


def test_the_team_cancels_for_nothing(late_counts, browse, at):
    uid = cancelled(late_counts, at, "2027-03-30 13:00", by="amina")

    assert "Indicative amount Nothing of it counts" in words(
        browse("chloe").get(f"/bookings/{uid}").text
    )


NOT_LATE = "Cancelling it now is not late. Nothing of its indicative amount counts then."


@pytest.mark.parametrize(
    ("who", "when", "percent", "said"),
    [
        ("chloe", "2027-03-29 13:59", 50, NOT_LATE),
        (
            "chloe",
            "2027-03-29 14:01",
            50,
            "Cancelled late, 50 % of its indicative amount count: €3.00 of €6.00.",
        ),
        (
            "chloe",
            "2027-03-29 14:01",
            0,
            "Late or not, nothing of its indicative amount (€6.00) counts.",
        ),
        (
            "amina",
            "2027-03-29 14:01",
            50,
            "Cancelled by the team, it is not noted as late: nothing of its amount counts.",
        ),
    ],
)
def test_before_it_is_cancelled_the_page_says_what_that_costs(
    late_counts, browse, at, who, when, percent, said
):
    change(Place, late_percent=percent)
    uid = late_counts.book("bench", AFTERNOON, "chloe")
    at(when)

    assert said in words(browse(who).get(f"/bookings/{uid}/cancellation").text)


def test_where_no_rule_says_when_it_is_late_nothing_counts(bench, browse):
    uid = bench.book("bench", AFTERNOON, "chloe")

    page = words(browse("chloe").get(f"/bookings/{uid}/cancellation").text)

    assert "Nothing of its indicative amount counts then." in page
    assert "not late" not in page


def test_without_a_price_the_page_says_nothing_of_amounts(fablab, browse, at):
    set_policy(fablab, "bench", free_cancellation=timedelta(hours=24))
    uid = fablab.book("bench", AFTERNOON, "chloe")
    page = f"/bookings/{uid}/cancellation"

    assert "amount" not in words(browse("chloe").get(page).text)
    assert "amount" not in words(browse("amina").get(page).text)
    at("2027-03-30 13:00")
    assert "amount" not in words(browse("chloe").get(page).text)


# What counts of it once it was left


def left(fablab, uid, at, arrived, then):
    """Chloé arrives, and leaves."""
    chloe = fablab.people["chloe"]
    at(arrived)
    presence.arrive(uid, fablab.place_id, by=chloe, is_team=False, now=clock.now())
    at(then)
    presence.leave(uid, fablab.place_id, by=chloe, is_team=False, now=clock.now())


@pytest.mark.parametrize(
    ("charged", "said"),
    [
        (Charged.REAL, "€0.75, instead of €6.00"),  # 11 minutes, a quarter of an hour
        (Charged.BOOKED, "€1.50, instead of €6.00"),  # until 14:19, two quarters
    ],
)
def test_what_was_left_early_is_worth_what_its_statement_says(bench, browse, at, charged, said):
    change(Place, charged=charged)
    uid = bench.book("bench", AFTERNOON, "chloe")
    left(bench, uid, at, "2027-03-30 14:08", "2027-03-30 14:19")
    at("2027-03-30 16:30")
    chloe = browse("chloe")

    for page in (f"/bookings/{uid}", "/bookings/"):
        assert said in words(chloe.get(page).text)
    me = db.session.scalar(select(Member.uid).where(Member.id == bench.people["chloe"]))
    month = f"scope=member&of={me}&first=2027-03-01&last=2027-03-31"
    stated = words(chloe.get(f"/statements/preview?{month}").text)
    assert said.partition(",")[0] in stated


def test_what_was_used_whole_is_worth_what_was_shown(bench, browse, at):
    change(Place, charged=Charged.REAL)
    uid = bench.book("bench", AFTERNOON, "chloe")
    left(bench, uid, at, "2027-03-30 14:00", "2027-03-30 15:50")

    page = words(browse("chloe").get(f"/bookings/{uid}").text)

    assert "Indicative amount €6.00" in page
    assert "instead of" not in page


def test_the_sum_of_a_series_counts_what_was_used_of_those_that_were_left(bench, browse, at):
    change(Place, charged=Charged.REAL)
    client = browse("chloe")
    Sheet(listing(client).text).send(client, confirm="1")
    uids = db.session.scalars(select(Occupancy.uid).order_by(Occupancy.starts_at)).all()
    left(bench, uids[0], at, "2027-03-30 14:08", "2027-03-30 14:19")
    series = re.search(r"/bookings/series/[0-9a-f-]{36}", client.get(f"/bookings/{uids[0]}").text)

    page = words(client.get(series[0]).text)

    assert "€0.75, instead of €6.00" in page
    assert "Indicative amount of all that stand: €12.75" in page
