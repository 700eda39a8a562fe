"""`members.json`: the two-way codec between `Members` and the document that the founders sign.

Handles: the canonical form (see `canonical_json`), byte for byte the same at every founder, and the SHA-256
of a document and of one member's entry. Refuses: a document that is too large, has a field more or less,
breaks a rule of `Members`, names other prohibited uses, or is not in its one form. Nothing here says that a
document holds: the coalition's metadata vouches for its bytes. Days are written YYYY-MM-DD, keys and hashes
in hexadecimal. Specification: docs/PROTOCOL.md, membership; docs/adr/0013.
"""

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Final, TypeVar

from symbolon.membership.canonical_json import (
    MAX_INTEGER,
    date_text,
    decode_json,
    encode_canonical,
    malformed,
    read_array,
    read_bytes,
    read_date,
    read_integer,
    read_object,
    read_text,
    require_size,
)
from symbolon.membership.due_diligence import PROHIBITED_USES, Acceptance, DueDiligence, Vetting
from symbolon.membership.member import CoalitionId, MemberId, MemberKind
from symbolon.membership.member_record import Expelled, MemberRecord, Members, Role, Status

MAX_MEMBERS_BYTES: Final = 2 * 1024 * 1024
"""Room for `MAX_MEMBERS` entries of 1 KiB; half of what one gRPC message may carry."""

_MEMBERS_FIELDS: Final = frozenset(
    "coalition expelled members previous prohibited_uses purposes terms_version version".split()
)
_MEMBER_FIELDS: Final = frozenset(
    "certificates changed due_diligence endpoint jurisdiction kind member_id reason relay_endpoint relays"
    " roles signing_key status".split()
)
_DUE_DILIGENCE_FIELDS: Final = frozenset({"acceptance", "attested", "vetting"})
_ACCEPTANCE_FIELDS: Final = frozenset({"on", "person", "terms_version"})
_VETTING_FIELDS: Final = frozenset({"by", "criteria", "lapses", "on", "person"})
_EXPELLED_FIELDS: Final = frozenset({"member_id", "on", "reason"})

_Name = TypeVar("_Name", bound=StrEnum)


def encode_members(members: Members) -> bytes:
    """Encodes the document.

    Args:
        members: its content.

    Returns:
        At most `MAX_MEMBERS_BYTES` bytes.

    Raises:
        MembershipError: `membership.too_large`, or `membership.malformed` for a version or a day that the
            document cannot carry.
    """
    if members.version > MAX_INTEGER:
        raise malformed("the version is out of range")
    content = {
        "coalition": members.coalition,
        "expelled": [
            {"member_id": each.member_id, "on": date_text(each.on), "reason": each.reason}
            for each in members.expelled
        ],
        "members": [record_content(record) for record in members.members],
        "previous": members.previous.hex(),
        "prohibited_uses": PROHIBITED_USES,
        "purposes": members.purposes,
        "terms_version": members.terms_version,
        "version": members.version,
    }
    return require_size(encode_canonical(content), MAX_MEMBERS_BYTES)


def decode_members(document: bytes) -> Members:
    """Decodes a document whose signatures the caller has verified.

    Args:
        document: the bytes of the target `members.json`.

    Returns:
        Its content.

    Raises:
        MembershipError: `membership.too_large` or `membership.malformed`.
    """
    fields = read_object(decode_json(document, MAX_MEMBERS_BYTES), _MEMBERS_FIELDS)
    if fields["prohibited_uses"] != list(PROHIBITED_USES):
        raise malformed("the prohibited uses are not those of this version of the program")
    members = Members(
        coalition=CoalitionId(read_text(fields["coalition"])),
        version=read_integer(fields["version"]),
        previous=read_bytes(fields["previous"]),
        terms_version=read_text(fields["terms_version"]),
        purposes=tuple(read_text(each) for each in read_array(fields["purposes"])),
        members=tuple(read_record(each) for each in read_array(fields["members"])),
        expelled=tuple(_read_expelled(each) for each in read_array(fields["expelled"])),
    )
    if encode_members(members) != document:
        raise malformed("the document is not in canonical form")
    return members


def members_sha256(members: Members) -> bytes:
    """Returns the SHA-256 of the document, 32 bytes: what the next version names as its base."""
    return hashlib.sha256(encode_members(members)).digest()


def entry_sha256(record: MemberRecord) -> bytes:
    """Returns the SHA-256 of one member's entry, 32 bytes: what the member's own statements refer to."""
    return hashlib.sha256(encode_canonical(record_content(record))).digest()


def record_content(record: MemberRecord) -> Mapping[str, object]:
    """Returns a member's entry as the tree that is encoded."""
    due_diligence = record.due_diligence
    return {
        "certificates": [each.hex() for each in record.certificates],
        "changed": record.changed,
        "due_diligence": {
            "acceptance": acceptance_content(due_diligence.acceptance),
            "attested": date_text(due_diligence.attested),
            "vetting": vetting_content(due_diligence.vetting),
        },
        "endpoint": record.endpoint,
        "jurisdiction": record.jurisdiction,
        "kind": record.kind,
        "member_id": record.member_id,
        "reason": record.reason,
        "relay_endpoint": record.relay_endpoint,
        "relays": record.relays,
        "roles": record.roles,
        "signing_key": record.signing_key.hex(),
        "status": record.status,
    }


def acceptance_content(acceptance: Acceptance) -> Mapping[str, object]:
    """Returns an acceptance as the tree that is encoded."""
    return {
        "on": date_text(acceptance.on),
        "person": acceptance.person,
        "terms_version": acceptance.terms_version,
    }


def vetting_content(vetting: Vetting) -> Mapping[str, object]:
    """Returns a vetting as the tree that is encoded."""
    return {
        "by": vetting.by,
        "criteria": vetting.criteria,
        "lapses": date_text(vetting.lapses),
        "on": date_text(vetting.on),
        "person": vetting.person,
    }


def read_record(value: object) -> MemberRecord:
    """Returns the member of an entry.

    Raises:
        MembershipError: `membership.malformed`.
    """
    fields = read_object(value, _MEMBER_FIELDS)
    return MemberRecord(
        member_id=MemberId(read_text(fields["member_id"])),
        kind=read_name(fields["kind"], MemberKind),
        roles=read_roles(fields["roles"]),
        jurisdiction=read_text(fields["jurisdiction"]),
        endpoint=read_text(fields["endpoint"]),
        relays=read_relays(fields["relays"]),
        relay_endpoint=read_text(fields["relay_endpoint"]),
        signing_key=read_bytes(fields["signing_key"]),
        certificates=tuple(read_bytes(each) for each in read_array(fields["certificates"])),
        status=read_name(fields["status"], Status),
        reason=read_text(fields["reason"]),
        due_diligence=_read_due_diligence(fields["due_diligence"]),
        changed=read_integer(fields["changed"]),
    )


def read_acceptance(value: object) -> Acceptance:
    """Returns an acceptance.

    Raises:
        MembershipError: `membership.malformed`.
    """
    fields = read_object(value, _ACCEPTANCE_FIELDS)
    return Acceptance(
        terms_version=read_text(fields["terms_version"]),
        on=read_date(fields["on"]),
        person=read_text(fields["person"]),
    )


def read_vetting(value: object) -> Vetting:
    """Returns a vetting.

    Raises:
        MembershipError: `membership.malformed`.
    """
    fields = read_object(value, _VETTING_FIELDS)
    return Vetting(
        by=MemberId(read_text(fields["by"])),
        person=read_text(fields["person"]),
        on=read_date(fields["on"]),
        criteria=read_text(fields["criteria"]),
        lapses=read_date(fields["lapses"]),
    )


def read_roles(value: object) -> tuple[Role, ...]:
    """Returns roles, in the order in which they stand."""
    return tuple(read_name(each, Role) for each in read_array(value))


def read_relays(value: object) -> tuple[MemberId, ...]:
    """Returns ids of relays, in the order in which they stand."""
    return tuple(MemberId(read_text(each)) for each in read_array(value))


def read_name(value: object, names: type[_Name]) -> _Name:
    """Returns the one of a closed list of names.

    Raises:
        MembershipError: `membership.malformed`.
    """
    try:
        return names(read_text(value))
    except ValueError as error:
        raise malformed(f"a {names.__name__.lower()} is not a known one") from error


def _read_due_diligence(value: object) -> DueDiligence:
    fields = read_object(value, _DUE_DILIGENCE_FIELDS)
    return DueDiligence(
        acceptance=read_acceptance(fields["acceptance"]),
        vetting=read_vetting(fields["vetting"]),
        attested=read_date(fields["attested"]),
    )


def _read_expelled(value: object) -> Expelled:
    fields = read_object(value, _EXPELLED_FIELDS)
    return Expelled(
        member_id=MemberId(read_text(fields["member_id"])),
        on=read_date(fields["on"]),
        reason=read_text(fields["reason"]),
    )
