"""What holds for every file of signals: drafts come back as they were written, and nothing stops a reader."""

import csv
import io
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from json_schema_validator import accepts
from signal_makers import TODAY, drafts
from symbolon.errors import InputError
from symbolon.signals import author_words
from symbolon.signals.draft import Draft
from symbolon.signals.json_lines import read_json_lines
from symbolon.signals.kobo import open_kobo
from symbolon.signals.record_codec import SUBJECT_FIELDS
from symbolon.signals.signal_columns import FIELDS
from symbolon.signals.signal_file import draft_object, json_schema, read_signal_object
from symbolon.signals.signal_table import SignalTable, open_signal_table
from symbolon.signals.vocabulary import Indicator
from symbolon.suppliers.row_problem import RowProblem

SCHEMA = json_schema()
GOOD = {
    "subject": {"kind": "site", "name": "A", "country": "CN"},
    "indicators": ["isolation"],
    "evidence": "media",
}

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
ALMOST = st.fixed_dictionaries(
    {name: st.just(value) for name, value in GOOD.items()},
    optional={name: JSON_VALUES for name in SCHEMA["properties"] if name not in GOOD},
)


@contextmanager
def _file(content: bytes) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "signals"
        path.write_bytes(content)
        yield path


def _read(opened: Callable[[], SignalTable]) -> tuple[list[Draft | RowProblem], InputError | None]:
    try:
        return list(opened()), None
    except InputError as refusal:
        return [], refusal


def _drafts(items: Iterator[Draft | RowProblem]) -> list[Draft]:
    return [item for item in items if isinstance(item, Draft)]


@given(st.lists(drafts(), max_size=3), st.booleans(), st.sampled_from(["\n", "\r\n", "\n\n"]))
@settings(max_examples=40)
def test_json_lines_two_ways_is_the_same(written: list[Draft], as_escapes: bool, end: str) -> None:
    lines = [json.dumps(draft_object(each), ensure_ascii=as_escapes) for each in written]
    text = end.join(lines).encode()
    assert _drafts(read_json_lines(io.BytesIO(text), today=TODAY)) == written


@given(drafts())
@settings(max_examples=40)
def test_schema_takes_every_draft(draft: Draft) -> None:
    assert accepts(SCHEMA, draft_object(draft))


@given(st.binary(max_size=200).map(lambda line: line.replace(b"\n", b" ")))
def test_json_lines_any_bytes_cost_their_own_line_only(line: bytes) -> None:
    good = json.dumps(GOOD).encode()
    lines = read_json_lines(io.BytesIO(b"\n".join((good, line, good))), today=TODAY)
    rows = [(lines.row, item) for item in lines]
    assert [row for row, item in rows if isinstance(item, Draft) and row != 2] == [1, 3]
    assert all(item.row == 2 and item.remedy for _, item in rows if isinstance(item, RowProblem))


@given(ALMOST)
def test_signal_object_any_values_give_a_draft_or_say_what_is_wrong(value: dict[str, object]) -> None:
    items = list(read_signal_object(1, value, TODAY))
    drafts_, fatal = _drafts(iter(items)), [x for x in items if isinstance(x, RowProblem) and x.fatal]
    assert bool(drafts_) != bool(fatal)
    assert all(each.message.isprintable() and each.remedy.isprintable() for each in fatal)
    for draft in drafts_:
        draft.first_revision(bytes(16), TODAY) if draft.purposes else None
        assert accepts(SCHEMA, value)


def _row(draft: Draft) -> list[str]:
    record, severity, period, native = draft.subject.record, draft.severity, draft.period, draft.native
    cells = {
        "subject_kind": draft.subject.kind.value,
        **{name: getattr(record, name) for name in SUBJECT_FIELDS},
        "indicators": "; ".join(each.words for each in draft.indicators),
        "scale": str(int(severity.scale)),
        "scope": severity.scope.words,
        "irremediability": severity.irremediability.words.upper(),
        "likelihood": str(int(draft.likelihood)),
        "confidence": "" if draft.confidence is None else str(draft.confidence),
        "reliability": draft.reliability.value if draft.reliability else "",
        "evidence": draft.evidence.words,
        "scheme": native.scheme if native else "",
        "grade": native.grade if native else "",
        "period_from": str(period.first) if period else "",
        "period_to": str(period.last) if period else "",
        "narrative": draft.narrative,
        "tlp": f"TLP:{draft.tlp.value.upper()}",
        "purposes": " ".join(draft.purposes),
        "recipients": ";".join(draft.recipients),
        "embargo": draft.embargo.isoformat() if draft.embargo else "",
        "expires": draft.expires.isoformat() if draft.expires else "",
        "review": draft.review.isoformat() if draft.review else "",
        "urgent": "yes" if draft.urgent else "",
        "source": draft.source,
        "reference": draft.reference,
        "workers": "" if draft.workers is None else str(draft.workers),
    }
    return [cells[field] for field in FIELDS]


@given(
    st.lists(drafts(), max_size=2),
    st.sampled_from(",;\t|"),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
@settings(max_examples=40)
def test_signal_table_two_ways_is_the_same(written: list[Draft], delimiter: str, encoding: str) -> None:
    text = io.StringIO()
    rows = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    rows.writerows([FIELDS, *map(_row, written)])
    with _file(text.getvalue().encode(encoding)) as path:
        read = _drafts(open_signal_table(path, today=TODAY))
    # Purposes are words of the coalition, in small letters.
    small = [
        replace(each, purposes=tuple(sorted({word.lower() for word in each.purposes}))) for each in written
    ]
    assert read == small


@given(
    st.lists(st.sampled_from(FIELDS) | st.text(max_size=8), min_size=1, max_size=30),
    st.lists(st.lists(st.text(max_size=12), max_size=30), max_size=4),
    st.sampled_from([open_signal_table, open_kobo]),
)
def test_tables_of_any_cells_are_read_or_refused_with_a_hint(
    header: list[str], rows: list[list[str]], opened: Callable[..., SignalTable]
) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([header, *rows])
    with _file(text.getvalue().encode("utf-8", "replace")) as path:
        items, refusal = _read(lambda: opened(path, today=TODAY))
    if refusal is None:
        assert all(isinstance(each, Draft) or each.remedy for each in items)
    else:
        assert refusal.full_code.startswith("input.")
        assert refusal.hint
        assert refusal.detail.isprintable()


@given(
    st.sets(st.sampled_from(Indicator), min_size=1),
    st.sampled_from([";", ",", " | ", " ", "\n", "; "]),
    st.sampled_from([str.lower, str.upper, str.title]),
    st.sampled_from(" -_"),
)
def test_indicators_of_any_set_are_read_in_any_spelling(
    chosen: set[Indicator], separator: str, case: Callable[[str], str], gap: str
) -> None:
    cell = separator.join(case(each.value).replace("-", gap) for each in chosen)
    assert author_words.indicators(cell) == chosen


@given(st.text(max_size=60))
def test_author_words_of_any_text_never_raise(text: str) -> None:
    for read in (
        author_words.indicators,
        author_words.level,
        author_words.confidence,
        author_words.reliability,
        author_words.evidence,
        author_words.subject_kind,
        author_words.tlp,
        author_words.truth,
        author_words.month,
        author_words.iso_day,
        author_words.whole_number,
        author_words.separate_words,
    ):
        read(text)
