"""What a TLS 1.3 handshake shows in the clear: the groups a client offers and the one a server picks.

Neither Python's `ssl` nor gRPC tells which key exchange was agreed on. Both ends show it unasked: a client
lists its groups in the ClientHello, and a server that gets a ClientHello without any key share answers with
a HelloRetryRequest that names the group it wants. Nothing is derived and nothing is trusted here: an answer
that cannot be read is `None`, "unknown".

Source: RFC 8446 sections 4.1.2 to 4.1.4, 4.2.7 and 4.2.8; draft-ietf-tls-ecdhe-mlkem for the hybrid group.
"""

import hashlib
import os
import socket
import struct
from typing import Final

X25519MLKEM768: Final = 0x11EC
GROUP_NAMES: Final = {
    X25519MLKEM768: "X25519MLKEM768",
    0x001D: "X25519",
    0x0017: "P-256",
    0x0018: "P-384",
    0x0019: "P-521",
}

MAX_FLIGHT_BYTES: Final = 1 << 14
"""A first flight is one record of at most 16 KiB."""

_HANDSHAKE_RECORD: Final = 22
_CLIENT_HELLO: Final = 1
_SERVER_HELLO: Final = 2
_SERVER_NAME, _SUPPORTED_GROUPS, _SIGNATURE_ALGORITHMS, _ALPN = 0, 10, 13, 16
_SUPPORTED_VERSIONS, _KEY_SHARE = 43, 51
_RETRY_RANDOM: Final = hashlib.sha256(b"HelloRetryRequest").digest()
_OFFERED: Final = (X25519MLKEM768, 0x001D, 0x0017)


def group_name(group: int) -> str:
    """The name of a group, or its number."""
    return GROUP_NAMES.get(group, f"group {group:#06x}")


def group_wanted(connection: socket.socket, server_name: str) -> int | None:
    """Asks a server which group it wants from a client that offers the hybrid one first.

    Args:
        connection: connected, nothing sent yet; of no use afterwards.
        server_name: sent as the name that the client expects.

    Returns:
        The group's number; None where the server's answer does not tell.

    Raises:
        OSError: the connection broke or timed out.
    """
    connection.sendall(_client_hello(server_name))
    message = _read_message(connection, _SERVER_HELLO)
    if message is None or message[2:34] != _RETRY_RANDOM:
        return None
    session_bytes = message[34]
    extensions = _extensions(message[35 + session_bytes + 3 :])
    share = extensions.get(_KEY_SHARE, b"")
    return int.from_bytes(share) if len(share) == 2 else None


def groups_offered(connection: socket.socket) -> list[int] | None:
    """Reads the groups that a client offers, in its order, from the start of its handshake.

    Returns:
        The groups' numbers; None where the bytes are not a ClientHello.

    Raises:
        OSError: the connection broke or timed out.
    """
    message = _read_message(connection, _CLIENT_HELLO)
    if message is None:
        return None
    at = 34
    at += 1 + int.from_bytes(message[at : at + 1])
    at += 2 + int.from_bytes(message[at : at + 2])
    at += 1 + int.from_bytes(message[at : at + 1])
    listed = _extensions(message[at:]).get(_SUPPORTED_GROUPS, b"")[2:]
    return [int.from_bytes(listed[at : at + 2]) for at in range(0, len(listed) - 1, 2)]


def _client_hello(server_name: str) -> bytes:
    name = server_name.encode("ascii")
    groups = b"".join(struct.pack("!H", group) for group in _OFFERED)
    extensions = b"".join(
        struct.pack("!HH", kind, len(body)) + body
        for kind, body in (
            (_SERVER_NAME, struct.pack("!HBH", len(name) + 3, 0, len(name)) + name),
            (_SUPPORTED_GROUPS, struct.pack("!H", len(groups)) + groups),
            # ecdsa_secp256r1_sha256, rsa_pss_rsae_sha256, rsa_pkcs1_sha256
            (_SIGNATURE_ALGORITHMS, bytes.fromhex("0006040308040401")),
            (_ALPN, bytes.fromhex("0003026832")),
            (_SUPPORTED_VERSIONS, bytes.fromhex("020304")),
            (_KEY_SHARE, bytes.fromhex("0000")),
        )
    )
    body = b"".join(
        (
            bytes.fromhex("0303"),
            os.urandom(32),
            b"\x20" + os.urandom(32),
            bytes.fromhex("0006130113021303"),
            bytes.fromhex("0100"),
            struct.pack("!H", len(extensions)) + extensions,
        )
    )
    handshake = bytes([_CLIENT_HELLO]) + len(body).to_bytes(3) + body
    return struct.pack("!BHH", _HANDSHAKE_RECORD, 0x0301, len(handshake)) + handshake


def _read_message(connection: socket.socket, kind: int) -> bytes | None:
    """The body of the first handshake message of this kind; None when something else comes."""
    header = _read(connection, 5)
    if len(header) < 5 or header[0] != _HANDSHAKE_RECORD:
        return None
    length = int.from_bytes(header[3:5])
    if length > MAX_FLIGHT_BYTES:
        return None
    record = _read(connection, length)
    # 2 version, 32 random, 1 session id length, 2 cipher suite, 1 compression, 2 extensions length.
    if len(record) < length or length < 4 + 40 or record[0] != kind:
        return None
    message = record[4 : 4 + int.from_bytes(record[1:4])]
    return message if len(message) >= 40 else None


def _read(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = connection.recv(count - len(data))
        if not part:
            break
        data += part
    return data


def _extensions(block: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    end = min(len(block), 2 + int.from_bytes(block[:2]))
    at = 2
    while at + 4 <= end:
        kind, length = struct.unpack("!HH", block[at : at + 4])
        found[kind] = block[at + 4 : at + 4 + length]
        at += 4 + length
    return found
