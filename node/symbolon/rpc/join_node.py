"""Joining with a node: its keys, the request, and the certificate that comes back.

Keys are made once, before the request leaves, and used again by the next attempt. A node that was a member
before makes all of them anew: its earlier ones are refused from then on.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from symbolon.membership.atomic_file import read_bounded, write_atomically
from symbolon.membership.coalition_state import State
from symbolon.membership.coalition_store import CoalitionStore
from symbolon.membership.due_diligence import Acceptance
from symbolon.membership.enrolment import MAX_REQUEST_BYTES, make_leaf_key_and_csr
from symbolon.membership.invitation_code import InvitationCode
from symbolon.membership.member_record import MAX_RELAYS, Role, Status
from symbolon.membership.member_statement import Place, public_key_sha256
from symbolon.membership.signing_key import create_signing_key, load_signing_key
from symbolon.rpc.concurrent import exclusive
from symbolon.rpc.joining import Applicant, join, look
from symbolon.rpc.node import COALITION_FOLDER, SIGNING_KEY_FILE, Node

REQUEST_FILE: Final = "request.pem"
NEXT_SIGNING_KEY_FILE: Final = "next-signing-key.pem"
"""There while a node that was a member before joins again."""


async def join_with(
    node: Node, code: InvitationCode, place: Place, accept: Callable[[State], Acceptance]
) -> State:
    """Joins, with keys that are made once and used again by a second attempt.

    Args:
        node: which belongs to no coalition yet, or is joining it, or joins it again.
        code: the invitation.
        place: where it will be reached.
        accept: shown the state; returns who accepted the terms.

    Raises:
        MembershipError, UnavailableError: as `joining.join`.
        StorageBusyError: another command joins with this node, or its certificate is renewed just now.
    """
    async with exclusive(node.certificate_lock()):
        return await _join_with(node, code, place, accept)


async def _join_with(
    node: Node, code: InvitationCode, place: Place, accept: Callable[[State], Acceptance]
) -> State:
    csr_pem, signing_key = _keys(node, code.coalition)
    key_sha256 = public_key_sha256(x509.load_pem_x509_csr(csr_pem).public_key())
    applicant = Applicant(csr_pem, key_sha256, signing_key.public_key().public_bytes_raw(), place, accept)
    certificate, state = await join(code, node.coalition, applicant, lambda: node.now)
    # In this order: a certificate that is installed is one whose signing key is in its place.
    next_signing_key = node.home / NEXT_SIGNING_KEY_FILE
    if next_signing_key.exists():
        next_signing_key.replace(node.home / SIGNING_KEY_FILE)
    node.leaf_files.install(certificate)
    (node.home / REQUEST_FILE).unlink(missing_ok=True)
    return state


async def place_in(
    folder: Path, code: InvitationCode, place: Place, *, clock: Callable[[], float] = time.time
) -> Place:
    """Names the coalition's relays where a new member names no way to reach it.

    Args:
        folder: of the node, which need not be made yet; the metadata that says so is kept there.
        code: the invitation.
        place: what was typed.
        clock: seconds since 1970-01-01 UTC.

    Returns:
        The same place, with relays where it had neither these nor an endpoint and the coalition has some.

    Raises:
        MembershipError, UnavailableError: as `joining.look`.
    """
    if place.endpoint or place.relays:
        return place

    def now() -> datetime:
        return datetime.fromtimestamp(clock(), UTC)

    members = (await look(code, CoalitionStore(folder / COALITION_FOLDER, now), now)).members
    relays = [
        each.member_id
        for each in members.members
        if Role.RELAY in each.roles
        and each.relay_endpoint
        and each.status is Status.ACTIVE
        and each.member_id != code.member_id
    ]
    return replace(place, relays=tuple(relays[:MAX_RELAYS]))


def _keys(node: Node, coalition: str) -> tuple[bytes, Ed25519PrivateKey]:
    """The request for a certificate, and the signing key; both new where this node was a member before."""
    request, next_signing_key = node.home / REQUEST_FILE, node.home / NEXT_SIGNING_KEY_FILE
    before = node.leaf_files.certificate.exists()
    if not request.exists() or (before and not _waits(node, request)):
        made = make_leaf_key_and_csr(node.member_id, coalition)
        node.leaf_files.prepare(made.key_pem)
        if before:
            next_signing_key.unlink(missing_ok=True)
            create_signing_key(next_signing_key)
        write_atomically(request, made.csr_pem)
    signing_key = load_signing_key(next_signing_key) if next_signing_key.exists() else node.signing_key
    return read_bounded(request, MAX_REQUEST_BYTES), signing_key


def _waits(node: Node, request: Path) -> bool:
    """Whether a request is for the key that waits for a certificate, and not left over from before."""
    key = node.leaf_files.prepared()
    asked = x509.load_pem_x509_csr(read_bounded(request, MAX_REQUEST_BYTES)).public_key()
    return key is not None and key.public_key() == asked
