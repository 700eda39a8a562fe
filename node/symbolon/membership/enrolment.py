"""What a joining member makes on its own machine: a private key that never travels, and a request.

Handles: making the key and the certificate signing request, and reading a request at the authority.
Refuses: a request that is not signed by its own key, that holds another kind of key, or that asks for
other names than those of the member being enrolled. Specification: docs/PROTOCOL.md, membership.
"""

from typing import Final, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from symbolon.errors import MembershipError
from symbolon.membership.certificates import leaf_names, require_p256
from symbolon.membership.member import parse_coalition_id, parse_member_id

MAX_REQUEST_BYTES: Final = 16 * 1024
"""A request made here has below 1 KiB; the bound stops a stranger from making us parse more."""


class LeafRequest(NamedTuple):
    """A fresh key with its request; unpacks as `key_pem, csr_pem`.

    Attributes:
        key_pem: the private key, PKCS #8 in PEM, not encrypted. Secret.
        csr_pem: the certificate signing request in PEM. Public.
    """

    key_pem: bytes
    csr_pem: bytes

    def __repr__(self) -> str:
        return "LeafRequest(key_pem=<secret>, csr_pem=...)"


def make_leaf_key_and_csr(member_id: str, coalition: str) -> LeafRequest:
    """Make a P-256 key, drawn from the operating system, and a request for the member's leaf.

    Args:
        member_id: the id under which the member joins.
        coalition: the coalition it joins.

    Returns:
        The private key and the request.

    Raises:
        MembershipError: `membership.malformed` for an invalid id.
    """
    key = make_leaf_key()
    return LeafRequest(leaf_key_pem(key), make_csr(key, member_id, coalition))


def make_leaf_key() -> ec.EllipticCurvePrivateKey:
    """Make a P-256 key, drawn from the operating system."""
    return ec.generate_private_key(ec.SECP256R1())


def leaf_key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return a key as it is kept: PKCS #8 in PEM, not encrypted. Secret."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def make_csr(key: ec.EllipticCurvePrivateKey, member_id: str, coalition: str) -> bytes:
    """Make a request for the member's leaf, in PEM, for a key that is there already.

    Raises:
        MembershipError: `membership.malformed` for an invalid id.
    """
    parse_member_id(member_id)
    parse_coalition_id(coalition)
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, member_id)]))
        .add_extension(leaf_names(member_id, coalition), critical=False)
        .sign(key, hashes.SHA256())
    )
    return request.public_bytes(serialization.Encoding.PEM)


def verify_csr(csr_pem: bytes, member_id: str, coalition: str) -> ec.EllipticCurvePublicKey:
    """Verify a request and return the key to certify; nothing else in it is used.

    Args:
        csr_pem: the request in PEM, at most `MAX_REQUEST_BYTES`.
        member_id: the member being enrolled.
        coalition: the coalition that enrols it.

    Returns:
        The P-256 public key.

    Raises:
        MembershipError: `membership.request.malformed`, `membership.request.signature`,
            `membership.request.names` or `membership.certificate.key`.
    """
    # Step 1: the size and the form.
    if len(csr_pem) > MAX_REQUEST_BYTES:
        raise _refused("malformed", f"the request has {len(csr_pem)} bytes")
    try:
        request = x509.load_pem_x509_csr(csr_pem)
        signed = request.is_signature_valid
        public_key = require_p256(request.public_key())
        names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except MembershipError:
        raise
    except x509.ExtensionNotFound as error:
        raise _refused("names", "the request asks for no name") from error
    except Exception as error:
        raise _refused("malformed", "the request cannot be read") from error
    # Step 2: whoever made it holds the key.
    if not signed:
        raise _refused("signature", "the request is not signed by its own key")
    # Step 3: it asks for this member's names, so that two requests cannot be mixed up.
    if names != leaf_names(member_id, coalition):
        raise _refused("names", f"the request does not ask for the names of {member_id} in {coalition}")
    return public_key


def _refused(kind: str, detail: str) -> MembershipError:
    return MembershipError(detail, code=f"membership.request.{kind}")
