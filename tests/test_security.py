"""What an answer may be kept for, and what a form is read from."""

import io
import re

import pytest

from fablab.db import writing
from fablab.machines import photos
from fablab.machines.models import Machine
from fablab.security import static
from tests.upkeep.conftest import picture, reported


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


def test_what_everybodys_cache_may_keep_sets_no_cookie(fablab, browse, at):
    """A session is written anew after some days: never with an answer for whoever comes next."""
    with writing() as session:
        session.get_one(Machine, fablab.machine("laser").id).photo = photos.take(
            picture().getvalue()
        )
    client = browse("bruno")
    at("2027-04-02 09:00")

    answer = client.get("/machines/laser/photo")

    assert "public" in answer.headers["Cache-Control"]
    assert answer.headers.getlist("Set-Cookie") == []
    assert client.get("/").headers.getlist("Set-Cookie") != []


def test_a_file_of_a_person_is_kept_by_nobody(fablab, browse):
    uid = reported(fablab, photo=photos.take(picture().getvalue(), photos.OF_FAULT))

    answer = browse("chloe").get(f"/machines/bench/faults/{uid}/photo")

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
