"""Attacks on the database beneath the audit log, by somebody who may write to it and knows it well."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from memory_log import private_key
from symbolon.audit.checkpoint import Checkpoint, parse_checkpoint, sign_checkpoint
from symbolon.audit.entry import FIELDS
from symbolon.audit.merkle import Frontier
from symbolon.audit.signed_note import SignedNote, decode_note, encode_note
from symbolon.errors import AuditError, SealError, StorageError
from symbolon.storage.audit_checkpoints import CHECKPOINT_FILE, Checkpoints
from unit.storage_exchange.conftest import Stores
from whole_log import alter, answered, assert_log_whole, checkpoints_of, leaf_of, unproven

_KEY = private_key("mill")
_SIZE = 11

_VALUES = {
    "at_s": 1_800_003_600,
    "event": "learned",
    "peer": "port",
    "session": "0" * 32,
    "mode": "intersection",
    "purpose": "other",
    "counts": '{"elements_A":9}',
    "note": "x",
    "operator": "op-1",
    "decision": "{}",
    "request": "0" * 64,
    "receipt": "0" * 64,
}
"""Another value for every column that an entry says something in."""


@pytest.fixture
def checkpoints(stores: Stores, tmp_path: Path) -> Checkpoints:
    return checkpoints_of(stores.database, stores.audit, tmp_path / CHECKPOINT_FILE)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / CHECKPOINT_FILE


@pytest.fixture
def signed(stores: Stores, checkpoints: Checkpoints) -> SignedNote:
    """The last of several checkpoints over a log of `_SIZE` entries."""
    for first, end in ((0, 4), (4, 7), (7, _SIZE)):
        stores.audit.append(*map(answered, range(first, end)))
        note = checkpoints.sign()
    assert unproven(stores.audit, parse_checkpoint(note.text)) == set()
    return note


def test_values_altered_by_the_attacks_are_those_of_every_field() -> None:
    assert set(_VALUES) - {"at_s"} | {"hour"} == set(FIELDS)


@pytest.mark.parametrize("column", _VALUES)
def test_attack_one_column_of_one_entry_altered_that_entry_is_unproven(
    stores: Stores, signed: SignedNote, column: str
) -> None:
    alter(
        stores.database, f"UPDATE audit_entry SET {column} = :value WHERE number = 5", value=_VALUES[column]
    )
    assert unproven(stores.audit, parse_checkpoint(signed.text)) == {5}


def test_attack_entry_altered_with_its_leaf_the_tree_does_not_hold_it(
    stores: Stores, signed: SignedNote
) -> None:
    alter(stores.database, "UPDATE audit_entry SET note = 'x' WHERE number = 5")
    leaf = leaf_of(next(stores.audit.entries(5, 6)))
    alter(stores.database, "UPDATE audit_entry SET leaf = :leaf WHERE number = 5", leaf=leaf)
    # It would have to be the leaf of its neighbour's proof, too.
    assert unproven(stores.audit, parse_checkpoint(signed.text)) >= {4, 5}


def test_attack_entry_deleted_leaves_a_gap(stores: Stores, signed: SignedNote) -> None:
    alter(stores.database, "DELETE FROM audit_entry WHERE number = 5")
    assert 5 in unproven(stores.audit, parse_checkpoint(signed.text))
    assert [each.number for each in stores.audit.entries()] == [0, 1, 2, 3, 4, 6, 7, 8, 9, 10]


def test_attack_last_leaf_deleted_stops_the_node(
    stores: Stores, signed: SignedNote, checkpoints: Checkpoints
) -> None:
    """Where the number of entries is odd the last leaf is one of those that the root is made of."""
    alter(stores.database, "DELETE FROM audit_entry WHERE number = 10")
    assert_truncated(checkpoints.require_whole)


def test_attack_two_entries_swapped_their_salts_do_not_open(stores: Stores, signed: SignedNote) -> None:
    alter(
        stores.database,
        "UPDATE audit_entry SET number = -1 WHERE number = 5",
        "UPDATE audit_entry SET number = 5 WHERE number = 6",
        "UPDATE audit_entry SET number = 6 WHERE number = -1",
    )
    with pytest.raises(SealError):
        list(stores.audit.entries())


def test_attack_two_entries_swapped_but_for_their_salts_are_unproven(
    stores: Stores, signed: SignedNote
) -> None:
    names = [*_VALUES, "leaf"]
    rows = {}
    with stores.database.read("look") as connection:
        for number in (5, 6):
            query = text(f"SELECT {', '.join(names)} FROM audit_entry WHERE number = {number}")
            rows[number] = connection.execute(query).one()._asdict()
    for number, row in ((5, rows[6]), (6, rows[5])):
        alter(
            stores.database,
            f"UPDATE audit_entry SET {', '.join(f'{name} = :{name}' for name in names)} "
            f"WHERE number = {number}",
            **row,
        )
    assert unproven(stores.audit, parse_checkpoint(signed.text)) >= {5, 6}


def test_attack_salts_of_another_entry_do_not_open(stores: Stores, signed: SignedNote) -> None:
    other = "SELECT salts FROM audit_entry WHERE number = 6"
    alter(stores.database, f"UPDATE audit_entry SET salts = ({other}) WHERE number = 5")
    with pytest.raises(SealError):
        list(stores.audit.entries())


def test_attack_node_altered_stops_the_node_or_leaves_entries_unproven(
    stores: Stores, signed: SignedNote, checkpoints: Checkpoints
) -> None:
    checkpoint = parse_checkpoint(signed.text)
    with stores.database.read("look") as connection:
        nodes = connection.execute(text("SELECT level, position, hash FROM audit_node")).all()
    assert len(nodes) == 5 + 2 + 1
    for node in nodes:
        where = f"WHERE level = {node.level} AND position = {node.position}"
        alter(stores.database, f"UPDATE audit_node SET hash = :hash {where}", hash=bytes(32))
        # Eleven leaves are a sub-tree of eight, one of two, and one.
        if (node.level, node.position) in {(3, 0), (1, 4)}:
            assert_truncated(checkpoints.require_whole)
        else:
            assert unproven(stores.audit, checkpoint), node
        alter(stores.database, f"UPDATE audit_node SET hash = :hash {where}", hash=bytes(node.hash))
    assert unproven(stores.audit, checkpoint) == set()


def assert_truncated(check: Callable[[], object], missing: int = 0) -> None:
    with pytest.raises(AuditError) as caught:
        check()
    assert caught.value.full_code == "audit.truncated"
    assert caught.value.hint
    if missing:
        assert f"at least {missing} are missing" in caught.value.detail


def set_head(stores: Stores, size: int) -> None:
    """Puts a head over the first entries, as it stood when there were no more."""
    leaves = [each.leaf for each in stores.audit.entries(0, size)]
    frontier = Frontier().extend(leaves)[0].to_bytes()
    alter(
        stores.database,
        "UPDATE audit_head SET size = :size, frontier = :frontier",
        size=size,
        frontier=frontier,
    )


def cut(stores: Stores, size: int) -> None:
    """Takes the log back to a size, so that nothing within the log shows it."""
    set_head(stores, size)
    alter(stores.database, f"DELETE FROM audit_entry WHERE number >= {size}")
    alter(
        stores.database,
        *[f"DELETE FROM audit_node WHERE level = {n} AND position >= {size >> n}" for n in range(1, 9)],
    )
    assert_log_whole(stores.database, stores.audit)


def test_attack_head_set_back_stops_the_node_and_nothing_is_written_over(
    stores: Stores, signed: SignedNote, checkpoints: Checkpoints
) -> None:
    set_head(stores, 8)
    assert_truncated(checkpoints.require_whole, missing=3)
    assert_truncated(checkpoints.sign, missing=3)
    with pytest.raises(StorageError):
        stores.audit.append(answered(1))
    assert len(list(stores.audit.entries())) == _SIZE


_HIDE = {
    "nothing": (),
    "the newest checkpoint": ("DELETE FROM audit_checkpoint WHERE size = 11",),
    "all checkpoints": ("DELETE FROM audit_checkpoint",),
}


@pytest.mark.parametrize("hidden", _HIDE)
def test_attack_truncation_stops_the_node_by_its_checkpoints_or_the_file(
    stores: Stores, signed: SignedNote, checkpoints: Checkpoints, file: Path, hidden: str
) -> None:
    before = file.read_bytes()
    cut(stores, 7)
    alter(stores.database, *_HIDE[hidden])
    assert_truncated(checkpoints.require_whole, missing=4)
    # Nor does a command of the operator that signs put the shorter log in the place of the evidence.
    assert_truncated(checkpoints.sign, missing=4)
    assert file.read_bytes() == before
    # Filled up again to its length, it is another log.
    stores.audit.append(*[answered(1)] * 4)
    assert_truncated(checkpoints.require_whole)
    assert_truncated(checkpoints.sign)


@pytest.mark.parametrize("file_is", ["there", "gone", "another log's", "another member's key"])
def test_attack_truncation_without_rows_or_file_only_what_others_hold_shows_it(
    stores: Stores, signed: SignedNote, checkpoints: Checkpoints, file: Path, file_is: str
) -> None:
    cut(stores, 7)
    alter(stores.database, "DELETE FROM audit_checkpoint")
    if file_is != "there":
        file.unlink()
    if file_is == "another log's":
        file.write_bytes(encode_note(sign_checkpoint(Checkpoint("symbolon/cotton/farm", 3, bytes(32)), _KEY)))
    if file_is == "another member's key":
        forged = Checkpoint("symbolon/cotton/mill", 0, bytes(32))
        file.write_bytes(encode_note(sign_checkpoint(forged, private_key("farm"))))
    if file_is == "there":
        assert_truncated(checkpoints.require_whole, missing=4)
    else:
        checkpoints.require_whole()
    assert_truncated(lambda: checkpoints.require_covers(signed), missing=4)


def test_attack_file_of_another_log_the_checkpoints_of_the_database_still_count(
    stores: Stores, signed: SignedNote, checkpoints: Checkpoints, file: Path
) -> None:
    other = sign_checkpoint(Checkpoint("symbolon/cotton/farm", 99, bytes(32)), private_key("farm"))
    file.write_bytes(encode_note(other))
    # Nothing of this log is said by it, so it stops nobody; the next signature puts it right.
    checkpoints.require_whole()
    assert checkpoints.sign() == signed
    assert decode_note(file.read_bytes()) == signed
    file.write_bytes(encode_note(other))
    cut(stores, 7)
    assert_truncated(checkpoints.require_whole, missing=4)


def test_attack_file_that_is_no_note_stops_the_node(
    stores: Stores, signed: SignedNote, checkpoints: Checkpoints, file: Path
) -> None:
    for content in (b"", b"x" * 300_000, b"symbolon/cotton/mill\n11\n"):
        file.write_bytes(content)
        with pytest.raises(AuditError):
            checkpoints.require_whole()


def test_attack_checkpoint_of_a_stranger_in_the_database_does_not_count(
    stores: Stores, signed: SignedNote, checkpoints: Checkpoints, file: Path
) -> None:
    """Nor does it hide the one in the file."""
    cut(stores, 7)
    alter(stores.database, "DELETE FROM audit_checkpoint")
    frontier = stores.audit.frontier()
    forged = Checkpoint("symbolon/cotton/mill", frontier.size, frontier.root())
    note = encode_note(sign_checkpoint(forged, private_key("farm"))).decode()
    alter(stores.database, "INSERT INTO audit_checkpoint (size, at_s, note) VALUES (7, 1, :note)", note=note)
    assert_truncated(checkpoints.require_whole, missing=4)


@pytest.fixture
def backup(stores: Stores, database_url: str, tmp_path: Path) -> Callable[[], None]:
    """Puts the database back to how it stood, and leaves the folder as it is; SQLite only."""
    if not database_url.startswith("sqlite"):
        pytest.skip("a file is put back")
    path = Path(database_url.removeprefix("sqlite:///"))
    kept = tmp_path / "kept.db"

    def put_back() -> None:
        stores.database.close()
        for each in path.parent.glob(f"{path.name}-*"):
            each.unlink()
        path.write_bytes(kept.read_bytes())

    stores.audit.append(*[answered(1)] * 3)
    checkpoints_of(stores.database, stores.audit, tmp_path / CHECKPOINT_FILE).sign()
    stores.database.close()
    kept.write_bytes(path.read_bytes())
    return put_back


def test_attack_database_put_back_alone_nothing_is_signed_over_it(
    stores: Stores, checkpoints: Checkpoints, file: Path, backup: Callable[[], None]
) -> None:
    stores.audit.append(*[answered(2)] * 4)
    newest = checkpoints.sign()
    backup()
    assert_truncated(checkpoints.require_whole, missing=4)
    assert_truncated(checkpoints.sign, missing=4)
    stores.audit.append(*[answered(3)] * 9)
    assert_truncated(checkpoints.require_whole)
    assert_truncated(checkpoints.sign)
    assert decode_note(file.read_bytes()) == newest
