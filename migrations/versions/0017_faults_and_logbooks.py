"""Faults, logbooks of machines, and what a restricted machine's users must heed.

Revision: 0017, after 0016. Two tables, and a column of the machines that is empty at first.
"""

import sqlalchemy as sa
from alembic import op

from fablab.db import UTCDateTime

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def upgrade() -> None:
    op.add_column("machine", sa.Column("restriction", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "fault",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("machine_id", sa.Integer(), nullable=False),
        sa.Column("reported_at", UTCDateTime(), nullable=False),
        sa.Column("reported_by_id", sa.Integer(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("is_usable", sa.Boolean(), nullable=False),
        sa.Column("photo", sa.Text(), nullable=True),
        sa.Column(
            "state",
            choice(
                "faultstate",
                "reported",
                "noted",
                "restricted",
                "out_of_service",
                "locked_out",
                "repaired",
                "dismissed",
            ),
            nullable=False,
        ),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("sorted_at", UTCDateTime(), nullable=True),
        sa.Column("sorted_by_id", sa.Integer(), nullable=True),
        sa.Column("closed_at", UTCDateTime(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (state NOT IN ('repaired', 'dismissed'))",
            name=op.f("ck_fault_closed_when_over"),
        ),
        sa.ForeignKeyConstraint(["machine_id"], ["machine.id"], name=op.f("fk_fault_machine_id")),
        sa.ForeignKeyConstraint(
            ["reported_by_id"], ["member.id"], name=op.f("fk_fault_reported_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["sorted_by_id"], ["member.id"], name=op.f("fk_fault_sorted_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fault")),
        sa.UniqueConstraint("uid", name=op.f("uq_fault_uid")),
    )
    op.create_index("ix_fault_machine_id", "fault", ["machine_id"])
    op.create_index("ix_fault_reported_by_id", "fault", ["reported_by_id"])
    op.create_index(
        "ix_fault_open",
        "fault",
        ["machine_id"],
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "log_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("machine_id", sa.Integer(), nullable=False),
        sa.Column("made_at", UTCDateTime(), nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=True),
        sa.Column(
            "kind",
            choice(
                "entrykind",
                "fault",
                "finding",
                "repair",
                "maintenance",
                "part",
                "document",
                "note",
                "correction",
            ),
            nullable=False,
        ),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("cents", sa.Integer(), nullable=True),
        sa.Column("file", sa.Text(), nullable=True),
        sa.Column("fault_id", sa.Integer(), nullable=True),
        sa.Column("corrects_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("cents >= 0", name=op.f("ck_log_entry_cents_not_negative")),
        sa.ForeignKeyConstraint(
            ["corrects_id"], ["log_entry.id"], name=op.f("fk_log_entry_corrects_id")
        ),
        sa.ForeignKeyConstraint(["fault_id"], ["fault.id"], name=op.f("fk_log_entry_fault_id")),
        sa.ForeignKeyConstraint(
            ["machine_id"], ["machine.id"], name=op.f("fk_log_entry_machine_id")
        ),
        sa.ForeignKeyConstraint(
            ["made_by_id"], ["member.id"], name=op.f("fk_log_entry_made_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_entry")),
        sa.UniqueConstraint("uid", name=op.f("uq_log_entry_uid")),
    )
    op.create_index("ix_log_entry_machine_id", "log_entry", ["machine_id"])


def downgrade() -> None:
    op.drop_table("log_entry")
    op.drop_table("fault")
    op.drop_column("machine", "restriction")
