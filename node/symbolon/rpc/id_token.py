"""The ID token of an OpenID Connect issuer: who it says has signed in.

Source: OpenID Connect Core 1.0, section 3.1.3.7; RFC 8725 (best practice for JSON Web Tokens). A token counts
when all of these hold, looked at in this order:

1. it is no longer than `MAX_TOKEN_CHARS` and its algorithm is RS256 or ES256, whatever else it asks for;
2. the issuer's key set has the key it names, of the kind that the algorithm takes (RSA of 2048 bits or more,
   or P-256), not set aside for something else than signatures; without a name, there is only one such key;
3. the signature holds;
4. `iss` is the issuer; `aud` is this client; where there are several audiences or an `azp`, that is this
   client too;
5. `exp` is ahead, `iat` and `nbf` are not, all by this node's clock give or take `CLOCK_SKEW_S`;
6. `nonce`, where it is there, is the one that was sent: the device grant (RFC 8628) does not make issuers
   return it, and its tokens come straight from the issuer;
7. `sub` is 1 to 255 characters.
"""

import math
from collections.abc import Mapping
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from symbolon.errors import PermissionDeniedError

MAX_TOKEN_CHARS: Final = 16_384
"""Tokens that list a person's groups reach some thousands; nothing of that is read."""
CLOCK_SKEW_S: Final = 60
"""How far the clocks of issuer and node may be apart."""
MIN_RSA_BITS: Final = 2048
MAX_SUBJECT_CHARS: Final = 255

_KIND_OF: Final = {"RS256": ("RSA", None), "ES256": ("EC", "P-256")}


def verify_id_token(
    token: str, key_set: Mapping[str, Any], *, issuer: str, client_id: str, nonce: str, now_s: float
) -> str:
    """Checks an ID token.

    Args:
        token: in its compact form.
        key_set: the JSON Web Key Set of the issuer.
        issuer: as configured and as the issuer calls itself.
        client_id: what the issuer calls this node.
        nonce: what was sent with the request.
        now_s: seconds since 1970-01-01 UTC.

    Returns:
        `sub`: whom the issuer vouches for.

    Raises:
        PermissionDeniedError: `permission.sign_in.token`, it does not count; the detail says why.
    """
    if len(token) > MAX_TOKEN_CHARS:
        raise _refused(f"it is longer than {MAX_TOKEN_CHARS} characters")
    try:
        header = jwt.get_unverified_header(token)
        algorithm = header.get("alg")
        if algorithm not in _KIND_OF:
            raise _refused("its algorithm is neither RS256 nor ES256")
        key = _key(key_set, algorithm, header.get("kid"))
        claims = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=client_id,
            issuer=issuer,
            # Times are compared below, with the clock that was passed in.
            options={
                "require": ["iss", "sub", "aud", "exp", "iat"],
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
    except (jwt.PyJWTError, RecursionError) as error:
        raise _refused(f"{type(error).__name__}: {error}") from None
    _check_party(claims, client_id)
    _check_times(claims, now_s)
    if claims.get("nonce", nonce) != nonce:
        raise _refused("its nonce is of another request")
    subject = claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT_CHARS:
        raise _refused(f"its subject is not 1 to {MAX_SUBJECT_CHARS} characters")
    return subject


def _key(key_set: Mapping[str, Any], algorithm: str, kid: object) -> jwt.PyJWK:
    kind, curve = _KIND_OF[algorithm]
    listed = key_set.get("keys")
    fitting = [
        each
        for each in (listed if isinstance(listed, list) else ())
        if isinstance(each, dict)
        and each.get("kty") == kind
        and each.get("crv") == curve
        and each.get("use", "sig") == "sig"
        and each.get("alg", algorithm) == algorithm
        and (kid is None or each.get("kid") == kid)
    ]
    if len(fitting) != 1:
        raise _refused(f"the issuer's key set has {len(fitting)} keys that fit it, not one")
    key = jwt.PyJWK(fitting[0], algorithm)
    if isinstance(key.key, RSAPublicKey) and key.key.key_size < MIN_RSA_BITS:
        raise _refused(f"it is signed with a key of {key.key.key_size} bits")
    return key


def _check_party(claims: Mapping[str, Any], client_id: str) -> None:
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if (several or "azp" in claims) and claims.get("azp") != client_id:
        raise _refused("it was issued to another party")


def _check_times(claims: Mapping[str, Any], now_s: float) -> None:
    for name in ("exp", "iat", "nbf"):
        value = claims.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise _refused(f"its {name} is no time")
    if now_s >= claims["exp"] + CLOCK_SKEW_S:
        raise _refused("it has expired")
    if max(claims["iat"], claims.get("nbf", 0)) > now_s + CLOCK_SKEW_S:
        raise _refused("it is from the future")


def _refused(why: str) -> PermissionDeniedError:
    return PermissionDeniedError(
        f"the issuer's ID token does not count: {why}",
        hint="Check oidc_issuer and oidc_client_id in symbolon.toml, and this computer's clock.",
        code="permission.sign_in.token",
    )
