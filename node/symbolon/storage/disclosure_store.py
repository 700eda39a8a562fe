"""Which of this member's signals each other member was given, and which of their recalls it acknowledged.

Handles: adding to it in the transaction of the delta that gives them, and in that of the end of a session
that the member signed for; reading it, so that a recall reaches those who know of the signal and nobody else,
and so that it shows who has not heard of one. Kept as one bit for each signal: a hundred thousand take
12 KiB. Refuses nothing.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, insert, select, update

from symbolon.storage.database import Database
from symbolon.storage.disclosure_schema import signal_disclosure, signal_feed
from symbolon.storage.seal import Sealer

Numbers = npt.NDArray[np.uint64]
Bits = npt.NDArray[np.uint8]

_NONE = np.empty(0, np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Feed:
    """What one member was given under the keys of one tier, whichever the purpose.

    Attributes:
        tier: of the keys.
        given_at_s: when it was first given a signal, seconds since 1970-01-01 UTC; None: not noted, or none.
        given: numbers of the signals: uint64, ascending.
        told: numbers of those whose recall it got in a session that it signed for: uint64, ascending.
    """

    tier: str
    given_at_s: int | None
    given: Numbers
    told: Numbers


class DisclosureStore:
    """Who was given what.

    Args:
        database: the node's.
        sealer: of its sealed columns.
    """

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer

    def numbers(self, peer: str) -> Numbers:
        """Numbers of the signals that a member was ever given: uint64, ascending."""
        with self._database.read("read what a member was given") as connection:
            bits = self._bits(connection, peer)
        return _NONE.astype(np.uint64) if bits is None else _numbers(bits)

    def peers(self, number: int) -> tuple[str, ...]:
        """Who was ever given a signal, ascending."""
        with self._database.read("read who was given a signal") as connection:
            return peers_given(connection, self._sealer, number)

    def all(self) -> dict[str, Numbers]:
        """Everybody who was ever given a signal, ascending, with what `numbers` has of it."""
        with self._database.read("read who was given signals") as connection:
            rows = connection.execute(select(signal_disclosure).order_by(signal_disclosure.c.peer)).all()
        return {row.peer: _numbers(self._open(row.peer, row.payload)) for row in rows}

    def feeds(self) -> dict[str, list[Feed]]:
        """By member what it was given of each tier.

        Of what was given before database version 16 only `numbers` knows.
        """
        with self._database.read("read what members acknowledged") as connection:
            rows = connection.execute(select(signal_feed).order_by(signal_feed.c.peer, signal_feed.c.tier))
            found: dict[str, list[Feed]] = {}
            for row in rows.all():
                parts = [
                    _numbers(self._open_feed(column, row.peer, row.tier, payload))
                    for column, payload in (("given", row.given), ("told", row.told))
                ]
                found.setdefault(row.peer, []).append(Feed(row.tier, row.given_at_s, *parts))
        return found

    def add(self, connection: Connection, peer: str, numbers: Numbers) -> None:
        """Notes what a member is about to be given, inside the caller's transaction."""
        if not len(numbers):
            return
        bits = self._bits(connection, peer)
        payload = self._sealer.seal("signal_disclosure", "payload", peer, _with(bits, numbers).tobytes())
        if bits is None:
            connection.execute(insert(signal_disclosure).values(peer=peer, payload=payload))
        else:
            here = signal_disclosure.c.peer == peer
            connection.execute(update(signal_disclosure).where(here).values(payload=payload))

    def note_given(
        self, connection: Connection, peer: str, tier: str, numbers: Numbers, now_s: float
    ) -> None:
        """Notes the same of the tier whose keys open it, recalls left out; arguments as in `add`."""
        self._note(connection, peer, tier, "given", numbers, now_s)

    def note_told(self, connection: Connection, peer: str, tier: str, numbers: Numbers) -> None:
        """Notes recalls that a member has signed for, inside the transaction that ends the session."""
        self._note(connection, peer, tier, "told", numbers, None)

    def _note(
        self,
        connection: Connection,
        peer: str,
        tier: str,
        column: str,
        numbers: Numbers,
        given_at_s: float | None,
    ) -> None:
        if not len(numbers):
            return
        here = signal_feed.c.peer == peer, signal_feed.c.tier == tier
        row = connection.execute(select(signal_feed).where(*here)).first()
        held = None if row is None else self._open_feed(column, peer, tier, getattr(row, column))
        values: dict[str, object] = {column: self._seal_feed(column, peer, tier, _with(held, numbers))}
        if given_at_s is not None and (row is None or row.given_at_s is None):
            values["given_at_s"] = int(given_at_s)
        if row is not None:
            connection.execute(update(signal_feed).where(*here).values(values))
            return
        (other,) = {"given", "told"} - {column}
        values[other] = self._seal_feed(other, peer, tier, _NONE)
        connection.execute(insert(signal_feed).values(peer=peer, tier=tier, **values))

    def _bits(self, connection: Connection, peer: str) -> Bits | None:
        query = select(signal_disclosure.c.payload).where(signal_disclosure.c.peer == peer)
        payload = connection.execute(query).scalar()
        return None if payload is None else self._open(peer, payload)

    def _open(self, peer: str, payload: bytes) -> Bits:
        return _open(self._sealer, peer, payload)

    def _open_feed(self, column: str, peer: str, tier: str, payload: bytes) -> Bits:
        return np.frombuffer(self._sealer.open("signal_feed", column, f"{peer}/{tier}", payload), np.uint8)

    def _seal_feed(self, column: str, peer: str, tier: str, bits: Bits) -> bytes:
        return self._sealer.seal("signal_feed", column, f"{peer}/{tier}", bits.tobytes())


def peers_given(connection: Connection, sealer: Sealer, number: int) -> tuple[str, ...]:
    """Who was ever given a signal, ascending."""
    rows = connection.execute(select(signal_disclosure)).all()
    return tuple(sorted(row.peer for row in rows if _has(_open(sealer, row.peer, row.payload), number)))


def _open(sealer: Sealer, peer: str, payload: bytes) -> Bits:
    return np.frombuffer(sealer.open("signal_disclosure", "payload", peer, payload), np.uint8)


def _has(bits: Bits, number: int) -> bool:
    return number < 8 * len(bits) and bool(bits[number // 8] >> (7 - number % 8) & 1)


def _numbers(bits: Bits) -> Numbers:
    return np.flatnonzero(np.unpackbits(bits)).astype(np.uint64)


def _with(bits: Bits | None, numbers: Numbers) -> Bits:
    held = _NONE if bits is None else bits
    flags = np.zeros(max(8 * len(held), int(numbers.max()) + 1), np.uint8)
    flags[: 8 * len(held)] = np.unpackbits(held)
    flags[numbers.astype(np.int64)] = 1
    return np.packbits(flags)
