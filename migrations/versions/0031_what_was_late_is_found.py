"""The bookings that were cancelled late are few, and the report finds them at once.

Revision: 0031, after 0030.
"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_occupancy_late",
        "occupancy",
        ["starts_at"],
        sqlite_where=sa.text("is_late = 1"),
        postgresql_where=sa.text("is_late"),
    )


def downgrade() -> None:
    op.drop_index("ix_occupancy_late", "occupancy")
