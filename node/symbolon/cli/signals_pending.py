"""`symbolon signals pending`: what suppliers say about this member's signals, as other members passed it on.

Whoever publishes a signal decides about the words, never about whether it is contested: that was shown at
once. A person reads each text before others do.
"""

import json
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from symbolon.cli.node_home import open_node
from symbolon.cli.signals_confirm import confirm
from symbolon.cli.signals_findings import refuse_unreviewed
from symbolon.cli.signals_options import AsJson, Reviewed, Yes
from symbolon.cli.signals_shown import indented, short_id, subject_line
from symbolon.cli.signals_texts import read_text
from symbolon.errors import InputError, UsageError
from symbolon.rpc import signal_answering
from symbolon.rpc.node import Node
from symbolon.signals.free_text import clean
from symbolon.signals.signal import MAX_REPLY_BYTES, MAX_STATEMENT_BYTES, Signal
from symbolon.storage.signal_response_columns import ResponseKind, ResponseState
from symbolon.storage.signal_response_store import MAX_REASON_BYTES, Response


def pending(
    number: Annotated[int, typer.Argument(metavar="[NUMBER]", help="Of one text.", min=0)] = 0,
    accept: Annotated[bool, typer.Option("--accept", help="Attach it to its signal.")] = False,
    text_file: Annotated[
        Path | None,
        typer.Option(help="With --accept: attach this text in its place; - is standard input."),
    ] = None,
    decline: Annotated[
        str, typer.Option(metavar="REASON", help="Do not attach it; the reason is told to who passed it on.")
    ] = "",
    reviewed: Reviewed = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Show what suppliers say about own signals. What waits is accepted, or declined with a reason.

    A contest is shown with its signal already, without its words. One that you decline ends as maintained;
    if the supplier is right, recall the signal as dispute-upheld instead.
    """
    if (accept and decline) or (text_file and not accept) or (not number and (accept or decline)):
        raise UsageError(
            "one text is accepted, or declined with a reason",
            hint="`symbolon signals pending NUMBER --accept`, or `--decline REASON`.",
        )
    with open_node() as node:
        if not number:
            _list(node, as_json=as_json)
            return
        found = node.responses.get(number)
        signal = signal_answering.signal_of(node, found)
        _print(found, signal, sys.stderr if accept or decline else sys.stdout, as_json=as_json)
        if accept:
            signal = _accept(node, found, text_file, reviewed=reviewed, yes=yes)
        elif decline:
            _decline(node, found, decline, yes=yes)
        else:
            return
        if as_json:
            found = node.responses.get(number)
            document = _document(found, signal_answering.signal_of(node, found))
            print(json.dumps(document, indent=2, ensure_ascii=False))


def _list(node: Node, *, as_json: bool) -> None:
    found = node.responses.waiting()
    pairs = [(each, signal_answering.signal_of(node, each)) for each in found]
    if as_json:
        print(json.dumps([_document(*each) for each in pairs], indent=2, ensure_ascii=False))
        return
    for at, (response, signal) in enumerate(pairs):
        if at:
            print()
        _print(response, signal, sys.stdout, as_json=False)
    if not found:
        print("Nothing that a supplier says waits for you.", file=sys.stderr)
    else:
        print("`symbolon signals pending NUMBER --accept`, or `--decline REASON`.", file=sys.stderr)


def _accept(node: Node, found: Response, text_file: Path | None, *, reviewed: bool, yes: bool) -> Signal:
    is_contest = found.relayed.kind is ResponseKind.CONTEST
    limit_bytes = MAX_STATEMENT_BYTES if is_contest else MAX_REPLY_BYTES
    text = found.relayed.text
    if text_file is not None:
        text = clean(read_text(text_file, "the text", limit_bytes))
        print("In its place is attached:", file=sys.stderr)
        _say(indented(text))
        if not is_contest:
            print(
                "It is the supplier's own answer: see that it is content with these words.", file=sys.stderr
            )
    size = len(text.encode())
    if size > limit_bytes:
        raise InputError(
            f"it has {size:,} bytes, and {limit_bytes} travel with a signal",
            hint="Sum up what is contested in a file, and name it: --text-file.",
            code="input.too_large",
        )
    refuse_unreviewed(signal_answering.findings(node, found, text), reviewed=reviewed)
    confirm("Attach it?", yes=yes)
    signal = signal_answering.accept(node, found, text, reviewed=reviewed)
    given = ", ".join(node.disclosures.peers(found.number)) or "nobody"
    print(
        f"{short_id(signal)} has it, revision {signal.revision}; {given} will see that at the next contact.",
        file=sys.stderr,
    )
    if is_contest:
        print("Answer it when you know: `symbolon signals settle`, or recall the signal.", file=sys.stderr)
    return signal


def _decline(node: Node, found: Response, reason: str, *, yes: bool) -> None:
    if len(reason.encode()) > MAX_REASON_BYTES:
        raise InputError(
            f"the reason has more than {MAX_REASON_BYTES} bytes", hint="Shorten it.", code="input.too_large"
        )
    print(f"{found.peer} is told, when it asks: {reason}", file=sys.stderr)
    confirm("Decline it?", yes=yes, undone="It still waits.")
    ended = signal_answering.decline(node, found, reason)
    print(f"Number {found.response_id} is declined.", file=sys.stderr)
    if ended:
        print("The contest rested on it alone, and ends as maintained.", file=sys.stderr)


def _print(found: Response, signal: Signal, to: Any, *, as_json: bool) -> None:
    if as_json and to is sys.stdout:
        print(json.dumps(_document(found, signal), indent=2, ensure_ascii=False))
        return
    received = datetime.fromtimestamp(found.received_at_s, UTC).date()
    state = found.standing.state
    reason = f": {found.standing.reason}" if found.standing.reason else ""
    waits = "" if state is ResponseState.WAITING else f"; {state}{reason}"
    print(
        f"{found.response_id}  {found.relayed.kind} of {short_id(signal)}, {subject_line(signal)}\n"
        f"  said on {found.relayed.on}, passed on by {found.peer} on {received}{waits}",
        file=to,
    )
    for line in indented(found.relayed.text):
        print(line, file=to)


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        print(line, file=sys.stderr)


def _document(found: Response, signal: Signal) -> dict[str, Any]:
    return {
        "number": found.response_id,
        "signal": signal.hex_id,
        "kind": found.relayed.kind.value,
        "state": found.standing.state.value,
        "reason": found.standing.reason,
        "peer": found.peer,
        "purpose": found.relayed.purpose,
        "said_on": found.relayed.on.isoformat(),
        "received": datetime.fromtimestamp(found.received_at_s, UTC).isoformat(),
        "text": found.relayed.text,
    }
