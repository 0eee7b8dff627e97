"""Where a redirect may lead: a path of this site, whatever is asked."""

from urllib.parse import quote, urljoin, urlsplit

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fablab.security import safe_next

HERE = "https://booking.example/login"

parts = st.sampled_from(
    ["/", "//", "\\", "/\\", "http:", "https:", "javascript:", "data:", "evil.example", "@", ":80"]
    + ["\t", "\n", "\r", "\x00", "\x0b", " ", "\u2028", "\u3000", "．", "／", "%2f", "%5c", "%09"]
    + ["%252f", "%255c", "?", "#", ".", "..", ";", "[", "]", "planning", "é", "\u202e"]
)
targets = st.one_of(
    st.lists(parts, max_size=8).map("".join),
    st.lists(parts, max_size=6).map(lambda words: quote("".join(words))),
    st.text(max_size=40),
    st.text(max_size=40).map(lambda text: f"/{text}"),
)


def as_browsers_read(location: str) -> str:
    """The address a browser goes to: it drops tabs and line breaks, and reads \\ as /
    (URL Standard §4.4).
    """
    cleaned = location.strip("".join(map(chr, range(0x21))))
    for dropped in "\t\n\r":
        cleaned = cleaned.replace(dropped, "")
    return urljoin(HERE, cleaned.replace("\\", "/"))


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=500, deadline=None
)
@given(target=targets)
@example(target="//evil.example")
@example(target="/\\evil.example")
@example(target="\\\\evil.example")
@example(target="/\t/evil.example")
@example(target="\t//evil.example")
@example(target="/%2f/evil.example")
@example(target="/%5cevil.example")
@example(target="/%252fevil.example")
@example(target="https://evil.example")
@example(target="https:evil.example")
@example(target="javascript:alert(1)")
@example(target="http://[evil")
@example(target="//[evil")
@example(target="/\r\nSet-Cookie: a=b")
@example(target="/" + "x" * 5000)
def test_nobody_is_led_off_this_site(app, target):
    with app.test_request_context():
        location = safe_next(target)

    assert location.isascii()
    assert location.isprintable()
    assert location.startswith("/")
    found = urlsplit(as_browsers_read(location))
    assert (found.scheme, found.netloc) == ("https", "booking.example")


@pytest.mark.parametrize(
    "target",
    [
        "/bookings/",
        "/planning/2027-03-30?category=laser&view=list",
        "/bookings/new?machine=m01&day=2027-03-30&start=09:00&end=10:30",
        "/machines/?q=bois%20massif",
        "/planning/#now",
    ],
)
def test_a_path_of_this_site_is_kept_as_it_is(app, target):
    with app.test_request_context():
        assert safe_next(target) == target


@pytest.mark.parametrize("target", ["/%2fevil.example", "/%5cevil.example", "/%252fevil.example"])
def test_an_address_that_only_decoding_shows_to_be_elsewhere_is_refused_too(app, target):
    with app.test_request_context():
        assert safe_next(target) == "/"


@pytest.mark.parametrize("target", [None, "", "bookings/", "evil.example", "?x=y", "#x", "."])
def test_anything_else_is_the_front_page(app, target):
    with app.test_request_context():
        assert safe_next(target) == "/"


@pytest.mark.parametrize("target", ["/bookings/series", "/waits/", "/language", "/logout?x=1"])
def test_where_a_form_was_sent_is_no_page_to_go_back_to(app, target):
    with app.test_request_context():
        assert safe_next(target) == "/"
