"""The colours and the logo of a place, its first steps, and what the team sets up in the record.

Revision: 0015, after 0014. Four columns, and three more words for the record of what the team
does, whose table is made anew on SQLite.
"""

import sqlalchemy as sa
from alembic import op

from fablab.db import UTCDateTime

revision = "0015"
down_revision = "0014"
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
)
NEW_DEEDS = ("place", "opening", "closure")
CHECK = "ck_audit_entry_deed"
COLUMNS = ("brick", "blue", "logo", "welcomed_at")


def upgrade() -> None:
    for colour in ("brick", "blue"):
        op.add_column("place", sa.Column(colour, sa.Text(), nullable=False, server_default=""))
    op.add_column("place", sa.Column("logo", sa.Text()))
    op.add_column("place", sa.Column("welcomed_at", UTCDateTime()))
    replace_deeds(*OLD_DEEDS, *NEW_DEEDS)


def downgrade() -> None:
    """What was set up stays; who did it is lost, as is how the place looks."""
    words = ", ".join(repr(deed) for deed in NEW_DEEDS)
    op.execute(f"DELETE FROM audit_entry WHERE what IN ({words})")
    replace_deeds(*OLD_DEEDS)
    for column in reversed(COLUMNS):
        op.drop_column("place", column)


def replace_deeds(*deeds: str) -> None:
    with op.batch_alter_table("audit_entry") as batch:
        batch.drop_constraint(op.f(CHECK), type_="check")
        said = f"what IN ({', '.join(repr(deed) for deed in deeds)})"
        batch.create_check_constraint(op.f(CHECK), sa.text(said))
