"""The place: who it is, the hours it opens and the days it does not."""

from datetime import date, datetime, time, tzinfo
from zoneinfo import ZoneInfo

from sqlalchemy import CheckConstraint, ForeignKey, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fablab.db import Model, choice, last_change
from fablab.places.kinds import Charged, Mode, NamesShown, WallNames


class Place(Model):
    """A fablab. Several may live in one installation; the first one is the default."""

    __tablename__ = "place"
    __table_args__ = (
        CheckConstraint("revision >= 0", name="revision_counts"),
        CheckConstraint("marks_allowed > 0", name="marks_allowed_is_positive"),
        CheckConstraint("marks_window_days > 0", name="marks_window_is_positive"),
        CheckConstraint("marks_suspension_days > 0", name="marks_suspension_is_positive"),
        CheckConstraint("late_percent BETWEEN 0 AND 100", name="late_is_a_share"),
        CheckConstraint("missed_percent BETWEEN 0 AND 100", name="missed_is_a_share"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    address: Mapped[str] = mapped_column(default="")
    zone: Mapped[str] = mapped_column(default="Europe/Paris")  # a name of the IANA database
    language: Mapped[str] = mapped_column(default="fr")
    email: Mapped[str] = mapped_column(default="")
    phone: Mapped[str] = mapped_column(default="")
    house_rules: Mapped[str] = mapped_column(default="")
    names_shown: Mapped[NamesShown] = mapped_column(choice(NamesShown), default=NamesShown.MEMBERS)
    has_public_feeds: Mapped[bool] = mapped_column(default=True)  # "busy" feeds of its machines
    # Which public holidays close it: a country of the `holidays` library, and one of its
    # subdivisions (Alsace has two more days off). An empty country means none.
    holidays_country: Mapped[str] = mapped_column(default="FR")
    holidays_subdivision: Mapped[str] = mapped_column(default="")
    # So many late cancellations and absences within so many days keep a member from booking
    # for so many days. None: marks are kept and nothing follows.
    marks_allowed: Mapped[int | None]
    marks_window_days: Mapped[int] = mapped_column(default=90, server_default="90")
    marks_suspension_days: Mapped[int] = mapped_column(default=14, server_default="14")
    # Of the house, `#rrggbb` as they are in the light look; empty: ours. What the dark look and
    # the shades of a button take is made of them (`settings/colours.py`).
    brick: Mapped[str] = mapped_column(default="", server_default="")
    blue: Mapped[str] = mapped_column(default="", server_default="")
    logo: Mapped[str | None]  # a file under `media/` of the instance
    # What amounts are made of: the time that was booked, or the real one where it is known; how
    # much of it is counted, in percent, for a slot cancelled late and for one that nobody came to.
    currency: Mapped[str] = mapped_column(default="EUR", server_default="EUR")  # ISO 4217
    charged: Mapped[Charged] = mapped_column(
        choice(Charged), default=Charged.BOOKED, server_default=Charged.BOOKED
    )
    late_percent: Mapped[int] = mapped_column(default=0, server_default="0")
    missed_percent: Mapped[int] = mapped_column(default=0, server_default="0")
    vat_text: Mapped[str] = mapped_column(default="", server_default="")  # said, never reckoned
    welcomed_at: Mapped[datetime | None]  # when the first steps were put aside
    position: Mapped[int] = mapped_column(default=0)
    # Counts the changes of all that staff set up (hours, closures, machines, policies), so
    # that what is derived from it can be kept in memory until the count moves.
    revision: Mapped[int] = mapped_column(default=0)
    # Counts the changes of what its people are called, which the team's calendar shows.
    people_revision: Mapped[int] = mapped_column(default=0)
    # Since when the rules that release what nobody came to are as they are; what began before is
    # left alone. None: there never was one.
    releases_since: Mapped[datetime | None]
    wall_names: Mapped[WallNames] = mapped_column(
        choice(WallNames), default=WallNames.FIRST_NAMES, server_default=WallNames.FIRST_NAMES
    )
    digest_day: Mapped[date | None]  # the last day whose morning mail went out
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime] = last_change()

    openings: Mapped[list["Opening"]] = relationship(order_by="Opening.weekday, Opening.opens_at")
    closures: Mapped[list["Closure"]] = relationship(order_by="Closure.first_day")

    @property
    def tz(self) -> tzinfo:
        return ZoneInfo(self.zone)


class Opening(Model):
    """One opening of the ordinary week, on the place's wall clock.

    weekday: 1 for Monday to 7 for Sunday (ISO 8601). An opening that closes at or before the
    hour it opens goes on until that hour of the next day. `weeks` narrows it to some weeks of
    the month, "1,3" meaning the first and third such weekday; empty means every week.
    """

    __tablename__ = "opening"
    __table_args__ = (CheckConstraint("weekday BETWEEN 1 AND 7", name="weekday_is_iso"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"), index=True)
    weekday: Mapped[int]
    opens_at: Mapped[time]
    closes_at: Mapped[time]
    mode: Mapped[Mode] = mapped_column(choice(Mode), default=Mode.SUPERVISED)
    weeks: Mapped[str] = mapped_column(default="")


class Closure(Model):
    """Whole days off, first and last included. A yearly one may span New Year."""

    __tablename__ = "closure"
    __table_args__ = (CheckConstraint("last_day >= first_day", name="ends_after_start"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"), index=True)
    uid: Mapped[str] = mapped_column(unique=True)
    first_day: Mapped[date]
    last_day: Mapped[date]
    reason: Mapped[str]
    repeats_yearly: Mapped[bool] = mapped_column(default=False)
    # What a calendar must notice: SEQUENCE and LAST-MODIFIED, RFC 5545 §3.8.7.
    revision: Mapped[int] = mapped_column(default=0, onupdate=text("revision + 1"))
    changed_at: Mapped[datetime] = last_change()
