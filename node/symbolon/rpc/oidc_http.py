"""Questions to an OpenID Connect issuer over HTTPS: one JSON object each, bounded in size and time.

Refuses plain HTTP unless the issuer itself runs on this computer, redirects (an issuer's addresses are those
of its own metadata), answers that are too long or no JSON object.
"""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from symbolon.errors import ConfigError, UnavailableError

MAX_ANSWER_BYTES: Final = 262_144
"""Key sets of large issuers take some tens of thousands."""
TIMEOUT_S: Final = 10.0
"""Without a byte from the issuer."""

_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


def require_address(address: object, *, what: str, loopback: bool = True) -> str:
    """Checks an address of an issuer.

    Args:
        address: as configured, or from the issuer's metadata.
        what: its name, for the message.
        loopback: plain HTTP to this very computer will do.

    Returns:
        The address.

    Raises:
        ConfigError: `config.oidc.address`.
    """
    try:
        parts = urlsplit(address) if isinstance(address, str) else None
        host = parts.hostname if parts is not None else None
    except ValueError:
        parts = host = None
    if (
        isinstance(address, str)
        and parts is not None
        and host
        and address.isprintable()
        and parts.username is None
        and not parts.fragment
        and (parts.scheme == "https" or (loopback and parts.scheme == "http" and host in _LOOPBACK))
    ):
        return address
    raise ConfigError(
        f"{what} is not an https:// address: {address!r}",
        hint="Set oidc_issuer in section [operators] of symbolon.toml to the issuer's address.",
        code="config.oidc.address",
    )


def is_loopback(address: str) -> bool:
    """Whether an address that `require_address` let through is plain HTTP on this computer."""
    return urlsplit(address).scheme == "http"


def ask(address: str, form: Mapping[str, str] | None = None) -> tuple[int, dict[str, Any]]:
    """Asks a checked address.

    Args:
        address: that `require_address` returned.
        form: sent by POST; None: GET.

    Returns:
        Status and the JSON object of the answer.

    Raises:
        UnavailableError: no answer, or one that is none.
    """
    opener = urllib.request.OpenerDirector()
    for handler in (
        # Without the one for redirects; a proxy has no business with this computer's own addresses.
        urllib.request.ProxyHandler({} if is_loopback(address) else None),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    data = None if form is None else urlencode(form).encode()
    request = urllib.request.Request(address, data, {"Accept": "application/json"})  # noqa: S310 - checked
    try:
        try:
            with opener.open(request, timeout=TIMEOUT_S) as answer:
                status, body = answer.status, answer.read(MAX_ANSWER_BYTES + 1)
        except urllib.error.HTTPError as error:
            with error:
                status, body = error.code, error.read(MAX_ANSWER_BYTES + 1)
    except (OSError, http.client.HTTPException) as error:
        raise _unavailable(address, str(error) or type(error).__name__) from None
    if len(body) > MAX_ANSWER_BYTES:
        raise _unavailable(address, f"its answer is longer than {MAX_ANSWER_BYTES} bytes")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise _unavailable(address, f"its answer (status {status}) is no JSON object")
    return status, document


def _unavailable(address: str, why: str) -> UnavailableError:
    return UnavailableError(
        f"the issuer does not answer at {address}: {why}",
        hint="Check the address and the network, then try again.",
        code="unavailable.oidc",
    )
