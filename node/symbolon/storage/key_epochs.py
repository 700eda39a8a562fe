"""The end of key epochs: a seed, and all that was released and drawn under it, is erased.

Handles: one epoch, and the live ones of some peers, both inside the caller's transaction. What was sent stays
with its receivers, who get no further outputs of that key to open it with. docs/PROTOCOL.md, Epochs.
"""

from collections.abc import Collection

from sqlalchemy import Connection, delete, select, update

from symbolon.storage.exchange_schema import key_epoch, record_handle, released_delta, released_set


def erase_epoch(connection: Connection, row: int) -> None:
    """Ends the epoch of a row."""
    sets = select(released_set.c.id).where(released_set.c.epoch_id == row)
    connection.execute(delete(released_delta).where(released_delta.c.set_id.in_(sets)))
    connection.execute(delete(released_set).where(released_set.c.epoch_id == row))
    connection.execute(delete(record_handle).where(record_handle.c.epoch_id == row))
    connection.execute(update(key_epoch).where(key_epoch.c.id == row).values(seed=None))


def erase_epochs_of(connection: Connection, peers: Collection[str], area: str) -> None:
    """Ends the live epochs of some peers in one area."""
    live = select(key_epoch.c.id, key_epoch.c.peer)
    rows = connection.execute(live.where(key_epoch.c.area == area, key_epoch.c.seed.is_not(None))).all()
    for row, peer in rows:
        if peer in peers:
            erase_epoch(connection, row)
