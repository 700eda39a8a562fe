"""Signed notes: a text with signature lines beneath it.

Handles: reading and writing notes byte for byte; signatures of type 0x01 (Ed25519 over the text); telling
which known keys signed. Signatures of unknown keys are carried along and mean nothing. Refuses: a note that
is too large or has too many signatures, is not UTF-8, holds a control character, lacks its last newline or
its empty line, has a key name with a space or a plus sign, or base64 in another form than the one; and, when
it is verified, a note that no known key signed, or with any signature of a known key that does not verify.

Key names are compared as they are: two that look alike are two. Specification: C2SP signed-note v1.0.0.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from symbolon.errors import AuditError

MAX_SIGNATURES: Final = 64
"""Signatures of one note: a log and 63 witnesses. Each may cost a verification of 0.1 ms."""

MAX_NOTE_BYTES: Final = 128 * 1024
"""Room for sixteen signatures of the largest kind, nearly 5 kB each and a third more in base64, which any
reader has to accept."""

KEY_ID_BYTES: Final = 4
PUBLIC_KEY_BYTES: Final = 32
ED25519_SIGNATURE_BYTES: Final = 64
ED25519_TYPE: Final = 0x01

_LINE_START: Final = "\N{EM DASH} "
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")
_NOT_IN_NAMES: Final = re.compile(r"[\s+\x00-\x1f\ud800-\udfff]")
"""Lone surrogates, which have no UTF-8, among them."""


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line, which nobody has verified.

    Attributes:
        name: of the key.
        key_id: 4 bytes.
        signature: at least 1 byte; its form depends on the type of the key.

    Raises:
        AuditError: `audit.note`, at construction.
    """

    name: str
    key_id: bytes
    signature: bytes

    def __post_init__(self) -> None:
        require_key_name(self.name)
        if len(self.key_id) != KEY_ID_BYTES or not self.signature:
            raise malformed_note("a signature has a key id of 4 bytes and at least 1 byte more")

    def line(self) -> str:
        """Returns the line, with its newline."""
        return f"{_LINE_START}{self.name} {encode_base64(self.key_id + self.signature)}\n"


@dataclass(frozen=True, slots=True)
class SignedNote:
    """A note, whose signatures nobody has verified.

    Attributes:
        text: ends in a newline.
        signatures: 1 to `MAX_SIGNATURES`, in the order of their lines.

    Raises:
        AuditError: `audit.note`, at construction; `audit.note.size` when it would be too large.
    """

    text: str
    signatures: tuple[NoteSignature, ...]

    def __post_init__(self) -> None:
        if not self.text.endswith("\n"):
            raise malformed_note("the text of a note ends in a newline")
        if _CONTROL.search(self.text):
            raise malformed_note("a note holds a control character")
        if not 1 <= len(self.signatures) <= MAX_SIGNATURES:
            raise malformed_note(f"a note has 1 to {MAX_SIGNATURES} signatures")
        try:
            size = len(encode_note(self))
        except UnicodeEncodeError as error:
            raise malformed_note("a note is not UTF-8") from error
        _require_note_size(size)


class VerifyingKey(Protocol):
    """A known key, of any type."""

    @property
    def name(self) -> str:
        """Its name, see `require_key_name`."""
        ...

    @property
    def key_id(self) -> bytes:
        """4 bytes."""
        ...

    def verify(self, text: str, signature: bytes) -> None:
        """Verifies a signature on the text of a note.

        Raises:
            AuditError: `audit.note.signature`.
        """
        ...


@dataclass(frozen=True, slots=True)
class NoteKey:
    """A known key of type 0x01.

    Attributes:
        name: see `require_key_name`.
        public_key: 32 bytes, Ed25519.

    Raises:
        AuditError: `audit.note`, at construction.
    """

    name: str
    public_key: bytes

    def __post_init__(self) -> None:
        require_key(self.name, self.public_key)

    @property
    def key_id(self) -> bytes:
        """4 bytes."""
        return key_id(self.name, ED25519_TYPE, self.public_key)

    def verify(self, text: str, signature: bytes) -> None:
        """Verifies a signature on the text of a note.

        Raises:
            AuditError: `audit.note.signature`.
        """
        verify_ed25519(self.name, self.public_key, signature, text.encode())


_Key = TypeVar("_Key", bound=VerifyingKey)


def key_id(name: str, signature_type: int, public_key: bytes) -> bytes:
    """Returns the id of a key, 4 bytes.

    Args:
        name: of the key.
        signature_type: one byte; 0x01 for Ed25519, 0x04 for cosignatures.
        public_key: in the encoding of its type; 32 bytes for Ed25519.
    """
    content = name.encode() + b"\n" + bytes([signature_type]) + public_key
    return hashlib.sha256(content).digest()[:KEY_ID_BYTES]


def sign_note(text: str, name: str, key: Ed25519PrivateKey) -> SignedNote:
    """Makes a note with one signature of type 0x01.

    Args:
        text: ends in a newline.
        name: of the key.
        key: its private half.

    Raises:
        AuditError: `audit.note` or `audit.note.size`.
    """
    require_key_name(name)
    identifier = key_id(name, ED25519_TYPE, key.public_key().public_bytes_raw())
    return SignedNote(text, (NoteSignature(name, identifier, key.sign(text.encode())),))


def add_signatures(note: SignedNote, signatures: Iterable[NoteSignature]) -> SignedNote:
    """Returns the note with further signatures beneath those it has; none stands there twice.

    Raises:
        AuditError: `audit.note` when they are too many, or `audit.note.size`.
    """
    return SignedNote(note.text, tuple(dict.fromkeys((*note.signatures, *signatures))))


def encode_note(note: SignedNote) -> bytes:
    """Returns a note as it travels: at most `MAX_NOTE_BYTES` bytes."""
    return f"{note.text}\n{encode_signatures(note.signatures)}".encode()


def decode_note(data: bytes) -> SignedNote:
    """Decodes a note.

    Args:
        data: from anywhere.

    Raises:
        AuditError: `audit.note.size` or `audit.note`.
    """
    _require_note_size(len(data))
    try:
        content = data.decode()
    except UnicodeDecodeError as error:
        raise malformed_note("a note is not UTF-8") from error
    text, separator, lines = content.rpartition("\n\n")
    if not separator:
        raise malformed_note("a note has no empty line between its text and its signatures")
    return SignedNote(f"{text}\n", decode_signatures(lines))


def encode_signatures(signatures: Iterable[NoteSignature]) -> str:
    """Returns signature lines."""
    return "".join(signature.line() for signature in signatures)


def decode_signatures(lines: str) -> tuple[NoteSignature, ...]:
    """Decodes signature lines; see `decode_note` for those of a note.

    Args:
        lines: each ends in a newline.

    Returns:
        At least one and at most `MAX_SIGNATURES`.

    Raises:
        AuditError: `audit.note`.
    """
    *found, rest = lines.split("\n", MAX_SIGNATURES + 1)
    if rest or not 1 <= len(found) <= MAX_SIGNATURES:
        raise malformed_note(f"a note has 1 to {MAX_SIGNATURES} signature lines, each with its newline")
    return tuple(_decode_line(line) for line in found)


def verify_note(note: SignedNote, keys: Iterable[_Key]) -> tuple[tuple[_Key, NoteSignature], ...]:
    """Verifies every signature of a known key.

    Args:
        note: from anywhere.
        keys: those that are known.

    Returns:
        The known keys that signed, each with its signature, in the order of the lines: at least one. A key
        that signed twice stands there twice.

    Raises:
        AuditError: `audit.note.keys` when two known keys cannot be told apart, `audit.note.signature` when a
            signature of a known key does not verify, `audit.note.unsigned` when no known key signed.
    """
    known: dict[tuple[str, bytes], _Key] = {}
    for key in keys:
        if known.setdefault((key.name, key.key_id), key) != key:
            raise AuditError(f"two keys of {key.name} have one id", code="audit.note.keys")
    verified = []
    for signature in note.signatures:
        signer = known.get((signature.name, signature.key_id))
        if signer is not None:
            signer.verify(note.text, signature.signature)
            verified.append((signer, signature))
    if not verified:
        raise AuditError("no key that is known signed the note", code="audit.note.unsigned")
    return tuple(verified)


def verify_ed25519(name: str, public_key: bytes, signature: bytes, message: bytes) -> None:
    """Verifies an Ed25519 signature of a known key.

    Raises:
        AuditError: `audit.note.signature`.
    """
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except InvalidSignature as error:
        raise AuditError(f"a signature of {name} does not verify", code="audit.note.signature") from error


def require_key_name(name: str) -> str:
    """Returns a name that a key can have: not empty, no Unicode space, no plus sign, no control character.

    Raises:
        AuditError: `audit.note`.
    """
    if not name or _NOT_IN_NAMES.search(name):
        raise malformed_note("a key name is empty, or has a space, a plus sign or a control character")
    return name


def require_key(name: str, public_key: bytes) -> None:
    """Checks the name and the length of a known key.

    Raises:
        AuditError: `audit.note`.
    """
    require_key_name(name)
    if len(public_key) != PUBLIC_KEY_BYTES:
        raise malformed_note(f"a public key has {len(public_key)} bytes instead of 32")


def encode_base64(data: bytes) -> str:
    """Returns bytes in standard base64 with padding."""
    return base64.b64encode(data).decode("ascii")


def decode_base64(text: str) -> bytes:
    """Decodes base64; for each bytes there is one text.

    Raises:
        AuditError: `audit.note`.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise malformed_note("what should be base64 is not") from error
    if encode_base64(data) != text:
        raise malformed_note("base64 is not in its one form")
    return data


def malformed_note(detail: str) -> AuditError:
    """The error for a note whose form is wrong."""
    return AuditError(detail, code="audit.note")


def _decode_line(line: str) -> NoteSignature:
    name, separator, encoded = line.removeprefix(_LINE_START).partition(" ")
    if not line.startswith(_LINE_START) or not separator:
        raise malformed_note("a signature line is a dash, a name and base64, with one space between them")
    data = decode_base64(encoded)
    return NoteSignature(name, data[:KEY_ID_BYTES], data[KEY_ID_BYTES:])


def _require_note_size(size: int) -> None:
    if size > MAX_NOTE_BYTES:
        raise AuditError(f"a note has {size} bytes, more than {MAX_NOTE_BYTES}", code="audit.note.size")
