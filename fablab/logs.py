"""One line per request and per event, with the request's id and without secrets."""

import json
import logging
import os
import re
import sys
import time
from datetime import UTC, datetime
from typing import Any, TextIO

from flask import Flask, Request, Response, g, has_request_context, request
from flask.globals import app_ctx, request_ctx

log = logging.getLogger("fablab.request")
LONGEST_PATH = 300  # letters of it that are written
SAFE_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
# Starts where a word starts and never goes back: a long text costs no more than its length.
ADDRESS = re.compile(r"(?<![\w.+-])([\w.+-])[\w.+-]*+@")
# Addresses whose path holds a secret: the route is written instead.
SLASH = r"(?:[/\\]|%2f|%5c)+"  # as anybody may write it: what is misspelt is a secret all the same
SECRET_PATH = re.compile(
    "("
    + "|".join(
        SLASH + SLASH.join(parts) + SLASH
        for parts in (
            ("calendars",),
            ("board",),
            ("password", "reset"),
            ("register", "confirm"),
            ("account", "email"),
            ("(?:bookings|consents|handovers|waits)", "by-mail"),
            ("mails", "stop"),
            ("organizations", "invitations"),
        )
    )
    + r")[^/\s\"?]+",
    re.IGNORECASE,
)


TOKENS = re.compile(r"[\w.=-]{24,}", re.ASCII)


def init_app(app: Flask) -> None:
    handler = Stderr()
    handler.setFormatter(Lines(as_json=app.config["LOG_FORMAT"] == "json"))
    root = logging.getLogger()
    for old in [each for each in root.handlers if isinstance(each.formatter, Lines)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(app.config["LOG_LEVEL"])
    # It announces itself whenever it is asked at which migration the database is.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    app.before_request(begin)
    app.after_request(end)


class Stderr(logging.StreamHandler[TextIO]):
    """Writes to what standard error is at the moment of writing."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stderr


class Lines(logging.Formatter):
    """Writes a record as one line: `time level message name=value…`, or as JSON."""

    def __init__(self, *, as_json: bool) -> None:
        super().__init__()
        self.as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": without_secrets(record.getMessage()),
            **getattr(record, "facts", {}),
        }
        if has_request_context():
            said.setdefault("request", g.get("request_id"))
        if record.exc_info:
            said["traceback"] = without_secrets(self.formatException(record.exc_info))
        return json.dumps(said) if self.as_json else plain(said)


def plain(said: dict[str, Any]) -> str:
    """A line that begins with its time; a traceback follows indented, so that whatever is said
    in one is never taken for a line of its own.
    """
    trace = said.pop("traceback", "")
    head = f"{said.pop('time')} {said.pop('level'):<7} {said.pop('message')}"
    facts = " ".join(f"{name}={value}" for name, value in said.items() if value not in (None, ""))
    lines = [f"{head} {facts}", *(f"    {line}" for line in trace.splitlines())]
    return "\n".join(visible(line) for line in lines)


def visible(line: str) -> str:
    """Without letters that break a line, turn it around or command a terminal."""
    if line.isprintable():
        return line
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in line)


def without_secrets(text: str) -> str:
    """The text with mail addresses shortened (`c…@usines.example`) and secret paths cut."""
    text = SECRET_PATH.sub(r"\1…", text)
    return ADDRESS.sub(r"\1…@", text) if "@" in text else text


def begin() -> None:
    environ, known = request.environ, app_ctx.g
    given = environ.get("HTTP_X_REQUEST_ID", "")
    is_ours = "fablab.proxied" in environ and SAFE_ID.fullmatch(given)
    known.request_id = given if is_ours else os.urandom(16).hex()
    known.began = time.perf_counter()


def end(response: Response) -> Response:
    """Log the request by its route when its path holds a secret; never its query."""
    asked, known = request_ctx.request, app_ctx.g
    if "request_id" not in known:
        return response
    response.headers.add("X-Request-Id", known.request_id)
    person = known.get("_login_user")
    log.log(
        logging.DEBUG if asked.endpoint in ("static", "health.alive") else logging.INFO,
        "%s %s %s",
        asked.method,
        shown_path(asked),
        response.status_code,
        extra={
            "facts": {
                "ms": round((time.perf_counter() - known.began) * 1000, 1),
                "member": getattr(person, "id", None),
            }
        },
    )
    return response


def shown_path(asked: Request) -> str:
    """Of an address that leads nowhere whatever may be a secret is cut: it may be a true one, with
    a letter too many around it.
    """
    rule = asked.url_rule
    if rule is None:
        return TOKENS.sub("…", asked.path)[:LONGEST_PATH]
    path = rule.rule if {"token", "secret"} & rule.arguments else asked.path
    return path if len(path) <= LONGEST_PATH else f"{path[:LONGEST_PATH]}…"
