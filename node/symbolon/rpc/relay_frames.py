"""Between the relay's messages on the wire and what they say; the same for relays and those who use them.

Refuses, as `protocol.malformed`: an empty message, another kind than belongs there, a chunk that is empty or
above `MAX_CHUNK_BYTES`, names and ids of another form. Specification: docs/PROTOCOL.md, relay.
"""

from typing import Any

from symbolon.api.relay.v1 import relay_pb2 as pb
from symbolon.errors import MembershipError, RemoteProtocolError
from symbolon.membership.member import MemberId, parse_member_id
from symbolon.rpc.relay_limits import CONNECTION_ID_BYTES, MAX_CHUNK_BYTES

Piece = bytes | None
"""Bytes of one direction of a connection; None for its end."""


def encode_piece(piece: Piece) -> pb.Frame:
    """The frame that says a piece."""
    return pb.Frame(end=pb.End()) if piece is None else pb.Frame(data=piece)


def decode_piece(message: Any) -> Piece:
    """The piece in any message of a connection but its first.

    Raises:
        RemoteProtocolError: `protocol.malformed`.
    """
    kind = message.frame.WhichOneof("body")
    if kind == "end":
        return None
    data: bytes = message.frame.data
    if kind != "data" or not 1 <= len(data) <= MAX_CHUNK_BYTES:
        raise malformed(f"a frame of {len(data)} bytes")
    return data


def decode_target(request: pb.ConnectRequest) -> MemberId:
    """Whom the first message of a Connect names.

    Raises:
        RemoteProtocolError: `protocol.malformed`.
    """
    return _member(request.target.member)


def decode_ticket(request: pb.AcceptRequest) -> bytes:
    """The connection id in the first message of an Accept, 16 bytes.

    Raises:
        RemoteProtocolError: `protocol.malformed`.
    """
    return _connection_id(request.ticket.connection_id)


def decode_incoming(response: pb.AttachResponse) -> tuple[bytes, MemberId] | None:
    """The connection id and who asks; None for a heartbeat.

    Raises:
        RemoteProtocolError: `protocol.malformed`.
    """
    kind = response.WhichOneof("body")
    if kind == "heartbeat":
        return None
    if kind is None:
        raise malformed("an empty message")
    return _connection_id(response.incoming.connection_id), _member(response.incoming.from_member)


def _member(text: str) -> MemberId:
    try:
        return parse_member_id(text)
    except MembershipError:
        raise malformed("a name that is no member id") from None


def _connection_id(text: bytes) -> bytes:
    if len(text) != CONNECTION_ID_BYTES:
        raise malformed(f"a connection id of {len(text)} bytes")
    return text


def malformed(what: str) -> RemoteProtocolError:
    """The error for a message that says something else than belongs there."""
    return RemoteProtocolError(f"{what} where none belongs", code="protocol.malformed")
