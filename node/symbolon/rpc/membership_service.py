"""The served side of `MembershipService`.

Handles: metadata for whoever may ask; for invited callers, joining; for members, a call back, renewals,
statements and announcements; for founders, proposals. `rpc.identity` has said who calls. Refuses: a member's
question to a node that is no founder where only a founder can answer. What a caller sends is proposed, signed
or fetched by the same rules as everything else; nothing is believed for who sent it. docs/adr/0013.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from typing import Final, TypeVar

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from symbolon.api.membership.v1 import membership_pb2 as pb
from symbolon.api.membership.v1 import membership_pb2_grpc as stubs
from symbolon.errors import MembershipError, SymbolonError
from symbolon.membership.member_record import Role
from symbolon.rpc.admission import Admission, has_joined
from symbolon.rpc.answered import answered
from symbolon.rpc.founding import Founding
from symbolon.rpc.identity import caller, invited
from symbolon.rpc.inviting import take_invitation
from symbolon.rpc.membership_client import spread, sync_with
from symbolon.rpc.membership_codec import (
    check_proposal,
    decode_join,
    decode_signed,
    encode_parts,
    encode_signatures,
)
from symbolon.rpc.node import Node
from symbolon.rpc.open_invitations import take_withdrawal
from symbolon.rpc.proposal_permission import require_permitted
from symbolon.rpc.reach import reached
from symbolon.rpc.request_limit import RequestLimit

log = logging.getLogger(__name__)

SERVICE: Final = pb.DESCRIPTOR.services_by_name["MembershipService"].full_name
CHECK_BACK_S: Final = 15.0

_Answer = TypeVar("_Answer")


class MembershipService(stubs.MembershipServiceServicer):
    """Answers questions of membership.

    Args:
        node: this node.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._fetching: dict[str, asyncio.Task[None]] = {}
        self._called_back: set[str] = set()
        self._requests = RequestLimit(time.monotonic)

    async def GetMetadata(  # noqa: N802 - named by the proto
        self, request: pb.GetMetadataRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[pb.GetMetadataResponse]:
        """What the caller lacks."""

        async def read() -> dict[str, bytes]:
            return await asyncio.to_thread(
                self._node.coalition.parts_newer_than, request.root_version, request.timestamp_version
            )

        for message in encode_parts(await answered(context, read)):
            yield message

    async def Join(  # noqa: N802 - named by the proto
        self, request: pb.JoinRequest, context: grpc.aio.ServicerContext
    ) -> pb.JoinResponse:
        """Answers an invitation of this founder."""

        async def join() -> pb.JoinResponse:
            founding = self._node.founding
            who = invited.get()
            asked = decode_join(request)
            leaf, sha256 = await asyncio.to_thread(Admission(founding).join, who, asked, self._node.now)
            await spread(self._node, founding, sha256)
            state = await asyncio.to_thread(founding.state)
            admitted = has_joined(state, who.member_id, asked.signing_key)
            log.info("%s answered its invitation; admitted: %s", who.member_id, admitted)
            return pb.JoinResponse(certificate_pem=leaf, pending=not admitted)

        return await answered(context, join)

    async def CheckBack(  # noqa: N802 - named by the proto
        self, request: pb.CheckBackRequest, context: grpc.aio.ServicerContext
    ) -> pb.CheckBackResponse:
        """Dials the caller, as members.json says; once at a time, since it says where that is."""
        member_id = caller.get().member_id
        if member_id in self._called_back:
            return pb.CheckBackResponse(reached=False, code="unavailable.busy")
        self._called_back.add(member_id)
        try:
            async with asyncio.timeout(CHECK_BACK_S), reached(self._node, member_id) as channel:
                stub = health_pb2_grpc.HealthStub(channel)
                answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=CHECK_BACK_S)
        except (SymbolonError, grpc.aio.AioRpcError, TimeoutError) as error:
            code = error.full_code if isinstance(error, SymbolonError) else "unavailable"
            return pb.CheckBackResponse(reached=False, code=code)
        finally:
            self._called_back.discard(member_id)
        serving = answer.status == health_pb2.HealthCheckResponse.SERVING
        return pb.CheckBackResponse(reached=serving, code="" if serving else "unavailable")

    async def Renew(  # noqa: N802 - named by the proto
        self, request: pb.RenewRequest, context: grpc.aio.ServicerContext
    ) -> pb.RenewResponse:
        """Gives the caller a further certificate."""

        async def renew() -> pb.RenewResponse:
            founding, member_id = self._node.founding, caller.get().member_id
            signed = decode_signed(request.statement, request.signature)
            self._requests.require_room(member_id)
            leaf, sha256 = await asyncio.to_thread(
                Admission(founding).renew, member_id, request.csr_pem, signed, self._node.now
            )
            self._requests.note(member_id, sha256)
            return pb.RenewResponse(certificate_pem=leaf, pending=await self._pending(founding, sha256))

        return await answered(context, renew)

    async def Submit(  # noqa: N802 - named by the proto
        self, request: pb.SubmitRequest, context: grpc.aio.ServicerContext
    ) -> pb.SubmitResponse:
        """Takes the caller's statement about its own entry."""

        async def submit() -> pb.SubmitResponse:
            founding, member_id = self._node.founding, caller.get().member_id
            signed = decode_signed(request.statement, request.signature)
            self._requests.require_room(member_id)
            sha256 = await asyncio.to_thread(Admission(founding).submit, member_id, signed)
            self._requests.note(member_id, sha256)
            return pb.SubmitResponse(pending=await self._pending(founding, sha256))

        return await answered(context, submit)

    async def Announce(  # noqa: N802 - named by the proto
        self, request: pb.AnnounceRequest, context: grpc.aio.ServicerContext
    ) -> pb.AnnounceResponse:
        """Fetches from the caller, if it says that it has something newer."""

        async def announced() -> pb.AnnounceResponse:
            state = await asyncio.to_thread(self._node.coalition.state)
            if request.timestamp_version > state.timestamp_version:
                self._fetch(caller.get().member_id)
            return pb.AnnounceResponse()

        return await answered(context, announced)

    async def Propose(  # noqa: N802 - named by the proto
        self, request: pb.ProposeRequest, context: grpc.aio.ServicerContext
    ) -> pb.ProposeResponse:
        """Signs a founder's proposal, or leaves it for a person here."""

        async def propose() -> pb.ProposeResponse:
            founding, proposer = self._node.founding, caller.get()
            document = check_proposal(request.proposal)
            named = Role.FOUNDER in proposer.roles or await asyncio.to_thread(
                founding.names, document, proposer.member_id
            )
            if not named:
                raise MembershipError(f"{proposer.member_id} is no founder", code="membership.founder")
            await asyncio.to_thread(require_permitted, self._node, document, proposer.member_id)
            signatures, pending = await asyncio.to_thread(
                founding.take, document, proposer.member_id, sign=request.sign
            )
            if pending:
                log.warning("a proposal of %s waits for `symbolon coalition approve`", proposer.member_id)
            return encode_signatures(signatures, pending=pending)

        return await answered(context, propose)

    async def Invite(  # noqa: N802 - named by the proto
        self, request: pb.InviteRequest, context: grpc.aio.ServicerContext
    ) -> pb.InviteResponse:
        """Keeps an invitation that another founder wrote, for a person here to approve, or its withdrawal."""

        async def offered() -> pb.InviteResponse:
            founding, sponsor = self._node.founding, caller.get()
            if Role.FOUNDER not in sponsor.roles:
                raise MembershipError(f"{sponsor.member_id} is no founder", code="membership.founder")
            if request.withdrawn:
                sha256 = request.invitation_sha256
                await asyncio.to_thread(take_withdrawal, founding, sponsor.member_id, sha256)
                return pb.InviteResponse()
            approved = await asyncio.to_thread(
                take_invitation,
                founding,
                sponsor.member_id,
                request.invitation_sha256,
                request.terms,
                self._node.now,
            )
            if not approved:
                log.warning("an invitation by %s waits for `symbolon coalition approve`", sponsor.member_id)
            return pb.InviteResponse(approved=approved)

        return await answered(context, offered)

    async def finish(self) -> None:
        """Ends what is still being fetched."""
        for task in self._fetching.values():
            task.cancel()
        await asyncio.gather(*self._fetching.values(), return_exceptions=True)

    async def _pending(self, founding: Founding, sha256: bytes) -> bool:
        await spread(self._node, founding, sha256)
        return await asyncio.to_thread(founding.is_open, sha256)

    def _fetch(self, member_id: str) -> None:
        """Fetches from a member in the background, once at a time."""
        if member_id in self._fetching:
            return

        async def fetch() -> None:
            try:
                await sync_with(self._node, member_id)
            except SymbolonError as error:
                log.warning("not taken from %s: %s (%s)", member_id, error.detail, error.full_code)
            except Exception as error:
                log.error("not taken from %s: unexpected %s", member_id, type(error).__name__, exc_info=error)
            finally:
                del self._fetching[member_id]

        self._fetching[member_id] = asyncio.create_task(fetch())
