"""`symbolon signals import`: signals from a file, the bad rows named, the good ones kept; also drop files."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from symbolon.cli import signals_options as options
from symbolon.cli.node_home import open_node
from symbolon.cli.signals_add import store_shown
from symbolon.cli.signals_confirm import confirm
from symbolon.cli.signals_delegating import send_many, store_delegated, tell_terms, typed_delegation
from symbolon.cli.signals_files import FILLED, FORMS, Form, find_form, open_signals
from symbolon.cli.signals_findings import refuse_unreviewed
from symbolon.cli.signals_import_report import (
    left_out_json,
    problem_file,
    tell_audience_counts,
    tell_plan,
    tell_result,
)
from symbolon.cli.signals_typed import require_known, typed_day
from symbolon.cli.suppliers import header_map
from symbolon.errors import InputError
from symbolon.membership.atomic_file import read_bounded
from symbolon.rpc.contributing import ReviewNeededError, Screened
from symbolon.rpc.drop_box import open_for
from symbolon.rpc.node import Node
from symbolon.rpc.signal_audience import released_now
from symbolon.rpc.signal_import import OpenFields, Plan, Row, add_planned, alter_planned, plan_import
from symbolon.signals.author_words import separate_words
from symbolon.signals.draft import Draft
from symbolon.signals.drop_file import MAX_FILE_BYTES
from symbolon.signals.json_tree import read_tree
from symbolon.signals.signal_file import read_signal_object
from symbolon.storage.delegation_columns import Delegation
from symbolon.storage.signal_intake import MAX_NEW
from symbolon.suppliers.row_problem import RowProblem

PROGRESS_ROWS: Final = 50
"""The bar moves after so many rows."""


def import_command(
    file: Annotated[Path, typer.Argument(help="CSV, JSON Lines, MISP or STIX JSON, or a drop file.")],
    form: Annotated[str, typer.Option("--format", help=f"{', '.join(FORMS)}; default: by content.")] = "",
    columns: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="FIELD=HEADER", help='Tables: --map name="Factory"; repeatable.'),
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Tables: character encoding; default: found.")] = None,
    kind: Annotated[str, typer.Option(help="Tables without this column: the same for all rows.")] = "",
    evidence: Annotated[str, typer.Option(help="Tables: as for --kind.")] = "",
    tlp: Annotated[str, typer.Option(help="Tables: as for --kind.")] = "",
    reliability: Annotated[str, typer.Option(help="Tables: as for --kind.")] = "",
    confidence: Annotated[str, typer.Option(help="Tables: as for --kind.")] = "",
    purposes: Annotated[
        list[str] | None, typer.Option("--purpose", help="For new signals that name none; repeatable.")
    ] = None,
    recipients: Annotated[
        list[str] | None, typer.Option("--recipient", help="For new signals that name none; repeatable.")
    ] = None,
    embargo: Annotated[str, typer.Option(metavar="DAY", help="For new signals that have none.")] = "",
    expires: Annotated[str, typer.Option(metavar="DAY", help="For new signals that have none.")] = "",
    review: Annotated[str, typer.Option(metavar="DAY", help="For new signals that have none.")] = "",
    delegate: options.Delegate = "",
    as_kind: options.AsKind = False,
    reviewed: options.Reviewed = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen; store nothing.")] = False,
    problems: Annotated[
        Path | None, typer.Option(metavar="CSV", help="Write every problem to this file.")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Changed rows may let out more; drop files: do not ask.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
    as_json: options.AsJson = False,
) -> None:
    """Add the signals of a file. A bad row is named and left out, and never stops the good ones.

    Importing a file again adds nothing twice: rows are known by their reference, or by what they say. Rows in
    which the screening finds something are left out until a person has looked at them (--reviewed). With
    --delegate another member publishes what is new, and --yes is needed: it reads everything but the source.
    """
    chosen = find_form(file, form)
    words = (kind, evidence, tlp, reliability, confidence)
    filled = {name: word for name, word in zip(FILLED, words, strict=True) if word}
    fill = OpenFields(
        purposes=_words(purposes),
        recipients=_words(recipients),
        embargo=_day("embargo", embargo),
        expires=_day("expires", expires),
        review=_day("review", review),
    )
    headers = header_map(columns or [])
    with open_node() as node:
        fill = _with_purpose(fill, node)
        delegation = typed_delegation(node, delegate, as_kind=as_kind)
        if chosen == "drop":
            document = _import_drop(node, file, fill, delegation, reviewed=reviewed, yes=yes, dry_run=dry_run)
            if as_json:
                print(json.dumps(document, indent=2, ensure_ascii=False))
            return
        with problem_file(problems) as write_problem:
            rows, found = _read(node, file, chosen, headers, encoding, filled, write_problem, quiet=quiet)
            plan = _plan(node, rows, fill, reviewed=reviewed, loosen=yes)
            for each in plan.problems:
                write_problem(each)
        plan.problems = [*found, *plan.problems]
        tell_plan(plan, len(rows), problems)
        document = {"file": file.name, "format": chosen, "dry_run": dry_run, **left_out_json(plan)}
        if dry_run:
            document |= {"new": len(plan.additions), "changed": len(plan.alterations)}
        else:
            if delegation is not None and plan.additions:
                tell_terms(node, delegation)
                confirm(f"Store them, and hand them to {delegation.delegate}?", yes=yes)
            document |= _store(node, plan, file.name, delegation, quiet=quiet)
        tell_result(plan, file.name, dry_run=dry_run)
    if as_json:
        print(json.dumps(document, indent=2, ensure_ascii=False))
    _require_some(plan, file.name)


def _read(
    node: Node,
    file: Path,
    form: Form,
    headers: dict[str, str],
    encoding: str | None,
    filled: dict[str, str],
    write_problem: Callable[[RowProblem], None],
    *,
    quiet: bool,
) -> tuple[list[Row], list[RowProblem]]:
    """The drafts of a file, and the problems of all its rows."""
    rows: list[Row] = []
    found: list[RowProblem] = []
    today = node.now.date()
    with (
        open_signals(file, form, today=today, header_map=headers, encoding=encoding, filled=filled) as reader,
        _bar(f"Reading {file.name}", hidden=quiet) as move,
    ):
        for item in reader:
            if isinstance(item, RowProblem):
                found.append(item)
                write_problem(item)
                continue
            if len(rows) == MAX_NEW:
                raise InputError(
                    f"{file.name} has more than {MAX_NEW:,} signals",
                    hint="Split it.",
                    code="input.too_large",
                )
            rows.append(Row(reader.row, item))
            move(len(rows), 0)
        ignored = getattr(getattr(reader, "columns", None), "ignored", ())
    if ignored:
        print(f"Columns that are not read: {len(ignored)}. They hold no field of a signal.", file=sys.stderr)
    return rows, found


def _plan(node: Node, rows: list[Row], fill: OpenFields, *, reviewed: bool, loosen: bool) -> Plan:
    members = node.directory.current()
    others = [each.member_id for each in members.members if each.member_id != node.member_id]
    return plan_import(
        node,
        rows,
        fill=fill,
        purposes=members.purposes,
        others=others,
        reviewed=reviewed,
        loosen=loosen,
    )


def _store(
    node: Node, plan: Plan, name: str, delegation: Delegation | None, *, quiet: bool
) -> dict[str, Any]:
    """Stores what is planned; what came of it, for `--json`."""
    with _bar(f"Making match keys for {name}", hidden=quiet) as move:
        added = add_planned(node, plan, move, delegation)
    altered = []
    with _bar(f"Revising from {name}", hidden=quiet) as move:
        for held in alter_planned(node, plan):
            altered.append(held)
            move(len(altered), len(plan.alterations))
    numbers = [number for number, _ in added] + [held.number for held in altered]
    delegated = node.delegations.numbers()
    send_many(node, [each for each in numbers if each in delegated])
    numbers = [each for each in numbers if each not in delegated]
    if numbers:
        tell_audience_counts(released_now(node, numbers), len(numbers))
    return {
        "new": [
            {"signal": signal.hex_id, "row": each.row.number}
            for (_, signal), each in zip(added, plan.additions, strict=True)
        ],
        "changed": [
            {
                "signal": held.signal.hex_id,
                "revision": held.signal.revision,
                "row": each.row.number,
                "fields": sorted(each.changes),
            }
            for held, each in zip(altered, plan.alterations, strict=True)
        ],
    }


def _require_some(plan: Plan, name: str) -> None:
    """Refuses an import of which nothing could be used."""
    if plan.additions or plan.alterations or plan.unchanged:
        return
    if plan.unreviewed:
        raise ReviewNeededError([each for _, found in plan.unreviewed for each in found])
    if any(each.fatal for each in plan.problems):
        raise InputError(
            f"no signal of {name} could be used",
            hint="The lines above say what would mend them.",
            code="input.signals.unusable",
        )
    print(f"{name} holds no signal.", file=sys.stderr)


# --------------------------------------------------------------------------------------------- drop files


def _import_drop(
    node: Node,
    file: Path,
    fill: OpenFields,
    delegation: Delegation | None,
    *,
    reviewed: bool,
    yes: bool,
    dry_run: bool,
) -> dict[str, Any]:
    """Opens a file from a laptop without a node; a person looks at what is in it before it counts."""
    draft = _dropped(node, file)
    row = Row(0, draft)
    plan = _plan(node, [row], fill, reviewed=True, loosen=False)
    document: dict[str, Any] = {"file": file.name, "format": "drop", "dry_run": dry_run, "new": []}
    if plan.unchanged:
        print(f"{file.name} was imported before; nothing was added.", file=sys.stderr)
        return {**document, "unchanged": 1}
    if not plan.additions:
        # A changed one too: whoever has the public key could have written it.
        said = plan.problems[0] if plan.problems else None
        raise InputError(
            f"{file.name}: {said.message}" if said else f"{file.name} says otherwise than before",
            hint=f"{said.remedy}." if said else "Look at what is held, and revise it by hand.",
            code="input.drop",
        )
    filled = plan.additions[0].screened.draft
    require_known(filled, node.directory.current(), node.member_id)
    screened = Screened(filled)
    refuse_unreviewed(screened.found, reviewed=reviewed)
    if dry_run:
        from symbolon.cli.signals_draft import tell_draft

        tell_draft(filled, node.now.date())
        return document
    content = plan.additions[0].content
    if delegation is None:
        stored = store_shown(node, screened, yes=yes, content=content)
    else:
        stored = store_delegated(node, screened, delegation, yes=yes, content=content)
    print(f"symbolon: hint: {file} is of no use any more: erase it.", file=sys.stderr)
    return {**document, "new": [stored]}


def _dropped(node: Node, file: Path) -> Draft:
    tree = read_tree(open_for(node, read_bounded(file, MAX_FILE_BYTES)))
    draft: Draft | None = None
    for item in read_signal_object(0, tree, node.now.date()):
        if isinstance(item, Draft):
            draft = item
        elif item.fatal:
            raise InputError(
                f"what {file.name} holds is no signal: {item.column or ''} {item.message}",
                hint="It was written by another release, or on a machine whose clock is wrong: ask for it"
                " again.",
                code="input.drop",
            )
    if draft is None or not draft.reference:
        raise InputError(
            f"what {file.name} holds is no signal of a laptop", hint="Ask for it again.", code="input.drop"
        )
    return draft


# ---------------------------------------------------------------------------------------------- options


def _with_purpose(fill: OpenFields, node: Node) -> OpenFields:
    """The coalition's purpose, where none was typed and it has only one."""
    known = node.directory.current().purposes
    if fill.purposes or len(known) != 1:
        return fill
    return OpenFields(known, fill.recipients, fill.embargo, fill.expires, fill.review)


def _words(typed: list[str] | None) -> tuple[str, ...]:
    return tuple(sorted({word for text in typed or () for word in separate_words(text)}))


def _day(name: str, typed: str) -> date | None:
    return date.fromisoformat(typed_day(f"--{name}", typed)) if typed else None


@contextmanager
def _bar(title: str, *, hidden: bool) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr that is told how many are done, and how many there are; 0 where nobody knows."""
    console = Console(stderr=True)
    if hidden or not console.is_terminal:
        yield lambda *_: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        task = bars.add_task(title.replace("[", "\\["), total=None)

        def move(done: int, total: int) -> None:
            if done % PROGRESS_ROWS == 0 or done == total:
                bars.update(task, completed=done, total=total or None)

        yield move
