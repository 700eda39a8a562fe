"""The decision: one Cedar request, answered from a bundle and the facts, and denied whenever in doubt.

Handles: decisions one by one and in batches, from handles that are parsed once; the canonical JSON of a
decision, for the log. A permit that names another principal is not asked, since it cannot apply: a node has
one for each of its peers. A forbid is always asked. Allows only when Cedar says Allow, no policy failed to
evaluate (Cedar skips a forbid that errors, so an Allow beside an error would be a hole), at least one permit
determined it, every obligation of every determining policy is understood, and the principal and the resource
are known. A request that does not fit the schema is denied. Specification: docs/adr/0014.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Protocol

import cedarpy

from symbolon.errors import PolicyError
from symbolon.policy.bundle import BundledPolicy, PolicyBundle, joined
from symbolon.policy.canonical_json import (
    compact_text,
    decode_canonical,
    encode_canonical,
    malformed,
    read_object,
    read_text,
    read_texts,
    read_truth,
)
from symbolon.policy.facts import NAMESPACE, uid
from symbolon.policy.obligations import (
    MAX_MERGED_CHARS,
    NOTHING,
    Obligations,
    parse_obligations,
    strictest,
)
from symbolon.policy.policy_text import parse_policy
from symbolon.policy.request import PolicyRequest

MAX_DECISION_BYTES: Final = 256 * 1024
"""A thousand policies that all determine, and everything that they redact."""

MAX_ERRORS: Final = 16
MAX_ERROR_CHARS: Final = 300
"""Errors are for the operator; the first ones say enough."""

_FIELDS: Final = frozenset({"advice", "allowed", "bundle", "errors", "obligations", "policies", "refusal"})
_CEDAR_ID: Final = re.compile(r"\bpolicy(\d{1,4})\b")
_ACTION: Final = re.compile(r"[a-z_]{1,32}")
_SHA256_HEX: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Decision:
    """An answer.

    Attributes:
        allowed: whether what was asked for may be given, under the obligations.
        policies: ids of those that determined it, in the bundle's order.
        obligations: of those permits, merged; `NOTHING` where it is not allowed.
        refusal: public code of the first determining forbid that says something, or ''.
        advice: of the same forbid, for the asker's operator, or ''.
        errors: why policies could not be evaluated, or the request not at all; for this node's operator.
        bundle_sha256: 32 bytes, what decided.
    """

    allowed: bool
    policies: tuple[str, ...]
    obligations: Obligations
    refusal: str
    advice: str
    errors: tuple[str, ...]
    bundle_sha256: bytes

    def document(self) -> bytes:
        """The canonical document."""
        return encode_canonical(
            {
                "advice": self.advice,
                "allowed": self.allowed,
                "bundle": self.bundle_sha256.hex(),
                "errors": self.errors,
                "obligations": self.obligations.text(),
                "policies": self.policies,
                "refusal": self.refusal,
            }
        )


def decode_decision(document: bytes) -> Decision:
    """Reads a decision.

    Raises:
        PolicyError: `policy.too_large`, `policy.malformed` or `policy.obligation`.
    """
    fields = read_object(decode_canonical(document, MAX_DECISION_BYTES), _FIELDS)
    bundle, text = read_text(fields["bundle"]), read_text(fields["obligations"])
    if not _SHA256_HEX.fullmatch(bundle):
        raise malformed("the hash of a bundle has 64 hexadecimal digits")
    obligations = parse_obligations(text, limit_chars=MAX_MERGED_CHARS) if text else NOTHING
    if obligations.text() != text:
        raise malformed("the obligations are not in canonical form")
    return Decision(
        allowed=read_truth(fields["allowed"]),
        policies=read_texts(fields["policies"]),
        obligations=obligations,
        refusal=read_text(fields["refusal"]),
        advice=read_text(fields["advice"]),
        errors=read_texts(fields["errors"]),
        bundle_sha256=bytes.fromhex(bundle),
    )


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A policy as a decision needs it; `obligations` is None where they are not understood."""

    policy_id: str
    permits: bool
    only_for: tuple[str, str] | None
    obligations: Obligations | None
    refusal: str
    advice: str


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """The policies that are asked about a principal; of each there is one.

    Attributes:
        policies: as Cedar has them, which calls them `policy0` and so on.
        numbers: the place in the bundle of each.
    """

    policies: cedarpy.PolicySet
    numbers: tuple[int, ...]


class Facts(Protocol):
    """What is known: `CoalitionFacts`, or the entities of a test case."""

    def entities(self) -> Sequence[Mapping[str, Any]]:
        """Entities as Cedar's JSON has them."""
        ...


class Decider:
    """Answers requests. It is made once for a bundle and facts, never changes, and any thread may ask it.

    Args:
        bundle: what decides.
        facts: what is known of the members.

    Raises:
        PolicyError: `policy.problems` or `policy.facts`: the bundle or the facts cannot be used.
    """

    def __init__(self, bundle: PolicyBundle, facts: Facts) -> None:
        entities = facts.entities()
        self.bundle_sha256: Final = bundle.sha256()
        self._policies: Final = bundle.policies
        self._compiled: Final = tuple(map(_compile, bundle.policies))
        # The same policies always give the same answer, and a node has few combinations of them.
        self._answer: Final = lru_cache(maxsize=4_096)(self._make_answer)
        self._named: Final = frozenset(each.only_for for each in self._compiled if each.permits)
        self._asked_of: Final = lru_cache(maxsize=1_024)(self._make_asked)
        try:
            self._schema: Final = cedarpy.Schema.from_str(bundle.schema)
        except ValueError as error:
            raise PolicyError(f"the bundle cannot be used: {error}", code="policy.problems") from None
        self._asked_of(None)
        try:
            self._entities: Final = cedarpy.Entities.from_json_str(compact_text(entities), self._schema)
            self._known: Final = {
                (each["uid"]["type"], each["uid"]["id"]): dict(each["uid"]) for each in entities
            }
        except (KeyError, TypeError, ValueError) as error:
            raise PolicyError(f"the facts do not fit the schema: {error}", code="policy.facts") from None

    def decide(self, request: PolicyRequest) -> Decision:
        """Answers one request; what is wrong with it denies, and raises nothing."""
        unknown = self._unknown(request)
        if unknown:
            return self._denied(unknown)
        asked = self._asked(request)
        found = cedarpy.is_authorized(self._cedar(request), asked.policies, self._entities, self._schema)
        return self._decision(found, asked)

    def decide_many(self, requests: Iterable[PolicyRequest]) -> tuple[Decision, ...]:
        """Answers requests, each as `decide` would, in their order."""
        decided: list[Decision] = []
        together: dict[_Asked, list[tuple[int, dict[str, Any]]]] = {}
        for place, request in enumerate(requests):
            unknown = self._unknown(request)
            decided.append(self._denied(unknown))
            if not unknown:
                together.setdefault(self._asked(request), []).append((place, self._cedar(request)))
        for asked, several in together.items():
            cedar = [each for _, each in several]
            found = cedarpy.is_authorized_batch(cedar, asked.policies, self._entities, self._schema)
            for (place, _), each in zip(several, found, strict=True):
                decided[place] = self._decision(each, asked)
        return tuple(decided)

    def _asked(self, request: PolicyRequest) -> _Asked:
        principal = (_MEMBER, request.principal)
        return self._asked_of(principal if principal in self._named else None)

    def _make_asked(self, principal: tuple[str, str] | None) -> _Asked:
        """The policies to ask about a principal; None for one that no permit names."""
        numbers = tuple(
            number
            for number, each in enumerate(self._compiled)
            if not each.permits or each.only_for in (None, principal)
        )
        try:
            policies = cedarpy.PolicySet.from_str(joined(self._policies[each] for each in numbers))
        except ValueError as error:
            raise PolicyError(f"the bundle cannot be used: {error}", code="policy.problems") from None
        if len(policies) != len(numbers):
            raise PolicyError("the bundle has other policies than it lists", code="policy.problems")
        return _Asked(policies, numbers)

    def _unknown(self, request: PolicyRequest) -> str:
        if (_MEMBER, request.principal) not in self._known:
            return "the principal is no known member"
        if (f"{NAMESPACE}::{request.resource}", request.owner) not in self._known:
            return "the resource is not known"
        if not _ACTION.fullmatch(request.action):
            return "the action is not known"
        return ""

    def _cedar(self, request: PolicyRequest) -> dict[str, Any]:
        return {
            "principal": self._known[_MEMBER, request.principal],
            "action": uid("Action", request.action),
            "resource": self._known[f"{NAMESPACE}::{request.resource}", request.owner],
            "context": compact_text(request.context),
        }

    def _denied(self, *errors: str) -> Decision:
        return Decision(False, (), NOTHING, "", "", errors, self.bundle_sha256)

    def _decision(self, result: cedarpy.AuthzResult, asked: _Asked) -> Decision:
        diagnostics = result.diagnostics
        numbers = tuple(sorted(_number(each, asked) for each in diagnostics.reasons))
        if diagnostics.errors:
            errors = tuple(self._readable(each, asked) for each in sorted(diagnostics.errors)[:MAX_ERRORS])
            return self._refused([self._compiled[each] for each in numbers if each >= 0], errors)
        return self._answer(result.decision is cedarpy.Decision.Allow, numbers)

    def _make_answer(self, allow: bool, numbers: tuple[int, ...]) -> Decision:
        """The answer where nothing failed, which these policies determined; -1 is none of the bundle's."""
        if numbers and numbers[0] < 0:
            return self._refused([], ("a policy decided that is not in the bundle",))
        reasons = [self._compiled[each] for each in numbers]
        if not allow:
            return self._refused(reasons, ())
        if not reasons or not all(each.permits for each in reasons):
            return self._refused(reasons, ("no permit determined it",))
        obligations = [each.obligations for each in reasons if each.obligations is not None]
        if len(obligations) != len(reasons):
            return self._refused(reasons, ("an obligation is not understood",))
        policies = tuple(each.policy_id for each in reasons)
        return Decision(True, policies, strictest(*obligations), "", "", (), self.bundle_sha256)

    def _refused(self, reasons: list[_Compiled], errors: tuple[str, ...]) -> Decision:
        told = next((each for each in reasons if each.refusal or each.advice), None)
        return Decision(
            allowed=False,
            policies=tuple(each.policy_id for each in reasons),
            obligations=NOTHING,
            refusal=told.refusal if told else "",
            advice=told.advice if told else "",
            errors=errors,
            bundle_sha256=self.bundle_sha256,
        )

    def _readable(self, error: str, asked: _Asked) -> str:
        """An error with our ids in the place of Cedar's numbers."""

        def name(found: re.Match[str]) -> str:
            number = _number(found[0], asked)
            return found[0] if number < 0 else self._compiled[number].policy_id

        return _CEDAR_ID.sub(name, error)[:MAX_ERROR_CHARS]


_MEMBER: Final = f"{NAMESPACE}::Member"


def _number(cedar_id: str, asked: _Asked) -> int:
    """The place in the bundle of a policy that Cedar names; -1 where it is none of those that were asked."""
    found = _CEDAR_ID.fullmatch(cedar_id)
    number = int(found[1]) if found else len(asked.numbers)
    return asked.numbers[number] if number < len(asked.numbers) else -1


def _compile(policy: BundledPolicy) -> _Compiled:
    parsed = parse_policy(policy.text)
    notes = parsed.annotations
    try:
        obligations = parse_obligations(notes["obligation"]) if "obligation" in notes else NOTHING
    except PolicyError:
        obligations = None
    return _Compiled(
        policy_id=policy.policy_id,
        permits=parsed.permits,
        only_for=parsed.only_for,
        obligations=obligations,
        refusal=notes.get("refusal", ""),
        advice=notes.get("advice", ""),
    )
