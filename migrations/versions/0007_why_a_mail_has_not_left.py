"""Why a mail has not left, and which others to the same address are before it.

Revision: 0007, after 0006. A column and an index, added where the table stands. What failed until
now has its error in words of the server alone.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

MAIL = sa.table("outgoing_mail", sa.column("reason"), sa.column("last_error"))


def upgrade() -> None:
    op.add_column(
        "outgoing_mail", sa.Column("reason", sa.Text(), nullable=False, server_default="")
    )
    op.execute(sa.update(MAIL).where(MAIL.c.last_error != "").values(reason="other"))
    waiting = sa.text("sent_at IS NULL AND parked_at IS NULL AND dropped_at IS NULL")
    op.create_index(
        "ix_outgoing_mail_waiting",
        "outgoing_mail",
        ["recipient", "id"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )


def downgrade() -> None:
    op.drop_index("ix_outgoing_mail_waiting", "outgoing_mail")
    op.drop_column("outgoing_mail", "reason")
