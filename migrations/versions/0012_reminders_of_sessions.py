"""Of which sessions their people were reminded, and the look for what they heard of one.

Revision: 0012, after 0011. Two columns more, both empty, and an index.
"""

import sqlalchemy as sa
from alembic import op

from fablab.db import UTCDateTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("registration", sa.Column("reminded_of", UTCDateTime()))
    op.add_column("training_session", sa.Column("trainer_reminded_of", UTCDateTime()))
    op.create_index(
        "ix_session_notice_session_member", "session_notice", ["session_id", "member_id"]
    )


def downgrade() -> None:
    op.drop_index("ix_session_notice_session_member", "session_notice")
    op.drop_column("training_session", "trainer_reminded_of")
    op.drop_column("registration", "reminded_of")
