"""The served side of `PolicyService`: agreements that a peer offers, answers or withdraws.

Handles: an offer is kept for a person of this node to read; the answer to an offer of this node puts it in
force; a withdrawal ends what it names. Nothing is signed here: a caller is handed the signature that a person
of this node made under that very document, or none. Refuses, and writes to the log: an agreement between
others than the caller and this member, one that the caller's present key did not sign, dates and purposes
that nobody could sign now, one that was withdrawn, more offers in a day than a member can have a use for.
Specification: docs/adr/0014.
"""

import asyncio
import logging
import time
from typing import Final

import grpc

from symbolon.api.policy.v1 import policy_pb2 as pb
from symbolon.api.policy.v1 import policy_pb2_grpc as stubs
from symbolon.errors import MembershipError
from symbolon.membership.agreement import (
    Agreement,
    agreement_sha256,
    require_signable,
    verify_signature,
)
from symbolon.membership.member import MemberId
from symbolon.rpc.answered import answered
from symbolon.rpc.identity import caller
from symbolon.rpc.node import Node
from symbolon.rpc.policy_codec import decode_agree, decode_withdraw, encode_agreed
from symbolon.rpc.request_limit import RequestLimit

log = logging.getLogger(__name__)

SERVICE: Final = pb.DESCRIPTOR.services_by_name["PolicyService"].full_name


class PolicyService(stubs.PolicyServiceServicer):
    """Answers questions of policy.

    Args:
        node: this node.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._agreements = node.agreements
        # Each offer that is kept is a line of the log, which nothing takes back.
        self._offers = RequestLimit(time.monotonic)
        self._kept = 0

    async def Agree(  # noqa: N802 - named by the proto
        self, request: pb.AgreeRequest, context: grpc.aio.ServicerContext
    ) -> pb.AgreeResponse:
        """Keeps what the caller signed; gives this member's signature where a person made one."""

        async def agree() -> pb.AgreeResponse:
            peer = caller.get().member_id
            agreement, signature = decode_agree(request)
            if await asyncio.to_thread(self._is_new, peer, agreement, request.document, signature):
                self._require_room(peer)
                log.warning("an offer of %s waits for `symbolon policy agree %s`", peer, peer)
            held = await asyncio.to_thread(self._agreements.take, request.document, signature)
            return encode_agreed(held.own_signature, held.state)

        return await answered(context, agree)

    async def Withdraw(  # noqa: N802 - named by the proto
        self, request: pb.WithdrawRequest, context: grpc.aio.ServicerContext
    ) -> pb.WithdrawResponse:
        """Ends what the caller has ended."""

        async def withdraw() -> pb.WithdrawResponse:
            peer = caller.get().member_id
            sha256 = decode_withdraw(request)
            if await asyncio.to_thread(self._agreements.withdraw_by_peer, peer, sha256):
                log.warning("%s has withdrawn an agreement: `symbolon policy agreements` shows it", peer)
                await asyncio.to_thread(self._node.erase_narrowed)
            return pb.WithdrawResponse()

        return await answered(context, withdraw)

    def _is_new(self, peer: MemberId, agreement: Agreement, document: bytes, signature: bytes) -> bool:
        """Verifies what a peer hands over; returns whether it would be kept as a new offer.

        Raises:
            MembershipError: it does not hold; the code says why.
        """
        # Step 1: it is between the caller and this member.
        if set(agreement.members) != {peer, self._node.member_id}:
            raise MembershipError(
                f"{peer} hands over an agreement of {' and '.join(agreement.members)}",
                code="membership.agreement.foreign",
            )
        # Step 2: the caller's key of today signed it.
        members = self._node.directory.current()
        verify_signature(members, agreement, peer, signature)
        # Step 3: an offer can be signed today; what is here already may name a purpose that is gone since.
        if self._agreements.find(agreement_sha256(document)) is not None:
            return False
        require_signable(members, agreement, self._node.now.date())
        return True

    def _require_room(self, peer: str) -> None:
        try:
            self._offers.require_room(peer)
        except MembershipError as error:
            raise MembershipError(error.detail, hint=error.hint, code="membership.agreement.many") from error
        self._kept += 1
        self._offers.note(peer, self._kept.to_bytes(8))
