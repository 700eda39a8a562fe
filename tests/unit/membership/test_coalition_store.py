import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest
from tuf.api.metadata import Metadata

from coalition_founders import Repository, key, later, merged, signed, store_of, versions
from coalition_members import ACME, BIRCH
from symbolon.errors import MembershipError, StorageError
from symbolon.membership.coalition_parts import (
    MAX_AUTHORITIES_BYTES,
    MAX_ROOT_BYTES,
    MAX_ROOT_CHAIN_BYTES,
    MAX_SNAPSHOT_BYTES,
    MAX_TARGETS_BYTES,
    MAX_TERMS_BYTES,
)
from symbolon.membership.coalition_roles import make_root, root_fingerprint
from symbolon.membership.coalition_state import State, load_state
from symbolon.membership.coalition_store import CoalitionStore
from symbolon.membership.members_document import MAX_MEMBERS_BYTES, encode_members


@pytest.fixture
def repository() -> Repository:
    return Repository()


@pytest.fixture
def store(tmp_path: Path, repository: Repository) -> CoalitionStore:
    return store_of(tmp_path / "coalition", repository)


def folders(tmp_path: Path) -> set[str]:
    return {each.name for each in (tmp_path / "coalition").iterdir()}


def test_bootstrap_pinned_root_gives_the_state(store, repository: Repository) -> None:
    state = store.state()
    assert versions(store) == (1, 1, 1)
    assert state.members == repository.members
    assert state.members_json == encode_members(repository.members)
    assert state.terms.decode().startswith("Nothing")
    assert b"CERTIFICATE" in state.authorities_pem
    assert state.founders == tuple(repository.founders)
    assert state.root.threshold == 2
    assert state.root_bytes == repository.roots[0]
    assert store.state().root_sha256() == root_fingerprint(repository.roots[0])
    assert (state.expires - repository.now).days == 7


def test_bootstrap_from_a_later_root_needs_no_earlier_one(tmp_path: Path, repository: Repository) -> None:
    repository.rotate()
    repository.rotate()
    store = CoalitionStore(tmp_path / "late", lambda: repository.now)
    parts = {name: each for name, each in repository.all_parts.items() if name[:2] not in {"1.", "2."}}
    assert "3.root.json" in parts
    store.bootstrap(repository.roots[1], root_fingerprint(repository.roots[1]), parts | repository.parts)
    assert versions(store) == (3, 1, 3)


def test_bootstrap_twice_is_refused(store, repository: Repository) -> None:
    with pytest.raises(MembershipError) as caught:
        store.bootstrap(repository.roots[0], root_fingerprint(repository.roots[0]), repository.parts)
    assert caught.value.full_code == "membership.metadata.exists"


def test_bootstrap_that_failed_leaves_nothing_and_can_be_repeated(
    tmp_path: Path, repository: Repository
) -> None:
    store = CoalitionStore(tmp_path / "coalition", lambda: repository.now)
    pin = root_fingerprint(repository.roots[0])
    with pytest.raises(MembershipError) as caught:
        store.bootstrap(repository.roots[0], pin, {"timestamp.json": repository.parts["timestamp.json"]})
    assert caught.value.full_code == "membership.metadata.mismatch"
    assert folders(tmp_path) == {".lock"}
    store.bootstrap(repository.roots[0], pin, repository.parts)
    assert versions(store) == (1, 1, 1)


def test_state_without_a_folder_is_missing(tmp_path: Path, repository: Repository) -> None:
    store = CoalitionStore(tmp_path / "none", lambda: repository.now)
    with pytest.raises(MembershipError) as caught:
        store.state()
    assert caught.value.full_code == "membership.metadata.missing"
    assert "join" in (caught.value.hint or "")
    assert not (tmp_path / "none").exists()


def test_absorb_next_version_replaces_the_state(store, repository: Repository) -> None:
    parts = repository.publish(purposes=("remediation",))
    assert store.absorb(parts).members.purposes == ("remediation",)
    assert versions(store) == (1, 2, 2)


def test_absorb_next_version_needs_no_file_that_is_held(store, repository: Repository) -> None:
    parts = repository.publish()
    small = {name: each for name, each in parts.items() if name.split(".", 1)[1] not in {"terms.txt"}}
    assert store.absorb(small).terms == store.state().terms
    assert versions(store) == (1, 2, 2)


def test_absorb_skipped_versions_is_accepted(store, repository: Repository) -> None:
    repository.publish()
    repository.publish()
    repository.rotate()
    store.absorb(repository.publish() | repository.root_parts())
    assert versions(store) == (2, 4, 5)


def test_absorb_nothing_newer_changes_nothing(store, repository: Repository, tmp_path: Path) -> None:
    before = folders(tmp_path)
    link = (tmp_path / "coalition" / "current").lstat()
    held = store.state()
    assert store.absorb(repository.all_parts) is held
    assert store.absorb({}) is held
    assert folders(tmp_path) == before
    assert (tmp_path / "coalition" / "current").lstat().st_ino == link.st_ino


def test_absorb_roots_alone_keeps_the_rest(store, repository: Repository) -> None:
    repository.rotate()
    store.absorb(repository.root_parts())
    assert versions(store) == (2, 1, 1)


def test_absorb_daily_timestamp_keeps_the_state_fresh(store, repository: Repository) -> None:
    for _ in range(20):
        later(repository, days=1)
        store.absorb(repository.sign_again())
        store.state().require_fresh(repository.now)
    assert (store.state().expires - repository.now).days == 7
    assert versions(store) == (1, 1, 21)


def test_absorb_after_the_held_state_expired_recovers(store, repository: Repository) -> None:
    later(repository, days=8)
    with pytest.raises(MembershipError) as caught:
        store.state().require_fresh(repository.now)
    assert caught.value.full_code == "membership.expired"
    assert "clock" in (caught.value.hint or "")
    store.absorb(repository.sign_again())
    store.state().require_fresh(repository.now)


def test_absorb_targets_signed_anew_under_a_new_root_are_taken(store, repository: Repository) -> None:
    """Without birch only acme's signature of the held targets counts: one of two."""
    later(repository, days=1)
    repository.signers = [key(ACME, "metadata"), key(BIRCH, "metadata")]
    store.absorb(repository.publish())
    store.absorb(repository.rotate([each for each in repository.founders if each.member_id != BIRCH]))
    assert versions(store) == (2, 2, 3)
    store.state().require_fresh(repository.now)


def test_absorb_keeps_the_last_two_states_and_removes_what_a_crash_left(
    store, repository: Repository, tmp_path: Path
) -> None:
    folder = tmp_path / "coalition"
    (folder / "00000002-0badc0de" / "root_history").mkdir(parents=True)
    (folder / ".current.0badc0de").symlink_to("00000002-0badc0de")
    (folder / "notes.txt").write_text("somebody's own", encoding="ascii")
    for _ in range(3):
        before = (folder / "current").readlink()
        store.absorb(repository.publish())
        after = (folder / "current").readlink()
        assert folders(tmp_path) == {".lock", "current", "notes.txt", str(before), str(after)}


def test_absorb_files_are_for_the_owner_only(store, repository: Repository, tmp_path: Path) -> None:
    store.absorb(repository.publish())
    assert stat.S_IMODE((tmp_path / "coalition").stat().st_mode) == 0o700
    current = tmp_path / "coalition" / "current"
    assert stat.S_IMODE(current.stat().st_mode) == 0o700


def test_absorb_everything_is_on_the_disk_before_it_is_linked(
    store, repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    fsync, replace = os.fsync, Path.replace

    def recorded(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        fsync(descriptor)

    def checked(self: Path, target: Path) -> Path:
        folder = target.parent / self.readlink()
        missing = {each for each in [folder, *folder.rglob("*")] if not each.is_symlink()} - set(synced)
        assert not missing
        assert target.parent in synced
        synced.clear()
        return replace(self, target)

    parts = repository.publish()
    monkeypatch.setattr(os, "fsync", recorded)
    monkeypatch.setattr(Path, "replace", checked)
    store.absorb(parts)
    assert synced == [tmp_path / "coalition"]


def test_absorb_on_a_full_disk_is_a_storage_error_and_keeps_the_state(
    store, repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = folders(tmp_path)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    parts = repository.publish()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left"):
        store.absorb(parts)
    assert versions(store) == (1, 1, 1)
    assert folders(tmp_path) == before


def test_state_after_another_process_changed_it_is_the_new_one(
    store, repository: Repository, tmp_path: Path
) -> None:
    other = CoalitionStore(tmp_path / "coalition", lambda: repository.now)
    assert versions(other) == (1, 1, 1)
    store.absorb(repository.publish())
    assert versions(other) == (1, 2, 2)


def test_state_while_others_change_it_is_always_whole(store, repository: Repository, tmp_path: Path) -> None:
    published = [repository.publish() for _ in range(12)]
    seen: list[int] = []
    done = threading.Event()

    def read() -> None:
        reader = CoalitionStore(tmp_path / "coalition", lambda: repository.now)
        while not done.is_set():
            seen.append(reader.state().targets_version)
        seen.append(reader.state().targets_version)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        for parts in published:
            store.absorb(parts)
    finally:
        done.set()
        thread.join()
    assert seen == sorted(seen)
    assert seen[-1] == 13


@pytest.mark.parametrize(
    "name",
    "root.json timestamp.json snapshot.json targets.json members.json authorities.pem terms.txt".split(),
)
@pytest.mark.parametrize("content", [None, b"", b"{}", b"\xff garbage", b" " * (3 << 20)])
def test_state_damaged_on_the_disk_is_refused(
    store, repository: Repository, tmp_path: Path, name: str, content: bytes | None
) -> None:
    path = tmp_path / "coalition" / "current" / name
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    again = CoalitionStore(tmp_path / "coalition", lambda: repository.now)
    with pytest.raises((MembershipError, StorageError)) as caught:
        again.state()
    assert caught.value.full_code.startswith(("membership.metadata.", "storage"))
    with pytest.raises((MembershipError, StorageError)):
        again.absorb(repository.publish())


def test_state_damaged_on_the_disk_tells_how_to_mend_it(
    store, repository: Repository, tmp_path: Path
) -> None:
    (tmp_path / "coalition" / "current" / "terms.txt").write_bytes(b"others")
    with pytest.raises(MembershipError) as caught:
        CoalitionStore(tmp_path / "coalition", lambda: repository.now).state()
    assert caught.value.full_code == "membership.metadata.malformed"
    assert "Restore" in (caught.value.hint or "")


@pytest.mark.parametrize("target", ["../elsewhere", "/etc", ".", "00000001-0badc0de/..", "notes"])
def test_state_link_that_leads_elsewhere_is_refused(
    store, repository: Repository, tmp_path: Path, target: str
) -> None:
    link = tmp_path / "coalition" / "current"
    link.unlink()
    link.symlink_to(target)
    with pytest.raises(MembershipError) as caught:
        store.state()
    assert caught.value.full_code == "membership.metadata.malformed"


def test_parts_newer_than_an_equal_state_is_nothing(store) -> None:
    assert store.parts_newer_than(1, 1) == {}
    assert store.parts_newer_than(2, 9) == {}


def test_parts_newer_than_bring_another_node_to_the_same_state(
    store, repository: Repository, tmp_path: Path
) -> None:
    other = store_of(tmp_path / "other", repository)
    repository.rotate()
    repository.publish()
    repository.rotate()
    store.absorb(repository.all_parts)
    parts = store.parts_newer_than(1, 1)
    assert set(parts) == {"2.root.json", "3.root.json"} | set(repository.parts)
    other.absorb(parts)
    assert other.state() == store.state()
    third = CoalitionStore(tmp_path / "third", lambda: repository.now)
    parts = store.parts_newer_than(0, 0)
    third.bootstrap(parts["1.root.json"], root_fingerprint(repository.roots[0]), parts)
    assert third.state() == store.state()


def test_parts_newer_than_a_root_before_this_node_joined_is_nothing(
    tmp_path: Path, repository: Repository
) -> None:
    repository.rotate()
    repository.rotate()
    store = CoalitionStore(tmp_path / "late", lambda: repository.now)
    store.bootstrap(repository.roots[2], root_fingerprint(repository.roots[2]), repository.parts)
    assert store.parts_newer_than(1, 0) == {}
    assert "3.root.json" in store.parts_newer_than(2, 0)


def test_parts_newer_than_a_long_past_come_in_several_answers(
    store, repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = store_of(tmp_path / "other", repository)
    for _ in range(5):
        repository.rotate()
    repository.publish()
    store.absorb(repository.all_parts)
    monkeypatch.setattr(
        "symbolon.membership.coalition_store.MAX_ROOT_CHAIN_BYTES", 2 * len(repository.roots[1]) + 9
    )
    first = store.parts_newer_than(1, 1)
    assert set(first) == {"2.root.json", "3.root.json"}
    second = store.parts_newer_than(3, 1)
    assert set(second) == {"4.root.json", "5.root.json"}
    third = store.parts_newer_than(5, 1)
    other.absorb(merged(first, second, third))
    assert other.state() == store.state()


def test_parts_newer_than_anything_stay_below_one_message() -> None:
    largest = sum(
        (
            MAX_ROOT_CHAIN_BYTES,
            2 * MAX_SNAPSHOT_BYTES,
            MAX_TARGETS_BYTES,
            MAX_MEMBERS_BYTES,
            MAX_AUTHORITIES_BYTES,
            MAX_TERMS_BYTES,
        )
    )
    assert largest < 4 * 1024 * 1024
    assert MAX_ROOT_BYTES < MAX_ROOT_CHAIN_BYTES


def test_root_sha256_is_the_same_whoever_signed(store, repository: Repository, tmp_path: Path) -> None:
    document = make_root(1, repository.founders, 2, repository.now)
    root = signed(document, key(ACME, "root"), key(BIRCH, "root"))
    assert root != repository.roots[0]
    other = CoalitionStore(tmp_path / "other", lambda: repository.now)
    other.bootstrap(root, store.state().root_sha256(), repository.parts)
    assert other.state().root_sha256() == store.state().root_sha256()


@pytest.mark.parametrize(("file", "content"), [("authorities", b"none"), ("terms", b"\xff")])
def test_absorb_files_that_no_node_could_use_are_refused(
    store, repository: Repository, file: str, content: bytes
) -> None:
    setattr(repository, file, content)
    with pytest.raises(MembershipError) as caught:
        store.absorb(repository.publish())
    assert caught.value.full_code == "membership.metadata.malformed"
    assert versions(store) == (1, 1, 1)


@pytest.mark.parametrize("name", ["root.json", "targets.json", "snapshot.json", "timestamp.json"])
def test_state_whose_signatures_are_gone_from_the_disk_is_refused(
    store, repository: Repository, tmp_path: Path, name: str
) -> None:
    path = tmp_path / "coalition" / "current" / name
    document: Metadata[Any] = Metadata.from_bytes(path.read_bytes())
    document.signatures.clear()
    path.write_bytes(document.to_bytes())
    with pytest.raises(MembershipError) as caught:
        CoalitionStore(tmp_path / "coalition", lambda: repository.now).state()
    assert caught.value.full_code == "membership.metadata.signatures"


def test_state_swept_while_it_is_read_is_read_anew(
    store, repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = CoalitionStore(tmp_path / "coalition", lambda: repository.now)

    def overtaken(folder: Path) -> State:
        monkeypatch.undo()
        for _ in range(3):
            store.absorb(repository.publish())
        assert not folder.exists()
        return load_state(folder)

    monkeypatch.setattr("symbolon.membership.coalition_store.load_state", overtaken)
    assert versions(reader) == (1, 4, 4)
