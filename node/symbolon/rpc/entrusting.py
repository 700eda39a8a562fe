"""Having another member publish: what a contributor hands over to its delegate, and what it asks of it.

Handles: who may be a delegate; handing over the newest revision of a signal, by the command that made it or
by a served node at a later turn; asking how a signal stands there, and taking in what its supplier said
there. Where a delegate is off or refuses, the revision waits and the reason is kept. Refuses: a delegate that
is this member or no member in good standing; to show a kind of which too few are members. No line of a log
names the delegate. Specification: docs/PROTOCOL.md, Signal service; docs/signals.md, Delegated publishing.
"""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, Final

import grpc

from symbolon.api.signal.v1 import signal_pb2 as pb
from symbolon.api.signal.v1 import signal_pb2_grpc as stubs
from symbolon.errors import (
    PermissionDeniedError,
    RemoteProtocolError,
    SignalError,
    SymbolonError,
    UnavailableError,
)
from symbolon.rpc.concurrent import few_at_once
from symbolon.rpc.contributing import sign_record
from symbolon.rpc.entrusting_codec import (
    AtDelegate,
    Entrusting,
    decode_at_delegate,
    decode_taken,
    encode_entrust,
)
from symbolon.rpc.kind_shown import may_show_kind
from symbolon.rpc.membership_codec import understood
from symbolon.rpc.node import Node
from symbolon.rpc.reach import reached
from symbolon.rpc.status import BUSY, from_status
from symbolon.signals.entrusting import LEAST_OF_KIND, with_supplier_side
from symbolon.signals.record_codec import encode_signal
from symbolon.signals.signal import Signal
from symbolon.signals.vocabulary import DisputeState, ShownAs, State
from symbolon.storage.delegation_columns import Delegation
from symbolon.storage.delegation_store import StoredDelegation
from symbolon.storage.signal_change import Change

log = logging.getLogger(__name__)

CALL_S: Final = 20.0
"""How long one call may take; the longest message is half a MiB."""

REFUSED_S: Final = 600.0
"""After which what a delegate refused is handed over again: people there may have changed their mind."""

ASK_S: Final = 600.0
"""Between two questions about the signals at one delegate."""

ASKED_AT_ONCE: Final = 50
"""Signals at one delegate asked about in one turn; the others follow in the next ones."""

TAKEN_BACK: Final = "permission.recalled"
"""Kept as the problem of a signal that its delegate has recalled by itself."""

_ADVICE: Final = {
    "permission.delegate": (
        "Its operator names this member in its symbolon.toml and restarts `symbolon serve`: "
        '[signals], publishes_for = ["{own}"]. Until then the signal waits here.'
    ),
    "permission.kind": (
        f"It takes {LEAST_OF_KIND} members of the kind. Recall it, and add it again without --as-kind."
    ),
    "permission.review": (
        "Its screening finds something that the one here does not: the two nodes may be of different "
        "releases. Revise the text, or revise it with --reviewed."
    ),
    "permission.many": "Recall some that are no longer needed, or choose another delegate.",
    "permission.clock": "The clock of one of the two machines is wrong; both go by UTC.",
    "permission.expired": "By its clock the signal is over.",
    TAKEN_BACK: "Its people took the signal back. Recall yours; if there is more to say, add another one.",
    "permission.denied": (
        "It publishes nothing for this member under that id: an older database may have been put back there. "
        "Any revision hands the signal over again."
    ),
    "permission.order": "It has a later revision than this node: was an older database put back here?",
}


def require_delegate(node: Node, delegate: str, *, as_kind: bool) -> Delegation:
    """What is kept of signals that a member is to publish.

    Args:
        node: this node.
        delegate: who is to publish them.
        as_kind: whether it is to show this member's kind.

    Raises:
        SignalError: `signal.delegate`, it is this member itself; `signal.kind`, too few members are of the
            kind.
        MembershipError: it is no member in good standing.
    """
    if delegate == node.member_id:
        raise SignalError(
            "this member is no delegate of its own",
            hint="Leave --delegate out: then it publishes the signal itself.",
            code="signal.delegate",
        )
    members = node.directory.current()
    members.require(delegate, node.now.date())
    own = members.require_active(node.member_id)
    if as_kind and not may_show_kind(members, own.kind, delegate):
        raise SignalError(
            f"fewer than {LEAST_OF_KIND} members are of the kind {own.kind.value}, {delegate} not counted: "
            "the kind would all but name this member",
            hint=f"Without --as-kind the signal shows {delegate}, and nothing of this member.",
            code="signal.kind",
        )
    return Delegation(delegate, as_kind, reviewed=False)


def shown_as_wanted(node: Node, kept: Delegation) -> ShownAs:
    """By what a delegate is to name the contributor of a signal of this member."""
    if not kept.as_kind:
        return ShownAs.PUBLISHER
    return ShownAs(node.directory.current().require_active(node.member_id).kind.value)


async def hand_over(node: Node, number: int) -> None:
    """Hands the newest revision of a signal over, if its delegate has it not yet.

    Args:
        node: this node.
        number: of the signal.

    Raises:
        SymbolonError: the delegate cannot be reached, or refuses; the reason is kept, and the revision waits.
    """
    held = await asyncio.to_thread(node.delegations.find, number)
    if held is None or not held.is_pending:
        return
    try:
        await _hand_over(node, held)
    except SymbolonError as error:
        await asyncio.to_thread(node.delegations.note_problem, number, error.full_code)
        raise


async def ask(node: Node, number: int) -> None:
    """Asks how a signal stands at its delegate, and takes in what its supplier said there.

    Raises:
        SymbolonError: the delegate cannot be reached, or knows nothing of it.
    """
    held = await asyncio.to_thread(node.delegations.find, number)
    if held is None or not held.delivered:
        return
    signal = await asyncio.to_thread(_newest, node, number)
    if signal is None:
        return
    request = pb.EntrustedRequest(signal_id=signal.signal_id)
    try:
        answer = await _call(node, held.kept.delegate, "Entrusted", request)
    except PermissionDeniedError as error:
        # It knows nothing of what it had: its database may be an older one.
        await asyncio.to_thread(node.delegations.note_problem, number, error.full_code)
        raise
    found = decode_at_delegate(answer)
    await asyncio.to_thread(_take_in, node, number, found)


def _take_in(node: Node, number: int, found: AtDelegate) -> None:
    said = {
        "their_id": found.taken.signal_id,
        "their_revision": found.taken.revision,
        "shown_as": found.taken.shown_as,
        "disclosed": found.disclosed,
    }
    node.delegations.note_said(number, **said)
    history = {each.revision: each for each in node.signals.history(number)}
    own, base = history[max(history)], history.get(found.revision)
    if own.state is State.RECALLED:
        return
    if base is None:
        raise RemoteProtocolError("a delegate has a revision that was never made", code="protocol.malformed")
    if found.state is State.RECALLED:
        node.delegations.note_problem(number, TAKEN_BACK)
        return
    if (held := node.delegations.find(number)) is not None and held.problem and not held.is_pending:
        node.delegations.note_problem(number, "")
    new = with_supplier_side(own, base, found.dispute, found.reply, node.now.date())
    if new is None:
        return
    change: Change = "replied"
    if new.dispute != own.dispute:
        change = "disputed" if new.dispute.state is DisputeState.OPEN else "settled"
    node.delegations.take_in(new, sign_record(node, new), change)
    log.info("a supplier's side came in at a delegate")


async def _hand_over(node: Node, held: StoredDelegation) -> None:
    signal = await asyncio.to_thread(_newest, node, held.number)
    if signal is None:
        return
    # Signed anew: the keys of this member may be others than when the revision was made.
    signature = await asyncio.to_thread(sign_record, node, signal)
    shown_as = await asyncio.to_thread(shown_as_wanted, node, held.kept)
    entrusting = Entrusting(signal, encode_signal(signal), signature, shown_as, held.kept.reviewed)
    taken = decode_taken(await _call(node, held.kept.delegate, "Entrust", encode_entrust(entrusting)))
    said = {"their_id": taken.signal_id, "their_revision": taken.revision, "shown_as": taken.shown_as}
    await asyncio.to_thread(node.delegations.note_delivered, held.number, signal.revision, **said)


def _newest(node: Node, number: int) -> Signal | None:
    for _, signal in node.signals.newest([number]):
        return signal
    return None


class Delegates:
    """What a served node does by itself for the signals that others publish for it.

    Args:
        node: this node.
        clock: seconds that never go back.
    """

    def __init__(self, node: Node, clock: Callable[[], float] = time.monotonic) -> None:
        self._node = node
        self._clock = clock
        self._refused: dict[tuple[int, int], float] = {}
        self._asked: dict[str, tuple[float, int]] = {}

    async def look(self) -> None:
        """One turn: hands over what waits, then asks; of each delegate one thing after the other."""
        by_delegate: dict[str, list[StoredDelegation]] = defaultdict(list)
        for each in await asyncio.to_thread(self._node.delegations.all):
            by_delegate[each.kept.delegate].append(each)
        await few_at_once(self._one(delegate, held) for delegate, held in by_delegate.items())

    async def _one(self, delegate: str, held: Sequence[StoredDelegation]) -> None:
        pending = [each for each in held if each.is_pending and not self._is_deferred(each)]
        # Recalls first: nothing else may make them wait.
        recalled = await asyncio.to_thread(self._recalled, pending)
        for each in sorted(pending, key=lambda one: one.number not in recalled):
            try:
                await hand_over(self._node, each.number)
            except SymbolonError as error:
                log.warning("a signal waits for its delegate: %s", error.full_code)
                if not isinstance(error, PermissionDeniedError):
                    return
                self._refused[each.number, each.revision] = self._clock()
        await self._ask(delegate, [each.number for each in held if each.delivered])

    async def _ask(self, delegate: str, numbers: Sequence[int]) -> None:
        asked_s, last = self._asked.get(delegate, (-ASK_S, 0))
        if not numbers or self._clock() - asked_s < ASK_S:
            return
        # Those behind the last one, then from the first on again.
        turn = sorted(numbers, key=lambda number: (number <= last, number))[:ASKED_AT_ONCE]
        self._asked[delegate] = self._clock(), turn[-1]
        for number in turn:
            try:
                await ask(self._node, number)
            except SymbolonError as error:
                log.info("a delegate was not asked: %s", error.full_code)
                if not isinstance(error, (PermissionDeniedError, SignalError)):
                    return

    def _is_deferred(self, held: StoredDelegation) -> bool:
        refused_s = self._refused.get((held.number, held.revision))
        return refused_s is not None and self._clock() - refused_s < REFUSED_S

    def _recalled(self, held: Sequence[StoredDelegation]) -> frozenset[int]:
        newest = self._node.signals.newest([each.number for each in held])
        return frozenset(number for number, signal in newest if signal.state is State.RECALLED)


async def _call(node: Node, delegate: str, method: str, request: Any) -> Any:
    async with reached(node, delegate) as channel:
        calling = getattr(stubs.SignalServiceStub(channel), method)
        try:
            return understood(await calling(request, timeout=CALL_S))
        except grpc.aio.AioRpcError as error:
            raise _failed(node, delegate, error) from error


def _failed(node: Node, delegate: str, error: grpc.aio.AioRpcError) -> Exception:
    if error.code() is grpc.StatusCode.UNIMPLEMENTED:
        return UnavailableError(
            f"{delegate} runs a version of symbolon that publishes for nobody",
            hint="Ask its operator to install a newer one; what waits is handed over then.",
        )
    return _explained(node, delegate, from_status(delegate, error))


def _explained(node: Node, delegate: str, failed: SymbolonError) -> SymbolonError:
    """The same error, with what to do about it."""
    if failed.full_code == BUSY:
        return UnavailableError(f"{delegate} takes no more now", hint="The rest follows.", code=BUSY)
    if failed.full_code == "permission.delegate":
        said = f"{delegate} does not publish for this member"
    elif isinstance(failed, PermissionDeniedError):
        said = f"{delegate} does not take the signal in"
    else:
        return failed
    return PermissionDeniedError(said, hint=advice(node, failed.full_code), code=failed.full_code)


def advice(node: Node, problem: str) -> str:
    """What to do about a code that is kept as the problem of a signal; '' where that says nothing."""
    return _ADVICE.get(problem, "").replace("{own}", node.member_id)
