"""A member that publishes signals as a test likes, and watches who looks them up.

It stands in a real TLS connection with its own certificate and signs with its own key; what it lays under
which key, and whether that is any good, is for the test. Everything that the requester says is taken down.
"""

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from raw_peer import rogue_server
from raw_receipts import Signer
from real_nodes import Nodes
from signal_makers import make_signal
from symbolon.api.exchange.v1 import exchange_pb2 as pb
from symbolon.cli.local_coalition import COALITION, PURPOSE
from symbolon.exchange.derive import entry_masks
from symbolon.exchange.labels import SIGNAL_CHUNKS, Places
from symbolon.membership.signing_key import load_signing_key
from symbolon.oprf.key_schedule import KeyContext
from symbolon.oprf.suite import DEFAULT_SUITE, get_suite
from symbolon.policy.obligations import NOTHING
from symbolon.rpc.node import SIGNING_KEY_FILE, Node
from symbolon.signals.bundle import encode_bundle, signed_message
from symbolon.signals.released import release
from symbolon.signals.signal import Signal
from symbolon.suppliers.tier import Tier

TAG_BYTES = 14
ENTRY_BYTES = SIGNAL_CHUNKS.entry_bytes(TAG_BYTES)
BATCH = 64
EPOCH = 1
_SUITE = get_suite(DEFAULT_SUITE, "openssl")
_SECRET_BYTES = 32

Chunks = tuple[bytes, ...]


@dataclass
class Heard:
    """What a requester said in one call.

    Attributes:
        said: kind and length of each message in order.
        hello: the first, as it came.
        ended_s: when it had closed its side and the call was over, by `time.monotonic`.
    """

    said: list[tuple[str, int]] = field(default_factory=list)
    hello: pb.Hello = field(default_factory=pb.Hello)
    ended_s: float = 0.0

    def shape(self) -> tuple[object, ...]:
        """All of it that could tell of a hit: without the random, the signatures and the growing log."""
        plain = pb.Hello()
        plain.CopyFrom(self.hello)
        plain.ClearField("request")
        plain.session_id, plain.purpose = b"", ""
        said = tuple(each for each in self.said if each[0] != "hello")
        return (plain.SerializeToString(), said)

    @property
    def log_size(self) -> int:
        """Entries of the requester's audit log by then, as its checkpoint says."""
        return int(self.hello.request.checkpoint.split("\n")[1])


class RoguePublisher:
    """Serves lookups with sets of its own making, in one epoch.

    Args:
        nodes: the coalition.
        member: whose certificate and key it has.
        victim: the member that will ask.
        purpose: of the lookups.
    """

    def __init__(self, nodes: Nodes, member: str, victim: str, purpose: str = PURPOSE) -> None:
        self.nodes, self.member, self.victim, self.purpose = nodes, member, victim, purpose
        self._key = load_signing_key(nodes.home(member) / SIGNING_KEY_FILE)
        self._signer = Signer(nodes.home(member), COALITION, member, victim)
        self._secret = _SUITE.derive_key(os.urandom(64), b"rogue")
        self.deltas: list[list[bytes]] = []
        self.withdrawn: list[bytes] = []
        self.calls: list[Heard] = []

    # --------------------------------------------------------------------------------------------- sets

    def keys_of(self, number: int) -> bytes:
        """The certain key of one supplier of the victim's list, by its place there: a guess that is right."""
        with Node(self.nodes.home(self.victim)) as node:
            table = node.suppliers.load_keys(Tier.A)
            (record,) = node.suppliers.list(number, 1)
            place = int(np.flatnonzero(table.link_supplier == record.supplier_no)[0])
            return table.inputs[int(table.link_key[place])]

    def label(self, signal: Signal | None = None, **changes: Any) -> Chunks:
        """A label that it signs; of any signal, or one made up."""
        return self.signed(release(signal or make_signal(**changes), NOTHING))

    def signed(self, released: Any) -> Chunks:
        """A label of what is released."""
        return encode_bundle(released, self.sign)

    def sign(self, header: bytes) -> bytes:
        """Its signature over any header."""
        return self._key.sign(signed_message(COALITION, self.member, header))

    def entries(self, key: bytes, chunks: Sequence[bytes], slot: int = 0, delta: int = 0) -> list[bytes]:
        """Entries under a key, in slots that follow each other; of the next delta unless told otherwise."""
        number = delta or len(self.deltas) + 1
        output = _SUITE.evaluate(self._secret, [key], _SUITE.hash_to_curve([key]))
        names = (DEFAULT_SUITE, COALITION, self.member, self.victim, "signal", "lookup", "A", self.purpose)
        context = KeyContext(*names, EPOCH).encode()
        made = []
        for at, chunk in enumerate(chunks, slot):
            mask = entry_masks(output, at, TAG_BYTES, _SECRET_BYTES, SIGNAL_CHUNKS.use)
            places = Places(context, mask[:, :TAG_BYTES], np.array([at], "u1"), np.array([number], "u4"))
            row = np.frombuffer(chunk, "u1")[None]
            hidden = SIGNAL_CHUNKS.hide(mask[:, TAG_BYTES:], row, places, os.urandom)
            made.append(mask[0, :TAG_BYTES].tobytes() + hidden.tobytes())
        return made

    def publish(self, *entries: bytes, batch: int = BATCH) -> None:
        """Makes the next delta of some entries, with dummies up to the batch."""
        rows = [*entries, *(os.urandom(ENTRY_BYTES) for _ in range(batch - len(entries)))]
        self.deltas.append(sorted(rows, key=lambda row: row[:TAG_BYTES]))

    # ------------------------------------------------------------------------------------------ serving

    def answer(self, requests: Iterator[pb.AskRequest]) -> Iterator[pb.SenderMessage]:
        """See `raw_peer.rogue_server`; answers tier A."""
        heard = Heard()
        self.calls.append(heard)

        def listen() -> Iterator[pb.ReceiverMessage]:
            for request in requests:
                kind = request.message.WhichOneof("body")
                heard.said.append((kind, len(getattr(request.message, kind).SerializeToString())))
                yield request.message

        listening = listen()
        heard.hello = next(listening).hello
        (ask,) = heard.hello.tiers
        due = {number: rows for number, rows in enumerate(self.deltas, 1) if number > ask.have_delta}
        headers = [pb.DeltaHeader(number=number, entries=len(rows)) for number, rows in due.items()]
        offer = pb.TierOffer(tier="A", tag_bytes=TAG_BYTES, deltas=headers, withdrawn=len(self.withdrawn))
        yield pb.SenderMessage(accept=pb.Accept(epoch=EPOCH, tiers=[offer]))
        left = ask.elements
        while left:
            some = next(listening).elements
            left -= len(some.data) // 32
            data = _SUITE.blind_evaluate(self._secret, some.data)
            yield pb.SenderMessage(evaluated=pb.Evaluated(tier="A", offset=some.offset, data=data))
        for number, rows in due.items():
            for at in range(0, len(rows), 4096):
                data = b"".join(rows[at : at + 4096])
                yield pb.SenderMessage(entries=pb.Entries(tier="A", delta=number, offset=at, data=data))
        if self.withdrawn:
            data = b"".join(self.withdrawn)
            yield pb.SenderMessage(withdrawn=pb.Withdrawn(tier="A", offset=0, data=data))
        sent = {"A": sum(len(rows) for rows in due.values())}
        yield pb.SenderMessage(finish=self._signer.finish(heard.hello, sent))
        # Whatever else it says, up to the end.
        for _ in listening:
            pass
        heard.ended_s = time.monotonic()


@contextlib.contextmanager
def rogue_publishing(nodes: Nodes, member: str) -> Iterator[list[RoguePublisher]]:
    """Serves as a member: calls are answered by the last of the publishers in the list."""
    publishers: list[RoguePublisher] = []
    with rogue_server(nodes, member, lambda requests: publishers[-1].answer(requests)):
        yield publishers
