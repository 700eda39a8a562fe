from contextlib import suppress

import numpy as np
import pytest
from sqlalchemy import delete

from symbolon.audit.document import Document
from symbolon.audit.entry import Entry
from symbolon.errors import StorageError
from symbolon.exchange.messages import Hello, TierAsk
from symbolon.exchange.receiver_set import NO_OUTPUTS, Hits, OwnOutputs
from symbolon.storage.exchange_receiver_store import HeldSet, ReceivedState, Update
from symbolon.storage.exchange_schema import received_part
from unit.exchange.harness import PURPOSE, SUITE, hello_of, rng_of

RNG = rng_of("receiver store")
REQUEST = Document("request", b"{}\n", {"mill": bytes(64)})


def hello(epoch: int = 0) -> Hello:
    return hello_of((TierAsk("A", 64),), RNG, epoch=epoch)


def own_of(*numbers: int) -> OwnOutputs:
    ids = np.array(numbers, np.uint64)
    return OwnOutputs.of(ids, RNG(64 * len(numbers)), 10)


def hits_of(*numbers: int) -> Hits:
    ids = np.array(numbers, np.uint64)
    return Hits(ids, ids * np.uint64(3), RNG(10 * len(numbers)))


def save(stores, opening: Hello, epoch: int, *updates: Update) -> None:  # type: ignore[no-untyped-def]
    with stores.database.transaction("save") as connection:
        stores.receiving.save(connection, opening, "farm", epoch, list(updates))


def held(stores, purpose: str = PURPOSE, tier: str = "A") -> HeldSet | None:  # type: ignore[no-untyped-def]
    return stores.receiving.held("farm", "match", purpose, SUITE.name, tier)


def load(stores, tier: str = "A") -> tuple[HeldSet, ReceivedState]:  # type: ignore[no-untyped-def]
    one = held(stores, tier=tier)
    assert one is not None
    return one, stores.receiving.open(one)


def update_of(
    new: OwnOutputs, hits: Hits, deltas: dict[int, bytes], tier: str = "A", old: OwnOutputs = NO_OUTPUTS
) -> Update:
    return Update(tier, 10, old, new, hits, deltas)


def same(one: OwnOutputs, other: OwnOutputs) -> bool:
    return (
        one.key_ids.tolist() == other.key_ids.tolist()
        and one.outputs == other.outputs
        and one.slots.tolist() == other.slots.tolist()
        and one.probes == other.probes
    )


def test_load_of_nothing_is_none(stores) -> None:
    assert held(stores) is None


def test_save_then_load_gives_everything_back(stores) -> None:
    own, hits, deltas = own_of(5, 2, 9), hits_of(2), {1: RNG(64 * 16), 3: RNG(70 * 16)}
    save(stores, hello(), 4, update_of(own, hits, deltas))
    brief, state = load(stores)
    assert (brief.epoch, brief.tag_bytes, brief.last_delta, state.deltas) == (4, 10, 3, deltas)
    assert (brief.key_ids.tolist(), brief.entries) == ([5, 2, 9], 64 + 70)
    assert same(state.own, own)
    kept = stores.receiving.hits(brief)
    assert (kept.key_ids.tolist(), kept.labels.tolist(), kept.tags) == ([2], [6], hits.tags)


def test_save_of_a_second_session_adds_what_is_new(stores) -> None:
    own, new = own_of(5, 2), own_of(7)
    save(stores, hello(), 4, update_of(own, hits_of(), {1: RNG(64 * 16)}))
    own.slots[0] = 1
    save(stores, hello(4), 4, update_of(new, hits_of(5), {2: RNG(64 * 16)}, old=own))
    brief, state = load(stores)
    assert same(state.own, own.plus(new))
    assert (brief.last_delta, sorted(state.deltas), len(stores.receiving.hits(brief))) == (2, [1, 2], 1)


def test_save_of_a_session_that_brought_nothing_keeps_what_is_there(stores) -> None:
    own, delta = own_of(5), RNG(64 * 16)
    save(stores, hello(), 4, update_of(own, hits_of(5), {1: delta}))
    save(stores, hello(4), 4, update_of(NO_OUTPUTS, hits_of(5), {}, old=own))
    brief, state = load(stores)
    assert (brief.last_delta, state.deltas) == (1, {1: delta})
    assert same(state.own, own)


@pytest.mark.parametrize(("epoch", "tag_bytes"), [(5, 10), (4, 12)])
def test_save_in_a_new_epoch_drops_all_of_the_old_one(stores, epoch: int, tag_bytes: int) -> None:
    save(stores, hello(), 4, update_of(own_of(5, 2), hits_of(5), {1: RNG(64 * 16), 2: RNG(64 * 16)}))
    own = OwnOutputs.of(np.array([8], np.uint64), RNG(64), tag_bytes)
    save(stores, hello(), epoch, Update("A", tag_bytes, NO_OUTPUTS, own, hits_of(), {1: RNG(64 * 18)}))
    brief, state = load(stores)
    assert (brief.epoch, brief.tag_bytes, brief.last_delta, sorted(state.deltas)) == (
        epoch,
        tag_bytes,
        1,
        [1],
    )
    assert state.own.key_ids.tolist() == [8]
    assert len(stores.receiving.hits(brief)) == 0


def test_save_of_an_empty_own_list_reads_back(stores) -> None:
    save(stores, hello(), 1, update_of(NO_OUTPUTS, hits_of(), {1: RNG(64 * 16)}))
    brief, state = load(stores)
    assert (len(state.own.key_ids), len(brief.key_ids), brief.entries) == (0, 0, 64)


def test_save_that_is_undone_leaves_what_was_there(stores) -> None:
    own = own_of(5)
    save(stores, hello(), 4, update_of(own, hits_of(), {1: RNG(64 * 16)}))
    with suppress(RuntimeError), stores.database.transaction("torn") as connection:
        stores.receiving.save(
            connection, hello(), "farm", 5, [update_of(own_of(9), hits_of(), {1: b"x" * 16})]
        )
        raise RuntimeError("killed")
    brief, state = load(stores)
    assert brief.epoch == 4
    assert same(state.own, own)


def test_sets_of_two_tiers_and_purposes_are_kept_apart(stores) -> None:
    save(
        stores,
        hello(),
        4,
        update_of(own_of(1), hits_of(), {1: RNG(1024)}),
        update_of(own_of(2), hits_of(), {1: RNG(1024)}, tier="B"),
    )
    one, other = load(stores)[1], load(stores, tier="B")[1]
    assert (one.own.key_ids.tolist(), other.own.key_ids.tolist()) == ([1], [2])
    assert held(stores, purpose="other") is None


def test_forget_drops_the_sets_of_that_peer_only(stores) -> None:
    save(stores, hello(), 4, update_of(own_of(1), hits_of(), {1: RNG(1024)}))
    stores.receiving.forget("mill", "match")
    assert held(stores) is not None
    stores.receiving.forget("farm", "match")
    assert held(stores) is None


def test_open_of_a_set_dropped_meanwhile_is_refused(stores) -> None:
    save(stores, hello(), 4, update_of(own_of(1), hits_of(), {1: RNG(1024)}))
    brief = held(stores)
    stores.receiving.forget("farm", "match")
    for read in (stores.receiving.open, stores.receiving.hits):
        with pytest.raises(StorageError, match="dropped meanwhile"):
            read(brief)


def test_open_reads_no_hits(stores) -> None:
    """It runs beside the call, and the time it takes must not tell how many there are."""
    save(stores, hello(), 4, update_of(own_of(5), hits_of(5), {1: RNG(64 * 16)}))
    with stores.database.transaction("lose the hits") as connection:
        connection.execute(delete(received_part).where(received_part.c.kind == "hits"))
    brief, state = load(stores)
    assert state.own.key_ids.tolist() == [5]
    with pytest.raises(StorageError, match="dropped meanwhile"):
        stores.receiving.hits(brief)


def test_begin_session_leaves_a_line_before_the_hello(stores) -> None:
    opening = hello()
    stores.receiving.begin_session(opening, "farm", "this node's operator asked", REQUEST, "")
    (line,) = stores.entries(1)
    assert (line.event, line.peer, line.counts) == ("asked", "farm", {"elements_A": 64})
    assert line.session == opening.session_id.hex()


def test_begin_session_twice_with_one_id_is_refused(stores) -> None:
    opening = hello()
    stores.receiving.begin_session(opening, "farm", "x", REQUEST, "")
    with pytest.raises(StorageError):
        stores.receiving.begin_session(opening, "farm", "x", REQUEST, "")
    assert len(stores.entries(9)) == 1


def test_session_ends_with_its_sentence_and_line(stores) -> None:
    opening = hello()
    stores.receiving.begin_session(opening, "farm", "x", REQUEST, "")
    stores.pass_days(1)
    line = Entry("ended", "farm", opening.session_id.hex(), "intersection", PURPOSE, {})
    stores.sessions.end("receiver", line, done=True, sentence="Nothing was learned.")
    (row,) = stores.sessions.newest(9)
    assert (row.state, row.sentence, row.role) == ("done", "Nothing was learned.", "receiver")
    assert row.ended_at_s is not None
    assert row.ended_at_s - row.started_at_s == 86400


def test_sessions_left_open_by_a_dead_process_are_closed_for_their_role_and_peer_only(stores) -> None:
    for peer in ("farm", "farm", "mill"):
        stores.receiving.begin_session(hello(), peer, "x", REQUEST, "")
    assert sorted(stores.sessions.open_roles()) == [
        ("receiver", "farm", "intersection"),
        ("receiver", "mill", "intersection"),
    ]
    assert stores.sessions.fail_open("sender", "farm", "intersection") == 0
    assert stores.sessions.fail_open("receiver", "farm", "intersection") == 2
    assert stores.sessions.fail_open("receiver", "farm", "intersection") == 0
    assert stores.sessions.open_roles() == [("receiver", "mill", "intersection")]
    assert sorted(row.state for row in stores.sessions.newest(9)) == ["failed", "failed", "open"]
    assert [line.event for line in stores.entries(9)] == ["asked"] * 3 + ["failed"] * 2


def test_audit_log_gives_the_newest_lines_oldest_first(stores) -> None:
    for number in range(5):
        stores.audit.append(Entry("denied", "farm", "", "size", PURPOSE, {"n": number}, "note"))
        stores.pass_days(1)
    lines = stores.audit.newest(3)
    assert [line.entry.counts["n"] for line in lines] == [2, 3, 4]
    assert [line.at_s for line in lines] == sorted(line.at_s for line in lines)
    assert [line.number for line in lines] == [2, 3, 4]


def test_audit_log_line_of_a_transaction_that_is_undone_is_not_there(stores) -> None:
    line = Entry("released", "farm", "", "size", PURPOSE, {})
    with suppress(RuntimeError), stores.database.transaction("torn") as connection:
        stores.audit.append_in(connection, line)
        raise RuntimeError("killed")
    assert stores.entries(9) == []
