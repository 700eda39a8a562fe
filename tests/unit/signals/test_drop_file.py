"""A file for a node elsewhere: what is in the clear, whose key it is for, and HPKE held against its RFC."""

import tomllib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from reference import hpke
from symbolon.errors import SignalError
from symbolon.signals.drop_file import (
    FORMAT,
    MAX_CONTENT_BYTES,
    MAX_FILE_BYTES,
    SIZES,
    DropKey,
    fingerprint_of,
    is_drop,
    open_drop,
    seal_drop,
)

VECTORS = tomllib.loads(
    (Path(__file__).parents[2] / "vectors" / "rfc9180_hpke_x25519_chacha20poly1305.toml").read_text()
)
PRIVATE = X25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = DropKey("harbour", "watch", PRIVATE.public_key().public_bytes_raw())


def test_reference_opens_the_vector_of_the_rfc() -> None:
    (vector,) = VECTORS["base"]
    values = {name: bytes.fromhex(value) for name, value in vector.items()}
    opened = hpke.open_base(
        values["private"],
        values["public"],
        values["enc"],
        values["ciphertext"],
        values["info"],
        values["aad"],
    )
    assert opened == values["plaintext"]


def test_seal_drop_is_hpke_as_the_reference_opens_it() -> None:
    data = seal_drop(KEY, b"two interviews")
    header, sealed = data[: data.index(b"\n") + 1], data[data.index(b"\n") + 1 :]
    padded = hpke.open_base(bytes(range(32)), KEY.public, sealed[:32], sealed[32:], header)
    assert padded == (14).to_bytes(4, "big") + b"two interviews" + bytes(SIZES[0] - 18)


def test_seal_drop_shows_a_word_and_a_fingerprint_and_nothing_else() -> None:
    data = seal_drop(KEY, b"Blue River Garments")
    assert data.startswith(f"{FORMAT} {KEY.fingerprint.hex()}\n".encode())
    assert is_drop(data)
    assert fingerprint_of(data) == KEY.fingerprint
    for word in (b"Blue", b"harbour", b"watch"):
        assert word not in data


def test_seal_drop_twice_shares_nothing_behind_the_header() -> None:
    first, second = (seal_drop(KEY, b"the same")[49:] for _ in range(2))
    assert sum(a == b for a, b in zip(first, second, strict=True)) < len(first) // 100


@pytest.mark.parametrize(
    ("length", "size"),
    [
        (0, 0),
        (SIZES[0] - 4, 0),
        (SIZES[0] - 3, 1),
        (SIZES[1] - 4, 1),
        (SIZES[1] - 3, 2),
        (MAX_CONTENT_BYTES, 2),
    ],
)
def test_seal_drop_has_one_of_three_sizes(length: int, size: int) -> None:
    data = seal_drop(KEY, b"x" * length)
    assert len(data) == SIZES[size] + 97
    assert len(data) <= MAX_FILE_BYTES
    assert open_drop(data, PRIVATE, KEY) == b"x" * length


def test_seal_drop_of_too_much_is_refused() -> None:
    with pytest.raises(SignalError, match="more than"):
        seal_drop(KEY, bytes(MAX_CONTENT_BYTES + 1))


def test_drop_key_text_reads_back_and_shows_a_fingerprint_to_compare() -> None:
    text = KEY.text()
    assert DropKey.parse(text) == KEY
    assert KEY.shown_fingerprint in text
    assert [len(each) for each in KEY.shown_fingerprint.split()] == [4] * 8


def test_drop_key_in_a_mail_with_other_lines_is_found() -> None:
    mail = "Dear colleague,\r\n\r\n  " + "\r\n  ".join(KEY.text().splitlines()) + "\r\nkind regards\r\n"
    assert DropKey.parse(mail) == KEY


def test_drop_key_fingerprint_depends_on_every_part() -> None:
    others = [
        DropKey("harbou", "rwatch", KEY.public),
        DropKey("other", "watch", KEY.public),
        DropKey("harbour", "other", KEY.public),
        DropKey("harbour", "watch", bytes(31) + b"\1"),
    ]
    assert len({each.fingerprint for each in (KEY, *others)}) == 5


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no key",
        "symbolon-drop-key-1\n",
        KEY.text().replace("member watch\n", ""),
        KEY.text().replace("key ", "key 00"),
        KEY.text().replace("member watch", "member ../watch"),
        KEY.text() + f"key {bytes(32).hex()}\n",
        KEY.text().replace("symbolon-drop-key-1", "symbolon-drop-key-2"),
    ],
)
def test_drop_key_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(SignalError) as caught:
        DropKey.parse(text)
    assert caught.value.full_code == "signal.drop"
    assert caught.value.hint


def test_drop_key_fingerprint_line_is_never_believed() -> None:
    forged = KEY.text().replace(KEY.shown_fingerprint, "0000 " * 7 + "0000")
    assert DropKey.parse(forged).shown_fingerprint == KEY.shown_fingerprint
