"""Mails that carry an event, what they are about, and whether they are still wanted.

Revision: 0005, after 0004. Columns and a table, added where the tables stand. What happened until
now is told already: nobody gets a mail about it. Who reads their bookings in a calendar they are
subscribed to goes on doing so; all others are sent invitations.
"""

import sqlalchemy as sa
from alembic import op

from fablab.db import UTCDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MEMBER = sa.table("member", sa.column("id"), sa.column("channel"))
FEED = sa.table(
    "feed_token", sa.column("member_id"), sa.column("scope"), sa.column("revoked_at", UTCDateTime())
)
CHANGE = sa.table(
    "change", sa.column("made_at", UTCDateTime()), sa.column("told_at", UTCDateTime())
)


def upgrade() -> None:
    text = {"nullable": False, "server_default": ""}
    for name in ("topic", "calendar", "method", "reply_to", "unsubscribe"):
        op.add_column("outgoing_mail", sa.Column(name, sa.Text(), **text))
    for name in ("useless_at", "dropped_at"):
        op.add_column("outgoing_mail", sa.Column(name, UTCDateTime()))
    op.create_index("ix_outgoing_mail_topic", "outgoing_mail", ["topic"])

    # In one statement with its check: SQLite adds none afterwards.
    op.execute(
        "ALTER TABLE member ADD COLUMN channel VARCHAR(32) DEFAULT 'invitation' NOT NULL"
        " CONSTRAINT ck_member_channel"
        " CHECK (channel IN ('feed', 'invitation', 'mail', 'none'))"
    )
    op.add_column("member", sa.Column("refused_mails", sa.Text(), **text))
    subscribed = sa.select(FEED.c.member_id).where(
        FEED.c.scope == "member", FEED.c.revoked_at.is_(None)
    )
    op.execute(sa.update(MEMBER).where(MEMBER.c.id.in_(subscribed)).values(channel="feed"))

    op.add_column("change", sa.Column("told_at", UTCDateTime()))
    op.execute(sa.update(CHANGE).values(told_at=CHANGE.c.made_at))
    untold = sa.text("told_at IS NULL")
    op.create_index(
        "ix_change_untold", "change", ["id"], sqlite_where=untold, postgresql_where=untold
    )
    op.add_column("occupancy", sa.Column("reminded_of", UTCDateTime()))
    op.add_column("place", sa.Column("digest_day", sa.Date()))

    op.create_table(
        "invitation",
        sa.Column("occupancy_id", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("is_cancelled", sa.Boolean(), nullable=False),
        sa.Column("mailed_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("occupancy_id", name="pk_invitation"),
        sa.ForeignKeyConstraint(
            ["occupancy_id"], ["occupancy.id"], name="fk_invitation_occupancy_id"
        ),
    )


def downgrade() -> None:
    op.drop_table("invitation")
    op.drop_column("place", "digest_day")
    op.drop_column("occupancy", "reminded_of")
    op.drop_index("ix_change_untold", "change")
    op.drop_column("change", "told_at")
    op.drop_column("member", "refused_mails")
    op.drop_column("member", "channel")
    op.drop_index("ix_outgoing_mail_topic", "outgoing_mail")
    for name in (
        "dropped_at",
        "useless_at",
        "unsubscribe",
        "reply_to",
        "method",
        "calendar",
        "topic",
    ):
        op.drop_column("outgoing_mail", name)
