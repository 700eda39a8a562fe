"""What `symbolon doctor` looks at in this node, check by check.

Every check stands for itself: one that fails does not hide the others, and one that cannot be made without
what failed before comes out as `unknown`. Parts are opened one by one, never as a whole `Node`, which opens
only when everything is well.
"""

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.serialization import load_pem_private_key

from symbolon import config
from symbolon.cli.outdated_list import IMPORT_AGAIN, OUTDATED
from symbolon.config import Config
from symbolon.errors import MembershipError, SymbolonError
from symbolon.membership.atomic_file import read_bounded
from symbolon.membership.certificates import (
    certificate_fingerprint,
    load_certificate,
    tls_target_name,
    verify_leaf,
)
from symbolon.membership.directory import FileMemberDirectory
from symbolon.membership.member_list import CLOCK_SKEW, MAX_LIST_BYTES, MemberList, open_member_list
from symbolon.membership.trust_anchor import TrustAnchor
from symbolon.oprf.backend import choose_backend
from symbolon.oprf.suite import DEFAULT_SUITE, get_suite
from symbolon.rpc.diagnosis import presented_certificate, probe, wait_for_port
from symbolon.rpc.diagnosis_finding import SOON_DAYS, Finding, State, Target, days_left, failed
from symbolon.rpc.diagnosis_own import own_transport
from symbolon.rpc.node import ANCHOR_FILE, LEAF_FILE, LEAF_KEY_FILE, MEMBERS_FILE, SEAL_KEY_FILE, Credentials
from symbolon.storage.database import Database
from symbolon.storage.journal_store import JournalStore
from symbolon.storage.schema_version import read_version
from symbolon.storage.seal import Sealer
from symbolon.storage.seal_check import bind_key
from symbolon.storage.supplier_store import SupplierStore

LOW_DISK_BYTES: Final = 1 << 30
"""Below this the import of a long list may not fit."""
NO_DISK_BYTES: Final = 64 << 20
"""Below this a session may not be written down; what cannot be written down does not happen."""

_UNSPECIFIED: Final = {"0.0.0.0": "127.0.0.1", "[::]": "::1", "": "127.0.0.1"}  # noqa: S104 - recognised, not bound
_GIB: Final = 1 << 30

_Check = Callable[[], Iterator[Finding]]


class Examination:
    """One run over a node.

    Args:
        home: its folder.
        peer: member id to probe, or ''.
        wait_s: how long to wait for the peer's port.
    """

    def __init__(self, home: Path, peer: str = "", wait_s: float = 0.0) -> None:
        self._home = home
        self._peer_id = peer
        self._wait_s = wait_s
        self._now = datetime.now(UTC)
        self._failed_at: dict[str, str] = {}

    def findings(self) -> Iterator[Finding]:
        """All checks, in the order in which they matter."""
        checks: tuple[tuple[str, _Check], ...] = (
            ("configuration", self._configuration),
            ("keys on disk", self._keys),
            ("database", self._database_state),
            ("free disk", self._disk),
            ("certificate", self._certificate),
            ("member list", self._members),
            ("clock", self._clock),
            ("permission", self._allowed),
            ("supplier list", self._suppliers),
            ("multiplication", self._backend),
            ("transport", self._transport),
            ("listening", self._listening),
        )
        try:
            for name, check in checks:
                yield from self._guarded(name, check)
            if self._peer_id:
                yield from self._guarded("peer", self._peer)
        finally:
            if "database" in self.__dict__:
                self.database.close()

    def _guarded(self, name: str, check: _Check) -> Iterator[Finding]:
        """Turns what a check raises into a finding; the same trouble a second time is `unknown`."""
        try:
            yield from check()
        except SymbolonError as error:
            first = self._failed_at.setdefault(error.detail, name)
            if first != name:
                said = f"cannot be looked at before the {first} is mended"
                yield Finding(name, State.UNKNOWN, said, code=error.full_code)
            elif error.full_code == "storage.older":
                # As it should be after an upgrade: the next command that opens the node mends it.
                yield _warn(name, error.full_code, error.detail, error.hint or "")
            else:
                yield failed(name, error.full_code, error.detail, error.hint or "")
        except OSError as error:
            yield failed(name, "os", f"{error.filename or 'the system'}: {error.strerror or error}", "")

    @cached_property
    def config(self) -> Config:
        """The configuration."""
        return config.load(self._home)

    @cached_property
    def sealer(self) -> Sealer:
        """The sealing key."""
        return Sealer.load(self._home / SEAL_KEY_FILE)

    @cached_property
    def database(self) -> Database:
        """The database, as it is: never migrated from here."""
        return Database.open(self.config.database_url, migrate=False)

    @cached_property
    def anchor(self) -> TrustAnchor:
        """The coalition's trust anchor."""
        return TrustAnchor.from_bytes(self._enrolled(ANCHOR_FILE))

    @cached_property
    def credentials(self) -> Credentials:
        """Key, certificate and anchor, each readable, not checked against each other yet."""
        leaf, key = self._enrolled(LEAF_FILE), self._enrolled(LEAF_KEY_FILE)
        load_certificate(leaf)
        try:
            load_pem_private_key(key, None)
        except (ValueError, TypeError):
            raise MembershipError(
                f"{LEAF_KEY_FILE} does not hold a private key",
                hint="Restore it from a backup, or make a new node and send its request to the coordinator.",
                code="certificate.key",
            ) from None
        return Credentials(key, leaf, self.anchor)

    def _enrolled(self, name: str) -> bytes:
        try:
            return (self._home / name).read_bytes()
        except FileNotFoundError:
            raise MembershipError(
                f"not enrolled yet: {name} is missing",
                hint="Send request.json to the coordinator, then run `symbolon coalition accept ENROLMENT`.",
                code="membership.not_enrolled",
            ) from None

    @cached_property
    def listed(self) -> MemberList:
        """The member list as signed, whatever its time: it still says where a peer was to be found."""
        document = read_bounded(self._home / MEMBERS_FILE, MAX_LIST_BYTES)
        return open_member_list(document, self.anchor.list_key)

    def _configuration(self) -> Iterator[Finding]:
        node = self.config.node
        if not node.member or not node.coalition:
            said = f"{config.FILE_NAME} does not name the member and its coalition"
            yield failed("configuration", "config.member", said, "Set node.member and node.coalition.")
            return
        yield _ok("configuration", f"member {node.member} of coalition {node.coalition}, in {self._home}")

    def _keys(self) -> Iterator[Finding]:
        _ = self.sealer
        for name in (LEAF_KEY_FILE, SEAL_KEY_FILE):
            path = self._home / name
            mode = path.stat().st_mode & 0o777
            if mode & 0o077:
                said = f"{name} can be read by other users (mode {mode:04o})"
                hint = f"Run `chmod 600 {path}`; if others may have read it, treat the key as known."
                yield failed("keys on disk", "keys.mode", said, hint)
                return
        if self._home.stat().st_mode & 0o077:
            said = f"both key files are private, but other users can look into {self._home}"
            yield _warn("keys on disk", "keys.folder", said, f"Run `chmod 700 {self._home}`.")
            return
        yield _ok("keys on disk", "sealing key and node key can be read by this user only")

    def _database_state(self) -> Iterator[Finding]:
        with self.database.read("read the version") as connection:
            version = read_version(connection)
        # An empty write transaction needs the permission, the lock and the disk of a real one.
        with self.database.transaction("see whether the database can be written"):
            pass
        bind_key(self.database, self.sealer)
        said = f"{self.database.url}, version {version}, can be written, opens with the sealing key"
        yield _ok("database", said)

    def _disk(self) -> Iterator[Finding]:
        path = self.database.path
        free = shutil.disk_usage(path.parent if path else self._home).free
        where = "beside the database" if path else "here; the database is elsewhere"
        said = f"{free / _GIB:,.1f} GiB free {where}"
        hint = "Free some space: what cannot be written down is not exchanged."
        if free < NO_DISK_BYTES:
            yield failed("free disk", "disk.full", said, hint)
        elif free < LOW_DISK_BYTES:
            yield _warn("free disk", "disk.low", said, hint)
        else:
            yield _ok("free disk", said)

    def _certificate(self) -> Iterator[Finding]:
        held, node = self.credentials, self.config.node
        identity = verify_leaf(held.certificate, held.anchor.root_pem, node.coalition, now=self._now)
        leaf = load_certificate(held.certificate)
        if identity.member_id != node.member:
            said = f"it is made out to {identity.member_id}, the configuration says {node.member}"
            hint = "Set node.member in symbolon.toml, or accept the enrolment made for this member."
            yield failed("certificate", "certificate.member", said, hint)
            return
        if load_pem_private_key(held.private_key, None).public_key() != leaf.public_key():
            said = "it was made for another key than the one in this folder"
            hint = "Send the request.json of this folder to the coordinator, and accept what comes back."
            yield failed("certificate", "certificate.key", said, hint)
            return
        left = days_left(leaf.not_valid_after_utc, self._now)
        said = f"valid, {left} days left, until {leaf.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"
        if left < SOON_DAYS:
            yield _warn("certificate", "certificate.soon", said, "Ask the coordinator to renew it now.")
        else:
            yield _ok("certificate", said)

    def _members(self) -> Iterator[Finding]:
        node = self.config.node
        key = self.anchor.list_key
        directory = FileMemberDirectory(self._home / MEMBERS_FILE, key, node.coalition, lambda: self._now)
        members = directory.current()
        own = members.find(node.member)
        if own is None:
            gone = "was expelled" if members.is_expelled(node.member) else "is not in it"
            said = f"version {members.version}: {node.member} {gone}"
            hint = "Ask the coordinator; `symbolon coalition update` takes a newer list."
            yield failed("member list", "members.absent", said, hint)
            return
        if own.certificate_sha256 != certificate_fingerprint(self.credentials.certificate):
            said = f"version {members.version} names another certificate for {node.member} than this node has"
            hint = "Accept the newest enrolment, or take the newest list with `symbolon coalition update`."
            yield failed("member list", "members.certificate", said, hint)
            return
        left = days_left(members.expires, self._now)
        said = f"version {members.version}, issued {members.issued:%Y-%m-%d}, {left} days left; "
        said += f"lists {len(members.members)} members, with this node and this certificate"
        if left < SOON_DAYS:
            hint = "Ask the coordinator for a newer one, and run `symbolon coalition update`."
            yield _warn("member list", "members.soon", said, hint)
        else:
            yield _ok("member list", said)

    def _clock(self) -> Iterator[Finding]:
        """No handshake tells the peer's time, so the clock is held against what is dated here."""
        marks = [(self.listed.issued, "the member list was signed")]
        starts = load_certificate(self.credentials.certificate).not_valid_before_utc
        marks.append((starts, "the certificate became valid"))
        newest = JournalStore(self.database, self._now.timestamp).last_written_at_s()
        if newest is not None:
            marks.append((datetime.fromtimestamp(newest, UTC), "the journal was last written"))
        latest, event = max(marks)
        said = f"{self._now:%Y-%m-%d %H:%M:%S} UTC"
        if self._now + CLOCK_SKEW < latest:
            said += f" is before {event} ({latest:%Y-%m-%d %H:%M:%S} UTC)"
            hint = "Set this machine's clock; certificates, lists and budgets depend on it."
            yield failed("clock", "clock.behind", said, hint)
            return
        yield _ok("clock", f"{said}, not before anything dated here; ahead it may be")

    def _allowed(self) -> Iterator[Finding]:
        allowed = self.config.allow
        if not allowed:
            said = "no [[allow]] table: this node answers nobody and asks nobody"
            hint = f"Add one to {config.FILE_NAME} for a peer, once both operators have agreed."
            yield _warn("permission", "allow.none", said, hint)
            return
        strangers = sorted({each.peer for each in allowed if self.listed.find(each.peer) is None})
        if strangers:
            said = f"[[allow]] names {', '.join(strangers)}, not in the member list"
            hint = "Check the spelling against `symbolon status`, or take a newer member list."
            yield _warn("permission", "allow.unknown", said, hint)
            return
        answers = sorted({each.peer for each in allowed if each.answer}) or ["nobody"]
        asks = sorted({each.peer for each in allowed if each.ask}) or ["nobody"]
        yield _ok("permission", f"answers {', '.join(answers)}; asks {', '.join(asks)}")

    def _suppliers(self) -> Iterator[Finding]:
        store = SupplierStore(self.database, self.sealer)
        count = store.count()
        if not count:
            hint = "Run `symbolon suppliers import FILE`."
            yield _warn("supplier list", "suppliers.none", "no suppliers imported yet", hint)
            return
        said = f"{count:,} suppliers, revision {store.revision()}"
        if store.is_outdated():
            yield _warn("supplier list", "suppliers.outdated", f"{said}, {OUTDATED}", IMPORT_AGAIN)
            return
        yield _ok("supplier list", said)

    def _backend(self) -> Iterator[Finding]:
        exchange = self.config.exchange
        chosen = choose_backend(exchange.backend)
        said = f"{chosen.name} ({chosen.reason})"
        if exchange.suite != DEFAULT_SUITE:
            own = get_suite(exchange.suite, exchange.backend).backend_name
            said = f"{own} for {exchange.suite}; {said} for {DEFAULT_SUITE}"
        yield _ok("multiplication", said)

    def _transport(self) -> Iterator[Finding]:
        node = self.config.node
        yield from own_transport(self.credentials, tls_target_name(node.member, node.coalition))

    def _listening(self) -> Iterator[Finding]:
        node = self.config.node
        host, _, port = node.listen.rpartition(":")
        if not port.isdigit() or int(port) > 0xFFFF:
            said = f"node.listen = {node.listen} is not host:port"
            yield failed("listening", "config.listen", said, "Write it like 127.0.0.1:7443.")
            return
        if port == "0":
            yield _ok("listening", "on any free port; `symbolon serve` prints which")
            return
        address = (_UNSPECIFIED.get(host, host.strip("[]")), int(port))
        try:
            presented = presented_certificate(address, tls_target_name(node.member, node.coalition))
        except OSError:
            said = f"`symbolon serve` does not run on {node.listen}; asking peers works without it"
            yield _ok("listening", said)
            return
        if presented is not None and certificate_fingerprint(presented) == certificate_fingerprint(
            self.credentials.certificate
        ):
            yield _ok("listening", f"`symbolon serve` answers on {node.listen} with this certificate")
            return
        said = f"something else answers on {node.listen}, or `symbolon serve` with an older certificate"
        hint = "Stop it or restart `symbolon serve`; else set node.listen to a free port."
        yield failed("listening", "listen.taken", said, hint)

    def _peer(self) -> Iterator[Finding]:
        member = self.listed.find(self._peer_id)
        if member is None:
            gone = "was expelled" if self.listed.is_expelled(self._peer_id) else "is not in our member list"
            hint = "`symbolon status` lists the members; `symbolon coalition update` takes a newer list."
            yield failed("peer", "peer.unknown", f"{self._peer_id[:64]} {gone}", hint)
            return
        if not member.endpoint:
            said = f"{member.member_id} names no endpoint: it calls others and is not called"
            yield failed("peer", "peer.no_endpoint", said, "Ask its operator to ask you instead.")
            return
        target = Target(
            member,
            self.config.node.coalition,
            self.anchor.root_pem,
            self._home / LEAF_FILE,
            self._home / LEAF_KEY_FILE,
            self._now,
        )
        if self._wait_s:
            wait_for_port(target.address, self._wait_s)
        yield from probe(target, self.config)


def _ok(check: str, said: str) -> Finding:
    return Finding(check, State.OK, said)


def _warn(check: str, code: str, said: str, hint: str) -> Finding:
    return Finding(check, State.WARN, said, hint, code)
