"""Joining a coalition with an invitation code, from the side of the node that joins.

Verification steps, before anything but this node's code is believed:
1. the code is whole and in its time;
2. whoever answers at the sponsor's address gives metadata whose root is the one that the code names, and
   everything else follows from that root;
3. the sponsor is a founder in good standing in this metadata, and the certificate that answered is its own:
   a third party in the middle has neither its key nor the code;
4. only then the request is sent, over this very connection;
5. the certificate that comes back is for this node's key and was signed by an authority in the metadata;
6. newer metadata names this node with it.

A connection lost at any point leaves keys and metadata that the same command goes on with. docs/adr/0013.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

import grpc

from symbolon.api.membership.v1 import membership_pb2_grpc as stubs
from symbolon.errors import MembershipError, UnavailableError
from symbolon.membership.certificates import (
    certificate_fingerprint,
    load_certificate,
    tls_target_name,
    verify_leaf,
)
from symbolon.membership.coalition_parts import root_part
from symbolon.membership.coalition_state import State
from symbolon.membership.coalition_store import CoalitionStore
from symbolon.membership.due_diligence import Acceptance
from symbolon.membership.invitation_code import InvitationCode
from symbolon.membership.invitation_identity import InvitedLeaf, invited_leaf, join_proof
from symbolon.membership.member_record import Role
from symbolon.membership.member_statement import Place, public_key_sha256
from symbolon.rpc.dial import CONNECT_S, channel_options, shown_certificate, unverified
from symbolon.rpc.membership_client import fetch
from symbolon.rpc.membership_codec import JoinRequest, encode_join, understood
from symbolon.rpc.status import from_status

ACCEPT_S: Final = 60.0
"""How long the sponsor may take: it asks the other founders to sign."""

PENDING: Final = "unavailable.pending"
"""Other founders have yet to sign; the same command goes on later."""

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Applicant:
    """What the joining node brings.

    Attributes:
        csr_pem: for the key of its certificate.
        key_sha256: 32 bytes, names that key; see `public_key_sha256`.
        signing_key: 32 bytes, Ed25519, public.
        place: where it will be reached.
        accept: shown the state of the coalition, terms among it; returns who accepted, or raises.
    """

    csr_pem: bytes
    key_sha256: bytes
    signing_key: bytes
    place: Place
    accept: Callable[[State], Acceptance]


async def join(
    code: InvitationCode, store: CoalitionStore, applicant: Applicant, now: Callable[[], datetime]
) -> tuple[bytes, State]:
    """Asks the sponsor to be admitted.

    Args:
        code: as the sponsor gave it.
        store: this node's copy of the metadata, empty or from an earlier attempt.
        applicant: what this node brings.
        now: the current time, aware.

    Returns:
        This node's certificate in PEM, and the state that names it.

    Raises:
        MembershipError: a step above failed, or the sponsor refused.
        UnavailableError: the sponsor cannot be reached, or further founders have yet to sign.
    """

    async def apply(stub: Any, shown: bytes) -> tuple[bytes, State]:
        return await _join(code, store, applicant, now, stub, shown)

    return await _at_sponsor(code, now, apply)


async def look(code: InvitationCode, store: CoalitionStore, now: Callable[[], datetime]) -> State:
    """Takes in the coalition's metadata and sends nothing: steps 1 and 2, for what joining depends on.

    Args:
        code: as the sponsor gave it.
        store: this node's copy of the metadata, empty or from an earlier attempt.
        now: the current time, aware.

    Raises:
        MembershipError: a step failed, or the metadata is another coalition's.
        UnavailableError: the sponsor cannot be reached.
    """

    async def take(stub: Any, _: bytes) -> State:
        return await _metadata(code, store, stub)

    return await _at_sponsor(code, now, take)


async def _at_sponsor(
    code: InvitationCode, now: Callable[[], datetime], work: Callable[[Any, bytes], Awaitable[_Result]]
) -> _Result:
    """Does something at the first endpoint of the sponsor that answers."""
    # Step 1.
    code.require_unexpired(now())
    leaf = invited_leaf(code, now())
    failures = []
    for endpoint in code.endpoints:
        try:
            async with _sponsor(code, endpoint, leaf) as (stub, shown):
                return await work(stub, shown)
        except UnavailableError as error:
            if error.full_code == PENDING:
                raise
            failures.append(f"{endpoint}: {error.detail}")
    raise UnavailableError(
        f"{code.sponsor} cannot be reached ({'; '.join(failures)})",
        hint=f"Check this machine's clock, and ask {code.sponsor} whether its node runs and the code is still"
        " open; then run this again.",
    )


async def _join(
    code: InvitationCode,
    store: CoalitionStore,
    applicant: Applicant,
    now: Callable[[], datetime],
    stub: Any,
    shown: bytes,
) -> tuple[bytes, State]:
    # Step 2.
    state = await _metadata(code, store, stub)
    state.require_fresh(now())
    # Step 3.
    sponsor = state.members.require_certificate(code.sponsor, certificate_fingerprint(shown), now().date())
    if Role.FOUNDER not in sponsor.roles:
        raise MembershipError(
            f"{code.sponsor} is no founder of {code.coalition}",
            hint="Ask a founder for an invitation.",
            code="membership.founder",
        )
    # Step 4.
    acceptance = await asyncio.to_thread(applicant.accept, state)
    proof = join_proof(code, applicant.key_sha256, applicant.signing_key)
    request = JoinRequest(
        applicant.csr_pem, applicant.signing_key, applicant.place, acceptance, acceptance.on, proof
    )
    try:
        answer = understood(await stub.Join(encode_join(request), timeout=ACCEPT_S))
    except grpc.aio.AioRpcError as error:
        raise from_status(code.sponsor, error) from error
    if answer.pending:
        raise UnavailableError(
            "the request was received; other founders have yet to sign it",
            hint="Run the same command again later; the code stays good for this node until then.",
            code=PENDING,
        )
    # Step 5.
    certificate: bytes = answer.certificate_pem
    state = await _metadata(code, store, stub)
    identity = verify_leaf(certificate, state.authorities_pem, code.coalition, now=now())
    if identity.member_id != code.member_id:
        raise MembershipError("the founder sent another member's certificate", code="membership.certificate")
    if public_key_sha256(load_certificate(certificate).public_key()) != applicant.key_sha256:
        raise MembershipError(
            "the founder sent a certificate for a key that this node does not have",
            hint="Do not trust this founder; tell the other founders.",
            code="membership.key",
        )
    # Step 6.
    state.members.require_certificate(code.member_id, identity.fingerprint, now().date())
    return certificate, state


async def _metadata(code: InvitationCode, store: CoalitionStore, stub: Any) -> State:
    try:
        held = await asyncio.to_thread(store.state)
    except MembershipError as error:
        if error.full_code != "membership.metadata.missing":
            raise
        parts = await fetch(stub, code.sponsor, code.root_version - 1, 0)
        root = parts.pop(root_part(code.root_version), b"")
        return await asyncio.to_thread(store.bootstrap, root, code.root_sha256, parts)
    if held.members.coalition != code.coalition:
        raise MembershipError(
            f"this node belongs to {held.members.coalition}, the code is for {code.coalition}",
            hint="Name another folder with --home: a node belongs to one coalition.",
            code="membership.coalition",
        ) from None
    parts = await fetch(stub, code.sponsor, held.root_version, held.timestamp_version)
    return await asyncio.to_thread(store.absorb, parts)


@asynccontextmanager
async def _sponsor(
    code: InvitationCode, endpoint: str, leaf: InvitedLeaf
) -> AsyncIterator[tuple[Any, bytes]]:
    """A channel to whoever answers at the sponsor's address, and the certificate that it showed.

    Nothing says yet who that is; the channel trusts this one certificate and no other.

    Raises:
        UnavailableError: nobody answers, or the handshake fails.
    """
    name = tls_target_name(code.sponsor, code.coalition)
    try:
        # Judged in step 3, against the metadata, before anything is sent.
        shown = await asyncio.to_thread(shown_certificate, unverified(), endpoint, name)
    except ssl.SSLError as error:
        raise UnavailableError(f"the handshake failed ({error.reason or error})") from None
    except OSError as error:
        raise UnavailableError(str(error.strerror or error)) from None
    tls = grpc.ssl_channel_credentials(shown, leaf.key_pem, leaf.certificate_pem)
    async with grpc.aio.secure_channel(f"dns:///{endpoint}", tls, channel_options(name)) as channel:
        try:
            async with asyncio.timeout(CONNECT_S):
                await channel.channel_ready()
        except TimeoutError:
            raise UnavailableError(
                "the handshake did not succeed: the code is used, withdrawn or wrong, or the address is",
            ) from None
        yield stubs.MembershipServiceStub(channel), shown
