"""What was agreed about the machines of residents in the demonstration."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from sqlalchemy.orm import Session

from fablab.machines.agreement_models import OwnerRange, SharingAgreement
from fablab.machines.kinds import InCharge
from fablab.machines.models import Machine

HOURS = timedelta(hours=1)


def agree(
    session: Session,
    told: dict[str, Any],
    machines: Mapping[str, list[Machine]],
    from_monday: Callable[[int], date],
    now: datetime,
) -> None:
    """The agreements told, before anything is booked."""
    for one in told["agreement"]:
        [machine] = machines[one["machine"]]
        session.add(
            SharingAgreement(
                uid=str(uuid4()),
                machine_id=machine.id,
                owner_id=machine.owner_id,
                first_day=from_monday(one["first_day"]),
                notice_days=one.get("notice_days", 30),
                audiences=one.get("audiences", []),
                terms=one.get("terms", ""),
                asks_owner=one.get("asks_owner", False),
                answer_within=one.get("answer_hours", 48) * HOURS,
                release=one.get("release_hours", 0) * HOURS,
                insured_by=InCharge(one.get("insured_by", "owner")),
                maintained_by=InCharge(one.get("maintained_by", "owner")),
                insured_until=from_monday(one["insured_until"]),
                share=Decimal(one["share"]),
                created_at=now,
                ranges=[
                    OwnerRange(
                        weekday=each["day"],
                        opens_at=time.fromisoformat(each["from"]),
                        closes_at=time.fromisoformat(each["to"]),
                    )
                    for each in one.get("first", ())
                ],
            )
        )
    session.flush()
