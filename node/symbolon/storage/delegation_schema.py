"""Tables of delegated publishing: which own signals another member publishes, and for whom this one does.

Who the other end is, and by which id it knows the signal, is sealed at both ends; digests of it are keyed. A
copy of the database tells which of its signals are delegated, and not between whom.
"""

from typing import Final

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, String, Table, UniqueConstraint

from symbolon.storage.metadata import RowId, metadata

signal_delegation: Final = Table(
    "signal_delegation",
    metadata,
    Column(
        "number", ForeignKey("signal.number"), primary_key=True, autoincrement=False, comment="of the signal"
    ),
    Column("delivered", Integer, nullable=False, comment="newest revision that the delegate has; 0: none"),
    Column("problem", String(64), nullable=False, comment="code of why it has not the newest, or empty"),
    Column(
        "payload",
        LargeBinary,
        nullable=True,
        comment="sealed: the delegate, how it shows the signal, its id there; null: erased",
    ),
    comment="Own signals that another member publishes; they are in no set of this one",
)

signal_entrusted: Final = Table(
    "signal_entrusted",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=False, comment="ascending, never given twice"),
    Column("digest", LargeBinary(16), nullable=False, comment="keyed digest of the contributor and its id"),
    Column("id_digest", LargeBinary(16), nullable=False, comment="keyed digest of the contributor's id"),
    Column(
        "number",
        ForeignKey("signal.number"),
        nullable=True,
        comment="of the signal by which it is published; null: recalled before it was",
    ),
    Column(
        "payload",
        LargeBinary,
        nullable=True,
        comment="sealed: the contributor, its newest revision, how it is shown; null: erased",
    ),
    UniqueConstraint("digest"),
    UniqueConstraint("number"),
    Index(None, "id_digest"),
    comment="Signals that this member publishes for others",
)
