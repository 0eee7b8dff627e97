"""Where an outage came from is found at once: the planning asks it of each.

Revision: 0014, after 0013. An index.
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_agenda_entry_outage_uid", "agenda_entry", ["outage_uid"])


def downgrade() -> None:
    op.drop_index("ix_agenda_entry_outage_uid", "agenda_entry")
