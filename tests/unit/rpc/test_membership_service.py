"""What callers may keep a node's membership service busy with; whole nodes are in tests/adversary."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from coalition_members import member
from symbolon.api.membership.v1 import membership_pb2 as pb
from symbolon.errors import MembershipError
from symbolon.rpc import membership_service
from symbolon.rpc.identity import caller
from symbolon.rpc.membership_service import MembershipService
from symbolon.rpc.request_limit import MAX_A_DAY

import grpc  # isort: skip - after symbolon.rpc, which sets the cipher list


class Context:
    """A call that only wants its status."""

    def set_trailing_metadata(self, _: Any) -> None:
        pass

    async def abort(self, status: grpc.StatusCode, _: str) -> None:
        raise grpc.aio.AbortError(status.name)


class Node:
    """A founder's node that tells in which thread it was asked about a proposal."""

    asked_in: threading.Thread

    @property
    def founding(self) -> "Node":
        return self

    def names(self, _document: bytes, _member_id: str) -> bool:
        self.asked_in = threading.current_thread()
        raise MembershipError("no proposal", code="membership.malformed")


def called(name: str, call: Awaitable[Any]) -> "asyncio.Task[Any]":
    """A call by a member, in a context of its own as gRPC's are."""

    async def run() -> Any:
        caller.set(member(name))
        return await call

    return asyncio.create_task(run())


def test_check_back_dials_one_caller_once_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    dialled: list[str] = []
    answers = asyncio.Event()

    @asynccontextmanager
    async def reached(_: Any, member_id: str) -> AsyncIterator[None]:
        dialled.append(member_id)
        await answers.wait()
        raise MembershipError("not reached")
        yield

    async def scene() -> None:
        monkeypatch.setattr(membership_service, "reached", reached)
        service = MembershipService(Node())  # type: ignore[arg-type]
        request = pb.CheckBackRequest()
        first = called("delta", service.CheckBack(request, Context()))
        other = called("cedar", service.CheckBack(request, Context()))
        await asyncio.sleep(0)
        again = await called("delta", service.CheckBack(request, Context()))
        assert (again.reached, again.code) == (False, "unavailable.busy")
        assert dialled == ["delta", "cedar"]
        answers.set()
        assert [(await each).code for each in (first, other)] == ["membership", "membership"]
        # Its turn is over.
        await called("delta", service.CheckBack(request, Context()))
        assert dialled == ["delta", "cedar", "delta"]

    asyncio.run(scene())


def test_submit_beyond_what_a_member_may_ask_in_a_day_proposes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    proposed: list[str] = []

    class Admission:
        def __init__(self, _: Any) -> None:
            pass

        def submit(self, member_id: str, _: Any) -> bytes:
            proposed.append(member_id)
            return len(proposed).to_bytes(32)

    async def pending(*_: Any) -> bool:
        return False

    monkeypatch.setattr(membership_service, "Admission", Admission)
    monkeypatch.setattr(membership_service, "decode_signed", lambda *_: None)
    monkeypatch.setattr(MembershipService, "_pending", pending)

    async def scene() -> None:
        service = MembershipService(Node())  # type: ignore[arg-type]
        for _ in range(MAX_A_DAY):
            await called("delta", service.Submit(pb.SubmitRequest(), Context()))
        with pytest.raises(grpc.aio.AbortError):
            await called("delta", service.Submit(pb.SubmitRequest(), Context()))
        assert proposed == ["delta"] * MAX_A_DAY
        await called("cedar", service.Submit(pb.SubmitRequest(), Context()))

    asyncio.run(scene())


def test_proposal_of_somebody_is_read_beside_the_event_loop() -> None:
    node = Node()

    async def scene() -> None:
        service = MembershipService(node)  # type: ignore[arg-type]
        with pytest.raises(grpc.aio.AbortError):
            await called("delta", service.Propose(pb.ProposeRequest(proposal=b"{}"), Context()))

    asyncio.run(scene())
    assert node.asked_in is not threading.main_thread()
