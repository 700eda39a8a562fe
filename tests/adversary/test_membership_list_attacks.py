"""Attacks on the member list: what a lying server, an old copy or a false authority can try."""

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from symbolon.errors import MembershipError
from symbolon.membership import (
    LIST_FILE,
    Authority,
    FileMemberDirectory,
    MemberKind,
    MemberList,
    PeerIdentity,
    make_leaf_key_and_csr,
    peer_identity,
    sign_member_list,
    verify_member_list,
)
from symbolon.membership.member_list import MAX_LIST_BYTES

COALITION = "clean-hands"
START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@dataclass
class Victim:
    """A node that holds the list of an authority, and the file from which it reads it."""

    root: Path
    now: datetime = START
    authority: Authority = field(init=False)
    list_path: Path = field(init=False)

    def __post_init__(self) -> None:
        self.authority = Authority.create(self.root / "authority", COALITION, lambda: self.now)
        self.list_path = self.root / LIST_FILE
        self.deliver(self.authority.current_list())

    def deliver(self, document: bytes) -> None:
        fresh = self.root / "incoming"
        fresh.write_bytes(document)
        fresh.replace(self.list_path)

    def start(self) -> FileMemberDirectory:
        return FileMemberDirectory(
            self.list_path, self.authority.anchor.list_key, COALITION, lambda: self.now
        )

    def enrol(self, member_id: str) -> PeerIdentity:
        request = make_leaf_key_and_csr(member_id, COALITION)
        leaf = self.authority.enrol(member_id, MemberKind.COMPANY, "", request.csr_pem)
        self.deliver(self.authority.current_list())
        return peer_identity(leaf, COALITION)


@pytest.fixture
def victim(tmp_path: Path) -> Victim:
    return Victim(tmp_path)


def refused(victim: Victim, document: bytes, *, min_version: int = 0) -> str:
    with pytest.raises(MembershipError) as caught:
        verify_member_list(
            document,
            victim.authority.anchor.list_key,
            now=victim.now,
            coalition=COALITION,
            min_version=min_version,
        )
    return caught.value.full_code


def refused_at_node(directory: FileMemberDirectory) -> str:
    with pytest.raises(MembershipError) as caught:
        directory.current()
    return caught.value.full_code


def test_expelled_member_next_rpc_is_refused_without_a_restart(victim: Victim) -> None:
    node = victim.start()
    mallory = victim.enrol("mallory")
    assert node.require(*mallory, victim.now).member_id == "mallory"
    victim.deliver(victim.authority.expel("mallory"))
    with pytest.raises(MembershipError) as caught:
        node.require(*mallory, victim.now)
    assert caught.value.full_code == "membership.expelled"


def test_rollback_old_list_put_back_is_refused(victim: Victim) -> None:
    node = victim.start()
    mallory = victim.enrol("mallory")
    with_mallory = victim.authority.current_list()
    victim.deliver(victim.authority.expel("mallory"))
    node.current()
    victim.deliver(with_mallory)
    assert refused_at_node(node) == "membership.rollback"
    with pytest.raises(MembershipError):
        node.require(*mallory, victim.now)


def test_rollback_over_a_restart_is_refused(victim: Victim) -> None:
    victim.enrol("mallory")
    with_mallory = victim.authority.current_list()
    victim.deliver(victim.authority.expel("mallory"))
    victim.start().current()
    victim.deliver(with_mallory)
    assert refused_at_node(victim.start()) == "membership.rollback"


def test_rollback_seen_by_another_process_of_the_node_is_refused(victim: Victim) -> None:
    server, client = victim.start(), victim.start()
    old = victim.authority.current_list()
    server.current()
    victim.enrol("acme")
    client.current()
    victim.deliver(old)
    assert refused_at_node(client) == "membership.rollback"
    assert refused_at_node(victim.start()) == "membership.rollback"


def test_fork_two_lists_of_one_version_is_refused(victim: Victim) -> None:
    node = victim.start()
    victim.enrol("acme")
    node.current()
    copied = victim.root / "copied"
    copied.mkdir()
    for path in (victim.root / "authority").iterdir():
        (copied / path.name).write_bytes(path.read_bytes())
    victim.deliver(victim.authority.expel("acme"))
    assert node.current().is_expelled("acme")
    other_holder = Authority.load(copied, lambda: victim.now)
    victim.deliver(other_holder.refresh())
    assert refused_at_node(node) == "membership.fork"
    assert refused_at_node(victim.start()) == "membership.fork"


def test_freeze_withheld_lists_stop_admitting_at_expiry(victim: Victim) -> None:
    node = victim.start()
    acme = victim.enrol("acme")
    node.require(*acme, victim.now)
    victim.now += timedelta(days=30)
    with pytest.raises(MembershipError) as caught:
        node.require(*acme, victim.now)
    assert caught.value.full_code == "membership.expired"
    assert refused(victim, victim.authority.current_list()) == "membership.expired"


def test_clock_an_hour_behind_new_list_is_refused_as_from_the_future(victim: Victim) -> None:
    victim.now -= timedelta(hours=1)
    assert refused(victim, victim.authority.current_list()) == "membership.not_yet_valid"


def test_clock_within_the_skew_new_list_is_accepted(victim: Victim) -> None:
    victim.now -= timedelta(minutes=4)
    assert victim.start().current().version == 1


def test_signature_stripped_is_refused(victim: Victim) -> None:
    head, _signature, body = victim.authority.current_list().split(b"\n", 2)
    assert refused(victim, head + b"\n\n" + body) == "membership.signature"
    assert refused(victim, head + b"\n" + body) == "membership.malformed"
    assert refused(victim, body) == "membership.malformed"


def test_signature_of_another_list_is_refused(victim: Victim) -> None:
    head, old_signature, _ = victim.authority.current_list().split(b"\n", 2)
    victim.enrol("acme")
    _, _, body = victim.authority.current_list().split(b"\n", 2)
    assert refused(victim, b"\n".join((head, old_signature, body))) == "membership.signature"


def test_forged_list_signed_by_the_forger_is_refused(victim: Victim) -> None:
    forged = sign_member_list(victim.authority.members(), Ed25519PrivateKey.generate())
    assert refused(victim, forged) == "membership.signature"


def test_forged_member_slipped_into_a_signed_list_is_refused(victim: Victim) -> None:
    victim.enrol("acme")
    document = victim.authority.current_list()
    assert refused(victim, document.replace(b'"acme"', b'"evil"')) == "membership.signature"


def test_signature_reused_from_another_kind_of_document_is_refused(tmp_path: Path) -> None:
    """A key that was talked into signing bare JSON has not signed a list."""
    key = Ed25519PrivateKey.generate()
    body = json.dumps({"coalition": COALITION}).encode() + b"\n"
    document = b"symbolon-member-list-v1\n" + base64.b64encode(key.sign(body)) + b"\n" + body
    with pytest.raises(MembershipError) as caught:
        verify_member_list(document, key.public_key(), now=START, coalition=COALITION, min_version=0)
    assert caught.value.full_code == "membership.signature"


def test_list_of_another_coalition_under_the_same_key_is_refused(victim: Victim) -> None:
    with pytest.raises(MembershipError) as caught:
        verify_member_list(
            victim.authority.current_list(),
            victim.authority.anchor.list_key,
            now=victim.now,
            coalition="other-hands",
            min_version=0,
        )
    assert caught.value.full_code == "membership.coalition"


def test_oversized_list_is_refused_before_it_is_read_whole(victim: Victim) -> None:
    victim.deliver(b"symbolon-member-list-v1\n" + b"A" * (MAX_LIST_BYTES * 3))
    assert refused_at_node(victim.start()) == "membership.too_large"


def test_deeply_nested_signed_content_is_refused(victim: Victim) -> None:
    key = Ed25519PrivateKey.generate()
    body = b"[" * 500_000
    head = b"symbolon-member-list-v1\n"
    document = head + base64.b64encode(key.sign(head + body)) + b"\n" + body
    with pytest.raises(MembershipError) as caught:
        verify_member_list(document, key.public_key(), now=START, coalition=COALITION, min_version=0)
    assert caught.value.full_code == "membership.malformed"


def test_another_certificate_under_the_same_name_is_refused(victim: Victim) -> None:
    """A second authority with the same root, or a leaf issued before a renewal, does not pass."""
    acme = victim.enrol("acme")
    copied = victim.root / "copied"
    copied.mkdir()
    for path in (victim.root / "authority").iterdir():
        (copied / path.name).write_bytes(path.read_bytes())
    thief = Authority.load(copied, lambda: victim.now)
    stolen = peer_identity(thief.renew("acme", make_leaf_key_and_csr("acme", COALITION).csr_pem), COALITION)
    node = victim.start()
    node.require(*acme, victim.now)
    assert stolen.member_id == "acme"
    with pytest.raises(MembershipError) as caught:
        node.require(*stolen, victim.now)
    assert caught.value.full_code == "membership.fingerprint"


def test_certificate_of_another_member_is_refused(victim: Victim) -> None:
    acme, bolt = victim.enrol("acme"), victim.enrol("bolt")
    with pytest.raises(MembershipError) as caught:
        victim.start().require(acme.member_id, bolt.fingerprint, victim.now)
    assert caught.value.full_code == "membership.fingerprint"


@pytest.mark.parametrize("fingerprint", [b"", bytes(31), bytes(32)])
def test_empty_or_short_fingerprint_is_refused(victim: Victim, fingerprint: bytes) -> None:
    victim.enrol("acme")
    with pytest.raises(MembershipError) as caught:
        victim.start().require("acme", fingerprint, victim.now)
    assert caught.value.full_code == "membership.fingerprint"


def test_refusal_shows_a_peer_one_fixed_sentence(victim: Victim) -> None:
    victim.enrol("acme")
    with pytest.raises(MembershipError) as caught:
        victim.start().require("mallory", bytes(32), victim.now)
    assert caught.value.public == "not a current member"


@pytest.mark.parametrize(
    "alter",
    [
        lambda body: body.replace(b",", b", ", 1),
        lambda body: body.rstrip(b"\n"),
        lambda body: body + b"\n",
        lambda body: b" " + body,
        lambda body: body.replace(b'"version":1', b'"version":1,"version":1'),
        lambda body: body.replace(b'"version":1', b'"version":1.0'),
        lambda body: body.replace(b"clean", b"\\u0063lean"),
    ],
    ids=["space", "no_newline", "newline", "leading", "doubled_key", "float", "escape"],
)
def test_second_spelling_of_a_signed_list_is_refused(alter) -> None:
    """Two documents with one meaning would give one version two fingerprints."""
    key = Ed25519PrivateKey.generate()
    body = (
        b'{"coalition":"clean-hands","expelled":[],"expires":"2026-03-02T00:00:00Z",'
        b'"issued":"2026-03-01T00:00:00Z","members":[],"version":1}\n'
    )
    assert _open(_sign(key, body), key).version == 1
    with pytest.raises(MembershipError) as caught:
        _open(_sign(key, alter(body)), key)
    assert caught.value.full_code == "membership.malformed"


def test_second_spelling_of_a_signature_is_refused(victim: Victim) -> None:
    """The last character before the padding has bits that a lenient decoder ignores."""
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    head, signature, body = victim.authority.current_list().split(b"\n", 2)
    twin = alphabet[alphabet.index(signature[-3]) ^ 1]
    respelt = signature[:-3] + bytes([twin]) + b"=="
    assert base64.b64decode(respelt) == base64.b64decode(signature)
    assert refused(victim, b"\n".join((head, respelt, body))) == "membership.malformed"


def _sign(key: Ed25519PrivateKey, body: bytes) -> bytes:
    head = b"symbolon-member-list-v1\n"
    return head + base64.b64encode(key.sign(head + body)) + b"\n" + body


def _open(document: bytes, key: Ed25519PrivateKey) -> MemberList:
    return verify_member_list(document, key.public_key(), now=START, coalition=COALITION, min_version=0)
