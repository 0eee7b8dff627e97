"""A calendar as somebody else's program understands it, in a process and time zone of its own.

    TZ=Asia/Tokyo python in_python.py vobject http://127.0.0.1:5000/machines/m01/calendar.ics …

Prints, for each address, every event by UID: summary, start and end, in UTC or as days. So do the
programs beside this one, in other languages.
"""

import json
import sys
from datetime import UTC, date, datetime
from typing import Any
from urllib.request import urlopen

FROM, UNTIL = datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 3, 1, tzinfo=UTC)


def text_at(url: str) -> str:
    with urlopen(url) as response:
        return response.read().decode()


def with_vobject(url: str) -> Any:
    import vobject

    for event in vobject.readOne(text_at(url)).vevent_list:
        yield event.uid.value, event.summary.value, event.dtstart.value, event.dtend.value


def with_ics(url: str) -> Any:
    import ics

    for event in ics.Calendar(text_at(url)).events:
        start, end = event.begin.datetime, event.end.datetime
        if event.all_day:
            start, end = event.begin.date(), event.end.date()
        yield event.uid, event.name, start, end


def with_icalevents(url: str) -> Any:
    from icalevents.icalevents import events

    for event in events(url=url, start=FROM, end=UNTIL):
        start, end = event.start, event.end
        if event.all_day:
            start, end = start.date(), end.date()
        yield event.uid, event.summary, start, end


def plain(moment: date | datetime) -> str:
    if isinstance(moment, datetime):
        return moment.astimezone(UTC).isoformat()
    return moment.isoformat()


def main() -> None:
    read = {"vobject": with_vobject, "ics": with_ics, "icalevents": with_icalevents}[sys.argv[1]]
    found = {
        url: {uid: [summary, plain(start), plain(end)] for uid, summary, start, end in read(url)}
        for url in sys.argv[2:]
    }
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
