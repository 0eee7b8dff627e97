"""Bookings that are offered to somebody else.

Revision: 0023, after 0022. One table.
"""

import sqlalchemy as sa
from alembic import op

from fablab.db import UTCDateTime

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "handover",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("occupancy_id", sa.Integer(), nullable=False),
        sa.Column("offered_by_id", sa.Integer(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("offered_to_id", sa.Integer(), nullable=True),
        sa.Column("offered_at", UTCDateTime(), nullable=False),
        sa.Column("due_at", UTCDateTime(), nullable=False),
        sa.Column("ended_at", UTCDateTime(), nullable=True),
        sa.Column(
            "outcome",
            sa.Enum(
                "accepted",
                "declined",
                "lapsed",
                "taken_back",
                "over",
                name="handoverend",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.CheckConstraint(
            "(outcome IS NULL) = (ended_at IS NULL)", name=op.f("ck_handover_ended_somehow")
        ),
        sa.ForeignKeyConstraint(
            ["occupancy_id"], ["occupancy.id"], name=op.f("fk_handover_occupancy_id")
        ),
        sa.ForeignKeyConstraint(
            ["offered_by_id"], ["member.id"], name=op.f("fk_handover_offered_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["offered_to_id"], ["member.id"], name=op.f("fk_handover_offered_to_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handover")),
        sa.UniqueConstraint("uid", name=op.f("uq_handover_uid")),
    )
    op.create_index("ix_handover_occupancy_id", "handover", ["occupancy_id"])
    op.create_index("ix_handover_offered_by_id", "handover", ["offered_by_id"])
    op.create_index("ix_handover_offered_to_id", "handover", ["offered_to_id"])
    open_alone = sa.text("ended_at IS NULL")
    op.create_index(
        "ix_handover_open",
        "handover",
        ["occupancy_id"],
        unique=True,
        sqlite_where=open_alone,
        postgresql_where=open_alone,
    )


def downgrade() -> None:
    """What was handed over stays so."""
    op.drop_table("handover")
