"""`symbolon status` after real sessions: what it shows is true, and names no supplier."""

import json
import os
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from node_people import CHEAP
from real_nodes import ALPHA, BETA, MALLORY, PURPOSE, PURPOSES, Nodes, two_nodes
from symbolon.cli import main
from symbolon.cli.local_coalition import COALITION
from symbolon.cli.local_founder import FOUNDER
from symbolon.cli.made_up_suppliers import MadeUpList
from symbolon.cli.status_report import read_report
from symbolon.config import load
from symbolon.membership.acts import Appoint, Reinstate, Suspend
from symbolon.membership.certificates import LEAF_VALIDITY
from symbolon.membership.enrolment import leaf_key_pem, make_leaf_key
from symbolon.membership.founder_keys import METADATA_KEY_FILE
from symbolon.membership.member import MemberId
from symbolon.membership.member_record import Role as MemberRole
from symbolon.membership.member_statement import Place
from symbolon.policy.operator_roles import LOCAL, Role
from symbolon.rpc.node import COALITION_FOLDER, FOUNDER_FOLDER, LEAF_FILE, LEAF_KEY_FILE, Node
from symbolon.storage import supplier_store
from symbolon.storage.operator_store import OperatorStore
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
    assert members[ALPHA]["certificate_days_left"] == shown["certificate_days_left"] == 119
    assert members[BETA]["certificate_days_left"] is None
    assert members[BETA]["endpoint"].startswith("127.0.0.1:")
    assert (members[BETA]["kind"], members[BETA]["standing"]) == ("ngo", "good")
    assert (members[FOUNDER]["roles"], members[FOUNDER]["endpoint"]) == (["founder"], "")
    state = nodes.founder.node.coalition.state()
    assert shown["members"]["version"] == state.targets_version
    assert shown["members"]["expires"] == state.expires.isoformat()
    assert shown["members"]["days_left"] == 6
    assert (shown["founder"], shown["proposals_waiting"]) == (False, None)
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
    purpose = PURPOSES[7]
    nodes.configure(BETA, allow=({"peer": ALPHA, "purposes": PURPOSES[:7]},))
    nodes.start(BETA)
    code, _ = nodes.quick_error(ALPHA, BETA, purpose)
    assert code == 77
    (session,) = (each for each in status(nodes, ALPHA, capsys)["sessions"] if each["purpose"] == purpose)
    assert session["state"] == "failed"
    assert session["sentence"] == (
        f"The session with {BETA} ended early (permission.denied); nothing was learned from it."
    )


def test_status_shows_who_is_suspended_and_how_members_are_reached(
    nodes: Nodes, capsys: pytest.CaptureFixture[str]
) -> None:
    founder = nodes.founder
    founder.node.founding.propose([Suspend(MemberId(MALLORY), "answers nobody")])
    founder.move(nodes.home(MALLORY), Place("127.0.0.1:1", (), "127.0.0.1:2"))
    nodes.coalition.publish()
    try:
        listed = {each["member"]: each for each in status(nodes, ALPHA, capsys)["members"]["members"]}
        assert listed[MALLORY]["standing"] == "suspended"
        shown = text(nodes, ALPHA, capsys).partition("\nMembers\n")[2].partition("\n\n")[0]
        rows = {line.split()[0]: line.split() for line in shown.splitlines()}
        assert rows[MALLORY] == [MALLORY, "ngo", "127.0.0.1:1", "suspended"]
        assert rows[FOUNDER] == [FOUNDER, "coordinator,", "founder", "calls", "only", "good"]
        assert rows[BETA][-1] == "good"
    finally:
        founder.node.founding.propose([Reinstate(MemberId(MALLORY))])
        nodes.coalition.publish()


def test_status_member_behind_relays_is_shown_with_them(
    nodes: Nodes, capsys: pytest.CaptureFixture[str]
) -> None:
    founder = nodes.founder
    founder.node.founding.propose([Appoint(MemberId(ALPHA), (MemberRole.RELAY,))])
    founder.move(nodes.home(ALPHA), Place("127.0.0.1:1", (), "127.0.0.1:2"))
    founder.move(nodes.home(MALLORY), Place("", (MemberId(ALPHA),), ""))
    nodes.coalition.publish()
    listed = {each["member"]: each for each in status(nodes, ALPHA, capsys)["members"]["members"]}
    assert (listed[MALLORY]["endpoint"], listed[MALLORY]["relays"]) == ("", [ALPHA])
    assert f"relay {ALPHA}" in text(nodes, ALPHA, capsys)


def test_status_founder_shows_how_many_proposals_wait_for_a_person(
    nodes: Nodes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A copy of the founder proposes what takes a person; the founder has yet to see to it."""
    home = nodes.founder.node.home
    shown = status(nodes, home.name, capsys)
    assert (shown["founder"], shown["proposals_waiting"]) == (True, 0)
    assert "no proposal waits for a person here" in text(nodes, home.name, capsys)
    shutil.copytree(home, tmp_path / "twin", symlinks=True)
    with Node(tmp_path / "twin") as twin:
        sha256 = twin.founding.propose([Suspend(MemberId(MALLORY), "answers nobody")])
        document = twin.founding.document(sha256)
    nodes.founder.node.founding.take(document, FOUNDER, sign=False)
    assert status(nodes, home.name, capsys)["proposals_waiting"] == 1
    assert "1 proposal waits for a person here: see `symbolon coalition proposals`" in text(
        nodes, home.name, capsys
    )
    key = home / FOUNDER_FOLDER / METADATA_KEY_FILE
    kept = key.read_bytes()
    try:
        key.write_bytes(b"scrambled")
        assert status(nodes, home.name, capsys)["proposals_waiting"] is None
        assert "the proposals cannot be read" in text(nodes, home.name, capsys)
    finally:
        key.write_bytes(kept)


def test_status_counts_operators(nodes: Nodes, capsys: pytest.CaptureFixture[str]) -> None:
    assert status(nodes, MALLORY, capsys)["operators"]["count"] == 0
    assert "No operators: whoever can read this folder" in text(nodes, MALLORY, capsys)
    with Node(nodes.home(MALLORY)) as node:
        people = OperatorStore(node.database, node.sealer, node.clock, os.urandom, CHEAP)
        people.add(LOCAL, "Ada", Role.ADMINISTRATOR, password="for Ada alone")
        report = read_report(node, 0)
    assert report.operators.count == 1
    assert report.operators.sentence.startswith("1 operator (1 administrator)")


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
    metadata, aside = nodes.home(ALPHA) / COALITION_FOLDER, nodes.home(ALPHA) / "aside"
    leaf = nodes.home(ALPHA) / LEAF_FILE
    kept = leaf.read_bytes()
    try:
        metadata.rename(aside)
        assert status(nodes, ALPHA, capsys)["members"] is None
        assert "this node has not joined a coalition yet" in text(nodes, ALPHA, capsys)
        leaf.unlink()
        assert status(nodes, ALPHA, capsys)["certificate_days_left"] is None
    finally:
        aside.rename(metadata)
        leaf.write_bytes(kept)


def test_expired_certificate_is_told_by_status_match_and_serve_with_the_way_back(
    nodes: Nodes, capsys: pytest.CaptureFixture[str]
) -> None:
    files, keys = nodes.home(ALPHA), nodes.founder.node.founding.keys
    kept = {name: (files / name).read_bytes() for name in (LEAF_FILE, LEAF_KEY_FILE)}
    key, issued = make_leaf_key(), datetime.now(UTC) - LEAF_VALIDITY - timedelta(days=1)
    ended = keys.issue(ALPHA, COALITION, key.public_key(), issued)
    try:
        (files / LEAF_FILE).write_bytes(ended)
        (files / LEAF_KEY_FILE).write_bytes(leaf_key_pem(key))
        assert status(nodes, ALPHA, capsys)["certificate_days_left"] < 0
        (line,) = [each for each in text(nodes, ALPHA, capsys).splitlines() if each.startswith("certificate")]
        assert "EXPIRED" in line
        assert main.run(["--home", str(files), "serve"]) == 77
        served = capsys.readouterr().err
        _, matched = nodes.quick_error(ALPHA, BETA, PURPOSE)
    finally:
        for name, content in kept.items():
            (files / name).write_bytes(content)
    for told in (line, served, matched):
        again = f"symbolon coalition invite {ALPHA} --again --vetted-by NAME --criteria TEXT"
        assert f"ask a founder for `{again}`" in told


def test_status_says_what_people_have_to_renew_soon(nodes: Nodes, capsys: pytest.CaptureFixture[str]) -> None:
    assert status(nodes, BETA, capsys)["ends_soon"] == []
    with Node(nodes.home(BETA), clock=lambda: time.time() + 350 * 86400) as node:
        soon = read_report(node, 0).ends_soon
    assert any(each.startswith("targets has 14 days left. The founders") for each in soon), soon
    assert any(each.startswith("the vetting lapses on ") and "coalition vet" in each for each in soon), soon


def test_status_of_expired_metadata_is_shown_all_the_same(nodes: Nodes) -> None:
    with Node(nodes.home(ALPHA), clock=lambda: time.time() + 8 * 86400) as node:
        report = read_report(node, 0)
    assert report.members is not None
    assert report.members.days_left < 0
    assert [each.member for each in report.members.members if each.standing != "good"] == []
