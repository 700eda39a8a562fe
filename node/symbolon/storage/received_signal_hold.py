"""Legal holds on received signals: what would be erased is kept apart, and nobody sees it but by its hold.

Handles: putting a hold on a signal that stands, ending it, keeping what the signal said whenever something of
it goes for as long as the hold runs, opening what is kept. Every hold names its holder and its end. Refuses a
hold on a signal of which nothing is left, one without a holder, and one that ends before tomorrow.
Specification: docs/signals.md, Legal holds.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection, delete, func, insert, select

from symbolon.errors import SignalError
from symbolon.signals.bundle import split_chunks
from symbolon.signals.facts import day_number, numbered_day
from symbolon.storage.exchange_columns import pack, unpack
from symbolon.storage.received_signal_columns import Label
from symbolon.storage.received_signal_schema import received_form, received_hold, received_hold_content
from symbolon.storage.received_signal_view import KeptContent, ReceivedHold
from symbolon.storage.seal import Sealer
from symbolon.storage.signal_expiry import check_hold

_LABEL: Final = b"label"
_NARRATIVE: Final = b"narrative"


@dataclass(frozen=True, slots=True)
class Piece:
    """Something of a signal that is about to go.

    Attributes:
        content: a label, or a narrative.
    """

    purpose: str
    revision: int
    content: Label | str


def note_hold(
    connection: Connection,
    sealer: Sealer,
    peer: str,
    signal_id: bytes,
    holder: str,
    until: date,
    *,
    today: date,
    now_s: int,
) -> None:
    """Puts a signal on hold, or gives a hold that it has another holder and end; what it keeps stays.

    Raises:
        SignalError: `signal.value`; `signal.unknown`, nothing of the signal is left that could be kept.
    """
    check_hold(holder, until, today)
    values = {
        "holder": sealer.seal("received_hold", "holder", f"{peer}/{signal_id.hex()}", holder.encode()),
        "until_day": day_number(until),
        "noted_at_s": now_s,
    }
    here = received_hold.c.peer == peer, received_hold.c.signal_id == signal_id.hex()
    if connection.execute(select(received_hold.c.peer).where(*here)).first() is not None:
        connection.execute(received_hold.update().where(*here).values(values))
        return
    standing = received_form.c.peer == peer, received_form.c.signal_id == signal_id.hex()
    if connection.execute(select(received_form.c.peer).where(*standing).limit(1)).first() is None:
        raise SignalError(
            "nothing of the signal is left that could be kept",
            hint="A hold is put on a signal while it stands.",
            code="signal.unknown",
        )
    connection.execute(insert(received_hold).values(peer=peer, signal_id=signal_id.hex(), **values))


def drop_hold(connection: Connection, peer: str, signal_id: bytes) -> None:
    """Ends a hold and erases what it keeps; nothing where there is none."""
    for table in (received_hold_content, received_hold):
        here = table.c.peer == peer, table.c.signal_id == signal_id.hex()
        connection.execute(delete(table).where(*here))


def drop_ended(connection: Connection, today: date) -> int:
    """Ends the holds whose day has come.

    Returns:
        How many.
    """
    columns = received_hold.c.peer, received_hold.c.signal_id
    over = connection.execute(select(*columns).where(_over(today))).all()
    for row in over:
        drop_hold(connection, row.peer, bytes.fromhex(row.signal_id))
    return len(over)


def any_ended(connection: Connection, today: date) -> bool:
    """Whether the day of a hold has come."""
    return connection.execute(select(received_hold.c.peer).where(_over(today)).limit(1)).first() is not None


def on_hold(connection: Connection, peer: str, today: date) -> frozenset[str]:
    """Ids of a peer's signals that are on hold, hexadecimal."""
    query = select(received_hold.c.signal_id).where(received_hold.c.peer == peer, ~_over(today))
    return frozenset(connection.execute(query).scalars())


def keep(
    connection: Connection, sealer: Sealer, peer: str, signal_id: str, pieces: Collection[Piece], now_s: int
) -> None:
    """Keeps pieces of a signal that is on hold and is about to lose them."""
    here = received_hold_content.c.peer == peer, received_hold_content.c.signal_id == signal_id
    highest = connection.execute(select(func.max(received_hold_content.c.number)).where(*here)).scalar()
    for number, piece in enumerate(pieces, (highest or 0) + 1):
        label = piece.content if isinstance(piece.content, Label) else None
        payload = pack(
            _NARRATIVE if label is None else _LABEL,
            piece.purpose.encode(),
            piece.revision.to_bytes(2),
            b"" if label is None else label.key_id,
            piece.content.encode() if isinstance(piece.content, str) else b"".join(piece.content.chunks),
        )
        place = f"{peer}/{signal_id}/{number}"
        connection.execute(
            insert(received_hold_content).values(
                peer=peer,
                signal_id=signal_id,
                number=number,
                kept_at_s=now_s,
                payload=sealer.seal("received_hold_content", "payload", place, payload),
            )
        )


def read_holds(connection: Connection, sealer: Sealer, today: date) -> list[ReceivedHold]:
    """Holds that run, by peer and id."""
    columns = received_hold_content.c.peer, received_hold_content.c.signal_id
    counted = connection.execute(select(*columns, func.count()).group_by(*columns))
    pieces = {(peer, signal_id): count for peer, signal_id, count in counted}
    query = select(received_hold).where(~_over(today))
    rows = connection.execute(query.order_by(received_hold.c.peer, received_hold.c.signal_id))
    return [
        ReceivedHold(
            row.peer,
            bytes.fromhex(row.signal_id),
            sealer.open("received_hold", "holder", f"{row.peer}/{row.signal_id}", row.holder).decode(),
            numbered_day(row.until_day),
            row.noted_at_s,
            pieces.get((row.peer, row.signal_id), 0),
        )
        for row in rows
    ]


def open_kept(
    connection: Connection, sealer: Sealer, peer: str, signal_id: bytes, today: date
) -> Sequence[KeptContent]:
    """What a hold keeps, in the order in which it would have been erased.

    Raises:
        SignalError: `signal.unknown`, the signal is not on hold.
    """
    if signal_id.hex() not in on_hold(connection, peer, today):
        raise SignalError("the signal is not on hold", code="signal.unknown")
    here = received_hold_content.c.peer == peer, received_hold_content.c.signal_id == signal_id.hex()
    query = select(received_hold_content).where(*here).order_by(received_hold_content.c.number)
    found = []
    for row in connection.execute(query):
        place = f"{peer}/{row.signal_id}/{row.number}"
        opened = sealer.open("received_hold_content", "payload", place, row.payload)
        kind, purpose, revision, key_id, content = unpack(opened, 5)
        about = purpose.decode(), int.from_bytes(revision), row.kept_at_s
        if kind == _LABEL:
            found.append(KeptContent(*about, label=Label(key_id, split_chunks(content))))
        else:
            found.append(KeptContent(*about, text=content.decode()))
    return found


def _over(today: date) -> Any:
    return received_hold.c.until_day <= day_number(today)
