"""How a unary call is answered: by what the work gives, or by a status that says what a peer may know."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import grpc

from symbolon.errors import SymbolonError
from symbolon.rpc.status import CODE_KEY, answered_code, answered_status, public_message

log = logging.getLogger(__name__)

_Answer = TypeVar("_Answer")


async def answered(context: grpc.aio.ServicerContext, work: Callable[[], Awaitable[_Answer]]) -> _Answer:
    """What `work` gives; an error leaves as its status, its stable code and its fixed public message."""
    failed: Any
    try:
        return await work()
    except SymbolonError as error:
        log.warning("refused: %s (%s)", error.detail, error.full_code)
        failed = error
    except Exception as error:
        log.error("unexpected %s", type(error).__name__, exc_info=error)
        failed = error
    context.set_trailing_metadata(((CODE_KEY, answered_code(failed)),))
    await context.abort(answered_status(failed), public_message(failed))
    raise failed  # abort() raises; this line tells the type checker.
