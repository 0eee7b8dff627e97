"""The foot of every mail: where its reader chooses, and stops its kind."""

from pathlib import Path

import pytest
from flask import current_app

TEMPLATES = Path(__file__).parents[2] / "templates" / "mails"
KINDS = sorted(path.stem for path in TEMPLATES.glob("[!_]*.html"))
# They may have no account to choose in.
TO_STRANGERS = {
    "account_erased",
    "confirm",
    "handover_nobody",
    "new_email",
    "no_account",
    "organization_invitation",
}
CHOICE = "https://lieu.example/account/mails"
ENDINGS = pytest.mark.parametrize("ending", ["html", "txt"])


def foot(template: str, **values: str) -> str | None:
    """What a template says of the choice; None when it leaves that to the frame."""
    found = current_app.jinja_env.get_template(f"mails/{template}")
    if "choice" not in found.blocks:
        return None
    context = found.new_context({"base_url": "https://lieu.example", **values})
    return "".join(found.blocks["choice"](context))


@ENDINGS
def test_the_frame_leads_to_the_choice_and_to_the_stop_where_there_is_one(app, ending):
    stop = "https://lieu.example/mails/stop/abc"

    with app.test_request_context():
        always, chosen = foot(f"_layout.{ending}"), foot(f"_layout.{ending}", unsubscribe=stop)

    assert CHOICE in always
    assert "Ne plus recevoir ce genre de courriels" not in always
    assert CHOICE in chosen
    assert stop in chosen


@ENDINGS
@pytest.mark.parametrize("kind", KINDS)
def test_only_who_may_have_no_account_is_not_led_there(app, kind, ending):
    assert foot(f"{kind}.{ending}") == ("" if kind in TO_STRANGERS else None)
