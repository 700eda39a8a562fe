"""An OpenID Connect issuer on loopback: discovery, device authorization (RFC 8628), tokens, key set.

A person "signs in" by `approve(user_code, subject)`; what it answers can be bent for attacks.
"""

import base64
import contextlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

CLIENT_ID = "symbolon-mill"


def number(value: int, length: int) -> str:
    return base64.urlsafe_b64encode(value.to_bytes(length)).rstrip(b"=").decode()


class Signer:
    """A key of the issuer."""

    def __init__(self, algorithm: str = "ES256", kid: str = "key-1", *, bits: int = 2048) -> None:
        self.algorithm, self.kid = algorithm, kid
        self.key: Any
        if algorithm == "ES256":
            self.key = ec.generate_private_key(ec.SECP256R1())
            point = self.key.public_key().public_numbers()
            public = {"kty": "EC", "crv": "P-256", "x": number(point.x, 32), "y": number(point.y, 32)}
        else:
            self.key = rsa.generate_private_key(65537, bits)
            numbers = self.key.public_key().public_numbers()
            public = {"kty": "RSA", "n": number(numbers.n, bits // 8), "e": number(numbers.e, 3)}
        self.jwk = {**public, "kid": kid, "use": "sig", "alg": algorithm}

    def token(self, claims: dict[str, Any], **header: Any) -> str:
        return jwt.encode(claims, self.key, self.algorithm, {"kid": self.kid, **header})


class Issuer:
    """What stands behind the addresses."""

    def __init__(self) -> None:
        self.address = ""
        self.signer = Signer()
        self.keys = [self.signer.jwk]
        self.metadata: dict[str, Any] = {}
        self.claims: dict[str, Any] = {}
        self.interval_s = 1
        self.errors: list[str] = []
        """Answered to the next polls, before anything else."""
        self.token_of: Callable[[dict[str, Any]], str] = lambda claims: self.signer.token(claims)
        self.asked = threading.Event()
        self.user_codes: list[str] = []
        self._pending: dict[str, dict[str, str]] = {}
        self._subjects: dict[str, str] = {}

    def approve(self, user_code: str, subject: str) -> None:
        """A person enters the code in its browser, signed in as `subject`."""
        self._subjects[user_code] = subject

    def get(self, path: str) -> tuple[int, Any]:
        if path == "/.well-known/openid-configuration":
            return 200, {
                "issuer": self.address,
                "device_authorization_endpoint": f"{self.address}/device",
                "token_endpoint": f"{self.address}/token",
                "jwks_uri": f"{self.address}/keys",
                **self.metadata,
            }
        if path == "/keys":
            return 200, {"keys": self.keys}
        return 404, {"error": "not_found"}

    def post(self, path: str, form: dict[str, str]) -> tuple[int, Any]:
        if form.get("client_id") != CLIENT_ID:
            return 401, {"error": "invalid_client"}
        if path == "/device":
            device_code, user_code = secrets.token_hex(16), f"CODE-{secrets.token_hex(2).upper()}"
            self._pending[device_code] = {"user_code": user_code, "nonce": form.get("nonce", "")}
            self.user_codes.append(user_code)
            self.asked.set()
            return 200, {
                "device_code": device_code,
                "user_code": user_code,
                "verification_uri": f"{self.address}/activate",
                "expires_in": 60,
                "interval": self.interval_s,
            }
        if path != "/token" or form.get("grant_type") != "urn:ietf:params:oauth:grant-type:device_code":
            return 400, {"error": "unsupported_grant_type"}
        if self.errors:
            return 400, {"error": self.errors.pop(0)}
        device = self._pending.get(form.get("device_code", ""))
        if device is None:
            return 400, {"error": "invalid_grant"}
        subject = self._subjects.get(device["user_code"])
        if subject is None:
            return 400, {"error": "authorization_pending"}
        now = int(time.time())
        claims = {
            "iss": self.address,
            "sub": subject,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": device["nonce"],
            **self.claims,
        }
        return 200, {"access_token": "unused", "token_type": "Bearer", "id_token": self.token_of(claims)}


@contextlib.contextmanager
def running_issuer() -> Iterator[Issuer]:
    """An issuer that answers until the end of the block."""
    issuer = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(*issuer.get(self.path))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._answer(*issuer.post(self.path, {name: each[0] for name, each in parse_qs(body).items()}))

        def _answer(self, status: int, document: Any) -> None:
            body = document if isinstance(document, bytes) else json.dumps(document).encode()
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", f"{issuer.address}/keys")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
