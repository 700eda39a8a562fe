"""A sealing key that was unlocked for a while: kept in memory that no disk backs, and given back until then.

The key lies in a file of mode 0600, in a folder of mode 0700, on a file system that lives in memory: below
XDG_RUNTIME_DIR, else /run/user/UID, else /dev/shm. It is gone with a reboot, below the first two with the
logout too, and with `forget_key`. It has a time: whoever looks after it finds nothing, and removes it. The
time goes by two clocks, that of the day and that since the machine started, which nobody can put back and
which goes on while the machine sleeps; the first to say so ends it.

Refuses: a folder that is not in memory, as the kernel says; that is another user's, or open to others; a
link in its place, or in that of the file; a file that is not of this user alone. The name of the folder
comes from the locked key file (`LockedKey.name`), so nobody who cannot read that can take the name first.

Swap is a disk: memory can be written there by the kernel. docs/locking.md says what to do about it.
"""

import base64
import contextlib
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from symbolon.errors import SealError
from symbolon.membership.erased_file import erase_file
from symbolon.membership.sealing_key import KEY_BYTES

DEFAULT_LIFE_S: Final = 10 * 3600
"""A working day."""
MAX_LIFE_S: Final = 7 * 86400
"""A key that is to be there for longer is better kept in clear, so that nobody takes it for locked."""

_MOUNTS: Final = Path("/proc/self/mountinfo")
_IN_MEMORY: Final = ("tmpfs", "ramfs")
_FOLDER: Final = re.compile(r"symbolon-[0-9a-f]{32}")
_DRAFT: Final = re.compile(r"symbolon-draft-[0-9a-f]{32}")
_DRAFT_S: Final = 60.0
"""A folder is made in far less: one that is older belongs to a process that was killed."""
_CLOCK_STEP_S: Final = 300
"""The clock of the day may be set back by this much; that since the start cannot be."""
_FILE: Final = "key"
_FOLDER_FLAGS: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LINE: Final = re.compile(
    rb"symbolon-unlocked-key-1:([0-9]{1,12}):([0-9]{1,12}):([0-9]{1,12}):([0-9]{1,12}):([A-Za-z0-9+/]{43}=)\n"
)
_MAX_FILE_BYTES: Final = 256
"""A file has below 130 bytes."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A time by both clocks.

    Attributes:
        day_s: seconds since 1970-01-01 UTC.
        up_s: seconds since the machine started, its sleep included.
    """

    day_s: float
    up_s: float


@dataclass(frozen=True, slots=True)
class UnlockedKey:
    """A key that may be used now.

    Attributes:
        key: 32 bytes.
        until_s: when its time is over, seconds since 1970-01-01 UTC.
    """

    key: bytes = field(repr=False)
    until_s: int


def this_moment() -> Moment:
    """Now."""
    return Moment(time.time(), time.clock_gettime(time.CLOCK_BOOTTIME))


def require_memory() -> Path:
    """Looks for a place before anybody types a passphrase.

    Returns:
        Where `keep_key` would put a key.

    Raises:
        SealError: `storage.seal.memory_folder`, there is none.
    """
    for place in _places():
        with _opened_place(place) as opened:
            if opened is not None and os.access(place, os.W_OK | os.X_OK):
                return place
    raise SealError(
        "there is no folder in memory to keep an unlocked key in",
        hint="Log in as this user, so that XDG_RUNTIME_DIR is there, or have /dev/shm mounted as tmpfs.",
        code="storage.seal.memory_folder",
    )


def keep_key(name: str, key: bytes, life_s: int, now: Moment) -> int:
    """Keeps a key, in the place of one that is there.

    Args:
        name: `LockedKey.name` of its lock.
        key: 32 bytes.
        life_s: how long; at most `MAX_LIFE_S`.
        now: the present.

    Returns:
        Until when, seconds since 1970-01-01 UTC.

    Raises:
        SealError: `storage.seal.memory_folder`, there is no place, or it cannot be used.
    """
    place = require_memory()
    forget_key(name)
    since_day, since_up = int(now.day_s), int(now.up_s)
    until = since_day + life_s
    times = f"{since_day}:{until}:{since_up}:{since_up + life_s}"
    line = f"symbolon-unlocked-key-1:{times}:{base64.b64encode(key).decode()}\n".encode()
    try:
        with _opened_place(place) as opened:
            if opened is None:
                raise FileNotFoundError(place)
            # Under another name until it is whole: whoever looks removes what holds no key.
            draft = f"symbolon-draft-{secrets.token_hex(16)}"
            os.mkdir(draft, 0o700, dir_fd=opened)
            with _opened_folder(opened, draft) as folder:
                if folder is None:
                    raise PermissionError(place)
                _write(folder, line)
            os.rename(draft, f"symbolon-{name}", src_dir_fd=opened, dst_dir_fd=opened)
    except OSError as error:
        raise SealError(
            f"an unlocked key cannot be kept in {place}: {error.strerror or error}",
            hint="Look whose folder it is and whether it is full, then try again.",
            code="storage.seal.memory_folder",
        ) from error
    return until


def kept_key(name: str, now: Moment) -> UnlockedKey | None:
    """The key of a lock, if it was unlocked and its time is not over. Removes every key whose time is over.

    Args:
        name: `LockedKey.name`.
        now: the present.
    """
    wanted = f"symbolon-{name}"
    found = None
    for place in _places():
        with _opened_place(place) as opened:
            if opened is None:
                continue
            for each in _names(opened, _DRAFT):
                with contextlib.suppress(OSError):
                    made_s = os.stat(each, dir_fd=opened, follow_symlinks=False).st_mtime
                    if abs(now.day_s - made_s) > _DRAFT_S:
                        _remove(opened, each)
            for each in _names(opened, _FOLDER):
                kept = _kept(opened, each, now)
                if kept is None:
                    _remove(opened, each)
                elif each == wanted:
                    found = found or kept
    return found


def forget_key(name: str) -> bool:
    """Removes the key of a lock.

    Returns:
        Whether there was one.

    Raises:
        SealError: `storage.seal.memory_folder`, it is there still.
    """
    there = False
    for place in _places():
        with _opened_place(place) as opened:
            if opened is None:
                continue
            for each in _names(opened, _DRAFT):
                _remove(opened, each)
            if f"symbolon-{name}" in _names(opened, _FOLDER):
                there = True
                _remove(opened, f"symbolon-{name}")
                if f"symbolon-{name}" in _names(opened, _FOLDER):
                    raise SealError(
                        f"the unlocked key in {place}/symbolon-{name} cannot be removed",
                        hint="Remove this folder by hand, or switch the computer off.",
                        code="storage.seal.memory_folder",
                    )
    return there


def _places() -> list[Path]:
    """Where a key can be, the best first; nothing says yet that it may."""
    named = os.environ.get("XDG_RUNTIME_DIR", "")
    places = [Path(named)] if named.startswith("/") else []
    places += [Path(f"/run/user/{os.geteuid()}"), Path("/dev/shm")]  # noqa: S108 - looked at before it is used
    return list(dict.fromkeys(places))


@contextlib.contextmanager
def _opened_place(place: Path) -> Iterator[int | None]:
    """A place, opened, or None where no key may be kept there."""
    try:
        descriptor = os.open(place, _FOLDER_FLAGS)
    except OSError:
        yield None
        return
    try:
        found = os.fstat(descriptor)
        private = found.st_uid == os.geteuid() and not found.st_mode & 0o077
        # Where others may write, the sticky bit keeps them from moving what is not theirs.
        shared = found.st_uid == 0 and bool(found.st_mode & stat.S_ISVTX)
        yield descriptor if (private or shared) and _is_in_memory(found.st_dev) else None
    finally:
        os.close(descriptor)


def _is_in_memory(device: int) -> bool:
    """Whether a device is a file system in memory, and nothing else, as the kernel says.

    Source: proc_pid_mountinfo(5).
    """
    wanted = f"{os.major(device)}:{os.minor(device)}"
    kinds = set()
    try:
        lines = _MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    for line in lines:
        before, _, after = line.partition(" - ")
        if before.split(" ")[2:3] == [wanted]:
            kinds.add(after.split(" ")[0])
    return bool(kinds) and kinds <= set(_IN_MEMORY)


def _names(place: int, form: re.Pattern[str]) -> list[str]:
    """What lies in a place under names of a form, and is this user's."""
    names = []
    for each in os.listdir(place):
        if form.fullmatch(each):
            with contextlib.suppress(OSError):
                if os.stat(each, dir_fd=place, follow_symlinks=False).st_uid == os.geteuid():
                    names.append(each)
    return names


@contextlib.contextmanager
def _opened_folder(place: int, name: str) -> Iterator[int | None]:
    """A folder of an unlocked key, opened; None where it is a link, another user's or open to others."""
    try:
        descriptor = os.open(name, _FOLDER_FLAGS, dir_fd=place)
    except OSError:
        yield None
        return
    try:
        found = os.fstat(descriptor)
        yield descriptor if found.st_uid == os.geteuid() and not found.st_mode & 0o077 else None
    finally:
        os.close(descriptor)


def _kept(place: int, name: str, now: Moment) -> UnlockedKey | None:
    """What a folder holds, or None where it is not to be used, or not any more."""
    with _opened_folder(place, name) as folder:
        if folder is None:
            return None
        try:
            descriptor = os.open(
                _FILE, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder
            )
        except OSError:
            return None
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            if (
                not stat.S_ISREG(found.st_mode)
                or found.st_uid != os.geteuid()
                or found.st_mode & 0o077
                or found.st_nlink != 1
            ):
                return None
            line = _LINE.fullmatch(file.read(_MAX_FILE_BYTES))
    if line is None:
        return None
    since_day, until_day, since_up, until_up = (int(line[each]) for each in range(1, 5))
    # From the future is as good as over: one of the clocks was put back.
    if not (since_day - _CLOCK_STEP_S <= now.day_s < until_day and since_up <= now.up_s < until_up):
        return None
    key = base64.b64decode(line[5])
    return UnlockedKey(key, until_day) if len(key) == KEY_BYTES else None


def _write(folder: int, line: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(_FILE, flags, 0o600, dir_fd=folder), "wb") as file:
        file.write(line)


def _remove(place: int, name: str) -> None:
    """Removes a folder of this user's with the files in it, or a link in its place; as far as can be done."""
    with contextlib.suppress(OSError):
        if not stat.S_ISDIR(os.lstat(name, dir_fd=place).st_mode):
            os.unlink(name, dir_fd=place)
            return
        folder = os.open(name, _FOLDER_FLAGS, dir_fd=place)
        try:
            with os.scandir(folder) as entries:
                for each in entries:
                    erase_file(Path(each.name), dir_fd=folder)
        finally:
            os.close(folder)
        os.rmdir(name, dir_fd=place)
