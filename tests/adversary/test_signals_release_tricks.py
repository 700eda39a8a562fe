"""Tricks to have a signal leave that should not: policies, marks, purposes, days, clocks.

Everything is the node's own but its clock. Who decides is `choose_signals`: what it leaves out is in no set.
docs/signals.md, Who sees what.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from datetime import time as day_time

import pytest

from clocked_signals import SignalScene, few_purposes, signal_scene
from node_clocks import DAY_S
from real_nodes import Nodes
from signal_nodes import contribute, recall, records, signature
from symbolon.cli.local_coalition import PURPOSE
from symbolon.cli.made_up_suppliers import MadeUpList
from symbolon.errors import SignalError
from symbolon.exchange.messages import SIGNAL
from symbolon.policy.obligations import NOTHING, Notified, Obligations, parse_obligations
from symbolon.policy.own_policies import OWN_FOLDER
from symbolon.rpc.node import Node
from symbolon.rpc.receiver_lookup import Publishers
from symbolon.rpc.signal_choice import choose_signals
from symbolon.signals.revisions import revise
from symbolon.signals.vocabulary import Evidence, Tlp

WATCH, ALDER, BIRCH = "watch-ngo", "alder-co", "birch-co"
OTHER = "purpose-0"
_SECOND = timedelta(seconds=1)


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with few_purposes(3) as made:
        for member, kind in ((WATCH, "ngo"), (ALDER, "company"), (BIRCH, "company")):
            made.coalition.add(member, kind=kind)
        made.configure(WATCH, allow=tuple({"peer": each, "signals": True} for each in (ALDER, BIRCH)))
        made.configure(ALDER, allow=({"peer": WATCH, "signals": True},))
        made.take_in(ALDER, MadeUpList(30, 0, 0, ALDER))
        yield made


@pytest.fixture(autouse=True)
def _own_policies(nodes: Nodes) -> Iterator[None]:
    """Those of a test are gone at its end."""
    yield
    for path in (nodes.home(WATCH) / OWN_FOLDER).glob("*.cedar"):
        path.unlink()


def write(nodes: Nodes, *policies: str) -> None:
    """Own policies of the contributor about what is released; `@id` is their place."""
    folder = nodes.home(WATCH) / OWN_FOLDER
    folder.mkdir(exist_ok=True)
    about = '(principal, action == Symbolon::Action::"release", resource)'
    texts = (f'@id("own-{at}") {each.replace("ABOUT", about)}' for at, each in enumerate(policies))
    (folder / "own.cedar").write_text("\n".join(texts) + "\n")


def leaving(
    nodes: Nodes,
    ids: list[str],
    peer: str = ALDER,
    purpose: str = PURPOSE,
    *,
    bound: Obligations = NOTHING,
    now: datetime | None = None,
    told_before: bool = True,
) -> dict[str, str]:
    """Which of some signals would leave now, or at a time, and what is done to each."""
    clock: Callable[[], float] = time.time if now is None else now.timestamp
    with Node(nodes.home(WATCH), clock=clock) as node:
        table = node.signals.facts(node.now.date())
        told = table.numbers if told_before else node.disclosures.numbers(peer)
        choice = choose_signals(node, peer, purpose, bound, table, told)
        shapes = {
            number: choice.shapes[form].text()
            for number, form in zip(choice.numbers.tolist(), choice.form.tolist(), strict=True)
        }
        found = {}
        for hex_id in ids:
            try:
                number = node.signals.get(hex_id).number
            except SignalError:
                continue
            if number in shapes:
                found[hex_id] = shapes[number]
        return found


def some(nodes: Nodes, count: int = 1, **changes: object) -> list[str]:
    return contribute(nodes, WATCH, records(nodes, ALDER, count), **changes)


def midnight(day: date) -> datetime:
    return datetime.combine(day, day_time(), UTC)


# ------------------------------------------------------------------------------------------- obligations


def test_signal_that_several_permits_let_leave_bears_the_strictest_of_all_of_them(nodes: Nodes) -> None:
    ids = some(nodes)
    permits = (
        '@obligation("redact(evidence); retain(90)") permit ABOUT;',
        '@obligation("redact(confidence); coarsen(month); no_onward") permit ABOUT;',
        '@obligation("coarsen(year); retain(30)") permit ABOUT;',
    )
    everything = "redact(confidence, evidence); coarsen(year); no_onward; retain(30)"
    # The [[allow]] table permits too, and asks for nothing; neither does the order of the rest matter.
    for order in (permits, permits[::-1]):
        write(nodes, *order)
        assert leaving(nodes, ids) == {ids[0]: everything}
    # What the permit of the lookup asks for binds beside it.
    bound = parse_obligations("redact(severity); retain(7); delay(1)")
    assert leaving(nodes, ids, bound=bound) == {}
    bound = parse_obligations("redact(severity); retain(7)")
    assert leaving(nodes, ids, bound=bound) == {
        ids[0]: "redact(confidence, evidence, severity); coarsen(year); no_onward; retain(7)"
    }


@pytest.mark.parametrize(
    "obligation",
    ["count_only", "human_review", "min_corroboration(2)", "notify_supplier(supplier, 0)", "delay(1)"],
)
def test_signal_whose_obligation_is_not_met_is_in_no_set_whatever_else_permits_it(
    nodes: Nodes, obligation: str
) -> None:
    held_back, free = some(nodes, evidence=Evidence.SATELLITE), some(nodes)
    write(nodes, f'@obligation("{obligation}") permit ABOUT when {{ context.evidence == "satellite" }};')
    assert leaving(nodes, [*held_back, *free]) == {free[0]: ""}
    # Nor does asking under the obligation of a lookup let it leave.
    assert leaving(nodes, free, bound=parse_obligations(obligation)) == {}


def test_approval_and_notice_count_for_the_member_and_the_day_that_they_name(nodes: Nodes) -> None:
    one, other = some(nodes, 2)
    write(nodes, '@obligation("human_review; notify_supplier(supplier, 3)") permit ABOUT;')
    with Node(nodes.home(WATCH)) as node:
        number = node.signals.get(one).number
        node.clearances.approve(number, ALDER)
        today = node.now.date()
        node.clearances.note_notice(number, Notified.SUPPLIER, today - timedelta(days=2))
    assert leaving(nodes, [one, other]) == {}
    tomorrow = midnight(today + timedelta(days=1))
    assert leaving(nodes, [one, other], now=tomorrow) == {one: ""}
    assert leaving(nodes, [one, other], now=tomorrow - _SECOND) == {}
    assert leaving(nodes, [one, other], BIRCH, now=tomorrow) == {}


@pytest.mark.parametrize("effect", ["permit", "forbid"])
def test_policy_that_fails_while_it_is_evaluated_lets_nothing_leave_that_it_is_about(
    nodes: Nodes, effect: str
) -> None:
    # In Cedar a forbid that fails is skipped, and the table's permit would stand.
    overflow = 'context.evidence == "satellite" && context.contributors * 9223372036854775807 + 1 > 0'
    fails, free = some(nodes, evidence=Evidence.SATELLITE), some(nodes)
    write(nodes, f"{effect} ABOUT when {{ {overflow} }};")
    assert leaving(nodes, [*fails, *free]) == {free[0]: ""}


# --------------------------------------------------------------------------------------- marks and wishes


def test_red_signal_goes_to_nobody_that_it_does_not_name_whatever_permits_it(nodes: Nodes) -> None:
    red = some(nodes, tlp=Tlp.RED, recipients=(BIRCH,))
    write(nodes, "permit ABOUT;", 'permit ABOUT when { context.tlp == "red" };')
    assert leaving(nodes, red) == {}
    assert leaving(nodes, red, BIRCH) == {red[0]: ""}
    assert leaving(nodes, red, BIRCH, OTHER) == {}
    # Nobody else's name will do: not one that begins like it, nor the contributor's own.
    for peer in (BIRCH[:-1], f"{BIRCH}-2", BIRCH.upper(), WATCH, ""):
        assert leaving(nodes, red, peer) == {}


def test_signal_leaves_for_no_purpose_and_no_member_that_it_does_not_name(nodes: Nodes) -> None:
    both = some(nodes, purposes=(PURPOSE, OTHER))
    mine = some(nodes, purposes=(OTHER,), recipients=(ALDER,))
    write(nodes, "permit ABOUT;")
    assert leaving(nodes, [*both, *mine], purpose=OTHER) == {both[0]: "", mine[0]: ""}
    assert leaving(nodes, [*both, *mine]) == {both[0]: ""}
    assert leaving(nodes, [*both, *mine], BIRCH, OTHER) == {both[0]: ""}
    # One that the coalition has not agreed on, though the signal names it; one that only looks like it.
    odd = some(nodes, purposes=(PURPOSE.upper(), "marketing"))
    for purpose in ("marketing", PURPOSE.upper(), PURPOSE[:-1], ""):
        assert leaving(nodes, [*both, *odd], purpose=purpose) == {}


def test_stranger_gets_nothing_though_a_policy_permits_everybody(nodes: Nodes) -> None:
    ids = some(nodes)
    write(nodes, "permit ABOUT;")
    assert leaving(nodes, ids, "nobody-co") == {}


def test_recalled_signal_leaves_as_the_news_of_it_for_who_was_told_and_bears_the_lookups_obligations(
    nodes: Nodes,
) -> None:
    (hex_id,) = some(nodes)
    recall(nodes, WATCH, hex_id)
    write(nodes, "forbid ABOUT;")
    assert leaving(nodes, [hex_id], told_before=False) == {}
    bound = parse_obligations("retain(30); human_review")
    assert leaving(nodes, [hex_id], bound=bound) == {hex_id: "redact(subject_kind); retain(30)"}


# ------------------------------------------------------------------------------------------- days and clocks


@contextmanager
def local_time(zone: str) -> Iterator[None]:
    """This process in another time zone."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = zone
    time.tzset()
    try:
        yield
    finally:
        os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
        time.tzset()


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_embargo_and_expiry_change_at_midnight_utc_wherever_the_node_stands(nodes: Nodes, zone: str) -> None:
    with Node(nodes.home(WATCH)) as node:
        day = node.now.date() + timedelta(days=2)
    embargoed = some(nodes, embargo=day)
    ends = some(nodes, expires=day, review=day)
    with local_time(zone):
        assert leaving(nodes, [*embargoed, *ends], now=midnight(day) - _SECOND) == {ends[0]: ""}
        assert leaving(nodes, [*embargoed, *ends], now=midnight(day)) == {embargoed[0]: ""}


def test_clock_that_was_moved_back_holds_back_what_had_not_begun_then_and_lets_nothing_more_out(
    nodes: Nodes,
) -> None:
    with Node(nodes.home(WATCH)) as node:
        today = node.now.date()
    embargoed, plain = some(nodes, embargo=today), some(nodes)
    write(nodes, '@obligation("delay(1)") permit ABOUT when { context.evidence == "satellite" };')
    delayed = some(nodes, evidence=Evidence.SATELLITE)
    ids = [*embargoed, *plain, *delayed]
    tomorrow = midnight(today + timedelta(days=1))
    assert leaving(nodes, ids, now=tomorrow) == dict.fromkeys(ids, "")
    yesterday = midnight(today) - _SECOND
    assert leaving(nodes, ids, now=yesterday) == {plain[0]: ""}


def test_revision_that_looses_the_marks_starts_no_delay_anew_and_ends_none_early(nodes: Nodes) -> None:
    (hex_id,) = some(nodes, tlp=Tlp.AMBER)
    write(nodes, '@obligation("delay(2)") permit ABOUT;')
    with Node(nodes.home(WATCH)) as node:
        today = node.now.date()
        new = revise(node.signals.get(hex_id).signal, today, tlp=Tlp.CLEAR)
        node.signals.add_revision(new, signature(node, new), "revised")
    due = midnight(today + timedelta(days=2))
    assert leaving(nodes, [hex_id], now=due - _SECOND) == {}
    assert leaving(nodes, [hex_id], now=due) == {hex_id: ""}


@pytest.fixture(scope="module")
def scene(nodes: Nodes) -> Iterator[SignalScene]:
    with signal_scene(nodes, WATCH) as made:
        yield made


def test_expired_signal_is_gone_at_both_ends_and_a_clock_moved_back_does_not_bring_it_back(
    nodes: Nodes, scene: SignalScene
) -> None:
    with scene.node() as node:
        day = node.now.date() + timedelta(days=1)
    some_records = records(nodes, ALDER, 2, 20)
    (short,) = scene.contribute(some_records[:1], purposes=("purpose-1",), expires=day, review=day)
    (long,) = scene.contribute(some_records[1:], purposes=("purpose-1",))
    scene.look_up(ALDER, "purpose-1", "A")
    assert set(scene.held(ALDER, "purpose-1")) == {short, long}
    # At the requester by its own clock, without a word of anybody.
    ends_s = midnight(day).timestamp()
    scene.clock.ahead_s = ends_s - time.time() - 30
    assert set(scene.held(ALDER, "purpose-1")) == {short, long}
    scene.clock.ahead_s = ends_s - time.time() + 1
    assert set(scene.held(ALDER, "purpose-1")) == {long}
    # At the contributor it is in no set any more; the requester finds it gone, and it stays so.
    talk = scene.look_up(ALDER, "purpose-1", "A")
    assert talk.offer("A")[1] == 1
    with scene.node(ALDER) as node:
        node.received.erase_due(node.clock(), lambda peer: node.asking_lock(peer, SIGNAL))
    scene.clock.ahead_s = 0
    with scene.node(ALDER) as node:
        views = node.received.views(Publishers(node), peer=WATCH)
        assert {each.signal.hex_id for each in views if each.purpose == "purpose-1"} == {long}
    scene.clock.ahead_s = 2 * DAY_S
    scene.look_up(ALDER, "purpose-1", "A")
    assert set(scene.held(ALDER, "purpose-1")) == {long}
