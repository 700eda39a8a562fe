import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbolon.errors import MembershipError
from symbolon.membership.certificates import peer_identity
from symbolon.membership.enrolment import verify_csr


@given(
    st.binary(max_size=400)
    | st.binary(max_size=400).map(lambda tail: b"-----BEGIN CERTIFICATE-----\n" + tail)
)
def test_peer_identity_arbitrary_bytes_are_refused(certificate: bytes) -> None:
    with pytest.raises(MembershipError):
        peer_identity(certificate, "clean-hands")


@given(st.binary(max_size=400))
def test_verify_csr_arbitrary_bytes_are_refused(request: bytes) -> None:
    with pytest.raises(MembershipError):
        verify_csr(request, "acme", "clean-hands")
