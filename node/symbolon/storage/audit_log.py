"""The audit log in the node's database: appended to, never changed.

`append_in` writes entries as part of the transaction that holds the state they speak of: both are on the
disk, or neither. The tree over them grows in the same transaction, so an entry is under the head as soon as
it is there. Refuses: to append behind a head that does not fit the entries. docs/adr/0015.
"""

import json
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, and_, bindparam, delete, false, func, insert, or_, select, update

from symbolon.audit.document import Document, DocumentKind
from symbolon.audit.entry import FIELDS, HOUR_S, SALTS_BYTES, Entry, Event, commitments, leaf_bytes
from symbolon.audit.merkle import Frontier, leaf_hash
from symbolon.errors import StorageError
from symbolon.exchange.messages import Hello
from symbolon.policy.operator_roles import LOCAL
from symbolon.storage.audit_schema import audit_document, audit_entry, audit_head, audit_node
from symbolon.storage.database import Database
from symbolon.storage.exchange_schema import journal_line
from symbolon.storage.seal import Sealer

READ_AT_ONCE: Final = 1_000
"""Entries read in one query: a few MiB."""

_PAIRS_AT_ONCE: Final = 200
"""Nodes asked for in one query; a proof needs less than 130."""

# Made once: to build them anew takes as long as to run them.
_HEAD: Final = select(audit_head)
_INSERT_ENTRIES: Final = insert(audit_entry)
_INSERT_NODES: Final = insert(audit_node)
_MOVE_HEAD: Final = (
    update(audit_head)
    .where(audit_head.c.size == bindparam("before"))
    .values(size=bindparam("after"), frontier=bindparam("hashes"))
)


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry as it stands in the log.

    Attributes:
        number: place in the log, from 0.
        at_s: seconds since 1970-01-01 UTC.
        values: its fields by name; all '' where it expired.
        salts: one for each field; None where it expired.
        leaf: 32 bytes, hash of its leaf.
    """

    number: int
    at_s: int
    values: Mapping[str, str]
    salts: bytes | None
    leaf: bytes

    @property
    def entry(self) -> Entry:
        """What it says; of one that was not erased."""
        said = {name: self.values[name] for name in FIELDS if name not in ("counts", "hour", "operator")}
        return Entry(counts=json.loads(self.values["counts"]), **said)  # type: ignore[arg-type]

    def __repr__(self) -> str:
        return f"StoredEntry(number={self.number}, event={self.values['event']!r}, salts=<redacted>)"


def session_entry(
    event: Any, peer: str, hello: Hello, counts: Mapping[str, int], note: str = "", **more: str
) -> Entry:
    """An entry about the session that a hello opens; the arguments as in `Entry`."""
    return Entry(event, peer, hello.session_id.hex(), hello.mode, hello.purpose, counts, note, **more)


class AuditLog:
    """Writes and reads entries.

    Args:
        database: the node's.
        sealer: of its sealed columns.
        clock: seconds since 1970-01-01 UTC.
        operator: pseudonym of whom every entry written here is due to.
        rng: random bytes.
    """

    def __init__(
        self,
        database: Database,
        sealer: Sealer,
        clock: Callable[[], float],
        operator: str = LOCAL,
        rng: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._clock = clock
        self._operator = operator
        self._rng = rng

    def append(self, *entries: Entry, documents: Iterable[Document] = ()) -> None:
        """Returns only once the entries are on the disk.

        Args:
            entries: in order.
            documents: that they refer to.

        Raises:
            StorageError: they could not be written; what they announce must not happen.
        """
        with self._database.transaction("write the audit log") as connection:
            self.append_in(connection, *entries, documents=documents)

    def append_in(self, connection: Connection, *entries: Entry, documents: Iterable[Document] = ()) -> None:
        """Writes entries as part of the transaction that holds the state they speak of."""
        for document in documents:
            self.keep_in(connection, document)
        now_s = self._clock()
        self._append(connection, [(int(now_s), each.values(now_s, self._operator)) for each in entries])

    def keep(self, document: Document) -> None:
        """Keeps a document that entries to come will refer to; nothing where it is there already."""
        held = self.document(document.sha256)
        if held is None or not document.signatures.keys() <= held.signatures.keys():
            with self._database.transaction("keep a document of the audit log") as connection:
                self.keep_in(connection, document)

    def keep_in(self, connection: Connection, document: Document) -> str:
        """Keeps a document that an entry refers to, as part of the same transaction.

        One that is there already keeps its signatures and gets those that it lacked.

        Returns:
            Its SHA-256, hexadecimal.
        """
        here = audit_document.c.sha256 == document.sha256
        held = connection.execute(select(audit_document.c.signatures).where(here)).scalar()
        if held is None:
            values = {"kind": document.kind, "content": document.content}
            signatures = _signature_text(document.signatures)
            connection.execute(
                insert(audit_document).values(sha256=document.sha256, signatures=signatures, **values)
            )
        elif document.signatures:
            signatures = _signature_text({**document.signatures, **_signatures(held)})
            connection.execute(update(audit_document).where(here).values(signatures=signatures))
        return document.sha256

    def document(self, sha256: str) -> Document | None:
        """A document by its SHA-256, hexadecimal; None when it is not there."""
        query = select(audit_document).where(audit_document.c.sha256 == sha256)
        with self._database.read("read a document of the audit log") as connection:
            row = connection.execute(query).first()
        return None if row is None else Document(row.kind, row.content, _signatures(row.signatures))

    def hashes_of(self, kind: DocumentKind) -> list[str]:
        """The SHA-256 of every document of a kind, hexadecimal, ascending."""
        query = select(audit_document.c.sha256).where(audit_document.c.kind == kind)
        with self._database.read("list the documents of the audit log") as connection:
            return list(connection.execute(query.order_by(audit_document.c.sha256)).scalars())

    def _append(self, connection: Connection, rows: Sequence[tuple[int, Mapping[str, str]]]) -> None:
        frontier = read_frontier(connection)
        placed, leaves = [], []
        for number, (at_s, values) in enumerate(rows, frontier.size):
            salts = self._rng(SALTS_BYTES)
            leaf = leaf_hash(leaf_bytes(commitments(values, salts)))
            sealed = self._sealer.seal("audit_entry", "salts", number, salts)
            leaves.append(leaf)
            placed.append(
                {"number": number, "at_s": at_s, "salts": sealed, "leaf": leaf}
                | {name: value for name, value in values.items() if name != "hour"}
            )
        after, nodes = frontier.extend(leaves)
        if not placed:
            return
        connection.execute(_INSERT_ENTRIES, placed)
        if nodes:
            connection.execute(_INSERT_NODES, [each._asdict() for each in nodes])
        head = {"before": frontier.size, "after": after.size, "hashes": after.to_bytes()}
        if connection.execute(_MOVE_HEAD, head).rowcount != 1:
            raise StorageError("the head of the audit log does not fit it", code="storage.audit")

    def require_writable(self) -> None:
        """Does all that writing an entry takes, and writes none.

        Raises:
            StorageError: no entry could be written now, so that nothing may leave.
        """
        with self._database.transaction("test writing") as connection:
            # An empty transaction begins where nothing may be written, too.
            for table in (audit_entry, audit_node, audit_document):
                nothing = select(*table.c).where(false())
                connection.execute(insert(table).from_select(list(table.c), nothing))
            connection.execute(update(audit_head).where(false()).values(size=0))

    def last_written_at_s(self) -> int | None:
        """The latest time that an entry bears, seconds since 1970-01-01 UTC, or None without an entry."""
        with self._database.read("find the newest entry of the audit log") as connection:
            return connection.execute(select(func.max(audit_entry.c.at_s))).scalar()

    def size(self) -> int:
        """How many entries there are."""
        with self._database.read("look at the end of the audit log") as connection:
            return read_frontier(connection).size

    def newest(self, limit: int) -> list[StoredEntry]:
        """The newest entries, oldest of them first."""
        query = select(audit_entry).order_by(audit_entry.c.number.desc()).limit(limit)
        with self._database.read("read the audit log") as connection:
            return [self._opened(row) for row in reversed(connection.execute(query).all())]

    def newest_of(self, event: Event) -> StoredEntry | None:
        """The newest entry of an event, or None without one."""
        here = audit_entry.c.event == event
        query = select(audit_entry).where(here).order_by(audit_entry.c.number.desc()).limit(1)
        with self._database.read("read the audit log") as connection:
            row = connection.execute(query).first()
        return None if row is None else self._opened(row)

    def entries(self, first: int = 0, end: int | None = None) -> Iterator[StoredEntry]:
        """Entries in order, a few at a time.

        Args:
            first: number of the first.
            end: number after the last; None: to the end of the log.
        """
        column = audit_entry.c.number
        while end is None or first < end:
            last = first + READ_AT_ONCE if end is None else min(end, first + READ_AT_ONCE)
            query = select(audit_entry).where(column >= first, column < last).order_by(column)
            with self._database.read("read the audit log") as connection:
                rows = connection.execute(query).all()
            if not rows:
                return
            for row in rows:
                yield self._opened(row)
            first = last

    def frontier(self) -> Frontier:
        """Where the log ends."""
        with self._database.read("look at the end of the audit log") as connection:
            return read_frontier(connection)

    def nodes(self, wanted: Collection[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
        """Hashes of perfect sub-trees.

        Args:
            wanted: level above the leaves and position within it.

        Returns:
            32 bytes for each, but for those that the log does not have.
        """
        with self._database.read("read the tree of the audit log") as connection:
            return read_nodes(connection, wanted)

    def erase_before(self, at_s: int) -> int:
        """Erases salts and values of entries older than a time; their leaves stay, as does the tree.

        Returns:
            How many were erased.
        """
        old = and_(audit_entry.c.at_s < at_s, audit_entry.c.salts.is_not(None))
        empty = {name: "" for name in FIELDS if name != "hour"}
        with self._database.transaction("erase expired entries of the audit log") as connection:
            erased = connection.execute(update(audit_entry).where(old).values(salts=None, **empty)).rowcount
            if erased:
                self._drop_unnamed(connection)
                self.append_in(connection, Entry("erased", "", counts={"entries": erased}))
        return erased

    def _drop_unnamed(self, connection: Connection) -> None:
        """Erases the requests and results that no entry names any more."""
        named = [select(column) for column in (audit_entry.c.request, audit_entry.c.receipt)]
        unnamed = [audit_document.c.sha256.not_in(each) for each in named]
        own = audit_document.c.kind.in_(("request", "result"))
        connection.execute(delete(audit_document).where(own, *unnamed))

    def adopt_journal(self) -> int:
        """Takes the lines that an earlier release wrote into the log.

        Returns:
            How many there were.
        """
        with self._database.read("look for lines of the journal") as connection:
            if connection.execute(select(journal_line.c.id).limit(1)).first() is None:
                return 0
        with self._database.transaction("take the journal into the audit log") as connection:
            lines = connection.execute(select(journal_line).order_by(journal_line.c.id)).all()
            rows = []
            for line in lines:
                entry = Entry(line.event, line.peer, line.session_id, line.mode, line.purpose, note=line.note)
                values = entry.values(line.at_s, line.operator) | {"counts": line.counts}
                rows.append((line.at_s, values))
            self._append(connection, rows)
            connection.execute(delete(journal_line))
        return len(rows)

    def _opened(self, row: Row[Any]) -> StoredEntry:
        values = {name: getattr(row, name, "") for name in FIELDS}
        salts = None
        if row.salts is not None:
            values["hour"] = str(row.at_s // HOUR_S)
            salts = self._sealer.open("audit_entry", "salts", row.number, row.salts)
        return StoredEntry(row.number, row.at_s, values, salts, row.leaf)


def _signature_text(signatures: Mapping[str, bytes]) -> str:
    return json.dumps({member: each.hex() for member, each in signatures.items()}, sort_keys=True)


def _signatures(text: str) -> dict[str, bytes]:
    return {member: bytes.fromhex(each) for member, each in json.loads(text).items()}


def read_frontier(connection: Connection) -> Frontier:
    """Where the log ends.

    Raises:
        StorageError: the head is not there.
    """
    row = connection.execute(_HEAD).first()
    if row is None:
        raise StorageError("the audit log has no head", code="storage.audit")
    return Frontier.from_bytes(row.frontier)


def read_nodes(connection: Connection, wanted: Iterable[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
    """See `AuditLog.nodes`."""
    pairs = list(wanted)
    found: dict[tuple[int, int], bytes] = {}
    leaves = [position for level, position in pairs if level == 0]
    if leaves:
        query = select(audit_entry.c.number, audit_entry.c.leaf).where(audit_entry.c.number.in_(leaves))
        found |= {(0, row.number): row.leaf for row in connection.execute(query)}
    above = [pair for pair in pairs if pair[0]]
    for at in range(0, len(above), _PAIRS_AT_ONCE):
        either = [
            and_(audit_node.c.level == level, audit_node.c.position == position)
            for level, position in above[at : at + _PAIRS_AT_ONCE]
        ]
        for row in connection.execute(select(audit_node).where(or_(*either))):
            found[row.level, row.position] = row.hash
    return found
