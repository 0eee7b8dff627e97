"""Computes statements again, from the exported tables alone: nothing of the program is used, and no
decimal library either. Money is counted in ten-thousandths of the currency, time in seconds.

    python tests/statements/independent.py FOLDER organization studio 2027-03-01 2027-03-31
"""

import csv
import sys
from collections import defaultdict
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo


def read(folder, name):
    with (Path(folder) / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def ten_thousandths(text):
    sign = -1 if text.startswith("-") else 1
    whole, _, rest = text.lstrip("-").partition(".")
    return sign * (int(whole) * 10_000 + int(rest.ljust(4, "0")[:4] or 0))


def seconds(text):
    return int(datetime.strptime(text + "+0000", "%Y-%m-%dT%H:%M:%SZ%z").timestamp())


def local_day(text, zone):
    return datetime.fromtimestamp(seconds(text), ZoneInfo(zone)).date()


def up(number, by):
    return (number + by - 1) // by


def cents(number, divided_by):
    """A count of ten-thousandths over something, to the cent, halves away from zero."""
    return (2 * number + 100 * divided_by) // (200 * divided_by)


def percent_of(booking, terms):
    """100 for what was used, the place's share of a late or missed one, None for no use."""
    if booking["status"] == "confirmed":
        return 100
    if booking["is_excused"] == "1":
        return None
    if booking["status"] == "missed":
        return int(terms["missed_percent"])
    if booking["status"] == "cancelled" and booking["is_late"] == "1":
        return int(terms["late_percent"])
    return None


def tariff_for(machine, audience, day, tariffs):
    for whose in (audience, ""):
        for each in tariffs:
            begun = each["first_day"] <= day
            not_over = not each["last_day"] or day <= each["last_day"]
            if (each["machine"], each["audience"]) == (machine, whose) and begun and not_over:
                return each
    return None


def counted(tariff, length):
    """Minutes counted by the hour, of a length in seconds."""
    rest = length - 60 * int(tariff["included"])
    if rest <= 0:
        return 0
    step = 60 * int(tariff["step"])
    return up(max(rest, 60 * int(tariff["minimum"])), step) * step // 60


def worth(tariff, length, days, percent, covered=0):
    """In cents."""
    if tariff is None:
        return 0
    price = ten_thousandths(tariff["price"])
    if tariff["unit"] == "flat":
        return cents(price * percent, 100)
    if tariff["unit"] == "day":
        return cents(price * days * percent, 100)
    left = max(counted(tariff, length) * percent - 100 * covered, 0)
    return cents(price * left, 6000)


def uses(folder):
    """Every use with its price, in the order of time."""
    [terms], tariffs = read(folder, "terms.csv"), read(folder, "tariffs.csv")
    found = []
    bookings = read(folder, "bookings.csv")
    for booking in sorted(bookings, key=lambda each: (each["starts_at"], each["uid"])):
        percent = percent_of(booking, terms)
        if percent is None:
            continue
        start, end = seconds(booking["starts_at"]), seconds(booking["ends_at"])
        charged = (start, end)
        if terms["charged"] == "real" and booking["arrived_at"] and booking["left_at"]:
            stay = seconds(booking["arrived_at"]), seconds(booking["left_at"])
            charged = stay if stay[0] < stay[1] else charged
        zone = ZoneInfo(terms["zone"])
        first, last = (
            datetime.fromtimestamp(at, zone).date() for at in (charged[0], charged[1] - 1)
        )
        day = str(local_day(booking["starts_at"], terms["zone"]))
        found.append(
            booking
            | {
                "day": day,
                "percent": percent,
                "minutes": (end - start) // 60,
                "length": charged[1] - charged[0],
                "days": (last - first).days + 1,
                "tariff": tariff_for(booking["code"], booking["audience"], day, tariffs),
                "company": tariff_for("", booking["audience"], day, tariffs)
                if booking["is_accompanied"] == "1"
                else None,
            }
        )
    return found


def covered_minutes(theirs, grants):
    """By booking: the earliest first, from the grant that ends first."""
    spent, found = defaultdict(int), defaultdict(int)
    # Of two that end on the same day the one that was granted first, as they stand in the table.
    in_turn = sorted(grants, key=lambda grant: grant["last_day"] or "9999")
    for use in theirs:
        tariff = use["tariff"]
        if tariff is None or tariff["unit"] != "hour":
            continue
        wanted = up(counted(tariff, use["length"]) * use["percent"], 100)
        for grant in in_turn:
            last = grant["last_day"] or "9999"
            is_then = grant["first_day"] <= use["day"] <= last
            if not is_then or (
                grant["categories"] and use["category"] not in grant["categories"].split()
            ):
                continue
            purse = (
                grant["uid"],
                use["day"][:7] if grant["is_monthly"] == "1" else "",
                "" if grant["is_shared"] == "1" else use["member"],
            )
            drawn = min(wanted, max(int(grant["minutes"]) - spent[purse], 0))
            spent[purse] += drawn
            found[use["uid"]] += drawn
            wanted -= drawn
    return found


def statement(folder, scope, of, first, last):
    """Of an organization or a member: by booking, minutes booked, minutes covered and cents, of the
    machine, of company and of what was used up.
    """
    alone = scope == "member"
    theirs = [
        use
        for use in uses(folder)
        if use["organization" if not alone else "member"] == of
        and (not alone or not use["organization"])
    ]
    holder = "member" if alone else "organization"
    grants = [each for each in read(folder, "allowances.csv") if each[holder] == of]
    covered = covered_minutes(theirs, grants)
    supplies = defaultdict(int)
    for each in read(folder, "consumptions.csv"):
        quantity, price = ten_thousandths(each["quantity"]), ten_thousandths(each["price"])
        supplies[each["booking"]] += cents(quantity * price, 10_000)
    return {
        use["uid"]: (
            use["minutes"],
            covered[use["uid"]],
            worth(use["tariff"], use["length"], use["days"], use["percent"], covered[use["uid"]]),
            worth(use["company"], use["length"], use["days"], use["percent"]),
            supplies[use["uid"]],
        )
        for use in theirs
        if first <= use["day"] <= last
    }


def owners_statement(folder, of, first, last):
    """By booking of a machine of theirs, minutes booked, cents, and cents of them that are theirs:
    as was agreed for its day. What they used themselves is worth nothing to them.
    """
    agreements = [each for each in read(folder, "agreements.csv") if each["owner"] == of]
    found = {}
    for use in uses(folder):
        if use["owner"] != of or not first <= use["day"] <= last:
            continue
        amount = worth(use["tariff"], use["length"], use["days"], use["percent"])
        if use["organization"] == of:
            amount = 0
        share = sum(
            ten_thousandths(each["share"])
            for each in agreements
            if each["machine"] == use["code"]
            and each["first_day"] <= use["day"] <= (each["last_day"] or "9999")
        )
        # The share is in ten-thousandths of a percent: cents again, halves away from zero.
        found[use["uid"]] = use["minutes"], amount, (2 * amount * share + 10**6) // (2 * 10**6)
    return found


if __name__ == "__main__":
    folder, scope, *asked = sys.argv[1:]
    told = (
        owners_statement(folder, *asked) if scope == "owner" else statement(folder, scope, *asked)
    )
    for uid, numbers in told.items():
        print(uid, *numbers)
