"""Table of the numbers of signals that other members were told."""

from typing import Final

from sqlalchemy import Column, Integer, String, Table

from symbolon.storage.metadata import RowId, metadata

signal_count: Final = Table(
    "signal_count",
    metadata,
    Column("peer", String(64), primary_key=True, comment="member that was told, or may be"),
    Column("purpose", String(64), primary_key=True, comment="that it may look signals up for"),
    Column("signals", Integer, nullable=False, comment="the number that it is told; 0: fewer than three"),
    Column("at_s", RowId, nullable=False, comment="when it was counted, seconds since 1970-01-01 UTC"),
    comment="Numbers of signals that other members are told until they are counted again",
)
