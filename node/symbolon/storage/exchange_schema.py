"""Tables of the exchange: what was granted, what was released to whom, what was received from whom.

Everything that would help a reader of the file is sealed; member ids, counts and dates are not.
"""

from typing import Final

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    true,
)

from symbolon.storage.metadata import RowId, metadata


def _row_id() -> Column[int]:
    return Column("id", RowId, primary_key=True, comment="row number")


key_epoch: Final = Table(
    "key_epoch",
    metadata,
    _row_id(),
    Column("peer", String(64), nullable=False, comment="member that the key is for"),
    Column("area", String(16), nullable=False, comment="match"),
    Column("number", RowId, nullable=False, comment="epoch, ascending from 1 for each peer and area"),
    Column(
        "scope", Text, nullable=False, comment="what the peer was permitted, JSON list of purpose:mode:tier"
    ),
    Column("seed", LargeBinary, nullable=True, comment="sealed: 64 random bytes; null: erased"),
    Column("created_at_s", RowId, nullable=False, comment="start, seconds since 1970-01-01 UTC"),
    Column("expires_at_s", RowId, nullable=False, comment="end, seconds since 1970-01-01 UTC"),
    Column("size_sessions", Integer, nullable=False, comment="size sessions begun in the epoch"),
    Column(
        "first_keys",
        Text,
        nullable=False,
        server_default="{}",
        comment="keys asked in each tier's first session, dummies included, JSON object by tier",
    ),
    Column(
        "keys_asked",
        RowId,
        nullable=False,
        server_default="0",
        comment="keys asked in the epoch, dummies included",
    ),
    UniqueConstraint("peer", "area", "number"),
    comment="Key epochs of this node as sender; at most one per peer and area has a seed",
)

record_handle: Final = Table(
    "record_handle",
    metadata,
    _row_id(),
    Column("epoch_id", ForeignKey("key_epoch.id"), nullable=False, comment="the epoch they live in"),
    Column("part", Integer, nullable=False, comment="ascending from 1 within the epoch"),
    Column("payload", LargeBinary, nullable=False, comment="sealed: supplier numbers and their handles"),
    UniqueConstraint("epoch_id", "part"),
    comment="Record handles, random per peer and epoch",
)

released_set: Final = Table(
    "released_set",
    metadata,
    _row_id(),
    Column("epoch_id", ForeignKey("key_epoch.id"), nullable=False, comment="the epoch it lives in"),
    Column("purpose", String(64), nullable=False, comment="purpose it was released for"),
    Column("tier", String(2), nullable=False, comment="tier of its keys"),
    Column("suite", String(64), nullable=False, comment="suite of its entries"),
    Column("tag_bytes", Integer, nullable=False, comment="length of a tag, fixed for the epoch"),
    Column("elements", RowId, nullable=False, comment="elements the peer has asked in the epoch"),
    UniqueConstraint("epoch_id", "purpose", "tier", "suite"),
    comment="Sets released to a peer",
)

released_delta: Final = Table(
    "released_delta",
    metadata,
    _row_id(),
    Column("set_id", ForeignKey("released_set.id"), nullable=False, comment="the set it belongs to"),
    Column("number", Integer, nullable=False, comment="d, ascending from 1, never used twice"),
    Column("created_at_s", RowId, nullable=False, comment="seconds since 1970-01-01 UTC"),
    Column("entry_count", Integer, nullable=False, comment="entries, dummies included"),
    Column("entries", LargeBinary, nullable=False, comment="sealed: the entries as sent"),
    Column("columns", LargeBinary, nullable=False, comment="sealed: key ids, suppliers, slots, tags"),
    Column(
        "batch",
        Boolean,
        nullable=False,
        server_default=true(),
        comment="made since one was due, not to tell something at once",
    ),
    UniqueConstraint("set_id", "number"),
    comment="Deltas of released sets, as sent",
)

received_set: Final = Table(
    "received_set",
    metadata,
    _row_id(),
    Column("peer", String(64), nullable=False, comment="the sender"),
    Column("area", String(16), nullable=False, comment="match"),
    Column("purpose", String(64), nullable=False, comment="purpose it was asked for"),
    Column("tier", String(2), nullable=False, comment="tier of its keys"),
    Column("suite", String(64), nullable=False, comment="suite of its entries"),
    Column("epoch", RowId, nullable=False, comment="the sender's epoch"),
    Column("tag_bytes", Integer, nullable=False, comment="length of a tag in that epoch"),
    Column("last_delta", Integer, nullable=False, comment="highest delta held whole"),
    UniqueConstraint("peer", "area", "purpose", "tier", "suite"),
    comment="Sets received from a peer, in the sender's current epoch",
)

received_part: Final = Table(
    "received_part",
    metadata,
    _row_id(),
    Column("set_id", ForeignKey("received_set.id"), nullable=False, comment="the set it belongs to"),
    Column("kind", String(8), nullable=False, comment="keys, outputs, probes (own), entries, hits"),
    Column("number", Integer, nullable=False, comment="of the delta; of own keys ascending from 1; else 0"),
    Column("payload", LargeBinary, nullable=False, comment="sealed: the items in columns"),
    UniqueConstraint("set_id", "kind", "number"),
    comment="Parts of received sets",
)

budget_spent: Final = Table(
    "budget_spent",
    metadata,
    Column("peer", String(64), primary_key=True, comment="member, or * for all together"),
    Column("area", String(16), primary_key=True, comment="match"),
    Column("tier", String(2), primary_key=True, comment="tier of the keys"),
    Column("period", String(32), primary_key=True, comment="window:N or year:YYYY"),
    Column("spent", RowId, nullable=False, comment="evaluations debited, dummies included"),
    comment="Query budget spent; only ever grows within a period",
)

exchange_session: Final = Table(
    "exchange_session",
    metadata,
    Column("session_id", String(32), primary_key=True, comment="hexadecimal, the same at both ends"),
    Column("role", String(8), primary_key=True, comment="sender or receiver"),
    Column("peer", String(64), nullable=False, comment="the other member"),
    Column("mode", String(16), nullable=False, comment="size or intersection"),
    Column("purpose", String(64), nullable=False, comment="purpose it was held for"),
    Column("started_at_s", RowId, nullable=False, comment="seconds since 1970-01-01 UTC"),
    Column("ended_at_s", RowId, nullable=True, comment="seconds since 1970-01-01 UTC"),
    Column("state", String(8), nullable=False, comment="open, done or failed"),
    Column("sentence", Text, nullable=False, comment="what it revealed and taught, in one line"),
    Index(None, "started_at_s"),
    comment="Sessions held",
)

# Of releases before the audit log, which takes its lines in.
journal_line: Final = Table(
    "journal_line",
    metadata,
    _row_id(),
    Column("at_s", RowId, nullable=False, comment="seconds since 1970-01-01 UTC"),
    Column("event", String(16), nullable=False, comment="see symbolon.audit.journal"),
    Column("peer", String(64), nullable=False, comment="the other member"),
    Column("session_id", String(32), nullable=False, comment="hexadecimal, or empty"),
    Column("mode", String(16), nullable=False, comment="size or intersection"),
    Column("purpose", String(64), nullable=False, comment="purpose of the session"),
    Column("counts", Text, nullable=False, comment="JSON object of numbers"),
    Column("note", Text, nullable=False, comment="fixed phrase"),
    Column(
        "operator",
        String(32),
        nullable=False,
        server_default="local",
        comment="pseudonym of the operator it is due to; local: a node without operators",
    ),
    comment="What left, or was refused, in order; written before it left",
)

match_result: Final = Table(
    "match_result",
    metadata,
    _row_id(),
    Column("peer", String(64), nullable=False, comment="the member matched with"),
    Column("purpose", String(64), nullable=False, comment="purpose of the match"),
    Column("tier", String(2), nullable=False, comment="tier of the keys that hit"),
    Column("found_at_s", RowId, nullable=False, comment="seconds since 1970-01-01 UTC"),
    Column("payload", LargeBinary, nullable=False, comment="sealed: the matches in columns"),
    Column(
        "expires_at_s",
        RowId,
        nullable=True,
        comment="the peer's terms: erased then; seconds since 1970-01-01 UTC; null: no such term",
    ),
    UniqueConstraint("peer", "purpose", "tier"),
    comment="The newest result of matching with a peer for a purpose",
)

match_decision: Final = Table(
    "match_decision",
    metadata,
    Column("peer", String(64), primary_key=True, comment="the member matched with"),
    Column("supplier_no", RowId, primary_key=True, autoincrement=False, comment="own supplier"),
    Column("evidence", LargeBinary(16), primary_key=True, comment="keyed digest of the keys that hit"),
    Column("decision", String(8), nullable=False, comment="accepted or rejected"),
    Column("decided_at_s", RowId, nullable=False, comment="seconds since 1970-01-01 UTC"),
    comment="What a person decided about a probable or candidate match; outlives key epochs",
)
