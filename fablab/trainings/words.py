"""What people call levels and seats; translated where they are shown."""

from fablab.trainings.kinds import Seating
from fablab.trainings.models import Level
from fablab.words import N_

LEVELS = {
    Level.ACCOMPANIED: N_("Level 1, accompanied"),
    Level.SUPERVISED: N_("Level 2, autonomous while supervised"),
    Level.AUTONOMOUS: N_("Level 3, autonomous"),
    Level.TRAINER: N_("Level 4, trainer"),
}
# What somebody may do who holds it.
MEANS = {
    Level.ACCOMPANIED: N_("Level 1: with somebody of the team beside."),
    Level.SUPERVISED: N_("Level 2: alone, while the team is there."),
    Level.AUTONOMOUS: N_("Level 3: alone, whenever the machine may be booked."),
    Level.TRAINER: N_("Level 4: the same, and may qualify others for the machine."),
}
SEATINGS = {
    Seating.SEATED: N_("Registered"),
    Seating.WAITING: N_("In the waiting list"),
    Seating.LEFT: N_("Gave their seat back"),
    Seating.ATTENDED: N_("Came"),
    Seating.ABSENT: N_("Absent"),
}
