"""What `symbolon doctor` looks at in this node, check by check.

Every check stands for itself: one that fails does not hide the others, and one that cannot be made without
what failed before comes out as `unknown`. Parts are opened one by one, never as a whole `Node`, which opens
only when everything is well.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Final

from symbolon import config
from symbolon.audit.checkpoint import log_origin
from symbolon.cli.doctor_audit import look_at_audit
from symbolon.cli.doctor_lock import look_at_lock
from symbolon.cli.doctor_membership import (
    look_at_certificate,
    look_at_founder,
    look_at_listing,
    look_at_metadata,
    look_at_own_entry,
    look_at_relays,
    signed_at_the_earliest,
)
from symbolon.cli.doctor_peer import look_at_peer
from symbolon.cli.outdated_list import IMPORT_AGAIN, OUTDATED
from symbolon.cli.status_signals import look_at_signals
from symbolon.config import Config
from symbolon.errors import MembershipError, SymbolonError
from symbolon.membership.atomic_file import require_writable_folder
from symbolon.membership.certificates import (
    CLOCK_SKEW,
    certificate_fingerprint,
    load_certificate,
    tls_target_name,
)
from symbolon.membership.coalition_state import State as CoalitionState
from symbolon.membership.coalition_store import CoalitionStore
from symbolon.membership.founder_keys import AUTHORITY_FILE, load_founder_keys
from symbolon.membership.member import WITHOUT_LIST, CoalitionId, MemberId
from symbolon.membership.member_record import MemberRecord
from symbolon.membership.signing_key import load_signing_key
from symbolon.oprf.backend import choose_backend
from symbolon.oprf.suite import DEFAULT_SUITE, get_suite
from symbolon.policy.operator_roles import Role
from symbolon.rpc.diagnosis import presented_certificate
from symbolon.rpc.diagnosis_finding import Finding, State, failed, good, warned
from symbolon.rpc.diagnosis_own import own_transport
from symbolon.rpc.founding import Founding
from symbolon.rpc.node import (
    COALITION_FOLDER,
    FOUNDER_FOLDER,
    LEAF_FILE,
    LEAF_KEY_FILE,
    NEXT_LEAF_KEY_FILE,
    SEAL_KEY_FILE,
    SIGNING_KEY_FILE,
    Credentials,
)
from symbolon.rpc.own_certificate import absent
from symbolon.rpc.policy_sources import node_bundle
from symbolon.rpc.signal_standing import SignalBooks, StoredBooks, signal_standing
from symbolon.rpc.tls_material import Leaf, LeafFiles
from symbolon.storage.audit_checkpoints import CHECKPOINT_FILE, Checkpoints
from symbolon.storage.audit_log import AuditLog
from symbolon.storage.database import Database, database_file
from symbolon.storage.founding_store import FoundingStore
from symbolon.storage.operator_store import OperatorStore
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
        clock: seconds since 1970-01-01 UTC.
    """

    def __init__(
        self, home: Path, peer: str = "", wait_s: float = 0.0, clock: Callable[[], float] = time.time
    ) -> None:
        self._home = home
        self._peer_id = peer
        self._wait_s = wait_s
        self._now = datetime.fromtimestamp(clock(), UTC)
        self._failed_at: dict[str, str] = {}

    def findings(self) -> Iterator[Finding]:
        """All checks, in the order in which they matter."""
        checks: tuple[tuple[str, _Check], ...] = (
            ("configuration", self._configuration),
            ("keys on disk", self._keys),
            ("database", self._database_state),
            ("free disk", self._disk),
            ("metadata", self._metadata),
            ("certificate", self._certificate),
            ("own entry", self._own_entry),
            ("listing", self._listing),
            ("relay", self._relays),
            ("founder", self._founder),
            ("clock", self._clock),
            ("audit log", self._audit_log),
            ("permission", self._allowed),
            ("supplier list", self._suppliers),
            ("signals", self._signals),
            ("operators", self._operators),
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
                yield warned(name, error.full_code, error.detail, error.hint or "")
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

    @property
    def _books(self) -> SignalBooks:
        """What is held of signals; a node opened as a whole would bring an older database up to date."""
        return StoredBooks(self.database, self.sealer, self._now.timestamp)

    @property
    def _audit(self) -> AuditLog:
        return AuditLog(self.database, self.sealer, self._now.timestamp)

    @cached_property
    def store(self) -> CoalitionStore:
        """The coalition's metadata."""
        return CoalitionStore(self._home / COALITION_FOLDER, lambda: self._now)

    @property
    def state(self) -> CoalitionState:
        """The state in force, whatever its time: it still says where a peer was to be found."""
        return self.store.state()

    @property
    def own(self) -> MemberRecord | None:
        """This member's entry."""
        return self.state.members.find(self.config.node.member)

    @cached_property
    def leaf_files(self) -> LeafFiles:
        """Where certificate and key lie."""
        home = self._home
        return LeafFiles(home / LEAF_FILE, home / LEAF_KEY_FILE, home / NEXT_LEAF_KEY_FILE)

    @cached_property
    def leaf(self) -> Leaf:
        """The certificate and the key that fits it."""
        try:
            return self.leaf_files.read()
        except FileNotFoundError as error:
            # A key that waits for its certificate is there while the node joins.
            joined = (self._home / COALITION_FOLDER).exists() and not self.leaf_files.next_key.exists()
            name = Path(str(error.filename)).name
            raise absent(name, self.config.node.member, joined=joined) from None
        except MembershipError as error:
            if error.full_code != "membership.key":
                raise
            raise MembershipError(
                f"{LEAF_KEY_FILE} does not hold the key of {LEAF_FILE}",
                hint="Put both back from one copy of this folder; without it, a founder's invitation and "
                "`symbolon coalition join CODE` make new ones.",
                code="certificate.key",
            ) from None

    @cached_property
    def credentials(self) -> Credentials:
        """Key, certificate and authorities; nothing says yet that the certificate holds."""
        return Credentials(self.leaf.private_key, self.leaf.certificate, self.state.authorities_pem)

    def _configuration(self) -> Iterator[Finding]:
        node = self.config.node
        if not node.member or not node.coalition:
            said = f"{config.FILE_NAME} does not name the member and its coalition"
            yield failed("configuration", "config.member", said, "Set node.member and node.coalition.")
            return
        require_writable_folder(self._home)
        yield good("configuration", f"member {node.member} of coalition {node.coalition}, in {self._home}")

    def _keys(self) -> Iterator[Finding]:
        _ = self.sealer
        load_signing_key(self._home / SIGNING_KEY_FILE)
        names = (SEAL_KEY_FILE, SIGNING_KEY_FILE, LEAF_KEY_FILE, NEXT_LEAF_KEY_FILE)
        paths = [self._home / name for name in names if (self._home / name).exists()]
        paths += sorted((self._home / FOUNDER_FOLDER).glob("*.pem"))
        open_to_others = [path for path in paths if path.stat().st_mode & 0o077]
        if open_to_others:
            named = ", ".join(
                f"{path.relative_to(self._home)} (mode {path.stat().st_mode & 0o777:04o})"
                for path in open_to_others
            )
            chmod = " ".join(["chmod 600", *map(str, open_to_others)])
            hint = f"Run `{chmod}`; if others may have read it, treat the key as known."
            yield failed("keys on disk", "keys.mode", f"other users can read {named}", hint)
            return
        if self._home.stat().st_mode & 0o077:
            said = f"all key files are private, but other users can look into {self._home}"
            yield warned("keys on disk", "keys.folder", said, f"Run `chmod 700 {self._home}`.")
            return
        said = f"{len(paths)} key files can be read by this user only"
        yield from look_at_lock(self._home, said)

    def _database_state(self) -> Iterator[Finding]:
        with self.database.read("read the version") as connection:
            version = read_version(connection)
        self._audit.require_writable()
        bind_key(self.database, self.sealer)
        said = f"{self.database.url}, version {version}, can be written, opens with the sealing key"
        yield good("database", said)

    def _disk(self) -> Iterator[Finding]:
        # Not of the open database: one on a full disk may not open, and this says why.
        path = database_file(self.config.database_url)
        free = shutil.disk_usage(path.parent if path else self._home).free
        where = "beside the database" if path else "here; the database is elsewhere"
        said = f"{free / _GIB:,.1f} GiB free {where}"
        hint = "Free some space: what cannot be written down is not exchanged."
        if free < NO_DISK_BYTES:
            yield failed("free disk", "disk.full", said, hint)
        elif free < LOW_DISK_BYTES:
            yield warned("free disk", "disk.low", said, hint)
        else:
            yield good("free disk", said)

    def _metadata(self) -> Iterator[Finding]:
        state = self.state
        require_writable_folder(self._home / COALITION_FOLDER)
        yield from look_at_metadata(state, self._now)

    def _certificate(self) -> Iterator[Finding]:
        node, leaf = self.config.node, self.leaf
        yield from look_at_certificate(
            leaf, self.state.authorities_pem, node.coalition, node.member, self._now
        )

    def _own_entry(self) -> Iterator[Finding]:
        yield from look_at_own_entry(self.state, self.config.node.member, self._now)

    def _listing(self) -> Iterator[Finding]:
        if self.own is not None:
            yield from look_at_listing(self.own, self.leaf, self.state.targets_version)

    def _relays(self) -> Iterator[Finding]:
        if self.own is not None:
            yield from look_at_relays(self.state, self.own, self._now)

    def _founder(self) -> Iterator[Finding]:
        folder, member = self._home / FOUNDER_FOLDER, MemberId(self.config.node.member)
        if not (folder / AUTHORITY_FILE).exists() and member not in {
            each.member_id for each in self.state.founders
        }:
            return
        keys = load_founder_keys(folder, member)
        founding_store = FoundingStore(self.database, self._now.timestamp)
        founding = Founding(keys, founding_store, self.store, lambda: self._now)
        yield from look_at_founder(folder, keys, self.state, founding)

    def _clock(self) -> Iterator[Finding]:
        """No handshake tells the peer's time, so the clock is held against what is dated here."""
        marks = [(signed_at_the_earliest(self.state), "the coalition's metadata was signed")]
        starts = load_certificate(self.leaf.certificate).not_valid_before_utc
        marks.append((starts, "the certificate became valid"))
        newest = self._audit.last_written_at_s()
        if newest is not None:
            marks.append((datetime.fromtimestamp(newest, UTC), "the audit log was last written"))
        latest, event = max(marks)
        said = f"{self._now:%Y-%m-%d %H:%M:%S} UTC"
        if self._now + CLOCK_SKEW < latest:
            said += f" is before {event} ({latest:%Y-%m-%d %H:%M:%S} UTC)"
            hint = "Set this machine's clock; certificates, metadata and budgets depend on it."
            yield failed("clock", "clock.behind", said, hint)
            return
        if self.state.expires <= self._now:
            said += ", after the metadata here ended: nothing here shows whether that is the time"
            hint = "Compare it with another clock first; if it is right, this node was off for long."
            yield warned("clock", "clock.ahead", said, hint)
            return
        yield good("clock", f"{said}, not before anything dated here; ahead it may be")

    def _audit_log(self) -> Iterator[Finding]:
        node = self.config.node
        checkpoints = Checkpoints(
            self.database,
            self._audit,
            log_origin(CoalitionId(node.coalition), MemberId(node.member)),
            lambda: load_signing_key(self._home / SIGNING_KEY_FILE),
            self._home / CHECKPOINT_FILE,
            self._now.timestamp,
        )
        yield from look_at_audit(
            self._audit, checkpoints, self.state.members, node.member, self._now.timestamp()
        )

    def _allowed(self) -> Iterator[Finding]:
        allowed = self.config.allow
        # A node does not start with policies that have a problem.
        own = sum(each.kind == "own" for each in node_bundle(self._home).policies)
        if own and not allowed:
            said = f"no [[allow]] table; {own} in policies/ decide: `symbolon policy explain` shows what"
            yield good("permission", said)
            return
        if not allowed:
            said = "no [[allow]] table: this node answers nobody and asks nobody"
            hint = f"Add one to {config.FILE_NAME} for a peer, once both operators have agreed."
            yield warned("permission", "allow.none", said, hint)
            return
        strangers = sorted({each.peer for each in allowed if self.state.members.find(each.peer) is None})
        if strangers:
            said = f"[[allow]] names {', '.join(strangers)}, no member of the coalition"
            hint = "Check the spelling against `symbolon status`, or run `symbolon coalition sync`."
            yield warned("permission", "allow.unknown", said, hint)
            return
        answers = sorted({each.peer for each in allowed if each.answer}) or ["nobody"]
        asks = sorted({each.peer for each in allowed if each.ask}) or ["nobody"]
        said = f"answers {', '.join(answers)}; asks {', '.join(asks)}"
        yield good("permission", f"{said}; {own} in policies/ decide too" if own else said)

    def _suppliers(self) -> Iterator[Finding]:
        store = SupplierStore(self.database, self.sealer)
        count = store.count()
        if not count and self.own and self.own.kind in WITHOUT_LIST:
            yield good("supplier list", f"none, and none is needed: this member's kind is {self.own.kind}")
            return
        if not count:
            hint = "Run `symbolon suppliers import FILE`."
            yield warned("supplier list", "suppliers.none", "no suppliers imported yet", hint)
            return
        said = f"{count:,} suppliers, revision {store.revision()}"
        if store.is_outdated():
            yield warned("supplier list", "suppliers.outdated", f"{said}, {OUTDATED}", IMPORT_AGAIN)
            return
        yield good("supplier list", said)

    def _signals(self) -> Iterator[Finding]:
        yield from look_at_signals(signal_standing(self._books))

    def _operators(self) -> Iterator[Finding]:
        people = OperatorStore(self.database, self.sealer, self._now.timestamp, os.urandom).all()
        if not people:
            said = "none: whoever can read this folder works with the node, and is `local` in the audit log"
            yield good("operators", said)
            return
        eyes = ", ".join(self.config.operators.four_eyes)
        said = f"{len(people)} of them sign in; four eyes on {eyes or 'nothing'}"
        if eyes and sum(each.role.covers(Role.APPROVER) for each in people) < 2:
            hint = "Add an approver or administrator: `symbolon operators add NAME --role approver`."
            yield warned("operators", "operators.alone", f"{said}, but no second person may approve", hint)
            return
        yield good("operators", said)

    def _backend(self) -> Iterator[Finding]:
        exchange = self.config.exchange
        chosen = choose_backend(exchange.backend)
        said = f"{chosen.name} ({chosen.reason})"
        if exchange.suite != DEFAULT_SUITE:
            own = get_suite(exchange.suite, exchange.backend).backend_name
            said = f"{own} for {exchange.suite}; {said} for {DEFAULT_SUITE}"
        yield good("multiplication", said)

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
            yield good("listening", "on any free port; `symbolon serve` prints which")
            return
        address = (_UNSPECIFIED.get(host, host.strip("[]")), int(port))
        try:
            presented = presented_certificate(address, tls_target_name(node.member, node.coalition))
        except OSError:
            said = f"`symbolon serve` does not run on {node.listen}; asking peers works without it"
            yield good("listening", said)
            return
        if presented is not None and certificate_fingerprint(presented) == certificate_fingerprint(
            self.credentials.certificate
        ):
            yield good("listening", f"`symbolon serve` answers on {node.listen} with this certificate")
            return
        said = f"something else answers on {node.listen}, or `symbolon serve` with an older certificate"
        hint = "Stop it or restart `symbolon serve`; else set node.listen to a free port."
        yield failed("listening", "listen.taken", said, hint)

    def _peer(self) -> Iterator[Finding]:
        yield from look_at_peer(
            self._peer_id,
            self.state,
            self.config,
            self.leaf_files,
            self._now,
            wait_s=self._wait_s,
            # A node opened as a whole would bring an older database to the newest version.
            require_openable=lambda: self.database,
        )
