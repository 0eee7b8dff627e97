"""The place itself is set up: what is written, by whom, and what the record tells."""

import pytest
from sqlalchemy import select

from fablab import clock
from fablab.db import NoSuch, NotAllowed, db
from fablab.machines.inventory import of_place
from fablab.members.audit import AuditEntry
from fablab.members.kinds import Deed
from fablab.places.kinds import NamesShown
from fablab.settings.commands import put_steps_aside, set_place
from tests.manage.conftest import add_cast


@pytest.fixture
def set_(any_fablab):
    """set_("odile", name="…"): one of them says some of the place's values."""
    add_cast(any_fablab)

    def call(who, **values):
        by = any_fablab.people[who]
        return set_place(any_fablab.place_id, values, by=by, now=clock.now())

    return call


def place(fablab):
    return of_place(place_id=fablab.place_id).place


def notes():
    return db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()


def test_only_what_changed_is_written_down(any_fablab, set_):
    before = place(any_fablab).revision

    assert set_("amina", address="2 rue du Fil", phone="")

    (note,) = notes()
    assert (note.what, note.before, note.after) == (
        Deed.PLACE,
        {"address": "1 rue du Fil"},
        {"address": "2 rue du Fil"},
    )
    assert place(any_fablab).revision > before


def test_the_same_again_changes_nothing(any_fablab, set_):
    before = place(any_fablab).revision

    assert not set_("amina", address="1 rue du Fil")

    assert not notes()
    assert place(any_fablab).revision == before


@pytest.mark.parametrize(
    "values", [{"name": "Mine"}, {"names_shown": NamesShown.EVERYONE}, {"blue": "#000000"}]
)
def test_who_it_is_and_who_sees_what_is_for_an_administrator(any_fablab, set_, values):
    with pytest.raises(NotAllowed):
        set_("amina", **values, address="elsewhere")
    assert place(any_fablab).address == "1 rue du Fil"

    assert set_("odile", **values)


def test_the_first_steps_are_put_aside_once(any_fablab, at):
    put_steps_aside(any_fablab.place_id, now=clock.now())
    first = place(any_fablab).welcomed_at
    at("2027-04-01 09:00")
    put_steps_aside(any_fablab.place_id, now=clock.now())

    assert place(any_fablab).welcomed_at == first
    with pytest.raises(NoSuch):
        put_steps_aside(any_fablab.place_id + 1, now=clock.now())
