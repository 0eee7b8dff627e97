"""The calendar object itself: RFC 5545 line by line, whatever the texts in it."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
import vobject
from dateutil.tz import tzical
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from fablab.ical import Entry, Face, calendar, clean, turns, vtimezone, written, written_zone
from tests.support import instant

FACE = Face("L'Atelier", "Europe/Paris", "sienna", "https://booking.example/planning/")
ENTRY = Entry(
    uid="4b3fdb2a-62a5-4f8e-8e3c-0d7a5c1f9c11",
    start=instant("2027-03-30 14:00"),
    end=instant("2027-03-30 16:00"),
    zone="Europe/Paris",
    summary="Laser cutter (L1)",
    changed_at=instant("2027-03-29 09:00"),
    created_at=instant("2027-03-28 09:00"),
)


def object_of(*entries: Entry, face: Face = FACE) -> bytes:
    return calendar(face, map(written, entries))


def lines(content: bytes) -> list[str]:
    """The content lines, unfolded (§3.1)."""
    return content.decode().replace("\r\n ", "").removesuffix("\r\n").split("\r\n")


def values(content: bytes, name: str) -> list[str]:
    """What each line of this property says, its parameters included."""
    return [line for line in lines(content) if re.match(rf"{name}[:;]", line)]


# -- the stream


def assert_is_a_stream_of_lines(content: bytes) -> None:
    assert not content.startswith(b"\xef\xbb\xbf")
    assert content.endswith(b"\r\n")
    for line in content.removesuffix(b"\r\n").split(b"\r\n"):
        assert len(line) <= 75
        assert not re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", line)
        line.decode()


HOSTILE = {
    "breaks": "One\r\nATTENDEE:mailto:eve@example.com\nEND:VEVENT\rUID:x",
    "other breaks": "One\x0btwo\x0cthree\x1cfour\x85five\u2028six\u2029seven",
    "controls": "Nul\x00 bell\x07 escape\x1b delete\x7f csi\x9b",
    "marks": r"Comma, semicolon; backslash \ and \n; quote \"",
    "long": "x" * 10_000,
    "accents": "é" * 200,
    "emoji": "👩🏽‍🔧" * 60,
    "tabs": "a\tb",
    "empty ends": "  x  ",
    "half of a pair": "a\ud83db",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_whatever_a_text_holds_it_stays_in_its_line(text):
    entry = replace(ENTRY, summary=text, description=text, location=text, category=text, revision=3)

    content = object_of(entry)

    assert_is_a_stream_of_lines(content)
    assert not values(content, "ATTENDEE")
    assert len(values(content, "UID")) == len(values(content, "SUMMARY")) == 1
    event = Calendar.from_ical(content).events[0]
    other = vobject.readOne(content.decode()).vevent
    assert event["SUMMARY"] == other.summary.value == clean(text)
    assert event["DESCRIPTION"] == other.description.value == clean(text)
    assert event["LOCATION"] == clean(text)
    assert event["SEQUENCE"] == 3


@given(st.text(max_size=300))
def test_any_text_is_read_back_as_it_was_but_for_what_no_line_can_hold(text):
    content = object_of(replace(ENTRY, summary=text, description=text))

    assert_is_a_stream_of_lines(content)
    event = Calendar.from_ical(content).events[0]
    assert event["SUMMARY"] == clean(text)
    assert event.get("DESCRIPTION", "") == clean(text)


def test_a_line_break_of_any_kind_becomes_one_kind_and_controls_go():
    assert clean("a\r\nb\rc\nd\x85e\u2028f\u2029g") == "a\nb\nc\nd\ne\nf\ng"
    assert clean("a\x00\x0b\x1b\x7f\x9f\ufeffb\tc") == "a\ufeffb\tc"


def test_the_library_writes_the_same_of_what_it_reads():
    entry = replace(
        ENTRY,
        description="Purpose: a lamp\nOn behalf of Studio Fil",
        location="Room 2, L'Atelier; 1 rue du Fil",
        category="Découpe, gravure",
        url=f"https://booking.example/bookings/{ENTRY.uid}",
        summary="Découpe laser grand format de l'atelier, " * 3,
    )
    content = written(entry).content

    again = Calendar.from_ical(content).to_ical()

    assert sorted(lines(content)) == sorted(lines(again))


# -- the calendar around the events


def test_a_calendar_has_one_version_one_maker_no_method_and_no_uid_of_its_own():
    content = object_of(ENTRY)

    assert values(content, "VERSION") == ["VERSION:2.0"]
    assert len(values(content, "PRODID")) == 1
    assert not values(content, "METHOD")
    assert not values(content, "SOURCE")
    assert lines(content).index("BEGIN:VEVENT") < lines(content).index(f"UID:{ENTRY.uid}")
    assert len(values(content, "UID")) == 1


def test_its_face_says_what_it_is_called_how_it_looks_and_when_to_look_again():
    content = object_of(ENTRY)

    assert values(content, "NAME") == ["NAME:L'Atelier"]
    assert values(content, "X-WR-CALNAME") == ["X-WR-CALNAME:L'Atelier"]
    assert values(content, "X-WR-TIMEZONE") == ["X-WR-TIMEZONE:Europe/Paris"]
    assert values(content, "REFRESH-INTERVAL") == ["REFRESH-INTERVAL;VALUE=DURATION:PT1H"]
    assert values(content, "X-PUBLISHED-TTL") == ["X-PUBLISHED-TTL:PT1H"]
    assert values(content, "COLOR") == ["COLOR:sienna"]
    assert values(content, "URL") == ["URL:https://booking.example/planning/"]
    assert values(content, "LAST-MODIFIED")[0] == "LAST-MODIFIED:20270329T070000Z"


def test_a_calendar_without_events_still_holds_its_time_zone():
    content = object_of()

    assert "BEGIN:VTIMEZONE" in lines(content)
    assert "BEGIN:VEVENT" not in lines(content)
    assert vobject.readOne(content.decode()).vtimezone.tzid.value == "Europe/Paris"


def test_events_of_several_zones_bring_theirs():
    elsewhere = replace(ENTRY, uid="other", zone="America/New_York")

    content = object_of(ENTRY, elsewhere, ENTRY)

    assert values(content, "TZID") == ["TZID:Europe/Paris", "TZID:America/New_York"]
    assert "DTSTART;TZID=America/New_York:20270330T080000" in lines(content)


def test_a_calendar_changed_when_its_last_event_did_or_when_one_left_it():
    gone_at = instant("2027-03-29 11:00")

    assert "LAST-MODIFIED:20270329T090000Z" in lines(
        calendar(FACE, [written(ENTRY)], changed_at=gone_at)
    )
    assert "LAST-MODIFIED:20270329T090000Z" in lines(calendar(FACE, [], changed_at=gone_at))


# -- an event


def test_the_same_entry_is_the_same_bytes_at_every_reading():
    assert object_of(ENTRY) == object_of(replace(ENTRY))


def test_an_event_is_stamped_with_its_last_change_and_not_with_now():
    content = written(replace(ENTRY, revision=2)).content

    assert values(content, "DTSTAMP") == ["DTSTAMP:20270329T070000Z"]
    assert values(content, "LAST-MODIFIED") == ["LAST-MODIFIED:20270329T070000Z"]
    assert values(content, "CREATED") == ["CREATED:20270328T070000Z"]
    assert values(content, "SEQUENCE") == ["SEQUENCE:2"]


def test_an_event_is_nobodys_meeting():
    content = written(ENTRY).content

    assert not values(content, "ATTENDEE")
    assert not values(content, "ORGANIZER")
    assert not values(content, "CLASS")


def test_an_all_day_event_ends_the_day_after_its_last():
    entry = replace(ENTRY, start=date(2027, 12, 24), end=date(2028, 1, 3), is_busy=False)

    content = written(entry).content

    assert values(content, "DTSTART") == ["DTSTART;VALUE=DATE:20271224"]
    assert values(content, "DTEND") == ["DTEND;VALUE=DATE:20280103"]
    assert values(content, "TRANSP") == ["TRANSP:TRANSPARENT"]


@pytest.mark.parametrize(
    ("start", "hours", "starts", "ends"),
    [
        # the night of 28 March has no 02:30
        ("2027-03-28T00:30Z", 1, "20270328T013000", "20270328T033000"),
        ("2027-03-28T01:00Z", 1, "20270328T030000", "20270328T040000"),
        # the night of 31 October has it twice: no local time is taken alike by everybody
        ("2027-10-31T00:30Z", 3, "20271031T003000Z", "20271031T033000Z"),
        ("2027-10-30T23:00Z", 1, "20271030T230000Z", "20271031T000000Z"),
        ("2027-10-30T22:30Z", 1, "20271031T003000", "20271031T013000"),
        ("2027-10-31T01:30Z", 2, "20271031T013000Z", "20271031T033000Z"),
        ("2027-10-31T00:30Z", 1, "20271031T003000Z", "20271031T013000Z"),
        ("2027-10-31T02:00Z", 1, "20271031T030000", "20271031T040000"),
        # over midnight
        ("2027-06-15T21:00Z", 4, "20270615T230000", "20270616T030000"),
    ],
)
def test_times_are_on_the_clock_of_the_place_and_never_float(start, hours, starts, ends):
    begins = datetime.fromisoformat(start.replace("Z", "+00:00")).astimezone(UTC)
    entry = replace(ENTRY, start=begins, end=begins + timedelta(hours=hours))

    content = object_of(entry)

    assert values(content, "DTSTART")[-1] == f"DTSTART{on_its_clock(starts)}"
    assert values(content, "DTEND") == [f"DTEND{on_its_clock(ends)}"]
    event = Calendar.from_ical(content).events[0]
    assert event.start.astimezone(UTC) == begins
    assert event.end.astimezone(UTC) == entry.end


def on_its_clock(moment: str) -> str:
    return f":{moment}" if moment.endswith("Z") else f";TZID=Europe/Paris:{moment}"


# -- the time zone, against the database and a reader of its own


ZONES = "Europe/Paris Europe/Lisbon America/New_York Australia/Sydney Asia/Tokyo UTC".split()


@pytest.mark.parametrize("zone", ZONES)
def test_a_written_zone_is_right_on_every_day_of_past_and_future_years(zone):
    read = tzical(StringIO(vtimezone(zone).decode())).get()
    # the United States and Australia last changed their rules in 2007 and 2008
    first = 1997 if zone.startswith("Europe") else 2010
    day = datetime(first, 1, 1, 12, tzinfo=ZoneInfo(zone))

    while day.year < 2038:
        assert day.replace(tzinfo=read).utcoffset() == day.utcoffset(), day
        day += timedelta(days=1)


@pytest.mark.parametrize("year", [2020, 2027, 2036])
def test_paris_changes_its_clock_at_the_very_hour(year):
    read = tzical(StringIO(vtimezone("Europe/Paris").decode())).get()
    spring = max(date(year, 3, day) for day in range(25, 32) if date(year, 3, day).weekday() == 6)
    autumn = max(date(year, 10, day) for day in range(25, 32) if date(year, 10, day).weekday() == 6)

    def offset(day, hour, minute):
        wall = datetime(day.year, day.month, day.day, hour, minute, tzinfo=read)
        return wall.utcoffset() // timedelta(hours=1)

    assert (offset(spring, 1, 59), offset(spring, 3, 0)) == (1, 2)
    assert (offset(autumn, 1, 59), offset(autumn, 3, 0)) == (2, 1)


def test_a_zone_is_written_with_open_rules_and_no_list_of_dates():
    content = vtimezone("Europe/Paris")

    assert values(content, "RRULE") == [
        "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3",
        "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10",
    ]
    assert b"RDATE" not in content
    assert b"UNTIL" not in content


def test_a_zone_that_no_yearly_rule_gives_is_written_in_utc():
    """Morocco leaves summer time for Ramadan, by the moon."""
    assert turns("Africa/Casablanca") is None
    assert written_zone("Africa/Casablanca") == "UTC"
    with pytest.raises(ValueError, match="Casablanca"):
        vtimezone("Africa/Casablanca")

    content = object_of(
        replace(ENTRY, zone="UTC", uid=str(uuid4())), face=replace(FACE, zone="UTC")
    )

    assert "DTSTART:20270330T120000Z" in lines(content)
