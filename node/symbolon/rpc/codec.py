"""Between messages and their wire form; the only user of the generated code besides the two stubs.

Decoding refuses what has no meaning: an empty oneof, text that is not UTF-8 never gets here (protobuf), all
further checks are the messages' own. Source of the wire form: protos/symbolon/api/exchange/v1.
"""

from symbolon.api.exchange.v1 import exchange_pb2 as pb
from symbolon.errors import RemoteProtocolError
from symbolon.exchange.messages import (
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
    ReceiverMessage,
    SenderMessage,
    SignedRequest,
    TierAsk,
    TierOffer,
    Withdrawn,
    Working,
)


def encode_receiver(message: ReceiverMessage) -> pb.ReceiverMessage:
    """Encodes what a receiver says."""
    match message:
        case Hello():
            asks = [
                pb.TierAsk(tier=ask.tier, elements=ask.elements, have_delta=ask.have_delta)
                for ask in message.tiers
            ]
            hello = pb.Hello(
                session_id=message.session_id,
                suite=message.suite,
                coalition=message.coalition,
                area=message.area,
                mode=message.mode,
                purpose=message.purpose,
                epoch=message.epoch,
                tiers=asks,
                group_size=message.group_size,
                key_rules=message.key_rules,
            )
            if message.request is not None:
                request = message.request
                hello.request.CopyFrom(
                    pb.SignedRequest(
                        hour=request.hour, checkpoint=request.checkpoint, signature=request.signature
                    )
                )
            return pb.ReceiverMessage(hello=hello)
        case Elements():
            elements = pb.Elements(tier=message.tier, offset=message.offset, data=message.data)
            return pb.ReceiverMessage(elements=elements)
        case Receipt():
            return pb.ReceiverMessage(receipt=pb.Receipt(signature=message.signature))
        case Failure():
            return pb.ReceiverMessage(failure=pb.Failure(code=message.code, message=message.message))


def decode_receiver(message: pb.ReceiverMessage) -> ReceiverMessage:
    """Decodes what a receiver says.

    Raises:
        RemoteProtocolError: `protocol.malformed`.
    """
    match message.WhichOneof("body"):
        case "hello":
            hello = message.hello
            return Hello(
                hello.session_id,
                hello.suite,
                hello.coalition,
                hello.area,
                hello.mode,
                hello.purpose,
                hello.epoch,
                tuple(TierAsk(ask.tier, ask.elements, ask.have_delta) for ask in hello.tiers),
                hello.group_size,
                hello.key_rules,
                _decode_request(hello),
            )
        case "elements":
            return Elements(message.elements.tier, message.elements.offset, message.elements.data)
        case "receipt":
            return Receipt(message.receipt.signature)
        case "failure":
            return _decode_failure(message.failure)
        case _:
            raise _empty()


def _decode_request(hello: pb.Hello) -> SignedRequest | None:
    if not hello.HasField("request"):
        return None
    return SignedRequest(hello.request.hour, hello.request.checkpoint, hello.request.signature)


def encode_sender(message: SenderMessage) -> pb.SenderMessage:
    """Encodes what a sender says."""
    match message:
        case Accept():
            offers = [
                pb.TierOffer(
                    tier=offer.tier,
                    tag_bytes=offer.tag_bytes,
                    deltas=[
                        pb.DeltaHeader(number=each.number, entries=each.entries) for each in offer.deltas
                    ],
                    withdrawn=offer.withdrawn,
                )
                for offer in message.tiers
            ]
            accept = pb.Accept(epoch=message.epoch, tiers=offers, key_rules=message.key_rules)
            return pb.SenderMessage(accept=accept)
        case Evaluated():
            evaluated = pb.Evaluated(tier=message.tier, offset=message.offset, data=message.data)
            return pb.SenderMessage(evaluated=evaluated)
        case Entries():
            entries = pb.Entries(
                tier=message.tier, delta=message.delta, offset=message.offset, data=message.data
            )
            return pb.SenderMessage(entries=entries)
        case Withdrawn():
            withdrawn = pb.Withdrawn(tier=message.tier, offset=message.offset, data=message.data)
            return pb.SenderMessage(withdrawn=withdrawn)
        case Working():
            working = pb.Working(tier=message.tier, done=message.done, total=message.total)
            return pb.SenderMessage(working=working)
        case Finish():
            finish = pb.Finish(result=message.result, signature=message.signature)
            return pb.SenderMessage(finish=finish)
        case Failure():
            return pb.SenderMessage(failure=pb.Failure(code=message.code, message=message.message))


def decode_sender(message: pb.SenderMessage) -> SenderMessage:
    """Decodes what a sender says.

    Raises:
        RemoteProtocolError: `protocol.malformed`.
    """
    match message.WhichOneof("body"):
        case "accept":
            offers = tuple(
                TierOffer(
                    offer.tier,
                    offer.tag_bytes,
                    tuple(DeltaHeader(each.number, each.entries) for each in offer.deltas),
                    offer.withdrawn,
                )
                for offer in message.accept.tiers
            )
            return Accept(message.accept.epoch, offers, message.accept.key_rules)
        case "evaluated":
            return Evaluated(message.evaluated.tier, message.evaluated.offset, message.evaluated.data)
        case "entries":
            entries = message.entries
            return Entries(entries.tier, entries.offset, entries.data, entries.delta)
        case "withdrawn":
            return Withdrawn(message.withdrawn.tier, message.withdrawn.offset, message.withdrawn.data)
        case "working":
            return Working(message.working.tier, message.working.done, message.working.total)
        case "finish":
            return Finish(message.finish.result, message.finish.signature)
        case "failure":
            return _decode_failure(message.failure)
        case _:
            raise _empty()


def encode_invitation(invitation: Invitation) -> pb.Invitation:
    """Encodes the first message of an offer."""
    return pb.Invitation(mode=invitation.mode, purpose=invitation.purpose, tiers=invitation.tiers)


def decode_invitation(invitation: pb.Invitation) -> Invitation:
    """Decodes the first message of an offer."""
    return Invitation(invitation.mode, invitation.purpose, tuple(invitation.tiers))


_LONGEST_FAILURE = 128
"""Characters kept of a peer's code and message: they are shown to people and written to logs."""

_CODE_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._-")
"""A code goes on to logs and to gRPC metadata, which takes ASCII only."""


def _decode_failure(failure: pb.Failure) -> Failure:
    code = "".join(each for each in failure.code[:_LONGEST_FAILURE] if each in _CODE_CHARACTERS)
    message = "".join(each for each in failure.message[:_LONGEST_FAILURE] if each.isprintable())
    return Failure(code, message)


def _empty() -> RemoteProtocolError:
    return RemoteProtocolError("a message without content", code="protocol.malformed")
