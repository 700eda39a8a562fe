"""`symbolon signals delegated`: what others publish for this member, and what it publishes for others.

What is shown here is shown nowhere else: who published a signal for whom stands sealed at the two of them.
"""

import asyncio
import json
import sys
from typing import Annotated, Any

import typer

from symbolon.cli.node_home import open_node
from symbolon.cli.signals_delegating import (
    KIND_WORDS,
    advice_line,
    delegated_line,
    disclosed_words,
    send_many,
    standing_json,
    tell_waiting,
)
from symbolon.cli.signals_options import AsJson
from symbolon.cli.signals_shown import ID_CHARS, short_id, state_words, subject_line
from symbolon.errors import SymbolonError
from symbolon.rpc.entrusting import ask, hand_over
from symbolon.rpc.node import Node
from symbolon.signals.signal import Signal
from symbolon.signals.vocabulary import ShownAs
from symbolon.storage.delegation_columns import EntrustedSignal
from symbolon.storage.delegation_store import StoredDelegation


def delegated(
    send: Annotated[
        bool, typer.Option("--send", help="Hand over what waits, and ask the delegates how it stands.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show the signals that others publish for this member, and those that it publishes for others.

    Of each: whether its delegate has it, or why not, and how many members were given it.
    """
    with open_node() as node:
        if send:
            _send(node)
        held = node.delegations.all()
        ours = _signals(node, [each.number for each in held])
        out = [(ours[each.number], each) for each in held if each.number in ours]
        kept = node.entrusted.contributors()
        theirs = _signals(node, list(kept))
        taken = [(theirs[number], kept[number], _given(node, number, kept)) for number in theirs]
        unknown = _unknown(node)
        if as_json:
            print(json.dumps(_document(out, taken), indent=2, ensure_ascii=False))
        else:
            _print(node, out, taken)
    for each in unknown:
        print(f"symbolon: hint: [signals] publishes_for names {each}, which is no member.", file=sys.stderr)


def _send(node: Node) -> None:
    held = node.delegations.all()
    send_many(node, [each.number for each in held if each.is_pending])
    off = set[str]()
    for each in node.delegations.all():
        if each.kept.delegate in off:
            continue
        try:
            asyncio.run(ask(node, each.number))
        except SymbolonError as error:
            off.add(each.kept.delegate)
            print(f"{each.kept.delegate} was not asked: {error.detail} ({error.full_code}).", file=sys.stderr)
    # What suppliers said there is a revision of its own here.
    for number in node.delegations.pending():
        found = node.delegations.find(number)
        if found is None or found.kept.delegate in off or found.problem:
            continue
        _again(node, found)


def _again(node: Node, held: StoredDelegation) -> None:
    try:
        asyncio.run(hand_over(node, held.number))
    except SymbolonError as error:
        tell_waiting(held, error)


def _signals(node: Node, numbers: list[int]) -> dict[int, Signal]:
    return dict(node.signals.newest(numbers))


def _given(node: Node, number: int, kept: dict[int, EntrustedSignal]) -> int:
    return sum(each != kept[number].contributor for each in node.disclosures.peers(number))


def _unknown(node: Node) -> list[str]:
    """Who is named in the configuration and is no member."""
    wanted = node.config.signals.publishes_for
    if not wanted:
        return []
    members = node.directory.current()
    return [each for each in wanted if members.find(each) is None]


Out = list[tuple[Signal, StoredDelegation]]
Taken = list[tuple[Signal, EntrustedSignal, int]]


def _document(out: Out, taken: Taken) -> dict[str, Any]:
    return {
        "by_others": [
            {
                "signal": signal.hex_id,
                "revision": signal.revision,
                "recalled": signal.recall_reason is not None,
                **standing_json(held),
            }
            for signal, held in out
        ],
        "for_others": [
            {
                "signal": signal.hex_id,
                "revision": signal.revision,
                "recalled": signal.recall_reason is not None,
                "contributor": kept.contributor,
                "shown_as": kept.shown_as.value,
                "disclosed": given,
            }
            for signal, kept, given in taken
        ],
    }


def _print(node: Node, out: Out, taken: Taken) -> None:
    today = node.now.date()
    print("published for this member")
    for signal, held in out:
        print(f"  {short_id(signal)}  {subject_line(signal)}; {state_words(signal, today)}")
        print(f"    {delegated_line(held)}")
        if said := advice_line(node, held):
            print(f"    {said}")
        if held.kept.their_id:
            print(
                f"    there {held.kept.their_id.hex()[:ID_CHARS]}, {_shown(held.kept.shown_as)};"
                f" {disclosed_words(held.kept.disclosed)}"
            )
    if not out:
        print("  nothing")
    print("published by this member for others")
    for signal, kept, given in taken:
        print(f"  {short_id(signal)}  {subject_line(signal)}; {state_words(signal, today)}")
        print(f"    for {kept.contributor}, {_shown(kept.shown_as)}; {disclosed_words(given)}")
    if not taken:
        print("  nothing")


def _shown(shown_as: ShownAs) -> str:
    return (
        f"shown as from {KIND_WORDS[shown_as]}" if shown_as in KIND_WORDS else "shown as the publisher's own"
    )
