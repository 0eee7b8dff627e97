"""A place's prices, kept in memory until its revision moves, like all else that staff set up."""

from collections import OrderedDict
from threading import Lock

from sqlalchemy import select

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

    Three statements the first time, none from then on.
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


def _load(inventory: Inventory) -> tuple[PriceList, int]:
    place_id = inventory.place.id
    supplies = db.session.execute(
        select(Supply.__table__)
        .join(Machine, Machine.id == Supply.machine_id)
        .where(Machine.place_id == place_id)
        .order_by(Supply.machine_id, Supply.name, Supply.first_day, Supply.id)
    ).all()
    tariffs = db.session.execute(
        select(Tariff.__table__)
        .where(Tariff.place_id == place_id)
        .order_by(Tariff.machine_id, Tariff.first_day, Tariff.id)
    ).all()
    # Read last: when it is still the inventory's revision, so are the prices.
    place = db.session.execute(
        select(
            Place.revision,
            Place.currency,
            Place.charged,
            Place.late_percent,
            Place.missed_percent,
            Place.vat_text,
        ).where(Place.id == place_id)
    ).one()
    prices = PriceList(
        terms=Terms(inventory.schedule.zone, *place[1:]),
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
                row.unit,
                row.price,
                row.product,
            )
            for row in supplies
        ),
    )
    return prices, place.revision
