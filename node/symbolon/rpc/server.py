"""A served node: gRPC over mutual TLS, health, reflection, and an orderly end.

Before it takes a call it asks who is a member now, and whether its audit log is whole. SIGTERM and SIGINT
stop the listening at once, let running exchanges finish for a grace period, then end them; peers of those see
a status that means "try again".
"""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable
from typing import Final

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from symbolon.api.audit.v1 import audit_pb2_grpc as audit_stubs
from symbolon.api.exchange.v1 import exchange_pb2 as pb
from symbolon.api.exchange.v1 import exchange_pb2_grpc as stubs
from symbolon.api.membership.v1 import membership_pb2_grpc as membership_stubs
from symbolon.api.policy.v1 import policy_pb2_grpc as policy_stubs
from symbolon.api.signal.v1 import signal_pb2_grpc as signal_stubs
from symbolon.errors import ConfigError, SymbolonError
from symbolon.membership.certificates import load_certificate
from symbolon.oprf.suite import DEFAULT_SUITE
from symbolon.rpc.catching_up import catch_up
from symbolon.rpc.dial import MAX_MESSAGE_BYTES
from symbolon.rpc.exchange_service import ExchangeService
from symbolon.rpc.identity import MemberInterceptor
from symbolon.rpc.membership_service import SERVICE as MEMBERSHIP_SERVICE
from symbolon.rpc.membership_service import MembershipService
from symbolon.rpc.node import Node
from symbolon.rpc.policy_service import SERVICE as POLICY_SERVICE
from symbolon.rpc.policy_service import PolicyService
from symbolon.rpc.signal_service import SERVICE as SIGNAL_SERVICE
from symbolon.rpc.signal_service import SignalService
from symbolon.rpc.tls_material import FreshCredentials, Leaf, TlsMaterial
from symbolon.rpc.upkeep import Upkeep
from symbolon.rpc.witness_service import SERVICE as WITNESS_SERVICE
from symbolon.rpc.witness_service import WitnessService
from symbolon.rpc.witnessing import compare_with_others

log = logging.getLogger(__name__)

MAX_CONNECTION_AGE_MS: Final = 30 * 60 * 1000
CONNECTION_GRACE_MS: Final = 60 * 60 * 1000
HANDSHAKE_S: Final = 10
"""How long a caller may take to complete its handshakes. Nobody is known before they end, a process has a
thousand sockets or so, and gRPC would leave each to whoever says nothing for two minutes."""
GRACE_S: Final = 20.0
"""How long running exchanges may go on after a request to stop."""

SERVICE: Final = pb.DESCRIPTOR.services_by_name["ExchangeService"].full_name

_OPTIONS: Final = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_connection_age_ms", MAX_CONNECTION_AGE_MS),
    ("grpc.max_connection_age_grace_ms", CONNECTION_GRACE_MS),
    ("grpc.max_concurrent_streams", 64),
    ("grpc.server_handshake_timeout_ms", HANDSHAKE_S * 1000),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.so_reuseport", 0),
)


async def serve(
    node: Node,
    listening: Callable[[str], None],
    *,
    grace_s: float = GRACE_S,
    stop: asyncio.Event | None = None,
) -> None:
    """Serves exchanges until told to stop.

    Args:
        node: this node.
        listening: told the address once it is open.
        grace_s: see `GRACE_S`.
        stop: ends the serving when it is set; SIGTERM and SIGINT do otherwise.

    Raises:
        ConfigError: the address cannot be listened on.
        MembershipError: the node is not enrolled, or its certificate does not hold.
        BackendError: the backend that the configuration names cannot run here.
        StorageError: the node's database or folder cannot be written.
        PolicyError: its policies cannot be put in force.
        AuditError: `audit.truncated`, the audit log is not the one that was signed before; where another
            member shows that later, the serving ends by it.
    """
    await asyncio.to_thread(node.require_writable)
    # Before anything is written to the log, which would hide how much of it is missing.
    await asyncio.to_thread(node.checkpoints.require_whole)
    await asyncio.to_thread(node.policy.bundle)
    left_over = await asyncio.to_thread(node.close_left_over)
    if left_over:
        log.warning("%d sessions had been cut off when the node last stopped", left_over)
    erased = await asyncio.to_thread(node.erase_narrowed)
    if erased:
        log.warning("%d key epochs were erased: their peers are permitted less than before", erased)
    if DEFAULT_SUITE in node.config.exchange.suites_answered:
        # The self-test of its backend runs now, not while the first caller waits.
        suite = await asyncio.to_thread(node.suite, DEFAULT_SUITE, answering=True)
        log.info("suite %s on backend %s, self-test passed", suite.name, suite.backend_name)
    service, membership = ExchangeService(node), MembershipService(node)
    policy, witness, signals = PolicyService(node), WitnessService(node), SignalService(node)
    stop, halted = stop or _until_signalled(), list[SymbolonError]()

    def halt(error: SymbolonError) -> None:
        halted.append(error)
        stop.set()

    upkeep = Upkeep(node, halt)

    def add(server: grpc.aio.Server) -> None:
        stubs.add_ExchangeServiceServicer_to_server(service, server)
        membership_stubs.add_MembershipServiceServicer_to_server(membership, server)
        policy_stubs.add_PolicyServiceServicer_to_server(policy, server)
        audit_stubs.add_WitnessServiceServicer_to_server(witness, server)
        signal_stubs.add_SignalServiceServicer_to_server(signals, server)

    def open_at(address: str) -> None:
        upkeep.start(address)
        listening(address)

    def stopping() -> None:
        log.info("stopping: %d exchanges still run", service.open_sessions)
        signals.news.stop()

    try:
        await serve_until_told(
            node,
            node.config.node.listen,
            (SERVICE, MEMBERSHIP_SERVICE, POLICY_SERVICE, WITNESS_SERVICE, SIGNAL_SERVICE),
            add,
            open_at,
            stopping,
            grace_s=grace_s,
            ready=lambda: compare_with_others(node),
            stop=stop,
        )
    finally:
        await upkeep.finish()
        await membership.finish()
        await signals.news.finish()
    await service.finish()
    log.info("stopped")
    if halted:
        raise halted[0]


async def serve_until_told(
    node: Node,
    listen: str,
    names: tuple[str, ...],
    add: Callable[[grpc.aio.Server], None],
    listening: Callable[[str], None],
    stopping: Callable[[], None],
    *,
    grace_s: float,
    options: tuple[tuple[str, int], ...] = (),
    ready: Callable[[], Awaitable[None]] | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Serves services to members until SIGTERM or SIGINT, with health and reflection beside it.

    Args:
        node: whose identity the server shows, and whose member list says who may call.
        listen: `host:port`; port 0 takes a free one.
        names: the full names of the services.
        add: registers their handlers.
        listening: told the address once it is open.
        stopping: told when the end begins, before running calls get their grace.
        grace_s: see `GRACE_S`.
        options: of the server, beside the usual ones; where both name one, these hold.
        ready: raises what keeps the node from taking calls, once it knows who is a member.
        stop: as for `serve`.

    Raises:
        ConfigError: the address cannot be listened on.
        MembershipError: the node is not enrolled, or its certificate does not hold.
    """
    tls = _credentials(node)
    interceptor = MemberInterceptor(node.callers, lambda code: log.warning("a caller was refused: %s", code))
    server = grpc.aio.server(
        interceptors=(interceptor,), options=tuple({**dict(_OPTIONS), **dict(options)}.items())
    )
    add(server)
    healthy = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(healthy, server)
    reflection.enable_server_reflection((*names, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
    host, _, _ = listen.rpartition(":")
    try:
        port = server.add_secure_port(listen, tls.grpc)
    except RuntimeError as error:
        raise ConfigError(
            f"cannot listen on {listen}",
            hint="Does another node run there? Name a free port: node.listen in symbolon.toml, or --listen. "
            "Who dials this node hears of another one by `symbolon coalition move`.",
            code="config.listen",
        ) from error
    stop = stop or _until_signalled()
    # Bound already, so that who dials meanwhile waits for the answer.
    await catch_up(node)
    if ready is not None:
        await ready()
    await server.start()
    await healthy.set("", health_pb2.HealthCheckResponse.SERVING)
    for name in names:
        await healthy.set(name, health_pb2.HealthCheckResponse.SERVING)
    listening(f"{host}:{port}")
    await stop.wait()
    stopping()
    await healthy.enter_graceful_shutdown()
    await server.stop(grace_s)


def _until_signalled() -> asyncio.Event:
    """Set by SIGTERM or SIGINT."""
    told, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    return told


def _credentials(node: Node) -> FreshCredentials:
    """What the server proves itself with, as the node's files say at each handshake."""

    def read() -> TlsMaterial:
        held = node.read_credentials()
        leaf = Leaf(held.private_key, held.certificate)
        return TlsMaterial(leaf, held.authorities, node.open_invitations())

    def check(material: TlsMaterial) -> None:
        node.require_own(material.leaf.certificate, material.authorities)
        ends = load_certificate(material.leaf.certificate).not_valid_after_utc
        log.info("shows a certificate that is valid until %s", ends.date())

    def note(error: SymbolonError) -> None:
        log.warning("goes on with the certificate it has: %s (%s)", error.detail, error.full_code)

    return FreshCredentials(read, check, note)
