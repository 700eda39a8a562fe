"""Why a peer does not answer: one probe after the other, from the address to the permission.

gRPC reports a closed port, a wrong authority, an expired certificate and an absent one all as UNAVAILABLE.
So the probes before gRPC use plain sockets and Python's `ssl`:
1. the address resolves and the port is open;
2. TLS 1.3 is spoken there, without showing our certificate to anybody unproven;
3. the certificate presented there is looked at, whether or not it verifies: authority, time, member, listing;
4. TLS 1.2 is refused, and the hybrid post-quantum group is wanted;
5. our certificate is accepted, over a connection that is verified in full;
6. gRPC: the peer takes this node for a member, and permits what this node's configuration asks for.

A probe that fails ends the row, except where the next one is independent. A peer that is reached through
relays only has no port of its own: steps 1 to 5 are made at its relays, in its order, until one passes them
all, and step 6 through the relays as every session goes.
Specification: DESIGN section "Membership and transport".
"""

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import Generator, Iterator, Sequence
from typing import Final

from symbolon.config import Config
from symbolon.errors import MembershipError
from symbolon.membership.certificates import load_certificate, verify_leaf
from symbolon.rpc.diagnosis_calls import call_peer
from symbolon.rpc.diagnosis_finding import (
    SOON_DAYS,
    Finding,
    State,
    Target,
    days_left,
    failed,
)
from symbolon.rpc.diagnosis_tls import X25519MLKEM768, group_name, group_wanted
from symbolon.rpc.dial import client_context, unverified
from symbolon.rpc.own_certificate import require_own

CONNECT_S: Final = 5.0
"""How long a host may take to open a connection, and for every step of a handshake."""

_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000")
"""What an HTTP/2 client says first: the preface and empty settings (RFC 9113 section 3.4)."""


def wait_for_port(address: tuple[str, int], seconds: float) -> None:
    """Waits until a port is open, at most so long; says nothing when it never is."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(address, min(1.0, seconds)):
            return
        time.sleep(0.2)


def probe(target: Target, config: Config) -> Iterator[Finding]:
    """Runs the steps of the module's docstring on a peer that has an endpoint.

    Args:
        target: the peer.
        config: this node's; its [[allow]] tables are asked about in the last step.
    """
    if (yield from _handshakes(target)):
        yield from asyncio.run(call_peer(target, config))


def probe_relays(relays: Sequence[Target]) -> Generator[Finding, None, bool]:
    """Runs steps 1 to 5 on the relays of a peer, until one passes.

    Args:
        relays: the preferred one first.

    Returns:
        Whether one did.
    """
    for relay in relays:
        if (yield from _handshakes(relay)):
            return True
    return False


def _handshakes(target: Target) -> Generator[Finding, None, bool]:
    found = _port(target)
    yield found
    if found.state is State.FAIL:
        return False
    found, presented = _tls(target)
    yield found
    if found.state is State.FAIL or presented is None:
        return False
    found = _presented(target, presented)
    yield found
    yield old_tls(target.address, target.name)
    yield wanted_group(target.address, target.name)
    if found.state is State.FAIL:
        return False
    found = _ours(target)
    yield found
    return found.state is State.OK


def presented_certificate(address: tuple[str, int], server_name: str) -> bytes | None:
    """The certificate, DER, that a port presents; None when it does not speak TLS 1.3.

    Raises:
        OSError: the port is closed or cannot be reached.
    """
    with _dial(address) as raw:
        try:
            with unverified().wrap_socket(raw, server_hostname=server_name) as wrapped:
                return wrapped.getpeercert(binary_form=True)
        except OSError:
            return None


def _port(target: Target) -> Finding:
    endpoint, peer = target.endpoint, target.peer.member_id
    try:
        with _dial(target.address):
            return Finding("port", State.OK, f"{endpoint} is open")
    except socket.gaierror as error:
        return failed(
            "port",
            "peer.address",
            f"the name of {endpoint} does not resolve ({error.strerror})",
            f"Check this machine's DNS; if the name is wrong, {peer} mends it by `symbolon coalition move`.",
        )
    except ConnectionRefusedError:
        return failed(
            "port",
            "peer.port.closed",
            f"the host answers, but nothing listens on {endpoint}",
            f"Ask the operator of {peer} to start `symbolon {target.command}`; if it listens elsewhere, "
            "`symbolon coalition move` there tells everybody.",
        )
    except OSError as error:
        reason = "no answer" if isinstance(error, TimeoutError) else error.strerror or type(error).__name__
        return failed(
            "port",
            "peer.unreachable",
            f"{endpoint} cannot be reached ({reason}, {CONNECT_S:g} s)",
            f"Ask the operator of {peer} whether the machine is on and its firewall lets the port through; "
            "perhaps a firewall on your side stops you from dialling out.",
        )


def _tls(target: Target) -> tuple[Finding, bytes | None]:
    """A handshake that verifies nothing and shows nothing, for the sake of the certificate presented."""
    context = unverified()
    try:
        with _dial(target.address) as raw, context.wrap_socket(raw, server_hostname=target.name) as wrapped:
            presented = wrapped.getpeercert(binary_form=True)
            protocol = wrapped.selected_alpn_protocol()
            open_door = _settings_come(wrapped) is None
    except TimeoutError:
        said = f"something listens there, but said nothing in {CONNECT_S:g} s"
        hint = (
            f"Try again; else ask the operator of {target.peer.member_id} whether the machine is asleep, or "
            f"something else than `symbolon {target.command}` has the port."
        )
        return failed("tls", "peer.silent", said, hint), None
    except ssl.SSLError as error:
        reason = (error.reason or "handshake failed").lower().replace("_", " ")
        if "protocol version" in reason or "unsupported protocol" in reason:
            return _not_tls(target, "peer.tls_version", f"it speaks TLS, but not TLS 1.3 ({reason})"), None
        return _not_tls(target, "peer.not_tls", f"what listens there does not speak TLS ({reason})"), None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return _not_tls(target, "peer.not_tls", f"the connection broke in the handshake ({reason})"), None
    if protocol != "h2":
        return _not_tls(target, "peer.not_grpc", "it speaks TLS 1.3, but not HTTP/2: no Symbolon node"), None
    if open_door:
        return Finding(
            "tls",
            State.WARN,
            "TLS 1.3 and HTTP/2, but callers without a certificate are let in",
            "A Symbolon node lets nobody in without one; something else may stand in between.",
            "peer.open",
        ), presented
    return Finding("tls", State.OK, "TLS 1.3 and HTTP/2; without a certificate nobody gets in"), presented


def _not_tls(target: Target, code: str, said: str) -> Finding:
    hint = f"Does {target.endpoint} lead to `symbolon {target.command}`, with no proxy before it?"
    return failed("tls", code, said, hint)


_JUDGEMENTS: Final = {
    "membership.certificate.issuer": (
        "peer.authority",
        "its certificate was not issued by an authority of this coalition",
        "Run `symbolon coalition sync`; if nothing changes, ask the operator of {peer} what answers there: "
        "it is of another coalition, or not who it says.",
    ),
    "membership.certificate.expired": (
        "peer.certificate.expired",
        "its certificate has expired",
        "Its operator asks a founder for `symbolon coalition invite {peer} --again --vetted-by NAME "
        "--criteria TEXT`. If it holds there, check this machine's clock.",
    ),
    "membership.certificate.not_yet_valid": (
        "peer.certificate.not_yet_valid",
        "its certificate is not valid yet",
        "Check this machine's clock; it seems to be behind.",
    ),
}


def _presented(target: Target, presented: bytes) -> Finding:
    """Judges the certificate that the peer presented."""
    peer = target.peer.member_id
    try:
        identity = verify_leaf(presented, target.authorities, target.coalition, now=target.now)
    except MembershipError as error:
        code, said, hint = _JUDGEMENTS.get(
            error.full_code,
            (
                "peer.certificate",
                f"its certificate is not a member's: {error.detail}",
                f"Ask its operator which certificate `symbolon {target.command}` uses there.",
            ),
        )
        if code.endswith("expired"):
            said += f" ({_until(presented)})"
        return failed("certificate", code, said, hint.format(peer=peer))
    if identity.member_id != peer:
        return failed(
            "certificate",
            "peer.other_member",
            f"{target.endpoint} is {identity.member_id}, not {peer}",
            f"Tell the operator of {peer}, who names the right place by `symbolon coalition move`.",
        )
    if not target.peer.owns(identity.fingerprint):
        return failed(
            "certificate",
            "peer.certificate.unlisted",
            f"the certificate of {peer} is genuine, but not one that our metadata lists",
            "One side holds an older state or an older certificate: run `symbolon coalition sync` here.",
        )
    left = days_left(load_certificate(presented).not_valid_after_utc, target.now)
    said = f"it is {peer}, as listed; its certificate has {left} days left"
    if left < SOON_DAYS:
        hint = f"Remind the operator of {peer} of `symbolon coalition rotate certificate`."
        return Finding("certificate", State.WARN, said, hint, "peer.certificate.soon")
    return Finding("certificate", State.OK, said)


def old_tls(address: tuple[str, int], server_name: str) -> Finding:
    """Tries TLS 1.2, which must fail."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["h2"])
    try:
        with _dial(address) as raw, context.wrap_socket(raw, server_hostname=server_name):
            return failed(
                "tls version",
                "peer.tls_1_2",
                "TLS 1.2 is accepted",
                "Something other than `symbolon serve` ends TLS there.",
            )
    except ssl.SSLError:
        return Finding("tls version", State.OK, "TLS 1.3 only: TLS 1.2 is refused in the handshake")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return Finding("tls version", State.UNKNOWN, f"TLS 1.2 could not be tried ({reason})")


def wanted_group(address: tuple[str, int], server_name: str) -> Finding:
    """Asks which key exchange a server wants from a client that offers the hybrid one."""
    try:
        with _dial(address) as raw:
            group = group_wanted(raw, server_name)
    except OSError:
        group = None
    if group is None:
        return Finding("key exchange", State.UNKNOWN, "it does not tell which key exchange it wants")
    if group == X25519MLKEM768:
        return Finding("key exchange", State.OK, "post-quantum: X25519MLKEM768 is wanted")
    return Finding(
        "key exchange",
        State.WARN,
        f"{group_name(group)} is wanted, which a quantum computer could break later",
        "grpcio 1.85 or newer on that side agrees on X25519MLKEM768.",
        "peer.group",
    )


def _ours(target: Target) -> Finding:
    """Shows our certificate to the peer, which has proven itself in the step before."""
    check, peer = "our certificate", target.peer.member_id
    context = client_context()
    try:
        context.load_verify_locations(cadata=target.authorities.decode("ascii"))
        target.leaf.load_into(context)
    except (OSError, ValueError, MembershipError) as error:
        why = "missing" if isinstance(error, FileNotFoundError) else "not usable"
        said = f"not shown to {peer}: our certificate or its key is {why}"
        return Finding(check, State.UNKNOWN, said, code="peer.ours.missing")
    try:
        with _dial(target.address) as raw, context.wrap_socket(raw, server_hostname=target.name) as wrapped:
            refused = _settings_come(wrapped)
    except OSError as error:
        refused = getattr(error, "reason", None) or error.strerror or type(error).__name__
    if refused is None:
        return Finding(check, State.OK, f"{peer} accepts it in the handshake")
    try:
        certificate = target.leaf.certificate.read_bytes()
        require_own(certificate, target.authorities, target.coalition, target.own, target.now)
    except MembershipError as error:
        code = error.full_code.replace("membership.certificate", "peer.ours")
        return failed(check, code, f"{peer} refuses it: {error.detail}", error.hint or "")
    return failed(
        check,
        "peer.ours.refused",
        f"{peer} refuses it in the handshake, though it is valid here ({refused.lower().replace('_', ' ')})",
        f"{peer} holds another state of the coalition, or its clock is wrong; `symbolon doctor` there tells.",
    )


def _settings_come(wrapped: ssl.SSLSocket) -> str | None:
    """Waits for the server's first HTTP/2 frame. A server that refuses our certificate ends here, not before.

    Returns:
        None when the frame came, else how it refused.
    """
    try:
        wrapped.sendall(_PREFACE)
        return None if wrapped.recv(9) else "closed"
    except TimeoutError:
        return "silent"
    except ssl.SSLError as error:
        return error.reason or "closed"
    except OSError as error:
        return error.strerror or "closed"


@contextlib.contextmanager
def _dial(address: tuple[str, int]) -> Iterator[socket.socket]:
    with socket.create_connection(address, CONNECT_S) as connection:
        yield connection


def _until(certificate: bytes) -> str:
    return f"{load_certificate(certificate).not_valid_after_utc:%Y-%m-%d %H:%M} UTC"
