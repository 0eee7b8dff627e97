"""Secret addresses of two more calendars: a pool of machines, the training sessions of a place.

Revision: 0006, after 0005. On SQLite the table of the addresses is made anew, for its check
changes. The index is of whose own calendar shows the sessions they give.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

OLD = ("day", "place", "category", "machine", "organization", "member")
NEW = ("day", "place", "category", "machine", "pool", "organization", "trainings", "member")
CHECK = "ck_feed_token_scope"


def one_of(*values: str) -> sa.TextClause:
    return sa.text(f"scope IN ({', '.join(repr(value) for value in values)})")


def upgrade() -> None:
    with op.batch_alter_table("feed_token") as batch:
        batch.drop_constraint(op.f(CHECK), type_="check")
        batch.create_check_constraint(op.f(CHECK), one_of(*NEW))
        batch.add_column(sa.Column("pool_id", sa.Integer(), nullable=True))
        batch.create_foreign_key(op.f("fk_feed_token_pool_id"), "pool", ["pool_id"], ["id"])
    op.create_index("ix_training_session_trainer_id", "training_session", ["trainer_id"])


def downgrade() -> None:
    """The addresses of what is no longer shown are lost."""
    op.drop_index("ix_training_session_trainer_id", "training_session")
    op.execute("DELETE FROM feed_token WHERE scope IN ('pool', 'trainings')")
    with op.batch_alter_table("feed_token") as batch:
        batch.drop_constraint(op.f("fk_feed_token_pool_id"), type_="foreignkey")
        batch.drop_column("pool_id")
        batch.drop_constraint(op.f(CHECK), type_="check")
        batch.create_check_constraint(op.f(CHECK), one_of(*OLD))
