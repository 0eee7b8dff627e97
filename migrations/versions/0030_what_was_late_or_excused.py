"""A booking says itself that it was cancelled late, and that somebody excused it.

Revision: 0030, after 0029. Until now only a mark said so, which is forgotten after a year, while
what is charged and what is left of allowances reach back further.
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

NAMES = ("is_late", "is_excused")


def upgrade() -> None:
    for name in NAMES:
        column = sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false())
        op.add_column("occupancy", column)
    occupancy = sa.table("occupancy", sa.column("id"), *map(sa.column, NAMES))
    mark = sa.table("mark", *map(sa.column, ("occupancy_id", "kind", "lifted_at")))
    late = sa.select(mark.c.occupancy_id).where(mark.c.kind == "late")
    excused = sa.select(mark.c.occupancy_id).where(mark.c.lifted_at.is_not(None))
    for name, marked in zip(NAMES, (late, excused), strict=True):
        op.execute(sa.update(occupancy).where(occupancy.c.id.in_(marked)).values({name: sa.true()}))


def downgrade() -> None:
    for name in NAMES:
        op.drop_column("occupancy", name)
