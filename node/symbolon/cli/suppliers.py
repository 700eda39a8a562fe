"""`symbolon suppliers`: import the list, look at it, see which keys a row yields and why."""

import csv
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from symbolon.cli import supplier_page
from symbolon.cli.node_home import open_node
from symbolon.errors import InputError, UsageError
from symbolon.rpc.node import Node
from symbolon.storage.import_report import ImportProgress, ImportReport, ListShrunkError
from symbolon.storage.supplier_import import import_list
from symbolon.suppliers.match_keys import KeyExplanation, explain_keys
from symbolon.suppliers.reader import open_list
from symbolon.suppliers.record import Supplier
from symbolon.suppliers.row_problem import RowProblem

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

PROBLEMS_SHOWN: Final = 10
"""Rows left out that are named on the terminal; --problems writes them all to a file."""

LIST_LIMIT: Final = 50
"""Suppliers that `list` shows unless told otherwise: a screen or two."""


@app.callback()
def suppliers() -> None:
    """Import and look at the supplier list."""


@app.command("import")
def import_command(
    file: Annotated[Path, typer.Argument(help="CSV or Parquet file.")],
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--map", metavar="FIELD=HEADER", help='A column of another name: --map name="Vendor Name".'
        ),
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Character encoding, for example windows-1252; default: detected.")
    ] = None,
    problems: Annotated[
        Path | None, typer.Option(metavar="CSV", help="Write every problem to this file.")
    ] = None,
    yes_shrink: Annotated[
        bool, typer.Option("--yes-shrink", help="Accept a file with less than half of the suppliers so far.")
    ] = False,
    workers: Annotated[
        int | None, typer.Option(min=0, max=64, help="Worker processes; default: fits the machine.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what happened as JSON.")] = False,
) -> None:
    """Make FILE the supplier list: find what is new, changed and gone, compute the keys of what is new.

    The file is the whole list: suppliers that it lacks leave the list. A bad row is left out and named, and
    never stops the good ones. An import takes effect whole, or not at all.
    """
    headers = header_map(columns or [])
    with open_node() as node:
        report = import_file(
            node,
            file,
            headers=headers,
            encoding=encoding,
            problems=problems,
            allow_shrink=yes_shrink,
            workers=workers,
            quiet=quiet,
        )
    if as_json:
        print(json.dumps(report.to_json(), ensure_ascii=False, indent=2))
    _tell_report(report, file.name, problems)
    if report.rows_read and not report.suppliers:
        raise InputError(
            f"no row of {file.name} could be used",
            hint="The rows above say what would mend them.",
            code="input.list.unusable",
        )


def import_file(
    node: Node,
    file: Path,
    *,
    headers: Mapping[str, str],
    encoding: str | None = None,
    problems: Path | None = None,
    allow_shrink: bool = False,
    workers: int | None = None,
    quiet: bool = False,
) -> ImportReport:
    """Imports a file into a node with a progress bar where a person is looking.

    Args:
        node: whose list it becomes.
        file: CSV or Parquet.
        headers: see `open_list`.
        encoding: named, or None to detect it.
        problems: where to write every problem.
        allow_shrink: see `import_list`.
        workers: see `import_list`.
        quiet: no progress bar.

    Returns:
        What changed.

    Raises:
        SymbolonError: whatever `open_list` and `import_list` refuse; the list is as before.
    """
    with (
        open_list(file, header_map=headers, encoding=encoding) as reader,
        _problem_file(problems) as on_problem,
        _progress_bar(file.name, hidden=quiet) as progress,
    ):
        try:
            return import_list(
                node.database,
                node.sealer,
                reader,
                clock=node.clock,
                progress=progress,
                on_problem=on_problem,
                allow_shrink=allow_shrink,
                workers=workers,
            )
        except ListShrunkError as error:
            _tell_left_out(error.problems, error.left_out)
            raise


@app.command("list")
def list_command(
    limit: Annotated[int, typer.Option(min=0, help="Most suppliers to show; 0 for all.")] = LIST_LIMIT,
    offset: Annotated[int, typer.Option(min=0, help="How many to pass over.")] = 0,
    search: Annotated[str, typer.Option(help="Only those with this text in name or id.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print all columns as JSON.")] = False,
) -> None:
    """Show the suppliers of the list."""
    with open_node() as node:
        total = node.suppliers.count()
        found = node.suppliers.list(offset, limit or None, search)
    if as_json:
        rows = [{"supplier_no": stored.supplier_no, **_filled(stored.record)} for stored in found]
        print(json.dumps(rows, ensure_ascii=False, indent=2))
    elif found:
        table = Table("no", "supplier_id", "name", "city", "country", "sector", box=None, pad_edge=False)
        for stored in found:
            record = stored.record
            cells = (record.supplier_id, record.name, record.city, record.country, record.sector)
            table.add_row(str(stored.supplier_no), *map(_plain, cells))
        _print_table(table)
    if total == 0:
        _tell("The list is empty. `symbolon suppliers import FILE` fills it.")
    else:
        more = "" if search or offset + len(found) >= total else " --limit 0 shows all."
        _tell(f"{len(found):,} of {total:,} suppliers shown.{more}")


@app.command("keys")
def keys_command(
    supplier_id: Annotated[str, typer.Argument(help="The supplier's id in the list.")],
    file: Annotated[
        Path | None, typer.Option("--file", help="Look the id up in this file instead of the node's list.")
    ] = None,
    columns: Annotated[
        list[str] | None, typer.Option("--map", metavar="FIELD=HEADER", help="With --file: as for import.")
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="With --file: as for import.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Show which match keys a supplier yields, and why the other columns yield none."""
    if file is None:
        if columns or encoding:
            raise UsageError("--map and --encoding read a file", hint="Name it with --file.")
        with open_node() as node:
            stored = node.suppliers.by_supplier_id(supplier_id)
        record = None if stored is None else stored.record
        place = "the list"
    else:
        record = _find_in_file(file, supplier_id, header_map(columns or []), encoding)
        place = file.name
    if record is None:
        raise InputError(
            f"{place} has no usable row with the supplier id {supplier_id!r}",
            hint="`symbolon suppliers list --search TEXT` finds ids.",
            code="input.supplier.unknown",
        )
    explanations = explain_keys(record)
    if as_json:
        print(json.dumps([_explanation(each) for each in explanations], ensure_ascii=False, indent=2))
    else:
        table = Table("tier", "from", "key", "why", box=None, pad_edge=False)
        for each in explanations:
            tier = f"{each.key.tier} {each.key.tier.band}" if each.key else "-"
            key = f"{each.key.scheme} {each.key.value}" if each.key else "-"
            table.add_row(tier, *map(_plain, (each.source, key, each.reason)))
        _print_table(table)
    count = sum(each.key is not None for each in explanations)
    _tell(f"{record.supplier_id} yields {count} match key{'' if count == 1 else 's'}.")


app.command("show")(supplier_page.show)


def header_map(columns: Sequence[str]) -> dict[str, str]:
    """What `--map FIELD=HEADER` said, field to header.

    Raises:
        UsageError: not of that form, or a field twice.
    """
    header_map = {}
    for column in columns:
        field, equals, header = column.partition("=")
        if not equals or not field.strip() or not header.strip():
            raise UsageError(
                f"--map {column!r} is not FIELD=HEADER", hint='For example: --map name="Vendor Name".'
            )
        if field.strip() in header_map:
            raise UsageError(f"--map names the field {field.strip()!r} twice")
        header_map[field.strip()] = header.strip()
    return header_map


def _find_in_file(
    file: Path, supplier_id: str, header_map: Mapping[str, str], encoding: str | None
) -> Supplier | None:
    with open_list(file, header_map=header_map, encoding=encoding) as reader:
        for item in reader:
            if isinstance(item, Supplier) and item.supplier_id == supplier_id:
                return item
    return None


@contextmanager
def _problem_file(path: Path | None) -> Iterator[Callable[[RowProblem], None] | None]:
    """Writes problems to a CSV file that only this user can read: they quote the list."""
    if path is None:
        yield None
        return
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}", code="input.problems_file") from error
    with os.fdopen(descriptor, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("row", "column", "left_out", "problem", "remedy"))

        def write(problem: RowProblem) -> None:
            left_out = "yes" if problem.fatal else "no"
            writer.writerow((problem.row, problem.column or "", left_out, problem.message, problem.remedy))

        yield write


@contextmanager
def _progress_bar(name: str, *, hidden: bool) -> Iterator[Callable[[ImportProgress], None] | None]:
    """A bar on stderr over the bytes of the file, when a person is watching."""
    console = Console(stderr=True)
    if hidden or not console.is_terminal:
        yield None
        return
    layout = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[rows]:,} rows"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*layout, console=console, transient=True) as bar:
        task = bar.add_task(f"Importing {_plain(name)}", total=None, rows=0)

        def show(progress: ImportProgress) -> None:
            doing = "Finishing" if progress.finishing else "Importing"
            bar.update(
                task,
                description=f"{doing} {_plain(name)}",
                total=max(1, progress.total_bytes),
                completed=progress.bytes_read,
                rows=progress.rows_read,
            )

        yield show


def _tell_report(report: ImportReport, name: str, problem_file: Path | None) -> None:
    _tell_left_out(report.problems, report.left_out)
    warnings = report.problem_count - report.left_out
    if warnings:
        _tell(f"{warnings:,} cells of other rows were not used; the rows count all the same.")
    if report.problem_count and problem_file is not None:
        _tell(f"All problems are in {problem_file}.")
    elif warnings or report.left_out > PROBLEMS_SHOWN:
        _tell("--problems FILE writes every problem to a file.")
    if not report.erased:
        _tell("Replaced records could not be erased yet; the next import will do it.")
    _tell(
        f"Imported {report.suppliers:,} suppliers from {name} in {report.phases.total:.1f} s: "
        f"{report.new:,} new, {report.changed:,} changed, {report.unchanged:,} unchanged, "
        f"{report.gone:,} gone, {report.left_out:,} row{'' if report.left_out == 1 else 's'} left out."
    )


def _tell_left_out(problems: Sequence[RowProblem], left_out: int) -> None:
    shown = [problem for problem in problems if problem.fatal][:PROBLEMS_SHOWN]
    for problem in shown:
        column = f", {problem.column}" if problem.column else ""
        _tell(f"Left out row {problem.row:,}{column}: {_plain(problem.message)}; {_plain(problem.remedy)}.")
    if left_out > len(shown):
        _tell(f"… and {left_out - len(shown):,} more rows.")


def _explanation(each: KeyExplanation) -> dict[str, str | None]:
    key = each.key
    return {
        "source": each.source,
        "tier": key.tier.value if key else None,
        "band": key.tier.band if key else None,
        "scheme": key.scheme if key else None,
        "value": key.value if key else None,
        "reason": each.reason,
    }


def _filled(record: Supplier) -> dict[str, Any]:
    return {field: value for field, value in asdict(record).items() if value}


def _plain(text: str) -> str:
    """Text of a list made safe for a terminal: no control sequences, no rich markup."""
    printable = "".join(letter if letter.isprintable() else "?" for letter in text)
    return printable.replace("[", "\\[")


def _print_table(table: Table) -> None:
    # A pipe has no width: columns are not to be cut there.
    Console(width=None if sys.stdout.isatty() else 10_000, soft_wrap=False).print(table)


def _tell(sentence: str) -> None:
    print(sentence, file=sys.stderr)
