"""Regular maintenance of machines, and the days on which it is due.

Revision: 0019, after 0018. Two tables.
"""

import sqlalchemy as sa
from alembic import op

from fablab.db import Minutes, UTCDateTime

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "maintenance",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("machine_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("work", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("every", sa.Integer(), nullable=False),
        sa.Column(
            "unit",
            sa.Enum(
                "days",
                "weeks",
                "months",
                name="unit",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("weekday", sa.Integer(), nullable=True),
        sa.Column("at", sa.Time(), nullable=False),
        sa.Column("length", Minutes(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("planned_until", sa.Date(), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=False),
        sa.Column("ended_at", UTCDateTime(), nullable=True),
        sa.CheckConstraint("every > 0", name=op.f("ck_maintenance_every_is_positive")),
        sa.CheckConstraint("length > 0", name=op.f("ck_maintenance_length_is_positive")),
        sa.CheckConstraint("weekday BETWEEN 1 AND 7", name=op.f("ck_maintenance_weekday_is_one")),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["member.id"], name=op.f("fk_maintenance_created_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["machine_id"], ["machine.id"], name=op.f("fk_maintenance_machine_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_maintenance")),
        sa.UniqueConstraint("uid", name=op.f("uq_maintenance_uid")),
    )
    op.create_index("ix_maintenance_machine_id", "maintenance", ["machine_id"])
    op.create_table(
        "maintenance_day",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("maintenance_id", sa.Integer(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("outage_uid", sa.Text(), nullable=True),
        sa.Column("is_moved", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("done_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["maintenance_id"],
            ["maintenance.id"],
            name=op.f("fk_maintenance_day_maintenance_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_maintenance_day")),
        sa.UniqueConstraint(
            "maintenance_id", "due_on", name=op.f("uq_maintenance_day_maintenance_id")
        ),
    )


def downgrade() -> None:
    """The outages that were written stay."""
    op.drop_table("maintenance_day")
    op.drop_table("maintenance")
