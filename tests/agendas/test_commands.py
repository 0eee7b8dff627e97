"""A calendar is applied whole or not at all, and undone whole: on both engines."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy import func, select

from fablab import clock, jobs
from fablab.agendas import commands, queries
from fablab.agendas.commands import ChangedMeanwhile, DraftGone, NothingToDo, TooMuch
from fablab.agendas.kinds import WholeDays
from fablab.agendas.models import Agenda, AgendaDraft, AgendaEntry
from fablab.agendas.rules import Choice
from fablab.booking import waits
from fablab.booking.models import Wait
from fablab.db import NoSuch, db, writing
from fablab.machines import commands as machines
from fablab.machines.inventory import of_place
from fablab.machines.kinds import MachineState, OccupancyKind, Status
from fablab.machines.models import Change, Machine, Occupancy
from fablab.members.audit import AuditEntry
from fablab.members.kinds import Deed
from fablab.places.models import Closure
from tests.agendas.support import days, hours, kept, shown
from tests.conftest import Fablab
from tests.invitations.conftest import told
from tests.support import counting, instant, slot

CLOSED = days("20270505", "20270508", uid="closed", title="Spring")
HIRED = hours("20270330T130000", "20270330T170000", uid="hired", title="Private hire")
HIRE = slot("2027-03-30 13:00-17:00")
AFTERNOON = slot("2027-03-30 14:00-16:00")


@pytest.fixture(autouse=True)
def in_a_request(request):
    """Words are asked for in the language of the place."""
    name = next(each for each in ("any_app", "app") if each in request.fixturenames)
    with request.getfixturevalue(name).test_request_context():
        yield


def chosen(fablab, *machines, events=range(20), whole_days=WholeDays.CLOSE, **choice):
    ids = tuple(fablab.machine(slug).id for slug in machines or ("laser", "bench"))
    return Choice(whole_days, ids, frozenset(events), **choice)


def apply(fablab: Fablab, uid: str, choice: Choice, plan=None, who: str = "amina") -> str:
    plan = plan or shown(fablab, uid, choice)
    return commands.apply(
        uid,
        choice,
        place_id=fablab.place_id,
        seen=plan.seen,
        seen_bookings=plan.seen_bookings,
        by=fablab.people[who],
        now=clock.now(),
    )


def import_(fablab: Fablab, *parts: str, machines=(), **choice) -> str:
    return apply(fablab, kept(fablab, *parts), chosen(fablab, *machines, **choice))


def undo(fablab: Fablab, uid: str) -> bool:
    return commands.undo(uid, place_id=fablab.place_id, by=fablab.people["amina"], now=clock.now())


def standing(fablab: Fablab, slug: str) -> list:
    rows = db.session.execute(
        select(Occupancy.kind, Occupancy.starts_at, Occupancy.ends_at, Occupancy.title)
        .where(Occupancy.machine_id == fablab.machine(slug).id, Occupancy.standing)
        .order_by(Occupancy.starts_at)
    )
    return [(row.kind.value, slot_of(row), row.title) for row in rows]


def slot_of(row):
    return type(HIRE)(row.starts_at, row.ends_at)


def closures() -> list:
    rows = db.session.execute(select(Closure.first_day, Closure.last_day, Closure.reason))
    return [(str(first), str(last), why) for first, last, why in rows]


def revisions() -> dict:
    return dict(db.session.execute(select(Machine.slug, Machine.revision)).all())


def contents() -> dict[str, int]:
    db.session.rollback()
    return {
        each.__tablename__: db.session.scalar(select(func.count()).select_from(each))
        for each in (Agenda, AgendaDraft, AgendaEntry, AuditEntry, Change, Closure, Occupancy)
    }


def test_days_are_closed_and_machines_withdrawn(any_fablab):
    before, place = revisions(), of_place(place_id=any_fablab.place_id).place.revision

    uid = import_(any_fablab, CLOSED, HIRED)

    assert closures() == [("2027-05-05", "2027-05-07", "Spring")]
    for slug in ("laser", "bench"):
        assert standing(any_fablab, slug) == [("outage", HIRE, "Private hire")]
    assert all(revisions()[slug] > before[slug] for slug in before)
    now = of_place(place_id=any_fablab.place_id)
    assert now.place.revision > place
    assert now.schedule.day_off(clock.date(2027, 5, 6)) == "Spring"
    agenda = queries.agenda(uid, any_fablab.place_id)
    assert (agenda.name, agenda.first_name, agenda.undone_at) == ("closures.ics", "Amina", None)
    assert len(queries.entries(agenda.id)) == 3


def test_what_was_done_is_on_record(any_fablab):
    uid = import_(any_fablab, CLOSED, HIRED)
    undo(any_fablab, uid)

    noted = db.session.execute(
        select(AuditEntry.before, AuditEntry.after, AuditEntry.made_by_id)
        .where(AuditEntry.what == Deed.AGENDA)
        .order_by(AuditEntry.id)
    ).all()
    told, amina = {"file": "closures.ics", "closures": 1, "outages": 2}, any_fablab.people["amina"]
    assert noted == [({}, told, amina), (told, {}, amina)]
    whats = db.session.scalars(select(Change.what).order_by(Change.id)).all()
    assert whats == ["withdrawn", "withdrawn", "cancelled", "cancelled"]


def test_bookings_stay_and_outages_go_around_them(any_fablab):
    booked = any_fablab.book("bench", AFTERNOON, "chloe")

    uid = import_(any_fablab, HIRED)

    assert standing(any_fablab, "bench") == [
        ("outage", slot("2027-03-30 13:00-14:00"), "Private hire"),
        ("booking", AFTERNOON, ""),
        ("outage", slot("2027-03-30 16:00-17:00"), "Private hire"),
    ]
    assert queries.agenda(uid, any_fablab.place_id).stayed == [booked]


def test_bookings_are_cancelled_as_the_team_cancels(any_fablab):
    booked = any_fablab.book("bench", AFTERNOON, "chloe")
    on_a_closed_day = any_fablab.book("bench", slot("2027-03-31 10:00-11:00"), "bruno")

    uid = import_(any_fablab, HIRED, days("20270331", uid="off"), cancels=True)

    assert standing(any_fablab, "bench") == [("outage", HIRE, "Private hire")]
    rows = db.session.execute(
        select(Occupancy.uid, Occupancy.status, Occupancy.revision, Change.made_by_id)
        .join(Change, Change.occupancy_id == Occupancy.id)
        .where(Change.what == "cancelled")
        .order_by(Occupancy.starts_at)
    ).all()
    amina = any_fablab.people["amina"]
    assert rows == [(each, Status.CANCELLED, 1, amina) for each in (booked, on_a_closed_day)]
    assert queries.agenda(uid, any_fablab.place_id).cancelled == [booked, on_a_closed_day]


def test_whose_booking_is_cancelled_is_told_by_mail(any_app, any_fablab):
    any_fablab.book("bench", AFTERNOON, "chloe")
    told()
    import_(any_fablab, HIRED, cancels=True)

    [mail] = told()

    assert (mail.recipient, mail.kind) == ("chloe@atelier.example", "booking_cancelled")
    assert "Private hire" in mail.text  # why


def test_a_machine_that_is_retired_concerns_nobody(any_fablab):
    any_fablab.book("bench", AFTERNOON, "chloe")
    with writing() as session:
        bench = session.get(Machine, any_fablab.machine("bench").id)
        bench.state = MachineState.RETIRED

    uid = import_(any_fablab, days("20270330"), machines=["laser"], cancels=True)

    assert queries.agenda(uid, any_fablab.place_id).cancelled == []
    assert standing(any_fablab, "laser") == []


def test_nobody_who_waits_is_offered_what_is_taken_at_once(any_fablab):
    """The freed slot is offered once the outage stands, and then only what is left of it."""
    any_fablab.book("bench", slot("2027-03-30 12:00-15:00"), "chloe")
    window, bruno = slot("2027-03-30 12:00-15:00"), any_fablab.people["bruno"]
    for hours_ in (1, 2):
        wish = waits.Wish(
            any_fablab.machine("bench").id,
            any_fablab.place_id,
            window,
            timedelta(hours=hours_),
            bruno if hours_ == 1 else any_fablab.people["amina"],
        )
        waits.join(wish, now=clock.now())

    import_(any_fablab, HIRED, cancels=True)

    assert standing(any_fablab, "bench") == [
        ("booking", slot("2027-03-30 12:00-13:00"), ""),
        ("outage", HIRE, "Private hire"),
    ]
    offered = select(Wait.member_id).where(Wait.offered_id.is_not(None))
    assert db.session.scalars(offered).all() == [bruno]


def test_nobody_who_waits_is_offered_a_day_that_is_closed(any_fablab):
    any_fablab.book("bench", AFTERNOON, "chloe")
    wish = waits.Wish(
        any_fablab.machine("bench").id,
        any_fablab.place_id,
        AFTERNOON,
        timedelta(hours=1),
        any_fablab.people["bruno"],
    )
    waits.join(wish, now=clock.now())

    import_(any_fablab, days("20270330"), cancels=True)

    assert standing(any_fablab, "bench") == []


def test_applied_again_it_adds_nothing(any_fablab):
    import_(any_fablab, CLOSED, HIRED)
    before = contents()

    with pytest.raises(NothingToDo):
        import_(any_fablab, CLOSED, HIRED)

    after = contents()
    assert after == before | {"agenda_draft": 1}
    assert set(queries.read_before(any_fablab.place_id)) == {"closed", "hired"}


def test_a_file_that_grew_adds_what_is_new(any_fablab):
    import_(any_fablab, HIRED)

    import_(any_fablab, HIRED, hours("20270331T130000", "20270331T170000", uid="next"))

    assert [span for _, span, _ in standing(any_fablab, "bench")] == [
        HIRE,
        slot("2027-03-31 13:00-17:00"),
    ]


@pytest.mark.parametrize("when", ["choice", "bookings", "closure"])
def test_what_was_not_shown_is_not_done(any_fablab, when):
    any_fablab.book("bench", AFTERNOON, "chloe")
    uid, choice = kept(any_fablab, CLOSED, HIRED), chosen(any_fablab, cancels=True)
    plan = shown(any_fablab, uid, choice)
    if when == "choice":
        choice = chosen(any_fablab, "bench", cancels=True)
    elif when == "bookings":
        any_fablab.book("laser", slot("2027-03-30 15:00-16:00"), "bruno")
    else:
        import_(any_fablab, CLOSED)
    before = contents()

    with pytest.raises(ChangedMeanwhile):
        apply(any_fablab, uid, choice, plan)

    assert contents() == before


def test_a_booking_made_meanwhile_stays_when_none_is_cancelled(any_fablab):
    uid, choice = kept(any_fablab, HIRED), chosen(any_fablab)
    plan = shown(any_fablab, uid, choice)
    booked = any_fablab.book("bench", AFTERNOON, "chloe")

    apply(any_fablab, uid, choice, plan)

    assert queries.agenda(uid, any_fablab.place_id).stayed == [booked]
    assert len(standing(any_fablab, "bench")) == 3


def test_a_single_event_may_be_left_out_without_a_second_look(any_fablab):
    uid = kept(any_fablab, CLOSED, HIRED)
    plan = shown(any_fablab, uid, chosen(any_fablab))

    apply(any_fablab, uid, chosen(any_fablab, events=[1]), plan)

    assert closures() == []
    assert len(standing(any_fablab, "bench")) == 1


def test_nothing_is_half_applied(any_fablab, monkeypatch):
    """Whatever fails on the way, and however late."""
    any_fablab.book("bench", AFTERNOON, "chloe")
    uid, choice = kept(any_fablab, CLOSED, HIRED), chosen(any_fablab, cancels=True)
    before = contents()
    was = standing(any_fablab, "bench")

    def fails(*_args, **_kwargs):
        raise RuntimeError("the lights went out")

    for module, name in ((commands, "withdraw_all"), (commands.audit, "note"), (waits, "offer")):
        with monkeypatch.context() as broken:
            broken.setattr(module, name, fails)
            with pytest.raises(RuntimeError):
                apply(any_fablab, uid, choice)
        assert contents() == before
        assert standing(any_fablab, "bench") == was

    apply(any_fablab, uid, choice)
    assert standing(any_fablab, "bench") == [("outage", HIRE, "Private hire")]


def test_of_two_who_apply_it_one_finds_it_gone(any_app, any_fablab):
    uid, choice = kept(any_fablab, CLOSED, HIRED), chosen(any_fablab)
    plan = shown(any_fablab, uid, choice)
    db.session.rollback()
    start, ended = Barrier(4), []

    def press(who):
        with any_app.app_context(), any_app.test_request_context():
            start.wait()
            try:
                apply(any_fablab, uid, choice, plan, who)
                ended.append("done")
            except DraftGone:
                ended.append("gone")
            finally:
                db.session.remove()

    threads = [Thread(target=press, args=("amina",)) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert sorted(ended) == ["done", "gone", "gone", "gone"]
    assert len(closures()) == 1
    assert len(standing(any_fablab, "bench")) == 1


def test_too_much_at_once_is_refused(any_fablab):
    daily = [
        hours(f"20270330T{at}0000", f"20270330T{at}3000", "RRULE:FREQ=DAILY;COUNT=500", uid=f"{at}")
        for at in (13, 14, 15)
    ]
    uid = kept(any_fablab, *daily)

    with pytest.raises(TooMuch):
        apply(any_fablab, uid, chosen(any_fablab))

    assert standing(any_fablab, "bench") == []


def test_a_draft_is_kept_for_a_day(any_fablab, at):
    uid = kept(any_fablab, CLOSED)
    at("2027-03-30 08:59")
    jobs.tidy(clock.now())
    assert queries.draft(uid, any_fablab.place_id, clock.now())

    at("2027-03-30 09:00")
    with pytest.raises(NoSuch):
        queries.draft(uid, any_fablab.place_id, clock.now())
    with pytest.raises(DraftGone):
        commands.apply(
            uid,
            chosen(any_fablab),
            place_id=any_fablab.place_id,
            seen="",
            seen_bookings="",
            by=any_fablab.people["amina"],
            now=clock.now(),
        )
    jobs.tidy(clock.now())
    assert contents()["agenda_draft"] == 0


def test_a_draft_holds_whatever_was_sent(any_fablab):
    uid = commands.keep(
        "a.ics",
        b"BEGIN:VCALENDAR\0\xff",
        any_fablab.place_id,
        by=any_fablab.people["amina"],
        now=clock.now(),
    )

    assert queries.draft(uid, any_fablab.place_id, clock.now()).content == b"BEGIN:VCALENDAR\0\xff"


# -- in the place of an import of before

LATER = hours("20270331T130000", "20270331T170000", uid="later", title="Later")


def made() -> dict:
    """What stands, by UID, as calendars tell changes of it."""
    outages = select(Occupancy.uid, Occupancy.revision, Occupancy.changed_at).where(
        Occupancy.kind == OccupancyKind.OUTAGE, Occupancy.standing
    )
    closed = select(Closure.uid, Closure.revision, Closure.changed_at)
    db.session.rollback()
    return {row[0]: row[1:] for each in (outages, closed) for row in db.session.execute(each)}


def test_a_file_that_changed_is_in_place_of_its_import(any_fablab):
    before = import_(any_fablab, CLOSED, HIRED, LATER)
    [closure] = db.session.scalars(select(Closure.uid)).all()

    uid = import_(
        any_fablab,
        days("20270512", "20270514", uid="closed", title="Spring"),
        hours("20270330T140000", "20270330T180000", uid="hired", title="Private hire"),
        replaces={before},
    )

    assert closures() == [("2027-05-12", "2027-05-13", "Spring")]
    for slug in ("laser", "bench"):
        moved = slot("2027-03-30 14:00-18:00")
        assert standing(any_fablab, slug) == [("outage", moved, "Private hire")]
    assert made()[closure][0] == 1  # the same closure, in its next revision
    old, new = (queries.agenda(each, any_fablab.place_id) for each in (before, uid))
    assert (old.undone_at, new.undone_at, new.replaced) == (new.applied_at, None, [before])
    assert [each.uid for each in queries.replaced(new, any_fablab.place_id)] == [before]
    assert queries.in_its_stead(old, any_fablab.place_id).uid == uid
    assert queries.in_its_stead(new, any_fablab.place_id) is None
    assert queries.replaced(old, any_fablab.place_id) == []


def test_what_is_the_same_stays_the_same(any_fablab, at):
    before = import_(any_fablab, CLOSED, HIRED, LATER)
    was = made()
    at("2027-03-29 10:00")

    uid = import_(any_fablab, CLOSED, HIRED, replaces={before})

    assert {each: was[each] for each in made()} == made()
    assert len(made()) == 3
    agenda = queries.agenda(uid, any_fablab.place_id)
    assert len(queries.entries(agenda.id)) == 3


def test_a_file_that_is_the_same_changes_nothing(any_fablab):
    before = import_(any_fablab, CLOSED, HIRED)
    was = contents()

    with pytest.raises(NothingToDo):
        import_(any_fablab, CLOSED, HIRED, replaces={before})

    assert contents() == was | {"agenda_draft": 1}


def test_undone_it_is_undone_alone(any_fablab):
    before = import_(any_fablab, CLOSED, HIRED, LATER)
    uid = import_(any_fablab, CLOSED, HIRED, replaces={before})

    assert undo(any_fablab, uid)
    assert not undo(any_fablab, before)

    assert made() == {}


def test_what_has_begun_of_an_import_that_is_replaced_stays(any_fablab, at):
    over = days("20270329", "20270331", uid="over", title="Over")
    under_way = days("20270330", "20270403", uid="days", title="Under way")
    an_hour = hours("20270401T130000", "20270401T170000", uid="hours", title="Under way")
    before = import_(any_fablab, over, under_way, an_hour)
    at("2027-04-01 15:30")

    import_(
        any_fablab,
        over,
        days("20270330", "20270405", uid="days", title="Under way"),
        hours("20270401T130000", "20270401T180000", uid="hours", title="Under way"),
        replaces={before},
    )

    assert closures() == [
        ("2027-03-29", "2027-03-30", "Over"),
        ("2027-03-30", "2027-04-04", "Under way"),
    ]
    assert standing(any_fablab, "bench") == [
        ("outage", slot("2027-04-01 13:00-15:30"), "Under way"),
        ("outage", slot("2027-04-01 15:30-18:00"), "Under way"),
    ]


def test_a_closure_that_has_begun_ends_when_it_is_for_other_days(any_fablab, at):
    before = import_(any_fablab, days("20270330", "20270403", uid="days", title="Days"))
    at("2027-04-01 15:30")

    import_(any_fablab, days("20270405", uid="days", title="Days"), replaces={before})

    assert closures() == [
        ("2027-03-30", "2027-03-31", "Days"),
        ("2027-04-05", "2027-04-05", "Days"),
    ]


def test_bookings_are_respected_as_before(any_fablab):
    before = import_(any_fablab, HIRED)
    booked = any_fablab.book("bench", slot("2027-03-30 17:00-18:00"), "chloe")

    later = hours("20270330T150000", "20270330T190000", uid="hired", title="Private hire")
    uid = import_(any_fablab, later, replaces={before})

    assert standing(any_fablab, "bench") == [
        ("outage", slot("2027-03-30 15:00-17:00"), "Private hire"),
        ("booking", slot("2027-03-30 17:00-18:00"), ""),
        ("outage", slot("2027-03-30 18:00-19:00"), "Private hire"),
    ]
    assert queries.agenda(uid, any_fablab.place_id).stayed == [booked]


def test_an_event_that_is_called_off_goes_with_its_import(any_fablab):
    before = import_(any_fablab, HIRED)

    off = hours("20270330T130000", "20270330T170000", "STATUS:CANCELLED", uid="hired")
    import_(any_fablab, off, replaces={before})

    assert standing(any_fablab, "bench") == []


def test_what_another_import_made_stays(any_fablab):
    before, other = import_(any_fablab, HIRED), import_(any_fablab, LATER)

    import_(any_fablab, HIRED.replace("T170000", "T160000"), replaces={before, other})

    assert queries.agenda(other, any_fablab.place_id).undone_at is None
    assert standing(any_fablab, "bench")[1][2] == "Later"


@pytest.mark.parametrize("when", ["undone", "replaced", "imported"])
def test_an_import_that_is_no_longer_what_was_shown_is_not_replaced(any_fablab, when):
    before, moved = import_(any_fablab, HIRED), HIRED.replace("T170000", "T160000")
    uid, choice = kept(any_fablab, moved), chosen(any_fablab, replaces={before})
    plan = shown(any_fablab, uid, choice)
    if when == "undone":
        undo(any_fablab, before)
    elif when == "replaced":
        import_(any_fablab, HIRED, LATER, replaces={before})
    else:
        import_(any_fablab, HIRED.replace("T130000", "T120000"))
    was = contents()

    with pytest.raises(ChangedMeanwhile):
        apply(any_fablab, uid, choice, plan)

    assert contents() == was


def test_nothing_is_half_replaced(any_fablab, monkeypatch):
    before = import_(any_fablab, CLOSED, HIRED, LATER)
    moved = HIRED.replace("T170000", "T160000")
    uid, choice = kept(any_fablab, moved), chosen(any_fablab, replaces={before})
    was, stood = contents(), made()

    def fails(*_args, **_kwargs):
        raise RuntimeError("the lights went out")

    for module, name in ((commands, "withdraw_all"), (commands.audit, "note")):
        with monkeypatch.context() as broken:
            broken.setattr(module, name, fails)
            with pytest.raises(RuntimeError):
                apply(any_fablab, uid, choice)
        assert (contents(), made()) == (was, stood)
        assert queries.agenda(before, any_fablab.place_id).undone_at is None

    apply(any_fablab, uid, choice)
    assert len(made()) == 2


def test_replaced_and_undone_at_once_one_of_both_wins(any_app, any_fablab):
    """Whoever comes second finds it changed; nobody waits in a circle."""
    before = import_(any_fablab, CLOSED, HIRED)
    uid = kept(any_fablab, HIRED.replace("T170000", "T160000"))
    choice = chosen(any_fablab, replaces={before})
    plan = shown(any_fablab, uid, choice)
    db.session.rollback()
    start, ended = Barrier(2), []

    def replace():
        try:
            apply(any_fablab, uid, choice, plan)
            return "replaced"
        except ChangedMeanwhile:
            return "changed"

    def press(what):
        with any_app.app_context(), any_app.test_request_context():
            start.wait()
            ended.append(what())
            db.session.remove()

    deeds = (replace, lambda: undo(any_fablab, before))
    threads = [Thread(target=press, args=(each,)) for each in deeds]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert set(ended) in ({"replaced", False}, {"changed", True})
    assert len(made()) == (2 if "replaced" in ended else 0)


# -- some bookings alone


def test_bookings_are_cancelled_one_by_one(any_fablab):
    goes = any_fablab.book("bench", AFTERNOON, "chloe")
    stays = any_fablab.book("laser", AFTERNOON, "bruno")

    uid = import_(any_fablab, HIRED, cancelled={goes, "nobody's"})

    agenda = queries.agenda(uid, any_fablab.place_id)
    assert (agenda.cancelled, agenda.stayed) == ([goes], [stays])
    assert standing(any_fablab, "bench") == [("outage", HIRE, "Private hire")]
    assert ("booking", AFTERNOON, "") in standing(any_fablab, "laser")


def test_no_booking_that_is_ticked_is_cancelled_beside_one_that_was_not_shown(any_fablab):
    booked = any_fablab.book("bench", AFTERNOON, "chloe")
    uid, choice = kept(any_fablab, HIRED), chosen(any_fablab, cancelled={booked})
    plan = shown(any_fablab, uid, choice)
    any_fablab.book("laser", AFTERNOON, "bruno")
    before = contents()

    with pytest.raises(ChangedMeanwhile):
        apply(any_fablab, uid, choice, plan)

    assert contents() == before


def test_a_draft_that_is_left_is_gone(any_fablab):
    uid, other = kept(any_fablab, CLOSED), kept(any_fablab, HIRED)
    assert not commands.leave(uid, any_fablab.place_id + 1)
    assert len(queries.drafts(any_fablab.place_id, clock.now())) == 2

    assert commands.leave(uid, any_fablab.place_id)
    assert not commands.leave(uid, any_fablab.place_id)

    [draft] = queries.drafts(any_fablab.place_id, clock.now())
    assert (draft.uid, draft.name, draft.first_name) == (other, "closures.ics", "Amina")
    assert queries.drafts(any_fablab.place_id + 1, clock.now()) == []


# -- undone


def test_undone_all_of_it_goes(any_fablab):
    any_fablab.book("bench", AFTERNOON, "chloe")
    uid = import_(any_fablab, CLOSED, HIRED)
    before, place = revisions(), of_place(place_id=any_fablab.place_id).place.revision

    assert undo(any_fablab, uid)

    assert closures() == []
    assert standing(any_fablab, "laser") == []
    assert standing(any_fablab, "bench") == [("booking", AFTERNOON, "")]
    assert all(revisions()[slug] > before[slug] for slug in before)
    assert of_place(place_id=any_fablab.place_id).place.revision > place
    any_fablab.book("bench", slot("2027-03-30 16:00-17:00"), "chloe")


def test_undone_twice_it_changes_nothing(any_fablab):
    uid = import_(any_fablab, CLOSED, HIRED)
    undo(any_fablab, uid)
    import_(any_fablab, CLOSED, HIRED)
    before = contents()

    assert not undo(any_fablab, uid)

    assert contents() == before
    assert len(closures()) == 1
    assert len(standing(any_fablab, "bench")) == 1


def test_cancelled_bookings_do_not_come_back(any_fablab):
    any_fablab.book("bench", AFTERNOON, "chloe")
    uid = import_(any_fablab, HIRED, cancels=True)

    undo(any_fablab, uid)

    assert standing(any_fablab, "bench") == []


def test_who_stays_booked_on_a_closed_day_is_told_and_again_when_it_is_undone(any_fablab):
    any_fablab.book("bench", AFTERNOON, "bruno")
    any_fablab.book("laser", slot("2027-04-01 14:00-16:00"), "bruno")
    told()

    uid = import_(any_fablab, days("20270330", title="Spring"))

    [mail] = told()
    assert (mail.kind, mail.recipient) == ("booking_shut", "bruno@atelier.example")
    assert "Spring" in mail.text
    undo(any_fablab, uid)
    [mail] = told()
    assert (mail.kind, mail.recipient) == ("booking_reopened", "bruno@atelier.example")
    assert told() == []


def test_a_calendar_that_replaces_another_warns_nobody_twice(any_fablab):
    any_fablab.book("bench", AFTERNOON, "bruno")
    spring = days("20270330", uid="closed", title="Spring")
    told()
    before = import_(any_fablab, spring)
    assert [mail.kind for mail in told()] == ["booking_shut"]

    import_(any_fablab, spring, days("20270512", uid="later"), replaces={before})

    assert told() == []


def test_whose_booking_goes_with_the_closure_hears_that_alone(any_fablab):
    any_fablab.book("bench", AFTERNOON, "bruno")
    told()

    import_(any_fablab, days("20270330", title="Spring"), cancels=True)

    assert [mail.kind for mail in told()] == ["booking_cancelled"]


def test_what_has_begun_ends_and_what_is_over_stays(any_fablab, at):
    uid = import_(
        any_fablab,
        days("20270330", uid="over", title="Over"),
        days("20270331", "20270403", uid="under way", title="Under way"),
        days("20270401", uid="today", title="Today"),
        days("20270402", uid="later", title="Later"),
        hours("20270331T130000", "20270331T140000", uid="h1", title="Over"),
        hours("20270401T130000", "20270401T170000", uid="h2", title="Under way"),
        hours("20270401T180000", "20270401T190000", uid="h3", title="Later"),
    )
    at("2027-04-01 15:30")

    undo(any_fablab, uid)

    assert closures() == [
        ("2027-03-30", "2027-03-30", "Over"),
        ("2027-03-31", "2027-03-31", "Under way"),
    ]
    assert standing(any_fablab, "bench") == [
        ("outage", slot("2027-03-31 13:00-14:00"), "Over"),
        ("outage", slot("2027-04-01 13:00-15:30"), "Under way"),
    ]


def test_what_the_team_ended_itself_stays_as_it_is(any_fablab):
    uid = import_(any_fablab, HIRED)
    of_bench = select(Occupancy.uid).where(Occupancy.machine_id == any_fablab.machine("bench").id)
    machines.end_outage(db.session.scalars(of_bench).one(), by=None, now=clock.now())

    assert undo(any_fablab, uid)

    revision = select(Occupancy.revision).where(Occupancy.kind == OccupancyKind.OUTAGE)
    assert db.session.scalars(revision).all() == [1, 1]


def test_another_place_knows_nothing_of_it(any_fablab):
    draft, applied = kept(any_fablab, CLOSED), import_(any_fablab, HIRED)
    elsewhere = any_fablab.place_id + 1

    with pytest.raises(NoSuch):
        queries.draft(draft, elsewhere, clock.now())
    with pytest.raises(NoSuch):
        queries.agenda(applied, elsewhere)
    with pytest.raises(NoSuch):
        commands.undo(applied, place_id=elsewhere, by=any_fablab.people["amina"], now=clock.now())
    assert queries.agendas(elsewhere) == []


# -- what it costs


@pytest.mark.parametrize("times", [1, 20])
def test_many_dates_cost_as_few_statements_as_one(fablab, times):
    uid, choice = (
        kept(
            fablab,
            hours("20270330T130000", "20270330T170000", f"RRULE:FREQ=WEEKLY;COUNT={times}"),
            CLOSED,
        ),
        chosen(fablab),
    )
    plan = shown(fablab, uid, choice)

    with counting(db.engine) as applying:
        apply(fablab, uid, choice, plan)
    with counting(db.engine) as looking:
        queries.outages_of(queries.agenda(uid, fablab.place_id).id)

    assert len(applying) <= 24, applying
    assert len(looking) == 2


def test_a_plan_costs_one_statement(fablab):
    uid = kept(fablab, CLOSED, HIRED)
    inventory = of_place(place_id=fablab.place_id)
    reading = commands.reading_of(
        queries.draft(uid, fablab.place_id, clock.now()), inventory, clock.now()
    )

    choice = chosen(fablab)

    with counting(db.engine) as statements:
        commands.plan(inventory, reading, choice, now=instant("2027-03-29 09:00"))

    assert len(statements) == 1


def test_only_the_latest_files_of_a_place_are_kept(any_fablab):
    uids = [kept(any_fablab, CLOSED) for _ in range(commands.DRAFTS + 3)]

    found = db.session.scalars(select(AgendaDraft.uid).order_by(AgendaDraft.id)).all()
    assert list(found) == uids[3:]
