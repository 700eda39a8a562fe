"""Every number of the worked example in docs/PROTOCOL.md is computed by the node and by tests/reference."""

import hashlib
import json
import re
import tomllib
from datetime import UTC, date, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from reference import arithmetic, membership, wire
from symbolon.exchange.derive import entry_masks
from symbolon.exchange.rules_agreement import fingerprint
from symbolon.exchange.size_mode import tokens
from symbolon.membership.act_application import apply_acts
from symbolon.membership.acts import Amend
from symbolon.membership.coalition_roles import key_id, read_root, root_fingerprint
from symbolon.membership.invitation_code import InvitationCode
from symbolon.membership.invitation_identity import invitation_key, join_proof, verify_join_proof
from symbolon.membership.member_statement import (
    Place,
    SignedStatement,
    decode_statement,
    encode_statement,
    sign_statement,
    verify_statement,
)
from symbolon.membership.members_document import (
    decode_members,
    encode_members,
    entry_sha256,
    members_sha256,
)
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
    assert (
        wire.say(wire.SENDER_SAYS, "Finish", {"result": b"{}", "signature": bytes(64)})
        == finish
        == from_sender(to_receiver(finish))
    )

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


MEMBERS = block("json members").encode("ascii")
INVITATION = tomllib.loads(block("toml invitation"))
CODE = block("text invitation").strip()
SIGNING_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def test_worked_example_members_are_what_both_implementations_write():
    opened = decode_members(MEMBERS)
    assert encode_members(opened) == MEMBERS == membership.canonical(json.loads(MEMBERS))
    assert [each.member_id for each in opened.members] == ["alder-textiles", "birch-ngo"]
    assert opened.is_expelled("cedar-mills")
    birch = opened.find("birch-ngo")
    assert birch.signing_key == SIGNING_KEY.public_key().public_bytes_raw()
    (document, entry) = re.findall(r"SHA-256 of the document is `(\w+)`, of the entry .* `(\w+)`:", DOCUMENT)[
        0
    ]
    assert hashlib.sha256(MEMBERS).hexdigest() == members_sha256(opened).hex() == document
    assert entry_sha256(birch).hex() == membership.entry_sha256(MEMBERS, "birch-ngo").hex() == entry
    # It holds by the rules that stand there.
    opened.require("birch-ngo", date(2026, 11, 1))


def test_worked_example_statement_is_what_both_implementations_sign():
    opened, document = decode_members(MEMBERS), block("json statement").encode("ascii")
    signature = bytes.fromhex(re.findall(r"with the signature `([0-9a-f]{128})`", DOCUMENT)[0])
    asks = {"place": {"endpoint": "birch.example:7443", "relay_endpoint": "", "relays": []}}
    entry = membership.entry_sha256(MEMBERS, "birch-ngo")
    written, message = membership.statement("example-coalition", "birch-ngo", entry, asks)
    assert written == document
    assert SIGNING_KEY.sign(message) == signature
    SIGNING_KEY.public_key().verify(signature, message)
    signed = sign_statement(opened, "birch-ngo", Place("birch.example:7443", (), ""), SIGNING_KEY)
    assert (encode_statement(signed.statement), signed.signature) == (document, signature)
    assert verify_statement(opened, SignedStatement(decode_statement(document), signature)).relays
    moved = apply_acts(opened, [Amend(signed)], today=date(2026, 11, 1)).find("birch-ngo")
    assert moved.endpoint == "birch.example:7443"


def test_worked_example_invitation_is_what_both_implementations_read_and_derive():
    fields, code = membership.read_code(CODE), InvitationCode.decode(CODE)
    assert code.encode() == CODE
    assert fields == {
        "coalition": "example-coalition",
        "member_id": "dogwood-co",
        "sponsor": "alder-textiles",
        "endpoints": ["alder.example:7443"],
        "root_version": 1,
        "root_fingerprint": bytes.fromhex(INVITATION["root_fingerprint"]),
        "expires": int(datetime(2026, 12, 1, tzinfo=UTC).timestamp()),
        "secret": bytes(range(16)),
    }
    assert (code.member_id, code.sponsor, code.secret) == ("dogwood-co", "alder-textiles", bytes(range(16)))
    assert code.root_sha256.hex() == INVITATION["root_fingerprint"]
    assert code.stored_hash.hex() == membership.stored_hash(fields).hex() == INVITATION["stored_hash"]
    key, proof = hexed(INVITATION, "invitation_key", "proof")
    assert invitation_key(code) == membership.invitation_key(fields) == key
    key_sha256, signing_key = bytes.fromhex("dd" * 32), SIGNING_KEY.public_key().public_bytes_raw()
    membership.verify_ecdsa(key, proof, membership.proved(fields, key_sha256, signing_key))
    for made in (proof, join_proof(code, key_sha256, signing_key)):
        verify_join_proof(
            key,
            made,
            coalition=code.coalition,
            member_id=code.member_id,
            key_sha256=key_sha256,
            signing_key=signing_key,
        )
    made = join_proof(code, key_sha256, signing_key)
    membership.verify_ecdsa(key, made, membership.proved(fields, key_sha256, signing_key))


def test_worked_example_root_has_the_fingerprint_that_the_code_pins():
    signed_part = block("json root").strip().encode("ascii")
    assert hashlib.sha256(signed_part).hexdigest() == INVITATION["root_fingerprint"]
    root = b'{"signatures":[],"signed":' + signed_part + b"}"
    assert root_fingerprint(root).hex() == INVITATION["root_fingerprint"]
    (founder,) = read_root(root).founders
    assert founder.member_id == "alder-textiles"
    named = json.loads(signed_part)["x-symbolon-founders"]["alder-textiles"]
    assert membership.key_id(founder.root_key) == key_id(founder.root_key) == named["root"]
    assert membership.key_id(founder.metadata_key) == named["metadata"]
