"""The first tables, with the guard against two occupancies of one machine at once.

Revision: 0001, the first. SQLite's triggers are put up by env.py after every migration.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from fablab.db import Minutes, UTCDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "member",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("first_name", sa.Text(), nullable=False),
        sa.Column("last_name", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("shares_phone", sa.Boolean(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("session_version", sa.Integer(), nullable=False),
        sa.Column("calendar_revision", sa.Integer(), nullable=False),
        sa.Column("is_minor", sa.Boolean(), nullable=False),
        sa.Column("guardian_agreed_on", sa.Date(), nullable=True),
        sa.Column("confirmed_at", UTCDateTime(), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("changed_at", UTCDateTime(), nullable=False),
        sa.Column("seen_at", UTCDateTime(), nullable=True),
        sa.Column("erased_at", UTCDateTime(), nullable=True),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_member_email_is_lower")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member")),
        sa.UniqueConstraint("email", name=op.f("uq_member_email")),
        sa.UniqueConstraint("uid", name=op.f("uq_member_uid")),
    )
    op.create_table(
        "outgoing_mail",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("due_at", UTCDateTime(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("sent_at", UTCDateTime(), nullable=True),
        sa.Column("parked_at", UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outgoing_mail")),
        sa.UniqueConstraint("message_id", name=op.f("uq_outgoing_mail_message_id")),
    )
    op.create_index(
        "ix_outgoing_mail_due", "outgoing_mail", ["sent_at", "parked_at", "due_at"], unique=False
    )

    op.create_table(
        "place",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("house_rules", sa.Text(), nullable=False),
        sa.Column(
            "names_shown",
            sa.Enum(
                "everyone",
                "members",
                "nobody",
                name="namesshown",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("has_public_feeds", sa.Boolean(), nullable=False),
        sa.Column("holidays_country", sa.Text(), nullable=False),
        sa.Column("holidays_subdivision", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("people_revision", sa.Integer(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("changed_at", UTCDateTime(), nullable=False),
        sa.CheckConstraint("revision >= 0", name=op.f("ck_place_revision_counts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_place")),
        sa.UniqueConstraint("slug", name=op.f("uq_place_slug")),
    )
    op.create_table(
        "attempt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "sign_in",
                "mail",
                "reset",
                name="attemptkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("network", sa.Text(), nullable=False),
        sa.Column("made_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt")),
        sa.UniqueConstraint(
            "kind", "account", "number", name=op.f("uq_attempt_kind_account_number")
        ),
    )
    op.create_index("ix_attempt_network", "attempt", ["kind", "network", "made_at"], unique=False)

    op.create_table(
        "category",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("icon", sa.Text(), nullable=False),
        sa.Column("hue", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_category_place_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_category")),
        sa.UniqueConstraint("place_id", "slug", name=op.f("uq_category_place_id_slug")),
    )
    op.create_table(
        "closure",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("repeats_yearly", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("changed_at", UTCDateTime(), nullable=False),
        sa.CheckConstraint("last_day >= first_day", name=op.f("ck_closure_ends_after_start")),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_closure_place_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_closure")),
        sa.UniqueConstraint("uid", name=op.f("uq_closure_uid")),
    )
    op.create_index(op.f("ix_closure_place_id"), "closure", ["place_id"], unique=False)

    op.create_table(
        "ended_session",
        sa.Column("key_hash", sa.Text(), nullable=False),
        sa.Column("ends_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key_hash", name=op.f("pk_ended_session")),
    )
    op.create_index(op.f("ix_ended_session_ends_at"), "ended_session", ["ends_at"], unique=False)

    op.create_table(
        "mailed_link",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=True),
        sa.Column(
            "purpose",
            sa.Enum(
                "confirm",
                "reset",
                "change",
                name="linkpurpose",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("new_email", sa.Text(), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("expires_at", UTCDateTime(), nullable=False),
        sa.Column("used_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_mailed_link_member_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailed_link")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_mailed_link_secret_hash")),
    )
    op.create_index(op.f("ix_mailed_link_member_id"), "mailed_link", ["member_id"], unique=False)

    op.create_table(
        "membership",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column(
            "audience",
            sa.Enum(
                "individual",
                "reduced",
                "association",
                "professional",
                "resident",
                "cooperative",
                "staff",
                name="audience",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("suspended_until", UTCDateTime(), nullable=True),
        sa.Column("suspension_reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_membership_member_id")),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_membership_place_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_membership")),
        sa.UniqueConstraint("member_id", "place_id", name=op.f("uq_membership_member_id_place_id")),
    )
    op.create_index(op.f("ix_membership_place_id"), "membership", ["place_id"], unique=False)

    op.create_table(
        "opening",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("opens_at", sa.Time(), nullable=False),
        sa.Column("closes_at", sa.Time(), nullable=False),
        sa.Column(
            "mode",
            sa.Enum(
                "supervised",
                "resident",
                "night",
                name="mode",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("weeks", sa.Text(), nullable=False),
        sa.CheckConstraint("weekday BETWEEN 1 AND 7", name=op.f("ck_opening_weekday_is_iso")),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_opening_place_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opening")),
    )
    op.create_index(op.f("ix_opening_place_id"), "opening", ["place_id"], unique=False)

    op.create_table(
        "organization",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "company",
                "sole_trader",
                "association",
                "cooperative",
                "school",
                "public_body",
                name="organizationkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("trade", sa.Text(), nullable=False),
        sa.Column("legal_form", sa.Text(), nullable=False),
        sa.Column("hosted_since", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_organization_place_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organization")),
        sa.UniqueConstraint("place_id", "slug", name=op.f("uq_organization_place_id_slug")),
    )
    op.create_table(
        "pool",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_pool_place_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pool")),
        sa.UniqueConstraint("place_id", "slug", name=op.f("uq_pool_place_id_slug")),
    )
    op.create_table(
        "training",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("duration", Minutes(), nullable=False),
        sa.Column("seats", sa.Integer(), nullable=False),
        sa.Column("validity_months", sa.Integer(), nullable=True),
        sa.Column("inactivity_months", sa.Integer(), nullable=True),
        sa.Column("minimum_age", sa.Integer(), nullable=True),
        sa.Column("is_for_everyone", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_training_place_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_training")),
        sa.UniqueConstraint("place_id", "code", name=op.f("uq_training_place_id_code")),
    )
    op.create_table(
        "machine",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("category_id", sa.Integer(), nullable=False),
        sa.Column("pool_id", sa.Integer(), nullable=True),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("specs", sa.JSON(), nullable=False),
        sa.Column("materials_allowed", sa.JSON(), nullable=False),
        sa.Column("materials_forbidden", sa.JSON(), nullable=False),
        sa.Column(
            "risk_class",
            sa.Enum(
                "A",
                "B",
                "C",
                "D",
                name="riskclass",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("photo", sa.Text(), nullable=True),
        sa.Column("photo_alt", sa.Text(), nullable=False),
        sa.Column("asset_number", sa.Text(), nullable=False),
        sa.Column("funder", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "in_service",
                "out_of_service",
                "locked_out",
                "retired",
                name="machinestate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("state_reason", sa.Text(), nullable=False),
        sa.Column("back_on", sa.Date(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("changed_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["category_id"], ["category.id"], name=op.f("fk_machine_category_id")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["organization.id"], name=op.f("fk_machine_owner_id")
        ),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_machine_place_id")),
        sa.ForeignKeyConstraint(["pool_id"], ["pool.id"], name=op.f("fk_machine_pool_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_machine")),
        sa.UniqueConstraint("slug", name=op.f("uq_machine_slug")),
    )
    op.create_index(op.f("ix_machine_category_id"), "machine", ["category_id"], unique=False)
    op.create_index(op.f("ix_machine_place_id"), "machine", ["place_id"], unique=False)

    op.create_table(
        "organization_member",
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("is_manager", sa.Boolean(), nullable=False),
        sa.Column("activity", sa.Text(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "until IS NULL OR until >= since", name=op.f("ck_organization_member_ends_after_start")
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_organization_member_member_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_organization_member_organization_id"),
        ),
        sa.PrimaryKeyConstraint(
            "organization_id", "member_id", name=op.f("pk_organization_member")
        ),
    )
    op.create_index(
        op.f("ix_organization_member_member_id"), "organization_member", ["member_id"], unique=False
    )

    op.create_table(
        "role_held",
        sa.Column("membership_id", sa.Integer(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "referent",
                "fabmanager",
                "accountant",
                "administrator",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["membership_id"], ["membership.id"], name=op.f("fk_role_held_membership_id")
        ),
        sa.PrimaryKeyConstraint("membership_id", "role", name=op.f("pk_role_held")),
    )
    op.create_table(
        "training_prerequisite",
        sa.Column("training_id", sa.Integer(), nullable=False),
        sa.Column("required_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["required_id"], ["training.id"], name=op.f("fk_training_prerequisite_required_id")
        ),
        sa.ForeignKeyConstraint(
            ["training_id"], ["training.id"], name=op.f("fk_training_prerequisite_training_id")
        ),
        sa.PrimaryKeyConstraint(
            "training_id", "required_id", name=op.f("pk_training_prerequisite")
        ),
    )
    op.create_table(
        "feed_token",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column(
            "scope",
            sa.Enum(
                "day",
                "place",
                "category",
                "machine",
                "organization",
                "member",
                name="scope",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("category_id", sa.Integer(), nullable=True),
        sa.Column("machine_id", sa.Integer(), nullable=True),
        sa.Column("organization_id", sa.Integer(), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("used_at", UTCDateTime(), nullable=True),
        sa.Column("revoked_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["category_id"], ["category.id"], name=op.f("fk_feed_token_category_id")
        ),
        sa.ForeignKeyConstraint(
            ["machine_id"], ["machine.id"], name=op.f("fk_feed_token_machine_id")
        ),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_feed_token_member_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_feed_token_organization_id")
        ),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_feed_token_place_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_feed_token_token_hash")),
    )
    op.create_index("ix_feed_token_holder", "feed_token", ["member_id", "revoked_at"], unique=False)

    op.create_table(
        "machine_document",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("machine_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["machine_id"], ["machine.id"], name=op.f("fk_machine_document_machine_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_machine_document")),
    )
    op.create_index(
        op.f("ix_machine_document_machine_id"), "machine_document", ["machine_id"], unique=False
    )

    op.create_table(
        "machine_referent",
        sa.Column("machine_id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["machine_id"], ["machine.id"], name=op.f("fk_machine_referent_machine_id")
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_machine_referent_member_id")
        ),
        sa.PrimaryKeyConstraint("machine_id", "member_id", name=op.f("pk_machine_referent")),
    )
    op.create_index(
        op.f("ix_machine_referent_member_id"), "machine_referent", ["member_id"], unique=False
    )

    op.create_table(
        "occupancy",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "booking",
                "outage",
                name="occupancykind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("machine_id", sa.Integer(), nullable=False),
        sa.Column("starts_at", UTCDateTime(), nullable=False),
        sa.Column("ends_at", UTCDateTime(), nullable=False),
        sa.Column("occupied_from", UTCDateTime(), nullable=False),
        sa.Column("occupied_until", UTCDateTime(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "confirmed",
                "pending",
                "cancelled",
                "missed",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("standing", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("changed_at", UTCDateTime(), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("request_key", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=True),
        sa.Column("organization_id", sa.Integer(), nullable=True),
        sa.Column("cancelled_at", UTCDateTime(), nullable=True),
        postgresql.ExcludeConstraint(
            (sa.text("int4range(machine_id, machine_id, '[]')"), "&&"),
            (sa.text("tstzrange(occupied_from, occupied_until)"), "&&"),
            where=sa.text("standing"),
            using="gist",
            name="occupancy_no_overlap",
        ).ddl_if(dialect="postgresql"),
        sa.CheckConstraint(
            "kind <> 'booking' OR member_id IS NOT NULL",
            name=op.f("ck_occupancy_booking_has_member"),
        ),
        sa.CheckConstraint(
            "standing = (status IN ('confirmed', 'pending'))",
            name=op.f("ck_occupancy_standing_is_true"),
        ),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_occupancy_ends_after_start")),
        sa.CheckConstraint(
            "occupied_from <= starts_at AND occupied_until >= ends_at",
            name=op.f("ck_occupancy_covers_the_slot"),
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["member.id"], name=op.f("fk_occupancy_created_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["machine_id"], ["machine.id"], name=op.f("fk_occupancy_machine_id")
        ),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_occupancy_member_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_occupancy_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_occupancy")),
        sa.UniqueConstraint(
            "created_by_id", "request_key", name=op.f("uq_occupancy_created_by_id_request_key")
        ),
        sa.UniqueConstraint("uid", name=op.f("uq_occupancy_uid")),
    )
    op.create_index(
        "ix_occupancy_machine_starts", "occupancy", ["machine_id", "starts_at"], unique=False
    )
    op.create_index(
        "ix_occupancy_member_starts", "occupancy", ["member_id", "starts_at"], unique=False
    )
    op.create_index(
        "ix_occupancy_standing",
        "occupancy",
        ["machine_id", "occupied_from"],
        unique=False,
        sqlite_where=sa.text("standing"),
        postgresql_where=sa.text("standing"),
    )

    op.create_table(
        "policy",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("category_id", sa.Integer(), nullable=True),
        sa.Column("machine_id", sa.Integer(), nullable=True),
        sa.Column(
            "audience",
            sa.Enum(
                "individual",
                "reduced",
                "association",
                "professional",
                "resident",
                "cooperative",
                "staff",
                name="audience",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("step", Minutes(), nullable=True),
        sa.Column("minimum", Minutes(), nullable=True),
        sa.Column("maximum", Minutes(), nullable=True),
        sa.Column("notice", Minutes(), nullable=True),
        sa.Column("horizon_days", sa.Integer(), nullable=True),
        sa.Column("setup", Minutes(), nullable=True),
        sa.Column("cleanup", Minutes(), nullable=True),
        sa.Column("level", sa.Integer(), nullable=True),
        sa.Column("modes", sa.JSON(), nullable=True),
        sa.Column("is_open", sa.Boolean(), nullable=True),
        sa.CheckConstraint(
            "category_id IS NULL OR machine_id IS NULL", name=op.f("ck_policy_has_one_scope")
        ),
        sa.CheckConstraint("horizon_days >= 0", name=op.f("ck_policy_horizon_not_negative")),
        sa.CheckConstraint("level BETWEEN 0 AND 4", name=op.f("ck_policy_level_is_known")),
        sa.CheckConstraint("maximum >= minimum", name=op.f("ck_policy_maximum_not_under_minimum")),
        sa.CheckConstraint("minimum > 0", name=op.f("ck_policy_minimum_is_positive")),
        sa.CheckConstraint("notice >= 0", name=op.f("ck_policy_notice_not_negative")),
        sa.CheckConstraint(
            "setup >= 0 AND cleanup >= 0", name=op.f("ck_policy_margins_not_negative")
        ),
        sa.CheckConstraint("step > 0", name=op.f("ck_policy_step_is_positive")),
        sa.ForeignKeyConstraint(
            ["category_id"], ["category.id"], name=op.f("fk_policy_category_id")
        ),
        sa.ForeignKeyConstraint(["machine_id"], ["machine.id"], name=op.f("fk_policy_machine_id")),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_policy_place_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy")),
    )
    op.create_index(op.f("ix_policy_place_id"), "policy", ["place_id"], unique=False)

    op.create_table(
        "qualification",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("training_id", sa.Integer(), nullable=True),
        sa.Column("machine_id", sa.Integer(), nullable=True),
        sa.Column("level", sa.Integer(), nullable=True),
        sa.Column("given_on", sa.Date(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("given_by_id", sa.Integer(), nullable=True),
        sa.Column("recorded_at", UTCDateTime(), nullable=False),
        sa.CheckConstraint(
            "(machine_id IS NULL) = (level IS NULL)",
            name=op.f("ck_qualification_level_of_a_machine"),
        ),
        sa.CheckConstraint(
            "expires_on IS NULL OR expires_on >= given_on",
            name=op.f("ck_qualification_ends_after_start"),
        ),
        sa.CheckConstraint(
            "given_by_id IS NULL OR given_by_id <> member_id",
            name=op.f("ck_qualification_not_by_oneself"),
        ),
        sa.CheckConstraint("level BETWEEN 1 AND 4", name=op.f("ck_qualification_level_is_known")),
        sa.CheckConstraint(
            "training_id IS NOT NULL OR machine_id IS NOT NULL",
            name=op.f("ck_qualification_is_of_something"),
        ),
        sa.ForeignKeyConstraint(
            ["given_by_id"], ["member.id"], name=op.f("fk_qualification_given_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["machine_id"], ["machine.id"], name=op.f("fk_qualification_machine_id")
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_qualification_member_id")
        ),
        sa.ForeignKeyConstraint(
            ["training_id"], ["training.id"], name=op.f("fk_qualification_training_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_qualification")),
    )
    op.create_index(
        "ix_qualification_member_training",
        "qualification",
        ["member_id", "training_id"],
        unique=False,
    )

    op.create_table(
        "training_grant",
        sa.Column("training_id", sa.Integer(), nullable=False),
        sa.Column("machine_id", sa.Integer(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.CheckConstraint("level BETWEEN 1 AND 4", name=op.f("ck_training_grant_level_is_known")),
        sa.ForeignKeyConstraint(
            ["machine_id"], ["machine.id"], name=op.f("fk_training_grant_machine_id")
        ),
        sa.ForeignKeyConstraint(
            ["training_id"], ["training.id"], name=op.f("fk_training_grant_training_id")
        ),
        sa.PrimaryKeyConstraint("training_id", "machine_id", name=op.f("pk_training_grant")),
    )
    op.create_index(
        op.f("ix_training_grant_machine_id"), "training_grant", ["machine_id"], unique=False
    )

    op.create_table(
        "change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("occupancy_id", sa.Integer(), nullable=False),
        sa.Column("made_at", UTCDateTime(), nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=True),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["made_by_id"], ["member.id"], name=op.f("fk_change_made_by_id")),
        sa.ForeignKeyConstraint(
            ["occupancy_id"], ["occupancy.id"], name=op.f("fk_change_occupancy_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change")),
    )
    op.create_index(op.f("ix_change_occupancy_id"), "change", ["occupancy_id"], unique=False)

    op.create_table(
        "audit_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("made_at", UTCDateTime(), nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=True),
        sa.Column(
            "what",
            sa.Enum(
                "membership",
                "suspended",
                "reinstated",
                "roles",
                "qualified",
                "disqualified",
                "state",
                name="deed",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("member_id", sa.Integer(), nullable=True),
        sa.Column("machine_id", sa.Integer(), nullable=True),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.CheckConstraint(
            "(member_id IS NULL) <> (machine_id IS NULL)",
            name=op.f("ck_audit_entry_is_about_one_thing"),
        ),
        sa.ForeignKeyConstraint(
            ["machine_id"], ["machine.id"], name=op.f("fk_audit_entry_machine_id")
        ),
        sa.ForeignKeyConstraint(
            ["made_by_id"], ["member.id"], name=op.f("fk_audit_entry_made_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_audit_entry_member_id")
        ),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_audit_entry_place_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
    )
    op.create_index(op.f("ix_audit_entry_machine_id"), "audit_entry", ["machine_id"], unique=False)
    op.create_index(op.f("ix_audit_entry_member_id"), "audit_entry", ["member_id"], unique=False)


def downgrade() -> None:
    op.drop_table("audit_entry")
    op.drop_table("change")
    op.drop_table("training_grant")
    op.drop_table("qualification")
    op.drop_table("policy")
    op.drop_table("occupancy")
    op.drop_table("machine_referent")
    op.drop_table("machine_document")
    op.drop_table("feed_token")
    op.drop_table("training_prerequisite")
    op.drop_table("role_held")
    op.drop_table("organization_member")
    op.drop_table("machine")
    op.drop_table("training")
    op.drop_table("pool")
    op.drop_table("organization")
    op.drop_table("opening")
    op.drop_table("membership")
    op.drop_table("mailed_link")
    op.drop_table("ended_session")
    op.drop_table("closure")
    op.drop_table("category")
    op.drop_table("attempt")
    op.drop_table("place")
    op.drop_table("outgoing_mail")
    op.drop_table("member")
