"""What residents agreed with the place about the machines that they share.

Revision: 0026, after 0025. Four tables, a column of consents, and one more word for the record of
what the team does, whose table is made anew on SQLite.
"""

import sqlalchemy as sa
from alembic import op

from fablab.db import Amount, Minutes, UTCDateTime

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

OLD_DEEDS = (
    "membership",
    "suspended",
    "reinstated",
    "roles",
    "qualified",
    "disqualified",
    "state",
    "policy",
    "resources",
    "marked",
    "lifted",
    "referents",
    "training",
    "agenda",
    "inventory",
    "place",
    "opening",
    "closure",
    "organization",
    "merged",
    "erased",
    "board",
    "tariff",
)
CHECK = "ck_audit_entry_deed"


def one_of(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def upgrade() -> None:
    op.create_table(
        "sharing_agreement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("machine_id", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=True),
        sa.Column("notice_days", sa.Integer(), nullable=False),
        sa.Column("audiences", sa.JSON(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("asks_owner", sa.Boolean(), nullable=False),
        sa.Column("answer_within", Minutes(), nullable=False),
        sa.Column("silence", one_of("silence", "lapses", "agrees"), nullable=False),
        sa.Column("release", Minutes(), nullable=False),
        sa.Column("insured_by", sa.String(32), nullable=False),
        sa.Column("maintained_by", sa.String(32), nullable=False),
        sa.Column("insured_until", sa.Date(), nullable=True),
        sa.Column("document", sa.Text(), nullable=True),
        sa.Column("share", Amount(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        *checks(),
        sa.ForeignKeyConstraint(
            ["machine_id"], ["machine.id"], name=op.f("fk_sharing_agreement_machine_id")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["organization.id"], name=op.f("fk_sharing_agreement_owner_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sharing_agreement")),
        sa.UniqueConstraint("uid", name=op.f("uq_sharing_agreement_uid")),
    )
    op.create_index("ix_sharing_agreement_machine_id", "sharing_agreement", ["machine_id"])
    op.create_index("ix_sharing_agreement_owner_id", "sharing_agreement", ["owner_id"])
    is_open = sa.text("last_day IS NULL")
    op.create_index(
        "uq_sharing_agreement_open",
        "sharing_agreement",
        ["machine_id"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    create_what_hangs_on_it()
    op.add_column(
        "consent",
        sa.Column("silence_is_a_yes", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    replace_deeds(*OLD_DEEDS, "sharing")


def checks() -> list[sa.CheckConstraint]:
    in_charge = "('owner', 'place', 'both')"
    said = {
        "ends_after_start": "last_day IS NULL OR last_day >= first_day",
        "notice_not_negative": "notice_days >= 0",
        "answer_within_is_positive": "answer_within > 0",
        "release_not_negative": "release >= 0",
        "share_is_a_percentage": "share BETWEEN 0 AND 1000000",
        "insurer_is_known": f"insured_by IN {in_charge}",
        "maintainer_is_known": f"maintained_by IN {in_charge}",
    }
    return [
        sa.CheckConstraint(check, name=op.f(f"ck_sharing_agreement_{name}"))
        for name, check in said.items()
    ]


def create_what_hangs_on_it() -> None:
    op.create_table(
        "owner_range",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("agreement_id", sa.Integer(), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("opens_at", sa.Time(), nullable=False),
        sa.Column("closes_at", sa.Time(), nullable=False),
        sa.CheckConstraint("weekday BETWEEN 1 AND 7", name=op.f("ck_owner_range_weekday_is_one")),
        sa.ForeignKeyConstraint(
            ["agreement_id"], ["sharing_agreement.id"], name=op.f("fk_owner_range_agreement_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_owner_range")),
        sa.UniqueConstraint(
            "agreement_id",
            "weekday",
            "opens_at",
            name=op.f("uq_owner_range_agreement_id_weekday_opens_at"),
        ),
    )
    op.create_index("ix_owner_range_agreement_id", "owner_range", ["agreement_id"])
    op.create_table(
        "owner_outage",
        sa.Column("outage_uid", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("declared_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["organization.id"], name=op.f("fk_owner_outage_owner_id")
        ),
        sa.PrimaryKeyConstraint("outage_uid", name=op.f("pk_owner_outage")),
    )
    op.create_index("ix_owner_outage_owner_id", "owner_outage", ["owner_id"])
    op.create_table(
        "insurance_warning",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("agreement_id", sa.Integer(), nullable=False),
        sa.Column("insured_until", sa.Date(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("sent_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agreement_id"],
            ["sharing_agreement.id"],
            name=op.f("fk_insurance_warning_agreement_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_insurance_warning")),
        sa.UniqueConstraint(
            "agreement_id", "insured_until", "days", name=op.f("uq_insurance_warning_agreement_id")
        ),
    )


def downgrade() -> None:
    """The outages that owners declared stay; what was agreed is lost."""
    op.execute("DELETE FROM audit_entry WHERE what = 'sharing'")
    replace_deeds(*OLD_DEEDS)
    with op.batch_alter_table("consent") as batch:
        batch.drop_column("silence_is_a_yes")
    for table in ("insurance_warning", "owner_outage", "owner_range", "sharing_agreement"):
        op.drop_table(table)


def replace_deeds(*deeds: str) -> None:
    with op.batch_alter_table("audit_entry") as batch:
        batch.drop_constraint(op.f(CHECK), type_="check")
        said = f"what IN ({', '.join(repr(deed) for deed in deeds)})"
        batch.create_check_constraint(op.f(CHECK), sa.text(said))
