"""What members are to be told of training sessions, and what their calendars were told.

Revision: 0010, after 0009. Two tables more, both empty: what happened until now was told then.
"""

import sqlalchemy as sa
from alembic import op

from fablab.db import UTCDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

KINDS = ("registered", "seat", "giving", "changed", "cancelled", "left", "replaced")


def upgrade() -> None:
    op.create_table(
        "session_notice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("made_at", UTCDateTime(), nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=True),
        sa.Column("told_at", UTCDateTime(), nullable=True),
        sa.CheckConstraint(
            f"kind IN ({', '.join(map(repr, KINDS))})", name=op.f("ck_session_notice_noticekind")
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["training_session.id"], name=op.f("fk_session_notice_session_id")
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_session_notice_member_id")
        ),
        sa.ForeignKeyConstraint(
            ["made_by_id"], ["member.id"], name=op.f("fk_session_notice_made_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session_notice")),
    )
    untold = sa.text("told_at IS NULL")
    op.create_index(
        "ix_session_notice_untold",
        "session_notice",
        ["id"],
        sqlite_where=untold,
        postgresql_where=untold,
    )
    op.create_table(
        "session_invitation",
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("is_cancelled", sa.Boolean(), nullable=False),
        sa.Column("mailed_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["training_session.id"], name=op.f("fk_session_invitation_session_id")
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_session_invitation_member_id")
        ),
        sa.PrimaryKeyConstraint("session_id", "member_id", name=op.f("pk_session_invitation")),
    )


def downgrade() -> None:
    """What was not told yet is not told any more."""
    op.drop_table("session_invitation")
    op.drop_index("ix_session_notice_untold", "session_notice")
    op.drop_table("session_notice")
