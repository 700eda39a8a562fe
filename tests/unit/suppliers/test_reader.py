from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from symbolon.errors import InputError
from symbolon.suppliers.reader import RowProblem, open_list
from symbolon.suppliers.record import Supplier

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "suppliers"
HEADER = "supplier_id,name,address,city,region,postal_code,country,sector"


def _read(
    tmp_path: Path, text: str | bytes, header_map: Mapping[str, str] | None = None
) -> tuple[list[Supplier], list[RowProblem]]:
    path = tmp_path / "list.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    items = list(open_list(path, header_map=header_map or {}))
    suppliers = [item for item in items if isinstance(item, Supplier)]
    return suppliers, [item for item in items if isinstance(item, RowProblem)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_reader_any_delimiter_encoding_and_line_end_gives_the_same(
    tmp_path: Path, delimiter: str, encoding: str, line_end: str
) -> None:
    rows = [HEADER.split(","), ["7", "Tekstil Fábrica", '"Main St 1"', "Évora", "", "", "Portugal", "x"]]
    text = line_end.join(delimiter.join(row) for row in rows) + line_end
    suppliers, problems = _read(tmp_path, text.encode(encoding))
    assert problems == []
    assert suppliers == [
        Supplier("7", "Tekstil Fábrica", address="Main St 1", city="Évora", country="PT", sector="x")
    ]


def test_reader_quoted_line_break_and_delimiter_stay_in_the_cell(tmp_path: Path) -> None:
    suppliers, problems = _read(tmp_path, 'supplier_id,name,country\n1,"A, B\nand ""C""",CN\n2,D,CN\n')
    assert [supplier.name for supplier in suppliers] == ['A, B and "C"', "D"]
    assert problems == []


def test_reader_sep_line_of_a_spreadsheet_is_skipped(tmp_path: Path) -> None:
    suppliers, _ = _read(tmp_path, "sep=;\nsupplier_id;name;country\n1;A;CN\n")
    assert suppliers[0].name == "A"


def test_reader_wrong_width_is_reported_and_the_rest_stays(tmp_path: Path) -> None:
    suppliers, problems = _read(
        tmp_path, "supplier_id,name,country\n1,A,CN\n2,B\n3,C,CN,extra\n4,D,CN,,\n\n5,E,CN\n"
    )
    assert [supplier.supplier_id for supplier in suppliers] == ["1", "4", "5"]
    assert [(problem.row, problem.fatal) for problem in problems] == [(3, True), (4, True)]
    assert "3" in problems[0].message


def test_reader_duplicate_id_keeps_the_first_and_names_both_rows(tmp_path: Path) -> None:
    suppliers, problems = _read(tmp_path, "supplier_id,name,country\n1,A,CN\n2,B,CN\n1,C,CN\n")
    assert [supplier.name for supplier in suppliers] == ["A", "B"]
    assert problems[0].row == 4
    assert problems[0].fatal
    assert "rows 2 and 4" in problems[0].message


def test_reader_ten_megabytes_in_one_cell_costs_that_row_only(tmp_path: Path) -> None:
    big = "x" * (10 << 20)
    suppliers, problems = _read(
        tmp_path, f'supplier_id,name,country\n1,A,CN\n2,"{big}",CN\n3,{big},CN\n4,D,CN\n'
    )
    assert [supplier.supplier_id for supplier in suppliers] == ["1", "4"]
    assert [(problem.row, problem.column, problem.fatal) for problem in problems] == [
        (3, "name", True),
        (4, "name", True),
    ]


def test_reader_cell_over_the_limit_is_named(tmp_path: Path) -> None:
    suppliers, problems = _read(tmp_path, f"supplier_id,name,country\n1,{'x' * 9000},CN\n2,B,CN\n")
    assert [supplier.supplier_id for supplier in suppliers] == ["2"]
    assert (problems[0].column, problems[0].fatal) == ("name", True)


def test_reader_stray_quote_costs_its_own_row_only(tmp_path: Path) -> None:
    suppliers, problems = _read(tmp_path, 'supplier_id,name,country\n1,A,CN\n2,"B,CN\n3,C,CN\n')
    assert [supplier.supplier_id for supplier in suppliers] == ["1", "3"]
    assert [(problem.row, problem.column) for problem in problems] == [(3, "name")]


def test_reader_nul_and_control_characters_are_cleaned(tmp_path: Path) -> None:
    suppliers, problems = _read(tmp_path, b"supplier_id,name,country\n1,A\x00B\x1fC\x07,CN\n")
    assert suppliers[0].name == "AB C"
    assert (problems[0].column, problems[0].fatal) == ("name", False)


def test_reader_broken_utf8_is_a_warning_on_its_cell(tmp_path: Path) -> None:
    good = "".join(f"{number},Çelik Örgü,TR\n" for number in range(2, 30)).encode()
    suppliers, problems = _read(tmp_path, b"supplier_id,name,country\n1,caf\xe9 x,FR\n" + good)
    assert len(suppliers) == 29
    assert [(problem.row, problem.column, problem.fatal) for problem in problems] == [(2, "name", False)]


def test_reader_empty_cells_say_what_is_lost(tmp_path: Path) -> None:
    suppliers, problems = _read(
        tmp_path,
        "supplier_id,name,country,lei\n,A,CN,\n2,,CN,\n3,,CN,213800KUD8LAJWSQ9D15\n4,D,,\n5,E,Atlantis,\n",
    )
    assert [supplier.supplier_id for supplier in suppliers] == ["3", "4", "5"]
    assert [(problem.row, problem.column, problem.fatal) for problem in problems] == [
        (2, "supplier_id", True),
        (3, "name", True),
        (4, "name", False),
        (5, "country", False),
        (6, "country", False),
    ]


def test_reader_invalid_identifier_is_a_warning_and_the_row_counts(tmp_path: Path) -> None:
    suppliers, problems = _read(
        tmp_path, "supplier_id,name,country,lei,duns\n1,A,CN,213800KUD8LAJWSQ9D16,n/a\n"
    )
    assert suppliers[0].lei == "213800KUD8LAJWSQ9D16"
    assert suppliers[0].duns == ""
    assert [(problem.column, problem.fatal) for problem in problems] == [("lei", False)]


def test_reader_mapped_headers_are_read(tmp_path: Path) -> None:
    suppliers, _ = _read(
        tmp_path,
        "No;Vendor Name;Land\n1;A;Deutschland\n",
        {"supplier_id": "No", "name": "Vendor Name", "country": "Land"},
    )
    assert suppliers == [Supplier("1", "A", country="DE")]


def test_reader_parquet_with_any_name_gives_the_same_as_csv(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    table = pa.table(
        {
            "supplier_id": pa.array([1, 2, 2], pa.int64()),
            "name": pa.array(["A", None, "C"]).dictionary_encode(),
            "country": ["China", "CN", "CN"],
            "latitude": [1.5, None, float("nan")],
            "other": [[1], [2], [3]],
        }
    )
    pq.write_table(table, path)
    reader = open_list(path)
    items = list(reader)
    assert items[0] == Supplier("1", "A", country="CN", latitude="1.5")
    assert [(item.row, item.column) for item in items[1:] if isinstance(item, RowProblem)] == [
        (2, "name"),
    ]
    assert items[-1] == Supplier("2", "C", country="CN")
    assert reader.bytes_read == reader.total_bytes
    assert reader.encoding == "Parquet"


def test_reader_parquet_list_column_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.parquet"
    pq.write_table(pa.table({"supplier_id": [[1]], "name": ["A"], "country": ["CN"]}), path)
    with pytest.raises(InputError) as caught:
        list(open_list(path))
    assert caught.value.full_code == "input.parquet"


def test_reader_parquet_cut_off_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.parquet"
    pq.write_table(
        pa.table({"supplier_id": ["1"] * 1000, "name": ["A"] * 1000, "country": ["CN"] * 1000}), path
    )
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError) as caught:
        list(open_list(path))
    assert caught.value.full_code == "input.parquet"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "input.empty"),
        (b"PK\x03\x04rest", "input.binary"),
        (b"name,country\nA,CN\n", "input.header.missing"),
        (b"supplier_id,name,name,country\n", "input.header.doubled"),
        (b"\n\n\n,,,\n", "input.header.missing"),
    ],
)
def test_reader_useless_file_is_refused_with_code_and_hint(tmp_path: Path, data: bytes, code: str) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        open_list(path)
    assert caught.value.full_code == code
    assert caught.value.hint


def test_reader_absent_file_and_directory_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        open_list(tmp_path / "no.csv")
    assert caught.value.full_code == "input.not_found"
    with pytest.raises(InputError) as caught:
        open_list(tmp_path)
    assert caught.value.full_code == "input.not_file"


def test_reader_header_without_rows_is_an_empty_list(tmp_path: Path) -> None:
    assert _read(tmp_path, HEADER + "\n") == ([], [])


def test_reader_bytes_read_grows_to_the_total(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("supplier_id,name,country\n" + "".join(f"{n},A {n},CN\n" for n in range(20_000)))
    reader = open_list(path)
    seen = [reader.bytes_read for _ in reader]
    assert seen == sorted(seen)
    assert seen[0] < reader.total_bytes
    assert reader.bytes_read == reader.total_bytes


def test_reader_messages_hold_no_cell_of_the_list(tmp_path: Path) -> None:
    _, problems = _read(
        tmp_path,
        "supplier_id,name,country,lei\nSECRETID,SECRETNAME,Secretland,SECRETLEI\nSECRETID,B,CN,\n1,SECRET\n",
    )
    assert len(problems) == 4
    assert "secret" not in " ".join(problem.message + problem.remedy for problem in problems).lower()


@pytest.mark.parametrize(
    ("name", "rows"),
    [("growers_2014.csv", 6903), ("growers_2015.csv", 6912), ("apparel_facilities.csv", 959)],
)
def test_reader_public_list_is_read_whole(name: str, rows: int) -> None:
    if not SHARED.is_dir():
        pytest.skip("the public files in ../shared are not beside this repository")
    items = list(open_list(SHARED / name))
    assert sum(isinstance(item, Supplier) for item in items) == rows
    assert not any(isinstance(item, RowProblem) and item.fatal for item in items)
