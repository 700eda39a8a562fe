"""The members whose signals this node follows; which deltas were made to tell something at once."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Makes the table; all deltas there are were due."""
    op.create_table(
        "signal_subscription",
        sa.Column("peer", sa.String(64), primary_key=True, comment="member whose signals are followed"),
        sa.Column("purpose", sa.String(64), primary_key=True, comment="that they are looked up for"),
        sa.Column("tiers", sa.String(3), nullable=False, comment="of the keys that are asked"),
        sa.Column("since_s", _ROW_ID, nullable=False, comment="seconds since 1970-01-01 UTC"),
        sa.Column("looked_s", _ROW_ID, nullable=True, comment="last lookup that was held; null: none yet"),
        sa.Column(
            "problem", sa.String(64), nullable=False, server_default="", comment="why the last one was not"
        ),
        comment="Members whose signals this node follows",
    )
    op.add_column(
        "released_delta",
        sa.Column(
            "batch",
            sa.Boolean,
            nullable=False,
            server_default=sa.true(),
            comment="made since one was due, not to tell something at once",
        ),
    )
