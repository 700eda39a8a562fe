"""Codes that are good no more: withdrawn, or of a member that is suspended. Real nodes, real commands."""

import contextlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from served_coalition import FOUNDER, ServedCoalition, served_coalition
from symbolon.api.membership.v1 import membership_pb2 as pb
from symbolon.api.membership.v1 import membership_pb2_grpc as stubs
from symbolon.membership.invitation_code import InvitationCode
from symbolon.membership.invitation_identity import invited_leaf

import grpc  # isort: skip - after symbolon.rpc, which sets the cipher list


@pytest.fixture(scope="module")
def coalition(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCoalition]:
    with served_coalition(tmp_path_factory.mktemp("coalition")) as made:
        yield made


@contextlib.contextmanager
def connected(coalition: ServedCoalition, code: InvitationCode) -> Iterator[Callable[[], str]]:
    """One connection of the holder of a code: the status with which each call for metadata ends."""
    with coalition[FOUNDER].channel(invited_leaf(code, datetime.now(UTC))) as channel:

        def call() -> str:
            try:
                list(stubs.MembershipServiceStub(channel).GetMetadata(pb.GetMetadataRequest(), timeout=30))
            except grpc.RpcError as error:
                return str(error.code().name)
            return "OK"

        yield call


def test_invitation_withdrawn_while_its_sponsor_serves_is_dead_at_once(coalition: ServedCoalition) -> None:
    code = InvitationCode.decode(coalition[FOUNDER].invite("regretted-co"))
    listed = json.loads(coalition[FOUNDER].quick("coalition", "invitations", "--json")[0])
    (kept,) = [each for each in listed if each["member"] == "regretted-co"]
    assert kept["invitation"] == code.stored_hash.hex()
    with connected(coalition, code) as call:
        assert call() == "OK"
        told = coalition[FOUNDER].run("coalition", "withdraw", kept["invitation"][:12]).stderr
        assert "lets nobody in any more" in told
        # On a connection that was open before, and in the next handshake; nobody started `serve` anew.
        assert call() == "UNAUTHENTICATED"
    with connected(coalition, code) as call:
        assert call() == "UNAVAILABLE"
    told = coalition["regretted-co"].join(code.encode(), code=75)
    assert "withdrawn" in told
    assert coalition[FOUNDER].members().find("regretted-co") is None
    assert "regretted-co" not in coalition[FOUNDER].quick("coalition", "invitations")[0]


def test_invitation_withdrawn_after_its_member_joined_is_refused_with_what_to_do(
    coalition: ServedCoalition,
) -> None:
    code = InvitationCode.decode(coalition[FOUNDER].invite("joined-co"))
    coalition["joined-co"].quick_join(code.encode())
    told = coalition[FOUNDER].run("coalition", "withdraw", code.stored_hash.hex(), code=77).stderr
    assert "expelled" in told
    assert coalition[FOUNDER].run("coalition", "withdraw", "0000", code=2).stderr


def test_code_of_a_suspended_member_learns_nothing_by_its_old_invitation(coalition: ServedCoalition) -> None:
    code = InvitationCode.decode(coalition[FOUNDER].invite("paused-co"))
    coalition["paused-co"].quick_join(code.encode())
    with connected(coalition, code) as call:
        assert call() == "OK"
        coalition[FOUNDER].quick("coalition", "suspend", "paused-co", "--reason", "late audits")
        assert call() == "UNAUTHENTICATED"
    with connected(coalition, code) as call:
        assert call() == "UNAVAILABLE"
