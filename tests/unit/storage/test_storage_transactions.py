"""Named transactions, snapshots and locks: the same promises on SQLite and on PostgreSQL."""

import contextlib
import multiprocessing
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, insert, select, text, update

from symbolon.errors import BudgetError, StorageError
from symbolon.storage import database as database_module
from symbolon.storage.database import Database, database_file
from symbolon.storage.database_errors import StorageBusyError
from symbolon.storage.exchange_budget import EVERYBODY, BudgetLimits, debit, spent_in
from symbolon.storage.schema_version import known_versions
from symbolon.storage.supplier_schema import seal_check, supplier_import

_ROWS = select(func.count()).select_from(seal_check)
_NOTE = insert(seal_check).values(id=1, digest=b"x" * 16)


def _rows(database: Database) -> int:
    with database.read("count") as connection:
        return int(connection.execute(_ROWS).scalar_one())


def test_transaction_exception_undoes_the_block(database: Database) -> None:
    def half_a_block() -> None:
        with database.transaction("half a block") as connection:
            connection.execute(_NOTE)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half_a_block()
    assert _rows(database) == 0


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
    with database.read("count twice") as reading:
        assert reading.execute(_ROWS).scalar_one() == 0
        with database.transaction("add") as writing:
            writing.execute(_NOTE)
        assert reading.execute(_ROWS).scalar_one() == 0
    assert _rows(database) == 1


def test_open_unknown_version_is_refused(database: Database, database_url: str) -> None:
    with database.transaction("pretend to be newer") as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StorageError) as caught:
        Database.open(database_url)
    assert caught.value.full_code == "storage.version"


def test_open_tables_of_others_is_refused(empty_database_url: str) -> None:
    with Database.open(empty_database_url, create=True) as database, database.transaction("x") as connection:
        connection.execute(text("DROP TABLE alembic_version"))
    with pytest.raises(StorageError) as caught:
        Database.open(empty_database_url, create=True)
    assert caught.value.full_code == "storage.foreign"


def test_write_lock_held_too_long_is_busy_and_says_try_again(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        Database.open(database_url) as other,
        other.transaction("take long"),
        monkeypatch.context() as patch,
    ):
        patch.setattr(database_module, "BUSY_TIMEOUT_S", 0.05)
        if database_file(database_url) is not None:
            with database.read("shorten the wait") as connection:
                connection.execute(text("PRAGMA busy_timeout = 50"))
        with pytest.raises(StorageBusyError) as caught, database.transaction("wait in vain"):
            pass
    assert caught.value.full_code == "storage.busy"
    assert caught.value.exit_code == 75
    with database.transaction("go on"):
        pass


def _count_up(url: str, rounds: int) -> None:
    with Database.open(url) as database:
        for _ in range(rounds):
            with database.transaction("count up") as connection:
                value = connection.execute(select(supplier_import.c.started_at_s)).scalar_one()
                connection.execute(update(supplier_import).values(started_at_s=value + 1))


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
def test_two_processes_reading_then_writing_lose_no_update(database: Database, database_url: str) -> None:
    with database.transaction("begin") as connection:
        connection.execute(insert(supplier_import).values(id=1, state="done", started_at_s=0))
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_count_up, args=(database_url, 100)) for _ in range(2)]
    threads = [threading.Thread(target=_count_up, args=(database_url, 50)) for _ in range(2)]
    for worker in (*processes, *threads):
        worker.start()
    for worker in (*processes, *threads):
        worker.join()
    with database.read("sum") as connection:
        assert connection.execute(select(supplier_import.c.started_at_s)).scalar_one() == 300
    assert [process.exitcode for process in processes] == [0, 0]


def test_budget_debited_by_many_at_once_ends_exactly_at_its_limit(
    database: Database, database_url: str
) -> None:
    limits = BudgetLimits(window_days=90, per_window=1000, per_member_year=1000, all_members_year=100)
    granted: list[int] = []

    def spend(peer: str) -> None:
        with Database.open(database_url) as own, contextlib.suppress(BudgetError):
            while True:
                with own.transaction("ask") as connection:
                    debit(connection, limits, peer=peer, area="match", tier="A", count=3, now_s=1.8e9)
                granted.append(3)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(spend, ["mill", "farm", "alder", "birch"]))
    with database.read("sum") as connection:
        assert spent_in(connection, EVERYBODY, "match", "A", "year:2027") == sum(granted) == 99


def test_many_creating_at_once_all_succeed(empty_database_url: str) -> None:
    def create(_: int) -> str:
        with Database.open(empty_database_url, create=True) as own, own.read("look") as connection:
            return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one())

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(create, range(4))) == {known_versions()[0]}


def test_exclusive_second_holder_is_busy(database: Database, database_url: str) -> None:
    with database.exclusive("supplier-import"), Database.open(database_url) as other:
        with pytest.raises(StorageBusyError) as caught, other.exclusive("supplier-import", "import"):
            pass
        assert caught.value.detail == "another import is running", "the name of the lock says nothing"
        assert caught.value.hint == "Wait for it to end, then try again."
        with other.exclusive("something-else"), other.transaction("write meanwhile"):
            pass
    with database.exclusive("supplier-import"):
        pass


def test_exclusive_many_held_leave_room_for_work(database: Database) -> None:
    with contextlib.ExitStack() as held:
        for number in range(20):
            held.enter_context(database.exclusive(f"release-{number}"))
        with database.transaction("write meanwhile") as connection:
            connection.execute(_NOTE)
        assert _rows(database) == 1


_HALF_WAY = """
import sys, time
from sqlalchemy import insert
from symbolon.storage.database import Database
from symbolon.storage.supplier_schema import seal_check
with Database.open(sys.argv[1]) as database, database.exclusive("job"):
    with database.transaction("half a block") as connection:
        connection.execute(insert(seal_check).values(id=1, digest=b"x" * 16))
        print("half-way", flush=True)
        time.sleep(600)
"""


def test_transaction_killed_half_way_leaves_nothing_and_frees_its_locks(
    database: Database, database_url: str
) -> None:
    with subprocess.Popen([sys.executable, "-c", _HALF_WAY, database_url], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"half-way\n"
        with pytest.raises(StorageBusyError), database.exclusive("job"):
            pass
        process.send_signal(signal.SIGKILL)
    with database.transaction("go on"):
        pass
    assert _rows(database) == 0
    _wait_for_lock(database, "job")


def _wait_for_lock(database: Database, name: str) -> None:
    """A server notices a moment later that a client is gone."""
    patience = time.monotonic() + 60
    while True:
        try:
            with database.exclusive(name):
                return
        except StorageBusyError:
            assert time.monotonic() < patience
            time.sleep(0.05)
