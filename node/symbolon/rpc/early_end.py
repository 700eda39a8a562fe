"""Why a session ended early: a code for the audit log, and words for its sentence in `symbolon status`.

Never the name of a Python class: who reads the sentence is no programmer.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

import grpc

from symbolon.errors import SymbolonError, UnavailableError
from symbolon.rpc.status import from_status

CALL_IS_OVER: Final = (asyncio.InvalidStateError, grpc.aio.UsageError)
"""gRPC's words for writing to a call that the peer has ended."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A stable code, and the same in words; of errors with a code of their own the code alone."""

    code: str
    words: str


def reason(peer: str, error: BaseException, *, own_command: bool = False) -> Reason:
    """What to write down of an error that ended a session; called in the task that it ended.

    Args:
        peer: the other member.
        error: anything.
        own_command: the session was held by a command of this node's operator, not by `symbolon serve`,
            where a peer that hangs up looks like a node that is stopped.
    """
    if not isinstance(error, Exception):
        # A cancelled task, in nearly all cases.
        task = asyncio.current_task()
        if own_command and task is not None and task.cancelling():
            return Reason("stopped", "stopped by this node's operator")
        return Reason("stopped", "an operator stopped it, or the connection was lost")
    if isinstance(error, CALL_IS_OVER):
        return Reason(UnavailableError.code, "the connection was lost")
    if isinstance(error, grpc.aio.AioRpcError):
        error = from_status(peer, error)
    if isinstance(error, SymbolonError):
        return Reason(error.full_code, error.full_code)
    return Reason(SymbolonError.code, "a defect of this node")
