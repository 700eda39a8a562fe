"""Locking a folder by a passphrase, unlocking it, and what each refuses."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from locked_home import (
    CHEAP,
    OTHER,
    WORDS,
    cheap,
    contents,
    lies_anywhere,
    make_home,
    memory,
    node_home,
    secrets_of,
)
from symbolon.errors import PermissionDeniedError, SealError, UsageError
from symbolon.membership.founder_keys import create_founder_keys, load_founder_keys, load_root_key
from symbolon.membership.key_file import LockedError, lock_state
from symbolon.membership.member import MemberId
from symbolon.membership.sealing_key import USUAL, LockedKey, lock_key, parse_key_file, require_strong
from symbolon.membership.signing_key import load_signing_key
from symbolon.membership.unlocked_key import kept_key, this_moment
from symbolon.rpc.node import LEAF_FILE, LEAF_KEY_FILE, NEXT_LEAF_KEY_FILE, SEAL_KEY_FILE
from symbolon.rpc.tls_material import LeafFiles
from symbolon.storage.seal import Sealer
from symbolon.storage.seal_lock import (
    Passphrase,
    change_passphrase,
    find_keys,
    lock_folder,
    relock_folder,
    unlock_folder,
    unlock_for_good,
)

__all__ = ["memory", "node_home"]
HOUR_S = 3600
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def sealer_of(home: Path) -> Sealer:
    return Sealer.load(home / SEAL_KEY_FILE)


def test_lock_then_unlock_gives_the_same_keys_and_lock_takes_them_away(node_home: Path, memory: Path) -> None:
    before = sealer_of(node_home).keyed_digest("x", b"")
    signing = load_signing_key(node_home / "signing-key.pem").public_key()
    lock_folder(node_home, cheap())
    with pytest.raises(LockedError) as caught:
        sealer_of(node_home)
    assert (caught.value.full_code, caught.value.exit_code) == ("storage.seal.locked", 78)
    assert caught.value.hint == "Run `symbolon unlock`."
    until = unlock_folder(node_home, WORDS, HOUR_S)
    assert abs(until - this_moment().day_s - HOUR_S) < 60
    assert lock_state(node_home).unlocked_until_s == until
    assert sealer_of(node_home).keyed_digest("x", b"") == before
    assert load_signing_key(node_home / "signing-key.pem").public_key() == signing
    assert relock_folder(node_home)[0]
    with pytest.raises(LockedError):
        sealer_of(node_home)
    assert not relock_folder(node_home)[0]
    assert list(memory.iterdir()) == []


def test_lock_leaves_no_private_key_in_clear(node_home: Path) -> None:
    clear = contents(node_home)
    secrets = secrets_of(clear)
    assert len(lies_anywhere(node_home, secrets)) == len(clear)
    found = lock_folder(node_home, cheap())
    assert lies_anywhere(node_home, secrets) == []
    assert set(found.in_clear) == set(clear) - {SEAL_KEY_FILE}
    assert find_keys(node_home).in_clear == ()
    assert all((node_home / name).stat().st_mode & 0o777 == 0o600 for name in clear)
    assert [path.name for path in node_home.rglob(".*")] == [".lock"], "of the founder's folder"


def test_old_key_bytes_are_overwritten_where_another_name_leads_to_them(
    node_home: Path, tmp_path: Path
) -> None:
    os.link(node_home / SEAL_KEY_FILE, tmp_path / "held")
    size = (tmp_path / "held").stat().st_size
    secrets = secrets_of(contents(node_home))
    lock_folder(node_home, cheap())
    assert (tmp_path / "held").stat().st_size == size
    assert lies_anywhere(tmp_path, secrets) == []


def test_locked_folder_refuses_every_reader_with_one_hint_and_each_works_unlocked(
    node_home: Path, memory: Path
) -> None:
    founder = load_founder_keys(node_home / "founder", MemberId("mill")).founder
    lock_folder(node_home, cheap())
    leaf = LeafFiles(node_home / LEAF_FILE, node_home / LEAF_KEY_FILE, node_home / NEXT_LEAF_KEY_FILE)
    leaf.certificate.write_bytes((node_home / "founder" / "authority.pem").read_bytes())
    readers = (
        lambda: sealer_of(node_home),
        lambda: load_signing_key(node_home / "signing-key.pem"),
        lambda: load_founder_keys(node_home / "founder", MemberId("mill")),
        lambda: load_root_key(node_home / "founder" / "root-key.pem", founder),
        leaf.read,
        leaf.prepared,
        lambda: leaf.prepare(b"a new key"),
    )
    for read in readers:
        with pytest.raises(LockedError) as caught:
            read()
        assert caught.value.hint == "Run `symbolon unlock`."
    unlock_folder(node_home, WORDS, HOUR_S)
    for read in readers[:4]:
        read()


def test_lock_a_key_with_a_passphrase_of_its_own_is_left_as_it_is(tmp_path: Path, memory: Path) -> None:
    home = make_home(tmp_path / "node")
    for path in (home / "founder").iterdir():
        path.unlink()
    member = MemberId("mill")
    create_founder_keys(home / "founder", "grove", member, NOON, passphrase=b"its own")
    root = (home / "founder" / "root-key.pem").read_bytes()
    assert lock_folder(home, cheap()).own == ("founder/root-key.pem",)
    assert (home / "founder" / "root-key.pem").read_bytes() == root
    unlock_folder(home, WORDS, HOUR_S)
    founder = load_founder_keys(home / "founder", member).founder
    (tmp_path / "stick").mkdir()
    moved = (home / "founder" / "root-key.pem").rename(tmp_path / "stick" / "root-key.pem")
    load_root_key(moved, founder, b"its own")


def test_founder_keys_made_in_a_locked_folder_never_lie_there_in_clear(tmp_path: Path, memory: Path) -> None:
    home = tmp_path / "node"
    make_home(home)
    for path in (home / "founder").iterdir():
        path.unlink()
    lock_folder(home, cheap())
    unlock_folder(home, WORDS, HOUR_S)
    keys = create_founder_keys(home / "founder", "grove", MemberId("mill"), NOON)
    assert find_keys(home).in_clear == ()
    load_root_key(home / "founder" / "root-key.pem", keys.founder)
    for path in (home / "founder").iterdir():
        path.unlink()
    create_founder_keys(home / "founder", "grove", MemberId("mill"), NOON, passphrase=b"its own")
    assert find_keys(home).own == ("founder/root-key.pem",)


def test_lock_names_private_keys_that_are_none_of_the_nodes_and_leaves_them(node_home: Path) -> None:
    strange = node_home / "client.key"
    strange.write_bytes((node_home / "node-key.pem").read_bytes())
    (node_home / "seal.key~").write_bytes((node_home / SEAL_KEY_FILE).read_bytes())
    (node_home / "founder" / "old").write_bytes(strange.read_bytes())
    (node_home / "node.db").write_bytes(strange.read_bytes() * 1000)
    assert lock_folder(node_home, cheap()).strange == ("client.key", "founder/old", "seal.key~")
    assert strange.read_bytes().startswith(b"-----BEGIN")


@pytest.mark.parametrize("ending", ["", ".tmp", ".old"])
def test_lock_erases_what_a_killed_process_left_of_a_key(node_home: Path, ending: str) -> None:
    secrets = secrets_of(contents(node_home))
    left = (
        node_home / f".seal.key.{'0' * 16}{ending}",
        node_home / "founder" / f".root-key.pem.{'1' * 16}{ending}",
    )
    left[0].hardlink_to(node_home / SEAL_KEY_FILE)
    left[1].write_bytes(secrets[-1])
    other = node_home / f".audit.checkpoint.{'2' * 16}.tmp"
    other.write_bytes(b"of a process that runs")
    lock_folder(node_home, cheap())
    assert lies_anywhere(node_home, secrets) == []
    assert not any(each.exists() for each in left)
    assert other.exists()


def test_unlock_wrong_passphrase_is_refused_and_changes_nothing(node_home: Path, memory: Path) -> None:
    lock_folder(node_home, cheap())
    before = contents(node_home)
    for wrong in (WORDS[:-1], WORDS.upper(), "", WORDS + " "):
        with pytest.raises(PermissionDeniedError) as caught:
            unlock_folder(node_home, wrong, HOUR_S)
        assert (caught.value.full_code, caught.value.exit_code) == ("permission.passphrase", 77)
        assert WORDS not in f"{caught.value} {caught.value.hint}"
    assert contents(node_home) == before
    assert list(memory.iterdir()) == []


def test_unlock_takes_every_spelling_of_the_same_letters(node_home: Path, memory: Path) -> None:
    lock_folder(node_home, cheap("Schafgarbe über Ärger hinweg"))
    unlock_folder(node_home, "Schafgarbe u\u0308ber A\u0308rger hinweg", HOUR_S)


def test_lock_twice_and_change_what_is_not_locked_are_refused(node_home: Path) -> None:
    for refused in (
        lambda: change_passphrase(node_home, WORDS, cheap(OTHER)),
        lambda: unlock_folder(node_home, WORDS, HOUR_S),
        lambda: relock_folder(node_home),
    ):
        with pytest.raises(UsageError) as caught:
            refused()
        assert caught.value.full_code == "usage.lock"
    lock_folder(node_home, cheap())
    with pytest.raises(UsageError):
        lock_folder(node_home, cheap(OTHER))
    change_passphrase(node_home, WORDS, cheap(OTHER))


def test_change_passphrase_needs_the_present_one_and_ends_what_was_unlocked(
    node_home: Path, memory: Path
) -> None:
    digest = sealer_of(node_home).keyed_digest("x", b"")
    lock_folder(node_home, cheap())
    with pytest.raises(PermissionDeniedError):
        change_passphrase(node_home, OTHER, cheap(OTHER))
    unlock_folder(node_home, WORDS, HOUR_S)
    change_passphrase(node_home, WORDS, cheap(OTHER))
    assert list(memory.iterdir()) == []
    with pytest.raises(PermissionDeniedError):
        unlock_folder(node_home, WORDS, HOUR_S)
    unlock_folder(node_home, OTHER, HOUR_S)
    assert sealer_of(node_home).keyed_digest("x", b"") == digest


def test_unlock_for_good_puts_every_file_back_as_it_was(node_home: Path, memory: Path) -> None:
    before = contents(node_home)
    lock_folder(node_home, cheap())
    unlock_folder(node_home, WORDS, HOUR_S)
    with pytest.raises(PermissionDeniedError):
        unlock_for_good(node_home, lambda: OTHER)
    assert lock_state(node_home).locked
    unlock_for_good(node_home, lambda: WORDS)
    assert contents(node_home) == before
    assert list(memory.iterdir()) == []
    unlock_for_good(node_home, lambda: pytest.fail("nothing is locked: nothing is asked"))


def test_unlock_locks_a_key_that_was_put_back_in_clear_by_hand(node_home: Path, memory: Path) -> None:
    clear = contents(node_home)
    lock_folder(node_home, cheap())
    (node_home / "node-key.pem").write_bytes(clear["node-key.pem"])
    assert relock_folder(node_home)[1].in_clear == ("node-key.pem",)
    unlock_folder(node_home, WORDS, HOUR_S)
    assert find_keys(node_home).in_clear == ()
    assert lies_anywhere(node_home, secrets_of(clear)) == []


def test_lock_a_key_that_is_a_link_locks_what_it_leads_to(
    node_home: Path, tmp_path: Path, memory: Path
) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    (node_home / SEAL_KEY_FILE).rename(stick / "seal.key")
    (node_home / SEAL_KEY_FILE).symlink_to(stick / "seal.key")
    secrets = secrets_of(contents(node_home))
    lock_folder(node_home, cheap())
    assert (node_home / SEAL_KEY_FILE).is_symlink()
    assert lies_anywhere(tmp_path, secrets) == []
    unlock_folder(node_home, WORDS, HOUR_S)
    sealer_of(node_home)


@pytest.mark.parametrize("weak", ["", "fifteen letters", "a" * 40, "abcab" * 5, "x" * 1025])
def test_require_strong_weak_passphrase_is_refused_before_anything_is_touched(
    node_home: Path, weak: str
) -> None:
    before = contents(node_home)
    for refused in (lambda: require_strong(weak), lambda: lock_folder(node_home, cheap(weak))):
        with pytest.raises(UsageError) as caught:
            refused()
        assert caught.value.full_code == "usage.passphrase"
        assert caught.value.hint is not None
    assert contents(node_home) == before


def test_lock_that_does_not_open_again_changes_nothing(
    node_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(node_home)
    monkeypatch.setattr(LockedKey, "open", lambda self, passphrase: bytes(32))
    with pytest.raises(SealError) as caught:
        lock_folder(node_home, cheap())
    assert caught.value.full_code == "storage.seal.lock"
    assert contents(node_home) == before


def test_the_usual_cost_is_what_the_document_says_and_opens() -> None:
    assert (USUAL.memory_kib, USUAL.passes, USUAL.lanes) == (512 * 1024, 3, 4)
    key = bytes(range(32))
    locked = parse_key_file(lock_key(key, WORDS, USUAL, os.urandom).encode())
    assert isinstance(locked, LockedKey)
    assert locked.head.startswith("symbolon-locked-key-1:argon2id,m=524288,t=3,p=4:")
    assert locked.open(WORDS) == key


def test_nothing_secret_shows_in_a_repr(node_home: Path, memory: Path) -> None:
    lock_folder(node_home, cheap())
    unlock_folder(node_home, WORDS, HOUR_S)
    locked = parse_key_file((node_home / SEAL_KEY_FILE).read_bytes())
    assert isinstance(locked, LockedKey)
    kept = kept_key(locked.name, this_moment())
    assert kept is not None
    for shown in (repr(kept), repr(locked), repr(Passphrase(WORDS, CHEAP))):
        assert WORDS not in shown
        assert repr(kept.key) not in shown
        assert kept.key.hex() not in shown
