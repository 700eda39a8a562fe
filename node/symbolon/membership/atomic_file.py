"""Files that are either wholly the old or wholly the new one, and one writer at a time.

Handles: replacing a small file atomically and durably; erasing what a process that was killed within left
of it, which may be a key; a lock shared by processes. Refuses nothing by itself; failures of the file system
become StorageError and leave the old file as it was.
"""

import errno
import fcntl
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from symbolon.errors import StorageError

LEFT_OVER_S: Final = 3600.0
"""A file is written in far less: one that is older belongs to a process that was killed."""

_ROOM: Final = "Free some space and run the command again."
_OWNER: Final = "Look whose file or folder it is, and whether this user may use it."
_HINTS: Final = {
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: _ROOM,
    errno.EFBIG: "Raise the limit on the size of files (ulimit -f) and run the command again.",
    errno.EACCES: _OWNER,
    errno.EPERM: _OWNER,
    errno.EROFS: _OWNER,
    errno.ENOENT: "Look whether the name is right and the medium is there.",
    errno.EISDIR: "Name a file, not a folder.",
    errno.ENOTDIR: "Name another folder: a file is in the way.",
    errno.EEXIST: "Name another folder: a file is in the way.",
}
"""What a person can do about it."""

_TEMPORARY_NAME: Final = re.compile(r"\..+\.[0-9a-f]{16}\.tmp")


def write_atomically(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Replace a file, or leave it as it was.

    Args:
        path: the file; its directory must exist.
        data: the new content.
        mode: permission bits of the new file, never widened by the umask.

    Raises:
        StorageError: the file system refused; nothing was replaced.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_directory(path.parent)
    except OSError as error:
        raise storage_error(f"cannot write {path}", error) from error


def make_private_folder(path: Path) -> None:
    """Make a folder that only its owner may look into; one that is there becomes such a one.

    Raises:
        StorageError: the file system refused.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.chmod(0o700)
    except OSError as error:
        raise storage_error(f"cannot make {path}", error) from error


def require_writable_folder(path: Path) -> None:
    """Refuses a folder in which this user may not make files.

    Raises:
        StorageError: it may not, or the folder is not there.
    """
    if not os.access(path, os.W_OK | os.X_OK):
        raise StorageError(f"this user may not write in {path}", hint=_OWNER)


def erase_left_over(folder: Path, now_s: float) -> None:
    """Erase what processes that were killed within `write_atomically` left in a folder; not below it.

    What cannot be erased stays, for the next time.

    Args:
        folder: need not exist.
        now_s: seconds since 1970-01-01 UTC, by the clock that dates files.
    """
    with suppress(OSError):
        for each in folder.iterdir():
            if _TEMPORARY_NAME.fullmatch(each.name):
                with suppress(OSError):
                    found = each.lstat()
                    if stat.S_ISREG(found.st_mode) and now_s - found.st_mtime > LEFT_OVER_S:
                        each.unlink()


def read_bounded(path: Path, limit_bytes: int) -> bytes:
    """Read a small file, at most one byte past the limit, so that the caller can tell it is too large.

    Raises:
        StorageError: the file cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return stream.read(limit_bytes + 1)
    except OSError as error:
        raise storage_error(f"cannot read {path}", error) from error


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock, across processes, for the length of a `with` block.

    Args:
        path: the lock file; created when absent, left in place afterwards.

    Raises:
        StorageError: the lock file cannot be opened.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise storage_error(f"cannot open {path}", error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def storage_error(what: str, error: OSError) -> StorageError:
    """What the file system refused, with what a person can do about it.

    Args:
        what: the beginning of the sentence, without the system's reason.
        error: the system's.
    """
    return StorageError(f"{what}: {error.strerror or error}", hint=_HINTS.get(error.errno or 0))


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
