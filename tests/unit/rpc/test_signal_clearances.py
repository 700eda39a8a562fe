"""Obligations that people meet: what was approved, and who was told, lets a signal out; many at once."""

import time
from collections.abc import Iterator
from datetime import timedelta

import numpy as np
import pytest

from contributing_ngo import PURPOSE, Contributor, contributor
from stored_signals import new_signal
from symbolon.policy.obligations import NOTHING, Notified, parse_obligations
from symbolon.rpc.node import Node
from symbolon.rpc.signal_choice import choose_signals
from whole_day import within_one_day

PERMIT = """@id("own")
@obligation("{obligation}")
permit (
    principal == Symbolon::Member::"cedar",
    action in [Symbolon::Action::"lookup", Symbolon::Action::"release"],
    resource is Symbolon::Signals
);
"""


@pytest.fixture(autouse=True)
def one_day() -> None:
    within_one_day()


@pytest.fixture(scope="module")
def ngo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contributor]:
    with contributor(tmp_path_factory.mktemp("coalition")) as made:
        yield made


@pytest.fixture
def node(ngo: Contributor) -> Iterator[Node]:
    with ngo.node() as node:
        yield node


def add(ngo: Contributor, count: int = 1) -> list[int]:
    """Adds signals; their numbers."""
    ids = [ngo.add("--purpose", PURPOSE) for _ in range(count)]
    with ngo.node() as node:
        return [node.signals.get(each).number for each in ids]


def leave(node: Node, member: str = "cedar", obligations: str = "") -> set[int]:
    """Numbers of the signals that leave for a member today."""
    asked = parse_obligations(obligations) if obligations else NOTHING
    table = node.signals.facts(node.now.date())
    chosen = choose_signals(node, member, PURPOSE, asked, table, np.empty(0, np.uint64))
    return set(chosen.numbers.tolist())


def test_approved_signals_leave_for_the_member_they_were_approved_for(ngo: Contributor, node: Node) -> None:
    ngo.policy(PERMIT.format(obligation="human_review"))
    first, second, third = add(ngo, 3)
    assert not leave(node) & {first, second, third}
    node.clearances.approve(second, "cedar")
    node.clearances.approve(third, "birch")
    assert leave(node) & {first, second, third} == {second}
    node.clearances.withdraw(second, "cedar")
    assert not leave(node) & {first, second, third}


def test_notice_lets_a_signal_leave_once_its_days_have_passed(ngo: Contributor, node: Node) -> None:
    ngo.policy(PERMIT.format(obligation="notify_supplier(supplier, 5); notify_supplier(site, 0)"))
    today = node.now.date()
    both, only_one, too_late, none = numbers = add(ngo, 4)
    for number, who, days in (
        (both, Notified.SUPPLIER, 5),
        (both, Notified.SITE, 0),
        (only_one, Notified.SUPPLIER, 9),
        (too_late, Notified.SUPPLIER, 4),
        (too_late, Notified.SITE, 4),
    ):
        node.clearances.note_notice(number, who, today - timedelta(days=days))
    assert leave(node) & set(numbers) == {both}
    later = node.clock() + 86400
    with Node(ngo.home, clock=lambda: later) as tomorrow:
        assert leave(tomorrow) & set(numbers) == {both, too_late}
    node.clearances.withdraw_notice(both, Notified.SITE)
    assert not leave(node) & {*numbers, none}


def test_obligation_of_the_lookup_itself_is_met_the_same_way(ngo: Contributor, node: Node) -> None:
    ngo.policy(PERMIT.format(obligation="no_onward"))
    (number,) = add(ngo)
    assert number in leave(node)
    assert number not in leave(node, obligations="human_review")
    node.clearances.approve(number, "cedar")
    assert number in leave(node, obligations="human_review")
    assert number not in leave(node, obligations="human_review; notify_supplier(contributor, 0)")


def test_many_approvals_and_notices_are_decided_together(ngo: Contributor, node: Node) -> None:
    """Hundreds of signals of which every third is approved and every second told of, in six groups."""
    ngo.policy(PERMIT.format(obligation="human_review; notify_supplier(supplier, 1)"))
    today = node.now.date()
    expires = {"issued": today, "expires": today + timedelta(days=99), "review": today + timedelta(days=9)}
    period = {"period": None}
    new = [new_signal(each, **expires, **period) for each in range(240)]
    numbers = list(node.signals.add_many(new, workers=0))
    table = "signal_review (number, peer, operator, at_s)"
    with node.database.transaction("test") as connection:
        for at, number in enumerate(numbers):
            if at % 3 == 0:
                connection.exec_driver_sql(f"INSERT INTO {table} VALUES ({number}, 'cedar', 'local', 0)")
    for at, number in enumerate(numbers):
        if at % 2 == 0:
            node.clearances.note_notice(number, Notified.SUPPLIER, today - timedelta(days=at % 4))
    began = time.monotonic()
    found = leave(node)
    took_s = time.monotonic() - began
    # Told of a day ago or before: of every second one, those at a multiple of 4 were told of today.
    assert found & set(numbers) == {number for at, number in enumerate(numbers) if at % 12 == 6}
    assert took_s < 2
