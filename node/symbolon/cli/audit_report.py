"""`symbolon audit report` and `audit demanded`: what a member can publish of its log.

The report is in docs/transparency.md. Data goes to stdout or to a file that is not there yet; what was held
back, and why, goes to stderr, for whoever publishes it.
"""

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from symbolon.cli.progress import session_progress
from symbolon.cli.typed_ids import typed_date, typed_jurisdiction, typed_root
from symbolon.errors import InputError, UsageError

if TYPE_CHECKING:
    from symbolon.audit.report import TransparencyReport
    from symbolon.audit.report_scope import Budget, ReportScope
    from symbolon.audit.report_tally import ReportRow
    from symbolon.membership.member_record import Members
    from symbolon.rpc.node import Node

_HOUR_S: Final = 3600
_TOLD_EVERY: Final = 500
_PUBLIC_MODE: Final = 0o644
"""It is made to be published."""


def report(
    since: Annotated[
        str, typer.Option(metavar="DAY", help="First day, YYYY-MM-DD; its whole month is in the report.")
    ] = "",
    until: Annotated[
        str, typer.Option(metavar="DAY", help="Last day, likewise. Without it: the month that ended last.")
    ] = "",
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Write a page; the file must not be there yet.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    from_files: Annotated[
        list[Path] | None,
        typer.Option("--from", metavar="FILE", help="An exported log, instead of the own; several times."),
    ] = None,
    root: Annotated[
        str, typer.Option(metavar="FINGERPRINT", help="Of the coalition's root, with --from.")
    ] = "",
    joint: Annotated[
        bool, typer.Option("--joint", help="Count the logs of --from as one; read docs/transparency.md.")
    ] = False,
    names: Annotated[bool, typer.Option("--names", help="Name the members whose logs these are.")] = False,
    threshold: Annotated[int, typer.Option(help="Smallest count that shows: 5, 10, 15, …")] = 5,
    demands: Annotated[
        bool, typer.Option("--demands/--no-demands", help="Make a statement about demands of authorities.")
    ] = True,
) -> None:
    """Make a transparency report of whole months, to be published: a page, JSON, or both.

    It holds counts of the audit log in classes, none of which tells of single sessions or single members.
    """
    from symbolon.audit.report_html import report_html
    from symbolon.audit.report_json import report_json
    from symbolon.audit.small_counts import require_threshold

    if out is None and not as_json:
        raise UsageError("nothing to make", hint="Give --out FILE.html, or --json, or both.")
    if out is not None:
        _require_target(out)
    chosen = _Chosen(
        since=typed_date(since) if since else None,
        until=typed_date(until) if until else None,
        threshold=require_threshold(threshold),
        joint=joint,
        named=names,
        demands=demands,
    )
    if from_files:
        made = _of_files(from_files, typed_root(root), chosen)
    elif joint or root:
        raise UsageError("--joint and --root are for exports", hint="Name these with --from.")
    else:
        made = _of_node(chosen)
    if out is not None:
        _write(out, report_html(made).encode())
    if as_json:
        sys.stdout.write(report_json(made).decode("ascii"))
    for line in held_back(made):
        print(line, file=sys.stderr)


def demanded(
    country: Annotated[str, typer.Option(help="Of the authority, ISO 3166-1, like DE.")],
    kind: Annotated[str, typer.Option(help="warrant, order (another binding one), or request.")],
    untold: Annotated[
        bool, typer.Option("--untold", help="It may not be told of: keep it, count it nowhere.")
    ] = False,
) -> None:
    """Record that an authority demanded data of this node; the text of the demand stays out of the log.

    Record it when it comes. Reports count it; a month with one that may not be told of gets no sentence that
    there was none. Ask a lawyer first: docs/transparency.md says what such an entry can show, and to whom.
    """
    from symbolon.audit.demand import Demand, DemandKind
    from symbolon.cli.node_home import open_node

    found = next((each for each in DemandKind if each == kind), None)
    if found is None:
        raise UsageError(f"unknown kind {kind}", hint=f"Known: {', '.join(DemandKind)}.")
    demand = Demand(found, typed_jurisdiction(country), told=not untold)
    with open_node() as node:
        node.audit.append(demand.entry())
    if untold:
        print("Recorded. No report counts it. An export of this log opens it to its reader.", file=sys.stderr)
    else:
        print("Recorded. Reports count it from the end of this month.", file=sys.stderr)


def held_back(made: "TransparencyReport") -> Iterator[str]:
    """What the report does not show, and why: sentences for whoever publishes it."""
    from symbolon.audit.small_counts import OTHER_MEMBERS

    period = f"{made.period.first_day.isoformat()} to {made.period.last_day.isoformat()}"
    yield f"The report covers whole months: {period}. Publish one report on a month, and no second one."
    yield (
        f"{made.combinations - len(made.rows)} of {made.combinations} rows are held back: every count in "
        f"them is below {made.threshold}, or there was nothing."
    )
    merged = made.groups.get(OTHER_MEMBERS, ())
    if merged:
        yield f"Counted together, since there are too few of a kind: {', '.join(merged)}."
    if made.left_out:
        months = ", ".join(made.left_out)
        yield f"Left out, since entries expired, are closed, or came after the export: {months}."
    if not made.demands.statement:
        yield "It makes no statement about demands of authorities; docs/transparency.md says what that tells."


@dataclass(frozen=True, slots=True)
class _Chosen:
    """What was typed about the report, whatever it is made from."""

    since: date | None
    until: date | None
    threshold: int
    joint: bool
    named: bool
    demands: bool

    def scope(
        self, members: "Members", logs: Mapping[str, int], day: date, budget: "Budget | None" = None
    ) -> "ReportScope":
        from symbolon.audit.report_period import whole_months
        from symbolon.audit.report_scope import ReportScope

        return ReportScope(
            members=members,
            period=whole_months(self.since, self.until, day),
            made_on=day,
            logs=logs,
            threshold=self.threshold,
            joint=self.joint,
            named=self.named,
            demands=self.demands,
            budget=budget,
        )


def _of_node(chosen: _Chosen) -> "TransparencyReport":
    from symbolon.audit.report import make_report
    from symbolon.audit.report_scope import Budget
    from symbolon.cli.node_home import open_node

    with open_node() as node:
        # Of what was: the list need not be in force today.
        scope = chosen.scope(
            node.coalition.state().members,
            {node.member_id: int(node.clock()) // _HOUR_S},
            node.now.date(),
            Budget(node.budget.all_members_year),
        )
        return make_report(_rows(node), scope)


def _rows(node: "Node") -> "Iterator[ReportRow]":
    from symbolon.audit.report_tally import ReportRow

    size = node.audit.size()
    with session_progress("audit report") as tell:
        for entry in node.audit.entries(0, size):
            if entry.number % _TOLD_EVERY == 0:
                tell("reading", entry.number, size)
            said = None if entry.salts is None else entry.values
            yield ReportRow(node.member_id, entry.at_s // _HOUR_S, said)


def _of_files(files: list[Path], fingerprint: bytes | None, chosen: _Chosen) -> "TransparencyReport":
    from symbolon.audit.report import make_report
    from symbolon.audit.report_files import read_exports

    with contextlib.ExitStack() as opened, session_progress("audit report") as tell:
        try:
            streams = [(each.name, opened.enter_context(each.open("rb"))) for each in files]
        except OSError as error:
            raise InputError(
                f"cannot read {error.filename}: {error.strerror}", hint="Look whether the name is right."
            ) from None
        logs = read_exports(streams, fingerprint, tell)
        if fingerprint is None:
            print(
                f"Who the members are rests on the files: compare the root {logs.root} with one from "
                "another source, or give it with --root.",
                file=sys.stderr,
            )
        scope = chosen.scope(logs.members, logs.written, today())
        return make_report(logs.rows(), scope)


def today() -> date:
    """The day, UTC, where no node says it."""
    return datetime.now(UTC).date()


def _require_target(out: Path) -> None:
    if not out.parent.is_dir():
        raise UsageError(f"there is no folder {out.parent}", hint="Make it, or name another file.")
    if os.path.lexists(out):
        raise UsageError(f"{out} is there already", hint="Name a file that is not there yet.")


def _write(out: Path, page: bytes) -> None:
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PUBLIC_MODE)
    except OSError as error:
        raise InputError(f"cannot write {out}: {error.strerror}", hint="Name another file.") from None
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(page)
    except OSError as error:
        out.unlink(missing_ok=True)
        raise InputError(f"cannot write {out}: {error.strerror}", hint="Is the disk full?") from None
