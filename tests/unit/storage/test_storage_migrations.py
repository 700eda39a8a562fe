"""The migrations lead to the tables that the code declares, and every column says what it is."""

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text

import symbolon.storage
from quick_schema import dump, every_version, quick_schema
from symbolon.errors import StorageError
from symbolon.storage import schema_version
from symbolon.storage.database import Database
from symbolon.storage.metadata import metadata


@pytest.fixture(autouse=True)
def _every_version() -> Iterator[None]:
    with every_version():
        yield


@pytest.fixture(autouse=True)
def _all_tables() -> None:
    for module in pkgutil.iter_modules(symbolon.storage.__path__):
        if module.name.endswith("_schema"):
            importlib.import_module(f"symbolon.storage.{module.name}")


def test_migrations_newest_version_equals_the_declared_tables(empty_database_url: str) -> None:
    """Types, indexes and constraints; on PostgreSQL the comments too."""
    with Database.open(empty_database_url, create=True) as database, database.read("compare") as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_quick_schema_of_other_tests_is_that_of_the_migrations(tmp_path: Path) -> None:
    def made(name: str) -> tuple[list[str], tuple[object, ...]]:
        path = tmp_path / name
        with Database.open(f"sqlite:///{path}", create=True) as database, database.read("look") as connection:
            settings = ("page_size", "journal_mode", "secure_delete", "foreign_keys", "synchronous")
            held = tuple(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in settings)
        assert path.stat().st_mode & 0o777 == 0o600
        return dump(path), held

    migrated = made("migrated.db")
    with quick_schema():
        assert made("first.db") == made("second.db") == migrated
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first.db", "migrated.db", "second.db"]


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
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade = command.upgrade
    with monkeypatch.context() as patch:
        patch.setattr(schema_version, "check_version", lambda version: version == "0001")
        patch.setattr(command, "upgrade", lambda config, _: upgrade(config, "0001"))
        Database.open(empty_database_url, create=True).close()
    newest = schema_version.known_versions()[0]
    if newest != "0001":
        for create in (False, True):
            with pytest.raises(StorageError) as caught:
                Database.open(empty_database_url, create=create, migrate=False)
            assert caught.value.full_code == "storage.older"
    with Database.open(empty_database_url) as database, database.read("look") as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == newest


def test_migrate_failing_half_way_leaves_the_version_before(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade = command.upgrade

    def upgrade_then_fail(config: object, target: str) -> None:
        upgrade(config, target)
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(command, "upgrade", upgrade_then_fail)
        with pytest.raises(ZeroDivisionError):
            Database.open(empty_database_url, create=True)
    engine = create_engine(empty_database_url)
    assert inspect(engine).get_table_names() == []
    engine.dispose()
    Database.open(empty_database_url, create=True).close()
