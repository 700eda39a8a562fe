"""What other members were given of this member's signals."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the table."""
    op.create_table(
        "signal_disclosure",
        sa.Column("peer", sa.String(64), primary_key=True, comment="member that was given signals"),
        sa.Column(
            "payload", sa.LargeBinary, nullable=False, comment="sealed: one bit for each number of a signal"
        ),
        comment="Which signals each member was ever given, so that a recall reaches it",
    )
