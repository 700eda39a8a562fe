"""Founders that are named, and one that is none any more: nobody loses its place, with the real commands."""

from pathlib import Path

from processes import wait_until
from served_coalition import FOUNDER, ServedCoalition, served_coalition
from typed_member import Member

BIRCH, CEDAR = "birch-ngo", "cedar-co"


def sign_together(coalition: ServedCoalition, *change: str) -> None:
    """`FOUNDER` proposes a change of founders, and `BIRCH` approves it."""
    coalition[FOUNDER].quick("coalition", "founders", *change, code=75)
    (waiting,) = coalition[BIRCH].waiting()
    coalition[BIRCH].quick("coalition", "approve", waiting)
    wait_until(
        lambda: coalition[FOUNDER].state().root_version == coalition[BIRCH].state().root_version,
        "the new founders to be known",
    )


def versions(member: Member) -> tuple[int, int, int]:
    """Of root, targets and timestamp at a member."""
    state = member.state()
    return state.root_version, state.targets_version, state.timestamp_version


def test_member_renews_before_it_is_named_a_founder_and_after_it_was_one(tmp_path: Path) -> None:
    with served_coalition(tmp_path, BIRCH, CEDAR) as coalition:
        # Founder's keys alone make nobody a founder.
        line = coalition[BIRCH].quick("coalition", "offer")[0].strip()
        coalition[BIRCH].run("coalition", "rotate", "certificate")
        coalition[BIRCH].quick("coalition", "move", "--endpoint", coalition[BIRCH].listen)
        coalition[BIRCH].serve()
        coalition[CEDAR].serve()
        sign_together(coalition, "--threshold", "2", "--add", line)
        # Its keys would go on counting: what has to come first is told, as a command that can be run.
        told = coalition[FOUNDER].run("coalition", "expel", BIRCH, "--reason", "gone", code=77).stderr
        assert f"{BIRCH} is a founder" in told
        assert f"`symbolon coalition founders --drop {BIRCH} --threshold 1`" in told
        # `FOUNDER` signed the certificates of all three.
        sign_together(coalition, "--threshold", "1", "--drop", FOUNDER)
        newest = versions(coalition[BIRCH])
        wait_until(
            lambda: versions(coalition[CEDAR]) == versions(coalition[FOUNDER]) == newest, "all to hear of it"
        )
        for member in (FOUNDER, BIRCH, CEDAR):
            coalition[member].quick("coalition", "sync")
            coalition[member].run("coalition", "rotate", "certificate")
            assert [each.member_id for each in coalition[member].members().founders] == [BIRCH]
