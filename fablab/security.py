"""What every answer carries to keep browsers safe, and where a redirect may lead."""

import hashlib
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote

from flask import Flask, Request, Response, abort, current_app, g, request, url_for
from flask.globals import request_ctx
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from itsdangerous import URLSafeTimedSerializer
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import RequestRedirect

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; "
    "form-action 'self'"
)
PERMISSIONS_POLICY = "camera=(), microphone=(), geolocation=(), payment=(), usb=()"
View = TypeVar("View", bound=Callable[..., Any])
A_YEAR = 365 * 24 * 3600
Fields = tuple[tuple[str, str], ...]
OF_ALL: Fields = (
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Permissions-Policy", PERMISSIONS_POLICY),
)
OF_PAGES: Fields = (*OF_ALL, ("Referrer-Policy", "same-origin"))
OF_SECRETS: Fields = (*OF_ALL, ("Referrer-Policy", "no-referrer"), ("X-Robots-Tag", "noindex"))
OVER_HTTPS: Fields = (("Strict-Transport-Security", f"max-age={A_YEAR}; includeSubDomains"),)


def init_app(app: Flask) -> None:
    hops = app.config["PROXY_HOPS"]
    if hops:
        app.wsgi_app = proxied(ProxyFix(app.wsgi_app, hops, hops, hops, hops))  # type: ignore[method-assign]
    app.before_request(refuse_nul)
    app.before_request(limit_form)
    app.after_request(protect)
    app.session_interface = Sessions()
    app.jinja_env.globals["static"] = static


class Sessions(SecureCookieSessionInterface):
    """Flask's own, which makes what reads and signs the cookie anew at each request, also of
    those that have no cookie: half of what opening a session costs, 16 of 33 µs.
    """

    _kept: URLSafeTimedSerializer | None = None

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Not with what anybody's cache may keep: the next reader would get the cookie. Of a
        session that nobody looked into there is nothing to save.
        """
        if not (session.accessed or session.modified):
            return
        if not response.cache_control.public:
            super().save_session(app, session, response)
        elif session.accessed:
            response.vary.add("Cookie")

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        self._kept = self._kept or super().get_signing_serializer(app)
        return self._kept


def proxied(app):
    """Remember that a proxy of ours stands in front: its request id may be believed."""

    def inner(environ, start_response):
        environ["fablab.proxied"] = True
        return app(environ, start_response)

    return inner


def refuse_nul() -> None:
    """No address of ours holds a NUL, which PostgreSQL takes in no text."""
    if "\0" in request.path:
        abort(404)
    if b"%00" in request.query_string:
        abort(400)


def limit_form() -> None:
    """Werkzeug holds the fields of a multipart form to MAX_FORM_MEMORY_SIZE, and takes the other
    kind whole: 12 MB of ampersands are millions of fields.
    """
    if not request.environ.get("CONTENT_TYPE"):  # no kind of form, hence none that is read
        return
    if request.mimetype == "application/x-www-form-urlencoded":
        request.max_content_length = request.max_form_memory_size
    elif hasattr(current_app.view_functions.get(request.endpoint or ""), "takes_files"):
        request.max_content_length = 2 * current_app.config["MAX_CONTENT_LENGTH"]


def takes_files(view: View) -> View:
    """Of a form with several files: what is too large is told beside its field, and the rest is
    not lost. The server takes no more in any case (fablab/serve.py).
    """
    view.takes_files = True  # type: ignore[attr-defined]
    return view


def protect(response: Response) -> Response:
    """Add what the view has not said itself. (`setdefault` looks for each through all the
    others, and twice: a third of the cost of an answer without a body.)
    """
    asked, headers = request_ctx.request, response.headers
    is_secret = holds_a_secret(asked)
    wanted = OF_SECRETS if is_secret else OF_PAGES
    if current_app.config["IS_HTTPS"]:
        wanted = wanted + OVER_HTTPS
    given = {name.lower() for name, _value in headers}
    for name, value in wanted:
        if name.lower() not in given:
            headers.add(name, value)
    if is_for_ever(asked, response):
        headers["Cache-Control"] = f"public, max-age={A_YEAR}, immutable"
    elif "cache-control" not in given or not says_whose(asked, response):
        headers["Cache-Control"] = "no-store" if is_secret or is_personal() else "no-cache, private"
    return response


def says_whose(asked: Request, response: Response) -> bool:
    """Whether the view said who may keep it; of a file Werkzeug says only for how long."""
    said = response.cache_control
    return asked.endpoint == "static" or bool(said.public or said.private or said.no_store)


def is_for_ever(asked: Request, response: Response) -> bool:
    """A file of ours under the very hash of its content; an error at such an address is not."""
    if asked.endpoint != "static" or response.status_code not in (200, 206, 304):
        return False
    assert asked.view_args
    filename = asked.view_args["filename"]
    return asked.args.get("v") == _hash(filename, _changed(filename))


def is_personal() -> bool:
    person = g.get("_login_user")
    return bool(person is not None and person.is_authenticated)


def holds_a_secret(asked: Request) -> bool:
    rule = asked.url_rule
    return rule is not None and not rule.arguments.isdisjoint(("token", "secret"))


SAFE_PATH = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*")


def safe_next(target: str | None) -> str:
    """`target` when it is a path of this site, else the front page.

    Refused: other hosts, `//`, `/\\`, schemes, control characters and spaces, and all of these
    hidden behind percent signs (once or twice).
    """
    home = url_for("home.index")
    if not target or len(target) > 2000:
        return home
    for words in (target, unquote(target), unquote(unquote(target))):
        words = words.partition("?")[0]
        if not words.startswith("/") or words.startswith("//") or "\\" in words:
            return home
        if any(ord(letter) < 0x21 or ord(letter) == 0x7F for letter in words):
            return home
    return target if SAFE_PATH.fullmatch(target) and _can_be_read(target) else home


def _can_be_read(target: str) -> bool:
    """False of the address that a form was sent to, and that shows no page of its own."""
    try:
        current_app.url_map.bind("").match(target.partition("?")[0], method="GET")
    except MethodNotAllowed:
        return False
    except (NotFound, RequestRedirect):
        pass
    return True


def static(filename: str) -> str:
    """The address of a static file with its content's hash: it may be kept for ever."""
    return f"/static/{filename}?v={_hash(filename, _changed(filename))}"


def _changed(filename: str) -> float:
    if not current_app.debug:
        return 0.0
    return (Path(current_app.static_folder or "") / filename).stat().st_mtime


@lru_cache(maxsize=256)
def _hash(filename: str, _changed: float) -> str:
    path = Path(current_app.static_folder or "") / filename
    return hashlib.sha256(path.read_bytes()).hexdigest()[:10]
