"""The code that a joining member gets from its sponsor: everything it needs, in one line of text.

Handles: the fields, their compact form, and the text `symbolon1-…` in base32, which survives a mail program
that breaks lines, a telephone, and capital letters. A checksum tells a slip in copying from a code that
somebody made up; it is no protection, the 16 secret bytes are. Refuses: text that is no code of this version,
a copy that lacks or changes a character, fields of another shape, a code after its time.

The secret lets its holder join as this one member until the code is used or expires; `stored_hash` is what
may be kept. Specification: docs/PROTOCOL.md, membership; docs/adr/0013.
"""

import base64
import hashlib
import struct
import unicodedata
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from symbolon.errors import MembershipError
from symbolon.membership.member import (
    CoalitionId,
    MemberId,
    check_endpoint,
    parse_coalition_id,
    parse_member_id,
)

CODE_PREFIX: Final = "symbolon1-"
SECRET_BYTES: Final = 16
ROOT_HASH_BYTES: Final = 32
MAX_ENDPOINTS: Final = 4
"""A sponsor has a name and perhaps an address of each family."""

MAX_CODE_CHARS: Final = 2_048
"""Four endpoints of the greatest length give less than this; usual are 200."""

MAX_TYPED_CHARS: Final = 2 * MAX_CODE_CHARS
"""As it arrives, with what mail programs put in between."""

MAX_ROOT_VERSION: Final = 2**32 - 1

_CHECKSUM_BYTES: Final = 4
_FIXED: Final = struct.Struct(">I32sQ16s")
"""Root version, SHA-256 of the root, expiry in seconds since 1970-01-01 UTC, secret."""


@dataclass(frozen=True, slots=True)
class InvitationCode:
    """One invitation, with its secret.

    Attributes:
        coalition: the coalition to join.
        member_id: the id under which, and no other.
        sponsor: the member that wrote the code and that will answer.
        endpoints: each a `host:port` of the sponsor, at least one: who joins dials it.
        root_version: of the root metadata in force when the code was written, 1 or more.
        root_sha256: 32 bytes, SHA-256 of that `root.json`.
        expires: UTC, whole seconds.
        secret: 16 random bytes.

    Raises:
        MembershipError: `membership.malformed` or `membership.invitation.malformed`, at construction.
    """

    coalition: CoalitionId
    member_id: MemberId
    sponsor: MemberId
    endpoints: tuple[str, ...]
    root_version: int
    root_sha256: bytes
    expires: datetime
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        parse_coalition_id(self.coalition)
        parse_member_id(self.member_id)
        parse_member_id(self.sponsor)
        for endpoint in self.endpoints:
            check_endpoint(endpoint)
        if not 1 <= len(self.endpoints) <= MAX_ENDPOINTS:
            raise _malformed(f"{len(self.endpoints)} endpoints are not from 1 to {MAX_ENDPOINTS}")
        if not 1 <= self.root_version <= MAX_ROOT_VERSION or len(self.root_sha256) != ROOT_HASH_BYTES:
            raise _malformed("the version or the hash of the root is out of range")
        if self.expires.utcoffset() != timedelta(0) or self.expires.microsecond or self.expires.year < 1970:
            raise _malformed("the expiry is not a whole second in UTC")
        if len(self.secret) != SECRET_BYTES:
            raise _malformed(f"the secret has {len(self.secret)} bytes instead of {SECRET_BYTES}")

    @property
    def stored_hash(self) -> bytes:
        """SHA-256 by which the sponsor knows the code again, 32 bytes; the secret cannot be had from it."""
        return hashlib.sha256(b"symbolon-invitation-stored-v1\0" + self.secret).digest()

    def require_unexpired(self, now: datetime) -> None:
        """Checks the code's time.

        Args:
            now: the current time, aware.

        Raises:
            MembershipError: `membership.invitation.expired`.
        """
        if now >= self.expires:
            raise MembershipError(
                f"the invitation code ended at {self.expires:%Y-%m-%d %H:%M} UTC",
                hint=f"Check this machine's clock; if it is right, ask {self.sponsor} for a new code.",
                code="membership.invitation.expired",
            )

    def encode(self) -> str:
        """Encodes the code as one word of at most `MAX_CODE_CHARS` lower-case characters."""
        return _text(_payload(self))

    @classmethod
    def decode(cls, text: str) -> "InvitationCode":
        """Decodes what a person pasted or typed.

        Args:
            text: the code, in either case; spaces, line breaks and invisible characters do not count.

        Returns:
            The code; it may have expired, see `require_unexpired`.

        Raises:
            MembershipError: `membership.invitation.malformed` or `membership.invitation.checksum`.
        """
        # Step 1: it claims to be a code of this version.
        if len(text) > MAX_TYPED_CHARS:
            raise _malformed(f"the invitation code has {len(text)} characters")
        word = "".join(each for each in text if not each.isspace() and unicodedata.category(each) != "Cf")
        word = word.lower()
        if not word.startswith(CODE_PREFIX):
            raise _malformed(f"the invitation code does not begin with {CODE_PREFIX}")
        # Step 2: it is whole and as it was written, in its one spelling.
        body = word.removeprefix(CODE_PREFIX).upper()
        try:
            payload = base64.b32decode(body + "=" * (-len(body) % 8))[:-_CHECKSUM_BYTES]
        except ValueError as error:
            raise _miscopied() from error
        if word != _text(payload):
            raise _miscopied()
        # Step 3: its fields.
        try:
            return _Reader(payload).code()
        except MembershipError as error:
            raise _malformed(error.detail) from error


def _text(payload: bytes) -> str:
    checked = payload + hashlib.sha256(CODE_PREFIX.encode("ascii") + payload).digest()[:_CHECKSUM_BYTES]
    return CODE_PREFIX + base64.b32encode(checked).decode("ascii").rstrip("=").lower()


def _payload(code: InvitationCode) -> bytes:
    return b"".join(
        (
            *map(_string, (code.coalition, code.member_id, code.sponsor)),
            bytes([len(code.endpoints)]),
            *map(_string, code.endpoints),
            _FIXED.pack(code.root_version, code.root_sha256, int(code.expires.timestamp()), code.secret),
        )
    )


def _string(text: str) -> bytes:
    return len(text).to_bytes(2) + text.encode("ascii")


class _Reader:
    """Takes the fields off the compact form, in order."""

    def __init__(self, payload: bytes) -> None:
        self._rest = payload

    def code(self) -> InvitationCode:
        coalition, member_id, sponsor = self._string(), self._string(), self._string()
        endpoints = tuple(self._string() for _ in range(self._take(1)[0]))
        version, root, expires_s, secret = _FIXED.unpack(self._take(_FIXED.size))
        if self._rest:
            raise _malformed("the invitation code goes on after its end")
        try:
            expires = datetime.fromtimestamp(expires_s, UTC)
        except (ValueError, OverflowError, OSError) as error:
            raise _malformed("the expiry is out of range") from error
        return InvitationCode(
            coalition=CoalitionId(coalition),
            member_id=MemberId(member_id),
            sponsor=MemberId(sponsor),
            endpoints=endpoints,
            root_version=version,
            root_sha256=root,
            expires=expires,
            secret=secret,
        )

    def _string(self) -> str:
        try:
            return self._take(int.from_bytes(self._take(2))).decode("ascii")
        except UnicodeDecodeError as error:
            raise _malformed("a name in the invitation code is not ASCII") from error

    def _take(self, count: int) -> bytes:
        if count > len(self._rest):
            raise _malformed("the invitation code ends within a field")
        taken, self._rest = self._rest[:count], self._rest[count:]
        return taken


def _miscopied() -> MembershipError:
    return MembershipError(
        "the invitation code was not copied whole, or a character of it changed",
        hint="Copy it again from its first to its last character; it holds the letters a to z and 2 to 7.",
        code="membership.invitation.checksum",
    )


def _malformed(detail: str) -> MembershipError:
    return MembershipError(
        detail,
        hint=f"An invitation code begins with {CODE_PREFIX}; ask the founder for one of this version.",
        code="membership.invitation.malformed",
    )
