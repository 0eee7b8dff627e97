"""What is said of what happened, to whom, and when."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from fablab.invitations.rules import (
    KINDS,
    Change,
    Letter,
    News,
    Notice,
    SessionNews,
    digest_day,
    event_method,
    is_sent,
    is_to_remind,
    method_for,
    news_of,
    reminded_at,
    session_news,
)
from fablab.machines.kinds import Status
from fablab.members.kinds import Channel, MailKind
from fablab.members.rules import wants
from fablab.trainings.kinds import NoticeKind
from tests.support import instant

PARIS = ZoneInfo("Europe/Paris")
ME, TEAM = 7, 1
CONFIRMED, PENDING, CANCELLED, MISSED = Status


def news(*changes: tuple[str, int | None], status: Status, **more: bool) -> News | None:
    told = {"is_over": False, "was_only_offered": False} | more
    return news_of([Change(*each) for each in changes], status=status, member_id=ME, **told)


@pytest.mark.parametrize(
    ("changes", "status", "expected"),
    [
        ([("booked", ME)], CONFIRMED, (Letter.MADE, True)),
        ([("booked", ME)], PENDING, (Letter.MADE, True)),
        ([("booked", TEAM)], CONFIRMED, (Letter.MADE, False)),
        ([("booked", ME), ("moved", ME)], CONFIRMED, (Letter.MADE, True)),
        ([("booked", ME), ("moved", TEAM)], CONFIRMED, (Letter.CHANGED, False)),
        ([("moved", ME)], CONFIRMED, (Letter.CHANGED, True)),
        ([("moved", ME)], PENDING, (Letter.CHANGED, True)),
        ([("confirmed", TEAM)], CONFIRMED, (Letter.CONFIRMED, False)),
        ([("offered", None)], PENDING, (Letter.OFFERED, False)),
        ([("accepted", ME)], CONFIRMED, (Letter.MADE, True)),
        ([("cancelled", ME)], CANCELLED, (Letter.CANCELLED, True)),
        ([("cancelled", TEAM)], CANCELLED, (Letter.CANCELLED, False)),
        ([("moved", ME), ("cancelled", TEAM)], CANCELLED, (Letter.CANCELLED, False)),
        ([("booked", ME), ("cancelled", TEAM)], CANCELLED, (Letter.CANCELLED, False)),
        ([("declined", TEAM)], CANCELLED, (Letter.DECLINED, False)),
        ([("lapsed", None)], CANCELLED, (Letter.LAPSED, False)),
        ([("missed", TEAM)], MISSED, (Letter.MISSED, False)),
        ([("missed", None)], MISSED, (Letter.MISSED, False)),
        ([("undone", TEAM)], CONFIRMED, (Letter.RESTORED, False)),
        ([("ended_early", TEAM)], CONFIRMED, (Letter.ENDED_EARLY, False)),
        ([("ended_early", ME)], CONFIRMED, (Letter.ENDED_EARLY, True)),
        ([("offer_withdrawn", TEAM)], CANCELLED, (Letter.OFFER_WITHDRAWN, False)),
    ],
)
def test_what_happened_last_decides(changes, status, expected):
    letter, is_own = expected

    assert news(*changes, status=status) == News(letter, is_own, was_theirs=is_own)


@pytest.mark.parametrize(
    ("changes", "status", "letter", "was_theirs"),
    [
        ([("booked", ME), ("confirmed", TEAM)], CONFIRMED, Letter.MADE, True),
        ([("confirmed", TEAM), ("moved", ME)], PENDING, Letter.CHANGED, True),
        ([("offered", None), ("accepted", ME)], CONFIRMED, Letter.MADE, True),
        # the team moved it, and they changed its purpose a moment later
        ([("moved", TEAM), ("moved", ME)], CONFIRMED, Letter.CHANGED, True),
        ([("moved", ME), ("cancelled", TEAM)], CANCELLED, Letter.CANCELLED, False),
    ],
)
def test_what_others_did_too_is_not_ones_own_doing_alone(changes, status, letter, was_theirs):
    """Whose calendar is subscribed hears of it; the words say who did what is told."""
    assert news(*changes, status=status) == News(letter, False, was_theirs)


def test_who_makes_and_cancels_in_one_moment_is_told_of_nothing():
    assert news(("booked", ME), ("cancelled", ME), status=CANCELLED) is None
    assert news(("offered", None), ("declined", ME), status=CANCELLED) is None


@pytest.mark.parametrize("what", ["missed", "ended_early"])
def test_what_was_undone_within_a_moment_is_told_as_nothing(what):
    assert news((what, TEAM), ("undone", TEAM), status=CONFIRMED) is None
    again = news((what, TEAM), ("undone", TEAM), ("missed", TEAM), status=MISSED)
    assert again == News(Letter.MISSED, False, False)


def test_an_offer_taken_back_within_a_moment_is_told_as_nothing():
    assert news(("offered", None), ("offer_withdrawn", TEAM), status=CANCELLED) is None


def test_arriving_is_no_news():
    assert news(("arrived", TEAM), status=CONFIRMED) is None


def test_that_it_was_ended_early_is_told_though_it_is_over():
    told = news(("ended_early", TEAM), status=CONFIRMED, is_over=True)
    assert told == News(Letter.ENDED_EARLY, False, False)


@pytest.mark.parametrize("what", ["buddy_named", "buddy_declined", "buddy_taken_back", "planned"])
def test_of_what_is_asked_by_other_mails_nothing_is_said(what):
    assert news((what, TEAM), status=PENDING) is None


def test_a_buddy_who_takes_it_back_is_told_where_an_invitation_says_otherwise():
    taken_back = ("buddy_taken_back", 3)

    assert news(taken_back, status=PENDING, is_invited=True) == News(Letter.UNSETTLED, False, False)
    assert news(taken_back, status=PENDING) is None
    settled = news(taken_back, ("confirmed", TEAM), status=CONFIRMED, is_invited=True)
    assert settled == News(Letter.CONFIRMED, False, False)


def test_an_offer_that_lapsed_is_not_a_booking_that_was_not_answered():
    lapsed = news(("lapsed", None), status=CANCELLED, was_only_offered=True)

    assert lapsed == News(Letter.OFFER_LAPSED, False, False)


@pytest.mark.parametrize(
    ("change", "status"),
    [("booked", CONFIRMED), ("moved", CONFIRMED), ("cancelled", CANCELLED)],
)
def test_what_is_over_is_told_no_more(change, status):
    assert news((change, TEAM), status=status, is_over=True) is None


def test_that_nobody_came_is_told_when_it_is_over():
    assert news(("missed", TEAM), status=MISSED, is_over=True) == News(Letter.MISSED, False, False)


def test_every_letter_is_of_a_kind_one_may_refuse():
    assert set(KINDS) == set(Letter)


FEED, INVITATION, MAIL, NONE = Channel


@pytest.mark.parametrize(
    ("channel", "is_invited", "stands", "method"),
    [
        (INVITATION, False, True, "REQUEST"),
        (INVITATION, True, True, "REQUEST"),
        (INVITATION, True, False, "CANCEL"),
        (INVITATION, False, False, ""),  # nothing stands in their calendar
        (MAIL, False, True, ""),
        (MAIL, True, True, "REQUEST"),  # they were invited before they chose mails
        (MAIL, True, False, "CANCEL"),
        (FEED, False, True, ""),
    ],
)
def test_the_method_follows_what_stands_in_the_calendar(channel, is_invited, stands, method):
    found = method_for(Letter.CHANGED, channel, is_invited=is_invited, stands=stands)

    assert found == method


@pytest.mark.parametrize("letter", [Letter.MISSED, Letter.REMINDER])
def test_some_letters_are_words_alone(letter):
    assert method_for(letter, INVITATION, is_invited=True, stands=True) == ""


@pytest.mark.parametrize(
    ("channel", "unwanted", "is_own_doing", "is_sent"),
    [
        (INVITATION, set(), True, True),
        (MAIL, set(), True, True),
        (FEED, set(), True, False),
        (FEED, set(), False, True),
        (NONE, set(), False, False),
        (INVITATION, {MailKind.BOOKINGS}, False, False),
        (INVITATION, {MailKind.OFFERS}, True, True),
    ],
)
def test_who_wants_which_mail(channel, unwanted, is_own_doing, is_sent):
    assert wants(MailKind.BOOKINGS, channel, unwanted, is_own_doing=is_own_doing) is is_sent


def sent(letter, channel, unwanted=(), *, own=False, invited=False) -> bool:
    return is_sent(News(letter, own, own), channel, unwanted, is_invited=invited)


@pytest.mark.parametrize(
    "letter",
    [
        *(Letter.CHANGED, Letter.CANCELLED, Letter.DECLINED, Letter.LAPSED),
        *(Letter.ENDED_EARLY, Letter.RESTORED),
    ],
)
def test_what_others_do_is_told_without_a_tick_too(letter):
    """Else somebody would come for nothing."""
    kinds = set(MailKind)

    assert sent(letter, MAIL, kinds)
    assert not sent(letter, NONE, kinds)
    assert not sent(letter, MAIL, kinds, own=True)


@pytest.mark.parametrize("channel", Channel)
def test_what_a_mail_put_into_a_calendar_is_kept_true_there(channel):
    assert sent(Letter.CANCELLED, channel, set(MailKind), own=True, invited=True)
    assert sent(Letter.CONFIRMED, channel, set(MailKind), invited=True)
    assert not sent(Letter.MISSED, NONE, invited=True)


# -- the evening before


@pytest.mark.parametrize(
    ("starts", "due"),
    [
        ("2027-03-30 09:00", "2027-03-29 17:00"),
        ("2027-03-30 00:00", "2027-03-29 17:00"),
        ("2027-03-29 23:59", "2027-03-28 17:00"),  # the day the clocks went forward
        ("2027-10-31 10:00", "2027-10-30 17:00"),
        ("2027-11-01 10:00", "2027-10-31 17:00"),
    ],
)
def test_reminders_are_due_at_five_the_day_before(starts, due):
    assert reminded_at(instant(starts), PARIS) == instant(due)


@pytest.mark.parametrize(
    ("now", "changed", "is_due"),
    [
        ("2027-03-29 16:59", "2027-03-20 10:00", False),
        ("2027-03-29 17:00", "2027-03-20 10:00", True),
        ("2027-03-29 23:59", "2027-03-20 10:00", True),
        ("2027-03-30 00:00", "2027-03-20 10:00", False),  # it is no longer tomorrow
        ("2027-03-29 18:00", "2027-03-29 16:59", True),
        ("2027-03-29 18:00", "2027-03-29 17:00", False),  # they were told of it just then
    ],
)
def test_who_is_reminded(now, changed, is_due):
    starts = instant("2027-03-30 09:00")

    assert is_to_remind(starts, instant(changed), PARIS, instant(now)) is is_due


# -- the morning


@pytest.mark.parametrize(
    ("now", "last", "day"),
    [
        ("2027-03-29 06:59", None, None),
        ("2027-03-29 07:00", None, date(2027, 3, 29)),
        ("2027-03-29 07:00", date(2027, 3, 28), date(2027, 3, 29)),
        ("2027-03-29 07:00", date(2027, 3, 29), None),
        ("2027-03-29 11:59", None, date(2027, 3, 29)),
        ("2027-03-29 12:00", None, None),
        ("2027-03-28 07:00", None, date(2027, 3, 28)),  # seven comes an hour sooner that night
    ],
)
def test_the_morning_mail_is_due_once_a_morning(now, last, day):
    assert digest_day(PARIS, instant(now), last) == day


def test_seven_is_of_the_places_clock():
    moment = datetime(2027, 3, 29, 12, tzinfo=UTC)

    assert digest_day(ZoneInfo("America/New_York"), moment, None) == date(2027, 3, 29)
    assert digest_day(ZoneInfo("Asia/Tokyo"), moment + timedelta(hours=10), None) is not None
    assert digest_day(PARIS, moment, None) is None


# -- training sessions

REGISTERED, SEAT, GIVING, CHANGED, OFF, LEFT, REPLACED = NoticeKind


def of_session(*notices: tuple[NoticeKind, int | None], **more: bool) -> SessionNews | None:
    told = dict.fromkeys(("is_invited", "is_cancelled", "is_over"), False) | {"is_theirs": True}
    told |= more
    return session_news([Notice(*each) for each in notices], member_id=ME, **told)


@pytest.mark.parametrize(
    ("notices", "kind", "is_own_doing"),
    [
        ([(REGISTERED, ME)], REGISTERED, True),
        ([(REGISTERED, TEAM)], REGISTERED, False),
        ([(GIVING, TEAM)], GIVING, False),
        ([(CHANGED, TEAM)], CHANGED, False),
        ([(SEAT, TEAM)], SEAT, False),
        ([(CHANGED, TEAM), (SEAT, TEAM)], SEAT, False),
        ([(LEFT, ME), (REGISTERED, ME)], REGISTERED, True),
        # They read the old hour, or that they wait, when they registered.
        ([(REGISTERED, ME), (CHANGED, TEAM)], CHANGED, False),
        ([(REGISTERED, ME), (SEAT, TEAM)], SEAT, False),
        # Of what was before they never heard, or it was they who changed it.
        ([(REGISTERED, TEAM), (SEAT, None)], REGISTERED, False),
        ([(GIVING, TEAM), (CHANGED, TEAM)], GIVING, False),
        ([(GIVING, ME), (CHANGED, ME)], GIVING, True),
    ],
)
def test_what_happened_last_to_a_session_decides(notices, kind, is_own_doing):
    told = of_session(*notices)

    assert (told.kind, told.is_own_doing) == (kind, is_own_doing)


@pytest.mark.parametrize(
    ("notices", "kind", "is_own_doing"),
    [
        ([(LEFT, ME)], LEFT, True),
        ([(SEAT, TEAM), (LEFT, ME)], LEFT, True),
        ([(LEFT, ME), (REGISTERED, ME), (LEFT, ME)], LEFT, True),
        ([(CHANGED, TEAM), (REPLACED, TEAM)], REPLACED, False),
    ],
)
def test_that_it_is_theirs_no_more_is_told_who_heard_that_it_was(notices, kind, is_own_doing):
    told = of_session(*notices, is_theirs=False)

    assert (told.kind, told.is_own_doing) == (kind, is_own_doing)


@pytest.mark.parametrize(
    "notices", [[(REGISTERED, ME), (LEFT, ME)], [(GIVING, TEAM), (REPLACED, TEAM)]]
)
def test_what_came_and_went_within_a_moment_is_not_told(notices):
    assert of_session(*notices, is_theirs=False) is None


def test_what_stands_in_their_calendar_is_taken_out_however_short_it_was_otherwise():
    """Who was registered gives the session for a moment."""
    gone = of_session((GIVING, ME), (OFF, ME), is_invited=True, is_cancelled=True)
    assert gone.kind is OFF

    gone = of_session((GIVING, TEAM), (REPLACED, TEAM), is_invited=True)
    assert gone.kind is REPLACED


@pytest.mark.parametrize(
    ("notices", "is_told"),
    [
        ([(OFF, TEAM)], True),
        ([(OFF, None)], True),
        ([(OFF, ME)], True),
        ([(REGISTERED, ME), (OFF, TEAM)], True),
        ([(GIVING, ME), (OFF, ME)], False),
    ],
)
def test_that_a_session_is_called_off_is_told_unless_it_was_never_told_of(notices, is_told):
    told = of_session(*notices, is_cancelled=True)

    assert (told is not None) is is_told
    assert told is None or told.kind is OFF


@pytest.mark.parametrize("more", [{"is_theirs": False}, {"is_cancelled": True}, {"is_over": True}])
@pytest.mark.parametrize("kind", [REGISTERED, SEAT, GIVING, CHANGED])
def test_what_is_so_no_more_is_not_told(kind, more):
    assert of_session((kind, TEAM), **more) is None


@pytest.mark.parametrize("kind", [LEFT, REPLACED, OFF])
def test_nothing_is_told_of_a_session_that_is_over(kind):
    assert of_session((kind, TEAM), is_theirs=False, is_cancelled=True, is_over=True) is None


@pytest.mark.parametrize(
    ("kinds", "is_told_anyway"),
    [
        ([REGISTERED], False),
        ([SEAT], False),
        ([CHANGED], True),
        ([CHANGED, SEAT], True),
        ([OFF], True),
        ([LEFT], False),
        ([CHANGED, LEFT], False),
    ],
)
def test_without_a_tick_only_what_one_would_come_for_nothing_for(kinds, is_told_anyway):
    told = of_session(*((kind, TEAM) for kind in kinds), is_cancelled=kinds[-1] is OFF)

    assert told.is_told_anyway is is_told_anyway


@pytest.mark.parametrize(
    ("channel", "is_invited", "stands", "method"),
    [
        (Channel.INVITATION, False, True, "REQUEST"),
        (Channel.INVITATION, True, True, "REQUEST"),
        (Channel.INVITATION, True, False, "CANCEL"),
        (Channel.INVITATION, False, False, ""),
        (Channel.MAIL, False, True, ""),
        (Channel.MAIL, True, True, "REQUEST"),
        (Channel.MAIL, True, False, "CANCEL"),
        (Channel.FEED, False, True, ""),
    ],
)
def test_an_event_goes_where_one_is_wanted_or_stands(channel, is_invited, stands, method):
    assert event_method(channel, is_invited=is_invited, stands=stands) == method
