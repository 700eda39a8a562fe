"""What this node's server proves itself with and whom it lets in, read afresh at each handshake.

Handles: key and certificate as files that a running node may see replaced, and gRPC's credentials over them,
so that a renewed certificate and a changed set of trusted authorities hold from the next handshake on.
Connections that are open stay as they are; `rpc.identity` judges each of their calls.

**Renewal without a moment in which the files do not fit.** A new key is written to a file of its own before
its request leaves the node (`LeafFiles.prepare`). Replacing the certificate, in one rename, is the renewal:
whoever reads takes the key that fits it, the present or the next one. That the next key then takes the
place of the key changes nothing, so a crash at any point leaves a node that starts.

Refuses: what cannot be read or does not hold. Then what held before stays in force, and the operator is told
once, not at every handshake. Specification: docs/PROTOCOL.md, membership; docs/adr/0013.
"""

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import grpc
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from symbolon.errors import MembershipError, StorageError, SymbolonError
from symbolon.membership.atomic_file import write_atomically
from symbolon.membership.certificates import (
    MAX_CERTIFICATE_BYTES,
    load_authorities,
    load_certificate,
    require_p256,
)
from symbolon.membership.key_file import as_clear_file, read_key_file, write_key_file

MAX_KEY_BYTES: Final = 4 * 1024
"""A P-256 key in PEM has 241 bytes."""

_READS: Final = 10
"""A replacement that falls between the reads of two files is over when they are read again, perhaps twice."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A certificate and its private key, PEM."""

    private_key: bytes = field(repr=False)
    certificate: bytes


@dataclass(frozen=True, slots=True)
class TlsMaterial:
    """All that a server needs for its handshakes.

    Attributes:
        leaf: what it proves itself with.
        authorities: certificates of the coalition's authorities, PEM, one after the other.
        invitations: those of the invitations that are open now, likewise; their holders are let in too.
    """

    leaf: Leaf
    authorities: bytes
    invitations: bytes = b""


@dataclass(frozen=True, slots=True)
class LeafFiles:
    """Where a node keeps its certificate and keys. Anybody may read at any time; one at a time may write.

    Attributes:
        certificate: the leaf.
        key: its private key.
        next_key: that of a leaf which was asked for and has not come yet; usually absent.
    """

    certificate: Path
    key: Path
    next_key: Path

    def read(self) -> Leaf:
        """Reads the certificate and the key that fits it.

        Raises:
            FileNotFoundError: there is no certificate, or no key.
            MembershipError: `membership.certificate.malformed` or `.key`, or `membership.key` when no key
                fits.
            StorageError: a file cannot be read.
        """
        for _ in range(_READS - 1):
            certificate = _read(self.certificate, MAX_CERTIFICATE_BYTES)
            key = self._fitting(certificate)
            if key is not None:
                return Leaf(key, certificate)
        certificate = _read(self.certificate, MAX_CERTIFICATE_BYTES)
        return Leaf(self._require_fitting(certificate), certificate)

    def load_into(self, context: ssl.SSLContext) -> None:
        """Gives the certificate and its key to Python's own TLS, which takes them from files only.

        Raises:
            FileNotFoundError: there is no certificate, or no key.
            MembershipError: `membership.key` when no key fits.
            ssl.SSLError: a file does not hold what it should.
        """
        for path in (self.next_key, self.key) * _READS:
            try:
                with as_clear_file(path) as key:
                    context.load_cert_chain(self.certificate, key)
            except FileNotFoundError:
                if path == self.key:
                    raise
            except ssl.SSLError as error:
                if error.reason != "KEY_VALUES_MISMATCH":
                    raise
            else:
                return
        raise self._unfitting()

    def prepare(self, key: bytes) -> None:
        """Keeps the key of a certificate that is going to be requested; an earlier one of these is dropped.

        Args:
            key: the private key, PEM.

        Raises:
            StorageError: a file cannot be read or written.
        """
        if self.certificate.exists():
            # After a crash within `install` the next key is the one in use.
            self._tidy()
        write_key_file(self.next_key, key)

    def prepared(self) -> ec.EllipticCurvePrivateKey | None:
        """The key of a certificate that was asked for and has not come yet; None where there is none.

        Raises:
            FileNotFoundError: there is no certificate.
            MembershipError: `membership.certificate.malformed` or `.key`.
            StorageError: a file cannot be read.
        """
        certified = _certified(_read(self.certificate, MAX_CERTIFICATE_BYTES))
        try:
            key = _private_key(_read(self.next_key, MAX_KEY_BYTES))
        except FileNotFoundError:
            return None
        # After a crash within `install` the next key is the one in use.
        return None if key is None or key.public_key() == certified else key

    def install(self, certificate: bytes) -> None:
        """Makes a certificate the node's, whichever of the two keys it was requested with.

        Args:
            certificate: the new leaf, PEM, verified by the caller.

        Raises:
            MembershipError: `membership.certificate.malformed` or `.key`, or `membership.key` when neither
                key fits; nothing was replaced.
            StorageError: a file cannot be read or written; what is there still fits.
        """
        self._require_fitting(certificate)
        write_atomically(self.certificate, certificate, mode=0o644)
        self._tidy()

    def _tidy(self) -> None:
        """Gives the next key the place of the key, if it is the one in use."""
        certified = _certified(_read(self.certificate, MAX_CERTIFICATE_BYTES))
        try:
            if _public_key(_read(self.next_key, MAX_KEY_BYTES)) == certified:
                self.next_key.replace(self.key)
        except FileNotFoundError:
            return
        except OSError as error:
            raise StorageError(f"cannot replace {self.key}: {error.strerror}") from error

    def _require_fitting(self, certificate: bytes) -> bytes:
        key = self._fitting(certificate)
        if key is None:
            raise self._unfitting()
        return key

    def _unfitting(self) -> MembershipError:
        return MembershipError(
            f"the certificate does not fit the key in {self.key.name}",
            hint="Put back the key that it was requested with, or have the certificate renewed.",
            code="membership.key",
        )

    def _fitting(self, certificate: bytes) -> bytes | None:
        certified = _certified(certificate)
        # In this order, a key that moves from the second place to the first is seen in one of them.
        for path in (self.next_key, self.key):
            try:
                key = _read(path, MAX_KEY_BYTES)
            except FileNotFoundError:
                if path == self.key:
                    raise
                continue
            if _public_key(key) == certified:
                return key
        return None


class FreshCredentials:
    """A server's TLS credentials that follow what they are made from.

    gRPC asks before each handshake, in a thread of its own and never twice at once.

    Args:
        read: the material as it is now; raises a `SymbolonError` when there is none. It is asked at each
            handshake, whoever knocks, so it only reads.
        check: raises a `SymbolonError` when the material must not be used; asked once it is another.
        note: told why new material is not used, once for each reason.

    Raises:
        SymbolonError: there is no material to begin with, or it must not be used.
    """

    def __init__(
        self,
        read: Callable[[], TlsMaterial],
        check: Callable[[TlsMaterial], None],
        note: Callable[[SymbolonError], None],
    ) -> None:
        self._read = read
        self._check = check
        self._note = note
        self._noted: tuple[TlsMaterial | None, str] | None = None
        self._in_force = read()
        first = self._configuration(self._in_force)
        self.grpc: Final = grpc.dynamic_ssl_server_credentials(first, self._next, True)
        """What `add_secure_port` takes; a client without a certificate is refused."""

    def _next(self) -> Any:
        material = None
        try:
            material = self._read()
            if material == self._in_force:
                self._noted = None
                return None
            configuration = self._configuration(material)
        except SymbolonError as error:
            noted = (material, error.full_code)
            if noted != self._noted:
                self._noted = noted
                self._note(error)
            return None
        self._in_force, self._noted = material, None
        return configuration

    def _configuration(self, material: TlsMaterial) -> Any:
        # gRPC would keep what it cannot use to itself.
        if _public_key(material.leaf.private_key) != _certified(material.leaf.certificate):
            raise MembershipError("the certificate does not fit the key", code="membership.key")
        load_authorities(material.authorities)
        if material.invitations:
            load_authorities(material.invitations)
        self._check(material)
        pair = (material.leaf.private_key, material.leaf.certificate)
        return grpc.ssl_server_certificate_configuration([pair], material.authorities + material.invitations)


def _certified(certificate: bytes) -> ec.EllipticCurvePublicKey:
    return require_p256(load_certificate(certificate).public_key())


def _public_key(private_key: bytes) -> ec.EllipticCurvePublicKey | None:
    """The public half; None for what is no P-256 key, which fits no certificate."""
    key = _private_key(private_key)
    return None if key is None else key.public_key()


def _private_key(pem: bytes) -> ec.EllipticCurvePrivateKey | None:
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        return None
    return key if isinstance(key, ec.EllipticCurvePrivateKey) else None


def _read(path: Path, limit_bytes: int) -> bytes:
    try:
        return read_key_file(path, limit_bytes)
    except StorageError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise error.__cause__ from None
        raise
