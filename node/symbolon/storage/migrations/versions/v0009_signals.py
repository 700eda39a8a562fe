"""Signals that this member contributed, and what is made of them."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_SECONDS = "seconds since 1970-01-01 UTC"


def _number(name: str, comment: str, kind: sa.types.TypeEngine[int] = _ROW_ID) -> sa.Column[int]:
    return sa.Column(name, kind, nullable=False, autoincrement=False, comment=comment)


def _sealed(name: str, comment: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary, nullable=False, comment=f"sealed: {comment}")


def _of_signal(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["number"], ["signal.number"], name=f"fk_{table}_number_signal")


def upgrade() -> None:
    """Makes the tables; symbolon.storage.signal_schema says what each is for."""
    op.create_table(
        "signal",
        _number("number", "ascending, never given twice"),
        sa.Column("signal_id", sa.String(32), nullable=False, comment="random, hexadecimal"),
        _number("revision", "newest revision", sa.Integer()),
        sa.Column(
            "state",
            sa.String(8),
            nullable=False,
            comment="active, recalled, expired (nothing of it is left)",
        ),
        _number("first_issued_day", "of its first revision, since 2020-01-01", sa.Integer()),
        _number("issued_day", "of its newest revision, since 2020-01-01", sa.Integer()),
        _number("expires_day", "on which it is erased, since 2020-01-01", sa.Integer()),
        _number("review_day", "by which it is looked at, since 2020-01-01", sa.Integer()),
        _number("created_at_s", _SECONDS),
        _number("changed_at_s", f"of its state; {_SECONDS}"),
        sa.Column(
            "reference_digest",
            sa.LargeBinary(16),
            nullable=True,
            comment="keyed digest of what an import calls it, or of what the import said; null: neither",
        ),
        sa.Column(
            "content_digest",
            sa.LargeBinary(16),
            nullable=True,
            comment="keyed digest of what the last import said of it; null: no import, or erased",
        ),
        sa.CheckConstraint("state IN ('active', 'recalled', 'expired')", name=op.f("ck_signal_state")),
        sa.PrimaryKeyConstraint("number", name="pk_signal"),
        sa.UniqueConstraint("signal_id", name="uq_signal_signal_id"),
        comment="Signals that this member contributed",
    )
    for column in ("reference_digest", "expires_day"):
        op.create_index(f"ix_signal_{column}", "signal", [column])
    op.create_table(
        "signal_revision",
        _number("number", "of the signal"),
        _number("revision", "ascending from 1", sa.Integer()),
        sa.Column(
            "document",
            sa.LargeBinary,
            nullable=True,
            comment="sealed: this member's signature, 64 bytes, and what it signed; null: erased",
        ),
        _number("created_at_s", _SECONDS),
        sa.Column(
            "operator", sa.String(32), nullable=False, comment="pseudonym of whom it is due to, or local"
        ),
        _of_signal("signal_revision"),
        sa.PrimaryKeyConstraint("number", "revision", name="pk_signal_revision"),
        comment="Revisions of signals",
    )
    op.create_table(
        "signal_source",
        _number("number", "of the signal"),
        _sealed("note", "text, for the contributor alone"),
        _of_signal("signal_source"),
        sa.PrimaryKeyConstraint("number", name="pk_signal_source"),
        comment="Who or what signals were learnt from",
    )
    op.create_table(
        "signal_audience",
        _number("id", "ascending, never given twice"),
        sa.Column("digest", sa.LargeBinary(16), nullable=False, comment="keyed digest of the payload"),
        _sealed("payload", "purposes and recipients, JSON"),
        sa.PrimaryKeyConstraint("id", name="pk_signal_audience"),
        sa.UniqueConstraint("digest", name="uq_signal_audience_digest"),
        comment="Whom signals may go to, and what for; many signals share one",
    )
    op.create_table(
        "signal_facts",
        _number("segment", "number of a signal // 1024: of all in it"),
        _sealed("payload", "numbers and facts in columns"),
        sa.PrimaryKeyConstraint("segment", name="pk_signal_facts"),
        comment="What decides whether signals may leave, a thousand a row; those that are not erased",
    )
    op.create_table(
        "signal_key_segment",
        _number("id", "ascending, never given twice"),
        sa.Column("tier", sa.String(1), nullable=False, comment="tier of all its keys: A, B or C"),
        _number("first_number", "lowest signal that it covers"),
        _number("last_number", "highest signal that it covers"),
        _number("signal_count", "signals whose keys were put into it", sa.Integer()),
        _number("link_count", "pairs of key and signal inside", sa.Integer()),
        sa.Column("key_rules", sa.Text, nullable=False, comment="schemes that its keys were made by"),
        _sealed("payload", "the links in columns (key_columns)"),
        sa.PrimaryKeyConstraint("id", name="pk_signal_key_segment"),
        sa.UniqueConstraint("first_number", "tier", name="uq_signal_key_segment_first_number_tier"),
        comment="Match keys of signals and their curve points, some thousand signals and one tier a row",
    )
    op.create_table(
        "signal_form",
        _number("form_no", "ascending, never given twice"),
        sa.Column("form", sa.LargeBinary(16), nullable=False, comment="names what it was made by"),
        _number("number", "of the signal"),
        _number("revision", "that it shows", sa.Integer()),
        sa.Column(
            "chunks",
            sa.LargeBinary,
            nullable=True,
            comment="sealed: the label as it leaves; null: of the past, erased",
        ),
        _of_signal("signal_form"),
        sa.PrimaryKeyConstraint("form_no", name="pk_signal_form"),
        comment="Labels of signals, made once for all who get the same; of past ones the number is kept",
    )
    op.create_index("ix_signal_form_form_number", "signal_form", ["form", "number"])
    op.create_index("ix_signal_form_number", "signal_form", ["number"])
    op.create_table(
        "signal_hold",
        _number("number", "of the signal"),
        _sealed("holder", "who has to keep it, and why"),
        _number("until_day", "on which the hold is over, since 2020-01-01", sa.Integer()),
        _number("noted_at_s", _SECONDS),
        _of_signal("signal_hold"),
        sa.PrimaryKeyConstraint("number", name="pk_signal_hold"),
        comment="Legal holds: nothing of these signals is erased for as long",
    )
    counter = op.create_table(
        "signal_counter",
        _number("id", "always 1", sa.Integer()),
        _number("last_audience", "highest signal_audience.id given out so far"),
        _number("last_segment", "highest signal_key_segment.id given out so far"),
        _number("last_form", "highest signal_form.form_no given out so far"),
        _number("forms_erased", "how often labels were erased"),
        _number("news", "how often something was told at once"),
        _number(
            "rekeyed_at_s",
            f"when keys were last made anew by other rules, {_SECONDS}; 0: never",
        ),
        sa.CheckConstraint("id = 1", name=op.f("ck_signal_counter_single")),
        sa.PrimaryKeyConstraint("id", name="pk_signal_counter"),
        comment="Numbers given out so far; one row",
    )
    op.bulk_insert(
        counter,
        [
            {
                "id": 1,
                "last_audience": 0,
                "last_segment": 0,
                "last_form": 0,
                "forms_erased": 0,
                "news": 0,
                "rekeyed_at_s": 0,
            }
        ],
    )
