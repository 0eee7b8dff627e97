"""Which passwords are accepted."""

import pytest

from fablab.members import passwords
from tests.members.conftest import REAL_HASHER

BRUNO = ("Bruno", "Lefil", "bruno.lefil@atelier-fil.example")


def refused(password: str, about=BRUNO) -> bool:
    try:
        passwords.check(password, about)
    except passwords.WeakPassword:
        return True
    return False


@pytest.mark.parametrize(
    "password",
    [
        "un copeau de chêne blond",
        "trois petits chats",
        "correct horse battery staple",
        "k7#Qz!mP2$wR",
        "la laine rouge 47",
        "trois pommes vertes",
        "mon chat dort toujours ici",
        "chez Marie, la brasserie",
        "weather in poitiers",
        "motdepasse du grenier bleu",
        "木工機械予約システム東京都",
        "🪵🪚🔩🧵🪡📐🧷🪢🧰🔨⚙🗜",
    ],
)
def test_anything_long_that_is_hard_to_guess_is_fine(password):
    assert not refused(password)


@pytest.mark.parametrize(
    ("length", "is_refused"), [(11, True), (12, False), (128, False), (129, True)]
)
def test_twelve_to_128_characters_are_asked_for(length, is_refused):
    letters = "kzoupraxilemtwbgdyvnhcqjsf"

    assert refused((letters * 5)[:length]) is is_refused


def test_letters_are_counted_as_people_see_them():
    assert refused("e\u0301" * 3 + "kzoupra")
    assert not refused("e\u0301kzoupraxilm")


@pytest.mark.parametrize(
    "password",
    [
        "password1234",
        "motdepasse12",
        "Motdepasse2027!",
        "mot de passe 123",
        "azertyuiop123",
        "qwertyuiop12",
        "azertyazerty",
        "123456789012",
        "abcdefghijkl",
        "111111111111",
        "abababababab",
        "bonjourbonjour",
        "jetaimejetaime",
        "iloveyou1234",
        "marseille13013",
        "nicolas123456",
        "administrateur",
        "soleil123456",
        "lesusines2027",
        "fablab-fablab",
        "p4ssw0rdp4ssw0rd",
        "987654321098",
        "M0tDeP@sse!!",
        "1q2w3e4r5t6y",
        "123qweasdzxc",
        "qsdfghjklm12",
        "wxcvbnwxcvbn",
        "zyxwvutsrqpo",
        "jetaimemoncoeur",
        "LaVieEstBelle86",
        "parissaintgermain",
        "papamaman2010",
        "peanutbutter1",
    ],
)
def test_what_anyone_would_try_first_is_refused(password):
    assert refused(password)


@pytest.mark.parametrize(
    "password",
    [
        "brunolefil27",
        "BrunoLefil2027",
        "lefil.bruno.1",
        "bruno.lefil@atelier-fil.example",
        "Lefil-Lefil-Lefil",
        "brunobrunobruno",
    ],
)
def test_what_is_made_of_their_own_name_or_address_is_refused(password):
    assert refused(password)


def test_their_name_may_be_part_of_something_longer():
    assert not refused("bruno a mangé trois pommes")


def test_two_letters_of_a_name_are_no_name():
    assert not refused("liquoreux zeste", about=("Li", "Wu", "li@wu.example"))


def test_hashing_costs_what_it_should():
    kept = REAL_HASHER.hash("un copeau de chêne blond")

    assert kept.startswith("$argon2id$v=19$m=47104,t=1,p=1$")
    assert not REAL_HASHER.check_needs_rehash(kept)


def test_what_is_no_hash_lets_nobody_in():
    assert not passwords.matches("", "un copeau de chêne blond")
