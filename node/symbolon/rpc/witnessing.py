"""Having this node's audit log witnessed, the calling side: cosignatures of others, and what they remember.

Handles: asking every other member to cosign the newest checkpoint, with the proof from what it cosigned last;
asking what others hold of this log when the node starts. Nobody's word is believed: a cosignature for the
member's key, a checkpoint for this node's own. Refuses to go on when a member shows a checkpoint that this
node's key signed and this log does not begin with: then its database was put back from a backup, or runs
twice. docs/adr/0015.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

import grpc

from symbolon.api.audit.v1 import audit_pb2 as pb
from symbolon.api.audit.v1 import audit_pb2_grpc as stubs
from symbolon.audit.checkpoint import log_origin, parse_checkpoint
from symbolon.audit.cosignature import WitnessKey, verify_cosigned
from symbolon.audit.merkle import prove_consistency
from symbolon.audit.signed_note import NoteKey, SignedNote, add_signatures, decode_note
from symbolon.audit.witness import (
    CONFLICT,
    FORBIDDEN,
    NOT_FOUND,
    Answer,
    Cosigned,
    HoldsOtherSize,
    Refused,
    add_checkpoint_body,
    read_answer,
)
from symbolon.errors import AuditError, SymbolonError, UnavailableError
from symbolon.membership.member import MemberId
from symbolon.membership.member_record import MemberRecord, Members, Status
from symbolon.rpc.concurrent import few_at_once
from symbolon.rpc.membership_client import others as reachable
from symbolon.rpc.membership_codec import understood
from symbolon.rpc.node import Node
from symbolon.rpc.reach import reached
from symbolon.rpc.status import from_status

log = logging.getLogger(__name__)

TRUNCATED: Final = "audit.truncated"

CALL_S: Final = 5.0
"""How long one call may take: a few signatures at the other end, and one write."""

MEMBER_S: Final = 15.0
"""How long one member may take in all; a handshake through a relay takes one or two seconds of it."""

MOST_S: Final = 5.0
"""How long a start may take longer for asking others what they hold."""

SOME_S: Final = 2.0
"""What the others have left once one has answered: a node that is served asks all of them again at once, so
that a silent one need not hold up every start."""

ENOUGH_S: Final = 1.0
"""What they have left once a majority has: among any majority is one of those that cosigned the last
checkpoint which a majority cosigned."""

LOOKED_BACK: Final = 64
"""Checkpoints looked through for what a member cosigned last; who cosigned none of them is asked twice."""

HOUR_S: Final = 3600.0
DAY_S: Final = 24 * HOUR_S

Kind = Literal["cosigned", "unreachable", "refused", "conflict"]

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of asking one member.

    Attributes:
        member: who was asked.
        kind: `conflict`: what it answers does not fit this log, and it shows nothing that would prove it.
        at_s: when it cosigned, as it says, seconds since 1970-01-01 UTC; None where it did not.
        said: why it did not, or what else is to be known; may be empty.
    """

    member: MemberId
    kind: Kind
    at_s: int | None = None
    said: str = ""


@dataclass(frozen=True, slots=True)
class Collected:
    """What came of asking all.

    Attributes:
        note: the checkpoint, with its cosignatures.
        outcomes: by member, one for each other member.
        cosigned: who has cosigned this checkpoint or a later one, now or before, and when.
    """

    note: SignedNote
    outcomes: tuple[Outcome, ...]
    cosigned: dict[MemberId, int]

    @property
    def needed(self) -> int:
        """A majority of the other members; 0 where there are none."""
        return majority(len(self.outcomes))

    @property
    def is_enough(self) -> bool:
        """Whether a majority has cosigned."""
        return len(self.cosigned) >= self.needed


def majority(count: int) -> int:
    """More than half of so many; 0 of none."""
    return count // 2 + 1 if count else 0


def witnesses(members: Members, own: str) -> tuple[MemberRecord, ...]:
    """The other members that are not suspended: all that may witness, whether they can be reached or not."""
    return tuple(each for each in members.members if each.member_id != own and each.status is Status.ACTIVE)


def witness_key(members: Members, member: MemberRecord) -> WitnessKey:
    """The key by which a member cosigns."""
    return WitnessKey(log_origin(members.coalition, member.member_id), member.signing_key)


def cosigners(note: SignedNote, log: NoteKey, members: Members, own: str) -> dict[MemberId, int]:
    """Which other members cosigned a checkpoint, and when: seconds since 1970-01-01 UTC, as they say.

    Args:
        note: the checkpoint.
        log: the key of its log.
        members: whose cosignatures count.
        own: whose log it is.

    Raises:
        AuditError: the log did not sign it, or a cosignature does not hold.
    """
    keys = {witness_key(members, each): each.member_id for each in witnesses(members, own)}
    found = verify_cosigned(note, log, keys)
    names = {key.name: member for key, member in keys.items()}
    return {names[each.witness]: each.timestamp_s for each in found.cosignatures}


async def collect(node: Node, progress: Progress = lambda *_: None) -> Collected:
    """Signs the newest checkpoint, asks every other member to cosign it, and keeps what they cosigned.

    Args:
        node: this node.
        progress: told how many have been asked, of how many.

    Raises:
        AuditError: `audit.truncated`, this log is not the one that was signed before, as this node or another
            member shows.
        MembershipError: no state holds now.
        StorageError: what came cannot be kept.
    """
    note = await asyncio.to_thread(node.checkpoints.sign)
    members = await asyncio.to_thread(node.directory.current)
    asked = witnesses(members, node.member_id)
    size = parse_checkpoint(note.text).size
    kept = await asyncio.to_thread(node.checkpoints.newest, LOOKED_BACK)
    # Another process of this node may have signed a later one meanwhile.
    before = [each for each in kept if parse_checkpoint(each.text).size <= size]
    held: list[tuple[str, SignedNote]] = []
    outcomes: dict[str, Outcome] = {}
    gained: list[SignedNote] = []

    async def one(member: MemberRecord) -> None:
        key = witness_key(members, member)
        asking = _Asking(node, key, note, _last_size(before, key), member.member_id)
        outcomes[member.member_id] = await asking.run()
        gained.extend(asking.gained)
        held.extend((member.member_id, each) for each in asking.held)
        progress("asked", len(outcomes), len(asked))

    await few_at_once(one(each) for each in asked)
    for each in gained:
        await asyncio.to_thread(node.checkpoints.add_cosigned, each)
    await asyncio.to_thread(_require_covers, node, held)
    note = await asyncio.to_thread(_kept, node, note)
    cosigned = await asyncio.to_thread(cosigners, note, node.checkpoints.public, members, node.member_id)
    for outcome in outcomes.values():
        if outcome.at_s is not None:
            cosigned[outcome.member] = outcome.at_s
    return Collected(note, tuple(outcomes[each.member_id] for each in asked), cosigned)


async def compare_with_others(node: Node) -> None:
    """Asks members for the latest checkpoint of this node's log that they hold, `MOST_S` at the most.

    Nobody's silence keeps a node from serving; a single checkpoint of its own does.

    Raises:
        AuditError: `audit.truncated`, a member holds one that this log does not begin with.
    """
    state = await asyncio.to_thread(node.coalition.state)
    asked = list(reachable(state, node.member_id))
    random.shuffle(asked)
    held: list[tuple[str, SignedNote]] = []

    async def one(member_id: str) -> None:
        # Believed for this node's own signature alone.
        async with reached(node, member_id, for_metadata=True) as channel:
            found = await _held_by(stubs.WitnessServiceStub(channel), node, member_id)
        held.extend((member_id, each) for each in found)

    calls = {asyncio.create_task(one(each)) for each in asked}
    try:
        await _wait(calls, majority(len(asked)))
    finally:
        for each in calls:
            each.cancel()
        ended = await asyncio.gather(*calls, return_exceptions=True)
    for error in ended:
        if isinstance(error, Exception) and not isinstance(error, SymbolonError):
            log.error("not asked what it holds: unexpected %s", type(error).__name__, exc_info=error)
    answered = sum(each is None for each in ended)
    if asked and not answered:
        log.warning("nobody could be asked whether this audit log is whole")
    await asyncio.to_thread(_require_covers, node, held)


class Rounds:
    """When a served node has its log witnessed: at its start, after sessions, and every day.

    Args:
        node: this node.
        clock: seconds that never go back.
    """

    def __init__(self, node: Node, clock: Callable[[], float]) -> None:
        self._node = node
        self._clock = clock
        self._at_s: float | None = None
        self._size = 0
        self._enough = False

    async def collect_if_due(self) -> None:
        """Collects cosignatures where that is due.

        Due: at the first call; a day after the last time; an hour after it, if entries came since or no
        majority has cosigned. A log without entries has nothing to show.

        Raises:
            AuditError: as `collect`.
        """
        now_s, size = self._clock(), await asyncio.to_thread(self._node.audit.size)
        if not size or not self._is_due(now_s, size):
            return
        self._at_s, self._size, self._enough = now_s, size, False
        collected = await collect(self._node)
        self._enough = collected.is_enough
        log.info(
            "%d of %d other members have cosigned the audit log of %d entries",
            len(collected.cosigned),
            len(collected.outcomes),
            parse_checkpoint(collected.note.text).size,
        )

    def _is_due(self, now_s: float, size: int) -> bool:
        if self._at_s is None or now_s - self._at_s >= DAY_S:
            return True
        return now_s - self._at_s >= HOUR_S and (size != self._size or not self._enough)


class _Asking:
    """One member asked for its cosignature.

    Attributes:
        gained: checkpoints with a cosignature that was verified.
        held: what it holds of this log, of this node's signature.
    """

    def __init__(self, node: Node, key: WitnessKey, note: SignedNote, old: int, member: MemberId) -> None:
        self._node = node
        self._key = key
        self._note = note
        self._size = parse_checkpoint(note.text).size
        self._old = old
        self._member = member
        self._said = ""
        self.gained: list[SignedNote] = []
        self.held: list[SignedNote] = []

    async def run(self) -> Outcome:
        """Asks; whatever goes wrong is the outcome."""
        try:
            async with asyncio.timeout(MEMBER_S), reached(self._node, self._member) as channel:
                return await self._talk(stubs.WitnessServiceStub(channel))
        except TimeoutError:
            return Outcome(self._member, "unreachable", said=f"it did not answer within {MEMBER_S:g} s")
        except AuditError as error:
            return Outcome(self._member, "conflict", said=error.detail)
        except SymbolonError as error:
            away = isinstance(error, UnavailableError) or error.full_code == "membership.no_endpoint"
            return Outcome(self._member, "unreachable" if away else "refused", said=error.detail)

    async def _talk(self, stub: Any) -> Outcome:
        answer = await self._ask(stub)
        if isinstance(answer, HoldsOtherSize) and answer.size <= self._size:
            if answer.size < self._old:
                # It signed the larger one: this log has its cosignature.
                self._said = (
                    f"it cosigned {self._old} entries, and knows of {answer.size}: its database was put back"
                )
                log.warning("%s: %s", self._member, self._said)
            self._old = answer.size
            answer = await self._ask(stub)
        if isinstance(answer, Cosigned):
            self.gained.append(add_signatures(self._note, [answer.signature]))
            return Outcome(self._member, "cosigned", answer.timestamp_s, self._said)
        if isinstance(answer, Refused) and answer.status in (NOT_FOUND, FORBIDDEN):
            return Outcome(self._member, "refused", said=f"status {answer.status}")
        return await self._look(stub, answer)

    async def _ask(self, stub: Any) -> Answer:
        proof = await asyncio.to_thread(prove_consistency, self._old, self._size, self._node.audit.nodes)
        request = pb.AddCheckpointRequest(body=add_checkpoint_body(self._old, proof, self._note))
        response = await _called(self._member, stub.AddCheckpoint(request, timeout=CALL_S))
        return read_answer(response.status, response.body, self._note, self._key)

    async def _look(self, stub: Any, answer: Answer) -> Outcome:
        """What it holds that keeps it from cosigning; another process of this node may have been quicker."""
        status = answer.status if isinstance(answer, Refused) else CONFLICT
        self.held = await _held_by(stub, self._node, self._member)
        for note in self.held:
            if parse_checkpoint(note.text).size > self._size:
                cosigned = verify_cosigned(note, self._node.checkpoints.public, [self._key]).cosignatures
                if cosigned:
                    self.gained.append(note)
                    return Outcome(self._member, "cosigned", cosigned[0].timestamp_s, "a later one")
        kind: Kind = "conflict" if status == CONFLICT else "refused"
        return Outcome(self._member, kind, said=f"status {status}")


async def _held_by(stub: Any, node: Node, member: str) -> list[SignedNote]:
    """The latest checkpoint of this log that a member holds, if this node's key signed it."""
    public = node.checkpoints.public
    response = await _called(
        member, stub.GetCheckpoint(pb.GetCheckpointRequest(origin=public.name), timeout=CALL_S)
    )
    if not response.note:
        return []
    try:
        note = decode_note(response.note)
        verify_cosigned(note, public, ())
    except AuditError as error:
        log.warning("%s shows what is no checkpoint of this log: %s", member, error.detail)
        return []
    return [note]


def _require_covers(node: Node, held: Iterable[tuple[str, SignedNote]]) -> None:
    """Checks what others hold against this log, the largest first: that one says most."""
    for member, note in sorted(held, key=lambda each: parse_checkpoint(each[1].text).size, reverse=True):
        try:
            node.checkpoints.require_covers(note)
        except AuditError as error:
            if error.full_code != TRUNCATED:
                raise
            raise AuditError(
                f"{error.detail}, as {member} shows by a checkpoint that this node signed",
                hint=error.hint,
                code=TRUNCATED,
            ) from error


def _last_size(before: Iterable[SignedNote], key: WitnessKey) -> int:
    """The size that a member cosigned last, as far as this node knows; 0 where it does not."""
    mark = (key.name, key.key_id)
    for note in before:
        if any((each.name, each.key_id) == mark for each in note.signatures):
            return parse_checkpoint(note.text).size
    return 0


def _kept(node: Node, note: SignedNote) -> SignedNote:
    """A checkpoint as it is kept, with all that it has gained."""
    kept = node.checkpoints.newest(LOOKED_BACK)
    return next((each for each in kept if each.text == note.text), note)


async def _called(member: str, call: Awaitable[Any]) -> Any:
    try:
        return understood(await call)
    except grpc.aio.AioRpcError as error:
        raise from_status(member, error) from error


async def _wait(calls: set["asyncio.Task[None]"], enough: int) -> None:
    """Waits until all have ended, or `SOME_S` after the first answer, or `ENOUGH_S` after enough of them."""
    loop = asyncio.get_running_loop()
    end_s, pending, answered = loop.time() + MOST_S, set(calls), 0
    while pending and loop.time() < end_s:
        left_s = max(0.0, end_s - loop.time())
        done, pending = await asyncio.wait(pending, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
        before = answered
        answered += sum(each.exception() is None for each in done)
        for count, left_s in ((1, SOME_S), (enough, ENOUGH_S)):
            if before < count <= answered:
                end_s = min(end_s, loop.time() + left_s)
