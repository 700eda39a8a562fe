"""Destroying a node: its keys first, then its database and all else that Symbolon made in its folder.

Without the keys the sealed columns are noise, wherever copies of the database are; so they go before
anything that takes time. Then files are overwritten and removed, the database last, since it is large, and
`symbolon.toml` after it, by which the folder is known: a wipe that was cut off is run again. It works on a
folder that is locked, and on one of which half is gone.

Refuses nothing by itself: what cannot be destroyed is noted, and the next is tried. Follows no link and
enters no other file system; a link is removed, and noted. Leaves alone, and notes, what it does not know.
"""

import contextlib
import os
import re
import sqlite3
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from symbolon.errors import SealError
from symbolon.membership.erased_file import erase_file
from symbolon.membership.key_file import PRIVATE_KEY_FILES, SEAL_KEY_FILE
from symbolon.membership.sealing_key import MAX_FILE_BYTES, LockedKey, parse_key_file
from symbolon.membership.unlocked_key import forget_key

MAX_DEPTH: Final = 32
"""Folders in folders: a node makes four."""
NOT_OURS: Final = "not made by Symbolon"
"""Why a file is left that nobody asked to destroy."""

_DATABASE: Final = "node.db"
_FOLDERS: Final = ("coalition", "founder", "policies")
_FILES: Final = re.compile(
    r"audit\.checkpoint|drop-box\.(?:keys|lock)|node-cert\.pem|request\.pem|signed-in-[0-9-]+\.token"
    r"|\..+\.[0-9a-f]{16}(?:\.tmp|\.old)?"
)
_SQLITE: Final = b"SQLite format 3\0"
_ELSEWHERE: Final = "is on another file system"
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Left:
    """What was not destroyed.

    Attributes:
        name: relative to the folder, or a whole path.
        why: in a few words.
    """

    name: str
    why: str


class Wipe:
    """Destroys what is in one node's folder, step by step. Use it as a context manager.

    Args:
        home: the folder; where it is a link, the folder that it leads to.

    Raises:
        OSError: it cannot be opened.

    Attributes:
        erased: what was destroyed so far, in order.
        left: what could not be.
    """

    def __init__(self, home: Path) -> None:
        self.home: Final = home.resolve(strict=True)
        self.erased: Final[list[str]] = []
        self.left: Final[list[Left]] = []
        self._folder = _open_folder(self.home)
        self._device = os.fstat(self._folder).st_dev

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._folder)

    def erase_keys(self) -> bool:
        """Destroys all private keys, the sealing key before the others.

        Returns:
            Whether none is left.
        """
        before = len(self.left)
        self._forget_unlocked()
        for name in (SEAL_KEY_FILE, *PRIVATE_KEY_FILES):
            below, _, last = name.rpartition("/")
            with self._below(below) as folder:
                if folder is not None:
                    self._erase(folder, last, name)
                    for each in _remains(folder, last):
                        self._erase(folder, each, f"{below}/{each}" if below else each)
                    os.fsync(folder)
        return len(self.left) == before

    def erase_rest(self, database: Path | None) -> None:
        """Destroys what is beside the keys, but for `symbolon.toml`.

        Args:
            database: the file, wherever it is; None where it is on a server.
        """
        for name in _names(self._folder):
            if name in _FOLDERS:
                self._erase_tree(self._folder, name, name, MAX_DEPTH)
            elif _FILES.fullmatch(name):
                self._erase(self._folder, name, name)
        self._erase_database(self._folder, _DATABASE, "")
        if database is None:
            return
        if database.parent.resolve() == self.home:
            self._erase_database(self._folder, database.name, "")
        else:
            self._erase_elsewhere(database)

    def erase_last(self, config: str) -> None:
        """Destroys the configuration, and the folder if nothing is left in it.

        Args:
            config: name of the file.
        """
        self._erase(self._folder, config, config)
        noted = {each.name.partition("/")[0] for each in self.left}
        strange = [name for name in _names(self._folder) if name not in noted]
        self.left.extend(Left(name, NOT_OURS) for name in strange)
        with contextlib.suppress(OSError):
            self.home.rmdir()

    def _forget_unlocked(self) -> None:
        """Takes away the key that was unlocked, which the file of the sealing key names."""
        owner = os.fstat(self._folder).st_uid
        if owner != os.geteuid():
            self.note(f"an unlocked key of user {owner}", "may be in memory: switch the computer off")
        with contextlib.suppress(OSError, SealError):
            descriptor = os.open(SEAL_KEY_FILE, _READ, dir_fd=self._folder)
            with os.fdopen(descriptor, "rb") as file:
                found = parse_key_file(file.read(MAX_FILE_BYTES))
            if isinstance(found, LockedKey):
                try:
                    if forget_key(found.name):
                        self.erased.append("the unlocked key")
                except SealError as error:
                    self.note("the unlocked key", error.detail)

    @contextlib.contextmanager
    def _below(self, name: str) -> Iterator[int | None]:
        """The folder itself, or one in it, opened; None where there is none that may be entered."""
        if not name:
            yield self._folder
            return
        try:
            descriptor = _open_folder(Path(name), self._folder)
        except OSError:
            yield None
            return
        try:
            same = os.fstat(descriptor).st_dev == self._device
            if not same:
                self.note(name, _ELSEWHERE)
            yield descriptor if same else None
        finally:
            os.close(descriptor)

    def _erase(self, folder: int, name: str, shown: str) -> None:
        """Destroys one file."""
        with self._noting(shown):
            mode = os.lstat(name, dir_fd=folder).st_mode
            if stat.S_ISLNK(mode):
                target = os.readlink(name, dir_fd=folder)
                os.unlink(name, dir_fd=folder)
                if _leads_out(shown, target):
                    self.note(shown, f"was a link to {target}, which was not followed")
                else:
                    self.erased.append(shown)
                return
            if stat.S_ISDIR(mode):
                self.note(shown, "is a folder")
                return
            erase_file(Path(name), dir_fd=folder)
            self.erased.append(shown)

    def _erase_tree(self, folder: int, name: str, shown: str, depth: int) -> None:
        """Destroys a folder and what is in it."""
        with self._noting(shown):
            if not stat.S_ISDIR(os.lstat(name, dir_fd=folder).st_mode):
                self._erase(folder, name, shown)
                return
            descriptor = _open_folder(Path(name), folder)
            try:
                if os.fstat(descriptor).st_dev != self._device or not depth:
                    self.note(shown, _ELSEWHERE if depth else "is nested too deep")
                    return
                for each in _names(descriptor):
                    self._erase_tree(descriptor, each, f"{shown}/{each}", depth - 1)
                if _names(descriptor):
                    return
            finally:
                os.close(descriptor)
            os.rmdir(name, dir_fd=folder)

    def _erase_database(self, folder: int, name: str, shown: str) -> None:
        """Destroys an SQLite database, its log and the locks beside it."""
        beside = re.compile(re.escape(name) + r"(?:|-wal|-shm|-journal|-.+\.lock)")
        for each in sorted(filter(beside.fullmatch, _names(folder)), reverse=True):
            self._erase(folder, each, f"{shown}{each}")

    def _erase_elsewhere(self, database: Path) -> None:
        """Destroys a database outside the folder, if it is one."""
        with self._noting(str(database)):
            folder = _open_folder(database.parent.resolve())
            try:
                with os.fdopen(os.open(database.name, _READ, dir_fd=folder), "rb") as file:
                    content = file.read(len(_SQLITE))
                if content not in (b"", _SQLITE):
                    self.note(str(database), "is no database")
                    return
                self._erase_database(folder, database.name, f"{database.parent}/")
            finally:
                os.close(folder)

    def note(self, name: str, why: str) -> None:
        """Notes what was not destroyed, once."""
        if Left(name, why) not in self.left:
            self.left.append(Left(name, why))

    @contextlib.contextmanager
    def _noting(self, shown: str) -> Iterator[None]:
        """Notes what the system refuses; what is not there needs no destroying."""
        try:
            yield
        except FileNotFoundError:
            return
        except OSError as error:
            self.note(shown, error.strerror or str(error))


def is_node_database(path: Path) -> bool:
    """Whether a file is the SQLite database of a node."""
    if not path.is_file():
        return False
    try:
        # As it is: looking must neither need nor make a write-ahead log beside it.
        with contextlib.closing(
            sqlite3.connect(f"{path.resolve().as_uri()}?immutable=1", uri=True)
        ) as opened:
            opened.execute("SELECT count(*) FROM seal_check")
    except sqlite3.Error:
        return False
    return True


def _leads_out(name: str, target: str) -> bool:
    """Whether a link leads out of the folder by what is written in it; a node makes some that do not."""
    where = Path(os.path.normpath(Path(name).parent / target))
    return where.is_absolute() or where.parts[:1] == (os.pardir,)


def _names(folder: int) -> list[str]:
    with os.scandir(folder) as entries:
        return sorted(each.name for each in entries)


def _open_folder(path: Path, dir_fd: int | None = None) -> int:
    return os.open(path, _READ | os.O_DIRECTORY, dir_fd=dir_fd)


def _remains(folder: int, name: str) -> list[str]:
    """What a process that was killed while it wrote a file left of it."""
    form = re.compile(r"\." + re.escape(name) + r"\.[0-9a-f]{16}(?:\.tmp|\.old)?")
    return list(filter(form.fullmatch, _names(folder)))
