"""A Wednesday at the fablab, lived from its opening to its end: whatever happens, the team's board,
its sheet, its calendar and the mails tell the same at every step.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import unescape
from itertools import product
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from icalendar import Calendar
from sqlalchemy import select

from fablab import clock, demo
from fablab.booking import commands, waits
from fablab.booking.orders import BookingRefused, Order
from fablab.calendars import commands as calendars
from fablab.calendars.kinds import About, Scope
from fablab.db import db
from fablab.jobs import Runner
from fablab.machines.inventory import of_place
from fablab.machines.kinds import STANDING, OccupancyKind, Status
from fablab.machines.models import Machine, Occupancy
from fablab.members.models import Member
from tests.conftest import browser
from tests.mail.conftest import Postmaster
from tests.mail.conftest import postmaster as postmaster
from tests.mail.conftest import serve as serve
from tests.support import PARIS, slot, submit
from tests.upkeep.conftest import settle

DAY = "2026-11-25"
CAMILLE = "camille.aubrelle@usines.example"
NOA = "noa.perrinelle@filplomb.example"
ROBIN = "robin.charlevin@navette.example"
ALIX = "alix.vermandoye@navette.example"
Line = tuple[str, str, str]  # the machine's code, from when to when, who


@dataclass
class TheDay:
    app: Flask
    at: Callable[[str], None]
    postmaster: Postmaster
    runner: Runner
    team: FlaskClient
    calendar: str
    read: int = 0  # mails that were looked at

    def now_it_is(self, hour: str) -> None:
        """The clock goes on, the background work is done, and all agree."""
        self.at(f"{DAY} {hour}")
        self.agree()

    def work(self) -> None:
        for _round in range(3):  # to notice, to write, to send
            self.runner.once()
        db.session.rollback()  # what it did is read from here on

    def mails(self) -> dict[str, list[str]]:
        """Those that came since the last look: their subjects, by whom they are to."""
        self.work()
        came, found = self.postmaster.got[self.read :], {}
        self.read = len(self.postmaster.got)
        for mail in came:
            found.setdefault(mail["To"], []).append(mail["Subject"])
        return found

    def agree(self) -> set[Line]:
        """What is booked today, as the database has it and everything else tells."""
        self.work()
        booked = set(standing())
        assert set(self.on_the_sheet()) == booked
        assert set(self.in_the_calendar()) == booked
        starts = {(row.code, hour(row.starts_at), who(row)) for row in booked_today()}
        missed = {(row.code, hour(row.starts_at), who(row)) for row in booked_today(Status.MISSED)}
        shown = {entry[1:] for entry in self.on_the_board()}
        assert missed <= shown <= starts | missed
        return booked

    def on_the_sheet(self) -> Iterator[Line]:
        row = r'<th scope="row"[^>]*>([^<]*)</th>\s*<td><span[^>]*>(\w+)</span>.*?<b>(.*?)</b>'
        for hours, code, who in re.findall(row, self.team.get("/manage/day/sheet").text, re.S):
            if re.fullmatch(r"[\d:–]+", hours):  # of this day alone
                yield code, hours, unescape(who)

    def in_the_calendar(self) -> Iterator[Line]:
        calendar = Calendar.from_ical(self.team.get(self.calendar).data)
        for event in calendar.walk("VEVENT"):
            start, end = event["DTSTART"].dt, event["DTEND"].dt
            told = re.fullmatch(r"(?:À valider\s: )?(.*?)\s: .* \((\w+)\)", str(event["SUMMARY"]))
            is_booking = "/bookings/" in str(event.get("URL", ""))
            if told and is_booking and f"{start:%F} {end:%F}" == f"{DAY} {DAY}":
                yield told[2], f"{hour(start)}–{hour(end)}", told[1]

    def on_the_board(self) -> Iterator[tuple[str, str, str, str]]:
        """State, code, hour and who of each arrival."""
        entry = (
            r'<li class="arrival(?: arrival--(\w+))?">'
            r'\s*<div class="arrival__hour(?: arrival__hour--any)?">([^<]+)</div>'
            r'.*?arrival__who">(.*?)</b><span[^>]*>(\w+)</span>'
        )
        for state, hour, who, code in re.findall(entry, self.board(), re.S):
            yield state, code, "0:00" if hour == "all day" else hour, unescape(who)

    def board(self) -> str:
        return self.team.get("/manage/day/board").text

    def tile(self, code: str) -> str:
        """What the board says of a machine, in plain words."""
        tiles = re.findall(r'<li class="tile.*?</li>', self.board(), re.S)
        [found] = [each for each in tiles if f">{code}</span>" in each]
        return " ".join(re.sub(r"<[^>]+>", " ", found).split())

    def press(self, uid: str, what: str) -> None:
        """A button of the board."""
        action = f"/bookings/{uid}/{what}"
        answer = submit(self.team, "/manage/day/board", action)
        assert answer.status_code == 303, answer.text


def standing() -> Iterator[Line]:
    for row in booked_today():
        start, end = (at.astimezone(PARIS) for at in (row.starts_at, row.ends_at))
        if f"{start:%F} {end:%F}" == f"{DAY} {DAY}":
            yield row.code, f"{hour(start)}–{hour(end)}", who(row)


def booked_today(*statuses: Status) -> list[Any]:
    """What stands, or is of these statuses, and begins today."""
    whole = slot(f"{DAY} 00:00-23:59")
    return list(
        db.session.execute(
            select(Occupancy.uid, Occupancy.starts_at, Occupancy.ends_at, Occupancy.status)
            .add_columns(Machine.code, Member.first_name, Member.last_name, Member.email)
            .join(Machine, Machine.id == Occupancy.machine_id)
            .join(Member, Member.id == Occupancy.member_id)
            .where(Occupancy.kind == OccupancyKind.BOOKING)
            .where(Occupancy.status.in_(statuses or STANDING))
            .where(Occupancy.starts_at >= whole.start, Occupancy.starts_at < whole.end)
            .order_by(Occupancy.starts_at, Machine.code)
        )
    )


def hour(at: datetime) -> str:
    there = at.astimezone(PARIS)
    return f"{there.hour}:{there:%M}"


def who(row: Any) -> str:
    return f"{row.first_name} {row.last_name}"


@pytest.fixture
def day(
    make_app: Callable[..., Flask], at: Callable[[str], None], postmaster: Postmaster, serve: Any
) -> Iterator[TheDay]:
    at(f"{DAY} 08:00")
    app = make_app(MAIL_URL=f"smtp://127.0.0.1:{serve().port}")
    with app.app_context():
        assert demo.load(clock.now())
        place = of_place().place.id
        camille = db.session.scalar(select(Member.id).where(Member.email == CAMILLE))
        token = calendars.make_address(
            About(Scope.DAY),
            member_id=camille,
            place_id=place,
            key=calendars.new_key(),
            now=clock.now(),
        )
        book_until(40, by=camille)
        team = browser(app, CAMILLE)
        lived = TheDay(app, at, postmaster, Runner(app), team, f"/calendars/{token}/day.ics")
        lived.mails()
        yield lived


def book_until(many: int, *, by: int) -> None:
    """The team books for its members whatever the rules allow, until so many are booked today."""
    inventory = of_place()
    others = select(Member.id).where(Member.email.not_in((CAMILLE, NOA)))
    members = db.session.scalars(others.order_by(Member.id)).all()
    for machine, hour, member in product(inventory.machines, range(14, 20), members):
        if len(booked_today()) >= many:
            return
        wanted = slot(f"{DAY} {hour}:00-{hour + 1}:00")
        order = Order(machine.id, inventory.place.id, wanted, member)
        try:
            commands.book(order, by=by, is_team=True, now=clock.now())
        except BookingRefused:
            continue
    raise AssertionError("the rules leave too little of the day")


def wait_for(code: str, window: str, email: str) -> str:
    """Somebody gets in line for three quarters of an hour of a machine; the wait's UID."""
    inventory, member = (
        of_place(),
        db.session.scalar(select(Member.id).where(Member.email == email)),
    )
    machine = inventory.by_slug[code.lower()].id
    wish = waits.Wish(machine, inventory.place.id, slot(window), timedelta(minutes=45), member)
    return waits.join(wish, now=clock.now())


def find(code: str, from_: str) -> Any:
    """The booking of a machine that begins at that hour today, whatever became of it."""
    starts = slot(f"{DAY} {from_}-23:59").start
    asked = select(Occupancy).join(Machine).where(Machine.code == code)
    return db.session.scalars(asked.where(Occupancy.starts_at == starts)).one()


def test_the_day_is_the_same_for_all_who_look_at_it(day):
    forty = day.agree()
    assert len(booked_today()) >= 40

    # Noa waits for the laser that is taken, and for the workbench.
    day.now_it_is("09:50")
    for_the_laser = wait_for("M02", f"{DAY} 10:00-12:00", NOA)
    for_the_bench = wait_for("M23", f"{DAY} 12:00-15:00", NOA)

    # Somebody arrives: the board and the sheet say so, no calendar is sent anew for it.
    day.now_it_is("10:04")
    printing = find("M05A", "10:00").uid
    unchanged = day.team.get(day.calendar).headers["ETag"]
    day.press(printing, "arrival")
    assert ("here", "M05A", "10:00", "Camille Aubrelle") in day.on_the_board()
    assert ("late", "M02", "10:00", "Robin Charlevin") in day.on_the_board()
    assert "arrived at 10:04" in day.team.get("/manage/day/sheet").text
    assert day.team.get(day.calendar).headers["ETag"] == unchanged
    assert day.agree() == forty
    assert day.mails() == {}

    # Nobody comes to the laser: after its half hour it is kept for Noa, who takes it.
    day.now_it_is("10:31")
    missed = find("M02", "10:00")
    assert missed.status is Status.MISSED
    assert ("absent", "M02", "10:00", "Robin Charlevin") in day.on_the_board()
    told = day.mails()
    assert set(told) == {ROBIN, NOA}
    day.now_it_is("10:36")
    noa = browser(day.app, NOA)
    page = f"/waits/{for_the_laser}"
    assert submit(noa, page, f"{page}/answer", answer="yes", purpose="Lampe").status_code == 303
    booked = day.agree()
    [hers] = [line for line in booked if line[0] == "M02" and line[2] == "Noa Perrinelle"]
    assert booked == forty - {("M02", "10:00–12:00", "Robin Charlevin")} | {hers}
    assert set(day.mails()) == {NOA}

    # 10:40: the press smokes. Whoever reports it, the team takes it out of service, and who has
    # booked it today is told.
    day.now_it_is("10:40")
    alix = browser(day.app, ALIX)
    reported = submit(
        alix, "/machines/m09/faults/new", "/machines/m09/faults", what="It smokes.", usable="no"
    )
    assert reported.status_code == 303
    assert CAMILLE in day.mails()
    fault = reported.location.rpartition("/")[2]
    verdict = f"/machines/m09/faults/{fault}/verdict"
    asked = submit(
        day.team,
        f"/manage/faults/{fault}",
        verdict,
        state="out_of_service",
        said="Résistance à remplacer",
        back_on="2026-11-27",
    )
    assert asked.status_code == 409
    smoking = find("M09", "10:30").uid
    answer = settle(day.team, verdict, asked.text, **{smoking.replace("-", ""): "cancel"})
    assert answer.status_code == 303
    assert ALIX in day.mails()
    assert "Résistance à remplacer" in day.tile("M09")
    assert "Résistance à remplacer" in day.team.get("/manage/day/sheet").text
    day.agree()

    # The workbench is left early: what is left of it is kept for Noa.
    day.now_it_is("10:58")
    bench = find("M23", "11:00").uid
    day.press(bench, "arrival")
    day.now_it_is("12:05")
    assert day.mails() == {}
    day.press(bench, "departure")
    assert hour(find("M23", "11:00").ends_at) == "12:05"
    told = day.mails()
    assert NOA in told
    page = f"/waits/{for_the_bench}"
    assert submit(noa, page, f"{page}/answer", answer="yes", purpose="Lampe").status_code == 303
    booked = day.agree()
    assert ("M23", "11:00–12:05", "Sasha Guérivaud") in booked
    assert any(line[0] == "M23" and line[2] == "Noa Perrinelle" for line in booked)
    assert "Noa Perrinelle" in day.tile("M23")

    # At the end of the day nobody is expected any more, but for what is lent for days.
    day.now_it_is("23:50")
    assert {code for state, code, *_ in day.on_the_board() if state in ("", "late")} == {"M24"}
