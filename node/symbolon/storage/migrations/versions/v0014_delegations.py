"""Signals that one member publishes for another, at both ends."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _of_signal(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["number"], ["signal.number"], name=f"fk_{table}_number_signal")


def upgrade() -> None:
    """Makes the tables; symbolon.storage.delegation_schema says what each is for."""
    op.create_table(
        "signal_delegation",
        sa.Column("number", _ROW_ID, nullable=False, autoincrement=False, comment="of the signal"),
        sa.Column(
            "delivered",
            sa.Integer(),
            nullable=False,
            comment="newest revision that the delegate has; 0: none",
        ),
        sa.Column(
            "problem",
            sa.String(64),
            nullable=False,
            comment="code of why it has not the newest, or empty",
        ),
        sa.Column(
            "payload",
            sa.LargeBinary,
            nullable=True,
            comment="sealed: the delegate, how it shows the signal, its id there; null: erased",
        ),
        _of_signal("signal_delegation"),
        sa.PrimaryKeyConstraint("number", name="pk_signal_delegation"),
        comment="Own signals that another member publishes; they are in no set of this one",
    )
    op.create_table(
        "signal_entrusted",
        sa.Column("id", _ROW_ID, nullable=False, autoincrement=False, comment="ascending, never given twice"),
        sa.Column(
            "digest",
            sa.LargeBinary(16),
            nullable=False,
            comment="keyed digest of the contributor and its id",
        ),
        sa.Column(
            "id_digest", sa.LargeBinary(16), nullable=False, comment="keyed digest of the contributor's id"
        ),
        sa.Column(
            "number",
            _ROW_ID,
            nullable=True,
            comment="of the signal by which it is published; null: recalled before it was",
        ),
        sa.Column(
            "payload",
            sa.LargeBinary,
            nullable=True,
            comment="sealed: the contributor, its newest revision, how it is shown; null: erased",
        ),
        _of_signal("signal_entrusted"),
        sa.PrimaryKeyConstraint("id", name="pk_signal_entrusted"),
        sa.UniqueConstraint("digest", name="uq_signal_entrusted_digest"),
        sa.UniqueConstraint("number", name="uq_signal_entrusted_number"),
        comment="Signals that this member publishes for others",
    )
    op.create_index("ix_signal_entrusted_id_digest", "signal_entrusted", ["id_digest"])
