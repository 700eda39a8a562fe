"""Members that lie about what they witnessed: real certificates, and answers that a test makes up."""

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from real_nodes import Nodes
from symbolon.api.audit.v1 import audit_pb2 as pb

import grpc  # isort: skip - after symbolon.rpc, which sets the cipher list

SERVICE = pb.DESCRIPTOR.services_by_name["WitnessService"].full_name
Add = Callable[[pb.AddCheckpointRequest], pb.AddCheckpointResponse]
Get = Callable[[pb.GetCheckpointRequest], bytes]


@contextlib.contextmanager
def lying_witness(nodes: Nodes, member: str, add: Add, held: Get = lambda _: b"") -> Iterator[None]:
    """Serves WitnessService as a member, which everybody finds there."""
    handlers = {
        "AddCheckpoint": grpc.unary_unary_rpc_method_handler(
            lambda request, _: add(request).SerializeToString(), pb.AddCheckpointRequest.FromString
        ),
        "GetCheckpoint": grpc.unary_unary_rpc_method_handler(
            lambda request, _: pb.GetCheckpointResponse(note=held(request)).SerializeToString(),
            pb.GetCheckpointRequest.FromString,
        ),
    }
    with ThreadPoolExecutor(4) as pool:
        server = grpc.server(pool, options=(("grpc.so_reuseport", 0),))
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
        tls = grpc.ssl_server_credentials([nodes.credentials(member)], nodes.authorities, True)
        address = f"127.0.0.1:{server.add_secure_port('127.0.0.1:0', tls)}"
        server.start()
        before = nodes.endpoint(member)
        nodes.move(member, address)
        try:
            yield
        finally:
            nodes.move(member, before)
            server.stop(0).wait()


def answered(status: int, body: bytes = b"") -> Add:
    """Gives one answer to everything."""
    return lambda _: pb.AddCheckpointResponse(status=status, body=body)
