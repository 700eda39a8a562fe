"""Key and certificate as files replaced under a reader, and a server's credentials that follow them."""

import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from symbolon.errors import ConfigError, MembershipError, StorageError, SymbolonError
from symbolon.membership.certificates import issue_leaf, load_certificate, make_root, tls_target_name
from symbolon.membership.enrolment import make_leaf_key_and_csr, verify_csr
from symbolon.rpc.tls_material import FreshCredentials, Leaf, LeafFiles, TlsMaterial

import grpc  # isort: skip - after symbolon.rpc, which sets the cipher list

COALITION, MEMBER = "clean-hands", "acme"
ROOT_KEY = ec.generate_private_key(ec.SECP256R1())
ROOT = make_root(COALITION, ROOT_KEY, datetime.now(UTC))


def new_leaf(member_id: str = MEMBER) -> Leaf:
    request = make_leaf_key_and_csr(member_id, COALITION)
    key = verify_csr(request.csr_pem, member_id, COALITION)
    now = datetime.now(UTC)
    return Leaf(
        request.key_pem, issue_leaf(member_id, COALITION, key, root_key=ROOT_KEY, root_pem=ROOT, now=now)
    )


FIRST, SECOND, THIRD = new_leaf(), new_leaf(), new_leaf()


@pytest.fixture
def files(tmp_path: Path) -> LeafFiles:
    made = LeafFiles(tmp_path / "cert.pem", tmp_path / "key.pem", tmp_path / "next-key.pem")
    made.certificate.write_bytes(FIRST.certificate)
    made.key.write_bytes(FIRST.private_key)
    return made


def refused(call) -> str:
    with pytest.raises(SymbolonError) as caught:
        call()
    return caught.value.full_code


def loads(files: LeafFiles) -> bool:
    files.load_into(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    return True


def test_leaf_files_renewed_with_a_new_key_hold_the_new_pair(files: LeafFiles) -> None:
    files.prepare(SECOND.private_key)
    assert files.read() == FIRST
    files.install(SECOND.certificate)
    assert files.read() == SECOND
    assert files.key.read_bytes() == SECOND.private_key
    assert not files.next_key.exists()
    assert files.key.stat().st_mode & 0o777 == 0o600
    assert loads(files)


def test_leaf_files_renewed_with_the_same_key_keep_a_key_that_is_still_awaited(files: LeafFiles) -> None:
    public_key = load_certificate(FIRST.certificate).public_key()
    again = issue_leaf(MEMBER, COALITION, public_key, root_key=ROOT_KEY, root_pem=ROOT, now=datetime.now(UTC))
    files.prepare(SECOND.private_key)
    files.install(again)
    assert files.read() == Leaf(FIRST.private_key, again)
    files.install(SECOND.certificate)
    assert files.read() == SECOND


def test_leaf_files_prepared_key_waits_until_its_certificate_is_there(files: LeafFiles) -> None:
    assert files.prepared() is None
    files.prepare(SECOND.private_key)
    waiting = files.prepared()
    assert waiting is not None
    assert waiting.public_key() == load_certificate(SECOND.certificate).public_key()
    files.install(SECOND.certificate)
    assert files.prepared() is None


def test_leaf_files_prepared_key_that_is_in_use_or_is_none_does_not_wait(files: LeafFiles) -> None:
    """After a crash within `install` the next key is the one in use; and what is no key is not used."""
    for content in (FIRST.private_key, b"scrambled"):
        files.next_key.write_bytes(content)
        assert files.prepared() is None


def test_leaf_files_after_a_crash_between_certificate_and_key_still_fit(
    files: LeafFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.prepare(SECOND.private_key)
    with monkeypatch.context() as crash:
        crash.setattr(LeafFiles, "_tidy", stop_short)
        with pytest.raises(KeyboardInterrupt):
            files.install(SECOND.certificate)
    assert files.key.read_bytes() == FIRST.private_key
    assert files.read() == SECOND
    assert loads(files)
    # The next renewal must not overwrite the key in use, which still stands in the next one's place.
    files.prepare(THIRD.private_key)
    assert files.read() == SECOND
    files.install(THIRD.certificate)
    assert files.read() == THIRD


def stop_short(_: LeafFiles) -> None:
    raise KeyboardInterrupt


def test_leaf_files_given_a_certificate_for_neither_key_stay_as_they_are(files: LeafFiles) -> None:
    files.prepare(SECOND.private_key)
    assert refused(lambda: files.install(THIRD.certificate)) == "membership.key"
    assert refused(lambda: files.install(b"scrambled")) == "membership.certificate.malformed"
    assert files.read() == FIRST
    assert files.next_key.read_bytes() == SECOND.private_key


def test_leaf_files_of_a_node_that_joins_take_the_first_certificate(tmp_path: Path) -> None:
    files = LeafFiles(tmp_path / "cert.pem", tmp_path / "key.pem", tmp_path / "next-key.pem")
    for _ in range(2):
        with pytest.raises(FileNotFoundError, match=r"cert\.pem"):
            files.read()
        files.prepare(FIRST.private_key)
    files.install(FIRST.certificate)
    assert files.read() == FIRST
    files.key.unlink()
    with pytest.raises(FileNotFoundError, match=r"key\.pem"):
        files.read()
    with pytest.raises(FileNotFoundError):
        loads(files)


def ed25519_key() -> bytes:
    return ed25519.Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@pytest.mark.parametrize(
    "key",
    [b"", b"scrambled", SECOND.private_key, ed25519_key(), b"\n" * 5_000 + FIRST.private_key],
    ids=["empty", "scrambled", "another's", "ed25519", "beyond the bound"],
)
def test_leaf_files_with_a_key_that_does_not_fit_are_refused(files: LeafFiles, key: bytes) -> None:
    files.key.write_bytes(key)
    assert refused(files.read) == "membership.key"


def test_leaf_files_that_cannot_be_read_say_so(files: LeafFiles) -> None:
    files.key.unlink()
    files.key.mkdir()
    with pytest.raises(StorageError):
        files.read()


def test_leaf_shown_hides_its_key() -> None:
    shown = f"{FIRST!r} {TlsMaterial(FIRST, ROOT)!r}"
    assert "PRIVATE" not in shown


def test_leaf_files_read_while_they_are_renewed_always_fit(files: LeafFiles) -> None:
    leaves = [new_leaf() for _ in range(40)]
    known = {FIRST.certificate: FIRST, **{leaf.certificate: leaf for leaf in leaves}}
    done = threading.Event()

    def renew() -> None:
        for leaf in leaves * 5:
            files.prepare(leaf.private_key)
            files.install(leaf.certificate)
        done.set()

    with ThreadPoolExecutor(1) as writer:
        renewing = writer.submit(renew)
        seen = set()
        while not done.is_set() and not renewing.done():
            leaf = files.read()
            assert known[leaf.certificate] == leaf
            assert loads(files)
            seen.add(leaf.certificate)
        renewing.result()
    assert len(seen) > 5
    assert files.read() == leaves[-1]


class Server:
    """A server over material that the test changes; it answers everything."""

    def __init__(self) -> None:
        self.now: TlsMaterial | SymbolonError = TlsMaterial(FIRST, ROOT)
        self.checked: list[TlsMaterial] = []
        self.noted: list[str] = []
        self.unwanted: set[bytes] = set()
        credentials = FreshCredentials(
            self.read, self.check, lambda error: self.noted.append(error.full_code)
        )
        self.server = grpc.server(ThreadPoolExecutor(2))
        self.server.add_generic_rpc_handlers((_Everything(),))
        self.port = self.server.add_secure_port("127.0.0.1:0", credentials.grpc)
        self.server.start()

    def read(self) -> TlsMaterial:
        if isinstance(self.now, SymbolonError):
            raise self.now
        return self.now

    def check(self, material: TlsMaterial) -> None:
        self.checked.append(material)
        if material.leaf.certificate in self.unwanted:
            raise MembershipError("not this one", code="membership.not_enrolled")

    def shown(self) -> bytes:
        """The certificate of one handshake, PEM."""
        context = ssl.create_default_context(cadata=ROOT.decode())
        context.set_alpn_protocols(["h2"])
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=20) as plain,
            context.wrap_socket(plain, server_hostname=tls_target_name(MEMBER, COALITION)) as secure,
        ):
            return ssl.DER_cert_to_PEM_cert(secure.getpeercert(binary_form=True) or b"").encode()

    def call(self, caller: Leaf = SECOND) -> str:
        """One call over a connection of its own."""
        options = [
            ("grpc.ssl_target_name_override", tls_target_name(MEMBER, COALITION)),
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.enable_retries", 0),
            ("grpc.enable_http_proxy", 0),
        ]
        tls = grpc.ssl_channel_credentials(ROOT, caller.private_key, caller.certificate)
        with grpc.secure_channel(f"127.0.0.1:{self.port}", tls, options) as channel:
            try:
                return channel.unary_unary("/test/Any")(b"", timeout=20).decode()
            except grpc.RpcError as error:
                return error.code().name


class _Everything(grpc.GenericRpcHandler):
    def service(self, _: object) -> object:
        return grpc.unary_unary_rpc_method_handler(lambda *_: b"answer")


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.server.stop(None).wait()


def same(certificate: bytes, leaf: Leaf) -> bool:
    return load_certificate(certificate) == load_certificate(leaf.certificate)


def test_fresh_credentials_show_a_renewed_certificate_at_the_next_handshake(server: Server) -> None:
    assert same(server.shown(), FIRST)
    server.now = TlsMaterial(SECOND, ROOT)
    assert same(server.shown(), SECOND)
    assert server.call() == "answer"
    server.now = TlsMaterial(THIRD, ROOT)
    assert same(server.shown(), THIRD)
    assert not server.noted


def test_fresh_credentials_check_material_once_and_not_at_every_handshake(server: Server) -> None:
    for _ in range(3):
        server.shown()
    assert server.checked == [TlsMaterial(FIRST, ROOT)]
    server.now = TlsMaterial(SECOND, ROOT)
    for _ in range(3):
        server.shown()
    assert server.checked == [TlsMaterial(FIRST, ROOT), TlsMaterial(SECOND, ROOT)]


BROKEN = {
    "unreadable": (ConfigError("gone", code="config.gone"), "config.gone"),
    "unfitting": (TlsMaterial(Leaf(FIRST.private_key, SECOND.certificate), ROOT), "membership.key"),
    "no key": (TlsMaterial(Leaf(b"", SECOND.certificate), ROOT), "membership.key"),
    "scrambled": (TlsMaterial(Leaf(FIRST.private_key, b"x"), ROOT), "membership.certificate.malformed"),
    "no authority": (TlsMaterial(SECOND, b""), "membership.certificate.malformed"),
    "scrambled invitation": (TlsMaterial(SECOND, ROOT, b"x"), "membership.certificate.malformed"),
}


@pytest.mark.parametrize(("broken", "code"), BROKEN.values(), ids=BROKEN)
def test_fresh_credentials_over_broken_material_keep_what_they_have_and_say_so_once(
    server: Server, broken: TlsMaterial | SymbolonError, code: str
) -> None:
    server.now = broken
    for _ in range(3):
        assert same(server.shown(), FIRST)
    assert server.call() == "answer"
    assert server.noted == [code]
    server.now = TlsMaterial(SECOND, ROOT)
    assert same(server.shown(), SECOND)
    server.now = broken
    assert same(server.shown(), SECOND)
    assert server.noted == [code, code]


def test_fresh_credentials_use_refused_material_once_it_is_wanted(server: Server) -> None:
    # For instance a certificate that is not valid yet.
    server.unwanted = {SECOND.certificate}
    server.now = TlsMaterial(SECOND, ROOT)
    assert same(server.shown(), FIRST)
    server.unwanted = set()
    assert same(server.shown(), SECOND)
    assert server.noted == ["membership.not_enrolled"]


def test_fresh_credentials_say_each_reason_once(server: Server) -> None:
    for broken, _ in (BROKEN["unreadable"], BROKEN["unfitting"], BROKEN["unreadable"]):
        server.now = broken
        for _ in range(2):
            assert same(server.shown(), FIRST)
    assert server.noted == ["config.gone", "membership.key", "config.gone"]


def test_fresh_credentials_let_in_callers_of_an_authority_as_soon_as_it_is_trusted(server: Server) -> None:
    other_key = ec.generate_private_key(ec.SECP256R1())
    other = make_root(COALITION, other_key, datetime.now(UTC), founder="birch")
    request = make_leaf_key_and_csr("delta", COALITION)
    public_key = verify_csr(request.csr_pem, "delta", COALITION)
    leaf = Leaf(
        request.key_pem,
        issue_leaf("delta", COALITION, public_key, root_key=other_key, root_pem=other, now=datetime.now(UTC)),
    )
    assert server.call(leaf) == "UNAVAILABLE"
    server.now = TlsMaterial(FIRST, ROOT + other)
    assert (server.call(leaf), server.call()) == ("answer", "answer")
    server.now = TlsMaterial(FIRST, ROOT)
    assert (server.call(leaf), server.call()) == ("UNAVAILABLE", "answer")
    server.now = TlsMaterial(FIRST, ROOT, other)
    assert (server.call(leaf), server.call()) == ("answer", "answer")


def test_fresh_credentials_without_material_to_begin_with_are_refused() -> None:
    def nothing() -> TlsMaterial:
        raise MembershipError("not there", code="membership.not_enrolled")

    assert (
        refused(lambda: FreshCredentials(nothing, lambda _: None, lambda _: None))
        == "membership.not_enrolled"
    )
    broken = TlsMaterial(Leaf(FIRST.private_key, SECOND.certificate), ROOT)
    assert (
        refused(lambda: FreshCredentials(lambda: broken, lambda _: None, lambda _: None)) == "membership.key"
    )


def test_fresh_credentials_changed_under_many_handshakes_fail_none(server: Server) -> None:
    leaves = [TlsMaterial(new_leaf(), ROOT) for _ in range(20)]
    done = threading.Event()

    def call_on() -> list[str]:
        said = []
        while not done.is_set():
            said.append(server.call())
        return said

    with ThreadPoolExecutor(4) as callers:
        running = [callers.submit(call_on) for _ in range(4)]
        try:
            for material in leaves * 3:
                server.now = material
                assert same(server.shown(), material.leaf)
        finally:
            done.set()
        said = [each for call in running for each in call.result()]
    assert set(said) == {"answer"}
    assert len(said) > 20
    assert not server.noted
