"""Chunks of signals as labels: sealed in their place, opened by the key alone, never twice under one key."""

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from symbolon.exchange.derive import entry_masks
from symbolon.exchange.labels import HANDLES, LABEL_KINDS, NONCE_BYTES, SIGNAL_CHUNKS, Places
from symbolon.exchange.limits import CHUNK_LABEL_BYTES
from symbolon.exchange.receiver_set import NO_OUTPUTS, OwnOutputs, join
from symbolon.exchange.sender_set import Released, build_delta, live_keys, plan_delta
from symbolon.oprf.suite import get_suite
from unit.exchange.harness import rng_of, table_of

SUITE = get_suite("X25519-ELL2-SHA512")
KEY = bytes(31) + b"\x40"
TAG_BYTES = 12
CONTEXT = b"the context of the key"


def chunk(text: str) -> bytes:
    return text.encode().ljust(CHUNK_LABEL_BYTES, b".")


def places(count: int, context: bytes = CONTEXT, slot: int = 0, delta: int = 1) -> Places:
    tags = np.arange(count * TAG_BYTES, dtype=np.uint8).reshape(count, TAG_BYTES)
    return Places(context, tags, np.full(count, slot, np.uint8), np.full(count, delta, np.uint32))


def rows(*items: bytes) -> np.ndarray:
    return np.frombuffer(b"".join(items), np.uint8).reshape(len(items), -1)


def delta_of(suppliers: dict[int, set[str]], labels: dict[int, str], released: Released, number: int):
    table = table_of(suppliers)
    plan = plan_delta(
        table, live_keys(table, None), released, additions=True, rng=rng_of(number), slots_per_key=255
    )
    return build_delta(
        SUITE,
        KEY,
        table,
        plan,
        number=number,
        tag_bytes=TAG_BYTES,
        labels=rows(*(chunk(labels[each]) for each in plan.suppliers.tolist())),
        rng=rng_of(100 + number),
        kind=SIGNAL_CHUNKS,
        context=CONTEXT,
    )


def own_of(*keys: str) -> OwnOutputs:
    table = table_of({1: set(keys)})
    outputs = SUITE.evaluate(KEY, list(table.inputs), table.points_for(SUITE, np.arange(len(table))))
    masks = entry_masks(outputs, 0, TAG_BYTES, SIGNAL_CHUNKS.secret_bytes, SIGNAL_CHUNKS.use)
    return OwnOutputs(table.key_ids, outputs, np.zeros(len(table), np.uint8), masks.tobytes())


def opened(own: OwnOutputs, deltas: dict[int, bytes], context: bytes = CONTEXT) -> list[str]:
    _, _, hits = join(NO_OUTPUTS, own, {}, deltas, tag_bytes=TAG_BYTES, kind=SIGNAL_CHUNKS, context=context)
    return [row.tobytes().decode().rstrip(".") for row in hits.labels]


def test_each_area_has_its_kind_of_label() -> None:
    assert LABEL_KINDS == {"match": HANDLES, "signal": SIGNAL_CHUNKS}
    assert SIGNAL_CHUNKS.entry_bytes(10) == 10 + 12 + 128 + 16


def test_chunk_is_plain_aes_gcm_bound_to_context_tag_slot_and_delta() -> None:
    secret, where = rows(bytes(range(32))), places(1, slot=7, delta=3)
    hidden = SIGNAL_CHUNKS.hide(secret, rows(chunk("x")), where, rng_of(1))[0].tobytes()
    binding = CONTEXT + bytes(range(TAG_BYTES)) + b"\x07" + b"\x00\x00\x00\x03"
    nonce, sealed = hidden[:NONCE_BYTES], hidden[NONCE_BYTES:]
    assert AESGCM(bytes(range(32))).decrypt(nonce, sealed, binding) == chunk("x")


@pytest.mark.parametrize(
    "other",
    [places(1, b"another context"), places(1, slot=1), places(1, delta=2), places(2)],
    ids=["context", "slot", "delta", "tag"],
)
def test_chunk_moved_to_another_place_does_not_open(other: Places) -> None:
    secret = rows(bytes(range(32)))
    hidden = SIGNAL_CHUNKS.hide(secret, rows(chunk("x")), places(1), rng_of(1))
    moved = Places(other.context, other.tags[-1:], other.slots[-1:], other.deltas[-1:])
    found, labels = SIGNAL_CHUNKS.reveal(secret, hidden, moved)
    assert (found.tolist(), labels.shape) == ([False], (0, CHUNK_LABEL_BYTES))


def test_chunks_reveal_in_order_those_that_open_and_leave_out_what_was_spoilt() -> None:
    secrets = rows(*(bytes([n]) * 32 for n in range(5)))
    hidden = SIGNAL_CHUNKS.hide(secrets, rows(*map(chunk, "abcde")), places(5), rng_of(1)).copy()
    hidden[2, 40] ^= 1
    found, labels = SIGNAL_CHUNKS.reveal(secrets, hidden, places(5))
    assert found.tolist() == [True, True, False, True, True]
    assert [row.tobytes() for row in labels] == [chunk(each) for each in "abde"]


def test_join_opens_all_chunks_under_a_key_in_the_order_of_their_slots() -> None:
    labels = {number: f"chunk {number}" for number in range(1, 41)}
    delta = delta_of(
        {number: {"mill"} for number in labels} | {99: {"other"}}, labels | {99: "z"}, Released.nothing(12), 1
    )
    assert opened(own_of("mill"), {1: delta.entries}) == [f"chunk {number}" for number in range(1, 41)]
    assert opened(own_of("other"), {1: delta.entries}) == ["z"]
    assert opened(own_of("absent"), {1: delta.entries}) == []


def test_join_under_another_context_opens_nothing() -> None:
    delta = delta_of({1: {"mill"}}, {1: "x"}, Released.nothing(12), 1)
    assert opened(own_of("mill"), {1: delta.entries}, b"another") == []


def test_join_goes_on_behind_a_chunk_that_was_spoilt() -> None:
    delta = delta_of(
        {1: {"mill"}, 2: {"mill"}, 3: {"mill"}}, {1: "a", 2: "b", 3: "c"}, Released.nothing(12), 1
    )
    table = np.frombuffer(delta.entries, np.uint8).reshape(-1, SIGNAL_CHUNKS.entry_bytes(TAG_BYTES)).copy()
    tags = [row[:TAG_BYTES].tobytes() for row in table]
    first = own_of("mill").probes[:TAG_BYTES]
    table[tags.index(first), -1] ^= 1
    assert opened(own_of("mill"), {1: table.tobytes()}) == ["b", "c"]


def test_label_revised_ten_times_never_repeats_tag_key_or_nonce() -> None:
    """Each revision is another item under the same key: it takes the next slot, and with it another key."""
    released, deltas = Released.nothing(TAG_BYTES), {}
    for number in range(1, 12):
        delta = delta_of({number: {"mill"}}, {number: f"revision {number}"}, released, number)
        deltas[number] = delta.entries
        added = delta.added
        released = Released(
            TAG_BYTES,
            np.concatenate([released.key_ids, added.key_ids]),
            np.concatenate([released.suppliers, added.suppliers]),
            np.concatenate([released.slots, added.slots]),
            released.tags + added.tags,
            released.entries + added.entries,
        )
    assert released.slots.tolist() == list(range(11))
    tags = [released.tags[at : at + TAG_BYTES] for at in range(0, len(released.tags), TAG_BYTES)]
    assert len(set(tags)) == 11
    output = own_of("mill").outputs
    keys = {entry_masks(output, slot, 0, 32, SIGNAL_CHUNKS.use).tobytes() for slot in range(11)}
    assert len(keys) == 11
    width = SIGNAL_CHUNKS.entry_bytes(TAG_BYTES)
    nonces = [
        data[at + TAG_BYTES :][:NONCE_BYTES] for data in deltas.values() for at in range(0, len(data), width)
    ]
    assert len(set(nonces)) == len(nonces)
    assert opened(own_of("mill"), deltas) == [f"revision {number}" for number in range(1, 12)]


def test_key_has_no_more_chunks_than_slots_and_the_rest_waits_for_the_next_epoch() -> None:
    numbers = range(1, 301)
    table = table_of({number: {"mill"} for number in numbers})
    plan = plan_delta(
        table,
        live_keys(table, SIGNAL_CHUNKS.crowded_above),
        Released.nothing(TAG_BYTES),
        additions=True,
        rng=rng_of(1),
        slots_per_key=SIGNAL_CHUNKS.slots,
    )
    assert (len(plan.key_index), plan.postponed, plan.crowded) == (255, 45, 0)
    assert plan.slots.tolist() == list(range(255))
