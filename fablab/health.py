"""Is it alive, and is it able to serve? For whoever watches over the installation."""

from flask import Blueprint, jsonify
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from fablab import migrations
from fablab.access import anyone
from fablab.db import db
from fablab.machines import guards
from fablab.statements import guards as statement_guards

bp = Blueprint("health", __name__)


@bp.get("/healthz")
@anyone
def alive():
    """200 as long as the process answers; asks nothing of the database."""
    return {"status": "ok"}


@bp.get("/readyz")
@anyone
def ready():
    """200 when bookings can be taken safely, else 503 with what is missing."""
    problems = unready()
    body = {"status": "not ready" if problems else "ready", "problems": problems}
    return jsonify(body), 503 if problems else 200


def unready() -> list[str]:
    """Why bookings must not be taken now: no database, old migrations, or a guard away."""
    try:
        with db.engine.connect() as connection:
            behind = behind_migrations(connection)
            if behind:
                return [behind]
            away = guards.missing(connection) + statement_guards.missing(connection)
            return [f"the guard {name} is missing" for name in away]
    except DBAPIError as error:
        return [f"the database cannot be reached: {type(error.orig).__name__}"]


def behind_migrations(connection: Connection) -> str:
    """One line when the schema is not the one this code was written for, else nothing."""
    found, wanted = migrations.found(connection), migrations.known()[-1]
    if found == wanted:
        return ""
    return f"the database is at migration {found or 'none'}, this version needs {wanted}"
