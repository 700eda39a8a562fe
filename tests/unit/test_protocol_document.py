"""docs/PROTOCOL.md is enough to write a second implementation from.

tests/reference is one, written from the document and without symbolon. Here its ends talk to those of the
node through the wire's bytes, in both directions and both modes, and every number of the worked example in
the document is computed by both.
"""

import base64
import dataclasses
import hashlib
import random
import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from reference import arithmetic, ends, wire
from symbolon.api.exchange.v1 import exchange_pb2 as pb
from symbolon.config import BudgetConfig, ExchangeConfig
from symbolon.errors import InvalidElementError
from symbolon.exchange import limits, sender_set
from symbolon.exchange.derive import entry_masks
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
    tokens,
)
from symbolon.membership.member_list import open_member_list
from symbolon.oprf.key_schedule import KeyContext
from symbolon.oprf.suite import DEFAULT_SUITE, get_suite
from symbolon.rpc import codec
from symbolon.suppliers.key_schemes import key_rules
from symbolon.suppliers.tier import Tier
from unit.exchange.harness import packed_inputs

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENT = (ROOT / "docs" / "PROTOCOL.md").read_text(encoding="utf-8")
SUITE = get_suite(DEFAULT_SUITE, "openssl")
NAMES = ends.Names("example-coalition", "alder-textiles", "birch-ngo", "due-diligence")
SEED = bytes(range(64))
SCHEMES = set(re.findall(r"`([a-z-]+\.\d+)`", (ROOT / "docs" / "matching.md").read_text(encoding="utf-8")))
RULES = arithmetic.key_rules(SCHEMES)


def block(kind):
    """The fenced block of the document that is marked so."""
    (found,) = re.findall(rf"```{kind}\n(.*?)```", DOCUMENT, re.DOTALL)
    return found


VECTOR = tomllib.loads(block("toml"))
KEYS = VECTOR["key"]


def hexed(table, *names):
    return [bytes.fromhex(table[name]) for name in names]


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


def to_receiver(message):
    return codec.decode_sender(pb.SenderMessage.FromString(message))


def to_sender(message):
    return codec.decode_receiver(pb.ReceiverMessage.FromString(message))


def from_receiver(message):
    return codec.encode_receiver(message).SerializeToString()


def from_sender(message):
    return codec.encode_sender(message).SerializeToString()


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
            SUITE, key, table, plan, number=number, tag_bytes=width, handles=rows, rng=self.rng,
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
    receiver.receive(from_sender(sender.finish()))


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
        for key_id, handle in zip(standing.key_ids.tolist(), standing.handles.tolist(), strict=True):
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
    receiver.receive(from_sender(sender.finish()))
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


def test_worked_example_key_schedule_is_what_both_implementations_derive():
    seed, context, k = hexed(VECTOR, "seed", "context", "k")
    assert NAMES.context("intersection", "A", 1) == context
    assert arithmetic.derive_key(seed, context) == k
    assert KeyContext.parse(context).encode() == context
    assert SUITE.derive_key(seed, context) == k


@pytest.mark.parametrize("number", range(3))
def test_worked_example_key_is_what_the_reference_computes(number):
    data, point, r, r_prime, blinded, evaluated, n, output, token = hexed(
        KEYS[number], "input", "point", "r", "r_prime", "blinded", "evaluated", "n", "output", "size_token"
    )
    k = bytes.fromhex(VECTOR["k"])
    assert arithmetic.hash_to_curve(data) == point
    assert arithmetic.clamp(_draw("blind", number, 32)) == r
    assert arithmetic.unblinding_scalar(r) == r_prime
    assert arithmetic.multiply(r, point) == blinded
    assert arithmetic.multiply(k, blinded) == evaluated
    assert arithmetic.multiply(r_prime, evaluated) == n == arithmetic.multiply(k, point)
    assert arithmetic.output(data, n) == output
    assert arithmetic.size_token(n) == token


def test_worked_example_keys_are_what_the_node_computes():
    columns = [
        b"".join(bytes.fromhex(each[name]) for each in KEYS)
        for name in ("point", "r", "r_prime", "blinded", "evaluated", "n", "output", "size_token")
    ]
    point, r, r_prime, blinded, evaluated, n, output, token = columns
    inputs = [bytes.fromhex(each["input"]) for each in KEYS]
    k = bytes.fromhex(VECTOR["k"])
    blinds = SUITE.prepare_blinds(3, lambda length: r[:length])
    assert SUITE.hash_to_curve(inputs) == point
    assert blinds.inverses.tobytes() == r_prime
    assert SUITE.blind(point, blinds) == blinded
    assert SUITE.blind_evaluate(k, blinded) == evaluated
    assert SUITE.unblind(evaluated, blinds) == n
    assert SUITE.finalize(inputs, evaluated, blinds) == output == SUITE.evaluate(k, inputs, point)
    assert tokens(n, 32).tobytes() == token


@pytest.mark.parametrize("number", range(4))
def test_worked_example_entry_is_what_both_implementations_make(number):
    row = VECTOR["entry"][number]
    data, handle, stream, entry = hexed(row, "input", "handle", "stream", "entry")
    k, width = bytes.fromhex(VECTOR["k"]), VECTOR["tag_bytes"]
    output = arithmetic.output(data, arithmetic.multiply(k, arithmetic.hash_to_curve(data)))
    assert arithmetic.entry_stream(output, row["slot"]) == stream
    assert entry == stream[:width] + arithmetic.xor(handle, stream[32:])
    mask = entry_masks(SUITE.evaluate(k, [data], SUITE.hash_to_curve([data])), row["slot"], width).tobytes()
    assert entry == mask[:width] + arithmetic.xor(handle, mask[width:])


def _draw(use, number, length):
    return hashlib.sha512(f"symbolon vector {use}".encode() + number.to_bytes(4, "big")).digest()[:length]


def _sha256(data):
    return hashlib.sha256(data).hexdigest()


def test_key_rules_of_the_documented_schemes_are_those_of_the_node():
    assert " ".join(sorted(SCHEMES)) == key_rules()
    assert fingerprint(key_rules()) == RULES


def test_worked_example_messages_are_what_both_implementations_write():
    expected = VECTOR["message"]
    rules = bytes.fromhex(VECTOR["key_rules"])
    assert rules == fingerprint(VECTOR["rules"]) == arithmetic.key_rules(VECTOR["rules"].split())
    fields = {
        "session_id": bytes.fromhex(VECTOR["session_id"]),
        "suite": DEFAULT_SUITE,
        "coalition": NAMES.coalition,
        "area": "match",
        "mode": "intersection",
        "purpose": NAMES.purpose,
        "tiers": [{"tier": "A", "elements": 64}],
        "key_rules": rules,
    }
    hello = bytes.fromhex(expected["hello"])
    assert wire.say(wire.RECEIVER_SAYS, "Hello", fields) == hello == from_receiver(to_sender(hello))
    width = VECTOR["tag_bytes"]
    offer = {"tier": "A", "tag_bytes": width, "deltas": [{"number": 1, "entries": 64}]}
    accept = bytes.fromhex(expected["accept"])
    said = {"epoch": 1, "tiers": [offer], "key_rules": rules}
    assert wire.say(wire.SENDER_SAYS, "Accept", said) == accept
    assert from_sender(to_receiver(accept)) == accept
    finish = bytes.fromhex(expected["finish"])
    assert wire.say(wire.SENDER_SAYS, "Finish", {}) == finish == from_sender(to_receiver(finish))

    elements = {each["place"]: bytes.fromhex(each["blinded"]) for each in KEYS}
    dummies = (arithmetic.multiply(_draw("dummy", n, 32), arithmetic.BASE) for n in range(61))
    asked = b"".join(elements.get(place) or next(dummies) for place in range(64))
    message = wire.say(wire.RECEIVER_SAYS, "Elements", {"tier": "A", "data": asked})
    assert _sha256(message) == expected["elements_sha256"]
    evaluated = SUITE.blind_evaluate(bytes.fromhex(VECTOR["k"]), to_sender(message).data)
    answer = wire.say(wire.SENDER_SAYS, "Evaluated", {"tier": "A", "data": evaluated})
    assert _sha256(answer) == expected["evaluated_sha256"]
    entries = [bytes.fromhex(each["entry"]) for each in VECTOR["entry"]]
    entries += [_draw("entry", n, width + 6) for n in range(60)]
    sent = wire.say(wire.SENDER_SAYS, "Entries", {"tier": "A", "delta": 1, "data": b"".join(sorted(entries))})
    assert _sha256(sent) == expected["entries_sha256"] == _sha256(from_sender(to_receiver(sent)))


def test_example_member_list_opens_under_the_key_in_the_document():
    (key_hex,) = re.findall(r"public key `([0-9a-f]{64})`", DOCUMENT)
    document = block("text member-list").encode("ascii")
    opened = open_member_list(document, Ed25519PublicKey.from_public_bytes(bytes.fromhex(key_hex)))
    assert [member.member_id for member in opened.members] == ["alder-textiles", "birch-ngo"]
    assert opened.version == 7
    assert opened.expires == datetime(2026, 12, 1, tzinfo=UTC)
    frame, signature, body = document.split(b"\n", 2)
    Ed25519PublicKey.from_public_bytes(bytes.fromhex(key_hex)).verify(
        base64.b64decode(signature), frame + b"\n" + body
    )


@pytest.mark.parametrize("count", [*range(0, 3000, 7), 2**17 - 1, 2**17, 2**17 + 1, 1_000_000, 2**24])
def test_padding_class_is_the_same_in_both_implementations(count):
    assert arithmetic.padded(count) == padded_count(count)


@pytest.mark.parametrize("elements", [64, 1000, 131_072, 1 << 24])
@pytest.mark.parametrize("entries", [64, 4096, 99_999, 1 << 20, 1 << 25])
def test_tag_length_is_the_same_in_both_implementations(elements, entries):
    assert arithmetic.tag_length(elements, entries) == tag_bytes_for(elements, entries)


@pytest.mark.parametrize("u", [*arithmetic.LOW_ORDER, arithmetic.P - 1, arithmetic.P - 9, 2**255 - 1])
def test_element_that_the_document_refuses_is_refused_by_both_implementations(u):
    element = u.to_bytes(32, "little")
    with pytest.raises(arithmetic.RefusedError):
        arithmetic.check_element(element)
    with pytest.raises(InvalidElementError):
        SUITE.check_elements(element)


def test_limits_in_the_document_are_those_of_the_node():
    rows = re.findall(r"^\| `([A-Z_]+)` \| ([0-9,.]+) \|", DOCUMENT, re.MULTILINE)
    assert len(rows) >= 8
    for name, value in rows:
        assert getattr(limits, name) == float(value.replace(",", "")), name


def test_a_sender_at_work_says_so_well_within_the_shortest_timeout_and_often_enough_for_the_longest():
    fields = {each.name: each.metadata for each in dataclasses.fields(ExchangeConfig)}
    shortest_s, longest_s = fields["idle_timeout_s"]["low"], fields["session_timeout_s"]["high"]
    assert shortest_s >= 4 * limits.WORKING_EVERY_S
    assert longest_s * 2 < limits.WORKING_EVERY_S * limits.MAX_WORKING


def test_budget_defaults_in_the_document_are_those_of_the_configuration():
    (row,) = re.findall(
        r"Defaults: ([0-9,]+) in (\d+) days, ([0-9,]+) a year, ([0-9,]+) a year over all", DOCUMENT
    )
    stated = tuple(int(each.replace(",", "")) for each in row)
    budget = BudgetConfig()
    assert stated == (
        budget.per_window,
        budget.window_days,
        budget.per_member_year,
        budget.all_members_year,
    )


def test_codes_in_the_document_are_those_that_the_node_sends():
    source = "\n".join(path.read_text() for path in (ROOT / "node" / "symbolon").rglob("*.py"))
    codes = set(re.findall(r'code="(protocol\.[a-z_]+|permission\.[a-z_]+|unavailable\.[a-z_]+)"', source))
    codes |= set(re.findall(r'^    code = "(protocol[a-z_.]*|permission\.[a-z]+)"', source, re.MULTILINE))
    local = {"protocol", "protocol.local", "protocol.remote", "protocol.refused"}
    assert {code for code in codes - local if f"`{code}`" not in DOCUMENT} == set()


def test_elements_message_of_the_reference_is_one_that_the_node_reads():
    receiver = ends.Receiver(NAMES, "A", live_keys(FIRST_OWN), rng_of("receiver"))
    receiver.start()
    (message,) = receiver.elements()
    read = to_sender(message)
    assert isinstance(read, Elements)
    assert (read.tier, read.offset, len(read.data)) == ("A", 0, 64 * 32)


@pytest.mark.parametrize("name", ["PROTOCOL.md", "THREAT_MODEL.md", "OPERATIONS.md"])
def test_document_names_only_files_and_headings_that_exist(name):
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]*)(?:#[^)]*)?\)", text):
        assert not target or (ROOT / "docs" / target).exists(), target
    for heading in re.findall(r"\]\(#([^)]*)\)", text):
        headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
        assert heading in {re.sub(r"[^a-z0-9 -]", "", each.lower()).replace(" ", "-") for each in headings}
    tests = {path.name for path in (ROOT / "tests").rglob("test_*.py")}
    assert set(re.findall(r"\btest_[a-z0-9_]+\.py\b", text)) <= tests
