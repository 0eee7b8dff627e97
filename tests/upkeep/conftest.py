"""Rémi looks after the bench and nothing else; what anybody sends, in one line."""

import re
from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import select

from fablab import clock
from fablab.db import add_row, db, writing
from fablab.machines.models import MachineReferent
from fablab.mail.models import OutgoingMail
from fablab.upkeep import faults
from fablab.upkeep.faults import Report, Verdict
from fablab.upkeep.kinds import FaultState
from tests.conftest import Fablab
from tests.manage.conftest import add_cast

WORDS = "It smells of burning"


def add_referent(fablab: Fablab) -> None:
    add_cast(fablab)
    with writing() as session:
        machine_id = fablab.machine("bench").id
        add_row(session, MachineReferent, machine_id=machine_id, member_id=fablab.people["remi"])


@pytest.fixture
def cast(fablab: Fablab) -> Fablab:
    add_referent(fablab)
    return fablab


def reported(fablab: Fablab, who: str = "chloe", slug: str = "bench", **more: Any) -> str:
    told = Report(**{"what": WORDS, "is_usable": True} | more)
    return faults.report(
        fablab.machine(slug),
        told,
        place_id=fablab.place_id,
        by=fablab.people[who],
        now=clock.now(),
    )


def decided(fablab: Fablab, uid: str, state: FaultState, said: str = "", **more: Any) -> None:
    verdict = Verdict(state, said, **more)
    faults.decide(uid, verdict, by=fablab.people["amina"], now=clock.now())


def mails(kind: str) -> list[Any]:
    table = OutgoingMail.__table__
    return list(db.session.execute(select(table).where(table.c.kind == kind).order_by(table.c.id)))


def picture(width: int = 640, height: int = 480, kind: str = "JPEG") -> BytesIO:
    made = BytesIO()
    Image.new("RGB", (width, height), "teal").save(made, kind)
    made.seek(0)
    return made


def settle(client: Any, action: str, page: str, **fates: str) -> Any:
    """Send the page on which each booking's fate is chosen: as it is drawn, but for `fates`, by the
    bookings' UIDs with their hyphens left out.
    """
    form = re.search(rf'<form[^>]*action="{re.escape(action)}".*?</form>', page, re.S)
    assert form
    fields = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form[0]))
    fields |= dict(re.findall(r'name="(fate-[^"]+)" value="([^"]+)" checked', form[0]))
    given = {name: fates.get(name[5:].replace("-", "")) for name in fields if "fate-" in name}
    return client.post(action, data=fields | {k: v for k, v in given.items() if v})


def options(page: str, uid: str) -> list[str]:
    """What may become of a booking, on the page that asks."""
    return re.findall(rf'name="fate-{uid}" value="([^"]+)"', page)


def count(asked: Any) -> int:
    """How many rows a query finds."""
    return len(db.session.execute(asked).all())
