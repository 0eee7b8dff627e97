"""Files as other programs write them: workbooks, other names of columns, a machine's calendar."""

import re
import zipfile
from io import BytesIO
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from fablab import clock, imports
from fablab.agendas.reading import MAX_TIMES
from fablab.db import db
from fablab.imports import columns, sheet, workbook
from fablab.imports.bookings import Use
from fablab.imports.calendar import Whose, past
from fablab.machines.kinds import MachineState, Status
from fablab.machines.models import Occupancy
from fablab.manage import import_pages
from fablab.members.kinds import Audience
from fablab.members.models import Member, Membership
from tests.conftest import browser
from tests.home.test_pages import words
from tests.manage.test_imports import apply, send
from tests.support import PARIS, instant, slot, submit
from tests.test_import_bookings import written

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
LINKS = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
BOOK = (
    f'<workbook {MAIN} {LINKS}><sheets><sheet name="A" sheetId="1" r:id="rId1"/></sheets>'
    "</workbook>"
)
RELS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Type="worksheet" Target="worksheets/sheet1.xml"/></Relationships>'
)
STYLES = (
    f'<styleSheet {MAIN}><numFmts><numFmt numFmtId="164" formatCode="dd/mm/yyyy"/></numFmts>'
    '<cellXfs><xf numFmtId="0"/><xf numFmtId="164"/><xf numFmtId="22"/></cellXfs></styleSheet>'
)


def packed(sheet_xml: str, method: int = zipfile.ZIP_DEFLATED, **parts: str) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", method) as book:
        book.writestr("xl/workbook.xml", BOOK)
        book.writestr("xl/_rels/workbook.xml.rels", RELS)
        book.writestr("xl/styles.xml", STYLES)
        book.writestr("xl/worksheets/sheet1.xml", sheet_xml)
        for name, text in parts.items():
            book.writestr(f"xl/{name}.xml", text)
    return file.getvalue()


def cell(value) -> str:
    if isinstance(value, tuple):  # a number with a format
        return f'<c s="{value[1]}"><v>{value[0]}</v></c>'
    if isinstance(value, bool):
        return f'<c t="b"><v>{int(value)}</v></c>'
    if isinstance(value, int):
        return f"<c><v>{value}</v></c>"
    return f'<c t="inlineStr"><is><t>{escape(value)}</t></is></c>' if value else "<c/>"


def book_of(*rows) -> bytes:
    lines = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows)
    return packed(f"<worksheet {MAIN}><sheetData>{lines}</sheetData></worksheet>")


# -- workbooks


def test_a_workbook_is_read_like_a_file_of_text():
    shared = f"<sst {MAIN}><si><t>Nom</t></si><si><r><t>Na</t></r><r><t>vette</t></r></si></sst>"
    xml = (
        f"<worksheet {MAIN}><sheetData>"
        '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="C1"><v>7</v></c></row>'
        '<row r="3"><c r="A3" t="s"><v>1</v></c><c r="B3" s="1"><v>46387</v></c>'
        '<c r="C3" s="2"><v>46387.5</v></c><c r="D3" t="b"><v>1</v></c></row>'
        "</sheetData></worksheet>"
    )

    assert list(workbook.lines(packed(xml, sharedStrings=shared))) == [
        (1, ["Nom", "", "7"]),
        (3, ["Navette", "2026-12-31", "2026-12-31 12:00", "yes"]),
    ]


def test_an_hour_alone_in_a_workbook_is_of_the_same_day(cast, amina):
    """Such a cell counts as a day of 1899, which no booking is of."""
    book = book_of(
        ["email", "machine", "start", "end"],
        ["bruno@atelier.example", "B1", (46104.5, 2), (0.645833333333333, 2)],
    )

    page = words(amina.get(send(amina, book, "bookings").location).text)

    assert "1 line is new" in page
    assert [cells[3] for _line, cells in workbook.lines(book)] == ["end", "15:30"]


BOMB = f"<worksheet {MAIN}><sheetData>{' ' * (workbook.MAX_UNPACKED + 1)}</sheetData></worksheet>"
LAUGHS = (
    '<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
    f'<worksheet {MAIN}><sheetData><row><c t="str"><v>&c;</v></c></row></sheetData></worksheet>'
)
FAR = f'<worksheet {MAIN}><sheetData><row><c r="XFD1"><v>1</v></c></row></sheetData></worksheet>'

EMPTY_ROWS = f"<worksheet {MAIN}><sheetData>{'<row/>' * 20_001}</sheetData></worksheet>"


def with_a_text(length: int) -> bytes:
    return book_of(["a" * length])


def damaged(method: int) -> bytes:
    """The bytes of its sheet are not those that were packed."""
    whole = bytearray(packed("<worksheet" + " " * 999 + "/>", method=method))
    at = whole.index(b"xl/worksheets/sheet1.xml") + len(b"xl/worksheets/sheet1.xml")
    for n in range(at, at + 12):
        whole[n] ^= 0xFF
    return bytes(whole)


@pytest.mark.parametrize(
    "data",
    [
        b"PK\x03\x04",
        b"PK\x03\x04" + b"\0" * 100,
        packed("<worksheet"),
        packed(BOMB),
        packed(LAUGHS),
        packed(FAR),
        packed(
            f'<worksheet {MAIN}><sheetData><row><c t="s"><v>9</v></c></row></sheetData></worksheet>'
        ),
        book_of(["a"])[:-30],
        packed('<?xml version="1.0" encoding="foo"?><worksheet/>'),
        packed(EMPTY_ROWS),
        with_a_text(workbook.MAX_TEXT + 1),
        damaged(zipfile.ZIP_DEFLATED),
        damaged(zipfile.ZIP_LZMA),
        damaged(zipfile.ZIP_BZIP2),
    ],
)
def test_what_is_no_workbook_or_holds_too_much_is_one_problem(data):
    found = sheet.read(data, imports.KINDS["machines"].columns)

    assert found.rows == []
    assert [each.line for each in found.problems] == [0]


MANY_CELLS = f"<row>{'<c/>' * 193}</row>" * (workbook.MAX_CELLS // 193 + 1)
MANY_TEXTS = f"<sst {MAIN}>{'<si/>' * (workbook.MAX_CELLS + 1)}</sst>"
LARGE = f'<x a="{"a" * 10_000}"/>' * (workbook.MAX_UNPACKED // 10_000 + 1)


@pytest.mark.parametrize(
    ("inside", "parts", "why"),
    [
        (MANY_CELLS, {}, "too many cells"),
        ("", {"sharedStrings": MANY_TEXTS}, "too many texts"),
        (LARGE, {}, "too large"),
        ("<row/>" * (workbook.MAX_ROWS + 1), {}, "too many rows"),
        ('<row><c r="GS1"/></row>', {}, "too many cells"),
        (f"<row><c><v>{'1' * (workbook.MAX_TEXT + 1)}</v></c></row>", {}, "a long text"),
    ],
    ids=["cells", "texts", "bytes", "rows", "columns", "text"],
)
def test_each_bound_of_a_workbook_holds_by_itself(inside, parts, why):
    data = packed(f"<worksheet {MAIN}><sheetData>{inside}</sheetData></worksheet>", **parts)

    with pytest.raises(workbook.NoWorkbook) as refused:
        list(workbook.lines(data))
    assert str(refused.value.__cause__) == why


@given(st.binary(max_size=200))
def test_no_bytes_are_a_mistake_of_ours(noise):
    for data in (noise, b"PK\x03\x04" + noise):
        for kind in imports.KINDS.values():
            sheet.read(data, kind.columns)
            sheet.first_lines(data, 4)


# -- texts


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_a_text_is_read_as_spreadsheets_write_it(delimiter, encoding):
    text = "code,name,category\nS1,Scie à ruban,Bois\n".replace(",", delimiter)

    [row] = sheet.read(text.encode(encoding), imports.KINDS["machines"].columns).rows

    assert row.values["name"] == "Scie à ruban"


def test_days_are_read_as_in_france_and_never_month_first():
    assert sheet.day("31/03/2027") == sheet.day("2027-03-31") == clock.date(2027, 3, 31)
    with pytest.raises(sheet.BadCell):
        sheet.day("03/31/2027")


# -- the names of columns


def test_columns_are_guessed_by_their_names_here_and_elsewhere():
    header = ["Adresse mail", "Prénom", "NOM", "Téléphone", "Couleur"]
    wanted = [each.name for each in imports.KINDS["members"].columns]

    assert columns.guess(header, wanted) == {
        "email": "Adresse mail",
        "first_name": "Prénom",
        "last_name": "NOM",
        "phone": "Téléphone",
    }


IN_FRENCH = (
    "Courriel;Machine;Début;Fin;Structure;Objet;Statut;Référence\n"
    "bruno@atelier.example;L1;23/03/2027 10:00;12:00;;Lampe;Honorée;1\n"
    "chloe@atelier.example;L1;24/03/2027 10h00;24/03/2027 12h00;;;annulée;2\n"
    "chloe@atelier.example;L1;24/03/2027 10h;11h;;;ABSENT;3\n"
)


def test_french_names_and_words_are_read_without_a_question(cast, app):
    amina = browser(app, "amina")
    draft = send(amina, IN_FRENCH, "bookings").location

    assert amina.get(draft).status_code == 200
    apply(amina, draft)

    assert sorted(booking.status for booking in written()) == [
        Status.CANCELLED,
        Status.CONFIRMED,
        Status.MISSED,
    ]


def test_each_of_our_columns_and_words_has_a_french_name_that_means_it_alone():
    for kind in imports.KINDS.values():
        known = [each.name for each in kind.columns]
        assert [columns.ours(columns.FRENCH[name], known) for name in known] == known
        for typed in (columns.FRENCH[name].upper() for name in known):
            assert columns.ours(typed, known)
    for values in (Use, Audience, MachineState, ("yes", "no")):
        said = [columns.WORDS[value] for value in values]
        assert len({columns.plain(word) for words in said for word in words}) == sum(
            len({columns.plain(word) for word in words}) for words in said
        )
        for value in values:
            assert sheet.one_of(values)(columns.WORDS[value][0].upper()) == value


def test_no_column_is_said_twice_in_two_languages():
    header = b"code,Nom,name,category\nL1,Laser,Laser,Laser\n"

    [problem] = sheet.read(header, imports.KINDS["machines"].columns).problems

    assert problem.sentence == "The column “%(name)s” is there twice."


def test_a_reader_of_french_sees_french_names_and_each_line_with_its_verdict(cast, app):
    amina = browser(app, "amina")
    amina.set_cookie("language", "fr")
    bad = IN_FRENCH + "chloe@atelier.example;L9;25/03/2027 10h;11h;;;volée;4\n"

    broken = words(amina.get(send(amina, bad, "bookings").location).text)
    good = words(amina.get(send(amina, IN_FRENCH, "bookings").location).text)
    page = amina.get("/manage/imports/bookings").text
    template = amina.get("/manage/imports/bookings/template.csv").text

    assert "chloe@atelier.example · L9 · 25/03/2027 10h · 11h · volée" in broken
    assert "statut" in broken
    assert "honorée, annulée, absent" in broken
    right = broken.partition("Ce qui est juste")[2]
    assert "3 lignes" in right
    assert "Ligne 2 bruno@atelier.example · L1" in right
    assert "Ligne 2 bruno@atelier.example · L1 · 23/03/2027 10:00 · 12:00 · honorée" in good
    in_english = IN_FRENCH.replace("Honorée", "used")
    assert "12:00 · honorée" in words(amina.get(send(amina, in_english, "bookings").location).text)
    for name in ("courriel", "début", "statut"):
        assert f"<code>{name}</code>" in page
        assert name in template
    assert "honorée" in template


@pytest.mark.parametrize("what", ["machines", "members", "qualifications", "bookings"])
def test_the_french_template_is_read_back_without_a_question(cast, app, what):
    odile = browser(app, "odile")
    odile.set_cookie("language", "fr")
    data = odile.get(f"/manage/imports/{what}/template.csv").data

    answer = odile.get(send(odile, data, what).location)

    assert answer.status_code == 200
    assert "est l’une de" not in answer.text


def test_the_dry_run_tells_the_structure_and_the_reference_of_past_bookings(cast, app):
    amina = browser(app, "amina")
    amina.set_cookie("language", "fr")
    text = IN_FRENCH.replace("12:00;;Lampe", "12:00;studio fil;Lampe")

    page = words(amina.get(send(amina, text, "bookings").location).text)

    assert "honorée · Lampe · structure : studio fil · référence : 1" in page.replace("\xa0", " ")
    assert "annulée · référence : 2" in page.replace("\xa0", " ")


def test_the_dry_run_tells_the_membership_and_the_structure_of_members(cast, app):
    odile = browser(app, "odile")
    odile.set_cookie("language", "fr")
    text = (
        "email,first_name,last_name,audience,membership_until,organization\n"
        "zoe@fil.example,Zoé,Ourdis,reduced,2027-12-31,Studio Fil\n"
        "bob@fil.example,Bob,Ourdis,,,\n"
        "bruno@atelier.example,Bruno,Lefil,professional,2031-12-31,Studio Fil\n"
    )

    page = words(odile.get(send(odile, text, "members").location).text).replace("\xa0", " ")

    assert "Zoé · Ourdis · tarif réduit · fin d’adhésion : 2027-12-31 · structure : Studio" in page
    assert "Bob · Ourdis · particulier · fin d’adhésion : sans fin" in page
    assert "public → professionnel fin d’adhésion → 2031-12-31" in page


def test_somebody_of_another_place_is_said_to_become_a_member(annex, app):
    odile = browser(app, "odile")
    text = "email,first_name,last_name\nemile@atelier.example,Emil,Bohrer\n"

    page = words(odile.get(send(odile, text, "members").location).text)

    assert "individual · membership_until: without end" in page
    assert "Membership → of this place" in page


def test_the_events_of_a_calendar_are_told_like_lines(cast, app):
    amina, page = browser(app, "amina"), "/manage/imports/calendar"
    fields = {"machine": "bench", "holder": "bruno@atelier.example"}
    sent = submit(amina, page, page, file=(BytesIO(ICS), "a.ics"), **fields)

    told = words(amina.get(sent.location).text)

    assert (
        "chloe@atelier.example · bench · 2027-03-16 10:00 · 2027-03-16 12:00 · used · Lampe" in told
    )
    assert "google.example" not in told


def test_what_is_there_already_is_listed_too(cast, app):
    amina = browser(app, "amina")
    apply(amina, send(amina, IN_FRENCH, "bookings").location)

    page = words(amina.get(send(amina, IN_FRENCH, "bookings").location).text)

    assert "There already 3 lines" in page
    assert "Line 2 bruno@atelier.example · L1" in page


def test_no_column_is_guessed_for_two():
    guessed = columns.guess(["Code", "Machine"], ["code", "name", "machine"])

    assert len(set(guessed.values())) == len(guessed)


FRENCH = (
    *("ID", "Nom", "Prénom", "Courriel", "Lettre d'informations", "Genre", "Âge", "Adresse"),
    *("Tel.", "Groupe", "Abonnement", "Date de fin de l'abonnement", "Structure"),
)
ENGLISH = (
    *("ID", "Surname", "First name", "E-mail", "Newsletter", "Gender", "Age", "Address"),
    *("Phone", "Group", "Subscription", "Subscription end date", "Organization"),
)
SOMEBODY = (
    *(7, "Aiguille", "Dominique", "dominique@atelier.example", True, "Femme", 40, "1 rue du Fil"),
    *("+33 5 00 00 00 01", "Particulier", "Annuel", (46387, 1), ""),
)


@pytest.mark.parametrize("header", [FRENCH, ENGLISH])
def test_the_members_of_fab_manager_are_read_without_a_question(cast, app, header):
    data = book_of(header, SOMEBODY)
    amina = browser(app, "odile")

    draft = send(amina, data, "members").location
    assert amina.get(draft).status_code == 200
    apply(amina, draft)

    asked = select(Member.first_name, Member.last_name, Member.phone, Membership.expires_on)
    asked = asked.join(Membership, Membership.member_id == Member.id)
    found = db.session.execute(asked.where(Member.email == "dominique@atelier.example")).one()
    assert found == ("Dominique", "Aiguille", "+33 5 00 00 00 01", clock.date(2026, 12, 31))
    again = amina.get(send(amina, data, "members").location).text
    assert "0 lines are new" in again


OTHERS = "Qui;Ressource;Début;Fin;Couleur\nbruno@atelier.example;L1;23/03/2027 10:00;12:00;red\n"


def test_other_names_are_asked_about_once_and_then_read(cast, app):
    amina = browser(app, "amina")
    draft = send(amina, OTHERS, "bookings").location

    asked = amina.get(draft)
    assert asked.location == f"{draft}/columns"
    page = amina.get(asked.location).text
    assert "23/03/2027 10:00" in page  # the first lines, as an example
    assert re.search(r'name="column_start".*?<option selected value="2">', page, re.S)
    refused = submit(amina, asked.location, asked.location, column_machine="1")
    assert refused.status_code == 422
    chosen = {"email": "0", "machine": "1", "start": "2", "end": "3"}
    fields = {f"column_{name}": at for name, at in chosen.items()}

    answer = submit(amina, asked.location, asked.location, **fields)

    assert answer.location == draft
    assert "1 line is new" in amina.get(draft).text
    apply(amina, draft)
    [booking] = written()
    assert booking.starts_at == instant("2027-03-23 10:00")


@pytest.mark.parametrize("chosen", ["9", "-1", "x", "\0", "0"])
def test_a_column_that_is_not_there_or_taken_twice_is_refused(cast, app, chosen):
    amina = browser(app, "amina")
    draft = send(amina, OTHERS, "bookings").location
    fields = {"email": "0", "machine": "1", "start": "2", "end": "3", "purpose": chosen}
    page = f"{draft}/columns"

    answer = submit(amina, page, page, **{f"column_{name}": n for name, n in fields.items()})

    assert answer.status_code == 422


def test_the_command_line_says_what_columns_are_called(fablab, app, tmp_path):
    path = tmp_path / "past.csv"
    path.write_text(OTHERS, encoding="utf-8")
    said = [("email", "Qui"), ("machine", "Ressource"), ("start", "Début"), ("end", "Fin")]
    mapped = [f"--map={ours}={theirs}" for ours, theirs in said]

    runner = app.test_cli_runner()
    wrong = runner.invoke(args=["import", "bookings", str(path), "--map", "email"])
    missing = runner.invoke(args=["import", "bookings", str(path), mapped[0]])
    done = runner.invoke(args=["import", "bookings", str(path), *mapped, "--apply"])

    assert wrong.exit_code
    assert missing.exit_code
    assert (done.exit_code, len(written())) == (0, 1), done.output


# -- a machine's calendar

ICS = """\
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Google Inc//Google Calendar 70.9054//EN
BEGIN:VEVENT
UID:one@google.example
DTSTAMP:20270301T000000Z
DTSTART:20270316T090000Z
DTEND:20270316T110000Z
SUMMARY:Lampe
ORGANIZER;CN=Laser:mailto:laser@group.calendar.example
ATTENDEE;CN=Chloe:mailto:Chloe@atelier.example
END:VEVENT
BEGIN:VEVENT
UID:weekly@google.example
DTSTAMP:20270301T000000Z
DTSTART;TZID=Europe/Paris:20270317T140000
DTEND;TZID=Europe/Paris:20270317T150000
RRULE:FREQ=WEEKLY
SUMMARY:Cours
END:VEVENT
BEGIN:VEVENT
UID:days@google.example
DTSTAMP:20270301T000000Z
DTSTART;VALUE=DATE:20270318
SUMMARY:Fermé
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n").encode()
WHOSE = Whose("laser", "bruno@atelier.example", frozenset({"chloe@atelier.example"}))


def test_what_is_over_becomes_a_booking_of_whom_it_names():
    found = past(ICS, WHOSE, zone=PARIS, now=instant("2027-03-29 09:00"))

    first, second = slot("2027-03-17 14:00-15:00"), slot("2027-03-24 14:00-15:00")
    said = [(row.values["email"], row.values["start"]) for row in found.sheet.rows]
    assert said == [
        ("chloe@atelier.example", instant("2027-03-16 10:00")),
        ("bruno@atelier.example", first.start),
        ("bruno@atelier.example", second.start),
    ]
    assert [note.sentence for note in found.notes] == [
        "“%(event)s” has days without hours: left out."
    ]


def test_what_is_under_way_is_not_over_yet():
    found = past(ICS, WHOSE, zone=PARIS, now=instant("2027-03-24 14:59"))
    ended = past(ICS, WHOSE, zone=PARIS, now=instant("2027-03-24 15:00"))

    assert [len(each.sheet.rows) for each in (found, ended)] == [2, 3]


def test_a_machines_calendar_is_brought_in_and_a_week_later_what_is_new(cast, app, at):
    amina, page = browser(app, "amina"), "/manage/imports/calendar"

    def bring_in():
        fields = {"machine": "laser", "holder": "bruno@atelier.example"}
        sent = submit(amina, page, page, file=(BytesIO(ICS), "laser.ics"), **fields)
        return sent.location, apply(amina, sent.location)

    draft, answer = bring_in()
    assert answer.status_code == 303
    assert [row.title for row in written()] == ["Lampe", "Cours", "Cours"]
    before = written()
    at("2027-04-01 09:00")
    bring_in()

    assert written()[:3] == before
    assert [row.starts_at for row in written()[3:]] == [instant("2027-03-31 14:00")]
    chloes = select(Occupancy.id).where(Occupancy.member_id == cast.people["chloe"])
    assert len(db.session.scalars(chloes).all()) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"machine": "nothing", "holder": "bruno@atelier.example"},
        {"machine": "laser", "holder": "nobody@atelier.example"},
        {"machine": "laser", "holder": ""},
    ],
)
def test_a_calendar_wants_a_machine_and_a_member(cast, app, fields):
    amina, page = browser(app, "amina"), "/manage/imports/calendar"

    assert submit(amina, page, page, file=(BytesIO(ICS), "a.ics"), **fields).status_code == 422


def test_what_is_no_calendar_is_told_and_nothing_is_written(cast, app):
    amina, page = browser(app, "amina"), "/manage/imports/calendar"
    fields = {"machine": "laser", "holder": "bruno@atelier.example"}
    draft = submit(amina, page, page, file=(BytesIO(b"hello"), "a.ics"), **fields).location

    assert "Nothing can be imported" in amina.get(draft).text
    assert apply(amina, draft).status_code == 422
    assert written() == []


BOMBS = {
    "a rule without end": ICS.replace(b"FREQ=WEEKLY", b"FREQ=DAILY;COUNT=999999999"),
    "a rule of seconds": ICS.replace(b"FREQ=WEEKLY", b"FREQ=SECONDLY"),
    "a day that never comes": ICS.replace(
        b"FREQ=WEEKLY", b"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=99999"
    ),
    "packed deep": ICS.replace(
        b"END:VCALENDAR", b"BEGIN:X\r\n" * 20_000 + b"END:X\r\n" * 20_000 + b"END:VCALENDAR"
    ),
    "one endless line": ICS.replace(b"SUMMARY:Lampe", b"SUMMARY:" + b"x" * 900_000),
    "many guests": ICS.replace(
        b"SUMMARY:Lampe", b"SUMMARY:Lampe" + b"\r\nATTENDEE:mailto:a@b.example" * 20_000
    ),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_calendar_that_is_a_bomb_is_bounded_and_spares_what_stands_beside_it(bomb):
    """In steps and dates, as the reading of every calendar is; see tests/agendas."""
    found = past(BOMBS[bomb], WHOSE, zone=PARIS, now=instant("2027-03-29 09:00"))

    assert len(found.sheet.rows) <= MAX_TIMES
    assert instant("2027-03-16 10:00") in [row.values["start"] for row in found.sheet.rows]
    assert all(len(row.values["purpose"]) <= 200 for row in found.sheet.rows)


def test_a_calendar_of_ten_megabytes_is_refused_before_it_is_read(cast, app):
    amina, page = browser(app, "amina"), "/manage/imports/calendar"
    large = ICS.replace(b"SUMMARY:Lampe", b"SUMMARY:" + b"x" * 10_000_000)
    fields = {"machine": "laser", "holder": "bruno@atelier.example"}

    sent = submit(amina, page, page, file=(BytesIO(large), "laser.ics"), **fields)

    assert sent.status_code in (413, 422)
    assert past(large, WHOSE, zone=PARIS, now=clock.now()).sheet.rows == []
    assert written() == []


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (
            ["Adhérent", "Équipement", "Début", "Fin", "Société"],
            ["email", "machine", "start", "end", "organization"],
        ),
        (["Type d’adhésion", "Valable jusqu’au"], ["audience", "membership_until"]),
    ],
)
def test_words_that_others_use_for_our_columns_are_guessed(header, wanted):
    assert columns.guess(header, wanted) == dict(zip(wanted, header, strict=True))


@pytest.mark.parametrize(("header", "is_said"), [("a,b,c", False), ("a,Début,c", True)])
def test_a_guess_is_spoken_of_where_there_is_one(cast, amina, header, is_said):
    page = amina.get(send(amina, f"{header}\n1,2,3\n", "bookings").location)
    page = amina.get(page.location)

    assert ("Look at what was guessed" in page.text) is is_said


@pytest.mark.parametrize(
    ("holder", "why"),
    [
        ("no@body.example", "There is no member of this place at this address."),
        ("", "Write the mail address of a member."),
    ],
)
def test_a_calendar_whose_holder_is_nobody_is_not_said_to_be_unreadable(cast, amina, holder, why):
    page = "/manage/imports/calendar"
    file = (BytesIO(b"BEGIN:VCALENDAR\nEND:VCALENDAR\n"), "a.ics")
    answer = submit(amina, page, page, file=file, machine="bench", holder=holder)

    assert answer.status_code == 422
    assert why in answer.text
    assert "This file cannot be read" not in answer.text


def test_an_event_that_ends_before_it_begins_is_left_out_and_the_rest_is_not(cast, amina):
    def event(name, start, end):
        return (
            f"BEGIN:VEVENT\r\nUID:{name}\r\nSUMMARY:{name}\r\n"
            f"DTSTART:{start}\r\nDTEND:{end}\r\nEND:VEVENT\r\n"
        )

    inside = event("Lamp", "20270323T090000Z", "20270323T100000Z")
    inside += event("Upside down", "20270324T090000Z", "20270324T080000Z")
    inside += event("", "20270325T090000Z", "20270325T080000Z")
    text = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{inside}END:VCALENDAR\r\n"
    page, file = "/manage/imports/calendar", (BytesIO(text.encode()), "a.ics")
    sent = submit(amina, page, page, file=file, machine="bench", holder="bruno@atelier.example")

    shown = words(amina.get(sent.location).text)

    assert "1 line is new" in shown
    assert "“Upside down” is left out: " in shown
    assert "An event without a title is left out: " in shown


def test_events_that_are_in_each_others_way_are_called_by_their_names(cast, amina):
    """Nobody finds the sixtieth line of a calendar."""
    clash = ICS.replace(b"UID:days", b"UID:clash").replace(
        b"DTSTART;VALUE=DATE:20270318", b"DTSTART:20270316T100000Z\r\nDTEND:20270316T113000Z"
    )
    page, file = "/manage/imports/calendar", (BytesIO(clash), "a.ics")
    sent = submit(amina, page, page, file=file, machine="bench", holder="bruno@atelier.example")

    told = words(amina.get(sent.location).text)

    assert (
        "Fermé The machine is taken then, by line 4: 2027-03-16 10:00 – 2027-03-16 12:00." in told
    )


def test_what_is_wrong_with_a_calendar_as_such_is_of_no_event(cast, amina):
    page, file = "/manage/imports/calendar", (BytesIO(ICS[: ICS.index(b"END:VCAL")]), "a.ics")
    sent = submit(amina, page, page, file=file, machine="bench", holder="bruno@atelier.example")

    told = words(amina.get(sent.location).text)

    assert "The file ends too early" in told
    assert "“” is left out" not in told


@pytest.mark.parametrize(
    "data", [b"%PDF-1.4\n1 0 obj\n", b"<html>\n<body>Hello</body>\n", b"\xd0\xcf\x11\n"]
)
def test_of_what_is_no_list_nobody_is_asked_about_its_columns(cast, amina, data):
    answer = amina.get(send(amina, data, "bookings").location)

    assert answer.status_code == 200
    assert "The column “start” is missing." in answer.text


def test_a_list_of_nothing_says_so(cast, amina):
    page = amina.get(send(amina, "email,machine,start,end\n", "bookings").location).text

    assert "There is nothing to import in this file." in page
    assert "0 lines are new" not in page


def test_a_column_that_is_there_twice_is_called_as_the_reader_calls_it(cast, app):
    amina = browser(app, "amina")
    amina.set_cookie("language", "fr")

    page = amina.get(send(amina, "courriel;machine;début;fin;email\n", "bookings").location).text

    assert "La colonne «\xa0courriel\xa0» est là deux fois." in page


def test_a_line_with_several_things_wrong_is_shown_once(cast, amina):
    text = "email,machine,start,end\nnone,Z9,2027-02-30 10:00,25:00\n"

    page = amina.get(send(amina, text, "bookings").location).text

    assert "4 things are wrong in this file" in page
    assert page.count(">Line 2<") == 1


def test_of_a_file_that_is_wrong_all_over_no_more_is_put_into_words_than_is_shown(cast, app):
    """Thirty thousand sentences took seconds, of which two hundred are read."""
    told = [imports.Problem(at, "wrong") for at in range(import_pages.SHOWN)]
    untold = imports.Problem(999, "%(nobody says what)s")
    plan = imports.Plan(problems=[*told, untold, untold], notes=[*told, untold])

    with app.test_request_context():
        found = import_pages.shown(plan, imports.Sheet([], []), "bookings")

    assert (len(found.problems), found.problems_left_out) == (import_pages.SHOWN, 2)
    assert (len(found.notes), found.notes_left_out) == (import_pages.SHOWN, 1)
