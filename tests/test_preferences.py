"""The language a browser was asked to show."""

import pytest

from tests.support import submit

pytestmark = pytest.mark.usefixtures("fablab")


def choose(client, language, page="/login", **more):
    return submit(client, page, "/language", language=language, **more)


def test_the_language_is_kept_for_a_year_and_the_page_shown_again(browse):
    visitor = browse(None)

    answer = choose(visitor, "fr", next="/machines/")

    assert (answer.status_code, answer.location) == (303, "/machines/")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("language=fr;")
    assert "Max-Age=31536000" in cookie
    assert "SameSite=Lax" in cookie
    assert '<html lang="fr"' in visitor.get("/login").text


@pytest.mark.parametrize("language", ["", "de", "FR", "fr\x00", "x" * 10_000, "٣"])
def test_a_language_that_is_none_changes_nothing(browse, language):
    visitor = browse(None)

    answer = choose(visitor, language)

    assert answer.status_code == 303
    assert not answer.headers.get("Set-Cookie", "").startswith("language")
    assert '<html lang="en"' in visitor.get("/login").text


def test_it_leads_to_no_other_site(browse):
    assert choose(browse(None), "fr", next="//evil.example").location == "/"


def test_it_needs_the_token_of_the_form(browse):
    assert browse(None).post("/language", data={"language": "fr"}).status_code == 400


def test_over_https_the_cookie_stays_there(make_app):
    app = make_app("sqlite", BASE_URL="https://booking.example")
    here = {"base_url": "https://booking.example"}
    with app.app_context():
        visitor = app.test_client()
        page = visitor.get("/login", **here).text
        token = page.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]
        answer = visitor.post("/language", data={"csrf_token": token, "language": "en"}, **here)

    assert "Secure" in answer.headers["Set-Cookie"]


def test_without_a_choice_a_member_reads_their_own_language_and_a_visitor_french(browse, app):
    visitor, bruno = browse(None), browse("bruno")
    for client in (visitor, bruno):
        client.delete_cookie("language")

    assert '<html lang="fr"' in visitor.get("/login").text
    submit(
        bruno,
        "/account/",
        "/account/",
        first_name="Bruno",
        last_name="Lefil",
        phone="",
        language="en",
    )
    assert '<html lang="en"' in bruno.get("/account/").text
