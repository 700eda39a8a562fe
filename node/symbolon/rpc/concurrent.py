"""Coroutines side by side.

Handles: those of one exchange, none of which outlives another's failure; calls to many members, a few at a
time; locks between exchanges.
"""

import asyncio
import contextlib
import contextvars
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Any, Final, ParamSpec, TypeVar

AT_ONCE: Final = 8
"""Members called at a time."""

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


async def together(*work: Coroutine[Any, Any, None]) -> None:
    """Runs coroutines side by side until all are done.

    Raises:
        The first exception in the order of `work`, as it was raised; one that a cancelled sibling left
        behind counts last. The others are cancelled and waited for.
    """
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        finished = [task for task in tasks if task in done]
        for task in sorted(finished, key=lambda each: each.cancelled()):
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def few_at_once(work: Iterable[Awaitable[None]]) -> None:
    """Runs coroutines side by side, `AT_ONCE` at a time, until all are done; none of them may raise."""
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(each: Awaitable[None]) -> None:
        async with turn:
            await each

    await asyncio.gather(*(one(each) for each in work))


async def to_the_end(
    work: Callable[_Arguments, _Result], *args: _Arguments.args, **kwargs: _Arguments.kwargs
) -> _Result:
    """Runs `work` in a thread and waits for its end, also when cancelled: a lock held meanwhile covers it."""
    # Not a task, which the end of the event loop would cancel before its first step.
    called = functools.partial(contextvars.copy_context().run, work, *args, **kwargs)
    running = asyncio.get_running_loop().run_in_executor(None, called)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await ended(running)
        raise


async def ended(work: "asyncio.Future[Any]") -> bool:
    """Waits for the end of `work`, however often the waiting is cancelled, and tells whether it succeeded.

    A session that fails may be cancelled twice: by what failed, and by a peer that hangs up.
    """
    while not work.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait((work,))
    return not work.cancelled() and work.exception() is None


@asynccontextmanager
async def exclusive(lock: AbstractContextManager[None]) -> AsyncIterator[None]:
    """Holds a `Database.exclusive`, which may have to ask a server, without stopping the event loop.

    Raises:
        StorageBusyError: another exchange holds the lock.
    """
    try:
        # Cancelled meanwhile, it may be taken all the same; to leave what was not taken does nothing.
        await to_the_end(lock.__enter__)
        yield
    finally:
        await to_the_end(lock.__exit__, None, None, None)
