"""Tables of the audit log: entries, the tree over them, checkpoints, and what others' logs have shown.

What an entry says stands in the clear, as everywhere in this database: member ids, counts and dates. The
salts without which its leaf says nothing are sealed.
"""

from typing import Final

from sqlalchemy import Column, Integer, LargeBinary, String, Table, Text

from symbolon.storage.metadata import RowId, metadata

audit_entry: Final = Table(
    "audit_entry",
    metadata,
    Column("number", RowId, primary_key=True, autoincrement=False, comment="place in the log, from 0"),
    Column("at_s", RowId, nullable=False, comment="seconds since 1970-01-01 UTC; the leaf has the hour"),
    Column("event", String(16), nullable=False, comment="see symbolon.audit.entry; empty: expired, erased"),
    Column("peer", String(64), nullable=False, comment="the other member, or empty"),
    Column("session", String(32), nullable=False, comment="hexadecimal, or empty"),
    Column("mode", String(16), nullable=False, comment="size or intersection, or empty"),
    Column("purpose", String(64), nullable=False, comment="purpose of the session; what was done to people"),
    Column("counts", Text, nullable=False, comment="canonical JSON object of numbers"),
    Column("note", Text, nullable=False, comment="fixed phrase"),
    Column("operator", String(32), nullable=False, comment="pseudonym of whom it is due to, or local"),
    Column("decision", Text, nullable=False, comment="canonical JSON of what policy decided, or empty"),
    Column("request", String(64), nullable=False, comment="SHA-256 of a document, hexadecimal, or empty"),
    Column("receipt", String(64), nullable=False, comment="SHA-256 of a document, hexadecimal, or empty"),
    Column("salts", LargeBinary, nullable=True, comment="sealed: 32 bytes for each field; null: erased"),
    Column("leaf", LargeBinary(32), nullable=False, comment="RFC 6962 hash of the leaf"),
    comment="The audit log; an entry is written before what it announces happens, and is never changed",
)

audit_node: Final = Table(
    "audit_node",
    metadata,
    Column(
        "level", Integer, primary_key=True, autoincrement=False, comment="height above the leaves, 1 or more"
    ),
    Column("position", RowId, primary_key=True, autoincrement=False, comment="within the level, from 0"),
    Column("hash", LargeBinary(32), nullable=False, comment="RFC 6962 hash of the perfect sub-tree"),
    comment="Perfect sub-trees of the audit log",
)

audit_head: Final = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False, comment="1"),
    Column("size", RowId, nullable=False, comment="entries in the log"),
    Column("frontier", LargeBinary, nullable=False, comment="size, hashes of its largest sub-trees"),
    comment="Where the audit log ends; one row",
)

audit_checkpoint: Final = Table(
    "audit_checkpoint",
    metadata,
    Column("size", RowId, primary_key=True, autoincrement=False, comment="entries it is about"),
    Column("at_s", RowId, nullable=False, comment="seconds since 1970-01-01 UTC"),
    Column("note", Text, nullable=False, comment="signed note, with the cosignatures of other members"),
    comment="Checkpoints of the own log that were shown to somebody",
)

audit_shown: Final = Table(
    "audit_shown",
    metadata,
    Column("origin", String(160), primary_key=True, comment="of another member's log"),
    Column("kind", String(8), primary_key=True, comment="cosigned: by this node; seen: in a receipt"),
    Column("size", RowId, nullable=False, comment="entries it is about"),
    Column("at_s", RowId, nullable=False, comment="seconds since 1970-01-01 UTC"),
    Column("note", Text, nullable=False, comment="signed note"),
    comment="The latest checkpoints that other members have shown",
)

audit_evidence: Final = Table(
    "audit_evidence",
    metadata,
    Column("id", RowId, primary_key=True, comment="row number"),
    Column("origin", String(160), nullable=False, comment="of another member's log"),
    Column("at_s", RowId, nullable=False, comment="seconds since 1970-01-01 UTC"),
    Column("earlier", Text, nullable=False, comment="signed note"),
    Column("later", Text, nullable=False, comment="signed note that does not fit it"),
    comment="Checkpoints signed by one member that contradict each other",
)

audit_document: Final = Table(
    "audit_document",
    metadata,
    Column("sha256", String(64), primary_key=True, comment="of the content, hexadecimal"),
    Column("kind", String(16), nullable=False, comment="request, result, policy, coalition, agreement"),
    Column("content", LargeBinary, nullable=False, comment="as it was signed or decided by"),
    Column("signatures", Text, nullable=False, comment="JSON: member id to its signature, hexadecimal"),
    comment="What entries of the audit log refer to, each once",
)
