"""What a mail looks like on its way: its parts, an event in it, headers nobody breaks out of."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import getaddresses
from types import SimpleNamespace
from typing import Any

import pytest
import vobject
from hypothesis import given, settings
from hypothesis import strategies as st

from fablab import clock, jobs
from fablab.mail import delivery, outbox
from fablab.mail.delivery import message
from tests.mail.conftest import FROM, promise, promised

LONGEST_LINE = 998  # octets without its CRLF: RFC 5322 §2.1.1
EVENT = "\r\n".join(
    [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//fablab//tests//EN",
        "METHOD:REQUEST",
        "BEGIN:VEVENT",
        "UID:0c8de3b6-7b1e-4c55-9e0a-6f7f0a7a2a11",
        "DTSTAMP:20270329T070000Z",
        "DTSTART:20270330T120000Z",
        "DTEND:20270330T140000Z",
        "SUMMARY:Découpe à l'atelier – « élan »",
        "DESCRIPTION:" + "é" * 20,
        " " + "z" * 60,
        "ORGANIZER;CN=L'Atelier:mailto:bonjour@atelier.example",
        "ATTENDEE;PARTSTAT=ACCEPTED;RSVP=FALSE:mailto:dora@atelier.example",
        "SEQUENCE:2",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]
)
STOP = "http://127.0.0.1:5000/mails/stop/eyJhbGciOi.x"


def mail(**values: Any) -> Any:
    """A row of the outbox."""
    known = {
        "recipient": "dora@atelier.example",
        "subject": "Ça coupe",
        "text": "Bonjour\n",
        "html": "<p>Bonjour</p>",
        "created_at": clock.now(),
        "message_id": "<11111111-1111-4111-8111-111111111111@127.0.0.1>",
        "reply_to": "",
        "unsubscribe": "",
        "calendar": "",
        "method": "",
    }
    return SimpleNamespace(**known | values)


def read(letter: EmailMessage) -> EmailMessage:
    """As whoever gets it reads it."""
    found = message_from_bytes(letter.as_bytes(), policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


@pytest.fixture
def delivered(app, fablab, serve, monkeypatch, postmaster):
    """delivered(envelope): the bytes of a mail as they arrive at a mail server."""

    def send(envelope: outbox.Envelope) -> bytes:
        server = serve()
        monkeypatch.setitem(app.config, "MAIL_URL", f"smtp://127.0.0.1:{server.port}")
        monkeypatch.setitem(app.config, "MAIL_FROM", FROM)
        promise(envelope=envelope)
        assert jobs.deliver_due(app) == 1
        return postmaster.raw[0]

    return send


def test_an_invitation_is_an_alternative_and_a_file_of_the_same_bytes(delivered):
    """RFC 6047 §2.4; the order of alternatives is that of RFC 2046 §5.1.4, the best one last."""
    raw = delivered(outbox.Envelope(calendar=EVENT, method="REQUEST"))

    letter = message_from_bytes(raw, policy=policy.default)
    assert letter.get_content_type() == "multipart/mixed"
    alternatives, file = letter.iter_parts()
    assert alternatives.get_content_type() == "multipart/alternative"
    text, html, event = alternatives.iter_parts()
    types = [part.get_content_type() for part in (text, html, event, file)]
    assert types == ["text/plain", "text/html", "text/calendar", "application/ics"]
    assert event.get_param("method") == "REQUEST"
    assert event.get_param("charset").upper() == "UTF-8"
    assert event["Content-Disposition"] is None  # a client that sees one shows a file, no event
    assert file.get_filename() == file.get_param("name") == "invite.ics"
    assert file.get_content_disposition() == "attachment"
    arrived = [part.get_payload(decode=True) for part in (event, file)]
    assert arrived == [EVENT.encode()] * 2


def test_there_is_one_invitation_in_a_mail_however_it_is_looked_for(delivered):
    raw = delivered(outbox.Envelope(calendar=EVENT, method="CANCEL"))

    parts = list(message_from_bytes(raw, policy=policy.default).walk())
    assert [part.get_param("method") for part in parts if part.get_param("method")] == ["CANCEL"]


def test_another_library_reads_the_event_that_arrives(delivered):
    raw = delivered(outbox.Envelope(calendar=EVENT, method="REQUEST"))

    [part] = [p for p in message_from_bytes(raw).walk() if p.get_content_type() == "text/calendar"]
    found = vobject.readOne(part.get_payload(decode=True).decode(part.get_param("charset")))
    assert found.method.value == part.get_param("method")
    assert found.vevent.summary.value == "Découpe à l'atelier – « élan »"
    assert found.vevent.description.value == "é" * 20 + "z" * 60
    assert found.vevent.attendee.value == "mailto:dora@atelier.example"


def test_an_event_without_a_method_is_a_mere_file(delivered):
    raw = delivered(outbox.Envelope(calendar=EVENT.replace("METHOD:REQUEST\r\n", "")))

    body, file = message_from_bytes(raw, policy=policy.default).iter_parts()
    assert [part.get_content_type() for part in body.iter_parts()] == ["text/plain", "text/html"]
    assert (file.get_content_type(), file.get_filename()) == ("text/calendar", "2027-03-29.ics")
    assert file.get_param("method") is None


def test_one_may_answer_and_unsubscribe_in_one_click(delivered):
    """RFC 8058 §3.1: both headers, and an https address among the first's."""
    raw = delivered(outbox.Envelope(reply_to="a@b.example", unsubscribe=STOP))

    letter = message_from_bytes(raw, policy=policy.default)
    assert letter["Reply-To"].addresses[0].addr_spec == "a@b.example"
    assert letter["List-Unsubscribe"] == f"<{STOP}>"
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_a_long_link_to_unsubscribe_is_not_cut(delivered):
    link = STOP + "y" * 300
    raw = delivered(outbox.Envelope(unsubscribe=link))

    # As it stands: an encoded word is no address to a program that looks for one.
    assert f"\r\nList-Unsubscribe: <{link}>\r\n".encode() in raw


@pytest.mark.parametrize("beside", ["", " é"])
def test_a_name_that_looks_like_an_encoded_word_is_a_name(beside):
    """Decoded where it is folded, it would start headers of its own."""
    subject = f"L1: =?utf-8?q?X=0d=0aBcc:_v@x.example=0d=0a=0d=0aPay_here?={beside}"
    raw = message(mail(subject=subject), FROM).as_bytes()

    letter = message_from_bytes(raw, policy=policy.default)
    assert str(letter["Subject"]) == subject
    assert letter["Bcc"] is None
    assert b"Pay here" not in raw


def test_a_plain_mail_says_nothing_of_answers_or_calendars():
    letter = read(message(mail(), FROM))

    assert not {"Reply-To", "List-Unsubscribe", "List-Unsubscribe-Post"} & set(letter.keys())
    assert letter.get_content_type() == "multipart/alternative"


def test_every_try_is_the_same_mail_but_for_the_marks_between_its_parts():
    row = mail(calendar=EVENT, method="REQUEST", unsubscribe=STOP)

    first, second = message(row, FROM), message(row, FROM)

    assert first.items()[:-1] == second.items()[:-1]
    assert first["Message-ID"] == row.message_id


ODD = st.text(
    st.one_of(
        st.characters(codec="utf-8"),
        st.sampled_from("\r\n\0\x0b\x85\u2028\u2029\t ,;:<>@\"'()[]\\=?_"),
    ),
    max_size=80,
)
LONG = st.builds(
    lambda text, times: (text * times)[:10_000], st.text("aé €\n,<", min_size=1), st.just(10_000)
)
ALLOWED = {
    *("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Reply-To"),
    *("List-Unsubscribe", "List-Unsubscribe-Post", "MIME-Version", "Content-Type"),
}


@pytest.mark.parametrize("length", range(1, 40))
@pytest.mark.parametrize("day", ["mercredi 2 décembre à 14:00", "mardi 1er décembre à 14:00"])
def test_no_space_of_a_subject_is_lost_where_its_line_is_folded(length, day):
    """Wherever that falls."""
    subject = f"Les Usines\N{NO-BREAK SPACE}: c’est réservé, {'m' * length}, {day}"

    letter = message_from_bytes(
        message(mail(subject=subject), FROM).as_bytes(), policy=policy.default
    )

    assert str(letter["Subject"]) == subject


@settings(max_examples=60)
@given(subject=ODD | LONG, contact=ODD | LONG | st.emails())
def test_no_words_break_out_of_their_header(subject, contact):
    subject = outbox.one_line(subject + "\r\nBcc: victim@elsewhere.example")
    reply_to = outbox.one_line(contact)

    raw = message(mail(subject=subject, reply_to=reply_to), FROM).as_bytes()

    head = raw.partition(b"\r\n\r\n")[0]
    letter = message_from_bytes(raw, policy=policy.default)
    assert set(letter.keys()) <= ALLOWED
    assert len(set(letter.keys())) == len(letter.keys())
    assert max(map(len, head.split(b"\r\n"))) <= LONGEST_LINE
    assert b"\n" not in head.replace(b"\r\n", b"")
    assert [address for _name, address in getaddresses([letter["To"]])] == ["dora@atelier.example"]
    assert "".join(letter["Subject"].split()) == "".join(subject.split())


@pytest.mark.usefixtures("fablab")
def test_what_an_answer_goes_to_is_one_address_or_nothing():
    for contact in (
        "a@b.example\r\nBcc: victim@elsewhere.example",
        "a@b.example, c@d.example",
        "x",
    ):
        promise(envelope=outbox.Envelope(reply_to=contact))

    for row in promised():
        letter = read(message(row, FROM))
        assert letter["Bcc"] is None
        assert letter["Reply-To"] is None


@pytest.mark.parametrize(
    "recipient",
    [
        "dora@atelier.example, victim@elsewhere.example",
        "a@b.example Bcc: c@d.example",
        "dora",
        "dora@",
        "a" * 400 + "@atelier.example",
        "",
    ],
)
def test_a_mail_goes_to_one_address_or_to_none(recipient):
    with pytest.raises(ValueError, match="no mail address"):
        delivery.one_address(recipient)


@pytest.mark.parametrize("text", ["x" * 5000 + "\n", "é" * 5000 + "\n", "a\r\nb\rc\u2028d\n.\n\n"])
def test_no_line_is_longer_than_mail_servers_take(text):
    raw = message(mail(text=text, html=f"<p>{text}</p>", calendar=EVENT), FROM).as_bytes()

    assert max(map(len, raw.split(b"\r\n"))) <= LONGEST_LINE
