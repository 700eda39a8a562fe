"""Exports of two real nodes after real sessions: what an auditor sees, and what stands nowhere in them."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

import forked
from real_nodes import ALPHA, BETA, MALLORY, PURPOSE, PURPOSES, Nodes, two_nodes
from symbolon import config
from symbolon.membership.coalition_roles import root_fingerprint
from symbolon.rpc.audit_export import Selection, write_export
from symbolon.rpc.node import Node
from symbolon.storage.audit_checkpoints import CHECKPOINT_FILE
from symbolon.storage.database import Database

AUDITOR = "auditor-co"


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    """`ALPHA` asked `BETA` three times, once for what no policy permits."""
    with two_nodes() as made:
        made.coalition.add(AUDITOR, kind="auditor")
        made.match(ALPHA, BETA)
        made.quick_match(ALPHA, BETA, PURPOSES[1])
        made.configure(BETA, allow=({"peer": ALPHA, "purposes": PURPOSES[:2]},))
        made.quick_error(ALPHA, BETA, PURPOSES[2])
        yield made


@pytest.fixture(scope="module")
def exports(nodes: Nodes) -> dict[str, Path]:
    return {member: export(nodes, member, f"{member}.jsonl") for member in (ALPHA, BETA)}


def export(nodes: Nodes, member: str, name: str, *more: str, code: int = 0) -> Path:
    path = nodes.coalition.folder / name
    nodes.run(member, "audit", "export", "--out", str(path), *more, quick=True, code=code)
    return path


def verify(nodes: Nodes, *arguments: object) -> dict[str, Any]:
    """The verdict of the command; its exit code says the same."""
    done = forked.run(nodes.command(ALPHA, "audit", "verify", *map(str, arguments), "--json"))
    assert "Traceback" not in done.stderr, done.stderr
    verdict: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (0 if verdict["holds"] else 1)
    return verdict


def fingerprint(nodes: Nodes) -> str:
    with Node(nodes.home(ALPHA)) as node:
        return root_fingerprint(node.coalition.roots()[0]).hex()


def found(verdict: dict[str, Any]) -> set[str]:
    return {each["code"] for each in verdict["findings"] if each["severity"] != "note"}


def change(nodes: Nodes, member: str, sql: str, **values: object) -> None:
    with (
        Database.open(config.load(nodes.home(member)).database_url) as database,
        database.transaction("alter") as connection,
    ):
        connection.execute(text(sql), values)


def test_exports_of_both_ends_hold_and_tell_each_session_once(nodes: Nodes, exports: dict[str, Path]) -> None:
    verdict = verify(nodes, *exports.values(), "--root", fingerprint(nodes))
    assert verdict["holds"], verdict["findings"]
    assert verdict["trusted"]
    told = [(each["purpose"], each["outcome"], each["receipts"]) for each in verdict["disclosures"]]
    assert sorted(told) == sorted(
        [
            (PURPOSE, "complete", "both"),
            (PURPOSES[1], "complete", "both"),
            (PURPOSES[2], "refused", "none"),
        ]
    )
    for each in verdict["disclosures"]:
        assert (each["asker"], each["owner"]) == (ALPHA, BETA)
        assert each["told_by"] == [f"{ALPHA}.jsonl", f"{BETA}.jsonl"]
        assert bool(each["sent"]) == (each["outcome"] == "complete")
        assert each["policies"] == (["allow-table-1"] if each["outcome"] == "complete" else [])


def test_verify_of_files_needs_no_node_and_says_on_what_it_rests(exports: dict[str, Path]) -> None:
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-m", "symbolon", "audit", "verify", *map(str, exports.values())],
        env=kept | {"SYMBOLON_HOME": "/nonexistent", "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "taken from the files" in done.stdout
    assert "All of it holds" in done.stdout
    assert PURPOSES[1] in done.stdout


def test_no_identifier_of_a_supplier_stands_anywhere_in_an_export(
    nodes: Nodes, exports: dict[str, Path]
) -> None:
    canaries: set[str] = set()
    for member in (ALPHA, BETA):
        with Node(nodes.home(member)) as node:
            for stored in node.suppliers.iterate():
                each = stored.record
                canaries |= {each.supplier_id, each.name, each.address, each.lei, each.postal_code}
    canaries.discard("")
    assert len(canaries) > 400
    for path in exports.values():
        content = path.read_bytes()
        for line in content.splitlines():
            kept = json.loads(line).get("content")
            if kept is not None:
                content += base64.b64decode(kept)
        assert not [each for each in canaries if len(each) > 5 and each.encode() in content]


def test_own_log_holds_until_an_entry_is_altered_in_the_database(nodes: Nodes) -> None:
    assert verify(nodes)["holds"]
    (row,) = nodes.query(ALPHA, "SELECT number, counts FROM audit_entry WHERE event = 'asked' LIMIT 1")
    alter = "UPDATE audit_entry SET counts = :counts WHERE number = :number"
    change(nodes, ALPHA, alter, counts='{"elements_A":64}', number=row.number)
    verdict = verify(nodes)
    change(nodes, ALPHA, alter, counts=row.counts, number=row.number)
    assert {"own.leaf", "tree"} <= found(verdict)
    assert [each["entry"] for each in verdict["findings"] if each["code"] == "own.leaf"] == [row.number]
    assert verify(nodes)["holds"]


def test_own_log_with_an_altered_tree_does_not_hold(nodes: Nodes) -> None:
    (row,) = nodes.query(ALPHA, "SELECT level, position, hash FROM audit_node ORDER BY level LIMIT 1")
    alter = "UPDATE audit_node SET hash = :hash WHERE level = :level AND position = :position"
    change(nodes, ALPHA, alter, hash=bytes(32), level=row.level, position=row.position)
    verdict = verify(nodes)
    change(nodes, ALPHA, alter, hash=row.hash, level=row.level, position=row.position)
    assert "own.node" in found(verdict)
    assert verify(nodes)["holds"]


def test_own_log_that_was_cut_short_does_not_hold_and_nothing_is_signed_over_it(nodes: Nodes) -> None:
    path = nodes.home(ALPHA) / CHECKPOINT_FILE
    before = path.read_bytes()
    (held,) = nodes.query(ALPHA, "SELECT * FROM audit_entry ORDER BY number DESC LIMIT 1")
    (head,) = nodes.query(ALPHA, "SELECT * FROM audit_head")
    change(nodes, ALPHA, "DELETE FROM audit_entry WHERE number = :number", number=held.number)
    verdict = verify(nodes)
    restored = dict(held._mapping)
    columns = ", ".join(restored)
    values = ", ".join(f":{name}" for name in restored)
    change(nodes, ALPHA, f"INSERT INTO audit_entry ({columns}) VALUES ({values})", **restored)
    assert "own.head" in found(verdict)
    assert head.size == held.number + 1
    assert path.read_bytes() == before
    assert verify(nodes)["holds"]


def test_own_log_without_the_checkpoint_beside_the_database_misses_it(nodes: Nodes) -> None:
    path = nodes.home(ALPHA) / CHECKPOINT_FILE
    kept = path.read_bytes()
    path.unlink()
    verdict = verify(nodes)
    path.write_bytes(kept)
    assert found(verdict) == {"own.file"}


def test_export_about_one_peer_opens_nothing_else(nodes: Nodes, exports: dict[str, Path]) -> None:
    path = nodes.coalition.folder / "peer.jsonl"
    of_mallory = ("--peer", MALLORY, "--fields", "public")
    told = nodes.run(BETA, "audit", "export", "--out", str(path), *of_mallory, quick=True).stderr
    assert "0 of them are open" in told
    assert "warning: nothing is open: no entry fits --peer and --since" in told
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert {each["kind"] for each in lines} == {"header", "root", "document", "checkpoint", "leaf", "end"}
    assert {each["type"] for each in lines if each["kind"] == "document"} == {"coalition"}
    verdict = verify(nodes, path)
    assert verdict["holds"]
    assert verdict["disclosures"] == []
    path = export(nodes, BETA, "peer-alpha.jsonl", "--peer", ALPHA, "--fields", "public")
    opened = [each for line in path.read_text().splitlines() if (each := json.loads(line))["kind"] == "entry"]
    assert opened
    assert all(each["values"]["peer"] == ALPHA for each in opened)
    assert all(set(each["commitments"]) == {"note", "operator"} for each in opened)
    assert verify(nodes, path, exports[ALPHA])["holds"]


def test_export_since_tomorrow_opens_nothing(nodes: Nodes) -> None:
    path = export(nodes, BETA, "later.jsonl", "--since", "2999-01-01")
    assert b'"kind":"entry"' not in path.read_bytes()
    assert verify(nodes, path)["files"][0]["opened"] == 0


def test_export_is_told_of_in_the_log_before_it_is_written_and_never_overwrites(nodes: Nodes) -> None:
    path = export(nodes, BETA, "once.jsonl", "--fields", "public")
    content = path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    last = [json.loads(line) for line in content.splitlines() if b'"kind":"entry"' in line][-1]
    assert last["values"]["event"] == "exported"
    before = nodes.query(BETA, "SELECT count(*) AS n FROM audit_entry")[0].n
    export(nodes, BETA, "once.jsonl", code=2)
    export(nodes, BETA, "none/once.jsonl", code=2)
    assert path.read_bytes() == content
    assert nodes.query(BETA, "SELECT count(*) AS n FROM audit_entry")[0].n == before


def test_export_that_is_interrupted_leaves_nothing(nodes: Nodes) -> None:
    folder = nodes.coalition.folder / "interrupted"
    folder.mkdir()

    def interrupt(what: str, _done: int, _total: int) -> None:
        if what == "writing":
            raise KeyboardInterrupt

    with Node(nodes.home(BETA)) as node, pytest.raises(KeyboardInterrupt):
        write_export(node, folder / "x.jsonl", Selection(), progress=interrupt)
    assert list(folder.iterdir()) == []


def test_export_for_an_auditor_is_decided_by_policy_and_for_others_refused(nodes: Nodes) -> None:
    path = export(nodes, BETA, "auditor.jsonl", "--for", AUDITOR)
    assert json.loads(path.read_text().splitlines()[0])["recipient"] == AUDITOR
    assert verify(nodes, path)["holds"]
    (row,) = nodes.query(BETA, "SELECT decision FROM audit_entry WHERE event = 'exported' AND peer != ''")
    assert "auditors-read-audit" in row.decision
    refused = export(nodes, BETA, "mallory.jsonl", "--for", MALLORY, code=77)
    assert not refused.exists()
    (row,) = nodes.query(BETA, "SELECT event, note FROM audit_entry ORDER BY number DESC LIMIT 1")
    assert (row.event, row.note) == ("denied", "read_audit")
    assert verify(nodes, export(nodes, BETA, "refused.jsonl"))["holds"]


def test_proof_of_one_entry_shows_it_and_nothing_else(nodes: Nodes, exports: dict[str, Path]) -> None:
    (row,) = nodes.query(BETA, "SELECT number FROM audit_entry WHERE event = 'released' LIMIT 1")
    done = nodes.run(BETA, "audit", "prove", str(row.number), "--fields", "event,hour,peer", quick=True)
    path = nodes.coalition.folder / "proof.jsonl"
    path.write_text(done.stdout)
    (entry,) = (each for line in done.stdout.splitlines() if (each := json.loads(line))["kind"] == "entry")
    assert set(entry["values"]) == {"event", "hour", "peer"}
    assert PURPOSE not in done.stdout
    # The export is older than the checkpoint in the proof; one that is newer goes with it.
    assert found(verify(nodes, path, exports[BETA])) == {"across.truncated"}
    verdict = verify(nodes, path, export(nodes, BETA, "newer.jsonl"))
    assert verdict["holds"], verdict["findings"]
    assert [each["proof"] for each in verdict["files"]] == [True, False]
    nodes.run(BETA, "audit", "prove", "100000", quick=True, code=2)
    nodes.run(BETA, "audit", "prove", "0", "--fields", "supplier", quick=True, code=2)


def test_file_that_is_damaged_or_not_there_is_unreadable(nodes: Nodes, exports: dict[str, Path]) -> None:
    content = bytearray(exports[BETA].read_bytes())
    content[len(content) // 2] ^= 1
    path = nodes.coalition.folder / "damaged.jsonl"
    path.write_bytes(content)
    nodes.run(ALPHA, "audit", "verify", str(path), quick=True, code=65)
    nodes.run(ALPHA, "audit", "verify", str(path) + ".none", quick=True, code=65)
    nodes.run(ALPHA, "audit", "verify", str(exports[BETA]), "--root", "ab", quick=True, code=2)
    nodes.run(ALPHA, "audit", "verify", "--root", "ab" * 32, quick=True, code=2)


def test_log_shows_entries_that_fit_newest_last(nodes: Nodes) -> None:
    everything = json.loads(nodes.run(BETA, "audit", "log", "--json", quick=True).stdout)
    numbers = [each["number"] for each in everything]
    assert numbers == sorted(numbers)
    about = json.loads(nodes.run(BETA, "audit", "log", "--peer", ALPHA, "--json", quick=True).stdout)
    assert {each["peer"] for each in about} == {ALPHA}
    answered = next(each for each in about if each["event"] == "answered")
    assert answered["decision"]["decision"]["allowed"] is True
    assert answered["decision"]["request"]["action"] == "match_intersection"
    one = nodes.run(BETA, "audit", "log", "--session", answered["session"][:12], "--json", quick=True)
    assert {each["session"] for each in json.loads(one.stdout)} == {answered["session"]}
    last = json.loads(nodes.run(BETA, "audit", "log", "--limit", "1", "--json", quick=True).stdout)
    assert [each["number"] for each in last] == numbers[-1:]
    none = nodes.run(BETA, "audit", "log", "--since", "2999-01-01", quick=True)
    assert "No entry" in none.stderr
    table = nodes.run(BETA, "audit", "log", quick=True).stdout
    assert "released" in table
    assert PURPOSE in table


def test_export_after_everything_expired_is_closed_and_holds(nodes: Nodes, exports: dict[str, Path]) -> None:
    """The last test of this module: it erases what the others look at."""
    with Node(nodes.home(BETA)) as node:
        erased = node.audit.erase_before(int(node.clock()) + 10)
    assert erased > 5
    path = export(nodes, BETA, "expired.jsonl")
    verdict = verify(nodes, path)
    assert verdict["holds"], verdict["findings"]
    assert verdict["disclosures"] == []
    assert verdict["files"][0]["opened"] < 5
    assert b'"type":"request"' not in path.read_bytes()
    nodes.run(BETA, "audit", "verify", quick=True)
    # The peer's file still tells of the sessions; that this end erased them is for people to explain.
    assert found(verify(nodes, path, exports[ALPHA])) == {"across.omitted"}
