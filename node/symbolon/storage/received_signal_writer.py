"""Storing what a lookup came to: labels, recalls, links and how far the peer was followed.

Handles: all of it in the caller's transaction. What it writes only ever goes forward: a label that is older
than what is held by now, or was recalled meanwhile, is passed over. Refuses an intake that does not fit the
session it is said to be of.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, insert, select, update

from symbolon.errors import StorageError
from symbolon.signals.facts import day_number
from symbolon.signals.intake import HeldState, Intake, Recall, Taken
from symbolon.signals.supplier_link import Hit
from symbolon.storage import received_signal_erasure as erasing
from symbolon.storage.exchange_receiver_store import ReceiverStore
from symbolon.storage.received_signal_columns import (
    KeptRecall,
    Label,
    LinkTable,
    label_digest,
    seal_label,
    seal_recall,
)
from symbolon.storage.received_signal_schema import (
    received_feed,
    received_form,
    received_narrative,
    received_signal,
)
from symbolon.storage.seal import Sealer
from symbolon.storage.signal_columns import pieces
from symbolon.suppliers.tier import Tier

MAX_KEY_ID_BYTES: Final = 64
"""What names a publisher's key: the key itself has 32, a SHA-512 has 64."""

_DAY_S: Final = 86400


@dataclass(frozen=True, slots=True)
class FeedPosition:
    """How far a session went in one tier.

    Attributes:
        tier: that was asked.
        epoch: the peer's key epoch.
        last_delta: the highest delta held.
    """

    tier: str
    epoch: int
    last_delta: int


class Writer:
    """Writes what one session came to.

    Args:
        connection: of the caller's transaction.
        sealer: of the sealed columns.
        receiving: what was received of the exchange.
        peer: the publisher.
        purpose: of the session.
        now_s: seconds since 1970-01-01 UTC.
    """

    def __init__(
        self,
        connection: Connection,
        sealer: Sealer,
        receiving: ReceiverStore,
        peer: str,
        purpose: str,
        now_s: int,
    ) -> None:
        self._connection = connection
        self._sealer = sealer
        self._receiving = receiving
        self._peer = peer
        self._purpose = purpose
        self._now_s = now_s

    def write(self, intake: Intake, key_id: bytes, positions: Sequence[FeedPosition]) -> None:
        """Writes all of it.

        Args:
            intake: judged against what is held of the same peer, purpose and tiers.
            key_id: names the publisher's key that signatures were verified by.
            positions: one for each tier that was asked.

        Raises:
            StorageError: `storage.received`, a key id is too long, or a tier is missing.
        """
        tiers = frozenset(each.tier for each in positions)
        asked = {str(hit.tier) for hits in intake.stands.values() for hit in hits}
        if len(key_id) > MAX_KEY_ID_BYTES or not asked <= tiers:
            raise StorageError("what a lookup came to does not fit its session", code="storage.received")
        connection, sealer, peer, purpose = self._connection, self._sealer, self._peer, self._purpose
        recalled = intake.recalls.keys()
        gone = intake.vanished | (intake.over - recalled)
        rows = self._rows(intake.taken.keys() | recalled)
        self._write_recalls(intake.recalls, rows)
        erasing.remove_forms(connection, sealer, peer, gone, self._now_s, purpose)
        taken = {each: one for each, one in intake.taken.items() if _follows(rows.get(each.hex()), one)}
        over = self._write_forms(taken, rows, key_id)
        erasing.drop_links(connection, sealer, peer, gone | over, purpose)
        erasing.drop_links(connection, sealer, peer, recalled)
        # Another process may have written something newer meanwhile, links included.
        outrun = intake.taken.keys() - taken.keys()
        by_tier: dict[Tier, dict[bytes, list[Hit]]] = {Tier(each): {} for each in sorted(tiers)}
        for signal_id, hits in intake.stands.items():
            if signal_id not in outrun and signal_id not in over:
                for hit in hits:
                    by_tier[hit.tier].setdefault(signal_id, []).append(hit)
        for tier, stands in by_tier.items():
            self._write_links(tier, LinkTable.of(stands, intake.labels), intake.kept | outrun)
        self._write_positions(positions)
        erasing.forget_signals(connection, self._receiving, peer, recalled)
        erasing.forget_signals(connection, self._receiving, peer, (intake.over - recalled) | over, purpose)

    def _write_recalls(self, recalls: Mapping[bytes, Recall], rows: Mapping[str, Row[Any]]) -> None:
        peer = self._peer
        erasing.remove_forms(self._connection, self._sealer, peer, recalls.keys(), self._now_s)
        # The links go next; on whom to undo what rested on a signal is to be known after them.
        about = erasing.suppliers_of(self._connection, self._sealer, peer, recalls.keys())
        added = []
        for signal_id, recall in recalls.items():
            row = rows.get(signal_id.hex())
            if row is not None and row.state == HeldState.RECALLED:
                continue
            until = day_number(recall.until)
            kept = KeptRecall(recall.reason, recall.issued, tuple(about.get(signal_id, ())))
            values = {
                "revision": recall.revision,
                "state": HeldState.RECALLED.value,
                "changed_at_s": self._now_s,
                "expires_day": until if row is None else max(until, row.expires_day),
                "recall": seal_recall(self._sealer, peer, signal_id, kept),
            }
            if row is None:
                added.append({**self._new_row(signal_id), **values})
            else:
                self._update_row(signal_id, values)
        if added:
            self._connection.execute(insert(received_signal), added)

    def _write_forms(
        self, taken: Mapping[bytes, Taken], rows: Mapping[str, Row[Any]], key_id: bytes
    ) -> frozenset[bytes]:
        """Writes labels; gives the ids of those whose time is over already, which are not there then."""
        peer, purpose, now_s = self._peer, self._purpose, self._now_s
        erasing.keep_replaced(self._connection, self._sealer, peer, purpose, taken, now_s)
        seen = {each: one for each, one in taken.items() if each.hex() in rows}
        self._drop_old_narratives(seen)
        held = self._held_forms(seen)
        signals, forms, over = [], [], set()
        for signal_id, each in taken.items():
            row, signal = rows.get(signal_id.hex()), each.signal
            expires = day_number(signal.expires)
            values = {
                "revision": signal.revision,
                "state": HeldState.ACTIVE.value,
                "changed_at_s": now_s,
                "expires_day": expires if row is None else max(expires, row.expires_day),
            }
            if row is None:
                signals.append({**self._new_row(signal_id), **values})
            else:
                if row.state == HeldState.ACTIVE and row.revision == signal.revision:
                    values["changed_at_s"] = row.changed_at_s
                self._update_row(signal_id, values)
            erase_at_s = _erase_at_s(each, now_s if row is None else row.first_received_at_s)
            form = {
                "revision": signal.revision,
                "received_at_s": now_s,
                "erase_at_s": erase_at_s,
                "digest": label_digest(self._sealer, b"".join(each.chunks)),
                "content": seal_label(self._sealer, peer, purpose, signal_id, Label(key_id, each.chunks)),
            }
            if erase_at_s <= now_s:
                over.add(signal_id)
            if signal_id.hex() in held:
                here = (
                    received_form.c.peer == peer,
                    received_form.c.purpose == purpose,
                    received_form.c.signal_id == signal_id.hex(),
                )
                self._connection.execute(update(received_form).where(*here).values(form))
            else:
                forms.append({"peer": peer, "signal_id": signal_id.hex(), "purpose": purpose, **form})
        for table, added in ((received_signal, signals), (received_form, forms)):
            if added:
                self._connection.execute(insert(table), added)
        erasing.remove_forms(self._connection, self._sealer, peer, over, now_s, purpose)
        return frozenset(over)

    def _drop_old_narratives(self, taken: Mapping[bytes, Taken]) -> None:
        """Erases narratives of other revisions, and those that may be shown no more."""
        table = received_narrative
        mine = table.c.peer == self._peer, table.c.purpose == self._purpose
        for some in pieces(sorted(each.hex() for each in taken)):
            query = select(table.c.signal_id, table.c.revision).where(*mine, table.c.signal_id.in_(some))
            for row in self._connection.execute(query).all():
                signal = taken[bytes.fromhex(row.signal_id)].signal
                if row.revision != signal.revision or not signal.has_narrative:
                    here = delete(table).where(*mine, table.c.signal_id == row.signal_id)
                    self._connection.execute(here)

    def _write_links(self, tier: Tier, stands: LinkTable, kept: frozenset[bytes]) -> None:
        def replaced(table: LinkTable) -> LinkTable:
            return table.only(kept.difference(stands.ids)).plus(stands)

        about = self._peer, self._purpose, tier.value
        erasing.rewrite_links(self._connection, self._sealer, *about, replaced)

    def _write_positions(self, positions: Sequence[FeedPosition]) -> None:
        table = received_feed
        mine = table.c.peer == self._peer, table.c.purpose == self._purpose
        tiers = [each.tier for each in positions]
        self._connection.execute(delete(table).where(*mine, table.c.tier.in_(tiers)))
        rows = [
            {
                "peer": self._peer,
                "purpose": self._purpose,
                "tier": each.tier,
                "epoch": each.epoch,
                "last_delta": each.last_delta,
                "last_looked_at_s": self._now_s,
            }
            for each in positions
        ]
        if rows:
            self._connection.execute(insert(table), rows)

    def _new_row(self, signal_id: bytes) -> dict[str, Any]:
        return {"peer": self._peer, "signal_id": signal_id.hex(), "first_received_at_s": self._now_s}

    def _update_row(self, signal_id: bytes, values: Mapping[str, Any]) -> None:
        here = received_signal.c.peer == self._peer, received_signal.c.signal_id == signal_id.hex()
        self._connection.execute(update(received_signal).where(*here).values(values))

    def _rows(self, signal_ids: Iterable[bytes]) -> dict[str, Row[Any]]:
        found = {}
        for some in pieces(sorted(each.hex() for each in signal_ids)):
            here = received_signal.c.peer == self._peer, received_signal.c.signal_id.in_(some)
            rows = self._connection.execute(select(received_signal).where(*here))
            found.update({row.signal_id: row for row in rows})
        return found

    def _held_forms(self, signal_ids: Iterable[bytes]) -> set[str]:
        found: set[str] = set()
        table = received_form
        mine = table.c.peer == self._peer, table.c.purpose == self._purpose
        for some in pieces(sorted(each.hex() for each in signal_ids)):
            query = select(table.c.signal_id).where(*mine, table.c.signal_id.in_(some))
            found.update(self._connection.execute(query).scalars())
        return found


def _follows(row: Row[Any] | None, taken: Taken) -> bool:
    """Whether a label may be written over what is there by now."""
    return row is None or (row.state != HeldState.RECALLED and row.revision <= taken.signal.revision)


def _erase_at_s(taken: Taken, first_s: int) -> int:
    """When the time of a label is over: by expiry, or by terms that count from the signal's first receipt."""
    expires = datetime.combine(taken.signal.expires, time(), UTC)
    retain = taken.signal.retain_days
    ends_s = int(expires.timestamp())
    return ends_s if retain is None else min(ends_s, first_s + retain * _DAY_S)
