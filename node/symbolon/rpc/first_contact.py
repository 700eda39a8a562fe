"""The first contact of a new member: one health check in each direction, said in words."""

import asyncio
import contextlib

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from symbolon.api.membership.v1 import membership_pb2 as pb
from symbolon.errors import SymbolonError, UnavailableError
from symbolon.membership.member import MemberId
from symbolon.rpc.membership_client import CALL_S, call_member
from symbolon.rpc.node import Node
from symbolon.rpc.reach import reached
from symbolon.rpc.server import serve

START_S = 20.0
"""How long this node's own server may take to be reachable, through a relay if need be."""


async def check_both_ways(node: Node, sponsor: MemberId) -> list[str]:
    """Calls the sponsor, and has it call back while this node's server runs for a moment.

    Returns:
        One sentence for each direction; a failure is told, not raised: the node is a member all the same.
    """
    told = [await _there(node, sponsor)]
    opened = asyncio.Event()
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(node, lambda _: opened.set(), grace_s=1.0, stop=stop))
    try:
        waiting = asyncio.create_task(opened.wait())
        await asyncio.wait({serving, waiting}, timeout=START_S, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if not opened.is_set():
            stop.set()
            await serving
            raise UnavailableError(f"it did not open within {START_S:g} s", hint="Run `symbolon serve`.")
        told.append(await _back(node, sponsor))
    except SymbolonError as error:
        told.append(f"This node cannot be served here: {error.detail}. {error.hint or ''}".rstrip())
    finally:
        stop.set()
        with contextlib.suppress(SymbolonError):
            await serving
    return told


async def _there(node: Node, sponsor: MemberId) -> str:
    try:
        async with reached(node, sponsor) as channel:
            await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=CALL_S)
    except (SymbolonError, grpc.aio.AioRpcError) as error:
        code = error.full_code if isinstance(error, SymbolonError) else "unavailable"
        return f"{sponsor} was not reached ({code}); `symbolon doctor {sponsor}` looks closer."
    return f"This node reaches {sponsor}."


async def _back(node: Node, sponsor: MemberId) -> str:
    code = "unavailable"
    end = asyncio.get_running_loop().time() + START_S
    while asyncio.get_running_loop().time() < end:
        try:
            answer = await call_member(
                node, sponsor, lambda stub: stub.CheckBack(pb.CheckBackRequest(), timeout=CALL_S)
            )
        except SymbolonError as error:
            code = error.full_code
        else:
            if answer.reached:
                return f"{sponsor} reaches this node."
            code = answer.code
        own = node.coalition.state().members.find(node.member_id)
        if own is None or own.endpoint:
            break
        # A relay may take a moment to know this node.
        await asyncio.sleep(0.2)
    return (
        f"{sponsor} does not reach this node ({code}): is the port open, and the address right? "
        "`symbolon coalition move` changes it."
    )
