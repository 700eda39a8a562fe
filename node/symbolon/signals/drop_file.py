"""A file that carries one draft from a laptop without a node to a node elsewhere, and that only it opens.

Handles: the node's public key as a text file with a fingerprint that two people compare; sealing and opening
by HPKE (RFC 9180: base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305) with an ephemeral key
for each file. In the clear stand a format word and the fingerprint of the key that it is for, nothing else:
the content is padded to one of three sizes. Refuses, with `SignalError` (`signal.drop`): other forms, other
lengths, files for another key, and every changed byte. Who wrote a file is not known: whoever has the public
key can write one, so a person looks at each before it counts. Randomness is the library's own.

File: `symbolon-drop-1`, a space, the fingerprint as 32 hexadecimal digits, a line break; 32 bytes ephemeral
public key ‖ ciphertext of (length of the content as 4 bytes big-endian ‖ content ‖ zeros) ‖ 16 bytes tag. The
first line is the `info` of HPKE. Specification: docs/contributing-signals.md, Without a node.
"""

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from symbolon.errors import SignalError

FORMAT: Final = "symbolon-drop-1"
KEY_FORMAT: Final = "symbolon-drop-key-1"

FINGERPRINT_BYTES: Final = 16
"""Another key with the same fingerprint takes 2^128 work; eight groups of four can be read out aloud."""

SIZES: Final = (16 * 1024, 64 * 1024, 256 * 1024)
"""What the content is padded to. The smallest holds a signal with a page of narrative and one of notes; the
largest one of the longest narrative, notes and subject, each letter four bytes."""

MAX_CONTENT_BYTES: Final = SIZES[-1] - 4
"""Of the longest draft; see `SIZES`."""

MAX_KEY_FILE_BYTES: Final = 4 * 1024
"""The text of a public key has some 300 bytes; people add a line or two."""

_LENGTH_BYTES: Final = 4
_ENC_BYTES: Final = 32
_TAG_BYTES: Final = 16
_HEADER: Final = re.compile(rb"symbolon-drop-1 ([0-9a-f]{32})\n")
_HEADER_BYTES: Final = len(FORMAT) + 1 + 2 * FINGERPRINT_BYTES + 1
MAX_FILE_BYTES: Final = _HEADER_BYTES + _ENC_BYTES + SIZES[-1] + _TAG_BYTES
"""Of a whole file: there is no reason to read more."""

_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
_LINE: Final = re.compile(r"(coalition|member|key) ([ -~]{1,128})")
_HEX_KEY: Final = re.compile(r"[0-9a-f]{64}")
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")


@dataclass(frozen=True, slots=True)
class DropKey:
    """The public key of one node's drop box.

    Attributes:
        coalition, member: whose it is, as the node says.
        public: 32 bytes, X25519.

    Raises:
        SignalError: `signal.drop`, at construction.
    """

    coalition: str
    member: str
    public: bytes

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.coalition) or not _NAME.fullmatch(self.member):
            raise _refuse("the key names no coalition or no member", "Ask for the key file again.")
        if len(self.public) != _ENC_BYTES:
            raise _refuse("the key is not 32 bytes", "Ask for the key file again.")

    @property
    def fingerprint(self) -> bytes:
        """16 bytes by which two people see that they hold the same key, of the same member."""
        said = b"".join(
            len(each).to_bytes(2) + each
            for each in (self.coalition.encode(), self.member.encode(), self.public)
        )
        return sha256(KEY_FORMAT.encode() + b"\0" + said).digest()[:FINGERPRINT_BYTES]

    @property
    def shown_fingerprint(self) -> str:
        """The fingerprint in groups that can be read out aloud."""
        digits = self.fingerprint.hex()
        return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))

    def text(self) -> str:
        """The file that the node hands out."""
        return (
            f"{KEY_FORMAT}\ncoalition {self.coalition}\nmember {self.member}\nkey {self.public.hex()}\n"
            f"fingerprint {self.shown_fingerprint}\n"
        )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads what `text` wrote; the fingerprint is made anew, and other lines are passed over.

        Raises:
            SignalError: `signal.drop`.
        """
        lines = [line.strip() for line in text.splitlines()]
        if KEY_FORMAT not in lines:
            raise _refuse(
                "the file is no key of a drop box",
                "At the node, `symbolon signals dropbox --out FILE` writes one.",
            )
        found: dict[str, str] = {}
        for line in lines[lines.index(KEY_FORMAT) + 1 :]:
            matched = _LINE.fullmatch(line)
            if matched is not None and found.setdefault(matched[1], matched[2]) != matched[2]:
                raise _refuse("the file holds two keys", "Ask for the key file again.")
        if found.keys() != {"coalition", "member", "key"} or not _HEX_KEY.fullmatch(found["key"]):
            raise _refuse("the key in the file is not whole", "Ask for the key file again.")
        return cls(found["coalition"], found["member"], bytes.fromhex(found["key"]))


def seal_drop(key: DropKey, content: bytes) -> bytes:
    """Seals content for a node.

    Args:
        key: the node's.
        content: at most `MAX_CONTENT_BYTES`.

    Raises:
        SignalError: `signal.drop`: it is too long, or the key is none that can be sealed for.
    """
    if len(content) > MAX_CONTENT_BYTES:
        raise _refuse(f"there is more than {MAX_CONTENT_BYTES} bytes of text", "Shorten the narrative.")
    header = f"{FORMAT} {key.fingerprint.hex()}\n".encode()
    size = next(each for each in SIZES if len(content) + _LENGTH_BYTES <= each)
    padded = (len(content).to_bytes(_LENGTH_BYTES) + content).ljust(size, b"\0")
    try:
        public = X25519PublicKey.from_public_bytes(key.public)
        return header + _SUITE.encrypt(padded, public, info=header)
    except ValueError:
        # A point of small order: everybody would know the secret.
        raise _refuse("nothing can be sealed for this key", "Ask for the key file again.") from None


def is_drop(data: bytes) -> bool:
    """Whether a file begins as one."""
    return data.startswith(FORMAT.encode() + b" ")


def fingerprint_of(data: bytes) -> bytes:
    """The fingerprint of the key that a file is for, as it says.

    Raises:
        SignalError: `signal.drop`, it is no such file, or of no length that one has.
    """
    header = _HEADER.match(data[:_HEADER_BYTES])
    if header is None:
        raise _refuse("this is no drop file", "Ask whoever wrote it to send it again.")
    if len(data) - _HEADER_BYTES - _ENC_BYTES - _TAG_BYTES not in SIZES:
        raise _refuse("the drop file is cut off, or something was added to it", _AGAIN)
    return bytes.fromhex(header[1].decode())


def open_drop(data: bytes, private: X25519PrivateKey, key: DropKey) -> bytes:
    """The content of a file.

    Args:
        data: all of it.
        private: the node's.
        key: its public half.

    Raises:
        SignalError: `signal.drop`.
    """
    if fingerprint_of(data) != key.fingerprint:
        raise _refuse(
            "the drop file is for another key",
            "It was sealed for another node, or for a key that this one has replaced: ask for a new file.",
        )
    header, sealed = data[:_HEADER_BYTES], data[_HEADER_BYTES:]
    try:
        padded = _SUITE.decrypt(sealed, private, info=header)
    except (InvalidTag, ValueError):
        raise _refuse("the drop file does not open: it was damaged or changed", _AGAIN) from None
    length = int.from_bytes(padded[:_LENGTH_BYTES])
    content, rest = padded[_LENGTH_BYTES : _LENGTH_BYTES + length], padded[_LENGTH_BYTES + length :]
    if length > len(padded) - _LENGTH_BYTES or rest.strip(b"\0"):
        raise _refuse("the drop file holds something else behind its content", _AGAIN)
    return content


_AGAIN: Final = "Ask whoever wrote it to write it again; nothing of it was used."


def _refuse(what: str, hint: str) -> SignalError:
    return SignalError(what, hint=hint, code="signal.drop")
