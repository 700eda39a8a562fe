"""The file of the sealing key: the key in clear, or locked by a passphrase.

In clear it is one line, `symbolon-sealing-key-1:` and the key in base64. Locked it is one line too:

    symbolon-locked-key-1:argon2id,m=524288,t=3,p=4:SALT:SEALED

SALT is 16 random bytes in hexadecimal. The passphrase, in Unicode form NFKC and UTF-8, goes through Argon2id
(RFC 9106) with the memory in KiB, passes and lanes that stand there. SEALED is base64 of 12 bytes nonce, and
the key under AES-256-GCM with 16 bytes tag; the line up to SEALED is its associated data, so that no
parameter can be changed without its being noticed.

Refuses: parameters beyond the limits below, before anything is allocated; a passphrase that is too short to
withstand guessing by somebody who has the file; lines of any other form. Specification: docs/locking.md.
"""

import base64
import binascii
import hashlib
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from symbolon.errors import PermissionDeniedError, SealError, UsageError

KEY_BYTES: Final = 32
"""Length of the sealing key."""
MAX_FILE_BYTES: Final = 4096
"""A key file has below 200 bytes."""
MIN_PASSPHRASE_CHARS: Final = 16
"""Whoever has the folder can guess for ever: shorter ones are words that are in lists."""
MIN_DISTINCT_CHARS: Final = 6
"""One letter held down is no passphrase, however long."""
MAX_PASSPHRASE_CHARS: Final = 1024
"""Nobody types more; what is stretched has to end somewhere."""
MAX_MEMORY_KIB: Final = 2**21
"""2 GiB, the most that RFC 9106 recommends. A file that asks for more was altered, to make the node fail."""
MAX_WORK_KIB: Final = 2**23
"""Memory times passes: some ten seconds on a small machine."""
MAX_LANES: Final = 16
"""Each is a thread."""

_CLEAR_MARK: Final = "symbolon-sealing-key-1:"
_LOCKED: Final = re.compile(
    r"(symbolon-locked-key-1:argon2id,m=([0-9]{1,10}),t=([0-9]{1,6}),p=([0-9]{1,6}):([0-9a-f]{32}):)"
    r"([A-Za-z0-9+/]{80})\n?"
)
_SALT_BYTES: Final = 16
_NONCE_BYTES: Final = 12


@dataclass(frozen=True, slots=True)
class Stretching:
    """What one guess of a passphrase costs.

    The default takes about a second of a small machine and 512 MiB. It has passes and lanes of RFC 9106's
    second recommended option (section 4), and eight times its memory; its first option, 2 GiB, is more than
    an old laptop can spare.

    Attributes:
        memory_kib: of Argon2id, KiB.
        passes: over that memory.
        lanes: that are filled side by side.
    """

    memory_kib: int = 2**19
    passes: int = 3
    lanes: int = 4


USUAL: Final = Stretching()
"""What new passphrases are stretched with."""


@dataclass(frozen=True, slots=True)
class LockedKey:
    """A sealing key that a passphrase opens.

    Attributes:
        stretching: what each guess costs.
        head: the line up to the sealed key, as it stands in the file.
        sealed: nonce, key and tag.
    """

    stretching: Stretching
    head: str
    sealed: bytes = field(repr=False)

    def encode(self) -> bytes:
        """The file."""
        return f"{self.head}{base64.b64encode(self.sealed).decode()}\n".encode("ascii")

    @property
    def name(self) -> str:
        """Names this lock among all others, 32 hexadecimal digits; only who can read the file knows it."""
        return hashlib.sha256(b"symbolon unlocked key v1\0" + self.encode()).hexdigest()[:32]

    def open(self, passphrase: str) -> bytes:
        """Takes the key out.

        Args:
            passphrase: as typed.

        Returns:
            The sealing key.

        Raises:
            PermissionDeniedError: `permission.passphrase`, it is another one, or the file was altered.
            SealError: `storage.seal.memory`, this machine lacks the memory.
        """
        salt = bytes.fromhex(self.head.rsplit(":", 2)[1])
        nonce, body = self.sealed[:_NONCE_BYTES], self.sealed[_NONCE_BYTES:]
        try:
            return _cipher(passphrase, salt, self.stretching).decrypt(nonce, body, self.head.encode("ascii"))
        except InvalidTag:
            raise PermissionDeniedError(
                "this passphrase does not open the keys",
                hint="Type it again. If it is the right one, seal.key was altered: put it back from a copy.",
                code="permission.passphrase",
            ) from None


def lock_key(key: bytes, passphrase: str, stretching: Stretching, rng: Callable[[int], bytes]) -> LockedKey:
    """Locks a sealing key.

    Args:
        key: 32 bytes.
        passphrase: as typed; `require_strong` says what it must be.
        stretching: what each guess will cost.
        rng: random bytes.

    Raises:
        SealError: `storage.seal.memory`, this machine lacks the memory.
    """
    salt, nonce = rng(_SALT_BYTES), rng(_NONCE_BYTES)
    cost = f"m={stretching.memory_kib},t={stretching.passes},p={stretching.lanes}"
    head = f"symbolon-locked-key-1:argon2id,{cost}:{salt.hex()}:"
    body = _cipher(passphrase, salt, stretching).encrypt(nonce, key, head.encode("ascii"))
    return LockedKey(stretching, head, nonce + body)


def require_strong(passphrase: str) -> None:
    """Checks that a new passphrase is long enough.

    Raises:
        UsageError: `usage.passphrase`.
    """
    long_enough = MIN_PASSPHRASE_CHARS <= len(passphrase) <= MAX_PASSPHRASE_CHARS
    if long_enough and len(set(passphrase)) >= MIN_DISTINCT_CHARS:
        return
    raise UsageError(
        f"a passphrase has {MIN_PASSPHRASE_CHARS} to {MAX_PASSPHRASE_CHARS} characters, not all the same",
        hint="Take six words by dice or at random from a book, and no sentence that anybody ever wrote.",
        code="usage.passphrase",
    )


def clear_file(key: bytes) -> bytes:
    """The file of a key in clear."""
    return f"{_CLEAR_MARK}{base64.b64encode(key).decode()}\n".encode("ascii")


def parse_key_file(content: bytes) -> bytes | LockedKey:
    """Reads a key file.

    Args:
        content: all of it.

    Returns:
        The key, where it stands in clear.

    Raises:
        SealError: `storage.seal.file`, it is neither; `storage.seal.cost`, its parameters are beyond limits.
    """
    try:
        text = content.decode("ascii")
    except UnicodeDecodeError:
        raise _no_key() from None
    if text.startswith(_CLEAR_MARK):
        try:
            key = base64.b64decode(text.strip().removeprefix(_CLEAR_MARK), validate=True)
        except (ValueError, binascii.Error):
            raise _no_key() from None
        if len(key) != KEY_BYTES:
            raise _no_key()
        return key
    found = _LOCKED.fullmatch(text)
    if found is None:
        raise _no_key()
    stretching = Stretching(int(found[2]), int(found[3]), int(found[4]))
    _require_bounded(stretching)
    return LockedKey(stretching, found[1], base64.b64decode(found[6], validate=True))


def _require_bounded(cost: Stretching) -> None:
    """Refuses parameters that no node writes: the file is read before anybody proved to be its owner."""
    if (
        1 <= cost.lanes <= MAX_LANES
        and cost.passes >= 1
        and 8 * cost.lanes <= cost.memory_kib <= MAX_MEMORY_KIB
        and cost.memory_kib * cost.passes <= MAX_WORK_KIB
    ):
        return
    raise SealError(
        f"seal.key asks for {cost.memory_kib} KiB, {cost.passes} passes and {cost.lanes} lanes of Argon2id",
        hint="No node writes that: the file was altered. Put it back from a copy.",
        code="storage.seal.cost",
    )


def _cipher(passphrase: str, salt: bytes, cost: Stretching) -> AESGCM:
    # Cut, so that a megabyte that is typed costs no more than a passphrase.
    plain = unicodedata.normalize("NFKC", passphrase[: MAX_PASSPHRASE_CHARS + 1])
    stretched = Argon2id(
        salt=salt,
        length=KEY_BYTES,
        iterations=cost.passes,
        lanes=cost.lanes,
        memory_cost=cost.memory_kib,
    )
    try:
        return AESGCM(stretched.derive(plain.encode("utf-8", "surrogatepass")))
    except MemoryError:
        raise SealError(
            f"this machine has no {cost.memory_kib // 1024} MiB of memory to spare for the passphrase",
            hint="End other programs and try again.",
            code="storage.seal.memory",
        ) from None


def _no_key() -> SealError:
    return SealError(
        "the file is not a sealing key",
        hint="Restore it from a backup: without it the sealed columns cannot be read.",
        code="storage.seal.file",
    )
