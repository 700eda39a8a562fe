"""What an import of signals says: bad rows, rows that wait for a person's look, what came of the others."""

import csv
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from symbolon.errors import InputError
from symbolon.rpc.signal_import import Plan
from symbolon.signals.free_text import shown
from symbolon.suppliers.row_problem import RowProblem

PROBLEMS_SHOWN: Final = 10
"""Rows of each sort that are named on the terminal; --problems and --json have them all."""


@contextmanager
def problem_file(path: Path | None) -> Iterator[Callable[[RowProblem], None]]:
    """Writes problems to a CSV file that only this user can read.

    Raises:
        InputError: it cannot be written.
    """
    if path is None:
        yield lambda _: None
        return
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}", code="input.problems_file") from error
    with os.fdopen(descriptor, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("row", "column", "left_out", "problem", "remedy"))

        def write(problem: RowProblem) -> None:
            cells = (problem.column or "", "yes" if problem.fatal else "no", problem.message, problem.remedy)
            writer.writerow((problem.row or "", *(shown(each, one_line=True) for each in cells)))

        yield write


def tell_plan(plan: Plan, rows: int, problems: Path | None) -> None:
    """Says what is left out, and why."""
    fatal = [each for each in plan.problems if each.fatal]
    for each in fatal[:PROBLEMS_SHOWN]:
        print(f"Left out {_where(each)}{_sentence(each)}", file=sys.stderr)
    if len(fatal) > PROBLEMS_SHOWN:
        print(f"… and {len(fatal) - PROBLEMS_SHOWN:,} more.", file=sys.stderr)
    notes = [each for each in plan.problems if not each.fatal]
    for each in notes[:PROBLEMS_SHOWN]:
        print(f"Note: {_where(each)}{_sentence(each)}", file=sys.stderr)
    if len(notes) > PROBLEMS_SHOWN:
        print(f"… and {len(notes) - PROBLEMS_SHOWN:,} more notes.", file=sys.stderr)
    for row, found in plan.unreviewed[:PROBLEMS_SHOWN]:
        kinds = sorted({each.finding.suspicion.value.replace("-", " ") for each in found})
        fields = sorted({each.finding.field for each in found})
        print(
            f"Left out {shown(row.name, one_line=True)}, {', '.join(fields)}: the screening found"
            f" {', '.join(kinds)}. {found[0].finding.remedy}",
            file=sys.stderr,
        )
        if sys.stderr.isatty():
            for each_found in found[:3]:
                if each_found.excerpt:
                    print(f"    {each_found.excerpt}", file=sys.stderr)
    if plan.unreviewed:
        count = len(plan.unreviewed)
        print(
            f"{count:,} {'row waits' if count == 1 else 'rows wait'} for a person: change the text, or look"
            " at it and import again with --reviewed.",
            file=sys.stderr,
        )
    if problems is not None and plan.problems:
        print(f"All problems are in {problems}.", file=sys.stderr)
    if plan.nameless and rows > 1:
        print(
            "Rows without a reference are known again only as long as they do not change: a column"
            " `reference` with your own numbers mends that.",
            file=sys.stderr,
        )


def tell_result(plan: Plan, name: str, *, dry_run: bool) -> None:
    """Says how many went which way."""
    left_out = len({each.row for each in plan.problems if each.fatal and each.row})
    left_out += sum(each.fatal and not each.row for each in plan.problems) + len(plan.unreviewed)
    done = "Would import" if dry_run else "Imported"
    print(
        f"{done} {shown(name, one_line=True)}: {len(plan.additions):,} new,"
        f" {len(plan.alterations):,} changed, {len(plan.unchanged):,} unchanged, {left_out:,} left out.",
        file=sys.stderr,
    )


def tell_audience_counts(counts: Mapping[str, int], total: int) -> None:
    """Says how many of the imported signals each member could be given today."""
    some = {member: count for member, count in counts.items() if count}
    print("Who could be given them today:", file=sys.stderr)
    for member, count in some.items():
        how_many = "all" if count == total else f"{count:,} of {total:,}"
        print(f"  {member}: {how_many}", file=sys.stderr)
    nobody = len(counts) - len(some)
    if nobody:
        others = "nobody" if not some else f"{nobody} other member{'' if nobody == 1 else 's'}: none"
        print(f"  {others}", file=sys.stderr)
    print("`symbolon signals who SIGNAL` says why, and from when on. Nobody sees a source.", file=sys.stderr)


def left_out_json(plan: Plan) -> dict[str, Any]:
    """What was left out, for `--json`; no text of a row is in it."""
    return {
        "unchanged": len(plan.unchanged),
        "problems": [
            {
                "row": each.row,
                "column": each.column,
                "left_out": each.fatal,
                "problem": each.message,
                "remedy": each.remedy,
            }
            for each in plan.problems
        ],
        "unreviewed": [
            {
                "row": row.number,
                "found": sorted({each.finding.suspicion.value for each in found}),
                "fields": sorted({each.finding.field for each in found}),
            }
            for row, found in plan.unreviewed
        ],
    }


def _where(problem: RowProblem) -> str:
    if not problem.row:
        # The message names it.
        return ""
    column = f", {shown(problem.column, one_line=True)}" if problem.column else ""
    return f"row {problem.row:,}{column}: "


def _sentence(problem: RowProblem) -> str:
    return f"{shown(problem.message, one_line=True)}; {shown(problem.remedy, one_line=True).rstrip('.')}."
