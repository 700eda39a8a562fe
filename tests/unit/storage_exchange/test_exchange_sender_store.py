from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import Table, func, select

from symbolon.audit.document import Document
from symbolon.errors import (
    BudgetError,
    PermissionDeniedError,
    RemoteProtocolError,
    StaleEpochError,
    StorageError,
    UnavailableError,
)
from symbolon.exchange.limits import MAX_DELTAS
from symbolon.exchange.messages import Hello, TierAsk
from symbolon.exchange.sender_set import Delta, build_delta, live_keys, plan_delta
from symbolon.policy.permission import Grant
from symbolon.storage.exchange_budget import BudgetLimits, Spent, spent_in
from symbolon.storage.exchange_schema import (
    exchange_session,
    key_epoch,
    record_handle,
    released_delta,
    released_set,
)
from symbolon.storage.exchange_sender_store import Epoch, LiveEpoch, SetState
from unit.exchange.harness import PURPOSE, SUITE, hello_of, rng_of, table_of

WIDE = Grant("allow table 1", ("p:intersection:A", "p:size:A"))
NARROW = Grant("allow table 1", ("p:size:A",))
REQUEST = Document("request", b"{}\n", {"mill": bytes(64)})
LIMITS = BudgetLimits(90, 1000, 2000, 4000)
RNG = rng_of("hellos")
LIST = {1: {"a", "b"}, 2: {"b"}, 3: {"c"}}


def hello(*, epoch: int = 0, elements: int = 64, mode: str = "intersection", tier: str = "A") -> Hello:
    return hello_of((TierAsk(tier, elements),), RNG, epoch=epoch, mode=mode)


def rows(stores, table: Table) -> int:  # type: ignore[no-untyped-def]
    with stores.database.read("count") as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def epoch_of(stores, grant: Grant = WIDE, peer: str = "mill") -> Epoch:  # type: ignore[no-untyped-def]
    return stores.sending.current_epoch(peer, "match", grant, epoch_days=90)


def load(stores, epoch: Epoch, have_delta: int = 0, elements: int = 64, tier: str = "A") -> SetState:  # type: ignore[no-untyped-def]
    return stores.sending.load_set(
        epoch,
        purpose=PURPOSE,
        tier=tier,
        suite=SUITE.name,
        have_delta=have_delta,
        elements=elements,
        entries=64,
        least_epoch_s=86400,
    )


def make(stores, epoch: Epoch, state: SetState, suppliers=LIST) -> Delta:  # type: ignore[no-untyped-def]
    table = table_of(suppliers)
    plan = plan_delta(table, live_keys(table), state.released, additions=True, rng=RNG)
    handles = stores.sending.handles(epoch, plan.suppliers)
    delta = build_delta(
        SUITE,
        SUITE.derive_key(epoch.seed, b"context"),
        table,
        plan,
        number=state.next_number,
        tag_bytes=state.released.tag_bytes,
        labels=handles.rows,
        rng=RNG,
    )

    def beside(connection):
        stores.sending.save_handles(connection, epoch, handles)

    stores.sending.record_delta(hello(), "mill", epoch, state, "A", delta, beside)
    return delta


def test_epoch_stays_the_same_until_its_end(stores) -> None:
    first = epoch_of(stores)
    stores.pass_days(89)
    assert epoch_of(stores) == first
    assert (first.number, len(first.seed)) == (1, 64)


def test_epoch_at_its_end_is_erased_with_its_seed_handles_and_sets(stores) -> None:
    first = epoch_of(stores)
    make(stores, first, load(stores, first))
    assert [rows(stores, table) for table in (record_handle, released_set, released_delta)] == [1, 1, 1]
    stores.pass_days(90)
    second = epoch_of(stores)
    assert second.number == 2
    assert second.seed != first.seed
    assert [rows(stores, table) for table in (record_handle, released_set, released_delta)] == [0, 0, 0]
    with stores.database.read("seeds") as connection:
        seeds = connection.execute(select(key_epoch.c.seed).order_by(key_epoch.c.number)).scalars().all()
    assert seeds[0] is None
    assert seeds[1] is not None


def test_epoch_of_a_peer_that_never_asks_again_is_erased_when_another_asks(stores) -> None:
    epoch_of(stores, peer="gone")
    stores.pass_days(90)
    epoch_of(stores, peer="mill")
    with stores.database.read("seeds") as connection:
        query = select(key_epoch.c.seed).where(key_epoch.c.peer == "gone")
        assert connection.execute(query).scalar_one() is None


def test_epoch_whose_grant_narrowed_is_rotated_at_once(stores) -> None:
    first = epoch_of(stores, WIDE)
    assert epoch_of(stores, NARROW).number == first.number + 1


def test_epoch_whose_grant_widened_stays_and_then_narrows_from_the_wider(stores) -> None:
    first = epoch_of(stores, NARROW)
    assert epoch_of(stores, WIDE) == first
    assert epoch_of(stores, WIDE) == first
    assert epoch_of(stores, NARROW).number == first.number + 1


def test_epoch_whose_grant_moved_sideways_is_rotated(stores) -> None:
    first = epoch_of(stores, NARROW)
    assert epoch_of(stores, Grant("x", ("p:intersection:A",))).number == first.number + 1


def test_epochs_of_two_peers_share_neither_number_row_nor_seed(stores) -> None:
    one, other = epoch_of(stores), epoch_of(stores, peer="farm")
    assert one.row != other.row
    assert one.seed != other.seed


def test_epoch_rotated_by_hand_begins_anew(stores) -> None:
    first = epoch_of(stores)
    stores.sending.rotate("mill")
    assert epoch_of(stores).number == first.number + 1


def test_epoch_repr_shows_no_seed(stores) -> None:
    epoch = epoch_of(stores)
    assert repr(epoch.seed) not in repr(epoch)
    assert epoch.seed.hex() not in repr(epoch)


def test_session_that_opens_debits_and_writes_session_and_line(stores) -> None:
    epoch = epoch_of(stores)
    opening = hello(elements=100)
    stores.sending.open_session(opening, "mill", WIDE, epoch, LIMITS, REQUEST)
    (line,) = stores.entries(10)
    assert (line.event, line.peer, line.counts) == ("answered", "mill", {"elements_A": 100})
    assert line.session == opening.session_id.hex()
    assert stores.sessions.newest(1)[0].state == "open"


def test_session_of_an_epoch_that_is_over_is_refused_as_stale_and_debits_nothing(stores) -> None:
    epoch = epoch_of(stores)
    for named in (epoch.number + 1, 7):
        with pytest.raises(StaleEpochError):
            stores.sending.open_session(hello(epoch=named), "mill", WIDE, epoch, LIMITS, REQUEST)
    stores.sending.rotate("mill")
    with pytest.raises(StaleEpochError):
        stores.sending.open_session(hello(), "mill", WIDE, epoch, LIMITS, REQUEST)
    assert rows(stores, exchange_session) == 0
    assert stores.entries(10) == []


def test_session_of_the_live_epoch_is_opened(stores) -> None:
    epoch = epoch_of(stores)
    stores.sending.open_session(hello(epoch=epoch.number), "mill", WIDE, epoch, LIMITS, REQUEST)


def test_session_beyond_the_budget_leaves_nothing_behind(stores) -> None:
    epoch = epoch_of(stores)
    asks = (TierAsk("A", 500), TierAsk("B", 1001))
    with pytest.raises(BudgetError):
        stores.sending.open_session(hello_of(asks, RNG), "mill", WIDE, epoch, LIMITS, REQUEST)
    assert rows(stores, exchange_session) == 0
    assert stores.entries(10) == []
    with stores.database.read("spent") as connection:
        assert spent_in(connection, "mill", "match", "A", "year:2027") == 0


def test_session_whose_id_was_used_before_is_refused_as_the_peers_doing(stores) -> None:
    """A replayed hello would otherwise look like a fault of this node's database."""
    epoch = epoch_of(stores)
    opening = hello()
    stores.sending.open_session(opening, "mill", WIDE, epoch, LIMITS, REQUEST)
    with pytest.raises(RemoteProtocolError) as caught:
        stores.sending.open_session(opening, "farm", WIDE, epoch, LIMITS, REQUEST)
    assert caught.value.full_code == "protocol.session"
    assert not isinstance(caught.value, StorageError)


def test_session_of_size_mode_is_granted_twice_an_epoch(stores) -> None:
    epoch = epoch_of(stores)
    for _ in range(2):
        stores.sending.open_session(hello(mode="size"), "mill", WIDE, epoch, LIMITS, REQUEST)
    with pytest.raises(PermissionDeniedError) as caught:
        stores.sending.open_session(hello(mode="size"), "mill", WIDE, epoch, LIMITS, REQUEST)
    assert caught.value.full_code == "permission.size_sessions"
    stores.sending.open_session(hello(), "mill", WIDE, epoch, LIMITS, REQUEST)


def test_session_of_size_mode_that_the_budget_refuses_is_not_counted(stores) -> None:
    epoch = epoch_of(stores)
    with pytest.raises(BudgetError):
        stores.sending.open_session(hello(mode="size", elements=1004), "mill", WIDE, epoch, LIMITS, REQUEST)
    for _ in range(2):
        stores.sending.open_session(hello(mode="size"), "mill", WIDE, epoch, LIMITS, REQUEST)


def test_session_of_size_mode_debits_every_tier_it_asks_together(stores) -> None:
    epoch = epoch_of(stores)
    stores.sending.open_session(hello(mode="size", tier="AB"), "mill", WIDE, epoch, LIMITS, REQUEST)
    with stores.database.read("spent") as connection:
        assert [spent_in(connection, "mill", "match", tier, "year:2027") for tier in "ABC"] == [64, 64, 0]


def test_new_epoch_gives_no_budget_back(stores) -> None:
    stores.sending.open_session(hello(elements=900), "mill", WIDE, epoch_of(stores), LIMITS, REQUEST)
    stores.sending.rotate("mill")
    with pytest.raises(BudgetError):
        stores.sending.open_session(hello(elements=101), "mill", WIDE, epoch_of(stores), LIMITS, REQUEST)
    stores.sending.open_session(hello(elements=100), "mill", WIDE, epoch_of(stores), LIMITS, REQUEST)


def test_spent_is_what_was_debited_in_the_periods_that_run_now(stores) -> None:
    assert stores.sending.spent("match", LIMITS) == []
    stores.sending.open_session(hello(elements=900), "mill", WIDE, epoch_of(stores), LIMITS, REQUEST)
    assert stores.sending.spent("match", LIMITS) == [Spent("*", "A", 0, 900), Spent("mill", "A", 900, 900)]
    assert stores.sending.spent("signal", LIMITS) == []
    stores.pass_days(90)
    assert stores.sending.spent("match", LIMITS) == [Spent("*", "A", 0, 900), Spent("mill", "A", 0, 900)]
    stores.pass_days(366)
    assert stores.sending.spent("match", LIMITS) == []


def test_live_epochs_are_those_that_were_not_erased(stores) -> None:
    for peer in ("mill", "farm"):
        epoch_of(stores, peer=peer)
    stores.sending.rotate("mill")
    assert stores.sending.live_epochs() == [LiveEpoch("farm", "match", 1, int(stores.now_s) + 90 * 86400)]


def test_audit_log_tells_when_it_was_last_written(stores) -> None:
    assert stores.audit.last_written_at_s() is None
    stores.sending.open_session(hello(), "mill", WIDE, epoch_of(stores), LIMITS, REQUEST)
    written = stores.now_s
    stores.pass_days(-1)
    stores.sending.open_session(hello(), "mill", WIDE, epoch_of(stores), LIMITS, REQUEST)
    assert stores.audit.last_written_at_s() == written


def test_set_that_is_new_holds_nothing_and_counts_from_one(stores) -> None:
    state = load(stores, epoch_of(stores))
    assert (state.deltas, state.next_number, state.last_added_s) == ({}, 1, None)
    assert state.released.tag_bytes == 10


def test_delta_is_recorded_with_its_line_before_an_entry_can_leave(stores) -> None:
    epoch = epoch_of(stores)
    delta = make(stores, epoch, load(stores, epoch))
    (line,) = stores.entries(1)
    assert (line.event, line.counts, line.note) == ("released", {"entries": 64, "delta": 1}, "tier A")
    state = load(stores, epoch)
    assert state.deltas == {1: delta.entries}
    assert (state.next_number, state.last_added_s) == (2, int(stores.now_s))
    assert state.released.key_ids.tolist() == delta.added.key_ids.tolist()
    assert state.released.suppliers.tolist() == delta.added.suppliers.tolist()
    assert state.released.slots.tolist() == delta.added.slots.tolist()
    assert state.released.tags == delta.added.tags


def test_delta_that_cannot_be_recorded_leaves_no_handle_and_no_line(stores) -> None:
    epoch = epoch_of(stores)
    state = load(stores, epoch)
    make(stores, epoch, state)
    lines = len(stores.entries(99))
    with pytest.raises(StorageError):
        make(stores, epoch, state)
    assert len(stores.entries(99)) == lines
    assert rows(stores, record_handle) == 1


def test_missed_deltas_are_sent_again_byte_for_byte(stores) -> None:
    epoch = epoch_of(stores)
    made = [make(stores, epoch, load(stores, epoch))]
    made.append(make(stores, epoch, load(stores, epoch), {**LIST, 4: {"d"}}))
    assert load(stores, epoch).deltas == {1: made[0].entries, 2: made[1].entries}
    assert load(stores, epoch, have_delta=1).deltas == {2: made[1].entries}
    assert load(stores, epoch, have_delta=2).deltas == {}
    assert load(stores, epoch, have_delta=2).next_number == 3


@pytest.mark.parametrize("have", [2, MAX_DELTAS])
def test_receiver_that_holds_deltas_never_made_ends_the_epoch(stores, have: int) -> None:
    """Either it lies, or this database was restored from a backup and would use slots a second time."""
    epoch = epoch_of(stores)
    make(stores, epoch, load(stores, epoch))
    stores.pass_days(1)
    with pytest.raises(StaleEpochError):
        load(stores, epoch, have_delta=have)
    assert epoch_of(stores).number == epoch.number + 1


def test_receiver_that_claims_deltas_of_a_young_epoch_ends_nothing(stores) -> None:
    """Else a lie at every session would show it the list as often as it likes."""
    epoch = epoch_of(stores)
    stores.pass_days(0.9)
    with pytest.raises(UnavailableError) as caught:
        load(stores, epoch, have_delta=1)
    assert caught.value.full_code == "unavailable.epoch"
    assert epoch_of(stores) == epoch


def test_early_end_of_an_epoch_buys_no_size_session(stores) -> None:
    """A peer can bring the end about with one lie; the count of an epoch goes over to the next."""
    for _ in range(2):
        stores.sending.open_session(hello(mode="size"), "mill", WIDE, epoch_of(stores), LIMITS, REQUEST)
    stores.pass_days(2)
    with pytest.raises(StaleEpochError):
        load(stores, epoch_of(stores), have_delta=9)
    with pytest.raises(PermissionDeniedError):
        stores.sending.open_session(hello(mode="size"), "mill", WIDE, epoch_of(stores), LIMITS, REQUEST)
    stores.pass_days(91)
    stores.sending.open_session(hello(mode="size"), "mill", WIDE, epoch_of(stores), LIMITS, REQUEST)


def test_epoch_that_another_session_erased_takes_no_set_and_no_delta(stores) -> None:
    epoch = epoch_of(stores)
    state = load(stores, epoch)
    stores.sending.rotate("mill")
    with pytest.raises(StaleEpochError):
        load(stores, epoch)
    with pytest.raises(StaleEpochError):
        make(stores, epoch, state)
    assert [rows(stores, table) for table in (record_handle, released_set, released_delta)] == [0, 0, 0]


def test_erase_where_ends_the_epochs_it_names_and_no_other(stores) -> None:
    kept, over = epoch_of(stores, NARROW, peer="farm"), epoch_of(stores, WIDE)
    asked: dict[str, frozenset[str]] = {}

    def ends(peer: str, scope: frozenset[str]) -> bool:
        asked[peer] = scope
        return peer == "mill"

    assert stores.sending.erase_where(ends) == 1
    assert asked == {"farm": frozenset(NARROW.scope), "mill": frozenset(WIDE.scope)}
    assert epoch_of(stores, NARROW, peer="farm") == kept
    assert epoch_of(stores).number == over.number + 1


def test_set_that_outgrew_its_tags_ends_the_epoch(stores) -> None:
    epoch = epoch_of(stores)
    load(stores, epoch)
    with pytest.raises(StaleEpochError):
        load(stores, epoch, elements=2**38)
    assert epoch_of(stores).number == epoch.number + 1


def test_set_counts_the_elements_of_all_sessions_of_the_epoch(stores) -> None:
    epoch = epoch_of(stores)
    for _ in range(3):
        load(stores, epoch, elements=1000)
    with stores.database.read("elements") as connection:
        assert connection.execute(select(released_set.c.elements)).scalar_one() == 3000


def test_set_with_as_many_deltas_as_one_may_have_ends_the_epoch(stores, monkeypatch) -> None:
    """A further delta could not be announced: every session of the epoch would fail."""
    monkeypatch.setattr("symbolon.storage.exchange_sender_store.MAX_DELTAS", 2)
    epoch = epoch_of(stores)
    for _ in range(2):
        make(stores, epoch, load(stores, epoch))
    with pytest.raises(StaleEpochError):
        load(stores, epoch)
    assert epoch_of(stores).number == epoch.number + 1


def test_sets_of_two_tiers_are_kept_apart(stores) -> None:
    epoch = epoch_of(stores)
    make(stores, epoch, load(stores, epoch))
    assert load(stores, epoch, tier="B").deltas == {}


def test_handles_are_distinct_stable_in_an_epoch_and_new_in_the_next(stores) -> None:
    epoch = epoch_of(stores)
    make(stores, epoch, load(stores, epoch))
    suppliers = np.array([1, 2, 2, 3, 1], np.uint64)
    again = stores.sending.handles(epoch, suppliers)
    of = [row.tobytes() for row in again.rows]
    assert (of[0], of[1]) == (of[4], of[2])
    assert len(set(of)) == 3
    assert [row.tobytes() for row in stores.sending.handles(epoch, suppliers).rows] == of

    other = stores.sending.handles(epoch_of(stores, peer="farm"), suppliers)
    stores.sending.rotate("mill")
    later = stores.sending.handles(epoch_of(stores), suppliers)
    assert not set(of) & {row.tobytes() for row in other.rows}
    assert not set(of) & {row.tobytes() for row in later.rows}


def test_handles_keep_those_drawn_before_and_draw_the_new_only(stores) -> None:
    epoch = epoch_of(stores)
    make(stores, epoch, load(stores, epoch))
    first = stores.sending.handles(epoch, np.array([1, 2, 3], np.uint64)).rows.tobytes()
    make(stores, epoch, load(stores, epoch), {**LIST, 4: {"d"}})
    assert stores.sending.handles(epoch, np.array([1, 2, 3], np.uint64)).rows.tobytes() == first
    assert rows(stores, record_handle) == 2


def test_handles_are_redrawn_where_one_is_taken(stores) -> None:
    """A source of randomness that repeats itself for a while must not give two records one handle."""
    epoch = epoch_of(stores)
    draws = [bytes(8 * 3), bytes(8 * 2), rng_of(1)(8), rng_of(2)(24)]

    def stubborn(count: int) -> bytes:
        return draws.pop(0)[:count].ljust(count, b"\x07") if draws else rng_of(count)(count)

    stores.rng = stubborn
    handles = stores.sending.handles(epoch, np.array([1, 2, 3], np.uint64))
    assert len({row.tobytes() for row in handles.rows}) == 3


def test_handles_do_not_follow_the_order_of_the_supplier_numbers(stores) -> None:
    handles = stores.sending.handles(epoch_of(stores), np.arange(200, dtype=np.uint64))
    numbers = [int.from_bytes(row.tobytes()) for row in handles.rows]
    assert numbers != sorted(numbers)


def test_handles_of_no_supplier_are_none(stores) -> None:
    assert len(stores.sending.handles(epoch_of(stores), np.empty(0, np.uint64)).rows) == 0


def test_what_is_kept_of_sets_and_handles_is_sealed(stores, tmp_path) -> None:
    epoch = epoch_of(stores)
    delta = make(stores, epoch, load(stores, epoch))
    stores.database.close()
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert epoch.seed not in stored
    assert delta.entries[:16] not in stored
    assert delta.added.tags[:10] not in stored
    assert delta.added.key_ids.tobytes() not in stored


def test_withdrawal_and_size_set_leave_a_line_each(stores) -> None:
    stores.sending.record_withdrawal(hello(), "mill", "A", 3)
    stores.sending.record_size_set(hello(mode="size"), "mill", 128)
    lines = stores.entries(2)
    assert [(line.event, line.counts) for line in lines] == [
        ("withdrawn", {"tags": 3}),
        ("released", {"tokens": 128}),
    ]


def test_state_reads_back_the_same_after_the_database_was_closed(stores, database_url: str) -> None:
    from symbolon.storage.database import Database

    epoch = epoch_of(stores)
    delta = make(stores, epoch, load(stores, epoch))
    stores.database.close()
    with Database.open(database_url) as database:
        reopened = replace(stores, database=database)
        assert epoch_of(reopened) == epoch
        assert load(reopened, epoch).deltas == {1: delta.entries}
