"""`authorities.pem`: the certificates of the founders' authorities, any of which may sign a member's leaf.

Handles: the bundle in its one form (PEM, in ascending order of fingerprints), byte for byte the same at every
founder; which authorities follow when founders change. Refuses: another order or spelling, a certificate
twice, more than `MAX_AUTHORITIES`, a certificate that is not that of a P-256 authority of members (one that
may make further authorities, or that is bound to an invitation). Nothing here says that a bundle holds: the
coalition's metadata vouches for its bytes. Specification: docs/PROTOCOL.md, membership; docs/adr/0013.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from symbolon.errors import MembershipError
from symbolon.membership.certificates import (
    LEAF_VALIDITY,
    MAX_AUTHORITIES,
    load_authorities,
    load_certificate,
    require_p256,
)


@dataclass(frozen=True, slots=True)
class Authorities:
    """The authorities of a coalition.

    Attributes:
        certificates: 1 to `MAX_AUTHORITIES`, in strictly ascending order of the SHA-256 of their DER.

    Raises:
        MembershipError: `membership.authorities`, at construction, when a rule above is broken.
    """

    certificates: tuple[x509.Certificate, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.certificates) <= MAX_AUTHORITIES:
            raise _malformed(f"there are {len(self.certificates)} authorities, not 1 to {MAX_AUTHORITIES}")
        fingerprints = [_fingerprint(each) for each in self.certificates]
        if fingerprints != sorted(set(fingerprints)):
            raise _malformed("the authorities are not in ascending order, or one stands there twice")
        for certificate in self.certificates:
            _require_authority(certificate)

    @classmethod
    def of(cls, certificates: Iterable[bytes]) -> "Authorities":
        """Put authorities together.

        Args:
            certificates: each one certificate, PEM or DER, in any order.

        Raises:
            MembershipError: `membership.authorities` or `membership.certificate.malformed`.
        """
        return cls(tuple(sorted(map(load_certificate, certificates), key=_fingerprint)))

    @classmethod
    def parse(cls, document: bytes) -> "Authorities":
        """Decode a bundle.

        Raises:
            MembershipError: `membership.authorities`, or `membership.certificate.malformed` when it cannot
                be read at all.
        """
        authorities = cls(load_authorities(document))
        if authorities.encode() != document:
            raise _malformed("the authorities are not written in their one form")
        return authorities

    def encode(self) -> bytes:
        """Encode the bundle: PEM, one after the other."""
        return b"".join(each.public_bytes(serialization.Encoding.PEM) for each in self.certificates)

    def after(
        self, offered: Iterable[bytes], founders: Collection[str], unchanged_for: timedelta
    ) -> "Authorities":
        """The authorities that follow when founders change.

        That of a founder that goes, or has other keys from now on, stays as long as a certificate that it
        signed may last: taken out at once, it would shut out every member that it certified, who could not
        even hear of it. It can make nobody a member, since members.json names each certificate.

        Args:
            offered: those of new founders, each one certificate, PEM or DER.
            founders: ids of those in force, before the change.
            unchanged_for: for how long nobody but these has signed.

        Raises:
            MembershipError: `membership.authorities` or `membership.certificate.malformed`.
        """
        newest = {_holder(each): each for each in sorted(self.certificates, key=_begins)}
        kept = [
            each
            for each in self.certificates
            if unchanged_for <= LEAF_VALIDITY or (_holder(each) in founders and each == newest[_holder(each)])
        ]
        following = {_fingerprint(each): each for each in (*kept, *map(load_certificate, offered))}
        return Authorities(tuple(each for _, each in sorted(following.items())))


def _require_authority(certificate: x509.Certificate) -> None:
    require_p256(certificate.public_key())
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError) as error:
        raise _malformed("a certificate does not say that it is an authority's") from error
    if not constraints.ca or constraints.path_length != 0 or not usage.key_cert_sign:
        raise _malformed("a certificate is not that of an authority that signs leaves and nothing else")
    if any(isinstance(each.value, x509.NameConstraints) for each in certificate.extensions):
        raise _malformed("a certificate is bound to an invitation, it does not sign members")


def _holder(authority: x509.Certificate) -> str:
    """The founder whose authority it is."""
    names = authority.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return str(names[0].value) if names else ""


def _begins(authority: x509.Certificate) -> datetime:
    return authority.not_valid_before_utc


def _fingerprint(certificate: x509.Certificate) -> bytes:
    return certificate.fingerprint(hashes.SHA256())


def _malformed(detail: str) -> MembershipError:
    return MembershipError(detail, code="membership.authorities")
