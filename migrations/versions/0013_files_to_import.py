"""Files with machines, members and qualifications that were sent, and a word for the inventory.

Revision: 0013, after 0012. A table, and one more word for the record of what the team does, whose
table is made anew on SQLite.
"""

import sqlalchemy as sa
from alembic import op

from fablab.db import UTCDateTime

revision = "0013"
down_revision = "0012"
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
    "agenda",
)
CHECK = "ck_audit_entry_deed"


def upgrade() -> None:
    op.create_table(
        "import_draft",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", UTCDateTime(), nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["made_by_id"], ["member.id"], name=op.f("fk_import_draft_made_by_id")
        ),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_import_draft_place_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_draft")),
        sa.UniqueConstraint("uid", name=op.f("uq_import_draft_uid")),
    )
    op.create_index("ix_import_draft_made_at", "import_draft", ["made_at"])
    replace_deeds(*OLD_DEEDS, "inventory")


def downgrade() -> None:
    """What was done to the inventory stays; that it was is lost."""
    op.execute("DELETE FROM audit_entry WHERE what = 'inventory'")
    replace_deeds(*OLD_DEEDS)
    op.drop_table("import_draft")


def replace_deeds(*deeds: str) -> None:
    with op.batch_alter_table("audit_entry") as batch:
        batch.drop_constraint(op.f(CHECK), type_="check")
        said = f"what IN ({', '.join(repr(deed) for deed in deeds)})"
        batch.create_check_constraint(op.f(CHECK), sa.text(said))
