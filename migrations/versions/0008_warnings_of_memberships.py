"""Of which memberships that end their members were warned.

Revision: 0008, after 0007. One table more.
"""

import sqlalchemy as sa
from alembic import op

from fablab.db import UTCDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "membership_warning",
        sa.Column("membership_id", sa.Integer(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("sent_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["membership_id"],
            ["membership.id"],
            name=op.f("fk_membership_warning_membership_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "membership_id", "expires_on", "days", name=op.f("pk_membership_warning")
        ),
    )


def downgrade() -> None:
    op.drop_table("membership_warning")
