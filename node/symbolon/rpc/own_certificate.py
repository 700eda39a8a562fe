"""This node's own certificate, looked at before it is used; what its operator does where it does not hold.

Handles: the whole judgement of a certificate as that of one member, with hints for whoever runs its node:
`match`, `serve` and `doctor` say the same. Refuses: what `verify_leaf` refuses, and another member's.
Specification: docs/PROTOCOL.md, transport.
"""

from datetime import datetime

from symbolon.errors import MembershipError
from symbolon.membership.certificates import verify_leaf
from symbolon.membership.readmission import again_command


def require_own(certificate: bytes, authorities: bytes, coalition: str, member: str, now: datetime) -> None:
    """Checks that a certificate makes this node the member that it is configured to be.

    Args:
        certificate: a leaf.
        authorities: those of the coalition, PEM.
        coalition: as configured.
        member: likewise.
        now: the current time, aware.

    Raises:
        MembershipError: as `verify_leaf`, with a hint for this node's operator; or
            `membership.certificate.member`.
    """
    try:
        identity = verify_leaf(certificate, authorities, coalition, now=now)
    except MembershipError as error:
        hint = _hint(error.full_code, member)
        raise MembershipError(error.detail, hint=hint, code=error.full_code) from error
    if identity.member_id != member:
        raise MembershipError(
            f"the certificate is for {identity.member_id}, not for {member}",
            hint="Set node.member in symbolon.toml to the member that this folder is of.",
            code="membership.certificate.member",
        )


def absent(name: str, member: str, *, joined: bool) -> MembershipError:
    """The error for a certificate or key that is not in the folder.

    Args:
        name: of the file.
        member: as configured.
        joined: whether the folder has the coalition's metadata, and no key waits for its certificate.
    """
    if joined:
        return MembershipError(
            f"this node had joined, and {name} is missing",
            hint="Put it back from a copy of this folder; without one, ask a founder for "
            f"`{again_command(member)}`.",
            code="membership.not_enrolled",
        )
    return MembershipError(
        f"this node has not joined a coalition yet: {name} is missing",
        hint="Run `symbolon coalition join CODE` with the code of an invitation.",
        code="membership.not_enrolled",
    )


def ended_hint(member: str) -> str:
    """What to do about a certificate that has ended: it can be renewed only while it holds."""
    return (
        f"If this machine's clock is right, ask a founder for `{again_command(member)}`, then run "
        "`symbolon coalition join CODE` here; on a founder's own node "
        "`symbolon coalition rotate certificate` does."
    )


def _hint(code: str, member: str) -> str:
    match code.removeprefix("membership.certificate."):
        case "expired":
            return ended_hint(member)
        case "not_yet_valid":
            return "Set this machine's clock; it seems to be behind."
        case "issuer":
            return (
                "Put back the certificate that a founder of this coalition signed, or ask a founder for "
                f"`{again_command(member)}`."
            )
        case _:
            return "Run `symbolon coalition rotate certificate`."
