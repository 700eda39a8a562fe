"""Legal holds of this member: on its own signals and on received ones, found by an id, each noted in the log.

Handles: which holds run; the signal that an id names, by its publisher where several have it; placing a hold,
ending it, opening what it keeps. The log has who did it, which signal by its random id, and until when; never
the holder, nor what the signal says or about whom. Refuses an id that nothing or more than one signal has, a
hold on a signal of which nothing is left, and to end or open one that does not run.
Specification: docs/signals.md, Legal holds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from symbolon.audit.entry import Entry
from symbolon.errors import SignalError
from symbolon.rpc.node import Node
from symbolon.storage.received_signal_view import KeptContent, Tombstone
from symbolon.storage.signal_expiry import check_hold
from symbolon.storage.signal_lookup import typed_id


@dataclass(frozen=True, slots=True)
class Holdable:
    """A signal that a hold is about.

    Attributes:
        publisher: member id; this member's for an own signal.
        signal_id: 16 bytes.
        number: of an own signal; None of a received one.
        is_left: whether something of it is here, or is kept by a hold that runs.
    """

    publisher: str
    signal_id: bytes
    number: int | None = None
    is_left: bool = True


@dataclass(frozen=True, slots=True)
class LegalHold:
    """A hold that runs.

    Attributes:
        publisher: see `Holdable`.
        signal_id: 16 bytes.
        is_own: whether it is on a signal of this member.
        holder: who has to keep it, and why.
        until: the day on which it is over.
        noted_at_s: seconds since 1970-01-01 UTC.
        pieces: how much it keeps that is gone elsewhere; 0 of an own signal, of which nothing goes.
    """

    publisher: str
    signal_id: bytes
    is_own: bool
    holder: str
    until: date
    noted_at_s: int
    pieces: int = 0


def running(node: Node, publisher: str = "") -> list[LegalHold]:
    """Holds that run, on own signals first.

    Args:
        node: this node.
        publisher: only on signals of this member; '' for all.
    """
    found = []
    own = {each.number: each for each in node.signals.holds()}
    for number, signal in node.signals.newest(own):
        each = own[number]
        about = each.holder, each.until, each.noted_at_s
        found.append(LegalHold(node.member_id, signal.signal_id, True, *about))
    for held in node.received.holds():
        about = held.holder, held.until, held.noted_at_s
        found.append(LegalHold(held.peer, held.signal_id, False, *about, held.pieces))
    return [each for each in found if publisher in ("", each.publisher)]


def find(node: Node, hex_id: str, publisher: str = "") -> Holdable:
    """The signal that an id names, own or received, also one of which only a hold has something left.

    Args:
        node: this node.
        hex_id: its id, or a beginning of it.
        publisher: member id; this member's for an own signal; '' for any.

    Raises:
        SignalError: `signal.unknown`, `signal.ambiguous`; `signal.expired`, of an own signal nothing is left.
    """
    wanted = typed_id(hex_id)
    own, expired = _own(node, wanted) if publisher in ("", node.member_id) else (None, None)
    received = [] if publisher == node.member_id else _received(node, wanted, publisher)
    found = [*([] if own is None else [own]), *received]
    if len(found) > 1:
        names = sorted({each.publisher for each in found})
        if len(names) == len(found):
            hint = f"Name its publisher: {' or '.join(f'`--peer {each}`' for each in names)}."
        else:
            hint = "Give more of it."
        raise SignalError(
            f"several signals have an id that begins with {wanted}", hint=hint, code="signal.ambiguous"
        )
    if found:
        return found[0]
    if expired is not None:
        raise expired
    of = f" of {publisher}" if publisher else ""
    raise SignalError(
        f"nothing is here of a signal {wanted}{of}, and none is on hold",
        hint="`symbolon signals list` shows those that stand, `symbolon signals hold` the holds that run.",
        code="signal.unknown",
    )


def _own(node: Node, wanted: str) -> tuple[Holdable | None, SignalError | None]:
    """An own signal; else, of one that was erased, what to say of it."""
    try:
        held = node.signals.get(wanted)
    except SignalError as error:
        if error.full_code == "signal.unknown":
            return None, None
        if error.full_code == "signal.expired":
            return None, error
        raise
    return Holdable(node.member_id, held.signal.signal_id, held.number), None


def _received(node: Node, wanted: str, publisher: str) -> list[Holdable]:
    """Received signals; those on hold are found when nothing else of them is left."""
    found = {
        (each.peer, each.signal_id): Holdable(each.peer, each.signal_id)
        for each in node.received.holds()
        if each.signal_id.hex().startswith(wanted) and publisher in ("", each.peer)
    }
    for each in node.received.counts():
        if publisher not in ("", each):
            continue
        try:
            first = node.received.get(wanted, lambda _: None, peer=each)[0]
        except SignalError as error:
            if error.full_code == "signal.unknown":
                continue
            raise
        is_left = not isinstance(first, Tombstone)
        signal_id = first.signal.signal_id if not isinstance(first, Tombstone) else first.signal_id
        found.setdefault((each, signal_id), Holdable(each, signal_id, is_left=is_left))
    return [found[each] for each in sorted(found)]


def hold_on(node: Node, signal: Holdable) -> LegalHold:
    """The hold that runs on a signal.

    Raises:
        SignalError: `signal.unknown`, there is none.
    """
    for each in running(node, signal.publisher):
        if each.signal_id == signal.signal_id and each.is_own == (signal.number is not None):
            return each
    raise SignalError(
        f"the signal {signal.signal_id.hex()} is not on hold",
        hint="`symbolon signals hold` lists the holds that run.",
        code="signal.unknown",
    )


def place(node: Node, signal: Holdable, holder: str, until: date) -> LegalHold:
    """Puts a signal on hold, or gives the hold that it has another holder and end.

    Args:
        node: this node.
        signal: from `find`.
        holder: who has to keep it, and why; one line.
        until: the day on which the hold is over.

    Raises:
        SignalError: `signal.value`, no such holder or day; `signal.recalled`, nothing of it is left.
    """
    check_hold(holder, until, node.now.date())
    if not signal.is_left:
        raise SignalError(
            "the signal was recalled: nothing of it is left that could be kept",
            hint="A hold is put on a signal while it stands. Its publisher may still have it: ask there.",
            code="signal.recalled",
        )
    _note(node, signal, f"until {until}")
    if signal.number is not None:
        node.signals.hold(signal.number, holder, until)
    else:
        node.received.hold(signal.publisher, signal.signal_id, holder, until)
    return hold_on(node, signal)


def release(node: Node, signal: Holdable) -> LegalHold:
    """Ends a hold before its day and erases what it kept of a received signal.

    Returns:
        What it was.

    Raises:
        SignalError: `signal.unknown`, the signal is not on hold.
    """
    was = hold_on(node, signal)
    _note(node, signal, "ended")
    if signal.number is not None:
        node.signals.release_hold(signal.number)
    else:
        node.received.release_hold(signal.publisher, signal.signal_id)
    return was


def open_kept(node: Node, signal: Holdable) -> Sequence[KeptContent]:
    """What a hold keeps of a received signal, for its holder alone, in the order in which it went.

    Raises:
        SignalError: `signal.unknown`, the signal is not on hold.
    """
    hold_on(node, signal)
    _note(node, signal, "opened")
    return node.received.open_hold(signal.publisher, signal.signal_id)


def _note(node: Node, signal: Holdable, note: str) -> None:
    """Writes it into the log before it is done."""
    peer = "" if signal.number is not None else signal.publisher
    node.audit.append(Entry("held", peer, signal.signal_id.hex(), note=note))
