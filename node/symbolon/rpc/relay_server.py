"""A served relay: the same options, identity checks, health and orderly end as a served node.

SIGTERM and SIGINT send attached members to their other relays at once; connections that are joined get a
grace period to finish. Specification: docs/PROTOCOL.md, relay.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from symbolon.api.relay.v1 import relay_pb2 as pb
from symbolon.api.relay.v1 import relay_pb2_grpc as stubs
from symbolon.rpc.node import Node
from symbolon.rpc.relay_limits import MAX_MESSAGE_BYTES, WINDOW_BYTES, configured_limits
from symbolon.rpc.relay_service import RelayService
from symbolon.rpc.server import GRACE_S, serve_until_told
from symbolon.rpc.upkeep import follow

log = logging.getLogger(__name__)

RELAY_SERVICE: Final = pb.DESCRIPTOR.services_by_name["RelayService"].full_name

RELAY_OPTIONS: Final = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    # gRPC would let a window grow to megabytes where it believes the network fast.
    ("grpc.http2.bdp_probe", 0),
    ("grpc.http2.lookahead_bytes", WINDOW_BYTES),
)


async def serve_relay(
    node: Node,
    listen: str,
    listening: Callable[[str], None],
    *,
    grace_s: float = GRACE_S,
) -> None:
    """Serves a relay under a node's identity until told to stop.

    Args:
        node: whose identity and member list it is.
        listen: `host:port`; port 0 takes a free one.
        listening: told the address once it is open.
        grace_s: how long joined connections may go on after a request to stop.

    Raises:
        ConfigError: the address cannot be listened on.
        MembershipError: the node is not enrolled, or its certificate does not hold.
    """
    limits = configured_limits(node.config.relay)
    service = RelayService(lambda auth: node.callers.identify(dict(auth), RELAY_SERVICE), limits)

    def stopping() -> None:
        log.info(
            "stopping: %d members are attached, %d connections open", service.attached, service.connections
        )
        service.end_attached()

    beside = [asyncio.create_task(each) for each in (service.sweep(), follow(node))]
    try:
        await serve_until_told(
            node,
            listen,
            (RELAY_SERVICE,),
            lambda server: stubs.add_RelayServiceServicer_to_server(service, server),
            listening,
            stopping,
            grace_s=grace_s,
            options=RELAY_OPTIONS,
        )
    finally:
        for each in beside:
            each.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
    log.info("stopped")
