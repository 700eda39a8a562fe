"""Key epochs, released and received sets, budget, sessions, journal, matches."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Creates the tables; symbolon.storage.exchange_schema says what each is for."""
    op.create_table(
        "key_epoch",
        sa.Column("id", _ROW_ID, primary_key=True, comment="row number"),
        sa.Column("peer", sa.String(64), nullable=False, comment="member that the key is for"),
        sa.Column("area", sa.String(16), nullable=False, comment="match"),
        sa.Column(
            "number", _ROW_ID, nullable=False, comment="epoch, ascending from 1 for each peer and area"
        ),
        sa.Column(
            "scope",
            sa.Text,
            nullable=False,
            comment="what the peer was permitted, JSON list of purpose:mode:tier",
        ),
        sa.Column("seed", sa.LargeBinary, nullable=True, comment="sealed: 64 random bytes; null: erased"),
        sa.Column("created_at_s", _ROW_ID, nullable=False, comment="start, seconds since 1970-01-01 UTC"),
        sa.Column("expires_at_s", _ROW_ID, nullable=False, comment="end, seconds since 1970-01-01 UTC"),
        sa.Column("size_sessions", sa.Integer, nullable=False, comment="size sessions begun in the epoch"),
        sa.UniqueConstraint("peer", "area", "number"),
        comment="Key epochs of this node as sender; at most one per peer and area has a seed",
    )
    op.create_table(
        "record_handle",
        sa.Column("id", _ROW_ID, primary_key=True, comment="row number"),
        sa.Column(
            "epoch_id",
            _ROW_ID,
            sa.ForeignKey("key_epoch.id"),
            nullable=False,
            comment="the epoch they live in",
        ),
        sa.Column("part", sa.Integer, nullable=False, comment="ascending from 1 within the epoch"),
        sa.Column(
            "payload", sa.LargeBinary, nullable=False, comment="sealed: supplier numbers and their handles"
        ),
        sa.UniqueConstraint("epoch_id", "part"),
        comment="Record handles, random per peer and epoch",
    )
    op.create_table(
        "released_set",
        sa.Column("id", _ROW_ID, primary_key=True, comment="row number"),
        sa.Column(
            "epoch_id",
            _ROW_ID,
            sa.ForeignKey("key_epoch.id"),
            nullable=False,
            comment="the epoch it lives in",
        ),
        sa.Column("purpose", sa.String(64), nullable=False, comment="purpose it was released for"),
        sa.Column("tier", sa.String(2), nullable=False, comment="tier of its keys"),
        sa.Column("suite", sa.String(64), nullable=False, comment="suite of its entries"),
        sa.Column("tag_bytes", sa.Integer, nullable=False, comment="length of a tag, fixed for the epoch"),
        sa.Column("elements", _ROW_ID, nullable=False, comment="elements the peer has asked in the epoch"),
        sa.UniqueConstraint("epoch_id", "purpose", "tier", "suite"),
        comment="Sets released to a peer",
    )
    op.create_table(
        "released_delta",
        sa.Column("id", _ROW_ID, primary_key=True, comment="row number"),
        sa.Column(
            "set_id",
            _ROW_ID,
            sa.ForeignKey("released_set.id"),
            nullable=False,
            comment="the set it belongs to",
        ),
        sa.Column("number", sa.Integer, nullable=False, comment="d, ascending from 1, never used twice"),
        sa.Column("created_at_s", _ROW_ID, nullable=False, comment="seconds since 1970-01-01 UTC"),
        sa.Column("entry_count", sa.Integer, nullable=False, comment="entries, dummies included"),
        sa.Column("entries", sa.LargeBinary, nullable=False, comment="sealed: the entries as sent"),
        sa.Column(
            "columns", sa.LargeBinary, nullable=False, comment="sealed: key ids, suppliers, slots, tags"
        ),
        sa.UniqueConstraint("set_id", "number"),
        comment="Deltas of released sets, as sent",
    )
    op.create_table(
        "received_set",
        sa.Column("id", _ROW_ID, primary_key=True, comment="row number"),
        sa.Column("peer", sa.String(64), nullable=False, comment="the sender"),
        sa.Column("area", sa.String(16), nullable=False, comment="match"),
        sa.Column("purpose", sa.String(64), nullable=False, comment="purpose it was asked for"),
        sa.Column("tier", sa.String(2), nullable=False, comment="tier of its keys"),
        sa.Column("suite", sa.String(64), nullable=False, comment="suite of its entries"),
        sa.Column("epoch", _ROW_ID, nullable=False, comment="the sender's epoch"),
        sa.Column("tag_bytes", sa.Integer, nullable=False, comment="length of a tag in that epoch"),
        sa.Column("last_delta", sa.Integer, nullable=False, comment="highest delta held whole"),
        sa.UniqueConstraint("peer", "area", "purpose", "tier", "suite"),
        comment="Sets received from a peer, in the sender's current epoch",
    )
    op.create_table(
        "received_part",
        sa.Column("id", _ROW_ID, primary_key=True, comment="row number"),
        sa.Column(
            "set_id",
            _ROW_ID,
            sa.ForeignKey("received_set.id"),
            nullable=False,
            comment="the set it belongs to",
        ),
        sa.Column("kind", sa.String(8), nullable=False, comment="outputs, probes (own keys), entries, hits"),
        sa.Column(
            "number", sa.Integer, nullable=False, comment="of the delta; for outputs ascending from 1; else 0"
        ),
        sa.Column("payload", sa.LargeBinary, nullable=False, comment="sealed: the items in columns"),
        sa.UniqueConstraint("set_id", "kind", "number"),
        comment="Parts of received sets",
    )
    op.create_table(
        "budget_spent",
        sa.Column("peer", sa.String(64), primary_key=True, comment="member, or * for all together"),
        sa.Column("area", sa.String(16), primary_key=True, comment="match"),
        sa.Column("tier", sa.String(2), primary_key=True, comment="tier of the keys"),
        sa.Column("period", sa.String(32), primary_key=True, comment="window:N or year:YYYY"),
        sa.Column("spent", _ROW_ID, nullable=False, comment="evaluations debited, dummies included"),
        comment="Query budget spent; only ever grows within a period",
    )
    op.create_table(
        "exchange_session",
        sa.Column(
            "session_id", sa.String(32), primary_key=True, comment="hexadecimal, the same at both ends"
        ),
        sa.Column("role", sa.String(8), primary_key=True, comment="sender or receiver"),
        sa.Column("peer", sa.String(64), nullable=False, comment="the other member"),
        sa.Column("mode", sa.String(16), nullable=False, comment="size or intersection"),
        sa.Column("purpose", sa.String(64), nullable=False, comment="purpose it was held for"),
        sa.Column("started_at_s", _ROW_ID, nullable=False, comment="seconds since 1970-01-01 UTC"),
        sa.Column("ended_at_s", _ROW_ID, nullable=True, comment="seconds since 1970-01-01 UTC"),
        sa.Column("state", sa.String(8), nullable=False, comment="open, done or failed"),
        sa.Column("sentence", sa.Text, nullable=False, comment="what it revealed and taught, in one line"),
        comment="Sessions held",
    )
    op.create_index("ix_exchange_session_started_at_s", "exchange_session", ["started_at_s"])
    op.create_table(
        "journal_line",
        sa.Column("id", _ROW_ID, primary_key=True, comment="row number"),
        sa.Column("at_s", _ROW_ID, nullable=False, comment="seconds since 1970-01-01 UTC"),
        sa.Column("event", sa.String(16), nullable=False, comment="see symbolon.audit.journal"),
        sa.Column("peer", sa.String(64), nullable=False, comment="the other member"),
        sa.Column("session_id", sa.String(32), nullable=False, comment="hexadecimal, or empty"),
        sa.Column("mode", sa.String(16), nullable=False, comment="size or intersection"),
        sa.Column("purpose", sa.String(64), nullable=False, comment="purpose of the session"),
        sa.Column("counts", sa.Text, nullable=False, comment="JSON object of numbers"),
        sa.Column("note", sa.Text, nullable=False, comment="fixed phrase"),
        comment="What left, or was refused, in order; written before it left",
    )
    op.create_table(
        "match_result",
        sa.Column("id", _ROW_ID, primary_key=True, comment="row number"),
        sa.Column("peer", sa.String(64), nullable=False, comment="the member matched with"),
        sa.Column("purpose", sa.String(64), nullable=False, comment="purpose of the match"),
        sa.Column("tier", sa.String(2), nullable=False, comment="tier of the keys that hit"),
        sa.Column("found_at_s", _ROW_ID, nullable=False, comment="seconds since 1970-01-01 UTC"),
        sa.Column("payload", sa.LargeBinary, nullable=False, comment="sealed: the matches in columns"),
        sa.UniqueConstraint("peer", "purpose", "tier"),
        comment="The newest result of matching with a peer for a purpose",
    )
    op.create_table(
        "match_decision",
        sa.Column("peer", sa.String(64), primary_key=True, comment="the member matched with"),
        sa.Column("supplier_no", _ROW_ID, primary_key=True, autoincrement=False, comment="own supplier"),
        sa.Column(
            "evidence", sa.LargeBinary(16), primary_key=True, comment="keyed digest of the keys that hit"
        ),
        sa.Column("decision", sa.String(8), nullable=False, comment="accepted or rejected"),
        sa.Column("decided_at_s", _ROW_ID, nullable=False, comment="seconds since 1970-01-01 UTC"),
        comment="What a person decided about a probable or candidate match; outlives key epochs",
    )
