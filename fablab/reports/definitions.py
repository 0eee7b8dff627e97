"""What each figure of the report means: the sentence that stands beside it, and the list behind.

Pure: English msgids, translated where they are shown.
"""

from enum import StrEnum
from typing import NamedTuple

from fablab.words import N_


class Unit(StrEnum):
    COUNT = "count"
    HOURS = "hours"
    PERCENT = "percent"
    RATIO = "ratio"
    JOBS = "jobs"
    MONEY = "money"


class Indicator(NamedTuple):
    key: str
    title: str
    definition: str
    unit: Unit
    behind: str  # the list that it is counted from


class Section(NamedTuple):
    key: str
    title: str
    indicators: tuple[Indicator, ...]
    tables: tuple[str, ...]  # beneath the figures
    brief: tuple[str, ...]  # the figures that stand for it at the top


SECTIONS = (
    Section(
        "structures",
        N_("Structures and people"),
        (
            Indicator(
                "hosted",
                N_("Structures hosted"),
                N_("Structures of the place on one day of the period at least."),
                Unit.COUNT,
                "structures",
            ),
            Indicator(
                "supported",
                N_("Structures supported"),
                N_("Structures that are not hosted and whose people used a machine in the period."),
                Unit.COUNT,
                "structures",
            ),
            Indicator(
                "users",
                N_("People who used machines"),
                N_(
                    "Different people with a booking that begins in the period and was neither"
                    " cancelled nor missed; each counted once over all machines and places. Who"
                    " booked under two audiences counts in both of their lines."
                ),
                Unit.COUNT,
                "audiences",
            ),
            Indicator(
                "jobs",
                N_("Jobs of the structures"),
                N_(
                    "Full-time equivalents that the hosted structures declared for the year in"
                    " which the period ends. Told when three declared them at least."
                ),
                Unit.JOBS,
                "declarations",
            ),
            Indicator(
                "turnover",
                N_("Turnover of the structures"),
                N_(
                    "What the hosted structures declared for the year in which the period ends."
                    " Told when three declared it at least."
                ),
                Unit.MONEY,
                "declarations",
            ),
        ),
        ("audiences", "forms", "trades"),
        ("hosted", "users", "jobs"),
    ),
    Section(
        "use",
        N_("Use of the machines"),
        (
            Indicator(
                "booked",
                N_("Hours booked"),
                N_(
                    "Machine hours of bookings that begin in the period on the place's clock and"
                    " were neither cancelled nor missed. What ends after midnight counts where it"
                    " begins; a loan counts from its fetching to its return, nights included."
                ),
                Unit.HOURS,
                "machines",
            ),
            Indicator(
                "ahead",
                N_("Hours still to come"),
                N_(
                    "Hours booked in the period for after the moment that the report was closed"
                    " at: they are in no other figure."
                ),
                Unit.HOURS,
                "",
            ),
            Indicator(
                "used",
                N_("Hours really there"),
                N_(
                    "Of these, from the arrival that was noted until the leaving, or until the"
                    " booked end when no leaving was noted. Where nobody says that they came,"
                    " nothing is counted."
                ),
                Unit.HOURS,
                "machines",
            ),
            Indicator(
                "late",
                N_("Hours cancelled late"),
                N_(
                    "Hours of bookings cancelled after the free cancellation was over, unless the"
                    " team excused it. What is cancelled in time is not counted."
                ),
                Unit.HOURS,
                "machines",
            ),
            Indicator(
                "missed",
                N_("Hours missed"),
                N_("Hours of bookings to which nobody came and that were released."),
                Unit.HOURS,
                "machines",
            ),
            Indicator(
                "occupancy",
                N_("Occupancy"),
                N_(
                    "Hours booked out of the hours in which the machine may be booked: opening"
                    " hours less closures, holidays and outages. Machines lent by the day, and"
                    " retired ones, are left out; work beyond the opening hours counts, up to the"
                    " whole."
                ),
                Unit.PERCENT,
                "machines",
            ),
        ),
        ("categories", "machines", "users"),
        ("booked", "used", "occupancy"),
    ),
    Section(
        "pooling",
        N_("How pooled the tools are"),
        (
            Indicator(
                "each",
                N_("Structures to a machine"),
                N_("How many structures used one machine, on average over those that any used."),
                Unit.RATIO,
                "machines",
            ),
            Indicator(
                "several",
                N_("Machines used by three structures or more"),
                N_("Machines on which three different structures at least had a booking."),
                Unit.COUNT,
                "machines",
            ),
            Indicator(
                "opened",
                N_("Hours opened to others on residents' machines"),
                N_(
                    "Hours booked on machines that a structure owns, by others than that structure."
                ),
                Unit.HOURS,
                "shared",
            ),
            Indicator(
                "opened_share",
                N_("Share of others on residents' machines"),
                N_("The same hours out of all that were booked on these machines."),
                Unit.PERCENT,
                "shared",
            ),
            Indicator(
                "given_back",
                N_("Given back to residents for their machines"),
                N_(
                    "The owners' parts of the amounts for their machines, in the statements that"
                    " were closed for them and end in the period."
                ),
                Unit.MONEY,
                "shared",
            ),
            Indicator(
                "funded",
                N_("Professional hours on subsidised machines"),
                N_(
                    "Hours booked by professionals, residents and entrepreneurs of co-operatives on"
                    " machines that name a funder."
                ),
                Unit.HOURS,
                "funded",
            ),
        ),
        ("shared", "funded"),
        ("opened_share", "given_back"),
    ),
    Section(
        "trainings",
        N_("Trainings and qualifications"),
        (
            Indicator(
                "sessions",
                N_("Sessions held"),
                N_("Training sessions that begin in the period and whose attendance was noted."),
                Unit.COUNT,
                "sessions",
            ),
            Indicator(
                "trainees",
                N_("People trained"),
                N_("Different people who came to one of these sessions."),
                Unit.COUNT,
                "sessions",
            ),
            Indicator(
                "trainee_hours",
                N_("Trainee hours"),
                N_("The length of each session times the people who came to it."),
                Unit.HOURS,
                "sessions",
            ),
            Indicator(
                "given",
                N_("Qualifications given"),
                N_("Given in the period to somebody who had never held that qualification."),
                Unit.COUNT,
                "trainings",
            ),
            Indicator(
                "renewed",
                N_("Qualifications renewed"),
                N_("Given in the period to somebody who had held that qualification before."),
                Unit.COUNT,
                "trainings",
            ),
            Indicator(
                "lapsed",
                N_("Qualifications lapsed"),
                N_("Whose last day is in the period and that were not given again since."),
                Unit.COUNT,
                "trainings",
            ),
        ),
        ("trainings",),
        ("trainees", "given"),
    ),
)
INDICATORS = tuple(each for section in SECTIONS for each in section.indicators)
