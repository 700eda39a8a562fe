import asyncio
import contextlib
import threading
from collections.abc import Iterator

import pytest

from symbolon.rpc.concurrent import ended, exclusive, to_the_end, together
from symbolon.storage.database_errors import StorageBusyError


def test_together_of_all_that_succeed_runs_all() -> None:
    done: list[int] = []

    async def work(number: int) -> None:
        await asyncio.sleep(0)
        done.append(number)

    asyncio.run(together(work(1), work(2)))
    assert sorted(done) == [1, 2]


def test_together_raises_the_first_failure_and_leaves_nothing_running() -> None:
    ended: list[str] = []

    async def fails() -> None:
        await asyncio.sleep(0)
        raise ValueError("first")

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    async def run() -> int:
        with pytest.raises(ValueError, match="first"):
            await together(waits(), fails())
        return len(asyncio.all_tasks())

    assert asyncio.run(run()) == 1
    assert ended == ["cancelled"]


def test_together_that_is_cancelled_cancels_all_and_waits_for_them() -> None:
    ended: list[str] = []

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            ended.append("cleaned up")
            raise

    async def run() -> None:
        task = asyncio.ensure_future(together(waits(), waits()))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(run())
    assert ended == ["cleaned up"] * 2


def test_together_takes_no_second_failure_for_the_first() -> None:
    """What breaks while the others are wound up does not hide the reason."""

    async def fails() -> None:
        await asyncio.sleep(0)
        raise ValueError("reason")

    async def breaks_when_cancelled() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise RuntimeError("in the way")

    with pytest.raises(ValueError, match="reason"):
        asyncio.run(together(breaks_when_cancelled(), fails()))


def test_together_failures_of_one_turn_raise_the_first_in_order_and_no_cancellation() -> None:
    async def fails(reason: str) -> None:
        raise ValueError(reason)

    async def gives_up() -> None:
        raise asyncio.CancelledError

    async def run() -> None:
        for _ in range(20):
            with pytest.raises(ValueError, match="first"):
                await together(gives_up(), fails("first"), fails("second"))

    asyncio.run(run())


def test_to_the_end_that_is_cancelled_twice_still_waits_for_the_thread() -> None:
    may_end, did_end = threading.Event(), threading.Event()

    def work() -> None:
        assert may_end.wait(30)
        did_end.set()

    async def run() -> None:
        task = asyncio.ensure_future(to_the_end(work))
        for _ in range(2):
            await asyncio.sleep(0.05)
            task.cancel()
        await asyncio.sleep(0.05)
        may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert did_end.is_set()

    asyncio.run(run())


def test_to_the_end_runs_its_work_when_the_event_loop_ends_just_then() -> None:
    did_end = threading.Event()

    async def run() -> None:
        task = asyncio.create_task(to_the_end(did_end.set))
        assert not task.done()
        # Its first step, and no more: what it starts has not run when the loop cancels every task.
        await asyncio.sleep(0)

    asyncio.run(run())
    assert did_end.is_set()


def test_ended_tells_success_from_failure_and_leaves_no_exception_unseen() -> None:
    seen: list[object] = []

    async def fails() -> None:
        raise ValueError

    async def run() -> list[bool]:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: seen.append(context))
        told = [await ended(asyncio.ensure_future(each)) for each in (asyncio.sleep(0), fails())]
        await asyncio.sleep(0)
        return told

    assert asyncio.run(run()) == [True, False]
    assert seen == []


class Locks:
    """Stands for a database whose server is slow to give a lock, or does not."""

    def __init__(self, *, busy: bool = False) -> None:
        self.asked, self.may_answer = threading.Event(), threading.Event()
        self.order: list[str] = []
        self._busy = busy

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        self.asked.set()
        assert self.may_answer.wait(30)
        if self._busy:
            raise StorageBusyError("another exchange is running")
        self.order.append("locked")
        try:
            yield
        finally:
            self.order.append("unlocked")


async def hold(locks: Locks) -> None:
    async with exclusive(locks.lock()):
        locks.order.append("held")


def test_exclusive_that_is_cancelled_while_it_is_being_taken_is_left_again() -> None:
    locks = Locks()

    async def run() -> None:
        task = asyncio.ensure_future(hold(locks))
        await asyncio.to_thread(locks.asked.wait, 30)
        task.cancel()
        await asyncio.sleep(0.05)
        locks.may_answer.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert locks.order == ["locked", "unlocked"]

    asyncio.run(run())


def test_exclusive_that_another_holds_is_told_as_it_was_raised() -> None:
    locks = Locks(busy=True)
    locks.may_answer.set()
    with pytest.raises(StorageBusyError, match="another exchange"):
        asyncio.run(hold(locks))
    assert locks.order == []
