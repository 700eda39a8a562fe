"""The sign-in that is kept for a while, so that people need not type a password for every command.

A small file in the node's folder, sealed with the node's key and to the user of the operating system who
signed in: the effective one and, on Linux, the one who logged in, which `sudo` does not change. Another
person who reaches the same node through an account of its own has a session of its own. Refuses, by taking
it for no sign-in at all: a file of another node or user, one that is out of time or from the future.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from symbolon.errors import SealError, StorageError
from symbolon.membership.atomic_file import read_bounded, write_atomically
from symbolon.storage.seal import Sealer

SESSION_LIFE_S: Final = 8 * 3600
"""A working day."""
CLOCK_STEP_S: Final = 300
"""A clock may be set back by this much without ending sessions."""
MAX_SESSION_BYTES: Final = 4096
"""A session is some 150 bytes."""

_LOGIN_UID: Final = Path("/proc/self/loginuid")
_NO_LOGIN: Final = str(2**32 - 1)


@dataclass(frozen=True, slots=True)
class OperatorSession:
    """Who signed in.

    Attributes:
        credential_id: of the operator at that time; another one by now ends the session.
        signed_in_at_s: seconds since 1970-01-01 UTC.
    """

    pseudonym: str
    credential_id: str
    signed_in_at_s: int


def keep_session(folder: Path, sealer: Sealer, session: OperatorSession) -> None:
    """Writes the session of this user.

    Raises:
        StorageError: the folder cannot be written.
    """
    user = os_user()
    plain = json.dumps(asdict(session)).encode()
    write_atomically(_path(folder, user), sealer.seal("operator_session", "token", user, plain))


def kept_session(folder: Path, sealer: Sealer, *, now_s: float) -> OperatorSession | None:
    """The session of this user, or None.

    Raises:
        StorageError: there is a file, and it cannot be read.
    """
    user = os_user()
    path = _path(folder, user)
    if not path.exists():
        return None
    sealed = read_bounded(path, MAX_SESSION_BYTES)
    try:
        session = OperatorSession(**json.loads(sealer.open("operator_session", "token", user, sealed)))
    except (SealError, ValueError, TypeError):
        return None
    age_s = now_s - session.signed_in_at_s
    return session if -CLOCK_STEP_S <= age_s < SESSION_LIFE_S else None


def end_session(folder: Path) -> bool:
    """Removes the session of this user.

    Returns:
        Whether there was one.

    Raises:
        StorageError: the file cannot be removed.
    """
    path = _path(folder, os_user())
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StorageError(f"cannot remove {path}: {error.strerror}") from error
    return True


def os_user() -> str:
    """Who this process works for: the effective user, and who logged in where the kernel knows."""
    try:
        login = _LOGIN_UID.read_text(encoding="ascii").strip()
    except OSError:
        login = _NO_LOGIN
    return str(os.geteuid()) if login == _NO_LOGIN else f"{os.geteuid()}-{login}"


def _path(folder: Path, user: str) -> Path:
    return folder / f"signed-in-{user}.token"
