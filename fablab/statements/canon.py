"""The one way to write a statement, so that whoever has it finds the same fingerprint. Pure.

JSON with its keys sorted, no blanks, UTF-8; amounts and prices are texts, lengths whole minutes,
nothing is a float. People are references: their names stand beside it and may leave.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from fablab.statements.kinds import LineKind
from fablab.statements.rules import Line, Period, Total, total, totals

FORMAT = 1


def written(content: Mapping[str, Any]) -> str:
    """Raises TypeError for what has more than one way to be written, floats above all."""
    _only_exact(content)
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _only_exact(value: Any) -> None:
    if isinstance(value, Mapping):
        for each in value.values():
            _only_exact(each)
    elif isinstance(value, list):
        for each in value:
            _only_exact(each)
    elif not (value is None or isinstance(value, str | bool | int)):
        raise TypeError(f"has no one way to be written: {value!r}")


def fingerprint(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()


def verifies(export: Any) -> bool:
    """Whether an exported statement is what its fingerprint says. Raises ValueError when it is
    no such export.
    """
    if not isinstance(export, dict) or not {"statement", "sha256"} <= export.keys():
        raise ValueError("it holds no statement with its fingerprint")
    try:
        return fingerprint(written(export["statement"])) == export["sha256"]
    except TypeError as error:
        raise ValueError(str(error)) from error


def reference(uid: str) -> str:
    """Of a person: always the same, and nothing that leads to them."""
    return f"P-{hashlib.sha256(f'person {uid}'.encode()).hexdigest()[:12]}"


def instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def decimal(value: Decimal) -> str:
    """`12.50`, `0.3333`, `-3.00`: two decimals at least, no more than it needs."""
    exact = value.normalize()
    exponent = exact.as_tuple().exponent
    assert isinstance(exponent, int)
    return str(value.quantize(Decimal("0.01")) if exponent >= -2 else exact)


def line_content(line: Line) -> dict[str, Any]:
    """Who used it is in no owner's statement."""
    content: dict[str, Any] = {
        "booking": line.booking,
        "item": line.item,
        "kind": line.kind.value,
        "starts_at": instant(line.starts_at),
        "day": line.day.isoformat(),
        "machine": line.machine,
        "machine_name": line.machine_name,
        "category": line.category,
        "what": line.what,
        "booked_minutes": line.booked,
        "real_minutes": line.real,
        "counted_minutes": line.counted,
        "quantity": decimal(line.quantity),
        "unit": line.unit,
        "unit_price": None if line.unit_price is None else decimal(line.unit_price),
        "percent": line.percent,
        "amount": decimal(line.amount),
        "product": line.product,
    }
    if line.is_own is None:
        content |= {
            "person": line.person,
            "activity": line.activity,
            "audience": line.audience,
            "covered": dict(line.covered),
        }
    else:
        content |= {
            "is_own": line.is_own,
            "share_percent": None if line.share_percent is None else decimal(line.share_percent),
            "share": None if line.share is None else decimal(line.share),
        }
    if line.kind is LineKind.CORRECTION:
        content |= {"of": (line.of or line.kind).value, "corrects": str(line.corrects)}
    return content


def line_of(content: Mapping[str, Any]) -> Line:
    """What `line_content` wrote."""
    corrects = content.get("corrects")
    return Line(
        booking=content["booking"],
        item=content["item"],
        kind=LineKind(content["kind"]),
        starts_at=datetime.fromisoformat(content["starts_at"]).astimezone(UTC),
        day=date.fromisoformat(content["day"]),
        machine=content["machine"],
        machine_name=content["machine_name"],
        category=content["category"],
        what=content["what"],
        person=content.get("person", ""),
        activity=content.get("activity", ""),
        audience=content.get("audience", ""),
        booked=content["booked_minutes"],
        real=content["real_minutes"],
        counted=content["counted_minutes"],
        covered=content.get("covered", {}),
        quantity=Decimal(content["quantity"]),
        unit=content["unit"],
        unit_price=_decimal(content["unit_price"]),
        percent=content["percent"],
        amount=Decimal(content["amount"]),
        product=content["product"],
        is_own=content.get("is_own"),
        share_percent=_decimal(content.get("share_percent")),
        share=_decimal(content.get("share")),
        of=LineKind(content["of"]) if "of" in content else None,
        corrects=period_of(corrects) if corrects else None,
    )


def period_of(text: str) -> Period:
    first, _, last = text.partition("/")
    return Period(date.fromisoformat(first), date.fromisoformat(last))


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def totals_content(lines: Sequence[Line]) -> dict[str, Any]:
    return {
        "by_kind": {kind.value: _total(those) for kind, those in totals(lines).items()},
        "all": _total(total(lines)),
    }


def _total(of: Total) -> dict[str, Any]:
    return {
        "lines": of.count,
        "booked_minutes": of.booked,
        "real_minutes": of.real,
        "counted_minutes": of.counted,
        "covered_minutes": of.covered,
        "amount": decimal(of.amount),
        "share": decimal(of.share),
    }


def total_of(content: Mapping[str, Any]) -> Total:
    """What `totals_content` wrote of all lines of a statement."""
    said = content["totals"]["all"]
    return Total(
        count=said["lines"],
        booked=said["booked_minutes"],
        real=said["real_minutes"],
        counted=said["counted_minutes"],
        covered=said["covered_minutes"],
        amount=Decimal(said["amount"]),
        share=Decimal(said["share"]),
    )


def read(body: str) -> Any:
    return json.loads(body)


def content(
    subject: Any, period: Period, account: Any, *, place: Any, closed_at: datetime
) -> dict[str, Any]:
    """What is hashed: whose, of when, the lines and their sums, and what was closed before."""
    terms = account.terms
    return {
        "format": FORMAT,
        "place": {"slug": place.slug, "name": place.name, "zone": place.zone},
        "subject": subject_content(subject),
        "first_day": period.first.isoformat(),
        "last_day": period.last.isoformat(),
        "closed_at": instant(closed_at),
        "currency": terms.currency,
        "charged": terms.charged.value,
        "vat_text": terms.vat_text,
        "previous": account.previous,
        "allowances": [
            {"uid": row.uid, "name": row.name, "settled": row.settled} for row in account.allowances
        ],
        "lines": [line_content(line) for line in account.lines],
        "totals": totals_content(account.lines),
    }


def subject_content(subject: Any) -> dict[str, Any]:
    """A member by their reference; what an organization is called in the accounts."""
    said = {"scope": subject.scope.value}
    if subject.is_member:
        return said | {"person": reference(subject.row.uid)}
    return said | {
        "organization": subject.row.name,
        "slug": subject.row.slug,
        "siren": subject.row.siren,
        "customer_code": subject.row.customer_code,
        "activity": subject.activity,
    }
