"""Messages come back from their wire form as they were; whatever else comes in is refused as malformed."""

from typing import Any

import pytest
from google.protobuf.message import DecodeError, Message
from hypothesis import given
from hypothesis import strategies as st

from symbolon.api.exchange.v1 import exchange_pb2 as pb
from symbolon.errors import RemoteProtocolError
from symbolon.exchange.limits import (
    KEY_RULES_BYTES,
    MAX_DELTAS,
    MAX_ELEMENTS,
    MAX_ENTRIES,
    MAX_RESULT_BYTES,
    SIZE_GROUP,
)
from symbolon.exchange.messages import (
    MAX_EPOCH,
    Accept,
    DeltaHeader,
    Elements,
    Entries,
    Evaluated,
    Failure,
    Finish,
    Hello,
    Invitation,
    Receipt,
    SignedRequest,
    TierAsk,
    TierOffer,
    Withdrawn,
    Working,
)
from symbolon.rpc import codec

words = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9.-]{0,63}", fullmatch=True)
session_ids = st.binary(min_size=16, max_size=16)
key_rules = st.one_of(st.just(b""), st.binary(min_size=KEY_RULES_BYTES, max_size=KEY_RULES_BYTES))
offsets = st.integers(0, MAX_ENTRIES)
datas = st.binary(min_size=1, max_size=100)
tier_names = st.sampled_from(["A", "B", "C", "AB"])


signatures = st.binary(min_size=64, max_size=64)
requests = st.none() | st.builds(
    SignedRequest, st.integers(0, MAX_EPOCH), st.text(st.characters(codec="utf-8"), max_size=99), signatures
)


@st.composite
def intersection_hellos(draw: st.DrawFn) -> Hello:
    epoch = draw(st.integers(0, MAX_EPOCH))
    have = st.integers(0, MAX_DELTAS if epoch else 0)
    tiers = draw(st.lists(st.sampled_from("ABC"), min_size=1, unique=True))
    asks = tuple(TierAsk(tier, draw(st.integers(64, MAX_ELEMENTS)), draw(have)) for tier in tiers)
    names = [draw(words) for _ in range(3)]
    signed = {"key_rules": draw(key_rules), "request": draw(requests)}
    return Hello(draw(session_ids), *names, "intersection", draw(words), epoch, asks, **signed)


@st.composite
def size_hellos(draw: st.DrawFn) -> Hello:
    tier = draw(st.sampled_from(sorted(SIZE_GROUP)))
    group = SIZE_GROUP[tier]
    ask = TierAsk(tier, group * draw(st.integers(-(-64 // group), MAX_ELEMENTS // group)))
    names = [draw(words) for _ in range(3)]
    return Hello(
        draw(session_ids), *names, "size", draw(words), 0, (ask,), group, draw(key_rules), draw(requests)
    )


failures = st.builds(
    Failure,
    st.from_regex(r"[a-z0-9._-]{0,128}", fullmatch=True),
    st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=128),
)
receiver_messages = st.one_of(
    intersection_hellos(),
    size_hellos(),
    st.builds(Elements, tier_names, offsets, datas),
    st.builds(Receipt, signatures),
)


@st.composite
def offers(draw: st.DrawFn, tier: str) -> TierOffer:
    numbers = sorted(draw(st.sets(st.integers(1, MAX_DELTAS), max_size=5)))
    headers = tuple(DeltaHeader(number, draw(st.integers(1, MAX_ENTRIES // 5))) for number in numbers)
    return TierOffer(tier, draw(st.integers(10, 32)), headers, draw(offsets))


@st.composite
def accepts(draw: st.DrawFn) -> Accept:
    tiers = draw(st.lists(tier_names, min_size=1, unique=True))
    epoch = draw(st.integers(0, MAX_EPOCH))
    return Accept(epoch, tuple(draw(offers(tier)) for tier in tiers), draw(key_rules))


@st.composite
def workings(draw: st.DrawFn) -> Working:
    total = draw(st.integers(0, MAX_ENTRIES))
    return Working(draw(tier_names), draw(st.integers(0, total)), total)


sender_messages = st.one_of(
    accepts(),
    st.builds(Evaluated, tier_names, offsets, datas),
    st.builds(Entries, tier_names, offsets, datas, st.integers(1, MAX_DELTAS)),
    st.builds(Withdrawn, tier_names, offsets, datas),
    workings(),
    st.builds(Finish, st.binary(max_size=MAX_RESULT_BYTES), signatures),
    failures,
)
invitations = st.one_of(
    st.builds(
        Invitation,
        st.just("intersection"),
        words,
        st.lists(st.sampled_from("ABC"), min_size=1, unique=True).map(tuple),
    ),
    st.builds(Invitation, st.just("size"), words, st.sampled_from(sorted(SIZE_GROUP)).map(lambda t: (t,))),
)


@given(message=receiver_messages)
def test_codec_receiver_message_comes_back_as_it_was(message: Any) -> None:
    data = codec.encode_receiver(message).SerializeToString()
    assert codec.decode_receiver(pb.ReceiverMessage.FromString(data)) == message


@given(message=sender_messages)
def test_codec_sender_message_comes_back_as_it_was(message: Any) -> None:
    data = codec.encode_sender(message).SerializeToString()
    assert codec.decode_sender(pb.SenderMessage.FromString(data)) == message


@given(invitation=invitations)
def test_codec_invitation_comes_back_as_it_was(invitation: Invitation) -> None:
    data = codec.encode_invitation(invitation).SerializeToString()
    assert codec.decode_invitation(pb.Invitation.FromString(data)) == invitation


DECODERS = (
    (pb.ReceiverMessage, codec.decode_receiver),
    (pb.SenderMessage, codec.decode_sender),
    (pb.Invitation, codec.decode_invitation),
)


def decode_or_refuse(data: bytes) -> None:
    """Nothing but the two errors that the roles expect may come out."""
    for kind, decode in DECODERS:
        try:
            decode(kind.FromString(data))
        except DecodeError:
            continue
        except RemoteProtocolError as error:
            assert error.full_code == "protocol.malformed"  # noqa: PT017


@given(data=st.binary(max_size=200))
def test_codec_arbitrary_bytes_are_a_message_or_refused(data: bytes) -> None:
    decode_or_refuse(data)


@given(message=receiver_messages, at=st.integers(0, 400), byte=st.integers(0, 255), cut=st.integers(0, 400))
def test_codec_damaged_receiver_message_is_a_message_or_refused(
    message: Any, at: int, byte: int, cut: int
) -> None:
    data = bytearray(codec.encode_receiver(message).SerializeToString())
    if data:
        data[at % len(data)] = byte
    decode_or_refuse(bytes(data[: cut or None]))


@given(message=sender_messages, at=st.integers(0, 400), byte=st.integers(0, 255), cut=st.integers(0, 400))
def test_codec_damaged_sender_message_is_a_message_or_refused(
    message: Any, at: int, byte: int, cut: int
) -> None:
    data = bytearray(codec.encode_sender(message).SerializeToString())
    if data:
        data[at % len(data)] = byte
    decode_or_refuse(bytes(data[: cut or None]))


uint64 = st.one_of(
    st.integers(0, 70), st.sampled_from([2**24, 2**24 + 1, 2**25, 2**48 + 1, 2**63, 2**64 - 1])
)
uint32 = st.one_of(st.integers(0, 70), st.sampled_from([1024, 1025, 2**31, 2**32 - 1]))
texts = st.one_of(
    st.sampled_from(["", "A", "B", "AB", "size", "intersection", "X" * 64, "X" * 65, "ﬀ", "a b", "\x00"]),
    st.text(max_size=5),
)
blobs = st.one_of(
    st.sampled_from([bytes(16), bytes(8), b""]), st.binary(max_size=40), st.just(b"\x01" * (2**20 + 1))
)


@st.composite
def any_fields(draw: st.DrawFn, message: Message) -> Message:
    """Fills a message of the generated code with well-typed nonsense."""
    bodies = (
        [field.name for field in message.DESCRIPTOR.oneofs[0].fields] if message.DESCRIPTOR.oneofs else []
    )
    chosen = draw(st.sampled_from(bodies)) if bodies else None
    for field in message.DESCRIPTOR.fields:
        if bodies and field.name != chosen:
            continue
        if field.type == field.TYPE_MESSAGE:
            targets = (
                [getattr(message, field.name).add() for _ in range(draw(st.integers(0, 3)))]
                if field.is_repeated
                else [getattr(message, field.name)]
            )
            for target in targets:
                target.SetInParent()
                draw(any_fields(target))
            continue
        values = {
            field.TYPE_UINT64: uint64,
            field.TYPE_UINT32: uint32,
            field.TYPE_STRING: texts,
            field.TYPE_BYTES: blobs,
        }[field.type]
        if field.is_repeated:
            getattr(message, field.name).extend(draw(st.lists(values, max_size=3)))
        else:
            setattr(message, field.name, draw(values))
    return message


@given(data=st.data(), which=st.sampled_from(range(3)))
def test_codec_well_typed_nonsense_is_a_message_or_refused(data: st.DataObject, which: int) -> None:
    kind, _ = DECODERS[which]
    decode_or_refuse(data.draw(any_fields(kind())).SerializeToString())


@pytest.mark.parametrize("empty", [pb.ReceiverMessage(), pb.SenderMessage()])
def test_codec_message_without_content_is_refused(empty: Message) -> None:
    decode = codec.decode_receiver if isinstance(empty, pb.ReceiverMessage) else codec.decode_sender
    with pytest.raises(RemoteProtocolError, match="without content"):
        decode(empty)  # type: ignore[arg-type]


@given(code=st.text(max_size=300), message=st.text(max_size=300))
def test_codec_failure_of_a_peer_is_short_printable_and_its_code_ascii(code: str, message: str) -> None:
    wire = pb.SenderMessage(failure=pb.Failure(code=code, message=message))
    read = codec.decode_sender(pb.SenderMessage.FromString(wire.SerializeToString()))
    assert isinstance(read, Failure)
    assert len(read.code) <= 128
    assert len(read.message) <= 128
    assert read.code.isascii()
    assert not set(read.code) & set(" :/\\'\"<>%$\x1b\n")
    assert read.message.isprintable()
