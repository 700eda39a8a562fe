"""The founders' authorities as one document, and leaves judged by several of them."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from symbolon.errors import MembershipError
from symbolon.membership.authorities import Authorities
from symbolon.membership.certificates import (
    LEAF_VALIDITY,
    MAX_AUTHORITIES,
    add_authority_extensions,
    certificate_builder,
    common_name,
    issue_leaf,
    issuer_of,
    load_certificate,
    make_root,
    verify_leaf,
)
from symbolon.membership.invitation_code import InvitationCode
from symbolon.membership.invitation_identity import invitation_authority

COALITION = "clean-hands"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


KEYS = {name: new_key() for name in ("acme", "birch", "cedar")}
ROOTS = {name: make_root(COALITION, key, NOW, founder=name) for name, key in KEYS.items()}
BUNDLE = Authorities.of(ROOTS.values())


def leaf_by(founder: str, member_id: str = "delta", **options: object) -> bytes:
    return issue_leaf(
        member_id,
        COALITION,
        new_key().public_key(),
        root_key=KEYS[founder],
        root_pem=ROOTS[founder],
        now=NOW,
        **options,
    )


def signer(bundle: Authorities, leaf: bytes) -> x509.Certificate:
    return issuer_of(load_certificate(leaf), bundle.certificates)


def refused(call) -> str:
    with pytest.raises(MembershipError) as caught:
        call()
    return caught.value.full_code


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def test_authorities_in_any_order_give_the_same_document_and_come_back() -> None:
    again = Authorities.of(reversed(list(ROOTS.values())))
    assert again.encode() == BUNDLE.encode()
    assert Authorities.parse(BUNDLE.encode()) == BUNDLE
    assert len(BUNDLE.certificates) == 3
    assert {*map(pem, BUNDLE.certificates)} == {*ROOTS.values()}


@pytest.mark.parametrize("founder", KEYS)
def test_authorities_issuer_of_a_leaf_is_the_founder_that_signed_it(founder: str) -> None:
    leaf = leaf_by(founder)
    assert signer(BUNDLE, leaf) == load_certificate(ROOTS[founder])
    assert founder in signer(BUNDLE, leaf).subject.rfc4514_string()
    assert verify_leaf(leaf, BUNDLE.certificates, COALITION, now=NOW).member_id == "delta"
    assert verify_leaf(leaf, BUNDLE.encode(), COALITION, now=NOW).member_id == "delta"


def test_authorities_issuer_of_a_leaf_of_another_authority_of_the_same_name_is_refused() -> None:
    false_key = new_key()
    false_root = make_root(COALITION, false_key, NOW, founder="acme")
    leaf = issue_leaf(
        "delta", COALITION, new_key().public_key(), root_key=false_key, root_pem=false_root, now=NOW
    )
    assert refused(lambda: signer(BUNDLE, leaf)) == "membership.certificate.issuer"
    assert (
        refused(lambda: verify_leaf(leaf, BUNDLE.encode(), COALITION, now=NOW))
        == "membership.certificate.issuer"
    )


def test_verify_leaf_looks_at_the_time_of_the_authority_that_signed_and_of_no_other() -> None:
    old_key = new_key()
    old = make_root(COALITION, old_key, NOW - timedelta(days=3_640), founder="acme")
    later = NOW + timedelta(days=20)
    both = Authorities.of((old, ROOTS["birch"])).certificates
    by_old = issue_leaf("delta", COALITION, new_key().public_key(), root_key=old_key, root_pem=old, now=later)
    assert (
        refused(lambda: verify_leaf(by_old, both, COALITION, now=later)) == "membership.certificate.expired"
    )
    assert verify_leaf(leaf_by("birch"), both, COALITION, now=later).member_id == "delta"


def test_authority_replaced_by_its_founder_stands_beside_the_old_one() -> None:
    second_key = new_key()
    second = make_root(COALITION, second_key, NOW, founder="acme")
    both = Authorities.of((*ROOTS.values(), second))
    leaf = issue_leaf(
        "delta", COALITION, new_key().public_key(), root_key=second_key, root_pem=second, now=NOW
    )
    assert signer(both, leaf) == load_certificate(second)
    assert signer(both, leaf_by("acme")) == load_certificate(ROOTS["acme"])


def wrong_order() -> bytes:
    return b"".join(map(pem, reversed(BUNDLE.certificates)))


def other_authority(*, path_length: int | None = 0, ca: bool = True, constrained: bool = False) -> bytes:
    key, name = new_key(), common_name("clean-hands root")
    builder = certificate_builder(name, name, key.public_key(), NOW, NOW + timedelta(days=1))
    if (path_length, ca) == (0, True):
        builder = add_authority_extensions(builder, key.public_key())
    else:
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=path_length), critical=True)
    if constrained:
        builder = builder.add_extension(x509.NameConstraints([x509.DNSName("x")], None), critical=True)
    return pem(builder.sign(key, hashes.SHA256()))


def of_another_curve() -> bytes:
    key, name = ec.generate_private_key(ec.SECP384R1()), common_name("clean-hands root")
    builder = certificate_builder(name, name, key.public_key(), NOW, NOW + timedelta(days=1))
    return pem(add_authority_extensions(builder, key.public_key()).sign(key, hashes.SHA256()))


def of_an_invitation() -> bytes:
    code = InvitationCode(
        coalition=COALITION,
        member_id="delta",
        sponsor="acme",
        endpoints=("acme.example:1",),
        root_version=1,
        root_sha256=bytes(32),
        expires=NOW + timedelta(days=1),
        secret=bytes(16),
    )
    return invitation_authority(code, NOW)


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (b"", "membership.certificate.malformed"),
        (b"no certificate", "membership.certificate.malformed"),
        (b" " * (2 << 20), "membership.certificate.malformed"),
        (b"".join(other_authority() for _ in range(MAX_AUTHORITIES + 1)), "membership.certificate.malformed"),
        (wrong_order(), "membership.authorities"),
        (ROOTS["acme"] * 2, "membership.authorities"),
        (b"A remark\n" + ROOTS["acme"], "membership.authorities"),
        (ROOTS["acme"].replace(b"\n", b"\r\n"), "membership.authorities"),
        (ROOTS["acme"] + b"\n", "membership.authorities"),
        (leaf_by("acme"), "membership.authorities"),
        (other_authority(path_length=1), "membership.authorities"),
        (other_authority(path_length=None), "membership.authorities"),
        (other_authority(constrained=True), "membership.authorities"),
        (of_an_invitation(), "membership.authorities"),
        (of_another_curve(), "membership.certificate.key"),
    ],
    ids=[
        "nothing", "text", "size", "count", "order", "twice", "remark", "line ends", "line", "leaf",
        "further authority", "any path", "constrained", "invitation", "p384"
    ],
)  # fmt: skip
def test_authorities_document_in_another_form_is_refused(document: bytes, code: str) -> None:
    assert refused(lambda: Authorities.parse(document)) == code


def test_authorities_of_nobody_are_refused() -> None:
    assert refused(lambda: Authorities.of(())) == "membership.authorities"


def test_root_without_a_founder_keeps_its_plain_name() -> None:
    root = load_certificate(make_root(COALITION, KEYS["acme"], NOW))
    assert root.subject.rfc4514_string() == "CN=clean-hands root"


def test_root_of_the_longest_names_can_be_made() -> None:
    root = load_certificate(make_root("c" * 32, KEYS["acme"], NOW, founder="f" * 32))
    assert root.subject.rfc4514_string() == f"CN={'c' * 32} root,O={'f' * 32}"


LATER = make_root(COALITION, new_key(), NOW + timedelta(days=9), founder="acme")
"""That of a founder with other keys."""

ENDED = LEAF_VALIDITY + timedelta(seconds=1)


def holders(authorities: Authorities) -> list[bytes]:
    return sorted(map(pem, authorities.certificates))


def test_authority_of_a_founder_that_goes_stays_while_what_it_signed_may_last() -> None:
    kept = BUNDLE.after([LATER], {"acme", "birch"}, LEAF_VALIDITY)
    assert holders(kept) == sorted([*ROOTS.values(), LATER])
    assert signer(kept, leaf_by("cedar")) == load_certificate(ROOTS["cedar"])
    # The change by which it goes: it has signed until now.
    assert holders(BUNDLE.after([], set(ROOTS), ENDED)) == sorted(ROOTS.values())


def test_authorities_of_former_founders_and_of_former_keys_go_once_all_that_they_signed_has_ended() -> None:
    both = BUNDLE.after([LATER], {"acme", "birch"}, LEAF_VALIDITY)
    assert holders(both.after([], {"acme", "birch"}, ENDED)) == sorted([LATER, ROOTS["birch"]])


def test_authority_that_is_offered_again_stands_there_once() -> None:
    assert BUNDLE.after([ROOTS["acme"]], set(ROOTS), timedelta(0)) == BUNDLE
