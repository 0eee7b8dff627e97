"""What the help says, from the settings as they are and the bounds that the code itself keeps."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, NamedTuple

from flask import current_app, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from fablab import texts
from fablab.booking import waits
from fablab.imports import drafts
from fablab.machines.inventory import Inventory
from fablab.machines.kinds import Approval
from fablab.machines.policies import BookingPolicy
from fablab.mail import outbox
from fablab.members import marks, rules
from fablab.members.commands import UNPROVEN
from fablab.members.kinds import Audience
from fablab.places.kinds import NamesShown
from fablab.places.models import Place
from fablab.places.words import WEEKDAYS, hours_of_day


class Step(NamedTuple):
    title: str
    sentences: list[str]
    way: str
    url: str


def how_to_book(inventory: Inventory, audience: Audience | None, place: Place) -> list[Step]:
    """For one kind of member, a visitor being none: what holds on all machines together, and
    between which limits where they differ.
    """
    policies = [machine.policy_for(audience) for machine in inventory.machines]
    return [
        Step(
            _("Choose a machine"),
            [_("Each has its page: what it does, when it is free, and its own rules.")],
            _("See the machines"),
            url_for("home.machines"),
        ),
        Step(
            _("Have what it asks for"),
            training(policies),
            _("See the trainings"),
            url_for("trainings.index"),
        ),
        Step(
            _("Choose your time"),
            [*limits(policies), *agreements(policies)],
            _("See the planning"),
            url_for("home.day"),
        ),
        Step(
            _("Come, or give it back"),
            [
                _("Say that you are here with one button, on the page of the machine."),
                *releases(policies),
                _("Finished early? Say so too: the machine is free for the others at once."),
                _("Something wrong? Report the fault on its page: whoever comes next is warned."),
                _("You cannot come? Cancel, even late: somebody may be waiting for the place."),
                *suspensions(place),
            ],
            _("See my bookings"),
            url_for("booking.index"),
        ),
    ]


def training(policies: Iterable[BookingPolicy]) -> list[str]:
    asking = sum(policy.level > 0 for policy in policies)
    if not asking:
        return [_("No machine here asks for a qualification.")]
    return [
        ngettext(
            "%(num)s machine asks for a qualification: a training gives it.",
            "%(num)s machines ask for a qualification: a training gives it.",
            asking,
        )
    ]


def limits(policies: list[BookingPolicy]) -> list[str]:
    hourly = [policy for policy in policies if not policy.whole_days]
    if not hourly:
        return []
    shortest = min(policy.fixed or policy.minimum for policy in hourly)
    longest = max(policy.fixed or policy.maximum for policy in hourly)
    near, far = (each(policy.horizon_days for policy in policies) for each in (min, max))
    return [
        _(
            "From %(least)s to %(most)s at a time, depending on the machine.",
            least=texts.length(shortest),
            most=texts.length(longest),
        ),
        _("Up to %(days)s ahead.", days=texts.days_count(far))
        if near == far
        else _(
            "Up to %(near)s or %(far)s ahead, depending on the machine.",
            near=texts.days_count(near),
            far=texts.days_count(far),
        ),
    ]


def agreements(policies: Iterable[BookingPolicy]) -> list[str]:
    asking = sum(p.approval is not Approval.NEVER or p.owner_approval for p in policies)
    if not asking:
        return []
    return [
        ngettext(
            "For %(num)s machine somebody agrees first; the slot is kept for you meanwhile.",
            "For %(num)s machines somebody agrees first; the slot is kept for you meanwhile.",
            asking,
        )
    ]


def releases(policies: Iterable[BookingPolicy]) -> list[str]:
    """What nobody came to, where it is given to others."""
    delays = {policy.release_after for policy in policies if policy.release_after}
    if not delays:
        return []
    return [
        _(
            "Where nobody has arrived %(time)s after the start, some machines are given to others.",
            time=texts.length(min(delays)),
        )
    ]


def suspensions(place: Place) -> list[str]:
    """What follows from late cancellations and absences, if anything does."""
    if not place.marks_allowed:
        return []
    return [
        _(
            "%(marks)s late cancellations or absences within %(window)s: no booking for %(time)s.",
            marks=place.marks_allowed,
            window=texts.days_count(place.marks_window_days),
            time=texts.days_count(place.marks_suspension_days),
        )
    ]


def week(inventory: Inventory) -> list[tuple[str, str]]:
    openings = inventory.schedule.openings
    return [(_(name), hours_of_day(day, openings)) for day, name in WEEKDAYS.items()]


# -- what is kept


def who_reads(inventory: Inventory) -> list[str]:
    place = inventory.place
    named = {
        NamesShown.EVERYONE: _("Everybody reads on the planning who has booked, visitors too."),
        NamesShown.MEMBERS: _("Members who are signed in read on the planning who has booked."),
        NamesShown.NOBODY: _("Nobody but the team reads who has booked: others read “Booked”."),
    }
    told = [
        named[place.names_shown],
        _(
            "The team of the place reads your bookings, your qualifications and how to reach you;"
            " your telephone number only if you share it."
        ),
        _(
            "What you report of a machine is read by whoever looks after it, with your name and"
            " photo; by the other members without either, until it is closed."
        ),
        _("Whoever manages an organization reads what is booked on its behalf, and nothing else."),
        _(
            "A calendar at a secret address is read by whoever knows it: you may change"
            " the address."
        ),
    ]
    if place.has_public_feeds:
        told.append(_("The public calendar of a machine says when it is taken, without any name."))
    return told


def how_long() -> list[tuple[str, str]]:
    """What is kept, and for how long: each bound is the one that the code forgets by."""
    config: Any = current_app.config
    idle, at_most = (
        texts.days_count(config[name]) for name in ("SESSION_IDLE_DAYS", "SESSION_ABSOLUTE_DAYS")
    )
    return [
        (
            _("Your account: name, addresses, membership, qualifications"),
            _("Until you erase it, on the page of your account"),
        ),
        (
            _("Bookings, when you came and left, and what was done to them"),
            _(
                "No end is set: they make the statements and reports. Of an erased account they"
                " stay without a name."
            ),
        ),
        (_("Late cancellations and absences"), after(marks.KEPT)),
        (
            _("Faults you reported: the words, the photo, when"),
            _(
                "Until you erase your account; the logbook of the machine then says that there was"
                " a fault, and no longer your words."
            ),
        ),
        (_("What you waited for, once that is over"), after(waits.KEPT)),
        (_("The text of a mail"), _("Until it has left")),
        (_("That a mail was sent, and to whom"), after(outbox.KEPT)),
        (_("Tries to sign in, with the network they came from"), after(rules.DAY)),
        (_("An account whose address was never confirmed"), after(UNPROVEN)),
        (_("A file that the team sends to import"), _("%(time)s at most", time=after(drafts.KEPT))),
        (
            _("Being signed in"),
            _("%(idle)s without a visit, %(most)s at most", idle=idle, most=at_most),
        ),
        (
            _("The log of the machine: which page, when, by which member’s number"),
            _(
                "As long as whoever runs it keeps logs; it holds no names and no whole mail"
                " addresses"
            ),
        ),
    ]


def after(duration: timedelta) -> str:
    return texts.length(duration)


def cookies() -> list[tuple[str, str]]:
    """All there are, by their names, and what for."""
    return [
        (
            current_app.config["SESSION_COOKIE_NAME"],
            _("that you are signed in"),
        ),
        ("language", _("the language you chose")),
        ("theme", _("the light look or the dark one, if you chose")),
        ("view", _("the planning as a grid or as a list, if you chose")),
    ]
