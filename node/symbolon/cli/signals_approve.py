"""`symbolon signals approve` and `notified`: what policy wants a person to do before a signal leaves."""

import json
import sys
from typing import Annotated

import typer

from symbolon.cli.node_home import open_node
from symbolon.cli.signals_audience import audience_lines
from symbolon.cli.signals_confirm import confirm
from symbolon.cli.signals_options import AsJson, SignalId, Yes
from symbolon.cli.signals_shown import short_id, subject_line, summary_lines
from symbolon.cli.typed_ids import typed_date, typed_member_id
from symbolon.errors import UsageError
from symbolon.policy.obligations import Notified
from symbolon.rpc.node import Node
from symbolon.rpc.signal_audience import audience_of_stored
from symbolon.storage.signal_columns import StoredSignal


def approve(
    signal_id: SignalId,
    peer: Annotated[str, typer.Argument(metavar="MEMBER", help="Member that it may go to.")],
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take the approval back.")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Approve a signal for a member. It is for where policy wants a person to (human_review).

    It holds for this signal with all its revisions, and for this member alone. Policy still decides. What the
    member was shown before --withdraw has been shown.
    """
    member = typed_member_id(peer)
    with open_node() as node:
        held = node.signals.get(signal_id)
        if member == node.member_id:
            raise UsageError(f"{member} is this node's own member", hint="Name another one.")
        if not withdraw:
            node.directory.current().require_active(member)
        for line in summary_lines(held.signal, node.now.date()):
            print(line, file=sys.stderr)
        if withdraw:
            confirm(f"Take the approval for {member} back?", yes=yes)
            changed = node.clearances.withdraw(held.number, member)
        else:
            confirm(f"May {member} be shown this?", yes=yes)
            changed = node.clearances.approve(held.number, member)
        approved = node.clearances.approved_for(held.number)
        _tell_change(
            f"{short_id(held.signal)} is {'not ' if withdraw else ''}approved for {member}", changed=changed
        )
        _tell_effect(node, held, member)
    if as_json:
        document = {"signal": held.signal.hex_id, "approved_for": list(approved)}
        print(json.dumps(document, indent=2, ensure_ascii=False))


def notified(
    signal_id: SignalId,
    who: Annotated[str, typer.Option(help=f"{', '.join(Notified)}: who was told.")],
    on: Annotated[str, typer.Option(metavar="DAY", help="Day on which it was done, as 2026-12-31.")] = "",
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take it back: nobody was told.")] = False,
    as_json: AsJson = False,
) -> None:
    """Note who was told of a signal. It is for where policy wants somebody to be (notify_supplier).

    The days that policy wants to pass are counted from that day.
    """
    told = _who(who)
    if withdraw == bool(on):
        raise UsageError(
            "a notice has a day, or is taken back",
            hint="`--on DAY`, or `--withdraw`.",
        )
    with open_node() as node:
        held = node.signals.get(signal_id)
        if withdraw:
            changed = node.clearances.withdraw_notice(held.number, told)
            said = f"{short_id(held.signal)}, {subject_line(held.signal)}: the {told} was not told"
        else:
            day, changed = typed_date(on), True
            node.clearances.note_notice(held.number, told, day)
            said = f"{short_id(held.signal)}, {subject_line(held.signal)}: the {told} was told on {day}"
        _tell_change(said, changed=changed)
        notices = node.clearances.notices(held.number)
    if as_json:
        days = {each.value: day.isoformat() for each, day in notices.items()}
        print(json.dumps({"signal": held.signal.hex_id, "notices": days}, indent=2, ensure_ascii=False))


def _tell_change(said: str, *, changed: bool) -> None:
    print(f"{said}{'' if changed else ', as before'}.", file=sys.stderr)


def _tell_effect(node: Node, held: StoredSignal, member: str) -> None:
    seen = [each for each in audience_of_stored(node, held) if each.member == member]
    for line in audience_lines(seen, held.signal, node.now.date()):
        print(f"  {line}", file=sys.stderr)


def _who(typed: str) -> Notified:
    try:
        return Notified(typed.strip().lower())
    except ValueError:
        raise UsageError(
            f"nobody is called {typed[:40]!r} there", hint=f"Name one of: {', '.join(Notified)}."
        ) from None
