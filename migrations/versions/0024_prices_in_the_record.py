"""What the team says of prices, in its record.

Revision: 0024, after 0023. One more word for the record of what the team does, whose table is made
anew on SQLite.
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
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
    "board",
)
CHECK = "ck_audit_entry_deed"


def upgrade() -> None:
    replace_deeds(*OLD_DEEDS, "tariff")


def downgrade() -> None:
    """The prices stay; that they were said, and by whom, is lost."""
    op.execute("DELETE FROM audit_entry WHERE what = 'tariff'")
    replace_deeds(*OLD_DEEDS)


def replace_deeds(*deeds: str) -> None:
    with op.batch_alter_table("audit_entry") as batch:
        batch.drop_constraint(op.f(CHECK), type_="check")
        said = f"what IN ({', '.join(repr(deed) for deed in deeds)})"
        batch.create_check_constraint(op.f(CHECK), sa.text(said))
