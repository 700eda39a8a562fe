"""SHA-512 with the least cost per call that this interpreter offers.

The exchange hashes millions of inputs of about one block. There the cost of a call outweighs the cost of
compression: `hashlib.sha512` goes through OpenSSL's EVP layer and needs about twice the time of the
implementation that CPython brings along itself (`_sha2` from 3.12, `_sha512` before). Both give the same
digests; where the interpreter was built without its own, `hashlib` stands in. Nothing is refused.

Source: FIPS 180-4.
"""

import hashlib
from importlib import import_module
from typing import Protocol, cast

DIGEST_BYTES = 64
BLOCK_BYTES = 128


class Digest(Protocol):
    """The part of a hash object that this package uses."""

    def copy(self) -> "Digest":
        """Returns an independent copy of the state."""

    def update(self, data: bytes, /) -> None:
        """Absorbs `data`."""

    def digest(self) -> bytes:
        """Returns the 64-byte digest of what was absorbed so far."""


class Sha512(Protocol):
    """A constructor of SHA-512 states."""

    def __call__(self, data: bytes = b"", /) -> Digest:
        """Returns a state that has absorbed `data`."""


def fastest_sha512() -> Sha512:
    """Finds the SHA-512 with the lowest cost per call.

    Returns:
        The interpreter's own constructor, or `hashlib.sha512` where there is none.
    """
    for module in ("_sha2", "_sha512"):
        try:
            return cast(Sha512, import_module(module).sha512)
        except (ImportError, AttributeError):
            continue
    return cast(Sha512, hashlib.sha512)


sha512: Sha512 = fastest_sha512()
