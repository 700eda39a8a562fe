"""`symbolon signals received` and `symbolon triage`: what other members told this one."""

import json
import sys
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Final

import typer

from symbolon.cli.node_home import open_node
from symbolon.cli.received_list import Received, by_supplier, load_received, received_json, received_lines
from symbolon.cli.received_shown import about_line, unless_withheld
from symbolon.cli.signals_shown import (
    ID_CHARS,
    age_words,
    confidence_words,
    dispute_words,
    indicator_words,
    reliability_words,
    reply_words,
    severity_words,
    side_lines,
)
from symbolon.storage.received_signal_view import ReceivedLink, ReceivedView

LIST_LIMIT: Final = 20
"""Suppliers that are shown unless told otherwise: some screens."""


def received(
    peer: Annotated[str, typer.Argument(help="Only what this member released.")] = "",
    purpose: Annotated[str, typer.Option(help="Only what was released for this purpose.")] = "",
    every: Annotated[bool, typer.Option("--all", help="All suppliers, however many.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print them as JSON.")] = False,
) -> None:
    """Show the signals that other members released about own suppliers, child labour first."""
    with open_node() as node:
        found = load_received(node, peer=peer or None, purpose=purpose or None)
        today = node.now.date()
    if as_json:
        print(json.dumps(received_json(found, today), indent=2, ensure_ascii=False))
        return
    for line in received_lines(found, today, None if every else LIST_LIMIT):
        print(line)
    if not found.views and not found.tombstones:
        _tell_none()


def triage(
    limit: Annotated[int, typer.Option(min=0, help="Most suppliers to show; 0 for all.")] = LIST_LIMIT,
    as_json: Annotated[bool, typer.Option("--json", help="Print them as JSON.")] = False,
) -> None:
    """Show which own suppliers a person should look at first: child labour, hazardous work, then severity.

    The order is made of what other members' signals say and of nothing else; it is no judgement of a
    supplier, and a signal that is disputed is shown as such. Nothing is sent.
    """
    with open_node() as node:
        found = load_received(node)
        today = node.now.date()
    groups = by_supplier(found)
    chosen = groups[: limit or None]
    if as_json:
        rows = [_row(place, link, views, found, today) for place, (link, views) in enumerate(chosen, 1)]
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for place, (link, views) in enumerate(chosen, 1):
        for line in _triage_lines(place, link, views, found, today):
            print(line)
    if len(groups) > len(chosen):
        left = len(groups) - len(chosen)
        print(f"symbolon: {left} further suppliers have signals; --limit 0 shows them.", file=sys.stderr)
    if not groups:
        _tell_none()


def _triage_lines(
    place: int, link: ReceivedLink, views: list[ReceivedView], found: Received, today: date
) -> Iterator[str]:
    yield f"{place}. {about_line(link, found.suppliers)}"
    for view in views:
        yield from ("   " + line for line in _signal_lines(view, today))


def _signal_lines(view: ReceivedView, today: date) -> Iterator[str]:
    signal = view.signal
    said = unless_withheld(view, "indicators", indicator_words(signal))
    rests = unless_withheld(view, "evidence", signal.evidence.words if signal.evidence else "not stated")
    bad = unless_withheld(view, "severity", severity_words(signal))
    yield f"{signal.hex_id[:ID_CHARS]}  {said}; {rests}; {bad}"
    confidence = unless_withheld(view, "confidence", confidence_words(signal))
    yield f"  {confidence}; {unless_withheld(view, 'reliability', reliability_words(signal))}"
    own = " (your own)" if view.is_own else ""
    yield (
        f"  {dispute_words(signal)}; {reply_words(signal)};"
        f" {age_words(signal.issued, today)}, from {view.peer}{own}"
    )
    for line in side_lines(signal, f"symbolon signals received {view.peer} --all"):
        yield "  " + line


def _row(
    place: int, link: ReceivedLink, views: list[ReceivedView], found: Received, today: date
) -> dict[str, Any]:
    document = received_json(Received(tuple(views), (), found.suppliers), today)
    record = found.suppliers.get(link.link.supplier_no)
    return {
        "place": place,
        "supplier_id": None if record is None else record.supplier_id,
        "name": None if record is None else record.name,
        "band": link.link.tier.band,
        "decision": link.decision,
        "signals": document["signals"],
    }


def _tell_none() -> None:
    print("symbolon: no member has released a signal about a supplier of this list yet.", file=sys.stderr)
    print("symbolon: hint: `symbolon signals lookup PEER --purpose P` asks for them.", file=sys.stderr)
