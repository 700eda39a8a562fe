"""Signals between served nodes: who is shown what, what changes, what is erased, what can be proven."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from real_nodes import Nodes, real_nodes
from signal_nodes import change, contribute, held, look_up, recall, records, tombstones
from symbolon.cli.made_up_suppliers import MadeUpList
from symbolon.errors import SymbolonError
from symbolon.policy.own_policies import OWN_FOLDER
from symbolon.rpc.node import Node
from symbolon.signals.revisions import dispute, reply, revise
from symbolon.signals.signal import Native
from symbolon.signals.vocabulary import DisputeState, Evidence, Indicator, RecallReason, Tlp
from symbolon.suppliers.record import Supplier

WATCH, ALDER, BIRCH = "watch-ngo", "alder-co", "birch-co"
LIST = 200
STRANGER = Supplier("", "Known To The Watch Alone Ltd", city="Porto", postal_code="4000", country="PT")
CANARY = "Zyzzyva-Grade-7731"


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    """An organisation serves; two companies have lists that overlap by half."""
    with real_nodes() as nodes:
        for member, kind in ((WATCH, "ngo"), (ALDER, "company"), (BIRCH, "company")):
            nodes.coalition.add(member, kind=kind)
        everything = {"signals": True}
        nodes.configure(
            WATCH,
            allow=({"peer": ALDER, **everything}, {"peer": BIRCH, **everything}),
            exchange={"additions_interval_s": 0},
        )
        for member, offset in ((ALDER, 0), (BIRCH, LIST // 2)):
            nodes.configure(member, allow=({"peer": WATCH, **everything},))
            nodes.take_in(member, MadeUpList(LIST, offset, 0, member))
        nodes.start(WATCH)
        yield nodes


def policy(nodes: Nodes, name: str, text: str) -> None:
    folder = nodes.home(WATCH) / OWN_FOLDER
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.cedar").write_text(text)


def test_lookup_gives_each_company_the_signals_about_its_own_suppliers_and_no_other(nodes: Nodes) -> None:
    of_alder, of_both = records(nodes, ALDER, 2), records(nodes, BIRCH, 2)
    ids = contribute(nodes, WATCH, [*of_alder, *of_both, STRANGER], purposes=("purpose-1",))
    look_up(nodes, ALDER, WATCH, "purpose-1")
    look_up(nodes, BIRCH, WATCH, "purpose-1")
    assert {each for each, view in held(nodes, ALDER).items() if view.purpose == "purpose-1"} == set(ids[:4])
    mine = {each: view for each, view in held(nodes, BIRCH).items() if view.purpose == "purpose-1"}
    assert mine.keys() == set(ids[2:4])
    with Node(nodes.home(BIRCH)) as node:
        for hex_id, record in zip(ids[2:4], of_both, strict=True):
            (link,) = mine[hex_id].links
            supplier = node.suppliers.get(link.link.supplier_no)
            assert supplier is not None
            assert supplier.supplier_id == record.supplier_id


def test_lookup_again_brings_what_is_new_alone(nodes: Nodes) -> None:
    some = records(nodes, ALDER, 100)
    contribute(nodes, WATCH, some, purposes=("purpose-2",))
    first = look_up(nodes, ALDER, WATCH, "purpose-2")
    contribute(nodes, WATCH, some[:3], purposes=("purpose-2",))
    second = look_up(nodes, ALDER, WATCH, "purpose-2")
    assert (first.counts["added"], second.counts["added"], second.counts["unchanged"]) == (100, 3, 100)
    sql = "SELECT counts FROM audit_entry WHERE event = 'released' AND purpose = 'purpose-2' ORDER BY number"
    entries = [json.loads(row.counts)["entries"] for row in nodes.query(WATCH, sql)]
    whole, later = entries[:2], entries[2:]
    # Padded to their classes: the second session moves the smallest batch of each tier.
    assert min(whole) >= 100
    assert set(later) == {64}


def test_recall_reaches_who_was_told_and_leaves_nothing_of_the_content(nodes: Nodes) -> None:
    native = Native("SMETA", CANARY)
    (hex_id,) = contribute(nodes, WATCH, records(nodes, ALDER, 1, 30), purposes=("purpose-3",), native=native)
    look_up(nodes, ALDER, WATCH, "purpose-3")
    assert held(nodes, ALDER)[hex_id].signal.native == native
    recall(nodes, WATCH, hex_id, RecallReason.REMEDIED)
    outcome = look_up(nodes, ALDER, WATCH, "purpose-3")
    assert outcome.counts["recalled"] == 1
    assert hex_id not in held(nodes, ALDER)
    assert tombstones(nodes, ALDER)[hex_id].reason is RecallReason.REMEDIED
    with Node(nodes.home(ALDER)) as node, node.database.read("look at every sealed label") as connection:
        rows = connection.exec_driver_sql("SELECT count(*) FROM received_form WHERE signal_id = ?", (hex_id,))
        assert rows.scalar() == 0


def test_recalled_signal_is_not_told_to_who_never_knew_of_it(nodes: Nodes) -> None:
    (hex_id,) = contribute(nodes, WATCH, records(nodes, BIRCH, 1, 5), purposes=("purpose-4",))
    look_up(nodes, ALDER, WATCH, "purpose-4")
    recall(nodes, WATCH, hex_id)
    look_up(nodes, ALDER, WATCH, "purpose-4")
    look_up(nodes, BIRCH, WATCH, "purpose-4")
    assert hex_id in tombstones(nodes, ALDER)
    assert hex_id not in tombstones(nodes, BIRCH)
    assert hex_id not in held(nodes, BIRCH)


def test_revision_dispute_and_reply_arrive_and_stand_beside_each_other(nodes: Nodes) -> None:
    (hex_id,) = contribute(nodes, WATCH, records(nodes, ALDER, 1, 31), purposes=("purpose-5",))
    look_up(nodes, ALDER, WATCH, "purpose-5")
    change(nodes, WATCH, hex_id, lambda signal, today: revise(signal, today, confidence=11))
    change(nodes, WATCH, hex_id, lambda signal, today: dispute(signal, today, "Wages are paid."))
    change(nodes, WATCH, hex_id, lambda signal, today: reply(signal, today, "মজুরি সময়মতো দেওয়া হয়। " * 20))
    outcome = look_up(nodes, ALDER, WATCH, "purpose-5")
    assert (outcome.counts["revised"], outcome.counts["disputed"], outcome.counts["replied"]) == (1, 1, 1)
    signal = held(nodes, ALDER)[hex_id].signal
    assert (signal.revision, signal.confidence, signal.dispute.state) == (4, 11, DisputeState.OPEN)
    assert signal.dispute.statement == "Wages are paid."
    assert signal.reply is not None
    assert signal.reply.text.startswith("মজুরি")


def test_policy_withholds_redacts_and_widens_and_another_member_is_not_affected(nodes: Nodes) -> None:
    ids = contribute(
        nodes,
        WATCH,
        records(nodes, BIRCH, 2, 10),
        purposes=("purpose-6",),
        evidence=Evidence.WORKER_INTERVIEW,
        confidence=80,
    )
    policy(
        nodes,
        "six",
        """
@id("six.redacted") @obligation("redact(evidence, confidence); no_onward; retain(30)")
permit (principal == Symbolon::Member::"birch-co", action == Symbolon::Action::"release", resource)
when { context.purpose == "purpose-6" };
""",
    )
    look_up(nodes, ALDER, WATCH, "purpose-6")
    look_up(nodes, BIRCH, WATCH, "purpose-6")
    for hex_id in ids:
        whole, less = held(nodes, ALDER)[hex_id].signal, held(nodes, BIRCH)[hex_id].signal
        assert (whole.evidence, whole.confidence) == (Evidence.WORKER_INTERVIEW, 80)
        assert (less.evidence, less.confidence) == (None, None)
        assert (less.withheld, less.no_onward, less.retain_days) == ({"evidence", "confidence"}, True, 30)
        assert not whole.withheld


def test_red_signal_goes_to_the_member_it_names_alone(nodes: Nodes) -> None:
    some = records(nodes, BIRCH, 1, 20)
    (hex_id,) = contribute(nodes, WATCH, some, purposes=("purpose-7",), tlp=Tlp.RED, recipients=(BIRCH,))
    look_up(nodes, ALDER, WATCH, "purpose-7")
    look_up(nodes, BIRCH, WATCH, "purpose-7")
    assert hex_id not in held(nodes, ALDER)
    assert held(nodes, BIRCH)[hex_id].signal.tlp is Tlp.RED


def test_signal_is_not_given_for_another_purpose_than_it_allows(nodes: Nodes) -> None:
    (hex_id,) = contribute(nodes, WATCH, records(nodes, ALDER, 1, 33), purposes=("purpose-8",))
    look_up(nodes, ALDER, WATCH, "purpose-9")
    assert hex_id not in held(nodes, ALDER)
    with pytest.raises(SymbolonError) as refused:
        look_up(nodes, ALDER, WATCH, "marketing")
    assert refused.value.exit_code == 77


def test_child_labour_stands_before_everything_else_in_the_list(nodes: Nodes) -> None:
    some = records(nodes, ALDER, 3, 40)
    contribute(nodes, WATCH, some[:2], purposes=("purpose-11",))
    (urgent,) = contribute(
        nodes,
        WATCH,
        some[2:],
        purposes=("purpose-11",),
        indicators=frozenset({Indicator.CHILD_LABOUR}),
        urgent=True,
    )
    done = nodes.run(ALDER, "signals", "lookup", WATCH, "--purpose", "purpose-11", "--json", quick=True)
    document = json.loads(done.stdout)
    assert document["signals"][0]["signal_id"] == urgent
    assert {"confidence", "reliability", "evidence", "dispute", "reply", "age_days"} <= document["signals"][
        0
    ].keys()
    shown = nodes.run(ALDER, "signals", "lookup", WATCH, "--purpose", "purpose-11", quick=True).stdout
    assert shown.index("child labour") < shown.index("debt bondage")


def test_lookups_hold_before_an_auditor_who_has_both_exports(nodes: Nodes, tmp_path: Path) -> None:
    contribute(nodes, WATCH, records(nodes, ALDER, 5, 50), purposes=("purpose-12",), source="a source")
    look_up(nodes, ALDER, WATCH, "purpose-12")
    files = []
    for member in (WATCH, ALDER):
        files.append(str(tmp_path / f"{member}.jsonl"))
        nodes.run(member, "audit", "export", "--out", files[-1], quick=True)
    done = nodes.run(ALDER, "audit", "verify", *files, quick=True)
    assert "All of it holds" in done.stdout
    rows = [line for line in done.stdout.splitlines() if "purpose-12" in line]
    assert rows
    assert all("lookup" in line and "both" in line for line in rows)
    permitted = nodes.query(
        WATCH, "SELECT counts FROM audit_entry WHERE event = 'permitted' AND purpose = 'purpose-12'"
    )
    assert [json.loads(row.counts) for row in permitted] == [{"signals": 5}] * len(permitted)
    assert permitted


def test_source_is_in_nothing_that_leaves_or_is_logged(nodes: Nodes, tmp_path: Path) -> None:
    source = "Mina-the-line-leader-4417"
    contribute(nodes, WATCH, records(nodes, ALDER, 1, 60), purposes=("purpose-13",), source=source)
    look_up(nodes, ALDER, WATCH, "purpose-13")
    out = tmp_path / "watch.jsonl"
    nodes.run(WATCH, "audit", "export", "--out", str(out), quick=True)
    assert source not in out.read_text()
    assert source not in nodes.log(WATCH)
    for member in (WATCH, ALDER):
        for path in nodes.home(member).rglob("*"):
            if path.is_file():
                assert source.encode() not in path.read_bytes(), path
