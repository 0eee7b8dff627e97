"""Calendars as programs write them, as they break, and as somebody who means ill would."""

import random
from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fablab.agendas import lines, reading, recurrence
from fablab.agendas.lines import MAX_BYTES, TooLarge, Trouble, Unreadable
from fablab.agendas.reading import MAX_COMPONENTS, MAX_EVENTS, MAX_TIMES, Reading, read
from fablab.agendas.recurrence import Steps
from tests.agendas.support import NOW, calendar, days, event, hours, in_words, why_not
from tests.agendas.support import reading as told
from tests.support import PARIS, instant

PARIS_TIME = "TZID=Europe/Paris"


def whole(content: bytes) -> Reading:
    return read(content, zone=PARIS, now=NOW)


# -- days and hours


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (("DTSTART;VALUE=DATE:20270505",), "2027-05-05..2027-05-05"),  # §3.6.1: one day
        (("DTSTART;VALUE=DATE:20270505", "DTEND;VALUE=DATE:20270508"), "2027-05-05..2027-05-07"),
        (("DTSTART;VALUE=DATE:20270505", "DTEND;VALUE=DATE:20270505"), "2027-05-05..2027-05-05"),
        (("DTSTART;VALUE=DATE:20270505", "DURATION:P2W"), "2027-05-05..2027-05-18"),
        (("DTSTART:20270505", "DTEND:20270507"), "2027-05-05..2027-05-06"),  # VALUE forgotten
        (("DTSTART;VALUE=DATE:20270301", "DTEND;VALUE=DATE:20270401"), "2027-03-01..2027-03-31"),
        (("DTSTART:20270505T120000Z", "DTEND:20270505T140000Z"), "2027-05-05T12:00Z/14:00Z"),
        ((f"DTSTART;{PARIS_TIME}:20270505T140000", "DURATION:PT90M"), "2027-05-05T12:00Z/13:30Z"),
        # Floating: the place's own clock.
        (("DTSTART:20270505T140000", "DTEND:20270505T160000"), "2027-05-05T12:00Z/14:00Z"),
        (
            (f"DTSTART;{PARIS_TIME}:20270505T140000", "DTEND:20270505T140000Z"),
            "2027-05-05T12:00Z/14:00Z",
        ),
        (
            ('DTSTART;TZID="America/New_York":20270505T080000', "DURATION:PT1H"),
            "2027-05-05T12:00Z/13:00Z",
        ),
        # From midnight to midnight on the place's clock, as Outlook writes a whole day.
        (
            (f"DTSTART;{PARIS_TIME}:20270505T000000", f"DTEND;{PARIS_TIME}:20270507T000000"),
            "2027-05-05..2027-05-06",
        ),
        (("DTSTART:20270504T220000Z", "DURATION:P1D"), "2027-05-05..2027-05-05"),
        # Midnight elsewhere is an hour here.
        (("DTSTART:20270505T000000Z", "DURATION:P1D"), "2027-05-05T00:00Z/00:00Z"),
        # Under way since this morning; what is over is not told.
        ((f"DTSTART;{PARIS_TIME}:20270329T080000", "DURATION:PT2H"), "2027-03-29T06:00Z/08:00Z"),
    ],
)
def test_when_an_event_is(parts, expected):
    found = told(event(*parts))

    assert in_words(found) == [f"one: {expected}"]
    assert found.troubles == ()


@pytest.mark.parametrize(
    ("parts", "sentence", "line"),
    [
        ((), reading.NO_START, 4),
        (("DTSTART:20270505T140000Z",), reading.NO_END, 4),  # §3.6.1: it takes no time
        (("DTSTART:20270505T140000Z", "DTEND:20270505T140000Z"), reading.NO_TIME, 8),
        (("DTSTART:20270505T140000Z", "DTEND:20270505T130000Z"), reading.ENDS_FIRST, 8),
        (("DTSTART;VALUE=DATE:20270505", "DTEND;VALUE=DATE:20270504"), reading.ENDS_FIRST, 8),
        (("DTSTART;VALUE=DATE:20270505", "DTEND:20270505T130000Z"), reading.MIXED, 8),
        (("DTSTART;VALUE=DATE:20270505", "DURATION:PT12H"), reading.MIXED, 8),
        (("DTSTART:20270505T140000Z", "DURATION:-PT1H"), reading.NO_LENGTH, 8),
        (("DTSTART:20270505T140000Z", "DURATION:two hours"), reading.NO_LENGTH, 8),
        (("DTSTART:20270505T140000Z", "DURATION:P"), reading.NO_LENGTH, 8),
        (("DTSTART:20270505T140000Z", "DURATION:PT0S"), reading.NO_TIME, 8),
        (("DTSTART:20270505T140000Z", "DTEND:20270505T150000Z") * 2, reading.TWICE, 9),
        (("DTSTART:20271305T140000Z", "DURATION:PT1H"), reading.NO_SUCH_DAY, 7),
        (("DTSTART:20270505T250000Z", "DURATION:PT1H"), reading.NO_SUCH_DAY, 7),
        (("DTSTART:٢٠٢٧٠٥٠٥",), reading.NOT_WRITTEN_SO, 7),
        (("DTSTART:2027-05-05", "DURATION:P1D"), reading.NOT_WRITTEN_SO, 7),
        (("DTSTART:00010101",), reading.TOO_FAR, 7),
        (("DTSTART:99991231", "DURATION:P1D"), reading.TOO_FAR, 7),
        (("DTSTART:20270505T140000Z", "DURATION:P99999W"), reading.TOO_FAR, 4),
        (
            ("DTSTART;TZID=Middle-earth/Shire:20270505T140000", "DURATION:PT1H"),
            reading.UNKNOWN_ZONE,
            7,
        ),
        (
            ("DTSTART;TZID=../../../etc/passwd:20270505T140000", "DURATION:PT1H"),
            reading.UNKNOWN_ZONE,
            7,
        ),
        (("DTSTART;TZID=Europe:20270505T140000", "DURATION:PT1H"), reading.UNKNOWN_ZONE, 7),
        (("DTSTART;VALUE=DATE:20270505", "RRULE:FREQ=DAILY;INTERVAL=0"), recurrence.DAMAGED, 4),
        (("DTSTART:20270505", "RRULE:FREQ=SECONDLY"), recurrence.TOO_OFTEN, 4),
        (("DTSTART:20270505", "RRULE:FREQ=DAILY;UNTIL=soon"), recurrence.DAMAGED, 8),
        (("DTSTART:20270505", "RRULE:FREQ=DAILY;BYHOUR=9"), recurrence.SEVERAL_HOURS, 8),
        (("DTSTART:20270505", "EXRULE:FREQ=DAILY"), reading.EXCEPTIONS_BY_RULE, 8),
        (
            ("DTSTART:20270505", "RRULE:FREQ=DAILY;COUNT=3", "EXDATE:2027-05-06"),
            reading.NO_DATES,
            9,
        ),
        (("DTSTART:20270505", "RDATE;VALUE=PERIOD:20270507"), reading.NO_DATES, 8),
        (
            ("DTSTART:20270505T140000", "DURATION:PT1H", "RDATE;VALUE=DATE:20270507"),
            reading.MIXED_DATES,
            9,
        ),
        (("DTSTART;VALUE=DATE:20270505", "RDATE:20270507T140000"), reading.MIXED_DATES, 8),
        (("DTSTART;VALUE=DATE", "DURATION:P1D"), reading.NOT_WRITTEN_SO, 7),
    ],
)
def test_what_cannot_be_read_is_told_by_its_line(parts, sentence, line):
    """And the event beside it is read all the same."""
    found = told(event(*parts), days("20270601", uid="two@elsewhere"))

    assert in_words(found)[-1:] == ["two: 2027-06-01..2027-06-01"]
    assert (line, sentence) in why_not(found)
    assert [each.about for each in found.troubles][:1] == ["Works"]


def test_a_trouble_says_what_stood_there():
    found = told(event("DTSTART;TZID=Nowhere:20270505T140000", "DURATION:PT1H"))

    assert found.troubles == (Trouble(7, "Works", reading.UNKNOWN_ZONE, {"zone": "Nowhere"}),)


@pytest.mark.parametrize(
    "zone",
    [
        "Romance Standard Time",
        "europe/paris",
        "/mozilla.org/20070129_1/Europe/Paris",
        "/freeassociation.sourceforge.net/Europe/Paris",
    ],
)
def test_a_zone_goes_by_many_names(zone):
    parts = [f"DTSTART;TZID={zone}:2027{day}T140000" for day in ("0505", "1205")]
    found = told(*(event(part, "DURATION:PT1H", uid=f"{at}") for at, part in enumerate(parts)))

    assert in_words(found) == ["0: 2027-05-05T12:00Z/13:00Z", "1: 2027-12-05T13:00Z/14:00Z"]


OWN_ZONE = """BEGIN:VTIMEZONE
TZID:Our workshop
BEGIN:STANDARD
DTSTART:16011028T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010325T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE""".replace("\n", "\r\n")

# Both clock changes of 2027, on the wall of Paris: in the hour that never comes the offset before
# it is meant, and of the hour that comes twice the first (§3.3.5).
WALLS = {
    "20270328T013000": "2027-03-28T00:30Z",
    "20270328T023000": "2027-03-28T01:30Z",
    "20270328T033000": "2027-03-28T01:30Z",
    "20271031T013000": "2027-10-30T23:30Z",
    "20271031T023000": "2027-10-31T00:30Z",
    "20271031T033000": "2027-10-31T02:30Z",
    "20271231T120000": "2027-12-31T11:00Z",
    "20280701T120000": "2028-07-01T10:00Z",
}


@pytest.mark.parametrize("zone", ["Europe/Paris", "Our workshop", "Romance Standard Time"])
@pytest.mark.parametrize(("wall", "utc"), WALLS.items())
def test_the_clocks_change_in_every_kind_of_zone(zone, wall, utc):
    one = event(f"DTSTART;TZID={zone}:{wall}", "DURATION:PT15M")
    found = read(calendar(OWN_ZONE, one), zone=PARIS, now=instant("2027-03-01 09:00"))

    assert in_words(found)[0].split()[1].startswith(utc)


def test_a_zone_of_its_own_may_name_the_place_it_is_in():
    own = "BEGIN:VTIMEZONE\r\nTZID:Here\r\nX-LIC-LOCATION:Asia/Tokyo\r\nEND:VTIMEZONE"
    found = told(own, event("DTSTART;TZID=Here:20270505T210000", "DURATION:PT1H"))

    assert in_words(found) == ["one: 2027-05-05T12:00Z/13:00Z"]


@pytest.mark.parametrize(
    "damage",
    [
        ("TZOFFSETFROM:+0200", "TZOFFSETFROM:two"),
        ("TZOFFSETTO:+0100", "X-NOTHING:1"),
        ("DTSTART:16011028T030000", "DTSTART:160110"),
        ("RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10", "RRULE:FREQ=SECONDLY"),
        ("BEGIN:STANDARD", "BEGIN:SOMETHING"),
    ],
)
def test_a_zone_that_is_damaged_is_unknown(damage):
    own = OWN_ZONE.replace(*damage).replace("END:STANDARD", "END:" + damage[1][6:])
    own = OWN_ZONE.replace(*damage) if damage[0] != "BEGIN:STANDARD" else own
    found = told(own, event("DTSTART;TZID=Our workshop:20270505T140000", "DURATION:PT1H"))

    if damage[0] != "BEGIN:STANDARD":  # one half of it is a zone without summer time
        assert [sentence for _, sentence in why_not(found)] == [reading.UNKNOWN_ZONE]


# -- what repeats


def test_a_weekly_hour_stays_on_the_wall_over_both_clock_changes():
    rule = "RRULE:FREQ=WEEKLY;UNTIL=20270405T000000Z"
    spring = read(
        calendar(hours("20270321T140000", "20270321T160000", rule)),
        zone=PARIS,
        now=instant("2027-03-01 09:00"),
    )
    rule = "RRULE:FREQ=WEEKLY;COUNT=3"
    autumn = told(hours("20271024T140000", "20271024T160000", rule))

    assert in_words(spring) == [
        "one: 2027-03-21T13:00Z/15:00Z 2027-03-28T12:00Z/14:00Z 2027-04-04T12:00Z/14:00Z"
    ]
    assert in_words(autumn) == [
        "one: 2027-10-24T12:00Z/14:00Z 2027-10-31T13:00Z/15:00Z 2027-11-07T13:00Z/15:00Z"
    ]


def test_an_end_is_exact_and_a_length_of_days_is_nominal():
    """§3.8.5.3: over the night that is an hour longer, DTEND is an hour earlier on the wall."""
    rule = "RRULE:FREQ=WEEKLY;COUNT=2"
    start = f"DTSTART;{PARIS_TIME}:20271023T200000"
    by_end = told(event(start, f"DTEND;{PARIS_TIME}:20271024T200000", rule))
    by_length = told(event(start, "DURATION:P1D", rule))
    by_hours = told(event(start, "DURATION:PT24H", rule))

    lengths = [
        [slot.duration / timedelta(hours=1) for slot in found.events[0].hours]
        for found in (by_end, by_length, by_hours)
    ]
    assert lengths == [[24, 24], [24, 25], [24, 24]]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (("EXDATE:20270406T120000Z",), "03-30 04-13 04-20"),
        ((f"EXDATE;{PARIS_TIME}:20270406T140000,20270413T140000",), "03-30 04-20"),
        (("EXDATE;VALUE=DATE:20270406",), "03-30 04-13 04-20"),
        ((f"EXDATE;{PARIS_TIME}:20270406T150000",), "03-30 04-06 04-13 04-20"),  # another hour
        ((f"EXDATE;{PARIS_TIME}:20270330T140000",), "04-06 04-13 04-20"),  # the first as well
        ((f"RDATE;{PARIS_TIME}:20270402T140000",), "03-30 04-02 04-06 04-13 04-20"),
        ((f"RDATE;{PARIS_TIME}:20270406T140000",), "03-30 04-06 04-13 04-20"),  # there already
        (
            ("RDATE;VALUE=PERIOD:20270402T120000Z/PT2H,20270403T120000Z/20270403T140000Z",),
            "03-30 04-02 04-03 04-06 04-13 04-20",
        ),
    ],
)
def test_dates_are_added_and_left_out(more, expected):
    found = told(hours("20270330T140000", "20270330T160000", "RRULE:FREQ=WEEKLY;COUNT=4", *more))

    assert [f"{slot.start:%m-%d}" for slot in found.events[0].hours] == expected.split()


def test_whole_days_that_follow_one_another_are_one_closure():
    found = told(event("DTSTART:20270802", "RRULE:FREQ=DAILY;COUNT=14", "EXDATE:20270808"))

    assert in_words(found) == ["one: 2027-08-02..2027-08-07 2027-08-09..2027-08-15"]


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        ("20270413", "03-30 04-06 04-13"),
        ("20270413T120000Z", "03-30 04-06 04-13"),
        ("20270413T115959Z", "03-30 04-06"),
        ("20270413T140000", "03-30 04-06 04-13"),
        ("19000101", ""),
        ("99991231T235959Z", None),
    ],
)
def test_it_repeats_until_then(until, expected):
    found = told(hours("20270330T140000", "20270330T160000", f"RRULE:FREQ=WEEKLY;UNTIL={until}"))
    slots = [f"{slot.start:%m-%d}" for each in found.events for slot in each.hours]

    if expected is None:
        assert len(slots) == 79  # 18 months
    else:  # the first date is one whatever its rule says
        assert slots == (expected.split() or ["03-30"])


WEEKLY = hours("20270330T140000", "20270330T160000", "RRULE:FREQ=WEEKLY;COUNT=4")


def changed(which, *more, start="20270407T090000"):
    given = f"RECURRENCE-ID;{PARIS_TIME}:{which}"
    return event(given, f"DTSTART;{PARIS_TIME}:{start}", "DURATION:PT1H", *more)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (changed("20270406T140000"), "03-30T12 04-07T07 04-13T12 04-20T12"),
        (changed("20270406T140000", "STATUS:CANCELLED"), "03-30T12 04-13T12 04-20T12"),
        # Of a date that there is not: one more.
        (changed("20270501T140000"), "03-30T12 04-06T12 04-07T07 04-13T12 04-20T12"),
    ],
)
def test_single_dates_are_changed(change, expected):
    """Whichever of the two stands first in the file."""
    for parts in ((WEEKLY, change), (change, WEEKLY)):
        found = told(*parts)

        assert [f"{slot.start:%m-%dT%H}" for slot in found.events[0].hours] == expected.split()
        assert found.troubles == ()


def test_a_change_is_by_the_day_when_the_event_is_of_days():
    master = event("DTSTART:20270505", "RRULE:FREQ=WEEKLY;COUNT=3")
    change = event("RECURRENCE-ID:20270512", "DTSTART:20270513", "DTEND:20270515")

    assert in_words(told(master, change)) == [
        "one: 2027-05-05..2027-05-05 2027-05-13..2027-05-14 2027-05-19..2027-05-19"
    ]


def test_a_change_without_what_it_changes_is_an_event():
    assert in_words(told(changed("20270406T140000"))) == ["one: 2027-04-07T07:00Z/08:00Z"]


def test_a_change_of_all_that_follow_is_not_read_and_nothing_is_taken_from_there_on():
    change = changed("20270413T140000").replace(
        "RECURRENCE-ID", "RECURRENCE-ID;RANGE=THISANDFUTURE"
    )
    found = told(WEEKLY, change)

    assert in_words(found) == ["one: 2027-03-30T12:00Z/14:00Z 2027-04-06T12:00Z/14:00Z"]
    assert [sentence for _, sentence in why_not(found)] == [reading.FOLLOWING]


def test_of_two_versions_the_newer_counts_and_the_other_is_told():
    old, new = days("20270505"), event("SEQUENCE:1", "DTSTART:20270506")
    for parts in ((old, new), (new, old)):
        found = told(*parts)

        assert in_words(found) == ["one: 2027-05-06..2027-05-06"]
        assert [each.sentence for each in found.skipped] == [reading.NEWER]


def test_what_is_cancelled_is_not_taken_and_that_is_told():
    found = told(event("DTSTART:20270505", "STATUS:CANCELLED"))

    assert found.events == ()
    assert [(each.about, each.sentence) for each in found.skipped] == [("Works", reading.CANCELLED)]


def test_what_is_free_or_uncertain_says_so():
    free = event("DTSTART:20270505", "TRANSP:TRANSPARENT", uid="a")
    uncertain = event("DTSTART:20270505", "STATUS:TENTATIVE", uid="b")
    found = told(free, uncertain)

    assert [(each.is_free, each.is_tentative) for each in found.events] == [
        (True, False),
        (False, True),
    ]


def test_what_is_over_or_too_far_away_is_counted():
    found = told(
        days("20270328", uid="a"),
        days("20290101", uid="b"),
        event("DTSTART:20200101", "RRULE:FREQ=DAILY;COUNT=10", uid="c"),
        days("20270329", uid="d"),
    )

    assert (found.past, in_words(found)) == (3, ["d: 2027-03-29..2027-03-29"])


def test_names_are_for_everybody_to_read():
    titles = told(
        days("20270505", uid="a", title="Privatisation\\, salle 2\\nTél. 05"),
        event("DTSTART:20270505", "CLASS:PRIVATE", uid="b", title="Dentist"),
        "BEGIN:VEVENT\r\nUID:c\r\nDTSTART:20270505\r\nEND:VEVENT",
        days("20270505", uid="d", title="\u202eevil\x07\x00 " + "x" * 5000),
    )

    found = [each.title for each in titles.events]
    assert found[:3] == ["Privatisation, salle 2 Tél. 05", "Not available", "Not available"]
    assert found[3].startswith("evil x")
    assert len(found[3]) == 200


# -- the file


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", lines.EMPTY),
        (b"\xef\xbb\xbf \r\n\t\0", lines.EMPTY),
        (b"PK\x03\x04" + b"BEGIN:VCALENDAR" * 3, lines.PACKED),
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", lines.WEB_PAGE),
        (b"first_day,last_day\n2027-05-05,2027-05-06\n", lines.NO_CALENDAR),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), lines.NO_CALENDAR),
        (b"BEGIN:VCARD\r\nEND:VCARD\r\n", lines.NO_CALENDAR),
        (b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", reading.NO_EVENTS),
        (b"BEGIN:VCALENDAR\r\nX:" + b"a" * MAX_BYTES, lines.TOO_LARGE),
    ],
)
def test_a_file_that_says_nothing_is_refused_whole(content, sentence):
    with pytest.raises(Unreadable) as refused:
        whole(content)

    assert refused.value.sentence == sentence


ONE = calendar(days("20270505", title="Fermé l’été"))


@pytest.mark.parametrize(
    "content",
    [
        ONE,
        b"\xef\xbb\xbf" + ONE,
        ONE.replace(b"\r\n", b"\n"),
        ONE.replace(b"\r\n", b"\r"),
        ONE.replace(b"\r\n", b"\r\n\r\n"),
        ONE.decode().encode("utf-16"),
        ONE.decode().encode("cp1252"),
        ONE.replace("é l".encode(), "é".encode()[:1] + b"\r\n " + "é".encode()[1:] + b" l"),
        ONE.replace(b"DTSTART;VALUE=DATE", b"DTSTART;VAL\r\n\tUE=DATE"),
        ONE.lower().replace("fermé".encode(), "Fermé".encode()),
        ONE.replace(b"BEGIN:VEVENT", b"BEGIN:VEVENT \r\nX-LONG:" + b"a" * 100_000),
        ONE.replace(
            b"END:VEVENT", b"BEGIN:VALARM\r\nTRIGGER:x\r\nDTSTART:x\r\nEND:VALARM\r\nEND:VEVENT"
        ),
        ONE.replace(b"UID:", b"UID:\0"),
        b"junk before\r\n" + ONE,
    ],
)
def test_a_file_is_read_however_it_is_written(content):
    [found] = whole(content).events

    assert found.title == "Fermé l’été"
    assert [str(day) for day in found.days[0]] == ["2027-05-05", "2027-05-05"]


def test_several_calendars_in_a_file_are_read_as_one():
    assert in_words(whole(ONE + calendar(days("20270506", uid="two")))) == [
        "one: 2027-05-05..2027-05-05",
        "two: 2027-05-06..2027-05-06",
    ]


def test_a_file_cut_short_is_read_up_to_there():
    content = calendar(days("20270505"), days("20270506", uid="two"))
    found = whole(content[: content.rindex(b"END:VEVENT")])

    assert in_words(found) == ["one: 2027-05-05..2027-05-05"]
    assert why_not(found) == [(1, lines.NO_END), (9, lines.CUT_SHORT)]


def test_an_event_that_is_not_closed_is_left_out():
    found = whole(ONE.replace(b"END:VEVENT\r\n", b""))

    assert found.events == ()
    assert why_not(found) == [(4, lines.NOT_CLOSED)]


def test_an_end_without_a_beginning_is_passed_over():
    found = whole(ONE.replace(b"BEGIN:VEVENT", b"END:VTODO\r\nBEGIN:VEVENT"))

    assert len(found.events) == 1
    assert why_not(found) == [(4, lines.DAMAGED_LINE)]


def test_a_line_that_is_no_property_is_told_and_the_event_is_read():
    found = whole(ONE.replace(b"END:VEVENT", b"and so on, and so on\r\nEND:VEVENT"))

    assert len(found.events) == 1
    assert found.troubles == (Trouble(8, "Fermé l’été", lines.DAMAGED_LINE),)


def test_tasks_and_notes_are_counted():
    task = "BEGIN:VTODO\r\nUID:t\r\nEND:VTODO"

    assert told(task, task, days("20270505")).others == 2


def test_what_is_packed_too_deep_is_left_out():
    deep = "\r\n".join(["BEGIN:X"] * 5000 + ["END:X"] * 5000)
    found = told(deep, days("20270505"))

    assert in_words(found) == ["one: 2027-05-05..2027-05-05"]
    assert [sentence for _, sentence in why_not(found)] == [lines.TOO_DEEP]


# -- bounds


def test_there_may_be_so_many_events_and_no_more():
    many = [days("20270505", uid=str(at)) for at in range(MAX_EVENTS)]

    assert len(told(*many).events) == MAX_EVENTS
    with pytest.raises(Unreadable) as refused:
        told(*many, days("20270505", uid="one more"))
    assert refused.value.sentence == reading.TOO_MANY_EVENTS


def test_years_that_are_over_are_passed_by():
    over = [days("20200505", uid=str(at)) for at in range(MAX_COMPONENTS - 1)]

    found = told(*over, days("20270505"))

    assert (len(found.events), found.past) == (1, MAX_COMPONENTS - 1)
    with pytest.raises(TooLarge) as refused:
        told(*over, days("20270505"), days("20270506", uid="one more"))
    assert refused.value.sentence == reading.TOO_MANY


def test_there_may_be_so_many_dates_and_no_more():
    daily = [
        hours("20270330T140000", "20270330T160000", "RRULE:FREQ=DAILY", uid=str(at))
        for at in range(5)
    ]
    found = told(*daily, days("20270505", uid="last"))

    assert sum(len(each.hours) for each in found.events) <= MAX_TIMES
    assert [each.uid for each in found.events] == ["0", "1", "2", "last"]
    assert [sentence for _, sentence in why_not(found)] == [reading.TOO_MANY_DATES] * 2


def test_troubles_are_told_up_to_a_number_and_the_rest_is_counted():
    found = told(*(event(uid=str(at)) for at in range(250)))

    assert (len(found.troubles), found.troubles_left_out) == (200, 50)


BOMBS = [
    "RRULE:FREQ=SECONDLY;COUNT=1000000000",
    "RRULE:FREQ=DAILY;COUNT=1000000000",
    "RRULE:FREQ=DAILY;UNTIL=99991231T235959Z",
    "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
    "RRULE:FREQ=YEARLY;BYDAY=MO;BYSETPOS=366",
    "RRULE:FREQ=DAILY;INTERVAL=0",
    "RRULE:FREQ=YEARLY;BYYEARDAY=366;INTERVAL=3;COUNT=99999",
]


def test_bombs_end_and_spare_what_stands_beside_them():
    """In steps, which are the same on a slow machine: what is spent on one is bounded, and on
    all; what comes after a bomb is read."""
    steps = Steps(300_000, 50_000)
    bombs = [
        event("DTSTART:19700101", bomb, uid=f"{at} {bomb}") for at in range(200) for bomb in BOMBS
    ]
    found = read(calendar(days("20270505"), *bombs), zone=PARIS, now=NOW, steps=steps)

    assert in_words(found)[0] == "one: 2027-05-05..2027-05-05"
    assert steps.left < 0  # it was spent, and that ended it
    assert reading.TOO_LONG_TO_FIND in {sentence for _, sentence in why_not(found)}
    spared = read(
        calendar(
            event("DTSTART:19700101", "RRULE:FREQ=DAILY;COUNT=99999"), days("20270505", uid="b")
        ),
        zone=PARIS,
        now=NOW,
        steps=Steps(100_000, 5_000),
    )
    assert in_words(spared) == ["b: 2027-05-05..2027-05-05"]


def test_a_zone_that_is_a_bomb_is_unknown():
    own = OWN_ZONE.replace("FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3", "FREQ=DAILY;COUNT=999999999")
    one = event("DTSTART;TZID=Our workshop:20270505T140000", "DURATION:PT1H")
    found = read(calendar(own, one), zone=PARIS, now=NOW, steps=Steps(100_000, 50_000))

    assert [sentence for _, sentence in why_not(found)] == [reading.UNKNOWN_ZONE]


# -- whatever is sent


@given(st.binary(max_size=300))
@example(b"BEGIN:VCALENDAR")
@example(b"\xff\xfeBEGIN")
def test_any_bytes_are_read_or_refused(content):
    for whatever in (content, b"BEGIN:VCALENDAR\nBEGIN:VEVENT\n" + content):
        with suppress(Unreadable):
            assert isinstance(whole(whatever), Reading)


GOOD = calendar(
    OWN_ZONE,
    WEEKLY,
    changed("20270406T140000"),
    event("DTSTART;TZID=Our workshop:20270505T140000", "DURATION:P1DT2H", uid="own"),
    event(
        "DTSTART:20270505", "RRULE:FREQ=MONTHLY;BYDAY=-1FR;BYSETPOS=1", "RDATE:20270601", uid="m"
    ),
    event("DTSTART:20270505", "EXDATE:20270506,20270507", "RRULE:FREQ=DAILY;COUNT=9", uid="d"),
)
PIECES = [
    b"",
    b"0",
    b"99999999",
    b"-",
    b";",
    b":",
    b",",
    b"=",
    b'"',
    b"\\",
    b"\0",
    b"\xff",
    b"\r\n",
    b"\r\n ",
    b"BEGIN:VEVENT\r\n",
    b"END:VEVENT\r\n",
    b"P",
    b"T",
    b"Z",
    b"DATE",
    "\u0663".encode(),
]


@given(st.integers(0, 2**32), st.integers(1, 12))
def test_any_damage_to_a_calendar_is_read_or_refused(seed, times):
    chance = random.Random(seed)
    content = bytearray(GOOD)
    for _ in range(times):
        at = chance.randrange(len(content))
        length = chance.choice([0, 1, 1, 2, 8, 40])
        content[at : at + length] = chance.choice(PIECES)
    try:
        found = whole(bytes(content))
    except Unreadable:
        return
    assert sum(len(each.days) + len(each.hours) for each in found.events) <= MAX_TIMES
    assert all(each.days or each.hours for each in found.events)
    assert all("\0" not in each.uid + each.title for each in found.events)


@given(st.text(max_size=60), st.sampled_from(sorted(reading.READ)))
def test_any_value_of_any_property_is_read_or_told(value, name):
    lines_ = value.replace("\r", "").replace("\n", "")
    found = told(
        event("DTSTART:20270505", f"{name}:{lines_}", f"{name};X={lines_}"),
        days("20270601", uid="z"),
    )

    assert in_words(found)[-1].endswith("2027-06-01..2027-06-01")


def test_a_file_of_damaged_lines_is_given_up_before_it_costs_anything():
    """Each was told of by the name of its event, looked for among all the lines before it."""
    parts = ["BEGIN:VEVENT", *["A:"] * 40_000, *["x"] * 40_000, "END:VEVENT"]

    with pytest.raises(Unreadable) as refused:
        told(*parts)

    assert refused.value.sentence == lines.TOO_DAMAGED


def test_a_rule_of_many_days_takes_steps_for_each_of_them():
    never = ",".join(
        f"{sign}{n}{day}" for n in range(6, 54) for sign in ("", "-") for day in ("MO", "TU", "WE")
    )
    found = told(
        event(
            "DTSTART:19000101T100000",
            "DURATION:PT1H",
            f"RRULE:FREQ=MONTHLY;COUNT=1000000;BYDAY={never}",
        )
    )

    assert [trouble.sentence for trouble in found.troubles] == [reading.TOO_LONG_TO_FIND]
