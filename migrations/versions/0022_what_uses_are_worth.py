"""What uses are worth: prices, supplies, packs and allowances; what organizations declare.

Revision: 0022, after 0021. Six tables, and columns where the tables stand. For whom a booking
counts is frozen from now on; those made before are counted as their member's audience is today,
which is the best that is known of them.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.schema import CreateColumn

from fablab.db import Amount, Minutes, UTCDateTime

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

AUDIENCES = (
    "individual",
    "reduced",
    "association",
    "professional",
    "resident",
    "cooperative",
    "staff",
)
TABLES = ("consumption", "allowance", "pack", "organization_year", "supply", "tariff")


def audience() -> sa.Enum:
    return sa.Enum(
        *AUDIENCES, name="audience", native_enum=False, create_constraint=True, length=32
    )


def checked(name: str, table: str, *values: str, **more) -> sa.Column:
    """A column of one of `values`, its check with it: SQLite adds no constraint afterwards."""
    said = f"{name} IN ({', '.join(repr(value) for value in values)})"
    check = sa.CheckConstraint(said, name=op.f(f"ck_{table}_{name}"))
    return sa.Column(name, sa.String(32), check, **more)


def percent(name: str, check: str) -> sa.Column:
    said = sa.CheckConstraint(f"{name} BETWEEN 0 AND 100", name=op.f(f"ck_place_{check}"))
    return sa.Column(name, sa.Integer(), said, nullable=False, server_default="0")


def text(name: str, default: str = "") -> sa.Column:
    return sa.Column(name, sa.Text(), nullable=False, server_default=default)


def columns() -> tuple[tuple[str, sa.Column], ...]:
    return (
        ("occupancy", checked("audience", "occupancy", *AUDIENCES)),
        ("occupancy", text("activity")),
        ("occupancy", sa.Column("quoted", Amount())),
        ("organization", checked("audience", "organization", *AUDIENCES)),
        ("organization", text("siren")),
        ("organization", text("customer_code")),
        ("place", text("currency", "EUR")),
        (
            "place",
            checked("charged", "place", "booked", "real", nullable=False, server_default="booked"),
        ),
        ("place", percent("late_percent", "late_is_a_share")),
        ("place", percent("missed_percent", "missed_is_a_share")),
        ("place", text("vat_text")),
    )


# What was booked before: the audience of its member, of the team its own; the activity account
# that they have in the organization it was booked for.
FOR_WHOM = """
    UPDATE occupancy SET audience = (
        SELECT CASE WHEN occupancy.organization_id IS NULL AND EXISTS (
            SELECT 1 FROM role_held WHERE role_held.membership_id = membership.id
            AND role_held.role IN ('fabmanager', 'administrator')
        ) THEN 'staff' ELSE membership.audience END
        FROM membership JOIN machine ON machine.place_id = membership.place_id
        WHERE membership.member_id = occupancy.member_id AND machine.id = occupancy.machine_id
    ) WHERE kind = 'booking'
"""
ACTIVITY = """
    UPDATE occupancy SET activity = (
        SELECT organization_member.activity FROM organization_member
        WHERE organization_member.organization_id = occupancy.organization_id
        AND organization_member.member_id = occupancy.member_id
    ) WHERE kind = 'booking' AND EXISTS (
        SELECT 1 FROM organization_member
        WHERE organization_member.organization_id = occupancy.organization_id
        AND organization_member.member_id = occupancy.member_id
    )
"""


def upgrade() -> None:
    for table, column in columns():
        add(table, column)
    op.execute(FOR_WHOM)
    op.execute(ACTIVITY)
    op.create_table(
        "pack",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("audience", audience(), nullable=True),
        sa.Column("price", Amount(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("categories", sa.JSON(), nullable=False),
        sa.Column("is_monthly", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("valid_months", sa.Integer(), nullable=True),
        sa.Column("is_shared", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("retired_at", UTCDateTime(), nullable=True),
        sa.CheckConstraint("minutes > 0", name=op.f("ck_pack_minutes_are_positive")),
        sa.CheckConstraint("price >= 0", name=op.f("ck_pack_price_not_negative")),
        sa.CheckConstraint("valid_months > 0", name=op.f("ck_pack_valid_for_some_time")),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_pack_place_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pack")),
        sa.UniqueConstraint("uid", name=op.f("uq_pack_uid")),
    )
    op.create_index("ix_pack_place_id", "pack", ["place_id"])

    op.create_table(
        "allowance",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("pack_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=True),
        sa.Column("organization_id", sa.Integer(), nullable=True),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("categories", sa.JSON(), nullable=False),
        sa.Column("is_monthly", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("is_shared", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=True),
        sa.Column("settled", sa.Text(), nullable=False),
        sa.Column("granted_at", UTCDateTime(), nullable=False),
        sa.Column("granted_by_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(member_id IS NULL) <> (organization_id IS NULL)",
            name=op.f("ck_allowance_has_one_holder"),
        ),
        sa.CheckConstraint(
            "last_day IS NULL OR last_day >= first_day", name=op.f("ck_allowance_ends_after_start")
        ),
        sa.CheckConstraint("minutes > 0", name=op.f("ck_allowance_minutes_are_positive")),
        sa.CheckConstraint(
            "organization_id IS NOT NULL OR NOT is_shared", name=op.f("ck_allowance_shared_by_some")
        ),
        sa.ForeignKeyConstraint(
            ["granted_by_id"], ["member.id"], name=op.f("fk_allowance_granted_by_id")
        ),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_allowance_member_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_allowance_organization_id")
        ),
        sa.ForeignKeyConstraint(["pack_id"], ["pack.id"], name=op.f("fk_allowance_pack_id")),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_allowance_place_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allowance")),
        sa.UniqueConstraint("uid", name=op.f("uq_allowance_uid")),
    )
    op.create_index("ix_allowance_member_id", "allowance", ["member_id"])
    op.create_index("ix_allowance_organization_id", "allowance", ["organization_id"])
    op.create_index("ix_allowance_place_id", "allowance", ["place_id"])

    op.create_table(
        "organization_year",
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("jobs", Amount(), nullable=True),
        sa.Column("turnover", Amount(), nullable=True),
        sa.Column("declared_at", UTCDateTime(), nullable=False),
        sa.Column("declared_by_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "jobs >= 0 AND turnover >= 0",
            name=op.f("ck_organization_year_declared_is_not_negative"),
        ),
        sa.ForeignKeyConstraint(
            ["declared_by_id"], ["member.id"], name=op.f("fk_organization_year_declared_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_organization_year_organization_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "year", name=op.f("pk_organization_year")),
    )
    op.create_table(
        "supply",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("machine_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("price", Amount(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=True),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("made_at", UTCDateTime(), nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "last_day IS NULL OR last_day >= first_day", name=op.f("ck_supply_ends_after_start")
        ),
        sa.CheckConstraint("price >= 0", name=op.f("ck_supply_price_not_negative")),
        sa.ForeignKeyConstraint(["machine_id"], ["machine.id"], name=op.f("fk_supply_machine_id")),
        sa.ForeignKeyConstraint(["made_by_id"], ["member.id"], name=op.f("fk_supply_made_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supply")),
        sa.UniqueConstraint("uid", name=op.f("uq_supply_uid")),
    )
    op.create_index("ix_supply_machine_id", "supply", ["machine_id"])

    op.create_table(
        "tariff",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("machine_id", sa.Integer(), nullable=True),
        sa.Column("audience", audience(), nullable=True),
        sa.Column(
            "unit",
            sa.Enum(
                "hour",
                "flat",
                "day",
                name="unit",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("price", Amount(), nullable=False),
        sa.Column("step", Minutes(), nullable=False),
        sa.Column("minimum", Minutes(), nullable=False),
        sa.Column("included", Minutes(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=True),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("made_at", UTCDateTime(), nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "last_day IS NULL OR last_day >= first_day", name=op.f("ck_tariff_ends_after_start")
        ),
        sa.CheckConstraint(
            "minimum >= 0 AND included >= 0", name=op.f("ck_tariff_lengths_not_negative")
        ),
        sa.CheckConstraint("price >= 0", name=op.f("ck_tariff_price_not_negative")),
        sa.CheckConstraint("step > 0", name=op.f("ck_tariff_step_is_positive")),
        sa.ForeignKeyConstraint(["machine_id"], ["machine.id"], name=op.f("fk_tariff_machine_id")),
        sa.ForeignKeyConstraint(["made_by_id"], ["member.id"], name=op.f("fk_tariff_made_by_id")),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_tariff_place_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tariff")),
        sa.UniqueConstraint("uid", name=op.f("uq_tariff_uid")),
    )
    op.create_index("ix_tariff_machine_audience", "tariff", ["machine_id", "audience", "first_day"])
    op.create_index("ix_tariff_place_id", "tariff", ["place_id"])

    op.create_table(
        "consumption",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("occupancy_id", sa.Integer(), nullable=False),
        sa.Column("supply_id", sa.Integer(), nullable=False),
        sa.Column("quantity", Amount(), nullable=False),
        sa.Column("noted_at", UTCDateTime(), nullable=False),
        sa.Column("noted_by_id", sa.Integer(), nullable=True),
        sa.Column("struck_at", UTCDateTime(), nullable=True),
        sa.Column("struck_by_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_consumption_quantity_is_positive")),
        sa.ForeignKeyConstraint(
            ["noted_by_id"], ["member.id"], name=op.f("fk_consumption_noted_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["occupancy_id"], ["occupancy.id"], name=op.f("fk_consumption_occupancy_id")
        ),
        sa.ForeignKeyConstraint(
            ["struck_by_id"], ["member.id"], name=op.f("fk_consumption_struck_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["supply_id"], ["supply.id"], name=op.f("fk_consumption_supply_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consumption")),
        sa.UniqueConstraint("uid", name=op.f("uq_consumption_uid")),
    )
    op.create_index("ix_consumption_occupancy_id", "consumption", ["occupancy_id"])


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    for table, column in reversed(columns()):
        op.drop_column(table, column.name)


def add(table: str, column: sa.Column) -> None:
    said = CreateColumn(column).compile(dialect=op.get_bind().dialect)
    op.execute(f"ALTER TABLE {table} ADD COLUMN {said}")
