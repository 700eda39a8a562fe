"""The question asked before anything leaves, and who answers it.

`Permission` is the interface; a decision is about one peer, direction, mode, purpose and set of tiers, and
denies unless something allows. Refuses by raising: a caller cannot forget to look at the answer.
"""

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal, Protocol

from symbolon.errors import PermissionDeniedError

Direction = Literal["answer", "ask", "invited"]


@dataclass(frozen=True, slots=True)
class ExchangeRequest:
    """What someone wants to do.

    Attributes:
        direction: `answer` the peer about this node's list, `ask` the peer about its own, or ask it because
            the peer `invited` this node.
        peer: member id, proven by its certificate.
        area: `match`.
        tiers: each tier on its own, also where size mode asks several together.
    """

    direction: Direction
    peer: str
    area: str
    mode: str
    purpose: str
    tiers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grant:
    """A decision to allow.

    Attributes:
        basis: what allowed it, for the audit log.
        scope: everything the peer may be answered, as sorted words `purpose:mode:tier`, whatever it asks for
            now. A key epoch, which serves all purposes, remembers it; when it narrows, the key is changed.
        policy: SHA-256 of the policies that decided, hexadecimal.
        decision: canonical JSON, for the audit log.
        terms: what the other side has to keep, as in an obligation; '' for nothing.
    """

    basis: str
    scope: tuple[str, ...]
    policy: str = ""
    decision: str = ""
    terms: str = ""


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


@dataclass(frozen=True, slots=True)
class Rule:
    """One table of the configuration: what one peer may do, for some purposes."""

    peer: str
    purposes: frozenset[str]
    modes: frozenset[str]
    tiers: frozenset[str]
    directions: frozenset[Direction]


class ConfiguredPermission:
    """Permission by the rules in the node's configuration. One rule must allow the whole request.

    Args:
        rules: of this node's operator.
        purposes: the coalition's closed list as it is now; rules alone decide where there is none.
    """

    def __init__(
        self, rules: tuple[Rule, ...], purposes: Callable[[], Collection[str]] | None = None
    ) -> None:
        self._rules = rules
        self._purposes = purposes

    def require(self, request: ExchangeRequest) -> Grant:
        """See `Permission.require`."""
        for number, rule in enumerate(self._rules, 1):
            if (
                rule.peer == request.peer
                and request.area == "match"
                and request.direction in rule.directions
                and request.purpose in rule.purposes
                and request.mode in rule.modes
                and rule.tiers.issuperset(request.tiers)
            ):
                self._require_agreed(request.purpose)
                return Grant(f"allow table {number}", self.scope(request.peer), self._policy())
        wanted = f"{request.direction} {request.peer}: {request.mode} for {request.purpose}, tiers "
        raise PermissionDeniedError(
            f"no [[allow]] table covers: {wanted}{', '.join(request.tiers)}",
            hint="To allow it, add it to an [[allow]] table of symbolon.toml; then restart `symbolon serve`.",
        )

    def _policy(self) -> str:
        return hashlib.sha256(repr(self._rules).encode()).hexdigest()

    def _require_agreed(self, purpose: str) -> None:
        if self._purposes is not None and purpose not in (agreed := self._purposes()):
            raise PermissionDeniedError(
                f"{purpose} is no purpose of this coalition",
                hint=f"Its members agreed on: {', '.join(sorted(agreed))}.",
                code="permission.purpose",
            )

    def scope(self, peer: str) -> tuple[str, ...]:
        """See `Permission.scope`."""
        words = {
            f"{purpose}:{mode}:{tier}"
            for rule in self._rules
            if rule.peer == peer and "answer" in rule.directions
            for purpose in rule.purposes
            for mode in rule.modes
            for tier in rule.tiers
        }
        return tuple(sorted(words))
