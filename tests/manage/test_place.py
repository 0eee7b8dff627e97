"""The settings of the place: who may say what, what is refused, what is kept."""

import re
from io import BytesIO

import pytest
from PIL import Image
from sqlalchemy import select

from fablab.db import db
from fablab.machines import files
from fablab.machines.inventory import of_place
from fablab.members.audit import AuditEntry
from fablab.members.kinds import Deed
from fablab.places.kinds import NamesShown
from tests.support import refusing, send, submit

PLACE = "/manage/settings/place"
LOOK = "/manage/settings/look"
WHO = {
    "name": "L'Atelier",
    "zone": "Europe/Paris",
    "language": "fr",
    "names_shown": "members",
    "has_public_feeds": "y",
}
COLOURS = {"brick": "#9f331c", "blue": "#1c4279"}


def place(cast):
    return of_place(place_id=cast.place_id).place


def reach(client, **fields):
    return submit(client, PLACE, PLACE, **{"address": "2 rue du Fil"} | fields)


def identify(client, **fields):
    return submit(client, PLACE, "/manage/settings/identity", **WHO | fields)


def look(client, logo=None, **fields):
    sent = {"logo": (BytesIO(logo), "logo.png")} if logo else {}
    return submit(client, PLACE, LOOK, **COLOURS | sent | fields)


def png():
    made = BytesIO()
    Image.new("RGB", (300, 100), "#245c29").save(made, "PNG")
    return made.getvalue()


def test_the_settings_lead_everywhere(amina):
    hub = amina.get("/manage/settings").text

    for address in ("settings/place", "openings", "closures", "policies", "resources", "mails"):
        assert f'href="/manage/{address}"' in hub
    assert 'href="/manage/settings"' in amina.get("/manage/day").text


def test_any_of_the_team_says_how_to_reach_the_place_and_its_rules(cast, amina):
    rules = "Tidy up.\r\n\r\n- goggles\r\n- shoes"

    assert reach(amina, email="Hello@Atelier.example", house_rules=rules).status_code == 303

    told = place(cast)
    assert (told.address, told.email) == ("2 rue du Fil", "hello@atelier.example")
    assert told.house_rules == "Tidy up.\n\n- goggles\n- shoes"
    note = db.session.scalars(select(AuditEntry)).one()
    assert (note.what, note.before["address"]) == (Deed.PLACE, "1 rue du Fil")
    assert "2 rue du Fil" in amina.get(PLACE).text


def test_each_page_of_a_first_step_leads_back_until_they_are_put_aside(cast, amina):
    page = amina.get("/manage/welcome").text
    links = set(re.findall(r'<a class="button[^"]*" href="(/[^"]+)"', page.partition("<ol")[2]))
    steps = links - {"/", "/manage/settings"}
    assert {"/manage/settings/place", "/manage/openings", "/calendars/?feed=day"} <= steps
    back = "Back to the first steps"

    assert [each for each in sorted(steps) if back not in amina.get(each).text] == []
    assert back not in amina.get("/manage/day").text
    submit(amina, "/manage/welcome", "/manage/welcome/dismissal")
    assert [each for each in sorted(steps) if back in amina.get(each).text] == []


def test_of_two_who_change_the_place_the_second_sees_both_and_loses_nothing(cast, amina, odile):
    read = odile.get(PLACE).text
    reach(amina, address="5 quai du Clain", house_rules="Amina's rules")
    typed = {"address": "7 rue du Fil", "email": "", "phone": "", "house_rules": "Odile's rules"}
    action = "/manage/settings/place"

    second = send(odile, read, action, **typed)

    assert second.status_code == 409
    assert place(cast).address == "5 quai du Clain"
    for words in ("Others have changed this meanwhile", "5 quai du Clain", "7 rue du Fil"):
        assert words in second.text
    assert second.text.count("Odile&#39;s rules") == 2  # in the table, and in the form

    assert send(odile, second.text, action, **typed).status_code == 303
    assert place(cast).address == "7 rue du Fil"


@pytest.mark.parametrize("seen", [{"seen": ""}, {}, {"seen": "0" * 20}])
def test_who_does_not_say_what_they_have_seen_writes_over_nothing(cast, amina, seen):
    before = place(cast).address
    drawn = amina.get(PLACE).text.replace('name="seen"', 'name="unseen"')

    answer = send(amina, drawn, PLACE, address="7 rue du Fil", **seen)

    assert answer.status_code == 409
    assert "As it is now" in answer.text
    assert place(cast).address == before
    # Nor does a form that came without any of its fields.
    token = re.search(r'name="csrf_token" value="([^"]+)"', answer.text)[1]
    bare = amina.post("/manage/settings/place", data={"csrf_token": token})
    assert bare.status_code == 409
    assert place(cast).address == before


def test_who_types_what_others_have_saved_already_is_not_troubled(cast, amina, odile):
    read = odile.get(PLACE).text
    identify(odile, name="La Filature")

    action = "/manage/settings/identity"

    assert send(odile, read, action, **WHO | {"name": "La Filature"}).status_code == 303
    third = send(odile, read, action, **WHO | {"name": "Le Moulin"})

    assert third.status_code == 409
    assert place(cast).name == "La Filature"


def test_what_cannot_be_read_is_told_at_its_field_and_kept(cast, amina):
    answer = reach(amina, email="nobody", phone="call me", house_rules="Be kind")

    assert answer.status_code == 422
    assert answer.text.count('aria-invalid="true"') == 2
    assert "Be kind" in answer.text
    assert place(cast).address == "1 rue du Fil"


def test_who_it_is_and_who_sees_what_is_for_administrators(cast, amina, odile):
    token = re.search(r'name="csrf_token" value="([^"]+)"', amina.get(PLACE).text)[1]
    sent = {"csrf_token": token, **WHO, "name": "Mine"}
    assert amina.post("/manage/settings/identity", data=sent).status_code == 403
    assert amina.post(LOOK, data={"csrf_token": token, **COLOURS}).status_code == 403
    assert 'name="names_shown"' not in amina.get(PLACE).text

    assert identify(odile, name="La Filature", names_shown="nobody").status_code == 303
    told = place(cast)
    assert (told.name, told.names_shown) == ("La Filature", NamesShown.NOBODY)


def test_another_clock_is_warned_of_and_must_exist(cast, odile):
    assert identify(odile, zone="Europe/Atlantis").status_code == 422
    identify(odile, zone="Indian/Reunion")

    assert place(cast).zone == "Indian/Reunion"
    assert "read at another hour" in odile.get(PLACE).text


def test_a_colour_that_nobody_could_read_is_refused_with_one_that_reads(cast, odile):
    answer = look(odile, blue="#ffcc00")

    assert answer.status_code == 422
    assert "where 4.5 is needed" in answer.text
    assert re.search(r"The nearest that is: #\w{6}\.", answer.text)
    assert look(odile, blue="red").status_code == 422
    assert place(cast).blue == ""


def test_the_colours_of_the_house_are_on_every_page(cast, odile, browse):
    assert "theme.css" not in browse(None).get("/").text
    look(odile, blue="#245c29")

    page = browse(None).get("/")
    address = re.search(r'href="(/theme\.css\?[^"]+)"', page.text)[1].replace("&amp;", "&")
    sheet = browse(None).get(address)

    assert (sheet.status_code, sheet.mimetype) == (200, "text/css")
    assert "--action:light-dark(#245c29," in sheet.text
    assert "immutable" in sheet.headers["Cache-Control"]
    assert "Set-Cookie" not in sheet.headers
    assert (place(cast).blue, place(cast).brick) == ("#245c29", "")
    assert " style=" not in page.text


def test_an_old_address_of_the_colours_is_not_kept_for_ever(odile, browse):
    look(odile, blue="#245c29")

    answer = browse(None).get("/theme.css?v=older")

    assert answer.status_code == 200
    assert "immutable" not in answer.headers["Cache-Control"]


def test_a_logo_takes_the_place_of_the_mark_and_goes_again(cast, odile, browse):
    assert look(odile, png()).status_code == 303
    page = browse(None).get("/").text
    address = re.search(r'class="mark"[^>]*><img src="([^"]+)"', page)[1]

    logo = browse(None).get(address.replace("&amp;", "&"))
    assert (logo.status_code, logo.mimetype) == (200, "image/webp")
    kept = place(cast).logo
    assert (files.folder() / kept).exists()

    look(odile, is_without_logo="y")
    assert place(cast).logo is None
    assert not (files.folder() / kept).exists()
    assert browse(None).get("/logo").status_code == 404


def test_a_logo_that_is_not_saved_leaves_the_one_there_is(cast, odile):
    look(odile, png())
    before = sorted(path.name for path in files.folder().iterdir())

    with refusing("audit_entry"):
        look(odile, png())

    assert sorted(path.name for path in files.folder().iterdir()) == before
    assert place(cast).logo in before


@pytest.mark.parametrize("sent", [b"<svg onload='alert(1)'/>", b"\x89PNG\r\n\x1a\n broken"])
def test_what_is_no_picture_is_no_logo(cast, odile, sent):
    answer = look(odile, sent)

    assert answer.status_code == 422
    assert 'id="logo-error"' in answer.text
    assert place(cast).logo is None


def test_of_two_who_choose_the_colours_the_second_sees_both_and_loses_no_picture_unheard(
    cast, odile
):
    read = odile.get(PLACE).text
    look(odile, blue="#245c29")
    typed = COLOURS | {"blue": "#5c2459"}

    second = send(odile, read, LOOK, **typed, logo=(BytesIO(png()), "logo.png"))

    assert second.status_code == 409
    assert "#245c29" in second.text
    assert second.text.count("#5c2459") == 2
    assert "Choose the picture again: it was not kept." in second.text
    assert (place(cast).blue, place(cast).logo) == ("#245c29", None)
    assert list(files.folder().iterdir()) == []
    assert send(odile, second.text, LOOK, **typed).status_code == 303
    assert place(cast).blue == "#5c2459"
