"""docs/PROTOCOL.md is enough to write a second implementation from.

tests/reference is one, written from the document and without symbolon. Here its ends talk to those of the
node through the wire's bytes, in both directions and both modes.
"""

import random

import numpy as np

from reference import ends
from symbolon.exchange import sender_set
from symbolon.exchange.key_table import KeyTable
from symbolon.exchange.limits import SIZE_TOKEN_BYTES
from symbolon.exchange.messages import DeltaHeader, Elements, Hello, TierAsk, TierOffer
from symbolon.exchange.padding import padded_count
from symbolon.exchange.receiver import AskedKeys, Receiver
from symbolon.exchange.receiver_set import NO_HITS, NO_OUTPUTS, join
from symbolon.exchange.rules_agreement import compare, fingerprint
from symbolon.exchange.sender import Sender
from symbolon.exchange.sender_set import Released, build_delta, plan_delta, tag_bytes_for
from symbolon.exchange.size_mode import (
    SizeReceiver,
    declared_elements,
    distinct_points,
    record_groups,
    sender_tokens,
)
from symbolon.oprf.key_schedule import KeyContext
from symbolon.oprf.suite import DEFAULT_SUITE
from symbolon.suppliers.key_schemes import key_rules
from symbolon.suppliers.tier import Tier
from unit.exchange.harness import packed_inputs
from unit.protocol_harness import NAMES, RULES, SUITE, from_receiver, from_sender, to_receiver, to_sender

SEED = bytes(range(64))


def rng_of(seed):
    return random.Random(repr(seed)).randbytes


def table_of(suppliers, tier="A"):
    """The node's key table of a list: supplier number to key bytes."""
    holders = {}
    for supplier, keys in suppliers.items():
        for key in keys:
            holders.setdefault(key, set()).add(supplier)
    points = {key: SUITE.hash_to_curve([key]) for key in holders}
    ordered = sorted(holders, key=lambda key: int.from_bytes(points[key][:8], "little"))
    links = [(at, supplier) for at, key in enumerate(ordered) for supplier in sorted(holders[key])]
    return KeyTable(
        Tier(tier),
        packed_inputs(ordered),
        np.frombuffer(b"".join(points[key] for key in ordered), np.uint8).reshape(-1, 32),
        np.arange(len(ordered)),
        np.array([int.from_bytes(points[key][:8], "little") for key in ordered], np.uint64),
        np.array([at for at, _ in links], np.int64),
        np.array([supplier for _, supplier in links], np.uint64),
    )


def live_keys(suppliers):
    every = [key for keys in suppliers.values() for key in set(keys)]
    return {key for key in every if every.count(key) <= 4}


def records_of(suppliers):
    """The same list as the reference sender takes it."""
    return {
        key: {str(supplier) for supplier, keys in suppliers.items() if key in keys}
        for keys in suppliers.values()
        for key in keys
    }


class NodeSender:
    """The node's sender with the state that its database would keep for one set and epoch."""

    def __init__(self, rng):
        self.rng = rng
        self.handles = {}
        self.released = None
        self.deltas = {}

    def session(self, hello, suppliers):
        """Yields what the sender says; takes the receiver's messages by `send`."""
        (ask,) = hello.tiers
        table = table_of(suppliers)
        context = KeyContext(
            DEFAULT_SUITE, NAMES.coalition, NAMES.sender, NAMES.receiver, "match", hello.mode, ask.tier,
            NAMES.purpose, 1,
        )  # fmt: skip
        key = SUITE.derive_key(SEED, context.encode())
        if self.released is None:
            whole = padded_count(
                sum(len(names) for names in records_of(suppliers).values() if len(names) <= 4)
            )
            self.released = Released.nothing(tag_bytes_for(2 * ask.elements, 2 * whole))
        width = self.released.tag_bytes
        plan = plan_delta(table, sender_set.live_keys(table), self.released, additions=True, rng=self.rng)
        told = []
        number = max(self.deltas, default=0) + 1
        for supplier in plan.suppliers.tolist():
            self.handles.setdefault(supplier, self.rng(6))
        rows = np.frombuffer(
            b"".join(self.handles[each] for each in plan.suppliers.tolist()), np.uint8
        ).reshape(-1, 6)
        delta = build_delta(
            SUITE, key, table, plan, number=number, tag_bytes=width, labels=rows, rng=self.rng,
            made=told.append,
        )  # fmt: skip
        old, new = self.released, delta.added
        self.released = Released(
            width,
            np.concatenate([old.key_ids, new.key_ids]),
            np.concatenate([old.suppliers, new.suppliers]),
            np.concatenate([old.slots, new.slots]),
            old.tags + new.tags,
        )
        self.deltas[number] = delta.entries
        self.sent = {n: data for n, data in self.deltas.items() if n > ask.have_delta}
        headers = tuple(DeltaHeader(n, len(data) // (width + 6)) for n, data in self.sent.items())
        self.withdrawn = plan.withdrawn
        offer = TierOffer(ask.tier, width, headers, len(plan.withdrawn) // width)
        sender = Sender(hello, 1, (offer,), {ask.tier: key}, SUITE, self.rng, fingerprint(key_rules()))
        sender.made(ask.tier, sum(header.entries for header in headers) - plan.entries + told[-1])
        return sender

    def sets(self, sender, tier):
        yield sender.working(tier)
        for number, data in self.sent.items():
            yield from sender.entries(tier, number, data)
        yield from sender.withdrawn(tier, self.withdrawn)


def reference_asks_node(receiver, node, suppliers):
    """One session, reference receiver and node's sender."""
    hello = to_sender(receiver.start())
    sender = node.session(hello, suppliers)
    receiver.receive(from_sender(sender.accept()))
    for message in receiver.elements():
        for answer in sender.receive(to_sender(message)):
            receiver.receive(from_sender(answer))
    for message in node.sets(sender, receiver.tier):
        receiver.receive(from_sender(message))
    assert 0 < receiver.work.done == receiver.work.total
    receiver.receive(from_sender(sender.finish(b"{}", bytes(64))))


class NodeReceiver:
    """The node's receiver with the state that its database would keep for one set and epoch."""

    def __init__(self, rng):
        self.rng = rng
        self.own, self.hits, self.deltas, self.epoch = NO_OUTPUTS, NO_HITS, {}, 0

    def ask_reference(self, sender, suppliers):
        """One session; returns key to the handles that stand under it."""
        table = table_of(suppliers)
        live = np.array(
            [at for at, each in enumerate(table.inputs) if each in live_keys(suppliers)], np.int64
        )
        asked = AskedKeys(table, live[~np.isin(table.key_ids[live], self.own.key_ids)])
        ask = TierAsk("A", asked.declared, max(self.deltas, default=0))
        hello = Hello(
            self.rng(16), DEFAULT_SUITE, NAMES.coalition, "match", "intersection", NAMES.purpose,
            self.epoch, (ask,), key_rules=fingerprint(key_rules()),
        )  # fmt: skip
        receiver = Receiver(hello, {"A": asked}, SUITE, self.rng)
        sender.receive_hello(from_receiver(receiver.start()))
        receiver.receive(to_receiver(sender.accept()))
        for elements in receiver.elements():
            for answer in sender.receive(from_receiver(elements)):
                receiver.receive(to_receiver(answer))
        for message in sender.sets():
            receiver.receive(to_receiver(message))
        receiver.receive(to_receiver(sender.finish()))
        assert (receiver.key_rules, sender.same_rules) == ("same", True)
        result = receiver.results()["A"]
        old, new, opened = join(self.own, result.own, self.deltas, result.deltas, tag_bytes=result.tag_bytes)
        self.own = old.plus(new)
        self.hits, self.epoch = self.hits.plus(opened), receiver.epoch
        self.deltas.update(result.deltas)
        standing = self.hits.standing(table.key_ids[live], result.withdrawn, result.tag_bytes)
        of_id = dict(zip(table.key_ids.tolist(), table.inputs, strict=True))
        found = {}
        for key_id, handle in zip(standing.key_ids.tolist(), standing.labels.tolist(), strict=True):
            found.setdefault(of_id[key_id], set()).add(handle.to_bytes(6, "big"))
        return found


def in_the_clear(own, theirs, handles):
    """Own live key to the handles of the peer's records under it."""
    records = records_of(theirs)
    return {
        key: {handles[name] for name in records[key]} for key in live_keys(own) if key in live_keys(theirs)
    }


def key(name):
    return f"test\x1f{name}".encode()


FIRST_OWN = {
    1: [key("a"), key("b")],
    2: [key("c")],
    3: [key("d")],
    **{n: [key("many")] for n in range(9, 14)},
}
FIRST_THEIRS = {
    1: [key("a"), key("b")], 2: [key("b"), key("e")], 3: [key("c")], **{n: [key("x")] for n in range(9, 14)}
}  # fmt: skip
"""Shared: a, b (two records of theirs), c. `many` and `x` are crowded."""

LATER_OWN = {1: [key("a"), key("b")], 3: [key("d")], 4: [key("e"), key("f")]}
LATER_THEIRS = {1: [key("a")], 2: [key("b"), key("e")], 3: [key("c")], 5: [key("b"), key("d"), key("f")]}
"""b left record 1 and came to record 5; d and f are new; the receiver gave up c and learned of e and f."""


def test_intersection_reference_receiver_and_node_sender_agree_over_two_sessions():
    node = NodeSender(rng_of("sender"))
    receiver = ends.Receiver(NAMES, "A", live_keys(FIRST_OWN), rng_of("receiver"), RULES)
    reference_asks_node(receiver, node, FIRST_THEIRS)
    assert receiver.same_rules
    handles = {str(supplier): handle for supplier, handle in node.handles.items()}
    assert receiver.matches() == in_the_clear(FIRST_OWN, FIRST_THEIRS, handles)
    receiver.keys = live_keys(LATER_OWN)
    reference_asks_node(receiver, node, LATER_THEIRS)
    handles = {str(supplier): handle for supplier, handle in node.handles.items()}
    assert receiver.matches() == in_the_clear(LATER_OWN, LATER_THEIRS, handles)
    assert len(receiver.matches()[key("b")]) == 2
    assert receiver.withdrawn
    assert receiver.last_delta == 2


def test_intersection_node_receiver_and_reference_sender_agree_over_two_sessions():
    sender = ends.Sender(NAMES, "A", records_of(FIRST_THEIRS), rng_of("sender"), SEED, RULES)
    node = NodeReceiver(rng_of("receiver"))
    assert node.ask_reference(sender, FIRST_OWN) == in_the_clear(FIRST_OWN, FIRST_THEIRS, sender.handles)
    sender.records = records_of(LATER_THEIRS)
    assert node.ask_reference(sender, LATER_OWN) == in_the_clear(LATER_OWN, LATER_THEIRS, sender.handles)
    assert len(sender.deltas) == 2


def test_intersection_reference_with_itself_agrees_with_the_clear():
    sender = ends.Sender(NAMES, "A", records_of(FIRST_THEIRS), rng_of("sender"), SEED)
    receiver = ends.Receiver(NAMES, "A", live_keys(FIRST_OWN), rng_of("receiver"))
    sender.receive_hello(receiver.start())
    receiver.receive(sender.accept())
    for elements in receiver.elements():
        for answer in sender.receive(elements):
            receiver.receive(answer)
    for message in sender.sets():
        receiver.receive(message)
    receiver.receive(sender.finish())
    assert receiver.matches() == in_the_clear(FIRST_OWN, FIRST_THEIRS, sender.handles)


OWN_RECORDS = {number: [key(f"r{number}"), key("shared by some")] for number in range(1, 40)}
THEIR_RECORDS = {number: [key(f"r{number}")] for number in range(30, 70)}
SHARED = 10


def test_size_reference_receiver_and_node_sender_count_what_is_shared():
    records = [[each for each in keys if each in live_keys(OWN_RECORDS)] for keys in OWN_RECORDS.values()]
    receiver = ends.SizeReceiver(NAMES, "AB", records, rng_of("receiver"), RULES)
    hello = to_sender(receiver.start())
    rng = rng_of("sender")
    points = distinct_points([table_of(THEIR_RECORDS)], SUITE)
    declared = padded_count(len(points))
    offer = TierOffer("AB", SIZE_TOKEN_BYTES, (DeltaHeader(1, declared),))
    secret = SUITE.derive_key(rng(64), NAMES.context("size", "AB", 1))
    older = fingerprint("lei.0")
    sender = Sender(hello, 0, (offer,), {"AB": secret}, SUITE, rng, older)
    receiver.receive(from_sender(sender.accept()))
    for elements in receiver.elements():
        for answer in sender.receive(to_sender(elements)):
            receiver.receive(from_sender(answer))
    receiver.receive(from_sender(sender.working("AB")))
    made = sender_tokens(SUITE, secret, points, declared, rng, lambda made: sender.made("AB", made))
    receiver.receive(from_sender(sender.working("AB")))
    assert (receiver.work.done, receiver.work.heard) == (declared, 2)
    for message in sender.entries("AB", 1, made):
        receiver.receive(from_sender(message))
    receiver.receive(from_sender(sender.finish(b"{}", bytes(64))))
    assert receiver.count() == SHARED
    assert (receiver.same_rules, compare(older, hello.key_rules)) == (False, "different")


def test_size_node_receiver_and_reference_sender_count_what_is_shared():
    tables = [table_of(OWN_RECORDS)]
    groups = record_groups(tables, 4)
    rng = rng_of("receiver")
    hello = Hello(
        rng(16), DEFAULT_SUITE, NAMES.coalition, "match", "size", NAMES.purpose, 0,
        (TierAsk("A", declared_elements(len(groups), 4)),), 4, fingerprint(key_rules()),
    )  # fmt: skip
    receiver = SizeReceiver(hello, distinct_points(tables, SUITE), groups, SUITE, rng)
    sender = ends.SizeSender(NAMES, "A", records_of(THEIR_RECORDS), rng_of("sender"))
    sender.receive_hello(from_receiver(receiver.start()))
    receiver.receive(to_receiver(sender.accept()))
    for elements in receiver.elements():
        for answer in sender.receive(from_receiver(elements)):
            receiver.receive(to_receiver(answer))
    for message in sender.sets():
        receiver.receive(to_receiver(message))
    receiver.receive(to_receiver(sender.finish()))
    assert receiver.count() == SHARED
    assert (receiver.key_rules, sender.same_rules) == ("unknown", None)


def test_elements_message_of_the_reference_is_one_that_the_node_reads():
    receiver = ends.Receiver(NAMES, "A", live_keys(FIRST_OWN), rng_of("receiver"))
    receiver.start()
    (message,) = receiver.elements()
    read = to_sender(message)
    assert isinstance(read, Elements)
    assert (read.tier, read.offset, len(read.data)) == ("A", 0, 64 * 32)
