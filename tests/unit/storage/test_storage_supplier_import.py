"""An import makes a new revision whole or not at all, and says what it did."""

import os
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from sqlalchemy import func, insert, null, select, text, update

from symbolon.errors import InputError, SealError, StorageError
from symbolon.exchange.rules_agreement import fingerprint
from symbolon.storage import supplier_import as importing
from symbolon.storage import supplier_keys
from symbolon.storage.database import Database, database_file
from symbolon.storage.database_errors import StorageBusyError
from symbolon.storage.import_report import PROBLEMS_KEPT, ImportProgress, ListShrunkError
from symbolon.storage.seal import Sealer
from symbolon.storage.supplier_import import IMPORT_LOCK, import_list
from symbolon.storage.supplier_keys import KeyBatch, KeyJob
from symbolon.storage.supplier_schema import key_segment, seal_check, supplier, supplier_import
from symbolon.storage.supplier_store import SupplierStore, open_links
from symbolon.suppliers.key_schemes import VERSIONS, key_rules
from symbolon.suppliers.record import Supplier
from symbolon.suppliers.row_problem import RowProblem
from symbolon.suppliers.tier import Tier

MILL = Supplier("A-1", "Mill", country="BD")
FARM = Supplier("A-2", "Farm", country="US")
DYER = Supplier("A-3", "Dyer", country="IN")


@pytest.fixture
def store(database: Database, sealer: Sealer) -> SupplierStore:
    return SupplierStore(database, sealer)


def _records(store: SupplierStore) -> list[Supplier]:
    return [stored.record for stored in store.list()]


def test_import_first_list_is_all_new(take_in: Callable[..., Any], store: SupplierStore) -> None:
    assert store.revision() == store.count() == 0
    report = take_in(MILL, FARM)
    assert (report.new, report.changed, report.unchanged, report.gone) == (2, 0, 0, 0)
    assert report.keys == {"A": 2}
    assert store.count_keys() == {Tier.A: 2, Tier.B: 0, Tier.C: 0}
    assert report.revision == store.revision() == 1
    assert _records(store) == [MILL, FARM]


def test_import_again_tells_changes_apart_and_keeps_numbers(
    take_in: Callable[..., Any], store: SupplierStore
) -> None:
    take_in(MILL, FARM, DYER)
    number = {stored.record.supplier_id: stored.supplier_no for stored in store.list()}
    farm = Supplier("A-2", "Farm & Sons", country="US")
    cannery = Supplier("A-9", "Cannery", country="TH")
    report = take_in(cannery, farm, MILL)
    assert (report.new, report.changed, report.unchanged, report.gone) == (1, 1, 1, 1)
    assert report.keys == {"A": 2}
    assert store.get(number["A-2"]) == farm
    assert store.get(number["A-1"]) == MILL
    assert store.get(number["A-3"]) is None
    assert store.by_supplier_id("A-3") is None
    new = store.by_supplier_id("A-9")
    assert new is not None
    assert new.supplier_no not in number.values()
    assert sorted(store.load_keys(Tier.A).inputs) == [b"Cannery", b"Farm & Sons", b"Mill"]


def test_import_supplier_that_returns_gets_a_number_never_used(
    take_in: Callable[..., Any], store: SupplierStore
) -> None:
    take_in(MILL, FARM)
    before = store.by_supplier_id("A-2")
    take_in(MILL)
    take_in(MILL, FARM)
    after = store.by_supplier_id("A-2")
    assert before is not None
    assert after is not None
    assert after.supplier_no > before.supplier_no


def test_import_newer_normaliser_makes_every_key_anew(
    take_in: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    take_in(MILL, FARM)
    monkeypatch.setattr(importing, "keys_version", lambda: "another")
    report = take_in(MILL, FARM)
    assert (report.changed, report.unchanged) == (2, 0)


def test_import_unchanged_list_after_a_rule_changed_replaces_its_keys(
    take_in: Callable[..., Any],
    database: Database,
    sealer: Sealer,
    store: SupplierStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held = Supplier("A-1", "Mill", lei="5299000J2N45DDNE4Y28", duns="150483782")
    with monkeypatch.context() as older:
        older.setitem(VERSIONS, "lei", 0)
        take_in(held, key_maker=supplier_keys.make_keys)
        assert not store.is_outdated()
        older_rules = fingerprint(key_rules())
    assert store.is_outdated()
    assert store.load_list((Tier.A,)).rules == older_rules != fingerprint(key_rules())
    assert list(store.load_keys(Tier.A).inputs) == [b"lei.0\x1f5299000J2N45DDNE4Y28"]
    (before,) = store.list()
    report = take_in(held, key_maker=supplier_keys.make_keys)
    assert (report.new, report.changed, report.unchanged, report.gone) == (0, 1, 0, 0)
    assert not store.is_outdated()
    assert store.load_list(()).rules == fingerprint(key_rules())
    assert store.list() == [before]
    with database.read("look for keys of the older rules") as connection:
        rows = connection.execute(select(key_segment)).all()
    inputs = {row.tier: open_links(sealer, row.id, row.payload).inputs for row in rows}
    assert inputs == {"A": b"lei.1\x1f5299000J2N45DDNE4Y28", "B": b"duns-unchecked.1\x1f150483782"}


def test_store_tells_since_when_the_list_was_keyed_by_other_rules_than_before(
    take_in: Callable[..., Any], store: SupplierStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    since = [store.load_list(()).rules_since_s]
    for version, at_s in ((1, 100), (1, 200), (2, 300), (2, 400), (1, 500), (1, 600)):
        monkeypatch.setitem(VERSIONS, "lei", version)
        take_in(MILL, clock=lambda at_s=at_s: at_s)
        since.append(store.load_list(()).rules_since_s)
    assert since == [0, 0, 0, 300, 300, 500, 500]


def test_store_list_of_unknown_rules_is_outdated_and_no_list_is_not(
    take_in: Callable[..., Any], database: Database, store: SupplierStore
) -> None:
    assert not store.is_outdated()
    assert store.load_list(Tier).rules == fingerprint(key_rules())
    take_in(MILL)
    with database.transaction("pretend it was imported before rules were noted") as connection:
        connection.execute(update(supplier_import).values(key_rules=null()))
    assert store.is_outdated()
    assert store.load_list(Tier).rules == b""


def test_import_list_cut_short_is_refused_unless_told(
    take_in: Callable[..., Any], store: SupplierStore
) -> None:
    problem = RowProblem(3, "name", "no name", "fill it", fatal=True)
    take_in(MILL, FARM, DYER)
    with pytest.raises(ListShrunkError) as caught:
        take_in(MILL, problem)
    assert caught.value.full_code == "input.list.shrunk"
    assert "--yes-shrink" in str(caught.value.hint)
    assert caught.value.problems == (problem,)
    assert store.revision() == 1
    assert store.count() == 3
    assert take_in(MILL, allow_shrink=True).gone == 2
    assert _records(store) == [MILL]


def test_import_problems_are_counted_kept_to_a_cap_and_all_passed_on(take_in: Callable[..., Any]) -> None:
    passed: list[RowProblem] = []
    warnings = [RowProblem(n, "lei", "no", "mend", fatal=False) for n in range(PROBLEMS_KEPT + 5)]
    fatal = [RowProblem(n, "name", "no", "mend", fatal=True) for n in range(PROBLEMS_KEPT + 7)]
    report = take_in(*warnings, *fatal, MILL, on_problem=passed.append)
    assert report.problem_count == len(passed) == 2 * PROBLEMS_KEPT + 12
    assert report.left_out == PROBLEMS_KEPT + 7
    assert report.rows_read == PROBLEMS_KEPT + 8
    assert report.problems == (*warnings[:PROBLEMS_KEPT], *fatal[:PROBLEMS_KEPT])


def test_import_another_key_is_refused_and_the_list_stays(
    take_in: Callable[..., Any], database: Database, reader: Callable[..., Any], store: SupplierStore
) -> None:
    take_in(MILL)
    with pytest.raises(SealError) as caught:
        import_list(database, Sealer(bytes(32)), reader(MILL), clock=lambda: 0.0, workers=0)
    assert caught.value.full_code == "storage.seal.key"
    assert _records(store) == [MILL]


def test_import_while_another_runs_is_busy(take_in: Callable[..., Any], database: Database) -> None:
    with database.exclusive(IMPORT_LOCK), pytest.raises(StorageBusyError) as caught:
        take_in(MILL)
    assert caught.value.detail == "another import of the supplier list is running"


def test_import_running_shows_readers_the_list_before_and_lets_writers_in(
    take_in: Callable[..., Any],
    database: Database,
    sealer: Sealer,
    store: SupplierStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importing, "BATCH_SUPPLIERS", 2)
    monkeypatch.setattr(importing, "PROGRESS_ROWS", 1)
    take_in(MILL, FARM)
    told: list[ImportProgress] = []

    def look(progress: ImportProgress) -> None:
        told.append(progress)
        assert _records(store) == [MILL, FARM]
        assert store.revision() == 1
        assert sorted(store.load_keys(Tier.A).inputs) == [b"Farm", b"Mill"]
        with database.transaction("write meanwhile") as connection:
            connection.execute(update(seal_check).values(id=1))

    others = [Supplier(f"B-{n}", f"Mill {n}", country="BD") for n in range(9)]
    report = take_in(*others, progress=look)
    assert (report.new, report.gone) == (9, 2)
    assert told[-1].finishing
    assert _records(store) == others


def test_import_reader_that_fails_leaves_the_list_before(
    take_in: Callable[..., Any], database: Database, sealer: Sealer, store: SupplierStore, monkeypatch: Any
) -> None:
    monkeypatch.setattr(importing, "BATCH_SUPPLIERS", 1)
    take_in(MILL)

    class Broken:
        encoding = "UTF-8"
        total_bytes = bytes_read = 0

        def __iter__(self) -> Any:
            yield FARM
            yield Supplier("A-1", "Mill changed")
            raise InputError("the file broke")

    with pytest.raises(InputError):
        import_list(database, sealer, Broken(), clock=lambda: 0.0, workers=0)  # type: ignore[arg-type]
    assert _records(store) == [MILL]
    with database.read("look for leftovers") as connection:
        assert connection.execute(select(func.count()).select_from(supplier)).scalar_one() == 1
        assert connection.execute(select(func.max(supplier_import.c.id))).scalar_one() == 1


def _die(jobs: Sequence[KeyJob]) -> KeyBatch:
    os._exit(9)


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
def test_import_worker_that_dies_leaves_the_list_before(
    take_in: Callable[..., Any], store: SupplierStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_in(MILL)
    monkeypatch.setattr(supplier_keys, "POOL_FROM_BATCH", 0)
    with pytest.raises(StorageError) as caught:
        take_in(MILL, FARM, workers=1, key_maker=_die)
    assert caught.value.full_code == "storage.import.worker"
    assert _records(store) == [MILL]
    assert store.revision() == 1


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
def test_import_with_workers_equals_import_without(
    take_in: Callable[..., Any], store: SupplierStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH_SUPPLIERS", 3)
    records = [
        Supplier(f"S-{n}", f"Zorvan{n} Quellbrook Textile", city="Dhaka", country="BD") for n in range(40)
    ]
    take_in(*records, key_maker=supplier_keys.make_keys)
    alone = {tier: store.load_keys(tier) for tier in Tier}
    take_in(allow_shrink=True)
    monkeypatch.setattr(supplier_keys, "POOL_FROM_BATCH", 2)
    take_in(*records, workers=2, key_maker=supplier_keys.make_keys)
    assert _records(store) == records
    for tier in Tier:
        table = store.load_keys(tier)
        assert list(table.inputs) == list(alone[tier].inputs)
        points, others = (one.points[one.point_row] for one in (table, alone[tier]))
        assert points.tobytes() == others.tobytes()
    assert len(alone[Tier.B]) > 0


def test_import_sweep_erases_replaced_records_and_forgets_their_rows(
    take_in: Callable[..., Any], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH_SUPPLIERS", 10)
    records = [Supplier(f"S-{n}", f"Mill {n}") for n in range(40)]
    take_in(*records)
    take_in(*[Supplier("S-0", "other"), *records[1:]])
    with database.read("look") as connection:
        retired = connection.execute(select(supplier).where(supplier.c.retired_by.is_not(None))).all()
        assert [(row.pk, row.supplier_no) for row in retired] == [(1, 1)]
        assert (retired[0].record, retired[0].id_digest, retired[0].content_digest) == (None, None, None)
    take_in(*[Supplier(f"S-{n}", "other") for n in range(3)], *records[3:])
    with database.read("look") as connection:
        retired = connection.execute(select(supplier).where(supplier.c.retired_by.is_not(None))).all()
        assert retired == []
        segments = connection.execute(select(func.count()).select_from(key_segment)).scalar_one()
        assert segments <= 5


def test_import_sweep_that_fails_is_told_and_made_up_for(
    take_in: Callable[..., Any], database: Database, store: SupplierStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StorageError("the disk is full", code="storage.full")

    take_in(MILL, FARM)
    with monkeypatch.context() as patch:
        patch.setattr(importing, "sweep", fail)
        report = take_in(MILL, Supplier("A-2", "Farm & Sons"))
    assert not report.erased
    assert [record.name for record in _records(store)] == ["Mill", "Farm & Sons"]
    assert sorted(store.load_keys(Tier.A).inputs) == [b"Farm & Sons", b"Mill"]
    assert take_in(MILL, Supplier("A-2", "Farm & Sons")).erased
    with database.read("look") as connection:
        assert (
            connection.execute(
                select(func.count()).select_from(supplier).where(supplier.c.retired_by.is_not(None))
            ).scalar_one()
            == 0
        )


def test_store_reads_by_page_search_and_number(take_in: Callable[..., Any], store: SupplierStore) -> None:
    records = [Supplier(f"S-{n:02}", f"{'Mill' if n % 2 else 'Farm'} {n}") for n in range(20)]
    take_in(*records)
    assert [stored.record for stored in store.list(5, 3)] == records[5:8]
    assert [stored.record for stored in store.list(1, 2, "mILL")] == [records[3], records[5]]
    assert [stored.record for stored in store.list(search="s-07")] == [records[7]]
    assert store.list(0, 0) == []
    numbers = [stored.supplier_no for stored in store.list()]
    assert store.get_many([*numbers, 10**15]) == dict(zip(numbers, records, strict=True))
    assert store.get_many([]) == {}


def test_store_record_moved_to_another_row_does_not_open(
    take_in: Callable[..., Any], database: Database, store: SupplierStore
) -> None:
    take_in(MILL, FARM)
    with database.transaction("swap records") as connection:
        sealed = dict(connection.execute(select(supplier.c.pk, supplier.c.record)).all())
        for pk, other in ((1, 2), (2, 1)):
            connection.execute(update(supplier).where(supplier.c.pk == pk).values(record=sealed[other]))
    for read in (lambda: store.get(1), lambda: store.list(), lambda: store.by_supplier_id("A-1")):
        with pytest.raises(SealError):
            read()


def test_store_segment_moved_to_another_row_does_not_open(
    take_in: Callable[..., Any], database: Database, store: SupplierStore
) -> None:
    take_in(MILL)
    with database.transaction("double a segment") as connection:
        row = connection.execute(select(key_segment)).one()._asdict()
        connection.execute(insert(key_segment).values({**row, "id": row["id"] + 1}))
    with pytest.raises(SealError):
        store.load_keys(Tier.A)


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
def test_database_file_holds_no_word_of_the_list(take_in: Callable[..., Any], database: Database) -> None:
    secret = Supplier(
        "VENDOR-0815",
        "Zimtwerk Osterode",
        address="Quellgasse 17",
        city="Hildesheim",
        country="DE",
        lei="529900T8BM49AURSDO55",
    )
    first = take_in(secret, MILL, key_maker=supplier_keys.make_keys)
    assert first.keys["A"] == 1
    with database.read("keep the sealed record") as connection:
        sealed = connection.execute(select(supplier.c.record).where(supplier.c.pk == 1)).scalar_one()
    take_in(Supplier("VENDOR-0815", "Changed"), MILL, key_maker=supplier_keys.make_keys)
    database.close()
    path = database_file(database.url)
    assert path is not None
    with Database.open(f"sqlite:///{path}") as again, again.read("look") as connection:
        assert connection.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
    files = [file.read_bytes() for file in path.parent.iterdir()]
    for content in files:
        assert sealed[13:] not in content
        lowered = content.lower()
        for word in (
            "vendor-0815",
            "zimtwerk",
            "osterode",
            "quellgasse",
            "hildesheim",
            "529900t8bm",
            "name-locality.1\x1f",
            "name-postal.1\x1f",
        ):
            assert word.encode() not in lowered
            assert word.encode("utf-16-le") not in lowered
