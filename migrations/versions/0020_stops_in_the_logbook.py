"""The logbook says when the machine was put out of service, and when it came back.

Revision: 0020, after 0019. Two more kinds of line.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

OLD_KINDS = (
    "fault",
    "finding",
    "repair",
    "maintenance",
    "part",
    "document",
    "note",
    "correction",
)
NEW_KINDS = ("stop", "return")
CHECK = "ck_log_entry_entrykind"


def upgrade() -> None:
    replace_kinds(*OLD_KINDS, *NEW_KINDS)


def downgrade() -> None:
    """Its states stay in the record of what the team did; the lines about them go."""
    gone = "kind IN ('stop', 'return')"
    op.execute(
        f"UPDATE log_entry SET corrects_id = NULL"
        f" WHERE corrects_id IN (SELECT id FROM log_entry WHERE {gone})"
    )
    op.execute(f"DELETE FROM log_entry WHERE {gone}")
    replace_kinds(*OLD_KINDS)


def replace_kinds(*kinds: str) -> None:
    with op.batch_alter_table("log_entry") as batch:
        batch.drop_constraint(op.f(CHECK), type_="check")
        said = f"kind IN ({', '.join(repr(kind) for kind in kinds)})"
        batch.create_check_constraint(op.f(CHECK), sa.text(said))
