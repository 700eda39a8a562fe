"""How many signals a member is told that it may count: which of them, how exactly, and how often anew."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest

from chosen_signals import PEER, Deciding, table_of
from chosen_signals import PURPOSE as CHOSEN_FOR
from contributing_ngo import NGO, PURPOSE, Contributor, contributor
from signal_callers import Asker, Refusal
from signal_makers import make_signal
from symbolon.api.signal.v1 import signal_pb2 as pb
from symbolon.audit.decision_record import parse_record
from symbolon.errors import RemoteProtocolError
from symbolon.policy.obligations import NOTHING, Obligations, parse_obligations
from symbolon.rpc.call_rate import BURST
from symbolon.rpc.node import Node
from symbolon.rpc.signal_codec import LEAST_COUNT, decode_count, encode_count
from symbolon.rpc.signal_counting import countable, steady
from symbolon.signals.vocabulary import Evidence, State
from symbolon.storage.signal_count_store import Told

DENIED = Refusal("PERMISSION_DENIED", "permission.denied", "not permitted")
REMEDIATION = "remediation"
FEWER = LEAST_COUNT - 1
DAY_S = 86_400

COUNT_ONLY = """@id("own.lookup")
permit (principal == Symbolon::Member::"cedar", action == Symbolon::Action::"lookup", resource);
@id("own.count")
@obligation("count_only")
permit (principal == Symbolon::Member::"cedar", action == Symbolon::Action::"release", resource);
"""


@pytest.fixture(scope="module")
def coalition(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contributor]:
    with contributor(tmp_path_factory.mktemp("coalition"), (PURPOSE, REMEDIATION)) as made:
        yield made


@pytest.fixture(scope="module")
def five(coalition: Contributor) -> list[str]:
    """Ids of five signals: one under embargo, one for alder alone, one for both purposes."""
    soon = Node(coalition.home)
    later = (soon.now.date() + timedelta(days=2)).isoformat()
    soon.close()
    more = [
        (),
        (),
        ("--purpose", REMEDIATION),
        ("--recipient", "alder"),
        ("--embargo", later),
    ]
    return [coalition.add("--purpose", PURPOSE, *each) for each in more]


@pytest.fixture(autouse=True)
def usual(coalition: Contributor) -> Iterator[None]:
    coalition.allow({"peer": "birch", "purposes": (PURPOSE, REMEDIATION)}, {"peer": "alder"})
    yield
    (coalition.home / "policies" / "own.cedar").unlink(missing_ok=True)


@pytest.fixture
def node(coalition: Contributor) -> Iterator[Node]:
    with coalition.node() as node:
        with node.database.transaction("test") as connection:
            connection.exec_driver_sql("DELETE FROM signal_count")
        yield node


def count(node: Node, member: str, purpose: str = PURPOSE) -> int | Refusal:
    answer = Asker(node).call(member, "Count", pb.CountRequest(purpose=purpose))
    return answer if isinstance(answer, Refusal) else int(answer.signals)


def entries(node: Node) -> list[dict[str, str]]:
    return [dict(each.values) for each in node.audit.entries() if each.values["event"] == "counted"]


# ------------------------------------------------------------------------------------------------- which


def test_count_is_of_what_the_contributor_lets_the_member_have_now(five: list[str], node: Node) -> None:
    assert count(node, "birch") == 3
    assert count(node, "alder") == 4
    assert count(node, "birch", REMEDIATION) == FEWER


@pytest.mark.parametrize("member", ["cedar", "birch"])
def test_count_is_refused_to_who_may_not_look_up_for_the_purpose(
    coalition: Contributor, five: list[str], node: Node, member: str
) -> None:
    coalition.allow({"peer": "birch", "signals": False})
    before = entries(node)
    assert count(node, member) == DENIED
    assert count(node, member, "resale") == DENIED
    assert entries(node) == before


def test_count_of_those_that_are_only_counted_is_the_same_as_of_those_that_are_shown(
    coalition: Contributor, five: list[str], node: Node
) -> None:
    coalition.policy(COUNT_ONLY)
    assert count(node, "cedar") == 3
    assert not node.disclosures.numbers("cedar").tolist()


@pytest.mark.parametrize(
    ("obligation", "counted"),
    [
        ("count_only", 3),
        ("redact(evidence)", 3),
        ("count_only; delay(1)", FEWER),
        ("count_only; human_review", FEWER),
        ("count_only; min_corroboration(2)", FEWER),
        ("count_only; notify_supplier(supplier, 0)", FEWER),
    ],
)
def test_count_leaves_out_what_an_obligation_still_holds_back(
    coalition: Contributor, five: list[str], node: Node, obligation: str, counted: int
) -> None:
    coalition.policy(COUNT_ONLY.replace("count_only", obligation))
    assert count(node, "cedar") == counted


def test_count_by_a_lookup_that_only_counts_is_told_too(
    coalition: Contributor, five: list[str], node: Node
) -> None:
    one, other = COUNT_ONLY.split('@id("own.count")')
    lookup = one.replace('@id("own.lookup")', '@id("own.lookup") @obligation("count_only")')
    coalition.policy(f'{lookup}@id("own.count"){other.replace("count_only", "no_onward")}')
    assert count(node, "cedar") == 3


def test_countable_is_what_a_choice_shows_and_what_its_permits_have_counted_only() -> None:
    def policy(request: object) -> Obligations | None:
        evidence = request.context["evidence"]  # type: ignore[attr-defined]
        if evidence == "media":
            return None
        return parse_obligations("count_only") if evidence == "grievance" else NOTHING

    kinds = (Evidence.MEDIA, Evidence.GRIEVANCE, Evidence.AUDIT_FINDING)
    signals = [make_signal(evidence=each) for each in kinds]
    node = Deciding(policy)
    choice = countable(node, PEER, CHOSEN_FOR, NOTHING, table_of(signals))  # type: ignore[arg-type]
    assert choice.numbers.tolist() == [2, 3]
    assert np.all(choice.permit >= 0)


# --------------------------------------------------------------------------------------------- how exactly


@pytest.mark.parametrize(
    ("before", "there_are", "told"),
    [
        (None, 0, 0),
        (None, 2, 0),
        (None, 3, 3),
        (None, 17, 17),
        (0, 2, 0),
        (0, 3, 3),
        (3, 2, 3),
        (3, 1, 3),
        (3, 0, 0),
        (3, 5, 3),
        (3, 6, 6),
        (5, 2, 0),
        (5, 3, 5),
        (17, 14, 14),
        (17, 15, 17),
    ],
)
def test_steady_moves_by_three_or_more_and_tells_no_number_below(
    before: int | None, there_are: int, told: int
) -> None:
    assert steady(None if before is None else Told(before, 0), there_are) == told


def test_steady_never_tells_which_of_two_neighbours_there_are() -> None:
    """One that comes and goes every day from any number onwards is never seen."""
    for first in range(12):
        told, seen = Told(steady(None, first), 0), []
        for step in (1, 0) * 6:
            told = Told(steady(told, first + step), 0)
            seen.append(told.signals)
        assert sum(one != other for one, other in pairwise(seen)) == 0


def test_count_message_of_fewer_than_three_is_one_and_all_are_equally_long() -> None:
    assert {encode_count(each).SerializeToString() for each in range(LEAST_COUNT)} == {
        encode_count(0).SerializeToString()
    }
    assert len({len(encode_count(each).SerializeToString()) for each in (0, 3, 300, 10**6)}) == 1
    assert [decode_count(encode_count(each)) for each in (0, 1, 2, 3, 10**6)] == [0, 0, 0, 3, 10**6]


@pytest.mark.parametrize("signals", [0, 1])
def test_count_message_with_a_number_that_is_never_told_is_refused(signals: int) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        decode_count(pb.CountResponse(signals=signals))
    assert caught.value.full_code == "protocol.malformed"


@pytest.mark.parametrize("purpose", ["", "no purpose", "x" * 65, "-x"])
def test_count_for_what_is_no_purpose_is_malformed(five: list[str], node: Node, purpose: str) -> None:
    refusal = count(node, "birch", purpose)
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.code) == ("INVALID_ARGUMENT", "protocol.malformed")


# ----------------------------------------------------------------------------------------------- how often


def test_count_is_told_again_until_the_interval_is_over_also_by_another_process(
    coalition: Contributor, five: list[str], node: Node
) -> None:
    assert count(node, "birch") == 3
    now = node.clock()
    with Node(coalition.home, clock=lambda: now + DAY_S - 60) as then:
        with then.database.transaction("test") as connection:
            connection.exec_driver_sql("UPDATE signal_count SET signals = 30")
        assert count(then, "birch") == 30
    with Node(coalition.home, clock=lambda: now + DAY_S) as then:
        assert count(then, "birch") == 3


def test_count_for_all_purposes_is_taken_at_one_time(coalition: Contributor, node: Node) -> None:
    """Purposes asked one after the other are no clock that ticks more often."""
    now = node.clock()
    with Node(coalition.home, clock=lambda: now) as first:
        count(first, "birch", REMEDIATION)
    with Node(coalition.home, clock=lambda: now + 3600) as then:
        count(then, "birch")
        (told,) = _table(then)
    assert told == ("birch", {PURPOSE: int(now), REMEDIATION: int(now)})


def _table(node: Node) -> list[tuple[str, dict[str, int]]]:
    with node.database.read("test") as connection:
        rows = connection.exec_driver_sql("SELECT peer, purpose, at_s FROM signal_count").all()
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        found.setdefault(row.peer, {})[row.purpose] = row.at_s
    return sorted(found.items())


def test_count_of_a_time_to_come_is_counted_again(coalition: Contributor, node: Node) -> None:
    now = node.clock()
    for ahead_s in (3 * DAY_S, 0):
        with Node(coalition.home, clock=lambda ahead_s=ahead_s: now + ahead_s) as then:
            count(then, "birch")
    assert {each for _, told in _table(node) for each in told.values()} == {int(now)}


def test_count_asked_too_often_is_refused_as_busy(five: list[str], node: Node) -> None:
    asker = Asker(node)
    request = pb.CountRequest(purpose="resale x")
    # On a slow machine a second passes meanwhile, and with it one more call is permitted.
    answers = (asker.call("birch", "Count", request) for _ in range(2 * BURST))
    assert any(each.code == "unavailable.busy" for each in answers)


# ------------------------------------------------------------------------------------------------ the log


def test_count_is_written_down_with_a_decision_and_again_without(five: list[str], node: Node) -> None:
    before = len(entries(node))
    count(node, "birch")
    count(node, "birch")
    first, again = entries(node)[before:]
    for entry in (first, again):
        assert (entry["peer"], entry["purpose"], entry["session"]) == ("birch", PURPOSE, "")
        assert json.loads(entry["counts"]) == {"signals": 3}
    assert [first["note"], again["note"]] == ["counted now", "as told before"]
    record = parse_record(first["decision"])
    assert record.decision.allowed
    assert (record.request.action, record.request.principal, record.request.owner) == (
        "release",
        "birch",
        NGO,
    )
    assert again["decision"] == ""


def test_count_whose_entry_cannot_be_written_is_not_told(
    five: list[str], node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OSError

    monkeypatch.setattr(type(node.audit), "append_in", broken)
    refusal = count(node, "birch")
    assert isinstance(refusal, Refusal)
    monkeypatch.undo()
    assert _table(node) == []


def test_count_of_recalled_signals_leaves_them_out() -> None:
    table = table_of([make_signal(signal_id=bytes([each]) * 16) for each in range(1, 5)])
    rows = table.rows.copy()
    rows["state"][1] = State.RECALLED.number
    recalled = replace(table, rows=rows)
    choice = countable(Deciding(), PEER, CHOSEN_FOR, NOTHING, recalled)  # type: ignore[arg-type]
    assert choice.numbers.tolist() == [1, 3, 4]
