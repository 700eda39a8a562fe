"""What this node, as receiver, holds of its peers' sets: own outputs, entries, and the sessions it began.

Everything a session brought is written in one transaction together with its journal line and its matches;
a session that dies leaves what was there before.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection, Select, delete, func, insert, select, update

from symbolon.exchange.limits import OUTPUT_BYTES
from symbolon.exchange.messages import Hello
from symbolon.exchange.receiver_set import NO_HITS, Hits, OwnOutputs
from symbolon.storage.database import Database
from symbolon.storage.exchange_columns import pack, unpack
from symbolon.storage.exchange_schema import exchange_session, received_part, received_set
from symbolon.storage.journal_store import JournalStore, session_line
from symbolon.storage.seal import Sealer


@dataclass(frozen=True, slots=True)
class ReceivedState:
    """What is held of one set.

    Attributes:
        own: own keys asked so far in the epoch, with their probes.
        hits: every entry opened so far in the epoch.
        deltas: number to entries, all of the epoch.
    """

    epoch: int
    tag_bytes: int
    last_delta: int
    own: OwnOutputs
    hits: Hits
    deltas: dict[int, bytes]


@dataclass(frozen=True, slots=True)
class Update:
    """What a session adds to one set.

    Attributes:
        asked: how many of `own`, at its end, were asked in this session.
        own: all own keys, with their probes moved on.
        hits: every entry opened so far in the epoch.
        deltas: received in this session.
    """

    tier: str
    tag_bytes: int
    asked: int
    own: OwnOutputs
    hits: Hits
    deltas: dict[int, bytes]


class ReceiverStore:
    """The receiver's side of the database; arguments as for `SenderStore`."""

    def __init__(self, database: Database, sealer: Sealer, clock: Callable[[], float]) -> None:
        self._database = database
        self._sealer = sealer
        self._clock = clock
        self._journal = JournalStore(database, clock)

    def load(self, peer: str, area: str, purpose: str, suite: str, tier: str) -> ReceivedState | None:
        """What is held of one set; None when nothing is."""
        with self._database.read("load a received set") as connection:
            row = connection.execute(_select(peer, area, purpose, suite, tier)).first()
            if row is None:
                return None
            parts = connection.execute(
                select(received_part).where(received_part.c.set_id == row.id).order_by(received_part.c.number)
            ).all()
        keys: list[list[bytes]] = []
        deltas = {}
        slots = probes = b""
        hits = NO_HITS
        for part in parts:
            place = f"{row.id}/{part.kind}/{part.number}"
            payload = self._sealer.open("received_part", "payload", place, part.payload)
            match part.kind:
                case "entries":
                    deltas[part.number] = payload
                case "outputs":
                    keys.append(unpack(payload, 2))
                case "probes":
                    slots, probes = unpack(payload, 2)
                case "hits":
                    hits = _unpack_hits(payload)
        ids, outputs = (b"".join(column) for column in zip(*keys, strict=True)) if keys else (b"", b"")
        own = OwnOutputs(np.frombuffer(ids, np.uint64), outputs, np.frombuffer(slots, np.uint8), probes)
        return ReceivedState(row.epoch, row.tag_bytes, row.last_delta, own, hits, deltas)

    def forget(self, peer: str, area: str) -> None:
        """Drops everything held of a peer's sets: their epoch is over. Decisions and matches stay."""
        with self._database.transaction("forget a stale epoch") as connection:
            rows = connection.execute(
                select(received_set.c.id).where(received_set.c.peer == peer, received_set.c.area == area)
            ).scalars()
            for row in rows.all():
                _drop(connection, row)

    def begin_session(self, hello: Hello, peer: str, basis: str) -> None:
        """Writes session and journal line; only then may the hello leave."""
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
            line = session_line("asked", peer, hello, elements, basis)
            self._journal.write_in(connection, line)

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
            if each.asked:
                columns = pack(
                    each.own.key_ids[-each.asked :].tobytes(), each.own.outputs[-OUTPUT_BYTES * each.asked :]
                )
                self._add_part(connection, number, "outputs", self._next_part(connection, number), columns)
            probes = pack(each.own.slots.tobytes(), each.own.probes)
            self._replace_part(connection, number, "probes", probes)
            hits = pack(each.hits.key_ids.tobytes(), each.hits.handles.tobytes(), each.hits.tags)
            self._replace_part(connection, number, "hits", hits)
            for delta, entries in each.deltas.items():
                self._add_part(connection, number, "entries", delta, entries)

    def _next_part(self, connection: Connection, row: int) -> int:
        highest = select(func.max(received_part.c.number)).where(
            received_part.c.set_id == row, received_part.c.kind == "outputs"
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


def _select(peer: str, area: str, purpose: str, suite: str, tier: str) -> Select[Any]:
    return select(received_set).where(
        received_set.c.peer == peer,
        received_set.c.area == area,
        received_set.c.purpose == purpose,
        received_set.c.suite == suite,
        received_set.c.tier == tier,
    )


def _unpack_hits(payload: bytes) -> Hits:
    key_ids, handles, tags = unpack(payload, 3)
    return Hits(np.frombuffer(key_ids, np.uint64), np.frombuffer(handles, np.uint64), tags)


def _drop(connection: Connection, row: int) -> None:
    connection.execute(delete(received_part).where(received_part.c.set_id == row))
    connection.execute(delete(received_set).where(received_set.c.id == row))
