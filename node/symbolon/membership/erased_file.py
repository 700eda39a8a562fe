"""Erasing a file: its bytes are overwritten on the disk, then its name goes.

Overwriting reaches the blocks that the file system shows. Flash storage, copy-on-write file systems,
journals and snapshots may keep the old ones; nothing that a program can do changes that.

Follows no symbolic link: one that bears the name is removed, and what it leads to is left alone. Refuses a
folder.
"""

import contextlib
import os
import secrets
import stat
from pathlib import Path
from typing import Final

_CHUNK_BYTES: Final = 1 << 20
_FLAGS: Final = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def erase_file(path: Path, *, dir_fd: int | None = None) -> None:
    """Overwrites a file and removes it; one that cannot be overwritten is removed all the same.

    Whatever other name the file has (a hard link) leads to noise from then on.

    Args:
        path: the file; relative to `dir_fd` where that is given.
        dir_fd: an open folder.

    Raises:
        FileNotFoundError: there is none.
        OSError: it cannot be removed, or is a folder.
    """
    # A link, a socket, a full or read-only disk, a folder: whether the name can go shows then.
    with contextlib.suppress(OSError):
        _overwrite(path, dir_fd)
    os.unlink(path, dir_fd=dir_fd)


def _overwrite(path: Path, dir_fd: int | None) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | _FLAGS, dir_fd=dir_fd)
    except PermissionError:
        _make_writable(path, dir_fd)
        descriptor = os.open(path, os.O_WRONLY | _FLAGS, dir_fd=dir_fd)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            return
        left = found.st_size
        noise = memoryview(secrets.token_bytes(min(_CHUNK_BYTES, left)))
        while left > 0:
            left -= os.write(descriptor, noise[: min(left, len(noise))])
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make_writable(path: Path, dir_fd: int | None) -> None:
    """Lets the owner write in a file of its own that is read-only."""
    descriptor = os.open(path, os.O_RDONLY | _FLAGS, dir_fd=dir_fd)
    try:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            with contextlib.suppress(OSError):
                os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)
