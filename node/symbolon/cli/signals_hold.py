"""`symbolon signals hold`: note a duty to keep a signal, see which run, end one, open what one keeps.

A hold names its holder and its end. What it keeps of a received signal was recalled, was withdrawn or has
expired: no other command shows it, and this one for the holder alone. Texts of others are shown harmless.
Refuses a hold without holder or end, more than one thing at a time, and to erase without asking.
Specification: docs/signals.md, Legal holds.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final

import typer

from symbolon.cli.node_home import open_node
from symbolon.cli.received_list import known_publishers
from symbolon.cli.received_shown import view_json, view_lines
from symbolon.cli.signals_confirm import confirm
from symbolon.cli.signals_options import AsJson, Yes
from symbolon.cli.signals_shown import ID_CHARS, indented
from symbolon.cli.typed_ids import typed_date, typed_member_id
from symbolon.errors import SignalError, UsageError
from symbolon.rpc import legal_holds
from symbolon.rpc.legal_holds import Holdable, LegalHold
from symbolon.rpc.node import Node
from symbolon.signals.free_text import shown
from symbolon.storage.received_signal_view import KeptContent, Publisher, ReceivedView, Tombstone, read_label

_NOT_KEPT: Final = (
    "suppliers",
    "first_received",
    "received",
    "verified",
    "newest_revision",
    "also_published_by",
    "own",
)
"""What `view_json` says of a signal that stands, and a hold does not keep."""


def hold(
    signal_id: Annotated[
        str, typer.Argument(metavar="[SIGNAL]", help="Its id, or the first digits of it; without: all holds.")
    ] = "",
    peer: Annotated[
        str, typer.Option("--peer", help="Its publisher, where several have it; this member for its own.")
    ] = "",
    holder: Annotated[
        str, typer.Option(metavar="TEXT", help="Who has to keep it and why: a court, its file number.")
    ] = "",
    until: Annotated[str, typer.Option(metavar="DAY", help="The hold ends on it, as 2026-12-31.")] = "",
    release: Annotated[bool, typer.Option("--release", help="End it; what it kept is erased.")] = False,
    show: Annotated[
        bool, typer.Option("--show", help="Open what it keeps of a received signal, for its holder.")
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Keep a signal by law: it is not erased for as long. Without SIGNAL, show the holds that run.

    It is noted with --holder and --until, on an own signal or a received one. What is recalled or expires
    meanwhile is kept sealed and is in no list, feature or export; --show opens it. All is noted in the log.
    """
    publisher = typed_member_id(peer) if peer else ""
    day = _asked(signal_id, holder, until, release=release, show=show)
    with open_node() as node:
        if not signal_id:
            _list(legal_holds.running(node, publisher), as_json=as_json)
            return
        signal = legal_holds.find(node, signal_id, publisher)
        if show:
            _show(node, signal, as_json=as_json)
            return
        if release:
            found = _release(node, signal, yes=yes)
        else:
            assert day is not None
            found = legal_holds.place(node, signal, holder.strip(), day)
            _tell_placed(found)
    if as_json:
        print(json.dumps({**_hold_json(found), "runs": not release}, indent=2, ensure_ascii=False))


def _asked(signal_id: str, holder: str, until: str, *, release: bool, show: bool) -> date | None:
    """Checks that one thing is asked for; the day of a hold that is to be noted."""
    places = bool(holder.strip() or until)
    if not signal_id:
        if places or release or show:
            raise UsageError(
                "no signal is named", hint="Give its id: `symbolon signals list` and `received` show it."
            )
        return None
    if places + release + show > 1:
        raise UsageError("one thing at a time", hint="`--holder TEXT --until DAY`, `--release` or `--show`.")
    if release or show:
        return None
    if not places:
        raise UsageError(
            "nothing is said about the hold",
            hint="`--holder TEXT --until DAY` notes one, `--release` ends it, `--show` opens what it keeps.",
        )
    if not holder.strip() or not until:
        raise UsageError(
            "a hold names its holder and its end",
            hint='For example: --holder "Labour Court of Gazipur, file 17/26" --until 2027-06-30.',
        )
    return typed_date(until)


# ------------------------------------------------------------------------------------------------ list


def _list(found: Sequence[LegalHold], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([_hold_json(each) for each in found], indent=2, ensure_ascii=False))
        return
    for each in found:
        for line in _hold_lines(each):
            print(line)
    if not found:
        print(
            "No legal hold runs. `symbolon signals hold SIGNAL --holder TEXT --until DAY` notes one.",
            file=sys.stderr,
        )


def _hold_lines(found: LegalHold) -> Iterator[str]:
    if found.is_own:
        kept = "nothing of it is erased"
    elif found.pieces:
        pieces = "1 piece" if found.pieces == 1 else f"{found.pieces:,} pieces"
        kept = f"keeps {pieces} that every list has lost: --show"
    else:
        kept = "nothing of it is gone yet"
    yield f"{_short(found)}  {_whose(found)}; {kept}"
    yield f"  held for {shown(found.holder, one_line=True)}"
    yield f"  ends on {found.until}, noted on {_day(found.noted_at_s)}"


def _hold_json(found: LegalHold) -> dict[str, Any]:
    return {
        "signal_id": found.signal_id.hex(),
        "publisher": found.publisher,
        "own": found.is_own,
        "holder": found.holder,
        "until": found.until.isoformat(),
        "noted": datetime.fromtimestamp(found.noted_at_s, UTC).isoformat(),
        "pieces": found.pieces,
    }


def _short(found: LegalHold) -> str:
    return found.signal_id.hex()[:ID_CHARS]


def _whose(found: LegalHold) -> str:
    return "of this member" if found.is_own else f"from {found.publisher}"


def _day(seconds: int) -> date:
    return datetime.fromtimestamp(seconds, UTC).date()


# -------------------------------------------------------------------------------------- note and end one


def _tell_placed(found: LegalHold) -> None:
    kept = (
        "Nothing of it is erased before. Once it expires, it goes to nobody all the same."
        if found.is_own
        else "What is erased of it meanwhile is kept sealed, in no list and no export; --show opens it."
    )
    print(f"{_short(found)}, {_whose(found)}, is on hold until {found.until}. {kept}", file=sys.stderr)


def _release(node: Node, signal: Holdable, *, yes: bool) -> LegalHold:
    found = legal_holds.hold_on(node, signal)
    for line in _hold_lines(found):
        print(line, file=sys.stderr)
    if not found.is_own:
        effect = "What it kept is erased for good." if found.pieces else "It kept nothing yet."
    elif node.signals.get(found.signal_id.hex()).signal.is_expired(node.now.date()):
        effect = "The signal has expired: it is erased for good."
    else:
        effect = "The signal stays until it expires."
    print(effect, file=sys.stderr)
    confirm("End this hold?", yes=yes, undone="The hold runs on.")
    legal_holds.release(node, signal)
    print(f"{_short(found)}, {_whose(found)}, is on hold no longer.", file=sys.stderr)
    return found


# ------------------------------------------------------------------------------------------ what is kept


def _show(node: Node, signal: Holdable, *, as_json: bool) -> None:
    if signal.number is not None:
        raise UsageError(
            "of an own signal everything stays where it is",
            hint=f"`symbolon signals show {signal.signal_id.hex()[:ID_CHARS]} --history` shows it.",
        )
    found = legal_holds.hold_on(node, signal)
    pieces = legal_holds.open_kept(node, signal)
    _tell_opened(node, found, pieces)
    publisher = known_publishers(node)(found.publisher)
    today = node.now.date()
    if as_json:
        kept = [_piece_json(each, found, publisher, today) for each in pieces]
        # Nothing but ASCII: what stands in a text does nothing to a terminal.
        print(json.dumps({**_hold_json(found), "kept": kept}, indent=2))
        return
    for each in pieces:
        for line in _piece_lines(each, found, publisher, today):
            print(line)


def _tell_opened(node: Node, found: LegalHold, pieces: Sequence[KeptContent]) -> None:
    print(f"symbolon: {_fate(node, found)}", file=sys.stderr)
    if not pieces:
        print("symbolon: nothing of it was erased, so the hold keeps nothing yet.", file=sys.stderr)
        print(
            f"symbolon: hint: `symbolon signals received {found.publisher}` shows what stands.",
            file=sys.stderr,
        )
        return
    print(
        f"symbolon: this is kept until {found.until} for {shown(found.holder, one_line=True)}, and is for"
        " that holder alone: nobody else is to read it or act on it.",
        file=sys.stderr,
    )


def _fate(node: Node, found: LegalHold) -> str:
    """What has become of the signal itself."""
    try:
        first = node.received.get(found.signal_id.hex(), lambda _: None, peer=found.publisher)[0]
    except SignalError:
        return f"the signal was withdrawn by {found.publisher}, or has expired."
    if isinstance(first, Tombstone):
        return f"{found.publisher} recalled the signal on {first.issued}: {first.reason.words}."
    return "the signal stands; earlier revisions of it may be gone."


def _view(
    piece: KeptContent, found: LegalHold, publisher: Publisher | None
) -> tuple[ReceivedView | None, str]:
    """What a kept label says, as of a signal that stands; None, and why, of one that cannot be read."""
    assert piece.label is not None
    try:
        read = read_label(piece.label, publisher)
    except SignalError as error:
        return None, error.detail
    view = ReceivedView(
        peer=found.publisher,
        purpose=piece.purpose,
        signal=read.signal,
        links=(),
        verified=read.verified,
        key_id=piece.label.key_id,
        first_received_at_s=piece.kept_at_s,
        received_at_s=piece.kept_at_s,
        erase_at_s=piece.kept_at_s,
        newest_revision=read.signal.revision,
    )
    return view, ""


def _piece_lines(
    piece: KeptContent, found: LegalHold, publisher: Publisher | None, today: date
) -> Iterator[str]:
    what = "narrative of revision" if piece.label is None else "revision"
    purpose = shown(piece.purpose, one_line=True)
    yield f"{what} {piece.revision}, for {purpose}; kept since {_day(piece.kept_at_s)}"
    if piece.label is None:
        yield from indented(piece.text or "")
        return
    view, wrong = _view(piece, found, publisher)
    if view is None:
        yield f"  cannot be read by this release: {wrong}"
        return
    # Where it had a narrative, nobody can be asked for it any more.
    told = replace(view, signal=replace(view.signal, has_narrative=False))
    yield from (f"  {line}" for line in view_lines(told, today))


def _piece_json(
    piece: KeptContent, found: LegalHold, publisher: Publisher | None, today: date
) -> dict[str, Any]:
    document: dict[str, Any] = {
        "purpose": piece.purpose,
        "revision": piece.revision,
        "kept_since": datetime.fromtimestamp(piece.kept_at_s, UTC).isoformat(),
        "narrative": piece.text,
        "verified": None,
        "said": None,
    }
    if piece.label is not None:
        view, _ = _view(piece, found, publisher)
        if view is not None:
            said = view_json(view, {}, today)
            document["said"] = {name: each for name, each in said.items() if name not in _NOT_KEPT}
            document["verified"] = view.verified
    return document
