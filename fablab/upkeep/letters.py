"""The mails about faults, in their readers' language."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext
from sqlalchemy.orm import Session

from fablab.machines.inventory import of_place
from fablab.mail import outbox
from fablab.members import mails
from fablab.members.kinds import MailKind
from fablab.members.rules import wants
from fablab.upkeep import queries
from fablab.words import N_

REPORTED = N_("%(place)s: a fault is reported, %(machine)s")
SORTED = N_("%(place)s: what became of the fault you reported, %(machine)s")


def reported(
    session: Session,
    machine: Any,
    told: Any,
    uid: str,
    *,
    place_id: int,
    by: int,
    now: datetime,
) -> None:
    """To the team and the machine's referents, but for whoever reported it."""
    readers = queries.caretakers(place_id, machine.id, now)
    reporter = queries.name_of(by)
    for reader in readers:
        if reader.id == by:
            continue
        _post(
            session,
            "fault_reported",
            REPORTED,
            reader,
            machine=f"{machine.code} {machine.name}",
            place_id=place_id,
            path=f"/machines/{machine.slug}/faults/{uid}",
            now=now,
            what=told.what,
            is_usable=told.is_usable,
            has_photo=bool(told.photo),
            who=reporter,
        )


def sorted_out(session: Session, fault: Any, verdict: Any, *, by: int, now: datetime) -> None:
    """To whoever reported it, of what others found or did."""
    reader = queries.reader(fault.reported_by_id)
    if reader is None or reader.id == by:
        return
    _post(
        session,
        "fault_sorted",
        SORTED,
        reader,
        machine=f"{fault.code} {fault.machine_name}",
        place_id=fault.place_id,
        path=f"/machines/{fault.slug}/faults/{fault.uid}",
        now=now,
        what=fault.what,
        state=verdict.state.value,
        said=verdict.said,
        back_on=verdict.back_on,
    )


def _post(
    session: Session,
    kind: str,
    subject: str,
    reader: Any,
    *,
    machine: str,
    place_id: int,
    path: str,
    now: datetime,
    **values: Any,
) -> None:
    if not wants(MailKind.FAULTS, reader.channel, mails.refused(reader.refused_mails)):
        return
    place = queries.sender(place_id)
    is_first = of_place().place.id == place_id
    outbox.post_page(
        session,
        kind,
        to=reader.email,
        language=reader.language,
        subject=lazy_gettext(subject, place=place.name, machine=machine),
        envelope=outbox.Envelope(
            reply_to=place.email, unsubscribe=mails.stop_address(reader.uid, MailKind.FAULTS)
        ),
        now=now,
        place=place.name,
        contact=place.email,
        machine=machine,
        zone=ZoneInfo(place.zone),
        link=outbox.address(path if is_first else f"{path}?place={place.slug}"),
        **values,
    )
