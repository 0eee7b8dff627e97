"""A calendar over HTTP: what polls it for years gets what RFC 9110 promises, and little else."""

import gzip
import logging
import re

import pytest
from sqlalchemy import create_engine, update

from fablab import clock
from fablab.booking import commands as bookings
from fablab.calendars import feed
from fablab.calendars.models import FeedToken
from fablab.db import db
from fablab.logs import Lines
from fablab.machines.models import Machine
from tests.calendars.support import (
    DAY,
    PLACE,
    TRAININGS,
    address,
    category,
    machine,
    make_manager,
    make_pool,
    occupy,
    organization,
    plan_session,
)
from tests.support import counting, slot

TUESDAY = slot("2027-03-30 14:00-16:00")
PUBLIC = "/machines/laser/calendar.ics"


@pytest.fixture
def phone(browse):
    return browse(None)


@pytest.fixture
def mine(fablab, at):
    """Bruno's calendar with a booking in it, read some time after that was made."""
    fablab.book("laser", TUESDAY, "bruno")
    made = address(fablab, "bruno")
    at("2027-03-29 09:30")
    return made


# -- the answer


def test_a_secret_calendar_is_an_answer_of_its_own_without_session_or_cookie(mine, phone):
    response = phone.get(mine)

    headers = response.headers
    assert response.status_code == 200
    assert headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert headers["Content-Disposition"] == 'inline; filename="bookings.ics"'
    assert headers["Cache-Control"] == "private, no-cache"
    assert headers["X-Robots-Tag"] == "noindex"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Vary"] == "Accept-Encoding"
    assert headers["Content-Length"] == str(len(response.data))
    assert "Set-Cookie" not in headers
    assert re.fullmatch(r'"[0-9a-f]{24}"', headers["ETag"])


def test_a_public_calendar_may_be_kept_by_anyone(fablab, phone):
    headers = phone.get(PUBLIC).headers

    assert headers["Cache-Control"] == "public, no-cache"
    assert headers["X-Robots-Tag"] == "noindex"
    assert headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize("who", ["bruno", "amina"])
def test_who_is_signed_in_makes_no_difference(mine, browse, phone, who):
    for each in (mine, PUBLIC):
        signed_in = browse(who).get(each)

        assert signed_in.data == phone.get(each).data
        assert signed_in.headers["Vary"] == "Accept-Encoding"
        assert "Set-Cookie" not in signed_in.headers


@pytest.mark.parametrize(
    "headers",
    [
        {"User-Agent": ""},
        {"User-Agent": "Google-Calendar-Importer"},
        {"Accept": "text/html"},
        {"Accept": "application/json"},
        {"Accept-Language": "ja"},
        {"Accept-Charset": "iso-8859-1"},
        {"Range": "bytes=0-9"},
        {"Accept-Encoding": "br, zstd"},
        {"If-None-Match": ""},
        {"If-None-Match": "%%%"},
        {"If-Modified-Since": "yesterday"},
    ],
    ids=str,
)
def test_whatever_asks_gets_the_same(mine, phone, headers):
    response = phone.get(mine, headers=headers)

    assert response.status_code == 200
    assert response.data == phone.get(mine).data


def test_unknown_parameters_and_another_name_change_nothing(mine, phone):
    renamed = mine.replace("calendar.ics", "%C3%A9t%C3%A9 2027.ics")

    for each in (f"{mine}?utm_source=x&nocache=1", renamed):
        assert phone.get(each).data == phone.get(mine).data
        assert phone.get(each).headers["ETag"] == phone.get(mine).headers["ETag"]


def test_head_says_what_get_says_without_the_calendar(mine, phone):
    got, asked = phone.get(mine), phone.head(mine)

    assert asked.status_code == 200
    assert asked.data == b""
    for name in ("ETag", "Last-Modified", "Content-Type", "Content-Length", "Cache-Control"):
        assert asked.headers[name] == got.headers[name]
    known = {"If-None-Match": got.headers["ETag"]}
    assert phone.head(mine, headers=known).status_code == 304


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "PROPFIND"])
def test_a_calendar_can_only_be_read(mine, phone, method):
    for each in (mine, PUBLIC):
        response = phone.open(each, method=method)

        assert response.status_code == 405
        assert {"GET", "HEAD"} <= set(response.headers["Allow"].split(", "))
        assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert "Set-Cookie" not in response.headers


# -- the versions


@pytest.mark.parametrize(
    "form", ["{}", "W/{}", '"other", {}', 'W/"other" ,W/{}', '{}, "other"', "*"]
)
def test_what_has_not_changed_is_not_sent_again(mine, phone, form):
    etag = phone.get(mine).headers["ETag"]

    response = phone.get(mine, headers={"If-None-Match": form.format(etag)})

    assert response.status_code == 304
    assert response.data == b""
    assert response.headers["ETag"] == etag
    assert response.headers["Vary"] == "Accept-Encoding"
    assert response.headers["Cache-Control"] == "private, no-cache"
    assert "Content-Type" not in response.headers
    assert "Set-Cookie" not in response.headers


def test_a_date_will_do_when_there_is_no_tag(mine, phone):
    known = phone.get(mine).headers["Last-Modified"]

    assert phone.get(mine, headers={"If-Modified-Since": known}).status_code == 304
    later, earlier = "Fri, 01 Jan 2100 00:00:00 GMT", "Mon, 29 Mar 2027 06:59:58 GMT"
    assert phone.get(mine, headers={"If-Modified-Since": later}).status_code == 304
    assert phone.get(mine, headers={"If-Modified-Since": earlier}).status_code == 200


def test_the_tag_decides_alone_when_both_are_there(mine, phone):
    first = phone.get(mine)
    etag, date = first.headers["ETag"], first.headers["Last-Modified"]
    old = "Mon, 01 Jan 2001 00:00:00 GMT"

    def status(etag, date):
        asked = {"If-None-Match": etag, "If-Modified-Since": date}
        return phone.get(mine, headers=asked).status_code

    assert status('"other"', date) == 200
    assert status(etag, old) == 304


def test_two_changes_in_one_second_are_both_seen_by_date(fablab, phone):
    """The date has no fractions: what was read in the very second of a change may be old."""
    mine = address(fablab, "chloe")
    fablab.book("bench", TUESDAY, "chloe")
    known = phone.get(mine).headers["Last-Modified"]
    fablab.book("bench", slot("2027-03-31 14:00-16:00"), "chloe")

    response = phone.get(mine, headers={"If-Modified-Since": known})

    assert response.status_code == 200
    assert response.data.count(b"BEGIN:VEVENT") == 2


def test_a_calendar_changes_with_what_it_shows_and_not_with_the_rest(fablab, phone):
    mine, place = address(fablab, "chloe"), address(fablab, "chloe", PLACE)

    def tags():
        return tuple(phone.get(each).headers["ETag"] for each in (mine, place, PUBLIC))

    before = tags()
    assert tags() == before
    fablab.book("bench", TUESDAY, "bruno")

    others = tags()
    assert others[0] == before[0]
    assert others[1] != before[1]
    assert others[2] == before[2]
    fablab.book("bench", slot("2027-03-31 14:00-16:00"), "chloe")
    assert tags()[0] != before[0]


def test_a_strong_tag_means_the_same_bytes(fablab, phone, at):
    """Over a day on which nothing and then something happens."""
    uid = fablab.book("laser", TUESDAY, "bruno")
    seen: dict[str, bytes] = {}
    addresses = [
        address(fablab, "bruno"), address(fablab, "chloe", PLACE), address(fablab, "amina", DAY),
        PUBLIC,
    ]  # fmt: skip
    for moment in ("29 10:00", "29 10:05", "29 23:59", "30 00:00", "30 13:59", "30 14:00"):
        at(f"2027-03-{moment}")
        if moment == "29 10:05":
            bookings.cancel(uid, by=fablab.people["bruno"], is_team=False, now=clock.now())
        for each in addresses:
            for headers in ({}, {"Accept-Encoding": "gzip"}):
                response = phone.get(each, headers=headers)
                key = each + response.headers["ETag"]
                assert seen.setdefault(key, response.data) == response.data


# -- compressed


def test_a_calendar_is_compressed_for_whoever_takes_it_so(mine, phone):
    plain = phone.get(mine)

    packed = phone.get(mine, headers={"Accept-Encoding": "br, gzip;q=0.8"})

    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.headers["Vary"] == "Accept-Encoding"
    assert packed.headers["ETag"] != plain.headers["ETag"]
    assert packed.headers["Content-Length"] == str(len(packed.data))
    assert gzip.decompress(packed.data) == plain.data
    assert packed.data[4:8] == bytes(4)  # RFC 1952 §2.3.1: no time in it, so the same bytes


@pytest.mark.parametrize("refused", ["gzip;q=0", "identity", "*;q=0.5, gzip;q=0.0", ""])
def test_and_for_nobody_else(mine, phone, refused):
    response = phone.get(mine, headers={"Accept-Encoding": refused})

    assert "Content-Encoding" not in response.headers
    assert response.data.startswith(b"BEGIN:VCALENDAR")


def test_each_form_is_told_to_be_fresh_by_its_own_tag(mine, phone):
    takes = {"Accept-Encoding": "gzip"}
    plain, packed = (phone.get(mine, headers=h).headers["ETag"] for h in ({}, takes))

    for etag in (plain, packed):
        response = phone.get(mine, headers=takes | {"If-None-Match": etag})
        assert (response.status_code, response.headers["ETag"]) == (304, etag)
    assert phone.get(mine, headers={"If-None-Match": packed}).status_code == 200


# -- the cost


def test_what_has_not_changed_costs_one_statement_and_writes_nothing(
    any_fablab, browse_any, monkeypatch
):
    phone = browse_any(None)
    make_manager(any_fablab, "bruno")
    every = (
        address(any_fablab, "chloe"),
        address(any_fablab, "chloe", PLACE),
        address(any_fablab, "amina", DAY),
        address(any_fablab, "chloe", TRAININGS),
        address(any_fablab, "chloe", category(any_fablab, "bench")),
        address(any_fablab, "chloe", make_pool(any_fablab, "bench")),
        address(any_fablab, "chloe", machine(any_fablab, "bench")),
        address(any_fablab, "bruno", organization(any_fablab)),
        "/machines/bench/calendar.ics",
    )
    plan_session(any_fablab, TUESDAY)
    occupy(
        any_fablab, "bench", "chloe", *(slot(f"2027-{m:02}-01 10:00-11:00") for m in range(4, 13))
    )
    known = {each: {"If-None-Match": phone.get(each).headers["ETag"]} for each in every}
    monkeypatch.setattr(feed, "written", None)

    for each in every:
        with counting(db.engine) as statements:
            response = phone.get(each, headers=known[each])

        assert response.status_code == 304
        assert len(statements) == 1


def test_whoever_is_signed_in_is_not_even_looked_up(mine, browse):
    bruno = browse("bruno")
    etag = bruno.get(mine).headers["ETag"]

    with counting(db.engine) as statements:
        response = bruno.get(mine, headers={"If-None-Match": etag})

    assert response.status_code == 304
    assert len(statements) == 1


def test_a_calendar_in_memory_is_joined_and_not_written(fablab, phone, monkeypatch):
    days = [slot(f"2027-04-{day:02} 10:00-11:00") for day in range(1, 31)]
    occupy(fablab, "bench", "chloe", *days)
    place = address(fablab, "chloe", PLACE)
    before = phone.get(place).data
    fablab.book("laser", TUESDAY, "bruno")
    made = []
    monkeypatch.setattr(
        feed.ical,
        "vevent",
        lambda entry, write=feed.ical.vevent: (made.append(entry.uid), write(entry))[1],
    )

    after = phone.get(place).data

    assert after.count(b"BEGIN:VEVENT") == before.count(b"BEGIN:VEVENT") + 1
    assert len(made) == 1


# -- that it was read


def used_at():
    db.session.rollback()
    return db.session.scalars(db.select(FeedToken.used_at)).one()


def test_the_last_reading_is_noted_to_the_hour_and_once_an_hour(any_fablab, browse_any, at):
    phone, mine = browse_any(None), address(any_fablab, "chloe")
    assert used_at() is None
    at("2027-03-29 09:42")
    phone.get(mine)
    assert used_at() == clock.now().replace(minute=0)

    with counting(db.engine) as statements:
        phone.head(mine)
        phone.get(mine)
    assert not any("UPDATE" in statement for statement in statements)
    at("2027-03-29 10:00")
    etag = phone.get(mine).headers["ETag"]
    assert used_at() == clock.now()
    at("2027-03-29 11:59")
    with counting(db.engine) as statements:
        phone.get(mine, headers={"If-None-Match": etag})
    assert len([each for each in statements if not each.startswith("SET LOCAL")]) == 2
    assert used_at() == clock.now().replace(minute=0)


def test_a_database_that_others_write_to_is_read_all_the_same(any_fablab, browse_any):
    """The note can wait until the next reading; the reading cannot."""
    phone, mine = browse_any(None), address(any_fablab, "chloe")
    db.session.remove()
    others = create_engine(db.engine.url, isolation_level="AUTOCOMMIT")
    with others.connect() as other:
        other.exec_driver_sql(
            "BEGIN" if db.engine.dialect.name == "postgresql" else "BEGIN IMMEDIATE"
        )
        other.execute(update(FeedToken).values(used_at=None))

        response = phone.get(mine)

        other.exec_driver_sql("ROLLBACK")
    others.dispose()
    assert response.status_code == 200
    assert used_at() is None


def test_no_secret_is_written_to_the_log(fablab, phone, caplog):
    mine = address(fablab, "chloe")
    token = mine.split("/")[2]

    with caplog.at_level(logging.DEBUG):
        phone.get(mine)
        phone.get(f"/calendars/{token[:-1]}/calendar.ics")
        phone.get(f"/calendars/{token}/calendar.txt")
        phone.post(mine)

    for lines in (Lines(as_json=False), Lines(as_json=True)):
        written = "\n".join(map(lines.format, caplog.records))
        assert written.count("/calendars/") == 4
        assert token[:12] not in written


def test_machines_are_watched_by_their_own_revision(fablab, phone):
    before = phone.get(PUBLIC).headers["ETag"]

    db.session.rollback()
    fablab.book("laser", TUESDAY, "bruno")

    assert phone.get(PUBLIC).headers["ETag"] != before
    assert db.session.scalar(db.select(Machine.revision).where(Machine.slug == "laser")) == 1
