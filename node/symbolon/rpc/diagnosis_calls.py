"""Asking a peer over gRPC whether it would serve this node, without costing either side anything.

1. Health: the peer takes this node for a current member, and serves.
2. Each of our [[allow]] tables that asks: would the peer permit it (`permission_question`)? The peer's log
   and audit log get a line for each.

A peer with an endpoint is called there; one that is reached through relays only is called as every session
calls it (`reach`).
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
from symbolon.errors import MembershipError, PermissionDeniedError, UnavailableError
from symbolon.membership.member import MemberId
from symbolon.rpc import codec
from symbolon.rpc.diagnosis_finding import Finding, State, Target, failed
from symbolon.rpc.dial import channel_options, grpc_address
from symbolon.rpc.node import Node
from symbolon.rpc.permission_question import is_yes, make_question
from symbolon.rpc.reach import reached
from symbolon.rpc.refusal import refused_by
from symbolon.rpc.relay_switchboard import BUSY
from symbolon.rpc.server import SERVICE
from symbolon.rpc.status import CODE_KEY, from_failure

CALL_S: Final = 10.0
"""Deadline of a call."""

MAX_QUESTIONS: Final = 12
"""Permissions asked about: each leaves an entry in the peer's audit log."""


async def call_peer(target: Target, config: Config) -> list[Finding]:
    """Health, then the permission for what our configuration asks, at the peer's endpoint."""
    leaf = target.leaf.read()
    tls = grpc.ssl_channel_credentials(target.authorities, leaf.private_key, leaf.certificate)
    address, options = grpc_address(target.endpoint), channel_options(target.name)
    async with grpc.aio.secure_channel(address, tls, options) as channel:
        return await _ask(target.peer.member_id, config, channel)


async def call_relayed_peer(node: Node, peer: MemberId) -> list[Finding]:
    """The same through the relays of a peer, by which its certificate is seen and judged for the first time.

    Raises:
        ConfigError: this machine cannot make the way through a relay.
        MembershipError: our own state does not hold.
    """
    try:
        async with reached(node, peer) as channel:
            said = f"{peer} is reached through its relays, with its certificate as listed"
            return [Finding("way", State.OK, said), *await _ask(peer, node.config, channel)]
    except UnavailableError as error:
        if error.full_code == BUSY:
            return [failed("way", "peer.relay.busy", error.detail, error.hint or "")]
        hint = f"Ask the operator of {peer} to start `symbolon serve`; its log says which relays it holds."
        return [failed("way", "peer.relay.unreached", error.detail, hint)]
    except MembershipError as error:
        if error.full_code != "membership.fingerprint":
            raise
        said = f"through its relays {peer} shows a certificate that our metadata does not list"
        hint = "One side holds an older state or an older certificate: run `symbolon coalition sync` here."
        return [failed("way", "peer.certificate.unlisted", said, hint)]


async def _ask(peer: MemberId, config: Config, channel: grpc.aio.Channel) -> list[Finding]:
    health = await _health(peer, channel)
    if health.state is State.FAIL:
        return [health]
    return [health, *[found async for found in _permissions(peer, config, channel)]]


async def _health(peer: MemberId, channel: grpc.aio.Channel) -> Finding:
    request = health_pb2.HealthCheckRequest(service=SERVICE)
    try:
        answer = await health_pb2_grpc.HealthStub(channel).Check(request, timeout=CALL_S)
    except grpc.aio.AioRpcError as error:
        if _code_of(error).startswith(MembershipError.code):
            refusal = refused_by(peer, _code_of(error))
            return failed("health", "peer.not_member", refusal.detail, refusal.hint or "")
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


async def _permissions(peer: MemberId, config: Config, channel: grpc.aio.Channel) -> AsyncIterator[Finding]:
    wishes = [
        (mode, purpose, allow.tiers)
        for allow in config.allow
        if allow.peer == peer and allow.ask
        for purpose in allow.purposes
        for mode in allow.modes
    ]
    for mode, purpose, tiers in wishes[:MAX_QUESTIONS]:
        yield await _permission(peer, config, channel, mode, purpose, tiers)
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
    peer: MemberId, config: Config, channel: grpc.aio.Channel, mode: str, purpose: str, tiers: tuple[str, ...]
) -> Finding:
    """Asks in a way that can only be refused; which refusal it is tells whether it would be permitted."""
    letters = tuple(sorted(set(tiers) - {"C"} if mode == "size" else set(tiers)))
    wish = f"{mode} for {purpose}, tiers {''.join(letters) or '-'}"
    if not letters:
        return Finding("permission", State.UNKNOWN, f"{wish}: size mode counts no candidates")
    hello = make_question(config.exchange.suite, config.node.coalition, mode, purpose, letters)
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
            f"{peer} does not permit {wish}" + (f" ({code})" if code != PermissionDeniedError.code else ""),
            from_failure(peer, code).hint or "",
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
