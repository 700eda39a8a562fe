"""`symbolon signals lookup`: ask a peer for signals about own suppliers."""

import asyncio
import json
import sys
from typing import Annotated, Any

import typer

from symbolon.cli.match import parse_tiers
from symbolon.cli.newcomer import meet
from symbolon.cli.node_home import open_node
from symbolon.cli.outdated_list import IMPORT_AGAIN, OUTDATED
from symbolon.cli.progress import session_progress
from symbolon.cli.received_list import load_received, received_json, received_lines
from symbolon.cli.signals_news import news_json, news_lines
from symbolon.exchange.rules_agreement import REMEDY, with_caution
from symbolon.rpc.figures import Figures
from symbolon.rpc.node import Node
from symbolon.rpc.peer import connect
from symbolon.rpc.receiver_role import Ask, Outcome


def lookup(
    peer: Annotated[str, typer.Argument(help="Member id of the peer.")],
    purpose: Annotated[str, typer.Option(help="Purpose, as both operators have allowed it.")],
    tiers: Annotated[str, typer.Option(help="Tiers of keys: A certain, B probable, C candidate.")] = "AB",
    as_json: Annotated[bool, typer.Option("--json", help="Print what is held of PEER as JSON.")] = False,
) -> None:
    """Get the signals that PEER releases about this node's own suppliers.

    The peer learns how many keys were asked, never which, and not what came of it. What it recalled is
    erased here; what it shows no longer is too.
    """
    ask = Ask(peer, "lookup", purpose, parse_tiers("intersection", tiers))
    with open_node() as node:
        if node.suppliers.is_outdated():
            print(f"symbolon: the supplier list was {OUTDATED}.", file=sys.stderr)
            print(f"symbolon: hint: {IMPORT_AGAIN}", file=sys.stderr)
        outcome, figures = asyncio.run(look_up(node, ask))
        received = load_received(node, peer=peer, purpose=purpose)
        today = node.now.date()
        if as_json:
            document = {"lookup": _document(ask, outcome, figures), **received_json(received, today)}
            if outcome.intake is not None:
                document["news"] = news_json(node, peer, outcome.intake)
            print(json.dumps(document, indent=2, ensure_ascii=False))
        else:
            for line in received_lines(received, today):
                print(line)
        tell(node, peer, outcome)


async def look_up(node: Node, ask: Ask) -> tuple[Outcome, Figures]:
    """Runs one lookup."""
    figures = Figures()
    await asyncio.to_thread(node.suite, node.config.exchange.suite, answering=False)
    await asyncio.to_thread(node.close_left_over)
    await meet(node, ask.peer)
    async with connect(node, ask.peer) as peer:
        with session_progress(ask.peer) as progress:
            return await peer.ask(ask, figures, progress), figures


def tell(node: Node, peer: str, outcome: Outcome) -> None:
    """Says on stderr what a lookup of a peer revealed, brought and left out."""
    print(f"symbolon: {outcome.sentence}", file=sys.stderr)
    if outcome.key_rules != "same":
        print(f"symbolon: warning: {with_caution('', outcome.key_rules)}", file=sys.stderr)
        print(f"symbolon: hint: {REMEDY}", file=sys.stderr)
    if outcome.intake is not None:
        for line in news_lines(node, peer, outcome.intake):
            print(f"symbolon: {line}", file=sys.stderr)


def _document(ask: Ask, outcome: Outcome, figures: Figures) -> dict[str, Any]:
    return {
        "peer": ask.peer,
        "purpose": ask.purpose,
        "tiers": list(ask.tiers),
        "key_rules": outcome.key_rules,
        "sentence": outcome.sentence,
        **figures.as_json(),
    }
