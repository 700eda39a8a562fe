"""A node that was put back whole from a backup: it says what is missing and what to do, and that works."""

from pathlib import Path

from processes import wait_until
from served_coalition import FOUNDER, served_coalition
from symbolon.rpc.node import Node
from typed_member import Member
from witnessed_nodes import collected, copied, put_back, write_entries

LOST = "lost-ngo"


def test_member_whose_log_is_lost_goes_on_under_a_new_key_as_it_is_told_to(tmp_path: Path) -> None:
    with served_coalition(tmp_path, LOST) as coalition:
        founder, member = coalition[FOUNDER], coalition[LOST]
        write_entries(member.home, 2)
        assert collected(member.home).is_enough
        with copied(member.home) as copy:
            write_entries(member.home, 4)
            assert collected(member.home).is_enough
            put_back(copy, member.home)
        refused = member.run("serve", code=65).stderr
        assert f"it has 3 entries and had 7: at least 4 are missing, as {FOUNDER} shows" in refused
        assert f"`symbolon coalition invite {LOST} --again`" in refused
        vetted = ("--vetted-by", "Ben", "--criteria", "called back")
        again = Member(LOST, tmp_path / "again")
        again.home.parent.mkdir()
        again.quick_join(founder.quick("coalition", "invite", LOST, "--again", *vetted)[0].strip())
        write_entries(again.home, 1)
        again.serve()
        try:
            wait_until(lambda: "1 of 1 other members have cosigned" in again.log.read_text(), "a cosignature")
        finally:
            again.stop()
    with Node(founder.home) as node:
        # What it lost is no evidence against it: another key signed that.
        assert node.checkpoints.evidence() == []
