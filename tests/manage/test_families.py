"""Categories and pools: what machines belong to."""

import re

import pytest
from sqlalchemy import select

from fablab import ROOT
from fablab.db import db, writing
from fablab.machines.families import ICONS
from fablab.machines.models import Category, Machine, Pool
from fablab.machines.sheets import HUES
from fablab.members.audit import AuditEntry
from fablab.members.kinds import Deed
from tests.conftest import browser
from tests.manage.conftest import add_cast
from tests.support import submit

PAGE = "/manage/categories"
TEXTILE = {"name": "Textile", "hue": "plum", "icon": "spool"}


def add(client, **fields):
    return submit(client, PAGE, PAGE, **TEXTILE | fields)


def order():
    return list(db.session.scalars(select(Category.slug).order_by(Category.position)))


def category(slug):
    return db.session.scalar(
        select(Category).where(Category.slug == slug).execution_options(populate_existing=True)
    )


def deeds():
    asked = select(AuditEntry).where(AuditEntry.what == Deed.INVENTORY).order_by(AuditEntry.id)
    return db.session.scalars(asked).all()


def test_a_category_is_made_named_anew_moved_and_removed(any_fablab, any_app):
    add_cast(any_fablab)
    amina = browser(any_app, "amina")

    assert add(amina).status_code == 303
    assert order() == ["laser", "bench", "textile"]

    page = f"{PAGE}/textile"
    submit(amina, page, page, name="Sewing room", hue="teal", icon="scissors")
    sewing = category("textile")
    assert (sewing.name, sewing.hue, sewing.icon) == ("Sewing room", "teal", "scissors")

    submit(amina, PAGE, f"{page}/order", way="up")
    assert order() == ["laser", "textile", "bench"]
    submit(amina, PAGE, f"{PAGE}/laser/order", way="up")
    assert order() == ["laser", "textile", "bench"]

    shown = amina.get(PAGE).text
    assert "Scissors" in shown
    submit(amina, PAGE, f"{page}/removal")
    assert order() == ["laser", "bench"]
    assert len(deeds()) == 4


def test_what_machines_are_of_stays(cast, amina):
    assert f"{PAGE}/laser/removal" not in amina.get(PAGE).text

    answer = submit(amina, PAGE, f"{PAGE}/laser/removal")

    assert "laser" in order()
    assert "It stays" in amina.get(answer.location).text


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"name": ""}, "Give it a name."),
        ({"name": "+++"}, "Write a name with letters."),
        ({"name": "LASER"}, "Another one is called the same."),
        ({"hue": "pink"}, "Not a valid choice"),
        ({"icon": "unicorn"}, "Not a valid choice"),
    ],
)
def test_what_cannot_be_is_told_beside_its_field(cast, amina, fields, sentence):
    answer = add(amina, **fields)

    assert answer.status_code == 422
    assert sentence in answer.text
    assert "textile" not in order()


def test_a_pool_is_named_anew_and_removed_once_nothing_is_in_it(cast, amina):
    with writing() as session:
        session.add(pool := Pool(place_id=cast.place_id, slug="tools", name="Tools"))
        session.flush()
        session.get(Machine, cast.machine("bench").id).pool_id = pool.id
    page = "/manage/pools/tools"

    submit(amina, page, page, name="Benches")
    assert "Benches" in amina.get(PAGE).text
    submit(amina, PAGE, f"{page}/removal")
    assert db.session.scalar(select(Pool.name)) == "Benches"
    with writing() as session:
        session.get(Machine, cast.machine("bench").id).pool_id = None
    submit(amina, PAGE, f"{page}/removal")
    assert db.session.scalar(select(Pool.name)) is None


def test_another_place_has_no_say(annex, browse):
    dora = browse("dora")

    assert dora.get(f"{PAGE}/laser").status_code == 404


def test_each_trade_of_the_demonstration_is_drawn():
    sprite = (ROOT / "fablab/static/img/drawings.svg").read_text("utf-8")
    macro = (ROOT / "templates/components/photo.html").read_text("utf-8")
    drawn = re.findall(r'symbol id="([\w-]+)"', sprite)
    told = (ROOT / "fablab/demo/les_usines.toml").read_text("utf-8")
    tools = re.findall(r'icon = "([\w-]+)"', told)

    assert re.search(r"set drawn = \[(.*?)\]", macro)[1].replace('"', "").split(", ") == drawn
    assert set(tools) <= set(drawn) <= set(ICONS)
    assert len(HUES) == len(set(HUES))
