"""Documents of the audit log: two-way, and any byte altered is refused or shows in their hash."""

import dataclasses

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from coalition_founders import Repository
from policy_material import ALLOW_ALL, decider, request
from symbolon.audit.decision_record import DecisionRecord, parse_record
from symbolon.audit.entry import (
    FIELDS,
    SALT_BYTES,
    SALTS_BYTES,
    Entry,
    commitments,
    leaf_bytes,
    require_opening,
)
from symbolon.audit.receipt import (
    Result,
    decode_result,
    request_document,
    sign_request,
    sign_result,
    verify_request,
    verify_result,
)
from symbolon.errors import AuditError, MembershipError
from symbolon.exchange.limits import MAX_ELEMENTS, MIN_PADDED
from symbolon.exchange.messages import Hello, SignedRequest, TierAsk
from symbolon.membership.canonical_json import encode_canonical
from symbolon.membership.coalition_document import read_coalition_document, verify_roots
from symbolon.membership.coalition_roles import root_fingerprint
from symbolon.policy.request import PolicyRequest

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()
HEX = st.binary(min_size=32, max_size=32).map(bytes.hex)
TEXTS = st.text(max_size=40)
COUNTS = st.dictionaries(st.sampled_from(("A", "B", "C", "AB")), st.integers(0, 2**48))
RESULTS = st.builds(Result, HEX, COUNTS, COUNTS, HEX, TEXTS, st.integers(0, 2**48), TEXTS)
ENTRIES = st.builds(
    Entry,
    st.sampled_from(("answered", "ended", "failed")),
    TEXTS,
    session=TEXTS,
    mode=TEXTS,
    purpose=TEXTS,
    counts=st.dictionaries(TEXTS, st.integers(0, 2**53)),
    note=TEXTS,
    decision=TEXTS,
)
SALTS = st.binary(min_size=SALTS_BYTES, max_size=SALTS_BYTES)
TIERS = st.dictionaries(st.sampled_from("ABC"), st.integers(MIN_PADDED, MAX_ELEMENTS), min_size=1).map(
    lambda tiers: tuple(TierAsk(tier, count) for tier, count in tiers.items())
)
HELLOS = st.builds(
    Hello,
    session_id=st.binary(min_size=16, max_size=16),
    suite=st.sampled_from(("X25519-ELL2-SHA512", "ristretto255-SHA512")),
    coalition=st.just("harbour"),
    area=st.just("match"),
    mode=st.just("intersection"),
    purpose=st.sampled_from(("due-diligence", "remediation")),
    epoch=st.integers(0, 2**31),
    tiers=TIERS,
    request=st.builds(SignedRequest, st.integers(0, 2**31), TEXTS, st.just(bytes(64))),
)
REQUESTS = st.builds(
    PolicyRequest,
    TEXTS,
    TEXTS,
    TEXTS,
    TEXTS,
    st.dictionaries(TEXTS, st.integers(-(2**53) + 1, 2**53 - 1) | TEXTS | st.booleans(), max_size=4),
)
ASKED = request()
RECORD = DecisionRecord(ASKED, decider(ALLOW_ALL).decide(ASKED), "a" * 64, "b" * 64)
RESULT = Result("0" * 64, {"A": 64}, {"A": 72}, "f" * 64, "retain(30)", 500_000, "a checkpoint\n")
FOUNDED = Repository()
ROOTS = verify_roots(FOUNDED.roots, root_fingerprint(FOUNDED.roots[0]))
(MEMBERS,) = (each for name, each in FOUNDED.parts.items() if name.endswith(".members.json"))
COALITION = encode_canonical(
    {"members": MEMBERS.decode(), "targets": FOUNDED.parts["1.targets.json"].decode()}
)


def altered(data: bytes, draw: st.DataObject) -> bytes:
    """The bytes with one of them another."""
    at = draw.draw(st.integers(0, len(data) - 1), label="at")
    bits = draw.draw(st.integers(1, 255), label="bits")
    return data[:at] + bytes([data[at] ^ bits]) + data[at + 1 :]


@given(RESULTS)
def test_result_is_read_as_it_was_written(result: Result) -> None:
    assert decode_result(result.encode()) == result
    assert decode_result(result.encode()).encode() == result.encode()


@given(st.data())
def test_result_with_any_byte_altered_is_refused_or_another_one_that_nobody_signed(data) -> None:
    document = RESULT.encode()
    signature = sign_result(document, KEY)
    spoilt = altered(document, data)
    with pytest.raises(AuditError):
        verify_result(spoilt, signature, PUBLIC)
    try:
        read = decode_result(spoilt)
    except AuditError:
        return
    assert read.encode() == spoilt
    assert read != RESULT


@given(st.binary(max_size=300))
def test_result_of_any_bytes_is_refused_as_such(document: bytes) -> None:
    with pytest.raises(AuditError) as caught:
        decode_result(document)
    assert caught.value.full_code == "audit.result"


@settings(deadline=None)
@given(HELLOS, HELLOS, st.booleans())
def test_request_document_is_the_same_for_the_same_hello_and_parties_alone(
    one: Hello, other: Hello, turned: bool
) -> None:
    document = request_document(one, "mill", "brand")
    parties = ("brand", "mill") if turned else ("mill", "brand")
    again = request_document(other, *parties)
    assert (document == again) is (one == other and not turned)
    if document != again:
        with pytest.raises(AuditError):
            verify_request(again, sign_request(document, KEY), PUBLIC)


@given(st.data())
def test_signature_of_a_request_with_any_byte_altered_does_not_hold(data) -> None:
    signature = altered(sign_request(b"request", KEY), data)
    with pytest.raises(AuditError):
        verify_request(b"request", signature, PUBLIC)


@given(REQUESTS, HEX, HEX | st.just(""))
def test_record_is_read_as_it_was_written(asked: PolicyRequest, coalition: str, agreement: str) -> None:
    record = DecisionRecord(asked, RECORD.decision, coalition, agreement)
    assert parse_record(record.text()) == record
    assert parse_record(record.text()).text() == record.text()


@given(st.data())
def test_record_with_any_byte_altered_is_refused_or_another_one(data) -> None:
    spoilt = altered(RECORD.text().encode(), data)
    try:
        text = spoilt.decode()
        read = parse_record(text)
    except (UnicodeDecodeError, AuditError):
        return
    assert read.text() == text
    assert read != RECORD


@given(st.text(max_size=200))
def test_record_of_any_text_is_refused_as_such(text: str) -> None:
    with pytest.raises(AuditError) as caught:
        parse_record(text)
    assert caught.value.full_code == "audit.decision"


@settings(deadline=None)
@given(st.data())
def test_coalition_document_with_any_byte_altered_is_refused(data) -> None:
    """All of it is under the founders' signatures, but for one thing: a signature beyond the threshold."""
    assert read_coalition_document(COALITION, ROOTS) == FOUNDED.members
    try:
        read = read_coalition_document(altered(COALITION, data), ROOTS)
    except MembershipError:
        return
    # The third founder's signature is not needed: whatever stands there, the members are those signed for.
    assert read == FOUNDED.members


@given(ENTRIES, SALTS, st.floats(0, 1e11))
def test_every_field_of_an_entry_opens_and_no_other_value_does(
    entry: Entry, salts: bytes, at_s: float
) -> None:
    values = entry.values(at_s, "local")
    made = commitments(values, salts)
    for at, name in enumerate(FIELDS):
        salt = salts[SALT_BYTES * at : SALT_BYTES * (at + 1)]
        require_opening(name, values[name], salt, made[name])
        with pytest.raises(AuditError):
            require_opening(name, f"{values[name]}.", salt, made[name])


@given(ENTRIES, ENTRIES, SALTS, SALTS)
def test_leaf_is_another_for_every_other_entry_or_salt(
    one: Entry, other: Entry, salts: bytes, more: bytes
) -> None:
    same = one.values(0, "local") == other.values(0, "local")
    leaves = [leaf_bytes(commitments(each.values(0, "local"), salts)) for each in (one, other)]
    assert (leaves[0] == leaves[1]) is same
    again = leaf_bytes(commitments(one.values(0, "local"), more))
    assert (leaves[0] == again) is (salts == more)


@given(ENTRIES, st.floats(0, 1e10), st.floats(0, 1e10))
def test_entry_says_the_same_within_one_hour(entry: Entry, one_s: float, other_s: float) -> None:
    same = int(one_s // 3600) == int(other_s // 3600)
    assert (entry.values(one_s, "local") == entry.values(other_s, "local")) is same
    assert dataclasses.replace(entry).values(one_s, "local") == entry.values(one_s, "local")
