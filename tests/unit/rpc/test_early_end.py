"""What `symbolon status` says of a session that ended early: words for its operator, no Python."""

import asyncio
import contextlib
from typing import Any
from unittest.mock import MagicMock

import grpc
import pytest

from symbolon.errors import BudgetError, SymbolonError
from symbolon.exchange.messages import TierAsk
from symbolon.rpc import receiver_role, sender_role
from symbolon.rpc.early_end import Reason, reason
from symbolon.rpc.figures import Figures
from symbolon.rpc.receiver_session import Ask, Prepared
from symbolon.rpc.status import CODE_KEY
from symbolon.storage.supplier_store import ListKeys
from unit.exchange.harness import hello_of, rng_of, table_of

STOPPED_HERE = Reason("stopped", "stopped by this node's operator")
STOPPED = Reason("stopped", "an operator stopped it, or the connection was lost")
LOST = Reason("unavailable", "the connection was lost")


def refused_with(code: str) -> grpc.aio.AioRpcError:
    metadata = grpc.aio.Metadata((CODE_KEY, code)) if code else grpc.aio.Metadata()
    return grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), metadata)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (BudgetError("spent"), Reason("budget.exhausted", "budget.exhausted")),
        (SymbolonError("narrow", code="storage.full"), Reason("storage.full", "storage.full")),
        (refused_with("permission.denied"), Reason("permission.denied", "permission.denied")),
        (refused_with(""), Reason("unavailable", "unavailable")),
        (asyncio.InvalidStateError("RPC already finished."), LOST),
        (grpc.aio.UsageError("RPC already finished."), LOST),
        (KeyError("alder"), Reason("internal", "a defect of this node")),
        (asyncio.CancelledError(), STOPPED),
    ],
    ids=lambda each: each.code if isinstance(each, Reason) else type(each).__name__,
)
def test_reason_is_a_code_and_words(error: BaseException, told: Reason) -> None:
    async def ask() -> Reason:
        return reason("birch", error, own_command=True)

    assert asyncio.run(ask()) == told


class Silent:
    """A wire on which nothing moves."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()

    async def wait(self, *_: object) -> None:
        self.reached.set()
        await asyncio.sleep(30)

    send = expect = wait


async def stop_half_way(work: Any, wire: Silent) -> None:
    task = asyncio.ensure_future(work)
    await asyncio.wait_for(wire.reached.wait(), 30)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (Ask("birch", "intersection", "p", ("A",)), STOPPED_HERE),
        (Ask("birch", "intersection", "p", ("A",), "invited"), STOPPED),
    ],
)
def test_asking_that_is_stopped_says_so_in_words(ask: Ask, told: Reason) -> None:
    """Of the operator's own command it is known who stopped it; a served call may have lost its peer."""
    node: Any = MagicMock()
    session = MagicMock(hello=hello_of((TierAsk("A", 64),), rng_of(1)))

    async def run() -> None:
        wire: Any = Silent()
        prepared = Prepared(session, MagicMock(), dict, MagicMock())
        await stop_half_way(
            receiver_role._converse(node, ask, MagicMock(), prepared, wire, Figures(), lambda *_: None), wire
        )

    asyncio.run(run())
    (ended,) = node.sessions.end.call_args_list
    assert ended.args[1].note == "stopped"
    assert ended.kwargs["sentence"] == (
        f"The session with birch ended early ({told.words}); nothing was learned from it."
    )


def test_answering_that_is_stopped_says_so_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    node: Any = MagicMock()
    node.suppliers.load_list.return_value = ListKeys({"A": table_of({})}, b"", 0)
    hello = hello_of((TierAsk("A", 64),), rng_of(1))
    node.config.node.coalition = hello.coalition

    async def run() -> None:
        wire: Any = Silent()
        monkeypatch.setattr(sender_role, "run_labelled", wire.wait)
        await stop_half_way(sender_role.run_sender(node, "alder", "answer", hello, wire, Figures()), wire)

    asyncio.run(run())
    (ended,) = node.sessions.end.call_args_list
    assert ended.kwargs["sentence"] == (
        f"The session with alder ended early ({STOPPED.words}); what was evaluated stays debited."
    )
