"""Rows drawn a moment ago serve the next reader, and only one who may see the very same."""

from fablab.home import recent
from fablab.home.standing import Standing
from fablab.machines.inventory import of_place
from tests.support import slot

TUESDAY = "2027-03-30"
AFTERNOON = slot("2027-03-30 14:00-16:00")


def test_the_owner_reads_you_and_the_next_member_does_not(fablab, browse):
    fablab.book("bench", AFTERNOON, "bruno", purpose="Lamp")

    bruno, chloe = (browse(who).get(f"/planning/{TUESDAY}").text for who in ("bruno", "chloe"))

    assert "You · Lamp" in bruno
    assert "Bruno Lefil" in chloe
    assert "You · Lamp" not in chloe


def test_the_owner_reads_you_after_another_member_looked(fablab, browse):
    fablab.book("bench", AFTERNOON, "bruno", purpose="Lamp")
    browse("chloe").get(f"/planning/{TUESDAY}")

    assert "You · Lamp" in browse("bruno").get(f"/planning/{TUESDAY}").text


def test_a_minute_later_the_same_day_is_drawn_anew(fablab, browse, at):
    at("2027-03-30 10:59")
    before = browse("chloe").get(f"/planning/{TUESDAY}").text
    at("2027-03-30 11:01")

    after = browse("chloe").get(f"/planning/{TUESDAY}").text

    assert "start=11:00" in before
    assert "start=11:00" not in after
    assert "start=11:15" in after


def test_a_booking_made_meanwhile_is_seen_at_once(fablab, browse):
    browse("chloe").get(f"/planning/{TUESDAY}")
    fablab.book("bench", AFTERNOON, "bruno")

    assert "Bruno Lefil" in browse("chloe").get(f"/planning/{TUESDAY}").text


def test_what_was_drawn_in_one_language_is_not_read_in_another(fablab, browse):
    fablab.book("bench", AFTERNOON, "bruno")
    english = browse("chloe")
    english.get(f"/planning/{TUESDAY}")
    french = browse("chloe")
    french.set_cookie("language", "fr")

    assert french.get(f"/planning/{TUESDAY}").text.count("9 h") > 0


def test_no_more_is_kept_than_promised(fablab, app):
    inventory = of_place(place_id=fablab.place_id)

    for n in range(recent.KEPT + 20):
        recent.kept(inventory, n, lambda: object())
    made = object()

    assert recent.kept(inventory, 0, lambda: made) is made, "the oldest is gone"
    assert recent.kept(inventory, recent.KEPT + 19, lambda: made) is not made


def test_what_stands_is_placed_once_for_those_who_have_none_of_it(fablab, browse, monkeypatch):
    fablab.book("bench", AFTERNOON, "bruno")
    made = []
    standing_of = Standing.of.__func__
    monkeypatch.setattr(
        Standing, "of", classmethod(lambda cls, *facts: made.append(1) or standing_of(cls, *facts))
    )

    for who in ("chloe", None, "amina", "chloe"):
        browse(who).get(f"/planning/{TUESDAY}")
    assert len(made) == 1
    browse("bruno").get(f"/planning/{TUESDAY}")

    assert len(made) == 2


def test_the_filters_drawn_for_one_are_not_those_of_another(fablab, browse):
    chloe, bruno = (browse(who).get(f"/planning/{TUESDAY}").text for who in ("chloe", "bruno"))

    assert "I may use (1)" in chloe
    assert "I may use (2)" in bruno
    assert "I may use" not in browse(None).get(f"/planning/{TUESDAY}").text


def test_how_the_machines_stand_is_of_the_minute(fablab, browse, at):
    fablab.book("bench", AFTERNOON, "bruno")
    at(f"{TUESDAY} 13:30")
    assert "Free now (2)" in browse("chloe").get("/").text
    at(f"{TUESDAY} 14:30")

    assert "Free now (1)" in browse("chloe").get("/").text
