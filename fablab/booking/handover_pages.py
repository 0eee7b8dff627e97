"""What the pages about handing a booking over show, as plain values."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from flask import url_for
from flask_babel import gettext as _

from fablab import texts
from fablab.booking import handover_queries, handovers, pages
from fablab.booking.consent_pages import AskedLine, full_name
from fablab.booking.facts import Standing, audience_of, reads_names
from fablab.booking.kinds import HandoverEnd
from fablab.booking.known import Facts
from fablab.booking.queries import BookedBy
from fablab.booking.rules import refusals
from fablab.booking.verdicts import Reason, Refusal
from fablab.machines.inventory import Inventory, of_place
from fablab.members.people import Person
from fablab.slots import Slot
from fablab.tariffs.price_list import prices_of
from fablab.tariffs.prices import quote
from fablab.tariffs.words import amount_said
from fablab.words import N_

ENDED = {
    HandoverEnd.ACCEPTED: N_("You have taken this booking over."),
    HandoverEnd.DECLINED: N_("You have left it to %(who)s."),
    HandoverEnd.LAPSED: N_("It was not answered in time, and stays with %(who)s."),
    HandoverEnd.TAKEN_BACK: N_("%(who)s keeps this booking after all."),
    HandoverEnd.OVER: N_("This booking is not to be had any more."),
}

# What whoever takes it over puts right in the form, before it is asked of them.
ASKED_THERE = frozenset({Reason.NO_BUDDY, Reason.NOT_READ, Reason.NOT_YOUR_ORGANIZATION})


@dataclass(frozen=True, slots=True)
class Offered:
    """A booking of somebody else, as whoever it is offered to sees it."""

    uid: str
    who: str
    code: str
    hue: str
    machine: str
    when: str
    due: str
    is_open: bool
    said: str  # why there is nothing to answer; empty while there is
    booking_url: str  # once it is theirs


def offered(row: Any, inventory: Inventory, now: datetime) -> Offered:
    """`row` is one of `handover_queries.handovers`."""
    zone, who = inventory.schedule.zone, full_name(row)
    is_open = handovers.is_open(row, row, now)
    outcome = row.outcome or HandoverEnd.OVER
    is_taken = row.outcome == HandoverEnd.ACCEPTED and row.member_id == row.offered_to_id
    return Offered(
        uid=row.uid,
        who=who,
        code=row.code,
        hue=row.hue,
        machine=row.machine_name,
        when=pages.when(Slot(row.starts_at, row.ends_at), zone, now),
        due=texts.moment(row.due_at, zone),
        is_open=is_open,
        said="" if is_open else _(ENDED[outcome], who=who),
        booking_url=url_for("booking.show", uid=row.booking_uid) if is_taken else "",
    )


def offered_to(member_id: int, now: datetime) -> list[AskedLine]:
    """What waits for their answer, the soonest due first. One statement, and one for each place."""
    rows = handover_queries.offered_to(member_id, now)
    found = [offered(row, of_place(place_id=row.place_id), now) for row in rows]
    return [
        AskedLine(
            each.code,
            each.hue,
            each.machine,
            each.when,
            _("%(who)s offers you this booking.", who=each.who),
            url_for("handovers.show", uid=each.uid),
        )
        for each in found
    ]


def in_the_way(facts: Facts, slot: Slot) -> list[Refusal]:
    """Why they may not take it over, whatever they answer in the form."""
    if pages.may_ask_company(facts):
        facts = replace(facts, is_accompanied=True)
    return [each for each in refusals(slot, facts) if each.reason not in ASKED_THERE]


class Worth(NamedTuple):
    """What the slot is worth, for whom it may be taken over; no amounts where no price is known."""

    amounts: list[tuple[str, str]]  # for whom, how much
    vat: str


def worth(
    machine_id: int,
    slot: Slot,
    standing: Standing | None,
    organizations: Sequence[BookedBy],
    inventory: Inventory,
    *,
    is_accompanied: bool,
) -> Worth:
    prices = prices_of(inventory)
    own = standing.audience if standing else None
    whose = [(_("Myself"), audience_of(standing))]
    whose += [(each.name, each.prices or own) for each in organizations]
    quoted = [
        (name, quote(prices, machine_id, audience, slot, is_accompanied=is_accompanied))
        for name, audience in whose
    ]
    currency = prices.terms.currency
    known = [(name, amount_said(amount, currency)) for name, amount in quoted if amount is not None]
    return Worth(known, prices.terms.vat_text)


class Given(NamedTuple):
    """To whom a booking is offered, on its own page."""

    sentence: str
    until: str


class HandingOver(NamedTuple):
    """Whether a booking may be offered, and the offer that waits for an answer."""

    is_possible: bool = False
    given: Given | None = None


def of_booking(booking: Any, member_id: int, inventory: Inventory, now: datetime) -> HandingOver:
    """For whose it is alone. One statement, of what may be handed over."""
    is_there = booking.machine_id in inventory.by_id
    if booking.member_id != member_id or not is_there or not handovers.is_free_to_go(booking, now):
        return HandingOver()
    row = handover_queries.of_booking(booking.id, now)
    if row is None:
        return HandingOver(True)
    due = texts.moment(row.due_at, inventory.schedule.zone)
    return HandingOver(
        False,
        Given(
            _("You offer it to %(email)s.", email=row.email),
            _("It stays yours until they accept. They may answer until %(moment)s.", moment=due),
        ),
    )


def given_of(member_id: int, rows: Iterable[Any], now: datetime) -> dict[str, str]:
    """Of these bookings of theirs, those that wait for somebody's answer: a sentence by UID. The
    rows tell the place, on whose clock it is said. One statement.
    """
    given = handover_queries.given_of(member_id, now)
    return {
        row.uid: _(
            "Offered to %(email)s, who may answer until %(moment)s.",
            email=given[row.id].email,
            moment=texts.moment(
                given[row.id].due_at, of_place(place_id=row.place_id).schedule.zone
            ),
        )
        for row in rows
        if row.id in given and row.member_id == member_id and handovers.is_free_to_go(row, now)
    }


def given_in_words(row: Any, person: Person, inventory: Inventory, now: datetime) -> str:
    """`row` is one of `handover_queries.given_by`; to whom is for those who may read names."""
    when = texts.moment(row.ended_at, inventory.schedule.zone)
    if reads_names(person.standings.get(inventory.place.id), inventory, now):
        return _(
            "You handed this booking over to %(who)s, who accepted it on %(moment)s.",
            who=full_name(row),
            moment=when,
        )
    return _("You handed this booking over; it was accepted on %(moment)s.", moment=when)


def of_whose_it_is(history: Sequence[Any]) -> Sequence[Any]:
    """What happened to a booking since it is its member's: what was said before is not theirs."""
    taken = [at for at, row in enumerate(history) if row.what == "handed_over"]
    return history[taken[-1] :] if taken else history
