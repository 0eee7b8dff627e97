"""Usage statements: closed ones, whom their references mean, the files of the accounts.

Revision: 0028, after 0027. Three tables; the guards of the first are put up at the end of every
migration (see `migrations/env.py`).
"""

import sqlalchemy as sa
from alembic import op

from fablab.db import Amount, UTCDateTime

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "statement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column(
            "scope",
            sa.Enum(
                "organization",
                "activity",
                "member",
                "owner",
                name="scope",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("organization_id", sa.Integer(), nullable=True),
        sa.Column("activity", sa.Text(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=True),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("closed_at", UTCDateTime(), nullable=False),
        sa.Column("closed_by_id", sa.Integer(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("previous", sa.Text(), nullable=False),
        sa.Column("amount", Amount(), nullable=False),
        sa.Column("booked", sa.Integer(), nullable=False),
        sa.CheckConstraint("last_day >= first_day", name=op.f("ck_statement_ends_after_start")),
        sa.ForeignKeyConstraint(
            ["closed_by_id"], ["member.id"], name=op.f("fk_statement_closed_by_id")
        ),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_statement_member_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_statement_organization_id")
        ),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_statement_place_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_statement")),
        sa.UniqueConstraint("uid", name=op.f("uq_statement_uid")),
        sa.UniqueConstraint(
            "place_id", "subject", "previous", name=op.f("uq_statement_place_id_subject_previous")
        ),
    )
    op.create_index("ix_statement_place_days", "statement", ["place_id", "first_day"])
    op.create_index("ix_statement_organization_id", "statement", ["organization_id"])
    op.create_index("ix_statement_member_id", "statement", ["member_id"])
    op.create_table(
        "statement_person",
        sa.Column("statement_id", sa.Integer(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_statement_person_member_id")
        ),
        sa.ForeignKeyConstraint(
            ["statement_id"], ["statement.id"], name=op.f("fk_statement_person_statement_id")
        ),
        sa.PrimaryKeyConstraint("statement_id", "reference", name=op.f("pk_statement_person")),
    )
    op.create_index("ix_statement_person_member_id", "statement_person", ["member_id"])
    op.create_table(
        "statement_file",
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.Column("words", sa.JSON(), nullable=False),
        sa.Column("separator", sa.Text(), nullable=False),
        sa.Column("decimal_mark", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "separator IN (',', ';')", name=op.f("ck_statement_file_separator_is_known")
        ),
        sa.CheckConstraint(
            "decimal_mark IN (',', '.')", name=op.f("ck_statement_file_decimal_mark_is_known")
        ),
        sa.ForeignKeyConstraint(
            ["place_id"], ["place.id"], name=op.f("fk_statement_file_place_id")
        ),
        sa.PrimaryKeyConstraint("place_id", name=op.f("pk_statement_file")),
    )


def downgrade() -> None:
    for table in ("statement_file", "statement_person", "statement"):
        op.drop_table(table)
