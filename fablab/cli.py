"""The `fablab` command line, for whoever runs the installation. In English, like the logs."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import click
from flask import Flask, current_app
from flask.cli import AppGroup, ScriptInfo
from sqlalchemy.exc import DBAPIError

from fablab import (
    __version__,
    backup,
    clock,
    create_app,
    demo,
    doctor,
    imports,
    managers,
    migrations,
    serve,
)
from fablab.config import ConfigError
from fablab.db import Busy
from fablab.health import unready
from fablab.machines.inventory import of_place
from fablab.mail import delivery, outbox
from fablab.mail.models import OutgoingMail
from fablab.statements import proofs, sources
from fablab.statements.rules import Period

FORESEEABLE = (
    ConfigError,
    backup.BackupError,
    demo.DemoRefused,
    managers.NotManager,
    migrations.MigrationFailed,
    proofs.ProofError,
)
AN_EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
A_FILE = click.Path(dir_okay=False, path_type=Path)


class Command(click.Command):
    """A command whose foreseeable failures are one line and not a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except DBAPIError as error:
            raise click.ClickException(f"the database: {error.orig}") from error
        except Busy as error:
            raise click.ClickException("the database is busy; try again in a moment") from error
        except serve.InUse as error:
            raise click.ClickException("the service is running; stop it first") from error
        except FORESEEABLE as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            raise click.ClickException(f"{where}{error.strerror or error}") from error


class Group(AppGroup):
    """Commands that run inside the application."""

    command_class = Command


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
@click.pass_context
def fablab(ctx: click.Context) -> None:
    """Run a fablab's booking service."""
    ctx.obj = ScriptInfo(create_app=create_app)


@fablab.command("serve")
@click.option("--no-jobs", is_flag=True, help="Leave mails and housekeeping to `fablab jobs`.")
@click.option("--demo", "with_demo", is_flag=True, help="Set up the demonstration place first.")
def serve_pages(no_jobs: bool, with_demo: bool) -> None:
    """Serve the pages and the calendars, and do the background work."""
    app = application()
    if with_demo:
        prepare_demo(app)
    refuse_unless_ready()
    with serve.in_use(Path(app.instance_path)):
        server = serve.listening(app)
        click.echo(f"Serving on {serve.address(server)}")
        serve.run(app, server, with_jobs=not no_jobs)


@fablab.command()
def jobs() -> None:
    """Send the mails and tidy up, where `fablab serve --no-jobs` does not."""
    app = application()
    refuse_unless_ready()
    with serve.in_use(Path(app.instance_path)):
        click.echo("Doing the background work")
        serve.run_jobs(app)


@fablab.command("mail-test")
@click.argument("address")
def try_mails(address: str) -> None:
    """Send a mail to ADDRESS at once, to see whether the settings are right."""
    mail = OutgoingMail(
        message_id=outbox.new_message_id(),
        recipient=address,
        subject="A mail to try the settings",
        text=f"The mails of {current_app.config['BASE_URL']} reach you.\n",
        reply_to="",
        created_at=clock.now(),
    )
    try:
        with delivery.connected(application()) as deliver:
            deliver(mail)
    except (OSError, ValueError) as error:
        raise click.ClickException(delivery.in_words(error)) from error
    is_for_real = bool(current_app.config["MAIL_URL"])
    click.echo("The mail server took it" if is_for_real else "It is in instance/outbox/")


@fablab.command("demo")
def load_demo() -> None:
    """Load the demonstration place into an empty database.

    Where it is loaded already nothing changes; a database with other data is refused.
    """
    refuse_unless_ready()
    is_new = demo.load(clock.now())
    click.echo(
        "The demonstration place is loaded."
        if is_new
        else "The demonstration place was there already; nothing was changed."
    )
    tell_accounts()


def prepare_demo(app: Flask) -> None:
    """For a first look: migrate, and fill a database that is empty; real data stays alone."""
    if unready():
        migrations.upgrade()
    try:
        demo.load(clock.now())
    except demo.DemoRefused:
        click.echo("This place has data of its own: the demonstration is left out.")
    else:
        app.config["DEMO"] = True
        tell_accounts()


def tell_accounts() -> None:
    click.echo(f"Accounts of the demonstration, with the password {demo.PASSWORD}:")
    for email, who in demo.ACCOUNTS:
        click.echo(f"  {email:36} {who}")


def refuse_unless_ready() -> None:
    for problem in unready():
        remedy = ": run `fablab db upgrade`" if doctor.mended_by_upgrade(problem) else ""
        raise click.ClickException(problem + remedy)


@fablab.group("import", cls=Group)
def import_() -> None:
    """Bring in machines, members, qualifications or past bookings from a file (docs/import.md).

    Says what it would do; writes it with --apply, and then everything or nothing.
    """


def importer(name: str) -> click.Command:
    """The command that imports one kind of file."""
    kind = imports.KINDS[name]

    @click.argument("file", type=click.File("rb"))
    @click.option("--apply", "is_applied", is_flag=True, help="Write it.")
    @click.option("--place", "slug", help="The place it belongs to, by the name in its address.")
    @click.option(
        "--map",
        "mapped",
        metavar="OURS=THEIRS",
        multiple=True,
        help="What one of our columns is called in the file; all others of it are left alone.",
    )
    def bring_in(
        file: IO[bytes], is_applied: bool, slug: str | None, mapped: tuple[str, ...]
    ) -> None:
        refuse_unless_ready()
        place_id = place_named(slug)
        data = file.read(imports.MAX_BYTES + 1)
        lines = imports.read(kind, data, names_in(mapped) or imports.names_of_export(name, data))
        plan = imports.compare(kind, lines, place_id, now=clock.now())
        if is_applied and not plan.problems:
            plan = written(kind, lines, place_id)
        report(plan, is_applied, kind.telling)

    bring_in.__doc__ = f"Bring in {name}. Columns: {', '.join(one.name for one in kind.columns)}."
    return import_.command(name)(bring_in)


for name in imports.KINDS:
    importer(name)


def names_in(mapped: tuple[str, ...]) -> dict[str, str] | None:
    """What was said with `--map`, by our columns; None when nothing was."""
    pairs = [each.partition("=") for each in mapped]
    if any(not (ours.strip() and theirs.strip()) for ours, _equals, theirs in pairs):
        raise click.BadParameter("write it as OURS=THEIRS", param_hint="--map")
    return {ours.strip(): theirs.strip() for ours, _equals, theirs in pairs} or None


def place_named(slug: str | None) -> int:
    try:
        place = of_place(slug=slug).place
    except LookupError as error:
        raise click.ClickException(str(error)) from error
    if slug and place.slug != slug:
        raise click.ClickException(f"there is no place {slug}")
    return place.id


def written(kind: imports.Kind, lines: imports.Sheet, place_id: int) -> imports.Plan:
    """What was written; or, when something came in between, the problems it makes."""
    try:
        with progress("Writing") as told:
            return imports.apply(kind, lines, place_id, now=clock.now(), told=told)
    except imports.ImportRefused as refused:
        return imports.Plan(problems=refused.problems)


def report(plan: imports.Plan, is_applied: bool, telling: tuple[str, ...]) -> None:
    """What was done or would be, each thing new with these columns; every problem on a line of its
    own, and then a failure.
    """
    for problem in plan.problems:
        where = f"line {problem.line}" if problem.line else "the file"
        click.echo(f"{where}: {problem.sentence % problem.values}", err=True)
    if plan.problems:
        raise click.ClickException(f"nothing was written; problems found: {len(plan.problems)}")
    for note in plan.notes:
        click.echo(f"line {note.line}: {note.sentence % note.values}")
    for step in plan.new:
        said = [(name, step.said[name]) for name in telling if step.said.get(name) is not None]
        click.echo(f"new: {step.name}{in_brackets(said)}")
    for step in plan.changed:
        click.echo(f"changed: {step.name}{in_brackets(step.said_changes(), '→ ')}")
    for kind, made in (("category", plan.categories), ("pool", plan.pools)):
        for named in made.values():
            click.echo(f"new {kind}: {named}")
    counts = f"{len(plan.new)} new, {len(plan.changed)} changed, {len(plan.same)} as they were."
    click.echo(counts)
    if not is_applied:
        click.echo("Nothing was written: add --apply to write it.")


def in_brackets(said: Sequence[tuple[str, Any]], sign: str = "") -> str:
    told = [f"{name} {sign}{imports.text_of(value) or 'nothing'}" for name, value in said]
    return f" ({', '.join(map(imports.shown, told))})" if told else ""


@fablab.group(cls=Group)
def db() -> None:
    """Look after the database."""


@db.command("upgrade")
def upgrade_database() -> None:
    """Bring the database to what this version needs, after a copy of it (SQLite)."""
    migrations.upgrade()
    for problem in unready():
        raise click.ClickException(problem)
    click.echo("The database is ready")


@db.command("revision")
@click.argument("what")
def write_migration(what: str) -> None:
    """Write the next migration; WHAT says what it does. For who changes the models."""
    click.echo(f"Read it before it is run: {migrations.write_next(what)}")


@fablab.group(cls=Group)
def statement() -> None:
    """Usage statements: taken out, checked, computed again by others."""


@statement.command("export")
@click.argument("uid")
@click.option("--format", "kind", type=click.Choice(["json", "csv"]), default="json")
def export_statement(uid: str, kind: str) -> None:
    """Write the closed statement UID to standard output."""
    click.echo(proofs.exported(uid, kind), nl=False)


@statement.command("verify")
@click.argument("file", type=AN_EXISTING_FILE)
def verify_statement(file: Path) -> None:
    """Check that FILE, a statement as JSON, is what its fingerprint says.

    The names of people in it are beside what is proven: they are no part of the fingerprint.
    """
    click.echo(f"{file}: it is as it was closed, {proofs.verified(file)}")
    click.echo(proofs.COVERS)


@statement.command("sources")
@click.argument("first", type=click.DateTime(["%Y-%m-%d"]))
@click.argument("last", type=click.DateTime(["%Y-%m-%d"]))
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def write_sources(first: datetime, last: datetime, folder: Path) -> None:
    """Write into FOLDER, as tables, what the statements of FIRST to LAST are computed from."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in sources.tables(of_place(), Period(first.date(), last.date())).items():
        (folder / name).write_text(text, "utf-8")
        click.echo(folder / name)


@fablab.command("create-manager")
@click.argument("email")
@click.option("--first-name", help="Asked when it is not given.")
@click.option("--last-name", help="Asked when it is not given.")
@click.option("--place", help="The name of the first place, while there is none.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def create_manager(
    email: str,
    first_name: str | None,
    last_name: str | None,
    place: str | None,
    password_stdin: bool,
) -> None:
    """Make EMAIL a manager, with an account if need be, and a place if there is none."""
    known, newcomer = managers.known(email), None
    if known.place is None and place is None:
        place = asked("Name of the place")
    if known.account is None:
        newcomer = managers.Newcomer(
            first_name or asked("First name"),
            last_name or asked("Last name"),
            password_from_stdin() if password_stdin else asked("Password", is_secret=True),
        )
    managers.make_manager(email, newcomer, place, now=clock.now())
    click.echo(f"{email} manages the place, with {'a new' if newcomer else 'the same'} account")


def asked(what: str, *, is_secret: bool = False) -> str:
    if not sys.stdin.isatty():
        raise click.ClickException(f"{what}: not given, and nobody is there to be asked")
    return str(click.prompt(what, hide_input=is_secret, confirmation_prompt=is_secret))


def password_from_stdin() -> str:
    return sys.stdin.readline().rstrip("\r\n")


@fablab.command("backup")
@click.argument("file", type=A_FILE)
def save(file: Path) -> None:
    """Copy the database into FILE while the service runs (SQLite)."""
    with progress("Copying") as told:
        backup.save(file, told)
    folder = Path(current_app.instance_path)
    also = [name for name in ("secret_key", "config.toml", "media") if (folder / name).exists()]
    click.echo(f"{file} is a whole copy of the database")
    click.echo(f"Keep beside it, from {folder}: {', '.join(also)}")


@fablab.command()
@click.argument("file", type=AN_EXISTING_FILE)
@click.option("--yes", is_flag=True, help="Replace the database there is.")
def restore(file: Path, yes: bool) -> None:
    """Make FILE, made by `fablab backup`, the database; the one it replaces is kept (SQLite)."""
    if backup.has_data() and not yes:
        raise click.ClickException("there is a database already: --yes replaces it and keeps it")
    click.echo(f"Checking {file}")
    with (
        serve.in_use(Path(current_app.instance_path), alone=True),
        progress("Copying") as told,
    ):
        kept = backup.restore(file, clock.now(), told)
    if kept:
        click.echo(f"The database that was there is kept as {kept}")
    for problem in unready():
        click.echo(f"Restored; {problem}: run `fablab db upgrade`")
        return
    click.echo("Restored; the database is ready")


@fablab.command("doctor")
@click.pass_context
def examine(ctx: click.Context) -> None:
    """Look the installation over; exit status 1 when something is wrong."""
    is_wrong = False
    for finding in doctor.examine(application(), clock.now()):
        is_wrong = is_wrong or finding.verdict is doctor.Verdict.WRONG
        click.echo(f"{finding.verdict:5}  {finding.text}")
    ctx.exit(1 if is_wrong else 0)


@contextmanager
def progress(label: str) -> Iterator[backup.Progress]:
    """A bar, on a terminal, that is told how much is done of how much."""
    is_seen = sys.stderr.isatty()
    with click.progressbar(length=1, label=label, file=sys.stderr, hidden=not is_seen) as bar:

        def told(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        yield told


def application() -> Flask:
    return current_app._get_current_object()  # type: ignore[attr-defined]


def init_app(app: Flask) -> None:
    """Offer the same commands as `flask --app wsgi …`."""
    for name, command in fablab.commands.items():
        if name not in app.cli.commands:
            app.cli.add_command(command)


def main() -> None:
    """What the `fablab` command runs: whatever goes wrong is told in one line."""
    os.umask(0o027)  # what is written holds people's data: not for other accounts to read
    try:
        status = fablab.main(prog_name="fablab", standalone_mode=False)
    except click.ClickException as error:
        click.echo(f"fablab: {' '.join(error.format_message().split())}", err=True)
        status = error.exit_code
    except click.Abort:
        click.echo("fablab: stopped", err=True)
        status = 1
    sys.exit(status)
