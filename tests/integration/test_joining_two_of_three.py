"""Joining, and being expelled, where two of three founders sign; by commands as a person types them."""

import contextlib
import json
import re
from pathlib import Path

from processes import wait_until
from typed_member import Member


def test_join_with_two_founders_of_three_waits_for_the_second_or_was_approved_ahead(
    tmp_path: Path,
) -> None:
    founders = [Member(f"founder-{number}", tmp_path) for number in range(3)]
    first, second, third = founders
    first.found("winter")
    first.serve()
    with contextlib.ExitStack() as stack:
        stack.callback(first.stop)
        for each in (second, third):
            first.admit(each)
            each.serve()
            stack.callback(each.stop)
        offers = [each.quick("coalition", "offer")[0].strip() for each in (second, third)]
        added = [argument for offer in offers for argument in ("--add", offer)]
        # The new founders have to agree that they are.
        told = first.run("coalition", "founders", "--threshold", "2", *added, code=75).stderr
        assert "1 of founder-1, founder-2 have yet to sign" in told
        # What each is to be compared with is what each can say.
        listed = second.quick("coalition", "proposals")[0]
        for each in (second, third):
            said = each.run("coalition", "offer").stderr
            (digits,) = re.findall(r"will compare: (.*), authority (.*)\.", said)
            assert all(one in listed for one in digits)
        (tmp_path / "phrase").write_text("long enough")
        late = second.run("coalition", "offer", "--passphrase-file", str(tmp_path / "phrase"), code=2)
        assert "stays as it is" in late.stderr
        short = first.run("coalition", "founders", "--threshold", "2", "--add", offers[0][:200], code=77)
        assert "was not copied whole" in short.stderr
        approve(second)
        wait_until(lambda: len(first.members().founders) == 3, "the new root")
        assert first.coalition()["threshold"] == 2
        assert first.coalition()["founders"] == [each.name for each in founders]
        third.quick("coalition", "sync", first.name)

        member = Member("member", tmp_path)
        code = first.invite(member.name)
        told = member.join(code, code=75)
        assert "other founders have yet to sign it" in told
        assert member.name not in first.standing()
        approve(second)
        assert "member is a member of winter." in member.join(code)
        # Approved ahead, nobody waits.
        quick = Member("quick", tmp_path)
        code = first.invite(quick.name)
        approve(third, "invitation")
        assert "quick is a member of winter." in quick.join(code)
        for each in founders:
            wait_until(lambda each=each: each.members().find(quick.name), "all founders to know")

        # Nobody expels alone either; the first one is away, the others do without it.
        first.stop()
        told = second.run("coalition", "expel", member.name, "--reason", "resold data", code=75).stderr
        assert "Proposed: member is expelled" in told
        assert "have yet to sign" in told
        approve(third)
        wait_until(lambda: second.members().is_expelled(member.name), "the expulsion")
        first.serve()
        wait_until(lambda: first.members().is_expelled(member.name), "the first one to hear of it")


def approve(founder: Member, kind: str = "proposal") -> None:
    """A person reads the one proposal, or invitation, that waits here, and approves it."""

    def waiting() -> list[str]:
        shown = json.loads(founder.quick("coalition", "proposals", "--json")[0])
        return [
            each[kind] for each in shown if kind in each and not each.get("signed_here", each.get("refused"))
        ]

    wait_until(waiting, "something to approve")
    (which,) = waiting()
    founder.quick("coalition", "approve", which[:12])
