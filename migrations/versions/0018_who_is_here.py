"""Who arrived and left, when a slot nobody came to is released, and the walls that show it.

Revision: 0018, after 0017. Columns are added where the table stands, and one table.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.schema import CreateColumn

from fablab.db import Minutes, UTCDateTime

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def columns() -> tuple[tuple[str, sa.Column], ...]:
    return (
        ("occupancy", sa.Column("arrived_at", UTCDateTime())),
        (
            "occupancy",
            sa.Column(
                "left_at",
                UTCDateTime(),
                sa.CheckConstraint(
                    "left_at IS NULL OR left_at >= arrived_at",
                    name=op.f("ck_occupancy_left_after_arriving"),
                ),
            ),
        ),
        (
            "policy",
            sa.Column(
                "release_after",
                Minutes(),
                sa.CheckConstraint(
                    "release_after >= 0", name=op.f("ck_policy_release_after_not_negative")
                ),
            ),
        ),
        ("place", sa.Column("releases_since", UTCDateTime())),
        (
            "place",
            sa.Column(
                "wall_names",
                sa.String(32),
                sa.CheckConstraint(
                    "wall_names IN ('first_names', 'organizations', 'nobody')",
                    name=op.f("ck_place_wallnames"),
                ),
                nullable=False,
                server_default="first_names",
            ),
        ),
    )


def upgrade() -> None:
    for table, column in columns():
        add(table, column)
    op.create_table(
        "board_address",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "wall",
                "door",
                name="boardkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=False),
        sa.Column("used_at", UTCDateTime(), nullable=True),
        sa.Column("revoked_at", UTCDateTime(), nullable=True),
        sa.Column("revoked_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["member.id"], name=op.f("fk_board_address_created_by_id")
        ),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_board_address_place_id")),
        sa.ForeignKeyConstraint(
            ["revoked_by_id"], ["member.id"], name=op.f("fk_board_address_revoked_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_board_address")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_board_address_token_hash")),
    )
    op.create_index("ix_board_address_place_id", "board_address", ["place_id"])


def downgrade() -> None:
    op.drop_index("ix_board_address_place_id", "board_address")
    op.drop_table("board_address")
    for table, column in reversed(columns()):
        op.drop_column(table, column.name)


def add(table: str, column: sa.Column) -> None:
    """With its check in the one statement: SQLite adds no constraint afterwards."""
    said = CreateColumn(column).compile(dialect=op.get_bind().dialect)
    op.execute(f"ALTER TABLE {table} ADD COLUMN {said}")
