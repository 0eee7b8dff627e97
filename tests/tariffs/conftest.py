"""L'Atelier's prices: the laser 28 € an hour by quarters, 14 to residents; company 30 €."""

from datetime import date, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from fablab import clock
from fablab.db import writing
from fablab.tariffs.kinds import Unit
from fablab.tariffs.models import Supply, Tariff
from tests.conftest import Fablab

QUARTER = timedelta(minutes=15)


def set_price(fablab: Fablab, slug: str | None, price: str, **changed) -> str:
    """A price of a machine, or of company, for everybody and since ever unless said otherwise."""
    uid = str(uuid4())
    machine_id = fablab.machine(slug).id if slug else None
    facts = {"unit": Unit.HOUR, "step": QUARTER, "first_day": date(2026, 1, 1)}
    with writing() as session:
        session.add(
            Tariff(
                uid=uid,
                place_id=fablab.place_id,
                machine_id=machine_id,
                price=Decimal(price),
                made_at=clock.now(),
                **facts | changed,
            )
        )
    return uid


def set_supply(fablab: Fablab, slug: str, name: str, price: str, **changed) -> str:
    uid = str(uuid4())
    facts = {"unit": "g", "first_day": date(2026, 1, 1)}
    with writing() as session:
        session.add(
            Supply(
                uid=uid,
                machine_id=fablab.machine(slug).id,
                name=name,
                price=Decimal(price),
                made_at=clock.now(),
                **facts | changed,
            )
        )
    return uid


@pytest.fixture
def priced(fablab: Fablab) -> Fablab:
    set_price(fablab, "laser", "28")
    set_price(fablab, None, "30")
    return fablab
