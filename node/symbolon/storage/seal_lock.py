"""Locking the private keys of a node by a passphrase, and unlocking them.

`lock_folder` locks the other private keys first, by the sealing key, and `seal.key` last, by the passphrase;
`unlock_for_good` goes the other way. Each file is replaced in one rename, and a locked file is read where
the sealing key is in clear too, so a process that is killed anywhere leaves a folder that works: in clear,
or locked by the passphrase. Run again, either finishes what was begun; so does `unlock_folder`.

A file that was in clear is overwritten and removed once another has its place. What flash storage, a
copy-on-write file system or a snapshot kept of it, nobody can reach: `symbolon.storage.seal_lock_unused`
makes the keys anew where that is still possible.

Refuses: a passphrase that is too weak, a wrong one, to lock what is locked, to change what is not.
Specification: docs/locking.md.
"""

import contextlib
import os
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from symbolon.errors import SealError, UsageError
from symbolon.membership.atomic_file import read_bounded, write_atomically
from symbolon.membership.erased_file import erase_file
from symbolon.membership.key_file import (
    PRIVATE_KEY_FILES,
    SEAL_KEY_FILE,
    has_own_passphrase,
    held,
    is_locked_file,
    lock_key_file,
    open_key_file,
    sealing_key_file,
)
from symbolon.membership.sealing_key import (
    USUAL,
    LockedKey,
    Stretching,
    clear_file,
    lock_key,
    parse_key_file,
    require_strong,
)
from symbolon.membership.unlocked_key import Moment, forget_key, keep_key, this_moment

MAX_KEY_FILE_BYTES: Final = 16 * 1024
"""A private key in PEM has below 1 KiB, a locked one below 2."""

_IN_CLEAR: Final = (b"PRIVATE KEY-----", b"symbolon-sealing-key-1:")
_REMAINS: Final = re.compile(r"\.(?P<of>.+)\.[0-9a-f]{16}(?:\.(?:old|tmp))?")
"""Names of files that are needed for a moment; releases before there was a lock gave them no ending."""


@dataclass(frozen=True, slots=True)
class FoundKeys:
    """What there is to lock in a folder.

    Attributes:
        in_clear: private keys that can be read by whoever has the folder, relative to it.
        own: private keys that have a passphrase of their own.
        strange: files that hold a key in clear and are none of a node's: a copy of one, perhaps.
    """

    in_clear: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    strange: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Passphrase:
    """A new passphrase and how it is stretched.

    Attributes:
        words: as typed.
        stretching: what each guess of it will cost.
        rng: random bytes.
    """

    words: str = field(repr=False)
    stretching: Stretching = USUAL
    rng: Callable[[int], bytes] = os.urandom

    def lock(self, key: bytes) -> LockedKey:
        """Locks a key, and sees that it opens again from what will stand in the file.

        Raises:
            UsageError: `usage.passphrase`, it is too weak.
            SealError: `storage.seal.memory`; `storage.seal.lock`, this machine computes wrongly.
        """
        require_strong(self.words)
        locked = lock_key(key, self.words, self.stretching, self.rng)
        again = parse_key_file(locked.encode())
        if isinstance(again, bytes) or again.open(self.words) != key:
            raise SealError(
                "what was locked does not open again; nothing was changed",
                hint="This machine computes wrongly: have its memory tested.",
                code="storage.seal.lock",
            )
        return locked


def find_keys(home: Path) -> FoundKeys:
    """Looks which private keys of a folder are not locked."""
    in_clear: list[str] = []
    own: list[str] = []
    strange: list[str] = []
    below = home / "founder"
    for path in sorted((*home.iterdir(), *(below.iterdir() if below.is_dir() else ()))):
        name = path.relative_to(home).as_posix()
        if name == SEAL_KEY_FILE or not path.is_file() or path.stat().st_size > MAX_KEY_FILE_BYTES:
            continue
        content = read_bounded(path, MAX_KEY_FILE_BYTES)
        if not any(mark in content for mark in _IN_CLEAR):
            continue
        if has_own_passphrase(content):
            own.append(name)
        else:
            (in_clear if name in PRIVATE_KEY_FILES else strange).append(name)
    return FoundKeys(tuple(in_clear), tuple(own), tuple(strange))


def lock_folder(home: Path, passphrase: Passphrase) -> FoundKeys:
    """Locks the keys of a folder for the first time.

    Args:
        home: the node's folder.
        passphrase: the new one.

    Returns:
        What was locked with the sealing key, and what was not.

    Raises:
        UsageError: `usage.lock`, it is locked already; `usage.passphrase`.
        SealError: the key file cannot be used.
        StorageError: the file system refused; what was not locked yet is in clear, and all of it works.
    """
    with held(home):
        path = seal_key_path(home)
        key = sealing_key_file(path)
        if isinstance(key, LockedKey):
            raise UsageError("the keys are locked already", code="usage.lock")
        locked = passphrase.lock(key)
        erase_remains(home)
        found = find_keys(home)
        lock_others(home, key)
        replace_erasing(path, locked.encode())
        return found


def change_passphrase(home: Path, old: str, new: Passphrase) -> None:
    """Locks the keys by another passphrase; they are locked then, also where they were unlocked before.

    The sealing key stays what it is: whoever has a copy of the folder and the old passphrase opens both.

    Raises:
        UsageError: `usage.lock`, the keys are not locked; `usage.passphrase`.
        PermissionDeniedError: `permission.passphrase`.
        SealError: the key file cannot be used.
        StorageError: the file system refused; the old passphrase holds.
    """
    require_strong(new.words)
    with held(home):
        path = seal_key_path(home)
        before = _require_locked(path)
        key = before.open(old)
        after = new.lock(key)
        erase_remains(home)
        lock_others(home, key)
        replace_erasing(path, after.encode())
        forget_key(before.name)


def unlock_folder(home: Path, passphrase: str, life_s: int, now: Callable[[], Moment] = this_moment) -> int:
    """Makes the keys usable for a while.

    Args:
        home: the node's folder.
        passphrase: as typed.
        life_s: for how long.
        now: the present; asked once the passphrase was stretched.

    Returns:
        Until when, seconds since 1970-01-01 UTC.

    Raises:
        UsageError: `usage.lock`, the keys are not locked.
        PermissionDeniedError: `permission.passphrase`.
        SealError: the key file cannot be used, or there is no folder in memory.
        StorageError: the file system refused.
    """
    with held(home):
        locked = _require_locked(seal_key_path(home))
        key = locked.open(passphrase)
        erase_remains(home)
        # Left in clear by a process that was killed, or put there by hand.
        lock_others(home, key)
        return keep_key(locked.name, key, life_s, now())


def unlock_for_good(home: Path, passphrase: Callable[[], str]) -> None:
    """Puts all keys back in clear.

    Args:
        home: the node's folder.
        passphrase: asked for where the keys are locked.

    Raises:
        PermissionDeniedError: `permission.passphrase`.
        SealError: a key file cannot be used.
        StorageError: the file system refused; what is locked still can be read, and a second run goes on.
    """
    with held(home):
        path = seal_key_path(home)
        found = sealing_key_file(path)
        key = found.open(passphrase()) if isinstance(found, LockedKey) else found
        if isinstance(found, LockedKey):
            write_atomically(path, clear_file(key))
        for each in _private_key_paths(home):
            content = read_bounded(each, MAX_KEY_FILE_BYTES)
            if is_locked_file(content):
                write_atomically(each, open_key_file(each, content, key))
        if isinstance(found, LockedKey):
            forget_key(found.name)
        erase_remains(home)


def relock_folder(home: Path) -> tuple[bool, FoundKeys]:
    """Takes away what was unlocked; needs no passphrase.

    Returns:
        Whether it was unlocked; and which keys lie in clear all the same, for `unlock_folder` to lock.

    Raises:
        UsageError: `usage.lock`, the keys are not locked.
        SealError: the key file cannot be used, or the unlocked key cannot be removed.
    """
    # Before anything that may have to wait.
    unlocked = forget_key(_require_locked(seal_key_path(home)).name)
    with held(home):
        erase_remains(home)
        # An `unlock` that was under way in the meantime.
        unlocked = forget_key(_require_locked(seal_key_path(home)).name) or unlocked
        return unlocked, find_keys(home)


def seal_key_path(home: Path) -> Path:
    """Where the sealing key is: its name may be a link, for example to a medium of its own."""
    return (home / SEAL_KEY_FILE).resolve()


def lock_others(home: Path, key: bytes) -> None:
    """Locks the private keys beside the sealing key that are in clear; the caller holds the folder.

    Raises:
        StorageError: the file system refused.
    """
    for path in _private_key_paths(home):
        content = read_bounded(path, MAX_KEY_FILE_BYTES)
        if not is_locked_file(content) and not has_own_passphrase(content):
            replace_erasing(path, lock_key_file(content, key))


def replace_erasing(path: Path, data: bytes) -> None:
    """Replaces a file as `write_atomically` does, and overwrites the old one.

    Raises:
        StorageError: the file system refused; nothing was replaced.
    """
    old = path.with_name(f".{path.name}.{secrets.token_hex(8)}.old")
    # A file system without hard links cannot keep the old one at hand: it goes without being overwritten.
    with contextlib.suppress(OSError):
        os.link(path, old, follow_symlinks=False)
    try:
        write_atomically(path, data)
    finally:
        _erase_remain(old, path)


def erase_remains(home: Path) -> None:
    """Erases what a process that was killed left of private keys; the caller holds the folder."""
    folders = {home, seal_key_path(home).parent, *(each.parent for each in _private_key_paths(home))}
    names = {Path(each).name for each in (SEAL_KEY_FILE, *PRIVATE_KEY_FILES)}
    for folder in folders:
        for path in folder.glob(".*"):
            found = _REMAINS.fullmatch(path.name)
            if found is not None and found["of"] in names:
                _erase_remain(path, path.with_name(found["of"]))


def _erase_remain(remain: Path, path: Path) -> None:
    """Erases a file that was replaced; one that is still the file in use only loses its second name."""
    with contextlib.suppress(OSError):
        if path.exists() and remain.samefile(path):
            remain.unlink()
        else:
            erase_file(remain)


def _private_key_paths(home: Path) -> list[Path]:
    return [path.resolve() for path in (home / name for name in PRIVATE_KEY_FILES) if path.is_file()]


def _require_locked(path: Path) -> LockedKey:
    found = sealing_key_file(path)
    if isinstance(found, bytes):
        raise UsageError(
            "the keys of this node are not locked",
            hint="`symbolon lock` locks them by a passphrase.",
            code="usage.lock",
        )
    return found
