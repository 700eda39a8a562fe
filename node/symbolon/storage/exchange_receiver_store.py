"""What this node, as receiver, holds of its peers' sets: own outputs, entries, and the sessions it began.

Everything a session brought is written in one transaction together with its audit entry and its matches;
a session that dies leaves what was there before. What a peer took back is overwritten: with the outputs that
stand beside them, its entries could be opened again for as long as the epoch lasts.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Select, delete, func, insert, select, update

from symbolon.audit.document import Document
from symbolon.errors import StorageError
from symbolon.exchange.id_sets import among
from symbolon.exchange.labels import LABEL_KINDS, LabelKind
from symbolon.exchange.limits import OUTPUT_BYTES
from symbolon.exchange.messages import Hello
from symbolon.exchange.receiver_set import Hits, OwnOutputs
from symbolon.exchange.sender_set import tag_prefixes
from symbolon.policy.operator_roles import LOCAL
from symbolon.storage.audit_log import AuditLog, session_entry
from symbolon.storage.database import Database
from symbolon.storage.exchange_columns import pack, unpack
from symbolon.storage.exchange_schema import exchange_session, received_part, received_set
from symbolon.storage.seal import OVERHEAD_BYTES, Sealer

Rows = npt.NDArray[np.uint8]

_GONE: Final = "gone"
"""The part that holds the tags of forgotten entries."""


@dataclass(frozen=True, slots=True, eq=False)
class HeldSet:
    """What a session must know of a held set before it can ask; `open` and `hits` give the rest.

    Attributes:
        row: of `received_set`.
        key_ids: uint64 `[n]`, own keys asked so far in the epoch, in the order of their outputs.
        entries: entries held, of all deltas.
    """

    row: int
    area: str
    epoch: int
    tag_bytes: int
    last_delta: int
    key_ids: npt.NDArray[np.uint64]
    entries: int


@dataclass(frozen=True, slots=True, eq=False)
class ReceivedState:
    """What is held of one set; how much that is does not depend on hits.

    Attributes:
        own: own keys asked so far in the epoch, with their probes.
        deltas: number to entries, all of the epoch.
    """

    own: OwnOutputs
    deltas: dict[int, bytes]


@dataclass(frozen=True, slots=True)
class Update:
    """What a session adds to one set.

    Attributes:
        old: own keys asked before, with their probes moved on.
        new: own keys asked in this session.
        hits: every entry opened so far in the epoch.
        deltas: received in this session.
        forget: tags whose labels are not to be opened again, n × tag bytes.
    """

    tier: str
    tag_bytes: int
    old: OwnOutputs
    new: OwnOutputs
    hits: Hits
    deltas: dict[int, bytes]
    forget: bytes = b""


@dataclass(frozen=True, slots=True, eq=False)
class OpenedSet:
    """What was opened of one held set.

    Attributes:
        row: of `received_set`.
        hits: every entry opened so far in the epoch, but for those forgotten.
    """

    row: int
    purpose: str
    tag_bytes: int
    hits: Hits


class ReceiverStore:
    """The receiver's side of the database; arguments as for `SenderStore`."""

    def __init__(
        self, database: Database, sealer: Sealer, clock: Callable[[], float], operator: str = LOCAL
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._clock = clock
        self._audit = AuditLog(database, sealer, clock, operator)

    def held(self, peer: str, area: str, purpose: str, suite: str, tier: str) -> HeldSet | None:
        """What is held of one set, in brief; None when nothing is."""
        size = func.sum(func.length(received_part.c.payload) - OVERHEAD_BYTES)
        with self._database.read("look up a received set") as connection:
            row = connection.execute(_select(peer, area, purpose, suite, tier)).first()
            if row is None:
                return None
            ids = self._parts(connection, row.id, "keys")
            entries = received_part.c.set_id == row.id, received_part.c.kind == "entries"
            held = connection.execute(select(size).where(*entries)).scalar() or 0
        key_ids = np.frombuffer(b"".join(ids.values()), np.uint64)
        width = LABEL_KINDS[area].entry_bytes(row.tag_bytes)
        return HeldSet(row.id, area, row.epoch, row.tag_bytes, row.last_delta, key_ids, held // width)

    def open(self, held: HeldSet) -> ReceivedState:
        """All that is held of a set but its hits. Nobody else may change it meanwhile.

        Raises:
            StorageError: it was dropped after `held` was read.
        """
        with self._database.read("load a received set") as connection:
            outputs = b"".join(self._parts(connection, held.row, "outputs").values())
            probes = self._parts(connection, held.row, "probes")
            deltas = self._parts(connection, held.row, "entries")
        if not probes or len(outputs) != OUTPUT_BYTES * len(held.key_ids):
            raise _dropped()
        slots, rows = unpack(probes[0], 2)
        own = OwnOutputs(held.key_ids, outputs, np.frombuffer(slots, np.uint8), rows)
        return ReceivedState(own, deltas)

    def hits(self, held: HeldSet) -> Hits:
        """Every entry of a set opened so far in the epoch. How long this takes tells how many there are.

        Raises:
            StorageError: the set was dropped after `held` was read.
        """
        with self._database.read("load the hits of a received set") as connection:
            hits = self._parts(connection, held.row, "hits")
        if not hits:
            raise _dropped()
        return _unpack_hits(hits[0], LABEL_KINDS[held.area])

    def _parts(self, connection: Connection, row: int, kind: str) -> dict[int, bytes]:
        """Opened parts of one kind by number, ascending."""
        query = select(received_part).where(received_part.c.set_id == row, received_part.c.kind == kind)
        parts = connection.execute(query.order_by(received_part.c.number)).all()
        return {
            part.number: self._sealer.open(
                "received_part", "payload", f"{row}/{kind}/{part.number}", part.payload
            )
            for part in parts
        }

    def forget(self, peer: str, area: str) -> None:
        """Drops everything held of a peer's sets: their epoch is over. Decisions and matches stay."""
        with self._database.transaction("forget a stale epoch") as connection:
            rows = connection.execute(
                select(received_set.c.id).where(received_set.c.peer == peer, received_set.c.area == area)
            ).scalars()
            for row in rows.all():
                _drop(connection, row)

    def begin_session(self, hello: Hello, peer: str, basis: str, request: Document, decision: str) -> None:
        """Writes session, request and audit entry; only then may the hello leave."""
        elements = {f"elements_{ask.tier}": ask.elements for ask in hello.tiers}
        with self._database.transaction("begin a session") as connection:
            connection.execute(
                insert(exchange_session).values(
                    session_id=hello.session_id.hex(),
                    role="receiver",
                    peer=peer,
                    mode=hello.mode,
                    purpose=hello.purpose,
                    started_at_s=int(self._clock()),
                    state="open",
                    sentence="",
                )
            )
            about = {"request": request.sha256, "decision": decision}
            entry = session_entry("asked", peer, hello, elements, basis, **about)
            self._audit.append_in(connection, entry, documents=(request,))

    def save(
        self, connection: Connection, hello: Hello, peer: str, epoch: int, updates: list[Update]
    ) -> None:
        """Adds what a session brought, inside the caller's transaction."""
        for each in updates:
            row = connection.execute(_select(peer, hello.area, hello.purpose, hello.suite, each.tier)).first()
            if row is not None and (row.epoch, row.tag_bytes) != (epoch, each.tag_bytes):
                _drop(connection, row.id)
                row = None
            last = max(each.deltas, default=row.last_delta if row is not None else 0)
            if row is None:
                added = insert(received_set).values(
                    peer=peer,
                    area=hello.area,
                    purpose=hello.purpose,
                    tier=each.tier,
                    suite=hello.suite,
                    epoch=epoch,
                    tag_bytes=each.tag_bytes,
                    last_delta=last,
                )
                number = connection.execute(added.returning(received_set.c.id)).scalar_one()
            else:
                number = row.id
                here = received_set.c.id == number
                connection.execute(update(received_set).where(here).values(last_delta=last))
            if len(each.new.key_ids):
                part = self._next_part(connection, number)
                self._add_part(connection, number, "keys", part, each.new.key_ids.tobytes())
                self._add_part(connection, number, "outputs", part, each.new.outputs)
            slots = each.old.slots.tobytes() + each.new.slots.tobytes()
            probes = pack(slots, each.old.probes + each.new.probes)
            self._replace_part(connection, number, "probes", probes)
            hits = pack(each.hits.key_ids.tobytes(), each.hits.labels.tobytes(), each.hits.tags)
            self._replace_part(connection, number, "hits", hits)
            for delta, entries in each.deltas.items():
                self._add_part(connection, number, "entries", delta, entries)
            if each.forget:
                self.forget_entries(connection, number, each.forget)

    def opened(
        self, connection: Connection, peer: str, area: str, purpose: str | None = None
    ) -> Iterator[OpenedSet]:
        """What was opened of all sets held of a peer in an area, in one purpose or in all."""
        query = select(received_set).where(received_set.c.peer == peer, received_set.c.area == area)
        if purpose is not None:
            query = query.where(received_set.c.purpose == purpose)
        for row in connection.execute(query.order_by(received_set.c.id)).all():
            for payload in self._parts(connection, row.id, "hits").values():
                hits = _unpack_hits(payload, LABEL_KINDS[area])
                yield OpenedSet(row.id, row.purpose, row.tag_bytes, hits)

    def forget_entries(self, connection: Connection, row: int, tags: bytes) -> int:
        """Overwrites entries of a held set and drops what was opened of them, in the caller's transaction.

        Their labels become random bytes. Their tags stay: the set is as long as before, and what the next
        session asks does not depend on what was forgotten. Which tags were forgotten is noted, so that a
        list of withdrawn tags, which is complete in every session, costs what is new of it.

        Args:
            connection: of the transaction; the call that brought the tags must have ended.
            row: of `received_set`; where it was dropped meanwhile, nothing is left to forget.
            tags: n × tag bytes, in any order; those that the set does not have are passed over.

        Returns:
            How many entries were overwritten.

        Raises:
            StorageError: `storage.columns`, a tag is torn.
        """
        columns = received_set.c.area, received_set.c.tag_bytes
        held = connection.execute(select(*columns).where(received_set.c.id == row)).first()
        if held is None:
            return 0
        if len(tags) % held.tag_bytes:
            raise StorageError("a tag to forget is torn", code="storage.columns")
        before = self._parts(connection, row, _GONE).get(0, b"")
        known = _rows(before, held.tag_bytes)
        gone = _rows(tags, held.tag_bytes)
        gone = gone[~_rows_among(gone, known)]
        if not len(gone):
            return 0
        kind = LABEL_KINDS[held.area]
        overwritten = 0
        here = received_part.c.set_id == row, received_part.c.kind == "entries"
        for number in connection.execute(select(received_part.c.number).where(*here)).scalars().all():
            overwritten += self._overwrite(connection, row, number, gone, kind.entry_bytes(held.tag_bytes))
        for payload in self._parts(connection, row, "hits").values():
            hits = _unpack_hits(payload, kind)
            of_hits = _rows(hits.tags, held.tag_bytes)
            keep = ~_rows_among(of_hits, gone)
            if not keep.all():
                left = pack(
                    hits.key_ids[keep].tobytes(), hits.labels[keep].tobytes(), of_hits[keep].tobytes()
                )
                self._replace_part(connection, row, "hits", left)
        self._replace_part(connection, row, _GONE, before + gone.tobytes())
        return overwritten

    def _overwrite(self, connection: Connection, row: int, number: int, gone: Rows, width: int) -> int:
        here = (
            received_part.c.set_id == row,
            received_part.c.kind == "entries",
            received_part.c.number == number,
        )
        place = f"{row}/entries/{number}"
        sealed = connection.execute(select(received_part.c.payload).where(*here)).scalar_one()
        entries = self._sealer.open("received_part", "payload", place, sealed)
        rows = _rows(entries, width)
        tag_bytes = gone.shape[1]
        at = np.flatnonzero(_rows_among(rows[:, :tag_bytes], gone))
        if len(at):
            rows = rows.copy()
            noise = np.frombuffer(os.urandom(len(at) * (width - tag_bytes)), np.uint8)
            rows[at, tag_bytes:] = noise.reshape(len(at), -1)
            payload = self._sealer.seal("received_part", "payload", place, rows.tobytes())
            connection.execute(update(received_part).where(*here).values(payload=payload))
        return len(at)

    def _next_part(self, connection: Connection, row: int) -> int:
        highest = select(func.max(received_part.c.number)).where(
            received_part.c.set_id == row, received_part.c.kind == "keys"
        )
        return (connection.execute(highest).scalar() or 0) + 1

    def _replace_part(self, connection: Connection, row: int, kind: str, payload: bytes) -> None:
        connection.execute(
            delete(received_part).where(received_part.c.set_id == row, received_part.c.kind == kind)
        )
        self._add_part(connection, row, kind, 0, payload)

    def _add_part(self, connection: Connection, row: int, kind: str, number: int, payload: bytes) -> None:
        sealed = self._sealer.seal("received_part", "payload", f"{row}/{kind}/{number}", payload)
        connection.execute(insert(received_part).values(set_id=row, kind=kind, number=number, payload=sealed))


def _rows(data: bytes, width: int) -> Rows:
    return np.frombuffer(data, np.uint8).reshape(-1, width)


def _rows_among(tags: Rows, wanted: Rows) -> npt.NDArray[np.bool_]:
    """Which tags are among some; unlike `find_tags` it finds every one of many that are alike."""
    found = among(tag_prefixes(tags), tag_prefixes(wanted))
    each = {row.tobytes() for row in wanted}
    for at in np.flatnonzero(found).tolist():
        found[at] = tags[at].tobytes() in each
    return found


def _dropped() -> StorageError:
    return StorageError(
        "what was held of the peer's set was dropped meanwhile", hint="Try again; it is asked anew."
    )


def _select(peer: str, area: str, purpose: str, suite: str, tier: str) -> Select[Any]:
    return select(received_set).where(
        received_set.c.peer == peer,
        received_set.c.area == area,
        received_set.c.purpose == purpose,
        received_set.c.suite == suite,
        received_set.c.tier == tier,
    )


def _unpack_hits(payload: bytes, kind: LabelKind) -> Hits:
    key_ids, labels, tags = unpack(payload, 3)
    none = kind.none()
    rows = np.frombuffer(labels, none.dtype).reshape(-1, *none.shape[1:])
    return Hits(np.frombuffer(key_ids, np.uint64), rows, tags)


def _drop(connection: Connection, row: int) -> None:
    connection.execute(delete(received_part).where(received_part.c.set_id == row))
    connection.execute(delete(received_set).where(received_set.c.id == row))
