"""What an import says while it runs and when it is over."""

from dataclasses import asdict, dataclass
from typing import Any, Final

from symbolon.errors import InputError
from symbolon.suppliers.row_problem import RowProblem

PROBLEMS_KEPT: Final = 1000
"""Rows left out, and as many warnings, that a report carries; the others are only counted."""


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """How far an import has come.

    Attributes:
        bytes_read: of the file.
        total_bytes: of the file.
        rows_read: rows seen so far, bad ones included.
        finishing: True once the file is read and what remains is to store, compare and clean up.
    """

    bytes_read: int
    total_bytes: int
    rows_read: int
    finishing: bool


@dataclass(frozen=True, slots=True)
class PhaseSeconds:
    """Where the time went. Keys and points are made by workers beside the rest, so phases may exceed `total`.

    Attributes:
        read: reading and checking rows.
        keys: making match keys, summed over workers.
        hash_to_curve: mapping keys to the curve, summed over workers.
        store: comparing with the list before, sealing, writing, cleaning up.
        total: the whole import on the clock on the wall.
    """

    read: float
    keys: float
    hash_to_curve: float
    store: float
    total: float


@dataclass(frozen=True, slots=True)
class ImportReport:
    """The outcome of an import.

    Attributes:
        revision: the list's revision after the import.
        rows_read: rows of the file, bad ones included.
        new: suppliers that the list did not hold before.
        changed: suppliers whose record, or whose keys through a newer normaliser, changed.
        unchanged: suppliers taken over as they were, nothing computed anew.
        gone: suppliers of the list before that the file lacks.
        left_out: rows that could not be used.
        problem_count: all problems, those of rows that were used all the same included.
        problems: the first `PROBLEMS_KEPT` of rows left out and of warnings, in the order of the file.
        keys: keys computed in this import, by tier.
        phases: where the time went.
        encoding: the file's character encoding, or None where it has none.
        erased: False when replaced records could not be erased yet (the next import will).
    """

    revision: int
    rows_read: int
    new: int
    changed: int
    unchanged: int
    gone: int
    left_out: int
    problem_count: int
    problems: tuple[RowProblem, ...]
    keys: dict[str, int]
    phases: PhaseSeconds
    encoding: str | None
    erased: bool

    @property
    def suppliers(self) -> int:
        """How many suppliers the list holds now."""
        return self.new + self.changed + self.unchanged

    def to_json(self) -> dict[str, Any]:
        """The report as plain values for `--json`."""
        return {**asdict(self), "suppliers": self.suppliers}


class ListShrunkError(InputError):
    """The file holds less than half of the suppliers of the list before; nothing was changed."""

    code = "input.list.shrunk"

    def __init__(self, before: int, now: int, problems: tuple[RowProblem, ...], left_out: int) -> None:
        super().__init__(
            f"the list holds {before:,} suppliers and this file only {now:,}: it may be cut short; "
            "the list was left as it was",
            hint="Check the file. If the list really shrank, import it again with --yes-shrink.",
        )
        self.problems = problems
        self.left_out = left_out
