"""How each program subscribes to a calendar: the steps as the program shows them, plain values.

What stands in “ ” is what is written on its buttons, in each language; the address itself is
copied from the page of one's calendars.
"""

from typing import NamedTuple

from flask_babel import gettext as _


class Way(NamedTuple):
    """One way to subscribe, in numbered steps; code is a file to write down as it stands."""

    title: str
    steps: list[str]
    code: str = ""


class Guide(NamedTuple):
    slug: str
    name: str
    short: str  # in a sentence
    looks: str  # how often it reads the calendar again
    ways: list[Way]
    troubles: list[str]  # what to do if nothing shows


# Read by vdirsyncer as it stands, but for the address.
VDIRSYNCER = """\
[general]
status_path = "~/.local/share/vdirsyncer/status/"

[pair fablab]
a = "fablab_here"
b = "fablab_there"
collections = null
conflict_resolution = "b wins"

[storage fablab_here]
type = "filesystem"
path = "~/.local/share/calendars/fablab/"
fileext = ".ics"

[storage fablab_there]
type = "http"
url = "https://…"
"""
KHAL = """\
[calendars]

[[fablab]]
path = ~/.local/share/calendars/fablab/
readonly = True
"""


def guides() -> list[Guide]:
    """Those of the programs most people use, the commonest first."""
    return [
        _apple(),
        _google(),
        _outlook(),
        _thunderbird(),
        _android(),
        _gnome(),
        _nextcloud(),
        _command_line(),
    ]


def guide(slug: str) -> Guide | None:
    return next((each for each in guides() if each.slug == slug), None)


def common_troubles() -> list[str]:
    """What helps whatever the program."""
    return [
        _(
            "Open the address in a browser: a file is offered, or lines that begin with"
            " BEGIN:VCALENDAR are shown. A page that says “There is no such page” means that the"
            " address was changed or stopped: make another one."
        ),
        _(
            "Subscribe to the address, do not import the file: an import is a copy that never"
            " changes again."
        ),
        _(
            "“My calendars” says when the address was last read. If your program has not read it"
            " yet, the fault lies between the two; if it has, look whether the calendar is ticked"
            " in its list."
        ),
    ]


def _apple() -> Guide:
    return Guide(
        "apple",
        _("iPhone, iPad, Mac"),
        _("Scan the code, or press “Subscribe”, and confirm."),
        _("about every hour"),
        [
            Way(
                _("iPhone and iPad, with the code"),
                [
                    _("Open Camera, aim at the code, and press the link that appears."),
                    _("Press “Subscribe”, then “Add”."),
                ],
            ),
            Way(
                _("iPhone and iPad, with the address"),
                [
                    _("In Calendar press “Calendars”, then “Add Calendar”."),
                    _("Choose “Add Subscription Calendar”, paste the address, press “Subscribe”."),
                    _("Choose a colour and press “Add”."),
                ],
            ),
            Way(
                _("Mac"),
                [
                    _("In Calendar choose “File”, then “New Calendar Subscription”."),
                    _("Paste the address and press “Subscribe”."),
                    _(
                        "For “Auto-refresh” choose “Every hour”; for “Location” choose iCloud, and"
                        " your iPhone has it as well."
                    ),
                ],
            ),
        ],
        [
            _(
                "In Settings, below Apps, Calendar, Calendar Accounts, “Fetch New Data” must not"
                " be “Manually” for the subscription."
            ),
            _("To have it read at once, pull the list of “Calendars” down on an iPhone."),
        ],
    )


def _google() -> Guide:
    return Guide(
        "google",
        _("Google Calendar"),
        _(
            "On a computer press “Add to Google Calendar”; or beside “Other calendars” choose"
            " “From URL” and paste the address. Your telephone follows."
        ),
        _("every 4 to 24 hours"),
        [
            Way(
                _("On a computer"),
                [
                    _("Open calendar.google.com: the application on a telephone cannot do it."),
                    _("On the left, beside “Other calendars”, press + and choose “From URL”."),
                    _("Paste the address and press “Add calendar”."),
                ],
            ),
            Way(
                _("Then on your telephone"),
                [
                    _("Open Google Calendar, its menu, then “Settings”."),
                    _(
                        "Below your account press “Show more”, open the calendar and switch"
                        " “Sync” on."
                    ),
                ],
            ),
        ],
        [
            _(
                "Google reads the address from its own computers: it must be reachable from the"
                " Internet."
            ),
            _(
                "It cannot be made to look sooner. If it must, remove the calendar and add it anew"
                " with a question mark and a 2 at the end of the address: to Google that is another"
                " one."
            ),
        ],
    )


def _outlook() -> Guide:
    return Guide(
        "outlook",
        _("Outlook"),
        _(
            "Press “Add to Outlook”; or choose “Add calendar”, then “Subscribe from web”, and"
            " paste the address."
        ),
        _("every 3 to 24 hours"),
        [
            Way(
                _("In a browser, and the new Outlook for Windows"),
                [
                    _("Open the calendar and press “Add calendar”."),
                    _("Choose “Subscribe from web” and paste the address."),
                    _("Name it and press “Import”: it is a subscription all the same."),
                ],
            ),
            Way(
                _("The classic Outlook for Windows"),
                [
                    _(
                        "In the calendar, on the “Home” tab, choose “Open Calendar”, then “From"
                        " Internet”."
                    ),
                    _("Paste the address, press “OK”, then “Yes”."),
                    _("It looks again with each “Send/Receive”, every 30 minutes at first."),
                ],
            ),
            Way(
                _("At work or at school"),
                [
                    _(
                        "Do as in a browser, at outlook.office.com; telephones and Outlook for Mac"
                        " then show it as well."
                    ),
                    _("If “Subscribe from web” is missing, your administrator has shut it off."),
                ],
            ),
        ],
        [
            _(
                "Outlook on the web reads the address from Microsoft's computers: it must be"
                " reachable from the Internet."
            ),
            _("A webcal: address that is refused is taken with https: in its place."),
        ],
    )


def _thunderbird() -> Guide:
    return Guide(
        "thunderbird",
        _("Thunderbird"),
        _("Choose “New calendar”, then “On the network”, and paste the address."),
        _("every 30 minutes"),
        [
            Way(
                "",
                [
                    _("In the calendar choose “New Calendar”, then “On the Network”."),
                    _("Tick “This location doesn't require credentials”."),
                    _("Paste the address as the location and press “Find Calendars”."),
                    _("Tick the calendar that was found and press “Subscribe”."),
                ],
            )
        ],
        [
            _("“Synchronize” reads it at once."),
            _(
                "How often it looks is in the calendar's properties; “Enable This Calendar” must"
                " be ticked there."
            ),
        ],
    )


def _android() -> Guide:
    return Guide(
        "android",
        _("Android with ICSx⁵ or DAVx⁵"),
        _("Press “Subscribe” on the telephone, or paste the address in the application."),
        _("as often as you set there"),
        [
            Way(
                "ICSx⁵",
                [
                    _("Install ICSx⁵, from F-Droid or Google Play."),
                    _("Press “Subscribe” on the telephone, or + in ICSx⁵ and paste the address."),
                    _("No user name is needed; press “Next”, choose a name and a colour."),
                    _(
                        "In its menu set how often it looks: an hour will do. The calendar appears"
                        " in the application you use."
                    ),
                ],
            ),
            Way(
                "DAVx⁵",
                [
                    _(
                        "DAVx⁵ shows what is subscribed to on your own server, Nextcloud for"
                        " instance, below “Webcal”, and hands it to ICSx⁵: install both."
                    ),
                ],
            ),
            Way(
                _("Without another application"),
                [_("Subscribe with Google Calendar on a computer: the telephone follows.")],
            ),
        ],
        [
            _("Android must be allowed to let ICSx⁵ work in the background, without saving power."),
            _("In the calendar application, tick the new calendar in its list."),
        ],
    )


def _gnome() -> Guide:
    return Guide(
        "gnome",
        _("GNOME Calendar, Evolution"),
        _("Choose “Add Calendar” and paste the address."),
        _("every 30 to 60 minutes"),
        [
            Way(
                _("GNOME Calendar"),
                [
                    _("Open “Manage Calendars”, then “Add Calendar”."),
                    _("Paste the address as the calendar address and press “Add”."),
                ],
            ),
            Way(
                "Evolution",
                [
                    _("Choose “File”, “New”, “Calendar”."),
                    _("As the type choose “On The Web”, paste the address, press “OK”."),
                    _("How often it looks is on the same page: “Refresh every”."),
                ],
            ),
        ],
        [_("“Synchronize Calendars”, in the menu, reads it at once.")],
    )


def _nextcloud() -> Guide:
    return Guide(
        "nextcloud",
        "Nextcloud",
        _("Choose “New subscription from link” and paste the address."),
        _("about every hour"),
        [
            Way(
                "",
                [
                    _("In Calendar press “New calendar”."),
                    _("Choose “New subscription from link (read-only)”."),
                    _("Paste the address and confirm."),
                ],
            )
        ],
        [
            _(
                "Your Nextcloud reads the address itself, when its background tasks run: it must"
                " be able to reach it, and its tasks must run."
            ),
        ],
    )


def _command_line() -> Guide:
    return Guide(
        "command-line",
        _("Command line: vdirsyncer and khal"),
        _("Write two files, one with the address, and synchronise."),
        _("whenever you synchronise"),
        [
            Way(
                "vdirsyncer",
                [
                    _("Write this into ~/.config/vdirsyncer/config, with your address."),
                    _("Run vdirsyncer discover, then vdirsyncer sync."),
                    _("Have a timer run the latter every hour."),
                ],
                VDIRSYNCER,
            ),
            Way(
                "khal",
                [
                    _("Write this into ~/.config/khal/config."),
                    _("Run khal list today 30d."),
                ],
                KHAL,
            ),
        ],
        [
            _("vdirsyncer -v debug sync says what was answered."),
            _(
                "Keep the address out of the files that you share: vdirsyncer also takes it from a"
                " command, with url.fetch."
            ),
        ],
    )
