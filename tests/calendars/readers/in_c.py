"""libical, in C as GNOME's calendars use it, reads the calendars at the addresses given; what it
finds, as JSON: see in_python.py. By the system's own Python, which knows GObject.
"""

import json
import sys
from datetime import UTC, datetime
from urllib.request import urlopen

import gi

gi.require_version("ICalGLib", "3.0")
from gi.repository import ICalGLib  # noqa: E402


def plain(time, zone):
    if time.is_date():
        return f"{time.get_year()}-{time.get_month():02}-{time.get_day():02}"
    return datetime.fromtimestamp(time.as_timet_with_zone(zone), UTC).isoformat()


def read(url):
    with urlopen(url) as answer:
        calendar = ICalGLib.Component.new_from_string(answer.read().decode())
    found = {}
    event = calendar.get_first_component(ICalGLib.ComponentKind.VEVENT_COMPONENT)
    while event:
        times = []
        for time in (event.get_dtstart(), event.get_dtend()):
            zone = time.get_timezone() or ICalGLib.Timezone.get_utc_timezone()
            times.append(plain(time, zone))
        found[event.get_uid()] = [event.get_summary(), *times]
        event = calendar.get_next_component(ICalGLib.ComponentKind.VEVENT_COMPONENT)
    return found


json.dump({url: read(url) for url in sys.argv[1:]}, sys.stdout)
