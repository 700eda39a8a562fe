"""Founders that are named, and one that is none any more: nobody loses its place, with the real commands."""

from pathlib import Path

from processes import wait_until
from served_coalition import FOUNDER, ServedCoalition, served_coalition

BIRCH, CEDAR = "birch-ngo", "cedar-co"


def sign_together(coalition: ServedCoalition, *change: str) -> None:
    """`FOUNDER` proposes a change of founders, and `BIRCH` approves it."""
    coalition.run(FOUNDER, "coalition", "founders", *change, code=75)
    (proposal,) = coalition.run(BIRCH, "coalition", "proposals").stdout.splitlines()[:1]
    coalition.run(BIRCH, "coalition", "approve", proposal.split()[0])


def test_member_renews_before_it_is_named_a_founder_and_after_it_was_one(tmp_path: Path) -> None:
    with served_coalition(tmp_path, BIRCH, CEDAR) as coalition:
        # Founder's keys alone make nobody a founder.
        line = coalition.run(BIRCH, "coalition", "offer").stdout.strip()
        coalition.run(BIRCH, "coalition", "rotate", "certificate")
        coalition.run(BIRCH, "coalition", "move", "--endpoint", coalition.address(BIRCH))
        coalition.start(BIRCH)
        coalition.start(CEDAR)
        sign_together(coalition, "--threshold", "2", "--add", line)
        # Its keys would go on counting: what has to come first is told, as a command that can be run.
        told = coalition.run(FOUNDER, "coalition", "expel", BIRCH, "--reason", "gone", code=77).stderr
        assert f"{BIRCH} is a founder" in told
        assert f"`symbolon coalition founders --drop {BIRCH} --threshold 1`" in told
        # `FOUNDER` signed the certificates of all three.
        sign_together(coalition, "--threshold", "1", "--drop", FOUNDER)
        newest = coalition.versions(BIRCH)
        wait_until(
            lambda: coalition.versions(CEDAR) == coalition.versions(FOUNDER) == newest, "all to hear of it"
        )
        for member in (FOUNDER, BIRCH, CEDAR):
            coalition.run(member, "coalition", "sync")
            coalition.run(member, "coalition", "rotate", "certificate")
            assert [each.member_id for each in coalition.members(member).founders] == [BIRCH]
