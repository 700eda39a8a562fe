"""Questions to the `SignalService` of a node from within this process, as one member or another."""

import asyncio
import time
from typing import Any, NamedTuple

from symbolon.api.signal.v1 import signal_pb2 as pb
from symbolon.rpc.identity import caller
from symbolon.rpc.node import Node
from symbolon.rpc.signal_service import SignalService
from symbolon.rpc.status import CODE_KEY

SAID_ON = "2026-06-20"


class Refusal(NamedTuple):
    """How a call ended that was not answered."""

    status: str
    code: str
    text: str


class _EndedError(Exception):
    """The handler has ended the call."""


class _Context:
    """What gRPC hands to a handler."""

    def __init__(self) -> None:
        self.refusal: Refusal | None = None
        self._code = ""

    def set_trailing_metadata(self, metadata: Any) -> None:
        self._code = dict(metadata).get(CODE_KEY, "")

    async def abort(self, status: Any, text: str) -> None:
        self.refusal = Refusal(status.name, self._code, text)
        raise _EndedError


class Asker:
    """Asks one served node.

    Args:
        node: that answers.
    """

    def __init__(self, node: Node) -> None:
        self.node = node
        self.service = SignalService(node)
        self.took_s = 0.0

    def call(self, member: str, method: str, request: Any) -> Any:
        """What a method answers to a member, or the `Refusal`."""
        record = self.node.directory.current().find(member)
        assert record is not None
        context = _Context()

        async def work() -> Any:
            caller.set(record)
            return await getattr(self.service, method)(request, context)

        began = time.monotonic()
        try:
            return asyncio.run(work())
        except _EndedError:
            return context.refusal
        finally:
            self.took_s = time.monotonic() - began

    def narrative(self, member: str, signal_id: bytes, purpose: str, revision: int = 1) -> Any:
        request = pb.GetNarrativeRequest(signal_id=signal_id, purpose=purpose, revision=revision)
        return self.call(member, "GetNarrative", request)

    def contest(
        self, member: str, signal_id: bytes, purpose: str, text: str = "Not us.", kind: str = "contest"
    ) -> Any:
        about = {"signal_id": signal_id, "purpose": purpose}
        request = pb.ContestRequest(**about, kind=kind, text=text, relayed_on=SAID_ON)
        return self.call(member, "Contest", request)

    def corroborate(self, member: str, signal_id: bytes, purpose: str) -> Any:
        request = pb.CorroborateRequest(signal_id=signal_id, purpose=purpose)
        return self.call(member, "Corroborate", request)

    def withdraw(self, member: str, signal_id: bytes, purpose: str) -> Any:
        request = pb.WithdrawRequest(signal_id=signal_id, purpose=purpose)
        return self.call(member, "Withdraw", request)
