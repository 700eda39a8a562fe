"""Receipts of a member that speaks by hand: requests, results and their signatures, by the node's own code.

A signer that has been given to a channel signs every well-formed hello that a `RawAsk` says on it.
"""

import dataclasses
import time
from pathlib import Path
from typing import Any

from symbolon.api.exchange.v1 import exchange_pb2 as pb
from symbolon.audit.checkpoint import Checkpoint, log_origin, sign_checkpoint
from symbolon.audit.merkle import EMPTY_ROOT
from symbolon.audit.receipt import Result, document_sha256, request_document, sign_request, sign_result
from symbolon.audit.signed_note import encode_note
from symbolon.errors import MembershipError, RemoteProtocolError
from symbolon.exchange.messages import Hello, SignedRequest
from symbolon.membership.certificates import peer_identity
from symbolon.membership.member import CoalitionId, MemberId
from symbolon.membership.signing_key import load_signing_key
from symbolon.rpc import codec
from symbolon.rpc.node import SIGNING_KEY_FILE

_NAME = "symbolon_signer"


class Signer:
    """Signs for one member towards another.

    Args:
        home: folder of the member's node; without a signing key there, nothing is signed.
    """

    def __init__(self, home: Path, coalition: str, own: str, peer: str) -> None:
        self._file = home / SIGNING_KEY_FILE
        self._coalition = coalition
        self._own = own
        self._peer = peer

    def hello(self, hello: pb.Hello) -> pb.Hello:
        """The hello with a request; one that says nothing well-formed, or is signed, as it is."""
        if hello.HasField("request") or not self._file.exists():
            return hello
        try:
            said = codec.decode_receiver(pb.ReceiverMessage(hello=hello))
        except RemoteProtocolError:
            return hello
        assert isinstance(said, Hello)
        unsigned = SignedRequest(hour(), self._checkpoint(), bytes(64))
        document = request_document(dataclasses.replace(said, request=unsigned), self._peer, self._own)
        signature = sign_request(document, load_signing_key(self._file))
        request = pb.SignedRequest(hour=unsigned.hour, checkpoint=unsigned.checkpoint, signature=signature)
        signed = pb.Hello()
        signed.CopyFrom(hello)
        signed.request.CopyFrom(request)
        return signed

    def finish(self, hello: pb.Hello, sent: dict[str, int]) -> pb.Finish:
        """What this member says at the end, as sender, to a hello of its peer."""
        said = codec.decode_receiver(pb.ReceiverMessage(hello=hello))
        assert isinstance(said, Hello)
        request = document_sha256(request_document(said, self._own, self._peer))
        asked = {ask.tier: ask.elements for ask in said.tiers}
        result = Result(request, asked, sent, "0" * 64, "", hour(), self._checkpoint()).encode()
        return pb.Finish(result=result, signature=sign_result(result, load_signing_key(self._file)))

    def _checkpoint(self) -> str:
        origin = log_origin(CoalitionId(self._coalition), MemberId(self._own))
        note = sign_checkpoint(Checkpoint(origin, 0, EMPTY_ROOT), load_signing_key(self._file))
        return encode_note(note).decode()


def hour() -> int:
    """The present one, since 1970."""
    return int(time.time() // 3600)


def member_of(certificate: bytes, coalition: str) -> str:
    """Whom a certificate names; '' where it is none of the coalition's."""
    try:
        return str(peer_identity(certificate, coalition).member_id)
    except MembershipError:
        return ""


def give_signer(channel: Any, signer: Signer) -> None:
    """Has every hello on a channel signed."""
    setattr(channel, _NAME, signer)


def signer_of(channel: Any) -> Signer | None:
    """The signer of a channel, if it has one."""
    found: Signer | None = getattr(channel, _NAME, None)
    return found
