"""Calendar files that the team reads in: drafts, what was applied, what it made.

Revision: 0009, after 0008. Three tables, and one more word for the record of what the team does,
whose table is made anew on SQLite.
"""

import sqlalchemy as sa
from alembic import op

from fablab.db import UTCDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

OLD_DEEDS = (
    "membership",
    "suspended",
    "reinstated",
    "roles",
    "qualified",
    "disqualified",
    "state",
    "policy",
    "resources",
    "marked",
    "lifted",
    "referents",
    "training",
)
CHECK = "ck_audit_entry_deed"


def upgrade() -> None:
    op.create_table(
        "agenda_draft",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", UTCDateTime(), nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["made_by_id"], ["member.id"], name=op.f("fk_agenda_draft_made_by_id")
        ),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_agenda_draft_place_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agenda_draft")),
        sa.UniqueConstraint("uid", name=op.f("uq_agenda_draft_uid")),
    )
    op.create_index("ix_agenda_draft_made_at", "agenda_draft", ["made_at"])
    op.create_table(
        "agenda",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("applied_at", UTCDateTime(), nullable=False),
        sa.Column("applied_by_id", sa.Integer(), nullable=False),
        sa.Column("undone_at", UTCDateTime(), nullable=True),
        sa.Column("undone_by_id", sa.Integer(), nullable=True),
        sa.Column("cancelled", sa.JSON(), nullable=False),
        sa.Column("stayed", sa.JSON(), nullable=False),
        sa.CheckConstraint(
            "(undone_at IS NULL) = (undone_by_id IS NULL)",
            name=op.f("ck_agenda_undone_by_somebody"),
        ),
        sa.ForeignKeyConstraint(
            ["applied_by_id"], ["member.id"], name=op.f("fk_agenda_applied_by_id")
        ),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_agenda_place_id")),
        sa.ForeignKeyConstraint(
            ["undone_by_id"], ["member.id"], name=op.f("fk_agenda_undone_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agenda")),
        sa.UniqueConstraint("uid", name=op.f("uq_agenda_uid")),
    )
    op.create_index("ix_agenda_place_id", "agenda", ["place_id"])
    op.create_table(
        "agenda_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("agenda_id", sa.Integer(), nullable=False),
        sa.Column("event_uid", sa.Text(), nullable=False),
        sa.Column("closure_uid", sa.Text(), nullable=True),
        sa.Column("outage_uid", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(closure_uid IS NULL) <> (outage_uid IS NULL)",
            name=op.f("ck_agenda_entry_is_closure_or_outage"),
        ),
        sa.ForeignKeyConstraint(
            ["agenda_id"], ["agenda.id"], name=op.f("fk_agenda_entry_agenda_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agenda_entry")),
    )
    op.create_index("ix_agenda_entry_agenda_id", "agenda_entry", ["agenda_id"])
    replace_deeds(*OLD_DEEDS, "agenda")


def downgrade() -> None:
    """What was applied stays; that it came from a file, and may be undone, is lost."""
    op.execute("DELETE FROM audit_entry WHERE what = 'agenda'")
    replace_deeds(*OLD_DEEDS)
    for table in ("agenda_entry", "agenda", "agenda_draft"):
        op.drop_table(table)


def replace_deeds(*deeds: str) -> None:
    with op.batch_alter_table("audit_entry") as batch:
        batch.drop_constraint(op.f(CHECK), type_="check")
        said = f"what IN ({', '.join(repr(deed) for deed in deeds)})"
        batch.create_check_constraint(op.f(CHECK), sa.text(said))
