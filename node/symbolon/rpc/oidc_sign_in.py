"""Signing in at an OpenID Connect issuer, in a browser on any device, while the command line waits.

Source: OAuth 2.0 Device Authorization Grant, RFC 8628; OpenID Connect Discovery 1.0, section 4.3. The
issuer's metadata must name the issuer as it is configured; every address in it obeys `require_address`, and
none is plain HTTP unless the issuer's own is. What comes of it is believed as far as `verify_id_token` goes.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from symbolon.errors import ConfigError, PermissionDeniedError, SymbolonError, UnavailableError
from symbolon.rpc.oidc_http import ask, is_loopback, require_address
from symbolon.storage.operator_record import OidcAccount

MAX_WAIT_S: Final = 900
"""A quarter of an hour to find the browser, however long the issuer would wait."""
DEFAULT_INTERVAL_S: Final = 5
"""RFC 8628 section 3.2: between two questions, where the issuer does not say."""
MAX_INTERVAL_S: Final = 60
SLOWER_S: Final = 5
"""RFC 8628 section 3.5: what `slow_down` adds."""
MAX_USER_CODE_CHARS: Final = 64

_GRANT: Final = "urn:ietf:params:oauth:grant-type:device_code"


@dataclass(frozen=True, slots=True)
class _Endpoints:
    device_authorization: str
    token: str
    keys: str


def sign_in_at_issuer(
    issuer: str,
    client_id: str,
    *,
    show: Callable[[str, str], None],
    clock: Callable[[], float],
    rng: Callable[[int], bytes],
    sleep: Callable[[float], None] = time.sleep,
) -> OidcAccount:
    """Has a person sign in at the issuer, and waits for it.

    Args:
        issuer: its address, as configured.
        client_id: what it calls this node.
        show: is given the address to open and the code to enter or compare there.
        clock: seconds since 1970-01-01 UTC.
        rng: random bytes from the operating system.
        sleep: seconds between two questions.

    Returns:
        Whom the issuer vouches for.

    Raises:
        ConfigError: `config.oidc` and below: not configured, the extra is missing, the issuer is another.
        UnavailableError: no answer, or nobody signed in in time.
        PermissionDeniedError: the person declined, or the token does not count.
    """
    if not issuer or not client_id:
        raise ConfigError(
            "no issuer to sign in at is configured",
            hint="Set oidc_issuer and oidc_client_id in section [operators] of symbolon.toml.",
            code="config.oidc",
        )
    try:
        from symbolon.rpc.id_token import verify_id_token
    except ImportError:
        raise ConfigError(
            "signing in at an issuer needs the extra `oidc`, which is not installed",
            hint="Install it from the checkout: "
            "`pip install --constraint constraints.txt --editable '.[oidc]'`.",
            code="config.oidc.extra",
        ) from None
    endpoints = _discover(require_address(issuer, what="oidc_issuer"))
    nonce = rng(16).hex()
    token = _token(endpoints, client_id, nonce, show, clock, sleep)
    _, key_set = ask(endpoints.keys)
    subject = verify_id_token(token, key_set, issuer=issuer, client_id=client_id, nonce=nonce, now_s=clock())
    return OidcAccount(issuer, subject)


def _discover(issuer: str) -> _Endpoints:
    _, metadata = ask(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    if metadata.get("issuer") != issuer:
        raise ConfigError(
            f"the issuer at {issuer} calls itself {metadata.get('issuer')!r}",
            hint="Write oidc_issuer in symbolon.toml exactly as the issuer does.",
            code="config.oidc.issuer",
        )
    loopback = is_loopback(issuer)
    names = ("device_authorization_endpoint", "token_endpoint", "jwks_uri")
    for name in names:
        if name not in metadata:
            raise ConfigError(
                f"the issuer at {issuer} has no {name}",
                hint="It has to offer the device authorization grant (RFC 8628) to this client.",
                code="config.oidc.issuer",
            )
    return _Endpoints(*(require_address(metadata[name], what=name, loopback=loopback) for name in names))


def _token(
    endpoints: _Endpoints,
    client_id: str,
    nonce: str,
    show: Callable[[str, str], None],
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> str:
    started = clock()
    form = {"client_id": client_id, "scope": "openid", "nonce": nonce}
    status, device = ask(endpoints.device_authorization, form)
    if status != 200:
        raise _refusal(device)
    device_code = device.get("device_code")
    where = device.get("verification_uri_complete") or device.get("verification_uri")
    user_code = device.get("user_code")
    if not isinstance(device_code, str) or not isinstance(user_code, str):
        raise UnavailableError("the issuer's answer lacks the codes of RFC 8628", code="unavailable.oidc")
    if not 0 < len(user_code) <= MAX_USER_CODE_CHARS or not user_code.isprintable():
        raise UnavailableError(
            "the issuer's code is not one that a person could read", code="unavailable.oidc"
        )
    show(require_address(where, what="verification_uri", loopback=is_loopback(endpoints.token)), user_code)
    interval_s = _seconds(device.get("interval"), DEFAULT_INTERVAL_S, MAX_INTERVAL_S)
    give_up_s = started + _seconds(device.get("expires_in"), MAX_WAIT_S, MAX_WAIT_S)
    form = {"grant_type": _GRANT, "device_code": device_code, "client_id": client_id}
    while clock() < give_up_s:
        sleep(interval_s)
        status, answer = ask(endpoints.token, form)
        if status == 200:
            token = answer.get("id_token")
            if not isinstance(token, str):
                raise UnavailableError("the issuer's answer holds no ID token", code="unavailable.oidc")
            return token
        if answer.get("error") == "slow_down":
            interval_s += SLOWER_S
        elif answer.get("error") != "authorization_pending":
            raise _refusal(answer)
    raise _too_late()


def _refusal(answer: dict[str, Any]) -> SymbolonError:
    error = answer.get("error")
    if error == "expired_token":
        return _too_late()
    if error == "access_denied":
        return PermissionDeniedError(
            "the sign-in was declined at the issuer",
            hint="Run `symbolon sign-in --oidc` again and confirm it in the browser.",
            code="permission.sign_in.declined",
        )
    return ConfigError(
        f"the issuer refuses this node: {str(error)[:100]!r}",
        hint="Check oidc_client_id, and that the issuer allows the device authorization grant to it.",
        code="config.oidc.refused",
    )


def _too_late() -> UnavailableError:
    return UnavailableError(
        "nobody signed in at the issuer in time",
        hint="Run `symbolon sign-in --oidc` again.",
        code="unavailable.oidc.time",
    )


def _seconds(value: object, default: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return default
    return int(min(most, max(1, value)))
