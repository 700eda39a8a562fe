"""Servers that lie about a coalition's metadata: real certificates, and answers that a test makes up."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from real_nodes import MALLORY, Nodes
from symbolon.api.membership.v1 import membership_pb2 as pb

import grpc  # isort: skip - after symbolon.rpc, which sets the cipher list

SERVICE = pb.DESCRIPTOR.services_by_name["MembershipService"].full_name
Metadata = Callable[[pb.GetMetadataRequest], Iterator[pb.GetMetadataResponse | bytes]]
Join = Callable[[pb.JoinRequest], pb.JoinResponse]


class Liar:
    """A lying server: where it is, what it was asked and sent, and whether a call still hangs in it."""

    def __init__(self) -> None:
        self.address = ""
        self.asked = 0
        self.joins: list[pb.JoinRequest] = []
        self.ended = threading.Event()


def _joined_by_nobody(_: pb.JoinRequest) -> pb.JoinResponse:
    return pb.JoinResponse()


@contextlib.contextmanager
def answering(
    credentials: tuple[bytes, bytes],
    metadata: Metadata,
    join: Join = _joined_by_nobody,
    *,
    authorities: bytes | None = None,
    listen: str = "127.0.0.1:0",
) -> Iterator[Liar]:
    """Serves GetMetadata and Join with any certificate; bytes go out as they are.

    Args:
        credentials: private key and certificate, PEM.
        metadata: the answers.
        join: likewise; every request is kept.
        authorities: whose members may call; anybody when None.
        listen: `host:port`.
    """
    told = Liar()

    def answer(request: Any, _: Any) -> Iterator[bytes]:
        told.asked += 1
        for each in metadata(request):
            if told.ended.is_set():
                return
            yield each if isinstance(each, bytes) else each.SerializeToString()

    def joined(request: Any, _: Any) -> bytes:
        told.joins.append(request)
        return join(request).SerializeToString()

    handlers = {
        "GetMetadata": grpc.unary_stream_rpc_method_handler(
            answer, pb.GetMetadataRequest.FromString, lambda said: said
        ),
        "Join": grpc.unary_unary_rpc_method_handler(joined, pb.JoinRequest.FromString, lambda said: said),
    }
    with ThreadPoolExecutor(4) as pool:
        server = grpc.server(
            pool, options=(("grpc.so_reuseport", 0), ("grpc.max_send_message_length", 64 << 20))
        )
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
        tls = grpc.ssl_server_credentials([credentials], authorities, authorities is not None)
        told.address = f"{listen.rpartition(':')[0]}:{server.add_secure_port(listen, tls)}"
        server.start()
        try:
            yield told
        finally:
            told.ended.set()
            server.stop(0).wait()


@contextlib.contextmanager
def liar(nodes: Nodes, metadata: Metadata) -> Iterator[Liar]:
    """Serves GetMetadata as `MALLORY`, which everybody finds there."""
    with answering(nodes.credentials(MALLORY), metadata, authorities=nodes.authorities) as told:
        nodes.move(MALLORY, told.address)
        yield told


def part(name: str, content: bytes) -> pb.GetMetadataResponse:
    return pb.GetMetadataResponse(name=name, content=content)
