"""Tables of the signals that this member contributed: the records, who they may go to, their match keys.

Days are counted from 2020-01-01 and, like counts and the random ids of signals, stand in the clear. Whom a
signal is about, what it says, who it may go to and who it was learnt from is sealed. So are the contributor's
signatures: who has one can test a guess of what was signed. A row of `signal` outlives its content, so that
its number is never given to another one, and an import repeated does not bring back what has expired.
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
    Text,
    UniqueConstraint,
)

from symbolon.storage.metadata import RowId, metadata

signal: Final = Table(
    "signal",
    metadata,
    Column("number", RowId, primary_key=True, autoincrement=False, comment="ascending, never given twice"),
    Column("signal_id", String(32), nullable=False, comment="random, hexadecimal"),
    Column("revision", Integer, nullable=False, comment="newest revision"),
    Column("state", String(8), nullable=False, comment="active, recalled, expired (nothing of it is left)"),
    Column("first_issued_day", Integer, nullable=False, comment="of its first revision, since 2020-01-01"),
    Column("issued_day", Integer, nullable=False, comment="of its newest revision, since 2020-01-01"),
    Column("expires_day", Integer, nullable=False, comment="on which it is erased, since 2020-01-01"),
    Column("review_day", Integer, nullable=False, comment="by which it is looked at, since 2020-01-01"),
    Column("created_at_s", RowId, nullable=False, comment="seconds since 1970-01-01 UTC"),
    Column("changed_at_s", RowId, nullable=False, comment="of its state; seconds since 1970-01-01 UTC"),
    Column(
        "reference_digest",
        LargeBinary(16),
        nullable=True,
        comment="keyed digest of what an import calls it, or of what the import said; null: neither",
    ),
    Column(
        "content_digest",
        LargeBinary(16),
        nullable=True,
        comment="keyed digest of what the last import said of it; null: no import, or erased",
    ),
    CheckConstraint("state IN ('active', 'recalled', 'expired')", name="state"),
    UniqueConstraint("signal_id"),
    Index(None, "reference_digest"),
    Index(None, "expires_day"),
    comment="Signals that this member contributed",
)

signal_revision: Final = Table(
    "signal_revision",
    metadata,
    Column(
        "number", ForeignKey("signal.number"), primary_key=True, autoincrement=False, comment="of the signal"
    ),
    Column("revision", Integer, primary_key=True, autoincrement=False, comment="ascending from 1"),
    Column(
        "document",
        LargeBinary,
        nullable=True,
        comment="sealed: this member's signature, 64 bytes, and what it signed; null: erased",
    ),
    Column("created_at_s", RowId, nullable=False, comment="seconds since 1970-01-01 UTC"),
    Column("operator", String(32), nullable=False, comment="pseudonym of whom it is due to, or local"),
    comment="Revisions of signals",
)

signal_source: Final = Table(
    "signal_source",
    metadata,
    Column(
        "number", ForeignKey("signal.number"), primary_key=True, autoincrement=False, comment="of the signal"
    ),
    Column("note", LargeBinary, nullable=False, comment="sealed: text, for the contributor alone"),
    comment="Who or what signals were learnt from",
)

signal_audience: Final = Table(
    "signal_audience",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=False, comment="ascending, never given twice"),
    Column("digest", LargeBinary(16), nullable=False, comment="keyed digest of the payload"),
    Column("payload", LargeBinary, nullable=False, comment="sealed: purposes and recipients, JSON"),
    UniqueConstraint("digest"),
    comment="Whom signals may go to, and what for; many signals share one",
)

signal_facts: Final = Table(
    "signal_facts",
    metadata,
    Column(
        "segment",
        RowId,
        primary_key=True,
        autoincrement=False,
        comment="number of a signal // 1024: of all in it",
    ),
    Column("payload", LargeBinary, nullable=False, comment="sealed: numbers and facts in columns"),
    comment="What decides whether signals may leave, a thousand a row; those that are not erased",
)

signal_key_segment: Final = Table(
    "signal_key_segment",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=False, comment="ascending, never given twice"),
    Column("tier", String(1), nullable=False, comment="tier of all its keys: A, B or C"),
    Column("first_number", RowId, nullable=False, comment="lowest signal that it covers"),
    Column("last_number", RowId, nullable=False, comment="highest signal that it covers"),
    Column("signal_count", Integer, nullable=False, comment="signals whose keys were put into it"),
    Column("link_count", Integer, nullable=False, comment="pairs of key and signal inside"),
    Column("key_rules", Text, nullable=False, comment="schemes that its keys were made by"),
    Column("payload", LargeBinary, nullable=False, comment="sealed: the links in columns (key_columns)"),
    UniqueConstraint("first_number", "tier"),
    comment="Match keys of signals and their curve points, some thousand signals and one tier a row",
)

signal_form: Final = Table(
    "signal_form",
    metadata,
    Column("form_no", RowId, primary_key=True, autoincrement=False, comment="ascending, never given twice"),
    Column("form", LargeBinary(16), nullable=False, comment="names what it was made by"),
    Column("number", ForeignKey("signal.number"), nullable=False, comment="of the signal"),
    Column("revision", Integer, nullable=False, comment="that it shows"),
    Column(
        "chunks",
        LargeBinary,
        nullable=True,
        comment="sealed: the label as it leaves; null: of the past, erased",
    ),
    Index(None, "form", "number"),
    Index(None, "number"),
    comment="Labels of signals, made once for all who get the same; of past ones the number is kept",
)

signal_hold: Final = Table(
    "signal_hold",
    metadata,
    Column(
        "number", ForeignKey("signal.number"), primary_key=True, autoincrement=False, comment="of the signal"
    ),
    Column("holder", LargeBinary, nullable=False, comment="sealed: who has to keep it, and why"),
    Column("until_day", Integer, nullable=False, comment="on which the hold is over, since 2020-01-01"),
    Column("noted_at_s", RowId, nullable=False, comment="seconds since 1970-01-01 UTC"),
    comment="Legal holds: nothing of these signals is erased for as long",
)

signal_counter: Final = Table(
    "signal_counter",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False, comment="always 1"),
    Column("last_audience", RowId, nullable=False, comment="highest signal_audience.id given out so far"),
    Column("last_segment", RowId, nullable=False, comment="highest signal_key_segment.id given out so far"),
    Column("last_form", RowId, nullable=False, comment="highest signal_form.form_no given out so far"),
    Column("forms_erased", RowId, nullable=False, comment="how often labels were erased"),
    Column("news", RowId, nullable=False, comment="how often something was told at once"),
    Column(
        "rekeyed_at_s",
        RowId,
        nullable=False,
        comment="when keys were last made anew by other rules, seconds since 1970-01-01 UTC; 0: never",
    ),
    CheckConstraint("id = 1", name="single"),
    comment="Numbers given out so far; one row",
)
