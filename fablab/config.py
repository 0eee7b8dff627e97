"""Every setting, its default and its unit: environment over instance/config.toml over here.

In the environment a setting is called FABLAB_<NAME>; in the file it is its name in capitals.
What cannot be read stops the start with one line that names the setting. A commented file to
start from: `python -m fablab.config > instance/config.toml`.
"""

import json
import os
import re
import secrets
import tempfile
import textwrap
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from flask import Flask
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

PREFIX = "FABLAB_"
ROOT = Path(__file__).resolve().parent.parent

HOST_NAME = re.compile(r"\.?[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*")

Parse = Callable[[Any], Any]


class ConfigError(Exception):
    """One line: which setting, and what it should be."""


def text(value: Any) -> str:
    if not isinstance(value, str) or not value.isprintable():
        raise ValueError("a line of text")
    return value


def whole(lowest: int, highest: int) -> Parse:
    def parse(value: Any) -> int:
        words = str(value)
        is_a_number = words.isascii() and words.isdigit() and len(words) < 12
        if isinstance(value, bool) or not is_a_number or not lowest <= int(words) <= highest:
            raise ValueError(f"a whole number from {lowest} to {highest}")
        return int(words)

    return parse


def yes_or_no(value: Any) -> bool:
    known = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if str(value).lower() not in known:
        raise ValueError("true or false")
    return known[str(value).lower()]


def one_of(*words: str) -> Parse:
    def parse(value: Any) -> str:
        if value not in words:
            raise ValueError("one of " + ", ".join(words))
        return str(value)

    return parse


def optional(parse: Parse) -> Parse:
    """An empty text means none."""
    return lambda value: "" if value == "" else parse(value)


def names(value: Any) -> list[str]:
    """Host names in ASCII; one that starts with a dot stands for all beneath it."""
    listed = value.split(",") if isinstance(value, str) else value
    if not isinstance(listed, list) or not all(isinstance(word, str) for word in listed):
        raise ValueError("host names separated by commas")
    found = [word.strip().lower() for word in listed if word]
    if not all(HOST_NAME.fullmatch(word) and len(word) < 254 for word in found):
        raise ValueError("host names separated by commas, without ports")
    return found


def address(value: Any, schemes: tuple[str, ...]) -> SplitResult | None:
    """The parts of an address; None when it is none, or of another scheme."""
    try:
        parts = urlsplit(text(value))
        parts.port  # noqa: B018  (raises ValueError when it is no number)
    except ValueError:
        return None
    return parts if parts.scheme in schemes and parts.hostname else None


def base_url(value: Any) -> str:
    parts = address(value, ("http", "https"))
    if parts is None or parts.username is not None or parts.path.strip("/"):
        raise ValueError("an address like https://booking.example, without a path")
    if parts.query or parts.fragment:
        raise ValueError("an address like https://booking.example, without a path")
    return text(value).rstrip("/")


def database_url(value: Any) -> str:
    expected = "an address like postgresql://user:password@host/name, or sqlite:///path"
    try:
        url = make_url(text(value))
    except (ArgumentError, ValueError):
        raise ValueError(expected) from None
    is_file = url.drivername == "sqlite" and url.database not in (None, "", ":memory:")
    is_server = url.drivername in ("postgresql", "postgresql+psycopg") and url.database
    if not (is_file and not url.host) and not is_server:
        raise ValueError(expected)
    return text(value)


def mail_url(value: Any) -> str:
    if not address(value, ("smtp", "smtps")):
        raise ValueError("an address like smtp://user:password@host:587, or nothing")
    return text(value)


def mail_address(value: Any) -> str:
    _name, found = parseaddr(text(value))
    if not re.fullmatch(r"[^@\s]+@[\w-]+(\.[\w-]+)+", found):
        raise ValueError("a mail address like Fablab <fablab@booking.example>")
    return text(value)


def redis_url(value: Any) -> str:
    is_socket = text(value).startswith("unix:///")
    if not is_socket and not address(value, ("redis", "rediss")):
        raise ValueError("an address like redis://host:6379/0, or nothing")
    return text(value)


def secret(value: Any) -> str:
    if len(text(value)) < 32:
        raise ValueError("32 characters at least")
    return text(value)


@dataclass(frozen=True)
class Setting:
    default: Any
    parse: Parse
    about: str


SETTINGS = {
    "DATABASE_URL": Setting(
        "",
        optional(database_url),
        "Where the data lives: postgresql://user:password@host/name, or sqlite:///path (one that"
        " is not absolute lies in the instance folder). Empty: an SQLite file in that folder.",
    ),
    "BASE_URL": Setting(
        "",
        optional(base_url),
        "How people reach the service, like https://booking.example; links in mails and calendars"
        " start with it. With https, cookies are kept to https. Empty: http, HOST and PORT.",
    ),
    "SECRET_KEY": Setting(
        "",
        optional(secret),
        "Signs cookies and links, 32 characters at least. Empty: made on the first start and kept"
        " in instance/secret_key.",
    ),
    "MAIL_URL": Setting(
        "",
        optional(mail_url),
        "Where mail goes: smtp://user:password@host:587 (STARTTLS when offered, or"
        " ?starttls=required), smtps://…:465. Empty: written to instance/outbox/ as .eml files.",
    ),
    "MAIL_FROM": Setting(
        "Fablab <fablab@localhost.example>", mail_address, "The address mails come from."
    ),
    "REDIS_URL": Setting(
        "", optional(redis_url), "Only when several processes share request limits."
    ),
    "TRUSTED_HOSTS": Setting(
        [],
        names,
        "The host names the service answers to, separated by commas. Empty: BASE_URL's own, and"
        " this machine's.",
    ),
    "PROXY_HOPS": Setting(
        0,
        whole(0, 5),
        "How many proxies of yours stand in front and set X-Forwarded-*. 0: none is believed.",
    ),
    "HOST": Setting("127.0.0.1", text, "The address to listen on."),
    "PORT": Setting(5000, whole(1, 65535), "The port to listen on."),
    "THREADS": Setting(8, whole(1, 64), "Requests answered at once."),
    "SESSION_IDLE_DAYS": Setting(
        14, whole(1, 365), "Days without a visit after which a session ends."
    ),
    "SESSION_ABSOLUTE_DAYS": Setting(
        30, whole(1, 365), "Days after which a session ends however often it is used."
    ),
    "SHARED_IDLE_MINUTES": Setting(
        30, whole(5, 1440), "The first of these on a shared computer, in minutes."
    ),
    "SHARED_ABSOLUTE_MINUTES": Setting(
        480, whole(5, 1440), "The second of these on a shared computer, in minutes."
    ),
    "MAX_CONTENT_LENGTH": Setting(
        12 * 1024 * 1024,
        whole(64 * 1024, 256 * 1024 * 1024),
        "The largest request accepted, in bytes.",
    ),
    "LOG_LEVEL": Setting(
        "INFO", one_of("DEBUG", "INFO", "WARNING", "ERROR"), "What is written to the log."
    ),
    "LOG_FORMAT": Setting(
        "text", one_of("text", "json"), "How it is written: text for people, json for machines."
    ),
    "METRICS_TOKEN": Setting(
        "",
        optional(secret),
        "Whoever sends it (Authorization: Bearer …) reads /metrics, 32 characters at least. Empty:"
        " only this machine does.",
    ),
    "DEMO": Setting(
        False,
        yes_or_no,
        "Tells the demonstration accounts on the sign-in page. Never where real people sign in.",
    ),
    "INSTANCE_PATH": Setting(
        str(ROOT / "instance"),
        text,
        "Where the database, the secret, mails, photos and config.toml are kept. Said in the"
        " environment alone.",
    ),
}


def instance_path(given: dict[str, Any] | None = None) -> str:
    """The absolute folder of this installation, known before the file inside it is read."""
    found = (given or {}).get("INSTANCE_PATH") or os.environ.get(f"{PREFIX}INSTANCE_PATH")
    return str(Path(found or SETTINGS["INSTANCE_PATH"].default).absolute())


def load(app: Flask, given: dict[str, Any] | None = None) -> None:
    """Read every setting into `app.config`; `given` wins over all, for tests.

    Raises ConfigError.
    """
    folder = Path(app.instance_path)
    ours = {name: value for name, value in (given or {}).items() if name in SETTINGS}
    others = {name: value for name, value in (given or {}).items() if name not in SETTINGS}
    values = (
        {name: setting.default for name, setting in SETTINGS.items()}
        | from_file(folder / "config.toml")
        | from_environment()
        | {name: parsed(name, value) for name, value in ours.items()}
        | {"INSTANCE_PATH": str(folder)}
    )
    values["BASE_URL"] = values["BASE_URL"] or parsed(
        "BASE_URL", listening_at(values["HOST"], values["PORT"])
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        values["SECRET_KEY"] = values["SECRET_KEY"] or kept_secret(folder / "secret_key")
    except OSError as error:
        problem = f"{folder} cannot be written to: {error.strerror}"
        raise ConfigError(f"INSTANCE_PATH: {problem}") from error
    app.config.from_mapping(values)
    app.config.from_mapping(derived(values, folder))
    app.config.from_mapping(others)


def from_file(path: Path) -> dict[str, Any]:
    """What the file says; nothing when there is none."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path.name}: cannot be read: {error}".replace("\n", " ")) from error
    unknown = sorted(set(found) - set(SETTINGS))
    if unknown:
        raise ConfigError(f"{unknown[0]!r}: no such setting (in {path.name})")
    if "INSTANCE_PATH" in found:
        raise ConfigError(f"INSTANCE_PATH: {path.name} lies in that folder and cannot name it")
    return {name: parsed(name, value, f" (in {path.name})") for name, value in found.items()}


def from_environment() -> dict[str, Any]:
    named = {
        name.removeprefix(PREFIX): value
        for name, value in os.environ.items()
        if name.startswith(PREFIX)
    }
    unknown = sorted(set(named) - set(SETTINGS))
    if unknown:
        raise ConfigError(f"{PREFIX + unknown[0]!r}: no such setting (in the environment)")
    return {name: parsed(name, value, " (in the environment)") for name, value in named.items()}


def parsed(name: str, value: Any, where: str = "") -> Any:
    try:
        return SETTINGS[name].parse(value)
    except ValueError as error:
        raise ConfigError(f"{name}: should be {error}{where}") from error


def listening_at(host: str, port: int) -> str:
    """The address that answers on this machine; who listens on all of its own is named by one."""
    named = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host)
    return f"http://{named or (f'[{host}]' if ':' in host else host)}:{port}"


def kept_secret(path: Path) -> str:
    """The secret of this installation, made on the first start; readable by its owner alone.

    Written elsewhere and linked into place, whole or not at all: of two processes that start
    at once, both use the secret of the one that was faster.

    Raises ConfigError, and OSError when it can be neither read nor made.
    """
    if not path.exists():
        descriptor, half = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # mode 0600
        try:
            with open(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(48) + "\n")
                file.flush()
                os.fsync(descriptor)
            os.link(half, path)
        except FileExistsError:
            pass  # another process was faster
        finally:
            os.unlink(half)
    try:
        return secret(path.read_text(encoding="ascii").strip())
    except ValueError as error:
        raise ConfigError(f"SECRET_KEY: {path} should hold {error}") from error


def derived(values: dict[str, Any], folder: Path) -> dict[str, Any]:
    """What Flask and its extensions want to be told, from our own settings."""
    base = urlsplit(values["BASE_URL"])
    is_https = base.scheme == "https"
    url = sqlalchemy_url(values["DATABASE_URL"], folder)
    is_server = url.get_backend_name() == "postgresql"
    return {
        "SQLALCHEMY_DATABASE_URI": url,
        "SQLALCHEMY_ENGINE_OPTIONS": {
            "connect_args": {"connect_timeout": 5} if is_server else {},
            "pool_size": values["THREADS"] + 2,
            "max_overflow": 4,
            "pool_timeout": 10,
            "hide_parameters": True,  # an error is logged without what was typed
        },
        "SESSION_COOKIE_NAME": "__Host-session" if is_https else "session",
        "SESSION_COOKIE_SECURE": is_https,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_REFRESH_EACH_REQUEST": False,
        "PERMANENT_SESSION_LIFETIME": timedelta(days=values["SESSION_ABSOLUTE_DAYS"]),
        "TRUSTED_HOSTS": values["TRUSTED_HOSTS"]
        or sorted({base.hostname or "localhost", "localhost", "127.0.0.1"}),
        "MAX_FORM_MEMORY_SIZE": 256 * 1024,
        "MAX_FORM_PARTS": 500,
        "WTF_CSRF_TIME_LIMIT": None,  # as long as the session it belongs to
        # It wants a Referer, which pages behind a secret address do not send (Referrer-Policy).
        "WTF_CSRF_SSL_STRICT": False,
        "BABEL_DEFAULT_LOCALE": "fr",
        "IS_HTTPS": is_https,
    }


def sqlalchemy_url(url: str, folder: Path) -> URL:
    if not url:
        return URL.create("sqlite", database=str(folder / "fablab.sqlite"))
    found = make_url(url)
    is_server = found.get_backend_name() == "postgresql"
    return found.set(drivername="postgresql+psycopg") if is_server else found


def example() -> str:
    """A config.toml that says nothing yet: every setting with its default, commented out."""
    said = (
        f"{textwrap.fill(setting.about, 96, initial_indent='# ', subsequent_indent='# ')}\n"
        f"# {name} = {json.dumps(setting.default)}\n"
        for name, setting in SETTINGS.items()
        if name != "INSTANCE_PATH"
    )
    return "\n".join(said)


if __name__ == "__main__":
    print(example(), end="")
