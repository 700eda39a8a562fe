"""Parquet file to rows of text, one batch at a time (docs/matching.md, Reading a list).

Handles: columns of text, dictionary-encoded text, whole and decimal numbers, booleans, dates, and bytes in
UTF-8.
Refuses with `InputError` `input.parquet`: a damaged or encrypted file, and a used column of lists or structs.
"""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from symbolon.errors import InputError

MAGIC: Final = b"PAR1"
BATCH_ROWS: Final = 2_048
"""Rows held at a time."""


class ParquetRows:
    """An open Parquet file.

    Args:
        path: the file; its first bytes are `PAR1`.

    Raises:
        InputError: the footer cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = pq.ParquetFile(path, memory_map=False, pre_buffer=False)
            self.header: tuple[str, ...] = tuple(self._file.schema_arrow.names)
            self.rows: int = self._file.metadata.num_rows
        except (pa.ArrowException, OSError, ValueError) as error:
            raise self._damaged() from error

    def batches(self, places: Sequence[int]) -> Iterator[list[tuple[str, ...]]]:
        """Yield batches of rows, each row as wide as the header, with text in the given columns only.

        Args:
            places: columns to read, counted from 0.
        """
        for place in places:
            self._refuse_nested(place)
        wanted = [self.header[place] for place in places]
        width = len(self.header)
        try:
            for batch in self._file.iter_batches(batch_size=BATCH_ROWS, columns=wanted):
                empty = [""] * batch.num_rows
                columns: list[list[str]] = [empty] * width
                for place, name in zip(places, wanted, strict=True):
                    columns[place] = [_text(value) for value in batch.column(name).to_pylist()]
                yield list(zip(*columns, strict=True))
        except (pa.ArrowException, OSError, ValueError) as error:
            raise self._damaged() from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _refuse_nested(self, place: int) -> None:
        field = self._file.schema_arrow.field(place)
        if pa.types.is_nested(field.type):
            raise InputError(
                f"the column {field.name!r} of {self._path.name} holds {field.type}, not text",
                hint="write the column as text, one value a row",
                code="input.parquet",
            )

    def _damaged(self) -> InputError:
        return InputError(
            f"{self._path.name} starts like a Parquet file and cannot be read as one",
            hint="export it again; an encrypted or cut-off file cannot be read",
            code="input.parquet",
        )


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, float):
        if math.isnan(value):
            return ""
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return str(value)
