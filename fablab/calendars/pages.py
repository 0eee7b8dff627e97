"""What the page of one's calendars shows, as plain values: the template only lays them out."""

from collections.abc import Container, Iterable
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

from flask import url_for
from flask_babel import gettext as _

from fablab import texts
from fablab.calendars.feed import NAMES
from fablab.calendars.kinds import About, Scope
from fablab.calendars.queries import Run, Shared
from fablab.calendars.rules import Reader, may_read, reaches
from fablab.clock import to_wall, today
from fablab.machines.inventory import Inventory
from fablab.members.kinds import Channel
from fablab.members.people import Standing
from fablab.places.kinds import NamesShown


class Offer(NamedTuple):
    """A calendar this person may have: what it is called in the form, and what it holds."""

    value: str
    about: About
    title: str
    holds: str
    who: str  # reads it, and what they learn of whom


def reader_of(standing: Standing | None, inventory: Inventory, now: datetime) -> Reader:
    if standing is None:
        return Reader(is_member=False)
    day = today(inventory.schedule.zone, now)
    until = standing.suspended_until
    return Reader(
        is_member=reaches(standing.expires_on, day),
        is_team=standing.is_team,
        is_suspended=until is not None and until > now,
    )


def main_offers(reader: Reader, inventory: Inventory, organizations: Iterable[Run]) -> list[Offer]:
    """The calendars of a person, of the organizations they run, and of the place: a card each."""
    is_named = inventory.place.names_shown != NamesShown.NOBODY or reader.is_team
    offers = [
        Offer(
            "member",
            About(Scope.MEMBER),
            _("My bookings"),
            _(
                "All your bookings with their machine, room and purpose, and the training sessions"
                " you follow or give. What is cancelled stays, marked as such, until it would have"
                " begun."
            ),
            _("For you alone: it says where you will be, and when."),
        ),
        *(_of_organization(each) for each in organizations),
        Offer(
            "place",
            About(Scope.PLACE),
            _("Everything at %(place)s", place=inventory.place.name),
            _("Every booking and outage of every machine, and the days the place is closed."),
            _("It names who has booked, as the planning does. Keep it among members.")
            if is_named
            else _("It names nobody."),
        ),
        Offer(
            "trainings",
            About(Scope.TRAININGS),
            _("Training sessions"),
            _("The sessions to come, with their training, place, machines and seats left."),
            _("It names who gives each, and nobody who comes."),
        ),
        Offer(
            "day",
            About(Scope.DAY),
            _("The day, for the team"),
            _(
                "Today from midnight to midnight and the seven days after: who comes, for which"
                " organization, to do what; outages and closures."
            ),
            _(
                "For the team alone: it holds names, purposes, and the telephone numbers of"
                " those who agreed to it."
            ),
        ),
    ]
    runs = reader._replace(runs_organization=True)
    return [offer for offer in offers if may_read(offer.about.scope, runs)]


class Group(NamedTuple):
    """Offers of one kind, to choose from."""

    title: str
    offers: list[Offer]


def more_offers(reader: Reader, inventory: Inventory, pools: Iterable[Shared]) -> list[Group]:
    """The narrower calendars: of a category, a pool, a machine."""
    groups = [
        Group(
            _("Categories"),
            [
                Offer(
                    f"category/{category.slug}",
                    About(Scope.CATEGORY, category_id=category.id),
                    category.name,
                    _("Every booking and outage of the machines of this category."),
                    _("It shows of others what the planning shows."),
                )
                for category in inventory.categories
            ],
        ),
        Group(
            _("Interchangeable machines"),
            [
                Offer(
                    f"pool/{pool.slug}",
                    About(Scope.POOL, pool_id=pool.id),
                    pool.name,
                    _("Every booking and outage of these machines, which stand for one another."),
                    _("It shows of others what the planning shows."),
                )
                for pool in pools
            ],
        ),
        Group(
            _("Machines"),
            [
                Offer(
                    f"machine/{machine.slug}",
                    About(Scope.MACHINE, machine_id=machine.id),
                    _("%(machine)s (%(code)s)", machine=machine.name, code=machine.code),
                    _("When the machine is busy, nothing else."),
                    _("It names nobody. The address on the machine's page says the same to anyone.")
                    if inventory.place.has_public_feeds
                    else _("It names nobody. Machines have no public address here, only this one."),
                )
                for machine in inventory.machines
            ],
        ),
    ]
    allowed = (
        Group(title, [offer for offer in offers if may_read(offer.about.scope, reader)])
        for title, offers in groups
    )
    return [group for group in allowed if group.offers]


def _of_organization(organization: Run) -> Offer:
    return Offer(
        f"organization/{organization.slug}",
        About(Scope.ORGANIZATION, organization_id=organization.id),
        organization.name,
        _("The bookings made on behalf of the organization, with who made each."),
        _("For those who run the organization: it names its people."),
    )


class Card(NamedTuple):
    """One calendar on the page, with or without an address."""

    offer: Offer
    id: str
    is_live: bool
    made: str  # when its address was made
    used: str  # when a calendar last read it


def cards(offers: Iterable[Offer], held: dict[About, Any], inventory: Inventory) -> list[Card]:
    return [_card(offer, held.get(offer.about), inventory) for offer in offers]


def _card(offer: Offer, token: Any, inventory: Inventory) -> Card:
    id = offer.value.replace("/", "-")
    if token is None:
        return Card(offer, id, is_live=False, made="", used="")
    zone = inventory.schedule.zone
    made = to_wall(zone, token.created_at)
    # Kept to the hour, which may have begun before the address was made.
    used = token.used_at and to_wall(zone, max(token.used_at, token.created_at))
    return Card(
        offer,
        id,
        is_live=True,
        made=_("Address made on %(day)s.", day=texts.day(made.date(), texts.DAY_AND_YEAR)),
        used=_(
            "Last read on %(day)s around %(hour)s.",
            day=texts.day(used.date(), texts.DAY_AND_YEAR),
            hour=texts.hour(used),
        )
        if used
        else _("No calendar has read it yet."),
    )


class Told(NamedTuple):
    """What is odd about how somebody learns of their bookings, and the channel that mends it."""

    title: str
    sentence: str
    button: str
    channel: Channel


def told_twice(channel: Channel, held: Container[About]) -> Told | None:
    """Two ways show every booking twice, none shows nothing."""
    reads = About(Scope.MEMBER) in held
    if channel is Channel.INVITATION and reads:
        return Told(
            _("Your bookings may show twice"),
            _(
                "They come by this calendar, and by mail as invitations that your program puts"
                " into another one."
            ),
            _("By the calendar alone"),
            Channel.FEED,
        )
    if channel is Channel.FEED and not reads:
        return Told(
            _("Your bookings show nowhere else"),
            _("You have chosen to read them in your calendar alone, and it has no address here."),
            _("By invitations in mails"),
            Channel.INVITATION,
        )
    return None


class Address(NamedTuple):
    """A new address, for the one time it is shown."""

    offer: Offer
    url: str
    webcal: str
    code: str  # the picture of its QR code
    links: list[tuple[str, str]]


def address(offer: Offer, token: str) -> Address:
    url = url_for("calendars.secret", token=token, name=NAMES[offer.about.scope], _external=True)
    webcal = webcal_of(url)
    outlook = urlencode({"url": url, "name": offer.title})
    return Address(
        offer,
        url,
        webcal,
        url_for("calendars.code", token=token),
        [
            (
                _("Add to Google Calendar"),
                f"https://calendar.google.com/calendar/r?{urlencode({'cid': webcal})}",
            ),
            (
                _("Add to Outlook"),
                f"https://outlook.live.com/calendar/0/addfromweb?{outlook}",
            ),
            (
                _("Add to Outlook at work"),
                f"https://outlook.office.com/calendar/0/addfromweb?{outlook}",
            ),
        ],
    )


def webcal_of(url: str) -> str:
    """The address as telephones and calendar programs know to subscribe to."""
    return f"webcal:{url.partition(':')[2]}"
