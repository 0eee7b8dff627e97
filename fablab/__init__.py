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
    from fablab import access, config, db, logs, metrics, security, web
    from fablab import models as _every_table  # noqa: F401  (mappers find each other)

    app = web.Application(
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

    from fablab.features import FEATURES

    for feature in FEATURES:
        app.register_blueprint(feature.bp)
    if app.debug:
        from fablab import styleguide

        app.register_blueprint(styleguide.bp)

    from fablab import cli

    cli.init_app(app)
    return app
