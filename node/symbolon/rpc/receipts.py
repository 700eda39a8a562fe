"""Receipts of a session: the request signed before it, the result signed after it, by both ends.

Handles: signing for this member; checking what the peer signed under the key that the coalition lists for it,
against what this node saw itself; taking the checkpoint of the peer's log that comes with either. Refuses: a
hello without a request, a signature that does not hold, a time far from this node's, a result about something
else than what came, a checkpoint that contradicts an earlier one. docs/adr/0015.
"""

import dataclasses
import logging
from typing import TYPE_CHECKING, Final

from symbolon.audit.checkpoint import log_origin
from symbolon.audit.document import Document
from symbolon.audit.entry import HOUR_S
from symbolon.audit.receipt import (
    Result,
    decode_result,
    request_document,
    sign_request,
    sign_result,
    verify_request,
    verify_result,
)
from symbolon.audit.signed_note import NoteKey, decode_note, encode_note
from symbolon.errors import AuditError, MembershipError, PolicyError, RemoteProtocolError, SymbolonError
from symbolon.exchange.limits import SIGNATURE_BYTES
from symbolon.exchange.messages import Finish, Hello, Receipt, SignedRequest
from symbolon.exchange.receiver import Receiver
from symbolon.exchange.size_mode import SizeReceiver
from symbolon.membership.member import MemberId
from symbolon.policy.obligations import Obligations, parse_obligations
from symbolon.policy.permission import Grant

if TYPE_CHECKING:
    from symbolon.rpc.node import Node

log = logging.getLogger(__name__)

CLOCK_SKEW_HOURS: Final = 25
"""How far two members' clocks may differ: a day, as for the coalition's metadata, and what cutting takes."""


class Receipts:
    """Makes and checks receipts.

    Args:
        node: this node.
    """

    def __init__(self, node: "Node") -> None:
        self._node = node

    def sign_hello(self, hello: Hello, sender: str) -> tuple[Hello, Document]:
        """Signs what a hello asks.

        Args:
            hello: without a request.
            sender: who is to answer it.

        Returns:
            The hello as it may leave, and the request.
        """
        checkpoint = encode_note(self._node.checkpoints.latest()).decode()
        unsigned = SignedRequest(self._hour(), checkpoint, bytes(SIGNATURE_BYTES))
        own = self._node.member_id
        document = request_document(dataclasses.replace(hello, request=unsigned), sender, own)
        signature = sign_request(document, self._node.signing_key)
        request = dataclasses.replace(unsigned, signature=signature)
        return dataclasses.replace(hello, request=request), Document("request", document, {own: signature})

    def take_hello(self, hello: Hello, receiver: str) -> Document:
        """Checks that a receiver signed what its hello asks.

        Raises:
            RemoteProtocolError: `protocol.receipt`, `protocol.contradiction`.
        """
        if hello.request is None:
            raise _refused("the hello carries no signed request; the peer runs an older release")
        document = request_document(hello, self._node.member_id, receiver)
        try:
            verify_request(document, hello.request.signature, self._public_key(receiver))
        except AuditError as error:
            raise _refused(f"the request: {error.detail}") from error
        self._require_hour(hello.request.hour)
        self._take_checkpoint(hello.request.checkpoint, receiver)
        return Document("request", document, {receiver: hello.request.signature})

    def sign_finish(self, request: Document, hello: Hello, sent: dict[str, int], grant: Grant) -> Finish:
        """Signs what a session came to.

        Args:
            request: from `take_hello`.
            hello: the same.
            sent: entries sent in the session by tier, dummies included.
            grant: by which it was allowed.
        """
        result = Result(
            request=request.sha256,
            asked={ask.tier: ask.elements for ask in hello.tiers},
            sent=sent,
            policy=grant.policy,
            terms=_terms(grant.obligations),
            hour=self._hour(),
            checkpoint=encode_note(self._node.checkpoints.latest()).decode(),
        ).encode()
        return Finish(result, sign_result(result, self._node.signing_key))

    def take_finish(
        self, request: Document, session: Receiver | SizeReceiver, sender: str
    ) -> tuple[Document, Result, Receipt]:
        """Checks what the sender signed, and signs it too.

        Args:
            request: from `sign_hello`.
            session: that is done.
            sender: who answered.

        Returns:
            The result with both signatures, what it says, and the message that answers it.

        Raises:
            RemoteProtocolError: `protocol.receipt`, `protocol.contradiction`.
        """
        finish, hello = session.finish, session.hello
        if finish is None:
            raise _refused("the session is not done")
        try:
            verify_result(finish.result, finish.signature, self._public_key(sender))
            result = decode_result(finish.result)
        except AuditError as error:
            raise _refused(f"the result: {error.detail}") from error
        asked = {ask.tier: ask.elements for ask in hello.tiers}
        if (result.request, result.asked, result.sent) != (request.sha256, asked, session.sent):
            raise _refused("the result is about something else than what came")
        try:
            # What nobody could keep is not signed.
            if result.terms:
                parse_obligations(result.terms)
        except PolicyError as error:
            raise _refused("the terms of the result are not understood") from error
        self._require_hour(result.hour)
        self._take_checkpoint(result.checkpoint, sender)
        own = sign_result(finish.result, self._node.signing_key)
        signatures = {sender: finish.signature, self._node.member_id: own}
        return Document("result", finish.result, signatures), result, Receipt(own)

    def take_receipt(self, finish: Finish, receipt: object, receiver: str) -> Document:
        """Checks the receiver's signature over the result.

        Returns:
            The result with both signatures.

        Raises:
            RemoteProtocolError: `protocol.receipt`, or `protocol.state` for another message.
        """
        if not isinstance(receipt, Receipt):
            raise RemoteProtocolError("the last message is not a receipt", code="protocol.state")
        try:
            verify_result(finish.result, receipt.signature, self._public_key(receiver))
        except AuditError as error:
            raise _refused(f"the receipt: {error.detail}") from error
        signatures = {self._node.member_id: finish.signature, receiver: receipt.signature}
        return Document("result", finish.result, signatures)

    def sign_over_session(self) -> None:
        """Signs a checkpoint over a session that is over.

        What the session brought is stored by then, and stays so: where no checkpoint can be signed, the
        operator is told, and the next one covers the session too.
        """
        try:
            self._node.checkpoints.sign()
        except SymbolonError as error:
            log.error("the session is stored; no checkpoint could be signed over it: %s", error.detail)
            if error.hint:
                log.error("hint: %s", error.hint)

    def _hour(self) -> int:
        return int(self._node.clock() // HOUR_S)

    def _require_hour(self, hour: int) -> None:
        if abs(hour - self._hour()) > CLOCK_SKEW_HOURS:
            raise _refused(f"the clocks of the two members differ by {abs(hour - self._hour())} hours")

    def _public_key(self, member: str) -> bytes:
        found = self._node.directory.current().find(member)
        if found is None:
            raise MembershipError(f"{member} is not a member", code="membership.unknown")
        return found.signing_key

    def _take_checkpoint(self, text: str, member: str) -> None:
        origin = log_origin(self._node.directory.current().coalition, MemberId(member))
        try:
            note = decode_note(text.encode())
            self._node.checkpoints.take(note, NoteKey(origin, self._public_key(member)), member)
        except AuditError as error:
            if error.full_code == "audit.contradiction":
                raise RemoteProtocolError(
                    error.detail, hint=error.hint, code="protocol.contradiction"
                ) from error
            raise _refused(f"the checkpoint of its log: {error.detail}") from error


def _terms(obligations: Obligations) -> str:
    """Those of the obligations that the receiver has to keep."""
    return Obligations(no_onward=obligations.no_onward, retain=obligations.retain).text()


def _refused(what: str) -> RemoteProtocolError:
    return RemoteProtocolError(f"a receipt cannot be taken: {what}", code="protocol.receipt")
