"""What this node's own gRPC does in a handshake, seen from outside, on loopback.

Settings say what TLS should do; a handshake shows what it does. A server with this node's certificate is
opened on a free port of the loopback for a moment: TLS 1.2 must fail there, and it must want the hybrid
post-quantum group. Then this node's gRPC dials a plain socket that reads which groups it offers.
"""

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import grpc

from symbolon.rpc.diagnosis import old_tls, wanted_group
from symbolon.rpc.diagnosis_finding import Finding, State
from symbolon.rpc.diagnosis_tls import X25519MLKEM768, group_name, groups_offered
from symbolon.rpc.node import Credentials

_LOOPBACK: Final = "127.0.0.1"
_WAIT_S: Final = 5.0


def own_transport(credentials: Credentials, server_name: str) -> list[Finding]:
    """Two findings: the versions of TLS this node speaks, and the key exchange it agrees on.

    Args:
        credentials: this node's.
        server_name: the name in its certificate.
    """
    tls = grpc.ssl_server_credentials(
        [(credentials.private_key, credentials.certificate)],
        root_certificates=credentials.authorities,
        require_client_auth=True,
    )
    with ThreadPoolExecutor(1) as workers:
        server = grpc.server(workers)
        try:
            port = server.add_secure_port(f"{_LOOPBACK}:0", tls)
        except (RuntimeError, ValueError):
            said = "no TLS server can be opened with this node's certificate and key"
            return [Finding(check, State.UNKNOWN, said) for check in ("tls version", "key exchange")]
        server.start()
        try:
            version = old_tls((_LOOPBACK, port), server_name)
            wanted = wanted_group((_LOOPBACK, port), server_name)
        finally:
            server.stop(None).wait(_WAIT_S)
    return [version, _key_exchange(wanted, _offered(credentials.authorities))]


def _key_exchange(wanted: Finding, offered: list[int] | None) -> Finding:
    if wanted.state is not State.OK:
        return wanted
    check = wanted.check
    if not offered:
        said = "post-quantum as server (X25519MLKEM768); what this node offers as client is unknown"
        return Finding(check, State.UNKNOWN, said)
    if offered[0] != X25519MLKEM768:
        said = f"post-quantum as server, but as client this node offers {group_name(offered[0])} first"
        hint = "Update grpcio to 1.85 or newer."
        return Finding(check, State.WARN, said, hint, "tls.group")
    return Finding(check, State.OK, "post-quantum: X25519MLKEM768, as server and as client")


def _offered(authorities: bytes) -> list[int] | None:
    """The groups in the ClientHello of this node's gRPC."""
    with socket.create_server((_LOOPBACK, 0)) as listener:
        listener.settimeout(_WAIT_S)
        found: list[list[int] | None] = []

        def hear() -> None:
            try:
                connection, _ = listener.accept()
                with connection:
                    connection.settimeout(_WAIT_S)
                    found.append(groups_offered(connection))
            except OSError:
                found.append(None)

        thread = threading.Thread(target=hear)
        thread.start()
        tls = grpc.ssl_channel_credentials(authorities)
        address = f"{_LOOPBACK}:{listener.getsockname()[1]}"
        with grpc.secure_channel(address, tls, (("grpc.enable_http_proxy", 0),)) as channel:
            call = channel.unary_unary("/symbolon/Nothing").future(b"", timeout=_WAIT_S)
            thread.join(2 * _WAIT_S)
            call.cancel()
    return found[0] if found else None
