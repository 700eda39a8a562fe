"""`symbolon status` after real sessions: what it shows is true, and names no supplier."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from real_nodes import ALPHA, BETA, PURPOSE, Nodes, two_nodes
from symbolon.cli import main
from symbolon.cli.made_up_suppliers import MadeUpList
from symbolon.config import load
from symbolon.rpc.node import LEAF_FILE, MEMBERS_FILE, Node
from symbolon.storage import supplier_store
from symbolon.suppliers.tier import Tier


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with two_nodes() as both:
        both.quick_match(ALPHA, BETA)
        yield both


def status(nodes: Nodes, member: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main.run(["--home", str(nodes.home(member)), "status", "--json"]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def text(nodes: Nodes, member: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main.run(["--home", str(nodes.home(member)), "status"]) == 0
    return capsys.readouterr().out


def test_status_answerer_shows_session_budget_and_epoch(
    nodes: Nodes, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = status(nodes, BETA, capsys)
    assert (shown["member"], shown["supplier_list"]["suppliers"]) == (BETA, 120)
    (session,) = shown["sessions"]
    assert (session["role"], session["peer"], session["purpose"]) == ("sender", ALPHA, PURPOSE)
    assert session["sentence"].startswith(f"Revealed to {ALPHA}: ")
    budget = {(each["peer"], each["tier"]): each for each in shown["budget"]}
    spent = nodes.spent(BETA, ALPHA)
    assert spent > 0
    assert budget[ALPHA, "A"]["window_used"] == budget[ALPHA, "A"]["year_used"] == spent
    limits = load(nodes.home(BETA)).budget
    assert budget[ALPHA, "A"]["window_left"] == limits.per_window - spent
    assert budget[ALPHA, "A"]["year_left"] == limits.per_member_year - spent
    assert budget[ALPHA, "C"]["window_used"] == 0
    assert budget["*", "A"]["year_left"] == limits.all_members_year - spent
    days = load(nodes.home(BETA)).exchange.epoch_days - 1
    assert [(each["peer"], each["number"], each["days_left"]) for each in shown["epochs"]] == [
        (ALPHA, 1, days)
    ]


def test_status_asker_shows_members_and_its_own_certificate(
    nodes: Nodes, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = status(nodes, ALPHA, capsys)
    members = {each["member"]: each for each in shown["members"]["members"]}
    assert members[ALPHA]["certificate_days_left"] == shown["certificate_days_left"] == 29
    assert members[BETA]["certificate_days_left"] is None
    assert members[BETA]["endpoint"].startswith("127.0.0.1:")
    assert shown["members"]["days_left"] == 29
    assert shown["sessions"][0]["role"] == "receiver"
    assert shown["epochs"] == []
    assert {each["peer"] for each in shown["allowed"]} >= {BETA}


def test_status_keys_are_those_of_the_list_also_after_a_change(
    nodes: Nodes, capsys: pytest.CaptureFixture[str]
) -> None:
    nodes.take_in(ALPHA, MadeUpList(110, 0, 7, ALPHA))
    shown = status(nodes, ALPHA, capsys)["supplier_list"]
    with Node(nodes.home(ALPHA)) as node:
        held = {tier.value: len(node.suppliers.load_keys(tier).link_key) for tier in Tier}
    assert shown == {"revision": 2, "suppliers": 110, "keys": held, "trouble": "", "hint": ""}


def test_status_of_a_list_keyed_by_other_rules_says_to_import_it_again(
    nodes: Nodes, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "keyed by other rules" not in text(nodes, ALPHA, capsys)
    monkeypatch.setattr(supplier_store, "key_rules", lambda: b"rules of a later release")
    shown = status(nodes, ALPHA, capsys)["supplier_list"]
    assert shown["trouble"].startswith("keyed by other rules than this release's")
    assert shown["hint"] == "Import the list again, changed or not: `symbolon suppliers import FILE`."
    lines = text(nodes, ALPHA, capsys).splitlines()
    listed = next(number for number, line in enumerate(lines) if line.startswith("list "))
    assert [line.strip() for line in lines[listed + 1 : listed + 3]] == [shown["trouble"], shown["hint"]]


def test_status_of_a_session_that_the_peer_refused_names_its_reason(
    nodes: Nodes, capsys: pytest.CaptureFixture[str]
) -> None:
    nodes.configure(ALPHA, allow=({"peer": BETA, "purposes": ("curiosity",)},))
    code, _ = nodes.quick_error(ALPHA, BETA, "curiosity")
    assert code == 77
    (session,) = (each for each in status(nodes, ALPHA, capsys)["sessions"] if each["purpose"] == "curiosity")
    assert session["state"] == "failed"
    assert session["sentence"] == (
        f"The session with {BETA} ended early (permission.denied); nothing was learned from it."
    )


def test_status_text_names_no_supplier(nodes: Nodes, capsys: pytest.CaptureFixture[str]) -> None:
    for member in (ALPHA, BETA):
        shown = text(nodes, member, capsys)
        assert f"member       {member} of coalition" in shown
        assert "Revealed to" in shown
        with Node(nodes.home(member)) as node:
            for stored in node.suppliers.list():
                for value in (stored.record.supplier_id, stored.record.name, stored.record.lei):
                    assert value not in shown


def test_status_not_enrolled_or_expired_is_shown_all_the_same(
    nodes: Nodes, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = nodes.home(ALPHA) / MEMBERS_FILE
    leaf = nodes.home(ALPHA) / LEAF_FILE
    kept = listed.read_bytes(), leaf.read_bytes()
    try:
        listed.unlink()
        assert status(nodes, ALPHA, capsys)["members"] is None
        assert "not whole" in text(nodes, ALPHA, capsys)
        leaf.unlink()
        assert status(nodes, ALPHA, capsys)["certificate_days_left"] is None
    finally:
        listed.write_bytes(kept[0])
        leaf.write_bytes(kept[1])
