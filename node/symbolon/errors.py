"""The error tree of the node.

Every error that leaves a function on purpose is a `SymbolonError`. It carries three texts with three
readers: a stable `code` for programs, a fixed `public` message that may travel to a peer, and a private
`detail` for the operator of this node only. `hint` tells the operator what to do next. A peer never sees
`detail` or `hint`; anything that is not a `SymbolonError` reaches it as `internal`.

Exit codes follow sysexits.h where it has a word for the case; 75 means "try again".
"""

from typing import ClassVar


class SymbolonError(Exception):
    """Root of the tree.

    Args:
        detail: what happened, for this node's operator. May name local files; never carries supplier
            identifiers of another member, key material or sources.
        hint: what the operator can do next, one sentence, or None.
        code: a narrower code below the class's own, for example `input.header.missing`.
    """

    code: ClassVar[str] = "internal"
    public: ClassVar[str] = "internal error"
    exit_code: ClassVar[int] = 70

    def __init__(self, detail: str, *, hint: str | None = None, code: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.hint = hint
        self.full_code = code or type(self).code


class UsageError(SymbolonError):
    """The command line asked for something that cannot be done as typed."""

    code = "usage"
    public = "usage error"
    exit_code = 2


class ConfigError(SymbolonError):
    """The configuration file is missing, unreadable or wrong."""

    code = "config"
    public = "node is misconfigured"
    exit_code = 78


class InputError(SymbolonError):
    """A file given by the operator cannot be used. Single bad rows do not raise; they are reported."""

    code = "input"
    public = "invalid input"
    exit_code = 65


class StorageError(SymbolonError):
    """The database cannot be opened, read or written; nothing was half-written."""

    code = "storage"
    public = "storage failure"
    exit_code = 74


class SealError(StorageError):
    """A sealed column does not open: wrong key, or bytes moved or altered."""

    code = "storage.seal"


class MembershipError(SymbolonError):
    """The member list, a certificate or a member's standing does not hold."""

    code = "membership"
    public = "not a current member"
    exit_code = 77


class PermissionDeniedError(SymbolonError):
    """The operator of the answering node has not allowed this request."""

    code = "permission.denied"
    public = "not permitted"
    exit_code = 77
    decision = ""
    """What policy decided, canonical JSON for the audit log; '' where nobody asked it."""


class PolicyError(SymbolonError):
    """A policy, or a document that a decision is taken from, cannot be used; nothing is decided by it."""

    code = "policy"
    public = "policy is not in force"
    exit_code = 78


class BudgetError(SymbolonError):
    """The member's query budget does not cover the request; nothing was evaluated."""

    code = "budget.exhausted"
    public = "query budget exhausted"
    exit_code = 77


class SignalError(SymbolonError):
    """A risk signal, or a label that should hold one, is not what it must be; nothing of it is used."""

    code = "signal"
    public = "signal does not hold"
    exit_code = 65


class AuditError(SymbolonError):
    """A proof, checkpoint, signature or entry of an audit log does not hold."""

    code = "audit"
    public = "audit evidence does not hold"
    exit_code = 65


class ProtocolError(SymbolonError):
    """Either end broke the exchange protocol."""

    code = "protocol"
    public = "protocol error"
    exit_code = 76


class RemoteProtocolError(ProtocolError):
    """The peer sent something the protocol refuses; the session is over, this node is unharmed."""

    code = "protocol.remote"


class LocalProtocolError(ProtocolError):
    """This node was driven out of order; a defect here, not the peer's doing."""

    code = "protocol.local"
    public = "internal error"
    exit_code = 70


class InvalidElementError(RemoteProtocolError):
    """An element is non-canonical, near p, of low order, or an evaluation came out all-zero."""

    code = "protocol.element"
    public = "invalid element"


class StaleEpochError(RemoteProtocolError):
    """The receiver named a key epoch that the sender has erased; a full session is needed."""

    code = "protocol.stale_epoch"
    public = "key epoch is stale"
    exit_code = 75


class UnknownSuiteError(RemoteProtocolError):
    """The peer asked for a suite this node does not offer."""

    code = "protocol.suite"
    public = "suite not offered"


class BackendError(SymbolonError):
    """A multiplication backend failed its self-test or reported a lane error."""

    code = "oprf.backend"


class UnavailableError(SymbolonError):
    """The peer cannot be reached, stopped half-way, or a deadline passed. Trying again is right."""

    code = "unavailable"
    public = "temporarily unavailable"
    exit_code = 75
