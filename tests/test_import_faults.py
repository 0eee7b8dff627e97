"""A line is told everything that is wrong with it at once: whoever corrects one thing does not meet
the next one only when the file is sent again.

A cell that cannot be read hides nothing that the others say, on its line or on the lines around.
"""

import csv
import io

import pytest

from fablab import clock, imports
from fablab.db import writing
from fablab.members.models import Member
from tests.support import slot
from tests.test_imports import bring_in, compared, problems

HIDDEN = "a\u202eb"
LONG = "x" * 1001
NOBODY = "no@body.example"
BRUNO, CHLOE = "bruno@atelier.example", "chloe@atelier.example"


def file_of(columns: str, *lines: dict[str, str]) -> str:
    """A file with these columns, and a line for each with what it says."""
    file = io.StringIO()
    writer = csv.DictWriter(file, columns.split(), restval="")
    writer.writeheader()
    writer.writerows(lines)
    return file.getvalue()


def told(kind: str, columns: str, *lines: dict[str, str]) -> dict[int, list[str]]:
    """What is wrong, by line, in the order in which it is told."""
    found: dict[int, list[str]] = {}
    for line, sentence in problems(kind, file_of(columns, *lines)):
        found.setdefault(line, []).append(sentence)
    return found


def has_each_once(sentences: list[str], beginnings: list[str]) -> bool:
    return len(sentences) == len(beginnings) and all(
        sentence.startswith(beginning)
        for sentence, beginning in zip(sentences, beginnings, strict=True)
    )


MACHINES = (
    "code name category model location specs materials_allowed materials_forbidden risk_class notes"
    " asset_number funder owner pool state state_reason back_on"
)
OF_A_MACHINE = {
    "code": "N1",
    "name": "",
    "category": "...",
    "model": LONG,
    "location": HIDDEN,
    "specs": "80 W",
    "materials_allowed": HIDDEN,
    "materials_forbidden": LONG,
    "risk_class": "E",
    "notes": HIDDEN,
    "asset_number": LONG,
    "funder": HIDDEN,
    "owner": "Nobody",
    "pool": "...",
}
TOLD_OF_A_MACHINE = [
    "The code “N1” was on line 2 already.",
    "“name” is empty.",
    "“category” has no letter or digit",
    "“model” is longer than 120",
    "“location” holds characters",
    "“specs”: write it as",
    "“materials_allowed” holds characters",
    "“materials_forbidden” is longer than 1000",
    "“risk_class” is one of A, B, C, D, not “E”.",
    "“notes” holds characters",
    "“asset_number” is longer than 40",
    "“funder” holds characters",
    "There is no organization “Nobody”",
    "“pool” has no letter or digit",
]
STATES = [
    (
        {"state": "sleeping", "state_reason": LONG, "back_on": "31/02/2027"},
        ["“state” is one of", "“state_reason” is longer than 200", "“back_on”: there is no day"],
    ),
    (
        {"state": "in_service", "state_reason": "Belt", "back_on": "31/02/2027"},
        ["A machine in service has neither", "“back_on”: there is no day"],
    ),
    (
        {"back_on": "31/02/2027"},
        ["“back_on”: there is no day", "A machine in service has neither"],
    ),
    (
        {"state": "locked_out", "back_on": "31/02/2027"},
        ["Say in “state_reason” why it is stopped", "“back_on”: there is no day"],
    ),
    (
        {"state": "retired", "state_reason": HIDDEN, "back_on": "31/02/2027"},
        [
            "“state_reason” holds characters",
            "“back_on”: there is no day",
            "A retired machine has no “back_on”",
        ],
    ),
]


@pytest.mark.parametrize(("state", "of_its_state"), STATES)
def test_all_that_is_wrong_with_a_machine_is_told_at_once(fablab, state, of_its_state):
    found = told("machines", MACHINES, {"code": "n1"}, OF_A_MACHINE | state)

    assert has_each_once(found[2], ["“name” is empty.", "“category” is empty."])
    assert has_each_once(found[3], TOLD_OF_A_MACHINE + of_its_state), found[3]


def test_a_machine_to_be_retired_has_its_bookings_told_beside_what_is_wrong_elsewhere(fablab):
    fablab.book("bench", slot("2027-03-30 10:00-12:00"), "bruno")
    line = {"code": "B1", "name": HIDDEN, "category": "Benches", "state": "retired"}

    [found] = told("machines", MACHINES, line | {"back_on": "2027-05-01"}).values()

    assert has_each_once(
        found,
        [
            "“name” holds characters",
            "“B1” cannot be retired",
            "Say in “state_reason” why it is retired",
            "A retired machine has no “back_on”",
        ],
    ), found


def test_a_code_too_much_like_another_is_told_also_of_a_broken_line(fablab):
    found = told("machines", MACHINES, {"code": "N-7"}, {"code": "N 7", "name": "A"})

    assert found[3] == [
        "The code “N 7” is too much like that of another machine.",
        "“category” is empty.",
    ]


MEMBERS = (
    "email first_name last_name phone language audience membership_until minor guardian_agreed_on"
    " organization manager activity"
)
OF_A_MEMBER = {
    "email": CHLOE,
    "first_name": "",
    "last_name": HIDDEN,
    "phone": "call me",
    "language": "de",
    "audience": "friends",
    "membership_until": "31/02/2027",
}
TOLD_OF_A_MEMBER = [
    f"The address {CHLOE} was on line 2 already.",
    f"The account of {CHLOE} was erased",
    "“first_name” is empty.",
    "“last_name” holds characters",
    "“phone”: write it with digits",
    "“language” is one of fr, en, not “de”.",
    "“audience” is one of",
    "“membership_until”: there is no day",
]


@pytest.mark.parametrize(
    ("rest", "of_the_rest"),
    [
        (
            {
                "minor": "perhaps",
                "guardian_agreed_on": "31/02/2027",
                "organization": "Nobody",
                "manager": "1e3",
                "activity": LONG,
            },
            [
                "“minor” is one of yes, no, not “perhaps”.",
                "“guardian_agreed_on”: there is no day",
                "There is no organization “Nobody”",
                "“manager” is one of yes, no, not “1e3”.",
                "“activity” is longer than 120",
            ],
        ),
        (
            {"guardian_agreed_on": "31/02/2027", "manager": "1e3", "activity": HIDDEN},
            [
                "“guardian_agreed_on”: there is no day",
                "“guardian_agreed_on” is for minors",
                "“manager” is one of yes, no",
                "“manager” and “activity” need an “organization”.",
                "“activity” holds characters",
            ],
        ),
    ],
)
def test_all_that_is_wrong_with_a_member_is_told_at_once(fablab, rest, of_the_rest):
    with writing() as session:
        session.get(Member, fablab.people["chloe"]).erased_at = clock.now()

    found = told("members", MEMBERS, {"email": CHLOE}, OF_A_MEMBER | rest)

    assert has_each_once(found[3], TOLD_OF_A_MEMBER + of_the_rest), found[3]


def test_what_an_account_says_of_a_minor_is_not_guessed(fablab):
    """Without an address nobody knows whose it is: perhaps a minor's."""
    line = {"email": "none", "first_name": "A", "last_name": "B"}

    [found] = told("members", MEMBERS, line | {"guardian_agreed_on": "2027-01-01"}).values()

    assert found == ["“email”: “none” is no mail address."]


QUALIFICATIONS = "email given_on training machine level expires_on given_by"


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        (
            {
                "email": NOBODY,
                "given_on": "2027-04-01",
                "training": "XXX",
                "machine": "Z9",
                "expires_on": "2027-03-31",
                "given_by": NOBODY,
            },
            [
                f"{NOBODY} is no member of this place.",
                "A qualification is given today at the latest.",
                "There is no training “XXX”.",
                "There is no machine “Z9”.",
                "“level” goes with “machine”",
                "It ends before it is given.",
                f"Nobody has the address {NOBODY}.",
                "Nobody qualifies themselves.",
                "The same qualification was on line 2 already.",
            ],
        ),
        (
            {
                "email": "none",
                "given_on": "31/02/2027",
                "training": LONG,
                "machine": HIDDEN,
                "level": "5",
                "expires_on": "never",
                "given_by": "none",
            },
            [
                "“email”: “none” is no mail address.",
                "“given_on”: there is no day",
                "“training” is longer than 40",
                "“machine” holds characters",
                "“level” is one of 1, 2, 3, 4",
                "“expires_on”: there is no day",
                "“given_by”: “none” is no mail address.",
            ],
        ),
        (
            {"email": NOBODY, "given_on": "31/02/2027", "level": "5"},
            [
                f"{NOBODY} is no member of this place.",
                "“given_on”: there is no day",
                "A qualification is of a “training” or of a “machine”.",
                "“level” is one of 1, 2, 3, 4",
                "“level” goes with “machine”",
            ],
        ),
    ],
)
def test_all_that_is_wrong_with_a_qualification_is_told_at_once(fablab, line, wrong):
    found = told("qualifications", QUALIFICATIONS, line, line)

    assert has_each_once(found[3], wrong), found[3]


BOOKINGS = "email machine start end organization purpose status reference"
OF_A_BOOKING = {
    "email": NOBODY,
    "machine": "Z9",
    "start": "2027-03-23 10:00",
    "end": "2027-03-23 12:00",
    "organization": "Nobody",
    "purpose": HIDDEN,
    "status": "gone",
    "reference": "R-1",
}


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        (
            {"start": "2030-01-02 10:00", "end": "2030-01-01 10:00"},
            [
                f"{NOBODY} is no member of this place.",
                "There is no machine “Z9”.",
                "It ends before it begins.",
                "It is not over yet",
                "There is no organization “Nobody”",
                "“purpose” holds characters",
                "“status” is one of used, cancelled, missed, not “gone”.",
                "The same booking was on line 2 already.",
            ],
        ),
        (
            {"start": "2027-03-28 02:30", "end": "31/02/2027 10:00", "reference": LONG},
            [
                f"{NOBODY} is no member of this place.",
                "There is no machine “Z9”.",
                "The clocks went forward: there was no 02:30 on 2027-03-28.",
                "“end”: there is no day",
                "There is no organization “Nobody”",
                "“purpose” holds characters",
                "“status” is one of used, cancelled, missed, not “gone”.",
                "“reference” is longer than 200",
            ],
        ),
        (
            {"email": "none", "machine": "", "start": "31/02/2027 10:00", "end": "25:00"},
            [
                "“email”: “none” is no mail address.",
                "“machine” is empty.",
                "“start”: there is no day",
                "“end”: there is no hour",
                "There is no organization “Nobody”",
                "“purpose” holds characters",
                "“status” is one of used, cancelled, missed, not “gone”.",
                "The same booking was on line 2 already.",
            ],
        ),
        (
            {"machine": "L1", "end": "2027-04-23 12:00", "status": "", "reference": ""},
            [
                f"{NOBODY} is no member of this place.",
                "It is longer than 31 days.",
                "It is not over yet",
                "There is no organization “Nobody”",
                "“purpose” holds characters",
                "The same booking was on line 2 already.",
            ],
        ),
    ],
)
def test_all_that_is_wrong_with_a_past_booking_is_told_at_once(fablab, changed, wrong):
    line = OF_A_BOOKING | changed

    found = told("bookings", BOOKINGS, line, line)

    assert has_each_once(found[3], wrong), found[3]


SOUND = {"email": BRUNO, "machine": "L1", "start": "2027-03-23 10:00", "end": "12:00"}
LATER = SOUND | {"email": CHLOE, "start": "2027-03-23 11:00"}


def test_past_bookings_are_in_each_others_way_whatever_else_is_wrong_with_them(fablab):
    found = told("bookings", BOOKINGS, SOUND | {"purpose": HIDDEN}, LATER | {"email": NOBODY})

    assert found[2] == ["“purpose” holds characters that nobody can see."]
    assert found[3] == [
        f"{NOBODY} is no member of this place.",
        "The machine is taken then, by line 2: 2027-03-23 10:00 – 2027-03-23 12:00.",
    ]


def test_a_line_that_repeats_another_is_in_the_way_of_a_third(fablab):
    first, second = (
        SOUND | {"reference": "R"},
        LATER | {"start": "2027-03-23 14:00", "end": "15:00"},
    )
    again = SOUND | {"start": "2027-03-23 13:00", "end": "14:30", "reference": "R"}

    found = told("bookings", BOOKINGS, first, second, again)

    assert found == {
        4: [
            "The machine is taken then, by line 3: 2027-03-23 14:00 – 2027-03-23 15:00.",
            "The same booking was on line 2 already.",
        ]
    }


def test_what_stands_there_is_told_of_a_broken_line_and_no_line_is_in_its_own_way(fablab):
    bring_in("bookings", file_of(BOOKINGS, SOUND))

    found = told(
        "bookings",
        BOOKINGS,
        SOUND | {"email": "bruno@", "start": "2027-03-23 10:00"},  # perhaps the same again
        LATER | {"organization": "Nobody"},
    )

    assert found[2] == ["“email”: “bruno@” is no mail address."]
    assert found[3] == [
        "The machine is taken then: 2027-03-23 10:00 – 2027-03-23 12:00.",
        "There is no organization “Nobody”: make it first.",
    ]


def test_a_year_mistyped_is_not_in_the_way_of_every_other_line(fablab):
    found = told(
        "bookings",
        BOOKINGS,
        SOUND | {"start": "2017-03-23 10:00", "end": "2027-03-23 10:00"},
        LATER,
    )

    assert found == {2: ["It is longer than 31 days."]}


def test_a_line_of_too_few_cells_is_not_guessed_at(fablab):
    found = problems("bookings", "email,machine,start,end\nno@body.example,Z9,2027-03-23 10:00\n")

    assert found == [(2, "This line has 3 cells where the first line has 4.")]


def test_the_members_of_fab_manager_are_told_all_at_once_too(fablab):
    header = "Nom;Prénom;Courriel;Groupe;Abonnement;Date de fin de l'abonnement;Structure;Tel."
    text = f"{header}\n;Zoé;none;Particulier;Annuel;31/02/2027;Nobody;call me\n"
    kind, data = imports.KINDS["members"], text.encode()

    lines = imports.read(kind, data, imports.names_of_export("members", data))
    plan = imports.compare(kind, lines, fablab.place_id, now=clock.now())

    assert [one.column for one in plan.problems] == [
        *("last_name", "email", "membership_until", "organization", "phone"),
    ]


def test_nothing_of_a_line_that_cannot_be_read_is_written(fablab):
    """Also where nothing but a cell that is not needed is wrong."""
    text = file_of(
        BOOKINGS, SOUND | {"purpose": HIDDEN}, LATER | {"start": "2027-03-23 12:00", "end": "13:00"}
    )

    assert [step.line for step in compared("bookings", text).steps] == [3]
    with pytest.raises(imports.ImportRefused):
        bring_in("bookings", text)
