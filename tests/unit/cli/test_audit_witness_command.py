"""What `symbolon audit witness` prints, and how it ends; with real nodes: tests/integration."""

import json
from pathlib import Path
from typing import Any

import pytest

from memory_log import NOW_S, MemoryLog
from symbolon.audit.signed_note import SignedNote, encode_note
from symbolon.cli import audit_witness
from symbolon.membership.member import MemberId
from symbolon.rpc import witnessing
from symbolon.rpc.witnessing import Collected, Outcome
from witnessed_nodes import audit_witness_command

LOG = MemoryLog("mill", 8)
FARM, PORT, SHOP = MemberId("farm"), MemberId("port"), MemberId("shop")
SOME = (
    Outcome(FARM, "cosigned", NOW_S),
    Outcome(PORT, "unreachable", said="it did not answer within 15 s"),
    Outcome(SHOP, "conflict", said="status 409"),
)
FORK = (LOG.origin, LOG.note(), MemoryLog("mill", 8, branch="other").note())
DOUBT = (LOG.origin, LOG.note(5), MemoryLog("mill", 8, branch="other").note())


class FakeNode:
    """As much of a node as the command uses."""

    def __init__(self, evidence: list[tuple[str, SignedNote, SignedNote]]) -> None:
        self.checkpoints = self
        self.evidence = lambda: evidence

    def __enter__(self) -> "FakeNode":
        return self

    def __exit__(self, *_: object) -> None:
        pass


def run(
    monkeypatch: pytest.MonkeyPatch,
    outcomes: tuple[Outcome, ...],
    *arguments: str,
    cosigned: dict[MemberId, int] | None = None,
    evidence: tuple[Any, ...] = (),
) -> tuple[int, str, str]:
    at = {each.member: each.at_s for each in outcomes if each.at_s is not None} | (cosigned or {})

    async def collect(*_: object) -> Collected:
        return Collected(LOG.note(), outcomes, at)

    monkeypatch.setattr(audit_witness, "open_node", lambda: FakeNode(list(evidence)))
    monkeypatch.setattr(witnessing, "collect", collect)
    # No node is there: nobody has to sign in.
    return audit_witness_command(Path("/nonexistent"), *arguments)


def test_command_without_a_majority_says_who_is_missing_and_ends_with_75(monkeypatch):
    code, out, talk = run(monkeypatch, SOME)
    assert code == 75
    assert out.splitlines()[0] == f"symbolon/cotton/mill: 8 entries, root {LOG.checkpoint().root.hex()}"
    rows = [line.split() for line in out.splitlines()[2:5]]
    assert rows[0] == ["farm", "cosigned", "2026-11-18T11:06:40Z"]
    assert rows[1][:3] == ["port", "unreachable", "-"]
    assert rows[2] == ["shop", "conflict", "-", "status", "409"]
    assert out.splitlines()[-1] == "1 of 3 other members; a majority (2) cosigned: no"
    assert "symbolon: error: no majority has cosigned the audit log; not reached: 1" in talk


def test_command_counts_who_cosigned_before_and_is_off_now(monkeypatch):
    code, out, talk = run(monkeypatch, SOME, cosigned={PORT: NOW_S - 60})
    assert (code, talk) == (0, "")
    assert "port    unreachable  2026-11-18T11:05:40Z" in out
    assert out.splitlines()[-1] == "2 of 3 other members; a majority (2) cosigned: yes"


def test_command_in_a_coalition_of_one_has_nobody_to_wait_for(monkeypatch):
    code, out, _ = run(monkeypatch, ())
    assert (code, out.splitlines()[-1]) == (0, "there is no other member that could cosign")


@pytest.mark.parametrize("found", [FORK, DOUBT], ids=["fork", "doubt"])
def test_command_that_holds_a_contradiction_ends_with_1_whoever_cosigned(monkeypatch, found):
    for outcomes in (SOME, SOME[:1]):
        code, out, talk = run(monkeypatch, outcomes, evidence=(found,))
        assert code == 1
        sizes = "8 and 8" if found is FORK else "5 and 8"
        assert f"contradiction: symbolon/cotton/mill, checkpoints of {sizes} entries" in out
        assert "tell the founders" in talk


def test_command_as_json_holds_both_notes_of_each_contradiction(monkeypatch):
    code, out, _ = run(monkeypatch, SOME[:1], "--json", evidence=(FORK, DOUBT))
    document = json.loads(out)
    assert code == 1
    assert document["checkpoint"] == encode_note(LOG.note()).decode()
    assert (document["size"], document["others"], document["majority"], document["cosigned"]) == (8, 1, 1, 1)
    assert document["members"] == [
        {"member": "farm", "outcome": "cosigned", "cosigned": "2026-11-18T11:06:40Z", "said": ""}
    ]
    told = [(each["conclusive"], each["earlier"], each["later"]) for each in document["contradictions"]]
    assert told == [
        (conclusive, *(encode_note(note).decode() for note in found[1:]))
        for conclusive, found in ((True, FORK), (False, DOUBT))
    ]


def test_command_shows_a_time_that_is_none_as_it_came(monkeypatch):
    code, out, _ = run(monkeypatch, (Outcome(FARM, "cosigned", 2**63 - 1),))
    assert code == 0
    assert f"{2**63 - 1} s" in out
