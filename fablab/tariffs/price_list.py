"""A place's prices, kept in memory until its revision moves, like all else that staff set up."""

from collections import OrderedDict
from threading import Lock
from typing import Any

from sqlalchemy import CompoundSelect, bindparam, null, select, union_all

from fablab.db import WRITES, db
from fablab.machines.inventory import KEPT, Inventory, count_changes_of, is_kept
from fablab.machines.models import Machine
from fablab.places.models import Place
from fablab.tariffs.models import Supply, Tariff
from fablab.tariffs.prices import Price, PriceList, SupplyPrice, Terms
from fablab.tariffs.rules import Rate

count_changes_of(Tariff, Supply)

_kept: OrderedDict[tuple[str, int, int], PriceList] = OrderedDict()
_lock = Lock()


def prices_of(inventory: Inventory) -> PriceList:
    """The prices of the place as they are in the inventory's revision.

    One statement the first time, none from then on.
    """
    key = (str(db.engine.url), inventory.place.id, inventory.place.revision)
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    prices, revision = _load(inventory)
    # In a write the place may be changed by the write itself: but then its revision is another
    # than that of the inventory that was committed.
    is_committed = not db.session().info.get(WRITES) or is_kept(inventory)
    if revision == key[2] and is_committed:
        with _lock:
            _kept[key] = prices
            while len(_kept) > KEPT:
                _kept.popitem(last=False)
    return prices


# The tariffs and the supplies of a place, each with its revision as it is when they are read: one
# statement, and at least one row.
LISTED: CompoundSelect[Any] = union_all(
    select(
        Place.revision,
        Tariff.id,
        Tariff.uid,
        Tariff.first_day,
        Tariff.last_day,
        Tariff.machine_id,
        Tariff.audience,
        Tariff.unit,
        Tariff.price,
        Tariff.step,
        Tariff.minimum,
        Tariff.included,
        Tariff.product,
        null().label("name"),
        null().label("measure"),
    )
    .select_from(Place)
    .outerjoin(Tariff, Tariff.place_id == Place.id)
    .where(Place.id == bindparam("place_id")),
    select(
        Place.revision,
        Supply.id,
        Supply.uid,
        Supply.first_day,
        Supply.last_day,
        Supply.machine_id,
        null(),
        null(),
        Supply.price,
        null(),
        null(),
        null(),
        Supply.product,
        Supply.name,
        Supply.unit,
    )
    .select_from(Supply)
    .join(Machine, Machine.id == Supply.machine_id)
    .join(Place, Place.id == Machine.place_id)
    .where(Place.id == bindparam("place_id")),
)


def _load(inventory: Inventory) -> tuple[PriceList, int]:
    place = inventory.place
    rows = db.session.execute(LISTED, {"place_id": place.id}).all()
    tariffs = [row for row in rows if row.unit is not None]
    supplies = [row for row in rows if row.name is not None]
    tariffs.sort(key=lambda row: (row.machine_id or 0, row.first_day, row.id))
    supplies.sort(key=lambda row: (row.machine_id, row.name, row.first_day, row.id))
    prices = PriceList(
        terms=Terms(
            inventory.schedule.zone,
            place.currency,
            place.charged,
            place.late_percent,
            place.missed_percent,
            place.vat_text,
        ),
        prices=tuple(
            Price(
                row.uid,
                row.first_day,
                row.last_day,
                row.machine_id,
                row.audience,
                Rate(row.price, row.unit, row.step, row.minimum, row.included),
                row.product,
            )
            for row in tariffs
        ),
        supplies=tuple(
            SupplyPrice(
                row.uid,
                row.first_day,
                row.last_day,
                row.id,
                row.machine_id,
                row.name,
                row.measure,
                row.price,
                row.product,
            )
            for row in supplies
        ),
    )
    return prices, rows[0].revision
