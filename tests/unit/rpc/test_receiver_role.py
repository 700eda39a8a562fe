import asyncio
import threading
from typing import Any
from unittest.mock import MagicMock

import pytest

from symbolon.errors import StorageError
from symbolon.rpc import receiver_labels, receiver_role
from symbolon.rpc.figures import Figures
from symbolon.rpc.receiver_role import Asking
from symbolon.rpc.receiver_session import Ask, Prepared
from symbolon.storage.supplier_store import ListKeys
from unit.exchange.harness import SUITE, rng_of, table_of

_WAIT_S = 30
ASK = Ask("peer", "intersection", "p", ("A",))


def after_the_call(node: Any, conclude: Any, read: Any) -> Asking:
    """What remains once all has been said: a result to be stored, and what is still being read."""
    asking = Asking(node, ASK, Figures(), lambda *_: None)
    asking._prepared = Prepared(MagicMock(), MagicMock(), dict, conclude)
    asking._signed = MagicMock()
    asking._reading = asyncio.ensure_future(asyncio.to_thread(read))
    return asking


@pytest.mark.parametrize("stores", [True, False])
def test_asking_interrupted_while_it_stores_notes_a_failure_only_if_nothing_was_stored(
    monkeypatch: pytest.MonkeyPatch, stores: bool
) -> None:
    """The thread goes on: a session that stored its matches must not be said to have brought nothing."""
    noted: list[type[BaseException]] = []
    monkeypatch.setattr(receiver_role, "_note_failure", lambda *given: noted.append(type(given[-1])))
    begun, interrupted = threading.Event(), threading.Event()

    def conclude(*_: object) -> Any:
        begun.set()
        assert interrupted.wait(_WAIT_S)
        if not stores:
            raise StorageError("disk full")

    async def run() -> None:
        task = asyncio.ensure_future(after_the_call(MagicMock(), conclude, dict).conclude())
        await asyncio.to_thread(begun.wait, _WAIT_S)
        task.cancel()
        await asyncio.sleep(0.05)
        assert not task.done()
        interrupted.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert noted == ([] if stores else [asyncio.CancelledError])


def test_asking_that_is_not_concluded_closes_after_its_reading_and_leaves_no_error_unseen() -> None:
    seen: list[object] = []
    order: list[str] = []

    def read() -> Any:
        threading.Event().wait(0.2)
        order.append("read")
        raise StorageError("an error that nobody hears of")

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: seen.append(context))
        asking = after_the_call(MagicMock(), dict, read)
        asking._lock.callback(order.append, "unlocked")
        await asking.close()
        asking._reading = None
        await asyncio.sleep(0)

    asyncio.run(run())
    assert (order, seen) == (["read", "unlocked"], [])


def test_asking_prepares_a_session_beside_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes a second and more for a long list, and a served node has other sessions to attend to."""
    threads: list[threading.Thread] = []
    make = receiver_labels.Receiver

    def watched(*given: Any) -> Any:
        threads.append(threading.current_thread())
        return make(*given)

    monkeypatch.setattr(receiver_labels, "Receiver", watched)
    node: Any = MagicMock(rng=rng_of(1))
    node.receipts.sign_hello.side_effect = lambda hello, _: (hello, MagicMock())
    node.config.node.coalition = "coalition"
    node.suppliers.load_list.return_value = ListKeys({"A": table_of({1: {"a"}})}, b"", 0)
    node.receiving.held.return_value = None
    asyncio.run(receiver_labels.prepare_labelled(node, ASK, SUITE))
    assert threads
    assert threading.main_thread() not in threads
