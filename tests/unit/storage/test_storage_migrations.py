"""The migrations lead to the tables that the code declares, and every column says what it is."""

import importlib
import pkgutil
import sqlite3
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

import symbolon.storage
from symbolon.errors import StorageError
from symbolon.storage import schema_version
from symbolon.storage.database import Database
from symbolon.storage.metadata import metadata


@pytest.fixture(autouse=True)
def _all_tables() -> None:
    for module in pkgutil.iter_modules(symbolon.storage.__path__):
        if module.name.endswith("_schema"):
            importlib.import_module(f"symbolon.storage.{module.name}")


def test_migrations_newest_version_equals_the_declared_tables(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/node.db"
    with Database.open(url, create=True) as database, database.read("compare") as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_metadata_every_table_and_column_has_a_comment() -> None:
    silent = [
        f"{table.name}.{column.name}"
        for table in metadata.tables.values()
        for column in table.columns
        if not column.comment
    ]
    silent += [table.name for table in metadata.tables.values() if not table.comment]
    assert silent == []


def test_migrations_form_one_line() -> None:
    script = ScriptDirectory(str(Path(schema_version.__file__).with_name("migrations")))
    assert len(script.get_heads()) == 1
    assert len(script.get_bases()) == 1
    assert schema_version.known_versions() == [step.revision for step in script.walk_revisions()]


def test_open_older_version_is_migrated_unless_told_not_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "node.db"
    upgrade = command.upgrade
    with monkeypatch.context() as patch:
        patch.setattr(schema_version, "check_version", lambda version: version == "0001")
        patch.setattr(command, "upgrade", lambda config, _: upgrade(config, "0001"))
        Database.open(f"sqlite:///{path}", create=True).close()
    newest = schema_version.known_versions()[0]
    if newest != "0001":
        with pytest.raises(StorageError) as caught:
            Database.open(f"sqlite:///{path}", migrate=False)
        assert caught.value.full_code == "storage.older"
    with Database.open(f"sqlite:///{path}") as database, database.read("look") as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == newest


def test_migrate_failing_half_way_leaves_the_version_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "node.db"
    upgrade = command.upgrade

    def upgrade_then_fail(config: object, target: str) -> None:
        upgrade(config, target)
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(command, "upgrade", upgrade_then_fail)
        with pytest.raises(ZeroDivisionError):
            Database.open(f"sqlite:///{path}", create=True)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,)
    Database.open(f"sqlite:///{path}", create=True).close()
