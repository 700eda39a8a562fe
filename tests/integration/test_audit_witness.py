"""Three real nodes that witness each other's audit logs, one of them behind a relay."""

import json
import signal
from collections.abc import Iterator

import pytest

from processes import wait_until
from real_nodes import ALPHA, BETA, SHARED, Nodes, real_nodes
from relays import relay_process
from symbolon.audit.checkpoint import parse_checkpoint
from symbolon.audit.cosignature import verify_cosigned
from symbolon.audit.signed_note import decode_note
from symbolon.cli import main
from symbolon.cli.made_up_suppliers import MadeUpList
from symbolon.membership.acts import Appoint
from symbolon.membership.member import MemberId
from symbolon.membership.member_record import Role
from symbolon.membership.member_statement import Place
from symbolon.rpc.node import Node
from symbolon.rpc.witnessing import witness_key, witnesses
from witnessed_nodes import audit_witness_command, collected, origin, write_entries

GAMMA, FOUNDER = "gamma-co", "the-founder"


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    """`ALPHA` asks; `BETA` is served and runs a relay, `GAMMA` is served behind it; the founder is off."""
    with real_nodes() as made:
        made.add(ALPHA, MadeUpList(120, 0, 0, ALPHA), allow=({"peer": BETA},))
        made.add(BETA, MadeUpList(120, 60, 0, BETA), allow=({"peer": ALPHA},))
        made.add(GAMMA)
        address = made.start(BETA)
        with relay_process(made, BETA) as relay:
            made.founder.node.founding.propose([Appoint(MemberId(BETA), (Role.RELAY,))])
            made.place(BETA, Place(address, (), relay.endpoint))
            made.place(GAMMA, Place("", (MemberId(BETA),), ""))
            made.launch(GAMMA)
            wait_until(lambda: f"through the relay of {BETA}" in made.log(GAMMA), "to be attached")
            yield made


def test_session_ends_in_checkpoints_that_direct_and_relayed_members_cosign(nodes: Nodes) -> None:
    assert nodes.quick_match(ALPHA, BETA).ids() == SHARED
    found = collected(nodes.home(ALPHA))
    assert {each.member: each.kind for each in found.outcomes} == {
        BETA: "cosigned",
        FOUNDER: "unreachable",
        GAMMA: "cosigned",
    }
    assert (found.needed, found.is_enough) == (2, True)
    with Node(nodes.home(ALPHA)) as node:
        assert node.checkpoints.latest() == found.note
        members = node.directory.current()
        keys = [witness_key(members, each) for each in witnesses(members, ALPHA)]
        verified = verify_cosigned(found.note, node.checkpoints.public, keys)
        assert verified.checkpoint.size == node.audit.size() > 0
    assert [each.witness for each in verified.cosignatures] == [origin(BETA), origin(GAMMA)]


def test_served_node_has_its_log_witnessed_by_itself(nodes: Nodes) -> None:
    write_entries(nodes.home(GAMMA), 3)
    nodes.stop(GAMMA)
    # Its log of all starts.
    told = "of 3 other members have cosigned"
    before = nodes.log(GAMMA).count(told)
    nodes.launch(GAMMA)
    wait_until(lambda: nodes.log(GAMMA).count(told) > before, "cosignatures")
    with Node(nodes.home(GAMMA)) as node:
        assert origin(BETA) in {each.name for each in node.checkpoints.latest().signatures}


def test_audit_witness_says_who_cosigned_and_doctor_counts_them(
    nodes: Nodes, capsys: pytest.CaptureFixture[str]
) -> None:
    wait_until(lambda: nodes.log(GAMMA).count(f"through the relay of {BETA}") == 2, "to be attached")
    write_entries(nodes.home(ALPHA), 1)
    code, out, _ = audit_witness_command(nodes.home(ALPHA))
    assert code == 0
    assert "2 of 3 other members; a majority (2) cosigned: yes\n" in out
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines()[2:-1]}
    assert rows[BETA][0] == rows[GAMMA][0] == "cosigned"
    assert rows[BETA][1].startswith("20")
    assert rows[FOUNDER][:2] == ["unreachable", "-"]
    capsys.readouterr()
    main.run(["--home", str(nodes.home(ALPHA)), "doctor", "--json"])
    checks = {each["check"]: each for each in json.loads(capsys.readouterr().out)["checks"]}
    assert checks["audit log"]["state"] == "ok"
    assert "cosigned by 2 of 3 others" in checks["audit log"]["said"]


def test_audit_witness_without_a_majority_ends_with_75_and_a_later_run_goes_on(nodes: Nodes) -> None:
    write_entries(nodes.home(ALPHA), 2)
    nodes.stop(GAMMA)
    nodes.stop(BETA, signal.SIGKILL)
    code, out, talk = audit_witness_command(nodes.home(ALPHA), "--json")
    assert code == 75
    assert "symbolon: error: no majority has cosigned the audit log; not reached: 3" in talk
    document = json.loads(out)
    assert (document["majority"], document["cosigned"], document["cosigned_by_majority"]) == (2, 0, False)
    assert {each["outcome"] for each in document["members"]} == {"unreachable"}
    assert document["contradictions"] == []
    nodes.start(BETA)
    nodes.start(GAMMA)
    code, out, _ = audit_witness_command(nodes.home(ALPHA), "--json")
    after = json.loads(out)
    assert (code, after["cosigned"]) == (0, 2)
    assert after["size"] == document["size"]
    note = decode_note(after["checkpoint"].encode())
    assert parse_checkpoint(note.text).size == after["size"]
    assert len(note.signatures) == 3
