"""The days a rule names: by the RFC's examples, by dateutil as the judge, and never for long."""

from datetime import date, datetime, time, timedelta
from itertools import takewhile

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given
from hypothesis import strategies as st

from fablab.agendas.recurrence import NotRead, OutOfSteps, Steps, days, parsed

FIRST, LAST = date(2027, 1, 1), date(2028, 7, 1)


def never(_day):
    return False


def falls_on(text, first, since=FIRST, last=LAST, *, is_over=never, steps=None):
    steps = steps or Steps(100_000, 100_000)
    return list(days(parsed(text), first, since, last, is_over=is_over, steps=steps))


def written(found):
    return " ".join(f"{day:%m-%d}" for day in found)


@pytest.mark.parametrize(
    ("text", "first", "expected"),
    [
        ("FREQ=DAILY;COUNT=3", "2027-03-27", "03-27 03-28 03-29"),
        ("FREQ=DAILY;INTERVAL=10;COUNT=3", "2027-03-01", "03-01 03-11 03-21"),
        ("FREQ=WEEKLY;COUNT=3", "2027-03-30", "03-30 04-06 04-13"),
        (
            "FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=TU,TH;COUNT=4",
            "2027-03-30",
            "03-30 04-01 04-13 04-15",
        ),
        (
            "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO",
            "2027-08-03",
            "08-03 08-08 08-17 08-22",
        ),
        (
            "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU",
            "2027-08-03",
            "08-03 08-15 08-17 08-29",
        ),
        ("FREQ=MONTHLY;COUNT=3;BYDAY=1FR", "2027-01-01", "01-01 02-05 03-05"),
        ("FREQ=MONTHLY;COUNT=3;BYDAY=-2MO", "2027-01-18", "01-18 02-15 03-22"),
        ("FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=3", "2027-01-31", "01-31 02-28 03-31"),
        ("FREQ=MONTHLY;COUNT=3", "2027-01-31", "01-31 03-31 05-31"),
        ("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13;COUNT=2", "2027-08-13", "08-13"),
        (
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=3",
            "2027-01-29",
            "01-29 02-26 03-31",
        ),
        ("FREQ=YEARLY;COUNT=2;BYMONTH=6,7", "2027-06-10", "06-10 07-10"),
        ("FREQ=YEARLY;BYDAY=20MO;COUNT=2", "2027-05-17", "05-17 05-15"),
        ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO;COUNT=2", "2027-05-17", "05-17 05-15"),
        ("FREQ=YEARLY;BYWEEKNO=20;COUNT=2", "2027-05-20", "05-20 05-18"),
        ("FREQ=YEARLY;BYYEARDAY=-1;COUNT=1", "2027-12-31", "12-31"),
        ("FREQ=YEARLY;COUNT=2", "2024-02-29", "02-29"),
        ("freq=weekly;count=2;", "2027-03-30", "03-30 04-06"),
    ],
)
def test_the_days_a_rule_names(text, first, expected):
    found = falls_on(text, date.fromisoformat(first))

    assert written(found) == expected


def test_the_first_day_is_one_even_where_the_rule_does_not_name_it():
    """And the first that COUNT counts, §3.8.5.3."""
    assert (
        written(falls_on("FREQ=WEEKLY;BYDAY=FR;COUNT=3", date(2027, 3, 30))) == "03-30 04-02 04-09"
    )


def test_what_was_before_counts_and_is_not_told():
    found = falls_on("FREQ=DAILY;COUNT=4", date(2026, 12, 30))

    assert written(found) == "01-01 01-02"


def test_it_ends_when_it_is_over():
    found = falls_on("FREQ=DAILY", date(2027, 3, 27), is_over=lambda day: day > date(2027, 3, 28))

    assert written(found) == "03-27 03-28"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "COUNT=2",
        "FREQ=FORTNIGHTLY",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=-1",
        "FREQ=DAILY;INTERVAL=1.5",
        "FREQ=DAILY;INTERVAL=١",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;COUNT=2,3",
        "FREQ=DAILY;COUNT=",
        "FREQ=DAILY;FREQ=WEEKLY",
        "FREQ=WEEKLY;BYDAY=1MO",
        "FREQ=WEEKLY;BYDAY=LU",
        "FREQ=WEEKLY;BYMONTHDAY=3",
        "FREQ=MONTHLY;BYDAY=54MO",
        "FREQ=MONTHLY;BYMONTHDAY=0",
        "FREQ=MONTHLY;BYMONTHDAY=32",
        "FREQ=MONTHLY;BYYEARDAY=3",
        "FREQ=DAILY;BYWEEKNO=3",
        "FREQ=YEARLY;BYWEEKNO=3;BYDAY=1MO",
        "FREQ=YEARLY;BYMONTH=13",
        "FREQ=YEARLY;BYEASTER=1",
        "FREQ=DAILY;WKST=XX",
        "FREQ=SECONDLY",
        "FREQ=MINUTELY;COUNT=1000000000",
        "FREQ=HOURLY;INTERVAL=24",
        "FREQ=DAILY;BYHOUR=9,17",
        "RSCALE=CHINESE;FREQ=YEARLY",
    ],
)
def test_what_is_damaged_or_not_followed_is_no_rule(text):
    with pytest.raises(NotRead):
        parsed(text)


@pytest.mark.parametrize(
    ("text", "first", "spent"),
    [
        # No match at all: a look at each day until the horizon, and no further.
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "2020-01-01", 100),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "2020-01-01", 1300),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=300", "2020-01-01", 700),
        ("FREQ=YEARLY;BYDAY=MO;BYSETPOS=200", "2020-01-01", 900),
        ("FREQ=DAILY;INTERVAL=1000000000", "2027-01-02", 10),
        ("FREQ=YEARLY;INTERVAL=999999999999", "1990-01-02", 40),
        # Without COUNT what was before is never walked through.
        ("FREQ=DAILY", "1900-01-01", 1300),
        # With it, it is: a step a day.
        ("FREQ=DAILY;COUNT=1000000000", "1970-01-01", 45_000),
    ],
)
def test_a_bomb_takes_few_steps(text, first, spent):
    steps = Steps(50_000, 50_000)

    falls_on(text, date.fromisoformat(first), steps=steps)

    assert 50_000 - steps.left <= spent


def test_steps_run_out_for_one_event_and_for_all():
    one, all_of_them = Steps(10_000, 100), Steps(150, 100)
    daily = parsed("FREQ=DAILY")

    with pytest.raises(OutOfSteps):
        list(days(daily, FIRST, FIRST, LAST, is_over=never, steps=one))
    one.next_event()
    assert len(list(days(daily, LAST, FIRST, LAST, is_over=never, steps=one))) == 1
    month = {"last": FIRST + timedelta(days=40), "is_over": never, "steps": all_of_them}
    assert len(list(days(daily, FIRST, FIRST, **month))) == 41
    all_of_them.next_event()
    with pytest.raises(OutOfSteps):
        list(days(daily, FIRST, FIRST, **month))


# -- judged by dateutil

WEEKDAYS = st.sampled_from("MO TU WE TH FR SA SU".split())


def some(lowest, highest, most=3):
    numbers = st.integers(lowest, highest).filter(bool)
    return st.lists(numbers, min_size=1, max_size=most, unique=True).map(
        lambda found: ",".join(map(str, found))
    )


@st.composite
def rules(draw):
    """Rules that dateutil ends to search: it never returns from one that has no match."""
    freq = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    parts = {"FREQ": freq}

    def perhaps(name, values):
        if draw(st.booleans()):
            parts[name] = draw(values)

    perhaps("INTERVAL", st.integers(1, 4).map(str))
    perhaps("COUNT", st.integers(1, 40).map(str))
    perhaps("WKST", WEEKDAYS)
    perhaps("BYMONTH", some(1, 12))
    if freq != "WEEKLY":
        perhaps("BYMONTHDAY", some(-28, 28))
    if freq == "YEARLY":
        perhaps("BYYEARDAY", some(-366, 366))
    if freq in ("MONTHLY", "YEARLY") and draw(st.booleans()):
        which = st.tuples(st.integers(-4, 4).filter(bool), WEEKDAYS)
        parts["BYDAY"] = draw(which.map(lambda one: f"{one[0]}{one[1]}"))
    else:
        perhaps("BYDAY", st.lists(WEEKDAYS, min_size=1, max_size=4, unique=True).map(",".join))
        if freq == "YEARLY" and "BYDAY" in parts:
            perhaps("BYWEEKNO", some(-52, 52))
    if any(name.startswith("BY") for name in parts):
        perhaps("BYSETPOS", some(-3, 3))
    return ";".join(f"{name}={value}" for name, value in parts.items())


@given(rules(), st.dates(date(2022, 1, 1), date(2027, 12, 31)))
def test_dateutil_finds_the_same_days(text, first):
    wide = {"since": first, "last": LAST}
    endless = ";".join(part for part in text.split(";") if not part.startswith("COUNT="))
    if len(falls_on(endless, first, **wide)) < 3:
        return  # dateutil might look for the next one until the year 9999
    found = rrulestr(endless, dtstart=datetime.combine(first, time.min))
    theirs = [each.date() for each in takewhile(lambda at: at.date() <= LAST, found)]
    expected = sorted({first, *theirs})[: parsed(text).count]

    assert falls_on(text, first, **wide) == expected
