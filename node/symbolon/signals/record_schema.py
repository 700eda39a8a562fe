"""The JSON Schema of a signal's record: the document that its contributor signs and keeps.

Handles: every field that `record_codec.encode_signal` writes, with its words and limits, for a signal that
stands and for one that was recalled. It is wider than the codec where JSON Schema cannot say what holds: the
canonical form (ASCII, keys in order, no blanks), words in ascending order and once each, days and months that
stand in the right order, limits in bytes, texts that are plain. Whatever the codec takes, the schema takes.
Refuses nothing. Specification: docs/signals.md, The record; JSON Schema, draft 2020-12.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Final

from symbolon.signals.file_fields import MONTH_PATTERN, WORD_PATTERN
from symbolon.signals.record_codec import FORMAT, SUBJECT_FIELDS
from symbolon.signals.signal import (
    ID_BYTES,
    MAX_NARRATIVE_CHARS,
    MAX_NATIVE_CHARS,
    MAX_REPLY_BYTES,
    MAX_REVISION,
    MAX_STATEMENT_BYTES,
    MAX_SUBJECT_CHARS,
    MAX_WORDS,
)
from symbolon.signals.vocabulary import (
    DisputeState,
    Evidence,
    Indicator,
    Level,
    RecallReason,
    Reliability,
    State,
    SubjectKind,
    Tlp,
)

RECORD_SCHEMA_ID: Final = "urn:symbolon:signal-record:1"

Schema = dict[str, Any]
_IDENTIFIERS: Final = ("os_id", "lei", "gln", "duns", "vat", "registration_number", "imo")
_DAY_PATTERN: Final = "^(20[2-9][0-9]|21[0-9]{2})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"
"""Of the years that a signal's days can have."""

_NULL: Final[Schema] = {"type": "null"}


def record_schema() -> Schema:
    """The JSON Schema of a record, as the project publishes it in signal_record.schema.json."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": RECORD_SCHEMA_ID,
        "$defs": {
            each.__name__: {"enum": [word.value for word in each], "title": each.__name__, "type": "string"}
            for each in (Evidence, Indicator, RecallReason, Reliability, SubjectKind, Tlp)
        },
        **_object(
            "Symbolon signal record",
            "One revision of a risk signal, as its contributor signs and keeps it, in canonical JSON.",
            _fields(),
        ),
        "allOf": [{"anyOf": [_standing(), _recalled()]}, {"anyOf": [_not_red(), _named()]}],
    }


def _fields() -> dict[str, Schema]:
    return {
        "format": {"enum": [FORMAT], "title": "Format", "type": "string"},
        "signal_id": _said(
            "Signal id",
            "Random, the same in all revisions.",
            {"pattern": f"^[0-9a-f]{{{2 * ID_BYTES}}}$", "type": "string"},
        ),
        "revision": _said(
            "Revision", "Counted from 1.", {"maximum": MAX_REVISION, "minimum": 1, "type": "integer"}
        ),
        "issued": _day("Issued", "The day of this revision."),
        "state": _said("State", "Whether it stands.", _words(State)),
        "recall_reason": _said("Recall reason", "Of a recalled one.", _or_null(_ref(RecallReason))),
        "subject": _subject(),
        "indicators": _said(
            "Indicators",
            "What was seen, in ascending order; at least one while it stands.",
            {"items": _ref(Indicator), "maxItems": len(Indicator), "type": "array"},
        ),
        "evidence": _said("Evidence", "What it rests on; null once recalled.", _or_null(_ref(Evidence))),
        "severity": _object(
            "Severity",
            "How bad it is (UN Guiding Principle 14); 0 where nothing is said of it.",
            {
                "scale": _level("Scale", "How grave the harm is."),
                "scope": _level("Scope", "How many it reaches."),
                "irremediability": _level("Irremediability", "How far it is beyond being made good."),
            },
        ),
        "likelihood": _level("Likelihood", "How likely it is that it goes on; no part of severity."),
        "confidence": _said(
            "Confidence",
            "In the content, 0 to 100; null where it is not stated.",
            _or_null({"maximum": 100, "minimum": 0, "type": "integer"}),
        ),
        "reliability": _said(
            "Reliability", "Of the source, A to F (Admiralty code).", _or_null(_ref(Reliability))
        ),
        "native": _said("Native grade", "", _or_null(_native())),
        "period": _said("Period", "", _or_null(_period())),
        "narrative": _text(
            "Narrative", "Free text; it travels on request only.", max_length=MAX_NARRATIVE_CHARS
        ),
        "tlp": _said("TLP 2.0 mark", "How far receivers may share it.", _ref(Tlp)),
        "purposes": _plain_words("Purposes", "What it may be used for, in ascending order.", at_least=1),
        "recipients": _plain_words(
            "Recipients", "Ids of the members it may go to; empty: whoever policy permits.", at_least=0
        ),
        "embargo": _said("Embargo", "It goes to nobody before this day.", _or_null(_day_text())),
        "expires": _day("Expires", "It is erased everywhere on this day; five years from its issue at most."),
        "review": _day("Review", "The contributor looks at it again by this day."),
        "urgent": _said("Urgent", "Told at once; for urgent kinds only.", {"type": "boolean"}),
        "dispute": _object(
            "Dispute",
            "The supplier's contest, as a member relayed it.",
            {
                "state": _said("State", "How the contest stands.", _words(DisputeState)),
                "since": _said("Since", "The day it came in; null for none.", _or_null(_day_text())),
                "statement": _text("Statement", "What is contested.", max_length=MAX_STATEMENT_BYTES),
            },
        )
        | {"anyOf": [_uncontested(), _contested()]},
        "reply": _said("Reply", "", _or_null(_reply())),
    }


def _subject() -> Schema:
    return _object(
        "Subject",
        "Whom the signal is about; it never travels. It has a name or an identifier.",
        {
            "kind": _said("Kind", "What the subject is.", _ref(SubjectKind)),
            **{
                name: _text(name.replace("_", " ").capitalize(), "", 1, MAX_SUBJECT_CHARS)
                for name in SUBJECT_FIELDS
            },
        },
        required=("kind",),
    ) | {"anyOf": [{"required": [name]} for name in ("name", *_IDENTIFIERS)]}


def _native() -> Schema:
    return _object(
        "Native grade",
        "The finding in its own scheme, kept as given.",
        {
            "scheme": _text("Scheme", "For example SMETA 7.0.", 1, MAX_NATIVE_CHARS),
            "grade": _text("Grade", "As the report has it.", 1, MAX_NATIVE_CHARS),
        },
    )


def _period() -> Schema:
    month = {"pattern": MONTH_PATTERN, "type": "string"}
    return _object(
        "Period",
        "When it was seen, no finer than a month.",
        {
            "from": _said("First month", "For example 2026-03.", month),
            "to": _said("Last month", "The first month or a later one.", month),
        },
    )


def _reply() -> Schema:
    return _object(
        "Reply",
        "The supplier's answer.",
        {
            "received": _day("Received", "The day it came in."),
            "text": _text("Text", "In the supplier's words.", 1, MAX_REPLY_BYTES),
        },
    )


def _standing() -> Schema:
    return {
        "title": "It stands",
        "properties": {
            "state": {"enum": [State.ACTIVE.value]},
            "recall_reason": _NULL,
            "indicators": {"minItems": 1},
            "evidence": _ref(Evidence),
        },
    }


def _recalled() -> Schema:
    nothing = ("confidence", "reliability", "evidence", "native", "period", "reply")
    level = {"enum": [0]}
    return {
        "title": "It was recalled: nothing is left of what it told",
        "properties": {
            "state": {"enum": [State.RECALLED.value]},
            "recall_reason": _ref(RecallReason),
            "indicators": {"maxItems": 0},
            "severity": {"properties": {"scale": level, "scope": level, "irremediability": level}},
            "likelihood": level,
            "narrative": {"maxLength": 0},
            "dispute": _uncontested(),
            **dict.fromkeys(nothing, _NULL),
        },
    }


def _uncontested() -> Schema:
    return {
        "properties": {
            "state": {"enum": [DisputeState.NONE.value]},
            "since": _NULL,
            "statement": {"maxLength": 0},
        }
    }


def _contested() -> Schema:
    states = [each.value for each in DisputeState if each is not DisputeState.NONE]
    return {"properties": {"state": {"enum": states}, "since": {"type": "string"}}}


def _not_red() -> Schema:
    return {"properties": {"tlp": {"enum": [each.value for each in Tlp if each is not Tlp.RED]}}}


def _named() -> Schema:
    return {"properties": {"recipients": {"minItems": 1}}}


# ------------------------------------------------------------------------------------------------ parts


def _object(
    title: str, description: str, properties: dict[str, Schema], required: Iterable[str] | None = None
) -> Schema:
    return {
        "additionalProperties": False,
        "description": description,
        "properties": properties,
        "required": list(properties if required is None else required),
        "title": title,
        "type": "object",
    }


def _said(title: str, description: str, kind: Schema) -> Schema:
    return {"title": title, **({"description": description} if description else {}), **kind}


def _ref(words: type[StrEnum]) -> Schema:
    return {"$ref": f"#/$defs/{words.__name__}"}


def _words(words: type[StrEnum]) -> Schema:
    return {"enum": [each.value for each in words], "type": "string"}


def _or_null(kind: Schema) -> Schema:
    return {"anyOf": [kind, _NULL]}


def _level(title: str, description: str) -> Schema:
    return _said(title, description, {"enum": [int(each) for each in Level], "type": "integer"})


def _day_text() -> Schema:
    return {"format": "date", "pattern": _DAY_PATTERN, "type": "string"}


def _day(title: str, description: str) -> Schema:
    return _said(title, description, _day_text())


def _text(title: str, description: str, min_length: int = 0, max_length: int = 0) -> Schema:
    # A limit in bytes is one in characters too: none takes less than a byte.
    least = {"minLength": min_length} if min_length else {}
    return _said(title, description, {**least, "maxLength": max_length, "type": "string"})


def _plain_words(title: str, description: str, *, at_least: int) -> Schema:
    least = {"minItems": at_least} if at_least else {}
    word = {"pattern": WORD_PATTERN, "type": "string"}
    return _said(title, description, {"items": word, **least, "maxItems": MAX_WORDS, "type": "array"})
