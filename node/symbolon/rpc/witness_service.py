"""The served side of `WitnessService`: this node cosigns where other members' audit logs stand.

Handles: add-checkpoint requests about the logs of current members, brought by any of them; what this node
holds of a log, or of its own. Refuses, by the statuses of C2SP tlog-witness, what `audit.witness` refuses;
logs of members that are suspended or gone (404); and whoever calls too often. Nothing is believed for who
brought it, and an answer leaves only once what it says is on the disk. docs/adr/0015.
"""

import asyncio
import logging
import time
from typing import Final

import grpc

from symbolon.api.audit.v1 import audit_pb2 as pb
from symbolon.api.audit.v1 import audit_pb2_grpc as stubs
from symbolon.audit.checkpoint import log_origin
from symbolon.audit.signed_note import NoteKey, encode_note
from symbolon.audit.witness import BAD_REQUEST, Decision, parse_add_checkpoint
from symbolon.errors import AuditError, MembershipError
from symbolon.membership.member import MemberId
from symbolon.rpc.call_rate import CallRate
from symbolon.rpc.identity import caller
from symbolon.rpc.node import Node
from symbolon.storage.audit_witness import Witness

log = logging.getLogger(__name__)

SERVICE: Final = pb.DESCRIPTOR.services_by_name["WitnessService"].full_name


class WitnessService(stubs.WitnessServiceServicer):
    """Answers questions of witnessing.

    Args:
        node: this node.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._witness = Witness(node.database, node.checkpoints, lambda: node.signing_key, node.clock)
        self._rate = CallRate(time.monotonic)

    async def AddCheckpoint(  # noqa: N802 - named by the proto
        self, request: pb.AddCheckpointRequest, context: grpc.aio.ServicerContext
    ) -> pb.AddCheckpointResponse:
        """Cosigns a checkpoint, or says by its status why not."""
        who = caller.get().member_id
        self._rate.take(who)
        decision = await asyncio.to_thread(self._decide, request.body, who)
        return pb.AddCheckpointResponse(
            status=decision.status, body=decision.body, content_type=decision.content_type
        )

    async def GetCheckpoint(  # noqa: N802 - named by the proto
        self, request: pb.GetCheckpointRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetCheckpointResponse:
        """Gives what is held of a log."""
        self._rate.take(caller.get().member_id)
        return pb.GetCheckpointResponse(note=await asyncio.to_thread(self._latest, request.origin))

    def _decide(self, body: bytes, who: str) -> Decision:
        try:
            asked = parse_add_checkpoint(body)
        except AuditError as error:
            log.warning("%s asked for a cosignature: %s (%s)", who, error.detail, error.full_code)
            return Decision(BAD_REQUEST)
        member, key = self._find(asked.checkpoint.origin)
        # The key of a log never counts as a witness of that log.
        if member == self._node.member_id:
            key = None
        decision = self._witness.decide(asked, key, member, own=member == who)
        found = decision.contradiction
        if found is not None:
            said = "signed two logs of one size" if found.conclusive else "does not go on from what it showed"
            log.warning("the audit log of %s %s, as %s shows", member, said, who)
        return decision

    def _latest(self, origin: str) -> bytes:
        member, key = self._find(origin)
        if key is None:
            return b""
        if member == self._node.member_id:
            return encode_note(self._node.checkpoints.latest())
        note = self._witness.latest(key)
        return b"" if note is None else encode_note(note)

    def _find(self, origin: str) -> tuple[str, NoteKey | None]:
        """The member whose log this is and the key of it; no key where it is not current."""
        members, member = self._node.directory.current(), origin.rpartition("/")[2]
        try:
            record = members.require_active(member)
        except MembershipError:
            return member, None
        if log_origin(members.coalition, MemberId(member)) != origin:
            return member, None
        return member, NoteKey(origin, record.signing_key)
