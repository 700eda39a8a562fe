"""Import of a supplier list: a new revision, whole or not at all.

Steps, each a short write transaction, so that a serving node never waits long:

1. Take the import lock; remove what a dead import left behind; take the next import number.
2. Read rows. A supplier whose content digest is known stays as it is. The others get a new row, keys and
   curve points; the row they replace is marked as retired by this import. Nobody sees any of this yet.
3. Mark as retired the suppliers that the file lacks.
4. One transaction of one row makes this import the list's revision.
5. Erase what was replaced (`supplier_sweep`).

A process killed at any point before 4 leaves the list before, after it the new one.

Refuses: a second import at the same time, a wrong sealing key, a file with less than half of the suppliers
of the list before (unless told that this is right). Single bad rows are reported and left out.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from sqlalchemy import Connection, func, insert, select, update

from symbolon.errors import StorageError
from symbolon.storage.database import Database
from symbolon.storage.import_report import (
    PROBLEMS_KEPT,
    ImportProgress,
    ImportReport,
    ListShrunkError,
    PhaseSeconds,
)
from symbolon.storage.seal import Sealer
from symbolon.storage.seal_check import bind_key
from symbolon.storage.supplier_keys import (
    KeyBatch,
    KeyJob,
    KeyMaker,
    KeyPipeline,
    default_workers,
    keys_version,
    make_keys,
)
from symbolon.storage.supplier_schema import key_segment, supplier, supplier_import
from symbolon.storage.supplier_store import id_digest, read_revision, seal_record, slices, visible
from symbolon.storage.supplier_sweep import discard_unfinished, sweep
from symbolon.suppliers.key_schemes import key_rules
from symbolon.suppliers.record import Supplier
from symbolon.suppliers.row_problem import RowProblem

BATCH_SUPPLIERS: Final = 4096
"""Suppliers in one key segment and one write transaction: some 50 ms of writing, some 2 MB of keys."""

PROGRESS_ROWS: Final = 512
"""Rows between two calls of `progress`."""

IMPORT_LOCK: Final = "supplier-import"
"""Name of the lock that one import holds against all others."""


class SupplierSource(Protocol):
    """Where suppliers come from; `suppliers.reader.ListReader` is the usual one."""

    @property
    def encoding(self) -> str | None:
        """The file's character encoding, or None where there is none."""

    @property
    def total_bytes(self) -> int:
        """Size of the source."""

    @property
    def bytes_read(self) -> int:
        """How far the iteration has come."""

    def __iter__(self) -> Iterator[Supplier | RowProblem]:
        """Suppliers, each id once, and what is wrong with rows."""


Clock = Callable[[], float]
"""Tells the time, seconds since 1970-01-01 UTC."""


@dataclass(slots=True)
class _Row:
    """A row of the file on its way into the list."""

    id_digest: bytes
    content_digest: bytes
    record: bytes
    supplier_no: int = 0
    pk: int = 0
    replaced_pk: int | None = None


def import_list(
    database: Database,
    sealer: Sealer,
    reader: SupplierSource,
    *,
    clock: Clock,
    progress: Callable[[ImportProgress], None] | None = None,
    on_problem: Callable[[RowProblem], None] | None = None,
    allow_shrink: bool = False,
    workers: int | None = None,
    key_maker: KeyMaker = make_keys,
) -> ImportReport:
    """Makes the rows of `reader` the node's supplier list.

    Args:
        database: the node's database.
        sealer: the node's sealing key.
        reader: the file, open at its first row; it gives out every supplier_id once.
        clock: tells the time for the record of the import.
        progress: called every few hundred rows.
        on_problem: called with every problem, the report keeps only the first ones.
        allow_shrink: accept a file with less than half of the suppliers of the list before.
        workers: most worker processes; None to fit the machine.
        key_maker: makes match keys and points; a function of a module.

    Returns:
        What changed, what was left out and why, and where the time went.

    Raises:
        ListShrunkError: the file may be cut short; the list is as before.
        StorageBusyError: another import is running.
        SealError: the database was written with another sealing key.
        StorageError: the database failed, or a worker died; the list is as before.
        InputError: the file as a whole cannot be read; the list is as before.
    """
    began = time.perf_counter()
    with database.exclusive(IMPORT_LOCK, "import of the supplier list"):
        bind_key(database, sealer)
        discard_unfinished(database)
        run = _Import(database, sealer, reader, clock, progress, on_problem)
        try:
            run.begin()
            with KeyPipeline[list[_Row]](
                key_maker, default_workers() if workers is None else workers
            ) as keys:
                run.take_in(keys)
            run.finish(allow_shrink)
        except BaseException:
            # Best effort, for the sake of the space: the next import would do the same.
            with contextlib.suppress(StorageError):
                discard_unfinished(database)
            raise
        sweep_began = time.perf_counter()
        try:
            sweep(database, sealer, BATCH_SUPPLIERS)
            erased = True
        except StorageError:
            # The list is in place; erasing is done again by the next import.
            erased = False
        run.store_s += time.perf_counter() - sweep_began
    return run.report(erased, time.perf_counter() - began)


class _Import:
    """One import from its number to its report. Times: `_s` fields add up seconds."""

    def __init__(
        self,
        database: Database,
        sealer: Sealer,
        reader: SupplierSource,
        clock: Clock,
        progress: Callable[[ImportProgress], None] | None,
        on_problem: Callable[[RowProblem], None] | None,
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._reader = reader
        self._clock = clock
        self._progress = progress
        self._on_problem = on_problem
        self._keys_mark = keys_version().encode() + b"\x00"
        self._revision = 0
        self._id = 0
        self._last_pk = 0
        self._last_supplier_no = 0
        self._last_segment_id = 0
        self._size_before = 0
        self._present = np.zeros(0, dtype=np.bool_)
        self._to_make: list[_Row] = []
        self._problems: list[RowProblem] = []
        self._problem_count = 0
        self._rows_read = 0
        self._left_out = 0
        self._new = 0
        self._changed = 0
        self._unchanged = 0
        self._gone = 0
        self._keys: dict[str, int] = {}
        self._read_s = 0.0
        self._keys_s = 0.0
        self._hash_s = 0.0
        self.store_s = 0.0

    def begin(self) -> None:
        """Takes the next import number."""
        with self._database.transaction("begin the import") as connection:
            self._revision = read_revision(connection)
            self._id = self._revision + 1
            before = connection.execute(
                select(supplier_import).where(supplier_import.c.id == self._revision)
            ).one_or_none()
            if before is not None:
                self._last_pk = before.last_pk
                self._last_supplier_no = before.last_supplier_no
                self._last_segment_id = before.last_segment_id
                count = select(func.count()).select_from(supplier).where(visible(self._revision))
                self._size_before = connection.execute(count).scalar_one()
            connection.execute(
                insert(supplier_import).values(id=self._id, state="running", started_at_s=int(self._clock()))
            )
        self._present = np.zeros(self._last_supplier_no + 1, dtype=np.bool_)

    def take_in(self, keys: KeyPipeline[list[_Row]]) -> None:
        """Reads the file to its end and stores what is new in it, out of sight."""
        for rows in self._batches():
            began = time.perf_counter()
            self._compare(rows)
            self.store_s += time.perf_counter() - began
            while len(self._to_make) >= BATCH_SUPPLIERS:
                self._make(keys, BATCH_SUPPLIERS)
        self._tell_progress(finishing=True)
        if self._to_make:
            self._make(keys, len(self._to_make))
        for made, batch in keys.drain():
            self._store(made, batch)
            self._tell_progress(finishing=True)

    def finish(self, allow_shrink: bool) -> None:
        """Retires what the file lacks and makes this import the list's revision."""
        began = time.perf_counter()
        size = self._new + self._changed + self._unchanged
        if 2 * size < self._size_before and not allow_shrink:
            raise ListShrunkError(self._size_before, size, tuple(self._problems), self._left_out)
        gone = self._absent_pks()
        self._gone = len(gone)
        for pks in slices(gone):
            with self._database.transaction("retire suppliers that are gone") as connection:
                self._retire(connection, pks)
        with self._database.transaction("finish the import") as connection:
            connection.execute(
                update(supplier_import)
                .where(supplier_import.c.id == self._id)
                .values(
                    state="done",
                    finished_at_s=int(self._clock()),
                    new_count=self._new,
                    changed_count=self._changed,
                    unchanged_count=self._unchanged,
                    gone_count=self._gone,
                    left_out_count=self._left_out,
                    last_pk=self._last_pk,
                    last_supplier_no=self._last_supplier_no,
                    last_segment_id=self._last_segment_id,
                    key_rules=key_rules(),
                )
            )
        self.store_s += time.perf_counter() - began

    def report(self, erased: bool, total_s: float) -> ImportReport:
        """What the import did."""
        return ImportReport(
            revision=self._id,
            rows_read=self._rows_read,
            new=self._new,
            changed=self._changed,
            unchanged=self._unchanged,
            gone=self._gone,
            left_out=self._left_out,
            problem_count=self._problem_count,
            problems=tuple(self._problems),
            keys=self._keys,
            phases=PhaseSeconds(
                read=self._read_s,
                keys=self._keys_s,
                hash_to_curve=self._hash_s,
                store=self.store_s,
                total=total_s,
            ),
            encoding=self._reader.encoding,
            erased=erased,
        )

    def _batches(self) -> Iterator[list[_Row]]:
        """Usable rows of the file, in batches."""
        began = time.perf_counter()
        rows: list[_Row] = []
        for item in self._reader:
            if isinstance(item, Supplier):
                rows.append(self._admit(item))
            else:
                self._note(item)
            if self._rows_read % PROGRESS_ROWS == 0:
                self._tell_progress(finishing=False)
            if len(rows) == BATCH_SUPPLIERS:
                self._read_s += time.perf_counter() - began
                yield rows
                rows = []
                began = time.perf_counter()
        self._read_s += time.perf_counter() - began
        if rows:
            yield rows

    def _admit(self, record: Supplier) -> _Row:
        self._rows_read += 1
        encoded = record.to_json()
        return _Row(
            id_digest=id_digest(self._sealer, record.supplier_id),
            content_digest=self._sealer.keyed_digest("supplier.content", self._keys_mark + encoded),
            record=encoded,
        )

    def _note(self, problem: RowProblem) -> None:
        self._problem_count += 1
        if problem.fatal:
            self._rows_read += 1
            self._left_out += 1
            kept = self._left_out <= PROBLEMS_KEPT
        else:
            kept = self._problem_count - self._left_out <= PROBLEMS_KEPT
        if kept:
            self._problems.append(problem)
        if self._on_problem is not None:
            self._on_problem(problem)

    def _tell_progress(self, *, finishing: bool) -> None:
        if self._progress is not None:
            self._progress(
                ImportProgress(self._reader.bytes_read, self._reader.total_bytes, self._rows_read, finishing)
            )

    def _compare(self, rows: list[_Row]) -> None:
        """Tells new, changed and unchanged rows apart by their digests."""
        known = {}
        if self._size_before:
            query = select(
                supplier.c.id_digest, supplier.c.content_digest, supplier.c.pk, supplier.c.supplier_no
            ).where(supplier.c.id_digest.in_([row.id_digest for row in rows]), visible(self._revision))
            with self._database.read("compare with the list before") as connection:
                known = {row.id_digest: row for row in connection.execute(query)}
        for row in rows:
            before = known.get(row.id_digest)
            if before is None:
                self._last_supplier_no += 1
                row.supplier_no = self._last_supplier_no
                self._new += 1
                self._to_make.append(row)
                continue
            self._present[before.supplier_no] = True
            if before.content_digest == row.content_digest:
                self._unchanged += 1
                continue
            row.supplier_no = before.supplier_no
            row.replaced_pk = before.pk
            self._changed += 1
            self._to_make.append(row)

    def _make(self, keys: KeyPipeline[list[_Row]], count: int) -> None:
        """Hands rows to the key makers and stores the batches that come back."""
        rows, self._to_make = self._to_make[:count], self._to_make[count:]
        for row in rows:
            self._last_pk += 1
            row.pk = self._last_pk
        jobs = [KeyJob(row.supplier_no, row.pk, row.record) for row in rows]
        for made, batch in keys.push(rows, jobs):
            self._store(made, batch)

    def _store(self, rows: list[_Row], batch: KeyBatch) -> None:
        began = time.perf_counter()
        self._keys_s += batch.keys_s
        self._hash_s += batch.hash_s
        values = [
            {
                "pk": row.pk,
                "supplier_no": row.supplier_no,
                "import_id": self._id,
                "id_digest": row.id_digest,
                "content_digest": row.content_digest,
                "record": seal_record(self._sealer, row.pk, row.record),
            }
            for row in rows
        ]
        segments = []
        for tier, links in sorted(batch.links.items()):
            self._last_segment_id += 1
            self._keys[tier.value] = self._keys.get(tier.value, 0) + links.link_count
            segments.append(
                {
                    "id": self._last_segment_id,
                    "import_id": self._id,
                    "tier": tier.value,
                    "first_pk": rows[0].pk,
                    "last_pk": rows[-1].pk,
                    "supplier_count": len(rows),
                    "link_count": links.link_count,
                    "payload": self._sealer.seal(
                        "key_segment", "payload", self._last_segment_id, links.payload
                    ),
                }
            )
        replaced = [row.replaced_pk for row in rows if row.replaced_pk is not None]
        with self._database.transaction("store suppliers") as connection:
            connection.execute(insert(supplier), values)
            if segments:
                connection.execute(insert(key_segment), segments)
            self._retire(connection, replaced)
        self.store_s += time.perf_counter() - began

    def _retire(self, connection: Connection, pks: Sequence[int]) -> None:
        if pks:
            connection.execute(update(supplier).where(supplier.c.pk.in_(pks)).values(retired_by=self._id))

    def _absent_pks(self) -> list[int]:
        """Suppliers of the list before that the file lacks."""
        if not self._size_before:
            return []
        query = select(supplier.c.pk, supplier.c.supplier_no).where(visible(self._revision))
        with self._database.read("find suppliers that are gone") as connection:
            rows = connection.execution_options(yield_per=BATCH_SUPPLIERS).execute(query)
            return [row.pk for row in rows if not self._present[row.supplier_no]]
