"""What a key of the exchange is bound to, and how it comes out of its seed.

The sender sees no input, so everything it must enforce stands in the key: a `KeyContext` names suite,
coalition, both ends, area, mode, tier, purpose and epoch, and its encoding is the `info` of HKDF-Expand.
Every field is length-prefixed, so that no two contexts share an encoding. Refuses fields above 65,535 bytes,
epochs outside 64 bits, and, when parsing, any byte too few or too many.

Encoding, in this order: suite, coalition, sender, receiver, area, mode, tier, purpose, each as its length
(2 bytes, big-endian) and its UTF-8; then the epoch as 00 08 and 8 bytes, big-endian.

Source: RFC 5869 section 2.3 (HKDF-Expand); DESIGN "The private exchange", point 4.
"""

from dataclasses import astuple, dataclass

from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

SEED_MIN_BYTES = 32
"""A seed is uniform and as strong as the group at least; nodes draw 64 bytes."""

_LENGTH_BYTES = 2
_EPOCH_BYTES = 8
_TEXT_FIELDS = 8


@dataclass(frozen=True, slots=True)
class KeyContext:
    """Everything a key of the exchange is bound to.

    Attributes:
        suite: suite name.
        coalition: coalition id.
        sender: member that holds the set and the key.
        receiver: member that asks.
        area: `match` or `signal`.
        mode: `intersection`, `size`.
        tier: tier of the match keys.
        purpose: purpose the sender permitted.
        epoch: number of the key epoch, 0 to 2^64 − 1.

    Raises:
        ValueError: a field is too long or the epoch out of range.
    """

    suite: str
    coalition: str
    sender: str
    receiver: str
    area: str
    mode: str
    tier: str
    purpose: str
    epoch: int

    def __post_init__(self) -> None:
        self.encode()

    def encode(self) -> bytes:
        """Encodes the context; `parse` reverses it.

        Returns:
            The fields in order, each behind its length; see the module's docstring.

        Raises:
            ValueError: a field is too long or not valid Unicode, or the epoch is out of range.
        """
        *texts, epoch = astuple(self)
        if not 0 <= epoch < 1 << 8 * _EPOCH_BYTES:
            raise ValueError("an epoch is a number from 0 to 2^64 - 1")
        parts = [text.encode("utf-8") for text in texts] + [epoch.to_bytes(_EPOCH_BYTES, "big")]
        if any(len(part) >= 1 << 8 * _LENGTH_BYTES for part in parts):
            raise ValueError("a field of a key context is longer than 65,535 bytes")
        return b"".join(len(part).to_bytes(_LENGTH_BYTES, "big") + part for part in parts)

    @classmethod
    def parse(cls, data: bytes) -> "KeyContext":
        """Reads an encoded context.

        Args:
            data: what `encode` gave.

        Returns:
            The context.

        Raises:
            ValueError: the bytes are not exactly one encoded context.
        """
        parts = []
        at = 0
        for _ in range(_TEXT_FIELDS + 1):
            start = at + _LENGTH_BYTES
            at = start + int.from_bytes(data[at:start], "big")
            if start > len(data) or at > len(data):
                raise ValueError("a key context ends early")
            parts.append(data[start:at])
        if at != len(data):
            raise ValueError("bytes follow a key context")
        *texts, epoch = parts
        if len(epoch) != _EPOCH_BYTES:
            raise ValueError(f"an epoch has {_EPOCH_BYTES} bytes")
        suite, coalition, sender, receiver, area, mode, tier, purpose = (
            text.decode("utf-8") for text in texts
        )
        return cls(
            suite, coalition, sender, receiver, area, mode, tier, purpose, int.from_bytes(epoch, "big")
        )


def expand_seed(seed: bytes, context: bytes, length_bytes: int) -> bytes:
    """Derives uniform bytes from a seed and a context.

    Args:
        seed: at least 32 uniform bytes, drawn for one peer and epoch.
        context: `KeyContext.encode()`.
        length_bytes: wanted length.

    Returns:
        `length_bytes` bytes: HKDF-Expand-SHA-512(seed, context).

    Raises:
        ValueError: the seed is too short.

    Source: RFC 5869 section 2.3.
    """
    if len(seed) < SEED_MIN_BYTES:
        raise ValueError(f"a seed has at least {SEED_MIN_BYTES} bytes")
    return HKDFExpand(SHA512(), length_bytes, context).derive(seed)
