"""Tells a node at once when its sealing key is not the one that its database was written with.

Without it a wrong key would make every known supplier look new at the next import.
"""

from typing import Final

from sqlalchemy import insert, select

from symbolon.errors import SealError
from symbolon.storage.database import Database
from symbolon.storage.seal import Sealer
from symbolon.storage.supplier_schema import seal_check

_ROW: Final = 1


def bind_key(database: Database, sealer: Sealer) -> None:
    """Checks the key, or, on a database that has none yet, notes which key it is.

    Raises:
        SealError: `storage.seal.key`, the database was written with another key.
    """
    expected = sealer.keyed_digest("seal_check", b"symbolon")
    query = select(seal_check.c.digest).where(seal_check.c.id == _ROW)
    with database.read("check the sealing key") as connection:
        found = connection.execute(query).scalar_one_or_none()
    if found is None:
        with database.transaction("note the sealing key") as connection:
            found = connection.execute(query).scalar_one_or_none()
            if found is None:
                connection.execute(insert(seal_check).values(id=_ROW, digest=expected))
                return
    if found != expected:
        raise SealError(
            "the sealing key is not the one this database was written with",
            hint="Restore the key file and the database from the same backup; a new node needs an empty one.",
            code="storage.seal.key",
        )
