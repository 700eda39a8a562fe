"""Joining with a node: its keys, the request, and the certificate that comes back."""

from collections.abc import Callable

from cryptography import x509

from symbolon.membership.atomic_file import read_bounded, write_atomically
from symbolon.membership.coalition_state import State
from symbolon.membership.due_diligence import Acceptance
from symbolon.membership.enrolment import MAX_REQUEST_BYTES, make_leaf_key_and_csr
from symbolon.membership.invitation_code import InvitationCode
from symbolon.membership.member_statement import Place, public_key_sha256
from symbolon.rpc.joining import Applicant, join
from symbolon.rpc.node import Node

REQUEST_FILE = "request.pem"


async def join_with(
    node: Node, code: InvitationCode, place: Place, accept: Callable[[State], Acceptance]
) -> State:
    """Joins, with keys that are made once and used again by a second attempt.

    Args:
        node: which belongs to no coalition yet, or is joining it.
        code: the invitation.
        place: where it will be reached.
        accept: shown the state; returns who accepted the terms.

    Raises:
        MembershipError, UnavailableError: as `joining.join`.
    """
    request = node.home / REQUEST_FILE
    if not request.exists():
        made = make_leaf_key_and_csr(node.member_id, code.coalition)
        node.leaf_files.prepare(made.key_pem)
        write_atomically(request, made.csr_pem)
    csr_pem = read_bounded(request, MAX_REQUEST_BYTES)
    key_sha256 = public_key_sha256(x509.load_pem_x509_csr(csr_pem).public_key())
    applicant = Applicant(
        csr_pem, key_sha256, node.signing_key.public_key().public_bytes_raw(), place, accept
    )
    certificate, state = await join(code, node.coalition, applicant, lambda: node.now)
    node.leaf_files.install(certificate)
    request.unlink(missing_ok=True)
    return state
