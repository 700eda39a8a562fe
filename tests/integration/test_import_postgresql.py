"""The same import, store and locks on PostgreSQL.

Runs where SYMBOLON_TEST_POSTGRES_URL names an empty database that the tests may fill and empty, for example
`postgresql+psycopg://symbolon@127.0.0.1/symbolon_test`.
"""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, func, insert, select, text, update

from symbolon.errors import StorageError
from symbolon.storage.database import Database
from symbolon.storage.database_errors import StorageBusyError
from symbolon.storage.seal import Sealer
from symbolon.storage.supplier_import import IMPORT_LOCK, import_list
from symbolon.storage.supplier_schema import seal_check, supplier, supplier_import
from symbolon.storage.supplier_store import SupplierStore
from symbolon.suppliers.reader import open_list
from symbolon.suppliers.tier import Tier

_URL = os.environ.get("SYMBOLON_TEST_POSTGRES_URL", "")

pytestmark = pytest.mark.skipif(
    not _URL, reason="SYMBOLON_TEST_POSTGRES_URL does not name a PostgreSQL database for tests"
)


@pytest.fixture
def database() -> Iterator[Database]:
    engine = create_engine(_URL)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    with Database.open(_URL, create=True) as opened:
        yield opened


def _list(path: Path, names: list[str]) -> Path:
    rows = [
        f"S-{number},{name},{number + 1} Quellbrook Road,Zorvanpur,,{10000 + number},BD,Apparel"
        for number, name in enumerate(names)
        if name
    ]
    header = "supplier_id,name,address,city,region,postal_code,country,sector"
    path.write_text("\n".join((header, *rows)), encoding="utf-8")
    return path


def test_import_again_on_postgresql_tells_changes_apart(database: Database, tmp_path: Path) -> None:
    sealer = Sealer(bytes(32))
    store = SupplierStore(database, sealer)
    names = [f"Quimbara{n} Works" for n in range(9000)]
    report = import_list(
        database, sealer, open_list(_list(tmp_path / "a.csv", names)), clock=time.time, workers=0
    )
    assert report.new == store.count() == 9000
    before = store.load_keys(Tier.B)
    assert len(before.link_key) == report.keys["B"]
    names[3], names[4] = "", "Quimbara Yard"
    report = import_list(
        database, sealer, open_list(_list(tmp_path / "b.csv", names)), clock=time.time, workers=0
    )
    assert (report.new, report.changed, report.unchanged, report.gone) == (0, 1, 8998, 1)
    assert report.erased
    assert store.by_supplier_id("S-3") is None
    changed = store.by_supplier_id("S-4")
    assert changed is not None
    assert changed.record.name == "Quimbara Yard"
    assert len(store.load_keys(Tier.B).link_key) == len(before.link_key) - 2
    assert [each.record.supplier_id for each in store.list(2, 3)] == ["S-2", "S-4", "S-5"]
    with database.read("look for what was replaced") as connection:
        assert connection.execute(select(func.count(supplier.c.record))).scalar_one() == 8999


def test_open_unknown_version_on_postgresql_is_refused(database: Database) -> None:
    with database.transaction("pretend to be newer") as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StorageError) as caught:
        Database.open(_URL)
    assert caught.value.full_code == "storage.version"


def test_transaction_broken_rule_on_postgresql_shows_no_value(database: Database) -> None:
    with pytest.raises(StorageError) as caught, database.transaction("note the key") as connection:
        connection.execute(insert(seal_check).values(id=7, digest=b"secret-secret-16"))
    assert caught.value.full_code == "storage.constraint"
    assert "secret" not in str(caught.value)


def test_read_on_postgresql_refuses_to_write(database: Database) -> None:
    with pytest.raises(StorageError) as caught, database.read("write by mistake") as connection:
        connection.execute(insert(seal_check).values(id=1, digest=b"x" * 16))
    assert caught.value.full_code == "storage.readonly"


def test_exclusive_second_holder_on_postgresql_is_busy(database: Database) -> None:
    with database.exclusive(IMPORT_LOCK), Database.open(_URL) as other:
        with pytest.raises(StorageBusyError), other.exclusive(IMPORT_LOCK):
            pass
        with other.exclusive("something-else"):
            pass
    with database.exclusive(IMPORT_LOCK):
        pass


def test_writers_on_postgresql_lose_no_update(database: Database) -> None:
    with database.transaction("begin") as connection:
        connection.execute(insert(supplier_import).values(id=1, state="done", started_at_s=0))

    def count_up() -> None:
        with Database.open(_URL) as own:
            for _ in range(50):
                with own.transaction("count up") as connection:
                    value = connection.execute(select(supplier_import.c.started_at_s)).scalar_one()
                    connection.execute(update(supplier_import).values(started_at_s=value + 1))

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read("sum") as connection:
        assert connection.execute(select(supplier_import.c.started_at_s)).scalar_one() == 200
