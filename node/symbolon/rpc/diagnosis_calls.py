"""Asking a peer over gRPC whether it would serve this node, without costing either side anything.

1. Health: the peer takes this node for a current member, and serves.
2. Each of our [[allow]] tables that asks: would the peer permit it (`permission_question`)? The peer's log
   and journal get a line for each.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from symbolon.api.exchange.v1 import exchange_pb2 as pb
from symbolon.api.exchange.v1 import exchange_pb2_grpc as stubs
from symbolon.config import Config
from symbolon.errors import MembershipError
from symbolon.rpc import codec
from symbolon.rpc.diagnosis_finding import Finding, State, Target, failed
from symbolon.rpc.permission_question import is_yes, make_question
from symbolon.rpc.server import SERVICE
from symbolon.rpc.status import CODE_KEY

CALL_S: Final = 10.0
"""Deadline of a call."""

MAX_QUESTIONS: Final = 12
"""Permissions asked about: each leaves a line in the peer's journal."""


async def call_peer(target: Target, config: Config) -> list[Finding]:
    """Health, then the permission for what our configuration asks."""
    tls = grpc.ssl_channel_credentials(
        target.root_pem, target.key.read_bytes(), target.certificate.read_bytes()
    )
    options = (
        ("grpc.ssl_target_name_override", target.name),
        ("grpc.enable_http_proxy", 0),
        ("grpc.use_local_subchannel_pool", 1),
    )
    async with grpc.aio.secure_channel(target.peer.endpoint, tls, options) as channel:
        health = await _health(target, channel)
        if health.state is State.FAIL:
            return [health]
        return [health, *[found async for found in _permissions(target, config, channel)]]


async def _health(target: Target, channel: grpc.aio.Channel) -> Finding:
    peer = target.peer.member_id
    request = health_pb2.HealthCheckRequest(service=SERVICE)
    try:
        answer = await health_pb2_grpc.HealthStub(channel).Check(request, timeout=CALL_S)
    except grpc.aio.AioRpcError as error:
        if _code_of(error).startswith(MembershipError.code):
            return failed(
                "health",
                "peer.not_member",
                f"{peer} does not take this node for a current member",
                f"{peer} holds another member list than ours: older, expired, or one that expels us. "
                "Its operator runs `symbolon coalition update` with the newest one.",
            )
        return failed(
            "health",
            "peer.health",
            f"{peer} did not answer the health call ({error.code().name.lower()})",
            "Try again in a moment; its operator finds the reason in its log.",
        )
    if answer.status != health_pb2.HealthCheckResponse.SERVING:
        return failed(
            "health", "peer.stopping", f"{peer} is up but not serving (it is stopping)", "Try again later."
        )
    return Finding("health", State.OK, f"{peer} knows this node and serves")


async def _permissions(target: Target, config: Config, channel: grpc.aio.Channel) -> AsyncIterator[Finding]:
    peer = target.peer.member_id
    wishes = [
        (mode, purpose, allow.tiers)
        for allow in config.allow
        if allow.peer == peer and allow.ask
        for purpose in allow.purposes
        for mode in allow.modes
    ]
    for mode, purpose, tiers in wishes[:MAX_QUESTIONS]:
        yield await _permission(target, config, channel, mode, purpose, tiers)
    if len(wishes) > MAX_QUESTIONS:
        said = f"{len(wishes) - MAX_QUESTIONS} further combinations in [[allow]] are not asked about"
        yield Finding("permission", State.UNKNOWN, said)
    if not wishes:
        yield Finding(
            "permission",
            State.WARN,
            f"no [[allow]] table of this node lets it ask {peer}",
            "Add one to symbolon.toml when both operators have agreed on mode, purpose and tiers.",
            "peer.permission.own",
        )


async def _permission(
    target: Target, config: Config, channel: grpc.aio.Channel, mode: str, purpose: str, tiers: tuple[str, ...]
) -> Finding:
    """Asks in a way that can only be refused; which refusal it is tells whether it would be permitted."""
    peer = target.peer.member_id
    letters = tuple(sorted(set(tiers) - {"C"} if mode == "size" else set(tiers)))
    wish = f"{mode} for {purpose}, tiers {''.join(letters) or '-'}"
    if not letters:
        return Finding("permission", State.UNKNOWN, f"{wish}: size mode counts no candidates")
    hello = make_question(config.exchange.suite, target.coalition, mode, purpose, letters)
    call = stubs.ExchangeServiceStub(channel).Ask(timeout=CALL_S)
    try:
        with contextlib.suppress(asyncio.InvalidStateError):
            await call.write(pb.AskRequest(message=codec.encode_receiver(hello)))
            await call.read()
        metadata = await call.trailing_metadata()
        code = str(metadata.get(CODE_KEY, "")) if metadata is not None else ""
    except grpc.aio.AioRpcError as error:
        code = _code_of(error)
    finally:
        call.cancel()
    if is_yes(code):
        return Finding("permission", State.OK, f"{peer} permits {wish}")
    if code.startswith("permission"):
        return failed(
            "permission",
            "peer.permission",
            f"{peer} does not permit {wish}",
            f"Ask the operator of {peer} for an [[allow]] table that covers it; it holds after a restart.",
        )
    if code == "protocol.suite":
        return failed(
            "permission",
            "peer.suite",
            f"{peer} does not answer the suite {config.exchange.suite}",
            "Set exchange.suite in symbolon.toml to one that both nodes answer.",
        )
    return Finding("permission", State.UNKNOWN, f"{wish}: {peer} answered {code or 'nothing'}")


def _code_of(error: grpc.aio.AioRpcError) -> str:
    metadata = error.trailing_metadata()
    return str(metadata.get(CODE_KEY, "")) if metadata is not None else ""
