"""`symbolon signals corroborate`: say that this member knows the same as a received signal, from elsewhere.

Only a person at a terminal can say so. What is counted is voices: one that rests on the signal itself, or on
whoever told its contributor, would be an echo.
"""

import asyncio
import json
import sys
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from symbolon.cli.node_home import open_node
from symbolon.cli.received_choice import ForPurpose, OfPeer, Place, chosen_view, received_lines_of
from symbolon.cli.signals_asking import ask
from symbolon.cli.signals_confirm import confirm, is_interactive
from symbolon.cli.signals_options import AsJson, SignalId, Yes
from symbolon.cli.signals_shown import summary_lines
from symbolon.cli.typed_ids import typed_member_id
from symbolon.errors import SignalError, UsageError
from symbolon.rpc import signal_client
from symbolon.rpc.node import Node
from symbolon.rpc.signal_codec import About
from symbolon.signals.signal import ID_BYTES
from symbolon.storage.received_signal_view import ReceivedView
from symbolon.storage.signal_columns import StoredSignal

WORD: Final = "independent"
"""What has to be typed."""


def corroborate(
    signal_id: SignalId,
    own: Annotated[
        str, typer.Option(metavar="SIGNAL", help="This member's own signal about the same supplier.")
    ] = "",
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take it back.")] = False,
    peer: OfPeer = "",
    purpose: ForPurpose = "",
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Say that you know the same from elsewhere. The publisher of the received signal is told.

    Everybody who is shown the signal then sees one more contributor. It takes an own signal about the same
    supplier, and a word typed at a terminal; --yes holds for --withdraw alone.
    """
    with open_node() as node:
        if withdraw:
            publisher, about = _about(node, Place(signal_id, peer, purpose))
            confirm(f"Take it back at {publisher}?", yes=yes, undone="Nothing was taken back.")
            asyncio.run(signal_client.withdraw_corroboration(node, publisher, about))
            print(f"{publisher} counts this member no longer.", file=sys.stderr)
            hex_id = about.signal_id.hex()
        else:
            view = chosen_view(node, Place(signal_id, peer, purpose))
            publisher, hex_id = view.peer, view.signal.hex_id
            _tell(node, view, own)
            print(f"{publisher} counts this member among those who say the same.", file=sys.stderr)
    if as_json:
        document = {"signal": hex_id, "publisher": publisher, "corroborated": not withdraw}
        print(json.dumps(document, indent=2, ensure_ascii=False))


def _tell(node: Node, view: ReceivedView, own: str) -> None:
    if not own:
        raise UsageError(
            "whoever corroborates has a signal of its own about the same supplier",
            hint="Name it: --own SIGNAL. `symbolon signals add` adds one.",
        )
    held = node.signals.get(own)
    signal_client.require_own(node, view, held)
    today = node.now.date()
    for line in received_lines_of(node, view):
        print(line, file=sys.stderr)
    print("Your own signal:", file=sys.stderr)
    for line in summary_lines(held.signal, today):
        print(f"  {line}", file=sys.stderr)
    for line in _warnings(view, held):
        print(line, file=sys.stderr)
    print(
        f"It tells {view.peer} that this member has this supplier and says the same; who is shown the signal"
        " sees one more contributor.\n"
        "It has to be a second voice and no echo: your own signal rests neither on this one, nor on whoever"
        " told its contributor, nor on what the two of you heard from the same person.",
        file=sys.stderr,
    )
    if not is_interactive():
        raise UsageError(
            "this is for a person to say, and there is no terminal to ask at",
            hint="No program corroborates anything.",
        )
    if ask(f"Type {WORD} if that is so") != WORD:
        raise UsageError(f"it was not typed: nothing was told to {view.peer}", hint="Then it is an echo.")
    asyncio.run(signal_client.corroborate(node, view, held))


def _warnings(view: ReceivedView, held: StoredSignal) -> list[str]:
    """What speaks for an echo."""
    first = datetime.fromtimestamp(view.first_received_at_s, UTC).date()
    added = datetime.fromtimestamp(held.created_at_s, UTC).date()
    if held.created_at_s < view.first_received_at_s:
        return []
    return [f"Look twice: your own was added on {added}, after this one had come on {first}."]


def _about(node: Node, place: Place) -> tuple[str, About]:
    """Where to take it back; of a signal that is no longer here by all that names it."""
    try:
        view = chosen_view(node, place)
    except SignalError as error:
        wanted = place.signal_id.strip().lower()
        try:
            named = bytes.fromhex(wanted)
        except ValueError:
            named = b""
        if len(named) != ID_BYTES or not place.peer or not place.purpose:
            raise SignalError(
                error.detail,
                hint="Of a signal that is no longer here, give the whole id, --peer and --purpose.",
                code=error.full_code,
            ) from None
        return typed_member_id(place.peer), About(named, place.purpose)
    return view.peer, About(view.signal.signal_id, view.purpose)
