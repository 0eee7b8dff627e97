"""A calendar as an answer of HTTP: 304 whenever that will do, compressed when asked.

RFC 9110 §8.8 and §13 for the validators, RFC 9111 for who may keep it.
"""

import gzip
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from flask import Response, current_app, request
from flask.sansio.app import App
from werkzeug.http import http_date

from fablab import clock
from fablab.calendars.kept import Shelf

KEPT = 4 * 1024 * 1024  # bytes of compressed calendars in memory
SHELF = "fablab.calendars.compressed"  # where an application keeps them
A_SECOND = timedelta(seconds=1)
LEVEL = 6  # of compression; 9 takes twice as long for a hundredth


class Compressed(NamedTuple):
    content: bytes


def init_app(app: App) -> None:
    app.extensions[SHELF] = Shelf[Compressed](KEPT)


def answer(
    tag: str,
    moved_at: datetime,
    write: Callable[[], bytes],
    *,
    name: str,
    is_public: bool,
    content_type: str = "text/calendar; charset=utf-8",
) -> Response:
    """The calendar `write` gives, or 304 when the client has the version `tag` already.

    `name` is that of the file; any `content_type` may be answered so.

    Each form has an ETag of its own, since a strong one stands for the same bytes (RFC 9110
    §8.8.3.3). Whichever of its forms the client has and can still read is told to be fresh.
    """
    plain, compressed = f'"{tag}"', f'"{tag}-gzip"'
    takes_gzip = _takes_gzip()
    forms = (compressed, plain) if takes_gzip else (plain,)
    fresh = _fresh(forms, moved_at)
    # What changes later in this very second would have the same date: an older one is told,
    # so that whoever only asks by date is answered in full the next time.
    dated = min(moved_at, clock.now() - A_SECOND)
    headers = {
        "ETag": fresh or forms[0],
        "Last-Modified": http_date(dated),
        "Cache-Control": "public, no-cache" if is_public else "private, no-cache",
        "Vary": "Accept-Encoding",
        "X-Robots-Tag": "noindex",
    }
    if fresh:
        return Response(status=304, headers=headers)
    headers["Content-Disposition"] = f'inline; filename="{name}"'
    if takes_gzip:
        headers["Content-Encoding"] = "gzip"
        body = _compressed(tag, write)
    else:
        body = write()
    return Response(body, headers=headers, content_type=content_type)


def _takes_gzip() -> bool:
    asked = request.environ.get("HTTP_ACCEPT_ENCODING", "")
    return "gzip" in asked and request.accept_encodings["gzip"] > 0


def _fresh(forms: tuple[str, ...], moved_at: datetime) -> str | None:
    """The ETag of the form the client has, if it is as good as new.

    If-None-Match is compared weakly, and decides alone when it is there (§13.1.2, §13.1.3).
    """
    if "HTTP_IF_NONE_MATCH" in request.environ:
        known = request.if_none_match
        return next((form for form in forms if known.contains_weak(form[1:-1])), None)
    since = request.if_modified_since if "HTTP_IF_MODIFIED_SINCE" in request.environ else None
    return forms[0] if since and moved_at <= since else None


def _compressed(tag: str, write: Callable[[], bytes]) -> bytes:
    """The same bytes for the same calendar, so without the time; kept, for it takes longer
    than all the rest.
    """
    shelf: Shelf[Compressed] = current_app.extensions[SHELF]
    kept = shelf.group(tag).get(None)
    if kept is None:
        kept = Compressed(gzip.compress(write(), LEVEL, mtime=0))
        shelf.keep(tag, {None: kept})
    return kept.content
