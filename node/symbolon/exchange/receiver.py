"""The receiving end of an exchange of labels (`intersection`, `lookup`), without I/O.

Say `hello`, hand over every message of `elements()`, feed what arrives to `receive()`, then read
`results()`. `elements()` and `receive()` may run in two threads: an element is blinded before it is yielded
and only evaluated ones are read. Refuses any message out of state, any chunk out of order or beyond what was
declared, and every element that the suite refuses. Nothing it says depends on hits.
docs/PROTOCOL.md, The receiver.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

from symbolon.errors import LocalProtocolError, RemoteProtocolError
from symbolon.exchange.chunks import Inbound, Preparation
from symbolon.exchange.derive import entry_masks
from symbolon.exchange.key_table import KeyTable
from symbolon.exchange.labels import LABEL_KINDS, LabelKind
from symbolon.exchange.limits import CHUNK_ELEMENTS, MAX_ENTRIES, OUTPUT_BYTES
from symbolon.exchange.messages import (
    Accept,
    Elements,
    Entries,
    Evaluated,
    Failure,
    Finish,
    Hello,
    SenderMessage,
    TierOffer,
    Withdrawn,
    Working,
)
from symbolon.exchange.padding import padded_count
from symbolon.exchange.receiver_set import OwnOutputs
from symbolon.exchange.rules_agreement import Agreement, compare
from symbolon.exchange.sender_set import shuffled, tag_bytes_for
from symbolon.oprf.blinding import Blinds
from symbolon.oprf.suite import Suite


class State(Enum):
    """Where a session stands; FAILED and DONE are final."""

    START = "start"
    WAITING = "waiting for the sender's answer"
    OPEN = "open"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class AskedKeys:
    """The keys of one tier to be asked in this session.

    Attributes:
        table: the keys of the list.
        index: int64 `[n]`, which of them are asked.
        held: entries of the sender's set that are held already.
    """

    table: KeyTable
    index: npt.NDArray[np.int64]
    held: int = 0

    @property
    def declared(self) -> int:
        """Elements that will travel, dummies included."""
        return padded_count(len(self.index))

    @property
    def key_ids(self) -> npt.NDArray[np.uint64]:
        """uint64 `[n]`, in the order of the outputs."""
        return self.table.key_ids[self.index]


@dataclass(frozen=True, slots=True)
class TierResult:
    """What one tier brought.

    Attributes:
        own: the asked keys with their outputs and first probes.
        deltas: number to entries, only those sent in this session.
        withdrawn: n × tag bytes, complete for the epoch.
    """

    tag_bytes: int
    own: OwnOutputs
    deltas: dict[int, bytes]
    withdrawn: bytes


class _Tier:
    """The moving parts of one tier."""

    def __init__(self, asked: AskedKeys, suite: Suite, rng: Callable[[int], bytes], kind: LabelKind) -> None:
        self.asked = asked
        self.kind = kind
        self.order = shuffled(asked.declared, rng)
        self.blinds: dict[int, Blinds | None] = {}
        self.outputs = np.empty((len(asked.index), OUTPUT_BYTES), np.uint8)
        self.probes = np.empty((0, 0), np.uint8)
        self.evaluated = Inbound(asked.declared, suite.element_bytes)
        self.offer: TierOffer | None = None
        self.entries: dict[int, tuple[Inbound, list[bytes]]] = {}
        self.withdrawn: tuple[Inbound, list[bytes]] = (Inbound(0, 1), [])
        self.preparation = Preparation(0)

    def accept(self, offer: TierOffer, have_delta: int) -> None:
        total = sum(header.entries for header in offer.deltas)
        if offer.tag_bytes < tag_bytes_for(self.asked.declared, total):
            raise RemoteProtocolError("tags too short for these sizes", code="protocol.tag")
        if any(header.number <= have_delta for header in offer.deltas):
            raise RemoteProtocolError("a delta that is held already", code="protocol.delta")
        if self.asked.held + total > MAX_ENTRIES or offer.withdrawn > self.asked.held + total:
            raise RemoteProtocolError("more entries than a receiver holds", code="protocol.excess")
        self.offer = offer
        width = self.kind.entry_bytes(offer.tag_bytes)
        self.probes = np.empty((len(self.asked.index), offer.tag_bytes + self.kind.secret_bytes), np.uint8)
        self.entries = {header.number: (Inbound(header.entries, width), []) for header in offer.deltas}
        self.withdrawn = (Inbound(offer.withdrawn, offer.tag_bytes), [])
        self.preparation = Preparation(total)

    @property
    def tag_bytes(self) -> int:
        """As offered."""
        if self.offer is None:
            raise LocalProtocolError("no offer yet")
        return self.offer.tag_bytes

    @property
    def complete(self) -> bool:
        """Whether all that was offered and asked for has come."""
        runs = [self.evaluated, self.withdrawn[0], *(run for run, _ in self.entries.values())]
        return self.offer is not None and all(run.complete for run in runs)


class Receiver:
    """One session as receiver.

    Args:
        hello: built by `hello_for`; its tiers are the keys of `asked`.
        asked: the keys to ask, by tier.
        suite: the suite named in the hello.
        rng: uniformly random bytes, from the operating system outside of tests.
    """

    def __init__(
        self, hello: Hello, asked: dict[str, AskedKeys], suite: Suite, rng: Callable[[int], bytes]
    ) -> None:
        if {ask.tier: ask.elements for ask in hello.tiers} != {t: keys.declared for t, keys in asked.items()}:
            raise LocalProtocolError("hello and asked keys differ")
        self.hello = hello
        self.state = State.START
        self.epoch = 0
        self.key_rules: Agreement = "unknown"
        self.finish: Finish | None = None
        self._suite = suite
        self._rng = rng
        kind = LABEL_KINDS[hello.area]
        self._tiers = {tier: _Tier(keys, suite, rng, kind) for tier, keys in asked.items()}

    def start(self) -> Hello:
        """The first message; from now on the session waits for an `Accept`."""
        self._require(State.START)
        self.state = State.WAITING
        return self.hello

    def elements(self) -> Iterator[Elements]:
        """All blinded elements, tier by tier, chunk by chunk; each step does the work of one chunk.

        Ends early once the session has failed: whoever fed it the last message holds the reason.
        """
        for name, tier in self._tiers.items():
            for at in range(0, tier.asked.declared, CHUNK_ELEMENTS):
                if self.state is State.FAILED:
                    return
                if self.state not in (State.WAITING, State.OPEN):
                    raise LocalProtocolError(f"elements asked for while {self.state.value}")
                items = tier.order[at : at + CHUNK_ELEMENTS]
                true = items < len(tier.asked.index)
                rows = np.empty((len(items), self._suite.element_bytes), np.uint8)
                blinds = None
                if true.any():
                    blinds = self._suite.prepare_blinds(int(true.sum()), self._rng)
                    blinded = self._suite.blind(
                        tier.asked.table.points_for(self._suite, tier.asked.index[items[true]]), blinds
                    )
                    rows[true] = np.frombuffer(blinded, np.uint8).reshape(-1, self._suite.element_bytes)
                if not true.all():
                    padding = self._suite.padding(int((~true).sum()), self._rng)
                    rows[~true] = np.frombuffer(padding, np.uint8).reshape(-1, self._suite.element_bytes)
                tier.blinds[at] = blinds
                yield Elements(name, at, rows.tobytes())

    def receive(self, message: SenderMessage) -> None:
        """Takes one message of the sender.

        Raises:
            RemoteProtocolError: the message does not fit the session; the session has then failed.
        """
        try:
            self._receive(message)
        except RemoteProtocolError:
            self.state = State.FAILED
            raise

    def _receive(self, message: SenderMessage) -> None:
        match message:
            case Failure():
                raise message.error("sender")
            case Accept() if self.state is State.WAITING:
                self._accept(message)
            case Evaluated() if self.state is State.OPEN:
                self._evaluated(message)
            case Entries() if self.state is State.OPEN:
                runs = self._tier(message.tier).entries
                if message.delta not in runs:
                    raise RemoteProtocolError("entries of a delta not offered", code="protocol.delta")
                run, parts = runs[message.delta]
                run.take(message)
                parts.append(message.data)
            case Withdrawn() if self.state is State.OPEN:
                run, parts = self._tier(message.tier).withdrawn
                run.take(message)
                parts.append(message.data)
            case Working() if self.state is State.OPEN and not self._tier(message.tier).complete:
                self._tier(message.tier).preparation.take(message)
            case Finish() if self.state is State.OPEN:
                if not all(tier.complete for tier in self._tiers.values()):
                    raise RemoteProtocolError("the sender finished early", code="protocol.short")
                self.finish = message
                self.state = State.DONE
            case _:
                raise RemoteProtocolError(
                    f"{type(message).__name__} while {self.state.value}", code="protocol.state"
                )

    def _accept(self, message: Accept) -> None:
        if (self.hello.epoch and message.epoch != self.hello.epoch) or message.epoch < 1:
            raise RemoteProtocolError("accepted for another epoch", code="protocol.epoch")
        offers = {offer.tier: offer for offer in message.tiers}
        if offers.keys() != self._tiers.keys():
            raise RemoteProtocolError("offers do not answer the tiers asked", code="protocol.tier")
        for ask in self.hello.tiers:
            self._tiers[ask.tier].accept(offers[ask.tier], ask.have_delta)
        self.epoch = message.epoch
        self.key_rules = compare(self.hello.key_rules, message.key_rules)
        self.state = State.OPEN

    def _evaluated(self, message: Evaluated) -> None:
        tier = self._tier(message.tier)
        at = tier.evaluated.taken
        count = tier.evaluated.take(message)
        self._suite.check_elements(message.data)
        rows = np.frombuffer(message.data, np.uint8).reshape(-1, self._suite.element_bytes)
        for start in range(at - at % CHUNK_ELEMENTS, at + count, CHUNK_ELEMENTS):
            first, last = max(start, at), min(start + CHUNK_ELEMENTS, at + count)
            self._finalize(tier, start, first, last, rows[first - at : last - at])

    def _finalize(self, tier: _Tier, start: int, first: int, last: int, rows: npt.NDArray[np.uint8]) -> None:
        """Finalizes elements `first` to `last` of the chunk that was blinded from `start` on."""
        if start not in tier.blinds:
            raise RemoteProtocolError("an evaluation of an element not yet sent", code="protocol.order")
        true = tier.order[start : start + CHUNK_ELEMENTS] < len(tier.asked.index)
        skipped = int(true[: first - start].sum())
        here = true[first - start : last - start]
        items = tier.order[first:last][here]
        blinds = tier.blinds[start]
        if blinds is not None and len(items):
            some = blinds[skipped : skipped + len(items)]
            inputs = tier.asked.table.inputs.take(tier.asked.index[items])
            output = self._suite.finalize(inputs, rows[here].tobytes(), some)
            tier.outputs[items] = np.frombuffer(output, np.uint8).reshape(-1, OUTPUT_BYTES)
            masks = entry_masks(output, 0, tier.tag_bytes, tier.kind.secret_bytes, tier.kind.use)
            tier.probes[items] = masks
        if last == min(start + CHUNK_ELEMENTS, tier.asked.declared):
            del tier.blinds[start]

    def _tier(self, name: str) -> _Tier:
        if name not in self._tiers:
            raise RemoteProtocolError("a tier that was not asked", code="protocol.tier")
        return self._tiers[name]

    @property
    def sent(self) -> dict[str, int]:
        """Entries that the sender sent in this session, dummies included, by tier."""
        return {
            name: sum(run.declared for run, _ in tier.entries.values()) for name, tier in self._tiers.items()
        }

    def results(self) -> dict[str, TierResult]:
        """What the session brought, by tier; only once it is DONE."""
        self._require(State.DONE)
        results = {}
        for name, tier in self._tiers.items():
            none_opened = np.zeros(len(tier.asked.index), np.uint8)
            own = OwnOutputs(tier.asked.key_ids, tier.outputs.tobytes(), none_opened, tier.probes.tobytes())
            deltas = {number: b"".join(parts) for number, (_, parts) in tier.entries.items()}
            withdrawn = b"".join(tier.withdrawn[1])
            results[name] = TierResult(tier.tag_bytes, own, deltas, withdrawn)
        return results

    def _require(self, state: State) -> None:
        if self.state is not state:
            raise LocalProtocolError(f"called while {self.state.value}, not {state.value}")
