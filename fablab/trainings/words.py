"""What people call the levels; translated where they are shown."""

from fablab.trainings.models import Level
from fablab.words import N_

LEVELS = {
    Level.ACCOMPANIED: N_("Level 1, accompanied"),
    Level.SUPERVISED: N_("Level 2, autonomous while supervised"),
    Level.AUTONOMOUS: N_("Level 3, autonomous"),
    Level.TRAINER: N_("Level 4, trainer"),
}
