"""`symbolon status`: this node, its members, permissions, signals, sessions, budget and key epochs.

A node that has not joined yet, or whose metadata has run out, is shown all the same, with what is missing.
"""

import json
from dataclasses import asdict
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from symbolon.cli.node_home import open_node
from symbolon.cli.status_report import Allowed, Listed, Report, read_report
from symbolon.cli.status_signals import signal_lines
from symbolon.storage.exchange_budget import EVERYBODY

app = typer.Typer(rich_markup_mode=None, add_completion=False)

SESSIONS: Final = 5
"""Newest sessions shown unless told otherwise."""

_PLAIN_WIDTH: Final = 110
"""Columns where stdout is no terminal."""


@app.command()
def status(
    sessions: Annotated[
        int, typer.Option(min=0, max=1000, help="How many sessions, newest first.")
    ] = SESSIONS,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Show this node, its members, sessions and budget. Names no supplier; sends nothing."""
    with open_node() as node:
        report = read_report(node, sessions)
    if as_json:
        print(json.dumps(asdict(report), indent=2, ensure_ascii=False))
        return
    terminal = Console(highlight=False, markup=False)
    console = terminal if terminal.is_terminal else Console(width=_PLAIN_WIDTH, highlight=False, markup=False)
    _print_node(console, report)
    _print_members(console, report)
    _print_allowed(console, report)
    _print_signals(console, report)
    _print_sessions(console, report)
    _print_budget(console, report)
    _print_epochs(console, report)


def _print_node(console: Console, report: Report) -> None:
    held = report.supplier_list
    keys = ", ".join(f"{tier} {count:,}" for tier, count in held.keys.items())
    days = report.certificate_days_left
    certificate = _days(days) if days is None or days >= 0 else f"EXPIRED: {report.trouble}"
    for name, value in (
        ("member", f"{report.member} of coalition {report.coalition}"),
        ("folder", report.home),
        ("listens", report.listen),
        ("database", report.database),
        ("keys", report.keys),
        ("certificate", certificate or report.trouble),
        ("standing", report.standing),
        *(("ends soon", each) for each in report.ends_soon),
        ("founder", _founder(report)),
        ("operators", report.operators.sentence),
        ("policies", report.policies),
        ("list", f"{held.suppliers:,} suppliers, revision {held.revision}; keys: {keys}"),
    ):
        if value:
            console.print(f"{name:<12} {value}", soft_wrap=True)
    for words in filter(None, (held.trouble, held.hint)):
        console.print(f"{'':<12} {words}", soft_wrap=True)


def _print_members(console: Console, report: Report) -> None:
    _heading(console, "Members")
    listed = report.members
    if listed is None:
        console.print(report.trouble, soft_wrap=True)
        return
    state = _days(listed.days_left)
    until = listed.expires[:16].replace("T", " ")
    console.print(f"Version {listed.version}, holds until {until} UTC: {state}.")
    table = _table("member", "kind", "reached", "standing")
    for each in listed.members:
        kind = ", ".join((each.kind, *each.roles))
        table.add_row(each.member, kind, _reached(each), each.standing.replace(".", ": "))
    console.print(table)


def _reached(each: Listed) -> str:
    return each.endpoint or ", ".join(f"relay {relay}" for relay in each.relays) or "calls only"


def _founder(report: Report) -> str:
    if not report.founder:
        return ""
    if report.proposals_waiting is None:
        return report.trouble
    if not report.proposals_waiting:
        return "no proposal waits for a person here"
    words = "proposal waits" if report.proposals_waiting == 1 else "proposals wait"
    return f"{report.proposals_waiting} {words} for a person here: see `symbolon coalition proposals`"


def _print_allowed(console: Console, report: Report) -> None:
    _heading(console, "Allowed peers")
    if not report.allowed:
        words = "No [[allow]] table in symbolon.toml: nothing is allowed but by files in policies/."
        console.print(words, soft_wrap=True)
        return
    table = _table("peer", "may", "modes", "tiers", "purposes")
    for each in report.allowed:
        table.add_row(each.peer, _may(each), ", ".join(each.modes), each.tiers, ", ".join(each.purposes))
    console.print(table)


def _may(each: Allowed) -> str:
    words = (("ask us", each.answer), ("be asked", each.ask), ("invite us", each.invited))
    return ", ".join(word for word, allowed in words if allowed) or "nothing"


def _print_signals(console: Console, report: Report) -> None:
    _heading(console, "Signals")
    lines = list(signal_lines(report.signals))
    for each in lines:
        console.print(each, soft_wrap=True)
    if not lines:
        console.print("None of its own, none received, nobody followed.")


def _print_sessions(console: Console, report: Report) -> None:
    _heading(console, "Newest sessions")
    for each in report.sessions:
        asked = "asked" if each.role == "receiver" else "answered"
        started = each.started[:16].replace("T", " ")
        console.print(f"{started}  {asked} {each.peer}: {each.mode} for {each.purpose}, {each.state}")
        console.print(f"  {each.sentence or 'still open'}", soft_wrap=True)
    if not report.sessions:
        console.print("None yet.")


def _print_budget(console: Console, report: Report) -> None:
    _heading(console, f"Budget granted (evaluations; a window is {report.budget_window_days} days)")
    if not report.budget:
        console.print("Nobody may ask, so nothing is spent.")
        return
    table = _table("peer", "tier")
    for name in ("window used", "window left", "year used", "year left"):
        table.add_column(name, justify="right")
    for each in report.budget:
        window = ("", "") if each.window_used is None else (f"{each.window_used:,}", f"{each.window_left:,}")
        peer = "all members" if each.peer == EVERYBODY else each.peer
        table.add_row(peer, each.tier, *window, f"{each.year_used:,}", f"{each.year_left:,}")
    console.print(table)


def _print_epochs(console: Console, report: Report) -> None:
    _heading(console, "Key epochs")
    if not report.epochs:
        console.print("None live: the next session with a peer begins its first.")
        return
    table = _table("peer", "area", "epoch", "ends in")
    for each in report.epochs:
        table.add_row(each.peer, each.area, str(each.number), _days(each.days_left))
    console.print(table)


def _heading(console: Console, words: str) -> None:
    console.print()
    console.print(words, style="bold")


def _table(*columns: str) -> Table:
    return Table(*columns, box=None, pad_edge=False, header_style="dim")


def _days(days: int | None) -> str:
    if days is None:
        return ""
    return f"{days} days left" if days >= 0 else "EXPIRED"
