"""What is wrong with one row of a list (docs/matching.md, Reading a list).

Handles: the report of a bad row or a bad cell, with its row number, its column and what would mend it.
Refuses nothing: a problem is a value, never an exception, so that it never stops the good rows.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RowProblem:
    """One finding about one row.

    Attributes:
        row: number of the row as a spreadsheet counts it: the header is row 1. In Parquet, which has no
            header row, the first row is 1.
        column: the field at fault, or None when it is the whole row.
        message: what is wrong.
        remedy: what would mend it.
        fatal: True when the row is left out, False when it counts and only this cell is not used.
    """

    row: int
    column: str | None
    message: str
    remedy: str
    fatal: bool
