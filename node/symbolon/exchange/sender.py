"""The sending end of an exchange, without I/O, for both modes.

Built after policy has allowed the hello and the budget has been debited. `accept()` opens; each `Elements`
goes to `receive()`, which gives the evaluations; `entries()` and `withdrawn()` cut the set into messages;
`working()` says how far the set is, as noted by `made()`, where there is nothing else to say; `finish()`
closes when all was said. `receive()` and the making of entries may run in two threads: they share no state.
Refuses elements beyond what the hello declared, out of order, or refused by the suite.
docs/PROTOCOL.md, The sender.
"""

from collections.abc import Callable, Iterator
from enum import Enum

import numpy as np

from symbolon.errors import LocalProtocolError, RemoteProtocolError
from symbolon.exchange.chunks import Inbound, outbound
from symbolon.exchange.labels import LABEL_KINDS
from symbolon.exchange.limits import SIZE_TOKEN_BYTES
from symbolon.exchange.messages import (
    Accept,
    Elements,
    Entries,
    Evaluated,
    Failure,
    Finish,
    Hello,
    ReceiverMessage,
    TierOffer,
    Withdrawn,
    Working,
)
from symbolon.exchange.sender_set import shuffled
from symbolon.oprf.suite import Suite


class State(Enum):
    """Where a session stands; FAILED and DONE are final."""

    START = "start"
    OPEN = "open"
    DONE = "done"
    FAILED = "failed"


class Sender:
    """One session as sender.

    Args:
        hello: as received and permitted.
        epoch: of the key; 0 in size mode.
        offers: one per tier of the hello.
        keys: the secret key k of each tier. Redacted from every representation.
        suite: the suite named in the hello.
        rng: random bytes, for the order in size mode.
        key_rules: fingerprint of the rules that the list was keyed by; empty when unknown.
    """

    def __init__(
        self,
        hello: Hello,
        epoch: int,
        offers: tuple[TierOffer, ...],
        keys: dict[str, bytes],
        suite: Suite,
        rng: Callable[[int], bytes],
        key_rules: bytes = b"",
    ) -> None:
        if [offer.tier for offer in offers] != [ask.tier for ask in hello.tiers]:
            raise LocalProtocolError("offers and hello differ")
        self.state = State.START
        self.hello = hello
        self._accept = Accept(epoch, offers, key_rules)
        self._keys = keys
        self._suite = suite
        self._rng = rng
        self._inbound = {ask.tier: Inbound(ask.elements, suite.element_bytes) for ask in hello.tiers}
        self._offers = {offer.tier: offer for offer in offers}
        self._sent: set[tuple[str, int]] = set()
        self._held: list[bytes] = []
        self._made = dict.fromkeys(self._offers, 0)

    def accept(self) -> Accept:
        """The first message."""
        self._require(State.START)
        self.state = State.OPEN
        return self._accept

    def receive(self, message: ReceiverMessage) -> list[Evaluated]:
        """Takes one message of the receiver and does its work.

        Returns:
            The evaluations to send: one message in intersection mode; in size mode none until the last
            element has come, then all of them, shuffled within and among records.

        Raises:
            RemoteProtocolError: the message does not fit; the session has then failed.
        """
        try:
            match message:
                case Elements() if self.state is State.OPEN:
                    return self._evaluate(message)
                case Failure():
                    raise message.error("receiver")
                case _:
                    raise RemoteProtocolError(
                        f"{type(message).__name__} while {self.state.value}", code="protocol.state"
                    )
        except RemoteProtocolError:
            self.state = State.FAILED
            raise

    def _evaluate(self, message: Elements) -> list[Evaluated]:
        if message.tier not in self._inbound:
            raise RemoteProtocolError("a tier that was not asked", code="protocol.tier")
        inbound = self._inbound[message.tier]
        inbound.take(message)
        data = self._suite.blind_evaluate(self._keys[message.tier], message.data)
        if self.hello.mode != "size":
            return [Evaluated(message.tier, message.offset, data)]
        self._held.append(data)
        if not inbound.complete:
            return []
        mixed = shuffle_groups(b"".join(self._held), self.hello.group_size, self._suite, self._rng)
        self._held.clear()
        chunks = outbound(mixed, self._suite.element_bytes)
        return [Evaluated(message.tier, at, chunk) for at, chunk in chunks]

    @property
    def all_evaluated(self) -> bool:
        """Whether every declared element has been evaluated."""
        return all(inbound.complete for inbound in self._inbound.values())

    def entries(self, tier: str, number: int, data: bytes) -> Iterator[Entries]:
        """The messages of one offered delta; `data` is as long as its header announced."""
        offer = self._offers[tier]
        announced = {header.number: header.entries for header in offer.deltas}
        kind = LABEL_KINDS[self.hello.area]
        width = SIZE_TOKEN_BYTES if self.hello.mode == "size" else kind.entry_bytes(offer.tag_bytes)
        if announced.get(number) != len(data) // width or (tier, number) in self._sent:
            raise LocalProtocolError("entries do not fit the offer")
        self._sent.add((tier, number))
        for at, chunk in outbound(data, width):
            yield Entries(tier, at, chunk, number)

    def withdrawn(self, tier: str, data: bytes) -> Iterator[Withdrawn]:
        """The messages of the withdrawn tags; `data` is as long as the offer announced."""
        offer = self._offers[tier]
        if len(data) != offer.withdrawn * offer.tag_bytes:
            raise LocalProtocolError("withdrawn tags do not fit the offer")
        for at, chunk in outbound(data, offer.tag_bytes):
            yield Withdrawn(tier, at, chunk)

    def made(self, tier: str, entries: int) -> None:
        """Notes how many of a tier's offered entries are made, as far as the receiver may know."""
        self._made[tier] = entries

    def working(self, tier: str) -> Working:
        """Says that this end is at work on a tier of which something is still to be sent."""
        self._require(State.OPEN)
        total = sum(header.entries for header in self._offers[tier].deltas)
        return Working(tier, self._made[tier], total)

    @property
    def sent(self) -> dict[str, int]:
        """Entries offered, dummies included, by tier."""
        return {name: sum(each.entries for each in offer.deltas) for name, offer in self._offers.items()}

    def finish(self, result: bytes, signature: bytes) -> Finish:
        """The last message, once everything offered was sent and everything asked was evaluated.

        Args:
            result: what the session came to.
            signature: this member's over it, 64 bytes.
        """
        self._require(State.OPEN)
        offered = {(offer.tier, header.number) for offer in self._accept.tiers for header in offer.deltas}
        if not self.all_evaluated or self._sent != offered:
            raise LocalProtocolError("finish before everything was sent")
        self.state = State.DONE
        return Finish(result, signature)

    def _require(self, state: State) -> None:
        if self.state is not state:
            raise LocalProtocolError(f"called while {self.state.value}, not {state.value}")


def shuffle_groups(data: bytes, group: int, suite: Suite, rng: Callable[[int], bytes]) -> bytes:
    """Shuffles records among themselves and elements within their record.

    Args:
        data: records × group × element bytes.
        group: elements per record.
        suite: of the session.
        rng: random bytes.
    """
    rows = np.frombuffer(data, np.uint8).reshape(-1, group, suite.element_bytes)
    keys = np.frombuffer(rng(8 * len(rows) * group), np.uint64).reshape(-1, group)
    within = np.argsort(keys, axis=1)
    rows = np.take_along_axis(rows, within[:, :, None], axis=1)
    return rows[shuffled(len(rows), rng)].tobytes()
