"""Opening an SQLite file, and URLs that name none; see test_storage_transactions for what both kinds do."""

import multiprocessing
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from symbolon.errors import ConfigError, StorageError
from symbolon.storage.database import Database


def _url(path: Path) -> str:
    return f"sqlite:///{path}"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "node.db"


@pytest.fixture
def database(path: Path):
    with Database.open(_url(path), create=True) as opened:
        yield opened


def test_open_new_file_is_private_and_durable(database: Database, path: Path) -> None:
    for file in (path, path.with_name("node.db-wal"), path.with_name("node.db-shm")):
        assert file.stat().st_mode & 0o777 == 0o600
    pragmas = {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "secure_delete": 1,
        "temp_store": 2,
        "busy_timeout": 30000,
    }
    for open_connection in (database.transaction, database.read):
        with open_connection("look at the settings") as connection:
            for name, value in pragmas.items():
                assert connection.execute(text(f"PRAGMA {name}")).scalar_one() == value, name


def test_open_readable_by_others_tightens_the_mode(database: Database, path: Path) -> None:
    database.close()
    path.chmod(0o644)
    Database.open(_url(path)).close()
    assert path.stat().st_mode & 0o777 == 0o600


def test_open_missing_without_create_is_refused(path: Path) -> None:
    with pytest.raises(StorageError) as caught:
        Database.open(_url(path))
    assert caught.value.full_code == "storage.missing"
    assert caught.value.hint is not None
    assert not path.exists()


def test_open_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError) as caught:
        Database.open(_url(tmp_path / "no" / "node.db"), create=True)
    assert caught.value.full_code == "storage.open"


def test_open_empty_file_without_create_is_refused(path: Path) -> None:
    path.touch()
    with pytest.raises(StorageError) as caught:
        Database.open(_url(path))
    assert caught.value.full_code == "storage.missing"


def test_open_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError) as caught:
        Database.open(_url(tmp_path))
    assert caught.value.full_code == "storage.not_a_database"


@pytest.mark.parametrize("content", [b"supplier_id,name\n1,Mill\n" * 200, os.urandom(8192)])
def test_open_other_file_is_refused_and_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(StorageError) as caught:
        Database.open(_url(path), create=True)
    assert caught.value.full_code == "storage.not_a_database"
    assert path.read_bytes() == content


def test_open_foreign_database_is_refused(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    with pytest.raises(StorageError) as caught:
        Database.open(_url(path), create=True)
    assert caught.value.full_code == "storage.foreign"


def test_open_unknown_version_is_refused_with_a_hint(database: Database, path: Path) -> None:
    with database.transaction("pretend to be newer") as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    before = path.read_bytes()
    with pytest.raises(StorageError) as caught:
        Database.open(_url(path), create=True)
    assert caught.value.full_code == "storage.version"
    assert "9999" in caught.value.detail
    assert "newer" in str(caught.value.hint)
    assert path.read_bytes() == before


def test_open_damaged_file_is_refused(database: Database, path: Path) -> None:
    database.close()
    content = bytearray(path.read_bytes())
    content[100:4096] = os.urandom(3996)
    path.write_bytes(content)
    with pytest.raises(StorageError) as caught:
        Database.open(_url(path))
    assert caught.value.full_code == "storage.corrupt"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "node.db",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///node.db",
        "mysql://host/name",
        "postgresql://host/name",
        "postgresql+psycopg://alder@host:/name",
        "postgresql+psycopg://alder:secret/1@[::1/name",
    ],
)
def test_open_unusable_url_is_refused(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as caught:
        Database.open(url, create=True)
    assert caught.value.full_code == "config.database"
    assert "secret" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_url_shown_has_no_password_wherever_it_stood() -> None:
    pytest.importorskip("psycopg")
    url = "postgresql+psycopg://alder:secret@host/name?password=secret&sslmode=verify-full&sslpassword=secret"
    shown = Database(create_engine(url), None).url
    assert shown == "postgresql+psycopg://alder:***@host/name?sslmode=verify-full"


def test_url_with_password_is_masked() -> None:
    pytest.importorskip("psycopg", reason="needs psycopg: the extra `postgres`")
    with pytest.raises(StorageError) as caught:
        Database.open("postgresql+psycopg://node:hunter2@127.0.0.1:1/none")
    assert caught.value.full_code == "storage.unreachable"
    assert "hunter2" not in str(caught.value)


def test_open_file_of_another_user_is_refused(database: Database, path: Path) -> None:
    database.close()
    script = (
        "import os, sys\n"
        "from symbolon.storage.database import Database\n"
        "from symbolon.errors import StorageError\n"
        "os.setuid(65534) if os.getuid() == 0 else None\n"
        "try:\n"
        "    Database.open(sys.argv[1])\n"
        "except StorageError as error:\n"
        "    print(error.full_code)\n"
    )
    if os.getuid() != 0:
        path.chmod(0o000)
    run = subprocess.run(
        [sys.executable, "-c", script, _url(path)], capture_output=True, text=True, check=False
    )
    assert run.stdout.strip() in {"storage.open", "storage.readonly"}, run.stderr


def _open_and_close(url: str) -> None:
    Database.open(url, create=True).close()


def test_two_processes_creating_at_once_both_succeed(path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_open_and_close, args=(_url(path),)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]


def _fill(database: Database) -> None:
    with database.transaction("fill the disk") as connection:
        connection.execute(text("CREATE TABLE heap (content BLOB)"))
        for _ in range(64):
            connection.execute(text("INSERT INTO heap VALUES (zeroblob(65536))"))


@pytest.mark.skipif(os.getuid() != 0 or shutil.which("mount") is None, reason="mounting a tmpfs needs root")
def test_full_disk_write_is_refused_and_nothing_is_half_written(tmp_path: Path) -> None:
    mount = tmp_path / "small"
    mount.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(mount)], check=False).returncode:
        pytest.skip("this container may not mount a tmpfs")
    try:
        with Database.open(_url(mount / "node.db"), create=True) as database:
            with pytest.raises(StorageError) as caught:
                _fill(database)
            assert caught.value.full_code == "storage.full"
            assert "nothing was changed" in caught.value.detail
            with database.read("look") as connection:
                tables = connection.execute(text("SELECT name FROM sqlite_schema WHERE name = 'heap'")).all()
                assert tables == []
                assert connection.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
    finally:
        subprocess.run(["umount", str(mount)], check=True)
