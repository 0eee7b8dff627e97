"""Who looks after a machine, and what one must have read before using it."""

import pytest
from sqlalchemy import select

from fablab import clock
from fablab.db import db
from fablab.machines import policy_commands
from fablab.machines.inventory import of_place
from fablab.machines.models import MachineReferent
from fablab.members.audit import AuditEntry
from fablab.members.kinds import Deed
from tests.conftest import browser
from tests.manage.conftest import add_cast
from tests.support import submit

LASER = "/manage/machines/laser"
GOGGLES = "Stay beside it.\r\nNever without the air."


def save(client, text):
    return submit(client, LASER, f"{LASER}/safety", safety=text)


def add(client, email):
    return submit(client, LASER, f"{LASER}/referents", email=email)


def remove(client, email):
    return submit(client, LASER, f"{LASER}/referents/removal", email=email)


def referents():
    return db.session.execute(select(MachineReferent.machine_id, MachineReferent.member_id)).all()


def notes():
    return db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()


def test_the_safety_text_is_asked_of_members_at_once(cast, amina):
    before = cast.machine("laser").safety_hash

    assert save(amina, GOGGLES).status_code == 303

    laser = cast.machine("laser")
    assert laser.safety == "Stay beside it.\nNever without the air."
    assert laser.safety_hash != before
    (note,) = notes()
    assert (note.what, note.machine_id, note.before) == (Deed.POLICY, laser.id, {"safety": ""})
    html = amina.get(LASER).text
    assert "Stay beside it." in html
    assert "Safety text" in html


def test_the_same_text_again_is_no_change(cast, amina):
    save(amina, GOGGLES)
    save(amina, GOGGLES)

    assert len(notes()) == 1


@pytest.mark.parametrize("odd", ["x" * 10_000, "a\0b", "\u202egnissap", "a\u2028b"])
def test_an_odd_safety_text_is_refused_and_kept_in_the_form(cast, amina, odd):
    answer = save(amina, odd)

    assert answer.status_code == 422
    assert 'id="safety-error"' in answer.text
    assert cast.machine("laser").safety == ""
    assert not notes()


def test_the_longest_text_is_kept(cast, amina):
    assert save(amina, "x" * 2000).status_code == 303
    assert save(amina, "x" * 2001).status_code == 422
    assert len(cast.machine("laser").safety) == 2000


def test_somebody_looks_after_the_machine(cast, amina):
    revision = of_place().place.revision

    assert add(amina, " Bruno@Atelier.example ").status_code == 303
    assert add(amina, "bruno@atelier.example").status_code == 303

    assert referents() == [(cast.machine("laser").id, cast.people["bruno"])]
    assert of_place().place.revision > revision
    html = amina.get(LASER).text
    assert "Bruno Lefil" in html
    (note,) = notes()
    assert (note.what, note.member_id) == (Deed.REFERENTS, cast.people["bruno"])
    assert note.after == {"referent_of": "L1 Laser cutter"}


def test_and_no_longer(cast, amina, uid):
    add(amina, "bruno@atelier.example")

    assert remove(amina, "bruno@atelier.example").status_code == 303

    assert referents() == []
    assert notes()[-1].before == {"referent_of": "L1 Laser cutter"}
    assert "L1 Laser cutter" in amina.get(f"/manage/members/{uid('bruno')}").text
    assert remove(amina, "bruno@atelier.example").status_code == 404


@pytest.mark.parametrize(
    "email",
    [
        "",
        "nobody@atelier.example",
        "emile@atelier.example",  # of another place
        "lina@atelier.example",  # of none
        "\0",
        "x" * 10_000,
        "bruno@atelier.example\r\nBcc: a@b.example",
    ],
)
def test_who_is_no_member_of_the_place_cannot(annex, cast, amina, email):
    answer = add(amina, email)

    assert answer.status_code == 422
    assert 'id="email-error"' in answer.text
    assert referents() == []
    assert remove(amina, email).status_code == 422


def test_the_commands_find_nobody_elsewhere(annex, cast):
    laser, by = cast.machine("laser").id, cast.people["amina"]

    for machine, member in ((laser, cast.people["emile"]), (999, cast.people["bruno"])):
        with pytest.raises(LookupError):
            policy_commands.add_referent(machine, member, by=by, now=clock.now())


def test_it_works_on_both_engines(any_app, any_fablab):
    add_cast(any_fablab)
    amina = browser(any_app, "amina")

    assert save(amina, GOGGLES).status_code == 303
    assert add(amina, "bruno@atelier.example").status_code == 303
    assert remove(amina, "bruno@atelier.example").status_code == 303
    assert referents() == []
