"""A mail about a booking: its words, and the event that goes with it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from email.utils import parseaddr
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from flask import current_app
from flask_babel import LazyString, lazy_gettext

from fablab import ical, texts
from fablab.booking import wait_links
from fablab.booking.facts import audience_of, standing_of
from fablab.booking.pages import query
from fablab.booking.presence_pages import expectation
from fablab.calendars import feed
from fablab.ical import Address, Entry
from fablab.invitations import links
from fablab.invitations.rules import KINDS, Letter, no_longer_tomorrow
from fablab.machines.inventory import of_place
from fablab.machines.kinds import STANDING, Status
from fablab.mail import outbox
from fablab.mail.delivery import one_address
from fablab.members import mails
from fablab.places.kinds import Mode
from fablab.slots import Slot
from fablab.upkeep import alternatives
from fablab.web import address_of
from fablab.words import N_

SUBJECTS = {
    Letter.MADE: N_("%(place)s: it is booked, %(machine)s, %(moment)s"),
    Letter.CHANGED: N_("%(place)s: your booking has changed, %(machine)s, %(moment)s"),
    Letter.CANCELLED: N_("%(place)s: your booking is cancelled, %(machine)s, %(moment)s"),
    Letter.MISSED: N_("%(place)s: you were expected, %(machine)s, %(moment)s"),
    Letter.ENDED_EARLY: N_("%(place)s: your booking was ended early, %(machine)s, %(moment)s"),
    Letter.RESTORED: N_("%(place)s: your booking stands again, %(machine)s, %(moment)s"),
    Letter.OFFER_WITHDRAWN: N_("%(place)s: the place is not free after all, %(machine)s"),
    Letter.WARNED: N_(
        "%(place)s: the machine you booked is out of service, %(machine)s, %(moment)s"
    ),
    Letter.RELIEVED: N_("%(place)s: the machine you booked is back, %(machine)s, %(moment)s"),
    Letter.SHUT: N_("%(place)s: the place is closed when you have booked, %(machine)s, %(moment)s"),
    Letter.REOPENED: N_(
        "%(place)s: the place is open after all when you have booked, %(machine)s, %(moment)s"
    ),
    Letter.HANDED_OVER: N_("%(place)s: your booking is handed over, %(machine)s, %(moment)s"),
    Letter.UNSHARED: N_(
        "%(place)s: the machine you booked is not shared then, %(machine)s, %(moment)s"
    ),
    Letter.SHARED: N_(
        "%(place)s: the machine you booked is shared after all, %(machine)s, %(moment)s"
    ),
    Letter.CONFIRMED: N_("%(place)s: your booking is confirmed, %(machine)s, %(moment)s"),
    Letter.DECLINED: N_("%(place)s: your booking was declined, %(machine)s, %(moment)s"),
    Letter.LAPSED: N_("%(place)s: your booking was not answered in time, %(machine)s, %(moment)s"),
    Letter.OFFERED: N_("%(place)s: a place is free for you, %(machine)s, %(moment)s"),
    Letter.OFFER_LAPSED: N_(
        "%(place)s: the slot kept for you is free for others again, %(machine)s"
    ),
    Letter.REMINDER: N_("%(place)s: tomorrow %(hour)s, %(machine)s"),
    Letter.UNSETTLED: N_("%(place)s: your booking needs another buddy, %(machine)s, %(moment)s"),
    Letter.BUDDY_REMINDER: N_("%(place)s: tomorrow %(hour)s you accompany somebody, %(machine)s"),
    Letter.BUDDY_FREE: N_("%(place)s: nobody to accompany any more, %(machine)s, %(moment)s"),
}


class Was(NamedTuple):
    """How a booking was before it changed, as far as it is otherwise now."""

    machine: str
    slot: Slot


class Instead(NamedTuple):
    """Another slot that the booking could move to, and where that is done."""

    machine: str
    slot: Slot
    link: str


def instead_of(kind: Letter, booking: Any, now: datetime) -> list[Instead]:
    """Where it could go from a machine that is out of service; or from hours at which it cannot be
    had, and then it may stay on its machine.
    """
    may_stay = kind is not Letter.WARNED
    without = Slot(booking.starts_at, booking.ends_at) if may_stay else None
    inventory = of_place(place_id=booking.place_id)
    zone = inventory.schedule.zone
    return [
        Instead(
            f"{offer.machine.code} {offer.machine.name}",
            offer.slot,
            address_of(
                "booking.move_form", uid=booking.uid, **query(offer.machine.slug, offer.slot, zone)
            ),
        )
        for offer in alternatives.for_booking(inventory, booking, now=now, without=without)
    ]


def letter(
    kind: Letter,
    booking: Any,
    *,
    method: str,
    is_own_doing: bool,
    now: datetime,
    was: Was | None = None,
    offer: Any = None,
    due_at: datetime | None = None,
    why: str = "",
    doer: str = "",
    instead: Sequence[Instead] = (),
) -> outbox.Mail:
    """The mail of that kind to the booking's member; `booking` is a row of `queries.about`, an
    `offer` one of `queries.offer_of`.
    """
    event = ical.invitation(
        entry(booking),
        method,
        organizer=organizer(booking.contact, booking.place_name),
        attendee=Address(booking.email, name_of(booking)),
        stamp=now,
        has_accepted=kind is not Letter.OFFERED,
    )
    return outbox.page(
        kind,
        subject=subject(kind, booking),
        envelope=outbox.Envelope(
            topic=booking.uid,
            calendar=event.decode() if method else "",
            method=method,
            **addresses(kind, booking),
            useless_at=useless_at(kind, booking),
        ),
        link=link_to_offer(offer, booking) if offer else link_to(booking),
        is_own_doing=is_own_doing,
        is_pending=booking.status == Status.PENDING,
        was=was,
        why=why,
        doer=doer,
        trouble=trouble_with(booking) if booking.status in STANDING else None,
        due_at=offer.due_at if offer else due_at,
        instead=instead,
        expected=expectation_of(booking) if kind in BEFOREHAND else "",
        **said_of(booking),
    )


def series_letter(
    kind: Letter,
    bookings: Sequence[Any],
    *,
    has_events: bool,
    is_own_doing: bool,
    now: datetime,
    why: str = "",
    doer: str = "",
) -> outbox.Mail:
    """One mail for what happened to several of a series at once.

    A REQUEST holds one event alone: they are published together instead, each with its own UID
    and SEQUENCE (RFC 5546 §3.2.1).
    """
    first = bookings[0]
    events = ical.announcement(
        map(entry, bookings), organizer=organizer(first.contact, first.place_name), stamp=now
    ).decode()
    return outbox.page(
        f"{kind}_series",
        subject=in_words(SERIES_SUBJECTS[kind], first, count=len(bookings)),
        envelope=outbox.Envelope(
            topic=" ".join(booking.uid for booking in bookings),
            calendar=events if has_events else "",
            method="PUBLISH" if has_events else "",
            **addresses(kind, first),
            useless_at=max(booking.ends_at for booking in bookings),
        ),
        link=link_to(first),
        is_own_doing=is_own_doing,
        is_pending=any(booking.status == Status.PENDING for booking in bookings),
        slots=[Slot(booking.starts_at, booking.ends_at) for booking in bookings],
        why=why,
        doer=doer,
        **said_of(first),
    )


class OneOf(NamedTuple):
    """One of the bookings that a mail tells of, and what can be done for it."""

    slot: Slot
    link: str
    purpose: str
    organization: str
    is_shut: bool  # the place is closed then, which the mail does not say of all
    is_out: bool  # the same of the machine
    instead: Sequence[Instead]


OTHERS_OFFERED = 5  # to so many of the bookings of one mail: each is a search of its own


def several_letter(
    kind: Letter,
    bookings: Sequence[Any],
    *,
    has_events: bool,
    offers_others: bool,
    now: datetime,
    why: str = "",
) -> outbox.Mail:
    """One mail for what came in the way of several bookings that somebody has on one machine."""
    first = bookings[0]
    events = ical.announcement(
        map(entry, bookings), organizer=organizer(first.contact, first.place_name), stamp=now
    ).decode()

    def one(at: int, booking: Any) -> OneOf:
        trouble = trouble_with(booking)
        is_searched = offers_others and at < OTHERS_OFFERED
        return OneOf(
            Slot(booking.starts_at, booking.ends_at),
            link_to(booking),
            booking.title,
            booking.organization_name or "",
            kind is not Letter.SHUT and trouble.is_shut,
            kind is not Letter.WARNED and trouble.is_out,
            instead_of(kind, booking, now) if is_searched else (),
        )

    return outbox.page(
        f"{kind}_several",
        subject=in_words(SEVERAL_SUBJECTS[kind], first, count=len(bookings)),
        envelope=outbox.Envelope(
            topic=" ".join(booking.uid for booking in bookings),
            calendar=events if has_events else "",
            method="PUBLISH" if has_events else "",
            **addresses(kind, first),
            useless_at=max(booking.ends_at for booking in bookings),
        ),
        link=outbox.address("/bookings/"),
        why=why,
        is_on=not offers_others,
        bookings=[one(at, booking) for at, booking in enumerate(bookings)],
        **said_of(first),
    )


def buddy_letter(kind: Letter, booking: Any, buddy: Any) -> outbox.Mail:
    """To whoever agreed to come along: that they need not, or that it is tomorrow. `buddy` is a row
    of `queries.buddy_of`.
    """
    said = said_of(booking) | {"to": buddy.email, "language": buddy.language}
    return outbox.page(
        kind,
        subject=subject(kind, booking),
        envelope=outbox.Envelope(
            topic=booking.uid,
            reply_to=booking.contact,
            unsubscribe=mails.stop_address(buddy.uid, KINDS[kind]),
            useless_at=useless_at(kind, booking),
        ),
        link=outbox.address("/bookings/"),
        # What for, and for whom, is its member's own business.
        **said | {"purpose": "", "organization": ""},
    )


def link_to(booking: Any) -> str:
    """Where its member reads it, and may cancel it, without signing in."""
    token = links.token_for(booking.uid, booking.member_uid)
    return outbox.address(f"/bookings/by-mail/{token}")


def link_to_offer(offer: Any, booking: Any) -> str:
    token = wait_links.token_for(offer.uid, booking.member_uid)
    return outbox.address(f"/waits/by-mail/{token}")


def said_of(booking: Any) -> dict[str, Any]:
    """What every mail about a booking says, and to whom."""
    return {
        "to": booking.email,
        "language": booking.language,
        "place": booking.place_name,
        "contact": booking.contact,
        "who": name_of(booking),
        "machine": machine_of(booking),
        "where": ", ".join(filter(None, (booking.location, booking.address))),
        "slot": Slot(booking.starts_at, booking.ends_at),
        "zone": ZoneInfo(booking.zone),
        "purpose": booking.title,
        "organization": booking.organization_name or "",
    }


SERIES_SUBJECTS = {
    Letter.MADE: N_("%(place)s: %(count)s bookings are made, %(machine)s, from %(moment)s on"),
    Letter.CHANGED: N_(
        "%(place)s: %(count)s bookings have changed, %(machine)s, from %(moment)s on"
    ),
    Letter.CANCELLED: N_(
        "%(place)s: %(count)s bookings are cancelled, %(machine)s, from %(moment)s on"
    ),
}
SEVERAL_SUBJECTS = {
    Letter.WARNED: N_(
        "%(place)s: the machine of %(count)s of your bookings is out of service, %(machine)s"
    ),
    Letter.RELIEVED: N_(
        "%(place)s: the machine of %(count)s of your bookings is back, %(machine)s"
    ),
    Letter.SHUT: N_(
        "%(place)s: the place is closed at the hours of %(count)s of your bookings, %(machine)s"
    ),
    Letter.REOPENED: N_(
        "%(place)s: the place is open after all for %(count)s of your bookings, %(machine)s"
    ),
    Letter.UNSHARED: N_(
        "%(place)s: the machine of %(count)s of your bookings is not shared then, %(machine)s"
    ),
    Letter.SHARED: N_(
        "%(place)s: the machine of %(count)s of your bookings is shared after all, %(machine)s"
    ),
}
# Of a booking that is made and waits for somebody's yes.
PENDING = N_("%(place)s: your booking waits for an answer, %(machine)s, %(moment)s")


def subject(kind: Letter, booking: Any) -> Any:
    is_pending = kind is Letter.MADE and booking.status == Status.PENDING
    return in_words(PENDING if is_pending else SUBJECTS[kind], booking)


def in_words(words: str, booking: Any, **more: Any) -> Any:
    """Lazy: it speaks the reader's language."""
    zone = ZoneInfo(booking.zone)
    return lazy_gettext(
        words,
        place=booking.place_name,
        machine=booking.machine_name,
        moment=LazyString(texts.moment, booking.starts_at, zone),
        hour=texts.hour(booking.starts_at.astimezone(zone)),
        **more,
    )


# The letters that say until when somebody is waited for.
BEFOREHAND = (Letter.MADE, Letter.CHANGED, Letter.CONFIRMED, Letter.REMINDER)


def expectation_of(booking: Any) -> Any:
    """Lazy; empty where the machine is always kept, or the booking is not confirmed yet."""
    machine = of_place(place_id=booking.place_id).by_id.get(booking.machine_id)
    if machine is None or booking.status != Status.CONFIRMED:
        return ""
    if not any(policy.release_after for policy in machine.policies.values()):
        return ""
    audience = audience_of(standing_of(booking.member_id, booking.place_id))
    slot, after = Slot(booking.starts_at, booking.ends_at), machine.policy_for(audience)
    return LazyString(expectation, slot, after.release_after, ZoneInfo(booking.zone))


class Trouble(NamedTuple):
    """What stands in the way of a booking, though it stands: whoever comes, comes for nothing."""

    closed: str | None  # why the place is closed that day
    is_shut: bool  # the place is not open for all of its hours, that day or not
    is_out: bool  # the machine is out of service
    why_out: str


def trouble_with(booking: Any) -> Trouble:
    inventory = of_place(place_id=booking.place_id)
    schedule = inventory.schedule
    day = booking.starts_at.astimezone(schedule.zone).date()
    machine = inventory.by_id.get(booking.machine_id)
    is_out = machine is not None and machine.is_out_on(day)
    is_shut = bool(schedule.closed_time(Slot(booking.starts_at, booking.ends_at), set(Mode)))
    why_out = machine.state_reason if machine and is_out else ""
    return Trouble(schedule.day_off(day), is_shut, is_out, why_out)


def addresses(kind: Letter, booking: Any) -> dict[str, str]:
    """Whom an answer reaches, and where one says that no more of these are wanted."""
    return {
        "reply_to": booking.contact,
        "unsubscribe": mails.stop_address(booking.member_uid, KINDS[kind]),
    }


def useless_at(kind: Letter, booking: Any) -> datetime | None:
    """From when on the letter would only be in the way."""
    if kind in (Letter.MISSED, Letter.ENDED_EARLY, Letter.OFFER_WITHDRAWN):
        return None
    if kind in (Letter.REMINDER, Letter.BUDDY_REMINDER):
        return no_longer_tomorrow(booking.starts_at, ZoneInfo(booking.zone))
    ends_at: datetime = booking.ends_at
    return ends_at


def organizer(contact: str, place: str) -> Address:
    """Whom answers go to: the place, or whatever our mails come from (RFC 6047 §2.3)."""
    try:
        return Address(one_address(contact).addr_spec, place)
    except ValueError:  # whatever was noted as the address of the place
        return Address(parseaddr(current_app.config["MAIL_FROM"])[1], place)


def name_of(person: Any) -> str:
    return f"{person.first_name} {person.last_name}".strip()


def machine_of(booking: Any) -> str:
    return f"{booking.code} {booking.machine_name}"


def entry(booking: Any) -> Entry:
    """The event as its member's own calendar has it; what no longer stands is cancelled."""
    words = feed.phrases(booking.language)
    event = feed.entry(booking, feed.Eyes.OWN, words, feed.booking_address(""))
    return event if booking.status != Status.MISSED else replace(event, status="CANCELLED")
