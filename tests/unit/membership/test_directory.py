from collections.abc import Callable
from pathlib import Path

import pytest

from symbolon.errors import MembershipError, StorageError
from symbolon.membership import (
    LIST_FILE,
    Authority,
    FileMemberDirectory,
    certificate_fingerprint,
    make_leaf_key_and_csr,
)

COALITION = "clean-hands"
Enrol = Callable[[str], bytes]


@pytest.fixture
def directory(authority: Authority, tmp_path: Path, clock) -> FileMemberDirectory:
    return open_directory(authority, tmp_path, clock)


def open_directory(authority: Authority, tmp_path: Path, clock, **extra) -> FileMemberDirectory:
    return FileMemberDirectory(
        tmp_path / "authority" / LIST_FILE,
        authority.anchor.list_key,
        COALITION,
        clock,
        state_path=tmp_path / "highest.json",
        **extra,
    )


def test_require_current_member_returns_it(directory, enrol: Enrol, clock) -> None:
    leaf = enrol("acme")
    assert directory.require("acme", certificate_fingerprint(leaf), clock()).member_id == "acme"


def test_require_stranger_is_refused(directory, enrol: Enrol, clock) -> None:
    leaf = enrol("acme")
    with pytest.raises(MembershipError) as caught:
        directory.require("other", certificate_fingerprint(leaf), clock())
    assert caught.value.full_code == "membership.unknown"


def test_require_after_renewal_refuses_the_old_leaf(directory, authority, enrol: Enrol, clock) -> None:
    old = certificate_fingerprint(enrol("acme"))
    directory.require("acme", old, clock())
    new = authority.renew("acme", make_leaf_key_and_csr("acme", COALITION).csr_pem)
    with pytest.raises(MembershipError) as caught:
        directory.require("acme", old, clock())
    assert caught.value.full_code == "membership.fingerprint"
    directory.require("acme", certificate_fingerprint(new), clock())


def test_current_unchanged_file_is_read_once_the_stamp_has_settled(
    authority, tmp_path: Path, clock, monkeypatch
) -> None:
    seconds = [0.0]
    directory = open_directory(authority, tmp_path, clock, monotonic=lambda: seconds[0])
    directory.current()
    seconds[0] = 1.0
    directory.current()

    def unexpected(path: Path, limit_bytes: int) -> bytes:
        raise AssertionError("read again")

    monkeypatch.setattr("symbolon.membership.directory.read_bounded", unexpected)
    directory.current()


def test_current_rewritten_within_one_tick_is_noticed(
    authority, enrol: Enrol, tmp_path, clock, monkeypatch
) -> None:
    monkeypatch.setattr("symbolon.membership.directory._stamp_of", lambda status: (0, 0, 0, 0, 0))
    directory = open_directory(authority, tmp_path, clock, monotonic=lambda: 0.0)
    assert directory.current().version == 1
    enrol("acme")
    assert directory.current().version == 2


def test_current_missing_file_is_refused_then_recovers(directory, authority, tmp_path: Path) -> None:
    path = tmp_path / "authority" / LIST_FILE
    document = authority.current_list()
    path.unlink()
    with pytest.raises(MembershipError) as caught:
        directory.current()
    assert caught.value.full_code == "membership.unreadable"
    path.write_bytes(document)
    assert directory.current().version == 1


def test_current_half_copied_file_refuses_until_complete(
    directory, authority, enrol: Enrol, tmp_path
) -> None:
    directory.current()
    enrol("acme")
    path = tmp_path / "authority" / LIST_FILE
    document = path.read_bytes()
    path.write_bytes(document[:-20])
    with pytest.raises(MembershipError):
        directory.current()
    path.write_bytes(document)
    assert directory.current().version == 2


def test_current_cached_list_that_expires_is_refused(directory, clock) -> None:
    directory.current()
    clock.advance(days=30)
    with pytest.raises(MembershipError) as caught:
        directory.current()
    assert caught.value.full_code == "membership.expired"


def test_current_unwritable_state_is_refused_before_use(directory, tmp_path: Path, monkeypatch) -> None:
    def full(path: Path, data: bytes) -> None:
        raise StorageError("disk full")

    monkeypatch.setattr("symbolon.membership.directory.write_atomically", full)
    with pytest.raises(StorageError):
        directory.current()
    assert not (tmp_path / "highest.json").exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b'{"version":0,"sha256":"00"}', b'{"version":1,"sha256":"zz"}', b"\xff", b" " * 2000],
)
def test_current_damaged_state_is_refused(directory, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "highest.json").write_bytes(content)
    with pytest.raises(MembershipError) as caught:
        directory.current()
    assert caught.value.full_code == "membership.state"
