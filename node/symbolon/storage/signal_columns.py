"""What the sealed columns of signals hold, and one signal as it is read from them.

A revision is sealed with its signature before it: whoever had the signature in the clear could guess a
document, a supplier's name in it, and see whether the guess was right. Refuses bytes that do not open in
their place. Specification: docs/signals.md, Contributing.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Select, and_, select

from symbolon.signals.bundle import SIGNATURE_BYTES
from symbolon.signals.facts import day_number
from symbolon.signals.record_codec import decode_stored_signal
from symbolon.signals.signal import Signal
from symbolon.storage.seal import Sealer
from symbolon.storage.signal_schema import signal as signal_table
from symbolon.storage.signal_schema import signal_revision, signal_source
from symbolon.storage.signal_writer import Writer
from symbolon.storage.supplier_store import QUERY_VALUES

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class StoredSignal:
    """The newest revision of a signal of this member.

    Attributes:
        number: its local number.
        signal: what it says.
        signature: this member's, 64 bytes, over what `signals.record_codec` encodes of it.
        created_at_s: when the signal was added, seconds since 1970-01-01 UTC.
        changed_at_s: when its newest revision was.
        has_source: whether there is a note on who it was learnt from.
    """

    number: int
    signal: Signal
    signature: bytes = field(repr=False)
    created_at_s: int
    changed_at_s: int
    has_source: bool


def seal_revision(sealer: Sealer, number: int, revision: int, signed: bytes) -> bytes:
    """What `signal_revision.document` holds for a signature and its document."""
    return sealer.seal("signal_revision", "document", f"{number}/{revision}", signed)


def open_revision(sealer: Sealer, number: int, revision: int, sealed: bytes) -> tuple[Signal, bytes]:
    """A revision and its signature from `signal_revision.document`."""
    opened = sealer.open("signal_revision", "document", f"{number}/{revision}", sealed)
    return decode_stored_signal(opened[SIGNATURE_BYTES:]), opened[:SIGNATURE_BYTES]


def seal_source(sealer: Sealer, number: int, note: str) -> bytes:
    """What `signal_source.note` holds."""
    return sealer.seal("signal_source", "note", number, note.encode("utf-8", "surrogatepass"))


def open_source(sealer: Sealer, number: int, sealed: bytes) -> str:
    """The note from `signal_source.note`."""
    return sealer.open("signal_source", "note", number, sealed).decode("utf-8", "surrogatepass")


def reference_digest(sealer: Sealer, reference: str) -> bytes:
    """What `signal.reference_digest` holds for what an import calls a row."""
    return sealer.keyed_digest("signal.reference", reference.encode("utf-8", "surrogatepass"))


def state_values(signal: Signal) -> dict[str, Any]:
    """The columns of `signal` that follow its newest revision."""
    return {
        "revision": signal.revision,
        "state": signal.state.value,
        "issued_day": day_number(signal.issued),
        "expires_day": day_number(signal.expires),
        "review_day": day_number(signal.review),
    }


def revision_values(writer: Writer, number: int, revision: int, signed: bytes, now_s: int) -> dict[str, Any]:
    """A row of `signal_revision`.

    Args:
        writer: who adds it.
        number: of the signal.
        revision: its number.
        signed: signature and document.
        now_s: seconds since 1970-01-01 UTC.
    """
    return {
        "number": number,
        "revision": revision,
        "document": seal_revision(writer.sealer, number, revision, signed),
        "created_at_s": now_s,
        "operator": writer.operator,
    }


_NEWEST: Final = and_(
    signal_revision.c.number == signal_table.c.number, signal_revision.c.revision == signal_table.c.revision
)


def newest_rows() -> Select[Any]:
    """Rows for `stored`, of signals that are not erased."""
    source = select(signal_source.c.number).where(signal_source.c.number == signal_table.c.number).exists()
    return (
        select(
            signal_table.c.number,
            signal_table.c.revision,
            signal_table.c.created_at_s,
            signal_table.c.changed_at_s,
            signal_revision.c.document,
            source.label("has_source"),
        )
        .join(signal_revision, _NEWEST)
        .where(signal_revision.c.document.is_not(None))
    )


def stored(sealer: Sealer, row: Any) -> StoredSignal:
    """What a row of `newest_rows` says."""
    said, signature = open_revision(sealer, row.number, row.revision, row.document)
    return StoredSignal(row.number, said, signature, row.created_at_s, row.changed_at_s, bool(row.has_source))


def newest_documents(
    connection: Connection, sealer: Sealer, numbers: Sequence[int]
) -> Iterator[tuple[int, Signal]]:
    """Numbers and newest revisions of some signals, in the order asked for; erased ones are left out."""
    newest = select(signal_table.c.number, signal_table.c.revision, signal_revision.c.document).join(
        signal_revision, _NEWEST
    )
    for some in pieces(numbers):
        rows = connection.execute(newest.where(signal_table.c.number.in_(some)))
        found = {row[0]: row for row in rows if row[2] is not None}
        for number in some:
            if number in found:
                _, revision, document = found[number]
                yield number, open_revision(sealer, number, revision, document)[0]


def not_expired(today: date) -> Any:
    """True for rows of `signal` whose time is not over."""
    return signal_table.c.expires_day > day_number(today)


def pieces(values: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """Cuts values into pieces that fit one statement."""
    for start in range(0, len(values), QUERY_VALUES):
        yield values[start : start + QUERY_VALUES]


def integers(numbers: Iterable[int]) -> list[int]:
    """Numbers that a database driver takes, also from numpy."""
    return [int(number) for number in numbers]
