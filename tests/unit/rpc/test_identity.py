"""Who is calling, step by step; whole connections are tried in tests/adversary with real processes."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from symbolon.errors import MembershipError
from symbolon.membership import Authority, MemberKind, make_leaf_key_and_csr
from symbolon.membership.directory import FileMemberDirectory
from symbolon.rpc.identity import verify_caller

COALITION = "grove"
NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Scene:
    """A coalition of one member, and what gRPC tells of its connection."""

    def __init__(self, folder: Path, coalition: str = COALITION) -> None:
        self.now = NOW
        self.coalition = coalition
        self.authority = Authority.create(folder / coalition, coalition, lambda: self.now)
        self.list_path = folder / f"{coalition}-members.list"
        self.certificate = self.enrol("mill")

    def enrol(self, member: str) -> bytes:
        request = make_leaf_key_and_csr(member, self.coalition)
        certificate = self.authority.enrol(member, MemberKind.COMPANY, "127.0.0.1:7443", request.csr_pem)
        self.list_path.write_bytes(self.authority.current_list())
        return certificate

    def verify(self, *certificates: bytes, tls: bytes | None = None) -> str:
        auth: dict[str, list[bytes]] = {"x509_pem_cert": list(certificates)}
        if tls is not None:
            auth["ssl_tls_version"] = [tls]
        directory = FileMemberDirectory(
            self.list_path, self.authority.anchor.list_key, COALITION, lambda: self.now
        )
        return verify_caller(auth, directory, COALITION, self.now).member_id


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_caller_with_its_certificate_is_the_member(scene: Scene) -> None:
    assert scene.verify(scene.certificate) == "mill"
    assert scene.verify(scene.certificate, tls=b"TLSv1.3") == "mill"


def test_caller_without_a_certificate_is_refused(scene: Scene) -> None:
    with pytest.raises(MembershipError) as caught:
        scene.verify()
    assert caught.value.full_code == "membership.certificate"


def test_caller_with_two_certificates_is_refused(scene: Scene) -> None:
    with pytest.raises(MembershipError):
        scene.verify(scene.certificate, scene.certificate)


@pytest.mark.parametrize("version", [b"TLSv1.2", b"TLSv1", b"", b"unknown"])
def test_caller_over_an_older_tls_is_refused(scene: Scene, version: bytes) -> None:
    with pytest.raises(MembershipError) as caught:
        scene.verify(scene.certificate, tls=version)
    assert caught.value.full_code == "membership.tls_version"


@pytest.mark.parametrize("certificate", [b"", b"not a certificate", b"-----BEGIN CERTIFICATE-----\n!!\n"])
def test_caller_with_a_certificate_that_is_none_is_refused(scene: Scene, certificate: bytes) -> None:
    with pytest.raises(MembershipError):
        scene.verify(certificate)


def test_caller_of_another_coalition_is_refused(scene: Scene, tmp_path: Path) -> None:
    with pytest.raises(MembershipError):
        scene.verify(Scene(tmp_path, "other-grove").certificate)


def test_caller_whose_certificate_has_expired_is_refused(scene: Scene) -> None:
    scene.now = NOW + timedelta(days=4000)
    with pytest.raises(MembershipError):
        scene.verify(scene.certificate)


def test_caller_that_was_expelled_is_refused_at_its_next_call(scene: Scene) -> None:
    scene.enrol("farm")
    assert scene.verify(scene.certificate) == "mill"
    scene.authority.expel("mill")
    scene.list_path.write_bytes(scene.authority.current_list())
    with pytest.raises(MembershipError):
        scene.verify(scene.certificate)
