"""Signals that other members released to this one."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_SECONDS = "seconds since 1970-01-01 UTC"


def _text(name: str, length: int, comment: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=False, comment=comment)


def _number(name: str, comment: str, kind: sa.types.TypeEngine[int] = _ROW_ID) -> sa.Column[int]:
    return sa.Column(name, kind, nullable=False, autoincrement=False, comment=comment)


def _sealed(name: str, comment: str, *, nullable: bool = False) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary, nullable=nullable, comment=f"sealed: {comment}")


def _peer() -> sa.Column[str]:
    return _text("peer", 64, "member that publishes it")


def _signal_id() -> sa.Column[str]:
    return _text("signal_id", 32, "random, hexadecimal")


def _purpose() -> sa.Column[str]:
    return _text("purpose", 64, "purpose it was asked for")


def _tier(comment: str) -> sa.Column[str]:
    return _text("tier", 2, comment)


def upgrade() -> None:
    """Makes the tables; symbolon.storage.received_signal_schema says what each is for."""
    op.create_table(
        "received_signal",
        _peer(),
        _signal_id(),
        _number("revision", "the highest taken in; of a recalled one that of the recall", sa.Integer()),
        _text("state", 8, "active, recalled, gone (nothing of it is left)"),
        _number("first_received_at_s", f"{_SECONDS}; retention counts from it"),
        _number("changed_at_s", f"of its state or revision; {_SECONDS}"),
        _number(
            "expires_day",
            "the latest that any revision named; this row is erased then; since 2020-01-01",
            sa.Integer(),
        ),
        _sealed("recall", "reason and day; null: not recalled", nullable=True),
        sa.CheckConstraint("state IN ('active', 'recalled', 'gone')", name=op.f("ck_received_signal_state")),
        sa.PrimaryKeyConstraint("peer", "signal_id", name="pk_received_signal"),
        comment="Signals that other members released to this one; ids are each peer's own",
    )
    for column in ("signal_id", "expires_day"):
        op.create_index(f"ix_received_signal_{column}", "received_signal", [column])
    op.create_table(
        "received_form",
        _peer(),
        _signal_id(),
        _purpose(),
        _number("revision", "that it shows", sa.Integer()),
        _number("received_at_s", _SECONDS),
        _number("erase_at_s", f"when its time is over, by expiry or by the peer's terms; {_SECONDS}"),
        sa.Column("digest", sa.LargeBinary(16), nullable=False, comment="keyed digest of the label"),
        _sealed("content", "the key that it was verified by on arrival, and the label as signed"),
        sa.ForeignKeyConstraint(
            ["peer", "signal_id"],
            ["received_signal.peer", "received_signal.signal_id"],
            name="fk_received_form_peer_signal_id_received_signal",
        ),
        sa.PrimaryKeyConstraint("peer", "signal_id", "purpose", name="pk_received_form"),
        comment="What received signals say, as released for one purpose; only what stands",
    )
    op.create_index("ix_received_form_erase_at_s", "received_form", ["erase_at_s"])
    op.create_table(
        "received_signal_link",
        _peer(),
        _purpose(),
        _tier("tier of the keys that hit"),
        _sealed("payload", "signals, own suppliers and keys in columns"),
        sa.PrimaryKeyConstraint("peer", "purpose", "tier", name="pk_received_signal_link"),
        comment="Which own suppliers received signals are about, by the keys of the last lookup",
    )
    op.create_table(
        "received_narrative",
        _peer(),
        _signal_id(),
        _purpose(),
        _number("revision", "that it belongs to", sa.Integer()),
        _number("received_at_s", _SECONDS),
        _sealed("text", "the narrative"),
        sa.ForeignKeyConstraint(
            ["peer", "signal_id", "purpose"],
            ["received_form.peer", "received_form.signal_id", "received_form.purpose"],
            name="fk_received_narrative_peer_signal_id_purpose_received_form",
        ),
        sa.PrimaryKeyConstraint("peer", "signal_id", "purpose", name="pk_received_narrative"),
        comment="Narratives of received signals, asked for one by one; only of what stands",
    )
    op.create_table(
        "received_feed",
        _peer(),
        _purpose(),
        _tier("tier of the keys"),
        _number("epoch", "the peer's key epoch"),
        _number("last_delta", "highest delta taken in", sa.Integer()),
        _number("last_looked_at_s", _SECONDS),
        sa.PrimaryKeyConstraint("peer", "purpose", "tier", name="pk_received_feed"),
        comment="How far the signals of each peer were followed",
    )
    op.create_table(
        "received_hold",
        _peer(),
        _signal_id(),
        _sealed("holder", "who has to keep it, and why"),
        _number("until_day", "on which the hold is over, since 2020-01-01", sa.Integer()),
        _number("noted_at_s", _SECONDS),
        sa.PrimaryKeyConstraint("peer", "signal_id", name="pk_received_hold"),
        comment="Legal holds: what these signals said is kept apart instead of erased for as long",
    )
    op.create_table(
        "received_hold_content",
        _peer(),
        _signal_id(),
        _number("number", "ascending from 1", sa.Integer()),
        _number("kept_at_s", f"when it would have been erased; {_SECONDS}"),
        _sealed("payload", "kind, purpose, revision, content"),
        sa.ForeignKeyConstraint(
            ["peer", "signal_id"],
            ["received_hold.peer", "received_hold.signal_id"],
            name="fk_received_hold_content_peer_signal_id_received_hold",
        ),
        sa.PrimaryKeyConstraint("peer", "signal_id", "number", name="pk_received_hold_content"),
        comment="What legal holds keep; no view, list or export reads it",
    )
