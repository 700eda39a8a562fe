"""The signed member list: who belongs to the coalition, under which certificate, until when.

Handles: the two-way codec between `MemberList` and its signed document, and the verification of a document
that came from anywhere. Refuses: a document that is too large, unsigned, signed by another key, not in its
one canonical form, for another coalition, older than one already seen, or out of its time.

The document is three lines, each ended by a newline (0x0A):

1. the format name, `symbolon-member-list-v1`;
2. the Ed25519 signature in standard base64;
3. canonical JSON: ASCII, keys sorted, no white space, members in ascending order of their ids.

The signature covers line 1 and line 3 with their newlines, so it is checked over the bytes as received,
before anything in them is parsed, and no other signed document of the project can stand in for a list.
Times are UTC with whole seconds. Specification: docs/PROTOCOL.md, membership.
"""

import base64
import json
from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from symbolon.errors import MembershipError
from symbolon.membership.member import (
    CoalitionId,
    Member,
    MemberId,
    MemberKind,
    parse_coalition_id,
    parse_member_id,
)

FORMAT: Final = b"symbolon-member-list-v1\n"

MAX_LIST_BYTES: Final = 2 * 1024 * 1024
"""Room for `MAX_MEMBERS` members with the longest fields; half of what one gRPC message may carry."""

MAX_MEMBERS: Final = 2_000
"""A coalition is dozens to hundreds of members; the bound keeps a list inside one message."""

MAX_EXPELLED: Final = 10_000
"""Names of former members stay in the list, so that a refusal can say why."""

CLOCK_SKEW: Final = timedelta(minutes=5)
"""How far the clocks of two members may differ: a list may be issued this far in the future."""

MAX_VERSION: Final = 2**53 - 1
"""The largest integer that every JSON reader keeps exact."""

_SIGNATURE_LINE_CHARS: Final = 88
_TOP_FIELDS: Final = {"coalition", "expelled", "expires", "issued", "members", "version"}
_MEMBER_FIELDS: Final = {"certificate_sha256", "endpoint", "jurisdiction", "kind", "member_id"}


@dataclass(frozen=True, slots=True)
class MemberList:
    """The members of one coalition at one version.

    Attributes:
        coalition: the coalition's id, also its SPIFFE trust domain.
        version: from 1, grows with every change.
        issued: UTC, whole seconds.
        expires: UTC, whole seconds; from this moment on the list admits nobody.
        members: current members in strictly ascending order of their ids.
        expelled: ids of former members, strictly ascending; never also in `members`.

    Raises:
        MembershipError: `membership.malformed`, at construction, when a rule above is broken.
    """

    coalition: CoalitionId
    version: int
    issued: datetime
    expires: datetime
    members: tuple[Member, ...]
    expelled: tuple[MemberId, ...] = ()

    def __post_init__(self) -> None:
        parse_coalition_id(self.coalition)
        if not 1 <= self.version <= MAX_VERSION:
            raise _malformed("the version is out of range")
        for name, moment in (("issued", self.issued), ("expires", self.expires)):
            if moment.tzinfo is not UTC or moment.microsecond:
                raise _malformed(f"{name} is not UTC with whole seconds")
        if self.expires <= self.issued:
            raise _malformed("the list expires before it is issued")
        if len(self.members) > MAX_MEMBERS or len(self.expelled) > MAX_EXPELLED:
            raise _malformed("the list names too many members")
        ids = [member.member_id for member in self.members]
        for names in (ids, list(self.expelled)):
            if any(left >= right for left, right in pairwise(names)):
                raise _malformed("ids are not strictly ascending")
        for member_id in self.expelled:
            parse_member_id(member_id)
        if not set(ids).isdisjoint(self.expelled):
            raise _malformed("a member is listed as current and as expelled")

    def find(self, member_id: str) -> Member | None:
        """Look a member up by its id.

        Returns:
            The member, or None when no current member has this id.
        """
        index = bisect_left(self.members, member_id, key=lambda member: member.member_id)
        if index < len(self.members) and self.members[index].member_id == member_id:
            return self.members[index]
        return None

    def is_expelled(self, member_id: str) -> bool:
        """Tell whether the id belongs to a member that was expelled."""
        index = bisect_left(self.expelled, member_id)
        return index < len(self.expelled) and self.expelled[index] == member_id


def sign_member_list(member_list: MemberList, list_key: Ed25519PrivateKey) -> bytes:
    """Encode and sign a list.

    Args:
        member_list: the list to publish.
        list_key: the authority's list-signing key.

    Returns:
        The signed document, at most `MAX_LIST_BYTES` bytes.

    Raises:
        MembershipError: `membership.too_large`.
    """
    body = _encode_body(member_list)
    signature = base64.b64encode(list_key.sign(FORMAT + body))
    document = FORMAT + signature + b"\n" + body
    if len(document) > MAX_LIST_BYTES:
        raise MembershipError("the member list is too large to publish", code="membership.too_large")
    return document


def verify_member_list(
    document: bytes,
    authority_key: Ed25519PublicKey,
    *,
    now: datetime,
    coalition: str,
    min_version: int,
) -> MemberList:
    """Verify a document from anywhere and return the list that may be relied on now.

    Args:
        document: the signed document as received.
        authority_key: the public half of the authority's list-signing key.
        now: the current time, aware.
        coalition: the coalition this node belongs to.
        min_version: the highest version ever accepted, 0 at first.

    Returns:
        The list.

    Raises:
        MembershipError: `membership.too_large`, `membership.malformed`, `membership.signature`,
            `membership.coalition`, `membership.rollback`, `membership.not_yet_valid`,
            `membership.expired`.
    """
    # Steps 1 to 4: size, frame, signature, canonical form.
    member_list = open_member_list(document, authority_key)
    # Step 5: it is this coalition's list; one authority may serve two.
    if member_list.coalition != coalition:
        raise MembershipError(
            f"the list is for coalition {member_list.coalition!r}, not {coalition!r}",
            code="membership.coalition",
        )
    # Step 6: it is not older than what was seen.
    if member_list.version < min_version:
        raise MembershipError(
            f"the list has version {member_list.version}, version {min_version} was seen before",
            code="membership.rollback",
            hint="Fetch the current member list from the coordinator; an old copy was put in its place.",
        )
    # Step 7: its time has come and has not passed.
    check_freshness(member_list, now)
    return member_list


def open_member_list(document: bytes, authority_key: Ed25519PublicKey) -> MemberList:
    """Verify who signed a document and decode it, without judging coalition, version or time.

    Raises:
        MembershipError: `membership.too_large`, `membership.malformed` or `membership.signature`.
    """
    # Step 1: the size, before anything is copied.
    if len(document) > MAX_LIST_BYTES:
        raise MembershipError(
            f"the member list has {len(document)} bytes, more than {MAX_LIST_BYTES}",
            code="membership.too_large",
        )
    # Step 2: the frame.
    if not document.startswith(FORMAT):
        raise _malformed("the document is not a member list of a known format")
    signature_end = document.find(b"\n", len(FORMAT))
    signature_line = document[len(FORMAT) : signature_end] if signature_end >= 0 else b""
    if not signature_line:
        raise MembershipError("the member list is not signed", code="membership.signature")
    if len(signature_line) != _SIGNATURE_LINE_CHARS:
        raise _malformed("the signature line has the wrong length")
    try:
        signature = base64.b64decode(signature_line, validate=True)
    except ValueError as error:
        raise _malformed("the signature line is not base64") from error
    if base64.b64encode(signature) != signature_line:
        raise _malformed("the signature line is not canonical base64")
    body = document[signature_end + 1 :]
    # Step 3: the signature, over the bytes as received.
    try:
        authority_key.verify(signature, FORMAT + body)
    except InvalidSignature as error:
        raise MembershipError(
            "the signature on the member list does not verify",
            code="membership.signature",
            hint="The list was altered, or this node trusts another authority than the one that signed it.",
        ) from error
    # Step 4: the content has its one canonical form.
    return _decode_body(body)


def check_freshness(member_list: MemberList, now: datetime) -> None:
    """Check that a list holds at this moment.

    Args:
        member_list: a list whose signature was verified.
        now: the current time, aware.

    Raises:
        MembershipError: `membership.not_yet_valid` or `membership.expired`.
    """
    if member_list.issued > now + CLOCK_SKEW:
        raise MembershipError(
            f"the member list was issued at {_encode_time(member_list.issued)}, which is in the future",
            code="membership.not_yet_valid",
            hint="Check this machine's clock.",
        )
    if now >= member_list.expires:
        raise MembershipError(
            f"the member list expired at {_encode_time(member_list.expires)}",
            code="membership.expired",
            hint="Fetch the current member list from the coordinator, and check this machine's clock.",
        )


def _encode_body(member_list: MemberList) -> bytes:
    content = {
        "coalition": member_list.coalition,
        "expelled": list(member_list.expelled),
        "expires": _encode_time(member_list.expires),
        "issued": _encode_time(member_list.issued),
        "members": [
            {
                "certificate_sha256": member.certificate_sha256.hex(),
                "endpoint": member.endpoint,
                "jurisdiction": member.jurisdiction,
                "kind": member.kind.value,
                "member_id": member.member_id,
            }
            for member in member_list.members
        ],
        "version": member_list.version,
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.encode("ascii") + b"\n"


def _decode_body(body: bytes) -> MemberList:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _malformed("the content is not JSON") from error
    fields = _object(content, _TOP_FIELDS)
    member_list = MemberList(
        coalition=CoalitionId(_text(fields["coalition"])),
        version=_integer(fields["version"]),
        issued=_decode_time(_text(fields["issued"])),
        expires=_decode_time(_text(fields["expires"])),
        members=tuple(_decode_member(item) for item in _array(fields["members"])),
        expelled=tuple(MemberId(_text(item)) for item in _array(fields["expelled"])),
    )
    if _encode_body(member_list) != body:
        raise _malformed("the content is not in canonical form")
    return member_list


def _decode_member(item: object) -> Member:
    fields = _object(item, _MEMBER_FIELDS)
    try:
        kind = MemberKind(_text(fields["kind"]))
        fingerprint = bytes.fromhex(_text(fields["certificate_sha256"]))
    except ValueError as error:
        raise _malformed("a member's kind or fingerprint cannot be read") from error
    return Member(
        member_id=MemberId(_text(fields["member_id"])),
        kind=kind,
        endpoint=_text(fields["endpoint"]),
        certificate_sha256=fingerprint,
        jurisdiction=_text(fields["jurisdiction"]),
    )


def _encode_time(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def _decode_time(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise _malformed("a time is not of the form YYYY-MM-DDThh:mm:ssZ") from error


def _object(value: object, names: set[str]) -> dict[str, Any]:
    if not isinstance(value, dict) or set(value) != names:
        raise _malformed("an object does not have exactly the fields it must have")
    return value


def _array(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise _malformed("a list is missing")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _malformed("a text is missing")
    return value


def _integer(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _malformed("a whole number is missing")
    return value


def _malformed(detail: str) -> MembershipError:
    return MembershipError(detail, code="membership.malformed")
