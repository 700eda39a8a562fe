"""`symbolon signals narrative`: ask the publisher of a received signal for its narrative."""

import asyncio
import json
import sys

from symbolon.cli.node_home import open_node
from symbolon.cli.received_choice import ForPurpose, OfPeer, Place, chosen_view, received_lines_of
from symbolon.cli.signals_confirm import confirm
from symbolon.cli.signals_options import AsJson, SignalId, Yes
from symbolon.cli.signals_shown import indented
from symbolon.errors import SignalError
from symbolon.rpc.node import Node
from symbolon.rpc.signal_client import ask_narrative
from symbolon.storage.received_signal_view import ReceivedView


def narrative(
    signal_id: SignalId,
    peer: OfPeer = "",
    purpose: ForPurpose = "",
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Show the narrative of a received signal. Where it is not here yet, its publisher is asked.

    Asking tells the publisher that this member has the supplier. One that was asked for before is shown
    without a word to anybody.
    """
    with open_node() as node:
        view = chosen_view(node, Place(signal_id, peer, purpose))
        held = node.received.narrative(view) if view.has_text else None
        text = held if held is not None else _asked(node, view, yes=yes)
    if as_json:
        document = {
            "signal": view.signal.hex_id,
            "publisher": view.peer,
            "purpose": view.purpose,
            "revision": view.signal.revision,
            "narrative": text,
        }
        print(json.dumps(document, indent=2, ensure_ascii=False))
        return
    for line in indented(text):
        print(line)


def _asked(node: Node, view: ReceivedView, *, yes: bool) -> str:
    if not view.signal.has_narrative:
        hidden = "narrative" in view.signal.withheld
        raise SignalError(
            f"{view.peer} does not show whether there is a narrative" if hidden else "there is no narrative",
            hint="Ask its people, if you know them." if hidden else None,
            code="signal.value",
        )
    for line in received_lines_of(node, view):
        print(line, file=sys.stderr)
    print(
        f"To ask tells {view.peer} one thing that it does not know yet: that this member has this supplier, "
        f"and looks into what was said about it. It is written into both logs.",
        file=sys.stderr,
    )
    confirm(f"Ask {view.peer} for the narrative?", yes=yes, undone="Nobody was asked.")
    return asyncio.run(ask_narrative(node, view))
