"""A channel to a member that trusts one certificate: the one it shows, if that is the member's.

TLS verifies that a certificate is of the coalition and in the member's name. It cannot tell one that was
renewed away, whose key may be in other hands, and gRPC does not show what it verified. So a handshake of our
own looks at the certificate first and holds it against the coalition's metadata; the channel then trusts this
one certificate and no other.
"""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Final

import grpc

from symbolon.errors import UnavailableError
from symbolon.membership.certificates import PeerIdentity, peer_identity, tls_target_name
from symbolon.rpc.dial import CONNECT_S, channel_options, client_context, grpc_address, shown_certificate
from symbolon.rpc.node import Node

_HANDSHAKES: Final = ThreadPoolExecutor(16, "handshake")
"""Threads of their own: each waits up to `CONNECT_S` for a machine that is off, and in the few threads of the
event loop every caller of this node would wait with it. Twice what asks at a time."""


def listed_certificate(node: Node) -> Callable[[PeerIdentity], object]:
    """The judgement of `pinned_channel` that holds a certificate against the member list in force."""
    return lambda shown: node.directory.require(shown.member_id, shown.fingerprint, node.now)


@asynccontextmanager
async def pinned_channel(
    node: Node, member_id: str, target: str, judge: Callable[[PeerIdentity], object]
) -> AsyncIterator[grpc.aio.Channel]:
    """Opens a channel that trusts one certificate: the one shown at the target, if it is the member's.

    Args:
        node: this node.
        member_id: whose certificate it has to be.
        target: `host:port`, or `unix:` and the path of a socket.
        judge: decides whether this certificate speaks for the member now; raises `MembershipError`.

    Raises:
        MembershipError: the certificate has another form than a member's, or what `judge` raises.
        UnavailableError: no handshake within `CONNECT_S`.
    """
    credentials = node.credentials
    name = tls_target_name(member_id, node.config.node.coalition)
    end = time.monotonic() + CONNECT_S
    try:
        loop = asyncio.get_running_loop()
        leaf = await loop.run_in_executor(_HANDSHAKES, _shown, node, target, name)
    except ssl.SSLCertVerificationError as error:
        raise _unreachable(member_id, f"shows a wrong certificate: {error.verify_message}") from None
    except TimeoutError:
        raise _unreachable(member_id, f"did not complete a handshake within {CONNECT_S:g} s") from None
    except OSError as error:
        raise _unreachable(member_id, f"cannot be reached: {error.strerror or error}") from None
    judge(peer_identity(leaf, node.config.node.coalition, now=node.now))
    tls = grpc.ssl_channel_credentials(leaf, credentials.private_key, credentials.certificate)
    async with grpc.aio.secure_channel(grpc_address(target), tls, channel_options(name)) as channel:
        try:
            async with asyncio.timeout(max(0.0, end - time.monotonic())):
                await channel.channel_ready()
        except TimeoutError:
            raise _unreachable(member_id, f"did not complete a handshake within {CONNECT_S:g} s") from None
        yield channel


def _unreachable(member_id: str, why: str) -> UnavailableError:
    hint = f"Try again; nothing was lost. `symbolon doctor {member_id}` looks closer."
    return UnavailableError(f"{member_id} {why}", hint=hint)


def _shown(node: Node, target: str, name: str) -> bytes:
    """The certificate, PEM, that a server shows to this node, and that is of its coalition."""
    context = client_context()
    context.load_verify_locations(cadata=node.credentials.authorities.decode("ascii"))
    node.leaf_files.load_into(context)
    return shown_certificate(context, target, name)
