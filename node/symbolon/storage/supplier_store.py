"""Reading the supplier list: records by number or id, and the match keys in columns.

Every call sees one revision of the list, whole, also while an import runs in another process.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from symbolon.exchange.key_table import KeyTable
from symbolon.exchange.rules_agreement import fingerprint
from symbolon.storage.database import Database
from symbolon.storage.key_columns import KeyLinks, key_table
from symbolon.storage.seal import Sealer
from symbolon.storage.supplier_schema import key_segment, supplier, supplier_import
from symbolon.suppliers.key_schemes import key_rules
from symbolon.suppliers.record import Supplier
from symbolon.suppliers.tier import Tier

QUERY_VALUES: Final = 5000
"""Most values in one statement: SQLite allows 32,766 parameters, PostgreSQL 65,535."""


@dataclass(frozen=True, slots=True)
class StoredSupplier:
    """One supplier of the list.

    Attributes:
        supplier_no: its local number, the same as long as its supplier_id stays in the list.
        record: what the list says about it.
    """

    supplier_no: int
    record: Supplier


@dataclass(frozen=True, slots=True)
class ListKeys:
    """Match keys of one revision of the list.

    Attributes:
        tables: by letter of the tier.
        rules: fingerprint of the rules that the list was keyed by; empty when it is from before these were
            noted.
        rules_since_s: when the list was first keyed by them after others; 0 when it always was.
    """

    tables: dict[str, KeyTable]
    rules: bytes
    rules_since_s: int


def read_revision(connection: Connection) -> int:
    """The number of the last finished import, 0 before the first."""
    query = select(func.max(supplier_import.c.id)).where(supplier_import.c.state == "done")
    return connection.execute(query).scalar_one() or 0


def _rules_since(connection: Connection, revision: int, rules: str | None) -> int:
    past = supplier_import.c.id <= revision
    others = supplier_import.c.key_rules.is_distinct_from(rules)
    last_other = select(func.max(supplier_import.c.id)).where(past, others).scalar_subquery()
    first = select(func.min(supplier_import.c.finished_at_s)).where(past, supplier_import.c.id > last_other)
    return connection.execute(first).scalar() or 0


def visible(revision: int) -> ColumnElement[bool]:
    """True for the rows of `supplier` that make up the list in this revision."""
    return and_(
        supplier.c.import_id <= revision,
        or_(supplier.c.retired_by.is_(None), supplier.c.retired_by > revision),
    )


def id_digest(sealer: Sealer, supplier_id: str) -> bytes:
    """What `supplier.id_digest` holds for a supplier_id."""
    return sealer.keyed_digest("supplier.id", supplier_id.encode("utf-8", "surrogatepass"))


def seal_record(sealer: Sealer, pk: int, record: bytes) -> bytes:
    """What `supplier.record` holds for the JSON of a record."""
    return sealer.seal("supplier", "record", pk, record)


def open_links(sealer: Sealer, segment_id: int, payload: bytes) -> KeyLinks:
    """The links of a row of `key_segment`."""
    return KeyLinks.decode(sealer.open("key_segment", "payload", segment_id, payload))


def seal_links(sealer: Sealer, segment_id: int, links: KeyLinks) -> bytes:
    """What `key_segment.payload` holds for links."""
    return sealer.seal("key_segment", "payload", segment_id, links.encode())


def retired_pks(connection: Connection, revision: int) -> npt.NDArray[np.uint64]:
    """Versions that segments may still mention but the list no longer holds; ascending."""
    # Not ORDER BY: SQLite would then walk the whole table by its key instead of the index on `retired_by`.
    query = select(supplier.c.pk).where(supplier.c.retired_by <= revision)
    return np.sort(np.fromiter(connection.execute(query).scalars(), dtype=np.uint64))


def slices(values: Sequence[int]) -> Iterator[Sequence[int]]:
    """Cuts values into pieces that fit one statement."""
    for start in range(0, len(values), QUERY_VALUES):
        yield values[start : start + QUERY_VALUES]


class SupplierStore:
    """The supplier list as its readers use it.

    Args:
        database: the node's database.
        sealer: the node's sealing key.
    """

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer

    def revision(self) -> int:
        """The number of the last finished import, 0 before the first; it changes when the list does."""
        with self._database.read("read the list's revision") as connection:
            return read_revision(connection)

    def count(self) -> int:
        """How many suppliers the list holds."""
        with self._database.read("count the suppliers") as connection:
            query = select(func.count()).select_from(supplier).where(visible(read_revision(connection)))
            return connection.execute(query).scalar_one()

    def count_keys(self) -> dict[Tier, int]:
        """How many pairs of supplier and match key the list holds in each tier."""
        with self._database.read("count the match keys") as connection:
            query = (
                select(key_segment.c.tier, func.sum(key_segment.c.link_count))
                .where(key_segment.c.import_id <= read_revision(connection))
                .group_by(key_segment.c.tier)
            )
            counted = {Tier(tier): int(count) for tier, count in connection.execute(query)}
        return {tier: counted.get(tier, 0) for tier in Tier}

    def is_outdated(self) -> bool:
        """Whether the list was keyed by other rules than this software's; keys of the two never meet."""
        with self._database.read("read the rules of the match keys") as connection:
            newest = supplier_import.c.id == read_revision(connection)
            rules = connection.execute(select(supplier_import.c.key_rules).where(newest)).scalars().all()
        return any(each != key_rules() for each in rules)

    def load_keys(self, tier: Tier) -> KeyTable:
        """Reads all match keys of a tier, with their curve points and the suppliers behind them."""
        return self.load_list((tier,)).tables[tier]

    def load_list(self, tiers: Iterable[Tier]) -> ListKeys:
        """Reads all match keys of some tiers, and by which rules they were made, in one snapshot."""
        tables = {}
        with self._database.read("load the match keys") as connection:
            revision = read_revision(connection)
            noted = select(supplier_import.c.key_rules).where(supplier_import.c.id == revision)
            # An empty list tells what any other does: that it is empty is not to be seen.
            rules = connection.execute(noted).scalar() if revision else key_rules()
            since_s = _rules_since(connection, revision, rules)
            dead = retired_pks(connection, revision)
            for tier in tiers:
                tables[tier.value] = key_table(tier, self._links(connection, revision, tier), dead)
        return ListKeys(tables, fingerprint(rules), since_s)

    def first_known(self) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
        """When each supplier first stood in the list, as far as this node still knows.

        Returns:
            uint64 `[n]` numbers and int64 `[n]` seconds since 1970-01-01 UTC, of those in the list now.
        """
        with self._database.read("look when suppliers were first known") as connection:
            revision = read_revision(connection)
            since = func.min(supplier_import.c.started_at_s)
            query = (
                select(supplier.c.supplier_no, since)
                .join(supplier_import, supplier_import.c.id == supplier.c.import_id)
                .where(supplier.c.import_id <= revision)
                .group_by(supplier.c.supplier_no)
            )
            rows = connection.execute(query).all()
        return np.array([row[0] for row in rows], np.uint64), np.array([row[1] for row in rows], np.int64)

    def changed(self, supplier_no: int) -> Sequence[int]:
        """When a supplier of the list came, and when its row or its keys changed, as far as this node knows.

        Returns:
            Starts of the imports that brought it or a change, ascending, seconds since 1970-01-01 UTC; empty
            where the list holds no such supplier.
        """
        with self._database.read("look when a supplier changed") as connection:
            revision = read_revision(connection)
            query = (
                select(supplier_import.c.started_at_s)
                .join(supplier, supplier_import.c.id == supplier.c.import_id)
                .where(supplier.c.supplier_no == supplier_no, supplier.c.import_id <= revision)
                .order_by(supplier_import.c.id)
            )
            return connection.execute(query).scalars().all()

    def _links(self, connection: Connection, revision: int, tier: Tier) -> Sequence[KeyLinks]:
        query = (
            select(key_segment.c.id, key_segment.c.payload)
            .where(key_segment.c.tier == tier.value, key_segment.c.import_id <= revision)
            .order_by(key_segment.c.first_pk, key_segment.c.id)
        )
        return [open_links(self._sealer, row.id, row.payload) for row in connection.execute(query)]

    def list(self, offset: int = 0, limit: int | None = None, search: str = "") -> Sequence[StoredSupplier]:
        """Suppliers by their number.

        Args:
            offset: how many to pass over.
            limit: most suppliers to return; None for all.
            search: only suppliers in whose id or name this text occurs, whatever its case. The columns are
                sealed, so a search opens every record: some seconds for a list of 500,000.
        """
        wanted = search.casefold()
        found: list[StoredSupplier] = []
        if limit is not None and limit <= 0:
            return found
        for stored in self.iterate(0 if wanted else offset):
            if wanted:
                record = stored.record
                if wanted not in record.name.casefold() and wanted not in record.supplier_id.casefold():
                    continue
                if offset > 0:
                    offset -= 1
                    continue
            found.append(stored)
            if len(found) == limit:
                break
        return found

    def iterate(self, offset: int = 0) -> Iterator[StoredSupplier]:
        """All suppliers by their number, one at a time, in one snapshot.

        Args:
            offset: how many to pass over.
        """
        with self._database.read("list the suppliers") as connection:
            query = (
                select(supplier.c.pk, supplier.c.supplier_no, supplier.c.record)
                .where(visible(read_revision(connection)))
                .order_by(supplier.c.supplier_no)
                .offset(offset)
            )
            for row in connection.execution_options(yield_per=1000).execute(query):
                yield StoredSupplier(row.supplier_no, self._open(row.pk, row.record))

    def get(self, supplier_no: int) -> Supplier | None:
        """The supplier with this number, or None when the list does not hold it (any more)."""
        return self.get_many([supplier_no]).get(supplier_no)

    def get_many(self, supplier_nos: Iterable[int]) -> dict[int, Supplier]:
        """The suppliers with these numbers; numbers that the list does not hold are left out."""
        found: dict[int, Supplier] = {}
        with self._database.read("read suppliers") as connection:
            is_visible = visible(read_revision(connection))
            for numbers in slices([int(number) for number in supplier_nos]):
                query = select(supplier.c.pk, supplier.c.supplier_no, supplier.c.record).where(
                    supplier.c.supplier_no.in_(numbers), is_visible
                )
                for row in connection.execute(query):
                    found[row.supplier_no] = self._open(row.pk, row.record)
        return found

    def by_supplier_id(self, supplier_id: str) -> StoredSupplier | None:
        """The supplier with this id in the list as imported, or None."""
        digest = id_digest(self._sealer, supplier_id)
        with self._database.read("find a supplier") as connection:
            query = select(supplier.c.pk, supplier.c.supplier_no, supplier.c.record).where(
                supplier.c.id_digest == digest, visible(read_revision(connection))
            )
            row = connection.execute(query).one_or_none()
        return None if row is None else StoredSupplier(row.supplier_no, self._open(row.pk, row.record))

    def _open(self, pk: int, record: bytes) -> Supplier:
        return Supplier.from_json(self._sealer.open("supplier", "record", pk, record))
