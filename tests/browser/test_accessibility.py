"""Every page for every reader: nothing for axe to find, nothing wider than the screen."""

import re
from datetime import UTC, datetime

import pytest

from tests.browser.conftest import CAMILLE, DESK, NOA, PHONE, SASHA

pytestmark = [pytest.mark.browser, pytest.mark.real_clock]

SMALLEST = {"width": 320, "height": 640}

TODAY = datetime.now(UTC).date()
THIS_MONTH = f"&first={TODAY:%Y-%m}-01&last={TODAY}"

FOR_ALL = [
    "/",
    "/planning/?view=list",
    "/planning/?view=grid",
    "/planning/2027-12-25",
    "/planning/week/",
    "/planning/week/2027-W02",
    "/machines/",
    "/machines/?q=zzz",
    "/machines/m01",
    "/machines/m19",
]
FOR_VISITORS = [
    *FOR_ALL,
    "/calendars/help",
    "/calendars/help/command-line",
    "/login",
    "/register",
    "/password/forgotten",
    "/no-such-page",
    "/help/",
    "/help/privacy",
    "/help/accessibility",
]
FOR_MEMBERS = [
    *FOR_ALL,
    "/bookings/",
    "/bookings/new?machine=m01",
    "/waits/new?machine=m01",
    "/machines/m01/faults/new",
    "/account/",
    "/account/password",
    "/account/email",
    "/account/mails",
    "/account/erasure",
    "/calendars/",
    "/calendars/?feed=machine/m01",
    "/calendars/help/outlook",
    "/organizations/",
    "/account/statements",
    "/organizations/studio-fil-a-plomb/years",
    "/organizations/studio-fil-a-plomb/years/2026",
    "/organizations/studio-fil-a-plomb/leaving",
    "/account/allowances",
    "/account/faults",
]
FOR_THE_TEAM = [
    "/manage/",
    "/manage/day",
    "/manage/day/board",
    "/manage/day/boards",
    "/manage/day/sheet",
    "/manage/machines/m01/label",
    "/manage/members",
    "/manage/machines",
    "/manage/machines?state=retired",
    "/manage/machines/m01",
    "/manage/imports",
    "/manage/imports/machines",
    "/manage/imports/bookings",
    "/manage/imports/calendar",
    "/manage/agendas",
    "/manage/faults",
    "/manage/machines/m01/logbook",
    "/manage/machines/m01/maintenance",
    "/manage/machines/m06/agreement",
    "/manage/mails",
    "/manage/settings",
    "/manage/welcome",
    "/manage/settings/place",
    "/manage/openings",
    "/manage/closures",
    "/manage/holidays",
    "/manage/organizations",
    "/manage/organizations/new",
    "/manage/reports",
    "/manage/reports?first=2026-02-02&last=2026-01-01",
    "/manage/reports/lists/machines",
    "/manage/statements",
    "/manage/statements/columns",
    "/statements/preview?scope=organization&of=studio-fil-a-plomb" + THIS_MONTH,
    "/statements/preview?scope=owner&of=studio-fil-a-plomb" + THIS_MONTH,
    "/manage/tariffs",
    "/manage/tariffs/machines/m06",
    "/manage/tariffs/company",
    "/manage/tariffs/packs",
    "/manage/tariffs/terms",
]
KINDS = (
    r"(/bookings(?:/series)?|/waits|/handovers|/manage/\w+"
    r"|/statements|/organizations(?:/[\w-]+/people)?)/[\w-]+"
)
READERS = [("", FOR_VISITORS), (NOA, FOR_MEMBERS), (CAMILLE, FOR_THE_TEAM)]


def followed(window) -> list[str]:
    """The pages one link further that have no address of their own to write down here."""
    links = window.page.eval_on_selector_all("main a[href]", "all => all.map(a => a.pathname)")
    wanted = re.compile(
        r"/bookings/[0-9a-f-]{36}((/following)?(/move|/cancellation|/handover)|/supplies)?"
        r"|/bookings/series/[0-9a-f-]{36}|(/waits|/handovers)/[0-9a-f-]{36}|/manage/(members|machines|organizations|faults)/[\w-]+"
        r"|/manage/(members|organizations)/[\w-]+/allowances"
        r"|/statements/[0-9a-f-]{36}"
        r"|/organizations/[\w-]+(/people/[0-9a-f-]{36}|/machines|/allowances|/statements)?"
    )
    kinds = {}
    for link in links:
        if wanted.fullmatch(link):
            kind = re.sub(KINDS, r"\1", link)
            kinds.setdefault(kind, link)
    return list(kinds.values())


def every_page(window, paths):
    """Goes to each of `paths`, then to one page of each kind they lead to."""
    seen, waiting = set(), list(paths)
    while waiting:
        path = waiting.pop(0)
        window.go(path)
        yield path
        for link in followed(window):
            kind = re.sub(KINDS, r"\1", link)
            if kind not in seen:
                seen.add(kind)
                waiting.append(link)


# Each size, look and language with each of the others.
WAYS = [
    pytest.param(DESK, False, "fr", id="desk-light-french"),
    pytest.param(DESK, True, "en", id="desk-dark-english"),
    pytest.param(PHONE, False, "en", id="phone-light-english"),
    pytest.param(PHONE, True, "fr", id="phone-dark-french"),
]
UNFOLD = "document.querySelectorAll('details').forEach(each => { each.open = true })"


@pytest.mark.parametrize(("size", "dark", "language"), WAYS)
@pytest.mark.parametrize(("reader", "paths"), READERS, ids=["visitor", "member", "team"])
def test_axe_finds_nothing(visit, reader, paths, size, dark, language):
    window, found = visit(reader, size=size, dark=dark, language=language), {}
    for path in every_page(window, paths):
        window.page.evaluate(UNFOLD)
        found[path] = window.axe()

    assert {path: problems for path, problems in found.items() if problems} == {}


# Forms that say what is wrong when they are sent as they stand, or with the words given.
REFUSED = [
    ("", "/login", {}),
    ("", "/register", {}),
    (SASHA, "/bookings/new?machine=m01&day=2020-01-01&start=10:00&end=11:00", {}),
    (NOA, "/machines/m20/faults/new", {}),
    (NOA, "/account/password", {}),
    (NOA, "/account/erasure", {"current": "not mine"}),
    (NOA, "/waits/new?machine=m20&day=2020-01-01&start=10:00&end=11:00", {}),
    (CAMILLE, "/manage/machines/new", {}),
    (CAMILLE, "/manage/trainings/new", {}),
    (CAMILLE, "/manage/organizations/new", {}),
    (CAMILLE, "/manage/openings", {}),
    (CAMILLE, "/manage/closures", {}),
    (CAMILLE, "/manage/settings/place", {"email": "nobody"}),
]


@pytest.mark.parametrize(("size", "dark"), [(DESK, False), (PHONE, True)], ids=["desk", "phone"])
def test_what_is_refused_is_said_to_every_reader(visit, size, dark):
    windows = {who: visit(who, size=size, dark=dark) for who in ("", SASHA, NOA, CAMILLE)}
    found = {}
    for who, path, words in REFUSED:
        window = windows[who]
        window.go(path)
        window.page.evaluate(UNFOLD)
        window.page.evaluate("for (const form of document.forms) form.noValidate = true")
        for name, text in words.items():
            window.page.fill(f"main [name='{name}']", text)
        one = f":has([name='{next(iter(words), 'csrf_token')}'])"
        window.press(f"main form[method='post']{one} button[type='submit']:not([formaction])")
        says = window.page.locator("[aria-invalid='true'], [role='alert']").count() > 0
        found[path] = (says, window.page.title().startswith("Erreur"), window.axe())

    assert {path: what for path, what in found.items() if what != (True, True, [])} == {}


@pytest.mark.parametrize(("reader", "paths"), READERS, ids=["visitor", "member", "team"])
def test_no_page_is_wider_than_the_smallest_telephone(visit, reader, paths):
    window = visit(reader, size=SMALLEST)

    spills = {}
    for path in every_page(window, paths):
        window.page.evaluate(UNFOLD)
        spills[path] = window.spills()

    assert {path: by for path, by in spills.items() if by > 0} == {}


@pytest.mark.parametrize(("reader", "paths"), READERS, ids=["visitor", "member", "team"])
def test_every_action_is_large_enough_for_a_thumb(visit, reader, paths):
    """24 CSS pixels at least (WCAG 2.2, 2.5.8); links within a sentence are exempt."""
    window = visit(reader, size=PHONE)
    small = """all => all.filter(e => {
        const box = e.getBoundingClientRect()
        if (!box.width || !box.height) return false
        if (e.closest(".hidden-text, p, li, dd, td, caption")) return false
        return box.height < 24 || box.width < 24
    }).map(e => e.outerHTML.slice(0, 120))"""

    found = {
        path: window.page.eval_on_selector_all("a[href], button, input:not([type=hidden])", small)
        for path in every_page(window, paths)
    }

    assert {path: those for path, those in found.items() if those} == {}


def test_what_a_mail_leads_to_is_for_every_reader(visit, mailed):
    light, dark = visit(size=SMALLEST), visit(size=SMALLEST, dark=True)
    found = {}

    def look(what):
        for window in (light, dark):
            found[what, window is dark] = (window.axe(), max(window.spills(), 0))

    for path in (mailed.booking, mailed.stop):
        for window in (light, dark):
            window.go(path)
            window.page.locator("main form").wait_for()
        look(path)
    for window in (light, dark):
        window.press("main form button")
        window.page.locator("[role=status]").wait_for()
    look("stopped")

    assert {page: wrong for page, wrong in found.items() if wrong != ([], 0)} == {}
