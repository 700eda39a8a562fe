"""docs/signals-import.md says what is true: examples are read; words, limits and grades are the code's."""

import io
import re
from pathlib import Path

import pytest

from signal_makers import TODAY
from symbolon.signals import author_words, csv_table, json_lines, signal_table
from symbolon.signals.draft import MAX_REFERENCE_CHARS, MAX_SOURCE_CHARS, Draft
from symbolon.signals.json_lines import read_json_lines
from symbolon.signals.kobo import is_never_read, open_kobo, recognise_question
from symbolon.signals.native_grades import table
from symbolon.signals.signal import (
    MAX_NARRATIVE_CHARS,
    MAX_NATIVE_CHARS,
    MAX_SUBJECT_CHARS,
    MAX_WORDS,
    Month,
    Native,
    Period,
    Severity,
)
from symbolon.signals.signal_columns import FIELDS
from symbolon.signals.signal_table import open_signal_table
from symbolon.signals.vocabulary import Evidence, Indicator, Level, Reliability, SubjectKind, Tlp
from symbolon.suppliers.csv_records import MAX_RECORD_CHARS
from symbolon.suppliers.row_problem import RowProblem

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "signals-import.md").read_text(encoding="utf-8")


def _block(kind: str) -> str:
    (block,) = re.findall(rf"^```{kind}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    return block


def _section(title: str) -> str:
    return TEXT.split(f"## {title}\n")[1].split("\n## ")[0]


def _rows(title: str) -> list[list[str]]:
    """The cells of a section's tables, without their heads."""
    lines = [line for line in _section(title).splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    rules = [place for place, row in enumerate(rows) if all(set(cell) <= {"-"} for cell in row)]
    return [row for place, row in enumerate(rows) if place not in rules and place + 1 not in rules]


def test_document_table_example_is_read(tmp_path: Path) -> None:
    path = tmp_path / "visits.csv"
    path.write_text(_block("csv"), encoding="utf-8")
    items = list(open_signal_table(path, today=TODAY))
    assert not [item for item in items if isinstance(item, RowProblem)]
    site, recruiter = [item for item in items if isinstance(item, Draft)]
    assert site.indicators == {Indicator.DEBT_BONDAGE, Indicator.WITHHOLDING_OF_WAGES}
    assert site.period == Period(Month(2026, 2), Month(2026, 5))
    assert site.source == "two interviews outside the gate"
    assert (recruiter.subject.kind, recruiter.evidence) == (SubjectKind.RECRUITER, Evidence.GRIEVANCE)


def test_document_json_example_is_read() -> None:
    items = list(read_json_lines(io.BytesIO(_block("json").encode()), today=TODAY))
    assert not [item for item in items if isinstance(item, RowProblem) and item.fatal]
    site, vessel = [item for item in items if isinstance(item, Draft)]
    assert site.native == Native("SMETA 7.0", "Critical")
    assert site.severity == Severity(Level.HIGH, Level.MODERATE)
    assert (vessel.subject.kind, vessel.subject.record.imo) == (SubjectKind.VESSEL, "IMO 9074729")
    assert (vessel.confidence, vessel.reliability) == (60, Reliability.B)


def test_document_kobo_example_is_read_without_a_map(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text(_block("kobo"), encoding="utf-8")
    items = list(open_kobo(path, today=TODAY))
    (draft,) = [item for item in items if isinstance(item, Draft)]
    notes = [(item.column, item.fatal) for item in items if isinstance(item, RowProblem)]
    assert notes == [("period_from", False)]
    assert draft.indicators == {Indicator.CHILD_LABOUR}
    assert draft.reference == "fe833c3c-6324-4f6b-870b-841eba799f11"
    assert draft.subject.record.latitude == ""


def test_document_maps_of_a_place_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text(_block("kobo"), encoding="utf-8")
    maps = dict(re.findall(r'--map ((?:lat|long)itude)="(_[a-z_]+)"', _section("KoboToolbox")))
    (draft,) = [item for item in open_kobo(path, today=TODAY, header_map=maps) if isinstance(item, Draft)]
    assert (draft.subject.record.latitude, draft.subject.record.longitude) == ("23.99", "90.42")


@pytest.mark.parametrize("in_headers", [True, False])
def test_document_form_has_names_that_fit_without_a_map(in_headers: bool) -> None:
    form = [row for row in _rows("KoboToolbox") if len(row) == 3]
    assert len(form) == 20
    for _type, name, group in form:
        header = f"{group}/{name}" if in_headers else name
        meaning = recognise_question(header)
        assert meaning is not None, header
        assert meaning.field == name
        assert not is_never_read(header)


def test_document_lists_every_column() -> None:
    named = {name for row in _rows("Tables") for name in re.findall(r"`([a-z_]+)`", row[0])}
    assert named == set(FIELDS)


def test_document_lists_every_word_and_each_is_read() -> None:
    rows = {row[0].strip("`"): row for row in _rows("Words")}
    readers = {
        "subject_kind": (author_words.subject_kind, SubjectKind),
        "indicators": (author_words.indicator, Indicator),
        "evidence": (author_words.evidence, Evidence),
        "tlp": (author_words.tlp, Tlp),
    }
    for field, (read, words) in readers.items():
        named = [read(word) for word in rows[field][1].split(", ")]
        assert named == list(words), field
        also = re.split(r"[,;] ", rows[field][2])
        assert len(also) > 2
        assert all(read(word) is not None for word in also), field


def test_document_says_how_levels_grades_and_numbers_are_read() -> None:
    rows = {row[0].strip("`"): row for row in _rows("Words")}
    levels = [author_words.level(pair.split(" ", 1)[1]) for pair in rows["levels"][1].split(", ")]
    assert levels == list(Level)
    for said in rows["levels"][2].split(", "):
        word, meaning = said.split(" is ")
        assert author_words.level(word) == author_words.level(meaning)
    reliabilities = rows["reliability"][1].split(", ")
    assert [author_words.reliability(word) for word in reliabilities] == list(Reliability)
    for said in rows["confidence"][2].removesuffix(" (STIX 2.1)").split(", "):
        word, number = said.split(" ")
        assert author_words.confidence(word) == int(number)
    for place, truth in ((1, True), (2, False)):
        words = [word for word in rows["yes and no"][place].split(", ") if word != "empty"]
        assert {author_words.truth(word) for word in words} == {truth}


def test_document_says_how_months_are_read() -> None:
    rows = {row[0]: row for row in _rows("Words")}
    assert {author_words.month(word) for word in rows["months"][1].split(", ")} == {(Month(2026, 3), False)}
    assert author_words.month(rows["months"][2].split(":")[0]) == (Month(2026, 3), True)
    assert author_words.month("03/04/2026") is None
    assert "03/04/2026 is refused" in TEXT


def test_document_gives_the_limits_of_the_code() -> None:
    limits = {row[0]: row[1] for row in _rows("JSON Lines")}
    assert limits == {
        "a line of JSON": f"{json_lines.MAX_LINE_BYTES // 1024} KiB",
        "lines, rows": f"{json_lines.MAX_LINES:,}",
        "a row of a table, all cells": f"{MAX_RECORD_CHARS:,} characters",
        "columns": f"{csv_table.MAX_COLUMNS:,}",
        "all texts of the subject": f"{MAX_SUBJECT_CHARS:,} characters",
        "narrative, source": f"{MAX_NARRATIVE_CHARS:,} characters each",
        "scheme, grade": f"{MAX_NATIVE_CHARS} characters each",
        "reference": f"{MAX_REFERENCE_CHARS} characters",
        "purposes, recipients": f"{MAX_WORDS} each",
    }
    assert signal_table.MAX_ROWS == json_lines.MAX_LINES
    assert MAX_SOURCE_CHARS == MAX_NARRATIVE_CHARS
    assert f"more than {json_lines.MAX_DEPTH} levels" in TEXT


def test_document_gives_the_native_grades_of_the_code() -> None:
    told = [(scheme, grade, level) for scheme, grade, level in _rows("Native grades")]
    assert told == [
        (scheme, grade, "nothing" if meaning.level is None else meaning.level.words)
        for scheme, grade, meaning in table()
    ]
