"""Bookings that came from a file, and how a file is to be read.

Revision: 0025, after 0024. One table, and a column where the table stands.
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "imported_booking",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("occupancy_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["occupancy_id"], ["occupancy.id"], name=op.f("fk_imported_booking_occupancy_id")
        ),
        sa.ForeignKeyConstraint(
            ["place_id"], ["place.id"], name=op.f("fk_imported_booking_place_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imported_booking")),
        sa.UniqueConstraint(
            "place_id", "reference", name=op.f("uq_imported_booking_place_id_reference")
        ),
    )
    op.create_index("ix_imported_booking_occupancy_id", "imported_booking", ["occupancy_id"])
    op.add_column("import_draft", sa.Column("options", sa.JSON(), nullable=True))


def downgrade() -> None:
    """The bookings stay; imported again, they would be doubled but for the guards."""
    op.drop_column("import_draft", "options")
    op.drop_table("imported_booking")
