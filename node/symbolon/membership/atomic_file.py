"""Files that are either wholly the old or wholly the new one, and one writer at a time.

Handles: replacing a small file atomically and durably; a lock shared by processes. Refuses nothing by
itself; failures of the file system become StorageError and leave the old file as it was.
"""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from symbolon.errors import StorageError


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
        raise StorageError(f"cannot write {path}: {error.strerror}") from error


def read_bounded(path: Path, limit_bytes: int) -> bytes:
    """Read a small file, at most one byte past the limit, so that the caller can tell it is too large.

    Raises:
        StorageError: the file cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return stream.read(limit_bytes + 1)
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error.strerror}") from error


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
        raise StorageError(f"cannot open {path}: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
