"""How long each booking was made for and really used, in seconds that the database keeps itself.

Revision: 0029, after 0028. The report adds up a million of them: on SQLite telling the seconds
between two texts was most of its time. The index walked along holds the lengths in place of the
times, and is the smaller for it.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.schema import CreateColumn

from fablab.db import Kept, seconds_between

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

INDEX = "ix_occupancy_report"
ASKED = ("audience", "machine_id", "organization_id", "member_id", "status", "kind", "starts_at")
TIMES = ("ends_at", "arrived_at", "left_at")
LENGTHS = {
    "booked_seconds": ("starts_at", "ends_at"),
    "used_seconds": ("arrived_at", "CASE WHEN left_at IS NULL THEN ends_at ELSE left_at END"),
}


def upgrade() -> None:
    op.drop_index(INDEX, "occupancy")
    for name, times in LENGTHS.items():
        length = Kept(seconds_between(*map(sa.text, times)))
        column = sa.Column(name, sa.Integer(), length)
        # As it stands: Alembic would make the whole table anew on SQLite.
        said = CreateColumn(column).compile(dialect=op.get_bind().dialect)
        op.execute(f"ALTER TABLE occupancy ADD COLUMN {said}")
    op.create_index(INDEX, "occupancy", [*ASKED, *LENGTHS])


def downgrade() -> None:
    op.drop_index(INDEX, "occupancy")
    for name in LENGTHS:
        op.execute(f"ALTER TABLE occupancy DROP COLUMN {name}")
    op.create_index(INDEX, "occupancy", [*ASKED, *TIMES])
