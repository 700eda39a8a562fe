"""A node's own certificate, renewed in time and without a pause; and what a member states of itself.

A new key is made and kept before its request leaves. A founder's answer is a certificate that holds once
members.json names it beside the present one; only then does this node show it. docs/adr/0013.
"""

import asyncio
from datetime import timedelta
from typing import Final

from cryptography import x509

from symbolon.api.membership.v1 import membership_pb2 as pb
from symbolon.errors import MembershipError, SymbolonError, UnavailableError
from symbolon.membership.certificates import certificate_fingerprint, load_certificate, verify_leaf
from symbolon.membership.coalition_state import State
from symbolon.membership.due_diligence import Acceptance
from symbolon.membership.enrolment import make_leaf_key_and_csr
from symbolon.membership.member_record import MemberRecord
from symbolon.membership.member_statement import (
    Place,
    Renewal,
    SignedStatement,
    encode_statement,
    public_key_sha256,
    sign_statement,
)
from symbolon.rpc.admission import Admission
from symbolon.rpc.membership_client import CALL_S, call_member, spread, sync_with
from symbolon.rpc.membership_codec import encode_submit
from symbolon.rpc.node import Node

RENEW_AT: Final = 1 / 3
"""The part of a certificate's life that is left when a new one is asked for."""


async def renew_if_due(node: Node) -> bool:
    """Renews the certificate when a third of its life is left.

    Returns:
        Whether it was time.
    """
    leaf = load_certificate(node.read_credentials().certificate)
    life: timedelta = leaf.not_valid_after_utc - leaf.not_valid_before_utc
    if leaf.not_valid_after_utc - node.now > life * RENEW_AT:
        return False
    await renew(node)
    return True


async def renew(node: Node) -> State:
    """Asks a founder for a further certificate for a new key, and shows it once it is listed.

    Returns:
        The state that lists it.

    Raises:
        MembershipError: the founders refused.
        UnavailableError: no founder could be asked, or others have yet to sign; nothing was changed.
    """
    state = await asyncio.to_thread(node.coalition.state)
    made = make_leaf_key_and_csr(node.member_id, state.members.coalition)
    await asyncio.to_thread(node.leaf_files.prepare, made.key_pem)
    csr = x509.load_pem_x509_csr(made.csr_pem)
    key_sha256 = public_key_sha256(csr.public_key())
    signed = sign_statement(state.members, node.member_id, Renewal(key_sha256), node.signing_key)
    if node.is_founder:
        leaf, sha256 = await asyncio.to_thread(
            Admission(node.founding).renew, node.member_id, made.csr_pem, signed, node.now
        )
        await spread(node, node.founding, sha256)
    else:
        request = pb.RenewRequest(
            csr_pem=made.csr_pem, statement=encode_statement(signed.statement), signature=signed.signature
        )
        answer = await _ask_founder(node, state, lambda stub: stub.Renew(request, timeout=CALL_S))
        leaf = answer.certificate_pem
    state = await asyncio.to_thread(node.coalition.state)
    verify_leaf(leaf, state.authorities_pem, state.members.coalition, now=node.now)
    own = state.members.require(node.member_id, node.now.date())
    if not own.owns(certificate_fingerprint(leaf)):
        raise UnavailableError(
            "the new certificate was made; other founders have yet to sign it",
            hint="The node asks again by itself; the present certificate goes on until it ends.",
            code="unavailable.pending",
        )
    await asyncio.to_thread(node.leaf_files.install, leaf)
    return state


async def state_own(node: Node, asks: Place | Acceptance) -> State:
    """Has the founders write down what this member states of itself.

    Args:
        node: this node.
        asks: a new place, or the yearly attestation.

    Returns:
        The state with it.

    Raises:
        MembershipError: the founders refused.
        UnavailableError: no founder could be asked, or others have yet to sign.
    """
    before = await asyncio.to_thread(node.coalition.state)
    if _says(before.members.find(node.member_id), asks):
        return before
    signed = sign_statement(before.members, node.member_id, asks, node.signing_key)
    if node.is_founder:
        sha256 = await asyncio.to_thread(Admission(node.founding).submit, node.member_id, signed)
        await spread(node, node.founding, sha256)
    else:
        await _submit(node, before, signed)
    state = await asyncio.to_thread(node.coalition.state)
    if state.members.find(node.member_id) == before.members.find(node.member_id):
        raise UnavailableError(
            "the request was received; other founders have yet to sign it",
            hint="Run the same command again later.",
            code="unavailable.pending",
        )
    return state


def _says(record: MemberRecord | None, asks: Place | Acceptance) -> bool:
    """Whether a member's entry says already what it is about to state."""
    if record is None:
        return False
    if isinstance(asks, Place):
        return Place(record.endpoint, record.relays, record.relay_endpoint) == asks
    return (record.due_diligence.acceptance, record.due_diligence.attested) == (asks, asks.on)


async def _submit(node: Node, state: State, signed: SignedStatement) -> None:
    request = encode_submit(signed)
    await _ask_founder(node, state, lambda stub: stub.Submit(request, timeout=CALL_S))


async def _ask_founder(node: Node, state: State, call: object) -> pb.RenewResponse:
    """Makes a call to the first founder that answers, and takes in what came of it.

    Raises:
        SymbolonError: the first founder that could be reached refused, or none could.
    """
    unreached: SymbolonError | None = None
    for founder in state.founders:
        if founder.member_id == node.member_id:
            continue
        try:
            answer: pb.RenewResponse = await call_member(node, founder.member_id, call)  # type: ignore[arg-type]
            await sync_with(node, founder.member_id)
        except (UnavailableError, MembershipError) as error:
            if isinstance(error, MembershipError) and error.full_code != "membership.no_endpoint":
                raise
            unreached = error
            continue
        return answer
    raise unreached or MembershipError("the coalition has no other founder", code="membership.founder")
