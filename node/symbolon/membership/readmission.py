"""Who may be admitted: an organisation that is no member, or a member whose keys are lost, with new ones.

Handles: the one judgement of an id that is to be invited or admitted. Who is admitted again names the signing
key that its new one replaces, so an admission is good for once only. Refuses: an id that is taken or was
expelled; for a member that comes again another kind, country or role than it has; one that is suspended,
since a suspension is lifted and not gone around; a founder, whose keys stand in the root as well.
Specification: docs/PROTOCOL.md, acts; docs/adr/0013.
"""

from collections.abc import Sequence

from symbolon.errors import MembershipError
from symbolon.membership.canonical_json import malformed
from symbolon.membership.member import MemberKind
from symbolon.membership.member_record import SIGNING_KEY_BYTES, MemberRecord, Members, Role, Status


def again_command(member_id: str) -> str:
    """The command with which a founder has a member come again with new keys."""
    return f"symbolon coalition invite {member_id} --again --vetted-by NAME --criteria TEXT"


def check_replaced(replaces: bytes) -> None:
    """Checks the form of a signing key that is to be replaced, or of none.

    Raises:
        MembershipError: `membership.malformed`.
    """
    if replaces and len(replaces) != SIGNING_KEY_BYTES:
        raise malformed("the signing key that is replaced has 32 bytes")


def require_new(members: Members, member_id: str) -> None:
    """Checks that an id is free for an organisation that was no member before.

    Raises:
        MembershipError: `membership.expelled` or `membership.duplicate`.
    """
    _require_not_expelled(members, member_id)
    if members.find(member_id) is not None:
        raise MembershipError(
            f"{member_id} is a member already",
            hint="Choose another id; or, if it is this member and its keys are lost: "
            f"`{again_command(member_id)}`.",
            code="membership.duplicate",
        )


def require_replaceable(members: Members, member_id: str) -> MemberRecord:
    """Returns the entry of a member that may get new keys.

    Raises:
        MembershipError: `membership.expelled`, `membership.unknown`, `membership.act.suspended` or
            `membership.act.founder`.
    """
    _require_not_expelled(members, member_id)
    present = members.find(member_id)
    if present is None:
        raise MembershipError(
            f"{member_id} is no member, so it cannot be admitted again",
            hint="Invite it without --again.",
            code="membership.unknown",
        )
    if present.status is Status.SUSPENDED:
        raise MembershipError(
            f"{member_id} is suspended: {present.reason}",
            hint=f"If that is over, run `symbolon coalition reinstate {member_id}` first.",
            code="membership.act.suspended",
        )
    if Role.FOUNDER in present.roles:
        raise MembershipError(
            f"{member_id} is a founder, and its keys are in the root as well",
            hint=f"First run `symbolon coalition founders --drop {member_id} --threshold N`; once it has "
            "joined again, add it by a new offer.",
            code="membership.act.founder",
        )
    return present


def require_same(
    present: MemberRecord, replaces: bytes, kind: MemberKind, jurisdiction: str, roles: Sequence[Role]
) -> None:
    """Checks that a member comes again as what it is, and in the place of the keys that it has.

    Args:
        present: its entry.
        replaces: 32 bytes, the signing key that it is said to have.
        kind: as it would be admitted.
        jurisdiction: likewise.
        roles: likewise.

    Raises:
        MembershipError: `membership.act.again`.
    """
    if replaces != present.signing_key:
        raise _refused(present, "has other keys by now than those that would be replaced")
    if (kind, jurisdiction, tuple(roles)) != (present.kind, present.jurisdiction, present.roles):
        raise _refused(present, "would come back as another kind, of another country or with other roles")


def _require_not_expelled(members: Members, member_id: str) -> None:
    if members.is_expelled(member_id):
        raise MembershipError(
            f"{member_id} was expelled; its id is not given again",
            hint="Choose another id; none is given twice.",
            code="membership.expelled",
        )


def _refused(present: MemberRecord, why: str) -> MembershipError:
    return MembershipError(
        f"{present.member_id} {why}",
        hint=f"Ask a founder for a new code: `{again_command(present.member_id)}`.",
        code="membership.act.again",
    )
