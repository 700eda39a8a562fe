"""Tables of the signals that other members released to this one.

Days are counted from 2020-01-01 and, like counts, states and the random ids of signals, stand in the clear.
What a signal says is sealed, and so is every trace of which own suppliers it is about: supplier numbers
follow the order of the list, so whoever had both the file and the list could read off who is suspected. A
row of `received_signal` outlives its content until the signal would have expired, so that nothing older, and
nothing that was recalled, is taken in again.
"""

from typing import Final

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
)

from symbolon.storage.metadata import RowId, metadata

_SECONDS: Final = "seconds since 1970-01-01 UTC"


def _peer() -> Column[str]:
    return Column("peer", String(64), primary_key=True, comment="member that publishes it")


def _signal_id() -> Column[str]:
    return Column("signal_id", String(32), primary_key=True, comment="random, hexadecimal")


def _purpose() -> Column[str]:
    return Column("purpose", String(64), primary_key=True, comment="purpose it was asked for")


received_signal: Final = Table(
    "received_signal",
    metadata,
    _peer(),
    _signal_id(),
    Column(
        "revision",
        Integer,
        nullable=False,
        comment="the highest taken in; of a recalled one that of the recall",
    ),
    Column("state", String(8), nullable=False, comment="active, recalled, gone (nothing of it is left)"),
    Column("first_received_at_s", RowId, nullable=False, comment=f"{_SECONDS}; retention counts from it"),
    Column("changed_at_s", RowId, nullable=False, comment=f"of its state or revision; {_SECONDS}"),
    Column(
        "expires_day",
        Integer,
        nullable=False,
        comment="the latest that any revision named; this row is erased then; since 2020-01-01",
    ),
    Column("recall", LargeBinary, nullable=True, comment="sealed: reason and day; null: not recalled"),
    CheckConstraint("state IN ('active', 'recalled', 'gone')", name="state"),
    Index(None, "signal_id"),
    Index(None, "expires_day"),
    comment="Signals that other members released to this one; ids are each peer's own",
)

received_form: Final = Table(
    "received_form",
    metadata,
    _peer(),
    _signal_id(),
    _purpose(),
    Column("revision", Integer, nullable=False, comment="that it shows"),
    Column("received_at_s", RowId, nullable=False, comment=_SECONDS),
    Column(
        "erase_at_s",
        RowId,
        nullable=False,
        comment=f"when its time is over, by expiry or by the peer's terms; {_SECONDS}",
    ),
    Column("digest", LargeBinary(16), nullable=False, comment="keyed digest of the label"),
    Column(
        "content",
        LargeBinary,
        nullable=False,
        comment="sealed: the key that it was verified by on arrival, and the label as signed",
    ),
    ForeignKeyConstraint(["peer", "signal_id"], ["received_signal.peer", "received_signal.signal_id"]),
    Index(None, "erase_at_s"),
    comment="What received signals say, as released for one purpose; only what stands",
)

received_signal_link: Final = Table(
    "received_signal_link",
    metadata,
    _peer(),
    _purpose(),
    Column("tier", String(2), primary_key=True, comment="tier of the keys that hit"),
    Column(
        "payload", LargeBinary, nullable=False, comment="sealed: signals, own suppliers and keys in columns"
    ),
    comment="Which own suppliers received signals are about, by the keys of the last lookup",
)

received_narrative: Final = Table(
    "received_narrative",
    metadata,
    _peer(),
    _signal_id(),
    _purpose(),
    Column("revision", Integer, nullable=False, comment="that it belongs to"),
    Column("received_at_s", RowId, nullable=False, comment=_SECONDS),
    Column("text", LargeBinary, nullable=False, comment="sealed: the narrative"),
    ForeignKeyConstraint(
        ["peer", "signal_id", "purpose"],
        ["received_form.peer", "received_form.signal_id", "received_form.purpose"],
    ),
    comment="Narratives of received signals, asked for one by one; only of what stands",
)

received_feed: Final = Table(
    "received_feed",
    metadata,
    _peer(),
    _purpose(),
    Column("tier", String(2), primary_key=True, comment="tier of the keys"),
    Column("epoch", RowId, nullable=False, comment="the peer's key epoch"),
    Column("last_delta", Integer, nullable=False, comment="highest delta taken in"),
    Column("last_looked_at_s", RowId, nullable=False, comment=_SECONDS),
    comment="How far the signals of each peer were followed",
)

received_hold: Final = Table(
    "received_hold",
    metadata,
    _peer(),
    _signal_id(),
    Column("holder", LargeBinary, nullable=False, comment="sealed: who has to keep it, and why"),
    Column("until_day", Integer, nullable=False, comment="on which the hold is over, since 2020-01-01"),
    Column("noted_at_s", RowId, nullable=False, comment=_SECONDS),
    comment="Legal holds: what these signals said is kept apart instead of erased for as long",
)

received_hold_content: Final = Table(
    "received_hold_content",
    metadata,
    _peer(),
    _signal_id(),
    Column("number", Integer, primary_key=True, autoincrement=False, comment="ascending from 1"),
    Column("kept_at_s", RowId, nullable=False, comment=f"when it would have been erased; {_SECONDS}"),
    Column("payload", LargeBinary, nullable=False, comment="sealed: kind, purpose, revision, content"),
    ForeignKeyConstraint(["peer", "signal_id"], ["received_hold.peer", "received_hold.signal_id"]),
    comment="What legal holds keep; no view, list or export reads it",
)
