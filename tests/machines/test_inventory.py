"""What staff set up, as plain values."""

from fablab.db import db, writing
from fablab.machines.inventory import of_place
from fablab.machines.models import Machine, Pool


def test_equivalents_are_those_of_the_pool_then_those_of_the_category(fablab):
    cutter = db.session.scalars(db.select(Machine).filter_by(slug="laser")).one()
    kind = {"place_id": fablab.place_id, "category_id": cutter.category_id, "specs": {"W": "60"}}
    with writing() as session:
        pool = Pool(place_id=fablab.place_id, slug="lasers", name="Lasers")
        cutter.pool = pool
        session.add_all(
            [
                Machine(**kind, slug="l2", code="L2", name="Of the category"),
                Machine(**kind, slug="l3", code="L3", name="Of the pool", pool=pool),
            ]
        )
    inventory = of_place()

    others = inventory.equivalents(inventory.by_slug["laser"])

    assert [machine.slug for machine in others] == ["l3", "l2"]
