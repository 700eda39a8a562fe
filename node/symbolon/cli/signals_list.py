"""`symbolon signals list` and `show`: the signals that this member contributed."""

import json
import sys
from collections.abc import Iterable, Mapping
from datetime import date
from types import MappingProxyType
from typing import Annotated, Any, Final

import typer

from symbolon.cli import signed_in
from symbolon.cli.node_home import open_node
from symbolon.cli.received_list import load_received, received_json, received_lines
from symbolon.cli.signals_delegating import delegated_line, standing_json
from symbolon.cli.signals_options import AsJson, SignalId
from symbolon.cli.signals_shown import (
    earlier_lines,
    indented,
    indicator_words,
    signal_json,
    subject_line,
    summary_lines,
    whole_lines,
)
from symbolon.errors import UsageError
from symbolon.policy.operator_roles import Role
from symbolon.rpc.node import Node
from symbolon.signals.record_codec import SUBJECT_FIELDS
from symbolon.signals.signal import Signal
from symbolon.signals.vocabulary import State
from symbolon.storage.delegation_store import StoredDelegation
from symbolon.storage.signal_columns import StoredSignal

LIST_LIMIT: Final = 20
"""Signals that `list` shows unless told otherwise: some screens."""


def list_command(
    every: Annotated[bool, typer.Option("--all", help="Recalled and expired ones too.")] = False,
    search: Annotated[
        str, typer.Option(help="Only those with this text in id, subject, indicators or evidence.")
    ] = "",
    limit: Annotated[int, typer.Option(min=0, help="Most signals to show; 0 for all.")] = LIST_LIMIT,
    offset: Annotated[int, typer.Option(min=0, help="How many to pass over.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Show own signals, the newest first, then those of other members by own supplier, child labour first.

    Sources are never shown. Own ones alone are counted by --limit, --offset and found by --search;
    `symbolon signals received` shows those of others alone.
    """
    with open_node() as node:
        today = node.now.date()
        others = load_received(node)
        state = None if every else State.ACTIVE
        if search:
            found = [
                each
                for each in node.signals.list(0, None, state, include_expired=every)
                if fits(each, search)
            ]
            total, found = len(found), found[offset : offset + limit if limit else None]
        else:
            total = node.signals.count(state, include_expired=every)
            found = list(node.signals.list(offset, limit or None, state, include_expired=every))
        counts = node.signals.counts(today)
        delegated = {each.number: each for each in node.delegations.all()}
        voices = voices_of(node, found)
    if as_json:
        own = [
            {
                "own": True,
                **signal_json(each, today, voices.get(each.number)),
                **_delegated_json(delegated.get(each.number)),
            }
            for each in found
        ]
        told = [{"own": False, **each} for each in received_json(others, today)["signals"]]
        print(json.dumps(own + told, indent=2, ensure_ascii=False))
    else:
        notes = {number: delegated_line(each) for number, each in delegated.items()}
        print_signals(found, today, voices, notes)
        if others.views or others.tombstones:
            print("\nfrom other members, about suppliers of this list")
            for line in received_lines(others, today, limit or None):
                print(line)
    more = " --limit 0 shows all." if offset + len(found) < total else ""
    print(f"{len(found):,} of {total:,} signals shown.{more}", file=sys.stderr)
    if counts.due:
        due = "1 signal is" if counts.due == 1 else f"{counts.due:,} signals are"
        print(f"{due} due for review: `symbolon signals review`.", file=sys.stderr)
    if not total and not search and not every:
        print("`symbolon signals add` adds one; `--all` shows recalled ones.", file=sys.stderr)


def voices_of(node: Node, held: Iterable[StoredSignal]) -> dict[int, int]:
    """How many members say the same as each of some own signals, this one included, as receivers see it.

    Those that another member publishes are left out: the others tell that member, and not this one.
    """
    numbers = {each.number for each in held} - set(node.delegations.numbers())
    return node.signals.contributors(numbers)


def print_signals(
    found: Iterable[StoredSignal],
    today: date,
    voices: Mapping[int, int],
    notes: Mapping[int, str] = MappingProxyType({}),
) -> None:
    """Prints some signals on stdout, a blank line between two.

    Args:
        found: in this order.
        today: by this node's clock.
        voices: from `voices_of`.
        notes: what stands below the signals of these numbers.
    """
    for at, each in enumerate(found):
        if at:
            print()
        for line in summary_lines(each.signal, today, voices.get(each.number)):
            print(line)
        if each.number in notes:
            print(f"  {notes[each.number]}")


def _delegated_json(held: StoredDelegation | None) -> dict[str, Any]:
    return {} if held is None else {"delegated": standing_json(held)}


def fits(held: StoredSignal, wanted: str) -> bool:
    """Whether a signal has a text in its id, its subject, its indicators or its evidence."""
    signal, folded = held.signal, wanted.strip().casefold()
    record = signal.subject.record
    texts = [getattr(record, name) for name in SUBJECT_FIELDS]
    evidence = signal.evidence.words if signal.evidence else ""
    texts += [subject_line(signal), indicator_words(signal), evidence, signal.subject.kind.value]
    texts += [each.value for each in signal.indicators]
    return signal.hex_id.startswith(folded) or any(folded in each.casefold() for each in texts)


def show(
    signal_id: SignalId,
    history: Annotated[
        bool, typer.Option("--history", help="Earlier revisions too, the newest first.")
    ] = False,
    source: Annotated[
        bool, typer.Option("--source", help="The note on the source too: look who stands behind you.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show all that a signal says. Narrative, contest and reply are included."""
    if source:
        signed_in.require_operator("signals show --source", at_least=Role.CONTRIBUTOR)
        if not as_json and not sys.stdout.isatty():
            raise UsageError(
                "the source is shown at a terminal alone",
                hint="With --json it goes where you send it; think of who can read that.",
            )
    with open_node() as node:
        today = node.now.date()
        held = node.signals.get(signal_id)
        revisions: list[Signal] = list(node.signals.history(held.number)) if history else []
        note = node.signals.source(held.number) if source else ""
        delegation = node.delegations.find(held.number)
        voices = voices_of(node, [held]).get(held.number)
    if as_json:
        document = {**signal_json(held, today, voices), **_delegated_json(delegation)}
        if history:
            document["history"] = [_revision_json(held, each, today) for each in revisions]
        if source:
            document["source"] = note
        print(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        for line in (*whole_lines(held.signal, today, voices), *earlier_lines(revisions, today)):
            print(line)
        if delegation is not None:
            print(delegated_line(delegation))
        if not source:
            print(f"source: {'noted; --source shows it' if held.has_source else 'not noted'}")
    if source:
        print("symbolon: the source is on your screen now: clear it when you are done.", file=sys.stderr)
        if not as_json:
            print("source:")
            for line in indented(note) if note else ["  (not noted)"]:
                print(line)


def _revision_json(held: StoredSignal, signal: Signal, today: date) -> dict[str, object]:
    before = StoredSignal(
        held.number, signal, b"", held.created_at_s, held.changed_at_s, has_source=held.has_source
    )
    document = signal_json(before, today, None)
    for name in ("contributors", "created", "changed", "has_source", "review_due", "expired"):
        del document[name]
    return document
