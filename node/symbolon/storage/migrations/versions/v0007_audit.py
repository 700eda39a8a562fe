"""The audit log; what a peer has asked since its key epoch began; until when a result may be kept."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_SECONDS = "seconds since 1970-01-01 UTC"


def _text(name: str, comment: str, length: int | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.String(length) if length else sa.Text, nullable=False, comment=comment)


def upgrade() -> None:
    """Makes the tables. Lines of the journal stay until the node takes them into the log."""
    op.create_table(
        "audit_entry",
        sa.Column("number", _ROW_ID, nullable=False, autoincrement=False, comment="place in the log, from 0"),
        sa.Column("at_s", _ROW_ID, nullable=False, comment=f"{_SECONDS}; the leaf has the hour"),
        _text("event", "see symbolon.audit.entry; empty: expired, erased", 16),
        _text("peer", "the other member, or empty", 64),
        _text("session", "hexadecimal, or empty", 32),
        _text("mode", "size or intersection, or empty", 16),
        _text("purpose", "purpose of the session; what was done to people", 64),
        _text("counts", "canonical JSON object of numbers"),
        _text("note", "fixed phrase"),
        _text("operator", "pseudonym of whom it is due to, or local", 32),
        _text("decision", "canonical JSON of what policy decided, or empty"),
        _text("request", "SHA-256 of a document, hexadecimal, or empty", 64),
        _text("receipt", "SHA-256 of a document, hexadecimal, or empty", 64),
        sa.Column(
            "salts", sa.LargeBinary, nullable=True, comment="sealed: 32 bytes for each field; null: erased"
        ),
        sa.Column("leaf", sa.LargeBinary(32), nullable=False, comment="RFC 6962 hash of the leaf"),
        sa.PrimaryKeyConstraint("number", name="pk_audit_entry"),
        comment="The audit log; an entry is written before what it announces happens, and is never changed",
    )
    op.create_table(
        "audit_node",
        sa.Column(
            "level",
            sa.Integer,
            nullable=False,
            autoincrement=False,
            comment="height above the leaves, 1 or more",
        ),
        sa.Column(
            "position", _ROW_ID, nullable=False, autoincrement=False, comment="within the level, from 0"
        ),
        sa.Column(
            "hash", sa.LargeBinary(32), nullable=False, comment="RFC 6962 hash of the perfect sub-tree"
        ),
        sa.PrimaryKeyConstraint("level", "position", name="pk_audit_node"),
        comment="Perfect sub-trees of the audit log",
    )
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False, comment="1"),
        sa.Column("size", _ROW_ID, nullable=False, comment="entries in the log"),
        sa.Column(
            "frontier",
            sa.LargeBinary,
            nullable=False,
            comment="size, hashes of its largest sub-trees",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
        comment="Where the audit log ends; one row",
    )
    op.bulk_insert(head, [{"id": 1, "size": 0, "frontier": bytes(8)}])
    op.create_table(
        "audit_checkpoint",
        sa.Column("size", _ROW_ID, nullable=False, autoincrement=False, comment="entries it is about"),
        sa.Column("at_s", _ROW_ID, nullable=False, comment=_SECONDS),
        _text("note", "signed note, with the cosignatures of other members"),
        sa.PrimaryKeyConstraint("size", name="pk_audit_checkpoint"),
        comment="Checkpoints of the own log that were shown to somebody",
    )
    op.create_table(
        "audit_shown",
        _text("origin", "of another member's log", 160),
        _text("kind", "cosigned: by this node; seen: in a receipt", 8),
        sa.Column("size", _ROW_ID, nullable=False, comment="entries it is about"),
        sa.Column("at_s", _ROW_ID, nullable=False, comment=_SECONDS),
        _text("note", "signed note"),
        sa.PrimaryKeyConstraint("origin", "kind", name="pk_audit_shown"),
        comment="The latest checkpoints that other members have shown",
    )
    op.create_table(
        "audit_evidence",
        sa.Column("id", _ROW_ID, nullable=False, comment="row number"),
        _text("origin", "of another member's log", 160),
        sa.Column("at_s", _ROW_ID, nullable=False, comment=_SECONDS),
        _text("earlier", "signed note"),
        _text("later", "signed note that does not fit it"),
        sa.PrimaryKeyConstraint("id", name="pk_audit_evidence"),
        comment="Checkpoints signed by one member that contradict each other",
    )
    op.create_table(
        "audit_document",
        _text("sha256", "of the content, hexadecimal", 64),
        _text("kind", "request, result, policy, coalition, agreement", 16),
        sa.Column("content", sa.LargeBinary, nullable=False, comment="as it was signed or decided by"),
        _text("signatures", "JSON: member id to its signature, hexadecimal"),
        sa.PrimaryKeyConstraint("sha256", name="pk_audit_document"),
        comment="What entries of the audit log refer to, each once",
    )
    for name, kind, default, comment in (
        (
            "first_keys",
            sa.Text,
            "{}",
            "keys asked in each tier's first session, dummies included, JSON object by tier",
        ),
        ("keys_asked", _ROW_ID, "0", "keys asked in the epoch, dummies included"),
    ):
        op.add_column(
            "key_epoch", sa.Column(name, kind, nullable=False, server_default=default, comment=comment)
        )
    op.add_column(
        "match_result",
        sa.Column(
            "expires_at_s",
            _ROW_ID,
            nullable=True,
            comment=f"the peer's terms: erased then; {_SECONDS}; null: no such term",
        ),
    )
