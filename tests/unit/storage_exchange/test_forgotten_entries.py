"""Entries that were taken back cannot be opened again with what this node keeps."""

from dataclasses import dataclass

import numpy as np
import pytest
from sqlalchemy import select

from received_labels import Contributor, some_signal
from signal_makers import TODAY
from symbolon.errors import StorageError
from symbolon.exchange.derive import entry_masks
from symbolon.exchange.labels import HANDLES, SIGNAL_CHUNKS, LabelKind, Places
from symbolon.exchange.messages import SIGNAL, Hello, TierAsk
from symbolon.exchange.receiver_set import NO_OUTPUTS, Hits, OwnOutputs, join
from symbolon.exchange.sender_set import tag_prefixes
from symbolon.signals.bundle import CHUNK_BYTES
from symbolon.signals.revisions import reply, revise
from symbolon.storage.exchange_receiver_store import Update
from symbolon.storage.exchange_schema import received_part
from symbolon.storage.received_signal_erasure import forget_signals, tags_of
from unit.exchange.harness import PURPOSE, SUITE, rng_of

RNG = rng_of("forgotten entries")
TAG_BYTES = 11
CONTEXT = b"the context of the key"
NGO = Contributor()
ONE = NGO.label(some_signal(1))
TWO = NGO.label(reply(some_signal(2), TODAY, "We paid. " * 60))
THREE = NGO.label(revise(some_signal(1), TODAY, confidence=1))


@dataclass
class SignalSet:
    """A sender's set of signals, entry by entry, and a receiver that has some of its keys."""

    def __post_init__(self) -> None:
        self.outputs = {key: RNG(64) for key in (10, 20, 30)}
        self.slots = dict.fromkeys(self.outputs, 0)
        self.deltas: dict[int, bytes] = {}
        self.tags: dict[tuple[int, int], bytes] = {}

    def release(self, delta: int, *labels: tuple[int, tuple[bytes, ...]], dummies: int = 5) -> None:
        """One delta: labels under keys, and dummies."""
        kind = SIGNAL_CHUNKS
        rows = [RNG(kind.entry_bytes(TAG_BYTES)) for _ in range(dummies)]
        for key, chunks in labels:
            for chunk in chunks:
                slot = self.slots[key]
                self.slots[key] += 1
                mask = entry_masks(self.outputs[key], slot, TAG_BYTES, kind.secret_bytes, kind.use)
                place = Places(
                    CONTEXT, mask[:, :TAG_BYTES], np.array([slot], np.uint8), np.array([delta], np.uint32)
                )
                text = np.frombuffer(chunk, np.uint8).reshape(1, -1)
                hidden = kind.hide(mask[:, TAG_BYTES:], text, place, RNG)
                self.tags[key, slot] = mask[0, :TAG_BYTES].tobytes()
                rows.append(mask[0, :TAG_BYTES].tobytes() + hidden.tobytes())
        array = np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), -1)
        self.deltas[delta] = array[np.argsort(tag_prefixes(array))].tobytes()

    def own(self, *keys: int) -> OwnOutputs:
        """What a receiver holds of its keys before it opens anything."""
        outputs = b"".join(self.outputs[key] for key in keys)
        probes = entry_masks(outputs, 0, TAG_BYTES, SIGNAL_CHUNKS.secret_bytes, SIGNAL_CHUNKS.use)
        return OwnOutputs(np.array(keys, np.uint64), outputs, np.zeros(len(keys), np.uint8), probes.tobytes())

    def opened(self, own: OwnOutputs, deltas: dict[int, bytes]) -> Hits:
        """What own keys open, from slot 0 on."""
        return joined(NO_OUTPUTS, own, {}, deltas)[2]


def joined(
    old: OwnOutputs, new: OwnOutputs, held: dict[int, bytes], received: dict[int, bytes]
) -> tuple[OwnOutputs, OwnOutputs, Hits]:
    return join(old, new, held, received, tag_bytes=TAG_BYTES, kind=SIGNAL_CHUNKS, context=CONTEXT)


def hello(purpose: str = PURPOSE) -> Hello:
    asks = (TierAsk("A", 64),)
    return Hello(RNG(16), SUITE.name, "grove", SIGNAL, "lookup", purpose, 0, asks)


def save(stores, given: SignalSet, *keys: int, purpose: str = PURPOSE) -> int:  # type: ignore[no-untyped-def]
    """Holds the set as a session leaves it; gives its row."""
    _, moved, hits = joined(NO_OUTPUTS, given.own(*keys), {}, given.deltas)
    update = Update("A", TAG_BYTES, NO_OUTPUTS, moved, hits, given.deltas)
    with stores.database.transaction("save") as connection:
        stores.receiving.save(connection, hello(purpose), "ngo", 1, [update])
    return int(held(stores, purpose).row)


def held(stores, purpose: str = PURPOSE):  # type: ignore[no-untyped-def]
    return stores.receiving.held("ngo", SIGNAL, purpose, SUITE.name, "A")


def again(stores, given: SignalSet, *keys: int, purpose: str = PURPOSE) -> set[tuple[int, bytes]]:  # type: ignore[no-untyped-def]
    """What somebody with the database and its key opens by starting over: pairs of key and chunk."""
    state = stores.receiving.open(held(stores, purpose))
    assert state.own.outputs == given.own(*keys).outputs
    hits = given.opened(given.own(*keys), state.deltas)
    return set(zip(hits.key_ids.tolist(), (row.tobytes() for row in hits.labels), strict=True))


def kept(stores, purpose: str = PURPOSE) -> set[tuple[int, bytes]]:  # type: ignore[no-untyped-def]
    """What is still stored as opened."""
    hits = stores.receiving.hits(held(stores, purpose))
    return set(zip(hits.key_ids.tolist(), (row.tobytes() for row in hits.labels), strict=True))


def forget(stores, row: int, tags: bytes) -> int:  # type: ignore[no-untyped-def]
    with stores.database.transaction("forget") as connection:
        return int(stores.receiving.forget_entries(connection, row, tags))


def chunks_of(key: int, *labels: tuple[bytes, ...]) -> set[tuple[int, bytes]]:
    return {(key, chunk) for label in labels for chunk in label}


@pytest.fixture
def given() -> SignalSet:
    made = SignalSet()
    made.release(1, (10, ONE), (20, ONE), (20, TWO), (30, TWO))
    made.release(2, (10, THREE))
    return made


def test_forget_entries_of_a_withdrawn_label_leaves_nothing_that_opens(stores, given) -> None:
    row = save(stores, given, 10, 20)
    assert again(stores, given, 10, 20) == kept(stores) == chunks_of(10, ONE, THREE) | chunks_of(20, ONE, TWO)
    withdrawn = given.tags[10, 0] + given.tags[20, 0]
    assert forget(stores, row, withdrawn) == 2
    left = chunks_of(10, THREE) | chunks_of(20, TWO)
    assert again(stores, given, 10, 20) == kept(stores) == left


def test_forget_entries_leaves_tags_lengths_and_all_others_as_they_were(stores, given) -> None:
    row = save(stores, given, 10)
    before = stores.receiving.open(held(stores)).deltas
    forget(stores, row, given.tags[30, 0])
    after = stores.receiving.open(held(stores)).deltas
    width = SIGNAL_CHUNKS.entry_bytes(TAG_BYTES)
    assert after[2] == before[2]
    old, new = (np.frombuffer(each[1], np.uint8).reshape(-1, width) for each in (before, after))
    changed = np.flatnonzero((old != new).any(axis=1))
    assert old[changed, :TAG_BYTES].tobytes() == new[changed, :TAG_BYTES].tobytes() == given.tags[30, 0]
    assert held(stores).entries == sum(map(len, before.values())) // width


def test_forget_entries_never_opened_cannot_be_opened_by_a_key_that_is_asked_later(stores, given) -> None:
    row = save(stores, given, 10)
    assert forget(stores, row, b"".join(given.tags[30, slot] for slot in range(len(TWO)))) == len(TWO)
    state = stores.receiving.open(held(stores))
    assert len(given.opened(given.own(30), state.deltas)) == 0


def test_forget_entries_a_session_after_it_goes_on_where_it_was(stores, given) -> None:
    row = save(stores, given, 10)
    forget(stores, row, given.tags[10, 0])
    state = stores.receiving.open(held(stores))
    given.release(3, (10, TWO))
    hits = joined(state.own, NO_OUTPUTS, state.deltas, {3: given.deltas[3]})[2]
    assert [row.tobytes() for row in hits.labels] == list(TWO)


def parts(stores) -> list[tuple[object, ...]]:  # type: ignore[no-untyped-def]
    """All that is stored but for the note of what was forgotten."""
    with stores.database.read("look") as connection:
        query = select(received_part).where(received_part.c.kind != "gone")
        order = received_part.c.set_id, received_part.c.kind, received_part.c.number
        return [tuple(row) for row in connection.execute(query.order_by(*order))]


def test_forget_entries_of_tags_that_are_not_there_changes_nothing(stores, given) -> None:
    row = save(stores, given, 10)
    before = parts(stores)
    assert forget(stores, row, b"") == forget(stores, row, RNG(3 * TAG_BYTES)) == 0
    assert forget(stores, row + 1, given.tags[10, 0]) == 0
    assert parts(stores) == before


def test_forget_entries_of_a_list_that_grows_writes_what_is_new_alone(stores, given) -> None:
    """Withdrawn tags come complete in every session, and a delta may be megabytes."""
    row = save(stores, given, 10, 20)
    withdrawn = given.tags[10, 0] + given.tags[20, 0]
    assert forget(stores, row, withdrawn) == 2
    before = parts(stores)
    assert forget(stores, row, withdrawn[TAG_BYTES:] + withdrawn[:TAG_BYTES]) == 0
    assert parts(stores) == before
    assert forget(stores, row, withdrawn + given.tags[10, 1]) == 1
    changed = [new for old, new in zip(before, parts(stores), strict=True) if old != new]
    assert {each[2:4] for each in changed} <= {("entries", 2), ("hits", 0)}
    after = parts(stores)
    assert forget(stores, row, given.tags[10, 1] + withdrawn) == 0
    assert parts(stores) == after
    assert again(stores, given, 10, 20) == chunks_of(20, TWO)


def test_forget_entries_is_over_with_the_epoch(stores, given) -> None:
    row = save(stores, given, 10)
    forget(stores, row, given.tags[10, 0])
    stores.receiving.forget("ngo", SIGNAL)
    assert parts(stores) == []
    with stores.database.read("look") as connection:
        assert connection.execute(select(received_part)).all() == []


def test_forget_entries_of_a_torn_tag_is_refused(stores, given) -> None:
    row = save(stores, given, 10)
    with pytest.raises(StorageError, check=lambda error: error.full_code == "storage.columns"):
        forget(stores, row, given.tags[10, 0][:-1])


def test_forget_entries_finds_every_one_of_a_tag_that_a_sender_repeats(stores, given) -> None:
    """Its honest entries have each a tag of their own; the search of the join looks at sixteen."""
    width = SIGNAL_CHUNKS.entry_bytes(TAG_BYTES)
    tag = given.tags[10, 0]
    rows = np.frombuffer(given.deltas[1], np.uint8).reshape(-1, width)
    twins = np.frombuffer(b"".join(tag + RNG(width - TAG_BYTES) for _ in range(40)), np.uint8).reshape(
        -1, width
    )
    near = np.frombuffer(tag[:8] + RNG(width - 8), np.uint8).reshape(1, width)
    every = np.concatenate([rows, twins, near])
    given.deltas[1] = every[np.argsort(tag_prefixes(every))].tobytes()
    row = save(stores, given, 20)
    assert forget(stores, row, tag) == 41
    after = stores.receiving.open(held(stores)).deltas[1]
    assert near.tobytes() in after
    assert not any(each.tobytes() in after for each in twins)


def test_forget_entries_of_handles_too(stores) -> None:
    kind: LabelKind = HANDLES
    entries = RNG(4 * kind.entry_bytes(10))
    opening = Hello(RNG(16), SUITE.name, "grove", "match", "intersection", PURPOSE, 0, (TierAsk("A", 64),))
    hits = Hits(np.array([7], np.uint64), np.array([9], np.uint64), entries[:10])
    update = Update(
        "A", 10, NO_OUTPUTS, OwnOutputs.of(np.array([7], np.uint64), RNG(64), 10), hits, {1: entries}
    )
    with stores.database.transaction("save") as connection:
        stores.receiving.save(connection, opening, "ngo", 1, [update])
    found = stores.receiving.held("ngo", "match", PURPOSE, SUITE.name, "A")
    assert forget(stores, found.row, entries[:10]) == 1
    assert len(stores.receiving.hits(found)) == 0
    assert stores.receiving.open(found).deltas[1][16:] == entries[16:]


# ------------------------------------------------------------------------------------- by what they say


def test_tags_of_a_signal_are_those_of_its_headers_and_what_follows_them(given) -> None:
    hits = given.opened(given.own(20, 10), given.deltas)
    mixed = np.array([len(hits) - 1 - at for at in range(len(hits))])
    tags = np.frombuffer(hits.tags, np.uint8).reshape(-1, TAG_BYTES)
    # Keys in another order; those of one key in the order of their slots.
    order = mixed[np.argsort(hits.key_ids[mixed] != 20, kind="stable")]
    order = np.concatenate([np.sort(order[hits.key_ids[order] == key]) for key in (20, 10)])
    shuffled = Hits(hits.key_ids[order], hits.labels[order], tags[order].tobytes())
    for each in (hits, shuffled):
        found = tags_of(each, TAG_BYTES, {some_signal(2).signal_id})
        assert found == b"".join(given.tags[20, slot] for slot in range(1, 1 + len(TWO)))
        assert tags_of(each, TAG_BYTES, set()) == b""
    one = tags_of(hits, TAG_BYTES, {some_signal(1).signal_id})
    assert {one[at : at + TAG_BYTES] for at in range(0, len(one), TAG_BYTES)} == {
        given.tags[10, 0],
        given.tags[10, 1],
        given.tags[20, 0],
    }


def test_tags_of_what_follows_no_header_are_nobodys() -> None:
    """The rest of a label under the next key must not go with the label before it."""
    rest = b"".join(TWO[1:])
    labels = np.frombuffer(ONE[0] + rest, np.uint8).reshape(-1, CHUNK_BYTES)
    keys = np.array([1, *[2] * (len(TWO) - 1)], np.uint64)
    tags = RNG(TAG_BYTES * len(labels))
    assert tags_of(Hits(keys, labels, tags), TAG_BYTES, {some_signal(1).signal_id}) == tags[:TAG_BYTES]


def test_forget_signals_reaches_every_set_of_the_purpose_or_all(stores, given) -> None:
    for purpose in (PURPOSE, "training"):
        save(stores, given, 10, 20, purpose=purpose)
    gone = {some_signal(1).signal_id}
    with stores.database.transaction("forget") as connection:
        assert forget_signals(connection, stores.receiving, "ngo", gone, "training") == 3
        assert forget_signals(connection, stores.receiving, "mill", gone) == 0
        assert forget_signals(connection, stores.receiving, "ngo", set()) == 0
    assert again(stores, given, 10, 20, purpose="training") == chunks_of(20, TWO)
    assert len(again(stores, given, 10, 20)) == 3 + len(TWO)
    with stores.database.transaction("forget") as connection:
        assert forget_signals(connection, stores.receiving, "ngo", gone) == 3
    assert again(stores, given, 10, 20) == chunks_of(20, TWO)
