"""What the waiting list has looked at, and who waits to be accompanied.

Revision: 0003, after 0002. Two columns, added where the table stands.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "wait", sa.Column("is_accompanied", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column(
        "wait", sa.Column("seen_revision", sa.Integer(), nullable=False, server_default="-1")
    )


def downgrade() -> None:
    op.drop_column("wait", "seen_revision")
    op.drop_column("wait", "is_accompanied")
