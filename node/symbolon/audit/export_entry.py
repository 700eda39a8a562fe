"""What an opened entry of an exported log says, in the types of its fields.

Handles: reading the values of an entry that is open as far as checking takes. Refuses: values that no entry
has, which its leaf may commit to all the same. Specification: docs/adr/0015.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from symbolon.audit.decision_record import DecisionRecord, parse_record
from symbolon.audit.entry import EVENTS, FIELDS, canonical_counts
from symbolon.audit.export_format import MAX_HOUR, EntryLine
from symbolon.errors import AuditError, MembershipError
from symbolon.membership.member import parse_member_id

PRIVATE_FIELDS: Final = frozenset({"note", "operator"})
"""What an entry can keep to itself and still be checked: who sat at the keyboard, and a phrase."""

CHECKED_FIELDS: Final = frozenset(FIELDS) - PRIVATE_FIELDS

_HOUR: Final = re.compile(r"0|[1-9][0-9]{0,9}")
_SHA256: Final = re.compile(r"(?:[0-9a-f]{64})?")
_SESSION: Final = re.compile(r"(?:[0-9a-f]{32})?")

MAX_TEXT_CHARS: Final = 200
"""A purpose, a mode, the id of a policy: each has at most 64; it is shown on terminals."""

_MAX_COUNT: Final = 1 << 53
_MAX_COUNTS: Final = 64
"""Numbers of one entry; none has ten."""


@dataclass(frozen=True, slots=True)
class Said:
    """An entry that is open but for `PRIVATE_FIELDS`; the fields are those of `Entry`.

    Attributes:
        number: place in the log, from 0.
        hour: whole hours since 1970, UTC.
        decision: None where it names none.
        note: '' where it is closed.
    """

    number: int
    hour: int
    event: str
    peer: str
    session: str
    mode: str
    purpose: str
    counts: Mapping[str, int]
    decision: DecisionRecord | None
    request: str
    receipt: str
    note: str

    @property
    def asked(self) -> dict[str, int]:
        """Elements by tier, as an entry that opens a session counts them."""
        start = "elements_"
        return {name.removeprefix(start): n for name, n in self.counts.items() if name.startswith(start)}


def is_readable(line: EntryLine) -> bool:
    """Whether enough of an entry is open to be checked."""
    return line.values.keys() >= CHECKED_FIELDS


def read_entry(line: EntryLine) -> Said:
    """Reads an entry that `is_readable`.

    Raises:
        AuditError: `audit.entry`, or `audit.decision`.
    """
    values = line.values
    if values["event"] not in EVENTS:
        raise _malformed("its event is none that a log has")
    if not _HOUR.fullmatch(values["hour"]) or int(values["hour"]) > MAX_HOUR:
        raise _malformed("its hour is no number of hours")
    for name in ("request", "receipt"):
        if not _SHA256.fullmatch(values[name]):
            raise _malformed(f"its {name} names no document")
    if values["peer"]:
        try:
            parse_member_id(values["peer"])
        except MembershipError as error:
            raise _malformed("its peer is no member id") from error
    if not _SESSION.fullmatch(values["session"]):
        raise _malformed("its session has another form")
    for name in ("mode", "purpose"):
        if len(values[name]) > MAX_TEXT_CHARS or not values[name].isprintable():
            raise _malformed(f"its {name} is no short line")
    decision = parse_record(values["decision"]) if values["decision"] else None
    if decision is not None and not all(
        each.isprintable() and len(each) <= MAX_TEXT_CHARS for each in decision.decision.policies
    ):
        raise _malformed("its decision names policies that cannot be")
    return Said(
        number=line.number,
        hour=int(values["hour"]),
        event=values["event"],
        peer=values["peer"],
        session=values["session"],
        mode=values["mode"],
        purpose=values["purpose"],
        counts=_counts(values["counts"]),
        decision=decision,
        request=values["request"],
        receipt=values["receipt"],
        note=values.get("note", ""),
    )


def _counts(text: str) -> dict[str, int]:
    try:
        counts = json.loads(text)
    except (ValueError, RecursionError):
        raise _malformed("its counts are no JSON") from None
    if not isinstance(counts, dict) or len(counts) > _MAX_COUNTS:
        raise _malformed("its counts are no numbers by name")
    if any(type(each) is not int or not 0 <= each <= _MAX_COUNT for each in counts.values()):
        raise _malformed("a count is no whole number in range")
    if canonical_counts(counts) != text:
        raise _malformed("its counts are not in canonical form")
    return counts


def _malformed(detail: str) -> AuditError:
    return AuditError(detail, code="audit.entry")
