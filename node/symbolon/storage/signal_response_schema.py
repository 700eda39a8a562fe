"""Tables of what others say about this member's signals, and of what people here did before one leaves.

What a supplier said is sealed; who relayed it, like states and numbers, stands in the clear, as it does in
the audit log. A row of `signal_response` outlives its text, so that its id is never given to another one.
"""

from typing import Final

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
)

from symbolon.storage.metadata import RowId, metadata

_SECONDS: Final = "seconds since 1970-01-01 UTC"


def _number() -> Column[int]:
    return Column(
        "number", ForeignKey("signal.number"), primary_key=True, autoincrement=False, comment="of the signal"
    )


signal_response: Final = Table(
    "signal_response",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=False, comment="ascending, never given twice"),
    Column("number", ForeignKey("signal.number"), nullable=False, comment="of the signal"),
    Column("peer", String(64), nullable=False, comment="member that relayed it"),
    Column("kind", String(8), nullable=False, comment="contest, reply"),
    Column("digest", LargeBinary(16), nullable=False, comment="keyed digest of signal, member and text"),
    Column("state", String(8), nullable=False, comment="waiting, accepted, declined"),
    Column("received_at_s", RowId, nullable=False, comment=_SECONDS),
    Column("decided_at_s", RowId, nullable=True, comment=f"{_SECONDS}; null: it waits"),
    Column(
        "payload",
        LargeBinary,
        nullable=True,
        comment="sealed: text, its day, purpose, reason of a refusal; null: erased",
    ),
    CheckConstraint("kind IN ('contest', 'reply')", name="kind"),
    CheckConstraint("state IN ('waiting', 'accepted', 'declined')", name="state"),
    UniqueConstraint("digest"),
    Index(None, "number"),
    Index(None, "peer"),
    comment="What members relayed of suppliers: contests and replies",
)

signal_corroboration: Final = Table(
    "signal_corroboration",
    metadata,
    _number(),
    Column("peer", String(64), primary_key=True, comment="member that knows the same from elsewhere"),
    Column("at_s", RowId, nullable=False, comment=_SECONDS),
    comment="Who else says the same as a signal",
)

signal_review: Final = Table(
    "signal_review",
    metadata,
    _number(),
    Column("peer", String(64), primary_key=True, comment="member that it may go to"),
    Column("operator", String(32), nullable=False, comment="pseudonym of who approved it, or local"),
    Column("at_s", RowId, nullable=False, comment=_SECONDS),
    comment="Signals that a person has approved for a member (obligation human_review)",
)

signal_notice: Final = Table(
    "signal_notice",
    metadata,
    _number(),
    Column("who", String(12), primary_key=True, comment="contributor, site, supplier"),
    Column("day", Integer, nullable=False, comment="on which they were told, since 2020-01-01"),
    Column("operator", String(32), nullable=False, comment="pseudonym of who noted it, or local"),
    Column("noted_at_s", RowId, nullable=False, comment=_SECONDS),
    comment="Who was told of a signal beforehand (obligation notify_supplier)",
)
