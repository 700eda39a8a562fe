"""What an entry of the audit log keeps of a decision, so that anybody can take it again.

Handles: the request that was put to the policies, what they decided, and by their SHA-256 the documents it
rested on; two-way, in one canonical form. Refuses: any other form. The hour of the request also fixes the day
from which the members' attestation and vetting were counted. Specification: docs/adr/0014 and 0015.
"""

import re
from dataclasses import dataclass
from typing import Final

from symbolon.errors import AuditError, PolicyError
from symbolon.policy.canonical_json import decode_canonical, encode_canonical, read_object, read_text
from symbolon.policy.decision import Decision, decode_decision
from symbolon.policy.request import PolicyRequest, decode_request

MAX_RECORD_BYTES: Final = 320 * 1024
"""A request and a decision, each within its own bound."""

_FIELDS: Final = frozenset({"agreement", "coalition", "decision", "request"})
_SHA256_HEX: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """One decision.

    Attributes:
        request: what was asked.
        decision: what was decided; it names the bundle.
        coalition: SHA-256 of the coalition document that says who the members were, hexadecimal.
        agreement: the same of the agreement that made `agreed` true; '' where there was none.
    """

    request: PolicyRequest
    decision: Decision
    coalition: str
    agreement: str = ""

    def text(self) -> str:
        """The record as an entry keeps it."""
        content = {
            "agreement": self.agreement,
            "coalition": self.coalition,
            "decision": self.decision.document().decode(),
            "request": self.request.document().decode(),
        }
        return encode_canonical(content).decode()


def parse_record(text: str) -> DecisionRecord:
    """Reads a record.

    Raises:
        AuditError: `audit.decision`.
    """
    try:
        fields = read_object(decode_canonical(text.encode(), MAX_RECORD_BYTES), _FIELDS)
        record = DecisionRecord(
            request=decode_request(read_text(fields["request"]).encode()),
            decision=decode_decision(read_text(fields["decision"]).encode()),
            coalition=_sha256(read_text(fields["coalition"])),
            agreement=_sha256(read_text(fields["agreement"]), optional=True),
        )
    except (PolicyError, UnicodeError) as error:
        raise AuditError(f"a decision in the log cannot be read: {error}", code="audit.decision") from error
    return record


def _sha256(text: str, *, optional: bool = False) -> str:
    if not _SHA256_HEX.fullmatch(text) and not (optional and text == ""):
        raise AuditError("a decision in the log names no document", code="audit.decision")
    return text
