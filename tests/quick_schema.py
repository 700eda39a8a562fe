"""New SQLite databases of tests get their tables as the first one of the process left them.

Each of a thousand new databases would otherwise be led through every version that there ever was, most of
its time. Databases with content, and those on PostgreSQL, always are.
"""

import contextlib
from collections.abc import Iterator
from unittest import mock

from sqlalchemy import Connection

from symbolon.storage import schema_version

_migrate = schema_version.migrate
_statements: list[str] = []
"""What makes an empty database one of the newest version."""


def _migrated(connection: Connection) -> None:
    if connection.dialect.name != "sqlite" or schema_version.read_version(connection) is not None:
        _migrate(connection)
        return
    if not _statements:
        _migrate(connection)
        _statements.extend(dump(connection))
        return
    for each in _statements:
        connection.exec_driver_sql(each)


def dump(connection: Connection) -> list[str]:
    """The statements that make an SQLite database what this one is."""
    driver = connection.connection.driver_connection
    assert driver is not None
    around = ("BEGIN TRANSACTION;", "COMMIT;")
    return [each for each in driver.iterdump() if each not in around]


@contextlib.contextmanager
def quick_schema() -> Iterator[None]:
    """New databases within the block."""
    with mock.patch.object(schema_version, "migrate", _migrated):
        yield


@contextlib.contextmanager
def every_version() -> Iterator[None]:
    """New databases within the block are led through every version after all."""
    with mock.patch.object(schema_version, "migrate", _migrate):
        yield
