"""The logbook of a machine: only ever added to, for whoever looks after it."""

import re
from io import BytesIO

import pytest
from sqlalchemy import select

from fablab.db import db
from fablab.machines import files
from fablab.upkeep.kinds import EntryKind, FaultState
from fablab.upkeep.models import LogEntry
from tests.conftest import browser
from tests.manage.conftest import add_annex
from tests.support import counting, refusing, submit
from tests.upkeep.conftest import add_referent, decided, picture, reported

BOOK = "/machines/bench/logbook"
LINE = {"kind": "part", "said": "A new belt", "part": "Belt 12", "cost": "12,50"}


def write(client, **fields):
    return submit(client, BOOK, BOOK, **LINE | fields)


def lines():
    asked = select(LogEntry).order_by(LogEntry.id).execution_options(populate_existing=True)
    return db.session.scalars(asked).all()


def pdf():
    return BytesIO(b"%PDF-1.7\n%%EOF"), "manual.pdf"


def test_a_line_is_written_and_shown(any_fablab, any_app):
    add_referent(any_fablab)
    remi = browser(any_app, "remi")

    answer = write(remi, file=pdf())

    [line] = lines()
    assert (answer.status_code, answer.location) == (303, BOOK)
    assert (line.kind, line.said, line.part, line.cents) == (
        EntryKind.PART,
        "A new belt",
        "Belt 12",
        1250,
    )
    page = remi.get(BOOK).text
    for words in ("A new belt", "Belt 12", "€12.50", "Rémi Copeau", "Spent in all"):
        assert words in page
    kept = remi.get(f"{BOOK}/{line.uid}/file")
    assert kept.data == pdf()[0].getvalue()
    assert kept.headers["Content-Disposition"].startswith("attachment")


def test_the_team_has_it_among_its_pages(cast, browse):
    answer = write(browse("amina"), file=(picture(), "belt.jpg"))

    assert answer.location == "/manage/machines/bench/logbook"
    page = browse("amina").get(answer.location).text
    assert "A new belt" in page
    address = re.search(r'href="([^"]+/file)"', page)[1]
    assert browse("amina").get(address).mimetype == "image/webp"


def test_a_file_of_a_line_that_is_refused_is_asked_for_again(cast, browse):
    answer = write(browse("amina"), file=pdf(), cost="abc")

    assert answer.status_code == 422
    assert "Choose the file again" in answer.text
    assert 'href="/manage/approvals"' in answer.text
    assert "Choose the file again" not in write(browse("amina"), cost="abc").text


def test_a_line_that_is_sent_twice_is_written_once(cast, browse):
    remi = browse("remi")
    page = remi.get(BOOK).text
    fields = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page)) | LINE

    answers = [remi.post(BOOK, data=fields | {"file": pdf()}) for _ in range(2)]
    remi.post(BOOK, data=fields | {"said": "Something else"})

    assert [(each.status_code, each.location) for each in answers] == [(303, BOOK)] * 2
    assert [line.said for line in lines()] == [LINE["said"], "Something else"]
    assert len(list(files.folder().iterdir())) == 1


def test_it_is_for_whoever_looks_after_the_machine(cast, browse, app):
    add_annex(cast)
    write(browse("amina"), file=pdf())
    app.config["WTF_CSRF_ENABLED"] = False
    address = f"{BOOK}/{lines()[0].uid}/file"

    for who in ("chloe", "bruno", "anouk", "dora"):
        client = browse(who)
        assert client.get(BOOK).status_code == 404
        assert client.post(BOOK, data=LINE).status_code == 404
        assert client.get(address).status_code == 404
    assert browse("remi").get("/machines/laser/logbook").status_code == 404
    assert browse("remi").get(f"/machines/laser/logbook/{lines()[0].uid}/file").status_code == 404


def test_what_happens_to_a_fault_comes_by_itself(cast, browse):
    uid = reported(cast)
    decided(cast, uid, FaultState.RESTRICTED, "Half speed")
    decided(cast, uid, FaultState.REPAIRED, "Oiled", cents=0)

    page = browse("amina").get("/manage/machines/bench/logbook").text

    kinds = [line.kind for line in lines()]
    assert kinds == [EntryKind.FAULT, EntryKind.FINDING, EntryKind.REPAIR]
    assert page.index("Oiled") < page.index("Half speed") < page.index("It smells of burning")
    assert page.count("€0.00") == 2


def test_stops_and_returns_come_by_themselves(any_fablab, any_app):
    add_referent(any_fablab)
    amina, bench = browser(any_app, "amina"), "/manage/machines/bench"
    out = {"state": "out_of_service", "state_reason": "The vice", "back_on": ""}

    submit(amina, bench, f"{bench}/state", **out)
    submit(amina, bench, f"{bench}/state", **out)
    submit(amina, bench, f"{bench}/state", state="in_service")

    written = [(line.kind, line.said) for line in lines()]
    assert written == [(EntryKind.STOP, "The vice"), (EntryKind.RETURN, "")]
    page = amina.get(f"{bench}/logbook").text
    for words in ("Put out of service", "The vice", "Back in service", "Amina"):
        assert words in page


def test_a_correction_is_a_line_of_its_own(cast, browse):
    amina = browse("amina")
    write(amina)
    first = lines()[0].uid

    form = amina.get(f"{BOOK}?corrects={first}").text
    assert "Correct the line of" in form
    submit(amina, f"{BOOK}?corrects={first}", BOOK, said="It was belt 13")

    [old, new] = lines()
    assert (old.said, old.part) == ("A new belt", "Belt 12")
    assert (new.kind, new.said, new.corrects_id) == (
        EntryKind.CORRECTION,
        "It was belt 13",
        old.id,
    )
    assert "of the line of" in amina.get(BOOK).text


def test_only_a_line_of_that_machine_is_corrected(cast, browse):
    amina = browse("amina")
    write(amina)

    answer = submit(amina, BOOK, "/machines/laser/logbook", **LINE | {"corrects": lines()[0].uid})

    assert answer.status_code == 404
    assert len(lines()) == 1


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("said", " "),
        ("said", "x" * 1001),
        ("kind", "fault"),
        ("kind", ""),
        ("cost", "-3"),
        ("part", "x" * 201),
    ],
)
def test_what_cannot_be_read_is_said_and_kept(cast, browse, field, typed):
    answer = write(browse("amina"), **{field: typed})

    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert "Belt 12" in answer.text or field == "part"
    assert lines() == []


@pytest.mark.parametrize("sent", [b"MZ", b"<script>", b"%PDF" + b"x" * (11 * 1024 * 1024)])
def test_a_file_that_is_none_is_said_at_its_field(cast, browse, sent):
    answer = write(browse("amina"), file=(BytesIO(sent), "manual.pdf"))

    assert answer.status_code == 422
    assert 'id="file-error"' in answer.text
    assert "A new belt" in answer.text
    assert lines() == []
    assert not files.folder().exists() or not list(files.folder().iterdir())


@pytest.mark.parametrize("sent", [pdf, lambda: (picture(), "belt.jpg")])
def test_a_file_whose_line_is_not_written_is_not_kept(cast, browse, sent):
    amina = browse("amina")
    amina.get(BOOK)

    with refusing("log_entry"):
        write(amina, file=sent())

    assert list(files.folder().iterdir()) == []


def test_a_long_logbook_costs_no_more(cast, browse):
    amina = browse("amina")

    def statements():
        with counting(db.engine) as sent:
            amina.get("/manage/machines/bench/logbook")
        return len(sent)

    write(amina)
    one = statements()
    for _ in range(4):
        write(amina)
    assert statements() == one <= 6
