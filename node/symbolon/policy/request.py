"""The question that is put to the policies: who would get what of whom, under which circumstances.

Handles: the contexts of all actions as typed values, and the canonical JSON of a whole request, from which
anybody decides again. Refuses: times without a zone, and every document of another form. Whether a request
fits the schema is for the decision to find; one that does not is denied. Specification: docs/adr/0014.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, Literal

from symbolon.errors import PolicyError
from symbolon.policy.canonical_json import (
    MAX_INTEGER,
    decode_canonical,
    encode_canonical,
    malformed,
    read_object,
    read_text,
    read_texts,
)

MAX_REQUEST_BYTES: Final = 16 * 1024
"""The longest honest one has less than 1 KiB; the bound is for whoever reads one from a file."""

ContextValue = str | int | bool | tuple[str, ...]
"""Texts (a time is one), whole numbers, truth values, and sets of texts in ascending order."""

Resource = Literal["SupplierList", "Signals", "AuditLog", "Coalition"]

_FIELDS: Final = frozenset({"action", "context", "owner", "principal", "resource"})


@dataclass(frozen=True, slots=True)
class PolicyRequest:
    """One question.

    Attributes:
        principal: member id of who would get something.
        action: one of those in the schema, without its namespace.
        resource: the kind of what it would get it of.
        owner: member id of whose it is; of a `Coalition` its own id.
        context: from one of the classes below.
    """

    principal: str
    action: str
    resource: str
    owner: str
    context: Mapping[str, ContextValue]

    def document(self) -> bytes:
        """The canonical document."""
        return encode_canonical(
            {
                "action": self.action,
                "context": dict(self.context),
                "owner": self.owner,
                "principal": self.principal,
                "resource": self.resource,
            }
        )

    def identity(self) -> Hashable:
        """Equal for requests of one document, and for no others; several times quicker than that."""
        # 1 and true are equal in Python, and not in a policy.
        context = tuple(sorted(self.context.items()))
        types = tuple([type(value) for _, value in context])
        return self.principal, self.action, self.resource, self.owner, context, types


def decode_request(document: bytes) -> PolicyRequest:
    """Reads a request.

    Raises:
        PolicyError: `policy.too_large` or `policy.malformed`.
    """
    fields = read_object(decode_canonical(document, MAX_REQUEST_BYTES), _FIELDS)
    context = fields["context"]
    if not isinstance(context, dict):
        raise malformed("a request has no context")
    return PolicyRequest(
        principal=read_text(fields["principal"]),
        action=read_text(fields["action"]),
        resource=read_text(fields["resource"]),
        owner=read_text(fields["owner"]),
        context={name: _context_value(value) for name, value in context.items()},
    )


@dataclass(frozen=True, slots=True)
class MatchContext:
    """Of `match_size`, `match_intersection`, `match_mutual`, `lookup` and `ask`.

    Attributes:
        mode: `size`, `intersection` or `lookup`.
        tiers: `A`, `B`, `C`.
        suite: its name.
        keys: declared in this session, dummies included, all tiers.
        list_size: keys of the first session of each tier in the epoch; of this one where it is the first.
        keys_epoch: asked in this epoch before this session.
        keys_year: asked in this year before this session.
        churn: keys asked after the first session of their tier, this one included, in thousandths of
            `list_size`.
        agreed: an agreement on this purpose that both members signed is in force.
        now: with its zone; cut to the hour.
    """

    purpose: str
    mode: str
    tiers: frozenset[str]
    suite: str
    keys: int
    list_size: int
    keys_epoch: int
    keys_year: int
    churn: int
    agreed: bool
    now: datetime

    def values(self) -> dict[str, ContextValue]:
        """The context of a request."""
        return {
            "agreed": self.agreed,
            "churn": self.churn,
            "keys": self.keys,
            "keys_epoch": self.keys_epoch,
            "keys_year": self.keys_year,
            "list_size": self.list_size,
            "mode": self.mode,
            "now": hour_text(self.now),
            "purpose": self.purpose,
            "suite": self.suite,
            "tiers": tuple(sorted(self.tiers)),
        }


@dataclass(frozen=True, slots=True)
class ReleaseContext:
    """Of `release`: one signal, or all those that are alike in this.

    Attributes:
        tlp: its mark.
        named: the principal is among its recipients.
        subject_kind: what it is about.
        indicators: what was seen.
        evidence: what it rests on.
        urgent: it is told at once.
        disputed: a contest is open.
        contributors: independent ones, its own included.
    """

    purpose: str
    agreed: bool
    tlp: str
    named: bool
    subject_kind: str
    indicators: frozenset[str]
    evidence: str
    urgent: bool
    disputed: bool
    contributors: int
    now: datetime

    def values(self) -> dict[str, ContextValue]:
        """The context of a request."""
        return {
            "agreed": self.agreed,
            "contributors": self.contributors,
            "disputed": self.disputed,
            "evidence": self.evidence,
            "indicators": tuple(sorted(self.indicators)),
            "named": self.named,
            "now": hour_text(self.now),
            "purpose": self.purpose,
            "subject_kind": self.subject_kind,
            "tlp": self.tlp,
            "urgent": self.urgent,
        }


@dataclass(frozen=True, slots=True)
class TrainContext:
    """Of `train`.

    Attributes:
        plan: SHA-256 of the plan, 64 hexadecimal digits.
    """

    purpose: str
    plan: str
    now: datetime

    def values(self) -> dict[str, ContextValue]:
        """The context of a request."""
        return {"now": hour_text(self.now), "plan": self.plan, "purpose": self.purpose}


@dataclass(frozen=True, slots=True)
class PlainContext:
    """Of `read_audit`, `admit` and `expel`."""

    purpose: str
    now: datetime

    def values(self) -> dict[str, ContextValue]:
        """The context of a request."""
        return {"now": hour_text(self.now), "purpose": self.purpose}


def match_request(
    direction: Literal["answer", "ask", "invited"], principal: str, owner: str, context: MatchContext
) -> PolicyRequest:
    """The question about an exchange, whose action always says the same as its mode.

    Args:
        direction: `answer` the principal about what the owner has, `ask` the principal about what it has,
            or ask it because it `invited` the owner.
        principal: the other member.
        owner: this node's member.
        context: of it.
    """
    if direction == "answer":
        action = "lookup" if context.mode == "lookup" else f"match_{context.mode}"
        resource = "Signals" if action == "lookup" else "SupplierList"
        return PolicyRequest(principal, action, resource, owner, context.values())
    action = {"ask": "ask", "invited": "match_mutual"}[direction]
    return PolicyRequest(principal, action, "SupplierList", owner, context.values())


def release_request(principal: str, owner: str, context: ReleaseContext) -> PolicyRequest:
    """The question whether signals that are alike may be prepared for a member."""
    return PolicyRequest(principal, "release", "Signals", owner, context.values())


# All requests of a moment name its hour.
@lru_cache(16)
def hour_text(moment: datetime) -> str:
    """A time as Cedar reads it, cut to the whole hour in UTC.

    Raises:
        PolicyError: `policy.request`, the time has no zone, so it could be any of twenty-four.
    """
    if moment.tzinfo is None:
        raise PolicyError("the time of a request has no zone", code="policy.request")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:00:00Z")


def _context_value(value: object) -> ContextValue:
    match value:
        case bool() | str():
            return value
        case int() if abs(value) <= MAX_INTEGER:
            return value
        case list():
            texts = read_texts(value)
            if list(texts) != sorted(set(texts)):
                raise malformed("a set of texts is not in ascending order")
            return texts
        case _:
            raise malformed("a context holds a value of another type")
