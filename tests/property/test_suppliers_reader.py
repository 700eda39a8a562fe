import csv
import io
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from symbolon.errors import InputError
from symbolon.suppliers.csv_records import records
from symbolon.suppliers.reader import RowProblem, open_list
from symbolon.suppliers.record import Supplier

HEADER = b"supplier_id,name,country,lei\n"
CELLS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]), max_size=12)


def _read(data: bytes) -> list[Supplier | RowProblem]:
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        file.write(data)
        file.flush()
        return list(open_list(Path(file.name)))


@given(
    st.binary(max_size=400), st.sampled_from([b"", HEADER, b"\xff\xfe", b"PAR1", b"\xef\xbb\xbf" + HEADER])
)
def test_reader_of_any_bytes_gives_rows_problems_or_input_error(data: bytes, start: bytes) -> None:
    refused: InputError | None = None
    items: list[Supplier | RowProblem] = []
    try:
        items = _read(start + data)
    except InputError as error:
        refused = error
    if refused is not None:
        assert refused.full_code.startswith("input.")
        assert refused.hint
        return
    assert all(isinstance(item, Supplier | RowProblem) for item in items)


@given(st.lists(st.lists(CELLS, min_size=4, max_size=4), max_size=8))
def test_reader_counts_every_row_once(rows: list[list[str]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
    items = _read(HEADER + text.getvalue().encode())
    good = sum(isinstance(item, Supplier) for item in items)
    bad = len({item.row for item in items if isinstance(item, RowProblem) and item.fatal})
    blank = sum(not any(row) for row in rows)
    assert good + bad == len(rows) - blank


@given(st.text(st.sampled_from('a",;\n'), max_size=60), st.sampled_from(",;"))
def test_records_of_closed_quotes_are_those_of_the_csv_module(text: str, delimiter: str) -> None:
    found = list(records(io.StringIO(text), delimiter))
    if not all(isinstance(record, str) for record in found):
        return
    rows = [
        next(csv.reader([record], delimiter=delimiter), []) for record in found if isinstance(record, str)
    ]
    assert rows == list(csv.reader(io.StringIO(text), delimiter=delimiter))
