"""`symbolon signals recall`: take a signal back, and say who is to learn of it."""

import json
import sys
from typing import Annotated

import typer

from symbolon.cli.node_home import open_node
from symbolon.cli.signals_confirm import confirm
from symbolon.cli.signals_delegating import disclosed_words, send_and_tell, standing_json
from symbolon.cli.signals_options import AsJson, SignalId, Yes
from symbolon.cli.signals_shown import short_id, subject_line
from symbolon.cli.signals_typed import choose_word
from symbolon.rpc import contributing
from symbolon.rpc.node import Node
from symbolon.signals.author_words import fold_words
from symbolon.signals.vocabulary import RecallReason
from symbolon.storage.signal_columns import StoredSignal

_REASONS = {fold_words(each.value): each for each in RecallReason}


def recall(
    signal_id: SignalId,
    reason: Annotated[str, typer.Option(help=f"{', '.join(RecallReason)}. The reason travels.")],
    forget_source: Annotated[
        bool, typer.Option("--forget-source", help="Erase the note on the source as well.")
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Take a signal back for good. Whoever was given it learns of it at the next contact, and erases it.

    Where a source may be in danger choose `withdrawn`: it gives no reason.
    """
    chosen = recall_reason(reason)
    with open_node() as node:
        held = node.signals.get(signal_id)
        given = node.disclosures.peers(held.number)
        held = recall_shown(node, held, chosen, forget_source=forget_source, yes=yes)
        delegation = node.delegations.find(held.number)
    if as_json:
        document = {
            "signal": held.signal.hex_id,
            "revision": held.signal.revision,
            "reason": chosen.value,
            "given": list(given),
            "has_source": held.has_source,
            **standing_json(delegation),
        }
        print(json.dumps(document, indent=2, ensure_ascii=False))


def recall_reason(typed: str) -> RecallReason:
    """A reason by its word.

    Raises:
        UsageError: it is none; the hint has the nearest.
    """
    found: RecallReason = choose_word(
        "--reason", typed, lambda each: _REASONS.get(fold_words(each)), [each.value for each in RecallReason]
    )
    return found


def recall_shown(
    node: Node, held: StoredSignal, reason: RecallReason, *, forget_source: bool, yes: bool
) -> StoredSignal:
    """Recalls a signal after saying what that does."""
    given = node.disclosures.peers(held.number)
    delegation = node.delegations.find(held.number)
    print(
        f"{short_id(held.signal)}  {subject_line(held.signal)}\n"
        f"Recalled for good, as {reason.value}: {reason.words}.",
        file=sys.stderr,
    )
    if delegation is not None:
        who = delegation.kept.delegate
        print(
            f"{who} publishes it, {disclosed_words(delegation.kept.disclosed)} there; {who} takes it back,"
            " and whoever was given it learns of the recall.",
            file=sys.stderr,
        )
    elif given:
        print(
            f"It was given to {', '.join(given)}: each learns of the recall at its next contact.",
            file=sys.stderr,
        )
    else:
        print("It was given to nobody, so nobody learns that there was one.", file=sys.stderr)
    if held.has_source:
        fate = "is erased with it" if forget_source else "stays sealed here; --forget-source erases it"
        print(f"The note on its source {fate}.", file=sys.stderr)
    confirm("Recall it?", yes=yes, undone="Nothing was recalled.")
    recalled = contributing.recall(node, held, reason, forget_source=forget_source)
    print(f"{short_id(held.signal)} is recalled.", file=sys.stderr)
    send_and_tell(node, held.number)
    return recalled
