"""Every setting, its default and its unit: environment over instance/config.toml over here.

In the environment a setting is called FABLAB_<NAME>; in the file it is its name in capitals.
What cannot be read stops the start with one line that names the setting.
"""

import os
import re
import secrets
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask

PREFIX = "FABLAB_"
ROOT = Path(__file__).resolve().parent.parent


class ConfigError(Exception):
    """One line: which setting, and what it should be."""


def text(value: Any) -> str:
    if not isinstance(value, str) or not value.isprintable():
        raise ValueError("a line of text")
    return value


def whole(lowest: int, highest: int) -> Callable[[Any], int]:
    def parse(value: Any) -> int:
        words = str(value)
        if isinstance(value, bool) or not (words.isascii() and words.isdigit() and len(words) < 12):
            raise ValueError(f"a whole number from {lowest} to {highest}")
        if not lowest <= int(words) <= highest:
            raise ValueError(f"a whole number from {lowest} to {highest}")
        return int(words)

    return parse


def yes_or_no(value: Any) -> bool:
    known = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if str(value).lower() not in known:
        raise ValueError("true or false")
    return known[str(value).lower()]


def one_of(*words: str) -> Callable[[Any], str]:
    def parse(value: Any) -> str:
        if value not in words:
            raise ValueError("one of " + ", ".join(words))
        return str(value)

    return parse


def names(value: Any) -> list[str]:
    listed = value if isinstance(value, list) else str(value).split(",")
    found = [str(word).strip() for word in listed if word]
    if not all(re.fullmatch(r"[\w.:\[\]-]+", word) for word in found):
        raise ValueError("host names separated by commas")
    return found


def base_url(value: Any) -> str:
    parts = urlsplit(text(value))
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise ValueError("an address like https://booking.example")
    return text(value).rstrip("/")


def database_url(value: Any) -> str:
    if not text(value).startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
        raise ValueError("an address like postgresql://user:password@host/name, or sqlite:///path")
    return text(value)


def mail_url(value: Any) -> str:
    words = text(value)
    if words and urlsplit(words).scheme not in ("smtp", "smtps"):
        raise ValueError("an address like smtp://user:password@host:587, or nothing")
    if words:
        urlsplit(words).port  # noqa: B018  (raises ValueError when it is no number)
    return words


def redis_url(value: Any) -> str:
    if text(value) and urlsplit(value).scheme not in ("redis", "rediss", "unix"):
        raise ValueError("an address like redis://host:6379/0, or nothing")
    return text(value)


def secret(value: Any) -> str:
    if len(text(value)) < 32:
        raise ValueError("32 characters at least")
    return text(value)


@dataclass(frozen=True)
class Setting:
    default: Any
    parse: Callable[[Any], Any]


SETTINGS = {
    # Where the data lives. Empty: an SQLite file in the instance folder.
    "DATABASE_URL": Setting("", lambda value: database_url(value) if value else ""),
    # How people reach the service; links in mails and calendars start with it.
    "BASE_URL": Setting("http://127.0.0.1:5000", base_url),
    # Signs cookies and links. Empty: made on the first start and kept in instance/secret_key.
    "SECRET_KEY": Setting("", lambda value: secret(value) if value else ""),
    # Where mail goes: smtp://user:password@host:587 (STARTTLS when offered, or
    # ?starttls=required), smtps://…:465. Empty: written to instance/outbox/ as .eml files.
    "MAIL_URL": Setting("", mail_url),
    # The address mails come from.
    "MAIL_FROM": Setting("Fablab <fablab@localhost.example>", text),
    # Only when several processes share request limits.
    "REDIS_URL": Setting("", redis_url),
    # The host names the service answers to, separated by commas. Empty: BASE_URL's own, and
    # this machine's.
    "TRUSTED_HOSTS": Setting([], names),
    # How many proxies of yours stand in front and set X-Forwarded-*. 0: none is believed.
    "PROXY_HOPS": Setting(0, whole(0, 5)),
    # The address and port to listen on.
    "HOST": Setting("127.0.0.1", text),
    "PORT": Setting(5000, whole(1, 65535)),
    # Requests answered at once.
    "THREADS": Setting(8, whole(1, 64)),
    # Days without a visit after which a session ends, and days after which it ends anyway.
    "SESSION_IDLE_DAYS": Setting(14, whole(1, 365)),
    "SESSION_ABSOLUTE_DAYS": Setting(30, whole(1, 365)),
    # The same on a shared computer, in minutes.
    "SHARED_IDLE_MINUTES": Setting(30, whole(5, 1440)),
    "SHARED_ABSOLUTE_MINUTES": Setting(480, whole(5, 1440)),
    # The largest request accepted, in bytes.
    "MAX_CONTENT_LENGTH": Setting(12 * 1024 * 1024, whole(64 * 1024, 256 * 1024 * 1024)),
    # What is written to the log, and how: `text` for people, `json` for machines.
    "LOG_LEVEL": Setting("INFO", one_of("DEBUG", "INFO", "WARNING", "ERROR")),
    "LOG_FORMAT": Setting("text", one_of("text", "json")),
    # Tells the demonstration accounts on the sign-in page. Never where real people sign in.
    "DEMO": Setting(False, yes_or_no),
    # Where the database, the secret, mails and photos are kept.
    "INSTANCE_PATH": Setting(str(ROOT / "instance"), text),
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
    found = read(folder) | from_environment() | (given or {})
    values = {
        name: parsed(name, found.get(name, setting.default)) for name, setting in SETTINGS.items()
    }
    others = {name: value for name, value in (given or {}).items() if name not in SETTINGS}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        values["SECRET_KEY"] = values["SECRET_KEY"] or kept_secret(folder / "secret_key")
    except OSError as error:
        problem = f"{folder} cannot be written to: {error.strerror}"
        raise ConfigError(f"INSTANCE_PATH: {problem}") from error
    app.config.from_mapping(values)
    app.config.from_mapping(derived(values, folder))
    app.config.from_mapping(others)


def read(folder: Path) -> dict[str, Any]:
    """What instance/config.toml says; nothing when there is none."""
    path = folder / "config.toml"
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path.name}: cannot be read: {error}".replace("\n", " ")) from error
    unknown = sorted(set(found) - set(SETTINGS))
    if unknown:
        raise ConfigError(f"{unknown[0]}: no such setting (in {path.name})")
    return found


def from_environment() -> dict[str, Any]:
    named = {
        name.removeprefix(PREFIX): value
        for name, value in os.environ.items()
        if name.startswith(PREFIX)
    }
    unknown = sorted(set(named) - set(SETTINGS))
    if unknown:
        raise ConfigError(f"{PREFIX}{unknown[0]}: no such setting (in the environment)")
    return named


def parsed(name: str, value: Any) -> Any:
    try:
        return SETTINGS[name].parse(value)
    except ValueError as error:
        raise ConfigError(f"{name}: should be {error}") from error


def kept_secret(path: Path) -> str:
    """The secret of this installation, made on the first start; readable by its owner alone."""
    try:
        return secret(path.read_text(encoding="ascii").strip())
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        raise ConfigError(f"SECRET_KEY: {path} cannot be used: {error}") from error
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48) + "\n")
    except FileExistsError:
        pass  # another process was faster: its secret is ours
    return secret(path.read_text(encoding="ascii").strip())


def derived(values: dict[str, Any], folder: Path) -> dict[str, Any]:
    """What Flask and its extensions want to be told, from our own settings."""
    base = urlsplit(values["BASE_URL"])
    is_https = base.scheme == "https"
    return {
        "SQLALCHEMY_DATABASE_URI": sqlalchemy_url(values["DATABASE_URL"], folder),
        "SQLALCHEMY_ENGINE_OPTIONS": {
            "pool_size": values["THREADS"] + 2,
            "max_overflow": 4,
            "pool_timeout": 10,
        },
        "SESSION_COOKIE_NAME": "__Host-session" if is_https else "session",
        "SESSION_COOKIE_SECURE": is_https,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_REFRESH_EACH_REQUEST": False,
        "PERMANENT_SESSION_LIFETIME": timedelta(days=values["SESSION_ABSOLUTE_DAYS"]),
        "TRUSTED_HOSTS": values["TRUSTED_HOSTS"]
        or sorted({base.hostname or "localhost", "localhost", "127.0.0.1", "[::1]"}),
        "MAX_FORM_MEMORY_SIZE": 256 * 1024,
        "MAX_FORM_PARTS": 500,
        "WTF_CSRF_TIME_LIMIT": None,  # as long as the session it belongs to
        "WTF_CSRF_SSL_STRICT": is_https,
        "BABEL_DEFAULT_LOCALE": "fr",
        "IS_HTTPS": is_https,
    }


def sqlalchemy_url(url: str, folder: Path) -> str:
    if not url:
        return f"sqlite:///{folder / 'fablab.sqlite'}"
    return url.replace("postgresql://", "postgresql+psycopg://", 1)
