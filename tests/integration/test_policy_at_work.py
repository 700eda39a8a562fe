"""Policies of served nodes: agreements, files that change, obligations from one end to the other."""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from node_clocks import DAY_S, Clock
from processes import wait_until
from real_nodes import ALPHA, BETA, Nodes, asking, real_nodes
from symbolon.audit.receipt import decode_result
from symbolon.cli.made_up_suppliers import MadeUpList
from symbolon.policy.own_policies import OWN_FOLDER
from symbolon.rpc import node as node_module
from symbolon.rpc.node import Node

NGO = "gamma-ngo"
LIST = 1_000
SHARED = 600
DENIED = 77

OBLIGED = {
    "purpose-1": "retain(1)",
    "purpose-2": "delay(3)",
    "purpose-3": "count_only",
    "purpose-4": "human_review",
    "purpose-5": "no_onward; retain(30)",
}
UNDER = """
@id("under-{purpose}")
@obligation("{obligation}")
permit (principal == Symbolon::Member::"gamma-ngo", action in Symbolon::Action::"match", resource)
when {{ context.purpose == "{purpose}" }};
"""
NONE = '@id("none") forbid (principal == Symbolon::Member::"gamma-ngo", action, resource);'


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    """Alpha and beta are companies, gamma is an organisation; beta serves, and obliges gamma by purpose."""
    with real_nodes() as nodes:
        for member, kind, offset in (
            (ALPHA, "company", 0),
            (NGO, "ngo", 0),
            (BETA, "company", LIST - SHARED),
        ):
            nodes.coalition.add(member, kind=kind)
            peers = (ALPHA, NGO) if member == BETA else (BETA,)
            nodes.configure(member, allow=tuple({"peer": peer} for peer in peers))
            nodes.take_in(member, MadeUpList(LIST, offset, 0, member))
        own = "".join(UNDER.format(purpose=each, obligation=text) for each, text in OBLIGED.items())
        write(nodes, "obligations.cedar", own)
        nodes.start(BETA)
        yield nodes


def write(nodes: Nodes, name: str, text: str) -> None:
    folder = nodes.home(BETA) / OWN_FOLDER
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)


def refused(nodes: Nodes, member: str, purpose: str, mode: str = "intersection") -> str:
    """Asks for what beta does not permit; what the operator who asks is told."""
    return nodes.run(member, *asking(BETA, purpose, "A", mode), code=DENIED, quick=True).stderr


def counted(nodes: Nodes, member: str, purpose: str, tiers: str = "A") -> dict[str, Any]:
    done = nodes.run(member, *asking(BETA, purpose, tiers, "size"), "--json", quick=True)
    return dict(json.loads(done.stdout))


def live(nodes: Nodes, peer: str) -> bool:
    """Whether beta holds a key by which the peer was answered."""
    sql = "SELECT count(*) AS n FROM key_epoch WHERE peer = :peer AND seed IS NOT NULL"
    return bool(nodes.query(BETA, sql, peer=peer)[0].n)


def released(nodes: Nodes, purpose: str) -> list[dict[str, int]]:
    """What beta's log counts of each set or delta that it released for a purpose, oldest first."""
    sql = "SELECT counts FROM audit_entry WHERE event = 'released' AND purpose = :purpose ORDER BY number"
    return [json.loads(row.counts) for row in nodes.query(BETA, sql, purpose=purpose)]


def test_companies_agree_before_one_learns_which_suppliers_both_have(nodes: Nodes) -> None:
    said = refused(nodes, ALPHA, "purpose-10")
    assert "symbolon policy agree beta-co" in said
    assert "--mode size needs no agreement" in said
    wait_until(lambda: "forbidden by companies-need-an-agreement" in nodes.log(BETA), "the reason in the log")
    assert "symbolon policy agree" in nodes.log(BETA)
    assert (nodes.events(BETA, "purpose-10"), nodes.spent(BETA, ALPHA)) == (["denied"], 0)
    assert (
        nodes.run(ALPHA, *asking(BETA, "purpose-10", "A", "size"), quick=True).stdout.strip().endswith("600.")
    )

    for member, peer in ((ALPHA, BETA), (BETA, ALPHA)):
        nodes.run(member, "policy", "agree", peer, "--purpose", "purpose-10", "--yes", quick=True)
    assert len(nodes.match(ALPHA, BETA, "purpose-10", tiers="A", quick=True).rows) == SHARED
    assert live(nodes, ALPHA)
    refused(nodes, ALPHA, "purpose-11")

    nodes.run(ALPHA, "policy", "withdraw", BETA, quick=True)
    wait_until(lambda: not live(nodes, ALPHA), "the end of the key epoch")
    assert "symbolon policy agree beta-co" in refused(nodes, ALPHA, "purpose-10")


def test_policy_that_is_dropped_in_counts_at_once_and_a_broken_one_changes_nothing(nodes: Nodes) -> None:
    nodes.quick_match(NGO, BETA, "purpose-20", tiers="A")
    assert live(nodes, NGO)
    write(nodes, "drop.cedar", NONE)
    wait_until(lambda: not live(nodes, NGO), "the end of the key epoch")
    wait_until(lambda: "1 key epochs were erased" in nodes.log(BETA), "the log")
    assert "other policies are in force" in nodes.log(BETA)
    assert "symbolon: hint: " in refused(nodes, NGO, "purpose-20")

    write(nodes, "drop.cedar", NONE[:-20])
    wait_until(lambda: "policies cannot be put in force: drop.cedar" in nodes.log(BETA), "the log")
    assert "those before stay" in nodes.log(BETA)
    refused(nodes, NGO, "purpose-20")
    checked = nodes.run(BETA, "policy", "check", code=78, quick=True).stderr
    assert "drop.cedar" in checked
    assert "keeps those before" in checked

    (nodes.home(BETA) / OWN_FOLDER / "drop.cedar").unlink()
    nodes.quick_match(NGO, BETA, "purpose-20", tiers="A")


def test_retained_results_are_erased_at_the_receiver_when_their_time_is_over(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = nodes.match(NGO, BETA, "purpose-1", tiers="A", quick=True)
    assert len(done.rows) == SHARED
    assert "to be erased after 1 day, " in done.talk
    with Node(nodes.home(NGO)) as node, node.database.transaction("forget the others") as connection:
        connection.exec_driver_sql("DELETE FROM match_result WHERE purpose <> 'purpose-1'")

    def show(ahead_s: float, code: int = 0) -> Any:
        with monkeypatch.context() as patch:
            patch.setattr(node_module, "Node", partial(Node, clock=Clock(ahead_s)))
            return nodes.run(NGO, "match", "show", BETA, "--json", code=code, quick=True)

    def held() -> list[int]:
        tables = ("received_set", "match_result")
        counts = "SELECT count(*) AS n FROM {} WHERE purpose = 'purpose-1'"
        return [nodes.query(NGO, counts.format(table))[0].n for table in tables]

    assert len(json.loads(show(DAY_S - 3600).stdout)) == SHARED
    # Gone for whoever looks, before anything has run to erase it.
    assert "no matches" in show(DAY_S + 60, code=2).stderr
    assert held() == [1, 1]
    for ahead_s, erased in ((DAY_S - 3600, 0), (DAY_S + 60, 1)):
        with Node(nodes.home(NGO), clock=Clock(ahead_s)) as node:
            assert node.matches.expire() == erased
    assert held() == [0, 0]
    # The receiver holds nothing of it, so it is sent the whole set again, which is the same one.
    assert len(nodes.match(NGO, BETA, "purpose-1", tiers="A", quick=True).rows) == SHARED
    assert len(released(nodes, "purpose-1")) == 1


@pytest.mark.parametrize("purpose", ["purpose-2", "purpose-3", "purpose-4"])
def test_set_that_is_withheld_looks_on_the_wire_like_one_that_is_not(nodes: Nodes, purpose: str) -> None:
    nodes.quick_match(NGO, BETA, "purpose-22", tiers="AB")
    withheld = nodes.quick_match(NGO, BETA, purpose, tiers="AB")
    assert withheld.rows == []
    assert released(nodes, purpose) == released(nodes, "purpose-22")
    sessions = "SELECT sentence FROM exchange_session WHERE purpose = :purpose AND role = 'receiver'"
    own, other = (nodes.query(NGO, sessions, purpose=each)[0].sentence for each in (purpose, "purpose-22"))
    assert own.split("learned:")[0] == other.split("learned:")[0]


def test_size_counts_what_only_counts_and_nothing_that_waits(nodes: Nodes) -> None:
    assert "600" in counted(nodes, NGO, "purpose-3")["shared"]
    assert "600" not in counted(nodes, NGO, "purpose-4")["shared"]
    assert released(nodes, "purpose-3")[-1] == released(nodes, "purpose-4")[-1]


def test_delay_that_ends_releases_in_a_later_delta(nodes: Nodes) -> None:
    purpose = "purpose-2"
    if not released(nodes, purpose):
        nodes.quick_match(NGO, BETA, purpose, tiers="A")
    with Node(nodes.home(BETA)) as node, node.database.transaction("four days go by") as connection:
        for table, column in (("supplier_import", "started_at_s"), ("released_delta", "created_at_s")):
            connection.exec_driver_sql(f"UPDATE {table} SET {column} = {column} - {int(4 * DAY_S)}")
    assert len(nodes.quick_match(NGO, BETA, purpose, tiers="A").ids()) == SHARED
    deltas = [each for each in released(nodes, purpose) if each["delta"] == 2]
    assert [each["entries"] for each in deltas] == [1024]


def test_terms_are_signed_by_both_told_to_the_operator_and_hold_in_the_export(nodes: Nodes) -> None:
    done = nodes.match(NGO, BETA, "purpose-5", tiers="A", quick=True)
    assert "is not to be passed on and is to be erased after 30 days" in done.talk
    again = nodes.match(NGO, BETA, "purpose-5", tiers="AB", quick=True)
    assert len(again.rows) >= SHARED
    with Node(nodes.home(NGO)) as node:
        learned = [each.entry for each in node.audit.newest(20) if each.values["event"] == "learned"]
        document = node.audit.document(learned[-1].receipt)
    assert document is not None
    assert decode_result(document.content).terms == "no_onward; retain(30)"
    assert sorted(document.signatures) == [BETA, NGO]
    # Decisions come out again for an outsider, those on tiers that were asked one after another included.
    files = []
    for member in (BETA, NGO):
        files.append(str(nodes.home(member) / "log.jsonl"))
        nodes.run(member, "audit", "export", "--out", files[-1], quick=True)
    nodes.run(NGO, "audit", "verify", *files, quick=True)
