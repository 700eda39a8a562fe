"""The facts of signals, kept so that those of all are read in milliseconds, and their audiences.

Facts of up to a thousand signals are sealed together: to open as many rows one by one takes a hundred times
as long, and every exchange looks at the facts of all signals. Whoever changes a signal writes its segment
anew within the same transaction. Payload, little-endian: a mark of 8 bytes that names the columns of
`signals.facts.ROW` ‖ signal number u64[n] ‖ facts [n] of them, ascending by number. Refuses a payload that
does not add up, or has other columns.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, delete, insert, select, update

from symbolon.errors import StorageError
from symbolon.signals.facts import ROW, ROW_BYTES, Audience, facts_table
from symbolon.storage.seal import Sealer
from symbolon.storage.signal_columns import pieces
from symbolon.storage.signal_counter import take_numbers
from symbolon.storage.signal_schema import signal_audience, signal_facts

SEGMENT_SIGNALS: Final = 1024
"""Signals whose facts are sealed together: 32 KiB to write for a new revision, a thousand rows for a million
signals."""

Numbers = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.void]

_NUMBER_BYTES: Final = 8
_MARK: Final = sha256(repr(ROW.descr).encode()).digest()[:8]


@dataclass(frozen=True, slots=True, eq=False)
class SignalTable:
    """What decides whether signals may leave, of all that are not expired.

    Attributes:
        numbers: uint64 `[signals]`, ascending.
        rows: `[signals]` of `signals.facts.ROW`.
        audiences: by the numbers that `rows` name.
    """

    numbers: Numbers
    rows: Rows
    audiences: dict[int, Audience]

    def __len__(self) -> int:
        return len(self.numbers)


def read_facts(
    connection: Connection, sealer: Sealer, segments: Collection[int] | None = None
) -> tuple[Numbers, Rows]:
    """Numbers, ascending, and facts of all signals that are not erased, or of some segments."""
    query = select(signal_facts.c.segment, signal_facts.c.payload).order_by(signal_facts.c.segment)
    if segments is not None:
        query = query.where(signal_facts.c.segment.in_(segments))
    parts = [_decode(sealer, row.segment, row.payload) for row in connection.execute(query)]
    numbers = np.concatenate([np.empty(0, np.uint64), *(part[0] for part in parts)])
    return numbers, np.concatenate([np.empty(0, ROW), *(part[1] for part in parts)])


def read_facts_of(connection: Connection, sealer: Sealer, wanted: Numbers) -> tuple[Numbers, Rows]:
    """Numbers, ascending, and facts of some signals; those that are erased are left out."""
    segments = np.unique(wanted // np.uint64(SEGMENT_SIGNALS)).tolist()
    numbers, rows = read_facts(connection, sealer, segments)
    here = np.isin(numbers, wanted)
    return numbers[here], rows[here]


def facts_of(connection: Connection, sealer: Sealer, number: int) -> np.void:
    """The facts of one signal that is not erased.

    Raises:
        StorageError: `storage.signal.facts`, there are none.
    """
    _, rows = read_facts_of(connection, sealer, np.array([number], np.uint64))
    if len(rows) != 1:
        raise StorageError("a signal has no facts", code="storage.signal.facts")
    row: np.void = rows[0]
    return row


def put_facts(connection: Connection, sealer: Sealer, numbers: Numbers, rows: Rows) -> None:
    """Writes the facts of some signals, in the place of those that are there.

    Args:
        connection: of the caller's transaction.
        sealer: of the database.
        numbers: uint64 `[signals]`, ascending.
        rows: `[signals]` of `signals.facts.ROW`.
    """
    segments = numbers // np.uint64(SEGMENT_SIGNALS)
    for segment in np.unique(segments).tolist():
        chosen = segments == segment
        held_numbers, held_rows = read_facts(connection, sealer, [segment])
        kept = ~np.isin(held_numbers, numbers[chosen])
        joined = np.concatenate([held_numbers[kept], numbers[chosen]])
        order = np.argsort(joined)
        both = np.concatenate([held_rows[kept], rows[chosen]])
        _write(connection, sealer, segment, joined[order], both[order], new=len(held_numbers) == 0)


def drop_facts(connection: Connection, sealer: Sealer, numbers: Numbers) -> None:
    """Erases the facts of some signals; arguments as in `put_facts`."""
    for segment in np.unique(numbers // np.uint64(SEGMENT_SIGNALS)).tolist():
        held_numbers, held_rows = read_facts(connection, sealer, [segment])
        kept = ~np.isin(held_numbers, numbers)
        if kept.any():
            _write(connection, sealer, segment, held_numbers[kept], held_rows[kept], new=False)
        else:
            connection.execute(delete(signal_facts).where(signal_facts.c.segment == segment))


def _write(
    connection: Connection, sealer: Sealer, segment: int, numbers: Numbers, rows: Rows, *, new: bool
) -> None:
    payload = _MARK + numbers.astype("<u8", copy=False).tobytes() + rows.tobytes()
    sealed = sealer.seal("signal_facts", "payload", segment, payload)
    if new:
        connection.execute(insert(signal_facts).values(segment=segment, payload=sealed))
        return
    here = signal_facts.c.segment == segment
    connection.execute(update(signal_facts).where(here).values(payload=sealed))


def _decode(sealer: Sealer, segment: int, sealed: bytes) -> tuple[Numbers, Rows]:
    payload = sealer.open("signal_facts", "payload", segment, sealed)
    count, rest = divmod(len(payload) - len(_MARK), _NUMBER_BYTES + ROW_BYTES)
    if rest or payload[: len(_MARK)] != _MARK:
        raise StorageError("facts of signals do not add up", code="storage.signal.facts")
    numbers = np.frombuffer(payload, "<u8", count, len(_MARK))
    return numbers, facts_table(payload[len(_MARK) + _NUMBER_BYTES * count :])


# ------------------------------------------------------------------------------------------ audiences


def read_audiences(connection: Connection, sealer: Sealer, wanted: Iterable[int]) -> dict[int, Audience]:
    """Audiences by number."""
    found = {}
    for some in pieces(list(wanted)):
        rows = connection.execute(select(signal_audience).where(signal_audience.c.id.in_(some)))
        for row in rows:
            said = json.loads(sealer.open("signal_audience", "payload", row.id, row.payload))
            found[row.id] = Audience(tuple(said["purposes"]), tuple(said["recipients"]))
    return found


def number_audiences(
    connection: Connection, sealer: Sealer, audiences: Sequence[Audience]
) -> dict[Audience, int]:
    """The numbers of audiences; those that nobody had before are given one.

    Args:
        connection: of the caller's transaction.
        sealer: of the database.
        audiences: in any order, as often as you like.
    """
    payloads = {each: _payload(each) for each in dict.fromkeys(audiences)}
    digests = {each: sealer.keyed_digest("signal.audience", payloads[each]) for each in payloads}
    known: dict[bytes, int] = {}
    for some in pieces(list(digests.values())):
        here = signal_audience.c.digest.in_(some)
        rows = connection.execute(select(signal_audience.c.digest, signal_audience.c.id).where(here))
        known |= {bytes(digest): number for digest, number in rows}
    new = [each for each in payloads if digests[each] not in known]
    if new:
        values: list[dict[str, Any]] = []
        for number, each in enumerate(new, take_numbers(connection, "last_audience", len(new))):
            sealed = sealer.seal("signal_audience", "payload", number, payloads[each])
            values.append({"id": number, "digest": digests[each], "payload": sealed})
            known[digests[each]] = number
        connection.execute(insert(signal_audience), values)
    return {each: known[digests[each]] for each in payloads}


def unused_audiences(connection: Connection, sealer: Sealer) -> list[int]:
    """Numbers of the audiences that no signal names any more."""
    _, rows = read_facts(connection, sealer)
    used = frozenset(np.unique(rows["audience"]).tolist())
    held = connection.execute(select(signal_audience.c.id)).scalars()
    return [each for each in held if each not in used]


def drop_audiences(connection: Connection, numbers: Sequence[int]) -> None:
    """Erases audiences."""
    for some in pieces(numbers):
        connection.execute(delete(signal_audience).where(signal_audience.c.id.in_(some)))


def _payload(audience: Audience) -> bytes:
    said = {"purposes": audience.purposes, "recipients": audience.recipients}
    return json.dumps(said, separators=(",", ":")).encode()
