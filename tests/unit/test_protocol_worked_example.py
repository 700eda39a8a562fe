"""Every number of the worked example in docs/PROTOCOL.md is computed by the node and by tests/reference."""

import base64
import hashlib
import re
import tomllib
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from reference import arithmetic, wire
from symbolon.exchange.derive import entry_masks
from symbolon.exchange.rules_agreement import fingerprint
from symbolon.exchange.size_mode import tokens
from symbolon.membership.member_list import open_member_list
from symbolon.oprf.key_schedule import KeyContext
from symbolon.oprf.suite import DEFAULT_SUITE
from unit.protocol_harness import (
    DOCUMENT,
    NAMES,
    SUITE,
    block,
    from_receiver,
    from_sender,
    to_receiver,
    to_sender,
)

VECTOR = tomllib.loads(block("toml"))
KEYS = VECTOR["key"]


def hexed(table, *names):
    return [bytes.fromhex(table[name]) for name in names]


def _draw(use, number, length):
    return hashlib.sha512(f"symbolon vector {use}".encode() + number.to_bytes(4, "big")).digest()[:length]


def _sha256(data):
    return hashlib.sha256(data).hexdigest()


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
