"""A founder's keys: drawn once, kept for their owner alone, refused with what to do when they do not fit."""

import base64
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from coalition_members import ACME, BIRCH, COALITION, NOW
from symbolon.errors import MembershipError, StorageError
from symbolon.membership.authorities import Authorities
from symbolon.membership.certificates import load_certificate
from symbolon.membership.founder_keys import (
    AUTHORITY_FILE,
    AUTHORITY_KEY_FILE,
    METADATA_KEY_FILE,
    PASSPHRASE_ROUNDS,
    ROOT_KEY_FILE,
    ROOT_PUBLIC_FILE,
    FounderKeys,
    create_founder_keys,
    load_founder_keys,
    load_root_key,
)

FILES = (ROOT_KEY_FILE, ROOT_PUBLIC_FILE, METADATA_KEY_FILE, AUTHORITY_KEY_FILE, AUTHORITY_FILE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "founder"


@pytest.fixture
def keys(folder: Path) -> FounderKeys:
    return create_founder_keys(folder, COALITION, ACME, NOW)


def refused(call: Callable[[], object]) -> MembershipError:
    with pytest.raises(MembershipError) as caught:
        call()
    assert caught.value.hint
    return caught.value


def pem(key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey, passphrase: bytes | None = None) -> bytes:
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        encryption = serialization.BestAvailableEncryption(passphrase)
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


def test_founder_keys_created_are_read_back_and_fit_the_root_key(folder: Path, keys: FounderKeys) -> None:
    assert load_founder_keys(folder, ACME).founder == keys.founder
    root_key = load_root_key(folder / ROOT_KEY_FILE, keys.founder)
    assert root_key.public_key().public_bytes_raw() == keys.founder.root_key
    assert keys.metadata_key.public_key().public_bytes_raw() == keys.founder.metadata_key
    assert load_certificate(keys.authority_pem).public_key() == keys.authority_key.public_key()
    assert len(Authorities.parse(keys.authority_pem).certificates) == 1


def test_founder_keys_are_for_their_owner_alone(folder: Path, keys: FounderKeys) -> None:
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE((folder / name).stat().st_mode) for name in FILES} == {0o600}


def test_founder_keys_of_two_founders_share_nothing(tmp_path: Path, keys: FounderKeys) -> None:
    other = create_founder_keys(tmp_path / "other", COALITION, BIRCH, NOW)
    assert len({other.founder.root_key, other.founder.metadata_key} - {keys.founder.root_key}) == 2
    assert other.authority_pem != keys.authority_pem


def test_founder_keys_say_nothing_secret_when_shown(keys: FounderKeys) -> None:
    assert "PRIVATE" not in repr(keys)
    assert "PrivateKey" not in repr(keys)


def test_create_founder_keys_a_second_time_is_refused_and_changes_nothing(
    folder: Path, keys: FounderKeys
) -> None:
    before = {name: (folder / name).read_bytes() for name in FILES}
    error = refused(lambda: create_founder_keys(folder, COALITION, ACME, NOW))
    assert error.full_code == "membership.exists"
    assert {name: (folder / name).read_bytes() for name in FILES} == before


def test_create_founder_keys_after_a_crash_half_way_makes_whole_ones(folder: Path, keys: FounderKeys) -> None:
    (folder / AUTHORITY_FILE).unlink()
    again = create_founder_keys(folder, COALITION, ACME, NOW)
    assert again.founder != keys.founder
    assert load_root_key(folder / ROOT_KEY_FILE, again.founder)


def test_create_founder_keys_where_nothing_can_be_written_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError):
        create_founder_keys(tmp_path / "file" / "founder", COALITION, ACME, NOW)


@pytest.mark.parametrize("name", [ROOT_PUBLIC_FILE, METADATA_KEY_FILE, AUTHORITY_KEY_FILE, AUTHORITY_FILE])
@pytest.mark.parametrize("content", [None, b"", b"rubbish", b"\xff", b"00", b"-----BEGIN PRIVATE KEY-----\n"])
def test_load_founder_keys_with_a_missing_or_spoilt_file_is_refused(
    folder: Path, keys: FounderKeys, name: str, content: bytes | None
) -> None:
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    assert refused(lambda: load_founder_keys(folder, ACME)).full_code == "membership.founder"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (METADATA_KEY_FILE, pem(ec.generate_private_key(ec.SECP256R1()))),
        (METADATA_KEY_FILE, pem(Ed25519PrivateKey.generate(), b"secret")),
        (AUTHORITY_KEY_FILE, pem(Ed25519PrivateKey.generate())),
        (AUTHORITY_KEY_FILE, pem(ec.generate_private_key(ec.SECP256R1()))),
        (AUTHORITY_KEY_FILE, pem(ec.generate_private_key(ec.SECP384R1()))),
    ],
)
def test_load_founder_keys_of_another_kind_encrypted_or_another_authority_are_refused(
    folder: Path, keys: FounderKeys, name: str, content: bytes
) -> None:
    (folder / name).write_bytes(content)
    assert refused(lambda: load_founder_keys(folder, ACME)).full_code == "membership.founder"


def test_load_founder_keys_does_not_need_the_root_key(folder: Path, keys: FounderKeys) -> None:
    (folder / ROOT_KEY_FILE).unlink()
    assert load_founder_keys(folder, ACME).founder == keys.founder


def test_root_key_with_a_passphrase_opens_with_it_alone(folder: Path) -> None:
    keys = create_founder_keys(folder, COALITION, ACME, NOW, passphrase=b"two words")
    path = folder / ROOT_KEY_FILE
    form = base64.b64decode(b"".join(path.read_bytes().splitlines()[1:-1]))
    # OpenSSH's PROTOCOL.key: the cipher, then the key derivation with its salt and its rounds.
    assert form.startswith(b"openssh-key-v1\0\0\0\0\x0aaes256-ctr\0\0\0\x06bcrypt\0\0\0\x18\0\0\0\x10")
    assert int.from_bytes(form[63:67], "big") == PASSPHRASE_ROUNDS
    assert load_root_key(path, keys.founder, b"two words")
    for wrong, told in ((None, "is encrypted"), (b"other", "does not open"), (b"", "")):
        error = refused(lambda wrong=wrong: load_root_key(path, keys.founder, wrong))  # type: ignore[misc]
        assert error.full_code == "membership.root_key"
        assert told in error.detail
        assert "--passphrase-file" in (error.hint or "")


def test_root_key_with_a_passphrase_it_does_not_have_says_so(folder: Path, keys: FounderKeys) -> None:
    error = refused(lambda: load_root_key(folder / ROOT_KEY_FILE, keys.founder, b"two words"))
    assert error.full_code == "membership.root_key"
    assert "not encrypted" in error.detail


def test_root_key_with_an_empty_passphrase_is_not_written_unencrypted(folder: Path) -> None:
    error = refused(lambda: create_founder_keys(folder, COALITION, ACME, NOW, passphrase=b""))
    assert error.full_code == "membership.root_key"
    assert not (folder / ROOT_KEY_FILE).exists()


def test_root_key_that_is_away_spoilt_or_another_founders_is_refused(
    tmp_path: Path, folder: Path, keys: FounderKeys
) -> None:
    other = create_founder_keys(tmp_path / "other", COALITION, BIRCH, NOW)
    (tmp_path / "spoilt.pem").write_bytes(b"rubbish")
    (tmp_path / "cut.pem").write_bytes(b"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNza\n")
    (tmp_path / "kind.pem").write_bytes(pem(ec.generate_private_key(ec.SECP256R1())))
    for path, founder in (
        (tmp_path / "away.pem", keys.founder),
        (tmp_path / "spoilt.pem", keys.founder),
        (tmp_path / "cut.pem", keys.founder),
        (tmp_path / "kind.pem", keys.founder),
        (folder / METADATA_KEY_FILE, keys.founder),
        (folder / ROOT_KEY_FILE, other.founder),
    ):
        error = refused(lambda path=path, founder=founder: load_root_key(path, founder))  # type: ignore[misc]
        assert error.full_code == "membership.root_key"
