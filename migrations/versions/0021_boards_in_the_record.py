"""What the team does to the screens in the workshop, in its record.

Revision: 0021, after 0020. One more word for the record of what the team does, whose table is made
anew on SQLite.
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
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
    "inventory",
    "place",
    "opening",
    "closure",
    "organization",
    "merged",
    "erased",
)
CHECK = "ck_audit_entry_deed"


def upgrade() -> None:
    replace_deeds(*OLD_DEEDS, "board")


def downgrade() -> None:
    """What was done to the boards stays; that it was is lost."""
    op.execute("DELETE FROM audit_entry WHERE what = 'board'")
    replace_deeds(*OLD_DEEDS)


def replace_deeds(*deeds: str) -> None:
    with op.batch_alter_table("audit_entry") as batch:
        batch.drop_constraint(op.f(CHECK), type_="check")
        said = f"what IN ({', '.join(repr(deed) for deed in deeds)})"
        batch.create_check_constraint(op.f(CHECK), sa.text(said))
