"""What this node, as sender, grants and releases: key epochs, handles, released sets, sessions.

One transaction opens a session (epoch checked, budget debited, session and audit entry written) before a
single element is evaluated; one transaction records a delta (entries, handles, audit entry) before a single
entry leaves. Erasing an epoch removes its seed, handles and sets.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Row, Select, case, insert, select, update

from symbolon.audit.document import Document
from symbolon.errors import PermissionDeniedError, RemoteProtocolError, StaleEpochError, UnavailableError
from symbolon.exchange.id_sets import among, distinct
from symbolon.exchange.limits import HANDLE_BYTES, MAX_DELTAS, SIZE_SESSIONS_PER_EPOCH
from symbolon.exchange.messages import Hello
from symbolon.exchange.sender_set import Delta, Released, tag_bytes_for
from symbolon.policy.operator_roles import LOCAL
from symbolon.policy.permission import Grant, Usage
from symbolon.storage.audit_log import AuditLog, session_entry
from symbolon.storage.database import Database
from symbolon.storage.exchange_budget import BudgetLimits, Spent, debit, read_spent
from symbolon.storage.exchange_columns import pack, unpack
from symbolon.storage.exchange_schema import (
    exchange_session,
    key_epoch,
    record_handle,
    released_delta,
    released_set,
)
from symbolon.storage.exchange_usage import count_keys, keys_by_tier, read_usage
from symbolon.storage.key_epochs import erase_epoch
from symbolon.storage.seal import Sealer

SEED_BYTES = 64
_DAY_S = 86400
_HEADROOM = 2
"""Tags are made for twice the elements and entries of the first session, so that small growth keeps them."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """A live key epoch: its row, number, seed and start."""

    row: int
    number: int
    seed: bytes
    created_at_s: int

    def __repr__(self) -> str:
        return f"Epoch(number={self.number}, seed=<redacted>)"


@dataclass(frozen=True, slots=True)
class LiveEpoch:
    """A live key epoch as `symbolon status` shows it; its end in seconds since 1970-01-01 UTC."""

    peer: str
    area: str
    number: int
    expires_at_s: int


@dataclass(frozen=True, slots=True)
class SetState:
    """A released set as it stands.

    Attributes:
        row: of `released_set`.
        released: true entries so far.
        deltas: number to entries, those above the receiver's `have_delta`.
        next_number: of the next delta.
        last_added_s: when the newest delta that was due was recorded; None when there is none.
    """

    row: int
    released: Released
    deltas: dict[int, bytes]
    next_number: int
    last_added_s: int | None


class SenderStore:
    """The sender's side of the database.

    Args:
        database: the node's.
        sealer: of its sealed columns.
        clock: seconds since 1970-01-01 UTC.
        rng: random bytes from the operating system.
        operator: pseudonym that its audit entries carry.
    """

    def __init__(
        self,
        database: Database,
        sealer: Sealer,
        clock: Callable[[], float],
        rng: Callable[[int], bytes],
        operator: str = LOCAL,
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._clock = clock
        self._rng = rng
        self._audit = AuditLog(database, sealer, clock, operator)

    def current_epoch(self, peer: str, area: str, grant: Grant, *, epoch_days: int) -> Epoch:
        """The peer's live epoch; a new one when there is none, it has expired, or the grant narrowed.

        Expired epochs of all peers are erased on the way: one that never asks again keeps no key alive.
        """
        now = int(self._clock())
        with self._database.transaction("look up the key epoch") as connection:
            expired = select(key_epoch.c.id).where(
                key_epoch.c.seed.is_not(None), key_epoch.c.expires_at_s <= now
            )
            for row in connection.execute(expired).scalars().all():
                erase_epoch(connection, row)
            live = connection.execute(
                select(key_epoch).where(
                    key_epoch.c.peer == peer, key_epoch.c.area == area, key_epoch.c.seed.is_not(None)
                )
            ).first()
            if live is not None and set(json.loads(live.scope)) <= set(grant.scope):
                if set(json.loads(live.scope)) != set(grant.scope):
                    scope = json.dumps(sorted(grant.scope))
                    connection.execute(update(key_epoch).where(key_epoch.c.id == live.id).values(scope=scope))
                seed = self._open_seed(peer, area, live.number, live.seed)
                return Epoch(live.id, live.number, seed, live.created_at_s)
            if live is not None:
                erase_epoch(connection, live.id)
            return self._begin_epoch(connection, peer, area, grant, now, epoch_days)

    def _begin_epoch(
        self, connection: Connection, peer: str, area: str, grant: Grant, now: int, epoch_days: int
    ) -> Epoch:
        last = connection.execute(
            select(key_epoch)
            .where(key_epoch.c.peer == peer, key_epoch.c.area == area)
            .order_by(key_epoch.c.number.desc())
            .limit(1)
        ).first()
        number = last.number + 1 if last is not None else 1
        # A peer can bring about an early end; that must not buy it size sessions.
        held = last.size_sessions if last is not None and now < last.expires_at_s else 0
        seed = self._rng(SEED_BYTES)
        row = connection.execute(
            insert(key_epoch)
            .values(
                peer=peer,
                area=area,
                number=number,
                scope=json.dumps(sorted(grant.scope)),
                seed=self._sealer.seal("key_epoch", "seed", f"{peer}/{area}/{number}", seed),
                created_at_s=now,
                expires_at_s=now + epoch_days * _DAY_S,
                size_sessions=held,
            )
            .returning(key_epoch.c.id)
        ).scalar_one()
        return Epoch(row, number, seed, now)

    def _open_seed(self, peer: str, area: str, number: int, sealed: bytes) -> bytes:
        return self._sealer.open("key_epoch", "seed", f"{peer}/{area}/{number}", sealed)

    def rotate(self, peer: str) -> None:
        """Erases the live epochs of a peer."""
        self.erase_where(lambda owner, _: owner == peer)

    def erase_where(self, ends: Callable[[str, frozenset[str]], bool]) -> int:
        """Erases live epochs; the next session of each peer begins a new one.

        Args:
            ends: told the peer of an epoch and the scope it was begun under; whether to erase it.

        Returns:
            How many were erased.
        """
        with self._database.transaction("erase key epochs") as connection:
            live = connection.execute(select(key_epoch).where(key_epoch.c.seed.is_not(None))).all()
            over = [row for row in live if ends(row.peer, frozenset(json.loads(row.scope)))]
            for row in over:
                erase_epoch(connection, row.id)
        return len(over)

    def usage(self, peer: str, area: str, hello: Hello, limits: BudgetLimits) -> Usage:
        """What a peer asks by a hello, and has asked before in its live epoch and in this year."""
        with self._database.read("read what a peer has asked") as connection:
            asked = keys_by_tier(hello)
            return read_usage(connection, limits, peer=peer, area=area, asked=asked, now_s=self._clock())

    def open_session(
        self,
        hello: Hello,
        peer: str,
        grant: Grant,
        epoch: Epoch,
        limits: BudgetLimits,
        request: Document,
    ) -> None:
        """Debits the budget and writes session, request and audit entry, all or nothing.

        Raises:
            StaleEpochError: the hello names an epoch that is not the live one, or it was erased meanwhile.
            RemoteProtocolError: a session of this id was held before (`protocol.session`).
            BudgetError: the budget does not cover the elements declared.
            PermissionDeniedError: size mode, and the sessions of this epoch are used up.
        """
        if hello.epoch not in (0, epoch.number):
            raise StaleEpochError(
                f"{peer} holds state of epoch {hello.epoch}, the live one is {epoch.number}"
            )
        with self._database.transaction("open a session") as connection:
            _require_alive(connection, epoch)
            held = select(exchange_session.c.peer).where(
                exchange_session.c.session_id == hello.session_id.hex(), exchange_session.c.role == "sender"
            )
            if connection.execute(held).first() is not None:
                raise RemoteProtocolError(
                    "a session of this id was held before; an id is drawn afresh", code="protocol.session"
                )
            if hello.mode == "size":
                self._count_size_session(connection, epoch)
            asked = keys_by_tier(hello)
            count_keys(connection, epoch.row, asked)
            for tier, count in asked.items():
                debit(
                    connection,
                    limits,
                    peer=peer,
                    area=hello.area,
                    tier=tier,
                    count=count,
                    now_s=self._clock(),
                )
            connection.execute(
                insert(exchange_session).values(
                    session_id=hello.session_id.hex(),
                    role="sender",
                    peer=peer,
                    mode=hello.mode,
                    purpose=hello.purpose,
                    started_at_s=int(self._clock()),
                    state="open",
                    sentence="",
                )
            )
            elements = {f"elements_{ask.tier}": ask.elements for ask in hello.tiers}
            about = {"request": request.sha256, "decision": grant.decision}
            entry = session_entry("answered", peer, hello, elements, grant.basis, **about)
            self._audit.append_in(connection, entry, documents=(request,))

    def _count_size_session(self, connection: Connection, epoch: Epoch) -> None:
        here = key_epoch.c.id == epoch.row
        held = connection.execute(select(key_epoch.c.size_sessions).where(here)).scalar_one()
        if held >= SIZE_SESSIONS_PER_EPOCH:
            raise PermissionDeniedError(
                f"{SIZE_SESSIONS_PER_EPOCH} size sessions were held in this epoch",
                hint="Size mode is open again in the next key epoch.",
                code="permission.size_sessions",
            )
        connection.execute(update(key_epoch).where(here).values(size_sessions=held + 1))

    def load_set(
        self,
        epoch: Epoch,
        *,
        purpose: str,
        tier: str,
        suite: str,
        have_delta: int,
        elements: int,
        entries: int,
        least_epoch_s: int = 0,
    ) -> SetState:
        """The set of one tier, made when it does not exist; notes the elements the peer asks now.

        Args:
            epoch: the peer's live epoch.
            purpose: of the session.
            tier: of the set.
            suite: of the session.
            have_delta: highest delta the peer holds whole.
            elements: of this session, padding included.
            entries: the node's whole set of this tier, padding included; fixes the tag length of a new set.
            least_epoch_s: age below which a receiver's claim does not end the epoch; it could otherwise
                see the list as often as it likes.

        Raises:
            StaleEpochError: the epoch was erased, for one of: its tags are too short for what has come
                together; it has as many deltas as one may have; the receiver holds a delta that this
                database has never seen, so it was restored from a backup and could use a slot twice.
            UnavailableError: the last of these, in an epoch younger than `least_epoch_s`.
        """
        where = (
            released_set.c.epoch_id == epoch.row,
            released_set.c.purpose == purpose,
            released_set.c.tier == tier,
            released_set.c.suite == suite,
        )
        with self._database.transaction("load a released set") as connection:
            _require_alive(connection, epoch)
            row = connection.execute(select(released_set).where(*where)).first()
            if row is None:
                tag_bytes = tag_bytes_for(_HEADROOM * elements, _HEADROOM * entries)
                added = insert(released_set).values(
                    epoch_id=epoch.row,
                    purpose=purpose,
                    tier=tier,
                    suite=suite,
                    tag_bytes=tag_bytes,
                    elements=0,
                )
                row = connection.execute(added.returning(*released_set.c)).one()
            # Entries that the receiver holds already are megabytes to leave unread.
            missing = case((released_delta.c.number > have_delta, released_delta.c.entries))
            columns = [column for column in released_delta.c if column is not released_delta.c.entries]
            deltas: Select[Any] = select(*columns, missing.label("entries")).where(
                released_delta.c.set_id == row.id
            )
            parts = connection.execute(deltas.order_by(released_delta.c.number)).all()
            asked = row.elements + elements
            needed = tag_bytes_for(asked, max(entries, sum(part.entry_count for part in parts)))
            restored = have_delta > max((part.number for part in parts), default=0)
            if restored and self._clock() - epoch.created_at_s < least_epoch_s:
                raise UnavailableError(
                    "the receiver holds a delta that this database has never seen, in a young key epoch",
                    hint="If this node was restored from a backup, run `symbolon coalition rotate`.",
                    code="unavailable.epoch",
                )
            over = restored or needed > row.tag_bytes or len(parts) >= MAX_DELTAS
            if over:
                erase_epoch(connection, epoch.row)
            else:
                here = released_set.c.id == row.id
                connection.execute(update(released_set).where(here).values(elements=asked))
        if over:
            raise StaleEpochError("the key epoch cannot go on and was erased; the next session begins anew")
        return self._set_state(row.id, row.tag_bytes, parts, have_delta)

    def _set_state(self, row: int, tag_bytes: int, parts: Sequence[Row[Any]], have_delta: int) -> SetState:
        columns: list[list[bytes]] = []
        deltas: dict[int, bytes] = {}
        total, number = 0, 0
        added_s: int | None = None
        for part in parts:
            place = f"{row}/{part.number}"
            columns.append(unpack(self._sealer.open("released_delta", "columns", place, part.columns), 4))
            if part.number > have_delta:
                deltas[part.number] = self._sealer.open("released_delta", "entries", place, part.entries)
            total += part.entry_count
            number = part.number
            if part.batch:
                added_s = part.created_at_s
        joined = [b"".join(column) for column in zip(*columns, strict=True)] or [b""] * 4
        released = Released(
            tag_bytes,
            np.frombuffer(joined[0], np.uint64),
            np.frombuffer(joined[1], np.uint64),
            np.frombuffer(joined[2], np.uint8),
            joined[3],
            total,
        )
        return SetState(row, released, deltas, number + 1, added_s)

    def handles(self, epoch: Epoch, suppliers: npt.NDArray[np.uint64]) -> "Handles":
        """Record handles of suppliers in an epoch; draws those that do not exist yet, without saving them."""
        query = (
            select(record_handle).where(record_handle.c.epoch_id == epoch.row).order_by(record_handle.c.part)
        )
        with self._database.read("load record handles") as connection:
            parts = connection.execute(query).all()
        known: list[list[bytes]] = []
        for part in parts:
            opened = self._sealer.open("record_handle", "payload", f"{epoch.row}/{part.part}", part.payload)
            known.append(unpack(opened, 2))
        owners = np.frombuffer(b"".join(columns[0] for columns in known), np.uint64)
        values = np.frombuffer(b"".join(columns[1] for columns in known), np.uint64)
        fresh_owners = distinct(suppliers[~among(suppliers, owners)])
        fresh_values = self._draw_handles(len(fresh_owners), values)
        owners, values = np.concatenate([owners, fresh_owners]), np.concatenate([values, fresh_values])
        order = np.argsort(owners)
        of_each = values[order][np.searchsorted(owners[order], suppliers)]
        rows = of_each.astype(">u8").view(np.uint8).reshape(-1, 8)[:, 8 - HANDLE_BYTES :]
        return Handles(rows, len(known) + 1, pack(fresh_owners.tobytes(), fresh_values.tobytes()))

    def _draw_handles(self, count: int, taken: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
        drawn = np.empty(0, np.uint64)
        while len(drawn) < count:
            more = np.frombuffer(self._rng(8 * (count - len(drawn))), np.uint64)
            more = more >> np.uint64(8 * (8 - HANDLE_BYTES))
            drawn = distinct(np.concatenate([drawn, more]))
            drawn = drawn[~among(drawn, taken)]
        # Sorted by now; the order must not follow the supplier numbers.
        keys = np.frombuffer(self._rng(8 * count), np.uint64)
        return drawn[np.argsort(keys)]

    def record_delta(
        self,
        hello: Hello,
        peer: str,
        epoch: Epoch,
        state: SetState,
        tier: str,
        delta: Delta,
        beside: Callable[[Connection], None],
        *,
        batch: bool = True,
    ) -> None:
        """Writes a delta, what its labels need and the audit entry; only then may an entry leave.

        Args:
            hello: of the session.
            peer: who gets it.
            epoch: the peer's live one.
            state: of the set before.
            tier: of the set.
            delta: what comes to it.
            beside: writes what is to be remembered of its labels, in the same transaction.
            batch: whether it was due; what is told at once puts off nothing.
        """
        place = f"{state.row}/{delta.number}"
        added = delta.added
        columns = pack(added.key_ids.tobytes(), added.suppliers.tobytes(), added.slots.tobytes(), added.tags)
        with self._database.transaction("record a delta") as connection:
            _require_alive(connection, epoch)
            connection.execute(
                insert(released_delta).values(
                    set_id=state.row,
                    number=delta.number,
                    created_at_s=int(self._clock()),
                    entry_count=added.entries,
                    batch=batch,
                    entries=self._sealer.seal("released_delta", "entries", place, delta.entries),
                    columns=self._sealer.seal("released_delta", "columns", place, columns),
                )
            )
            beside(connection)
            counts = {"entries": added.entries, "delta": delta.number}
            self._audit.append_in(connection, session_entry("released", peer, hello, counts, f"tier {tier}"))

    def save_handles(self, connection: Connection, epoch: Epoch, handles: "Handles") -> None:
        """Keeps the handles that `handles` drew, inside the caller's transaction."""
        sealed = self._sealer.seal("record_handle", "payload", f"{epoch.row}/{handles.part}", handles.fresh)
        connection.execute(
            insert(record_handle).values(epoch_id=epoch.row, part=handles.part, payload=sealed)
        )

    def end_epoch(self, epoch: Epoch) -> None:
        """Erases an epoch: what was released in it cannot be opened by further keys."""
        with self._database.transaction("end a key epoch") as connection:
            erase_epoch(connection, epoch.row)

    def record_withdrawal(self, hello: Hello, peer: str, tier: str, count: int) -> None:
        """Writes the audit entry of withdrawn tags about to leave."""
        self._audit.append(session_entry("withdrawn", peer, hello, {"tags": count}, f"tier {tier}"))

    def record_size_set(self, hello: Hello, peer: str, tokens: int) -> None:
        """Writes the audit entry of a size set about to leave."""
        self._audit.append(
            session_entry("released", peer, hello, {"tokens": tokens}, f"tiers {hello.tiers[0].tier}")
        )

    def live_epochs(self) -> list[LiveEpoch]:
        """The live key epochs by peer, those whose time is over but which nobody has noticed included."""
        table = key_epoch.c
        query = select(table.peer, table.area, table.number, table.expires_at_s)
        with self._database.read("list the key epochs") as connection:
            rows = connection.execute(query.where(table.seed.is_not(None)).order_by(table.peer)).all()
        return [LiveEpoch(*row) for row in rows]

    def spent(self, area: str, limits: BudgetLimits) -> list[Spent]:
        """What peers have spent of their budget in an area."""
        with self._database.read("read the budget") as connection:
            return read_spent(connection, limits, area=area, now_s=self._clock())


def _require_alive(connection: Connection, epoch: Epoch) -> None:
    """Refuses to go on under an epoch that another session, or the operator, has erased."""
    alive = select(key_epoch.c.id).where(key_epoch.c.id == epoch.row, key_epoch.c.seed.is_not(None))
    if connection.execute(alive).first() is None:
        raise StaleEpochError("the key epoch was erased meanwhile")


@dataclass(frozen=True, slots=True)
class Handles:
    """Handles for planned entries: uint8 `[n, 6]` in their order, and what of them is new."""

    rows: npt.NDArray[np.uint8]
    part: int
    fresh: bytes
