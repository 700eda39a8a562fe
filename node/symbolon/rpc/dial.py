"""Dialling: where a server is, what it shows, and the options of every channel to one."""

import socket
import ssl
from typing import Final

MAX_MESSAGE_BYTES: Final = 4 << 20
"""Of a message, either way."""

CONNECT_S: Final = 10.0
"""How long a peer may take to complete its handshakes."""

UNIX: Final = "unix:"
"""Before the path of a socket, in place of `host:port`."""

ChannelOptions = tuple[tuple[str, str | int], ...]


def channel_options(name: str) -> ChannelOptions:
    """GRPC's options for a channel.

    Args:
        name: what the server's certificate has to be for.
    """
    return (
        ("grpc.ssl_target_name_override", name),
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.enable_http_proxy", 0),
        ("grpc.use_local_subchannel_pool", 1),
    )


def grpc_address(target: str) -> str:
    """What gRPC dials for `host:port` or a socket."""
    return target if target.startswith(UNIX) else f"dns:///{target}"


def client_context() -> ssl.SSLContext:
    """TLS 1.3 for gRPC, of who dials; without authorities yet it believes nobody."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols(["h2"])
    return context


def unverified() -> ssl.SSLContext:
    """Verifies nothing and shows nothing; only fit to look at what the other side presents."""
    context = client_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def shown_certificate(context: ssl.SSLContext, target: str, name: str) -> bytes:
    """The certificate, PEM, that a server shows in a handshake that ends well on this side.

    Args:
        context: decides what ends well.
        target: as for `dialled`.
        name: asked for in the handshake.

    Raises:
        OSError: no connection, or TLS refused it (`ssl.SSLError` is one).
    """
    with dialled(target) as plain, context.wrap_socket(plain, server_hostname=name) as secure:
        return ssl.DER_cert_to_PEM_cert(secure.getpeercert(binary_form=True) or b"").encode("ascii")


def dialled(target: str) -> socket.socket:
    """An open connection.

    Args:
        target: `host:port`, or `unix:` and the path of a socket.

    Raises:
        OSError: nobody answers there within `CONNECT_S`.
    """
    if not target.startswith(UNIX):
        host, _, port = target.rpartition(":")
        return socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_S)
    opened = socket.socket(socket.AF_UNIX)
    opened.settimeout(CONNECT_S)
    try:
        opened.connect(target.removeprefix(UNIX))
    except BaseException:
        opened.close()
        raise
    return opened
