"""Tables of the supplier list. The list is a log of imports; one import at a time makes a new revision.

Visibility is one comparison. Let r be the highest `supplier_import.id` whose state is `done`: a supplier row
is part of the list when `import_id <= r` and it is not retired by an import `<= r`; a key segment when
`import_id <= r`. An import in progress writes rows with a higher number, which nobody sees; its last
transaction changes one state from `running` to `done`, and with it the whole list. What a dead import left
behind is removed before the next one takes a number, so every number `<= r` is a finished import.

`supplier.record` and `key_segment.payload` are sealed; digests are keyed.
"""

from typing import Final

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from symbolon.storage.metadata import RowId, metadata

supplier_import: Final = Table(
    "supplier_import",
    metadata,
    Column(
        "id", RowId, primary_key=True, autoincrement=False, comment="number of the import, ascending in time"
    ),
    Column("state", String(8), nullable=False, comment="running, or done once the list is whole"),
    Column("started_at_s", RowId, nullable=False, comment="start, seconds since 1970-01-01 UTC"),
    Column("finished_at_s", RowId, nullable=True, comment="end, seconds since 1970-01-01 UTC"),
    Column("new_count", Integer, nullable=True, comment="suppliers that the list before did not hold"),
    Column("changed_count", Integer, nullable=True, comment="suppliers whose record or keys changed"),
    Column("unchanged_count", Integer, nullable=True, comment="suppliers taken over as they were"),
    Column("gone_count", Integer, nullable=True, comment="suppliers of the list before that this one lacks"),
    Column("left_out_count", Integer, nullable=True, comment="rows that could not be used"),
    Column("last_pk", RowId, nullable=True, comment="highest supplier.pk given out so far"),
    Column("last_supplier_no", RowId, nullable=True, comment="highest supplier.supplier_no given out so far"),
    Column("last_segment_id", RowId, nullable=True, comment="highest key_segment.id given out so far"),
    Column("key_rules", Text, nullable=True, comment="schemes of its keys; null: before these were noted"),
    CheckConstraint("state IN ('running', 'done')", name="state"),
    comment="Imports of the supplier list; the highest done one is the list's revision",
)

supplier: Final = Table(
    "supplier",
    metadata,
    Column(
        "pk", RowId, primary_key=True, autoincrement=False, comment="number of this version of the supplier"
    ),
    Column(
        "supplier_no",
        RowId,
        nullable=False,
        comment="number of the supplier, the same in all its versions, never given to another",
    ),
    Column(
        "import_id",
        ForeignKey("supplier_import.id"),
        nullable=False,
        comment="the import that brought this version",
    ),
    Column(
        "retired_by",
        ForeignKey("supplier_import.id"),
        nullable=True,
        comment="the import that replaced or removed this version",
    ),
    Column("id_digest", LargeBinary(16), nullable=True, comment="keyed digest of supplier_id; null: erased"),
    Column(
        "content_digest",
        LargeBinary(16),
        nullable=True,
        comment="keyed digest of the record and of what its keys depend on; null: erased",
    ),
    Column("record", LargeBinary, nullable=True, comment="sealed: the record as JSON; null: erased"),
    Index(None, "supplier_no"),
    Index(None, "id_digest"),
    Index(None, "import_id"),
    Index(None, "retired_by"),
    comment="Versions of suppliers; retired ones keep numbers only",
)

key_segment: Final = Table(
    "key_segment",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=False, comment="number of the segment"),
    Column(
        "import_id",
        ForeignKey("supplier_import.id"),
        nullable=False,
        comment="the import from which on the segment counts",
    ),
    Column("tier", String(1), nullable=False, comment="tier of all its keys: A, B or C"),
    Column("first_pk", RowId, nullable=False, comment="lowest supplier.pk the segment covers"),
    Column("last_pk", RowId, nullable=False, comment="highest supplier.pk the segment covers"),
    Column("supplier_count", Integer, nullable=False, comment="suppliers in its range when it was written"),
    Column("link_count", Integer, nullable=False, comment="pairs of key and supplier inside"),
    Column("payload", LargeBinary, nullable=False, comment="sealed: the links in columns (key_columns)"),
    Index(None, "tier", "first_pk"),
    Index(None, "import_id"),
    comment="Match keys and their curve points, some thousand suppliers and one tier a row",
)

seal_check: Final = Table(
    "seal_check",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False, comment="always 1"),
    Column("digest", LargeBinary(16), nullable=False, comment="keyed digest that names the sealing key"),
    CheckConstraint("id = 1", name="single"),
    comment="Tells whether the node holds the sealing key this database was written with",
)
