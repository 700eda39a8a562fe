"""Who is calling, step by step, and the guard that asks again at each message of a call.

Whole connections to real nodes are tried in tests/adversary.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from coalition_founders import Repository, store_of
from coalition_members import (
    ACME,
    BIRCH,
    CEDAR,
    COALITION,
    DELTA,
    NOW,
    TERMS,
    invitation_code,
    member,
    vetting,
)
from symbolon.api.exchange.v1 import exchange_pb2
from symbolon.api.membership.v1 import membership_pb2
from symbolon.errors import MembershipError, SymbolonError
from symbolon.membership.certificates import (
    LEAF_VALIDITY,
    certificate_fingerprint,
    issue_leaf,
    make_root,
    tls_target_name,
)
from symbolon.membership.coalition_directory import CoalitionDirectory
from symbolon.membership.due_diligence import Acceptance, DueDiligence
from symbolon.membership.invitation_identity import invitation_authority, invited_leaf
from symbolon.membership.member_record import Expelled, MemberRecord, Role, Status
from symbolon.rpc.identity import (
    INVITED_METHODS,
    LAPSED_METHODS,
    Callers,
    MemberInterceptor,
    caller,
    invited,
)
from symbolon.rpc.status import CODE_KEY

import grpc  # isort: skip - after symbolon.rpc, which sets the cipher list

SERVICE = membership_pb2.DESCRIPTOR.services_by_name["MembershipService"].full_name
ASK = "/symbolon.api.exchange.v1.ExchangeService/Ask"
GET_METADATA, JOIN = f"/{SERVICE}/GetMetadata", f"/{SERVICE}/Join"
METHODS = [
    f"/{service.full_name}/{method.name}"
    for file in (exchange_pb2, membership_pb2)
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
] + ["/grpc.health.v1.Health/Check", "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"]
NEWCOMER = "elder-co"


class Scene:
    """A coalition of four, a node in it, and what gRPC tells that node of a connection."""

    def __init__(self, folder: Path, now: datetime = NOW) -> None:
        self.now = now
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.root = make_root(COALITION, self._key, now)
        self.keys: dict[str, tuple[bytes, bytes]] = {}
        self.invitations = b""
        self.repository = Repository(now=now)
        self.repository.authorities = self.root
        self.repository.publish(members=tuple(map(self.record, (ACME, BIRCH, CEDAR, DELTA))))
        self.store = store_of(folder, self.repository)
        directory = CoalitionDirectory(self.store, lambda: self.now)
        self.callers = Callers(directory, COALITION, lambda: self.now, lambda: self.invitations)

    def record(self, name: str) -> MemberRecord:
        """A member in good standing with a new leaf."""
        today = self.now.date()
        roles = (Role.FOUNDER,) if name in (ACME, BIRCH, CEDAR) else ()
        vetted = vetting(on=today, lapses=today + timedelta(days=500))
        due_diligence = DueDiligence(Acceptance(TERMS, today, "B. Okoro"), vetted, today)
        fingerprint = certificate_fingerprint(self.issue(name)[1])
        return member(name, roles, certificates=(fingerprint,), due_diligence=due_diligence)

    def issue(self, name: str, coalition: str = COALITION) -> tuple[bytes, bytes]:
        """A key and a leaf that the coalition's own authority signed."""
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = issue_leaf(
            name, coalition, key.public_key(), root_key=self._key, root_pem=self.root, now=self.now
        )
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self.keys[name] = pem, leaf
        return pem, leaf

    def change(self, name: str, **changes: Any) -> None:
        """The next state, in which a member's entry is another."""
        present = self.repository.members.members
        members = tuple(replace(each, **changes) if each.member_id == name else each for each in present)
        self.store.absorb(self.repository.publish(members=members))

    def expel(self, name: str) -> None:
        """The next state, in which a member is expelled."""
        present = self.repository.members.members
        members = tuple(each for each in present if each.member_id != name)
        former = Expelled(present[-1].member_id, self.now.date(), "sold data")
        assert former.member_id == name
        self.store.absorb(self.repository.publish(members=members, expelled=(former,)))

    def invite(self, name: str = NEWCOMER) -> tuple[bytes, bytes]:
        """An open invitation; the key and the leaf of who holds its code."""
        code = replace(invitation_code(name), expires=self.now + timedelta(hours=1))
        self.invitations = invitation_authority(code, self.now)
        return tuple(invited_leaf(code, self.now))  # type: ignore[return-value]

    def identify(self, *certificates: bytes, method: str = ASK, tls: bytes | None = None) -> str:
        """Who that is, or the code of the refusal."""
        auth: dict[str, list[bytes]] = {"x509_pem_cert": list(certificates)}
        if tls is not None:
            auth["ssl_tls_version"] = [tls]
        try:
            who = self.callers.identify(auth, method)
        except MembershipError as error:
            return error.full_code
        return f"{'member' if isinstance(who, MemberRecord) else 'invited'} {who.member_id}"


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path / "coalition")


def lapse(scene: Scene, how: str) -> str:
    """Lets the records of `DELTA` lapse in one way; the code that follows from it."""
    due_diligence = scene.repository.members.find(DELTA).due_diligence  # type: ignore[union-attr]
    long_ago = scene.now.date() - timedelta(days=400)
    changed = {
        "terms": replace(due_diligence, acceptance=Acceptance("2020-1", long_ago, "B. Okoro")),
        "vetting": replace(due_diligence, vetting=vetting(on=long_ago, lapses=scene.now.date())),
        "attestation": replace(due_diligence, attested=long_ago),
    }[how]
    scene.change(DELTA, due_diligence=changed)
    return f"membership.lapsed.{how}"


# Identity


def test_caller_with_its_certificate_is_the_member_at_every_method_but_join(scene: Scene) -> None:
    _, leaf = scene.keys[DELTA]
    assert len(METHODS) >= 12
    found = {method: scene.identify(leaf, method=method) for method in METHODS}
    assert found.pop(JOIN) == "membership.duplicate"
    assert set(found.values()) == {"member delta"}
    assert scene.identify(leaf, tls=b"TLSv1.3") == "member delta"


def test_caller_without_a_certificate_is_refused(scene: Scene) -> None:
    assert {scene.identify(method=method) for method in METHODS} == {"membership.certificate"}


def test_caller_with_two_certificates_is_refused(scene: Scene) -> None:
    _, leaf = scene.keys[DELTA]
    assert scene.identify(leaf, leaf) == "membership.certificate"


@pytest.mark.parametrize("version", [b"TLSv1.2", b"TLSv1", b"", b"unknown"])
def test_caller_over_an_older_tls_is_refused(scene: Scene, version: bytes) -> None:
    assert scene.identify(scene.keys[DELTA][1], tls=version) == "membership.tls_version"
    assert scene.identify(scene.invite()[1], method=JOIN, tls=version) == "membership.tls_version"


@pytest.mark.parametrize("certificate", [b"", b"not a certificate", b"-----BEGIN CERTIFICATE-----\n!!\n"])
def test_caller_with_a_certificate_that_is_none_is_refused(scene: Scene, certificate: bytes) -> None:
    assert scene.identify(certificate) == "membership.certificate.malformed"


def test_caller_of_another_coalition_is_refused(scene: Scene, tmp_path: Path) -> None:
    other = Scene(tmp_path / "other")
    # What no founder signed is read as an invitation's leaf, which has another path.
    assert scene.identify(other.keys[DELTA][1]) == "membership.certificate.path"
    # The same authority, for a coalition of another name.
    assert scene.identify(scene.issue(DELTA, "other-hands")[1]) == "membership.certificate.trust_domain"


def test_caller_whose_certificate_has_expired_is_refused(scene: Scene) -> None:
    _, leaf = scene.keys[DELTA]
    scene.now += LEAF_VALIDITY + timedelta(days=1)
    assert scene.identify(leaf) == "membership.certificate.expired"


def test_caller_with_a_certificate_that_is_not_listed_is_refused(scene: Scene) -> None:
    assert scene.identify(scene.issue(DELTA)[1]) == "membership.fingerprint"
    assert scene.identify(scene.issue("nobody-co")[1]) == "membership.unknown"


def test_caller_that_was_expelled_is_refused_at_its_next_call(scene: Scene) -> None:
    _, leaf = scene.keys[DELTA]
    assert scene.identify(leaf) == "member delta"
    scene.expel(DELTA)
    refused = {scene.identify(leaf, method=method) for method in METHODS} - {"membership.duplicate"}
    assert refused == {"membership.expelled"}


def test_caller_while_no_state_holds_is_refused(scene: Scene) -> None:
    _, leaf = scene.keys[DELTA]
    scene.now += timedelta(days=8)
    assert scene.identify(leaf) == scene.identify(leaf, method=GET_METADATA) == "membership.expired"


# Invited callers


def test_invited_caller_is_let_into_two_methods_alone(scene: Scene) -> None:
    _, leaf = scene.invite()
    found = {method: scene.identify(leaf, method=method) for method in METHODS}
    assert {method for method, who in found.items() if who == f"invited {NEWCOMER}"} == INVITED_METHODS
    assert {GET_METADATA, JOIN} == INVITED_METHODS
    assert {who for method, who in found.items() if method not in INVITED_METHODS} == {
        "membership.invitation.only"
    }


def test_invited_caller_whose_invitation_closed_is_refused_both_methods(scene: Scene) -> None:
    _, leaf = scene.invite()
    scene.invitations = b""
    assert {scene.identify(leaf, method=each) for each in INVITED_METHODS} == {
        "membership.certificate.issuer"
    }


def test_invited_caller_after_the_end_of_its_code_is_refused(scene: Scene) -> None:
    _, leaf = scene.invite()
    scene.now += timedelta(hours=2)
    assert scene.identify(leaf, method=JOIN) == "membership.certificate.expired"


def test_invited_caller_in_the_name_of_a_member_is_not_that_member(scene: Scene) -> None:
    _, leaf = scene.invite(DELTA)
    assert scene.identify(leaf) == "membership.invitation.only"
    assert scene.identify(leaf, method=JOIN) == "invited delta"


# Lapsed members


@pytest.mark.parametrize("how", ["terms", "vetting", "attestation"])
def test_lapsed_member_is_let_into_what_mends_it_alone(scene: Scene, how: str) -> None:
    _, leaf = scene.keys[DELTA]
    code = lapse(scene, how)
    found = {method: scene.identify(leaf, method=method) for method in METHODS if method != JOIN}
    assert {method for method, who in found.items() if who == "member delta"} == LAPSED_METHODS
    assert {who for method, who in found.items() if method not in LAPSED_METHODS} == {code}
    assert ASK not in LAPSED_METHODS


def test_lapsed_member_that_is_suspended_too_is_refused_everywhere(scene: Scene) -> None:
    _, leaf = scene.keys[DELTA]
    lapse(scene, "vetting")
    scene.change(DELTA, status=Status.SUSPENDED, reason="vetting is disputed")
    refused = {scene.identify(leaf, method=method) for method in METHODS} - {"membership.duplicate"}
    assert refused == {"membership.suspended"}


def test_lapsed_member_with_another_certificate_is_refused_everywhere(scene: Scene) -> None:
    code = lapse(scene, "attestation")
    _, leaf = scene.issue(DELTA)
    refused = {scene.identify(leaf, method=method) for method in METHODS} - {"membership.duplicate"}
    assert refused == {code, "membership.fingerprint"}


# The guard, on a real connection


class Service:
    """Every kind of method; each tells whom it takes the caller for, at each message."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()
        self.seen: list[str] = []

    def who(self) -> bytes:
        member_, guest = caller.get(None), invited.get(None)
        said = f"{member_ and member_.member_id} {guest and guest.member_id}"
        self.seen.append(said)
        return said.encode()

    async def once(self, _request: bytes, _context: Any) -> bytes:
        before = self.who()
        await asyncio.sleep(0.05)
        assert before == self.who()
        return before

    async def many(self, _request: bytes, _context: Any) -> AsyncIterator[bytes]:
        while True:
            yield self.who()
            await asyncio.sleep(0.02)

    async def gather(self, requests: AsyncIterator[bytes], _context: Any) -> bytes:
        async for request in requests:
            self.heard.put_nowait(request)
        return self.who()

    async def talk(self, requests: AsyncIterator[bytes], _context: Any) -> AsyncIterator[bytes]:
        async for request in requests:
            self.heard.put_nowait(request)
            yield self.who()

    async def fail(self, _request: bytes, _context: Any) -> bytes:
        raise OSError("/home/ada/.symbolon/seal.key is gone")

    async def fail_late(self, _request: bytes, _context: Any) -> AsyncIterator[bytes]:
        yield b"one"
        raise OSError("/home/ada/.symbolon/seal.key is gone")

    async def write(self, requests: AsyncIterator[bytes], context: Any) -> None:
        async for request in requests:
            self.heard.put_nowait(request)
            await context.write(self.who())

    def handler(self) -> grpc.GenericRpcHandler:
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                "Submit": grpc.unary_unary_rpc_method_handler(self.once),
                "GetMetadata": grpc.unary_unary_rpc_method_handler(self.once),
                "Read": grpc.unary_unary_rpc_method_handler(
                    self.once, membership_pb2.AnnounceRequest.FromString
                ),
                "ReadMany": grpc.unary_stream_rpc_method_handler(
                    self.many, membership_pb2.AnnounceRequest.FromString
                ),
                "Fail": grpc.unary_unary_rpc_method_handler(self.fail),
                "FailLate": grpc.unary_stream_rpc_method_handler(self.fail_late),
                "Many": grpc.unary_stream_rpc_method_handler(self.many),
                "Gather": grpc.stream_unary_rpc_method_handler(self.gather),
                "Talk": grpc.stream_stream_rpc_method_handler(self.talk),
                "Write": grpc.stream_stream_rpc_method_handler(self.write),
            },
        )


class Connection:
    """Clients of a guarded server."""

    def __init__(self, scene: Scene, service: Service, port: int, noted: list[str]) -> None:
        self.scene, self.service, self.noted = scene, service, noted
        self._port = port

    @asynccontextmanager
    async def channel(self, identity: tuple[bytes, bytes]) -> AsyncIterator[grpc.aio.Channel]:
        options = (
            ("grpc.ssl_target_name_override", tls_target_name(ACME, COALITION)),
            ("grpc.use_local_subchannel_pool", 1),
        )
        tls = grpc.ssl_channel_credentials(self.scene.root, *identity)
        async with grpc.aio.secure_channel(f"127.0.0.1:{self._port}", tls, options) as channel:
            yield channel

    @asynccontextmanager
    async def member(self, name: str = DELTA) -> AsyncIterator[grpc.aio.Channel]:
        async with self.channel(self.scene.keys[name]) as channel:
            yield channel


def connected(
    tmp_path: Path, talk: Callable[[Connection], Coroutine[Any, Any, None]], invite: bool = False
) -> None:
    """Serves with the interceptor, by the machine's own clock, and lets a test talk to it."""

    async def run() -> None:
        scene = Scene(tmp_path / "coalition", datetime.now(UTC).replace(microsecond=0))
        guest = scene.invite() if invite else None
        service, noted = Service(), list[str]()
        server = grpc.aio.server(interceptors=(MemberInterceptor(scene.callers, noted.append),))
        server.add_generic_rpc_handlers((service.handler(),))
        trusted = scene.root + scene.invitations
        tls = grpc.ssl_server_credentials([scene.keys[ACME]], trusted, require_client_auth=True)
        port = server.add_secure_port("127.0.0.1:0", tls)
        await server.start()
        try:
            connection = Connection(scene, service, port, noted)
            if guest is not None:
                scene.keys[NEWCOMER] = guest
            async with asyncio.timeout(60):
                await talk(connection)
        finally:
            await server.stop(0)

    asyncio.run(run())


async def refusal(call: Any) -> tuple[str, str]:
    """The status and the stable code with which a call ends; what it said before is read away."""
    if hasattr(call, "read"):
        with contextlib.suppress(grpc.aio.AioRpcError):
            while await call.read() is not grpc.aio.EOF:
                pass
    status = await call.code()
    metadata = await call.trailing_metadata()
    return status.name, str(dict(metadata or ()).get(CODE_KEY, ""))


REFUSED = ("UNAUTHENTICATED", "membership.expelled")


def test_guard_member_expelled_while_it_only_reads_gets_no_further_message(tmp_path: Path) -> None:
    async def talk(connection: Connection) -> None:
        async with connection.member() as channel:
            call = channel.unary_stream(f"/{SERVICE}/Many")(b"")
            for _ in range(3):
                assert await call.read() == b"delta None"
            connection.scene.expel(DELTA)
            expelled_at = len(connection.service.seen)
            assert await refusal(call) == REFUSED
            # One message at most was on its way when the state changed.
            assert len(connection.service.seen) <= expelled_at + 1
        assert connection.noted == ["membership.expelled"]

    connected(tmp_path, talk)


@pytest.mark.parametrize("kind", ["Gather", "Talk", "Write"])
def test_guard_member_expelled_while_it_only_writes_is_heard_no_further(tmp_path: Path, kind: str) -> None:
    async def talk(connection: Connection) -> None:
        service = connection.service
        async with connection.member() as channel:
            make = channel.stream_unary if kind == "Gather" else channel.stream_stream
            call = make(f"/{SERVICE}/{kind}")()
            for said in (b"1", b"2", b"3"):
                await call.write(said)
                assert await service.heard.get() == said
            connection.scene.expel(DELTA)
            await call.write(b"4")
            assert await refusal(call) == REFUSED
            assert service.heard.empty()
        assert connection.noted == ["membership.expelled"]

    connected(tmp_path, talk)


def test_guard_member_whose_records_lapse_in_a_stream_gets_no_further(tmp_path: Path) -> None:
    async def talk(connection: Connection) -> None:
        async with connection.member() as channel:
            call = channel.unary_stream(f"/{SERVICE}/Many")(b"")
            assert await call.read() == b"delta None"
            # No new state: time has passed by this node's own clock.
            connection.scene.now += timedelta(days=501)
            assert await refusal(call) == ("UNAUTHENTICATED", "membership.expired")

    connected(tmp_path, talk)


def test_guard_other_members_go_on_when_one_is_expelled(tmp_path: Path) -> None:
    async def talk(connection: Connection) -> None:
        async with connection.member(BIRCH) as channel:
            call = channel.unary_stream(f"/{SERVICE}/Many")(b"")
            assert await call.read() == b"birch None"
            connection.scene.expel(DELTA)
            for _ in range(5):
                assert await call.read() == b"birch None"
            call.cancel()

    connected(tmp_path, talk)


def test_guard_bytes_that_are_no_message_are_told_to_a_known_caller_alone(tmp_path: Path) -> None:
    """gRPC reads a request before any handler runs: who is no member must learn nothing from that."""

    async def talk(connection: Connection) -> None:
        async with connection.member() as channel:
            for kind in ("Read", "ReadMany"):
                make = channel.unary_unary if kind == "Read" else channel.unary_stream
                call = make(f"/{SERVICE}/{kind}")(b"\xff\xff\xff")
                assert await refusal(call) == ("INVALID_ARGUMENT", "protocol.malformed")
            assert connection.service.seen == []
            connection.scene.expel(DELTA)
            assert await refusal(channel.unary_unary(f"/{SERVICE}/Read")(b"\xff\xff\xff")) == REFUSED
        assert connection.noted == ["protocol.malformed"] * 2 + ["membership.expelled"]

    connected(tmp_path, talk)


@pytest.mark.parametrize("method", ["Fail", "FailLate"])
def test_guard_tells_a_caller_nothing_of_what_went_wrong_inside(tmp_path: Path, method: str) -> None:
    async def talk(connection: Connection) -> None:
        async with connection.member() as channel:
            make = channel.unary_unary if method == "Fail" else channel.unary_stream
            call = make(f"/{SERVICE}/{method}")(b"")
            assert await refusal(call) == ("INTERNAL", "internal")
            assert await call.details() == SymbolonError.public

    connected(tmp_path, talk)


@pytest.mark.parametrize("method", ["Submit", "Many"])
def test_guard_that_cannot_tell_who_calls_tells_nothing_of_why(
    tmp_path: Path, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def talk(connection: Connection) -> None:
        def broken(*_: object) -> None:
            raise OSError("/home/ada/.symbolon/seal.key is gone")

        monkeypatch.setattr(connection.scene.callers, "identify", broken)
        async with connection.member() as channel:
            make = channel.unary_unary if method == "Submit" else channel.unary_stream
            call = make(f"/{SERVICE}/{method}")(b"")
            assert await refusal(call) == ("INTERNAL", "internal")
            assert await call.details() == SymbolonError.public

    connected(tmp_path, talk)


def test_guard_unknown_method_is_unimplemented_for_a_member(tmp_path: Path) -> None:
    async def talk(connection: Connection) -> None:
        async with connection.member() as channel:
            call = channel.unary_unary(f"/{SERVICE}/Nothing")(b"")
            assert await refusal(call) == ("UNIMPLEMENTED", "")

    connected(tmp_path, talk)


def test_caller_of_one_rpc_is_never_seen_by_another(tmp_path: Path) -> None:
    """Handlers ask a context variable who calls: one connection's caller must not stay for the next one's."""

    async def talk(connection: Connection) -> None:
        names = [ACME, BIRCH, CEDAR, DELTA, NEWCOMER] * 8

        async def once(name: str) -> tuple[str, bytes]:
            async with connection.channel(connection.scene.keys[name]) as channel:
                return name, await channel.unary_unary(GET_METADATA)(b"", timeout=30)

        # All at once, and one after another over the same server.
        answers: Iterable[tuple[str, bytes]] = await asyncio.gather(*map(once, names))
        answers = [*answers, *[await once(name) for name in names[:10]]]
        for name, answer in answers:
            assert answer == (f"None {name}" if name == NEWCOMER else f"{name} None").encode()
        assert caller.get(None) is None
        assert invited.get(None) is None

    connected(tmp_path, talk, invite=True)
