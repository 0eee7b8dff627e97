"""The cells of a day's grid: what each shows and says to this reader, and where it leads.

A planning has hundreds of them, so that all of it is made of loops over plain values, with ready
phrases and tables: no address is built and no sentence translated inside them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from fablab import texts
from fablab.booking.wait_rules import is_only_offered
from fablab.home.day import DayOfPlace, full_name
from fablab.home.phrases import FIELDS, HOURS, LENGTHS
from fablab.home.planning import (
    MINUTE,
    WHOLE_DAY,
    Kind,
    Segment,
    Terms,
)
from fablab.machines.inventory import MachineFacts
from fablab.slots import Slot

WITHDRAWN = (Kind.OUTAGE, Kind.HIRE)


@dataclass(slots=True)
class Cell:
    """One cell of the grid; see `templates/components/plan_cells.html`."""

    kind: str
    span: int
    said: str
    text: str = ""
    hours: str = ""
    brief: str = ""
    is_over: bool = False
    is_waiting: bool = False
    url: str = ""
    move_url: str = ""
    start: int = 0
    end: int = 0
    minimum: int = 0
    maximum: int = 0


@dataclass
class DayOfCells(DayOfPlace):
    """The day with the cells that its grid is made of."""

    def hour_of(self, minute: int | None) -> dict[str, str]:
        """The hour of a minute of this day, with its day when it is another's."""
        if minute is None:
            return {"hour": ""}
        if 0 <= minute <= WHOLE_DAY:
            return {"hour": HOURS[minute]}
        instant = self.scale.start + minute * MINUTE
        return {"hour": texts.moment(instant, self.zone)}

    def cells(self, machine: MachineFacts, parts: Iterable[Segment], terms: Terms) -> list[Cell]:
        made: list[Cell] = []
        orphans: list[str] = []  # what found no column before the first cell
        for part in parts:
            if part.span:
                cell = self.cell(machine, part, terms)
                if orphans:
                    cell.said = ", ".join([*orphans, cell.said])
                    orphans.clear()
                made.append(cell)
            elif part.row is not None:
                said = self.held(machine, part, terms).said
                if made:
                    made[-1].said = f"{made[-1].said}, {said}"
                else:
                    orphans.append(said)
        return made

    def cell(self, machine: MachineFacts, part: Segment, terms: Terms) -> Cell:
        kind, words = part.kind, self.words
        if part.row is not None:
            return self.held(machine, part, terms)
        hours = {"start": HOURS[part.start], "end": HOURS[part.end]}
        why = self.barred.get(machine.id)
        if why and kind in (Kind.FREE, Kind.OPEN):
            said = words.barred_said % {**hours, "why": why}
            return Cell("barred", part.span, said, why, url=self.machine_url(machine))
        if kind is Kind.FREE:
            return self.free(machine, part, terms)
        if kind is Kind.CLOSED:
            if self.day_off:
                said = words.closed_for_said % {**hours, "why": self.day_off}
                return Cell("closed", part.span, said, self.closed_for)
            return Cell("closed", part.span, words.closed_said % hours, words.closed)
        if kind is Kind.STOPPED:
            said = words.stopped_said % {**hours, "why": machine.state_reason}
            text = machine.state_reason or words.stopped
            return Cell("outage", part.span, said.strip(), text)
        if kind is Kind.RESERVED:
            return self.reserved(machine, part)
        if kind is Kind.PAST:
            return Cell("past", part.span, words.past_said % hours)
        # What the notice takes is long enough, and too late to ask for.
        short = words.soon_said if part.start < terms.earliest else words.short_said
        said = {Kind.OPEN: words.open_said, Kind.IN_USE: words.in_use_said}.get(kind, short)
        return Cell("short", part.span, said % hours)

    def reserved(self, machine: MachineFacts, part: Segment) -> Cell:
        agreement = machine.agreement_on(self.day)
        said = self.words.reserved_said % {
            "start": HOURS[part.start],
            "end": HOURS[part.end],
            "owner": agreement.owner if agreement else "",
        }
        url = self.machine_url(machine)  # which says when they are free for all
        return Cell("reserved", part.span, said, self.words.reserved, url=url)

    def free(self, machine: MachineFacts, part: Segment, terms: Terms) -> Cell:
        if machine.policy_for(self.viewer.audience).whole_days:
            day = self.words.whole_day
            url = self.day_url_of(machine)
            return Cell("free", part.span, f"{machine.name}, {day}", day, url=url)
        start, end = part.start, part.end
        said = {"machine": machine.name, "start": HOURS[start], "end": HOURS[end]}
        return Cell(
            "free",
            part.span,
            self.words.free_said % said,
            LENGTHS[end - start],
            url=self.form_url(machine, start, end, terms),
            start=start,
            end=end,
            minimum=terms.minimum,
            maximum=terms.maximum if terms.maximum < end - start else 0,
        )

    def machine_url(self, machine: MachineFacts) -> str:
        return f"{self.addresses.machines}{machine.slug}{self.asked.query(category='')}"

    def day_url_of(self, machine: MachineFacts) -> str:
        """The form, for the whole day from midnight to midnight."""
        return f"{self.new_url_of(machine)}{self.link}00:00&end=00:00"

    def form_url(self, machine: MachineFacts, start: int, end: int, terms: Terms) -> str:
        """The form with a usual length from `start` on, as far as the free time goes."""
        until = min(start + terms.usual_length, end)
        return f"{self.new_url_of(machine)}{self.link}{FIELDS[start]}&end={FIELDS[until]}"

    @cached_property
    def new_url(self) -> str:
        """The form, to which scripts add machine, day and hours."""
        return f"{self.addresses.new}{self.asked.query(category='')}"

    def new_url_of(self, machine: MachineFacts) -> str:
        return f"{self.new_url}{'&' if '?' in self.new_url else '?'}machine={machine.slug}"

    def held(self, machine: MachineFacts, part: Segment, terms: Terms) -> Cell:
        """A booking, an outage or a session, with the names and words this reader may read."""
        row, words, kind = part.row, self.words, part.kind
        start, end = self.scale.minute(row.starts_at), self.scale.minute(row.ends_at)
        hours = self.written(row, start, end)
        if kind in WITHDRAWN:
            why = row.title or (words.outage if kind is Kind.OUTAGE else words.hire)
            phrase = words.outage_said if kind is Kind.OUTAGE else words.hire_said
            return Cell(kind.value, part.span, phrase % {"hours": hours, "why": why}, why)
        if kind is Kind.ABSENT:
            return self.missed(part, hours)
        is_over = row.ends_at <= self.now
        if kind is Kind.TRAINING:
            return self.training(part, hours, is_over=is_over)
        if kind is Kind.OWN:
            return self.own(machine, part, terms, hours, is_over=is_over)
        who = self.holder(row)
        is_waiting = kind is Kind.WAITING and not is_only_offered(row)
        phrase = words.waiting_said if is_waiting else words.held_said
        return Cell(
            str(kind.value),
            part.span,
            phrase % {"who": self.holder_said(row, who), "hours": hours},
            who,
            hours,
            initials(who) if self.viewer.sees_names else "",
            is_over,
            url=f"{self.addresses.bookings}{row.uid}" if self.viewer.is_team else "",
        )

    def missed(self, part: Segment, hours: str) -> Cell:
        """Who did not come is the team's business, and their own."""
        words, row = self.words, part.row
        if row.member_id == self.viewer.id:
            who, said = words.own, words.own_absent_said % {"hours": hours}
        elif self.viewer.is_team:
            who = self.holder(row)
            said = words.absent_said % {"who": self.holder_said(row, who), "hours": hours}
        else:
            who, said = words.absent, words.nobody_came_said % {"hours": hours}
        is_theirs = self.viewer.is_team or row.member_id == self.viewer.id
        url = f"{self.addresses.bookings}{row.uid}" if is_theirs else ""
        return Cell("absent", part.span, said, who, words.absent, url=url)

    def training(self, part: Segment, hours: str, *, is_over: bool) -> Cell:
        words, name = self.words, part.row.title
        return Cell(
            "training",
            part.span,
            words.session_said % {"name": name, "hours": hours},
            words.session % {"name": name},
            hours,
            is_over=is_over,
        )

    def own(
        self, machine: MachineFacts, part: Segment, terms: Terms, hours: str, *, is_over: bool
    ) -> Cell:
        row, words = part.row, self.words
        is_waiting = row.status == "pending"
        who = words.own_for % {"purpose": row.title} if row.title else words.own
        phrase = words.own_waiting_said if is_waiting else words.own_said
        url = f"{self.addresses.bookings}{row.uid}"
        return Cell(
            "own",
            part.span,
            phrase % {"who": who, "machine": machine.name, "hours": hours},
            who,
            hours,
            words.own,
            is_over,
            is_waiting,
            url,
            "" if is_over else f"{url}/move",
            self.scale.minute(row.starts_at),
            self.scale.minute(row.ends_at),
            terms.minimum,
            terms.maximum,
        )

    def written(self, row: Any, start: int, end: int) -> str:
        """The booked hours, true to the minute."""
        if 0 <= start < end <= WHOLE_DAY and not self.scale.shift:
            return f"{HOURS[start]}–{HOURS[end]}"
        return texts.hours(Slot(row.starts_at, row.ends_at), self.zone)

    def holder(self, row: Any) -> str:
        """Who holds it, for this reader: the organization, else the person, else nobody."""
        if is_only_offered(row) and not self.viewer.is_team:
            return self.words.offered
        if not self.viewer.sees_names:
            return self.words.booked
        return row.organization_name or full_name(row) or self.words.booked

    def holder_said(self, row: Any, who: str) -> str:
        """For the team also the person and the purpose, which are nobody else's business."""
        if not self.viewer.is_team:
            return who
        more = [who, full_name(row) if row.organization_name else "", row.title]
        return ", ".join(word for word in more if word)


def initials(name: str) -> str:
    """`AF` for Atelier Fil & Forme: of the first two words that begin with a letter."""
    return "".join(word[0] for word in name.split() if word[0].isalpha())[:2].upper()
