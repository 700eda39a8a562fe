"""Between the error tree and gRPC statuses.

Outbound, a peer learns the status, the fixed public message and a stable code; nothing unexpected leaves the
node as more than INTERNAL. Inbound, a status becomes the error that the operator can act on: everything that
may pass by itself becomes `UnavailableError`, exit code 75.
"""

import re
from typing import Final

import grpc

from symbolon.errors import (
    BudgetError,
    InvalidElementError,
    LocalProtocolError,
    MembershipError,
    PermissionDeniedError,
    RemoteProtocolError,
    StaleEpochError,
    StorageError,
    SymbolonError,
    UnavailableError,
    UnknownSuiteError,
)
from symbolon.rpc.refusal import refusal_code, refused_by

CODE_KEY: Final = "symbolon-code"
"""Trailing metadata that carries the stable code."""

_CODE: Final = re.compile(r"[a-z][a-z0-9._-]{0,63}")
"""What a stable code looks like; a peer's that does not is no code."""

_STATUS: Final[tuple[tuple[type[SymbolonError], grpc.StatusCode], ...]] = (
    (StaleEpochError, grpc.StatusCode.FAILED_PRECONDITION),
    (UnknownSuiteError, grpc.StatusCode.INVALID_ARGUMENT),
    (InvalidElementError, grpc.StatusCode.INVALID_ARGUMENT),
    (RemoteProtocolError, grpc.StatusCode.INVALID_ARGUMENT),
    (PermissionDeniedError, grpc.StatusCode.PERMISSION_DENIED),
    (BudgetError, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (MembershipError, grpc.StatusCode.UNAUTHENTICATED),
    (UnavailableError, grpc.StatusCode.UNAVAILABLE),
    (StorageError, grpc.StatusCode.UNAVAILABLE),
)

_TRANSIENT: Final = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.ABORTED,
    }
)


BUSY: Final = "unavailable.busy"
"""All places are taken: who comes again in a moment may find one."""


def public_code(error: BaseException) -> str:
    """The code a peer may see: the narrow one where the peer's own messages caused it, else the class's."""
    if not isinstance(error, SymbolonError) or isinstance(error, LocalProtocolError):
        return SymbolonError.code
    narrow = isinstance(error, (RemoteProtocolError, PermissionDeniedError)) or error.full_code == BUSY
    return error.full_code if narrow and _CODE.fullmatch(error.full_code) else error.code


def refused_code(error: BaseException) -> str:
    """The code that ends a call: as `public_code`; to a refused member, what is wrong with its standing."""
    return refusal_code(error) if isinstance(error, MembershipError) else public_code(error)


def answered_code(error: BaseException) -> str:
    """The code that a caller may see once it is known: also which rule of membership its request broke."""
    if isinstance(error, MembershipError) and _CODE.fullmatch(error.full_code):
        return error.full_code
    return public_code(error)


def public_message(error: BaseException) -> str:
    """The fixed text a peer may see."""
    return error.public if isinstance(error, SymbolonError) else SymbolonError.public


def to_status(error: BaseException) -> grpc.StatusCode:
    """The gRPC status of an error."""
    for kind, status in _STATUS:
        if isinstance(error, kind):
            return status
    return grpc.StatusCode.INTERNAL


def answered_status(error: BaseException) -> grpc.StatusCode:
    """The gRPC status of an error for a caller that is known: it was not refused, its request was."""
    known = isinstance(error, MembershipError)
    return grpc.StatusCode.FAILED_PRECONDITION if known else to_status(error)


_ADVICE: Final = {
    "membership.act.again": "This member got new keys since the code was written; ask for another one.",
    "membership.act.suspended": "This member is suspended: ask a founder why, and to reinstate it first.",
    "membership.duplicate": (
        "This id is a member already; if that was you with another code, ask for one with --again."
    ),
    "membership.expelled": "This id was expelled, and none is given twice; ask a founder why.",
    "permission.agreement": (
        "Two companies agree on a purpose before one learns which suppliers they share: "
        "`symbolon policy agree {peer} --purpose …`, at both nodes; --mode size needs no agreement."
    ),
    "permission.attestation": "Run `symbolon coalition attest`; the peer wants a newer attestation.",
    "permission.enumeration": (
        "The peer takes what was asked for more than a supplier list changes; "
        "wait for its next key epoch, or talk to its operator."
    ),
    "permission.purpose": "Name a purpose of the coalition: `symbolon coalition members` lists them.",
    "permission.suite": "The peer wants another suite: exchange.suite in symbolon.toml.",
    "permission.size_sessions": "The size sessions of this key epoch are used up; try again in the next one.",
    "membership.founder": "Only a founder's node can do this; `symbolon coalition members` names them.",
    "membership.invitation.unknown": "Ask the founder for a new invitation.",
    "membership.invitation.withdrawn": "Ask the founder for a new invitation.",
    "membership.invitation.used": (
        "Ask the founder for a new invitation; if this one was not answered by you, say so."
    ),
    "membership.statement.stale": "Run `symbolon coalition sync`, then the same command again.",
    "permission.small": "Size mode needs at least 1,000 records on each side; agree on --mode intersection.",
}


def from_failure(peer: str, code: str) -> SymbolonError:
    """The error for a stable code that the peer gave as its reason."""
    if not _CODE.fullmatch(code):
        code = SymbolonError.code
    if code.startswith("permission"):
        hint = _ADVICE.get(
            code, f"Ask the operator of {peer} for an [[allow]] table with this mode, purpose and tiers."
        )
        hint = hint.replace("{peer}", peer)
        return PermissionDeniedError(f"{peer} does not permit this", hint=hint, code=code)
    if code.startswith(BudgetError.code):
        hint = f"Wait for the next budget window, ask for fewer tiers, or ask {peer} for a larger budget."
        return BudgetError(f"the query budget at {peer} does not cover this list", hint=hint)
    if code.startswith(StaleEpochError.code):
        return StaleEpochError(f"{peer} has begun a new key epoch", hint="Run the same command again.")
    if code.startswith(UnknownSuiteError.code):
        hint = "Set exchange.suite in symbolon.toml to one that both nodes answer."
        return UnknownSuiteError(f"{peer} does not offer this suite", hint=hint)
    if code.startswith(f"{MembershipError.code}."):
        hint = _ADVICE.get(code, f"`symbolon doctor` checks this node; the log of {peer} says more.")
        return MembershipError(f"{peer} refused the request ({code})", hint=hint, code=code)
    if code.startswith(MembershipError.code):
        return refused_by(peer, code)
    if code.startswith((UnavailableError.code, StorageError.code)):
        known = code if code.startswith(UnavailableError.code) else None
        return UnavailableError(f"{peer} cannot answer now", hint="Try again in a moment.", code=known)
    if code.startswith("protocol"):
        return RemoteProtocolError(
            f"{peer} refused what this node sent ({code})",
            hint="Are both nodes of the same version? `symbolon --version` tells.",
            code="protocol.refused",
        )
    return UnavailableError(
        f"{peer} failed inside", hint=f"Its operator finds the reason in the log of {peer}."
    )


def from_status(peer: str, error: grpc.aio.AioRpcError) -> SymbolonError:
    """The error for a call that ended in a status."""
    metadata = error.trailing_metadata()
    code = metadata.get(CODE_KEY) if metadata is not None else None
    if code is not None:
        if error.code() is grpc.StatusCode.UNAUTHENTICATED:
            return refused_by(peer, str(code))
        return from_failure(peer, str(code))
    if error.code() in _TRANSIENT:
        return UnavailableError(
            f"{peer} cannot be reached or stopped half-way ({error.code().name.lower()})",
            hint="Try again; nothing was lost. `symbolon doctor PEER` says what is wrong.",
        )
    return UnavailableError(f"{peer} failed ({error.code().name.lower()})", hint="Try again in a moment.")
