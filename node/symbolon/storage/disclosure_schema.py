"""Tables of what other members were given of this member's signals, and which recalls they acknowledged."""

from typing import Final

from sqlalchemy import Column, LargeBinary, String, Table

from symbolon.storage.metadata import RowId, metadata

signal_disclosure: Final = Table(
    "signal_disclosure",
    metadata,
    Column("peer", String(64), primary_key=True, comment="member that was given signals"),
    Column("payload", LargeBinary, nullable=False, comment="sealed: one bit for each number of a signal"),
    comment="Which signals each member was ever given, so that a recall reaches it",
)

signal_feed: Final = Table(
    "signal_feed",
    metadata,
    Column("peer", String(64), primary_key=True, comment="member that was given signals"),
    Column("tier", String(2), primary_key=True, comment="tier of the keys that it could find them by"),
    Column(
        "given_at_s",
        RowId,
        nullable=True,
        comment="when first, seconds since 1970-01-01 UTC; null: nothing noted",
    ),
    Column("given", LargeBinary, nullable=False, comment="sealed: one bit for each number of a signal"),
    Column("told", LargeBinary, nullable=False, comment="sealed: the same, of recalls that it signed for"),
    comment="What each member was given under the keys of a tier, and which recalls of it it signed for",
)
