"""Four eyes: a request for approval, and who may give it.

Handles: the request of one operator for one action on exactly one subject, named by its SHA-256; the rules
by which a second person may approve it. Refuses, as the second person: the author; whoever the author could
be in disguise, that is, an operator whose entry, role or password was set after the request by the author,
or by somebody who was so set in turn; an operator whose password is one that somebody else gave it and so
knows; a role below approver; a request that is no longer open. Specification: docs/operators.md.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from symbolon.errors import PermissionDeniedError, SymbolonError, UsageError
from symbolon.policy.operator_roles import FourEyesAction, Role, require_role

APPROVAL_LIFE_S: Final = 7 * 86400
"""A week: long enough for a colleague's days off, short enough that both still know what it was about."""

MAX_WORDS_CHARS: Final = 500
"""What a second person is asked to read before it approves."""

State = Literal["waiting", "approved", "denied", "used"]


class PendingApprovalError(SymbolonError):
    """The action waits for a second person; running the command again once it has approved carries it out."""

    code = "permission.four_eyes.pending"
    public = "waiting for approval"
    exit_code = 75


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """One request; times in seconds since 1970-01-01 UTC.

    Attributes:
        request_id: `ap-` and eight hexadecimal digits.
        digest: SHA-256 of exactly what is to be done, see `subject_digest`.
        words: the same for people, one line.
        requested_by: the author's pseudonym.
        after_change: number of the newest change to operators when the request was made.
        expires_at_s: the first second at which it is no longer good.
        decided_by: who approved or denied it; empty before.
    """

    request_id: str
    action: FourEyesAction
    digest: bytes
    words: str
    requested_by: str
    requested_at_s: int
    expires_at_s: int
    after_change: int
    state: State = "waiting"
    decided_by: str = ""


@dataclass(frozen=True, slots=True)
class OperatorChange:
    """One change to an operator, in the order in which they were made.

    Attributes:
        number: ascending.
        whom: pseudonym of the operator that was changed.
        what: what was changed.
        by: pseudonym of who did it.
    """

    number: int
    at_s: int
    whom: str
    what: Literal["added", "role", "password", "removed"]
    by: str


@dataclass(frozen=True, slots=True)
class SecondPerson:
    """Who wants to approve.

    Attributes:
        own_credential: it alone knows what it signs in with, as far as this node can tell.
    """

    pseudonym: str
    role: Role
    own_credential: bool


def subject_digest(action: FourEyesAction, subject: bytes) -> bytes:
    """SHA-256 of an action and the bytes that say exactly what it is to be done to."""
    name = action.encode()
    return hashlib.sha256(b"symbolon four eyes v1" + bytes([len(name)]) + name + subject).digest()


def require_words(words: str) -> None:
    """Checks the line that people read.

    Raises:
        UsageError: `usage.words`, empty, too long, or not one plain line.
    """
    if not 0 < len(words) <= MAX_WORDS_CHARS or not words.isprintable():
        raise UsageError(
            f"what is to be approved is described in 1 to {MAX_WORDS_CHARS} printable characters",
            code="usage.words",
        )


def influenced_by(author: str, changes: Iterable[OperatorChange]) -> frozenset[str]:
    """The author and everybody it could be in disguise.

    Args:
        author: a pseudonym.
        changes: those made after its request, in order.

    Returns:
        Pseudonyms of the author, of operators that it added, gave a role or a password, of those whom these
        did the same to afterwards, and so on.
    """
    found = {author}
    for change in changes:
        if change.by in found:
            found.add(change.whom)
    return frozenset(found)


def require_may_approve(
    request: ApprovalRequest, second: SecondPerson, changes: Iterable[OperatorChange], *, now_s: float
) -> None:
    """Checks that somebody may be the second pair of eyes.

    Args:
        request: what is to be approved.
        second: who wants to.
        changes: all changes to operators after the request, in order.
        now_s: seconds since 1970-01-01 UTC.

    Raises:
        PermissionDeniedError: `permission.role`, `permission.four_eyes.author`, `.influenced`,
            `.credential`, or what `require_open` says.
    """
    require_open(request, now_s=now_s)
    if second.pseudonym == request.requested_by:
        raise PermissionDeniedError(
            f"{request.request_id} is your own request: nobody approves their own",
            hint="Ask another approver or administrator to read and approve it.",
            code="permission.four_eyes.author",
        )
    require_role(second.role, Role.APPROVER, "approving")
    later = [change for change in changes if change.number > request.after_change]
    if second.pseudonym in influenced_by(request.requested_by, later):
        raise PermissionDeniedError(
            f"your entry, role or password was set through {request.requested_by} after {request.request_id} "
            "was requested",
            hint="Another approver or administrator has to approve it, or it is requested anew.",
            code="permission.four_eyes.influenced",
        )
    if not second.own_credential:
        raise PermissionDeniedError(
            "your password was given to you by somebody else, who still knows it",
            hint="Run `symbolon operators password` to choose one of your own, then approve.",
            code="permission.four_eyes.credential",
        )


def require_open(request: ApprovalRequest, *, now_s: float) -> None:
    """Checks that a request still waits for its second person.

    Raises:
        PermissionDeniedError: `permission.four_eyes.closed`, decided already or out of time.
    """
    if request.state != "waiting" or now_s >= request.expires_at_s:
        state = request.state if request.state != "waiting" else "expired"
        raise PermissionDeniedError(
            f"{request.request_id} is no longer open: {state}",
            hint="Whoever wants it done runs the command again, which asks anew.",
            code="permission.four_eyes.closed",
        )
