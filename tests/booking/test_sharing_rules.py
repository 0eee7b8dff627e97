"""What was agreed with the owner of a machine, as rules of a booking: the bounds, and the words."""

from dataclasses import replace
from datetime import date, time, timedelta
from decimal import Decimal

import pytest

from fablab.booking.kinds import ConsentKind
from fablab.booking.known import Taken
from fablab.booking.rules import answer_due, consents, obstacle, refusals
from fablab.booking.sharing_rules import silence_is_a_yes
from fablab.booking.suggestions import acceptable
from fablab.booking.verdicts import Reason
from fablab.clock import whole_day
from fablab.machines.agreements import Agreement
from fablab.machines.kinds import Silence
from fablab.members.kinds import Audience
from fablab.places.rules import WeeklyOpening
from tests.booking.test_rules import FINE, POLICY, WANTED
from tests.support import PARIS, instant, slot

HOUR, A_DAY = timedelta(hours=1), timedelta(days=1)
TUESDAY = date(2027, 3, 30)  # of WANTED; it is Monday, 9:00
AGREED = Agreement("a", 3, "Studio Fil", date(2027, 1, 1), share=Decimal(50))
AFTERNOON = (WeeklyOpening(2, time(13), time(16)),)
SHARED = replace(FINE, is_owned=True, standing_audience=Audience.INDIVIDUAL, agreements=(AGREED,))


def facts(more=None, **agreed):
    return replace(SHARED, agreements=(replace(AGREED, **agreed),), **(more or {}))


def reasons(wanted=WANTED, more=None, **agreed):
    return [refusal.reason for refusal in refusals(wanted, facts(more, **agreed))]


THEIRS = {"is_of_owner": True}


@pytest.mark.parametrize(
    ("agreed", "more", "refused"),
    [
        ({}, {}, None),
        ({"first_day": TUESDAY, "last_day": TUESDAY}, {}, None),
        ({"first_day": TUESDAY + A_DAY}, {}, Reason.NOT_SHARED_THEN),
        ({"last_day": TUESDAY - A_DAY}, {}, Reason.NOT_SHARED_THEN),
        ({"last_day": TUESDAY - A_DAY}, THEIRS, Reason.NOT_SHARED_THEN),
        ({"audiences": frozenset({Audience.INDIVIDUAL})}, {}, None),
        ({"audiences": frozenset({Audience.RESIDENT})}, {}, Reason.NOT_SHARED_WITH_YOU),
        ({"audiences": frozenset({Audience.RESIDENT})}, THEIRS, None),
        (
            {"audiences": frozenset({Audience.RESIDENT})},
            {"standing_audience": Audience.STAFF},
            None,
        ),
        ({"insured_until": TUESDAY}, {}, None),
        ({"insured_until": TUESDAY - A_DAY}, {}, Reason.NOT_INSURED),
        ({"insured_until": TUESDAY - A_DAY}, THEIRS, Reason.NOT_INSURED),
        ({"ranges": AFTERNOON}, {}, Reason.OWNER_FIRST),
        ({"ranges": AFTERNOON}, THEIRS, None),
        ({"ranges": (WeeklyOpening(2, time(16), time(18)),)}, {}, None),
        ({"ranges": (WeeklyOpening(2, time(15, 45), time(18)),)}, {}, Reason.OWNER_FIRST),
        ({"ranges": AFTERNOON, "release": 28 * HOUR}, {}, None),  # from Monday, 9:00
        ({"ranges": AFTERNOON, "release": 27 * HOUR + 59 * HOUR / 60}, {}, Reason.OWNER_FIRST),
    ],
)
def test_what_was_agreed_refuses_on_its_own(agreed, more, refused):
    assert reasons(more=more, **agreed) == ([refused] if refused else [])


def test_nothing_is_asked_of_a_machine_about_which_nothing_was_agreed():
    assert refusals(WANTED, replace(SHARED, agreements=())) == []


def test_two_agreements_that_follow_one_another_share_it_without_a_gap():
    now_and_then = (
        replace(AGREED, last_day=TUESDAY - A_DAY),
        replace(AGREED, uid="b", first_day=TUESDAY),
    )

    assert refusals(WANTED, replace(SHARED, agreements=now_and_then)) == []


def test_a_range_that_its_people_use_is_not_released():
    """Though their booking lies elsewhere in it, and it would be free for all by now."""
    theirs = Taken(slot("2027-03-30 13:00-13:30"), owner_since=instant("2027-03-20 09:00"))

    assert reasons(more={"taken": (theirs,)}, ranges=AFTERNOON, release=A_DAY * 2) == [
        Reason.OWNER_FIRST
    ]
    of_somebody = {"taken": (replace(theirs, owner_since=None),)}
    assert reasons(more=of_somebody, ranges=AFTERNOON, release=A_DAY * 2) == []


def test_who_gives_some_of_it_back_is_asked_none_of_this():
    changing = {"kept_start": WANTED.start, "kept_end": WANTED.end + HOUR, "is_a_change": True}
    agreed = {
        "last_day": TUESDAY - A_DAY,
        "insured_until": TUESDAY - A_DAY,
        "ranges": AFTERNOON,
    }

    assert reasons(more=changing, **agreed) == []
    assert reasons(more=changing | {"kept_end": WANTED.end - HOUR}, **agreed) != []


@pytest.mark.parametrize(
    ("agreed", "now", "says", "advises"),
    [
        ({"last_day": date(2027, 3, 28)}, None, "shared this machine until", "another machine"),
        ({"last_day": date(2027, 3, 29)}, None, "and not after", "earlier day"),
        ({"first_day": date(2027, 4, 1)}, None, "from %(day)s on", "later day"),
        ({"insured_until": date(2027, 3, 28)}, None, "ended on %(day)s", "renewed"),
        ({"insured_until": date(2027, 3, 29)}, None, "ends on %(day)s", "renewed"),
        ({"ranges": AFTERNOON, "release": 24 * HOUR}, None, "is kept for", "from %(free)s on"),
        ({"ranges": AFTERNOON}, None, "is kept for its owner, %(owner)s", "other hours"),
    ],
)
def test_a_refusal_says_what_is_in_the_way_and_what_to_do(agreed, now, says, advises):
    [refusal] = refusals(WANTED, facts(**agreed))

    assert says in refusal.sentence
    assert advises in refusal.advice
    assert set(refusal.values) >= {"day"} or refusal.values["hours"] == (
        slot("2027-03-30 13:00-16:00"),
    )


def test_slots_are_offered_around_what_is_kept_for_the_owner():
    mornings = facts(ranges=(WeeklyOpening(2, time(10), time(15)),))

    found = list(acceptable(mornings, TUESDAY, TUESDAY, 2 * HOUR))

    assert found[0] == slot("2027-03-30 15:00-17:00")


@pytest.mark.parametrize(
    "agreed",
    [
        {"last_day": TUESDAY - A_DAY},
        {"insured_until": TUESDAY - A_DAY},
        {"audiences": frozenset({Audience.RESIDENT})},
    ],
)
def test_a_day_on_which_it_is_not_shared_has_nothing_to_book(agreed):
    assert obstacle(whole_day(PARIS, TUESDAY), facts(**agreed)) is not None
    assert obstacle(whole_day(PARIS, TUESDAY), facts()) is None


# -- the owner's yes


@pytest.mark.parametrize(
    ("policy", "agreed", "more", "is_asked"),
    [
        (True, None, {}, True),
        (True, None, THEIRS, False),
        (False, {"asks_owner": True}, {}, True),
        (False, {"asks_owner": True}, THEIRS, False),
        (True, {"asks_owner": False}, {}, False),  # the agreement goes before the booking rules
        (True, {"asks_owner": False}, {"is_owned": False}, False),
    ],
)
def test_when_the_owner_is_asked(policy, agreed, more, is_asked):
    known = facts(more, **agreed) if agreed else replace(SHARED, agreements=(), **more)
    known = replace(known, policy=replace(POLICY, owner_approval=policy))

    assert consents(WANTED, known) == ([ConsentKind.OWNER] if is_asked else [])


def test_the_owner_has_a_deadline_of_its_own():
    known = facts(asks_owner=True, answer_within=2 * HOUR)

    assert answer_due(WANTED, known, ConsentKind.OWNER) == FINE.now + 2 * HOUR
    assert answer_due(WANTED, known, ConsentKind.TEAM) == min(
        FINE.now + POLICY.answer_within, WANTED.start
    )
    assert answer_due(WANTED, facts(answer_within=9 * A_DAY), ConsentKind.OWNER) == WANTED.start


def test_what_saying_nothing_means_was_agreed():
    assert not silence_is_a_yes(WANTED, facts())
    assert silence_is_a_yes(WANTED, facts(silence=Silence.AGREES))
    assert not silence_is_a_yes(WANTED, replace(SHARED, agreements=()))
