"""Reading received signals: views of what stands, tombstones, one signal by its id.

Handles: everything that is shown, on one connection. Refuses an id that is none, that nothing has, or that
several have. A label that this release does not read is left out, and the log says how many there are.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, and_, select

from symbolon.errors import SignalError
from symbolon.signals.facts import numbered_day
from symbolon.signals.intake import HeldState
from symbolon.signals.supplier_link import Hit
from symbolon.storage.delegation_columns import published_elsewhere
from symbolon.storage.match_store import Decision, MatchStore
from symbolon.storage.received_signal_columns import (
    Label,
    LinkTable,
    open_label,
    open_links,
    open_narrative,
    open_recall,
)
from symbolon.storage.received_signal_schema import (
    received_form,
    received_narrative,
    received_signal,
    received_signal_link,
)
from symbolon.storage.received_signal_view import (
    Publisher,
    Publishers,
    ReceivedView,
    Tombstone,
    read_label,
    received_links,
)
from symbolon.storage.seal import Sealer
from symbolon.storage.signal_columns import pieces
from symbolon.storage.signal_lookup import LIST_HINT, typed_id
from symbolon.suppliers.tier import Tier

log = logging.getLogger(__name__)


class Reader:
    """Reads what other members released.

    Args:
        sealer: of the sealed columns.
        clock: seconds since 1970-01-01 UTC.
        matches: what people decided about matches.
    """

    def __init__(self, sealer: Sealer, clock: Callable[[], float], matches: MatchStore) -> None:
        self._sealer = sealer
        self._clock = clock
        self._matches = matches

    def views(
        self, connection: Connection, publishers: Publishers, where: Iterable[Any] = ()
    ) -> Iterator[ReceivedView]:
        """Signals that stand, by publisher and purpose, the newest first.

        Args:
            connection: of the caller.
            publishers: of the coalition as it is now.
            where: what rows of `received_form` have to fulfil.
        """
        rows = connection.execute(_standing(int(self._clock())).where(*where)).all()
        copies = _copies(connection, {row.signal_id for row in rows})
        delegated = published_elsewhere(connection, self._sealer) if rows else frozenset()
        wanted: dict[tuple[str, str], set[bytes]] = {}
        for row in rows:
            wanted.setdefault((row.peer, row.purpose), set()).add(bytes.fromhex(row.signal_id))
        shared: dict[tuple[str, str], _Shared] = {}
        unread = 0
        for row in rows:
            place = row.peer, row.purpose
            if place not in shared:
                shared[place] = self._shared(connection, publishers, *place, wanted[place])
            label = self.label(row)
            try:
                read = read_label(label, shared[place].publisher)
            except SignalError:
                unread += 1
                continue
            hits = shared[place].hits.get(bytes.fromhex(row.signal_id), ())
            yield ReceivedView(
                peer=row.peer,
                purpose=row.purpose,
                signal=read.signal,
                links=received_links(hits, self._matches.evidence_digest, shared[place].decisions),
                verified=read.verified,
                key_id=label.key_id,
                first_received_at_s=row.first_received_at_s,
                received_at_s=row.received_at_s,
                erase_at_s=row.erase_at_s,
                newest_revision=row.newest_revision,
                also_under=tuple(each for each in copies.get(row.signal_id, ()) if each != row.peer),
                has_text=bool(row.has_text),
                is_own=(row.peer, bytes.fromhex(row.signal_id)) in delegated,
            )
        if unread:
            log.warning("%d received signals cannot be read by this release and are not shown", unread)

    def _shared(
        self,
        connection: Connection,
        publishers: Publishers,
        peer: str,
        purpose: str,
        signal_ids: Collection[bytes],
    ) -> "_Shared":
        hits: dict[bytes, list[Hit]] = {}
        for row, table in self.link_tables(connection, peer, purpose):
            for signal_id, some in table.hits(Tier(row.tier), signal_ids).items():
                hits.setdefault(signal_id, []).extend(some)
        return _Shared(publishers(peer), self._matches.decisions(peer), hits)

    def link_tables(
        self, connection: Connection, peer: str | None, purpose: str | None
    ) -> Iterator[tuple[Row[Any], LinkTable]]:
        """Links with the rows that hold them, of one publisher or purpose or of all."""
        table = received_signal_link
        chosen = only(table, peer, purpose)
        query = select(table).where(*chosen).order_by(table.c.peer, table.c.purpose, table.c.tier)
        for row in connection.execute(query).all():
            yield row, open_links(self._sealer, row.peer, row.purpose, row.tier, row.payload)

    def label(self, row: Any) -> Label:
        """The label in a row of `received_form`."""
        return open_label(self._sealer, row.peer, row.purpose, bytes.fromhex(row.signal_id), row.content)

    def tombstone(self, row: Row[Any]) -> Tombstone:
        """What is left of a recalled signal, from its row of `received_signal`."""
        signal_id = bytes.fromhex(row.signal_id)
        kept = open_recall(self._sealer, row.peer, signal_id, row.recall)
        return Tombstone(
            peer=row.peer,
            signal_id=signal_id,
            revision=row.revision,
            reason=kept.reason,
            issued=kept.issued,
            recalled_at_s=row.changed_at_s,
            until=numbered_day(row.expires_day),
            suppliers=kept.suppliers,
        )

    def narrative(self, connection: Connection, view: ReceivedView) -> str:
        """The narrative of a signal that stands; '' where none is held."""
        table, signal_id = received_narrative, view.signal.signal_id.hex()
        query = (
            select(table.c.text)
            .join(received_form, _of_one_form())
            .where(
                table.c.peer == view.peer,
                table.c.purpose == view.purpose,
                table.c.signal_id == signal_id,
                table.c.revision == view.signal.revision,
                received_form.c.erase_at_s > int(self._clock()),
            )
        )
        text = connection.execute(query).scalar()
        if text is None:
            return ""
        return open_narrative(self._sealer, view.peer, view.purpose, view.signal.signal_id, text)


@dataclass(frozen=True, slots=True)
class _Shared:
    """What views of one publisher and purpose share."""

    publisher: Publisher | None
    decisions: Mapping[tuple[int, bytes], Decision]
    hits: Mapping[bytes, Sequence[Hit]]


def row_of(connection: Connection, hex_id: str, peer: str | None) -> Row[Any]:
    """The row of `received_signal` of an id, or of a beginning that no other id has.

    Raises:
        SignalError: `signal.unknown`, or `signal.ambiguous`.
    """
    wanted = typed_id(hex_id)
    column = received_signal.c.signal_id
    query = select(received_signal).where(column >= wanted, column < wanted + "g")
    if peer is not None:
        query = query.where(received_signal.c.peer == peer)
    rows = connection.execute(query.order_by(column, received_signal.c.peer).limit(2)).all()
    if not rows:
        raise SignalError(f"no signal {wanted} was received", hint=LIST_HINT, code="signal.unknown")
    if len(rows) > 1:
        hint = "Give more of it."
        if rows[0].signal_id == rows[1].signal_id:
            hint = f"Name its publisher: {rows[0].peer} and {rows[1].peer} use the same id."
        raise SignalError(
            f"several received signals have an id that begins with {wanted}",
            hint=hint,
            code="signal.ambiguous",
        )
    return rows[0]


def only(table: Any, peer: str | None, purpose: str | None) -> tuple[Any, ...]:
    """Rows of a table of one publisher or purpose; of all where neither is named."""
    chosen = ((table.c.peer, peer), (table.c.purpose, purpose))
    return tuple(column == value for column, value in chosen if value is not None)


def _standing(now_s: int) -> Any:
    """Rows for views."""
    form, signal = received_form, received_signal
    same = and_(signal.c.peer == form.c.peer, signal.c.signal_id == form.c.signal_id)
    text = select(received_narrative.c.peer).where(_of_one_form())
    return (
        select(
            form,
            signal.c.first_received_at_s,
            signal.c.revision.label("newest_revision"),
            text.exists().label("has_text"),
        )
        .join(signal, same)
        .where(signal.c.state == HeldState.ACTIVE.value, form.c.erase_at_s > now_s)
        .order_by(form.c.peer, form.c.purpose, form.c.received_at_s.desc(), form.c.signal_id)
    )


def _of_one_form() -> Any:
    """True where a narrative is of what stands."""
    text, form = received_narrative, received_form
    return and_(
        *(text.c[name] == form.c[name] for name in ("peer", "signal_id", "purpose", "revision")),
    )


def _copies(connection: Connection, signal_ids: Iterable[str]) -> dict[str, list[str]]:
    """The peers that used some ids."""
    table = received_signal
    found: dict[str, list[str]] = {}
    for some in pieces(sorted(signal_ids)):
        query = select(table.c.signal_id, table.c.peer).where(table.c.signal_id.in_(some))
        for signal_id, peer in connection.execute(query.order_by(table.c.peer)):
            found.setdefault(signal_id, []).append(peer)
    return found
