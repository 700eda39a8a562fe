"""Sealed columns: AES-256-GCM bound to table, column and row, and keyed digests for equality look-ups.

Whoever gets a copy of the database without the key file learns row counts, sizes and dates of change, no
name and no identifier. Bytes moved to another row, column or table do not open, so nobody with write access
to the file can pass one supplier's record off as another's.

Layout of a sealed value: one byte format (1) ‖ 12 bytes nonce ‖ ciphertext ‖ 16 bytes tag.
Associated data: `table`, `column`, `row`, each behind its length as 4 bytes big-endian.

Nonces are random. NIST SP 800-38D section 8.3 allows 2^32 of them under one key, which keeps the odds of a
repetition below 2^-32. Every (table, column) pair has its own key, derived with HKDF-SHA-256, so the limit
counts per column: the busiest column, the supplier record, is sealed once per new or changed row, and a list
of 500,000 rows could be replaced whole 8,000 times.
"""

import hmac
import os
from pathlib import Path
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from symbolon.errors import SealError
from symbolon.membership.key_file import read_sealing_key, write_new_sealing_key
from symbolon.membership.sealing_key import KEY_BYTES

DIGEST_BYTES: Final = 16
"""Length of a keyed digest: two of 2^40 inputs meet with odds below 2^-48."""
OVERHEAD_BYTES: Final = 1 + 12 + 16
"""How much longer a sealed value is than its plaintext."""

_FORMAT: Final = b"\x01"
_NONCE_BYTES: Final = 12


class Sealer:
    """Seals and opens column values under one key.

    Args:
        key: 32 uniform bytes.
    """

    __slots__ = ("_ciphers", "_digest_keys", "_key")

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise SealError(f"a sealing key is {KEY_BYTES} bytes, not {len(key)}", code="storage.seal.key")
        self._key = bytes(key)
        self._ciphers: dict[tuple[str, str], AESGCM] = {}
        self._digest_keys: dict[str, bytes] = {}

    def __repr__(self) -> str:
        return "Sealer(key=<redacted>)"

    def __reduce__(self) -> str:
        raise TypeError("a sealer is not to be pickled: its key stays in this process")

    @classmethod
    def load_or_create(cls, path: Path) -> Self:
        """Reads the key file, or makes one with a fresh key (mode 0600, whole or not at all).

        Raises:
            LockedError: the file is locked by a passphrase, and nobody unlocked it.
            SealError: the file is readable by others than its owner, or is not a key file.
        """
        if not path.exists():
            write_new_sealing_key(path)
        return cls.load(path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads a key file, or, where it is locked by a passphrase, the key where it was unlocked.

        Raises:
            LockedError: it is locked, and nobody unlocked it.
            SealError: there is no file, it is readable by others than its owner, or it is not a key file.
        """
        return cls(read_sealing_key(path))

    def seal(self, table: str, column: str, row: str | int, plaintext: bytes) -> bytes:
        """Encrypts one value for one place.

        Args:
            table: table name.
            column: column name.
            row: the row's primary key; a number and its decimal text are the same row.
            plaintext: any bytes.

        Returns:
            `len(plaintext) + OVERHEAD_BYTES` bytes.
        """
        nonce = os.urandom(_NONCE_BYTES)
        cipher = self._cipher(table, column)
        return _FORMAT + nonce + cipher.encrypt(nonce, plaintext, _place(table, column, row))

    def open(self, table: str, column: str, row: str | int, sealed: bytes) -> bytes:
        """Decrypts a value that `seal` made for the same place.

        Raises:
            SealError: another key or place, or altered bytes.
        """
        if len(sealed) < OVERHEAD_BYTES or sealed[:1] != _FORMAT:
            raise _does_not_open(table, column)
        view = memoryview(sealed)
        nonce, body = view[1 : 1 + _NONCE_BYTES], view[1 + _NONCE_BYTES :]
        try:
            return self._cipher(table, column).decrypt(nonce, body, _place(table, column, row))
        except InvalidTag:
            raise _does_not_open(table, column) from None

    def keyed_digest(self, label: str, data: bytes) -> bytes:
        """A digest that only this node can compute, to look values up by equality.

        Equal data under one label give equal digests; that, and nothing else, shows in the database.

        Args:
            label: what is digested; digests under two labels cannot be compared.
            data: any bytes.

        Returns:
            16 bytes of HMAC-SHA-256 under a key derived for the label.
        """
        key = self._digest_keys.get(label)
        if key is None:
            key = self._derive(b"symbolon digest v1", label)
            self._digest_keys[label] = key
        return hmac.digest(key, data, "sha256")[:DIGEST_BYTES]

    def _cipher(self, table: str, column: str) -> AESGCM:
        cipher = self._ciphers.get((table, column))
        if cipher is None:
            cipher = AESGCM(self._derive(b"symbolon seal v1", table, column))
            self._ciphers[table, column] = cipher
        return cipher

    def _derive(self, use: bytes, *names: str) -> bytes:
        info = use + b"".join(_length_prefixed(name) for name in names)
        return HKDFExpand(SHA256(), KEY_BYTES, info).derive(self._key)


def _length_prefixed(value: str) -> bytes:
    encoded = value.encode()
    return len(encoded).to_bytes(4, "big") + encoded


def _place(table: str, column: str, row: str | int) -> bytes:
    return _length_prefixed(table) + _length_prefixed(column) + _length_prefixed(str(row))


def _does_not_open(table: str, column: str) -> SealError:
    return SealError(
        f"a sealed value of {table}.{column} does not open",
        hint="Either the sealing key is not the one the database was written with, or the database was "
        "altered. Restore the key file and the database from the same backup.",
    )
