"""Agreements with other members."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Makes the table."""
    op.create_table(
        "agreement",
        sa.Column("id", _ROW_ID, nullable=False, comment="row number, ascending with time"),
        sa.Column("sha256", sa.LargeBinary(32), nullable=False, comment="SHA-256 of the document"),
        sa.Column("peer", sa.String(64), nullable=False, comment="the other member"),
        sa.Column("document", sa.LargeBinary, nullable=False, comment="the agreement, canonical JSON"),
        sa.Column(
            "own_signature",
            sa.LargeBinary(64),
            nullable=True,
            comment="this member's; null: nobody here signed",
        ),
        sa.Column(
            "peer_signature",
            sa.LargeBinary(64),
            nullable=True,
            comment="the other member's; null: not held",
        ),
        sa.Column("first_day", sa.String(10), nullable=False, comment="on which it holds, YYYY-MM-DD, UTC"),
        sa.Column("last_day", sa.String(10), nullable=False, comment="on which it holds, YYYY-MM-DD, UTC"),
        sa.Column(
            "state",
            sa.String(20),
            nullable=False,
            comment="offered, waiting, in_force, withdrawn, withdrawn_by_peer",
        ),
        sa.Column("told", sa.Boolean, nullable=False, comment="whether the other member knows of this state"),
        sa.Column(
            "changed_at_s",
            _ROW_ID,
            nullable=False,
            comment="of this state; seconds since 1970-01-01 UTC",
        ),
        sa.UniqueConstraint("sha256", name="uq_agreement_sha256"),
        sa.PrimaryKeyConstraint("id", name="pk_agreement"),
        comment="Agreements with other members, by what each has signed",
    )
    op.create_index("ix_agreement_peer_state", "agreement", ["peer", "state"])
