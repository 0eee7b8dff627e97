"""How often one may try, how long a session lasts, what follows from marks, of which end one is
told, which mails are wanted: plain facts in, plain answers out.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from fablab.members.kinds import Channel, MailKind

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Limit:
    """How many tries in 24 hours: `free` at once, then each waits, `first` and twice as long
    every time up to `longest`; after `most`, until the oldest is a day old.
    """

    free: int
    most: int
    first: timedelta
    longest: timedelta

    def wait(
        self, count: int, oldest: datetime | None, newest: datetime | None, *, now: datetime
    ) -> timedelta:
        """How long until the next try is listened to, after `count` in 24 hours; zero: at once."""
        if oldest is None or newest is None or count < self.free:
            return timedelta(0)
        if count >= self.most:
            return oldest + DAY - now
        pause = min(self.first * 2 ** min(count - self.free, 20), self.longest)
        return max(newest + pause - now, timedelta(0))


# Wrong passwords: one account, and one network address, which a whole workshop may share.
GUESSES = Limit(5, 25, first=timedelta(seconds=1), longest=timedelta(minutes=15))
GUESSES_OF_A_NETWORK = Limit(50, 100, first=timedelta(seconds=1), longest=timedelta(minutes=15))

# Mails that somebody has us write. One an hour is always let through, as long as a link to
# choose a password lives: whoever asks for too many of them cannot keep the owner out.
MAILS = Limit(3, 100, first=timedelta(hours=1), longest=timedelta(hours=1))
MAILS_OF_A_NETWORK = Limit(20, 100, first=timedelta(minutes=1), longest=timedelta(hours=1))


@dataclass(frozen=True)
class Lifetime:
    """How long a session lasts: `idle` without a visit, `absolute` whatever happens."""

    idle: timedelta
    absolute: timedelta

    def is_over(self, *, began: datetime, seen: datetime, now: datetime) -> bool:
        return now - seen >= self.idle or now - began >= self.absolute

    def is_to_refresh(self, *, seen: datetime, now: datetime) -> bool:
        """Whether the last visit is worth writing anew: ten times per idle time at most."""
        return now - seen >= self.idle / 10


def is_late(free_until: datetime | None, now: datetime) -> bool:
    """Is a booking cancelled later than is free? At that very moment it still is.

    None: cancelling is always free.
    """
    return free_until is not None and now > free_until


def marked_until(
    marks: Iterable[datetime], allowed: int | None, window_days: int, suspension_days: int
) -> datetime | None:
    """Until when marks, made then and not lifted, keep their member from booking.

    Each that is the `allowed`-th within less than `window_days` starts a suspension of
    `suspension_days`; the latest end counts. None for `allowed`: nothing follows from any.
    """
    if not allowed:
        return None
    made, window = sorted(marks), timedelta(days=window_days)
    spans = zip(made, made[allowed - 1 :], strict=False)
    starts = [last for first, last in spans if last - first < window]
    return max(starts) + timedelta(days=suspension_days) if starts else None


# Days before the end of what a member holds, a qualification or their membership, on which they
# are told.
WARNED = (30, 7)


def warning_due(last_day: date, *, given_on: date, today: date) -> int | None:
    """Which of WARNED is due today for what ends with `last_day`: the closest one; else None.

    What was given for a shorter while than a warning is ahead does not start with it.
    """
    left = (last_day - today).days
    due = [days for days in WARNED if 0 <= left <= days < (last_day - given_on).days]
    return min(due, default=None)


def wants(
    kind: MailKind, channel: Channel, unwanted: Collection[MailKind], *, is_own_doing: bool = False
) -> bool:
    """Is a mail of that kind to be sent to a member who chose so?

    Whose calendar shows what they did themselves needs no mail about it.
    """
    if channel is Channel.NONE or kind in unwanted:
        return False
    return not (channel is Channel.FEED and is_own_doing)
