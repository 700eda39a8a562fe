"""`symbolon doctor PEER` tells every failure from every other: real sockets, a real node, real keys."""

import functools
import json
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import forked
from processes import first_line, wait_until
from relays import RelayProcess, relay_process
from symbolon.cli import doctor_checks, main
from symbolon.cli.local_coalition import (
    COALITION,
    PURPOSE,
    LocalCoalition,
    local_coalition,
    own_environment,
    symbolon,
)
from symbolon.cli.local_founder import FOUNDER, LocalFounder
from symbolon.membership.acts import Act, Appoint, Reinstate, Suspend
from symbolon.membership.certificates import LEAF_VALIDITY
from symbolon.membership.enrolment import leaf_key_pem, make_leaf_key
from symbolon.membership.founder_keys import create_founder_keys, load_founder_keys
from symbolon.membership.member import MemberId
from symbolon.membership.member_record import Role
from symbolon.membership.member_statement import Place
from symbolon.rpc import diagnosis
from symbolon.rpc.node import COALITION_FOLDER, FOUNDER_FOLDER, LEAF_FILE, LEAF_KEY_FILE, Node
from symbolon.storage.exchange_schema import budget_spent

ALDER, BIRCH, CEDAR = MemberId("alder"), MemberId("birch"), MemberId("cedar")
ROWAN, OSIER = MemberId("rowan"), MemberId("osier")
SETTINGS_FRAME = bytes.fromhex("000000040000000000")

Examine = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="module")
def served() -> Iterator[LocalCoalition]:
    """`ALDER` asks, `BIRCH` serves; `CEDAR` is a third member."""
    with local_coalition() as coalition:
        coalition.add(ALDER, peers=(BIRCH,))
        coalition.add(BIRCH, peers=(ALDER,))
        coalition.add(CEDAR)
        coalition.start(BIRCH)
        yield coalition


@pytest.fixture
def coalition(served: LocalCoalition) -> Iterator[LocalCoalition]:
    """As `served`, with everything that a test changes in the folders put back."""
    listed = served.founder.members.find(BIRCH)
    assert listed is not None
    kept = {
        path: path.read_bytes()
        for member in (ALDER, BIRCH)
        for path in served.home(member).iterdir()
        if path.name in (LEAF_FILE, LEAF_KEY_FILE, "symbolon.toml")
    }
    yield served
    for path, content in kept.items():
        path.write_bytes(content)
    now = served.founder.members.find(BIRCH)
    if now is None or replace(now, changed=listed.changed) != listed:
        served.move(BIRCH, listed.endpoint)
    else:
        served.publish()


@pytest.fixture
def examine(
    coalition: LocalCoalition, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Examine:
    """Runs the doctor of `ALDER`; the checks of the peer, and that the exit code fits them."""

    plain = doctor_checks.Examination

    def run(peer: str = BIRCH, *, ahead: timedelta = timedelta()) -> list[dict[str, Any]]:
        moved = functools.partial(plain, clock=lambda: time.time() + ahead.total_seconds())
        monkeypatch.setattr(doctor_checks, "Examination", moved)
        code = main.run(["--home", str(coalition.home(ALDER)), "doctor", peer, "--json"])
        document = json.loads(capsys.readouterr().out)
        assert document["failed"] == sum(each["state"] == "fail" for each in document["checks"])
        assert code == (1 if document["failed"] else 0)
        assert [each["number"] for each in document["checks"]] == list(range(1, len(document["checks"]) + 1))
        assert all(each["hint"] for each in document["checks"] if each["state"] in ("fail", "warn"))
        names = [each["check"] for each in document["checks"]]
        checks: list[dict[str, Any]] = document["checks"][names.index("listening") + 1 :]
        return checks

    return run


def last(checks: list[dict[str, Any]]) -> tuple[str, str]:
    """State and code of the last check: a failure ends the row."""
    return checks[-1]["state"], checks[-1]["code"]


def found(checks: list[dict[str, Any]], code: str) -> dict[str, Any]:
    """The one check with this code."""
    (only,) = [each for each in checks if each["code"] == code]
    return only


def founder_keys(coalition: LocalCoalition) -> Path:
    """Where the keys of the coalition's founder are, its certificate authority among them."""
    return coalition.founder.node.home / FOUNDER_FOLDER


def leaf_of(
    authority: Path, member: str, folder: Path, *, issued: datetime | None = None
) -> tuple[Path, Path]:
    """A new key and certificate for a member, signed by a founder's authority; certificate and key file."""
    founder = load_founder_keys(authority, FOUNDER)
    key = make_leaf_key()
    certificate = founder.issue(member, COALITION, key.public_key(), issued or datetime.now(UTC))
    (folder / "leaf.pem").write_bytes(certificate)
    (folder / "leaf.key").write_bytes(leaf_key_pem(key))
    return folder / "leaf.pem", folder / "leaf.key"


@contextmanager
def listening(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """A port whose every connection is given to `answer`, in a thread of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    threading.Thread(target=handle, args=(connection,), daemon=True).start()

        def handle(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                connection.settimeout(20)
                answer(connection)

        threading.Thread(target=accept, daemon=True).start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


@contextmanager
def tls_server(
    files: tuple[Path, Path],
    *,
    versions: tuple[ssl.TLSVersion, ssl.TLSVersion] = (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_3),
    alpn: str = "h2",
) -> Iterator[str]:
    """A TLS server with a certificate, which asks its callers for none and greets them as HTTP/2 does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    context.minimum_version, context.maximum_version = versions
    context.set_alpn_protocols([alpn])

    def answer(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as wrapped:
            wrapped.sendall(SETTINGS_FRAME)
            while wrapped.recv(4096):
                pass

    with listening(answer) as address:
        yield address


def move(coalition: LocalCoalition, address: str) -> None:
    coalition.move(BIRCH, address)


def propose(coalition: LocalCoalition, *acts: Act) -> None:
    """Puts acts in force and tells everybody."""
    coalition.founder.node.founding.propose(acts)
    coalition.publish()


def spent(coalition: LocalCoalition) -> int:
    with Node(coalition.home(BIRCH)) as node, node.database.read("look") as connection:
        return len(connection.execute(budget_spent.select()).all())


def test_doctor_healthy_peer_all_is_ok_and_no_budget_is_spent(
    coalition: LocalCoalition, examine: Examine
) -> None:
    checks = examine()
    assert [each["check"] for each in checks] == [
        "peer",
        "port",
        "tls",
        "certificate",
        "tls version",
        "key exchange",
        "our certificate",
        "health",
        "permission",
        "permission",
    ]
    assert {each["state"] for each in checks} == {"ok"}, checks
    assert "a member in good standing (ngo), reached at 127.0.0.1:" in checks[0]["said"]
    assert "X25519MLKEM768" in checks[5]["said"]
    assert f"permits intersection for {PURPOSE}, tiers ABC" in checks[9]["said"]
    assert spent(coalition) == 0


def test_doctor_leaves_no_warning_in_the_log_of_a_peer_that_permits_all(
    coalition: LocalCoalition, examine: Examine
) -> None:
    """An epoch of 2^48 and a count over eight records would read like an attack."""
    before = len(coalition.log(BIRCH).read_text())
    examine()
    told = coalition.log(BIRCH).read_text()[before:].splitlines()
    assert [line.split(" ", 2)[2] for line in told] == [
        f"INFO sender of {ALDER}: permitted; it only asked whether, as `symbolon doctor` does"
    ] * 2


def test_doctor_closed_port_is_told(coalition: LocalCoalition, examine: Examine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    move(coalition, f"127.0.0.1:{port}")
    assert last(examine()) == ("fail", "peer.port.closed")


def test_doctor_name_that_does_not_resolve_is_told(coalition: LocalCoalition, examine: Examine) -> None:
    move(coalition, "no-such-host.invalid:7443")
    assert last(examine()) == ("fail", "peer.address")


def test_doctor_host_that_does_not_answer_is_told(
    coalition: LocalCoalition, examine: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A listener with a full queue drops what else comes, like a firewall that says nothing."""
    monkeypatch.setattr(diagnosis, "CONNECT_S", 1.0)
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(8):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        move(coalition, f"127.0.0.1:{listener.getsockname()[1]}")
        checks = examine()
    assert last(checks) == ("fail", "peer.unreachable")


def test_doctor_port_that_speaks_no_tls_is_told(coalition: LocalCoalition, examine: Examine) -> None:
    with listening(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as address:
        move(coalition, address)
        assert last(examine()) == ("fail", "peer.not_tls")


def test_doctor_port_that_says_nothing_is_told(
    coalition: LocalCoalition, examine: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diagnosis, "CONNECT_S", 1.0)
    with listening(lambda connection: threading.Event().wait(10) and None) as address:
        move(coalition, address)
        assert last(examine()) == ("fail", "peer.silent")


def test_doctor_tls_1_2_server_is_told(coalition: LocalCoalition, examine: Examine, tmp_path: Path) -> None:
    files = leaf_of(founder_keys(coalition), BIRCH, tmp_path)
    only = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2)
    with tls_server(files, versions=only) as address:
        move(coalition, address)
        assert last(examine()) == ("fail", "peer.tls_version")


def test_doctor_tls_server_that_is_no_node_is_told(
    coalition: LocalCoalition, examine: Examine, tmp_path: Path
) -> None:
    files = leaf_of(founder_keys(coalition), BIRCH, tmp_path)
    with tls_server(files, alpn="http/1.1") as address:
        move(coalition, address)
        assert last(examine()) == ("fail", "peer.not_grpc")


def test_doctor_server_with_old_tls_and_an_open_door_is_told(
    coalition: LocalCoalition, examine: Examine
) -> None:
    """Something else holds the genuine certificate of the peer, say a proxy, and is laxer than a node."""
    files = (coalition.home(BIRCH) / LEAF_FILE, coalition.home(BIRCH) / LEAF_KEY_FILE)
    both = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
    with tls_server(files, versions=both) as address:
        move(coalition, address)
        checks = examine()
    assert found(checks, "peer.open")["state"] == "warn"
    assert found(checks, "peer.tls_1_2")["state"] == "fail"
    assert checks[3]["said"].startswith("it is birch, as listed")


def test_doctor_peer_of_another_authority_is_told(
    coalition: LocalCoalition, examine: Examine, tmp_path: Path
) -> None:
    create_founder_keys(tmp_path / "other", COALITION, FOUNDER, datetime.now(UTC))
    with tls_server(leaf_of(tmp_path / "other", BIRCH, tmp_path)) as address:
        move(coalition, address)
        checks = examine()
    assert found(checks, "peer.authority")["state"] == "fail"
    assert "our certificate" not in [each["check"] for each in checks], "shown to somebody unproven"


def test_doctor_expired_certificate_of_the_peer_is_told(
    coalition: LocalCoalition, examine: Examine, tmp_path: Path
) -> None:
    issued = datetime.now(UTC) - LEAF_VALIDITY - timedelta(days=30)
    with tls_server(leaf_of(founder_keys(coalition), BIRCH, tmp_path, issued=issued)) as address:
        move(coalition, address)
        checks = examine()
    assert found(checks, "peer.certificate.expired")["state"] == "fail"
    assert f"{issued + LEAF_VALIDITY:%Y-%m-%d}" in found(checks, "peer.certificate.expired")["said"]


def test_doctor_another_member_at_the_endpoint_is_named(
    coalition: LocalCoalition, examine: Examine, tmp_path: Path
) -> None:
    with tls_server(leaf_of(founder_keys(coalition), CEDAR, tmp_path)) as address:
        move(coalition, address)
        checks = examine()
    assert "is cedar, not birch" in found(checks, "peer.other_member")["said"]


def test_doctor_genuine_certificate_that_is_not_listed_is_told(
    coalition: LocalCoalition, examine: Examine, tmp_path: Path
) -> None:
    with tls_server(leaf_of(founder_keys(coalition), BIRCH, tmp_path)) as address:
        move(coalition, address)
        checks = examine()
    assert found(checks, "peer.certificate.unlisted")["state"] == "fail"


def test_doctor_own_expired_certificate_is_told_apart_from_the_peers(
    coalition: LocalCoalition, examine: Examine, tmp_path: Path
) -> None:
    issued = datetime.now(UTC) - LEAF_VALIDITY - timedelta(days=30)
    leaf, key = leaf_of(founder_keys(coalition), ALDER, tmp_path, issued=issued)
    shutil.copy(leaf, coalition.home(ALDER) / LEAF_FILE)
    shutil.copy(key, coalition.home(ALDER) / LEAF_KEY_FILE)
    checks = examine()
    assert last(checks) == ("fail", "peer.ours.expired")
    assert checks[3]["state"] == "ok", "the peer's certificate is fine"


def test_doctor_own_certificate_of_another_authority_is_told(
    coalition: LocalCoalition, examine: Examine, tmp_path: Path
) -> None:
    create_founder_keys(tmp_path / "other", COALITION, FOUNDER, datetime.now(UTC))
    leaf, key = leaf_of(tmp_path / "other", ALDER, tmp_path)
    shutil.copy(leaf, coalition.home(ALDER) / LEAF_FILE)
    shutil.copy(key, coalition.home(ALDER) / LEAF_KEY_FILE)
    assert last(examine()) == ("fail", "peer.ours.issuer")


def test_doctor_own_certificate_absent_is_told(coalition: LocalCoalition, examine: Examine) -> None:
    (coalition.home(ALDER) / LEAF_KEY_FILE).write_bytes(b"")
    assert last(examine()) == ("unknown", "peer.ours.missing")


def test_doctor_peer_whose_metadata_lacks_us_is_told(
    coalition: LocalCoalition, examine: Examine, tmp_path: Path
) -> None:
    """A copy of the founder, with the same keys: what it signs goes to the peer alone."""
    kept = coalition.home(BIRCH) / COALITION_FOLDER
    shutil.copytree(kept, tmp_path / "before", symlinks=True)
    shutil.copytree(coalition.founder.node.home, tmp_path / "twin", symlinks=True)
    twin = LocalFounder(Node(tmp_path / "twin"))
    try:
        twin.expel(ALDER)
        twin.tell(coalition.home(BIRCH))
        checks = examine()
    finally:
        twin.close()
        kept.rename(tmp_path / "after")
        shutil.copytree(tmp_path / "before", kept, symlinks=True)
    assert last(checks) == ("fail", "peer.not_member")
    assert "it was expelled" in checks[-1]["said"]
    assert "Ask a founder" in checks[-1]["hint"]


def test_doctor_peer_that_is_suspended_is_told_with_the_reason(
    coalition: LocalCoalition, examine: Examine
) -> None:
    propose(coalition, Suspend(BIRCH, "answers nobody"))
    try:
        checks = examine()
    finally:
        propose(coalition, Reinstate(BIRCH))
    assert last(checks) == ("fail", "peer.suspended")
    assert "answers nobody" in checks[-1]["said"]
    assert [each["check"] for each in checks] == ["peer"]


def test_doctor_peer_with_stale_metadata_here_is_still_probed(
    coalition: LocalCoalition, examine: Examine
) -> None:
    """The own metadata has run out by this clock; where the peer was to be found it still says."""
    checks = examine(ahead=timedelta(days=8))
    assert {each["state"] for each in checks} == {"ok"}, checks


def test_doctor_peer_that_permits_nothing_is_told(coalition: LocalCoalition, examine: Examine) -> None:
    """The peer answers `PURPOSE` alone; what else our configuration asks is refused, each by name."""
    toml = coalition.home(ALDER) / "symbolon.toml"
    text = toml.read_text().replace(f'["{PURPOSE}"]', f'["{PURPOSE}", "curiosity"]')
    toml.write_text(text)
    before = len(coalition.log(BIRCH).read_text())
    checks = examine()
    refused = [each for each in checks if each["code"] == "peer.permission"]
    assert [each["said"].split(",")[0] for each in refused] == [
        "birch does not permit size for curiosity",
        "birch does not permit intersection for curiosity",
    ]
    assert sum("birch permits" in each["said"] for each in checks) == 2
    assert spent(coalition) == 0
    told = coalition.log(BIRCH).read_text()[before:]
    assert told.count("WARNING sender of alder") == 2, (
        "what is refused is no less of a warning for being asked"
    )
    assert told.count("permission.purpose") == 2


def test_doctor_peer_that_we_may_not_ask_is_a_warning(coalition: LocalCoalition, examine: Examine) -> None:
    toml = coalition.home(ALDER) / "symbolon.toml"
    toml.write_text(toml.read_text().replace("invited = true", "ask = false"))
    assert last(examine()) == ("warn", "peer.permission.own")


def test_doctor_unknown_expelled_and_uncalled_peers_are_told(
    coalition: LocalCoalition, examine: Examine
) -> None:
    assert last(examine("nobody-known")) == ("fail", "peer.unknown")
    assert last(examine(CEDAR)) == ("fail", "peer.no_endpoint")
    coalition.add("maple")
    coalition.founder.expel("maple")
    coalition.publish()
    (checks,) = examine("maple")
    assert checks["code"] == "peer.expelled"
    assert "was expelled" in checks["said"]


def test_doctor_peer_that_starts_late_is_waited_for(
    coalition: LocalCoalition, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    move(coalition, f"127.0.0.1:{port}")
    opened: list[socket.socket] = []
    opener = threading.Timer(1.0, lambda: opened.append(socket.create_server(("127.0.0.1", port))))
    opener.start()
    main.run(["--home", str(coalition.home(ALDER)), "doctor", BIRCH, "--json", "--wait", "30"])
    opener.join()
    opened[0].close()
    checks = json.loads(capsys.readouterr().out)["checks"]
    assert next(each for each in checks if each["check"] == "port")["state"] == "ok"


@pytest.fixture(scope="module")
def relayed(served: LocalCoalition) -> Iterator[RelayProcess]:
    """`ROWAN` runs a relay, and `OSIER` is reached through it alone; whether it is attached a test says."""
    served.add(ROWAN)
    served.add(OSIER, peers=(ALDER,))
    with relay_process(served, ROWAN) as relay:
        place = Place("127.0.0.1:1", (), relay.endpoint)
        served.founder.node.founding.propose([Appoint(ROWAN, (Role.RELAY,))])
        served.founder.move(served.home(ROWAN), place)
        served.founder.move(served.home(OSIER), Place("", (ROWAN,), ""))
        served.publish()
        yield relay


@contextmanager
def serving_through_relay(coalition: LocalCoalition, member: str) -> Iterator[None]:
    """A node that opens no port to others, at work and held by its relay."""
    process = forked.Popen(
        symbolon("--home", str(coalition.home(member)), "serve", "--grace", "2"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=coalition.log(member).open("w"),
        text=True,
        start_new_session=True,
        env=own_environment(),
    )
    try:
        assert first_line(process), coalition.log(member).read_text()
        wait_until(lambda: "reachable through the relay" in coalition.log(member).read_text(), "the relay")
        yield
    finally:
        process.kill()
        process.wait()


def allow(coalition: LocalCoalition, peer: str) -> None:
    """`ALDER` may ask a further peer what it may ask `BIRCH`."""
    toml = coalition.home(ALDER) / "symbolon.toml"
    text = toml.read_text()
    toml.write_text(text + text[text.index("[[allow]]") :].replace(BIRCH, peer))


def test_doctor_peer_behind_a_relay_is_asked_through_it(
    coalition: LocalCoalition, relayed: RelayProcess, examine: Examine
) -> None:
    allow(coalition, OSIER)
    with serving_through_relay(coalition, OSIER):
        checks = examine(OSIER)
    assert [each["check"] for each in checks] == [
        "peer",
        "port",
        "tls",
        "certificate",
        "tls version",
        "key exchange",
        "our certificate",
        "way",
        "health",
        "permission",
        "permission",
    ]
    assert {each["state"] for each in checks} == {"ok"}, checks
    assert f"reached through {ROWAN}" in checks[0]["said"]
    assert relayed.endpoint in checks[1]["said"]
    assert f"it is {ROWAN}, as listed" in checks[3]["said"]
    assert f"{OSIER} permits intersection for {PURPOSE}" in checks[-1]["said"]


def test_doctor_peer_that_its_relay_does_not_hold_is_told(
    coalition: LocalCoalition, relayed: RelayProcess, examine: Examine
) -> None:
    checks = examine(OSIER)
    assert last(checks) == ("fail", "peer.relay.unreached")
    assert "symbolon serve" in checks[-1]["hint"]
    assert [each["state"] for each in checks[:-1]] == ["ok"] * 7


def test_doctor_peer_whose_relay_is_down_is_told(
    coalition: LocalCoalition, relayed: RelayProcess, examine: Examine
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    coalition.founder.move(coalition.home(ROWAN), Place("127.0.0.1:1", (), f"127.0.0.1:{port}"))
    coalition.publish()
    try:
        checks = examine(OSIER)
    finally:
        coalition.founder.move(coalition.home(ROWAN), Place("127.0.0.1:1", (), relayed.endpoint))
        coalition.publish()
    assert last(checks) == ("fail", "peer.port.closed")
    assert "symbolon relay" in checks[-1]["hint"]


def test_doctor_peer_whose_relay_is_suspended_is_told(
    coalition: LocalCoalition, relayed: RelayProcess, examine: Examine
) -> None:
    propose(coalition, Suspend(ROWAN, "drops what it carries"))
    try:
        checks = examine(OSIER)
    finally:
        propose(coalition, Reinstate(ROWAN))
    assert [each["code"] for each in checks] == ["peer.relay.standing", "peer.no_endpoint"]
    assert "drops what it carries" in checks[0]["said"]
