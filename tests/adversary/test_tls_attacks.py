"""Attacks below gRPC, on a served node and on a relay, each in its own process: the handshake, and before it.

Whoever has no certificate of the coalition gets no further than the handshake, and keeps nobody else out.
"""

import asyncio
import contextlib
import resource
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from grpc_health.v1 import health_pb2, health_pb2_grpc

from forged_certificates import WRONG, leaf, names_of, of_another_authority, self_signed, wrong_leaf
from lying_member import answering
from processes import wait_until
from real_nodes import ALPHA, BETA, MALLORY, PURPOSES, SHARED, Nodes, asking, two_nodes
from relays import RELAY, RelayProcess, relay_process
from symbolon.api.relay.v1 import relay_pb2
from symbolon.cli.local_coalition import COALITION
from symbolon.errors import UnavailableError
from symbolon.membership.acts import Admit
from symbolon.membership.certificates import certificate_fingerprint, tls_target_name
from symbolon.membership.member import MemberId
from symbolon.rpc.channel import listed_certificate, pinned_channel
from symbolon.rpc.node import LEAF_FILE, LEAF_KEY_FILE, Node
from symbolon.rpc.server import HANDSHAKE_S

import grpc  # isort: skip - after symbolon.rpc, which sets the cipher list

SERVERS = ("node", "relay")
SHADOW = "shadow-co"
HOLDING = 40
"""Connections that one attacker holds; see also the test that takes all of a process's files."""


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with two_nodes() as both:
        both.add(RELAY)
        yield both


@pytest.fixture(scope="module")
def relay(nodes: Nodes) -> Iterator[RelayProcess]:
    with relay_process(nodes) as running:
        yield running


@pytest.fixture(scope="module")
def servers(nodes: Nodes, relay: RelayProcess) -> dict[str, "Server"]:
    return {
        "node": Server(nodes, BETA, nodes.endpoint(BETA), nodes.processes[BETA].pid),
        "relay": Server(nodes, RELAY, relay.endpoint, relay.process.pid),
    }


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest, servers: dict[str, "Server"]) -> "Server":
    return servers[request.param]


class Server:
    """What is attacked."""

    def __init__(self, nodes: Nodes, member: str, address: str, pid: int) -> None:
        self._nodes = nodes
        self.name = tls_target_name(member, COALITION)
        self.address = address
        self.pid = pid

    def connect(self) -> socket.socket:
        """A connection on which nothing was said."""
        host, _, port = self.address.rpartition(":")
        return socket.create_connection((host, int(port)), timeout=20)

    @contextlib.contextmanager
    def channel(self, credentials: tuple[bytes | None, bytes | None]) -> Iterator[grpc.Channel]:
        options = (
            ("grpc.ssl_target_name_override", self.name),
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.enable_retries", 0),
        )
        tls = grpc.ssl_channel_credentials(self._nodes.authorities, *credentials)
        with grpc.secure_channel(self.address, tls, options) as opened:
            yield opened

    def answers(self, credentials: tuple[bytes | None, bytes | None] | None = None) -> str:
        """How a new connection is answered; by default a member's."""
        with self.channel(credentials or self._nodes.credentials(ALPHA)) as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            return stub.Check.future(health_pb2.HealthCheckRequest(), timeout=20).code().name  # type: ignore[no-any-return]

    def context(self) -> ssl.SSLContext:
        """Python's own TLS with a member's good certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=self._nodes.authorities.decode())
        home = self._nodes.home(MALLORY)
        context.load_cert_chain(home / LEAF_FILE, home / LEAF_KEY_FILE)
        context.set_alpn_protocols(["h2"])
        return context

    def handshake(self, version: ssl.TLSVersion) -> str | None:
        """A handshake of one version up to the first word of the server; the version it ended in."""
        context = self.context()
        context.minimum_version = context.maximum_version = version
        # Whatever this library still has for TLS 1.2: a refusal must be the server's.
        context.set_ciphers("ALL:@SECLEVEL=0")
        with self.connect() as plain, context.wrap_socket(plain, server_hostname=self.name) as secure:
            if not secure.recv(1):
                raise ConnectionResetError("the server closed without a word")
            return secure.version()


# What is shown in the handshake


def test_tls_1_2_with_a_members_certificate_fails_in_the_handshake(server: Server) -> None:
    assert server.handshake(ssl.TLSVersion.TLSv1_3) == "TLSv1.3"
    with pytest.raises((ssl.SSLError, ConnectionError)) as caught:
        server.handshake(ssl.TLSVersion.TLSv1_2)
    assert "CERTIFICATE_VERIFY" not in str(caught.value)


def test_tls_1_2_spoken_by_who_is_dialled_is_refused_by_the_one_who_asks(nodes: Nodes) -> None:
    """Somebody in between, or a thief of a member's key, offers the older version."""
    address = nodes.endpoint(BETA)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.load_cert_chain(nodes.home(BETA) / LEAF_FILE, nodes.home(BETA) / LEAF_KEY_FILE)
    context.set_alpn_protocols(["h2"])
    said: list[str] = []

    def downgrade(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                plain, _ = listener.accept()
                try:
                    with context.wrap_socket(plain, server_side=True) as secure:
                        said.append(f"agreed on {secure.version()}")
                except ssl.SSLError as error:
                    said.append(str(error.reason))

    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        running = pool.submit(downgrade, listener)
        nodes.move(BETA, f"127.0.0.1:{listener.getsockname()[1]}")
        try:
            nodes.run(ALPHA, *asking(BETA, PURPOSES[1]), code=75)
        finally:
            nodes.move(BETA, address)
            listener.shutdown(socket.SHUT_RDWR)
        running.result()
    assert said
    assert not [each for each in said if each.startswith("agreed")], said
    assert nodes.states(ALPHA, PURPOSES[1]) == []
    assert nodes.quick_match(ALPHA, BETA, PURPOSES[1]).ids() == SHARED


@pytest.mark.parametrize("caller", ["no certificate", "self-signed", "wrong authority", "expired leaf"])
def test_relay_caller_without_a_certificate_of_the_coalition_ends_in_the_handshake(
    nodes: Nodes, servers: dict[str, Server], caller: str
) -> None:
    server = servers["relay"]
    credentials: tuple[bytes | None, bytes | None] = {
        "no certificate": lambda: (None, None),
        "self-signed": self_signed,
        "wrong authority": of_another_authority,
        "expired leaf": lambda: leaf(nodes, names_of(ALPHA), days=-1),
    }[caller]()
    assert server.answers(credentials) == "UNAVAILABLE"
    assert relay_calls(server, credentials) == {"UNAVAILABLE"}
    assert server.answers() == "OK"


@pytest.mark.parametrize("trick", WRONG)
def test_relay_caller_with_a_signed_but_wrong_certificate_is_refused_every_call(
    nodes: Nodes, relay: RelayProcess, servers: dict[str, Server], trick: str
) -> None:
    server = servers["relay"]
    refusal = f"a caller was refused: {WRONG[trick]}\n"
    before = relay.log.count(refusal)
    assert relay_calls(server, wrong_leaf(nodes, trick)) == {"UNAUTHENTICATED"}
    wait_until(lambda: relay.log.count(refusal) == before + 3, "every refusal in the log")
    # The control: of a member they ask for what nobody said.
    assert relay_calls(server, nodes.credentials(ALPHA)) == {"INVALID_ARGUMENT", "UNAVAILABLE"}


def relay_calls(server: Server, credentials: tuple[bytes | None, bytes | None]) -> set[str]:
    """The statuses of all calls of a relay, on which one empty message is said."""
    statuses = set()
    (service,) = relay_pb2.DESCRIPTOR.services_by_name.values()
    with server.channel(credentials) as channel:
        for method in service.methods:
            call = channel.stream_stream(f"/{service.full_name}/{method.name}")(iter([b""]), timeout=20)
            with contextlib.suppress(grpc.RpcError):
                for _ in call:
                    pass
            statuses.add(call.code().name)
    return statuses


@pytest.fixture(scope="module")
def listed(nodes: Nodes) -> tuple[bytes, bytes]:
    """A key and a certificate that members.json lists, though no authority of the coalition signed it."""
    credentials = of_another_authority(SHADOW)
    like = nodes.founder.members.find(MALLORY)
    assert like is not None
    record = replace(
        like,
        member_id=MemberId(SHADOW),
        signing_key=Ed25519PrivateKey.generate().public_key().public_bytes_raw(),
        certificates=(certificate_fingerprint(credentials[1]),),
        changed=0,
    )
    nodes.founder.node.founding.propose([Admit(record, bytes(32), credentials[1], b"\0")])
    nodes.coalition.publish()
    return credentials


def test_listed_certificate_of_another_authority_ends_in_the_handshake(
    nodes: Nodes, server: Server, listed: tuple[bytes, bytes]
) -> None:
    """The fingerprint is right, and the member in good standing; TLS asks who signed it."""
    today = nodes.founder.node.now.date()
    nodes.founder.members.require_certificate(SHADOW, certificate_fingerprint(listed[1]), today)
    assert server.answers(listed) == "UNAVAILABLE"
    assert server.answers() == "OK"


def test_listed_certificate_of_another_authority_is_not_believed_by_who_dials_it(
    nodes: Nodes, listed: tuple[bytes, bytes]
) -> None:
    with Node(nodes.home(ALPHA)) as node, answering(listed, lambda _: iter(())) as shadow:

        async def dial() -> None:
            async with pinned_channel(node, SHADOW, shadow.address, listed_certificate(node)):
                raise AssertionError("believed")

        with pytest.raises(UnavailableError) as caught:
            asyncio.run(dial())
    assert "shows a wrong certificate" in caught.value.detail


# Who does not come to the end of it


def silent(server: Server) -> socket.socket:
    return server.connect()


def half_a_hello(server: Server) -> socket.socket:
    opened = server.connect()
    # A TLS record that says it is longer than what follows.
    opened.sendall(bytes.fromhex("16030102000100") + bytes(32))
    return opened


def no_word_after_tls(server: Server) -> socket.socket:
    """A member, this one: the handshake ends well, and no HTTP/2 follows."""
    return server.context().wrap_socket(server.connect(), server_hostname=server.name)


def drip(server: Server) -> socket.socket:
    """A hello of one byte a second: never silent."""
    outgoing, opened = ssl.MemoryBIO(), server.connect()
    begun = server.context().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=server.name)
    with contextlib.suppress(ssl.SSLWantReadError):
        begun.do_handshake()
    hello = outgoing.read()

    def say() -> None:
        with contextlib.suppress(OSError):
            for byte in hello:
                opened.sendall(bytes([byte]))
                time.sleep(1)

    threading.Thread(target=say, daemon=True).start()
    return opened


def ended(opened: socket.socket, by_s: float) -> bool:
    """Whether the server ends a connection by then."""
    opened.settimeout(max(0.1, by_s - time.monotonic()))
    try:
        while opened.recv(4096):
            pass
    except TimeoutError:
        return False
    except OSError:
        pass
    return True


SLOW = (silent, half_a_hello, drip, no_word_after_tls)


Outcomes = dict[tuple[Any, ...], Future[None]]


def at_once(attack: Callable[..., None], *what: Iterable[Any]) -> Outcomes:
    """Attacks with every combination, all at once: each waits until a handshake's time is over."""
    cases = list(product(*what))
    with ThreadPoolExecutor(len(cases)) as pool:
        return {case: pool.submit(attack, *case) for case in cases}


@pytest.fixture(scope="module")
def slow_lorises(servers: dict[str, Server]) -> Outcomes:
    return at_once(hold, servers.values(), SLOW)


def hold(server: Server, slow: Callable[[Server], socket.socket]) -> None:
    with contextlib.ExitStack() as stack:
        begin = time.monotonic()
        holding = [stack.enter_context(contextlib.closing(slow(server))) for _ in range(HOLDING)]
        assert server.answers() == "OK"
        assert time.monotonic() - begin < HANDSHAKE_S
        assert all(ended(each, begin + HANDSHAKE_S + 8) for each in holding)
        assert server.answers() == "OK"


@pytest.mark.parametrize("slow", SLOW)
def test_slow_loris_in_the_handshake_loses_its_connections_and_keeps_nobody_out(
    server: Server, slow: Callable[[Server], socket.socket], slow_lorises: Outcomes
) -> None:
    slow_lorises[server, slow].result()


@pytest.fixture(scope="module")
def floods(servers: dict[str, Server]) -> Outcomes:
    return at_once(flood, servers.values())


def flood(server: Server) -> None:
    _, most = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
    open_now = open_files(server.pid)
    before = resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (open_now + 30, most))
    try:
        with contextlib.ExitStack() as stack:
            for _ in range(50):
                stack.enter_context(contextlib.closing(server.connect()))
            wait_until(lambda: open_files(server.pid) >= open_now + 20, "the flood")
            assert open_files(server.pid) <= open_now + 30
            # The attacker still holds all of its ends when members are answered again.
            wait_until(lambda: server.answers() == "OK", "an answer")
    finally:
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, before)
    assert server.answers() == "OK"


def test_flood_of_connections_takes_all_files_of_a_process_for_no_longer_than_a_handshake(
    server: Server, floods: Outcomes
) -> None:
    floods[(server,)].result()


def open_files(pid: int) -> int:
    """How many files a process has open, sockets among them."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
