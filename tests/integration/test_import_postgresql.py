"""What only PostgreSQL does, or only a long list shows there; tests/unit/storage runs on both databases."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, func, insert, make_url, select, text

from postgres_server import PostgresServer
from symbolon.errors import StorageError
from symbolon.storage.database import Database
from symbolon.storage.seal import Sealer
from symbolon.storage.supplier_import import import_list
from symbolon.storage.supplier_schema import seal_check, supplier
from symbolon.storage.supplier_store import SupplierStore
from symbolon.suppliers.reader import open_list
from symbolon.suppliers.tier import Tier


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[Database]:
    with postgres.node_database() as url, Database.open(url) as opened:
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


def test_read_on_postgresql_refuses_to_write(database: Database) -> None:
    with pytest.raises(StorageError) as caught, database.read("write by mistake") as connection:
        connection.execute(insert(seal_check).values(id=1, digest=b"x" * 16))
    assert caught.value.full_code == "storage.readonly"


def test_open_role_that_may_not_make_tables_is_told_to_own_its_database(postgres_url: str) -> None:
    engine = create_engine(postgres_url)
    with engine.begin() as connection:
        connection.execute(text("REVOKE CREATE ON SCHEMA public FROM pg_database_owner"))
    engine.dispose()
    with pytest.raises(StorageError) as caught:
        Database.open(postgres_url, create=True)
    assert caught.value.full_code == "storage.readonly"
    assert "owner of its database" in str(caught.value.hint)


def test_open_database_the_server_does_not_have_is_unreachable_and_shows_no_password(
    postgres_url: str,
) -> None:
    url = make_url(postgres_url)
    with pytest.raises(StorageError) as caught:
        Database.open(url.set(database="elsewhere").render_as_string(hide_password=False))
    assert caught.value.full_code == "storage.unreachable"
    assert '"elsewhere" does not exist' in str(caught.value)
    assert str(url.password) not in str(caught.value)
