from pathlib import Path

import pytest

from symbolon.errors import InputError
from symbolon.signals.csv_table import MAX_COLUMNS, CsvTable
from symbolon.suppliers.row_problem import RowProblem


def _open(tmp_path: Path, text: str | bytes, encoding: str | None = None) -> CsvTable:
    path = tmp_path / "table.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return CsvTable(path, encoding, lambda header: sum(1 for cell in header if cell in ("name", "country")))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_csv_table_any_delimiter_encoding_and_line_end_gives_the_same(
    tmp_path: Path, delimiter: str, encoding: str, line_end: str
) -> None:
    rows = [["name", "country", "city"], ["Fábrica", f'"a{delimiter}b ""c"""', ""]]
    text = line_end.join(delimiter.join(row) for row in rows) + line_end
    table = _open(tmp_path, text.encode(encoding))
    assert table.header == rows[0]
    assert table.delimiter == delimiter
    assert list(table.rows()) == [(2, ["Fábrica", f'a{delimiter}b "c"', ""])]


def test_csv_table_delimiter_under_which_most_is_known_wins(tmp_path: Path) -> None:
    assert _open(tmp_path, "name;country;a,b,c,d,e\n").delimiter == ";"


def test_csv_table_sep_line_and_empty_lines_are_skipped(tmp_path: Path) -> None:
    table = _open(tmp_path, "sep=;\n\nname;country\n;\nA;CN\n\n ; \nB;VN\n")
    assert [cells for _, cells in table.rows()] == [["A", "CN"], ["B", "VN"]]


def test_csv_table_header_with_a_line_break_in_a_cell_is_one_row(tmp_path: Path) -> None:
    table = _open(tmp_path, 'name,"country\n(ISO)"\nA,CN\n')
    assert table.header == ["name", "country\n(ISO)"]
    assert list(table.rows()) == [(2, ["A", "CN"])]


def test_csv_table_bad_rows_are_reported_with_number_and_column(tmp_path: Path) -> None:
    big = "x" * 100_001
    table = _open(tmp_path, f'name,country\nA\nB,CN,extra\nC,CN,,\nD,{big}\n"open,CN\nE,CN\n')
    rows = list(table.rows())
    assert [cells[0] for _, cells in rows if not isinstance(cells, RowProblem)] == ["C", "E"]
    problems = [cells for _, cells in rows if isinstance(cells, RowProblem)]
    assert [(each.row, each.column, each.fatal) for each in problems] == [
        (2, None, True),
        (3, None, True),
        (5, "country", True),
        (6, "name", True),
    ]
    assert all(each.row == row for row, each in rows if isinstance(each, RowProblem))


def test_csv_table_counts_bytes_and_is_closed(tmp_path: Path) -> None:
    table = _open(tmp_path, "name,country\nA,CN\n")
    list(table.rows())
    assert table.bytes_read == table.total_bytes == 18
    table.close()
    assert table.bytes_read == 18


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "input.empty"),
        (b"PK\x03\x04" + b"\x00" * 99, "input.binary"),
        (b"\x1f\x8b\x08" + b"\x00" * 99, "input.binary"),
        (b"sep=;\n;;;\n", "input.header.missing"),
        (b"name,country" + b",x" * MAX_COLUMNS, "input.header.wide"),
        (b"x" * 200_000, "input.header.wide"),
        ("имя,страна\nА,RU\n".encode("koi8-r") * 9, "input.encoding"),
    ],
)
def test_csv_table_file_that_is_no_table_is_refused(tmp_path: Path, content: bytes, code: str) -> None:
    with pytest.raises(InputError) as caught:
        _open(tmp_path, content)
    assert caught.value.full_code == code
    assert caught.value.hint


def test_csv_table_named_encoding_is_used(tmp_path: Path) -> None:
    table = _open(tmp_path, "name,country\nЗавод,RU\n".encode("koi8-r"), "koi8-r")
    assert list(table.rows()) == [(2, ["Завод", "RU"])]
    assert not table.encoding_detected


def test_csv_table_folder_or_nothing_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.csv"):
        with pytest.raises(InputError) as caught:
            CsvTable(path, None, len)
        assert caught.value.full_code == "input.not_found"
