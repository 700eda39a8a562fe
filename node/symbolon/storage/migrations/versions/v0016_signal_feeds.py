"""What other members were given under the keys of each tier, and which recalls they signed for."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Makes the table."""
    op.create_table(
        "signal_feed",
        sa.Column("peer", sa.String(64), primary_key=True, comment="member that was given signals"),
        sa.Column(
            "tier", sa.String(2), primary_key=True, comment="tier of the keys that it could find them by"
        ),
        sa.Column(
            "given_at_s",
            _ROW_ID,
            nullable=True,
            comment="when first, seconds since 1970-01-01 UTC; null: nothing noted",
        ),
        sa.Column(
            "given", sa.LargeBinary, nullable=False, comment="sealed: one bit for each number of a signal"
        ),
        sa.Column(
            "told", sa.LargeBinary, nullable=False, comment="sealed: the same, of recalls that it signed for"
        ),
        comment="What each member was given under the keys of a tier, and which recalls of it it signed for",
    )
