"""`symbolon audit log`: what this node did, newest last, as a table or as JSON."""

import json
import sys
from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from symbolon.cli.node_home import open_node
from symbolon.cli.progress import session_progress
from symbolon.cli.typed_ids import typed_date, typed_member_id

if TYPE_CHECKING:
    from symbolon.rpc.node import Node
    from symbolon.storage.audit_log import StoredEntry

_PLAIN_WIDTH: Final = 160
_TOLD_EVERY: Final = 500
_MAX_LIMIT: Final = 1_000_000


def log(
    peer: Annotated[str, typer.Option(help="Only entries about this member.")] = "",
    session: Annotated[str, typer.Option(help="Only entries of this session; its first digits do.")] = "",
    since: Annotated[str, typer.Option(metavar="DAY", help="Only from this day on, YYYY-MM-DD, UTC.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=_MAX_LIMIT, help="At most so many, the newest.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print the entries as JSON.")] = False,
) -> None:
    """Show what this node asked, answered, released and refused, newest last."""
    member = typed_member_id(peer) if peer else ""
    since_s = first_second(since) if since else 0
    with open_node() as node:
        if member or session or since_s:
            found = _search(node, member, session.lower(), since_s, limit)
        else:
            found = node.audit.newest(limit)
    if as_json:
        print(json.dumps([_document(each) for each in found], indent=2, ensure_ascii=False))
    elif found:
        _print_table(found)
    else:
        print("No entry of the audit log fits.", file=sys.stderr)


def first_second(day: str) -> int:
    """The first second of a day that was typed, since 1970-01-01 UTC.

    Raises:
        UsageError: it is no day.
    """
    at = typed_date(day)
    return int(datetime(at.year, at.month, at.day, tzinfo=UTC).timestamp())


def _search(node: "Node", member: str, session: str, since_s: int, limit: int) -> "list[StoredEntry]":
    newest: deque[StoredEntry] = deque(maxlen=limit)
    size = node.audit.size()
    with session_progress("audit log") as tell:
        for entry in node.audit.entries(0, size):
            if entry.number % _TOLD_EVERY == 0:
                tell("reading", entry.number, size)
            fits = (not member or entry.values["peer"] == member) and entry.at_s >= since_s
            if fits and entry.values["session"].startswith(session):
                newest.append(entry)
    return list(newest)


def _print_table(entries: "Iterable[StoredEntry]") -> None:
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console = Console(width=_PLAIN_WIDTH, highlight=False, markup=False)
    table = Table(box=None, pad_edge=False)
    table.add_column("entry", justify="right", no_wrap=True)
    for name in ("time (UTC)", "event", "peer"):
        table.add_column(name, no_wrap=True)
    for name in ("purpose", "mode", "counts", "note"):
        table.add_column(name)
    for each in entries:
        said = each.values
        cells = (
            str(each.number),
            f"{datetime.fromtimestamp(each.at_s, UTC):%Y-%m-%d %H:%M}",
            said["event"] or "(expired)",
            said["peer"],
            said["purpose"],
            said["mode"],
            ", ".join(f"{name} {count}" for name, count in _counts(each).items()),
            said["note"],
        )
        table.add_row(*(Text(cell) for cell in cells))
    console.print(table)


def _document(entry: "StoredEntry") -> dict[str, Any]:
    said = dict(entry.values)
    about: dict[str, Any] = {
        "number": entry.number,
        "time": datetime.fromtimestamp(entry.at_s, UTC).isoformat(),
        "expired": entry.salts is None,
        "leaf": entry.leaf.hex(),
    }
    decision = _decided(said.pop("decision"))
    return about | said | {"counts": _counts(entry), "decision": decision}


def _decided(text: str) -> dict[str, Any] | None:
    """A decision whose documents, texts within JSON, are objects."""
    if not text:
        return None
    record = json.loads(text)
    return {
        name: json.loads(value) if name in ("decision", "request") else value
        for name, value in record.items()
    }


def _counts(entry: "StoredEntry") -> dict[str, int]:
    text = entry.values["counts"]
    found: dict[str, int] = json.loads(text) if text else {}
    return found
