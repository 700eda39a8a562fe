"""A node that is still empty gets fresh keys when it is locked; one that was used keeps its own."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from locked_home import WORDS, cheap, lies_anywhere, memory, secrets_of
from symbolon.audit.entry import Entry
from symbolon.cli.init import create_node
from symbolon.membership.key_file import is_locked_file, lock_state
from symbolon.membership.signing_key import load_signing_key
from symbolon.rpc.node import SEAL_KEY_FILE, SIGNING_KEY_FILE, Node
from symbolon.storage.database import Database
from symbolon.storage.seal import Sealer
from symbolon.storage.seal_check import bind_key
from symbolon.storage.seal_lock import lock_folder, unlock_folder
from symbolon.storage.seal_lock_unused import lock_unused_folder
from symbolon.storage.supplier_import import IMPORT_LOCK

__all__ = ["memory"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "node"
    create_node(folder, member="mill", coalition="grove", listen="127.0.0.1:0")
    return folder


@pytest.fixture
def database(home: Path) -> Iterator[Database]:
    with Database.open(f"sqlite:///{home}/node.db") as opened:
        yield opened


def test_lock_unused_folder_makes_every_key_anew(home: Path, database: Database, memory: Path) -> None:
    clear = {name: (home / name).read_bytes() for name in (SEAL_KEY_FILE, SIGNING_KEY_FILE)}
    old = Sealer.load(home / SEAL_KEY_FILE)
    signing = load_signing_key(home / SIGNING_KEY_FILE).public_key()
    assert lock_unused_folder(home, database, cheap())
    assert lock_state(home).locked
    assert lies_anywhere(home, secrets_of(clear)) == []
    assert is_locked_file((home / SIGNING_KEY_FILE).read_bytes())
    unlock_folder(home, WORDS, 3600)
    new = Sealer.load(home / SEAL_KEY_FILE)
    assert new.keyed_digest("x", b"") != old.keyed_digest("x", b"")
    assert load_signing_key(home / SIGNING_KEY_FILE).public_key() != signing
    with Node(home) as node:
        assert node.suppliers.count() == 0
        node.audit.append(Entry("probed", "birch"))
    assert not lock_unused_folder(home, database, cheap()), "it was used"


@pytest.mark.parametrize("name", ["coalition", "request.pem", "node-cert.pem", "founder/root-key.pem"])
def test_lock_unused_folder_of_a_node_that_others_may_know_does_nothing(
    home: Path, database: Database, name: str
) -> None:
    (home / name).parent.mkdir(exist_ok=True)
    (home / name).touch()
    before = (home / SEAL_KEY_FILE).read_bytes()
    assert not lock_unused_folder(home, database, cheap())
    assert (home / SEAL_KEY_FILE).read_bytes() == before


def test_lock_unused_folder_whose_database_was_used_does_nothing(home: Path, database: Database) -> None:
    with Node(home) as node:
        node.audit.append(Entry("probed", "birch"))
    before = (home / SEAL_KEY_FILE).read_bytes()
    assert not lock_unused_folder(home, database, cheap())
    assert (home / SEAL_KEY_FILE).read_bytes() == before
    bind_key(database, Sealer.load(home / SEAL_KEY_FILE))


@pytest.mark.parametrize("work", ["serve", "certificate", IMPORT_LOCK])
def test_lock_unused_folder_in_use_at_this_moment_does_nothing(
    home: Path, database: Database, work: str
) -> None:
    with database.exclusive(work):
        assert not lock_unused_folder(home, database, cheap())
    assert not lock_state(home).locked


def test_lock_unused_folder_that_is_locked_does_nothing(home: Path, database: Database) -> None:
    lock_folder(home, cheap())
    before = (home / SEAL_KEY_FILE).read_bytes()
    assert not lock_unused_folder(home, database, cheap())
    assert (home / SEAL_KEY_FILE).read_bytes() == before


def test_lock_unused_folder_works_with_each_kind_of_database(
    tmp_path: Path,
    memory: Path,
    new_database: Callable[[], contextlib.AbstractContextManager[str]],
) -> None:
    home = tmp_path / "node"
    with new_database() as url:
        Database.open(url, create=True).close()
        create_node(home, member="mill", coalition="grove", listen="127.0.0.1:0")
        with Database.open(url) as database:
            bind_key(database, Sealer.load(home / SEAL_KEY_FILE))
            assert lock_unused_folder(home, database, cheap())
            unlock_folder(home, WORDS, 3600)
            bind_key(database, Sealer.load(home / SEAL_KEY_FILE))
