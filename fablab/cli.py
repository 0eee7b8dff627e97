"""The `fablab` command line, for whoever runs the installation. In English, like the logs."""

import sys
from typing import Any

import click
from flask import Flask, current_app
from flask.cli import AppGroup, ScriptInfo
from flask_migrate import upgrade
from sqlalchemy.exc import DBAPIError

from fablab import __version__, clock, create_app, demo
from fablab.config import ConfigError
from fablab.db import Busy
from fablab.machines.guards import GuardMissing


class Command(click.Command):
    """A command whose foreseeable failures are one line and not a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            raise click.ClickException(str(error)) from error
        except DBAPIError as error:
            raise click.ClickException(f"the database: {error.orig}") from error
        except Busy as error:
            raise click.ClickException("the database is busy; try again in a moment") from error
        except OSError as error:
            raise click.ClickException(str(error)) from error


class Group(AppGroup):
    """Commands that run inside the application."""

    command_class = Command


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
@click.pass_context
def fablab(ctx: click.Context) -> None:
    """Run a fablab's booking service."""
    ctx.obj = ScriptInfo(create_app=create_app)


@fablab.command()
def serve() -> None:
    """Serve the pages and the calendars, and do the background work."""
    from waitress import serve as listen

    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    listen(app, host=app.config["HOST"], port=app.config["PORT"], threads=app.config["THREADS"])


@fablab.command("demo")
def load_demo() -> None:
    """Load the demonstration place into an empty database.

    Where it is loaded already nothing changes; a database with other data is refused.
    """
    try:
        is_new = demo.load(clock.now())
    except (demo.DemoRefused, GuardMissing) as error:
        raise click.ClickException(str(error)) from error
    click.echo(
        "The demonstration place is loaded."
        if is_new
        else "The demonstration place was there already; nothing was changed."
    )
    for email, who in demo.ACCOUNTS:
        click.echo(f"  {email:<36} {who}")
    click.echo(f"The password of every account is {demo.PASSWORD}")


@fablab.group(cls=Group)
def db() -> None:
    """Look after the database."""


@db.command("upgrade")
def upgrade_database() -> None:
    """Bring the database to what this version needs."""
    upgrade()


def init_app(app: Flask) -> None:
    """Offer the same commands as `flask --app wsgi …`."""
    for name, command in fablab.commands.items():
        if name not in app.cli.commands:
            app.cli.add_command(command)


def main() -> None:
    """What the `fablab` command runs: whatever goes wrong is told in one line."""
    try:
        status = fablab.main(standalone_mode=False)
    except click.ClickException as error:
        click.echo(f"fablab: {' '.join(error.format_message().split())}", err=True)
        status = error.exit_code
    except click.Abort:
        click.echo("fablab: stopped", err=True)
        status = 1
    sys.exit(status)
