"""Cleaning up after imports: what a dead import left, what a finished one replaced.

All of it runs under the import lock, in short transactions, and may be killed anywhere: done again, it goes
on where it stopped. Nothing here changes what a reader of the list sees.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Table, delete, insert, null, select, update

from symbolon.storage.database import Database
from symbolon.storage.key_columns import KeyLinks, join
from symbolon.storage.seal import Sealer
from symbolon.storage.supplier_schema import key_segment, supplier, supplier_import
from symbolon.storage.supplier_store import (
    QUERY_VALUES,
    open_links,
    read_revision,
    retired_pks,
    seal_links,
    slices,
)
from symbolon.suppliers.tier import Tier

SEGMENTS_A_TRANSACTION: Final = 16
"""Segments deleted in one transaction: some 30 MB that secure_delete overwrites."""

DEAD_SHARE: Final = 8
"""A segment is written anew once one in this many of its suppliers is retired."""


def discard_unfinished(database: Database) -> None:
    """Removes every trace of imports that did not finish.

    Raises:
        StorageError: the database failed; calling it again goes on.
    """
    with database.read("look for unfinished imports") as connection:
        unfinished = (
            connection.execute(select(supplier_import.c.id).where(supplier_import.c.state == "running"))
            .scalars()
            .all()
        )
    for import_id in unfinished:
        while _delete_some(database, key_segment, "id", import_id, SEGMENTS_A_TRANSACTION):
            pass
        while _restore_some(database, import_id):
            pass
        while _delete_some(database, supplier, "pk", import_id, QUERY_VALUES):
            pass
        with database.transaction("remove an unfinished import") as connection:
            connection.execute(delete(supplier_import).where(supplier_import.c.id == import_id))


def _delete_some(database: Database, table: Table, key: str, import_id: int, count: int) -> bool:
    with database.transaction("remove an unfinished import") as connection:
        query = select(table.c[key]).where(table.c.import_id == import_id).limit(count)
        found = connection.execute(query).scalars().all()
        if found:
            connection.execute(delete(table).where(table.c[key].in_(found)))
    return bool(found)


def _restore_some(database: Database, import_id: int) -> bool:
    with database.transaction("remove an unfinished import") as connection:
        query = select(supplier.c.pk).where(supplier.c.retired_by == import_id).limit(QUERY_VALUES)
        found = connection.execute(query).scalars().all()
        if found:
            connection.execute(update(supplier).where(supplier.c.pk.in_(found)).values(retired_by=null()))
    return bool(found)


def sweep(database: Database, sealer: Sealer, segment_suppliers: int) -> None:
    """Erases replaced records, and rewrites or deletes segments that mention too many of them.

    A retired row keeps its numbers only, and only for as long as a segment mentions it.

    Args:
        database: the node's database.
        sealer: the node's sealing key.
        segment_suppliers: how many suppliers a full segment covers; small neighbours are joined up to it.

    Raises:
        StorageError: the database failed; calling it again goes on.
    """
    with database.read("look for replaced suppliers") as connection:
        revision = read_revision(connection)
        dead = retired_pks(connection, revision)
        spans = _spans(connection)
    _erase(database, revision)
    still_mentioned = np.zeros(len(dead), dtype=np.bool_)
    for group in _groups(spans, dead, segment_suppliers):
        if group.rewrite:
            _rewrite(database, sealer, revision, group, dead)
        else:
            still_mentioned[_dead_in(dead, group.first_pk, group.last_pk)] = True
    for pks in slices(dead[~still_mentioned].tolist()):
        with database.transaction("forget replaced suppliers") as connection:
            connection.execute(delete(supplier).where(supplier.c.pk.in_(pks)))


@dataclass(frozen=True, slots=True)
class _Span:
    """A range of supplier versions whose links stand in the same segments, one a tier."""

    first_pk: int
    last_pk: int
    supplier_count: int


@dataclass(slots=True)
class _Group:
    """Neighbouring spans that become one, or a single span that may stay as it is."""

    first_pk: int
    last_pk: int
    live: int
    rewrite: bool


def _spans(connection: Connection) -> Sequence[_Span]:
    query = (
        select(key_segment.c.first_pk, key_segment.c.last_pk, key_segment.c.supplier_count)
        .distinct()
        .order_by(key_segment.c.first_pk)
    )
    return [_Span(*row) for row in connection.execute(query)]


def _groups(spans: Sequence[_Span], dead: npt.NDArray[np.uint64], segment_suppliers: int) -> Sequence[_Group]:
    """Decides which spans are written anew, and which neighbours are joined on the way."""
    groups: list[_Group] = []
    for span in spans:
        within = _dead_in(dead, span.first_pk, span.last_pk)
        lost = within.stop - within.start
        live = max(0, span.supplier_count - lost)
        last = groups[-1] if groups else None
        if last is not None and last.live + live <= segment_suppliers:
            last.last_pk = span.last_pk
            last.live += live
            last.rewrite = True
        else:
            rewrite = lost * DEAD_SHARE > span.supplier_count or live == 0
            groups.append(_Group(span.first_pk, span.last_pk, live, rewrite))
    return groups


def _dead_in(dead: npt.NDArray[np.uint64], first_pk: int, last_pk: int) -> slice:
    """Where the retired versions of a range stand in `dead`."""
    return slice(
        int(np.searchsorted(dead, np.uint64(first_pk))),
        int(np.searchsorted(dead, np.uint64(last_pk), side="right")),
    )


def _rewrite(
    database: Database, sealer: Sealer, revision: int, group: _Group, dead: npt.NDArray[np.uint64]
) -> None:
    """Replaces the segments of a group by one a tier, without the links of retired suppliers."""
    in_group = key_segment.c.first_pk.between(group.first_pk, group.last_pk)
    query = (
        select(key_segment.c.id, key_segment.c.tier, key_segment.c.payload)
        .where(in_group)
        .order_by(key_segment.c.tier, key_segment.c.first_pk)
    )
    parts: dict[Tier, list[KeyLinks]] = {}
    with database.read("read key segments") as connection:
        for row in connection.execute(query):
            links = open_links(sealer, row.id, row.payload).without(dead)
            parts.setdefault(Tier(row.tier), []).append(links)
        last_id = connection.execute(
            select(supplier_import.c.last_segment_id).where(supplier_import.c.id == revision)
        ).scalar_one()
    joined = {tier: join(links) for tier, links in parts.items()}
    mentioned = np.unique(np.concatenate([links.supplier_pk for links in joined.values()]))
    values = []
    for tier, links in joined.items():
        if len(links) == 0:
            continue
        last_id += 1
        values.append(
            {
                "id": last_id,
                "import_id": revision,
                "tier": tier.value,
                "first_pk": group.first_pk,
                "last_pk": group.last_pk,
                "supplier_count": len(mentioned),
                "link_count": len(links),
                "payload": seal_links(sealer, last_id, links),
            }
        )
    with database.transaction("rewrite key segments") as connection:
        connection.execute(delete(key_segment).where(in_group))
        if values:
            connection.execute(insert(key_segment), values)
        connection.execute(
            update(supplier_import).where(supplier_import.c.id == revision).values(last_segment_id=last_id)
        )


def _erase(database: Database, revision: int) -> None:
    """Erases the record and the digests of retired rows."""
    query = (
        select(supplier.c.pk)
        .where(supplier.c.retired_by <= revision, supplier.c.record.is_not(None))
        .limit(QUERY_VALUES)
    )
    while True:
        with database.transaction("erase replaced suppliers") as connection:
            pks = connection.execute(query).scalars().all()
            if not pks:
                return
            connection.execute(
                update(supplier)
                .where(supplier.c.pk.in_(pks))
                .values(record=null(), id_digest=null(), content_digest=null())
            )
