"""What an answer may be kept for, and what a form is read from."""

import io
import re

import pytest

from fablab.security import static


def test_a_file_under_its_own_hash_is_kept_for_ever(fablab, app, browse):
    with app.test_request_context():
        address = static("css/app.css")

    answer = browse(None).get(address)

    assert "immutable" in answer.headers["Cache-Control"]


@pytest.mark.parametrize(
    "address", ["/static/css/app.css?v=0000000000", "/static/css/app.css", "/static/nope.css?v=1"]
)
def test_what_is_not_that_file_is_asked_for_again(fablab, browse, address):
    answer = browse("bruno").get(address)

    assert "immutable" not in answer.headers["Cache-Control"]
    assert "public" not in answer.headers["Cache-Control"]


@pytest.mark.parametrize("field", ["email", "password"])
def test_a_file_is_no_field_of_a_form(fablab, browse, field):
    client = browse(None)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/login").text)[1]
    typed = {"csrf_token": token, field: (io.BytesIO(b"x"), "a.txt")}

    answer = client.post("/login", data=typed, content_type="multipart/form-data")

    assert answer.status_code == 422


@pytest.mark.parametrize("body", ["[1, 2]", '"x"', '{"email": 1}', '{"email": null}'])
def test_json_is_no_form(fablab, browse, body):
    client = browse(None)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/login").text)[1]

    answer = client.post(
        "/login", data=body, content_type="application/json", headers={"X-CSRFToken": token}
    )

    assert answer.status_code == 422
