"""A database, a sealing key, and a reader and a key maker that need no file and no curve."""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from symbolon.storage.database import Database
from symbolon.storage.import_report import ImportReport
from symbolon.storage.key_columns import KeyLinks
from symbolon.storage.seal import Sealer
from symbolon.storage.supplier_import import import_list
from symbolon.storage.supplier_keys import KeyBatch, KeyJob, TierLinks
from symbolon.suppliers.record import Supplier
from symbolon.suppliers.tier import Tier


def quick_keys(jobs: Sequence[KeyJob]) -> KeyBatch:
    """One key of tier A for the name; SHA-256 stands for the curve."""
    names = [Supplier.from_json(job.record).name.encode() for job in jobs]
    points = b"".join(hashlib.sha256(name).digest() for name in names)
    columns = KeyLinks.of([job.supplier_no for job in jobs], [job.supplier_pk for job in jobs], names, points)
    return KeyBatch({Tier.A: TierLinks(len(jobs), columns.encode())}, keys_s=0.0, hash_s=0.0)


@pytest.fixture
def sealer() -> Sealer:
    return Sealer(bytes(range(32)))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with Database.open(database_url, create=True) as opened:
        yield opened


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without tables, of each kind in its turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/node.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def reader() -> Callable[..., Any]:
    def make(*items: Any) -> Any:
        class Reader(SimpleNamespace):
            def __iter__(self) -> Iterator[Any]:
                return iter(items)

        return Reader(encoding="UTF-8", total_bytes=1000, bytes_read=500)

    return make


@pytest.fixture
def take_in(database: Database, sealer: Sealer, reader: Callable[..., Any]) -> Callable[..., ImportReport]:
    """Imports the suppliers given, with quick keys and no workers."""

    def run(*items: Any, **options: Any) -> ImportReport:
        options = {"clock": time.time, "workers": 0, "key_maker": quick_keys, **options}
        return partial(import_list, database, sealer, reader(*items))(**options)

    return run
