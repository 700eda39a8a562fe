"""New SQLite databases of tests begin as copies of one that the migrations made.

Each of thousands of new databases would otherwise be led through every version that there ever was, most of
its time. Files that exist already, and databases on PostgreSQL, always are.
"""

import contextlib
import functools
import os
import secrets
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from symbolon.storage import database

_prepare = database._prepare_file


@functools.cache
def _newest() -> bytes:
    """The file of an empty database of the newest version."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "node.db")
        with every_version():
            database.Database.open(f"sqlite:///{path}", create=True).close()
        return path.read_bytes()


def _prepared(path: Path, *, create: bool) -> None:
    if create and path.parent.is_dir() and not path.exists():
        copy = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
        # Where the folder cannot be written to, what is tested says so.
        with contextlib.suppress(OSError):
            try:
                copy.touch(mode=0o600)
                copy.write_bytes(_newest())
                # Whole or not at all, and never over what another process made meanwhile.
                os.link(copy, path)
            finally:
                copy.unlink(missing_ok=True)
    _prepare(path, create=create)


def dump(path: Path) -> list[str]:
    """The statements that make an SQLite file what this one is."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


@contextlib.contextmanager
def quick_schema() -> Iterator[None]:
    """New databases within the block."""
    with mock.patch.object(database, "_prepare_file", _prepared):
        yield


@contextlib.contextmanager
def every_version() -> Iterator[None]:
    """New databases within the block are led through every version after all."""
    with mock.patch.object(database, "_prepare_file", _prepare):
        yield
