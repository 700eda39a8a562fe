"""One signal as a JSON object of an outside file: the model, its JSON Schema, and the way to a draft.

Handles: the fields of the record without those that a node gives it (id, revision, day of issue, state), and
three beside it (source, reference, workers); every field but the subject, the indicators and the evidence may
be missing or null. Contest and reply may stand there, as an export has them; they are told and never read in.
A fault is a `RowProblem` with the path of the field and what mends it; it never quotes a value. Refuses:
unknown fields, words outside the vocabulary, what is too long, and what `Signal` refuses. No field is for a
price, a volume, a cost, the end of a contract, or a person's name.
Specification: docs/signals-import.md; JSON Schema, draft 2020-12.
"""

import re
import unicodedata
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from symbolon.errors import SignalError
from symbolon.signals.draft import MAX_REFERENCE_CHARS, MAX_SOURCE_CHARS, Draft
from symbolon.signals.draft_problems import draft_problems
from symbolon.signals.field_faults import faults
from symbolon.signals.file_fields import (
    WORD_PATTERN,
    DayField,
    FileModel,
    LevelField,
    MonthField,
    json_number,
    unicode_text,
)
from symbolon.signals.free_text import clean, is_plain
from symbolon.signals.record_codec import SUBJECT_FIELDS
from symbolon.signals.signal import (
    MAX_NARRATIVE_CHARS,
    MAX_NATIVE_CHARS,
    MAX_SUBJECT_CHARS,
    MAX_WORDS,
    NOT_RATED,
    Native,
    Period,
    Severity,
    Subject,
)
from symbolon.signals.subject_reading import read_subject
from symbolon.signals.supplier_side_file import DisputeFile, ReplyFile, supplier_side_notes
from symbolon.signals.vocabulary import (
    DisputeState,
    Evidence,
    Indicator,
    Level,
    Reliability,
    SubjectKind,
    Tlp,
)
from symbolon.suppliers.row_problem import RowProblem

MAX_WORKERS: Final = 10_000_000
"""More than any employer in the world has."""

SCHEMA_ID: Final = "urn:symbolon:signal-file:1"

_ODD_BLANKS: Final = re.compile(r"[^\S\n\t]")

_SubjectText = Annotated[str, Field(max_length=MAX_SUBJECT_CHARS), AfterValidator(unicode_text)]
_NativeText = Annotated[str, Field(min_length=1, max_length=MAX_NATIVE_CHARS), AfterValidator(unicode_text)]
_Narrative = Annotated[str, Field(max_length=MAX_NARRATIVE_CHARS), AfterValidator(unicode_text)]
_Source = Annotated[str, Field(max_length=MAX_SOURCE_CHARS), AfterValidator(unicode_text)]
_Reference = Annotated[str, Field(max_length=MAX_REFERENCE_CHARS), AfterValidator(unicode_text)]
_Words = Annotated[list[Annotated[str, Field(pattern=WORD_PATTERN)]], Field(max_length=MAX_WORDS)]
_Confidence = Annotated[int, Field(ge=0, le=100), BeforeValidator(json_number)]
_Workers = Annotated[int, Field(ge=1, le=MAX_WORKERS), BeforeValidator(json_number)]
_IndicatorField = Annotated[Indicator, Field(strict=False)]


class SubjectFile(FileModel):
    """Whom the signal is about. It needs a name or an identifier that holds."""

    model_config = ConfigDict(title="Subject")

    kind: Annotated[SubjectKind, Field(strict=False)] = Field(
        title="Kind", description="What the subject is."
    )
    name: _SubjectText | None = Field(
        None, title="Name", description="Of the site, organisation, recruiter or vessel; never a person's."
    )
    address: _SubjectText | None = Field(None, title="Street address")
    city: _SubjectText | None = Field(None, title="City or place")
    region: _SubjectText | None = Field(None, title="State or province")
    postal_code: _SubjectText | None = Field(None, title="Postal code")
    country: _SubjectText | None = Field(
        None, title="Country", description="ISO 3166 code of two or three letters, or a name."
    )
    os_id: _SubjectText | None = Field(None, title="Open Supply Hub id")
    lei: _SubjectText | None = Field(None, title="Legal Entity Identifier")
    gln: _SubjectText | None = Field(None, title="Global Location Number")
    duns: _SubjectText | None = Field(None, title="D-U-N-S number")
    vat: _SubjectText | None = Field(None, title="VAT number")
    registration_number: _SubjectText | None = Field(
        None, title="Registration number", description="In its country's register of companies or ships."
    )
    imo: _SubjectText | None = Field(None, title="IMO number", description="Of a ship.")
    parent_name: _SubjectText | None = Field(None, title="Owner", description="Organisation that owns it.")
    latitude: _SubjectText | None = Field(None, title="Latitude", description="Of the subject itself.")
    longitude: _SubjectText | None = Field(None, title="Longitude", description="Of the subject itself.")


class SeverityFile(FileModel):
    """How bad it is (UN Guiding Principle 14), by number or by word; 0 where nothing is said of it."""

    model_config = ConfigDict(title="Severity")

    scale: LevelField = Field(Level.NOT_STATED, title="Scale", description="How grave the harm is.")
    scope: LevelField = Field(Level.NOT_STATED, title="Scope", description="How many it reaches.")
    irremediability: LevelField = Field(
        Level.NOT_STATED, title="Irremediability", description="How far it is beyond being made good."
    )


class NativeFile(FileModel):
    """The finding in its own scheme, kept as given."""

    model_config = ConfigDict(title="Native grade")

    scheme: _NativeText = Field(title="Scheme", description="For example SMETA 7.0.")
    grade: _NativeText = Field(title="Grade", description="As the report has it.")


class PeriodFile(FileModel):
    """When it was seen, no finer than a month."""

    model_config = ConfigDict(title="Period")

    first: MonthField = Field(alias="from", title="First month", description="For example 2026-03.")
    last: MonthField | None = Field(
        None, alias="to", title="Last month", description="The first month, where it is missing."
    )


class SignalFile(FileModel):
    """A risk signal about a supplier, as its author writes it down; one object on each line of a file."""

    model_config = ConfigDict(title="Symbolon signal, as its author writes it")

    subject: SubjectFile = Field(title="Subject")
    indicators: list[_IndicatorField] = Field(
        min_length=1, max_length=MAX_WORDS, title="Indicators", description="What was seen."
    )
    evidence: Annotated[Evidence, Field(strict=False)] = Field(
        title="Evidence", description="What kind of evidence it rests on."
    )
    severity: SeverityFile | None = Field(None, title="Severity")
    likelihood: LevelField | None = Field(
        None, title="Likelihood", description="How likely it is that it goes on; no part of severity."
    )
    confidence: _Confidence | None = Field(None, title="Confidence", description="In the content, 0 to 100.")
    reliability: Annotated[Reliability, Field(strict=False)] | None = Field(
        None, title="Reliability", description="Of the source, A to F (Admiralty code)."
    )
    native: NativeFile | None = Field(None, title="Native grade")
    period: PeriodFile | None = Field(None, title="Period")
    narrative: _Narrative | None = Field(
        None,
        title="Narrative",
        description="Free text without names of persons; it travels on request only.",
    )
    tlp: Annotated[Tlp, Field(strict=False)] | None = Field(
        None, title="TLP 2.0 mark", description="How far receivers may share it; amber where it is missing."
    )
    purposes: _Words | None = Field(None, title="Purposes", description="What it may be used for.")
    recipients: _Words | None = Field(
        None,
        title="Recipients",
        description="Ids of the members it may go to; whoever policy permits, where it is missing.",
    )
    embargo: DayField | None = Field(None, title="Embargo", description="It goes to nobody before this day.")
    expires: DayField | None = Field(
        None,
        title="Expires",
        description="It is erased everywhere on this day; two years from its issue, five at most.",
    )
    review: DayField | None = Field(
        None, title="Review", description="The contributor looks at it again by this day; half a year."
    )
    urgent: bool | None = Field(
        None, title="Urgent", description="Told at once; for child labour and hazardous work only."
    )
    source: _Source | None = Field(
        None, title="Source", description="Notes on the source; they stay sealed with the contributor."
    )
    reference: _Reference | None = Field(
        None, title="Reference", description="What the file calls it: a second import knows it again by this."
    )
    workers: _Workers | None = Field(
        None,
        title="Workers",
        description="How many people work there, to warn where a detail would point at one; it is not kept.",
    )
    dispute: DisputeFile | None = Field(None, title="Dispute")
    reply: ReplyFile | None = Field(None, title="Reply")


_MODELS: Final[dict[str, type[BaseModel]]] = {
    "": SignalFile,
    "subject": SubjectFile,
    "severity": SeverityFile,
    "native": NativeFile,
    "period": PeriodFile,
    "dispute": DisputeFile,
    "reply": ReplyFile,
}
_FIELDS: Final = {
    path: tuple(field.alias or name for name, field in model.model_fields.items())
    for path, model in _MODELS.items()
}


def json_schema() -> dict[str, Any]:
    """The JSON Schema of one signal, as the project publishes it in signal.schema.json."""
    made = SignalFile.model_json_schema(by_alias=True)
    for each in made["$defs"].values():
        if "enum" in each:
            # What a word means to a label is nothing to an author; the field has a description of its own.
            del each["description"]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA_ID, **made}


def read_signal_object(row: int, value: object, today: date) -> Iterator[Draft | RowProblem]:
    """Yields the problems of one signal and then, unless one is fatal, its draft.

    Args:
        row: number of the row or line it stands in.
        value: what a JSON reader made of it.
        today: by this node's clock; it decides which days are past.
    """
    if not isinstance(value, dict):
        yield RowProblem(
            row, None, "it is no JSON object", "write one signal as one object between braces", fatal=True
        )
        return
    try:
        signal = SignalFile.model_validate(value)
    except ValidationError as error:
        yield from faults(row, error, _FIELDS)
        return
    draft: Draft | None = None
    for item in _draft(row, signal):
        if isinstance(item, Draft):
            draft = item
        else:
            yield item
    if draft is None:
        return
    refused = False
    contest = signal.dispute
    yield from supplier_side_notes(
        row,
        has_dispute=contest is not None and contest.state is not DisputeState.NONE,
        has_reply=signal.reply is not None,
    )
    for problem in draft_problems(draft, row, today):
        refused = True
        yield problem
    if not refused:
        yield draft


def draft_object(draft: Draft) -> dict[str, Any]:
    """The object that `read_signal_object` reads as this draft; what has its default is left out."""
    record = draft.subject.record
    texts = {name: text for name in SUBJECT_FIELDS if (text := getattr(record, name))}
    period, native, rated = draft.period, draft.native, draft.severity
    severity = {
        name: int(getattr(rated, name))
        for name in ("scale", "scope", "irremediability")
        if getattr(rated, name)
    }
    content: dict[str, Any] = {
        "subject": {"kind": draft.subject.kind.value, **texts},
        "indicators": sorted(each.value for each in draft.indicators),
        "evidence": draft.evidence.value,
        "severity": severity,
        "likelihood": int(draft.likelihood),
        "confidence": draft.confidence,
        "reliability": draft.reliability and draft.reliability.value,
        "native": native and {"scheme": native.scheme, "grade": native.grade},
        "period": period and {"from": str(period.first), "to": str(period.last)},
        "narrative": draft.narrative,
        "tlp": draft.tlp.value,
        "purposes": list(draft.purposes),
        "recipients": list(draft.recipients),
        "embargo": draft.embargo and draft.embargo.isoformat(),
        "expires": draft.expires and draft.expires.isoformat(),
        "review": draft.review and draft.review.isoformat(),
        "urgent": draft.urgent,
        "source": draft.source,
        "reference": draft.reference,
        "workers": draft.workers,
    }
    # 0 is a confidence that an author stated.
    return {name: each for name, each in content.items() if each or (name == "confidence" and each == 0)}


def _draft(row: int, signal: SignalFile) -> Iterator[Draft | RowProblem]:
    """The parts, each checked; problems first."""
    subject: Subject | None = None
    for item in _subject(row, signal.subject):
        if isinstance(item, RowProblem):
            yield item
        else:
            subject = item
    texts = {}
    for field in ("narrative", "source", "reference"):
        typed = getattr(signal, field) or ""
        texts[field] = clean(typed)
        if not is_plain(unicodedata.normalize("NFC", _ODD_BLANKS.sub(" ", typed))):
            yield RowProblem(
                row,
                field,
                "it held control or direction characters; they were left out",
                "look at how the text reads now",
                fatal=False,
            )
    fatal = subject is None
    period = native = None
    try:
        if signal.period is not None:
            period = Period(signal.period.first, signal.period.last or signal.period.first)
    except SignalError as error:
        fatal = True
        yield RowProblem(row, "period", error.detail, "swap the two months", fatal=True)
    try:
        if signal.native is not None:
            native = Native(_one_line(signal.native.scheme), _one_line(signal.native.grade))
    except SignalError as error:
        fatal = True
        yield RowProblem(row, "native", error.detail, "fill both, each in a few words", fatal=True)
    if fatal or subject is None:
        return
    rated = signal.severity
    yield Draft(
        subject=subject,
        indicators=frozenset(signal.indicators),
        evidence=signal.evidence,
        severity=Severity(rated.scale, rated.scope, rated.irremediability) if rated else NOT_RATED,
        likelihood=signal.likelihood or Level.NOT_STATED,
        confidence=signal.confidence,
        reliability=signal.reliability,
        native=native,
        period=period,
        narrative=texts["narrative"],
        tlp=signal.tlp or Tlp.AMBER,
        purposes=tuple(sorted(set(signal.purposes or ()))),
        recipients=tuple(sorted(set(signal.recipients or ()))),
        embargo=signal.embargo,
        expires=signal.expires,
        review=signal.review,
        urgent=bool(signal.urgent),
        source=texts["source"],
        reference=_one_line(texts["reference"]),
        workers=signal.workers,
    )


def _subject(row: int, subject: SubjectFile) -> Iterator[Subject | RowProblem]:
    texts = {name: text for name in SUBJECT_FIELDS if (text := getattr(subject, name))}
    for item in read_subject(row, subject.kind, texts):
        if isinstance(item, RowProblem):
            column = f"subject.{item.column}" if item.column else "subject"
            yield RowProblem(row, column, item.message, item.remedy, item.fatal)
        else:
            yield item


def _one_line(text: str) -> str:
    return " ".join(clean(text).split())
