"""Any sequence of imports gives the list, the counts and the keys that a plain dictionary gives."""

import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from postgres_server import PostgresServer
from symbolon.storage import supplier_import as importing
from symbolon.storage.database import Database
from symbolon.storage.key_columns import KeyLinks
from symbolon.storage.seal import Sealer
from symbolon.storage.supplier_import import import_list
from symbolon.storage.supplier_keys import KeyBatch, KeyJob, TierLinks
from symbolon.storage.supplier_schema import key_segment, supplier
from symbolon.storage.supplier_store import SupplierStore
from symbolon.suppliers.record import Supplier
from symbolon.suppliers.tier import Tier

_IDS = st.sampled_from([f"S-{number}" for number in range(12)])
_RECORDS = st.tuples(st.sampled_from(["Mill", "Farm", "Dyer", ""]), st.sampled_from(["", "L1", "L2", "L3"]))
_LISTS = st.lists(st.dictionaries(_IDS, _RECORDS, max_size=12), min_size=1, max_size=6)


class _Rows(SimpleNamespace):
    """Stands for a file reader."""

    def __init__(self, rows: list[Supplier]) -> None:
        super().__init__(rows=rows, encoding="UTF-8", total_bytes=0, bytes_read=0)

    def __iter__(self) -> Iterator[Supplier]:
        return iter(self.rows)


def _keys_of(record: Supplier) -> dict[Tier, set[bytes]]:
    return {
        Tier.A: {record.lei.encode()} if record.lei else set(),
        Tier.B: {record.name.encode()} if record.name else set(),
        Tier.C: {f"{record.name}|{record.lei}".encode(), b"everybody"} if record.name else set(),
    }


def _make(jobs: Sequence[KeyJob]) -> KeyBatch:
    """Keys straight from the columns; SHA-256 stands for the curve."""
    links = {}
    for tier in Tier:
        rows = [
            (job.supplier_no, job.supplier_pk, key)
            for job in jobs
            for key in sorted(_keys_of(Supplier.from_json(job.record))[tier])
        ]
        if rows:
            points = b"".join(hashlib.sha256(key).digest() for _, _, key in rows)
            numbers, pks, inputs = zip(*rows, strict=True)
            links[tier] = TierLinks(len(rows), KeyLinks.of(numbers, pks, inputs, points).encode())
    return KeyBatch(links, keys_s=0.0, hash_s=0.0)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A node's database with its tables: quicker to copy than to make."""
    path = tmp_path_factory.mktemp("empty") / "node.db"
    Database.open(f"sqlite:///{path}", create=True).close()
    return path


@settings(max_examples=40)
@given(lists=_LISTS, batch=st.integers(1, 5))
def test_import_sequence_equals_a_dictionary(
    empty: Path, lists: list[dict[str, tuple[str, str]]], batch: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(empty, folder)
        _check_sequence(f"sqlite:///{folder}/node.db", lists, batch)


@settings(max_examples=6)
@given(lists=_LISTS, batch=st.integers(1, 5))
def test_import_sequence_on_postgresql_equals_a_dictionary(
    postgres: PostgresServer, lists: list[dict[str, tuple[str, str]]], batch: int
) -> None:
    with postgres.node_database() as url:
        _check_sequence(url, lists, batch)


def _check_sequence(url: str, lists: list[dict[str, tuple[str, str]]], batch: int) -> None:
    with (
        mock.patch.object(importing, "BATCH_SUPPLIERS", batch),
        Database.open(url, create=True) as database,
    ):
        sealer = Sealer(bytes(range(32)))
        store = SupplierStore(database, sealer)
        before: dict[str, Supplier] = {}
        numbers: dict[str, int] = {}
        ever: set[int] = set()
        for content in lists:
            now = {key: Supplier(key, name, lei=lei) for key, (name, lei) in content.items()}
            report = import_list(
                database,
                sealer,
                _Rows(list(now.values())),  # type: ignore[arg-type]
                clock=lambda: 0.0,
                allow_shrink=True,
                workers=0,
                key_maker=_make,
            )
            assert report.new == len(now.keys() - before.keys())
            assert report.gone == len(before.keys() - now.keys())
            assert report.unchanged == sum(before.get(key) == record for key, record in now.items())
            assert report.new + report.changed + report.unchanged == store.count() == len(now)
            stored = {each.record.supplier_id: each for each in store.list()}
            assert {key: each.record for key, each in stored.items()} == now
            for key, each in stored.items():
                if key in before:
                    assert each.supplier_no == numbers[key]
                else:
                    assert each.supplier_no not in ever
            numbers = {key: each.supplier_no for key, each in stored.items()}
            ever |= set(numbers.values())
            _check_keys(store, now, numbers)
            _check_erased(database, len(now))
            before = now


def _check_keys(store: SupplierStore, now: dict[str, Supplier], numbers: dict[str, int]) -> None:
    for tier in Tier:
        expected = {
            (key, numbers[supplier_id])
            for supplier_id, record in now.items()
            for key in _keys_of(record)[tier]
        }
        table = store.load_keys(tier)
        found = [
            (table.inputs[key], int(number))
            for key, number in zip(table.link_key, table.link_supplier, strict=True)
        ]
        assert len(found) == len(set(found))
        assert set(found) == expected
        assert len(set(table.inputs)) == len(table)
        assert np.all(table.key_ids[1:] > table.key_ids[:-1])
        points = table.points[table.point_row].tobytes()
        assert points == b"".join(hashlib.sha256(key).digest() for key in table.inputs)


def _check_erased(database: Database, live: int) -> None:
    with database.read("look for what should be gone") as connection:
        held = connection.execute(select(func.count(supplier.c.record))).scalar_one()
        assert held == live
        assert connection.execute(select(func.count(supplier.c.id_digest))).scalar_one() == live
        if live == 0:
            assert connection.execute(select(func.count()).select_from(key_segment)).scalar_one() == 0
            assert connection.execute(select(func.count()).select_from(supplier)).scalar_one() == 0
