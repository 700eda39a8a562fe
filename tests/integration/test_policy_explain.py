"""`symbolon policy explain` in a coalition with members of each kind, and what a slip of the pen gets."""

import contextlib
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest

from real_nodes import Nodes
from symbolon import config
from symbolon.cli import main
from symbolon.cli.local_coalition import local_coalition
from symbolon.membership.agreement import Agreement, encode_agreement, sign_agreement
from symbolon.membership.member import CoalitionId
from symbolon.policy.own_policies import OWN_FOLDER
from symbolon.rpc.node import Node

OWN = "alder-co"
KINDS = {
    OWN: "company",
    "brand-co": "company",
    "mill-co": "company",
    "helping-hands": "ngo",
    "second-ngo": "ngo",
    "audit-firm": "auditor",
}
LATE = """
@id("ngos-see-late")
@obligation("delay(14); no_onward; retain(365)")
permit (
    principal,
    action in [Symbolon::Action::"match_size", Symbolon::Action::"match_intersection"],
    resource
)
when { principal.kind == "ngo" && context.purpose == "incident-response" };
"""
BOTH = "due-diligence, remediation"


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with local_coalition(purposes=("due-diligence", "incident-response", "remediation")) as coalition:
        nodes = Nodes(coalition)
        for member, kind in KINDS.items():
            coalition.add(member, kind=kind)
        purposes = {"purposes": ("due-diligence", "remediation"), "tiers": ("A", "B")}
        table = {"purposes": ("due-diligence",), "modes": ("size",), "tiers": ("A",), "invited": False}
        nodes.configure(OWN, allow=({"peer": "brand-co", **purposes}, {"peer": "helping-hands", **table}))
        (nodes.home(OWN) / OWN_FOLDER).mkdir()
        (nodes.home(OWN) / OWN_FOLDER / "late.cedar").write_text(LATE)
        yield nodes


class Told(NamedTuple):
    """What a command printed."""

    stdout: str
    stderr: str


def explain(nodes: Nodes, *arguments: str, code: int = 0) -> Told:
    """Exit code 1 is an answer, not an error."""
    out, talk = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(talk):
        ended = main.run(["--home", str(nodes.home(OWN)), "policy", "explain", *arguments])
    assert ended == code, talk.getvalue()
    assert ("symbolon: error: " in talk.getvalue()) is (code > 1)
    return Told(out.getvalue(), talk.getvalue())


def blocks(nodes: Nodes, *arguments: str) -> dict[str, list[str]]:
    """What is printed, by the line that names the member."""
    found: dict[str, list[str]] = {}
    who = ""
    for line in explain(nodes, *arguments).stdout.splitlines():
        if line.startswith(" "):
            found[who].append(line)
        else:
            who = line
            found[who] = []
    return found


def test_explain_shows_every_other_member_with_what_it_may_and_why_not(nodes: Nodes) -> None:
    shown = blocks(nodes)
    assert sorted(shown) == [
        "audit-firm (auditor)",
        "brand-co (company)",
        "helping-hands (ngo)",
        "mill-co (company)",
        "second-ngo (ngo)",
        "the-founder (coordinator)",
    ]
    assert shown["the-founder (coordinator)"] == [
        "  may get nothing: no [[allow]] table and no policy permits it anything"
    ]
    assert shown["audit-firm (auditor)"] == [
        "  may be given an export of the audit log, by auditors-read-audit",
        "  nothing permits it anything else",
    ]
    assert shown["second-ngo (ngo)"] == [
        "  may ask how many suppliers both have, for",
        "    incident-response: tiers A, B, by ngos-see-late, under delay(14); no_onward; retain(365)",
        "  may ask which of its own suppliers this node has too, for",
        "    incident-response: tiers A, B, C, by ngos-see-late, under delay(14); no_onward; retain(365)",
        "  nothing permits it anything else",
    ]
    assert "    due-diligence: tier A, by allow-table-2" in shown["helping-hands (ngo)"]
    assert shown["brand-co (company)"] == [
        "  may ask how many suppliers both have, for",
        f"    {BOTH}: tiers A, B, by allow-table-1",
        "  may not ask which of its own suppliers this node has too: companies-need-an-agreement forbids it. "
        "Two companies need an agreement on this purpose, signed by both: see `symbolon policy agree`.",
        "  may not look up signals about its own suppliers: companies-need-an-agreement.signals forbids it. "
        "Two companies need an agreement on this purpose, signed by both: see `symbolon policy agree`.",
        "  may invite this node to ask it, for",
        f"    {BOTH}: size, tiers A, B, by allow-table-1",
        "  may be asked by this node, for",
        f"    {BOTH}: size and intersection, tiers A, B, by allow-table-1",
        "  nothing permits it anything else",
    ]


def test_explain_of_one_member_and_purpose_shows_no_other(nodes: Nodes) -> None:
    (lines,) = blocks(nodes, "brand-co", "--purpose", "remediation").values()
    assert "    remediation: tiers A, B, by allow-table-1" in lines
    assert not any("due-diligence" in line for line in lines)


def test_explain_as_if_agreed_shows_what_an_agreement_would_add(nodes: Nodes) -> None:
    (lines,) = blocks(nodes, "brand-co", "--agreed").values()
    at = lines.index("  may ask which of its own suppliers this node has too, for")
    assert lines[at + 1] == f"    {BOTH}: tiers A, B, by allow-table-1"


def agree(nodes: Nodes, peer: str, purpose: str, days: int) -> None:
    """Both sign; this node holds it."""
    with Node(nodes.home(OWN)) as own, Node(nodes.home(peer)) as other:
        today = own.now.date()
        made = Agreement(
            coalition=CoalitionId(own.config.node.coalition),
            members=tuple(sorted((own.member_id, other.member_id))),  # type: ignore[arg-type]
            purposes=(purpose,),
            first_day=today,
            last_day=today + timedelta(days=days),
            nonce=bytes(16),
        )
        document = encode_agreement(made)
        own.agreements.sign(document, sign_agreement(made, own.signing_key))
        own.agreements.take(document, sign_agreement(made, other.signing_key))


def test_explain_counts_an_agreement_until_it_ends(nodes: Nodes) -> None:
    agree(nodes, "brand-co", "remediation", days=30)
    one = ("brand-co", "--purpose", "remediation", "--mode", "intersection", "--tiers", "AB")
    assert explain(nodes, *one).stdout.startswith("allowed\n")
    later = (datetime.now(UTC) + timedelta(days=31)).strftime("%Y-%m-%dT%H")
    assert "companies-need-an-agreement" in explain(nodes, *one, "--at", later, code=1).stdout
    assert explain(nodes, *one, "--no-agreed", code=1).stdout.startswith("denied\n")
    explain(nodes, "brand-co", "--purpose", "due-diligence", "--mode", "intersection", code=1)


def test_explain_of_one_request_that_is_allowed_names_policy_and_obligations(nodes: Nodes) -> None:
    one = ("second-ngo", "--purpose", "incident-response", "--mode", "intersection", "--tiers", "AB")
    assert explain(nodes, *one).stdout.splitlines() == [
        "allowed",
        "  what: second-ngo (ngo) may ask which of its own suppliers this node has too, "
        "for incident-response, tiers A, B",
        "  by: ngos-see-late",
        "  under: delay(14); no_onward; retain(365)",
    ]


def test_explain_of_one_request_that_is_denied_tells_what_would_help(nodes: Nodes) -> None:
    one = ("second-ngo", "--purpose", "remediation", "--mode", "size")
    assert explain(nodes, *one, code=1).stdout.splitlines() == [
        "denied",
        "  what: second-ngo (ngo) may not ask how many suppliers both have, for remediation, tier A",
        "  by: no policy: nothing permits it",
        "  the peer is told: permission.denied",
        "  advice: To allow it, add it to an [[allow]] table of symbolon.toml.",
    ]
    asked = explain(nodes, *one, "--direction", "ask", code=1).stdout
    assert "may not be asked by this node, for remediation, size, tier A" in asked
    assert "the peer is told" not in asked


@pytest.mark.parametrize(("churn", "code"), [("5000", 0), ("5001", 1)])
def test_explain_tries_the_numbers_that_it_is_given(nodes: Nodes, churn: str, code: int) -> None:
    one = (
        "brand-co",
        "--purpose",
        "due-diligence",
        "--mode",
        "size",
        "--churn",
        churn,
        "--list-size",
        "1000000",
    )
    said = explain(nodes, *one, code=code).stdout
    assert ("permission.enumeration" in said) is bool(code)


def test_explain_as_json_has_a_record_for_each_request(nodes: Nodes) -> None:
    everything = json.loads(explain(nodes, "--json").stdout)
    # 5 peers and the founder, 3 purposes: 2 + 3 + 3 tiers answered, 2 × 8 asked, invited; the log of each.
    assert len(everything) == 6 * (3 * (2 + 3 + 3 + 2 * 8) + 1)
    (one,) = json.loads(
        explain(nodes, "second-ngo", "--purpose", "incident-response", "--mode", "size", "--json").stdout
    )
    assert one == {
        "member": "second-ngo",
        "kind": "ngo",
        "action": "match_size",
        "purpose": "incident-response",
        "mode": "size",
        "tiers": ["A"],
        "allowed": True,
        "policies": ["ngos-see-late"],
        "obligations": "delay(14); no_onward; retain(365)",
        "refusal": "",
        "advice": "",
        "errors": [],
    }
    assert one in everything


ONE = ("brand-co", "--purpose", "due-diligence", "--mode")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("nobody-co",), 77, "symbolon coalition members"),
        (("Bad_Name!",), 2, "lower-case letters"),
        ((OWN,), 2, "policies decide about the others"),
        (("brand-co", "--purpose", "dilligence"), 2, "due-diligence, incident-response, remediation"),
        (("brand-co", "--mode", "size"), 2, "For example"),
        (("--purpose", "remediation", "--mode", "size"), 2, "For example"),
        (("brand-co", "--tiers", "AB"), 2, "--mode"),
        (("brand-co", "--churn", "1"), 2, "--mode"),
        ((*ONE, "sizes"), 2, "--mode size or --mode intersection"),
        ((*ONE, "size", "--tiers", "ABC"), 2, "--mode intersection"),
        ((*ONE, "size", "--tiers", "X"), 2, "A, B, C"),
        ((*ONE, "size", "--direction", "up"), 2, "answer, ask, invited"),
        ((*ONE, "size", "--at", "tomorrow"), 2, "2027-01-31T12"),
    ],
)
def test_explain_of_a_slip_of_the_pen_says_what_to_type(
    nodes: Nodes, arguments: tuple[str, ...], code: int, said: str
) -> None:
    told = explain(nodes, *arguments, code=code)
    assert said in told.stderr
    assert told.stdout == ""


def test_explain_writes_nothing_into_the_log_but_the_policies(nodes: Nodes) -> None:
    explain(nodes)
    sql = "SELECT event FROM audit_entry ORDER BY number"
    before = nodes.query(OWN, sql)
    assert ("policy",) in [tuple(row) for row in before]
    explain(nodes, "brand-co", "--purpose", "due-diligence", "--mode", "intersection", code=1)
    explain(nodes)
    assert nodes.query(OWN, sql) == before


def test_explain_warns_of_tables_that_can_permit_nothing(nodes: Nodes) -> None:
    path = nodes.home(OWN) / config.FILE_NAME
    before = path.read_text()
    try:
        path.write_text(f'{before}[[allow]]\npeer = "brandt-co"\npurposes = ["dilligence"]\n')
        told = explain(nodes).stderr
    finally:
        path.write_text(before)
    assert "[[allow]] table 3 names brandt-co, no member." in told
    assert "[[allow]] table 3 names dilligence, no purpose of the coalition." in told


def test_explain_under_a_broken_policy_says_where_it_is_broken(nodes: Nodes) -> None:
    path = nodes.home(OWN) / OWN_FOLDER / "broken.cedar"
    try:
        path.write_text("permit")
        told = explain(nodes, code=78).stderr
    finally:
        path.unlink()
    assert told.count("broken.cedar") == 1
    assert "symbolon: hint: " in told
