"""Passing on what a supplier says about a signal of another member: its contest, or its reply.

`symbolon signals dispute` and `reply` come here where the signal was received. What is passed on was screened
and shown to whoever passes it on first.
"""

import asyncio
import json
import sys
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final

import typer

from symbolon.cli.received_choice import Place, chosen_view, country_of, received_lines_of
from symbolon.cli.signals_confirm import confirm
from symbolon.cli.signals_findings import refuse_unreviewed
from symbolon.cli.signals_shown import indented
from symbolon.cli.typed_ids import typed_date
from symbolon.errors import InputError, UsageError
from symbolon.rpc.contributing import screen
from symbolon.rpc.node import Node
from symbolon.rpc.signal_client import relay
from symbolon.rpc.signal_codec import MAX_RELAYED_BYTES
from symbolon.signals.free_text import shown
from symbolon.signals.signal import FIRST_DAY, MAX_STATEMENT_BYTES
from symbolon.storage.signal_response_columns import Relayed, ResponseKind, ResponseState
from symbolon.storage.signal_response_store import Standing

SaidOn = Annotated[
    str,
    typer.Option(
        "--on", metavar="DAY", help="Day on which the supplier said it, as 2026-12-31; default: today."
    ),
]

_DOES: Final = {ResponseKind.CONTEST: "contests", ResponseKind.REPLY: "answers"}


@dataclass(frozen=True, slots=True)
class Said:
    """What a supplier says, as it was typed.

    Attributes:
        text: cleaned.
        on: day; '' for today.
    """

    kind: ResponseKind
    text: str
    on: str = ""


def relay_text(node: Node, place: Place, said: Said, *, reviewed: bool, yes: bool, as_json: bool) -> None:
    """Passes on what a supplier says about a received signal, once whoever does it has read what that tells.

    Args:
        node: this node.
        place: names the signal.
        said: what to pass on.
        reviewed: a person has looked at what the screening finds.
        yes: do not ask.
        as_json: print what came of it as JSON.

    Raises:
        InputError: the text is empty, or too long.
        SignalError: there is no such signal, or it was recalled.
        SymbolonError: as `signal_client.relay`.
    """
    kind, text = said.kind, said.text
    size = len(text.encode())
    if not text.strip():
        raise InputError("what the supplier says is empty", code="input.empty")
    if size > MAX_RELAYED_BYTES:
        raise InputError(
            f"what the supplier says has {size:,} bytes, more than {MAX_RELAYED_BYTES:,}",
            hint="It travels with the signal: agree on a shorter one with the supplier.",
            code="input.too_large",
        )
    on = _day(said.on, node.now.date())
    view = chosen_view(node, place)
    for line in received_lines_of(node, view):
        print(line, file=sys.stderr)
    print(f"The supplier {_DOES[kind]} it, on {on}:", file=sys.stderr)
    for line in indented(text):
        print(line, file=sys.stderr)
    if kind is ResponseKind.CONTEST and size > MAX_STATEMENT_BYTES:
        print(
            f"Of these {size:,} bytes {MAX_STATEMENT_BYTES} travel with the signal: the people of {view.peer}"
            " sum it up.",
            file=sys.stderr,
        )
    print(
        f"To pass it on tells {view.peer} that this member has this supplier and is in touch with it. "
        + _becomes(kind, view.peer),
        file=sys.stderr,
    )
    name = "statement" if kind is ResponseKind.CONTEST else "reply"
    refuse_unreviewed(screen(text, name, country_of(node, view)), reviewed=reviewed)
    confirm(f"Pass it on to {view.peer}?", yes=yes, undone="Nothing was passed on.")
    standing = asyncio.run(relay(node, view, Relayed(kind, text, on, view.purpose)))
    print(_came_of_it(standing, view.peer), file=sys.stderr)
    if as_json:
        document = {
            "signal": view.signal.hex_id,
            "publisher": view.peer,
            "purpose": view.purpose,
            "kind": kind.value,
            "state": standing.state.value,
            "reason": standing.reason,
        }
        print(json.dumps(document, indent=2, ensure_ascii=False))


def _becomes(kind: ResponseKind, peer: str) -> str:
    if kind is ResponseKind.CONTEST:
        return f"Who is shown the signal sees that it is contested, and the words once {peer} has taken them."
    return f"Who is shown the signal sees the answer once {peer} has taken it."


def _came_of_it(standing: Standing, peer: str) -> str:
    match standing.state:
        case ResponseState.WAITING:
            return f"{peer} has it; it waits for its people. The same command again says what became of it."
        case ResponseState.ACCEPTED:
            return f"{peer} has accepted it: `symbolon signals lookup {peer}` brings the signal with it."
    return f"{peer} has declined it: {shown(standing.reason, one_line=True)}"


def _day(typed: str, today: date) -> date:
    if not typed:
        return today
    day = typed_date(typed)
    if not FIRST_DAY <= day <= today:
        raise UsageError(f"nothing was said on {day}", hint=f"Name a day from {FIRST_DAY} to today.")
    return day
