"""A founder that is off: the others expel, and one of them alone cannot. Real nodes, real commands."""

from collections.abc import Iterator

import pytest

from processes import wait_until
from served_coalition import FOUNDER, ServedCoalition, served_coalition
from symbolon.api.membership.v1 import membership_pb2 as pb
from symbolon.api.membership.v1 import membership_pb2_grpc as stubs
from symbolon.rpc.status import CODE_KEY

import grpc  # isort: skip - after symbolon.rpc, which sets the cipher list

BIRCH, CEDAR, MALLORY = "birch-ngo", "cedar-co", "mallory-co"


@pytest.fixture(scope="module")
def coalition(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCoalition]:
    """Three founders, of whom two sign each change; `MALLORY` was sponsored by the first."""
    with served_coalition(tmp_path_factory.mktemp("coalition"), BIRCH, CEDAR, MALLORY) as made:
        for member in (BIRCH, CEDAR):
            made.run(member, "coalition", "sync")
            made.start(member)
        offers = [made.run(member, "coalition", "offer").stdout.strip() for member in (BIRCH, CEDAR)]
        # Keys that a node made while it ran are used after its next start.
        for member in (BIRCH, CEDAR):
            made.stop(member)
            made.start(member)
        adding = [word for offer in offers for word in ("--add", offer)]
        made.run(FOUNDER, "coalition", "founders", "--threshold", "2", *adding, code=(0, 75))
        for member in (BIRCH, CEDAR):
            if len(made.members(FOUNDER).founders) == 3:
                break
            (waiting,) = _waiting(made, member)
            made.run(member, "coalition", "approve", waiting, code=(0, 75))
        wait_until(lambda: len(made.members(FOUNDER).founders) == 3, "three founders")
        for member in (BIRCH, CEDAR):
            wait_until(lambda member=member: len(made.members(member).founders) == 3, member)
        yield made


def _waiting(coalition: ServedCoalition, member: str) -> list[str]:
    """The first digits of what waits for a founder."""
    lines = coalition.run(member, "coalition", "proposals").stdout.splitlines()
    return [line.split()[0] for line in lines if line and not line.startswith(" ")]


def called(coalition: ServedCoalition, member: str, by: str) -> str:
    """The status of a call for metadata, and the code of the refusal."""
    with coalition.channel(member, coalition.credentials(by)) as channel:
        try:
            list(stubs.MembershipServiceStub(channel).GetMetadata(pb.GetMetadataRequest(), timeout=30))
        except grpc.RpcError as error:
            return f"{error.code().name} {dict(error.trailing_metadata() or ()).get(CODE_KEY, '')}"
    return "OK"


def test_founder_that_is_off_does_not_keep_the_others_from_expelling(coalition: ServedCoalition) -> None:
    assert called(coalition, BIRCH, MALLORY) == called(coalition, CEDAR, MALLORY) == "OK"
    coalition.stop(FOUNDER)
    # One of three is not enough, whatever its own node says.
    told = coalition.run(BIRCH, "coalition", "expel", MALLORY, "--reason", "sold data", code=75).stderr
    assert "approve" in told
    assert called(coalition, BIRCH, MALLORY) == "OK"
    assert coalition.members(BIRCH).find(MALLORY) is not None
    (waiting,) = _waiting(coalition, CEDAR)
    words = coalition.run(CEDAR, "coalition", "approve", waiting).stderr
    assert "sold data" in words
    # Two are: each node that has the news refuses it, on whatever connection.
    for member in (BIRCH, CEDAR):
        wait_until(lambda member=member: coalition.members(member).is_expelled(MALLORY), member)
        assert called(coalition, member, MALLORY) == "UNAUTHENTICATED membership"
    # The one that was off hears of it when it is back, from either.
    coalition.start(FOUNDER)
    wait_until(lambda: coalition.members(FOUNDER).is_expelled(MALLORY), "the news")
    assert called(coalition, FOUNDER, MALLORY) == "UNAUTHENTICATED membership"
    assert called(coalition, FOUNDER, BIRCH) == "OK"
    # And who was expelled does not come back by a code of its former sponsor.
    coalition.run(
        FOUNDER, "coalition", "invite", MALLORY, "--jurisdiction", "KE", "--vetted-by", "Ben",
        "--criteria", "x", code=77,
    )  # fmt: skip
