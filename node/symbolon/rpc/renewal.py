"""A node's own certificate, renewed in time and without a pause; and what a member states of itself.

A new key is made and kept before its request leaves. A founder's answer is a certificate that holds once
members.json names it beside the present one; only then does this node show it. docs/adr/0013.
"""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, Final

from symbolon.api.membership.v1 import membership_pb2 as pb
from symbolon.errors import MembershipError, SymbolonError, UnavailableError
from symbolon.membership.certificates import certificate_fingerprint, load_certificate
from symbolon.membership.coalition_state import State
from symbolon.membership.due_diligence import Acceptance
from symbolon.membership.enrolment import leaf_key_pem, make_csr, make_leaf_key
from symbolon.membership.member import MemberId
from symbolon.membership.member_statement import (
    Place,
    Renewal,
    Revocation,
    SignedStatement,
    encode_statement,
    public_key_sha256,
    require_present,
    sign_statement,
)
from symbolon.rpc.admission import Admission
from symbolon.rpc.concurrent import exclusive
from symbolon.rpc.membership_client import CALL_S, call_member, spread, sync_with
from symbolon.rpc.membership_codec import encode_submit
from symbolon.rpc.node import Node

RENEW_AT: Final = 3 / 4
"""The part of a certificate's life that is left when a new one is asked for: 90 days for a node to be off."""


async def renew_if_due(node: Node) -> bool:
    """Renews the certificate once a quarter of its life is over.

    Returns:
        Whether it was time.
    """
    leaf = load_certificate(node.read_credentials().certificate)
    life: timedelta = leaf.not_valid_after_utc - leaf.not_valid_before_utc
    if leaf.not_valid_after_utc - node.now > life * RENEW_AT:
        return False
    await renew(node)
    return True


async def renew(node: Node, *, stolen: bool = False) -> State:
    """Asks a founder for a further certificate for a new key, and shows it once it is listed.

    An answer that was lost does no harm: asked again, with the same key unless one was stolen, a founder
    answers with what it proposed already, or with one more in the place of what was lost.

    Args:
        node: this node.
        stolen: every earlier certificate is refused in the end. That is asked for under the new one, so that
            no call is cut off by what it asks.

    Returns:
        The state that lists it.

    Raises:
        MembershipError: the founders refused.
        UnavailableError: no founder could be asked, or others have yet to sign; the certificate in use stays.
        StorageBusyError: another renewal of this node is under way, with a key that is waiting for its
            certificate; nothing was changed.
    """
    async with exclusive(node.certificate_lock()):
        return await _renew(node, stolen=stolen)


async def _renew(node: Node, *, stolen: bool) -> State:
    key = None if stolen else await asyncio.to_thread(node.leaf_files.prepared)
    if key is None:
        key = make_leaf_key()
        await asyncio.to_thread(node.leaf_files.prepare, leaf_key_pem(key))
    csr_pem = make_csr(key, node.member_id, node.config.node.coalition)
    key_sha256 = public_key_sha256(key.public_key())

    def signed(state: State) -> SignedStatement:
        asks = Renewal(key_sha256, _in_use(node, state))
        return sign_statement(state.members, node.member_id, asks, node.signing_key)

    def request(state: State) -> pb.RenewRequest:
        made = signed(state)
        return pb.RenewRequest(
            csr_pem=csr_pem, statement=encode_statement(made.statement), signature=made.signature
        )

    if node.signs:
        held = await asyncio.to_thread(node.coalition.state)
        leaf, sha256 = await asyncio.to_thread(
            Admission(node.founding).renew, node.member_id, csr_pem, signed(held), node.now
        )
        await spread(node, node.founding, sha256)
    else:
        leaf = (await _ask_founder(node, "Renew", request)).certificate_pem
    state = await asyncio.to_thread(node.coalition.state)
    node.require_own(leaf, state.authorities_pem)
    if not require_present(state.members, node.member_id).owns(certificate_fingerprint(leaf)):
        raise UnavailableError(
            "the new certificate was made; other founders have yet to sign it",
            hint="Run the same command again later, or leave it to the node, which asks again by itself; the "
            "present certificate goes on until it ends.",
            code="unavailable.pending",
        )
    await asyncio.to_thread(node.leaf_files.install, leaf)
    return await state_own(node, Revocation(certificate_fingerprint(leaf))) if stolen else state


async def state_own(node: Node, asks: Revocation | Place | Acceptance) -> State:
    """Has the founders write down what this member states of itself; what is written already is well.

    Args:
        node: this node.
        asks: what it states.

    Returns:
        The state with it.

    Raises:
        MembershipError: the founders refused.
        UnavailableError: no founder could be asked, or others have yet to sign.
    """
    state = await asyncio.to_thread(node.coalition.state)
    if _says(state, node.member_id, asks):
        return state
    if node.signs:
        signed = sign_statement(state.members, node.member_id, asks, node.signing_key)
        sha256 = await asyncio.to_thread(Admission(node.founding).submit, node.member_id, signed)
        await spread(node, node.founding, sha256)
    else:

        def request(held: State) -> pb.SubmitRequest | None:
            if _says(held, node.member_id, asks):
                return None
            return encode_submit(sign_statement(held.members, node.member_id, asks, node.signing_key))

        await _ask_founder(node, "Submit", request)
    state = await asyncio.to_thread(node.coalition.state)
    if not _says(state, node.member_id, asks):
        raise UnavailableError(
            "the request was received; other founders have yet to sign it",
            hint="Run the same command again later.",
            code="unavailable.pending",
        )
    return state


def _in_use(node: Node, state: State) -> bytes:
    """The certificate that this node shows; where it is not listed, the newest that is.

    Only a founder comes that far with one that is not listed: it asks itself.
    """
    own = require_present(state.members, node.member_id)
    shown = certificate_fingerprint(node.read_credentials().certificate)
    return shown if own.owns(shown) else own.certificates[-1]


def _says(state: State, member_id: MemberId, asks: Revocation | Place | Acceptance) -> bool:
    """Whether a member's entry says already what it is about to state."""
    record = state.members.find(member_id)
    if record is None:
        return False
    match asks:
        case Revocation():
            return record.certificates == (asks.kept,)
        case Place():
            return Place(record.endpoint, record.relays, record.relay_endpoint) == asks
        case Acceptance():
            return (record.due_diligence.acceptance, record.due_diligence.attested) == (asks, asks.on)


def _called(method: str, message: Any, stub: Any) -> Any:
    return getattr(stub, method)(message, timeout=CALL_S)


async def _ask_founder(node: Node, method: str, request: Callable[[State], Any | None]) -> Any:
    """Makes a call to the first founder that answers it, and takes in what came of it.

    Args:
        node: this node.
        method: of `MembershipService`.
        request: makes the message on the state that this founder holds; None where nothing is left to ask.

    Returns:
        The answer; None where nothing was asked.

    Raises:
        SymbolonError: all founders refused, or none could be reached.
    """
    failures: list[SymbolonError] = []
    for founder in (await asyncio.to_thread(node.coalition.state)).founders:
        if founder.member_id == node.member_id:
            continue
        try:
            # A statement holds on the newest state only: an earlier answer may have been lost.
            message = await asyncio.to_thread(request, await sync_with(node, founder.member_id))
            if message is None:
                return None
            answer = await call_member(node, founder.member_id, partial(_called, method, message))
            await sync_with(node, founder.member_id)
        except (UnavailableError, MembershipError) as error:
            failures.append(error)
            continue
        return answer
    # A refusal says more than that nobody was there.
    refusals = [each for each in failures if isinstance(each, MembershipError)]
    if refusals or failures:
        raise (refusals or failures)[0]
    raise MembershipError("the coalition has no other founder", code="membership.founder")
