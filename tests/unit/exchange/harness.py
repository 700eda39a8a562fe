"""Both ends of an exchange in one process: what the roles do, with lists in memory and no network.

Every message passes through its wire form and back. Lists are plain: a supplier number and the names of its
keys, so that a test can say in the clear what must come out.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from symbolon.api.exchange.v1 import exchange_pb2 as pb
from symbolon.errors import StaleEpochError
from symbolon.exchange.key_table import KeyTable, PackedInputs
from symbolon.exchange.labels import HANDLES
from symbolon.exchange.messages import (
    DeltaHeader,
    Hello,
    ReceiverMessage,
    SenderMessage,
    TierAsk,
    TierOffer,
)
from symbolon.exchange.padding import padded_count
from symbolon.exchange.receiver import AskedKeys, Receiver
from symbolon.exchange.receiver_set import NO_HITS, NO_OUTPUTS, Hits, OwnOutputs, join
from symbolon.exchange.sender import Sender
from symbolon.exchange.sender_set import DeltaPlan, Released, build_delta, live_keys, plan_delta
from symbolon.exchange.size_mode import SizeReceiver, declared_elements, distinct_points, record_groups
from symbolon.exchange.size_mode import sender_tokens as make_tokens
from symbolon.matching.evidence import Evidence, evidence
from symbolon.oprf.key_schedule import KeyContext
from symbolon.oprf.suite import DEFAULT_SUITE, get_suite
from symbolon.rpc import codec
from symbolon.suppliers.tier import Tier

SUITE = get_suite(DEFAULT_SUITE, "openssl")
PURPOSE = "due-diligence"
TAG_BYTES = 10
SIGNED = (b"{}", bytes(64))
"""Result and signature of a finish: the ends carry them and look at neither."""

Rng = Callable[[int], bytes]
SupplierList = Mapping[int, Iterable[str]]
"""Supplier number to the names of its keys."""


def rng_of(seed: object) -> Rng:
    """Random bytes that are the same in every run."""
    return random.Random(repr(seed)).randbytes


@lru_cache(maxsize=4096)
def _point(key: bytes) -> bytes:
    return SUITE.hash_to_curve([key])


def key_bytes(name: str, tier: str = "A") -> bytes:
    """The key as it is hashed: scheme, U+001F, value."""
    return f"scheme-{tier.lower()}\x1f{name}".encode()


def key_id(name: str, tier: str = "A") -> int:
    """The key's local number."""
    return int.from_bytes(_point(key_bytes(name, tier))[:8], "little")


def packed_inputs(inputs: Sequence[bytes]) -> PackedInputs:
    """Inputs in one buffer, in their order."""
    bounds = np.cumsum([0, *map(len, inputs)], dtype=np.int64)
    return PackedInputs(b"".join(inputs), bounds[:-1], bounds[1:])


def table_of(suppliers: SupplierList, tier: str = "A") -> KeyTable:
    """The key table of a list."""
    holders: dict[str, set[int]] = {}
    for supplier, names in suppliers.items():
        for name in names:
            holders.setdefault(name, set()).add(supplier)
    ordered = sorted(holders, key=lambda name: key_id(name, tier))
    inputs = [key_bytes(name, tier) for name in ordered]
    links = [(at, supplier) for at, name in enumerate(ordered) for supplier in sorted(holders[name])]
    return KeyTable(
        Tier(tier),
        packed_inputs(inputs),
        np.frombuffer(b"".join(_point(each) for each in inputs), np.uint8).reshape(-1, 32),
        np.arange(len(inputs)),
        np.array([key_id(name, tier) for name in ordered], np.uint64),
        np.array([at for at, _ in links], np.int64),
        np.array([supplier for _, supplier in links], np.uint64),
    )


def context_of(tier: str, epoch: int, mode: str = "intersection") -> bytes:
    """The encoded key context of a tier; both ends build it by themselves."""
    return KeyContext(SUITE.name, "grove", "sender", "receiver", "match", mode, tier, PURPOSE, epoch).encode()


def hello_of(tiers: tuple[TierAsk, ...], rng: Rng, *, epoch: int = 0, mode: str = "intersection") -> Hello:
    group = {"A": 4, "B": 4, "AB": 8}[tiers[0].tier] if mode == "size" else 0
    return Hello(rng(16), SUITE.name, "grove", "match", mode, PURPOSE, epoch, tiers, group)


@dataclass
class Answering:
    """A sender's session that is ready to open, and what it will say besides the evaluations."""

    sender: Sender
    plans: dict[str, DeltaPlan] = field(default_factory=dict)
    deltas: dict[str, dict[int, bytes]] = field(default_factory=dict)
    withdrawn: dict[str, bytes] = field(default_factory=dict)

    def streams(self) -> list[Iterator[SenderMessage]]:
        """Entries and withdrawals, each run in order."""
        runs: list[Iterator[SenderMessage]] = [
            self.sender.entries(tier, number, data)
            for tier, deltas in self.deltas.items()
            for number, data in deltas.items()
        ]
        return runs + [self.sender.withdrawn(tier, data) for tier, data in self.withdrawn.items() if data]


class SenderEnd:
    """A sender with its key epoch, handles and released sets in memory."""

    def __init__(self, rng: Rng, tag_bytes: int = TAG_BYTES) -> None:
        self.rng = rng
        self.tag_bytes = tag_bytes
        self.epoch = 0
        self.new_epoch()

    def new_epoch(self) -> None:
        self.epoch += 1
        self.seed = self.rng(64)
        self.released: dict[str, Released] = {}
        self.deltas: dict[str, dict[int, bytes]] = {}
        self.handles: dict[int, int] = {}

    def handle(self, supplier: int) -> int:
        if supplier not in self.handles:
            self.handles[supplier] = int.from_bytes(self.rng(6))
        return self.handles[supplier]

    def key(self, tier: str) -> bytes:
        """k of a tier in the live epoch."""
        return SUITE.derive_key(self.seed, context_of(tier, self.epoch))

    def answer(self, hello: Hello, tables: Mapping[str, KeyTable], *, due: bool = True) -> Answering:
        """What `sender_role` does between the hello and the first entry."""
        if hello.epoch not in (0, self.epoch):
            raise StaleEpochError("not the live epoch")
        offers, keys = [], {}
        plans, sets, gone = {}, {}, {}
        for ask in hello.tiers:
            tier, table = ask.tier, tables[ask.tier]
            released = self.released.get(tier, Released.nothing(self.tag_bytes))
            deltas = self.deltas.setdefault(tier, {})
            plan = plan_delta(table, live_keys(table), released, additions=due, rng=self.rng)
            keys[tier] = self.key(tier)
            if plan.entries:
                number = max(deltas, default=0) + 1
                handles = b"".join(self.handle(each).to_bytes(6) for each in plan.suppliers.tolist())
                delta = build_delta(
                    SUITE,
                    keys[tier],
                    table,
                    plan,
                    number=number,
                    tag_bytes=self.tag_bytes,
                    labels=np.frombuffer(handles, np.uint8).reshape(-1, 6),
                    rng=self.rng,
                )
                deltas[number] = delta.entries
                self.released[tier] = _grown(released, delta.added)
            sent = {number: data for number, data in deltas.items() if number > ask.have_delta}
            width = HANDLES.entry_bytes(self.tag_bytes)
            headers = tuple(DeltaHeader(number, len(data) // width) for number, data in sent.items())
            offers.append(TierOffer(tier, self.tag_bytes, headers, len(plan.withdrawn) // self.tag_bytes))
            plans[tier], sets[tier], gone[tier] = plan, sent, plan.withdrawn
        sender = Sender(hello, self.epoch, tuple(offers), keys, SUITE, self.rng)
        return Answering(sender, plans, sets, gone)


def _grown(released: Released, added: Released) -> Released:
    return Released(
        released.tag_bytes,
        np.concatenate([released.key_ids, added.key_ids]),
        np.concatenate([released.suppliers, added.suppliers]),
        np.concatenate([released.slots, added.slots]),
        released.tags + added.tags,
        released.entries + added.entries,
    )


@dataclass
class Held:
    """What a receiver holds of one tier of a sender's set."""

    own: OwnOutputs = NO_OUTPUTS
    hits: Hits = NO_HITS
    deltas: dict[int, bytes] = field(default_factory=dict)


class ReceiverEnd:
    """A receiver with what it holds of one sender's sets in memory."""

    def __init__(self, rng: Rng) -> None:
        self.rng = rng
        self.forget()

    def forget(self) -> None:
        self.epoch = 0
        self.held: dict[str, Held] = {}

    def ask(self, tables: Mapping[str, KeyTable]) -> Receiver:
        """What `receiver_labels` does before the hello."""
        asked = {}
        for tier, table in tables.items():
            keys = live_keys(table).keys
            keys = keys[~np.isin(table.key_ids[keys], self.held.get(tier, Held()).own.key_ids)]
            held = sum(map(len, self.held.get(tier, Held()).deltas.values())) // HANDLES.entry_bytes(
                TAG_BYTES
            )
            asked[tier] = AskedKeys(table, keys, held)
        asks = tuple(
            TierAsk(tier, keys.declared, max(self.held.get(tier, Held()).deltas, default=0))
            for tier, keys in asked.items()
        )
        return Receiver(hello_of(asks, self.rng, epoch=self.epoch), asked, SUITE, self.rng)

    def conclude(self, session: Receiver, tables: Mapping[str, KeyTable]) -> dict[str, Evidence]:
        """What `receiver_labels` does once the sender has finished."""
        self.epoch = session.epoch
        found = {}
        for tier, result in session.results().items():
            held, table = self.held.setdefault(tier, Held()), tables[tier]
            new = result.own
            old, new, opened = join(held.own, new, held.deltas, result.deltas, tag_bytes=result.tag_bytes)
            held.own = old.plus(new)
            held.hits = held.hits.plus(opened)
            held.deltas.update(result.deltas)
            current = table.key_ids[live_keys(table).keys]
            found[tier] = evidence(held.hits.standing(current, result.withdrawn, result.tag_bytes), table)
        return found


@dataclass
class Transcript:
    """Every message of a session in its wire form, by direction, in order."""

    said: list[bytes] = field(default_factory=list)
    heard: list[bytes] = field(default_factory=list)

    def to_sender(self, message: ReceiverMessage) -> ReceiverMessage:
        self.said.append(codec.encode_receiver(message).SerializeToString())
        return codec.decode_receiver(pb.ReceiverMessage.FromString(self.said[-1]))

    def to_receiver(self, message: SenderMessage) -> SenderMessage:
        self.heard.append(codec.encode_sender(message).SerializeToString())
        return codec.decode_sender(pb.SenderMessage.FromString(self.heard[-1]))


def converse(
    receiver: Receiver | SizeReceiver,
    answer: Callable[[Hello], Answering],
    *,
    schedule: random.Random | None = None,
) -> Transcript:
    """Runs a session to its end.

    Args:
        receiver: not yet started.
        answer: makes the sender's session of the hello.
        schedule: mixes evaluations and sets; without it they follow one another.
    """
    transcript = Transcript()
    hello = transcript.to_sender(receiver.start())
    assert isinstance(hello, Hello)
    answering = answer(hello)
    receiver.receive(transcript.to_receiver(answering.sender.accept()))

    def evaluations() -> Iterator[SenderMessage]:
        for message in receiver.elements():
            yield from answering.sender.receive(transcript.to_sender(message))

    runs = [evaluations(), *answering.streams()]
    while runs:
        run = schedule.choice(runs) if schedule else runs[0]
        message = next(run, None)
        if message is None:
            runs.remove(run)
        else:
            receiver.receive(transcript.to_receiver(message))
    receiver.receive(transcript.to_receiver(answering.sender.finish(*SIGNED)))
    return transcript


def size_receiver(tables: list[KeyTable], rng: Rng) -> SizeReceiver:
    """A size session over the tables asked together."""
    tiers = "".join(table.tier.value for table in tables)
    group = 8 if len(tiers) == 2 else 4
    groups = record_groups(tables, group)
    hello = hello_of((TierAsk(tiers, declared_elements(len(groups), group)),), rng, mode="size")
    return SizeReceiver(hello, distinct_points(tables, SUITE), groups, SUITE, rng)


def size_answer(hello: Hello, tables: list[KeyTable], rng: Rng) -> Answering:
    """The sender's side of a size session."""
    tier = hello.tiers[0].tier
    key = SUITE.derive_key(rng(64), context_of(tier, 1, "size"))
    points = distinct_points(tables, SUITE)
    declared = padded_count(len(points))
    offer = TierOffer(tier, 16, (DeltaHeader(1, declared),))
    sender = Sender(hello, 0, (offer,), {tier: key}, SUITE, rng)
    return Answering(sender, deltas={tier: {1: make_tokens(SUITE, key, points, declared, rng)}})


def script_of(receiver: Receiver | SizeReceiver, answer: Callable[[Hello], Answering]) -> list[SenderMessage]:
    """All messages an honest sender has for a session, in order, after all elements were asked.

    The receiver is left waiting for the first of them.
    """
    answering = answer(receiver.start())
    script: list[SenderMessage] = [answering.sender.accept()]
    for message in receiver.elements():
        script += answering.sender.receive(message)
    for run in answering.streams():
        script += run
    return [*script, answering.sender.finish(*SIGNED)]
