"""Which of this member's signals each other member was ever given.

Handles: adding to it in the transaction of the delta that gives them; reading it, so that a recall reaches
those who know of the signal and nobody else. Kept as one bit for each signal: a hundred thousand take 12 KiB.
"""

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, insert, select, update

from symbolon.storage.database import Database
from symbolon.storage.disclosure_schema import signal_disclosure
from symbolon.storage.seal import Sealer

Numbers = npt.NDArray[np.uint64]


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
        if bits is None:
            return np.empty(0, np.uint64)
        return np.flatnonzero(np.unpackbits(bits)).astype(np.uint64)

    def peers(self, number: int) -> tuple[str, ...]:
        """Who was ever given a signal, ascending."""
        with self._database.read("read who was given a signal") as connection:
            return peers_given(connection, self._sealer, number)

    def add(self, connection: Connection, peer: str, numbers: Numbers) -> None:
        """Notes what a member is about to be given, inside the caller's transaction."""
        if not len(numbers):
            return
        bits = self._bits(connection, peer)
        held = np.zeros(0, np.uint8) if bits is None else bits
        flags = np.zeros(max(8 * len(held), int(numbers.max()) + 1), np.uint8)
        flags[: 8 * len(held)] = np.unpackbits(held)
        flags[numbers.astype(np.int64)] = 1
        payload = self._sealer.seal("signal_disclosure", "payload", peer, np.packbits(flags).tobytes())
        if bits is None:
            connection.execute(insert(signal_disclosure).values(peer=peer, payload=payload))
        else:
            here = signal_disclosure.c.peer == peer
            connection.execute(update(signal_disclosure).where(here).values(payload=payload))

    def _bits(self, connection: Connection, peer: str) -> npt.NDArray[np.uint8] | None:
        query = select(signal_disclosure.c.payload).where(signal_disclosure.c.peer == peer)
        payload = connection.execute(query).scalar()
        return None if payload is None else self._open(peer, payload)

    def _open(self, peer: str, payload: bytes) -> npt.NDArray[np.uint8]:
        return _open(self._sealer, peer, payload)


def peers_given(connection: Connection, sealer: Sealer, number: int) -> tuple[str, ...]:
    """Who was ever given a signal, ascending."""
    rows = connection.execute(select(signal_disclosure)).all()
    return tuple(sorted(row.peer for row in rows if _has(_open(sealer, row.peer, row.payload), number)))


def _open(sealer: Sealer, peer: str, payload: bytes) -> npt.NDArray[np.uint8]:
    return np.frombuffer(sealer.open("signal_disclosure", "payload", peer, payload), np.uint8)


def _has(bits: npt.NDArray[np.uint8], number: int) -> bool:
    return number < 8 * len(bits) and bool(bits[number // 8] >> (7 - number % 8) & 1)
