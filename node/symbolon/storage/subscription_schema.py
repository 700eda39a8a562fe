"""Table of the members whose signals this node follows."""

from typing import Final

from sqlalchemy import Column, String, Table

from symbolon.storage.metadata import RowId, metadata

signal_subscription: Final = Table(
    "signal_subscription",
    metadata,
    Column("peer", String(64), primary_key=True, comment="member whose signals are followed"),
    Column("purpose", String(64), primary_key=True, comment="that they are looked up for"),
    Column("tiers", String(3), nullable=False, comment="of the keys that are asked"),
    Column("since_s", RowId, nullable=False, comment="seconds since 1970-01-01 UTC"),
    Column("looked_s", RowId, nullable=True, comment="last lookup that was held; null: none yet"),
    Column("problem", String(64), nullable=False, server_default="", comment="why the last one was not"),
    comment="Members whose signals this node follows",
)
