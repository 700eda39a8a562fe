"""Sealed values open in their own place only; key files are private and whole."""

import copy
import pickle
import threading
from pathlib import Path

import pytest

from symbolon.errors import SealError
from symbolon.storage.database import Database
from symbolon.storage.seal import OVERHEAD_BYTES, Sealer
from symbolon.storage.seal_check import bind_key


@pytest.fixture
def sealer() -> Sealer:
    return Sealer(bytes(range(32)))


def test_open_same_place_gives_the_plaintext(sealer: Sealer) -> None:
    for plaintext in (b"", b"x", b"Mill 7" * 1000):
        sealed = sealer.seal("supplier", "record", 7, plaintext)
        assert len(sealed) == len(plaintext) + OVERHEAD_BYTES
        assert sealer.open("supplier", "record", "7", sealed) == plaintext


def test_seal_twice_gives_different_bytes(sealer: Sealer) -> None:
    assert sealer.seal("t", "c", 1, b"same") != sealer.seal("t", "c", 1, b"same")


@pytest.mark.parametrize(
    "place",
    [
        ("supplier", "record", 8),
        ("supplier", "other", 7),
        ("other", "record", 7),
        ("supplierrecord", "", 7),
        ("supplier", "record7", ""),
    ],
)
def test_open_another_place_is_refused(sealer: Sealer, place: tuple[str, str, str | int]) -> None:
    sealed = sealer.seal("supplier", "record", 7, b"Mill")
    with pytest.raises(SealError) as caught:
        sealer.open(*place, sealed)
    assert caught.value.full_code == "storage.seal"
    assert caught.value.hint is not None


def test_open_altered_cut_or_foreign_bytes_is_refused(sealer: Sealer) -> None:
    sealed = sealer.seal("t", "c", 1, b"Mill")
    for at in range(len(sealed)):
        altered = bytearray(sealed)
        altered[at] ^= 1
        with pytest.raises(SealError):
            sealer.open("t", "c", 1, bytes(altered))
    for cut in (b"", sealed[:-1], sealed[: OVERHEAD_BYTES - 1], sealed + b"\0"):
        with pytest.raises(SealError):
            sealer.open("t", "c", 1, cut)
    with pytest.raises(SealError):
        Sealer(bytes(32)).open("t", "c", 1, sealed)


def test_keyed_digest_depends_on_key_label_and_data(sealer: Sealer) -> None:
    digest = sealer.keyed_digest("id", b"A-1")
    assert len(digest) == 16
    assert digest == Sealer(bytes(range(32))).keyed_digest("id", b"A-1")
    assert digest != sealer.keyed_digest("id", b"A-2")
    assert digest != sealer.keyed_digest("content", b"A-1")
    assert digest != Sealer(bytes(32)).keyed_digest("id", b"A-1")


def test_repr_and_pickle_do_not_give_the_key_away(sealer: Sealer) -> None:
    assert repr(sealer) == "Sealer(key=<redacted>)"
    for leak in (pickle.dumps, copy.copy):
        with pytest.raises(TypeError):
            leak(sealer)


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_sealer_key_of_wrong_length_is_refused(length: int) -> None:
    with pytest.raises(SealError):
        Sealer(bytes(length))


def test_load_or_create_makes_a_private_file_once(tmp_path: Path) -> None:
    path = tmp_path / "seal.key"
    first = Sealer.load_or_create(path)
    assert path.stat().st_mode & 0o777 == 0o600
    content = path.read_bytes()
    second = Sealer.load_or_create(path)
    assert path.read_bytes() == content
    assert second.open("t", "c", 1, first.seal("t", "c", 1, b"x")) == b"x"
    assert [file.name for file in tmp_path.iterdir()] == ["seal.key"]


def test_load_or_create_at_once_agrees_on_one_key(tmp_path: Path) -> None:
    digests = []
    start = threading.Barrier(8)

    def load() -> None:
        start.wait()
        digests.append(Sealer.load_or_create(tmp_path / "seal.key").keyed_digest("x", b""))

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(digests) == 8
    assert len(set(digests)) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_load_or_create_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "seal.key"
    Sealer.load_or_create(path)
    path.chmod(mode)
    with pytest.raises(SealError) as caught:
        Sealer.load_or_create(path)
    assert caught.value.full_code == "storage.seal.mode"


@pytest.mark.parametrize("content", [b"", b"\xff" * 40, b"symbolon-sealing-key-1:AAAA\n", b"x" * 10_000])
def test_load_or_create_other_content_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "seal.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(SealError) as caught:
        Sealer.load_or_create(path)
    assert caught.value.full_code == "storage.seal.file"
    assert path.read_bytes() == content


def test_load_or_create_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SealError) as caught:
        Sealer.load_or_create(tmp_path / "no" / "seal.key")
    assert caught.value.full_code == "storage.seal.file"


def test_bind_key_another_key_is_refused(tmp_path: Path, sealer: Sealer) -> None:
    with Database.open(f"sqlite:///{tmp_path}/node.db", create=True) as database:
        bind_key(database, sealer)
        bind_key(database, sealer)
        with pytest.raises(SealError) as caught:
            bind_key(database, Sealer(bytes(32)))
        assert caught.value.full_code == "storage.seal.key"
