"""Figures for whoever watches over the installation, as Prometheus reads them.

https://prometheus.io/docs/instrumenting/exposition_formats/ — for this machine itself, or for
whoever has the token of METRICS_TOKEN. They name addresses of ours and no person.
"""

import hmac
import time
from collections.abc import Iterable, Iterator
from ipaddress import ip_address

from flask import Blueprint, Flask, Response, abort, current_app, g, request
from flask.globals import request_ctx
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from sqlalchemy import Select, func, select
from sqlalchemy.exc import DBAPIError

from fablab.access import anyone
from fablab.db import db
from fablab.health import unready
from fablab.mail.models import OutgoingMail

bp = Blueprint("metrics", __name__)

OF_PROXIES = ("X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via")
METHODS = {"GET", "HEAD", "POST", "OPTIONS"}  # anybody may make up more, each a line kept
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


def init_app(app: Flask) -> None:
    registry = CollectorRegistry()
    registry.register(OfTheDatabase())
    requests = Counter(
        "fablab_requests", "Answers given", ["endpoint", "method", "status"], registry=registry
    )
    seconds = Histogram(
        "fablab_request_seconds", "Time to an answer", buckets=SECONDS, registry=registry
    )
    app.extensions["metrics"] = registry

    @app.after_request
    def count(response: Response) -> Response:
        asked = request_ctx.request
        method = asked.method if asked.method in METHODS else "other"
        requests.labels(asked.endpoint or "none", method, str(response.status_code)).inc()
        if began := g.get("began"):
            seconds.observe(time.perf_counter() - began)
        return response


class OfTheDatabase(Collector):
    """What is read when it is asked for: two statements, whatever is stored."""

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        problems = unready()
        yield GaugeMetricFamily(
            "fablab_ready", "1 when bookings can be taken safely", value=not problems
        )
        mails = GaugeMetricFamily("fablab_mails", "Mails not delivered yet", labels=["state"])
        try:
            waiting, parked = db.session.execute(undelivered()).one()
        except DBAPIError:
            return
        mails.add_metric(["waiting"], waiting)
        mails.add_metric(["parked"], parked)
        yield mails


def undelivered() -> Select[int, int]:
    table = OutgoingMail.__table__.c
    is_open = table.sent_at.is_(None) & table.dropped_at.is_(None)
    is_parked = table.parked_at.is_not(None)
    return select(func.count().filter(is_open, ~is_parked), func.count().filter(is_open, is_parked))


@bp.get("/metrics")
@anyone
def figures():
    """To anybody else there is no such page."""
    if not (has_token() or is_from_here()):
        abort(404)
    text = generate_latest(current_app.extensions["metrics"])
    return Response(text, content_type=CONTENT_TYPE_LATEST)


def has_token() -> bool:
    token = current_app.config["METRICS_TOKEN"]
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return bool(token) and hmac.compare_digest(given.encode(), token.encode())


def is_from_here() -> bool:
    """A loopback address that no proxy speaks for: behind one, everybody comes from there."""
    if any(name in request.headers for name in OF_PROXIES):
        return False
    try:
        return ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False
