"""A fablab's machine booking service."""

from pathlib import Path
from typing import Any

from flask import Flask

__version__ = "0.1.0"

ROOT = Path(__file__).resolve().parent.parent


def create_app(settings: dict[str, Any] | None = None) -> Flask:
    """Build the application; `settings` win over the environment and the file, for tests.

    Raises config.ConfigError, one line that names the setting, when any of them cannot be read.
    """
    from fablab import access, config, db, health, logs, metrics, preferences, security, web
    from fablab import models as _every_table  # noqa: F401  (mappers find each other)

    app = Flask(
        __name__,
        instance_path=config.instance_path(settings),
        template_folder=str(ROOT / "templates"),
        static_folder="static",
    )
    app.jinja_environment = web.Templates
    config.load(app, settings)
    logs.init_app(app)
    security.init_app(app)
    db.init_app(app)
    access.init_app(app)
    web.init_app(app)
    metrics.init_app(app)

    from fablab.accounts import views as accounts
    from fablab.booking import consent_views as consents
    from fablab.booking import handover_views as handovers
    from fablab.booking import series_views as series
    from fablab.booking import supply_views as supplies
    from fablab.booking import views as booking
    from fablab.booking import wait_views as waits
    from fablab.calendars import views as calendars
    from fablab.help import views as help_pages
    from fablab.home import allowance_views as allowances
    from fablab.home import look_views as look
    from fablab.home import organization_own_views as organizations
    from fablab.home import owner_views as owners
    from fablab.home import views as home
    from fablab.invitations import choice_views as mails
    from fablab.invitations import views as invitations
    from fablab.manage import views as manage
    from fablab.members import views as members
    from fablab.presence import wall_views as presence
    from fablab.reports import views as reports
    from fablab.statements import views as statements
    from fablab.trainings import views as trainings
    from fablab.upkeep import views as upkeep

    for feature in (
        home,
        look,
        help_pages,
        members,
        accounts,
        trainings,
        booking,
        consents,
        handovers,
        series,
        supplies,
        waits,
        upkeep,
        presence,
        calendars,
        invitations,
        mails,
        organizations,
        owners,
        allowances,
        statements,
        manage,
        reports,
        preferences,
        health,
        metrics,
    ):
        app.register_blueprint(feature.bp)

    from fablab import cli

    cli.init_app(app)
    return app
