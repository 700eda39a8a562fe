"""Which version a database has, which versions this build knows, and the way from one to the other.

The version stands in Alembic's own table. A database is refused when its version is not one of this build's
(written by a newer build, or by something else): reading it as if it were known could lose what a newer
build had added.
"""

import re
import threading
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, select, table
from sqlalchemy import column as sql_column

from symbolon.errors import StorageError

_VERSION_TABLE: Final = table("alembic_version", sql_column("version_num"))
_MIGRATIONS: Final = Path(__file__).with_name("migrations")
_MIGRATION_NAME: Final = re.compile(r"v(\d{4})_\w+\.py")

# Alembic keeps the running migration in module globals.
_ALEMBIC_LOCK: Final = threading.Lock()


def known_versions() -> list[str]:
    """Returns the versions this build knows, newest first, from the names of its migrations."""
    names = (_MIGRATION_NAME.fullmatch(path.name) for path in (_MIGRATIONS / "versions").iterdir())
    return sorted((name[1] for name in names if name), reverse=True)


def read_version(connection: Connection) -> str | None:
    """Reads the version of the database behind `connection`.

    Returns:
        The version, or None when the database is empty.

    Raises:
        StorageError: `storage.foreign` when there are tables but no version, or several versions.
    """
    tables = inspect(connection).get_table_names()
    if _VERSION_TABLE.name not in tables:
        if tables:
            raise StorageError(
                "the database holds tables, but not those of a Symbolon node",
                hint="Point the node at its own database, or at one that is empty.",
                code="storage.foreign",
            )
        return None
    versions = [row.version_num for row in connection.execute(select(_VERSION_TABLE.c.version_num))]
    if len(versions) > 1:
        raise StorageError(
            "the database carries several versions at once",
            hint="Restore it from a backup.",
            code="storage.foreign",
        )
    return versions[0] if versions else None


def check_version(version: str | None) -> bool:
    """Decides whether a database of this version can be used.

    Returns:
        True when it is of the newest version, False when it must be migrated first (or is empty).

    Raises:
        StorageError: `storage.version` when this build does not know the version.
    """
    known = known_versions()
    if version is not None and version not in known:
        raise StorageError(
            f"the database has version {version!r}, which this build does not know (newest: {known[0]!r})",
            hint="Install the build of symbolon that last wrote this database, or a newer one.",
            code="storage.version",
        )
    return version == known[0]


def migrate(connection: Connection) -> None:
    """Brings the database to the newest version, inside the caller's write transaction."""
    # Imported here: most commands open a database that is up to date, and Alembic takes a second to load.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    with _ALEMBIC_LOCK:
        command.upgrade(config, "head")
