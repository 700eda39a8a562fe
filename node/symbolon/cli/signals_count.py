"""`symbolon signals count`: ask a member how many signals it has, not about whom."""

import asyncio
import json
import sys
from typing import Annotated

import typer

from symbolon.cli.newcomer import meet
from symbolon.cli.node_home import open_node
from symbolon.cli.signals_options import AsJson
from symbolon.cli.typed_ids import typed_member_id
from symbolon.rpc.node import Node
from symbolon.rpc.signal_client import ask_count
from symbolon.rpc.signal_codec import LEAST_COUNT


def count(
    peer: Annotated[str, typer.Argument(help="Member id of the peer.")],
    purpose: Annotated[str, typer.Option(help="Purpose, as both operators have allowed it.")],
    as_json: AsJson = False,
) -> None:
    """Ask PEER how many signals it lets this member count, whoever they are about.

    Those that it would show to a lookup count too, if this member had the suppliers. PEER learns that this
    member asks, and nothing of its list.
    """
    member = typed_member_id(peer)
    with open_node() as node:
        signals = asyncio.run(_ask(node, member, purpose))
    words = f"{signals:,}" if signals else f"fewer than {LEAST_COUNT}"
    if as_json:
        document = {"peer": member, "purpose": purpose, "signals": signals or None, "words": words}
        print(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        print(words)
    print(
        f"symbolon: so many signals of {member} may be counted for {purpose}, whether this member buys there"
        f" or not. The number changes once {LEAST_COUNT} or more have come or gone, once a day as a rule.",
        file=sys.stderr,
    )


async def _ask(node: Node, member: str, purpose: str) -> int:
    await meet(node, member)
    return await ask_count(node, member, purpose)
