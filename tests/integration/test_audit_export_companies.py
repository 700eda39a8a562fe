"""Exports of two real companies that agreed in both directions, both modes and all tiers: all of it holds."""

import io

from real_nodes import ALPHA, BETA, PURPOSE, asking, real_nodes
from symbolon.audit.export_check import check_files
from symbolon.cli.made_up_suppliers import MadeUpList


def test_exports_of_companies_that_agreed_hold_and_tell_what_was_refused_before() -> None:
    with real_nodes() as nodes:
        for member, peer, offset in ((ALPHA, BETA, 0), (BETA, ALPHA, 600)):
            nodes.coalition.add(member, kind="company")
            nodes.configure(member, allow=({"peer": peer},))
            nodes.take_in(member, MadeUpList(1500, offset, 0, member))
        for member in (ALPHA, BETA):
            nodes.start(member)
        nodes.quick_error(ALPHA, BETA, PURPOSE)
        for member, peer in ((ALPHA, BETA), (BETA, ALPHA)):
            nodes.run(member, "policy", "agree", peer, "--purpose", PURPOSE, "--yes")
        nodes.run(ALPHA, *asking(BETA, PURPOSE, "AB"))
        nodes.run(ALPHA, *asking(BETA, PURPOSE, "AB", mode="size"))
        nodes.run(BETA, *asking(ALPHA, PURPOSE, "A"))
        nodes.run(ALPHA, *asking(BETA, PURPOSE, "ABC"))
        files = []
        for member in (ALPHA, BETA):
            path = nodes.coalition.folder / f"{member}.jsonl"
            nodes.run(member, "audit", "export", "--out", str(path))
            files.append((member, io.BytesIO(path.read_bytes())))
        verdict = check_files(files)
    assert verdict.holds, verdict.findings
    told = [(each.asker, each.mode, "".join(each.asked), each.outcome) for each in verdict.disclosures]
    assert sorted(told) == [
        (ALPHA, "intersection", "AB", "complete"),
        (ALPHA, "intersection", "AB", "refused"),
        (ALPHA, "intersection", "ABC", "complete"),
        (ALPHA, "size", "AB", "complete"),
        (BETA, "intersection", "A", "complete"),
    ]
    assert {each.receipts for each in verdict.disclosures} == {"both", "none"}
    named = {(each.member, each.policy_id) for each in verdict.policies}
    assert named == {
        (ALPHA, "allow-table-1"),
        (BETA, "allow-table-1"),
        (BETA, "companies-need-an-agreement"),
    }
