"""New signals on their way into the store: all of them, or none.

What takes long, encoding and making match keys, comes before the one transaction that stores them. Refuses:
a signal that is no first revision or is over already, an id or a reference that is held, the same twice.

An import is told apart from an earlier one by two keyed digests: of what the file calls a row, and of what
the row says. A file without names for its rows goes by what they say. The note on the source is no part of
that: a file from which it was taken out is the same file.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from sqlalchemy import ColumnElement, Connection, func, insert, select

from symbolon.audit.entry import Entry
from symbolon.errors import SignalError
from symbolon.signals.bundle import SIGNATURE_BYTES
from symbolon.signals.draft import MAX_REFERENCE_CHARS, MAX_SOURCE_CHARS, Draft
from symbolon.signals.facts import Audience, day_number, facts_row, facts_table
from symbolon.signals.record_codec import encode_signal
from symbolon.signals.signal import Native, Period, Severity, Signal, Subject
from symbolon.signals.vocabulary import ShownAs, State
from symbolon.storage.seal import DIGEST_BYTES, Sealer
from symbolon.storage.signal_columns import (
    pieces,
    reference_digest,
    revision_values,
    seal_source,
    state_values,
)
from symbolon.storage.signal_facts import number_audiences, put_facts
from symbolon.storage.signal_news import is_told_at_once, note_news
from symbolon.storage.signal_schema import signal as signal_table
from symbolon.storage.signal_schema import signal_revision, signal_source
from symbolon.storage.signal_writer import Writer

MAX_NEW: Final = 100_000
"""Signals added at once. Other writers of the node wait while they are stored, some 12 s for as many (30 s on
PostgreSQL): who does not want that while it serves adds a few thousand at a time."""

CONTENT_FIELDS: Final = (
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
    "purposes",
    "recipients",
    "embargo",
    "expires",
    "review",
    "urgent",
)
"""What of a draft makes up what an import says."""

Standing = Literal["new", "unchanged", "changed", "recalled", "expired", "repeated"]
"""Of a draft beside what is held: not held; held, and the last import said the same; held, and it said
otherwise; taken back since; erased since; named before by the same import."""


@dataclass(frozen=True, slots=True)
class NewSignal:
    """A signal to be added.

    Attributes:
        signal: its first revision.
        signature: this member's, 64 bytes, over b"symbolon-signal-record-1", a zero byte and the document.
        source: who or what it was learnt from; '' for nothing noted.
        reference: what the file it comes from calls it; '' for none.
        content: digest of what the import says, from `SignalStore.content_of`; None for no import.
        shown_as: by what it names its contributor.

    Raises:
        SignalError: `signal.value`, at construction.
    """

    signal: Signal
    signature: bytes = field(repr=False)
    source: str = field(default="", repr=False)
    reference: str = field(default="", repr=False)
    content: bytes | None = field(default=None, repr=False)
    shown_as: ShownAs = ShownAs.PUBLISHER

    def __post_init__(self) -> None:
        if self.signal.revision != 1 or self.signal.state is not State.ACTIVE:
            raise SignalError("a new signal is an active first revision", code="signal.value")
        if len(self.source) > MAX_SOURCE_CHARS or len(self.reference) > MAX_REFERENCE_CHARS:
            raise SignalError("the note on the source, or the reference, is too long", code="signal.value")
        if self.content is not None and len(self.content) != DIGEST_BYTES:
            raise SignalError(f"a digest of content is {DIGEST_BYTES} bytes", code="signal.value")
        require_signature(self.signature)


class Known(NamedTuple):
    """What the store holds of a draft.

    Attributes:
        standing: see `Standing`.
        number: of the signal; None for one that is new or repeated.
    """

    standing: Standing
    number: int | None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A new signal as far as it can be made without its number."""

    new: NewSignal
    signed: bytes
    audience: Audience
    facts: bytes
    reference: bytes | None
    entry: Entry


def require_signature(signature: bytes) -> None:
    """Checks the length of a signature; whether it holds is for the caller to know, who made it.

    Raises:
        SignalError: `signal.value`.
    """
    if len(signature) != SIGNATURE_BYTES:
        raise SignalError(f"a signature is {SIGNATURE_BYTES} bytes", code="signal.value")


def content_digest(sealer: Sealer, draft: Draft) -> bytes:
    """The keyed digest of what an import says of one signal; the same on every day."""
    said = [_plain(getattr(draft, name)) for name in CONTENT_FIELDS]
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), default=str)
    return sealer.keyed_digest("signal.content", text.encode())


def _plain(value: Any) -> Any:
    if isinstance(value, Subject):
        return value.kind, value.record.to_json().decode("utf-8", "surrogatepass")
    if isinstance(value, frozenset):
        return sorted(value)
    return asdict(value) if isinstance(value, (Native, Period, Severity)) else value


def compare(connection: Connection, sealer: Sealer, drafts: Sequence[Draft], today: date) -> list[Known]:
    """What is held of the drafts of one import, in their order."""
    contents = [content_digest(sealer, each) for each in drafts]
    names = [
        reference_digest(sealer, each.reference) if each.reference else content
        for each, content in zip(drafts, contents, strict=True)
    ]
    held = by_digest(connection, names)
    seen: set[bytes] = set()
    found = []
    for name, content in zip(names, contents, strict=True):
        if name in seen:
            found.append(Known("repeated", None))
        elif name not in held:
            found.append(Known("new", None))
        else:
            row = held[name]
            standing: Standing = "unchanged" if row.content_digest == content else "changed"
            if row.state == "expired" or row.expires_day <= day_number(today):
                standing = "expired"
            elif row.state == "recalled":
                standing = "recalled"
            found.append(Known(standing, row.number))
        seen.add(name)
    return found


def by_digest(connection: Connection, digests: Sequence[bytes]) -> dict[bytes, Any]:
    """Rows of `signal` by the digest of their reference: the newest, which alone can be active."""
    columns = (
        signal_table.c.number,
        signal_table.c.state,
        signal_table.c.expires_day,
        signal_table.c.reference_digest,
        signal_table.c.content_digest,
    )
    found: dict[bytes, Any] = {}
    for some in pieces(digests):
        here = signal_table.c.reference_digest.in_(some)
        for row in connection.execute(select(*columns).where(here).order_by(signal_table.c.number)):
            found[row.reference_digest] = row
    return found


def prepare(sealer: Sealer, new: Sequence[NewSignal], today: date) -> list[Prepared]:
    """Does what needs no transaction.

    Raises:
        SignalError: `signal.value`, `signal.expired`, `signal.exists`.
    """
    if len(new) > MAX_NEW:
        raise SignalError(
            f"{len(new)} signals are more than {MAX_NEW} at once",
            hint="Add them in several parts.",
            code="signal.value",
        )
    if any(each.signal.is_expired(today) for each in new):
        raise SignalError("a new signal is over already", hint="Give a later end.", code="signal.expired")
    prepared = []
    for each in new:
        said = each.signal
        facts = facts_row(said, first_issued=said.issued, audience=0, shown_as=each.shown_as.number)
        reference = reference_digest(sealer, each.reference) if each.reference else each.content
        entry = Entry("contributed", "", said.hex_id, counts={"revision": 1}, note="added")
        audience = Audience(said.purposes, said.recipients)
        signed = each.signature + encode_signal(said)
        prepared.append(Prepared(each, signed, audience, facts, reference, entry))
    _require_distinct("id", (each.signal.signal_id for each in new))
    _require_distinct("reference", (each.reference for each in prepared if each.reference is not None))
    return prepared


def _require_distinct(what: str, values: Iterable[bytes]) -> None:
    held = list(values)
    if len(set(held)) != len(held):
        raise SignalError(
            f"two of the new signals have the same {what}", hint="Leave one out.", code="signal.exists"
        )


def store(
    connection: Connection, writer: Writer, prepared: Sequence[Prepared], *, published: bool = True
) -> int:
    """Stores new signals but for their keys, with their entries of the log.

    Args:
        connection: of the caller's transaction.
        writer: who adds them.
        prepared: at least one.
        published: by this member itself; else nothing is made by which others could be given them here.

    Returns:
        The number of the first; the others follow.

    Raises:
        SignalError: `signal.exists`.
    """
    _require_new(connection, prepared)
    first = (connection.execute(select(func.max(signal_table.c.number))).scalar() or 0) + 1
    now_s, sealer = int(writer.clock()), writer.sealer
    rows, revisions, sources = [], [], []
    for number, each in enumerate(prepared, first):
        said = each.new.signal
        rows.append(
            {
                "number": number,
                "signal_id": said.hex_id,
                "first_issued_day": day_number(said.issued),
                "created_at_s": now_s,
                "changed_at_s": now_s,
                "reference_digest": each.reference,
                "content_digest": each.new.content,
                **state_values(said),
            }
        )
        revisions.append(revision_values(writer, number, said.revision, each.signed, now_s))
        if each.new.source:
            sources.append({"number": number, "note": seal_source(sealer, number, each.new.source)})
    connection.execute(insert(signal_table), rows)
    connection.execute(insert(signal_revision), revisions)
    if sources:
        connection.execute(insert(signal_source), sources)
    if not published:
        delegated = (replace(each.entry, note="delegated") for each in prepared)
        writer.audit.append_in(connection, *delegated)
        return first
    facts = facts_table(b"".join(each.facts for each in prepared)).copy()
    audiences = number_audiences(connection, sealer, [each.audience for each in prepared])
    facts["audience"] = [audiences[each.audience] for each in prepared]
    put_facts(connection, sealer, np.arange(first, first + len(facts), dtype=np.uint64), facts)
    today = datetime.fromtimestamp(now_s, UTC).date()
    if any(is_told_at_once(each.new.signal, today) for each in prepared):
        note_news(connection)
    writer.audit.append_in(connection, *(each.entry for each in prepared))
    return first


def _require_new(connection: Connection, prepared: Sequence[Prepared]) -> None:
    ids = signal_table.c.signal_id, [each.new.signal.hex_id for each in prepared]
    if _any_held(connection, *ids):
        raise SignalError("a signal of this id is held already", code="signal.exists")
    references = [each.reference for each in prepared if each.reference is not None]
    active = signal_table.c.state == "active"
    if _any_held(connection, signal_table.c.reference_digest, references, active):
        raise SignalError(
            "a signal of the same reference is held already",
            hint="Another import may have brought it meanwhile: run the import again.",
            code="signal.exists",
        )


def _any_held(
    connection: Connection,
    column: ColumnElement[Any],
    values: Sequence[Any],
    *more: ColumnElement[bool],
) -> bool:
    for some in pieces(values):
        if connection.execute(select(column).where(column.in_(some), *more).limit(1)).first() is not None:
            return True
    return False
