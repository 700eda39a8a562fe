"""A handler that is cancelled in the middle of a message leaves the call so that a status can still be sent.

gRPC refuses a status while a message is under way; the caller of such a call waited for its end in vain.
"""

import asyncio
import time

import pytest

from symbolon.rpc import identity


class Context:
    """A call whose messages take a while."""

    def __init__(self, takes_s: float) -> None:
        self.takes_s = takes_s
        self.under_way = False

    async def write(self, _: object) -> None:
        self.under_way = True
        try:
            await asyncio.sleep(self.takes_s)
        finally:
            self.under_way = False


async def cancelled_while_writing(context: Context) -> float:
    """Cancels a handler that writes; how long that took, in seconds."""
    guard = identity._Guard(context, lambda: None, lambda _: None)  # type: ignore[arg-type]
    writing = asyncio.create_task(guard.write(b"message"))
    while not context.under_way:  # noqa: ASYNC110 - what is waited for has no event
        await asyncio.sleep(0)
    start = time.monotonic()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    return time.monotonic() - start


def test_guard_cancelled_while_it_writes_lets_the_message_come_to_its_end() -> None:
    context = Context(0.1)
    took_s = asyncio.run(cancelled_while_writing(context))
    assert not context.under_way
    assert took_s > 0.05


def test_guard_cancelled_while_its_reader_stalls_waits_no_longer_than_a_moment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(identity, "UNDER_WAY_S", 0.05)
    assert asyncio.run(cancelled_while_writing(Context(60))) < 30
