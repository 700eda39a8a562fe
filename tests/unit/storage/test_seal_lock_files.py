"""Private keys are read and written the same in a locked folder as in one that is not."""

import datetime as dt
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from locked_home import WORDS, cheap, memory, node_home
from symbolon.errors import SealError, StorageError
from symbolon.membership import founder_keys, key_file
from symbolon.membership.enrolment import leaf_key_pem, make_leaf_key
from symbolon.membership.erased_file import erase_file
from symbolon.membership.key_file import (
    PRIVATE_KEY_FILES,
    as_clear_file,
    is_locked_file,
    read_key_file,
    write_key_file,
    write_new_sealing_key,
)
from symbolon.rpc import join_node, node
from symbolon.rpc.tls_material import MAX_KEY_BYTES, LeafFiles
from symbolon.storage.seal_lock import lock_folder, relock_folder, unlock_folder

__all__ = ["memory", "node_home"]


@pytest.fixture
def unlocked(node_home: Path, memory: Path) -> Path:
    lock_folder(node_home, cheap())
    unlock_folder(node_home, WORDS, 3600)
    return node_home


def certificate_for(key_pem: bytes) -> bytes:
    key = serialization.load_pem_private_key(key_pem, None)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mill")])
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, *_validity()).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM)


def _validity() -> tuple[dt.datetime, dt.datetime]:
    now = dt.datetime.now(dt.UTC)
    return now - dt.timedelta(days=1), now + dt.timedelta(days=1)


def test_private_key_files_are_all_that_a_node_names() -> None:
    founders = (founder_keys.ROOT_KEY_FILE, founder_keys.METADATA_KEY_FILE, founder_keys.AUTHORITY_KEY_FILE)
    own = (
        node.SIGNING_KEY_FILE,
        join_node.NEXT_SIGNING_KEY_FILE,
        node.LEAF_KEY_FILE,
        node.NEXT_LEAF_KEY_FILE,
    )
    assert (*own, *(f"{node.FOUNDER_FOLDER}/{each}" for each in founders)) == PRIVATE_KEY_FILES
    assert key_file.SEAL_KEY_FILE == node.SEAL_KEY_FILE == "seal.key"


def test_certificate_is_renewed_in_an_unlocked_folder_without_a_key_in_clear(unlocked: Path) -> None:
    files = LeafFiles(unlocked / "node-cert.pem", unlocked / "node-key.pem", unlocked / "node-next-key.pem")
    files.certificate.write_bytes(certificate_for(read_key_file(files.key, MAX_KEY_BYTES)))
    key = leaf_key_pem(make_leaf_key())
    files.prepare(key)
    assert is_locked_file(files.next_key.read_bytes())
    assert files.prepared() is not None
    renewed = certificate_for(key)
    files.install(renewed)
    assert not files.next_key.exists()
    assert is_locked_file(files.key.read_bytes())
    assert files.read().private_key == key
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    files.load_into(context)


def test_as_clear_file_of_a_locked_key_is_nowhere_on_the_disk(unlocked: Path) -> None:
    with as_clear_file(unlocked / "node-key.pem") as clear:
        assert clear.parent == Path("/proc/self/fd")
        assert clear.read_bytes().startswith(b"-----BEGIN PRIVATE KEY")
        target = str(clear.readlink())
        assert target.startswith("/memfd:")
    with pytest.raises(FileNotFoundError), as_clear_file(unlocked / "none.pem"):
        pass


def test_as_clear_file_of_a_key_in_clear_is_the_file_itself(node_home: Path) -> None:
    with as_clear_file(node_home / "node-key.pem") as clear:
        assert clear == node_home / "node-key.pem"


def test_read_key_file_outside_a_node_is_a_plain_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 100)
    assert read_key_file(path, 100) == b"x" * 100
    assert read_key_file(path, 99) == b"x" * 100, "one byte more, so that it can be told"
    assert read_key_file(path, 10) == b"x" * 11
    with pytest.raises(StorageError) as caught:
        read_key_file(tmp_path / "none", 10)
    assert isinstance(caught.value.__cause__, FileNotFoundError)


def test_read_key_file_is_as_bounded_when_it_is_locked(unlocked: Path) -> None:
    write_key_file(unlocked / "node-key.pem", b"y" * 4000)
    assert read_key_file(unlocked / "node-key.pem", 4000) == b"y" * 4000
    assert read_key_file(unlocked / "node-key.pem", 3999) == b"y" * 4000
    assert read_key_file(unlocked / "node-key.pem", 3000) == b"y" * 3001


def test_write_key_file_in_a_locked_folder_writes_nothing(unlocked: Path) -> None:
    before = (unlocked / "node-key.pem").read_bytes()
    relock_folder(unlocked)
    with pytest.raises(key_file.LockedError):
        write_key_file(unlocked / "node-key.pem", b"in clear")
    with pytest.raises(key_file.LockedError):
        write_key_file(unlocked / "founder" / "root-key.pem", b"in clear")
    assert (unlocked / "node-key.pem").read_bytes() == before


def test_locked_key_file_altered_cut_or_from_another_folder_is_refused(
    unlocked: Path, tmp_path: Path
) -> None:
    path = unlocked / "node-key.pem"
    good = path.read_bytes()
    for at in range(len(good) - 1):
        spoilt = bytearray(good)
        spoilt[at] ^= 0x01
        path.write_bytes(spoilt)
        if is_locked_file(bytes(spoilt)):
            with pytest.raises(SealError) as caught:
                read_key_file(path, MAX_KEY_BYTES)
            assert caught.value.full_code == "storage.seal.key_file"
    # The same bytes, spelt otherwise: of the last letter before == four bits say nothing.
    write_key_file(path, b"xyz")
    spelt = path.read_bytes()
    assert spelt.endswith(b"==\n")
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    path.write_bytes(spelt[:-4] + alphabet[alphabet.index(spelt[-4]) + 1 :][:1] + b"==\n")
    with pytest.raises(SealError):
        read_key_file(path, MAX_KEY_BYTES)
    for spoilt in (good[:-8], good[:30], good[: len(b"symbolon-locked-file-1:")]):
        path.write_bytes(spoilt)
        with pytest.raises(SealError):
            read_key_file(path, MAX_KEY_BYTES)
    stick = tmp_path / "a" / "stick"
    stick.mkdir(parents=True)
    (stick / "root-key.pem").write_bytes(good)
    with pytest.raises(SealError) as caught:
        read_key_file(stick / "root-key.pem", MAX_KEY_BYTES)
    assert caught.value.full_code == "storage.seal.key_file"
    write_new_sealing_key(stick / "seal.key")
    with pytest.raises(SealError):
        read_key_file(stick / "root-key.pem", MAX_KEY_BYTES)


def test_a_key_keeps_its_lock_when_it_is_renamed(unlocked: Path) -> None:
    before = read_key_file(unlocked / "node-next-key.pem", MAX_KEY_BYTES)
    (unlocked / "node-next-key.pem").replace(unlocked / "node-key.pem")
    assert read_key_file(unlocked / "node-key.pem", MAX_KEY_BYTES) == before


def test_erase_file_overwrites_then_removes(tmp_path: Path) -> None:
    path, held = tmp_path / "file", tmp_path / "held"
    path.write_bytes(b"secret" * 500_000)
    held.hardlink_to(path)
    erase_file(path)
    assert not path.exists()
    assert held.stat().st_size == 3_000_000
    assert b"secret" not in held.read_bytes()


def test_erase_file_read_only_and_empty_files_go_too(tmp_path: Path) -> None:
    for name, content in (("a", b"secret"), ("b", b"")):
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).chmod(0o400)
        erase_file(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_erase_file_link_goes_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"not ours")
    (tmp_path / "link").symlink_to("other")
    erase_file(tmp_path / "link")
    assert (tmp_path / "other").read_bytes() == b"not ours"
    assert not (tmp_path / "link").is_symlink()
    with pytest.raises(FileNotFoundError):
        erase_file(tmp_path / "link")
    with pytest.raises(OSError, match="directory"):
        erase_file(tmp_path)
