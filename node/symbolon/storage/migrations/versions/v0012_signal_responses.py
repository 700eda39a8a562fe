"""What others say about this member's signals, and what people here did before one leaves."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_SECONDS = "seconds since 1970-01-01 UTC"


def _number() -> sa.Column[int]:
    return sa.Column("number", _ROW_ID, nullable=False, autoincrement=False, comment="of the signal")


def _text(name: str, length: int, comment: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=False, comment=comment)


def _at_s(name: str) -> sa.Column[int]:
    return sa.Column(name, _ROW_ID, nullable=False, comment=_SECONDS)


def _of_signal(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["number"], ["signal.number"], name=f"fk_{table}_number_signal")


def upgrade() -> None:
    """Makes the tables; symbolon.storage.signal_response_schema says what each is for."""
    op.create_table(
        "signal_response",
        sa.Column("id", _ROW_ID, nullable=False, autoincrement=False, comment="ascending, never given twice"),
        _number(),
        _text("peer", 64, "member that relayed it"),
        _text("kind", 8, "contest, reply"),
        sa.Column(
            "digest", sa.LargeBinary(16), nullable=False, comment="keyed digest of signal, member and text"
        ),
        _text("state", 8, "waiting, accepted, declined"),
        _at_s("received_at_s"),
        sa.Column("decided_at_s", _ROW_ID, nullable=True, comment=f"{_SECONDS}; null: it waits"),
        sa.Column(
            "payload",
            sa.LargeBinary,
            nullable=True,
            comment="sealed: text, its day, purpose, reason of a refusal; null: erased",
        ),
        sa.CheckConstraint("kind IN ('contest', 'reply')", name=op.f("ck_signal_response_kind")),
        sa.CheckConstraint(
            "state IN ('waiting', 'accepted', 'declined')", name=op.f("ck_signal_response_state")
        ),
        _of_signal("signal_response"),
        sa.PrimaryKeyConstraint("id", name="pk_signal_response"),
        sa.UniqueConstraint("digest", name="uq_signal_response_digest"),
        comment="What members relayed of suppliers: contests and replies",
    )
    for column in ("number", "peer"):
        op.create_index(f"ix_signal_response_{column}", "signal_response", [column])
    op.create_table(
        "signal_corroboration",
        _number(),
        _text("peer", 64, "member that knows the same from elsewhere"),
        _at_s("at_s"),
        _of_signal("signal_corroboration"),
        sa.PrimaryKeyConstraint("number", "peer", name="pk_signal_corroboration"),
        comment="Who else says the same as a signal",
    )
    op.create_table(
        "signal_review",
        _number(),
        _text("peer", 64, "member that it may go to"),
        _text("operator", 32, "pseudonym of who approved it, or local"),
        _at_s("at_s"),
        _of_signal("signal_review"),
        sa.PrimaryKeyConstraint("number", "peer", name="pk_signal_review"),
        comment="Signals that a person has approved for a member (obligation human_review)",
    )
    op.create_table(
        "signal_notice",
        _number(),
        _text("who", 12, "contributor, site, supplier"),
        sa.Column("day", sa.Integer(), nullable=False, comment="on which they were told, since 2020-01-01"),
        _text("operator", 32, "pseudonym of who noted it, or local"),
        _at_s("noted_at_s"),
        _of_signal("signal_notice"),
        sa.PrimaryKeyConstraint("number", "who", name="pk_signal_notice"),
        comment="Who was told of a signal beforehand (obligation notify_supplier)",
    )
