"""The supplier list and the check of the sealing key."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Creates the tables; symbolon.storage.supplier_schema says what each is for."""
    op.create_table(
        "supplier_import",
        sa.Column(
            "id",
            _ROW_ID,
            autoincrement=False,
            nullable=False,
            comment="number of the import, ascending in time",
        ),
        sa.Column("state", sa.String(8), nullable=False, comment="running, or done once the list is whole"),
        sa.Column("started_at_s", _ROW_ID, nullable=False, comment="start, seconds since 1970-01-01 UTC"),
        sa.Column("finished_at_s", _ROW_ID, nullable=True, comment="end, seconds since 1970-01-01 UTC"),
        sa.Column(
            "new_count", sa.Integer, nullable=True, comment="suppliers that the list before did not hold"
        ),
        sa.Column(
            "changed_count", sa.Integer, nullable=True, comment="suppliers whose record or keys changed"
        ),
        sa.Column("unchanged_count", sa.Integer, nullable=True, comment="suppliers taken over as they were"),
        sa.Column(
            "gone_count",
            sa.Integer,
            nullable=True,
            comment="suppliers of the list before that this one lacks",
        ),
        sa.Column("left_out_count", sa.Integer, nullable=True, comment="rows that could not be used"),
        sa.Column("last_pk", _ROW_ID, nullable=True, comment="highest supplier.pk given out so far"),
        sa.Column(
            "last_supplier_no",
            _ROW_ID,
            nullable=True,
            comment="highest supplier.supplier_no given out so far",
        ),
        sa.Column(
            "last_segment_id", _ROW_ID, nullable=True, comment="highest key_segment.id given out so far"
        ),
        sa.CheckConstraint("state IN ('running', 'done')", name=op.f("ck_supplier_import_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supplier_import")),
        comment="Imports of the supplier list; the highest done one is the list's revision",
    )
    op.create_table(
        "supplier",
        sa.Column(
            "pk",
            _ROW_ID,
            autoincrement=False,
            nullable=False,
            comment="number of this version of the supplier",
        ),
        sa.Column(
            "supplier_no",
            _ROW_ID,
            nullable=False,
            comment="number of the supplier, the same in all its versions, never given to another",
        ),
        sa.Column("import_id", _ROW_ID, nullable=False, comment="the import that brought this version"),
        sa.Column(
            "retired_by", _ROW_ID, nullable=True, comment="the import that replaced or removed this version"
        ),
        sa.Column(
            "id_digest",
            sa.LargeBinary(16),
            nullable=True,
            comment="keyed digest of supplier_id; null: erased",
        ),
        sa.Column(
            "content_digest",
            sa.LargeBinary(16),
            nullable=True,
            comment="keyed digest of the record and of what its keys depend on; null: erased",
        ),
        sa.Column(
            "record", sa.LargeBinary, nullable=True, comment="sealed: the record as JSON; null: erased"
        ),
        sa.ForeignKeyConstraint(
            ["import_id"], ["supplier_import.id"], name=op.f("fk_supplier_import_id_supplier_import")
        ),
        sa.ForeignKeyConstraint(
            ["retired_by"], ["supplier_import.id"], name=op.f("fk_supplier_retired_by_supplier_import")
        ),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_supplier")),
        comment="Versions of suppliers; retired ones keep numbers only",
    )
    for column in ("supplier_no", "id_digest", "import_id", "retired_by"):
        op.create_index(op.f(f"ix_supplier_{column}"), "supplier", [column])
    op.create_table(
        "key_segment",
        sa.Column("id", _ROW_ID, autoincrement=False, nullable=False, comment="number of the segment"),
        sa.Column(
            "import_id", _ROW_ID, nullable=False, comment="the import from which on the segment counts"
        ),
        sa.Column("tier", sa.String(1), nullable=False, comment="tier of all its keys: A, B or C"),
        sa.Column("first_pk", _ROW_ID, nullable=False, comment="lowest supplier.pk the segment covers"),
        sa.Column("last_pk", _ROW_ID, nullable=False, comment="highest supplier.pk the segment covers"),
        sa.Column(
            "supplier_count", sa.Integer, nullable=False, comment="suppliers in its range when it was written"
        ),
        sa.Column("link_count", sa.Integer, nullable=False, comment="pairs of key and supplier inside"),
        sa.Column(
            "payload", sa.LargeBinary, nullable=False, comment="sealed: the links in columns (key_columns)"
        ),
        sa.ForeignKeyConstraint(
            ["import_id"], ["supplier_import.id"], name=op.f("fk_key_segment_import_id_supplier_import")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_key_segment")),
        comment="Match keys and their curve points, some thousand suppliers and one tier a row",
    )
    op.create_index(op.f("ix_key_segment_tier_first_pk"), "key_segment", ["tier", "first_pk"])
    op.create_index(op.f("ix_key_segment_import_id"), "key_segment", ["import_id"])
    op.create_table(
        "seal_check",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False, comment="always 1"),
        sa.Column(
            "digest", sa.LargeBinary(16), nullable=False, comment="keyed digest that names the sealing key"
        ),
        sa.CheckConstraint("id = 1", name=op.f("ck_seal_check_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seal_check")),
        comment="Tells whether the node holds the sealing key this database was written with",
    )
