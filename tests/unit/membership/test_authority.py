import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from symbolon.errors import MembershipError, StorageError
from symbolon.membership import (
    LIST_FILE,
    Authority,
    MemberKind,
    TrustAnchor,
    certificate_fingerprint,
    make_leaf_key_and_csr,
    verify_leaf,
    verify_member_list,
)

COALITION = "clean-hands"
Enrol = Callable[[str], bytes]


def test_create_new_directory_publishes_an_empty_list(authority: Authority, clock) -> None:
    members = verify_member_list(
        authority.current_list(),
        authority.anchor.list_key,
        now=clock(),
        coalition=COALITION,
        min_version=0,
    )
    assert (members.version, members.members, members.expelled) == (1, (), ())


def test_create_every_file_is_readable_by_the_owner_only(authority: Authority, tmp_path: Path) -> None:
    directory = tmp_path / "authority"
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()} == {0o600}


def test_create_second_coalition_in_the_directory_is_refused(
    authority: Authority, tmp_path: Path, clock
) -> None:
    with pytest.raises(MembershipError) as caught:
        Authority.create(tmp_path / "authority", "other", clock)
    assert caught.value.full_code == "membership.exists"
    assert Authority.load(tmp_path / "authority", clock).anchor == authority.anchor


def test_load_after_changes_continues_the_versions(
    authority: Authority, enrol: Enrol, tmp_path, clock
) -> None:
    enrol("acme")
    again = Authority.load(tmp_path / "authority", clock)
    assert again.anchor == authority.anchor
    again.expel("acme")
    assert authority.members().version == 3


def test_load_keys_of_another_authority_is_refused(authority: Authority, tmp_path: Path, clock) -> None:
    Authority.create(tmp_path / "other", COALITION, clock)
    (tmp_path / "other" / "root_key.pem").replace(tmp_path / "authority" / "root_key.pem")
    with pytest.raises(MembershipError) as caught:
        Authority.load(tmp_path / "authority", clock)
    assert caught.value.full_code == "membership.authority"


def test_load_list_and_its_key_of_another_authority_is_refused(authority, tmp_path: Path, clock) -> None:
    Authority.create(tmp_path / "other", COALITION, clock)
    for name in ("list_key.pem", LIST_FILE):
        (tmp_path / "other" / name).replace(tmp_path / "authority" / name)
    with pytest.raises(MembershipError) as caught:
        Authority.load(tmp_path / "authority", clock)
    assert caught.value.full_code == "membership.authority"


@pytest.mark.parametrize("name", ["anchor.json", "list_key.pem", "root_key.pem", "settings.json", LIST_FILE])
@pytest.mark.parametrize("content", [None, b"", b"\xff garbage"])
def test_load_damaged_file_is_refused(
    authority: Authority, tmp_path: Path, clock, name: str, content
) -> None:
    path = tmp_path / "authority" / name
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MembershipError) as caught:
        Authority.load(tmp_path / "authority", clock)
    assert caught.value.full_code == "membership.authority"


def test_enrol_new_member_lists_the_leaf_it_returns(authority: Authority, enrol: Enrol, clock) -> None:
    leaf = enrol("acme")
    identity = verify_leaf(leaf, authority.anchor.root_pem, COALITION, now=clock())
    member = authority.members().find("acme")
    assert identity.member_id == "acme"
    assert member is not None
    assert member.certificate_sha256 == identity.fingerprint == certificate_fingerprint(leaf)


@pytest.mark.parametrize(
    ("first", "code"), [(None, "membership.duplicate"), ("expel", "membership.expelled")]
)
def test_enrol_id_that_was_given_before_is_refused(authority, enrol: Enrol, first, code: str) -> None:
    enrol("acme")
    if first:
        authority.expel("acme")
    version = authority.members().version
    with pytest.raises(MembershipError) as caught:
        enrol("acme")
    assert caught.value.full_code == code
    assert authority.members().version == version


def test_enrol_bad_endpoint_changes_nothing(authority: Authority) -> None:
    request = make_leaf_key_and_csr("acme", COALITION)
    before = authority.current_list()
    with pytest.raises(MembershipError):
        authority.enrol("acme", MemberKind.NGO, "nowhere", request.csr_pem)
    assert authority.current_list() == before


def test_renew_current_member_replaces_its_certificate(authority: Authority, enrol: Enrol) -> None:
    old = enrol("acme")
    new = authority.renew("acme", make_leaf_key_and_csr("acme", COALITION).csr_pem)
    member = authority.members().find("acme")
    assert member is not None
    assert member.certificate_sha256 == certificate_fingerprint(new) != certificate_fingerprint(old)
    assert member.endpoint == "127.0.0.1:7443"


def test_move_current_member_changes_only_its_endpoint(authority: Authority, enrol: Enrol) -> None:
    leaf = enrol("acme")
    authority.move("acme", "node.example.org:443")
    member = authority.members().find("acme")
    assert member is not None
    assert member.endpoint == "node.example.org:443"
    assert member.certificate_sha256 == certificate_fingerprint(leaf)


@pytest.mark.parametrize("action", ["renew", "move", "expel"])
def test_change_of_a_stranger_is_refused(authority: Authority, action: str) -> None:
    arguments = {
        "renew": (make_leaf_key_and_csr("nobody", COALITION).csr_pem,),
        "move": ("localhost:1",),
        "expel": (),
    }[action]
    with pytest.raises(MembershipError) as caught:
        getattr(authority, action)("nobody", *arguments)
    assert caught.value.full_code == "membership.unknown"


def test_refresh_expired_list_makes_it_hold_again(authority: Authority, enrol: Enrol, clock) -> None:
    enrol("acme")
    clock.advance(days=31)
    with pytest.raises(MembershipError):
        _verify(authority.current_list(), authority, clock)
    refreshed = _verify(authority.refresh(), authority, clock)
    assert refreshed.find("acme") is not None
    assert refreshed.version == 3


def test_changes_from_many_threads_are_all_kept(
    authority: Authority, enrol: Enrol, tmp_path: Path, clock
) -> None:
    ids = [f"member-{index}" for index in range(12)]

    def admit(member_id: str) -> None:
        own = Authority.load(tmp_path / "authority", clock)
        own.enrol(member_id, MemberKind.NGO, "", make_leaf_key_and_csr(member_id, COALITION).csr_pem)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(admit, ids))
    members = authority.members()
    assert [member.member_id for member in members.members] == sorted(ids)
    assert members.version == 1 + len(ids)


def test_change_on_a_full_disk_leaves_the_old_list(authority: Authority, enrol: Enrol, monkeypatch) -> None:
    before = authority.current_list()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("symbolon.membership.atomic_file.os.fsync", full)
    with pytest.raises(StorageError):
        enrol("acme")
    assert authority.current_list() == before


def test_trust_anchor_two_way_gives_the_same(authority: Authority) -> None:
    anchor = TrustAnchor.from_bytes(authority.anchor.to_bytes())
    assert anchor == authority.anchor
    assert anchor.fingerprint == authority.anchor.fingerprint


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 20_000,
        b" " * 40_000,
        b'{"coalition":1,"list_key":2,"root_certificate":3}',
    ],
)
def test_trust_anchor_malformed_document_is_refused(document: bytes) -> None:
    with pytest.raises(MembershipError) as caught:
        TrustAnchor.from_bytes(document)
    assert caught.value.full_code == "membership.anchor"


def test_repr_of_authority_and_request_shows_no_key(authority: Authority) -> None:
    request = make_leaf_key_and_csr("acme", COALITION)
    assert "PRIVATE" not in repr(request)
    assert "BEGIN" not in repr(authority) + str(request)


def _verify(document: bytes, authority: Authority, clock):
    return verify_member_list(
        document, authority.anchor.list_key, now=clock(), coalition=COALITION, min_version=0
    )
