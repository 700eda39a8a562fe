"""Opening a database, named transactions, and what becomes of a driver's errors."""

import multiprocessing
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, text, update

from symbolon.errors import ConfigError, StorageError
from symbolon.storage.database import Database
from symbolon.storage.database_errors import StorageBusyError
from symbolon.storage.supplier_schema import seal_check, supplier_import


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
    "url", ["", "node.db", "sqlite://", "sqlite:///:memory:", "mysql://host/name", "postgresql://host/name"]
)
def test_open_unusable_url_is_refused(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Database.open(url, create=True)
    assert caught.value.full_code == "config.database"


def test_url_with_password_is_masked() -> None:
    pytest.importorskip("psycopg", reason="needs the extra `postgres`")
    with pytest.raises(StorageError) as caught:
        Database.open("postgresql+psycopg://node:hunter2@127.0.0.1:1/none")
    assert caught.value.full_code == "storage.unreachable"
    assert "hunter2" not in str(caught.value)


def test_transaction_exception_undoes_the_block(database: Database) -> None:
    def half_a_block() -> None:
        with database.transaction("half a block") as connection:
            connection.execute(insert(seal_check).values(id=1, digest=b"x" * 16))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half_a_block()
    with database.read("count") as connection:
        assert connection.execute(select(func.count()).select_from(seal_check)).scalar_one() == 0


def test_transaction_broken_rule_names_the_transaction_and_no_value(database: Database) -> None:
    with pytest.raises(StorageError) as caught, database.transaction("note the key") as connection:
        connection.execute(insert(seal_check).values(id=7, digest=b"secret-secret-16"))
    assert caught.value.full_code == "storage.constraint"
    assert caught.value.detail.startswith("note the key: ")
    for text_shown in (str(caught.value), str(caught.value.__cause__)):
        assert "secret" not in text_shown


def test_transaction_within_a_transaction_is_refused(database: Database) -> None:
    with (
        database.transaction("outer"),
        pytest.raises(StorageError) as caught,
        database.transaction("inner"),
    ):
        pass
    assert caught.value.full_code == "storage.nested"
    with database.transaction("afterwards"):
        pass


def test_read_snapshot_does_not_move_under_a_writer(database: Database) -> None:
    query = select(func.count()).select_from(seal_check)
    with database.read("count twice") as reading:
        assert reading.execute(query).scalar_one() == 0
        with database.transaction("add") as writing:
            writing.execute(insert(seal_check).values(id=1, digest=b"x" * 16))
        assert reading.execute(query).scalar_one() == 0
    with database.read("count again") as reading:
        assert reading.execute(query).scalar_one() == 1


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


def test_write_lock_held_too_long_is_busy_and_says_try_again(database: Database, path: Path) -> None:
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with database.read("shorten the wait") as connection:
        connection.execute(text("PRAGMA busy_timeout = 50"))
    with pytest.raises(StorageBusyError) as caught, database.transaction("wait in vain"):
        pass
    assert caught.value.full_code == "storage.busy"
    assert caught.value.exit_code == 75
    blocker.close()
    with database.transaction("go on"):
        pass


def _count_up(url: str, rounds: int) -> None:
    with Database.open(url) as database:
        for _ in range(rounds):
            with database.transaction("count up") as connection:
                value = connection.execute(select(supplier_import.c.started_at_s)).scalar_one()
                connection.execute(update(supplier_import).values(started_at_s=value + 1))


def test_two_processes_reading_then_writing_lose_no_update(database: Database, path: Path) -> None:
    with database.transaction("begin") as connection:
        connection.execute(insert(supplier_import).values(id=1, state="done", started_at_s=0))
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_count_up, args=(_url(path), 100)) for _ in range(2)]
    threads = [threading.Thread(target=_count_up, args=(_url(path), 50)) for _ in range(2)]
    for worker in (*processes, *threads):
        worker.start()
    for worker in (*processes, *threads):
        worker.join()
    with database.read("sum") as connection:
        assert connection.execute(select(supplier_import.c.started_at_s)).scalar_one() == 300
    assert [process.exitcode for process in processes] == [0, 0]


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


def test_exclusive_second_holder_is_busy(database: Database, path: Path) -> None:
    with database.exclusive("supplier-import"), Database.open(_url(path)) as other:
        with pytest.raises(StorageBusyError), other.exclusive("supplier-import"):
            pass
        with other.exclusive("something-else"), other.transaction("write meanwhile"):
            pass
    with database.exclusive("supplier-import"):
        pass


def _fill(database: Database) -> None:
    with database.transaction("fill the disk") as connection:
        connection.execute(text("CREATE TABLE heap (content BLOB)"))
        for _ in range(64):
            connection.execute(text("INSERT INTO heap VALUES (zeroblob(65536))"))


@pytest.mark.skipif(os.getuid() != 0 or shutil.which("mount") is None, reason="mounting a tmpfs needs root")
def test_full_disk_write_is_refused_and_nothing_is_half_written(tmp_path: Path) -> None:
    mount = tmp_path / "small"
    mount.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(mount)], check=False).returncode:
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
