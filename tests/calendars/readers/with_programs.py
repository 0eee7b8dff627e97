"""Programs that people use read the calendars at the addresses given; what they find, as JSON: see
in_python.py.

    TZ=Asia/Tokyo python with_programs.py khal|vdirsyncer|calcurse http://127.0.0.1:8000/…

What a program does not keep, an event's UID, is a number instead. `vdirsyncer` keeps what it has
fetched in $HOME from one call to the next, as a subscription does; khal shows it.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import urlopen

from fablab.calendars.guides import KHAL, VDIRSYNCER

FORMATS = """
[locale]
dateformat = %Y-%m-%d
longdateformat = %Y-%m-%d
timeformat = %H:%M
datetimeformat = %Y-%m-%d %H:%M
longdatetimeformat = %Y-%m-%d %H:%M

[sqlite]
path = {home}/khal.sqlite
"""
LINE = "␞{uid}␟{title}␟{start-long}␟{end-long}"
A_DAY = timedelta(days=1)


def run(home: Path, *words: str, text: str = "") -> str:
    """The output of a program of the system, which knows nothing of our own Python."""
    ours = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "XDG_")
    env = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    env |= {"HOME": str(home), "LC_ALL": "C.UTF-8", "LANG": "C.UTF-8"}
    done = subprocess.run(words, env=env, input=text, capture_output=True, text=True, timeout=100)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr}")
    return done.stdout


def written(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def downloaded(home: Path, url: str) -> str:
    with urlopen(url) as answer:
        (home / "calendar.ics").write_bytes(answer.read())
    return str(home / "calendar.ics")


def listed(home: Path) -> Iterator[tuple[str, list[str]]]:
    """What khal shows."""
    found = run(home, "khal", "list", "--once", "--day-format", "", "--format", LINE,
                "2027-01-01", "2028-03-01")  # fmt: skip
    for line in found.split("␞")[1:]:
        uid, title, start, end = line.rstrip("\n").split("␟")
        yield uid, [title, plain(start), plain(end, last=True)]


def plain(text: str, *, last: bool = False) -> str:
    """A time on the clock here, in UTC; a day, and for the `last` one that which follows it."""
    moment = datetime.fromisoformat(text)
    if ":" in text:
        return moment.astimezone(UTC).isoformat()
    return f"{moment + A_DAY if last else moment:%Y-%m-%d}"


def with_khal(home: Path, url: str) -> Iterator[tuple[str, list[str]]]:
    config = KHAL.replace("readonly = True", "") + FORMATS.format(home=home)
    written(home / ".config/khal/config", config)
    (home / ".local/share/calendars/fablab").mkdir(parents=True)
    run(home, "khal", "import", "--batch", "-a", "fablab", downloaded(home, url))
    yield from listed(home)


def with_vdirsyncer(home: Path, url: str) -> Iterator[tuple[str, list[str]]]:
    """Subscribed to as the help page says."""
    written(home / ".config/vdirsyncer/config", VDIRSYNCER.replace("https://…", url))
    written(home / ".config/khal/config", KHAL + FORMATS.format(home=home))
    run(home, "vdirsyncer", "discover", text="y\n" * 5)
    run(home, "vdirsyncer", "sync")
    # It gives each event a UID of its own making.
    yield from ((str(n), each) for n, (_, each) in enumerate(listed(home)))


# As calcurse keeps them: a time, or a day and perhaps the last one.
DAY = r"\d\d/\d\d/\d{4}"
TIMED = re.compile(rf"({DAY} @ \d\d:\d\d) -> ({DAY} @ \d\d:\d\d)(?:>\w+ )?\|(.*)")
WHOLE = re.compile(rf"({DAY}) \[1\](?: \{{1D -> ({DAY})\}})? (?:>\w+ )?(.*)")


def with_calcurse(home: Path, url: str) -> Iterator[tuple[str, list[str]]]:
    run(home, "calcurse", "-q", "-D", str(home), "-i", downloaded(home, url))
    for n, line in enumerate((home / "apts").read_text().splitlines()):
        if timed := TIMED.fullmatch(line):
            start, end, title = timed.groups()
            yield str(n), [title, plain(us(start)), plain(us(end))]
        elif whole := WHOLE.fullmatch(line):
            first, last, title = whole.groups()
            yield str(n), [title, plain(us(first)), plain(us(last or first), last=True)]
        else:
            raise ValueError(line)


def us(moment: str) -> str:
    """As it is written elsewhere, of a day as Americans write it."""
    return re.sub(r"(\d\d)/(\d\d)/(\d{4})(?: @)?", r"\3-\1-\2", moment)


READ = {"khal": with_khal, "vdirsyncer": with_vdirsyncer, "calcurse": with_calcurse}


def main() -> None:
    read, found = READ[sys.argv[1]], {}
    for n, url in enumerate(sys.argv[2:]):
        with tempfile.TemporaryDirectory() as folder:
            kept = os.environ.get("KEPT")  # where a subscription lives on
            home = Path(kept or folder) / str(n)
            home.mkdir(parents=True, exist_ok=True)
            found[url] = dict(read(home, url))
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
