"""The private keys in a node's folder: read and written the same whether the folder is locked or not.

A folder is locked when its `seal.key` is (`symbolon.membership.sealing_key`). The other private keys then
are locked with it: each in its own place, one line, `symbolon-locked-file-1:` and base64 of 12 bytes nonce,
and the file under AES-256-GCM with 16 bytes tag, by a key derived from the sealing key. So a key keeps its
place when it is renamed, and another passphrase changes `seal.key` alone.

Refuses with `LockedError` to read or write where the folder is locked and nobody unlocked it. A key that is
made while it is locked, and unlocked, never lies on the disk in clear. Who writes holds the folder (`held`),
so that none is written in clear while the others are being locked. Specification: docs/locking.md.
"""

import base64
import binascii
import contextlib
import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

from symbolon.errors import SealError
from symbolon.membership.atomic_file import read_bounded, storage_error, write_atomically
from symbolon.membership.sealing_key import (
    KEY_BYTES,
    MAX_FILE_BYTES,
    LockedKey,
    clear_file,
    parse_key_file,
)
from symbolon.membership.unlocked_key import kept_key, this_moment

SEAL_KEY_FILE: Final = "seal.key"
PRIVATE_KEY_FILES: Final = (
    "signing-key.pem",
    "next-signing-key.pem",
    "node-key.pem",
    "node-next-key.pem",
    "founder/root-key.pem",
    "founder/metadata-key.pem",
    "founder/authority-key.pem",
)
"""What is locked with `seal.key`, relative to the node's folder."""

_MARK: Final = b"symbolon-locked-file-1:"
_NONCE_BYTES: Final = 12
_OPENSSH: Final = b"-----BEGIN OPENSSH PRIVATE KEY-----"


class LockedError(SealError):
    """The node's keys are locked by a passphrase, and nobody unlocked them."""

    code = "storage.seal.locked"
    exit_code = 78


@dataclass(frozen=True, slots=True)
class LockState:
    """How a node's keys are kept.

    Attributes:
        locked: whether a passphrase locks them.
        unlocked_until_s: until when they are unlocked all the same, seconds since 1970-01-01 UTC.
    """

    locked: bool
    unlocked_until_s: int | None = None


def lock_state(home: Path) -> LockState:
    """Looks how the keys of a node are kept.

    Raises:
        SealError: as `read_sealing_key`, but for `LockedError`.
    """
    found = sealing_key_file(home / SEAL_KEY_FILE)
    if isinstance(found, bytes):
        return LockState(locked=False)
    kept = kept_key(found.name, this_moment())
    return LockState(locked=True, unlocked_until_s=None if kept is None else kept.until_s)


def read_sealing_key(path: Path) -> bytes:
    """Reads the sealing key: from its file, or from where it was unlocked.

    Raises:
        LockedError: it is locked.
        SealError: there is no file, it is readable by others than its owner, or it is not a key file.
    """
    found = sealing_key_file(path)
    if isinstance(found, bytes):
        return found
    kept = kept_key(found.name, this_moment())
    if kept is None:
        raise LockedError(f"the keys of the node in {path.parent} are locked", hint="Run `symbolon unlock`.")
    return kept.key


def sealing_key_file(path: Path) -> bytes | LockedKey:
    """Reads what the file of the sealing key holds.

    Raises:
        SealError: there is no file, it is readable by others than its owner, or it is not a key file.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
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
        content = file.read(MAX_FILE_BYTES + 1)
    try:
        return parse_key_file(content)
    except SealError as error:
        raise SealError(f"{path}: {error.detail}", hint=error.hint, code=error.full_code) from None


def write_new_sealing_key(path: Path) -> None:
    """Writes a fresh sealing key, in clear; one that is there already, of whatever kind, is left alone.

    Raises:
        SealError: `storage.seal.file`, the file system refused.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        write_draft = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(write_draft, "wb") as file:
                file.write(clear_file(secrets.token_bytes(KEY_BYTES)))
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
    except OSError as error:
        refused = storage_error(f"cannot write the sealing key {path}", error)
        raise SealError(refused.detail, hint=refused.hint, code="storage.seal.file") from error


def read_key_file(path: Path, limit_bytes: int) -> bytes:
    """Reads a private key, locked or not; anything else as it is.

    Args:
        path: the file.
        limit_bytes: of what it holds in clear; at most one byte more is given, so that it can be told.

    Raises:
        LockedError: the folder is locked.
        SealError: `storage.seal.key_file`, it was locked with another folder, or altered.
        StorageError: it cannot be read.
    """
    content = read_bounded(path, 2 * limit_bytes + len(_MARK) + 64)
    if not is_locked_file(content):
        return content[: limit_bytes + 1]
    home = _home_of(path)
    if home is None:
        raise _foreign(path)
    return open_key_file(path, content, read_sealing_key(home / SEAL_KEY_FILE))[: limit_bytes + 1]


def write_key_file(path: Path, data: bytes) -> None:
    """Replaces a private key, or leaves it as it was.

    In a locked folder what is written is locked, but for a key that has a passphrase of its own.

    Raises:
        LockedError: the folder is locked; nothing was written.
        StorageError: the file system refused; nothing was replaced.
    """
    home = _home_of(path)
    if home is None:
        write_atomically(path, data)
        return
    with held(home):
        if isinstance(sealing_key_file(home / SEAL_KEY_FILE), LockedKey) and not has_own_passphrase(data):
            data = lock_key_file(data, read_sealing_key(home / SEAL_KEY_FILE))
        write_atomically(path, data)


@contextlib.contextmanager
def as_clear_file(path: Path) -> Iterator[Path]:
    """Gives a private key in clear to a library that takes it from a file only.

    Yields:
        The file itself where it is not locked, else one that is in memory and has no name.

    Raises:
        FileNotFoundError: there is none.
        LockedError, StorageError: as `read_key_file`.
    """
    with path.open("rb") as file:
        locked = is_locked_file(file.read(len(_MARK)))
    if not locked:
        yield path
        return
    content = read_key_file(path, MAX_FILE_BYTES)
    descriptor = os.memfd_create("symbolon-key", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, content)
        yield Path(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def held(home: Path) -> Iterator[None]:
    """Keeps every other process and thread from writing private keys of a node.

    Raises:
        StorageError: the folder cannot be opened.
    """
    try:
        descriptor = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise storage_error(f"cannot open {home}", error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def is_locked_file(content: bytes) -> bool:
    """Whether a file holds a locked private key."""
    return content.startswith(_MARK)


def has_own_passphrase(content: bytes) -> bool:
    """Whether a private key is encrypted by itself: it then needs no lock, and may be moved elsewhere."""
    load = load_ssh_private_key if content.lstrip().startswith(_OPENSSH) else load_pem_private_key
    try:
        load(content, None)
    except TypeError:
        return True
    except (ValueError, UnsupportedAlgorithm):
        return False
    return False


def lock_key_file(content: bytes, sealing_key: bytes) -> bytes:
    """Locks what a file of a private key holds.

    Args:
        content: in clear.
        sealing_key: of the node's folder.
    """
    nonce = os.urandom(_NONCE_BYTES)
    sealed = nonce + _cipher(sealing_key).encrypt(nonce, content, _MARK)
    return _MARK + base64.b64encode(sealed) + b"\n"


def open_key_file(path: Path, content: bytes, sealing_key: bytes) -> bytes:
    """Takes out what `lock_key_file` locked.

    Args:
        path: where it stands, for the message.
        content: of the file.
        sealing_key: of the node's folder.

    Raises:
        SealError: `storage.seal.key_file`, it was locked by another key, or altered.
    """
    line = content.removeprefix(_MARK).removesuffix(b"\n")
    try:
        sealed = base64.b64decode(line, validate=True)
        if base64.b64encode(sealed) != line:
            raise ValueError
        return _cipher(sealing_key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _MARK)
    except (binascii.Error, ValueError, InvalidTag):
        raise _foreign(path) from None


def _home_of(path: Path) -> Path | None:
    """The node's folder that a file lies in, at its top or one below; None where it lies elsewhere."""
    for folder in (path.parent, path.parent.parent):
        if os.path.lexists(folder / SEAL_KEY_FILE):
            return folder
    return None


def _cipher(sealing_key: bytes) -> AESGCM:
    return AESGCM(HKDFExpand(SHA256(), KEY_BYTES, b"symbolon key files v1").derive(sealing_key))


def _foreign(path: Path) -> SealError:
    return SealError(
        f"{path} was locked with another node's folder, or altered",
        hint="A locked key opens in its own folder only: restore it and seal.key from one copy of that.",
        code="storage.seal.key_file",
    )
