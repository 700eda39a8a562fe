"""Erasing what was received: forms, narratives, links, and the entries of the exchange that they came in.

Handles: what a recall, a withdrawal, an expiry or the peer's terms end, in the caller's transaction. Of a
signal on hold a copy is kept apart first. SQLite overwrites what it deletes (`PRAGMA secure_delete`); the
write-ahead log holds older pages until its next checkpoint, and PostgreSQL dead rows until its next vacuum,
both sealed. Refuses nothing.
Specification: docs/signals.md, Expiry; Legal holds; Recall, dispute and reply.
"""

from collections.abc import Callable, Collection
from datetime import UTC, date, datetime

import numpy as np
from sqlalchemy import Connection, delete, exists, select, update

from symbolon.exchange.messages import SIGNAL
from symbolon.exchange.receiver_set import Hits
from symbolon.signals.bundle import HEADER_FORMAT, label_id
from symbolon.storage import received_signal_hold as holding
from symbolon.storage.exchange_receiver_store import ReceiverStore, Rows
from symbolon.storage.received_signal_columns import (
    NO_LINKS,
    LinkTable,
    open_label,
    open_links,
    open_narrative,
    seal_links,
)
from symbolon.storage.received_signal_hold import Piece
from symbolon.storage.received_signal_schema import (
    received_form,
    received_narrative,
    received_signal,
    received_signal_link,
)
from symbolon.storage.seal import Sealer
from symbolon.storage.signal_columns import pieces


def day_of(now_s: float) -> date:
    """The day of a moment, UTC."""
    return datetime.fromtimestamp(now_s, UTC).date()


def remove_forms(
    connection: Connection,
    sealer: Sealer,
    peer: str,
    signal_ids: Collection[bytes],
    now_s: int,
    purpose: str | None = None,
) -> None:
    """Erases what some signals say, released for one purpose or for all, and their narratives.

    Signals of which nothing is left are gone then; their links are for `drop_links`.
    """
    if not signal_ids:
        return
    kept = holding.on_hold(connection, peer, day_of(now_s))
    for some in pieces(sorted(each.hex() for each in signal_ids)):
        _keep(connection, sealer, peer, kept.intersection(some), now_s, purpose)
        for table in (received_narrative, received_form):
            here = delete(table).where(table.c.peer == peer, table.c.signal_id.in_(some))
            connection.execute(here if purpose is None else here.where(table.c.purpose == purpose))
        left = exists().where(
            received_form.c.peer == received_signal.c.peer,
            received_form.c.signal_id == received_signal.c.signal_id,
        )
        connection.execute(
            update(received_signal)
            .where(
                received_signal.c.peer == peer,
                received_signal.c.signal_id.in_(some),
                received_signal.c.state == "active",
                ~left,
            )
            .values(state="gone", changed_at_s=now_s)
        )


def _keep(
    connection: Connection,
    sealer: Sealer,
    peer: str,
    signal_ids: Collection[str],
    now_s: int,
    purpose: str | None = None,
) -> None:
    for each in sorted(signal_ids):
        about: list[Piece] = []
        for table in (received_form, received_narrative):
            query = select(table).where(table.c.peer == peer, table.c.signal_id == each)
            if purpose is not None:
                query = query.where(table.c.purpose == purpose)
            place = bytes.fromhex(each)
            for row in connection.execute(query.order_by(table.c.purpose)):
                content = (
                    open_label(sealer, peer, row.purpose, place, row.content)
                    if table is received_form
                    else open_narrative(sealer, peer, row.purpose, place, row.text)
                )
                about.append(Piece(row.purpose, row.revision, content))
        holding.keep(connection, sealer, peer, each, about, now_s)


def keep_replaced(
    connection: Connection,
    sealer: Sealer,
    peer: str,
    purpose: str,
    signal_ids: Collection[bytes],
    now_s: int,
) -> None:
    """Keeps what signals on hold say, before something else takes its place."""
    if not signal_ids:
        return
    kept = holding.on_hold(connection, peer, day_of(now_s))
    _keep(connection, sealer, peer, kept & {each.hex() for each in signal_ids}, now_s, purpose)


def rewrite_links(
    connection: Connection,
    sealer: Sealer,
    peer: str,
    purpose: str,
    tier: str,
    change: Callable[[LinkTable], LinkTable],
) -> None:
    """Changes the links of one tier; a row without any is there as well once it was written."""
    table = received_signal_link
    here = table.c.peer == peer, table.c.purpose == purpose, table.c.tier == tier
    held = connection.execute(select(table.c.payload).where(*here)).scalar()
    before = NO_LINKS if held is None else open_links(sealer, peer, purpose, tier, held)
    after = change(before)
    if held is not None and after.encode() == before.encode():
        return
    payload = seal_links(sealer, peer, purpose, tier, after)
    if held is None:
        row = {"peer": peer, "purpose": purpose, "tier": tier, "payload": payload}
        connection.execute(table.insert().values(row))
    else:
        connection.execute(update(table).where(*here).values(payload=payload))


def drop_links(
    connection: Connection,
    sealer: Sealer,
    peer: str,
    signal_ids: Collection[bytes],
    purpose: str | None = None,
) -> None:
    """Erases the links of some signals, of one purpose or of all."""
    if not signal_ids:
        return
    gone = frozenset(signal_ids)
    query = select(received_signal_link.c.purpose, received_signal_link.c.tier)
    query = query.where(received_signal_link.c.peer == peer)
    if purpose is not None:
        query = query.where(received_signal_link.c.purpose == purpose)
    for row in connection.execute(query).all():

        def without(table: LinkTable) -> LinkTable:
            return table.only(frozenset(table.ids) - gone)

        rewrite_links(connection, sealer, peer, row.purpose, row.tier, without)


def suppliers_of(
    connection: Connection, sealer: Sealer, peer: str, signal_ids: Collection[bytes]
) -> dict[bytes, set[int]]:
    """Own suppliers that some signals are about, by the links of all purposes and tiers."""
    found: dict[bytes, set[int]] = {}
    if not signal_ids:
        return found
    wanted = frozenset(signal_ids)
    query = select(received_signal_link).where(received_signal_link.c.peer == peer)
    for row in connection.execute(query).all():
        table = open_links(sealer, peer, row.purpose, row.tier, row.payload)
        for signal_id, numbers in table.suppliers_of(wanted).items():
            found.setdefault(signal_id, set()).update(numbers)
    return found


def forget_signals(
    connection: Connection,
    receiving: ReceiverStore,
    peer: str,
    signal_ids: Collection[bytes],
    purpose: str | None = None,
) -> int:
    """Overwrites the entries of the exchange in which some signals came, whether they were withdrawn or not.

    Returns:
        How many entries there were.
    """
    if not signal_ids:
        return 0
    wanted = frozenset(signal_ids)
    return sum(
        receiving.forget_entries(connection, held.row, tags_of(held.hits, held.tag_bytes, wanted))
        for held in list(receiving.opened(connection, peer, SIGNAL, purpose))
    )


def tags_of(hits: Hits, tag_bytes: int, signal_ids: Collection[bytes]) -> bytes:
    """The tags of all entries that belong to labels of some signals, n × tag bytes."""
    if not len(hits):
        return b""
    # Those of one key stay in the order of their slots: a label is a header and what follows it.
    order = np.argsort(hits.key_ids, kind="stable")
    key_ids, labels = hits.key_ids[order], hits.labels[order]
    headers = labels[:, 0] == HEADER_FORMAT
    begins = headers | np.r_[True, key_ids[1:] != key_ids[:-1]]
    firsts = np.flatnonzero(begins)
    wanted = [bool(headers[at]) and label_id(labels[at].tobytes()) in signal_ids for at in firsts.tolist()]
    rows = np.array(wanted, np.bool_)[np.cumsum(begins) - 1]
    tags: Rows = np.frombuffer(hits.tags, np.uint8).reshape(-1, tag_bytes)[order][rows]
    return tags.tobytes()
