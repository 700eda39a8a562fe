"""The documents in an exported log, reduced to what checking entries takes.

Handles: coalition documents, agreements, policies, requests and results in their one form each, with every
signature under the keys that the founders listed; the checkpoints of both members' logs that requests and
results carry. What does not hold becomes a finding, and the document counts as absent.
Specification: docs/adr/0015, Receipts and Export.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from symbolon.audit.export_format import DocumentLine
from symbolon.audit.export_members import UNLISTED, ListedMembers
from symbolon.audit.receipt import Result, decode_result
from symbolon.audit.signed_note import decode_note
from symbolon.audit.verdict import Findings
from symbolon.errors import AuditError, MembershipError, PolicyError, SymbolonError
from symbolon.exchange.limits import MAX_CHECKPOINT_CHARS
from symbolon.membership.agreement import SignedAgreement, decode_agreement
from symbolon.membership.member import MemberId
from symbolon.policy.bundle import PolicyBundle, decode_bundle
from symbolon.policy.canonical_json import decode_canonical, read_array, read_object, read_text

MAX_REQUEST_BYTES: Final = 2 * MAX_CHECKPOINT_CHARS
"""A checkpoint, whose line breaks and dashes JSON escapes, and little else."""

_REQUEST_FIELDS: Final = frozenset(
    {
        "area",
        "checkpoint",
        "coalition",
        "epoch",
        "group_size",
        "hour",
        "key_rules",
        "mode",
        "purpose",
        "receiver",
        "sender",
        "session",
        "suite",
        "tiers",
    }
)
_TIER_FIELDS: Final = frozenset({"elements", "have_delta", "tier"})
_TIERS: Final = frozenset({"A", "B", "C", "AB"})


class Claim(NamedTuple):
    """Where a member's log stood, as the member itself signed in a request or a result.

    Attributes:
        member: whose log it is.
        size: its entries.
        root: 32 bytes.
        hour: of the document, whole hours since 1970, UTC.
        witness: the other member of the session, which holds the document too.
    """

    member: str
    size: int
    root: bytes
    hour: int
    witness: str


@dataclass(frozen=True, slots=True)
class Request:
    """What a receiver signed before a session.

    Attributes:
        tiers: elements by tier.
        hour: whole hours since 1970, UTC.
    """

    coalition: str
    receiver: str
    sender: str
    session: str
    mode: str
    purpose: str
    suite: str
    tiers: Mapping[str, int]
    hour: int
    checkpoint: str


@dataclass(frozen=True, slots=True)
class SignedResult:
    """What a session came to.

    Attributes:
        result: without its checkpoint.
        signers: the members whose signatures hold; the sender is one of them.
    """

    result: Result
    signers: frozenset[str]


class Documents:
    """The documents of one file, in the order in which they stand there.

    Args:
        members: of the file; coalition documents are added to them.
        findings: of the file.
    """

    def __init__(self, members: ListedMembers, findings: Findings) -> None:
        self._members = members
        self._findings = findings
        self.agreements: dict[str, SignedAgreement] = {}
        self.policies: dict[str, PolicyBundle] = {}
        self.requests: dict[str, Request] = {}
        self.results: dict[str, SignedResult] = {}
        self.claims: set[Claim] = set()

    def take(self, line: DocumentLine) -> None:
        """Takes a document."""
        sha256 = hashlib.sha256(line.content).hexdigest()
        takers: dict[str, Callable[[str, DocumentLine], None]] = {
            "coalition": self._take_coalition,
            "agreement": self._take_agreement,
            "policy": self._take_policy,
            "request": self._take_request,
            "result": self._take_result,
        }
        try:
            takers[line.kind](sha256, line)
        except SymbolonError as error:
            self._findings.add(
                # Of whom no list of members in the file tells, nothing can be said.
                "missing" if error.full_code == UNLISTED else "broken",
                f"document.{line.kind}",
                f"{_NAMES[line.kind]} {sha256[:16]}… does not hold: {error.detail}.",
            )

    def _take_coalition(self, sha256: str, line: DocumentLine) -> None:
        self._members.add(sha256, line.content)

    def _take_agreement(self, sha256: str, line: DocumentLine) -> None:
        decode_agreement(line.content)
        signatures = {MemberId(member): each for member, each in line.signatures.items()}
        self.agreements[sha256] = SignedAgreement(line.content, signatures)

    def _take_policy(self, sha256: str, line: DocumentLine) -> None:
        self.policies[sha256] = decode_bundle(line.content)

    def _take_request(self, sha256: str, line: DocumentLine) -> None:
        request = decode_request_document(line.content)
        if set(line.signatures) != {request.receiver}:
            raise AuditError("a request bears the signature of who asks, and no other", code="audit.request")
        self._members.request(line.content, line.signatures[request.receiver], request.receiver)
        self._claim(request.receiver, request.sender, request.checkpoint, request.hour)
        self.requests[sha256] = request

    def _take_result(self, sha256: str, line: DocumentLine) -> None:
        result = decode_result(line.content)
        request = self.requests.get(result.request)
        if request is None:
            raise AuditError("the request that it answers is not in the file", code="audit.result")
        signers = set(line.signatures)
        if request.sender not in signers or not signers <= {request.sender, request.receiver}:
            raise AuditError("it is signed by others than the two members", code="audit.result")
        for member, signature in line.signatures.items():
            self._members.result(line.content, signature, member)
        self._claim(request.sender, request.receiver, result.checkpoint, result.hour)
        self.results[sha256] = SignedResult(result, frozenset(signers))

    def _claim(self, member: str, witness: str, checkpoint: str, hour: int) -> None:
        found = self._members.checkpoint(decode_note(checkpoint.encode()), member)
        self.claims.add(Claim(member, found.size, found.root, hour, witness))


def decode_request_document(document: bytes) -> Request:
    """Reads a request.

    Raises:
        AuditError: `audit.request`, not in its one form.
    """
    try:
        fields = read_object(decode_canonical(document, MAX_REQUEST_BYTES), _REQUEST_FIELDS)
        tiers: dict[str, int] = {}
        for each in read_array(fields["tiers"]):
            asked = read_object(each, _TIER_FIELDS)
            tier = read_text(asked["tier"])
            if tier in tiers or tier not in _TIERS:
                raise AuditError("a request names a tier twice, or none", code="audit.request")
            tiers[tier] = _whole(asked["elements"])
        texts = {name: read_text(fields[name]) for name in ("checkpoint", "mode", "purpose", "suite")}
        names = {name: read_text(fields[name]) for name in ("coalition", "receiver", "sender", "session")}
        return Request(hour=_whole(fields["hour"]), tiers=tiers, **texts, **names)
    except (PolicyError, MembershipError) as error:
        raise AuditError(error.detail, code="audit.request") from error


def _whole(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 1 << 48:
        raise AuditError("a number of a request is missing or out of range", code="audit.request")
    return value


_NAMES: Final = {
    "coalition": "The list of members",
    "agreement": "The agreement",
    "policy": "The set of policies",
    "request": "The signed request",
    "result": "The signed result",
}
