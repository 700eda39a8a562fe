"""What the relay's messages say survives the wire, and whatever else comes is refused by one error."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbolon.api.relay.v1 import relay_pb2 as pb
from symbolon.errors import RemoteProtocolError
from symbolon.membership.member import SLUG_PATTERN
from symbolon.rpc.relay_frames import (
    decode_incoming,
    decode_piece,
    decode_target,
    decode_ticket,
    encode_piece,
)
from symbolon.rpc.relay_limits import CONNECTION_ID_BYTES, MAX_CHUNK_BYTES, MAX_MESSAGE_BYTES

_IDS = st.binary(min_size=CONNECTION_ID_BYTES, max_size=CONNECTION_ID_BYTES)
_MEMBERS = st.from_regex(SLUG_PATTERN, fullmatch=True)
_PIECES = st.none() | st.binary(min_size=1, max_size=300)
_DECODERS = {
    decode_piece: (pb.ConnectRequest, pb.ConnectResponse, pb.AcceptRequest, pb.AcceptResponse),
    decode_target: (pb.ConnectRequest,),
    decode_ticket: (pb.AcceptRequest,),
    decode_incoming: (pb.AttachResponse,),
}


@given(_PIECES)
def test_piece_survives_every_message_that_carries_one(piece: bytes | None) -> None:
    for message in _DECODERS[decode_piece]:
        encoded = message(frame=encode_piece(piece)).SerializeToString()
        assert decode_piece(message.FromString(encoded)) == piece


@given(_MEMBERS, _IDS)
def test_first_messages_survive_the_wire(member: str, connection_id: bytes) -> None:
    target = pb.ConnectRequest(target=pb.Target(member=member)).SerializeToString()
    assert decode_target(pb.ConnectRequest.FromString(target)) == member
    ticket = pb.AcceptRequest(ticket=pb.Ticket(connection_id=connection_id)).SerializeToString()
    assert decode_ticket(pb.AcceptRequest.FromString(ticket)) == connection_id
    incoming = pb.AttachResponse(incoming=pb.Incoming(connection_id=connection_id, from_member=member))
    assert decode_incoming(pb.AttachResponse.FromString(incoming.SerializeToString())) == (
        connection_id,
        member,
    )
    assert decode_incoming(pb.AttachResponse(heartbeat=pb.Heartbeat())) is None


@given(st.data())
def test_any_message_is_decoded_or_refused_as_malformed(data: st.DataObject) -> None:
    frames = st.builds(pb.Frame, data=st.binary(max_size=20)) | st.just(pb.Frame(end=pb.End()))
    bodies: dict[object, st.SearchStrategy[object]] = {
        pb.ConnectRequest: st.builds(pb.ConnectRequest, frame=frames)
        | st.builds(pb.ConnectRequest, target=st.builds(pb.Target, member=st.text(max_size=40))),
        pb.ConnectResponse: st.builds(pb.ConnectResponse, frame=frames)
        | st.just(pb.ConnectResponse(connected=pb.Connected())),
        pb.AcceptRequest: st.builds(pb.AcceptRequest, frame=frames)
        | st.builds(pb.AcceptRequest, ticket=st.builds(pb.Ticket, connection_id=st.binary(max_size=20))),
        pb.AcceptResponse: st.builds(pb.AcceptResponse, frame=frames),
        pb.AttachResponse: st.builds(
            pb.AttachResponse,
            incoming=st.builds(
                pb.Incoming, connection_id=st.binary(max_size=20), from_member=st.text(max_size=40)
            ),
        ),
    }
    decode = data.draw(st.sampled_from(list(_DECODERS)))
    kind = data.draw(st.sampled_from(_DECODERS[decode]))
    message = data.draw(st.just(kind()) | bodies[kind])
    code = ""
    try:
        decode(message)
    except RemoteProtocolError as error:
        code = error.full_code
    assert code in ("", "protocol.malformed")


def test_largest_chunk_fits_and_one_byte_more_does_not() -> None:
    largest = pb.ConnectRequest(frame=encode_piece(b"x" * MAX_CHUNK_BYTES))
    assert decode_piece(largest) == b"x" * MAX_CHUNK_BYTES
    assert largest.ByteSize() < MAX_MESSAGE_BYTES
    with pytest.raises(RemoteProtocolError):
        decode_piece(pb.ConnectRequest(frame=pb.Frame(data=b"x" * (MAX_CHUNK_BYTES + 1))))
