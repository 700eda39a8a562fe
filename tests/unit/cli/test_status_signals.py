"""What `status` and `doctor` say of signals: own ones, what waits, who is behind, whose feed is late."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from contributing_ngo import PURPOSE, Contributor, contributor
from symbolon.cli.doctor_checks import Examination
from symbolon.cli.status_signals import look_at_signals, read_signals, signal_lines
from symbolon.rpc.feed_standing import FeedStanding
from symbolon.rpc.node import Node
from symbolon.rpc.signal_standing import SignalStanding, StoredBooks, signal_standing, waiting_for_approval
from symbolon.storage.subscription_store import Subscription
from whole_day import within_one_day

DAY_S = 86_400
REVIEWED = """@id("own.lookup")
permit (principal == Symbolon::Member::"cedar", action == Symbolon::Action::"lookup", resource);
@id("own.review")
@obligation("human_review")
permit (principal == Symbolon::Member::"cedar", action == Symbolon::Action::"release", resource);
"""


@pytest.fixture(autouse=True)
def one_day() -> None:
    within_one_day()


@pytest.fixture(scope="module")
def ngo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contributor]:
    with contributor(tmp_path_factory.mktemp("coalition")) as made:
        yield made


@pytest.fixture(scope="module")
def signals(ngo: Contributor) -> list[str]:
    """One that stands for two years, one that expires in ten days, one that was recalled."""
    with ngo.node() as node:
        soon = (node.now.date() + timedelta(days=10)).isoformat()
    ids = [ngo.add(), ngo.add("--expires", soon, "--review", soon), ngo.add()]
    ngo.run("recall", ids[2], "--reason=error", "--yes")
    return ids


def standing(**changes: Any) -> SignalStanding:
    fields: dict[str, Any] = {
        **dict.fromkeys(("stand", "expire_soon", "due", "texts_waiting", "received", "received_recalled"), 0),
        **dict.fromkeys(("given", "followed", "late"), ()),
    }
    return SignalStanding(**{**fields, **changes})


def told(found: SignalStanding) -> dict[str, tuple[str, str | None]]:
    """Code and words of each check."""
    return {each.check: (each.said, each.code) for each in look_at_signals(found)}


def test_own_signals_are_counted_by_node_and_by_database_alike(ngo: Contributor, signals: list[str]) -> None:
    with ngo.node() as node:
        found = signal_standing(node)
        assert signal_standing(StoredBooks(node.database, node.sealer, node.clock)) == found
    assert (found.stand, found.expire_soon, found.due, found.texts_waiting) == (2, 1, 0, 0)
    assert (found.given, found.followed, found.late) == ((), (), ())


def test_signal_that_waits_for_an_approval_is_counted_once_and_until_it_has_it(
    ngo: Contributor, signals: list[str]
) -> None:
    with ngo.node() as node:
        assert waiting_for_approval(node) == 0
    ngo.policy(REVIEWED)
    try:
        with ngo.node() as node:
            assert waiting_for_approval(node) == 2
        ngo.run("approve", signals[0], "cedar", "--yes")
        with ngo.node() as node:
            assert waiting_for_approval(node) == 1
            lines = list(signal_lines(read_signals(node)))
        assert lines == [
            "own          2 stand; 1 of them expires within 30 days; 1 could go further, were they approved:"
            " `symbolon signals who`"
        ]
    finally:
        (ngo.home / "policies" / "own.cedar").unlink()


def test_feed_is_late_after_a_failure_and_after_two_days_without_a_lookup(ngo: Contributor) -> None:
    with ngo.node() as node:
        node.subscriptions.begin("birch", PURPOSE, "AB")
        assert signal_standing(node).late == ()
        now_s = node.clock()
        node.subscriptions.note("birch", PURPOSE, "unavailable")
        (late,) = signal_standing(node).late
        assert (late.peer, late.problem) == ("birch", "unavailable")
        node.subscriptions.note("birch", PURPOSE)
        assert signal_standing(node).late == ()
        (line,) = (each for each in signal_lines(read_signals(node)) if each.startswith("followed"))
        assert line.startswith(f"followed     birch for {PURPOSE}: looked up 20")
    with Node(ngo.home, clock=lambda: now_s + 3 * DAY_S) as node:
        assert len(signal_standing(node).late) == 1
        assert "no lookup for more than two days" in "".join(signal_lines(read_signals(node)))
        node.subscriptions.end("birch")


def test_doctor_has_a_word_for_each_trouble_and_none_where_all_is_well() -> None:
    assert told(standing()) == {
        "signals": ("none of this member's", ""),
        "followed": ("nobody", ""),
    }
    silent = FeedStanding("birch", ((PURPOSE, 1),), 5, 1, 2, 1, 9)
    well = FeedStanding("alder", ((PURPOSE, 1),), 5, 1, 0, None, None)
    never = FeedStanding("cedar", ((PURPOSE, None),), 3, None, 0, None, 8)
    found = told(standing(stand=5, given=(well, silent, never)))
    assert found["signals"] == (
        "5 stand; behind: birch (2 recalls not acknowledged, silent for 9 days), cedar (silent for 8 days)",
        "signals.behind",
    )
    assert told(standing(stand=1, texts_waiting=1))["signals"] == (
        "1 stands; 1 text of suppliers waits for a person",
        "signals.waiting",
    )
    late = Subscription("elder", PURPOSE, "AB", 1, None, "unavailable")
    assert told(standing(followed=(late,), late=(late,)))["followed"] == (
        "elder; the last lookup failed (unavailable)",
        "signals.late",
    )


def test_status_and_doctor_of_a_node_tell_it(
    ngo: Contributor, signals: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    from symbolon.cli import main

    assert main.run(["--home", str(ngo.home), "status", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)["signals"]
    assert (said["stand"], said["expire_soon"], said["awaiting_approval"], said["given"]) == (2, 1, 0, [])
    assert main.run(["--home", str(ngo.home), "status"]) == 0
    shown = capsys.readouterr().out
    assert "own          2 stand; 1 of them expires within 30 days" in shown
    checks = {each.check: each for each in Examination(ngo.home).findings()}
    assert (checks["signals"].state, checks["followed"].state) == ("ok", "ok")
    assert not any(each in shown for each in signals)
