"""Files that were sent, between the dry run and the import."""

import pytest
from sqlalchemy import func, select

from fablab import clock, imports
from fablab.db import NoSuch, db
from fablab.imports import ChangedMeanwhile, Shown, drafts
from fablab.imports.models import ImportDraft
from fablab.jobs import tidy
from fablab.machines.models import Machine
from tests.support import instant

MACHINES = b"code,name,category\nS1,Sewing machine,Textile\n"
KIND = imports.KINDS["machines"]


def keep(fablab, content=MACHINES):
    now, amina = clock.now(), fablab.people["amina"]
    return drafts.keep("machines", "machines.csv", content, fablab.place_id, by=amina, now=now)


def apply(fablab, draft):
    lines, now = imports.read(KIND, MACHINES), clock.now()
    return imports.apply(KIND, lines, fablab.place_id, now=now, by=None, draft=draft)


def plan(fablab):
    return imports.compare(KIND, imports.read(KIND, MACHINES), fablab.place_id, now=clock.now())


def kept():
    return db.session.scalar(select(func.count()).select_from(ImportDraft))


def test_what_was_shown_is_applied_once(any_fablab):
    shown = Shown(keep(any_fablab), plan(any_fablab).fingerprint)

    apply(any_fablab, shown)

    assert db.session.scalar(select(Machine.name).where(Machine.code == "S1"))
    assert kept() == 0
    with pytest.raises(NoSuch):
        apply(any_fablab, shown)


def test_what_changed_since_it_was_shown_is_not_applied(any_fablab):
    shown = Shown(keep(any_fablab), plan(any_fablab).fingerprint)
    apply(any_fablab, None)

    with pytest.raises(ChangedMeanwhile):
        apply(any_fablab, shown)

    assert kept() == 1


def test_a_file_is_kept_for_a_day_and_of_many_the_latest(fablab, at):
    first = keep(fablab)
    uids = [keep(fablab) for _ in range(drafts.MOST)]

    with pytest.raises(NoSuch):
        drafts.find(first, fablab.place_id, clock.now())
    assert drafts.find(uids[-1], fablab.place_id, clock.now()).content == MACHINES
    with pytest.raises(NoSuch):
        drafts.find(uids[-1], fablab.place_id + 1, clock.now())

    at("2027-03-30 09:00")
    with pytest.raises(NoSuch):
        drafts.find(uids[-1], fablab.place_id, clock.now())
    tidy(instant("2027-03-30 09:00"))
    assert kept() == 0
