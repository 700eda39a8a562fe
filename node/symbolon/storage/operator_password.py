"""Passwords of operators: what is kept of one, and the check.

Kept is scrypt (RFC 7914) of the password in Unicode form NFKC, with its parameters and salt beside it in one
line: `$scrypt$n=131072,r=8,p=1$SALT$HASH`, both in hexadecimal. The comparison takes the same time wherever
the bytes differ. Refuses passwords that are too short to withstand guessing, and lines that are not such.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from symbolon.errors import PermissionDeniedError, StorageError, UsageError

MIN_PASSWORD_CHARS: Final = 12
"""With the lock-out, and the hash sealed, guessing has to begin where whole words are tried."""
MAX_PASSWORD_CHARS: Final = 1024
"""Nobody types more; what is hashed has to end somewhere."""
SALT_BYTES: Final = 16

_HASH_BYTES: Final = 32
_LINE: Final = re.compile(r"\$scrypt\$n=(\d{1,8}),r=(\d{1,2}),p=(\d{1,2})\$([0-9a-f]{32})\$([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class ScryptCost:
    """What one check costs: 128·n·r bytes of memory, and time in proportion to n·r·p."""

    n: int = 2**17
    r: int = 8
    p: int = 1


def new_password_line(password: str, salt: bytes, cost: ScryptCost) -> bytes:
    """What is kept of a new password.

    Args:
        password: as typed.
        salt: 16 random bytes.
        cost: of every later check.

    Raises:
        UsageError: `usage.password`, too short or too long.
    """
    if not MIN_PASSWORD_CHARS <= len(password) <= MAX_PASSWORD_CHARS:
        raise UsageError(
            f"a password has {MIN_PASSWORD_CHARS} to {MAX_PASSWORD_CHARS} characters",
            hint="Four or five words that do not belong together are easy to remember and hard to guess.",
            code="usage.password",
        )
    derived = _scrypt(salt, cost).derive(_encoded(password))
    return f"$scrypt$n={cost.n},r={cost.r},p={cost.p}${salt.hex()}${derived.hex()}".encode()


def require_password(line: bytes, password: str) -> None:
    """Checks a password against what is kept.

    Raises:
        PermissionDeniedError: `permission.sign_in`, it is another one.
        StorageError: the line is not one that `new_password_line` makes.
    """
    found = _LINE.fullmatch(line.decode("ascii", "replace"))
    if found is None:
        raise StorageError("what is kept of a password cannot be read", code="storage.password")
    cost = ScryptCost(int(found[1]), int(found[2]), int(found[3]))
    try:
        _scrypt(bytes.fromhex(found[4]), cost).verify(_encoded(password), bytes.fromhex(found[5]))
    except InvalidKey:
        raise wrong_credentials() from None


def wrong_credentials() -> PermissionDeniedError:
    """The one answer to every sign-in that fails, whether there is such an operator or not."""
    return PermissionDeniedError(
        "name and password do not belong together",
        hint="Try again; an administrator can set a new password with `symbolon operators password NAME`.",
        code="permission.sign_in",
    )


def _encoded(password: str) -> bytes:
    # Cut, so that a megabyte typed at the sign-in costs no more than a password.
    return unicodedata.normalize("NFKC", password[: MAX_PASSWORD_CHARS + 1]).encode("utf-8", "surrogatepass")


def _scrypt(salt: bytes, cost: ScryptCost) -> Scrypt:
    return Scrypt(salt=salt, length=_HASH_BYTES, n=cost.n, r=cost.r, p=cost.p)
