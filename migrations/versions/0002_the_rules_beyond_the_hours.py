"""Rules beyond the hours: quotas, consents, waiting, marks, shared resources, sessions.

Revision: 0002, after 0001. Columns are added where the table stands; only the two tables whose
checks change are made anew on SQLite.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateColumn

from fablab.db import Minutes, UTCDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NEW_TABLES = (
    "wait",
    "mark",
    "expiry_warning",
    "consent",
    "claim",
    "registration",
    "machine_resource",
    "acknowledgement",
    "training_session",
    "seat",
    "series",
    "resource",
)
OLD_DEEDS = (
    "membership",
    "suspended",
    "reinstated",
    "roles",
    "qualified",
    "disqualified",
    "state",
)
NEW_DEEDS = (*OLD_DEEDS, "policy", "resources", "marked", "lifted", "referents", "training")


def one_of(column: str, *values: str) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


AGES = ("under_16", "from_16", "adult")


def columns() -> dict[str, list[sa.Column]]:
    """What is added to the tables that stay where they are, checks and all."""

    def column(table, name, kind, check="", say="", **more):
        checks = [sa.CheckConstraint(check, name=op.f(f"ck_{table}_{say}"))] if check else []
        return sa.Column(name, kind, *checks, **more)

    def needed(table, name, kind, default, *check):
        return column(table, name, kind, *check, nullable=False, server_default=default)

    def not_negative(name, kind):
        return column("policy", name, kind, f"{name} >= 0", f"{name}_not_negative")

    return {
        "machine": [needed("machine", "safety", sa.Text(), "")],
        "member": [
            needed(
                "member",
                "age_band",
                sa.String(32),
                "adult",
                one_of("age_band", *AGES),
                "ageband",
            )
        ],
        "membership": [sa.Column("marked_until", UTCDateTime())],
        "place": [
            column(
                "place",
                "marks_allowed",
                sa.Integer(),
                "marks_allowed > 0",
                "marks_allowed_is_positive",
            ),
            needed(
                "place",
                "marks_window_days",
                sa.Integer(),
                "90",
                "marks_window_days > 0",
                "marks_window_is_positive",
            ),
            needed(
                "place",
                "marks_suspension_days",
                sa.Integer(),
                "14",
                "marks_suspension_days > 0",
                "marks_suspension_is_positive",
            ),
        ],
        "policy": [
            not_negative("cooling", Minutes()),
            not_negative("fixed", Minutes()),
            sa.Column("whole_days", sa.Boolean()),
            not_negative("quota_machine", Minutes()),
            not_negative("quota_category", Minutes()),
            not_negative("quota_risky", Minutes()),
            not_negative("last_minute", Minutes()),
            not_negative("weekly_bookings", sa.Integer()),
            not_negative("bookings_ahead", sa.Integer()),
            sa.Column("one_at_a_time", sa.Boolean()),
            not_negative("units", sa.Integer()),
            column("policy", "youngest", sa.String(32), one_of("youngest", *AGES), "ageband"),
            sa.Column("buddy", sa.Boolean()),
            column(
                "policy",
                "approval",
                sa.String(32),
                one_of("approval", "never", "first", "always"),
                "approval",
            ),
            not_negative("approval_above", Minutes()),
            sa.Column("owner_approval", sa.Boolean()),
            column(
                "policy",
                "answer_within",
                Minutes(),
                "answer_within > 0",
                "answer_within_is_positive",
            ),
            not_negative("free_cancellation", Minutes()),
            sa.Column("overridable", sa.JSON()),
        ],
        "training": [
            needed("training", "description", sa.Text(), ""),
            needed(
                "training",
                "minimum_people",
                sa.Integer(),
                "1",
                "minimum_people > 0",
                "minimum_people_is_positive",
            ),
            needed(
                "training",
                "decided_before",
                Minutes(),
                "2880",
                "decided_before >= 0",
                "decided_before_not_negative",
            ),
            needed("training", "is_renewed_by_use", sa.Boolean(), sa.false()),
            sa.Column("retired_at", UTCDateTime()),
        ],
    }


def upgrade() -> None:
    op.create_table(
        "resource",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_resource_place_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resource")),
        sa.UniqueConstraint("place_id", "slug", name=op.f("uq_resource_place_id_slug")),
    )
    op.create_table(
        "series",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("every_weeks", sa.Integer(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.CheckConstraint(
            "every_weeks IN (1, 2)", name=op.f("ck_series_is_weekly_or_fortnightly")
        ),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_series_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_series")),
        sa.UniqueConstraint("uid", name=op.f("uq_series_uid")),
    )
    op.create_index("ix_series_member_id", "series", ["member_id"])

    op.create_table(
        "seat",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("resource_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.CheckConstraint("number > 0", name=op.f("ck_seat_number_counts_from_one")),
        sa.ForeignKeyConstraint(["resource_id"], ["resource.id"], name=op.f("fk_seat_resource_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seat")),
        sa.UniqueConstraint("resource_id", "number", name=op.f("uq_seat_resource_id_number")),
    )
    op.create_table(
        "training_session",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("training_id", sa.Integer(), nullable=False),
        sa.Column("trainer_id", sa.Integer(), nullable=True),
        sa.Column("starts_at", UTCDateTime(), nullable=False),
        sa.Column("ends_at", UTCDateTime(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("seats", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "planned",
                "held",
                "cancelled",
                name="sessionstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("cancel_reason", sa.Text(), nullable=False),
        sa.Column("decided_at", UTCDateTime(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("changed_at", UTCDateTime(), nullable=False),
        sa.CheckConstraint(
            "ends_at > starts_at", name=op.f("ck_training_session_ends_after_start")
        ),
        sa.CheckConstraint("seats > 0", name=op.f("ck_training_session_seats_is_positive")),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["member.id"], name=op.f("fk_training_session_created_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["place_id"], ["place.id"], name=op.f("fk_training_session_place_id")
        ),
        sa.ForeignKeyConstraint(
            ["trainer_id"], ["member.id"], name=op.f("fk_training_session_trainer_id")
        ),
        sa.ForeignKeyConstraint(
            ["training_id"], ["training.id"], name=op.f("fk_training_session_training_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_training_session")),
        sa.UniqueConstraint("uid", name=op.f("uq_training_session_uid")),
    )
    op.create_index(
        "ix_training_session_place_starts", "training_session", ["place_id", "starts_at"]
    )
    op.create_index("ix_training_session_training_id", "training_session", ["training_id"])

    op.create_table(
        "acknowledgement",
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("machine_id", sa.Integer(), nullable=False),
        sa.Column("text_hash", sa.Text(), nullable=False),
        sa.Column("acknowledged_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["machine_id"], ["machine.id"], name=op.f("fk_acknowledgement_machine_id")
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_acknowledgement_member_id")
        ),
        sa.PrimaryKeyConstraint("member_id", "machine_id", name=op.f("pk_acknowledgement")),
    )
    op.create_table(
        "machine_resource",
        sa.Column("machine_id", sa.Integer(), nullable=False),
        sa.Column("resource_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["machine_id"], ["machine.id"], name=op.f("fk_machine_resource_machine_id")
        ),
        sa.ForeignKeyConstraint(
            ["resource_id"], ["resource.id"], name=op.f("fk_machine_resource_resource_id")
        ),
        sa.PrimaryKeyConstraint("machine_id", "resource_id", name=op.f("pk_machine_resource")),
    )
    op.create_index("ix_machine_resource_resource_id", "machine_resource", ["resource_id"])

    op.create_table(
        "registration",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column(
            "seating",
            sa.Enum(
                "seated",
                "waiting",
                "left",
                "attended",
                "absent",
                name="seating",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("asked_at", UTCDateTime(), nullable=False),
        sa.Column("changed_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_registration_member_id")
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["training_session.id"], name=op.f("fk_registration_session_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registration")),
        sa.UniqueConstraint(
            "session_id", "member_id", name=op.f("uq_registration_session_id_member_id")
        ),
    )
    op.create_index("ix_registration_member_id", "registration", ["member_id"])

    op.create_table(
        "claim",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("seat_id", sa.Integer(), nullable=False),
        sa.Column("occupancy_id", sa.Integer(), nullable=False),
        sa.Column("claimed_from", UTCDateTime(), nullable=False),
        sa.Column("claimed_until", UTCDateTime(), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.text("int4range(seat_id, seat_id, '[]')"), "&&"),
            (sa.text("tstzrange(claimed_from, claimed_until)"), "&&"),
            using="gist",
            name="claim_no_seat_twice",
        ).ddl_if(dialect="postgresql"),
        sa.CheckConstraint("claimed_until > claimed_from", name=op.f("ck_claim_ends_after_start")),
        sa.ForeignKeyConstraint(
            ["occupancy_id"], ["occupancy.id"], name=op.f("fk_claim_occupancy_id")
        ),
        sa.ForeignKeyConstraint(["seat_id"], ["seat.id"], name=op.f("fk_claim_seat_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim")),
    )
    op.create_index("ix_claim_occupancy_id", "claim", ["occupancy_id"])
    op.create_index("ix_claim_seat_from", "claim", ["seat_id", "claimed_from"])

    op.create_table(
        "consent",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("occupancy_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "team",
                "owner",
                "buddy",
                "company",
                "member",
                name="consentkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("asked_id", sa.Integer(), nullable=True),
        sa.Column("asked_at", UTCDateTime(), nullable=False),
        sa.Column("due_at", UTCDateTime(), nullable=False),
        sa.Column("mailed_at", UTCDateTime(), nullable=True),
        sa.Column(
            "answer",
            sa.Enum(
                "yes",
                "no",
                "taken_back",
                name="answer",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("answered_at", UTCDateTime(), nullable=True),
        sa.Column("answered_by_id", sa.Integer(), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "(answer IS NULL) = (answered_at IS NULL)", name=op.f("ck_consent_answered_at_a_time")
        ),
        sa.ForeignKeyConstraint(
            ["answered_by_id"], ["member.id"], name=op.f("fk_consent_answered_by_id")
        ),
        sa.ForeignKeyConstraint(["asked_id"], ["member.id"], name=op.f("fk_consent_asked_id")),
        sa.ForeignKeyConstraint(
            ["occupancy_id"], ["occupancy.id"], name=op.f("fk_consent_occupancy_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
        sa.UniqueConstraint("uid", name=op.f("uq_consent_uid")),
    )
    op.create_index("ix_consent_asked_id", "consent", ["asked_id"])
    op.create_index("ix_consent_occupancy_id", "consent", ["occupancy_id"])
    op.create_index("ix_consent_open", "consent", ["answer", "due_at"])

    op.create_table(
        "expiry_warning",
        sa.Column("qualification_id", sa.Integer(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("sent_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["qualification_id"],
            ["qualification.id"],
            name=op.f("fk_expiry_warning_qualification_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "qualification_id", "expires_on", "days", name=op.f("pk_expiry_warning")
        ),
    )
    op.create_table(
        "mark",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("occupancy_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "late",
                "missed",
                name="markkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("made_at", UTCDateTime(), nullable=False),
        sa.Column("lifted_at", UTCDateTime(), nullable=True),
        sa.Column("lifted_by_id", sa.Integer(), nullable=True),
        sa.Column("lift_reason", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "lifted_at IS NULL OR lift_reason <> ''", name=op.f("ck_mark_lifted_for_a_reason")
        ),
        sa.ForeignKeyConstraint(["lifted_by_id"], ["member.id"], name=op.f("fk_mark_lifted_by_id")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_mark_member_id")),
        sa.ForeignKeyConstraint(
            ["occupancy_id"], ["occupancy.id"], name=op.f("fk_mark_occupancy_id")
        ),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_mark_place_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mark")),
        sa.UniqueConstraint("occupancy_id", name=op.f("uq_mark_occupancy_id")),
        sa.UniqueConstraint("uid", name=op.f("uq_mark_uid")),
    )
    op.create_index("ix_mark_member_made", "mark", ["member_id", "place_id", "made_at"])

    op.create_table(
        "wait",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("machine_id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=True),
        sa.Column("starts_at", UTCDateTime(), nullable=False),
        sa.Column("ends_at", UTCDateTime(), nullable=False),
        sa.Column("duration", Minutes(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("offered_id", sa.Integer(), nullable=True),
        sa.Column("ended_at", UTCDateTime(), nullable=True),
        sa.Column(
            "outcome",
            sa.Enum(
                "booked",
                "declined",
                "lapsed",
                "given_up",
                "over",
                name="waitend",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.CheckConstraint(
            "(outcome IS NULL) = (ended_at IS NULL)", name=op.f("ck_wait_ended_somehow")
        ),
        sa.CheckConstraint("duration > 0", name=op.f("ck_wait_duration_is_positive")),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_wait_ends_after_start")),
        sa.ForeignKeyConstraint(["machine_id"], ["machine.id"], name=op.f("fk_wait_machine_id")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_wait_member_id")),
        sa.ForeignKeyConstraint(["offered_id"], ["occupancy.id"], name=op.f("fk_wait_offered_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_wait_organization_id")
        ),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_wait_place_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wait")),
        sa.UniqueConstraint("uid", name=op.f("uq_wait_uid")),
    )
    op.create_index("ix_wait_machine", "wait", ["machine_id", "ended_at", "created_at"])
    op.create_index("ix_wait_member_id", "wait", ["member_id"])
    op.create_index("ix_wait_offered_id", "wait", ["offered_id"])

    for table, new in columns().items():
        for column in new:
            add(table, column)
    # Of a minor the age is not known: the younger band asks for the most care.
    op.execute("UPDATE member SET age_band = 'under_16' WHERE is_minor")
    op.drop_column("member", "is_minor")

    checks = {
        "ck_occupancy_occupancykind": one_of("kind", "booking", "outage", "session"),
        "ck_occupancy_session_is_named": "(kind = 'session') = (session_id IS NOT NULL)",
    }
    with op.batch_alter_table("occupancy") as batch:
        batch.add_column(
            sa.Column("counts_in_quota", sa.Boolean(), nullable=False, server_default=sa.true())
        )
        batch.add_column(
            sa.Column("is_accompanied", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        batch.add_column(sa.Column("buddy_id", sa.Integer()))
        batch.add_column(sa.Column("series_id", sa.Integer()))
        batch.add_column(sa.Column("session_id", sa.Integer()))
        batch.add_column(sa.Column("override_reason", sa.Text(), nullable=False, server_default=""))
        for name, points_at in POINTERS.items():
            batch.create_foreign_key(op.f(f"fk_occupancy_{name}"), points_at, [name], ["id"])
        batch.drop_constraint(op.f("ck_occupancy_occupancykind"), type_="check")
        for name, check in checks.items():
            batch.create_check_constraint(op.f(name), sa.text(check))
    op.create_index("ix_occupancy_series_id", "occupancy", ["series_id"])
    op.create_index("ix_occupancy_session_id", "occupancy", ["session_id"])
    replace_audit_checks("member_id IS NULL OR machine_id IS NULL", NEW_DEEDS)


def downgrade() -> None:
    """What only these rules know is lost: consents, waits, marks, sessions, claims."""
    new = tuple(deed for deed in NEW_DEEDS if deed not in OLD_DEEDS)
    op.execute(f"DELETE FROM audit_entry WHERE {one_of('what', *new)}")
    replace_audit_checks("(member_id IS NULL) <> (machine_id IS NULL)", OLD_DEEDS)

    op.execute(
        "DELETE FROM change WHERE occupancy_id IN (SELECT id FROM occupancy WHERE kind = 'session')"
    )
    for table in NEW_TABLES[: NEW_TABLES.index("training_session")]:
        op.drop_table(table)
    op.execute("DELETE FROM occupancy WHERE kind = 'session'")
    op.drop_index("ix_occupancy_session_id", "occupancy")
    op.drop_index("ix_occupancy_series_id", "occupancy")
    kinds = "ck_occupancy_occupancykind"
    with op.batch_alter_table("occupancy") as batch:
        batch.drop_constraint(op.f("ck_occupancy_session_is_named"), type_="check")
        batch.drop_constraint(op.f(kinds), type_="check")
        batch.create_check_constraint(op.f(kinds), sa.text(one_of("kind", "booking", "outage")))
        for name in POINTERS:
            batch.drop_constraint(op.f(f"fk_occupancy_{name}"), type_="foreignkey")
        for name in (*POINTERS, "override_reason", "is_accompanied", "counts_in_quota"):
            batch.drop_column(name)
    for table in NEW_TABLES[NEW_TABLES.index("training_session") :]:
        op.drop_table(table)

    with op.batch_alter_table("member", recreate="never") as batch:
        batch.add_column(
            sa.Column("is_minor", sa.Boolean(), nullable=False, server_default=sa.false())
        )
    op.execute("UPDATE member SET is_minor = (age_band <> 'adult')")
    for table, old in columns().items():
        for column in reversed(old):
            op.drop_column(table, column.name)


POINTERS = {"buddy_id": "member", "series_id": "series", "session_id": "training_session"}


def add(table: str, column: sa.Column) -> None:
    """With its checks in the one statement: SQLite adds no constraint afterwards."""
    said = CreateColumn(column).compile(dialect=op.get_bind().dialect)
    op.execute(f"ALTER TABLE {table} ADD COLUMN {said}")


def replace_audit_checks(about: str, deeds: tuple[str, ...]) -> None:
    checks = {
        "ck_audit_entry_is_about_one_thing": about,
        "ck_audit_entry_deed": one_of("what", *deeds),
    }
    with op.batch_alter_table("audit_entry") as batch:
        for name, check in checks.items():
            batch.drop_constraint(op.f(name), type_="check")
            batch.create_check_constraint(op.f(name), sa.text(check))
