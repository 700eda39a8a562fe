"""The audit log and its checkpoints on both kinds of database."""

import threading
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import insert, text

from symbolon.audit.checkpoint import Checkpoint, parse_checkpoint
from symbolon.audit.document import Document
from symbolon.audit.entry import FIELDS, commit, require_opening
from symbolon.audit.merkle import prove_consistency, verify_consistency
from symbolon.audit.signed_note import decode_note, encode_note
from symbolon.errors import StorageError
from symbolon.storage.audit_checkpoints import CHECKPOINT_FILE, Checkpoints
from symbolon.storage.audit_log import AuditLog
from symbolon.storage.database import Database
from symbolon.storage.exchange_schema import journal_line
from symbolon.storage.seal import Sealer
from unit.storage_exchange.conftest import Stores
from whole_log import alter, answered, assert_checkpoints_fit, assert_log_whole, checkpoints_of, unproven

_REQUEST = Document("request", b'{"asks":1}', {"mill": b"a" * 64})
_RESULT = Document("result", b'{"sent":1}', {"farm": b"b" * 64})


@pytest.fixture
def checkpoints(stores: Stores, tmp_path: Path) -> Checkpoints:
    return checkpoints_of(stores.database, stores.audit, tmp_path / CHECKPOINT_FILE)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / CHECKPOINT_FILE


# Entries


def test_append_keeps_every_field_with_the_hour_and_who_it_is_due_to(stores: Stores) -> None:
    said = answered(7, note="allow-table-1", decision="{}", request="ab" * 32, receipt="cd" * 32)
    stores.audit.append(said)
    held = stores.audit.newest(1)[0]
    assert held.entry == said
    assert (held.values["hour"], held.values["operator"]) == ("500000", "local")
    assert held.at_s == 1_800_000_000
    assert held.salts is not None
    for at, name in enumerate(FIELDS):
        salt = held.salts[32 * at : 32 * (at + 1)]
        require_opening(name, held.values[name], salt, commit(name, held.values[name], salt))
    assert_log_whole(stores.database, stores.audit)


def test_append_draws_fresh_salts_for_every_field_of_every_entry(stores: Stores) -> None:
    stores.audit.append(*[answered(1)] * 5)
    salts = b"".join(each.salts or b"" for each in stores.audit.entries())
    assert len({salts[at : at + 32] for at in range(0, len(salts), 32)}) == 5 * len(FIELDS)
    assert len({each.leaf for each in stores.audit.entries()}) == 5


@pytest.mark.parametrize("batches", [(1,) * 9, (9,), (2, 0, 4, 3), (8, 1)])
def test_append_in_batches_of_any_size_makes_the_tree_over_all(stores: Stores, batches: tuple[int]) -> None:
    for count in batches:
        stores.audit.append(*[answered(count)] * count)
    assert len(assert_log_whole(stores.database, stores.audit)) == 9


def test_append_in_a_transaction_that_is_undone_leaves_nothing(stores: Stores) -> None:
    stores.audit.append(*[answered(1)] * 3)
    before = stores.audit.frontier()

    def fail() -> None:
        with stores.database.transaction("fail") as connection:
            stores.audit.append_in(connection, answered(2), answered(3), documents=[_REQUEST])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert stores.audit.frontier() == before
    assert stores.audit.document(_REQUEST.sha256) is None
    assert len(assert_log_whole(stores.database, stores.audit)) == 3


def test_append_by_threads_and_other_openers_of_the_database_misses_none(
    stores: Stores, database_url: str
) -> None:
    """Each `Database` stands for a process: it shares nothing with the others but what is on the disk."""
    failed: list[StorageError] = []

    def write(log: AuditLog, worker: int) -> None:
        try:
            for number in range(8):
                log.append(*[answered(worker)] * (1 + number % 3))
        except StorageError as error:
            failed.append(error)

    with ExitStack() as stack:
        logs = [stores.audit, stores.audit]
        for _ in range(2):
            database = stack.enter_context(Database.open(database_url))
            logs.append(AuditLog(database, Sealer(bytes(range(32))), lambda: stores.now_s))
        threads = [threading.Thread(target=write, args=each) for each in zip(logs, range(4), strict=True)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    assert not failed
    entries = assert_log_whole(stores.database, stores.audit)
    workers = [each.entry.counts["elements_A"] for each in entries]
    assert [workers.count(worker) for worker in range(4)] == [15] * 4


def test_append_without_a_head_is_refused(stores: Stores) -> None:
    alter(stores.database, "DELETE FROM audit_head")
    with pytest.raises(StorageError) as caught:
        stores.audit.append(answered(1))
    assert caught.value.full_code == "storage.audit"
    assert list(stores.audit.entries()) == []


def test_append_behind_a_head_whose_size_contradicts_it_is_refused(stores: Stores) -> None:
    stores.audit.append(*[answered(1)] * 3)
    alter(stores.database, "UPDATE audit_head SET size = 2")
    with pytest.raises(StorageError) as caught:
        stores.audit.append(answered(2))
    assert caught.value.full_code == "storage.audit"
    assert len(list(stores.audit.entries())) == 3


# Documents


def test_document_kept_again_gains_signatures_and_loses_none(stores: Stores) -> None:
    for signatures in ({"mill": b"a" * 64}, {}, {"farm": b"b" * 64}, {"mill": b"x" * 64, "port": b"c" * 64}):
        stores.audit.keep(Document("result", _RESULT.content, signatures))
    held = stores.audit.document(_RESULT.sha256)
    assert held is not None
    assert held.content == _RESULT.content
    # The first of a member stays: a later one could be somebody's garbage.
    assert held.signatures == {"mill": b"a" * 64, "farm": b"b" * 64, "port": b"c" * 64}


def test_document_is_kept_with_the_entry_that_names_it_or_not_at_all(stores: Stores) -> None:
    alter(stores.database, "DELETE FROM audit_head")
    with pytest.raises(StorageError):
        stores.audit.append(answered(1, request=_REQUEST.sha256), documents=[_REQUEST])
    assert stores.audit.document(_REQUEST.sha256) is None


# Expiry


def test_erase_opens_nothing_any_more_and_the_tree_stands(stores: Stores, checkpoints: Checkpoints) -> None:
    policy = Document("policy", b"permit", {})
    stores.audit.append(
        answered(1, request=_REQUEST.sha256, receipt=_RESULT.sha256), documents=[_REQUEST, _RESULT]
    )
    stores.audit.append(answered(2, receipt=policy.sha256), documents=[policy])
    before = parse_checkpoint(checkpoints.sign().text)
    stores.pass_days(30)
    shared = Document("request", b"of both", {})
    stores.audit.append(answered(3, request=shared.sha256), documents=[shared])
    assert stores.audit.erase_before(int(stores.now_s)) == 2
    entries = assert_log_whole(stores.database, stores.audit)
    for each in entries[:2]:
        assert (each.salts, dict(each.values)) == (None, dict.fromkeys(FIELDS, ""))
    assert [each.entry.event for each in entries[2:]] == ["answered", "erased"]
    assert entries[3].entry.counts == {"entries": 2}
    assert unproven(stores.audit, before) == set()
    kept = [stores.audit.document(each.sha256) is not None for each in (_REQUEST, _RESULT, shared, policy)]
    assert kept == [False, False, True, True]
    checkpoints.require_whole()


def test_erase_keeps_a_document_that_a_later_entry_names_too(stores: Stores) -> None:
    stores.audit.append(answered(1, request=_REQUEST.sha256), documents=[_REQUEST])
    stores.pass_days(1)
    stores.audit.append(answered(2, request=_REQUEST.sha256), documents=[_REQUEST])
    assert stores.audit.erase_before(int(stores.now_s)) == 1
    assert stores.audit.document(_REQUEST.sha256) == _REQUEST


def test_erase_of_nothing_writes_nothing(stores: Stores) -> None:
    stores.audit.append(answered(1))
    stores.pass_days(1)
    assert stores.audit.erase_before(int(stores.now_s)) == 1
    assert stores.audit.erase_before(int(stores.now_s)) == 0
    assert stores.audit.size() == 2


# The journal of earlier releases


def test_journal_is_taken_once_in_order_behind_what_there_is(stores: Stores) -> None:
    stores.audit.append(answered(9))
    with stores.database.transaction("write as an earlier release did") as connection:
        for number in range(5):
            connection.execute(
                insert(journal_line).values(
                    at_s=1_700_000_000 + 4000 * number,
                    event="released",
                    peer="farm",
                    session_id=f"{number:032x}",
                    mode="intersection",
                    purpose="due-diligence",
                    counts=f'{{"entries":{number}}}',
                    note="tier A",
                    operator="op-1234",
                )
            )
    assert stores.audit.adopt_journal() == 5
    assert stores.audit.adopt_journal() == 0
    entries = assert_log_whole(stores.database, stores.audit)
    assert [each.entry.counts.get("entries") for each in entries] == [None, 0, 1, 2, 3, 4]
    assert [each.at_s for each in entries[1:]] == [1_700_000_000 + 4000 * number for number in range(5)]
    assert {each.values["operator"] for each in entries[1:]} == {"op-1234"}
    with stores.database.read("look") as connection:
        assert connection.execute(text("SELECT count(*) FROM journal_line")).scalar() == 0


# Checkpoints


def test_checkpoint_is_signed_once_for_a_size_and_lies_in_the_file(
    stores: Stores, checkpoints: Checkpoints, file: Path
) -> None:
    first = checkpoints.sign()
    assert parse_checkpoint(first.text).size == 0
    assert checkpoints.sign() == first
    stores.audit.append(answered(1))
    assert checkpoints.latest() == first
    second = checkpoints.sign()
    assert checkpoints.latest() == second
    assert checkpoints.all() == [first, second]
    assert decode_note(file.read_bytes()) == second
    assert_checkpoints_fit(checkpoints, file, list(stores.audit.entries()))


def test_checkpoints_are_consistent_with_each_other_erased_entries_or_not(
    stores: Stores, checkpoints: Checkpoints
) -> None:
    shown: list[Checkpoint] = []
    for count in (1, 2, 5, 1, 8):
        stores.audit.append(*[answered(count)] * count)
        shown.append(parse_checkpoint(checkpoints.sign().text))
    stores.pass_days(1)
    stores.audit.erase_before(int(stores.now_s))
    for at, old in enumerate(shown):
        for new in shown[at:]:
            proof = prove_consistency(old.size, new.size, stores.audit.nodes)
            verify_consistency(old.size, new.size, old.root, new.root, proof)


def test_checkpoint_file_that_was_lost_or_fell_behind_is_written_again(
    stores: Stores, checkpoints: Checkpoints, file: Path
) -> None:
    """A process may have been killed between commit and file by an earlier release; a person may err."""
    checkpoints.sign()
    old = file.read_bytes()
    stores.audit.append(answered(1))
    newest = encode_note(checkpoints.sign())
    for lost in (file.unlink, lambda: file.write_bytes(old)):
        lost()
        checkpoints.sign()
        assert file.read_bytes() == newest


def test_checkpoint_that_cannot_be_filed_is_not_kept_and_the_next_one_is(
    stores: Stores, checkpoints: Checkpoints, file: Path
) -> None:
    first = checkpoints.sign()
    stores.audit.append(answered(1))
    file.unlink()
    file.mkdir()
    with pytest.raises(StorageError):
        checkpoints.sign()
    assert checkpoints.all() == [first]
    file.rmdir()
    assert parse_checkpoint(checkpoints.sign().text).size == 1
    assert_checkpoints_fit(checkpoints, file, list(stores.audit.entries()))
