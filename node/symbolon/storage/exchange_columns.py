"""Columns of bytes in one sealed value: each with its length before it.

Handles values this node wrote and sealed itself; a value that does not parse means a defect or a damaged
database and is refused as such.
"""

from symbolon.errors import StorageError

_LENGTH_BYTES = 8


def pack(*columns: bytes) -> bytes:
    """Joins columns, each behind its length in 8 bytes big-endian."""
    return b"".join(part for column in columns for part in (len(column).to_bytes(_LENGTH_BYTES), column))


def unpack(value: bytes, count: int) -> list[bytes]:
    """Splits what `pack` joined.

    Raises:
        StorageError: it does not hold exactly `count` columns.
    """
    columns = []
    at = 0
    for _ in range(count):
        length = int.from_bytes(value[at : at + _LENGTH_BYTES])
        at += _LENGTH_BYTES
        columns.append(value[at : at + length])
        at += length
    if at != len(value):
        raise StorageError("a stored value does not hold the columns it should", code="storage.columns")
    return columns
