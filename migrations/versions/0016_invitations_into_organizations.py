"""Who was asked to join an organization, until when one is hosted, and words for the record.

Revision: 0016, after 0015. A table, a column, and three more words for the record of what the
team does, whose table is made anew on SQLite.
"""

import sqlalchemy as sa
from alembic import op

from fablab.db import UTCDateTime

revision = "0016"
down_revision = "0015"
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
)
NEW_DEEDS = ("organization", "merged", "erased")
CHECK = "ck_audit_entry_deed"


def upgrade() -> None:
    op.create_table(
        "organization_invitation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("invited_by_id", sa.Integer(), nullable=False),
        sa.Column("made_at", UTCDateTime(), nullable=False),
        sa.Column("expires_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["invited_by_id"],
            ["member.id"],
            name=op.f("fk_organization_invitation_invited_by_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_organization_invitation_organization_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organization_invitation")),
        sa.UniqueConstraint(
            "organization_id",
            "email",
            name=op.f("uq_organization_invitation_organization_id_email"),
        ),
        sa.UniqueConstraint("uid", name=op.f("uq_organization_invitation_uid")),
    )
    op.create_index("ix_organization_invitation_email", "organization_invitation", ["email"])
    op.add_column("organization", sa.Column("hosted_until", sa.Date()))
    replace_deeds(*OLD_DEEDS, *NEW_DEEDS)


def downgrade() -> None:
    """What was done stays; that it was is lost."""
    words = ", ".join(repr(deed) for deed in NEW_DEEDS)
    op.execute(f"DELETE FROM audit_entry WHERE what IN ({words})")
    replace_deeds(*OLD_DEEDS)
    op.drop_column("organization", "hosted_until")
    op.drop_table("organization_invitation")


def replace_deeds(*deeds: str) -> None:
    with op.batch_alter_table("audit_entry") as batch:
        batch.drop_constraint(op.f(CHECK), type_="check")
        said = f"what IN ({', '.join(repr(deed) for deed in deeds)})"
        batch.create_check_constraint(op.f(CHECK), sa.text(said))
