"""Agreements, the calling side: a person's signature is made, and the peer is told what happened here.

Handles: signing with this member's key; handing a peer what was signed here, and taking its signature in;
telling of what was withdrawn. Where a peer is off, what it has to hear is kept and sent at a later turn.
Refuses: a signature that is not the peer's, or of another document. Specification: docs/adr/0014.
"""

import asyncio
import logging
from typing import Any, Final

import grpc

from symbolon.api.policy.v1 import policy_pb2_grpc as stubs
from symbolon.errors import MembershipError, RemoteProtocolError, SymbolonError, UnavailableError
from symbolon.membership.agreement import (
    Agreement,
    encode_agreement,
    require_signable,
    sign_agreement,
    verify_signature,
)
from symbolon.membership.member import MemberId
from symbolon.rpc.concurrent import few_at_once
from symbolon.rpc.membership_codec import understood
from symbolon.rpc.node import Node
from symbolon.rpc.policy_codec import decode_agreed, encode_agree, encode_withdraw
from symbolon.rpc.reach import reached
from symbolon.rpc.status import from_status
from symbolon.storage.agreement_store import AgreementStore, StoredAgreement

log = logging.getLogger(__name__)

CALL_S: Final = 20.0
"""How long one call may take; each is one small message."""

_REFUSED: Final = "membership.agreement."

_ADVICE: Final = {
    "membership.agreement.many": "Try again tomorrow.",
    "membership.agreement.purpose": (
        "Run `symbolon coalition sync` at both nodes, then the same command again."
    ),
    "membership.agreement.signature": (
        "One of the two nodes may not know the other's newest keys: run `symbolon coalition sync` at both, "
        "then the same command again."
    ),
    "membership.agreement.withdrawn": "It is over; `symbolon policy agree` offers another one.",
    "membership.agreement.dates": "Compare the clocks of both machines; both go by UTC.",
}


def sign(node: Node, agreements: AgreementStore, agreement: Agreement) -> StoredAgreement:
    """Signs an agreement; only ever called because a person wants it.

    Args:
        node: this node.
        agreements: of this node.
        agreement: with this member as one of the two.

    Returns:
        It as it stands: offered, or in force where the peer had signed it.

    Raises:
        MembershipError: it cannot be signed now, was withdrawn, or the key of this node is not the one in
            this member's entry.
    """
    members = node.directory.current()
    require_signable(members, agreement, node.now.date())
    signature = sign_agreement(agreement, node.signing_key)
    try:
        verify_signature(members, agreement, node.member_id, signature)
    except MembershipError as error:
        raise MembershipError(
            "the signing key of this node is not the one that the coalition knows",
            hint="Run `symbolon coalition sync`; if that changes nothing, `symbolon doctor` looks closer.",
            code=error.full_code,
        ) from error
    return agreements.sign(encode_agreement(agreement), signature)


async def tell(node: Node, agreements: AgreementStore, held: StoredAgreement) -> bool:
    """Tells the peer how an agreement stands here, and takes its signature where it gives one.

    Args:
        node: this node.
        agreements: of this node.
        held: what the peer is to know of: signed or withdrawn here.

    Returns:
        Whether the agreement is in force at the peer, as it says.

    Raises:
        UnavailableError: the peer cannot be reached now; it is told at a later turn.
        MembershipError: the peer is no member in good standing, or refused; then it is not told again by
            itself.
        RemoteProtocolError: it answered with what is not its signature under this document.
    """
    there = False
    try:
        if held.state == "withdrawn":
            await _call(node, held.peer, "Withdraw", encode_withdraw(held.sha256))
        elif held.own_signature is not None:
            there = await _hand_over(node, agreements, held, held.own_signature)
    except MembershipError as error:
        if error.full_code == "membership.agreement.withdrawn":
            await asyncio.to_thread(agreements.withdraw_by_peer, held.peer, held.sha256)
        elif error.full_code.startswith(_REFUSED):
            await asyncio.to_thread(agreements.told, held)
        raise
    await asyncio.to_thread(agreements.told, held)
    return there


async def tell_all(node: Node) -> None:
    """Tells every peer that can be reached what it has not heard yet, the oldest first."""
    agreements = node.agreements
    untold: dict[str, list[StoredAgreement]] = {}
    today = node.now.date()
    for held in await asyncio.to_thread(agreements.untold):
        if held.agreement.last_day >= today:
            untold.setdefault(held.peer, []).append(held)

    async def one(peer: str, several: list[StoredAgreement]) -> None:
        for each in several:
            try:
                await tell(node, agreements, each)
            except (UnavailableError, MembershipError) as error:
                if error.full_code.startswith(_REFUSED):
                    log.warning("an agreement: %s (%s)", error.detail, error.full_code)
                    continue
                log.info("%s was not told of an agreement: %s", peer, error.full_code)
                return
            except SymbolonError as error:
                log.warning("an agreement: %s (%s)", error.detail, error.full_code)

    await few_at_once(one(peer, several) for peer, several in untold.items())


async def _hand_over(
    node: Node, agreements: AgreementStore, held: StoredAgreement, own_signature: bytes
) -> bool:
    answer = await _call(node, held.peer, "Agree", encode_agree(held.document, own_signature))
    signature, there = decode_agreed(answer)
    if signature is None:
        return there
    try:
        verify_signature(node.directory.current(), held.agreement, MemberId(held.peer), signature)
    except MembershipError as error:
        raise RemoteProtocolError(
            f"{held.peer} answered with a signature that does not hold for this agreement",
            hint=f"Nothing of it was taken. Ask the operator of {held.peer} what its node answers.",
            code="protocol.agreement",
        ) from error
    await asyncio.to_thread(agreements.take, held.document, signature)
    return there


async def _call(node: Node, peer: str, method: str, request: Any) -> Any:
    async with reached(node, peer) as channel:
        try:
            answer = await getattr(stubs.PolicyServiceStub(channel), method)(request, timeout=CALL_S)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.UNIMPLEMENTED:
                raise UnavailableError(
                    f"{peer} runs a version of symbolon that knows no agreements",
                    hint=f"Ask its operator to install a newer one; this node tells {peer} afterwards.",
                ) from error
            failed = from_status(peer, error)
            advice = _ADVICE.get(failed.full_code)
            if advice is None:
                raise failed from error
            raise type(failed)(failed.detail, hint=advice, code=failed.full_code) from error
    return understood(answer)
