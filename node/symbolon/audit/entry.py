"""One entry of the audit log: what it says, and what of it stands in the tree.

Handles: the fixed fields of an entry as text, a commitment to each of them under a salt of its own, and the
leaf made of these. Who is given value and salt of one field can check that field and learns nothing of the
others; who is given neither cannot test a guess. Refuses: an entry with a field more or less, an opening that
does not fit. Identifiers of suppliers, tokens, elements and hits never stand in an entry.
Specification: docs/adr/0015.
"""

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from symbolon.errors import AuditError

Event = Literal[
    # Of an exchange; what an entry announces happens only once it is on the disk.
    "asked",
    "answered",
    "permitted",
    "released",
    "withdrawn",
    "learned",
    "denied",
    "failed",
    "ended",
    # A member asked whether an exchange would be permitted, and was told; none was opened.
    "probed",
    # Of people: an operator was changed; a second pair of eyes was asked for, agreed, did not, was used.
    "operator",
    "requested",
    "approved",
    "declined",
    "carried_out",
    # Of what decides: other policies came into force; an agreement was offered, signed by both, withdrawn.
    "policy",
    "offered",
    "agreed",
    "disagreed",
    # Of the log itself: a member's log contradicts what it showed before; entries expired and were erased;
    # a file with entries is about to be written for somebody outside.
    "contradicted",
    "erased",
    "exported",
    # Of this member's signals: one was added, revised, recalled.
    "contributed",
    # Between the publisher of a signal and a member that was given it: its narrative leaves; it is asked for;
    # what a supplier says is relayed, taken, decided; a member says the same, or no longer.
    "narrated",
    "interested",
    "contested",
    "corroborated",
    # A member is told, or was asked, how many signals of the publisher it may count.
    "counted",
    # A legal hold: a signal is put on hold, the hold ends before its day, what it keeps is opened.
    "held",
    # A demand of an authority for data, as far as it may be told of.
    "demanded",
]

EVENTS: Final = frozenset(get_args(Event))

FIELDS: Final = (
    "counts",
    "decision",
    "event",
    "hour",
    "mode",
    "note",
    "operator",
    "peer",
    "purpose",
    "receipt",
    "request",
    "session",
)
"""Of every entry, ascending. All are always there: which are empty does not show."""

SALT_BYTES: Final = 32
SALTS_BYTES: Final = SALT_BYTES * len(FIELDS)
HOUR_S: Final = 3600

_LEAF: Final = b"symbolon-audit-entry-v1\n"
_PREFIXES: Final = tuple(bytes([len(name)]) + name.encode() for name in FIELDS)


@dataclass(frozen=True, slots=True)
class Entry:
    """What an entry says; the log adds the hour and who it is due to.

    Attributes:
        event: what happens next, or has happened.
        peer: the other member; '' where there is none.
        session: hexadecimal, the same in both logs; '' where there was none.
        mode: of the exchange, or ''.
        purpose: of the exchange; of an entry about people, what was done.
        counts: numbers by name, for example `elements_A`, `entries`.
        note: a fixed phrase, for example an error code.
        decision: what policy decided, canonical JSON, or ''.
        request: SHA-256 of the request that the receiver signed, hexadecimal, or ''.
        receipt: the same of the result that both signed.
    """

    event: Event
    peer: str
    session: str = ""
    mode: str = ""
    purpose: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    note: str = ""
    decision: str = ""
    request: str = ""
    receipt: str = ""

    def values(self, at_s: float, operator: str) -> dict[str, str]:
        """The fields by name, ascending.

        Args:
            at_s: seconds since 1970-01-01 UTC; the hour is kept.
            operator: pseudonym of the person it is due to.
        """
        return {
            "counts": canonical_counts(self.counts),
            "decision": self.decision,
            "event": self.event,
            "hour": str(int(at_s // HOUR_S)),
            "mode": self.mode,
            "note": self.note,
            "operator": operator,
            "peer": self.peer,
            "purpose": self.purpose,
            "receipt": self.receipt,
            "request": self.request,
            "session": self.session,
        }


def canonical_counts(counts: Mapping[str, int]) -> str:
    """Numbers by name as the one JSON text that stands for them."""
    return json.dumps(dict(counts), sort_keys=True, separators=(",", ":"))


def commit(name: str, value: str, salt: bytes) -> bytes:
    """The commitment to one field.

    Args:
        name: of the field.
        value: any text.
        salt: 32 random bytes, used for this field of this entry and for nothing else.

    Returns:
        32 bytes.
    """
    label = name.encode()
    return hmac.digest(salt, bytes([len(label)]) + label + value.encode(), "sha256")


def commitments(values: Mapping[str, str], salts: bytes) -> dict[str, bytes]:
    """The commitments to all fields of an entry.

    Args:
        values: exactly those of `FIELDS`.
        salts: `SALTS_BYTES` bytes, one salt for each field in the order of `FIELDS`.

    Raises:
        AuditError: `audit.entry`, another set of fields or another length.
    """
    if values.keys() != set(FIELDS) or len(salts) != SALTS_BYTES:
        raise AuditError("an entry does not have exactly its fields and salts", code="audit.entry")
    made = {}
    for at, (name, prefix) in enumerate(zip(FIELDS, _PREFIXES, strict=True)):
        salt = salts[SALT_BYTES * at : SALT_BYTES * (at + 1)]
        made[name] = hmac.digest(salt, prefix + values[name].encode(), "sha256")
    return made


def leaf_bytes(committed: Mapping[str, bytes]) -> bytes:
    """The leaf of an entry, from the commitments to its fields.

    Raises:
        AuditError: `audit.entry`, another set of fields or another length.
    """
    if committed.keys() != set(FIELDS) or any(len(each) != SALT_BYTES for each in committed.values()):
        raise AuditError("an entry does not have exactly its commitments", code="audit.entry")
    parts = [prefix + committed[name] for name, prefix in zip(FIELDS, _PREFIXES, strict=True)]
    return _LEAF + b"".join(parts)


def require_opening(name: str, value: str, salt: bytes, commitment: bytes) -> None:
    """Checks that a field said what it is claimed to have said.

    Raises:
        AuditError: `audit.opening`.
    """
    if len(salt) != SALT_BYTES or not hmac.compare_digest(commit(name, value, salt), commitment):
        raise AuditError(f"the field {name} of an entry does not open", code="audit.opening")
