"""The supplier's side of a signal: its contest, how that was answered, its reply, and the form for one.

`symbolon signals dispute`, `settle`, `reply`, `reply-form`. A supplier needs no node: the form is a plain
text with a case code. What is written on it was shown to whoever sends it first.
"""

import json
import sys
from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from symbolon.cli.node_home import open_node
from symbolon.cli.received_choice import ForPurpose, OfPeer, Place, is_own
from symbolon.cli.signals_confirm import confirm
from symbolon.cli.signals_contest import Said, SaidOn, relay_text
from symbolon.cli.signals_delegating import send_and_tell
from symbolon.cli.signals_findings import refuse_unreviewed
from symbolon.cli.signals_options import AsJson, Reviewed, SignalId, Yes
from symbolon.cli.signals_shown import indented, short_id, subject_line
from symbolon.cli.signals_texts import read_text
from symbolon.cli.signals_typed import choose_word
from symbolon.errors import InputError, SignalError, UsageError
from symbolon.membership.atomic_file import write_atomically
from symbolon.rpc import contributing
from symbolon.rpc.contributing import screen
from symbolon.rpc.node import Node
from symbolon.rpc.reply_case import code_of, signal_of
from symbolon.rpc.signal_codec import MAX_RELAYED_BYTES
from symbolon.signals.author_words import fold_words
from symbolon.signals.free_text import clean
from symbolon.signals.reply_form import (
    MAX_FORM_BYTES,
    MAX_TOLD_CHARS,
    ReplyForm,
    read_form,
    told_by_default,
    write_form,
)
from symbolon.signals.signal import MAX_REPLY_BYTES, MAX_STATEMENT_BYTES
from symbolon.signals.vocabulary import DisputeState, State
from symbolon.storage.signal_columns import StoredSignal
from symbolon.storage.signal_response_columns import ResponseKind

_ANSWERS: Final = {
    fold_words(each.value): each
    for each in (DisputeState.MAINTAINED, DisputeState.CORRECTED, DisputeState.REMEDIED)
}
_MAX_LINE_CHARS: Final = 200
"""Of `--about`, `--from` and `--return-to`: a name, an address."""


def dispute(
    signal_id: SignalId,
    statement_file: Annotated[
        Path, typer.Option(help="What the supplier contests, in two sentences; - is standard input.")
    ],
    said_on: SaidOn = "",
    peer: OfPeer = "",
    purpose: ForPurpose = "",
    reviewed: Reviewed = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Note that a supplier contests a signal. It is shown wherever the signal is shown.

    A contest of a signal that was received is passed on to its publisher; --on, --peer and --purpose are for
    that.
    """
    statement = clean(read_text(statement_file, "the statement", MAX_RELAYED_BYTES))
    with open_node() as node:
        if peer or not is_own(node, signal_id):
            said = Said(ResponseKind.CONTEST, statement, said_on)
            relay_text(
                node, Place(signal_id, peer, purpose), said, reviewed=reviewed, yes=yes, as_json=as_json
            )
            return
        _require_short("the statement", statement, MAX_STATEMENT_BYTES)
        held = node.signals.get(signal_id)
        _show_text(held, "contests it", statement)
        country = held.signal.subject.record.country
        refuse_unreviewed(screen(statement, "statement", country), reviewed=reviewed)
        confirm("Attach it?", yes=yes)
        held = contributing.dispute(node, held, statement, reviewed=reviewed)
        _tell_spread(node, held, "disputed")
    _print(held, as_json=as_json)


def settle(
    signal_id: SignalId,
    answer: Annotated[str, typer.Option("--as", help="maintained, corrected (revise it first) or remedied.")],
    as_json: AsJson = False,
) -> None:
    """Note how a contest was answered. If the contest was right, recall the signal as dispute-upheld."""
    state: DisputeState = choose_word(
        "--as",
        answer,
        lambda each: _ANSWERS.get(fold_words(each)),
        [each.value for each in _ANSWERS.values()],
    )
    with open_node() as node:
        held = contributing.settle(node, node.signals.get(signal_id), state)
        _tell_spread(node, held, state.words)
    _print(held, as_json=as_json)


def reply(
    signal_id: Annotated[
        str, typer.Argument(metavar="[SIGNAL]", help="Its id; a form names it by its case code.")
    ] = "",
    file: Annotated[
        Path | None, typer.Option("--file", help="Text file with the answer; - is standard input.")
    ] = None,
    form: Annotated[
        Path | None, typer.Option("--form", help="A form from `reply-form` that came back filled in.")
    ] = None,
    said_on: SaidOn = "",
    peer: OfPeer = "",
    purpose: ForPurpose = "",
    reviewed: Reviewed = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Attach a supplier's answer to a signal. It comes as a text, or as a form that came back.

    It is shown wherever the signal is shown. A later answer takes the place of an earlier one. The answer to
    a signal that was received is passed on to its publisher; --on, --peer and --purpose are for that.
    """
    if (file is None) == (form is None) or (file is not None and not signal_id):
        raise UsageError(
            "an answer comes as a text for a signal, or as a form",
            hint="`symbolon signals reply SIGNAL --file FILE`, or `symbolon signals reply --form FILE`.",
        )
    with open_node() as node:
        if form is not None:
            code, text = read_form(read_text(form, "the form", MAX_FORM_BYTES))
            held = signal_of(node, code)
            if signal_id and node.signals.get(signal_id).number != held.number:
                raise SignalError(
                    f"the form is about {short_id(held.signal)}, not about {signal_id[:32]}",
                    hint="Its case code says so: leave the id out, or look for the right form.",
                    code="signal.case",
                )
        elif file is not None:
            text = clean(read_text(file, "the answer", MAX_FORM_BYTES))
            if peer or not is_own(node, signal_id):
                said = Said(ResponseKind.REPLY, text, said_on)
                relay_text(
                    node, Place(signal_id, peer, purpose), said, reviewed=reviewed, yes=yes, as_json=as_json
                )
                return
            held = node.signals.get(signal_id)
        else:  # pragma: no cover - refused above
            raise AssertionError
        _require_short("the answer", text, MAX_REPLY_BYTES)
        before = held.signal.reply
        _show_text(held, "answers", text)
        if before is not None:
            print(f"It takes the place of the answer of {before.received}.", file=sys.stderr)
        country = held.signal.subject.record.country
        refuse_unreviewed(screen(text, "reply", country), reviewed=reviewed)
        confirm("Attach it?", yes=yes)
        held = contributing.reply(node, held, text, reviewed=reviewed)
        _tell_spread(node, held, "answered")
    _print(held, as_json=as_json)


def reply_form(
    signal_id: SignalId,
    out: Annotated[Path, typer.Option(help="Write the form to this file.")],
    about: Annotated[
        str, typer.Option(help="Whom it is about, in your own words; default: the name in the signal.")
    ] = "",
    words_file: Annotated[
        Path | None,
        typer.Option(help="Tell the supplier this text, in the place of indicators and period."),
    ] = None,
    leave_out: Annotated[
        list[str] | None, typer.Option(help="indicators or period: do not tell it; repeatable.")
    ] = None,
    sender: Annotated[
        str, typer.Option("--from", help="Who sends the form; default: names nobody.")
    ] = "a member of a coalition against forced labour",
    return_to: Annotated[
        str, typer.Option(help="How the answer comes back, for example an address.")
    ] = "give it to whoever gave you this form",
    reviewed: Reviewed = False,
    yes: Yes = False,
) -> None:
    """Write a form for a supplier's answer. It needs no node: a case code says which signal it is about.

    The supplier is told the indicators and the months, and nothing else, unless you choose other words. What
    it is told is shown first: in a small place even that can point at whoever spoke.
    """
    for what, line in (("--about", about), ("--from", sender), ("--return-to", return_to)):
        if len(line) > _MAX_LINE_CHARS or "\n" in line:
            raise UsageError(f"{what} is one line of at most {_MAX_LINE_CHARS} characters")
    left_out = _left_out(leave_out or [])
    own_words = ""
    if words_file is not None:
        own_words = clean(read_text(words_file, "what the supplier is told", MAX_TOLD_CHARS))
    _require_target(out)
    with open_node() as node:
        held = node.signals.get(signal_id)
        signal = held.signal
        if signal.state is State.RECALLED:
            raise SignalError(
                "the signal was recalled: there is nothing to answer any more", code="signal.recalled"
            )
        told = tuple(own_words.split("\n")) if own_words else ()
        if not told:
            seen = frozenset() if "indicators" in left_out else signal.indicators
            told = told_by_default(seen, None if "period" in left_out else signal.period)
        form = ReplyForm(
            code=code_of(node, signal),
            about=about or signal.subject.record.name or subject_line(signal),
            told=told,
            sender=sender,
            return_to=return_to,
            day=node.now.date(),
        )
        print(f"{short_id(signal)}  {subject_line(signal)}\nThe supplier is told:", file=sys.stderr)
        for each in told:
            for line in indented(each):
                print(line, file=sys.stderr)
        print(
            "Think of who could have told you this, and whether the supplier can guess it. Where only a few"
            " people could know, leave out the period, or write words of your own.",
            file=sys.stderr,
        )
        refuse_unreviewed(
            screen("\n".join((form.about, *told)), "form", signal.subject.record.country), reviewed=reviewed
        )
        confirm(f"Write the form for {form.about}?", yes=yes, undone="Nothing was written.")
        write_atomically(out, write_form(form).encode())
    print(
        f"Wrote {out}, case code {form.code}. When it comes back: `symbolon signals reply --form FILE`.",
        file=sys.stderr,
    )


def _left_out(typed: list[str]) -> frozenset[str]:
    found: set[Literal["indicators", "period"]] = set()
    for each in typed:
        match each.strip().lower():
            case "indicators":
                found.add("indicators")
            case "period":
                found.add("period")
            case _:
                raise UsageError("--leave-out takes indicators or period", hint="Name one of the two.")
    if len(found) > 1:
        raise UsageError(
            "then the supplier would be told nothing that it could answer",
            hint="Tell it something in your own words: --words-file FILE.",
        )
    return frozenset(found)


def _require_target(out: Path) -> None:
    if out.is_dir():
        raise InputError(f"{out} is a folder", hint="Name a file in it.")
    if not out.parent.is_dir():
        raise InputError(f"there is no folder {out.parent}", hint="Make it, or name another file.")


def _require_short(what: str, text: str, limit_bytes: int) -> None:
    size = len(text.encode())
    if size > limit_bytes:
        raise InputError(
            f"{what} has {size:,} bytes, more than {limit_bytes:,}",
            hint="It travels with the signal: agree on a shorter one with the supplier.",
            code="input.too_large",
        )
    if not text:
        raise InputError(f"{what} is empty", code="input.empty")


def _show_text(held: StoredSignal, does: str, text: str) -> None:
    print(f"{short_id(held.signal)}  {subject_line(held.signal)} {does}:", file=sys.stderr)
    for line in indented(text):
        print(line, file=sys.stderr)


def _tell_spread(node: Node, held: StoredSignal, what: str) -> None:
    if node.delegations.find(held.number) is not None:
        print(f"{short_id(held.signal)} is {what}, revision {held.signal.revision}.", file=sys.stderr)
        send_and_tell(node, held.number)
        return
    given = node.disclosures.peers(held.number)
    who = f"{', '.join(given)} will see that at the next contact" if given else "it was given to nobody yet"
    print(f"{short_id(held.signal)} is {what}, revision {held.signal.revision}; {who}.", file=sys.stderr)


def _print(held: StoredSignal, *, as_json: bool) -> None:
    signal = held.signal
    if as_json:
        document = {
            "signal": signal.hex_id,
            "revision": signal.revision,
            "dispute": signal.dispute.state.value,
            "replied": None if signal.reply is None else signal.reply.received.isoformat(),
        }
        print(json.dumps(document, indent=2, ensure_ascii=False))
