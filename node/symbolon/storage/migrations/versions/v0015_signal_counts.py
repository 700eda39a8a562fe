"""The numbers of signals that other members were told."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Makes the table."""
    op.create_table(
        "signal_count",
        sa.Column("peer", sa.String(64), primary_key=True, comment="member that was told, or may be"),
        sa.Column("purpose", sa.String(64), primary_key=True, comment="that it may look signals up for"),
        sa.Column(
            "signals", sa.Integer(), nullable=False, comment="the number that it is told; 0: fewer than three"
        ),
        sa.Column(
            "at_s", _ROW_ID, nullable=False, comment="when it was counted, seconds since 1970-01-01 UTC"
        ),
        comment="Numbers of signals that other members are told until they are counted again",
    )
