"""The question asked before anything leaves, and who answers it.

`Permission` is the interface; a decision is about one peer, direction, mode, purpose and set of tiers, and
denies unless something allows. Refuses by raising: a caller cannot forget to look at the answer.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

from symbolon.policy.obligations import NOTHING, Obligations

Direction = Literal["answer", "ask", "invited"]


@dataclass(frozen=True, slots=True)
class Usage:
    """What a peer asks now and has asked before, dummies included, all tiers.

    Attributes:
        keys: in this session.
        list_size: of its list: in the first session of each tier in its key epoch, of this one where it is
            a tier's first.
        keys_epoch: in its key epoch before this session.
        keys_year: in this year before this session.
    """

    keys: int = 0
    list_size: int = 0
    keys_epoch: int = 0
    keys_year: int = 0

    @property
    def churn(self) -> int:
        """Keys asked after the first session of their tier, this one included, in thousandths of the list."""
        again = self.keys_epoch + self.keys - self.list_size
        return 1000 * again // self.list_size if self.list_size else 0


NO_USAGE = Usage()


@dataclass(frozen=True, slots=True)
class ExchangeRequest:
    """What someone wants to do.

    Attributes:
        direction: `answer` the peer about this node's list, `ask` the peer about its own, or ask it because
            the peer `invited` this node.
        peer: member id, proven by its certificate.
        area: `match`.
        tiers: each tier on its own, also where size mode asks several together.
        suite: of the session.
        usage: of the peer, where it is answered; else nothing is counted.
    """

    direction: Direction
    peer: str
    area: str
    mode: str
    purpose: str
    tiers: tuple[str, ...]
    suite: str
    usage: Usage = NO_USAGE


@dataclass(frozen=True, slots=True)
class Grant:
    """A decision to allow.

    Attributes:
        basis: what allowed it, for the audit log.
        scope: everything the peer may be answered, as sorted words `purpose:mode:tier`, whatever it asks for
            now. A key epoch, which serves all purposes, remembers it; when it narrows, the key is changed.
            Empty where the peer is not answered but asked.
        policy: SHA-256 of the policies that decided, hexadecimal.
        decision: canonical JSON, for the audit log.
        obligations: what binds while the set is prepared, and what travels with it.
    """

    basis: str
    scope: tuple[str, ...]
    policy: str = ""
    decision: str = ""
    obligations: Obligations = NOTHING


class Permission(Protocol):
    """Decides requests."""

    def require(self, request: ExchangeRequest) -> Grant:
        """Allows a request.

        Raises:
            PermissionDeniedError: nothing allows it; the hint names what is missing, for the operator.
        """
        ...

    def scope(self, peer: str) -> tuple[str, ...]:
        """See `Grant.scope`; empty where the peer may be answered nothing."""
        ...
