"""Files of signals made to exhaust, crash or deceive the node that reads them, or make it tell a secret."""

import gzip
import io
import json
import time
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from signal_makers import TODAY, make_draft
from symbolon.errors import InputError
from symbolon.signals.draft import Draft
from symbolon.signals.json_lines import MAX_LINE_BYTES, open_json_lines, read_json_lines
from symbolon.signals.kobo import is_kobo_export, open_kobo
from symbolon.signals.signal_columns import FIELDS
from symbolon.signals.signal_file import draft_object
from symbolon.signals.signal_table import open_signal_table
from symbolon.suppliers.row_problem import RowProblem

GOOD = json.dumps(draft_object(make_draft())).encode()
LEAST = "subject_kind,name,country,indicators,evidence"
ROW = "site,A,CN,isolation,media"

# Far above what is needed and far below what a quadratic reader takes; the machines are shared.
SECONDS = 20
MEBIBYTE = 1 << 20


@contextmanager
def _bounded(mebibytes: int) -> Iterator[None]:
    """Time and memory of what runs inside."""
    begun = time.process_time()
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < mebibytes * MEBIBYTE
    assert time.process_time() - begun < SECONDS


class _Endless(io.RawIOBase):
    """A stream of one byte over and over, made while it is read, with something behind it."""

    def __init__(self, size: int, byte: bytes, behind: bytes) -> None:
        self._left, self._byte, self._behind = size, byte, io.BytesIO(behind)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        if self._left:
            count = min(self._left, len(buffer))
            self._left -= count
            buffer[:count] = self._byte * count
            return count
        return self._behind.readinto(buffer)


def _read(text: bytes) -> tuple[list[Draft], list[RowProblem]]:
    items = list(read_json_lines(io.BytesIO(text), today=TODAY))
    return (
        [item for item in items if isinstance(item, Draft)],
        [item for item in items if isinstance(item, RowProblem)],
    )


def _table(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "signals.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


# ---------------------------------------------------------------------------------------- exhausting


@pytest.mark.parametrize("byte", [b" ", b"[", b'"', b"\\", b"9", b"\x00", b"\xff"])
def test_oversized_line_of_json_streams_past_in_bounded_memory(byte: bytes) -> None:
    stream = io.BufferedReader(_Endless(64 * MEBIBYTE, byte, b"\n" + GOOD))
    with _bounded(8):
        items = list(read_json_lines(stream, today=TODAY))
    assert [(item.row, item.fatal) for item in items if isinstance(item, RowProblem)] == [(1, True)]
    assert items[-1] == make_draft()


@pytest.mark.parametrize(
    "bomb",
    [
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"subject":' * 20_000 + b"1" + b"}" * 20_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"narrative":"' + b'\\"[' * 80_000 + b'"}' + b"[" * 20,
    ],
)
def test_nesting_bomb_is_refused_before_it_is_parsed(bomb: bytes) -> None:
    with _bounded(16):
        drafts, problems = _read(bomb + b"\n" + GOOD)
    assert drafts == [make_draft()]
    assert [problem.row for problem in problems] == [1]


@pytest.mark.parametrize(
    "line",
    [
        b'"' + b'\\"' * 131_000,
        b'{"a":"' + b'\\\\"[' * 60_000,
        b'{"[' + b"\\" * 262_000,
        b"{" + b'"[{' * 80_000,
        b"{" + b",".join(b'"k%d":1' % number for number in range(20_000)) + b"}",
        b'{"a":[' + b",".join([b"{}"] * 80_000) + b"]}",
        b'{"indicators":[' + b",".join([b'"x"'] * 60_000) + b"]}",
        b'{"confidence":' + b"9" * 262_000 + b"}",
        b'{"confidence":-' + b"9" * 5_000 + b"}",
        b'{"confidence":1e' + b"9" * 5_000 + b"}",
        b'{"confidence":0.' + b"1" * 262_000 + b"}",
    ],
)
def test_line_made_to_be_slow_costs_little_and_gives_few_problems(line: bytes) -> None:
    assert len(line) <= MAX_LINE_BYTES
    with _bounded(64):
        drafts, problems = _read(line + b"\n" + GOOD)
    assert drafts == [make_draft()]
    assert 1 <= len(problems) <= 20
    assert all(len(problem.message) + len(problem.remedy) < 1_000 for problem in problems)


@pytest.mark.parametrize("opened", [open_signal_table, open_kobo])
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_million_columns_are_refused(tmp_path: Path, opened: Callable[..., object], delimiter: str) -> None:
    path = _table(tmp_path, LEAST.replace(",", delimiter) + f"{delimiter}a" * 1_000_000 + "\n")
    with _bounded(64), pytest.raises(InputError) as caught:
        opened(path, today=TODAY)
    assert caught.value.full_code == "input.header.wide"


def test_many_columns_with_close_names_are_planned_quickly(tmp_path: Path) -> None:
    header = LEAST + "".join(f",narative{number}" for number in range(4_900))
    with _bounded(64), pytest.raises(InputError) as caught:
        open_signal_table(_table(tmp_path, header), today=TODAY, header_map={"narrative": "narrativ"})
    assert caught.value.full_code == "input.map"


def test_stray_quote_at_the_top_costs_its_own_row_only(tmp_path: Path) -> None:
    path = _table(tmp_path, f'{LEAST}\nsite,"A,CN,isolation,media\n' + f"{ROW}\n" * 2_000)
    with _bounded(128):
        items = list(open_signal_table(path, today=TODAY))
    assert [(item.row, item.fatal) for item in items if isinstance(item, RowProblem)] == [(2, True)]
    assert sum(isinstance(item, Draft) for item in items) == 2_000


def test_stray_quotes_on_every_other_row_cost_bounded_time(tmp_path: Path) -> None:
    path = _table(tmp_path, LEAST + "\n" + f'site,"A,CN,isolation,media\n{ROW}\n' * 3_001)
    with _bounded(128):
        items = list(open_signal_table(path, today=TODAY))
    assert items


def test_cell_of_ten_megabytes_costs_that_row_only(tmp_path: Path) -> None:
    path = _table(tmp_path, f"{LEAST}\n{ROW}\nsite,{'x' * (10 * MEBIBYTE)},CN,isolation,media\n{ROW}\n")
    with _bounded(128):
        items = list(open_signal_table(path, today=TODAY))
    assert [type(item) for item in items] == [Draft, RowProblem, Draft]


def test_cell_of_a_hundred_thousand_indicators_is_read_once(tmp_path: Path) -> None:
    names = "debt bondage and " * 4_000
    path = _table(tmp_path, f"{LEAST}\nsite,A,CN,{names},media\n")
    with _bounded(64):
        (draft,) = open_signal_table(path, today=TODAY)
    assert isinstance(draft, Draft)


def test_recipients_beyond_count_are_refused(tmp_path: Path) -> None:
    names = " ".join(f"m{number}" for number in range(10_000))
    path = _table(tmp_path, f"{LEAST},recipients\n{ROW},{names}\n")
    with _bounded(64):
        (problem,) = open_signal_table(path, today=TODAY)
    assert isinstance(problem, RowProblem)
    assert problem.column == "recipients"


# ----------------------------------------------------------------------------------------- crashing


def _zipped() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("signals.csv", b"\x00" * MEBIBYTE)
    return archive.getvalue()


@pytest.mark.parametrize("opened", [open_json_lines, open_signal_table, open_kobo])
@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(b"\x00" * MEBIBYTE),
        _zipped(),
        b"%PDF-1.7\n" + b"\xe2\xe3" * 99,
        b"\x7fELF" + b"\x00" * 99,
        b"\x00" * 4_096,
        b"\n" * 100_000,
        bytes(range(256)) * 64,
        b"\xef\xbb\xbf",
        b"\xff\xfe",
    ],
)
def test_archive_or_noise_is_refused_with_a_hint(
    tmp_path: Path, opened: Callable[..., object], content: bytes
) -> None:
    with _bounded(64), pytest.raises(InputError) as caught:
        opened(_table(tmp_path, content), today=TODAY)
    assert caught.value.full_code.startswith("input.")
    assert caught.value.hint


@pytest.mark.parametrize(
    "encoding", ["utf-7", "utf-16-be", "utf-32", "gb18030", "shift-jis", "cp500", "utf-8-sig"]
)
def test_table_in_any_encoding_is_read_or_refused(tmp_path: Path, encoding: str) -> None:
    path = _table(tmp_path, f"{LEAST}\nsite,藍川,CN,isolation,media\n".encode(encoding, "replace"))
    try:
        items: list[object] = list(open_signal_table(path, today=TODAY))
    except InputError as refusal:
        items = [refusal.hint]
    assert items
    assert all(items), "a refusal has a hint"


def test_overlong_utf8_quote_does_not_end_a_string() -> None:
    drafts, problems = _read(b'{"narrative": "a\xc0\xa2, "tlp": "clear"}\n' + GOOD)
    assert drafts == [make_draft()]
    assert "UTF-8" in problems[0].message


def test_second_field_of_one_name_never_wins() -> None:
    twice = GOOD[:-1] + b', "tlp": "red", "tlp": "clear"}'
    escaped = GOOD[:-1] + b', "\\u0074lp": "clear"}'
    assert b'"tlp"' in GOOD
    drafts, problems = _read(twice + b"\n" + escaped)
    assert drafts == []
    assert ["twice" in problem.message for problem in problems] == [True, True]


def test_nul_in_a_cell_is_left_out_and_said(tmp_path: Path) -> None:
    path = _table(tmp_path, f"{LEAST},narrative\nsite,A\x00B,CN,isolation,media,x\x00y\n{ROW},\n")
    items = list(open_signal_table(path, today=TODAY))
    drafts = [item for item in items if isinstance(item, Draft)]
    assert (drafts[0].subject.record.name, drafts[0].narrative) == ("AB", "xy")
    assert {item.column for item in items if isinstance(item, RowProblem)} == {"name", "narrative"}


# ---------------------------------------------------------------------------------------- deceiving


@pytest.mark.parametrize(
    "formula",
    [
        '=HYPERLINK("https://x","y")',
        "=cmd|' /C calc'!A0",
        "+1+cmd|' /C calc'!A0",
        "@SUM(1+1)*cmd|' /C calc'!A0",
        "-2+3",
    ],
)
def test_formula_in_a_cell_stays_text(tmp_path: Path, formula: str) -> None:
    quoted = '"' + formula.replace('"', '""') + '"'
    path = _table(tmp_path, f"{LEAST},narrative\nsite,{quoted},CN,isolation,media,{quoted}\n")
    (draft,) = open_signal_table(path, today=TODAY)
    assert isinstance(draft, Draft)
    assert (draft.subject.record.name, draft.narrative) == (formula, formula)


def test_formula_in_a_column_of_words_is_no_word(tmp_path: Path) -> None:
    fields = [field for field in FIELDS if field not in ("subject_kind", "name", "country")]
    path = _table(tmp_path, f"{LEAST},tlp,urgent\nsite,A,CN,=isolation,=media,=clear,=TRUE()\n")
    assert fields
    columns = {item.column for item in open_signal_table(path, today=TODAY) if isinstance(item, RowProblem)}
    assert "urgent" in columns


def test_terminal_escapes_and_overrides_in_headers_are_shown_harmless(tmp_path: Path) -> None:
    evil = "\x1b[2J\u202eecirp\x07"
    path = _table(tmp_path, f"{LEAST},{evil}\n{ROW},1\n")
    with open_signal_table(path, today=TODAY) as table:
        assert all(header.isprintable() for header in table.columns.ignored)
    for header_map in ({"narrative": "nothing"}, {"narrative": evil[:-1]}):
        with pytest.raises(InputError) as caught:
            open_signal_table(path, today=TODAY, header_map=header_map)
        assert f"{caught.value.detail}{caught.value.hint}".isprintable()


def test_overrides_and_escapes_in_a_narrative_do_not_get_in(tmp_path: Path) -> None:
    path = _table(tmp_path, f"{LEAST},narrative\n{ROW},a\u202eb\u2066c\x1b[31md\u200be\n")
    drafts = [item for item in open_signal_table(path, today=TODAY) if isinstance(item, Draft)]
    assert [draft.narrative for draft in drafts] == ["abc[31mde"]


# ------------------------------------------------------------------------------------ telling a secret


@pytest.mark.parametrize("opened", [open_signal_table, open_kobo])
def test_file_without_a_header_repeats_nothing_of_its_first_row(
    tmp_path: Path, opened: Callable[..., object]
) -> None:
    path = _table(tmp_path, "factory,Blue River,told by canary-4711,x\nfactory,Red River,y,z\n")
    for header_map in ({}, {"name": "Factory name"}, {"name": "told by canary"}):
        with pytest.raises(InputError) as caught:
            opened(path, today=TODAY, header_map=header_map)
        assert "canary-4711" not in f"{caught.value.detail}{caught.value.hint}"


def test_source_in_the_wrong_place_is_in_no_report(tmp_path: Path) -> None:
    secret = "canary-4711"
    for field in FIELDS:
        value = {**json.loads(GOOD), field: secret}
        texts = [f"{each.message}{each.remedy}{each.column}" for each in _read(json.dumps(value).encode())[1]]
        assert not [text for text in texts if secret in text], field
    broken = b'{"source": "' + secret.encode() + b'", "narrative": "' + secret.encode() + b"\n"
    assert secret not in repr(_read(broken)[1])


def test_source_is_in_no_representation_of_a_draft() -> None:
    value = {**json.loads(GOOD), "source": "canary-1", "narrative": "canary-2", "reference": "canary-3"}
    ((draft,), problems) = _read(json.dumps(value).encode())
    assert (draft.source, draft.narrative, draft.reference) == ("canary-1", "canary-2", "canary-3")
    assert "canary" not in f"{draft!r}{draft}{problems}"


def test_kobo_export_of_another_separator_is_told_from_a_table(tmp_path: Path) -> None:
    assert is_kobo_export(_table(tmp_path, "name\t_id\t_uuid\t_submission_time\n"))
