"""`symbolon signals who`: who will be able to see what of a signal, and who was given it already."""

import json
from typing import Annotated

import typer

from symbolon.cli.node_home import open_node
from symbolon.cli.signals_audience import audience_json, audience_lines, terms_lines
from symbolon.cli.signals_delegating import delegated_line, disclosed_words, standing_json, terms_of
from symbolon.cli.signals_options import AsJson, SignalId
from symbolon.cli.signals_shown import short_id, subject_line
from symbolon.rpc.node import Node
from symbolon.rpc.signal_audience import audience_of_stored
from symbolon.signals.signal import Signal
from symbolon.storage.delegation_store import StoredDelegation


def who(
    signal_id: SignalId,
    every_name: Annotated[bool, typer.Option("--all", help="Name every member of a group.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say who will be able to see what of a signal. By the policies in force now; nothing is sent."""
    with open_node() as node:
        held = node.signals.get(signal_id)
        if (delegated := node.delegations.find(held.number)) is not None:
            _tell_delegated(node, held.signal, delegated, as_json=as_json)
            return
        seen = audience_of_stored(node, held)
        given = node.disclosures.peers(held.number)
        lines = list(audience_lines(seen, held.signal, node.now.date(), every_name=every_name))
        terms = list(terms_lines(node, held.signal, has_source=held.has_source))
    if as_json:
        document = {
            "signal": held.signal.hex_id,
            "revision": held.signal.revision,
            "audience": audience_json(seen),
            "given": list(given),
        }
        print(json.dumps(document, indent=2, ensure_ascii=False))
        return
    print(f"{short_id(held.signal)}  {subject_line(held.signal)}")
    for line in lines:
        print(f"  {line}")
    for line in terms:
        print(line)
    print(f"Given to so far: {', '.join(given) or 'nobody'}.")


def _tell_delegated(node: Node, signal: Signal, held: StoredDelegation, *, as_json: bool) -> None:
    """Of a signal that another member publishes, whose policies nobody here knows."""
    if as_json:
        document = {"signal": signal.hex_id, "revision": signal.revision, **standing_json(held)}
        print(json.dumps(document, indent=2, ensure_ascii=False))
        return
    print(f"{short_id(signal)}  {subject_line(signal)}")
    for line in terms_of(node, held.kept):
        print(f"  {line}")
    print(f"  {delegated_line(held)}; {disclosed_words(held.kept.disclosed)}.")
