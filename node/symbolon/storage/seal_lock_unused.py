"""Locking a node that is still empty: its keys are made anew, so that none ever lay on the disk in clear.

Overwriting a key does not reach every copy that flash storage keeps. Where nothing was sealed yet and nobody
knows the member's public key yet, which is so right after `symbolon init`, the keys that were in clear are
worth nothing once others have their place. A node that was used is left to `symbolon.storage.seal_lock`: all
that it sealed would have to be sealed anew.

The database says first that it knows no key, then the key is replaced, then the database notes the new one:
killed anywhere between, the node opens with whichever key is there.
"""

import contextlib
import secrets
import tempfile
from pathlib import Path
from typing import Any, Final

from sqlalchemy import ColumnClause, Connection, delete, inspect, literal_column, select, table

from symbolon.membership.key_file import PRIVATE_KEY_FILES, held, lock_key_file, sealing_key_file
from symbolon.membership.sealing_key import KEY_BYTES, LockedKey
from symbolon.membership.signing_key import new_signing_key_pem
from symbolon.storage.database import Database
from symbolon.storage.database_errors import StorageBusyError
from symbolon.storage.seal import Sealer
from symbolon.storage.seal_check import bind_key
from symbolon.storage.seal_lock import Passphrase, erase_remains, replace_erasing, seal_key_path
from symbolon.storage.supplier_import import IMPORT_LOCK
from symbolon.storage.supplier_schema import seal_check

_SIGNING_KEY_FILE: Final = PRIVATE_KEY_FILES[0]
_JOINED: Final = ("coalition", "request.pem", "node-cert.pem", *PRIVATE_KEY_FILES[1:])
"""Beside the database, what shows that others may know this node's keys."""
_OTHERWISE_EQUAL: Final = ("alembic_version", "seal_check")
"""Tables that differ between two databases that were just made, or may; the second is written anew here."""

_Rows = dict[str, list[tuple[Any, ...]]]


def lock_unused_folder(home: Path, database: Database, passphrase: Passphrase) -> bool:
    """Locks a folder with fresh keys, if it is one of a node that was not used yet.

    Args:
        home: the node's folder.
        database: its database.
        passphrase: the new one.

    Returns:
        Whether it was; else nothing was changed.

    Raises:
        UsageError: `usage.passphrase`.
        SealError: the key file cannot be used.
        StorageError: the file system or the database refused.
    """
    if any((home / each).exists() for each in _JOINED):
        return False
    new = _rows_of_a_new_database()
    with database.read("look whether the database is empty") as connection:
        if not _is_as(new, connection):
            return False
    key = secrets.token_bytes(KEY_BYTES)
    locked = passphrase.lock(key)
    with contextlib.ExitStack() as alone:
        try:
            for name in ("serve", "certificate", IMPORT_LOCK):
                alone.enter_context(database.exclusive(name))
        except StorageBusyError:
            return False
        alone.enter_context(held(home))
        path = seal_key_path(home)
        if isinstance(sealing_key_file(path), LockedKey):
            return False
        with database.transaction("forget which key the empty database has") as connection:
            if not _is_as(new, connection):
                return False
            connection.execute(delete(seal_check))
        with database.transaction("give the empty database another key") as connection:
            if not _is_as(new, connection):
                return False
            connection.execute(delete(seal_check))
            erase_remains(home)
            replace_erasing(path, locked.encode())
            if (home / _SIGNING_KEY_FILE).is_file():
                signing_key = lock_key_file(new_signing_key_pem(), key)
                replace_erasing((home / _SIGNING_KEY_FILE).resolve(), signing_key)
    bind_key(database, Sealer(key))
    return True


def _rows_of_a_new_database() -> _Rows:
    """What stands in the tables of a database that was just made."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Database.open(f"sqlite:///{folder}/node.db", create=True) as new,
        new.read("look at a new database") as connection,
    ):
        names = inspect(connection).get_table_names()
        return {each: _rows(connection, each) for each in names}


def _is_as(new: _Rows, connection: Connection) -> bool:
    """Whether a database holds what a new one does, and nothing else."""
    names = inspect(connection).get_table_names()
    return set(names) == set(new) and all(
        _rows(connection, each, len(new[each]) + 1) == new[each]
        for each in names
        if each not in _OTHERWISE_EQUAL
    )


def _rows(connection: Connection, name: str, limit: int | None = None) -> list[tuple[Any, ...]]:
    all_columns: ColumnClause[Any] = literal_column("*")
    query = select(all_columns).select_from(table(name)).limit(limit)
    return [tuple(row) for row in connection.execute(query)]
