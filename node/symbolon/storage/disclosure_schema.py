"""Table of what other members were given of this member's signals."""

from typing import Final

from sqlalchemy import Column, LargeBinary, String, Table

from symbolon.storage.metadata import metadata

signal_disclosure: Final = Table(
    "signal_disclosure",
    metadata,
    Column("peer", String(64), primary_key=True, comment="member that was given signals"),
    Column("payload", LargeBinary, nullable=False, comment="sealed: one bit for each number of a signal"),
    comment="Which signals each member was ever given, so that a recall reaches it",
)
