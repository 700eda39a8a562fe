import io
import json
from pathlib import Path
from typing import Any

import pytest

from signal_makers import TODAY, make_draft
from symbolon.errors import InputError
from symbolon.signals import json_lines
from symbolon.signals.draft import Draft
from symbolon.signals.json_lines import MAX_LINE_BYTES, open_json_lines, read_json_lines
from symbolon.signals.signal_file import draft_object
from symbolon.suppliers.row_problem import RowProblem

GOOD = json.dumps(draft_object(make_draft())).encode()


def _read(text: bytes) -> tuple[list[tuple[int, Draft]], list[RowProblem]]:
    lines = read_json_lines(io.BytesIO(text), today=TODAY)
    drafts: list[tuple[int, Draft]] = []
    problems: list[RowProblem] = []
    for item in lines:
        if isinstance(item, Draft):
            drafts.append((lines.row, item))
        else:
            assert item.row == lines.row
            problems.append(item)
    return drafts, problems


def test_json_lines_each_line_is_a_draft_with_its_number() -> None:
    drafts, problems = _read(b"\xef\xbb\xbf" + GOOD + b"\r\n\n  \n" + GOOD)
    assert problems == []
    assert drafts == [(1, make_draft()), (4, make_draft())]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"{", "no JSON"),
        (b"{'a': 1}", "no JSON"),
        (b'{"a": 1,}', "no JSON"),
        (b"[]", "no JSON object"),
        (b"null", "no JSON object"),
        (b'"text"', "no JSON object"),
        (b"\xff{}", "byte 1 does not decode"),
        (b'{"narrative": "caf\xe9"}', "byte 19 does not decode"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "NaN"),
        (b'{"a": 1, "a": 2}', "twice"),
        (b'{"subject": {"kind": "site", "kind": "vessel"}}', "twice"),
        (b"[[[[[[[[[]]]]]]]]]", "deeper than 8"),
        (b'{"a": ' + b"1" * 21 + b"}", "more than 20 digits"),
        (b"\x00" * 40, "no JSON"),
        (b"{}" + b" " * MAX_LINE_BYTES, "262,144 bytes"),
    ],
)
def test_json_lines_bad_line_is_reported_and_the_good_ones_stay(line: bytes, words: str) -> None:
    drafts, problems = _read(GOOD + b"\n" + line + b"\n" + GOOD + b"\n")
    assert [row for row, _ in drafts] == [1, 3]
    (problem,) = problems
    assert (problem.row, problem.fatal) == (2, True)
    assert words in problem.message
    assert problem.remedy


def test_json_lines_line_of_the_greatest_length_is_read() -> None:
    drafts, problems = _read(GOOD + b" " * (MAX_LINE_BYTES - len(GOOD)) + b"\n" + GOOD)
    assert [row for row, _ in drafts] == [1, 2]
    assert problems == []


def test_json_lines_brackets_in_a_text_are_no_nesting() -> None:
    value: dict[str, Any] = {**draft_object(make_draft()), "narrative": '[{"' * 40 + "\\"}
    drafts, problems = _read(json.dumps(value).encode())
    assert [draft.narrative for _, draft in drafts] == [value["narrative"]]
    assert problems == []


def test_json_lines_wrong_signal_is_reported_with_its_path() -> None:
    value = {**draft_object(make_draft()), "confidence": 101}
    drafts, problems = _read(json.dumps(value).encode())
    assert drafts == []
    assert [(each.row, each.column) for each in problems] == [(1, "confidence")]


def test_json_lines_half_of_a_character_as_an_escape_is_refused() -> None:
    drafts, problems = _read(GOOD[:-1] + b', "narrative": "\\ud800"}')
    assert (drafts, len(problems)) == ([], 1)


def test_json_lines_behind_the_last_line_nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_lines, "MAX_LINES", 2)
    drafts, problems = _read((GOOD + b"\n") * 5)
    assert [row for row, _ in drafts] == [1, 2]
    assert [each.row for each in problems] == [3]


def test_open_json_lines_reads_a_file_and_closes_it(tmp_path: Path) -> None:
    path = tmp_path / "signals.jsonl"
    path.write_bytes(GOOD)
    with open_json_lines(path, today=TODAY) as lines:
        assert list(lines) == [make_draft()]
    with pytest.raises(ValueError, match="closed file"):
        next(open_closed(path))


def open_closed(path: Path) -> json_lines.JsonLines:
    lines = open_json_lines(path, today=TODAY)
    lines.close()
    return lines


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "input.empty"),
        (b"PK\x03\x04" + b"\x00" * 40, "input.binary"),
        (b"\x1f\x8b\x08" + b"\x00" * 40, "input.binary"),
        (GOOD.decode().encode("utf-16"), "input.encoding"),
        (GOOD.decode().encode("utf-16-le"), "input.encoding"),
    ],
)
def test_open_json_lines_file_of_another_kind_is_refused(tmp_path: Path, content: bytes, code: str) -> None:
    path = tmp_path / "signals.jsonl"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        open_json_lines(path, today=TODAY)
    assert caught.value.full_code == code
    assert caught.value.hint


def test_open_json_lines_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        open_json_lines(tmp_path / "none.jsonl", today=TODAY)
    assert caught.value.full_code == "input.not_found"


def test_open_json_lines_one_line_in_another_encoding_costs_that_line_only(tmp_path: Path) -> None:
    path = tmp_path / "signals.jsonl"
    path.write_bytes(GOOD + b"\n" + '{"narrative": "Ümit"}'.encode("cp1252") + b"\n" + GOOD + b"\n")
    items = list(open_json_lines(path, today=TODAY))
    assert [isinstance(item, Draft) for item in items] == [True, False, True]
