"""The table of agreements with other members, offered, in force or over.

What it holds is known to both ends and names no supplier; so nothing is sealed.
"""

from typing import Final

from sqlalchemy import Boolean, Column, Index, LargeBinary, String, Table, UniqueConstraint

from symbolon.storage.metadata import RowId, metadata

agreement: Final = Table(
    "agreement",
    metadata,
    Column("id", RowId, primary_key=True, comment="row number, ascending with time"),
    Column("sha256", LargeBinary(32), nullable=False, comment="SHA-256 of the document"),
    Column("peer", String(64), nullable=False, comment="the other member"),
    Column("document", LargeBinary, nullable=False, comment="the agreement, canonical JSON"),
    Column(
        "own_signature", LargeBinary(64), nullable=True, comment="this member's; null: nobody here signed"
    ),
    Column("peer_signature", LargeBinary(64), nullable=True, comment="the other member's; null: not held"),
    Column("first_day", String(10), nullable=False, comment="on which it holds, YYYY-MM-DD, UTC"),
    Column("last_day", String(10), nullable=False, comment="on which it holds, YYYY-MM-DD, UTC"),
    Column(
        "state",
        String(20),
        nullable=False,
        comment="offered, waiting, in_force, withdrawn, withdrawn_by_peer",
    ),
    Column("told", Boolean, nullable=False, comment="whether the other member knows of this state"),
    Column("changed_at_s", RowId, nullable=False, comment="of this state; seconds since 1970-01-01 UTC"),
    UniqueConstraint("sha256"),
    Index("ix_agreement_peer_state", "peer", "state"),
    comment="Agreements with other members, by what each has signed",
)
