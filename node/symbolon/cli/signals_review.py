"""`symbolon signals review`: look again at the signals whose day of review has come.

A signal that nobody looks at goes on condemning a supplier; so each is kept with a new day, changed, or
recalled.
"""

import json
import sys
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated

import typer

from symbolon.cli.node_home import open_node
from symbolon.cli.signals_asking import Choice, ask_one, ask_until, ask_yes, say
from symbolon.cli.signals_confirm import is_interactive
from symbolon.cli.signals_delegating import send_and_tell
from symbolon.cli.signals_list import print_signals, voices_of
from symbolon.cli.signals_options import AsJson
from symbolon.cli.signals_recall import recall_reason, recall_shown
from symbolon.cli.signals_shown import short_id, signal_json, summary_lines
from symbolon.cli.signals_typed import typed_day
from symbolon.errors import UsageError
from symbolon.rpc import contributing
from symbolon.rpc.node import Node
from symbolon.signals import word_meanings
from symbolon.signals.draft import REVIEW_DAYS
from symbolon.signals.vocabulary import RecallReason
from symbolon.storage.signal_columns import StoredSignal

_CHOICES = (
    Choice("keep", "keep", "it still holds: a new day of review"),
    Choice("revise", "revise", "something in it has changed"),
    Choice("recall", "recall", "it does not hold any more"),
    Choice("skip", "skip", "look at it another time"),
    Choice("quit", "quit", "leave the rest"),
)


def review(
    keep: Annotated[
        list[str] | None,
        typer.Option(metavar="SIGNAL", help="Keep this signal until the next review; repeatable."),
    ] = None,
    until: Annotated[
        str, typer.Option(metavar="DAY", help="With --keep: the next review; default: in half a year.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Look again at signals that are due for it. Each is kept, revised or recalled.

    At a terminal it asks one by one, and every answer counts at once. Elsewhere it lists them.
    """
    if until and not keep:
        raise UsageError("--until goes with --keep")
    with open_node() as node:
        today = node.now.date()
        if keep:
            held = [node.signals.get(each) for each in keep]
            days = [_next_review(each, until, today) for each in held]
            for each, day in zip(held, days, strict=True):
                _keep(node, each, day)
            return
        due = list(node.signals.due_for_review(today))
        voices = voices_of(node, due)
        if as_json:
            documents = [signal_json(each, today, voices.get(each.number)) for each in due]
            print(json.dumps(documents, indent=2, ensure_ascii=False))
        elif not is_interactive():
            print_signals(due, today, voices)
        if not due:
            print("No signal is due for review.", file=sys.stderr)
        elif as_json or not is_interactive():
            print(
                "To keep one: `symbolon signals review --keep SIGNAL`; else `revise` or `recall` it.",
                file=sys.stderr,
            )
        else:
            _one_by_one(node, due, today, voices)


def _one_by_one(node: Node, due: list[StoredSignal], today: date, voices: Mapping[int, int]) -> None:
    for number, held in enumerate(due, 1):
        say(f"\n{number} of {len(due)}:")
        for line in summary_lines(held.signal, today, voices.get(held.number)):
            say(line)
        chosen = ask_one("What about it", _CHOICES, _word, default="skip")
        match chosen:
            case "keep":
                usual = _next_review(held, "", today)
                _keep(node, held, ask_until("Next review", _day, default=usual.isoformat()))
            case "revise":
                say(f"  symbolon signals revise {short_id(held.signal)} … changes it; `--help` lists what.")
                say("  It stays due until a later --review is set.")
            case "recall":
                reasons = [
                    Choice(each.value, each.value, word_meanings.meaning(each)) for each in RecallReason
                ]
                reason = ask_one("Reason", reasons, lambda typed: recall_reason(typed).value)
                if reason and ask_yes(f"Recall {short_id(held.signal)} for good?"):
                    recall_shown(node, held, RecallReason(reason), forget_source=False, yes=True)
            case "quit":
                return


def _word(typed: str) -> str:
    words = [each.word for each in _CHOICES]
    found = [each for each in words if each.startswith(typed.lower())]
    if len(found) != 1:
        raise UsageError("that is none of them", hint=f"Type a number, or one of: {', '.join(words)}.")
    return found[0]


def _day(typed: str) -> date:
    return date.fromisoformat(typed_day("review", typed))


def _next_review(held: StoredSignal, typed: str, today: date) -> date:
    """The day that was typed, or half a year from now; never after the signal has expired."""
    if typed:
        return _day(typed)
    return min(today + timedelta(days=REVIEW_DAYS), held.signal.expires)


def _keep(node: Node, held: StoredSignal, day: date) -> None:
    if day <= node.now.date():
        raise UsageError(f"{day} has come already", hint="Name a later day.")
    held = contributing.revise(node, held, reviewed=False, review=day)
    print(f"{short_id(held.signal)} is kept; looked at again by {day}.", file=sys.stderr)
    send_and_tell(node, held.number)
