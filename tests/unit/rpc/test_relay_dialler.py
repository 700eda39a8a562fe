"""Dialling through a relay whose calls end: which error comes of it, and what is tried once more."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

import grpc
import pytest

from symbolon.api.relay.v1 import relay_pb2 as pb
from symbolon.errors import MembershipError, UnavailableError
from symbolon.membership.member import MemberId
from symbolon.rpc import relay_dialler
from symbolon.rpc.node import Node
from symbolon.rpc.relay_address import RelayAddress
from symbolon.rpc.status import CODE_KEY

RELAY = RelayAddress(MemberId("cedar-hub"), "127.0.0.1:1", lambda _: None)
BIRCH = MemberId("birch-ngo")
LOST = (grpc.StatusCode.INTERNAL, ())
"""What gRPC says of a call that was refused while something was said to it."""
REFUSED = (grpc.StatusCode.UNAUTHENTICATED, ((CODE_KEY, "membership"),))
Ending = tuple[grpc.StatusCode, tuple[tuple[str, str], ...]]


class Call:
    """A `Connect` that ends as it should in a test, or is connected."""

    def __init__(self, ending: Ending | None) -> None:
        self._ending = ending

    async def write(self, _: object) -> None:
        if self._ending is not None:
            raise grpc.aio.AioRpcError(self._ending[0], grpc.aio.Metadata(), await self.trailing_metadata())

    async def read(self) -> pb.ConnectResponse:
        return pb.ConnectResponse(connected=pb.Connected())

    def done(self) -> bool:
        return self._ending is not None

    def cancel(self) -> None:
        """Nothing is held."""

    async def code(self) -> grpc.StatusCode:
        return self._ending[0] if self._ending else grpc.StatusCode.CANCELLED

    async def trailing_metadata(self) -> grpc.aio.Metadata:
        return grpc.aio.Metadata(*(self._ending[1] if self._ending else ()))

    async def initial_metadata(self) -> grpc.aio.Metadata:
        return grpc.aio.Metadata()

    async def details(self) -> str:
        return ""


class Relay:
    """Ends one call after the other as told, and counts the channels that were opened to it."""

    def __init__(self, *endings: Ending | None) -> None:
        self._endings = iter(endings)
        self.channels = 0

    @contextlib.asynccontextmanager
    async def opened(self, _node: Node, _relay: RelayAddress) -> AsyncIterator[Any]:
        self.channels += 1
        yield SimpleNamespace(stub=SimpleNamespace(Connect=lambda: Call(next(self._endings))))


def dial(monkeypatch: pytest.MonkeyPatch, relay: Relay) -> None:
    monkeypatch.setattr(relay_dialler, "open_relay", relay.opened)

    async def dialled() -> None:
        async with relay_dialler.dialled_through(cast("Node", None), [RELAY], BIRCH):
            pass

    asyncio.run(dialled())


def test_refusal_that_grpc_lost_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    relay = Relay(LOST, REFUSED)
    with pytest.raises(MembershipError):
        dial(monkeypatch, relay)
    assert relay.channels == 2


def test_relay_that_started_anew_is_reached_on_a_new_channel(monkeypatch: pytest.MonkeyPatch) -> None:
    relay = Relay((grpc.StatusCode.UNAVAILABLE, ()), None)
    dial(monkeypatch, relay)
    assert relay.channels == 2


def test_relay_whose_calls_end_twice_without_a_reason_is_not_tried_further(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    relay = Relay(LOST, LOST, None)
    with pytest.raises(UnavailableError, match="cedar-hub cannot be reached any more"):
        dial(monkeypatch, relay)
    assert relay.channels == 2


def test_refusal_with_its_reason_is_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    relay = Relay(REFUSED)
    with pytest.raises(MembershipError):
        dial(monkeypatch, relay)
    assert relay.channels == 1
