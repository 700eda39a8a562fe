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

import base64
import binascii
import contextlib
import hmac
import os
import secrets
import stat
from pathlib import Path
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from symbolon.errors import SealError
from symbolon.membership.atomic_file import storage_error

KEY_BYTES: Final = 32
"""Length of the sealing key."""
DIGEST_BYTES: Final = 16
"""Length of a keyed digest: two of 2^40 inputs meet with odds below 2^-48."""
OVERHEAD_BYTES: Final = 1 + 12 + 16
"""How much longer a sealed value is than its plaintext."""

_FORMAT: Final = b"\x01"
_NONCE_BYTES: Final = 12
_FILE_MARK: Final = "symbolon-sealing-key-1:"


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
            SealError: the file is readable by others than its owner, or is not a key file.
        """
        if path.exists():
            return cls.load(path)
        try:
            _write_new_key(path, secrets.token_bytes(KEY_BYTES))
        except OSError as error:
            refused = storage_error(f"cannot write the sealing key {path}", error)
            raise SealError(refused.detail, hint=refused.hint, code="storage.seal.file") from error
        return cls.load(path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads a key file.

        Raises:
            SealError: there is no file, it is readable by others than its owner, or it is not a key file.
        """
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise SealError(
                f"there is no sealing key at {path}",
                hint="Restore it from a backup: without it the sealed columns cannot be read.",
                code="storage.seal.missing",
            ) from None
        except OSError as error:
            raise SealError(
                f"the sealing key {path} cannot be read: {error.strerror}", code="storage.seal.file"
            ) from error
        with os.fdopen(descriptor, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if not stat.S_ISREG(mode):
                raise SealError(f"the sealing key {path} is not a file", code="storage.seal.file")
            if stat.S_IMODE(mode) & 0o077:
                raise SealError(
                    f"the sealing key {path} can be read by other users (mode {stat.S_IMODE(mode):04o})",
                    hint=f"Run `chmod 600 {path}`; if others may have read it, treat the key as known.",
                    code="storage.seal.mode",
                )
            content = file.read(4096)
        return cls(_parse_key_file(content, path))

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


def _parse_key_file(content: bytes, path: Path) -> bytes:
    try:
        text = content.decode("ascii").strip()
        if not text.startswith(_FILE_MARK):
            raise ValueError
        key = base64.b64decode(text.removeprefix(_FILE_MARK), validate=True)
        if len(key) != KEY_BYTES:
            raise ValueError
    except (ValueError, binascii.Error):
        raise SealError(
            f"{path} is not a sealing key",
            hint="Restore it from a backup: without it the sealed columns cannot be read.",
            code="storage.seal.file",
        ) from None
    return key


def _write_new_key(path: Path, key: bytes) -> None:
    """Writes the key beside `path` and links it into place; a key that is there already is left alone."""
    text = _FILE_MARK + base64.b64encode(key).decode() + "\n"
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
