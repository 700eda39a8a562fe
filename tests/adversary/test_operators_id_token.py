"""Attacks on the sign-in at an issuer: forged, borrowed, old and twisted ID tokens; an issuer that lies."""

import base64
import json
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from oidc_issuer import CLIENT_ID, Issuer, Signer, running_issuer
from symbolon.errors import ConfigError, PermissionDeniedError, SymbolonError, UnavailableError
from symbolon.rpc.id_token import CLOCK_SKEW_S, MAX_TOKEN_CHARS, verify_id_token
from symbolon.rpc.oidc_http import MAX_ANSWER_BYTES, require_address
from symbolon.rpc.oidc_sign_in import sign_in_at_issuer

NOW = 1_800_000_000
ISSUER = "https://issuer.example"
EC, RSA = Signer("ES256", "ec"), Signer("RS256", "rsa")
KEYS = {"keys": [EC.jwk, RSA.jwk]}
CLAIMS = {"iss": ISSUER, "sub": "amina", "aud": CLIENT_ID, "iat": NOW, "exp": NOW + 300, "nonce": "fresh"}


def verify(token: str, keys: dict[str, Any] = KEYS) -> str:
    return verify_id_token(token, keys, issuer=ISSUER, client_id=CLIENT_ID, nonce="fresh", now_s=float(NOW))


def refused(token: str, keys: dict[str, Any] = KEYS) -> str:
    with pytest.raises(PermissionDeniedError) as caught:
        verify(token, keys)
    assert caught.value.full_code == "permission.sign_in.token"
    return caught.value.detail


def part(document: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("signer", [EC, RSA], ids=["ES256", "RS256"])
def test_id_token_of_the_issuer_counts(signer: Signer) -> None:
    assert verify(signer.token(CLAIMS)) == "amina"
    assert verify(signer.token({**CLAIMS, "aud": [CLIENT_ID, "other"], "azp": CLIENT_ID})) == "amina"
    without_nonce = {name: value for name, value in CLAIMS.items() if name != "nonce"}
    assert verify(signer.token(without_nonce)) == "amina"


CHANGED = {
    "another_issuer": {"iss": "https://evil.example"},
    "an_issuer_that_begins_like_it": {"iss": ISSUER + "/"},
    "another_audience": {"aud": "other"},
    "an_audience_that_holds_its_name": {"aud": CLIENT_ID + "-2"},
    "several_audiences_without_a_party": {"aud": [CLIENT_ID, "other"]},
    "several_audiences_of_another_party": {"aud": [CLIENT_ID, "other"], "azp": "other"},
    "another_party": {"azp": "other"},
    "an_expired_one": {"exp": NOW - CLOCK_SKEW_S},
    "one_that_never_expires": {"exp": float("nan")},
    "an_expiry_that_is_no_number": {"exp": "never"},
    "an_expiry_that_is_true": {"exp": True},
    "one_from_the_future": {"iat": NOW + CLOCK_SKEW_S + 1},
    "one_that_does_not_hold_yet": {"nbf": NOW + CLOCK_SKEW_S + 1},
    "the_nonce_of_another_request": {"nonce": "stale"},
    "a_nonce_that_is_null": {"nonce": None},
    "an_empty_subject": {"sub": ""},
    "a_subject_too_long": {"sub": "x" * 256},
    "a_subject_that_is_a_number": {"sub": 7},
}


@pytest.mark.parametrize("change", CHANGED.values(), ids=CHANGED.keys())
def test_id_token_with_a_changed_claim_is_refused(change: dict[str, Any]) -> None:
    refused(EC.token({**CLAIMS, **change}))


@pytest.mark.parametrize("claim", ["iss", "sub", "aud", "exp", "iat"])
def test_id_token_that_lacks_a_claim_is_refused(claim: str) -> None:
    refused(EC.token({name: value for name, value in CLAIMS.items() if name != claim}))


def test_id_token_without_a_signature_is_refused() -> None:
    for algorithm in ("none", "None", "", None):
        refused(f"{part({'alg': algorithm, 'typ': 'JWT', 'kid': 'ec'})}.{part(CLAIMS)}.")


def test_id_token_signed_with_the_public_key_as_a_secret_is_refused() -> None:
    """The classic confusion: HS256 with the text of the RSA key that everybody can read."""
    import hashlib
    import hmac

    secret = RSA.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed = f"{part({'alg': 'HS256', 'kid': 'rsa'})}.{part(CLAIMS)}"
    mac = base64.urlsafe_b64encode(hmac.digest(secret, signed.encode(), hashlib.sha256)).rstrip(b"=")
    refused(f"{signed}.{mac.decode()}")


def test_id_token_signed_with_a_shared_secret_in_the_key_set_is_refused() -> None:
    secret = b"a shared secret of 32 bytes long"
    shared = {"kty": "oct", "kid": "ec", "k": base64.urlsafe_b64encode(secret).rstrip(b"=").decode()}
    token = jwt.encode(CLAIMS, secret, "HS256", {"kid": "ec"})
    refused(token, {"keys": [shared]})


def test_id_token_that_brings_its_own_key_is_refused() -> None:
    thief = Signer("ES256", "ec")
    refused(thief.token(CLAIMS))
    refused(thief.token(CLAIMS, jwk=thief.jwk))
    refused(thief.token(CLAIMS, jku="https://evil.example/keys", x5u="https://evil.example"))
    refused(Signer("ES256", "unknown").token(CLAIMS))


def test_id_token_with_altered_claims_or_signature_is_refused() -> None:
    header, _, signature = EC.token(CLAIMS).split(".")
    refused(f"{header}.{part({**CLAIMS, 'sub': 'bruno'})}.{signature}")
    refused(f"{header}.{part(CLAIMS)}.{signature[:-4]}AAAA")
    refused(f"{header}.{part(CLAIMS)}.")


@pytest.mark.filterwarnings("ignore::jwt.InsecureKeyLengthWarning")
def test_id_token_signed_by_a_short_rsa_key_is_refused() -> None:
    short = Signer("RS256", "short", bits=1024)
    assert "1024 bits" in refused(short.token(CLAIMS), {"keys": [short.jwk]})


def test_id_token_signed_with_a_key_for_encryption_is_refused() -> None:
    refused(EC.token(CLAIMS), {"keys": [{**EC.jwk, "use": "enc"}]})


def test_id_token_with_a_critical_extension_that_nobody_knows_is_refused() -> None:
    refused(EC.token(CLAIMS, crit=["exp-policy"], **{"exp-policy": "x"}))


def test_id_token_key_that_is_ambiguous_or_absent_is_refused() -> None:
    other = Signer("ES256", "ec")
    refused(EC.token(CLAIMS), {"keys": [EC.jwk, other.jwk]})
    for keys in ({}, {"keys": []}, {"keys": "x"}, {"keys": [None, 7]}, {"keys": [{"kty": "EC"}]}):
        refused(EC.token(CLAIMS), keys)


@pytest.mark.parametrize(
    "token",
    ["", ".", "..", "a.b.c", "\x00", "ü.ü.ü", "x" * (MAX_TOKEN_CHARS + 1), f"{part([])}.{part([])}.x"],
    ids=range(8),
)
def test_id_token_that_is_none_is_refused(token: str) -> None:
    refused(token)


def test_id_token_nested_to_exhaust_the_stack_is_refused() -> None:
    deep = base64.urlsafe_b64encode(b"[" * 9000).rstrip(b"=").decode()
    refused(f"{part({'alg': 'ES256', 'kid': 'ec'})}.{deep}.AAAA")
    refused(f"{deep}.{part(CLAIMS)}.AAAA")


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with running_issuer() as running:
        yield running


class Person:
    """Confirms in the browser whatever the terminal shows; time passes only while the command waits."""

    def __init__(self, issuer: Issuer, subject: str = "amina") -> None:
        self.issuer, self.subject = issuer, subject
        self.shown: list[tuple[str, str]] = []
        self.waited: list[float] = []

    def sign_in(self, client_id: str = CLIENT_ID, *, confirm: bool = True) -> str:
        def show(where: str, user_code: str) -> None:
            self.shown.append((where, user_code))
            if confirm:
                self.issuer.approve(user_code, self.subject)

        account = sign_in_at_issuer(
            self.issuer.address,
            client_id,
            show=show,
            clock=lambda: time.time() + sum(self.waited),
            rng=bytes,
            sleep=self.waited.append,
        )
        assert account.issuer == self.issuer.address
        return account.subject


def code_of(person: Person, **options: Any) -> str:
    with pytest.raises(SymbolonError) as caught:
        person.sign_in(**options)
    assert caught.value.hint or isinstance(caught.value, UnavailableError)
    return caught.value.full_code


def test_issuer_tells_who_confirmed(issuer: Issuer) -> None:
    person = Person(issuer)
    assert person.sign_in() == "amina"
    assert person.shown == [(f"{issuer.address}/activate", issuer.user_codes[0])]


def test_issuer_that_asks_for_patience_is_asked_less_often(issuer: Issuer) -> None:
    issuer.errors = ["authorization_pending", "slow_down", "authorization_pending"]
    person = Person(issuer)
    person.sign_in()
    assert person.waited == [1, 1, 6, 6]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("access_denied", "permission.sign_in.declined"),
        ("expired_token", "unavailable.oidc.time"),
        ("invalid_grant", "config.oidc.refused"),
        ("\x1b[2J", "config.oidc.refused"),
    ],
)
def test_issuer_refusals_are_told_apart(issuer: Issuer, error: str, code: str) -> None:
    issuer.errors = [error]
    assert code_of(Person(issuer)) == code


def test_issuer_nobody_confirms_in_time(issuer: Issuer) -> None:
    person = Person(issuer)
    assert code_of(person, confirm=False) == "unavailable.oidc.time"
    assert 55 <= sum(person.waited) <= 65


def test_issuer_that_does_not_know_this_node(issuer: Issuer) -> None:
    assert code_of(Person(issuer), client_id="other") == "config.oidc.refused"


def test_issuer_token_for_another_node_is_refused(issuer: Issuer) -> None:
    """A node that people sign in at cannot use what it got to sign in elsewhere as them."""
    issuer.claims = {"aud": "another-node"}
    assert code_of(Person(issuer)) == "permission.sign_in.token"


def test_issuer_token_of_an_earlier_request_is_refused(issuer: Issuer) -> None:
    issuer.claims = {"nonce": "of an earlier one"}
    assert code_of(Person(issuer)) == "permission.sign_in.token"


@pytest.mark.parametrize(
    ("metadata", "code"),
    [
        ({"issuer": "https://evil.example"}, "config.oidc.issuer"),
        ({"issuer": None}, "config.oidc.issuer"),
        ({"token_endpoint": "http://evil.example/token"}, "config.oidc.address"),
        ({"jwks_uri": "file:///etc/passwd"}, "config.oidc.address"),
        ({"jwks_uri": ["https://issuer.example"]}, "config.oidc.address"),
        ({"device_authorization_endpoint": "ftp://issuer.example"}, "config.oidc.address"),
    ],
)
def test_issuer_metadata_that_leads_elsewhere_is_refused(
    issuer: Issuer, metadata: dict[str, Any], code: str
) -> None:
    issuer.metadata = metadata
    assert code_of(Person(issuer)) == code


def test_issuer_redirect_is_not_followed(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issuer, "get", lambda _: (302, {}))
    assert code_of(Person(issuer)) == "config.oidc.issuer"


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"[" * 100_000, b" " * (MAX_ANSWER_BYTES + 1), b"\xff"], ids=range(6)
)
def test_issuer_answer_that_is_none_is_refused(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    monkeypatch.setattr(issuer, "get", lambda _: (200, body))
    assert code_of(Person(issuer)) == "unavailable.oidc"


def test_issuer_code_with_control_characters_never_reaches_the_terminal(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = {"device_code": "x", "user_code": "\x1b[2JCODE", "verification_uri": issuer.address}
    monkeypatch.setattr(issuer, "post", lambda *_: (200, answer))
    person = Person(issuer)
    assert code_of(person) == "unavailable.oidc"
    assert person.shown == []


def test_issuer_that_is_not_there_is_told() -> None:
    issuer = Issuer()
    issuer.address = "http://127.0.0.1:9"
    assert code_of(Person(issuer)) == "unavailable.oidc"


@pytest.mark.parametrize(
    "address",
    [
        "http://issuer.example",
        "http://127.0.0.1.evil.example",
        "http://localhost@evil.example",
        "https://user@issuer.example",
        "https://",
        "https://issuer.example/#x",
        "https://issuer.example/\n",
        "issuer.example",
        "file:///etc/passwd",
        "http://[::1",
        None,
    ],
)
def test_issuer_address_without_https_is_refused(address: object) -> None:
    with pytest.raises(ConfigError) as caught:
        require_address(address, what="oidc_issuer")
    assert caught.value.full_code == "config.oidc.address"


def test_issuer_on_loopback_may_speak_plain_http_and_one_elsewhere_may_not_lead_there() -> None:
    for address in (
        "http://127.0.0.1:8080",
        "http://[::1]:1",
        "http://localhost/x",
        "https://issuer.example",
    ):
        assert require_address(address, what="oidc_issuer") == address
    with pytest.raises(ConfigError):
        require_address("http://127.0.0.1:8080", what="token_endpoint", loopback=False)


@pytest.mark.parametrize(("address", "client_id"), [("", CLIENT_ID), (ISSUER, "")])
def test_issuer_that_is_not_configured_is_told(address: str, client_id: str) -> None:
    with pytest.raises(ConfigError) as caught:
        sign_in_at_issuer(address, client_id, show=lambda *_: None, clock=time.time, rng=bytes)
    assert caught.value.full_code == "config.oidc"


def test_issuer_without_the_extra_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "symbolon.rpc.id_token", None)
    with pytest.raises(ConfigError) as caught:
        sign_in_at_issuer(ISSUER, CLIENT_ID, show=lambda *_: None, clock=time.time, rng=bytes)
    assert caught.value.full_code == "config.oidc.extra"
    assert ".[oidc]" in (caught.value.hint or "")
