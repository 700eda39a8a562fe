"""What an export carries of a signal besides the words of its own format: one JSON object, both ways.

Handles: the fields of the published signal file (`signal_file`), as far as they were released, and beside
them id, revision, day of issue, contest, reply, terms. Reading gives the draft that an importer takes, and
the released form again, so that a reader can tell what a person has changed in between. Refuses by a fatal
`RowProblem` a record of another form, and all that a signal file refuses. Contest and reply never make a
draft: they are reported, with the command that brings them in.
Specification: docs/signals-interchange.md, The record.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from symbolon.errors import SignalError
from symbolon.signals.draft import Draft
from symbolon.signals.exported import Exported, subject_fields
from symbolon.signals.file_fields import WORD_PATTERN
from symbolon.signals.foreign_signal import Importing, read_signal
from symbolon.signals.released import MAX_CONTRIBUTORS_SHOWN, MAX_RETAIN_DAYS, ReleasedSignal
from symbolon.signals.signal import (
    ID_BYTES,
    MAX_REVISION,
    NO_DISPUTE,
    Dispute,
    Month,
    Period,
    Reply,
)
from symbolon.signals.supplier_side_file import supplier_side_notes
from symbolon.signals.vocabulary import DisputeState, ShownAs, State
from symbolon.suppliers.row_problem import RowProblem

FORMAT: Final = "symbolon-export-1"

_SIGNAL_FIELDS: Final = (
    "subject",
    "indicators",
    "evidence",
    "severity",
    "likelihood",
    "confidence",
    "reliability",
    "native",
    "period",
    "narrative",
    "tlp",
    "expires",
    "review",
    "urgent",
)
"""Of the signal file; purposes, recipients, embargo and source never leave, and are not read back."""


@dataclass(slots=True)
class ReadRecord:
    """What a record held.

    Attributes:
        problems: in the order in which they were found.
        draft: None where a problem is fatal.
        released: the released form, where all of it could be read.
        publisher: the member that published it, as the record has it; '' where it names none.
    """

    problems: list[RowProblem] = field(default_factory=list)
    draft: Draft | None = None
    released: ReleasedSignal | None = None
    publisher: str = ""


def export_record(exported: Exported) -> dict[str, Any]:
    """The record of a signal that stands; empty fields are left out."""
    released = exported.released
    record: dict[str, Any] = {
        "format": FORMAT,
        "signal_id": released.hex_id,
        "revision": released.revision,
        "issued": released.issued.isoformat(),
        "signal": _signal_object(exported),
        "contributors": released.contributors,
    }
    if released.dispute != NO_DISPUTE:
        since = released.dispute.since
        record["dispute"] = {
            "since": since.isoformat() if since else "",
            "state": released.dispute.state.value,
            "statement": released.dispute.statement,
        }
    if released.reply is not None:
        record["reply"] = {"received": released.reply.received.isoformat(), "text": released.reply.text}
    if exported.publisher:
        record["publisher"] = exported.publisher
    if released.shown_as is not ShownAs.PUBLISHER:
        record["shown_as"] = released.shown_as.value
    if released.no_onward:
        record["no_onward"] = True
    if released.retain_days is not None:
        record["retain_days"] = released.retain_days
    return record


def _signal_object(exported: Exported) -> dict[str, Any]:
    released, severity = exported.released, exported.released.severity
    levels = {name: int(getattr(severity, name)) for name in ("scale", "scope", "irremediability")}
    native, period = released.native, released.period
    content: dict[str, Any] = {
        "subject": _subject_object(exported),
        "indicators": sorted(each.value for each in released.indicators),
        "evidence": released.evidence and released.evidence.value,
        "severity": {name: level for name, level in levels.items() if level},
        "likelihood": int(released.likelihood),
        "reliability": released.reliability and released.reliability.value,
        "native": native and {"scheme": native.scheme, "grade": native.grade},
        "period": period and {"from": str(period.first), "to": str(period.last)},
        "narrative": exported.narrative,
        "tlp": released.tlp.value,
        "expires": released.expires.isoformat(),
        "review": released.review.isoformat(),
        "urgent": released.urgent,
    }
    filled = {name: value for name, value in content.items() if value}
    if released.confidence is not None:
        filled["confidence"] = released.confidence
    return filled


def _subject_object(exported: Exported) -> dict[str, str]:
    texts, kind = subject_fields(exported), exported.released.subject_kind
    if not texts:
        return {}
    return {"kind": kind.value, **texts} if kind is not None else texts


def record_id(record: Mapping[str, object]) -> bytes | None:
    """The signal id that a record names, or None."""
    text = record.get("signal_id")
    if not isinstance(text, str) or len(text) != 2 * ID_BYTES:
        return None
    try:
        return bytes.fromhex(text)
    except ValueError:
        return None


def read_record(row: int, record: Mapping[str, object], importing: Importing) -> ReadRecord:
    """Reads a record from anywhere.

    Args:
        row: number of the event or object that it stands in.
        record: what a JSON reader made of it.
        importing: what the importer adds.
    """
    found = ReadRecord()
    signal_id, issued = record_id(record), _day(record.get("issued"))
    content = record.get("signal")
    if record.get("format") != FORMAT or signal_id is None or issued is None or not isinstance(content, dict):
        found.problems.append(
            RowProblem(
                row,
                "record",
                f"its record is not of the form {FORMAT}",
                "ask for an export from a node of this release",
                fatal=True,
            )
        )
        return found
    unread = len(content.keys() - set(_SIGNAL_FIELDS))
    if unread:
        message = f"fields of its record that no export carries; left out: {unread:,}"
        found.problems.append(RowProblem(row, "record", message, "look at the file", fatal=False))
    signal = {name: content[name] for name in _SIGNAL_FIELDS if name in content}
    for name, what in (
        ("indicators", "an indicator"),
        ("evidence", "a kind of evidence"),
        ("subject", "a subject"),
    ):
        if not signal.get(name):
            found.problems.append(_withheld(row, name, what))
    if found.problems and found.problems[-1].fatal:
        return found
    signal["period"] = _end_by(signal.get("period"), Month.of(importing.today))
    for item in read_signal(row, {**signal, "reference": signal_id.hex()}, importing):
        if isinstance(item, Draft):
            found.draft = item
        else:
            found.problems.append(item)
    if found.draft is not None:
        found.problems.extend(_beside(row, record))
        publisher = record.get("publisher")
        if isinstance(publisher, str) and re.fullmatch(WORD_PATTERN, publisher):
            found.publisher = publisher
        found.released = _released(record, signal_id, issued, found.draft, content.get("period"))
    return found


def _withheld(row: int, name: str, what: str) -> RowProblem:
    message = f"the export does not name {what}: it was withheld, or left out"
    return RowProblem(row, name, message, "add it with `symbolon signals add`, if you know it", fatal=True)


def _end_by(period: object, month: Month) -> object:
    """A policy may have widened the period into months to come, in which nothing was seen yet."""
    if not isinstance(period, dict) or not isinstance(period.get("to"), str):
        return period
    try:
        last = Month.parse(period["to"])
    except SignalError:
        return period
    return {**period, "to": str(month)} if last > month else period


def _beside(row: int, record: Mapping[str, object]) -> Iterator[RowProblem]:
    """What a draft has no place for."""
    yield from supplier_side_notes(
        row, has_dispute=bool(record.get("dispute")), has_reply=bool(record.get("reply"))
    )
    if record.get("no_onward") or record.get("retain_days"):
        yield RowProblem(
            row,
            "terms",
            "it was released on terms: not to be passed on, or to be erased after some days",
            "publish it only if its contributor agrees",
            fatal=False,
        )


def _released(
    record: Mapping[str, object], signal_id: bytes, issued: date, draft: Draft, period: object
) -> ReleasedSignal | None:
    revision, contributors = record.get("revision"), record.get("contributors")
    retain_days = record.get("retain_days")
    try:
        return ReleasedSignal(
            signal_id=signal_id,
            revision=_number(revision, MAX_REVISION),
            state=State.ACTIVE,
            issued=issued,
            expires=_required(draft.expires),
            review=_required(draft.review),
            tlp=draft.tlp,
            subject_kind=draft.subject.kind,
            indicators=draft.indicators,
            severity=draft.severity,
            likelihood=draft.likelihood,
            confidence=draft.confidence,
            reliability=draft.reliability,
            evidence=draft.evidence,
            native=draft.native,
            period=_period(period),
            has_narrative=bool(draft.narrative),
            urgent=draft.urgent,
            dispute=_dispute(record.get("dispute")),
            reply=_reply(record.get("reply")),
            no_onward=record.get("no_onward") is True,
            retain_days=None if retain_days is None else _number(retain_days, MAX_RETAIN_DAYS),
            contributors=_number(contributors, MAX_CONTRIBUTORS_SHOWN),
            shown_as=ShownAs(_text(record.get("shown_as", ShownAs.PUBLISHER.value))),
        )
    except (SignalError, ValueError, TypeError, KeyError):
        return None


def _dispute(value: object) -> Dispute:
    if value is None:
        return NO_DISPUTE
    if not isinstance(value, dict):
        raise TypeError
    return Dispute(DisputeState(value["state"]), _day(value["since"]), _text(value["statement"]))


def _period(value: object) -> Period | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise TypeError
    return Period(Month.parse(_text(value["from"])), Month.parse(_text(value["to"])))


def _reply(value: object) -> Reply | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise TypeError
    return Reply(_text(value["text"]), _required(_day(value["received"])))


def _day(value: object) -> date | None:
    try:
        day = date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return day if day is not None and day.isoformat() == value else None


def _required(day: date | None) -> date:
    if day is None:
        raise ValueError
    return day


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _number(value: object, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise ValueError
    return value
