"""Dropping a node's tables from a database server, without the node: its keys may be gone already."""

from typing import Final

from sqlalchemy import MetaData, create_engine, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from symbolon.errors import StorageError
from symbolon.storage.database_errors import storage_error

CONNECT_S: Final = 5
"""A server that does not answer by then is told of as not reached."""
LOCK_S: Final = 5
"""A table that another process uses for longer is told of as not dropped."""


def drop_tables(url: str) -> int:
    """Drops every table of a node's database, which holds nothing else.

    Args:
        url: of the database, `postgresql+psycopg://…`.

    Returns:
        How many there were.

    Raises:
        StorageError: the server cannot be reached or refused; or what is there is no node's database.
    """
    work = "drop the node's tables"
    try:
        engine = create_engine(
            make_url(url),
            hide_parameters=True,
            poolclass=NullPool,
            connect_args={"connect_timeout": CONNECT_S},
        )
    except (ArgumentError, ModuleNotFoundError, SQLAlchemyError, ValueError):
        raise StorageError("the database's URL cannot be used, or its driver is not installed") from None
    try:
        with engine.begin() as connection:
            names = inspect(connection).get_table_names()
            if names and "seal_check" not in names:
                raise StorageError("the database is not that of a node", code="storage.foreign")
            connection.execute(text(f"SET LOCAL lock_timeout = {LOCK_S * 1000}"))
            tables = MetaData()
            tables.reflect(connection)
            tables.drop_all(connection)
            return len(names)
    except SQLAlchemyError as error:
        raise storage_error(error, work) from error
    finally:
        engine.dispose()
