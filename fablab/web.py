"""What every page shares: the language, the words for times, the person, the place, the errors."""

import logging
from collections.abc import Callable, MutableMapping
from typing import Any

from babel.support import Translations
from flask import Flask, Response, current_app, g, render_template, request, session, url_for
from flask.globals import request_ctx
from flask.templating import Environment
from flask_babel import Babel, get_locale, get_translations, lazy_gettext
from flask_login import current_user
from flask_wtf.csrf import CSRFError, CSRFProtect
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from werkzeug.exceptions import Forbidden, HTTPException, NotFound, ServiceUnavailable

from fablab import texts
from fablab.access import path_of, way_back
from fablab.db import Busy, NoSuch, NotAllowed, db, is_busy
from fablab.machines.guards import GuardMissing
from fablab.machines.inventory import NothingSetUp, PlaceFacts, here
from fablab.security import safe_next
from fablab.words import LANGUAGES

THEMES = ("light", "dark")
SAFE = ("GET", "HEAD", "OPTIONS")


class Tokens(CSRFProtect):
    """Flask-WTF's own, which looks for the exceptions first, also of requests that change nothing
    and need no token.
    """

    def protect(self, apply_exemptions: bool = False) -> None:
        if request.method not in SAFE:
            super().protect(apply_exemptions)


csrf = Tokens()
babel = Babel()
log = logging.getLogger(__name__)

# What went wrong, for a person, and what they can do about it.
ERRORS = {
    400: (
        lazy_gettext("This request could not be read"),
        lazy_gettext("Something in the address or the form was not as expected. Nothing changed."),
    ),
    403: (
        lazy_gettext("This page is not open to you"),
        lazy_gettext("Your account does not have the right it asks for."),
    ),
    404: (
        lazy_gettext("There is no such page"),
        lazy_gettext("It may have moved, or it is not yours to see."),
    ),
    405: (
        lazy_gettext("That cannot be done here"),
        lazy_gettext("This address does not take this kind of request."),
    ),
    409: (
        lazy_gettext("Somebody was faster"),
        lazy_gettext("What you asked for has changed meanwhile. Nothing of yours was lost."),
    ),
    413: (
        lazy_gettext("That is too large"),
        lazy_gettext("What was sent is larger than what we accept. Nothing changed."),
    ),
    422: (
        lazy_gettext("This could not be done"),
        lazy_gettext("Some of what was sent is not possible. Nothing changed."),
    ),
    429: (
        lazy_gettext("Too many tries"),
        lazy_gettext("Please wait a little, then try again."),
    ),
    500: (
        lazy_gettext("We made a mistake"),
        lazy_gettext("It has been written down for the team. Nothing of yours was lost."),
    ),
    503: (
        lazy_gettext("Not available for a moment"),
        lazy_gettext("The service cannot do this just now. Nothing was changed; try again soon."),
    ),
}


def init_app(app: Flask) -> None:
    csrf.init_app(app)
    babel.init_app(app, locale_selector=chosen_language, default_timezone="UTC")
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        gettext=lambda text: catalogue().ugettext(text),
        ngettext=lambda one, many, count: catalogue().ungettext(one, many, count),
        newstyle=True,
        pgettext=lambda context, text: catalogue().upgettext(context, text),
    )
    app.jinja_env.globals.update(gettext=translated, _=translated)
    app.context_processor(surroundings)
    app.jinja_env.globals.update(texts=texts)
    app.jinja_env.filters.update(length=texts.length, hour=texts.hour, day=texts.day)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.register_error_handler(HTTPException, error_page)
    app.register_error_handler(CSRFError, stale_form)
    app.register_error_handler(NoSuch, no_such)
    app.register_error_handler(NotAllowed, not_allowed)
    app.register_error_handler(Busy, busy)
    app.register_error_handler(GuardMissing, unguarded)
    app.register_error_handler(DBAPIError, database_failed)
    app.register_error_handler(NoConnectionFree, busy)
    app.register_error_handler(NothingSetUp, nothing_set_up)


class Application(Flask):
    """Flask, whose views and hooks are plain functions here: it asks of each, at each request,
    whether it is a coroutine.
    """

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func


class Templates(Environment):
    """Jinja's environment, whose templates share the globals instead of a layer over them.

    No template of ours has globals of its own; Jinja compares them at each import of a macro,
    sixteen times a page, and the layer made that a fifteenth of what the planning costs.
    """

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        return super().make_globals(d) if d else self.globals


@pass_eval_context
def translated(context: EvalContext, text: str, /, **values: Any) -> str:
    """`_(…)` of a template, as Jinja's own: its values are made harmless, itself it is markup.

    Jinja comes to it by way of two others, and fills in values where there are none: a thirtieth
    of what the planning costs.
    """
    words: str = catalogue().ugettext(text)
    if context.autoescape:
        words = Markup(words)
    return words % values if values or "%" in words else words


def catalogue() -> Translations:
    """The translations for the reader's language.

    As Flask-Babel's own, which asks for the language anew in five steps at each of the hundred
    texts of a page: a twentieth of what the planning costs.
    """
    locale = get_locale()
    language = locale.language if locale else ""
    if language not in _catalogues:
        _catalogues[language] = get_translations()
    return _catalogues[language]


_catalogues: dict[str, Translations] = {}


def chosen_language() -> str:
    """The visitor's own choice, else the member's, else that of a mail's reader, else French."""
    chosen = request.cookies.get("language", "")
    if chosen in LANGUAGES:
        return chosen
    signed_in = getattr(g.get("_login_user"), "language", None)
    return signed_in or g.get("reader_language") or "fr"


def surroundings() -> dict[str, Any]:
    """What the layout of any page may use. Must work when the database does not."""
    person = g.get("_login_user")
    is_known = person is not None and person.is_authenticated
    return {
        "place": place_shown(),
        "member": person if is_known else None,
        "way_back": "" if is_known else way_back(),
        "language": str(get_locale() or "fr"),
        "theme": theme if (theme := request.cookies.get("theme", "")) in THEMES else "",
    }


def place_shown() -> PlaceFacts | None:
    """The place in the frame: pages that ask nothing of it themselves show it too."""
    if g.get("has_no_frame"):
        return None
    try:
        return here().place
    except (NothingSetUp, SQLAlchemyError):
        db.session.rollback()
        return None


def error_page(error: HTTPException) -> Any:
    """Any error in the product's look, with its own status and headers kept."""
    code = error.code or 500
    if error.response is not None:
        return error.response
    if code < 400:
        return error
    title, sentence = ERRORS.get(code, ERRORS[400 if code < 500 else 500])
    if is_asked_by_a_calendar():
        response = Response(f"{title}. {sentence}\n", status=code, mimetype="text/plain")
        response.headers["Cache-Control"] = "no-store"
    else:
        response = drawn(code, title, sentence)
    for name, value in error.get_headers():
        if name.lower() in ("allow", "retry-after"):
            response.headers[name] = value
    return response


def is_asked_by_a_calendar() -> bool:
    """What polls calendars reads no page, and gets no session from one. An address of theirs
    that was cut leads nowhere, but below the same path.
    """
    is_cut = request.url_rule is None and request.path.startswith("/calendars/")
    return is_cut or request.path.endswith(".ics")


def stale_form(error: CSRFError) -> Any:
    """A form from another session, or older than it: nothing was done, ask for it again."""
    log.info("form refused: %s", error.description)
    return drawn(
        400,
        lazy_gettext("This form is no longer valid"),
        lazy_gettext("Go back, reload the page and send it again. Nothing was changed."),
    )


def drawn(code: int, title: Any, sentence: Any) -> Response:
    """The page of an error, in the frame of all pages as far as that can be had."""
    prepare_page()
    page = render_template(
        "errors/error.html", code=code, title=title, sentence=sentence, what_next=what_next(code)
    )
    if request.method not in SAFE:
        keep_their_session()
    return Response(page, status=code, headers={"Cache-Control": "no-store"})


# Where the same may be asked for again, and it may well be answered.
WORTH_ANOTHER_TRY = (409, 429, 500, 503)


def what_next(code: int) -> list[tuple[Any, str]]:
    """What to do about an error, the likeliest first; never nothing."""
    ways: list[tuple[Any, str]] = []
    if request.method not in SAFE and code != 404:
        ways.append((lazy_gettext("Back to the form"), path_of(request.referrer or "")))
    elif code in WORTH_ANOTHER_TRY:
        again = request.full_path if request.query_string else request.path
        ways.append((lazy_gettext("Try again"), again))
    person = g.get("_login_user")
    if code == 403 and not getattr(person, "is_authenticated", False):
        ways.append((lazy_gettext("Log in"), url_for("members.login")))
    ways = [(words, safe_next(url)) for words, url in ways if url]
    ways.append((lazy_gettext("Back to the planning"), url_for("home.index")))
    if code == 404:
        ways.append((lazy_gettext("See the machines"), url_for("home.machines")))
    ways.append((lazy_gettext("Help"), url_for("help.index")))
    return ways


def keep_their_session() -> None:
    """A form of another site comes without the cookie of who is signed in here; the one that a
    page drawn for it would set must not take its place. To be called once the page is drawn.
    """
    if current_app.config["SESSION_COOKIE_NAME"] not in request.cookies:
        session.modified = False


def prepare_page() -> None:
    """Who and where, for the frame around an error; without them when the database is away.

    A request for a host that is not ours has no addresses to link to, and gets our own.
    """
    if request_ctx.url_adapter is None:
        request_ctx.url_adapter = current_app.url_map.bind("localhost")
    db.session.rollback()
    try:
        bool(current_user.is_authenticated)
        here()
    except (NothingSetUp, SQLAlchemyError):
        db.session.rollback()
        g.has_no_frame = True
        if g.get("_login_user") is None:
            g._login_user = None


def no_such(_error: NoSuch) -> Any:
    """Nobody and nothing of theirs, or what was there a moment ago."""
    return error_page(NotFound())


def not_allowed(_error: NotAllowed) -> Any:
    return error_page(Forbidden())


def busy(error: Busy | NoConnectionFree) -> Any:
    return error_page(ServiceUnavailable(retry_after=5))


def unguarded(error: GuardMissing) -> Any:
    """No booking is better than two on one machine."""
    log.error("bookings are refused, the database has lost its guard: %s", error)
    return error_page(ServiceUnavailable(retry_after=60))


def database_failed(error: DBAPIError) -> Any:
    """Locked, full, read-only or away: 503 and a sentence; anything else is a mistake of ours."""
    if is_busy(error):
        log.error("the database cannot be used: %s", error.orig)
        return error_page(ServiceUnavailable(retry_after=5))
    raise error


def nothing_set_up(error: NothingSetUp) -> Any:
    log.warning("%s", error)
    return error_page(ServiceUnavailable(retry_after=60))


def address_of(endpoint: str, **values: Any) -> str:
    """The full address of a page: of the configured base, whoever asks and whether anybody does."""
    path: str = current_app.url_map.bind("").build(endpoint, values)
    return f"{current_app.config['BASE_URL']}{path}"
